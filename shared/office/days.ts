import { z } from 'zod'
import { Id, InstantMs } from '../fields.ts'
import { Day } from './reports.ts'
import { TerminalId } from './sales.ts'

/**
 * What a terminal's sales of a Copenhagen day came to, amounts in øre: how many stand, and what they came to without what
 * was refunded of them; how many of them were sold offline; and how many were undone.
 */
const figures = {
  sales: z.int().min(0),
  amount: z.int().min(0),
  undone: z.int().min(0),
  offline: z.int().min(0),
  refunded: z.int().min(0),
}

/** What waited in a terminal's journal when it was heard last: how many messages, of what worth, and the oldest. */
export const Unsent = z
  .object({
    count: z.int().min(0),
    sum: z.int().min(0),
    since: InstantMs.nullable(),
    asOf: InstantMs.meta({ description: 'when the terminal was heard last' }),
  })
  .meta({ id: 'Unsent' })

/** A day as it was closed, with what waited in the terminal then; null where it had not said. */
export const DayClosing = z
  .object({
    terminal: z.string(),
    terminalName: z.string(),
    site: z.object({ id: Id, name: z.string() }),
    day: z.string(),
    staff: z.string(),
    at: InstantMs,
    ...figures,
    unsent: z.object({ count: z.int().min(0), sum: z.int().min(0) }).nullable(),
  })
  .meta({ id: 'DayClosing' })
export type DayClosing = z.infer<typeof DayClosing>

/**
 * A terminal's day as it is now, and as it was closed; `since` is what has come to it after that, below zero where sales
 * were undone or refunded. `unsent` is null where the terminal has not said yet.
 */
export const TerminalDay = z
  .object({
    terminal: z.string(),
    terminalName: z.string(),
    site: z.object({ id: Id, name: z.string() }),
    day: z.string(),
    ...figures,
    unsent: Unsent.nullable(),
    closing: DayClosing.nullable(),
    since: z.object({ sales: z.int(), amount: z.int() }).nullable(),
  })
  .meta({ id: 'TerminalDay' })
export type TerminalDay = z.infer<typeof TerminalDay>

export const DayQuery = z.object({ terminal: TerminalId, day: Day })
export const DayCloseCall = z.strictObject({ terminal: TerminalId, day: Day })

/** The closings of a terminal or a site, or of all that whoever asks may see; the newest days first. */
export const DaysQuery = z.object({
  terminal: TerminalId.optional(),
  site: z.coerce.number().pipe(z.int().min(1)).optional(),
  offset: z.coerce.number().pipe(z.int().min(0).max(100_000)).default(0),
})
export const DayClosings = z.object({ closings: z.array(DayClosing), more: z.boolean() }).meta({ id: 'DayClosings' })
