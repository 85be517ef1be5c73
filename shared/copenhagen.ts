const calendar = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Copenhagen', dateStyle: 'short' })

/** The Copenhagen day that contains an instant: epoch milliseconds to 'YYYY-MM-DD'. */
export function copenhagenDay(atMs: number): string {
  return calendar.format(atMs)
}

/*
 * Whole days are texts 'YYYY-MM-DD', which sort as they follow one another, and are counted in UTC, where every day is
 * as long as the others. No zone is involved: which day it is in Copenhagen has been settled before.
 */

const DAY_MS = 86_400_000

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
const msOf = (day: string) => Date.parse(`${day}T00:00:00Z`)

/** The day that comes so many days after another; before it, where `days` is negative. */
export function addDays(day: string, days: number): string {
  return dayOf(msOf(day) + days * DAY_MS)
}

/** The Monday that begins the ISO 8601 week of a day. */
export function mondayOf(day: string): string {
  return addDays(day, -((new Date(msOf(day)).getUTCDay() + 6) % 7))
}

/** The number of a day's ISO 8601 week, and the year that it belongs to: that of its Thursday. */
export function isoWeek(day: string): { year: number; week: number } {
  const thursday = addDays(mondayOf(day), 3)
  const year = Number(thursday.slice(0, 4))
  return { year, week: 1 + Math.floor((msOf(thursday) - msOf(`${year}-01-01`)) / (7 * DAY_MS)) }
}

/** The instant at which a day begins in Copenhagen, epoch milliseconds. */
export function copenhagenMidnight(day: string): number {
  const utc = msOf(day)
  const hour = DAY_MS / 24
  // An hour ahead of UTC in winter, two in summer; the clocks are changed later in the night than this.
  return copenhagenDay(utc - 2 * hour) === day ? utc - 2 * hour : utc - hour
}
