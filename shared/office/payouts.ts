import { z } from 'zod'
import { Untold } from './children.ts'

/** What staff's command line and the worker say to each other about payouts. Amounts are whole øre. */

const InstantMs = z.int().min(0)
const Sum = z.int().min(0)

export const PayoutId = z.uuid().toLowerCase()

export const PayoutState = z.enum(['requested', 'approved', 'exported', 'paid', 'rejected'])
export type PayoutState = z.infer<typeof PayoutState>

/**
 * A payout as staff see it. `amount` is what left the wallet, `bankAmount` the part of it that goes to the bank; the rest
 * goes back to cards. Of the bank account the last four digits are shown; the whole stands in the bank's file.
 */
export const StaffPayout = z
  .object({
    id: z.uuid(),
    child: z.object({ id: z.int(), name: z.string() }),
    account: z.int(),
    name: z.string(),
    bankAccountEnds: z.string(),
    message: z.string(),
    amount: Sum,
    bankAmount: Sum,
    state: PayoutState,
    requestedAt: InstantMs,
    approvedBy: z.string().nullable(),
    approvedAt: InstantMs.nullable(),
    file: z.uuid().nullable(),
    reason: z
      .string()
      .nullable()
      .meta({ description: "why it came back: staff's words, or the bank's code and what it means" }),
    settledAt: InstantMs.nullable(),
  })
  .meta({ id: 'Payout' })

/** A payout that was rejected just now, and whether its guardian could be told. */
export const RejectedPayout = StaffPayout.extend({ untold: Untold }).meta({ id: 'RejectedPayout' })

/** 'open' is what is requested, approved or exported. `offset` is how many payouts to pass over. */
export const PayoutsQuery = z.object({
  state: z.enum(['open', 'all', ...PayoutState.options]).default('open'),
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
})
export const StaffPayouts = z.object({
  payouts: z.array(StaffPayout),
  more: z.boolean().meta({ description: 'whether payouts follow after these' }),
})

export const RejectCall = z.strictObject({
  reason: z
    .string()
    .trim()
    .min(3)
    .max(200)
    .regex(/^\P{Cc}*$/u, 'no control characters')
    .meta({ description: 'what the parent is told' }),
})

export const BankFileVersion = z.enum(['03', '09'])

/** `id` is a UUIDv7 made by the caller: the same export again is the same file. The day is the next weekday by default. */
export const ExportCall = z.strictObject({
  id: z.uuidv7().toLowerCase(),
  version: BankFileVersion.optional(),
  executionDay: z.iso.date().optional(),
})

export const BankFile = z
  .object({
    id: z.uuid(),
    version: BankFileVersion,
    executionDay: z.string(),
    count: z.int().min(1),
    sum: Sum,
    staff: z.string(),
    createdAt: InstantMs,
  })
  .meta({ id: 'BankFile' })
export const BankFiles = z.object({ files: z.array(BankFile).meta({ description: 'the newest first, at most 100' }) })
export const BankFileContent = BankFile.extend({ xml: z.string() }).meta({ id: 'BankFileContent' })

/** `reason` is what the parents are told. */
export const ReleaseCall = RejectCall

/** The payouts that are back in their wallets now. With `more` there are more than one call takes: ask again. */
export const ReleaseAnswer = z
  .object({ file: z.uuid(), released: z.array(z.uuid()), untold: Untold, more: z.boolean() })
  .meta({ id: 'ReleasedFile' })

/** The bank's status report (pain.002) as it came. */
export const ImportStatusCall = z.strictObject({ report: z.string().min(1) })

/**
 * What a report changed. `unknown` are ids in it that are of no payout in its file; `contradicted` payouts that it calls
 * paid and that have come back already; `withheld` those that it calls sent back after a report of the same person called
 * them paid, so that somebody else has to take it in. With `more` there is more in the report than one call takes: send it again.
 */
export const ImportStatusAnswer = z
  .object({
    file: z.uuid(),
    paid: z.array(z.uuid()),
    returned: z.array(z.object({ payout: z.uuid(), reason: z.string() })),
    unchanged: z.int().min(0),
    untold: Untold,
    unknown: z.array(z.string()),
    contradicted: z.array(z.uuid()),
    withheld: z.array(z.uuid()),
    more: z.boolean(),
  })
  .meta({ id: 'ImportStatus' })
