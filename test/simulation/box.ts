import { uuidv7 } from '../../shared/uuidv7.ts'
import { learningClock } from '../../terminal/clock.ts'
import type { CardMemory, Tap } from '../../terminal/devices/card-reader.ts'
import type { Enrolment, KeyPair } from '../../terminal/identity.ts'
import { type Journal, openJournal } from '../../terminal/journal.ts'
import { DiskError } from '../../terminal/journal-database.ts'
import { link as linkOf } from '../../terminal/link.ts'
import { texts } from '../../terminal/screen/texts.ts'
import type { Press, View } from '../../terminal/screen/view.ts'
import { station } from '../../terminal/station.ts'
import type { Till } from '../../terminal/till.ts'
import type { Disk } from './disk.ts'
import type { Cable } from './network.ts'
import type { Random } from './random.ts'
import { type Database, openDatabase, plugIn } from './sqlite.ts'
import type { Laid, Onlooker } from './witness.ts'
import type { World } from './world.ts'

/** How a program ends: it is killed, or the plug is pulled. */
export type Death = 'killed' | 'power'

export type Box = ReturnType<typeof boxOf>

const BOOT_MS = 4_000
const RESTART_MS = 5_000
const DISPLAY_RETRY_MS = 2_000

/** A program between its start and its end: what it may still do. */
type Life = { alive: boolean; ended: AbortController; till: Till | null; journal: Journal | null; db: Database | null }

/** Never resolves: what a program waits for that has died. */
const forever = <T>() => new Promise<T>(() => {})

/** Ends the sentence that a program was in when it died. */
export class Dead extends Error {}

/**
 * A terminal: the real till, journal, forwarder, syncer and link as terminal/main.ts wires them, on a disk, a display,
 * a reader and a cable of ours. It may be cut off at whatever it does next.
 */
export function boxOf({
  name,
  world,
  random,
  disk,
  cable,
  enrolment,
  key,
  onlooker,
}: {
  name: string
  world: World
  random: Random
  disk: Disk
  cable: Cable
  enrolment: Enrolment
  key: KeyPair
  onlooker: Onlooker
}) {
  let life: Life | null = null
  let displayed: View | null = null
  /** How many more steps the program lives, and how it ends then; null for as long as it likes. */
  let fate: { steps: number; death: Death } | null = null
  let looking = false
  let powered = false
  let serving: Laid | null = null
  /** The sale whose answer the display would show. */
  let current: string | null = null
  /** The sale that the card on the reader is to undo. */
  let undoing: string | null = null
  let lastApproved: string | null = null
  let deaths = 0
  /** Where the program has been, and where it has been cut off. */
  const points = { passed: new Set<string>(), died: new Set<string>() }
  /** What is asked of the database, in which the disk is written to. */
  let asking = ''
  let restarting = false
  const leftOpen: Database[] = []
  plugIn(name, disk)

  /** A step at which the program may die. */
  function step(of: Life, point: string) {
    if (!of.alive) throw new Dead('a dead program goes no further')
    if (!looking) points.passed.add(point)
    if (!fate) return
    fate.steps -= 1
    if (fate.steps >= 0) return
    const { death } = fate
    points.died.add(point)
    die(death)
    throw new Dead('the program ends here')
  }

  function die(death: Death) {
    if (!life?.alive) return
    fate = null
    life.alive = false
    deaths += 1
    if (life.db) leftOpen.push(life.db)
    if (death === 'power') {
      disk.powerLost(random)
      displayed = null
    } else disk.programDied()
    onlooker.tell(`${name}: ${death === 'power' ? 'the power is gone' : 'the program is killed'}`)
    if (death === 'power') powered = false
    else restart()
  }

  /** systemd starts the program again. */
  function restart() {
    if (restarting) return
    restarting = true
    world.after(RESTART_MS, () => {
      restarting = false
      if (powered && !life?.alive) boot()
    })
  }

  function boot() {
    for (const db of leftOpen.splice(0)) db.close()
    serving = null
    current = null
    undoing = null
    const here: Life = { alive: true, ended: new AbortController(), till: null, journal: null, db: null }
    life = here
    begin(here).catch((error: unknown) => giveUp(here, error))
  }

  /** The program ends itself, and systemd starts it again. */
  function giveUp(of: Life, error: unknown) {
    if (!of.alive) return
    onlooker.tell(`${name}: gives up: ${error instanceof Error ? error.message : error}`)
    if (disk.faults === 0 || !(error instanceof DiskError)) onlooker.broke(self, error)
    of.alive = false
    of.ended.abort()
    disk.programDied()
    if (of.db) leftOpen.push(of.db)
    restart()
  }

  /** What a dependency gives a program only while it lives. */
  const living =
    (of: Life) =>
    async <T>(what: string, deed: () => Promise<T>): Promise<T> => {
      step(of, `before ${what}`)
      const settle = await deed().then(
        (value) => () => value,
        (error: unknown) => () => {
          throw error
        },
      )
      if (!of.alive) return forever()
      try {
        step(of, `after ${what}`)
      } catch {
        return forever()
      }
      return settle()
    }

  async function begin(of: Life) {
    const lives = living(of)
    const startedAt = world.now()
    disk.touched = (what) => step(of, `${asking}: ${what}`)
    const journal = openJournal(`/${name}/journal.db`, (path) => {
      of.db = openDatabase(path, (what) => {
        asking = what
        step(of, what)
      })
      return of.db
    })
    of.journal = journal
    const clock = learningClock(
      { epoch: () => world.now() + self.clockIsOffBy, monotonic: () => world.now() - startedAt },
      journal.notBefore(),
    )
    const uuid = () => uuidv7(Math.max(0, world.now()), random.bytes(16))
    const sleep = (ms: number, signal: AbortSignal) => lives('a pause', () => world.sleep(ms, signal))
    const link = linkOf({
      enrolment,
      key,
      clock,
      uuid,
      wire: {
        deadline: cable.wire.deadline,
        fetch: ((address: string, init: never) =>
          lives(`a call of ${new URL(address).pathname.split('/')[3]}`, () =>
            cable.wire.fetch(address, init),
          )) as never,
      },
    })
    const fail = (error: unknown) => giveUp(of, error)
    const { till, run } = station({
      journal,
      link,
      enrolment,
      key,
      clock,
      uuid() {
        const sale = uuid()
        serving?.sales.push(sale)
        current = sale
        return sale
      },
      sleep,
      random: random.next,
      log: (event, fields) => {
        if (of.alive) onlooker.tell(`${name}: · ${event}${fields ? ` ${JSON.stringify(fields)}` : ''}`)
      },
      fail,
    })
    of.till = till
    onlooker.began(self, journal)
    await till.recover()
    run(of.ended.signal).catch(fail)
    await till.readerIs(true)
    await attach(of, till, journal)
  }

  /** Gives the till its display, and again whenever that has failed and answers once more. */
  async function attach(of: Life, till: Till, journal: Journal): Promise<void> {
    while (of.alive && !self.displayWorks) await world.sleep(DISPLAY_RETRY_MS)
    if (!of.alive) return
    let lost = false
    current = journal.unshown()?.sale ?? current
    await till.attach({
      presses: () => {
        throw new Error('presses come from elsewhere')
      },
      show: (view) =>
        living(of)('a picture', async () => {
          await world.sleep(random.between(15, 90))
          if (lost || !self.displayWorks) {
            if (!lost) world.after(DISPLAY_RETRY_MS, () => void attach(of, till, journal).catch(() => undefined))
            lost = true
            throw new Error('the display does not answer')
          }
          if (of.alive) show(view)
        }),
    })
  }

  function show(view: View) {
    const before = displayed
    displayed = view
    if (view.kind !== 'answer') return
    const again = before?.kind === 'answer' && before.headline === view.headline && before.meaning === view.meaning
    if (view.meaning === 'approved') {
      if (!again) onlooker.tell(`${name}: shows '${view.headline}' (${view.detail})`)
      // An approval that no display has shown yet comes first of all on the next one.
      current ??= self.look((journal) => journal.unshown()?.sale ?? null)
      lastApproved = current
      onlooker.approved(self, current, view)
      return
    }
    if (!again) onlooker.tell(`${name}: shows '${view.headline}: ${view.detail}'`)
    if (view.meaning === 'declined') onlooker.declined(self, current)
    if (view.headline === texts('da').undone && undoing) onlooker.undone(self, undoing)
  }

  const self = {
    name,
    disk,
    cable,
    enrolment,
    /** By how much the machine's own clock is off, in ms. */
    clockIsOffBy: 0,
    displayWorks: true,
    view: () => displayed,
    journal: () => (life?.alive ? life.journal : null),
    isOn: () => life?.alive === true,
    deaths: () => deaths,
    points,

    powerOn() {
      if (powered) return
      powered = true
      world.after(BOOT_MS, () => {
        if (powered && !life?.alive) boot()
      })
    },

    /** The program ends at its so many-th step from here. */
    diesIn(steps: number, death: Death) {
      fate = { steps, death }
    },

    /** The day is over: it is switched off with nothing left to do. */
    close() {
      if (life?.alive) life.alive = false
      life?.ended.abort()
      if (life?.db) leftOpen.push(life.db)
      disk.programDied()
      powered = false
    },

    /** Whatever was to befall it does not. */
    spare() {
      fate = null
    },

    die(death: Death) {
      if (life?.alive) die(death)
      else if (death === 'power') {
        powered = false
        displayed = null
      }
    },

    /** A press of staff, on whatever is to be seen. */
    press(press: Press) {
      if (!self.displayWorks) return
      void life?.till?.press(press).catch(() => undefined)
    },

    /** A card on the reader. Its number is read when the till takes the tap up, which says whose sale comes of it. */
    lay(laid: Laid, uid: Uint8Array, memory: CardMemory | null) {
      const tap: Tap = {
        kind: 'card',
        get uid() {
          serving = laid
          current = null
          undoing = laid.undo ? lastApproved : null
          if (undoing) onlooker.undoAsked(self, undoing)
          return uid
        },
        type: memory ? 'classic' : 'other',
        memory,
      }
      void life?.till?.serve(tap).catch(() => undefined)
    },

    /** Looks into the journal without taking part in the program's life. */
    look<T>(into: (journal: Journal) => T): T | null {
      if (!life?.alive || !life.journal) return null
      const kept = fate
      fate = null
      looking = true
      try {
        return into(life.journal)
      } finally {
        looking = false
        fate = kept
      }
    },

    /** Gives back what SQLite holds of this box. */
    scrap() {
      if (life?.db) leftOpen.push(life.db)
      if (life) life.alive = false
      disk.programDied()
      for (const db of leftOpen.splice(0)) db.close()
    },
  }
  return self
}
