import { setTimeout } from 'node:timers/promises'
import { randomOf } from '../simulation/random.ts'
import type { Club, Counter, Purse } from './club.ts'
import { type Figure, median, percentile } from './figures.ts'
import { gun, rates, takeTurns } from './load.ts'

const TILLS = 16
/** How many debits each till sends as fast as it can, to find what the worker can do. */
const FULL = 20
const FULL_TURNS = 3
const SHARE = 0.8
const STEADY_S = 20
const SEED = 1

/**
 * Debits that come as customers do, at random and whether or not the ones before are answered, at four fifths of what
 * the worker can do. Each is timed from when it came, so that waiting in a till's queue counts too.
 */
export async function* steadyLoad(club: Club): AsyncGenerator<Figure> {
  const tills: { counter: Counter; purse: Purse }[] = []
  for (let till = 0; till < TILLS; till++) tills.push({ counter: await club.counter(), purse: await club.purse() })
  const debits = (each: number) =>
    Promise.all(tills.map(({ counter, purse }) => counter.sell(Array.from({ length: each }, () => purse))))
  const guns = gun(club.port, club.host, TILLS)
  const full = await debits(FULL * (FULL_TURNS + 1))
  const turns = await takeTurns(FULL_TURNS, () => guns.fire(full.map((chain) => chain.splice(0, FULL))))
  const perSecond = SHARE * median(rates(turns, 0))

  const random = randomOf(SEED, 'customers')
  const arrivals: { atMs: number; till: number }[] = []
  for (let atMs = 0; atMs < STEADY_S * 1_000; atMs += (-Math.log(1 - random.next()) * 1_000) / perSecond) {
    arrivals.push({ atMs, till: random.between(0, TILLS - 1) })
  }
  const most = Math.max(...tills.map((_, till) => arrivals.filter((arrival) => arrival.till === till).length))
  const chains = await debits(most)
  const busy: Promise<void>[] = tills.map(() => Promise.resolve())
  const latenciesMs: number[] = []
  let errors = 0
  const startedAt = performance.now()
  for (const { atMs, till } of arrivals) {
    await setTimeout(Math.max(0, startedAt + atMs - performance.now()))
    const shot = chains[till]?.shift()
    if (!shot) throw new RangeError('more customers than debits')
    busy[till] = (busy[till] ?? Promise.resolve())
      .then(() => guns.send(till, shot))
      .then(
        () => void latenciesMs.push(performance.now() - startedAt - atMs),
        () => {
          errors += 1
        },
      )
  }
  await Promise.all(busy)
  await guns.close()
  const over = `${TILLS} tills, ${Math.round(perSecond)} debits/s`
  yield { name: `load at 80 %, ${over}: p50`, value: percentile(latenciesMs, 50), unit: 'ms' }
  yield {
    name: `load at 80 %, ${over}: p99, against p50`,
    value: percentile(latenciesMs, 99),
    unit: 'ms',
    ratio: percentile(latenciesMs, 99) / percentile(latenciesMs, 50),
  }
  yield { name: `load at 80 %, ${over}: errors`, value: errors, unit: `of ${arrivals.length}`, goal: { atMost: 0 } }
}
