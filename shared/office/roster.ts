import { z } from 'zod'
import { bornOn, parseCpr } from '../cpr.ts'
import { Id, InstantMs, Name } from '../fields.ts'

/** How many rows go up in one call. */
export const ROSTER_PAGE_MAX = 500
/** How many rows a roster may have. */
export const ROSTER_ROWS_MAX = 100_000
/** How many guardians a row names at most. */
export const ROSTER_GUARDIANS_MAX = 4

/** What the office calls a roster that it reads in: the same id again is the same import. */
export const RosterId = z.uuid().toLowerCase()
export const RosterParam = z.object({ id: RosterId })

export const RosterCall = z.strictObject({ id: RosterId, rows: z.int().min(1).max(ROSTER_ROWS_MAX) })

/** A CPR number as ten digits. It is hashed on arrival and kept nowhere; what is wrong with it is said without it. */
const Cpr = z
  .string()
  .refine((text) => parseCpr(text) !== null, 'not a CPR number')
  .transform((text) => parseCpr(text) ?? '')

/** A child of the roster, on the line of the file where it stands; `club` is the name of a site, `cpr` the child's own. */
export const RosterRow = z
  .strictObject({
    line: z.int().min(1),
    name: Name,
    birthDay: z.iso.date(),
    school: Name.nullable(),
    club: Name.nullable(),
    cpr: Cpr.nullable(),
    guardians: z.array(Cpr).max(ROSTER_GUARDIANS_MAX),
  })
  .refine(({ cpr, guardians }) => cpr === null || !guardians.includes(cpr), 'a child is no guardian of its own')
  .refine(({ cpr, birthDay }) => cpr === null || bornOn(cpr) === birthDay, "not the day in the child's CPR number")
export type RosterRow = z.infer<typeof RosterRow>

export const RosterRowsCall = z.strictObject({ rows: z.array(RosterRow).min(1).max(ROSTER_PAGE_MAX) })

/** What only the worker can see to be wrong with a row. */
export const RosterFault = z.object({
  line: z.int(),
  column: z.enum(['child', 'birthDay', 'club']),
  reason: z.string(),
})
export const RosterRowsAnswer = z.object({ faults: z.array(RosterFault) }).meta({ id: 'RosterRowsAnswer' })

/** `listed` is how many children of each kind the plan names. */
export const RosterPlanCall = z.strictObject({ listed: z.int().min(0).max(ROSTER_ROWS_MAX).default(20) })

/**
 * What a row changes of a child. `linked`: staff had added the child by hand, and from now on the roster knows it.
 * `rekeyed`: the roster knew it by its CPR number and knows it by name and birth date from now on, or the other way.
 */
export const RosterChange = z.enum(['returns', 'linked', 'rekeyed', 'name', 'birthDay', 'school', 'club', 'guardians'])

/** `cards` are the first cards that will be ordered, `known` the children whom the roster has now. */
const RosterCounts = z.object({
  added: z.int().min(0),
  changed: z.int().min(0),
  leaving: z.int().min(0),
  cards: z.int().min(0),
})

export const RosterPlan = RosterCounts.extend({
  rows: z.int(),
  known: z.int().meta({ description: 'children whom the roster has now' }),
  new: z.array(z.object({ line: z.int(), name: z.string(), club: z.string().nullable() })),
  changes: z.array(z.object({ line: z.int(), child: Id, name: z.string(), what: z.array(RosterChange) })),
  leavers: z.array(z.object({ child: Id, name: z.string(), club: z.string().nullable() })),
}).meta({ id: 'RosterPlan' })

export const RosterApplyCall = z.strictObject({
  allowLeaving: z.boolean().default(false).meta({ description: 'also if more than a fifth of the roster leaves' }),
})

export const RosterApplied = RosterCounts.extend({
  untold: z.int().min(0).meta({ description: 'guardians of children who left, of whom no mail address is known' }),
}).meta({ id: 'RosterApplied' })

/** `offset` is how many to pass over. */
export const RosterHistoryQuery = z.object({ offset: z.coerce.number().pipe(z.int().min(0)).default(0) })

const count = z.int().min(0).nullable()

/** Rosters that were read in. The counts are those of its plan, null where it was never planned. */
export const RosterHistory = z
  .object({
    imports: z.array(
      z.object({
        id: RosterId,
        at: InstantMs.meta({ description: 'when it was begun' }),
        staff: z.object({ id: Id, name: z.string() }),
        state: z.enum(['applied', 'given_up', 'under_way']),
        rows: z.int(),
        added: count,
        changed: count,
        leaving: count,
      }),
    ),
    more: z.boolean().meta({ description: 'whether others follow after these' }),
  })
  .meta({ id: 'RosterHistory' })
