import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import type { DayClosing, TerminalDay } from '../shared/office/days.ts'
import type { Sale, SaleDetails } from '../shared/office/sales.ts'
import { commandLine, NOWHERE } from './local/command-line.ts'
import { refusal, standInWorker } from './local/stand-in-worker.ts'

const ID = '0198c0de-0000-7000-8000-000000000001'
const AT = Date.UTC(2026, 10, 20, 14, 5)

const sale: Sale = {
  ...{ id: ID, terminal: '4000-7', site: { id: 1, name: 'Klub Nord' }, day: '2026-11-20', soldAt: AT, bookedAt: AT },
  ...{ child: { id: 3, name: 'Freja \u001b[31mPrøvebarn' }, account: 7, card: 9, amount: 2_500, booked: 'online' },
  lines: [
    { product: 1, name: 'Juice', quantity: 2, price: 500 },
    { product: 2, name: 'Toast', quantity: 1, price: 1_500 },
  ],
  ...{ flag: null, decision: null, undone: false, refunded: 1_000, left: 1_500 },
}
const stranger: Sale = {
  ...{
    ...sale,
    id: ID.replace(/1$/, '2'),
    child: null,
    account: null,
    card: null,
    booked: 'offline',
    refunded: 0,
    left: 0,
  },
  ...{ lines: [{ product: null, name: null, quantity: 1, price: 2_500 }], flag: 'card_unknown' },
}
const details: SaleDetails = {
  ...sale,
  refunds: [{ transfer: 'sale_refund:x', amount: 1_000, at: AT, staff: 'Klara', reason: 'Toasten var brændt' }],
}

const figures = { sales: 12, amount: 34_550, undone: 1, offline: 2, refunded: 1_000 }
const place = {
  ...{ terminal: '4000-7', terminalName: 'Disken', site: { id: 1, name: 'Klub Nord' }, day: '2026-11-20' },
}
const closing: DayClosing = { ...place, ...figures, staff: 'Klara', at: AT, unsent: { count: 3, sum: 4_500 } }
const day: TerminalDay = {
  ...{ ...place, ...figures, sales: 14, amount: 39_050, offline: 4 },
  ...{ unsent: { count: 0, sum: 0, since: null, asOf: AT }, closing, since: { sales: 2, amount: 4_500 } },
}

/** A worker that answers these calls; to every other call it says that too much is asked back. */
const office = (answers: Record<string, unknown>) =>
  standInWorker(
    Object.fromEntries(Object.entries(answers).map(([call, body]) => [call, { body }])),
    refusal('refund_too_large', 'that is more than is left of the sale'),
  )

const klubkort = (url: string, ...args: string[]) => commandLine({ folder: tmpdir(), url })(...args)

test('sales are found and listed with what was bought and what has become of them', async () => {
  const path = 'GET /api/staff/sales?site=1&amount=2500&from=2026-11-20&to=2026-11-20'
  const { url } = await office({ [path]: { sales: [sale, stranger], more: true } })
  const found = await klubkort(url, 'sale', 'find', '--site', '1', '--day', '2026-11-20', '--amount', '25')
  expect(found).toMatchObject({ code: 0, err: '' })
  expect(found.out).toMatchInlineSnapshot(`
    "SOLD              TERMINAL  CHILD                  KRONER
    20.11.2026 15.05  4000-7    3 Freja [31mPrøvebarn   25,00
      2 × Juice, 1 × Toast; 10,00 kr refunded
      0198c0de-0000-7000-8000-000000000001
    20.11.2026 15.05  4000-7    unknown card            25,00
      1 × amount without product; offline; unknown card: to be decided
      0198c0de-0000-7000-8000-000000000002

    There are more; to see them: klubkort sale find --site 1 --day 2026-11-20 --amount 25,00 --offset 2
    "
  `)
})

test('days are named once, and a sale by its id', async () => {
  const { url, heard } = await office({})
  const twice = await klubkort(url, 'sale', 'find', '--day', '2026-11-20', '--from', '2026-11-01')
  expect([twice.code, twice.err]).toEqual([2, 'klubkort: --day goes without --from and --to (usage)\n'])
  expect((await klubkort(url, 'sale', 'show', '7')).code).toBe(2)
  expect(heard).toEqual([])
})

test('a sale is shown with its refunds', async () => {
  const { url } = await office({ [`GET /api/staff/sales/${ID}`]: details })
  expect((await klubkort(url, 'sale', 'show', ID)).out).toMatchInlineSnapshot(`
    "Sale 0198c0de-0000-7000-8000-000000000001
    Child 3, Freja [31mPrøvebarn, account 7, card 9
    Klub Nord, terminal 4000-7, sold 20.11.2026 15.05
    25,00 kr: 2 × Juice, 1 × Toast
    Booked online
    Refunded 10,00 kr 20.11.2026 15.05 by Klara: Toasten var brændt
    15,00 kr may be refunded.
    "
  `)
})

test('a refund without an amount gives back what is left, and one with an amount that', async () => {
  const done = { ...details, refunded: 2_500, left: 0 }
  const { url, heard } = await office({
    [`GET /api/staff/sales/${ID}`]: details,
    [`POST /api/staff/sales/${ID}/refund`]: done,
  })
  const whole = await klubkort(url, 'sale', 'refund', ID, '--reason', 'Toasten var brændt')
  expect(whole.out).toBe('15,00 kr refunded to account 7 (Freja [31mPrøvebarn); 0,00 kr are left of the sale.\n')
  const again = ['--id', ID, '--amount', '5', '--reason', 'Der manglede en juice']
  await klubkort(url, 'sale', 'refund', ID, ...again)
  expect(heard.slice(1).map(({ body }) => body)).toMatchObject([
    { amount: 1_500, reason: 'Toasten var brændt' },
    { id: ID, amount: 500, reason: 'Der manglede en juice' },
  ])
})

test('what is refused says why, and an answer that is lost how to repeat it safely', async () => {
  const { url } = await office({ [`GET /api/staff/sales/${ID}`]: { ...details, left: 0 } })
  const refused = await klubkort(url, 'sale', 'refund', ID, '--reason', 'for meget')
  expect([refused.code, refused.err]).toEqual([
    1,
    'klubkort: that is more than is left of the sale (refund_too_large)\n',
  ])
  const lost = await klubkort(NOWHERE, 'sale', 'refund', ID, '--amount', '5', '--reason', 'for meget')
  expect(lost.code).toBe(3)
  expect(lost.err).toContain(`klubkort sale refund ${ID} --amount 5,00 --reason 'for meget' --id `)
})

test('a day is closed, shown and listed', async () => {
  const { url, heard } = await office({
    'POST /api/staff/days/close': day,
    'GET /api/staff/days/show?terminal=4000-7&day=2026-11-20': {
      ...day,
      closing: null,
      since: null,
      unsent: closing.unsent && { ...closing.unsent, since: AT, asOf: AT },
    },
    'GET /api/staff/days?site=1&offset=0': { closings: [closing], more: false },
  })
  const closed = await klubkort(url, 'day', 'close', '--terminal', '4000-7', '--day', '2026-11-20')
  expect(closed.out).toMatchInlineSnapshot(`
    "20.11.2026, terminal 4000-7 Disken, Klub Nord
      Sales                             14
      Kroner                        390,50
      Sold offline                       4
      Undone                             1
      Refunded, kroner               10,00
    Nothing was unsent when the terminal was heard last, 20.11.2026 15.05.
    Closed 20.11.2026 15.05 by Klara: 12 sales, 345,50 kr, 3 messages unsent.
    Since then: +2 sales, +45,00 kr.
    "
  `)
  const shown = await klubkort(url, 'day', 'show', '--terminal', '4000-7', '--day', '2026-11-20')
  expect(shown.out.split('\n').slice(-3)).toMatchInlineSnapshot(`
    [
      "UNSENT: 3 messages, 45,00 kr sold offline, the oldest of 20.11.2026 15.05; heard last 20.11.2026 15.05.",
      "Not closed.",
      "",
    ]
  `)
  expect((await klubkort(url, 'day', 'list', '--site', '1')).out).toMatchInlineSnapshot(`
    "DAY         TERMINAL  SITE       SALES  KRONER  UNDONE  UNSENT  BY
    20.11.2026  4000-7    Klub Nord     12  345,50       1       3  Klara
    "
  `)
  expect(heard[0]).toMatchObject({
    call: 'POST /api/staff/days/close',
    body: { terminal: '4000-7', day: '2026-11-20' },
  })
})
