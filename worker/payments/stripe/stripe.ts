import Stripe from 'stripe'
import type { Language } from '../../../shared/wire.ts'
import { asked, clientOf, troubleOf } from './stripe-client.ts'
import {
  CHECKOUT_EXPANDED,
  cardFrom,
  disputeFrom,
  expanded,
  INTENT_EXPANDED,
  intentFrom,
  isHard,
  originOf,
  refundFrom,
} from './stripe-objects.ts'

/**
 * Stripe, as the rest of the worker knows it: payments by card or MobilePay on Stripe's own page, stored cards, refunds
 * and Stripe's book. Amounts are whole øre. What Stripe says of an object is always fetched again, and is never taken
 * from a webhook's body. Every call that makes something carries the id of our row as its idempotency key.
 */

/** A municipality's account at Stripe, from `STRIPE_SECRET_KEY` and `STRIPE_WEBHOOK_SECRET`. */
export type StripeAccount = {
  municipality: number
  secretKey: string
  webhookSecret: string
  /** Where Stripe's API is, other than at Stripe: a stand-in on this machine. Its pages are there too. */
  address: string | null
  /** How long a question may take in all, with its second try, in milliseconds; null where nobody waits for a page. */
  patienceMs: number | null
}

/** How long somebody at a browser waits for Stripe, before a page says that it does not answer. */
export const BROWSER_PATIENCE_MS = 4_000

/** Stripe did not answer, or not as it should: what became of the call is not known. `reason` holds no secret. */
export type Unavailable = { kind: 'unavailable'; reason: string }

/** Stripe understood, and will not: the call was wrong, or what it names is not there. */
export type Refused = { kind: 'refused'; code: string }

/** Whose object it is, as we told Stripe in its metadata; a field is null where Stripe has none. */
export type Origin = {
  municipality: number | null
  payment: string | null
  agreement: string | null
  refund: string | null
}

/** A stored card as its owner knows it; `expires` is 'YYYY-MM', the last month in which it can be used. */
export type StoredCard = { customer: string; paymentMethod: string; brand: string; last4: string; expires: string }

/** A page at Stripe: `address` is where the browser goes. */
export type Page = { kind: 'page'; checkout: string; address: string }

/** A payment as Stripe has it now. `currency` is lower case; `received` is what has been captured. */
export type Intent = {
  id: string
  status: 'open' | 'processing' | 'succeeded' | 'canceled'
  amount: number
  received: number
  currency: string
  method: 'card' | 'mobilepay' | null
  /** Why the newest attempt failed, by Stripe's code; null where none did. */
  error: string | null
  origin: Origin
  refunds: RefundState[]
  disputes: DisputeState[]
}

export type RefundState = {
  id: string
  intent: string | null
  amount: number
  status: 'pending' | 'succeeded' | 'failed'
  error: string | null
  origin: Origin
}

/** `withdrawn` says whether the money is away now. */
export type DisputeState = { id: string; intent: string | null; amount: number; status: string; withdrawn: boolean }

/** A page at Stripe as it is now: a payment's has an intent once somebody has tried, a set-up's its card once it is done. */
export type CheckoutState = {
  id: string
  status: 'open' | 'complete' | 'expired'
  intent: Intent | null
  card: StoredCard | null
  origin: Origin
}

/** How a charge of a stored card ended. A `hard` decline will be one again: the card is lost, stolen, closed, expired. */
export type Charge =
  | { kind: 'charged'; intent: Intent }
  | { kind: 'pending'; intent: Intent }
  | { kind: 'declined'; code: string; hard: boolean; intent: string | null }
  | { kind: 'authentication_required'; intent: string | null }

/** What of the worker's bindings speaks of Stripe, beside those that end in a municipality's number. */
type Bindings = { STRIPE_SECRET_KEY?: string; STRIPE_WEBHOOK_SECRET?: string; STRIPE_ADDRESS?: string }

/** The municipality's account at Stripe; null where it has none, or where one of the two secrets is missing. */
export function stripeOf(env: Bindings, municipality: number, patienceMs: number | null = null): StripeAccount | null {
  const bindings: Record<string, unknown> = { ...env }
  const own = (name: string) => bindings[`${name}_${municipality}`] ?? bindings[name]
  const [secretKey, webhookSecret] = [own('STRIPE_SECRET_KEY'), own('STRIPE_WEBHOOK_SECRET')]
  if (typeof secretKey !== 'string' || typeof webhookSecret !== 'string') return null
  if (secretKey === '' || webhookSecret === '') return null
  return { municipality, secretKey, webhookSecret, address: env.STRIPE_ADDRESS || null, patienceMs }
}

/** The origin of Stripe's pages, to which a form of ours may lead. */
export function pagesOf(account: StripeAccount): string {
  return account.address === null ? 'https://checkout.stripe.com' : new URL(account.address).origin
}

/** Metadata in Stripe's form, on everything that is made. */
const metadata = ({ municipality }: StripeAccount, ids: { payment?: string; agreement?: string; refund?: string }) => ({
  municipality: String(municipality),
  ...ids,
})

/** Stripe takes no page that ends in less than half an hour: a minute more, for clocks that differ and a call tried again. */
const PAGE_S = 31 * 60
const pageEnd = (nowMs: number) => Math.ceil(nowMs / 1000) + PAGE_S

function pageFrom(session: Stripe.Checkout.Session): Page | Unavailable {
  if (session.url === null) return { kind: 'unavailable', reason: 'a page without an address' }
  return { kind: 'page', checkout: session.id, address: session.url }
}

/**
 * A payment page: `payment` is our row's id; `item` is what it says is paid for; it ends half an hour after `nowMs`. A
 * call made again for the same payment must be the same in everything, `nowMs` too: Stripe refuses another with
 * 'idempotency_error'.
 */
export function openPayment(
  account: StripeAccount,
  wanted: {
    payment: string
    amount: number
    mail: string
    item: string
    language: Language
    done: string
    back: string
  },
  nowMs: number,
): Promise<Page | Refused | Unavailable> {
  const ours = metadata(account, { payment: wanted.payment })
  const params: Stripe.Checkout.SessionCreateParams = {
    mode: 'payment',
    allowed_payment_method_types: ['card', 'mobilepay'],
    line_items: [
      {
        quantity: 1,
        price_data: { currency: 'dkk', unit_amount: wanted.amount, product_data: { name: wanted.item } },
      },
    ],
    adaptive_pricing: { enabled: false }, // Kroner are paid, whatever country the card is from.
    client_reference_id: wanted.payment,
    customer_email: wanted.mail,
    locale: wanted.language,
    success_url: wanted.done,
    cancel_url: wanted.back,
    expires_at: pageEnd(nowMs),
    metadata: ours,
    payment_intent_data: { description: wanted.item, metadata: ours },
  }
  const idempotencyKey = `${wanted.payment}:page`
  return asked(account, async (stripe) => pageFrom(await stripe.checkout.sessions.create(params, { idempotencyKey })))
}

/**
 * A page where a card is given and authenticated for later charges; `attempt` is the idempotency key, and as with a
 * payment a call made again must be the same. `consent` stands above the button, and has at most 1200 characters.
 */
export function openSetup(
  account: StripeAccount,
  wanted: {
    agreement: string
    attempt: string
    mail: string
    consent: string
    language: Language
    done: string
    back: string
  },
  nowMs: number,
): Promise<Page | Refused | Unavailable> {
  const ours = metadata(account, { agreement: wanted.agreement })
  const params: Stripe.Checkout.SessionCreateParams = {
    mode: 'setup',
    currency: 'dkk',
    allowed_payment_method_types: ['card'],
    customer_creation: 'always',
    custom_text: { submit: { message: wanted.consent } },
    client_reference_id: wanted.agreement,
    customer_email: wanted.mail,
    locale: wanted.language,
    success_url: wanted.done,
    cancel_url: wanted.back,
    expires_at: pageEnd(nowMs),
    metadata: ours,
    setup_intent_data: { metadata: ours },
  }
  const idempotencyKey = `${wanted.attempt}:setup`
  return asked(account, async (stripe) => pageFrom(await stripe.checkout.sessions.create(params, { idempotencyKey })))
}

/** A payment with its disputes, which Stripe lists apart. */
async function wholeIntent(stripe: Stripe, raw: Stripe.PaymentIntent): Promise<Intent> {
  const intent = intentFrom(raw)
  const charge = expanded(raw.latest_charge)
  const [disputes, refunds] = await Promise.all([
    charge?.disputed ? stripe.disputes.list({ payment_intent: raw.id, limit: 100 }) : null,
    charge?.refunds?.has_more ? stripe.refunds.list({ payment_intent: raw.id, limit: 100 }) : null,
  ])
  return {
    ...intent,
    ...(refunds && { refunds: refunds.data.map(refundFrom) }),
    disputes: disputes?.data.map(disputeFrom) ?? [],
  }
}

async function wholeCheckout(stripe: Stripe, session: Stripe.Checkout.Session): Promise<CheckoutState> {
  const intent = expanded(session.payment_intent)
  return {
    id: session.id,
    status: (['complete', 'expired'] as const).find((status) => status === session.status) ?? 'open',
    intent: intent && (await wholeIntent(stripe, intent)),
    card: cardFrom(session),
    origin: originOf(session.metadata),
  }
}

export function checkoutOf(account: StripeAccount, checkout: string): Promise<CheckoutState | Refused | Unavailable> {
  return asked(account, async (stripe) =>
    wholeCheckout(stripe, await stripe.checkout.sessions.retrieve(checkout, { expand: CHECKOUT_EXPANDED })),
  )
}

/** Ends a page that is open, so that nobody pays there any more; one that has ended already is told as it is. */
export async function closeCheckout(
  account: StripeAccount,
  checkout: string,
): Promise<CheckoutState | Refused | Unavailable> {
  const closed = await asked(account, async (stripe) =>
    wholeCheckout(stripe, await stripe.checkout.sessions.expire(checkout, { expand: CHECKOUT_EXPANDED })),
  )
  return 'kind' in closed && closed.kind === 'refused' ? await checkoutOf(account, checkout) : closed
}

export function intentOf(account: StripeAccount, intent: string): Promise<Intent | Refused | Unavailable> {
  return asked(account, async (stripe) =>
    wholeIntent(stripe, await stripe.paymentIntents.retrieve(intent, { expand: INTENT_EXPANDED })),
  )
}

/**
 * Charges a stored card with nobody present. Stripe keeps the idempotency key for a day: a call whose answer was lost is
 * made again within it, and later `chargeOf` is asked instead.
 */
export async function chargeStored(
  account: StripeAccount,
  wanted: { payment: string; agreement: string; amount: number; customer: string; paymentMethod: string; item: string },
): Promise<Charge | Refused | Unavailable> {
  const { payment, agreement } = wanted
  const params: Stripe.PaymentIntentCreateParams = {
    amount: wanted.amount,
    currency: 'dkk',
    customer: wanted.customer,
    payment_method: wanted.paymentMethod,
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    allowed_payment_method_types: ['card'],
    off_session: true,
    confirm: true,
    description: wanted.item,
    metadata: metadata(account, { payment, agreement }),
    expand: INTENT_EXPANDED,
  }
  try {
    const stripe = clientOf(account)
    const raw = await stripe.paymentIntents.create(params, { idempotencyKey: `${payment}:charge` })
    const intent = await wholeIntent(stripe, raw)
    switch (intent.status) {
      case 'succeeded':
        return { kind: 'charged', intent }
      case 'processing':
        return { kind: 'pending', intent }
      case 'canceled':
        return { kind: 'declined', code: 'canceled', hard: false, intent: intent.id }
      case 'open': // Off session, Stripe refuses what the payer would have to authenticate; should it not, nobody is there.
        return { kind: 'authentication_required', intent: intent.id }
    }
  } catch (error) {
    return error instanceof Stripe.errors.StripeCardError ? declineOf(error) : troubleOf(error)
  }
}

function declineOf(error: Stripe.errors.StripeCardError): Charge {
  const code = error.decline_code || error.code || 'card_declined'
  const intent = error.payment_intent?.id ?? null
  if ([code, error.code].includes('authentication_required')) return { kind: 'authentication_required', intent }
  return { kind: 'declined', code, hard: isHard(code, error.advice_code), intent }
}

/** The charge of `payment` among the newest of a customer, when its call was never answered; null where there is none. */
export function chargeOf(
  account: StripeAccount,
  wanted: { customer: string; payment: string },
): Promise<Intent | null | Refused | Unavailable> {
  const params = { customer: wanted.customer, limit: 100, expand: INTENT_EXPANDED.map((field) => `data.${field}`) }
  return asked(account, async (stripe) => {
    const { data } = await stripe.paymentIntents.list(params)
    const raw = data.find((intent) => originOf(intent.metadata).payment === wanted.payment)
    return raw ? wholeIntent(stripe, raw) : null
  })
}

/** Forgets a stored card; one that is forgotten already is no fault. */
export async function forgetCard(
  account: StripeAccount,
  paymentMethod: string,
): Promise<{ kind: 'forgotten' } | Refused | Unavailable> {
  const forgotten = await asked(account, async (stripe) => {
    await stripe.paymentMethods.detach(paymentMethod)
    return { kind: 'forgotten' } as const
  })
  if (forgotten.kind !== 'refused') return forgotten
  return asked(account, async (stripe) => {
    const { customer } = await stripe.paymentMethods.retrieve(paymentMethod)
    return customer === null ? ({ kind: 'forgotten' } as const) : forgotten
  })
}

/** Sends money back to the card or the MobilePay that it came from; never more than has not been sent back yet. */
export function openRefund(
  account: StripeAccount,
  wanted: { refund: string; intent: string; amount: number },
): Promise<RefundState | Refused | Unavailable> {
  const params: Stripe.RefundCreateParams = {
    payment_intent: wanted.intent,
    amount: wanted.amount,
    reason: 'requested_by_customer',
    metadata: metadata(account, { refund: wanted.refund }),
  }
  const idempotencyKey = `${wanted.refund}:refund`
  return asked(account, async (stripe) => refundFrom(await stripe.refunds.create(params, { idempotencyKey })))
}

export function refundOf(account: StripeAccount, refund: string): Promise<RefundState | Refused | Unavailable> {
  return asked(account, async (stripe) => refundFrom(await stripe.refunds.retrieve(refund)))
}
