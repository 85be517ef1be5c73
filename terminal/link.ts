import { z } from 'zod'
import { DebitResult } from '../shared/debit.ts'
import { sign } from '../shared/signing.ts'
import { BalanceAnswer, EnrolAnswer, KeyAnswer, MessagesAnswer, SyncAnswer } from '../shared/wire.ts'
import type { Clock } from './clock.ts'
import { call, type Result, type Wire } from './http.ts'
import type { Enrolment, KeyPair } from './identity.ts'
import type { Head, Queue } from './journal.ts'
import { SOFTWARE } from './upkeep/version.ts'

const SEND_TIMEOUT_MS = 10_000
const BALANCE_TIMEOUT_MS = 2_000
/** No card is served meanwhile. */
const ROTATE_TIMEOUT_MS = 3_000

const { reason, token, closed } = DebitResult.shape

/**
 * What a newer worker says beside what became of the money is left out where it is not understood, and holds nothing up:
 * a sale that is declined for a reason unknown here is declined.
 */
const BookedAnswer = MessagesAnswer.extend({
  results: z.array(
    DebitResult.extend({
      reason: reason.catch(undefined),
      token: token.catch(undefined),
      closed: closed.catch(undefined),
    }),
  ),
})

export type Link = ReturnType<typeof link>

/** What is in the way of a call. */
type Trouble = Exclude<Result<never>, { kind: 'answer' }>

/**
 * The terminal's way to the worker. `settle` is asked before each call whether something else has to come first. Reads
 * carry a proof that is good for a minute, so a clock that is wrong shows as `proof_invalid`: the worker's time is then
 * learnt from its answer, and the call made once more. The worker is told of a `fixedPrice`, since where each card buys
 * something none can be handed out.
 */
export function link({
  enrolment,
  key,
  clock,
  uuid,
  wire,
  settle = async () => null,
  fixedPrice = null,
}: {
  enrolment: Enrolment
  key: KeyPair
  clock: Clock
  uuid: () => string
  wire?: Wire
  settle?: () => Promise<Trouble | null>
  fixedPrice?: number | null
}) {
  const { url, terminal } = enrolment

  async function read<T>(path: string, query: string, schema: z.ZodType<T>, timeoutMs: number): Promise<Result<T>> {
    const htu = new URL(path, url).href
    const once = async () => {
      const claims = { iss: terminal, htm: 'GET', htu, iat: Math.floor(clock.now() / 1000), jti: uuid() }
      const proof = await sign(key.privateKey, 'klubkort-proof', terminal, claims)
      const headers = { authorization: `Bearer ${proof}` }
      return call({ url: `${htu}${query}`, method: 'GET', headers, schema, timeoutMs }, wire)
    }
    const trouble = await settle()
    if (trouble) return trouble
    const askedAt = clock.elapsed()
    const first = await once()
    if (first.kind !== 'refused' || first.code !== 'proof_invalid' || first.workerTimeMs === null) return first
    clock.learn(first.workerTimeMs, askedAt)
    return once()
  }

  return {
    /** Sends signed messages as they are, 1 to 100, in order. */
    async send(messages: string[]): Promise<Result<z.infer<typeof MessagesAnswer>>> {
      const trouble = await settle()
      if (trouble) return trouble
      const askedAt = clock.elapsed()
      const sent = await call(
        {
          url: new URL('/api/terminal/messages', url).href,
          method: 'POST',
          body: { messages },
          schema: BookedAnswer,
          timeoutMs: SEND_TIMEOUT_MS,
        },
        wire,
      )
      if (sent.kind === 'answer') clock.learn(sent.value.time, askedAt)
      return sent
    },

    /**
     * One page of what has changed since a version of the card list; tells what the newest message here is, and how much
     * waits to be answered.
     */
    async sync(since: number, { seq, hash }: Head, { count, sum, oldestAt }: Queue): Promise<Result<SyncAnswer>> {
      const query = new URLSearchParams({
        ...{ since: String(since), head: String(seq), hash, version: SOFTWARE },
        ...{ unsentCount: String(count), unsentSum: String(sum) },
        ...(oldestAt !== null && { unsentSince: String(oldestAt) }),
        ...(fixedPrice !== null && { fixedPrice: String(fixedPrice) }),
      })
      const askedAt = clock.elapsed()
      const synced = await read('/api/terminal/sync', `?${query}`, SyncAnswer, SEND_TIMEOUT_MS)
      if (synced.kind === 'answer') clock.learn(synced.value.time, askedAt)
      return synced
    },

    /** The status and balance behind a card hash; a card that staff await here becomes somebody's by it. */
    balance: (card: string) => read(`/api/terminal/cards/${card}`, '', BalanceAnswer, BALANCE_TIMEOUT_MS),
  }
}

/** Enrols a key against a one-time code at a worker's address. The same code with the same key may be tried again. */
export async function enrolAt(
  url: string,
  code: string,
  key: KeyPair,
  nowMs: number,
  wire?: Wire,
): Promise<Result<z.infer<typeof EnrolAnswer>>> {
  const htu = new URL('/api/terminal/enrol', url).href
  const proof = await sign(key.privateKey, 'klubkort-enrol', undefined, { code, htu, iat: Math.floor(nowMs / 1000) })
  const body = { code, publicKey: key.publicKey, proof }
  return call({ url: htu, method: 'POST', body, schema: EnrolAnswer, timeoutMs: SEND_TIMEOUT_MS }, wire)
}

/** Puts another key in the place of a terminal's old one. The same two keys may be sent again. */
export async function rotateAt(
  {
    enrolment,
    old,
    next,
    nowMs,
    jti,
  }: Record<'old' | 'next', KeyPair> & {
    enrolment: Enrolment
    nowMs: number
    jti: string
  },
  wire?: Wire,
): Promise<Result<KeyAnswer>> {
  const { url, terminal } = enrolment
  const { publicKey } = next
  const htu = new URL('/api/terminal/key', url).href
  const iat = Math.floor(nowMs / 1000)
  const confirmation = await sign(next.privateKey, 'klubkort-confirmation', undefined, { terminal, htu, iat })
  const claims = { iss: terminal, htu, iat, jti, publicKey, confirmation }
  const proof = await sign(old.privateKey, 'klubkort-rotation', terminal, claims)
  const body = { publicKey, proof }
  return call({ url: htu, method: 'POST', body, schema: KeyAnswer, timeoutMs: ROTATE_TIMEOUT_MS }, wire)
}
