import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const BUSY = 5

/**
 * Takes hold of a state folder, so that one program at a time signs and journals in it; null where another has it. The
 * hold is the kernel's lock on a file, and ends with this process, however it ends. Throws where the disk refuses.
 */
export function hold(state: string): { release(): void } | null {
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(join(state, 'held.db'))
  try {
    db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY) return null
    throw error
  }
  return { release: () => db.close() }
}
