import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { Role, StaffCall, StaffMember, StaffSitesCall, StaffToken, TOKEN_DAYS_MAX } from '../../shared/office/staff.ts'
import { command, group, idArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { instant, plain, table } from './output.ts'
import { worded } from './prompt.ts'

const People = z.object({ people: z.array(StaffMember) })

/** `klubkort staff …`: who works here. */
export function peopleCommands(klubkort: Command, desk: Desk) {
  const staff = group(klubkort, 'staff', 'who works here, and what they may do', 'klubkort staff list')

  command(
    staff,
    'add',
    'give somebody a token of their own, which is shown once',
    "klubkort staff add --name 'Anne Holm' --role finance",
    "klubkort staff add --name 'Bo Lund' --role club --site 1 --site 2 --expires 90",
  )
    .requiredOption('--name <name>', 'their name, which payouts and the audit log show')
    .addOption(new Option('--role <role>', 'what they may do').choices(Role.options).makeOptionMandatory())
    .option('--site <id...>', "where a club's staff work: they see and do only what is theirs", siteArguments)
    .option('--expires <days>', `how long the token is good (default: ${TOKEN_DAYS_MAX})`, daysArgument)
    .action(async ({ name, role, site = [], expires = TOKEN_DAYS_MAX }: Adding) => {
      const sites = role === 'club' && site.length === 0 ? await workplace(desk) : site
      if (!Array.isArray(sites)) return desk.deliver(sites)
      const body = { name, role, sites, days: expires }
      const added = await change(desk, '/people', StaffCall, body, StaffToken)
      desk.deliver(
        told(
          added,
          ({ id, name, role, sites, expiresAt, token }, url) => `Staff ${id} added: ${plain(name)}, ${role}${at(sites)}.
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
            { head: 'NAME', cell: ({ name, sites }) => `${name}${at(sites)}`, flexible: true },
            { head: 'ROLE', cell: ({ role }) => role },
            { head: 'TOKEN', cell: ({ state }) => state },
            { head: 'UNTIL', cell: ({ expiresAt }) => instant(expiresAt).slice(0, 10) },
            { head: 'LAST USED', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : instant(lastUsedAt)) },
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

  command(
    staff,
    'sites',
    "put a club's staff at other sites than before",
    'klubkort staff sites 3 --site 1',
    'klubkort staff sites 3 --site 1 --site 2',
  )
    .argument('<id>', 'who', idArgument)
    .requiredOption('--site <id...>', 'where they work from now on', siteArguments)
    .action(async (id: number, { site }: { site: number[] }) => {
      const moved = await change(desk, `/people/${id}/sites`, StaffSitesCall, { sites: site }, StaffMember)
      desk.deliver(told(moved, ({ id, name, sites }) => `Staff ${id}, ${plain(name)}, works${at(sites)}.`))
    })
}

type Adding = { name: string; role: string; site?: number[]; expires?: number }

/** Where a club's staff work, which only they must say: asked for where somebody is there. */
async function workplace({ person }: Desk): Promise<number[] | Outcome> {
  if (person === null) return { kind: 'usage', message: "a club's staff work somewhere: --site <id>" }
  const site = new Option('--site <id>', 'where they work').argParser(idArgument)
  const said = await worded(person, site, site.flags)
  return typeof said === 'string' ? [idArgument(said)] : said
}

const siteArguments = (text: string, before: number[] = []) => [...before, idArgument(text)]

function daysArgument(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (days < 1 || days > TOKEN_DAYS_MAX) throw new InvalidArgumentError(`Days are 1 to ${TOKEN_DAYS_MAX}.`)
  return days
}

/** Where somebody works, as the end of a phrase; nothing for who may see all sites. */
export function at(sites: z.infer<typeof StaffMember>['sites']): string {
  if (sites === null) return ''
  return sites.length === 0 ? ' at no site' : ` at ${sites.map(({ name }) => plain(name)).join(', ')}`
}
