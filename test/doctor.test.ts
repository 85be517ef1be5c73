import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keepEnrolment, keyPair } from '../terminal/identity.ts'
import { openJournal } from '../terminal/journal.ts'
import { journalFile } from '../terminal/reenrolment.ts'
import type { RunOptions } from '../terminal/run.ts'
import { doctor, linesOf } from '../terminal/upkeep/doctor.ts'
import { tellStatus } from '../terminal/upkeep/status.ts'
import { CARD_KEY, scratch } from './counter.ts'
import { freePort } from './local/processes.ts'

const NOW = Date.UTC(2026, 10, 21, 12)
const DAY_MS = 86_400_000
const machine = { epoch: () => NOW, monotonic: () => performance.now() }

let folder: string
let options: RunOptions
beforeEach(() => {
  folder = scratch()
  options = {
    ...{ state: folder, spi: '/dev/spidev9.9', serial: '/dev/no-such-line', baud: 9600, display: 'nextion' },
    ...{ fixedPrice: null, keypad: null, status: join(folder, 'status.json') },
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const look = async (more: Partial<RunOptions> = {}) => {
  const checks = await doctor({ ...options, ...more }, machine)
  return { checks, of: (name: string) => checks.find((check) => check.name === name) }
}

test('before a device is enrolled and wired, doctor says what is missing, and what to do about each', async () => {
  const { checks, of } = await look()
  expect(of('enrolment')).toMatchObject({ state: 'bad', todo: expect.stringMatching(/klubkort terminal add/) })
  expect(of('reader')).toMatchObject({ state: 'bad', todo: expect.stringMatching(/raspi-config nonint do_spi 0/) })
  expect(of('display')).toMatchObject({ state: 'bad', todo: expect.stringMatching(/do_serial_hw 0/) })
  expect(of('disk')).toMatchObject({ state: 'ok' })
  expect(checks.map(({ name }) => name)).toEqual(
    'versions till reader display disk journal network clock enrolment queue'.split(' '),
  )
  for (const check of checks) if (check.state !== 'ok') expect(check.todo, check.name).toBeTruthy()
  expect(linesOf(checks)).toMatch(/This till is not as it should be\.$/)
})

test('whoever may not look into the folder is told so, and not that a disk or an enrolment is broken', async () => {
  const checks = await doctor(options, machine, async () => {
    throw Object.assign(new Error('permission denied'), { code: 'EACCES' })
  })
  expect(checks.map(({ name }) => name)).toEqual(['versions', 'user'])
  expect(checks.at(-1)).toMatchObject({ state: 'bad', todo: expect.stringMatching(/^sudo klubkort-terminal doctor$/) })
})

test('a keypad that is named and not there is said, and one that nobody named is not asked for', async () => {
  expect((await look()).of('keypad')).toBeUndefined()
  expect((await look({ keypad: '/dev/input/none' })).of('keypad')).toMatchObject({ state: 'bad' })
})

async function enrolledHere(keySince: number) {
  await keyPair(folder)
  const url = `http://127.0.0.1:${await freePort()}`
  await keepEnrolment(folder, { terminal: '4000-1', municipality: 4000, cardKey: CARD_KEY, url, keySince })
}

test('a worker that cannot be reached, a key that is too old and goods that are not told of are each said', async () => {
  await enrolledHere(NOW - 120 * DAY_MS)
  const journal = openJournal(journalFile(folder))
  const sale = '01890000-0000-7000-8000-000000000001'
  const lines = [{ product: 1, quantity: 1, price: 4550 }]
  const content = { v: 1, sale, card: 'c'.repeat(43), amount: 4550, lines, at: NOW - 2 * 3_600_000 } as const
  await journal.append({ ...content, kind: 'request', seq: 1, prev: '' }, 'one')
  await journal.append({ ...content, kind: 'advice', seq: 2, prev: journal.head().hash }, 'two')
  const { of } = await look()
  expect(of('network')).toMatchObject({ state: 'bad', says: expect.stringMatching(/ECONNREFUSED/) })
  expect(of('enrolment')).toMatchObject({ state: 'warning', says: expect.stringMatching(/120 days/) })
  expect(of('queue')).toMatchObject({ state: 'warning', says: '2 unsent, 45,50 kr, the oldest 120 minutes old' })
  expect(of('journal')).toMatchObject({ state: 'ok', says: 'whole, 2 messages, the newest is number 2' })
  journal.close()
})

test('a damaged journal and a damaged enrolment are bad, and doctor comes to its end', async () => {
  await enrolledHere(NOW)
  writeFileSync(journalFile(folder), 'not a database, but as long as the head of one has to be'.repeat(20))
  writeFileSync(join(folder, 'terminal.json'), '{"terminal":')
  const { of } = await look()
  expect(of('journal')).toMatchObject({ state: 'bad' })
  expect(of('queue')).toMatchObject({ state: 'bad' })
  expect(of('enrolment')).toMatchObject({ state: 'bad' })
})

test('a till that has just been started is waited for until it has found its devices', async () => {
  const device = { works: false, trouble: null }
  const status = {
    ...{ pid: 7, startedAt: NOW, at: NOW, software: 'klubkort-terminal/0', connection: 'online', skewMs: 0 },
    ...{ reader: device, display: device, pingedAt: NOW, watchdogMs: null },
  }
  await tellStatus(options.status, status)
  const looking = look({ serial: '/dev/null' })
  await setTimeout(700)
  const well = { works: true, trouble: null }
  await tellStatus(options.status, { ...status, reader: well, display: well })
  const { of } = await looking
  expect(of('reader')).toMatchObject({ state: 'ok' })
  expect(of('display')).toMatchObject({ state: 'ok' })
})

test('a running till is asked instead of its devices, unless what it said is old', async () => {
  const device = { works: true, trouble: null }
  const status = {
    ...{ pid: 7, startedAt: NOW, software: 'klubkort-terminal/0', reader: device, connection: 'online', skewMs: 0 },
    display: { works: false, trouble: "no display answered 'connect'" },
    ...{ pingedAt: NOW - 200_000, watchdogMs: 90_000 },
  }
  await tellStatus(options.status, { ...status, at: NOW - 5_000 })
  const { of } = await look({ serial: '/dev/null' })
  expect(of('reader')).toMatchObject({ state: 'ok' })
  expect(of('display')).toMatchObject({ state: 'bad', says: "no display answered 'connect'" })
  expect(of('watchdog')).toMatchObject({ state: 'bad' })
  await tellStatus(options.status, { ...status, at: NOW - 31_000 })
  expect((await look()).of('till')).toMatchObject({ state: 'warning', says: 'does not run' })
})
