import { z } from 'zod'
import { SaleLine } from '../debit.ts'
import { Id, InstantMs, Text } from '../fields.ts'

/**
 * What is looked into: a flagged advice by its terminal and number ('4000-7:12'; '4000-7q:3' where staff have booked it),
 * an alarm ('alarm:3'), or all that is put aside of a terminal ('quarantine:4000-7').
 */
export const ReviewId = z
  .string()
  .regex(/^(\d{4}-\d{1,6}q?:[1-9]\d{0,14}|alarm:[1-9]\d{0,14}|quarantine:\d{4}-\d{1,6})$/)

/**
 * What staff can decide. Of a flagged advice: `keep` (the child's account pays, as booked), `carry` (the club does) or
 * `charge` (whose sale it was is known now); of what is put aside: `book` or `discard`; of an alarm: `note`.
 */
export const ReviewDecision = z.enum(['keep', 'carry', 'charge', 'book', 'discard', 'note'])
export type ReviewDecision = z.infer<typeof ReviewDecision>

/** `what` is the reason of an advice, the kind of an alarm, or why messages are put aside; `amount` is in øre. */
export const ReviewItem = z
  .object({
    id: ReviewId,
    kind: z.enum(['advice', 'quarantine', 'alarm']),
    what: z.string(),
    terminal: z.string(),
    site: z.object({ id: Id, name: z.string() }),
    amount: z.int().nullable(),
    account: Id.nullable(),
    card: Id.nullable(),
    count: z.int().min(1),
    at: InstantMs,
  })
  .meta({ id: 'ReviewItem' })

export const ReviewSettling = z.object({
  subject: z.string(),
  decision: ReviewDecision,
  account: Id.nullable(),
  staff: z.string(),
  note: z.string(),
  at: InstantMs,
})

export const ReviewsQuery = z.object({ offset: z.coerce.number().pipe(z.int().min(0)).default(0) })
export const Reviews = z.object({ items: z.array(ReviewItem), more: z.boolean() }).meta({ id: 'Reviews' })
export const ReviewSettlings = z.object({ settled: z.array(ReviewSettling), more: z.boolean() })

/** An item with its messages: the newest 100, and what staff have decided on it or on parts of it. */
export const Review = ReviewItem.extend({
  messages: z.array(
    z.object({
      seq: z.int(),
      kind: z.enum(['request', 'advice', 'reversal']),
      sale: z.string(),
      amount: z.int(),
      lines: z.array(SaleLine),
      at: InstantMs,
      receivedAt: InstantMs,
      outcome: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  ),
  settled: z.array(ReviewSettling),
}).meta({ id: 'Review' })

/** `note` says why; of what moves money the parent reads it on the statement. */
export const SettleCall = z
  .strictObject({ decision: ReviewDecision, account: Id.optional(), note: Text.min(3).max(200) })
  .refine(({ decision, account }) => (decision === 'charge') === (account !== undefined), 'an account goes with charge')

/** `left` is how many messages stay put aside, since they tell otherwise of their sale; `more` asks for another call. */
export const SettleAnswer = z
  .object({ id: ReviewId, decision: ReviewDecision, done: z.int().min(0), left: z.int().min(0), more: z.boolean() })
  .meta({ id: 'Settled' })
