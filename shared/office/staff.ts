import { z } from 'zod'
import { Id, InstantMs, Name } from '../fields.ts'

export const Role = z.enum(['admin', 'club', 'finance'])
export type Role = z.infer<typeof Role>

/** A municipality's number is a postal code, and the first label of its host. */
export const InitCall = z
  .strictObject({ number: z.int().min(1000).max(9999), name: Name, staff: Name })
  .meta({ id: 'InitCall' })
export const InitAnswer = z.object({ municipality: z.int(), name: z.string(), token: z.string() }).meta({ id: 'Init' })

export const WhoAmI = z
  .object({ municipality: z.int(), municipalityName: z.string(), staff: z.string(), role: Role })
  .meta({ id: 'WhoAmI' })

export const StaffMember = z
  .object({
    id: Id,
    name: z.string(),
    role: Role,
    state: z.enum(['good', 'expired', 'revoked']),
    createdAt: InstantMs,
    expiresAt: InstantMs,
  })
  .meta({ id: 'StaffMember' })
export const StaffCall = z.strictObject({ name: Name, role: Role })
export const StaffToken = StaffMember.extend({ token: z.string() }).meta({ id: 'StaffToken' })
