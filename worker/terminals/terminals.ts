import type { z } from 'zod'
import { claimedSigner, digest, verified, verifyingKey } from '../../shared/signing.ts'
import { type EnrolAnswer, type EnrolCall, EnrolProof, PROOF_AGE_MAX_MS, ProofClaims } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { withinSites } from '../people/staff.ts'
import { UNREVIEWED } from './quarantine.ts'

/** How long a one-time code is good for. */
export const CODE_LIFE_MS = 15 * 60_000

/** A terminal that may act: enrolled, and neither revoked nor stopped. */
export type Trusted = { id: string; name: string; site: number; siteName: string; publicKey: string }

/** A terminal that may not, or may not any more; of one that was enrolled, its key. */
export type Barred = { kind: 'terminal_revoked' | 'terminal_stopped'; publicKey: string }

export type Recognition =
  | { kind: 'trusted'; terminal: Trusted }
  | Barred
  | { kind: 'terminal_unknown' | 'proof_invalid' }

/** The terminal of an id, if it may act. */
export async function recognise(db: D1Database, id: string): Promise<Recognition> {
  const row = await db
    .prepare(
      `SELECT terminal.id, terminal.name, site, site.name AS siteName, public_key AS publicKey, revoked_at AS revokedAt,
         stopped_at AS stoppedAt
       FROM terminal JOIN site ON site.id = terminal.site WHERE terminal.id = ?`,
    )
    .bind(id)
    .first<
      Omit<Trusted, 'publicKey'> & { publicKey: string | null; revokedAt: number | null; stoppedAt: number | null }
    >()
  if (!row) return { kind: 'terminal_unknown' }
  const { publicKey, revokedAt, stoppedAt, ...terminal } = row
  if (revokedAt !== null) return { kind: 'terminal_revoked', publicKey: publicKey ?? '' }
  if (publicKey === null) return { kind: 'terminal_unknown' }
  if (stoppedAt !== null) return { kind: 'terminal_stopped', publicKey }
  return { kind: 'trusted', terminal: { ...terminal, publicKey } }
}

/** A terminal's public key as the ledger compares it, and ready to verify with. */
export type SignerKey = { publicKey: string; key: CryptoKey }

const remembered = new WeakMap<D1Database, Map<string, SignerKey>>()

/**
 * The key of a terminal as this isolate last read it, or null: it saves a tap the round trip of reading the terminal.
 * It may be out of date, and that does no harm, since it is only a guess that the ledger checks: a message is booked,
 * and a stored answer told, only if in that same transaction the terminal has this very key and is not revoked. So any
 * ending but a booking means to recognise the terminal afresh and to ask again.
 */
export function rememberedKey(db: D1Database, id: string): SignerKey | null {
  return remembered.get(db)?.get(id) ?? null
}

/** The key of a terminal that was recognised just now, remembered from here on. */
export async function signerKey(db: D1Database, { id, publicKey }: Trusted): Promise<SignerKey> {
  const known = rememberedKey(db, id)
  if (known?.publicKey === publicKey) return known
  const signer = { publicKey, key: await verifyingKey(publicKey) }
  const keys = remembered.get(db) ?? new Map<string, SignerKey>()
  remembered.set(db, keys.set(id, signer))
  return signer
}

/**
 * The terminal that a proof (RFC 9449's form) of a GET comes from: signed with its key, for this address, now.
 * A proof heard twice only reads again what its owner read, so `jti` is not remembered.
 */
export async function recogniseProof(db: D1Database, proof: string, url: string, nowMs: number): Promise<Recognition> {
  const id = claimedSigner(proof, 'klubkort-proof')
  if (id === null) return { kind: 'proof_invalid' }
  const recognition = await recognise(db, id)
  if (recognition.kind !== 'trusted') return recognition
  const key = await verifyingKey(recognition.terminal.publicKey)
  const claims = ProofClaims.safeParse(await verified(proof, 'klubkort-proof', key))
  const { origin, pathname } = new URL(url)
  const fits =
    claims.success &&
    claims.data.iss === id &&
    claims.data.htm === 'GET' &&
    claims.data.htu === `${origin}${pathname}` &&
    Math.abs(nowMs - claims.data.iat * 1000) <= PROOF_AGE_MAX_MS
  return fits ? recognition : { kind: 'proof_invalid' }
}

export type Enrolment =
  | { kind: 'enrolled'; answer: Omit<EnrolAnswer, 'cardKey' | 'time'> }
  | { kind: 'code_unknown' | 'code_expired' | 'code_used' | 'proof_invalid' }

/** SQL: ?1 is the digest of a code that is still good, and ?2 a key that no terminal has or had; now is ?3. */
const MAY_ENROL = `revoked_at IS NULL
  AND id = (SELECT terminal FROM enrolment_code WHERE hash = ?1 AND used_at IS NULL AND expires_at > ?3)
  AND NOT EXISTS (SELECT 1 FROM terminal AS other WHERE other.public_key = ?2)
  AND NOT EXISTS (SELECT 1 FROM terminal_key WHERE terminal_key.public_key = ?2)`

/**
 * Gives a terminal the key that it made, against its one-time code; one that had a key gets this one in its place, and
 * goes on where its numbers end, also if it had been stopped. The same code with the same key is answered again, since
 * the answer may have been lost; with another key, or one that was used before, it is refused.
 */
export async function enrol(
  db: D1Database,
  call: z.infer<typeof EnrolCall>,
  url: string,
  nowMs: number,
): Promise<Enrolment> {
  const key = await verifyingKey(call.publicKey).catch(() => null) // 32 bytes that are no point on the curve.
  const proof = key && EnrolProof.safeParse(await verified(call.proof, 'klubkort-enrol', key))
  if (!proof?.success || proof.data.code !== call.code || proof.data.htu !== url) return { kind: 'proof_invalid' }
  const hash = await digest(call.code)
  const [, , , , found] = await db.batch<{
    id: string
    name: string
    site: string
    municipality: number
    publicKey: string | null
    expiresAt: number
    usedAt: number | null
    revokedAt: number | null
    nextSeq: number
    prev: string
  }>([
    db
      .prepare(
        `INSERT INTO terminal_key (public_key, terminal, replaced_at)
         SELECT public_key, id, ?3 FROM terminal WHERE public_key IS NOT NULL AND ${MAY_ENROL}
         ON CONFLICT DO NOTHING`,
      )
      .bind(hash, call.publicKey, nowMs),
    db
      .prepare(
        `UPDATE terminal SET public_key = ?2, enrolled_at = ?3, stopped_at = NULL, card_list_version = NULL
         WHERE ${MAY_ENROL}`,
      )
      .bind(hash, call.publicKey, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject)
         SELECT ?2, 'terminal_enrolled', 'terminal:' || terminal FROM enrolment_code WHERE hash = ?1 AND changes() > 0`,
      )
      .bind(hash, nowMs),
    db.prepare('UPDATE enrolment_code SET used_at = ?2 WHERE hash = ?1 AND changes() > 0').bind(hash, nowMs),
    db
      .prepare(
        `SELECT terminal.id, terminal.name, site.name AS site, municipality.number AS municipality,
           public_key AS publicKey, expires_at AS expiresAt, used_at AS usedAt, revoked_at AS revokedAt,
           1 + coalesce((SELECT max(seq) FROM message WHERE message.terminal = terminal.id), 0) AS nextSeq,
           coalesce((SELECT hash FROM message WHERE message.terminal = terminal.id ORDER BY seq DESC LIMIT 1), '') AS prev
         FROM enrolment_code JOIN terminal ON terminal.id = enrolment_code.terminal
         JOIN site ON site.id = terminal.site, municipality WHERE hash = ?`,
      )
      .bind(hash),
  ])
  const row = found?.results[0]
  if (!row) return { kind: 'code_unknown' }
  if (row.expiresAt <= nowMs) return { kind: 'code_expired' }
  if (row.usedAt === null && row.revokedAt === null) return { kind: 'proof_invalid' } // The key was somebody's before.
  if (row.publicKey !== call.publicKey || row.revokedAt !== null) return { kind: 'code_used' }
  const { id, name, site, municipality, nextSeq, prev } = row
  return { kind: 'enrolled', answer: { terminal: id, name, site, municipality, nextSeq, prev } }
}

/** Adds a terminal that waits for its one-time code to be used. */
export async function addTerminal(
  db: D1Database,
  { site, name }: { site: number; name: string },
  code: string,
  staff: number,
  nowMs: number,
): Promise<{ id: string } | 'site_unknown' | 'name_taken'> {
  const hash = await digest(code)
  const [, , , siteFound, added] = await db.batch<{ id: string }>([
    db
      .prepare(
        `INSERT INTO terminal (id, site, name, created_at)
         SELECT number || '-' || (1 + (SELECT count(*) FROM terminal WHERE branch_of IS NULL)), site.id, ?2, ?3 FROM municipality, site
         WHERE site.id = ?1
         ON CONFLICT DO NOTHING`,
      )
      .bind(site, name, nowMs),
    recordedIfChanged(db, { staff, action: 'terminal_added', subject: `terminal:${name}` }, nowMs),
    db
      .prepare(
        `INSERT INTO enrolment_code (hash, terminal, expires_at)
         SELECT ?1, id, ?3 FROM terminal WHERE name = ?2 AND changes() > 0`,
      )
      .bind(hash, name, nowMs + CODE_LIFE_MS),
    db.prepare('SELECT name AS id FROM site WHERE id = ?').bind(site),
    db.prepare('SELECT terminal AS id FROM enrolment_code WHERE hash = ?').bind(hash),
  ])
  if (!siteFound?.results.length) return 'site_unknown'
  return added?.results[0] ?? 'name_taken'
}

/**
 * A new one-time code for a terminal that has not been enrolled, or, to `again`, for one that has; earlier codes of it
 * end. Until the code is used, a terminal that works goes on working.
 */
export async function renewCode(
  db: D1Database,
  id: string,
  { code, again }: { code: string; again: boolean },
  staff: number,
  nowMs: number,
): Promise<'renewed' | 'not_found' | 'code_used' | 'terminal_revoked' | 'not_enrolled'> {
  const fits = `terminal.id = ?1 AND branch_of IS NULL AND revoked_at IS NULL AND (public_key IS NOT NULL) = ?2`
  const [, made, , found] = await db.batch<{ revoked: 0 | 1; enrolled: 0 | 1 }>([
    db
      .prepare(
        `UPDATE enrolment_code SET expires_at = ?3
         WHERE used_at IS NULL AND expires_at > ?3 AND terminal = (SELECT id FROM terminal WHERE ${fits})`,
      )
      .bind(id, again ? 1 : 0, nowMs),
    db
      .prepare(`INSERT INTO enrolment_code (hash, terminal, expires_at) SELECT ?3, id, ?4 FROM terminal WHERE ${fits}`)
      .bind(id, again ? 1 : 0, await digest(code), nowMs + CODE_LIFE_MS),
    recordedIfChanged(
      db,
      { staff, action: again ? 'terminal_renewed' : 'terminal_code', subject: `terminal:${id}` },
      nowMs,
    ),
    db
      .prepare(
        `SELECT revoked_at IS NOT NULL AS revoked, public_key IS NOT NULL AS enrolled
         FROM terminal WHERE id = ? AND branch_of IS NULL`,
      )
      .bind(id),
  ])
  if (made?.meta.changes) return 'renewed'
  const terminal = found?.results[0]
  if (!terminal) return 'not_found'
  if (terminal.revoked) return again ? 'terminal_revoked' : 'code_used'
  return terminal.enrolled ? 'code_used' : 'not_enrolled'
}

type TerminalRow = {
  id: string
  site: number
  name: string
  state: 'waiting' | 'enrolled' | 'stopped' | 'revoked'
  lastSeq: number
  lastSeenAt: number | null
  cardListVersion: number | null
  listedAt: number | null
  software: string | null
  quarantined: number
  unsentCount: number | null
  unsentSum: number | null
  unsentSince: number | null
}

/**
 * All terminals, or one, or those at the sites of who asks (`sitesOf`), with how far their messages have come, when they
 * last asked for the card list and when they had the whole of it, and how many of their messages wait for staff.
 */
export async function terminals(
  db: D1Database,
  { id = null, sites = null }: { id?: string | null; sites?: string | null } = {},
): Promise<TerminalRow[]> {
  const query = db
    .prepare(
      `SELECT id, site, name,
         CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN public_key IS NULL THEN 'waiting'
           WHEN stopped_at IS NOT NULL THEN 'stopped' ELSE 'enrolled' END AS state,
         coalesce((SELECT max(seq) FROM message WHERE message.terminal = terminal.id), 0) AS lastSeq,
         last_seen_at AS lastSeenAt, card_list_version AS cardListVersion, listed_at AS listedAt, software,
         (SELECT count(*) FROM quarantine WHERE quarantine.terminal = terminal.id AND ${UNREVIEWED}) AS quarantined,
         unsent_count AS unsentCount, unsent_sum AS unsentSum, unsent_since AS unsentSince
       FROM terminal WHERE branch_of IS NULL AND (?1 IS NULL OR id = ?1) AND ${withinSites('site', '?2')}
       ORDER BY created_at, id`,
    )
    .bind(id, sites)
  return (await query.all<TerminalRow>()).results
}

/** A terminal as a parent sees it: where it stands, how new its card list is, and when it last had the whole of it. */
export type ToldTerminal = {
  name: string
  site: string
  lastSeenAt: number | null
  cardListVersion: number | null
  listedAt: number | null
}

/** The terminals in use with the card list they hold: a statement that answers with `ToldTerminal`s. */
export function toldTerminalsQuery(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `SELECT terminal.name, site.name AS site, last_seen_at AS lastSeenAt, card_list_version AS cardListVersion,
       listed_at AS listedAt
     FROM terminal JOIN site ON site.id = terminal.site
     WHERE public_key IS NOT NULL AND revoked_at IS NULL ORDER BY site.name, terminal.name`,
  )
}

/** Revokes a terminal, at once: its next proof is refused, its next messages put aside. Again changes nothing. */
export async function revoke(db: D1Database, id: string, staff: number, nowMs: number): Promise<TerminalRow | null> {
  await db.batch([
    db
      .prepare('UPDATE terminal SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL AND branch_of IS NULL')
      .bind(id, nowMs),
    recordedIfChanged(db, { staff, action: 'terminal_revoked', subject: `terminal:${id}` }, nowMs),
  ])
  return (await terminals(db, { id }))[0] ?? null
}
