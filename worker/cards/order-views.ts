import type { CardOrderStatus } from '../../shared/office/cards.ts'
import { childLeft } from '../people/children.ts'
import type { cardOrder, payment } from '../schema/money.ts'

/** Orders of new cards as the guardians of their account see them. */

/**
 * An order. `awaiting` is a payment that may still come, `abandoned` one that came to
 * nothing, `mismatch` one that is not what was asked for; `returned` is how much of the fee is back on the account, null
 * for nothing of it. `club` is where it is handed out, by name; null where it goes to an address. Where the card goes, and
 * the payment, is told to the guardian who ordered it alone: a child's parents may live apart.
 */
export type OrderView = {
  id: string
  cause: (typeof cardOrder.$inferSelect)['cause']
  state: 'awaiting' | 'abandoned' | 'mismatch' | Exclude<CardOrderStatus, 'unpaid'>
  lostCard: number | null
  card: number | null
  fee: number
  paidFrom: 'account' | 'checkout'
  returned: number | null
  club: string | null
  createdAt: number
  orderedAt: number | null
  sentAt: number | null
  endedAt: number | null
  own: OwnOrder | null
}

/**
 * What only who ordered is told; the address is null where the card goes to a club. `mail` is where they want to hear of
 * it. `payment` is there while it is awaited, with the address of its page at Stripe, as far as that is known. `made`:
 * which card it is is known, so that it can be put into use when it has come.
 */
export type OwnOrder = {
  address: { recipient: string; street: string; postalCode: string; city: string } | null
  mail: string | null
  made: boolean
  payment: { id: string; address: string | null } | null
}

/** Whether a card is to come; while it is, no other one can be ordered. */
export function isUnderWay({ state }: Pick<OrderView, 'state'>): boolean {
  return state === 'awaiting_approval' || state === 'ordered' || state === 'produced' || state === 'sent'
}

/** SQL: whether it is known which card was made for a `card_order`. */
const MADE = 'EXISTS (SELECT 1 FROM card_stock WHERE card_stock.number = card_order.number)'

/* A payment is found by its account, which has an index. */
const VIEW = `
SELECT card_order.id, cause, card_order.status, lost_card AS lostCard, card, fee, paid_from AS paidFrom,
  card_order.created_at AS createdAt, ordered_at AS orderedAt, sent_at AS sentAt, ended_at AS endedAt,
  card_order.guardian, recipient, street, postal_code AS postalCode, city, card_order.mail,
  (SELECT name FROM site WHERE site.id = card_order.club) AS club,
  ${MADE} AS made,
  newest.id AS payment, newest.status AS paymentStatus, newest.address,
  (SELECT sum(amount) FROM transfer WHERE transfer.id = 'card_fee_return:' || card_order.id
     OR transfer.id BETWEEN 'card_fee_return:' || card_order.id || ':' AND 'card_fee_return:' || card_order.id || ':~')
    AS returned
FROM card_order
LEFT JOIN payment AS newest ON newest.id = (
  SELECT payment.id FROM payment WHERE payment.account = card_order.account AND payment.card_order = card_order.id
  ORDER BY payment.status IN ('created', 'open') DESC, payment.created_at DESC LIMIT 1)`

type Row = Omit<OrderView, 'state' | 'own'> & {
  status: CardOrderStatus
  guardian: number | null
  recipient: string | null
  street: string | null
  postalCode: string | null
  city: string | null
  mail: string | null
  made: 0 | 1
  payment: string | null
  paymentStatus: (typeof payment.$inferSelect)['status'] | null
  address: string | null
}

/** How many orders of an account a guardian sees. */
const SHOWN_MAX = 3

/**
 * The statement that reads an account's newest orders, for a batch; `orderViewOf` makes a view of each row. What nobody
 * paid or approved, and nobody will, is left out.
 */
export function ordersQuery(db: D1Database, account: number): D1PreparedStatement {
  return db
    .prepare(
      `${VIEW} WHERE card_order.account = ?
         AND CASE card_order.status
           WHEN 'unpaid' THEN coalesce(newest.status IN ('created', 'open', 'mismatch'), 0)
           WHEN 'cancelled' THEN ordered_at IS NOT NULL OR returned IS NOT NULL
           ELSE 1
         END
       ORDER BY card_order.created_at DESC, card_order.id DESC LIMIT ${SHOWN_MAX}`,
    )
    .bind(account)
}

/** The statement that reads one order of an account. */
export function orderQuery(db: D1Database, account: number, id: string | null): D1PreparedStatement {
  return db.prepare(`${VIEW} WHERE card_order.account = ?1 AND card_order.id = ?2`).bind(account, id)
}

export function orderViewOf(found: unknown, guardian: number): OrderView {
  const {
    status,
    guardian: by,
    recipient,
    street,
    postalCode,
    city,
    mail,
    made,
    payment,
    paymentStatus,
    address: page,
    ...row
  } = found as Row
  const whole = recipient !== null && street !== null && postalCode !== null && city !== null
  const address = whole ? { recipient, street, postalCode, city } : null
  const pending = payment !== null && (paymentStatus === 'created' || paymentStatus === 'open')
  const own = { address, mail, made: made === 1, payment: pending ? { id: payment, address: page } : null }
  const unpaid = pending ? 'awaiting' : paymentStatus === 'mismatch' ? 'mismatch' : 'abandoned'
  const state = status === 'unpaid' ? unpaid : status
  return { ...row, state, own: by === guardian ? own : null }
}

/** A new card that awaits a guardian's approval, or their word that it has come by post. */
export type Waiting = { id: string; account: number; status: 'awaiting_approval' | 'sent' }

/**
 * The statement that reads which of some accounts' orders await something of a guardian, as rows of `Waiting`: that a card
 * has come is said by who ordered it alone, and not where the child has left, for then it cannot be used.
 */
export function waitingQuery(db: D1Database, accounts: readonly number[], guardian: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT id, account, status FROM card_order
       WHERE account IN (SELECT value FROM json_each(?1)) AND (status = 'awaiting_approval'
         OR status = 'sent' AND guardian = ?2 AND ${MADE} AND NOT ${childLeft('card_order.account')})`,
    )
    .bind(JSON.stringify(accounts), guardian)
}
