import { recordedIfChanged } from './audit.ts'

/**
 * Support cases as the guardian who opened them sees them; `case-desk.ts` is what staff see. Every case begins with a
 * message, and is answered where its newest message is staff's. Who of the staff wrote it is not told.
 */

export type CaseSummary = {
  id: string
  subject: string
  account: number | null
  createdAt: number
  closedAt: number | null
  answered: boolean
  lastAt: number
}

export type CaseView = CaseSummary & {
  phone: string | null
  callWanted: boolean
  messages: { id: string; from: 'guardian' | 'staff'; text: string; at: number }[]
}

/** `id` and `message` are UUIDs that the form made; `phone` is in international form and must be there for a call. */
export type Opening = {
  id: string
  message: string
  guardian: number
  account: number | null
  subject: string
  text: string
  phone: string | null
  callWanted: boolean
}

/**
 * Opens a case with its first message; the same form sent again by the same guardian is opened already. An account
 * that is of no child of the guardian's is left out. An id that is somebody else's, or another case's, is taken.
 */
export async function openCase(db: D1Database, opening: Opening, nowMs: number): Promise<'opened' | 'id_taken'> {
  const { id, message, guardian, account, subject, text, phone, callWanted } = opening
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO support_case (id, guardian, account, subject, phone, call_wanted, created_at)
         SELECT ?1, guardian.id,
           (SELECT account.id FROM account
            JOIN guardianship ON guardianship.child = account.child AND guardianship.ended_at IS NULL
            WHERE account.id = ?4 AND guardianship.cpr_hash = guardian.cpr_hash),
           ?5, ?6, ?7, ?8
         FROM guardian WHERE guardian.id = ?3 AND NOT EXISTS (SELECT 1 FROM case_message WHERE id = ?2)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, message, guardian, account, subject, phone, callWanted ? 1 : 0, nowMs),
    db
      .prepare(`INSERT INTO case_message (id, "case", text, at) SELECT ?1, ?2, ?3, ?4 WHERE changes() > 0`)
      .bind(message, id, text, nowMs),
    recordedIfChanged(db, { guardian, action: 'case_opened', subject: `case:${id}` }, nowMs),
    ownMessage(db, { id: message, case: id, guardian }),
  ])
  return answers.at(-1)?.results.length ? 'opened' : 'id_taken'
}

/** Adds a guardian's message to their case, once per id, and opens the case again if it was closed. */
export async function reply(
  db: D1Database,
  said: { case: string; id: string; guardian: number; text: string },
  nowMs: number,
): Promise<'replied' | 'not_found'> {
  const { id, guardian, text } = said
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO case_message (id, "case", text, at)
         SELECT ?2, id, ?4, ?5 FROM support_case WHERE id = ?1 AND guardian = ?3
         ON CONFLICT DO NOTHING`,
      )
      .bind(said.case, id, guardian, text, nowMs),
    recordedIfChanged(db, { guardian, action: 'case_replied', subject: `case:${said.case}` }, nowMs),
    // The record above is written exactly where the message is, so changes() still tells whether it was.
    db
      .prepare('UPDATE support_case SET closed_at = NULL WHERE id = ?1 AND closed_at IS NOT NULL AND changes() > 0')
      .bind(said.case),
    ownMessage(db, said),
  ])
  return answers.at(-1)?.results.length ? 'replied' : 'not_found'
}

function ownMessage(db: D1Database, said: { id: string; case: string; guardian: number }): D1PreparedStatement {
  return db
    .prepare(
      `SELECT 1 FROM case_message JOIN support_case ON support_case.id = case_message."case"
       WHERE case_message.id = ?1 AND support_case.id = ?2 AND guardian = ?3 AND staff IS NULL`,
    )
    .bind(said.id, said.case, said.guardian)
}

const SUMMARY = `
SELECT support_case.id, subject, account, created_at AS createdAt, closed_at AS closedAt,
  newest.staff IS NOT NULL AS answered, newest.at AS lastAt, phone, call_wanted AS callWanted
FROM support_case
JOIN case_message AS newest ON newest.rowid = (
  SELECT max(rowid) FROM case_message WHERE case_message."case" = support_case.id)`

type SummaryRow = Omit<CaseSummary, 'answered'> & { answered: 0 | 1; phone: string | null; callWanted: 0 | 1 }
type Row = SummaryRow & { messages: string }

/** The cases of a guardian, the newest first, at most 200. */
export async function casesOf(db: D1Database, guardian: number): Promise<CaseSummary[]> {
  return (await casesQuery(db, guardian).all()).results.map(caseSummaryOf)
}

/** The statement that reads the cases of a guardian, for a batch; `caseSummaryOf` makes a summary of each row. */
export function casesQuery(db: D1Database, guardian: number): D1PreparedStatement {
  return db
    .prepare(`${SUMMARY} WHERE guardian = ? ORDER BY created_at DESC, support_case.rowid DESC LIMIT 200`)
    .bind(guardian)
}

export function caseSummaryOf(found: unknown): CaseSummary {
  const { id, subject, account, createdAt, closedAt, answered, lastAt } = found as SummaryRow
  return { id, subject, account, createdAt, closedAt, answered: answered === 1, lastAt }
}

/** One case with its messages in order; null where this guardian has none of that id. */
export async function caseOf(db: D1Database, guardian: number, id: string): Promise<CaseView | null> {
  return caseViewOf(await caseQuery(db, guardian, id).first())
}

/** The statement that reads one case of a guardian, for a batch; `caseViewOf` makes the view of its first row. */
export function caseQuery(db: D1Database, guardian: number, id: string): D1PreparedStatement {
  return db
    .prepare(
      `SELECT one.*, (
         SELECT json_group_array(json_object('id', id, 'from', iif(staff IS NULL, 'guardian', 'staff'), 'text', text, 'at', at))
         FROM (SELECT * FROM case_message WHERE "case" = one.id ORDER BY rowid)) AS messages
       FROM (${SUMMARY} WHERE guardian = ?1 AND support_case.id = ?2) AS one`,
    )
    .bind(guardian, id)
}

export function caseViewOf(found: unknown): CaseView | null {
  const row = found as Row | null | undefined
  if (!row) return null
  const { phone, callWanted, messages } = row
  return { ...caseSummaryOf(row), phone, callWanted: callWanted === 1, messages: JSON.parse(messages) }
}
