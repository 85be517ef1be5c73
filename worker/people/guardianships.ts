import type { Actor } from '../municipality/audit.ts'
import { type ChildView, childQuery, childViewOf } from './children.ts'
import { viewed } from './viewings.ts'

/**
 * The roster's word on whose child it is. A guardian's CPR number is known by its keyed HMAC only; the audit log says
 * that a child's guardians changed, or were to, and leaves out which.
 */

/** Puts a guardianship in force, also one that had ended; again is no change. Null where there is no such child. */
export async function addGuardianship(
  db: D1Database,
  { child, cprHash }: { child: number; cprHash: string },
  staff: number,
  nowMs: number,
): Promise<ChildView | null> {
  const change = db
    .prepare(
      `INSERT INTO guardianship (child, cpr_hash, created_at) SELECT id, ?2, ?3 FROM child WHERE id = ?1 AND erased_at IS NULL
       ON CONFLICT (child, cpr_hash) DO UPDATE SET ended_at = NULL WHERE ended_at IS NOT NULL`,
    )
    .bind(child, cprHash, nowMs)
  return changed(db, change, { child, staff, action: 'guardianship_added' }, nowMs)
}

/** Ends a guardianship; one that is not in force stays as it is. Null where there is no such child. */
export async function endGuardianship(
  db: D1Database,
  { child, cprHash }: { child: number; cprHash: string },
  staff: number,
  nowMs: number,
): Promise<ChildView | null> {
  const change = db
    .prepare('UPDATE guardianship SET ended_at = ?3 WHERE child = ?1 AND cpr_hash = ?2 AND ended_at IS NULL')
    .bind(child, cprHash, nowMs)
  return changed(db, change, { child, staff, action: 'guardianship_ended' }, nowMs)
}

/**
 * Makes a change and reads the child. What changes nothing is recorded too: how many guardians a child has before and
 * after would else tell whether a CPR number is among theirs, and leave no trace.
 */
async function changed(
  db: D1Database,
  change: D1PreparedStatement,
  { child, staff, action }: { child: number; staff: number; action: string },
  nowMs: number,
): Promise<ChildView | null> {
  const answers = await db.batch([
    change,
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject, detail)
         SELECT ?2, ?3, ?4, 'child:' || id, json_object('changed', json(iif(changes() > 0, 'true', 'false')))
         FROM child WHERE id = ?1`,
      )
      .bind(child, nowMs, staff, action),
    viewed(db, { child }, { staff }, nowMs),
    childQuery(db, child),
  ])
  return childViewOf(answers.at(-1))
}

/**
 * The condition, for a statement's WHERE, that who acts may steer an account now: staff any, a guardian those of their
 * children. `account` is SQL, `steerer` a parameter that is bound to `steererOf` the actor.
 */
export function maySteer(account: string, steerer: string): string {
  return `(${steerer} IS NULL OR EXISTS (
    SELECT 1 FROM guardian
    JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
    JOIN account AS own ON own.child = guardianship.child
    WHERE guardian.id = ${steerer} AND own.id = ${account}))`
}

/** The guardian's id; null for staff, who need none. */
export function steererOf(actor: Actor): number | null {
  return 'guardian' in actor ? actor.guardian : null
}
