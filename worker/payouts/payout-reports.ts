import type { z } from 'zod'
import { ore } from '../../shared/money.ts'
import type { ImportStatusAnswer, PayoutState, ReleaseAnswer } from '../../shared/office/payouts.ts'
import type { Language } from '../../shared/wire.ts'
import { type Condition, post, postBack } from '../ledger/transfers.ts'
import { moneyLetter, reachedAt } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { collected } from '../payments/shortfalls.ts'
import { tokensOfPerson } from '../people/staff.ts'
import { bankReason } from '../texts/bank-reasons.ts'
import { uuidOf } from './bank-files.ts'
import { readBankReport, verdicts } from './bank-reports.ts'
import { reasonInWords } from './payout-desk.ts'

/** What the bank's status reports do to the payouts of our files. */

export type Imported =
  | { kind: 'imported'; answer: z.infer<typeof ImportStatusAnswer> }
  | { kind: 'invalid'; reason: string } // No report that can be read; `reason` is in English.
  | { kind: 'file_unknown' } // It is about a file that we did not make.

/** How many payouts one call changes: an invocation may make 1,000 queries, and one that comes back takes seven. */
const CHANGES_MAX = 120

/** A payout of a file; `untold` says that no address of its guardian's is known. */
type Row = {
  id: string
  account: number
  guardian: number
  mail: string | null
  untold: 0 | 1
  amount: number
  status: PayoutState
  language: Language
  paidBy: number | null
}

const UNTOLD = `${reachedAt('payout.mail', 'payout.guardian', 'payout.account')} IS NULL AS untold`

/**
 * Takes in a status report. What it calls paid leaves payouts payable for the bank account; what it calls rejected is
 * back in the wallet, also where it was paid before and the recipient's bank sent it back, and its guardian is told why.
 * The same report again changes nothing. One person's word does not credit a wallet with money that left by their word:
 * what they called paid, only somebody else's report sends back.
 */
export async function importStatus(db: D1Database, text: string, staff: number, nowMs: number): Promise<Imported> {
  const read = readBankReport(text)
  if (read.kind === 'invalid') return read
  const file = uuidOf(read.report.original)
  const inFile = await db
    .prepare(
      `SELECT payout.id, payout.account, payout.guardian, payout.mail, ${UNTOLD}, bank_amount AS amount, payout.status,
         guardian.language,
         (SELECT staff FROM transfer WHERE transfer.id = 'payout_paid:' || payout.id) AS paidBy
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
  const withheld: string[] = []
  const own = await tokensOfPerson(db, staff)
  for (const row of inFile.results) {
    const verdict = said.verdicts.get(row.id)
    if (verdict?.kind === 'paid' && row.status === 'exported') paid.push(row)
    if (verdict?.kind === 'paid' && row.status === 'rejected') contradicted.push(row.id)
    if (verdict?.kind !== 'returned' || row.status === 'rejected') continue
    if (row.paidBy !== null && own.includes(row.paidBy)) withheld.push(row.id)
    else returned.push({ ...row, code: verdict.code })
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
      untold: now.returned.filter(({ untold }) => untold).length,
      unknown: said.unknown,
      contradicted,
      withheld,
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
    ...rows.flatMap(({ id, code, guardian, account, mail, amount, language }) => {
      const back = inStatus(id, 'rejected')
      const paid = { kind: 'payout_paid' as const, of: `payout_paid:${id}`, staff, reason: null }
      const whole = { kind: 'payout_return' as const, of: `payout:${id}`, staff, reason: null }
      return [
        ...postBack(db, { ...paid, id: `payout_paid:${id}:returned` }, nowMs, back),
        ...postBack(db, { ...whole, id: `payout_return:${id}` }, nowMs, back),
        ...collected(db, account, `payout_return:${id}`, nowMs),
        moneyLetter(
          db,
          'payout_returned',
          { amount, reason: bankReason(code)[language] },
          { guardian, recipient: mail, account, cause: `payout:${id}` },
          nowMs,
          back,
        ),
      ]
    }),
  ]
}

// ── Files that the bank did not take ────────────────────────────────────────

export type Released =
  | { kind: 'released'; answer: z.infer<typeof ReleaseAnswer> }
  | { kind: 'file_unknown' }
  | { kind: 'own_file' } // Whoever made a file cannot say that the bank did not take it.

/**
 * Gives up a file that the bank did not take as a whole, and of which it sends no report: its payouts that nothing was
 * heard of are back in their wallets, and their guardians are told why in staff's words. Again releases the rest.
 */
export async function release(
  db: D1Database,
  file: string,
  staff: number,
  reason: string,
  nowMs: number,
): Promise<Released> {
  const [made, open] = await db.batch([
    db.prepare('SELECT staff FROM bank_file WHERE id = ?').bind(file),
    db
      .prepare(
        `SELECT id, account, guardian, mail, ${UNTOLD}, bank_amount AS amount FROM payout
         WHERE bank_file = ?1 AND status = 'exported'
         ORDER BY id LIMIT ${CHANGES_MAX} + 1`,
      )
      .bind(file),
  ])
  const maker = made?.results[0] as { staff: number } | undefined
  if (maker === undefined) return { kind: 'file_unknown' }
  if ((await tokensOfPerson(db, staff)).includes(maker.staff)) return { kind: 'own_file' }
  const found = (open?.results ?? []) as Pick<Row, 'id' | 'account' | 'guardian' | 'mail' | 'untold' | 'amount'>[]
  const rows = found.slice(0, CHANGES_MAX)
  const released = rows.map(({ id }) => id)
  if (rows.length > 0) {
    await db.batch([
      db
        .prepare(
          `UPDATE payout SET status = 'rejected', settled_at = ?3, reason = ?4
           WHERE bank_file = ?1 AND status = 'exported' AND id IN (SELECT value FROM json_each(?2))`,
        )
        .bind(file, JSON.stringify(released), nowMs, reason),
      recordedIfChanged(
        db,
        { staff, action: 'bank_file_released', subject: `bank_file:${file}`, detail: { payouts: released } },
        nowMs,
      ),
      ...rows.flatMap(({ id, account, guardian, mail, amount }) => {
        const back = inStatus(id, 'rejected')
        return [
          ...postBack(
            db,
            { id: `payout_return:${id}`, kind: 'payout_return', of: `payout:${id}`, staff, reason: null },
            nowMs,
            back,
          ),
          ...collected(db, account, `payout_return:${id}`, nowMs),
          moneyLetter(
            db,
            'payout_returned',
            { amount, reason },
            { guardian, recipient: mail, account, cause: `payout:${id}` },
            nowMs,
            back,
          ),
        ]
      }),
    ])
  }
  const untold = rows.filter((row) => row.untold).length
  return { kind: 'released', answer: { file, released, untold, more: found.length > rows.length } }
}
