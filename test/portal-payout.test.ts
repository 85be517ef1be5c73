import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BankFileContent, ImportStatusAnswer, StaffPayout, StaffPayouts } from '../shared/office/payouts.ts'
import { StaffToken } from '../shared/office/staff.ts'
import { uuidv7 } from '../shared/uuidv7.ts'
import { call } from '../terminal/http.ts'
import { COMBINATIONS } from './browser/combinations.ts'
import type { Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { person } from './local/persons.ts'

const [ADA, BO] = ['Ada Prøvebarn', 'Bo Prøvebarn']
const REASON = 'Navnet hører ikke til kontoen'

/** What the guide, and the pages, call things here. */
const WORDS = {
  da: {
    payOut: 'Udbetal',
    fields: ['Navn', 'Registreringsnummer', 'Kontonummer', 'Besked', 'Beløb'],
    next: 'Næste',
    check: 'Kontrollér udbetalingen',
    approve: 'Godkend med MitID',
    change: 'Ret',
    message: 'Godkend udbetaling af',
    cancelled: 'Du afbrød godkendelsen',
    somebodyElse: 'Det var en anden, der godkendte',
    back: 'Tilbage',
    receipt: 'Kvittering',
    received: 'Modtaget',
    sent: 'Sendt til banken',
    paid: 'Udbetalt',
    rejected: 'Afvist',
    gone: 'Der står nu',
    letter: 'En udbetaling kunne ikke gennemføres',
  },
  en: {
    payOut: 'Pay out',
    fields: ['Name', 'Registration number', 'Account number', 'Message', 'Amount'],
    next: 'Next',
    check: 'Check the payout',
    approve: 'Approve with MitID',
    change: 'Change',
    message: 'Approve payout of',
    cancelled: 'You cancelled the approval',
    somebodyElse: 'Somebody else approved',
    back: 'Back',
    receipt: 'Receipt',
    received: 'Received',
    sent: 'Sent to the bank',
    paid: 'Paid out',
    rejected: 'Refused',
    gone: 'The account now holds',
    letter: 'A payout could not be made',
  },
} as const

let stage: Stage
/** Two members of staff: the one who approves, and the one who exports. */
let clerk: Asking
let cashier: Asking

type Asking = <T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: unknown) => Promise<T>

function asking(token: string): Asking {
  return async (method, path, schema, body) => {
    const answer = await call({
      url: `${stage.place.url}/api/staff${path}`,
      method,
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
      ...(body !== undefined && { body }),
      schema,
      timeoutMs: 10_000,
    })
    if (answer.kind !== 'answer') throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
    return answer.value
  }
}

const newId = () => uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))

beforeAll(async () => {
  stage = await openStage()
  clerk = asking(stage.place.token)
  const { token } = await clerk('POST', '/people', StaffToken, { name: 'Kassen', role: 'finance' })
  cashier = asking(token)
  await clerk('POST', '/settings', z.object(), { money: { bankRegistration: '9999', bankAccount: '0000000001' } })
})
afterAll(() => stage?.close())

/** What the bank says of a file: that it has paid all of it. */
function paidReport(file: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"><CstmrPmtStsRpt>
<GrpHdr><MsgId>BANK-${randomUUID().slice(0, 8)}</MsgId><CreDtTm>2026-11-24T08:00:00Z</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>${file.replaceAll('-', '')}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
<GrpSts>ACSC</GrpSts></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`
}

describe.each(COMBINATIONS)('without JavaScript, in $language, $width px wide', ({ language, width }) => {
  const words = WORDS[language]
  const mail = `udbetal-${language}-${width}@klubkort.example`
  let portal: Portal

  beforeAll(async () => {
    portal = await stage.visit({ language, width })
    await portal.logIn('two_children')
    await portal.choose(portal.labels.profile)
    const about = portal.page.locator('form', { has: portal.page.getByLabel(portal.labels.mail, { exact: true }) })
    await about.getByLabel(portal.labels.mail, { exact: true }).fill(mail)
    await portal.press(portal.labels.save, about)
  })
  afterAll(() => portal?.close())
  afterEach(() => expect(portal.watch.faults()).toEqual([]))

  /** From Konti to the summary of a payout, as the guide says. */
  async function fill(on: Portal, amount: string) {
    const { page, labels } = on
    await on.choose(labels.accounts)
    await on.press(words.payOut, on.section(ADA))
    expect(await on.heading()).toBe(words.payOut)
    const [name, registration, account, message, sum] = words.fields.map((label) =>
      page.getByLabel(label, { exact: true }),
    )
    expect(await name?.inputValue()).toBe('Anna Prøveforælder')
    await registration?.fill('1234')
    await account?.fill('12 34 567')
    await message?.fill('Tak for i år')
    await sum?.fill(amount)
    expect(await on.unsound()).toEqual([])
    await on.press(words.next)
    expect(await on.heading()).toBe(words.check)
    expect(await on.unsound()).toEqual([])
  }

  const approve = async (who: Parameters<typeof person>[0]) => {
    await portal.press(words.approve)
    await portal.press(person(who).label)
  }

  const openPayouts = async () => (await clerk('GET', '/payouts', StaffPayouts)).payouts

  /** What Ada's account holds, in øre. */
  async function balance(): Promise<number> {
    await portal.choose(portal.labels.accounts)
    const text = await portal.section(ADA).locator('.account-balance strong').innerText()
    return Number(text.replaceAll(/\D/g, ''))
  }

  test('a parent checks what was typed, changes it, and approves it with MitID', async () => {
    const before = await balance()
    await fill(portal, '12')
    for (const told of ['1234', '0001234567', 'Tak for i år', '12,00 kr.']) expect(await portal.text()).toContain(told)
    await portal.press(words.change)
    expect(await portal.page.getByLabel(words.fields[3] ?? '', { exact: true }).inputValue()).toBe('Tak for i år')
    await portal.page.getByLabel(words.fields[4] ?? '', { exact: true }).fill('10')
    await portal.press(words.next)
    await portal.press(words.approve)
    expect(await portal.page.locator('#message').innerText()).toBe(`${words.message} 10,00 kr.`)
    await portal.press(person('two_children').label)
    expect(await portal.heading()).toBe(words.receipt)
    expect(await portal.text()).toContain(words.received)
    expect(await portal.unsound()).toEqual([])
    expect(await balance()).toBe(before - 1_000)
  })

  test('one member of staff approves, another sends it to the bank, and the parent sees it paid', async () => {
    const [payout] = await openPayouts()
    await clerk('POST', `/payouts/${payout?.id}/approve`, StaffPayout, {})
    await expect(clerk('POST', '/payouts/export', BankFileContent, { id: newId() })).rejects.toThrow(
      'nothing_to_export',
    )
    const file = await cashier('POST', '/payouts/export', BankFileContent, { id: newId() })
    await portal.choose(portal.labels.accounts)
    await portal.press(words.payOut, portal.section(ADA))
    expect(await portal.text()).toContain(words.sent)
    await cashier('POST', '/payouts/import-status', ImportStatusAnswer, { report: paidReport(file.id) })
    await portal.page.reload()
    await portal.page.locator(`main li a[href$="${payout?.id}"]`).click()
    expect(await portal.heading()).toBe(words.receipt)
    expect(await portal.text()).toContain(words.paid)
    expect(await openPayouts()).toEqual([])
  })

  test('cancelled at MitID, or approved by somebody else there, nothing happens, and the way back is the summary', async () => {
    const before = await balance()
    await fill(portal, '10')
    const summary = portal.page.url()
    for (const [press, heading] of [
      ['Afbryd', words.cancelled],
      [person('shares_a_child').label, words.somebodyElse],
    ] as const) {
      await portal.press(words.approve)
      await portal.press(press)
      expect(await portal.heading()).toBe(heading)
      expect(await portal.page.locator('.portal-guardian').innerText()).toContain('Anna Prøveforælder')
      await portal.press(words.back)
      expect(portal.page.url()).toBe(summary)
    }
    expect(await openPayouts()).toEqual([])
    expect(await balance()).toBe(before)
  })

  test('a payout that staff reject is back on the account, and the parent is told by mail', async () => {
    const before = await balance()
    await fill(portal, '10')
    await approve('two_children')
    expect(await portal.heading()).toBe(words.receipt)
    const [payout] = await openPayouts()
    await clerk('POST', `/payouts/${payout?.id}/reject`, StaffPayout, { reason: REASON })
    await portal.page.reload()
    expect(await portal.text()).toContain(words.rejected)
    expect(await portal.text()).toContain(REASON)
    expect(await portal.unsound()).toEqual([])
    expect(await balance()).toBe(before)
    const letters = () => stage.system.mails().filter(({ to, subject }) => to === mail && subject === words.letter)
    for (const until = Date.now() + 20_000; letters().length === 0 && Date.now() < until; ) await setTimeout(100)
    expect(letters().map(({ text }) => text.includes(REASON))).toEqual([true])
  })

  test('of two forms that are filled in side by side, the second says that the money is gone', async () => {
    const there = await balance()
    const most = String(Math.floor(there / 100))
    await fill(portal, most)
    const first = portal.page.url()
    await fill(portal, most)
    const second = portal.page.url()
    expect(second).not.toBe(first)
    await portal.page.goto(first)
    await approve('two_children')
    expect(await portal.heading()).toBe(words.receipt)
    await portal.page.goto(second)
    expect(await portal.text()).toContain(words.gone)
    expect(await portal.page.getByRole('button', { name: words.approve }).count()).toBe(0)
    const [payout] = await openPayouts()
    await clerk('POST', `/payouts/${payout?.id}/reject`, StaffPayout, { reason: REASON })
    expect(await balance()).toBe(there)
  })
})

test('another parent of the child sees that there was a payout, and not to where', async () => {
  const [anna, bent] = [
    await stage.visit({ language: 'da', width: 360 }),
    await stage.visit({ language: 'da', width: 360 }),
  ]
  await anna.logIn('two_children')
  await anna.press(WORDS.da.payOut, anna.section(BO))
  await anna.page.getByLabel('Registreringsnummer').fill('4321')
  await anna.page.getByLabel('Kontonummer').fill('7654321')
  await anna.page.getByLabel('Beløb').fill('1')
  await anna.press(WORDS.da.next)
  await anna.press(WORDS.da.approve)
  await anna.press(person('two_children').label)
  const receipt = new URL(anna.page.url()).pathname
  await bent.logIn('shares_a_child')
  await bent.press(WORDS.da.payOut, bent.section(BO))
  const list = bent.section('Tidligere udbetalinger')
  expect(await list.innerText()).toMatch(/Udbetaling af 1,00\skr\.\s+Modtaget[\s\S]*Bestilt af en anden forælder/)
  expect(await bent.page.content()).not.toContain('7654321')
  await bent.open(receipt)
  expect(await bent.heading()).toBe('Siden findes ikke')
  for (const portal of [anna, bent]) await portal.close()
})

test('the ledger is whole after all this', async () => {
  expect((await stage.place.desk.check()).violations).toEqual([])
})
