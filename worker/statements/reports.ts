import { addDays, copenhagenDay, copenhagenMidnight } from '../../shared/copenhagen.ts'
import type { Report, Volume } from '../../shared/office/reports.ts'
import type { Actor } from '../municipality/audit.ts'
import { viewedAmong } from '../people/viewings.ts'
import { BOOKED_MESSAGE, type Period } from './statements.ts'

/*
 * Reports go by the day of booking, which the ledger numbers its postings by. A day that is over does not change, and a
 * report's sums are those of the postings themselves.
 */

/** How many flagged sales a report names. */
const FLAGGED_MAX = 50

/** The sales and undone sales of a period, by their posting at the site's revenue. ?1 and ?2 are the days, ?3 the site. */
const SALES = `
FROM account AS revenue
JOIN posting ON posting.account = revenue.id AND posting.day BETWEEN ?1 AND ?2
JOIN transfer ON transfer.id = posting.transfer
WHERE revenue.kind = 'revenue' AND (?3 IS NULL OR revenue.site = ?3)`

const SITES = `
SELECT site.id, site.name, coalesce(sold, 0) AS sold, coalesce(undone, 0) AS undone,
  coalesce(refunded, 0) AS refunded, coalesce(amount, 0) AS amount
FROM site
LEFT JOIN (
  SELECT revenue.site, sum(transfer.kind = 'purchase') AS sold, sum(transfer.kind = 'reversal') AS undone,
    sum(iif(transfer.kind = 'sale_refund', transfer.amount, 0)) AS refunded, sum(posting.amount) AS amount ${SALES} GROUP BY revenue.site
) AS sales ON sales.site = site.id
WHERE ?3 IS NULL OR site.id = ?3
ORDER BY site.name`

const PRODUCTS = `
SELECT moved.site, line.value ->> 'product' AS product, product.name,
  sum(iif(moved.kind = 'purchase', line.value ->> 'quantity', 0)) AS sold,
  sum(iif(moved.kind = 'reversal', line.value ->> 'quantity', 0)) AS undone,
  sum((line.value ->> 'quantity') * (line.value ->> 'price') * iif(moved.kind = 'purchase', 1, -1)) AS amount
FROM (SELECT revenue.site, transfer.kind, transfer.sale ${SALES} AND transfer.kind IN ('purchase', 'reversal')) AS moved
JOIN transfer ON transfer.id = moved.sale
JOIN message ON ${BOOKED_MESSAGE}
JOIN json_each(message.lines) AS line
LEFT JOIN product ON product.id = line.value ->> 'product'
GROUP BY 1, 2 ORDER BY moved.site, amount DESC, product.name`

/** Each transfer once, by its posting at the account that was debited. */
const MOVEMENTS = `
SELECT transfer.kind, debited.kind AS "from", credited.kind AS "to", count(*) AS count, sum(transfer.amount) AS amount
FROM posting
JOIN transfer ON transfer.id = posting.transfer AND transfer.debit_account = posting.account
JOIN account AS debited ON debited.id = transfer.debit_account
JOIN account AS credited ON credited.id = transfer.credit_account
WHERE posting.day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR debited.site = ?3 OR credited.site = ?3)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`

/** Advices that were booked though a request of the same sale would have been declined. */
const FLAGGED = `
FROM (SELECT transfer.id AS sale, transfer.amount, transfer.at AS booked_at ${SALES} AND transfer.kind = 'purchase') AS moved
JOIN message ON message.sale = moved.sale AND message.kind = 'advice' AND message.outcome = 'approved'
  AND message.reason IS NOT NULL`

/**
 * What was booked in a period, all of it or what belongs to one site. Flagged sales are named with the account, so the
 * viewer is recorded as having looked at those children.
 */
export async function report(
  db: D1Database,
  { from, to, site }: Period & { site: number | null },
  viewer: Actor,
  nowMs: number,
): Promise<Report | 'site_unknown'> {
  const newest = `${FLAGGED} ORDER BY moved.booked_at DESC, moved.sale LIMIT ${FLAGGED_MAX}`
  const read = (sql: string) => db.prepare(sql).bind(from, to, site)
  const [, sites, products, movements, reasons, late, sales, declined] = await db.batch([
    viewedAmong(
      db,
      {
        // `viewedAmong` has parameters of its own before these, so they are numbered anew.
        children: `SELECT account.child FROM account WHERE account.id IN (SELECT message.account
          ${newest.replaceAll('?1', '?6').replaceAll('?2', '?7').replaceAll('?3', '?8')})`,
        bind: [from, to, site],
      },
      viewer,
      nowMs,
    ),
    read(SITES),
    read(PRODUCTS),
    read(MOVEMENTS),
    read(`SELECT message.reason, count(*) AS count, sum(moved.amount) AS amount ${FLAGGED} GROUP BY 1 ORDER BY 1`),
    read(
      `SELECT count(*) AS count, coalesce(sum(transfer.amount), 0) AS amount ${SALES}
         AND transfer.kind = 'purchase' AND transfer.day < posting.day`,
    ),
    read(`SELECT moved.sale, message.terminal, message.account, moved.amount, message.reason, message.at ${newest}`),
    db
      .prepare(
        `SELECT message.reason, count(*) AS count FROM message JOIN terminal ON terminal.id = message.terminal
         WHERE message.outcome = 'declined' AND message.received_at >= ?1 AND message.received_at < ?2
           AND (?3 IS NULL OR terminal.site = ?3)
         GROUP BY 1 ORDER BY 1`,
      )
      .bind(copenhagenMidnight(from), copenhagenMidnight(addDays(to, 1)), site),
  ])
  const found = rows<Report['sites'][number]>(sites)
  if (site !== null && found.length === 0) return 'site_unknown'
  return {
    from,
    to,
    site: site === null ? null : (found[0] ?? null) && { id: site, name: found[0]?.name ?? '' },
    sites: found,
    products: rows(products),
    movements: rows(movements),
    flags: {
      reasons: rows(reasons),
      late: rows<Report['flags']['late']>(late)[0] ?? { count: 0, amount: 0 },
      sales: rows(sales),
    },
    declined: rows(declined),
  }
}

const rows = <Row>(answer: D1Result | undefined) => (answer?.results ?? []) as Row[]

/**
 * A municipality must notify Finanstilsynet once what was paid with its card in twelve months passes a million euro
 * (PSD2, article 37(2)). The krone is held at 7.46038 to the euro, within 2.25 %; a rounded rate is near enough to see
 * it coming.
 */
const NOTIFY_EUROS = 1_000_000
const EURO_ORE = 746

/** What was paid from accounts in the 365 days up to today: sales less those undone, and cards' fees. */
export async function volume(db: D1Database, nowMs: number): Promise<Volume> {
  const to = copenhagenDay(nowMs)
  const from = addDays(to, -364)
  const months = await db
    .prepare(
      `SELECT substr(posting.day, 1, 7) AS month, sum(posting.amount) AS amount
       FROM account JOIN posting ON posting.account = account.id AND posting.day BETWEEN ?1 AND ?2
       JOIN transfer ON transfer.id = posting.transfer
       JOIN account AS debited ON debited.id = transfer.debit_account
       WHERE (account.kind = 'revenue' AND transfer.kind IN ('purchase', 'reversal', 'sale_refund'))
         OR (account.kind = 'card_fee_revenue' AND transfer.kind = 'card_fee' AND debited.kind = 'wallet')
       GROUP BY 1 ORDER BY 1`,
    )
    .bind(from, to)
    .all<Volume['months'][number]>()
  const amount = months.results.reduce((sum, each) => sum + each.amount, 0)
  const limit = NOTIFY_EUROS * EURO_ORE
  return {
    from,
    to,
    months: months.results,
    amount,
    limit,
    percent: Math.floor((amount * 100) / limit),
    reached: amount > limit,
  }
}
