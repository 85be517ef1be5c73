import { z } from 'zod'
import { Id, InstantMs, Lines, Text } from '../fields.ts'
import { Untold } from './children.ts'

export const CaseId = z.uuid().toLowerCase()
export const CaseSubject = Text.min(1).max(120)
export const CaseText = Lines.min(1).max(4000)

/** `waitingSince` is the first message that nobody has answered; null where all are. */
export const StaffCaseSummary = z
  .object({
    id: z.uuid(),
    subject: z.string(),
    account: Id.nullable(),
    guardian: z.object({ name: z.string().nullable().meta({ description: 'null where the name is protected' }) }),
    phone: z.string().nullable(),
    callWanted: z.boolean(),
    createdAt: InstantMs,
    closedAt: InstantMs.nullable(),
    waitingSince: InstantMs.nullable(),
    assignedTo: z
      .object({ id: Id, name: z.string() })
      .nullable()
      .meta({ description: 'who looks after it; null for nobody, or for somebody whose token is no longer good' }),
  })
  .meta({ id: 'CaseSummary' })
export const StaffCase = StaffCaseSummary.extend({
  guardian: z.object({ name: z.string().nullable(), mail: z.string().nullable() }),
  children: z.array(z.object({ id: Id, name: z.string(), account: Id })),
  messages: z.array(
    z.object({
      id: z.uuid(),
      staff: z.string().nullable().meta({ description: 'who of the staff wrote it; null where the guardian did' }),
      text: z.string(),
      at: InstantMs,
    }),
  ),
}).meta({ id: 'Case' })
/**
 * `assigned` leaves only what whoever asks looks after (me), what somebody does, or what nobody does; `offset` is how many
 * cases to pass over, to see those that did not fit before.
 */
export const CasesQuery = z.object({
  state: z.enum(['open', 'closed', 'all']).default('open'),
  assigned: z.enum(['me', 'somebody', 'nobody']).optional(),
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
})
export const StaffCases = z.object({
  cases: z.array(StaffCaseSummary),
  more: z.boolean().meta({ description: 'whether cases follow after these' }),
})

/** An answer is given by its `id` at most once; the same id with other words is id_taken. */
export const AnswerCall = z.strictObject({ id: CaseId, text: CaseText })
/** A case that was answered just now; its guardian reads the answer in the portal, and is told of it by mail. */
export const CaseAnswered = StaffCaseSummary.extend({ untold: Untold }).meta({ id: 'CaseAnswered' })

/** Who is to look after a case: a member of staff who may see it, whoever asks (me), or nobody. */
export const AssignCall = z.strictObject({ to: z.union([Id, z.enum(['me', 'nobody'])]) })
