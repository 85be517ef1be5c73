import { type Command, Option } from 'commander'
import { z } from 'zod'
import { Role, StaffCall, StaffMember, StaffToken } from '../../shared/office/staff.ts'
import { command, group, idArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { instant, plain, table } from './output.ts'

const People = z.object({ people: z.array(StaffMember) })

/** `klubkort staff …`: who works here. */
export function peopleCommands(klubkort: Command, desk: Desk) {
  const staff = group(klubkort, 'staff', 'who works here, and what they may do', 'klubkort staff list')

  command(
    staff,
    'add',
    'give somebody a token of their own, which is shown once',
    "klubkort staff add --name 'Anne Holm' --role finance",
  )
    .requiredOption('--name <name>', 'their name, which payouts and the audit log show')
    .addOption(new Option('--role <role>', 'what they may do').choices(Role.options).makeOptionMandatory())
    .action(async ({ name, role }: { name: string; role: string }) => {
      const added = await change(desk, '/people', StaffCall, { name, role }, StaffToken)
      desk.deliver(
        told(
          added,
          ({ id, name, role, expiresAt, token }, url) => `Staff ${id} added: ${plain(name)}, ${role}.
Their token, shown this once and good until ${instant(expiresAt)}:

  ${plain(token)}

They log in with: klubkort login --url ${url} --token -`,
        ),
      )
    })

  command(staff, 'list', 'list everybody who has or had a token', 'klubkort staff list').action(async () =>
    desk.deliver(
      told(await read(desk, '/people', People), ({ people }) =>
        table(
          people,
          [
            { head: 'ID', cell: ({ id }) => id, align: 'right' },
            { head: 'NAME', cell: ({ name }) => name, flexible: true },
            { head: 'ROLE', cell: ({ role }) => role },
            { head: 'TOKEN', cell: ({ state }) => state },
            { head: 'UNTIL', cell: ({ expiresAt }) => instant(expiresAt) },
          ],
          'Nobody.',
        ),
      ),
    ),
  )

  command(staff, 'revoke', "revoke somebody's token, at once and for good", 'klubkort staff revoke 3')
    .argument('<id>', 'whose', idArgument)
    .action(async (id: number) => {
      const revoked = await change(desk, `/people/${id}/revoke`, z.strictObject({}), {}, StaffMember)
      desk.deliver(told(revoked, ({ id, name }) => `The token of staff ${id}, ${plain(name)}, is revoked.`))
    })
}
