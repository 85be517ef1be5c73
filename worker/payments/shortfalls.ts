import { ABOVE_FLOOR, type Condition, postMeasured } from '../ledger/transfers.ts'

/**
 * What was short when a payment was refunded or contested at Stripe: the wallet had given the money away, so suspense
 * bears it (transfer '<id>:short'). Money that comes back to that wallet later is that very money, and goes to suspense
 * before anybody can have it paid out: as transfer '<id of the return>:collected', in the batch of the return, and from
 * what the book says in that batch.
 */

/** SQL: what was short for an account, which is SQL too, and is not back, as when the dispute was won. */
const lacking = (account: string) => `
coalesce((SELECT sum(short.amount) FROM (
    SELECT dispute.id AS id, 'dispute' AS kind FROM payment JOIN dispute ON dispute.payment = payment.id
    WHERE payment.account = ${account}
    UNION ALL SELECT refund.id, 'refund' FROM payment JOIN refund ON refund.payment = payment.id
    WHERE payment.account = ${account}
  ) AS gone
  JOIN transfer AS short ON short.id = gone.kind || ':' || gone.id || ':short'
  WHERE NOT EXISTS (SELECT 1 FROM transfer AS whole
                    WHERE whole.id = gone.kind || '_return:' || gone.id || ':short')), 0)`

/** SQL: what suspense has had of it from the account's wallet, less what it has given back. */
const had = (account: string) => `
coalesce((SELECT -sum(part.amount) FROM posting AS part
          WHERE part.account = ${account} AND part.transfer GLOB '*:collected*'), 0)`

/**
 * The statements, for a batch that gives money back to a wallet by the transfer `back` and after those that do, that take
 * of it what suspense bears for the account, never more than came back and never below the floor. Again, or where nothing
 * came back, nothing moves.
 */
export function collected(db: D1Database, account: number, back: string, nowMs: number): D1PreparedStatement[] {
  const cameBack =
    '(SELECT amount FROM transfer AS came WHERE came.id = ?10 AND came.credit_account = ?3 AND came.at = ?6)'
  return postMeasured(
    db,
    {
      ...{ id: `${back}:collected`, kind: 'correction', staff: null, reason: null },
      ...{ debitAccount: account, creditAccount: 'suspense' },
    },
    // A wallet's postings are gone through only where something was short.
    `iif(${lacking('?3')} = 0, 0, min(${lacking('?3')} - ${had('?3')}, ${cameBack}, ${ABOVE_FLOOR}))`,
    nowMs,
    { sql: 'true', bind: [back] },
  )
}

/**
 * The statements, for the batch that makes a shortfall whole again by the transfer `back` and after those that do, that
 * return to the wallet what suspense has had from it and bears no more.
 */
export function givenBack(
  db: D1Database,
  account: number,
  back: string,
  nowMs: number,
  condition: Condition,
): D1PreparedStatement[] {
  return postMeasured(
    db,
    {
      ...{ id: `${back}:collected:returned`, kind: 'correction', staff: null, reason: null },
      ...{ debitAccount: 'suspense', creditAccount: account },
    },
    `${had('?4')} - ${lacking('?4')}`,
    nowMs,
    condition,
  )
}
