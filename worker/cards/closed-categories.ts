import type { ProductCategory } from '../../shared/office/products.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { maySteer } from '../people/guardianships.ts'
import { VERSIONS_OF_ALL } from './cards.ts'

/** A category that an account may not buy, and since when. Which guardian closed it is told to nobody. */
export type ClosedCategory = { category: ProductCategory; closedAt: number }

/** The statement that reads what is closed for an account. */
export function closedQuery(db: D1Database, account: number): D1PreparedStatement {
  return db
    .prepare('SELECT category, closed_at AS closedAt FROM closed_category WHERE account = ? ORDER BY category')
    .bind(account)
}

/**
 * Closes a category of products for an account, or opens it again: at once for every sale that asks, and for tills that
 * are offline since their next sync, as every card of the account changes with it. The same again is no change. Only
 * accounts of the guardian's own children are there.
 */
export async function setClosed(
  db: D1Database,
  account: number,
  { category, closed }: { category: ProductCategory; closed: boolean },
  guardian: number,
  nowMs: number,
): Promise<'set' | 'not_found'> {
  const theirs = `account.id = ?1 AND child IS NOT NULL AND ${maySteer('account.id', '?2')}`
  const change = closed
    ? db
        .prepare(
          `INSERT INTO closed_category (account, category, guardian, closed_at)
           SELECT id, ?3, ?2, ?4 FROM account WHERE ${theirs} ON CONFLICT DO NOTHING`,
        )
        .bind(account, guardian, category, nowMs)
    : db
        .prepare(
          `DELETE FROM closed_category WHERE category = ?3 AND account = (SELECT id FROM account WHERE ${theirs})`,
        )
        .bind(account, guardian, category)
  const action = closed ? 'category_closed' : 'category_opened'
  const [, , , found] = await db.batch([
    change,
    recordedIfChanged(db, { guardian, action, subject: `account:${account}`, detail: { category } }, nowMs),
    db.prepare(`UPDATE card SET version = ${VERSIONS_OF_ALL} WHERE account = ?1 AND changes() > 0`).bind(account),
    db.prepare(`SELECT 1 FROM account WHERE ${theirs}`).bind(account, guardian),
  ])
  return found?.results.length ? 'set' : 'not_found'
}
