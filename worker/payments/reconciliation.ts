import { settle } from './settlements.ts'
import type { StripeAccount } from './stripe/stripe.ts'

/**
 * Payments of which nobody has told anything, asked about at Stripe: what a webhook that never came would have said. The
 * pauses between two times grow, to half an hour. Charges of stored cards are asked about where they are made (`top-ups.ts`),
 * and refunds where they are sent (`refunds.ts`).
 */

/** How many payments one run asks about, and how many at once. */
const RUN_MAX = 40
const AT_ONCE = 4

/** What a run did: payments asked about, those of them that have ended, and whether Stripe answered. */
export type Reconciled = { asked: number; ended: number; unavailable: boolean }

/* A payment is claimed by putting off its next time, so that no two runs ask about it at once. */
const CLAIM = `
UPDATE payment SET checks = checks + 1, check_at = ?1 + min(30, 2 << min(checks, 4)) * 60000
WHERE id IN (SELECT id FROM payment
             WHERE check_at <= ?1 AND purpose <> 'top_up' AND status IN ('created', 'open')
             ORDER BY check_at LIMIT ${AT_ONCE})
RETURNING id`

/** Asks about what is due, a few at once, until nothing is, or Stripe does not answer. */
export async function reconcile(db: D1Database, stripe: StripeAccount, nowMs: number): Promise<Reconciled> {
  const done: Reconciled = { asked: 0, ended: 0, unavailable: false }
  while (done.asked < RUN_MAX && !done.unavailable) {
    const due = await db.prepare(CLAIM).bind(nowMs).all<{ id: string }>()
    if (due.results.length === 0) break
    const settled = await Promise.all(due.results.map(({ id }) => settle(db, stripe, id, nowMs)))
    done.asked += settled.length
    done.ended += settled.filter((payment) => payment && payment.status !== 'waiting').length
    done.unavailable = settled.some((payment) => payment?.stale)
  }
  return done
}
