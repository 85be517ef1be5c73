import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ore } from '../../shared/money.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { beginCardChange, beginSetup, completeSetup } from '../../worker/agreement-setup.ts'
import { keepAgreements } from '../../worker/agreement-upkeep.ts'
import { cancelAgreement, draftAgreement, resumeAgreement } from '../../worker/agreements.ts'
import { balanceOf, post } from '../../worker/ledger.ts'
import { checkLedger } from '../../worker/ledger-check.ts'
import { settleTopUp, topUp } from '../../worker/top-ups.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSite,
  pay,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'
import { addressOf, type Desk, PATIENT_DOOR, topUpDesk } from './top-up-desk.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** The middle of a day in Copenhagen. */
const START_MS = Date.UTC(2026, 10, 20, 11, 0)

const LOST = '4000000000009987'
const DECLINING = '4000000000000002'
const AUTHENTICATING = '4000002760003184'
const GOOD = '4242424242424242'

let office: Municipality
let db: D1Database
let ida: CardHolder
let asta: Parent
let desk: Desk
let now: number

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  db = office.db
  ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 10_000 })
  asta = await parentOf(office, '0101575001', [ida.child])
  now = START_MS
  desk = topUpDesk(db, () => now)
})
afterEach(async () => {
  expect((await checkLedger(db)).violations).toEqual([])
  vi.restoreAllMocks()
})

const wanted = (id: string) =>
  ({ id, guardian: asta.guardian, language: 'da', consent: 'Ja', origin: 'http://4000.localhost' }) as const

/** An agreement of Asta's that is in force; `expires` is its card's. */
async function agreed({ amount = 10_000, expires = '12/49' } = {}): Promise<string> {
  const id = uuidv7(now, crypto.getRandomValues(new Uint8Array(16)))
  const draft = { id, account: ida.account, guardian: asta.guardian, amount, mail: 'asta@example.dk', terms: 'da-1' }
  expect(await draftAgreement(db, draft, now)).toBe('drafted')
  addressOf(await beginSetup(db, desk.account, wanted(id), now))
  await desk.giveCard(id, { expires })
  expect(await agreement(id)).toMatchObject({ status: 'active' })
  return id
}

const agreement = (id: string) => db.prepare('SELECT * FROM agreement WHERE id = ?').bind(id).first()
const payments = async () =>
  (await db.prepare("SELECT * FROM payment WHERE purpose = 'top_up' ORDER BY created_at, id").all()).results
const paused = async () =>
  (await db.prepare("SELECT recipient, data FROM outbox WHERE kind = 'top_up_paused'").all<{ data: string }>()).results

/** Money out of the child's account without a till, so that nothing follows before the test says so. */
async function spend(amount: number): Promise<void> {
  const money = { debitAccount: ida.account, creditAccount: 'suspense', amount: ore(amount) } as const
  const why = { id: `correction:${crypto.randomUUID()}`, kind: 'correction', staff: null, reason: null } as const
  await db.batch(post(db, { ...money, ...why }, now))
}

const minute = async () => {
  await keepAgreements(db, desk.account, now)
  return topUp(db, desk.account, 'all', now)
}

describe('a charge', () => {
  it('follows the sale that crosses the threshold, within its request, and the till waits for nothing', async () => {
    await agreed()
    const till = await enrolledTerminal(office, await newSite(office), 'Kassen')
    const sell = async (amount: number) =>
      call('POST', '/api/terminal/messages', {
        body: { messages: [await till.say('request', { card: ida.hash, amount })] },
        door: PATIENT_DOOR,
      })
    expect((await sell(5_000)).body.results).toMatchObject([{ outcome: 'approved', balance: 5_000 }])
    expect(await payments()).toEqual([])
    expect((await sell(1)).body.results).toMatchObject([{ outcome: 'approved', balance: 4_999 }])
    expect(await payments()).toMatchObject([{ status: 'paid', amount: 10_000 }])
    expect(await balanceOf(db, ida.account)).toBe(14_999)
    expect(desk.charges('succeeded')).toHaveLength(1)
    const told = await db.prepare("SELECT recipient FROM outbox WHERE kind = 'topped_up'").all()
    expect(told.results).toEqual([{ recipient: 'asta@example.dk' }])
  })

  it('is one, though 50 sales of five terminals cross the threshold at once', async () => {
    await pay(office, ida.account, 10_000)
    await agreed({ amount: 20_000 })
    const site = await newSite(office)
    const tills = await Promise.all([1, 2, 3, 4, 5].map((number) => enrolledTerminal(office, site, `Kasse ${number}`)))
    const answers = await Promise.all(
      tills.map(async (till) => {
        const statuses: number[] = []
        for (let sale = 0; sale < 10; sale++) {
          const message = await till.say('request', { card: ida.hash, amount: 390 })
          const body = { messages: [message] }
          statuses.push((await call('POST', '/api/terminal/messages', { body, door: PATIENT_DOOR })).status)
        }
        return statuses
      }),
    )
    expect(answers.flat()).toEqual(Array.from({ length: 50 }, () => 200))
    expect(desk.charges('succeeded')).toHaveLength(1)
    expect(await payments()).toMatchObject([{ status: 'paid' }])
    expect(await balanceOf(db, ida.account)).toBe(20_000 - 50 * 390 + 20_000)
  }, 60_000)

  it('is one, though fifty runs want it at once, and Stripe is slow', async () => {
    await agreed()
    await spend(5_001)
    desk.stripe.fail('slow', { on: /POST \/v1\/payment_intents/ })
    await Promise.all(
      Array.from({ length: 50 }, (_, run) => topUp(db, desk.account, run % 2 ? 'all' : [ida.account], now)),
    )
    expect(desk.charges('succeeded')).toHaveLength(1)
    expect(await balanceOf(db, ida.account)).toBe(14_999)
  }, 60_000)

  it('comes at most twice a day, by the Copenhagen calendar', async () => {
    await agreed()
    for (const _ of [1, 2, 3]) {
      await spend((await balanceOf(db, ida.account)) - 100)
      await minute()
    }
    expect(await payments()).toHaveLength(2)
    now = Date.UTC(2026, 10, 20, 22, 59)
    await minute()
    expect(await payments()).toHaveLength(2)
    now = Date.UTC(2026, 10, 20, 23, 0)
    await minute()
    expect(await payments()).toHaveLength(3)
  })

  it('is not made for a balance at the threshold, nor without the right to it', async () => {
    await agreed()
    await spend(5_000)
    expect(await minute()).toEqual({ charged: 0, failed: 0, unanswered: 0 })
    await spend(1)
    await db.prepare('UPDATE guardianship SET ended_at = 1').run()
    expect(await topUp(db, desk.account, 'all', now)).toEqual({ charged: 0, failed: 0, unanswered: 0 })
    await db.prepare('UPDATE guardianship SET ended_at = NULL').run()
    await db.prepare('UPDATE child SET left_at = 1').run()
    expect(await topUp(db, desk.account, [ida.account], now)).toEqual({ charged: 0, failed: 0, unanswered: 0 })
    expect(await payments()).toEqual([])
    await db.prepare('UPDATE child SET left_at = NULL').run()
    expect(await topUp(db, desk.account, [ida.account], now)).toMatchObject({ charged: 1 })
  })

  it('that is under way when its agreement is cancelled is not called back, and is the last', async () => {
    const id = await agreed({ amount: 5_000 })
    await spend(9_000)
    desk.stripe.fail('slow', { on: /POST \/v1\/payment_intents/, times: 1 })
    const charging = topUp(db, desk.account, [ida.account], now)
    await vi.waitFor(async () => expect(await payments()).toHaveLength(1))
    await cancelAgreement(db, { id, guardian: asta.guardian }, now)
    await keepAgreements(db, desk.account, now)
    expect(await charging).toMatchObject({ charged: 1 })
    expect(await balanceOf(db, ida.account)).toBe(6_000)
    await spend(3_000)
    await minute()
    expect(await payments()).toHaveLength(1)
    expect(await agreement(id)).toMatchObject({ status: 'cancelled', failures: 0 })
  })
})

describe('a charge that does not go', () => {
  it('is tried again after an hour and a day, then paused with one letter, and resumed by the guardian', async () => {
    const id = await agreed()
    await desk.turnInto(id, DECLINING)
    await spend(6_000)
    await topUp(db, desk.account, [ida.account], now)
    expect(await agreement(id)).toMatchObject({ status: 'active', failures: 1, retry_at: START_MS + HOUR_MS })
    now += HOUR_MS - 1
    await minute()
    expect(await payments()).toHaveLength(1)
    now += 1
    await minute()
    expect(await agreement(id)).toMatchObject({ status: 'active', failures: 2, retry_at: now + DAY_MS })
    expect(await paused()).toEqual([])
    now += DAY_MS
    await minute()
    expect(await agreement(id)).toMatchObject({ status: 'paused', paused_for: 'declined', failures: 3, retry_at: null })
    now += 30 * DAY_MS
    for (const _ of [1, 2]) await minute()
    expect(await payments()).toHaveLength(3)
    const [letter, ...more] = await paused()
    expect(letter).toMatchObject({ recipient: 'asta@example.dk' })
    expect(JSON.parse(letter?.data ?? '')).toMatchObject({ account: ida.account, child: 'Ida', reason: 'declined' })
    expect(more).toEqual([])

    await desk.turnInto(id, GOOD)
    expect(await resumeAgreement(db, { id, guardian: asta.guardian }, now)).toBe('resumed')
    expect(await topUp(db, desk.account, [ida.account], now)).toMatchObject({ charged: 1 })
    expect(await agreement(id)).toMatchObject({ status: 'active', failures: 0, retry_at: null })
    expect(await balanceOf(db, ida.account)).toBe(14_000)
  })

  it('begins to count anew after one that went', async () => {
    const id = await agreed()
    await desk.turnInto(id, DECLINING)
    await spend(6_000)
    await minute()
    await desk.turnInto(id, GOOD)
    now += HOUR_MS
    expect(await minute()).toMatchObject({ charged: 1 })
    expect(await agreement(id)).toMatchObject({ failures: 0, retry_at: null })
  })

  for (const [what, number, reason] of [
    ['wants the payer', AUTHENTICATING, 'authentication_required'],
    ['is of a lost card', LOST, 'card_unusable'],
  ] as const) {
    it(`because it ${what} pauses at once, and another card mends it`, async () => {
      const id = await agreed()
      await desk.turnInto(id, number)
      await spend(6_000)
      expect(await topUp(db, desk.account, [ida.account], now)).toMatchObject({ failed: 1 })
      expect(await agreement(id)).toMatchObject({ status: 'paused', paused_for: reason })
      expect((await paused()).map(({ data }) => JSON.parse(data).reason)).toEqual([reason])
      expect(await resumeAgreement(db, { id, guardian: asta.guardian }, now)).toBe('card_needed')
      addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
      await desk.giveCard(id)
      expect(await agreement(id)).toMatchObject({ status: 'active', paused_for: null })
      expect(await topUp(db, desk.account, [ida.account], now)).toMatchObject({ charged: 1 })
    })
  }

  it('because the card is past its month pauses without asking Stripe', async () => {
    const id = await agreed({ expires: '12/26' })
    now = Date.UTC(2026, 11, 31, 22, 59)
    await spend(6_000)
    const before = desk.stripe.calls.length
    now = Date.UTC(2026, 11, 31, 23, 0)
    for (const _ of [1, 2]) await topUp(db, desk.account, 'all', now)
    expect(await agreement(id)).toMatchObject({ status: 'paused', paused_for: 'card_unusable' })
    expect(await payments()).toEqual([])
    expect(desk.stripe.calls.slice(before)).toEqual([])
    expect(await paused()).toHaveLength(1)
  })

  it('counts once, though its webhook and its answer come at the same time', async () => {
    const id = await agreed()
    await desk.turnInto(id, DECLINING)
    await spend(6_000)
    desk.weather = 'answer lost'
    await topUp(db, desk.account, [ida.account], now)
    desk.weather = 'fine'
    now += MINUTE_MS
    const payment = String((await payments())[0]?.id)
    const runs = Array.from({ length: 4 }, () => settleTopUp(db, desk.account, payment, now))
    await Promise.all([...runs, topUp(db, desk.account, 'all', now)])
    expect(await agreement(id)).toMatchObject({ status: 'active', failures: 1 })
  })
})

describe('a charge without an answer', () => {
  for (const fault of ['busy', 'cut', 'lost', 'error'] as const) {
    it(`(${fault}) is made exactly once all the same`, async () => {
      const id = await agreed()
      await spend(6_000)
      desk.stripe.fail(fault, { on: /POST \/v1\/payment_intents/, times: 2 })
      await topUp(db, desk.account, [ida.account], now)
      expect(await payments()).toMatchObject([{ status: 'created' }])
      for (let run = 0; run < 200; run++) {
        now += MINUTE_MS
        await minute()
      }
      expect(desk.charges('succeeded')).toHaveLength(1)
      expect(await balanceOf(db, ida.account)).toBe(14_000)
      expect((await payments()).filter(({ status }) => status === 'paid')).toHaveLength(1)
      expect(await agreement(id)).toMatchObject({ status: 'active', failures: 0 })
    }, 60_000)
  }

  it('is sent again with the key that was stored before the first call', async () => {
    await agreed()
    await spend(6_000)
    const keys: (string | null)[] = []
    const wire = vi.mocked(globalThis.fetch).getMockImplementation() ?? fetch
    vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
      const request = new Request(input, init)
      if (request.method === 'POST') {
        keys.push(request.headers.get('idempotency-key'))
        const stored = await db.prepare("SELECT id FROM payment WHERE status = 'created'").first<string>('id')
        expect(request.headers.get('idempotency-key')).toContain(stored)
      }
      return wire(input, init)
    })
    desk.weather = 'down'
    await topUp(db, desk.account, [ida.account], now)
    desk.weather = 'fine'
    now += 2 * MINUTE_MS
    await minute()
    expect(new Set(keys).size).toBe(1)
    expect(keys.length).toBe(2)
    expect(await balanceOf(db, ida.account)).toBe(14_000)
  })

  it('is not sent again once the guardian has cancelled, and ends as failed', async () => {
    const id = await agreed()
    await spend(6_000)
    desk.weather = 'down'
    await topUp(db, desk.account, [ida.account], now)
    await cancelAgreement(db, { id, guardian: asta.guardian }, now)
    desk.weather = 'fine'
    for (let run = 0; run < 30; run++) {
      now += MINUTE_MS
      await minute()
    }
    expect(desk.charges('succeeded')).toEqual([])
    expect(await payments()).toMatchObject([{ status: 'failed', error: 'unanswered', check_at: null }])
    expect(await agreement(id)).toMatchObject({ status: 'cancelled', payment_method: null })
  })

  it('keeps the card that it was begun with: a change of card waits for it', async () => {
    const id = await agreed()
    await spend(6_000)
    desk.weather = 'answer lost'
    await topUp(db, desk.account, [ida.account], now)
    addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
    desk.stripe.pay(await desk.pageOf(id), { card: '5555555555554444' })
    expect(await completeSetup(db, desk.account, id, now)).toBe('open')
    desk.weather = 'fine'
    now += 5 * MINUTE_MS
    await minute()
    now += 10 * MINUTE_MS
    await minute()
    expect(await agreement(id)).toMatchObject({ status: 'active', card_last4: '4444', checkout: null })
    expect(desk.charges('succeeded')).toHaveLength(1)
    expect(await balanceOf(db, ida.account)).toBe(14_000)
  })
})
