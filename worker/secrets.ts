import { base64url, digest, fromBase64url } from '../shared/signing.ts'

/** A municipality's card key, 32 bytes as base64url: HKDF-SHA-256 (RFC 5869) of the master key, for that number alone. */
export async function cardKeyOf(masterKey: string, municipality: number): Promise<string> {
  const bytes = fromBase64url(masterKey)
  if (bytes.length !== 32) throw new Error('MASTER_KEY must be 32 bytes in base64url')
  const key = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveBits'])
  const info = new TextEncoder().encode(`klubkort card key ${municipality}`)
  return base64url(
    await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }, key, 256),
  )
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
