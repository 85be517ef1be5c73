import { z } from 'zod'
import { addDays } from '../copenhagen.ts'
import { Amount } from '../debit.ts'
import { Id, InstantMs, Text } from '../fields.ts'
import { Day } from './reports.ts'
import { ReviewDecision } from './review.ts'

/** A sale's id, as its till made it. */
export const SaleId = z.uuid().lowercase()

/** A terminal's id: '4000-7'. */
export const TerminalId = z.string().regex(/^\d{4}-\d{1,6}$/, "a terminal's id looks like '4000-7'")

/** How many days are looked through at once where neither child nor card is named. */
const SALES_DAYS_MAX = 366

const Whole = z.coerce.number().pipe(z.int().min(1))

/** Days are those that sales count for, both included; `amount` is in øre. */
export const SalesQuery = z
  .object({
    child: Whole.optional(),
    card: Whole.optional(),
    terminal: TerminalId.optional(),
    site: Whole.optional(),
    from: Day.optional(),
    to: Day.optional(),
    amount: Whole.optional(),
    limit: z.coerce.number().pipe(z.int().min(1).max(200)).default(50),
    offset: z.coerce.number().pipe(z.int().min(0).max(100_000)).default(0),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, 'to: before from')
  .refine(
    ({ child, card, from, to }) =>
      child !== undefined ||
      card !== undefined ||
      from === undefined ||
      to === undefined ||
      addDays(from, SALES_DAYS_MAX) > to,
    `to: at most ${SALES_DAYS_MAX} days, where neither a child nor a card is named`,
  )

/**
 * A sale that was booked, amounts in øre. `account` is who bears it now, with its child: the card's, or the one that staff
 * have charged since; null for an unknown card's. `flag` is why an offline sale had to be looked into, and `decision` what
 * staff made of it. `left` is what may still be refunded: nothing of a sale that was undone, that the club carries, or
 * that waits for a decision.
 */
export const Sale = z
  .object({
    id: z.string(),
    terminal: z.string(),
    site: z.object({ id: Id, name: z.string() }),
    child: z.object({ id: Id, name: z.string() }).nullable(),
    account: Id.nullable(),
    card: Id.nullable(),
    day: z.string(),
    soldAt: InstantMs,
    bookedAt: InstantMs,
    amount: Amount,
    lines: z.array(
      z.object({ product: Id.nullable(), name: z.string().nullable(), quantity: z.int(), price: z.int() }),
    ),
    booked: z.enum(['online', 'offline']),
    flag: z.string().nullable(),
    decision: ReviewDecision.nullable(),
    undone: z.boolean(),
    refunded: z.int().min(0),
    left: z.int().min(0),
  })
  .meta({ id: 'Sale' })
export type Sale = z.infer<typeof Sale>

export const Sales = z.object({ sales: z.array(Sale), more: z.boolean() }).meta({ id: 'Sales' })

/** A sale with what was refunded of it, the oldest first. */
export const SaleDetails = Sale.extend({
  refunds: z.array(
    z.object({ transfer: z.string(), amount: Amount, at: InstantMs, staff: z.string(), reason: z.string() }),
  ),
}).meta({ id: 'SaleDetails' })
export type SaleDetails = z.infer<typeof SaleDetails>

/** A refund is made by its `id` at most once; the same id with other content is a transfer_conflict. */
export const SaleRefundCall = z.strictObject({ id: z.uuidv7(), amount: Amount, reason: Text.min(3).max(200) })
