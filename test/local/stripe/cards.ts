/** Stripe's test cards (docs.stripe.com/testing), by number: how each one behaves. */
export type TestCard = {
  brand: 'visa' | 'mastercard'
  /** The decline that it always gets; `charging` only once it is stored, for a charge. */
  declined?: { code: string; when: 'always' | 'charging' }
  /** `on_session`: only what its owner is present for. `always`: charges of the stored card too. */
  authentication?: 'on_session' | 'always'
  /** Refunds to it begin as pending, and are ended by hand. */
  slowRefunds?: boolean
}

export const TEST_CARDS: Record<string, TestCard> = {
  '4242424242424242': { brand: 'visa' },
  '5555555555554444': { brand: 'mastercard' },
  '4000000000000002': { brand: 'visa', declined: { code: 'generic_decline', when: 'always' } },
  '4000000000009995': { brand: 'visa', declined: { code: 'insufficient_funds', when: 'always' } },
  '4000000000009987': { brand: 'visa', declined: { code: 'lost_card', when: 'always' } },
  '4000000000009979': { brand: 'visa', declined: { code: 'stolen_card', when: 'always' } },
  '4000000000000069': { brand: 'visa', declined: { code: 'expired_card', when: 'always' } },
  '4000000000000127': { brand: 'visa', declined: { code: 'incorrect_cvc', when: 'always' } },
  '4000000000000119': { brand: 'visa', declined: { code: 'processing_error', when: 'always' } },
  '4000000000000341': { brand: 'visa', declined: { code: 'generic_decline', when: 'charging' } },
  '4000002500003155': { brand: 'visa', authentication: 'on_session' },
  '4000002760003184': { brand: 'visa', authentication: 'always' },
  '4000000000007726': { brand: 'visa', slowRefunds: true },
}

/** What Stripe's error for a decline holds: some have a code of their own, the others are a `card_declined`. */
export function declineError(decline: string): { code: string; decline_code: string; message: string } {
  const own = ['expired_card', 'incorrect_cvc', 'processing_error', 'authentication_required'].includes(decline)
  const message = own ? `The card was refused: ${decline}.` : 'Your card was declined.'
  return { code: own ? decline : 'card_declined', decline_code: decline, message }
}

/** Made up, in the manner of a European account: a share of the amount in tenths of a percent, and so many øre. */
const FEES = { card: { permille: 15, fixed: 180 }, mobilepay: { permille: 10, fixed: 200 } }
/** What a dispute costs, won or lost; made up as well. */
export const DISPUTE_FEE = 15_000

export const feeOf = (method: 'card' | 'mobilepay', amount: number) =>
  Math.round((amount * FEES[method].permille) / 1000) + FEES[method].fixed
