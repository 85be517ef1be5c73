const calendar = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Copenhagen', dateStyle: 'short' })

/** The Copenhagen day that contains an instant: epoch milliseconds to 'YYYY-MM-DD'. */
export function copenhagenDay(atMs: number): string {
  return calendar.format(atMs)
}
