import type { Club, Counter, Purse } from './club.ts'
import { type Figure, median, percentile } from './figures.ts'
import { gun, rates, type Shot, shares, takeTurns } from './load.ts'

const TURNS = 7
const CONNECTIONS = 16
/** How many debits one turn sends over one connection, alone and beside fifteen others. */
const ALONE = 60
const TOGETHER = 20

const repeated = <T>(times: number, value: T): T[] => Array.from({ length: times }, () => value)

/** The UPDATE that stands beside a debit, on a row of the connection's own. */
const update = (row: number): Shot => ({ path: `/bench/rows/${row}`, body: '' })

/** The same request without a line in the development server's log; see worker.mjs. */
const hushed = (shot: Shot): Shot => ({ ...shot, headers: { 'bench-quiet': '1' } })

/** A debit over HTTP against one row changed over HTTP, and how long the slowest debits take; yields each when known. */
export async function* debitAgainstUpdate(club: Club): AsyncGenerator<Figure> {
  const guns = gun(club.port, club.host, CONNECTIONS)
  await guns.fire([[{ path: '/bench/rows', body: '' }]])
  const tills: { counter: Counter; purse: Purse }[] = []
  for (let till = 0; till < CONNECTIONS; till++) {
    tills.push({ counter: await club.counter(), purse: await club.purse() })
  }
  for (const [connections, each] of [
    [1, ALONE],
    [CONNECTIONS, TOGETHER],
  ] as const) {
    const selling = tills.slice(0, connections)
    const debits = 2 * each * (TURNS + 1)
    const chains = await Promise.all(selling.map(({ counter, purse }) => counter.sell(repeated(debits, purse))))
    const next = () => chains.map((chain) => chain.splice(0, each))
    const rows = chains.map((_, index) => repeated(each, update(index + 1)))
    const turns = await takeTurns(
      TURNS,
      () => guns.fire(rows),
      () => guns.fire(next()),
      () => guns.fire(next().map((shots) => shots.map(hushed))),
    )
    const over = connections === 1 ? '1 connection' : `${connections} connections`
    yield { name: `one-row UPDATE, ${over}`, value: median(rates(turns, 0)), unit: '/s' }
    yield {
      name: `debit against UPDATE, ${over}`,
      value: median(rates(turns, 1)),
      unit: '/s',
      ratio: median(shares(turns, 1, 0)),
      goal: { atLeast: 0.7 },
    }
    yield {
      name: `the same, its log line not printed, ${over}`,
      value: median(rates(turns, 2)),
      unit: '/s',
      ratio: median(shares(turns, 2, 0)),
      goal: { atLeast: 0.7 },
    }
    const latencies = turns.flatMap((rounds) => rounds[1]?.latenciesMs ?? [])
    yield {
      name: `debit p99 against p50 (${percentile(latencies, 50).toFixed(1)} ms), ${over}`,
      value: percentile(latencies, 99),
      unit: 'ms',
      ratio: percentile(latencies, 99) / percentile(latencies, 50),
    }
  }
  await guns.close()
}

/** A hundred messages in one call against a hundred calls. */
export async function* callOfHundred(club: Club): AsyncGenerator<Figure> {
  const guns = gun(club.port, club.host, 1)
  const counter = await club.counter()
  const sales = repeated(100, await club.purse())
  // One terminal's messages are one chain, so they are signed in the order in which takeTurns will send them.
  const whole: Shot[][] = []
  const single: Shot[][] = []
  for (let turn = 0; turn <= TURNS; turn++) {
    if (turn % 2 === 0) whole.push(await counter.sell(sales, 100))
    single.push(await counter.sell(sales))
    if (turn % 2 === 1) whole.push(await counter.sell(sales, 100))
  }
  const turns = await takeTurns(
    TURNS,
    (turn) => guns.fire([whole[turn] ?? []]),
    (turn) => guns.fire([single[turn] ?? []]),
  )
  yield {
    name: 'a call of 100 messages against 100 calls',
    value: median(rates(turns, 0)) * 100,
    unit: 'messages/s',
    ratio: median(shares(turns, 0, 1)) * 100,
    goal: { atLeast: 4 },
  }
  await guns.close()
}

/** A debit of a wallet with 20,000 postings against one with 100. Both have a daily limit, and all is of today. */
export async function* longAccount(club: Club): AsyncGenerator<Figure> {
  const LONG = 20_000
  const SHORT = 100
  const BLOCKS = 9
  const EACH = 60
  const guns = gun(club.port, club.host, 1)
  const counter = await club.counter()
  const long = await club.purse()
  await guns.fire([await counter.sell(repeated(LONG, long), 100)])
  const ratios: number[] = []
  const longMs: number[] = []
  for (let block = 0; block < BLOCKS; block++) {
    const short = await club.purse() // A new one a block, so that it stays short.
    await guns.fire([await counter.sell(repeated(SHORT, short), 100)])
    // A pair and its mirror image by turns, so that neither account is always the first of the two.
    const pairs = Array.from({ length: EACH }, (_, pair) => (pair % 2 === 0 ? [long, short] : [short, long])).flat()
    const { latenciesMs } = await guns.fire([await counter.sell(pairs)])
    const of = (purse: Purse) => latenciesMs.filter((_, index) => pairs[index] === purse)
    if (block === 0) continue // Warming up.
    longMs.push(...of(long))
    ratios.push(median(of(long)) / median(of(short)))
  }
  yield {
    name: `debit of an account with ${LONG} postings against ${SHORT}`,
    value: median(longMs),
    unit: 'ms',
    ratio: median(ratios),
    goal: { atMost: 1.05 },
  }
  await guns.close()
}
