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
 * holds whose parameters begin at ?2. Books keep their number.
 */
export function guardiansForgotten(
  db: D1Database,
  guardians: readonly number[],
  condition: Condition = { sql: 'true', bind: [] },
): D1PreparedStatement[] {
  const gone = forgottenAmong('?1')
  return [
    `UPDATE guardian SET issuer = '', subject = 'erased:' || id, name = NULL, mail = NULL, cpr_hash = NULL,
       tell_below = NULL, tell_purchases = 0, tell_weekly = 0
     WHERE id IN (SELECT value FROM json_each(?1)) AND ${IDLE}`,
    `DELETE FROM case_message WHERE "case" IN (SELECT id FROM support_case WHERE guardian IN (${gone}))`,
    ...['support_case', 'session', 'outbox'].map((table) => `DELETE FROM ${table} WHERE guardian IN (${gone})`),
  ].map((sql) => db.prepare(`${sql} AND ${condition.sql}`).bind(JSON.stringify(guardians), ...condition.bind))
}

/**
 * Forgets guardians whom no child here is, or was, linked to, who have not logged in for a month and for whom nothing is
 * under way; how many they were.
 */
export async function forgetGuardians(db: D1Database, nowMs: number): Promise<number> {
  const { results } = await db
    .prepare(
      `SELECT id FROM guardian WHERE logged_in_at < ?1 AND subject <> 'erased:' || id AND ${IDLE}
         AND NOT EXISTS (SELECT 1 FROM guardianship WHERE guardianship.cpr_hash = guardian.cpr_hash)
       ORDER BY id LIMIT ${AT_ONCE}`,
    )
    .bind(nowMs - KEPT_MS)
    .all<{ id: number }>()
  if (results.length > 0) {
    await db.batch(
      guardiansForgotten(
        db,
        results.map(({ id }) => id),
      ),
    )
  }
  return results.length
}
