import type { Condition } from '../ledger/transfers.ts'

/**
 * A guardian is forgotten who has no child here any more and for whom nothing is under way: with the erasure of the last
 * child, or later, when what was under way then has ended.
 */

/** How long somebody who has no child here may come back to what they have told us. */
const KEPT_MS = 30 * 86_400_000
/** How many guardians are forgotten in one run. */
const AT_ONCE = 20

/** SQL: a guardian who has no child here any more and for whom nothing is under way. */
const IDLE = `NOT EXISTS (SELECT 1 FROM guardianship
    WHERE guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM payment WHERE payment.guardian = guardian.id AND payment.status IN ('created', 'open'))
  AND NOT EXISTS (SELECT 1 FROM payout
    WHERE payout.guardian = guardian.id AND payout.status IN ('requested', 'approved', 'exported'))
  AND NOT EXISTS (SELECT 1 FROM agreement WHERE agreement.guardian = guardian.id
    AND (agreement.status IN ('setting_up', 'waiting', 'active', 'paused') OR agreement.left_card IS NOT NULL))
  AND NOT EXISTS (SELECT 1 FROM card_order WHERE card_order.guardian = guardian.id
    AND card_order.status IN ('unpaid', 'awaiting_approval', 'ordered', 'produced', 'sent'))
  AND NOT EXISTS (SELECT 1 FROM support_case WHERE support_case.guardian = guardian.id AND closed_at IS NULL)`

/** SQL: those of some guardians, a parameter with a JSON array of their ids, who are forgotten. */
export const forgottenAmong = (guardians: string) =>
  `SELECT id FROM guardian WHERE id IN (SELECT value FROM json_each(${guardians})) AND subject = 'erased:' || id`

/**
 * The statements that forget those of some guardians who are idle, with their cases, sessions and mail, where a condition
 * on the guardian holds, whose parameters begin at ?2. Books keep their number.
 */
export function guardiansForgotten(
  db: D1Database,
  guardians: readonly number[],
  condition: Condition,
): D1PreparedStatement[] {
  const gone = forgottenAmong('?1')
  const ids = JSON.stringify(guardians)
  return [
    db
      .prepare(
        `UPDATE guardian SET issuer = '', subject = 'erased:' || id, name = NULL, mail = NULL, cpr_hash = NULL,
           tell_below = NULL, tell_purchases = 0, tell_weekly = 0
         WHERE id IN (SELECT value FROM json_each(?1)) AND ${IDLE} AND ${condition.sql}`,
      )
      .bind(ids, ...condition.bind),
    ...[
      `DELETE FROM case_message WHERE "case" IN (SELECT id FROM support_case WHERE guardian IN (${gone}))`,
      ...['support_case', 'session', 'outbox'].map((table) => `DELETE FROM ${table} WHERE guardian IN (${gone})`),
    ].map((sql) => db.prepare(sql).bind(ids)),
  ]
}

/** SQL: a guardian who has not logged in since ?2, whom no child here is or was linked to, and whom all mail has reached. */
const AWAY = `guardian.logged_in_at < ?2
  AND NOT EXISTS (SELECT 1 FROM guardianship WHERE guardianship.cpr_hash = guardian.cpr_hash)
  AND NOT EXISTS (SELECT 1 FROM outbox
    WHERE outbox.guardian = guardian.id AND outbox.sent_at IS NULL AND outbox.given_up_at IS NULL)`

/**
 * Forgets guardians whom no child here is, or was, linked to, who have not logged in for a month and for whom nothing is
 * under way; how many they were. Whoever logs in just then is not forgotten.
 */
export async function forgetGuardians(db: D1Database, nowMs: number): Promise<number> {
  const since = nowMs - KEPT_MS
  const { results } = await db
    .prepare(`SELECT id FROM guardian WHERE subject <> 'erased:' || id AND ${IDLE} AND ${AWAY} ORDER BY id LIMIT ?1`)
    .bind(AT_ONCE, since)
    .all<{ id: number }>()
  if (results.length === 0) return 0
  const ids = results.map(({ id }) => id)
  const [forgotten] = await db.batch(guardiansForgotten(db, ids, { sql: AWAY, bind: [since] }))
  return forgotten?.meta.changes ?? 0
}
