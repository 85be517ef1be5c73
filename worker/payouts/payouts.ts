import type { BankDetails } from '../../shared/bank-accounts.ts'
import { copenhagenDay, copenhagenMidnight } from '../../shared/copenhagen.ts'
import { ore } from '../../shared/money.ts'
import { balanceSql, type Condition, post } from '../ledger/transfers.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { restAfterPayout } from '../payments/agreements.ts'
import { maySteer } from '../people/guardianships.ts'
import type { payout, refund } from '../schema/money.ts'

/**
 * Money back to a guardian's bank account, as the guardian asks for it; `payout-desk.ts` is what staff do with it. What
 * was paid in by card or MobilePay lately goes back to where it came from, so that nobody makes cash of a stolen card;
 * only the rest goes to the bank.
 */

/** How long a draft can be confirmed. */
export const DRAFT_LIFE_MS = 30 * 60_000

/** What goes back to the card, or to the MobilePay, of one payment. */
export type PayoutRefund = {
  id: string
  amount: number
  status: (typeof refund.$inferSelect)['status']
  method: 'card' | 'mobilepay' | null
}

/** Why a payout came back: in staff's words, or by the bank's code of ISO 20022. */
export type PayoutReason = { kind: 'staff'; words: string } | { kind: 'bank'; code: string }

/**
 * A payout as a guardian sees it, amounts in øre. `status` is that of its bank part, `bankAmount`; with nothing for the
 * bank it is 'paid' as soon as it is requested. `own` says whether this guardian made it: where the money of another
 * guardian goes is nobody's business but theirs, and `details` and `mail` are null.
 */
export type PayoutView = {
  id: string
  account: number
  own: boolean
  details: BankDetails | null
  mail: string | null
  amount: number
  bankAmount: number
  status: (typeof payout.$inferSelect)['status']
  reason: PayoutReason | null
  createdAt: number
  requestedAt: number | null
  settledAt: number | null
  refunds: PayoutRefund[]
}

/**
 * What a form asks for: `id` is the form's UUIDv7, `amount` whole øre, the details as `bankDetailsOf` made them; `mail` is
 * where the guardian wants to hear of it.
 */
export type PayoutDraft = BankDetails & { id: string; account: number; guardian: number; amount: number; mail?: string }

export type Drafted =
  | { kind: 'drafted'; payout: PayoutView }
  | { kind: 'below_min' } // Less than one øre.
  | { kind: 'over_balance'; balance: number } // Less than the account's while a payment is contested.
  | { kind: 'over_day_max'; left: number }
  | { kind: 'not_found' } // No account of a child of theirs, or an id that is somebody else's.
  | { kind: 'changed' } // The same form was sent before, and said something else.

// ── What goes back where it came from ───────────────────────────────────────

/** What came to the wallet by card or MobilePay: also the fee of a card order that was given back to it. */
const CREDITED = `
payment.status = 'paid' AND (payment.purpose IN ('deposit', 'top_up')
  OR EXISTS (SELECT 1 FROM transfer AS back
             WHERE back.id IN ('card_fee_return:' || payment.intent, 'card_fee_return:' || payment.card_order)))`

/** Contested, and nobody knows yet how that ends: no state in which Stripe calls a dispute over. */
const CONTESTED = `
EXISTS (SELECT 1 FROM dispute WHERE dispute.payment = payment.id
        AND dispute.status NOT IN ('won', 'lost', 'warning_closed', 'prevented'))`

/*
 * Where the payer's bank would not take a refund of ours, that card takes nothing back, and the bank has to; what failed
 * for another reason may go there tomorrow. Of a payment whose dispute was lost, Stripe refunds nothing.
 */
const BEARABLE = `
${CREDITED}
  AND NOT EXISTS (SELECT 1 FROM refund WHERE refund.payment = payment.id AND refund.status = 'failed'
                  AND refund.error IN ('expired_or_canceled_card', 'lost_or_stolen_card', 'declined', 'unknown'))
  AND NOT ${CONTESTED}
  AND NOT EXISTS (SELECT 1 FROM dispute WHERE dispute.payment = payment.id
                  AND dispute.withdrawn_at IS NOT NULL AND dispute.returned_at IS NULL)`

/** What of a payment has not been refunded. A draft refunds nothing yet. */
const UNREFUNDED = `
payment.amount - coalesce((SELECT sum(refund.amount) FROM refund WHERE refund.payment = payment.id
                           AND refund.status IN ('wanted', 'pending', 'succeeded')), 0)`

/** The payments of an account that a payout at the instant `now` goes back to first; both are SQL. */
const refundable = (account: string, now: string) => `
SELECT payment.id, payment.settled_at, ${UNREFUNDED} AS rest FROM payment
WHERE payment.account = ${account} AND ${BEARABLE}
  AND payment.settled_at > ${now} - 86400000 * (SELECT refund_days FROM municipality)
  AND ${UNREFUNDED} > 0`

/** What is there of payments that are contested: their payer may get it back from their card yet. */
const contested = (account: string) => `
coalesce((SELECT sum(max(0, ${UNREFUNDED}
    - coalesce((SELECT sum(gone.amount) FROM dispute AS gone WHERE gone.payment = payment.id
                AND gone.withdrawn_at IS NOT NULL AND gone.returned_at IS NULL), 0)))
  FROM payment WHERE payment.account = ${account} AND ${CREDITED} AND ${CONTESTED}), 0)`

/**
 * What an account may pay out at the instant `now`: all it holds, or while payments are contested what is there beside
 * them, and in any case what goes back to the cards of others. All three are SQL.
 */
const payable = (account: string, floor: string, now: string) => `
(SELECT iif(held = 0, there, max(0, there - held, min(there, back))) FROM (
   SELECT ${balanceSql(account)} - ${floor} AS there, ${contested(account)} AS held,
     coalesce((SELECT sum(rest) FROM (${refundable(account, now)})), 0) AS back))`

/**
 * What may still be requested for an account on the day that begins at `midnight`; both are SQL. What came back, because
 * the bank's part was rejected or a refund failed, counts no more: whoever typed a wrong number may try again.
 */
const dayRest = (account: string, midnight: string) => `
((SELECT payout_day_max FROM municipality) - coalesce((
  SELECT sum(earlier.amount - iif(earlier.status = 'rejected', earlier.bank_amount, 0)
    - coalesce((SELECT sum(failed.amount) FROM refund AS failed
                WHERE failed.payout = earlier.id AND failed.status = 'failed'), 0))
  FROM payout AS earlier
  WHERE earlier.account = ${account} AND earlier.requested_at >= ${midnight}), 0))`

const dayBegan = (nowMs: number) => copenhagenMidnight(copenhagenDay(nowMs))

/** What an account may pay out now, in øre: `there` by what it holds, `left` by the cap of the day, which is never below 0. */
export type PayoutLimits = { there: number; left: number }

/** The statement that reads the limits of an account. */
export function limitsQuery(db: D1Database, account: number, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT ${payable('account.id', 'account.floor', '?2')} AS there, max(0, ${dayRest('account.id', '?3')}) AS left
       FROM account WHERE account.id = ?1`,
    )
    .bind(account, nowMs, dayBegan(nowMs))
}

// ── Drafting ────────────────────────────────────────────────────────────────

const INSERT_DRAFT = `
INSERT INTO payout (id, account, guardian, name, registration, bank_account, message, amount, bank_amount, status,
                    created_at, mail)
SELECT ?1, account.id, ?3, ?4, ?5, ?6, ?7, ?8,
  ?8 - min(?8, coalesce((SELECT sum(rest) FROM (${refundable('?2', '?9')})), 0)), 'draft', ?9, ?11
FROM account
WHERE account.id = ?2 AND account.child IS NOT NULL AND ${maySteer('account.id', '?3')}
  AND ?8 <= ${payable('account.id', 'account.floor', '?9')} AND ?8 <= ${dayRest('account.id', '?10')}
ON CONFLICT DO NOTHING`

/** The newest payment first, each up to what is left of it and of the amount. */
const INSERT_DRAFT_REFUNDS = `
INSERT INTO refund (id, payment, payout, amount, status, created_at)
SELECT ?1 || '-' || place, id, ?1, taken, 'draft', ?3 FROM (
  SELECT id, row_number() OVER newest AS place,
    min(rest, ?4 - coalesce(sum(rest) OVER (newest ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)) AS taken
  FROM (${refundable('?2', '?3')})
  WINDOW newest AS (ORDER BY settled_at DESC, id DESC)
)
WHERE taken > 0 AND changes() > 0`

/**
 * Writes down what a guardian wants paid out, and how it would be divided; nothing moves. The same form sent again is
 * drafted already, also once it has been requested.
 */
export async function draftPayout(db: D1Database, draft: PayoutDraft, nowMs: number): Promise<Drafted> {
  const { id, account, guardian, name, registration, bankAccount, message, amount, mail = null } = draft
  if (!Number.isSafeInteger(amount) || amount < 1) return { kind: 'below_min' }
  const midnight = dayBegan(nowMs)
  const [, , own, limits] = await db.batch([
    db
      .prepare(INSERT_DRAFT)
      .bind(id, account, guardian, name, registration, bankAccount, message, amount, nowMs, midnight, mail),
    db.prepare(INSERT_DRAFT_REFUNDS).bind(id, account, nowMs, amount),
    payoutQuery(db, id, account, guardian),
    db
      .prepare(
        `SELECT ${payable('account.id', 'account.floor', '?4')} AS there, ${dayRest('account.id', '?3')} AS rest
         FROM account WHERE account.id = ?1 AND account.child IS NOT NULL AND ${maySteer('account.id', '?2')}`,
      )
      .bind(account, guardian, midnight, nowMs),
  ])
  const limit = limits?.results[0] as { there: number; rest: number } | undefined
  if (!limit) return { kind: 'not_found' }
  if (own?.results[0]) {
    const payout = payoutViewOf(own.results[0])
    const said = { name, registration, bankAccount, message }
    const same =
      payout.amount === amount && payout.mail === mail && JSON.stringify(payout.details) === JSON.stringify(said)
    return same ? { kind: 'drafted', payout } : { kind: 'changed' }
  }
  if (amount > limit.there) return { kind: 'over_balance', balance: limit.there }
  if (amount > limit.rest) return { kind: 'over_day_max', left: Math.max(0, limit.rest) }
  return { kind: 'not_found' }
}

// ── Requesting ──────────────────────────────────────────────────────────────

/*
 * Each refund must still fit its payment, and no more may go to the bank than would if the payout were drafted now: a
 * deposit that came after the draft would else be a way past its own card.
 */
const DIVISION_HOLDS = `
NOT EXISTS (SELECT 1 FROM refund AS planned JOIN payment ON payment.id = planned.payment
            WHERE planned.payout = payout.id AND NOT (${BEARABLE} AND planned.amount <= ${UNREFUNDED}))
  AND payout.bank_amount <= payout.amount - min(payout.amount,
    coalesce((SELECT sum(rest) FROM (${refundable('payout.account', '?3')})), 0))`

const FRESH = `payout.created_at > ?3 - ${DRAFT_LIFE_MS}`
const FLOOR = '(SELECT floor FROM account WHERE id = payout.account)'
const THERE = `payout.amount <= ${payable('payout.account', FLOOR, '?3')}`
const WITHIN_DAY = `payout.amount <= ${dayRest('payout.account', '?4')}`
const THEIRS = `payout.id = ?1 AND payout.guardian = ?2 AND ${maySteer('payout.account', '?2')}`

const REQUEST = `
UPDATE payout SET status = iif(bank_amount = 0, 'paid', 'requested'), requested_at = ?3,
  settled_at = iif(bank_amount = 0, ?3, NULL)
WHERE ${THEIRS} AND status = 'draft' AND ${FRESH} AND ${THERE} AND ${WITHIN_DAY} AND ${DIVISION_HOLDS}`

export type Requested =
  | { kind: 'requested' }
  | { kind: 'not_enough' }
  | { kind: 'over_day_max' }
  | { kind: 'not_found' }
  | { kind: 'changed' } // It would be divided otherwise now: draft anew.
  | { kind: 'too_old' }

/**
 * Takes a drafted payout out of the wallet at once, after the guardian has logged in anew: the bank's part into payouts
 * payable, and each refund, which is wanted from now on, into clearing. All of it or nothing, and again the same answer.
 */
export async function requestPayout(db: D1Database, id: string, guardian: number, nowMs: number): Promise<Requested> {
  // What a draft says never changes, so it may be read before the batch that decides.
  const draft = await db
    .prepare(
      `SELECT account, bank_amount AS bankAmount,
         (SELECT json_group_array(json_object('id', id, 'amount', amount)) FROM refund WHERE payout = payout.id) AS refunds
       FROM payout WHERE id = ?1 AND guardian = ?2`,
    )
    .bind(id, guardian)
    .first<{ account: number; bankAmount: number; refunds: string }>()
  if (!draft) return { kind: 'not_found' }
  const refunds = JSON.parse(draft.refunds) as { id: string; amount: number }[]
  const out = { debitAccount: draft.account, staff: null, reason: null }
  const requested: Condition = {
    sql: 'EXISTS (SELECT 1 FROM payout WHERE id = ?10 AND requested_at IS NOT NULL)',
    bind: [id],
  }
  const answers = await db.batch([
    db.prepare(REQUEST).bind(id, guardian, nowMs, dayBegan(nowMs)),
    recordedIfChanged(db, { guardian, action: 'payout_requested', subject: `payout:${id}` }, nowMs),
    db
      .prepare(
        `UPDATE refund SET status = 'wanted', check_at = ?2
         WHERE payout = ?1 AND status = 'draft'
           AND EXISTS (SELECT 1 FROM payout WHERE id = ?1 AND requested_at IS NOT NULL)`,
      )
      .bind(id, nowMs),
    ...post(
      db,
      {
        ...out,
        id: `payout:${id}`,
        kind: 'payout',
        creditAccount: 'payouts_payable',
        amount: ore(draft.bankAmount),
      },
      nowMs,
      requested,
    ),
    ...refunds.flatMap((part) =>
      post(
        db,
        {
          ...out,
          id: `refund:${part.id}`,
          kind: 'refund',
          creditAccount: 'psp_clearing',
          amount: ore(part.amount),
        },
        nowMs,
        requested,
      ),
    ),
    restAfterPayout(db, id, nowMs),
    db
      .prepare(
        `SELECT payout.status <> 'draft' AS requested, ${FRESH} AS fresh, ${THERE} AS there, ${WITHIN_DAY} AS within
         FROM payout WHERE ${THEIRS}`,
      )
      .bind(id, guardian, nowMs, dayBegan(nowMs)),
  ])
  type Found = Record<'requested' | 'fresh' | 'there' | 'within', 0 | 1>
  const found = answers.at(-1)?.results[0] as Found | undefined
  if (!found) return { kind: 'not_found' }
  if (found.requested) return { kind: 'requested' }
  if (!found.fresh) return { kind: 'too_old' }
  if (!found.there) return { kind: 'not_enough' }
  return { kind: found.within ? 'changed' : 'over_day_max' }
}

// ── Reading ─────────────────────────────────────────────────────────────────

/** Of another guardian's payout the bank details never leave the database. */
const VIEW = `
SELECT payout.id, payout.account, payout.guardian = ?1 AS own,
  iif(payout.guardian = ?1, json_object('name', payout.name, 'registration', registration, 'bankAccount', bank_account,
                                        'message', message), NULL) AS details,
  iif(payout.guardian = ?1, payout.mail, NULL) AS mail,
  payout.amount, bank_amount AS bankAmount, payout.status, iif(payout.guardian = ?1 OR reason GLOB 'bank:*', reason, NULL)
    AS reason,
  payout.created_at AS createdAt, requested_at AS requestedAt, payout.settled_at AS settledAt,
  (SELECT json_group_array(json_object('id', id, 'amount', amount, 'status', status, 'method', method)) FROM (
     SELECT refund.id, refund.amount, refund.status, payment.method
     FROM refund JOIN payment ON payment.id = refund.payment
     WHERE refund.payout = payout.id ORDER BY refund.rowid)) AS refunds
FROM payout`

type Row = Omit<PayoutView, 'own' | 'details' | 'reason' | 'refunds'> & {
  own: 0 | 1
  details: string | null
  reason: string | null
  refunds: string
}

/** Makes a view of a row that one of the statements below has found. */
export function payoutViewOf(found: unknown): PayoutView {
  const { own, details, reason, refunds, ...rest } = found as Row
  return {
    ...rest,
    own: own === 1,
    details: details === null ? null : JSON.parse(details),
    reason: reasonOf(reason),
    refunds: JSON.parse(refunds),
  }
}

/** A payout's reason as it is stored: what the bank gave is 'bank:' and its code, what staff wrote is as they wrote it. */
export function reasonOf(stored: string | null): PayoutReason | null {
  if (stored === null) return null
  const code = /^bank:([A-Z0-9]{1,4})$/.exec(stored)?.[1]
  return code === undefined ? { kind: 'staff', words: stored } : { kind: 'bank', code }
}

/** The statement that reads the requested payouts of an account, the newest first, at most 100, for one guardian. */
export function payoutsQuery(db: D1Database, account: number, guardian: number): D1PreparedStatement {
  return db
    .prepare(
      `${VIEW} WHERE payout.account = ?2 AND requested_at IS NOT NULL ORDER BY requested_at DESC, payout.id DESC LIMIT 100`,
    )
    .bind(guardian, account)
}

/** The statement that reads one payout of an account, also a draft, which is there for the guardian who made it. */
export function payoutQuery(db: D1Database, id: string, account: number, guardian: number): D1PreparedStatement {
  return db
    .prepare(`${VIEW} WHERE payout.id = ?2 AND payout.account = ?3 AND payout.guardian = ?1`)
    .bind(guardian, id, account)
}
