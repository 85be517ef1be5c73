import { kroner, type Ore } from '../../shared/money.ts'
import type { Language } from '../../shared/wire.ts'

/** The same form in both languages. A formatter is dear to make, and is made once. */
function inBoth(form: Intl.DateTimeFormatOptions): Record<Language, Intl.DateTimeFormat> {
  const inCopenhagen = { ...form, timeZone: 'Europe/Copenhagen' }
  return { da: new Intl.DateTimeFormat('da-DK', inCopenhagen), en: new Intl.DateTimeFormat('en-GB', inCopenhagen) }
}

const LONG_DAY = inBoth({ dateStyle: 'full' })
const SHORT_INSTANT = inBoth({
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

/** Keeps an amount and its unit on one line. */
const NO_BREAK_SPACE = '\u00a0'
/** A line may end after a hyphen, even before a space that does not break (Unicode annex 14, LB12a). */
const WORD_JOINER = '\u2060'

/** An amount of øre as plain text has it, in either language: 123450 becomes '1.234,50 kr.'. */
export function plainKr(amount: number): string {
  return `${kroner(amount as Ore)} kr.`
}

/** An amount of øre as pages write it, in either language: as `plainKr`, and it stays on one line. */
export function kr(amount: number): string {
  return `${kroner(amount as Ore)}${NO_BREAK_SPACE}kr.`
}

/** A round amount of øre as the guide writes it, in either language: 5000 becomes '50,- kr.', 5050 '50,50 kr.'. */
export function evenKr(amount: number): string {
  return kr(amount).replace(/,00(?=\s)/, `,-${WORD_JOINER}`)
}

/** A whole number as pages write it, in either language: 10000 becomes '10.000'. */
export function wholeNumber(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, '.')
}

/** An amount of øre as a form field holds it: 123450 becomes '1234,50'. */
export function amountField(amount: number): string {
  return kroner(amount as Ore).replaceAll('.', '')
}

/** The weekday and day of an instant, in Copenhagen: 'fredag den 20. november 2026'. */
export function longDay(language: Language, atMs: number): string {
  return LONG_DAY[language].format(atMs)
}

/** Weekday, day and time of an instant, in Copenhagen, short: 'fre. 20. nov. 2026, 12.05'. */
export function shortInstant(language: Language, atMs: number): string {
  return SHORT_INSTANT[language].format(atMs)
}

/** The first word of a child's name, where the whole is too long to say. */
export function firstName(name: string): string {
  return name.split(' ', 1)[0] ?? name
}
