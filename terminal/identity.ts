import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK } from 'jose'
import { z } from 'zod'
import { PublicKey } from '../shared/fields.ts'
import { EnrolAnswer } from '../shared/wire.ts'
import { disk, type Files } from './upkeep/files.ts'

const PrivateKey = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: PublicKey, d: PublicKey })

/**
 * What enrolment left behind: who this terminal is, whom it talks to, and the key under which it hashes cards.
 * `keySince` is the worker's time when it took the key in use.
 */
export const Enrolment = EnrolAnswer.pick({ terminal: true, municipality: true, cardKey: true }).extend({
  url: z.url(),
  keySince: z.int().optional(),
})
export type Enrolment = z.infer<typeof Enrolment>

/**
 * The terminal's key pair; `publicKey` is the 32 bytes as base64url. Whoever signs reads it for each signature, since a
 * rotation puts another key into the same object.
 */
export type KeyPair = { privateKey: CryptoKey; publicKey: string }

/** The key in use, the one that is being enrolled, and the one that is to take the place of the key in use. */
export type KeySlot = 'key' | 'key-enrolling' | 'key-rotating'

const keyFile = (state: string, slot: KeySlot) => join(state, `${slot}.json`)
const enrolmentFile = (state: string) => join(state, 'terminal.json')

/** A key in a state folder, made on this device the first time it is asked for. It is readable by its owner only. */
export async function keyPair(state: string, slot: KeySlot = 'key', files: Files = disk): Promise<KeyPair> {
  const held = await heldKey(state, slot, files)
  if (held !== null) return held
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  await files.write(keyFile(state, slot), JSON.stringify(await exportJWK(privateKey)))
  return keyPair(state, slot, files)
}

/** A key in a state folder; null where there is none. */
export async function heldKey(state: string, slot: KeySlot, files: Files = disk): Promise<KeyPair | null> {
  const stored = await readJson(keyFile(state, slot), PrivateKey, files)
  if (stored === null) return null
  const key = await importJWK(stored, 'EdDSA')
  if (key instanceof Uint8Array) throw new TypeError('an Ed25519 key is no secret')
  return { privateKey: key, publicKey: stored.x }
}

/** Makes another key the one in use; nothing where there is no other. */
export async function promoteKey(state: string, slot: Exclude<KeySlot, 'key'>, files: Files = disk) {
  if ((await files.read(keyFile(state, slot))) !== null) await files.move(keyFile(state, slot), keyFile(state, 'key'))
}

/** Forgets a key that never came into use. */
export const dropKey = (state: string, slot: Exclude<KeySlot, 'key'>, files: Files = disk) =>
  files.remove(keyFile(state, slot))

/** Who this terminal is; null before it is enrolled. */
export const enrolment = (state: string, files: Files = disk): Promise<Enrolment | null> =>
  readJson(enrolmentFile(state), Enrolment, files)

/** Keeps who this terminal is. */
export const keepEnrolment = (state: string, enrolled: Enrolment, files: Files = disk) =>
  files.write(enrolmentFile(state), JSON.stringify(enrolled))

/** What a file says; null where there is none. Throws where it is damaged. */
export async function readJson<T>(path: string, schema: z.ZodType<T>, files: Files): Promise<T | null> {
  const text = await files.read(path)
  if (text === null) return null
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw new Error(`${path} is damaged: ask for a code by \`klubkort terminal renew\` and enrol in an empty folder`)
  }
}
