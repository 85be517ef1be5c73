import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { type Office, office, setUp } from './office.ts'
import { freePorts, type Running } from './processes.ts'
import { type LocalStripe, startStripe } from './stripe/server.ts'
import { FORGERIES, UNWANTED } from './stripe/webhooks.ts'
import { build, migrate, secretsIn, startWorker } from './worker.ts'

/*
 * Payments, and a storm of webhooks about them at a real worker process that is killed again and again: each ten times,
 * shuffled, some only after everything else, some never, some forged. At the end every payment is to be credited once.
 * `npm run storm -- 200 7` makes 200 of them, by seed 7.
 */

const PAYMENTS = Number(process.argv[3] ?? 1000)
const SEED = Number(process.argv[4] ?? Date.now() % 1_000_000)
const ACCOUNTS = 50
const COPIES = 10
const PARALLEL = 16
const NEVER = 0.1
const LATE = 0.1
const FORGED = 0.05
const RESTARTS = 4
/** Soon, so that the worker is killed once in a small storm too. */
const FIRST_KILL_MS = 1_000
const CPR = '0101575001' // Nobody's: it would be of 2057.

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
const random = randomOf(SEED)

let right = true
function outcome(what: string, is: number, should: number) {
  const fits = is === should
  right &&= fits
  console.log(`  ${fits ? '✓' : '✗'} ${what}: ${is}${fits ? '' : `   (should be ${should})`}`)
}

/** The worker under test: it can be killed and comes back on the same databases. */
type Host = {
  url: string
  running: Running
  restart(): Promise<void>
  up(): Promise<void>
  restarts(): number
  ask<T>(path: string, body: object): Promise<T>
}

async function host(folder: string, port: number, stripe: LocalStripe): Promise<Host> {
  const { SETUP_KEY } = await secretsIn(folder)
  const url = `http://localhost:${port}`
  const secrets = {
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
    STRIPE_ADDRESS: stripe.address,
  }
  const bundle = await build(folder, 'test/local/storm.mjs')
  const start = () => startWorker(folder, port, { secrets, bundle })
  let restarting: Promise<void> = Promise.resolve()
  let restarts = 0
  const self: Host = {
    url,
    running: await start(),
    up: () => restarting,
    restart() {
      restarting = (async () => {
        await self.running.kill()
        self.running = await start()
        restarts += 1
      })()
      return restarting
    },
    restarts: () => restarts,
    async ask(path, body) {
      const answer = await fetch(`${url}/local/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SETUP_KEY}`, connection: 'close' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      })
      if (!answer.ok) throw new Error(`/local/${path} answered ${answer.status}: ${await answer.text()}`)
      return (await answer.json()) as never
    },
  }
  return self
}

async function atMost<T>(parallel: number, items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (const item of left) await act(item)
    }),
  )
}

type Payment = { id: string; account: number; amount: number; checkout: string; intent: string }

async function pay(worker: Host, stripe: LocalStripe, desk: Office): Promise<Payment[]> {
  const guardian = await worker.ask<number>('storm/guardian', { cpr: CPR })
  const accounts: number[] = []
  for (let each = 0; each < ACCOUNTS; each++) {
    const { id, account } = await desk.addChild(`Barn${each} Prøvebarn`)
    await desk.addGuardian(id, CPR)
    accounts.push(account)
  }
  const wanted = Array.from({ length: PAYMENTS }, (_, each) => ({
    id: uuidv7(Date.now(), randomBytes(16)),
    account: accounts[each % ACCOUNTS] ?? 0,
    amount: 5_000 + Math.floor(random() * 195_000),
    mobilepay: random() < 0.3,
  }))
  const payments: Payment[] = []
  await atMost(8, wanted, async ({ mobilepay, ...form }) => {
    const begun = await worker.ask<{ kind: string; address: string }>('storm/deposit', { ...form, guardian })
    if (begun.kind !== 'page') throw new Error(`no page: ${JSON.stringify(begun)}`)
    const checkout = begun.address.split('/').at(-1) ?? ''
    stripe.pay(checkout, { mobilepay })
    payments.push({ ...form, checkout, intent: stripe.intentOf(checkout).id })
  })
  return payments
}

type Named = { id: string; payment_intent?: string | null }

async function storm(worker: Host, stripe: LocalStripe, payments: readonly Payment[]) {
  const never = new Set<string>()
  const late = new Set<string>()
  for (const { intent, checkout } of payments) {
    const fate = random()
    const among = fate < NEVER ? never : fate < NEVER + LATE ? late : null
    for (const object of [intent, checkout]) among?.add(object)
  }
  let held = true
  Object.assign(stripe.vices.webhooks, {
    copies: COPIES,
    parallel: PARALLEL,
    shuffledBy: random,
    never: ({ type, data }: { type: string; data: { object: object } }) => {
      const { id, payment_intent } = data.object as Named
      const of = (some: Set<string>) => some.has(id) || some.has(payment_intent ?? '')
      if (UNWANTED.includes(type) || of(never)) return true
      return held && of(late)
    },
  })
  const events = [...stripe.events]
  const forged: number[] = []
  const delivering = (async () => {
    while (stripe.webhooks.waiting() > 0) {
      await worker.up() // Stripe waits longer from try to try than a worker takes to come back.
      await stripe.deliver()
    }
  })()
  const forging = (async () => {
    for (let each = 0; each < PAYMENTS * FORGED; each++) {
      const { intent } = payments[Math.floor(random() * payments.length)] ?? { intent: '' }
      const object = stripe.state.intents[intent] ?? {}
      const how = FORGERIES[each % FORGERIES.length] ?? 'garbage'
      let statuses = [0]
      while (statuses.includes(0)) {
        statuses = await stripe.forge('payment_intent.succeeded', object, how) // Again, where nobody was there.
        if (statuses.includes(0)) await worker.up()
      }
      forged.push(...statuses)
    }
  })()
  let over = false
  const killing = (async () => {
    for (let each = 0; each < RESTARTS; each++) {
      await wait(each === 0 ? FIRST_KILL_MS : 4_000 + random() * 4_000)
      if (over) return
      await worker.restart()
      console.log(`  · the worker was killed, and is back; ${stripe.webhooks.deliveries.length} webhooks so far`)
    }
  })()
  await Promise.all([delivering, forging])
  over = true
  await killing
  held = false
  for (const event of events) {
    const { id, payment_intent } = event.data.object as unknown as Named
    if (late.has(id) || late.has(payment_intent ?? '')) stripe.webhooks.tell(event)
  }
  while (stripe.webhooks.waiting() > 0) await stripe.deliver()
  return { never: never.size / 2, late: late.size / 2, forged }
}

const CREDITED = `
SELECT payment.id, count(transfer.id) AS times FROM payment
LEFT JOIN transfer ON transfer.kind = 'deposit' AND transfer.id LIKE '%' || payment.intent
  AND transfer.amount = payment.amount AND transfer.credit_account = payment.account
GROUP BY payment.id`
const sumOf = (sql: string) => ({ sql: `SELECT coalesce(sum(n), 0) AS n FROM (${sql})` })
const numberOf = async (worker: Host, sql: string) =>
  (await worker.ask<{ n: number }[]>('storm/query', sumOf(sql)))[0]?.n ?? Number.NaN

async function run(folder: string) {
  const port = await freePorts()
  for (const municipality of [4000, 7620]) await migrate(folder, municipality)
  const stripe = await startStripe(port + 3, [`http://4000.localhost:${port}/api/stripe/webhook`])
  stripe.vices.webhooks.held = true
  const worker = await host(folder, port, stripe)
  hosted = worker
  try {
    const { SETUP_KEY } = await secretsIn(folder)
    const desk = office(worker.url, await setUp(worker.url, SETUP_KEY, 4000, 'Storm'))
    const startedAt = Date.now()
    const payments = await pay(worker, stripe, desk)
    console.log(`  · ${payments.length} payments made at Stripe in ${Math.round((Date.now() - startedAt) / 1000)} s`)
    const { never, late, forged } = await storm(worker, stripe, payments)
    const { deliveries } = stripe.webhooks
    const answers = new Map<number, number>()
    for (const { status } of deliveries) answers.set(status, (answers.get(status) ?? 0) + 1)
    const counted = [...answers].map(([status, times]) => `${times} × ${status || 'no answer'}`)
    console.log(
      `  · webhooks: ${counted.join(', ')}; ${late} payments told of late, ${never} never; ${worker.restarts()} restarts`,
    )
    outcome(
      'told of by webhooks',
      await numberOf(worker, "SELECT 1 AS n FROM payment WHERE status = 'paid'"),
      PAYMENTS - never,
    )
    await worker.ask('time', { now: Date.now() + 5 * 60_000 })
    for (let minute = 0; minute < 5 + PAYMENTS / 200; minute++) {
      await fetch(`${worker.url}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent('* * * * *')}`).then((it) =>
        it.text(),
      )
    }
    outcome(
      'paid after reconciliation',
      await numberOf(worker, "SELECT 1 AS n FROM payment WHERE status = 'paid'"),
      PAYMENTS,
    )
    outcome(
      'credited exactly once',
      await numberOf(worker, `SELECT 1 AS n FROM (${CREDITED}) WHERE times = 1`),
      PAYMENTS,
    )
    outcome(
      'transfers of deposits',
      await numberOf(worker, "SELECT 1 AS n FROM transfer WHERE kind = 'deposit'"),
      PAYMENTS,
    )
    outcome('receipts by mail', await numberOf(worker, "SELECT 1 AS n FROM outbox WHERE kind = 'deposited'"), PAYMENTS)
    outcome(
      'øre in the wallets',
      await wallets(worker),
      payments.reduce((sum, { amount }) => sum + amount, 0),
    )
    outcome('forged webhooks that were refused as such', forged.filter(isRefusal).length, Math.ceil(PAYMENTS * FORGED))
    outcome('forged webhooks that were taken, or broke something', forged.filter((it) => !isRefusal(it)).length, 0)
    outcome('storms in which the worker was killed', Math.min(worker.restarts(), 1), 1)
    const { violations } = await desk.check()
    for (const { invariant, subject } of violations) console.log(`    ${invariant}: ${subject}`)
    outcome('violations of the ledger', violations.length, 0)
    console.log(`  · ${Math.round((Date.now() - startedAt) / 1000)} s in all`)
  } finally {
    await worker.running.stop()
    await stripe.stop()
  }
}

const isRefusal = (status: number) => status === 400 || status === 401

const wallets = (worker: Host) =>
  numberOf(
    worker,
    `SELECT balance AS n FROM posting JOIN account ON account.id = posting.account AND kind = 'wallet'
     WHERE seq = (SELECT max(seq) FROM posting AS newest WHERE newest.account = account.id)`,
  )

const folder = await mkdtemp(join(tmpdir(), 'klubkort-storm-'))
let hosted: Host | null = null
async function end(code: number) {
  await hosted?.running.stop()
  await rm(folder, { recursive: true, force: true })
  process.exit(code)
}
process.once('SIGINT', () => end(130))
process.once('SIGTERM', () => end(143))
try {
  console.log(`A storm of ${PAYMENTS} payments, seed ${SEED}:`)
  await run(folder)
  console.log(right ? '\nAll is right.' : '\nSomething is wrong.')
  await end(right ? 0 : 1)
} catch (error) {
  console.error(`klubkort: ${error instanceof Error ? error.message : String(error)}`)
  await end(1)
}
