import type { Identity } from './broker.ts'
import { cprHash } from './secrets.ts'

/**
 * The guardian who has just logged in, added where they come for the first time; resolves to their id. Name and CPR
 * hash become what the broker said now; the CPR number itself goes no further than its HMAC.
 */
export async function arrive(
  db: D1Database,
  { issuer, subject, name, cpr }: Identity,
  { masterKey, municipality }: { masterKey: string; municipality: number },
  nowMs: number,
): Promise<number> {
  const hash = cpr === null ? null : await cprHash(masterKey, municipality, cpr)
  const [, , , row] = await db.batch<{ id: number }>([
    db
      .prepare(
        `INSERT INTO guardian (issuer, subject, language, created_at, logged_in_at) VALUES (?1, ?2, 'da', ?3, ?3)
         ON CONFLICT (issuer, subject) DO NOTHING`,
      )
      .bind(issuer, subject, nowMs),
    db
      .prepare('UPDATE guardian SET name = ?3, cpr_hash = ?4, logged_in_at = ?5 WHERE issuer = ?1 AND subject = ?2')
      .bind(issuer, subject, name, hash, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, guardian)
         SELECT ?3, 'logged_in', 'guardian:' || id, id FROM guardian WHERE issuer = ?1 AND subject = ?2`,
      )
      .bind(issuer, subject, nowMs),
    db.prepare('SELECT id FROM guardian WHERE issuer = ? AND subject = ?').bind(issuer, subject),
  ])
  const arrived = row?.results[0]
  if (!arrived) throw new Error('a guardian was added and is not there')
  return arrived.id
}
