import type { Context } from 'hono'
import type { AppEnv } from '../env.ts'
import { log } from '../log.ts'
import { stripeOf } from '../payments/stripe/stripe.ts'
import { topUp } from '../payments/top-ups.ts'
import type { AccountEnv } from '../portal/view.ts'

/** Tops accounts up that may be low, after the answer, which waits for nothing; where that fails, the cron does it. */
export function topUpLater(c: Context<AppEnv> | Context<AccountEnv>, accounts: readonly number[]): void {
  const { db, municipality, now } = c.var
  const stripe = stripeOf(c.env, municipality)
  if (accounts.length === 0 || !stripe) return
  c.executionCtx.waitUntil(
    topUp(db, stripe, accounts, now).catch((error: unknown) =>
      log('error', 'top_up_failure', { municipality, error: error instanceof Error ? error.message : 'unknown' }),
    ),
  )
}
