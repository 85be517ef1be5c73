import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addDays, mondayOf } from '../../shared/copenhagen.ts'
import type { SaleLine } from '../../shared/debit.ts'
import { barsByCategory, barsOverTime } from '../../worker/portal/spending-chart.tsx'
import {
  type Excerpt,
  latestQuery,
  type Period,
  type StatementRow,
  statement,
  statementLine,
} from '../../worker/statements/statements.ts'
import { speaker } from '../../worker/texts/language.ts'
import { dayOf } from './ledger-model.ts'
import { db, newWallet, openBook, PRODUCTS, payIn, SITES, say, type TillName, UNKNOWN_PRODUCT } from './movements.ts'

const HOUR_MS = 3_600_000
const ALL: Excerpt = { kind: null, before: null, order: 'oldest', limit: 10_000 }
const EVER: Period = { from: '2000-01-01', to: '2099-12-31' }
const danish = speaker('da')

const line = (product: SaleLine['product'], quantity = 1, price = 500): SaleLine => ({ product, quantity, price })

// ── Random histories against a model ────────────────────────────────────────

const saleLine = fc.record({
  product: fc.constantFrom(1, 2, 3, 4, UNKNOWN_PRODUCT, null),
  quantity: fc.integer({ min: 1, max: 3 }),
  price: fc.constantFrom(300, 500, 1500),
})
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pay in' as const), amount: fc.constantFrom(2000, 9900) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('correct' as const), amount: fc.constantFrom(100, 1250) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('request' as const, 'request' as const, 'advice' as const, 'both' as const),
      till: fc.constantFrom<TillName[]>('4000-1', '4000-2'),
      lines: fc.array(saleLine, { minLength: 1, maxLength: 3 }),
      soldHoursAgo: fc.constantFrom(0, 1, 1, 1, 30, 200, 719, 721, -5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('undo' as const), sale: fc.nat({ max: 9 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 200 }) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const history = fc.record({
  start: fc.constantFrom(Date.UTC(2026, 2, 28, 19, 30), Date.UTC(2026, 9, 24, 21, 30), Date.UTC(2026, 11, 28, 12)),
  steps: fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }),
  from: fc.integer({ min: -3, max: 20 }),
  days: fc.integer({ min: 0, max: 40 }),
  kind: fc.constantFrom(null, null, 'purchase' as const, 'deposit' as const, 'reversal' as const),
})

type ModelLine = {
  seq: number
  kind: 'deposit' | 'purchase' | 'reversal' | 'correction'
  amount: number
  balance: number
  booked: string
  at: number
  soldAt: number | null
  site: string | null
  lines: SaleLine[]
  reason: string | null
  sale: string | null
}

const totalOf = (lines: readonly SaleLine[]) => lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0)
const productOf = (id: number | null) => Object.entries(PRODUCTS).find(([known]) => Number(known) === id)?.[1]

/** Plays a history to the ledger, and keeps the book itself. */
async function play(
  start: number,
  steps: Step[],
): Promise<{ account: number; book: ModelLine[]; undone: Set<string> }> {
  const wallet = await newWallet()
  const book: ModelLine[] = []
  const undone = new Set<string>()
  let now = start
  const enter = (moved: Omit<ModelLine, 'seq' | 'balance' | 'booked' | 'at' | 'soldAt'>, sold = now) => {
    const balance = (book.at(-1)?.balance ?? 0) + moved.amount
    const late = dayOf(sold) !== dayOf(now)
    const times = { booked: dayOf(now), at: late ? now : sold, soldAt: late ? sold : null }
    book.push({ ...moved, ...times, seq: book.length + 1, balance })
  }
  const nothing = { site: null, lines: [], reason: null, sale: null }
  for (const one of steps) {
    now += 60_000
    if (one.do === 'wait') now += one.hours * HOUR_MS
    else if (one.do === 'pay in') {
      await payIn(wallet, one.amount, now)
      enter({ ...nothing, kind: 'deposit', amount: one.amount })
    } else if (one.do === 'correct') {
      await payIn(wallet, one.amount, now, '=1+1')
      enter({ ...nothing, kind: 'correction', amount: one.amount, reason: '=1+1' })
    } else if (one.do === 'undo') {
      const paid = book.filter(({ kind, sale }) => kind === 'purchase' && !undone.has(sale ?? ''))
      const sold = paid[one.sale % Math.max(1, paid.length)]
      if (!sold?.sale) continue
      const till = sold.site === SITES['4000-1'] ? '4000-1' : '4000-2'
      await say(till, 'reversal', wallet, { sale: sold.sale, lines: sold.lines }, now)
      undone.add(sold.sale)
      enter({ ...nothing, kind: 'reversal', amount: -sold.amount, site: sold.site, lines: sold.lines, sale: sold.sale })
    } else {
      const { till, lines } = one
      const amount = -totalOf(lines)
      const covered = (book.at(-1)?.balance ?? 0) + amount >= 0
      const soldAt = now - one.soldHoursAgo * HOUR_MS
      let sale: string | undefined
      if (one.do !== 'advice') {
        sale = (await say(till, 'request', wallet, { lines }, now)).sale
        if (covered) enter({ ...nothing, kind: 'purchase', amount, site: SITES[till], lines, sale })
        now += 1000
      }
      if (one.do === 'request') continue
      const advised = await say(till, 'advice', wallet, { ...(sale && { sale }), lines, at: soldAt }, now)
      if (one.do === 'both' && covered) continue // Booked by the request; the advice says it again.
      const believed = soldAt < now && soldAt > now - 30 * 24 * HOUR_MS
      const sold = { ...nothing, kind: 'purchase', amount, site: SITES[till], lines, sale: advised.sale } as const
      enter(sold, believed ? soldAt : now)
    }
  }
  return { account: wallet.account, book, undone }
}

const itemsOf = (lines: readonly SaleLine[]) =>
  lines.map(({ product, quantity, price }) => {
    const known = productOf(product)
    return { product, name: known?.name ?? null, category: known?.category ?? 'other', quantity, price }
  })

function added<K>(entries: Iterable<readonly [K, number]>): Map<K, number> {
  const sums = new Map<K, number>()
  for (const [key, amount] of entries) sums.set(key, (sums.get(key) ?? 0) + amount)
  return sums
}

/** The Monday before a day, found by walking back. */
function mondayBefore(day: string): string {
  const date = new Date(`${day}T12:00:00Z`)
  while (date.getUTCDay() !== 1) date.setUTCDate(date.getUTCDate() - 1)
  return date.toISOString().slice(0, 10)
}

describe('against a model', () => {
  beforeAll(openBook)

  it('a statement of any period holds what the book says', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ start, steps, from, days, kind }) => {
        const { account, book, undone } = await play(start, steps)
        const period = { from: addDays(dayOf(start), from), to: addDays(dayOf(start), from + days) }
        const found = await statement(db, account, period, { ...ALL, kind }, [])
        const inside = book.filter(({ booked }) => booked >= period.from && booked <= period.to)

        expect(found.opening).toBe(book.filter(({ booked }) => booked < period.from).at(-1)?.balance ?? 0)
        expect(found.closing).toBe(book.filter(({ booked }) => booked <= period.to).at(-1)?.balance ?? 0)
        expect(found.lines.map(({ transfer, day, ...shown }) => shown)).toEqual(
          inside
            .filter((one) => kind === null || one.kind === kind)
            .map(({ booked, sale, lines, ...one }) => ({ ...one, items: itemsOf(lines) })),
        )
        for (const shown of found.lines) {
          expect(shown.day).toBe(dayOf(shown.at))
          expect(shown.day >= period.from && shown.day <= period.to).toBe(true)
        }
        expect(found.lines.map(({ day }) => day)).toEqual(found.lines.map(({ day }) => day).toSorted())

        const net = (one: 'in' | 'out') => added(found.totals.map((total) => [total.kind, total[one]] as const))
        const moved = (sign: 1 | -1) => added(inside.map((one) => [one.kind, Math.max(0, one.amount * sign)] as const))
        expect(net('in')).toEqual(moved(1))
        expect(net('out')).toEqual(moved(-1))
        expect(added(found.totals.map((total) => [total.kind, total.count] as const))).toEqual(
          added(inside.map((one) => [one.kind, 1] as const)),
        )

        const bought = inside.filter(({ kind: of, sale }) => of === 'purchase' && !undone.has(sale ?? ''))
        const weeks = added(bought.map((one) => [mondayBefore(dayOf(one.soldAt ?? one.at)), -one.amount] as const))
        expect(added(found.spending.map((one) => [mondayOf(one.day), one.amount] as const))).toEqual(weeks)
        const { bars } = barsOverTime(found.spending, period, 'da', danish)
        expect(bars.map(({ amount }) => amount).filter((amount) => amount > 0)).toEqual(
          [...weeks.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, amount]) => amount),
        )
        const categories = added(
          bought.flatMap((one) =>
            one.lines.map((sold) => [productOf(sold.product)?.category ?? 'other', totalOf([sold])] as const),
          ),
        )
        expect(added(found.spending.map((one) => [one.category as string, one.amount] as const))).toEqual(categories)
        expect(barsByCategory(found.spending, danish).map(({ amount }) => amount)).toEqual(
          [...categories.values()].sort((one, other) => other - one),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('the sides of a long period make up the whole of it, newest first', async () => {
    const wallet = await newWallet()
    const start = Date.UTC(2026, 4, 1, 10)
    for (let index = 0; index < 23; index += 1) await payIn(wallet, 100 + index, start + index * HOUR_MS)
    const sides: number[][] = []
    let before: number | null = null
    for (let more = true; more; ) {
      const found = await statement(db, wallet.account, EVER, { kind: null, before, order: 'newest', limit: 10 }, [])
      sides.push(found.lines.map(({ seq }) => seq))
      before = found.lines.at(-1)?.seq ?? 0
      more = found.more
    }
    expect(sides.map(({ length }) => length)).toEqual([10, 10, 3])
    expect(sides.flat()).toEqual(Array.from({ length: 23 }, (_, index) => 23 - index))
  })

  it('the newest movements are the end of the statement', async () => {
    const wallet = await newWallet()
    const now = Date.UTC(2026, 4, 1, 10)
    await payIn(wallet, 10_000, now)
    await say('4000-2', 'request', wallet, { lines: [line(1), line(UNKNOWN_PRODUCT)] }, now + 1)
    const { results } = await latestQuery(db, wallet.account, 5).all<StatementRow>()
    const { lines } = await statement(db, wallet.account, EVER, { ...ALL, order: 'newest' }, [])
    expect(results.map(statementLine)).toEqual(lines)
    expect(lines[0]).toMatchObject({ kind: 'purchase', amount: -1000, balance: 9000, site: 'Kantinen' })
    expect(lines[0]?.items.map(({ name, product }) => [product, name])).toEqual([
      [1, 'Juice'],
      [UNKNOWN_PRODUCT, null],
    ])
  })
})

describe('at the borders of days', () => {
  beforeEach(openBook)

  it.each([
    ['in summer', '2026-07-15', Date.UTC(2026, 6, 14, 22)],
    ['in winter', '2026-12-15', Date.UTC(2026, 11, 14, 23)],
    ['when summer time begins', '2026-03-29', Date.UTC(2026, 2, 28, 23)],
    ['after it has begun', '2026-03-30', Date.UTC(2026, 2, 29, 22)],
    ['when it ends', '2026-10-25', Date.UTC(2026, 9, 24, 22)],
    ['after it has ended', '2026-10-26', Date.UTC(2026, 9, 25, 23)],
  ])('a day begins at midnight in Copenhagen, %s', async (_, day, midnight) => {
    const wallet = await newWallet()
    await payIn(wallet, 100, midnight - 1)
    await payIn(wallet, 20, midnight)
    const found = await statement(db, wallet.account, { from: day, to: day }, ALL, [])
    expect(found).toMatchObject({ opening: 100, closing: 120, totals: [{ in: 20 }], lines: [{ day, amount: 20 }] })
    const before = await statement(db, wallet.account, { from: addDays(day, -1), to: addDays(day, -1) }, ALL, [])
    expect(before).toMatchObject({ opening: 0, closing: 100, lines: [{ day: addDays(day, -1), amount: 100 }] })
  })

  it('a sale that was delivered on a later day stands on the day of its booking, and says when it was made', async () => {
    const wallet = await newWallet()
    const sold = Date.UTC(2026, 10, 15, 18, 5) // A Sunday; it is delivered on the Tuesday.
    const delivered = Date.UTC(2026, 10, 17, 8)
    await payIn(wallet, 5000, sold + HOUR_MS)
    await say('4000-1', 'advice', wallet, { lines: [line(2, 1, 1500)], at: sold }, delivered)
    const found = await statement(db, wallet.account, { from: '2026-11-16', to: '2026-11-17' }, ALL, [])
    expect(found).toMatchObject({ opening: 5000, closing: 3500 })
    expect(found.lines).toMatchObject([
      { at: delivered, day: '2026-11-17', soldAt: sold, amount: -1500, balance: 3500 },
    ])
    const ofTheSale = await statement(db, wallet.account, { from: '2026-11-15', to: '2026-11-15' }, ALL, [])
    expect(ofTheSale.lines).toMatchObject([{ kind: 'deposit', day: '2026-11-15', soldAt: null }])
    const weeks = barsOverTime(found.spending, { from: '2026-11-16', to: '2026-11-17' }, 'da', danish)
    expect(weeks).toEqual({
      unit: 'week',
      bars: [
        { label: 'Uge 46, 2026', short: '46', amount: 1500 },
        { label: 'Uge 47, 2026', short: '47', amount: 0 },
      ],
    })
  })

  it('a sale that was delivered late on its own day shows when it was made', async () => {
    const wallet = await newWallet()
    const sold = Date.UTC(2026, 10, 17, 8)
    await payIn(wallet, 5000, sold - HOUR_MS)
    await say('4000-1', 'advice', wallet, { lines: [line(1)], at: sold }, sold + 3 * HOUR_MS)
    const found = await statement(db, wallet.account, EVER, { ...ALL, kind: 'purchase' }, [])
    expect(found.lines).toMatchObject([{ at: sold, day: '2026-11-17', soldAt: null }])
  })

  it('the time of a till whose clock was not believed is not shown', async () => {
    const wallet = await newWallet()
    const delivered = Date.UTC(2026, 10, 17, 8)
    await payIn(wallet, 5000, delivered - HOUR_MS)
    for (const days of [31, -1]) {
      const at = delivered - days * 24 * HOUR_MS
      await say('4000-1', 'advice', wallet, { lines: [line(1)], at }, delivered)
    }
    const found = await statement(db, wallet.account, EVER, { ...ALL, kind: 'purchase' }, [])
    const shown = { at: delivered, day: '2026-11-17', soldAt: null }
    expect(found.lines).toMatchObject([shown, shown])
  })

  it('the spending of more than a year of weeks is drawn in months', () => {
    const bought = [{ day: '2026-11-15', category: 'drink', amount: 500 } as const]
    const over = (from: string) => barsOverTime(bought, { from, to: '2026-11-17' }, 'en', (both) => both.en)
    expect(over('2025-11-17')).toMatchObject({ unit: 'week', bars: { length: 53 } })
    expect(over('2025-11-16')).toMatchObject({ unit: 'month', bars: { length: 13 } })
  })

  it('a sale that the worker was asked for shows when it was booked, whatever a later advice says', async () => {
    const wallet = await newWallet()
    const asked = Date.UTC(2026, 10, 15, 18, 5)
    await payIn(wallet, 5000, asked - HOUR_MS)
    const { sale } = await say('4000-1', 'request', wallet, { lines: [line(1)] }, asked)
    await say('4000-1', 'advice', wallet, { sale, lines: [line(1)], at: asked - 120_000 }, asked + 2000)
    const found = await statement(db, wallet.account, EVER, { ...ALL, kind: 'purchase' }, [])
    expect(found.lines).toMatchObject([{ at: asked, amount: -500, balance: 4500 }])
    expect(found.spending).toEqual([{ day: '2026-11-15', category: 'drink', amount: 500 }])
  })

  it('a sale that was undone later is in the lines and not in the picture', async () => {
    const wallet = await newWallet()
    const now = Date.UTC(2026, 10, 2, 12)
    await payIn(wallet, 5000, now)
    const { sale } = await say('4000-1', 'request', wallet, { lines: [line(1)] }, now + 1)
    await say('4000-1', 'request', wallet, { lines: [line(3, 2, 300)] }, now + 2)
    await say('4000-1', 'reversal', wallet, { sale, lines: [line(1)] }, now + 20 * 24 * HOUR_MS)
    const found = await statement(db, wallet.account, { from: '2026-11-02', to: '2026-11-02' }, ALL, [])
    expect(found.lines.map(({ amount }) => amount)).toEqual([5000, -500, -600])
    expect(found.spending).toEqual([{ day: '2026-11-02', category: 'sweets', amount: 600 }])
  })

  it('what is read and what goes with it is one transaction', async () => {
    const wallet = await newWallet()
    const wrong = db.prepare("INSERT INTO child (id, name, created_at) VALUES (1, 'twice', 0)")
    await expect(statement(db, wallet.account, EVER, ALL, [wrong])).rejects.toThrow('UNIQUE')
  })
})
