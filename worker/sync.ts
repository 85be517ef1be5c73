import { CARDS_PER_PAGE, type CardStatus, type SyncAnswer } from '../shared/wire.ts'
import { products } from './products.ts'
import type { Trusted } from './terminals.ts'

/**
 * What changed for a terminal since a version of the card list: cards by page, and the site's products and limits
 * whole, since they are few. A version from the future means that the database was restored: the list starts anew.
 */
export async function sync(
  db: D1Database,
  terminal: Trusted,
  since: number,
  nowMs: number,
): Promise<Omit<SyncAnswer, 'time'>> {
  const newest = (await db.prepare('SELECT max(version) AS version FROM card').first<number>('version')) ?? 0
  const restart = since > newest
  const [cards, limits, head] = await db.batch<Record<string, unknown>>([
    db
      .prepare('SELECT hash, status, version FROM card WHERE version > ?1 ORDER BY version LIMIT ?2')
      .bind(restart ? 0 : since, CARDS_PER_PAGE),
    db.prepare(
      `SELECT offline_sale_max AS saleMax, offline_card_sum_max AS cardSumMax,
         offline_unsent_count_max AS unsentCountMax, offline_unsent_sum_max AS unsentSumMax,
         offline_list_age_max_ms AS listAgeMaxMs
       FROM municipality`,
    ),
    db.prepare('SELECT 1 + coalesce(max(seq), 0) AS nextSeq FROM message WHERE terminal = ?').bind(terminal.id),
    db
      .prepare('UPDATE terminal SET last_seen_at = ?2, card_list_version = ?3 WHERE id = ?1')
      .bind(terminal.id, nowMs, restart ? 0 : since),
  ])
  const page = (cards?.results ?? []) as { hash: string; status: CardStatus; version: number }[]
  return {
    terminal: { id: terminal.id, name: terminal.name, site: terminal.siteName },
    nextSeq: Number(head?.results[0]?.nextSeq),
    version: page.at(-1)?.version ?? (restart ? 0 : since),
    restart,
    more: page.length === CARDS_PER_PAGE,
    cards: page.map(({ hash, status }) => ({ hash, status })),
    products: (await products(db, terminal.site)).map(({ id, name, price }) => ({ id, name, price })),
    limits: limits?.results[0] as SyncAnswer['limits'],
  }
}
