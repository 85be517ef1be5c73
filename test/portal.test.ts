import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { PDF } from '@libpdf/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { copenhagenDay } from '../shared/copenhagen.ts'
import { COMBINATIONS } from './browser/combinations.ts'
import type { Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { person } from './local/persons.ts'

const PARENT = 'two_children'
const [ADA, BO, CILLA] = ['Ada Prøvebarn', 'Bo Prøvebarn', 'Cilla Prøvebarn']
const DAY_MS = 86_400_000
const LETTER = { da: 'Svar i din sag', en: 'An answer to your question' }

let stage: Stage
/** A parent whose browser runs scripts; all others do without. */
let withScripts: Portal

beforeAll(async () => {
  stage = await openStage()
  withScripts = await stage.visit({ language: 'da', width: 360, javaScript: true })
})
afterAll(() => stage?.close())

/** The amounts of a column of the statement, in øre, the newest first. */
async function column(portal: Portal, nth: number): Promise<number[]> {
  const cells = await portal.page.locator(`.statement-table tbody td:nth-child(${nth})`).allInnerTexts()
  return cells.map((text) => Number(text.replaceAll(/[^\d−]/g, '').replace('−', '-')))
}

/** What a press on a link downloads. */
async function download(portal: Portal, name: string): Promise<{ name: string; bytes: Buffer }> {
  const [file] = await Promise.all([
    portal.page.waitForEvent('download'),
    portal.page.getByRole('link', { name, exact: true }).click(),
  ])
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) }
}

test('with JavaScript too a card is blocked, and is refused at the till before the till has been told', async () => {
  await withScripts.logIn('name_protected')
  await withScripts.choose('Brugerinfo')
  await withScripts.press('Spær kort')
  expect(await stage.buy(CILLA, 'Frugt')).toMatch(/Ikke gennemført.*spærret/)
})

describe.each(COMBINATIONS)('without JavaScript, in $language, $width px wide', ({ language, width }) => {
  const mail = `anna-${language}-${width}@klubkort.example`
  let portal: Portal

  beforeAll(async () => {
    portal = await stage.visit({ language, width })
  })
  afterEach(async () => expect(await portal.unsound()).toEqual([]))
  afterAll(async () => {
    const { hosts, faults } = portal.watch
    await portal.close()
    expect(faults()).toEqual([])
    expect(hosts()).toEqual([new URL(stage.system.broker.issuer).host, new URL(stage.origin).host].sort())
  })

  test('a parent logs in with MitID and sees every account and card', async () => {
    await portal.logIn(PARENT)
    const { labels, page } = portal
    expect(new URL(page.url()).pathname).toBe('/konti')
    expect(await portal.heading()).toBe(labels.accounts)
    for (const name of [ADA, BO]) {
      const account = await portal.section(name).innerText()
      expect(account).toMatch(/\d,\d\d\skr\./)
      expect(account).toContain(labels.active)
    }
    expect(await page.locator('main section').count()).toBe(2)
  })

  test('the account is chosen at the top left, and every page follows', async () => {
    const { labels, page } = portal
    await portal.choose(labels.accounts)
    expect(await portal.current()).toBe(ADA)
    const [box, menu] = [
      await page.locator('.switcher').boundingBox(),
      await page.locator('.portal-menu').boundingBox(),
    ]
    const heading = await page.locator('h1').boundingBox()
    expect(box?.x).toBeLessThan(width / 3)
    expect(box?.y).toBeLessThan(menu?.y ?? 0)
    expect(box?.y).toBeLessThanOrEqual(heading?.y ?? 0)
    await portal.switchTo(BO)
    expect(await portal.heading()).toBe(labels.accounts)
    expect(await portal.current()).toBe(BO)
    await portal.choose(labels.statement)
    expect(await portal.text()).toContain(BO)
    await portal.switchTo(ADA)
    expect(await portal.heading()).toBe(labels.statement)
    expect(await portal.text()).toContain(ADA)
    expect(await portal.text()).not.toContain(BO)
  })

  test('the statement of a period shows what was bought and the running balance, and can be taken along', async () => {
    const { labels, page } = portal
    await portal.choose(labels.statement)
    const [from, to] = [copenhagenDay(Date.now() - 60 * DAY_MS), copenhagenDay(Date.now())]
    await page.getByLabel(labels.from).fill(from)
    await page.getByLabel(labels.to).fill(to)
    await portal.press(labels.show)
    expect(page.url()).toContain(`fra=${from}&til=${to}`)
    expect(await portal.text()).toMatch(/2 × Toast (à|at) 15,00, 1 × Saftevand/)
    expect(await portal.text()).toContain('Klub Eksempel')

    const [amounts, balances] = [await column(portal, 3), await column(portal, 4)]
    expect(amounts.length).toBeGreaterThan(10)
    for (const [index, amount] of amounts.entries()) {
      expect(balances[index]).toBe((balances[index + 1] ?? 0) + amount)
    }

    const csv = await download(portal, labels.csv)
    expect(csv.name).toMatch(/\.csv$/)
    expect(csv.bytes.toString()).toContain('Toast')
    expect(csv.bytes.toString().trim().split('\n').length).toBeGreaterThanOrEqual(amounts.length)
    const pdf = await download(portal, labels.pdf)
    expect(pdf.name).toMatch(/\.pdf$/)
    const pages = (await PDF.load(new Uint8Array(pdf.bytes))).extractText().map(({ text }) => text)
    expect(pages.join('\n')).toContain('Toast')
    expect(pages.join('\n')).toContain(ADA)
  })

  test('a support case with a telephone number reaches staff, and their answer the parent', async () => {
    const { labels, page } = portal
    await portal.choose(labels.profile)
    const about = page.locator('form', { has: page.getByLabel(labels.mail) })
    await about.getByLabel(labels.mail).fill(mail)
    await portal.press(labels.save, about)

    await portal.choose(labels.support)
    const subject = `Toast ${language} ${width}`
    await page.getByLabel(labels.subject).fill(subject)
    await page.getByLabel(labels.question).fill('Hvorfor står der to gange toast?\nDet var én.')
    await page.getByLabel(labels.phone).fill('20 00 00 00')
    await page.getByLabel(labels.callMe).check()
    await portal.press(labels.openCase)
    expect(await portal.heading()).toBe(subject)

    const { desk } = stage.place
    const { cases } = await desk.cases()
    const open = cases.find((one) => one.subject === subject)
    expect(open).toMatchObject({ callWanted: true, phone: expect.stringContaining('20') })
    await desk.answerCase(open?.id ?? '', { id: randomUUID(), text: 'Det var to. Se kontoudtoget.' })

    await portal.choose(labels.support)
    expect(await page.locator('main li', { hasText: subject }).innerText()).toContain(labels.answered)
    await portal.press(subject)
    expect(await portal.text()).toContain('Det var to. Se kontoudtoget.')
  })

  test('a purchase above the daily limit is refused at the till, until the limit is taken away', async () => {
    const { labels, page } = portal
    await portal.choose(labels.profile)
    const box = portal.section(labels.limit)
    await box.getByLabel(labels.limitField).fill('3,50')
    await portal.press(labels.save, box)
    expect(await page.getByRole('status').count()).toBe(1)
    expect(await box.getByLabel(labels.limitField).inputValue()).toBe('3,50')
    expect(await stage.buy(ADA, 'Frugt')).toMatch(/Ikke gennemført.*Dagens grænse/)
    await box.getByLabel(labels.limitField).fill('')
    await portal.press(labels.save, box)
    expect(await stage.buy(ADA, 'Frugt')).toMatch(/Godkendt 4,00 kr/)
  })

  test('a card is blocked, is refused at the till, and buys again when it is activated', async () => {
    const { labels, page } = portal
    await portal.choose(labels.profile)
    expect(await portal.current()).toBe(ADA)
    const cards = portal.section(labels.cards)
    expect(await cards.getByRole('button').allInnerTexts()).toEqual([labels.block])
    await portal.press(labels.block, cards)
    expect(await cards.getByRole('button').allInnerTexts()).toEqual([labels.activate])
    expect(await cards.innerText()).toContain(labels.blocked)

    await cards.locator('details summary').click()
    const told = await cards.locator('details').innerText()
    expect(told).toMatch(/Klub Eksempel.*Klubbens disk/)
    expect(told).not.toContain('Demo-historik') // A terminal that is revoked needs no telling.

    expect(await stage.buy(ADA, 'Frugt')).toMatch(/Ikke gennemført.*spærret/)
    await portal.choose(labels.accounts)
    expect(await portal.section(ADA).innerText()).toContain(labels.blocked)
    expect(await portal.section(BO).innerText()).not.toContain(labels.blocked)

    await portal.choose(labels.profile)
    await portal.press(labels.activate, cards)
    expect(await cards.getByRole('button').allInnerTexts()).toEqual([labels.block])
    expect(await page.getByRole('status').count()).toBe(1)
    expect(await stage.buy(ADA, 'Frugt')).toMatch(/Godkendt 4,00 kr/)
  })

  test('the parent has been told by mail, once and in their language', async () => {
    const letters = () => stage.system.mails().filter(({ to, subject }) => to === mail && subject === LETTER[language])
    for (const until = Date.now() + 20_000; letters().length === 0 && Date.now() < until; ) await setTimeout(100)
    expect(letters().length).toBe(1)
    expect(letters()[0]?.text).not.toContain('kontoudtoget') // What was said is read in the portal only.
  })

  test('whoever has logged out is asked who they are at the next log-in, at the broker too', async () => {
    const { labels, page } = portal
    await portal.logOut()
    if (page.url().startsWith(stage.system.broker.issuer)) await portal.press('Log ud')
    expect(await portal.heading()).toBe(labels.loggedOut)
    await portal.open('/konti')
    expect(new URL(page.url()).pathname).toBe('/log-ind')
    await portal.press(labels.logIn)
    await page.getByRole('button', { name: person(PARENT).label }).waitFor()
    await portal.open('/log-ind')
  })
})

test('the page says when the till has the block in its own list too, for when it is offline', async () => {
  const told = withScripts.section('Mine kort').locator('details summary')
  const all = /^Spærret på 1 af 1 terminal, også uden net/
  await withScripts.choose('Brugerinfo')
  // The till takes its list every ten seconds, and says the next time which one it has.
  for (const until = Date.now() + 40_000; !all.test(await told.innerText()) && Date.now() < until; ) {
    await setTimeout(250)
    await withScripts.choose('Brugerinfo')
  }
  expect(await told.innerText()).toMatch(all)
  await withScripts.press('Aktiver kort')
  expect(await stage.buy(CILLA, 'Frugt')).toMatch(/Godkendt 4,00 kr/)
  expect(withScripts.watch.faults()).toEqual([])
})

test('the ledger is whole after all this', async () => {
  expect((await stage.place.desk.check()).violations).toEqual([])
})
