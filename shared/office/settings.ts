import { z } from 'zod'
import { Amount, TokenType } from '../debit.ts'
import { Mail, Name, Text } from '../fields.ts'
import { OfflineRules } from './sites.ts'

/**
 * What a municipality has settled about money, amounts in øre: how much one deposit may be, below which balance a top-up
 * fires and at which an agreement comes into force, how many top-ups a day and how large the payouts of a day may be for
 * one account, for how many days a payout goes back to the card that paid (0 for never), and what a new card costs.
 */
export const MoneySettings = z
  .object({
    depositMin: Amount,
    depositMax: Amount,
    topUpThreshold: Amount,
    topUpActivation: Amount,
    topUpsPerDay: z.int().min(1).max(20),
    payoutDayMax: Amount,
    refundDays: z.int().min(0).max(150),
    cardFee: z.int().min(0),
    bankRegistration: z.string().nullable(),
    bankAccount: z.string().nullable(),
    bankFileVersion: z.enum(['03', '09']),
  })
  .meta({ id: 'MoneySettings' })

/**
 * How long is kept what nobody needs any more: what an erased child's books still hold, in financial years after its
 * newest entry (the bookkeeping act, section 12, asks for five), closed support cases, and who looked at whom with what
 * guardians did, in months.
 */
export const KeepSettings = z
  .object({
    booksYears: z.int().min(5).max(30),
    casesMonths: z.int().min(1).max(240),
    viewingsMonths: z.int().min(1).max(240),
  })
  .meta({ id: 'KeepSettings' })

/**
 * What a municipality tells parents about itself, the address that its mail comes from, its rules for money, and what its
 * terminals may do offline where their site has no limits of its own.
 */
export const Settings = z
  .object({
    name: z.string(),
    supportPhone: z.string().nullable(),
    supportMail: z.string().nullable(),
    supportHours: z.object({ da: z.string().nullable(), en: z.string().nullable() }),
    mailFrom: z.string().nullable(),
    money: MoneySettings,
    offline: OfflineRules.extend({ tokenTypes: z.array(TokenType) }),
    keep: KeepSettings.default({ booksYears: 5, casesMonths: 24, viewingsMonths: 24 }),
  })
  .meta({ id: 'Settings' })

/** What is left out stays as it is; null takes a setting away. */
export const SettingsCall = z.strictObject({
  name: Name.optional(),
  supportPhone: z
    .string()
    .trim()
    .regex(/^\+?\d[\d ]{2,28}\d$/, 'a telephone number has digits and blanks')
    .nullable()
    .optional(),
  supportMail: Mail.nullable().optional(),
  supportHours: z
    .strictObject({ da: Text.min(1).max(200).nullable().optional(), en: Text.min(1).max(200).nullable().optional() })
    .optional(),
  mailFrom: Mail.nullable().optional(),
  money: MoneySettings.extend({
    bankRegistration: z
      .string()
      .regex(/^\d{4}$/, 'a registration number has four digits')
      .nullable(),
    bankAccount: z
      .string()
      .regex(/^\d{1,10}$/, 'an account number has up to ten digits')
      .nullable(),
  })
    .partial()
    .strict()
    .optional(),
  offline: OfflineRules.extend({ tokenTypes: z.array(TokenType).max(3) })
    .partial()
    .strict()
    .optional(),
  keep: KeepSettings.partial().strict().optional(),
})
