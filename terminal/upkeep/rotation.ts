import type { KeyAnswer } from '../../shared/wire.ts'
import type { Clock } from '../clock.ts'
import type { Result, Wire } from '../http.ts'
import { dropKey, type Enrolment, heldKey, type KeyPair, keepEnrolment, keyPair, promoteKey } from '../identity.ts'
import { rotateAt } from '../link.ts'
import { disk, type Files } from './files.ts'

/** A key in use for longer than this is changed, when nothing is unsent. */
export const KEY_AGE_MAX_MS = 90 * 24 * 3_600_000

const BARRED: ReadonlySet<string> = new Set(['terminal_revoked', 'terminal_stopped'])

export type Rotation = Awaited<ReturnType<typeof rotation>>

/**
 * Changes the terminal's key: the new one is on the disk before the worker hears of it, and comes into use with its
 * answer. Where the answer is lost, or the power goes, nobody here knows which of the two the worker has: then the new
 * one signs, and nothing is sent before the worker has said that it has taken it (`settle`). `key` is the object that
 * everybody signs with; its contents change.
 */
export async function rotation({
  state,
  enrolment,
  key,
  clock,
  uuid,
  wire,
  files = disk,
}: {
  state: string
  enrolment: Enrolment
  key: KeyPair
  clock: Clock
  uuid: () => string
  wire?: Wire
  files?: Files
}) {
  let replaced: KeyPair | null = null
  let asking: Promise<Result<KeyAnswer>> | null = null

  const left = await heldKey(state, 'key-rotating', files)
  if (left) {
    replaced = { ...key }
    Object.assign(key, left)
  }

  async function ask(old: KeyPair, next: KeyPair): Promise<Result<KeyAnswer>> {
    const askedAt = clock.elapsed()
    const answered = await rotateAt({ enrolment, old, next, nowMs: clock.now(), jti: uuid() }, wire)
    if (answered.kind === 'refused' && answered.code === 'proof_invalid' && answered.workerTimeMs !== null) {
      clock.learn(answered.workerTimeMs, askedAt)
      return rotateAt({ enrolment, old, next, nowMs: clock.now(), jti: uuid() }, wire)
    }
    return answered
  }

  async function change(old: KeyPair, next: KeyPair): Promise<Result<KeyAnswer>> {
    const askedAt = clock.elapsed()
    const answered = await ask(old, next)
    if (answered.kind === 'answer') {
      clock.learn(answered.value.time, askedAt)
      await promoteKey(state, 'key-rotating', files)
      Object.assign(key, next)
      replaced = null
      enrolment.keySince = answered.value.time
      await keepEnrolment(state, enrolment, files)
    }
    return answered
  }

  const alone = (work: () => Promise<Result<KeyAnswer>>) => {
    asking ??= work().finally(() => {
      asking = null
    })
    return asking
  }

  return {
    /** When the key in use was taken by the worker, in epoch milliseconds; null where that was not kept. */
    since: () => enrolment.keySince ?? null,

    /**
     * Asks for another key, once: nothing may be unsent and nothing be signed meanwhile. What the worker refuses leaves
     * everything as it was.
     */
    rotate: () =>
      alone(async () => {
        if (replaced) return change(replaced, { ...key })
        const old = { ...key }
        const next = await keyPair(state, 'key-rotating', files)
        const answered = await change(old, next)
        const refused = answered.kind === 'refused' && answered.status < 500 && answered.code !== 'too_often'
        if (refused) await dropKey(state, 'key-rotating', files)
        else if (answered.kind !== 'answer') {
          replaced = old
          Object.assign(key, next)
        }
        return answered
      }),

    /**
     * Nothing is to be sent while this says what is in the way: a rotation of which the worker has not told the end. That
     * the terminal is barred is not in the way: what it signed is put aside, with the one key or the other.
     */
    async settle(): Promise<Exclude<Result<KeyAnswer>, { kind: 'answer' }> | null> {
      if (asking) await asking
      if (!replaced) return null
      const old = replaced
      const answered = await alone(() => change(old, { ...key }))
      const barred = answered.kind === 'refused' && BARRED.has(answered.code)
      return answered.kind === 'answer' || barred ? null : answered
    },
  }
}
