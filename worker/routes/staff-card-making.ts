import { CardBatchContent, CardBatches, StockAnswer, StockCall, StockView } from '../../shared/office/card-making.ts'
import { batchContent, batches, makeBatch } from '../cards/card-batches.ts'
import { readRows, stackOf, takeIn } from '../cards/card-stock.ts'
import { cardKeyOf } from '../municipality/secrets.ts'
import { refuse } from '../refusal.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'

/** What the producer of cards is to make, and what it has made. Part of the staff API. */
export const staffCardMakingRoutes = router<StaffEnv>()
  .openapi(
    reading({ path: '/card-batches', summary: 'Batches for the producer, the newest first', answer: CardBatches }),
    async (c) => c.json({ batches: await batches(c.var.db) }, 200),
  )
  .openapi(
    changing({
      path: '/card-batches',
      summary: 'Put the orders that are in no batch yet, at most 1,000, into a new one, and give each a number',
      body: Nothing,
      answer: CardBatchContent,
      refusals: ['nothing_to_export'],
    }),
    async (c) => {
      const made = await makeBatch(c.var.db, c.var.municipality, c.var.staff.id, c.var.now)
      return made ? c.json(made, 200) : refuse(c, 'nothing_to_export', 'every order is in a batch already')
    },
  )
  .openapi(
    reading({
      path: '/card-batches/{id}',
      summary: 'A batch as it was made',
      params: IdParam,
      answer: CardBatchContent,
      refusals: ['batch_unknown'],
    }),
    async (c) => {
      const found = await batchContent(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'batch_unknown', 'no such batch; klubkort order batches lists them')
    },
  )
  .openapi(
    reading({ path: '/card-stock', summary: 'How many cards are made and not handed out', answer: StockView }),
    async (c) => c.json(await stackOf(c.var.db), 200),
  )
  .openapi(
    changing({
      path: '/card-stock',
      summary: "The producer's list: all of its rows are stored, or none; UIDs are hashed on arrival",
      body: StockCall,
      answer: StockAnswer,
    }),
    async (c) => {
      const { rows, dry } = c.req.valid('json')
      const cardKey = await cardKeyOf(c.env.MASTER_KEY, c.var.municipality)
      const read = await readRows(rows, c.var.municipality, cardKey)
      return c.json(await takeIn(c.var.db, read, dry, c.var.staff.id, c.var.now), 200)
    },
  )
