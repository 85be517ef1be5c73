import { cancelAgreementsOf } from './agreements.ts'
import { recordedIfChanged } from './audit.ts'
import { type ChildView, childQuery, childViewOf } from './children.ts'
import { moneyLetter } from './outbox.ts'
import { viewed } from './viewings.ts'

/**
 * A child leaves: its cards are frozen, and no more money comes in than what is on its way. What the account holds is
 * its guardians' to have paid out. A till that was offline may still tell of a sale, which is booked as ever.
 */

/* A till's list goes by version, so each card must get its own; that some numbers are left out does no harm. */
const FREEZE = `
UPDATE card SET status = 'blocked',
  version = (SELECT max(version) FROM card)
    + (SELECT count(*) FROM card AS other WHERE other.account = card.account AND other.id <= card.id)
WHERE status = 'active' AND account = (SELECT id FROM account WHERE child = ?1)`

/**
 * Takes a child out, tells each of its guardians who has a mail address, and gives the child as it is then; again is no
 * change. Null where there is no such child.
 */
export async function leave(db: D1Database, child: number, staff: number, nowMs: number): Promise<ChildView | null> {
  const guardians = await db
    .prepare(
      `SELECT guardian.id, account.id AS account FROM account
       LEFT JOIN guardianship ON guardianship.child = account.child AND guardianship.ended_at IS NULL
       LEFT JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash
       WHERE account.child = ?`,
    )
    .bind(child)
    .all<{ id: number | null; account: number }>()
  const subject = `child:${child}`
  const answers = await db.batch([
    viewed(db, { child }, { staff }, nowMs),
    db.prepare('UPDATE child SET left_at = ?2 WHERE id = ?1 AND left_at IS NULL').bind(child, nowMs),
    recordedIfChanged(db, { staff, action: 'child_left', subject }, nowMs),
    db.prepare(FREEZE).bind(child),
    recordedIfChanged(db, { staff, action: 'cards_frozen', subject }, nowMs),
    cancelAgreementsOf(db, child, nowMs),
    recordedIfChanged(db, { staff, action: 'agreements_cancelled', subject }, nowMs),
    db
      .prepare(
        `UPDATE card_order SET status = 'cancelled', ended_at = ?2
         WHERE status = 'unpaid' AND account = (SELECT id FROM account WHERE child = ?1)`,
      )
      .bind(child, nowMs),
    recordedIfChanged(db, { staff, action: 'unpaid_orders_ended', subject }, nowMs),
    ...guardians.results.flatMap(({ id, account }) =>
      id === null
        ? []
        : moneyLetter(
            db,
            'child_left',
            {},
            { guardian: id, recipient: null, account, cause: `left:${child}:${nowMs}` },
            nowMs,
            { sql: 'child.left_at = ?10', bind: [nowMs] },
          ),
    ),
    childQuery(db, child),
  ])
  return childViewOf(answers.at(-1))
}

/**
 * Takes a child back in; its cards stay blocked until somebody activates them. Again is no change; null where there is
 * no such child.
 */
export async function comeBack(db: D1Database, child: number, staff: number, nowMs: number): Promise<ChildView | null> {
  const answers = await db.batch([
    viewed(db, { child }, { staff }, nowMs),
    db.prepare('UPDATE child SET left_at = NULL WHERE id = ? AND left_at IS NOT NULL').bind(child),
    recordedIfChanged(db, { staff, action: 'child_came_back', subject: `child:${child}` }, nowMs),
    childQuery(db, child),
  ])
  return childViewOf(answers.at(-1))
}
