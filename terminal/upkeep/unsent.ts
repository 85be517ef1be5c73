import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { journalFile } from '../reenrolment.ts'

/** Messages that the worker is not known to have; the sum of what was sold in øre, the oldest in epoch milliseconds. */
export type Unsent = { count: number; sum: number; oldestAt: number | null }

/** The journal in a state folder, looked at without touching it; a till may be at work on it. Null where there is none. */
export function peek<T>(state: string, look: (db: DatabaseSync) => T): T | null {
  if (!existsSync(journalFile(state))) return null
  const db = new DatabaseSync(journalFile(state), { readOnly: true })
  try {
    db.exec('PRAGMA busy_timeout = 2000')
    return look(db)
  } finally {
    db.close()
  }
}

/** What a journal has still to deliver. Goods that were handed over, but not those that were given back. */
export function unsentIn(state: string): Unsent {
  const found = peek(state, (db) =>
    db
      .prepare(
        `SELECT count(*) AS count, min(at) AS oldestAt, coalesce(sum(iif(kind = 'advice' AND NOT EXISTS (
           SELECT 1 FROM message AS undone WHERE undone.sale = message.sale AND undone.kind = 'reversal'), amount, 0)), 0)
           AS sum
         FROM message WHERE acknowledged = 0`,
      )
      .get(),
  )
  return (found as Unsent | null) ?? { count: 0, sum: 0, oldestAt: null }
}
