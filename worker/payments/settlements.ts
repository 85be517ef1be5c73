import { type End, ended, received } from './payment-booking.ts'
import { PAYMENT, type Payer, type PaymentView, paymentOf, paymentQuery, type Row } from './payments.ts'
import {
  type CheckoutState,
  checkoutOf,
  closeCheckout,
  type Intent,
  intentOf,
  type Refused,
  type StripeAccount,
  type Unavailable,
} from './stripe/stripe.ts'

/**
 * What has become of payments on Stripe's page, and of charges of stored cards. Whoever learns that something may have
 * happened, a webhook, a guardian who comes back or the cron, has Stripe asked what is so, and the same statements apply
 * it however often: what is credited is keyed by Stripe's own id of the payment, so it is credited once.
 */

/** How long after its row a payment may be without a page that Stripe has told us of: every page has ended by then. */
const PAGE_LIFE_MS = 35 * 60_000

/** How long an answer that Stripe does not know a payment is put down to Stripe; after that the payment has failed. */
const GIVEN_UP_AFTER_MS = 3 * 86_400_000

/** `stale` says that Stripe did not answer, so that the payment may be further by now. */
export type Settlement = PaymentView & { stale: boolean }

/**
 * Asks Stripe what has become of a payment, applies it, and says where the payment is now; one that is paid is not asked
 * for again. Null where there is none, or none of this payer. Any number of these may run at once.
 */
export async function settle(
  db: D1Database,
  stripe: StripeAccount,
  id: string,
  nowMs: number,
  payer: Payer | null = null,
): Promise<Settlement | null> {
  const row = await paymentQuery(db, id, payer).first<Row>()
  if (!row) return null
  if (row.status === 'paid' || row.status === 'mismatch') return said(row)
  return applied(db, row, await found(stripe, row), 'expired', nowMs)
}

/**
 * A guardian has come back without having paid: the page is closed at Stripe, so that nobody pays there later, and the
 * payment is over, unless it was paid after all. Null where the payer has no such payment.
 */
export async function cancelPayment(
  db: D1Database,
  stripe: StripeAccount,
  { id, ...payer }: Payer & { id: string },
  nowMs: number,
): Promise<Settlement | null> {
  const row = await paymentQuery(db, id, payer).first<Row>()
  if (!row) return null
  if (row.status !== 'open' || row.checkout === null) return said(row)
  const closed = pageOf(await closeCheckout(stripe, row.checkout))
  if (closed.kind === 'refused') return applied(db, row, await found(stripe, row), 'expired', nowMs)
  return applied(db, row, closed, 'cancelled', nowMs)
}

/**
 * Applies a payment that was fetched from Stripe already, and says where its row is; null where it is none of ours. That
 * a page's newest attempt failed is nothing yet: the payer may try again there.
 */
export async function settleIntent(
  db: D1Database,
  stripe: StripeAccount,
  intent: Intent,
  nowMs: number,
): Promise<Settlement | null> {
  const ours = intent.origin.municipality === stripe.municipality ? intent.origin.payment : null
  const row = await db
    .prepare(`${PAYMENT} WHERE intent = ?1 OR payment.id = ?2 ORDER BY intent IS ?1 DESC LIMIT 1`)
    .bind(intent.id, ours)
    .first<Row>()
  return row && applied(db, row, { kind: 'found', page: null, intent }, 'expired', nowMs)
}

/**
 * As `settle`, for a page that Stripe has spoken of, also one whose address never reached us. `none` where it is no
 * payment's of this municipality.
 */
export async function settleCheckout(
  db: D1Database,
  stripe: StripeAccount,
  checkout: string,
  nowMs: number,
): Promise<{ kind: 'settled' } | { kind: 'none' } | Refused | Unavailable> {
  const state = await checkoutOf(stripe, checkout)
  if ('kind' in state) return state
  const ours = state.origin.municipality === stripe.municipality ? state.origin.payment : null
  const row = await db
    .prepare(`${PAYMENT} WHERE payment.checkout = ?1 OR (payment.id = ?2 AND payment.checkout IS NULL)`)
    .bind(checkout, ours)
    .first<Row>()
  if (!row) return { kind: 'none' }
  await applied(db, row, { kind: 'found', page: state.status, intent: state.intent }, 'expired', nowMs)
  return { kind: 'settled' }
}

const said = (row: Row, stale = false): Settlement | null => {
  const view = paymentOf(row)
  return view && { ...view, stale }
}

/** What Stripe has of a payment: its page, and its intent once somebody has tried to pay. */
type Found = { kind: 'found'; page: CheckoutState['status'] | null; intent: Intent | null }

function pageOf(state: CheckoutState | Refused | Unavailable): Found | Refused | Unavailable {
  return 'kind' in state ? state : { kind: 'found', page: state.status, intent: state.intent }
}

async function found(stripe: StripeAccount, row: Row): Promise<Found | Refused | Unavailable> {
  if (row.checkout !== null) return pageOf(await checkoutOf(stripe, row.checkout))
  if (row.intent === null) return { kind: 'found', page: null, intent: null } // Nobody was told of a page, or of a charge.
  const intent = await intentOf(stripe, row.intent)
  return 'kind' in intent ? intent : { kind: 'found', page: null, intent }
}

/**
 * How a payment has ended without money; null while it may still be paid. That a charge of a stored card has failed counts
 * on its agreement too, and is written where it is made (`top-ups.ts`).
 */
function endOf(row: Row, { page, intent }: Found, left: 'expired' | 'cancelled', nowMs: number): End | null {
  const error = intent?.error ?? null
  const over = { error, intent: intent?.id ?? null }
  const ageMs = nowMs - row.createdAt
  if (row.purpose === 'top_up' || intent?.status === 'processing') return null
  if (row.checkout === null && intent === null) return ageMs < PAGE_LIFE_MS ? null : { ...over, status: 'expired' }
  if (page !== 'expired' && intent?.status !== 'canceled') return null
  return { ...over, status: left === 'expired' && error !== null ? 'failed' : left }
}

async function applied(
  db: D1Database,
  row: Row,
  answer: Found | Refused | Unavailable,
  left: 'expired' | 'cancelled',
  nowMs: number,
): Promise<Settlement | null> {
  const statements = ((): D1PreparedStatement[] => {
    switch (answer.kind) {
      case 'unavailable':
        return []
      case 'refused': {
        const given = nowMs - row.createdAt > GIVEN_UP_AFTER_MS
        return given ? [ended(db, row, { status: 'failed', error: answer.code, intent: null }, nowMs)] : []
      }
      case 'found': {
        if (answer.intent?.status === 'succeeded') return received(db, row, answer.intent, nowMs)
        const over = endOf(row, answer, left, nowMs)
        return over ? [ended(db, row, over, nowMs)] : []
      }
    }
  })()
  if (statements.length === 0) return said(row, answer.kind === 'unavailable')
  const answers = await db.batch<Row>([...statements, paymentQuery(db, row.id, null)])
  const now = answers.at(-1)?.results[0]
  return now ? said(now) : null
}
