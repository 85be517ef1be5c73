import { completeSetup } from './agreement-setup.ts'
import { allComeIntoForce, cancelOrphans, IN_FORCE, MAY_CHARGE, monthOf } from './agreements.ts'
import { moneyLetter } from './outbox.ts'
import type { StripeAccount } from './stripe.ts'

/** What is to be done about agreements though nobody asks. */

/** How many agreements one run asks Stripe about, one after the other. */
const RUN_MAX = 20

/** How long before the last day on which a card can be used its guardian is told, in days. */
const ANNOUNCED_DAYS = 31
const DAY_MS = 86_400_000

/** What one run did: agreements that came into force, that were ended or given up, and that Stripe was asked about. */
export type Kept = { inForce: number; ended: number; asked: number }

/**
 * Brings waiting agreements into force whose account holds enough, ends those whose guardian or child has gone, gives up
 * drafts that were never confirmed, and asks Stripe about what is due: pages left open, cards to be forgotten.
 */
export async function keepAgreements(db: D1Database, stripe: StripeAccount, nowMs: number): Promise<Kept> {
  const [orphans, inForce, drafts, due] = await db.batch<{ id: string }>([
    cancelOrphans(db, nowMs),
    allComeIntoForce(db, nowMs),
    db
      .prepare(
        `UPDATE agreement SET status = 'abandoned', ended_at = ?1, check_at = NULL
         WHERE check_at IS NOT NULL AND check_at <= ?1 AND status = 'draft'`,
      )
      .bind(nowMs),
    db
      .prepare(
        `SELECT id FROM agreement WHERE check_at IS NOT NULL AND check_at <= ?1 ORDER BY check_at LIMIT ${RUN_MAX}`,
      )
      .bind(nowMs),
  ])
  for (const { id } of due?.results ?? []) await completeSetup(db, stripe, id, nowMs)
  const ended = (orphans?.meta.changes ?? 0) + (drafts?.meta.changes ?? 0)
  return { inForce: inForce?.meta.changes ?? 0, ended, asked: due?.results.length ?? 0 }
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
       WHERE ${IN_FORCE} AND card_expires >= ?1 AND card_expires < ?2 AND ${MAY_CHARGE}
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
        { sql: `EXISTS (SELECT 1 FROM agreement WHERE agreement.id = ?10 AND ${IN_FORCE})`, bind: [id] },
      ),
    ),
  )
  return told.reduce((sum, { meta }) => sum + meta.changes, 0)
}
