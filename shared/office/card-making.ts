import { z } from 'zod'
import { Id, InstantMs } from '../fields.ts'
import { CardOrderId } from './cards.ts'

/** What the producer of cards is told, and what comes back from there. */

/** The most cards that one production batch has. */
export const BATCH_MAX = 1_000

export const CardBatch = z
  .object({ id: Id, count: z.int().min(0), staff: z.string(), createdAt: InstantMs })
  .meta({ id: 'CardBatch' })
export const CardBatches = z.object({ batches: z.array(CardBatch) })
/** A card to make: it goes to the club by this name, or to the address. */
const CardToMake = z.object({
  order: z.uuid(),
  number: z.string(),
  name: z.string(),
  club: z.string().nullable(),
  recipient: z.string().nullable(),
  street: z.string().nullable(),
  postalCode: z.string().nullable(),
  city: z.string().nullable(),
})
export const CardBatchContent = CardBatch.extend({ cards: z.array(CardToMake) }).meta({ id: 'CardBatchContent' })

/**
 * How many rows the producer's list may have: one call takes all of it. So many of the longest rows are within what a
 * body may have, and, hashed, within the 2 MB of a parameter of D1.
 */
export const STOCK_ROWS_MAX = 10_000

/** What is printed on a card: letters, digits and hyphens. */
export const CardNumber = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/)

/** A row of the producer's list; what is wrong with it is said of its line. The UID is hashed on arrival, kept nowhere. */
const StockRow = z.strictObject({
  line: z.int().min(1),
  number: z.string().max(100),
  uid: z.string().max(100),
})
/** `dry` asks what is wrong, and changes nothing. */
export const StockCall = z.strictObject({
  rows: z.array(StockRow).min(1).max(STOCK_ROWS_MAX),
  dry: z.boolean().default(false),
})

export const StockFaultReason = z.enum([
  'number_malformed',
  'number_mistyped',
  'number_repeated',
  'number_taken',
  'uid_malformed',
  'uid_random',
  'uid_repeated',
  'uid_taken',
  'uid_in_use',
])
export type StockFaultReason = z.infer<typeof StockFaultReason>

/**
 * What came of the list. Where there is any fault nothing is stored. `orders` are cards of orders and `blanks`
 * cards of none, among the new ones; `unchanged` were known already.
 */
export const StockAnswer = z
  .object({
    orders: z.int().min(0),
    blanks: z.int().min(0),
    unchanged: z.int().min(0),
    faults: z.array(z.object({ line: z.int().min(1), column: z.enum(['number', 'uid']), reason: StockFaultReason })),
  })
  .meta({ id: 'CardStock' })

/** How many cards are in the stack: blanks that are nobody's yet. */
export const StockView = z.object({ blanks: z.int().min(0), produced: z.int().min(0) }).meta({ id: 'CardStockView' })

export const HandOutReason = z.enum([
  'card_taken',
  'card_own',
  'card_closed',
  'card_of_other_order',
  'order_ended',
  'child_left',
])
export type HandOutReason = z.infer<typeof HandOutReason>

/** A card that is being handed out at a terminal: to an order, or to the order that a child has under way. */
export const HandOutOpenCall = z
  .strictObject({
    id: CardOrderId,
    order: CardOrderId.optional(),
    child: Id.optional(),
    terminal: z.string().regex(/^\d{4}-\d{1,6}$/),
  })
  .refine(({ order, child }) => (order === undefined) !== (child === undefined), 'an order, or a child')
export const HandOut = z
  .object({
    id: z.uuid(),
    order: z.uuid(),
    terminal: z.string(),
    status: z.enum(['waiting', 'done', 'refused', 'cancelled', 'expired']),
    reason: HandOutReason.nullable(),
    card: Id.nullable(),
    expiresAt: InstantMs,
  })
  .meta({ id: 'HandOut' })
