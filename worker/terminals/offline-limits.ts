import type { z } from 'zod'
import type { TokenType } from '../../shared/debit.ts'
import type { OfflineRisk, SiteLimits, SiteLimitsCall } from '../../shared/office/sites.ts'
import type { Language, OfflineLimits } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'

/** The columns of the limits, alike for the municipality and for a site, by their names on the wire. */
export const LIMIT_COLUMNS = {
  saleMax: 'offline_sale_max',
  cardSumMax: 'offline_card_sum_max',
  weakSaleMax: 'weak_sale_max',
  weakCardSumMax: 'weak_card_sum_max',
  unsentCountMax: 'offline_unsent_count_max',
  unsentSumMax: 'offline_unsent_sum_max',
  listAgeMaxMs: 'offline_list_age_max_ms',
} as const satisfies Record<keyof OfflineLimits, string>

const COLUMNS = { ...LIMIT_COLUMNS, language: 'display_language' } as const

/** SQL: an object of the limits and the language, each of them by a SQL that is made of its column. */
const objectOf = (value: (column: string) => string) =>
  `json_object(${Object.entries(COLUMNS).map(([name, column]) => `'${name}', ${value(column)}`)})`

const IN_FORCE = objectOf((column) => `coalesce(site.${column}, municipality.${column})`)
const OF_ITS_OWN = objectOf((column) => `site.${column}`)

export type SiteLimitsRow = { id: number; name: string; inForce: string; own: string; tokenTypes: string }

/** The statement that reads what is in force at a site, or at each of them for null; `ownLimitsOf` makes it of a row. */
export function siteLimitsQuery(db: D1Database, site: number | null): D1PreparedStatement {
  return db
    .prepare(
      `SELECT site.id, site.name, ${IN_FORCE} AS inForce, ${OF_ITS_OWN} AS own, municipality.token_types AS tokenTypes
       FROM site JOIN municipality WHERE ?1 IS NULL OR site.id = ?1 ORDER BY site.name`,
    )
    .bind(site)
}

/** What is in force at a site: its own limits before the municipality's. A weak card is never trusted with more. */
export function ownLimitsOf(row: SiteLimitsRow): {
  limits: OfflineLimits
  tokenTypes: TokenType[]
  language: Language
} {
  const { language, ...limits } = JSON.parse(row.inForce) as OfflineLimits & { language: Language }
  const weak = {
    weakSaleMax: Math.min(limits.weakSaleMax, limits.saleMax),
    weakCardSumMax: Math.min(limits.weakCardSumMax, limits.cardSumMax),
  }
  return { limits: { ...limits, ...weak }, tokenTypes: JSON.parse(row.tokenTypes), language }
}

type SiteLimitsView = z.infer<typeof SiteLimits>

function viewOf(row: SiteLimitsRow): SiteLimitsView {
  const { limits, language } = ownLimitsOf(row)
  return { id: row.id, name: row.name, limits: { ...limits, language }, own: JSON.parse(row.own) }
}

/** What is in force at every site, and which of it is the site's own. */
export async function siteLimits(db: D1Database): Promise<SiteLimitsView[]> {
  return (await siteLimitsQuery(db, null).all<SiteLimitsRow>()).results.map(viewOf)
}

/** Changes what is named of a site's own limits; null gives the municipality's back. Null for no such site. */
export async function setSiteLimits(
  db: D1Database,
  site: number,
  wanted: z.infer<typeof SiteLimitsCall>,
  staff: number,
  nowMs: number,
): Promise<SiteLimitsView | null> {
  const named = Object.entries(COLUMNS).flatMap(([name, column]) => {
    const value = wanted[name as keyof typeof COLUMNS]
    return value === undefined ? [] : [{ name, column, value }]
  })
  const values = named.map(({ value }) => value)
  const set = named.map(({ column }, index) => `${column} = ?${index + 2}`).join(', ')
  const differs = named.map(({ column }, index) => `${column} IS NOT ?${index + 2}`).join(' OR ')
  const detail = { changed: named.map(({ column }) => column) }
  const changes = [
    db.prepare(`UPDATE site SET ${set} WHERE id = ?1 AND (${differs})`).bind(site, ...values),
    recordedIfChanged(db, { staff, action: 'site_limits_set', subject: `site:${site}`, detail }, nowMs),
  ]
  const answers = await db.batch<SiteLimitsRow>([...(named.length ? changes : []), siteLimitsQuery(db, site)])
  const row = answers.at(-1)?.results[0]
  return row ? viewOf(row) : null
}

type Cap = 'unsentSum' | 'unsentCount' | 'cardSum'

/**
 * The worst that can be lost offline, in øre: every enrolled terminal cut off at once and selling all that its caps let
 * it to cards behind which there is nothing. Each cap alone would let it sell so much; the least of them holds. A
 * terminal that has been barred, and a card that has been blocked, count as long as a terminal may not know of it.
 */
export async function offlineRisk(db: D1Database, nowMs: number): Promise<z.infer<typeof OfflineRisk>> {
  const [limits, terminals, cards] = await db.batch<Record<string, unknown>>([
    siteLimitsQuery(db, null),
    db
      .prepare(
        `SELECT site, count(*) AS count FROM terminal
         JOIN site ON site.id = terminal.site JOIN municipality
         WHERE public_key IS NOT NULL AND (revoked_at IS NULL AND stopped_at IS NULL
           OR last_seen_at + coalesce(site.offline_list_age_max_ms, municipality.offline_list_age_max_ms) > ?1)
         GROUP BY site`,
      )
      .bind(nowMs),
    db.prepare("SELECT sum(status = 'active') AS active, sum(status = 'blocked') AS blocked FROM card"),
  ])
  const active = Number(cards?.results[0]?.active ?? 0)
  const blocked = Number(cards?.results[0]?.blocked ?? 0)
  const counts = new Map(terminals?.results.map(({ site, count }) => [Number(site), Number(count)]))
  const sites = ((limits?.results ?? []) as SiteLimitsRow[]).map((row) => {
    const own = ownLimitsOf(row).limits
    const count = counts.get(row.id) ?? 0
    const caps: Record<Cap, number> = {
      unsentSum: count * own.unsentSumMax,
      unsentCount: count * Math.floor(own.unsentCountMax / 2) * own.saleMax, // A request and an advice for each sale.
      cardSum: count * (active + blocked) * own.cardSumMax,
    }
    return { id: row.id, name: row.name, terminals: count, limits: own, caps, worst: Math.min(...Object.values(caps)) }
  })
  return { cards: { active, blocked }, sites, worst: sites.reduce((sum, { worst }) => sum + worst, 0) }
}
