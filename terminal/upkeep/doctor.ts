import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { kroner, ore } from '../../shared/money.ts'
import type { Machine } from '../clock.ts'
import { testReader } from '../devices/mfrc522.ts'
import { openSpi } from '../devices/spi.ts'
import { call, type Result } from '../http.ts'
import { type Enrolment, enrolment, heldKey, type KeyPair } from '../identity.ts'
import { link as linkOf } from '../link.ts'
import { journalFile } from '../reenrolment.ts'
import type { RunOptions } from '../run.ts'
import { openDisplay } from '../screen/display.ts'
import { diskTrouble, roomIn, troubleText } from './disk-room.ts'
import { KEY_AGE_MAX_MS } from './rotation.ts'
import { type Status, statusIn } from './status.ts'
import { peek, unsentIn } from './unsent.ts'
import { SOFTWARE } from './version.ts'

/** One thing that a till needs: how it is, and what to do where it is not well. */
export type Check = { name: string; state: 'ok' | 'warning' | 'bad'; says: string; todo?: string }

const MB = 1024 * 1024
const ROOM_LOW_BYTES = 256 * MB
const DAY_MS = 86_400_000
/** The worker believes a proof for a minute; a till learns the time from it, and other programs do not. */
const SKEW_MAX_MS = 30_000
const SLOW_MS = 1_500
const QUEUE_OLD_MS = 3_600_000
const HEALTH_TIMEOUT_MS = 5_000
/** A till that has just been started says how its devices are at its second look. */
const SETTLED_WITHIN_MS = 15_000
/**
 * The worker refuses it as malformed to whom it knows, and to nobody else. A number that a card could have would be taken
 * for one that is laid on, and bound where staff await a card.
 */
const NO_CARD = 'none'

const Alive = z.looseObject({})

/**
 * Looks at everything a till needs, also before it is enrolled and while it sells. Tells no key, card or name. `enter`
 * rejects as the system does where this user may not look into a folder.
 */
export async function doctor(
  options: RunOptions & { url?: string },
  machine: Machine,
  enter = (folder: string) => access(folder, constants.R_OK | constants.X_OK),
): Promise<Check[]> {
  const { state } = options
  // Whoever may not look would take what is hidden for what is broken.
  if (await enter(state).then(() => false, isForbidden)) return [versions(), notThisUser(state)]
  const status = await settledStatus(options.status, machine)
  const identity = await identityOf(state)
  const url = (typeof identity === 'object' && identity?.enrolled.url) || options.url
  return [
    versions(),
    running(status),
    await reader(options, status),
    await display(options, status),
    await keypad(options),
    await disk(state),
    journal(state),
    ...(await network(url, identity, status, machine)),
    enrolled(identity, machine.epoch()),
    queue(state, machine.epoch()),
    watchdog(status, machine.epoch()),
  ].filter((check) => check !== null)
}

/** The checks as lines, what to do under each that is not well. */
export function linesOf(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.flatMap(({ name, state, says, todo }) => [
    `${state.padEnd(7)}  ${name.padEnd(width)}  ${says}`,
    ...(todo === undefined ? [] : [`${' '.repeat(7 + 2 + width + 2)}→ ${todo}`]),
  ])
  const worst = checks.some((check) => check.state === 'bad')
  return [...lines, '', worst ? 'This till is not as it should be.' : 'This till can sell.'].join('\n')
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function versions(): Check {
  return { name: 'versions', state: 'ok', says: `${SOFTWARE}, Node ${process.versions.node}, ${process.arch}` }
}

const isForbidden = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'EACCES'

function notThisUser(state: string): Check {
  const todo = 'sudo klubkort-terminal doctor'
  return { name: 'user', state: 'bad', says: `${state} is the till's alone`, todo }
}

/** What a running till says of itself, once it has found its devices or seen that they are not there; null where none is. */
async function settledStatus(path: string, machine: Machine): Promise<Status | null> {
  const until = machine.monotonic() + SETTLED_WITHIN_MS
  for (;;) {
    const status = await statusIn(path, machine.epoch())
    const starting = status && [status.reader, status.display].some(({ works, trouble }) => !works && trouble === null)
    if (!starting || machine.monotonic() > until) return status
    await setTimeout(500)
  }
}

function running(status: Status | null): Check {
  if (status) return { name: 'till', state: 'ok', says: `runs as process ${status.pid}, ${status.connection}` }
  const todo = 'sudo systemctl enable --now klubkort-terminal'
  return { name: 'till', state: 'warning', says: 'does not run', todo }
}

async function reader({ spi }: RunOptions, status: Status | null): Promise<Check> {
  const name = 'reader'
  if (status?.reader.works) return { name, state: 'ok', says: `answers the running till on ${spi}` }
  if (status) return { name, state: 'bad', says: status.reader.trouble ?? 'starts', todo: WIRING }
  try {
    const bus = await openSpi(spi)
    try {
      return { name, state: 'ok', says: `MFRC522 version 0x${testReader(bus).toString(16)} on ${spi}` }
    } finally {
      bus.close()
    }
  } catch (error) {
    if (existsSync(spi)) return { name, state: 'bad', says: wordsOf(error), todo: WIRING }
    const todo = 'switch SPI on (sudo raspi-config nonint do_spi 0) and restart the Pi'
    return { name, state: 'bad', says: `${spi} is not there`, todo }
  }
}

const WIRING = 'check the seven wires of the reader, RST on 3V3, and that the user is in the group spi'

async function display(options: RunOptions, status: Status | null): Promise<Check> {
  const name = 'display'
  const { serial, baud } = options
  const todo = 'check its wires and speed, and that the user is in the group dialout'
  if (!existsSync(serial)) {
    const switchOn = 'switch the serial port on (sudo raspi-config nonint do_serial_hw 0) and restart the Pi'
    return { name, state: 'bad', says: `${serial} is not there`, todo: switchOn }
  }
  if (status?.display.works) return { name, state: 'ok', says: `answers the running till on ${serial}` }
  if (status) return { name, state: 'bad', says: status.display.trouble ?? 'starts', todo }
  try {
    const opened = await openDisplay(options)
    opened.close()
    const says = options.display === 'nextion' ? `answers on ${serial} at ${baud} baud` : `${serial} takes text`
    return { name, state: 'ok', says }
  } catch (error) {
    return { name, state: 'bad', says: wordsOf(error), todo }
  }
}

async function keypad({ keypad: device }: RunOptions): Promise<Check | null> {
  if (device === null) return null
  try {
    await access(device, constants.R_OK)
    return { name: 'keypad', state: 'ok', says: `${device} can be read` }
  } catch (error) {
    const todo = 'plug it in, and see that the user is in the group input'
    return { name: 'keypad', state: 'bad', says: wordsOf(error), todo }
  }
}

async function disk(state: string): Promise<Check> {
  const name = 'disk'
  const trouble = existsSync(state) ? await diskTrouble(state) : null
  if (!existsSync(state)) {
    return { name, state: 'bad', says: `${state} is not there`, todo: 'run terminal/install.sh' }
  }
  if (trouble) {
    const todo =
      trouble.kind === 'full'
        ? 'remove what is not needed (sudo journalctl --vacuum-size=100M), or take a larger card'
        : 'a worn SD card turns read-only: put in a new one, and enrol it by `klubkort terminal renew`'
    return { name, state: 'bad', says: troubleText(trouble), todo }
  }
  const free = await roomIn(state)
  const says = `${Math.floor(free / MB)} MB free, writable`
  return free < ROOM_LOW_BYTES
    ? { name, state: 'warning', says, todo: 'make room: below 16 MB nothing is sold' }
    : { name, state: 'ok', says }
}

function journal(state: string): Check {
  const name = 'journal'
  try {
    const found = peek(state, (db) => {
      const [check] = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[]
      const count = db.prepare('SELECT count(*) AS n, max(seq) AS head FROM message').get()
      return { says: check?.quick_check ?? 'says nothing', ...(count as { n: number; head: number | null }) }
    })
    if (!found) return { name, state: 'ok', says: 'not begun' }
    if (found.says === 'ok') {
      return { name, state: 'ok', says: `whole, ${found.n} messages, the newest is number ${found.head ?? 0}` }
    }
    return { name, state: 'bad', says: found.says, todo: REPLACE }
  } catch (error) {
    return { name, state: 'bad', says: `${journalFile(state)}: ${wordsOf(error)}`, todo: REPLACE }
  }
}

const REPLACE = 'keep the SD card for the office, take a new one, and enrol it by `klubkort terminal renew`'

type Identity = { enrolled: Enrolment; key: KeyPair; rotating: boolean }

/** Who this terminal is; what is wrong with that, in words; null before it is enrolled. */
async function identityOf(state: string): Promise<Identity | string | null> {
  try {
    const enrolled = await enrolment(state)
    const key = enrolled && (await heldKey(state, 'key'))
    return enrolled && key ? { enrolled, key, rotating: (await heldKey(state, 'key-rotating')) !== null } : null
  } catch (error) {
    return wordsOf(error)
  }
}

function enrolled(identity: Identity | string | null, nowMs: number): Check {
  const name = 'enrolment'
  if (identity === null) {
    const todo = 'klubkort-terminal enrol --url … --code … with a code from `klubkort terminal add`'
    return { name, state: 'bad', says: 'this device is not enrolled', todo }
  }
  if (typeof identity === 'string') return { name, state: 'bad', says: identity, todo: REPLACE }
  const { terminal, keySince } = identity.enrolled
  if (identity.rotating) {
    return { name, state: 'warning', says: `terminal ${terminal}, its key is being changed`, todo: 'connect it' }
  }
  if (keySince === undefined) return { name, state: 'ok', says: `terminal ${terminal}` }
  const days = Math.max(0, Math.floor((nowMs - keySince) / DAY_MS))
  const says = `terminal ${terminal}, its key is ${days} days old`
  return nowMs - keySince > KEY_AGE_MAX_MS + 7 * DAY_MS
    ? { name, state: 'warning', says, todo: 'klubkort-terminal rotate-key' }
    : { name, state: 'ok', says }
}

/** Whether the worker is there, whether it knows this terminal, and what time it has. */
async function network(
  url: string | undefined,
  identity: Identity | string | null,
  status: Status | null,
  machine: Machine,
): Promise<Check[]> {
  const name = 'network'
  const learnt = clockCheck(status?.skewMs ?? null)
  if (url === undefined) {
    const todo = 'enrol first, or name the address with --url'
    return [{ name, state: 'warning', says: 'no address to ask', todo }, learnt]
  }
  const { protocol, host } = new URL(url)
  const startedAt = machine.monotonic()
  const address = new URL('/healthz', url).href
  const seen = await call({ url: address, method: 'GET', schema: Alive, timeoutMs: HEALTH_TIMEOUT_MS })
  const ms = Math.round(machine.monotonic() - startedAt)
  if (seen.kind === 'unreachable') {
    const todo = 'check the network cable or Wi-Fi, and that this network lets the Pi out'
    return [{ name, state: 'bad', says: `${host}: ${seen.cause}`, todo }, learnt]
  }
  const plain = protocol !== 'https:' && !/(^|\.)localhost(:|$)/.test(host)
  const says = `${host} answers in ${ms} ms, ${protocol === 'https:' ? 'TLS' : 'without TLS'}`
  const answers: Check = plain
    ? { name, state: 'bad', says, todo: 'enrol with an address that begins with https://' }
    : ms > SLOW_MS
      ? { name, state: 'warning', says, todo: 'a slow network lets the till sell offline: try a cable' }
      : { name, state: 'ok', says }
  if (identity === null || typeof identity === 'string') return [answers, learnt]
  const known = await knows(identity, machine)
  const skew = known.kind === 'unreachable' ? null : skewOf(known, machine.epoch())
  return [answers, knownCheck(known), skew === null ? learnt : clockCheck(skew)]
}

/** Asks as the terminal does, by this machine's own clock, so that a clock that is wrong shows. */
function knows({ enrolled, key }: Identity, machine: Machine) {
  const clock = { now: machine.epoch, elapsed: machine.monotonic, learn: () => undefined, isLearnt: () => false }
  return linkOf({ enrolment: enrolled, key, clock, uuid: randomUUID }).balance(NO_CARD)
}

type Known = Awaited<ReturnType<typeof knows>>

function skewOf(known: Exclude<Known, Extract<Result<never>, { kind: 'unreachable' }>>, nowMs: number): number | null {
  if (known.kind === 'answer') return nowMs - known.value.time
  return known.workerTimeMs === null ? null : nowMs - known.workerTimeMs
}

function knownCheck(known: Known): Check {
  const name = 'worker'
  if (known.kind === 'unreachable') {
    return { name, state: 'bad', says: known.cause, todo: 'try again; if it stays, tell the office' }
  }
  if (known.kind === 'answer' || known.code === 'malformed') {
    return { name, state: 'ok', says: 'knows this terminal and its key' }
  }
  const renew = 'enrol anew with a code from `klubkort terminal renew`, once the office has found out why'
  return { name, state: 'bad', says: `${known.message} (${known.code})`, todo: renew }
}

function clockCheck(skewMs: number | null): Check {
  const name = 'clock'
  if (skewMs === null) {
    const todo = 'connect the till: it learns the time from the worker'
    return { name, state: 'warning', says: 'nobody to compare it with', todo }
  }
  const says = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs < 0 ? 'behind' : 'ahead of'} the worker`
  if (Math.abs(skewMs) <= SKEW_MAX_MS) return { name, state: 'ok', says }
  const todo = 'sudo timedatectl set-ntp true; the till itself goes by the worker'
  return { name, state: 'warning', says, todo }
}

function queue(state: string, nowMs: number): Check {
  const name = 'queue'
  try {
    const { count, sum, oldestAt } = unsentIn(state)
    if (count === 0) return { name, state: 'ok', says: 'everything has been delivered' }
    const minutes = oldestAt === null ? 0 : Math.max(0, Math.round((nowMs - oldestAt) / 60_000))
    const says = `${count} unsent, ${kroner(ore(sum))} kr, the oldest ${minutes} minutes old`
    return nowMs - (oldestAt ?? nowMs) > QUEUE_OLD_MS
      ? { name, state: 'warning', says, todo: 'connect the till; it sends by itself' }
      : { name, state: 'ok', says }
  } catch (error) {
    return { name, state: 'bad', says: wordsOf(error), todo: REPLACE }
  }
}

function watchdog(status: Status | null, nowMs: number): Check | null {
  if (!status) return null
  const name = 'watchdog'
  if (status.watchdogMs === null) {
    const todo = 'start the till by systemd, with the unit that comes along'
    return { name, state: 'warning', says: 'nobody watches this till', todo }
  }
  const pinged = status.pingedAt !== null && status.at - status.pingedAt <= status.watchdogMs
  return pinged
    ? { name, state: 'ok', says: `last told ${Math.round((nowMs - (status.pingedAt ?? nowMs)) / 1000)} s ago` }
    : { name, state: 'bad', says: 'the till is not well', todo: 'journalctl -u klubkort-terminal | grep unwell' }
}
