import { createExecutionContext, env } from 'cloudflare:test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { base64url, digest } from '../../shared/signing.ts'
import { setDailyLimit } from '../../worker/accounts.ts'
import { setStatus } from '../../worker/cards.ts'
import worker, { app } from '../../worker/main.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  enrolment,
  type Municipality,
  municipality,
  newKey,
  newSale,
  newSite,
  signed,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

/** Everybody who may ask for something: the coparent has the same child, the stranger another one. */
const EVERYBODY = ['nobody', 'guardian', 'coparent', 'stranger', 'admin', 'club', 'finance', 'terminal'] as const
type Who = (typeof EVERYBODY)[number]

/** What is said of the child: to its guardians and the office, wherever it might slip out. */
const OF_THE_CHILD = ['Alma Hemmelig', '87,65']

/** What else only the guardian themselves and the office may read. */
const SECRETS = [
  ...OF_THE_CHILD,
  'Asta Prøveforælder',
  'asta@hemmelig.example',
  '+4520202020',
  'Et hemmeligt emne',
  'Et hemmeligt spørgsmål',
]

type World = {
  office: Municipality
  alma: CardHolder
  guardian: Parent
  coparent: Parent
  stranger: Parent
  tokens: Record<'admin' | 'club' | 'finance', string>
  terminal: EnrolledTerminal
  spare: string
  code: string
  product: number
  supportCase: string
}

let world: World

async function staffToken(db: D1Database, role: 'club' | 'finance'): Promise<string> {
  const token = `kk_${base64url(crypto.getRandomValues(new Uint8Array(32)))}`
  await db
    .prepare('INSERT INTO staff_token (name, role, hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)')
    .bind(`Et ${role}-bevis`, role, await digest(token), Date.now(), Date.now() + 86_400_000)
    .run()
  return token
}

beforeAll(async () => {
  await emptyDatabases()
  const office = await municipality()
  const site = await newSite(office)
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const alma = await cardHolder(office, { name: 'Alma Hemmelig', credit: 10_000 })
  const other = await cardHolder(office, { name: 'Bo Nabo', credit: 10_000 })
  const guardian = await parentOf(office, '0101575001', [alma.child], 'Asta Prøveforælder')
  const coparent = await parentOf(office, '0901575009', [alma.child], 'Carl Prøveforælder')
  const stranger = await parentOf(office, '0201575002', [other.child], 'Birk Prøveforælder')
  const supportCase = crypto.randomUUID()
  await guardian.post('/support', {
    id: supportCase,
    message: crypto.randomUUID(),
    account: String(alma.account),
    subject: 'Et hemmeligt emne',
    text: 'Et hemmeligt spørgsmål',
    phone: '20 20 20 20',
    callWanted: 'on',
  })
  await guardian.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@hemmelig.example' })
  await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår' })
  const product = await office.post<{ id: number }>('/products', { site, name: 'Toast', price: 1500 })
  const spare = await office.post<{ terminal: string; code: string }>('/terminals', { site, name: 'Reserven' })
  world = {
    office,
    alma,
    guardian,
    coparent,
    stranger,
    tokens: {
      admin: office.token,
      club: await staffToken(office.db, 'club'),
      finance: await staffToken(office.db, 'finance'),
    },
    terminal,
    spare: spare.terminal,
    code: spare.code,
    product: product.id,
    supportCase,
  }
  await terminal.send(await terminal.say('request', { card: alma.hash, amount: 1235 })) // It leaves 87,65 kr.
})

/** Who may, with the address and what is sent; `path` and `body` are made of the world, and a body of who asks too. */
type Row = { may: readonly Who[]; path?: () => string; body?: (who: Who) => unknown }

const anybody = { may: EVERYBODY }
const admin = { may: ['admin'] } as const
const guardians = { may: ['guardian', 'coparent', 'stranger'] } as const
const own = { may: ['guardian', 'coparent'] } as const
const author = { may: ['guardian'] } as const
const account = (rest: string) => () => `/konto/${world.alma.account}/${rest}`
const staff = (rest: () => string) => () => `/api/staff/${rest()}`

/** Every route of the worker. A route that is missing here fails the first test below. */
const MATRIX: Record<string, Row> = {
  'GET /healthz': anybody,
  'GET /openapi.json': anybody,
  'POST /api/setup': { may: [], body: () => ({ number: 4000, name: 'En anden', staff: 'Ingen' }) },

  'POST /api/terminal/messages': {
    may: ['terminal'],
    body: async (who) => ({ messages: [await saleOf(who)] }),
  },
  'POST /api/terminal/enrol': {
    may: [], // Whoever has the code may; nobody here has.
    body: async () => enrolment('0000-0000-0000-0000', await newKey()),
  },
  'GET /api/terminal/sync': { may: ['terminal'] },
  'GET /api/terminal/cards/:hash': { may: ['terminal'], path: () => `/api/terminal/cards/${world.alma.hash}` },

  'GET /api/staff/me': admin,
  'GET /api/staff/sites': admin,
  'POST /api/staff/sites': { ...admin, body: () => ({ name: 'Ny klub' }) },
  'GET /api/staff/products': admin,
  'POST /api/staff/products': { ...admin, body: () => ({ site: 1, name: 'Kakao', price: 1000 }) },
  'POST /api/staff/products/:id/price': {
    ...admin,
    path: staff(() => `products/${world.product}/price`),
    body: () => ({ price: 1600 }),
  },
  'POST /api/staff/products/:id/category': {
    ...admin,
    path: staff(() => `products/${world.product}/category`),
    body: () => ({ category: 'food' }),
  },
  'POST /api/staff/products/:id/retire': {
    ...admin,
    path: staff(() => `products/${world.product}/retire`),
    body: () => ({}),
  },
  'GET /api/staff/children': admin,
  'POST /api/staff/children': { ...admin, body: () => ({ name: 'Ny Prøvebarn' }) },
  'GET /api/staff/children/:id': { ...admin, path: staff(() => `children/${world.alma.child}`) },
  'POST /api/staff/children/:id/guardians': {
    ...admin,
    path: staff(() => `children/${world.alma.child}/guardians`),
    body: () => ({ cpr: '0301575003' }),
  },
  'POST /api/staff/children/:id/guardians/end': {
    ...admin,
    path: staff(() => `children/${world.alma.child}/guardians/end`),
    body: () => ({ cpr: '0301575003' }),
  },
  'POST /api/staff/cards': { ...admin, body: () => ({ child: world.alma.child, uid: '04aabbccddeeff' }) },
  'POST /api/staff/cards/:id/block': {
    ...admin,
    path: staff(() => `cards/${world.alma.card}/block`),
    body: () => ({}),
  },
  'POST /api/staff/cards/:id/activate': {
    ...admin,
    path: staff(() => `cards/${world.alma.card}/activate`),
    body: () => ({}),
  },
  'GET /api/staff/accounts/:id': { ...admin, path: staff(() => `accounts/${world.alma.account}`) },
  'POST /api/staff/accounts/:id/credit': {
    ...admin,
    path: staff(() => `accounts/${world.alma.account}/credit`),
    body: () => ({ id: newSale(), amount: 100, reason: 'prøve' }),
  },
  'GET /api/staff/terminals': admin,
  'POST /api/staff/terminals': { ...admin, body: () => ({ site: 1, name: 'En ny' }) },
  'POST /api/staff/terminals/:id/code': {
    ...admin,
    path: staff(() => `terminals/${world.spare}/code`),
    body: () => ({}),
  },
  'POST /api/staff/terminals/:id/revoke': {
    ...admin,
    path: staff(() => `terminals/${world.spare}/revoke`),
    body: () => ({}),
  },
  'GET /api/staff/ledger/check': admin,
  'GET /api/staff/cases': admin,
  'GET /api/staff/cases/:id': { ...admin, path: staff(() => `cases/${world.supportCase}`) },
  'POST /api/staff/cases/:id/answer': {
    ...admin,
    path: staff(() => `cases/${world.supportCase}/answer`),
    body: () => ({ id: crypto.randomUUID(), text: 'Et svar' }),
  },
  'POST /api/staff/cases/:id/close': {
    ...admin,
    path: staff(() => `cases/${world.supportCase}/close`),
    body: () => ({}),
  },
  'GET /api/staff/publications': admin,
  'POST /api/staff/publications': { ...admin, body: () => ({ kind: 'terms', language: 'da', text: 'Nye vilkår' }) },
  'GET /api/staff/settings': admin,
  'POST /api/staff/settings': { ...admin, body: () => ({ supportPhone: '00 00 00 00' }) },

  'GET /': anybody,
  'POST /sprog': { ...anybody, body: () => ({ language: 'en', page: '/log-ind' }) },
  'GET /log-ind': anybody,
  'GET /log-ind/mitid': { may: [] }, // No broker is configured here; test/worker/login.test.ts has one.
  'GET /log-ind/svar': { may: [] },
  'GET /handelsbetingelser': anybody,
  'GET /was': anybody,
  'GET /privatliv': anybody,
  'GET /privatliv/mine-data': guardians,

  'GET /konti': guardians,
  'GET /konto/:account/vaelg': { ...own, path: account('vaelg') },
  'GET /konto/:account/brugerinfo': { ...own, path: account('brugerinfo') },
  'POST /konto/:account/kort/:card/:verb{spaer|aktiver}': {
    ...own,
    path: () => `/konto/${world.alma.account}/kort/${world.alma.card}/spaer`,
    body: () => ({}),
  },
  'POST /konto/:account/maks-forbrug': { ...own, path: account('maks-forbrug'), body: () => ({ limit: '50' }) },
  'GET /brugerinfo': guardians,
  'POST /brugerinfo/om-dig': { ...guardians, body: () => ({ language: 'en' }) },
  'GET /konto/:account/kontoudtog': { ...own, path: account('kontoudtog') },
  'GET /konto/:account/kontoudtog.csv': { ...own, path: account('kontoudtog.csv') },
  'GET /konto/:account/kontoudtog.pdf': { ...own, path: account('kontoudtog.pdf') },
  'GET /support': guardians,
  'POST /support': {
    ...guardians,
    body: () => ({
      id: crypto.randomUUID(),
      message: crypto.randomUUID(),
      account: '',
      subject: 'Emne',
      text: 'Spørgsmål',
      phone: '',
    }),
  },
  'GET /support/:case': { ...author, path: () => `/support/${world.supportCase}` },
  'POST /support/:case': {
    ...author,
    path: () => `/support/${world.supportCase}`,
    body: () => ({ id: crypto.randomUUID(), text: 'Mere' }),
  },
  'POST /log-ud/alle': { ...guardians, body: () => ({}) },
  'POST /log-ud': { may: EVERYBODY, body: () => ({}) },
}

/** A sale signed by the terminal, or by a key of somebody who says that they are it. */
async function saleOf(who: Who): Promise<string> {
  if (who === 'terminal') return world.terminal.say('request', { card: world.alma.hash, amount: 500 })
  const payload = { v: 1, kind: 'request', sale: newSale(), seq: 2, prev: '', card: world.alma.hash, amount: 500 }
  return signed(await newKey(), 'klubkort-debit', world.terminal.id, { ...payload, lines: [], at: Date.now() })
}

/** One request as somebody makes it, with everything that they can show. */
async function ask(route: string, who: Who): Promise<{ status: number; text: string; location: string | null }> {
  const [method = '', pattern = ''] = route.split(' ')
  const row = MATRIX[route]
  const path = row?.path?.() ?? pattern
  const form = !pattern.startsWith('/api/')
  const parent = who === 'guardian' || who === 'coparent' || who === 'stranger' ? world[who] : null
  const content = method === 'POST' ? await row?.body?.(who) : undefined
  const bearer = await bearerOf(who, path)
  const origin = 'http://4000.localhost'
  const request = new Request(origin + path, {
    method,
    redirect: 'manual',
    headers: {
      origin,
      ...(parent && { cookie: parent.cookie }),
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(method === 'POST' && { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json' }),
    },
    ...(method === 'POST' && {
      body: form
        ? new URLSearchParams({ csrf: parent?.csrf ?? '', ...(content as Record<string, string>) }).toString()
        : JSON.stringify(content),
    }),
  })
  const response = await worker.fetch(request, env, createExecutionContext())
  return { status: response.status, text: await response.text(), location: response.headers.get('location') }
}

async function bearerOf(who: Who, path: string): Promise<string | null> {
  if (who === 'terminal') return world.terminal.proof(path)
  return who === 'admin' || who === 'club' || who === 'finance' ? world.tokens[who] : null
}

/** Whether an answer lets somebody in: neither refused nor shown to the log-in. */
const letsIn = ({ status, location }: { status: number; location: string | null }) =>
  status < 400 && !(location?.startsWith('/log-ind?tilbage=') ?? false)

/** What of the secrets somebody may read; the coparent sees the child, and nothing of the other guardian. */
const mayKnow = (who: Who, secret: string) =>
  who === 'guardian' || who === 'admin' || (who === 'coparent' && OF_THE_CHILD.includes(secret))
const secretsTold = (who: Who, text: string) =>
  SECRETS.filter((secret) => text.includes(secret) && !mayKnow(who, secret))

describe('a guardianship that ends while a form is on its way', () => {
  it('lets the guardian steer neither card nor limit, and staff still may', async () => {
    const { office } = world
    const emil = await cardHolder(office, { name: 'Emil Prøvebarn' })
    const { guardian } = await parentOf(office, '0401575004', [emil.child])
    const [parent, clerk] = [{ guardian }, { staff: 1 }]
    const now = Date.now()
    expect(await setStatus(office.db, emil.card, 'blocked', parent, now)).toMatchObject({ status: 'blocked' })
    expect(await setDailyLimit(office.db, emil.account, 5000, parent, now)).toBe('set')
    expect(await setStatus(office.db, world.alma.card, 'blocked', parent, now)).toBe('not_found')
    await office.post(`/children/${emil.child}/guardians/end`, { cpr: '0401575004' })
    const before = await contents(office.db)
    expect(await setStatus(office.db, emil.card, 'active', parent, now)).toBe('not_found')
    expect(await setDailyLimit(office.db, emil.account, null, parent, now)).toBe('not_found')
    expect(await contents(office.db)).toEqual(before)
    expect(await setStatus(office.db, emil.card, 'active', clerk, now)).toMatchObject({ status: 'active' })
    expect(await setDailyLimit(office.db, emil.account, 5000, clerk, now)).toBe('set')
    expect(await setDailyLimit(office.db, 999, 5000, clerk, now)).toBe('not_found')
  })
})

describe('every route', () => {
  const routes = [...new Set(app.routes.filter(({ method }) => method !== 'ALL').map((r) => `${r.method} ${r.path}`))]

  it('stands in the matrix, and the matrix knows no other', () => {
    expect([...routes].sort()).toEqual(Object.keys(MATRIX).sort())
  })

  it('keeps out whoever may not, tells them nothing, and lets them change nothing', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}) // That no broker is configured.
    const leaks: string[] = []
    const quiet = ['session', 'viewing', 'alarm']
    for (const route of routes) {
      for (const who of EVERYBODY) {
        if (MATRIX[route]?.may.includes(who)) continue
        const before = await contents(world.office.db, ...quiet)
        const answer = await ask(route, who)
        if (letsIn(answer)) leaks.push(`${route} lets ${who} in with ${answer.status}`)
        const told = secretsTold(who, answer.text)
        if (told.length) leaks.push(`${route} tells ${who}: ${told.join(', ')}`)
        const after = await contents(world.office.db, ...quiet)
        if (JSON.stringify(after) !== JSON.stringify(before)) leaks.push(`${route} lets ${who} change something`)
      }
    }
    console.log(`${routes.length} routes × ${EVERYBODY.length}: leaks ${leaks.length}`)
    expect(leaks).toEqual([])
  })

  it('that shows a page or makes a file asks the database at most twice', async () => {
    const asked = [
      ...(['first', 'all', 'run', 'raw'] as const).map((name) =>
        vi.spyOn(Object.getPrototypeOf(world.office.db.prepare('SELECT 1')), name),
      ),
      vi.spyOn(Object.getPrototypeOf(world.office.db), 'batch'),
    ]
    const pages = routes.filter((route) => /^GET \/(?!api\/|healthz|openapi)/.test(route))
    const trips: Record<string, number> = {}
    for (const who of ['nobody', 'guardian'] as const) {
      for (const route of pages) {
        for (const spy of asked) spy.mockClear()
        await ask(route, who)
        trips[`${route} for ${who}`] = asked.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
      }
    }
    for (const spy of asked) spy.mockRestore()
    expect(pages.length).toBeGreaterThan(15)
    expect(Object.entries(trips).filter(([, count]) => count > 2)).toEqual([])
    expect(trips['GET /konti for guardian']).toBe(2) // Or nothing was counted.
  })

  it('lets in whoever may, and tells its secrets to nobody else', async () => {
    const faults: string[] = []
    const last = ['POST /log-ud/alle', 'POST /log-ud'] // Nobody comes in after that.
    const order = [...routes.filter((route) => !last.includes(route)), ...last]
    for (const route of order) {
      for (const who of MATRIX[route]?.may ?? []) {
        const answer = await ask(route, who)
        if (!letsIn(answer)) faults.push(`${route} refuses ${who} with ${answer.status} ${answer.text.slice(0, 200)}`)
        const told = secretsTold(who, answer.text)
        if (told.length) faults.push(`${route} tells ${who}: ${told.join(', ')}`)
      }
    }
    expect(faults).toEqual([])
  })
})
