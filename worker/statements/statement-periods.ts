import { addDays } from '../../shared/copenhagen.ts'
import type { Period } from './statements.ts'

/**
 * The day that a text means: as a date field sends it, '2026-11-21', or as Danes write it: '21-11-2026', '21.11.2026',
 * '21/11-2026'. Null for every other text, and for a day that no calendar has.
 */
export function parseDay(text: string): string | null {
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  const danish = /^(\d{1,2})[-./](\d{1,2})[-./](\d{4})$/.exec(text)
  const [year, month, date] = iso ? iso.slice(1) : danish ? danish.slice(1).reverse() : []
  if (!year || !month || !date) return null
  const day = `${year}-${month.padStart(2, '0')}-${date.padStart(2, '0')}`
  const midnight = Date.parse(`${day}T00:00:00Z`)
  return Number.isNaN(midnight) || addDays(day, 0) !== day ? null : day
}

/** A day as Danes write it: '2026-11-21' becomes '21-11-2026'. */
export function danishDay(day: string): string {
  return day.split('-').reverse().join('-')
}

/** What was asked for, as it was typed; what is missing or empty is left to the default. */
export type AskedPeriod = { from: string | undefined; to: string | undefined }

/** What is wrong with a typed day, or with the two together. */
export type PeriodFault = 'not_a_day' | 'too_early' | 'in_future' | 'reversed' | 'too_long'

/** How long a period may be, and the first day that one may begin on: no municipality had the card before. */
const YEARS_MAX = 5
const FIRST_DAY = '2000-01-01'
const DEFAULT_DAYS = 30

/** The period that is asked for: the newest 30 days up to `today` where nothing is; or what is wrong, field by field. */
export function periodOf(
  asked: AskedPeriod,
  today: string,
): { kind: 'period'; period: Period } | { kind: 'faults'; faults: { from?: PeriodFault; to?: PeriodFault } } {
  const to = asked.to?.trim() ? dayTyped(asked.to.trim(), today) : { day: today }
  if ('fault' in to) {
    const from = asked.from?.trim() ? dayTyped(asked.from.trim(), today) : null
    return { kind: 'faults', faults: { to: to.fault, ...(from && 'fault' in from && { from: from.fault }) } }
  }
  const from = asked.from?.trim() ? dayTyped(asked.from.trim(), today) : { day: addDays(to.day, 1 - DEFAULT_DAYS) }
  if ('fault' in from) return { kind: 'faults', faults: { from: from.fault } }
  if (from.day > to.day) return { kind: 'faults', faults: { to: 'reversed' } }
  const last = `${Number(from.day.slice(0, 4)) + YEARS_MAX}${from.day.slice(4)}`
  if (to.day > last) return { kind: 'faults', faults: { from: 'too_long' } }
  return { kind: 'period', period: { from: from.day, to: to.day } }
}

function dayTyped(text: string, today: string): { day: string } | { fault: PeriodFault } {
  const day = parseDay(text)
  if (day === null) return { fault: 'not_a_day' }
  if (day < FIRST_DAY) return { fault: 'too_early' }
  if (day > today) return { fault: 'in_future' }
  return { day }
}

/** The periods that are one press away. */
export function usualPeriods(today: string): { thisMonth: Period; lastMonth: Period; thisYear: Period } {
  const monthBegins = `${today.slice(0, 8)}01`
  const lastMonthEnds = addDays(monthBegins, -1)
  return {
    thisMonth: { from: monthBegins, to: today },
    lastMonth: { from: `${lastMonthEnds.slice(0, 8)}01`, to: lastMonthEnds },
    thisYear: { from: `${today.slice(0, 4)}-01-01`, to: today },
  }
}
