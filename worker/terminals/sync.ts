import type { z } from 'zod'
import {
  CARDS_PER_PAGE,
  type CardStatus,
  type OfflineLimits,
  type SyncAnswer,
  type SyncQuery,
} from '../../shared/wire.ts'
import { products } from '../municipality/products.ts'
import { ownLimitsOf, type SiteLimitsRow, siteLimitsQuery } from './offline-limits.ts'
import type { Trusted } from './terminals.ts'

/**
 * A message that overtakes a sync on its way is no news of the journal's end: what has arrived within this time may have
 * been written after the sync was sent. A proof is believed for less.
 */
const OVERTAKEN_MS = 120_000

/*
 * What the head of a terminal's journal (?2, ?3) says of it beside what is stored, as of ?4: another message under that
 * number, or messages that the journal has forgotten. What was booked before the terminal was enrolled is not in it.
 */
const TROUBLE = `
CASE
  WHEN EXISTS (SELECT 1 FROM message WHERE message.terminal = terminal.id AND seq = ?2 AND hash <> ?3) THEN 'journal_forked'
  WHEN EXISTS (SELECT 1 FROM message WHERE message.terminal = terminal.id AND seq > ?2
               AND received_at < ?4 - ${OVERTAKEN_MS} AND received_at >= terminal.enrolled_at) THEN 'journal_rolled_back'
END`

/** `closed` are the categories that are closed for the card's account, by commas; null where there are none. */
type CardRow = { hash: string; status: CardStatus; version: number; closed: string | null }

/**
 * What changed for a terminal since a version of the card list: cards by page, and the site's products and limits
 * whole, since they are few. A version from the future means that the database was restored: the list starts anew. Where
 * the terminal's journal contradicts what is stored, an alarm is raised and the terminal stopped.
 */
export async function sync(
  db: D1Database,
  terminal: Trusted,
  { since, head, hash, version, unsentCount, unsentSum, unsentSince, fixedPrice }: z.output<typeof SyncQuery>,
  nowMs: number,
): Promise<Omit<SyncAnswer, 'time'> | 'terminal_stopped'> {
  const newest = (await db.prepare('SELECT max(version) AS version FROM card').first<number>('version')) ?? 0
  const restart = since > newest
  const [cards, limits, seen, , ...stops] = await db.batch<Record<string, unknown>>([
    db
      .prepare(
        `SELECT hash, status, version,
           (SELECT group_concat(category) FROM closed_category AS closed WHERE closed.account = card.account) AS closed
         FROM card WHERE version > ?1 ORDER BY version LIMIT ?2`,
      )
      .bind(restart ? 0 : since, CARDS_PER_PAGE),
    siteLimitsQuery(db, terminal.site),
    db.prepare('SELECT 1 + coalesce(max(seq), 0) AS nextSeq FROM message WHERE terminal = ?').bind(terminal.id),
    db
      .prepare(
        `UPDATE terminal SET last_seen_at = ?2, card_list_version = ?3, software = coalesce(?4, software),
           listed_at = iif(?3 = (SELECT coalesce(max(version), 0) FROM card), ?2, listed_at),
           unsent_count = ?5, unsent_sum = ?6, unsent_since = ?7, fixed_price = ?8
         WHERE id = ?1`,
      )
      .bind(
        ...[terminal.id, nowMs, restart ? 0 : since, version ?? null],
        ...[unsentCount ?? null, unsentSum ?? null, unsentSince ?? null, fixedPrice ?? null],
      ),
    ...(head === undefined ? [] : journalStatements(db, terminal, { head, hash: hash ?? '' }, nowMs)),
  ])
  if (stops.at(-1)?.results[0]?.stoppedAt) return 'terminal_stopped'
  const page = (cards?.results ?? []) as CardRow[]
  const onSale = await products(db, { site: terminal.site }, nowMs)
  const own = ownLimitsOf(limits?.results[0] as SiteLimitsRow)
  return {
    terminal: { id: terminal.id, name: terminal.name, site: terminal.siteName },
    nextSeq: Number(seen?.results[0]?.nextSeq),
    version: page.at(-1)?.version ?? (restart ? 0 : since),
    restart,
    more: page.length === CARDS_PER_PAGE,
    cards: page.map(({ hash, status, closed }) => ({ hash, status, ...(closed && { closed: closed.split(',') }) })),
    products: onSale.map(({ id, name, price, category, later }) => ({
      ...{ id, name, price, category },
      ...(later.length > 0 && { later }),
    })),
    limits: own.limits satisfies OfflineLimits,
    tokenTypes: own.tokenTypes,
    language: own.language,
  }
}

/** The statements that hold a journal's head against what is stored; the last one answers whether that stopped it. */
function journalStatements(
  db: D1Database,
  { id, publicKey }: Trusted,
  { head, hash }: { head: number; hash: string },
  nowMs: number,
): D1PreparedStatement[] {
  return [
    db
      .prepare(
        `INSERT INTO alarm (terminal, kind, seq, hash, at)
         SELECT id, ${TROUBLE}, ?2, ?3, ?4 FROM terminal WHERE id = ?1 AND public_key = ?5 AND ${TROUBLE} IS NOT NULL
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, head, hash, nowMs, publicKey),
    db
      .prepare(
        `UPDATE terminal SET stopped_at = ?4
         WHERE id = ?1 AND public_key = ?5 AND stopped_at IS NULL AND ${TROUBLE} IS NOT NULL`,
      )
      .bind(id, head, hash, nowMs, publicKey),
    db
      .prepare(
        "INSERT INTO audit (at, action, subject) SELECT ?2, 'terminal_stopped', 'terminal:' || ?1 WHERE changes() > 0",
      )
      .bind(id, nowMs),
    db.prepare('SELECT stopped_at AS stoppedAt FROM terminal WHERE id = ?').bind(id),
  ]
}
