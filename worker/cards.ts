import type { CardStatus } from '../shared/wire.ts'
import { type Actor, recordedIfChanged } from './audit.ts'
import { maySteer, steererOf } from './guardianships.ts'

export type CardRow = { id: number; status: CardStatus; createdAt: number }

const NEXT_VERSION = '(SELECT coalesce(max(version), 0) + 1 FROM card)'
const COLUMNS = 'id, status, created_at AS createdAt'

/** Gives a child a card, known by its hash; a hash belongs to one child for good. */
export async function addCard(
  db: D1Database,
  { child, hash }: { child: number; hash: string },
  staff: number,
  nowMs: number,
): Promise<CardRow | 'child_unknown' | 'card_taken'> {
  const [childFound, added, , row] = await db.batch<CardRow>([
    db.prepare('SELECT id FROM child WHERE id = ?').bind(child),
    db
      .prepare(
        `INSERT INTO card (hash, account, status, version, created_at)
         SELECT ?2, id, 'active', ${NEXT_VERSION}, ?3 FROM account WHERE child = ?1
         ON CONFLICT (hash) DO NOTHING`,
      )
      .bind(child, hash, nowMs),
    recordedIfChanged(db, { staff, action: 'card_added', subject: { kind: 'card' } }, nowMs),
    db.prepare(`SELECT ${COLUMNS} FROM card WHERE hash = ?`).bind(hash),
  ])
  if (!childFound?.results.length) return 'child_unknown'
  return (added?.meta.changes && row?.results[0]) || 'card_taken'
}

/**
 * Blocks or activates a card, at once for every sale that asks. A closed card stays closed; doing it again is no change.
 * To a guardian only cards of their own children are there.
 */
export async function setStatus(
  db: D1Database,
  id: number,
  status: 'active' | 'blocked',
  actor: Actor,
  nowMs: number,
): Promise<CardRow | 'not_found' | 'card_closed'> {
  const [, , row] = await db.batch<CardRow>([
    db
      .prepare(
        `UPDATE card SET status = ?2, version = ${NEXT_VERSION}
         WHERE id = ?1 AND status NOT IN (?2, 'closed') AND ${maySteer('card.account', '?3')}`,
      )
      .bind(id, status, steererOf(actor)),
    recordedIfChanged(db, { ...actor, action: `card_${status}`, subject: `card:${id}` }, nowMs),
    db
      .prepare(`SELECT ${COLUMNS} FROM card WHERE id = ?1 AND ${maySteer('card.account', '?2')}`)
      .bind(id, steererOf(actor)),
  ])
  const card = row?.results[0]
  if (!card) return 'not_found'
  return card.status === 'closed' ? 'card_closed' : card
}

/** What a tap without a sale shows: the card's status and the wallet's balance in øre; null for an unknown card. */
export async function cardBalance(
  db: D1Database,
  hash: string,
): Promise<{ status: CardStatus; balance: number } | null> {
  return await db
    .prepare(
      `SELECT status, coalesce((SELECT balance FROM posting WHERE posting.account = card.account
                                ORDER BY seq DESC LIMIT 1), 0) AS balance
       FROM card WHERE hash = ?`,
    )
    .bind(hash)
    .first()
}
