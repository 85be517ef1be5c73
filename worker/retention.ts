import { copenhagenDay } from '../shared/copenhagen.ts'
import { letGo } from './people/erasure.ts'
import { forgetGuardians } from './people/guardian-erasure.ts'

/** How many rows of a kind one run removes; what is left over goes with the next. */
const AT_ONCE = 1000
const CASES_AT_ONCE = 100

/** How many of each kind went. */
export type Retained = {
  cases: number
  viewings: number
  deeds: number
  bankFiles: number
  children: number
  guardians: number
}

/** SQL: the day before which things go that are kept for as many months as a setting says; ?1 is today. */
const cutOff = (setting: string) => `(SELECT date(?1, '-' || ${setting} || ' months') FROM municipality)`
const cutOffMs = (setting: string) =>
  `(SELECT unixepoch(date(?1, '-' || ${setting} || ' months')) * 1000 FROM municipality)`

/**
 * Removes what nobody needs any more, by what the municipality has settled: support cases that have long been closed, who
 * looked at whom, what guardians did, what the files for the bank say, what was kept of erased children, and guardians who
 * have no child here.
 */
export async function removeOld(db: D1Database, nowMs: number): Promise<Retained> {
  const today = copenhagenDay(nowMs)
  const oldCases = `SELECT id FROM support_case WHERE closed_at < ${cutOffMs('keep_cases_months')}
    ORDER BY closed_at, id LIMIT ${CASES_AT_ONCE}`
  const run = (sql: string) => db.prepare(sql).bind(today)
  const [, cases, viewings, deeds, bankFiles] = await db.batch([
    run(`DELETE FROM case_message WHERE "case" IN (${oldCases})`),
    run(`DELETE FROM support_case WHERE id IN (${oldCases})`),
    run(
      `DELETE FROM viewing WHERE rowid IN (SELECT rowid FROM viewing
         WHERE day < ${cutOff('keep_viewings_months')} ORDER BY day LIMIT ${AT_ONCE})`,
    ),
    run(
      `DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE guardian IS NOT NULL
         AND at < ${cutOffMs('keep_viewings_months')} ORDER BY at LIMIT ${AT_ONCE})`,
    ),
    run(
      `UPDATE bank_file SET xml = '' WHERE xml <> '' AND id IN (SELECT id FROM bank_file WHERE xml <> ''
         AND CAST(substr(execution_day, 1, 4) AS INTEGER)
           < CAST(substr(?1, 1, 4) AS INTEGER) - (SELECT keep_books_years FROM municipality) LIMIT ${CASES_AT_ONCE})`,
    ),
  ])
  const changes = (answer: D1Result | undefined) => answer?.meta.changes ?? 0
  const gone = { cases: changes(cases), viewings: changes(viewings), deeds: changes(deeds) }
  const [children, guardians] = [await letGo(db, nowMs), await forgetGuardians(db, nowMs)]
  return { ...gone, bankFiles: changes(bankFiles), children, guardians }
}
