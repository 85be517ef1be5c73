import { Agent, request } from 'node:http'

/** One of the database's calls within a request fails, before or after the change is made. */
export type DatabaseFault = { call: number; when: 'before' | 'after' }

/** How a request finds the worker: at what time, with which trouble, and whether what it had in memory is gone. */
export type Circumstance = { now: number; fault?: DatabaseFault | null; restarted?: boolean }

export type Answer = { status: number; headers: Headers; text: string }

/** The real worker in workerd, one call at a time. */
export type WorkerProcess = {
  call(
    circumstance: Circumstance,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<Answer>
  /** Runs statements in one batch, past the worker; resolves to the rows of each. */
  query(statements: { sql: string; bind?: unknown[] }[]): Promise<Record<string, unknown>[][]>
  calls(): number
  /** How long they took in all, in real milliseconds. */
  busyMs(): number
}

export const HOST = '4000.localhost'
const PATIENCE_MS = 20_000

export function workerAt(port: number, setupKey: string): WorkerProcess {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let calls = 0
  let busyMs = 0
  const exchange = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, agent, method, path, headers: { ...headers, host: HOST }, timeout: PATIENCE_MS },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8')
          answer.on('data', (chunk: string) => {
            text += chunk
          })
          answer.on('error', reject)
          answer.on('end', () => {
            const told = Object.entries(answer.headers).flatMap(([name, value]) =>
              value === undefined ? [] : [[name, String(value)] as [string, string]],
            )
            resolve({ status: answer.statusCode ?? 0, headers: new Headers(told), text })
          })
        },
      )
      sent.on('error', reject)
      sent.on('timeout', () => sent.destroy(new Error(`the worker took more than ${PATIENCE_MS / 1000} s`)))
      sent.end(body)
    })
  return {
    async call(circumstance, method, path, headers, body) {
      calls += 1
      const from = performance.now()
      const told = { ...headers, 'x-simulation': JSON.stringify(circumstance) }
      return exchange(method, path, told, body).finally(() => {
        busyMs += performance.now() - from
      })
    },
    async query(statements) {
      const headers = { authorization: `Bearer ${setupKey}`, 'content-type': 'application/json' }
      const { status, text } = await exchange('POST', '/simulation/query', headers, JSON.stringify(statements))
      if (status !== 200) throw new Error(`the database answered ${status}: ${text}`)
      return JSON.parse(text)
    },
    calls: () => calls,
    busyMs: () => busyMs,
  }
}
