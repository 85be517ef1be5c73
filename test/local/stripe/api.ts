import qs from 'qs'
import type Stripe from 'stripe'
import type { Acquirer } from './acquirer.ts'
import { found, idOf, invalid, missing, Refusal, type State, shown } from './state.ts'

/** A form of Stripe's API, as brackets make it: fields are texts, lists or forms. */
type Form = { [name: string]: string | Form | Form[] | string[] | undefined }

const parsed = (text: string) => qs.parse(text, { depth: 10, allowDots: false }) as Form

const textOf = (form: Form, name: string): string | null => {
  const value = form[name]
  if (value === undefined) return null
  if (typeof value !== 'string') throw invalid(`Invalid string: ${name}`, 'parameter_invalid_string', name)
  return value
}

const wholeOf = (form: Form, name: string): number | null => {
  const text = textOf(form, name)
  if (text === null) return null
  if (!/^-?\d+$/.test(text)) throw invalid(`Invalid integer: ${text}`, 'parameter_invalid_integer', name)
  return Number(text)
}

const formOf = (form: Form, name: string): Form => {
  const value = form[name]
  return typeof value === 'object' && !Array.isArray(value) ? value : {}
}

const listOf = (form: Form, name: string): string[] => {
  const value = form[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

const metadataOf = (form: Form): Stripe.Metadata =>
  Object.fromEntries(Object.entries(formOf(form, 'metadata')).map(([name, value]) => [name, String(value)]))

function onlyKnown(form: Form, known: string[]): void {
  for (const name of Object.keys(form)) {
    if (!known.includes(name)) throw invalid(`Received unknown parameter: ${name}`, 'parameter_unknown', name)
  }
}

function required(value: string | null, name: string): string {
  if (value === null || value === '') throw invalid(`Missing required param: ${name}.`, 'parameter_missing', name)
  return value
}

function amountOf(form: Form, name: string): number {
  const amount = wholeOf(form, name)
  if (amount === null) throw invalid(`Missing required param: ${name}.`, 'parameter_missing', name)
  // The least that Stripe charges in kroner.
  if (amount < 250) throw invalid('Amount must be at least 2.50 kr.', 'amount_too_small', name)
  if (amount > 99_999_999) throw invalid('Amount must be no more than 999,999.99 kr.', 'amount_too_large', name)
  return amount
}

const HALF_HOUR_S = 1800
const DAY_S = 86_400

/** One page of a list: the newest first, as Stripe has it. `all` is oldest first. */
function pageOf(all: { id: string; created: number }[], form: Form) {
  const limit = wholeOf(form, 'limit') ?? 10
  if (limit < 1 || limit > 100)
    throw invalid('Invalid integer: must be between 1 and 100', 'parameter_invalid_integer', 'limit')
  const created = formOf(form, 'created')
  const [gte, gt, lte, lt] = ['gte', 'gt', 'lte', 'lt'].map((name) => wholeOf(created, name))
  const rows = all
    .toReversed()
    .filter(
      (row) =>
        row.created >= (gte ?? 0) &&
        row.created > (gt ?? -1) &&
        row.created <= (lte ?? Number.MAX_SAFE_INTEGER) &&
        row.created < (lt ?? Number.MAX_SAFE_INTEGER),
    )
  const place = (name: string) => {
    const id = textOf(form, name)
    if (id === null) return null
    const at = rows.findIndex((row) => row.id === id)
    if (at < 0) throw missing('object', id)
    return at
  }
  const [after, before] = [place('starting_after'), place('ending_before')]
  const from = before !== null ? Math.max(0, before - limit) : after !== null ? after + 1 : 0
  const to = before ?? from + limit
  return { data: rows.slice(from, to), has_more: before !== null ? from > 0 : to < rows.length }
}

const SESSION_FIELDS =
  'mode allowed_payment_method_types line_items adaptive_pricing client_reference_id customer_email locale success_url cancel_url expires_at metadata payment_intent_data setup_intent_data custom_text customer_creation currency customer submit_type expand'.split(
    ' ',
  )
const INTENT_FIELDS =
  'amount currency customer payment_method automatic_payment_methods allowed_payment_method_types off_session confirm description metadata expand error_on_requires_action receipt_email statement_descriptor_suffix'.split(
    ' ',
  )

/** Stripe's API as far as the product calls it. Answers an object; throws a `Refusal`. */
export function api(state: State, acquirer: Acquirer, pages: string) {
  function openPage(form: Form): Stripe.Checkout.Session {
    onlyKnown(form, SESSION_FIELDS)
    const mode = required(textOf(form, 'mode'), 'mode')
    if (mode !== 'payment' && mode !== 'setup') throw invalid(`Invalid mode: ${mode}`, undefined, 'mode')
    const expires = wholeOf(form, 'expires_at') ?? acquirer.seconds() + DAY_S
    const left = expires - acquirer.seconds()
    if (left < HALF_HOUR_S || left > DAY_S) {
      throw invalid(
        'The `expires_at` timestamp must be between 30 minutes and 24 hours from now.',
        undefined,
        'expires_at',
      )
    }
    const success = required(textOf(form, 'success_url'), 'success_url')
    for (const [name, url] of [
      ['success_url', success],
      ['cancel_url', textOf(form, 'cancel_url')],
    ]) {
      if (url && !URL.canParse(url)) throw invalid('Not a valid URL', 'url_invalid', name ?? undefined)
    }
    const email = textOf(form, 'customer_email')
    if (email !== null && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
      throw invalid(`Invalid email address: ${email}`, 'email_invalid', 'customer_email')
    }
    const message = textOf(formOf(formOf(form, 'custom_text'), 'submit'), 'message')
    if (message !== null && message.length > 1200) {
      throw invalid('Invalid string: must be at most 1200 characters', undefined, 'custom_text[submit][message]')
    }
    const kinds = listOf(form, 'allowed_payment_method_types')
    const common = {
      expires_at: expires,
      success_url: success,
      url: null,
      cancel_url: textOf(form, 'cancel_url'),
      client_reference_id: textOf(form, 'client_reference_id'),
      customer_email: email,
      locale: textOf(form, 'locale'),
      metadata: metadataOf(form),
      allowed_payment_method_types: kinds,
      payment_method_types: kinds,
      custom_text: {
        after_submit: null,
        shipping_address: null,
        submit: message === null ? null : { message },
        terms_of_service_acceptance: null,
      },
    }
    if (mode === 'setup') {
      if (form.line_items) throw invalid('You can not pass `line_items` in `setup` mode.', undefined, 'line_items')
      const data = formOf(form, 'setup_intent_data')
      const wish = { metadata: metadataOf(data), description: textOf(data, 'description') }
      const creation = textOf(form, 'customer_creation')
      return acquirer.openPage({ mode, ...common, customer_creation: creation }, wish, pages)
    }
    const [item] = Array.isArray(form.line_items) ? form.line_items : []
    if (typeof item !== 'object')
      throw invalid('Missing required param: line_items.', 'parameter_missing', 'line_items')
    const price = formOf(item, 'price_data')
    const amount = amountOf(price, 'unit_amount') * (wholeOf(item, 'quantity') ?? 1)
    const currency = required(textOf(price, 'currency'), 'currency')
    required(textOf(formOf(price, 'product_data'), 'name'), 'name')
    const data = formOf(form, 'payment_intent_data')
    const wish = { metadata: metadataOf(data), description: textOf(data, 'description') }
    return acquirer.openPage({ mode, ...common, amount_total: amount, currency }, wish, pages)
  }

  function charge(form: Form): Stripe.PaymentIntent {
    onlyKnown(form, INTENT_FIELDS)
    const amount = amountOf(form, 'amount')
    if (textOf(form, 'off_session') !== 'true' || textOf(form, 'confirm') !== 'true') {
      throw invalid('This stand-in knows payment intents of stored cards only: off_session and confirm.')
    }
    const method = required(textOf(form, 'payment_method'), 'payment_method')
    return acquirer.chargeOffSession(
      {
        amount,
        currency: required(textOf(form, 'currency'), 'currency'),
        customer: textOf(form, 'customer'),
        description: textOf(form, 'description'),
        metadata: metadataOf(form),
        allowed_payment_method_types: listOf(form, 'allowed_payment_method_types'),
      },
      method,
    )
  }

  function refund(form: Form): Stripe.Refund {
    const id = required(textOf(form, 'payment_intent'), 'payment_intent')
    return acquirer.refund(id, wholeOf(form, 'amount'), {
      metadata: metadataOf(form),
      reason: textOf(form, 'reason'),
    })
  }

  const of = (intent: string | null) => (row: { payment_intent: string | { id: string } | null }) =>
    intent === null || idOf(row.payment_intent) === intent

  /** The rows of a list, oldest first. */
  function rowsOf(name: string, form: Form): { id: string; created: number }[] {
    switch (name) {
      case 'checkout/sessions':
        return Object.values(state.sessions).filter(of(textOf(form, 'payment_intent')))
      case 'payment_intents': {
        const customer = textOf(form, 'customer')
        return Object.values(state.intents).filter((row) => customer === null || idOf(row.customer) === customer)
      }
      case 'refunds':
        return Object.values(state.refunds).filter(of(textOf(form, 'payment_intent')))
      case 'disputes':
        return Object.values(state.disputes).filter(of(textOf(form, 'payment_intent')))
      case 'balance_transactions':
        return state.lines
      default:
        throw new Refusal(404, {
          type: 'invalid_request_error',
          message: `Unrecognized request URL (GET: /v1/${name}).`,
        })
    }
  }

  function read(name: string, id: string): object {
    switch (name) {
      case 'checkout/sessions':
        return found(state.sessions, 'checkout.session', id)
      case 'payment_intents':
        return found(state.intents, 'payment_intent', id)
      case 'setup_intents':
        return found(state.setups, 'setup_intent', id)
      case 'payment_methods':
        return found(state.methods, 'PaymentMethod', id)
      case 'customers':
        return found(state.customers, 'customer', id)
      case 'charges':
        return found(state.charges, 'charge', id)
      case 'refunds':
        return found(state.refunds, 'refund', id)
      case 'disputes':
        return found(state.disputes, 'dispute', id)
      case 'payouts':
        return found(state.payouts, 'payout', id)
      case 'balance_transactions':
        return found(Object.fromEntries(state.lines.map((line) => [line.id, line])), 'balance transaction', id)
      default:
        throw new Refusal(404, {
          type: 'invalid_request_error',
          message: `Unrecognized request URL (GET: /v1/${name}).`,
        })
    }
  }

  function change(path: string, form: Form): object {
    const [, session] = /^checkout\/sessions\/(\w+)\/expire$/.exec(path) ?? []
    const [, method] = /^payment_methods\/(\w+)\/detach$/.exec(path) ?? []
    if (session !== undefined) {
      const page = found(state.sessions, 'checkout.session', session)
      acquirer.expirePage(page)
      return page
    }
    if (method !== undefined) return acquirer.detach(method)
    switch (path) {
      case 'checkout/sessions':
        return openPage(form)
      case 'payment_intents':
        return charge(form)
      case 'refunds':
        return refund(form)
      case 'customers':
        return acquirer.enrol(textOf(form, 'email'), metadataOf(form))
      default:
        throw new Refusal(404, {
          type: 'invalid_request_error',
          message: `Unrecognized request URL (POST: /v1/${path}).`,
        })
    }
  }

  function balance() {
    const amount = state.lines.reduce((sum, line) => sum + line.net, 0)
    return {
      object: 'balance',
      available: [{ amount, currency: 'dkk', source_types: { card: amount } }],
      livemode: false,
      pending: [{ amount: 0, currency: 'dkk', source_types: { card: 0 } }],
    } satisfies Stripe.Balance
  }

  /** Runs one call; `path` is what follows '/v1/'. */
  return (method: string, path: string, query: string, body: string): object => {
    const form = parsed(method === 'GET' ? query : body)
    const expand = listOf(form, 'expand')
    if (method === 'POST') return shown(state, change(path, form), expand)
    if (method !== 'GET') throw new Refusal(405, { type: 'invalid_request_error', message: 'Method not allowed' })
    if (path === 'balance') return balance()
    const [, name, id] = /^(checkout\/sessions|\w+)(?:\/(\w+))?$/.exec(path) ?? []
    if (name !== undefined && id !== undefined) return shown(state, read(name, id), expand)
    const list = pageOf(rowsOf(name ?? path, form), form)
    return shown(state, { object: 'list', url: `/v1/${path}`, ...list }, expand)
  }
}
