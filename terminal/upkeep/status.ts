import { readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'

const Device = z.object({ works: z.boolean(), trouble: z.string().nullable() })

/**
 * What a running till says of itself, for `doctor`: nothing secret, nothing personal. Times are epoch milliseconds of
 * the machine's clock; `skewMs` is how far that clock is ahead of the worker's.
 */
export const Status = z.object({
  pid: z.int(),
  at: z.int(),
  startedAt: z.int(),
  software: z.string(),
  reader: Device,
  display: Device,
  connection: z.string(),
  skewMs: z.number(),
  pingedAt: z.int().nullable(),
  watchdogMs: z.number().nullable(),
})
export type Status = z.infer<typeof Status>

/** A status older than this is of a till that has ended, or hangs. */
export const STATUS_FRESH_MS = 30_000

/** Writes the status whole. It is no record: where it cannot be written, nothing else stops. */
export async function tellStatus(path: string, status: Status): Promise<void> {
  try {
    await writeFile(`${path}.new`, JSON.stringify(status), { mode: 0o640 })
    await rename(`${path}.new`, path)
  } catch {
    // A folder that is gone or full: doctor then says that no till is running.
  }
}

/** What a till that is running now says of itself; null where none is. */
export async function statusIn(path: string, nowMs: number): Promise<Status | null> {
  try {
    const status = Status.parse(JSON.parse(await readFile(path, 'utf8')))
    return Math.abs(nowMs - status.at) <= STATUS_FRESH_MS ? status : null
  } catch {
    return null // Never written, or half a program's: there is no till to ask.
  }
}
