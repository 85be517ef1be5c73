import { type Connection, forwarder as forwarderOf } from './forwarder.ts'
import type { Journal } from './journal.ts'
import type { Link } from './link.ts'
import { syncer as syncerOf } from './sync.ts'
import { type Till, till as tillOf } from './till.ts'

export type Station = ReturnType<typeof station>

/**
 * A terminal without its devices: the till, with what sends its messages and what keeps its card list fresh. Readers and
 * displays are attached to `till` by whoever has them.
 */
export function station({
  journal,
  link,
  random,
  ...rest
}: {
  journal: Journal
  link: Link
  random: () => number
} & Omit<Parameters<typeof tillOf>[0], 'forwarder'>) {
  const { sleep, log } = rest
  let selling: Till | null = null
  const forwarder = forwarderOf({
    ...{ journal, link, sleep, random, log },
    onChange(connection: Connection) {
      if (connection.kind === 'online') syncer.soon()
      selling?.refresh()
    },
    diverged: () => selling?.insist(),
  })
  // Drawn anew without an answer too: prices change at midnight, whether or not there is a network.
  const syncer = syncerOf({ link, journal, forwarder, sleep, onTried: () => selling?.refresh() })
  const till = tillOf({ journal, forwarder, link, ...rest })
  selling = till

  return {
    till,
    forwarder,

    /** Sends and syncs until the signal aborts. An error of the journal ends the sale too: nothing is sold without one. */
    async run(signal: AbortSignal) {
      await Promise.all([forwarder.run(signal), syncer.run(signal)].map((loop) => loop.catch(till.giveUp)))
    },
  }
}
