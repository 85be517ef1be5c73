import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { StaffCase, StaffCaseSummary, StaffCases } from '../../shared/office/support.ts'
import { cprHash } from '../../worker/municipality/secrets.ts'
import { settings } from '../../worker/municipality/settings.ts'
import { disclosure } from '../../worker/people/disclosure.ts'
import { caseOf, casesOf, type Opening, openCase, reply } from '../../worker/support/cases.ts'
import { currentPublication, publicationVersion } from '../../worker/support/publications.ts'
import { call, cardHolder, contents, emptyDatabases, type Municipality, municipality } from './municipality.ts'

let office: Municipality
let anna: number
let bent: number
let account: number
let child: number

const CPR = '0101575001' // A birth date in 2057: it is nobody's.

/** A guardian as a login leaves them. */
async function guardian(name: string | null, mail: string | null, cpr: string | null): Promise<number> {
  const added = await office.db
    .prepare(
      `INSERT INTO guardian (issuer, subject, name, cpr_hash, language, mail, created_at, logged_in_at)
       VALUES ('https://broker.example', ?, ?, ?, 'da', ?, 0, 0) RETURNING id`,
    )
    .bind(crypto.randomUUID(), name, cpr && (await cprHash(env.MASTER_KEY, 4000, cpr)), mail)
    .first<number>('id')
  if (added === null) throw new Error('a guardian was added and is not there')
  return added
}

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ;({ account, child } = await cardHolder(office))
  await office.post(`/children/${child}/guardians`, { cpr: CPR })
  anna = await guardian('Anna Prøveforælder', 'anna@mail.example', CPR)
  bent = await guardian(null, null, null)
})

const question = (overrides: Partial<Opening> = {}): Opening => ({
  id: crypto.randomUUID(),
  message: crypto.randomUUID(),
  guardian: anna,
  account,
  subject: 'Et køb, som jeg ikke kender',
  text: 'Hvad er det?\nMandag kl. 14.',
  phone: null,
  callWanted: false,
  ...overrides,
})
type Shown = z.infer<typeof StaffCase>
type Summary = z.infer<typeof StaffCaseSummary>
type Listed = z.infer<typeof StaffCases>
const listed = async (state: string) => (await office.get<Listed>(`/cases?state=${state}`)).cases.map(({ id }) => id)
const deeds = async () =>
  (
    await office.db
      .prepare("SELECT action, subject, staff, guardian FROM audit WHERE subject LIKE 'case%' ORDER BY id")
      .all()
  ).results

describe('a support case', () => {
  it('is opened once by a form that is sent twice, and by nobody else under its id', async () => {
    const asked = question()
    expect(await openCase(office.db, asked, 1000)).toBe('opened')
    const before = await contents(office.db)
    expect(await openCase(office.db, asked, 2000)).toBe('opened')
    expect(await openCase(office.db, { ...asked, guardian: bent }, 2000)).toBe('id_taken')
    expect(await openCase(office.db, { ...asked, guardian: bent, message: crypto.randomUUID() }, 2000)).toBe('id_taken')
    expect(await openCase(office.db, { ...asked, guardian: bent, id: crypto.randomUUID() }, 2000)).toBe('id_taken')
    expect(await contents(office.db)).toEqual(before)
    expect(await casesOf(office.db, anna)).toEqual([
      { id: asked.id, subject: asked.subject, account, createdAt: 1000, closedAt: null, answered: false, lastAt: 1000 },
    ])
    expect(await deeds()).toEqual([{ action: 'case_opened', subject: `case:${asked.id}`, staff: null, guardian: anna }])
  })

  it('leaves out an account that is not the guardian’s', async () => {
    const other = await cardHolder(office, { name: 'Emil' })
    await office.post(`/children/${other.child}/guardians`, { cpr: '0201575002' })
    const asked = question({ account: other.account })
    await openCase(office.db, asked, 1000)
    expect(await caseOf(office.db, anna, asked.id)).toMatchObject({ account: null })
    await office.post(`/children/${child}/guardians/end`, { cpr: CPR })
    const later = question()
    await openCase(office.db, later, 2000)
    expect(await caseOf(office.db, anna, later.id)).toMatchObject({ account: null })
  })

  it('is seen, and replied to, by its own guardian only', async () => {
    const asked = question({ phone: '+4512345678', callWanted: true })
    await openCase(office.db, asked, 1000)
    const before = await contents(office.db)
    expect(await caseOf(office.db, bent, asked.id)).toBeNull()
    expect(await casesOf(office.db, bent)).toEqual([])
    const said = { case: asked.id, id: crypto.randomUUID(), text: 'Hov' }
    expect(await reply(office.db, { ...said, guardian: bent }, 2000)).toBe('not_found')
    expect(await reply(office.db, { ...said, guardian: anna, case: crypto.randomUUID() }, 2000)).toBe('not_found')
    expect(await contents(office.db)).toEqual(before)

    expect(await reply(office.db, { ...said, guardian: anna }, 3000)).toBe('replied')
    const after = await contents(office.db)
    expect(await reply(office.db, { ...said, guardian: anna, text: 'Andet' }, 4000)).toBe('replied')
    expect(await contents(office.db)).toEqual(after)
    expect(await caseOf(office.db, anna, asked.id)).toEqual({
      ...{
        id: asked.id,
        subject: asked.subject,
        account,
        createdAt: 1000,
        closedAt: null,
        answered: false,
        lastAt: 3000,
      },
      ...{ phone: '+4512345678', callWanted: true },
      messages: [
        { id: asked.message, from: 'guardian', text: asked.text, at: 1000 },
        { id: said.id, from: 'guardian', text: 'Hov', at: 3000 },
      ],
    })
  })

  it('is answered once per id, without the name of who did, and the guardian is told by mail once', async () => {
    const asked = question()
    await openCase(office.db, asked, 1000)
    const answer = { id: crypto.randomUUID(), text: 'Det var en toast.\r\nHilsen' }
    const answered = await office.post<Summary>(`/cases/${asked.id}/answer`, answer)
    expect(answered).toMatchObject({ id: asked.id, waitingSince: null, untold: 0 })
    expect(await office.get<Shown>(`/cases/${asked.id}`)).toMatchObject({
      guardian: { name: 'Anna Prøveforælder', mail: 'anna@mail.example' },
      children: [{ id: child, name: 'Ida', account }],
      waitingSince: null,
      messages: [
        { staff: null, text: asked.text },
        { id: answer.id, staff: 'Astrid', text: 'Det var en toast.\nHilsen' },
      ],
    })
    const before = await contents(office.db)
    expect(await office.post(`/cases/${asked.id}/answer`, answer)).toEqual(answered)
    const { body } = await call('POST', `/api/staff/cases/${asked.id}/answer`, {
      token: office.token,
      body: { ...answer, text: 'Andet' },
    })
    expect(body.error?.code).toBe('id_taken')
    const { body: own } = await call('POST', `/api/staff/cases/${asked.id}/answer`, {
      token: office.token,
      body: { id: asked.message, text: asked.text },
    })
    expect(own.error?.code).toBe('id_taken')
    expect(await contents(office.db)).toEqual(before)

    const seen = await caseOf(office.db, anna, asked.id)
    expect(seen).toMatchObject({ answered: true, messages: [{ from: 'guardian' }, { from: 'staff' }] })
    expect(JSON.stringify(seen)).not.toContain('Astrid')
    const outbox = (await contents(office.db)).outbox as { kind: string; recipient: string; guardian: number }[]
    expect(outbox).toEqual([
      expect.objectContaining({ kind: 'case_answered', recipient: 'anna@mail.example', guardian: anna }),
    ])
    expect((await deeds()).map(({ action }) => action)).toEqual(['case_opened', 'case_answered', 'case_viewed'])
  })

  it('is closed once, and opened again by a new message of the guardian, not by one sent again', async () => {
    const asked = question()
    await openCase(office.db, asked, 1000)
    const said = { case: asked.id, id: crypto.randomUUID(), guardian: anna, text: 'Og hvad med tirsdag?' }
    await reply(office.db, said, 2000)
    expect(await office.post(`/cases/${asked.id}/close`)).toMatchObject({ closedAt: expect.any(Number) })
    const before = await contents(office.db)
    await office.post(`/cases/${asked.id}/close`)
    await reply(office.db, said, 3000)
    await openCase(office.db, asked, 3000)
    expect(await contents(office.db)).toEqual(before)
    expect(await listed('open')).toEqual([])
    expect(await listed('closed')).toEqual([asked.id])

    await reply(office.db, { ...said, id: crypto.randomUUID() }, 4000)
    expect(await listed('open')).toEqual([asked.id])
    expect(await casesOf(office.db, anna)).toMatchObject([{ closedAt: null, lastAt: 4000 }])
    expect((await deeds()).map(({ action }) => action)).toEqual([
      ...['case_opened', 'case_replied', 'case_closed', 'cases_listed', 'cases_listed', 'case_replied', 'cases_listed'],
    ])
  })

  it('comes up when a call is wanted, then as long as it waits; impatience does not put it back', async () => {
    const [first, second, third, call, shut] = [1, 2, 3, 4, 5].map((n) =>
      question({ subject: `${n}`, ...(n === 4 && { phone: '+4512345678', callWanted: true }) }),
    ) as [Opening, Opening, Opening, Opening, Opening]
    for (const [index, each] of [first, second, third, call, shut].entries()) {
      await openCase(office.db, { ...each, guardian: index % 2 ? bent : anna }, 1000 * (index + 1))
    }
    await reply(office.db, { case: second.id, id: crypto.randomUUID(), guardian: bent, text: 'Hallo?' }, 9000)
    await office.post(`/cases/${first.id}/answer`, { id: crypto.randomUUID(), text: 'Ja' })
    await office.post(`/cases/${shut.id}/close`)

    expect(await listed('open')).toEqual([call.id, second.id, third.id, first.id])
    expect(await listed('all')).toEqual([call.id, second.id, third.id, first.id, shut.id])
    const { cases } = await office.get<Listed>('/cases')
    expect(cases[0]).toMatchObject({
      callWanted: true,
      phone: '+4512345678',
      guardian: { name: null },
      waitingSince: 4000,
    })
    expect(cases.map(({ waitingSince }) => waitingSince)).toEqual([4000, 2000, 3000, null])
    expect((await casesOf(office.db, anna)).map(({ subject }) => subject)).toEqual(['5', '3', '1'])
  })

  it('is listed to staff 200 at a time, and then they are told that there are more', async () => {
    const guardians = await Promise.all(Array.from({ length: 21 }, () => guardian(null, null, null)))
    for (const asking of guardians) {
      for (let n = 0; n < 10; n++) await openCase(office.db, question({ guardian: asking, account: null }), 1000)
    }
    const first = await office.get<Listed>('/cases')
    const second = await office.get<Listed>('/cases?offset=200')
    expect([first.cases.length, first.more, second.cases.length, second.more]).toEqual([200, true, 10, false])
    expect(new Set([...first.cases, ...second.cases].map(({ id }) => id)).size).toBe(210)
    expect(await office.get('/cases?offset=999')).toEqual({ cases: [], more: false })
  })

  it('is recorded of whoever of the staff opens it or lists it, also where its guardian has no child', async () => {
    const asked = question({ guardian: bent, account: null })
    await openCase(office.db, asked, 1000)
    await office.get(`/cases/${asked.id}`)
    await office.get('/cases?state=all')
    await call('GET', `/api/staff/cases/${crypto.randomUUID()}`, { token: office.token })
    expect((await deeds()).slice(1)).toEqual([
      { action: 'case_viewed', subject: `case:${asked.id}`, staff: 1, guardian: null },
      { action: 'cases_listed', subject: 'cases:all', staff: 1, guardian: null },
    ])
  })
})

describe('a guardian who writes without end', () => {
  const day = 86_400_000
  const said = (to: Opening) => ({ case: to.id, id: crypto.randomUUID(), guardian: anna, text: 'Mere' })

  /** A case of Anna's with so many messages, all sent at one instant. */
  async function caseOfMessages(count: number, text: string, at: number): Promise<Opening> {
    const asked = question({ text })
    await openCase(office.db, asked, at)
    await office.db
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?4)
         INSERT INTO case_message (id, "case", text, at) SELECT ?1 || i, ?1, ?2, ?3 FROM n`,
      )
      .bind(asked.id, text, at, count)
      .run()
    return asked
  }

  it('has at most ten cases open at a time, however they are sent, and one that is closed makes room', async () => {
    const asked = Array.from({ length: 12 }, () => question())
    const opened = await Promise.all(asked.map((each) => openCase(office.db, each, 1000)))
    expect(opened).toEqual([...Array(10).fill('opened'), 'too_many', 'too_many'])
    expect(await openCase(office.db, asked[0] as Opening, 2000)).toBe('opened')
    expect(await openCase(office.db, question({ guardian: bent }), 2000)).toBe('opened')
    const before = await contents(office.db)
    expect(await openCase(office.db, asked[11] as Opening, 2000)).toBe('too_many')
    expect(await contents(office.db)).toEqual(before)
    await office.post(`/cases/${asked[0]?.id}/close`)
    expect(await openCase(office.db, asked[11] as Opening, 3000)).toBe('opened')
  })

  it('opens at most twenty cases in a day', async () => {
    for (let n = 0; n < 20; n++) {
      const asked = question()
      expect(await openCase(office.db, asked, 1000)).toBe('opened')
      await office.post(`/cases/${asked.id}/close`)
    }
    expect(await openCase(office.db, question(), 1000 + day - 1)).toBe('too_many')
    expect(await openCase(office.db, question(), 1000 + day)).toBe('opened')
  })

  it('sends at most fifty messages in a day, and what was sent already stays sent', async () => {
    const asked = await caseOfMessages(49, 'Hallo?', 1000)
    const other = question()
    await openCase(office.db, other, 1000)
    const before = await contents(office.db)
    const late = said(asked)
    expect(await reply(office.db, late, day)).toBe('too_many')
    expect(await contents(office.db)).toEqual(before)
    expect(await reply(office.db, { ...said(asked), id: asked.message }, day)).toBe('replied')
    expect(await reply(office.db, { ...late, case: crypto.randomUUID() }, day)).toBe('not_found')
    expect(await reply(office.db, late, 1000 + day)).toBe('replied')
  })

  it('writes at most two hundred messages in a case, which staff can still read, answer and close', async () => {
    const euros = '€'.repeat(4000)
    const asked = await caseOfMessages(250, euros, 1000)
    expect(await reply(office.db, said(asked), 3 * day)).toBe('too_many')
    expect((await caseOf(office.db, anna, asked.id))?.messages).toHaveLength(250)
    expect((await office.get<Shown>(`/cases/${asked.id}`)).messages).toHaveLength(250)
    const answered = await office.post(`/cases/${asked.id}/answer`, { id: crypto.randomUUID(), text: 'Ring til os' })
    expect(answered).toMatchObject({ id: asked.id, waitingSince: null })
    expect(await office.post(`/cases/${asked.id}/close`)).toMatchObject({ closedAt: expect.any(Number) })
    const file = await disclosure(office.db, { guardian: anna, accounts: [] }, Date.now())
    expect(file.cases[0]?.messages).toHaveLength(251)
    expect(file.cases[0]?.messages.at(-2)?.text).toBe(euros)
  })
})

describe('a publication', () => {
  const publish = (text: string, language = 'da') => office.post('/publications', { kind: 'terms', language, text })

  it('is the next version of its kind and language, and the same text again is none', async () => {
    expect(await currentPublication(office.db, 'terms', 'da')).toBeNull()
    const first = await publish('# Vilkår\r\nEt kort.\n')
    expect(first).toMatchObject({ kind: 'terms', language: 'da', version: 1, staff: 'Astrid' })
    const before = await contents(office.db)
    expect(await publish('# Vilkår\nEt kort.')).toEqual(first)
    expect(await contents(office.db)).toEqual(before)
    expect(await publish('Andet')).toMatchObject({ version: 2 })
    expect(await publish('# Vilkår\nEt kort.')).toMatchObject({ version: 3 })
    expect(await publish('Terms', 'en')).toMatchObject({ version: 1 })
    await office.post('/publications', { kind: 'privacy', language: 'da', text: 'Privatliv' })

    expect(await currentPublication(office.db, 'terms', 'da')).toMatchObject({
      ...{ language: 'da', version: 3, text: '# Vilkår\nEt kort.', otherLanguage: false },
    })
    expect(await publicationVersion(office.db, 'terms', 'da', 2)).toMatchObject({ text: 'Andet', otherLanguage: false })
    expect(await publicationVersion(office.db, 'terms', 'da', 4)).toBeNull()
    expect(await office.get('/publications')).toMatchObject({
      publications: [
        { kind: 'privacy', version: 1 },
        { kind: 'terms', language: 'da', version: 3 },
        { kind: 'terms', language: 'da', version: 2 },
        { kind: 'terms', language: 'da', version: 1 },
        { kind: 'terms', language: 'en', version: 1 },
      ],
    })
  })

  it('stands in for a language that has none, and says so', async () => {
    await publish('Et')
    await publish('To')
    expect(await currentPublication(office.db, 'terms', 'en')).toMatchObject({
      ...{ language: 'da', version: 2, text: 'To', otherLanguage: true },
    })
    await publish('One', 'en')
    expect(await currentPublication(office.db, 'terms', 'en')).toMatchObject({ text: 'One', otherLanguage: false })
  })

  it('takes as much as a hundred thousand bytes', async () => {
    await publish('ø'.repeat(50_000))
    expect((await currentPublication(office.db, 'terms', 'da'))?.text).toHaveLength(50_000)
  })
})

describe('settings', () => {
  const none = { supportPhone: null, supportMail: null, supportHours: { da: null, en: null }, mailFrom: null }
  /** The rules for money that a municipality begins with. */
  const money = {
    ...{ depositMin: 5_000, depositMax: 200_000, topUpThreshold: 5_000, topUpActivation: 10_000, topUpsPerDay: 2 },
    ...{ payoutDayMax: 500_000, refundDays: 60, cardFee: 4_500 },
    ...{ bankRegistration: null, bankAccount: null, bankFileVersion: '09' },
  }
  const keep = { booksYears: 5, casesMonths: 24, viewingsMonths: 24 }
  /** What its terminals may do offline. */
  const offline = {
    ...{ saleMax: 5_000, cardSumMax: 10_000, weakSaleMax: 2_500, weakCardSumMax: 5_000, unsentCountMax: 2_000 },
    ...{ unsentSumMax: 2_000_000, listAgeMaxMs: 86_400_000, language: 'da', tokenTypes: [] },
  }

  it('change where they are named and stay where they are not', async () => {
    expect(await office.get('/settings')).toEqual({ name: 'Kommune 4000', ...none, money, offline, keep })
    const changed = await office.post('/settings', {
      supportPhone: '00 00 00 00',
      supportMail: 'support@klubkort.example',
      supportHours: { da: 'altid' },
    })
    expect(changed).toEqual({
      name: 'Kommune 4000',
      ...{ supportPhone: '00 00 00 00', supportMail: 'support@klubkort.example', mailFrom: null },
      supportHours: { da: 'altid', en: null },
      money,
      offline,
      keep,
    })
    const before = await contents(office.db)
    for (const body of [{}, { supportHours: {} }, { supportHours: { da: 'altid' } }, { name: 'Kommune 4000' }]) {
      expect(await office.post('/settings', body)).toEqual(changed)
    }
    expect(await contents(office.db)).toEqual(before)
    await office.post('/settings', { supportPhone: null, name: 'Ny Kommune' })
    expect(await settings(office.db)).toMatchObject({
      name: 'Ny Kommune',
      supportPhone: null,
      supportHours: { da: 'altid' },
    })
    const audit = await office.db.prepare("SELECT detail FROM audit WHERE action = 'settings_changed'").all()
    expect(audit.results).toEqual([
      { detail: '{"changed":["support_phone","support_mail","support_hours_da"]}' },
      { detail: '{"changed":["name","support_phone"]}' },
    ])
  })

  it('have no name before the municipality is set up', async () => {
    expect(await settings(env.DB_7620)).toMatchObject({ name: '', ...none, money: { depositMax: 1, payoutDayMax: 1 } })
  })
})
