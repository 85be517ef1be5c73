import type { CardOrderStatus } from '../../shared/office/cards.ts'
import { VERSIONS_OF_ALL } from '../cards/cards.ts'
import { firstCardOrdered } from '../cards/first-cards.ts'
import { cancellableFrom, cancelled, orderedOf } from '../cards/order-desk.ts'
import { moneyLetter, reachedAt } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { cancelAgreementsOf } from '../payments/agreements.ts'
import { type ChildView, childQuery, childViewOf } from './children.ts'
import { viewed } from './viewings.ts'

/**
 * A child leaves: its cards are frozen, and no more money comes in than what is on its way. What the account holds is
 * its guardians' to have paid out. A till that was offline may still tell of a sale, which is booked as ever.
 */

const FREEZE = `
UPDATE card SET status = 'blocked', version = ${VERSIONS_OF_ALL}
WHERE status = 'active' AND account = (SELECT id FROM account WHERE child = ?1)`

/** The states from which the order of a child that leaves is cancelled; a card in the post is on its way. */
const notSent = (status: CardOrderStatus) => cancellableFrom(status).filter((from) => from !== 'sent')

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
    ...(order === null ? [] : cancelled(db, order, notSent(order.status), staff, nowMs)),
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
  // One that was ordered or approved while this ran is known now, and nobody can do that any more.
  if ((await orderedOf(db, child)) !== null) return leave(db, child, staff, nowMs)
  const view = childViewOf(answers.at(-1))
  return view && { ...view, untold: guardians.results.filter(({ untold }) => untold).length }
}

/**
 * Takes a child back in; its cards stay blocked until somebody activates them, and one of a club that has none gets its
 * first card ordered. Again is no change, and one that has been erased stays away; null where there is no such child.
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
    ...firstCardOrdered(db, child, staff, nowMs),
    db.prepare('SELECT 1 FROM child WHERE id = ? AND erased_at IS NOT NULL').bind(child),
    childQuery(db, child),
  ])
  return answers.at(-2)?.results.length ? 'child_erased' : childViewOf(answers.at(-1))
}

/** How many orders of children who have left one run cancels. */
const ORDERS_MAX = 20

/* Said with the words of the index of what is under way. */
const ORDERS_LEFT = `
SELECT account.child, (SELECT audit.staff FROM audit
  WHERE audit.subject = 'child:' || account.child AND audit.action = 'child_left' ORDER BY audit.id DESC LIMIT 1) AS staff
FROM card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child
WHERE card_order.status IN ('awaiting_approval', 'ordered', 'produced', 'sent') AND card_order.status = 'ordered'
  AND child.left_at IS NOT NULL
LIMIT ${ORDERS_MAX}`

/**
 * Ends orders that were paid for, of children whom the roster has taken out, gives back the fees and tells the guardians,
 * in the name of whoever read the roster in. What there is more of comes with the next run.
 */
export async function cancelLeaversOrders(db: D1Database, nowMs: number): Promise<{ cancelled: number }> {
  const { results } = await db.prepare(ORDERS_LEFT).all<{ child: number; staff: number | null }>()
  let ended = 0
  for (const { child, staff } of results) {
    const order = staff === null ? null : await orderedOf(db, child)
    if (order === null || staff === null) continue
    await db.batch(cancelled(db, order, ['ordered'], staff, nowMs))
    ended += 1
  }
  return { cancelled: ended }
}
