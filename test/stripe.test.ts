import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  chargeOf,
  chargeStored,
  checkoutOf,
  closeCheckout,
  forgetCard,
  intentOf,
  openPayment,
  openRefund,
  openSetup,
  pagesOf,
  refundOf,
  type StoredCard,
  type StripeAccount,
  stripeOf,
} from '../worker/payments/stripe/stripe.ts'
import { bookOf } from '../worker/payments/stripe/stripe-book.ts'
import { type Event, eventOf } from '../worker/payments/stripe/stripe-events.ts'
import { type LocalStripe, startStripe } from './local/stripe/server.ts'

const PORT = 18_971
const HOOK_PORT = 18_972

type Heard = { body: string; signature: string }

let stripe: LocalStripe
let account: StripeAccount
let folder: string
let hook: Server
let heard: Heard[]
let answers: number[]

beforeEach(async () => {
  heard = []
  answers = []
  hook = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    heard.push({ body, signature: String(request.headers['stripe-signature'] ?? '') })
    response.writeHead(answers.shift() ?? 200).end()
  }).listen(HOOK_PORT, '127.0.0.1')
  await once(hook, 'listening')
  folder = await mkdtemp(join(tmpdir(), 'klubkort-stripe-'))
  stripe = await startStripe(PORT, [`http://4000.localhost:${HOOK_PORT}/api/stripe/webhook`], folder)
  account = accountOf(stripe)
})

afterEach(async () => {
  await stripe.stop()
  hook.close()
  hook.closeAllConnections()
  await rm(folder, { recursive: true })
})

const accountOf = ({ secretKey, webhookSecret, address }: LocalStripe): StripeAccount => ({
  municipality: 4000,
  secretKey,
  webhookSecret,
  address,
  patienceMs: null,
})

const id = () => crypto.randomUUID()

const deposit = (payment = id()) => ({
  payment,
  amount: 10_000,
  mail: 'anna@eksempel.dk',
  item: 'Indbetaling',
  language: 'da' as const,
  done: 'http://4000.localhost/tak?session={CHECKOUT_SESSION_ID}',
  back: 'http://4000.localhost/tilbage',
})

async function paymentPage(payment = id()): Promise<string> {
  const page = await openPayment(account, deposit(payment), Date.now())
  if (page.kind !== 'page') throw new Error(JSON.stringify(page))
  return page.checkout
}

async function setupPage(): Promise<string> {
  const { done, back } = deposit()
  const wanted = {
    agreement: 'agreement',
    attempt: id(),
    mail: 'anna@eksempel.dk',
    language: 'da' as const,
    done,
    back,
  }
  const page = await openSetup(account, { ...wanted, consent: 'Trækkes, når saldoen er under 50 kr.' }, Date.now())
  if (page.kind !== 'page') throw new Error(JSON.stringify(page))
  return page.checkout
}

async function pageState(checkout: string) {
  const state = await checkoutOf(account, checkout)
  if ('kind' in state) throw new Error(JSON.stringify(state))
  return state
}

/** A payment that has been made; its id at Stripe. */
async function paid(given: Parameters<LocalStripe['pay']>[1] = {}): Promise<string> {
  const checkout = await paymentPage()
  expect(stripe.pay(checkout, given)).toEqual({ kind: 'done' })
  return stripe.intentOf(checkout).id
}

async function paymentState(intent: string) {
  const state = await intentOf(account, intent)
  if ('kind' in state) throw new Error(JSON.stringify(state))
  return state
}

async function stored(card: string, given: { expires?: string } = {}): Promise<StoredCard> {
  const checkout = await setupPage()
  stripe.pay(checkout, { card, ...given })
  const { card: kept } = await pageState(checkout)
  if (!kept) throw new Error('no card was stored')
  return kept
}

const topUp = ({ customer, paymentMethod }: StoredCard, payment = id()) =>
  chargeStored(account, {
    payment,
    agreement: 'agreement',
    amount: 20_000,
    customer,
    paymentMethod,
    item: 'Automatisk optankning',
  })

/** What a browser gets: pages on the wire, redirects not followed. */
async function browse(path: string, fields?: Record<string, string>) {
  const response = await fetch(new URL(path, stripe.address), {
    redirect: 'manual',
    ...(fields && { method: 'POST', body: new URLSearchParams(fields) }),
  })
  return { status: response.status, to: response.headers.get('location'), html: await response.text() }
}

const CARD = { method: 'card', number: '4242 4242 4242 4242', expires: '12/49', cvc: '123' }

describe('a payment page', () => {
  test('is in kroner, knows its payment, and ends half an hour from now', async () => {
    const payment = id()
    const before = Date.now()
    const checkout = await paymentPage(payment)
    const session = stripe.state.sessions[checkout]
    expect(session).toMatchObject({ currency: 'dkk', amount_total: 10_000, locale: 'da', client_reference_id: payment })
    expect(session?.expires_at).toBeGreaterThanOrEqual(before / 1000 + 1800)
    expect(session?.expires_at).toBeLessThan(before / 1000 + 1900)
    expect(await pageState(checkout)).toEqual({
      id: checkout,
      status: 'open',
      intent: null,
      card: null,
      origin: { municipality: 4000, payment, agreement: null, refund: null },
    })
  })

  test('paid by card, says so, and so does its payment', async () => {
    const payment = id()
    const checkout = await paymentPage(payment)
    stripe.pay(checkout)
    const { status, intent } = await pageState(checkout)
    expect(status).toBe('complete')
    expect(intent).toEqual({
      id: expect.stringMatching(/^pi_/),
      status: 'succeeded',
      amount: 10_000,
      received: 10_000,
      currency: 'dkk',
      method: 'card',
      error: null,
      origin: { municipality: 4000, payment, agreement: null, refund: null },
      refunds: [],
      disputes: [],
    })
    expect(await intentOf(account, intent?.id ?? '')).toEqual(intent)
  })

  test('paid by MobilePay after a refusal there, says so', async () => {
    const checkout = await paymentPage()
    expect(stripe.pay(checkout, { mobilepay: true, approves: false })).toEqual({ kind: 'authenticate' })
    expect((await pageState(checkout)).intent).toMatchObject({ status: 'open', received: 0 })
    stripe.pay(checkout, { mobilepay: true })
    expect((await pageState(checkout)).intent).toMatchObject({ status: 'succeeded', method: 'mobilepay', error: null })
  })

  test.each([
    ['4000000000000002', 'generic_decline'],
    ['4000000000009995', 'insufficient_funds'],
    ['4000000000000069', 'expired_card'],
    ['4000000000009987', 'lost_card'],
    ['4000000000000341', 'generic_decline'],
  ])('stays open after card %s is declined, and takes another one', async (card, code) => {
    const checkout = await paymentPage()
    expect(stripe.pay(checkout, { card })).toEqual({ kind: 'declined', code })
    const { status, intent } = await pageState(checkout)
    expect([status, intent?.status, intent?.error, intent?.received]).toEqual(['open', 'open', code, 0])
    stripe.pay(checkout)
    expect((await pageState(checkout)).intent).toMatchObject({ id: intent?.id, status: 'succeeded', error: null })
  })

  test('that was closed takes no payment, and closing a paid one tells that it is paid', async () => {
    const [open, done] = [await paymentPage(), await paymentPage()]
    stripe.pay(done)
    expect(await closeCheckout(account, open)).toMatchObject({ status: 'expired', intent: null })
    expect(() => stripe.pay(open)).toThrow('expired')
    expect(await closeCheckout(account, done)).toMatchObject({ status: 'complete', intent: { status: 'succeeded' } })
  })

  test('below what Stripe charges, or with a bad mail address, is refused', async () => {
    expect(await openPayment(account, { ...deposit(), amount: 249 }, Date.now())).toEqual({
      kind: 'refused',
      code: 'amount_too_small',
    })
    expect(await openPayment(account, { ...deposit(), mail: 'anna' }, Date.now())).toEqual({
      kind: 'refused',
      code: 'email_invalid',
    })
  })

  test('and its pages are at the same origin', async () => {
    const page = await openPayment(account, deposit(), Date.now())
    expect(page.kind === 'page' && page.address.startsWith(`${pagesOf(account)}/c/pay/`)).toBe(true)
    expect(pagesOf({ ...account, address: null })).toBe('https://checkout.stripe.com')
  })
})

describe('in the browser, the page', () => {
  test('takes a card, leads to the receipt, and says when it is opened again that it is used', async () => {
    const checkout = await paymentPage()
    const page = await browse(`/c/pay/${checkout}`)
    for (const words of [
      'Test-Stripe',
      'Kortnummer',
      'Udløb (MM/ÅÅ)',
      'CVC',
      'Betal 100,00 kr.',
      'Annuller',
      'MobilePay',
    ]) {
      expect(page.html).toContain(words)
    }
    expect(page.html).not.toContain('<script')
    const done = await browse(`/c/pay/${checkout}`, CARD)
    expect([done.status, done.to]).toEqual([303, `http://4000.localhost/tak?session=${checkout}`])
    expect((await browse(`/c/pay/${checkout}`)).html).toContain('Denne side er brugt')
    expect((await browse(`/c/pay/${checkout}`, CARD)).html).toContain('Denne side er brugt')
    expect(Object.values(stripe.state.charges)).toHaveLength(1)
  })

  test.each([
    [{ number: '4000 0000 0000 0002' }, 'Kortet blev afvist'],
    [{ number: '4242 4242 4242 4241' }, 'Kortnummeret er ikke gyldigt'],
    [{ expires: '13/49' }, 'Udløb skal skrives'],
    [{ expires: '01/20' }, 'Kortet er udløbet'],
    [{ cvc: '12' }, 'CVC er de tre cifre'],
  ])('says what is wrong with %j, and lets one try again', async (fault, words) => {
    const checkout = await paymentPage()
    expect((await browse(`/c/pay/${checkout}`, { ...CARD, ...fault })).html).toContain(words)
    expect((await browse(`/c/pay/${checkout}`, CARD)).status).toBe(303)
  })

  test.each([
    ['3-D Secure', { ...CARD, number: '4000002760003184' }, 'Afvis'],
    ['MobilePay', { method: 'mobilepay' }, 'Annuller'],
  ])('pays after approval in %s only', async (name, given, no) => {
    const checkout = await paymentPage()
    const { to } = await browse(`/c/pay/${checkout}`, given)
    const approval = await browse(to ?? '')
    for (const words of [name, 'Godkend', no]) expect(approval.html).toContain(words)
    const denied = await browse(to ?? '', { answer: 'no' })
    expect(denied.html).toContain('ikke godkendt')
    expect((await pageState(checkout)).intent?.received).toBe(0)
    await browse(`/c/pay/${checkout}`, given)
    expect((await browse(to ?? '', { answer: 'yes' })).status).toBe(303)
    expect((await pageState(checkout)).intent?.received).toBe(10_000)
  })

  test('leads back on cancel, and can still be paid', async () => {
    const checkout = await paymentPage()
    expect((await browse(`/c/pay/${checkout}/cancel`, {})).to).toBe('http://4000.localhost/tilbage')
    expect((await pageState(checkout)).status).toBe('open')
  })

  test('for a card to be stored shows the consent above its button', async () => {
    const page = await browse(`/c/pay/${await setupPage()}`)
    expect(page.html).toMatch(/Trækkes, når saldoen er under 50 kr\.[\s\S]*Gem kort<\/button>/)
    expect(page.html).not.toContain('MobilePay')
  })
})

describe('a stored card', () => {
  test('is known by brand, last digits and expiry, and is charged with nobody present', async () => {
    const card = await stored('4242424242424242', { expires: '02/31' })
    expect(card).toMatchObject({ brand: 'visa', last4: '4242', expires: '2031-02' })
    const payment = id()
    const charge = await topUp(card, payment)
    const origin = { municipality: 4000, payment, agreement: 'agreement', refund: null }
    expect(charge).toMatchObject({ kind: 'charged', intent: { received: 20_000, method: 'card', origin } })
    const again = await chargeOf(account, { customer: card.customer, payment })
    expect(again).toEqual(charge.kind === 'charged' && charge.intent)
    expect(await chargeOf(account, { customer: card.customer, payment: id() })).toBeNull()
  })

  test.each([
    ['4000000000000341', { kind: 'declined', code: 'generic_decline', hard: false }],
    ['4000002760003184', { kind: 'authentication_required' }],
  ])('%s is stored, and a charge of it is answered by 402', async (number, outcome) => {
    const charge = await topUp(await stored(number))
    expect(charge).toMatchObject({ ...outcome, intent: expect.stringMatching(/^pi_/) })
    expect(Object.values(stripe.state.intents).map(({ amount_received }) => amount_received)).toEqual([0])
  })

  test('4000002500003155 is authenticated when it is stored, and then charged without', async () => {
    const checkout = await setupPage()
    expect(stripe.pay(checkout, { card: '4000002500003155', approves: false })).toEqual({ kind: 'authenticate' })
    expect((await pageState(checkout)).card).toBeNull()
    expect((await topUp(await stored('4000002500003155'))).kind).toBe('charged')
  })

  test.each([
    ['4000000000009987', 'lost_card', true],
    ['4000000000009979', 'stolen_card', true],
    ['4000000000000069', 'expired_card', true],
    ['4000000000009995', 'insufficient_funds', false],
    ['4000000000000119', 'processing_error', false],
  ])('that becomes %s is declined as %s, hard: %s', async (number, code, hard) => {
    const card = await stored('4242424242424242')
    stripe.turnInto(card.paymentMethod, number)
    expect(await topUp(card)).toMatchObject({ kind: 'declined', code, hard })
  })

  test('that has been forgotten is charged no more, and is forgotten twice without fault', async () => {
    const card = await stored('4242424242424242')
    expect(await forgetCard(account, card.paymentMethod)).toEqual({ kind: 'forgotten' })
    expect(await forgetCard(account, card.paymentMethod)).toEqual({ kind: 'forgotten' })
    expect((await topUp(card)).kind).toBe('refused')
    expect(await forgetCard(account, 'pm_nobody')).toEqual({ kind: 'refused', code: 'resource_missing' })
  })

  test('that is declined is not stored', async () => {
    const checkout = await setupPage()
    expect(stripe.pay(checkout, { card: '4000000000000002' }).kind).toBe('declined')
    expect(await pageState(checkout)).toMatchObject({ status: 'open', card: null })
  })
})

describe('a call made twice', () => {
  test('for one payment is one page, and one charge', async () => {
    const wanted = deposit()
    const now = Date.now()
    const [first, second] = [await openPayment(account, wanted, now), await openPayment(account, wanted, now)]
    expect(second).toEqual(first)
    const [card, payment] = [await stored('4242424242424242'), id()]
    expect(await topUp(card, payment)).toEqual(await topUp(card, payment))
    expect(Object.keys(stripe.state.charges)).toHaveLength(1)
  })

  test('with other words under one key is refused', async () => {
    const wanted = deposit()
    const now = Date.now()
    await openPayment(account, wanted, now)
    expect(await openPayment(account, { ...wanted, amount: 20_000 }, now)).toEqual({
      kind: 'refused',
      code: 'idempotency_error',
    })
  })

  test('whose first answer was a decline, or a 500, gets the same answer again', async () => {
    const [card, declined, failed] = [await stored('4000000000000341'), id(), id()]
    const first = await topUp(card, declined)
    stripe.turnInto(card.paymentMethod, '4242424242424242')
    expect(await topUp(card, declined)).toEqual(first)
    stripe.fail('error', { on: /payment_intents$/, times: 1 })
    expect((await topUp(card, failed)).kind).toBe('unavailable')
    expect((await topUp(card, failed)).kind).toBe('unavailable')
    expect((await topUp(card)).kind).toBe('charged')
  })

  test('at the same time is done once', async () => {
    const [card, payment] = [await stored('4242424242424242'), id()]
    stripe.fail('slow', { on: /payment_intents$/ })
    const both = await Promise.all([topUp(card, payment), topUp(card, payment)])
    // The second one learns that the first is under way; the SDK asks once more by itself, a little later.
    for (const { kind } of both) expect(['charged', 'unavailable']).toContain(kind)
    expect(both.map(({ kind }) => kind)).toContain('charged')
    expect(Object.keys(stripe.state.charges)).toHaveLength(1)
  })

  test('because the answer was lost finds what was done', async () => {
    const [card, payment] = [await stored('4242424242424242'), id()]
    stripe.fail('lost', { on: /POST .*payment_intents$/, times: 2 })
    expect((await topUp(card, payment)).kind).toBe('unavailable')
    expect((await topUp(card, payment)).kind).toBe('charged')
    expect(Object.keys(stripe.state.charges)).toHaveLength(1)
  })
})

describe('Stripe out of order', () => {
  test.each(['busy', 'limited', 'cut'] as const)(
    '%s is unavailable, and nothing is said of the payment',
    async (kind) => {
      const intent = await paid()
      stripe.fail(kind)
      expect(await intentOf(account, intent)).toMatchObject({ kind: 'unavailable' })
      stripe.mend()
      expect(await paymentState(intent)).toMatchObject({ status: 'succeeded' })
    },
  )

  test('a key that Stripe does not know is unavailable, and the reason does not hold it', async () => {
    const wrong = { ...account, secretKey: 'sk_test_wrong_and_secret' }
    const answer = await intentOf(wrong, 'pi_any')
    expect(answer).toMatchObject({ kind: 'unavailable' })
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  test('what is not there is refused', async () => {
    const refused = { kind: 'refused', code: 'resource_missing' }
    expect(await intentOf(account, 'pi_none')).toEqual(refused)
    expect(await checkoutOf(account, 'cs_none')).toEqual(refused)
    expect(await refundOf(account, 're_none')).toEqual(refused)
  })

  test('switched off is unavailable, and on again knows what it knew', async () => {
    const intent = await paid()
    await stripe.stop()
    expect(await intentOf(account, intent)).toMatchObject({ kind: 'unavailable' })
    stripe = await startStripe(PORT, [], folder)
    expect(accountOf(stripe)).toEqual(account)
    expect(await paymentState(intent)).toMatchObject({ status: 'succeeded', received: 10_000 })
  })
})

describe('a refund', () => {
  test('goes back in parts, and never above what was paid', async () => {
    const intent = await paid()
    const refund = id()
    const first = await openRefund(account, { refund, intent, amount: 6000 })
    const origin = { municipality: 4000, payment: null, agreement: null, refund }
    expect(first).toMatchObject({ intent, amount: 6000, status: 'succeeded', origin })
    expect(await openRefund(account, { refund, intent, amount: 6000 })).toEqual(first)
    expect(await openRefund(account, { refund: id(), intent, amount: 4001 })).toMatchObject({ kind: 'refused' })
    expect(await paymentState(intent)).toMatchObject({ status: 'succeeded', refunds: [first] })
  })

  test('that is slow is pending, and that fails gives the money back to the payment', async () => {
    const intent = await paid({ card: '4000000000007726' })
    const refund = await openRefund(account, { refund: id(), intent, amount: 10_000 })
    if ('kind' in refund) throw new Error(refund.kind)
    expect(refund.status).toBe('pending')
    stripe.failRefund(refund.id)
    expect(await refundOf(account, refund.id)).toMatchObject({ status: 'failed', error: 'expired_or_canceled_card' })
    expect(await openRefund(account, { refund: id(), intent, amount: 10_000 })).toMatchObject({ amount: 10_000 })
  })

  test('that somebody makes at Stripe stands in the payment, with no origin', async () => {
    const intent = await paid({ mobilepay: true })
    for (let count = 0; count < 12; count++) stripe.refund(intent, 100)
    const { refunds } = await paymentState(intent)
    expect(refunds).toHaveLength(12)
    expect(refunds[0]?.origin).toEqual({ municipality: null, payment: null, agreement: null, refund: null })
  })
})

test('a dispute takes the money away, and a won one gives it back', async () => {
  const intent = await paid()
  const { id: dispute } = stripe.dispute(intent)
  expect((await paymentState(intent)).disputes).toEqual([
    { id: dispute, intent, amount: 10_000, status: 'needs_response', withdrawn: true },
  ])
  stripe.endDispute(dispute, 'won')
  expect((await paymentState(intent)).disputes).toMatchObject([{ status: 'won', withdrawn: false }])
  const other = await paid()
  stripe.dispute(other, 'lost')
  expect((await paymentState(other)).disputes).toMatchObject([{ status: 'lost', withdrawn: true }])
})

describe('the book', () => {
  test('has a line for each movement, with its payment, and sums to what Stripe holds', async () => {
    const byCard = await paid()
    const byMobilepay = await paid({ mobilepay: true })
    stripe.refund(byCard, 1000)
    stripe.dispute(byMobilepay, 'won')
    stripe.payOut(5000)
    const book = await bookOf(account, { fromMs: 0, after: null })
    if (book.kind !== 'lines') throw new Error(book.kind)
    expect(book.lines.map(({ type, amount, fee, net, intent }) => [type, amount, fee, net, intent])).toEqual([
      ['charge', 10_000, 330, 9670, byCard],
      ['payment', 10_000, 300, 9700, byMobilepay],
      ['refund', -1000, 0, -1000, byCard],
      ['adjustment', -10_000, 15_000, -25_000, byMobilepay],
      ['adjustment', 10_000, 0, 10_000, byMobilepay],
      ['payout', -5000, 0, -5000, null],
    ])
    expect(book.more).toBe(false)
  })

  test('is read oldest first, page by page, with none left out and none twice', async () => {
    const intent = await paid()
    for (let count = 0; count < 240; count++) stripe.refund(intent, 1)
    const seen: string[] = []
    let after: string | null = null
    for (let pages = 0; pages < 9; pages++) {
      const book = await bookOf(account, { fromMs: 0, after })
      if (book.kind !== 'lines') throw new Error(book.kind)
      seen.push(...book.lines.map((line) => line.id))
      after = book.lines.at(-1)?.id ?? after
      if (!book.more) break
    }
    expect(seen).toEqual(stripe.state.lines.map((line) => line.id))
  })
})

describe('a webhook', () => {
  const eventFrom = ({ body, signature }: Heard, nowMs = Date.now()) => eventOf(account, body, signature, nowMs)
  const known = (events: (Event | 'forged')[]) =>
    events.flatMap((event) =>
      event === 'forged' || event.subject.kind === 'other' ? [] : [[event.type, event.subject.id]],
    )

  test('that is genuine speaks of the page and of the payment', async () => {
    const payment = id()
    const checkout = await paymentPage(payment)
    stripe.pay(checkout)
    const intent = stripe.intentOf(checkout).id
    await stripe.webhooks.settled()
    const events = await Promise.all(heard.map((one) => eventFrom(one)))
    expect(known(events)).toEqual([
      ['payment_intent.created', intent],
      ['charge.succeeded', intent],
      ['payment_intent.succeeded', intent],
      ['checkout.session.completed', checkout],
    ])
    for (const event of events) expect(event).toMatchObject({ origin: { municipality: 4000, payment } })
  })

  test('of refunds and disputes speaks of their payment', async () => {
    const intent = await paid()
    const refund = stripe.refund(intent, 100)
    stripe.failRefund(refund.id)
    stripe.dispute(intent, 'won')
    await stripe.webhooks.settled()
    const events = known(await Promise.all(heard.slice(4).map((one) => eventFrom(one))))
    expect(events.map(([type]) => type)).toEqual([
      'charge.refunded',
      'refund.created',
      'refund.failed',
      'refund.updated',
      'charge.refund.updated',
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.funds_reinstated',
      'charge.dispute.closed',
    ])
    expect(new Set(events.map(([, subject]) => subject))).toEqual(new Set([intent]))
  })

  test('that is forged, old, changed, unsigned or garbled is seen through', async () => {
    const intent = await paid()
    await stripe.webhooks.settled()
    heard = []
    const object = stripe.state.intents[intent] ?? {}
    for (const how of ['foreign_secret', 'old', 'other_body', 'unsigned', 'garbage'] as const) {
      await stripe.forge('payment_intent.succeeded', object, how)
    }
    expect(await Promise.all(heard.map((one) => eventFrom(one)))).toEqual(Array(5).fill('forged'))
  })

  test('is good for five minutes', async () => {
    await paid()
    await stripe.webhooks.settled()
    const [first] = heard
    if (!first) throw new Error('nothing was heard')
    expect(await eventFrom(first, Date.now() + 299_000)).not.toBe('forged')
    expect(await eventFrom(first, Date.now() + 302_000)).toBe('forged')
  })

  test('that is not taken comes again, and one that is held does not come', async () => {
    answers = [500, 503]
    await paid()
    await stripe.webhooks.settled()
    expect(heard).toHaveLength(6)
    Object.assign(stripe.vices.webhooks, { held: true })
    await paid()
    expect(heard).toHaveLength(6)
    Object.assign(stripe.vices.webhooks, { copies: 3, shuffledBy: () => 0.3 })
    await stripe.deliver()
    expect(heard).toHaveLength(6 + 12)
  })
})

test("a municipality's own secrets come before the shared ones, and one secret alone is no account", () => {
  const env = { STRIPE_SECRET_KEY: 'sk', STRIPE_WEBHOOK_SECRET: 'wh', STRIPE_WEBHOOK_SECRET_7620: 'wh7620' }
  const found = { municipality: 4000, secretKey: 'sk', webhookSecret: 'wh', address: null, patienceMs: null }
  expect(stripeOf(env, 4000)).toEqual(found)
  expect(stripeOf(env, 7620)).toMatchObject({ secretKey: 'sk', webhookSecret: 'wh7620' })
  expect(stripeOf({ STRIPE_WEBHOOK_SECRET: 'wh' }, 4000)).toBeNull()
  expect(stripeOf({ ...env, STRIPE_WEBHOOK_SECRET: '' }, 4000)).toBeNull()
})
