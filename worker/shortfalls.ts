import { ABOVE_FLOOR, type Condition, postMeasured } from './ledger.ts'

/**
 * What was short when a payment was refunded or contested at Stripe: the wallet had given the money away, so suspense
 * bears it (transfer '<id>:short'). Money that comes back to that wallet later is that very money, and goes to suspense
 * before anybody can have it paid out.
 */

/** A transfer '<id>:short' that is not whole again, and the id under which the next part of it is collected. */
export type Shortfall = { short: string; next: string }

/** SQL: the transfers that collected a part of `short`, which is SQL; what gave them back is none of them. */
const collectedOf = (short: string) =>
  `FROM transfer AS part WHERE part.id BETWEEN ${short} || ':collected' AND ${short} || ':collected:9'`

/** SQL: what of a transfer is neither collected nor, as when the dispute was won, back in suspense. */
const restOf = (short: string) => `
iif(EXISTS (SELECT 1 FROM transfer AS back
            WHERE back.id = replace(replace(${short}, 'dispute:', 'dispute_return:'), 'refund:', 'refund_return:')), 0,
  (SELECT lacking.amount FROM transfer AS lacking WHERE lacking.id = ${short})
    - coalesce((SELECT sum(part.amount) ${collectedOf(short)}), 0))`

/** How many shortfalls one batch collects; an account with more has them collected the next time. */
const COLLECTED_MAX = 10

type FoundShortfall = { id: string; parts: number }

function shortfallsQuery(db: D1Database, account: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT found.id, (SELECT count(*) ${collectedOf('found.id')}) AS parts FROM (
         SELECT short.id, short.rowid AS place FROM payment
         JOIN dispute ON dispute.payment = payment.id
         JOIN transfer AS short ON short.id = 'dispute:' || dispute.id || ':short'
         WHERE payment.account = ?1
         UNION ALL
         SELECT short.id, short.rowid FROM payment
         JOIN refund ON refund.payment = payment.id
         JOIN transfer AS short ON short.id = 'refund:' || refund.id || ':short'
         WHERE payment.account = ?1
       ) AS found WHERE ${restOf('found.id')} > 0 ORDER BY place LIMIT ${COLLECTED_MAX}`,
    )
    .bind(account)
}

/** The ids of nine parts sort before that of what gives them back; nobody has as many. */
function shortfallsIn(found: readonly FoundShortfall[]): Shortfall[] {
  return found.flatMap(({ id, parts }) =>
    parts < 9 ? [{ short: id, next: parts === 0 ? `${id}:collected` : `${id}:collected:${parts + 1}` }] : [],
  )
}

/** What suspense bears for an account, the oldest first; to be read right before the batch that `collected` is for. */
export async function shortfallsOf(db: D1Database, account: number): Promise<Shortfall[]> {
  return shortfallsIn((await shortfallsQuery(db, account).all<FoundShortfall>()).results)
}

/** As `shortfallsOf`, for accounts of a batch that gives money back to several; an account without any is left out. */
export async function shortfallsOfEach(
  db: D1Database,
  rows: readonly { account: number }[],
): Promise<Map<number, Shortfall[]>> {
  const accounts = [...new Set(rows.map(({ account }) => account))]
  if (accounts.length === 0) return new Map()
  const found = await db.batch<FoundShortfall>(accounts.map((account) => shortfallsQuery(db, account)))
  return new Map(accounts.map((account, index) => [account, shortfallsIn(found[index]?.results ?? [])]))
}

/**
 * SQL: what has come back to wallet ?3 at the instant ?6 and is there yet. Only the newest postings are looked at, which
 * those of the batch are.
 */
const CAME_BACK = `
(SELECT coalesce(sum(posting.amount), 0) FROM posting JOIN transfer AS moved ON moved.id = posting.transfer
 WHERE posting.account = ?3
   AND posting.seq > (SELECT max(seq) FROM posting WHERE posting.account = ?3) - 30
   AND moved.at = ?6
   AND (moved.kind IN ('payout_return', 'refund_return', 'dispute_return', 'card_fee_return')
        OR moved.id GLOB '*:short:collected*'))`

/**
 * The statements, for a batch that gives money back to a wallet and after those that do, that take of it what suspense
 * bears for the account, never more than came back in this batch and never below the floor. Again, or where nothing
 * came back, nothing moves.
 */
export function collected(
  db: D1Database,
  account: number,
  shorts: readonly Shortfall[],
  nowMs: number,
): D1PreparedStatement[] {
  return shorts.flatMap(({ short, next }) =>
    postMeasured(
      db,
      {
        ...{ id: next, kind: 'correction', staff: null, reason: null },
        ...{ debitAccount: account, creditAccount: 'suspense' },
      },
      `min(${restOf('?10')}, ${CAME_BACK}, ${ABOVE_FLOOR})`,
      nowMs,
      { sql: 'true', bind: [short] },
    ),
  )
}

/**
 * The statements, for the batch that brings back what a transfer '<id>:short' took and after those that do, that return
 * to the wallet what had been collected of it. `condition` is as in `ledger.ts`, and at most four parameters long.
 */
export function giveBackCollected(
  db: D1Database,
  account: number,
  short: string,
  nowMs: number,
  condition: Condition,
): D1PreparedStatement[] {
  const there = 'coalesce((SELECT sum(part.amount) FROM transfer AS part WHERE part.id BETWEEN'
  const ids =
    "substr(?1, 1, length(?1) - length(':returned')) AND substr(?1, 1, length(?1) - length(':returned')) || ':9'"
  return postMeasured(
    db,
    {
      ...{ id: `${short}:collected:returned`, kind: 'correction', staff: null, reason: null },
      ...{ debitAccount: 'suspense', creditAccount: account },
    },
    `${there} ${ids}), 0)`,
    nowMs,
    condition,
  )
}
