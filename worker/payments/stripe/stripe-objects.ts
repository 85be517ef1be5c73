import type Stripe from 'stripe'
import type { DisputeState, Intent, Origin, RefundState, StoredCard } from './stripe.ts'

/** What Stripe's objects say, in this product's words. Each is to be had with the fields expanded that are named here. */

export const INTENT_EXPANDED = ['latest_charge.refunds']
export const CHECKOUT_EXPANDED = ['payment_intent.latest_charge.refunds', 'setup_intent.payment_method']

/** An object, or its id. */
export type Expandable = string | { id: string } | null | undefined

export const idOf = (object: Expandable) => (typeof object === 'string' ? object : (object?.id ?? null))

/** An object that was asked for expanded; null where Stripe has none, or names it only. */
export const expanded = <T extends object>(object: string | T | null | undefined): T | null =>
  typeof object === 'object' ? object : null

export function originOf(metadata: Stripe.Metadata | null | undefined): Origin {
  const { municipality, payment, agreement, refund } = metadata ?? {}
  return {
    municipality: municipality !== undefined && /^\d{4}$/.test(municipality) ? Number(municipality) : null,
    payment: payment ?? null,
    agreement: agreement ?? null,
    refund: refund ?? null,
  }
}

/** A payment, without its disputes: Stripe lists those apart. */
export function intentFrom(raw: Stripe.PaymentIntent): Omit<Intent, 'disputes'> {
  const charge = expanded(raw.latest_charge)
  const type = charge?.payment_method_details?.type
  const failed = raw.last_payment_error
  return {
    id: raw.id,
    status: intentStatus(raw.status),
    amount: raw.amount,
    received: raw.amount_received,
    currency: raw.currency,
    method: type === 'card' || type === 'mobilepay' ? type : null,
    error: failed && (failed.decline_code ?? failed.code ?? failed.type),
    origin: originOf(raw.metadata),
    refunds: charge?.refunds?.data.map(refundFrom) ?? [],
  }
}

function intentStatus(status: Stripe.PaymentIntent.Status): Intent['status'] {
  const known = (['succeeded', 'processing', 'canceled'] as const).find((word) => word === status)
  return known ?? 'open' // Something is still wanted of the payer: a card, another one, authentication.
}

export function refundFrom(raw: Stripe.Refund): RefundState {
  return {
    id: raw.id,
    intent: idOf(raw.payment_intent),
    amount: raw.amount,
    status: refundStatus(raw.status),
    error: raw.failure_reason ?? null,
    origin: originOf(raw.metadata),
  }
}

function refundStatus(status: string | null): RefundState['status'] {
  if (status === 'succeeded') return 'succeeded'
  if (status === 'failed' || status === 'canceled') return 'failed' // Either way the money is at Stripe again.
  return 'pending'
}

export function disputeFrom(raw: Stripe.Dispute): DisputeState {
  // One line of the book takes the money, a second one gives it back; an inquiry has none.
  const moved = raw.balance_transactions.reduce((sum, line) => sum + line.amount, 0)
  return {
    id: raw.id,
    intent: idOf(raw.payment_intent),
    amount: raw.amount,
    status: raw.status,
    withdrawn: moved < 0,
  }
}

/** The card that a finished set-up page has stored; null where there is none. */
export function cardFrom(session: Stripe.Checkout.Session): StoredCard | null {
  const setup = expanded(session.setup_intent)
  const method = expanded(setup?.payment_method)
  const customer = idOf(session.customer) ?? idOf(setup?.customer)
  if (setup?.status !== 'succeeded' || !method?.card || customer === null) return null
  const { brand, last4, exp_month, exp_year } = method.card
  const expires = `${exp_year}-${String(exp_month).padStart(2, '0')}`
  return { customer, paymentMethod: method.id, brand, last4, expires }
}

/**
 * Declines that another try cannot mend (Stripe, "Decline codes": those of a card that is gone, or that its issuer will
 * not have charged this way); every other one may be approved another day.
 */
const HARD_DECLINES = new Set([
  'card_not_supported',
  'currency_not_supported',
  'expired_card',
  'incorrect_number',
  'invalid_account',
  'invalid_amount',
  'invalid_expiry_month',
  'invalid_expiry_year',
  'invalid_number',
  'lost_card',
  'new_account_information_available',
  'not_permitted',
  'pickup_card',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'security_violation',
  'service_not_allowed',
  'stolen_card',
  'stop_payment_order',
  'testmode_decline',
  'transaction_not_allowed',
])

export const isHard = (code: string, advice: string | undefined) =>
  advice === 'do_not_try_again' || HARD_DECLINES.has(code)
