import { type Ore, ore } from '../../shared/money.ts'
import { orderPaid } from '../cards/card-orders.ts'
import { type Condition, type Movement, post } from '../ledger/transfers.ts'
import { moneyLetter } from '../letters/outbox.ts'
import { log } from '../log.ts'
import type { payment } from '../schema/money.ts'
import { comeIntoForce } from './agreements.ts'
import type { Intent } from './stripe/stripe.ts'

/**
 * What a payment's end does to the books, as statements for one batch. Each holds its own condition, so that a batch that
 * comes again, late, or beside another one, changes nothing.
 */

/** What of a payment's row is booked; `status` and `intent` as they were read, which the statements do not rely upon. */
export type Booked = Pick<
  typeof payment.$inferSelect,
  'id' | 'purpose' | 'account' | 'guardian' | 'amount' | 'mail' | 'agreement' | 'cardOrder' | 'status' | 'intent'
>

/** How a payment ends for which no money came. */
export type End = { status: 'failed' | 'expired' | 'cancelled'; error: string | null; intent: string | null }

/** The statement that ends a payment without money; one that has ended stays as it is. */
export function ended(
  db: D1Database,
  { id }: { id: string },
  { status, error, intent }: End,
  nowMs: number,
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE payment SET status = ?2, error = ?3, intent = coalesce(intent, ?4), settled_at = ?5, check_at = NULL
       WHERE id = ?1 AND status IN ('created', 'open')`,
    )
    .bind(id, status, error, intent, nowMs)
}

/**
 * The statements for money that Stripe has received for a payment, also for one that had ended. What is not what was
 * asked for is held in suspense, and never reaches a wallet; what is not in kroner stays outside the books.
 */
export function received(db: D1Database, row: Booked, intent: Intent, nowMs: number): D1PreparedStatement[] {
  const settled = row.status === 'paid' || row.status === 'mismatch'
  if (settled) return row.intent === intent.id ? [] : held(db, row, intent, 'paid_twice', nowMs)
  const asked = intent.received === row.amount && intent.amount === row.amount
  if (intent.currency === 'dkk' && asked) return credited(db, row, intent, nowMs)
  const error = intent.currency === 'dkk' ? 'amount' : 'currency'
  return [finished(db, row, 'mismatch', intent, error, nowMs), ...held(db, row, intent, error, nowMs)]
}

function finished(
  db: D1Database,
  { id }: Booked,
  status: 'paid' | 'mismatch',
  intent: Intent,
  error: string | null,
  nowMs: number,
): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE payment SET status = ?2, intent = ?3, method = ?4, error = ?5, settled_at = ?6, check_at = NULL
       WHERE id = ?1 AND status NOT IN ('paid', 'mismatch')`,
    )
    .bind(id, status, intent.id, intent.method, error, nowMs)
}

function held(
  db: D1Database,
  { id, purpose }: Booked,
  intent: Intent,
  error: 'currency' | 'amount' | 'paid_twice',
  nowMs: number,
): D1PreparedStatement[] {
  log('error', 'payment_mismatch', { payment: id, purpose, intent: intent.id, error })
  if (intent.currency !== 'dkk' || intent.received <= 0) return []
  const movement: Movement = {
    id: `deposit:${intent.id}`,
    kind: 'deposit',
    debitAccount: 'psp_clearing',
    creditAccount: 'suspense',
    amount: ore(intent.received),
    staff: null,
    reason: null,
  }
  const notCredited = `NOT EXISTS (SELECT 1 FROM payment AS own WHERE own.id = ?10 AND own.status = 'paid'
                                     AND own.intent = ?11)`
  return post(db, movement, nowMs, { sql: notCredited, bind: [id, intent.id] })
}

function credited(db: D1Database, row: Booked, intent: Intent, nowMs: number): D1PreparedStatement[] {
  const { id, purpose, account, guardian, mail, cardOrder } = row
  const amount = row.amount as Ore
  const transfer = `${purpose}:${intent.id}`
  const isPaid: Condition = {
    sql: `EXISTS (SELECT 1 FROM payment AS own WHERE own.id = ?10 AND own.status = 'paid' AND own.intent = ?11)`,
    bind: [id, intent.id],
  }
  const movement: Movement = {
    id: transfer,
    kind: purpose,
    debitAccount: 'psp_clearing',
    creditAccount: purpose === 'card_fee' ? 'card_fee_revenue' : account,
    amount,
    staff: null,
    reason: null,
  }
  const receipt = (condition: Condition) => {
    const addressee = { guardian, recipient: mail, account, cause: `payment:${id}` }
    const told = { amount, at: nowMs, method: intent.method, reference: id }
    return moneyLetter(db, purpose === 'top_up' ? 'topped_up' : 'deposited', told, addressee, nowMs, condition)
  }
  const booked = [
    finished(db, row, 'paid', intent, null, nowMs),
    ...(row.agreement === null ? [] : [charged(db, row.agreement)]),
    ...post(db, movement, nowMs, isPaid),
  ]
  if (cardOrder === null) return [...booked, receipt(isPaid), comeIntoForce(db, account, nowMs)]
  // An order that was paid before, on another page, is not paid again: this fee goes to the account, as a deposit would.
  const inVain: Movement = {
    id: `card_fee_return:${intent.id}`,
    kind: 'card_fee_return',
    debitAccount: 'card_fee_revenue',
    creditAccount: account,
    amount,
    staff: null,
    reason: null,
  }
  const paidBefore: Condition = {
    sql: `EXISTS (SELECT 1 FROM payment AS other
                  JOIN transfer AS first ON first.id = 'card_fee:' || other.intent
                  JOIN transfer AS own ON own.id = ?11
                  WHERE other.account = ?12 AND other.card_order = ?10 AND first.rowid < own.rowid)`,
    bind: [cardOrder, transfer, account],
  }
  return [
    ...booked,
    ...orderPaid(db, { id: cardOrder, account, guardian, amount, mail, transfer }, nowMs),
    ...post(db, inVain, nowMs, paidBefore),
    receipt({ sql: 'EXISTS (SELECT 1 FROM transfer WHERE transfer.id = ?10)', bind: [inVain.id] }),
  ]
}

/** The statement, right after the one that ends a charge of a stored card as paid, that forgets the tries before it. */
function charged(db: D1Database, agreement: string): D1PreparedStatement {
  return db
    .prepare('UPDATE agreement SET failures = 0, retry_at = NULL WHERE id = ? AND failures > 0 AND changes() > 0')
    .bind(agreement)
}
