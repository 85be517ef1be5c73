import { expect, test } from 'vitest'
import type { DebitMessage } from '../shared/debit.ts'
import { syncOnce } from '../terminal/sync.ts'
import { bookingWorker, counter, scratch, someKey } from './counter.ts'

test('a sync tells how much waits in the journal, what it is worth, and since when', async () => {
  const queries: (string | null)[][] = []
  const booking = bookingWorker()
  const folder = scratch()
  const till = await counter({
    folder,
    key: await someKey(folder),
    worker(path, body, query) {
      if (path === '/api/terminal/sync') {
        queries.push(['unsentCount', 'unsentSum', 'unsentSince'].map((name) => query.get(name)))
      }
      return booking.answer(path, body)
    },
  })
  const { journal, link, forwarder } = till
  const say = (seq: number, kind: DebitMessage['kind'], sale: string, at: number) => {
    const said: DebitMessage = { v: 1, kind, sale, seq, prev: '', card: 'card', amount: 1500, lines: [], at }
    return journal.append(said, `message ${seq}`)
  }
  await syncOnce(link, journal, forwarder)
  await say(1, 'request', 'one', 1_000)
  await say(2, 'advice', 'one', 1_000)
  await say(3, 'advice', 'two', 2_000)
  await say(4, 'reversal', 'two', 3_000)
  await syncOnce(link, journal, forwarder)
  journal.answer([{ seq: 1, sale: 'one', outcome: 'approved' }], 5_000)
  await syncOnce(link, journal, forwarder)
  await till.stop()
  expect(queries).toEqual([
    ['0', '0', null],
    ['4', '1500', '1000'],
    ['3', '1500', '1000'],
  ])
})

test.each([7, null])(
  'a sync tells the one product that each card buys here, where there is one: %s',
  async (fixedPrice) => {
    const told: (string | null)[] = []
    const booking = bookingWorker()
    const folder = scratch()
    const till = await counter({
      ...{ folder, key: await someKey(folder), fixedPrice },
      worker(path, body, query) {
        told.push(query.get('fixedPrice'))
        return booking.answer(path, body)
      },
    })
    await syncOnce(till.link, till.journal, till.forwarder)
    await till.stop()
    expect(told).toEqual([fixedPrice === null ? null : '7'])
  },
)
