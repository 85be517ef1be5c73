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
/** How many pages may lie within one second. */
const SECOND_PAGES_MAX = 100

/**
 * Stripe's book from an instant on, oldest first, a hundred lines at most; `after` is the last line of the page before.
 * Stripe lists the newest first, so the oldest lines are looked for by halving the time until they fit on a page.
 */
export function bookOf(
  account: StripeAccount,
  wanted: { fromMs: number; after: string | null },
): Promise<{ kind: 'lines'; lines: BookLine[]; more: boolean } | Refused | Unavailable> {
  let fromS = Math.floor(wanted.fromMs / 1000)
  return asked(account, async (stripe) => {
    const list = (within: { gte: number; lt?: number }, cursor: Stripe.PaginationParams = {}) =>
      stripe.balanceTransactions.list({ created: within, limit: BOOK_PAGE, expand: ['data.source'], ...cursor })
    const answer = ({ data }: { data: Stripe.BalanceTransaction[] }, more: boolean) =>
      ({ kind: 'lines', lines: data.map(lineFrom).reverse(), more }) as const
    if (wanted.after !== null) {
      const page = await list({ gte: fromS }, { ending_before: wanted.after })
      return answer(page, page.has_more)
    }
    let page = await list({ gte: fromS })
    const newer = page.has_more
    let beforeS = (page.data.at(-1)?.created ?? fromS) + 1
    while (page.has_more && beforeS - fromS > 1) {
      const middleS = fromS + Math.floor((beforeS - fromS) / 2)
      const older = await list({ gte: fromS, lt: middleS })
      if (older.data.length === 0) {
        fromS = middleS
      } else {
        page = older
        beforeS = (page.data.at(-1)?.created ?? fromS) + 1
      }
    }
    for (let pages = 1; page.has_more; pages += 1) {
      const oldest = page.data.at(-1)
      if (!oldest || pages === SECOND_PAGES_MAX) return { kind: 'unavailable', reason: 'a second of too many lines' }
      page = await list({ gte: fromS }, { starting_after: oldest.id })
    }
    return answer(page, newer)
  })
}
