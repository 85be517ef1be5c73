import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { login } from '../../worker/texts/login.ts'
import { stepUp } from '../../worker/texts/step-up.ts'
import { ACR, type Guest, guestWith, newBroker, said, sent } from './guest.ts'
import { contents, emptyDatabases, type Municipality, municipality } from './municipality.ts'
import type { OpenidBroker, Said } from './openid.ts'

let office: Municipality
let broker: OpenidBroker
let idura: Record<string, unknown>

beforeEach(async () => {
  await emptyDatabases()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  office = await municipality()
  ;({ broker, idura } = await newBroker())
})
afterEach(() => vi.restoreAllMocks())

const browser = (config: Record<string, unknown> | null = idura) => guestWith(config)

async function logIn(guest: Guest, claims: Said = said(), tilbage?: string): Promise<Response> {
  return await guest.get(broker.approve(await sent(guest, tilbage), claims).href)
}

/** What a log-in that comes to nothing shows, and that it changes nothing. */
async function expectRefused(
  act: () => Promise<Response>,
  title: { da: string; en: string },
  status: number,
): Promise<string> {
  const before = await contents(office.db, 'login_attempt')
  const response = await act()
  const text = await response.text()
  expect([response.status, /<h1>(.*?)<\/h1>/.exec(text)?.[1]]).toEqual([status, title.da])
  expect(response.headers.getSetCookie().some((line) => line.startsWith('__Host-session='))).toBe(false)
  expect(await contents(office.db, 'login_attempt')).toEqual(before)
  return text
}

describe('an answer that is refused', () => {
  it('with a state that was tampered with: the log-in itself can still be finished', async () => {
    const guest = browser()
    const answer = broker.approve(await sent(guest), said())
    const forged = new URL(answer)
    forged.searchParams.set('state', 'A'.repeat(43))
    await expectRefused(() => guest.get(forged.href), login.mismatchTitle, 400)
    forged.searchParams.delete('state')
    await expectRefused(() => guest.get(forged.href), login.mismatchTitle, 400)
    expect((await guest.get(answer.href)).status).toBe(303)
  })

  it('a second time; whoever is logged in already is not told that they are not', async () => {
    const guest = browser()
    const answer = broker.approve(await sent(guest), said())
    const cookie = guest.cookies.get('__Host-login') ?? ''
    await guest.get(answer.href)
    guest.cookies.set('__Host-login', cookie)
    await expectRefused(() => guest.get(answer.href), stepUp.used.title, 400)
    guest.cookies.delete('__Host-session')
    await expectRefused(() => guest.get(answer.href), login.unknownTitle, 400)
  })

  it('twice at the same time: one is logged in', async () => {
    const guest = browser()
    const answer = broker.approve(await sent(guest), said())
    const both = await Promise.all([guest.get(answer.href), guest.get(answer.href)])
    expect(both.map(({ status }) => status).sort()).toEqual([303, 400])
  })

  it('in a browser that did not ask, as when an attacker hands over a link of their own', async () => {
    const answer = broker.approve(await sent(browser()), said())
    await expectRefused(() => browser().get(answer.href), login.unknownTitle, 400)
    const other = browser()
    await sent(other)
    await expectRefused(() => other.get(answer.href), login.mismatchTitle, 400)
  })

  it('after 15 minutes', async () => {
    const guest = browser()
    const answer = broker.approve(await sent(guest), said())
    await office.db.prepare('UPDATE login_attempt SET created_at = created_at - 900000').run()
    await expectRefused(() => guest.get(answer.href), login.unknownTitle, 400)
  })

  it.each([
    ['another nonce', { nonce: 'B'.repeat(43) }],
    ['no nonce', { nonce: undefined }],
    ['another issuer', { iss: 'https://elsewhere.test' }],
    ['another audience', { aud: 'somebody-else' }],
    ['a time that is past', { exp: Math.floor(Date.now() / 1000) - 3600 }],
  ])('with an ID token of %s', async (_, claims) => {
    const guest = browser()
    broker.vices = { claims }
    await expectRefused(() => logIn(guest), login.invalidTitle, 400)
  })

  it.each([
    ['a key that is not the broker’s', { foreignKey: true }],
    ['nobody', { unsigned: true }],
  ])('with an ID token signed by %s', async (_, vices) => {
    broker.vices = vices
    await expectRefused(() => logIn(browser()), login.invalidTitle, 400)
  })

  it('with a code that the broker does not know', async () => {
    const guest = browser()
    const answer = broker.approve(await sent(guest), said())
    answer.searchParams.set('code', 'guessed')
    await expectRefused(() => guest.get(answer.href), login.invalidTitle, 400)
  })

  it('with a code of another log-in: its verifier is another', async () => {
    const guest = browser()
    const stolen = broker.approve(await sent(browser()), said()).searchParams.get('code') ?? ''
    const answer = broker.approve(await sent(guest), said())
    answer.searchParams.set('code', stolen)
    await expectRefused(() => guest.get(answer.href), login.invalidTitle, 400)
  })

  it('from another broker than the one that was asked (RFC 9207)', async () => {
    const guest = browser()
    const answer = broker.approve(await sent(guest), said())
    answer.searchParams.set('iss', 'https://elsewhere.test')
    await expectRefused(() => guest.get(answer.href), login.invalidTitle, 400)
  })

  it('with userinfo about somebody else', async () => {
    const { name: _, ...token } = said().token
    const claims = { token, userinfo: { sub: 'somebody-else', name: 'X Prøve' } }
    await expectRefused(() => logIn(browser(), claims), login.invalidTitle, 400)
  })

  it.each([
    ['low', `${ACR}low`],
    ['unknown', 'urn:something:else'],
    ['of a longer name', `${ACR}substantial-not`],
    ['of another form', [`${ACR}substantial`]],
    ['not told', undefined],
  ])('at a level of assurance that is %s, whatever was asked for', async (_, acr) => {
    await expectRefused(() => logIn(browser(), said({ acr })), login.assuranceTitle, 403)
  })

  it('when the guardian pressed cancel; the way to try again leads where they were going', async () => {
    const guest = browser()
    const answer = broker.refuse(await sent(guest, '/support'))
    const page = await expectRefused(() => guest.get(answer.href), login.refusedTitle, 403)
    expect(page).toContain('href="/log-ind?tilbage=%2Fsupport"')
  })

  it('too many tries from one place are held back', async () => {
    const full = { GUESSES: { limit: async () => ({ success: false }) } }
    await expectRefused(() => guestWith(idura, full).get('/log-ind/mitid'), login.oftenTitle, 429)
  })
})

describe('a broker that is down', () => {
  it('before the log-in: the page says so, and nothing is awaited', async () => {
    broker.vices = { down: 'discovery' }
    await expectRefused(() => browser().get('/log-ind/mitid'), login.unavailableTitle, 503)
    expect((await contents(office.db)).login_attempt).toEqual([])
    broker.vices = {}
    expect((await logIn(browser())).status).toBe(303)
  })

  it('since the last log-in: nobody is sent to where nothing answers', async () => {
    await logIn(browser())
    broker.vices = { down: 'discovery' }
    await expectRefused(() => browser().get('/log-ind/mitid'), login.unavailableTitle, 503)
  })

  it.each(['token', 'userinfo', 'keys'] as const)('at %s', async (down) => {
    const { name: _, ...token } = said().token
    broker.vices = { down }
    await expectRefused(() => logIn(browser(), { token }), login.unavailableTitle, 503)
  })

  it('that answers with an error page, or that says it is busy', async () => {
    const guest = browser()
    const location = await sent(guest)
    broker.vices = { garbled: true }
    await expectRefused(() => guest.get(broker.approve(location, said()).href), login.unavailableTitle, 503)
    broker.vices = {}
    const busy = broker.refuse(await sent(guest), 'temporarily_unavailable')
    await expectRefused(() => guest.get(busy.href), login.unavailableTitle, 503)
  })

  it('that does not know our secret any more', async () => {
    const config = { ...idura, clientSecret: 'an old one' }
    await expectRefused(() => logIn(browser(config)), login.unavailableTitle, 503)
  })

  it('that is not configured', async () => {
    await expectRefused(() => browser(null).get('/log-ind/mitid'), login.unavailableTitle, 503)
  })
})
