import { z } from 'zod'
import { Id, InstantMs, Name, Text } from '../fields.ts'
import { CardStatus } from '../wire.ts'

/** `reach` says how many of the terminals in use hold a card list with the card's status as it is. */
export const CardView = z
  .object({
    id: Id,
    status: CardStatus,
    createdAt: InstantMs,
    reach: z.object({ told: z.int().min(0), terminals: z.int().min(0) }).optional(),
  })
  .meta({ id: 'Card' })
/** Hexadecimal UID of 4, 7 or 10 bytes. It is hashed on arrival and kept nowhere. */
export const CardUid = z
  .string()
  .toLowerCase()
  .regex(/^([0-9a-f]{8}|[0-9a-f]{14}|[0-9a-f]{20})$/)
export const CardCall = z.strictObject({ child: Id, uid: CardUid })

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
