import { sql } from 'drizzle-orm'
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'
import { account, card, child, guardian, product, site, staffToken, terminal } from './core.ts'
import { cardOrder } from './money.ts'

/** What the office of a club works with: the roster, the stack of cards, prices to come, and days that are closed. */

const foreignId = (name: string) => integer(name).notNull()
const staff = () => foreignId('staff').references(() => staffToken.id)

/**
 * A roster that is read in, or was. Its rows are staged first; what they change is planned against `base`, the roster's
 * version, and is applied only while that is still the newest. The id is the office's: a digest of the rows would tell
 * which CPR numbers they hold.
 */
export const rosterImport = sqliteTable(
  'roster_import',
  {
    id: text('id').primaryKey(),
    staff: staff(),
    status: text('status', { enum: ['staged', 'planned', 'applied'] }).notNull(),
    rows: integer('rows').notNull(),
    base: integer('base'),
    added: integer('added'),
    changed: integer('changed'),
    leaving: integer('leaving'),
    createdAt: integer('created_at').notNull(),
    appliedAt: integer('applied_at'),
  },
  (t) => [check('roster_import_status', sql`${t.status} in ('staged', 'planned', 'applied')`)],
)

/**
 * A row of a roster that is not applied yet, taken away when it is, or is given up. `key` and `guardians` are keyed HMACs,
 * the guardians' in their order. `child` is whom the plan has found it to be, null for somebody new, and `change` what
 * the row changes: ' new ', or its kinds, each with a blank around it, or nothing.
 */
export const rosterRow = sqliteTable(
  'roster_row',
  {
    import: text('import')
      .notNull()
      .references(() => rosterImport.id),
    line: integer('line').notNull(),
    key: text('key').notNull(),
    name: text('name').notNull(),
    birthDay: text('birth_day'),
    school: text('school'),
    club: integer('club').references(() => site.id),
    guardians: text('guardians', { mode: 'json' }).notNull(),
    child: integer('child').references(() => child.id),
    change: text('change').notNull().default(''),
  },
  (t) => [
    primaryKey({ columns: [t.import, t.line] }),
    uniqueIndex('roster_row_once').on(t.import, t.key),
    index('roster_row_changes').on(t.import, t.line).where(sql`${t.change} <> ''`),
  ],
)

/** A card that the producer has made, known by the number printed on it; `order` is whose it is, null for a blank. */
export const cardStock = sqliteTable('card_stock', {
  number: text('number').primaryKey(),
  hash: text('hash').notNull().unique(),
  order: text('order').references(() => cardOrder.id),
  staff: staff(),
  importedAt: integer('imported_at').notNull(),
})

/** A card that is being handed out: the next card that is laid on this terminal, before it expires, is the order's. */
export const handOut = sqliteTable(
  'hand_out',
  {
    id: text('id').primaryKey(),
    order: text('order')
      .notNull()
      .references(() => cardOrder.id),
    terminal: text('terminal')
      .notNull()
      .references(() => terminal.id),
    staff: staff(),
    status: text('status', { enum: ['waiting', 'done', 'refused', 'cancelled'] }).notNull(),
    reason: text('reason'),
    card: integer('card').references(() => card.id),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    endedAt: integer('ended_at'),
  },
  (t) => [
    check('hand_out_status', sql`${t.status} in ('waiting', 'done', 'refused', 'cancelled')`),
    uniqueIndex('hand_out_one_at_a_terminal').on(t.terminal).where(sql`${t.status} = 'waiting'`),
  ],
)

/** What a product costs from a Copenhagen day on. */
export const productPrice = sqliteTable(
  'product_price',
  {
    product: foreignId('product').references(() => product.id),
    fromDay: text('from_day').notNull(),
    price: integer('price').notNull(),
    staff: staff(),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.product, t.fromDay] }), check('product_price_above_zero', sql`${t.price} > 0`)],
)

/** A category of products that an account may not buy. */
export const closedCategory = sqliteTable(
  'closed_category',
  {
    account: foreignId('account').references(() => account.id),
    category: text('category', { enum: ['food', 'drink', 'sweets', 'activity', 'material', 'other'] }).notNull(),
    guardian: foreignId('guardian').references(() => guardian.id),
    closedAt: integer('closed_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.account, t.category] }),
    check(
      'closed_category_category',
      sql`${t.category} in ('food', 'drink', 'sweets', 'activity', 'material', 'other')`,
    ),
  ],
)

/** The sites of a member of staff whose role is `club`. */
export const staffSite = sqliteTable(
  'staff_site',
  {
    staff: staff(),
    site: foreignId('site').references(() => site.id),
  },
  (t) => [primaryKey({ columns: [t.staff, t.site] }), index('staff_site_of_site').on(t.site)],
)

/**
 * A terminal's day as it was closed, amounts in øre: what its sales came to then, without what was undone or refunded of
 * them, and what the terminal still held.
 */
export const dayClosing = sqliteTable(
  'day_closing',
  {
    terminal: text('terminal')
      .notNull()
      .references(() => terminal.id),
    day: text('day').notNull(),
    staff: staff(),
    at: integer('at').notNull(),
    sales: integer('sales').notNull(),
    amount: integer('amount').notNull(),
    undone: integer('undone').notNull(),
    offline: integer('offline').notNull(),
    refunded: integer('refunded').notNull(),
    unsentCount: integer('unsent_count'),
    unsentSum: integer('unsent_sum'),
  },
  (t) => [primaryKey({ columns: [t.terminal, t.day] })],
)
