import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ore } from '../../shared/money.ts'
import type { Env } from '../../worker/env.ts'
import { liabilities } from '../../worker/ledger/liabilities.ts'
import { post } from '../../worker/ledger/transfers.ts'
import worker from '../../worker/main.ts'
import { clearing, importBook } from '../../worker/payments/clearing.ts'
import { settle } from '../../worker/payments/settlements.ts'
import { openPayment } from '../../worker/payments/stripe/stripe.ts'
import { newSale } from './municipality.ts'
import { expectSound, HOUR_MS, type Till, till } from './paying.ts'

let at: Till

beforeEach(async () => {
  at = await till()
  return () => expectSound(at.db)
})

const imported = ({ shared = false, statementsMax = 1_000 } = {}) =>
  importBook(at.db, at.stripe, { shared, statementsMax }, at.clock.nowMs)
const cleared = () => clearing(at.db, at.clock.nowMs)
const heldThere = () =>
  at.standIn.state.lines.filter(({ currency }) => currency === 'dkk').reduce((sum, { net }) => sum + net, 0)
const lines = async () =>
  (await at.db.prepare('SELECT id, net FROM balance_transaction').all<{ id: string; net: number }>()).results

/** A day passes, so that nothing is put down to timing any more. */
const wait = () => {
  at.clock.nowMs += 24 * HOUR_MS
}

describe('the import of Stripe’s book', () => {
  it('books fees and what was paid out to the bank, and the clearing account is what Stripe holds', async () => {
    const card = await at.paid({ amount: 50_000 })
    const phone = await at.paid({ amount: 20_000 }, { mobilepay: true })
    for (const { id } of [card, phone]) await settle(at.db, at.stripe, id, at.clock.nowMs)
    at.standIn.payOut(40_000)
    const fees = at.standIn.state.lines.reduce((sum, { fee }) => sum + fee, 0)
    expect(fees).toBeGreaterThan(0)
    expect(await imported()).toEqual({ kind: 'imported', lines: 3, booked: 3, asked: 0, more: false })
    expect(await liabilities(at.db)).toMatchObject({
      owed: { total: 70_000 },
      held: { bank: 40_000, stripe: 30_000 - fees },
      own: { stripeFees: -fees },
    })
    const { here, there, difference, differences, timing } = await cleared()
    expect([here, there]).toEqual([heldThere(), heldThere()])
    expect({ difference, differences, timing }).toEqual({
      ...{ difference: 0, differences: [] },
      timing: { count: 0, amount: 0 },
    })
  })

  it('again, and by many at once, stores and books nothing twice', async () => {
    const { id } = await at.paid()
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    at.standIn.payOut(5_000)
    await Promise.all([imported(), imported(), imported()])
    const before = [await lines(), await at.transfers()]
    expect(await imported()).toMatchObject({ lines: 0, booked: 0, asked: 0 })
    expect([await lines(), await at.transfers()]).toEqual(before)
    expect(before.map((each) => each.length)).toEqual([2, 3])
    expect((await cleared()).difference).toBe(0)
  })

  it('tells what no webhook told: payments, refunds and disputes made at Stripe', async () => {
    const [first, second, third] = [await at.paid(), await at.paid(), await at.paid()]
    at.standIn.refund(first.intent, 4_000)
    at.standIn.dispute(second.intent, 'lost')
    at.standIn.dispute(third.intent, 'won')
    expect(await imported()).toMatchObject({ kind: 'imported', asked: 3 })
    expect(await at.row(first.id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(30_000 - 4_000 - 10_000)
    wait()
    expect(await cleared()).toMatchObject({ difference: 0, differences: [], timing: { count: 0 } })
    expect((await cleared()).here).toBe(heldThere())
  })

  it('knows a refund and a dispute by both their halves, where the wallet had spent the money', async () => {
    const [first, second] = [await at.paid(), await at.paid()]
    await imported()
    const spent = { kind: 'correction', staff: null, reason: null, debitAccount: at.ida.account } as const
    const movement = { ...spent, id: 'correction:spent', creditAccount: 'suspense', amount: ore(17_000) } as const
    await at.db.batch(post(at.db, movement, at.clock.nowMs))
    at.standIn.refund(first.intent, 5_000)
    at.standIn.dispute(second.intent, 'won')
    await imported()
    expect((await at.transfers()).filter((each) => each.includes(':short'))).not.toEqual([])
    wait()
    expect(await cleared()).toMatchObject({ here: heldThere(), difference: 0, differences: [] })
  })

  it('takes back a refund that failed after all', async () => {
    const { intent } = await at.paid({}, { card: '4000000000007726' })
    const refund = at.standIn.refund(intent, 4_000)
    await imported()
    expect(await at.balance()).toBe(6_000)
    at.standIn.failRefund(refund.id)
    at.clock.nowMs += HOUR_MS
    await imported()
    expect(await at.balance()).toBe(10_000)
    wait()
    expect(await cleared()).toMatchObject({ difference: 0, differences: [] })
  })

  it('stores lines in other currencies, says so, and books none of them', async () => {
    const { id } = await at.paid({}, { currency: 'eur' })
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    const moved = await at.transfers()
    await imported()
    expect(await at.transfers()).toEqual(moved)
    const [line] = at.standIn.state.lines
    expect(await cleared()).toMatchObject({
      ...{ here: 0, there: 0, differences: [] },
      foreign: [{ currency: 'eur', count: 1, net: line?.net }],
    })
  })

  it('goes on where it stopped when Stripe did not answer, at the page or at a payment', async () => {
    const { intent } = await at.paid()
    at.standIn.fail('busy', { on: /balance_transactions/, times: 2 })
    expect(await imported()).toMatchObject({ kind: 'unavailable' })
    at.standIn.fail('busy', { on: new RegExp(`payment_intents/${intent}`), times: 2 })
    expect(await imported()).toMatchObject({ kind: 'unavailable' })
    expect([await lines(), await at.transfers()]).toEqual([[], []])
    expect(await imported()).toMatchObject({ kind: 'imported', lines: 1 })
    expect(await at.balance()).toBe(10_000)
  })

  it('of many pages stores each line, and of later days only what is new', async () => {
    const { standIn } = at
    await at.paid()
    const [made] = standIn.state.lines
    if (!made) throw new Error('no line')
    const start = made.created
    for (let count = 1; count <= 230; count += 1) {
      const fee = { amount: -count, fee: 0, net: -count, source: null, type: 'stripe_fee' as const }
      standIn.state.lines.push({ ...made, ...fee, id: `txn_${String(count).padStart(3, '0')}`, created: start + count })
    }
    expect(await imported()).toMatchObject({ lines: 231, booked: 231, more: false })
    expect((await lines()).reduce((sum, { net }) => sum + net, 0)).toBe(heldThere())
    expect((await cleared()).difference).toBe(0)
    const late = start + 10 * 86_400
    standIn.state.lines.push({
      ...made,
      type: 'stripe_fee',
      id: 'txn_late',
      created: late,
      amount: -5,
      fee: 0,
      net: -5,
    })
    expect(await imported()).toMatchObject({ lines: 1, booked: 1 })
  })

  it('gets past payments that are not ours, however many they are, to those that are', async () => {
    for (let count = 0; count < 60; count += 1) await at.paid({ amount: 5_000 })
    await at.db.prepare('DELETE FROM payment').run()
    const { id } = await at.paid({ amount: 7_000 })
    expect(await imported()).toMatchObject({ kind: 'imported', asked: 50, lines: 50, more: true })
    expect(await imported()).toMatchObject({ kind: 'imported', asked: 11, lines: 11, more: false })
    expect(await at.row(id)).toMatchObject({ status: 'paid' })
    expect(await at.balance()).toBe(7_000)
  })

  it('stores what comes before a payment that Stripe does not answer about', async () => {
    const [first, second] = [await at.paid(), await at.paid()]
    at.standIn.fail('busy', { on: new RegExp(`payment_intents/${second.intent}`), times: 2 })
    expect(await imported()).toMatchObject({ kind: 'unavailable' })
    expect([await lines(), await at.row(first.id)]).toMatchObject([[{}], { status: 'paid' }])
    expect(await imported()).toMatchObject({ lines: 1, asked: 1 })
  })

  /** So many lines of nothing that is booked, a second apart from an instant on, in seconds. */
  function fill(count: number, fromS: number) {
    const [made] = at.standIn.state.lines
    if (!made) throw new Error('no line')
    const nothing = { amount: 0, fee: 0, net: 0, source: null, type: 'adjustment' as const }
    const filler = Array.from({ length: count }, (_, index) => ({
      ...{ ...made, ...nothing },
      ...{ id: `txn_${fromS}_${String(index).padStart(6, '0')}`, created: fromS + index },
    }))
    at.standIn.state.lines.push(...filler)
    at.standIn.state.lines.sort((one, other) => one.created - other.created)
  }

  it('of a day of more than 10,000 lines comes to the end, in runs that each get on', async () => {
    await at.paid()
    const start = at.standIn.state.lines[0]?.created ?? 0
    fill(10_200, start + 1)
    const runs = [await imported(), await imported(), await imported()]
    expect(runs.map((run) => run.kind === 'imported' && run.lines > 1_000 && run.more)).toEqual([true, true, false])
    expect(await lines()).toHaveLength(10_201)
  }, 60_000)

  it('begins at the first payment here, not with what the account was used for before', async () => {
    await at.paid()
    fill(300, Math.floor(at.clock.nowMs / 1000) - 400 * 86_400)
    expect(await imported()).toMatchObject({ lines: 1, more: false })
  })

  it('takes no more statements than it may, and goes on from there', async () => {
    await at.paid()
    const [made] = at.standIn.state.lines
    if (!made) throw new Error('no line')
    for (let count = 1; count <= 30; count += 1) {
      const fee = { amount: -count, fee: 0, net: -count, source: null, type: 'stripe_fee' as const }
      at.standIn.state.lines.push({ ...made, ...fee, id: `txn_fee_${count}`, created: made.created + count })
    }
    const runs = []
    for (let run = 0; run < 3; run += 1) runs.push(await imported({ statementsMax: 34 }))
    expect(runs).toMatchObject([
      { lines: 11, booked: 11, asked: 1, more: true },
      { lines: 17, booked: 17, more: true },
      { lines: 3, booked: 3, more: false },
    ])
    expect((await cleared()).difference).toBe(0)
  })

  it('of an account that municipalities share takes only what is of payments here', async () => {
    const other = {
      payment: newSale(),
      amount: 7_000,
      mail: 'b@mail.example',
      item: 'Indbetaling',
      language: 'da' as const,
    }
    const done = 'http://7620.localhost/done'
    const opened = await openPayment(at.account(7620), { ...other, done, back: done }, at.clock.nowMs)
    if (opened.kind !== 'page') throw new Error('no page')
    at.standIn.pay(opened.checkout)
    const { id } = await at.paid()
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    at.standIn.payOut(1_000)
    expect(await imported({ shared: true })).toMatchObject({ lines: 1, booked: 1, asked: 0 })
    wait()
    expect(await cleared()).toMatchObject({ difference: 0, differences: [], lines: 1 })
    expect(await imported()).toMatchObject({ lines: 2 })
    expect((await cleared()).differences).toMatchObject([{ kind: 'missing_here', here: 0, there: 7_000 }])
  })
})

describe('the clearing report', () => {
  const credited = async (id: string, amount: number) => {
    const movement = { debitAccount: 'psp_clearing', creditAccount: 'suspense', staff: null, reason: null } as const
    await at.db.batch(post(at.db, { id, kind: 'deposit', ...movement, amount: ore(amount) }, at.clock.nowMs))
  }

  /** A line of a kind that the product knows nothing of, of long ago. */
  const unknownLine = () =>
    at.db
      .prepare(
        `INSERT INTO balance_transaction (id, type, amount, fee, net, currency, source, created_at, booked_at)
         VALUES ('txn_x', 'topup', 500, 0, 500, 'dkk', 'tu_x', 1, 1)`,
      )
      .run()

  it('names what was credited here without a line there, once it is no matter of time', async () => {
    await at.paid()
    await imported()
    await credited('deposit:pi_nobody', 3_000)
    expect(await cleared()).toMatchObject({ difference: 3_000, timing: { count: 1, amount: 3_000 }, differences: [] })
    wait()
    const { difference, timing, differences } = await cleared()
    expect({ difference, timing }).toEqual({ difference: 3_000, timing: { count: 0, amount: 0 } })
    expect(differences).toMatchObject([
      { kind: 'missing_there', subject: 'pi_nobody', type: 'deposit', here: 3_000, there: 0 },
    ])
  })

  it('names lines without a transfer here, and amounts that differ', async () => {
    const { intent } = await at.paid()
    await imported()
    await at.db.prepare('UPDATE balance_transaction SET amount = amount + 7, net = net + 7').run()
    await unknownLine()
    wait()
    const { difference, differences } = await cleared()
    expect(difference).toBe(-507)
    expect(differences).toMatchObject([
      { kind: 'amounts_differ', subject: intent, here: 10_000, there: 10_007 },
      { kind: 'missing_here', subject: 'tu_x', type: 'topup', here: 0, there: 500 },
    ])
  })

  it('is kept by the hourly cron, which says aloud what it cannot explain', async () => {
    const said: string[] = []
    vi.spyOn(console, 'error').mockImplementation((line) => said.push(line))
    const tick = () => worker.scheduled({ cron: '17 * * * *' }, env as unknown as Env)
    const { id } = await at.paid()
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    await tick()
    expect(await lines()).toHaveLength(1)
    expect(said).toEqual([])
    await unknownLine()
    await tick()
    expect(said.map((line) => JSON.parse(line))).toEqual([
      { level: 'error', event: 'clearing', municipality: 4000, difference: -500, timing: 0, unexplained: 1 },
    ])
  })
})

it('an hourly task that fails keeps nothing from those after it', async () => {
  const said: { event: string; task?: string }[] = []
  for (const level of ['error', 'log'] as const) {
    vi.spyOn(console, level).mockImplementation((line) => said.push(JSON.parse(line)))
  }
  const failing = new Proxy(at.db, {
    get(db, name) {
      if (name !== 'prepare') return Reflect.get(db, name).bind(db)
      return (sql: string) => {
        if (sql.includes('AS transfers')) throw new Error('no ledger check today')
        return db.prepare(sql)
      }
    },
  })
  const attempts = () => at.db.prepare('SELECT count(*) AS count FROM login_attempt').first<number>('count')
  await at.db
    .prepare(
      `INSERT INTO login_attempt (hash, state, nonce, verifier, return_to, confirms, created_at)
       VALUES ('h', 's', 'n', 'v', '/konti', NULL, 1)`,
    )
    .run()
  await worker.scheduled({ cron: '17 * * * *' }, { ...env, DB_4000: failing } as unknown as Env)
  expect(said.filter(({ event }) => event === 'cron_failure')).toMatchObject([
    { municipality: 4000, task: 'ledger_check', error: 'no ledger check today' },
  ])
  expect(await attempts()).toBe(0)
})

// ── Any history ─────────────────────────────────────────────────────────────

const step = fc.record({
  do: fc.constantFrom(
    'pay',
    'pay',
    'phone',
    'refund',
    'refund',
    'dispute',
    'win',
    'pay out',
    'settle',
    'deliver',
    'import',
  ),
  which: fc.nat({ max: 4 }),
  amount: fc.integer({ min: 50, max: 200 }).map((kroner) => kroner * 100),
})

it('after any history, told or not, the books agree once they have been imported', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 16, size: 'max' }), async (steps) => {
      at = await till()
      const paid: { id: string; intent: string; left: number; disputed: boolean }[] = []
      for (const { do: what, which, amount } of steps) {
        at.clock.nowMs += 20 * 60_000
        const one = paid[which % Math.max(paid.length, 1)]
        if (what === 'pay' || what === 'phone') {
          const made = await at.paid({ amount }, what === 'phone' ? { mobilepay: true } : {})
          paid.push({ ...made, left: amount, disputed: false })
        } else if (what === 'import') {
          await imported()
        } else if (what === 'deliver') {
          await at.standIn.deliver()
        } else if (what === 'pay out') {
          if (heldThere() > 1_000) at.standIn.payOut(Math.floor(heldThere() / 2))
        } else if (one && what === 'settle') {
          await settle(at.db, at.stripe, one.id, at.clock.nowMs)
        } else if (one && what === 'refund' && one.left > 1_000 && !one.disputed) {
          at.standIn.refund(one.intent, 1_000)
          one.left -= 1_000
        } else if (one && !one.disputed && (what === 'dispute' || what === 'win')) {
          at.standIn.dispute(one.intent, what === 'win' ? 'won' : 'lost', one.left)
          one.disputed = true
        }
        const { difference, timing, differences } = await cleared()
        expect(difference).toBe(timing.amount + differences.reduce((sum, { here, there }) => sum + here - there, 0))
      }
      await imported()
      wait()
      expect(await cleared()).toMatchObject({ here: heldThere(), there: heldThere(), difference: 0, differences: [] })
      expect((await liabilities(at.db)).difference).toBe(0)
      await expectSound(at.db)
    }),
    { numRuns: 8 },
  )
})
