import { z } from 'zod'
import { addDays } from '../copenhagen.ts'
import { DeclineReason } from '../debit.ts'

/** What staff are told of the book; the staff API's forms. Amounts are whole øre, days are Copenhagen days. */

const Count = z.int().min(0)
const Ore = z.int()
const Id = z.int().min(1)
const InstantMs = z.int().min(0)

/** A day that the calendar has, 'YYYY-MM-DD'. */
export const Day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'a day is YYYY-MM-DD')
  .refine((day) => !Number.isNaN(Date.parse(`${day}T00:00:00Z`)) && addDays(day, 0) === day, 'no such day')

/** How many days one report may be of. */
const REPORT_DAYS_MAX = 366

/** Days from `from` to `to`, both included. */
export const ReportQuery = z
  .object({ from: Day, to: Day, site: z.coerce.number().pipe(z.int().min(1)).optional() })
  .refine(({ from, to }) => from <= to, 'to: before from')
  .refine(({ from, to }) => addDays(from, REPORT_DAYS_MAX) > to, `to: at most ${REPORT_DAYS_MAX} days`)

export const AccountKind = z.enum([
  'wallet',
  'revenue',
  'psp_clearing',
  'psp_fees',
  'payouts_payable',
  'card_fee_revenue',
  'bank',
  'suspense',
])
export type AccountKind = z.infer<typeof AccountKind>

/**
 * What a product brought in: how many were sold and how many undone, and the amount of both together. `product` is null
 * for amounts that staff keyed in, and `name` where no such product is known.
 */
export const ProductSales = z.object({
  site: Id,
  product: Id.nullable(),
  name: z.string().nullable(),
  sold: Count,
  undone: Count,
  amount: Ore,
})

/**
 * Everything that was booked in a period, by the day of booking, so that the report of a day that is over does not
 * change: a sale that is undone later is taken off on the day on which that happened. With a site, only what is the
 * site's.
 */
export const Report = z
  .object({
    from: z.string(),
    to: z.string(),
    site: z.object({ id: Id, name: z.string() }).nullable(),
    sites: z.array(
      z.object({ id: Id, name: z.string(), sold: Count, undone: Count, refunded: Count.default(0), amount: Ore }),
    ),
    products: z.array(ProductSales),
    movements: z
      .array(z.object({ kind: z.string(), from: AccountKind, to: AccountKind, count: Count, amount: Count }))
      .meta({ description: 'every transfer of the period, out of accounts of one kind into accounts of another' }),
    flags: z
      .object({
        reasons: z.array(z.object({ reason: z.string(), count: Count, amount: Count })),
        late: z.object({ count: Count, amount: Count }),
        sales: z.array(
          z.object({
            sale: z.string(),
            terminal: z.string(),
            account: Id.nullable(),
            amount: Count,
            reason: z.string(),
            at: InstantMs,
          }),
        ),
      })
      .meta({
        description:
          'advices that were booked though a request would have been declined (the newest 50 are named), and sales that were booked on a later day than they were made',
      }),
    declined: z.array(z.object({ reason: DeclineReason, count: Count })),
  })
  .meta({ id: 'Report' })
export type Report = z.infer<typeof Report>

/**
 * What is owed, what is held, and what is the municipality's own. `claims` is what others owe it: wallets below zero, and
 * what was credited to wallets before its money was settled. By the book, owed − claims + own − held is 0.
 */
export const Liabilities = z
  .object({
    owed: z.object({ wallets: Count, payouts: Ore, suspense: Count, total: Ore }),
    claims: z.object({ wallets: Count, suspense: Count, total: Count }),
    held: z.object({ bank: Ore, stripe: Ore, total: Ore }),
    own: z.object({ sales: Ore, cardFees: Ore, stripeFees: Ore, total: Ore }),
    difference: Ore.meta({ description: 'owed − claims + own − held; anything but 0 is a broken book' }),
    covered: z.boolean().meta({ description: 'whether what is held is at least what is owed' }),
    missing: Count,
    wallets: z.object({ count: Count, largest: Ore, below: Count.meta({ description: 'how many are below zero' }) }),
  })
  .meta({ id: 'Liabilities' })
export type Liabilities = z.infer<typeof Liabilities>

/** What was paid with the card in the 365 days up to `to`, month by month, against the sum that must be notified. */
export const Volume = z
  .object({
    from: z.string(),
    to: z.string(),
    months: z.array(z.object({ month: z.string(), amount: Ore })),
    amount: Ore,
    limit: Count,
    percent: z.int(),
    reached: z.boolean(),
  })
  .meta({ id: 'Volume' })
export type Volume = z.infer<typeof Volume>

/**
 * One thing that the book and Stripe's do not say alike: `here` is what it did to the clearing account by the book,
 * `there` by Stripe's, in øre that Stripe holds for the municipality.
 */
export const Difference = z.object({
  kind: z.enum(['missing_there', 'missing_here', 'amounts_differ']),
  subject: z.string(),
  type: z.string(),
  here: Ore,
  there: Ore,
  at: InstantMs,
})
export type Difference = z.infer<typeof Difference>

/** The clearing account against Stripe's book. `timing` is what the next imports are expected to explain, here less there. */
export const Clearing = z
  .object({
    here: Ore.meta({ description: 'what Stripe holds by our book' }),
    there: Ore.meta({ description: 'what Stripe holds by its own: the sum of its lines in DKK' }),
    difference: Ore,
    lines: Count,
    newestLineAt: InstantMs.nullable(),
    timing: z.object({ count: Count, amount: Ore }),
    differences: z.array(Difference),
    more: z.boolean().meta({ description: 'whether there are more differences than are named' }),
    foreign: z.array(z.object({ currency: z.string(), count: Count, net: Ore })),
  })
  .meta({ id: 'Clearing' })
export type Clearing = z.infer<typeof Clearing>

/** What the bank and Stripe say that they hold, in øre, to hold the book against. */
export const ExitDrillCall = z.strictObject({
  bankBalance: Ore.nullable().default(null),
  stripeBalance: Ore.nullable().default(null),
})

/** What one wallet would be paid, and to which bank account; null where none is known that a guardian still has. */
export const Payback = z.object({
  child: z.object({ id: Id, name: z.string() }),
  account: Id,
  amount: Count,
  bank: z.object({ name: z.string(), registration: z.string(), account: z.string() }).nullable(),
})
export type Payback = z.infer<typeof Payback>

/** What a balance is by the book and in reality; `stated` is null where nobody said. */
const Held = z.object({ book: Ore, stated: Ore.nullable(), difference: Ore.nullable() })

/** What would pay everyone back, and the proof that the money is there. Nothing is moved. */
export const ExitDrill = z
  .object({
    at: InstantMs,
    liabilities: Liabilities,
    paybacks: z.array(Payback),
    toBank: z.object({ count: Count, amount: Count }),
    byHand: z.object({ count: Count, amount: Count }),
    bank: Held,
    stripe: Held,
    proven: z.boolean().meta({
      description:
        'the paybacks come to the wallets, the book sums to 0, what is held covers it, and agrees with reality',
    }),
    file: z.string().nullable().meta({ description: 'pain.001 for the bank; null where no bank account is known' }),
    fileMissing: z.enum(['no_bank_account_known', 'own_account_not_set', 'own_name_unfit']).nullable(),
  })
  .meta({ id: 'ExitDrill' })
export type ExitDrill = z.infer<typeof ExitDrill>
