import { createHash } from 'node:crypto'
import { judge, type Verdict } from './oracle.ts'
import { type Play, playOf } from './play.ts'
import type { Scenario, Strange } from './scenario.ts'
import { SCENARIOS, type ScenarioName } from './scenarios.ts'
import type { Town } from './town.ts'
import type { Failure, Line } from './witness.ts'
import type { WorkerProcess } from './worker-call.ts'

/** What is to be played: a seed, in a scenario, with at most so many deeds. */
export type Order = { seed: number; scenario: ScenarioName; actsMax?: number }

/** What came of it. The same order has the same `digest`, whenever and wherever it is played. */
export type Outcome = Order & {
  failures: Failure[]
  story: Line[]
  digest: string
  verdict: Omit<Verdict, 'losses'>
  strange: Partial<Strange>
  figures: {
    acts: number
    deaths: number
    /** Where tills have been, and where they were cut off. */
    points: { passed: string[]; died: string[] }
    sent: number
    acknowledgedLost: number
    withoutRow: number
    flips: number
    drainMs: number | null
    /** Sales without an answer: how many, the cap on their sum, and how many broke a cap, a block or the list's age. */
    offline: Play['offline']
    /** What was booked though it would have been refused: what the clubs lose. */
    lossOre: number
    afterBlock: { ore: number; minutes: number }[]
    calls: number
    virtualMs: number
  }
}

const ENDS_WITHIN_MS = 80 * 24 * 3_600_000

/** Plays one seed from an empty till to a clean ledger. */
export async function playSeed(order: Order, town: Town, worker: WorkerProcess): Promise<Outcome> {
  const { seed, scenario, actsMax = Number.POSITIVE_INFINITY } = order
  const { boxes, run }: Scenario = SCENARIOS[scenario]
  await town.renew()
  const callsBefore = worker.calls()
  const play = playOf({ seed, town, worker, boxCount: boxes, actsMax })
  const { world, counts, failures, story } = play
  const startedAt = world.now()
  play.network.host.restarted = true // What the last seed's worker had in memory is of another town.
  let over = false
  let crash: unknown = null
  let strange: Partial<Strange> = {}
  let drainMs: number | null = null
  let verdict: Verdict | null = null
  const directing = (async () => {
    strange = await run(play)
    drainMs = await play.heal(play.boxes.filter(({ name }) => play.forgotten.has(name)))
    if (drainMs === null) play.fail('drained', 'something was never delivered')
    verdict = await judge(play, town, worker)
  })()
    .catch((error: unknown) => {
      crash = error
    })
    .finally(() => {
      over = true
    })
  try {
    await world.run(startedAt + ENDS_WITHIN_MS, () => over)
    if (crash) throw crash
    if (!over || verdict === null) throw new Error('the story does not end')
    await directing
  } finally {
    play.end()
  }
  const { losses, ...judged } = verdict as Verdict
  return {
    ...order,
    failures,
    story,
    digest: createHash('sha256')
      .update(story.map(({ at, text }) => `${at} ${text}`).join('\n'))
      .digest('base64url')
      .slice(0, 16),
    verdict: judged,
    strange,
    figures: {
      acts: Math.min(play.acts(), actsMax),
      deaths: play.boxes.reduce((sum, box) => sum + box.deaths(), 0),
      points: {
        passed: [...new Set(play.boxes.flatMap(({ points }) => [...points.passed]))],
        died: [...new Set(play.boxes.flatMap(({ points }) => [...points.died]))],
      },
      sent: counts.sent,
      acknowledgedLost: counts.acknowledgedLost,
      withoutRow: counts.withoutRow,
      flips: counts.flips,
      drainMs,
      offline: play.offline,
      lossOre: losses.reduce((sum, { amount }) => sum + amount, 0),
      afterBlock: play.afterBlock.map(({ ore, minutes }) => ({ ore, minutes })),
      calls: worker.calls() - callsBefore,
      virtualMs: world.now() - startedAt,
    },
  }
}
