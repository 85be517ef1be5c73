import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ore } from '../../shared/money.ts'
import { post } from '../../worker/ledger/transfers.ts'
import worker from '../../worker/main.ts'
import { reconcile } from '../../worker/payments/reconciliation.ts'
import { applyIntent } from '../../worker/payments/refunds.ts'
import { cancelPayment, settle } from '../../worker/payments/settlements.ts'
import { newSale } from './municipality.ts'
import { expectSound, MINUTE_MS, type Till, till } from './paying.ts'
import * as meant from './payment-model.ts'

/*
 * Random histories of one wallet and its deposits are told to the model and to the worker: pages that are opened, paid,
 * left and refused, money that goes back, and what of it is told here, never, twice, or in disorder. After each step both
 * hold the same, and at the end clearing holds what Stripe's own book says. A failure prints fast-check's seed and path.
 */

const HISTORIES = 16
/** How often so many more are lived, where something rare has not been come by. */
const ROUNDS_MAX = 5

const which = fc.nat({ max: 3 })
const does = <T extends string>(what: T) => fc.constant(what)
const answer = fc.constantFrom<meant.Answer[]>('fine', 'fine', 'fine', 'fine', 'busy', 'answer lost', 'kept failure')

const step = fc.oneof(
  { weight: 14, arbitrary: fc.record({ do: does('begin'), amount: fc.constantFrom(5_000, 10_000, 12_345), answer }) },
  { weight: 10, arbitrary: fc.record({ do: does('again'), which, other: fc.boolean(), answer }) },
  {
    weight: 22,
    arbitrary: fc.record({
      do: does('pay'),
      which,
      by: fc.constantFrom('card', 'card', 'mobilepay', 'declined', 'declined, then card'),
      skew: fc.constantFrom<('none' | 'amount' | 'currency')[]>('none', 'none', 'none', 'none', 'amount', 'currency'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: does('cancel'), which }) },
  { weight: 4, arbitrary: fc.record({ do: does('expire'), which }) },
  { weight: 10, arbitrary: fc.record({ do: does('settle'), which, times: fc.constantFrom(1, 3), away: fc.boolean() }) },
  {
    weight: 16,
    arbitrary: fc.record({
      do: does('webhooks'),
      copies: fc.constantFrom(1, 2),
      lost: fc.nat({ max: 7 }),
      seed: which,
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: does('cron') }) },
  { weight: 8, arbitrary: fc.record({ do: does('refund'), which, part: fc.option(fc.constantFrom(1_000, 4_000)) }) },
  { weight: 6, arbitrary: fc.record({ do: does('refund fails'), which }) },
  { weight: 5, arbitrary: fc.record({ do: does('dispute'), which }) },
  { weight: 6, arbitrary: fc.record({ do: does('dispute ends'), which, end: fc.constantFrom('won', 'lost') }) },
  { weight: 8, arbitrary: fc.record({ do: does('spend'), amount: fc.constantFrom(2_000, 9_000) }) },
  { weight: 10, arbitrary: fc.record({ do: does('wait'), seconds: fc.constantFrom(20, 45, 130, 1_000, 2_200) }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

let at: Till
let histories = 0
let stripeSays: meant.Answer = 'fine'
const seen = new Map<string, number>()
const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

beforeEach(async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  at = await till()
  at.clock.nowMs = Math.ceil(at.clock.nowMs / 1000) * 1000
  vi.useFakeTimers({ toFake: ['Date'], now: at.clock.nowMs })
  // Every failure is said to be not worth another try at once, so that the SDK does not wait for one.
  const wire = vi.mocked(globalThis.fetch).getMockImplementation() ?? fetch
  const failed = (status: number) =>
    Response.json({ error: { type: 'api_error' } }, { status, headers: { 'stripe-should-retry': 'false' } })
  vi.mocked(globalThis.fetch).mockImplementation(async (input, init) => {
    const says = stripeSays
    if (says === 'busy') return failed(503)
    if (says === 'kept failure') at.standIn.fail('error', { times: 1 })
    const given = await wire(input, init)
    at.standIn.mend()
    if (says === 'answer lost') return failed(503)
    return given.status === 500 ? failed(500) : given
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Another wallet of the same parent; what a history that failed has left is over. */
async function wallet(): Promise<number> {
  histories += 1
  const [child, account] = [10_000 + histories, 20_000 + histories]
  await at.db.batch([
    at.db.prepare("UPDATE payment SET status = 'failed', check_at = NULL WHERE status IN ('created', 'open')"),
    at.db.prepare("INSERT INTO child (id, name, created_at) VALUES (?, 'Bo Prøvebarn', 0)").bind(child),
    at.db.prepare("INSERT INTO account (id, kind, floor, child) VALUES (?, 'wallet', 0, ?)").bind(account, child),
    at.db
      .prepare(
        `INSERT INTO guardianship (child, cpr_hash, created_at)
         SELECT ?, cpr_hash, 0 FROM guardian WHERE guardian.id = ?`,
      )
      .bind(child, at.parent.guardian),
  ])
  return account
}

/** What the wallet, suspense and clearing hold, and how many receipts have been sent for the wallet. */
async function held(account: number): Promise<number[]> {
  const found = await at.db
    .prepare(
      `SELECT json_each.key AS place,
         coalesce((SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0) AS held
       FROM json_each(?1) JOIN account ON account.id = value OR account.kind = value
       UNION ALL SELECT 3, count(*) FROM outbox JOIN payment ON cause = 'payment:' || payment.id
       WHERE payment.account = ?2 AND kind = 'deposited' ORDER BY place`,
    )
    .bind(JSON.stringify([account, 'suspense', 'psp_clearing']), account)
    .all<{ held: number }>()
  return found.results.map((row) => row.held)
}

async function live(steps: readonly Step[]) {
  at.standIn.vices.webhooks.never = () => true
  await at.standIn.deliver()
  const account = await wallet()
  const began = await held(account)
  const model = meant.emptyModel(at.clock.nowMs)
  const ids: string[] = []
  const payer = { guardian: at.parent.guardian, account }
  let spendings = 0

  const number = (index: number) => index % Math.max(1, ids.length)
  const paymentAt = (index: number) => model.payments[number(index)]
  const checkoutOf = (payment: meant.PaymentModel) => {
    const id = ids[model.payments.indexOf(payment)]
    const page = Object.values(at.standIn.state.sessions).find(({ metadata }) => metadata?.payment === id)
    if (!page) throw new Error('the payment has no page')
    return page.id
  }
  const intentOf = (payment: meant.PaymentModel) => at.standIn.intentOf(checkoutOf(payment)).id
  /** A payment for which it can be done, mostly, so that histories get far. */
  const fitting = (index: number, fits: (payment: meant.PaymentModel) => boolean) => {
    const those = model.payments.filter(fits)
    return those[index % Math.max(1, those.length)]
  }
  const pass = (ms: number) => {
    meant.passTime(model, ms)
    at.clock.nowMs = model.now
    vi.setSystemTime(model.now)
    // A page ends at Stripe by itself; in the stand-in, when somebody asks it for something.
    for (const page of Object.values(at.standIn.state.sessions)) {
      if (page.status === 'open' && page.expires_at * 1000 <= model.now) at.standIn.expire(page.id)
    }
  }

  async function send(payment: number, amount: number, answer: meant.Answer, expected: string) {
    stripeSays = answer
    const begun = await at.begin({ id: ids[payment] ?? '', account, amount })
    stripeSays = 'fine'
    expect(begun.kind).toBe(expected)
    note(`begun ${expected}`)
  }

  /** The refunds, or the disputes, of a payment at Stripe, in the model's order. */
  const backs = (kind: 'refunds' | 'disputes', payment: meant.PaymentModel) =>
    Object.values<{ id: string; payment_intent: unknown }>(at.standIn.state[kind]).filter(
      (back) => back.payment_intent === intentOf(payment),
    )

  function end(kind: 'refunds' | 'disputes', index: number, how: 'returned' | 'lost') {
    const open = ({ atStripe }: meant.BackModel) => atStripe === 'gone'
    const payment = fitting(index, (one) => one[kind].some(open))
    const back = payment?.[kind].find(open)
    if (!payment || !back) return
    const { id } = backs(kind, payment)[payment[kind].indexOf(back)] ?? { id: '' }
    if (kind === 'refunds') at.standIn.failRefund(id)
    else at.standIn.endDispute(id, how === 'lost' ? 'lost' : 'won')
    meant.endBack(payment, back, how)
    note(`${kind} ${how}`)
  }

  /** The events so far, payment by payment: what is short depends on whose is told first, and on nothing else. */
  async function webhooks(step: { copies: number; lost: number; seed: number }) {
    at.standIn.vices.webhooks.never = () => true
    await at.standIn.deliver()
    let drawn = step.seed
    Object.assign(at.standIn.vices.webhooks, {
      copies: step.copies,
      parallel: 2,
      never: () => false,
      shuffledBy: () => {
        drawn = (drawn * 7 + 3) % 11
        return drawn / 11
      },
    })
    const news = at.standIn.events.splice(0)
    const intents = new Map(model.payments.filter(({ tried }) => tried).map((one) => [intentOf(one), one]))
    const indexOf = ({ data }: (typeof news)[number]) => {
      const about: Record<string, unknown> = { ...data.object }
      const payment = intents.get(String(about.payment_intent ?? about.id))
      const named = about.metadata as { payment?: string } | undefined
      return payment ? model.payments.indexOf(payment) : ids.indexOf(named?.payment ?? '')
    }
    for (const [index, payment] of model.payments.entries()) {
      const own = news.filter((event) => indexOf(event) === index)
      if (((step.lost >> (index % 3)) & 1) === 1) {
        payment.untold.clear()
        continue
      }
      for (const event of own) at.standIn.webhooks.tell(event)
      await at.standIn.deliver()
      expect(at.standIn.webhooks.waiting()).toBe(0)
      meant.hear(model, payment)
    }
  }

  async function cron() {
    const due = await at.db
      .prepare("SELECT id FROM payment WHERE check_at <= ? AND status IN ('created', 'open')")
      .bind(model.now)
      .all<{ id: string }>()
    await reconcile(at.db, at.stripe, model.now)
    for (const { id } of due.results) {
      const payment = model.payments[ids.indexOf(id)]
      if (payment) meant.settle(model, payment)
    }
  }

  async function take(step: Step): Promise<void> {
    switch (step.do) {
      case 'begin': {
        ids.push(newSale())
        return send(ids.length - 1, step.amount, step.answer, meant.begin(model, step.amount, step.answer))
      }
      case 'again': {
        const payment = paymentAt(step.which)
        if (!payment) return
        const amount = step.other && step.which === 3 ? 7_777 : payment.amount
        return send(number(step.which), amount, step.answer, meant.again(model, payment, amount, step.answer))
      }
      case 'pay': {
        const payment = fitting(step.which, ({ page }) => page === 'open')
        if (!payment) return
        const page = checkoutOf(payment)
        if (step.by.startsWith('declined')) {
          expect(at.standIn.pay(page, { card: '4000000000009995' }).kind).toBe('declined')
          meant.decline(payment)
        }
        note(`paid by ${step.by}`)
        if (step.by === 'declined') return
        // What an intent is for is settled by the first try.
        const skew = step.by === 'declined, then card' || payment.tried ? 'none' : step.skew
        const paid = {
          amount: payment.amount - (skew === 'amount' ? 100 : 0),
          currency: skew === 'currency' ? 'eur' : 'dkk',
        }
        at.standIn.pay(page, { ...paid, mobilepay: step.by === 'mobilepay' })
        return meant.pay(payment, paid)
      }
      case 'cancel': {
        const payment = paymentAt(step.which)
        if (!payment) return
        const id = ids[number(step.which)] ?? ''
        const view = await cancelPayment(at.db, at.stripe, { id, ...payer }, model.now)
        meant.cancel(model, payment)
        expect(view?.status).toBe(['created', 'open'].includes(payment.status) ? 'waiting' : payment.status)
        return
      }
      case 'expire': {
        const payment = fitting(step.which, ({ page }) => page === 'open')
        if (!payment) return
        at.standIn.expire(checkoutOf(payment))
        return meant.expire(payment)
      }
      case 'settle': {
        const payment = paymentAt(step.which)
        if (!payment) return
        const id = ids[number(step.which)] ?? ''
        const away = step.away && (payment.pageKnown || payment.intentKnown)
        stripeSays = away ? 'busy' : 'fine'
        const asked = Array.from({ length: step.times }, () => settle(at.db, at.stripe, id, model.now, payer))
        const views = await Promise.all(asked)
        stripeSays = 'fine'
        if (!away) meant.settle(model, payment)
        for (const view of views) {
          expect(view?.status).toBe(['created', 'open'].includes(payment.status) ? 'waiting' : payment.status)
        }
        return
      }
      case 'webhooks':
        return webhooks(step)
      case 'cron':
        return cron()
      case 'refund': {
        const payment = fitting(step.which, (one) => meant.leftToRefund(one) > 0)
        if (!payment) return
        const amount = Math.min(meant.leftToRefund(payment), step.part ?? Number.POSITIVE_INFINITY)
        at.standIn.refund(intentOf(payment), amount)
        return meant.goBack(payment, 'refunds', amount)
      }
      case 'dispute': {
        const payment = fitting(step.which, (one) => meant.leftToRefund(one) > 0)
        if (!payment) return
        const amount = meant.leftToRefund(payment)
        at.standIn.dispute(intentOf(payment))
        return meant.goBack(payment, 'disputes', amount)
      }
      case 'refund fails':
        return end('refunds', step.which, 'returned')
      case 'dispute ends':
        return end('disputes', step.which, step.end === 'won' ? 'returned' : 'lost')
      case 'spend': {
        const amount = meant.spend(model, step.amount)
        if (amount === 0) return
        spendings += 1
        const about = {
          id: `correction:${account}-${spendings}`,
          kind: 'correction',
          staff: 1,
          reason: 'spent',
        } as const
        const money = { ...about, debitAccount: account, creditAccount: 'suspense', amount: ore(amount) } as const
        await at.db.batch(post(at.db, money, model.now))
        return
      }
      case 'wait':
        return pass(step.seconds * 1000)
    }
  }

  async function expectAsMeant(after: string) {
    const rows = await at.db
      .prepare('SELECT id, status FROM payment WHERE account = ? ORDER BY rowid')
      .bind(account)
      .all<{ id: string; status: string }>()
    const statuses = model.payments.map(({ status }, index) => ({ id: ids[index], status }))
    expect([after, rows.results]).toEqual([after, statuses])
    const moved = (await held(account)).map((balance, index) => balance - (began[index] ?? 0))
    const { wallet, suspense, clearing, receipts } = model
    expect([after, moved]).toEqual([after, [wallet, suspense, clearing, receipts]])
  }

  for (const step of steps) {
    await take(step)
    await expectAsMeant(JSON.stringify(step))
    pass(1000)
  }

  // What nobody tells any more, the cron finds; and what went back is told by its intent, whenever that is.
  for (let times = 0; times < 3; times++) {
    pass(33 * MINUTE_MS)
    await cron()
  }
  for (const payment of model.payments) {
    expect(payment.status).not.toMatch(/^(created|open)$/)
    if (payment.tried) {
      await applyIntent(at.db, at.stripe, intentOf(payment), model.now)
      payment.untold = new Set(['intent'])
      meant.hear(model, payment)
    }
    note(payment.status)
  }
  await expectAsMeant('at the end')
  const tried = new Set(model.payments.filter((one) => one.tried).map(intentOf))
  const { lines, charges, refunds, disputes } = at.standIn.state
  const intentOfLine = (source: string) =>
    String((charges[source] ?? refunds[source] ?? disputes[source])?.payment_intent ?? '')
  const book = lines.filter(({ source, currency }) => currency === 'dkk' && tried.has(intentOfLine(String(source))))
  expect(model.clearing).toBe(0 - book.reduce((sum, { amount }) => sum + amount, 0))
  await webhooks({ copies: 2, lost: 0, seed: 1 })
  await expectAsMeant('when all is told again')
  await worker.scheduled({ cron: '* * * * *' }, env as never)
  await expectAsMeant('when the clock has run on')
}

it(`deposits do as the model says, whatever is told of them, over ${HISTORIES} random histories and more`, async () => {
  const history = fc.array(step, { minLength: 15, maxLength: 40, size: 'max' })
  // The histories are worth something only if they come by everything that can happen.
  for (let round = 0; round < ROUNDS_MAX && EVERYTHING.some((what) => !seen.has(what)); round += 1) {
    await fc.assert(fc.asyncProperty(history, live), { numRuns: HISTORIES, examples: EXAMPLES, endOnFailure: true })
  }
  await expectSound(at.db)
  for (const what of EVERYTHING) expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
}, 240_000)

/** A history that is always lived: nobody can be refused a page but by waiting, and chance may not come by all ends. */
const EXAMPLES: [Step[]][] = [
  [
    [
      { do: 'begin', amount: 5_000, answer: 'busy' },
      { do: 'wait', seconds: 130 },
      { do: 'again', which: 0, other: false, answer: 'fine' },
      { do: 'begin', amount: 10_000, answer: 'answer lost' },
      { do: 'pay', which: 0, by: 'card', skew: 'none' },
      { do: 'webhooks', copies: 2, lost: 0, seed: 1 },
      { do: 'spend', amount: 9_000 },
      { do: 'begin', amount: 10_000, answer: 'fine' },
      { do: 'pay', which: 0, by: 'declined, then card', skew: 'none' },
      { do: 'refund', which: 0, part: null },
      { do: 'webhooks', copies: 1, lost: 0, seed: 2 },
      { do: 'refund fails', which: 0 },
      { do: 'dispute', which: 1 },
      { do: 'webhooks', copies: 2, lost: 0, seed: 3 },
      { do: 'dispute ends', which: 0, end: 'won' },
      { do: 'begin', amount: 12_345, answer: 'fine' },
      { do: 'pay', which: 0, by: 'mobilepay', skew: 'none' },
      { do: 'settle', which: 3, times: 3, away: false },
      { do: 'dispute', which: 2 },
      { do: 'dispute ends', which: 0, end: 'lost' },
      { do: 'begin', amount: 5_000, answer: 'fine' },
      { do: 'cancel', which: 3 },
    ],
  ],
]

const EVERYTHING = [
  ...['paid', 'mismatch', 'failed', 'expired', 'cancelled'],
  ...['page', 'ended', 'refused', 'unavailable', 'changed'].map((kind) => `begun ${kind}`),
  ...['refunds returned', 'disputes returned', 'disputes lost'],
  ...['paid by card', 'paid by mobilepay', 'paid by declined, then card'],
]
