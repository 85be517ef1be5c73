import type { Forwarder } from './forwarder.ts'
import type { Journal } from './journal.ts'
import type { Link } from './link.ts'

/** How often a terminal asks what has changed. */
export const SYNC_EVERY_MS = 10_000

/** Asks the worker what has changed since the last sync, page by page, and tells the forwarder whether it answered. */
export async function syncOnce(link: Link, journal: Journal, forwarder: Forwarder): Promise<boolean> {
  while (true) {
    /** The first message that the worker need not have. */
    const owed = journal.unanswered(1)[0]?.seq ?? journal.head().seq + 1
    const page = await link.sync(journal.site().version, journal.head(), journal.queue())
    if (page.kind === 'unreachable') {
      forwarder.missed('offline')
      return false
    }
    if (page.kind === 'refused') {
      const ours = page.code === 'terminal_stopped' || (page.status === 401 && page.code !== 'proof_invalid')
      forwarder.missed(ours ? page.code : 'offline')
      return false
    }
    journal.synced(page.value)
    if (page.value.more) continue
    // What was answered once is gone there, as after a restored backup: nobody has to buy something first.
    if (page.value.nextSeq < owed) forwarder.tellAgain(page.value.nextSeq)
    forwarder.reached()
    // The worker has more than this journal: it was rolled back, or it is a copy's.
    if (page.value.nextSeq > journal.head().seq + 1) forwarder.missed('seq_gap')
    else journal.trim(page.value.time)
    return true
  }
}

/** Syncs every ten seconds, and at once when asked to; `onTried` hears of each try, whether it was answered or not. */
export function syncer({
  link,
  journal,
  forwarder,
  sleep,
  onTried,
}: {
  link: Link
  journal: Journal
  forwarder: Forwarder
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  onTried: () => void
}) {
  let pause = new AbortController()
  return {
    /** Syncs at once, as after the network came back. */
    soon: () => pause.abort(),

    /** Runs until the signal aborts. */
    async run(signal: AbortSignal) {
      while (!signal.aborted) {
        pause = new AbortController()
        await syncOnce(link, journal, forwarder)
        onTried()
        await sleep(SYNC_EVERY_MS, AbortSignal.any([signal, pause.signal])).catch(() => undefined)
      }
    },
  }
}
