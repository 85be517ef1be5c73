import { bodyLimit } from 'hono/body-limit'
import { log } from '../log.ts'
import { completeSetup } from '../payments/agreement-setup.ts'
import { applyIntent } from '../payments/refunds.ts'
import { settleCheckout } from '../payments/settlements.ts'
import { type StripeAccount, stripeOf } from '../payments/stripe/stripe.ts'
import { type Event, eventOf } from '../payments/stripe/stripe-events.ts'
import { refuse } from '../refusal.ts'
import { router } from './contract.ts'

/** Stripe's own events are a few kilobytes. */
const EVENT_MAX_BYTES = 262_144

/**
 * What Stripe tells. An event that is genuine says which payment to ask about, and nothing else of it is believed. The
 * answer 200 is given once all is stored that followed from it; what is none of ours is of no interest here.
 */
export const stripeRoutes = router().post(
  '/webhook',
  bodyLimit({
    maxSize: EVENT_MAX_BYTES,
    onError: (c) => refuse(c, 'too_large', `an event may have at most ${EVENT_MAX_BYTES} bytes`),
  }),
  async (c) => {
    const { municipality, db, now } = c.var
    const stripe = stripeOf(c.env, municipality)
    if (!stripe) return refuse(c, 'not_found', 'nothing here')
    const event = await eventOf(stripe, await c.req.text(), c.req.header('stripe-signature') ?? '', now)
    if (event === 'forged') {
      log('error', 'webhook_forged', { municipality })
      return refuse(c, 'signature_invalid', 'this is not signed by Stripe, for this address, in the last five minutes')
    }
    const answered = await applied(db, stripe, event, now)
    if (!answered) return refuse(c, 'stripe_unavailable', 'Stripe does not answer: send it again')
    return c.json({ received: true }, 200)
  },
)

/** False where Stripe did not say what is so, and the event has to come again. */
async function applied(db: D1Database, stripe: StripeAccount, event: Event, nowMs: number): Promise<boolean> {
  const { subject, origin } = event
  if (origin.municipality !== null && origin.municipality !== stripe.municipality) return true
  switch (subject.kind) {
    case 'other':
      return true
    case 'intent':
      return (await applyIntent(db, stripe, subject.id, nowMs)).kind !== 'unavailable'
    case 'checkout': {
      if (origin.agreement !== null) return (await completeSetup(db, stripe, origin.agreement, nowMs)) !== 'unavailable'
      return (await settleCheckout(db, stripe, subject.id, nowMs)).kind !== 'unavailable'
    }
  }
}
