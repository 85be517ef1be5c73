import type { CardStatus } from '../../shared/wire.ts'
import { balanceSql } from '../ledger/transfers.ts'
import { type Actor, recordedIfChanged } from '../municipality/audit.ts'
import { childLeft } from '../people/children.ts'
import { maySteer, steererOf } from '../people/guardianships.ts'
import { withinSites } from '../people/staff.ts'
import { firstCardSpared } from './first-cards.ts'

export type CardRow = { id: number; status: CardStatus; createdAt: number }

/** SQL for the version of a card that changes: a till asks for what is newer than its list. */
export const NEXT_VERSION = '(SELECT coalesce(max(version), 0) + 1 FROM card)'
/**
 * SQL for the versions of all cards of an account that change at once: a till's list goes by version, so each must get
 * its own; that some numbers are left out does no harm.
 */
export const VERSIONS_OF_ALL = `(SELECT max(version) FROM card)
  + (SELECT count(*) FROM card AS other WHERE other.account = card.account AND other.id <= card.id)`
const COLUMNS = 'id, status, created_at AS createdAt'
const IN_USE = 'public_key IS NOT NULL AND revoked_at IS NULL'

/**
 * Gives a child a card, known by its hash; a hash belongs to one child for good. A child that has left gets none, and
 * nobody is given by hand what was made for an order: somebody's name is printed on it, and the order awaits it. The
 * order of a first card that is in no batch yet is taken back.
 */
export async function addCard(
  db: D1Database,
  { child, hash }: { child: number; hash: string },
  staff: number,
  nowMs: number,
): Promise<CardRow | 'child_unknown' | 'child_left' | 'card_taken'> {
  const [childFound, added, , , , row] = await db.batch<CardRow & { gone: 0 | 1 }>([
    db.prepare('SELECT left_at IS NOT NULL AS gone FROM child WHERE id = ?').bind(child),
    db
      .prepare(
        `INSERT INTO card (hash, account, status, version, created_at)
         SELECT ?2, account.id, 'active', ${NEXT_VERSION}, ?3 FROM account JOIN child ON child.id = account.child
         WHERE child.id = ?1 AND left_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM card_stock AS made WHERE made.hash = ?2 AND made."order" IS NOT NULL)
         ON CONFLICT (hash) DO NOTHING`,
      )
      .bind(child, hash, nowMs),
    recordedIfChanged(db, { staff, action: 'card_added', subject: { kind: 'card' } }, nowMs),
    ...firstCardSpared(db, child, staff, nowMs),
    db.prepare(`SELECT ${COLUMNS} FROM card WHERE hash = ?`).bind(hash),
  ])
  if (!childFound?.results.length) return 'child_unknown'
  if (childFound.results[0]?.gone) return 'child_left'
  return (added?.meta.changes && row?.results[0]) || 'card_taken'
}

/**
 * Blocks or activates a card, at once for every sale that asks. A closed card stays closed, and the card of a child that
 * has left stays blocked; doing it again is no change. One that is active again begins its token anew, so that what was
 * blocked as a copy is not blocked again for what it shows. To a guardian only cards of their own children are there.
 */
export async function setStatus(
  db: D1Database,
  id: number,
  status: 'active' | 'blocked',
  actor: Actor,
  nowMs: number,
): Promise<CardRow | 'not_found' | 'card_closed' | 'child_left'> {
  const [, , , row] = await db.batch<CardRow & { gone: 0 | 1 }>([
    db
      .prepare(
        `UPDATE card SET status = ?2, version = ${NEXT_VERSION}, token_missing = 0
         WHERE id = ?1 AND status NOT IN (?2, 'closed') AND ${maySteer('card.account', '?3')}
           AND (?2 = 'blocked' OR NOT ${childLeft('card.account')})`,
      )
      .bind(id, status, steererOf(actor)),
    recordedIfChanged(db, { ...actor, action: `card_${status}`, subject: `card:${id}` }, nowMs),
    db.prepare("DELETE FROM card_token WHERE card = ?1 AND ?2 = 'active' AND changes() > 0").bind(id, status),
    db
      .prepare(
        `SELECT ${COLUMNS}, ${childLeft('card.account')} AS gone FROM card
         WHERE id = ?1 AND ${maySteer('card.account', '?2')}`,
      )
      .bind(id, steererOf(actor)),
  ])
  const found = row?.results[0]
  if (!found) return 'not_found'
  const { gone, ...card } = found
  if (card.status === 'closed') return 'card_closed'
  return gone && status === 'active' ? 'child_left' : card
}

/**
 * A card, and on how many of the terminals in use the card list has its status as it is; null where there is none, or its
 * child is of none of these sites.
 */
export async function cardReach(
  db: D1Database,
  id: number,
  sites: string | null,
): Promise<(CardRow & { reach: { told: number; terminals: number } }) | null> {
  const row = await db
    .prepare(
      `SELECT ${COLUMNS},
         (SELECT count(*) FROM terminal WHERE ${IN_USE} AND card_list_version >= card.version) AS told,
         (SELECT count(*) FROM terminal WHERE ${IN_USE}) AS terminals
       FROM card WHERE id = ?1 AND (?2 IS NULL OR EXISTS (
         SELECT 1 FROM account JOIN child ON child.id = account.child
         WHERE account.id = card.account AND ${withinSites('child.club', '?2')}))`,
    )
    .bind(id, sites)
    .first<CardRow & { told: number; terminals: number }>()
  if (!row) return null
  const { told, terminals, ...card } = row
  return { ...card, reach: { told, terminals } }
}

/** The statement that reads the status of a card and its wallet's balance in øre; no row for an unknown card. */
export function balanceQuery(db: D1Database, hash: string): D1PreparedStatement {
  return db.prepare(`SELECT status, ${balanceSql('card.account')} AS balance FROM card WHERE hash = ?`).bind(hash)
}
