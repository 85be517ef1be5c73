import { moneyLetter } from '../letters/outbox.ts'
import { completeSetup } from './agreement-setup.ts'
import { allComeIntoForce, cancelOrphans, MAY_CHARGE, monthOf, standsSql } from './agreements.ts'
import type { StripeAccount } from './stripe/stripe.ts'

/** What is to be done about agreements though nobody asks. */

/** How many agreements one run asks Stripe about, one after the other. */
const RUN_MAX = 20

/** How long before the last day on which a card can be used its guardian is told, in days. */
const ANNOUNCED_DAYS = 31
const DAY_MS = 86_400_000

/** What one run did: agreements that came into force, that were ended or given up, and that Stripe was asked about. */
export type Kept = { inForce: number; ended: number; asked: number }

/** How far back a dispute is told of that has paused an agreement: less than letters are kept, which say who was told. */
const DISPUTES_TOLD_MS = 7 * DAY_MS

/* ?1 is the instant after which a dispute is told of; the newest one is the one that paused, and stands in its row. */
const DISPUTED = `
SELECT agreement.id, agreement.account, agreement.guardian, agreement.mail, max(dispute.created_at), dispute.id AS dispute
FROM agreement
JOIN payment ON payment.account = agreement.account AND payment.guardian = agreement.guardian
JOIN dispute ON dispute.payment = payment.id
WHERE ${standsSql()} AND agreement.paused_for = 'disputed' AND dispute.created_at > ?1
GROUP BY agreement.id
HAVING NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.guardian = agreement.guardian AND outbox.kind = 'top_up_paused'
                     AND outbox.cause = 'pause:' || agreement.id || ':' || dispute.id)
LIMIT 50`

/**
 * Brings waiting agreements into force whose account holds enough, ends those whose guardian or child has gone, gives up
 * drafts that were never confirmed, tells of pauses that a dispute has made, and asks Stripe about what is due: pages left
 * open, cards to be forgotten.
 */
export async function keepAgreements(db: D1Database, stripe: StripeAccount, nowMs: number): Promise<Kept> {
  const [orphans, inForce, drafts, disputed, due] = await db.batch([
    cancelOrphans(db, nowMs),
    allComeIntoForce(db, nowMs),
    db
      .prepare(
        `UPDATE agreement SET status = 'abandoned', ended_at = ?1, check_at = NULL
         WHERE check_at IS NOT NULL AND check_at <= ?1 AND status = 'draft'`,
      )
      .bind(nowMs),
    db.prepare(DISPUTED).bind(nowMs - DISPUTES_TOLD_MS),
    db
      .prepare(
        `SELECT id FROM agreement WHERE check_at IS NOT NULL AND check_at <= ?1 ORDER BY check_at LIMIT ${RUN_MAX}`,
      )
      .bind(nowMs),
  ])
  await tellDisputed(db, (disputed?.results ?? []) as Disputed[], nowMs)
  let asked = 0
  for (const { id } of (due?.results ?? []) as { id: string }[]) {
    asked += 1
    if ((await completeSetup(db, stripe, id, nowMs)) === 'unavailable') break // Stripe is away for the others as well.
  }
  const ended = (orphans?.meta.changes ?? 0) + (drafts?.meta.changes ?? 0)
  return { inForce: inForce?.meta.changes ?? 0, ended, asked }
}

type Disputed = { id: string; account: number; guardian: number; mail: string; dispute: string }

async function tellDisputed(db: D1Database, paused: Disputed[], nowMs: number): Promise<void> {
  if (paused.length === 0) return
  await db.batch(
    paused.map(({ id, account, guardian, mail, dispute }) =>
      moneyLetter(
        db,
        'top_up_paused',
        { reason: 'disputed' },
        { guardian, recipient: mail, account, cause: `pause:${id}:${dispute}` },
        nowMs,
        { sql: "EXISTS (SELECT 1 FROM agreement WHERE id = ?10 AND paused_for = 'disputed')", bind: [id] },
      ),
    ),
  )
}

/**
 * Tells, once for each card, the guardians whose stored card cannot be used any more in a month or so; resolves to how
 * many were told.
 */
export async function announceExpiring(db: D1Database, nowMs: number): Promise<number> {
  type Expiring = { id: string; account: number; guardian: number; mail: string; last4: string; expires: string }
  // A card that ends with a month is told of as soon as that month's last day is near, and not when it has passed.
  const near = monthOf(nowMs + ANNOUNCED_DAYS * DAY_MS)
  const found = await db
    .prepare(
      `SELECT agreement.id, agreement.account, agreement.guardian, mail, card_last4 AS last4, card_expires AS expires
       FROM agreement
       WHERE ${standsSql()} AND card_expires >= ?1 AND card_expires < ?2 AND ${MAY_CHARGE}
         AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.guardian = agreement.guardian AND outbox.kind = 'card_expiring'
                           AND outbox.cause = 'card:' || agreement.id || ':' || card_last4 || ':' || card_expires)
       LIMIT 50`,
    )
    .bind(monthOf(nowMs), near)
    .all<Expiring>()
  if (found.results.length === 0) return 0
  const told = await db.batch(
    found.results.map(({ id, account, guardian, mail, last4, expires }) =>
      moneyLetter(
        db,
        'card_expiring',
        { last4, expires },
        { guardian, recipient: mail, account, cause: `card:${id}:${last4}:${expires}` },
        nowMs,
        { sql: `EXISTS (SELECT 1 FROM agreement WHERE agreement.id = ?10 AND ${standsSql()})`, bind: [id] },
      ),
    ),
  )
  return told.reduce((sum, { meta }) => sum + meta.changes, 0)
}
