import { z } from 'zod'
import { Id, Name } from '../fields.ts'
import { AMOUNT_MAX_ORE } from '../money.ts'
import { Language, OfflineLimits } from '../wire.ts'

export const Site = z.object({ id: Id, name: z.string() }).meta({ id: 'Site' })
export const SiteCall = z.strictObject({ name: Name })

/** How old a card list may be allowed to be, at most. */
const LIST_AGE_MAX_MS = 30 * 86_400_000
const Cap = z.int().min(0).max(AMOUNT_MAX_ORE)

/** What staff may set of OfflineLimits, and the language of the displays. */
export const OfflineRules = z.strictObject({
  saleMax: Cap,
  cardSumMax: Cap,
  weakSaleMax: Cap,
  weakCardSumMax: Cap,
  unsentCountMax: z.int().min(0).max(100_000),
  unsentSumMax: z.int().min(0).max(1_000_000_000),
  listAgeMaxMs: z.int().min(0).max(LIST_AGE_MAX_MS),
  language: Language,
})
/** What a site has of its own, null for what is the municipality's; and what is in force there. */
export const SiteLimits = Site.extend({
  limits: OfflineRules,
  own: z.object({
    saleMax: z.nullable(z.int()),
    cardSumMax: z.nullable(z.int()),
    weakSaleMax: z.nullable(z.int()),
    weakCardSumMax: z.nullable(z.int()),
    unsentCountMax: z.nullable(z.int()),
    unsentSumMax: z.nullable(z.int()),
    listAgeMaxMs: z.nullable(z.int()),
    language: z.nullable(Language),
  }),
}).meta({ id: 'SiteLimits' })

/** What is left out stays as it is; null gives the municipality's back. */
export const SiteLimitsCall = z
  .strictObject({
    saleMax: z.nullable(Cap),
    cardSumMax: z.nullable(Cap),
    weakSaleMax: z.nullable(Cap),
    weakCardSumMax: z.nullable(Cap),
    unsentCountMax: z.nullable(OfflineRules.shape.unsentCountMax),
    unsentSumMax: z.nullable(OfflineRules.shape.unsentSumMax),
    listAgeMaxMs: z.nullable(OfflineRules.shape.listAgeMaxMs),
    language: z.nullable(Language),
  })
  .partial()

/**
 * The worst that can be lost offline, in øre. `caps` says what each cap alone would let a site's terminals sell; the
 * least of them is the site's worst, and their sum that of all. A blocked card counts too: a till may not know of it.
 */
export const OfflineRisk = z
  .object({
    cards: z.object({ active: z.int().min(0), blocked: z.int().min(0) }),
    sites: z.array(
      Site.extend({
        terminals: z.int().min(0),
        limits: OfflineLimits,
        caps: z.object({ unsentSum: z.int(), unsentCount: z.int(), cardSum: z.int() }),
        worst: z.int(),
      }),
    ),
    worst: z.int(),
  })
  .meta({ id: 'OfflineRisk' })
