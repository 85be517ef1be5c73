import { recordedIfChanged } from '../municipality/audit.ts'

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

/*
 * Nobody who means it comes near these; without them one guardian could bury what all others ask. A day is the last
 * 24 hours.
 */
export const OPEN_CASES_MAX = 10
export const CASES_A_DAY_MAX = 20
export const MESSAGES_A_DAY_MAX = 50
export const CASE_MESSAGES_MAX = 200
const DAY_MS = 86_400_000

/**
 * Opens a case with its first message; the same form sent again by the same guardian is opened already. An account
 * that is of no child of the guardian's is left out. An id that is somebody else's, or another case's, is taken; too
 * many is one more open case, or one more in a day, than a guardian may have.
 */
export async function openCase(
  db: D1Database,
  opening: Opening,
  nowMs: number,
): Promise<'opened' | 'id_taken' | 'too_many'> {
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
           AND (SELECT count(*) FILTER (WHERE closed_at IS NULL) < ${OPEN_CASES_MAX}
                  AND count(*) FILTER (WHERE created_at > ?8 - ${DAY_MS}) < ${CASES_A_DAY_MAX}
                FROM support_case WHERE support_case.guardian = ?3)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, message, guardian, account, subject, phone, callWanted ? 1 : 0, nowMs),
    db
      .prepare(`INSERT INTO case_message (id, "case", text, at) SELECT ?1, ?2, ?3, ?4 WHERE changes() > 0`)
      .bind(message, id, text, nowMs),
    recordedIfChanged(db, { guardian, action: 'case_opened', subject: `case:${id}` }, nowMs),
    ownMessage(db, { id: message, case: id, guardian }),
    db
      .prepare('SELECT 1 FROM support_case WHERE id = ?1 UNION ALL SELECT 1 FROM case_message WHERE id = ?2')
      .bind(id, message),
  ])
  const [own, taken] = answers.slice(-2)
  if (own?.results.length) return 'opened'
  return taken?.results.length ? 'id_taken' : 'too_many'
}

/**
 * Adds a guardian's message to their case, once per id, and opens the case again if it was closed. Too many is one more
 * than a case has room for, or than a guardian may send in a day.
 */
export async function reply(
  db: D1Database,
  said: { case: string; id: string; guardian: number; text: string },
  nowMs: number,
): Promise<'replied' | 'not_found' | 'too_many'> {
  const { id, guardian, text } = said
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO case_message (id, "case", text, at)
         SELECT ?2, id, ?4, ?5 FROM support_case AS own WHERE id = ?1 AND guardian = ?3
           AND (SELECT count(*) FROM case_message WHERE "case" = own.id) < ${CASE_MESSAGES_MAX}
           AND (SELECT count(*) FROM support_case JOIN case_message ON "case" = support_case.id
                WHERE guardian = ?3 AND staff IS NULL AND at > ?5 - ${DAY_MS}) < ${MESSAGES_A_DAY_MAX}
         ON CONFLICT DO NOTHING`,
      )
      .bind(said.case, id, guardian, text, nowMs),
    recordedIfChanged(db, { guardian, action: 'case_replied', subject: `case:${said.case}` }, nowMs),
    // The record above is written exactly where the message is, so changes() still tells whether it was.
    db
      .prepare('UPDATE support_case SET closed_at = NULL WHERE id = ?1 AND closed_at IS NOT NULL AND changes() > 0')
      .bind(said.case),
    ownMessage(db, said),
    db
      .prepare(
        `SELECT 1 FROM support_case WHERE id = ?1 AND guardian = ?2
         AND NOT EXISTS (SELECT 1 FROM case_message WHERE id = ?3)`,
      )
      .bind(said.case, guardian, id),
  ])
  const [own, unsaid] = answers.slice(-2)
  if (own?.results.length) return 'replied'
  return unsaid?.results.length ? 'too_many' : 'not_found'
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

/** The cases of a guardian, the newest first, at most 200. */
export async function casesOf(db: D1Database, guardian: number): Promise<CaseSummary[]> {
  const query = db
    .prepare(`${SUMMARY} WHERE guardian = ? ORDER BY created_at DESC, support_case.rowid DESC LIMIT 200`)
    .bind(guardian)
  return (await query.all<SummaryRow>()).results.map(summaryOf)
}

function summaryOf({ id, subject, account, createdAt, closedAt, answered, lastAt }: SummaryRow): CaseSummary {
  return { id, subject, account, createdAt, closedAt, answered: answered === 1, lastAt }
}

/** One case with its messages in order; null where this guardian has none of that id. */
export async function caseOf(db: D1Database, guardian: number, id: string): Promise<CaseView | null> {
  const [cases, messages] = await db.batch([
    db.prepare(`${SUMMARY} WHERE guardian = ?1 AND support_case.id = ?2`).bind(guardian, id),
    db
      .prepare(
        `SELECT case_message.id, iif(staff IS NULL, 'guardian', 'staff') AS "from", text, at
         FROM support_case JOIN case_message ON "case" = support_case.id
         WHERE guardian = ?1 AND support_case.id = ?2 ORDER BY case_message.rowid`,
      )
      .bind(guardian, id),
  ])
  const row = cases?.results[0] as SummaryRow | undefined
  if (!row) return null
  return {
    ...summaryOf(row),
    phone: row.phone,
    callWanted: row.callWanted === 1,
    messages: (messages?.results ?? []) as CaseView['messages'],
  }
}
