import { z } from '@hono/zod-openapi'
import { HandOut, HandOutOpenCall } from '../../shared/office/card-making.ts'
import { CardLife, CardOrderId, OrderLife, ReplaceCall, Replacement } from '../../shared/office/cards.ts'
import { cardLife, orderLife } from '../cards/card-life.ts'
import { cancelHandOut, handOutView, type Opened, openHandOut } from '../cards/hand-outs.ts'
import { type Replaced, replace } from '../cards/same-day.ts'
import { type Refusals, refuse, refused } from '../refusal.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'

const HandOutParam = z.object({ id: CardOrderId })
const LEFT = ['child_left', 'the child has left; klubkort child return takes it back in'] as const

const REPLACING: Refusals<Extract<Replaced, string>> = {
  child_unknown: ['child_unknown', 'no such child'],
  child_left: LEFT,
  id_taken: ['id_taken', 'this id has ordered something else'],
  order_under_way: ['order_under_way', 'a card is on its way to the child already'],
  never_had_card: ['card_unknown', 'the child has had no card yet, and the first one is free'],
  card_unknown: ['card_unknown', 'no card of this child that could be lost; where there are several, say which'],
  site_unknown: ['site_unknown', 'the child is in no club of yours: say at which site the card is handed out'],
}

const OPENING: Refusals<Extract<Opened, string>> = {
  order_unknown: ['order_unknown', 'no such order, or none under way for the child'],
  order_unpaid: ['order_unpaid', 'nobody has paid for it'],
  order_unapproved: ['order_unapproved', 'a guardian has to approve it first, in the portal'],
  order_ended: ['order_ended', 'its card is handed out, or it is cancelled'],
  child_left: LEFT,
  terminal_unknown: ['not_found', 'no such terminal in use'],
  terminal_unfit: [
    'terminal_unfit',
    'at this terminal each card buys one product: take another, or order hand-out --uid',
  ],
  id_taken: ['id_taken', 'this id is of another hand-out'],
}

/** Cards as a club hands them out, and what has happened to each. Part of the staff API. */
export const staffHandOutRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/orders/{id}',
      summary: 'An order, and all that has happened to it and its card',
      params: HandOutParam,
      answer: OrderLife,
      refusals: ['order_unknown'],
    }),
    async (c) => {
      const found = await orderLife(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'order_unknown', 'no such order')
    },
  )
  .openapi(
    reading({
      path: '/cards/{id}/history',
      summary: 'A card, and all that has happened to it from its order on',
      params: IdParam,
      answer: CardLife,
      refusals: ['card_unknown'],
    }),
    async (c) => {
      const found = await cardLife(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'card_unknown', 'no such card')
    },
  )
  .openapi(
    changing({
      path: '/replacements',
      summary: 'A new card out of the stack, today: begun here, approved by a guardian, paid from the account',
      body: ReplaceCall,
      answer: Replacement,
      refusals: ['child_unknown', 'child_left', 'id_taken', 'order_under_way', 'card_unknown', 'site_unknown'],
    }),
    async (c) => {
      const begun = await replace(c.var.db, c.req.valid('json'), c.var.staff, c.var.now)
      return typeof begun === 'string' ? refused(c, begun, REPLACING) : c.json(begun, 200)
    },
  )
  .openapi(
    changing({
      path: '/hand-outs',
      summary: 'Await a card at a terminal for a minute: the next one that is laid there is the order’s',
      body: HandOutOpenCall,
      answer: HandOut,
      refusals: [
        'order_unknown',
        'order_unpaid',
        'order_unapproved',
        'order_ended',
        'child_left',
        'terminal_unknown',
        'terminal_unfit',
        'id_taken',
      ],
    }),
    async (c) => {
      const opened = await openHandOut(c.var.db, c.req.valid('json'), c.var.staff, c.var.now)
      return typeof opened === 'string' ? refused(c, opened, OPENING) : c.json(opened, 200)
    },
  )
  .openapi(
    reading({
      path: '/hand-outs/{id}',
      summary: 'What has become of a hand-out',
      params: HandOutParam,
      answer: HandOut,
      refusals: ['hand_out_unknown'],
    }),
    async (c) => {
      const found = await handOutView(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'hand_out_unknown', 'no such hand-out')
    },
  )
  .openapi(
    changing({
      path: '/hand-outs/{id}/cancel',
      summary: 'Await the card no longer',
      params: HandOutParam,
      body: Nothing,
      answer: HandOut,
      refusals: ['hand_out_unknown'],
    }),
    async (c) => {
      const found = await cancelHandOut(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'hand_out_unknown', 'no such hand-out')
    },
  )
