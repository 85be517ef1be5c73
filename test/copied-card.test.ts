import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { uuidv7 } from '../shared/uuidv7.ts'
import { type Office, office, setUp } from './local/office.ts'
import { type Pi, virtualPi } from './local/pi.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

const PRICE = 1500
const CREDIT = 50_000
const UID = '04a1b2c3d4e5f6'
const STOPPED = /^Terminalen er stoppet/
/** No finger is quicker than this; a touch before the till knows its page to be there is none. */
const FINGER_MS = 100
/** A sync comes every ten seconds. */
const SYNCED_MS = 25_000

let folder: string
let worker: Running
let workerPort: number
let setupKey: string
let desk: Office
let site: number
let account: number
let charged = 0
const pis: Pi[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-copied-'))
  workerPort = await freePort()
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  worker = await startWorker(folder, workerPort, { bundle: prepared.datedWorker })
  const url = `http://4000.localhost:${workerPort}`
  setupKey = (await secretsIn(folder)).SETUP_KEY
  desk = office(url, await setUp(url, setupKey, 4000, 'Prøve'))
  site = (await desk.addSite('Klub')).id
  await desk.addProduct(site, 'Toast', PRICE)
  const child = await desk.addChild('Navn Prøvebarn')
  account = child.account
  await desk.addCard(child.id, UID)
  await desk.credit(account, uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16))), CREDIT, 'Startsaldo')
})

afterEach(async () => {
  for (const pi of pis.splice(0)) await pi.close()
})

afterAll(async () => {
  await worker?.kill()
  await rm(folder, { recursive: true, force: true })
})

async function newPi(name: string): Promise<Pi> {
  const pi = await virtualPi({ state: join(folder, name), host: '4000.localhost', port: await freePort(), workerPort })
  pis.push(pi)
  return pi
}

/** A till that has sold once, and another with a copy of its SD card, on a cable of its own. */
async function twins(name: string) {
  const added = await desk.addTerminal(site, name)
  const original = await newPi(name)
  await original.enrol(added.code)
  original.powerOn()
  await sell(original)
  const copy = await newPi(`${name}-copy`)
  return { original, copy, terminal: added.terminal }
}

/** The SD card as it is now, put into the other; the till that it is taken from is off for that long. */
async function copyTo(copy: Pi, original: Pi) {
  await original.pullPower()
  await cp(original.state, copy.state, { recursive: true })
  const enrolment = JSON.parse(await readFile(join(copy.state, 'terminal.json'), 'utf8')) as object
  await writeFile(join(copy.state, 'terminal.json'), JSON.stringify({ ...enrolment, url: copy.url }))
  original.powerOn()
  copy.powerOn()
  await ready(original)
  await ready(copy)
}

const ready = (pi: Pi) => pi.shows(/^Vælg varer/, 30_000)

async function tap(pi: Pi): Promise<string> {
  await ready(pi)
  await setTimeout(FINGER_MS)
  expect(pi.press('Toast')).toBe(true)
  await pi.shows(/^Læg kortet på/)
  const answered = pi.shows(/^Godkendt|^Ikke gennemført|^Terminalen/, 15_000)
  await pi.tap(UID)
  return answered
}

/** A sale that the display approves, and the account pays. */
async function sell(pi: Pi) {
  expect(await tap(pi)).toMatch(/^Godkendt/)
  charged += PRICE
  pi.press('dismiss')
  await ready(pi)
}

const alarmsOf = async (terminal: string) =>
  (await desk.reviews()).items.flatMap(({ kind, what, terminal: of }) =>
    kind === 'alarm' && of === terminal ? [what] : [],
  )

async function tellTime(now: number | null) {
  const headers = { authorization: `Bearer ${setupKey}` }
  const body = JSON.stringify({ now })
  await (await fetch(`http://localhost:${workerPort}/local/time`, { method: 'POST', headers, body })).text()
}

async function isWhole() {
  expect((await desk.account(account)).balance).toBe(CREDIT - charged)
  expect((await desk.check()).violations).toEqual([])
}

describe('an SD card that was copied', () => {
  test('and sells first stops both tills at the next sale of the other; enrolled again, the one sells and the other never', async () => {
    const { original, copy, terminal } = await twins('first')
    await copyTo(copy, original)
    await sell(copy)
    expect(await tap(original)).not.toMatch(/^Godkendt/)
    await original.shows(STOPPED, SYNCED_MS)
    await copy.shows(STOPPED, SYNCED_MS)
    expect(await alarmsOf(terminal)).toContain('message_conflict')
    await isWhole()

    await original.pullPower()
    await original.enrol((await desk.renew(terminal)).code)
    original.powerOn()
    await sell(original)
    await copy.pullPower()
    copy.powerOn()
    await copy.shows(/^Terminalen er (stoppet|spærret)/, SYNCED_MS)
    await ready(original)
    await isWhole()
  })

  test('and sold in the dark, as the other did, is found out when it is back, and books nothing twice', async () => {
    const { original, copy, terminal } = await twins('dark')
    await copyTo(copy, original)
    await original.shows(/^Online/, SYNCED_MS)
    await copy.shows(/^Online/, SYNCED_MS)
    for (const pi of [original, copy]) pi.network.set('cut')
    for (const pi of [original, copy]) {
      expect(await tap(pi)).toMatch(/^Godkendt/)
      pi.press('dismiss')
    }
    charged += PRICE // The one that comes back first; the other's goods are the club's to find in its journal.
    original.network.set('whole')
    await expect.poll(async () => (await desk.account(account)).balance, { timeout: 40_000 }).toBe(CREDIT - charged)
    copy.network.set('whole')
    await copy.shows(STOPPED, 60_000)
    await original.shows(STOPPED, SYNCED_MS)
    expect(await alarmsOf(terminal)).toContain('message_conflict')
    await isWhole()
  })

  test('and only syncs stops itself at once, and the other as soon as no sync can have been overtaken', async () => {
    const { original, copy, terminal } = await twins('syncs')
    await copyTo(copy, original)
    await sell(original)
    await copy.shows(STOPPED, SYNCED_MS)
    await sell(original)
    expect(await alarmsOf(terminal)).toEqual([])
    await tellTime(Date.now() + 180_000)
    try {
      await original.shows(STOPPED, SYNCED_MS)
      expect(await alarmsOf(terminal)).toEqual(['journal_rolled_back'])
      await isWhole()
    } finally {
      await tellTime(null)
    }
  })

  test('and only sends what the other has sent too gets the same answers, and alarms nobody until the two differ', async () => {
    const { original, copy, terminal } = await twins('same')
    await original.shows(/^Online/, SYNCED_MS)
    original.network.set('cut')
    expect(await tap(original)).toMatch(/^Godkendt/)
    charged += PRICE
    original.press('dismiss')
    await copyTo(copy, original)
    original.network.set('whole')
    const paid = async () => (await desk.account(account)).balance
    await expect.poll(paid, { timeout: 60_000 }).toBe(CREDIT - charged)
    await original.shows(/^Online/, SYNCED_MS)
    await copy.shows(/^Online/, SYNCED_MS)
    expect(await alarmsOf(terminal)).toEqual([])
    await isWhole()
    await sell(original)
    await copy.shows(STOPPED, SYNCED_MS)
    await isWhole()
  })
})
