import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose'
import { z } from 'zod'
import { PublicKey } from '../shared/signing.ts'
import { EnrolAnswer } from '../shared/wire.ts'

const PrivateKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: PublicKey, d: PublicKey })

/** What enrolment left behind: who this terminal is, whom it talks to, and the key under which it hashes cards. */
export const Enrolment = EnrolAnswer.pick({ terminal: true, municipality: true, cardKey: true }).extend({
  url: z.url(),
})
export type Enrolment = z.infer<typeof Enrolment>

/** The terminal's key pair; `publicKey` is the 32 bytes as base64url. */
export type KeyPair = { privateKey: CryptoKey; publicKey: string }

const keyFile = (state: string) => join(state, 'key.json')
const enrolmentFile = (state: string) => join(state, 'terminal.json')

/** The key in a state folder, made on this device the first time it is asked for. It is readable by its owner only. */
export async function keyPair(state: string): Promise<KeyPair> {
  const stored = await readJson(keyFile(state), PrivateKey)
  if (stored === null) {
    const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    await writePrivate(state, keyFile(state), await exportJWK(privateKey))
    return keyPair(state)
  }
  const key = await importJWK(stored, 'EdDSA')
  if (key instanceof Uint8Array) throw new TypeError('an Ed25519 key is no secret')
  return { privateKey: key, publicKey: stored.x }
}

/** Who this terminal is; null before it is enrolled. */
export const enrolment = (state: string): Promise<Enrolment | null> => readJson(enrolmentFile(state), Enrolment)

/** Keeps who this terminal is. */
export const keepEnrolment = (state: string, enrolled: Enrolment) => writePrivate(state, enrolmentFile(state), enrolled)

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw new Error(`${path} is damaged; enrol the terminal again in an empty folder`)
  }
}

/** Whole or not at all, even if the power goes: to a file of its own, on the disk, then in the other's place. */
async function writePrivate(state: string, path: string, value: unknown) {
  await mkdir(state, { recursive: true, mode: 0o700 })
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.chmod(0o600)
    await file.writeFile(JSON.stringify(value))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
  const folder = await open(state, 'r')
  await folder.sync().finally(() => folder.close())
}
