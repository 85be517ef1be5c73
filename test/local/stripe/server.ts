import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request as requestOf, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { createStandIn, type StandIn } from './stand-in.ts'
import { emptyState, type State } from './state.ts'

/** Stripe's stand-in on a port of this machine; it can be switched off and on again, as if Stripe were down. */
export type LocalStripe = StandIn & {
  address: string
  secretKey: string
  webhookSecret: string
  start(): Promise<void>
  stop(): Promise<void>
}

type Kept = { secretKey: string; webhookSecret: string; state: State }

/** Its secrets, and what has been paid, made at the first start and kept in its folder. */
async function keptIn(path: string | null): Promise<Kept> {
  try {
    if (path === null) return begun()
    const kept: Kept = JSON.parse(await readFile(path, 'utf8'))
    return { ...kept, state: { ...emptyState(), ...kept.state } }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return begun()
  }
}

const begun = (): Kept => ({
  secretKey: `sk_test_${randomBytes(18).toString('hex')}`,
  webhookSecret: `whsec_${randomBytes(18).toString('hex')}`,
  state: emptyState(),
})

/** Writes the newest of what is to be kept, one write at a time and not more often than the pause. */
function keeper(path: string, text: () => string, pauseMs: number) {
  let timer: ReturnType<typeof setTimeout> | null = null
  let writing = Promise.resolve()
  async function write(): Promise<void> {
    await writeFile(`${path}.new`, text(), { mode: 0o600 })
    await rename(`${path}.new`, path) // So that a process that is killed leaves a whole file.
  }
  const flush = () => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    writing = writing.then(write)
    return writing
  }
  const changed = () => {
    if (timer === null) timer = setTimeout(flush, pauseMs)
  }
  return { changed, flush }
}

const WEBHOOK_TIMEOUT_MS = 20_000

/** Node resolves no name under localhost: the connection goes to the loopback, and the name into the Host header. */
async function sendLocally(request: Request): Promise<Response> {
  const { hostname, host, port, pathname } = new URL(request.url)
  const local = hostname === 'localhost' || hostname.endsWith('.localhost')
  const outgoing = requestOf({
    host: local ? '127.0.0.1' : hostname,
    port,
    path: pathname,
    method: request.method,
    headers: { ...Object.fromEntries(request.headers), host },
    signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
  })
  outgoing.end(await request.text())
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return new Response(await textOf(answer), { status: answer.statusCode ?? 500 })
}

async function textOf(message: IncomingMessage): Promise<string> {
  let text = ''
  message.setEncoding('utf8')
  for await (const chunk of message) text += chunk
  return text
}

async function answer(standIn: StandIn, address: string, incoming: IncomingMessage, outgoing: ServerResponse) {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  const body = await textOf(incoming)
  const headers = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)])
  const response = await standIn.fetch(
    new Request(new URL(incoming.url ?? '/', address), {
      method: incoming.method ?? 'GET',
      headers,
      signal: gone.signal,
      ...(body !== '' && { body }),
    }),
  )
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(await response.text())
}

/**
 * Starts the stand-in, its state in `folder` if there is one. `endpoints` are the addresses that webhooks go to; like
 * one account's endpoints here they share a secret.
 */
export async function startStripe(port: number, endpoints: string[], folder?: string): Promise<LocalStripe> {
  const path = folder === undefined ? null : join(folder, 'stripe.json')
  if (folder !== undefined) await mkdir(folder, { recursive: true, mode: 0o700 })
  const kept = await keptIn(path)
  const keeping = path === null ? null : keeper(path, () => JSON.stringify(kept), 500)
  await keeping?.flush()
  const address = `http://127.0.0.1:${port}`
  const standIn = createStandIn({
    secretKey: kept.secretKey,
    address,
    endpoints: endpoints.map((url) => ({ url, secret: kept.webhookSecret })),
    send: sendLocally,
    state: kept.state,
    ...(keeping && { onChange: keeping.changed }),
  })
  let server: Server | null = null
  const local: LocalStripe = {
    ...standIn,
    address,
    secretKey: kept.secretKey,
    webhookSecret: kept.webhookSecret,
    async start() {
      if (server) return
      standIn.webhooks.start()
      server = createServer((incoming, outgoing) => {
        // Where the stand-in breaks the connection, so does this.
        answer(standIn, address, incoming, outgoing).catch(() => outgoing.destroy())
      }).listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      const ending = server
      server = null
      await standIn.webhooks.stop()
      await keeping?.flush()
      if (!ending) return
      const closed = once(ending, 'close')
      ending.close()
      ending.closeAllConnections()
      await closed
    },
  }
  await local.start()
  return local
}
