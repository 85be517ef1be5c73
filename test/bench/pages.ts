import { gunzipSync } from 'node:zlib'
import { Client } from 'undici'
import type { Club } from './club.ts'
import { type Figure, median } from './figures.ts'
import { gun, type Shot, takeTurns } from './load.ts'

const TURNS = 7
const EACH = 40
const ROUND_TRIPS_MAX = 2
const FIRST_VISIT_MAX_KB = 60
const MOVEMENTS = 100

/** What a browser was sent: how many bytes came over the wire, as they were compressed, and the text itself. */
type Sent = { bytes: number; text: string; roundTrips: number }

/**
 * Each page of the portal for a guardian of one account with a hundred movements: its round trips to the database, what
 * a first visit transfers (with its style sheets and pictures, fonts aside), and its time against a bare page of Hono.
 */
export async function* pages(club: Club): AsyncGenerator<Figure> {
  const counter = await club.counter()
  const purse = await club.purse()
  const { account } = purse
  const guns = gun(club.port, club.host, 1)
  await guns.fire([
    await counter.sell(
      Array.from({ length: MOVEMENTS }, () => purse),
      MOVEMENTS,
    ),
  ])
  const client = new Client(`http://127.0.0.1:${club.port}`)
  const entered = await client.request({
    path: `/bench/guardian/${account}`,
    method: 'POST',
    headers: { host: club.host },
  })
  const { cookie } = (await entered.body.json()) as { cookie: string }

  async function get(path: string, headers: Record<string, string> = {}): Promise<Sent> {
    const answer = await client.request({
      path,
      method: 'GET',
      headers: { host: club.host, cookie, 'accept-encoding': 'gzip', ...headers },
    })
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${await answer.body.text()}`)
    const body = Buffer.from(await answer.body.arrayBuffer())
    const text = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(body).toString() : body.toString()
    return { bytes: body.length, text, roundTrips: Number(answer.headers['bench-round-trips']) }
  }

  for (const [name, path, headers] of [
    ['log-in', '/log-ind', { cookie: '' }],
    ['Konti', '/konti'],
    ['Kontoudtog', `/konto/${account}/kontoudtog`],
    ['Brugerinfo', `/konto/${account}/brugerinfo`],
    ['Support', '/support'],
    ['Handelsbetingelser', '/handelsbetingelser'],
    ['Tilgængelighed', '/was'],
    ['Privatliv', '/privatliv'],
  ] as const) {
    const page = await get(path, { ...headers, 'bench-count': '1' })
    yield {
      name: `${name}: round trips to D1`,
      value: page.roundTrips,
      unit: '',
      goal: { atMost: ROUND_TRIPS_MAX },
    }
    const linked = [...page.text.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)].map(([, file]) => file ?? '')
    let bytes = page.bytes
    for (const file of new Set(linked)) bytes += (await get(file)).bytes
    yield { name: `${name}: first visit`, value: bytes / 1000, unit: 'kB', goal: { atMost: FIRST_VISIT_MAX_KB } }

    const bare: Shot[] = Array.from({ length: EACH }, () => ({ path: '/bench/page' }))
    const whole: Shot[] = Array.from({ length: EACH }, () => ({
      path,
      headers: { cookie, 'bench-quiet': '1', ...headers },
    }))
    const turns = await takeTurns(
      TURNS,
      () => guns.fire([bare]),
      () => guns.fire([whole]),
    )
    const took = (load: number) => median(turns.map((rounds) => median(rounds[load]?.latenciesMs ?? [])))
    const ratio = median(
      turns.map((rounds) => median(rounds[1]?.latenciesMs ?? []) / median(rounds[0]?.latenciesMs ?? [])),
    )
    yield { name: `${name}: time against a bare page (${took(0).toFixed(1)} ms)`, value: took(1), unit: 'ms', ratio }
  }
  await client.close()
  await guns.close()
}
