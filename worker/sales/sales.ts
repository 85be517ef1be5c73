import type { z } from 'zod'
import { addDays, copenhagenDay } from '../../shared/copenhagen.ts'
import type { Sale, SaleDetails, SalesQuery } from '../../shared/office/sales.ts'
import { refundedOf } from '../ledger/transfers.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { viewedAccounts } from '../people/viewings.ts'

/** Sales as staff look for them: what was bought where, how it was booked, and what has become of it since. */

/** How many days are looked through where nothing is said. */
const DEFAULT_DAYS = 31

/**
 * SQL: `paid`, a sale's purchase, with the message that booked it (`said`: of several approved ones the first, and one
 * alone, though a terminal's second line of numbers begins with 1 again), its terminal and site, and what staff have
 * decided where it was flagged.
 */
export const SOLD = `
JOIN message AS said ON said.sale = paid.id AND said.outcome = 'approved'
  AND (said.terminal, said.seq) = (SELECT terminal, seq FROM message WHERE message.sale = paid.id
    AND message.outcome = 'approved' ORDER BY received_at, terminal, seq LIMIT 1)
JOIN terminal ON terminal.id = said.terminal
JOIN site ON site.id = terminal.site
LEFT JOIN message AS flagged ON flagged.sale = paid.id AND flagged.kind = 'advice' AND flagged.outcome = 'approved'
  AND flagged.reason IS NOT NULL
LEFT JOIN review ON review.subject = flagged.terminal || ':' || flagged.seq`

/** SQL: whether a sale, which is SQL too, was undone; a reversal has nothing to move where all was refunded before. */
export const undoneOf = (sale: string) =>
  `EXISTS (SELECT 1 FROM message AS undo WHERE undo.sale = ${sale} AND undo.kind = 'reversal')`

/** SQL: the wallet that bears a sale of `SOLD`; null where its card is unknown and nobody was charged since. */
export const BEARER = `coalesce(review.account,
  (SELECT own.id FROM account AS own WHERE own.id = paid.debit_account AND own.child IS NOT NULL))`

/** SQL: a sale of `SOLD` that staff have yet to decide on, or that the club carries: nobody can be given it back. */
export const UNBORNE = "(flagged.seq IS NOT NULL AND coalesce(review.decision, '') NOT IN ('keep', 'charge'))"

const COLUMNS = `
SELECT paid.id, coalesce(terminal.branch_of, terminal.id) AS terminal, site.id AS site, site.name AS siteName,
  child.id AS child, child.name AS childName, ${BEARER} AS account, card.id AS card, paid.day, paid.at AS bookedAt,
  iif(said.kind = 'advice', said.at, NULL) AS saidAt, paid.amount,
  iif(said.kind = 'request', 'online', 'offline') AS booked, flagged.reason AS flag, review.decision,
  ${undoneOf('paid.id')} AS undone, ${refundedOf('paid.id')} AS refunded, ${UNBORNE} AS unborne,
  (SELECT json_group_array(json_object('product', line.value ->> 'product', 'name', product.name,
     'quantity', line.value ->> 'quantity', 'price', line.value ->> 'price'))
   FROM json_each(said.lines) AS line LEFT JOIN product ON product.id = line.value ->> 'product') AS lines`

const BEARING = `${SOLD}
LEFT JOIN account AS bearer ON bearer.id = ${BEARER}
LEFT JOIN child ON child.id = bearer.child
LEFT JOIN card ON card.hash = said.card`

/** SQL: the sales of wallet ?1, those among them that staff have charged it for; they are many only in many years. */
const OF_WALLET = `
(SELECT posting.transfer AS sale FROM posting WHERE posting.account = ?1
 UNION SELECT charged.sale FROM review AS charge
 JOIN message AS charged ON charged.terminal = charge.terminal AND charged.seq = charge.seq
 WHERE charge.account = ?1 AND charge.decision = 'charge') AS own
CROSS JOIN transfer AS paid ON paid.id = own.sale AND paid.kind = 'purchase' -- Not by every sale that there is.`

/*
 * Days are SQL's to walk from the newest, by their index. A site's or a terminal's sales are told by the account that they
 * were paid into before their messages are looked at.
 */
const FROM_DAYS = 'transfer AS paid INDEXED BY transfer_of_day'

type Row = Omit<Sale, 'site' | 'child' | 'lines' | 'soldAt' | 'undone' | 'left'> & {
  site: number
  siteName: string
  child: number | null
  childName: string
  saidAt: number | null
  undone: 0 | 1
  unborne: 0 | 1
  lines: string
}

function saleOf({ site, siteName, child, childName, saidAt, undone, unborne, lines, ...row }: Row): Sale {
  // A till's word on the time is taken where the ledger took it for the day.
  const believed = saidAt !== null && saidAt < row.bookedAt && copenhagenDay(saidAt) === row.day
  return {
    ...row,
    site: { id: site, name: siteName },
    child: child === null ? null : { id: child, name: childName },
    soldAt: believed ? saidAt : row.bookedAt,
    lines: JSON.parse(lines),
    undone: undone === 1,
    left: undone || unborne || row.account === null ? 0 : row.amount - row.refunded,
  }
}

/** The sales that were asked for, the newest first, of the sites of whoever asks; that they looked is recorded. */
export async function sales(
  db: D1Database,
  query: z.output<typeof SalesQuery>,
  staff: Staff,
  nowMs: number,
): Promise<{ sales: Sale[]; more: boolean }> {
  const { child, card, terminal, site, amount, limit, offset } = query
  const whole = child === undefined && card === undefined
  const to = query.to ?? (whole ? copenhagenDay(nowMs) : undefined)
  const from = query.from ?? (whole && to !== undefined ? addDays(to, 1 - DEFAULT_DAYS) : undefined)
  const wallet = await walletOf(db, { child, card })
  if (wallet === 'unknown') return { sales: [], more: false }
  const bind: (string | number | null)[] = [wallet, sitesOf(staff)]
  const given = (value: string | number) => `?${bind.push(value)}`
  const conditions = [
    withinSites('site.id', '?2'),
    ...(whole ? ["paid.kind = 'purchase' AND ?1 IS NULL"] : []),
    ...(from === undefined ? [] : [`paid.day >= ${given(from)}`]),
    ...(to === undefined ? [] : [`paid.day <= ${given(to)}`]),
    ...(card === undefined ? [] : [`card.id = ${given(card)}`]),
    ...(amount === undefined ? [] : [`paid.amount = ${given(amount)}`]),
    ...(site === undefined ? [] : [intoSite(`(SELECT ${given(site)})`)]),
    ...(terminal === undefined ? [] : [atTerminal(given(terminal))]),
  ]
  const found = await db
    .prepare(
      `${COLUMNS} FROM ${whole ? FROM_DAYS : OF_WALLET} ${BEARING} WHERE ${conditions.join(' AND ')}
       ORDER BY paid.day DESC, paid.at DESC, paid.id DESC LIMIT ${given(limit + 1)} OFFSET ${given(offset)}`,
    )
    .bind(...bind)
    .all<Row>()
  const page = found.results.slice(0, limit).map(saleOf)
  await viewedAccounts(
    db,
    page.flatMap(({ account }) => account ?? []),
    { staff: staff.id },
    nowMs,
  ).run()
  return { sales: page, more: found.results.length > limit }
}

const intoSite = (site: string) =>
  `paid.credit_account IN (SELECT account.id FROM account WHERE account.kind = 'revenue' AND account.site = ${site})`

/** SQL: the sales of a terminal, which is a parameter, and of its second line of numbers. */
export const atTerminal = (terminal: string) =>
  `${intoSite(`(SELECT own.site FROM terminal AS own WHERE own.id = ${terminal})`)}
   AND coalesce(terminal.branch_of, terminal.id) = ${terminal}`

async function walletOf(
  db: D1Database,
  { child, card }: { child: number | undefined; card: number | undefined },
): Promise<number | null | 'unknown'> {
  if (child === undefined && card === undefined) return null
  const found = await db
    .prepare(
      `SELECT account.id FROM account WHERE account.child IS NOT NULL AND (?1 IS NULL OR account.child = ?1)
         AND (?2 IS NULL OR account.id = (SELECT card.account FROM card WHERE card.id = ?2)) LIMIT 1`,
    )
    .bind(child ?? null, card ?? null)
    .first<number>('id')
  return found ?? 'unknown'
}

/** One sale with its refunds, where it is of a site of whoever asks, which is recorded; null for every other id. */
export async function sale(db: D1Database, id: string, staff: Staff, nowMs: number): Promise<SaleDetails | null> {
  const [found, refunds] = await db.batch([
    db
      .prepare(
        `${COLUMNS} FROM transfer AS paid ${BEARING}
         WHERE paid.id = ?1 AND paid.kind = 'purchase' AND ${withinSites('site.id', '?2')}`,
      )
      .bind(id, sitesOf(staff)),
    db
      .prepare(
        `SELECT given.id AS transfer, given.amount, given.at, staff_token.name AS staff, given.reason
         FROM transfer AS given JOIN staff_token ON staff_token.id = given.staff
         WHERE given.sale = ? AND given.kind = 'sale_refund' ORDER BY given.at, given.id`,
      )
      .bind(id),
  ])
  const row = found?.results[0] as Row | undefined
  if (!row) return null
  if (row.account !== null) await viewedAccounts(db, [row.account], { staff: staff.id }, nowMs).run()
  return { ...saleOf(row), refunds: (refunds?.results ?? []) as SaleDetails['refunds'] }
}
