import { beforeEach, describe, expect, it, vi } from 'vitest'
import { addDays, copenhagenDay, copenhagenMidnight } from '../../shared/copenhagen.ts'
import type { Product, SheetPlan, SheetRow } from '../../shared/office/products.ts'
import type { SyncAnswer } from '../../shared/wire.ts'
import { importSheet } from '../../worker/municipality/product-sheets.ts'
import { products } from '../../worker/municipality/products.ts'
import { clubToken } from './card-desk.ts'
import {
  call,
  cardHolder,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSite,
} from './municipality.ts'

let office: Municipality
let site: number
const TODAY = copenhagenDay(Date.now())
const TOMORROW = addDays(TODAY, 1)
const NEXT_WEEK = addDays(TODAY, 7)

beforeEach(async () => {
  vi.useRealTimers()
  await emptyDatabases()
  office = await municipality()
  site = await newSite(office)
})

const put = (name: string, price: number, more = {}) =>
  office.post<Product>('/products', { site, name, price, category: 'food', ...more })
const priced = (id: number, form: Record<string, unknown>) => office.post<Product>(`/products/${id}/price`, form)
const refused = async (path: string, body: unknown, token = office.token) =>
  (await call('POST', `/api/staff${path}`, { token, body })).body.error?.code

describe('a price from a day on', () => {
  it('is in force from that Copenhagen midnight, and what was told before stays until then', async () => {
    const { id } = await put('Toast', 1500)
    const told = await priced(id, { price: 1800, from: NEXT_WEEK })
    expect(told).toMatchObject({ price: 1500, later: [{ from: NEXT_WEEK, price: 1800 }] })
    expect((await priced(id, { price: 1700, from: TOMORROW })).later).toEqual([
      { from: TOMORROW, price: 1700 },
      { from: NEXT_WEEK, price: 1800 },
    ])
    const at = async (ms: number) => (await products(office.db, {}, ms))[0]
    expect(await at(copenhagenMidnight(TOMORROW) - 1)).toMatchObject({ price: 1500 })
    expect(await at(copenhagenMidnight(TOMORROW))).toMatchObject({
      price: 1700,
      later: [{ from: NEXT_WEEK, price: 1800 }],
    })
    expect(await at(copenhagenMidnight(NEXT_WEEK))).toMatchObject({ price: 1800, later: [] })
  })

  it('that has been told is not told otherwise by mistake, only where it is to be replaced', async () => {
    const { id } = await put('Toast', 1500)
    await priced(id, { price: 1800, from: TOMORROW })
    expect(await refused(`/products/${id}/price`, { price: 1900, from: TOMORROW })).toBe('price_set')
    expect((await priced(id, { price: 1800, from: TOMORROW })).later).toEqual([{ from: TOMORROW, price: 1800 }])
    const replaced = await priced(id, { price: 1900, from: TOMORROW, replace: true })
    expect(replaced.later).toEqual([{ from: TOMORROW, price: 1900 }])
    const deeds = await office.db.prepare("SELECT detail FROM audit WHERE action = 'product_priced' ORDER BY id").all()
    expect(deeds.results.map(({ detail }) => JSON.parse(String(detail)))).toEqual([
      { price: 1800, from: TOMORROW },
      { price: 1900, from: TOMORROW },
    ])
  })

  it('is never of a day that is over, and today’s can be set again and again', async () => {
    const { id } = await put('Toast', 1500)
    expect(await refused(`/products/${id}/price`, { price: 1800, from: addDays(TODAY, -1) })).toBe('malformed')
    expect(await refused(`/products/${id}/price`, { price: 1800, from: '2026-02-30' })).toBe('malformed')
    for (const price of [1600, 1700, 1500]) expect(await priced(id, { price, from: TODAY })).toMatchObject({ price })
    expect(await priced(id, { price: 1600 })).toMatchObject({ price: 1600, later: [] })
  })

  it('comes to the till with the price now, and a sale at yesterday’s price is booked as told', async () => {
    const { id } = await put('Toast', 1500)
    await put('Saft', 700, { category: 'drink' })
    await priced(id, { price: 1800, from: TOMORROW })
    const terminal = await enrolledTerminal(office, site, 'Disken')
    const path = '/api/terminal/sync'
    const { body } = await call('GET', path, { token: await terminal.proof(path) })
    expect((body as SyncAnswer).products).toEqual([
      { id: 2, name: 'Saft', price: 700, category: 'drink' },
      { id, name: 'Toast', price: 1500, category: 'food', later: [{ from: TOMORROW, price: 1800 }] },
    ])
    await priced(id, { price: 2000 })
    const { hash } = await cardHolder(office, { credit: 5000 })
    const lines = [{ product: id, quantity: 1, price: 1500 }]
    const sold = await terminal.send(await terminal.say('request', { card: hash, amount: 1500, lines }))
    expect(sold.body.results).toMatchObject([{ outcome: 'approved', balance: 3500 }])
  })
})

describe('the products of a site, copied to another', () => {
  it('are sold there at the same prices now and later, but for what has a name there', async () => {
    const other = await newSite(office, 'Kantinen')
    const toast = await put('Toast', 1500)
    await put('Saft', 700, { category: 'drink' })
    const retired = await put('Kage', 900)
    await office.post(`/products/${retired.id}/retire`)
    await priced(toast.id, { price: 1600 })
    await priced(toast.id, { price: 1800, from: TOMORROW })
    await put('Saft', 650, { site: other })
    const { copied, skipped } = await office.post<{ copied: Product[]; skipped: string[] }>('/products/copy', {
      from: site,
      to: other,
    })
    expect(skipped).toEqual(['Saft'])
    const later = [{ from: TOMORROW, price: 1800 }]
    expect(copied).toMatchObject([{ site: other, name: 'Toast', price: 1600, category: 'food', later }])
    const again = await office.post('/products/copy', { from: site, to: other })
    expect(again).toEqual({ copied: [], skipped: ['Saft', 'Toast'] })
    expect(await products(office.db, { site: other }, Date.now())).toMatchObject([{ price: 650 }, { price: 1600 }])
    expect(await refused('/products/copy', { from: site, to: 99 })).toBe('site_unknown')
    expect(await refused('/products/copy', { from: site, to: site })).toBe('malformed')
  })
})

const row = (line: number, more: Partial<SheetRow>): SheetRow => ({
  ...{ line, id: null, site: 'Ungdomsklubben', name: 'Toast', category: null, price: 1500, from: null },
  ...more,
})
const planned = (rows: SheetRow[], more = {}) =>
  office.post<SheetPlan>('/products/import', { rows, retireMissing: false, ...more })

describe('a sheet of products', () => {
  it('is planned first, applied whole, and changes nothing the second time', async () => {
    const toast = await put('Toast', 1500)
    await put('Lakrids', 300)
    await put('Kage', 900)
    await priced(toast.id, { price: 1800, from: TOMORROW })
    const rows = [
      row(2, { id: toast.id, price: 1600 }),
      row(3, { id: toast.id, price: 1900, from: TOMORROW }),
      row(4, { name: 'Lakrids', category: 'sweets', price: 300 }),
      row(5, { site: String(site), name: 'Perler', category: 'material', price: 2500 }),
      row(6, { site: String(site), name: 'Perler', price: 3000, from: NEXT_WEEK }),
    ]
    const plan = await planned(rows, { retireMissing: true })
    expect(plan).toMatchObject({
      added: [{ site, name: 'Perler', category: 'material', price: 2500, later: [{ from: NEXT_WEEK, price: 3000 }] }],
      prices: [
        { id: 1, from: null, before: 1500, price: 1600 },
        { id: 1, from: TOMORROW, before: 1800, price: 1900 },
      ],
      categories: [{ id: 2, before: 'food', category: 'sweets' }],
      retired: [{ id: 3, name: 'Kage' }],
      unchanged: 0,
      faults: [],
      applied: false,
    })
    expect((await products(office.db, {}, Date.now())).map(({ name }) => name)).toEqual(['Kage', 'Lakrids', 'Toast'])
    expect(await planned(rows, { retireMissing: true, base: plan.base })).toMatchObject({ applied: true })
    expect(await products(office.db, {}, Date.now())).toMatchObject([
      { name: 'Lakrids', price: 300, category: 'sweets' },
      { name: 'Perler', price: 2500, category: 'material', later: [{ from: NEXT_WEEK, price: 3000 }] },
      { name: 'Toast', price: 1600, later: [{ from: TOMORROW, price: 1900 }] },
    ])
    const again = await planned(rows, { retireMissing: true })
    expect(again).toMatchObject({ added: [], prices: [], categories: [], retired: [], unchanged: 3, faults: [] })
    const deeds = await office.db
      .prepare("SELECT action, subject FROM audit WHERE id > 5 AND action LIKE 'product%'")
      .all()
    expect(deeds.results.map(({ action, subject }) => `${action} ${subject}`)).toEqual(
      expect.arrayContaining([
        'products_imported products',
        'product_added product:4',
        'product_priced product:1',
        'product_categorised product:2',
        'product_retired product:3',
      ]),
    )
  })

  it('with a row that cannot be is told each fault with its line and column, and nothing of it is done', async () => {
    const { id } = await put('Toast', 1500)
    const other = await newSite(office, 'Kantinen')
    const rows = [
      row(2, { site: 'Nirgends' }),
      row(3, { id: 99 }),
      row(4, { id, site: String(other) }),
      row(5, { id, name: 'Brød' }),
      row(6, { from: addDays(TODAY, -1) }),
      row(7, { name: 'Saft', from: TOMORROW }),
      row(8, { name: 'Kakao', category: 'drink' }),
      row(9, { name: 'Kakao', category: 'food', from: TOMORROW }),
      row(10, { name: 'Kakao', category: 'drink' }),
    ]
    const { base, faults } = await planned(rows)
    expect(faults.map(({ line, column, reason }) => `${line} ${column}: ${reason}`)).toEqual([
      '2 site: no such site',
      '3 id: no such product on sale',
      `4 site: product ${id} is sold at another site`,
      `5 name: product ${id} has another name`,
      '6 from: the day is over; leave it empty for a price now',
      '7 from: a new product has a price now: a row without a day',
      '9 category: another line says another category',
      '10 from: line 8 says what it costs then',
    ])
    expect(await planned(rows, { base })).toMatchObject({ applied: false })
    expect(await products(office.db, {}, Date.now())).toMatchObject([{ name: 'Toast', price: 1500 }])
  })

  it('whose plan is out of date is not applied, also where that comes about at the last moment', async () => {
    const { id } = await put('Toast', 1500)
    const rows = [row(2, { id, price: 1600 }), row(3, { name: 'Saft' })]
    const { base } = await planned(rows)
    await priced(id, { price: 1700 })
    expect(await refused('/products/import', { rows, retireMissing: false, base })).toBe('plan_outdated')

    const admin = { id: 1, name: 'Astrid', role: 'admin' as const, sites: null, expiresAt: 9e12 }
    const now = Date.now()
    const plan = await importSheet(office.db, { rows, retireMissing: false }, admin, now)
    if (plan === 'plan_outdated') throw new Error('nothing has changed')
    const batch = office.db.batch.bind(office.db)
    let calls = 0
    const slow = new Proxy(office.db, {
      get(db, name) {
        if (name !== 'batch') return Reflect.get(db, name).bind(db)
        return async (statements: D1PreparedStatement[]) => {
          calls += 1
          if (calls === 2) await priced(id, { price: 1750 })
          return batch(statements)
        }
      },
    })
    expect(await importSheet(slow, { rows, retireMissing: false, base: plan.base }, admin, now)).toBe('plan_outdated')
    expect(await products(office.db, {}, Date.now())).toMatchObject([{ name: 'Toast', price: 1750 }])
  })

  it('of a thousand rows is taken whole, and one of more is refused', async () => {
    const rows = Array.from({ length: 1000 }, (_, index) => row(index + 2, { name: `Vare ${index}` }))
    const { base, added } = await planned(rows)
    expect(added).toHaveLength(1000)
    expect(await planned(rows, { base })).toMatchObject({ applied: true })
    expect(await products(office.db, {}, Date.now())).toHaveLength(1000)
    expect(await refused('/products/import', { rows: [...rows, row(1002, {})], retireMissing: false })).toBe(
      'malformed',
    )
  })
})

describe('a club', () => {
  it('has the products of its own sites, and for it there are no others', async () => {
    const other = await newSite(office, 'Kantinen')
    const own = await put('Toast', 1500)
    const foreign = await put('Suppe', 3000, { site: other })
    const token = await clubToken(office, 'Klub', site)
    const get = async (path: string) => (await call('GET', `/api/staff${path}`, { token })).body
    expect(await get('/sites')).toEqual({ sites: [{ id: site, name: 'Ungdomsklubben' }] })
    expect(await get('/products')).toMatchObject({ products: [{ id: own.id }] })
    expect(await get(`/products?site=${other}`)).toEqual({ products: [] })
    const before = await products(office.db, {}, Date.now())
    for (const [path, body, code] of [
      ['/products', { site: other, name: 'Ny', price: 100 }, 'site_unknown'],
      [`/products/${foreign.id}/price`, { price: 100 }, 'product_unknown'],
      [`/products/${foreign.id}/category`, { category: 'drink' }, 'product_unknown'],
      [`/products/${foreign.id}/retire`, {}, 'product_unknown'],
      ['/products/copy', { from: site, to: other }, 'site_unknown'],
      ['/products/copy', { from: other, to: site }, 'site_unknown'],
    ] as const) {
      expect(await refused(path, body, token), path).toBe(code)
    }
    const rows = [row(2, { site: 'Kantinen', name: 'Suppe' }), row(3, { id: foreign.id, name: 'Suppe' })]
    const body = { rows, retireMissing: true }
    const { faults } = (await call('POST', '/api/staff/products/import', { token, body })).body as unknown as SheetPlan
    expect(faults).toMatchObject([{ reason: 'no such site' }, { reason: 'no such product on sale' }])
    expect(await products(office.db, {}, Date.now())).toEqual(before)

    expect(await refused('/products', { site, name: 'Saft', price: 700 }, token)).toBeUndefined()
    expect(await refused(`/products/${own.id}/price`, { price: 1600, from: TOMORROW }, token)).toBeUndefined()
    expect(await refused(`/products/${own.id}/retire`, {}, token)).toBeUndefined()
    expect(await get('/products')).toMatchObject({ products: [{ name: 'Saft' }] })
  })
})
