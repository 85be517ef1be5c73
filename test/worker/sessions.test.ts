import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { networkOf } from '../../worker/login/networks.ts'
import { keepDraft } from '../../worker/login/sessions.ts'
import { sweep } from '../../worker/sweep.ts'
import { guestWith, newBroker } from './guest.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
} from './municipality.ts'
import { browse, type Parent, parentOf } from './parent.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let office: Municipality
let alma: CardHolder
let mother: Parent

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  alma = await cardHolder(office, { name: 'Alma Prøvebarn' })
  mother = await parentOf(office, '0101575001', [alma.child], 'Asta Prøveforælder')
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const idle = (ms: number) => office.db.prepare('UPDATE session SET seen_at = seen_at - ?').bind(ms).run()
const kept = () => office.db.prepare('SELECT draft, id_token AS idToken FROM session').first()
const bytesHeld = async () => JSON.stringify(await contents(office.db)).length

describe('what a session keeps of a form', () => {
  const draft = (fields: Record<string, string>) => ({ path: '/support', fields })
  const keep = (fields: Record<string, string>) => keepDraft(office.db, mother.token, draft(fields), Date.now())

  it('is one form, however many are sent by whoever is not logged in any more', async () => {
    await idle(HOUR_MS)
    const before = await bytesHeld()
    for (let sent = 0; sent < 30; sent++) {
      const fields = { page: '/support', [`k${sent}`]: 'x'.repeat(4_000) }
      const { status, text } = await mother.post('/support', fields)
      expect([status, text.includes('tilbage til formularen')]).toEqual([403, true])
    }
    expect((await bytesHeld()) - before).toBeLessThan(5_000)
  })

  it('is nothing after log-out: the database does not grow by a byte', async () => {
    await mother.post('/log-ud')
    const before = await bytesHeld()
    const { status, text } = await mother.post('/support', { page: '/support', text: 'x' })
    expect([status, text.includes('tilbage til formularen')]).toEqual([403, false])
    expect(await bytesHeld()).toBe(before)
  })

  it('is nothing a day after its guardian was seen', async () => {
    await idle(DAY_MS - 60_000)
    expect(await keep({ text: 'x' })).toBe(true)
    await idle(120_000)
    expect(await keep({ text: 'x' })).toBe(false)
  })

  it('is nothing of a token that is no session', async () => {
    expect(await keepDraft(office.db, 'guessed', draft({ text: 'x' }), Date.now())).toBe(false)
  })

  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, 'x']))
  it.each([
    ['a question of the largest size', { text: '€'.repeat(4_000), subject: 'x' }, true],
    ['20 fields', many(20), true],
    ['21 fields', many(21), false],
    ['no field', {}, false],
    ['a name of 41 characters', { ['n'.repeat(41)]: '' }, false],
    ['a value of 4,501 characters', { text: 'x'.repeat(4_501) }, false],
    ['more than 16 kB', { a: '€'.repeat(4_500), b: '€'.repeat(4_500) }, false],
  ] as [string, Record<string, string>, boolean][])('%s', async (_, fields, expected) => {
    expect(await keep(fields)).toBe(expected)
    expect(((await kept())?.draft === null) === expected).toBe(false)
  })

  it('costs the page that shows it no round trip more', async () => {
    const asked = [
      ...(['first', 'all', 'run', 'raw'] as const).map((name) =>
        vi.spyOn(Object.getPrototypeOf(office.db.prepare('SELECT 1')), name),
      ),
      vi.spyOn(Object.getPrototypeOf(office.db), 'batch'),
    ]
    const trips = async () => {
      for (const spy of asked) spy.mockClear()
      const { text } = await mother.get('/support')
      return [text.includes('Kortet er væk'), asked.reduce((sum, spy) => sum + spy.mock.calls.length, 0)]
    }
    const [, plain] = await trips()
    await keep({ text: 'Kortet er væk' })
    expect(await trips()).toEqual([true, plain])
    expect(plain).toBe(2)
  })

  it('is not spent by looking whether the page is there', async () => {
    await keep({ text: 'Kortet er væk' })
    expect((await browse(4000, 'HEAD', '/support', { cookie: mother.cookie })).status).toBe(200)
    expect((await mother.get('/support')).text).toContain('Kortet er væk')
    expect((await mother.get('/support')).text).not.toContain('Kortet er væk')
  })
})

describe('the sweep', () => {
  it('takes the ID token of a session that is over, and what was typed after a day', async () => {
    await keepDraft(office.db, mother.token, { path: '/support', fields: { text: 'x' } }, Date.now())
    const left = async (ms: number) => {
      await sweep(office.db, Date.now() + ms)
      const row = await kept()
      return [row?.idToken !== '', row?.draft !== null]
    }
    expect(await left(29 * 60_000)).toEqual([true, true])
    expect(await left(31 * 60_000)).toEqual([false, true])
    expect(await left(DAY_MS + 1)).toEqual([false, false])
  })

  it('takes the ID token twelve hours after the log-in, however busy the session was', async () => {
    await office.db
      .prepare('UPDATE session SET created_at = created_at - ?')
      .bind(12 * HOUR_MS)
      .run()
    await sweep(office.db, Date.now())
    expect((await kept())?.idToken).toBe('')
  })

  it('forgets after 30 days when somebody logged in and out, and no other deed', async () => {
    await mother.post(`/konto/${alma.account}/maks-forbrug`, { limit: '50' })
    await mother.post('/log-ud')
    const own = async () => {
      const deeds = office.db.prepare('SELECT action FROM audit WHERE guardian = ? ORDER BY id').bind(mother.guardian)
      return (await deeds.raw()).flat()
    }
    await sweep(office.db, Date.now() + 29 * DAY_MS)
    expect(await own()).toEqual(['logged_in', 'daily_limit_set', 'logged_out'])
    expect((await sweep(office.db, Date.now() + 31 * DAY_MS)).logIns).toBe(2)
    expect(await own()).toEqual(['daily_limit_set'])
  })
})

describe('whoever does too much', () => {
  const limiter = (held: (key: string) => boolean = () => false) => {
    const keys: string[] = []
    const limit = async ({ key }: { key: string }) => {
      keys.push(key)
      return { success: !held(key) }
    }
    return { keys, more: { WRITES: { limit }, GUESSES: { limit } } }
  }
  const own = () => `/konto/${alma.account}`

  it('is held back at every form, in words, and the next guardian is not', async () => {
    const { keys, more } = limiter((key) => key === `4000:${mother.guardian}`)
    const fields = { csrf: mother.csrf, limit: '10' }
    const before = await contents(office.db, 'session')
    for (const path of [`${own()}/maks-forbrug`, `${own()}/kort/${alma.card}/spaer`, '/support', '/log-ud/alle']) {
      const { status, text } = await browse(4000, 'POST', path, { cookie: mother.cookie, fields, more })
      expect([path, status, text.includes('Vent et minut')]).toEqual([path, 429, true])
    }
    expect(await contents(office.db, 'session')).toEqual(before)
    expect(new Set(keys)).toEqual(new Set([`4000:${mother.guardian}`]))
    const father = await parentOf(office, '0201575002', [alma.child])
    const his = { cookie: father.cookie, fields: { csrf: father.csrf, limit: '10' }, more }
    expect((await browse(4000, 'POST', `${own()}/maks-forbrug`, his)).status).toBe(303)
  })

  it('of files can block a card still, and read pages', async () => {
    const { more } = limiter((key) => key.startsWith('files:'))
    const { cookie, csrf } = mother
    for (const path of [`${own()}/kontoudtog.csv`, `${own()}/kontoudtog.pdf`, '/privatliv/mine-data']) {
      const { status, headers } = await browse(4000, 'GET', path, { cookie, more })
      expect([path, status, headers.get('content-type')]).toEqual([path, 429, 'text/html; charset=UTF-8'])
    }
    expect((await browse(4000, 'GET', `${own()}/kontoudtog`, { cookie, more })).status).toBe(200)
    const blocked = await browse(4000, 'POST', `${own()}/kort/${alma.card}/spaer`, { cookie, fields: { csrf }, more })
    expect(blocked.status).toBe(303)
  })

  it('tries to log in from one IPv6 network is one, whichever of its addresses they use', async () => {
    const { idura } = await newBroker()
    const { keys, more } = limiter(() => true)
    const guest = guestWith(idura, more)
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:ffff:1:2:3', '192.0.2.7']) {
      await guest.get('/log-ind/mitid', { 'cf-connecting-ip': address })
    }
    expect(keys).toEqual(['login:2001:db8:1:2', 'login:2001:db8:1:2', 'login:192.0.2.7'])
  })

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1:2:3:4:5', '2001:db8:0:1'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
    ['', ''],
  ])("'%s' is of the network '%s'", (address, network) => expect(networkOf(address)).toBe(network))
})

describe('what is asked otherwise', () => {
  it('by HEAD answers as the page does, without it', async () => {
    for (const path of ['/konti', `/konto/${alma.account}/brugerinfo`]) {
      const { status, text } = await browse(4000, 'HEAD', path, { cookie: mother.cookie })
      expect([path, status, text]).toEqual([path, 200, ''])
    }
    expect((await browse(4000, 'HEAD', '/konti')).status).toBe(303)
  })

  it('of the staff is kept by no cache, whatever the answer', async () => {
    const asked = async (path: string, token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await browse(4000, 'GET', path, { headers })).headers.get('cache-control')
    }
    expect(await asked('/api/staff/children', office.token)).toBe('no-store')
    expect(await asked('/api/staff/children', 'guessed')).toBe('no-store')
    expect(await asked('/api/nowhere', '')).toBe('no-store')
  })
})
