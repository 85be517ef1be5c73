import { env } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { digest } from '../../shared/signing.ts'
import { BrokerConfig, brokerOf } from '../../worker/login/broker.ts'
import { localPath } from '../../worker/login/logins.ts'
import { cprHash } from '../../worker/municipality/secrets.ts'
import { ACR, CPR, type Guest, guestWith, locationOf, newBroker, PORTAL, SUBJECT, said, sent } from './guest.ts'
import { contents, emptyDatabases, type Municipality, municipality } from './municipality.ts'
import type { OpenidBroker, Said } from './openid.ts'

let office: Municipality
let broker: OpenidBroker
let idura: Record<string, unknown>
let nets: Record<string, unknown>

beforeEach(async () => {
  await emptyDatabases()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  office = await municipality()
  ;({ broker, idura, nets } = await newBroker())
})
afterEach(() => vi.restoreAllMocks())

const browser = (config: Record<string, unknown> | null = idura) => guestWith(config)

async function logIn(guest: Guest, claims: Said = said(), tilbage?: string): Promise<Response> {
  return await guest.get(broker.approve(await sent(guest, tilbage), claims).href)
}

const guardians = async () =>
  (await office.db.prepare('SELECT id, issuer, subject, name, cpr_hash AS cprHash, language FROM guardian').all())
    .results
const sessionsInForce = async () =>
  (await office.db.prepare('SELECT hash, guardian, id_token AS idToken FROM session WHERE ended_at IS NULL').all())
    .results

describe('a log-in', () => {
  it('leads to the broker with code, PKCE, state and nonce, and back into a session', async () => {
    const guest = browser()
    const location = await sent(guest, '/konto/7/kontoudtog?fra=2026-01-01')
    expect(Object.fromEntries(location.searchParams)).toEqual({
      client_id: 'klubkort',
      response_type: 'code',
      scope: 'openid ssn',
      redirect_uri: `${PORTAL}/log-ind/svar`,
      acr_values: `${ACR}substantial`,
      prompt: 'login',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    const response = await guest.get(broker.approve(location, said()).href)
    expect([response.status, locationOf(response)]).toEqual([303, '/konto/7/kontoudtog?fra=2026-01-01'])
    const cookie = response.headers.getSetCookie().find((line) => line.startsWith('__Host-session='))
    expect(cookie).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    expect(guest.cookies.has('__Host-login')).toBe(false)
    expect((await guest.get('/konti')).status).toBe(200)
  })

  it('knows a guardian by issuer and subject, and keeps of the CPR number only its HMAC', async () => {
    await logIn(browser())
    await logIn(browser(), said({ name: 'Anna Nyt Prøveforælder' }))
    expect(await guardians()).toEqual([
      {
        id: 1,
        issuer: idura.issuer,
        subject: SUBJECT,
        name: 'Anna Nyt Prøveforælder',
        cprHash: await cprHash(env.MASTER_KEY, 4000, CPR),
        language: 'da',
      },
    ])
    const audit = await office.db.prepare("SELECT guardian, subject FROM audit WHERE action = 'logged_in'").all()
    expect(audit.results).toEqual([1, 2].map(() => ({ guardian: 1, subject: 'guardian:1' })))
  })

  it('leaves the CPR number nowhere: not in the database, not even inside a stored ID token', async () => {
    const other = { token: { sub: 'n', loa: 'HIGH', 'dk.cpr': CPR, 'mitid.identity_name': 'X Prøve' } }
    for (const [config, claims] of [[idura, said()] as const, [nets, other] as const]) {
      await logIn(browser(config), claims)
      expect((await sessionsInForce()).map(({ idToken }) => idToken)).toEqual([''])
    }
    expect(JSON.stringify(await contents(office.db))).not.toContain(CPR)
  })

  it('asks userinfo for what the ID token does not tell, as Nets has it, and keeps the ID token for log-out', async () => {
    const claims = {
      token: { sub: 'nets-1', loa: 'SUBSTANTIAL', 'mitid.uuid': 'u' },
      userinfo: { 'dk.cpr': '010157-5001', 'mitid.identity_name': 'Bent Prøveforælder' },
    }
    expect((await logIn(browser(nets), claims)).status).toBe(303)
    expect(await guardians()).toMatchObject([
      { subject: 'nets-1', name: 'Bent Prøveforælder', cprHash: await cprHash(env.MASTER_KEY, 4000, CPR) },
    ])
    expect((await sessionsInForce())[0]?.idToken).not.toBe('')
  })

  it.each([
    'NAVNE & ADRESSEBESKYTTET',
    'NAVNE &  ADRESSEBESKYTTET',
    'NAVNE &amp; ADRESSEBESKYTTET',
    'NAVNE OG ADRESSEBESKYTTET',
    'Navne- og adressebeskyttet',
    'navne-og\u00a0adressebeskyttelse',
    'Navne/adressebeskyttet',
    'Navnebeskyttet',
    ' - ',
  ])("takes '%s' for no name", async (name) => {
    await logIn(browser(), said({ name }))
    expect(await guardians()).toMatchObject([{ name: null }])
  })

  it.each(['Navne Prøveforælder', 'Anna Beskyttet', 'Åse-Marie Ør'])("takes '%s' for a name", async (name) => {
    await logIn(browser(), said({ name }))
    expect(await guardians()).toMatchObject([{ name }])
  })

  it('does without a CPR number, and without a name', async () => {
    const { cprNumberIdentifier: _, ...token } = said().token
    await logIn(browser(), { token: { ...token, sub: 'no-cpr' } })
    await logIn(browser(), said({ sub: 'protected', name: 'NAVNE & ADRESSEBESKYTTET' }))
    await logIn(browser(), said({ sub: 'odd', cprNumberIdentifier: '01015750', name: undefined }))
    expect((await guardians()).map(({ subject, name, cprHash }) => [subject, name, cprHash !== null])).toEqual([
      ['no-cpr', 'Anna Prøveforælder', false],
      ['protected', null, true],
      ['odd', null, false],
    ])
  })

  it('gives a token that nobody has seen before, and ends the session that came along', async () => {
    const guest = browser()
    await logIn(guest)
    const first = guest.cookies.get('__Host-session') ?? ''
    guest.cookies.set('__Host-session', first)
    await logIn(guest)
    const second = guest.cookies.get('__Host-session') ?? ''
    expect(second).not.toBe(first)
    expect((await sessionsInForce()).map(({ hash }) => hash)).toEqual([await digest(second)])
  })

  it('somebody new is spoken to in the language they chose before, and not asked again', async () => {
    const guest = browser()
    await guest.post('/sprog', { language: 'en', page: '/log-ind' })
    await logIn(guest)
    expect(await (await guest.get('/konti')).text()).toContain('<html lang="en">')
  })

  it('a session cookie that somebody planted is not the one that is logged in', async () => {
    const guest = browser()
    guest.cookies.set('__Host-session', 'planted')
    await logIn(guest)
    expect(guest.cookies.get('__Host-session')).not.toBe('planted')
    expect((await sessionsInForce()).map(({ hash }) => hash)).not.toContain(await digest('planted'))
  })

  it('asks whether the broker is there before it sends a browser away, and for its keys once', async () => {
    for (const _ of [1, 2]) await logIn(browser())
    expect(broker.calls.sort()).toEqual([
      'GET /.well-known/openid-configuration',
      'GET /.well-known/openid-configuration',
      'GET /keys',
      'POST /token',
      'POST /token',
    ])
  })
})

describe('the way back', () => {
  it.each([
    'https://evil.test/',
    '//evil.test',
    '/\\evil.test',
    '\\/evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    '/konti\r\nset-cookie: a=b',
    '/konti\\..\\..',
    'javascript:alert(1)',
    'konti',
    '',
    ' /konti',
    '/log-ud',
    '/log-ind/mitid',
    '/log-ind/svar?code=1',
  ])('never leads to %j', async (tilbage) => {
    expect(localPath(tilbage)).toBe('/konti')
    expect(locationOf(await logIn(browser(), said(), tilbage))).toBe('/konti')
    const page = await (await browser().get(`/log-ind?tilbage=${encodeURIComponent(tilbage)}`)).text()
    expect(page).toContain('href="/log-ind/mitid?tilbage=%2Fkonti"')
  })

  it.each(['/konti', '/konto/7/kontoudtog?fra=2026-01-01&til=2026-02-01', '/support?om=%C3%A6', '/log-ind?farvel=1'])(
    'leads to %s',
    (path) => expect(localPath(path)).toBe(path),
  )

  it('is not longer than 500 characters', () => {
    expect(localPath(`/${'a'.repeat(499)}`)).toHaveLength(500)
    expect(localPath(`/${'a'.repeat(500)}`)).toBe('/konti')
  })
})

describe('the page of the log-in', () => {
  it('has the button to the letter, and whom to call', async () => {
    await office.db
      .prepare("UPDATE municipality SET support_phone = '00 00 00 00', support_hours_da = 'mandag kl. 8-16'")
      .run()
    const page = await (await browser().get('/log-ind')).text()
    expect(page).toMatch(/<a class="mitid-button" href="\/log-ind\/mitid\?tilbage=%2Fkonti">Log ind med MitID<\/a>/)
    const main = page.slice(page.indexOf('<main'), page.indexOf('</main>'))
    expect(main).toContain('tel:00000000')
    expect(main).toContain('mandag kl. 8-16')
    const english = browser()
    english.cookies.set('__Host-language', 'en')
    expect(await (await english.get('/log-ind')).text()).toContain('>Log on with MitID</a>')
  })
})

/** The token that the forms of whoever is logged in carry. */
const csrfIn = async (guest: Guest) =>
  /name="csrf" value="([\w-]{22})"/.exec(await (await guest.get('/konti')).text())?.[1] ?? ''

describe('a form that an idle session interrupted', () => {
  const draft = { path: '/support', fields: { text: 'Kortet er væk' } }
  const drafts = async () =>
    (await office.db.prepare('SELECT draft FROM session ORDER BY created_at, rowid').all<{ draft: string | null }>())
      .results

  /** Sends the form after the session has been idle for too long. */
  async function interrupted(guest: Guest) {
    await logIn(guest)
    const csrf = await csrfIn(guest)
    await office.db.prepare('UPDATE session SET seen_at = seen_at - 3600000').run()
    const response = await guest.post('/konto/1/brugerinfo', { csrf, page: draft.path, ...draft.fields })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('kommer du tilbage til formularen med det, du har skrevet')
  }

  it('waits through a log-in that was cancelled, comes back with the next, and is shown once', async () => {
    const guest = browser()
    await interrupted(guest)
    await guest.get(broker.refuse(await sent(guest, draft.path)).href)
    expect(locationOf(await logIn(guest, said(), draft.path))).toBe('/support')
    expect(await drafts()).toEqual([{ draft: null }, { draft: JSON.stringify(draft) }])
    expect(await (await guest.get('/konti')).text()).not.toContain('Kortet er væk')
    expect(await (await guest.get('/support')).text()).toContain('Kortet er væk</textarea>')
    expect(await (await guest.get('/support')).text()).not.toContain('Kortet er væk')
    expect(JSON.stringify(await contents(office.db))).not.toContain('Kortet er væk')
  })

  it('is not shown to somebody else who logs in at the same browser, and is then gone', async () => {
    const guest = browser()
    await interrupted(guest)
    await logIn(guest, said({ sub: 'somebody-else', cprNumberIdentifier: '0201575002' }))
    expect(await drafts()).toEqual([{ draft: null }, { draft: null }])
  })
})

describe('whoever is known under another subject already', () => {
  const contact = () =>
    office.db
      .prepare('SELECT language, mail, tell_below, tell_purchases, tell_weekly FROM guardian ORDER BY id')
      .raw<unknown[]>()
  const wants = (guardian: number, mail: string) =>
    office.db
      .prepare("UPDATE guardian SET language = 'en', mail = ?2, tell_below = 5000, tell_purchases = 1 WHERE id = ?1")
      .bind(guardian, mail)
      .run()

  it('is one person still: what they want to be told moves over, and the old sessions end', async () => {
    const old = browser()
    await logIn(old)
    await wants(1, 'anna@hjem.example')
    const fresh = browser()
    await logIn(fresh, said({ sub: 'a-new-one' }))
    expect(await contact()).toEqual([
      ['en', null, null, 0, 0],
      ['en', 'anna@hjem.example', 5000, 1, 0],
    ])
    expect([(await old.get('/konti')).status, (await fresh.get('/konti')).status]).toEqual([303, 200])
    await logIn(fresh, said({ sub: 'a-new-one' }))
    const audit = await office.db
      .prepare("SELECT guardian, subject FROM audit WHERE action = 'identity_replaced'")
      .all()
    expect(audit.results).toEqual([{ guardian: 2, subject: 'guardian:1' }])
  })

  it('keeps what they have asked for here, and the other address is forgotten', async () => {
    await logIn(browser())
    await logIn(browser(), said({ sub: 'a-new-one' }))
    await wants(1, 'gammel@hjem.example')
    await wants(2, 'anna@hjem.example')
    await logIn(browser(), said({ sub: 'a-new-one' }))
    expect((await contact()).map(([, mail]) => mail)).toEqual([null, 'anna@hjem.example'])
  })

  it('is nobody who has another CPR number, or none', async () => {
    const { cprNumberIdentifier: _, ...token } = said().token
    const guest = browser()
    await logIn(guest)
    await wants(1, 'anna@hjem.example')
    await logIn(browser(), said({ sub: 'another', cprNumberIdentifier: '0201575002' }))
    await logIn(browser(), { token: { ...token, sub: 'no-cpr' } })
    await logIn(browser(), { token: { ...token, sub: 'no-cpr-either' } })
    expect((await contact()).map(([, mail]) => mail)).toEqual(['anna@hjem.example', null, null, null])
    expect((await guest.get('/konti')).status).toBe(200)
    expect(await sessionsInForce()).toHaveLength(4)
  })
})

describe('log-out', () => {
  it('keeps the ID token for the broker so that nobody can read it in the database, and not after', async () => {
    const guest = browser(nets)
    await logIn(guest, { token: { sub: 'n', loa: 'HIGH', 'mitid.identity_name': 'X Prøve' }, userinfo: {} })
    const [kept] = await sessionsInForce()
    const response = await guest.post('/log-ud', { csrf: await csrfIn(guest) })
    const told = new URL(locationOf(response)).searchParams.get('id_token_hint') ?? ''
    expect(told.split('.')).toHaveLength(3)
    for (const part of told.split('.')) expect(kept?.idToken).not.toContain(part)
    expect(atob(String(kept?.idToken).replaceAll('-', '+').replaceAll('_', '/'))).not.toContain('"sub"')
    const stored = await office.db.prepare('SELECT id_token, draft FROM session').first()
    expect(stored).toEqual({ id_token: '', draft: null })
  })

  it('ends the session here and at the broker, and comes back to a page that says so', async () => {
    const guest = browser(nets)
    await logIn(guest, { token: { sub: 'n', loa: 'HIGH', 'mitid.identity_name': 'X Prøve' }, userinfo: {} })
    const cookie = guest.cookies.get('__Host-session') ?? ''
    const response = await guest.post('/log-ud', { csrf: await csrfIn(guest) })
    const there = new URL(locationOf(response))
    expect([response.status, there.pathname]).toEqual([303, '/logout'])
    expect(Object.fromEntries(there.searchParams)).toEqual({
      client_id: 'klubkort',
      id_token_hint: expect.stringMatching(/^ey[\w-]+\.ey[\w-]+\.[\w-]+$/),
      post_logout_redirect_uri: `${PORTAL}/log-ind?farvel=1`,
      ui_locales: 'da',
    })
    expect(await sessionsInForce()).toEqual([])
    expect(guest.cookies.has('__Host-session')).toBe(false)
    guest.cookies.set('__Host-session', cookie)
    expect((await guest.get('/konti')).status).toBe(303)
    expect(await (await guest.get('/log-ind?farvel=1')).text()).toContain('<h1>Du er logget ud</h1>')
  })

  it('here leaves the other browsers in, everywhere leaves none, and both leave a trace', async () => {
    const guests = [browser(), browser(), browser()] as const
    for (const guest of guests) await logIn(guest)
    const [one, two, three] = guests
    const other = browser()
    await logIn(other, said({ sub: 'other', cprNumberIdentifier: '0201575002' }))
    await one.post('/log-ud', { csrf: await csrfIn(one) })
    expect([(await two.get('/konti')).status, (await three.get('/konti')).status]).toEqual([200, 200])
    const there = new URL(locationOf(await two.post('/log-ud/alle', { csrf: await csrfIn(two) })))
    expect(there.pathname).toBe('/logout')
    expect([(await two.get('/konti')).status, (await three.get('/konti')).status]).toEqual([303, 303])
    expect((await other.get('/konti')).status).toBe(200)
    const audit = await office.db
      .prepare("SELECT action, subject, guardian FROM audit WHERE action IN ('logged_out', 'sessions_ended')")
      .raw()
    expect(audit).toEqual([
      ['logged_out', 'guardian:1', 1],
      ['sessions_ended', 'guardian:1', 1],
    ])
  })

  it('everywhere is not claimed to whoever had been logged out meanwhile', async () => {
    const [guest, lost] = [browser(), browser()]
    for (const each of [guest, lost]) await logIn(each)
    const csrf = await csrfIn(guest)
    const hash = await digest(guest.cookies.get('__Host-session') ?? '')
    await office.db.prepare('UPDATE session SET seen_at = 0 WHERE hash = ?').bind(hash).run()
    const response = await guest.post('/log-ud/alle', { csrf, page: '/konti' })
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('prøv så en gang til')
    expect((await lost.get('/konti')).status).toBe(200)
  })

  it('does without an ID token where that would have told the CPR number', async () => {
    const guest = browser()
    await logIn(guest)
    const there = new URL(locationOf(await guest.post('/log-ud', { csrf: await csrfIn(guest) })))
    expect([there.pathname, there.searchParams.has('id_token_hint')]).toEqual(['/logout', false])
  })

  it('ends the session here though the broker is down', async () => {
    const guest = browser()
    await logIn(guest)
    const csrf = await csrfIn(guest)
    broker.vices = { down: 'discovery' }
    expect(locationOf(await guest.post('/log-ud', { csrf }))).toBe('/log-ind?farvel=1')
    expect(await sessionsInForce()).toEqual([])
  })

  it('is not done by a form that does not carry the token', async () => {
    const guest = browser()
    await logIn(guest)
    for (const path of ['/log-ud', '/log-ud/alle']) await guest.post(path, { csrf: 'x'.repeat(22) })
    expect(await sessionsInForce()).toHaveLength(1)
  })
})

describe('what a municipality configures', () => {
  const parsed = (change: Record<string, unknown>) => BrokerConfig.safeParse({ ...idura, ...change }).success

  it('refuses http but on this machine, parameters that are ours, and no level of assurance', () => {
    expect(parsed({})).toBe(true)
    expect(parsed({ issuer: 'http://127.0.0.1:8789' })).toBe(true)
    expect(parsed({ issuer: 'http://broker.test' })).toBe(false)
    expect(parsed({ issuer: 'http://localhost.broker.test' })).toBe(false)
    expect(parsed({ parameters: { nonce: '1' } })).toBe(false)
    expect(parsed({ parameters: { redirect_uri: 'https://evil.test' } })).toBe(false)
    expect(parsed({ assurance: { claim: 'acr', accepted: [] } })).toBe(false)
    expect(parsed({ scope: 'ssn' })).toBe(false)
  })

  it('says what is malformed without quoting the secret', () => {
    const config = JSON.stringify({ ...idura, clientSecret: 'hush-hush', claims: undefined })
    for (const text of [config, `${config}}`]) {
      const act = () => brokerOf({ ...env, OIDC_4000: text } as never, 4000)
      expect(act).toThrow(/^OIDC_4000 is malformed/)
      expect(act).not.toThrow(/hush/)
    }
  })
})
