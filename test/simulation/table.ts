import type { ScenarioName } from './scenarios.ts'
import type { Outcome } from './seed.ts'

/** One line of the table: what happens, what is counted, what came out, and what should have. */
export type Row = {
  scenario: string
  seeds: number | null
  figure: string
  value: string
  target: string
  right: boolean
}

type Figure = { figure: string; value: string; target: string; right: boolean }

const sum = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number) =>
  outcomes.reduce((total, outcome) => total + of(outcome), 0)
const most = (outcomes: readonly Outcome[], of: (outcome: Outcome) => number) =>
  outcomes.reduce((most, outcome) => Math.max(most, of(outcome)), 0)

const none = (figure: string, found: number): Figure => ({
  figure,
  value: String(found),
  target: '0',
  right: found === 0,
})
/** A figure that is told and has no target of its own. */
const told = (figure: string, value: string): Figure => ({ figure, value, target: '–', right: true })

const kroner = (øre: number) => `${(øre / 100).toFixed(2)} kr`
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** From so many seeds of tills that are killed on, nearly each point must have been one of death; some are rare. */
const KILLED_ENOUGH = 100
const DIED_AT_LEAST = 0.9

/** At how many of the points where a till writes, sends, waits or shows it was also cut off. */
function pointsOfDeath(all: Outcome[], own: Outcome[]): Figure {
  const passed = new Set(own.flatMap(({ figures }) => figures.points.passed))
  const died = new Set(all.flatMap(({ figures }) => figures.points.died).filter((point) => passed.has(point)))
  const value = `${died.size} of ${passed.size}`
  if (own.length < KILLED_ENOUGH) return told('points at which one died', value)
  const right = died.size >= DIED_AT_LEAST * passed.size
  return { figure: 'points at which one died', value, target: '≥ 90 %', right }
}

/** Each scenario with its figures. What must be 0 is counted in all seeds; the rest in the scenario's own. */
const ROWS: { scenario: string; name: ScenarioName | null; figures: (all: Outcome[], own: Outcome[]) => Figure[] }[] = [
  {
    scenario: 'drop, duplicate, reorder, delay',
    name: 'network',
    figures: (all) => [
      none(
        'goods without debit',
        sum(all, ({ verdict }) => verdict.goodsWithoutDebit),
      ),
      none(
        'debit without goods',
        sum(all, ({ verdict }) => verdict.debitWithoutGoods),
      ),
    ],
  },
  {
    scenario: 'answer lost, then the till decides alone',
    name: 'answer_lost',
    figures: (all) => [
      none(
        'double charges',
        sum(all, ({ verdict }) => verdict.doubleCharges),
      ),
    ],
  },
  {
    scenario: 'late duplicate of a decline after a deposit',
    name: 'late_decline',
    figures: (all) => [
      none(
        'flips',
        sum(all, ({ figures }) => figures.flips),
      ),
    ],
  },
  {
    scenario: 'several tills, one account',
    name: 'one_account',
    figures: (all) => [
      none(
        'overspend online, øre',
        sum(all, ({ verdict }) => verdict.overspentOre),
      ),
    ],
  },
  {
    scenario: '24 h offline, stale card list',
    name: 'day_offline',
    figures: (all, own) => [
      none(
        'sales beyond a cap',
        sum(all, ({ figures }) => figures.offline.overCap),
      ),
      none(
        'days that lost more than their cap',
        own.filter(({ figures }) => figures.lossOre > figures.offline.capOre).length,
      ),
      none(
        'sales with a list that is too old',
        sum(all, ({ figures }) => figures.offline.staleList),
      ),
      told('most lost in one day', kroner(most(own, ({ figures }) => figures.lossOre))),
      told('time to drain, at most', seconds(most(own, ({ figures }) => figures.drainMs ?? 0))),
    ],
  },
  {
    scenario: 'card blocked while a till is offline',
    name: 'blocked',
    figures: (all) => {
      const after = all.flatMap(({ figures }) => figures.afterBlock)
      const failed = all.flatMap(({ failures }) => failures)
      const øre = after.reduce((total, { ore }) => total + ore, 0)
      const minutes = after.reduce((longest, each) => Math.max(longest, each.minutes), 0)
      return [
        none(
          'accepted after the block, online',
          failed.filter(({ figure }) => figure === 'accepted after block, online').length,
        ),
        none(
          'accepted with the block on the list',
          sum(all, ({ figures }) => figures.offline.onList),
        ),
        told('accepted after the block, offline', `${after.length} sales, ${kroner(øre)}, ${minutes.toFixed(1)} min`),
      ]
    },
  },
  {
    scenario: 'category closed while a till is offline',
    name: 'closed',
    figures: (all) => [
      none(
        'sold after it, online',
        all.flatMap(({ failures }) => failures).filter(({ figure }) => figure === 'accepted while closed, online')
          .length,
      ),
      none(
        'sold with it on the list',
        sum(all, ({ figures }) => figures.offline.closedOnList),
      ),
    ],
  },
  {
    scenario: 'till killed at every write; power loss',
    name: 'killed',
    figures: (all, own) => [
      none(
        'acknowledged lost',
        sum(all, ({ figures }) => figures.acknowledgedLost),
      ),
      told('deaths of a till', String(sum(all, ({ figures }) => figures.deaths))),
      pointsOfDeath(all, own),
    ],
  },
  {
    scenario: 'disk full, I/O error',
    name: 'disk',
    figures: (all, own) => [
      none(
        'sales approved without a journal row',
        sum(all, ({ figures }) => figures.withoutRow),
      ),
      told('disks that failed', String(sum(own, ({ strange }) => strange.diskFaults ?? 0))),
    ],
  },
  {
    scenario: 'worker killed and restarted',
    name: 'worker_killed',
    figures: (_, own) => [
      none(
        'acknowledged lost',
        sum(own, ({ verdict, figures }) => verdict.goodsWithoutDebit + figures.acknowledgedLost),
      ),
      told('deaths of the worker', String(sum(own, ({ strange }) => strange.workerDeaths ?? 0))),
    ],
  },
  {
    scenario: 'D1 error before or after commit, 60 s stall',
    name: 'database',
    figures: (all) => [
      none(
        'double posts',
        sum(all, ({ verdict }) => verdict.doublePosts),
      ),
    ],
  },
  {
    scenario: 'clock a day off',
    name: 'clock',
    figures: (all) => [
      none(
        'wrong order',
        sum(all, ({ verdict }) => verdict.wrongOrder),
      ),
    ],
  },
  {
    scenario: 'journal rolled back, SD card copied',
    name: 'copied',
    figures: (_, own) => {
      const copies = sum(own, ({ strange }) => strange.copies ?? 0)
      const detected = sum(own, ({ strange }) => strange.copiesDetected ?? 0)
      return [{ figure: 'detected', value: `${detected} of ${copies}`, target: '100 %', right: detected === copies }]
    },
  },
  {
    scenario: 'card torn away as its token is written',
    name: 'tokens',
    figures: (_, own) => {
      const copies = sum(own, ({ strange }) => strange.cardCopies ?? 0)
      const found = sum(own, ({ strange }) => strange.cardCopiesFound ?? 0)
      return [
        none(
          'cards locked out',
          sum(own, ({ strange }) => strange.lockedOut ?? 0),
        ),
        { figure: 'copied cards blocked', value: `${found} of ${copies}`, target: '100 %', right: found === copies },
      ]
    },
  },
  {
    scenario: 'database put back to some minutes ago',
    name: 'restored',
    figures: (_, own) => [
      none(
        'goods without debit',
        sum(own, ({ verdict }) => verdict.goodsWithoutDebit),
      ),
    ],
  },
  {
    scenario: '24 h offline with 2,000 sales, in one go',
    name: 'long_day',
    figures: (_, own) => {
      const day = own[0]?.strange
      return [
        told('sales without an answer', String(most(own, ({ figures }) => figures.offline.sales))),
        told('time to drain, with the network', seconds(day?.longDayDrainMs ?? 0)),
        told('calls, and what the worker took', `${day?.longDayCalls}, ${seconds(day?.longDayBusyMs ?? 0)}`),
        none(
          'violations of the ledger',
          sum(own, ({ verdict }) => verdict.violations),
        ),
      ]
    },
  },
  {
    scenario: 'all of these at once',
    name: 'everything',
    figures: (all) => [
      none(
        'never delivered',
        sum(all, ({ figures }) => (figures.drainMs === null ? 1 : 0)),
      ),
      none(
        'violations of the ledger',
        sum(all, ({ verdict }) => verdict.violations),
      ),
    ],
  },
]

const ELSEWHERE: [string, string, string][] = [
  ['webhooks ×10, shuffled, late, forged', 'credited once; forged accepted 0', 'npm run storm'],
  ['webhook never arrives', 'repaired by reconciliation', 'npm run storm'],
  ['top-up storm', 'one charge in flight per account', 'vitest test/worker/top-ups.test.ts'],
  ['load at 80 %', 'p50, p99, errors', 'npm run bench'],
]

/** The table of scenarios, from what was played. */
export function tableOf(outcomes: Outcome[]): Row[] {
  const rows = ROWS.flatMap(({ scenario, name, figures }) => {
    const own = outcomes.filter((outcome) => outcome.scenario === name)
    if (own.length === 0)
      return [
        {
          scenario,
          seeds: 0,
          figure: '',
          value: `not played: npm run simulate -- --scenario ${name}`,
          target: '',
          right: true,
        },
      ]
    return figures(outcomes, own).map((figure, index) => ({
      scenario: index === 0 ? scenario : '',
      seeds: index === 0 ? own.length : null,
      ...figure,
    }))
  })
  const elsewhere = ELSEWHERE.map(([scenario, figure, command]) => ({
    ...{ scenario, figure, seeds: null, target: '', right: true },
    value: `elsewhere: ${command}`,
  }))
  return [...rows, ...elsewhere]
}

/** The table as lines of text. */
export function textOf(rows: readonly Row[]): string[] {
  const widths = [46, 6, 38]
  const cell = (text: string, column: number) => text.padEnd(widths[column] ?? 0)
  return [
    `  ${cell('scenario', 0)}${cell('seeds', 1)}${cell('figure', 2)}value (target)`,
    ...rows.map(({ scenario, seeds, figure, value, target, right }) => {
      const outcome = target === '' || target === '–' ? value : `${value} (${target})`
      return `${right ? ' ' : '✗'} ${cell(scenario, 0)}${cell(seeds === null ? '' : String(seeds), 1)}${cell(figure, 2)}${outcome}`
    }),
  ]
}
