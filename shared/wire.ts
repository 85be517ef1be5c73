import { z } from 'zod'
import { Amount, CardHash, DebitResult, Digest, TokenType } from './debit.ts'
import { CompactJws, Id, InstantMs, PublicKey } from './fields.ts'

/** How many debit messages one call may carry. */
export const MESSAGES_MAX = 100

/** How many cards one page of a sync carries. */
export const CARDS_PER_PAGE = 500

/** A proof (the form of RFC 9449's) is believed for this long, in either direction of clock error. */
export const PROOF_AGE_MAX_MS = 60_000

export const Language = z.enum(['da', 'en'])
export type Language = z.infer<typeof Language>

export const CardStatus = z.enum(['active', 'blocked', 'closed'])
export type CardStatus = z.infer<typeof CardStatus>

export const MessagesCall = z
  .strictObject({ messages: z.array(CompactJws).min(1).max(MESSAGES_MAX) })
  .meta({ id: 'MessagesCall' })

/**
 * `quarantined` says that the messages have arrived and are put aside for staff, since their terminal has been revoked
 * or stopped, or the key that signed them replaced: nothing more is booked for it, and it need not send them again.
 */
export const MessagesAnswer = z
  .object({ results: z.array(DebitResult), time: InstantMs, quarantined: z.boolean().default(false) })
  .meta({ id: 'MessagesAnswer' })
export type MessagesAnswer = z.infer<typeof MessagesAnswer>

/**
 * What a till may do without an answer, all amounts in øre: one sale, one card since the last sync, and all that the
 * terminal has not yet delivered (a count of messages, of which an offline sale makes two); and how old its card list
 * may be. `weakSaleMax` and `weakCardSumMax` are the lower caps of a card that showed no token, in force only while some
 * card type carries one.
 */
export const OfflineLimits = z
  .object({
    saleMax: z.int().min(0),
    cardSumMax: z.int().min(0),
    weakSaleMax: z.int().min(0).default(0),
    weakCardSumMax: z.int().min(0).default(0),
    unsentCountMax: z.int().min(0),
    unsentSumMax: z.int().min(0),
    listAgeMaxMs: z.int().min(0),
  })
  .meta({ id: 'OfflineLimits' })
export type OfflineLimits = z.infer<typeof OfflineLimits>

/** A kind of product, which a terminal only compares: it goes on where a newer worker knows of more. */
const Category = z.string().regex(/^[a-z]{1,20}$/)

/** `price` is what it costs now, `later` what from which Copenhagen days on, in their order; neither need be told. */
export const SyncProduct = z.object({
  id: Id,
  name: z.string(),
  price: Amount,
  category: Category.optional(),
  later: z.array(z.object({ from: z.iso.date(), price: Amount })).optional(),
})
export type SyncProduct = z.infer<typeof SyncProduct>

/** What a terminal's software calls itself: 'klubkort-terminal/0.1.0'. */
export const SoftwareVersion = z.string().regex(/^[\x21-\x7e]{1,40}$/)

/**
 * `since` is the `version` of the last page taken, 0 for everything. `head` is the number of the newest message in the
 * terminal's journal and `hash` its digest (0 and '' while there is none); both or neither. `version` is its software's.
 * `unsentCount` messages wait in the journal for an answer, worth `unsentSum` øre, the oldest `unsentSince` (epoch
 * milliseconds, left out where none waits). At a terminal with a `fixedPrice` each card buys this product.
 */
export const SyncQuery = z
  .object({
    since: z.coerce.number().pipe(z.int().min(0)).default(0),
    head: z.coerce.number().pipe(z.int().min(0)).optional(),
    hash: Digest.or(z.literal('')).optional(),
    version: SoftwareVersion.optional(),
    unsentCount: z.coerce.number().pipe(z.int().min(0)).optional(),
    unsentSum: z.coerce.number().pipe(z.int().min(0)).optional(),
    unsentSince: z.coerce.number().pipe(InstantMs).optional(),
    fixedPrice: z.coerce.number().pipe(Id).optional(),
  })
  .refine(({ head, hash }) => (head === undefined) === (hash === undefined), 'head and hash come together')
  .refine(({ head, hash }) => head === undefined || (head === 0) === (hash === ''), 'only head 0 has no hash')
  .refine(
    ({ unsentCount, unsentSum }) => (unsentCount === undefined) === (unsentSum === undefined),
    'unsentCount and unsentSum come together',
  )
export type SyncQuery = z.infer<typeof SyncQuery>

/**
 * What changed since a version. `restart` says that the list has been made anew (a restored database): what the
 * terminal held before is void. A card's `closed` are the categories that it may not buy, left out where there are none.
 * `nextSeq` is the number the worker expects next from this terminal, `tokenTypes` the
 * card types that carry a token (none: the terminal looks at no card's memory), `language` its display's.
 */
export const SyncAnswer = z
  .object({
    terminal: z.object({ id: z.string(), name: z.string(), site: z.string() }),
    nextSeq: z.int().min(1),
    version: z.int().min(0),
    restart: z.boolean(),
    more: z.boolean(),
    cards: z.array(z.object({ hash: CardHash, status: CardStatus, closed: z.array(Category).optional() })),
    products: z.array(SyncProduct),
    limits: OfflineLimits,
    tokenTypes: z.array(TokenType).default([]),
    language: Language.default('da'),
    time: InstantMs,
  })
  .meta({ id: 'SyncAnswer' })
export type SyncAnswer = z.infer<typeof SyncAnswer>

/** `handedOut` says that staff awaited this card, and that it has become somebody's by being asked about. */
export const BalanceAnswer = z
  .object({ status: CardStatus, balance: z.int(), handedOut: z.literal(true).optional(), time: InstantMs })
  .meta({ id: 'BalanceAnswer' })
export type BalanceAnswer = z.infer<typeof BalanceAnswer>

/** 80 bits in Crockford's base 32, in four groups of four: '7K3M-9QXT-2ZJH-0BWE'. */
export const EnrolmentCode = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)

/**
 * `proof` is a JWS of type klubkort-enrol over EnrolProof, signed with the key that is being enrolled. The answer's
 * `nextSeq` and `prev` are what the first message of the terminal's new journal carries: 1 and '' for a new terminal,
 * what follows the newest booked message for one that is enrolled again.
 */
export const EnrolCall = z
  .strictObject({ code: EnrolmentCode, publicKey: PublicKey, proof: CompactJws })
  .meta({ id: 'EnrolCall' })
export const EnrolProof = z.strictObject({ code: EnrolmentCode, htu: z.url(), iat: z.int() })

export const EnrolAnswer = z
  .object({
    terminal: z.string(),
    name: z.string(),
    site: z.string(),
    municipality: z.int(),
    cardKey: PublicKey.meta({ description: '32 bytes, base64url: the key under which cards are hashed' }),
    nextSeq: z.int().min(1).default(1),
    prev: Digest.or(z.literal('')).default(''),
    time: InstantMs,
  })
  .meta({ id: 'EnrolAnswer' })
export type EnrolAnswer = z.infer<typeof EnrolAnswer>

/**
 * Another key for an enrolled terminal. `proof` is a JWS of type klubkort-rotation over RotationProof, its `kid` the
 * terminal, signed with the key in use; in it `confirmation` is a JWS of type klubkort-confirmation over
 * RotationConfirmation, signed with the new key. The same call is answered again, since the answer may be lost.
 */
export const KeyCall = z.strictObject({ publicKey: PublicKey, proof: CompactJws }).meta({ id: 'KeyCall' })
/** `iat` is in epoch seconds, and is believed for PROOF_AGE_MAX_MS. */
export const RotationProof = z.strictObject({
  iss: z.string(),
  htu: z.url(),
  iat: z.number(),
  jti: z.uuid(),
  publicKey: PublicKey,
  confirmation: CompactJws,
})
export const RotationConfirmation = z.strictObject({ terminal: z.string(), htu: z.url(), iat: z.number() })
export const KeyAnswer = z.object({ terminal: z.string(), time: InstantMs }).meta({ id: 'KeyAnswer' })
export type KeyAnswer = z.infer<typeof KeyAnswer>

/** The claims of a `klubkort-proof`: who calls what, when (`iat` in epoch seconds), and once. */
export const ProofClaims = z.strictObject({
  iss: z.string(),
  htm: z.enum(['GET', 'POST']),
  htu: z.url(),
  iat: z.number(),
  jti: z.uuid(),
})
