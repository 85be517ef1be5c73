import { base64url, fromBase64url } from '../../shared/signing.ts'

/**
 * An ID token tells who somebody is, and the broker wants it back at log-out. It is kept so that whoever has the
 * database alone cannot read it: encrypted under a key that follows from the session's cookie.
 */

const IV_BYTES = 12

/** AES-256-GCM, by HKDF-SHA-256 (RFC 5869) of the cookie's value; its `info` is for this purpose alone. */
async function keyOf(sessionToken: string): Promise<CryptoKey> {
  const encoder = new TextEncoder()
  const secret = await crypto.subtle.importKey('raw', encoder.encode(sessionToken), 'HKDF', false, ['deriveKey'])
  const info = encoder.encode('klubkort session id token')
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info }
  return await crypto.subtle.deriveKey(derivation, secret, { name: 'AES-GCM', length: 256 }, false, [
    'encrypt',
    'decrypt',
  ])
}

/** An ID token as it is stored: base64url of a random IV and the ciphertext. None ('') stays none. */
export async function sealed(
  idToken: string,
  sessionToken: string,
  random: (bytes: number) => Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (idToken === '') return ''
  const iv = random(IV_BYTES)
  const plain = new TextEncoder().encode(idToken)
  const secret = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, await keyOf(sessionToken), plain)
  return base64url(new Uint8Array([...iv, ...new Uint8Array(secret)]))
}

/** The ID token again. Throws where another session's cookie sealed it, or it was changed. */
export async function unsealed(stored: string, sessionToken: string): Promise<string> {
  if (stored === '') return ''
  const bytes = fromBase64url(stored)
  const [iv, secret] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES)]
  const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await keyOf(sessionToken), secret)
  return new TextDecoder().decode(plain)
}
