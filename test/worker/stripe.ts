import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test'
import { vi } from 'vitest'
import worker from '../../worker/main.ts'
import type { StripeAccount } from '../../worker/payments/stripe/stripe.ts'
import { createStandIn, type StandIn } from '../local/stripe/stand-in.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      STRIPE_SECRET_KEY: string
      STRIPE_WEBHOOK_SECRET: string
      STRIPE_ADDRESS: string
    }
  }
}

/** A stand-in for Stripe behind `fetch`, and the account by which each municipality speaks to it. */
export type TestStripe = { standIn: StandIn; account(municipality?: 4000 | 7620): StripeAccount }

/**
 * Stripe at the address that the tests' worker has; every other address fails, unless `fetch` was replaced before by
 * somebody who answers there. Webhooks are held until `standIn.deliver()`, and go to both municipalities' worker.
 */
export function stripeAccount({ now }: { now?: () => number } = {}): TestStripe {
  const secret = env.STRIPE_WEBHOOK_SECRET
  const standIn = createStandIn({
    secretKey: env.STRIPE_SECRET_KEY,
    address: env.STRIPE_ADDRESS,
    endpoints: [4000, 7620].map((number) => ({ url: `http://${number}.localhost/api/stripe/webhook`, secret })),
    async send(request) {
      const context = createExecutionContext()
      const answer = await worker.fetch(request, env, context)
      await waitOnExecutionContext(context)
      return answer
    },
    ...(now && { now }),
  })
  standIn.vices.webhooks.held = true
  const others = vi.isMockFunction(globalThis.fetch) ? vi.mocked(globalThis.fetch).getMockImplementation() : undefined
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init)
    if (request.url.startsWith(`${env.STRIPE_ADDRESS}/`)) return standIn.fetch(request)
    if (others) return others(input, init)
    throw new Error(`nobody answers at ${request.url}`)
  })
  return {
    standIn,
    account: (municipality = 4000) => ({
      municipality,
      secretKey: env.STRIPE_SECRET_KEY,
      webhookSecret: secret,
      address: env.STRIPE_ADDRESS,
      patienceMs: null,
    }),
  }
}
