import type { Command } from 'commander'
import { renderUnicodeCompact } from 'uqr'
import { z } from 'zod'
import { Terminal, TerminalCall, TerminalCode } from '../../shared/wire.ts'
import { command, group, idArgument, terminalArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { instant, plain, table } from './output.ts'

const Terminals = z.object({ terminals: z.array(Terminal) })

/** `klubkort terminal …`: the tills, from their one-time code to their end. */
export function terminalCommands(klubkort: Command, desk: Desk) {
  const terminal = group(klubkort, 'terminal', 'the tills', "klubkort terminal add --site 1 --name 'Kantine 1'")

  command(
    terminal,
    'add',
    'add a terminal and get its one-time code',
    "klubkort terminal add --site 1 --name 'Kantine 1'",
  )
    .requiredOption('--site <id>', 'the site where it stands', idArgument)
    .requiredOption('--name <name>', 'its name')
    .action(async ({ site, name }: { site: number; name: string }) =>
      desk.deliver(told(await change(desk, '/terminals', TerminalCall, { site, name }, TerminalCode), codePage)),
    )

  command(terminal, 'code', 'get a new one-time code for a terminal not yet enrolled', 'klubkort terminal code 4000-7')
    .argument('<id>', 'the terminal', terminalArgument)
    .action(async (id: string) =>
      desk.deliver(told(await change(desk, `/terminals/${id}/code`, z.strictObject({}), {}, TerminalCode), codePage)),
    )

  command(terminal, 'list', 'list all terminals and how far their messages have come', 'klubkort terminal list').action(
    async () => {
      const listed = await read(desk, '/terminals', Terminals)
      desk.deliver(
        told(listed, ({ terminals }) =>
          table(
            terminals,
            [
              { head: 'ID', cell: ({ id }) => id },
              { head: 'SITE', cell: ({ site }) => site, align: 'right' },
              { head: 'NAME', cell: ({ name }) => name, flexible: true },
              { head: 'STATE', cell: ({ state }) => state },
              { head: 'MESSAGES', cell: ({ lastSeq }) => lastSeq, align: 'right' },
              { head: 'LAST SEEN', cell: ({ lastSeenAt }) => (lastSeenAt === null ? 'never' : instant(lastSeenAt)) },
            ],
            'No terminals yet.',
          ),
        ),
      )
    },
  )

  command(terminal, 'revoke', 'revoke a terminal, at once and for good', 'klubkort terminal revoke 4000-7')
    .argument('<id>', 'the terminal', terminalArgument)
    .action(async (id: string) => {
      const revoked = await change(desk, `/terminals/${id}/revoke`, z.strictObject({}), {}, Terminal)
      desk.deliver(told(revoked, ({ id, name, state }) => `Terminal ${plain(id)}, ${plain(name)}, is ${state}.`))
    })
}

function codePage({ terminal, code, expiresAt }: z.infer<typeof TerminalCode>, url: string): string {
  return `Terminal ${plain(terminal)} waits to be enrolled. One-time code, good until ${instant(expiresAt)}:

  ${code}

On the terminal:

  klubkort-terminal enrol --url ${url} --code ${code}

${renderUnicodeCompact(`${url}#${code}`, { border: 2 })}`
}
