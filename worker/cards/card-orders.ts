import type { Ore } from '../../shared/money.ts'
import type { CardOrderStatus } from '../../shared/office/cards.ts'
import { type Condition, post, postMeasured } from '../ledger/transfers.ts'
import { moneyLetter } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { collected } from '../payments/shortfalls.ts'
import { childLeft } from '../people/children.ts'
import { maySteer } from '../people/guardianships.ts'

/**
 * What guardians order, and what becomes of its fee: new cards in the place of lost ones. An account has one order under
 * way at most, and its fee is held by nobody for nothing: what is paid for an order that cannot be made any more, or that
 * staff cancel, is the account's again.
 */

/**
 * What a guardian orders. `fee` is what the settings say, in øre; `lostCard` is null where no card is left to lose; `mail`
 * is where they want to hear of it.
 */
export type Ordering = {
  id: string
  account: number
  guardian: number
  lostCard: number | null
  recipient: string
  street: string
  postalCode: string
  city: string
  fee: Ore
  terms: string
  mail?: string
  from: 'account' | 'checkout'
}

/**
 * 'ordered' also where the order has come further since the same form was sent before; 'unpaid' awaits its payment.
 * To a guardian only accounts of their own children are there. `id_taken`: the id has ordered something else.
 */
export type Ordered =
  | 'ordered'
  | 'unpaid'
  | 'not_found'
  | 'id_taken'
  | 'child_left'
  | 'under_way'
  | 'first_card'
  | 'card_unknown'
  | 'insufficient_funds'

/** SQL: the states of an order whose card is to come; an account has one such order at most. */
export const UNDER_WAY = "('awaiting_approval', 'ordered', 'produced', 'sent')"

export const underWay = (account: string) =>
  `EXISTS (SELECT 1 FROM card_order AS other WHERE other.account = ${account} AND other.status IN ${UNDER_WAY})`

/** How long an order that staff have begun awaits a guardian's approval. */
export const APPROVAL_WAITS_MS = 7 * 86_400_000

/** SQL: whether a `card_order` has ended because nobody had approved it in time. */
export const EXPIRED = `(card_order.cause = 'same_day' AND card_order.status = 'cancelled' AND card_order.ordered_at IS NULL
  AND card_order.ended_at >= card_order.created_at + ${APPROVAL_WAITS_MS})`

/** An order whose page at Stripe is open: paid beside another one, its fee would come in vain. */
const awaitsPayment = (account: string) =>
  `EXISTS (SELECT 1 FROM payment JOIN card_order AS other ON other.id = payment.card_order
           WHERE payment.account = ${account} AND payment.status IN ('created', 'open') AND other.status = 'unpaid')`

export const hasHadCard = (account: string) => `EXISTS (SELECT 1 FROM card WHERE card.account = ${account})`

/** A card that is not closed must be named, so that it will be; where there is none, nothing is named. */
const replaceable = (account: string, lostCard: string) =>
  `iif(EXISTS (SELECT 1 FROM card WHERE card.account = ${account} AND card.status <> 'closed'),
       EXISTS (SELECT 1 FROM card WHERE card.id = ${lostCard} AND card.account = ${account} AND card.status <> 'closed'),
       ${lostCard} IS NULL)`

type Parameters = { id: string; account: string; guardian: string; lostCard: string }

const mayOrder = ({ id, account, guardian, lostCard }: Parameters) => `
  NOT EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ${id}) AND ${maySteer(account, guardian)}
  AND NOT ${childLeft(account)} AND NOT ${underWay(account)} AND ${hasHadCard(account)}
  AND ${replaceable(account, lostCard)}`

const INSERT_ORDER = `
INSERT INTO card_order (id, account, guardian, lost_card, recipient, street, postal_code, city, fee, paid_from, terms,
                        status, created_at, ordered_at, mail)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, iif(?10 = 'account', 'ordered', 'unpaid'), ?12,
  iif(?10 = 'account', ?12, NULL), ?13
WHERE ${mayOrder({ id: '?1', account: '?2', guardian: '?3', lostCard: '?4' })}
  AND (?10 = 'account' OR NOT ${awaitsPayment('?2')})
  AND (?10 = 'checkout' OR ?9 = 0
       OR EXISTS (SELECT 1 FROM transfer WHERE id = 'card_fee:' || ?1 AND debit_account = ?2 AND amount = ?9))`

const FIND_ORDERED = `
SELECT
  (SELECT status FROM card_order
   WHERE id = ?1 AND account = ?2 AND guardian = ?3 AND lost_card IS ?4 AND recipient = ?5 AND street = ?6
     AND postal_code = ?7 AND city = ?8 AND paid_from = ?9) AS stored,
  EXISTS (SELECT 1 FROM card_order WHERE id = ?1) AS taken,
  ${maySteer('?2', '?3')} AS own, ${childLeft('?2')} AS gone,
  ${underWay('?2')} OR (?9 = 'checkout' AND ${awaitsPayment('?2')}) AS rival,
  ${hasHadCard('?2')} AS hadCard, ${replaceable('?2', '?4')} AS known`

type FoundOrdered = {
  stored: CardOrderStatus | null
  taken: 0 | 1
  own: 0 | 1
  gone: 0 | 1
  rival: 0 | 1
  hadCard: 0 | 1
  known: 0 | 1
}

/**
 * Orders a new card once for each id. From the account it is paid in the same transaction, or there is no order; by
 * Checkout it awaits its payment. Without a fee nothing is paid either way.
 */
export async function orderCard(db: D1Database, ordering: Ordering, nowMs: number): Promise<Ordered> {
  const { id, account, guardian, lostCard, recipient, street, postalCode, city, fee, terms } = ordering
  const from = fee === 0 ? 'account' : ordering.from
  const paid =
    from === 'checkout'
      ? []
      : post(
          db,
          {
            id: `card_fee:${id}`,
            kind: 'card_fee',
            debitAccount: account,
            creditAccount: 'card_fee_revenue',
            amount: fee,
            staff: null,
            reason: null,
          },
          nowMs,
          {
            sql: mayOrder({ id: '?10', account: '?3', guardian: '?11', lostCard: '?12' }),
            bind: [id, guardian, lostCard],
          },
        )
  const where = [recipient, street, postalCode, city]
  const answers = await db.batch([
    ...paid,
    db
      .prepare(INSERT_ORDER)
      .bind(id, account, guardian, lostCard, ...where, fee, from, terms, nowMs, ordering.mail ?? null),
    recordedIfChanged(db, { guardian, action: 'card_ordered', subject: `order:${id}`, detail: { from } }, nowMs),
    db.prepare(FIND_ORDERED).bind(id, account, guardian, lostCard, ...where, from),
  ])
  const found = answers.at(-1)?.results[0] as FoundOrdered | undefined
  if (!found) throw new Error('a query without a table had no row')
  const { stored, taken, own, gone, rival, hadCard, known } = found
  if (stored !== null) return stored === 'unpaid' ? 'unpaid' : 'ordered'
  if (!own) return 'not_found'
  if (taken) return 'id_taken'
  if (gone) return 'child_left'
  if (rival) return 'under_way'
  if (!hadCard) return 'first_card'
  return known ? 'insufficient_funds' : 'card_unknown'
}

/** An order whose fee has been paid at Stripe, by transfer `transfer`. `mail` is the payment's. */
export type PaidOrder = {
  id: string
  account: number
  guardian: number
  amount: Ore
  mail: string
  transfer: string
}

/**
 * The statements that put an order under way now that its fee is there, for the batch that books the fee, after it. If
 * by then the account has another order under way, the child has left or the order is cancelled, the order comes to
 * nothing, the fee goes to the account, and the guardian is told. Again is no change.
 */
export function orderPaid(db: D1Database, order: PaidOrder, nowMs: number): D1PreparedStatement[] {
  const { id, account, guardian, amount, mail, transfer } = order
  const awaited = `id = ?1 AND status = 'unpaid' AND EXISTS (SELECT 1 FROM transfer WHERE transfer.id = ?3)`
  return [
    db
      .prepare(
        `UPDATE card_order SET status = 'ordered', ordered_at = ?2
         WHERE ${awaited} AND NOT ${childLeft('card_order.account')} AND NOT ${underWay('card_order.account')}`,
      )
      .bind(id, nowMs, transfer),
    recordedIfChanged(db, { guardian, action: 'card_order_paid', subject: `order:${id}` }, nowMs),
    db.prepare(`UPDATE card_order SET status = 'cancelled', ended_at = ?2 WHERE ${awaited}`).bind(id, nowMs, transfer),
    recordedIfChanged(db, { guardian, action: 'card_order_paid_in_vain', subject: `order:${id}` }, nowMs),
    ...feeReturned(db, order, null, nowMs, {
      sql: `EXISTS (SELECT 1 FROM card_order JOIN transfer AS fee ON fee.id = ?11
                    WHERE card_order.id = ?10 AND status = 'cancelled')`,
      bind: [id, transfer],
    }),
    cancelledLetter(db, { id, account, guardian, due: amount, mail }, nowMs),
  ]
}

/**
 * SQL: what of an order's fee is still to be given back. What its payer has had refunded at Stripe, or has contested, is
 * theirs already; a payment whose fee is back on the account as one too many has nothing to do with it.
 */
export const feeDue = (order: string, account: string) => `
((SELECT asked.fee FROM card_order AS asked WHERE asked.id = ${order}) - coalesce((
  SELECT sum(coalesce((SELECT sum(refund.amount) FROM refund WHERE refund.payment = paid.id
                       AND refund.status IN ('wanted', 'pending', 'succeeded')), 0)
    + coalesce((SELECT sum(dispute.amount) FROM dispute WHERE dispute.payment = paid.id
                AND dispute.withdrawn_at IS NOT NULL AND dispute.returned_at IS NULL), 0))
  FROM payment AS paid
  WHERE paid.account = ${account} AND paid.card_order = ${order} AND paid.status = 'paid'
    AND NOT EXISTS (SELECT 1 FROM transfer AS many WHERE many.id = 'card_fee_return:' || paid.intent)), 0))`

/**
 * The statements that give back what is left of an order's fee, to the account whatever it was paid from, once. The
 * condition's first parameter is the order.
 */
export function feeReturned(
  db: D1Database,
  { id, account }: Pick<PaidOrder, 'id' | 'account'>,
  staff: number | null,
  nowMs: number,
  condition: Condition,
): D1PreparedStatement[] {
  const movement = { kind: 'card_fee_return', debitAccount: 'card_fee_revenue', creditAccount: account } as const
  const returned = { ...movement, id: `card_fee_return:${id}`, staff, reason: null }
  return postMeasured(db, returned, feeDue('?10', '?4'), nowMs, condition)
}

/** SQL: what the revenue has of an order's fee: what was paid, less what was given back, refunded or contested. */
const feeHeld = (order: string, account: string) => `
(SELECT coalesce(sum(part.amount), 0) FROM posting AS part JOIN account AS revenue ON revenue.id = part.account
 WHERE revenue.kind = 'card_fee_revenue' AND part.transfer IN (
   SELECT moved.id FROM transfer AS moved
   WHERE moved.id IN ('card_fee:' || ${order}, 'card_fee_return:' || ${order})
      OR moved.id BETWEEN 'card_fee_return:' || ${order} || ':' AND 'card_fee_return:' || ${order} || ':~'
   UNION ALL SELECT way.value || paid.intent FROM payment AS paid
   JOIN json_each('["card_fee:","card_fee_return:"]') AS way
   WHERE paid.account = ${account} AND paid.card_order = ${order}
   UNION ALL SELECT way.value || refund.id FROM payment AS paid JOIN refund ON refund.payment = paid.id
   JOIN json_each('["refund:","refund_return:"]') AS way
   WHERE paid.account = ${account} AND paid.card_order = ${order}
   UNION ALL SELECT way.value || dispute.id FROM payment AS paid JOIN dispute ON dispute.payment = paid.id
   JOIN json_each('["dispute:","dispute_return:"]') AS way
   WHERE paid.account = ${account} AND paid.card_order = ${order}))`

/**
 * The statements, for the batch in which a part of a fee has come back to the revenue after all, because its refund failed
 * or its dispute was won, and after those that bring it: where the order is cancelled by then, the part is the account's.
 * `by` is what brought it, and makes it happen once; what has come to the account is to be collected as any return is.
 */
export function lateFeeReturned(
  db: D1Database,
  { id, account }: Pick<PaidOrder, 'id' | 'account'>,
  by: string,
  nowMs: number,
): D1PreparedStatement[] {
  const movement = { kind: 'card_fee_return', debitAccount: 'card_fee_revenue', creditAccount: account } as const
  const isCancelled: Condition = {
    sql: "EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?10 AND card_order.status = 'cancelled')",
    bind: [id],
  }
  return [`card_fee_return:${id}`, `card_fee_return:${id}:${by}`].flatMap((transfer) => [
    ...postMeasured(
      db,
      { ...movement, id: transfer, staff: null, reason: null },
      feeHeld('?10', '?4'),
      nowMs,
      isCancelled,
    ),
    ...collected(db, account, transfer, nowMs),
  ])
}

/**
 * Whom the end of an order is told, and that `due` of its fee is back: who ordered it, or all of the child's guardians
 * where nobody of them did. `mail` is where its payer wanted to hear, null for the guardian's own address.
 */
export type Ending = { id: string; account: number; guardian: number | null; due: number; mail: string | null }

export function cancelledLetter(db: D1Database, { id, account, guardian, due, mail }: Ending, nowMs: number) {
  return moneyLetter(
    db,
    'card_order_cancelled',
    { amount: due },
    { guardian, recipient: mail, account, cause: `order:${id}:cancelled` },
    nowMs,
    {
      sql: `EXISTS (SELECT 1 FROM transfer WHERE transfer.id = 'card_fee_return:' || ?10 AND transfer.at = ?11
                    AND transfer.amount = ?12)
            OR ?12 = 0 AND EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?10
                                   AND card_order.status = 'cancelled' AND ended_at = ?11)`,
      bind: [id, nowMs, due],
    },
  )
}
