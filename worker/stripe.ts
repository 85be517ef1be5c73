import type { Language } from '../shared/wire.ts'
import type { Env } from './env.ts'

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
}

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

/** A line of Stripe's book: `net` is `amount` less `fee`; `source` is the charge, refund, dispute or payout it is of. */
export type BookLine = {
  id: string
  type: string
  amount: number
  fee: number
  net: number
  currency: string
  source: string | null
  /** The payment that the source belongs to; null where it belongs to none. */
  intent: string | null
  createdAtMs: number
}

/** What a webhook that is genuine speaks of; everything else about it is asked of Stripe. */
export type Event = {
  kind: 'event'
  id: string
  type: string
  subject: { kind: 'checkout'; id: string } | { kind: 'intent'; id: string } | { kind: 'other' } // Of a kind that moves no money here.
  /** What the event's object says of whose it is: to find our row, not to be believed. */
  origin: Origin
}

export declare function stripeOf(env: Env, municipality: number): StripeAccount | null

/** The origin of Stripe's pages, to which a form of ours may lead. */
export declare function pagesOf(account: StripeAccount): string

/** A payment page: `payment` is our row's id; `item` is what it says is paid for; it ends half an hour after `nowMs`. */
export declare function openPayment(
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
): Promise<Page | Refused | Unavailable>

/** A page where a card is given and authenticated for later charges; `attempt` is the idempotency key. */
export declare function openSetup(
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
): Promise<Page | Refused | Unavailable>

export declare function checkoutOf(
  account: StripeAccount,
  checkout: string,
): Promise<CheckoutState | Refused | Unavailable>
/** Ends a page that is open, so that nobody pays there any more. */
export declare function closeCheckout(
  account: StripeAccount,
  checkout: string,
): Promise<CheckoutState | Refused | Unavailable>
export declare function intentOf(account: StripeAccount, intent: string): Promise<Intent | Refused | Unavailable>

/** Charges a stored card with nobody present. */
export declare function chargeStored(
  account: StripeAccount,
  wanted: { payment: string; agreement: string; amount: number; customer: string; paymentMethod: string; item: string },
): Promise<Charge | Refused | Unavailable>
/** The charge of `payment` among the newest of a customer, when its call was never answered; null where there is none. */
export declare function chargeOf(
  account: StripeAccount,
  wanted: { customer: string; payment: string },
): Promise<Intent | null | Refused | Unavailable>
/** Forgets a stored card. */
export declare function forgetCard(
  account: StripeAccount,
  paymentMethod: string,
): Promise<{ kind: 'forgotten' } | Refused | Unavailable>

export declare function openRefund(
  account: StripeAccount,
  wanted: { refund: string; intent: string; amount: number },
): Promise<RefundState | Refused | Unavailable>
export declare function refundOf(account: StripeAccount, refund: string): Promise<RefundState | Refused | Unavailable>

/** Stripe's book from an instant on, oldest first; `after` is the last line of the page before. */
export declare function bookOf(
  account: StripeAccount,
  wanted: { fromMs: number; after: string | null },
): Promise<{ kind: 'lines'; lines: BookLine[]; more: boolean } | Refused | Unavailable>

/** A webhook's exact bytes, held against its signature; 'forged' also where it is older than five minutes. */
export declare function eventOf(
  account: StripeAccount,
  body: string,
  signature: string,
  nowMs: number,
): Promise<Event | 'forged'>
