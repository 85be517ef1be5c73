const FORM = /^(\d\d)(\d\d)(\d\d)-?(\d)(\d{3})$/

/**
 * A CPR number as ten digits, out of ten digits with or without the hyphen; null for anything that cannot be one. The
 * old check digit says nothing any more: since 2007 numbers are given out that fail it.
 */
export function parseCpr(text: string): string | null {
  return bornOn(text) === null ? null : text.trim().replace('-', '')
}

/**
 * The date of birth in a CPR number, 'YYYY-MM-DD'; null where it is no date of the calendar. The first six digits are
 * the date, and the seventh tells its century (the CPR Office's "Personnummeret i CPR").
 */
export function bornOn(text: string): string | null {
  const [, day = '', month = '', year = '', seventh = ''] = FORM.exec(text.trim()) ?? []
  const date = `${centuryOf(Number(seventh), Number(year))}${year}-${month}-${day}`
  const instant = Date.parse(`${date}T00:00:00Z`)
  // Some engines take the 30th of February for the 1st of March.
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(date) ? date : null
}

function centuryOf(seventh: number, year: number): 18 | 19 | 20 {
  if (seventh <= 3) return 19
  if (seventh === 4 || seventh === 9) return year <= 36 ? 20 : 19
  return year <= 57 ? 20 : 18
}
