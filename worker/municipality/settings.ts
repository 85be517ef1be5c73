import type { z } from 'zod'
import type { Settings, SettingsCall } from '../../shared/office/settings.ts'
import { LIMIT_COLUMNS } from '../terminals/offline-limits.ts'
import { recordedIfChanged } from './audit.ts'

/** What a municipality has settled about itself; what it has not is null. */
export type SettingsView = z.infer<typeof Settings>

type Row = {
  name: string
  supportPhone: string | null
  supportMail: string | null
  supportHoursDa: string | null
  supportHoursEn: string | null
  mailFrom: string | null
  money: string
  offline: string
  keep: string
}

/** The columns of the rules for money, by their names in the settings. */
const MONEY = {
  depositMin: 'deposit_min',
  depositMax: 'deposit_max',
  topUpThreshold: 'top_up_threshold',
  topUpActivation: 'top_up_activation',
  topUpsPerDay: 'top_ups_per_day',
  payoutDayMax: 'payout_day_max',
  refundDays: 'refund_days',
  cardFee: 'card_fee',
  bankRegistration: 'bank_registration',
  bankAccount: 'bank_account',
  bankFileVersion: 'bank_file_version',
} as const satisfies Record<keyof SettingsView['money'], string>

const MONEY_OBJECT = `json_object(${Object.entries(MONEY).map(([name, column]) => `'${name}', ${column}`)})`

/** The columns of what terminals may do offline. */
const OFFLINE = { ...LIMIT_COLUMNS, language: 'display_language' } as const

const OFFLINE_OBJECT = `json_object(${Object.entries(OFFLINE).map(([name, column]) => `'${name}', ${column}`)},
  'tokenTypes', json(token_types))`

/** The columns of how long things are kept. */
const KEEP = {
  booksYears: 'keep_books_years',
  casesMonths: 'keep_cases_months',
  viewingsMonths: 'keep_viewings_months',
} as const satisfies Record<keyof SettingsView['keep'], string>

const KEEP_OBJECT = `json_object(${Object.entries(KEEP).map(([name, column]) => `'${name}', ${column}`)})`

/** What terminals may do offline before a municipality has been set up: nothing. */
const NO_OFFLINE: SettingsView['offline'] = {
  saleMax: 0,
  cardSumMax: 0,
  weakSaleMax: 0,
  weakCardSumMax: 0,
  unsentCountMax: 0,
  unsentSumMax: 0,
  listAgeMaxMs: 0,
  language: 'da',
  tokenTypes: [],
}

/** The rules for money before a municipality has been set up: nothing may move. */
const NO_MONEY: SettingsView['money'] = {
  depositMin: 1,
  depositMax: 1,
  topUpThreshold: 1,
  topUpActivation: 1,
  topUpsPerDay: 1,
  payoutDayMax: 1,
  refundDays: 0,
  cardFee: 0,
  bankRegistration: null,
  bankAccount: null,
  bankFileVersion: '09',
}

/** The settings of a municipality; before it has been set up its name is empty. */
export async function settings(db: D1Database): Promise<SettingsView> {
  return settingsOf(await settingsQuery(db).first())
}

/** The statement that reads the settings, for a batch; `settingsOf` makes them of its first row. */
export function settingsQuery(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `SELECT name, support_phone AS supportPhone, support_mail AS supportMail, support_hours_da AS supportHoursDa,
       support_hours_en AS supportHoursEn, mail_from AS mailFrom, ${MONEY_OBJECT} AS money,
       ${OFFLINE_OBJECT} AS offline, ${KEEP_OBJECT} AS keep
     FROM municipality`,
  )
}

export function settingsOf(found: unknown): SettingsView {
  const row = found as Row | null | undefined
  return {
    name: row?.name ?? '',
    supportPhone: row?.supportPhone ?? null,
    supportMail: row?.supportMail ?? null,
    supportHours: { da: row?.supportHoursDa ?? null, en: row?.supportHoursEn ?? null },
    mailFrom: row?.mailFrom ?? null,
    money: row ? JSON.parse(row.money) : NO_MONEY,
    offline: row ? JSON.parse(row.offline) : NO_OFFLINE,
    keep: row ? JSON.parse(row.keep) : { booksYears: 5, casesMonths: 24, viewingsMonths: 24 },
  }
}

/** What the rules for money must be among each other, whichever of them are changed. */
const SOUND = [
  ['deposit_min', '<=', 'deposit_max'],
  ['top_up_threshold', '<=', 'top_up_activation'],
] as const

/**
 * Changes the settings that are named and leaves the others; null takes one away. Nothing changes where the rules for
 * money would contradict one another, also with what somebody else is changing meanwhile.
 */
export async function changeSettings(
  db: D1Database,
  wanted: z.infer<typeof SettingsCall>,
  staff: number,
  nowMs: number,
): Promise<SettingsView | 'settings_conflict'> {
  const columns = {
    name: wanted.name,
    support_phone: wanted.supportPhone,
    support_mail: wanted.supportMail,
    support_hours_da: wanted.supportHours?.da,
    support_hours_en: wanted.supportHours?.en,
    mail_from: wanted.mailFrom,
    ...Object.fromEntries(
      Object.entries(wanted.money ?? {}).map(([name, value]) => [MONEY[name as keyof typeof MONEY], value]),
    ),
    ...Object.fromEntries(
      Object.entries(OFFLINE).map(([name, column]) => [column, wanted.offline?.[name as keyof typeof OFFLINE]]),
    ),
    ...Object.fromEntries(
      Object.entries(wanted.keep ?? {}).map(([name, value]) => [KEEP[name as keyof typeof KEEP], value]),
    ),
    token_types: wanted.offline?.tokenTypes && JSON.stringify([...new Set(wanted.offline.tokenTypes)].sort()),
  }
  const named = Object.entries(columns).flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]))
  if (named.length === 0) return settings(db)
  const parameters = new Map(named.map(({ column }, index) => [column, `?${index + 1}`]))
  const values = named.map(({ value }) => value)
  const assignments = named.map(({ column }, index) => `${column} = ?${index + 1}`).join(', ')
  const differences = named.map(({ column }, index) => `${column} IS NOT ?${index + 1}`).join(' OR ')
  const sound = SOUND.map((rule) => rule.map((part) => parameters.get(part) ?? part).join(' ')).join(' AND ')
  const changed = named.map(({ column }) => column)
  // A card of a type that is not looked at any more would be refused for showing none, so all of them begin anew.
  const forgotten = db
    .prepare(
      `DELETE FROM card_token WHERE EXISTS (SELECT 1 FROM municipality, json_each(token_types) AS type
         WHERE type.value NOT IN (SELECT value FROM json_each(${parameters.get('token_types')})) AND ${sound})`,
    )
    .bind(...values)
  const answers = await db.batch([
    ...(columns.token_types === undefined ? [] : [forgotten]),
    db.prepare(`UPDATE municipality SET ${assignments} WHERE (${differences}) AND ${sound}`).bind(...values),
    recordedIfChanged(db, { staff, action: 'settings_changed', subject: 'municipality:1', detail: { changed } }, nowMs),
    db.prepare(`SELECT 1 FROM municipality WHERE ${differences}`).bind(...values),
    settingsQuery(db),
  ])
  const [left, row] = answers.slice(-2)
  return left?.results.length ? 'settings_conflict' : settingsOf(row?.results[0])
}
