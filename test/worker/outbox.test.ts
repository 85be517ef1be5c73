import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { base64url } from '../../shared/signing.ts'
import type { Env } from '../../worker/env.ts'
import { ATTEMPTS_MAX, answeredLetter, deliver, mailChangedLetter } from '../../worker/letters/outbox.ts'
import { sumUpWeek, weekOf, weekToSumUp } from '../../worker/letters/weekly.ts'
import worker from '../../worker/main.ts'
import { sweep } from '../../worker/sweep.ts'
import { mailService } from './mail-service.ts'
import {
  type CardHolder,
  cardHolder,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSale,
  newSite,
  pay,
} from './municipality.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

let office: Municipality
let db: D1Database
let till: EnrolledTerminal
let ida: CardHolder

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  db = office.db
  await db.prepare("UPDATE municipality SET name = 'Prøve Kommune', mail_from = 'klubkort@kommune.example'").run()
  till = await enrolledTerminal(office, await newSite(office), 'Disken')
  ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 10_000 })
})

// ── People and sales ────────────────────────────────────────────────────────

type Wishes = { mail?: string | null; language?: 'da' | 'en'; below?: number | null; purchases?: 0 | 1; weekly?: 0 | 1 }

let people = 0

/** A guardian of some children, by rows; returns the id. */
async function guardian(children: CardHolder[], wishes: Wishes = {}): Promise<number> {
  people += 1
  const cpr = base64url(new Uint8Array(32).fill(people))
  const { mail = `forælder${people}@mail.example`, language = 'da', below = null, purchases = 0, weekly = 0 } = wishes
  const [added] = await db.batch<{ id: number }>([
    db
      .prepare(
        `INSERT INTO guardian (issuer, subject, cpr_hash, language, mail, tell_below, tell_purchases, tell_weekly,
                               created_at, logged_in_at)
         VALUES ('https://broker.example', ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0) RETURNING id`,
      )
      .bind(String(people), cpr, language, mail, below, purchases, weekly),
    ...children.map(({ child }) =>
      db.prepare('INSERT INTO guardianship (child, cpr_hash, created_at) VALUES (?1, ?2, 0)').bind(child, cpr),
    ),
  ])
  const id = added?.results[0]?.id
  if (id === undefined) throw new Error('a guardian was added and is not there')
  return id
}

async function buy(amount: number, said: { kind?: 'request' | 'advice'; holder?: CardHolder; sale?: string } = {}) {
  const { kind = 'request', holder = ida, ...sale } = said
  const message = await till.say(kind, { card: holder.hash, amount, ...sale })
  const { status, body } = await till.send(message)
  expect(status).toBe(200)
  return { message, outcome: (body.results as { outcome: string }[])[0]?.outcome }
}

type Row = {
  id: number
  guardian: number
  kind: string
  cause: string
  recipient: string
  data: string
  attempts: number
  due_at: number
  sent_at: number | null
  given_up_at: number | null
  error: string | null
}
const outbox = async () => (await db.prepare('SELECT * FROM outbox ORDER BY id').all<Row>()).results
const told = async () => (await outbox()).map(({ guardian, kind }) => [guardian, kind])

const failure = (code: string) => Object.assign(new Error('could not mail forælder@mail.example'), { code })
const PLACE = { municipality: 4000, portal: 'http://4000.localhost' }
const run = (service: { binding: SendEmail }, nowMs = Date.now()) => deliver(db, service.binding, PLACE, nowMs)

// ── What a purchase causes ──────────────────────────────────────────────────

describe('a purchase', () => {
  it('is told to each guardian who asked, with its lines, once however often the message comes', async () => {
    const asked = await guardian([ida], { purchases: 1 })
    await guardian([ida])
    const { message } = await buy(2500)
    await till.send(message)
    await db.prepare("UPDATE guardian SET tell_purchases = 1, tell_below = 9999, mail = 'ny@mail.example'").run()
    await till.send(message) // Who asked only after it was booked, or has moved since, is not told of it now.

    expect(await told()).toEqual([[asked, 'purchase']])
    const [row] = await outbox()
    expect(JSON.parse(row?.data ?? '')).toMatchObject({
      child: 'Ida',
      site: 'Ungdomsklubben',
      amount: 2500,
      balance: 7500,
      lines: [{ name: null, quantity: 1, price: 2500 }],
    })
  })

  it('that was declined, or undone, causes no mail of its own', async () => {
    await guardian([ida], { purchases: 1, below: 9_999 })
    expect((await buy(10_001)).outcome).toBe('declined')
    expect(await told()).toEqual([])

    const sale = newSale()
    await till.send(await till.say('reversal', { card: ida.hash, amount: 500, sale }))
    expect((await buy(500, { sale })).outcome).toBe('declined')
    expect(await told()).toEqual([])
  })

  it('told by an advice is told as well, and an advice after its approved request is not', async () => {
    await guardian([ida], { purchases: 1, below: 5000 })
    await buy(10_500, { kind: 'advice' })
    expect((await told()).map(([, kind]) => kind)).toEqual(['purchase', 'low_balance'])

    await pay(office, ida.account, 10_000)
    const sale = newSale()
    await buy(500, { sale })
    await buy(500, { sale, kind: 'advice' })
    expect((await told()).map(([, kind]) => kind)).toEqual(['purchase', 'low_balance', 'purchase'])
  })

  it('and its letter are there together or not at all', async () => {
    await guardian([ida], { purchases: 1 })
    await db
      .prepare(
        "CREATE TRIGGER refuse BEFORE INSERT ON outbox WHEN new.kind = 'purchase' BEGIN SELECT RAISE(ABORT, 'no'); END",
      )
      .run()
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const message = await till.say('request', { card: ida.hash, amount: 2500 })
    expect((await till.send(message)).status).toBe(500)
    expect(await office.get(`/accounts/${ida.account}`)).toMatchObject({ balance: 10_000 })

    await db.prepare('DROP TRIGGER refuse').run()
    await till.send(message)
    expect((await told()).length).toBe(1)

    const [first, second] = [
      await till.say('request', { card: ida.hash, amount: 100 }),
      await till.say('request', { card: ida.hash, amount: 100, with: { prev: base64url(new Uint8Array(32)) } }),
    ]
    expect((await till.send(first, second)).status).toBe(409)
    expect((await told()).length).toBe(1)
  })

  it('of a card that nobody knows tells nobody', async () => {
    await guardian([ida], { purchases: 1, below: 9_999 })
    await till.send(await till.say('advice', { card: base64url(new Uint8Array(32).fill(9)), amount: 500 }))
    expect(await told()).toEqual([])
  })
})

describe('a low balance', () => {
  it('is told when it is crossed, once, and again after the balance was high', async () => {
    const asked = await guardian([ida], { below: 5000 })
    await buy(5000) // 50,00 kr. is not below 50 kr.
    expect(await told()).toEqual([])
    await buy(100)
    await buy(100)
    await buy(100)
    expect(await told()).toEqual([[asked, 'low_balance']])
    expect(JSON.parse((await outbox())[0]?.data ?? '')).toEqual({ child: 'Ida', balance: 4900, below: 5000 })

    await pay(office, ida.account, 1000)
    await buy(1000)
    expect((await told()).length).toBe(2)
  })

  it('is told by each guardian’s own threshold, to that guardian’s own address', async () => {
    const high = await guardian([ida], { below: 8000, mail: 'høj@mail.example' })
    const low = await guardian([ida], { below: 2000, mail: 'lav@mail.example' })
    await guardian([ida], { below: 8000, mail: null })
    await buy(3000)
    expect(await told()).toEqual([[high, 'low_balance']])
    await buy(6000)
    expect((await outbox()).map(({ guardian, recipient }) => [guardian, recipient])).toEqual([
      [high, 'høj@mail.example'],
      [low, 'lav@mail.example'],
    ])
  })
})

it('a guardian whose guardianship ended, or of another child, is told nothing', async () => {
  const ole = await cardHolder(office, { name: 'Ole Prøvebarn', credit: 10_000 })
  const wishes = { below: 9_999, purchases: 1, weekly: 1 } as const
  const former = await guardian([ida], wishes)
  const other = await guardian([ole], wishes)
  await db
    .prepare('UPDATE guardianship SET ended_at = 1 WHERE cpr_hash = (SELECT cpr_hash FROM guardian WHERE id = ?)')
    .bind(former)
    .run()
  await buy(500)
  await sumUpWeek(db, MONDAY_MS)
  expect(await told()).toEqual([[other, 'weekly']])
  expect((await outbox())[0]?.data).not.toContain('Ida')
})

// ── Other causes ────────────────────────────────────────────────────────────

describe('a support case', () => {
  const answer = (id: string) =>
    db.batch([
      db
        .prepare(
          `INSERT INTO case_message (id, "case", staff, text, at) SELECT ?1, id, 1, 'hemmeligt', 1
           FROM support_case WHERE id = 'case-1' ON CONFLICT DO NOTHING`,
        )
        .bind(id),
      answeredLetter(db, 'case-1', id, 1),
    ])
  const open = (guardian: number) =>
    db
      .prepare(
        "INSERT INTO support_case (id, guardian, subject, call_wanted, created_at) VALUES ('case-1', ?, 'Emne', 0, 1)",
      )
      .bind(guardian)
      .run()

  it('tells its guardian of each answer once, and nothing of what was said', async () => {
    const asking = await guardian([ida])
    await guardian([ida])
    await open(asking)
    await answer('m1')
    await answer('m1')
    await answer('m2')
    expect(await told()).toEqual([
      [asking, 'case_answered'],
      [asking, 'case_answered'],
    ])
    const service = mailService()
    await run(service)
    expect(service.sent[0]?.text).toContain('http://4000.localhost/support')
    expect(service.sent.map(({ text }) => text).join()).not.toMatch(/hemmeligt|Emne/)
  })

  it('of a guardian without a mail address tells nobody', async () => {
    await open(await guardian([ida], { mail: null }))
    await answer('m1')
    expect(await told()).toEqual([])
  })
})

it('the old address hears of a change of address or its end, and of nothing else', async () => {
  const changing = await guardian([ida], { mail: 'gammel@mail.example' })
  const change = (mail: string | null, nowMs: number) =>
    db.batch([
      mailChangedLetter(db, changing, mail, nowMs),
      db.prepare('UPDATE guardian SET mail = ?2 WHERE id = ?1').bind(changing, mail),
    ])
  await change('gammel@mail.example', 1)
  await change('ny@mail.example', 2)
  await change(null, 3)
  await change('nyere@mail.example', 4)
  expect((await outbox()).map(({ kind, recipient }) => [kind, recipient])).toEqual([
    ['mail_changed', 'gammel@mail.example'],
    ['mail_changed', 'ny@mail.example'],
  ])
  const service = mailService()
  await run(service)
  expect(service.sent.map(({ to }) => to)).toEqual(['gammel@mail.example', 'ny@mail.example'])
  expect(service.sent.map(({ text }) => text).join()).not.toContain('@')
})

// ── Delivery ────────────────────────────────────────────────────────────────

describe('delivery', () => {
  it('speaks the guardian’s language, with amounts and days as Danes write them', async () => {
    await db
      .prepare("INSERT INTO product (id, site, name, price, created_at) VALUES (1, ?, 'Toast', 1250, 0)")
      .bind(till.site)
      .run()
    await guardian([ida], { purchases: 1, below: 8000, mail: 'da@mail.example' })
    await guardian([ida], { purchases: 1, language: 'en', mail: 'en@mail.example' })
    await till.send(
      await till.say('advice', {
        card: ida.hash,
        amount: 2500,
        lines: [{ product: 1, quantity: 2, price: 1250 }],
        at: Date.UTC(2000, 0, 1), // A clock that is wrong: the sale counts for now.
      }),
    )
    await db
      .prepare("UPDATE outbox SET data = json_set(data, '$.at', ?) WHERE kind = 'purchase'")
      .bind(TUESDAY_MS)
      .run()
    const service = mailService()
    expect(await run(service)).toEqual({ sent: 3, failed: 0, givenUp: 0 })

    const letterTo = (to: string, subject: RegExp) =>
      service.sent.find((mail) => mail.to === to && subject.test(mail.subject))
    expect(letterTo('da@mail.example', /køb/)).toMatchObject({
      from: { name: 'Prøve Kommune', email: 'klubkort@kommune.example' },
      subject: 'Et køb med betalingskortet',
      headers: { 'Auto-Submitted': 'auto-generated', 'Content-Language': 'da', 'X-Klubkort-Letter': '4000-1' },
    })
    expect(letterTo('da@mail.example', /køb/)?.text).toBe(`Hej,

Ida har købt for 25,00 kr. i Ungdomsklubben tirsdag den 17. november 2026 kl. 14.05:
  2 × Toast, 25,00 kr.

Saldoen er nu 75,00 kr.

Se kontoen her:
http://4000.localhost/

Du vælger selv under Brugerinfo, hvad du vil have mails om.

Venlig hilsen
Prøve Kommune
`)
    expect(letterTo('da@mail.example', /lav/)?.text).toContain(
      'Saldoen for Ida er nu 75,00 kr. Du har bedt om besked, når den kommer under 80,00 kr.',
    )
    expect(letterTo('en@mail.example', /purchase/)?.text).toContain(
      'Ida bought for 25,00 kr. at Ungdomsklubben on Tuesday, 17 November 2026 at 14:05:\n  2 × Toast, 25,00 kr.',
    )
    for (const { subject } of service.sent) expect(subject).not.toMatch(/\d|Ida|Prøvebarn/)
    for (const { text } of service.sent) expect(text).not.toContain('Prøvebarn')
  })

  it('by eight runs at once sends each letter once', async () => {
    await guardian([ida], { purchases: 1 })
    for (let sale = 0; sale < 12; sale++) await buy(100)
    const service = mailService()
    const runs = await Promise.all(Array.from({ length: 8 }, () => run(service)))
    expect(runs.reduce((sum, { sent }) => sum + sent, 0)).toBe(12)
    expect(new Set(service.sent.map(({ headers }) => headers['X-Klubkort-Letter'])).size).toBe(12)
    expect(service.sent).toHaveLength(12)
    await run(service)
    expect(service.sent).toHaveLength(12)
  })

  it('of more letters than a run sends goes on in the next run', async () => {
    const asked = await guardian([ida])
    await db.batch(Array.from({ length: 60 }, (_, index) => letterRow(asked, index)))
    const service = mailService()
    expect(await run(service)).toMatchObject({ sent: 50 })
    expect(await run(service)).toMatchObject({ sent: 10 })
  })

  it('that fails is tried again later and later, and given up at last, without an address in the log', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {})
    await letterRow(await guardian([ida]), 1).run()
    const service = mailService(() => failure('E_DELIVERY_FAILED'))
    const pauses: number[] = []
    let nowMs = 1_000_000_000
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt++) {
      expect(await run(service, nowMs)).toEqual({ sent: 0, failed: 1, givenUp: 0 })
      const due = (await outbox())[0]?.due_at ?? 0
      pauses.push((due - nowMs) / MINUTE_MS)
      expect(await run(service, due - 1)).toEqual({ sent: 0, failed: 0, givenUp: 0 })
      nowMs = due
    }
    expect(pauses).toEqual([1, 5, 30, 120, 720])
    expect(await run(service, nowMs)).toEqual({ sent: 0, failed: 0, givenUp: 1 })
    expect(await outbox()).toMatchObject([{ attempts: 6, given_up_at: nowMs, error: 'E_DELIVERY_FAILED' }])
    expect(await run(service, nowMs + 30 * DAY_MS)).toEqual({ sent: 0, failed: 0, givenUp: 0 })
    expect(service.handed).toHaveLength(6)
    expect(JSON.stringify([await outbox(), error.mock.calls])).not.toContain('could not mail')
  })

  it('that fails once arrives at the second attempt, and keeps no letter behind it waiting', async () => {
    const asked = await guardian([ida])
    await db.batch([letterRow(asked, 1), letterRow(asked, 2)])
    let refusing = true
    const service = mailService(({ headers }) =>
      refusing && headers['X-Klubkort-Letter'] === '4000-1' ? failure('E_DELIVERY_FAILED') : null,
    )
    expect(await run(service, 1000)).toEqual({ sent: 1, failed: 1, givenUp: 0 })
    refusing = false
    expect(await run(service, 1000 + MINUTE_MS)).toEqual({ sent: 1, failed: 0, givenUp: 0 })
    expect(service.sent.map(({ headers }) => headers['X-Klubkort-Letter'])).toEqual(['4000-2', '4000-1'])
  })

  it('that a dead worker had claimed is made up for when its claim has run out', async () => {
    await letterRow(await guardian([ida]), 1).run()
    const dying: SendEmail = { send: () => new Promise(() => {}) }
    void deliver(db, dying, PLACE, 1000)
    await vi.waitFor(async () => expect((await outbox())[0]?.attempts).toBe(1))
    const service = mailService()
    expect(await run(service, 1000 + 15 * MINUTE_MS - 1)).toMatchObject({ sent: 0 })
    expect(await run(service, 1000 + 15 * MINUTE_MS)).toMatchObject({ sent: 1 })
    expect(service.sent[0]?.headers['X-Klubkort-Letter']).toBe('4000-1')
  })

  it('waits, using no attempt, while the service takes no mail or the municipality has no address', async () => {
    const asked = await guardian([ida])
    await db.batch([letterRow(asked, 1), letterRow(asked, 2)])
    const closed = mailService(() => failure('E_DAILY_LIMIT_EXCEEDED'))
    for (let turn = 0; turn < 8; turn++) await run(closed, 1000 + turn * 30 * MINUTE_MS)
    expect(closed.handed).toHaveLength(8) // One letter a run finds out that the door is shut.
    expect((await outbox()).map(({ attempts, given_up_at }) => [attempts, given_up_at])).toEqual(
      Array(2).fill([0, null]),
    )

    const open = mailService()
    await db.prepare('UPDATE municipality SET mail_from = NULL').run()
    expect(await run(open, DAY_MS)).toEqual({ sent: 0, failed: 0, givenUp: 0 })
    expect((await outbox()).map(({ attempts }) => attempts)).toEqual([0, 0])
    await db.prepare("UPDATE municipality SET mail_from = 'klubkort@kommune.example'").run()
    expect(await run(open, DAY_MS)).toMatchObject({ sent: 2 })
  })

  it('comes every minute for every municipality, though one of them fails; without a service it waits', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    await guardian([ida], { purchases: 1 })
    await buy(100)
    const service = mailService()
    const bindings = { ...env, MAIL: undefined } as unknown as Env
    const minute = { cron: '* * * * *' }
    await worker.scheduled(minute, bindings)
    expect(await outbox()).toMatchObject([{ attempts: 0 }])
    await env.DB_7620.prepare('DROP TABLE outbox').run()
    await worker.scheduled(minute, { ...bindings, MAIL: service.binding })
    expect(service.sent[0]?.text).toContain('https://4000.klubkort.example/')
    expect(errors.mock.calls.join()).toContain('"municipality":7620')
  })
})

const letterRow = (guardian: number, index: number) =>
  db
    .prepare(
      `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
       SELECT id, 'case_answered', 'message:' || ?2, mail, '{}', 1, 1 FROM guardian WHERE id = ?1`,
    )
    .bind(guardian, index)

// ── The week ────────────────────────────────────────────────────────────────

const TUESDAY_MS = Date.UTC(2026, 10, 17, 13, 5)
const MONDAY_MS = Date.UTC(2026, 10, 23, 6, 17) // 7.17 in Copenhagen.

describe('the weekly summary', () => {
  it.each([
    ['2026-11-22', '2026-W47', '2026-11-16', '2026-11-22'],
    ['2020-12-31', '2020-W53', '2020-12-28', '2021-01-03'],
    ['2021-01-03', '2020-W53', '2020-12-28', '2021-01-03'],
    ['2021-01-04', '2021-W01', '2021-01-04', '2021-01-10'],
    ['2024-12-30', '2025-W01', '2024-12-30', '2025-01-05'],
    ['2027-01-01', '2026-W53', '2026-12-28', '2027-01-03'],
    ['2023-01-01', '2022-W52', '2022-12-26', '2023-01-01'],
  ])('knows the ISO week of %s: %s', (day, name, from, to) => {
    expect(weekOf(day)).toEqual({ name, week: Number(name.slice(-2)), from, to })
  })

  it('is due on Mondays from 7 o’clock in Copenhagen, winter and summer', () => {
    expect(weekToSumUp(Date.UTC(2026, 10, 23, 5, 59))).toBeNull()
    expect(weekToSumUp(Date.UTC(2026, 10, 23, 6, 0))?.name).toBe('2026-W47')
    expect(weekToSumUp(Date.UTC(2026, 10, 23, 22, 59))?.name).toBe('2026-W47')
    expect(weekToSumUp(Date.UTC(2026, 10, 23, 23, 0))).toBeNull()
    expect(weekToSumUp(Date.UTC(2026, 5, 1, 4, 59))).toBeNull()
    expect(weekToSumUp(Date.UTC(2026, 5, 1, 5, 0))?.name).toBe('2026-W22')
    expect(weekToSumUp(Date.UTC(2027, 0, 4, 9, 0))?.name).toBe('2026-W53')
  })

  it('tells what each child spent in that week and holds now, once however often the cron comes', async () => {
    const ole = await cardHolder(office, { name: 'Ole Prøvebarn', credit: 3000 })
    const both = await guardian([ida, ole], { weekly: 1, mail: 'både@mail.example' })
    await guardian([ida], { weekly: 0 })
    await guardian([ida], { weekly: 1, mail: null })
    await guardian([], { weekly: 1 })
    vi.setSystemTime(MONDAY_MS - 8 * DAY_MS)
    await buy(100)
    vi.setSystemTime(TUESDAY_MS)
    await buy(2500)
    const undone = newSale()
    await buy(700, { sale: undone })
    await till.send(await till.say('reversal', { card: ida.hash, amount: 700, sale: undone }))
    vi.setSystemTime(MONDAY_MS - 60 * MINUTE_MS)
    await buy(50)
    vi.useRealTimers()

    expect(await sumUpWeek(db, MONDAY_MS - DAY_MS)).toBe(0)
    expect(await sumUpWeek(db, MONDAY_MS)).toBe(1)
    expect(await sumUpWeek(db, MONDAY_MS)).toBe(0)
    await db.prepare("UPDATE guardian SET mail = 'ny@mail.example' WHERE id = ?").bind(both).run()
    expect(await sumUpWeek(db, MONDAY_MS + 5 * 60 * MINUTE_MS)).toBe(0)
    expect(await told()).toEqual([[both, 'weekly']])
    await db.prepare('UPDATE guardian SET mail = ?1 WHERE id = ?2').bind('både@mail.example', both).run()

    const service = mailService()
    await run(service, MONDAY_MS)
    expect(service.sent[0]?.subject).toBe('Ugeoversigt for uge 47')
    expect(
      service.sent[0]?.text,
    ).toContain(`Her er ugen fra mandag den 16. november 2026 til søndag den 22. november 2026:
  Ida: brugt 25,00 kr., saldo nu 73,50 kr.
  Ole: brugt 0,00 kr., saldo nu 30,00 kr.`)

    expect(await sumUpWeek(db, MONDAY_MS + 7 * DAY_MS)).toBe(1)
  })

  it('is written by the hourly cron', async () => {
    await guardian([ida], { weekly: 1 })
    vi.useFakeTimers({ toFake: ['Date'], now: MONDAY_MS })
    await worker.scheduled({ cron: '17 * * * *' }, env as unknown as Env)
    vi.useRealTimers()
    expect((await outbox()).map(({ cause }) => cause)).toEqual(['week:2026-W47'])
  })
})

it('the sweep deletes what has ended long ago, gives up stale letters, and leaves the rest', async () => {
  const asked = await guardian([ida])
  const nowMs = 1000 * DAY_MS
  const letter = (cause: string, createdAt: number, sentAt: number | null, attempts = 0) =>
    db
      .prepare(
        `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at, sent_at, attempts)
         VALUES (?1, 'case_answered', ?2, 'f@mail.example', '{}', ?3, ?3, ?4, ?5)`,
      )
      .bind(asked, cause, createdAt, sentAt, attempts)
  const session = (hash: string, seenAt: number, endedAt: number | null) =>
    db
      .prepare(
        "INSERT INTO session (hash, guardian, id_token, created_at, seen_at, ended_at) VALUES (?1, ?2, '', 0, ?3, ?4)",
      )
      .bind(hash, asked, seenAt, endedAt)
  const login = (hash: string, createdAt: number) =>
    db
      .prepare(
        "INSERT INTO login_attempt (hash, state, nonce, verifier, return_to, created_at) VALUES (?1, '', '', '', '/', ?2)",
      )
      .bind(hash, createdAt)
  await db.batch([
    letter('1', nowMs - 91 * DAY_MS, nowMs - 91 * DAY_MS),
    letter('2', nowMs - 89 * DAY_MS, nowMs - 89 * DAY_MS),
    letter('3', nowMs - 15 * DAY_MS, null),
    letter('4', nowMs - 13 * DAY_MS, null),
    letter('5', nowMs - 1, null, ATTEMPTS_MAX),
    session('old', nowMs - 31 * DAY_MS, null),
    session('ended', nowMs - 32 * DAY_MS, nowMs - 31 * DAY_MS),
    session('recent', nowMs - 29 * DAY_MS, null),
    login('old', nowMs - 25 * 60 * MINUTE_MS),
    login('new', nowMs - MINUTE_MS),
  ])
  expect(await sweep(db, nowMs)).toEqual({
    lettersGivenUp: 2,
    letters: 1,
    sessions: 2,
    loginAttempts: 1,
    logIns: 0,
    payoutDrafts: 0,
  })
  expect((await outbox()).map(({ cause, given_up_at }) => [cause, given_up_at])).toEqual([
    ['2', null],
    ['3', nowMs],
    ['4', null],
    ['5', nowMs],
  ])
  expect(await db.prepare('SELECT hash FROM session').first('hash')).toBe('recent')
  expect(await db.prepare('SELECT hash FROM login_attempt').first('hash')).toBe('new')
})
