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
    createdAt: integer('created_at').notNull(),
  },
  (t) => [check('municipality_only_one', sql`${t.only} = 1`)],
)

export const site = sqliteTable('site', {
  id: integer('id').primaryKey(),
  name: text('name').notNull().unique(),
  createdAt: integer('created_at').notNull(),
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
  },
  (t) => [
    check('product_price_positive', sql`${t.price} > 0`),
    uniqueIndex('product_on_sale').on(t.site, t.name).where(sql`${t.retiredAt} is null`),
  ],
)

export const child = sqliteTable('child', {
  id: integer('id').primaryKey(),
  name: text('name').notNull(),
  createdAt: integer('created_at').notNull(),
})

/** Wallets (floor 0, one a child), revenue (one a site), and one each of the rest, which have no floor. */
export const account = sqliteTable(
  'account',
  {
    id: integer('id').primaryKey(),
    kind: text('kind', {
      enum: ['wallet', 'revenue', 'psp_clearing', 'payouts_payable', 'card_fee_revenue', 'bank', 'suspense'],
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
      sql`${t.kind} in ('wallet', 'revenue', 'psp_clearing', 'payouts_payable', 'card_fee_revenue', 'bank', 'suspense')`,
    ),
    check('account_wallet_has_child', sql`(${t.kind} = 'wallet') = (${t.child} is not null)`),
    check('account_wallet_has_floor', sql`(${t.kind} = 'wallet') = (${t.floor} is not null)`),
    check('account_revenue_has_site', sql`(${t.kind} = 'revenue') = (${t.site} is not null)`),
    check('account_daily_limit_positive', sql`${t.dailyLimit} > 0`),
    uniqueIndex('account_one_of_a_kind').on(t.kind).where(sql`${t.child} is null and ${t.site} is null`),
  ],
)

/** `version` grows with every change of any card, so that a terminal can ask for what is new. */
export const card = sqliteTable(
  'card',
  {
    id: integer('id').primaryKey(),
    hash: text('hash').notNull().unique(),
    account: foreignId('account').references(() => account.id),
    status: text('status', { enum: ['active', 'blocked', 'closed'] }).notNull(),
    version: integer('version').notNull().unique(),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [
    check('card_status', sql`${t.status} in ('active', 'blocked', 'closed')`),
    index('card_of_account').on(t.account),
  ],
)

/** The id ('4000-7') names the municipality, so a terminal at the wrong door can be told so. */
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
    kind: text('kind', { enum: ['deposit', 'purchase', 'reversal', 'correction'] }).notNull(),
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
    check('transfer_kind', sql`${t.kind} in ('deposit', 'purchase', 'reversal', 'correction')`),
    check('transfer_amount_positive', sql`${t.amount} > 0`),
    check('transfer_two_accounts', sql`${t.debitAccount} <> ${t.creditAccount}`),
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

/** What staff must look into: a copied terminal, a rolled-back journal. */
export const alarm = sqliteTable(
  'alarm',
  {
    id: integer('id').primaryKey(),
    terminal: text('terminal')
      .notNull()
      .references(() => terminal.id),
    kind: text('kind', { enum: ['message_conflict'] }).notNull(),
    seq: integer('seq').notNull(),
    hash: text('hash').notNull(),
    at: integer('at').notNull(),
  },
  (t) => [unique('alarm_once').on(t.terminal, t.seq, t.hash)],
)

/** Who of the staff did what, when. Written in the same batch as what was done. */
export const audit = sqliteTable('audit', {
  id: integer('id').primaryKey(),
  at: integer('at').notNull(),
  staff: integer('staff').references(() => staffToken.id),
  action: text('action').notNull(),
  subject: text('subject').notNull(),
  detail: text('detail', { mode: 'json' }),
})
