import { randomFillSync, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { learningClock } from '../../terminal/clock.ts'
import { mfrc522 } from '../../terminal/devices/mfrc522.ts'
import { connectNextion } from '../../terminal/devices/nextion.ts'
import { openJournal } from '../../terminal/journal.ts'
import { link as linkOf } from '../../terminal/link.ts'
import { panel } from '../../terminal/screen/panel.ts'
import { panelScreen } from '../../terminal/screen/panel-screen.ts'
import { station } from '../../terminal/station.ts'
import { syncOnce } from '../../terminal/sync.ts'
import { emulateMfrc522 } from '../emulators/mfrc522.ts'
import { emulateNextion } from '../emulators/nextion.ts'
import { freePort } from '../local/processes.ts'
import type { Club, Counter, Purse } from './club.ts'
import { syncsMs } from './disk.ts'
import { type Figure, median, percentile } from './figures.ts'

const POLL_MS = 60
const TAPS = 120
const SHOWN_WITHIN_MS = 5_000
/** Up to here an answer feels as if the card had made it. */
const ANSWER_GOAL_MS = 500
/** One bit to start, eight of data and one to stop. */
const BITS_PER_BYTE = 10
const BAUD = 9600

/**
 * From a card laid on the reader to 'Godkendt' on the display: with the worker, and against a port nobody listens on.
 * A sale without an answer is two messages, each on the disk before the next step: that disk is measured beside it.
 */
export async function* tapToScreen(club: Club, folder: string, epochMs: () => number): AsyncGenerator<Figure> {
  const counter = await club.counter()
  const purses: Purse[] = []
  for (let purse = 0; purse < 3; purse++) purses.push(await club.purse())
  for (const network of ['online', 'offline'] as const) {
    const answering = network === 'online' ? counter : await club.counter()
    const url = network === 'online' ? counter.enrolment.url : `http://127.0.0.1:${await freePort()}`
    const { latenciesMs, drawnBytes } = await tap(answering, url, purses, join(folder, `${network}.db`), epochMs)
    for (const percent of [50, 99]) {
      yield {
        name: `tap to screen, ${network}, p${percent} (polls of ${POLL_MS} ms)`,
        value: percentile(latenciesMs, percent),
        unit: 'ms',
        goal: { atMost: ANSWER_GOAL_MS },
      }
    }
    if (network === 'offline') {
      const syncs = syncsMs(folder, TAPS)
      for (const percent of [50, 99]) {
        const [tap, sync] = [percentile(latenciesMs, percent), percentile(syncs, percent)]
        yield { name: `one small write and sync of the same disk, p${percent}`, value: sync, unit: 'ms' }
        yield { name: `tap to screen, offline, against that, p${percent}`, value: tap, unit: 'ms', ratio: tap / sync }
      }
    }
    yield {
      name: `the display's line at ${BAUD} baud, not in the above, ${network}`,
      value: (median(drawnBytes) * BITS_PER_BYTE * 1000) / BAUD,
      unit: 'ms',
    }
  }
}

/** Sells one toast after another to a few cards in turn, by a till as terminal/main.ts wires it. */
async function tap(counter: Counter, url: string, purses: Purse[], journalFile: string, epochMs: () => number) {
  const { key } = counter
  const enrolment = { ...counter.enrolment, url }
  const journal = openJournal(journalFile)
  const clock = learningClock({ epoch: epochMs, monotonic: () => performance.now() }, 0)
  const ended = new AbortController()
  const { signal } = ended
  const sleep = (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal })
  const log = () => {}
  const link = linkOf({ enrolment, key, clock, uuid: randomUUID })
  let failure: unknown = null
  const fail = (error: unknown) => {
    failure ??= error
    ended.abort()
  }
  const uuid = () => uuidv7(epochMs(), randomFillSync(new Uint8Array(16)))
  const random = () => 0.5
  const { till, forwarder, run } = station({ journal, link, enrolment, key, clock, uuid, sleep, random, log, fail })

  const known = linkOf({ enrolment: counter.enrolment, key, clock, uuid: randomUUID })
  if (!(await syncOnce(known, journal, forwarder))) throw new Error('the till cannot sync')

  const chip = emulateMfrc522()
  const [tillsEnd, displaysEnd] = duplexPair()
  let looks: (() => void)[] = []
  const display = emulateNextion(panel, {
    onChange() {
      for (const look of looks) look()
    },
  })
  let bytes = 0
  displaysEnd.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
  })
  display.plug(displaysEnd)

  const shows = (page: string, component: string, text: string) => {
    const state = display.state()
    return (
      state.page?.name === page &&
      state.components.some(({ name, text: at }) => name === component && at.startsWith(text))
    )
  }
  /** Resolves, to the moment on the monotonic clock, as soon as the display shows it. */
  const shown = (page: string, component: string, text: string) =>
    new Promise<number>((resolve, reject) => {
      const look = () => {
        if (shows(page, component, text)) finish(() => resolve(performance.now()))
      }
      const finish = (settle: () => void) => {
        late.abort()
        looks = looks.filter((other) => other !== look)
        settle()
      }
      const late = new AbortController()
      setTimeout(SHOWN_WITHIN_MS, undefined, { signal: late.signal }).then(
        () =>
          finish(() =>
            reject(failure ?? new Error(`the display does not show '${text}': ${JSON.stringify(display.state())}`)),
          ),
        () => undefined,
      )
      looks.push(look)
      look()
    })

  await till.recover()
  const nextion = await connectNextion(tillsEnd)
  const screen = panelScreen(nextion)
  nextion.onRestart(() => till.refresh())
  await till.attach(screen)
  await till.readerIs(true)
  const loops = [
    run(signal),
    (async () => {
      for await (const tap of mfrc522(chip, { pollMs: POLL_MS }).taps(signal)) await till.serve(tap)
    })(),
    (async () => {
      for await (const press of screen.presses(signal)) await till.press(press)
    })(),
  ].map((loop) => loop.catch(fail))

  const latenciesMs: number[] = []
  const drawnBytes: number[] = []
  try {
    for (let sale = 0; sale < TAPS; sale++) {
      const purse = purses[sale % purses.length]
      if (!purse) throw new RangeError('there are cards')
      await shown('sale', 'product0', 'Toast')
      display.press('product0')
      await shown('sale', 'prompt', 'Læg kortet på')
      // Cards come at any moment between two polls; the golden ratio spreads them evenly over it.
      await setTimeout(((sale * 0.618) % 1) * POLL_MS)
      const before = bytes
      const startedAt = performance.now()
      const card = chip.present({ uid: purse.uid })
      latenciesMs.push((await shown('approved', 'headline', 'Godkendt')) - startedAt)
      drawnBytes.push(bytes - before)
      card.remove()
      display.press('dismiss')
    }
  } finally {
    ended.abort()
    await Promise.all(loops)
    await till.end()
    tillsEnd.destroy()
    displaysEnd.destroy()
    journal.close()
  }
  return { latenciesMs, drawnBytes }
}
