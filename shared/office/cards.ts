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

export const CardOrderStatus = z.enum([
  'unpaid',
  'awaiting_approval',
  'ordered',
  'produced',
  'sent',
  'handed_out',
  'cancelled',
])
export type CardOrderStatus = z.infer<typeof CardOrderStatus>

/** Why there is an order: the roster's first card, a lost one that a guardian replaces, one out of the stack. */
export const CardOrderCause = z.enum(['first', 'replacement', 'same_day'])

/**
 * An order of a new card; `card` is the new one, once it is handed out, and `number` what is printed on it. It goes to the
 * address, or to the club. An order that is not paid yet is none.
 */
export const CardOrder = z
  .object({
    id: z.uuid(),
    account: Id,
    child: z.object({ id: Id, name: z.string() }),
    cause: CardOrderCause,
    lostCard: Id.nullable(),
    recipient: z.string().nullable(),
    street: z.string().nullable(),
    postalCode: z.string().nullable(),
    city: z.string().nullable(),
    club: z.object({ id: Id, name: z.string() }).nullable(),
    fee: z.int().min(0),
    paidFrom: z.enum(['account', 'checkout']),
    status: CardOrderStatus.exclude(['unpaid']),
    batch: Id.nullable(),
    number: z.string().nullable(),
    card: Id.nullable(),
    expired: z.boolean().meta({ description: 'cancelled because nobody had approved it in time' }),
    createdAt: InstantMs,
    orderedAt: InstantMs.nullable().meta({ description: 'when it was paid or approved; null for never' }),
    producedAt: InstantMs.nullable(),
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
/** Without a UID it is the card that was produced for the order. */
export const HandOutCall = z.strictObject({ uid: CardUid.optional() })

/**
 * A replacement out of a club's stack. Without `lostCard` it is for the child's only card that is not closed, without
 * `site` at the child's own club.
 */
export const ReplaceCall = z.strictObject({
  id: CardOrderId,
  child: Id,
  lostCard: Id.nullable().default(null),
  site: Id.nullable().default(null),
})
/** A replacement that was asked for; `untold` guardians must hear in another way that they have to approve it. */
export const Replacement = CardOrder.extend({
  untold: z.int().min(0).meta({ description: 'guardians who were not told, as no mail address of theirs is known' }),
}).meta({ id: 'CardReplacement' })

/** Something that has happened to a card or its order. `who` is a member of staff by name, a guardian, or neither. */
export const CardEvent = z.object({
  at: InstantMs,
  what: z
    .string()
    .meta({ description: 'as the audit log names it; card_ordered, card_produced, card_batched besides' }),
  who: z.object({ kind: z.enum(['staff', 'guardian', 'system']), name: z.string().nullable() }),
  card: Id.nullable(),
})
export const OrderLife = CardOrder.extend({ events: z.array(CardEvent) }).meta({ id: 'CardOrderLife' })
export const CardLife = CardView.extend({
  child: z.object({ id: Id, name: z.string() }),
  order: z.uuid().nullable(),
  number: z.string().nullable(),
  events: z.array(CardEvent),
}).meta({ id: 'CardLife' })
