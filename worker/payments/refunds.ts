import { ore } from '../../shared/money.ts'
import { lateFeeReturned } from '../cards/card-orders.ts'
import { type Condition, type Movement, post, postAsFarAsThere, postBack } from '../ledger/transfers.ts'
import { moneyLetter } from '../letters/outbox.ts'
import { pauseAfterDispute, restAfterRefund } from './agreements.ts'
import { settleIntent } from './settlements.ts'
import { collected, givenBack } from './shortfalls.ts'
import {
  type DisputeState,
  type Intent,
  intentOf,
  openRefund,
  type RefundState,
  type Refused,
  refundOf,
  type StripeAccount,
  type Unavailable,
} from './stripe/stripe.ts'
import { settleTopUp } from './top-ups.ts'

/**
 * Money that goes back to where a payment came from: the refunds of payouts, which are sent from here, and what is
 * refunded or contested at Stripe, which is followed. What Stripe said last may be told first, so a refund only ever goes
 * on (wanted, pending, succeeded, failed), and a dispute's money goes away once and comes back once.
 */

/**
 * Where a payment's money was booked: to the wallet `account`, which may have spent it since, or `elsewhere`, to an account
 * that has no floor. A card order's fee is the revenue's until it is given back, so that only the batch knows which of the
 * two has it.
 */
type Origin = { payment: string; intent: string; order: string | null; account: number; elsewhere: number | null }

/** What came of asking: `none` where the payment is none of ours. */
export type Applied = { kind: 'applied' } | { kind: 'none' } | Refused | Unavailable

/**
 * Fetches a payment from Stripe and applies all that has become of it: that it was paid, refunded, contested. Any number
 * of these may run at once.
 */
export async function applyIntent(db: D1Database, stripe: StripeAccount, id: string, nowMs: number): Promise<Applied> {
  const intent = await intentOf(stripe, id)
  if ('kind' in intent) return intent
  const payment = await settleIntent(db, stripe, intent, nowMs)
  if (!payment) return { kind: 'none' }
  if (payment.purpose === 'top_up' && payment.status === 'waiting') await settleTopUp(db, stripe, payment.id, nowMs)
  if (intent.currency !== 'dkk' || intent.refunds.length + intent.disputes.length === 0) return { kind: 'applied' }
  const origin = await originOf(db, intent)
  if (!origin) return { kind: 'applied' }
  for (const refund of intent.refunds) await applyRefund(db, stripe, refund, origin, nowMs)
  for (const dispute of intent.disputes) {
    await db.batch(disputed(db, dispute, origin, nowMs))
  }
  return { kind: 'applied' }
}

/** Where a payment of ours was booked; null where it has not been. */
async function originOf(db: D1Database, { id }: Intent): Promise<Origin | null> {
  return await db
    .prepare(
      `SELECT payment.id AS payment, payment.intent, iif(transfer.kind = 'card_fee', card_order, NULL) AS "order",
         payment.account, iif(account.kind = 'wallet', NULL, account.id) AS elsewhere
       FROM transfer JOIN account ON account.id = transfer.credit_account JOIN payment ON payment.intent = ?1
       WHERE transfer.id IN ('deposit:' || ?1, 'top_up:' || ?1, 'card_fee:' || ?1)`,
    )
    .bind(id)
    .first()
}

// ── Refunds ─────────────────────────────────────────────────────────────────

const MINUTE_MS = 60_000

/** SQL: when a refund is asked about again, after so many times; the pauses grow to six hours. */
const NEXT_CHECK = `?1 + min(360, 1 << min(checks, 9)) * ${MINUTE_MS}`

/** How many refunds one run sends or asks about, and how many at once. */
const RUN_MAX = 40
const AT_ONCE = 4

/** SQL: how far a refund has come. Stripe lets one fail after it has succeeded, and a failed one stays so. */
const rank = (status: string) =>
  `CASE ${status} WHEN 'wanted' THEN 0 WHEN 'pending' THEN 1 WHEN 'succeeded' THEN 2 WHEN 'failed' THEN 3 END`

/** What a run did: refunds sent to Stripe or asked about, those of them that have ended, and whether Stripe answered. */
export type Pushed = { asked: number; ended: number; unavailable: boolean }

/**
 * Sends to Stripe the refunds that payouts want, and asks about those that are under way, where it is time. A refund is
 * claimed before it is sent, so that two runs do not both wait for one answer.
 */
export async function pushRefunds(db: D1Database, stripe: StripeAccount, nowMs: number): Promise<Pushed> {
  const pushed: Pushed = { asked: 0, ended: 0, unavailable: false }
  while (pushed.asked < RUN_MAX && !pushed.unavailable) {
    const due = await db
      .prepare(
        `UPDATE refund SET checks = checks + 1, check_at = ${NEXT_CHECK}
         WHERE id IN (SELECT id FROM refund WHERE check_at <= ?1 AND status IN ('wanted', 'pending')
                      ORDER BY check_at LIMIT ${AT_ONCE})
         RETURNING id`,
      )
      .bind(nowMs)
      .all<{ id: string }>()
    if (due.results.length === 0) break
    const states = await Promise.all(due.results.map(({ id }) => settleRefund(db, stripe, id, nowMs)))
    pushed.asked += states.length
    pushed.ended += states.filter((state) => state === 'succeeded' || state === 'failed').length
    pushed.unavailable = states.includes('unavailable')
  }
  return pushed
}

/** A refund as it stands; `guardian` is its payout's, and `mail` where they want to hear, null where it has none. */
type RefundRow = {
  id: string
  amount: number
  status: 'wanted' | 'pending' | 'succeeded' | 'failed'
  stripe: string | null
  intent: string
  checks: number
  guardian: number | null
  mail: string | null
  account: number
  order: string | null
}

const REFUND = `
SELECT refund.id, refund.amount, refund.status, refund.stripe, payment.intent, refund.checks, payout.guardian,
  payout.mail, payment.account, payment.card_order AS "order"
FROM refund JOIN payment ON payment.id = refund.payment LEFT JOIN payout ON payout.id = refund.payout
WHERE refund.status <> 'draft' AND payment.intent IS NOT NULL`

/** Sends one refund to Stripe, or asks about it, and applies the answer; null where there is none to be sent. */
async function settleRefund(
  db: D1Database,
  stripe: StripeAccount,
  id: string,
  nowMs: number,
): Promise<RefundState['status'] | 'unavailable' | null> {
  const row = await db.prepare(`${REFUND} AND refund.id = ?`).bind(id).first<RefundRow>()
  if (!row) return null
  if (row.status === 'succeeded' || row.status === 'failed') return row.status
  const state = await (row.stripe === null ? sent(stripe, row) : refundOf(stripe, row.stripe))
  if (!('kind' in state)) {
    const step: Step = { stripe: state.id, status: state.status, error: state.error }
    await db.batch(advanced(db, row, step, nowMs))
    return state.status
  }
  if (state.kind === 'unavailable') return 'unavailable'
  if (row.stripe !== null) return 'pending' // It was there once, so it is asked about again.
  const step: Step = { stripe: null, status: 'failed', error: state.code }
  await db.batch(advanced(db, row, step, nowMs))
  return 'failed'
}

/**
 * A refund that was sent before is looked for first: Stripe keeps an idempotency key for a day, and an answer that was
 * lost may have been a yes.
 */
async function sent(
  stripe: StripeAccount,
  { id, amount, intent, checks }: RefundRow,
): Promise<RefundState | Refused | Unavailable> {
  if (checks > 1) {
    const state = await intentOf(stripe, intent)
    if ('kind' in state) return state
    const there = state.refunds.find(({ origin }) => origin.refund === id)
    if (there) return there
  }
  return openRefund(stripe, { refund: id, intent, amount })
}

type Step = { stripe: string | null; status: RefundState['status']; error: string | null }

/** The statements that bring a refund as far as it has come; where it failed, the money is the account's again. */
function advanced(
  db: D1Database,
  { id, amount, guardian, mail, account, order }: Omit<RefundRow, 'status' | 'stripe' | 'intent' | 'checks'>,
  { stripe, status, error }: Step,
  nowMs: number,
): D1PreparedStatement[] {
  const hasFailed: Condition = {
    sql: "EXISTS (SELECT 1 FROM refund WHERE refund.id = ?10 AND refund.status = 'failed')",
    bind: [id],
  }
  const toPayer =
    guardian === null
      ? []
      : [
          moneyLetter(
            db,
            'refund_failed',
            { amount },
            { guardian, recipient: mail, account, cause: `refund:${id}` },
            nowMs,
            hasFailed,
          ),
        ]
  return [
    db
      .prepare(
        `UPDATE refund SET status = ?2, stripe = coalesce(stripe, ?3), error = ?4,
           settled_at = iif(?2 = 'pending', NULL, ?5), check_at = iif(?2 = 'pending', coalesce(check_at, ?5), NULL)
         WHERE id = ?1 AND status <> 'draft' AND ${rank('status')} < ${rank('?2')}`,
      )
      .bind(id, status, stripe, error, nowMs),
    ...(status === 'failed' ? cameBack(db, 'refund', id, { account, order }, nowMs, hasFailed) : []),
    ...toPayer,
  ]
}

async function applyRefund(
  db: D1Database,
  stripe: StripeAccount,
  state: RefundState,
  origin: Origin,
  nowMs: number,
): Promise<void> {
  const claimed = state.origin.municipality === stripe.municipality ? state.origin.refund : null
  const ours = await db
    .prepare(`${REFUND} AND refund.payment = ?1 AND (refund.stripe = ?2 OR refund.id = ?3)`)
    .bind(origin.payment, state.id, claimed)
    .first<RefundRow>()
  const { account, order } = origin
  const row = ours ?? { ...{ id: state.id, amount: state.amount, guardian: null, mail: null }, account, order }
  const step: Step = { stripe: state.id, status: state.status, error: state.error }
  await db.batch([...(ours?.guardian ? [] : followed(db, state, origin, nowMs)), ...advanced(db, row, step, nowMs)])
}

/**
 * The statements for a refund that somebody made at Stripe: its row, and its money, which is gone whatever is there. It
 * begins as pending, also where it has gone on since, so that its money goes and comes back as in Stripe's book.
 */
function followed(db: D1Database, { id, amount }: RefundState, origin: Origin, nowMs: number): D1PreparedStatement[] {
  const isGone: Condition = {
    sql: "EXISTS (SELECT 1 FROM refund WHERE refund.id = ?10 AND refund.status IN ('pending', 'succeeded'))",
    bind: [id],
  }
  return [
    db
      .prepare(
        `INSERT INTO refund (id, payment, amount, status, stripe, created_at, check_at)
         VALUES (?1, ?2, ?3, 'pending', ?1, ?4, ?4) ON CONFLICT DO NOTHING`,
      )
      .bind(id, origin.payment, amount, nowMs),
    ...taken(db, 'refund', { id, amount }, origin, nowMs, isGone),
    restAfterRefund(db, origin.account, nowMs),
  ]
}

// ── Disputes ────────────────────────────────────────────────────────────────

/** What Stripe calls a dispute that is over; until then nothing of what went comes back. */
const OVER = ['won', 'lost', 'warning_closed', 'prevented']

const hasReturned = ({ status, withdrawn }: DisputeState) => !withdrawn && OVER.includes(status)

/**
 * The statements that follow a dispute. Its money comes back at most once, when the dispute is over, and then it has come
 * back: an older state that is told later takes it away no more.
 */
function disputed(db: D1Database, dispute: DisputeState, origin: Origin, nowMs: number): D1PreparedStatement[] {
  const { id, amount, status, withdrawn } = dispute
  const is = (sql: string): Condition => ({
    sql: `EXISTS (SELECT 1 FROM dispute WHERE dispute.id = ?10 AND ${sql})`,
    bind: [id],
  })
  return [
    db
      .prepare(
        `INSERT INTO dispute (id, payment, amount, status, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, origin.payment, amount, status, nowMs),
    db
      .prepare(
        `UPDATE dispute SET status = ?2, withdrawn_at = coalesce(withdrawn_at, iif(?3, ?5, NULL)),
           returned_at = iif(?4, ?5, NULL)
         WHERE id = ?1 AND returned_at IS NULL`,
      )
      .bind(id, status, withdrawn ? 1 : 0, hasReturned(dispute) ? 1 : 0, nowMs),
    pauseAfterDispute(db, id, nowMs),
    ...taken(db, 'dispute', { id, amount }, origin, nowMs, is('withdrawn_at IS NOT NULL AND returned_at IS NULL')),
    ...(hasReturned(dispute) ? cameBack(db, 'dispute', id, origin, nowMs, is('returned_at IS NOT NULL')) : []),
  ]
}

// ── The book ────────────────────────────────────────────────────────────────

/** Whether a card order's fee is with its account again, in a condition that has one parameter. */
const FEE_RETURNED = `EXISTS (SELECT 1 FROM transfer AS given
                              WHERE given.id IN ('card_fee_return:' || ?11, 'card_fee_return:' || ?12))`

/** Money that is back at its payer: out of the wallet as far as it is there, out of any other account whole. */
function taken(
  db: D1Database,
  kind: 'refund' | 'dispute',
  { id, amount }: { id: string; amount: number },
  { intent, order, account, elsewhere }: Origin,
  nowMs: number,
  condition: Condition,
): D1PreparedStatement[] {
  const movement = { id: `${kind}:${id}`, kind, creditAccount: 'psp_clearing', amount: ore(amount) } as const
  const from = (debitAccount: number): Movement => ({ ...movement, debitAccount, staff: null, reason: null })
  const where = (sql: string): Condition => ({
    sql: `${condition.sql} AND ${sql}`,
    bind: [...condition.bind, intent, order],
  })
  if (elsewhere === null) return postAsFarAsThere(db, from(account), nowMs, condition)
  if (order === null) return post(db, from(elsewhere), nowMs, condition)
  return [
    ...post(db, from(elsewhere), nowMs, where(`NOT ${FEE_RETURNED}`)),
    ...postAsFarAsThere(db, from(account), nowMs, where(FEE_RETURNED)),
  ]
}

/**
 * Money that has come back after all: to the account that it was taken from, and to suspense what was short there, or to
 * the wallet what of that had been collected from it. Then suspense collects what it bears for the wallet beside this.
 */
function cameBack(
  db: D1Database,
  kind: 'refund' | 'dispute',
  id: string,
  { account, order }: Pick<Origin, 'account' | 'order'>,
  nowMs: number,
  condition: Condition,
): D1PreparedStatement[] {
  const back = `${kind}_return:${id}`
  const moved = (['', ':short'] as const).flatMap((part) => {
    const movement = { id: `${back}${part}`, kind: `${kind}_return`, of: `${kind}:${id}${part}` } as const
    return postBack(db, { ...movement, staff: null, reason: null }, nowMs, condition)
  })
  return [
    ...moved,
    ...(order === null ? [] : lateFeeReturned(db, { id: order, account }, `${kind}:${id}`, nowMs)),
    ...givenBack(db, account, back, nowMs, condition),
    ...collected(db, account, back, nowMs),
  ]
}
