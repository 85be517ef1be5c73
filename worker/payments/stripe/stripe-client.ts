import Stripe from 'stripe'
import type { Refused, StripeAccount, Unavailable } from './stripe.ts'

/** How long one call may take; the SDK tries once more, with the same idempotency key. */
const TIMEOUT_MS = 10_000
const RETRIES_MAX = 1

export function clientOf({ secretKey, address, patienceMs }: StripeAccount): Stripe {
  const at = address === null ? null : new URL(address)
  const outOfPatience = patienceMs === null ? null : AbortSignal.timeout(patienceMs)
  return new Stripe(secretKey, {
    apiVersion: Stripe.API_VERSION,
    httpClient: Stripe.createFetchHttpClient((input: string | URL | Request, init?: RequestInit) => {
      const signals = [init?.signal, outOfPatience].filter((signal) => signal instanceof AbortSignal)
      return fetch(input, { ...init, signal: AbortSignal.any(signals) })
    }),
    maxNetworkRetries: RETRIES_MAX,
    timeout: TIMEOUT_MS,
    telemetry: false,
    ...(at && {
      host: at.hostname,
      port: at.port || (at.protocol === 'https:' ? '443' : '80'),
      protocol: at.protocol === 'https:' ? 'https' : 'http',
    }),
  })
}

/** Runs calls to Stripe; what Stripe refuses, and that it does not answer, become values. */
export async function asked<T>(account: StripeAccount, calls: (stripe: Stripe) => Promise<T>) {
  try {
    return await calls(clientOf(account))
  } catch (error) {
    return troubleOf(error)
  }
}

/** What Stripe refuses, or that it does not answer, as a value; whatever else was thrown is thrown again. */
export function troubleOf(error: unknown): Refused | Unavailable {
  if (!(error instanceof Stripe.errors.StripeError)) throw error
  const { type, statusCode, code, rawType, requestId } = error
  const understood = statusCode !== undefined && statusCode >= 400 && statusCode < 500
  // 401 and 403 speak of our key, 409 of a call under way with the same key, and 429 of haste: nothing is said of the object.
  if (understood && ![401, 403, 409, 429].includes(statusCode) && code !== 'rate_limit') {
    return { kind: 'refused', code: code ?? rawType ?? 'unknown' }
  }
  const words = [type, statusCode, code, requestId].filter((word) => word !== undefined)
  return { kind: 'unavailable', reason: words.join(' ') }
}
