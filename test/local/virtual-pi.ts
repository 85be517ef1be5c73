import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { kroner, type Ore } from '../../shared/money.ts'
import { palette } from '../../terminal/screen/panel.ts'
import { pictograms } from '../../terminal/screen/pictograms.ts'
import type { Place } from './system.ts'

/** Cards that are nobody's, to be handed out, or to be in a producer's list. */
const BLANKS = ['04b1a7c3d4e501', '04b1a7c3d4e502']

const PAGE = new URL('./virtual-pi.html', import.meta.url)

/**
 * The page that shows each Pi's display as the emulator decodes it, and is its user's hands; at `/post` the mailbox. On
 * loopback only.
 */
export async function servePis(places: Place[], port: number, mailPage: () => string) {
  const listeners = new Set<ServerResponse>()
  let due: NodeJS.Timeout | null = null

  const picture = () =>
    JSON.stringify(
      places.map(({ demo, pi }) => ({
        site: demo.site,
        municipality: demo.name,
        power: pi.isOn(),
        wire: pi.network.wire(),
        screen: pi.screen(),
        cards: [
          ...demo.children.map(({ name, uid, balance, blocked, dailyLimit }) => ({
            name,
            uid,
            note: blocked
              ? 'spærret'
              : dailyLimit === null
                ? `startsaldo ${kroner(balance as Ore)}`
                : `startsaldo ${kroner(balance as Ore)}, maks. ${kroner(dailyLimit as Ore)} om dagen`,
          })),
          ...BLANKS.map((uid, at) => ({ name: `Blankt kort ${at + 1}`, uid, note: `UID ${uid}` })),
        ],
      })),
    )

  function changed() {
    due ??= setTimeout(() => {
      due = null
      for (const listener of listeners) listener.write(`data: ${picture()}\n\n`)
    }, 20)
  }

  async function act(pi: Place['pi'], deed: string, value: string) {
    if (deed === 'press') pi.press(value)
    if (deed === 'tap' && /^[0-9a-f]+$/.test(value)) void pi.tap(value)
    if (deed === 'wire' && (value === 'whole' || value === 'cut')) pi.network.set(value)
    if (deed === 'power') await (value === 'on' ? pi.powerOn() : pi.pullPower())
    if (deed === 'reader') pi.reader({ order: value === 'on' ? 'plug' : 'unplug' })
    changed()
  }

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? '/', `http://localhost:${port}`)
    const [, index, deed, value] = /^\/pi\/(\d)\/(\w+)\/([\w.-]+)$/.exec(url.pathname) ?? []
    if (request.method === 'POST' && index !== undefined && deed && value) {
      const place = places[Number(index)]
      if (!place || request.headers['sec-fetch-site'] === 'cross-site') return void response.writeHead(404).end()
      await act(place.pi, deed, value)
      return void response.writeHead(204).end()
    }
    if (url.pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(`data: ${picture()}\n\n`)
      listeners.add(response)
      response.once('close', () => listeners.delete(response))
      return
    }
    if (url.pathname === '/drawing.json') {
      const drawing = JSON.stringify({ palette, pictograms })
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(drawing)
    }
    if (url.pathname === '/post') {
      return void response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(mailPage())
    }
    if (url.pathname !== '/') return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(await readFile(PAGE))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      console.error(`virtual Pi: ${String(error)}`)
      response.destroy()
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    changed,
    async close() {
      if (due) clearTimeout(due)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
