import { z } from 'zod'
import { Amount } from '../debit.ts'
import { Id, InstantMs, Text } from '../fields.ts'

export const Movement = z.object({
  seq: z.int(),
  transfer: z.string(),
  kind: z.string(),
  amount: z.int(),
  balance: z.int(),
  at: InstantMs,
  reason: z.string().nullable(),
})
export const Account = z
  .object({
    id: Id,
    child: z.object({ id: Id, name: z.string() }),
    balance: z.int(),
    dailyLimit: Amount.nullable(),
    spentToday: z.int(),
    movements: z.array(Movement).meta({ description: 'the newest first, at most 50' }),
  })
  .meta({ id: 'Account' })

/** A correction is made by its `id` at most once; the same id with other content is a transfer_conflict. */
export const CreditCall = z.strictObject({
  id: z.uuidv7(),
  amount: Amount,
  reason: Text.min(3).max(200),
})
export const CreditAnswer = z.object({ transfer: z.string(), balance: z.int() }).meta({ id: 'Credit' })
