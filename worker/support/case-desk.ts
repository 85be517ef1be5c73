import type { z } from 'zod'
import type { CasesQuery, StaffCase, StaffCaseSummary, StaffCases } from '../../shared/office/support.ts'
import { answeredLetter } from '../letters/outbox.ts'
import { recorded, recordedIfChanged } from '../municipality/audit.ts'
import { viewedAmong } from '../people/viewings.ts'

/** Support cases as staff see and answer them. A case speaks of children, so to open one is to look at them. */

type StaffCaseSummaryView = z.infer<typeof StaffCaseSummary>
type StaffCaseView = z.infer<typeof StaffCase>

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
  mail: string | null
}

const LIST = `
SELECT one.*, guardian.name AS guardianName, guardian.mail
FROM (${SUMMARY}) AS one JOIN guardian ON guardian.id = one.guardian`

/** How many cases one answer lists. */
const LISTED_MAX = 200

/**
 * Cases by state: calls wanted first, then who has waited longest, then what is answered; at most 200, after the
 * `offset` first ones. `more` says whether others follow. That staff looked at who asks is recorded.
 */
export async function staffCases(
  db: D1Database,
  { state, offset }: z.infer<typeof CasesQuery>,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof StaffCases>> {
  const [, listed] = await db.batch<SummaryRow>([
    recorded(db, { staff, action: 'cases_listed', subject: `cases:${state}`, detail: { offset } }, nowMs),
    db
      .prepare(
        `${LIST} WHERE ?1 = 'all' OR (closedAt IS NOT NULL) = (?1 = 'closed')
         ORDER BY closedAt IS NOT NULL, callWanted DESC, waitingSince IS NULL, waitingSince, createdAt, one.id
         LIMIT ${LISTED_MAX} + 1 OFFSET ?2`,
      )
      .bind(state, offset),
  ])
  const rows = listed?.results ?? []
  return { cases: rows.slice(0, LISTED_MAX).map(summaryOf), more: rows.length > LISTED_MAX }
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

/** The children whose guardian opened a case. */
const CHILDREN = `
FROM support_case
JOIN guardian ON guardian.id = support_case.guardian
JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
JOIN child ON child.id = guardianship.child`

/**
 * One case for a member of staff with all that is said in it, which is recorded of the case and of the guardian's
 * children; null where there is none.
 */
export async function staffCase(
  db: D1Database,
  id: string,
  staff: number,
  nowMs: number,
): Promise<StaffCaseView | null> {
  const [, , cases, children, messages] = await db.batch([
    viewedAmong(
      db,
      { children: `SELECT child.id ${CHILDREN} WHERE support_case.id = ?`, bind: [id] },
      { staff },
      nowMs,
    ),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, staff)
         SELECT ?2, 'case_viewed', 'case:' || id, ?3 FROM support_case WHERE id = ?1`,
      )
      .bind(id, nowMs, staff),
    one(db, id),
    db
      .prepare(
        `SELECT child.id, child.name, account.id AS account ${CHILDREN} JOIN account ON account.child = child.id
         WHERE support_case.id = ? ORDER BY child.name, child.id`,
      )
      .bind(id),
    db
      .prepare(
        `SELECT case_message.id, staff_token.name AS staff, text, at
         FROM case_message LEFT JOIN staff_token ON staff_token.id = case_message.staff
         WHERE "case" = ? ORDER BY case_message.rowid`,
      )
      .bind(id),
  ])
  const row = cases?.results[0] as SummaryRow | undefined
  if (!row) return null
  return {
    ...summaryOf(row),
    guardian: { name: row.guardianName, mail: row.mail },
    children: (children?.results ?? []) as StaffCaseView['children'],
    messages: (messages?.results ?? []) as StaffCaseView['messages'],
  }
}

function one(db: D1Database, id: string): D1PreparedStatement {
  return db.prepare(`${LIST} WHERE one.id = ?`).bind(id)
}

/** Answers a case, once per id; the same id with other words is taken. What is answered may be closed already. */
export async function answer(
  db: D1Database,
  said: { case: string; id: string; text: string },
  staff: number,
  nowMs: number,
): Promise<StaffCaseSummaryView | 'case_unknown' | 'id_taken'> {
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
    one(db, said.case),
  ])
  const [stored, cases] = answers.slice(-2)
  const row = cases?.results[0] as SummaryRow | undefined
  if (!row) return 'case_unknown'
  return stored?.results.length ? summaryOf(row) : 'id_taken'
}

/** Closes a case; one that is closed stays as it is. Null where there is none. */
export async function close(
  db: D1Database,
  id: string,
  staff: number,
  nowMs: number,
): Promise<StaffCaseSummaryView | null> {
  const answers = await db.batch([
    db.prepare('UPDATE support_case SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL').bind(id, nowMs),
    recordedIfChanged(db, { staff, action: 'case_closed', subject: `case:${id}` }, nowMs),
    one(db, id),
  ])
  const row = answers.at(-1)?.results[0] as SummaryRow | undefined
  return row ? summaryOf(row) : null
}
