import Stripe from 'stripe'
import { acquirer, type Tried } from './acquirer.ts'
import { api } from './api.ts'
import { hostedPages } from './pages.ts'
import { emptyState, found, Refusal, type State } from './state.ts'
import { type Endpoint, type Forgery, type WebhookVices, webhooks } from './webhooks.ts'

/**
 * How Stripe's API fails. `error`: 500, nothing done, and kept under the idempotency key. `busy`: 503, not kept.
 * `limited`: 429. `cut`: the connection breaks, nothing done. `lost`: it is done, and the connection breaks. `silence`:
 * never an answer, nothing done. `hang`: it is done, and never an answer. `slow`: it takes half a second.
 */
export type ApiFault = 'error' | 'busy' | 'limited' | 'cut' | 'lost' | 'silence' | 'hang' | 'slow'

export type StandInOptions = {
  secretKey: string
  /** The origin under which it is reached: its pages' addresses begin so. */
  address: string
  endpoints: Endpoint[]
  /** Sends a webhook; `fetch` where it is not set. */
  send?: (request: Request) => Promise<Response>
  /** Epoch milliseconds. */
  now?: () => number
  state?: State
  /** Called after each change, to keep the state. */
  onChange?: (state: State) => void
}

/** What a payer gives on a page: a card, good for years unless `expires` ('MM/ÅÅ') says otherwise, or MobilePay. */
export type Given = {
  card?: string
  expires?: string
  /** Pays with MobilePay. */
  mobilepay?: boolean
  /** Whether the payer approves what must be approved; they do, unless it is false. */
  approves?: boolean
  /** The payment has another amount or currency than the page asked for. */
  amount?: number
  currency?: string
}

export type StandIn = ReturnType<typeof createStandIn>

/** One call of the API; `path` is what follows '/v1/'. */
type ApiCall = { method: string; path: string; query: string; body: string; key: string | null }

const KEY_KEPT_MS = 86_400_000
const SLOW_MS = 500

/** The connection is over before there is an answer, as `fetch` tells it. */
class ConnectionLost extends TypeError {}

/** Stripe as the product meets it on the wire, and as a payer meets its pages. No money moves here. */
export function createStandIn(options: StandInOptions) {
  const { secretKey, address, endpoints, now = Date.now, state = emptyState() } = options
  const vices: { webhooks: WebhookVices } = { webhooks: {} }
  const faults: { kind: ApiFault; on: RegExp; times: number }[] = []
  const underWay = new Set<string>()
  const calls: string[] = []
  const hooks = webhooks(endpoints, vices.webhooks, {
    now,
    send: options.send ?? ((request) => fetch(request)),
  })

  /** Twenty-four random letters and digits, as Stripe's ids have. */
  const newId = (prefix: string) => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
    const bytes = crypto.getRandomValues(new Uint8Array(24))
    return `${prefix}_${Array.from(bytes, (byte) => letters[byte % letters.length]).join('')}`
  }

  const eventOf = (type: string, object: object) =>
    ({
      id: newId('evt'),
      object: 'event',
      api_version: Stripe.API_VERSION,
      created: Math.floor(now() / 1000),
      data: { object: structuredClone({ ...object }) },
      livemode: false,
      pending_webhooks: endpoints.length,
      request: null,
      type,
    }) as Stripe.Event // The union of all events is by type, and the type is a variable here.

  const events: Stripe.Event[] = []
  function tell(type: string, object: object): void {
    const event = eventOf(type, object)
    events.push(event)
    hooks.tell(event)
  }

  const money = acquirer(state, { now, newId, tell })
  const run = api(state, money, new URL(address).origin)
  const changed = () => options.onChange?.(state)

  function faultOf(call: string): ApiFault | null {
    const fault = faults.find(({ on, times }) => times > 0 && on.test(call))
    if (!fault) return null
    fault.times -= 1
    return fault.kind
  }

  const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
    new Response(body, {
      status,
      headers: { 'content-type': 'application/json', 'request-id': newId('req'), ...headers },
    })
  const refusal = (status: number, error: object) => answer(status, JSON.stringify({ error }, null, 2))

  /** Ends as the caller gives up, and not before. */
  const never = (request: Request) =>
    new Promise<never>((_, reject) => {
      const gaveUp = () => reject(new ConnectionLost('The call was given up.'))
      if (request.signal.aborted) gaveUp()
      request.signal.addEventListener('abort', gaveUp)
    })

  async function apiCall(request: Request, url: URL): Promise<Response> {
    const path = url.pathname.slice('/v1/'.length)
    const call = `${request.method} /v1/${path}`
    const body = new TextDecoder().decode(await request.arrayBuffer()) // workerd warns of a form that is read as text.
    calls.push(call)
    const shownKey = request.headers.get('authorization')?.replace(/^Bearer /, '') ?? ''
    if (shownKey !== secretKey) {
      return refusal(401, { type: 'invalid_request_error', message: 'Invalid API Key provided.' })
    }
    if (request.headers.get('stripe-version') !== Stripe.API_VERSION) {
      return refusal(400, { type: 'invalid_request_error', message: 'Invalid Stripe API version.' })
    }
    const fault = faultOf(call)
    if (fault === 'silence') return never(request)
    if (fault === 'cut') throw new ConnectionLost('Network connection lost.')
    if (fault === 'busy') return refusal(503, { type: 'api_error', message: 'Stripe is busy.' })
    if (fault === 'limited')
      return refusal(429, { type: 'invalid_request_error', code: 'rate_limit', message: 'Too many.' })

    const key = request.method === 'POST' ? request.headers.get('idempotency-key') : null
    const response = await once({ method: request.method, path, query: url.search.slice(1), body, key }, fault)
    if (fault === 'lost') throw new ConnectionLost('Network connection lost.')
    return fault === 'hang' ? await never(request) : response
  }

  /** Does what was not done yet under its idempotency key, and answers as the first time where it was. */
  async function once(call: ApiCall, fault: ApiFault | null): Promise<Response> {
    const fingerprint = `${call.method} ${call.path}\n${call.body}`
    const { key } = call
    if (key !== null && underWay.has(key)) {
      return refusal(409, {
        type: 'idempotency_error',
        code: 'idempotency_key_in_use',
        message: 'There is currently another in-progress request using this Idempotent Key.',
      })
    }
    const kept = key === null ? undefined : state.answers[key]
    if (kept && now() - kept.at < KEY_KEPT_MS) {
      if (kept.request !== fingerprint) {
        return refusal(400, {
          type: 'idempotency_error',
          message: 'Keys for idempotent requests can only be used with the same parameters they were first used with.',
        })
      }
      return answer(kept.status, kept.body, { 'idempotent-replayed': 'true', 'stripe-should-retry': 'false' })
    }
    if (key !== null) underWay.add(key)
    try {
      if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
      const done = work(call, fault === 'error')
      // What was refused before anything was done is not kept, so that the call may be mended and made again.
      if (key !== null && (done.status < 400 || done.status === 402 || done.status >= 500)) {
        state.answers[key] = { request: fingerprint, ...done, at: now() }
      }
      if (call.method === 'POST') changed()
      return answer(done.status, done.body)
    } finally {
      if (key !== null) underWay.delete(key)
    }
  }

  function work({ method, path, query, body }: ApiCall, fails: boolean) {
    const written = (status: number, object: object) => ({ status, body: JSON.stringify(object, null, 2) })
    if (fails) return written(500, { error: { type: 'api_error', message: 'Something went wrong at Stripe.' } })
    try {
      return written(200, run(method, path, query, body))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return written(error.status, { error: error.error })
    }
  }

  const pages = hostedPages(state, money, now, changed)

  /** An expired page ends by itself at Stripe; here, when somebody looks. */
  function expireDue(): void {
    const due = Object.values(state.sessions).filter(
      (page) => page.status === 'open' && page.expires_at * 1000 <= now(),
    )
    for (const page of due) money.expirePage(page)
    if (due.length > 0) changed()
  }

  const sessionOf = (id: string) => found(state.sessions, 'checkout.session', id)

  return {
    state,
    /** Every call of the API, as method and path. */
    calls,
    /** Every event that has happened, sent or not. */
    events,
    vices,
    webhooks: hooks,

    /** Rejects where the connection breaks. */
    async fetch(request: Request): Promise<Response> {
      const url = new URL(request.url)
      expireDue()
      if (url.pathname.startsWith('/v1/')) return apiCall(request, url)
      return pages(request, url)
    },

    /** Makes calls fail that match `on` ('POST /v1/refunds'), so many times. */
    fail(kind: ApiFault, { on = /./, times = Number.POSITIVE_INFINITY }: { on?: RegExp; times?: number } = {}): void {
      faults.push({ kind, on, times })
    },
    mend(): void {
      faults.length = 0
    },

    /** Pays a page, or stores its card, with nobody at a browser. */
    pay(session: string, given: Given = {}): Tried {
      expireDue()
      const page = sessionOf(session)
      if (page.status !== 'open') throw new Error(`the page ${session} is ${page.status}`)
      const [month, year] = (given.expires ?? '12/49').split('/').map(Number)
      const card = { number: given.card ?? '4242424242424242', exp_month: month ?? 12, exp_year: 2000 + (year ?? 49) }
      const attempt = {
        method: money.give(given.mobilepay ? 'mobilepay' : card),
        ...(given.amount !== undefined && { amount: given.amount }),
        ...(given.currency !== undefined && { currency: given.currency }),
      }
      let tried = money.try(page, attempt, false)
      if (tried.kind === 'authenticate') {
        if (given.approves === false) money.turnDown(page)
        else tried = money.try(page, attempt, true)
      }
      changed()
      return tried
    },

    expire(session: string): void {
      money.expirePage(sessionOf(session))
      changed()
    },

    /** A refund that somebody makes at Stripe; all that is left unless an amount is named. */
    refund(intent: string, amount?: number): Stripe.Refund {
      const refund = money.refund(intent, amount ?? null)
      changed()
      return refund
    },
    failRefund(refund: string): void {
      money.failRefund(refund)
      changed()
    },
    completeRefund(refund: string): void {
      money.completeRefund(refund)
      changed()
    },

    dispute(intent: string, outcome: 'open' | 'won' | 'lost' = 'open', amount?: number): Stripe.Dispute {
      const dispute = money.dispute(intent, amount)
      if (outcome !== 'open') money.endDispute(dispute.id, outcome)
      changed()
      return dispute
    },
    endDispute(dispute: string, outcome: 'won' | 'lost'): void {
      money.endDispute(dispute, outcome)
      changed()
    },

    /** Stripe pays out to the bank. */
    payOut(amount?: number): Stripe.Payout {
      const payout = money.payOut(amount)
      changed()
      return payout
    },

    /** A stored card behaves like another test card from now on. */
    turnInto(paymentMethod: string, number: string): void {
      const card = state.cards[paymentMethod]
      if (!card) throw new Error(`no card ${paymentMethod}`)
      card.number = number
      changed()
    },

    /** The payment of a page; throws where nobody has tried yet. */
    intentOf(session: string): Stripe.PaymentIntent {
      const { payment_intent } = sessionOf(session)
      return found(state.intents, 'payment_intent', typeof payment_intent === 'string' ? payment_intent : null)
    },

    /** Sends what waits, with its faults, once. */
    deliver: hooks.deliver,
    /** Sends a forged event about an object, as it is now, to every endpoint; the statuses. */
    forge: (type: string, object: object, how: Forgery) => hooks.forge(eventOf(type, object), how),
  }
}
