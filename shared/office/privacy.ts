import { z } from 'zod'
import { Id, InstantMs } from '../fields.ts'

/** Everything about one child, for a machine to read: amounts in øre, instants ISO 8601. */
export const ChildFile = z
  .looseObject({ madeAt: z.string(), child: z.looseObject({ id: Id, name: z.string() }) })
  .meta({ id: 'ChildFile' })

/**
 * The child's name, typed once more by who means it. An empty one erases nothing: what is in the way is refused before the
 * name is looked at.
 */
export const ErasureCall = z.strictObject({ name: z.string().max(200) })

/**
 * A child that was erased. What bookkeeping asks for is kept until `eraseDay`; `guardians` is how many of its guardians had
 * no other child here and went with it.
 */
export const Erasure = z
  .object({ id: Id, name: z.string(), erasedAt: InstantMs, eraseDay: z.string(), guardians: z.int().min(0) })
  .meta({ id: 'Erasure' })
