import { base64url, digest, fromBase64url } from '../../shared/signing.ts'

/** 32 bytes, HKDF-SHA-256 (RFC 5869) of the master key, for one purpose in one municipality. */
async function derived(masterKey: string, purpose: string, municipality: number): Promise<ArrayBuffer> {
  const bytes = fromBase64url(masterKey)
  if (bytes.length !== 32) throw new Error('MASTER_KEY must be 32 bytes in base64url')
  const key = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits'])
  const info = new TextEncoder().encode(`klubkort ${purpose} key ${municipality}`)
  return await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }, key, 256)
}

/** A municipality's card key, 32 bytes as base64url. */
export async function cardKeyOf(masterKey: string, municipality: number): Promise<string> {
  return base64url(await derived(masterKey, 'card', municipality))
}

/** Makes keyed HMACs of texts for one purpose in one municipality: HMAC-SHA-256, base64url. */
export async function keyedHash(
  masterKey: string,
  purpose: 'cpr' | 'roster',
  municipality: number,
): Promise<(text: string) => Promise<string>> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const raw = await derived(masterKey, purpose, municipality)
  const key = await crypto.subtle.importKey('raw', raw, algorithm, false, ['sign'])
  return async (text) => base64url(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(text)))
}

/** A CPR number of ten digits as a municipality knows it: HMAC-SHA-256, base64url. The number itself is kept nowhere. */
export async function cprHash(masterKey: string, municipality: number, cpr: string): Promise<string> {
  return (await keyedHash(masterKey, 'cpr', municipality))(cpr)
}

/** 256 random bits as a staff token; only its digest is stored. */
export function newToken(random: (bytes: number) => Uint8Array): string {
  return `kk_${base64url(random(32))}`
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 80 random bits as a one-time code a person can type: four groups of four in Crockford's base 32. */
export function newCode(random: (bytes: number) => Uint8Array): string {
  const letters = Array.from(random(16), (byte) => CROCKFORD[byte % 32]).join('')
  return letters.replace(/(.{4})(?=.)/g, '$1-')
}

/** Whether two secrets are the same, in a time that does not tell where they differ. */
export async function sameSecret(one: string, other: string): Promise<boolean> {
  return (await digest(one)) === (await digest(other)) // Digests of secrets do not help to guess them.
}
