import Stripe from 'stripe'

/** Where events go; like the endpoints of one account, each gets every event, signed with its own secret. */
export type Endpoint = { url: string; secret: string }

/** How webhooks go wrong. Nothing set is each event once, at once, in order. */
export type WebhookVices = {
  /** Nothing is sent before `deliver()`. */
  held?: boolean
  /** Events that are lost for good. */
  never?: (event: Stripe.Event) => boolean
  /** How often each is sent. */
  copies?: number
  /** How long each is waited for. */
  delayMs?: number
  /** Shuffles what is waiting, by this source of numbers in [0, 1). */
  shuffledBy?: () => number
  /** How many are under way at once; one where it is not set. */
  parallel?: number
}

/** One try, and what the endpoint answered; 0 where it did not. */
export type Delivery = { event: string; type: string; url: string; status: number }

/** Ways to give a genuine event a fault that its receiver must see. */
export const FORGERIES = ['foreign_secret', 'old', 'other_body', 'unsigned', 'garbage'] as const
export type Forgery = (typeof FORGERIES)[number]

/** What Stripe would be told not to send: it says nothing that the other events do not. */
export const UNWANTED = ['payment_intent.created', 'charge.succeeded']

/** Stripe tries for up to three days; here it gives up sooner. */
const TRIES_MAX = 8
const RETRY_MS = [200, 500, 1000, 2000, 5000, 10_000, 20_000]

type Waiting = { event: Stripe.Event; endpoint: Endpoint; tries: number }

export type Webhooks = ReturnType<typeof webhooks>

/** Signs events and sends them, again where no 2xx comes back. `now` is the clock that signs. */
export function webhooks(
  endpoints: Endpoint[],
  vices: WebhookVices,
  { now, send }: { now: () => number; send: (request: Request) => Promise<Response> },
) {
  let queue: Waiting[] = []
  const deliveries: Delivery[] = []
  let timer: ReturnType<typeof setTimeout> | null = null
  let delivering: Promise<void> = Promise.resolve()
  let stopped = false

  const signature = (payload: string, secret: string, atMs: number) =>
    Stripe.webhooks.generateTestHeaderStringAsync({
      payload,
      secret,
      timestamp: Math.floor(atMs / 1000),
      cryptoProvider: Stripe.createSubtleCryptoProvider(),
    } as Parameters<typeof Stripe.webhooks.generateTestHeaderStringAsync>[0])

  async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
    try {
      const request = new Request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'Stripe/1.0', ...headers },
        body,
      })
      const answer = await send(request)
      await answer.text()
      return answer.status
    } catch {
      return 0
    }
  }

  async function sendOne({ event, endpoint, tries }: Waiting): Promise<void> {
    const body = JSON.stringify(event, null, 2)
    const status = await post(endpoint.url, body, {
      'stripe-signature': await signature(body, endpoint.secret, now()),
    })
    deliveries.push({ event: event.id, type: event.type, url: endpoint.url, status })
    const taken = status >= 200 && status < 300
    if (!taken && tries + 1 < TRIES_MAX) queue.push({ event, endpoint, tries: tries + 1 })
  }

  /** Sends all that waits, once; what is not taken waits again. */
  async function round(): Promise<void> {
    const due = queue.filter(({ event }) => !vices.never?.(event))
    queue = []
    const copies = ({ tries }: Waiting) => (tries === 0 ? (vices.copies ?? 1) : 1) // Each copy is tried again by itself.
    const all = due.flatMap((waiting) => Array.from({ length: copies(waiting) }, () => waiting))
    const sent = vices.shuffledBy ? shuffled(all, vices.shuffledBy) : all
    const parallel = vices.parallel ?? 1
    for (let from = 0; from < sent.length && !stopped; from += parallel) {
      await Promise.all(sent.slice(from, from + parallel).map(sendOne))
    }
  }

  function deliver(): Promise<void> {
    delivering = delivering.then(round)
    return delivering
  }

  function schedule(): void {
    if (stopped || vices.held || timer !== null || queue.length === 0) return
    const tries = Math.min(...queue.map((waiting) => waiting.tries))
    timer = setTimeout(
      async () => {
        timer = null
        await deliver()
        schedule()
      },
      tries === 0 ? (vices.delayMs ?? 0) : (RETRY_MS[tries - 1] ?? 20_000),
    )
  }

  return {
    deliveries,
    waiting: () => queue.length,

    tell(event: Stripe.Event): void {
      for (const endpoint of endpoints) queue.push({ event, endpoint, tries: 0 })
      schedule()
    },

    /** Sends now what waits, and resolves when each was tried once. */
    deliver,

    /** Resolves when nothing waits or is under way any more; rejects after `withinMs`. */
    async settled(withinMs = 10_000): Promise<void> {
      const until = Date.now() + withinMs
      for (;;) {
        await delivering
        if (queue.length === 0) return
        if (Date.now() > until) throw new Error(`${queue.length} webhooks were not taken in ${withinMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },

    /** Sends an event that is no genuine one to every endpoint; the statuses that come back. */
    async forge(event: Stripe.Event, how: Forgery): Promise<number[]> {
      const body = JSON.stringify(event, null, 2)
      return Promise.all(
        endpoints.map(async ({ url, secret }) => {
          switch (how) {
            case 'foreign_secret':
              return post(url, body, { 'stripe-signature': await signature(body, 'whsec_of_somebody_else', now()) })
            case 'old':
              return post(url, body, { 'stripe-signature': await signature(body, secret, now() - 301_000) })
            case 'other_body':
              return post(url, `${body} `, { 'stripe-signature': await signature(body, secret, now()) })
            case 'unsigned':
              return post(url, body, {})
            case 'garbage':
              return post(url, body, { 'stripe-signature': 't=now,v1=,,=' })
          }
        }),
      )
    },

    /** Sends nothing more, what waits included; resolves when nothing is under way. */
    async stop(): Promise<void> {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      timer = null
      queue = []
      await delivering
    },
    start(): void {
      stopped = false
    },
  }
}

function shuffled<T>(list: T[], random: () => number): T[] {
  const result = [...list]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const [a, b] = [result[last], result[other]]
    if (a !== undefined && b !== undefined) [result[last], result[other]] = [b, a]
  }
  return result
}
