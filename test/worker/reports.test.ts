import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { addDays, copenhagenDay, copenhagenMidnight } from '../../shared/copenhagen.ts'
import { ore } from '../../shared/money.ts'
import type { Report } from '../../shared/office/reports.ts'
import { liabilities } from '../../worker/ledger/liabilities.ts'
import { type AccountOf, type Movement, post } from '../../worker/ledger/transfers.ts'
import { report, volume } from '../../worker/statements/reports.ts'
import { db, newWallet, openBook, payIn, say, type TillName, UNKNOWN_PRODUCT, type Wallet } from './movements.ts'
import { newSale } from './municipality.ts'

const HOUR = 3_600_000
/** A Friday noon in Copenhagen, in winter time. */
const NOON = Date.UTC(2026, 10, 20, 11)
const TODAY = '2026-11-20'
const CLERK = { staff: 1 }

beforeEach(openBook)

async function reported(from: string, to = from, site: number | null = null): Promise<Report> {
  const made = await report(db, { from, to, site }, CLERK, NOON)
  if (made === 'site_unknown') throw new Error('no such site')
  return made
}

async function move(kind: Movement['kind'], from: AccountOf, to: AccountOf, amount: number, nowMs: number) {
  const movement = {
    id: `${kind}:${newSale()}`,
    kind,
    debitAccount: from,
    creditAccount: to,
    staff: null,
    reason: null,
  }
  await db.batch(post(db, { ...movement, amount: ore(amount) }, nowMs))
}

const toast = { product: 2, quantity: 2, price: 1500 }
const juice = { product: 1, quantity: 1, price: 500 }
const keyed = { product: null, quantity: 1, price: 1234 }

describe('a report', () => {
  it('counts what each product brought in at each site, with amounts keyed in, and takes undone sales off', async () => {
    const ida = await newWallet()
    await payIn(ida, 50_000, NOON)
    await say('4000-1', 'request', ida, { lines: [toast, juice] }, NOON)
    await say('4000-1', 'request', ida, { lines: [keyed] }, NOON)
    await say('4000-2', 'request', ida, { lines: [{ product: UNKNOWN_PRODUCT, quantity: 3, price: 100 }] }, NOON)
    const { sale } = await say('4000-1', 'request', ida, { lines: [toast] }, NOON)
    await say('4000-1', 'reversal', ida, { sale, lines: [toast] }, NOON + HOUR)
    const made = await reported(TODAY)
    expect(made.products).toEqual([
      { site: 1, product: 2, name: 'Toast', sold: 4, undone: 2, amount: 3000 },
      { site: 1, product: null, name: null, sold: 1, undone: 0, amount: 1234 },
      { site: 1, product: 1, name: 'Juice', sold: 1, undone: 0, amount: 500 },
      { site: 2, product: UNKNOWN_PRODUCT, name: null, sold: 3, undone: 0, amount: 300 },
    ])
    expect(made.sites).toEqual([
      { id: 2, name: 'Kantinen', sold: 1, undone: 0, refunded: 0, amount: 300 },
      { id: 1, name: 'Ungdomsklubben', sold: 3, undone: 1, refunded: 0, amount: 4734 },
    ])
  })

  it('of a site has only what is the site’s, and a site that is not there is refused', async () => {
    const ida = await newWallet()
    await payIn(ida, 50_000, NOON)
    await say('4000-1', 'request', ida, { lines: [toast] }, NOON)
    await say('4000-2', 'request', ida, { lines: [juice] }, NOON)
    await say('4000-1', 'request', ida, { lines: [{ product: 4, quantity: 99, price: 4500 }] }, NOON)
    const canteen = await reported(TODAY, TODAY, 2)
    expect(canteen.site).toEqual({ id: 2, name: 'Kantinen' })
    expect(canteen.sites.map(({ id }) => id)).toEqual([2])
    expect(canteen.products.map(({ site, product }) => [site, product])).toEqual([[2, 1]])
    expect(canteen.movements).toEqual([{ kind: 'purchase', from: 'wallet', to: 'revenue', count: 1, amount: 500 }])
    expect(canteen.declined).toEqual([])
    expect((await reported(TODAY, TODAY, 1)).declined).toEqual([{ reason: 'insufficient_funds', count: 1 }])
    expect(await report(db, { from: TODAY, to: TODAY, site: 3 }, CLERK, NOON)).toBe('site_unknown')
  })

  it('goes by Copenhagen days, and does not change when a sale is undone on a later day', async () => {
    const ida = await newWallet()
    const midnight = copenhagenMidnight('2026-11-21')
    await payIn(ida, 50_000, NOON)
    const { sale } = await say('4000-1', 'request', ida, { lines: [toast] }, midnight - 1)
    await say('4000-1', 'request', ida, { lines: [juice] }, midnight)
    await say('4000-1', 'request', ida, { lines: [{ product: 4, quantity: 99, price: 4500 }] }, midnight)
    const before = await reported(TODAY)
    expect(before.products).toMatchObject([{ product: 2, sold: 2, amount: 3000 }])
    expect(before.declined).toEqual([])
    await say('4000-1', 'reversal', ida, { sale, lines: [toast] }, midnight + HOUR)
    expect(await reported(TODAY)).toEqual(before)
    const after = await reported('2026-11-21')
    expect(after.products).toMatchObject([
      { product: 1, amount: 500 },
      { product: 2, sold: 0, undone: 2, amount: -3000 },
    ])
    expect(after.declined).toEqual([{ reason: 'insufficient_funds', count: 1 }])
  })

  it('flags what was sold without an answer and should be looked into, and records who looked', async () => {
    const ida = await newWallet()
    const emil = await newWallet('Emil Prøvebarn')
    const stranger = { ...emil, card: 'nobody' }
    await payIn(emil, 10_000, NOON)
    await db.prepare("UPDATE card SET status = 'blocked' WHERE hash = ?").bind(emil.card).run()
    await say('4000-1', 'advice', ida, { lines: [toast], at: NOON - 26 * HOUR }, NOON)
    await say('4000-1', 'advice', emil, { lines: [juice] }, NOON + 1)
    await say('4000-2', 'advice', stranger, { lines: [keyed] }, NOON + 2)
    const { flags } = await reported(TODAY)
    expect(flags.reasons).toEqual([
      { reason: 'card_blocked', count: 1, amount: 500 },
      { reason: 'card_unknown', count: 1, amount: 1234 },
      { reason: 'insufficient_funds', count: 1, amount: 3000 },
    ])
    expect(flags.late).toEqual({ count: 1, amount: 3000 })
    expect(flags.sales.map(({ terminal, account, amount, reason }) => [terminal, account, amount, reason])).toEqual([
      ['4000-2', null, 1234, 'card_unknown'],
      ['4000-1', emil.account, 500, 'card_blocked'],
      ['4000-1', ida.account, 3000, 'insufficient_funds'],
    ])
    const viewings = await db.prepare("SELECT child FROM viewing WHERE viewer_kind = 'staff' ORDER BY child").all()
    expect(viewings.results).toEqual([{ child: ida.child }, { child: emil.child }])
    expect((await reported(TODAY, TODAY, 2)).flags).toMatchObject({
      reasons: [{ reason: 'card_unknown' }],
      late: { count: 0 },
      sales: [{ terminal: '4000-2' }],
    })
  })
})

// ── Any history ─────────────────────────────────────────────────────────────

const sold = fc.record({
  do: fc.constant('sale' as const),
  till: fc.constantFrom<TillName>('4000-1', '4000-2'),
  kind: fc.constantFrom('request' as const, 'request' as const, 'advice' as const),
  wallet: fc.nat({ max: 1 }),
  lines: fc.array(
    fc.record({
      product: fc.constantFrom(1, 2, 3, UNKNOWN_PRODUCT, null),
      quantity: fc.integer({ min: 1, max: 3 }),
      price: fc.constantFrom(300, 500, 1500),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  hoursAgo: fc.constantFrom(0, 0, 5, 30),
  undoAfter: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 3 }),
})
const KINDS = [
  ...(['deposit', 'top_up'] as const).map((kind) => [kind, 'psp_clearing', 0] as const),
  ...(['card_fee', 'payout'] as const).map(
    (kind) => [kind, 0, kind === 'payout' ? 'payouts_payable' : 'card_fee_revenue'] as const,
  ),
  ...(['refund', 'dispute'] as const).map((kind) => [kind, 0, 'psp_clearing'] as const),
  ['card_fee', 'psp_clearing', 'card_fee_revenue'] as const,
  ['payout_paid', 'payouts_payable', 'bank'] as const,
  ['psp_fee', 'psp_fees', 'psp_clearing'] as const,
  ['settlement', 'bank', 'psp_clearing'] as const,
  ['correction', 'suspense', 0] as const,
]
const moved = fc.record({
  do: fc.constant('move' as const),
  which: fc.nat({ max: KINDS.length - 1 }),
  wallet: fc.nat({ max: 1 }),
  amount: fc.integer({ min: 1, max: 20_000 }),
})
const history = fc.array(fc.record({ hours: fc.integer({ min: 0, max: 20 }), what: fc.oneof(sold, moved) }), {
  minLength: 10,
  maxLength: 30,
  size: 'max',
})

/** Two days before summer time ends in Copenhagen. */
const START = Date.UTC(2026, 9, 23, 10)

async function play(steps: typeof history extends fc.Arbitrary<infer H> ? H : never, wallets: readonly Wallet[]) {
  let now = START
  for (const { hours, what } of steps) {
    now += hours * HOUR
    const wallet = wallets[what.wallet] as Wallet
    if (what.do === 'sale') {
      const said = { lines: what.lines, at: now - what.hoursAgo * HOUR }
      const { sale } = await say(what.till, what.kind, wallet, said, now)
      if (what.undoAfter === null) continue
      now += what.undoAfter * HOUR
      await say(what.till, 'reversal', wallet, { sale, lines: what.lines }, now)
    } else {
      const [kind, from, to] = KINDS[what.which] as (typeof KINDS)[number]
      await move(kind, from === 0 ? wallet.account : from, to === 0 ? wallet.account : to, what.amount, now)
    }
  }
  return copenhagenDay(now)
}

/** What the accounts of each kind moved by in a period, from the postings alone. */
async function postings(from: string, to: string): Promise<Record<string, number>> {
  const rows = await db
    .prepare(
      'SELECT account.kind, account.site, posting.day, posting.amount FROM posting JOIN account ON account.id = posting.account',
    )
    .all<{ kind: string; site: number | null; day: string; amount: number }>()
  const sums: Record<string, number> = {}
  for (const { kind, site, day, amount } of rows.results) {
    if (day < from || day > to) continue
    for (const key of [kind, ...(site === null ? [] : [`site ${site}`])]) sums[key] = (sums[key] ?? 0) + amount
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0))
}

/** The same from a report. */
function sumsOf({ movements, sites, products }: Report): Record<string, number> {
  const sums: Record<string, number> = {}
  const add = (key: string, amount: number) => {
    sums[key] = (sums[key] ?? 0) + amount
  }
  for (const { from, to, amount } of movements) {
    add(from, -amount)
    add(to, amount)
  }
  for (const { id, amount } of sites) add(`site ${id}`, amount)
  const bySite = new Map<number, number>()
  for (const { site, amount } of products) bySite.set(site, (bySite.get(site) ?? 0) + amount)
  for (const { id, amount } of sites) expect(bySite.get(id) ?? 0).toBe(amount)
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0))
}

it('of any history, the sums of a report are those of the ledger’s postings, day by day and in all', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      await openBook()
      const wallets = [await newWallet(), await newWallet('Emil Prøvebarn')]
      for (const wallet of wallets) await payIn(wallet, 8_000, START)
      const last = await play(steps, wallets)
      const first = copenhagenDay(START)
      const whole = await reported(first, last)
      expect(sumsOf(whole)).toEqual(await postings(first, last))
      const middle = addDays(first, 3)
      expect(sumsOf(await reported(first, middle))).toEqual(await postings(first, middle))
      const site = await reported(first, last, 1)
      expect(site.sites[0]?.amount).toBe(whole.sites.find(({ id }) => id === 1)?.amount)
      const { difference, owed, claims, held, own } = await liabilities(db)
      expect(difference).toBe(0)
      const all = await postings('0000-00-00', '9999-99-99')
      expect(owed.wallets - claims.wallets).toBe(all.wallet ?? 0)
      expect(held).toMatchObject({ bank: 0 - (all.bank ?? 0), stripe: 0 - (all.psp_clearing ?? 0) })
      expect(own.total).toBe((all.revenue ?? 0) + (all.card_fee_revenue ?? 0) + (all.psp_fees ?? 0))
      expect(owed.suspense - claims.suspense).toBe(all.suspense ?? 0)
    }),
    { numRuns: 12 },
  )
})

describe('liabilities', () => {
  it('are covered by what the bank and Stripe hold, and by nothing that is not settled', async () => {
    const [ida, emil] = [await newWallet(), await newWallet('Emil Prøvebarn')]
    await move('deposit', 'psp_clearing', ida.account, 20_000, NOON)
    await move('psp_fee', 'psp_fees', 'psp_clearing', 300, NOON)
    await move('settlement', 'bank', 'psp_clearing', 15_000, NOON)
    await say('4000-1', 'request', ida, { lines: [toast] }, NOON)
    await say('4000-1', 'advice', emil, { lines: [juice] }, NOON)
    const sound = await liabilities(db)
    expect(sound).toEqual({
      owed: { wallets: 17_000, payouts: 0, suspense: 0, total: 17_000 },
      claims: { wallets: 500, suspense: 0, total: 500 },
      held: { bank: 15_000, stripe: 4_700, total: 19_700 },
      own: { sales: 3_500, cardFees: 0, stripeFees: -300, total: 3_200 },
      difference: 0,
      covered: true,
      missing: 0,
      wallets: { count: 2, largest: 17_000, below: 1 },
    })
    await payIn(ida, 3_000, NOON, 'Kontant')
    expect(await liabilities(db)).toMatchObject({
      owed: { total: 20_000 },
      claims: { suspense: 3_000 },
      difference: 0,
      covered: false,
      missing: 300,
    })
  })
})

describe('volume', () => {
  it('is what was paid from accounts in the last 365 days, less what was undone', async () => {
    const ida = await newWallet()
    const year = 365 * 24 * HOUR
    await payIn(ida, 90_000_000, NOON - 2 * year)
    const lines = [{ product: 2, quantity: 1, price: 1500 }]
    await say('4000-1', 'request', ida, { lines }, NOON - year)
    await say('4000-1', 'request', ida, { lines }, NOON - year + 24 * HOUR)
    const { sale } = await say('4000-1', 'request', ida, { lines }, NOON)
    await say('4000-1', 'reversal', ida, { sale, lines }, NOON)
    await say('4000-2', 'request', ida, { lines: [juice] }, NOON)
    await move('card_fee', ida.account, 'card_fee_revenue', 4500, NOON)
    await move('card_fee', 'psp_clearing', 'card_fee_revenue', 4500, NOON)
    expect(await volume(db, NOON)).toEqual({
      from: '2025-11-21',
      to: TODAY,
      months: [
        { month: '2025-11', amount: 1500 },
        { month: '2026-11', amount: 5000 },
      ],
      amount: 6500,
      limit: 746_000_000,
      percent: 0,
      reached: false,
    })
    for (let count = 0; count < 8; count += 1) {
      await move('deposit', 'psp_clearing', ida.account, 99_000_000, NOON)
      await say('4000-1', 'request', ida, { lines: [{ product: 4, quantity: 99, price: 1_000_000 }] }, NOON)
    }
    expect(await volume(db, NOON)).toMatchObject({ percent: 106, reached: true })
  })
})

it('knows the midnights of Copenhagen, in summer, in winter and when the clocks change', () => {
  for (const day of ['2026-01-01', '2026-03-29', '2026-03-30', '2026-07-01', '2026-10-25', '2026-10-26']) {
    const midnight = copenhagenMidnight(day)
    expect([copenhagenDay(midnight), copenhagenDay(midnight - 1)]).toEqual([day, addDays(day, -1)])
  }
})
