import type { Language } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { maySteer } from '../people/guardianships.ts'
import type { payment } from '../schema/money.ts'
import { checkout as words } from '../texts/checkout.ts'
import { speaker } from '../texts/language.ts'
import { ended } from './payment-booking.ts'
import { openPayment, type StripeAccount } from './stripe/stripe.ts'

/**
 * A payment on Stripe's page, and how it begins: its row is stored before Stripe hears of it, and the same form again
 * leads to the same page. What becomes of it is in `settlements.ts`.
 */

/** When Stripe is asked first, though nobody has said anything. */
const FIRST_CHECK_MS = 2 * 60_000

/** How long after its row Stripe still opens a payment's page: until a page's least life would be too short (`stripe.ts`). */
const OPENED_WITHIN_MS = 50_000

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

/** A payment as it is stored. */
export type Row = Omit<PaymentView, 'status' | 'order'> & {
  status: Status
  guardian: number
  agreement: string | null
  cardOrder: string | null
  checkout: string | null
  intent: string | null
}

/** SQL: reads payments as rows of `Row`. */
export const PAYMENT = `
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
