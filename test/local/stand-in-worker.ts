import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a worker says to a call: JSON, or a string as it is; 200 unless it says otherwise. */
export type Said = { status?: number; type?: string; headers?: Record<string, string>; body: unknown }

/** A call that was heard, like 'GET /api/staff/sites?offset=0', and its JSON; null where it had no body. */
export type Heard = { call: string; authorization: string; body: unknown }

/** A refusal, as the worker words it. */
export const refusal = (code: string, message: string, status = 409): Said => ({
  status,
  body: { error: { code, message } },
})

/**
 * Stands in for the worker at the wire. Each call gets the answer that a test has written for it, in turn where there are
 * several, and the last of them ever after; every other call gets `otherwise`.
 */
export async function standInWorker(
  answers: Record<string, Said | Said[]> = {},
  otherwise = refusal('not_found', 'no such thing here', 404),
): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const call = `${request.method} ${request.url}`
    const before = heard.filter((one) => one.call === call).length
    heard.push({
      call,
      authorization: request.headers.authorization ?? '',
      body: text === '' ? null : JSON.parse(text),
    })
    const written = [answers[call] ?? otherwise].flat()
    const { status = 200, type = 'application/json', headers, body } = written[before] ?? written.at(-1) ?? otherwise
    response.writeHead(status, { 'content-type': type, ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  server.unref()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://4000.localhost:${(server.address() as AddressInfo).port}`, heard }
}
