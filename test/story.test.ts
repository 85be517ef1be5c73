import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CARDS, paymentPage } from './browser/payment.ts'
import type { Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { commandLine, type Ended } from './local/command-line.ts'
import { DEMO } from './local/demo-data.ts'
import { person } from './local/persons.ts'

/** One child's time with the card, from the roster to the last payout: every test goes on where the one before ended. */

const CHILD = 'Dagny Prøvebarn'
const [FIRST_UID, SPARE_UID] = ['04d1d2d3d4d501', '04d1d2d3d4d502']
const PATIENCE_MS = 30_000

let stage: Stage
let folder: string
let office: ReturnType<typeof commandLine>
let finance: ReturnType<typeof commandLine>
let club: ReturnType<typeof commandLine>
let parent: Portal
/** The number of the child, of its account, and of its terminal. */
let child: number
let account: number
let terminal: string

beforeAll(async () => {
  stage = await openStage(DEMO.slice(0, 1).map((place) => ({ ...place, children: [], offline: [] })))
  folder = await mkdtemp(join(tmpdir(), 'klubkort-story-'))
  const { url, token, desk } = stage.place
  office = commandLine({ url, token, folder })
  const at = (token: string) => commandLine({ url, token, folder })
  finance = at((await desk.addStaff('Kassen', 'finance')).token)
  const added = await run(office, 'staff', 'add', '--name', 'Klubben', '--role', 'club', '--site', '1', '--json')
  club = at(JSON.parse(added.out).token)
  terminal = JSON.parse((await run(office, 'terminal', 'list', '--json')).out).terminals.at(-1).id
  await run(office, 'settings', 'set', '--bank-registration', '9999', '--bank-account', '0000000001')
  await run(office, 'settings', 'set', '--refund-days', '0') // Else what was paid in by card would go back to the card.
  parent = await stage.visit({ language: 'da', width: 360 })
}, 120_000)
afterAll(async () => {
  await parent?.close()
  await stage?.close()
  if (folder) await rm(folder, { recursive: true, force: true })
})

/** Runs a command that must end well. */
async function run(as: ReturnType<typeof commandLine>, ...args: string[]): Promise<Ended> {
  const ended = await as(...args)
  expect(ended.code, `klubkort ${args.join(' ')}\n${ended.out}${ended.err}`).toBe(0)
  return ended
}

/** What a command says to a program. */
const told = async (as: ReturnType<typeof commandLine>, ...args: string[]) =>
  JSON.parse((await run(as, ...args, '--json')).out)

const balance = async () => (await told(office, 'child', 'show', String(child))).balance as number

/** The child buys one product at the till, with a card; everything that the display says then. */
async function buys(product: string, uid: string): Promise<string> {
  const { pi } = stage.place
  await pi.shows(/^Vælg varer/, 20_000)
  await pi.shows(/^Online/, 20_000)
  expect(pi.press(product)).toBe(true)
  await pi.shows(new RegExp(`^1 × ${product}`))
  const answered = pi.shows(/Godkendt|Ikke gennemført/, 8_000)
  await pi.tap(uid)
  await answered
  const texts = pi.texts().join(' | ')
  pi.press('dismiss')
  await pi.shows(/^Vælg varer|^Læg kortet på/)
  pi.press('Slet')
  return texts
}

/** Staff begin a hand-out, and the child lays a card on the till. */
async function handsOut(as: ReturnType<typeof commandLine>, order: string, uid: string): Promise<Ended> {
  const { pi } = stage.place
  const handing = as('card', 'hand-out', '--order', order, '--terminal', terminal)
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await setTimeout(500)) {
    await pi.shows(/^Vælg varer/, 20_000)
    await pi.tap(uid)
    pi.press('dismiss')
    const done = await Promise.race([handing, setTimeout(1_500).then(() => null)])
    if (done) return done
  }
  return handing
}

test('the roster brings the child, and orders its first card', async () => {
  const guardian = person('two_children').cpr ?? ''
  const rows = `barn;fødselsdag;skole;klub;værge1_cpr\r\n${CHILD};24-05-2016;Eksempelskolen;Klub Eksempel;${guardian}\r\n`
  await writeFile(join(folder, 'elever.csv'), rows)
  const planned = await run(office, 'roster', 'import', 'elever.csv')
  expect(planned.out).toContain(CHILD)
  expect((await told(office, 'child', 'list', '--name', CHILD)).children).toEqual([])
  const applied = await run(office, 'roster', 'import', 'elever.csv', '--yes')
  expect(`${applied.out}${applied.err}`).not.toContain(guardian)
  const [found] = (await told(office, 'child', 'list', '--name', CHILD)).children
  child = found.id
  account = found.account
  expect(found).toMatchObject({ guardians: 1, cards: [], balance: 0 })
})

test('the card is produced, and handed out by a tap at the till', async () => {
  await run(office, 'card', 'orders', 'export', '--out', 'batch.csv') // By their other names, as they are looked for.
  const [head = '', ...lines] = (await readFile(join(folder, 'batch.csv'), 'utf8')).trim().split('\r\n')
  const line = lines.find((text) => text.includes(CHILD)) ?? ''
  expect(head).toMatch(/^\ufeff?kortnummer;/)
  const number = line.split(';')[0] ?? ''
  expect(line).toContain('Klub Eksempel')
  await writeFile(join(folder, 'produced.csv'), `number;uid\r\n${number};${FIRST_UID}\r\nSTAK-1;${SPARE_UID}\r\n`)
  await run(office, 'cards', 'import', 'produced.csv')
  const [order] = (await told(club, 'order', 'list')).orders.filter(
    (one: { account: number }) => one.account === account,
  )
  expect(order).toMatchObject({ status: 'produced', cause: 'first' })
  const handed = await handsOut(club, order.id, FIRST_UID)
  expect(handed.out).toMatch(/handed out and active/)
})

test('its parent sees it in the portal, pays in and agrees to automatic top-up', async () => {
  await parent.logIn('two_children')
  await parent.switchTo(CHILD)
  const { labels, page } = parent
  await parent.choose(labels.deposit)
  await page.getByLabel(labels.mail).fill('anna@klubkort.example')
  await page.getByLabel(labels.amount, { exact: true }).fill('110')
  await page.getByLabel(labels.accept).check()
  await parent.press(labels.next)
  await paymentPage(parent).card(CARDS.good)
  expect(await parent.heading()).toBe(labels.receipt)
  await parent.choose(labels.deposit)
  await parent.press(labels.topUp, page.locator('.tab-list'))
  await page.getByLabel(labels.mail).fill('anna@klubkort.example')
  await page.getByLabel(labels.amount, { exact: true }).fill('100')
  await page.getByLabel(labels.accept).check()
  await parent.press(labels.next)
  await parent.press(person('two_children').label)
  await paymentPage(parent).card(CARDS.good, 'store')
  expect(await parent.text()).toContain('Aktiv')
  expect(await balance()).toBe(11_000)
})

test('it buys at the till, and the top-up comes when the balance falls below 50 kr', async () => {
  expect(await buys('Varmt måltid', FIRST_UID)).toMatch(/Godkendt 32,00 kr/)
  expect(await buys('Varmt måltid', FIRST_UID)).toMatch(/Godkendt 32,00 kr/)
  for (const until = Date.now() + 60_000; Date.now() < until && (await balance()) < 5_000; ) await setTimeout(500)
  expect(await balance()).toBe(11_000 - 6_400 + 10_000)
})

test('the card is lost, blocked, and replaced the same day from the stack, as its parent approves', async () => {
  const { labels } = parent
  await parent.choose(labels.profile)
  await parent.press(labels.block, parent.section(labels.cards))
  expect(await buys('Frugt', FIRST_UID)).toMatch(/Ikke gennemført.*spærret/)
  const [lost] = (await told(club, 'child', 'show', String(child))).cards
  const order = await told(club, 'card', 'replace', '--child', String(child), '--lost', String(lost.id))
  expect(order.status).toBe('awaiting_approval')
  await parent.choose(labels.accounts)
  await parent.press('Godkend eller afvis det nye kort', parent.section(CHILD))
  await parent.press('Godkend, og betal 45,00 kr.')
  expect(await balance()).toBe(14_600 - 4_500)
  expect((await handsOut(club, order.id, SPARE_UID)).out).toMatch(/handed out and active/)
  expect(await buys('Frugt', SPARE_UID)).toMatch(/Godkendt 4,00 kr/)
  expect(await buys('Frugt', FIRST_UID)).toMatch(/Ikke gennemført/)
  const life = await run(club, 'card', 'history', String(lost.id))
  expect(life.out).toMatch(/ordered[\s\S]*produced[\s\S]*active[\s\S]*blocked[\s\S]*closed/)
})

test('a question of its parent is answered, and read in the portal', async () => {
  const { labels, page } = parent
  await parent.choose(labels.support)
  await page.getByLabel(labels.subject).fill('Det nye kort')
  await page.getByLabel(labels.question).fill('Virker det gamle kort stadig?')
  await parent.press(labels.openCase)
  const { cases } = await told(office, 'case', 'list')
  const open = cases.find((one: { subject: string }) => one.subject === 'Det nye kort')
  await run(office, 'case', 'assign', open.id, '--me')
  await run(office, 'case', 'answer', open.id, '--text', 'Nej, det er lukket for altid.')
  await parent.choose(labels.support)
  await parent.press('Det nye kort')
  expect(await parent.text()).toContain('Nej, det er lukket for altid.')
  await run(office, 'case', 'close', open.id)
})

test('a sale is refunded in part, and the day is closed with nothing unsent', async () => {
  const { sales } = await told(club, 'sale', 'find', '--child', String(child))
  const meal = sales.find((one: { amount: number }) => one.amount === 3_200)
  const before = await balance()
  await run(club, 'sale', 'refund', meal.id, '--amount', '12', '--reason', 'Maden var kold')
  expect(await balance()).toBe(before + 1_200)
  const closing = await run(club, 'day', 'close', '--terminal', terminal)
  expect(closing.out).toMatch(/unsent/i)
})

test('the child leaves, and what it has is paid out by two people through the bank', async () => {
  const { labels } = parent
  await run(office, 'child', 'leave', String(child))
  expect(await buys('Frugt', SPARE_UID)).toMatch(/Ikke gennemført/)
  await parent.choose(labels.accounts)
  await parent.press('Udbetal', parent.section(CHILD))
  await parent.page.getByLabel('Registreringsnummer').fill('1234')
  await parent.page.getByLabel('Kontonummer').fill('1234567')
  await parent.page.getByLabel('Beløb').fill(String((await balance()) / 100).replace('.', ','))
  await parent.press('Næste')
  await parent.press('Godkend med MitID')
  await parent.press(person('two_children').label)
  expect(await parent.heading()).toBe(labels.receipt)
  expect(await balance()).toBe(0)
  const { payouts } = await told(office, 'payout', 'list')
  await run(office, 'payout', 'approve', payouts[0].id)
  const exported = await finance('payout', 'export', '--out', 'bank.xml')
  expect(exported.code, exported.err).toBe(0)
  expect(await readFile(join(folder, 'bank.xml'), 'utf8')).toContain('<Cdtr>')
})

test('the book is whole, and the exit drill proves that everybody could be paid', async () => {
  const check = await told(office, 'ledger', 'check')
  expect(check.violations).toEqual([])
  const drill = await run(office, 'exit-drill', '--out', 'drill', '--json')
  expect(JSON.parse(drill.out)).toMatchObject({ proven: true, liabilities: { difference: 0 } })
})
