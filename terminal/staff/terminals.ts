import type { Command } from 'commander'
import { renderUnicodeCompact } from 'uqr'
import { z } from 'zod'
import { OfflineRisk } from '../../shared/office/sites.ts'
import { Terminal, TerminalCall, TerminalCode } from '../../shared/office/terminals.ts'
import { command, group, idArgument, terminalArgument } from './command.ts'
import { unsentWords } from './days.ts'
import { change, type Desk, read, told } from './desk.ts'
import { amount, counted, instant, plain, table } from './output.ts'

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

  command(
    terminal,
    'renew',
    'get a new one-time code to enrol a terminal again, with another key',
    'klubkort terminal renew 4000-7',
  )
    .argument('<id>', 'the terminal', terminalArgument)
    .action(async (id: string) =>
      desk.deliver(told(await change(desk, `/terminals/${id}/renew`, z.strictObject({}), {}, TerminalCode), renewPage)),
    )

  command(
    terminal,
    'risk',
    'the worst that can be lost while terminals are offline',
    'klubkort terminal risk',
    'klubkort terminal risk --json',
  ).action(async () => desk.deliver(told(await read(desk, '/terminals/risk', OfflineRisk), riskPage)))

  command(
    terminal,
    'list',
    'list all terminals, how far their messages have come, and when they last had the card list',
    'klubkort terminal list',
  ).action(async () => {
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
            { head: 'SENT', cell: ({ lastSeq }) => lastSeq, align: 'right' },
            { head: 'ASIDE', cell: ({ quarantined }) => quarantined || '', align: 'right' },
            { head: 'WAITS', cell: ({ unsentCount }) => unsentCount || '', align: 'right' },
            { head: 'LIST', cell: ({ listedAt }) => (listedAt === null ? 'never' : instant(listedAt)) },
          ],
          'No terminals yet.',
        ),
      ),
    )
  })

  command(terminal, 'show', 'show a terminal, and what it has yet to send', 'klubkort terminal show 4000-7')
    .argument('<id>', 'the terminal', terminalArgument)
    .action(async (id: string) => {
      const listed = await read(desk, '/terminals', Terminals)
      const one = listed.kind === 'answer' ? listed.value.terminals.find((each) => each.id === id) : undefined
      if (listed.kind !== 'answer') desk.deliver(listed)
      else if (one === undefined) desk.deliver({ kind: 'refused', code: 'not_found', message: 'no such terminal' })
      else desk.deliver({ kind: 'done', value: one, text: terminalPage(one) })
    })

  command(terminal, 'revoke', 'revoke a terminal, at once and for good', 'klubkort terminal revoke 4000-7')
    .argument('<id>', 'the terminal', terminalArgument)
    .action(async (id: string) => {
      const revoked = await change(desk, `/terminals/${id}/revoke`, z.strictObject({}), {}, Terminal)
      desk.deliver(told(revoked, ({ id, name, state }) => `Terminal ${plain(id)}, ${plain(name)}, is ${state}.`))
    })
}

function terminalPage(one: z.infer<typeof Terminal>): string {
  const { id, name, site, state, lastSeq, lastSeenAt, listedAt, software, quarantined } = one
  const { unsentCount, unsentSum, unsentSince } = one
  const when = (at: number | null) => (at === null ? 'never' : instant(at))
  const unsent =
    unsentCount === null ? null : { count: unsentCount, sum: unsentSum ?? 0, since: unsentSince, asOf: lastSeenAt ?? 0 }
  return `Terminal ${plain(id)}, ${plain(name)}, at site ${site}: ${state}
Heard last ${when(lastSeenAt)}, had the card list ${when(listedAt)}${software === null ? '' : `, ${plain(software)}`}
${counted(lastSeq, 'message')} booked, ${quarantined} put aside
${unsentWords(unsent)}`
}

function riskPage({ cards, sites, worst }: z.infer<typeof OfflineRisk>): string {
  const rows = table(
    sites,
    [
      { head: 'SITE', cell: ({ name }) => name, flexible: true },
      { head: 'TERMINALS', cell: ({ terminals }) => terminals, align: 'right' },
      { head: 'BY SUM', cell: ({ caps }) => amount(caps.unsentSum), align: 'right' },
      { head: 'BY COUNT', cell: ({ caps }) => amount(caps.unsentCount), align: 'right' },
      { head: 'BY CARDS', cell: ({ caps }) => amount(caps.cardSum), align: 'right' },
      { head: 'WORST', cell: ({ worst }) => amount(worst), align: 'right' },
    ],
    'No sites yet.',
  )
  return `If every terminal were cut off, and sold all that it may to cards with nothing
on their accounts, at most ${amount(worst)} kr would be lost.
${counted(cards.active, 'card is', 'cards are')} active, and ${cards.blocked} blocked, of which a till may not know.
Each cap alone would allow, in kr:

${rows}

The least of a site's caps holds. To change them: klubkort settings set, or
klubkort site limits.`
}

function codePage({ terminal, ...code }: z.infer<typeof TerminalCode>, url: string): string {
  return `Terminal ${plain(terminal)} waits to be enrolled.
${codeLines(code, url)}`
}

function renewPage({ terminal, ...code }: z.infer<typeof TerminalCode>, url: string): string {
  return `Terminal ${plain(terminal)} may be enrolled again. Until it is, it stays as it is: working, or
stopped. Then it goes on with another key, and whoever has the one before is out.
${codeLines(code, url)}`
}

function codeLines({ code, expiresAt }: Omit<z.infer<typeof TerminalCode>, 'terminal'>, url: string): string {
  return `One-time code, good until ${instant(expiresAt)}:

  ${code}

On the terminal:

  klubkort-terminal enrol --url ${url} --code ${code}

${renderUnicodeCompact(`${url}#${code}`, { border: 2 })}`
}
