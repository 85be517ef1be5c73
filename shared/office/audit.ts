import { z } from 'zod'
import { Id, InstantMs } from '../fields.ts'
import { Day } from './reports.ts'

/** What an action is called: 'card_blocked'. */
const Action = z.string().regex(/^[a-z_]{1,60}$/, 'an action is a name like card_blocked')
/** What a deed was done to, as a kind and what it is known by: 'child:3'. */
const Subject = z.string().regex(/^[a-z_]{1,30}:[^\p{Cc}]{1,100}$/u, 'a subject is a kind and an id, like child:3')

/** Guardians are not named; what has neither staff nor guardian was done by the set-up, or by a clock. */
const Doer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('staff'), id: Id, name: z.string() }),
  z.object({ kind: z.literal('guardian') }),
  z.object({ kind: z.literal('system') }),
])

/** `from` and `to` are Copenhagen days, both of them within. */
export const AuditQuery = z.object({
  staff: z.coerce.number().pipe(Id).optional(),
  subject: Subject.optional(),
  action: Action.optional(),
  from: Day.optional(),
  to: Day.optional(),
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
})
export const Audit = z
  .object({
    deeds: z.array(
      z.object({
        id: Id,
        at: InstantMs,
        who: Doer,
        action: z.string(),
        subject: z.string(),
        name: z.string().nullable().default(null).meta({
          description: 'what a site, a product or a terminal is called, or somebody of the staff; nobody else is named',
        }),
        detail: z.record(z.string(), z.unknown()).nullable(),
      }),
    ),
    more: z.boolean().meta({ description: 'whether deeds follow after these' }),
  })
  .meta({ id: 'Audit' })

/** `offset` is how many lines to pass over. */
export const AccessQuery = z.object({ offset: z.coerce.number().pipe(z.int().min(0)).default(0) })
/** Who looked at a child on which Copenhagen day: staff one by one, guardians in one line, without their times. */
export const Access = z
  .object({
    child: z.object({ id: Id, name: z.string() }),
    viewings: z.array(
      z.object({
        day: z.string(),
        who: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('staff'), id: Id, name: z.string() }),
          z.object({ kind: z.literal('guardian') }),
        ]),
        firstAt: InstantMs.nullable(),
        lastAt: InstantMs.nullable(),
      }),
    ),
    more: z.boolean().meta({ description: 'whether lines follow after these' }),
  })
  .meta({ id: 'Access' })
