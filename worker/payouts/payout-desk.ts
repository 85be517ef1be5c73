import type { z } from 'zod'
import type { PayoutsQuery, RejectedPayout, StaffPayout, StaffPayouts } from '../../shared/office/payouts.ts'
import { postBack } from '../ledger/transfers.ts'
import { moneyLetter, reachedAt } from '../letters/outbox.ts'
import { recorded, recordedIfChanged } from '../municipality/audit.ts'
import { collected } from '../payments/shortfalls.ts'
import { viewedAmong } from '../people/viewings.ts'
import { bankReason } from '../texts/bank-reasons.ts'
import { reasonOf } from './payouts.ts'

/** Payouts as staff see, approve and reject them; drafts, which nobody has confirmed, are not theirs to see. */

type StaffPayoutView = z.infer<typeof StaffPayout>

const LIST = `
SELECT payout.id, child.id AS child, child.name AS childName, payout.account, payout.name,
  substr(bank_account, -4) AS bankAccountEnds, message, amount, bank_amount AS bankAmount, status AS state,
  requested_at AS requestedAt, approver.name AS approvedBy, approved_at AS approvedAt, bank_file AS file, reason,
  settled_at AS settledAt
FROM payout
JOIN account ON account.id = payout.account
JOIN child ON child.id = account.child
LEFT JOIN staff_token AS approver ON approver.id = payout.approved_by
WHERE requested_at IS NOT NULL`

type Row = Omit<StaffPayoutView, 'child'> & { child: number; childName: string }

function payoutOfRow({ child, childName, reason, ...rest }: Row): StaffPayoutView {
  return { ...rest, child: { id: child, name: childName }, reason: reasonInWords(reason) }
}

/** A stored reason for staff: their own words, or the bank's code with what it means. */
export function reasonInWords(stored: string | null): string | null {
  const reason = reasonOf(stored)
  if (reason === null) return null
  return reason.kind === 'staff' ? reason.words : `${reason.code}: ${bankReason(reason.code).en}`
}

const LISTED_MAX = 200

const IN_STATE = `
CASE ?1 WHEN 'all' THEN true WHEN 'open' THEN status IN ('requested', 'approved', 'exported') ELSE status = ?1 END`

/**
 * Payouts by state: those that are open with the longest awaited first, all others with the newest first; at most 200
 * after the `offset` first ones. That staff looked at the children is recorded of each of them.
 */
export async function payouts(
  db: D1Database,
  { state, offset }: z.infer<typeof PayoutsQuery>,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof StaffPayouts>> {
  const awaited = state === 'open' || state === 'requested' || state === 'approved' || state === 'exported'
  const order = awaited ? 'requested_at, payout.id' : 'requested_at DESC, payout.id DESC'
  const page = `AND ${IN_STATE} ORDER BY ${order} LIMIT ${LISTED_MAX} + 1 OFFSET ?2`
  const [listed] = await db.batch<Row>([
    db.prepare(`${LIST} ${page}`).bind(state, offset),
    viewedAmong(
      db,
      {
        children: `SELECT child FROM (${LIST} AND ${IN_STATE.replaceAll('?1', '?')} ORDER BY ${order} LIMIT ? OFFSET ?)`,
        bind: [state, state, LISTED_MAX, offset],
      },
      { staff },
      nowMs,
    ),
    recorded(db, { staff, action: 'payouts_listed', subject: `payouts:${state}`, detail: { offset } }, nowMs),
  ])
  const rows = listed?.results ?? []
  return { payouts: rows.slice(0, LISTED_MAX).map(payoutOfRow), more: rows.length > LISTED_MAX }
}

/** The statements that read one payout and record that its child was looked at; the row is the second's. */
function shown(db: D1Database, id: string, staff: number, nowMs: number): D1PreparedStatement[] {
  const children = 'SELECT account.child FROM payout JOIN account ON account.id = payout.account WHERE payout.id = ?'
  return [
    viewedAmong(db, { children: `${children} AND requested_at IS NOT NULL`, bind: [id] }, { staff }, nowMs),
    db.prepare(`${LIST} AND payout.id = ?`).bind(id),
  ]
}

export type Decided = { kind: 'done'; payout: StaffPayoutView } | { kind: 'unknown' } | { kind: 'too_late' }

/**
 * Approves a requested payout, so that somebody else may send it to the bank; what is approved or exported already stays
 * as it is. Too late is one that has ended.
 */
export async function approve(db: D1Database, id: string, staff: number, nowMs: number): Promise<Decided> {
  const answers = await db.batch<Row>([
    db
      .prepare(
        `UPDATE payout SET status = 'approved', approved_by = ?2, approved_at = ?3
         WHERE id = ?1 AND status = 'requested'`,
      )
      .bind(id, staff, nowMs),
    recordedIfChanged(db, { staff, action: 'payout_approved', subject: `payout:${id}` }, nowMs),
    ...shown(db, id, staff, nowMs),
  ])
  const row = answers.at(-1)?.results[0]
  if (!row) return { kind: 'unknown' }
  const approved = row.state === 'approved' || row.state === 'exported'
  return approved ? { kind: 'done', payout: payoutOfRow(row) } : { kind: 'too_late' }
}

export type Rejected = { kind: 'done'; payout: z.infer<typeof RejectedPayout> } | Exclude<Decided, { kind: 'done' }>

/**
 * Rejects a payout that no file holds yet: the bank's part is back in the wallet at once, and the guardian is told why
 * in staff's words, as far as an address is known. What was to go back to cards goes there all the same. Rejected
 * already is rejected.
 */
export async function reject(
  db: D1Database,
  id: string,
  staff: number,
  reason: string,
  nowMs: number,
): Promise<Rejected> {
  const about = await db
    .prepare(
      `SELECT account, guardian, mail, bank_amount AS amount,
         ${reachedAt('payout.mail', 'payout.guardian', 'payout.account')} IS NULL AS untold
       FROM payout WHERE id = ? AND requested_at IS NOT NULL`,
    )
    .bind(id)
    .first<{ account: number; guardian: number; mail: string | null; amount: number; untold: 0 | 1 }>()
  if (!about) return { kind: 'unknown' }
  // The first reason is the one that counts, and a bank's rejection is not staff's.
  const rejected = {
    sql: "EXISTS (SELECT 1 FROM payout WHERE id = ?10 AND status = 'rejected' AND bank_file IS NULL AND reason = ?11)",
    bind: [id, reason],
  }
  const answers = await db.batch<Row>([
    db
      .prepare(
        `UPDATE payout SET status = 'rejected', reason = ?2, settled_at = ?3
         WHERE id = ?1 AND status IN ('requested', 'approved')`,
      )
      .bind(id, reason, nowMs),
    recordedIfChanged(db, { staff, action: 'payout_rejected', subject: `payout:${id}` }, nowMs),
    ...postBack(
      db,
      { id: `payout_return:${id}`, kind: 'payout_return', of: `payout:${id}`, staff, reason: null },
      nowMs,
      rejected,
    ),
    ...collected(db, about.account, `payout_return:${id}`, nowMs),
    moneyLetter(
      db,
      'payout_returned',
      { amount: about.amount, reason },
      { guardian: about.guardian, recipient: about.mail, account: about.account, cause: `payout:${id}` },
      nowMs,
      rejected,
    ),
    ...shown(db, id, staff, nowMs),
  ])
  const row = answers.at(-1)?.results[0]
  if (!row) return { kind: 'unknown' }
  return row.state === 'rejected' && row.file === null
    ? { kind: 'done', payout: { ...payoutOfRow(row), untold: about.untold } }
    : { kind: 'too_late' }
}
