import { randomFillSync, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { uuidv7 } from '../shared/uuidv7.ts'
import { learningClock, type Machine } from './clock.ts'
import { ReaderFailure } from './devices/card-reader.ts'
import { readerThread } from './devices/reader-thread.ts'
import { hold } from './hold.ts'
import { type Journal, openJournal } from './journal.ts'
import { DiskError } from './journal-database.ts'
import { link as linkOf } from './link.ts'
import { identityIn, journalFile } from './reenrolment.ts'
import { type DisplayOptions, openDisplay } from './screen/display.ts'
import { texts } from './screen/texts.ts'
import { station } from './station.ts'
import { diskTrouble, ROOM_MIN_BYTES, roomIn, troubleText } from './upkeep/disk-room.ts'
import { health, watch } from './upkeep/health.ts'
import { Refused } from './upkeep/refused.ts'
import { rotationWanted } from './upkeep/rotate-key.ts'
import { KEY_AGE_MAX_MS, rotation as rotationOf } from './upkeep/rotation.ts'
import { type Status, tellStatus } from './upkeep/status.ts'
import type { Systemd } from './upkeep/systemd.ts'
import { SOFTWARE } from './upkeep/version.ts'

const POLL_MS = 60
const DEVICE_RETRY_MS = 2_000
const UPKEEP_EVERY_MS = 10_000
/** An old key that could not be changed still is a key. */
const ROTATION_RETRY_MS = 3_600_000
/** How long a start that cannot sell says so before it ends, and systemd tries again. */
const TROUBLE_SHOWN_MS = 15_000

export type RunOptions = DisplayOptions & {
  state: string
  spi: string
  /** A product's number: each card laid on buys one of it. */
  fixedPrice: number | null
  /** Where this program says how it is. */
  status: string
}

export type Log = (event: string, fields?: Record<string, unknown>) => void

const sleep = (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal })

/**
 * Sells until the signal aborts. Throws Refused where somebody has to do something first, and DiskError where the disk
 * will not have what is sold; the display says so then.
 */
export async function run(options: RunOptions, machine: Machine, log: Log, init: Systemd, signal: AbortSignal) {
  const { state } = options
  const held = await started(options, log, signal, async () => {
    const lock = hold(state)
    if (!lock) throw new Refused(`another klubkort-terminal is at work in ${state}`)
    const trouble = await diskTrouble(state)
    if (trouble) throw new DiskError(troubleText(trouble))
    const identity = await identityIn(state)
    if (!identity) throw new Refused(`no terminal is enrolled in ${state}: run klubkort-terminal enrol first`)
    return { ...identity, journal: openJournal(journalFile(state)), lock }
  })
  await sell(options, held, machine, log, init, signal).finally(held.lock.release)
}

/** What a start needs; where the disk will not have it, that is said on the display for a while, and thrown. */
async function started<T>(options: RunOptions, log: Log, signal: AbortSignal, begin: () => Promise<T>) {
  try {
    return await begin()
  } catch (cause) {
    const error = asDisk(cause)
    if (!(error instanceof DiskError)) throw cause
    log('failed', { error: String(error) })
    const ended = AbortSignal.any([signal, AbortSignal.timeout(TROUBLE_SHOWN_MS)])
    await keepTrying('display', ended, log, async () => {
      const display = await openDisplay(options, log)
      try {
        await display.screen.show({ kind: 'message', headline: texts('da').failed, detail: texts('da').failedDisk })
        await sleep(TROUBLE_SHOWN_MS, ended).catch(() => undefined)
      } finally {
        display.close()
      }
    })
    throw error
  }
}

/** What a disk says that refuses, where it is not the journal that hears it. */
const DISK_CODES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EROFS', 'EIO', 'EDQUOT', 'EACCES', 'ERR_SQLITE_ERROR'])

/** An error as what it is: a DiskError where a disk refuses. */
const asDisk = (error: unknown) =>
  error instanceof Error && 'code' in error && DISK_CODES.has(error.code)
    ? new DiskError(error.message, { cause: error })
    : error

async function sell(
  options: RunOptions,
  { enrolled, key, journal }: NonNullable<Awaited<ReturnType<typeof identityIn>>> & { journal: Journal },
  machine: Machine,
  log: Log,
  init: Systemd,
  stop: AbortSignal,
) {
  const { state, spi } = options
  const startedAt = machine.epoch()
  const clock = learningClock(machine, journal.notBefore())
  const ended = new AbortController()
  const signal = AbortSignal.any([stop, ended.signal])
  let failure: unknown = null
  const fail = (error: unknown) => {
    failure ??= error
    log('failed', { error: String(error) })
    ended.abort()
  }
  const rotation = await rotationOf({ state, enrolment: enrolled, key, clock, uuid: randomUUID })
  const { settle } = rotation
  const { fixedPrice } = options
  const link = linkOf({ enrolment: enrolled, key, clock, uuid: randomUUID, settle, fixedPrice })
  const { till, forwarder, run } = station({
    ...{ journal, link, enrolment: enrolled, key, clock, sleep, random: Math.random, log, fail },
    uuid: () => uuidv7(machine.epoch(), randomFillSync(new Uint8Array(16))),
    fixedPrice,
  })
  const vital = health({
    elapsed: machine.monotonic,
    busySince: till.busySince,
    probe: () => journal.probe(machine.epoch()),
  })
  const devices: Pick<Status, 'reader' | 'display'> = {
    reader: { works: false, trouble: null },
    display: { works: false, trouble: null },
  }
  let pingedAt: number | null = null
  let triedAt: number | null = null

  /** Another key, where this one is old or somebody asks, while nobody is served and everything has been delivered. */
  async function changeKey() {
    const wanted = existsSync(rotationWanted(state))
    const old = clock.now() - (rotation.since() ?? 0) > KEY_AGE_MAX_MS
    const now = machine.monotonic()
    const due = wanted || (old && (triedAt === null || now - triedAt > ROTATION_RETRY_MS))
    if (!due || till.busySince() !== null) return
    await till.between(async () => {
      if (journal.queue().count > 0) return
      triedAt = now
      const changed = await rotation.rotate().catch((error: unknown) => Promise.reject(asDisk(error)))
      log('key_rotated', changed.kind === 'answer' ? {} : { ...changed })
      await rm(rotationWanted(state), { force: true })
    })
  }

  log('started', { terminal: enrolled.terminal, spi, serial: options.serial, display: options.display })

  // One thread for as long as the till runs: the reader that fails is tried again in the thread that had it.
  let readerLives = () => {}
  const settings = { device: spi, pollMs: POLL_MS, cardKey: enrolled.cardKey }
  const reader = readerThread(settings, () => readerLives())
  // What is no failure of the reader itself, such as a thread that cannot start, may need another process.
  let curableHere = true

  await till.recover()
  await init.tell('READY=1')
  const loops = [
    run(signal),
    keepTrying(
      'reader',
      signal,
      log,
      async (works) => {
        if (curableHere) vital.readerBeat()
        let shown = false
        readerLives = () => {
          works()
          vital.readerBeat()
          if (!shown) void till.readerIs(true)
          shown = true
        }
        try {
          for await (const tap of reader.taps(signal)) await till.serve(tap)
        } catch (error) {
          curableHere = error instanceof ReaderFailure
          throw error
        } finally {
          await till.readerIs(false)
        }
      },
      devices.reader,
    ),
    keepTrying(
      'screen',
      signal,
      log,
      async (works) => {
        const display = await openDisplay(options, log)
        try {
          works()
          display.onRestart(() => till.refresh())
          const { screen } = display
          const attached = till.attach({
            presses: screen.presses,
            // A display that refuses what it is told is opened anew, whatever the reason.
            show: (view, language) =>
              screen.show(view, language).catch((error: unknown) => {
                display.close()
                throw error
              }),
          })
          for await (const press of screen.presses(signal)) await till.press(press)
          await attached
        } finally {
          display.close()
        }
      },
      devices.display,
    ),
    every(UPKEEP_EVERY_MS, signal, async () => {
      const freeBytes = await roomIn(state)
      if (freeBytes < ROOM_MIN_BYTES) await till.giveUp(new DiskError(troubleText({ kind: 'full', freeBytes })))
      if (forwarder.connection().kind === 'online') await changeKey()
      await tellStatus(options.status, {
        ...{ pid: process.pid, at: machine.epoch(), startedAt, software: SOFTWARE, ...devices, pingedAt },
        connection: describe(forwarder.connection()),
        skewMs: Math.round(machine.epoch() - clock.now()),
        watchdogMs: init.watchdogMs,
      })
    }),
    watch({
      ...{ sick: vital.sick, everyMs: (init.watchdogMs ?? 60_000) / 3, sleep, log, signal },
      async ping() {
        await init.tell('WATCHDOG=1')
        pingedAt = machine.epoch()
      },
    }),
  ]
  await Promise.all(loops.map((loop) => loop.catch((error: unknown) => till.giveUp(asDisk(error)))))
  await init.tell('STOPPING=1')
  await till.end()
  try {
    journal.close()
  } catch (error) {
    failure ??= error
  }
  log('stopped')
  if (failure) throw failure
}

const describe = (connection: ReturnType<ReturnType<typeof station>['forwarder']['connection']>) =>
  connection.kind === 'refused' ? connection.code : connection.kind

async function every(ms: number, signal: AbortSignal, deed: () => Promise<void>) {
  while (!signal.aborted) {
    await deed()
    await sleep(ms, signal).catch(() => undefined)
  }
}

/** Keeps a device at work: what ends it is said in the log, once until it changes, and it is opened again. */
async function keepTrying(
  device: string,
  signal: AbortSignal,
  log: Log,
  work: (works: () => void) => Promise<void>,
  told: Status['reader'] = { works: false, trouble: null },
) {
  let said = ''
  while (!signal.aborted) {
    try {
      await work(() => {
        if (said !== '') log('device_back', { device })
        said = ''
        told.works = true
        told.trouble = null
      })
    } catch (error) {
      if (signal.aborted) return
      const trouble = error instanceof Error ? error.message : String(error)
      if (trouble !== said) log('device_missing', { device, trouble })
      said = trouble
      told.trouble = trouble
    }
    told.works = false
    await sleep(DEVICE_RETRY_MS, signal).catch(() => undefined)
  }
}
