import type { CardStatus } from '../shared/wire.ts'
import type { Exposure, Site } from './journal.ts'

export type OfflineRefusal = 'never_synced' | 'list_too_old' | 'card_unknown' | 'card_blocked' | 'cap_reached'

/**
 * Whether a sale may be made without an answer; null where it may. The club, never the child, carries what is lost by
 * it, so every sum is capped. Amounts in øre; all limits come from the worker.
 */
export function offlineRefusal(
  sale: { amount: number; card: CardStatus | null },
  site: Site,
  exposure: Exposure,
  nowMs: number,
): OfflineRefusal | null {
  const { limits, syncedAt } = site
  if (syncedAt === null) return 'never_synced'
  if (nowMs < syncedAt || nowMs - syncedAt > limits.listAgeMaxMs) return 'list_too_old'
  if (sale.card === null) return 'card_unknown'
  if (sale.card !== 'active') return 'card_blocked'
  const fits =
    sale.amount <= limits.saleMax &&
    exposure.cardSum + sale.amount <= limits.cardSumMax &&
    exposure.unsentCount + 1 <= limits.unsentCountMax &&
    exposure.unsentSum + sale.amount <= limits.unsentSumMax
  return fits ? null : 'cap_reached'
}
