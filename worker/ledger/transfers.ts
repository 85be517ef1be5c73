import { copenhagenDay } from '../../shared/copenhagen.ts'
import { type Ore, ore } from '../../shared/money.ts'
import type { transfer } from '../schema/core.ts'

/**
 * The folder `ledger` is the one writer of message, transfer and posting. Every movement of money is a transfer out of a
 * debit account into a credit account; its two postings carry the balances after it. D1 runs a batch as one transaction,
 * one after the other, so a decision is taken inside the statement that stores it, from the state the database has at
 * that moment.
 */

/** A movement that is no debit message. `id` makes it happen at most once, and begins with its kind. */
export type Movement = {
  id: string
  kind: Exclude<(typeof transfer.$inferSelect)['kind'], 'purchase' | 'reversal'>
  debitAccount: AccountOf
  creditAccount: AccountOf
  amount: Ore
  staff: number | null
  reason: string | null
  /** Of money that moves because of a sale, which one. */
  sale?: string
}

/** An account by its id, or the one of its kind. */
export type AccountOf =
  | number
  | 'psp_clearing'
  | 'psp_fees'
  | 'payouts_payable'
  | 'card_fee_revenue'
  | 'bank'
  | 'suspense'

/** What must be so in the same transaction for money to move: SQL whose parameters begin at ?10. */
export type Condition = { sql: string; bind: readonly (string | number | null)[] }

/**
 * SQL: both halves of the transfer of an id, which is SQL too; ?2 is the day. What a purchase costs, and a reversal gives
 * back, counts in the day it belongs to; so does what staff refund of it to the wallet that was charged.
 */
export const insertPostings = (id: string) => `
INSERT INTO posting (account, seq, transfer, amount, balance, day, spent)
SELECT account.id, coalesce(newest.seq, 0) + 1, transfer.id,
  iif(account.id = transfer.debit_account, -transfer.amount, transfer.amount),
  coalesce(newest.balance, 0) + iif(account.id = transfer.debit_account, -transfer.amount, transfer.amount),
  ?2,
  max(0, iif(newest.day = ?2, newest.spent, 0) + CASE
    WHEN account.kind <> 'wallet' OR transfer.day <> ?2 THEN 0
    WHEN transfer.kind = 'purchase' THEN transfer.amount
    WHEN transfer.kind = 'reversal' THEN -transfer.amount
    WHEN transfer.kind = 'sale_refund' AND EXISTS (SELECT 1 FROM transfer AS paid WHERE paid.id = transfer.sale
      AND paid.day = ?2 AND paid.debit_account = account.id) THEN -transfer.amount
    ELSE 0
  END)
FROM transfer
JOIN account ON account.id IN (transfer.debit_account, transfer.credit_account)
LEFT JOIN posting AS newest ON newest.account = account.id
  AND newest.seq = (SELECT max(seq) FROM posting WHERE posting.account = account.id)
WHERE transfer.id = ${id}
  AND NOT EXISTS (SELECT 1 FROM posting WHERE posting.transfer = ${id} AND posting.account = account.id)`

/** As `insertPostings`, of transfer ?1. */
export const INSERT_POSTINGS = insertPostings('?1')

/*
 * ?1 id, ?2 kind, ?3 debited account, ?4 credited account, ?5 amount, ?6 instant, ?7 day, ?8 staff, ?9 reason. An account
 * is named by its id or, the one of a kind, by its kind.
 */
const named = (parameter: string) =>
  `(SELECT id FROM account WHERE id = ${parameter} UNION ALL SELECT id FROM account
    WHERE kind = ${parameter} AND child IS NULL AND site IS NULL)`

/** The instruction that takes `amount`, which is SQL, out of the debited account, where that is above zero. */
const insertTransfer = (amount: string, condition: string, sale = 'NULL') => `
INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, sale, staff, reason)
SELECT id, ?2, debited, credited, amount, ?6, ?7, ${sale}, ?8, ?9 FROM (
  SELECT ?1 AS id, account.id AS debited, ${named('?4')} AS credited, account.floor, ${amount} AS amount,
    coalesce(newest.balance, 0) AS balance
  FROM account
  LEFT JOIN posting AS newest ON newest.account = account.id
    AND newest.seq = (SELECT max(seq) FROM posting WHERE posting.account = account.id)
  WHERE account.id = ${named('?3')}
)
WHERE amount > 0 AND (floor IS NULL OR balance - amount >= floor) AND ${condition}
ON CONFLICT DO NOTHING`

/**
 * The statements that move money once, for a batch of the caller's; nothing moves that would break a floor, or while the
 * condition does not hold. Whether it has moved, the transfer says.
 */
export function post(
  db: D1Database,
  movement: Movement,
  nowMs: number,
  condition: Condition = ALWAYS,
): D1PreparedStatement[] {
  const [sale, parameter] = movement.sale === undefined ? [[]] : [[movement.sale], `?${10 + condition.bind.length}`] // After the condition's.
  return [
    db
      .prepare(insertTransfer('?5', condition.sql, parameter))
      .bind(...bound(movement, movement.amount, nowMs), ...condition.bind, ...sale),
    db.prepare(INSERT_POSTINGS).bind(movement.id, copenhagenDay(nowMs)),
  ]
}

/** What an account may give: what it holds above its floor, for the amount of `postMeasured`. */
export const ABOVE_FLOOR = '(coalesce(newest.balance, 0) - account.floor)'

/**
 * As `post`, for an amount that is known only then: SQL, with the parameters of the condition. Nothing moves where it
 * comes to nothing or less.
 */
export function postMeasured(
  db: D1Database,
  movement: Omit<Movement, 'amount' | 'sale'>,
  amountSql: string,
  nowMs: number,
  condition: Condition,
): D1PreparedStatement[] {
  return [
    db.prepare(insertTransfer(amountSql, condition.sql)).bind(...bound(movement, null, nowMs), ...condition.bind),
    db.prepare(INSERT_POSTINGS).bind(movement.id, copenhagenDay(nowMs)),
  ]
}

/** The id that '<id>:short' belongs to. */
const FIRST = "substr(?1, 1, length(?1) - length(':short'))"

/**
 * The statements for money that is gone whatever the wallet holds, as when it was paid back at Stripe: what the wallet
 * has above its floor is taken from there, and the rest, as transfer '<id>:short', from suspense, where staff find it.
 */
export function postAsFarAsThere(
  db: D1Database,
  movement: Movement,
  nowMs: number,
  condition: Condition = ALWAYS,
): D1PreparedStatement[] {
  const short: Movement = { ...movement, id: `${movement.id}:short`, debitAccount: 'suspense' }
  const there = 'min(?5, coalesce(newest.balance, 0) - account.floor)'
  const missing = `?5 - coalesce((SELECT taken.amount FROM transfer AS taken WHERE taken.id = ${FIRST}), 0)`
  const notYet = `NOT EXISTS (SELECT 1 FROM transfer AS rest WHERE rest.id = ?1 || ':short') AND ${condition.sql}`
  // Only beside what has just been taken, or where nothing ever was: a repetition finds both halves as they were.
  const justNow = `(changes() > 0 OR NOT EXISTS (
    SELECT 1 FROM transfer AS taken WHERE taken.id = ${FIRST})) AND ${condition.sql}`
  const day = copenhagenDay(nowMs)
  return [
    db.prepare(insertTransfer(there, notYet)).bind(...bound(movement, movement.amount, nowMs), ...condition.bind),
    db.prepare(INSERT_POSTINGS).bind(movement.id, day),
    db.prepare(insertTransfer(missing, justNow)).bind(...bound(short, movement.amount, nowMs), ...condition.bind),
    db.prepare(INSERT_POSTINGS).bind(short.id, day),
  ]
}

/** A transfer the other way round, of the same amount, because the first one came to nothing. */
export type Return = Pick<Movement, 'id' | 'kind' | 'staff' | 'reason'> & { of: string }

/** The statements that take a transfer back, once; nothing moves where there is none, or out of a wallet. */
export function postBack(
  db: D1Database,
  { id, kind, of, staff, reason }: Return,
  nowMs: number,
  condition: Condition = ALWAYS,
): D1PreparedStatement[] {
  const day = copenhagenDay(nowMs)
  return [
    db
      .prepare(
        `INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, staff, reason)
         SELECT ?1, ?2, credit_account, debit_account, amount, ?6, ?7, ?8, ?9 FROM transfer
         WHERE id = ?3 AND credit_account IN (SELECT account.id FROM account WHERE floor IS NULL) AND ${condition.sql}
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, kind, of, null, null, nowMs, day, staff, reason, ...condition.bind),
    db.prepare(INSERT_POSTINGS).bind(id, day),
  ]
}

const ALWAYS: Condition = { sql: 'true', bind: [] }

type Moved = Omit<Movement, 'amount' | 'sale'>

function bound({ id, kind, debitAccount, creditAccount, staff, reason }: Moved, amount: Ore | null, nowMs: number) {
  return [id, kind, debitAccount, creditAccount, amount, nowMs, copenhagenDay(nowMs), staff, reason]
}

/** SQL: what staff have refunded of a sale, which is SQL too. */
export const refundedOf = (sale: string) =>
  `coalesce((SELECT sum(given.amount) FROM transfer AS given WHERE given.sale = ${sale} AND given.kind = 'sale_refund'), 0)`

/** What an account holds, in øre: the balance of its newest posting. */
export async function balanceOf(db: D1Database, account: number): Promise<Ore> {
  const newest = db.prepare(`SELECT ${balanceSql('?')} AS balance`).bind(account)
  return ore((await newest.first<number>('balance')) ?? 0)
}

/** SQL: as `balanceOf`; `account` is SQL too. */
export const balanceSql = (account: string) =>
  `coalesce((SELECT balance FROM posting WHERE posting.account = ${account} ORDER BY seq DESC LIMIT 1), 0)`
