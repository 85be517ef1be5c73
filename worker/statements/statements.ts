import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { ProductCategory } from '../../shared/office/products.ts'
import { refundedOf } from '../ledger/transfers.ts'
import type { transfer } from '../schema/core.ts'

/** The kinds of movement that an account sees: what of a payout goes back where it came from is no refund to its owner. */
export type TransferKind =
  | Exclude<(typeof transfer.$inferSelect)['kind'], 'payout_paid' | 'psp_fee' | 'settlement'>
  | `payout_to_${'card' | 'mobilepay'}${'' | '_return'}`

/** SQL: the kind of a transfer as its account sees it. */
const KIND = `
CASE WHEN transfer.kind NOT IN ('refund', 'refund_return') THEN transfer.kind ELSE coalesce((
  SELECT 'payout_to_' || coalesce(payment.method, 'card') || substr(transfer.kind, length('refund') + 1)
  FROM refund JOIN payment ON payment.id = refund.payment
  WHERE refund.id = substr(transfer.id, length(transfer.kind) + 2) AND refund.payout IS NOT NULL), transfer.kind) END`

/** What a sale's line sold: `product` is null for an amount that staff keyed in, `name` where no such product is known. */
export type StatementItem = {
  product: number | null
  name: string | null
  category: ProductCategory
  quantity: number
  price: number
}

/**
 * A movement as its account saw it: amounts in øre, negative where money went out. `at` and its Copenhagen `day` are
 * the booking's, as the balance is; a sale that was delivered late on the day it was made has its till's time. `soldAt`
 * is when a till sold that delivered on a later day, and null for every other movement.
 */
export type StatementLine = {
  seq: number
  transfer: string
  kind: TransferKind
  amount: number
  balance: number
  at: number
  day: string
  soldAt: number | null
  site: string | null
  items: StatementItem[]
  reason: string | null
}

/** A line as the database gives it; see `statementLine`. */
export type StatementRow = Omit<StatementLine, 'items' | 'soldAt'> & {
  items: string
  soldDay: string
  saidAt: number | null
}

/*
 * Of a sale's messages (a request that was not answered in time, and then an advice) the first one approved is the one
 * that was booked, and one alone, though a terminal's second line of numbers begins with 1 again. All of them have the
 * same lines.
 */
export const BOOKED_MESSAGE = `message.sale = transfer.sale AND message.outcome = 'approved'
  AND (message.terminal, message.seq) = (SELECT terminal, seq FROM message WHERE sale = transfer.sale
    AND outcome = 'approved' ORDER BY received_at, terminal, seq LIMIT 1)`

const LINES = `
SELECT posting.seq, posting.transfer, ${KIND} AS kind, posting.amount, posting.balance, transfer.at, posting.day,
  transfer.day AS soldDay, iif(transfer.kind = 'purchase' AND message.kind = 'advice', message.at, NULL) AS saidAt,
  site.name AS site, transfer.reason,
  (SELECT json_group_array(json_object('product', line.value ->> 'product', 'name', product.name,
     'category', coalesce(product.category, 'other'), 'quantity', line.value ->> 'quantity',
     'price', line.value ->> 'price'))
   FROM json_each(message.lines) AS line LEFT JOIN product ON product.id = line.value ->> 'product') AS items
FROM posting
JOIN transfer ON transfer.id = posting.transfer
JOIN account AS other ON other.id = iif(posting.amount < 0, transfer.credit_account, transfer.debit_account)
LEFT JOIN site ON site.id = other.site
LEFT JOIN message ON ${BOOKED_MESSAGE}`

/** The statement that reads the newest movements of an account, newest first, as `StatementRow`s. */
export function latestQuery(db: D1Database, account: number, limit: number): D1PreparedStatement {
  return db.prepare(`${LINES} WHERE posting.account = ?1 ORDER BY posting.seq DESC LIMIT ?2`).bind(account, limit)
}

/** The line of a row that was read. A till's word on the time is taken where the ledger took it for the day. */
export function statementLine({ items, soldDay, saidAt, ...row }: StatementRow): StatementLine {
  const believed = saidAt !== null && saidAt < row.at && copenhagenDay(saidAt) === soldDay
  const sold = !believed ? {} : soldDay === row.day ? { at: saidAt } : { soldAt: saidAt }
  return { ...row, soldAt: null, ...sold, items: JSON.parse(items) }
}

/** Days 'YYYY-MM-DD', both included, by which movements were booked: booking days follow the order of the balance. */
export type Period = { from: string; to: string }

/** Which lines of a period are wanted: of one kind or all, those before a number, newest or oldest first, how many. */
export type Excerpt = { kind: TransferKind | null; before: number | null; order: 'newest' | 'oldest'; limit: number }

/** What of one kind moved in a period, in øre: in and out, neither below zero. */
export type KindTotal = { kind: TransferKind; count: number; in: number; out: number }

/** What the purchases of one day came to in one category, in øre. */
export type Spending = { day: string; category: ProductCategory; amount: number }

/**
 * A period of an account. Balances and totals are of all its movements, `lines` of the excerpt; `more` says whether the
 * excerpt was cut. `spending` is by the day of the sale, without what has been undone or refunded of them since.
 */
export type Statement = {
  opening: number
  closing: number
  totals: KindTotal[]
  spending: Spending[]
  lines: StatementLine[]
  more: boolean
}

/*
 * What a sale's line came to after staff had refunded a part of the sale: every line has lost its share of it. Whole øre:
 * what is left up to a line, less what is left up to the one before, so that together they are what is left of the sale.
 */
const COST = "(line.value ->> 'quantity') * (line.value ->> 'price')"
const ABOVE = `coalesce((SELECT sum((above.value ->> 'quantity') * (above.value ->> 'price'))
  FROM json_each(message.lines) AS above WHERE above.key < line.key), 0)`
const LEFT = `(transfer.amount - ${refundedOf('transfer.id')})`
const KEPT = `iif(${LEFT} = transfer.amount, ${COST},
  (${ABOVE} + ${COST}) * ${LEFT} / transfer.amount - ${ABOVE} * ${LEFT} / transfer.amount)`

const IN_PERIOD = 'posting.account = ?1 AND posting.day BETWEEN ?2 AND ?3'

/** Reads a statement in one round trip; `also` goes into the same batch. */
export async function statement(
  db: D1Database,
  account: number,
  { from, to }: Period,
  { kind, before, order, limit }: Excerpt,
  also: readonly D1PreparedStatement[],
): Promise<Statement> {
  const balance = 'SELECT balance FROM posting WHERE account = ?1 AND'
  const [balances, totals, spending, lines] = await db.batch([
    db
      .prepare(
        `SELECT coalesce((${balance} day < ?2 ORDER BY seq DESC LIMIT 1), 0) AS opening,
           coalesce((${balance} day <= ?3 ORDER BY seq DESC LIMIT 1), 0) AS closing`,
      )
      .bind(account, from, to),
    db
      .prepare(
        `SELECT ${KIND} AS kind, count(*) AS count, sum(max(posting.amount, 0)) AS "in", sum(max(-posting.amount, 0)) AS "out"
         FROM posting JOIN transfer ON transfer.id = posting.transfer
         WHERE ${IN_PERIOD} GROUP BY 1`,
      )
      .bind(account, from, to),
    db
      .prepare(
        `SELECT transfer.day, coalesce(product.category, 'other') AS category,
           sum(${KEPT}) AS amount
         FROM posting
         JOIN transfer ON transfer.id = posting.transfer AND transfer.kind = 'purchase'
         JOIN message ON ${BOOKED_MESSAGE}
         JOIN json_each(message.lines) AS line
         LEFT JOIN product ON product.id = line.value ->> 'product'
         WHERE ${IN_PERIOD}
           AND NOT EXISTS (SELECT 1 FROM transfer AS undone WHERE undone.id = transfer.id || ':reversal')
         GROUP BY 1, 2 ORDER BY 1, 2`,
      )
      .bind(account, from, to),
    db
      .prepare(
        `${LINES} WHERE ${IN_PERIOD} AND (?4 IS NULL OR ${KIND} = ?4) AND (?5 IS NULL OR posting.seq < ?5)
         ORDER BY posting.seq ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT ?6 + 1`,
      )
      .bind(account, from, to, kind, before, limit),
    ...also,
  ])
  const rows = (lines?.results ?? []) as StatementRow[]
  const edge = (balances?.results[0] ?? { opening: 0, closing: 0 }) as { opening: number; closing: number }
  return {
    ...edge,
    totals: (totals?.results ?? []) as KindTotal[],
    spending: (spending?.results ?? []) as Spending[],
    lines: rows.slice(0, limit).map(statementLine),
    more: rows.length > limit,
  }
}
