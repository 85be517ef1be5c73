import { DebitMessage, type DebitResult } from '../../shared/debit.ts'
import { base64url, digest, verified, verifyingKey } from '../../shared/signing.ts'
import { type Booking, book, type SignedMessage } from '../ledger/debits.ts'
import { type Cause, putAside } from './quarantine.ts'
import { formerKeys } from './terminal-keys.ts'
import { recognise, rememberedKey, type SignerKey, signerKey } from './terminals.ts'

/** What became of a terminal's call: booked or put aside, all of it, or refused. */
export type Delivery =
  | Booking
  | { kind: 'quarantined'; results: DebitResult[] }
  | { kind: 'signature_invalid' | 'terminal_unknown' }
  | { kind: 'malformed'; where: string }

type Random = (bytes: number) => Uint8Array

/**
 * Takes a call of a terminal's messages, as compact JWS in order. They are booked while the terminal may act; what a
 * revoked or stopped one has signed, or a key that it no longer has, is put aside.
 */
export async function deliver(
  db: D1Database,
  terminal: string,
  messages: readonly string[],
  random: Random,
  nowMs: number,
): Promise<Delivery> {
  // Several messages are held against one another before the ledger looks at the terminal, so it is read first.
  const known = messages.length === 1 ? rememberedKey(db, terminal) : null
  const booking = known && (await bookSigned(db, terminal, known, messages, random, nowMs))
  if (booking?.kind === 'booked' || booking?.kind === 'conflict') return booking
  const recognition = await recognise(db, terminal)
  switch (recognition.kind) {
    case 'proof_invalid':
      throw new Error('a message carries no proof')
    case 'terminal_unknown':
      return { kind: 'terminal_unknown' }
    case 'terminal_revoked':
    case 'terminal_stopped':
      return asideOf(db, terminal, messages, recognition, nowMs)
    case 'trusted': {
      const signer = await signerKey(db, recognition.terminal)
      const afresh = await bookSigned(db, terminal, signer, messages, random, nowMs)
      if (afresh.kind === 'signature_invalid') return asideOf(db, terminal, messages, { kind: afresh.kind }, nowMs)
      // It has been barred since it was read a moment ago.
      const barred = afresh.kind === 'terminal_revoked' || afresh.kind === 'terminal_stopped'
      if (!barred) return afresh
      return asideOf(db, terminal, messages, { kind: afresh.kind, publicKey: signer.publicKey }, nowMs)
    }
  }
}

async function bookSigned(
  db: D1Database,
  terminal: string,
  { publicKey, key }: SignerKey,
  messages: readonly string[],
  random: Random,
  nowMs: number,
): Promise<Booking | { kind: 'signature_invalid' } | { kind: 'malformed'; where: string }> {
  const signed = await readSigned(messages, key, random)
  return Array.isArray(signed) ? book(db, { terminal, publicKey }, signed, nowMs) : signed
}

/** Verifies and reads messages, to the last one. */
async function readSigned(
  messages: readonly string[],
  key: CryptoKey,
  random: Random,
): Promise<SignedMessage[] | { kind: 'signature_invalid' } | { kind: 'malformed'; where: string }> {
  const signed: SignedMessage[] = []
  for (const jws of messages) {
    const payload = await verified(jws, 'klubkort-debit', key)
    if (payload === null) return { kind: 'signature_invalid' }
    const message = DebitMessage.safeParse(payload)
    if (!message.success) {
      const [issue] = message.error.issues
      const where = `message ${signed.length + 1}: ${issue?.path.join('.')}: ${issue?.message}`
      return { kind: 'malformed', where }
    }
    const { data } = message
    const nextToken = data.token === undefined ? undefined : base64url(random(8))
    signed.push({ message: data, jws, hash: await digest(jws), ...(nextToken !== undefined && { nextToken }) })
  }
  return signed
}

const CAUSE = {
  terminal_revoked: 'revoked',
  terminal_stopped: 'stopped',
  signature_invalid: 'key_replaced',
} as const satisfies Record<string, Cause>

type Reason = { kind: 'terminal_revoked' | 'terminal_stopped'; publicKey: string } | { kind: 'signature_invalid' }

/** Puts a call aside that one of the terminal's keys has signed; else it is refused for the reason why it came here. */
async function asideOf(
  db: D1Database,
  terminal: string,
  messages: readonly string[],
  reason: Reason,
  nowMs: number,
): Promise<Delivery> {
  const own = 'publicKey' in reason && reason.publicKey !== '' ? [reason.publicKey] : []
  for (const publicKey of [...own, ...(await formerKeys(db, terminal))]) {
    const signed = await readSigned(messages, await verifyingKey(publicKey), (bytes) => new Uint8Array(bytes))
    if (Array.isArray(signed)) {
      const results = await putAside(db, terminal, signed, CAUSE[reason.kind], nowMs)
      return results === null ? { kind: reason.kind } : { kind: 'quarantined', results }
    }
    if (signed.kind === 'malformed') return signed
  }
  return { kind: reason.kind }
}
