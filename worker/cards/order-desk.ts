import type { z } from 'zod'
import type { CardOrder, CardOrderState, CardOrderStatus } from '../../shared/office/cards.ts'
import { moneyLetter } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { collected } from '../payments/shortfalls.ts'
import { childLeft } from '../people/children.ts'
import { viewedAmong } from '../people/viewings.ts'
import { cancelledLetter, type Ending, feeDue, feeReturned } from './card-orders.ts'
import { NEXT_VERSION } from './cards.ts'

/** Orders of new cards as staff see them, send them, hand them out and cancel them. */

/** What of an order never changes, and what of its fee would be given back now. */
const LASTING = `
SELECT id, account, guardian, lost_card AS lostCard, max(0, ${feeDue('card_order.id', 'card_order.account')}) AS due,
  coalesce(card_order.mail, (SELECT payment.mail FROM payment
    WHERE payment.account = card_order.account AND payment.card_order = card_order.id
    ORDER BY payment.created_at DESC LIMIT 1)) AS mail
FROM card_order`

async function lastingOf(db: D1Database, id: string): Promise<(Ending & { lostCard: number | null }) | null> {
  return await db.prepare(`${LASTING} WHERE id = ?1`).bind(id).first()
}

/** The order of a child whose card is not in the post yet, for a batch that cancels it; null where there is none. */
export async function orderedOf(db: D1Database, child: number): Promise<Ending | null> {
  return await db
    .prepare(`${LASTING} WHERE status = 'ordered' AND account = (SELECT account.id FROM account WHERE child = ?1)`)
    .bind(child)
    .first()
}

/** An order as staff see it. */
export type StaffOrder = z.infer<typeof CardOrder>

/** How many orders one list has. */
const LIST_MAX = 200

const STATES: Record<z.infer<typeof CardOrderState>, string> = {
  under_way: "status IN ('ordered', 'sent')",
  ended: "status IN ('handed_out', 'cancelled') AND ordered_at IS NOT NULL",
  all: 'ordered_at IS NOT NULL',
}

const VIEW = `
SELECT card_order.id, card_order.account, child.id AS child, child.name AS childName, lost_card AS lostCard, recipient,
  street, postal_code AS postalCode, city, fee, paid_from AS paidFrom, status, card, card_order.created_at AS createdAt,
  sent_at AS sentAt, ended_at AS endedAt
FROM card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child`

type Row = Omit<StaffOrder, 'child' | 'status'> & { status: CardOrderStatus; child: number; childName: string }

const orderOf = ({ child, childName, ...order }: Row) => ({ ...order, child: { id: child, name: childName } })

/**
 * The orders that are under way, that have ended, or both, the oldest first; what is not paid is none yet. Staff are
 * recorded as having looked at their children.
 */
export async function staffOrders(
  db: D1Database,
  { state, offset }: { state: keyof typeof STATES; offset: number },
  staff: number,
  nowMs: number,
): Promise<{ orders: StaffOrder[]; more: boolean }> {
  const listed = `WHERE ${STATES[state]} ORDER BY card_order.created_at, card_order.id LIMIT ${LIST_MAX + 1} OFFSET ?`
  const children = `SELECT child.id FROM card_order JOIN account ON account.id = card_order.account
    JOIN child ON child.id = account.child ${listed}`
  const [, found] = await db.batch([
    viewedAmong(db, { children, bind: [offset] }, { staff }, nowMs),
    db.prepare(`${VIEW} ${listed}`).bind(offset),
  ])
  const rows = found?.results ?? []
  return {
    orders: rows.slice(0, LIST_MAX).map((row) => orderOf(row as Row) as StaffOrder),
    more: rows.length > LIST_MAX,
  }
}

export type OrderRefusal = 'order_unknown' | 'order_unpaid' | 'order_ended' | 'child_left'

/**
 * Runs the statements of a change and reads the order that it was of, with the rows of the statement before that. Staff
 * are recorded as having looked at its child.
 */
async function changed(
  db: D1Database,
  id: string,
  statements: D1PreparedStatement[],
  staff: number,
  nowMs: number,
): Promise<{ order: StaffOrder | 'order_unpaid'; last: unknown }> {
  const children = `SELECT account.child FROM card_order JOIN account ON account.id = card_order.account
    WHERE card_order.id = ?`
  const answers = await db.batch([
    viewedAmong(db, { children, bind: [id] }, { staff }, nowMs),
    ...statements,
    db.prepare(`${VIEW} WHERE card_order.id = ?`).bind(id),
  ])
  const { status, ...rest } = orderOf(answers.at(-1)?.results[0] as Row)
  return { order: status === 'unpaid' ? 'order_unpaid' : { ...rest, status }, last: answers.at(-2)?.results[0] }
}

/** Says that the new card is in the post, and tells the guardian. Again is no change; a child that has left gets none. */
export async function sendOrder(
  db: D1Database,
  id: string,
  staff: number,
  nowMs: number,
): Promise<StaffOrder | OrderRefusal> {
  const known = await lastingOf(db, id)
  if (!known) return 'order_unknown'
  const { account, guardian, mail } = known
  const { order, last } = await changed(
    db,
    id,
    [
      db
        .prepare(
          `UPDATE card_order SET status = 'sent', sent_at = ?2
           WHERE id = ?1 AND status = 'ordered' AND NOT ${childLeft('card_order.account')}`,
        )
        .bind(id, nowMs),
      recordedIfChanged(db, { staff, action: 'card_order_sent', subject: `order:${id}` }, nowMs),
      moneyLetter(db, 'card_sent', {}, { guardian, recipient: mail, account, cause: `order:${id}:sent` }, nowMs, {
        sql: "EXISTS (SELECT 1 FROM card_order WHERE id = ?10 AND card_order.status = 'sent' AND sent_at = ?11)",
        bind: [id, nowMs],
      }),
      db.prepare(`SELECT ${childLeft('?1')} AS gone`).bind(account),
    ],
    staff,
    nowMs,
  )
  if (order === 'order_unpaid') return order
  if (order.status === 'sent') return order
  return (last as { gone: 0 | 1 }).gone ? 'child_left' : 'order_ended'
}

/**
 * Gives the account its new card, known by its hash, and closes the lost one for good: at once for every sale that asks,
 * and for a till's own list with its next sync. Again with the same card is no change.
 */
export async function handOut(
  db: D1Database,
  id: string,
  hash: string,
  staff: number,
  nowMs: number,
): Promise<StaffOrder | OrderRefusal | 'card_taken'> {
  const known = await lastingOf(db, id)
  if (!known) return 'order_unknown'
  const { order, last } = await changed(
    db,
    id,
    [
      db
        .prepare(
          `INSERT INTO card (hash, account, status, version, created_at)
           SELECT ?2, account, 'active', ${NEXT_VERSION}, ?3 FROM card_order
           WHERE id = ?1 AND status IN ('ordered', 'sent') AND NOT ${childLeft('card_order.account')}
           ON CONFLICT (hash) DO NOTHING`,
        )
        .bind(id, hash, nowMs),
      recordedIfChanged(db, { staff, action: 'card_added', subject: { kind: 'card' } }, nowMs),
      // The record above is written exactly where the card is, so changes() still tells whether it was.
      db
        .prepare(
          `UPDATE card_order SET status = 'handed_out', ended_at = ?3, card = (SELECT id FROM card WHERE hash = ?2)
           WHERE id = ?1 AND changes() > 0`,
        )
        .bind(id, hash, nowMs),
      recordedIfChanged(db, { staff, action: 'card_order_handed_out', subject: `order:${id}` }, nowMs),
      db
        .prepare(
          `UPDATE card SET status = 'closed', version = ${NEXT_VERSION}
           WHERE status <> 'closed'
             AND id = (SELECT lost_card FROM card_order WHERE card_order.id = ?1 AND card_order.status = 'handed_out')`,
        )
        .bind(id),
      recordedIfChanged(db, { staff, action: 'card_closed', subject: `card:${known.lostCard}` }, nowMs),
      db
        .prepare(
          `SELECT card.id, child.left_at IS NOT NULL AS gone FROM account
           JOIN child ON child.id = account.child LEFT JOIN card ON card.hash = ?2 WHERE account.id = ?1`,
        )
        .bind(known.account, hash),
    ],
    staff,
    nowMs,
  )
  if (order === 'order_unpaid') return order
  const { id: card, gone } = last as { id: number | null; gone: 0 | 1 }
  if (order.status === 'handed_out' && order.card === card) return order
  if (gone) return 'child_left'
  return order.status === 'handed_out' || order.status === 'cancelled' ? 'order_ended' : 'card_taken'
}

/**
 * The statements that end an order which is under way in one of these states, give back to the account what of its fee is
 * not back at its payer already, and tell the guardian.
 */
export function cancelled(
  db: D1Database,
  ending: Ending,
  from: readonly ('ordered' | 'sent')[],
  staff: number,
  nowMs: number,
): D1PreparedStatement[] {
  const { id, account } = ending
  return [
    db
      .prepare(
        `UPDATE card_order SET status = 'cancelled', ended_at = ?2
         WHERE id = ?1 AND status IN (SELECT value FROM json_each(?3))`,
      )
      .bind(id, nowMs, JSON.stringify(from)),
    recordedIfChanged(db, { staff, action: 'card_order_cancelled', subject: `order:${id}` }, nowMs),
    ...feeReturned(db, ending, staff, nowMs, {
      sql: `EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?10 AND status = 'cancelled'
                    AND ordered_at IS NOT NULL)`,
      bind: [id],
    }),
    ...collected(db, account, `card_fee_return:${id}`, nowMs),
    cancelledLetter(db, ending, nowMs),
  ]
}

/** Cancels an order whose card has not been handed out. Again is no change. */
export async function cancelOrder(
  db: D1Database,
  id: string,
  staff: number,
  nowMs: number,
): Promise<StaffOrder | OrderRefusal> {
  const known = await lastingOf(db, id)
  if (!known) return 'order_unknown'
  const { order } = await changed(db, id, cancelled(db, known, ['ordered', 'sent'], staff, nowMs), staff, nowMs)
  if (order === 'order_unpaid') return order
  return order.status === 'cancelled' ? order : 'order_ended'
}
