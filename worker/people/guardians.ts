import type { Language } from '../../shared/wire.ts'
import type { Identity } from '../login/broker.ts'
import { EMPTIED } from '../login/sessions.ts'
import { cprHash } from '../municipality/secrets.ts'

/** The rows of the person who arrives that another broker made, or this one under another subject. */
const OTHERS = 'cpr_hash = ?3 AND (issuer, subject) <> (?1, ?2)'

/** What goes along when a person comes under another name of the broker's. */
const THEIRS = ['support_case', 'payment', 'agreement', 'payout', 'card_order', 'closed_category'] as const

/**
 * The guardian who has just logged in, added where they come for the first time; resolves to their id. Name and CPR
 * hash become what the broker said now; the CPR number itself goes no further than its HMAC. Whoever was known under
 * another subject before is one person still: their mail address, wishes and support cases move here, and what is
 * left of the other rows is neither logged in nor written to. Whoever is new is spoken to in `language`.
 */
export async function arrive(
  db: D1Database,
  { issuer, subject, name, cpr }: Identity,
  { masterKey, municipality }: { masterKey: string; municipality: number },
  language: Language,
  nowMs: number,
): Promise<number> {
  const hash = cpr === null ? null : await cprHash(masterKey, municipality, cpr)
  const rows = await db.batch<{ id: number }>([
    db
      .prepare(
        `INSERT INTO guardian (issuer, subject, language, created_at, logged_in_at)
         VALUES (?1, ?2, coalesce((SELECT language FROM guardian WHERE cpr_hash = ?3
           ORDER BY logged_in_at DESC LIMIT 1), ?5), ?4, ?4)
         ON CONFLICT (issuer, subject) DO NOTHING`,
      )
      .bind(issuer, subject, hash, nowMs, language),
    db
      .prepare('UPDATE guardian SET name = ?4, cpr_hash = ?3, logged_in_at = ?5 WHERE issuer = ?1 AND subject = ?2')
      .bind(issuer, subject, hash, name, nowMs),
    db
      .prepare(
        `UPDATE guardian SET (language, mail, tell_below, tell_purchases, tell_weekly) =
           (other.language, other.mail, other.tell_below, other.tell_purchases, other.tell_weekly)
         FROM (SELECT * FROM guardian WHERE ${OTHERS} AND mail IS NOT NULL
           ORDER BY logged_in_at DESC LIMIT 1) AS other
         WHERE guardian.issuer = ?1 AND guardian.subject = ?2 AND guardian.mail IS NULL`,
      )
      .bind(issuer, subject, hash),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, guardian)
         SELECT ?4, 'identity_replaced', 'guardian:' || id,
           (SELECT id FROM guardian WHERE issuer = ?1 AND subject = ?2)
         FROM guardian WHERE ${OTHERS} AND (mail IS NOT NULL
           OR EXISTS (SELECT 1 FROM session WHERE session.guardian = guardian.id AND ended_at IS NULL))`,
      )
      .bind(issuer, subject, hash, nowMs),
    db
      .prepare(
        `UPDATE guardian SET mail = NULL, tell_below = NULL, tell_purchases = 0, tell_weekly = 0
         WHERE ${OTHERS} AND mail IS NOT NULL`,
      )
      .bind(issuer, subject, hash),
    ...THEIRS.map((table) =>
      db
        .prepare(
          `UPDATE ${table} SET guardian = (SELECT id FROM guardian WHERE issuer = ?1 AND subject = ?2)
           WHERE guardian IN (SELECT id FROM guardian WHERE ${OTHERS})`,
        )
        .bind(issuer, subject, hash),
    ),
    db
      .prepare(
        `UPDATE session SET ended_at = ?4, ${EMPTIED}
         WHERE ended_at IS NULL AND guardian IN (SELECT id FROM guardian WHERE ${OTHERS})`,
      )
      .bind(issuer, subject, hash, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, guardian)
         SELECT ?3, 'logged_in', 'guardian:' || id, id FROM guardian WHERE issuer = ?1 AND subject = ?2`,
      )
      .bind(issuer, subject, nowMs),
    db.prepare('SELECT id FROM guardian WHERE issuer = ? AND subject = ?').bind(issuer, subject),
  ])
  const arrived = rows.at(-1)?.results[0]
  if (!arrived) throw new Error('a guardian was added and is not there')
  return arrived.id
}
