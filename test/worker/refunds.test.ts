import { beforeEach, describe, expect, it } from 'vitest'
import { ore } from '../../shared/money.ts'
import { post } from '../../worker/ledger/transfers.ts'
import { applyIntent, pushRefunds } from '../../worker/payments/refunds.ts'
import { settle } from '../../worker/payments/settlements.ts'
import { draftPayout, requestPayout } from '../../worker/payouts/payouts.ts'
import { newSale } from './municipality.ts'
import { expectSound, HOUR_MS, MINUTE_MS, type Till, till } from './paying.ts'

let at: Till

beforeEach(async () => {
  at = await till()
  return () => expectSound(at.db)
})

const heard = (intent: string) => applyIntent(at.db, at.stripe, intent, at.clock.nowMs)
const pushed = () => pushRefunds(at.db, at.stripe, at.clock.nowMs)

/** A deposit of 100 kr. that has been credited. */
async function deposited(given = {}) {
  const payment = await at.paid({}, given)
  expect(await settle(at.db, at.stripe, payment.id, at.clock.nowMs)).toMatchObject({ status: 'paid' })
  return payment
}

/** Takes money out of Ida's account, as a purchase would. */
const spend = (amount: number) =>
  at.db.batch(
    post(
      at.db,
      {
        id: `correction:${newSale()}`,
        kind: 'correction',
        debitAccount: at.ida.account,
        creditAccount: 'suspense',
        amount: ore(amount),
        staff: 1,
        reason: 'spent',
      },
      at.clock.nowMs,
    ),
  )

const rows = async (table: 'refund' | 'dispute') =>
  (await at.db.prepare(`SELECT * FROM ${table} ORDER BY rowid`).all<Record<string, unknown>>()).results
const suspense = () =>
  at.db
    .prepare(
      `SELECT coalesce((SELECT balance FROM posting JOIN account ON account.id = posting.account
                        WHERE kind = 'suspense' ORDER BY seq DESC LIMIT 1), 0) AS balance`,
    )
    .first<number>('balance')

describe('a refund that was made at Stripe', () => {
  it('goes out of the wallet once, however often it is told', async () => {
    const { intent } = await deposited()
    const { id } = at.standIn.refund(intent)
    await Promise.all(Array.from({ length: 10 }, () => heard(intent)))
    expect((await at.transfers()).slice(1)).toEqual([`refund:${id} 10000 wallet → psp_clearing`])
    expect(await rows('refund')).toMatchObject([{ id, status: 'succeeded', payout: null, check_at: null }])
    expect(await at.balance()).toBe(0)
  })

  it('in parts goes out part by part', async () => {
    const { intent } = await deposited()
    at.standIn.refund(intent, 3_000)
    await heard(intent)
    expect(await at.balance()).toBe(7_000)
    at.standIn.refund(intent, 2_500)
    at.standIn.refund(intent, 500)
    await heard(intent)
    await heard(intent)
    expect(await at.balance()).toBe(4_000)
  })

  it('before anybody has heard of the payment leaves both in the book', async () => {
    const { intent } = await at.paid()
    at.standIn.refund(intent, 3_000)
    await heard(intent)
    expect(await at.balance()).toBe(7_000)
    expect(await at.transfers()).toHaveLength(2)
  })

  it('of more than the wallet has takes the rest from suspense, and both come back where it fails later', async () => {
    const { intent } = await deposited()
    await spend(8_000)
    const { id } = at.standIn.refund(intent)
    await heard(intent)
    expect((await at.transfers()).slice(1)).toEqual([
      `refund:${id} 2000 wallet → psp_clearing`,
      `refund:${id}:short 8000 suspense → psp_clearing`,
    ])
    expect([await at.balance(), await suspense()]).toEqual([0, 0])
    at.standIn.failRefund(id)
    await Promise.all([heard(intent), heard(intent), heard(intent)])
    expect((await at.transfers()).slice(3)).toEqual([
      `refund_return:${id} 2000 psp_clearing → wallet`,
      `refund_return:${id}:short 8000 psp_clearing → suspense`,
    ])
    expect(await rows('refund')).toMatchObject([{ id, status: 'failed' }])
    await heard(intent)
    expect(await at.transfers()).toHaveLength(5)
  })

  it('that has failed before it is heard of costs nothing', async () => {
    const { intent } = await deposited()
    const { id } = at.standIn.refund(intent)
    at.standIn.failRefund(id)
    await heard(intent)
    expect(await at.balance()).toBe(10_000)
    expect(await rows('refund')).toMatchObject([{ status: 'failed' }])
  })

  it('of money that is held in suspense is taken from there', async () => {
    const { id, intent } = await at.paid({}, { amount: 9_900 })
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    at.standIn.refund(intent)
    await heard(intent)
    expect([await at.balance(), await suspense()]).toEqual([0, 0])
  })

  it('that is pending is asked about until it has ended', async () => {
    const { intent } = await deposited({ card: '4000000000007726' })
    const { id } = at.standIn.refund(intent)
    await heard(intent)
    expect(await rows('refund')).toMatchObject([{ status: 'pending' }])
    expect(await at.balance()).toBe(0)
    expect(await pushed()).toMatchObject({ asked: 1, ended: 0 })
    expect(await pushed()).toMatchObject({ asked: 0 })
    at.standIn.completeRefund(id)
    at.clock.nowMs += HOUR_MS
    expect(await pushed()).toMatchObject({ asked: 1, ended: 1 })
    expect(await rows('refund')).toMatchObject([{ status: 'succeeded', check_at: null }])
  })
})

describe('a refund of a payout', () => {
  /** A payout of all that Ida has, which goes back to the card. */
  async function payout(amount = 10_000) {
    await at.db.prepare('UPDATE guardian SET mail = ?').bind('asta@mail.example').run()
    const id = newSale()
    const details = { name: 'Asta Prøveforælder', registration: '0001', bankAccount: '0000000001', message: 'Klub' }
    const { account } = at.ida
    const { guardian } = at.parent
    const draft = await draftPayout(at.db, { id, account, guardian, amount, ...details }, at.clock.nowMs)
    expect(draft.kind).toBe('drafted')
    expect(await requestPayout(at.db, id, guardian, at.clock.nowMs)).toEqual({ kind: 'requested' })
    const [refund] = await rows('refund')
    return String(refund?.id)
  }

  it('is sent once, with its own id', async () => {
    const { intent } = await deposited()
    const id = await payout()
    expect(await at.balance()).toBe(0)
    await Promise.all([pushed(), pushed(), pushed()])
    const [made, ...others] = Object.values(at.standIn.state.refunds)
    expect(others).toEqual([])
    expect(made).toMatchObject({ amount: 10_000, payment_intent: intent, metadata: { refund: id } })
    await heard(intent)
    expect(await rows('refund')).toMatchObject([{ id, stripe: made?.id, status: 'succeeded', check_at: null }])
    expect((await at.transfers()).slice(1)).toEqual([`refund:${id} 10000 wallet → psp_clearing`])
  })

  it('whose answer was lost is found, and not sent again, also when Stripe has forgotten the key', async () => {
    const { intent } = await deposited()
    const id = await payout()
    at.standIn.fail('lost', { on: /POST .*refunds/, times: 1 })
    at.standIn.fail('cut', { on: /POST .*refunds/, times: 1 })
    expect(await pushed()).toMatchObject({ asked: 1, unavailable: true })
    at.standIn.mend()
    at.clock.nowMs += 30 * HOUR_MS
    expect(await pushed()).toMatchObject({ asked: 1, ended: 1 })
    expect(Object.values(at.standIn.state.refunds)).toHaveLength(1)
    expect(await rows('refund')).toMatchObject([{ id, status: 'succeeded' }])
    expect(at.standIn.state.intents[intent]).toMatchObject({ amount_received: 10_000 })
  })

  it('that Stripe answers with 500 is sent again when Stripe has forgotten that', async () => {
    await deposited()
    await payout()
    at.standIn.fail('error', { on: /POST .*refunds/, times: 1 })
    expect(await pushed()).toMatchObject({ unavailable: true })
    for (let hour = 0; hour < 36; hour++) {
      at.clock.nowMs += HOUR_MS
      await pushed()
    }
    expect(await rows('refund')).toMatchObject([{ status: 'succeeded' }])
    expect(Object.values(at.standIn.state.refunds)).toHaveLength(1)
  })

  it('that succeeded and fails later comes back to the account once, and its guardian is told', async () => {
    const { intent } = await deposited()
    const id = await payout()
    await pushed()
    const [made] = Object.keys(at.standIn.state.refunds)
    at.standIn.failRefund(String(made))
    await Promise.all([heard(intent), heard(intent), heard(intent)])
    expect(await at.balance()).toBe(10_000)
    expect((await at.transfers()).slice(2)).toEqual([`refund_return:${id} 10000 psp_clearing → wallet`])
    expect((await at.letters()).slice(1)).toEqual(['refund_failed asta@mail.example 10000'])
  })

  it('that Stripe will not make comes back at once', async () => {
    const { intent } = await deposited()
    const id = await payout()
    at.standIn.refund(intent) // Somebody at Stripe was faster.
    await pushed()
    expect(await rows('refund')).toMatchObject([{ id, status: 'failed', error: 'charge_already_refunded' }])
    expect(await at.balance()).toBe(10_000)
    await heard(intent)
    expect(await at.balance()).toBe(0)
  })

  it('that is pending, then fails, comes back by being asked about', async () => {
    await deposited({ card: '4000000000007726' })
    await payout()
    await pushed()
    expect(await rows('refund')).toMatchObject([{ status: 'pending' }])
    const [made] = Object.keys(at.standIn.state.refunds)
    at.standIn.failRefund(String(made))
    at.clock.nowMs += 10 * MINUTE_MS
    await pushed()
    expect(await rows('refund')).toMatchObject([{ status: 'failed', check_at: null }])
    expect(await at.balance()).toBe(10_000)
  })
})

describe('a dispute', () => {
  it('takes the money once, and one that is won gives it back once', async () => {
    const { intent } = await deposited()
    const { id } = at.standIn.dispute(intent)
    await Promise.all([heard(intent), heard(intent)])
    expect(await at.balance()).toBe(0)
    at.standIn.endDispute(id, 'won')
    await Promise.all([heard(intent), heard(intent)])
    expect((await at.transfers()).slice(1)).toEqual([
      `dispute:${id} 10000 wallet → psp_clearing`,
      `dispute_return:${id} 10000 psp_clearing → wallet`,
    ])
    expect(await rows('dispute')).toMatchObject([{ id, status: 'won', returned_at: at.clock.nowMs }])
  })

  it('that is lost keeps the money, also what was spent of it', async () => {
    const { intent } = await deposited()
    await spend(7_500)
    const { id } = at.standIn.dispute(intent, 'lost')
    await heard(intent)
    await heard(intent)
    expect((await at.transfers()).slice(1)).toEqual([
      `dispute:${id} 2500 wallet → psp_clearing`,
      `dispute:${id}:short 7500 suspense → psp_clearing`,
    ])
    expect(await rows('dispute')).toMatchObject([{ status: 'lost', returned_at: null }])
  })

  it('that was short gives back to the wallet and to suspense what each gave', async () => {
    const { intent } = await deposited()
    await spend(7_500)
    const { id } = at.standIn.dispute(intent)
    await heard(intent)
    at.standIn.endDispute(id, 'won')
    await heard(intent)
    expect([await at.balance(), await suspense()]).toEqual([2_500, 7_500])
  })

  it('that is over before it is heard of moves nothing', async () => {
    const { intent } = await deposited()
    at.standIn.dispute(intent, 'won')
    await heard(intent)
    expect(await at.balance()).toBe(10_000)
    expect(await at.transfers()).toHaveLength(1)
  })
})

it('what is none of ours is let be, and Stripe that is down is said so', async () => {
  const { intent } = await deposited()
  expect(await heard('pi_nobodys')).toMatchObject({ kind: 'refused' })
  const other = at.standIn.state.intents[intent]
  if (!other) throw new Error('the payment is not there')
  at.standIn.state.intents.pi_other = {
    ...other,
    id: 'pi_other',
    metadata: { ...other.metadata, municipality: '7620' },
  }
  expect(await heard('pi_other')).toEqual({ kind: 'none' })
  at.standIn.fail('cut')
  expect(await heard(intent)).toMatchObject({ kind: 'unavailable' })
  expect(await at.transfers()).toHaveLength(1)
})
