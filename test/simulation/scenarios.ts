import {
  answerLost,
  blockedWhileOffline,
  closedWhileOffline,
  database,
  dayOffline,
  lateDecline,
  longDay,
  network,
  oneAccount,
  restored,
  workerKilled,
} from './network-scenarios.ts'
import type { Scenario } from './scenario.ts'
import { clockOff, copied, disk, everything, killed, tokens } from './terminal-scenarios.ts'

export const SCENARIOS = {
  network: { boxes: 2, weight: 3, run: network },
  answer_lost: { boxes: 2, weight: 2, run: answerLost },
  late_decline: { boxes: 2, weight: 2, run: lateDecline },
  one_account: { boxes: 3, weight: 2, run: oneAccount },
  day_offline: { boxes: 1, weight: 1, run: dayOffline },
  blocked: { boxes: 2, weight: 2, run: blockedWhileOffline },
  closed: { boxes: 2, weight: 2, run: closedWhileOffline },
  killed: { boxes: 2, weight: 4, run: killed },
  disk: { boxes: 2, weight: 2, run: disk },
  worker_killed: { boxes: 2, weight: 2, run: workerKilled },
  database: { boxes: 2, weight: 2, run: database },
  clock: { boxes: 2, weight: 2, run: clockOff },
  copied: { boxes: 1, weight: 1, run: copied },
  tokens: { boxes: 2, weight: 2, run: tokens },
  restored: { boxes: 2, weight: 2, run: restored },
  long_day: { boxes: 1, weight: 0, run: longDay },
  everything: { boxes: 2, weight: 3, run: everything },
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

const IN_TURN = (Object.entries(SCENARIOS) as [ScenarioName, Scenario][]).flatMap(([name, { weight }]) =>
  Array.from({ length: weight }, () => name),
)

/** The scenario that a seed plays, where none is asked for. */
export const scenarioOf = (seed: number): ScenarioName => IN_TURN[seed % IN_TURN.length] ?? 'everything'
