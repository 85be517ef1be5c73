import { CompactSign, type CryptoKey, compactVerify, importJWK } from 'jose'
import { z } from 'zod'
import { CompactJws } from './fields.ts'

/**
 * What a terminal signs: a debit message, a proof of who calls, that it holds the key it enrols with, and for another
 * key the rotation (with the old key) around the confirmation (with the new one).
 */
export type SignedType =
  | 'klubkort-debit'
  | 'klubkort-proof'
  | 'klubkort-enrol'
  | 'klubkort-rotation'
  | 'klubkort-confirmation'

const Header = z.strictObject({ alg: z.literal('EdDSA'), kid: z.string().optional(), typ: z.string() })

const encoder = new TextEncoder()

/** Bytes as base64url without padding (RFC 4648 section 5). */
export function base64url(bytes: ArrayBuffer | Uint8Array): string {
  let binary = ''
  for (const byte of new Uint8Array(bytes)) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The bytes of a base64url text; throws on text that is none. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
}

/** SHA-256 of a text's UTF-8 bytes, base64url: the `prev` of the next message, and how codes and tokens are stored. */
export async function digest(text: string): Promise<string> {
  return base64url(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

/** HMAC-SHA-256 over a card's UID bytes under the municipality's card key (base64url), itself base64url. */
export async function cardHash(cardKey: string, uid: Uint8Array<ArrayBuffer>): Promise<string> {
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', fromBase64url(cardKey), hmac, false, ['sign'])
  return base64url(await crypto.subtle.sign('HMAC', key, uid))
}

/** Signs a payload as compact JWS. The text that comes back is what is kept and sent; it is never made again. */
export function sign(key: CryptoKey, typ: SignedType, kid: string | undefined, payload: unknown): Promise<string> {
  return new CompactSign(encoder.encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'EdDSA', ...(kid !== undefined && { kid }), typ })
    .sign(key)
}

/** Who claims to have signed: the `kid` of a JWS not yet verified, or null where the header is not ours to the letter. */
export function claimedSigner(jws: string, typ: SignedType): string | null {
  return headerOf(jws, typ)?.kid ?? null
}

function headerOf(jws: string, typ: SignedType): z.infer<typeof Header> | null {
  try {
    const text = new TextDecoder().decode(fromBase64url(jws.slice(0, jws.indexOf('.'))))
    const header = Header.safeParse(JSON.parse(text))
    return header.success && header.data.typ === typ ? header.data : null
  } catch {
    return null // Not base64url or not JSON: whoever asks refuses it in words of their own.
  }
}

/** A public key ready to verify with. */
export async function verifyingKey(publicKey: string): Promise<CryptoKey> {
  const key = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: publicKey, alg: 'EdDSA' }, 'EdDSA')
  if (key instanceof Uint8Array) throw new TypeError('an Ed25519 key is no secret')
  return key
}

/** The payload of a JWS if `key` signed it with EdDSA under a header of exactly our form; null otherwise. */
export async function verified(jws: string, typ: SignedType, key: CryptoKey): Promise<unknown> {
  if (!CompactJws.safeParse(jws).success || headerOf(jws, typ) === null) return null
  try {
    const { payload } = await compactVerify(jws, key, { algorithms: ['EdDSA'] })
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload))
  } catch {
    return null // jose tells by exception that a signature is wrong; to us that is an answer.
  }
}
