import Stripe from 'stripe'
import type { Origin, StripeAccount } from './stripe.ts'
import { clientOf } from './stripe-client.ts'
import { type Expandable, idOf, originOf } from './stripe-objects.ts'

/** What a webhook that is genuine speaks of; everything else about it is asked of Stripe. */
export type Event = {
  kind: 'event'
  id: string
  type: string
  subject: { kind: 'checkout'; id: string } | { kind: 'intent'; id: string } | { kind: 'other' } // Of a kind that moves no money here.
  /** What the event's object says of whose it is: to find our row, not to be believed. */
  origin: Origin
}

/** The fields that are read of whatever an event is about. */
type Subject = { object?: string; id?: string; payment_intent?: Expandable; metadata?: Stripe.Metadata | null }

/** What a genuine webhook speaks of. Of an event of a kind that is not known here, only its type is read. */
function eventFrom({ id, type, data }: Stripe.Event): Event {
  const object: Subject = { ...data.object }
  return { kind: 'event', id, type, subject: subjectOf(object), origin: originOf(object.metadata) }
}

function subjectOf({ object, id, payment_intent }: Subject): Event['subject'] {
  if (object === 'checkout.session' && id) return { kind: 'checkout', id }
  const ofPayment = object === 'charge' || object === 'refund' || object === 'dispute'
  const intent = object === 'payment_intent' ? (id ?? null) : ofPayment ? idOf(payment_intent) : null
  return intent === null ? { kind: 'other' } : { kind: 'intent', id: intent }
}

/** How old a webhook may be: what Stripe's own libraries take. */
const WEBHOOK_MAX_S = 300

/** A webhook's exact bytes, held against its signature; 'forged' also where it is older than five minutes. */
export async function eventOf(
  account: StripeAccount,
  body: string,
  signature: string,
  nowMs: number,
): Promise<Event | 'forged'> {
  const crypto = Stripe.createSubtleCryptoProvider()
  let event: Stripe.Event
  try {
    event = await clientOf(account).webhooks.constructEventAsync(
      body,
      signature,
      account.webhookSecret,
      WEBHOOK_MAX_S,
      crypto,
      nowMs,
    )
  } catch {
    return 'forged'
  }
  return eventFrom(event)
}
