import { z } from 'zod'
import { parseCpr } from './cpr.ts'
import { Amount, CardHash, DebitResult, Digest, SaleLine, TokenType } from './debit.ts'
import { AMOUNT_MAX_ORE } from './money.ts'
import { CompactJws, PublicKey } from './signing.ts'

/** How many debit messages one call may carry. */
export const MESSAGES_MAX = 100

/** How many cards one page of a sync carries. */
export const CARDS_PER_PAGE = 500

/** A proof (the form of RFC 9449's) is believed for this long, in either direction of clock error. */
export const PROOF_AGE_MAX_MS = 60_000

const Text = z
  .string()
  .trim()
  .regex(/^\P{Cc}*$/u, 'no control characters')
const Name = Text.min(1).max(80)

/** Text of several lines: line ends become '\n' and tabs blanks, as forms and files send them. */
const Lines = z
  .string()
  .overwrite((text) => text.replace(/\r\n?/g, '\n').replaceAll('\t', ' ').trim())
  .regex(/^[\P{Cc}\n]*$/u, 'no control characters')
const Id = z.int().min(1)
const InstantMs = z.int().min(0)

export const Language = z.enum(['da', 'en'])
export type Language = z.infer<typeof Language>

export const CardStatus = z.enum(['active', 'blocked', 'closed'])
export type CardStatus = z.infer<typeof CardStatus>

// ── Terminal ────────────────────────────────────────────────────────────────

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

export const SyncProduct = z.object({ id: Id, name: z.string(), price: Amount })
export type SyncProduct = z.infer<typeof SyncProduct>

/** What a terminal's software calls itself: 'klubkort-terminal/0.1.0'. */
export const SoftwareVersion = z.string().regex(/^[\x21-\x7e]{1,40}$/)

/**
 * `since` is the `version` of the last page taken, 0 for everything. `head` is the number of the newest message in the
 * terminal's journal and `hash` its digest (0 and '' while there is none); both or neither. `version` is its software's.
 */
export const SyncQuery = z
  .object({
    since: z.coerce.number().pipe(z.int().min(0)).default(0),
    head: z.coerce.number().pipe(z.int().min(0)).optional(),
    hash: Digest.or(z.literal('')).optional(),
    version: SoftwareVersion.optional(),
  })
  .refine(({ head, hash }) => (head === undefined) === (hash === undefined), 'head and hash come together')
  .refine(({ head, hash }) => head === undefined || (head === 0) === (hash === ''), 'only head 0 has no hash')
export type SyncQuery = z.infer<typeof SyncQuery>

/**
 * What changed since a version. `restart` says that the list has been made anew (a restored database): what the
 * terminal held before is void. `nextSeq` is the number the worker expects next from this terminal, `tokenTypes` the
 * card types that carry a token (none: the terminal looks at no card's memory), `language` its display's.
 */
export const SyncAnswer = z
  .object({
    terminal: z.object({ id: z.string(), name: z.string(), site: z.string() }),
    nextSeq: z.int().min(1),
    version: z.int().min(0),
    restart: z.boolean(),
    more: z.boolean(),
    cards: z.array(z.object({ hash: CardHash, status: CardStatus })),
    products: z.array(SyncProduct),
    limits: OfflineLimits,
    tokenTypes: z.array(TokenType).default([]),
    language: Language.default('da'),
    time: InstantMs,
  })
  .meta({ id: 'SyncAnswer' })
export type SyncAnswer = z.infer<typeof SyncAnswer>

export const BalanceAnswer = z
  .object({ status: CardStatus, balance: z.int(), time: InstantMs })
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

// ── Staff ───────────────────────────────────────────────────────────────────

export const Role = z.enum(['admin', 'club', 'finance'])
export type Role = z.infer<typeof Role>

/** A municipality's number is a postal code, and the first label of its host. */
export const InitCall = z
  .strictObject({ number: z.int().min(1000).max(9999), name: Name, staff: Name })
  .meta({ id: 'InitCall' })
export const InitAnswer = z.object({ municipality: z.int(), name: z.string(), token: z.string() }).meta({ id: 'Init' })

export const WhoAmI = z
  .object({ municipality: z.int(), municipalityName: z.string(), staff: z.string(), role: Role })
  .meta({ id: 'WhoAmI' })

export const StaffMember = z
  .object({
    id: Id,
    name: z.string(),
    role: Role,
    state: z.enum(['good', 'expired', 'revoked']),
    createdAt: InstantMs,
    expiresAt: InstantMs,
  })
  .meta({ id: 'StaffMember' })
export const StaffCall = z.strictObject({ name: Name, role: Role })
export const StaffToken = StaffMember.extend({ token: z.string() }).meta({ id: 'StaffToken' })

export const Site = z.object({ id: Id, name: z.string() }).meta({ id: 'Site' })
export const SiteCall = z.strictObject({ name: Name })

/** How old a card list may be allowed to be, at most. */
const LIST_AGE_MAX_MS = 30 * 86_400_000
const Cap = z.int().min(0).max(AMOUNT_MAX_ORE)

/** What staff may set of OfflineLimits, and the language of the displays. */
const OfflineRules = z.strictObject({
  saleMax: Cap,
  cardSumMax: Cap,
  weakSaleMax: Cap,
  weakCardSumMax: Cap,
  unsentCountMax: z.int().min(0).max(100_000),
  unsentSumMax: z.int().min(0).max(1_000_000_000),
  listAgeMaxMs: z.int().min(0).max(LIST_AGE_MAX_MS),
  language: Language,
})
const nullable = <T extends z.ZodType>(schema: T) => schema.nullable()

/** What a site has of its own, null for what is the municipality's; and what is in force there. */
export const SiteLimits = Site.extend({
  limits: OfflineRules,
  own: z.object({
    saleMax: nullable(z.int()),
    cardSumMax: nullable(z.int()),
    weakSaleMax: nullable(z.int()),
    weakCardSumMax: nullable(z.int()),
    unsentCountMax: nullable(z.int()),
    unsentSumMax: nullable(z.int()),
    listAgeMaxMs: nullable(z.int()),
    language: nullable(Language),
  }),
}).meta({ id: 'SiteLimits' })

/** What is left out stays as it is; null gives the municipality's back. */
export const SiteLimitsCall = z
  .strictObject({
    saleMax: nullable(Cap),
    cardSumMax: nullable(Cap),
    weakSaleMax: nullable(Cap),
    weakCardSumMax: nullable(Cap),
    unsentCountMax: nullable(OfflineRules.shape.unsentCountMax),
    unsentSumMax: nullable(OfflineRules.shape.unsentSumMax),
    listAgeMaxMs: nullable(OfflineRules.shape.listAgeMaxMs),
    language: nullable(Language),
  })
  .partial()

/**
 * The worst that can be lost offline, in øre. `caps` says what each cap alone would let a site's terminals sell; the
 * least of them is the site's worst, and their sum that of all.
 */
export const OfflineRisk = z
  .object({
    activeCards: z.int().min(0),
    sites: z.array(
      Site.extend({
        terminals: z.int().min(0),
        limits: OfflineLimits,
        caps: z.object({ unsentSum: z.int(), unsentCount: z.int(), cardSum: z.int() }),
        worst: z.int(),
      }),
    ),
    worst: z.int(),
  })
  .meta({ id: 'OfflineRisk' })

/** What kind of thing a product is, for the pictures of what was spent on what. */
export const ProductCategory = z.enum(['food', 'drink', 'sweets', 'activity', 'material', 'other'])
export type ProductCategory = z.infer<typeof ProductCategory>

export const Product = z
  .object({
    id: Id,
    site: Id,
    name: z.string(),
    price: Amount,
    category: ProductCategory,
    retiredAt: InstantMs.nullable(),
  })
  .meta({ id: 'Product' })
export const ProductCall = z.strictObject({
  site: Id,
  name: Name.max(40),
  price: Amount,
  category: ProductCategory.default('other'),
})
export const PriceCall = z.strictObject({ price: Amount })
export const CategoryCall = z.strictObject({ category: ProductCategory })

/** `reach` says how many of the terminals in use hold a card list with the card's status as it is. */
export const CardView = z
  .object({
    id: Id,
    status: CardStatus,
    createdAt: InstantMs,
    reach: z.object({ told: z.int().min(0), terminals: z.int().min(0) }).optional(),
  })
  .meta({ id: 'Card' })
export const Child = z
  .object({
    id: Id,
    name: z.string(),
    account: Id,
    balance: z.int(),
    dailyLimit: Amount.nullable(),
    cards: z.array(CardView),
    guardians: z.int().min(0).meta({ description: 'how many guardianships are in force' }),
    leftAt: InstantMs.nullable().meta({ description: 'when it left; null where it has not' }),
  })
  .meta({ id: 'Child' })

/** Of guardians who had to be told something. */
export const Untold = z
  .int()
  .min(0)
  .meta({ description: 'guardians who were not told, because no mail address of theirs is known' })
/** A child that was taken out just now. */
export const ChildLeft = Child.extend({ untold: Untold }).meta({ id: 'ChildLeft' })

export const ChildCall = z.strictObject({ name: Name, dailyLimit: Amount.nullable().default(null) })

/** A guardian's CPR number. It is hashed on arrival and kept nowhere. */
export const GuardianCall = z.strictObject({
  cpr: z.string().refine((text) => parseCpr(text) !== null, 'not a CPR number'),
})

/** Hexadecimal UID of 4, 7 or 10 bytes. It is hashed on arrival and kept nowhere. */
export const CardUid = z
  .string()
  .toLowerCase()
  .regex(/^([0-9a-f]{8}|[0-9a-f]{14}|[0-9a-f]{20})$/)
export const CardCall = z.strictObject({ child: Id, uid: CardUid })

// ── Orders of new cards ─────────────────────────────────────────────────────

export const CardOrderId = z.uuid().toLowerCase()

/** What is written on the envelope of a new card. */
export const Recipient = Name
export const Street = Name
export const PostalCode = z
  .string()
  .trim()
  .regex(/^\d{4}$/)
export const City = Text.min(1).max(40)

export const CardOrderStatus = z.enum(['unpaid', 'ordered', 'sent', 'handed_out', 'cancelled'])
export type CardOrderStatus = z.infer<typeof CardOrderStatus>

/** An order of a new card; `card` is the new one, once it is handed out. An order that is not paid yet is none. */
export const CardOrder = z
  .object({
    id: z.uuid(),
    account: Id,
    child: z.object({ id: Id, name: z.string() }),
    lostCard: Id.nullable(),
    recipient: z.string(),
    street: z.string(),
    postalCode: z.string(),
    city: z.string(),
    fee: z.int().min(0),
    paidFrom: z.enum(['account', 'checkout']),
    status: CardOrderStatus.exclude(['unpaid']),
    card: Id.nullable(),
    createdAt: InstantMs,
    sentAt: InstantMs.nullable(),
    endedAt: InstantMs.nullable(),
  })
  .meta({ id: 'CardOrder' })

export const CardOrderState = z.enum(['under_way', 'ended', 'all'])
/** `offset` is how many orders to pass over, to see those that did not fit before. */
export const CardOrdersQuery = z.object({
  state: CardOrderState.default('under_way'),
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
})
export const CardOrders = z.object({
  orders: z.array(CardOrder),
  more: z.boolean().meta({ description: 'whether orders follow after these' }),
})
export const HandOutCall = z.strictObject({ uid: CardUid })

export const Terminal = z
  .object({
    id: z.string(),
    site: Id,
    name: z.string(),
    state: z.enum(['waiting', 'enrolled', 'stopped', 'revoked']),
    lastSeq: z.int().min(0),
    lastSeenAt: InstantMs.nullable(),
    cardListVersion: z.int().nullable(),
    listedAt: InstantMs.nullable().meta({ description: 'when it last had the whole card list' }),
    software: z.string().nullable(),
    quarantined: z.int().min(0).meta({ description: 'how many of its messages are put aside for staff' }),
  })
  .meta({ id: 'Terminal' })
export const TerminalCall = z.strictObject({ site: Id, name: Name })
export const TerminalCode = z
  .object({ terminal: z.string(), code: EnrolmentCode, expiresAt: InstantMs })
  .meta({ id: 'TerminalCode' })

// ── What staff must look into ───────────────────────────────────────────────

/**
 * What is looked into: a flagged advice by its terminal and number ('4000-7:12'; '4000-7q:3' where staff have booked it),
 * an alarm ('alarm:3'), or all that is put aside of a terminal ('quarantine:4000-7').
 */
export const ReviewId = z
  .string()
  .regex(/^(\d{4}-\d{1,6}q?:[1-9]\d{0,14}|alarm:[1-9]\d{0,14}|quarantine:\d{4}-\d{1,6})$/)

/**
 * What staff can decide. Of a flagged advice: `keep` (the child's account pays, as booked), `carry` (the club does) or
 * `charge` (whose sale it was is known now); of what is put aside: `book` or `discard`; of an alarm: `note`.
 */
export const ReviewDecision = z.enum(['keep', 'carry', 'charge', 'book', 'discard', 'note'])
export type ReviewDecision = z.infer<typeof ReviewDecision>

/** `what` is the reason of an advice, the kind of an alarm, or why messages are put aside; `amount` is in øre. */
export const ReviewItem = z
  .object({
    id: ReviewId,
    kind: z.enum(['advice', 'quarantine', 'alarm']),
    what: z.string(),
    terminal: z.string(),
    site: z.object({ id: Id, name: z.string() }),
    amount: z.int().nullable(),
    account: Id.nullable(),
    card: Id.nullable(),
    count: z.int().min(1),
    at: InstantMs,
  })
  .meta({ id: 'ReviewItem' })

export const ReviewSettling = z.object({
  subject: z.string(),
  decision: ReviewDecision,
  account: Id.nullable(),
  staff: z.string(),
  note: z.string(),
  at: InstantMs,
})

export const ReviewsQuery = z.object({ offset: z.coerce.number().pipe(z.int().min(0)).default(0) })
export const Reviews = z.object({ items: z.array(ReviewItem), more: z.boolean() }).meta({ id: 'Reviews' })
export const ReviewSettlings = z.object({ settled: z.array(ReviewSettling), more: z.boolean() })

/** An item with its messages: the newest 100, and what staff have decided on it or on parts of it. */
export const Review = ReviewItem.extend({
  messages: z.array(
    z.object({
      seq: z.int(),
      kind: z.enum(['request', 'advice', 'reversal']),
      sale: z.string(),
      amount: z.int(),
      lines: z.array(SaleLine),
      at: InstantMs,
      receivedAt: InstantMs,
      outcome: z.string().nullable(),
      reason: z.string().nullable(),
    }),
  ),
  settled: z.array(ReviewSettling),
}).meta({ id: 'Review' })

/** `note` says why; of what moves money the parent reads it on the statement. */
export const SettleCall = z
  .strictObject({ decision: ReviewDecision, account: Id.optional(), note: Text.min(3).max(200) })
  .refine(({ decision, account }) => (decision === 'charge') === (account !== undefined), 'an account goes with charge')

/** `left` is how many messages stay put aside, since they tell otherwise of their sale; `more` asks for another call. */
export const SettleAnswer = z
  .object({ id: ReviewId, decision: ReviewDecision, done: z.int().min(0), left: z.int().min(0), more: z.boolean() })
  .meta({ id: 'Settled' })

export const Movement = z.object({
  seq: z.int(),
  transfer: z.string(),
  kind: z.string(),
  amount: z.int(),
  balance: z.int(),
  at: InstantMs,
  reason: z.string().nullable(),
})
export const Account = z
  .object({
    id: Id,
    child: z.object({ id: Id, name: z.string() }),
    balance: z.int(),
    dailyLimit: Amount.nullable(),
    spentToday: z.int(),
    movements: z.array(Movement).meta({ description: 'the newest first, at most 50' }),
  })
  .meta({ id: 'Account' })

/** A correction is made by its `id` at most once; the same id with other content is a transfer_conflict. */
export const CreditCall = z.strictObject({
  id: z.uuidv7(),
  amount: Amount,
  reason: Text.min(3).max(200),
})
export const CreditAnswer = z.object({ transfer: z.string(), balance: z.int() }).meta({ id: 'Credit' })

// ── Support and what is published ───────────────────────────────────────────

export const CaseId = z.uuid().toLowerCase()
export const CaseSubject = Text.min(1).max(120)
export const CaseText = Lines.min(1).max(4000)

/** `waitingSince` is the first message that nobody has answered; null where all are. */
export const StaffCaseSummary = z
  .object({
    id: z.uuid(),
    subject: z.string(),
    account: Id.nullable(),
    guardian: z.object({ name: z.string().nullable().meta({ description: 'null where the name is protected' }) }),
    phone: z.string().nullable(),
    callWanted: z.boolean(),
    createdAt: InstantMs,
    closedAt: InstantMs.nullable(),
    waitingSince: InstantMs.nullable(),
  })
  .meta({ id: 'CaseSummary' })
export const StaffCase = StaffCaseSummary.extend({
  guardian: z.object({ name: z.string().nullable(), mail: z.string().nullable() }),
  children: z.array(z.object({ id: Id, name: z.string(), account: Id })),
  messages: z.array(
    z.object({
      id: z.uuid(),
      staff: z.string().nullable().meta({ description: 'who of the staff wrote it; null where the guardian did' }),
      text: z.string(),
      at: InstantMs,
    }),
  ),
}).meta({ id: 'Case' })
/** `offset` is how many cases to pass over, to see those that did not fit before. */
export const CasesQuery = z.object({
  state: z.enum(['open', 'closed', 'all']).default('open'),
  offset: z.coerce.number().pipe(z.int().min(0)).default(0),
})
export const StaffCases = z.object({
  cases: z.array(StaffCaseSummary),
  more: z.boolean().meta({ description: 'whether cases follow after these' }),
})

/** An answer is given by its `id` at most once; the same id with other words is id_taken. */
export const AnswerCall = z.strictObject({ id: CaseId, text: CaseText })

/** How large a publication may be, in bytes of UTF-8. */
const PUBLICATION_MAX_BYTES = 100_000

export const PublicationKind = z.enum(['terms', 'accessibility', 'privacy'])
export type PublicationKind = z.infer<typeof PublicationKind>

export const Publication = z
  .object({
    kind: PublicationKind,
    language: Language,
    version: z.int().min(1),
    at: InstantMs,
    staff: z.string(),
  })
  .meta({ id: 'Publication' })
export const PublicationCall = z.strictObject({
  kind: PublicationKind,
  language: Language,
  text: Lines.min(1)
    .refine((text) => new TextEncoder().encode(text).length <= PUBLICATION_MAX_BYTES, 'at most 100 kB')
    .meta({ description: 'Markdown, at most 100 kB' }),
})

const Mail = z.email().max(254)

/**
 * What a municipality has settled about money, amounts in øre: how much one deposit may be, below which balance a top-up
 * fires and at which an agreement comes into force, how many top-ups a day and how large the payouts of a day may be for
 * one account, for how many days a payout goes back to the card that paid (0 for never), and what a new card costs.
 */
export const MoneySettings = z
  .object({
    depositMin: Amount,
    depositMax: Amount,
    topUpThreshold: Amount,
    topUpActivation: Amount,
    topUpsPerDay: z.int().min(1).max(20),
    payoutDayMax: Amount,
    refundDays: z.int().min(0).max(150),
    cardFee: z.int().min(0),
    bankRegistration: z.string().nullable(),
    bankAccount: z.string().nullable(),
    bankFileVersion: z.enum(['03', '09']),
  })
  .meta({ id: 'MoneySettings' })

/**
 * What a municipality tells parents about itself, the address that its mail comes from, its rules for money, and what its
 * terminals may do offline where their site has no limits of its own.
 */
export const Settings = z
  .object({
    name: z.string(),
    supportPhone: z.string().nullable(),
    supportMail: z.string().nullable(),
    supportHours: z.object({ da: z.string().nullable(), en: z.string().nullable() }),
    mailFrom: z.string().nullable(),
    money: MoneySettings,
    offline: OfflineRules.extend({ tokenTypes: z.array(TokenType) }),
  })
  .meta({ id: 'Settings' })

/** What is left out stays as it is; null takes a setting away. */
export const SettingsCall = z.strictObject({
  name: Name.optional(),
  supportPhone: z
    .string()
    .trim()
    .regex(/^\+?\d[\d ]{2,28}\d$/, 'a telephone number has digits and blanks')
    .nullable()
    .optional(),
  supportMail: Mail.nullable().optional(),
  supportHours: z
    .strictObject({ da: Text.min(1).max(200).nullable().optional(), en: Text.min(1).max(200).nullable().optional() })
    .optional(),
  mailFrom: Mail.nullable().optional(),
  money: MoneySettings.extend({
    bankRegistration: z
      .string()
      .regex(/^\d{4}$/, 'a registration number has four digits')
      .nullable(),
    bankAccount: z
      .string()
      .regex(/^\d{1,10}$/, 'an account number has up to ten digits')
      .nullable(),
  })
    .partial()
    .strict()
    .optional(),
  offline: OfflineRules.extend({ tokenTypes: z.array(TokenType).max(3) })
    .partial()
    .strict()
    .optional(),
})

// ── The book ────────────────────────────────────────────────────────────────

/** One broken promise of the ledger: which invariant, and the first offender. */
export const Violation = z.object({ invariant: z.string(), subject: z.string() }).meta({ id: 'Violation' })
export const LedgerCheck = z
  .object({ transfers: z.int(), postings: z.int(), messages: z.int(), violations: z.array(Violation) })
  .meta({ id: 'LedgerCheck' })

export const Health = z
  .object({
    status: z.enum(['ok', 'failing']),
    databases: z.array(
      z.object({ municipality: z.int(), status: z.enum(['ok', 'unreachable', 'migrations_missing', 'not_set_up']) }),
    ),
  })
  .meta({ id: 'Health' })
