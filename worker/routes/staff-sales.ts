import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { DayCloseCall, DayClosings, DayQuery, DaysQuery, TerminalDay } from '../../shared/office/days.ts'
import { SaleDetails, SaleId, SaleRefundCall, Sales, SalesQuery } from '../../shared/office/sales.ts'
import { refuse } from '../refusal.ts'
import { closeDay, dayClosings, terminalDay } from '../sales/day-closings.ts'
import { type RefundRefusal, refundSale } from '../sales/sale-refunds.ts'
import { sale, sales } from '../sales/sales.ts'
import { changing, reading, router, type StaffEnv } from './contract.ts'

const SaleParam = z.object({ id: SaleId })

function refused(c: Context<StaffEnv>, refusal: RefundRefusal) {
  switch (refusal) {
    case 'sale_unknown':
      return refuse(c, refusal, 'no such sale')
    case 'sale_undone':
      return refuse(c, refusal, 'the sale was undone at its till, so all of it is back already')
    case 'sale_undecided':
      return refuse(c, refusal, 'the sale waits to be looked into: decide first who bears it')
    case 'sale_carried':
      return refuse(c, refusal, 'the club carries the sale, so there is nobody to give it back to')
    case 'refund_too_large':
      return refuse(c, refusal, 'that is more than is left of the sale')
    case 'child_erased':
      return refuse(c, refusal, 'the child of that account has been erased')
    case 'transfer_conflict':
      return refuse(c, refusal, 'this id has moved something else already')
  }
}

/** What was sold: found, refunded, and counted at the end of a day. Part of the staff API. */
export const staffSaleRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/sales',
      summary: 'Sales by child, card, terminal, site, days or amount, the newest first',
      query: SalesQuery,
      answer: Sales,
    }),
    async (c) => c.json(await sales(c.var.db, c.req.valid('query'), c.var.staff, c.var.now), 200),
  )
  .openapi(
    reading({
      path: '/sales/{id}',
      summary: 'One sale with what was refunded of it',
      params: SaleParam,
      answer: SaleDetails,
      refusals: ['sale_unknown'],
    }),
    async (c) => {
      const found = await sale(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refused(c, 'sale_unknown')
    },
  )
  .openapi(
    changing({
      path: '/sales/{id}/refund',
      summary: 'Give a sale back to the account that bears it, all or a part of it, once per id',
      params: SaleParam,
      body: SaleRefundCall,
      answer: SaleDetails,
      refusals: [
        'sale_unknown',
        'sale_undone',
        'sale_undecided',
        'sale_carried',
        'refund_too_large',
        'child_erased',
        'transfer_conflict',
      ],
    }),
    async (c) => {
      const call = c.req.valid('json')
      const refunded = await refundSale(c.var.db, c.req.valid('param').id, call, c.var.staff, c.var.now)
      return typeof refunded === 'string' ? refused(c, refunded) : c.json(refunded, 200)
    },
  )

// ── Days ────────────────────────────────────────────────────────────────────

staffSaleRoutes
  .openapi(
    reading({
      path: '/days',
      summary: 'The days that were closed, the newest first',
      query: DaysQuery,
      answer: DayClosings,
    }),
    async (c) => c.json(await dayClosings(c.var.db, c.req.valid('query'), c.var.staff), 200),
  )
  .openapi(
    reading({
      path: '/days/show',
      summary: "A terminal's day as it is now and as it was closed, and what the terminal has yet to send",
      query: DayQuery,
      answer: TerminalDay,
      refusals: ['not_found'],
    }),
    async (c) => {
      const day = await terminalDay(c.var.db, c.req.valid('query'), c.var.staff)
      return day ? c.json(day, 200) : refuse(c, 'not_found', 'no such terminal')
    },
  )
  .openapi(
    changing({
      path: '/days/close',
      summary: "Close a terminal's day; again tells the first closing, and what has come since",
      body: DayCloseCall,
      answer: TerminalDay,
      refusals: ['not_found', 'day_to_come'],
    }),
    async (c) => {
      const closed = await closeDay(c.var.db, c.req.valid('json'), c.var.staff, c.var.now)
      if (closed === 'not_found') return refuse(c, closed, 'no such terminal')
      if (closed === 'day_to_come') return refuse(c, closed, 'that day has not begun')
      return c.json(closed, 200)
    },
  )
