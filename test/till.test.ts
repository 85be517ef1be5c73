import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { uuidv7 } from '../shared/uuidv7.ts'
import { type Office, office, setUp } from './local/office.ts'
import { type Pi, virtualPi } from './local/pi.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

let folder: string
let worker: Running
let desk: Office
let pi: Pi
let terminal: string
let next = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-till-'))
  const workerPort = await freePort()
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  worker = await startWorker(folder, workerPort, { bundle: prepared.worker })
  const url = `http://4000.localhost:${workerPort}`
  const { SETUP_KEY } = await secretsIn(folder)
  desk = office(url, await setUp(url, SETUP_KEY, 4000, 'Prøve'))
  const site = (await desk.addSite('Klub "Æblet"')).id
  await desk.addProduct(site, 'Toast', 1500)
  await desk.addProduct(site, 'Varmt måltid', 3200)
  const added = await desk.addTerminal(site, 'Disk')
  terminal = added.terminal
  const state = join(folder, 'terminal')
  pi = await virtualPi({ state, host: '4000.localhost', port: await freePort(), workerPort })
  await pi.enrol(added.code)
  pi.powerOn()
  await pi.shows(/^Vælg varer/, 15_000)
})

afterAll(async () => {
  await pi?.close()
  await worker?.kill()
  await rm(folder, { recursive: true, force: true })
})

/** A child with a card and a balance in øre. */
async function customer(balance: number) {
  next += 1
  const child = await desk.addChild(`Prøvebarn ${next}`)
  const uid = `04${next.toString(16).padStart(12, '0')}`
  const card = await desk.addCard(child.id, uid)
  const id = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))
  if (balance > 0) await desk.credit(child.account, id, balance, 'Startsaldo')
  return { uid, card: card.id, balance: async () => (await desk.account(child.account)).balance }
}

/** No finger is quicker than this; a touch before the till knows its page to be there is none. */
const FINGER_MS = 100

async function press(button: string) {
  await pi.shows(new RegExp(`^${button}`))
  await setTimeout(FINGER_MS)
  expect(pi.press(button)).toBe(true)
}

async function choose(product: string) {
  await press(product)
  await pi.shows(/^Læg kortet på/)
}

/** Taps and resolves to what the display then says, all of it in one line. */
async function tap(uid: string, says = /Godkendt|Ikke gennemført|Saldo|fortrudt/, timeoutMs = 8_000) {
  const answered = pi.shows(says, timeoutMs)
  await pi.tap(uid)
  await answered
  await setTimeout(200) // The headline is drawn first, the rest of the page after it.
  return pi.texts().join(' | ')
}

/** Waits for the end of the sync that brings the newest card, so that none is under way for the next seconds. */
async function listed() {
  const journal = new DatabaseSync(join(pi.state, 'journal.db'), { readOnly: true })
  const cards = () => journal.prepare('SELECT count(*) AS n FROM card').get()?.n
  await expect.poll(cards, { timeout: 30_000, interval: 20 }).toBe(next)
  journal.close()
}

async function goOn() {
  pi.press('dismiss')
  await pi.shows(/^Vælg varer|^Læg kortet på/)
}

test('a sale of several products is charged to the øre, and the display says so', async () => {
  const child = await customer(10000)
  await choose('Toast')
  pi.press('Varmt')
  await pi.shows(/^47,00 kr/)
  expect(await tap(child.uid)).toMatch(/Godkendt 47,00 kr \| Saldo 53,00 kr/)
  expect(await child.balance()).toBe(5300)
  await goOn()
})

test('an amount from the keypad is charged, and a tap without a sale shows the balance', async () => {
  const child = await customer(2000)
  await press('Beløb')
  for (const key of ['7', ',', '5']) await press(key)
  await pi.shows(/^7,5$/)
  await press('OK')
  await pi.shows(/^Læg kortet på/)
  expect(await tap(child.uid)).toMatch(/Godkendt 7,50 kr/)
  await goOn()
  expect(await tap(child.uid)).toMatch(/Saldo 12,50 kr/)
  await goOn()
})

test('a card left lying is one tap', async () => {
  const child = await customer(10000)
  await choose('Toast')
  const answered = pi.shows(/Godkendt/)
  pi.reader({ order: 'present', uid: child.uid })
  await answered
  await setTimeout(1_000)
  expect(await child.balance()).toBe(8500)
  pi.reader({ order: 'remove' })
  await goOn()
})

test('the same card undoes the last sale, another card does not', async () => {
  const [child, other] = [await customer(10000), await customer(10000)]
  await choose('Toast')
  await tap(child.uid)
  await goOn()
  await press('Fortryd')
  await pi.shows(/^Fortryd: læg/)
  expect(await tap(other.uid)).toMatch(/kræver det samme kort/)
  await goOn()
  await press('Fortryd')
  await pi.shows(/^Fortryd: læg/)
  expect(await tap(child.uid)).toMatch(/Købet er fortrudt \| 15,00 kr/)
  expect(await child.balance()).toBe(10000)
  expect(await other.balance()).toBe(10000)
  await goOn()
})

test('two cards at once and random card numbers sell nothing', async () => {
  const [one, two] = [await customer(10000), await customer(10000)]
  await choose('Toast')
  const refused = pi.shows(/Ét kort ad gangen/)
  pi.reader({ order: 'present', uid: one.uid })
  pi.reader({ order: 'present', uid: two.uid })
  await refused
  pi.reader({ order: 'remove' })
  await goOn()
  await setTimeout(400)
  expect(await tap('08aabbcc')).toMatch(/kan ikke bruges her/)
  await goOn()
  await press('Slet')
  expect(await one.balance()).toBe(10000)
  expect(await two.balance()).toBe(10000)
})

test('a silent network is waited for two seconds; then the sale goes on, and is charged once when it is back', async () => {
  const child = await customer(10000)
  await listed()
  await choose('Toast')
  pi.network.set('silent')
  const begun = performance.now()
  expect(await tap(child.uid)).toMatch(/Godkendt 15,00 kr \| Trækkes/)
  expect(performance.now() - begun).toBeGreaterThan(2_000)
  await goOn()
  pi.network.set('whole')
  for (const until = Date.now() + 30_000; Date.now() < until && (await child.balance()) === 10000; )
    await setTimeout(200)
  await setTimeout(500)
  expect(await child.balance()).toBe(8500)
})

test('without a network a card above its cap is refused, and nothing is charged later', async () => {
  const child = await customer(50000)
  await pi.shows(/^Online/, 20_000)
  await listed()
  pi.network.set('cut')
  await choose('Varmt')
  pi.press('Varmt')
  await pi.shows(/^64,00 kr/)
  expect(await tap(child.uid)).toMatch(/Ikke gennemført \| Beløbet kræver forbindelse/)
  await goOn()
  await press('Slet')
  await pi.shows(/^0,00 kr/)
  expect(await tap(child.uid)).toMatch(/kan ikke vises uden forbindelse/)
  await goOn()
  pi.network.set('whole')
  await pi.shows(/^Online/, 30_000)
  expect(await child.balance()).toBe(50000)
})

test('a reader that goes away is said on the display, and sells again when it is back', async () => {
  const child = await customer(10000)
  pi.reader({ order: 'unplug' })
  await pi.shows(/Kortlæseren svarer ikke/, 10_000)
  pi.reader({ order: 'plug' })
  await pi.shows(/^Vælg varer/, 10_000)
  await choose('Toast')
  expect(await tap(child.uid)).toMatch(/Godkendt/)
  await goOn()
})

test('the ledger is whole after all this', async () => {
  expect((await desk.check()).violations).toEqual([])
})

test('a terminal that is revoked sells nothing any more, and says whom to ask', async () => {
  const child = await customer(10000)
  await choose('Toast')
  await desk.revoke(terminal)
  const said = pi.shows(/Terminalen er spærret/, 8_000)
  await pi.tap(child.uid)
  await said
  expect(await child.balance()).toBe(10000)

  pi.network.set('cut')
  await setTimeout(1_000)
  await pi.tap(child.uid)
  expect(pi.texts().join(' ')).toMatch(/Terminalen er spærret/)
  await pi.pullPower()
  pi.powerOn()
  await pi.shows(/Terminalen er spærret/, 15_000)
})
