import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { uuidv7 } from '../shared/uuidv7.ts'
import { type Office, office, setUp } from './local/office.ts'
import { type Pi, virtualPi } from './local/pi.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort, ROOT, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

const PRICE = 1500
const CREDIT = 50_000
const UID = '04a1b2c3d4e5f6'

const before = { PATH: process.env.PATH }
let folder: string
let worker: Running
let desk: Office
let pi: Pi
let terminal: string
let account: number
let sold = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-life-'))
  await mkdir(join(folder, 'bin'))
  // Where systemd's own program would be, which passes on what it is told to systemd.
  await writeFile(join(folder, 'bin/systemd-notify'), '#!/bin/sh\necho "$1" >>"$NOTIFIED"\n', { mode: 0o755 })
  Object.assign(process.env, {
    KLUBKORT_STATUS: join(folder, 'status.json'),
    PATH: `${join(folder, 'bin')}:${before.PATH}`,
    NOTIFY_SOCKET: join(folder, 'notify'),
    WATCHDOG_USEC: '3000000',
    NOTIFIED: join(folder, 'notified'),
  })
  const workerPort = await freePort()
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  worker = await startWorker(folder, workerPort, { bundle: prepared.worker })
  const url = `http://4000.localhost:${workerPort}`
  const { SETUP_KEY } = await secretsIn(folder)
  desk = office(url, await setUp(url, SETUP_KEY, 4000, 'Prøve'))
  const site = (await desk.addSite('Klub')).id
  await desk.addProduct(site, 'Toast', PRICE)
  const child = await desk.addChild('Navn Prøvebarn')
  account = child.account
  await desk.addCard(child.id, UID)
  await desk.credit(account, uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16))), CREDIT, 'Startsaldo')
  const added = await desk.addTerminal(site, 'Disk')
  terminal = added.terminal
  pi = await virtualPi({ state: join(folder, 'terminal'), host: '4000.localhost', port: await freePort(), workerPort })
  await pi.enrol(added.code)
  pi.powerOn()
  await pi.shows(/^Vælg varer/, 30_000)
})

afterAll(async () => {
  for (const name of ['KLUBKORT_STATUS', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'NOTIFIED']) delete process.env[name]
  process.env.PATH = before.PATH
  await pi?.close()
  await worker?.kill()
  await rm(folder, { recursive: true, force: true })
})

async function sell() {
  await pi.shows(/^Vælg varer/, 30_000)
  pi.press('Toast')
  await pi.shows(/^Læg kortet på/)
  const answered = pi.shows(/^Godkendt/, 10_000)
  await pi.tap(UID)
  await answered
  sold += 1
  pi.press('dismiss')
  await pi.shows(/^Vælg varer/)
}

/** Runs one of the terminal's commands to its end. */
async function command(...args: string[]) {
  const child = spawn(process.execPath, ['terminal/main.ts', ...args, '--state', pi.state], { cwd: ROOT })
  let says = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      says += String(bytes)
    })
  }
  const [code] = await once(child, 'close', { signal: AbortSignal.timeout(60_000) })
  return { code, says }
}

const keyText = () => readFile(join(pi.state, 'key.json'), 'utf8')
const publicKey = async () => (JSON.parse(await keyText()) as { x: string }).x

test('a running till changes its key when it is told to, and goes on selling with the new one', async () => {
  await sell()
  const replaced = await publicKey()
  const { code, says } = await command('rotate-key')
  expect(says).toMatch(/the key has been changed/)
  expect(code).toBe(0)
  expect(await publicKey()).not.toBe(replaced)
  await sell()
})

test('a till may be updated when everything has been delivered, and not before', async () => {
  pi.network.set('cut')
  await sell()
  const unsent = await command('may-update')
  expect(unsent.code).toBe(1)
  expect(unsent.says).toMatch(/2 messages are unsent.* 15,00 kr/)
  pi.network.set('whole')
  await expect.poll(async () => (await command('may-update')).code, { timeout: 60_000 }).toBe(0)
})

test('doctor sees a running till as it is, and tells nothing secret or personal', async () => {
  const look = (...more: string[]) => command('doctor', '--serial', '/dev/null', ...more)
  await expect.poll(async () => (await look()).says, { timeout: 60_000 }).toMatch(/till +runs as process \d+, online/)
  const { code, says } = await look()
  expect(says).toMatch(/^ok +reader +answers the running till/m)
  expect(says).toMatch(/^ok +display +answers the running till/m)
  expect(says).toMatch(/^ok +disk +\d+ MB free, writable/m)
  expect(says).toMatch(/^ok +journal +whole, \d+ messages/m)
  expect(says).toMatch(/^ok +network +4000\.localhost:\d+ answers in \d+ ms/m)
  expect(says).toMatch(/^ok +worker +knows this terminal and its key/m)
  expect(says).toMatch(/^ok +clock +\d+ s (ahead of|behind) the worker/m)
  expect(says).toMatch(/^ok +queue +everything has been delivered/m)
  expect(says).toMatch(/^ok +watchdog +last told/m)
  expect(code).toBe(0)
  const { cardKey } = JSON.parse(await readFile(join(pi.state, 'terminal.json'), 'utf8')) as { cardKey: string }
  const { d, x } = JSON.parse(await keyText()) as { d: string; x: string }
  for (const secret of [cardKey, d, x, UID, 'Prøvebarn', 'Disk']) expect(says).not.toContain(secret)
  const { checks } = JSON.parse((await look('--json')).says) as { checks: { name: string }[] }
  expect(checks.map(({ name }) => name)).toContain('enrolment')
})

test('systemd hears that the till is ready, and then again and again that it is well', async () => {
  const notified = async () => (await readFile(join(folder, 'notified'), 'utf8')).trim().split('\n')
  expect((await notified())[0]).toBe('READY=1')
  const pings = (await notified()).length
  await expect.poll(async () => (await notified()).length, { timeout: 10_000 }).toBeGreaterThan(pings + 1)
  expect((await notified()).at(-1)).toBe('WATCHDOG=1')
})

test('a disk that takes no more in the middle of the day ends the sale before it is shown, and what was sold stays', async () => {
  await sell()
  await pi.shows(/^Vælg varer/)
  const { pid } = JSON.parse(await readFile(join(folder, 'status.json'), 'utf8')) as { pid: number }
  // From now on no file of that process may grow, as on a disk that is full.
  await promisify(execFile)('prlimit', ['--pid', String(pid), '--fsize=1'])
  pi.press('Toast')
  await pi.shows(/^Læg kortet på/)
  const failed = pi.shows(/^Terminalen kan ikke sælge/, 15_000)
  pi.reader({ order: 'present', uid: UID })
  await failed
  pi.reader({ order: 'remove' })
  expect(pi.texts().join(' ')).not.toMatch(/Godkendt/)
  await expect.poll(() => pi.isOn(), { timeout: 15_000 }).toBe(false)
  expect(pi.log()).toMatch(/"event":"failed"/)

  pi.powerOn()
  await sell()
  expect((await desk.account(account)).balance).toBe(CREDIT - sold * PRICE)
})

test('a journal that was rolled back stops its till until it is enrolled again, and numbers and money go on', async () => {
  await pi.pullPower()
  await cp(pi.state, join(folder, 'copy'), { recursive: true })
  pi.powerOn()
  await sell()
  await pi.pullPower()
  await rm(pi.state, { recursive: true })
  await cp(join(folder, 'copy'), pi.state, { recursive: true })
  pi.powerOn()
  await pi.shows(/^Terminalen er stoppet/, 30_000)
  await pi.tap(UID)
  expect(pi.texts().join(' ')).toMatch(/Terminalen er stoppet/)

  await pi.pullPower()
  const replaced = await publicKey()
  await pi.enrol((await desk.renew(terminal)).code)
  expect(await publicKey()).not.toBe(replaced)
  expect((await readdir(pi.state)).filter((name) => /^journal-\d+T\d+\.db$/.test(name))).toHaveLength(1)
  pi.powerOn()
  await sell()
  expect((await desk.account(account)).balance).toBe(CREDIT - sold * PRICE)
  expect((await desk.check()).violations).toEqual([])
})

test('nobody enrols a terminal, nor sells beside it, while it is at work', async () => {
  const { code } = await desk.renew(terminal)
  const enrolling = await command('enrol', '--url', pi.url, '--code', code)
  expect(enrolling).toMatchObject({ code: 1, says: expect.stringMatching(/stop it first/) })
  const second = await command('run')
  expect(second).toMatchObject({ code: 1, says: expect.stringMatching(/another klubkort-terminal is at work/) })
})

test('what a till had sold when it was revoked arrives, is put aside for staff, and charges nobody by itself', async () => {
  await pi.shows(/^Online/, 30_000)
  const balance = (await desk.account(account)).balance
  pi.network.set('cut')
  await sell()
  await desk.revoke(terminal)
  pi.network.set('whole')
  await pi.shows(/^Terminalen er spærret/, 40_000)
  const aside = async () =>
    (await desk.reviews()).items.filter((item) => item.kind === 'quarantine' && item.terminal === terminal)
  await expect.poll(aside, { timeout: 40_000 }).toMatchObject([{ amount: PRICE, count: 2 }])
  await expect.poll(async () => (await command('may-update')).code, { timeout: 40_000 }).toBe(0)
  expect((await desk.account(account)).balance).toBe(balance)
  expect((await desk.check()).violations).toEqual([])
})
