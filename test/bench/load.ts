import { Client } from 'undici'

/** A request made ready before the clock runs: where to, and its body; without one it is a GET. */
export type Shot = { path: string; body?: string; headers?: Record<string, string> }

/** What a round of shots took: in all, and each by itself, in milliseconds. */
export type Round = { shots: number; tookMs: number; latenciesMs: number[] }

/** So many connections to the worker, kept alive, each with one request in flight at a time. */
export type Gun = ReturnType<typeof gun>

export function gun(port: number, host: string, connections: number) {
  const clients = Array.from({ length: connections }, () => new Client(`http://127.0.0.1:${port}`, { pipelining: 1 }))

  /** Sends one after the other and waits for each answer to its end; anything but an approval stops the measurement. */
  async function send(client: Client, shots: readonly Shot[]): Promise<number[]> {
    const latenciesMs: number[] = []
    for (const { path, body, headers: more } of shots) {
      const startedAt = performance.now()
      const headers = { host, 'content-type': 'application/json', ...more }
      const answer = await client.request({
        path,
        headers,
        ...(body === undefined ? { method: 'GET' } : { method: 'POST', body }),
      })
      const text = await answer.body.text()
      latenciesMs.push(performance.now() - startedAt)
      if (answer.statusCode !== 200 || text.includes('"declined"')) throw new Error(`${path}: ${text}`)
    }
    return latenciesMs
  }

  return {
    /** Sends one request over one connection. */
    async send(connection: number, shot: Shot): Promise<void> {
      const client = clients[connection]
      if (!client) throw new RangeError('no such connection')
      await send(client, [shot])
    },

    /** Fires a list of shots on every connection at once; the first list goes to the first connection. */
    async fire(lists: readonly (readonly Shot[])[]): Promise<Round> {
      const startedAt = performance.now()
      const latencies = await Promise.all(
        lists.map((shots, index) => {
          const client = clients[index]
          if (!client) throw new RangeError('more lists than connections')
          return send(client, shots)
        }),
      )
      const tookMs = performance.now() - startedAt
      const latenciesMs = latencies.flat()
      return { shots: latenciesMs.length, tookMs, latenciesMs }
    },
    close: () => Promise.all(clients.map((client) => client.close())),
  }
}

/**
 * Lets loads take turns, A B C, C B A, A B C …, so that whatever else the machine does falls on all of them; the first
 * turn warms up and is thrown away. Each turn comes back as the rounds of its loads, in the order given.
 */
export async function takeTurns(
  turns: number,
  ...loads: ((turn: number) => Promise<Round>)[]
): Promise<(readonly Round[])[]> {
  const rounds: Round[][] = []
  for (let turn = 0; turn <= turns; turn++) {
    const order = loads.map((_, index) => (turn % 2 === 0 ? index : loads.length - 1 - index))
    const taken: Round[] = []
    for (const index of order) {
      const round = await loads[index]?.(turn)
      if (round) taken[index] = round
    }
    rounds.push(taken)
  }
  return rounds.slice(1)
}

/** The rates of one load, turn by turn. */
export const rates = (turns: readonly (readonly Round[])[], load: number): number[] =>
  turns.map((rounds) => {
    const round = rounds[load]
    if (!round) throw new RangeError('no such load')
    return (round.shots * 1000) / round.tookMs
  })

/** The rates of one load as shares of another's in the same turn. */
export const shares = (turns: readonly (readonly Round[])[], load: number, of: number): number[] => {
  const others = rates(turns, of)
  return rates(turns, load).map((rate, turn) => rate / (others[turn] ?? Number.NaN))
}
