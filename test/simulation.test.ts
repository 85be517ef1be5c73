import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build } from './local/worker.ts'
import { Disk } from './simulation/disk.ts'
import { FAULTS, type Fault, type FaultName } from './simulation/faults.ts'
import { randomOf } from './simulation/random.ts'
import { type Cores, cores } from './simulation/run.ts'
import { SCENARIOS, scenarioOf } from './simulation/scenarios.ts'
import type { Order, Outcome } from './simulation/seed.ts'
import { openDatabase, plugIn } from './simulation/sqlite.ts'
import { tableOf } from './simulation/table.ts'

const SEEDS = 34 // Each scenario once or more.
/** Within so many seeds of its scenario a fault of the till must be found out. */
const CAUGHT_WITHIN = 10
/** Many times what it takes alone: the other tests want the machine too. */
const PATIENCE_MS = 400_000
const first = Number(process.env.SEED ?? Date.now() % 1_000_000)

describe(`${SEEDS} seeds of the simulation (SEED=${first})`, () => {
  let players: Cores
  let folder: string
  let bundle: string
  const orders = ordersFrom(first, SEEDS)
  const outcomes = new Map<number, Outcome>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'klubkort-simulation-'))
    bundle = await build(folder, 'test/simulation/worker.mjs')
    players = await cores(2, { bundle })
  })
  afterAll(async () => {
    await players?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  test(
    'no sale is lost, doubled or turned round by whatever goes wrong',
    async () => {
      await players.play(orders, ({ outcome }) => void outcomes.set(outcome.seed, outcome))
      const failed = [...outcomes.values()].filter(({ failures }) => failures.length > 0)
      for (const { seed, scenario, story } of failed) {
        console.log(`seed ${seed}, ${scenario}:\n${story.map(({ at, text }) => `${at / 1000} ${text}`).join('\n')}`)
        console.log(`again: npm run simulate -- --seed ${seed} --scenario ${scenario} --story`)
      }
      expect(failed.map(({ seed, scenario, failures }) => ({ seed, scenario, failures }))).toEqual([])
      expect(tableOf([...outcomes.values()]).filter(({ right }) => !right)).toEqual([])
      const inTurn = Object.values(SCENARIOS).filter(({ weight }) => weight > 0)
      expect(new Set(orders.map(({ scenario }) => scenario)).size).toBe(inTurn.length)
      const sum = (of: (outcome: Outcome) => number) =>
        [...outcomes.values()].reduce((total, each) => total + of(each), 0)
      // Nothing is proven by tills that never sold, never died and never had to decide alone.
      expect(sum(({ verdict }) => verdict.approved)).toBeGreaterThan(50)
      expect(sum(({ figures }) => figures.deaths)).toBeGreaterThan(10)
      expect(sum(({ figures }) => figures.offline.sales)).toBeGreaterThan(10)
    },
    PATIENCE_MS,
  )

  test(
    'a seed tells the same story again',
    async () => {
      const again = orders.filter(({ scenario }) => ['killed', 'everything', 'network'].includes(scenario)).slice(0, 4)
      await players.play(again.toReversed(), ({ outcome }) => {
        expect(outcome.story).toEqual(outcomes.get(outcome.seed)?.story)
      })
    },
    PATIENCE_MS,
  )

  test.each(Object.entries(FAULTS) as [FaultName, Fault][])(
    'a till with %s planted in it is found out, and only that till',
    async (fault, { figure, scenario }) => {
      const wrong = await cores(1, { bundle, fault })
      let caught: Outcome | undefined
      try {
        // One at a time, and no more once it is found out.
        for (let seed = 1; seed <= CAUGHT_WITHIN; seed += 1) {
          await wrong.play([{ seed, scenario }], ({ outcome }) => {
            if (outcome.failures.some((failure) => failure.figure === figure)) caught = outcome
          })
          if (caught) break
        }
      } finally {
        await wrong.stop()
      }
      if (!caught) throw new Error(`${CAUGHT_WITHIN} seeds of ${scenario} are right in spite of ${fault}`)
      const { seed } = caught
      await players.play([{ seed, scenario }], ({ outcome }) => {
        expect({ seed, failures: outcome.failures }).toEqual({ seed, failures: [] })
      })
    },
    PATIENCE_MS,
  )
})

/** The seeds in turn, each in the scenario that is its own. */
function ordersFrom(first: number, count: number): Order[] {
  return Array.from({ length: count }, (_, index) => ({ seed: first + index, scenario: scenarioOf(first + index) }))
}

/** Writes rows until the power goes, and counts those that had been said to be on the disk and are not. */
function lostAtPowerLoss(synchronous: 'FULL' | 'NORMAL', seed: number): number {
  const random = randomOf(seed, 'power')
  const disk = new Disk()
  plugIn('disk', disk)
  const begin = () => {
    const db = openDatabase('/disk/journal.db')
    db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`)
    return db
  }
  const db = begin()
  db.exec('CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT')
  const insert = db.prepare('INSERT INTO row (id, text) VALUES (?, ?)')
  const rows = random.between(1, 40)
  for (let id = 1; id <= rows; id++) insert.run(id, 'x'.repeat(random.between(1, 600)))
  disk.powerLost(random)
  db.close()
  const next = begin()
  expect(next.prepare('PRAGMA quick_check').get()).toEqual({ quick_check: 'ok' })
  const exists = next.prepare("SELECT 1 FROM sqlite_master WHERE name = 'row'").get() !== undefined
  const kept = exists ? Number(next.prepare('SELECT count(*) AS n FROM row').get()?.n) : 0
  next.close()
  return rows - kept
}

describe('the disk of the simulation', () => {
  test('keeps at a loss of power what SQLite has flushed, and may lose what it has not', () => {
    const lost = { FULL: 0, NORMAL: 0 }
    for (let seed = 1; seed <= 60; seed++) {
      lost.FULL += lostAtPowerLoss('FULL', seed)
      lost.NORMAL += lostAtPowerLoss('NORMAL', seed)
    }
    expect(lost.FULL).toBe(0)
    expect(lost.NORMAL).toBeGreaterThan(100)
  })
})
