import { env } from 'cloudflare:test'
import { expect, it, vi } from 'vitest'
import worker from '../../worker/main.ts'
import { FORGERIES, UNWANTED } from '../local/stripe/webhooks.ts'
import { cardHolder } from './municipality.ts'
import { expectSound, MINUTE_MS, till } from './paying.ts'

/** How large the storm is here; `npm run storm` makes the whole one, with a worker that is killed in between. */
const PAYMENTS = 100
const ACCOUNTS = 10
const COPIES = 10
const PARALLEL = 20
const SEED = Number(Date.now() % 1_000_000)

/** Numbers in [0, 1) that follow from a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

it(`${PAYMENTS} payments, whose webhooks come ${COPIES} times, shuffled, late, or never, are each credited once (seed ${SEED})`, async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const random = randomOf(SEED)
  const at = await till()
  const children = [at.ida]
  while (children.length < ACCOUNTS) children.push(await cardHolder(at.office, { name: 'Bo Prøvebarn' }))
  for (const { child } of children) await at.office.post(`/children/${child}/guardians`, { cpr: '0101575001' })

  const lost = new Set<string>()
  const late = new Set<string>()
  const payments: { id: string; account: number; amount: number; intent: string }[] = []
  for (let each = 0; each < PAYMENTS; each++) {
    const account = children[each % ACCOUNTS]?.account ?? 0
    const amount = 5_000 + Math.floor(random() * 195_000)
    const { id, intent, checkout } = await at.paid({ account, amount }, { mobilepay: random() < 0.3 })
    payments.push({ id, account, amount, intent })
    const fate = random()
    const those = fate < 0.1 ? lost : fate < 0.2 ? late : null
    for (const object of [intent, checkout]) those?.add(object)
  }

  let isLateNow = false
  Object.assign(at.standIn.vices.webhooks, {
    copies: COPIES,
    parallel: PARALLEL,
    shuffledBy: random,
    never: ({ type, data }: { type: string; data: { object: object } }) => {
      const { id, payment_intent } = data.object as { id: string; payment_intent?: string }
      const isOf = (those: Set<string>) => those.has(id) || those.has(payment_intent ?? '')
      return UNWANTED.includes(type) || isOf(lost) || (!isLateNow && isOf(late))
    },
  })
  const forged: number[] = []
  const forge = async () => {
    for (let each = 0; each < PAYMENTS / 20; each++) {
      const { intent } = payments[Math.floor(random() * PAYMENTS)] ?? { intent: '' }
      const how = FORGERIES[each % FORGERIES.length] ?? 'garbage'
      forged.push(...(await at.standIn.forge('payment_intent.succeeded', at.standIn.state.intents[intent] ?? {}, how)))
    }
  }
  await Promise.all([at.standIn.deliver(), forge()])
  const told = await at.db.prepare("SELECT count(*) AS n FROM payment WHERE status = 'paid'").first<number>('n')

  // What comes late comes while the cron asks about the same payments, and again when it has.
  at.clock.nowMs += 5 * MINUTE_MS
  vi.useFakeTimers({ toFake: ['Date'], now: at.clock.nowMs })
  isLateNow = true
  const tellAll = () => {
    for (const event of at.standIn.events) at.standIn.webhooks.tell(event)
    return at.standIn.deliver()
  }
  at.standIn.vices.webhooks.copies = 1
  await Promise.all([worker.scheduled({ cron: '* * * * *' }, env as never), tellAll()])
  for (let minute = 0; minute < 5; minute++) await worker.scheduled({ cron: '* * * * *' }, env as never)
  await tellAll()
  vi.useRealTimers()

  const rows = await at.db
    .prepare(
      `SELECT payment.id, payment.account, payment.amount, payment.intent, count(transfer.id) AS credited
       FROM payment LEFT JOIN transfer ON transfer.id = 'deposit:' || payment.intent AND transfer.amount = payment.amount
         AND transfer.credit_account = payment.account
       WHERE payment.status = 'paid' GROUP BY payment.id ORDER BY payment.rowid`,
    )
    .all()
  expect(rows.results).toEqual(payments.map((payment) => ({ ...payment, credited: 1 })))
  expect(await at.transfers()).toHaveLength(PAYMENTS)
  expect(await at.letters()).toHaveLength(PAYMENTS)
  for (const { account } of children) {
    const own = payments.filter((payment) => payment.account === account)
    expect(await at.balance(account)).toBe(own.reduce((sum, { amount }) => sum + amount, 0))
  }
  expect(forged).toHaveLength(2 * (PAYMENTS / 20)) // Each at both municipalities.
  expect(new Set(forged)).toEqual(new Set([401]))
  expect(Math.min(lost.size, late.size)).toBeGreaterThan(0)
  expect(told).toBe(PAYMENTS - (lost.size + late.size) / 2)
  await expectSound(at.db)
})
