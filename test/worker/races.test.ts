import { env } from 'cloudflare:test'
import { beforeEach, expect, it } from 'vitest'
import { checkLedger } from '../../worker/ledger/check.ts'
import {
  type Answer,
  call,
  cardHolder,
  contents,
  emptyDatabases,
  enrolledTerminal,
  enrolment,
  type Municipality,
  municipality,
  newKey,
  newSale,
  newSite,
  pay,
} from './municipality.ts'

let office: Municipality
let site: number

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  site = await newSite(office)
})

const atOnce = <T>(count: number, act: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => act(index)))

const crew = (count: number) => atOnce(count, (index) => enrolledTerminal(office, site, `Terminal ${index + 1}`))

type Result = { outcome: string; reason?: string; balance?: number; seq: number }
const resultsOf = ({ body }: Answer) => body.results as Result[]
const count = (table: string, where = 'true') =>
  office.db.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).first<number>('n')

async function expectSound() {
  expect((await checkLedger(office.db)).violations).toEqual([])
}

it('40 terminals that ask at once for money that covers 10 sales get exactly 10 approvals', async () => {
  const holder = await cardHolder(office, { credit: 10 * 1500 })
  const terminals = await crew(40)
  const asked = await Promise.all(terminals.map((each) => each.say('request', { card: holder.hash, amount: 1500 })))

  const answers = await atOnce(40, (index) => terminals[index]?.send(asked[index] ?? '') as Promise<Answer>)

  const results = answers.flatMap(resultsOf)
  const approved = results.filter(({ outcome }) => outcome === 'approved')
  expect(results).toHaveLength(40)
  expect(approved.map(({ balance }) => balance).sort((a, b) => Number(b) - Number(a))).toEqual(
    Array.from({ length: 10 }, (_, sale) => (9 - sale) * 1500),
  )
  expect(results.filter(({ reason }) => reason === 'insufficient_funds')).toHaveLength(30)
  expect(await office.get(`/accounts/${holder.account}`)).toMatchObject({ balance: 0, spentToday: 15_000 })
  await expectSound()
})

it('8 terminals with 5 requests to a call stay within a daily limit of 12 sales', async () => {
  const holder = await cardHolder(office, { credit: 100_000, dailyLimit: 12 * 1000 })
  const terminals = await crew(8)
  const calls = await Promise.all(
    terminals.map(async (terminal) => {
      const messages: string[] = []
      for (let sale = 0; sale < 5; sale++)
        messages.push(await terminal.say('request', { card: holder.hash, amount: 1000 }))
      return messages
    }),
  )

  const answers = await atOnce(8, (index) => terminals[index]?.send(...(calls[index] ?? [])) as Promise<Answer>)

  const results = answers.flatMap(resultsOf)
  expect(results.filter(({ outcome }) => outcome === 'approved')).toHaveLength(12)
  expect(results.filter(({ reason }) => reason === 'daily_limit')).toHaveLength(28)
  expect(await office.get(`/accounts/${holder.account}`)).toMatchObject({ balance: 88_000, spentToday: 12_000 })
  await expectSound()
})

it('one message sent 20 times at once is one purchase and 20 equal answers', async () => {
  const holder = await cardHolder(office, { credit: 10_000 })
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const asked = await terminal.say('request', { card: holder.hash, amount: 2500 })

  const answers = await atOnce(20, () => terminal.send(asked))

  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  const [first] = answers.map(resultsOf)
  expect(first).toMatchObject([{ outcome: 'approved', balance: 7500, seq: 1 }])
  for (const answer of answers) expect(resultsOf(answer)).toEqual(first)
  expect(await count('transfer', "kind = 'purchase'")).toBe(1)
  expect(await count('posting', `account = ${holder.account} AND amount < 0`)).toBe(1)
  await expectSound()
})

it('a request, its advice and its reversal, each sent 5 times at once, cost nothing in the end', async () => {
  const holder = await cardHolder(office, { credit: 5000 })
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const sale = { sale: newSale(), card: holder.hash, amount: 2000 }
  const messages = [
    await terminal.say('request', sale),
    await terminal.say('advice', sale),
    await terminal.say('reversal', sale),
  ]

  await atOnce(15, (index) => terminal.send(...messages.slice(0, 1 + (index % 3))))

  expect(resultsOf(await terminal.send(...messages)).map(({ outcome }) => outcome)).toEqual([
    'approved',
    'approved',
    'reversed',
  ])
  expect(await office.get(`/accounts/${holder.account}`)).toMatchObject({ balance: 5000, spentToday: 0 })
  expect(await count('transfer', "kind IN ('purchase', 'reversal')")).toBe(2)
  await expectSound()
})

it('two messages of one number, sent at once, are one booking and one alarm, and stop the terminal', async () => {
  const holder = await cardHolder(office, { credit: 10_000 })
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const one = await terminal.say('request', { card: holder.hash, amount: 1000 })
  terminal.rewind()
  const other = await terminal.say('request', { card: holder.hash, amount: 2000 })

  const answers = await atOnce(10, (index) => terminal.send(index % 2 ? one : other))

  // The first that contradicts is refused; from then on what contradicts is put aside.
  expect(answers.some(({ status }) => status === 409)).toBe(true)
  for (const { status, body } of answers) {
    if (status === 409) expect(body.error?.code).toBe('message_conflict')
    else expect(status).toBe(200)
  }
  expect(await count('message')).toBe(1)
  expect(await count('alarm')).toBe(1)
  expect(await count('terminal', 'stopped_at IS NOT NULL')).toBe(1)
  expect(await count('quarantine')).toBeLessThan(2)
  await expectSound()
})

it('a decline repeated after a deposit stays a decline', async () => {
  const holder = await cardHolder(office)
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const asked = await terminal.say('request', { card: holder.hash, amount: 2500 })
  const declined = resultsOf(await terminal.send(asked))
  expect(declined).toMatchObject([{ outcome: 'declined', reason: 'insufficient_funds', balance: 0 }])
  await pay(office, holder.account, 10_000)

  expect(resultsOf(await terminal.send(asked))).toEqual(declined)

  expect(await office.get(`/accounts/${holder.account}`)).toMatchObject({ balance: 10_000 })
  await expectSound()
})

it('a revoked terminal books nothing from the very next message on, and its proofs are refused', async () => {
  const holder = await cardHolder(office, { credit: 10_000 })
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const booked = await terminal.say('request', { card: holder.hash, amount: 1000 })
  expect((await terminal.send(booked)).status).toBe(200)
  const next = await terminal.say('advice', { card: holder.hash, amount: 1000 })
  await office.post(`/terminals/${terminal.id}/revoke`)
  const before = await contents(office.db, 'quarantine')

  const [first] = resultsOf(await terminal.send(booked))
  expect(first).toMatchObject({ outcome: 'approved', balance: 9000 })
  const aside = await terminal.send(booked, next)
  expect(aside).toMatchObject({ status: 200, body: { quarantined: true } })
  expect(resultsOf(aside)).toMatchObject([first, { outcome: 'declined', reason: 'terminal_revoked' }])
  expect(await terminal.send(next)).toMatchObject({ status: 200, body: { quarantined: true } })
  const proof = await terminal.proof('/api/terminal/sync')
  expect(await call('GET', '/api/terminal/sync', { token: proof })).toMatchObject({
    status: 401,
    body: { error: { code: 'terminal_revoked' } },
  })
  expect(await contents(office.db, 'quarantine')).toEqual(before)
  expect(await count('quarantine')).toBe(1)
})

it('of messages that race with the revocation, those that are not booked are put aside, and said so', async () => {
  const holder = await cardHolder(office, { credit: 100_000 })
  const terminals = await crew(12)
  const asked = await Promise.all(terminals.map((each) => each.say('request', { card: holder.hash, amount: 1000 })))

  const answers = await atOnce(12, async (index) => {
    const sent = terminals[index]?.send(asked[index] ?? '') as Promise<Answer>
    await office.post(`/terminals/${terminals[index]?.id}/revoke`)
    return sent
  })

  for (const { status } of answers) expect(status).toBe(200)
  const booked = answers.filter(({ body }) => body.quarantined === false).length
  expect(await count('message')).toBe(booked)
  expect(await count('quarantine')).toBe(12 - booked)
  expect(await office.get(`/accounts/${holder.account}`)).toMatchObject({ balance: 100_000 - booked * 1000 })
  await expectSound()
})

it('one correction sent 10 times at once moves its money once', async () => {
  const holder = await cardHolder(office)
  const body = { id: newSale(), amount: 4500, reason: 'lost card' }

  const answers = await atOnce(10, () =>
    call('POST', `/api/staff/accounts/${holder.account}/credit`, { token: office.token, body }),
  )

  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
  expect(await office.get(`/accounts/${holder.account}`)).toMatchObject({ balance: 4500 })
  expect(await count('audit', "action = 'account_credited'")).toBe(1)
  await expectSound()
})

it('of 6 keys that use one enrolment code at once, one is enrolled', async () => {
  const { code, terminal } = await office.post<{ code: string; terminal: string }>('/terminals', { site, name: 'Disk' })
  const bodies = await atOnce(6, async () => enrolment(code, await newKey()))

  const answers = await atOnce(6, (index) => call('POST', '/api/terminal/enrol', { body: bodies[index] }))

  const winner = answers.findIndex(({ status }) => status === 200)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(answers.filter(({ body }) => body.error?.code === 'code_used')).toHaveLength(5)
  const enrolled = await office.db.prepare('SELECT public_key FROM terminal WHERE id = ?').bind(terminal).first()
  expect(enrolled).toEqual({ public_key: bodies[winner]?.publicKey })
  expect(await count('audit', "action = 'terminal_enrolled'")).toBe(1)
})

it('a municipality that is set up 5 times at once is set up once', async () => {
  const body = { number: 7620, name: 'Lemvig', staff: 'Bodil' }

  const answers = await atOnce(5, () => call('POST', 'http://7620.localhost/api/setup', { token: env.SETUP_KEY, body }))

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409])
  const { account, staff_token } = await contents(env.DB_7620)
  expect([account?.length, staff_token?.length]).toEqual([6, 1])
})

it('terminals and cards that are added at once get ids and versions of their own', async () => {
  const terminals = await atOnce(10, (index) =>
    office.post<{ terminal: string }>('/terminals', { site, name: `Terminal ${index}` }),
  )
  await atOnce(10, () => cardHolder(office))

  expect(new Set(terminals.map(({ terminal }) => terminal)).size).toBe(10)
  expect(await office.db.prepare('SELECT count(DISTINCT version) AS n, max(version) AS top FROM card').first()).toEqual(
    { n: 10, top: 10 },
  )
})
