import type { z } from 'zod'
import { ore } from '../../shared/money.ts'
import type { SaleDetails, SaleRefundCall } from '../../shared/office/sales.ts'
import { type Condition, post, refundedOf } from '../ledger/transfers.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { collected } from '../payments/shortfalls.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { BEARER, SOLD, sale, UNBORNE, undoneOf } from './sales.ts'

/**
 * What staff give back of a sale: out of the site's revenue into the wallet that bears the sale, at most what is left of
 * it. A till that undoes the sale afterwards gives back the rest only (see `insertReversal` in the ledger).
 */

export type RefundRefusal =
  | 'sale_unknown'
  | 'sale_undone'
  | 'sale_undecided' // It was flagged, and who bears it has to be settled first.
  | 'sale_carried' // The club bears it: there is nobody to give it back to.
  | 'refund_too_large'
  | 'child_erased'
  | 'transfer_conflict'

/** SQL: sale ?10 may be refunded by ?5 øre from account ?3 to wallet ?4, by somebody of sites ?11. */
const MAY = `EXISTS (SELECT 1 FROM transfer AS paid ${SOLD}
  WHERE paid.id = ?10 AND paid.kind = 'purchase' AND paid.credit_account = ?3 AND ${BEARER} = ?4
    AND NOT ${UNBORNE} AND NOT ${undoneOf('?10')} AND paid.amount - ${refundedOf('?10')} >= ?5
    AND ${withinSites('site.id', '?11')})
  AND EXISTS (SELECT 1 FROM account AS wallet JOIN child ON child.id = wallet.child
    WHERE wallet.id = ?4 AND child.erased_at IS NULL)`

/**
 * Refunds a part of a sale, or all of it, once per `id`: the same again is answered again, and an id that has moved
 * something else is a transfer_conflict. `amount` is in øre. What the wallet gives of it to make a shortfall whole again
 * goes in the same transaction.
 */
export async function refundSale(
  db: D1Database,
  id: string,
  { id: refund, amount, reason }: z.infer<typeof SaleRefundCall>,
  staff: Staff,
  nowMs: number,
): Promise<SaleDetails | RefundRefusal> {
  const found = await db
    .prepare(
      `SELECT paid.credit_account AS revenue, ${BEARER} AS bearer, review.decision, ${UNBORNE} AS unborne
       FROM transfer AS paid ${SOLD}
       WHERE paid.id = ?1 AND paid.kind = 'purchase' AND ${withinSites('site.id', '?2')}`,
    )
    .bind(id, sitesOf(staff))
    .first<{ revenue: number; bearer: number | null; decision: string | null; unborne: 0 | 1 }>()
  if (!found) return 'sale_unknown'
  if (found.unborne || found.bearer === null) return found.decision === 'carry' ? 'sale_carried' : 'sale_undecided'
  const { revenue, bearer } = found
  const transfer = `sale_refund:${refund}`
  const may: Condition = { sql: MAY, bind: [id, sitesOf(staff)] }
  const movement = {
    ...{ id: transfer, kind: 'sale_refund' as const, debitAccount: revenue, creditAccount: bearer },
    ...{ amount: ore(amount), staff: staff.id, reason, sale: id },
  }
  const answers = await db.batch<{ same: 0 | 1; undone: 0 | 1; erased: 0 | 1 }>([
    ...post(db, movement, nowMs, may),
    recordedIfChanged(
      db,
      { staff: staff.id, action: 'sale_refunded', subject: `sale:${id}`, detail: { transfer, amount } },
      nowMs,
    ),
    ...collected(db, bearer, transfer, nowMs),
    db
      .prepare(
        `SELECT made.sale = ?2 AND made.amount = ?3 AND made.reason = ?4 AND made.staff = ?5 AS same, ${undoneOf('?2')} AS undone,
           EXISTS (SELECT 1 FROM account JOIN child ON child.id = account.child
                   WHERE account.id = ?6 AND child.erased_at IS NOT NULL) AS erased
         FROM (SELECT 1) LEFT JOIN transfer AS made ON made.id = ?1`,
      )
      .bind(transfer, id, amount, reason, staff.id, bearer),
  ])
  const made = answers.at(-1)?.results[0] as { same: 0 | 1 | null; undone: 0 | 1; erased: 0 | 1 } | undefined
  if (made?.same === 0) return 'transfer_conflict'
  if (made?.same === 1) return (await sale(db, id, staff, nowMs)) ?? 'sale_unknown'
  if (made?.undone) return 'sale_undone'
  return made?.erased ? 'child_erased' : 'refund_too_large'
}
