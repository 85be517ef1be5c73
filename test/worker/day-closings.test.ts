import { afterEach, describe, expect, it } from 'vitest'
import { addDays } from '../../shared/copenhagen.ts'
import type { DayClosing, TerminalDay } from '../../shared/office/days.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import type { Staff } from '../../worker/people/staff.ts'
import { closeDay, dayClosings, terminalDay } from '../../worker/sales/day-closings.ts'
import { refundSale } from '../../worker/sales/sale-refunds.ts'
import { db, newWallet, openBook, payIn, say } from './movements.ts'
import { call, emptyDatabases, enrolledTerminal, municipality, newSale, newSite } from './municipality.ts'

const hour = (day: number, at: number) => Date.UTC(2026, 10, day, at - 1)
const MONDAY = '2026-11-16'
const NOW = hour(17, 20)

const astrid: Staff = { id: 1, name: 'Astrid', role: 'admin', sites: null, expiresAt: 9e12 }
const klara: Staff = { id: 1, name: 'Klara', role: 'club', sites: [2], expiresAt: 9e12 }
const juice = [{ product: 1, quantity: 2, price: 500 }]
const toast = [{ product: 2, quantity: 1, price: 1500 }]

afterEach(async () => {
  expect(await checkLedger(db)).toMatchObject({ violations: [] })
})

describe('a day', () => {
  const day = (at: string, staff = astrid) => terminalDay(db, { terminal: '4000-1', day: at }, staff)
  const close = (at: string, nowMs: number, staff = astrid) =>
    closeDay(db, { terminal: '4000-1', day: at }, staff, nowMs)

  it('is closed once, and tells afterwards what has come since', async () => {
    await openBook()
    const asta = await newWallet('Asta Prøvebarn')
    await payIn(asta, 20_000, hour(15, 9))
    const first = (await say('4000-1', 'request', asta, { lines: juice }, hour(16, 13))).sale
    const undone = (await say('4000-1', 'request', asta, { lines: toast }, hour(16, 14))).sale
    await say('4000-1', 'reversal', asta, { lines: toast, sale: undone }, hour(16, 14))
    await say('4000-2', 'request', asta, { lines: toast }, hour(16, 14))
    await db
      .prepare(
        "UPDATE terminal SET unsent_count = 2, unsent_sum = 1500, unsent_since = ?, last_seen_at = ? WHERE id = '4000-1'",
      )
      .bind(hour(16, 15), hour(16, 16))
      .run()
    const closed = (await close(MONDAY, hour(16, 18))) as TerminalDay
    expect(closed).toMatchObject({
      ...{ sales: 1, amount: 1000, undone: 1, offline: 0, refunded: 0, since: { sales: 0, amount: 0 } },
      unsent: { count: 2, sum: 1500, since: hour(16, 15), asOf: hour(16, 16) },
      closing: {
        staff: 'Astrid',
        at: hour(16, 18),
        sales: 1,
        amount: 1000,
        undone: 1,
        unsent: { count: 2, sum: 1500 },
      },
    })
    await say('4000-1', 'advice', asta, { lines: toast, at: hour(16, 15) }, hour(17, 9))
    await refundSale(db, first, { id: newSale(), amount: 400, reason: 'Prøve' }, astrid, hour(17, 10))
    const again = (await close(MONDAY, hour(17, 11))) as TerminalDay
    expect(again).toMatchObject({
      ...{ sales: 2, amount: 2100, undone: 1, offline: 1, refunded: 400, since: { sales: 1, amount: 1100 } },
      closing: closed.closing as DayClosing,
    })
    expect(await day(MONDAY)).toEqual(again)
    const { closings } = await dayClosings(db, { offset: 0 }, astrid)
    expect(closings).toEqual([closed.closing])
    const audited = await db.prepare("SELECT count(*) AS n FROM audit WHERE action = 'day_closed'").first('n')
    expect(audited).toBe(1)
  })

  it('to come is not closed, nor one of a terminal that is elsewhere', async () => {
    expect(await close(addDays(MONDAY, 1), hour(16, 20))).toBe('day_to_come')
    expect(await close(MONDAY, NOW, klara)).toBe('not_found')
    expect(await day(MONDAY, klara)).toBeNull()
    expect((await dayClosings(db, { offset: 0 }, klara)).closings).toEqual([])
    expect(await closeDay(db, { terminal: '4000-99', day: MONDAY }, astrid, NOW)).toBe('not_found')
  })
})

describe('what a till has yet to send', () => {
  it('is told at each sync, and shown with the terminal and its day; an older till says nothing', async () => {
    await emptyDatabases()
    const office = await municipality()
    const till = await enrolledTerminal(office, await newSite(office), 'Disken')
    const path = '/api/terminal/sync'
    const sync = async (query: string) => call('GET', `${path}?since=0${query}`, { token: await till.proof(path) })
    const told = async () => {
      const { terminals } = await office.get<{ terminals: object[] }>('/terminals')
      const { unsent } = await office.get<{ unsent: object | null }>(`/days/show?terminal=${till.id}&day=${MONDAY}`)
      return [terminals[0], unsent]
    }
    const silent = { unsentCount: null, unsentSum: null, unsentSince: null }
    expect(await told()).toMatchObject([silent, null])
    expect((await sync('&unsentCount=3&unsentSum=4500&unsentSince=1700000000000')).status).toBe(200)
    expect(await told()).toMatchObject([
      { unsentCount: 3, unsentSum: 4500, unsentSince: 1_700_000_000_000 },
      { count: 3, sum: 4500, since: 1_700_000_000_000, asOf: expect.any(Number) },
    ])
    await sync('&unsentCount=0&unsentSum=0')
    expect(await told()).toMatchObject([
      { unsentCount: 0, unsentSince: null },
      { count: 0, since: null },
    ])
    await sync('')
    expect(await told()).toMatchObject([silent, null])
    for (const query of ['&unsentCount=3', '&unsentCount=-1&unsentSum=0', '&unsentCount=x&unsentSum=0']) {
      expect((await sync(query)).body.error?.code, query).toBe('malformed')
    }
  })
})
