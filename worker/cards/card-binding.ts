import type { Condition } from '../ledger/transfers.ts'
import { type Actor, recordedIfChanged } from '../municipality/audit.ts'
import { childLeft } from '../people/children.ts'
import { NEXT_VERSION } from './cards.ts'

/** What makes a card somebody's: a hand-out by staff, a tap at a terminal, and a guardian to whom it was sent, alike. */

/** Which order gets which card; `lostCard` is the one that the order replaces. */
export type Binding = { id: string; lostCard: number | null; hash: string }

/** SQL: the states of an order that may get its card; what is not paid or approved may not. */
export const TO_BE_HANDED_OUT = "('ordered', 'produced', 'sent')"

/** SQL: whether a card was produced for another order than this one, whose name is then printed on it. */
export const producedForOther = (hash: string, order: string) =>
  `EXISTS (SELECT 1 FROM card_stock AS made
           WHERE made.hash = ${hash} AND made."order" IS NOT NULL AND made."order" <> ${order})`

/**
 * The statements that give an order's account its new card and close the lost one for good: at once for every sale that
 * asks, and for a till's own list with its next sync. The card is the one that was produced for the order, a blank, or
 * one that nobody knew. Where it is anybody's already, or the condition does not hold (its parameters begin at ?10),
 * nothing changes.
 */
export function bound(
  db: D1Database,
  { id, lostCard, hash }: Binding,
  actor: Actor,
  nowMs: number,
  condition: Condition = { sql: 'true', bind: [] },
): D1PreparedStatement[] {
  const unused = condition.bind.length > 0 ? [null, null, null, null, null, null] : []
  return [
    db
      .prepare(
        `INSERT INTO card (hash, account, status, version, created_at)
         SELECT ?2, account, 'active', ${NEXT_VERSION}, ?3 FROM card_order
         WHERE card_order.id = ?1 AND card_order.status IN ${TO_BE_HANDED_OUT}
           AND NOT ${childLeft('card_order.account')} AND NOT ${producedForOther('?2', '?1')} AND ${condition.sql}
         ON CONFLICT (hash) DO NOTHING`,
      )
      .bind(id, hash, nowMs, ...unused, ...condition.bind),
    recordedIfChanged(db, { ...actor, action: 'card_added', subject: { kind: 'card' } }, nowMs),
    // The record above is written exactly where the card is, so changes() still tells whether it was.
    db
      .prepare(
        `UPDATE card_order SET status = 'handed_out', ended_at = ?3, card = (SELECT id FROM card WHERE hash = ?2)
         WHERE id = ?1 AND changes() > 0`,
      )
      .bind(id, hash, nowMs),
    recordedIfChanged(db, { ...actor, action: 'card_order_handed_out', subject: `order:${id}` }, nowMs),
    db
      .prepare(
        `UPDATE card SET status = 'closed', version = ${NEXT_VERSION}
         WHERE status <> 'closed'
           AND id = (SELECT lost_card FROM card_order WHERE card_order.id = ?1 AND card_order.status = 'handed_out')`,
      )
      .bind(id),
    recordedIfChanged(db, { ...actor, action: 'card_closed', subject: `card:${lostCard}` }, nowMs),
  ]
}

/** SQL: the hash of the card that was produced for an order; null where it is not known. */
export const producedCard = (order: string) =>
  `(SELECT made.hash FROM card_order AS asked JOIN card_stock AS made ON made.number = asked.number
    WHERE asked.id = ${order})`
