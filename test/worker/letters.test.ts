import { beforeEach, describe, expect, it } from 'vitest'
import { deliver, moneyLetter } from '../../worker/letters/outbox.ts'
import { sumUpWeek } from '../../worker/letters/weekly.ts'
import { type Contact, setContact } from '../../worker/people/contact.ts'
import { mailService } from './mail-service.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSale,
  newSite,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

/** Who gets mail: nobody who has lost the right to it, no stranger again and again, and everybody in their turn. */

const CPR = '0101575001'
const MAIL = 'asta@mail.example'
const HOUR_MS = 3_600_000
const MONDAY_MS = Date.UTC(2056, 10, 20, 6, 17) // 7.17 in Copenhagen, and later than any letter of these tests.

let office: Municipality
let db: D1Database
let till: EnrolledTerminal
let ida: CardHolder
let ole: CardHolder
let asta: Parent

const ALL: Contact = { language: 'da', mail: MAIL, tellBelow: 9_500, tellPurchases: true, tellWeekly: true }

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  db = office.db
  await db.prepare("UPDATE municipality SET mail_from = 'klubkort@kommune.example'").run()
  till = await enrolledTerminal(office, await newSite(office), 'Disken')
  ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 10_000 })
  ole = await cardHolder(office, { name: 'Ole Prøvebarn', credit: 10_000 })
  asta = await parentOf(office, CPR, [ida.child, ole.child])
  await setContact(db, asta.guardian, ALL, 1)
})

const wants = (wishes: Partial<Contact>) => setContact(db, asta.guardian, { ...ALL, ...wishes }, Date.now())
const end = (child: number) => office.post(`/children/${child}/guardians/end`, { cpr: CPR })
const run = (service: { binding: SendEmail }, nowMs = MONDAY_MS) =>
  deliver(db, service.binding, { municipality: 4000, portal: 'http://4000.localhost' }, nowMs)

async function buy(amount: number) {
  const { body } = await till.send(await till.say('request', { card: ida.hash, amount }))
  expect(body.results).toMatchObject([{ outcome: 'approved' }])
}

const kinds = async (where: string) =>
  (await db.prepare(`SELECT kind FROM outbox WHERE ${where} ORDER BY id`).all<{ kind: string }>()).results.map(
    ({ kind }) => kind,
  )

// ── Whose letter it is when it is sent ──────────────────────────────────────

describe('a letter that waits', () => {
  const NEWS = ['purchase', 'low_balance', 'weekly']

  it.each<[string, () => Promise<unknown>, string[]]>([
    ['nothing has changed', async () => {}, NEWS],
    ['the guardianship has ended', () => end(ida.child), []],
    ['the guardianship of a brother has ended', () => end(ole.child), ['purchase', 'low_balance']],
    [
      'a guardianship has ended and is in force again',
      async () => {
        await end(ida.child)
        await office.post(`/children/${ida.child}/guardians`, { cpr: CPR })
      },
      NEWS,
    ],
    [
      'the broker no longer says who it is',
      () => db.prepare('UPDATE guardian SET cpr_hash = NULL WHERE id = ?').bind(asta.guardian).run(),
      [],
    ],
    ['purchases are not to be told', () => wants({ tellPurchases: false }), ['low_balance', 'weekly']],
    ['low balances are not to be told', () => wants({ tellBelow: null }), ['purchase', 'weekly']],
    ['weeks are not to be told', () => wants({ tellWeekly: false }), ['purchase', 'low_balance']],
    ['the address is another one', () => wants({ mail: 'ny@mail.example' }), ['mail_changed']],
    ['there is no address', () => wants({ mail: null }), ['mail_changed']],
  ])('is sent to whom it still belongs when %s', async (_, change, sent) => {
    await buy(1000)
    await sumUpWeek(db, MONDAY_MS)
    expect(await kinds('true')).toEqual(NEWS)
    await change()
    const service = mailService()
    await run(service)
    expect(await kinds('sent_at IS NOT NULL')).toEqual(sent)
    expect(service.sent).toHaveLength(sent.length)
    expect(await kinds("given_up_at IS NOT NULL AND error = 'withdrawn'")).toEqual(
      NEWS.filter((kind) => !sent.includes(kind)),
    )

    await office.post(`/children/${ida.child}/guardians`, { cpr: CPR })
    await wants({})
    await run(service, MONDAY_MS + HOUR_MS)
    expect(await kinds(`kind <> 'mail_changed' AND sent_at > ${MONDAY_MS}`)).toEqual([]) // What was withdrawn stays so.
  })

  it('about a sale that has been undone since is not sent', async () => {
    const sale = newSale()
    await till.send(await till.say('request', { sale, card: ida.hash, amount: 1000 }))
    await till.send(await till.say('reversal', { sale, card: ida.hash, amount: 1000 }))
    const service = mailService()
    await run(service)
    expect(await kinds("error = 'withdrawn'")).toEqual(['purchase', 'low_balance'])
    expect(service.sent).toEqual([])
  })

  it('for an answer goes to no address that has been left', async () => {
    const id = crypto.randomUUID()
    const question = { id, message: crypto.randomUUID(), account: '', subject: 'Emne', text: 'Tekst', phone: '' }
    await asta.post('/support', question)
    const answer = { id: crypto.randomUUID(), text: 'Svar' }
    await call('POST', `/api/staff/cases/${id}/answer`, { token: office.token, body: answer })
    await wants({ mail: 'ny@mail.example' })
    const service = mailService()
    await run(service)
    expect(await kinds('sent_at IS NOT NULL')).toEqual(['mail_changed'])
    expect(await kinds("error = 'withdrawn'")).toEqual(['case_answered'])
  })

  it('is withdrawn also when the right ends while the letter before it is sent', async () => {
    await wants({ tellBelow: null })
    await buy(100)
    await buy(100)
    const service = mailService(async () => {
      await end(ida.child)
      return null
    })
    expect(await run(service)).toEqual({ sent: 1, failed: 0, givenUp: 0 })
    expect(await kinds("error = 'withdrawn'")).toEqual(['purchase'])
  })

  it('is withdrawn also between two attempts', async () => {
    await wants({ tellBelow: null })
    await buy(100)
    await run(mailService(() => new Error('busy')))
    await wants({ tellBelow: null, tellPurchases: false })
    const service = mailService()
    await run(service, MONDAY_MS + HOUR_MS)
    expect(service.handed).toEqual([])
    expect(await kinds("error = 'withdrawn'")).toEqual(['purchase'])
  })
})

// ── The letters to addresses that are left ──────────────────────────────────

describe('an address that is left', () => {
  const left = async () =>
    (await db.prepare("SELECT recipient FROM outbox WHERE kind = 'mail_changed' ORDER BY id").all()).results.map(
      ({ recipient }) => recipient,
    )

  it('hears of it once a day, however often the form is sent', async () => {
    for (let turn = 0; turn < 30; turn++) {
      const mail = turn % 2 ? 'anden@mail.example' : 'fremmed@mail.example'
      expect((await asta.post('/brugerinfo/om-dig', { language: 'da', mail })).status).toBe(303)
    }
    expect(await left()).toEqual([MAIL, 'fremmed@mail.example', 'anden@mail.example'])
  })

  it('is one of three that a guardian can have told in one Copenhagen day', async () => {
    const change = (name: string, nowMs: number) =>
      setContact(db, asta.guardian, { ...ALL, mail: `${name}@mail.example` }, nowMs)
    const evening = Date.UTC(2026, 5, 1, 21, 0) // 23.00 in Copenhagen.
    for (let turn = 1; turn <= 6; turn++) await change(`fremmed${turn}`, evening + turn)
    expect(await left()).toEqual([MAIL, 'fremmed1@mail.example', 'fremmed2@mail.example'])
    await change('næste', evening + HOUR_MS)
    expect((await left()).slice(3)).toEqual(['fremmed6@mail.example'])
  })

  it('hears of it once a day from all guardians together', async () => {
    const bo = await parentOf(office, '0201575002')
    const nowMs = Date.UTC(2026, 5, 1, 12, 0)
    await setContact(db, bo.guardian, { ...ALL, mail: MAIL }, nowMs)
    await setContact(db, bo.guardian, { ...ALL, mail: null }, nowMs)
    await setContact(db, asta.guardian, { ...ALL, mail: null }, nowMs + 1)
    expect(await left()).toEqual([MAIL])
  })
})

// ── Whose turn it is ────────────────────────────────────────────────────────

it('a guardian with a thousand letters keeps nobody else waiting', async () => {
  const bo = await parentOf(office, '0201575002')
  await setContact(db, bo.guardian, { ...ALL, mail: 'bo@mail.example' }, 1)
  await db.batch([
    db
      .prepare(
        `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 1000)
         SELECT ?1, 'mail_changed', 'change:' || n, ?2, '{}', n, n FROM number`,
      )
      .bind(asta.guardian, MAIL),
    db
      .prepare(
        `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
         VALUES (?1, 'case_answered', 'message:1', 'bo@mail.example', '{}', 5000, 5000)`,
      )
      .bind(bo.guardian),
  ])
  const service = mailService()
  expect(await run(service, 6000)).toMatchObject({ sent: 50 })
  expect(service.sent.slice(0, 2).map(({ to }) => to)).toEqual([MAIL, 'bo@mail.example'])
})

it.each([
  ['da', 'Betalt: lørdag den 21. november 2026 kl. 13.05', 'Betalt med: MobilePay'],
  ['en', 'Paid: Saturday, 21 November 2026 at 13:05', 'Paid with: MobilePay'],
] as const)(
  'a receipt by mail says when, with what and under which reference was paid, in %s',
  async (language, at, method) => {
    await wants({ language })
    const reference = newSale()
    const told = { amount: 5_000, at: Date.UTC(2026, 10, 21, 12, 5), method: 'mobilepay', reference } as const
    const to = { guardian: asta.guardian, recipient: MAIL, account: ida.account, cause: 'payment:1' }
    await moneyLetter(db, 'deposited', told, to, Date.now(), { sql: 'true', bind: [] }).run()
    const service = mailService()
    await run(service)
    const text = String(service.sent[0]?.text)
    for (const line of [at, method, `Reference: ${reference}`]) expect(text).toContain(line)
  },
)

it('news of their own money goes to who has lost the child too, without its balance', async () => {
  const told = (cause: string) =>
    moneyLetter(
      db,
      'payout_returned',
      { amount: 5_000, reason: null },
      { guardian: asta.guardian, recipient: null, account: ida.account, cause },
      Date.now(),
      { sql: 'true', bind: [] },
    ).run()
  await told('payout:1')
  await end(ida.child)
  await told('payout:2')
  const service = mailService()
  await run(service)
  const texts = service.sent.map(({ text }) => String(text))
  expect(texts).toHaveLength(2)
  for (const text of texts) expect(text).toContain('Udbetalingen af 50,00 kr. kunne ikke gennemføres.')
  expect(texts.map((text) => text.includes('Saldoen er nu 100,00 kr.'))).toEqual([true, false])
})
