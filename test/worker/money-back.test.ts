import { beforeEach, describe, expect, it } from 'vitest'
import { ore } from '../../shared/money.ts'
import { orderCard } from '../../worker/cards/card-orders.ts'
import { cancelOrder } from '../../worker/cards/order-desk.ts'
import { beginCardFee } from '../../worker/payments/payments.ts'
import { applyIntent, pushRefunds } from '../../worker/payments/refunds.ts'
import { cancelPayment, settle } from '../../worker/payments/settlements.ts'
import { approve, reject } from '../../worker/payouts/payout-desk.ts'
import { draftPayout, requestPayout } from '../../worker/payouts/payouts.ts'
import { addStaff, samePerson } from '../../worker/people/staff.ts'
import { bankReport, type Colleague, colleague, held, newId, ownAccount } from './bank.ts'
import { newSale, pay } from './municipality.ts'
import { expectSound, HOUR_MS, type Till, till } from './paying.ts'

const FEE = 4_500
const DAY_MS = 24 * HOUR_MS

let at: Till
beforeEach(async () => {
  at = await till()
})

const heard = (intent: string) => applyIntent(at.db, at.stripe, intent, at.clock.nowMs)
const settled = (id: string) => settle(at.db, at.stripe, id, at.clock.nowMs)
const suspense = () => held(at.office, 'suspense')
const details = { name: 'Asta Prøveforælder', registration: '9570', bankAccount: '0001234567', message: '' }
const draft = (amount: number, id = newId()) =>
  draftPayout(at.db, { ...details, id, account: at.ida.account, guardian: at.parent.guardian, amount }, at.clock.nowMs)

async function deposited(amount: number) {
  const paid = await at.paid({ amount })
  await settled(paid.id)
  return paid
}

async function requested(amount: number): Promise<string> {
  const drafted = await draft(amount)
  if (drafted.kind !== 'drafted') throw new Error(JSON.stringify(drafted))
  expect(await requestPayout(at.db, drafted.payout.id, at.parent.guardian, at.clock.nowMs)).toEqual({
    kind: 'requested',
  })
  return drafted.payout.id
}

function order(id: string, from: 'account' | 'checkout' = 'checkout') {
  const { account, card } = at.ida
  const address = { recipient: 'Asta Prøveforælder', street: 'Prøvevej 1', postalCode: '4000', city: 'Roskilde' }
  const ordering = { id, account, guardian: at.parent.guardian, lostCard: card, fee: ore(FEE), terms: 'da-1', from }
  return orderCard(at.db, { ...ordering, ...address }, at.clock.nowMs)
}

/** An order whose page at Stripe is open; the payment has the order's id. */
async function awaited(): Promise<{ id: string; checkout: string }> {
  const id = newSale()
  expect(await order(id)).toBe('unpaid')
  const payer = { account: at.ida.account, guardian: at.parent.guardian }
  const fee = { id, order: id, ...payer, mail: 'asta@mail.example', language: 'da' as const }
  const begun = await beginCardFee(at.db, at.stripe, { ...fee, origin: 'http://4000.localhost' }, at.clock.nowMs)
  if (begun.kind !== 'page') throw new Error(begun.kind)
  return { id, checkout: begun.address.split('/').at(-1) ?? '' }
}

async function paidOrder() {
  const { id, checkout } = await awaited()
  at.standIn.pay(checkout)
  await settled(id)
  return { id, intent: at.standIn.intentOf(checkout).id }
}

describe('the fee of a new card', () => {
  it('that was refunded at Stripe is not given back once more with the order', async () => {
    const { id, intent } = await paidOrder()
    at.standIn.refund(intent)
    await heard(intent)
    expect(await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs)).toMatchObject({ status: 'cancelled' })
    expect(await at.balance()).toBe(0)
    expect(await held(at.office, 'card_fee_revenue')).toBe(0)
    expect(await at.letters()).toContain('card_order_cancelled asta@mail.example 0')
    await expectSound(at.db)
  })

  it('that was refunded in part is given back as to the rest', async () => {
    const { id, intent } = await paidOrder()
    at.standIn.refund(intent, 1_000)
    await heard(intent)
    await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs)
    await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs + 1)
    expect(await at.balance()).toBe(FEE - 1_000)
    expect(await at.letters()).toContain(`card_order_cancelled asta@mail.example ${FEE - 1_000}`)
    await expectSound(at.db)
  })

  it('that is contested is not given back once more, nor is what came back by hand', async () => {
    const { id, intent } = await paidOrder()
    at.standIn.dispute(intent)
    await heard(intent)
    await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs)
    expect(await at.balance()).toBe(0)
    await expectSound(at.db)
  })

  it('whose refund fails after the order was cancelled is the account’s by itself, the whole and a part', async () => {
    for (const part of [FEE, 1_000]) {
      const before = await at.balance()
      const { id, intent } = await paidOrder()
      const refund = at.standIn.refund(intent, part)
      await heard(intent)
      await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs)
      expect(await at.balance()).toBe(before + FEE - part)
      at.standIn.failRefund(refund.id)
      await heard(intent)
      await heard(intent)
      await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs + 1)
      expect([await at.balance(), await held(at.office, 'card_fee_revenue')]).toEqual([before + FEE, 0])
      await expectSound(at.db)
    }
  })

  it('whose refund fails is the revenue’s as long as the order is under way', async () => {
    const { intent } = await paidOrder()
    const refund = at.standIn.refund(intent)
    await heard(intent)
    at.standIn.failRefund(refund.id)
    await heard(intent)
    expect([await at.balance(), await held(at.office, 'card_fee_revenue')]).toEqual([0, FEE])
    await expectSound(at.db)
  })

  it('whose dispute is won after the order was cancelled is the account’s by itself', async () => {
    const { id, intent } = await paidOrder()
    const dispute = at.standIn.dispute(intent)
    await heard(intent)
    await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs)
    at.standIn.endDispute(dispute.id, 'won')
    await heard(intent)
    expect([await at.balance(), await held(at.office, 'card_fee_revenue')]).toEqual([FEE, 0])
    await expectSound(at.db)
  })

  it('that is on the account goes back to its card first, and is taken from there where it is contested', async () => {
    const { id, intent } = await paidOrder()
    await cancelOrder(at.db, id, { id: 1, sites: null }, at.clock.nowMs)
    expect(await at.balance()).toBe(FEE)
    expect(await draft(FEE)).toMatchObject({ payout: { bankAmount: 0, refunds: [{ amount: FEE }] } })
    at.standIn.dispute(intent)
    await heard(intent)
    expect(await at.balance()).toBe(0)
    await expectSound(at.db)
  })

  it('is asked for by one open page of an account at a time', async () => {
    const first = await awaited()
    expect(await order(newSale())).toBe('under_way')
    expect(await order(first.id)).toBe('unpaid')
    const payer = { account: at.ida.account, guardian: at.parent.guardian }
    await cancelPayment(at.db, at.stripe, { ...payer, id: first.id }, at.clock.nowMs)
    expect(await order(newSale())).toBe('unpaid')
  })
})

describe('who hears of a payout that comes back', () => {
  const rejected = async (mail?: string) => {
    const form = {
      ...details,
      ...(mail && { mail }),
      account: at.ida.account,
      guardian: at.parent.guardian,
      amount: 100,
    }
    const id = newId()
    await draftPayout(at.db, { ...form, id }, at.clock.nowMs)
    await requestPayout(at.db, id, at.parent.guardian, at.clock.nowMs)
    const answer = await at.office.post<{ untold: number }>(`/payouts/${id}/reject`, { reason: 'Forkert navn' })
    return [answer.untold, (await at.letters()).filter((letter) => letter.startsWith('payout_returned')).at(-1)]
  }

  it('is its guardian at the address given with it, else their own, else where they last paid from', async () => {
    await deposited(10_000)
    at.clock.nowMs += 61 * DAY_MS
    expect(await rejected()).toEqual([0, 'payout_returned asta@mail.example 100'])
    await at.db.prepare("UPDATE guardian SET mail = 'own@mail.example'").run()
    expect(await rejected()).toEqual([0, 'payout_returned own@mail.example 100'])
    expect(await rejected('given@mail.example')).toEqual([0, 'payout_returned given@mail.example 100'])
  })

  it('is nobody without an address, and staff are told so', async () => {
    await pay(at.office, at.ida.account, 1_000)
    expect(await rejected()).toEqual([1, undefined])
    expect(await rejected('given@mail.example')).toEqual([0, 'payout_returned given@mail.example 100'])
  })

  it('also of a refund that Stripe refuses is told at the address given with the payout', async () => {
    const { intent } = await deposited(10_000)
    const form = { ...details, id: newId(), account: at.ida.account, guardian: at.parent.guardian, amount: 10_000 }
    await draftPayout(at.db, { ...form, mail: 'given@mail.example' }, at.clock.nowMs)
    await requestPayout(at.db, form.id, at.parent.guardian, at.clock.nowMs)
    await pushRefunds(at.db, at.stripe, at.clock.nowMs)
    const refund = await at.db.prepare('SELECT stripe FROM refund').first<string>('stripe')
    at.standIn.failRefund(String(refund))
    await heard(intent)
    expect(await at.letters()).toContain('refund_failed given@mail.example 10000')
  })
})

it('what of a payout goes back to its source is called a payout in the statement, and a refund by others a refund', async () => {
  const card = await deposited(10_000)
  at.standIn.refund(card.intent, 1_000)
  await heard(card.intent)
  await requested(9_000)
  await pushRefunds(at.db, at.stripe, at.clock.nowMs)
  const refund = await at.db.prepare('SELECT stripe FROM refund WHERE payout IS NOT NULL').first<string>('stripe')
  at.standIn.failRefund(String(refund))
  await heard(card.intent)
  const page = `/konto/${at.ida.account}/kontoudtog`
  const kinds = async () =>
    [...(await at.parent.get(`${page}.csv`)).text.matchAll(/Udbetaling[^;]*|Tilbagebetaling[^;]*/g)].map(
      ([kind]) => kind,
    )
  expect(await kinds()).toEqual(['Tilbagebetaling', 'Udbetaling til kort', 'Udbetaling til kort, retur'])
  await at.db.prepare("UPDATE payment SET method = 'mobilepay'").run()
  expect(await kinds()).toEqual(['Tilbagebetaling', 'Udbetaling til MobilePay', 'Udbetaling til MobilePay, retur'])
  const only = (await at.parent.get(`${page}?slags=payout_to_mobilepay`)).text
  expect(only).toContain('Kun udbetaling til MobilePay')
  expect(only.match(/<strong>Udbetaling til MobilePay<\/strong>/g)).toHaveLength(1)
  expect((await at.parent.get('/konti')).text).toContain('Udbetaling til MobilePay')
})

describe('what was short at a dispute', () => {
  it('is collected from a rejected payout, and is back with a dispute that is won', async () => {
    const paid = await deposited(10_000)
    at.clock.nowMs += 61 * DAY_MS
    const id = await requested(10_000)
    const dispute = at.standIn.dispute(paid.intent)
    await heard(paid.intent)
    expect(await suspense()).toBe(-10_000)
    await approve(at.db, id, 1, at.clock.nowMs)
    await reject(at.db, id, 1, 'Betalingen er bestridt', at.clock.nowMs)
    expect([await at.balance(), await suspense()]).toEqual([0, 0])
    await reject(at.db, id, 1, 'Betalingen er bestridt', at.clock.nowMs + 1)
    const later = await deposited(6_000)
    await heard(later.intent)
    expect(await at.balance()).toBe(6_000) // Money that did not come back stays.
    await expectSound(at.db)
    at.standIn.endDispute(dispute.id, 'won')
    await heard(paid.intent)
    expect([await at.balance(), await suspense()]).toEqual([16_000, 0])
    await expectSound(at.db)
  })

  it('is collected from a refund that Stripe refuses, so that the bank gets none of it', async () => {
    const paid = await deposited(10_000)
    await requested(10_000)
    at.standIn.dispute(paid.intent)
    await heard(paid.intent)
    await pushRefunds(at.db, at.stripe, at.clock.nowMs)
    expect([await at.balance(), await suspense()]).toEqual([0, 0])
    await expectSound(at.db)
  })

  it('is collected also where the dispute is heard of while the payout is being rejected', async () => {
    const paid = await deposited(10_000)
    at.clock.nowMs += 61 * DAY_MS
    const id = await requested(10_000)
    at.standIn.dispute(paid.intent)
    // The batch that decides waits until the dispute, of which nobody knew when all else was read, is in the book.
    const late = new Proxy(at.db, {
      get(db, name) {
        if (name !== 'batch') return Reflect.get(db, name).bind(db)
        return async (statements: D1PreparedStatement[]) => {
          await heard(paid.intent)
          return db.batch(statements)
        }
      },
    })
    expect(await reject(late, id, 1, 'Betalingen er bestridt', at.clock.nowMs)).toMatchObject({ kind: 'done' })
    expect([await at.balance(), await suspense()]).toEqual([0, 0])
    await expectSound(at.db)
  })

  it('is collected in parts, from each payout that comes back', async () => {
    const paid = await deposited(10_000)
    at.clock.nowMs += 61 * DAY_MS
    const [one, two] = [await requested(4_000), await requested(6_000)]
    at.standIn.dispute(paid.intent)
    await heard(paid.intent)
    await reject(at.db, one, 1, 'Betalingen er bestridt', at.clock.nowMs)
    expect([await at.balance(), await suspense()]).toEqual([0, -6_000])
    await reject(at.db, two, 1, 'Betalingen er bestridt', at.clock.nowMs)
    expect([await at.balance(), await suspense()]).toEqual([0, 0])
    await expectSound(at.db)
  })
})

describe('a payment that is contested', () => {
  it('in part goes neither to the bank nor to its card until the dispute is over', async () => {
    const paid = await deposited(200_000)
    const dispute = at.standIn.dispute(paid.intent, 'open', 100)
    await heard(paid.intent)
    expect(await draft(199_900)).toEqual({ kind: 'over_balance', balance: 0 })
    const other = await deposited(5_000)
    expect(await draft(5_001)).toEqual({ kind: 'over_balance', balance: 5_000 })
    expect(await draft(5_000)).toMatchObject({ payout: { bankAmount: 0, refunds: [{ amount: 5_000 }] } })
    expect(other.id).toBeTypeOf('string')
    at.standIn.endDispute(dispute.id, 'won')
    await heard(paid.intent)
    expect(await draft(205_000)).toMatchObject({ payout: { bankAmount: 0 } })
  })

  it('after a payout was drafted keeps it from being requested', async () => {
    const paid = await deposited(10_000)
    at.clock.nowMs += 61 * DAY_MS
    const drafted = await draft(5_000)
    at.standIn.dispute(paid.intent, 'open', 100)
    await heard(paid.intent)
    const id = drafted.kind === 'drafted' ? drafted.payout.id : ''
    expect(await requestPayout(at.db, id, at.parent.guardian, at.clock.nowMs)).toEqual({ kind: 'not_enough' })
    expect(await at.balance()).toBe(9_900)
  })

  it('opens no way to the bank by a refund that failed for the moment, only by one that its bank refused', async () => {
    const paid = await deposited(10_000)
    const failed = (error: string) =>
      at.db
        .prepare(
          `INSERT INTO refund (id, payment, amount, status, error, created_at) VALUES (?1, ?2, 10000, 'failed', ?1, 1)`,
        )
        .bind(error, paid.id)
        .run()
    await failed('balance_insufficient')
    expect(await draft(10_000)).toMatchObject({ payout: { bankAmount: 0 } })
    await failed('expired_or_canceled_card')
    expect(await draft(10_000)).toMatchObject({ payout: { bankAmount: 10_000 } })
  })
})

describe('a file for the bank', () => {
  let anna: Colleague
  let birthe: Colleague
  let payout: string
  let file: string
  beforeEach(async () => {
    await ownAccount(at.office)
    anna = await colleague(at.office, 'Åse  Østergård')
    birthe = await colleague(at.office, 'Birthe')
    await at.db.prepare("UPDATE guardian SET mail = 'asta@example.dk'").run()
    await deposited(10_000)
    at.clock.nowMs += 61 * DAY_MS
    payout = await requested(10_000)
    await anna.post(`/payouts/${payout}/approve`)
    file = newId()
  })
  const exported = async () => expect((await birthe.post('/payouts/export', { id: file })).status).toBe(200)
  const said = (by: Colleague, status: string, code?: string) =>
    by.post('/payouts/import-status', {
      report: bankReport(file, { transactions: { [payout]: { status, ...(code && { code }) } } }),
    })

  it('is not exported by whoever approved, in whatever way their name is written', async () => {
    for (const name of ['ÅSE ØSTERGÅRD', 'A\u030ase Østergård', ' åse østergård ']) {
      const twin = await colleague(at.office, name)
      const { body } = await twin.post('/payouts/export', { id: newId() })
      expect([name, body.error?.code]).toEqual([name, 'nothing_to_export'])
      const added = await addStaff(at.db, { name, role: 'finance', sites: [], days: 1, token: newId() }, 1, 1)
      expect([name, added]).toEqual([name, 'name_taken'])
    }
    expect(samePerson('Åse', 'Ase')).toBe(false)
    await exported()
  })

  it('that the bank did not take is released by somebody else than its maker, and the parent hears why', async () => {
    await exported()
    const reason = 'Banken tog ikke imod filen'
    const release = (by: Colleague, id = file) => by.post(`/payouts/files/${id}/release`, { reason })
    expect((await release(birthe)).body.error?.code).toBe('bank_file_own')
    expect((await release(await colleague(at.office, 'BIRTHE'))).body.error?.code).toBe('bank_file_own')
    expect((await release(anna, newId())).body.error?.code).toBe('bank_file_unknown')
    expect(await at.balance()).toBe(0)
    expect((await release(anna)).body).toEqual({ file, released: [payout], untold: 0, more: false })
    expect(await at.balance()).toBe(10_000)
    expect((await release(anna)).body).toEqual({ file, released: [], untold: 0, more: false })
    expect(await at.letters()).toContain('payout_returned asta@example.dk 10000')
    const recorded = await at.db.prepare("SELECT staff FROM audit WHERE action = 'bank_file_released'").all()
    expect(recorded.results).toEqual([{ staff: anna.id }])
    expect((await said(birthe, 'ACSC')).body).toMatchObject({ paid: [], contradicted: [payout] })
    await expectSound(at.db)
  })

  it('that the bank has paid is not released', async () => {
    await exported()
    await said(birthe, 'ACSC')
    const released = await anna.post(`/payouts/files/${file}/release`, { reason: 'Banken tog ikke imod filen' })
    expect(released.body).toMatchObject({ released: [] })
    expect(await at.balance()).toBe(0)
  })

  it('of which one person says first that it is paid and then that it came back needs another for that', async () => {
    await exported()
    expect((await said(birthe, 'ACSC')).body).toMatchObject({ paid: [payout] })
    expect((await said(birthe, 'RJCT', 'AC04')).body).toMatchObject({ returned: [], withheld: [payout] })
    expect(await at.balance()).toBe(0)
    expect((await said(anna, 'RJCT', 'AC04')).body).toMatchObject({ returned: [{ payout }], withheld: [] })
    expect(await at.balance()).toBe(10_000)
    await expectSound(at.db)
  })
})
