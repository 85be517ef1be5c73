import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { addDays, copenhagenDay, copenhagenMidnight } from '../shared/copenhagen.ts'
import { cardHash } from '../shared/signing.ts'
import type { SyncAnswer, SyncProduct } from '../shared/wire.ts'
import { pricedOn } from '../terminal/prices.ts'
import { bookingWorker, CARD_KEY, messageIn, synced, type Worker } from './counter.ts'
import { ownTill } from './own-till.ts'

/* What a till sells to whom: the prices of the day, and no product of a category that is closed for the card. */

const { open } = ownTill()
type Opened = Awaited<ReturnType<typeof open>>

const UID = '04010203'
const hashOf = () => cardHash(CARD_KEY, Uint8Array.from(Buffer.from(UID, 'hex')))

/** What the display says when these products, or an amount of 7 kr, have been chosen and the card is laid on. */
async function buys({ till, tap, view }: Opened, ...chosen: (number | 'amount')[]) {
  await till.press({ kind: 'dismiss' })
  await till.press({ kind: 'clear' })
  for (const choice of chosen) {
    const presses = [{ kind: 'keypad' }, { kind: 'digit', digit: 7 }, { kind: 'ok' }] as const
    if (choice === 'amount') for (const press of presses) await till.press(press)
    else await till.press({ kind: 'product', index: choice })
  }
  await tap(UID)
  const answer = view()
  return answer?.kind === 'answer' ? `${answer.headline} | ${answer.detail}` : answer?.kind
}

describe('a price from tomorrow', () => {
  const tomorrow = addDays(copenhagenDay(Date.now()), 1)
  const untilMidnight = copenhagenMidnight(tomorrow) - Date.now()
  const products: SyncProduct[] = [
    { id: 1, name: 'Toast', price: 1500, category: 'food', later: [{ from: tomorrow, price: 1800 }] },
    { id: 2, name: 'Saft', price: 700, category: 'drink' },
  ]

  /** A machine whose time can be let pass. */
  function machine() {
    const self = { ahead: 0, epoch: () => Date.now(), monotonic: () => performance.now() + self.ahead }
    return self
  }
  const priceShown = ({ view }: Opened) => {
    const shown = view()
    return shown?.kind === 'sale' ? shown.products[0]?.price : shown?.kind
  }
  const quick = (ms: number, signal: AbortSignal) => setTimeout(Math.min(ms, 100), undefined, { signal })

  test('is taken and shown from midnight on by a till that is offline, and not before', async () => {
    const cards = [{ hash: await hashOf(), status: 'active' as const }]
    const worker = bookingWorker({ cards, products })
    const time = machine()
    const opened = await open(worker.answer, { machine: time, sleep: quick })
    worker.reachable = false
    time.ahead = untilMidnight - 60_000
    expect(await buys(opened, 0)).toMatch(/^Godkendt 15,00 kr/)
    await opened.till.press({ kind: 'dismiss' }) // Nobody touches it any more.
    expect(priceShown(opened)).toBe('15,00 kr')
    time.ahead = untilMidnight + 1_000
    await expect.poll(() => priceShown(opened), { timeout: 5_000 }).toBe('18,00 kr')
    expect(await buys(opened, 0, 0, 1)).toMatch(/^Godkendt 43,00 kr/)
  })

  test('is taken by what each card buys without a button too', async () => {
    const worker = bookingWorker({ products, cards: [{ hash: await hashOf(), status: 'active' }] })
    const time = machine()
    const opened = await open(worker.answer, { machine: time, fixedPrice: 1 })
    worker.reachable = false
    time.ahead = untilMidnight + 1_000
    await opened.tap(UID)
    const advice = opened.journal.unanswered(10).map(({ jws }) => messageIn(jws).amount)
    expect(advice).toEqual([1800, 1800])
  })

  test('is not forgotten by a till that begins without a clock, once it has sold at it', async () => {
    const worker = bookingWorker({ products, cards: [{ hash: await hashOf(), status: 'active' }] })
    const time = machine()
    const opened = await open(worker.answer, { machine: time })
    worker.reachable = false
    time.ahead = untilMidnight + 1_000
    await buys(opened, 0)
    await opened.stop()
    const again = await open(worker.answer, { machine: { epoch: () => 0, monotonic: () => performance.now() } })
    expect(await buys(again, 0)).toMatch(/^Godkendt 18,00 kr/)
  })

  test('is not taken on the word of a machine whose clock nobody has set', async () => {
    const worker = bookingWorker({ products, cards: [{ hash: await hashOf(), status: 'active' }] })
    const opened = await open(worker.answer)
    await opened.stop()
    worker.reachable = false
    const ahead = { epoch: () => Date.now() + untilMidnight + 1_000, monotonic: () => performance.now() }
    const again = await open(worker.answer, { machine: ahead })
    expect(priceShown(again)).toBe('15,00 kr')
    expect(await buys(again, 0)).toMatch(/^Godkendt 15,00 kr/)
  })

  test('is what the newest of the days told says, in their order', () => {
    const later = [
      { from: '2026-12-01', price: 1800 },
      { from: '2027-01-01', price: 1900 },
    ]
    const site = { ...NO_SITE, products: [{ id: 1, name: 'Toast', price: 1500, later }] }
    const priceOn = (day: string) => pricedOn(site, copenhagenMidnight(day)).products[0]?.price
    const days = ['2026-11-30', '2026-12-01', '2026-12-31', '2027-01-01', '2030-01-01']
    expect(days.map(priceOn)).toEqual([1500, 1800, 1800, 1900, 1900])
  })
})

const { terminal, version, limits } = synced()
const NO_SITE = {
  ...{ terminal: terminal.name, name: terminal.site, products: [], limits, tokenTypes: [] },
  ...{ language: 'da' as const, version, syncedAt: 0 },
}

describe('a category that is closed', () => {
  const products: SyncProduct[] = [
    { id: 1, name: 'Toast', price: 1500, category: 'food' },
    { id: 2, name: 'Lakrids', price: 300, category: 'sweets' },
    { id: 3, name: 'Af en ældre kasse', price: 400 },
  ]
  const NO = 'Ikke gennemført | Lukket af forældrene: Lakrids'

  /** A worker that declines whatever is bought, and says this of it. */
  function declining(said: Record<string, unknown>, more: Partial<SyncAnswer> = {}): Worker {
    const worker = bookingWorker({ products, ...more })
    return (path, body, query) => {
      if (path !== '/api/terminal/messages') return worker.answer(path, body, query)
      const results = (body as { messages: string[] }).messages.map((jws) => {
        const { sale, seq } = messageIn(jws)
        return { sale, seq, outcome: 'declined', balance: 5000, ...said }
      })
      return { json: { results, time: Date.now() } }
    }
  }

  test('is said where the worker declines it, by the names of what is closed', async () => {
    const opened = await open(declining({ reason: 'category_closed', closed: [2] }))
    expect(await buys(opened, 0, 1, 1, 'amount')).toBe(NO)
    expect(opened.journal.entry(1)).toMatchObject({ outcome: 'declined', reason: 'category_closed' })
  })

  test.each([
    ['and the products are not named by an older worker, by the names that the card list says', undefined, NO],
    ['and what it names is not understood, by the names that the card list says', 'sweets', NO],
    ['and nothing here says which, in general words', [9], 'Ikke gennemført | Varegruppen er lukket af forældrene.'],
  ])('is said where the worker declines it %s', async (_, closed, says) => {
    const cards = [{ hash: await hashOf(), status: 'active' as const, closed: ['sweets'] }]
    const opened = await open(declining({ reason: 'category_closed', closed }, { cards }))
    expect(await buys(opened, 0, 1)).toBe(says)
  })

  test('is told of several things by name, and of many how many more; in English too', async () => {
    const name = (id: number) => (id === 2 ? 'Hjemmelavet karamel med lakrids' : `Bolsje ${id}`)
    const sweets = Array.from({ length: 6 }, (_, at) => ({
      id: at + 1,
      name: name(at + 1),
      price: 100,
      category: 'sweets',
    }))
    const cards = [{ hash: await hashOf(), status: 'active' as const, closed: ['sweets'] }]
    const worker = bookingWorker({ products: sweets, cards, language: 'en' })
    const opened = await open(worker.answer)
    worker.reachable = false
    expect(await buys(opened, 0, 1)).toBe('Not completed | Closed by the parents: Bolsje 1, Hjemmelavet karam...')
    expect(await buys(opened, 0, 1, 2, 3, 4, 5)).toBe(
      'Not completed | Closed by the parents: Bolsje 1, Hjemmelavet karam..., Bolsje 3, Bolsje 4 + 2 more',
    )
  })

  test('and any other reason that only a newer worker knows is a decline as well, and holds nothing up', async () => {
    const opened = await open(declining({ reason: 'full_moon' }))
    expect(await buys(opened, 0)).toBe('Ikke gennemført | Spørg personalet.')
    expect(opened.journal.entry(1)).toMatchObject({ kind: 'request', outcome: 'declined', reason: null })
    expect(opened.journal.queue()).toMatchObject({ count: 0, sum: 0 })
    expect(opened.forwarder.connection()).toEqual({ kind: 'online' })
    expect(opened.approvals()).toEqual([])
  })

  test('is refused by a till that is offline, with whatever else is bought, also after a restart', async () => {
    const cards = [{ hash: await hashOf(), status: 'active' as const, closed: ['sweets', 'tobacco'] }]
    const worker = bookingWorker({ products, cards })
    const first = await open(worker.answer)
    worker.reachable = false
    expect(await buys(first, 1)).toBe(NO)
    expect(await buys(first, 0, 1, 'amount')).toBe(NO)
    expect(first.journal.unanswered(10).map(({ kind }) => kind)).toEqual(['request', 'reversal', 'request', 'reversal'])
    expect(await buys(first, 0, 'amount')).toMatch(/^Godkendt 22,00 kr/)
    expect(await buys(first, 2)).toMatch(/^Godkendt 4,00 kr/)
    await first.stop()
    const again = await open(worker.answer)
    expect(await buys(again, 1)).toBe(NO)
  })

  test('can be bought again once the list says so, and is closed for no other card', async () => {
    const [hash, sibling] = [await hashOf(), await cardHash(CARD_KEY, Uint8Array.from(Buffer.from('04a0b0c0', 'hex')))]
    const cards = [
      { hash, status: 'active' as const, closed: ['sweets'] },
      { hash: sibling, status: 'active' as const },
    ]
    const worker = bookingWorker({ products, cards })
    const opened = await open(worker.answer)
    worker.reachable = false
    await opened.till.press({ kind: 'product', index: 1 })
    await opened.tap('04a0b0c0')
    expect(opened.approvals()).toHaveLength(1)
    opened.journal.synced(synced({ products, cards: [{ hash, status: 'active' }] }))
    expect(await buys(opened, 1)).toMatch(/^Godkendt 3,00 kr/)
  })
})
