import { z } from 'zod'
import { Id, InstantMs, Name } from '../fields.ts'

export const Role = z.enum(['admin', 'club', 'finance'])
export type Role = z.infer<typeof Role>

/** A municipality's number is a postal code, and the first label of its host. */
export const InitCall = z
  .strictObject({ number: z.int().min(1000).max(9999), name: Name, staff: Name })
  .meta({ id: 'InitCall' })
export const InitAnswer = z.object({ municipality: z.int(), name: z.string(), token: z.string() }).meta({ id: 'Init' })

/** Where somebody works; null for every site. */
const Sites = z
  .array(z.object({ id: Id, name: z.string() }))
  .nullable()
  .meta({ description: "the sites of a club's staff, by name; null for who may see all of them" })

export const WhoAmI = z
  .object({
    municipality: z.int(),
    municipalityName: z.string(),
    staff: z.string(),
    role: Role,
    sites: Sites,
    expiresAt: InstantMs,
  })
  .meta({ id: 'WhoAmI' })

export const StaffMember = z
  .object({
    id: Id,
    name: z.string(),
    role: Role,
    sites: Sites,
    state: z.enum(['good', 'expired', 'revoked']),
    createdAt: InstantMs,
    expiresAt: InstantMs,
    lastUsedAt: InstantMs.nullable().meta({ description: 'to the minute; null where it was never used' }),
  })
  .meta({ id: 'StaffMember' })

/** The longest and the usual life of a token, in days. */
export const TOKEN_DAYS_MAX = 365

/** The header of an answer that says when the token runs out, in epoch milliseconds, once that is near. */
export const TOKEN_ENDS = 'klubkort-token-ends'

const SiteIds = z.array(Id).max(100)
/** Which sites a club's staff work at; what they had before is replaced. */
export const StaffSitesCall = z.strictObject({ sites: SiteIds.min(1) })
/** Who gets a token, and for how many days. A club's staff have at least one site, others none. */
export const StaffCall = z
  .strictObject({
    name: Name,
    role: Role,
    sites: SiteIds.default([]),
    days: z.int().min(1).max(TOKEN_DAYS_MAX).default(TOKEN_DAYS_MAX),
  })
  .refine(({ role, sites }) => (role === 'club') === sites.length > 0, {
    path: ['sites'],
    message: "a club's staff have at least one site, others have none",
  })
export const StaffToken = StaffMember.extend({ token: z.string() }).meta({ id: 'StaffToken' })
