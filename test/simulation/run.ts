import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, type Running, startNode } from '../local/processes.ts'
import { build, secretsIn } from '../local/worker.ts'
import type { FaultName } from './faults.ts'
import type { Order, Outcome } from './seed.ts'

/** What came of an order, and what it cost in CPU time of the player and of its worker. */
export type Played = { outcome: Outcome; cpuMs: number; workerCpuMs: number }

/** Processes that play seeds, each with a worker of its own. */
export type Cores = {
  /** Plays the orders in turn, on whichever core is free, and hands out each as it ends. */
  play(orders: Iterable<Order>, heard: (played: Played) => void): Promise<void>
  stop(): Promise<void>
}

/** Memory, where there is such a file system: a database that nobody keeps need not wait for a disk. */
const fast = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** Builds the worker, and starts it so many times over. `bundle` is what was built already; `fault` is the tills'. */
export async function cores(
  count: number,
  { bundle, fault }: { bundle?: string | undefined; fault?: FaultName | undefined } = {},
): Promise<Cores> {
  const folder = await mkdtemp(join(fast, 'klubkort-simulation-'))
  const started: { worker: Running; player: ChildProcess }[] = []
  const stop = async () => {
    for (const { player } of started) player.kill('SIGKILL')
    await Promise.all(started.map(({ worker }) => worker.stop()))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const script = bundle ?? (await build(folder, 'test/simulation/worker.mjs'))
    const secrets = { ...(await secretsIn(folder)), HOME_MUNICIPALITY: '4000', PORTAL_ADDRESS: 'http://localhost' }
    await Promise.all(
      Array.from({ length: count }, async (_, core) => {
        const serve = [join(ROOT, 'test/simulation/serve.mjs'), script, join(folder, `d1-${core}`)]
        const worker = startNode([...serve, join(ROOT, 'wrangler.toml')], {
          stdio: ['pipe', 'pipe', 'pipe'], // It goes when this end of its input closes.
          env: { ...process.env, WORKER_SECRETS: JSON.stringify(secrets) },
        })
        const [, port = ''] = await worker.says(/^Ready on (\d+)$/m, 60_000)
        const told = [port, secrets.SETUP_KEY, ...(fault ? [fault] : [])]
        const planting = fault ? ['--import', pathToFileURL(join(ROOT, 'test/simulation/planting.ts')).href] : []
        const player = fork(join(ROOT, 'test/simulation/core.ts'), told, {
          execArgv: ['--no-warnings', ...planting],
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        })
        started.push({ worker, player })
        await message(player)
      }),
    )
  } catch (error) {
    await stop()
    throw error
  }

  return {
    async play(orders, heard) {
      const waiting = orders[Symbol.iterator]()
      await Promise.all(
        started.map(async ({ worker, player }) => {
          for (let next = waiting.next(); !next.done; next = waiting.next()) {
            const before = await cpuOf(worker)
            player.send(next.value)
            const told = (await message(player)) as
              | { kind: 'outcome'; outcome: Outcome; cpuMs: number }
              | { kind: 'crashed'; order: Order; error: string }
            if (told.kind === 'crashed') {
              const { scenario, seed } = told.order
              throw new Error(`seed ${seed} of ${scenario} cannot be played: ${told.error}`)
            }
            const { outcome, cpuMs } = told
            heard({ outcome, cpuMs, workerCpuMs: (await cpuOf(worker)) - before })
          }
        }),
      )
    },
    stop,
  }
}

/** The next thing a player says; rejects if it ends instead. */
async function message(player: ChildProcess): Promise<unknown> {
  const gone = new AbortController()
  const ended = once(player, 'exit', { signal: gone.signal }).then(([code]) => {
    throw new Error(`a player of the simulation ended with ${code}`)
  })
  try {
    const [told] = (await Promise.race([once(player, 'message', { signal: gone.signal }), ended])) as [unknown]
    return told
  } finally {
    gone.abort()
    ended.catch(() => undefined)
  }
}

const TICK_MS = 10

/** The CPU time of a worker and of what it started, in ms, where the system tells (Linux); else 0. */
async function cpuOf({ process: { pid } }: Running): Promise<number> {
  let sum = 0
  for (const each of [pid, ...(await childrenOf(pid))]) {
    const stat = await readFile(`/proc/${each}/stat`, 'utf8').catch(() => '')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    sum += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS
  }
  return sum
}

const childrenOf = async (pid: number | undefined): Promise<number[]> =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter(Boolean).map(Number)
