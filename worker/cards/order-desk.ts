import type { z } from 'zod'
import type { CardOrder, CardOrderState, CardOrderStatus } from '../../shared/office/cards.ts'
import { moneyLetter } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { collected } from '../payments/shortfalls.ts'
import { childLeft } from '../people/children.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { viewedAmong } from '../people/viewings.ts'
import { bound, producedCard } from './card-binding.ts'
import { cancelledLetter, type Ending, EXPIRED, feeDue, feeReturned, UNDER_WAY } from './card-orders.ts'

/**
 * Orders of new cards as staff see them, send them, hand them out and cancel them. To a club's staff only the orders of
 * their sites are there: of children who belong to them, or of cards that are handed out there.
 */

/** Who asks: a member of staff, and which sites they work at. */
export type Clerk = Pick<Staff, 'id' | 'sites'>

/** SQL: whether an order is of one of the sites of whoever asks; it wants `card_order` and `child` beside it. */
export const ofSites = (sites: string) =>
  `(${withinSites('card_order.club', sites)} OR ${withinSites('child.club', sites)})`

/** What is known of an order before it changes: `due` is what of its fee would be given back then. */
type Known = Ending & {
  status: CardOrderStatus
  lostCard: number | null
  produced: string | null
  mayCancel: 0 | 1
}

/**
 * ?1 is the clerk's sites; what has not been approved has cost nothing. A club may withdraw what it would have handed out
 * from its own stack, as long as no guardian has approved it: whatever has been paid for is an admin's to end.
 */
const KNOWN = `
SELECT card_order.id, account, guardian, card_order.status, lost_card AS lostCard,
  iif(ordered_at IS NULL, 0, max(0, ${feeDue('card_order.id', 'card_order.account')})) AS due,
  coalesce(card_order.mail, (SELECT payment.mail FROM payment
    WHERE payment.account = card_order.account AND payment.card_order = card_order.id
    ORDER BY payment.created_at DESC LIMIT 1)) AS mail,
  ${producedCard('card_order.id')} AS produced,
  ?1 IS NULL OR (cause = 'same_day' AND ordered_at IS NULL AND ${withinSites('card_order.club', '?1')}) AS mayCancel
FROM card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child
WHERE ${ofSites('?1')}`

async function knownOf(db: D1Database, id: string, staff: Clerk): Promise<Known | null> {
  return await db.prepare(`${KNOWN} AND card_order.id = ?2`).bind(sitesOf(staff), id).first()
}

/** The states of an order that ends when the child leaves: its card is not in the post yet. */
const NOT_SENT = ['awaiting_approval', 'ordered', 'produced'] as const

/** The order of a child whose card is not in the post yet, for a batch that cancels it; null where there is none. */
export async function orderedOf(
  db: D1Database,
  child: number,
): Promise<(Ending & { status: (typeof NOT_SENT)[number] }) | null> {
  return await db
    .prepare(`${KNOWN} AND child.id = ?2 AND card_order.status IN (SELECT value FROM json_each(?3))`)
    .bind(null, child, JSON.stringify(NOT_SENT))
    .first()
}

/** An order as staff see it. */
export type StaffOrder = z.infer<typeof CardOrder>

/** How many orders one list has. */
const LIST_MAX = 200

/** What was never paid is no order; a replacement that was never approved has been one. */
const IS_ORDER = "(ordered_at IS NOT NULL OR cause <> 'replacement')"

const STATES: Record<z.infer<typeof CardOrderState>, string> = {
  under_way: `card_order.status IN ${UNDER_WAY}`,
  ended: `card_order.status IN ('handed_out', 'cancelled') AND ${IS_ORDER}`,
  all: IS_ORDER,
}

const VIEW = `
SELECT card_order.id, card_order.account, child.id AS child, child.name AS childName, cause, lost_card AS lostCard,
  recipient, street, postal_code AS postalCode, city, card_order.club, site.name AS clubName, fee,
  paid_from AS paidFrom, card_order.status, batch, number, card, card_order.created_at AS createdAt,
  ordered_at AS orderedAt, ${EXPIRED} AS expired, produced_at AS producedAt, sent_at AS sentAt, ended_at AS endedAt
FROM card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child
LEFT JOIN site ON site.id = card_order.club`

type Row = Omit<StaffOrder, 'child' | 'club' | 'status' | 'expired'> & {
  expired: 0 | 1
  status: CardOrderStatus
  child: number
  childName: string
  club: number | null
  clubName: string | null
}

export const orderOf = ({ child, childName, club, clubName, expired, ...order }: Row) => ({
  ...order,
  expired: expired === 1,
  child: { id: child, name: childName },
  club: club === null || clubName === null ? null : { id: club, name: clubName },
})

/** The statement that reads one order, for a batch; `orderOf` makes an order of its row. ?1 is the clerk's sites. */
export function staffOrderQuery(db: D1Database, id: string, staff: Clerk): D1PreparedStatement {
  return db.prepare(`${VIEW} WHERE ${ofSites('?1')} AND card_order.id = ?2`).bind(sitesOf(staff), id)
}

/** The row of `staffOrderQuery` as an order; null where there is none, or nobody has paid for it. */
export function staffOrderOf(found: unknown): StaffOrder | null {
  const row = found as Row | undefined
  if (!row || row.status === 'unpaid') return null
  return orderOf(row) as StaffOrder
}

/**
 * The orders that are under way, that have ended, or both, the oldest first; what is not paid is none yet. Staff are
 * recorded as having looked at their children.
 */
export async function staffOrders(
  db: D1Database,
  { state, offset }: { state: keyof typeof STATES; offset: number },
  staff: Clerk,
  nowMs: number,
): Promise<{ orders: StaffOrder[]; more: boolean }> {
  const listed = `
    WHERE ${STATES[state]} AND EXISTS (SELECT 1 FROM (SELECT ? AS sites) WHERE ${ofSites('sites')})
    ORDER BY card_order.created_at, card_order.id LIMIT ${LIST_MAX + 1} OFFSET ?`
  const children = `SELECT child.id FROM card_order JOIN account ON account.id = card_order.account
    JOIN child ON child.id = account.child ${listed}`
  const bind = [sitesOf(staff), offset]
  const [, found] = await db.batch([
    viewedAmong(db, { children, bind }, { staff: staff.id }, nowMs),
    db.prepare(`${VIEW} ${listed}`).bind(...bind),
  ])
  const rows = found?.results ?? []
  return {
    orders: rows.slice(0, LIST_MAX).map((row) => orderOf(row as Row) as StaffOrder),
    more: rows.length > LIST_MAX,
  }
}

export type OrderRefusal =
  | 'order_unknown'
  | 'order_unpaid'
  | 'order_unapproved'
  | 'order_ended'
  | 'child_left'
  | 'role_forbidden' // A club that would end more than a replacement of its own which nobody has approved.

/**
 * Runs the statements of a change and reads the order that it was of, with the rows of the statement before that. Staff
 * are recorded as having looked at its child.
 */
async function changed(
  db: D1Database,
  id: string,
  statements: D1PreparedStatement[],
  staff: Clerk,
  nowMs: number,
): Promise<{ order: StaffOrder | 'order_unpaid'; last: unknown }> {
  const children = `SELECT account.child FROM card_order JOIN account ON account.id = card_order.account
    WHERE card_order.id = ?`
  const answers = await db.batch([
    viewedAmong(db, { children, bind: [id] }, { staff: staff.id }, nowMs),
    ...statements,
    staffOrderQuery(db, id, staff),
  ])
  return { order: staffOrderOf(answers.at(-1)?.results[0]) ?? 'order_unpaid', last: answers.at(-2)?.results[0] }
}

/** Says that the new card is in the post, and tells who ordered it. Again is no change; a child that has left gets none. */
export async function sendOrder(
  db: D1Database,
  id: string,
  staff: Clerk,
  nowMs: number,
): Promise<StaffOrder | OrderRefusal> {
  const known = await knownOf(db, id, staff)
  if (!known) return 'order_unknown'
  const { account, guardian, mail, produced } = known
  // A card whose number is known is put into use by whoever ordered it, and they have to be told.
  const told = guardian !== null && produced !== null ? { order: id } : {}
  const { order, last } = await changed(
    db,
    id,
    [
      db
        .prepare(
          `UPDATE card_order SET status = 'sent', sent_at = ?2
           WHERE id = ?1 AND status IN ('ordered', 'produced') AND NOT ${childLeft('card_order.account')}`,
        )
        .bind(id, nowMs),
      recordedIfChanged(db, { staff: staff.id, action: 'card_order_sent', subject: `order:${id}` }, nowMs),
      moneyLetter(db, 'card_sent', told, { guardian, recipient: mail, account, cause: `order:${id}:sent` }, nowMs, {
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
  if ((last as { gone: 0 | 1 }).gone) return 'child_left'
  return order.status === 'awaiting_approval' ? 'order_unapproved' : 'order_ended'
}

/**
 * Gives the account its new card, known by its hash, or the one that was produced for the order where the hash is null,
 * and closes the lost one for good. Again with the same card is no change.
 */
export async function handOut(
  db: D1Database,
  id: string,
  given: string | null,
  staff: Clerk,
  nowMs: number,
): Promise<StaffOrder | OrderRefusal | 'card_taken' | 'card_not_produced'> {
  const known = await knownOf(db, id, staff)
  if (!known) return 'order_unknown'
  const hash = given ?? known.produced
  if (hash === null) return 'card_not_produced'
  const { order, last } = await changed(
    db,
    id,
    [
      ...bound(db, { id, lostCard: known.lostCard, hash }, { staff: staff.id }, nowMs),
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
  if (order.status === 'awaiting_approval') return 'order_unapproved'
  return order.status === 'handed_out' || order.status === 'cancelled' ? 'order_ended' : 'card_taken'
}

/**
 * The statements that end an order which is under way in one of these states, give back to the account what of its fee is
 * not back at its payer already, and tell who ordered it. `ending` must have been read while it was in one of them.
 */
export function cancelled(
  db: D1Database,
  ending: Ending,
  from: readonly CardOrderStatus[],
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

/**
 * The states from which one that was seen in `status` may be cancelled with the same words: what was free while nobody
 * had approved it costs something afterwards.
 */
export const cancellableFrom = (status: CardOrderStatus): readonly CardOrderStatus[] =>
  status === 'awaiting_approval' ? ['awaiting_approval'] : ['ordered', 'produced', 'sent']

/** Cancels an order whose card has not been handed out, of a club's what it may withdraw. Again is no change. */
export async function cancelOrder(
  db: D1Database,
  id: string,
  staff: Clerk,
  nowMs: number,
): Promise<StaffOrder | OrderRefusal> {
  const known = await knownOf(db, id, staff)
  if (!known) return 'order_unknown'
  if (!known.mayCancel) return 'role_forbidden'
  const from = cancellableFrom(known.status)
  const { order } = await changed(db, id, cancelled(db, known, from, staff.id, nowMs), staff, nowMs)
  if (order === 'order_unpaid') return order
  if (order.status === 'cancelled') return order
  // It was approved while this ran, and it cannot be again.
  if (known.status === 'awaiting_approval' && order.status !== 'handed_out') return cancelOrder(db, id, staff, nowMs)
  return 'order_ended'
}
