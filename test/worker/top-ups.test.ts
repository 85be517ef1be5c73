import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ore } from '../../shared/money.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { balanceOf, post } from '../../worker/ledger/transfers.ts'
import { beginCardChange, beginSetup, completeSetup } from '../../worker/payments/agreement-setup.ts'
import { keepAgreements } from '../../worker/payments/agreement-upkeep.ts'
import {
  cancelAgreement,
  draftAgreement,
  pauseAfterDispute,
  restAfterPayout,
  restAfterRefund,
  resumeAgreement,
} from '../../worker/payments/agreements.ts'
import { settleTopUp, topUp } from '../../worker/payments/top-ups.ts'
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
async function agreed({ account = ida.account, amount = 10_000, expires = '12/49' } = {}): Promise<string> {
  const id = uuidv7(now, crypto.getRandomValues(new Uint8Array(16)))
  const draft = { id, account, guardian: asta.guardian, amount, mail: 'asta@example.dk', terms: 'da-1' }
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
  const done = await topUp(db, desk.account, 'all', now)
  await keepAgreements(db, desk.account, now)
  return done
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

  it('is one, though 50 terminals sell across the threshold at once', async () => {
    await pay(office, ida.account, 10_000)
    await agreed({ amount: 20_000 })
    const site = await newSite(office)
    const sales = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        const till = await enrolledTerminal(office, site, `Kasse ${number + 1}`)
        return till.say('request', { card: ida.hash, amount: 390 })
      }),
    )
    const answers = await Promise.all(
      sales.map((sale) => call('POST', '/api/terminal/messages', { body: { messages: [sale] }, door: PATIENT_DOOR })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200))
    expect(desk.charges('succeeded')).toHaveLength(1)
    expect(await payments()).toMatchObject([{ status: 'paid' }])
    expect(await balanceOf(db, ida.account)).toBe(20_000 - 50 * 390 + 20_000)
  }, 60_000)

  it('comes within a minute to each of 50 accounts that one delivery takes across the threshold, once', async () => {
    const others = await Promise.all(
      Array.from({ length: 49 }, (_, number) =>
        cardHolder(office, { name: `Barn${number} Prøvebarn`, credit: 10_000 }),
      ),
    )
    asta = await parentOf(office, '0101575001', [ida.child, ...others.map(({ child }) => child)])
    const holders = [ida, ...others]
    for (const { account } of holders) await agreed({ account })
    const till = await enrolledTerminal(office, await newSite(office), 'Kassen')
    const messages: string[] = []
    for (const { hash } of holders) messages.push(await till.say('advice', { card: hash, amount: 6_000 }))
    await call('POST', '/api/terminal/messages', { body: { messages }, door: PATIENT_DOOR })
    expect(desk.charges('succeeded').length).toBeGreaterThan(0)
    now += MINUTE_MS
    await minute()
    for (const { account } of holders) expect(await balanceOf(db, account)).toBe(14_000)
    now += 10 * MINUTE_MS
    await minute()
    expect(desk.charges('succeeded')).toHaveLength(50)
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

  it('comes as often a day as was agreed, whatever the municipality settles afterwards', async () => {
    await db.prepare('UPDATE municipality SET top_ups_per_day = 1').run()
    await agreed()
    await db.prepare('UPDATE municipality SET top_ups_per_day = 20').run()
    for (const _ of [1, 2]) {
      await spend((await balanceOf(db, ida.account)) - 100)
      await minute()
    }
    expect(await payments()).toHaveLength(1)
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

describe('money that went back', () => {
  /** Money out of the child's account, as a payout, or a refund that was made at Stripe, takes it; with what follows. */
  async function takeOut(kind: 'payout' | 'refund', amount: number): Promise<void> {
    const id = uuidv7(now, crypto.getRandomValues(new Uint8Array(16)))
    const of = { id: `${kind}:${id}`, kind, debitAccount: ida.account, amount: ore(amount), staff: null, reason: null }
    if (kind === 'refund') {
      const gone = post(db, { ...of, creditAccount: 'psp_clearing' }, now)
      await db.batch([...gone, restAfterRefund(db, ida.account, now)])
      return
    }
    await db.batch([
      db
        .prepare(
          `INSERT INTO payout (id, account, guardian, name, registration, bank_account, message, amount, bank_amount,
             status, created_at, requested_at)
           VALUES (?1, ?2, ?3, 'Asta', '1234', '0012345678', '', ?4, ?4, 'requested', ?5, ?5)`,
        )
        .bind(id, ida.account, asta.guardian, amount, now),
      ...post(db, { ...of, creditAccount: 'payouts_payable' }, now),
      restAfterPayout(db, id, now),
    ])
  }
  const nothing = { charged: 0, failed: 0, unanswered: 0 }

  for (const kind of ['payout', 'refund'] as const) {
    it(`by a ${kind} is not fetched back: the agreement waits for 100 kr. again`, async () => {
      const id = await agreed()
      await takeOut(kind, 5_000)
      expect(await agreement(id)).toMatchObject({ status: 'active' }) // At the threshold nothing is fetched.
      await takeOut(kind, 1)
      expect(await minute()).toEqual(nothing)
      expect(await agreement(id)).toMatchObject({ status: 'waiting', in_force_at: null })
      addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
      await desk.giveCard(id)
      expect(await agreement(id)).toMatchObject({ status: 'waiting' })
      expect(await minute()).toEqual(nothing)
      await pay(office, ida.account, 5_001)
      await minute()
      expect(await agreement(id)).toMatchObject({ status: 'active', in_force_at: now })
    })

    it(`by a ${kind} while the agreement is paused is not fetched back when it goes on`, async () => {
      const id = await agreed()
      const pause = () =>
        db.prepare("UPDATE agreement SET status = 'paused', paused_for = 'declined' WHERE id = ?").bind(id).run()
      await pause()
      await takeOut(kind, 9_000)
      expect(await agreement(id)).toMatchObject({ status: 'paused' })
      expect(await resumeAgreement(db, { id, guardian: asta.guardian }, now)).toBe('resumed')
      expect(await minute()).toEqual(nothing)
      expect(await agreement(id)).toMatchObject({ status: 'waiting', paused_for: null })
      await pause()
      addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
      await desk.giveCard(id)
      expect(await minute()).toEqual(nothing)
      expect(await agreement(id)).toMatchObject({ status: 'waiting', paused_for: null })
    })
  }

  it('long ago lets an agreement be that is low by what was bought', async () => {
    const id = await agreed()
    await takeOut('refund', 1_000)
    now += MINUTE_MS
    await spend(5_000)
    await restAfterRefund(db, ida.account, now).run()
    expect(await minute()).toMatchObject({ charged: 1 })
    expect(await agreement(id)).toMatchObject({ status: 'active' })
  })

  it('by a dispute pauses the agreement with one letter, until a card is given anew', async () => {
    const id = await agreed()
    await spend(6_000)
    await minute()
    const [charge] = await payments()
    const contest = async () => {
      await db.batch([
        db
          .prepare(
            `INSERT INTO dispute (id, payment, amount, status, created_at) VALUES ('dp_1', ?, 10000, 'needs_response', ?)
             ON CONFLICT DO NOTHING`,
          )
          .bind(charge?.id, now),
        pauseAfterDispute(db, 'dp_1', now),
      ])
    }
    now += MINUTE_MS
    await contest()
    expect(await agreement(id)).toMatchObject({ status: 'paused', paused_for: 'disputed' })
    await spend(13_000)
    for (const _ of [1, 2]) {
      now += MINUTE_MS
      expect(await minute()).toEqual(nothing)
    }
    expect((await paused()).map(({ data }) => JSON.parse(data).reason)).toEqual(['disputed'])
    expect(await resumeAgreement(db, { id, guardian: asta.guardian }, now)).toBe('card_needed')
    addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
    await desk.giveCard(id)
    await contest() // Told again, it is the same dispute.
    expect(await minute()).toEqual(nothing)
    expect(await agreement(id)).toMatchObject({ status: 'waiting', paused_for: null })
    expect(await paused()).toHaveLength(1)
  })

  it('by a dispute of another guardian lets the agreement be', async () => {
    const bo = await parentOf(office, '0202575002', [ida.child])
    const id = await agreed()
    await spend(6_000)
    await minute()
    await db.prepare('UPDATE payment SET guardian = ?').bind(bo.guardian).run()
    await db.batch([
      db.prepare(
        `INSERT INTO dispute (id, payment, amount, status, created_at)
         SELECT 'dp_1', id, 10000, 'needs_response', ${now} FROM payment`,
      ),
      pauseAfterDispute(db, 'dp_1', now),
    ])
    expect(await agreement(id)).toMatchObject({ status: 'active' })
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
