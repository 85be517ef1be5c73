import type { Command } from 'commander'
import { z } from 'zod'
import { Site, SiteCall, SiteLimits, SiteLimitsCall } from '../../shared/office/sites.ts'
import { command, group, idArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { hoursCell, LIMIT_OPTIONS, limitOptions, limitsOf } from './limits.ts'
import { amount, plain, table, tableWithDetails } from './output.ts'

const Sites = z.object({ sites: z.array(Site) })
const Limits = z.object({ sites: z.array(SiteLimits) })

/** `klubkort site …`: the places where cards are used. */
export function siteCommands(klubkort: Command, desk: Desk) {
  const site = group(klubkort, 'site', 'clubs and canteens, where cards are used', "klubkort site add 'Klub Nord'")

  command(site, 'add <name>', 'add a site', "klubkort site add 'Klub Nord'").action(async (name: string) => {
    const added = await change(desk, '/sites', SiteCall, { name }, Site)
    desk.deliver(told(added, ({ id, name }) => `Site ${id} added: ${plain(name)}`))
  })

  command(site, 'list', 'list all sites', 'klubkort site list', 'klubkort site list --json').action(async () => {
    const listed = await read(desk, '/sites', Sites)
    desk.deliver(
      told(listed, ({ sites }) =>
        table(
          sites,
          [
            { head: 'ID', cell: ({ id }) => id, align: 'right' },
            { head: 'NAME', cell: ({ name }) => name, flexible: true },
          ],
          'No sites yet.',
        ),
      ),
    )
  })

  const limits = command(
    site,
    'limits',
    "show what each site may sell offline, or change a site's own limits; '' gives the municipality's back",
    'klubkort site limits',
    'klubkort site limits --site 1 --sale-max 30 --unsent-sum-max 5.000',
    "klubkort site limits --site 1 --sale-max '' --display-language en",
  ).option('--site <id>', 'the site to change', idArgument)
  limitOptions(limits).action(async (options: { site?: number; json?: true }) => {
    const { site: changed, json, ...given } = options
    const named = limitsOf(given)
    if (changed === undefined) {
      return desk.deliver(
        Object.keys(named).length > 0
          ? { kind: 'usage', message: 'name the --site whose limits change' }
          : told(await read(desk, '/sites/limits', Limits), ({ sites }) => limitsTable(sites)),
      )
    }
    if (Object.keys(named).length === 0)
      return desk.deliver({ kind: 'usage', message: `name a limit: ${LIMIT_OPTIONS}` })
    const set = await change(desk, `/sites/${changed}/limits`, SiteLimitsCall, named, SiteLimits)
    desk.deliver(told(set, (found) => limitsTable([found])))
  })
}

const LEGEND = `SALE and CARD: the largest sale, and the most on one card; WEAK: both of them
for a card that shows no token; UNSENT and SUM: how many messages may wait to be
sent, and what they may come to; LIST: how old the card list may be; LANG: what
the display speaks. * is the site's own; the rest is the municipality's.`

/** What is in force at each site; a star marks what is the site's own. */
function limitsTable(sites: readonly z.infer<typeof SiteLimits>[]): string {
  type Row = z.infer<typeof SiteLimits>
  const own = (row: Row, limit: keyof Row['own'], text: string) => `${text}${row.own[limit] === null ? '' : '*'}`
  const kr = (limit: 'saleMax' | 'cardSumMax' | 'weakSaleMax' | 'weakCardSumMax' | 'unsentSumMax') => (row: Row) =>
    own(row, limit, amount(row.limits[limit]))
  const rows = tableWithDetails(
    sites,
    [
      { head: 'ID', cell: ({ id }) => id, align: 'right' },
      { head: 'SALE', cell: kr('saleMax'), align: 'right' },
      { head: 'CARD', cell: kr('cardSumMax'), align: 'right' },
      { head: 'WEAK', cell: (row) => `${kr('weakSaleMax')(row)}/${kr('weakCardSumMax')(row)}`, align: 'right' },
      { head: 'UNSENT', cell: (row) => own(row, 'unsentCountMax', String(row.limits.unsentCountMax)), align: 'right' },
      { head: 'SUM', cell: kr('unsentSumMax'), align: 'right' },
      { head: 'LIST', cell: (row) => own(row, 'listAgeMaxMs', hoursCell(row.limits.listAgeMaxMs)), align: 'right' },
      { head: 'LANG', cell: (row) => own(row, 'language', row.limits.language) },
    ],
    ({ name }) => [name],
    'No sites yet.',
  )
  return sites.length === 0 ? rows : `${rows}\n\n${LEGEND}`
}
