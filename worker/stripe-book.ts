import type Stripe from 'stripe'
import type { Refused, StripeAccount, Unavailable } from './stripe.ts'
import { asked } from './stripe-client.ts'
import { expanded, idOf } from './stripe-objects.ts'

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

function lineFrom(raw: Stripe.BalanceTransaction): BookLine {
  return {
    id: raw.id,
    type: raw.type,
    amount: raw.amount,
    fee: raw.fee,
    net: raw.net,
    currency: raw.currency,
    source: idOf(raw.source),
    intent: intentOfSource(raw.source),
    createdAtMs: raw.created * 1000,
  }
}

function intentOfSource(source: Stripe.BalanceTransaction['source']): string | null {
  const object = expanded(source)
  switch (object?.object) {
    case 'charge':
    case 'refund':
    case 'dispute':
      return idOf(object.payment_intent)
  }
  return null
}

const BOOK_PAGE = 100
const BOOK_PAGES_MAX = 100

/**
 * Stripe's book from an instant on, oldest first, a hundred lines at most; `after` is the last line of the page before.
 * Stripe lists the newest first, so the oldest page is found by going back through the others, a hundred at most.
 */
export function bookOf(
  account: StripeAccount,
  wanted: { fromMs: number; after: string | null },
): Promise<{ kind: 'lines'; lines: BookLine[]; more: boolean } | Refused | Unavailable> {
  const params = { created: { gte: Math.floor(wanted.fromMs / 1000) }, limit: BOOK_PAGE, expand: ['data.source'] }
  return asked(account, async (stripe) => {
    const list = (cursor: Stripe.PaginationParams) => stripe.balanceTransactions.list({ ...params, ...cursor })
    if (wanted.after !== null) {
      const page = await list({ ending_before: wanted.after })
      return { kind: 'lines', lines: page.data.map(lineFrom).reverse(), more: page.has_more }
    }
    let page = await list({})
    let newer = false
    for (let pages = 1; page.has_more; pages++) {
      const oldest = page.data.at(-1)
      if (!oldest || pages === BOOK_PAGES_MAX) return { kind: 'unavailable', reason: 'a book too long to go back in' }
      page = await list({ starting_after: oldest.id })
      newer = true
    }
    return { kind: 'lines', lines: page.data.map(lineFrom).reverse(), more: newer }
  })
}
