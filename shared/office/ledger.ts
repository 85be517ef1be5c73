import { z } from 'zod'

/** One broken promise of the ledger: which invariant, and the first offender. */
export const Violation = z.object({ invariant: z.string(), subject: z.string() }).meta({ id: 'Violation' })
export const LedgerCheck = z
  .object({ transfers: z.int(), postings: z.int(), messages: z.int(), violations: z.array(Violation) })
  .meta({ id: 'LedgerCheck' })
