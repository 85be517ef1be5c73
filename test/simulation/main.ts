import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError } from 'commander'
import { FAULTS, type FaultName } from './faults.ts'
import { cores, type Played } from './run.ts'
import { SCENARIOS, type ScenarioName, scenarioOf } from './scenarios.ts'
import type { Order, Outcome } from './seed.ts'
import { tableOf, textOf } from './table.ts'

/*
 * Plays seeds: the real till, journal, forwarder, syncer and link against the real worker on real D1, in virtual time,
 * with everything that can go wrong drawn from the seed. Prints what came of it, and of a seed that fails its story.
 */

const STORY_LINES_MAX = 80
const FAILED_MAX = 3

const whole = (text: string): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError('a whole number')
  return number
}
const scenario = (text: string): ScenarioName => {
  if (!(text in SCENARIOS)) throw new InvalidArgumentError(`one of ${Object.keys(SCENARIOS).join(', ')}`)
  return text as ScenarioName
}
const fault = (text: string): FaultName => {
  if (!(text in FAULTS)) throw new InvalidArgumentError(`one of ${Object.keys(FAULTS).join(', ')}`)
  return text as FaultName
}

const options = new Command('simulate')
  .option('--seeds <count>', 'how many seeds', whole, 200)
  .option('--seed <number>', 'the first of them, or the only one where no count is given', whole)
  .option('--scenario <name>', `one of ${Object.keys(SCENARIOS).join(', ')}`, scenario)
  .option('--fault <name>', `what is wrong with the tills: one of ${Object.keys(FAULTS).join(', ')}`, fault)
  .option('--cores <count>', 'how many players, each with a worker', whole, Math.max(1, availableParallelism()))
  .option('--story', 'the whole story of each seed')
  .parse(process.argv.slice(3), { from: 'user' }) // After the launcher and this program's name.
const said = options.opts<{
  seeds: number
  seed?: number
  scenario?: ScenarioName
  fault?: FaultName
  cores: number
  story?: true
}>()

const first = said.seed ?? 1
const count = said.seed !== undefined && options.getOptionValueSource('seeds') === 'default' ? 1 : said.seeds
let stopping = false

/** The seeds in turn, until all are played or somebody wants to see what has come of those before. */
function* orders(): Generator<Order> {
  for (let seed = first; seed < first + count && !stopping; seed++) {
    yield { seed, scenario: said.scenario ?? scenarioOf(seed) }
  }
}

function tellStory({ story, failures }: Outcome, whole: boolean) {
  const about = new Set(failures.flatMap((failure) => failure.about).filter((name) => name.includes('till')))
  const others = (text: string) =>
    /^(copy of |the worker answers: message )?till \d/.test(text) && ![...about].some((name) => text.includes(name))
  const [failure] = failures
  const end = failure ? story.findIndex(({ text }) => text.startsWith(`✗ ${failure.figure}`)) + 1 : story.length
  const told = whole ? story : story.slice(0, end)
  const lines = whole || about.size === 0 ? told : told.filter(({ text }) => !others(text))
  const left = whole ? 0 : Math.max(0, lines.length - STORY_LINES_MAX)
  if (left > 0) console.log(`     … ${left} lines before; --story shows them`)
  for (const { at, text } of lines.slice(left)) console.log(`  ${(at / 1000).toFixed(2).padStart(9)}  ${text}`)
}

/** The same seed with as few deeds as still fail in the same way. */
async function shortest(failed: Outcome, play: (orders: Order[], heard: (played: Played) => void) => Promise<void>) {
  const figure = failed.failures[0]?.figure
  let least = failed
  const fewer = Array.from({ length: failed.figures.acts }, (_, index) => index + 1)
  await play(
    fewer.map((actsMax) => ({ seed: failed.seed, scenario: failed.scenario, actsMax })),
    ({ outcome }) => {
      const same = outcome.failures.some((failure) => failure.figure === figure)
      if (same && (outcome.actsMax ?? 0) < (least.actsMax ?? Number.POSITIVE_INFINITY)) least = outcome
    },
  )
  return least
}

const startedAt = performance.now()
const players = await cores(Math.min(said.cores, count), { fault: said.fault })
const builtAt = performance.now()
const outcomes: Outcome[] = []
let cpuMs = 0
let workerCpuMs = 0
let exitCode = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) players.stop().finally(() => process.exit(1))
    stopping = true
  })
}
try {
  await players.play(orders(), (played) => {
    outcomes.push(played.outcome)
    cpuMs += played.cpuMs
    workerCpuMs += played.workerCpuMs
    if (said.story) {
      console.log(`seed ${played.outcome.seed}, ${played.outcome.scenario} (${played.outcome.digest})`)
      tellStory(played.outcome, true)
    }
    if (process.stderr.isTTY) process.stderr.write(`\r${outcomes.length} of ${count} seeds`)
  })
  if (process.stderr.isTTY) process.stderr.write('\r')
  const playedMs = performance.now() - builtAt
  outcomes.sort((one, other) => one.seed - other.seed)
  const rows = tableOf(outcomes)
  const names = said.scenario ? `, ${said.scenario}` : ''
  console.log(`${outcomes.length} seeds from ${first}${names}, ${Math.min(said.cores, count)} at a time`)
  for (const line of textOf(rows)) console.log(line)
  const sales = outcomes.reduce((sum, { verdict }) => sum + verdict.sales, 0)
  const messages = outcomes.reduce((sum, { figures }) => sum + figures.sent, 0)
  const calls = outcomes.reduce((sum, { figures }) => sum + figures.calls, 0)
  const hours = outcomes.reduce((sum, { figures }) => sum + figures.virtualMs, 0) / 3_600_000
  console.log(
    `\n${sales} sales, ${messages} messages, ${calls} calls of the worker, ${hours.toFixed(0)} hours of virtual time`,
  )
  console.log(
    `${(playedMs / 1000).toFixed(0)} s, after ${((builtAt - startedAt) / 1000).toFixed(0)} s to build; CPU: ` +
      `${(cpuMs / 1000).toFixed(0)} s the tills, ${(workerCpuMs / 1000).toFixed(0)} s the workers`,
  )
  const failed = outcomes.filter(({ failures }) => failures.length > 0)
  if (failed.length > 0 || rows.some(({ right }) => !right)) exitCode = 1
  for (const outcome of stopping ? [] : failed.slice(0, FAILED_MAX)) {
    const least = await shortest(outcome, (fewer, heard) => players.play(fewer, heard))
    console.log(`\n✗ seed ${outcome.seed}, ${outcome.scenario}: ${outcome.failures[0]?.figure}`)
    tellStory(least, false)
    console.log(`  again: npm run simulate -- --seed ${outcome.seed} --scenario ${outcome.scenario} --story`)
  }
  const rest = failed.slice(stopping ? 0 : FAILED_MAX)
  if (rest.length > 0) {
    const others = rest.map(({ seed, scenario: of }) => `${seed} ${of}`)
    console.log(`\n✗ ${others.length} ${stopping ? 'failed' : 'more'}: ${others.slice(0, 20).join(', ')}`)
  }
  if (failed.length === 0) console.log('\nAll is right.')
} finally {
  await players.stop()
}
process.exit(exitCode)
