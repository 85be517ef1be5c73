import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KLUBKORT } from '../local/command-line.ts'
import { office, setUp } from '../local/office.ts'
import { freePort } from '../local/processes.ts'
import { build, migrate, secretsIn, startWorker } from '../local/worker.ts'
import type { Figure } from './figures.ts'

const SIZES = [2_000, 20_000] as const
const CLUBS = 20
/** How much more a row of the large roster may cost than one of the small. */
const COST_RATIO_MAX = 1.25
const MINUTES_MAX = 2

const two = (value: number) => String(value).padStart(2, '0')

/** CPR numbers that belong to nobody: born in 2057. */
const cprOf = (number: number) =>
  `${two(1 + (number % 28))}${two(1 + (Math.floor(number / 28) % 12))}57${5000 + Math.floor(number / 336)}`

/** A roster of children with two guardians each; of the next year, some are new, some have moved and some have left. */
function rosterOf(size: number, year: 0 | 1): string {
  const first = year === 0 ? 0 : size / 20
  const lines = Array.from({ length: size }, (_, index) => {
    const at = first + index
    const school = year === 1 && at % 10 === 0 ? 'Den nye skole' : `Skole ${at % 30}`
    const birthDay = `${2010 + (at % 8)}-${two(1 + (at % 12))}-${two(1 + (at % 28))}`
    const [mother, father] = [cprOf(at), cprOf(30_000 + at)]
    return `Barn ${at} Prøvebarn;${birthDay};${school};Klub ${at % CLUBS};${mother};${father}`
  })
  return `barn;fødselsdag;skole;klub;værge1_cpr;værge2_cpr\n${lines.join('\n')}\n`
}

/** The largest that any of some processes has been, in MB, as Linux tells it. */
function peakMb(pids: readonly number[]): number {
  const peaks = pids.map((pid) => {
    try {
      return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
    } catch {
      return 0 // It has ended.
    }
  })
  return Math.max(0, ...peaks)
}

/** The processes that one has started, and they. */
function descendants(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return children.flatMap((child) => [child, ...descendants(child)])
}

type Read = { seconds: number; peakMb: number }

/** Reads a file in with the real command line, which it measures. */
async function readIn(path: string, env: Record<string, string>): Promise<Read> {
  const startedAt = performance.now()
  const program = spawn(process.execPath, [KLUBKORT, 'roster', 'import', path, '--yes'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [program.stdout, program.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      said += text
    })
  let peak = 0
  const watch = setInterval(() => {
    peak = Math.max(peak, peakMb([program.pid ?? 0]))
  }, 20)
  const code = await new Promise((resolve) => program.on('close', resolve))
  clearInterval(watch)
  if (code !== 0) throw new Error(`the roster cannot be read in: ${said}`)
  return { seconds: (performance.now() - startedAt) / 1000, peakMb: peak }
}

/** What a worker says that a request of an import took it, in ms; 0 of any other line. */
function tookMs(line: string): number {
  const said = line.startsWith('{') ? JSON.parse(line) : {}
  return said.event === 'request' && String(said.route).includes('/roster') ? said.ms : 0
}

/**
 * A roster of 2,000 children and one of 20,000, each into an empty municipality: all new, a year later, and the same
 * again. By the command line, over HTTP, with the worker in workerd on a database of files. What a row costs is the
 * worker's own time, since a program that starts takes as long for a few rows as for many.
 */
export async function* roster(folder: string): AsyncGenerator<Figure> {
  const bundle = await build(folder)
  const cost = new Map<string, number>()
  for (const size of SIZES) {
    const home = join(folder, `roster-${size}`)
    await mkdir(home)
    await migrate(home, 4000)
    const port = await freePort()
    let workedMs = 0
    const onLine = (line: string) => {
      workedMs += tookMs(line)
    }
    const worker = await startWorker(home, port, { bundle, onLine })
    try {
      const url = `http://4000.localhost:${port}`
      const token = await setUp(url, (await secretsIn(home)).SETUP_KEY, 4000, 'Roskilde')
      const desk = office(url, token)
      for (let club = 0; club < CLUBS; club += 1) await desk.addSite(`Klub ${club}`)
      const { PATH = '' } = process.env
      const env = { PATH, HOME: home, KLUBKORT_URL: url, KLUBKORT_TOKEN: token }
      for (const [what, year] of [
        ['all new', 0],
        ['a year later', 1],
        ['the same again', 1],
      ] as const) {
        const path = join(home, `${year}.csv`)
        await writeFile(path, rosterOf(size, year))
        workedMs = 0
        const { seconds, peakMb: cliMb } = await readIn(path, env)
        const name = `roster of ${size} children, ${what}`
        const small = cost.get(what)
        cost.set(what, workedMs / size)
        yield { name, value: seconds, unit: 's', ...(small !== undefined && { goal: { atMost: MINUTES_MAX * 60 } }) }
        yield { name: `${name}: rows`, value: size / seconds, unit: '/s' }
        yield {
          name: `${name}: what a row costs the worker`,
          value: workedMs / size,
          unit: 'ms',
          ...(small !== undefined && { ratio: workedMs / size / small, goal: { atMost: COST_RATIO_MAX } }),
        }
        yield { name: `${name}: command line's peak`, value: cliMb, unit: 'MB' }
        yield { name: `${name}: worker's peak so far`, value: peakMb(descendants(worker.process.pid ?? 0)), unit: 'MB' }
      }
    } finally {
      await worker.stop()
    }
  }
}
