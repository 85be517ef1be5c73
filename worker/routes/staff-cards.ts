import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import {
  CardCall,
  CardOrder,
  CardOrderId,
  CardOrders,
  CardOrdersQuery,
  CardView,
  HandOutCall,
} from '../../shared/office/cards.ts'
import { Child, ChildLeft } from '../../shared/office/children.ts'
import { hashOfUid, isRandom } from '../cards/card-stock.ts'
import { addCard, cardReach, setStatus } from '../cards/cards.ts'
import { cancelOrder, handOut, type OrderRefusal, sendOrder, staffOrders } from '../cards/order-desk.ts'
import { cardKeyOf } from '../municipality/secrets.ts'
import { comeBack, leave } from '../people/leaving.ts'
import { sitesOf } from '../people/staff.ts'
import { type Refusals, refuse, refused } from '../refusal.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'

/** Cards, orders of new ones, and children who leave. Part of the staff API. */
export const staffCardRoutes = router<StaffEnv>()

/** The hash of a card from its UID in hexadecimal; null for a UID that says nothing of the card. */
async function hashOf(c: Context<StaffEnv>, uid: string): Promise<string | null> {
  return isRandom(uid) ? null : hashOfUid(await cardKeyOf(c.env.MASTER_KEY, c.var.municipality), uid)
}

const RANDOM_UID = 'a UID that begins with 08 is drawn anew at every tap (ISO 14443-3)'
const LEFT = ['child_left', 'the child has left; klubkort child return takes it back in'] as const
const TAKEN = ['card_taken', 'this card belongs to a child already, or was made for another order'] as const

const ADDING: Refusals<'child_unknown' | 'child_left' | 'card_taken'> = {
  child_unknown: ['child_unknown', 'no such child'],
  child_left: LEFT,
  card_taken: TAKEN,
}

const SETTING: Refusals<'not_found' | 'card_closed' | 'child_left'> = {
  not_found: ['card_unknown', 'no such card'],
  card_closed: ['card_closed', 'the card is closed for good'],
  child_left: LEFT,
}

staffCardRoutes.openapi(
  changing({
    path: '/cards',
    summary: 'Give a child a card; the UID is hashed on arrival and kept nowhere',
    body: CardCall,
    answer: CardView,
    refusals: ['child_unknown', 'child_left', 'card_taken', 'uid_random'],
  }),
  async (c) => {
    const { child, uid } = c.req.valid('json')
    const hash = await hashOf(c, uid)
    if (hash === null) return refuse(c, 'uid_random', RANDOM_UID)
    const added = await addCard(c.var.db, { child, hash }, c.var.staff.id, c.var.now)
    return typeof added === 'string' ? refused(c, added, ADDING) : c.json(added, 200)
  },
)

staffCardRoutes.openapi(
  reading({
    path: '/cards/{id}',
    summary: 'A card, and how many terminals hold its status on their lists',
    params: IdParam,
    answer: CardView,
    refusals: ['card_unknown'],
  }),
  async (c) => {
    const card = await cardReach(c.var.db, c.req.valid('param').id, sitesOf(c.var.staff))
    return card ? c.json(card, 200) : refuse(c, 'card_unknown', 'no such card')
  },
)

for (const [verb, status] of [
  ['block', 'blocked'],
  ['activate', 'active'],
] as const) {
  staffCardRoutes.openapi(
    changing({
      path: `/cards/{id}/${verb}`,
      summary: verb === 'block' ? 'Block a card' : 'Activate a blocked card',
      params: IdParam,
      body: Nothing,
      answer: CardView,
      refusals: ['card_unknown', 'card_closed', 'child_left'],
    }),
    async (c) => {
      const card = await setStatus(c.var.db, c.req.valid('param').id, status, { staff: c.var.staff.id }, c.var.now)
      if (typeof card === 'string') return refused(c, card, SETTING)
      return c.json((await cardReach(c.var.db, card.id, null)) ?? card, 200)
    },
  )
}

// ── Orders ──────────────────────────────────────────────────────────────────

const OrderParam = z.object({ id: CardOrderId })

const CHANGING: Refusals<OrderRefusal> = {
  order_unknown: ['order_unknown', 'no such order'],
  order_unpaid: ['order_unpaid', 'nobody has paid for it'],
  order_unapproved: ['order_unapproved', 'a guardian has to approve it first, in the portal'],
  order_ended: ['order_ended', 'the order has come further: its card is handed out or sent, or it is cancelled'],
  child_left: LEFT,
  role_forbidden: ['role_forbidden', 'a club withdraws only what it would hand out itself and nobody has approved'],
}

const HANDING_OUT: Refusals<OrderRefusal | 'card_taken' | 'card_not_produced'> = {
  ...CHANGING,
  card_taken: TAKEN,
  card_not_produced: ['card_not_produced', 'which card was made for it is not known: lay it on'],
}

staffCardRoutes
  .openapi(
    reading({
      path: '/orders',
      summary: 'Orders of new cards, the oldest first; one that is not paid is none yet',
      query: CardOrdersQuery,
      answer: CardOrders,
    }),
    async (c) => c.json(await staffOrders(c.var.db, c.req.valid('query'), c.var.staff, c.var.now), 200),
  )
  .openapi(
    changing({
      path: '/orders/{id}/hand-out',
      summary: 'Give the account its new card, and close the lost one for good',
      params: OrderParam,
      body: HandOutCall,
      answer: CardOrder,
      refusals: [
        'order_unknown',
        'order_unpaid',
        'order_unapproved',
        'order_ended',
        'card_taken',
        'card_not_produced',
        'uid_random',
        'child_left',
      ],
    }),
    async (c) => {
      const { uid } = c.req.valid('json')
      const hash = uid === undefined ? null : await hashOf(c, uid)
      if (uid !== undefined && hash === null) return refuse(c, 'uid_random', RANDOM_UID)
      const order = await handOut(c.var.db, c.req.valid('param').id, hash, c.var.staff, c.var.now)
      return typeof order === 'string' ? refused(c, order, HANDING_OUT) : c.json(order, 200)
    },
  )

for (const [verb, summary, change] of [
  ['send', 'Say that the new card is in the post; the guardian is told by mail', sendOrder],
  ['cancel', 'End an order and give its fee back to the account; the guardian is told by mail', cancelOrder],
] as const) {
  staffCardRoutes.openapi(
    changing({
      path: `/orders/{id}/${verb}`,
      summary,
      params: OrderParam,
      body: Nothing,
      answer: CardOrder,
      refusals: ['order_unknown', 'order_unpaid', 'order_unapproved', 'order_ended', 'child_left', 'role_forbidden'],
    }),
    async (c) => {
      const order = await change(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return typeof order === 'string' ? refused(c, order, CHANGING) : c.json(order, 200)
    },
  )
}

// ── Leaving ─────────────────────────────────────────────────────────────────

staffCardRoutes
  .openapi(
    changing({
      path: '/children/{id}/leave',
      summary:
        'Take a child out: its cards are frozen, a card not yet sent is cancelled, its guardians are told by mail',
      params: IdParam,
      body: Nothing,
      answer: ChildLeft,
      refusals: ['child_unknown'],
    }),
    async (c) => {
      const child = await leave(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return child ? c.json(child, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
  .openapi(
    changing({
      path: '/children/{id}/return',
      summary: 'Take a child back in; its cards stay blocked until they are activated',
      params: IdParam,
      body: Nothing,
      answer: Child,
      refusals: ['child_unknown', 'child_erased'],
    }),
    async (c) => {
      const child = await comeBack(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      if (child === 'child_erased') return refuse(c, child, 'the child has been erased')
      return child ? c.json(child, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
