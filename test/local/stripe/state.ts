import type Stripe from 'stripe'

/** What the stand-in holds, as plain data: a file can keep it. Objects name each other by their ids. */
export type State = {
  sessions: Record<string, Stripe.Checkout.Session>
  intents: Record<string, Stripe.PaymentIntent>
  setups: Record<string, Stripe.SetupIntent>
  methods: Record<string, Stripe.PaymentMethod>
  customers: Record<string, Stripe.Customer>
  charges: Record<string, Stripe.Charge>
  refunds: Record<string, Stripe.Refund>
  disputes: Record<string, Stripe.Dispute>
  payouts: Record<string, Stripe.Payout>
  /** Stripe's book, oldest first. */
  lines: Stripe.BalanceTransaction[]
  /** What a card is, beside what may be told: its number, and whether its owner has authenticated it for later. */
  cards: Record<string, { number: string; authenticated: boolean }>
  /** What a page's payer has begun and must still approve, by session. */
  attempts: Record<string, Attempt>
  /** What a page is to write on its payment, by session; Stripe does not show it again. */
  wishes: Record<string, { metadata: Stripe.Metadata; description: string | null }>
  /** Answers by idempotency key. */
  answers: Record<string, { request: string; status: number; body: string; at: number }>
}

/** A payment method that was given on a page; `amount` and `currency` differ from the page's where a test says so. */
export type Attempt = { method: string; amount?: number; currency?: string }

export const emptyState = (): State => ({
  sessions: {},
  intents: {},
  setups: {},
  methods: {},
  customers: {},
  charges: {},
  refunds: {},
  disputes: {},
  payouts: {},
  lines: [],
  cards: {},
  attempts: {},
  wishes: {},
  answers: {},
})

/** A refusal in Stripe's form. */
export type ApiError = {
  type: string
  code?: string
  message: string
  param?: string
  decline_code?: string
  payment_intent?: unknown
}

/** Ends a call with an error, as Stripe's API answers it. */
export class Refusal extends Error {
  readonly status: number
  readonly error: ApiError
  constructor(status: number, error: ApiError) {
    super(error.message)
    this.status = status
    this.error = error
  }
}

export const invalid = (message: string, code?: string, param?: string) =>
  new Refusal(400, {
    type: 'invalid_request_error',
    message,
    ...(code !== undefined && { code }),
    ...(param !== undefined && { param }),
  })

export const missing = (kind: string, id: string) =>
  new Refusal(404, { type: 'invalid_request_error', code: 'resource_missing', message: `No such ${kind}: '${id}'` })

export const idOf = (object: string | { id: string } | null | undefined): string | null =>
  typeof object === 'string' ? object : (object?.id ?? null)

/** The object of an id, wherever it is; undefined where there is none. */
export function lookUp(state: State, id: string): object | undefined {
  const { sessions, intents, setups, methods, customers, charges, refunds, disputes, payouts } = state
  for (const table of [sessions, intents, setups, methods, customers, charges, refunds, disputes, payouts]) {
    if (Object.hasOwn(table, id)) return table[id]
  }
  return state.lines.find((line) => line.id === id)
}

export function found<T>(table: Record<string, T>, kind: string, id: string | null): T {
  const object = id !== null && Object.hasOwn(table, id) ? table[id] : undefined
  if (object === undefined) throw missing(kind, id ?? '')
  return object
}

type Shown = Record<string, unknown>

/** An object as it is answered: a copy, with what `expand[]` names in the place of its id. */
export function shown(state: State, object: object, expand: string[]): Shown {
  const copy: Shown = structuredClone({ ...object })
  for (const path of expand) {
    const fields = path.split('.')
    if (fields.length > 4) throw invalid(`You cannot expand more than 4 levels of a property. Property: ${path}`)
    expandInto(state, copy, fields, path)
  }
  return copy
}

function expandInto(state: State, target: Shown, [field, ...rest]: string[], path: string): void {
  if (field === undefined) return
  if (target.object === 'charge' && field === 'refunds') target.refunds ??= refundsOf(state, String(target.id))
  if (!(field in target)) throw invalid(`This property cannot be expanded (${path}).`)
  const value = target[field]
  if (typeof value === 'string') target[field] = structuredClone(lookUp(state, value)) ?? value
  const children = Array.isArray(value) ? value : [target[field]]
  for (const child of children) if (typeof child === 'object' && child !== null) expandInto(state, child, rest, path)
}

/** The refunds of a charge as they stand in it: the newest ten. */
function refundsOf(state: State, charge: string): Stripe.ApiList<Stripe.Refund> {
  const all = Object.values(state.refunds)
    .filter((refund) => refund.charge === charge)
    .reverse()
  return {
    object: 'list',
    data: structuredClone(all.slice(0, 10)),
    has_more: all.length > 10,
    url: `/v1/charges/${charge}/refunds`,
  }
}
