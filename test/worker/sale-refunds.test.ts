import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { type Colleague, colleague } from './bank.ts'
import {
  type Answer,
  balanceOf,
  type CardHolder,
  cardHolder,
  type EnrolledTerminal,
  type Municipality,
  newSale,
  oneSite,
} from './municipality.ts'
import { parentOf } from './parent.ts'

let office: Municipality
let site: number
let ida: CardHolder
let till: EnrolledTerminal
let staff: Colleague

beforeEach(async () => {
  ;({ office, site, terminal: till } = await oneSite())
  ida = await cardHolder(office, { credit: 10_000, dailyLimit: 5_000 })
  staff = await colleague(office, 'Frida Prøvefinans')
})

afterEach(async () => {
  expect(await checkLedger(office.db)).toMatchObject({ violations: [] })
})

const STRANGER = 'u'.repeat(43)
const codeOf = ({ status, body }: Answer) => [status, body.error?.code]

const balance = (account: number | string) => balanceOf(office, account)

type Sold = { sale: string; amount: number; card: string; seq: number }
let seq = 0
beforeEach(() => {
  seq = 0
})

async function say(kind: 'request' | 'advice' | 'reversal', { sale, amount, card }: Omit<Sold, 'seq'>) {
  const { status, body } = await till.send(await till.say(kind, { sale, card, amount }))
  expect(status).toBe(200)
  seq += 1
  return (body.results as { outcome: string; balance?: number }[])[0]
}

async function sold(amount: number, kind: 'request' | 'advice' = 'request', card = ida.hash): Promise<Sold> {
  const sale = newSale()
  await say(kind, { sale, amount, card })
  return { sale, amount, card, seq }
}

const refund = (sale: string, amount: number, { id = newSale(), reason = 'Toasten var brændt', by = staff } = {}) =>
  by.post(`/sales/${sale}/refund`, { id, amount, reason })

describe('a refund', () => {
  it('goes from the site to the account, with its reason on the statement and in the audit log', async () => {
    const { sale } = await sold(2_500)
    expect(await refund(sale, 1_000)).toMatchObject({
      status: 200,
      body: {
        amount: 2_500,
        refunded: 1_000,
        left: 1_500,
        refunds: [{ amount: 1_000, staff: 'Frida Prøvefinans', reason: 'Toasten var brændt' }],
      },
    })
    expect([await balance(ida.account), await balance('revenue')]).toEqual([8_500, 1_500])
    const parent = await parentOf(office, '0101575001', [ida.child])
    const { text } = await parent.get(`/konto/${ida.account}/kontoudtog`)
    expect(text).toContain('Refusion af køb')
    expect(text).toContain('Toasten var brændt')
    expect(
      await office.db.prepare("SELECT subject, staff FROM audit WHERE action = 'sale_refunded'").all(),
    ).toMatchObject({ results: [{ subject: `sale:${sale}`, staff: staff.id }] })
  })

  it('never comes to more than the sale, however often and in how many parts', async () => {
    const { sale } = await sold(2_500)
    expect(codeOf(await refund(sale, 2_501))).toEqual([409, 'refund_too_large'])
    expect((await refund(sale, 2_000)).status).toBe(200)
    expect(codeOf(await refund(sale, 501))).toEqual([409, 'refund_too_large'])
    expect((await refund(sale, 500)).body).toMatchObject({ left: 0 })
    expect(codeOf(await refund(sale, 1))).toEqual([409, 'refund_too_large'])
    expect(await balance(ida.account)).toBe(10_000)
  })

  it('asked for by many at once gives back what there is', async () => {
    const { sale } = await sold(2_500)
    const answers = await Promise.all(Array.from({ length: 8 }, () => refund(sale, 1_000)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2)
    expect(await balance(ida.account)).toBe(9_500)
  })

  it('is made once per id, and says so where the id has moved something else', async () => {
    const { sale } = await sold(2_500)
    const id = newSale()
    const first = await refund(sale, 1_000, { id })
    expect(await refund(sale, 1_000, { id })).toEqual(first)
    expect(codeOf(await refund(sale, 900, { id }))).toEqual([409, 'transfer_conflict'])
    expect(codeOf(await refund(sale, 1_000, { id, reason: 'Noget andet' }))).toEqual([409, 'transfer_conflict'])
    expect(codeOf(await refund((await sold(1_000)).sale, 1_000, { id }))).toEqual([409, 'transfer_conflict'])
    expect(codeOf(await refund(newSale(), 1_000, { id }))).toEqual([404, 'sale_unknown'])
    expect(await balance(ida.account)).toBe(10_000 - 2_500 - 1_000 + 1_000)
  })

  it("gives the day's spending back, as an undone sale does", async () => {
    const { sale } = await sold(5_000)
    expect(await say('request', { sale: newSale(), amount: 1_000, card: ida.hash })).toMatchObject({
      outcome: 'declined',
    })
    await refund(sale, 2_000)
    expect(await say('request', { sale: newSale(), amount: 2_000, card: ida.hash })).toMatchObject({
      outcome: 'approved',
    })
    expect(await say('request', { sale: newSale(), amount: 100, card: ida.hash })).toMatchObject({
      outcome: 'declined',
    })
  })

  it('pays back what an account owes by a shortfall before anybody can have it paid out', async () => {
    const { sale } = await sold(2_500)
    const parent = await parentOf(office, '0101575001', [ida.child])
    await office.db.batch([
      office.db
        .prepare(
          `INSERT INTO payment (id, purpose, account, guardian, amount, mail, status, intent, method, created_at)
           VALUES ('p', 'deposit', ?, ?, 2000, '', 'mismatch', 'pi_p', 'card', 0)`,
        )
        .bind(ida.account, parent.guardian),
      office.db.prepare(
        "INSERT INTO refund (id, payment, amount, status, created_at) VALUES ('re_1', 'p', 600, 'succeeded', 0)",
      ),
      office.db.prepare(
        `INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day)
         SELECT 'refund:re_1:short', 'refund', suspense.id, psp.id, 600, 0, '2026-01-01'
         FROM account AS suspense JOIN account AS psp WHERE suspense.kind = 'suspense' AND psp.kind = 'psp_clearing'`,
      ),
      ...['suspense', 'psp_clearing'].map((kind) =>
        office.db
          .prepare(
            `INSERT INTO posting (account, seq, transfer, amount, balance, day, spent)
             SELECT account.id, 1 + coalesce(max(seq), 0), 'refund:re_1:short', ?2,
               coalesce((SELECT balance FROM posting AS n WHERE n.account = account.id ORDER BY seq DESC LIMIT 1), 0) + ?2,
               '2026-01-01', 0
             FROM account LEFT JOIN posting ON posting.account = account.id WHERE kind = ?1 GROUP BY account.id`,
          )
          .bind(kind, kind === 'suspense' ? -600 : 600),
      ),
    ])
    await refund(sale, 1_000)
    expect(await balance(ida.account)).toBe(10_000 - 2_500 + 1_000 - 600)
  })
})

describe('a sale that is undone at its till', () => {
  it('cannot be refunded afterwards', async () => {
    const one = await sold(2_500)
    await say('reversal', one)
    expect(codeOf(await refund(one.sale, 500))).toEqual([409, 'sale_undone'])
  })

  it('after a refund gives back the rest only', async () => {
    const one = await sold(2_500)
    await refund(one.sale, 1_000)
    expect(await say('reversal', one)).toMatchObject({ outcome: 'reversed', balance: 10_000 })
    expect([await balance(ida.account), await balance('revenue')]).toEqual([10_000, 0])
    expect(codeOf(await refund(one.sale, 100))).toEqual([409, 'sale_undone'])
  })

  it('after a refund of all of it gives back nothing more', async () => {
    const one = await sold(2_500)
    await refund(one.sale, 2_500)
    expect(await say('reversal', one)).toMatchObject({ outcome: 'reversed', balance: 10_000 })
    expect([await balance(ida.account), await balance('revenue')]).toEqual([10_000, 0])
    expect(await office.get(`/sales/${one.sale}`)).toMatchObject({ undone: true, left: 0 })
  })
})

describe('a flagged sale', () => {
  const settle = ({ seq: number }: Sold, body: object) =>
    staff.post(`/reviews/${till.id}:${number}/settle`, { note: 'Aftalt med klubben', ...body })

  it('is refunded once staff have decided that the account bears it', async () => {
    const one = await sold(12_000, 'advice') // It leaves −20 kr.
    expect(codeOf(await refund(one.sale, 500))).toEqual([409, 'sale_undecided'])
    await settle(one, { decision: 'keep' })
    expect((await refund(one.sale, 2_500)).status).toBe(200)
    expect(await balance(ida.account)).toBe(500)
  })

  it('that the club carries is refunded to nobody', async () => {
    const one = await sold(12_000, 'advice')
    await settle(one, { decision: 'carry' })
    expect(codeOf(await refund(one.sale, 500))).toEqual([409, 'sale_carried'])
    expect(await office.get(`/sales/${one.sale}`)).toMatchObject({ decision: 'carry', left: 0 })
  })

  it('of an unknown card is refunded to whom it was charged, and undone without giving it back twice', async () => {
    const one = await sold(2_000, 'advice', STRANGER)
    await settle(one, { decision: 'charge', account: ida.account })
    expect((await refund(one.sale, 500)).body).toMatchObject({ account: ida.account, left: 1_500 })
    expect(await balance(ida.account)).toBe(8_500)
    await say('reversal', one)
    expect([await balance(ida.account), await balance('revenue')]).toEqual([10_000, 0])
  })
})

describe('a sale elsewhere', () => {
  it("is not there for a club's staff, whose own they may refund", async () => {
    const club = await colleague(office, 'Klara Prøveklub', 'club')
    const { sale } = await sold(2_500)
    expect(codeOf(await refund(sale, 500, { by: club }))).toEqual([404, 'sale_unknown'])
    expect(codeOf(await club.get(`/sales/${sale}`))).toEqual([404, 'sale_unknown'])
    await office.db.prepare('INSERT INTO staff_site (staff, site) VALUES (?, ?)').bind(club.id, site).run()
    expect((await refund(sale, 500, { by: club })).status).toBe(200)
  })
})

it('a refund comes off reports and off what the spending charts show', async () => {
  const sale = newSale()
  const juice = await office.post<{ id: number }>('/products', { site, name: 'Juice', price: 500, category: 'drink' })
  const lines = [
    { product: juice.id, quantity: 1, price: 500 },
    { product: null, quantity: 1, price: 1_000 },
  ]
  await till.send(await till.say('request', { sale, card: ida.hash, amount: 1_500, lines }))
  await refund(sale, 1_000)
  const day = new Date(Date.now()).toISOString().slice(0, 10)
  const from = `${day.slice(0, 4)}-01-01`
  const report = await office.get<{ sites: object[] }>(`/reports?from=${from}&to=${day.slice(0, 4)}-12-31`)
  expect(report.sites).toMatchObject([{ sold: 1, undone: 0, refunded: 1_000, amount: 500 }])
  expect(await office.get('/reports/volume')).toMatchObject({ amount: 500 })
  const { statement } = await import('../../worker/statements/statements.ts')
  const period = { from, to: `${day.slice(0, 4)}-12-31` }
  const all = { kind: null, before: null, order: 'newest', limit: 10 } as const
  const { spending } = await statement(office.db, ida.account, period, all, [])
  expect(spending.map(({ category, amount }) => [category, amount])).toEqual([
    ['drink', 166],
    ['other', 334],
  ])
})

it('a sale that two messages of one number have told of, one of them put aside, is one sale', async () => {
  const sale = newSale()
  await till.send(await till.say('request', { sale, card: ida.hash, amount: 1_000 }))
  await office.post(`/terminals/${till.id}/revoke`)
  await till.send(await till.say('advice', { sale, card: ida.hash, amount: 1_000 }))
  await office.post(`/reviews/quarantine:${till.id}/settle`, { decision: 'book', note: 'Prøve' })
  const { sales } = await office.get<{ sales: { booked: string }[] }>('/sales')
  expect(sales).toMatchObject([{ id: sale, booked: 'online', amount: 1_000 }])
  const day = await office.get(`/days/show?terminal=${till.id}&day=${copenhagenDay(Date.now())}`)
  expect(day).toMatchObject({ sales: 1, amount: 1_000 })
  const today = copenhagenDay(Date.now())
  const report = await office.get<{ products: object[] }>(`/reports?from=${today}&to=${today}`)
  expect(report.products).toMatchObject([{ sold: 1, amount: 1_000 }])
  const { latestQuery } = await import('../../worker/statements/statements.ts')
  expect((await latestQuery(office.db, ida.account, 9).all()).results).toHaveLength(2)
  const undone = await till.send(await till.say('reversal', { sale, card: ida.hash, amount: 1_000 }))
  expect(undone.status).toBe(200)
  await office.post(`/sales/${sale}/refund`, { id: newSale(), amount: 400, reason: 'Prøve' })
  await office.post(`/reviews/quarantine:${till.id}/settle`, { decision: 'book', note: 'Prøve' })
  expect(await office.get(`/accounts/${ida.account}`)).toMatchObject({ balance: 10_000 })
})
