import type { Wire } from '../../terminal/http.ts'
import type { Random } from './random.ts'
import type { DatabaseFault, WorkerProcess } from './worker-call.ts'
import type { World } from './world.ts'

/** How likely each mishap is, for each call, from 0 to 1. */
export type Weather = {
  /** The call never arrives. */
  lost: number
  /** The call arrives, and its answer does not. */
  answerLost: number
  /** The same bytes arrive again within seconds. */
  twice: number
  /** The same bytes arrive again after minutes. */
  late: number
  /** The call or its answer takes seconds, or longer than the terminal waits for it. */
  slow: number
}

export const FAIR: Weather = { lost: 0, answerLost: 0, twice: 0, late: 0, slow: 0 }

/** The worker as the network finds it. */
export type Host = {
  /** Nobody answers while it is false. */
  up: boolean
  /** Its memory is gone at the next call. */
  restarted: boolean
  /** What the database does in the next calls; null where it works. */
  trouble: () => { fault: DatabaseFault | null; stallMs: number; commits: 'early' | 'late' } | null
}

/** One terminal's way to the worker. */
export type Cable = {
  weather: Weather
  plugged: boolean
  wire: Wire
}

export type Heard = {
  /** A terminal's call leaves it. */
  sent: (from: string, path: string, body: string | undefined) => void
  /** An answer has arrived where the call came from. */
  arrived: (from: string, path: string, status: number, text: string) => void
  /** The worker has answered a call, whether or not the answer arrives. */
  answered: (from: string, path: string, status: number, text: string) => void
  tell: (text: string) => void
}

export type Network = {
  cable(from: string): Cable
  host: Host
  /** How many calls have not arrived yet, and how many repetitions. */
  underWay(): { calls: number; repetitions: number }
}

/** Some arrive only when the terminal has given them up, and sent them again with what came after. */
const SLOW_MS = [9_000, 9_000, 45_000] as const
const LATE_MS = [60_000, 180_000] as const
const DATABASE_STALL_MS = 60_000

export function network(world: World, worker: WorkerProcess, random: Random, heard: Heard): Network {
  const host: Host = { up: true, restarted: false, trouble: () => null }
  let underWay = 0
  let repetitions = 0

  async function arrive(from: string, method: string, url: URL, headers: Record<string, string>, body?: string) {
    const trouble = host.trouble()
    const now = world.now()
    if (trouble?.stallMs && trouble.commits === 'late') await world.sleep(trouble.stallMs)
    const restarted = host.restarted
    host.restarted = false
    const circumstance = { now, fault: trouble?.fault ?? null, restarted }
    const answer = await world.real(() =>
      worker.call(circumstance, method, `${url.pathname}${url.search}`, headers, body),
    )
    const failure = answer.headers.get('x-simulation-failure')
    if (failure) heard.tell(`${from}: the worker fails: ${decodeURIComponent(failure)}`)
    heard.answered(from, url.pathname, answer.status, answer.text)
    if (trouble?.stallMs && trouble.commits === 'early') await world.sleep(trouble.stallMs)
    return answer
  }

  return {
    host,
    underWay: () => ({ calls: underWay, repetitions }),
    cable(from) {
      const latency = () => random.between(4, 60)
      const cable: Cable = {
        weather: FAIR,
        plugged: true,
        wire: {
          deadline(ms) {
            const ended = new AbortController()
            world.after(ms, () => ended.abort(new DOMException('too late', 'TimeoutError')))
            return ended.signal
          },
          fetch: (async (address: string, init: RequestInit) => {
            const { weather } = cable
            const url = new URL(address)
            const method = init.method ?? 'GET'
            const headers = init.headers as Record<string, string>
            const body = typeof init.body === 'string' ? init.body : undefined
            const what = `${method === 'POST' ? 'messages' : url.pathname.split('/')[3]}`
            heard.sent(from, url.pathname, body)
            // All draws are made at once, so that what one call meets does not hang on another.
            const fate = {
              lost: random.chance(weather.lost),
              refusedAtOnce: random.chance(0.3),
              answerLost: random.chance(weather.answerLost),
              twice: random.chance(weather.twice),
              late: random.chance(weather.late),
              there: latency() + (random.chance(weather.slow) ? random.between(300, random.pick(SLOW_MS)) : 0),
              back: latency() + (random.chance(weather.slow) ? random.between(300, random.pick(SLOW_MS)) : 0),
              again: random.between(10, 8_000),
              muchLater: random.between(...LATE_MS),
            }
            const repeat = (afterMs: number) => {
              repetitions += 1
              world.after(afterMs, async () => {
                if (host.up) {
                  heard.tell(`${from}: the same ${what} arrives again after ${Math.round(afterMs / 1000)} s`)
                  await arrive(from, method, url, headers, body)
                }
                repetitions -= 1
              })
            }
            return new Promise((resolve, reject) => {
              const signal = init.signal
              if (signal?.aborted) return reject(signal.reason)
              signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
              const cut = () => reject(new Error('the connection was cut'))
              if (!cable.plugged || fate.lost) {
                if (cable.plugged) heard.tell(`${from}: a call (${what}) is lost on its way`)
                if (fate.refusedAtOnce) world.after(fate.there, cut)
                return
              }
              if (fate.twice) repeat(fate.there + fate.again)
              if (fate.late) repeat(fate.there + fate.muchLater)
              underWay += 1
              world.after(fate.there, async () => {
                try {
                  if (!host.up) return cut()
                  const answer = await arrive(from, method, url, headers, body)
                  if (fate.answerLost || !cable.plugged) {
                    heard.tell(`${from}: the answer (${what}, ${answer.status}) is lost on its way`)
                    return
                  }
                  if (!host.up) return cut()
                  world.after(fate.back, () => {
                    if (!cable.plugged) return
                    heard.arrived(from, url.pathname, answer.status, answer.text)
                    resolve({
                      ok: answer.status >= 200 && answer.status < 300,
                      status: answer.status,
                      headers: answer.headers,
                      text: async () => answer.text,
                    })
                  })
                } finally {
                  underWay -= 1
                }
              })
            })
          }) as unknown as Wire['fetch'],
        },
      }
      return cable
    },
  }
}

/** A database whose calls fail now and then, each at any of its steps. */
export function faultyDatabase(random: Random, probability: number): Host['trouble'] {
  return () => {
    if (!random.chance(probability)) return null
    const stalls = random.chance(0.2)
    return {
      fault:
        stalls && random.chance(0.5) ? null : { call: random.between(1, 3), when: random.pick(['before', 'after']) },
      stallMs: stalls ? DATABASE_STALL_MS : 0,
      commits: random.pick(['early', 'late']),
    }
  }
}
