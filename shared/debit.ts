import { z } from 'zod'
import { InstantMs } from './fields.ts'
import { AMOUNT_MAX_ORE } from './money.ts'

/** Why a sale is refused, or why staff should look at an advice that was booked all the same. */
export const DeclineReason = z.enum([
  'card_unknown',
  'card_blocked',
  'insufficient_funds',
  'daily_limit',
  'terminal_revoked',
  'reversed',
  'category_closed',
])
export type DeclineReason = z.infer<typeof DeclineReason>

/** The digest of a message's exact bytes, and also a card hash: 32 bytes as base64url. */
export const Digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

/** HMAC-SHA-256(municipality card key, UID bytes) as base64url. */
export const CardHash = Digest.meta({ description: 'HMAC-SHA-256(municipality card key, UID bytes), base64url' })

/** A single movement's amount in øre: whole and above zero. */
export const Amount = z.int().min(1).max(AMOUNT_MAX_ORE)

/** One line of a sale: a product, or null for an amount that staff keyed in; `price` is for one, in øre. */
export const SaleLine = z.strictObject({
  product: z.int().min(1).nullable(),
  quantity: z.int().min(1).max(99),
  price: Amount,
})
export type SaleLine = z.infer<typeof SaleLine>

/** What the lines of a sale come to, in øre. */
export function totalOf(lines: readonly SaleLine[]): number {
  return lines.reduce((sum, line) => sum + line.quantity * line.price, 0)
}

/**
 * What a card carries against copies: a number that grows by one and 8 random bytes (base64url), both written anew at
 * every tap that the worker answers. The worker knows which pair it gave last, so an older one names a copy.
 */
export const CardToken = z.strictObject({
  counter: z.int().min(0).max(0xffffffff),
  value: z.string().regex(/^[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]$/),
})
export type CardToken = z.infer<typeof CardToken>

/** The card types that can carry a token. A municipality says of each whether it does. */
export const TokenType = z.enum(['classic', 'ultralight', 'ntag'])
export type TokenType = z.infer<typeof TokenType>

/**
 * What a terminal says about a sale (in the sense of ISO 8583): a request asks, an advice tells that the goods are
 * handed over, a reversal undoes whatever became of it. `prev` chains a terminal's messages by their digests.
 * `token` is what the card showed: null where none could be read of it, be it a card that can carry none, and left out
 * where the municipality looks for none.
 */
export const DebitMessage = z
  .strictObject({
    v: z.literal(1),
    kind: z.enum(['request', 'advice', 'reversal']),
    sale: z.uuidv7().refine((id) => id === id.toLowerCase(), 'lower case'),
    seq: z.int().min(1),
    prev: Digest.or(z.literal('')),
    card: CardHash,
    amount: Amount,
    lines: z.array(SaleLine).min(1).max(50),
    at: InstantMs,
    token: CardToken.nullable().optional(),
  })
  .refine((message) => totalOf(message.lines) === message.amount, 'the lines do not sum up to the amount')
  .refine((message) => (message.seq === 1) === (message.prev === ''), 'only the first message has no predecessor')
export type DebitMessage = z.infer<typeof DebitMessage>

/**
 * What the ledger says of one message. `balance` is the wallet's after it, in øre; absent where there is none. `token`
 * is to be written to the card now, in answer to a request that told what the card showed; a repeated request is told
 * the same one for as long as the card is still waited for with it. `closed` are the products for which the sale was
 * declined as `category_closed`, as far as they still are closed.
 */
export const DebitResult = z
  .object({
    sale: z.uuid(),
    seq: z.int(),
    outcome: z.enum(['approved', 'declined', 'reversed']),
    reason: DeclineReason.optional(),
    balance: z.int().optional(),
    token: CardToken.optional(),
    closed: z.array(z.int().min(1)).optional(),
  })
  .meta({ id: 'DebitResult' })
export type DebitResult = z.infer<typeof DebitResult>
