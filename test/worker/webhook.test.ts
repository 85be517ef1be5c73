import { createExecutionContext, env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import worker from '../../worker/main.ts'
import { settle } from '../../worker/payments/settlements.ts'
import { FORGERIES } from '../local/stripe/webhooks.ts'
import { mailService } from './mail-service.ts'
import { contents } from './municipality.ts'
import { expectSound, lastEvent, type Till, till } from './paying.ts'

let at: Till

beforeEach(async () => {
  at = await till()
  return () => expectSound(at.db)
})

const delivered = () => at.standIn.webhooks.deliveries.map(({ status }) => status)
const post = (body: string, headers: Record<string, string>, more: Record<string, unknown> = {}) =>
  worker.fetch(
    new Request('http://4000.localhost/api/stripe/webhook', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }),
    { ...env, ...more },
    createExecutionContext(),
  )

/** What has happened at Stripe so far is told to nobody. */
async function unheard() {
  at.standIn.vices.webhooks.never = () => true
  await at.standIn.deliver()
  at.standIn.vices.webhooks.never = () => false
}

describe('a webhook', () => {
  it('credits a payment before its payer has come back', async () => {
    const { id, intent } = await at.paid()
    await at.standIn.deliver()
    expect(new Set(delivered())).toEqual(new Set([200]))
    expect(await at.row(id)).toMatchObject({ status: 'paid', intent })
    expect(await settle(at.db, at.stripe, id, at.clock.nowMs)).toMatchObject({ status: 'paid' })
    expect(await at.transfers()).toEqual([`deposit:${intent} 10000 psp_clearing → wallet`])
    expect(await at.letters()).toHaveLength(1)
  })

  it('that comes after the payer has nothing to add', async () => {
    const { id } = await at.paid()
    await settle(at.db, at.stripe, id, at.clock.nowMs)
    const before = await contents(at.db, 'session')
    await at.standIn.deliver()
    expect(await contents(at.db, 'session')).toEqual(before)
  })

  it('ten times in parallel, shuffled, credits once', async () => {
    const payments = [await at.paid(), await at.paid({}, { mobilepay: true }), await at.paid()]
    Object.assign(at.standIn.vices.webhooks, { copies: 10, parallel: 10, shuffledBy: Math.random })
    await at.standIn.deliver()
    expect(delivered().length).toBeGreaterThan(60)
    expect(new Set(delivered())).toEqual(new Set([200]))
    expect(await at.balance()).toBe(30_000)
    expect(await at.transfers()).toHaveLength(payments.length)
    expect(await at.letters()).toHaveLength(payments.length)
  })

  it('of a refund and of a dispute moves what it tells of', async () => {
    const { intent } = await at.paid()
    at.standIn.refund(intent, 1_000)
    await at.standIn.deliver()
    expect(await at.balance()).toBe(9_000)
    const { id } = at.standIn.dispute(intent)
    await at.standIn.deliver()
    expect(await at.balance()).toBe(0)
    at.standIn.endDispute(id, 'won')
    await at.standIn.deliver()
    expect(await at.balance()).toBe(9_000)
  })

  it('of an expired page ends the payment', async () => {
    const { id, checkout } = await at.page()
    at.standIn.expire(checkout)
    await at.standIn.deliver()
    expect(await at.row(id)).toMatchObject({ status: 'expired' })
  })

  it('is asked for again while Stripe is down, and mail goes on', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { id } = await at.paid()
    at.standIn.fail('cut')
    await at.standIn.deliver()
    // The other municipality, whose payment it is not, has no need to ask.
    expect(delivered()).toContain(503)
    expect(await at.row(id)).toMatchObject({ status: 'open' })
    await at.db.prepare("UPDATE municipality SET mail_from = 'klubkort@kommune.example'").run()
    at.standIn.mend()
    await at.standIn.deliver()
    expect(await at.row(id)).toMatchObject({ status: 'paid' })
    at.standIn.fail('cut')
    await at.page().catch(() => null)
    const service = mailService()
    await worker.scheduled({ cron: '* * * * *' }, { ...env, MAIL: service.binding } as never)
    expect(service.sent).toHaveLength(1)
    errors.mockRestore()
  })

  it('says nothing that is believed: Stripe is asked', async () => {
    const { id, checkout } = await at.page()
    at.standIn.pay(checkout, { card: '4000000000000002' })
    const lie = { ...at.standIn.intentOf(checkout), status: 'succeeded', amount_received: 99_999 }
    // Signed with the right secret, as by somebody who has stolen it.
    const genuine = { ...lastEvent(at, 'payment_intent.payment_failed'), type: 'payment_intent.succeeded' }
    const event = { ...genuine, data: { object: lie } }
    at.standIn.webhooks.tell(event as never)
    await at.standIn.deliver()
    expect(await at.row(id)).toMatchObject({ status: 'open' })
    expect(await at.transfers()).toEqual([])
  })
})

describe('a webhook that is not for us', () => {
  it('is refused where it is forged, and says so in one line without its content', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { intent } = await at.paid()
    const before = await contents(at.db, 'session')
    const calls = at.standIn.calls.length
    const object = at.standIn.state.intents[intent] ?? {}
    for (const how of FORGERIES) {
      const statuses = await at.standIn.forge('payment_intent.succeeded', object, how)
      expect([how, ...statuses]).toEqual([how, 401, 401])
    }
    expect(at.standIn.calls).toHaveLength(calls)
    expect(await contents(at.db, 'session')).toEqual(before)
    const lines = errors.mock.calls.map(([line]) => JSON.parse(String(line)))
    const forged = lines.filter(({ event }) => event === 'webhook_forged')
    expect(forged).toHaveLength(10)
    expect(Object.keys(forged[0])).toEqual(['level', 'event', 'municipality'])
    errors.mockRestore()
  })

  it('is none where there is no account at Stripe', async () => {
    const without = await post('{}', {}, { STRIPE_SECRET_KEY: undefined })
    expect([without.status, await without.json()]).toMatchObject([404, { error: { code: 'not_found' } }])
  })

  it('is not read where it is too large', async () => {
    const large = await post('x'.repeat(300_000), {})
    expect([large.status, await large.json()]).toMatchObject([413, { error: { code: 'too_large' } }])
  })

  it('of another municipality changes nothing here, and Stripe is not asked', async () => {
    const { id } = await at.paid()
    await unheard()
    const event = lastEvent(at, 'payment_intent.succeeded')
    const object = { ...event.data.object, metadata: { municipality: '7620', payment: id } }
    const before = await contents(at.db, 'session')
    const calls = at.standIn.calls.length
    at.standIn.webhooks.tell({ ...event, data: { object } } as never)
    await at.standIn.deliver()
    expect(delivered()[0]).toBe(200)
    expect(await contents(at.db, 'session')).toEqual(before)
    expect(at.standIn.calls.length - calls).toBeLessThanOrEqual(1) // By the other municipality, whom it names.
  })

  it('of a kind that is not known, or of nothing that is here, is taken and forgotten', async () => {
    const customer = { object: 'customer', id: 'cus_1', metadata: {} }
    const stranger = { object: 'payment_intent', id: 'pi_unknown', metadata: {} }
    const { id } = await at.paid()
    const event = lastEvent(at, 'payment_intent.succeeded')
    await unheard()
    for (const object of [customer, stranger]) at.standIn.webhooks.tell({ ...event, data: { object } } as never)
    await at.standIn.deliver()
    expect(new Set(delivered())).toEqual(new Set([200]))
    expect(await at.row(id)).toMatchObject({ status: 'open' })
  })
})

it('the cron of every minute repairs what no webhook told', async () => {
  const { id } = await at.paid()
  await unheard()
  await at.db.prepare('UPDATE payment SET check_at = 1').run()
  await worker.scheduled({ cron: '* * * * *' }, env as never)
  expect(await at.row(id)).toMatchObject({ status: 'paid' })
  const calls = at.standIn.calls.length
  await worker.scheduled({ cron: '* * * * *' }, env as never)
  expect(at.standIn.calls).toHaveLength(calls)
  expect(await at.row(id)).toMatchObject({ check_at: null })
})
