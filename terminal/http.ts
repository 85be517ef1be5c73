import { lookup } from 'node:dns'
import { Agent, fetch } from 'undici'
import type { z } from 'zod'
import { ErrorBody, type ErrorCode } from '../shared/errors.ts'

/** What came of a call: an answer of the expected form, a refusal in the documented form, or nothing of either. */
export type Result<T> =
  | { kind: 'answer'; value: T }
  | { kind: 'refused'; status: number; code: ErrorCode; message: string; workerTimeMs: number | null }
  | { kind: 'unreachable'; cause: string }

/** `body` is sent as JSON. `timeoutMs` is for the whole exchange. */
export type Call<T> = {
  url: string
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: unknown
  schema: z.ZodType<T>
  timeoutMs: number
}

/** Names below localhost are loopback too (RFC 6761 section 6.3), which glibc's resolver does not know. */
const dispatcher = new Agent({
  connect: {
    lookup: (hostname, options, found) =>
      lookup(hostname.endsWith('.localhost') ? 'localhost' : hostname, options, found),
  },
})

/**
 * One HTTP exchange with the worker, without retries. Whatever does not come from the worker in a form of its own (a
 * proxy's page, a cut connection, a server error) is `unreachable`, since nothing is known of what became of it.
 */
export async function call<T>({ url, method, headers, body, schema, timeoutMs }: Call<T>): Promise<Result<T>> {
  try {
    const response = await fetch(url, {
      method,
      dispatcher,
      redirect: 'error',
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const json = await response.json()
    if (response.ok) {
      const value = schema.safeParse(json)
      return value.success
        ? { kind: 'answer', value: value.data }
        : { kind: 'unreachable', cause: `an answer that is not of the documented form (HTTP ${response.status})` }
    }
    const refusal = ErrorBody.safeParse(json)
    if (!refusal.success)
      return { kind: 'unreachable', cause: `HTTP ${response.status} from something that is not Klubkort` }
    const date = Date.parse(response.headers.get('date') ?? '')
    const workerTimeMs = Number.isNaN(date) ? null : date
    return { kind: 'refused', status: response.status, ...refusal.data.error, workerTimeMs }
  } catch (error) {
    return { kind: 'unreachable', cause: causeOf(error) }
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}
