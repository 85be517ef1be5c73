import { sql } from 'drizzle-orm'
import { check, index, integer, primaryKey, sqliteTable, text, unique, uniqueIndex } from 'drizzle-orm/sqlite-core'

/**
 * One database per municipality; every table is STRICT (the migration says so, drizzle-kit cannot). Amounts are whole
 * øre, instants epoch milliseconds in UTC, days 'YYYY-MM-DD' in Copenhagen.
 */

const foreignId = (name: string) => integer(name).notNull()

/** The settings; exactly one row once the municipality has been set up. */
export const municipality = sqliteTable(
  'municipality',
  {
    only: integer('only').primaryKey().default(1),
    number: integer('number').notNull(),
    name: text('name').notNull(),
    offlineSaleMax: integer('offline_sale_max').notNull().default(5000),
    offlineCardSumMax: integer('offline_card_sum_max').notNull().default(10000),
    offlineUnsentCountMax: integer('offline_unsent_count_max').notNull().default(2000),
    offlineUnsentSumMax: integer('offline_unsent_sum_max').notNull().default(2_000_000),
    offlineListAgeMaxMs: integer('offline_list_age_max_ms').notNull().default(86_400_000),
    weakSaleMax: integer('weak_sale_max').notNull().default(2500),
    weakCardSumMax: integer('weak_card_sum_max').notNull().default(5000),
    tokenTypes: text('token_types', { mode: 'json' }).notNull().default('[]'),
    displayLanguage: text('display_language', { enum: ['da', 'en'] })
      .notNull()
      .default('da'),
    supportPhone: text('support_phone'),
    supportMail: text('support_mail'),
    supportHoursDa: text('support_hours_da'),
    supportHoursEn: text('support_hours_en'),
    mailFrom: text('mail_from'),
    depositMin: integer('deposit_min').notNull().default(5_000),
    depositMax: integer('deposit_max').notNull().default(200_000),
    topUpThreshold: integer('top_up_threshold').notNull().default(5_000),
    topUpActivation: integer('top_up_activation').notNull().default(10_000),
    topUpsPerDay: integer('top_ups_per_day').notNull().default(2),
    payoutDayMax: integer('payout_day_max').notNull().default(500_000),
    refundDays: integer('refund_days').notNull().default(60),
    cardFee: integer('card_fee').notNull().default(4_500),
    bankRegistration: text('bank_registration'),
    bankAccount: text('bank_account'),
    bankFileVersion: text('bank_file_version', { enum: ['03', '09'] })
      .notNull()
      .default('09'),
    rosterVersion: integer('roster_version').notNull().default(0),
    keepBooksYears: integer('keep_books_years').notNull().default(5),
    keepCasesMonths: integer('keep_cases_months').notNull().default(24),
    keepViewingsMonths: integer('keep_viewings_months').notNull().default(24),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [check('municipality_only_one', sql`${t.only} = 1`)],
)

/** Where cards are used. A limit or a language of its own goes before the municipality's; null for the municipality's. */
export const site = sqliteTable('site', {
  id: integer('id').primaryKey(),
  name: text('name').notNull().unique(),
  createdAt: integer('created_at').notNull(),
  offlineSaleMax: integer('offline_sale_max'),
  offlineCardSumMax: integer('offline_card_sum_max'),
  offlineUnsentCountMax: integer('offline_unsent_count_max'),
  offlineUnsentSumMax: integer('offline_unsent_sum_max'),
  offlineListAgeMaxMs: integer('offline_list_age_max_ms'),
  weakSaleMax: integer('weak_sale_max'),
  weakCardSumMax: integer('weak_card_sum_max'),
  displayLanguage: text('display_language', { enum: ['da', 'en'] }),
})

export const product = sqliteTable(
  'product',
  {
    id: integer('id').primaryKey(),
    site: foreignId('site').references(() => site.id),
    name: text('name').notNull(),
    price: integer('price').notNull(),
    createdAt: integer('created_at').notNull(),
    retiredAt: integer('retired_at'),
    category: text('category', { enum: ['food', 'drink', 'sweets', 'activity', 'material', 'other'] })
      .notNull()
      .default('other'),
  },
  (t) => [
    check('product_price_positive', sql`${t.price} > 0`),
    uniqueIndex('product_on_sale').on(t.site, t.name).where(sql`${t.retiredAt} is null`),
  ],
)

/**
 * `leftAt` is when the child left: its cards are frozen, and no more money comes in. `birthDay`, `school` and `club` are
 * the roster's, which knows the child by `rosterKey`, a keyed HMAC; null where it was not the roster that brought it. One
 * that was `erasedAt` goes by a pseudonym, and what had to be kept of it is removed on `eraseDay`.
 */
export const child = sqliteTable(
  'child',
  {
    id: integer('id').primaryKey(),
    name: text('name').notNull(),
    createdAt: integer('created_at').notNull(),
    leftAt: integer('left_at'),
    birthDay: text('birth_day'),
    school: text('school'),
    club: integer('club').references(() => site.id),
    rosterKey: text('roster_key').unique(),
    erasedAt: integer('erased_at'),
    eraseDay: text('erase_day'),
  },
  (t) => [index('child_to_erase').on(t.eraseDay).where(sql`${t.eraseDay} is not null`)],
)

/**
 * Wallets (floor 0, one a child), revenue (one a site), and one each of the rest, which have no floor. What is owed has
 * a balance above zero, what is held (`psp_clearing` at Stripe, `bank`) below it.
 */
export const account = sqliteTable(
  'account',
  {
    id: integer('id').primaryKey(),
    kind: text('kind', {
      enum: [
        'wallet',
        'revenue',
        'psp_clearing',
        'psp_fees',
        'payouts_payable',
        'card_fee_revenue',
        'bank',
        'suspense',
      ],
    }).notNull(),
    floor: integer('floor'),
    child: integer('child')
      .unique()
      .references(() => child.id),
    site: integer('site')
      .unique()
      .references(() => site.id),
    dailyLimit: integer('daily_limit'),
  },
  (t) => [
    check(
      'account_kind',
      sql`${t.kind} in ('wallet', 'revenue', 'psp_clearing', 'psp_fees', 'payouts_payable', 'card_fee_revenue', 'bank', 'suspense')`,
    ),
    check('account_wallet_has_child', sql`(${t.kind} = 'wallet') = (${t.child} is not null)`),
    check('account_wallet_has_floor', sql`(${t.kind} = 'wallet') = (${t.floor} is not null)`),
    check('account_revenue_has_site', sql`(${t.kind} = 'revenue') = (${t.site} is not null)`),
    check('account_daily_limit_positive', sql`${t.dailyLimit} > 0`),
    uniqueIndex('account_one_of_a_kind').on(t.kind).where(sql`${t.child} is null and ${t.site} is null`),
  ],
)

/**
 * `version` grows with every change of any card, so that a terminal can ask for what is new. `tokenMissing` counts the
 * requests in a row that could read no token of a card that has one.
 */
export const card = sqliteTable(
  'card',
  {
    id: integer('id').primaryKey(),
    hash: text('hash').notNull().unique(),
    account: foreignId('account').references(() => account.id),
    status: text('status', { enum: ['active', 'blocked', 'closed'] }).notNull(),
    version: integer('version').notNull().unique(),
    createdAt: integer('created_at').notNull(),
    tokenMissing: integer('token_missing').notNull().default(0),
  },
  (t) => [
    check('card_status', sql`${t.status} in ('active', 'blocked', 'closed')`),
    index('card_of_account').on(t.account),
  ],
)

/**
 * The id ('4000-7') names the municipality, so a terminal at the wrong door can be told so. One that was `stoppedAt` is a
 * copy, or has one, and books nothing until it is enrolled again. `lastSeenAt` is its newest sync and `cardListVersion`
 * the list that it held then, `listedAt` when it last held the whole of it; the `unsent…` columns are what waited in its
 * journal then, `fixedPrice` the one product that each card bought there. `branchOf` makes it no terminal but the second
 * line of numbers of one ('4000-7q'), under which staff book what was put aside.
 */
export const terminal = sqliteTable('terminal', {
  id: text('id').primaryKey(),
  site: foreignId('site').references(() => site.id),
  name: text('name').notNull().unique(),
  publicKey: text('public_key'),
  createdAt: integer('created_at').notNull(),
  enrolledAt: integer('enrolled_at'),
  revokedAt: integer('revoked_at'),
  lastSeenAt: integer('last_seen_at'),
  cardListVersion: integer('card_list_version'),
  stoppedAt: integer('stopped_at'),
  listedAt: integer('listed_at'),
  software: text('software'),
  branchOf: text('branch_of'),
  unsentCount: integer('unsent_count'),
  unsentSum: integer('unsent_sum'),
  unsentSince: integer('unsent_since'),
  fixedPrice: integer('fixed_price'),
})

/** One-time codes; only their digest is kept. */
export const enrolmentCode = sqliteTable('enrolment_code', {
  hash: text('hash').primaryKey(),
  terminal: text('terminal')
    .notNull()
    .references(() => terminal.id),
  expiresAt: integer('expires_at').notNull(),
  usedAt: integer('used_at'),
})

export const staffToken = sqliteTable(
  'staff_token',
  {
    id: integer('id').primaryKey(),
    name: text('name').notNull(),
    role: text('role', { enum: ['admin', 'club', 'finance'] }).notNull(),
    hash: text('hash').notNull().unique(),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    revokedAt: integer('revoked_at'),
    lastUsedAt: integer('last_used_at'),
  },
  (t) => [check('staff_token_role', sql`${t.role} in ('admin', 'club', 'finance')`)],
)

/**
 * Every debit message a terminal has delivered, with its exact bytes and the answer it was given. `reason` on an
 * approved advice is why staff should look at it.
 */
export const message = sqliteTable(
  'message',
  {
    terminal: text('terminal')
      .notNull()
      .references(() => terminal.id),
    seq: integer('seq').notNull(),
    kind: text('kind', { enum: ['request', 'advice', 'reversal'] }).notNull(),
    sale: text('sale').notNull(),
    card: text('card').notNull(),
    account: integer('account').references(() => account.id),
    amount: integer('amount').notNull(),
    lines: text('lines', { mode: 'json' }).notNull(),
    at: integer('at').notNull(),
    receivedAt: integer('received_at').notNull(),
    prev: text('prev').notNull(),
    hash: text('hash').notNull(),
    jws: text('jws').notNull(),
    outcome: text('outcome', { enum: ['approved', 'declined', 'reversed'] }).notNull(),
    reason: text('reason'),
    balance: integer('balance'),
  },
  (t) => [
    primaryKey({ columns: [t.terminal, t.seq] }),
    unique('message_once_per_sale').on(t.sale, t.kind),
    index('message_flagged')
      .on(t.receivedAt)
      .where(sql`${t.kind} = 'advice' and ${t.outcome} = 'approved' and ${t.reason} is not null`),
    check('message_kind', sql`${t.kind} in ('request', 'advice', 'reversal')`),
    check('message_outcome', sql`${t.outcome} in ('approved', 'declined', 'reversed')`),
    check('message_amount_positive', sql`${t.amount} > 0`),
  ],
)

/**
 * A movement of money out of the debit account into the credit account. `id` is what makes it happen at most once;
 * `day` is the Copenhagen day that it counts for, which for a late advice is the day of the sale.
 */
export const transfer = sqliteTable(
  'transfer',
  {
    id: text('id').primaryKey(),
    kind: text('kind', {
      enum: [
        'deposit',
        'top_up',
        'purchase',
        'reversal',
        'sale_refund',
        'correction',
        'card_fee',
        'card_fee_return',
        'payout',
        'payout_return',
        'payout_paid',
        'refund',
        'refund_return',
        'dispute',
        'dispute_return',
        'psp_fee',
        'settlement',
      ],
    }).notNull(),
    debitAccount: foreignId('debit_account').references(() => account.id),
    creditAccount: foreignId('credit_account').references(() => account.id),
    amount: integer('amount').notNull(),
    at: integer('at').notNull(),
    day: text('day').notNull(),
    sale: text('sale'),
    staff: integer('staff').references(() => staffToken.id),
    reason: text('reason'),
  },
  (t) => [
    check(
      'transfer_kind',
      sql`${t.kind} in ('deposit', 'top_up', 'purchase', 'reversal', 'sale_refund', 'correction', 'card_fee',
        'card_fee_return', 'payout', 'payout_return', 'payout_paid', 'refund', 'refund_return', 'dispute', 'dispute_return', 'psp_fee', 'settlement')`,
    ),
    check('transfer_amount_positive', sql`${t.amount} > 0`),
    check('transfer_two_accounts', sql`${t.debitAccount} <> ${t.creditAccount}`),
    index('transfer_of_day').on(t.day).where(sql`${t.kind} = 'purchase'`),
    index('transfer_refunds').on(t.sale).where(sql`${t.kind} = 'sale_refund'`),
  ],
)

/**
 * One half of a transfer, with the account's balance after it: the newest posting is the balance. A wallet's posting
 * also carries its day and what the day has cost so far.
 */
export const posting = sqliteTable(
  'posting',
  {
    account: foreignId('account').references(() => account.id),
    seq: integer('seq').notNull(),
    transfer: text('transfer')
      .notNull()
      .references(() => transfer.id),
    amount: integer('amount').notNull(),
    balance: integer('balance').notNull(),
    day: text('day').notNull(),
    spent: integer('spent').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.account, t.seq] }),
    unique('posting_once_per_transfer').on(t.transfer, t.account),
    check('posting_seq_positive', sql`${t.seq} > 0`),
    check('posting_amount_not_zero', sql`${t.amount} <> 0`),
    check('posting_spent_not_negative', sql`${t.spent} >= 0`),
  ],
)

/**
 * What staff must look into: a copied terminal or a rolled-back journal, known by a message that contradicts what is
 * booked, or by the head of its journal (`seq`, `hash`); a copied card, or one whose token cannot be read, known by the
 * message that it was used for.
 */
export const alarm = sqliteTable(
  'alarm',
  {
    id: integer('id').primaryKey(),
    terminal: text('terminal')
      .notNull()
      .references(() => terminal.id),
    kind: text('kind', {
      enum: ['message_conflict', 'journal_forked', 'journal_rolled_back', 'card_cloned', 'card_unreadable'],
    }).notNull(),
    seq: integer('seq').notNull(),
    hash: text('hash').notNull(),
    at: integer('at').notNull(),
    card: integer('card').references(() => card.id),
  },
  (t) => [unique('alarm_once').on(t.terminal, t.seq, t.hash)],
)

/** Who of the staff, or which guardian, did what, when. Written in the same batch as what was done. */
export const audit = sqliteTable(
  'audit',
  {
    id: integer('id').primaryKey(),
    at: integer('at').notNull(),
    staff: integer('staff').references(() => staffToken.id),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    detail: text('detail', { mode: 'json' }),
    guardian: integer('guardian').references(() => guardian.id),
  },
  (t) => [
    index('audit_of_guardian').on(t.guardian),
    index('audit_of_subject').on(t.subject),
    index('audit_of_guardians').on(t.at).where(sql`${t.guardian} is not null`),
  ],
)

/**
 * Who logs in, known by issuer and subject of their OpenID Connect broker. `name` is null for the name-protected.
 * `cprHash` is what the broker said at the newest login: a keyed HMAC, the number itself is stored nowhere. The
 * `tell…` columns are what mails they want: below which balance in øre, each purchase, each week.
 */
export const guardian = sqliteTable(
  'guardian',
  {
    id: integer('id').primaryKey(),
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    name: text('name'),
    cprHash: text('cpr_hash'),
    language: text('language', { enum: ['da', 'en'] }).notNull(),
    mail: text('mail'),
    tellBelow: integer('tell_below'),
    tellPurchases: integer('tell_purchases').notNull().default(0),
    tellWeekly: integer('tell_weekly').notNull().default(0),
    createdAt: integer('created_at').notNull(),
    loggedInAt: integer('logged_in_at').notNull(),
  },
  (t) => [
    unique('guardian_of_broker').on(t.issuer, t.subject),
    index('guardian_by_cpr').on(t.cprHash),
    check('guardian_language', sql`${t.language} in ('da', 'en')`),
    check('guardian_tell_below_positive', sql`${t.tellBelow} > 0`),
    check('guardian_tell_purchases', sql`${t.tellPurchases} in (0, 1)`),
    check('guardian_tell_weekly', sql`${t.tellWeekly} in (0, 1)`),
  ],
)

/** The roster's word on whose child it is: the keyed HMAC of a guardian's CPR number. In force until it is ended. */
export const guardianship = sqliteTable(
  'guardianship',
  {
    child: foreignId('child').references(() => child.id),
    cprHash: text('cpr_hash').notNull(),
    createdAt: integer('created_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (t) => [primaryKey({ columns: [t.child, t.cprHash] }), index('guardianship_by_cpr').on(t.cprHash)],
)

/**
 * A guardian's session, known by the digest of its cookie. `idToken` is what the broker wants back at log-out, encrypted
 * under a key that follows from the cookie. `draft` is the form that its idling out interrupted.
 */
export const session = sqliteTable(
  'session',
  {
    hash: text('hash').primaryKey(),
    guardian: foreignId('guardian').references(() => guardian.id),
    idToken: text('id_token').notNull(),
    createdAt: integer('created_at').notNull(),
    seenAt: integer('seen_at').notNull(),
    endedAt: integer('ended_at'),
    draft: text('draft', { mode: 'json' }),
  },
  (t) => [index('session_of_guardian').on(t.guardian)],
)

/**
 * A log-in that has been sent to the broker and is awaited back, known by the digest of its cookie; taken away when it
 * comes. `confirms` is what it confirms with somebody who is logged in already: 'payout:<id>', 'agreement:<id>'.
 */
export const loginAttempt = sqliteTable('login_attempt', {
  hash: text('hash').primaryKey(),
  state: text('state').notNull(),
  nonce: text('nonce').notNull(),
  verifier: text('verifier').notNull(),
  returnTo: text('return_to').notNull(),
  confirms: text('confirms'),
  createdAt: integer('created_at').notNull(),
})

/** A guardian's question to the staff. The form makes the id, so that a form sent twice opens one case. */
export const supportCase = sqliteTable(
  'support_case',
  {
    id: text('id').primaryKey(),
    guardian: foreignId('guardian').references(() => guardian.id),
    account: integer('account').references(() => account.id),
    subject: text('subject').notNull(),
    phone: text('phone'),
    callWanted: integer('call_wanted').notNull(),
    createdAt: integer('created_at').notNull(),
    closedAt: integer('closed_at'),
    assignedTo: integer('assigned_to').references(() => staffToken.id),
  },
  (t) => [
    index('support_case_of_guardian').on(t.guardian),
    index('support_case_closed').on(t.closedAt).where(sql`${t.closedAt} is not null`),
    check('support_case_call_wanted', sql`${t.callWanted} in (0, 1)`),
    check('support_case_call_needs_phone', sql`${t.callWanted} = 0 or ${t.phone} is not null`),
  ],
)

/** What was said in a case, by the guardian or, with `staff`, by staff. */
export const caseMessage = sqliteTable(
  'case_message',
  {
    id: text('id').primaryKey(),
    case: text('case')
      .notNull()
      .references(() => supportCase.id),
    staff: integer('staff').references(() => staffToken.id),
    text: text('text').notNull(),
    at: integer('at').notNull(),
  },
  (t) => [index('case_message_of_case').on(t.case, t.at)],
)

/** What a municipality publishes to parents, in Markdown; every version stays. */
export const publication = sqliteTable(
  'publication',
  {
    kind: text('kind', { enum: ['terms', 'accessibility', 'privacy'] }).notNull(),
    language: text('language', { enum: ['da', 'en'] }).notNull(),
    version: integer('version').notNull(),
    text: text('text').notNull(),
    staff: foreignId('staff').references(() => staffToken.id),
    at: integer('at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.kind, t.language, t.version] }),
    check('publication_kind', sql`${t.kind} in ('terms', 'accessibility', 'privacy')`),
    check('publication_language', sql`${t.language} in ('da', 'en')`),
    check('publication_version_positive', sql`${t.version} > 0`),
  ],
)

/**
 * Mail that is to go to a guardian, written in the batch of what caused it, once per cause; the letter's words are made
 * from `data` when it is sent. News of a `child` goes only to who may still have it then. `dueAt` is when it may be tried
 * next; a row with `sentAt` or `givenUpAt` is done.
 */
export const outbox = sqliteTable(
  'outbox',
  {
    id: integer('id').primaryKey(),
    guardian: foreignId('guardian').references(() => guardian.id),
    kind: text('kind', {
      enum: [
        'purchase',
        'low_balance',
        'weekly',
        'case_answered',
        'mail_changed',
        'deposited',
        'topped_up',
        'top_up_paused',
        'card_expiring',
        'payout_returned',
        'refund_failed',
        'card_sent',
        'card_order_cancelled',
        'child_left',
        'card_cloned',
        'card_approval',
      ],
    }).notNull(),
    cause: text('cause').notNull(),
    recipient: text('recipient').notNull(),
    child: integer('child').references(() => child.id),
    data: text('data', { mode: 'json' }).notNull(),
    createdAt: integer('created_at').notNull(),
    dueAt: integer('due_at').notNull(),
    attempts: integer('attempts').notNull().default(0),
    sentAt: integer('sent_at'),
    givenUpAt: integer('given_up_at'),
    error: text('error'),
  },
  (t) => [
    unique('outbox_once').on(t.guardian, t.kind, t.cause, t.recipient),
    index('outbox_due').on(t.dueAt).where(sql`${t.sentAt} is null and ${t.givenUpAt} is null`),
  ],
)

/** Who looked at which child on which Copenhagen day: a guardian or a member of staff, by kind and id. */
export const viewing = sqliteTable(
  'viewing',
  {
    child: foreignId('child').references(() => child.id),
    day: text('day').notNull(),
    viewerKind: text('viewer_kind', { enum: ['guardian', 'staff'] }).notNull(),
    viewer: integer('viewer').notNull(),
    firstAt: integer('first_at').notNull(),
    lastAt: integer('last_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.child, t.day, t.viewerKind, t.viewer] }),
    check('viewing_viewer_kind', sql`${t.viewerKind} in ('guardian', 'staff')`),
    index('viewing_by_day').on(t.day),
  ],
)
