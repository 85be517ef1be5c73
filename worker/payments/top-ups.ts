import { copenhagenDay, copenhagenMidnight } from '../../shared/copenhagen.ts'
import { balanceSql } from '../ledger/transfers.ts'
import { moneyLetter } from '../letters/outbox.ts'
import { log } from '../log.ts'
import { type AgreementStatus, MAY_CHARGE, monthOf, type PausedFor, standsSql } from './agreements.ts'
import { ended } from './payment-booking.ts'
import { settleIntent } from './settlements.ts'
import {
  type Charge,
  chargeOf,
  chargeStored,
  type Intent,
  intentOf,
  type Refused,
  type StripeAccount,
} from './stripe/stripe.ts'
import { isHard } from './stripe/stripe-objects.ts'

/**
 * Automatic top-up. A charge is claimed by storing its payment, in one statement that holds every condition, and there is
 * at most one under way for an account. The payment's id is the idempotency key: a call that was not answered is made
 * again with it, as long as the charge is still wanted, and then Stripe is asked whether it was made.
 */

/**
 * How many charges, new ones first, one run takes on: after a delivery, whose invocation has done much already, and in
 * the cron, which comes again in a minute. Each takes about nine of the thousand statements that D1 runs an invocation.
 */
const CALL_MAX = 20
const CRON_MAX = 50
/** How many of them are with Stripe at once: a worker has six connections. */
const AT_ONCE = 5

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** How long after each failure the charge is tried again; after the last one the agreement is paused. */
const RETRIES_MS = [HOUR_MS, 24 * HOUR_MS]
/** How often a day an account is charged at most, however often the bank declines and the guardian begins again. */
const ATTEMPTS_A_DAY_MAX = 10
/** How long an unanswered call is made again. Stripe keeps its idempotency keys for a day. */
const SENT_AGAIN_MS = HOUR_MS
/** How long after the last call Stripe may still be at work on it. A call ends within half a minute. */
const UNDER_WAY_MS = 10 * MINUTE_MS

/* What Stripe's own pages call the charge. The same key must come with the same words, whatever language is set meanwhile. */
const ITEM = 'Automatisk optankning'

/** What one call did: charges that brought money, that did not, and those whose end is not known yet. */
export type ToppedUp = { charged: number; failed: number; unanswered: number }

/* ?1 is now; ?2 the accounts as a JSON array, or null for all. */
const DUE = `${standsSql()} AND agreement.status = 'active'
  AND (?2 IS NULL OR agreement.account IN (SELECT value FROM json_each(?2)))
  AND (retry_at IS NULL OR retry_at <= ?1)
  AND ${balanceSql('agreement.account')} < threshold AND ${MAY_CHARGE}
  AND NOT EXISTS (SELECT 1 FROM payment AS under_way WHERE under_way.account = agreement.account
                    AND under_way.purpose = 'top_up' AND under_way.status IN ('created', 'open'))`

/* ?3 is the month, ?4 the instant at which the day began, ?5 how many are taken on. A charge that failed has cost nothing. */
const CLAIM = `
INSERT INTO payment (id, purpose, account, guardian, agreement, amount, mail, terms, status, created_at, check_at)
SELECT agreement.id || ':' || (SELECT count(*) + 1 FROM payment AS earlier
                               WHERE earlier.account = agreement.account AND earlier.agreement = agreement.id),
  'top_up', account, guardian, agreement.id, amount, mail, terms, 'created', ?1, ?1 + ${MINUTE_MS}
FROM agreement
WHERE ${DUE} AND card_expires >= ?3
  AND (SELECT count(*) < ${ATTEMPTS_A_DAY_MAX} AND count(*) FILTER (WHERE today.status <> 'failed') < agreement.per_day
       FROM payment AS today
       WHERE today.account = agreement.account AND today.purpose = 'top_up' AND today.created_at >= ?4)
LIMIT ?5
ON CONFLICT DO NOTHING
RETURNING id`

const EXPIRED = `
SELECT agreement.id, agreement.account, agreement.guardian, agreement.mail FROM agreement
WHERE ${DUE} AND card_expires < ?3 LIMIT ?4`

/**
 * Charges the stored cards of the accounts whose agreement wants it now: it is in force, the account below its threshold,
 * its guardian may steer it, none is under way, and neither the day's limit nor the time to a retry stands against it.
 * 'all' looks at every account, and follows up the charges whose end is not known.
 */
export async function topUp(
  db: D1Database,
  stripe: StripeAccount,
  accounts: readonly number[] | 'all',
  nowMs: number,
): Promise<ToppedUp> {
  const these = accounts === 'all' ? null : JSON.stringify(accounts)
  const max = these === null ? CRON_MAX : CALL_MAX
  const today = copenhagenMidnight(copenhagenDay(nowMs))
  const [open, claimed, expired] = await db.batch<{ id: string }>([
    db
      .prepare(
        `SELECT id FROM payment WHERE check_at IS NOT NULL AND check_at <= ?1 AND purpose = 'top_up' AND ?2 IS NULL
           AND status IN ('created', 'open') ORDER BY check_at LIMIT ?3`,
      )
      .bind(nowMs, these, max),
    db.prepare(CLAIM).bind(nowMs, these, monthOf(nowMs), today, max),
    db.prepare(EXPIRED).bind(nowMs, these, monthOf(nowMs), max),
  ])
  await pauseExpired(db, (expired?.results ?? []) as Paused[], nowMs)
  const work = [
    ...(claimed?.results ?? []).map(
      ({ id }) =>
        () =>
          send(db, stripe, id, nowMs),
    ),
    ...(open?.results ?? []).map(
      ({ id }) =>
        () =>
          follow(db, stripe, id, nowMs),
    ),
  ].slice(0, max)
  const done: ToppedUp = { charged: 0, failed: 0, unanswered: 0 }
  for (let next = 0; next < work.length; next += AT_ONCE) {
    const ends = await Promise.all(work.slice(next, next + AT_ONCE).map((each) => each()))
    for (const end of ends) if (end !== null) done[end] += 1
  }
  return done
}

type End = keyof ToppedUp

/**
 * Applies what Stripe has of a top-up's charge, without making it: for a webhook, which may come before the answer to our
 * own call, or instead of it. Nothing happens where there is no such payment, or it has ended.
 */
export async function settleTopUp(
  db: D1Database,
  stripe: StripeAccount,
  payment: string,
  nowMs: number,
): Promise<void> {
  const row = await read(db, payment)
  if (!row) return
  const intent = await asked(stripe, row)
  if (intent && !('kind' in intent)) await apply(db, stripe, row, intent, nowMs)
}

/** A top-up that has not ended. `wanted` says whether its agreement would still have it charged. */
type Row = {
  id: string
  agreement: string
  account: number
  guardian: number
  mail: string
  amount: number
  intent: string | null
  checks: number
  createdAt: number
  customer: string
  paymentMethod: string | null
  status: AgreementStatus
  wanted: 0 | 1
}

async function read(db: D1Database, payment: string): Promise<Row | null> {
  return await db
    .prepare(
      `SELECT payment.id, payment.agreement, payment.account, payment.guardian, payment.mail, payment.amount, intent,
         payment.checks, payment.created_at AS createdAt, customer, payment_method AS paymentMethod, agreement.status,
         agreement.status = 'active' AND payment_method IS NOT NULL AND ${balanceSql('payment.account')} < threshold
           AND ${MAY_CHARGE} AS wanted
       FROM payment JOIN agreement ON agreement.id = payment.agreement
       WHERE payment.id = ? AND payment.purpose = 'top_up' AND payment.status IN ('created', 'open')`,
    )
    .bind(payment)
    .first()
}

/** Makes the call of a charge, and applies its answer. */
async function send(db: D1Database, stripe: StripeAccount, payment: string, nowMs: number): Promise<End> {
  const row = await read(db, payment)
  if (!row?.wanted || row.paymentMethod === null) return 'unanswered' // Ended meanwhile: the cron asks what there is.
  const { id, agreement, amount, customer, paymentMethod } = row
  const answer = await chargeStored(stripe, { payment: id, agreement, amount, customer, paymentMethod, item: ITEM })
  return answered(db, stripe, row, answer, nowMs)
}

async function answered(
  db: D1Database,
  stripe: StripeAccount,
  row: Row,
  answer: Awaited<ReturnType<typeof chargeStored>>,
  nowMs: number,
): Promise<End> {
  switch (answer.kind) {
    case 'charged':
    case 'pending':
      return apply(db, stripe, row, answer.intent, nowMs)
    case 'declined':
    case 'authentication_required':
      return fail(db, row, failureOf(answer), nowMs)
    case 'refused':
      return refused(db, stripe, row, answer, nowMs)
    case 'unavailable':
      return wait(db, row, null, nowMs)
  }
}

/** Stripe will not have the call: our own fault, or the card is not there any more. An earlier call may have been taken. */
async function refused(
  db: D1Database,
  stripe: StripeAccount,
  row: Row,
  { code }: Refused,
  nowMs: number,
): Promise<End> {
  log('error', 'top_up_refused', { payment: row.id, code })
  if (row.checks > 0 || code === 'idempotency_error') {
    const intent = await asked(stripe, row)
    if (intent !== null) return 'kind' in intent ? wait(db, row, null, nowMs) : apply(db, stripe, row, intent, nowMs)
  }
  return fail(db, row, { error: code, intent: null, pausesFor: 'card_unusable' }, nowMs)
}

/** Follows up a charge that was never answered, or is still being made. */
async function follow(db: D1Database, stripe: StripeAccount, payment: string, nowMs: number): Promise<End | null> {
  const row = await read(db, payment)
  if (!row) return null // It has been settled since it was found.
  const ageMs = nowMs - row.createdAt
  const sendAgain = row.wanted === 1 && row.intent === null && ageMs < SENT_AGAIN_MS
  // A key replays what Stripe answered first, a failure of its own too: so from the second time on it is asked first.
  if (sendAgain && row.checks === 0) return send(db, stripe, payment, nowMs)
  const intent = await asked(stripe, row)
  if (intent !== null && 'kind' in intent) return wait(db, row, null, nowMs)
  if (intent !== null) return apply(db, stripe, row, intent, nowMs)
  if (sendAgain) return send(db, stripe, payment, nowMs)
  const mayStillCome = ageMs < (row.wanted ? SENT_AGAIN_MS : 0) + UNDER_WAY_MS
  return mayStillCome ? wait(db, row, null, nowMs) : fail(db, row, UNANSWERED, nowMs)
}

async function asked(stripe: StripeAccount, { id, intent, customer }: Row) {
  return intent === null ? chargeOf(stripe, { customer, payment: id }) : intentOf(stripe, intent)
}

/** Writes what Stripe has of a charge. */
async function apply(db: D1Database, stripe: StripeAccount, row: Row, intent: Intent, nowMs: number): Promise<End> {
  switch (intent.status) {
    case 'succeeded':
      await settleIntent(db, stripe, intent, nowMs)
      return 'charged'
    case 'processing':
      return wait(db, row, intent.id, nowMs)
    case 'canceled':
      return fail(db, row, { ...UNANSWERED, error: intent.error ?? 'canceled', intent: intent.id }, nowMs)
    case 'open': {
      const { error, id } = intent
      if (error !== null) return fail(db, row, failureOf({ ...declineOf(error), intent: id }), nowMs)
      if (nowMs - row.createdAt < SENT_AGAIN_MS + UNDER_WAY_MS) return wait(db, row, null, nowMs)
      return fail(db, row, { ...UNANSWERED, intent: id }, nowMs)
    }
  }
}

const declineOf = (error: string) =>
  error === 'authentication_required'
    ? ({ kind: 'authentication_required' } as const)
    : ({ kind: 'declined', code: error, hard: isHard(error, undefined) } as const)

/** A charge is not known to have failed by the card's fault, and costs the agreement none of its tries. */
const UNANSWERED: Failure = { error: 'unanswered', intent: null, pausesFor: null }

/** Why a charge failed; `pausesFor` is why no other one is to follow, 'declined' only after the last of several. */
type Failure = { error: string; intent: string | null; pausesFor: PausedFor | null }

function failureOf(charge: Exclude<Charge, { kind: 'charged' | 'pending' }>): Failure {
  switch (charge.kind) {
    case 'authentication_required':
      return { error: charge.kind, intent: charge.intent, pausesFor: 'authentication_required' }
    case 'declined':
      return { error: charge.code, intent: charge.intent, pausesFor: charge.hard ? 'card_unusable' : 'declined' }
  }
}

/** The end is not known: Stripe is asked in 1, 2, 4, … at most 30 minutes. */
async function wait(db: D1Database, { id, checks }: Row, intent: string | null, nowMs: number): Promise<End> {
  const pauseMs = Math.min(MINUTE_MS * 2 ** Math.min(checks, 5), 30 * MINUTE_MS)
  await db
    .prepare(
      `UPDATE payment SET status = iif(?2 IS NULL, status, 'open'), intent = coalesce(intent, ?2), check_at = ?3,
         checks = checks + 1
       WHERE id = ?1 AND status IN ('created', 'open')`,
    )
    .bind(id, intent, nowMs + pauseMs)
    .run()
  return 'unanswered'
}

/** Ends a charge without money, and in the same transaction what follows for its agreement: a retry, or a pause and a letter. */
async function fail(db: D1Database, row: Row, { error, intent, pausesFor }: Failure, nowMs: number): Promise<End> {
  const retry = RETRIES_MS.map((pause, failures) => `WHEN ${failures} THEN ?2 + ${pause}`).join(' ')
  const pauses = `(?3 <> 'declined' OR failures >= ${RETRIES_MS.length})`
  await db.batch([
    ended(db, row, { status: 'failed', error, intent }, nowMs),
    ...(pausesFor === null
      ? []
      : [
          db
            .prepare(
              `UPDATE agreement SET failures = failures + 1, status = iif(${pauses}, 'paused', status),
                 paused_for = iif(${pauses}, ?3, NULL), retry_at = iif(${pauses}, NULL, CASE failures ${retry} END)
               WHERE id = ?1 AND status = 'active' AND changes() > 0`,
            )
            .bind(row.agreement, nowMs, pausesFor),
          pausedLetter(db, { ...row, id: row.agreement }, pausesFor, row.id, nowMs),
        ]),
  ])
  return 'failed'
}

type Paused = { id: string; account: number; guardian: number; mail: string }

/** The statement that tells of a pause, once, right after the statement that makes it. */
function pausedLetter(db: D1Database, paused: Paused, reason: PausedFor, cause: string, nowMs: number) {
  const { id, account, guardian, mail } = paused
  return moneyLetter(
    db,
    'top_up_paused',
    { reason },
    { guardian, recipient: mail, account, cause: `pause:${cause}` },
    nowMs,
    {
      sql: `changes() > 0 AND EXISTS (SELECT 1 FROM agreement WHERE agreement.id = ?10 AND agreement.status = 'paused')`,
      bind: [id],
    },
  )
}

/** Pauses agreements that are due, and whose card is past its month. */
async function pauseExpired(db: D1Database, expired: Paused[], nowMs: number): Promise<void> {
  if (expired.length === 0) return
  const month = monthOf(nowMs)
  await db.batch(
    expired.flatMap((each) => [
      db
        .prepare(
          `UPDATE agreement SET status = 'paused', paused_for = 'card_unusable', retry_at = NULL
           WHERE id = ?1 AND status = 'active' AND card_expires < ?2`,
        )
        .bind(each.id, month),
      pausedLetter(db, each, 'card_unusable', `${each.id}:${month}`, nowMs),
    ]),
  )
}
