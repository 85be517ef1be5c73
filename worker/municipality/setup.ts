import { TOKEN_DAYS_MAX } from '../../shared/office/staff.ts'
import { digest } from '../../shared/signing.ts'

/** What a municipality begins with. */
export type Setup = { number: number; name: string; staff: string; token: string }

/** How long the first admin's token is good for. */
const TOKEN_LIFE_MS = TOKEN_DAYS_MAX * 86_400_000

/**
 * Fills an empty database: settings, the ledger's accounts that exist once, and the first admin's token, all or
 * nothing. False where the municipality exists already.
 */
export async function setUp(db: D1Database, { number, name, staff, token }: Setup, nowMs: number): Promise<boolean> {
  const empty = 'WHERE NOT EXISTS (SELECT 1 FROM municipality)'
  const kinds = ['psp_clearing', 'psp_fees', 'payouts_payable', 'card_fee_revenue', 'bank', 'suspense']
  const results = await db.batch([
    ...kinds.map((kind) => db.prepare(`INSERT INTO account (kind) SELECT ?1 ${empty}`).bind(kind)),
    db
      .prepare(
        `INSERT INTO staff_token (name, role, hash, created_at, expires_at) SELECT ?1, 'admin', ?2, ?3, ?4 ${empty}`,
      )
      .bind(staff, await digest(token), nowMs, nowMs + TOKEN_LIFE_MS),
    db
      .prepare(`INSERT INTO audit (at, action, subject) SELECT ?1, 'set_up', ?2 ${empty}`)
      .bind(nowMs, `municipality:${number}`),
    db
      .prepare(`INSERT INTO municipality (number, name, created_at) SELECT ?1, ?2, ?3 ${empty}`)
      .bind(number, name, nowMs),
  ])
  return results.at(-1)?.meta.changes === 1
}
