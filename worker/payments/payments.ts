import type { Language } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { maySteer } from '../people/guardianships.ts'
import type { payment } from '../schema/money.ts'
import { checkout as words } from '../texts/checkout.ts'
import { speaker } from '../texts/language.ts'
import { type End, ended, received } from './payment-booking.ts'
import {
  type CheckoutState,
  checkoutOf,
  closeCheckout,
  type Intent,
  intentOf,
  openPayment,
  type Refused,
  type StripeAccount,
  type Unavailable,
} from './stripe/stripe.ts'

/**
 * Money in: payments on Stripe's page, and charges of stored cards. A payment's row is stored before Stripe hears of it.
 * Whoever learns that something may have happened, a webhook, a guardian who comes back or the cron, has Stripe asked
 * what is so, and the same statements apply it however often: what is credited is keyed by Stripe's own id of the
 * payment, so it is credited once.
 */

const MINUTE_MS = 60_000

/** How long after its row a payment may be without a page that Stripe has told us of: every page has ended by then. */
const PAGE_LIFE_MS = 35 * MINUTE_MS

/** When Stripe is asked first, though nobody has said anything. */
const FIRST_CHECK_MS = 2 * MINUTE_MS

/** How long after its row Stripe still opens a payment's page: until a page's least life would be too short (`stripe.ts`). */
const OPENED_WITHIN_MS = 50_000

/** How long an answer that Stripe does not know a payment is put down to Stripe; after that the payment has failed. */
const GIVEN_UP_AFTER_MS = 3 * 86_400_000

type Status = (typeof payment.$inferSelect)['status']

/** Whose payment it must be to be there at all. */
export type Payer = { guardian: number; account: number }

/**
 * A payment as its payer sees it, amounts in øre. `address` is Stripe's page, where it is waited for; `balanceAfter` what
 * the account had right after it, null where nothing went there. A `mismatch` is not what was asked for: the money is
 * held, and staff are to look.
 */
export type PaymentView = {
  id: string
  purpose: (typeof payment.$inferSelect)['purpose']
  account: number
  order: string | null
  amount: number
  mail: string
  terms: string
  status: Exclude<Status, 'created' | 'open'> | 'waiting'
  method: 'card' | 'mobilepay' | null
  error: string | null
  address: string | null
  createdAt: number
  settledAt: number | null
  balanceAfter: number | null
}

/** `stale` says that Stripe did not answer, so that the payment may be further by now. */
export type Settlement = PaymentView & { stale: boolean }

/**
 * `page` is where the browser goes. `ended`: the payment is over, paid or not. `refused`: it never got a page, and never
 * will; nobody has paid. `unavailable`: Stripe did not answer; under the same id it may go for less than a minute, and
 * not at all where Stripe keeps its answer. So after either a form goes on with a new id. `changed`: the same form was
 * sent before with another amount. `not_found`: no account of theirs, or an id of somebody else's.
 */
export type Beginning =
  | { kind: 'page'; address: string }
  | { kind: 'amount_too_small' | 'amount_too_large'; min: number; max: number }
  | { kind: 'child_left' | 'not_found' | 'changed' | 'ended' | 'refused' | 'unavailable' }

type Row = Omit<PaymentView, 'status' | 'order'> & {
  status: Status
  guardian: number
  agreement: string | null
  cardOrder: string | null
  checkout: string | null
  intent: string | null
}

const PAYMENT = `
SELECT payment.id, purpose, payment.account, payment.guardian, agreement, card_order AS cardOrder, payment.amount,
  payment.mail, payment.terms, payment.status, payment.checkout, payment.address, intent, method, error,
  payment.created_at AS createdAt, settled_at AS settledAt, posting.balance AS balanceAfter
FROM payment
LEFT JOIN posting ON posting.transfer = payment.purpose || ':' || payment.intent AND posting.account = payment.account`

/** The statement that reads a payment, of this payer alone where one is named, for a batch; `paymentOf` reads its row. */
export function paymentQuery(db: D1Database, id: string, payer: Payer | null): D1PreparedStatement {
  const { guardian, account } = payer ?? { guardian: null, account: null }
  return db
    .prepare(
      `${PAYMENT} WHERE payment.id = ?1 AND (?2 IS NULL OR payment.guardian = ?2)
         AND (?3 IS NULL OR payment.account = ?3) AND ${maySteer('payment.account', '?2')}`,
    )
    .bind(id, guardian, account)
}

/** What a payment's row says; null where there was none. */
export function paymentOf(found: unknown): PaymentView | null {
  const row = found as Row | null | undefined
  if (!row) return null
  const { id, purpose, account, cardOrder, amount, mail, terms, method, error, createdAt, settledAt, balanceAfter } =
    row
  const waiting = row.status === 'created' || row.status === 'open'
  return {
    ...{
      id,
      purpose,
      account,
      order: cardOrder,
      amount,
      mail,
      terms,
      method,
      error,
      createdAt,
      settledAt,
      balanceAfter,
    },
    status: row.status === 'created' || row.status === 'open' ? 'waiting' : row.status,
    address: waiting ? row.address : null,
  }
}

// ── Beginning ───────────────────────────────────────────────────────────────

/** A form of Indbetal. `id` was made when it was shown; `terms` is the version that was accepted ('da-3'); `origin` the portal's. */
export type Deposit = Payer & {
  id: string
  amount: number
  mail: string
  terms: string
  language: Language
  origin: string
}

/** Stores a deposit, if it may be, and opens its page at Stripe. The same form again leads to the same page. */
export async function beginDeposit(
  db: D1Database,
  stripe: StripeAccount,
  deposit: Deposit,
  nowMs: number,
): Promise<Beginning> {
  const { id, account, guardian, amount, mail, terms, language, origin } = deposit
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO payment (id, purpose, account, guardian, amount, mail, terms, status, created_at, check_at)
         SELECT ?1, 'deposit', account.id, ?3, ?4, ?5, ?6, 'created', ?7, ?8
         FROM municipality CROSS JOIN account JOIN child ON child.id = account.child
         WHERE account.id = ?2 AND child.left_at IS NULL AND ?4 BETWEEN deposit_min AND deposit_max
           AND ${maySteer('account.id', '?3')}
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, account, guardian, amount, mail, terms, nowMs, nowMs + FIRST_CHECK_MS),
    recordedIfChanged(db, { guardian, action: 'deposit_begun', subject: `payment:${id}` }, nowMs),
    db
      .prepare(
        `SELECT deposit_min AS min, deposit_max AS max, child.left_at IS NOT NULL AS gone
         FROM municipality CROSS JOIN account JOIN child ON child.id = account.child
         WHERE account.id = ?1 AND ${maySteer('account.id', '?2')}`,
      )
      .bind(account, guardian),
    paymentQuery(db, id, { guardian, account }),
  ])
  const standing = answers[2]?.results[0] as { min: number; max: number; gone: 0 | 1 } | undefined
  const row = answers[3]?.results[0] as Row | undefined
  if (row?.purpose === 'deposit') {
    if (row.amount !== amount) return { kind: 'changed' }
    const done = `${origin}/konto/${account}/indbetaling/${id}`
    return opened(db, stripe, row, { item: words.deposit, language, done, back: `${done}?afbrudt=1` }, nowMs)
  }
  if (!standing || row) return { kind: 'not_found' }
  if (standing.gone) return { kind: 'child_left' }
  const { min, max } = standing
  if (amount < min) return { kind: 'amount_too_small', min, max }
  if (amount > max) return { kind: 'amount_too_large', min, max }
  return { kind: 'not_found' } // The id is somebody else's.
}

/** The form of a card order that is paid at Stripe: `id` is the payment's, `order` the order that stands as unpaid. */
export type CardFee = Payer & { id: string; order: string; mail: string; language: Language; origin: string }

/** As `beginDeposit`, for the fee of a card order: what it costs and which words were accepted, the order says. */
export async function beginCardFee(
  db: D1Database,
  stripe: StripeAccount,
  fee: CardFee,
  nowMs: number,
): Promise<Beginning> {
  const { id, account, guardian, order, mail, language, origin } = fee
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO payment (id, purpose, account, guardian, card_order, amount, mail, terms, status, created_at,
                              check_at)
         SELECT ?1, 'card_fee', account, guardian, id, fee, ?5, terms, 'created', ?6, ?7
         FROM card_order
         WHERE id = ?2 AND account = ?3 AND guardian = ?4 AND status = 'unpaid' AND paid_from = 'checkout' AND fee > 0
           AND ${maySteer('account', '?4')}
           AND NOT EXISTS (SELECT 1 FROM account AS wallet JOIN child ON child.id = wallet.child
                           WHERE wallet.id = card_order.account AND left_at IS NOT NULL)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, order, account, guardian, mail, nowMs, nowMs + FIRST_CHECK_MS),
    recordedIfChanged(db, { guardian, action: 'card_fee_begun', subject: `payment:${id}` }, nowMs),
    db
      .prepare(
        `SELECT child.left_at IS NOT NULL AS gone, card_order.status FROM card_order
         JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child
         WHERE card_order.id = ?1 AND account.id = ?2 AND card_order.guardian = ?3 AND paid_from = 'checkout'
           AND ${maySteer('account.id', '?3')}`,
      )
      .bind(order, account, guardian),
    paymentQuery(db, id, { guardian, account }),
  ])
  const standing = answers[2]?.results[0] as { gone: 0 | 1; status: string } | undefined
  const row = answers[3]?.results[0] as Row | undefined
  if (row && row.cardOrder === order) {
    const done = `${origin}/konto/${account}/nyt-kort/${order}`
    return opened(db, stripe, row, { item: words.cardFee, language, done, back: `${done}?afbrudt=1` }, nowMs)
  }
  if (!standing || row) return { kind: 'not_found' }
  if (standing.status !== 'unpaid') return { kind: 'ended' }
  return { kind: standing.gone ? 'child_left' : 'not_found' }
}

type Wanted = { item: (typeof words)['deposit']; language: Language; done: string; back: string }

/**
 * The page of a payment, opened now if it is not yet. Everything that Stripe is told follows from the row or from where
 * the form stands, so that a second call is the first one again.
 */
async function opened(
  db: D1Database,
  stripe: StripeAccount,
  row: Row,
  { item, language, done, back }: Wanted,
  nowMs: number,
): Promise<Beginning> {
  if (row.status !== 'created' && row.status !== 'open') return { kind: endedAs(row) }
  if (row.address !== null) return { kind: 'page', address: row.address }
  const wanted = { payment: row.id, amount: row.amount, mail: row.mail, item: speaker(language)(item), language }
  const page = await openPayment(stripe, { ...wanted, done, back }, row.createdAt)
  switch (page.kind) {
    case 'unavailable':
      // An answer that was lost may have made a page. Nobody has its address, and what were paid there would be credited.
      if (nowMs - row.createdAt >= OPENED_WITHIN_MS) {
        await ended(db, row, { status: 'expired', error: null, intent: null }, nowMs).run()
      }
      return { kind: 'unavailable' }
    case 'refused':
      await ended(db, row, { status: 'failed', error: page.code, intent: null }, nowMs).run()
      return { kind: 'refused' }
    case 'page': {
      const { checkout, address } = page
      const [, stored] = await db.batch<Row>([
        db
          .prepare(
            `UPDATE payment SET status = 'open', checkout = ?2, address = ?3, check_at = ?4, checks = 0
             WHERE id = ?1 AND status = 'created'`,
          )
          .bind(row.id, checkout, address, nowMs + FIRST_CHECK_MS),
        paymentQuery(db, row.id, null),
      ])
      const now = stored?.results[0]
      if (now?.status === 'open') return { kind: 'page', address }
      return { kind: now ? endedAs(now) : 'ended' }
    }
  }
}

/** A payment without a page and without a try to pay has never begun for its payer, who is not told of an end. */
const endedAs = ({ checkout, intent }: Row) => (checkout === null && intent === null ? 'refused' : 'ended')

// ── Settling ────────────────────────────────────────────────────────────────

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
