import { z } from 'zod'
import { parseCpr } from '../cpr.ts'
import { Amount } from '../debit.ts'
import { Id, InstantMs, Name } from '../fields.ts'
import { CardView } from './cards.ts'

export const Child = z
  .object({
    id: Id,
    name: z.string(),
    account: Id,
    balance: z.int(),
    dailyLimit: Amount.nullable(),
    cards: z.array(CardView),
    guardians: z.int().min(0).meta({ description: 'how many guardianships are in force' }),
    leftAt: InstantMs.nullable().meta({ description: 'when it left; null where it has not' }),
    club: z
      .object({ id: Id, name: z.string() })
      .nullable()
      .meta({ description: 'the site that it belongs to; null for none' }),
  })
  .meta({ id: 'Child' })

/** `offset` is how many to pass over. */
export const ChildrenQuery = z.object({
  name: z.string().max(80).default(''),
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
})
export const Children = z
  .object({ children: z.array(Child), more: z.boolean().meta({ description: 'whether others follow after these' }) })
  .meta({ id: 'Children' })

/** Of guardians who had to be told something. */
export const Untold = z
  .int()
  .min(0)
  .meta({ description: 'guardians who were not told, because no mail address of theirs is known' })
/** A child that was taken out just now. */
export const ChildLeft = Child.extend({ untold: Untold }).meta({ id: 'ChildLeft' })

/** `club` is the site that the child belongs to. A club's staff of one site mean that one where they name none. */
export const ChildCall = z.strictObject({
  name: Name,
  dailyLimit: Amount.nullable().default(null),
  club: Id.nullable().default(null),
})

/** A guardian's CPR number. It is hashed on arrival and kept nowhere. */
export const GuardianCall = z.strictObject({
  cpr: z.string().refine((text) => parseCpr(text) !== null, 'not a CPR number'),
})
