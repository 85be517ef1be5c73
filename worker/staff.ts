import { digest } from '../shared/signing.ts'
import type { Role } from '../shared/wire.ts'

/** A member of staff, as their token tells. */
export type Staff = { id: number; name: string; role: Role }

/** Whose token this is; null where it is unknown, expired or revoked. */
export async function staffOf(db: D1Database, token: string, nowMs: number): Promise<Staff | null> {
  return await db
    .prepare('SELECT id, name, role FROM staff_token WHERE hash = ?1 AND revoked_at IS NULL AND expires_at > ?2')
    .bind(await digest(token), nowMs)
    .first<Staff>()
}
