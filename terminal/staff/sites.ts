import type { Command } from 'commander'
import { z } from 'zod'
import { Site, SiteCall } from '../../shared/wire.ts'
import { command, group } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { plain, table } from './output.ts'

const Sites = z.object({ sites: z.array(Site) })

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
}
