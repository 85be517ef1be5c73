import { type LookupAddress, lookup as lookUp } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent, fetch } from 'undici'
import type { z } from 'zod'
import { ErrorBody, type ErrorCode } from '../shared/errors.ts'

/**
 * What came of a call: an answer of the expected form, a refusal in the documented form, or nothing of either.
 * `workerTimeMs` is the `Date` header's time, in whole seconds; null where there is none.
 */
export type Result<T> =
  | { kind: 'answer'; value: T }
  | { kind: 'refused'; status: number; code: ErrorCode; message: string; workerTimeMs: number | null }
  | { kind: 'unreachable'; cause: string }

/**
 * `body` is sent as JSON. A `large` answer may be of many megabytes. `timeoutMs` is for the whole exchange, and `signal`
 * gives it up earlier. `hear` gets the headers of whatever answered.
 */
export type Call<T> = {
  url: string
  method: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: unknown
  schema: z.ZodType<T>
  large?: boolean
  timeoutMs: number
  signal?: AbortSignal
  hear?: (headers: { get(name: string): string | null }) => void
}

/** A page of a sync is some 50 kB; whatever is far beyond that is not from the worker. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
/** Some kilobytes for each of a large municipality's children. */
const LARGE_ANSWER_BYTES_MAX = 64 * 1024 * 1024

const LOOPBACK: LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/**
 * Resolves names like `dns.lookup`, but `localhost` and every name below it to loopback without asking anyone
 * (RFC 6761 section 6.3): glibc's resolver does not know names below localhost.
 */
export const lookup: LookupFunction = (hostname, options, found) => {
  if (!/(^|\.)localhost\.?$/i.test(hostname)) return lookUp(hostname, options, found)
  const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : options.family || null
  const addresses = LOOPBACK.filter((loopback) => family === null || loopback.family === family)
  if (options.all) return found(null, addresses)
  const [first] = addresses
  return first ? found(null, first.address, first.family) : found(new Error(`no address of family ${family}`), '', 0)
}

/** How long one of several addresses is tried before the next: Node's quarter of a second is short for a slow network. */
const ADDRESS_TRIED_MS = 1_000

/** Connections are kept for the next tap, so that it does not wait for TLS; idle ones keep no process alive. */
const agent = (maxResponseSize: number) =>
  new Agent({
    connect: { lookup, autoSelectFamilyAttemptTimeout: ADDRESS_TRIED_MS },
    keepAliveTimeout: 30_000,
    maxResponseSize,
  })
const dispatcher = agent(ANSWER_BYTES_MAX)

/** What carries a call: fetch, and what ends it after so many milliseconds. */
export type Wire = { fetch: typeof fetch; deadline: (ms: number) => AbortSignal }

const INTERNET: Wire = { fetch, deadline: (ms) => AbortSignal.timeout(ms) }

/**
 * One HTTP exchange with the worker, without retries. Whatever does not come from the worker in a form of its own (a
 * proxy's page, a redirect, a cut connection, a bare server error) is `unreachable` with its cause in words, since
 * nothing is known of what became of the call. Redirects are not followed: they would carry the token elsewhere.
 */
export async function call<T>(wanted: Call<T>, wire: Wire = INTERNET): Promise<Result<T>> {
  const { url, method, headers, body, schema, large, timeoutMs, signal, hear } = wanted
  const timeout = wire.deadline(timeoutMs)
  try {
    const response = await wire.fetch(url, {
      method,
      dispatcher: large ? agent(LARGE_ANSWER_BYTES_MAX) : dispatcher,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    })
    hear?.(response.headers)
    const json = parsed(await response.text())
    if (response.ok) {
      const value = schema.safeParse(json)
      if (value.success) return { kind: 'answer', value: value.data }
    } else {
      const refusal = ErrorBody.safeParse(json)
      const date = Date.parse(response.headers.get('date') ?? '')
      const workerTimeMs = Number.isNaN(date) ? null : date
      if (refusal.success) return { kind: 'refused', status: response.status, ...refusal.data.error, workerTimeMs }
    }
    return { kind: 'unreachable', cause: strangeness(response.status, response.headers, json) }
  } catch (error) {
    if (signal?.aborted) return { kind: 'unreachable', cause: 'given up' }
    if (timeout.aborted) return { kind: 'unreachable', cause: `no answer within ${timeoutMs / 1000} s` }
    return { kind: 'unreachable', cause: causeOf(error) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Which no schema of ours takes for an answer.
  }
}

function strangeness(status: number, headers: { get(name: string): string | null }, json: unknown): string {
  const location = headers.get('location')
  if (status >= 300 && status < 400) return `HTTP ${status}, a redirect${location ? ` to ${location}` : ''}`
  if (json !== undefined) return `HTTP ${status} with JSON that is not of the documented form`
  const type = headers.get('content-type')?.split(';')[0]
  return `HTTP ${status} with ${type ?? 'no content type'}, which is not from the worker`
}

/** fetch says only "fetch failed"; the reason is its cause, or the first cause where several addresses were tried. */
function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  if (error.cause !== undefined) return causeOf(error.cause)
  return error.message || ('code' in error ? String(error.code) : error.name)
}
