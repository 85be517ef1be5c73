import type { CardStatus } from '../../shared/wire.ts'
import { type Actor, recordedIfChanged } from '../municipality/audit.ts'
import { viewed, viewedAmong } from './viewings.ts'

/** A child with its account; `guardians` is how many guardianships are in force, `leftAt` when it left. */
export type ChildView = {
  id: number
  name: string
  account: number
  balance: number
  dailyLimit: number | null
  cards: { id: number; status: CardStatus; createdAt: number }[]
  guardians: number
  leftAt: number | null
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
  (SELECT count(*) FROM guardianship WHERE guardianship.child = child.id AND ended_at IS NULL) AS guardians
FROM child JOIN account ON account.child = child.id`

type Row = Omit<ChildView, 'cards'> & { cards: string }
const viewOf = (row: Row): ChildView => ({ ...row, cards: JSON.parse(row.cards) })

/** The children whose name holds a text (any, where it is empty), by name, at most 200. */
const NAMED = 'WHERE instr(lower(child.name), lower(?)) > 0 ORDER BY child.name, child.id LIMIT 200'

/** The children whose name holds a text, for a viewer, which is recorded of each of them. */
export async function children(db: D1Database, name: string, viewer: Actor, nowMs: number): Promise<ChildView[]> {
  const [, found] = await db.batch<Row>([
    viewedAmong(db, { children: `SELECT id FROM child ${NAMED}`, bind: [name] }, viewer, nowMs),
    db.prepare(`${VIEW} ${NAMED}`).bind(name),
  ])
  return (found?.results ?? []).map(viewOf)
}

/** One child with account, balance in øre and cards, for a viewer, which is recorded; null where there is none. */
export async function child(db: D1Database, id: number, viewer: Actor, nowMs: number): Promise<ChildView | null> {
  const [, found] = await db.batch([viewed(db, { child: id }, viewer, nowMs), childQuery(db, id)])
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

/** Adds a child together with its wallet; the daily limit is in øre, null for none. */
export async function addChild(
  db: D1Database,
  { name, dailyLimit }: { name: string; dailyLimit: number | null },
  staff: number,
  nowMs: number,
): Promise<ChildView> {
  const [, , , row] = await db.batch<Row>([
    db.prepare('INSERT INTO child (name, created_at) VALUES (?1, ?2)').bind(name, nowMs),
    db
      .prepare("INSERT INTO account (kind, floor, child, daily_limit) VALUES ('wallet', 0, last_insert_rowid(), ?)")
      .bind(dailyLimit),
    recordedIfChanged(db, { staff, action: 'child_added', subject: { kind: 'account' } }, nowMs),
    db.prepare(`${VIEW} WHERE child.id = (SELECT max(id) FROM child)`),
  ])
  const added = row?.results[0]
  if (!added) throw new Error('a child was added and is not there')
  return viewOf(added)
}
