import { type Command, InvalidArgumentError, Option } from 'commander'
import type { z } from 'zod'
import { TokenType } from '../../shared/debit.ts'
import { MoneySettings, Settings, SettingsCall } from '../../shared/office/settings.ts'
import { command, countArgument, group, kronerArgument, kronerOrZeroArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { type GivenLimits, hoursCell, limitOptions, limitsOf } from './limits.ts'
import { amount, counted, plain } from './output.ts'

type Money = z.infer<typeof MoneySettings>

type SetOptions = {
  name?: string
  supportPhone?: string
  supportMail?: string
  supportHoursDa?: string
  supportHoursEn?: string
  mailFrom?: string
  tokens?: string[]
  keepBooksYears?: number
  keepCasesMonths?: number
  keepViewingsMonths?: number
} & Partial<Money> &
  GivenLimits

/** `klubkort settings …`: what the municipality tells parents about itself, and its rules for money. */
export function settingsCommands(klubkort: Command, desk: Desk) {
  const settings = group(
    klubkort,
    'settings',
    'what parents are told, and the rules for money',
    'klubkort settings show',
  )

  command(settings, 'show', 'show all settings', 'klubkort settings show').action(async () =>
    desk.deliver(told(await read(desk, '/settings', Settings), page)),
  )

  const setting = command(
    settings,
    'set',
    "change the settings that are named; '' takes one away",
    "klubkort settings set --support-phone '70 00 00 00' \\\n    --support-mail support@klubkort.example",
    "klubkort settings set --support-hours-en ''",
    'klubkort settings set --deposit-min 50 --deposit-max 2.000 --card-fee 45',
    'klubkort settings set --sale-max 50 --list-age-max 24 --tokens ntag,ultralight',
  )
    .option('--name <name>', 'the name of the municipality')
    .option('--support-phone <number>', 'where parents call')
    .option('--support-mail <address>', 'where parents write')
    .option('--support-hours-da <text>', 'when somebody is there, in Danish')
    .option('--support-hours-en <text>', 'when somebody is there, in English')
    .option('--mail-from <address>', "the address that the portal's mail comes from")
    .option('--deposit-min <kroner>', 'the smallest deposit', kronerArgument)
    .option('--deposit-max <kroner>', 'the largest deposit', kronerArgument)
    .option('--top-up-threshold <kroner>', 'the balance below which a top-up fires', kronerArgument)
    .option('--top-up-activation <kroner>', 'the balance at which an agreement comes into force', kronerArgument)
    .option('--top-ups-per-day <count>', 'how often a day one account is topped up', countArgument)
    .option('--payout-day-max <kroner>', 'the most that one account is paid out in a day', kronerArgument)
    .option('--refund-days <days>', 'how long a payout goes back to the card that paid; 0 for never', countArgument)
    .option('--card-fee <kroner>', 'what a new card costs; 0 for nothing', kronerOrZeroArgument)
    .option('--bank-registration <digits>', "the registration number of the municipality's own bank account")
    .option('--bank-account <digits>', 'its account number')
    .addOption(
      new Option('--bank-file-version <version>', 'which pain.001 the bank takes').choices(
        MoneySettings.shape.bankFileVersion.options,
      ),
    )
    .option(
      '--tokens <types>',
      "which cards carry a token against copies: classic,ultralight,ntag; '' for none; all begin anew where one is taken away",
      types,
    )
    .option(
      '--keep-books-years <count>',
      'how many financial years the books of an erased child are kept',
      countArgument,
    )
    .option('--keep-cases-months <count>', 'how long closed support cases are kept', countArgument)
    .option('--keep-viewings-months <count>', 'how long it is known who looked at whom', countArgument)
  limitOptions(setting).action(async (options: SetOptions) => desk.deliver(await set(desk, options)))
}

const BANK = ['bankRegistration', 'bankAccount'] as const

function types(text: string): string[] {
  const named = text === '' ? [] : text.split(',').map((type) => type.trim())
  const wrong = named.find((type) => !TokenType.safeParse(type).success)
  if (wrong !== undefined) throw new InvalidArgumentError(`Card types are ${TokenType.options.join(', ')}.`)
  return named
}

async function set(desk: Desk, { json, ...options }: SetOptions & { json?: true }): Promise<Outcome> {
  const { name, supportPhone, supportMail, supportHoursDa, supportHoursEn, mailFrom, tokens, ...others } = options
  const { saleMax, cardSumMax, weakSaleMax, weakCardSumMax, ...more } = others
  const { unsentCountMax, unsentSumMax, listAgeMax, displayLanguage, ...rest } = more
  const { keepBooksYears, keepCasesMonths, keepViewingsMonths, ...rules } = rest
  const caps = { saleMax, cardSumMax, weakSaleMax, weakCardSumMax, unsentCountMax, unsentSumMax, listAgeMax }
  const offline = { ...limitsOf({ ...caps, displayLanguage }), ...(tokens && { tokenTypes: tokens }) }
  if (Object.keys(options).length === 0) return { kind: 'usage', message: 'name a setting to change' }
  const value = <T>(given: T) => (given === '' ? null : given)
  const hours = { da: value(supportHoursDa), en: value(supportHoursEn) }
  const money = { ...rules, ...Object.fromEntries(BANK.map((field) => [field, value(rules[field])])) }
  const kept = [keepBooksYears, keepCasesMonths, keepViewingsMonths]
  const form = {
    name,
    supportPhone: value(supportPhone),
    supportMail: value(supportMail),
    ...((hours.da !== undefined || hours.en !== undefined) && { supportHours: hours }),
    mailFrom: value(mailFrom),
    ...(Object.keys(rules).length > 0 && { money }),
    ...(Object.keys(offline).length > 0 && { offline }),
    ...(kept.some((length) => length !== undefined) && {
      keep: { booksYears: keepBooksYears, casesMonths: keepCasesMonths, viewingsMonths: keepViewingsMonths },
    }),
  }
  return told(await change(desk, '/settings', SettingsCall, form, Settings), page)
}

function page(shown: z.infer<typeof Settings>): string {
  const { name, supportPhone, supportMail, supportHours, mailFrom, money, offline, keep } = shown
  const value = (text: string | null) => (text === null ? '(not set)' : plain(text))
  const { bankRegistration, bankAccount } = money
  return `Name            ${plain(name)}
Support phone   ${value(supportPhone)}
Support mail    ${value(supportMail)}
Support hours   ${value(supportHours.da)}
  in English    ${value(supportHours.en)}
Mail from       ${value(mailFrom)}

Deposit         ${amount(money.depositMin)} to ${amount(money.depositMax)} kr
Top-up          below ${amount(money.topUpThreshold)} kr, at most ${money.topUpsPerDay} a day
  in force from ${amount(money.topUpActivation)} kr
Payout          at most ${amount(money.payoutDayMax)} kr a day
  to the card   ${money.refundDays === 0 ? 'never' : `where it paid in the last ${counted(money.refundDays, 'day')}`}
New card        ${amount(money.cardFee)} kr
Own account     ${bankAccount === null ? value(null) : `${value(bankRegistration)} ${plain(bankAccount)}`}
Bank file       pain.001.001.${money.bankFileVersion}

Offline         a sale up to ${amount(offline.saleMax)} kr, a card up to ${amount(offline.cardSumMax)} kr
  no token      a sale up to ${amount(offline.weakSaleMax)} kr, a card up to ${amount(offline.weakCardSumMax)} kr
  waiting       ${offline.unsentCountMax} messages, ${amount(offline.unsentSumMax)} kr
  card list     at most ${hoursCell(offline.listAgeMaxMs)} old
Tokens          ${offline.tokenTypes.length === 0 ? 'on no cards' : `on ${offline.tokenTypes.join(', ')}`}
Displays        ${offline.language === 'da' ? 'Danish' : 'English'}

Kept            books ${counted(keep.booksYears, 'financial year')}, closed cases ${counted(keep.casesMonths, 'month')}
  viewings      ${counted(keep.viewingsMonths, 'month')}`
}
