import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { CardHash } from '../../shared/debit.ts'
import { claimedSigner } from '../../shared/signing.ts'
import {
  BalanceAnswer,
  EnrolAnswer,
  EnrolCall,
  KeyAnswer,
  KeyCall,
  MESSAGES_MAX,
  MessagesAnswer,
  MessagesCall,
  SyncAnswer,
  SyncQuery,
} from '../../shared/wire.ts'
import { laidOn } from '../cards/hand-outs.ts'
import type { AppEnv } from '../env.ts'
import { cardKeyOf } from '../municipality/secrets.ts'
import { refuse } from '../refusal.ts'
import { deliver } from '../terminals/deliveries.ts'
import { sync } from '../terminals/sync.ts'
import { rotateKey } from '../terminals/terminal-keys.ts'
import { enrol, recogniseProof, type Trusted } from '../terminals/terminals.ts'
import { changing, reading, router } from './contract.ts'
import { topUpLater } from './top-up.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

const STRANGER = {
  terminal_unknown: 'no such terminal here: enrol it with a code from `klubkort terminal add`',
  terminal_revoked: 'this terminal has been revoked',
  terminal_stopped: 'this terminal has been stopped, for its journal contradicts what is booked; enrol it again',
  proof_invalid: 'the proof is not signed by a terminal of this municipality, for this address, in the last minute',
} as const

/** Lets a terminal in by its proof, and nobody else. */
const proven: MiddlewareHandler<AppEnv & { Variables: { terminal: Trusted } }> = async (c, next) => {
  const proof = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1]
  if (proof === undefined) return refuse(c, 'proof_invalid', STRANGER.proof_invalid)
  const recognition = await recogniseProof(c.var.db, proof, c.req.url, c.var.now)
  if (recognition.kind !== 'trusted') return refuse(c, recognition.kind, STRANGER[recognition.kind])
  c.set('terminal', recognition.terminal)
  return next()
}

const messagesRoute = changing({
  path: '/messages',
  summary: 'Book debit messages, in order: all of them or none; those of a terminal that is barred are put aside',
  body: MessagesCall,
  answer: MessagesAnswer,
  refusals: [
    'signature_invalid',
    'terminal_unknown',
    'terminal_revoked',
    'terminal_stopped',
    'seq_gap',
    'message_conflict',
    'too_large',
  ],
})

const enrolRoute = changing({
  path: '/enrol',
  summary: 'Enrol the key that a terminal has made, against a one-time code',
  body: EnrolCall,
  answer: EnrolAnswer,
  refusals: ['proof_invalid', 'code_unknown', 'code_expired', 'code_used', 'too_often'],
})

const keyRoute = changing({
  path: '/key',
  summary: 'Another key for a terminal, on the word of the one it has',
  body: KeyCall,
  answer: KeyAnswer,
  refusals: ['proof_invalid', 'terminal_unknown', 'terminal_revoked', 'terminal_stopped'],
})

const syncRoute = reading({
  path: '/sync',
  summary: 'What changed since a version: cards by page; products and limits whole',
  query: SyncQuery,
  answer: SyncAnswer,
  refusals: ['proof_invalid', 'terminal_unknown', 'terminal_revoked', 'terminal_stopped'],
})

const cardRoute = reading({
  path: '/cards/{hash}',
  summary:
    'The balance behind a card that was laid on with nothing chosen; one that is being handed out is bound first',
  params: z.object({ hash: CardHash }),
  answer: BalanceAnswer,
  refusals: ['proof_invalid', 'terminal_unknown', 'terminal_revoked', 'terminal_stopped', 'card_unknown'],
})

const guarded = router<AppEnv & { Variables: { terminal: Trusted } }>()
guarded.use('/sync', proven)
guarded.use('/cards/*', proven)
guarded
  .openapi(syncRoute, async (c) => {
    const answer = await sync(c.var.db, c.var.terminal, c.req.valid('query'), c.var.now)
    if (answer === 'terminal_stopped') return refuse(c, answer, STRANGER[answer])
    return c.json({ ...answer, time: c.var.now }, 200)
  })
  .openapi(cardRoute, async (c) => {
    const found = await laidOn(c.var.db, c.var.terminal.id, c.req.valid('param').hash, c.var.now)
    if (!found) return refuse(c, 'card_unknown', 'no card of this municipality')
    return c.json({ ...found, time: c.var.now }, 200)
  })

/** What a terminal talks to. */
export const terminalRoutes = router()
  .openapi(
    messagesRoute,
    async (c) => {
      const { messages } = c.req.valid('json')
      const signers = new Set(messages.map((jws) => claimedSigner(jws, 'klubkort-debit')))
      const [id] = signers
      if (signers.size !== 1 || !id) return refuse(c, 'malformed', 'a call carries debit messages of one terminal')
      if (!id.startsWith(`${c.var.municipality}-`)) {
        return refuse(c, 'terminal_unknown', `terminal ${id} does not belong to municipality ${c.var.municipality}`)
      }
      const booking = await deliver(c.var.db, id, messages, random, c.var.now)
      switch (booking.kind) {
        case 'booked':
          topUpLater(c, booking.low)
          return c.json({ results: booking.results, time: c.var.now, quarantined: false }, 200)
        case 'quarantined':
          return c.json({ results: booking.results, time: c.var.now, quarantined: true }, 200)
        case 'signature_invalid':
          return refuse(c, 'signature_invalid', 'a message is not signed by its terminal')
        case 'malformed':
          return refuse(c, 'malformed', booking.where)
        case 'terminal_unknown':
        case 'terminal_revoked':
        case 'terminal_stopped':
          return refuse(c, booking.kind, STRANGER[booking.kind])
        case 'seq_gap':
          return refuse(c, 'seq_gap', `the next message of this terminal is number ${booking.expected}`)
        case 'conflict':
          return refuse(c, 'message_conflict', `message ${booking.seq} contradicts what is booked already`)
      }
    },
    (result, c) => {
      if (result.success) return undefined
      const tooMany = result.error.issues.some((issue) => issue.code === 'too_big' && issue.origin === 'array')
      if (tooMany) return refuse(c, 'too_large', `a call carries at most ${MESSAGES_MAX} messages`)
      return refuse(c, 'malformed', 'not a list of compact JWS')
    },
  )
  .openapi(enrolRoute, async (c) => {
    const { success } = await c.env.GUESSES.limit({ key: `enrol:${c.req.header('cf-connecting-ip')}` })
    if (!success) return refuse(c, 'too_often', 'too many enrolments from here; wait a minute')
    const enrolment = await enrol(c.var.db, c.req.valid('json'), c.req.url, c.var.now)
    switch (enrolment.kind) {
      case 'enrolled': {
        const cardKey = await cardKeyOf(c.env.MASTER_KEY, c.var.municipality)
        return c.json({ ...enrolment.answer, cardKey, time: c.var.now }, 200)
      }
      case 'proof_invalid':
        return refuse(
          c,
          'proof_invalid',
          'the proof is not signed with the key that is to be enrolled, or it is no new key',
        )
      case 'code_unknown':
        return refuse(c, 'code_unknown', 'no such code in this municipality')
      case 'code_expired':
        return refuse(c, 'code_expired', 'the code is older than 15 minutes: ask for a new one')
      case 'code_used':
        return refuse(c, 'code_used', 'the code has been used')
    }
  })
  .openapi(keyRoute, async (c) => {
    const rotation = await rotateKey(c.var.db, c.req.valid('json'), c.req.url, c.var.now)
    switch (rotation.kind) {
      case 'rotated':
        return c.json({ terminal: rotation.terminal, time: c.var.now }, 200)
      case 'proof_invalid':
        return refuse(c, 'proof_invalid', 'not signed with the key in use and the new one, for this address, just now')
      case 'terminal_unknown':
      case 'terminal_revoked':
      case 'terminal_stopped':
        return refuse(c, rotation.kind, STRANGER[rotation.kind])
    }
  })
terminalRoutes.route('/', guarded)
