import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Account, CreditCall } from '../shared/office/accounts.ts'
import type { Child } from '../shared/office/children.ts'
import type { Settings } from '../shared/office/settings.ts'
import { Site } from '../shared/office/sites.ts'
import type { WhoAmI } from '../shared/office/staff.ts'
import { AnswerCall, type StaffCase, type StaffCaseSummary } from '../shared/office/support.ts'
import { uuidv7 } from '../shared/uuidv7.ts'
import { call } from '../terminal/http.ts'
import { commandLine, type Ended, type Input, type Place, TOKEN as token } from './local/command-line.ts'
import { freePort } from './local/processes.ts'
import { type Said, standInWorker } from './local/stand-in-worker.ts'

const setupKey = 'the-set-up-key'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-staff-'))
})
afterAll(() => rm(folder, { recursive: true }))

type Setting = Partial<Place & Input>

/** Runs the real command line in a process of its own. */
const klubkort = (args: readonly string[], setting: Setting = {}) => commandLine({ folder, ...setting })(...args)

const each = <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => Promise.all(items.map(work))

const errorOf = (ended: Ended) =>
  z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) }).parse(JSON.parse(ended.err))
    .error

const child: z.infer<typeof Child> = {
  id: 3,
  name: 'Freja Nielsen',
  account: 7,
  balance: 123_450,
  dailyLimit: 5_000,
  cards: [{ id: 9, status: 'active', createdAt: Date.UTC(2026, 11, 24, 17, 0) }],
  guardians: 2,
  leftAt: null,
  club: null,
}
const account: z.infer<typeof Account> = {
  id: 7,
  child: { id: 3, name: 'Freja Nielsen' },
  balance: -330,
  dailyLimit: null,
  spentToday: 1_500,
  movements: [
    {
      seq: 2,
      transfer: 't2',
      kind: 'sale',
      amount: -1_500,
      balance: -330,
      at: Date.UTC(2026, 6, 1, 10, 5),
      reason: 'en meget lang forklaring, der ikke kan stå på en linje af firs tegn',
    },
  ],
}
const caseId = '0198c0de-0000-7000-8000-000000000001'
const listedCase: z.infer<typeof StaffCaseSummary> = {
  id: caseId,
  subject: 'Et køb, som jeg ikke kender, og et til, som jeg heller ikke kender',
  account: 7,
  guardian: { name: 'Anna Prøveforælder' },
  phone: '+4512345678',
  callWanted: true,
  createdAt: Date.UTC(2026, 6, 1, 10, 5),
  closedAt: null,
  waitingSince: Date.UTC(2026, 6, 1, 10, 5),
  assignedTo: { id: 2, name: 'Astrid' },
}
const supportCase: z.infer<typeof StaffCase> = {
  ...listedCase,
  guardian: { name: 'Anna Prøveforælder', mail: 'anna@mail.example' },
  children: [{ id: 3, name: 'Freja Nielsen', account: 7 }],
  messages: [
    { id: caseId, staff: null, text: 'Hvad er det?\nOg det?', at: Date.UTC(2026, 6, 1, 10, 5) },
    { id: caseId, staff: 'Astrid', text: 'Toast.', at: Date.UTC(2026, 6, 1, 10, 6) },
  ],
}
const publication = { kind: 'terms', language: 'da', version: 7, at: Date.UTC(2026, 6, 1, 10, 5), staff: 'Astrid' }
const settings: z.infer<typeof Settings> = {
  name: 'Prøve Kommune',
  supportPhone: '00 00 00 00',
  supportMail: null,
  supportHours: { da: 'mandag til torsdag', en: null },
  mailFrom: null,
  money: {
    depositMin: 5_000,
    depositMax: 200_000,
    topUpThreshold: 5_000,
    topUpActivation: 10_000,
    topUpsPerDay: 2,
    payoutDayMax: 500_000,
    refundDays: 60,
    cardFee: 4_500,
    bankRegistration: null,
    bankAccount: null,
    bankFileVersion: '09',
  },
  offline: {
    ...{ saleMax: 5_000, cardSumMax: 10_000, weakSaleMax: 2_500, weakCardSumMax: 5_000, unsentCountMax: 2_000 },
    ...{ unsentSumMax: 2_000_000, listAgeMaxMs: 86_400_000, language: 'da', tokenTypes: ['ntag'] },
  },
  keep: { booksYears: 5, casesMonths: 24, viewingsMonths: 24 },
}
const terminalCode = { terminal: '4000-7', code: '7K3M-9QXT-2ZJH-0BWE', expiresAt: Date.UTC(2026, 0, 2, 12, 15) }

test('the version is told by package.json', async () => {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')))
  for (const flag of ['--version', '-V']) {
    expect(await klubkort([flag])).toEqual({ code: 0, out: `${version}\n`, err: '' })
  }
})

describe.concurrent('what was compiled', () => {
  const start = (env: Record<string, string>) => klubkort(['--version'], { env: { NODE_COMPILE_CACHE: '', ...env } })

  test('is kept for the next start in a folder that is the user’s alone', async () => {
    const given = join(folder, 'given')
    for (const [env, kept] of [
      [{ HOME: join(folder, 'home') }, join(folder, 'home', '.cache', 'klubkort')],
      [{ XDG_CACHE_HOME: join(folder, 'cache') }, join(folder, 'cache', 'klubkort')],
      [{ CACHE_DIRECTORY: given, XDG_CACHE_HOME: join(folder, 'never') }, given],
    ] as const) {
      expect(await start(env)).toMatchObject({ code: 0, err: '' })
      expect((await stat(kept)).mode & 0o777).toBe(0o700)
      expect(await readdir(kept)).not.toEqual([])
    }
    expect(await stat(join(folder, 'never')).catch(() => null)).toBeNull()
  })

  test('is not looked for where others may write, nor where it is a link, and a start without it is silent', async () => {
    const open = join(folder, 'open', 'klubkort')
    await mkdir(open, { recursive: true })
    await chmod(open, 0o777)
    await mkdir(join(folder, 'linked'))
    await symlink(open, join(folder, 'linked', 'klubkort'))
    for (const XDG_CACHE_HOME of [join(folder, 'open'), join(folder, 'linked'), '/dev/null/cache']) {
      expect(await start({ XDG_CACHE_HOME })).toMatchObject({ code: 0, err: '' })
    }
    expect(await readdir(open)).toEqual([])
  })
})

describe.concurrent('wrong usage', () => {
  test('amounts of any other form are refused without a request', async () => {
    const odd = ['1,555', '1.23,50', '-5', '0,00', '1e3', '٤٥', '1000000']
    const { url, heard } = await standInWorker()
    const all = await each(odd, (amount) => klubkort(['account', 'credit', '7', amount, '--reason', 'abc'], { url }))
    for (const ended of all) {
      expect(ended.err).toMatch(/^klubkort: .*kroner.* \(usage\)\n$/)
      expect(ended.code).toBe(2)
    }
    expect(heard).toEqual([])
  })

  test.for([
    ['an unknown command', ['sites'], "unknown command 'sites'"],
    ['a missing option', ['product', 'add', '--site', '1', '--name', 'Toast'], "required option '--price <kroner>'"],
    ['an id that is none', ['child', 'show', '../../setup'], 'An id is a whole number'],
    ['a terminal id that leads elsewhere', ['terminal', 'revoke', '../sites'], 'The id of a terminal'],
    ['an empty name', ['site', 'add', '  '], 'name: '],
    [
      'a UUID of another version',
      ['account', 'credit', '7', '1', '--reason', 'abc', '--id', crypto.randomUUID()],
      'id',
    ],
    ['a category that is none', ['product', 'category', '4', 'tobacco'], 'Allowed choices are food, drink'],
    ['a case that leads elsewhere', ['case', 'show', '../sites'], 'A case is named by a UUID'],
    ['an empty answer', ['case', 'answer', caseId, '--text', '  '], 'text: '],
    ['an offset that is none', ['case', 'list', '--offset', '-1'], 'An offset is a whole number'],
    ['a state that is none', ['case', 'list', '--state', 'lost'], 'Allowed choices are open, closed, all'],
    ['no setting', ['settings', 'set'], 'name a setting'],
    ['an address that is none', ['settings', 'set', '--mail-from', 'Anna'], 'mailFrom: '],
    ['a smallest deposit of nothing', ['settings', 'set', '--deposit-min', '0'], 'above zero'],
    ['a fee below zero', ['settings', 'set', '--card-fee=-1'], 'kroner'],
    ['a bank account with letters', ['settings', 'set', '--bank-account', 'DK50'], 'money.bankAccount: '],
    ['a registration number of three digits', ['settings', 'set', '--bank-registration', '123'], 'four digits'],
    ['more top-ups a day than there may be', ['settings', 'set', '--top-ups-per-day', '21'], 'money.topUpsPerDay: '],
    ['a version that no bank takes', ['settings', 'set', '--bank-file-version', '05'], 'Allowed choices are 03, 09'],
    ['a case for two', ['case', 'assign', caseId, '--to', '3', '--nobody'], 'cannot be used with'],
    [
      'a club without a site',
      ['staff', 'add', '--name', 'Anne', '--role', 'club'],
      "a club's staff work somewhere: --site",
    ],
    ['a site for an admin', ['staff', 'add', '--name', 'Anne', '--role', 'admin', '--site', '1'], 'sites: a club'],
    ['a token for ever', ['staff', 'add', '--name', 'A', '--role', 'admin', '--expires', '366'], 'Days are 1 to 365'],
    ['a day that is none', ['audit', 'list', '--from', '2026-02-30'], 'A day is like'],
    ['a role that is none', ['staff', 'add', '--name', 'Anne', '--role', 'owner'], 'Allowed choices are admin, club'],
    [
      'a file that is not there',
      ['publication', 'publish', '--kind', 'terms', '--language', 'da', '--file', '/dev/null/terms.md'],
      'cannot be read',
    ],
    ['an address with a path', ['login', '--url', 'https://4000.example/x', '--token', 'abc'], '--url'],
    ['a token over plain http', ['login', '--url', 'http://4000.example', '--token', 'abc'], 'http only for localhost'],
  ] as const)('%s is refused without a request', async ([, args, words]) => {
    const { url, heard } = await standInWorker()
    const ended = await klubkort(args, { url })
    expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringContaining(words) })
    expect(ended.err).toMatch(/^klubkort: .* \(usage\)\n$/)
    expect(heard).toEqual([])
  })

  test('it is told as JSON to those who asked for JSON', async () => {
    const ended = await klubkort(['product', 'add', '--site', '1', '--json'])
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(errorOf(ended)).toEqual({ code: 'usage', message: "required option '--name <name>' not specified" })
  })

  test('a CPR number is taken from standard input only, and never repeated', async () => {
    const { url, heard } = await standInWorker()
    const link = (cpr: string, input = '') =>
      klubkort(['child', 'guardian', 'add', '--child', '3', '--cpr', cpr], { url, input })
    const all = await Promise.all([link('0101575001'), link('-', '310257-5001\n'), link('-', '0101575\n'), link('-')])
    for (const ended of all) {
      expect(ended).toMatchObject({ code: 2, out: '' })
      expect(ended.err).toMatch(/^klubkort: .* \(usage\)\n$/)
      expect(ended.err).not.toMatch(/010157|310257/)
    }
    expect(heard).toEqual([])
  })

  test('a UID that is none is refused and not repeated', async () => {
    const { url, heard } = await standInWorker()
    const ended = await klubkort(['card', 'add', '--child', '3', '--uid', '04a1b2c3d4e5'], { url })
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(ended.err).not.toContain('04a1')
    expect(heard).toEqual([])
  })
})

describe.concurrent('login', () => {
  const me: z.infer<typeof WhoAmI> = {
    municipality: 4000,
    municipalityName: 'Prøve Kommune',
    staff: 'Anne',
    role: 'admin',
    sites: null,
    expiresAt: Date.UTC(2027, 6, 1),
  }

  test('a token from standard input is tried, then kept for its owner only, and used from then on', async () => {
    const { url, heard } = await standInWorker({
      'GET /api/staff/me': { body: me },
      'GET /api/staff/sites': { body: { sites: [] } },
    })
    const env = { XDG_CONFIG_HOME: join(folder, 'xdg') }
    const login = await klubkort(['login', '--url', `${url}/`, '--token', '-'], { env, input: `${token}\n` })
    expect(login).toEqual({ code: 0, out: 'Logged in to Prøve Kommune (4000) as Anne, admin.\n', err: '' })
    const file = join(env.XDG_CONFIG_HOME, 'klubkort', 'credentials.json')
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ url, token })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700)
    expect((await klubkort(['site', 'list'], { env })).code).toBe(0)
    expect(heard.map(({ authorization }) => authorization)).toEqual([`Bearer ${token}`, `Bearer ${token}`])
  })

  test('a file that others could read is theirs no longer after a login', async () => {
    const { url } = await standInWorker({ 'GET /api/staff/me': { body: me } })
    const file = join(folder, 'open.json')
    await writeFile(file, '{}', { mode: 0o644 })
    const login = await klubkort(['login', '--url', url, '--token', token], { env: { KLUBKORT_CONFIG: file } })
    expect(login.code).toBe(0)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('a token that the worker refuses is not kept', async () => {
    const refusal = { error: { code: 'token_invalid', message: 'no staff token' } }
    const { url } = await standInWorker({ 'GET /api/staff/me': { status: 401, body: refusal } })
    const env = { KLUBKORT_CONFIG: join(folder, 'refused.json') }
    const login = await klubkort(['login', '--url', url, '--token', token], { env })
    expect(login).toEqual({ code: 1, out: '', err: 'klubkort: no staff token (token_invalid)\n' })
    await expect(stat(env.KLUBKORT_CONFIG)).rejects.toThrow('ENOENT')
  })

  test('nobody is logged in without a file, with a damaged one, or with half of the variables', async () => {
    const { url, heard } = await standInWorker()
    const damaged = join(folder, 'damaged.json')
    await writeFile(damaged, '{"url":')
    const envs = [
      { KLUBKORT_CONFIG: join(folder, 'nowhere.json') },
      { KLUBKORT_CONFIG: damaged },
      { KLUBKORT_TOKEN: token },
      { KLUBKORT_TOKEN: 'two\nlines', KLUBKORT_URL: url },
    ]
    for (const ended of await each(envs, (env) => klubkort(['site', 'list', '--json'], { env }))) {
      expect(ended).toMatchObject({ code: 4, out: '' })
      expect(errorOf(ended).code).toBe('not_logged_in')
    }
    expect(heard).toEqual([])
  })

  test('setting up shows the token once and logs in', async () => {
    const { url, heard } = await standInWorker({
      'POST /api/setup': { body: { municipality: 4000, name: 'Prøve Kommune', token } },
      'GET /api/staff/sites': { body: { sites: [] } },
    })
    const env = { KLUBKORT_CONFIG: join(folder, 'new', 'login.json'), KLUBKORT_SETUP_KEY: setupKey }
    const args = ['init', '--url', url, '--number', '4000', '--name', 'Prøve Kommune', '--staff', 'Anne']
    const init = await klubkort(args, { env })
    expect(init).toMatchObject({ code: 0, err: '' })
    expect(init.out).toContain(`\n  ${token}\n`)
    expect(heard).toEqual([
      {
        call: 'POST /api/setup',
        authorization: `Bearer ${setupKey}`,
        body: { number: 4000, name: 'Prøve Kommune', staff: 'Anne' },
      },
    ])
    expect((await stat(env.KLUBKORT_CONFIG)).mode & 0o777).toBe(0o600)
    expect(await klubkort(['site', 'list'], { env })).toMatchObject({ code: 0, out: 'No sites yet.\n' })
    expect(heard.at(-1)?.authorization).toBe(`Bearer ${token}`)
  })

  test('the token of a new municipality is shown even if it cannot be stored', async () => {
    const { url } = await standInWorker({
      'POST /api/setup': { body: { municipality: 4000, name: 'Prøve Kommune', token } },
    })
    const env = { KLUBKORT_CONFIG: '/dev/null/login.json', KLUBKORT_SETUP_KEY: setupKey }
    const args = ['init', '--url', url, '--number', '4000', '--name', 'Prøve Kommune', '--staff', 'Anne', '--json']
    const init = await klubkort(args, { env })
    expect(init.code).toBe(0)
    expect(JSON.parse(init.out)).toEqual({ municipality: 4000, name: 'Prøve Kommune', token, credentials: null })
  })
})

describe.concurrent('at the wire', () => {
  const product = { id: 4, site: 1, name: 'Toast', price: 1_650, category: 'food', retiredAt: null, later: [] }
  const card = { id: 9, status: 'active', createdAt: 0 }
  const terminal = { id: '4000-7', site: 1, name: 'Kantine 1', state: 'revoked' }
  const unseen = { lastSeenAt: null, cardListVersion: null, listedAt: null, software: null }
  const nothingTold = { unsentCount: null, unsentSum: null, unsentSince: null }
  const seen = { ...terminal, ...unseen, ...nothingTold, lastSeq: 12, quarantined: 0 }
  const checked = { transfers: 1, postings: 2, messages: 1, violations: [] }
  const site = { id: 1, name: 'Klub Nord' }
  const member = {
    ...{ id: 2, name: 'Finn Prøvefinans', role: 'finance', sites: null, state: 'good' },
    ...{ createdAt: 0, expiresAt: 9, lastUsedAt: null },
  }
  const clubMember = { ...member, role: 'club', sites: [site] }
  const id = uuidv7(Date.UTC(2026, 0, 1), new Uint8Array(16))

  test.for([
    ['site add', ['Klub Nord'], 'POST', '/sites', { name: 'Klub Nord' }, site],
    ['site list', [], 'GET', '/sites', null, { sites: [site] }],
    [
      'product add',
      ['--site', '1', '--name', 'Toast', '--price', '15,00'],
      ...(['POST', '/products', { site: 1, name: 'Toast', price: 1_500, category: 'other' }, product] as const),
    ],
    [
      'product add',
      ['--site', '1', '--name', 'Toast', '--price', '15', '--category', 'food'],
      ...(['POST', '/products', { site: 1, name: 'Toast', price: 1_500, category: 'food' }, product] as const),
    ],
    ['product category', ['4', 'food'], 'POST', '/products/4/category', { category: 'food' }, product],
    ['product list', ['--site', '1'], 'GET', '/products?site=1', null, { products: [product] }],
    ['product price', ['4', '16.50'], 'POST', '/products/4/price', { price: 1_650 }, product],
    ['product retire', ['4'], 'POST', '/products/4/retire', {}, { ...product, retiredAt: 5 }],
    [
      'child add',
      ['Freja Nielsen'],
      ...(['POST', '/children', { name: 'Freja Nielsen', dailyLimit: null, club: null }, child] as const),
    ],
    [
      'child add',
      ['A', '--daily-limit', '50', '--club', '1'],
      ...(['POST', '/children', { name: 'A', dailyLimit: 5_000, club: 1 }, child] as const),
    ],
    [
      'child list',
      ['--name', 'æ&b'],
      'GET',
      '/children?name=%C3%A6%26b&offset=0',
      null,
      { children: [child], more: false },
    ],
    ['child show', ['3'], 'GET', '/children/3', null, child],
    [
      'card add',
      ['--child', '3', '--uid', '04:A1:b2 c3:d4:e5:f6'],
      ...(['POST', '/cards', { child: 3, uid: '04a1b2c3d4e5f6' }, card] as const),
    ],
    ['card block', ['9'], 'POST', '/cards/9/block', {}, { ...card, status: 'blocked' }],
    ['card activate', ['9'], 'POST', '/cards/9/activate', {}, card],
    [
      'terminal add',
      ['--site', '1', '--name', 'Kantine 1'],
      ...(['POST', '/terminals', { site: 1, name: 'Kantine 1' }, terminalCode] as const),
    ],
    ['terminal code', ['4000-7'], 'POST', '/terminals/4000-7/code', {}, terminalCode],
    ['terminal list', [], 'GET', '/terminals', null, { terminals: [seen] }],
    ['terminal revoke', ['4000-7'], 'POST', '/terminals/4000-7/revoke', {}, seen],
    ['account show', ['7'], 'GET', '/accounts/7', null, account],
    [
      'account credit',
      ['7', '45,50', '--reason', 'Kontant', '--id', id.toUpperCase()],
      ...([
        'POST',
        '/accounts/7/credit',
        { id, amount: 4_550, reason: 'Kontant' },
        { transfer: id, balance: 9 },
      ] as const),
    ],
    ['case list', [], 'GET', '/cases?state=open&offset=0', null, { cases: [listedCase], more: false }],
    [
      'case list',
      ['--state', 'all', '--offset', '200'],
      ...(['GET', '/cases?state=all&offset=200', null, { cases: [listedCase], more: true }] as const),
    ],
    ['case show', [caseId.toUpperCase()], 'GET', `/cases/${caseId}`, null, supportCase],
    [
      'case answer',
      [caseId, '--text', ' Ja\tda ', '--id', id],
      ...(['POST', `/cases/${caseId}/answer`, { id, text: 'Ja da' }, { ...listedCase, untold: 0 }] as const),
    ],
    ['case close', [caseId], 'POST', `/cases/${caseId}/close`, {}, listedCase],
    ['case assign', [caseId, '--to', '2'], 'POST', `/cases/${caseId}/assign`, { to: 2 }, listedCase],
    ['case assign', [caseId], 'POST', `/cases/${caseId}/assign`, { to: 'me' }, listedCase],
    ['case assign', [caseId, '--nobody'], 'POST', `/cases/${caseId}/assign`, { to: 'nobody' }, listedCase],
    ['publication list', [], 'GET', '/publications', null, { publications: [publication] }],
    ['settings show', [], 'GET', '/settings', null, settings],
    [
      'settings set',
      ['--support-phone', '00 00 00 00', '--support-hours-en', '', '--name', 'Ny'],
      ...([
        'POST',
        '/settings',
        { name: 'Ny', supportPhone: '00 00 00 00', supportHours: { en: null } },
        settings,
      ] as const),
    ],
    [
      'settings set',
      ['--deposit-min', '50', '--deposit-max', '2.000', '--top-up-threshold', '50', '--top-up-activation', '100'],
      ...([
        'POST',
        '/settings',
        { money: { depositMin: 5_000, depositMax: 200_000, topUpThreshold: 5_000, topUpActivation: 10_000 } },
        settings,
      ] as const),
    ],
    [
      'settings set',
      ['--card-fee', '0', '--refund-days', '0', '--bank-registration', '0000', '--bank-account', ''],
      ...([
        'POST',
        '/settings',
        { money: { cardFee: 0, refundDays: 0, bankRegistration: '0000', bankAccount: null } },
        settings,
      ] as const),
    ],
    ['staff list', [], 'GET', '/people', null, { people: [member] }],
    [
      'staff add',
      ['--name', 'Finn Prøvefinans', '--role', 'finance'],
      ...([
        'POST',
        '/people',
        { name: 'Finn Prøvefinans', role: 'finance', sites: [], days: 365 },
        { ...member, token: 'kk_x' },
      ] as const),
    ],
    [
      'staff add',
      ['--name', 'Klara Prøveklub', '--role', 'club', '--site', '1', '2', '--expires', '30'],
      ...([
        'POST',
        '/people',
        { name: 'Klara Prøveklub', role: 'club', sites: [1, 2], days: 30 },
        { ...clubMember, token: 'kk_x' },
      ] as const),
    ],
    ['staff sites', ['2', '--site', '1', '--site', '2'], 'POST', '/people/2/sites', { sites: [1, 2] }, clubMember],
    [
      'audit list',
      ['--subject', 'child:3', '--from', '2026-11-01'],
      ...(['GET', '/audit?offset=0&subject=child%3A3&from=2026-11-01', null, { deeds: [], more: false }] as const),
    ],
    [
      'access list',
      ['--child', '3'],
      ...([
        'GET',
        '/children/3/access?offset=0',
        null,
        { child: { id: 3, name: 'Freja Nielsen' }, viewings: [], more: false },
      ] as const),
    ],
    ['staff revoke', ['2'], 'POST', '/people/2/revoke', {}, { ...member, state: 'revoked' }],
    ['ledger check', [], 'GET', '/ledger/check', null, checked],
  ] as const)('%s asks for what was said and hands on the answer', async ([name, args, method, path, body, answer]) => {
    const { url, heard } = await standInWorker({ [`${method} /api/staff${path}`]: { body: answer } })
    const ended = await klubkort([...name.split(' '), ...args, '--json'], { url })
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(heard).toEqual([{ call: `${method} /api/staff${path}`, authorization: `Bearer ${token}`, body }])
    expect(JSON.parse(ended.out)).toEqual(answer)
  })

  test('a UID that a reader types is taken at its Enter', async () => {
    const { url, heard } = await standInWorker({ 'POST /api/staff/cards': { body: card } })
    const args = ['card', 'add', '--child', '3', '--uid', '-']
    const ended = await klubkort(args, { url, input: '04 A1 B2 C3\r\n', keepInputOpen: true })
    expect(ended).toEqual({ code: 0, out: 'Card 9 of child 3 is active.\n', err: '' })
    expect(heard[0]?.body).toEqual({ child: 3, uid: '04a1b2c3' })
  })

  test('a CPR number from standard input is sent as ten digits and not printed', async () => {
    const { url, heard } = await standInWorker({
      'POST /api/staff/children/3/guardians': { body: child },
      'POST /api/staff/children/3/guardians/end': { body: { ...child, guardians: 1 } },
    })
    const link = (verb: string) =>
      klubkort(['child', 'guardian', verb, '--child', '3', '--cpr', '-'], {
        url,
        input: '010157-5001\r\n',
        keepInputOpen: true,
      })
    const added = await link('add')
    expect(added).toEqual({ code: 0, out: 'Child 3, Freja Nielsen: 2 guardians are linked.\n', err: '' })
    expect((await link('end')).out).toBe('Child 3, Freja Nielsen: 1 guardian is linked.\n')
    expect(heard.map(({ body }) => body)).toEqual([{ cpr: '0101575001' }, { cpr: '0101575001' }])
  })

  test('a text of several lines is taken from standard input or a file', async () => {
    const { url, heard } = await standInWorker({
      [`POST /api/staff/cases/${caseId}/answer`]: { body: { ...listedCase, untold: 1 } },
      'POST /api/staff/publications': { body: publication },
    })
    const input = 'Kære forælder\r\n\r\nKortet er sendt.\r\n'
    const lines = 'Kære forælder\n\nKortet er sendt.'
    const file = join(folder, 'terms.md')
    await writeFile(file, input)
    const publish = ['publication', 'publish', '--kind', 'terms', '--language', 'da', '--file']
    const answered = await klubkort(['case', 'answer', caseId, '--text', '-'], { url, input })
    const untold = '1 guardian could not be told, as no mail address of theirs is known: phone or write a letter.'
    expect(answered).toEqual({ code: 0, out: `Case ${caseId} is answered.\n${untold}\n`, err: '' })
    const published = await klubkort([...publish, file], { url })
    expect(published.out).toBe('Version 7 of terms in da is in force since 01.07.2026 12.05.\n')
    expect((await klubkort([...publish, '-'], { url, input })).code).toBe(0)
    expect(heard.map(({ body }) => body)).toEqual([
      { id: expect.any(String), text: lines },
      { kind: 'terms', language: 'da', text: lines },
      { kind: 'terms', language: 'da', text: lines },
    ])
    expect(z.uuidv7().safeParse(AnswerCall.parse(heard[0]?.body).id).success).toBe(true)
  })

  test('every credit gets an id of its own', async () => {
    const { url, heard } = await standInWorker({
      'POST /api/staff/accounts/7/credit': { body: { transfer: 'x', balance: 9_100 } },
    })
    const args = ['account', 'credit', '7', '45.50', '--reason', 'Kontant']
    const [first] = await each([1, 2], () => klubkort(args, { url }))
    expect(first?.out).toBe('45,50 kr credited to account 7; the balance is 91,00 kr.\n')
    const [a, b] = heard.map(({ body }) => CreditCall.parse(body).id)
    expect(a).not.toBe(b)
  })
})

describe.concurrent('what is printed', () => {
  test('tables fit 80 columns, with amounts to the right and times in Danish form', async () => {
    const long = { ...child, id: 4, name: `${'Meget Langt Navn '.repeat(4)}Xx`, balance: -330, dailyLimit: null }
    const unbroken = { ...child, id: 5, name: 'M'.repeat(80), cards: [] }
    const { url } = await standInWorker({
      'GET /api/staff/children?offset=0': { body: { children: [child, long, unbroken], more: true } },
      'GET /api/staff/children/3': { body: child },
      'GET /api/staff/accounts/7': { body: account },
      'GET /api/staff/cases?state=open&offset=0': { body: { cases: [listedCase], more: true } },
    })
    const [list, show, wallet, cases] = await each(
      [
        ['child', 'list'],
        ['child', 'show', '3'],
        ['account', 'show', '7'],
        ['case', 'list'],
      ],
      (args) => klubkort(args, { url }),
    )
    const lines = `${list?.out}${show?.out}${wallet?.out}${cases?.out}`.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    const rows = list?.out.split('\n') ?? []
    expect(list?.out).toMatch(/\n\nThere are more; to see them: klubkort child list --offset 3\n$/)
    expect(rows[1]).toMatch(/^ 3 {2}Freja Nielsen +7 {2}1\.234,50 {8}50,00 {6}1$/)
    expect(rows.find((row) => row.startsWith(' 4'))).toMatch(/ {4}−3,30 {9}none {6}1$/)
    expect(rows.join('').match(/M/g)?.length).toBeGreaterThanOrEqual(80)
    expect(cases?.out).toMatch(/\n\nThere are more; to see them: klubkort case list --state open --offset 1\n$/)
    expect(show?.out).toContain('24.12.2026 18.00') // Winter: one hour ahead of UTC.
    expect(wallet?.out).toContain('01.07.2026 12.05') // Summer: two.
    expect(wallet?.out).toContain('Balance −3,30 kr, spent today 15,00 kr, no daily limit')
  })

  test('names cannot steer the terminal, neither as text nor as JSON', async () => {
    const evil = 'Ond\u001b]0;titel\u0007\u001b[2J\u009b31m\r\n\u202ekonto\u007f'
    const evilCase: typeof supportCase = {
      ...{ ...supportCase, subject: evil, phone: evil, guardian: { name: evil, mail: evil } },
      children: [{ id: 3, name: evil, account: 7 }],
      messages: [{ id: caseId, staff: evil, text: evil, at: 0 }],
    }
    const { url } = await standInWorker({
      'GET /api/staff/sites': { body: { sites: [{ id: 1, name: evil }] } },
      'POST /api/staff/sites': { body: { id: 1, name: evil } },
      'GET /api/staff/children/3': { body: { ...child, name: evil } },
      'GET /api/staff/accounts/7': { status: 404, body: { error: { code: 'account_unknown', message: evil } } },
      [`GET /api/staff/cases/${caseId}`]: { body: evilCase },
      'GET /api/staff/settings': { body: { ...settings, supportPhone: evil } },
    })
    const printed = await each(
      [
        ['case', 'show', caseId],
        ['settings', 'show'],
        ['site', 'list'],
        ['site', 'add', 'x'],
        ['child', 'show', '3'],
        ['account', 'show', '7'],
        ['site', 'list', '--json'],
        ['account', 'show', '7', '--json'],
      ],
      (args) => klubkort(args, { url }),
    )
    for (const { out, err } of printed) {
      expect(`${out}${err}`).toContain('Ond')
      expect(`${out}${err}`.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
    }
    expect(printed[3]?.out).toBe('Site 1 added: Ond]0;titel[2J31mkonto\n')
    expect(JSON.parse(printed[6]?.out ?? '')).toEqual({ sites: [{ id: 1, name: evil }] })
    expect(printed[7] && errorOf(printed[7]).message).toBe(evil)
  })

  test('a case is told with who asks, how to reach them, their children, and all that was said', async () => {
    const { url } = await standInWorker({ [`GET /api/staff/cases/${caseId}`]: { body: supportCase } })
    const { out } = await klubkort(['case', 'show', caseId], { url })
    expect(out).toBe(`Case ${caseId}: ${supportCase.subject}
From Anna Prøveforælder; mail anna@mail.example; telephone +4512345678, wants to be called
Children: Freja Nielsen (child 3, account 7)
Opened 01.07.2026 12.05; looked after by Astrid (staff 2)

01.07.2026 12.05, the guardian:
  Hvad er det?
  Og det?

01.07.2026 12.06, Astrid:
  Toast.
`)
  })

  test('the rules for money are told in kroner and words', async () => {
    const money = { ...settings.money, refundDays: 0, bankRegistration: '0000', bankAccount: '0000000001' }
    const { url } = await standInWorker({ 'GET /api/staff/settings': { body: { ...settings, money } } })
    const { out } = await klubkort(['settings', 'show'], { url })
    expect(out).toContain('Deposit         50,00 to 2.000,00 kr\n')
    expect(out).toContain('Top-up          below 50,00 kr, at most 2 a day\n  in force from 100,00 kr\n')
    expect(out).toContain('  to the card   never\nNew card        45,00 kr\nOwn account     0000 0000000001\n')
  })

  test('an answer without an answer names the line that repeats it safely', async () => {
    const { url } = await standInWorker({ [`POST /api/staff/cases/${caseId}/answer`]: { status: 502, body: 'x' } })
    const lost = await klubkort(['case', 'answer', caseId, '--text', 'Det er klar'], { url })
    expect(lost).toMatchObject({ code: 3, out: '' })
    expect(lost.err).toMatch(
      new RegExp(`klubkort case answer ${caseId} --text 'Det er klar' --id [0-9a-f-]{36} \\(unreachable\\)\n$`),
    )
  })

  test('a one-time code comes with its end, the line to type and a picture of it', async () => {
    const { url } = await standInWorker({ 'POST /api/staff/terminals': { body: terminalCode } })
    const { out } = await klubkort(['terminal', 'add', '--site', '1', '--name', 'Kantine 1'], { url })
    expect(out).toContain('good until 02.01.2026 13.15')
    expect(out).toContain(`\n  klubkort-terminal enrol --url ${url} --code ${terminalCode.code}\n`)
    expect(out).toContain('█ ▄▄▄▄▄ █')
  })

  test('a book that breaks a promise is told and fails', async () => {
    const body = { transfers: 1, postings: 1, messages: 0, violations: [{ invariant: 'book_sum', subject: 'book' }] }
    const { url } = await standInWorker({ 'GET /api/staff/ledger/check': { body } })
    const [text, asJson] = await each([[], ['--json']], (more) => klubkort(['ledger', 'check', ...more], { url }))
    expect(text).toMatchObject({ code: 1, err: '', out: expect.stringMatching(/NOT in order[\s\S]*book_sum +book\n$/) })
    expect(asJson?.code).toBe(1)
    expect(JSON.parse(asJson?.out ?? '')).toEqual(body)
  })
})

describe.concurrent('failures', () => {
  test('a refusal keeps its code', async () => {
    const error = { code: 'name_taken', message: 'there is a site of that name' }
    const { url } = await standInWorker({ 'POST /api/staff/sites': { status: 409, body: { error } } })
    const [text, asJson] = await each([[], ['--json']], (more) => klubkort(['site', 'add', 'Klub', ...more], { url }))
    expect(text).toEqual({ code: 1, out: '', err: 'klubkort: there is a site of that name (name_taken)\n' })
    expect(asJson).toMatchObject({ code: 1, out: '' })
    expect(asJson && errorOf(asJson)).toEqual(error)
  })

  test.for([
    ['a page in place of an error', { status: 502, type: 'text/html', body: '<h1>' }, 'HTTP 502 with text/html'],
    ['a page in place of an answer', { type: 'text/html', body: '<h1>' }, 'HTTP 200 with text/html'],
    ['an error of another form', { status: 500, body: { oops: true } }, 'HTTP 500 with JSON'],
    ['an answer of another form', { body: { sites: 'none' } }, 'HTTP 200 with JSON'],
    ['a code of another version', { status: 409, body: { error: { code: 'x', message: 'x' } } }, 'HTTP 409 with JSON'],
    [
      'a redirect',
      { status: 302, headers: { location: 'https://a.example/' }, body: '' },
      'redirect to https://a.exam',
    ],
    ['an endless answer', { body: 'x'.repeat(5_000_000) }, 'exceed'],
  ] as [string, Said, string][])('%s is no answer of the worker', async ([, said, words]) => {
    const { url, heard } = await standInWorker({ 'GET /': said })
    const answer = await call({ url, method: 'GET', schema: z.object({ sites: z.array(Site) }), timeoutMs: 5_000 })
    expect(answer).toEqual({ kind: 'unreachable', cause: expect.stringContaining(words) })
    expect(heard).toHaveLength(1)
  })

  test('a call ends when its time is up or it is given up, and says which', async () => {
    const silent = createServer(() => {})
      .listen(0, '127.0.0.1')
      .unref()
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const asking = { url: `http://a.b.localhost:${port}/`, method: 'GET', schema: z.null() } as const
    const [late, stopped] = await Promise.all([
      call({ ...asking, timeoutMs: 50 }),
      call({ ...asking, timeoutMs: 5_000, signal: AbortSignal.timeout(50) }),
    ])
    expect(late).toEqual({ kind: 'unreachable', cause: 'no answer within 0.05 s' })
    expect(stopped).toEqual({ kind: 'unreachable', cause: 'given up' })
    silent.closeAllConnections()
  })

  test('what is not the worker is unreachable', async () => {
    const { url } = await standInWorker({ 'GET /api/staff/sites': { status: 502, type: 'text/html', body: '<h1>' } })
    const ended = await klubkort(['site', 'list'], { url })
    expect(ended).toMatchObject({ code: 3, out: '' })
    expect(ended.err).toMatch(/^klubkort: the worker cannot be reached: HTTP 502 with text\/html.* \(unreachable\)\n$/)
  })

  test('a credit without an answer names the line that repeats it safely', async () => {
    const url = `http://4000.localhost:${await freePort()}`
    const lost = await klubkort(['account', 'credit', '7', '1045.50', '--reason', "Annes 'gave'"], { url })
    expect(lost.code).toBe(3)
    expect(lost.err).toMatch(/ECONNREFUSED/)
    const repeat = /klubkort (account credit 7 1045,50 --reason .*--id (\S+)) \(unreachable\)\n$/.exec(lost.err)
    expect(repeat?.[1]).toContain(`--reason 'Annes '\\''gave'\\'''`)

    const down = await standInWorker({ 'POST /api/staff/accounts/7/credit': { status: 502, body: 'x' } })
    const args = ['account', 'credit', '7', '1045,50', '--reason', 'abc', '--id', repeat?.[2] ?? '']
    const again = await klubkort(args, { url: down.url })
    expect(again).toMatchObject({ code: 3, err: expect.stringContaining(`--id ${repeat?.[2]}`) })
    expect(down.heard[0]?.body).toEqual({ id: repeat?.[2], amount: 104_550, reason: 'abc' })
  })
})

test('a UUIDv7 begins with its time and is one whatever the randomness', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      (nowMs, random) => {
        const id = uuidv7(nowMs, random)
        expect(z.uuidv7().safeParse(id).success).toBe(true)
        expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs)
        expect(id).toBe(id.toLowerCase())
      },
    ),
  )
})
