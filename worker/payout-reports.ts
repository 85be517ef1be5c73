import type { z } from 'zod'
import { ore } from '../shared/money.ts'
import type { ImportStatusAnswer, PayoutState } from '../shared/payout-wire.ts'
import type { Language } from '../shared/wire.ts'
import { recordedIfChanged } from './audit.ts'
import { uuidOf } from './bank-files.ts'
import { readBankReport, verdicts } from './bank-reports.ts'
import { type Condition, post, postBack } from './ledger.ts'
import { moneyLetter } from './outbox.ts'
import { reasonInWords } from './payout-desk.ts'
import { bankReason } from './portal/texts/bank-reasons.ts'

/** What the bank's status reports do to the payouts of our files. */

export type Imported =
  | { kind: 'imported'; answer: z.infer<typeof ImportStatusAnswer> }
  | { kind: 'invalid'; reason: string } // No report that can be read; `reason` is in English.
  | { kind: 'file_unknown' } // It is about a file that we did not make.

/** How many payouts one call changes: an invocation may make 1,000 queries, and one that comes back takes six. */
const CHANGES_MAX = 150

type Row = {
  id: string
  account: number
  guardian: number
  amount: number
  status: PayoutState
  language: Language
}

/**
 * Takes in a status report. What it calls paid leaves payouts payable for the bank account; what it calls rejected is
 * back in the wallet, also where it was paid before and the recipient's bank sent it back, and its guardian is told why.
 * The same report again changes nothing.
 */
export async function importStatus(db: D1Database, text: string, staff: number, nowMs: number): Promise<Imported> {
  const read = readBankReport(text)
  if (read.kind === 'invalid') return read
  const file = uuidOf(read.report.original)
  const inFile = await db
    .prepare(
      `SELECT payout.id, payout.account, payout.guardian, bank_amount AS amount, payout.status, guardian.language
       FROM payout JOIN guardian ON guardian.id = payout.guardian WHERE bank_file = ? ORDER BY payout.id`,
    )
    .bind(file)
    .all<Row>()
  if (file === null || inFile.results.length === 0) return { kind: 'file_unknown' }
  const said = verdicts(
    read.report,
    inFile.results.map(({ id }) => id),
  )
  const paid: Row[] = []
  const returned: (Row & { code: string })[] = []
  const contradicted: string[] = []
  for (const row of inFile.results) {
    const verdict = said.verdicts.get(row.id)
    if (verdict?.kind === 'paid' && row.status === 'exported') paid.push(row)
    if (verdict?.kind === 'paid' && row.status === 'rejected') contradicted.push(row.id)
    if (verdict?.kind === 'returned' && row.status !== 'rejected') returned.push({ ...row, code: verdict.code })
  }
  const now = { paid: paid.slice(0, CHANGES_MAX), returned: returned.slice(0, Math.max(0, CHANGES_MAX - paid.length)) }
  if (now.paid.length + now.returned.length > 0) {
    await db.batch([...paidOut(db, file, now.paid, staff, nowMs), ...sentBack(db, file, now.returned, staff, nowMs)])
  }
  return {
    kind: 'imported',
    answer: {
      file,
      paid: now.paid.map(({ id }) => id),
      returned: now.returned.map(({ id, code }) => ({ payout: id, reason: reasonInWords(`bank:${code}`) ?? code })),
      unchanged: inFile.results.length - now.paid.length - now.returned.length,
      unknown: said.unknown,
      contradicted,
      more: paid.length + returned.length > now.paid.length + now.returned.length,
    },
  }
}

const inStatus = (id: string, status: PayoutState): Condition => ({
  sql: 'EXISTS (SELECT 1 FROM payout WHERE id = ?10 AND status = ?11)',
  bind: [id, status],
})

function paidOut(db: D1Database, file: string, rows: readonly Row[], staff: number, nowMs: number) {
  if (rows.length === 0) return []
  return [
    db
      .prepare(
        `UPDATE payout SET status = 'paid', settled_at = ?3
         WHERE bank_file = ?1 AND status = 'exported' AND id IN (SELECT value FROM json_each(?2))`,
      )
      .bind(file, JSON.stringify(rows.map(({ id }) => id)), nowMs),
    recordedIfChanged(
      db,
      { staff, action: 'payouts_paid', subject: `bank_file:${file}`, detail: { payouts: rows.map(({ id }) => id) } },
      nowMs,
    ),
    ...rows.flatMap(({ id, amount }) =>
      post(
        db,
        {
          id: `payout_paid:${id}`,
          kind: 'payout_paid',
          debitAccount: 'payouts_payable',
          creditAccount: 'bank',
          amount: ore(amount),
          staff,
          reason: null,
        },
        nowMs,
        inStatus(id, 'paid'),
      ),
    ),
  ]
}

function sentBack(
  db: D1Database,
  file: string,
  rows: readonly (Row & { code: string })[],
  staff: number,
  nowMs: number,
) {
  if (rows.length === 0) return []
  const reasons = JSON.stringify(Object.fromEntries(rows.map(({ id, code }) => [id, `bank:${code}`])))
  return [
    db
      .prepare(
        `UPDATE payout SET status = 'rejected', settled_at = ?3,
           reason = (SELECT value FROM json_each(?2) WHERE key = payout.id)
         WHERE bank_file = ?1 AND status IN ('exported', 'paid') AND id IN (SELECT key FROM json_each(?2))`,
      )
      .bind(file, reasons, nowMs),
    recordedIfChanged(
      db,
      {
        staff,
        action: 'payouts_returned',
        subject: `bank_file:${file}`,
        detail: { payouts: rows.map(({ id }) => id) },
      },
      nowMs,
    ),
    ...rows.flatMap(({ id, code, guardian, account, amount, language }) => {
      const back = inStatus(id, 'rejected')
      const paid = { kind: 'payout_paid' as const, of: `payout_paid:${id}`, staff, reason: null }
      const whole = { kind: 'payout_return' as const, of: `payout:${id}`, staff, reason: null }
      return [
        ...postBack(db, { ...paid, id: `payout_paid:${id}:returned` }, nowMs, back),
        ...postBack(db, { ...whole, id: `payout_return:${id}` }, nowMs, back),
        moneyLetter(
          db,
          'payout_returned',
          { amount, reason: bankReason(code)[language] },
          { guardian, recipient: null, account, cause: `payout:${id}` },
          nowMs,
          back,
        ),
      ]
    }),
  ]
}
