import type { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { DayClosing, DaysQuery, TerminalDay } from '../../shared/office/days.ts'
import { refundedOf } from '../ledger/transfers.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { atTerminal, SOLD, undoneOf } from './sales.ts'

/**
 * A terminal's day, closed by whoever counts it. A closing stays as it was made; what is sold before and delivered after
 * it, or undone since, shows as the difference. Days are those that sales count for, so a sale of the day that waits in
 * the terminal is among them once it has come.
 */

type Figures = Pick<TerminalDay, 'sales' | 'amount' | 'undone' | 'offline' | 'refunded'>

/** SQL: the figures of terminal ?1 on day ?2: one row. */
const FIGURES = `
SELECT count(*) FILTER (WHERE NOT undone) AS sales,
  coalesce(sum(amount - refunded) FILTER (WHERE NOT undone), 0) AS amount,
  count(*) FILTER (WHERE undone) AS undone,
  count(*) FILTER (WHERE NOT undone AND offline) AS offline,
  coalesce(sum(refunded) FILTER (WHERE NOT undone), 0) AS refunded
FROM (
  SELECT paid.amount, ${undoneOf('paid.id')} AS undone, said.kind = 'advice' AS offline,
    ${refundedOf('paid.id')} AS refunded
  FROM transfer AS paid INDEXED BY transfer_of_day ${SOLD}
  WHERE paid.kind = 'purchase' AND paid.day = ?2 AND ${atTerminal('?1')})`

const CLOSINGS = `
SELECT day_closing.terminal, till.name AS terminalName, site.id AS site, site.name AS siteName, day_closing.day,
  staff_token.name AS staff, day_closing.at, sales, amount, undone, offline, refunded,
  day_closing.unsent_count AS unsentCount, day_closing.unsent_sum AS unsentSum
FROM day_closing
JOIN terminal AS till ON till.id = day_closing.terminal
JOIN site ON site.id = till.site
JOIN staff_token ON staff_token.id = day_closing.staff`

type ClosingRow = Omit<DayClosing, 'site' | 'unsent'> & {
  site: number
  siteName: string
  unsentCount: number | null
  unsentSum: number | null
}

const closingOf = ({ site, siteName, unsentCount, unsentSum, ...row }: ClosingRow): DayClosing => ({
  ...row,
  site: { id: site, name: siteName },
  unsent: unsentCount === null ? null : { count: unsentCount, sum: unsentSum ?? 0 },
})

type TillRow = {
  name: string
  site: number
  siteName: string
  unsentCount: number | null
  unsentSum: number | null
  unsentSince: number | null
  lastSeenAt: number | null
}

/** The statements that read a terminal's day, for a batch; `dayOf` makes it of their results. */
function dayQueries(db: D1Database, terminal: string, day: string, staff: Staff): D1PreparedStatement[] {
  return [
    db
      .prepare(
        `SELECT till.name, site.id AS site, site.name AS siteName, unsent_count AS unsentCount,
           unsent_sum AS unsentSum, unsent_since AS unsentSince, last_seen_at AS lastSeenAt
         FROM terminal AS till JOIN site ON site.id = till.site
         WHERE till.id = ?1 AND till.branch_of IS NULL AND ${withinSites('till.site', '?2')}`,
      )
      .bind(terminal, sitesOf(staff)),
    db.prepare(FIGURES).bind(terminal, day),
    db.prepare(`${CLOSINGS} WHERE day_closing.terminal = ?1 AND day_closing.day = ?2`).bind(terminal, day),
  ]
}

function dayOf(terminal: string, day: string, found: D1Result[]): TerminalDay | null {
  const [till, figures, closings] = found.map(({ results }) => results[0])
  if (!till) return null
  const { name, site, siteName, unsentCount, unsentSum, unsentSince, lastSeenAt } = till as TillRow
  const now = figures as Figures
  const closing = closings ? closingOf(closings as ClosingRow) : null
  return {
    ...{ terminal, terminalName: name, site: { id: site, name: siteName }, day },
    ...now,
    unsent:
      unsentCount === null
        ? null
        : { count: unsentCount, sum: unsentSum ?? 0, since: unsentSince, asOf: lastSeenAt ?? 0 },
    closing,
    since: closing && { sales: now.sales - closing.sales, amount: now.amount - closing.amount },
  }
}

/** A terminal's day as it is now; null where there is no such terminal at the sites of whoever asks. */
export async function terminalDay(
  db: D1Database,
  { terminal, day }: { terminal: string; day: string },
  staff: Staff,
): Promise<TerminalDay | null> {
  return dayOf(terminal, day, await db.batch(dayQueries(db, terminal, day, staff)))
}

/** Closes a terminal's day, once: again tells the first closing, and what has come since. A day to come is not closed. */
export async function closeDay(
  db: D1Database,
  { terminal, day }: { terminal: string; day: string },
  staff: Staff,
  nowMs: number,
): Promise<TerminalDay | 'not_found' | 'day_to_come'> {
  if (day > copenhagenDay(nowMs)) return 'day_to_come'
  const answers = await db.batch([
    db
      .prepare(
        `INSERT INTO day_closing (terminal, day, staff, at, sales, amount, undone, offline, refunded, unsent_count,
           unsent_sum)
         SELECT till.id, ?2, ?3, ?4, figures.sales, figures.amount, figures.undone, figures.offline, figures.refunded,
           till.unsent_count, till.unsent_sum
         FROM terminal AS till JOIN (${FIGURES}) AS figures
         WHERE till.id = ?1 AND till.branch_of IS NULL AND ${withinSites('till.site', '?5')}
         ON CONFLICT DO NOTHING`,
      )
      .bind(terminal, day, staff.id, nowMs, sitesOf(staff)),
    recordedIfChanged(
      db,
      { staff: staff.id, action: 'day_closed', subject: `terminal:${terminal}`, detail: { day } },
      nowMs,
    ),
    ...dayQueries(db, terminal, day, staff),
  ])
  return dayOf(terminal, day, answers.slice(2)) ?? 'not_found'
}

const PAGE = 100

/** The days that were closed, the newest first. */
export async function dayClosings(
  db: D1Database,
  { terminal, site, offset }: z.output<typeof DaysQuery>,
  staff: Staff,
): Promise<{ closings: DayClosing[]; more: boolean }> {
  const found = await db
    .prepare(
      `${CLOSINGS}
       WHERE (?1 IS NULL OR day_closing.terminal = ?1) AND (?2 IS NULL OR site.id = ?2) AND ${withinSites('site.id', '?3')}
       ORDER BY day_closing.day DESC, site.name, till.name LIMIT ${PAGE + 1} OFFSET ?4`,
    )
    .bind(terminal ?? null, site ?? null, sitesOf(staff), offset)
    .all<ClosingRow>()
  return { closings: found.results.slice(0, PAGE).map(closingOf), more: found.results.length > PAGE }
}
