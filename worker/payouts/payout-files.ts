import type { z } from 'zod'
import { addDays, copenhagenDay } from '../../shared/copenhagen.ts'
import type { BankFile, BankFileContent, ExportCall } from '../../shared/office/payouts.ts'
import { recorded, recordedIfChanged } from '../municipality/audit.ts'
import { settingsOf, settingsQuery } from '../municipality/settings.ts'
import { tokensOfPerson } from '../people/staff.ts'
import { type BankTransfer, bankFileXml, debtorNameOf, nextWeekday } from './bank-files.ts'

/**
 * Files for the bank. Every payout is in at most one, and never in one that was made by whoever approved it: two tokens
 * of one person count as that person, whom their name tells.
 */

type FileView = z.infer<typeof BankFile>
type FileContent = z.infer<typeof BankFileContent>

/** How many payouts one file has at most. */
const FILE_MAX = 500
/** How far ahead the bank can be asked to execute. */
const AHEAD_MAX_DAYS = 60
/** How often an export begins anew because another one took its payouts. */
const TRIES_MAX = 5

/** The approved payouts that somebody may send to the bank who has the tokens `tokens`: a JSON list, which is SQL. */
const exportable = (tokens: string) => `
FROM payout
WHERE payout.status = 'approved' AND payout.bank_file IS NULL
  AND payout.approved_by NOT IN (SELECT value FROM json_each(${tokens}))`

export type Exported =
  | { kind: 'exported'; file: FileContent }
  | { kind: 'nothing'; ownApprovals: number } // `ownApprovals` await somebody else's hand.
  | { kind: 'no_bank_account' } // The municipality's own is not among its settings, or its name is none a bank takes.
  | { kind: 'bad_day' } // The day of execution is past, or too far ahead.
  | { kind: 'id_taken' } // A file of this id is there, and of the other version or day.

/**
 * Makes a file of all approved payouts that this member of staff did not approve, the oldest first, and stores it. The
 * same id again is the same file, whatever has been approved since.
 */
export async function exportPayouts(
  db: D1Database,
  { id, version, executionDay }: z.infer<typeof ExportCall>,
  staff: number,
  nowMs: number,
): Promise<Exported> {
  const today = copenhagenDay(nowMs)
  const tokens = JSON.stringify(await tokensOfPerson(db, staff))
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const [made, set, found, own] = await db.batch([
      fileQuery(db, id),
      settingsQuery(db),
      db
        .prepare(
          `SELECT payout.id, payout.name, registration, bank_account AS bankAccount, message, bank_amount AS amount
           ${exportable('?1')} ORDER BY requested_at, payout.id LIMIT ${FILE_MAX}`,
        )
        .bind(tokens),
      db.prepare("SELECT count(*) AS count FROM payout WHERE status = 'approved' AND bank_file IS NULL"),
    ])
    const earlier = made?.results[0] as FileContent | undefined
    if (earlier) {
      const other = (version ?? earlier.version) !== earlier.version
      const another = (executionDay ?? earlier.executionDay) !== earlier.executionDay
      return other || another ? { kind: 'id_taken' } : { kind: 'exported', file: earlier }
    }
    const day = executionDay ?? nextWeekday(today)
    if (day < today || day > addDays(today, AHEAD_MAX_DAYS)) return { kind: 'bad_day' }
    const settings = settingsOf(set?.results[0])
    const name = debtorNameOf(settings.name)
    const { bankRegistration: registration, bankAccount, bankFileVersion } = settings.money
    if (name === null || registration === null || bankAccount === null) return { kind: 'no_bank_account' }
    const transfers = (found?.results ?? []) as BankTransfer[]
    if (transfers.length === 0) {
      const awaiting = own?.results[0] as { count: number } | undefined
      return { kind: 'nothing', ownApprovals: awaiting?.count ?? 0 }
    }
    const order = { id, version: version ?? bankFileVersion, executionDay: day, createdAtMs: nowMs, transfers }
    const xml = bankFileXml({ ...order, debtor: { name, registration, bankAccount } })
    const file = await stored(db, { ...order, xml, tokens }, staff, nowMs)
    if (file) return { kind: 'exported', file }
  }
  throw new Error('the payouts to export never stood still')
}

type Made = Pick<FileView, 'id' | 'version' | 'executionDay'> & {
  xml: string
  transfers: readonly BankTransfer[]
  tokens: string
}

/** Stores a file if every one of its payouts may still go into it, and marks them; null where another was faster. */
async function stored(db: D1Database, made: Made, staff: number, nowMs: number): Promise<FileContent | null> {
  const { id, version, executionDay, xml, transfers, tokens } = made
  const count = transfers.length
  const sum = transfers.reduce((total, { amount }) => total + amount, 0)
  const payouts = JSON.stringify(transfers.map((transfer) => transfer.id))
  const among = 'payout.id IN (SELECT value FROM json_each(?2))'
  const answers = await db.batch<FileContent>([
    db
      .prepare(
        `INSERT INTO bank_file (id, version, execution_day, count, sum, xml, staff, created_at)
         SELECT ?1, ?4, ?5, ?6, ?7, ?8, ?3, ?9
         WHERE ?6 = (SELECT count(*) ${exportable('?10')} AND ${among})
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, payouts, staff, version, executionDay, count, sum, xml, nowMs, tokens),
    db
      .prepare(
        `UPDATE payout SET status = 'exported', bank_file = ?1
         WHERE changes() > 0 AND id IN (SELECT payout.id ${exportable('?3')} AND ${among})`,
      )
      .bind(id, payouts, tokens),
    recordedIfChanged(
      db,
      { staff, action: 'payouts_exported', subject: `bank_file:${id}`, detail: { count, sum } },
      nowMs,
    ),
    fileQuery(db, id),
  ])
  return answers.at(-1)?.results[0] ?? null
}

const FILE = `
SELECT bank_file.id, version, execution_day AS executionDay, count, sum, staff_token.name AS staff,
  bank_file.created_at AS createdAt
FROM bank_file JOIN staff_token ON staff_token.id = bank_file.staff`

function fileQuery(db: D1Database, id: string): D1PreparedStatement {
  return db.prepare(`${FILE.replace('\nFROM', ', xml\nFROM')} WHERE bank_file.id = ?`).bind(id)
}

/** The files that were made, the newest first, at most 100, without their contents. */
export async function bankFiles(db: D1Database): Promise<FileView[]> {
  return (await db.prepare(`${FILE} ORDER BY bank_file.created_at DESC, bank_file.id DESC LIMIT 100`).all<FileView>())
    .results
}

/** A file as it was made, which names people and their accounts, so that it was read is recorded; null where there is none. */
export async function bankFile(db: D1Database, id: string, staff: number, nowMs: number): Promise<FileContent | null> {
  const file = await fileQuery(db, id).first<FileContent>()
  if (file) await recorded(db, { staff, action: 'bank_file_read', subject: `bank_file:${id}` }, nowMs).run()
  return file
}
