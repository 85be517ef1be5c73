import type { z } from 'zod'
import type { StaffCase, StaffCaseSummary } from '../shared/wire.ts'
import { recordedIfChanged } from './audit.ts'
import { answeredLetter } from './outbox.ts'
import { viewedAmong } from './viewings.ts'

/** Support cases as staff see and answer them. A case speaks of children, so to open one is to look at them. */

export type StaffCaseSummaryView = z.infer<typeof StaffCaseSummary>
export type StaffCaseView = z.infer<typeof StaffCase>

/* A case waits since the first of the guardian's messages that nobody has answered. */
const SUMMARY = `
SELECT support_case.id, subject, support_case.account, phone, call_wanted AS callWanted,
  created_at AS createdAt, closed_at AS closedAt,
  (SELECT min(at) FROM case_message WHERE "case" = support_case.id AND rowid > coalesce(
     (SELECT max(rowid) FROM case_message WHERE "case" = support_case.id AND staff IS NOT NULL), 0)) AS waitingSince,
  support_case.guardian
FROM support_case`

type SummaryRow = Omit<StaffCaseSummaryView, 'callWanted' | 'guardian'> & {
  callWanted: 0 | 1
  guardianName: string | null
}

/** Cases by state: calls wanted first, then who has waited longest, then what is answered; at most 200. */
export async function staffCases(db: D1Database, state: 'open' | 'closed' | 'all'): Promise<StaffCaseSummaryView[]> {
  const query = db
    .prepare(
      `SELECT one.*, guardian.name AS guardianName FROM (${SUMMARY}) AS one JOIN guardian ON guardian.id = one.guardian
       WHERE ?1 = 'all' OR (closedAt IS NOT NULL) = (?1 = 'closed')
       ORDER BY closedAt IS NOT NULL, callWanted DESC, waitingSince IS NULL, waitingSince, createdAt, one.id LIMIT 200`,
    )
    .bind(state)
  return (await query.all<SummaryRow>()).results.map(summaryOf)
}

function summaryOf(row: SummaryRow): StaffCaseSummaryView {
  const { id, subject, account, phone, callWanted, createdAt, closedAt, waitingSince, guardianName: name } = row
  return {
    id,
    subject,
    account,
    phone,
    callWanted: callWanted === 1,
    createdAt,
    closedAt,
    waitingSince,
    guardian: { name },
  }
}

/** One case for a member of staff, which is recorded of the guardian's children; null where there is none. */
export async function staffCase(
  db: D1Database,
  id: string,
  staff: number,
  nowMs: number,
): Promise<StaffCaseView | null> {
  const [, found] = await db.batch(seen(db, id, staff, nowMs))
  return viewOf(found)
}

/** Answers a case, once per id; the same id with other words is taken. What is answered may be closed already. */
export async function answer(
  db: D1Database,
  said: { case: string; id: string; text: string },
  staff: number,
  nowMs: number,
): Promise<StaffCaseView | 'case_unknown' | 'id_taken'> {
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO case_message (id, "case", staff, text, at) SELECT ?2, id, ?3, ?4, ?5 FROM support_case WHERE id = ?1
         ON CONFLICT DO NOTHING`,
      )
      .bind(said.case, said.id, staff, said.text, nowMs),
    recordedIfChanged(db, { staff, action: 'case_answered', subject: `case:${said.case}` }, nowMs),
    // The record above is written exactly where the answer is, so changes() still tells whether it was.
    answeredLetter(db, said.case, said.id, nowMs),
    db
      .prepare('SELECT 1 FROM case_message WHERE id = ?2 AND "case" = ?1 AND staff IS NOT NULL AND text = ?3')
      .bind(said.case, said.id, said.text),
    ...seen(db, said.case, staff, nowMs),
  ])
  const view = viewOf(answers.at(-1))
  if (!view) return 'case_unknown'
  return answers.at(-3)?.results.length ? view : 'id_taken'
}

/** Closes a case; one that is closed stays as it is. Null where there is none. */
export async function close(db: D1Database, id: string, staff: number, nowMs: number): Promise<StaffCaseView | null> {
  const answers = await db.batch([
    db.prepare('UPDATE support_case SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL').bind(id, nowMs),
    recordedIfChanged(db, { staff, action: 'case_closed', subject: `case:${id}` }, nowMs),
    ...seen(db, id, staff, nowMs),
  ])
  return viewOf(answers.at(-1))
}

const CHILDREN = `
SELECT guardianship.child FROM support_case
JOIN guardian ON guardian.id = support_case.guardian
JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
WHERE support_case.id = ?`

/** The statements that record who looks, and read a case with all that is said in it. */
function seen(db: D1Database, id: string, staff: number, nowMs: number): [D1PreparedStatement, D1PreparedStatement] {
  return [
    viewedAmong(db, { children: CHILDREN, bind: [id] }, { staff }, nowMs),
    db
      .prepare(
        `SELECT one.*, guardian.name AS guardianName, guardian.mail,
           (SELECT json_group_array(json_object('id', id, 'name', name, 'account', account)) FROM (
              SELECT child.id, child.name, account.id AS account
              FROM guardianship JOIN child ON child.id = guardianship.child JOIN account ON account.child = child.id
              WHERE guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
              ORDER BY child.name, child.id)) AS children,
           (SELECT json_group_array(json_object('id', id, 'staff', staff, 'text', text, 'at', at)) FROM (
              SELECT case_message.id, staff_token.name AS staff, text, at
              FROM case_message LEFT JOIN staff_token ON staff_token.id = case_message.staff
              WHERE "case" = one.id ORDER BY case_message.rowid)) AS messages
         FROM (${SUMMARY} WHERE support_case.id = ?) AS one JOIN guardian ON guardian.id = one.guardian`,
      )
      .bind(id),
  ]
}

function viewOf(found: D1Result | undefined): StaffCaseView | null {
  const row = found?.results[0] as
    | (SummaryRow & { mail: string | null; children: string; messages: string })
    | undefined
  if (!row) return null
  const { guardian, ...summary } = summaryOf(row)
  return {
    ...summary,
    guardian: { ...guardian, mail: row.mail },
    children: JSON.parse(row.children),
    messages: JSON.parse(row.messages),
  }
}
