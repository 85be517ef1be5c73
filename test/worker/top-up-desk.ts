import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { vi } from 'vitest'
import worker from '../../worker/main.ts'
import { completeSetup, type PageOpened } from '../../worker/payments/agreement-setup.ts'
import type { Given } from '../local/stripe/stand-in.ts'
import { stripeAccount } from './stripe.ts'

/** A worker that has done what it does after its answer before the answer is given. */
export const PATIENT_DOOR = {
  async fetch(request: Request): Promise<Response> {
    const context = createExecutionContext()
    const response = await worker.fetch(request, env, context)
    await waitOnExecutionContext(context)
    return response
  },
}

/** Stripe at the wire, and who gives it cards; `now` is its clock. */
export function topUpDesk(db: D1Database, now: () => number) {
  const { standIn: stripe, account } = stripeAccount({ now })
  const desk = {
    stripe,
    account: account(),
    /** `down`: Stripe answers nothing but that it is busy. `answer lost`: charges are made, and nobody hears of it. */
    weather: 'fine' as 'fine' | 'down' | 'answer lost',
    /** The payments that stored cards have made, by what Stripe has of them. */
    charges: (status: string) => Object.values(stripe.state.intents).filter((intent) => intent.status === status),
    /** Somebody gives a card on the page of an agreement, and comes back. */
    async giveCard(id: string, given: Given = {}): Promise<void> {
      stripe.pay(await desk.pageOf(id), given)
      await completeSetup(db, desk.account, id, now())
    },
    async pageOf(id: string): Promise<string> {
      const checkout = await db
        .prepare('SELECT checkout FROM agreement WHERE id = ?')
        .bind(id)
        .first<string>('checkout')
      if (checkout === null) throw new Error('the agreement has no page')
      return checkout
    },
    /** The card of an agreement behaves like another test card from now on. */
    async turnInto(id: string, number: string): Promise<void> {
      const card = await db
        .prepare('SELECT payment_method FROM agreement WHERE id = ?')
        .bind(id)
        .first('payment_method')
      stripe.turnInto(String(card), number)
    },
    /** Whether Stripe still has the card. */
    knows: (card: string) => stripe.state.methods[card]?.customer !== null,
  }
  // Said outright not to be worth another try, so that the SDK does not wait for one.
  const busy = () =>
    Response.json({ error: { type: 'api_error' } }, { status: 503, headers: { 'stripe-should-retry': 'false' } })
  const wire = vi.mocked(globalThis.fetch).getMockImplementation() ?? fetch
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    const request = new Request(input, init)
    if (desk.weather === 'down') return busy()
    const answer = await wire(request)
    const isCharge = request.method === 'POST' && new URL(request.url).pathname === '/v1/payment_intents'
    return desk.weather === 'answer lost' && isCharge ? busy() : answer
  })
  return desk
}

export type Desk = ReturnType<typeof topUpDesk>

/** The address of a page, which a test was sure to get. */
export function addressOf(opened: PageOpened): string {
  if (opened.kind !== 'page') throw new Error(`no page, but ${opened.kind}`)
  return opened.address
}
