import { sql } from 'drizzle-orm'
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { account, alarm, card, staffToken, terminal } from './core.ts'

/** What belongs to terminals and cards beside the ledger, and what staff have made of what had to be looked into. */

const foreignId = (name: string) => integer(name).notNull()
const terminalId = (name: string) =>
  text(name)
    .notNull()
    .references(() => terminal.id)

/** The keys that a terminal had before its own: what they sign is put aside, and none of them comes back. */
export const terminalKey = sqliteTable(
  'terminal_key',
  {
    publicKey: text('public_key').primaryKey(),
    terminal: terminalId('terminal'),
    replacedAt: integer('replaced_at').notNull(),
  },
  (t) => [index('terminal_key_of_terminal').on(t.terminal)],
)

/**
 * The tokens that a card was given. The newest that it has shown is the current one; one neither shown nor dropped is
 * pending, and there is at most one. `terminal` and `seq` name the request in whose answer it was told.
 */
export const cardToken = sqliteTable(
  'card_token',
  {
    card: foreignId('card').references(() => card.id),
    counter: integer('counter').notNull(),
    value: text('value').notNull(),
    terminal: terminalId('terminal'),
    seq: integer('seq').notNull(),
    issuedAt: integer('issued_at').notNull(),
    shownAt: integer('shown_at'),
    droppedAt: integer('dropped_at'),
  },
  (t) => [
    primaryKey({ columns: [t.card, t.counter, t.value] }),
    uniqueIndex('card_token_of_message').on(t.terminal, t.seq),
    check('card_token_counter_positive', sql`${t.counter} > 0`),
  ],
)

/**
 * Validly signed messages that were not booked, because their terminal had been revoked or stopped or their key replaced.
 * They are kept as they came; what staff have made of each stands in `review`.
 */
export const quarantine = sqliteTable(
  'quarantine',
  {
    terminal: terminalId('terminal'),
    seq: integer('seq').notNull(),
    hash: text('hash').notNull(),
    jws: text('jws').notNull(),
    cause: text('cause', { enum: ['revoked', 'stopped', 'key_replaced'] }).notNull(),
    kind: text('kind', { enum: ['request', 'advice', 'reversal'] }).notNull(),
    sale: text('sale').notNull(),
    card: text('card').notNull(),
    amount: integer('amount').notNull(),
    lines: text('lines', { mode: 'json' }).notNull(),
    at: integer('at').notNull(),
    receivedAt: integer('received_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.terminal, t.seq, t.hash] }),
    check('quarantine_cause', sql`${t.cause} in ('revoked', 'stopped', 'key_replaced')`),
    check('quarantine_kind', sql`${t.kind} in ('request', 'advice', 'reversal')`),
    check('quarantine_amount_positive', sql`${t.amount} > 0`),
  ],
)

/**
 * What staff have decided, once for each subject and for good: a flagged advice ('4000-7:12'), an alarm ('alarm:3'), a
 * message put aside ('quarantine:4000-7:12:<hash>'). `account` is whose sale it turned out to be.
 */
export const review = sqliteTable(
  'review',
  {
    id: integer('id').primaryKey(),
    subject: text('subject').notNull().unique(),
    decision: text('decision', { enum: ['keep', 'carry', 'charge', 'book', 'discard', 'note'] }).notNull(),
    terminal: terminalId('terminal'),
    seq: integer('seq').notNull(),
    alarm: integer('alarm').references(() => alarm.id),
    account: integer('account').references(() => account.id),
    staff: foreignId('staff').references(() => staffToken.id),
    note: text('note').notNull(),
    at: integer('at').notNull(),
  },
  (t) => [
    check('review_decision', sql`${t.decision} in ('keep', 'carry', 'charge', 'book', 'discard', 'note')`),
    check('review_charge_has_account', sql`(${t.decision} = 'charge') = (${t.account} is not null)`),
  ],
)
