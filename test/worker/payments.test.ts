import { beforeEach, describe, expect, it, vi } from 'vitest'
import { paymentOf, paymentQuery } from '../../worker/payments/payments.ts'
import { reconcile } from '../../worker/payments/reconciliation.ts'
import { cancelPayment, settle, settleCheckout } from '../../worker/payments/settlements.ts'
import { cardHolder, newSale } from './municipality.ts'
import { parentOf } from './parent.ts'
import { expectSound, HOUR_MS, MINUTE_MS, type Till, till } from './paying.ts'

let at: Till

beforeEach(async () => {
  at = await till()
  return () => expectSound(at.db)
})

const payer = () => ({ guardian: at.parent.guardian, account: at.ida.account })
const settled = (id: string) => settle(at.db, at.stripe, id, at.clock.nowMs, payer())
const cancelled = (id: string) => cancelPayment(at.db, at.stripe, { id, ...payer() }, at.clock.nowMs)
const count = (table: string) => at.db.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')

describe('a deposit is begun', () => {
  it('with a row that stands before Stripe is asked, and a page that leads back to its receipt', async () => {
    const { id, checkout } = await at.page()
    const row = await at.row(id)
    expect(row).toMatchObject({ status: 'open', checkout, amount: 10_000, purpose: 'deposit', terms: 'da-1' })
    expect(row.check_at).toBe(at.clock.nowMs + 2 * MINUTE_MS)
    expect(at.standIn.state.sessions[checkout]).toMatchObject({
      amount_total: 10_000,
      currency: 'dkk',
      success_url: `http://4000.localhost/konto/${at.ida.account}/indbetaling/${id}`,
      cancel_url: `http://4000.localhost/konto/${at.ida.account}/indbetaling/${id}?afbrudt=1`,
      metadata: { municipality: '4000', payment: id },
    })
  })

  it('once, however often and however parallel the form is sent', async () => {
    const id = newSale()
    const first = await at.begin({ id })
    const again = await Promise.all(Array.from({ length: 5 }, () => at.begin({ id, mail: 'anden@mail.example' })))
    for (const each of again) expect(each).toEqual(first)
    expect(Object.keys(at.standIn.state.sessions)).toHaveLength(1)
    const twins = newSale()
    const both = await Promise.all([at.begin({ id: twins }), at.begin({ id: twins })])
    const pages = both.flatMap((each) => (each.kind === 'page' ? [each.address] : []))
    expect(new Set(pages).size).toBe(1)
    expect(Object.keys(at.standIn.state.sessions)).toHaveLength(2)
    expect(await count('payment')).toBe(2)
  })

  it('with no other amount than the first one', async () => {
    const { id } = await at.page()
    expect(await at.begin({ id, amount: 20_000 })).toMatchObject({ kind: 'changed' })
    expect(await at.row(id)).toMatchObject({ amount: 10_000 })
  })

  it('within what the municipality has settled, at that moment', async () => {
    const bounds = { min: 5_000, max: 200_000 }
    expect(await at.begin({ amount: 4_999 })).toMatchObject({ kind: 'amount_too_small', ...bounds })
    expect(await at.begin({ amount: 200_001 })).toMatchObject({ kind: 'amount_too_large', ...bounds })
    expect(await at.begin({ amount: -10_000 })).toMatchObject({ kind: 'amount_too_small' })
    expect((await at.begin({ amount: 5_000 })).kind).toBe('page')
    expect((await at.begin({ amount: 200_000 })).kind).toBe('page')
    await at.db.prepare('UPDATE municipality SET deposit_max = 9999').run()
    expect(await at.begin()).toMatchObject({ kind: 'amount_too_large', max: 9_999 })
    expect(await count('payment')).toBe(2)
  })

  it("by nobody for a child that is not theirs, and under nobody else's id", async () => {
    const ole = await cardHolder(at.office, { name: 'Ole Prøvebarn' })
    const stranger = await parentOf(at.office, '0202575002', [ole.child])
    const { id } = await at.page()
    expect(await at.begin({ account: ole.account })).toMatchObject({ kind: 'not_found' })
    const theirs = { account: ole.account, guardian: stranger.guardian }
    expect(await at.begin({ id, ...theirs })).toMatchObject({ kind: 'not_found' })
    expect(paymentOf(await paymentQuery(at.db, id, theirs).first())).toBeNull()
    expect(await settle(at.db, at.stripe, id, at.clock.nowMs, theirs)).toBeNull()
    expect(await cancelPayment(at.db, at.stripe, { id, ...theirs }, at.clock.nowMs)).toBeNull()
    expect(await count('payment')).toBe(1)
  })

  it('for no child that has left', async () => {
    await at.db.prepare('UPDATE child SET left_at = 1 WHERE id = ?').bind(at.ida.child).run()
    expect(await at.begin()).toMatchObject({ kind: 'child_left' })
    expect(await count('payment')).toBe(0)
  })

  it('by the same form again when Stripe did not answer, and is paid once', async () => {
    const id = newSale()
    at.standIn.fail('lost', { on: /POST/, times: 4 })
    const lost = await at.begin({ id })
    at.standIn.mend()
    expect(lost.kind === 'page' || lost.kind === 'unavailable').toBe(true)
    const { checkout } = await at.page({ id })
    expect(Object.keys(at.standIn.state.sessions)).toEqual([checkout])
    at.standIn.pay(checkout)
    expect(await settled(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(10_000)
  })

  it.each(['silence', 'hang'] as const)(
    'by the same form again where Stripe never answered (%s), with one page',
    async (fault) => {
      at.stripe.patienceMs = 50
      at.standIn.fail(fault)
      const { kind, id } = await at.begin()
      expect(kind).toBe('unavailable')
      expect(await at.row(id)).toMatchObject({ status: 'created', checkout: null })
      at.standIn.mend()
      const { checkout } = await at.page({ id })
      expect(Object.keys(at.standIn.state.sessions)).toEqual([checkout])
    },
  )

  it('not where Stripe is down, and then the payment runs out by itself', async () => {
    at.standIn.fail('cut')
    const { kind, id } = await at.begin()
    expect(kind).toBe('unavailable')
    expect(await at.row(id)).toMatchObject({ status: 'created', checkout: null })
    at.standIn.mend()
    for (let minute = 0; minute <= 75; minute++) {
      at.clock.nowMs += MINUTE_MS
      await reconcile(at.db, at.stripe, at.clock.nowMs)
    }
    expect(await at.row(id)).toMatchObject({ status: 'expired', check_at: null })
    expect(await at.begin({ id })).toMatchObject({ kind: 'refused' })
    expect(at.standIn.state.sessions).toEqual({})
  })

  it('not under an id that Stripe did not answer a minute ago, and nothing is told to have been declined', async () => {
    at.standIn.fail('cut')
    const { id } = await at.begin()
    at.standIn.mend()
    at.clock.nowMs += 2 * MINUTE_MS
    expect(await at.begin({ id })).toMatchObject({ kind: 'refused' })
    expect(await at.begin({ id })).toMatchObject({ kind: 'refused' })
    expect(await at.row(id)).toMatchObject({ status: 'failed', checkout: null, check_at: null })
    expect((await at.begin()).kind).toBe('page')
  })

  it('not under an id whose failure Stripe keeps, which ends within the minute', async () => {
    at.standIn.fail('error', { times: 1 })
    const { id } = await at.begin()
    expect(await at.begin({ id })).toMatchObject({ kind: 'unavailable' })
    at.clock.nowMs += MINUTE_MS
    expect(await at.begin({ id })).toMatchObject({ kind: 'unavailable' })
    expect(await at.row(id)).toMatchObject({ status: 'expired', check_at: null })
    expect(await at.begin({ id })).toMatchObject({ kind: 'refused' })
  })

  it('and what is paid on a page whose address was lost is credited, though its id was given up', async () => {
    at.standIn.fail('lost', { on: /POST/ })
    const { id } = await at.begin()
    at.clock.nowMs += MINUTE_MS
    await at.begin({ id })
    at.standIn.mend()
    expect(await at.row(id)).toMatchObject({ status: 'expired', checkout: null })
    const [checkout = '', ...others] = Object.keys(at.standIn.state.sessions)
    expect(others).toEqual([])
    at.standIn.pay(checkout)
    await settleCheckout(at.db, at.stripe, checkout, at.clock.nowMs)
    expect(await at.row(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(10_000)
    expect(await at.begin({ id })).toMatchObject({ kind: 'ended' })
  })
})

describe('a payment is settled', () => {
  it('as waiting while nobody has paid', async () => {
    const { id } = await at.page()
    const address = expect.stringContaining('/c/pay/')
    expect(await settled(id)).toMatchObject({ status: 'waiting', stale: false, balanceAfter: null, address })
    expect(await at.transfers()).toEqual([])
  })

  it('by card, with its receipt, once in ten at a time', async () => {
    const { id, intent } = await at.paid()
    const all = await Promise.all(Array.from({ length: 10 }, () => settled(id)))
    for (const each of all) {
      expect(each).toMatchObject({
        status: 'paid',
        amount: 10_000,
        method: 'card',
        balanceAfter: 10_000,
        address: null,
      })
    }
    expect(await at.transfers()).toEqual([`deposit:${intent} 10000 psp_clearing → wallet`])
    expect(await at.letters()).toEqual(['deposited asta@mail.example 10000'])
    expect(await at.row(id)).toMatchObject({ status: 'paid', intent, check_at: null, settled_at: at.clock.nowMs })
  })

  it('by MobilePay', async () => {
    const { id } = await at.paid({}, { mobilepay: true })
    expect(await settled(id)).toMatchObject({ status: 'paid', method: 'mobilepay' })
  })

  it('as waiting after a card was declined, and paid by another one', async () => {
    const { id, checkout } = await at.page()
    expect(at.standIn.pay(checkout, { card: '4000000000000002' })).toMatchObject({ kind: 'declined' })
    expect(await settled(id)).toMatchObject({ status: 'waiting' })
    at.standIn.pay(checkout)
    expect(await settled(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(10_000)
  })

  it('as expired, or as failed where the last try was declined', async () => {
    const [left, declined] = [await at.page(), await at.page()]
    at.standIn.pay(declined.checkout, { card: '4000000000009995' })
    for (const { checkout } of [left, declined]) at.standIn.expire(checkout)
    expect(await settled(left.id)).toMatchObject({ status: 'expired' })
    expect(await settled(declined.id)).toMatchObject({ status: 'failed', error: 'insufficient_funds' })
    expect(await at.row(left.id)).toMatchObject({ check_at: null })
  })

  it('as stale while Stripe is down, and as paid afterwards', async () => {
    const { id } = await at.paid()
    at.standIn.fail('cut')
    expect(await settled(id)).toMatchObject({ status: 'waiting', stale: true })
    at.standIn.mend()
    expect(await settled(id)).toMatchObject({ status: 'paid', stale: false })
  })

  it.each(['silence', 'hang'] as const)(
    'as stale while Stripe never answers (%s), and credited once afterwards',
    async (fault) => {
      const impatient = { ...at.stripe, patienceMs: 50 }
      const { id, checkout } = await at.page()
      at.standIn.pay(checkout)
      at.standIn.fail(fault)
      expect(await settle(at.db, impatient, id, at.clock.nowMs)).toMatchObject({ status: 'waiting', stale: true })
      at.standIn.mend()
      expect(await settle(at.db, impatient, id, at.clock.nowMs)).toMatchObject({ status: 'paid', stale: false })
      await at.standIn.deliver()
      expect(await at.transfers()).toHaveLength(1)
      expect(await at.balance()).toBe(10_000)
    },
  )

  it('for a child that has left since, and for a guardian who is none any more', async () => {
    const { id } = await at.paid()
    await at.db.prepare('UPDATE child SET left_at = 1').run()
    await at.db.prepare('UPDATE guardianship SET ended_at = 1').run()
    expect(await settled(id)).toBeNull()
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    expect(await at.balance()).toBe(10_000)
  })

  it('and brings the agreement that waits for it into force', async () => {
    await at.db
      .prepare(
        `INSERT INTO agreement (id, account, guardian, mail, amount, threshold, activation, per_day, terms, status,
                                payment_method, created_at)
         VALUES ('agreed', ?1, ?2, 'asta@mail.example', 10000, 5000, 15000, 2, 'da-1', 'waiting', 'pm_1', 0)`,
      )
      .bind(at.ida.account, at.parent.guardian)
      .run()
    const status = () => at.db.prepare('SELECT status FROM agreement').first('status')
    await settled((await at.paid()).id)
    expect(await status()).toBe('waiting')
    await settled((await at.paid({ amount: 5_000 })).id)
    expect(await status()).toBe('active')
  })
})

describe('money that is not what was asked for', () => {
  it('of another amount is held in suspense, and somebody is told', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { id, intent } = await at.paid({}, { amount: 9_900 })
    const all = await Promise.all([settled(id), settled(id)])
    for (const each of all) expect(each).toMatchObject({ status: 'mismatch', error: 'amount' })
    expect(await at.transfers()).toEqual([`deposit:${intent} 9900 psp_clearing → suspense`])
    expect(await at.balance()).toBe(0)
    expect(await at.letters()).toEqual([])
    expect(errors.mock.calls.join()).toContain('payment_mismatch')
    errors.mockRestore()
  })

  it('in another currency stays outside the books', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { id } = await at.paid({}, { currency: 'eur' })
    expect(await settled(id)).toMatchObject({ status: 'mismatch', error: 'currency' })
    expect(await at.transfers()).toEqual([])
    expect(errors.mock.calls.join()).toContain('currency')
    errors.mockRestore()
  })
})

describe('who comes back by the way of cancelling', () => {
  it('has the page closed, so that nobody pays there later', async () => {
    const { id, checkout } = await at.page()
    expect(await cancelled(id)).toMatchObject({ status: 'cancelled', address: null })
    expect(at.standIn.state.sessions[checkout]).toMatchObject({ status: 'expired' })
    expect(await cancelled(id)).toMatchObject({ status: 'cancelled' })
    expect(await at.begin({ id })).toMatchObject({ kind: 'ended' })
    await settled(id)
    expect(await at.row(id)).toMatchObject({ status: 'cancelled', check_at: null })
  })

  it('after having paid has paid', async () => {
    const { id } = await at.paid()
    expect(await cancelled(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(10_000)
  })

  it('while Stripe is down leaves all as it is', async () => {
    const { id, checkout } = await at.page()
    at.standIn.fail('cut')
    expect(await cancelled(id)).toMatchObject({ status: 'waiting', stale: true })
    at.standIn.mend()
    at.standIn.pay(checkout)
    expect(await cancelled(id)).toMatchObject({ status: 'paid' })
  })

  it('and pays there after all has the money, whatever stands here', async () => {
    const { id, checkout } = await at.page()
    await at.db.prepare("UPDATE payment SET status = 'cancelled', check_at = NULL WHERE id = ?").bind(id).run()
    at.standIn.pay(checkout)
    expect(await settled(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(10_000)
  })
})

describe('what no webhook told', () => {
  const pass = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      at.clock.nowMs += MINUTE_MS
      await reconcile(at.db, at.stripe, at.clock.nowMs)
    }
  }

  it('is asked about, at growing pauses, until it has ended', async () => {
    const [paid, left] = [await at.paid(), await at.page()]
    await pass(3)
    expect(await at.row(paid.id)).toMatchObject({ status: 'paid', check_at: null })
    expect(await at.row(left.id)).toMatchObject({ status: 'open' })
    await pass(120)
    expect(await at.row(left.id)).toMatchObject({ status: 'expired', check_at: null })
    const asked = at.standIn.calls.filter((call) => call.endsWith(left.checkout)).length
    expect(asked).toBeGreaterThan(2)
    expect(asked).toBeLessThan(8)
    const before = at.standIn.calls.length
    await pass(120)
    expect(at.standIn.calls).toHaveLength(before)
  })

  it('is asked about by one of two runs at once', async () => {
    for (let payment = 0; payment < 6; payment++) await at.page()
    const before = at.standIn.calls.length
    at.clock.nowMs += HOUR_MS / 20
    const runs = await Promise.all([1, 2].map(() => reconcile(at.db, at.stripe, at.clock.nowMs)))
    expect(runs.reduce((sum, { asked }) => sum + asked, 0)).toBe(6)
    expect(at.standIn.calls).toHaveLength(before + 6)
  })

  it('is left alone by a run that finds Stripe down, and is asked about later', async () => {
    const payments = [await at.paid(), await at.paid(), await at.paid(), await at.paid(), await at.paid()]
    at.standIn.fail('cut')
    at.clock.nowMs += 3 * MINUTE_MS
    expect(await reconcile(at.db, at.stripe, at.clock.nowMs)).toMatchObject({ asked: 4, ended: 0, unavailable: true })
    at.standIn.mend()
    await pass(10)
    for (const { id } of payments) expect(await at.row(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(50_000)
  })
})
