import type { CardStatus } from '../shared/wire.ts'
import { recordedIfChanged } from './audit.ts'

export type ChildView = {
  id: number
  name: string
  account: number
  balance: number
  dailyLimit: number | null
  cards: { id: number; status: CardStatus; createdAt: number }[]
}

const VIEW = `
SELECT child.id, child.name, account.id AS account, account.daily_limit AS dailyLimit,
  coalesce((SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0) AS balance,
  (SELECT json_group_array(json_object('id', id, 'status', status, 'createdAt', created_at))
   FROM card WHERE card.account = account.id) AS cards
FROM child JOIN account ON account.child = child.id`

type Row = Omit<ChildView, 'cards'> & { cards: string }
const viewOf = (row: Row): ChildView => ({ ...row, cards: JSON.parse(row.cards) })

/** The children whose name holds a text (any, where it is empty), by name, at most 200. */
export async function children(db: D1Database, name: string): Promise<ChildView[]> {
  const query = db.prepare(
    `${VIEW} WHERE instr(lower(child.name), lower(?)) > 0 ORDER BY child.name, child.id LIMIT 200`,
  )
  return (await query.bind(name).all<Row>()).results.map(viewOf)
}

/** One child with account, balance in øre and cards; null where there is none. */
export async function child(db: D1Database, id: number): Promise<ChildView | null> {
  const row = await db.prepare(`${VIEW} WHERE child.id = ?`).bind(id).first<Row>()
  return row && viewOf(row)
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
