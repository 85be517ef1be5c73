import { recordedIfChanged } from './audit.ts'
import { type ChildView, childQuery, childViewOf } from './children.ts'

/**
 * The roster's word on whose child it is. A guardian's CPR number is known by its keyed HMAC only; the audit log says
 * that a child's guardians changed and leaves out which.
 */

/** Puts a guardianship in force, also one that had ended; again is no change. Null where there is no such child. */
export async function addGuardianship(
  db: D1Database,
  { child, cprHash }: { child: number; cprHash: string },
  staff: number,
  nowMs: number,
): Promise<ChildView | null> {
  const deed = { staff, action: 'guardianship_added', subject: `child:${child}` }
  const answers = await db.batch([
    db
      .prepare('UPDATE guardianship SET ended_at = NULL WHERE child = ?1 AND cpr_hash = ?2 AND ended_at IS NOT NULL')
      .bind(child, cprHash),
    recordedIfChanged(db, deed, nowMs),
    db
      .prepare(
        `INSERT INTO guardianship (child, cpr_hash, created_at) SELECT id, ?2, ?3 FROM child WHERE id = ?1
         ON CONFLICT DO NOTHING`,
      )
      .bind(child, cprHash, nowMs),
    recordedIfChanged(db, deed, nowMs),
    childQuery(db, child),
  ])
  return childViewOf(answers.at(-1))
}

/** Ends a guardianship; one that is not in force stays as it is. Null where there is no such child. */
export async function endGuardianship(
  db: D1Database,
  { child, cprHash }: { child: number; cprHash: string },
  staff: number,
  nowMs: number,
): Promise<ChildView | null> {
  const answers = await db.batch([
    db
      .prepare('UPDATE guardianship SET ended_at = ?3 WHERE child = ?1 AND cpr_hash = ?2 AND ended_at IS NULL')
      .bind(child, cprHash, nowMs),
    recordedIfChanged(db, { staff, action: 'guardianship_ended', subject: `child:${child}` }, nowMs),
    childQuery(db, child),
  ])
  return childViewOf(answers.at(-1))
}
