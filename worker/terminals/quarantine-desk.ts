import type { z } from 'zod'
import type { SettleAnswer } from '../../shared/office/review.ts'
import { type AsideMessage, bookAside } from '../ledger/debits.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { SUBJECT, UNREVIEWED } from './quarantine.ts'

/** What staff make of the messages that are put aside: all of a terminal's are booked, or all are discarded. */

/** How many messages one call books; each takes several statements, and a call has an end to those. */
const BOOKED_AT_ONCE = 50

/**
 * Books what is put aside of a terminal, in order, and as much of it as one call can: `more` asks for another. What tells
 * otherwise of its sale than is booked cannot be, and is `left`.
 */
export async function bookAll(
  db: D1Database,
  terminal: string,
  note: string,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof SettleAnswer> | 'review_unknown'> {
  const [id, decision, branch] = [`quarantine:${terminal}`, 'book', `${terminal}q`] as const
  // What tells otherwise of its sale cannot be booked, and is passed over so that the rest is reached.
  const bookable = `NOT EXISTS (SELECT 1 FROM message WHERE message.sale = quarantine.sale AND (
    message.kind = quarantine.kind OR message.terminal NOT IN (?1, ?1 || 'q') OR message.card <> quarantine.card
    OR message.amount <> quarantine.amount OR message.lines <> quarantine.lines))`
  const read = `FROM quarantine WHERE quarantine.terminal = ?1 AND ${UNREVIEWED}`
  const [all, some] = await db.batch<Record<string, unknown>>([
    db.prepare('SELECT 1 FROM quarantine WHERE terminal = ?1 LIMIT 1').bind(terminal),
    db
      .prepare(
        `SELECT ${SUBJECT} AS subject, seq, hash, jws, kind, sale, card, amount, lines, at ${read} AND ${bookable}
         ORDER BY seq, received_at LIMIT ${BOOKED_AT_ONCE}`,
      )
      .bind(terminal),
  ])
  if (!all?.results.length) return 'review_unknown'
  const messages = (some?.results ?? []) as (AsideMessage & { seq: number })[]
  const steps = messages.map((message) => [
    ...bookAside(db, { branch, terminal }, message, nowMs),
    db
      .prepare(
        `INSERT INTO review (subject, decision, terminal, seq, staff, note, at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
         WHERE EXISTS (SELECT 1 FROM message WHERE message.sale = ?8 AND message.kind = ?9 AND message.hash = ?10)
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        ...[message.subject, decision, terminal, message.seq, staff, note, nowMs],
        ...[message.sale, message.kind, message.hash],
      ),
  ])
  const answers = await db.batch<Record<string, unknown>>([
    // Names are told without spaces around them, so this one is nobody's.
    db
      .prepare(
        `INSERT INTO terminal (id, site, name, created_at, branch_of)
         SELECT ?2, site, ' ' || ?2, ?3, id FROM terminal WHERE id = ?1 ON CONFLICT DO NOTHING`,
      )
      .bind(terminal, branch, nowMs),
    ...steps.flat(),
    recordedIfAny(db, { id, staff, subjects: messages.map(({ subject }) => subject) }, nowMs),
    db.prepare(`SELECT count(*) AS left, coalesce(sum(${bookable}), 0) AS bookable ${read}`).bind(terminal),
  ])
  const decisions = steps.map((_, index) => answers[steps.slice(0, index + 1).flat().length])
  const done = decisions.filter((decided) => decided?.meta.changes).length
  const rest = answers.at(-1)?.results[0]
  return { id, decision, done, left: Number(rest?.left), more: Number(rest?.bookable) > 0 && done > 0 }
}

/** The statement that records that messages were booked just now, where any were. */
function recordedIfAny(
  db: D1Database,
  { id, staff, subjects }: { id: string; staff: number; subjects: readonly string[] },
  nowMs: number,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO audit (at, action, subject, detail, staff)
       SELECT ?1, 'review_settled', 'review:' || ?2, '{"decision":"book"}', ?3 WHERE EXISTS (
         SELECT 1 FROM review
         WHERE at = ?1 AND staff = ?3 AND decision = 'book' AND subject IN (SELECT value FROM json_each(?4)))`,
    )
    .bind(nowMs, id, staff, JSON.stringify(subjects))
}

/** Decides of all that is put aside of a terminal that it is never booked. */
export async function discardAll(
  db: D1Database,
  terminal: string,
  note: string,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof SettleAnswer> | 'review_unknown'> {
  const [id, decision] = [`quarantine:${terminal}`, 'discard'] as const
  const [all, discarded] = await db.batch<Record<string, unknown>>([
    db.prepare('SELECT 1 FROM quarantine WHERE terminal = ?1 LIMIT 1').bind(terminal),
    db
      .prepare(
        `INSERT INTO review (subject, decision, terminal, seq, staff, note, at)
         SELECT ${SUBJECT}, ?2, ?1, seq, ?3, ?4, ?5 FROM quarantine WHERE quarantine.terminal = ?1 AND ${UNREVIEWED}
         ON CONFLICT DO NOTHING`,
      )
      .bind(terminal, decision, staff, note, nowMs),
    recordedIfChanged(db, { staff, action: 'review_settled', subject: `review:${id}`, detail: { decision } }, nowMs),
  ])
  if (!all?.results.length) return 'review_unknown'
  return { id, decision, done: discarded?.meta.changes ?? 0, left: 0, more: false }
}
