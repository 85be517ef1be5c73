import { cancelled, orderedOf } from '../cards/order-desk.ts'
import { moneyLetter, reachedAt } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { cancelAgreementsOf } from '../payments/agreements.ts'
import { type ChildView, childQuery, childViewOf } from './children.ts'
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

/** A child that has left; `untold` is how many of its guardians no mail address is known of. */
export type ChildLeft = ChildView & { untold: number }

/**
 * Takes a child out, ends its order of a card that is not in the post yet and gives back the fee, tells each of its
 * guardians who has a mail address, and gives the child as it is then; again is no change. Null where there is no such
 * child.
 */
export async function leave(db: D1Database, child: number, staff: number, nowMs: number): Promise<ChildLeft | null> {
  const guardians = await db
    .prepare(
      `SELECT guardian.id, account.id AS account, ${reachedAt('NULL', 'guardian.id', 'account.id')} IS NULL AS untold
       FROM account
       JOIN guardianship ON guardianship.child = account.child AND guardianship.ended_at IS NULL
       LEFT JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash -- Who has never logged in is not there.
       WHERE account.child = ?`,
    )
    .bind(child)
    .all<{ id: number | null; account: number; untold: 0 | 1 }>()
  const order = await orderedOf(db, child)
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
    ...(order === null ? [] : cancelled(db, order, ['ordered'], staff, nowMs)),
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
  // One that was ordered while this ran is known now, and nobody can order any more.
  if (order === null && (await orderedOf(db, child)) !== null) return leave(db, child, staff, nowMs)
  const view = childViewOf(answers.at(-1))
  return view && { ...view, untold: guardians.results.filter(({ untold }) => untold).length }
}

/**
 * Takes a child back in; its cards stay blocked until somebody activates them. Again is no change, and one that has been
 * erased stays away; null where there is no such child.
 */
export async function comeBack(
  db: D1Database,
  child: number,
  staff: number,
  nowMs: number,
): Promise<ChildView | 'child_erased' | null> {
  const answers = await db.batch([
    viewed(db, { child }, { staff }, nowMs),
    db
      .prepare('UPDATE child SET left_at = NULL WHERE id = ? AND left_at IS NOT NULL AND erased_at IS NULL')
      .bind(child),
    recordedIfChanged(db, { staff, action: 'child_came_back', subject: `child:${child}` }, nowMs),
    db.prepare('SELECT 1 FROM child WHERE id = ? AND erased_at IS NOT NULL').bind(child),
    childQuery(db, child),
  ])
  return answers.at(-2)?.results.length ? 'child_erased' : childViewOf(answers.at(-1))
}
