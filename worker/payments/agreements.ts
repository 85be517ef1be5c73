import { copenhagenDay } from '../../shared/copenhagen.ts'
import { balanceSql } from '../ledger/transfers.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import type { SettingsView } from '../municipality/settings.ts'
import { maySteer } from '../people/guardianships.ts'
import type { agreement } from '../schema/money.ts'

/**
 * Agreements that a stored card tops an account up when its balance falls below a threshold: what a guardian agrees to,
 * and how it ends. `agreement-setup.ts` gives one its card, `top-ups.ts` charges it, and `agreement-upkeep.ts` does what
 * is left to do when nobody asks.
 */

export type AgreementStatus = (typeof agreement.$inferSelect)['status']
export type PausedFor = NonNullable<(typeof agreement.$inferSelect)['pausedFor']>

/** The states of an agreement that stands: it has its card, and is the one of its account, in force or not. */
export const STANDING = ['waiting', 'active', 'paused'] as const satisfies AgreementStatus[]

export const stands = (status: AgreementStatus): boolean => STANDING.some((standing) => standing === status)

/** SQL: as `stands`, of a row of the table `agreement` by that name or another. The same words as in the index of them. */
export const standsSql = (name = 'agreement') =>
  `${name}.status IN (${STANDING.map((status) => `'${status}'`).join(', ')})`

const ENOUGH = `${balanceSql('agreement.account')} >= agreement.activation`

/** SQL: the guardian of an agreement may still charge its card for the account's child, who is still here. */
export const MAY_CHARGE = `${maySteer('agreement.account', 'agreement.guardian')} AND EXISTS (
  SELECT 1 FROM account JOIN child ON child.id = account.child
  WHERE account.id = agreement.account AND child.left_at IS NULL)`

/** The last month in which a card that can be used now may expire: 'YYYY-MM', as `card_expires`. */
export const monthOf = (nowMs: number) => copenhagenDay(nowMs).slice(0, 7)

/**
 * Between which amounts, in øre, a top-up may be: those of a deposit, and at least the threshold, so that one top-up
 * brings an account that is empty out of the range in which the next one would follow.
 */
export function topUpBounds(money: SettingsView['money']): { least: number; most: number } {
  return { least: Math.max(money.depositMin, money.topUpThreshold), most: money.depositMax }
}

/** `id` is a UUID that the form made; `mail` is where news of the agreement go; `terms` is the version accepted ('da-3'). */
export type AgreementDraft = {
  id: string
  account: number
  guardian: number
  amount: number
  mail: string
  terms: string
}

export type Drafting =
  | 'drafted'
  | 'not_found' // No account that this guardian may steer, or the id is somebody else's or another account's.
  | 'changed' // The id is known with other content.
  | 'child_left'
  | 'already' // The account has an agreement, this guardian's or another's.
  | 'amount_too_small'
  | 'amount_too_large'

/** How long a draft waits for the log-in that confirms it. */
const DRAFT_MS = 3_600_000

const BOUNDS = 'max(deposit_min, top_up_threshold) AS least, deposit_max AS most'

/**
 * Stores what a guardian is about to agree to, with the thresholds and the daily limit that the municipality has settled
 * at that moment; the same form again is drafted already. Nothing is charged, and no other agreement minds it, until it has its card.
 */
export async function draftAgreement(db: D1Database, draft: AgreementDraft, nowMs: number): Promise<Drafting> {
  const { id, account, guardian, amount, mail, terms } = draft
  const [, stored, found] = await db.batch([
    db
      .prepare(
        `INSERT INTO agreement (id, account, guardian, mail, amount, threshold, activation, per_day, terms, status,
           created_at, check_at)
         SELECT ?1, account.id, ?3, ?4, ?5, top_up_threshold, top_up_activation, top_ups_per_day, ?6, 'draft', ?7,
           ?7 + ${DRAFT_MS}
         FROM (SELECT *, ${BOUNDS} FROM municipality) CROSS JOIN account JOIN child ON child.id = account.child
         WHERE account.id = ?2 AND ?5 BETWEEN least AND most AND child.left_at IS NULL AND ${maySteer('account.id', '?3')}
           AND NOT EXISTS (SELECT 1 FROM agreement WHERE agreement.account = ?2 AND ${standsSql()})
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, account, guardian, mail, amount, terms, nowMs),
    db.prepare('SELECT account, guardian, amount, mail, terms FROM agreement WHERE id = ?').bind(id),
    db
      .prepare(
        `SELECT least, most, child.left_at IS NOT NULL AS childLeft
         FROM (SELECT ${BOUNDS} FROM municipality) CROSS JOIN account JOIN child ON child.id = account.child
         WHERE account.id = ?1 AND ${maySteer('account.id', '?2')}`,
      )
      .bind(account, guardian),
  ])
  const known = stored?.results[0] as Omit<AgreementDraft, 'id'> | undefined
  if (known) {
    if (known.account !== account || known.guardian !== guardian) return 'not_found'
    return known.amount === amount && known.mail === mail && known.terms === terms ? 'drafted' : 'changed'
  }
  const bounds = found?.results[0] as { least: number; most: number; childLeft: 0 | 1 } | undefined
  if (!bounds) return 'not_found'
  if (bounds.childLeft) return 'child_left'
  if (amount < bounds.least) return 'amount_too_small'
  return amount > bounds.most ? 'amount_too_large' : 'already'
}

/** The statement that brings a waiting agreement into force where its account now holds enough; for a deposit's batch. */
export function comeIntoForce(db: D1Database, account: number, nowMs: number): D1PreparedStatement {
  return db.prepare(`${COME_INTO_FORCE} AND agreement.account = ?2`).bind(nowMs, account)
}

/** As `comeIntoForce`, for every account: money also comes by the hand of staff, and by reversals. */
export function allComeIntoForce(db: D1Database, nowMs: number): D1PreparedStatement {
  return db.prepare(COME_INTO_FORCE).bind(nowMs)
}

/** SQL: sets the state of an agreement that has its card and is not paused any more; ?3 is now. */
export const GO_ON = `
status = iif(in_force_at IS NOT NULL OR ${ENOUGH}, 'active', 'waiting'),
in_force_at = coalesce(in_force_at, iif(${ENOUGH}, CAST(?3 AS INTEGER), NULL))`

const COME_INTO_FORCE = `
UPDATE agreement SET status = 'active', in_force_at = ?1
WHERE ${standsSql()} AND agreement.status = 'waiting' AND ${ENOUGH}`

/* Without `in_force_at` an agreement waits for its balance anew, one that is paused as soon as it goes on. */
const REST = `
UPDATE agreement SET status = iif(status = 'active', 'waiting', status), in_force_at = NULL, retry_at = NULL
WHERE ${standsSql()} AND ${balanceSql('agreement.account')} < agreement.threshold`

/**
 * The statement that lets an agreement wait again whose account a guardian has emptied by a payout, so that what was paid
 * out is not fetched back at once. For the batch of the payout's request, after its transfers.
 */
export function restAfterPayout(db: D1Database, payout: string, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `${REST} AND agreement.account = (SELECT payout.account FROM payout WHERE payout.id = ?1 AND requested_at = ?2)`,
    )
    .bind(payout, nowMs)
}

/**
 * As `restAfterPayout`, for a refund that was made at Stripe. For the batch that takes its money out of the account,
 * right after the statements that do; nothing happens where they did nothing.
 */
export function restAfterRefund(db: D1Database, account: number, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `${REST} AND agreement.account = ?1
         AND (SELECT transfer.kind = 'refund' AND transfer.at = ?2 FROM posting JOIN transfer ON transfer.id = posting.transfer
              WHERE posting.account = ?1 ORDER BY posting.seq DESC LIMIT 1)`,
    )
    .bind(account, nowMs)
}

/**
 * The statement that pauses the agreement of a guardian who contests a payment of theirs to its account, until they give
 * a card anew. For the batch that stores the dispute with `created_at` now, after that; a letter follows from the cron.
 */
export function pauseAfterDispute(db: D1Database, dispute: string, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE agreement SET status = 'paused', paused_for = 'disputed', in_force_at = NULL, retry_at = NULL
       WHERE ${standsSql()} AND (account, guardian) = (
         SELECT payment.account, payment.guardian FROM dispute JOIN payment ON payment.id = dispute.payment
         WHERE dispute.id = ?1 AND dispute.created_at = ?2)`,
    )
    .bind(dispute, nowMs)
}

/* The card is left on the row until Stripe has forgotten it, and a page that is open until it has been closed. */
const CANCEL = `
UPDATE agreement SET status = 'cancelled', ended_at = ?1, paused_for = NULL, retry_at = NULL, address = NULL, check_at = ?1,
  checks = 0`

const LASTS = "agreement.status NOT IN ('cancelled', 'abandoned')"

/**
 * Ends a guardian's own agreement, or one that has not come into force, at once; again is no change. A charge that is
 * under way is not called back. Stripe forgets the card within minutes (`agreement-upkeep.ts`).
 */
export async function cancelAgreement(
  db: D1Database,
  { id, guardian }: { id: string; guardian: number },
  nowMs: number,
): Promise<'cancelled' | 'not_found'> {
  const [, , row] = await db.batch([
    db.prepare(`${CANCEL} WHERE id = ?2 AND guardian = ?3 AND ${LASTS}`).bind(nowMs, id, guardian),
    recordedIfChanged(db, { guardian, action: 'agreement_cancelled', subject: `agreement:${id}` }, nowMs),
    db.prepare('SELECT 1 FROM agreement WHERE id = ?1 AND guardian = ?2').bind(id, guardian),
  ])
  return row?.results.length ? 'cancelled' : 'not_found'
}

/** Ends a guardian's own agreement that has no card yet, and no other: they turned back on Stripe's page. */
export async function dropSetup(
  db: D1Database,
  { id, guardian }: { id: string; guardian: number },
  nowMs: number,
): Promise<void> {
  await db.batch([
    db
      .prepare(`${CANCEL} WHERE id = ?2 AND guardian = ?3 AND ${LASTS} AND NOT ${standsSql()}`)
      .bind(nowMs, id, guardian),
    recordedIfChanged(db, { guardian, action: 'agreement_cancelled', subject: `agreement:${id}` }, nowMs),
  ])
}

/** The statement that ends whatever agreement a child's account has, also one that is being set up: the child leaves. */
export function cancelAgreementsOf(db: D1Database, child: number, nowMs: number): D1PreparedStatement {
  return db
    .prepare(`${CANCEL} WHERE account IN (SELECT id FROM account WHERE child = ?2) AND ${LASTS}`)
    .bind(nowMs, child)
}

/** As `cancelAgreementsOf`, for every child that leaves at this instant. */
export function cancelAgreementsOfLeavers(db: D1Database, nowMs: number): D1PreparedStatement {
  const leavers = 'SELECT account.id FROM child JOIN account ON account.child = child.id WHERE child.left_at = ?1'
  return db.prepare(`${CANCEL} WHERE account IN (${leavers}) AND ${LASTS}`).bind(nowMs)
}

/** The statement that ends the agreements whose guardian may steer the account no longer, or whose child has left. */
export function cancelOrphans(db: D1Database, nowMs: number): D1PreparedStatement {
  return db.prepare(`${CANCEL} WHERE ${standsSql()} AND NOT (${MAY_CHARGE})`).bind(nowMs)
}

/**
 * Sets an agreement going again that was paused because the bank declined, or has it wait where its account was emptied
 * meanwhile; one that goes already is no change. The caller tops the account up afterwards, which may be low. `card_needed`: only another card mends it.
 */
export async function resumeAgreement(
  db: D1Database,
  { id, guardian }: { id: string; guardian: number },
  nowMs: number,
): Promise<'resumed' | 'card_needed' | 'ended' | 'not_found'> {
  const own = `id = ?1 AND guardian = ?2 AND ${MAY_CHARGE}`
  const [, , row] = await db.batch<{ status: AgreementStatus }>([
    db
      .prepare(
        `UPDATE agreement SET ${GO_ON}, paused_for = NULL, failures = 0, retry_at = NULL
         WHERE ${own} AND paused_for = 'declined'`,
      )
      .bind(id, guardian, nowMs),
    recordedIfChanged(db, { guardian, action: 'agreement_resumed', subject: `agreement:${id}` }, nowMs),
    db.prepare(`SELECT agreement.status FROM agreement WHERE ${own}`).bind(id, guardian),
  ])
  const status = row?.results[0]?.status
  if (status === undefined) return 'not_found'
  if (status === 'paused') return 'card_needed'
  return stands(status) ? 'resumed' : 'ended'
}

/** An agreement as its guardian sees it; amounts in øre. */
export type AgreementView = {
  id: string
  account: number
  mail: string
  amount: number
  threshold: number
  activation: number
  perDay: number
  status: AgreementStatus
  pausedFor: PausedFor | null
  /** The card that is charged; `expires` is 'YYYY-MM'. Null before it has been given. */
  card: { brand: string; last4: string; expires: string } | null
  /** When a charge that failed is tried again; null where none is to be. */
  nextTry: number | null
  /** Whether a charge is under way. */
  charging: boolean
  /** Whether something is awaited of a page at Stripe, where the card is given or changed. */
  pageOpen: boolean
  /** That page, to go on there; null where none is open. */
  address: string | null
  /** The newest charge that was paid. */
  latest: { amount: number; at: number } | null
  createdAt: number
  inForceAt: number | null
  endedAt: number | null
}

const VIEW = `
SELECT agreement.id, agreement.account, mail, amount, threshold, activation, per_day AS perDay, status,
  paused_for AS pausedFor, card_brand AS brand, card_last4 AS last4, card_expires AS expires, iif(status = 'active', retry_at, NULL) AS nextTry,
  EXISTS (SELECT 1 FROM payment WHERE payment.account = agreement.account AND payment.purpose = 'top_up'
            AND payment.status IN ('created', 'open')) AS charging,
  checkout IS NOT NULL AND status NOT IN ('cancelled', 'abandoned') AS pageOpen,
  iif(status NOT IN ('cancelled', 'abandoned'), address, NULL) AS address,
  (SELECT json_object('amount', payment.amount, 'at', payment.settled_at) FROM payment
   WHERE payment.agreement = agreement.id AND payment.status = 'paid' ORDER BY payment.settled_at DESC LIMIT 1) AS latest,
  agreement.created_at AS createdAt, in_force_at AS inForceAt, ended_at AS endedAt,
  guardian = ?2 AS own
FROM agreement`

type ViewRow = Omit<AgreementView, 'card' | 'charging' | 'pageOpen' | 'latest'> & {
  latest: string | null
  brand: string | null
  last4: string | null
  expires: string | null
  charging: 0 | 1
  pageOpen: 0 | 1
  own: 0 | 1
}

/**
 * The statement that reads the agreement that stands for an account, or else the newest that this guardian is setting up;
 * `agreementsIn` makes of it what a guardian may see.
 */
export function agreementsOf(db: D1Database, account: number, guardian: number): D1PreparedStatement {
  return db
    .prepare(
      `${VIEW} WHERE agreement.account = ?1 AND (${standsSql()} OR (status = 'setting_up' AND guardian = ?2))
       ORDER BY ${standsSql()} DESC, agreement.created_at DESC LIMIT 1`,
    )
    .bind(account, guardian)
}

/** The guardian's own agreement, or that another guardian has one, of which nothing more is told. */
export function agreementsIn(result: D1Result | undefined): { own: AgreementView | null; others: boolean } {
  const row = result?.results[0] as ViewRow | undefined
  return { own: row?.own ? viewOf(row) : null, others: row !== undefined && !row.own }
}

/** The statement that reads one agreement of a guardian's own on an account, whatever its state; `agreementIn` reads it. */
export function agreementOf(
  db: D1Database,
  { id, account, guardian }: { id: string; account: number; guardian: number },
): D1PreparedStatement {
  return db
    .prepare(`${VIEW} WHERE agreement.id = ?1 AND guardian = ?2 AND agreement.account = ?3`)
    .bind(id, guardian, account)
}

/** Null where there is no such agreement, or it is another guardian's or account's. */
export function agreementIn(result: D1Result | undefined): AgreementView | null {
  const row = result?.results[0] as ViewRow | undefined
  return row ? viewOf(row) : null
}

function viewOf({ brand, last4, expires, charging, pageOpen, latest, own: _, ...row }: ViewRow): AgreementView {
  return {
    ...row,
    card: brand !== null && last4 !== null && expires !== null ? { brand, last4, expires } : null,
    charging: charging === 1,
    pageOpen: pageOpen === 1,
    latest: latest === null ? null : JSON.parse(latest),
  }
}
