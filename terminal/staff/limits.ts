import { type Command, Option } from 'commander'
import { Language } from '../../shared/wire.ts'
import { countArgument, kronerOrZeroArgument, orNone } from './command.ts'

/** What a terminal may do offline, as options of a command: for a site, and for the municipality. */
export type GivenLimits = Partial<{
  saleMax: number | '' | undefined
  cardSumMax: number | '' | undefined
  weakSaleMax: number | '' | undefined
  weakCardSumMax: number | '' | undefined
  unsentCountMax: number | '' | undefined
  unsentSumMax: number | '' | undefined
  listAgeMax: number | '' | undefined
  displayLanguage: string | undefined
}>

const HOUR_MS = 3_600_000

/** For a refusal that names what could have been given. */
export const LIMIT_OPTIONS = '--sale-max, --card-sum-max, --unsent-sum-max, …'

const kroner = orNone(kronerOrZeroArgument)
const count = orNone(countArgument)

/** A command with an option for each limit; '' takes one away. */
export function limitOptions(command: Command): Command {
  return command
    .option('--sale-max <kroner>', 'the largest single sale offline', kroner)
    .option('--card-sum-max <kroner>', 'the most on one card since the last contact', kroner)
    .option('--weak-sale-max <kroner>', 'the largest single sale on a card without a token', kroner)
    .option('--weak-card-sum-max <kroner>', 'the most on one card without a token', kroner)
    .option('--unsent-count-max <count>', 'how many messages may wait; a sale makes two', count)
    .option('--unsent-sum-max <kroner>', 'what all that waits may come to', kroner)
    .option('--list-age-max <hours>', 'how old the card list may be', count)
    .addOption(
      new Option('--display-language <language>', 'what the display speaks').choices(['', ...Language.options]),
    )
}

/** The limits that were given, as the worker names them: null for what is taken away. */
export function limitsOf({
  listAgeMax,
  displayLanguage,
  ...given
}: GivenLimits): Record<string, number | string | null> {
  const hours = listAgeMax === '' || listAgeMax === undefined ? listAgeMax : listAgeMax * HOUR_MS
  const all = { ...given, listAgeMaxMs: hours, language: displayLanguage }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value === '' ? null : value]])),
  )
}

/** An age in hours: '24 h', '1,5 h'. */
export function hoursCell(ageMs: number): string {
  return `${String(Math.round((ageMs / HOUR_MS) * 10) / 10).replace('.', ',')} h`
}
