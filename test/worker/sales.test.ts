import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Sale } from '../../shared/office/sales.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import type { Staff } from '../../worker/people/staff.ts'
import { sale, sales } from '../../worker/sales/sales.ts'
import { db, newWallet, openBook, payIn, say, type Wallet } from './movements.ts'

/* Two days of two clubs, told by the hour: Monday the 16th and Tuesday the 17th of November 2026. */

const hour = (day: number, at: number) => Date.UTC(2026, 10, day, at - 1)
const MONDAY = '2026-11-16'
const NOW = hour(17, 20)

const astrid: Staff = { id: 1, name: 'Astrid', role: 'admin', sites: null, expiresAt: 9e12 }
const klara: Staff = { id: 1, name: 'Klara', role: 'club', sites: [2], expiresAt: 9e12 }
const juice = [{ product: 1, quantity: 2, price: 500 }]
const toast = [{ product: 2, quantity: 1, price: 1500 }]

let ida: Wallet
let emil: Wallet
const ids: Record<string, string> = {}

beforeAll(async () => {
  await openBook()
  ida = await newWallet('Ida Prøvebarn')
  emil = await newWallet('Emil Prøvebarn')
  await payIn(ida, 20_000, hour(15, 9))
  const stranger = { child: 0, account: 0, card: 'unknown', name: '' }
  const told = async (name: string, ...said: Parameters<typeof say>) => {
    ids[name] = (await say(...said)).sale
  }
  await told('juice', '4000-1', 'request', ida, { lines: juice }, hour(16, 13))
  await told('toast', '4000-1', 'request', ida, { lines: toast }, hour(16, 14))
  await say('4000-1', 'reversal', ida, { lines: toast, sale: ids.toast ?? '' }, hour(16, 14) + 30_000)
  await told('canteen', '4000-2', 'request', ida, { lines: toast }, hour(16, 15))
  await told('late', '4000-1', 'advice', ida, { lines: juice, at: hour(16, 17) }, hour(17, 9))
  await told('poor', '4000-1', 'advice', emil, { lines: toast }, hour(17, 13))
  await told('strange', '4000-1', 'advice', stranger, { lines: juice }, hour(17, 14))
  await told('declined', '4000-1', 'request', emil, { lines: juice }, hour(17, 15))
})

afterEach(async () => {
  expect(await checkLedger(db)).toMatchObject({ violations: [] })
})

const DEFAULTS = { limit: 50, offset: 0 }
type Wanted = Partial<Parameters<typeof sales>[1]>
const find = async (wanted: Wanted, staff = astrid) => (await sales(db, { ...DEFAULTS, ...wanted }, staff, NOW)).sales
const named = (found: Sale[]) => found.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id))

describe('a sale', () => {
  it('tells who bought what, where and when, and how it was booked', async () => {
    expect(await sale(db, ids.late ?? '', astrid, NOW)).toEqual({
      ...{ id: ids.late, terminal: '4000-1', site: { id: 1, name: 'Ungdomsklubben' }, day: MONDAY },
      ...{ child: { id: ida.child, name: 'Ida Prøvebarn' }, account: ida.account, card: 1 },
      ...{ soldAt: hour(16, 17), bookedAt: hour(17, 9), amount: 1000, booked: 'offline' },
      lines: [{ product: 1, name: 'Juice', quantity: 2, price: 500 }],
      ...{ flag: null, decision: null, undone: false, refunded: 0, left: 1000, refunds: [] },
    })
    const [poor] = await find({ child: emil.child })
    expect(poor).toMatchObject({ flag: 'insufficient_funds', decision: null, left: 0, booked: 'offline' })
    const [strange] = await find({ amount: 1000, from: '2026-11-17' })
    expect(strange).toMatchObject({ child: null, account: null, flag: 'card_unknown', left: 0 })
    expect(await sale(db, ids.toast ?? '', astrid, NOW)).toMatchObject({ undone: true, left: 0, booked: 'online' })
    expect(await sale(db, ids.declined ?? '', astrid, NOW)).toBeNull()
  })

  it('is found by child, card, terminal, site, day and amount, the newest first', async () => {
    expect(named(await find({}))).toEqual(['strange', 'poor', 'late', 'canteen', 'toast', 'juice'])
    expect(named(await find({ child: ida.child }))).toEqual(['late', 'canteen', 'toast', 'juice'])
    expect(named(await find({ card: 2 }))).toEqual(['poor'])
    expect(named(await find({ child: ida.child, card: 2 }))).toEqual([])
    expect(named(await find({ terminal: '4000-2' }))).toEqual(['canteen'])
    expect(named(await find({ site: 2 }))).toEqual(['canteen'])
    expect(named(await find({ site: 1, from: MONDAY, to: MONDAY }))).toEqual(['late', 'toast', 'juice'])
    expect(named(await find({ amount: 1500, to: MONDAY, from: MONDAY }))).toEqual(['canteen', 'toast'])
    expect(named(await find({ to: '2026-11-15' }))).toEqual([])
    expect(named(await find({ child: 999 }))).toEqual([])
    const page = await sales(db, { limit: 2, offset: 1 }, astrid, NOW)
    expect([named(page.sales), page.more]).toEqual([['poor', 'late'], true])
  })

  it("is there for a club's staff at their own sites only", async () => {
    expect(named(await find({}, klara))).toEqual(['canteen'])
    expect(named(await find({ child: ida.child }, klara))).toEqual(['canteen'])
    expect(await sale(db, ids.juice ?? '', klara, NOW)).toBeNull()
  })

  it('is looked for by an index, whoever asks for what', async () => {
    const prepared: string[] = []
    const watched = new Proxy(db, {
      get: (target, name) => {
        if (name === 'prepare') {
          return (sql: string) => {
            prepared.push(sql)
            return target.prepare(sql)
          }
        }
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const plans: string[] = []
    for (const wanted of [{}, { child: ida.child }, { terminal: '4000-1' }]) {
      prepared.length = 0
      await sales(watched, { ...DEFAULTS, ...wanted }, astrid, NOW)
      const query = prepared.find((sql: string) => sql.includes('AS unborne')) ?? ''
      const parameters = new Set([...query.matchAll(/\?(\d+)/g)].map(([, number]) => Number(number)))
      const bind = Array.from({ length: Math.max(...parameters) }, () => null)
      const plan = await db
        .prepare(`EXPLAIN QUERY PLAN ${query}`)
        .bind(...bind)
        .all<{ detail: string }>()
      plans.push(...plan.results.map(({ detail }) => detail))
    }
    // Of what staff have decided there is little.
    expect(plans.filter((detail) => /^SCAN (?!line|own|json_each|charge)/.test(detail))).toEqual([])
  })

  it('that staff looked at is recorded for its child', async () => {
    const seen = await db.prepare("SELECT DISTINCT child FROM viewing WHERE viewer_kind = 'staff' ORDER BY child").all()
    expect(seen.results).toEqual([{ child: ida.child }, { child: emil.child }])
  })
})
