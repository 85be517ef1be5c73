/**
 * The reader looks for a card many times a second, and tries again every two seconds while it is gone; it waits while a
 * card is served.
 */
const READER_SILENT_MAX_MS = 60_000
/** The longest a sale takes, with a display that has to be asked three times. */
const DEED_MAX_MS = 45_000
/** So often the journal is written to on trial. */
const PROBE_EVERY_MS = 60_000

export type Part = 'reader' | 'till' | 'journal'

export type Health = ReturnType<typeof health>

/**
 * Whether the parts that sell are alive, for the watchdog that starts the program anew when they are not. `elapsed` is a
 * clock that only grows, in milliseconds; `busySince` says since when the till has been at one deed, null while it
 * rests; `probe` writes to the journal and throws where the disk refuses.
 */
export function health({
  elapsed,
  busySince,
  probe,
}: {
  elapsed: () => number
  busySince: () => number | null
  probe: () => void
}) {
  let readerAt = elapsed()
  let journalAt: number | null = null

  return {
    /** The reader's loop has come around once more, with a card or without. */
    readerBeat() {
      readerAt = elapsed()
    },

    /** What is not alive. Writes to the journal now and then, since a disk that has failed is noticed by nothing else. */
    sick(): Part[] {
      const now = elapsed()
      const busy = busySince()
      const parts: Part[] = []
      if (now - readerAt > READER_SILENT_MAX_MS) parts.push('reader')
      if (busy !== null && now - busy > DEED_MAX_MS) parts.push('till')
      if (journalAt === null || now - journalAt > PROBE_EVERY_MS) {
        try {
          probe()
          journalAt = now
        } catch {
          parts.push('journal')
        }
      }
      return parts
    },
  }
}

/**
 * Tells the watchdog that all is well, every so often while it is. What is unwell is said in the log, once until it
 * changes. An event loop that hangs tells nobody anything, which is the point.
 */
export async function watch({
  sick,
  everyMs,
  ping,
  sleep,
  log,
  signal,
}: {
  sick: () => Part[]
  everyMs: number
  ping: () => Promise<unknown>
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  log: (event: string, fields?: Record<string, unknown>) => void
  signal: AbortSignal
}) {
  let said = ''
  while (!signal.aborted) {
    const parts = sick()
    if (parts.length === 0) await ping()
    const now = parts.join()
    if (now !== said) log(now === '' ? 'well_again' : 'unwell', { parts })
    said = now
    await sleep(everyMs, signal).catch(() => undefined)
  }
}
