import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** What a journal's message takes in the write-ahead log: about a page and its header. */
const WRITE_BYTES = 4_120

/** How long a disk takes to have so many small writes safe, one after the other; milliseconds. */
export function syncsMs(folder: string, times: number): number[] {
  const file = openSync(join(folder, 'syncs'), 'w')
  const bytes = Buffer.alloc(WRITE_BYTES, 'x')
  try {
    return Array.from({ length: times }, (_, index) => {
      const startedAt = performance.now()
      writeSync(file, bytes, 0, bytes.length, index * bytes.length)
      fdatasyncSync(file)
      return performance.now() - startedAt
    })
  } finally {
    closeSync(file)
  }
}
