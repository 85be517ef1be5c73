import { sql } from 'drizzle-orm'
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { account, card, guardian, site, staffToken } from './core.ts'

/**
 * Money that comes from outside and goes there: what was asked for, and what became of it. What has moved stands in the
 * ledger alone; these rows say why, and what is awaited. Amounts are whole øre, instants epoch milliseconds in UTC.
 */

const foreignId = (name: string) => integer(name).notNull()

/**
 * One payment at Stripe. `id` is made by the form or by the top-up, is stored before the first call, and is the
 * idempotency key of every call that begins it. `checkAt` is when nobody's word is waited for any longer and Stripe is
 * asked; null once the payment has ended.
 */
export const payment = sqliteTable(
  'payment',
  {
    id: text('id').primaryKey(),
    purpose: text('purpose', { enum: ['deposit', 'top_up', 'card_fee'] }).notNull(),
    account: foreignId('account').references(() => account.id),
    guardian: foreignId('guardian').references(() => guardian.id),
    agreement: text('agreement').references(() => agreement.id),
    cardOrder: text('card_order').references(() => cardOrder.id),
    amount: integer('amount').notNull(),
    mail: text('mail').notNull(),
    terms: text('terms'),
    status: text('status', {
      enum: ['created', 'open', 'paid', 'failed', 'expired', 'cancelled', 'mismatch'],
    }).notNull(),
    checkout: text('checkout').unique(),
    address: text('address'),
    intent: text('intent').unique(),
    method: text('method', { enum: ['card', 'mobilepay'] }),
    error: text('error'),
    createdAt: integer('created_at').notNull(),
    checkAt: integer('check_at'),
    checks: integer('checks').notNull().default(0),
    settledAt: integer('settled_at'),
  },
  (t) => [
    check('payment_purpose', sql`${t.purpose} in ('deposit', 'top_up', 'card_fee')`),
    check('payment_top_up_has_agreement', sql`(${t.purpose} = 'top_up') = (${t.agreement} is not null)`),
    check('payment_card_fee_has_order', sql`(${t.purpose} = 'card_fee') = (${t.cardOrder} is not null)`),
    check(
      'payment_status',
      sql`${t.status} in ('created', 'open', 'paid', 'failed', 'expired', 'cancelled', 'mismatch')`,
    ),
    check('payment_method', sql`${t.method} in ('card', 'mobilepay')`),
    check('payment_amount_positive', sql`${t.amount} > 0`),
    check('payment_paid_has_intent', sql`${t.status} <> 'paid' or ${t.intent} is not null`),
    index('payment_of_account').on(t.account, t.createdAt),
    index('payment_due').on(t.checkAt).where(sql`${t.checkAt} is not null`),
    uniqueIndex('payment_one_top_up_in_flight')
      .on(t.account)
      .where(sql`${t.purpose} = 'top_up' and ${t.status} in ('created', 'open')`),
  ],
)

/**
 * Money that goes back to where a payment came from: by a payout (`payout`; `id` is ours and the idempotency key), or
 * by somebody at Stripe (`id` is Stripe's). `draft` belongs to a payout that has not been confirmed.
 */
export const refund = sqliteTable(
  'refund',
  {
    id: text('id').primaryKey(),
    payment: text('payment')
      .notNull()
      .references(() => payment.id),
    payout: text('payout').references(() => payout.id),
    amount: integer('amount').notNull(),
    status: text('status', { enum: ['draft', 'wanted', 'pending', 'succeeded', 'failed'] }).notNull(),
    stripe: text('stripe').unique(),
    error: text('error'),
    createdAt: integer('created_at').notNull(),
    checkAt: integer('check_at'),
    checks: integer('checks').notNull().default(0),
    settledAt: integer('settled_at'),
  },
  (t) => [
    check('refund_status', sql`${t.status} in ('draft', 'wanted', 'pending', 'succeeded', 'failed')`),
    check('refund_amount_positive', sql`${t.amount} > 0`),
    index('refund_of_payment').on(t.payment),
    index('refund_of_payout').on(t.payout),
    index('refund_due').on(t.checkAt).where(sql`${t.checkAt} is not null`),
  ],
)

/** A payment that its payer contests; `id` is Stripe's. The money is away from `withdrawnAt` until `returnedAt`. */
export const dispute = sqliteTable(
  'dispute',
  {
    id: text('id').primaryKey(),
    payment: text('payment')
      .notNull()
      .references(() => payment.id),
    amount: integer('amount').notNull(),
    status: text('status').notNull(),
    createdAt: integer('created_at').notNull(),
    withdrawnAt: integer('withdrawn_at'),
    returnedAt: integer('returned_at'),
  },
  (t) => [check('dispute_amount_positive', sql`${t.amount} > 0`), index('dispute_of_payment').on(t.payment)],
)

/**
 * A stored card that is charged `amount` when the balance falls below `threshold`, at most `perDay` times a day: what the
 * words of consent say is what is on the row. `draft` awaits a fresh log-in, `setting_up` the card; `waiting` has a card
 * and awaits a balance of `activation`. `checkout` is the page at Stripe where the card is being given or changed;
 * `leftCard` is a card that Stripe is yet to forget. `terms` is the version of the terms that was accepted ('da-3').
 */
export const agreement = sqliteTable(
  'agreement',
  {
    id: text('id').primaryKey(),
    account: foreignId('account').references(() => account.id),
    guardian: foreignId('guardian').references(() => guardian.id),
    mail: text('mail').notNull(),
    amount: integer('amount').notNull(),
    threshold: integer('threshold').notNull(),
    activation: integer('activation').notNull(),
    perDay: integer('per_day').notNull(),
    terms: text('terms').notNull(),
    status: text('status', {
      enum: ['draft', 'setting_up', 'waiting', 'active', 'paused', 'cancelled', 'abandoned'],
    }).notNull(),
    checkout: text('checkout').unique(),
    address: text('address'),
    customer: text('customer'),
    paymentMethod: text('payment_method'),
    cardBrand: text('card_brand'),
    cardLast4: text('card_last4'),
    cardExpires: text('card_expires'),
    leftCard: text('left_card'),
    failures: integer('failures').notNull().default(0),
    retryAt: integer('retry_at'),
    pausedFor: text('paused_for', { enum: ['declined', 'authentication_required', 'card_unusable', 'disputed'] }),
    createdAt: integer('created_at').notNull(),
    inForceAt: integer('in_force_at'),
    endedAt: integer('ended_at'),
    checkAt: integer('check_at'),
    checks: integer('checks').notNull().default(0),
  },
  (t) => [
    check(
      'agreement_status',
      sql`${t.status} in ('draft', 'setting_up', 'waiting', 'active', 'paused', 'cancelled', 'abandoned')`,
    ),
    check('agreement_amount_positive', sql`${t.amount} > 0`),
    check('agreement_paused_for', sql`(${t.status} = 'paused') = (${t.pausedFor} is not null)`),
    check(
      'agreement_standing_has_card',
      sql`${t.status} not in ('waiting', 'active', 'paused') or ${t.paymentMethod} is not null`,
    ),
    index('agreement_of_account').on(t.account, t.createdAt),
    index('agreement_due').on(t.checkAt).where(sql`${t.checkAt} is not null`),
    uniqueIndex('agreement_one_standing').on(t.account).where(sql`${t.status} in ('waiting', 'active', 'paused')`),
  ],
)

/**
 * Money that a guardian wants back. `draft` awaits a fresh log-in, and nothing has moved. `bankAmount` is what goes to
 * the bank account; the rest goes back to the cards that it came from (`refund`). `bankAccount` has ten digits.
 */
export const payout = sqliteTable(
  'payout',
  {
    id: text('id').primaryKey(),
    account: foreignId('account').references(() => account.id),
    guardian: foreignId('guardian').references(() => guardian.id),
    name: text('name').notNull(),
    registration: text('registration').notNull(),
    bankAccount: text('bank_account').notNull(),
    message: text('message').notNull(),
    mail: text('mail'),
    amount: integer('amount').notNull(),
    bankAmount: integer('bank_amount').notNull(),
    status: text('status', {
      enum: ['draft', 'requested', 'approved', 'exported', 'paid', 'rejected'],
    }).notNull(),
    createdAt: integer('created_at').notNull(),
    requestedAt: integer('requested_at'),
    approvedBy: integer('approved_by').references(() => staffToken.id),
    approvedAt: integer('approved_at'),
    bankFile: text('bank_file').references(() => bankFile.id),
    reason: text('reason'),
    settledAt: integer('settled_at'),
  },
  (t) => [
    check('payout_status', sql`${t.status} in ('draft', 'requested', 'approved', 'exported', 'paid', 'rejected')`),
    check('payout_amount_positive', sql`${t.amount} > 0`),
    check('payout_bank_amount', sql`${t.bankAmount} between 0 and ${t.amount}`),
    check('payout_registration', sql`length(${t.registration}) = 4`),
    check('payout_bank_account', sql`length(${t.bankAccount}) = 10`),
    check('payout_exported_in_file', sql`${t.status} <> 'exported' or ${t.bankFile} is not null`),
    index('payout_of_account').on(t.account, t.createdAt),
    index('payout_by_status').on(t.status).where(sql`${t.status} in ('requested', 'approved', 'exported')`),
  ],
)

/** A file for the bank, kept as it was made: the same export again is the same file. */
export const bankFile = sqliteTable(
  'bank_file',
  {
    id: text('id').primaryKey(),
    version: text('version', { enum: ['03', '09'] }).notNull(),
    executionDay: text('execution_day').notNull(),
    count: integer('count').notNull(),
    sum: integer('sum').notNull(),
    xml: text('xml').notNull(),
    staff: foreignId('staff').references(() => staffToken.id),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [check('bank_file_version', sql`${t.version} in ('03', '09')`)],
)

/**
 * A card that is to come: the roster's `first` one, a `replacement` that a guardian orders for a lost card, or one out of
 * a club's stack on the `same_day`, which `staff` began and a guardian approves. `unpaid` awaits its payment,
 * `awaiting_approval` the guardian; `number` and `printedName` are what is printed on the card, from the production batch
 * on. It goes to the address, or to `club`; `card` is the new card once it is handed out.
 */
export const cardOrder = sqliteTable(
  'card_order',
  {
    id: text('id').primaryKey(),
    account: foreignId('account').references(() => account.id),
    cause: text('cause', { enum: ['first', 'replacement', 'same_day'] })
      .notNull()
      .default('replacement'),
    guardian: integer('guardian').references(() => guardian.id),
    staff: integer('staff').references(() => staffToken.id),
    lostCard: integer('lost_card').references(() => card.id),
    recipient: text('recipient'),
    street: text('street'),
    postalCode: text('postal_code'),
    city: text('city'),
    club: integer('club').references(() => site.id),
    mail: text('mail'),
    fee: integer('fee').notNull(),
    paidFrom: text('paid_from', { enum: ['account', 'checkout'] }).notNull(),
    terms: text('terms'),
    status: text('status', {
      enum: ['unpaid', 'awaiting_approval', 'ordered', 'produced', 'sent', 'handed_out', 'cancelled'],
    }).notNull(),
    batch: integer('batch').references(() => cardBatch.id),
    number: text('number').unique(),
    printedName: text('printed_name'),
    card: integer('card').references(() => card.id),
    createdAt: integer('created_at').notNull(),
    orderedAt: integer('ordered_at'),
    producedAt: integer('produced_at'),
    sentAt: integer('sent_at'),
    endedAt: integer('ended_at'),
  },
  (t) => [
    check('card_order_cause', sql`${t.cause} in ('first', 'replacement', 'same_day')`),
    check('card_order_replacement_has_guardian', sql`${t.cause} <> 'replacement' or ${t.guardian} is not null`),
    check('card_order_paid_from', sql`${t.paidFrom} in ('account', 'checkout')`),
    check(
      'card_order_status',
      sql`${t.status} in ('unpaid', 'awaiting_approval', 'ordered', 'produced', 'sent', 'handed_out', 'cancelled')`,
    ),
    check('card_order_fee_not_negative', sql`${t.fee} >= 0`),
    check(
      'card_order_goes_somewhere',
      sql`${t.club} is not null or (${t.recipient} is not null and ${t.street} is not null and ${t.postalCode} is not null and ${t.city} is not null)`,
    ),
    index('card_order_of_account').on(t.account, t.createdAt),
    uniqueIndex('card_order_one_under_way')
      .on(t.account)
      .where(sql`${t.status} in ('awaiting_approval', 'ordered', 'produced', 'sent')`),
  ],
)

/** What went to the producer of cards in one file; the same export again is the same file. */
export const cardBatch = sqliteTable('card_batch', {
  id: integer('id').primaryKey(),
  staff: foreignId('staff').references(() => staffToken.id),
  createdAt: integer('created_at').notNull(),
})

/** A line of Stripe's own book, as it was fetched: what the clearing account is held against. */
export const balanceTransaction = sqliteTable(
  'balance_transaction',
  {
    id: text('id').primaryKey(),
    type: text('type').notNull(),
    amount: integer('amount').notNull(),
    fee: integer('fee').notNull(),
    net: integer('net').notNull(),
    currency: text('currency').notNull(),
    source: text('source'),
    createdAt: integer('created_at').notNull(),
    bookedAt: integer('booked_at').notNull(),
  },
  (t) => [index('balance_transaction_by_time').on(t.createdAt), index('balance_transaction_of_source').on(t.source)],
)
