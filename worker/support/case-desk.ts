import type { z } from 'zod'
import type {
  AssignCall,
  CaseAnswered,
  CasesQuery,
  StaffCase,
  StaffCaseSummary,
  StaffCases,
} from '../../shared/office/support.ts'
import { answeredLetter } from '../letters/outbox.ts'
import { recorded, recordedIfChanged } from '../municipality/audit.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { viewedAmong } from '../people/viewings.ts'

/**
 * Support cases as staff see and answer them. A case speaks of children, so to open one is to look at them. A club's
 * staff see the cases that are about the account of a child of theirs; a case about no account is for admins.
 */

type StaffCaseSummaryView = z.infer<typeof StaffCaseSummary>
type StaffCaseView = z.infer<typeof StaffCase>

/** SQL: whether staff may see a case; `sites` is a parameter bound to `sitesOf` them. */
const seen = (sites: string) => `(${sites} IS NULL OR EXISTS (
  SELECT 1 FROM account JOIN child ON child.id = account.child
  WHERE account.id = support_case.account AND ${withinSites('child.club', sites)}))`

/** SQL: whether a token is good; `nowMs` is a parameter. */
const good = (token: string, nowMs: string) => `${token}.revoked_at IS NULL AND ${token}.expires_at > ${nowMs}`

/*
 * The good token of whoever a case was given to. Tokens run out and people stay: where theirs is no longer good, it is the
 * newest that has their name (`addStaff`), so whoever is given a new one has their cases again.
 */
const GOOD_TOKEN = `
SELECT token.id FROM staff_token AS given JOIN staff_token AS token ON lower(token.name) = lower(given.name)
WHERE given.id = support_case.assigned_to AND ${good('token', '?1')}
ORDER BY token.id = given.id DESC, token.id DESC LIMIT 1`

/*
 * ?1 is the instant, ?2 the sites of who asks. A case waits since the first of the guardian's messages that nobody has
 * answered.
 */
const SUMMARY = `
SELECT support_case.id, subject, support_case.account, phone, call_wanted AS callWanted,
  support_case.created_at AS createdAt, closed_at AS closedAt,
  (SELECT min(at) FROM case_message WHERE "case" = support_case.id AND rowid > coalesce(
     (SELECT max(rowid) FROM case_message WHERE "case" = support_case.id AND staff IS NOT NULL), 0)) AS waitingSince,
  support_case.guardian, assignee.id AS assignee, assignee.name AS assigneeName
FROM support_case
LEFT JOIN staff_token AS assignee ON assignee.id = (${GOOD_TOKEN})
WHERE ${seen('?2')}`

type SummaryRow = Omit<StaffCaseSummaryView, 'callWanted' | 'guardian' | 'assignedTo'> & {
  callWanted: 0 | 1
  guardianName: string | null
  mail: string | null
  assignee: number | null
  assigneeName: string | null
}

const LIST = `
SELECT one.*, guardian.name AS guardianName, guardian.mail
FROM (${SUMMARY}) AS one JOIN guardian ON guardian.id = one.guardian`

/** How many cases one answer lists. */
const LISTED_MAX = 200

/**
 * Cases by state, and by who looks after them: calls wanted first, then who has waited longest, then what is answered; at
 * most 200, after the `offset` first ones. `more` says whether others follow. That staff looked at who asks is recorded.
 */
export async function staffCases(
  db: D1Database,
  { state, assigned, offset }: z.infer<typeof CasesQuery>,
  staff: Staff,
  nowMs: number,
): Promise<z.infer<typeof StaffCases>> {
  const [, listed] = await db.batch<SummaryRow>([
    recorded(db, { staff: staff.id, action: 'cases_listed', subject: `cases:${state}`, detail: { offset } }, nowMs),
    db
      .prepare(
        `${LIST} WHERE (?3 = 'all' OR (closedAt IS NOT NULL) = (?3 = 'closed'))
           AND CASE ?5 WHEN 'me' THEN assignee IS ?6 WHEN 'somebody' THEN assignee IS NOT NULL
             WHEN 'nobody' THEN assignee IS NULL ELSE 1 END
         ORDER BY closedAt IS NOT NULL, callWanted DESC, waitingSince IS NULL, waitingSince, createdAt, one.id
         LIMIT ${LISTED_MAX} + 1 OFFSET ?4`,
      )
      .bind(nowMs, sitesOf(staff), state, offset, assigned ?? null, staff.id),
  ])
  const rows = listed?.results ?? []
  return { cases: rows.slice(0, LISTED_MAX).map(summaryOf), more: rows.length > LISTED_MAX }
}

function summaryOf(row: SummaryRow): StaffCaseSummaryView {
  const { id, subject, account, phone, callWanted, createdAt, closedAt, waitingSince, guardianName: name } = row
  return {
    ...{ id, subject, account, phone, createdAt, closedAt, waitingSince },
    callWanted: callWanted === 1,
    guardian: { name },
    assignedTo: row.assignee === null ? null : { id: row.assignee, name: row.assigneeName ?? '' },
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
 * children, of whom a club's staff see their own; null where there is none that they may see.
 */
export async function staffCase(
  db: D1Database,
  id: string,
  staff: Staff,
  nowMs: number,
): Promise<StaffCaseView | null> {
  const sites = sitesOf(staff)
  // `viewedAmong` has five parameters of its own before these.
  const children = (of: string, within: string) =>
    `${CHILDREN} WHERE support_case.id = ${of} AND ${seen(within)} AND ${withinSites('child.club', within)}`
  const [, , cases, known, messages] = await db.batch([
    viewedAmong(
      db,
      { children: `SELECT child.id ${children('?6', '?7')}`, bind: [id, sites] },
      { staff: staff.id },
      nowMs,
    ),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, staff)
         SELECT ?2, 'case_viewed', 'case:' || id, ?3 FROM support_case WHERE id = ?1 AND ${seen('?4')}`,
      )
      .bind(id, nowMs, staff.id, sites),
    one(db, id, staff, nowMs),
    db
      .prepare(
        `SELECT child.id, child.name,
           (SELECT wallet.id FROM account AS wallet WHERE wallet.child = child.id) AS account
         ${children('?1', '?2')} ORDER BY child.name, child.id`,
      )
      .bind(id, sites),
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
    children: (known?.results ?? []) as StaffCaseView['children'],
    messages: (messages?.results ?? []) as StaffCaseView['messages'],
  }
}

function one(db: D1Database, id: string, staff: Staff, nowMs: number): D1PreparedStatement {
  return db.prepare(`${LIST} WHERE one.id = ?3`).bind(nowMs, sitesOf(staff), id)
}

/**
 * Answers a case, once per id; the same id with other words is taken. What is answered may be closed already, and
 * `untold` is 1 where no mail address of its guardian is known.
 */
export async function answer(
  db: D1Database,
  said: { case: string; id: string; text: string },
  staff: Staff,
  nowMs: number,
): Promise<z.infer<typeof CaseAnswered> | 'case_unknown' | 'id_taken'> {
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO case_message (id, "case", staff, text, at)
         SELECT ?2, id, ?3, ?4, ?5 FROM support_case WHERE id = ?1 AND ${seen('?6')}
         ON CONFLICT DO NOTHING`,
      )
      .bind(said.case, said.id, staff.id, said.text, nowMs, sitesOf(staff)),
    recordedIfChanged(db, { staff: staff.id, action: 'case_answered', subject: `case:${said.case}` }, nowMs),
    // The record above is written exactly where the answer is, so changes() still tells whether it was.
    answeredLetter(db, said.case, said.id, nowMs),
    db
      .prepare('SELECT 1 FROM case_message WHERE id = ?2 AND "case" = ?1 AND staff IS NOT NULL AND text = ?3')
      .bind(said.case, said.id, said.text),
    one(db, said.case, staff, nowMs),
  ])
  const [stored, cases] = answers.slice(-2)
  const row = cases?.results[0] as SummaryRow | undefined
  if (!row) return 'case_unknown'
  return stored?.results.length ? { ...summaryOf(row), untold: row.mail === null ? 1 : 0 } : 'id_taken'
}

/** Closes a case; one that is closed stays as it is. Null where there is none that staff may see. */
export async function close(
  db: D1Database,
  id: string,
  staff: Staff,
  nowMs: number,
): Promise<StaffCaseSummaryView | null> {
  const answers = await db.batch([
    db
      .prepare(`UPDATE support_case SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL AND ${seen('?3')}`)
      .bind(id, nowMs, sitesOf(staff)),
    recordedIfChanged(db, { staff: staff.id, action: 'case_closed', subject: `case:${id}` }, nowMs),
    one(db, id, staff, nowMs),
  ])
  const row = answers.at(-1)?.results[0] as SummaryRow | undefined
  return row ? summaryOf(row) : null
}

/**
 * Puts a case into somebody's hands, or nobody's; the same hands again are no change. Somebody whom the number means
 * nothing to, or whose token is no longer good, is not found; who may not see the case is unfit to look after it.
 */
export async function assign(
  db: D1Database,
  { id, to }: z.infer<typeof AssignCall> & { id: string },
  staff: Staff,
  nowMs: number,
): Promise<StaffCaseSummaryView | 'case_unknown' | 'not_found' | 'role_unfit'> {
  const assignee = to === 'me' ? staff.id : to === 'nobody' ? null : to
  const mayLookAfter = `EXISTS (SELECT 1 FROM staff_token WHERE id = ?2 AND ${good('staff_token', '?3')}
    AND (role = 'admin' OR (role = 'club' AND EXISTS (
      SELECT 1 FROM staff_site JOIN child ON child.club = staff_site.site JOIN account ON account.child = child.id
      WHERE staff_site.staff = staff_token.id AND account.id = support_case.account))))`
  const answers = await db.batch([
    db
      .prepare(
        `UPDATE support_case SET assigned_to = ?2
         WHERE id = ?1 AND assigned_to IS NOT ?2 AND ${seen('?4')} AND (?2 IS NULL OR ${mayLookAfter})`,
      )
      .bind(id, assignee, nowMs, sitesOf(staff)),
    recordedIfChanged(
      db,
      { staff: staff.id, action: 'case_assigned', subject: `case:${id}`, detail: { to: assignee } },
      nowMs,
    ),
    db.prepare(`SELECT 1 FROM staff_token WHERE id = ?1 AND ${good('staff_token', '?2')}`).bind(assignee, nowMs),
    one(db, id, staff, nowMs),
  ])
  const [known, cases] = answers.slice(-2)
  const row = cases?.results[0] as SummaryRow | undefined
  if (!row) return 'case_unknown'
  if (row.assignee === assignee) return summaryOf(row)
  return known?.results.length ? 'role_unfit' : 'not_found'
}
