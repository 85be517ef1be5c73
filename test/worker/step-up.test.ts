import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { digest } from '../../shared/signing.ts'
import { confirm, confirmationIn } from '../../worker/confirmations.ts'
import { authorization, BrokerConfig } from '../../worker/login/broker.ts'
import { settings } from '../../worker/municipality/settings.ts'
import { stepUp } from '../../worker/texts/step-up.ts'
import { ACR, CPR, type Guest, guestWith, locationOf, newBroker, said } from './guest.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
  newSale,
} from './municipality.ts'
import type { OpenidBroker, Said } from './openid.ts'

let office: Municipality
let broker: OpenidBroker
let idura: Record<string, unknown>
let alma: CardHolder
let guest: Guest

/** Somebody else with the same child: another subject, another CPR number. */
const coparent = () => said({ sub: 'somebody-else', cprNumberIdentifier: '0201575002', name: 'Bent Prøveforælder' })

beforeEach(async () => {
  await emptyDatabases()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  office = await municipality()
  alma = await cardHolder(office, { name: 'Alma Prøvebarn', credit: 20_000 })
  for (const cpr of [CPR, '0201575002']) await office.post(`/children/${alma.child}/guardians`, { cpr })
  ;({ broker, idura } = await newBroker())
  idura = { ...idura, stepUp: { message: 'login_hint' } }
  guest = await loggedIn()
})
afterEach(() => vi.restoreAllMocks())

async function loggedIn(claims: Said = said(), browser = guestWith(idura)): Promise<Guest> {
  const sentOff = await browser.get('/log-ind/mitid?tilbage=/konti')
  await browser.get(broker.approve(new URL(locationOf(sentOff)), claims).href)
  return browser
}

const csrfIn = async (browser: Guest) =>
  /name="csrf" value="([\w-]{22})"/.exec(await (await browser.get('/konti')).text())?.[1] ?? ''

const BANK = { name: 'Anna Prøveforælder', registration: '1234', bankAccount: '1234567', message: 'Retur' }

/** Fills in the form; resolves to the address of its summary. */
async function draft(browser = guest, amount = '100'): Promise<string> {
  const fields = { csrf: await csrfIn(browser), id: newSale(), ...BANK, amount }
  const response = await browser.post(`/konto/${alma.account}/udbetal`, fields)
  expect(response.status).toBe(303)
  return locationOf(response)
}

/** Presses 'Godkend med MitID'; resolves to where the broker is. */
async function pressed(summary: string, browser = guest): Promise<URL> {
  const response = await browser.post(`${summary}/bekraeft`, { csrf: await csrfIn(browser) })
  expect(response.status).toBe(303)
  return new URL(locationOf(response))
}

const payouts = async () =>
  (await office.db.prepare('SELECT status, amount FROM payout ORDER BY created_at, id').all()).results
const balance = () =>
  office.db
    .prepare('SELECT balance FROM posting WHERE account = ? ORDER BY seq DESC LIMIT 1')
    .bind(alma.account)
    .first('balance')
const inForce = async (browser = guest) => (await browser.get('/konti')).status === 200

const REQUESTED = [{ status: 'requested', amount: 10_000 }]
const DRAFTED = [{ status: 'draft', amount: 10_000 }]

/** What comes to nothing: the page says so and leads back, nothing moves, and nobody is added or logged in. */
async function expectNothing(
  act: () => Promise<Response>,
  why: { title: { da: string } },
  status: number,
  back = '%2Fkonto%2F',
) {
  const before = await contents(office.db, 'login_attempt', 'viewing')
  const response = await act()
  const text = await response.text()
  expect([response.status, /<h1>(.*?)<\/h1>/.exec(text)?.[1]]).toEqual([status, why.title.da])
  expect(text).toContain(`href="/log-ind?tilbage=${back}`)
  expect(response.headers.getSetCookie().some((line) => line.startsWith('__Host-session='))).toBe(false)
  expect(await contents(office.db, 'login_attempt', 'viewing')).toEqual(before)
}

describe('a payout', () => {
  it('is confirmed by a fresh log-in of the same guardian, who gets a new session', async () => {
    const summary = await draft()
    const session = guest.cookies.get('__Host-session') ?? ''
    const location = await pressed(summary)
    const { prompt, max_age, login_hint } = Object.fromEntries(location.searchParams)
    expect([prompt, max_age]).toEqual(['login', '0'])
    const message = new TextDecoder().decode(
      Uint8Array.from(atob(login_hint?.replace('message:', '') ?? ''), (letter) => letter.charCodeAt(0)),
    )
    expect(message).toBe('Godkend udbetaling af 100,00 kr.')
    expect([await payouts(), await balance()]).toEqual([DRAFTED, 20_000])
    const response = await guest.get(broker.approve(location, said()).href)
    expect([response.status, locationOf(response)]).toEqual([303, summary])
    expect([await payouts(), await balance()]).toEqual([REQUESTED, 10_000])
    expect(guest.cookies.get('__Host-session')).not.toBe(session)
    const old = guestWith(idura)
    old.cookies.set('__Host-session', session)
    expect([await inForce(), await inForce(old)]).toEqual([true, false])
    expect(await (await guest.get(summary)).text()).toContain('<h1>Kvittering</h1>')
    expect(await office.get('/ledger/check')).toMatchObject({ violations: [] })
  })

  it('is believed of a broker that tells when the log-in was, where that was now', async () => {
    broker.vices = { claims: { auth_time: Math.floor(Date.now() / 1000) } }
    await guest.get(broker.approve(await pressed(await draft()), said()).href)
    expect(await payouts()).toEqual(REQUESTED)
  })

  it('is not confirmed by a log-in from before: the broker did not ask again', async () => {
    const location = await pressed(await draft())
    broker.vices = { claims: { auth_time: Math.floor(Date.now() / 1000) - 60 } }
    await expectNothing(() => guest.get(broker.approve(location, said()).href), stepUp.notAnew, 403)
    expect(await inForce()).toBe(true)
  })

  it('is not confirmed where the browser asked for less than a new log-in, and the broker does not say when it was', async () => {
    const location = await pressed(await draft())
    for (const name of ['prompt', 'max_age']) location.searchParams.delete(name)
    await expectNothing(() => guest.get(broker.approve(location, said()).href), stepUp.notAnew, 403)
    expect(await inForce()).toBe(true)
  })

  it('is not confirmed by an answer that leaves out what max_age asks for, wherever that is configured', async () => {
    idura = { ...idura, parameters: { max_age: '0' }, stepUp: { parameters: {} } }
    const browser = await loggedIn()
    const location = await pressed(await draft(browser), browser)
    broker.vices = { claims: { auth_time: undefined } }
    await expectNothing(() => browser.get(broker.approve(location, said()).href), stepUp.notAnew, 403)
  })

  it('is believed of a broker that knows no max_age, where configuration says so', async () => {
    idura = { ...idura, stepUp: { parameters: {} } }
    const browser = await loggedIn()
    const location = await pressed(await draft(browser), browser)
    expect(location.searchParams.has('max_age')).toBe(false)
    await browser.get(broker.approve(location, said()).href)
    expect(await payouts()).toEqual(REQUESTED)
  })

  it('is not confirmed by somebody else, not even the other parent, who is not logged in by that either', async () => {
    const location = await pressed(await draft())
    await expectNothing(() => guest.get(broker.approve(location, coparent()).href), stepUp.somebodyElse, 403)
    expect(await inForce()).toBe(true)
  })

  it('is not confirmed by the same subject at another issuer', async () => {
    const location = await pressed(await draft())
    await office.db.prepare("UPDATE guardian SET issuer = 'https://elsewhere.test'").run()
    await expectNothing(() => guest.get(broker.approve(location, said()).href), stepUp.somebodyElse, 403)
  })

  it('is not confirmed when it was cancelled at MitID; the way back leads to the summary', async () => {
    const summary = await draft()
    const location = await pressed(summary)
    const back = encodeURIComponent(summary)
    await expectNothing(() => guest.get(broker.refuse(location).href), stepUp.refused, 403, back)
    const again = await guest.get(`/log-ind?tilbage=${back}`)
    expect([again.status, locationOf(again)]).toEqual([303, summary])
    await guest.get(broker.approve(await pressed(summary), said()).href)
    expect(await payouts()).toEqual(REQUESTED)
  })

  it('is not confirmed at too low a level of assurance', async () => {
    const location = await pressed(await draft())
    const low = said({ acr: `${ACR}low` })
    await expectNothing(() => guest.get(broker.approve(location, low).href), stepUp.assurance, 403)
    expect(await inForce()).toBe(true)
  })

  it('is not confirmed after 15 minutes', async () => {
    const answer = broker.approve(await pressed(await draft()), said())
    await office.db.prepare('UPDATE login_attempt SET created_at = created_at - 900000').run()
    await expectNothing(() => guest.get(answer.href), stepUp.unknown, 400)
    expect(await inForce()).toBe(true)
  })

  it('waits where the broker is down before', async () => {
    const summary = await draft()
    broker.vices = { down: 'discovery' }
    const csrf = await csrfIn(guest)
    await expectNothing(() => guest.post(`${summary}/bekraeft`, { csrf }), stepUp.unavailable, 503)
    broker.vices = {}
    await guest.get(broker.approve(await pressed(summary), said()).href)
    expect(await payouts()).toEqual(REQUESTED)
  })

  it.each([
    ['is down afterwards', { down: 'token' }, stepUp.unavailable, 503],
    ['answers with a signature of somebody else', { foreignKey: true }, stepUp.invalid, 400],
    ['answers for another log-in', { claims: { nonce: 'B'.repeat(43) } }, stepUp.invalid, 400],
  ] as const)('waits where the broker %s', async (_, vices, why, status) => {
    const answer = broker.approve(await pressed(await draft()), said())
    broker.vices = vices
    await expectNothing(() => guest.get(answer.href), why, status)
    expect([await inForce(), await balance()]).toEqual([true, 20_000])
  })

  it('is held back where somebody asks too often', async () => {
    const summary = await draft()
    const full = guestWith(idura, { GUESSES: { limit: async () => ({ success: false }) } })
    full.cookies.set('__Host-session', guest.cookies.get('__Host-session') ?? '')
    const csrf = await csrfIn(full)
    await expectNothing(() => full.post(`${summary}/bekraeft`, { csrf }), stepUp.often, 429)
  })

  it('is not made where the money went meanwhile; the page says so, and its forms are the new session’s', async () => {
    const [one, two] = [await draft(guest, '150'), await draft(guest, '120')]
    const answer = broker.approve(await pressed(one), said())
    await guest.get(answer.href)
    expect(await balance()).toBe(5_000)
    expect(locationOf(await guest.post(`${two}/bekraeft`, { csrf: await csrfIn(guest) }))).toBe(two)
    expect(await (await guest.get(two)).text()).toMatch(/Der står nu 50,00\skr\. på kontoen/)
    const three = await draft(guest, '40')
    const late = broker.approve(await pressed(three), said())
    await office.post(`/accounts/${alma.account}/credit`, { id: newSale(), amount: 100, reason: 'prøve' })
    await office.db.prepare('UPDATE payout SET created_at = created_at - 1800001').run()
    const response = await guest.get(late.href)
    const text = await response.text()
    expect(response.status).toBe(409)
    expect(text).toContain(stepUp.notDone.too_old.da.replaceAll('’', '&#39;'))
    const csrf = /name="csrf" value="([\w-]{22})"/.exec(text)?.[1]
    expect(csrf).toBe(await csrfIn(guest))
    expect(await balance()).toBe(5_100)
  })

  it('by two forms that are confirmed at once never takes more than there is', async () => {
    const [one, two] = [await draft(guest, '150'), await draft(guest, '120')]
    const other = await loggedIn()
    const [first, second] = [await pressed(one), await pressed(two, other)]
    const answers = await Promise.all([
      guest.get(broker.approve(first, said()).href),
      other.get(broker.approve(second, said()).href),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409])
    expect([5_000, 8_000]).toContain(await balance())
    expect(await office.get('/ledger/check')).toMatchObject({ violations: [] })
  })
})

describe('an attacker', () => {
  it('with a replayed answer does nothing twice', async () => {
    const answer = broker.approve(await pressed(await draft()), said())
    const cookie = guest.cookies.get('__Host-login') ?? ''
    const both = await Promise.all([guest.get(answer.href), guest.get(answer.href)])
    expect(both.map(({ status }) => status).sort()).toEqual([303, 400])
    guest = await loggedIn()
    guest.cookies.set('__Host-login', cookie)
    await expectNothing(() => guest.get(answer.href), stepUp.used, 400, '%2Fkonti')
    expect([await payouts(), await balance()]).toEqual([REQUESTED, 10_000])
  })

  it('with a forged state spends nothing: the true answer still counts', async () => {
    const answer = broker.approve(await pressed(await draft()), said())
    const forged = new URL(answer)
    forged.searchParams.set('state', 'A'.repeat(43))
    await expectNothing(() => guest.get(forged.href), stepUp.mismatch, 400)
    await expectNothing(() => guest.get('/log-ind/svar'), stepUp.mismatch, 400)
    await guest.get(answer.href)
    expect(await payouts()).toEqual(REQUESTED)
  })

  it('who hands over a link to the way back confirms nothing in another browser', async () => {
    const mallory = await loggedIn(coparent())
    const theirs = await draft(mallory)
    const answer = broker.approve(await pressed(theirs, mallory), said())
    await expectNothing(() => guest.get(answer.href), stepUp.used, 400, '%2Fkonti')
    expect([await payouts(), await inForce()]).toEqual([DRAFTED, true])
  })

  it('whose log-in cookie is in the browser of the victim gets no log-in of the victim’s to confirm theirs', async () => {
    const mallory = await loggedIn(coparent())
    const location = await pressed(await draft(mallory), mallory)
    guest.cookies.set('__Host-login', mallory.cookies.get('__Host-login') ?? '')
    const answer = broker.approve(location, said())
    const response = await guest.get(answer.href)
    expect(response.status).toBe(404)
    expect([await payouts(), await balance()]).toEqual([DRAFTED, 20_000])
  })

  it('cannot begin with somebody else’s payout, and a confirmation of it does nothing', async () => {
    const summary = await draft()
    const mallory = await loggedIn(coparent())
    const csrf = await csrfIn(mallory)
    expect((await mallory.post(`${summary}/bekraeft`, { csrf })).status).toBe(404)
    expect((await mallory.get(summary)).status).toBe(404)
    const confirmer = { guardian: 2, language: 'da' as const, settings: await settings(office.db), origin: 'http://x' }
    const id = summary.split('/').at(-1) ?? ''
    for (const what of ['payout', 'agreement', 'card']) {
      const done = await confirm(office.db, null, `${what}:${id}`, confirmer, Date.now())
      expect(done.kind).toBe('refused')
    }
    expect([await payouts(), await balance()]).toEqual([DRAFTED, 20_000])
  })

  it('without a session confirms nothing, nor with a form that lacks the session’s token', async () => {
    const summary = await draft()
    const nobody = guestWith(idura)
    expect(locationOf(await nobody.post(`${summary}/bekraeft`, {}))).toContain('/log-ind?tilbage=')
    expect((await guest.post(`${summary}/bekraeft`, { csrf: 'x'.repeat(22) })).status).toBe(403)
    const answer = broker.approve(await pressed(summary), said())
    const stolen = guestWith(idura)
    stolen.cookies.set('__Host-login', guest.cookies.get('__Host-login') ?? '')
    await expectNothing(() => stolen.get(answer.href), stepUp.sessionEnded, 403)
    expect(await payouts()).toEqual(DRAFTED)
  })

  it('who was logged out everywhere meanwhile confirms nothing', async () => {
    const answer = broker.approve(await pressed(await draft()), said())
    const hash = await digest(guest.cookies.get('__Host-session') ?? '')
    await office.db.prepare('UPDATE session SET ended_at = ?2 WHERE hash = ?1').bind(hash, Date.now()).run()
    await expectNothing(() => guest.get(answer.href), stepUp.sessionEnded, 403)
    expect([await payouts(), await balance()]).toEqual([DRAFTED, 20_000])
  })

  it('who lost the child meanwhile gets nothing', async () => {
    const answer = broker.approve(await pressed(await draft()), said())
    await office.post(`/children/${alma.child}/guardians/end`, { cpr: CPR })
    expect((await guest.get(answer.href)).status).toBe(404)
    expect([await payouts(), await balance()]).toEqual([DRAFTED, 20_000])
  })
})

describe('what is asked of the broker', () => {
  const asked = async (change: Record<string, unknown>, message: string | null) => {
    const config = BrokerConfig.parse({ ...idura, ...change })
    const ready = await authorization(
      config,
      'http://4000.localhost/log-ind/svar',
      { state: 's', nonce: 'n', verifier: 'v'.repeat(43) },
      message,
      Date.now(),
    )
    if (ready.kind !== 'ready') throw new Error('the broker is not there')
    return Object.fromEntries(ready.location.searchParams)
  }

  it('is a new log-in whatever the configuration says, and a message only where it is wanted', async () => {
    const parameters = { prompt: 'none', max_age: '60' }
    const anew = await asked({ stepUp: { parameters } }, 'Godkend')
    expect([anew.prompt, anew.max_age, anew.login_hint]).toEqual(['login', '60', undefined])
    expect((await asked({ stepUp: { parameters: {} } }, 'Godkend')).max_age).toBeUndefined()
    expect((await asked({}, null)).login_hint).toBeUndefined()
  })

  it('is a message that fits: one that is too long is cut', async () => {
    const hint = (await asked({}, `Automatisk optankning for ${'Æ'.repeat(100)}`)).login_hint ?? ''
    expect(hint).toMatch(/^message:[\w+/=]{100,130}$/)
  })

  it('names one thing, and nothing else is understood', () => {
    const id = newSale()
    expect(confirmationIn(`card:${id}`)).toEqual({ what: 'card', id })
    for (const text of ['', 'payout', `payout:${id};x`, `refund:${id}`, 'payout:../x']) {
      expect(confirmationIn(text)).toBeNull()
    }
  })
})
