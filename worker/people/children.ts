import type { z } from 'zod'
import type { ChildrenQuery } from '../../shared/office/children.ts'
import type { CardStatus } from '../../shared/wire.ts'
import { firstCardOrdered } from '../cards/first-cards.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { type Staff, sitesOf, withinSites } from './staff.ts'
import { viewedAmong } from './viewings.ts'

/**
 * A child with its account; `guardians` is how many guardianships are in force, `leftAt` when it left, `club` the site
 * that it belongs to.
 */
export type ChildView = {
  id: number
  name: string
  account: number
  balance: number
  dailyLimit: number | null
  cards: { id: number; status: CardStatus; createdAt: number }[]
  guardians: number
  leftAt: number | null
  club: { id: number; name: string } | null
}

/** The condition that the child of an account has left; `account` is SQL. */
export const childLeft = (account: string) =>
  `EXISTS (SELECT 1 FROM account AS wallet JOIN child ON child.id = wallet.child
           WHERE wallet.id = ${account} AND child.left_at IS NOT NULL)`

const VIEW = `
SELECT child.id, child.name, child.left_at AS leftAt, account.id AS account, account.daily_limit AS dailyLimit,
  coalesce((SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0) AS balance,
  (SELECT json_group_array(json_object('id', id, 'status', status, 'createdAt', created_at))
   FROM card WHERE card.account = account.id) AS cards,
  (SELECT count(*) FROM guardianship WHERE guardianship.child = child.id AND ended_at IS NULL) AS guardians,
  (SELECT json_object('id', site.id, 'name', site.name) FROM site WHERE site.id = child.club) AS club
FROM child JOIN account ON account.child = child.id`

type Row = Omit<ChildView, 'cards' | 'club'> & { cards: string; club: string | null }

function viewOf({ cards, club, ...row }: Row): ChildView {
  return { ...row, cards: JSON.parse(cards), club: club === null ? null : JSON.parse(club) }
}

/** SQL: whether staff may see a child; its two parameters are both bound to the sites of who asks. */
const SEEN = withinSites('child.club', '?')

/** How many children one answer lists. */
const LISTED_MAX = 200

/** The children whose name holds a text (any, where it is empty), by name, at most so many after the `offset` first ones. */
const NAMED = `WHERE instr(lower(child.name), lower(?)) > 0 AND ${SEEN} ORDER BY child.name, child.id LIMIT ? OFFSET ?`

/**
 * The children that staff may see whose name holds a text; that they looked is recorded of each of them. `more` says
 * whether others follow.
 */
export async function children(
  db: D1Database,
  { name, offset }: z.infer<typeof ChildrenQuery>,
  staff: Staff,
  nowMs: number,
): Promise<{ children: ChildView[]; more: boolean }> {
  const bind = (most: number) => [name, sitesOf(staff), sitesOf(staff), most, offset]
  const listed = { children: `SELECT id FROM child ${NAMED}`, bind: bind(LISTED_MAX) }
  const [, found] = await db.batch<Row>([
    viewedAmong(db, listed, { staff: staff.id }, nowMs),
    db.prepare(`${VIEW} ${NAMED}`).bind(...bind(LISTED_MAX + 1)),
  ])
  const rows = found?.results ?? []
  return { children: rows.slice(0, LISTED_MAX).map(viewOf), more: rows.length > LISTED_MAX }
}

/**
 * One child with account, balance in øre and cards, for a member of staff, which is recorded; null where there is none
 * that they may see.
 */
export async function child(db: D1Database, id: number, staff: Staff, nowMs: number): Promise<ChildView | null> {
  const bind = [id, sitesOf(staff), sitesOf(staff)]
  const one = `WHERE child.id = ? AND ${SEEN}`
  const [, found] = await db.batch([
    viewedAmong(db, { children: `SELECT id FROM child ${one}`, bind }, { staff: staff.id }, nowMs),
    db.prepare(`${VIEW} ${one}`).bind(...bind),
  ])
  return childViewOf(found)
}

/** The statement that reads one child, for a batch; `childViewOf` makes the view of its result. */
export function childQuery(db: D1Database, id: number): D1PreparedStatement {
  return db.prepare(`${VIEW} WHERE child.id = ?`).bind(id)
}

export function childViewOf(found: D1Result | undefined): ChildView | null {
  const row = found?.results[0] as Row | undefined
  return row ? viewOf(row) : null
}

/**
 * Adds a child together with its wallet; the daily limit is in øre, null for none. A club's staff add to their own sites
 * alone, and to the one they have where they name none. A club's child gets its first card ordered.
 */
export async function addChild(
  db: D1Database,
  { name, dailyLimit, club: named }: { name: string; dailyLimit: number | null; club: number | null },
  staff: Staff,
  nowMs: number,
): Promise<ChildView | 'site_unknown'> {
  const club = named ?? (staff.sites?.length === 1 ? (staff.sites[0] ?? null) : null)
  const [, , , done, row] = await db.batch<unknown>([
    db
      .prepare(
        `INSERT INTO child (name, created_at, club) SELECT ?1, ?2, ?3
         WHERE (?3 IS NULL AND ?4 IS NULL)
           OR EXISTS (SELECT 1 FROM site WHERE site.id = ?3 AND ${withinSites('site.id', '?4')})`,
      )
      .bind(name, nowMs, club, sitesOf(staff)),
    db
      .prepare(
        `INSERT INTO account (kind, floor, child, daily_limit) SELECT 'wallet', 0, last_insert_rowid(), ?
         WHERE changes() > 0`,
      )
      .bind(dailyLimit),
    recordedIfChanged(db, { staff: staff.id, action: 'child_added', subject: { kind: 'account' } }, nowMs),
    db.prepare('SELECT changes() AS added'),
    db.prepare(`${VIEW} WHERE child.id = (SELECT max(id) FROM child)`),
    ...firstCardOrdered(db, null, staff.id, nowMs),
  ])
  const [{ added } = { added: 0 }] = (done?.results ?? []) as { added: number }[]
  if (!added) return 'site_unknown'
  return viewOf(row?.results[0] as Row)
}
