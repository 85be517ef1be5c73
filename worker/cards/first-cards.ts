/**
 * The first card, which is free: each child of a club that has none, and none on its way, gets one ordered, whether the
 * roster brings it or staff do. It goes to the club.
 */

/** SQL: version 4 of RFC 9562; where 16 random bytes are the same, the order's key refuses it. */
export const UUID = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
  || substr('89AB', 1 + abs(random() % 4), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`

/** SQL: an account that needs a card: every one it had is closed, and none is on its way. */
export const NEEDS_CARD = `
NOT EXISTS (SELECT 1 FROM card WHERE card.account = account.id AND card.status <> 'closed')
AND NOT EXISTS (SELECT 1 FROM card_order WHERE card_order.account = account.id
                AND card_order.status IN ('awaiting_approval', 'ordered', 'produced', 'sent'))`

/**
 * The statements that order the first card of a child in a club, null for the newest child, where it needs one and the
 * statement before them in the batch changed a row.
 */
export function firstCardOrdered(
  db: D1Database,
  child: number | null,
  staff: number,
  nowMs: number,
): D1PreparedStatement[] {
  return [
    db
      .prepare(
        `INSERT INTO card_order (id, account, cause, fee, paid_from, status, club, created_at, ordered_at)
         SELECT ${UUID}, account.id, 'first', 0, 'account', 'ordered', child.club, ?2, ?2
         FROM child JOIN account ON account.child = child.id
         WHERE changes() > 0 AND child.id = coalesce(?1, (SELECT max(id) FROM child)) AND child.club IS NOT NULL
           AND ${NEEDS_CARD}`,
      )
      .bind(child, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject, detail)
         SELECT ?1, ?2, 'card_ordered', 'order:' || id, json_object('cause', 'first') FROM card_order
         WHERE changes() > 0 AND card_order.rowid = last_insert_rowid()`,
      )
      .bind(nowMs, staff),
  ]
}

/**
 * The statements that take the order of a first card back where staff have just given the child one by hand, which the
 * statement before them in the batch tells by a changed row: it is as if nobody had ordered it, and no parent reads that
 * it was cancelled. One that is in a batch already is made.
 */
export function firstCardSpared(db: D1Database, child: number, staff: number, nowMs: number): D1PreparedStatement[] {
  const account = '(SELECT account.id FROM account WHERE account.child = ?1)'
  return [
    db
      .prepare(
        `UPDATE card_order SET status = 'cancelled', ended_at = ?2, ordered_at = NULL
         WHERE changes() > 0 AND account = ${account} AND cause = 'first' AND status = 'ordered' AND batch IS NULL`,
      )
      .bind(child, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject)
         SELECT ?2, ?3, 'card_order_cancelled', 'order:' || id FROM card_order
         WHERE changes() > 0 AND account = ${account} AND cause = 'first' AND status = 'cancelled' AND ended_at = ?2`,
      )
      .bind(child, nowMs, staff),
  ]
}
