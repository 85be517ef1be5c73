import type Stripe from 'stripe'
import { declineError, feeOf, TEST_CARDS } from './cards.ts'
import { givenBack } from './given-back.ts'
import * as make from './objects.ts'
import { type Attempt, found, idOf, invalid, Refusal, type State } from './state.ts'

/** What is tried with a card or MobilePay. Nothing has been paid unless it is done. */
export type Tried = { kind: 'done' } | { kind: 'declined'; code: string } | { kind: 'authenticate' }

/** Money at the stand-in: what pays, takes back, contests, and what the book says of it. Every change tells an event. */
export type Acquirer = ReturnType<typeof acquirer>

export function acquirer(
  state: State,
  {
    now,
    newId,
    tell,
  }: { now: () => number; newId: (prefix: string) => string; tell: (type: string, object: object) => void },
) {
  const seconds = () => Math.floor(now() / 1000)
  const made = (prefix: string) => ({ id: newId(prefix), created: seconds() })

  function enter(line: Parameters<typeof make.bookLine>[1]): Stripe.BalanceTransaction {
    const entered = make.bookLine(made('txn'), line)
    state.lines.push(entered)
    return entered
  }

  const cardOf = (method: string) => TEST_CARDS[state.cards[method]?.number ?? ''] ?? null

  /** The code by which a card is declined now; null for approved. */
  function declineOf(method: Stripe.PaymentMethod, charging: boolean): string | null {
    if (!method.card) return null
    const card = cardOf(method.id)
    if (card === null) return 'test_mode_live_card'
    if (card.declined && (card.declined.when === 'always' || charging)) return card.declined.code
    const { exp_month, exp_year } = method.card
    return Date.UTC(exp_year, exp_month, 1) <= now() ? 'expired_card' : null
  }

  function failed(intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod, decline: string): void {
    const failure = declineError(decline)
    const charge = make.charge(made('ch'), {
      ...payingOf(intent, method),
      status: 'failed',
      paid: false,
      captured: false,
      failure_code: failure.code,
      failure_message: failure.message,
    })
    state.charges[charge.id] = charge
    intent.status = 'requires_payment_method'
    intent.payment_method = null
    intent.latest_charge = charge.id
    intent.last_payment_error = { type: 'card_error', charge: charge.id, ...failure }
    tell('charge.failed', charge)
    tell('payment_intent.payment_failed', intent)
  }

  const payingOf = (intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod) => ({
    amount: intent.amount,
    currency: intent.currency,
    customer: idOf(intent.customer),
    description: intent.description,
    metadata: { ...intent.metadata }, // Stripe copies an intent's metadata to its charge, once.
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: method.card
      ? make.cardDetails(method.card)
      : ({ type: 'mobilepay', mobilepay: { card: null } } satisfies Stripe.Charge.PaymentMethodDetails),
  })

  function succeeded(intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod): void {
    const byCard = method.card !== undefined
    const charge = make.charge(made(byCard ? 'ch' : 'py'), {
      ...payingOf(intent, method),
      amount_captured: intent.amount,
    })
    const line = enter({
      type: byCard ? 'charge' : 'payment',
      reporting_category: 'charge',
      amount: intent.amount,
      fee: feeOf(byCard ? 'card' : 'mobilepay', intent.amount),
      currency: intent.currency,
      source: charge.id,
    })
    state.charges[charge.id] = { ...charge, balance_transaction: line.id }
    intent.status = 'succeeded'
    intent.payment_method = method.id
    intent.latest_charge = charge.id
    intent.amount_received = intent.amount
    intent.next_action = null
    intent.last_payment_error = null
    tell('charge.succeeded', charge)
    tell('payment_intent.succeeded', intent)
  }

  /** The payment of a page, made when somebody tries for the first time. */
  function intentOfPage(page: Stripe.Checkout.Session, attempt: Attempt): Stripe.PaymentIntent {
    const known = idOf(page.payment_intent)
    if (known !== null) return found(state.intents, 'payment_intent', known)
    const intent = make.paymentIntent(made('pi'), {
      amount: attempt.amount ?? page.amount_total ?? 0,
      currency: attempt.currency ?? page.currency ?? 'dkk',
      allowed_payment_method_types: page.allowed_payment_method_types,
      payment_method_types: page.payment_method_types,
      ...state.wishes[page.id],
    })
    page.payment_intent = intent.id
    state.intents[intent.id] = intent
    tell('payment_intent.created', intent)
    return intent
  }

  function complete(page: Stripe.Checkout.Session): void {
    page.status = 'complete'
    page.url = null
    delete state.attempts[page.id]
    if (page.mode === 'payment') page.payment_status = 'paid'
    tell('checkout.session.completed', page)
  }

  function pay(page: Stripe.Checkout.Session, attempt: Attempt, authenticated: boolean): Tried {
    const method = found(state.methods, 'PaymentMethod', attempt.method)
    const intent = intentOfPage(page, attempt)
    if (!method.card ? !authenticated : cardOf(method.id)?.authentication && !authenticated) {
      intent.status = 'requires_action'
      intent.payment_method = method.id
      intent.next_action = { type: method.card ? 'use_stripe_sdk' : 'redirect_to_url' }
      state.attempts[page.id] = attempt
      tell('payment_intent.requires_action', intent)
      return { kind: 'authenticate' }
    }
    const decline = declineOf(method, true)
    if (decline !== null) {
      failed(intent, method, decline)
      return { kind: 'declined', code: decline }
    }
    succeeded(intent, method)
    complete(page)
    return { kind: 'done' }
  }

  function store(page: Stripe.Checkout.Session, attempt: Attempt, authenticated: boolean): Tried {
    const method = found(state.methods, 'PaymentMethod', attempt.method)
    const setup = found(state.setups, 'setup_intent', idOf(page.setup_intent))
    const decline = declineOf(method, false)
    if (decline !== null) {
      setup.last_setup_error = { type: 'card_error', ...declineError(decline) }
      tell('setup_intent.setup_failed', setup)
      return { kind: 'declined', code: decline }
    }
    if (cardOf(method.id)?.authentication && !authenticated) {
      setup.status = 'requires_action'
      state.attempts[page.id] = attempt
      return { kind: 'authenticate' }
    }
    const owner = make.customer(made('cus'), page.customer_email)
    state.customers[owner.id] = owner
    method.customer = owner.id
    state.cards[method.id] = { number: state.cards[method.id]?.number ?? '', authenticated: true }
    Object.assign(setup, { status: 'succeeded', payment_method: method.id, customer: owner.id })
    page.customer = owner.id
    tell('customer.created', owner)
    tell('setup_intent.succeeded', setup)
    tell('payment_method.attached', method)
    complete(page)
    return { kind: 'done' }
  }

  return {
    made,
    seconds,
    ...givenBack(state, { made, enter, tell, slowRefunds: (method) => cardOf(method)?.slowRefunds === true }),

    openPage(
      asked: Parameters<typeof make.session>[1],
      { metadata, description }: { metadata: Stripe.Metadata; description: string | null },
      pages: string,
    ): Stripe.Checkout.Session {
      const id = newId('cs_test')
      const page: Stripe.Checkout.Session = make.session(
        { id, created: seconds() },
        { ...asked, url: `${pages}/c/pay/${id}` },
      )
      if (page.mode === 'setup') {
        const setup = make.setupIntent(made('seti'), { metadata, description })
        state.setups[setup.id] = setup
        page.setup_intent = setup.id
      }
      state.wishes[id] = { metadata, description }
      state.sessions[id] = page
      return page
    },

    expirePage(page: Stripe.Checkout.Session): void {
      if (page.status !== 'open') {
        throw invalid(
          `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${page.status}.`,
        )
      }
      page.status = 'expired'
      page.url = null
      delete state.attempts[page.id]
      const intent = state.intents[idOf(page.payment_intent) ?? '']
      if (intent) {
        intent.status = 'canceled'
        intent.cancellation_reason = 'expired'
        intent.canceled_at = seconds()
        tell('payment_intent.canceled', intent)
      }
      tell('checkout.session.expired', page)
    },

    /** Tries what was given on a page; `authenticated` says that the payer has approved it. */
    try: (page: Stripe.Checkout.Session, attempt: Attempt, authenticated: boolean): Tried =>
      page.mode === 'setup' ? store(page, attempt, authenticated) : pay(page, attempt, authenticated),

    /** The payer said no at 3-D Secure or in MobilePay; another try may follow. */
    turnDown(page: Stripe.Checkout.Session): void {
      delete state.attempts[page.id]
      const intent = state.intents[idOf(page.payment_intent) ?? '']
      if (!intent) return
      intent.status = 'requires_payment_method'
      intent.next_action = null
      intent.last_payment_error = {
        type: 'card_error',
        code: 'payment_intent_authentication_failure',
        message: 'The payer did not approve.',
      }
      tell('payment_intent.payment_failed', intent)
    },

    give(card: { number: string; exp_month: number; exp_year: number } | 'mobilepay'): string {
      if (card === 'mobilepay') {
        const method = make.mobilepayMethod(made('pm'))
        state.methods[method.id] = method
        return method.id
      }
      const brand = TEST_CARDS[card.number]?.brand ?? 'visa'
      const method = make.cardMethod(made('pm'), { ...card, brand })
      state.methods[method.id] = method
      state.cards[method.id] = { number: card.number, authenticated: false }
      return method.id
    },

    /** Charges a stored card with nobody present; throws what Stripe answers with 402 where it does not go. */
    chargeOffSession(asked: Parameters<typeof make.paymentIntent>[1], methodId: string): Stripe.PaymentIntent {
      const method = found(state.methods, 'PaymentMethod', methodId)
      if (idOf(method.customer) === null || idOf(method.customer) !== asked.customer) {
        throw invalid(
          'The PaymentMethod does not belong to the Customer, or was detached from it.',
          undefined,
          'payment_method',
        )
      }
      const intent: Stripe.PaymentIntent = make.paymentIntent(made('pi'), asked)
      state.intents[intent.id] = intent
      tell('payment_intent.created', intent)
      const { authenticated } = state.cards[method.id] ?? { authenticated: false }
      const asks = cardOf(method.id)?.authentication
      const decline =
        asks === 'always' || (asks === 'on_session' && !authenticated)
          ? 'authentication_required'
          : declineOf(method, true)
      if (decline === null) succeeded(intent, method)
      else {
        failed(intent, method, decline)
        throw new Refusal(402, {
          type: 'card_error',
          ...declineError(decline),
          payment_intent: structuredClone(intent),
        })
      }
      return intent
    },

    /** Stripe pays to the municipality's bank; all that there is, unless an amount is named. */
    payOut(wanted?: number): Stripe.Payout {
      const amount = wanted ?? state.lines.reduce((sum, line) => sum + line.net, 0)
      if (amount < 1) throw new Error('there is nothing to pay out')
      const payout: Stripe.Payout = make.payout(made('po'), amount)
      state.payouts[payout.id] = payout
      payout.balance_transaction = enter({
        type: 'payout',
        reporting_category: 'payout',
        amount: -amount,
        fee: 0,
        currency: 'dkk',
        source: payout.id,
      }).id
      tell('payout.created', payout)
      tell('payout.paid', payout)
      return payout
    },

    enrol(email: string | null, metadata: Stripe.Metadata): Stripe.Customer {
      const enrolled: Stripe.Customer = { ...make.customer(made('cus'), email), metadata }
      state.customers[enrolled.id] = enrolled
      tell('customer.created', enrolled)
      return enrolled
    },

    detach(id: string): Stripe.PaymentMethod {
      const method = found(state.methods, 'PaymentMethod', id)
      if (method.customer === null) {
        throw invalid('The payment method you provided is not attached to a customer so detachment is impossible.')
      }
      method.customer = null
      tell('payment_method.detached', method)
      return method
    },
  }
}
