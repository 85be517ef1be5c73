import type { CardStatus } from '../shared/wire.ts'
import type { Exposure, Site } from './journal.ts'

export type OfflineRefusal =
  | 'never_synced'
  | 'list_too_old'
  | 'card_unknown'
  | 'card_blocked'
  | 'category_closed'
  | 'cap_reached'

/**
 * Whether a sale may be made without an answer; null where it may. The club, never the child, carries what is lost by
 * it, so every sum is capped, and lower where cards carry tokens and this one showed none: a number alone is easily
 * copied. `closed` says that something in it is of a category that is closed for the card. Amounts in øre; all limits
 * come from the worker.
 */
export function offlineRefusal(
  sale: { amount: number; card: CardStatus | null; token: boolean; closed: boolean },
  site: Site,
  exposure: Exposure,
  nowMs: number,
): OfflineRefusal | null {
  const { limits, syncedAt } = site
  if (syncedAt === null) return 'never_synced'
  if (nowMs < syncedAt || nowMs - syncedAt > limits.listAgeMaxMs) return 'list_too_old'
  if (sale.card === null) return 'card_unknown'
  if (sale.card !== 'active') return 'card_blocked'
  if (sale.closed) return 'category_closed'
  const weak = site.tokenTypes.length > 0 && !sale.token
  const saleMax = weak ? Math.min(limits.saleMax, limits.weakSaleMax) : limits.saleMax
  const cardSumMax = weak ? Math.min(limits.cardSumMax, limits.weakCardSumMax) : limits.cardSumMax
  const fits =
    sale.amount <= saleMax &&
    exposure.cardSum + sale.amount <= cardSumMax &&
    exposure.unsentCount + 1 <= limits.unsentCountMax &&
    exposure.unsentSum + sale.amount <= limits.unsentSumMax
  return fits ? null : 'cap_reached'
}
