import { z } from 'zod'
import { InstantMs, Lines } from '../fields.ts'
import { Language } from '../wire.ts'

/** How large a publication may be, in bytes of UTF-8. */
const PUBLICATION_MAX_BYTES = 100_000

export const PublicationKind = z.enum(['terms', 'accessibility', 'privacy'])
export type PublicationKind = z.infer<typeof PublicationKind>

export const Publication = z
  .object({
    kind: PublicationKind,
    language: Language,
    version: z.int().min(1),
    at: InstantMs,
    staff: z.string(),
  })
  .meta({ id: 'Publication' })
export const PublicationCall = z.strictObject({
  kind: PublicationKind,
  language: Language,
  text: Lines.min(1)
    .refine((text) => new TextEncoder().encode(text).length <= PUBLICATION_MAX_BYTES, 'at most 100 kB')
    .meta({ description: 'Markdown, at most 100 kB' }),
})
