import type { z } from 'zod'
import { claimedSigner, digest, verified, verifyingKey } from '../shared/signing.ts'
import { type EnrolAnswer, type EnrolCall, EnrolProof, PROOF_AGE_MAX_MS, ProofClaims } from '../shared/wire.ts'
import { recorded, recordedIfChanged } from './audit.ts'

/** How long a one-time code is good for. */
export const CODE_LIFE_MS = 15 * 60_000

/** A terminal that may act: enrolled and not revoked. */
export type Trusted = { id: string; name: string; site: number; siteName: string; publicKey: string }

export type Recognition =
  | { kind: 'trusted'; terminal: Trusted }
  | { kind: 'terminal_unknown' | 'terminal_revoked' | 'proof_invalid' }

/** The terminal of an id, if it may act. */
export async function recognise(db: D1Database, id: string): Promise<Recognition> {
  const row = await db
    .prepare(
      `SELECT terminal.id, terminal.name, site, site.name AS siteName, public_key AS publicKey, revoked_at AS revokedAt
       FROM terminal JOIN site ON site.id = terminal.site WHERE terminal.id = ?`,
    )
    .bind(id)
    .first<Omit<Trusted, 'publicKey'> & { publicKey: string | null; revokedAt: number | null }>()
  if (!row) return { kind: 'terminal_unknown' }
  const { publicKey, revokedAt, ...terminal } = row
  if (revokedAt !== null) return { kind: 'terminal_revoked' }
  return publicKey === null ? { kind: 'terminal_unknown' } : { kind: 'trusted', terminal: { ...terminal, publicKey } }
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

/**
 * Gives a terminal the key that it made, against its one-time code. The same code with the same key is answered
 * again, since the answer may have been lost; with another key it is refused.
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
  const [, , , found] = await db.batch<{
    id: string
    name: string
    site: string
    municipality: number
    publicKey: string | null
    expiresAt: number
    revokedAt: number | null
  }>([
    db
      .prepare(
        `UPDATE terminal SET public_key = ?2, enrolled_at = ?3
         WHERE public_key IS NULL AND revoked_at IS NULL AND id = (
           SELECT terminal FROM enrolment_code WHERE hash = ?1 AND used_at IS NULL AND expires_at > ?3)`,
      )
      .bind(hash, call.publicKey, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject)
         SELECT ?2, 'terminal_enrolled', 'terminal:' || terminal FROM enrolment_code WHERE hash = ?1 AND changes() > 0`,
      )
      .bind(hash, nowMs),
    db
      .prepare('UPDATE enrolment_code SET used_at = ?2 WHERE hash = ?1 AND used_at IS NULL AND expires_at > ?2')
      .bind(hash, nowMs),
    db
      .prepare(
        `SELECT terminal.id, terminal.name, site.name AS site, municipality.number AS municipality,
           public_key AS publicKey, expires_at AS expiresAt, revoked_at AS revokedAt
         FROM enrolment_code JOIN terminal ON terminal.id = enrolment_code.terminal
         JOIN site ON site.id = terminal.site, municipality WHERE hash = ?`,
      )
      .bind(hash),
  ])
  const row = found?.results[0]
  if (!row) return { kind: 'code_unknown' }
  if (row.expiresAt <= nowMs) return { kind: 'code_expired' }
  if (row.publicKey !== call.publicKey || row.revokedAt !== null) return { kind: 'code_used' }
  const { id, name, site, municipality } = row
  return { kind: 'enrolled', answer: { terminal: id, name, site, municipality } }
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
         SELECT number || '-' || (1 + (SELECT count(*) FROM terminal)), site.id, ?2, ?3 FROM municipality, site
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

/** A new one-time code for a terminal that has not been enrolled; earlier codes of it end. */
export async function renewCode(
  db: D1Database,
  id: string,
  code: string,
  staff: number,
  nowMs: number,
): Promise<'renewed' | 'not_found' | 'code_used'> {
  const recognition = await recognise(db, id)
  if (recognition.kind !== 'terminal_unknown') return 'code_used'
  const row = await db.prepare('SELECT 1 FROM terminal WHERE id = ?').bind(id).first()
  if (!row) return 'not_found'
  await db.batch([
    db.prepare('UPDATE enrolment_code SET expires_at = ?2 WHERE terminal = ?1 AND used_at IS NULL').bind(id, nowMs),
    db
      .prepare('INSERT INTO enrolment_code (hash, terminal, expires_at) VALUES (?1, ?2, ?3)')
      .bind(await digest(code), id, nowMs + CODE_LIFE_MS),
    recorded(db, { staff, action: 'terminal_code', subject: `terminal:${id}` }, nowMs),
  ])
  return 'renewed'
}

type TerminalRow = {
  id: string
  site: number
  name: string
  state: 'waiting' | 'enrolled' | 'revoked'
  lastSeq: number
  lastSeenAt: number | null
  cardListVersion: number | null
}

/** All terminals, or one, with how far their messages have come and when they last asked for the card list. */
export async function terminals(db: D1Database, id?: string): Promise<TerminalRow[]> {
  const query = db
    .prepare(
      `SELECT id, site, name,
         CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN public_key IS NULL THEN 'waiting' ELSE 'enrolled' END AS state,
         coalesce((SELECT max(seq) FROM message WHERE message.terminal = terminal.id), 0) AS lastSeq,
         last_seen_at AS lastSeenAt, card_list_version AS cardListVersion
       FROM terminal WHERE ?1 IS NULL OR id = ?1 ORDER BY created_at, id`,
    )
    .bind(id ?? null)
  return (await query.all<TerminalRow>()).results
}

/** A terminal as a parent sees it: where it stands, and how new its card list is. */
export type ToldTerminal = { name: string; site: string; lastSeenAt: number | null; cardListVersion: number | null }

/** The terminals in use with the card list they hold: a statement that answers with `ToldTerminal`s. */
export function toldTerminalsQuery(db: D1Database): D1PreparedStatement {
  return db.prepare(
    `SELECT terminal.name, site.name AS site, last_seen_at AS lastSeenAt, card_list_version AS cardListVersion
     FROM terminal JOIN site ON site.id = terminal.site
     WHERE public_key IS NOT NULL AND revoked_at IS NULL ORDER BY site.name, terminal.name`,
  )
}

/** Revokes a terminal, at once: its next message or proof is refused. Doing it again changes nothing. */
export async function revoke(db: D1Database, id: string, staff: number, nowMs: number): Promise<TerminalRow | null> {
  await db.batch([
    db.prepare('UPDATE terminal SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL').bind(id, nowMs),
    recordedIfChanged(db, { staff, action: 'terminal_revoked', subject: `terminal:${id}` }, nowMs),
  ])
  return (await terminals(db, id))[0] ?? null
}
