import { handOutsExpired } from './cards/hand-outs.ts'
import { approvalsExpired } from './cards/same-day.ts'
import { ATTEMPTS_MAX } from './letters/outbox.ts'
import { DRAFT_MAX_MS, IDLE_MAX_MS, SESSION_MAX_MS } from './login/sessions.ts'
import { staleRosters } from './people/roster.ts'

const DAY_MS = 86_400_000
const LETTER_KEPT_MS = 90 * DAY_MS
/** News that could not be sent for so long is no news any more, and its balance no longer true. */
const LETTER_WAITS_MS = 14 * DAY_MS
/** How long it is known when somebody was logged in; the privacy page says so. */
const SESSION_KEPT_MS = 30 * DAY_MS
const LOGIN_ATTEMPT_KEPT_MS = DAY_MS
/** A draft can be confirmed for half an hour; it holds a bank account, so it does not stay. */
const PAYOUT_DRAFT_KEPT_MS = DAY_MS
/** What a guardian began and nothing came of; Stripe's pages have long run out. */
const NEVER_CAME_KEPT_MS = 30 * DAY_MS

/** How many rows of each kind went. */
export type Swept = {
  lettersGivenUp: number
  letters: number
  sessions: number
  loginAttempts: number
  logIns: number
  payoutDrafts: number
}

/**
 * Gives up letters that will not be sent, and deletes what has ended: letters, sessions with their traces, log-ins never
 * finished, payouts never confirmed, agreements that never got a card, the address on an order that was never paid, and
 * rosters that were given up. Ends the replacements of cards that nobody approved in time, and hand-outs to which no card
 * came.
 * Of a session that is over, the ID token goes at once, and what its guardian had typed after a day.
 */
export async function sweep(db: D1Database, nowMs: number): Promise<Swept> {
  const swept = await db.batch([
    db
      .prepare(
        `UPDATE outbox SET given_up_at = ?1, error = coalesce(error, 'not sent')
         WHERE sent_at IS NULL AND given_up_at IS NULL AND due_at <= ?1 AND (attempts >= ?2 OR created_at < ?3)`,
      )
      .bind(nowMs, ATTEMPTS_MAX, nowMs - LETTER_WAITS_MS),
    db.prepare('DELETE FROM outbox WHERE coalesce(sent_at, given_up_at) < ?').bind(nowMs - LETTER_KEPT_MS),
    db.prepare('DELETE FROM session WHERE coalesce(ended_at, seen_at) < ?').bind(nowMs - SESSION_KEPT_MS),
    db.prepare('DELETE FROM login_attempt WHERE created_at < ?').bind(nowMs - LOGIN_ATTEMPT_KEPT_MS),
    db
      .prepare("DELETE FROM audit WHERE action IN ('logged_in', 'logged_out') AND at < ?")
      .bind(nowMs - SESSION_KEPT_MS),
    db
      .prepare("DELETE FROM refund WHERE payout IN (SELECT id FROM payout WHERE status = 'draft' AND created_at < ?)")
      .bind(nowMs - PAYOUT_DRAFT_KEPT_MS),
    db.prepare("DELETE FROM payout WHERE status = 'draft' AND created_at < ?").bind(nowMs - PAYOUT_DRAFT_KEPT_MS),
    db
      .prepare(
        `DELETE FROM agreement WHERE status = 'abandoned' AND created_at < ?1 AND check_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM payment WHERE payment.agreement = agreement.id)`,
      )
      .bind(nowMs - NEVER_CAME_KEPT_MS),
    db
      .prepare(
        `UPDATE card_order SET recipient = '', street = '', postal_code = '', city = '', mail = NULL
         WHERE status = 'unpaid' AND created_at < ? AND street <> ''`,
      )
      .bind(nowMs - NEVER_CAME_KEPT_MS),
    db
      .prepare("UPDATE session SET id_token = '' WHERE id_token <> '' AND (seen_at <= ?1 OR created_at <= ?2)")
      .bind(nowMs - IDLE_MAX_MS, nowMs - SESSION_MAX_MS),
    db.prepare('UPDATE session SET draft = NULL WHERE draft IS NOT NULL AND seen_at <= ?').bind(nowMs - DRAFT_MAX_MS),
    ...staleRosters(db, nowMs),
    ...approvalsExpired(db, nowMs),
    handOutsExpired(db, nowMs),
  ])
  const changes = swept.map(({ meta }) => meta.changes)
  const [lettersGivenUp = 0, letters = 0, sessions = 0, loginAttempts = 0, logIns = 0, , payoutDrafts = 0] = changes
  return { lettersGivenUp, letters, sessions, loginAttempts, logIns, payoutDrafts }
}
