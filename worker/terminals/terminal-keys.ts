import type { z } from 'zod'
import { claimedSigner, verified, verifyingKey } from '../../shared/signing.ts'
import { type KeyCall, PROOF_AGE_MAX_MS, RotationConfirmation, RotationProof } from '../../shared/wire.ts'
import { recognise } from './terminals.ts'

/** The keys that a terminal had before, the newest first. */
export async function formerKeys(db: D1Database, terminal: string): Promise<string[]> {
  const found = await db
    .prepare('SELECT public_key AS publicKey FROM terminal_key WHERE terminal = ? ORDER BY replaced_at DESC LIMIT 20')
    .bind(terminal)
    .all<{ publicKey: string }>()
  return found.results.map(({ publicKey }) => publicKey)
}

export type Rotation =
  | { kind: 'rotated'; terminal: string }
  | { kind: 'proof_invalid' | 'terminal_unknown' | 'terminal_revoked' | 'terminal_stopped' }

/**
 * Gives a terminal another key of its own making, on the word of the one it has. Told again after it has happened, with
 * the former key's word, it is answered again; a key that somebody has, or had, becomes nobody's anew. One that is barred
 * is refused: what it signs with its new key, not knowing of it, is put aside as what it signed before.
 */
export async function rotateKey(
  db: D1Database,
  { publicKey, proof }: z.infer<typeof KeyCall>,
  url: string,
  nowMs: number,
): Promise<Rotation> {
  const id = claimedSigner(proof, 'klubkort-rotation')
  if (id === null) return { kind: 'proof_invalid' }
  const recognition = await recognise(db, id)
  if ('publicKey' in recognition && recognition.publicKey !== '') {
    const asked = await signedBy([recognition.publicKey], { terminal: id, publicKey, proof }, url, nowMs)
    if (asked) await keepOfBarred(db, { terminal: id, publicKey }, nowMs)
  }
  if (recognition.kind !== 'trusted') return { kind: recognition.kind }
  const current = recognition.terminal.publicKey
  const done = current === publicKey
  const signers = done ? await formerKeys(db, id) : [current]
  if (!(await signedBy(signers, { terminal: id, publicKey, proof }, url, nowMs))) return { kind: 'proof_invalid' }
  if (done) return { kind: 'rotated', terminal: id }
  const fits = `id = ?1 AND public_key = ?2 AND revoked_at IS NULL AND stopped_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM terminal AS other WHERE other.public_key = ?3)
    AND NOT EXISTS (SELECT 1 FROM terminal_key WHERE terminal_key.public_key = ?3)`
  const [, , , now] = await db.batch<{ publicKey: string }>([
    db
      .prepare(
        `INSERT INTO terminal_key (public_key, terminal, replaced_at)
         SELECT public_key, id, ?4 FROM terminal WHERE ${fits} ON CONFLICT DO NOTHING`,
      )
      .bind(id, current, publicKey, nowMs),
    db.prepare(`UPDATE terminal SET public_key = ?3 WHERE ${fits}`).bind(id, current, publicKey),
    db
      .prepare(
        "INSERT INTO audit (at, action, subject) SELECT ?2, 'terminal_key_rotated', 'terminal:' || ?1 WHERE changes() > 0",
      )
      .bind(id, nowMs),
    db.prepare('SELECT public_key AS publicKey FROM terminal WHERE id = ?').bind(id),
  ])
  return now?.results[0]?.publicKey === publicKey ? { kind: 'rotated', terminal: id } : { kind: 'proof_invalid' }
}

/** Keeps the first key that a terminal makes after it was barred among those that it had. */
async function keepOfBarred(db: D1Database, made: { terminal: string; publicKey: string }, nowMs: number) {
  await db
    .prepare(
      `INSERT INTO terminal_key (public_key, terminal, replaced_at) SELECT ?2, id, ?3 FROM terminal
       WHERE id = ?1 AND (revoked_at IS NOT NULL OR stopped_at IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM terminal AS other WHERE other.public_key = ?2)
         AND NOT EXISTS (SELECT 1 FROM terminal_key AS made WHERE made.terminal = terminal.id
           AND made.replaced_at >= coalesce(min(revoked_at, stopped_at), revoked_at, stopped_at))
       ON CONFLICT DO NOTHING`,
    )
    .bind(made.terminal, made.publicKey, nowMs)
    .run()
}

/** Whether one of the keys asks for this very rotation, here and now, and the new key agrees. */
async function signedBy(
  signers: readonly string[],
  { terminal, publicKey, proof }: { terminal: string; publicKey: string; proof: string },
  url: string,
  nowMs: number,
): Promise<boolean> {
  const recent = (iat: number) => Math.abs(nowMs - iat * 1000) <= PROOF_AGE_MAX_MS
  const next = await verifyingKey(publicKey).catch(() => null) // 32 bytes that are no point on the curve.
  if (next === null) return false
  for (const signer of signers) {
    const asked = RotationProof.safeParse(await verified(proof, 'klubkort-rotation', await verifyingKey(signer)))
    if (!asked.success) continue
    const { iss, htu, iat, confirmation } = asked.data
    if (iss !== terminal || htu !== url || asked.data.publicKey !== publicKey || !recent(iat)) return false
    const agreed = RotationConfirmation.safeParse(await verified(confirmation, 'klubkort-confirmation', next))
    return agreed.success && agreed.data.terminal === terminal && agreed.data.htu === url && recent(agreed.data.iat)
  }
  return false
}
