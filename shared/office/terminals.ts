import { z } from 'zod'
import { Id, InstantMs, Name } from '../fields.ts'
import { EnrolmentCode } from '../wire.ts'

export const Terminal = z
  .object({
    id: z.string(),
    site: Id,
    name: z.string(),
    state: z.enum(['waiting', 'enrolled', 'stopped', 'revoked']),
    lastSeq: z.int().min(0),
    lastSeenAt: InstantMs.nullable(),
    cardListVersion: z.int().nullable(),
    listedAt: InstantMs.nullable().meta({ description: 'when it last had the whole card list' }),
    software: z.string().nullable(),
    quarantined: z.int().min(0).meta({ description: 'how many of its messages are put aside for staff' }),
    unsentCount: z
      .int()
      .nullable()
      .default(null)
      .meta({ description: 'how many messages waited in its journal when it was heard last' }),
    unsentSum: z.int().nullable().default(null).meta({ description: 'the worth of what was sold by them, in øre' }),
    unsentSince: InstantMs.nullable().default(null).meta({ description: 'when the oldest of them was written' }),
  })
  .meta({ id: 'Terminal' })
export const TerminalCall = z.strictObject({ site: Id, name: Name })
export const TerminalCode = z
  .object({ terminal: z.string(), code: EnrolmentCode, expiresAt: InstantMs })
  .meta({ id: 'TerminalCode' })
