import { tmpdir } from 'node:os'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { Review, ReviewItem, ReviewSettling } from '../shared/office/review.ts'
import type { OfflineRisk, SiteLimits } from '../shared/office/sites.ts'
import type { Terminal } from '../shared/office/terminals.ts'
import { commandLine, TOKEN } from './local/command-line.ts'
import { refusal, standInWorker } from './local/stand-in-worker.ts'
import { windowWith } from './window.ts'

const AT = Date.UTC(2026, 11, 24, 17, 0)

const klubkort = (url: string, ...args: string[]) => commandLine({ folder: tmpdir(), url })(...args)

const widest = (page: string) => Math.max(...page.split('\n').map((line) => line.length))

const EVIL = 'Ond\u001b[2J\u202eklub'
const site = { id: 1, name: 'Fritidsklubben Prøvehøj og Omegns Kantine' }
const item: z.infer<typeof ReviewItem> = {
  ...{ id: '4000-7:12', kind: 'advice', what: 'insufficient_funds', terminal: '4000-7', site, amount: 123_450 },
  ...{ account: 7, card: 9, count: 1, at: AT },
}
const aside: typeof item = {
  ...{ ...item, id: 'quarantine:4000-123456', kind: 'quarantine', what: 'revoked,key_replaced' },
  ...{ terminal: '4000-123456', amount: 9_999_999_900, account: null, card: null, count: 1_999 },
}
const alarm: typeof item = { ...item, id: 'alarm:3', kind: 'alarm', what: 'journal_rolled_back', amount: null }
const settling: z.infer<typeof ReviewSettling> = {
  ...{ subject: `quarantine:4000-123456:12:${'A'.repeat(43)}`, decision: 'discard', account: null },
  ...{ staff: 'Astrid Prøvemedarbejder', note: 'terminalen blev stjålet fra skabet i løbet af natten', at: AT },
}
const review: z.infer<typeof Review> = {
  ...item,
  messages: [
    {
      ...{ seq: 12, kind: 'advice', sale: '0198c0de-0000-7000-8000-000000000001', amount: 123_450 },
      lines: [{ product: null, quantity: 1, price: 123_450 }],
      ...{ at: AT, receivedAt: AT + 3_600_000, outcome: 'approved', reason: 'insufficient_funds' },
    },
    {
      ...{ seq: 11, kind: 'request', sale: '0198c0de-0000-7000-8000-000000000001', amount: 123_450 },
      lines: [{ product: null, quantity: 1, price: 123_450 }],
      ...{ at: AT, receivedAt: AT, outcome: 'declined', reason: 'insufficient_funds' },
    },
  ],
  settled: [{ ...settling, subject: '4000-7:12', decision: 'keep' }],
}
const limits = {
  ...{ saleMax: 5_000, cardSumMax: 10_000, weakSaleMax: 2_500, weakCardSumMax: 5_000, unsentCountMax: 2_000 },
  ...{ unsentSumMax: 2_000_000, listAgeMaxMs: 86_400_000 },
}
const own = {
  ...{ saleMax: 5_000, cardSumMax: null, weakSaleMax: 2_500, weakCardSumMax: null, unsentCountMax: null },
  ...{ unsentSumMax: 2_000_000, listAgeMaxMs: null, language: null },
}
const siteLimits: z.infer<typeof SiteLimits> = { ...site, limits: { ...limits, language: 'da' }, own }
const caps = { unsentSum: 6_000_000, unsentCount: 15_000_000, cardSum: 9_999_999_900 }
const risk: z.infer<typeof OfflineRisk> = {
  cards: { active: 1, blocked: 0 },
  sites: [{ ...site, terminals: 3, limits, caps, worst: 6_000_000 }],
  worst: 6_000_000,
}
const terminal: z.infer<typeof Terminal> = {
  ...{ id: '4000-123456', site: 12, name: 'Kantinen ved den store sal', state: 'stopped', lastSeq: 123_456 },
  ...{ lastSeenAt: AT, cardListVersion: 3, listedAt: AT, software: '1.2.3', quarantined: 1_999 },
  ...{ unsentCount: 1_204, unsentSum: 512_350, unsentSince: AT },
}
const code = { terminal: '4000-7', code: '7K3M-9QXT-2ZJH-0BWE', expiresAt: AT }
const settled = { id: '4000-7:12', decision: 'keep', done: 1, left: 0, more: false }
const note = ['--note', 'fordi det var det']
const decided = (decision: string, more: object = {}) => ({ decision, note: 'fordi det var det', ...more })

describe.concurrent('at the wire', () => {
  const settle = (id: string) => `POST /api/staff/reviews/${id}/settle`
  test.for([
    [['review', 'list'], 'GET /api/staff/reviews?offset=0', null, { items: [item, aside, alarm], more: false }],
    [
      ['review', 'list', '--settled'],
      'GET /api/staff/reviews/settled?offset=0',
      null,
      { settled: [settling], more: true },
    ],
    [['review', 'list', '--offset', '100'], 'GET /api/staff/reviews?offset=100', null, { items: [], more: false }],
    [['review', 'show', '4000-7q:12'], 'GET /api/staff/reviews/4000-7q:12', null, review],
    [['review', 'settle', '4000-7:12', '--keep', ...note], settle('4000-7:12'), decided('keep'), settled],
    [['review', 'settle', '4000-7:12', '--carry', ...note], settle('4000-7:12'), decided('carry'), settled],
    [
      ['review', 'settle', '4000-7:12', '--charge', '42', ...note],
      ...([settle('4000-7:12'), decided('charge', { account: 42 }), settled] as const),
    ],
    [
      ['review', 'settle', 'quarantine:4000-7', '--discard', ...note],
      ...([settle('quarantine:4000-7'), decided('discard'), { ...settled, id: 'quarantine:4000-7' }] as const),
    ],
    [['review', 'settle', 'alarm:3', ...note], settle('alarm:3'), decided('note'), { ...settled, id: 'alarm:3' }],
    [['terminal', 'risk'], 'GET /api/staff/terminals/risk', null, risk],
    [['terminal', 'renew', '4000-7'], 'POST /api/staff/terminals/4000-7/renew', {}, code],
    [['card', 'show', '9'], 'GET /api/staff/cards/9', null, { id: 9, status: 'blocked', createdAt: AT }],
    [['site', 'limits'], 'GET /api/staff/sites/limits', null, { sites: [siteLimits] }],
    [
      [
        ...['site', 'limits', '--site', '1', '--sale-max', '30', '--card-sum-max', '', '--weak-sale-max', '20,50'],
        ...['--weak-card-sum-max', '40', '--unsent-count-max', '500', '--unsent-sum-max', '5.000'],
        ...['--list-age-max', '12', '--display-language', 'en'],
      ],
      'POST /api/staff/sites/1/limits',
      {
        ...{ saleMax: 3_000, cardSumMax: null, weakSaleMax: 2_050, weakCardSumMax: 4_000, unsentCountMax: 500 },
        ...{ unsentSumMax: 500_000, listAgeMaxMs: 43_200_000, language: 'en' },
      },
      siteLimits,
    ],
  ] as const)('%j asks for what was said and hands on the answer', async ([args, call, body, answer]) => {
    const { url, heard } = await standInWorker({ [call]: { body: answer } })
    const ended = await klubkort(url, ...args, '--json')
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(heard).toMatchObject([{ call, body }])
    expect(JSON.parse(ended.out)).toEqual(answer)
  })

  test('what is put aside is booked until nothing is left, and told as one', async () => {
    const id = 'quarantine:4000-7'
    const part = { id, decision: 'book', left: 52, done: 50, more: true }
    const parts = [part, { ...part, left: 2 }, { ...part, done: 7, left: 2, more: false }]
    const said = { [settle(id)]: parts.map((body) => ({ body })) }
    const [text, asJson] = await Promise.all(
      [[], ['--json']].map(async (more) => {
        const { url, heard } = await standInWorker(said)
        const ended = await klubkort(url, 'review', 'settle', id, '--book', ...note, ...more)
        expect(heard.map(({ body }) => body)).toEqual(Array(3).fill(decided('book')))
        return ended
      }),
    )
    expect(text).toEqual({
      code: 0,
      out: `${id}: 107 messages booked; 2 messages left, telling otherwise of a sale that is booked.\n`,
      err: '',
    })
    expect(JSON.parse(asJson?.out ?? '')).toEqual({ id, decision: 'book', done: 107, left: 2, more: false })
  })

  test('booking that breaks off says how far it came, and one that gets nowhere ends', async () => {
    const id = 'quarantine:4000-7'
    const part = { id, decision: 'book', left: 52, done: 50, more: true }
    const broken = await standInWorker({ [settle(id)]: [{ body: part }, { status: 502, body: 'x' }] })
    const lost = await klubkort(broken.url, 'review', 'settle', id, '--book', ...note)
    expect(lost).toMatchObject({ code: 3, out: '' })
    expect(lost.err).toContain('50 messages booked before that; the same line again decides nothing twice')
    const stuck = await standInWorker({ [settle(id)]: Array(5).fill({ body: { ...part, done: 0 } }) })
    expect((await klubkort(stuck.url, 'review', 'settle', id, '--book', ...note)).code).toBe(0)
    expect(stuck.heard).toHaveLength(1)
  })
})

describe.concurrent('wrong usage', () => {
  test.for([
    ['two decisions', ['4000-7:12', '--keep', '--carry', ...note], '--keep and --carry do not go together'],
    ['no decision', ['4000-7:12', ...note], '--keep, --carry or --charge'],
    ['no decision on what is put aside', ['quarantine:4000-7', ...note], '--book or --discard'],
    ['a decision on an alarm', ['alarm:3', '--keep', ...note], 'an alarm takes a --note only'],
    ['a sale to be booked', ['4000-7:12', '--book', ...note], '--keep, --carry or --charge'],
    ['a charge to nobody', ['4000-7:12', ...note, '--charge'], "'--charge <account>' argument missing"],
    ['a charge to an account that is none', ['4000-7:12', '--charge', 'Ida', ...note], 'An id is a whole number'],
    ['no reason', ['4000-7:12', '--keep'], "required option '--note <text>'"],
    ['a reason of two letters', ['4000-7:12', '--keep', '--note', 'ok'], 'note: '],
    ['an id that is none', ['4000-7', '--keep', ...note], "An id looks like '4000-7:12'"],
    ['an id that leads elsewhere', ['../sites', '--keep', ...note], "An id looks like '4000-7:12'"],
    ['a number of nothing', ['4000-7:0', '--keep', ...note], "An id looks like '4000-7:12'"],
  ])('%s is refused without a request', async ([, args, words]) => {
    const { url, heard } = await standInWorker()
    const ended = await klubkort(url, 'review', 'settle', ...(args as string[]))
    expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringContaining(words as string) })
    expect(heard).toEqual([])
  })

  test.for([
    ['an offset that is none', ['review', 'list', '--offset', '-1'], 'An offset is a whole number'],
    ['limits of no site', ['site', 'limits', '--sale-max', '30'], 'name the --site'],
    ['a site without limits', ['site', 'limits', '--site', '1'], 'name a limit'],
    ['a limit that is no amount', ['site', 'limits', '--site', '1', '--sale-max', '1e3'], 'Amounts are kroner'],
    ['a limit beyond all', ['site', 'limits', '--site', '1', '--unsent-count-max', '999999'], 'unsentCountMax: '],
    ['another language', ['site', 'limits', '--site', '1', '--display-language', 'sv'], 'Allowed choices are'],
    ['a terminal that is none', ['terminal', 'renew', '4000-7q'], 'The id of a terminal'],
  ])('%s is refused without a request', async ([, args, words]) => {
    const { url, heard } = await standInWorker()
    const ended = await klubkort(url, ...(args as string[]))
    expect(ended).toMatchObject({ code: 2, out: '', err: expect.stringContaining(words as string) })
    expect(heard).toEqual([])
  })
})

describe.concurrent('a refusal', () => {
  test.for([
    ['review_settled', 409, 'it has been decided already'],
    ['review_unfit', 409, 'that is not to be decided of it'],
    ['balance_short', 409, 'the account does not hold that much'],
    ['role_forbidden', 403, 'not with this role'],
  ] as const)('%s keeps its code and its words', async ([code, status, message]) => {
    const { url } = await standInWorker({ 'POST /api/staff/reviews/4000-7:12/settle': refusal(code, message, status) })
    const ended = await klubkort(url, 'review', 'settle', '4000-7:12', '--keep', ...note)
    expect(ended).toEqual({ code: 1, out: '', err: `klubkort: ${message} (${code})\n` })
  })

  test('an answer that was lost may be asked for again', async () => {
    const { url } = await standInWorker({ 'POST /api/staff/reviews/4000-7:12/settle': { status: 502, body: 'x' } })
    const ended = await klubkort(url, 'review', 'settle', '4000-7:12', '--keep', ...note)
    expect(ended.code).toBe(3)
    expect(ended.err).toMatch(/; the same line again decides nothing twice \(unreachable\)\n$/)
  })
})

describe.concurrent('what is printed', () => {
  test('what waits stands in 80 columns, in words, with what to ask for next', async () => {
    const { url } = await standInWorker({
      'GET /api/staff/reviews?offset=0': { body: { items: [item, aside, alarm], more: true } },
    })
    const { out } = await klubkort(url, 'review', 'list')
    expect(widest(out)).toBeLessThanOrEqual(80)
    expect(out).toMatch(
      /^4000-7:12 +24\.12\.2026 18\.00 +1\.234,50 +7\n {2}sold offline, too little on the account: Frit/m,
    )
    expect(out).toMatch(/^quarantine:4000-123456 .* 99\.999\.999,00\n {2}1999 messages put aside, terminal revoked/m)
    expect(out).toMatch(/^alarm:3 .*\n {2}terminal rolled back/m)
    expect(out).toContain('There are more; to see them: klubkort review list --offset 3\n')
  })

  test('nothing that waits, and nothing decided, says so', async () => {
    const { url } = await standInWorker({
      'GET /api/staff/reviews?offset=0': { body: { items: [], more: false } },
      'GET /api/staff/reviews/settled?offset=0': { body: { settled: [], more: false } },
    })
    expect((await klubkort(url, 'review', 'list')).out).toBe('Nothing waits for a decision.\n')
    expect((await klubkort(url, 'review', 'list', '--settled')).out).toBe('Nothing has been decided yet.\n')
  })

  test('what was decided stands in 80 columns with who, when and why', async () => {
    const { url } = await standInWorker({
      'GET /api/staff/reviews/settled?offset=0': { body: { settled: [settling], more: true } },
    })
    const { out } = await klubkort(url, 'review', 'list', '--settled')
    expect(widest(out)).toBeLessThanOrEqual(80)
    expect(out).toMatch(/18\.00 {2}quarantine:4000-123456:12 {2}discard\n {2}Astrid Prøvemedarbejder: terminalen/)
    expect(out).toContain('klubkort review list --settled --offset 1\n')
  })

  test('one of them is shown with its messages, what was sold, and what was decided', async () => {
    const { url } = await standInWorker({ 'GET /api/staff/reviews/4000-7:12': { body: review } })
    const login = { HOME: tmpdir(), KLUBKORT_URL: url, KLUBKORT_TOKEN: TOKEN }
    const { screen: out } = await windowWith(['review', 'show', '4000-7:12'], login, 80).ended
    expect(widest(out)).toBeLessThanOrEqual(80)
    expect(out).toContain('Account 7, card 9')
    expect(out).toMatch(/12 +advice +24\.12\.2026 18\.00 +1\.234,50 +approved/)
    expect(out).toContain('  1 × an amount keyed in at 1.234,50\n')
    expect(out).toMatch(/24\.12\.2026 18\.00 +4000-7:12 +keep\n {2}Astrid/)
  })

  test('names from elsewhere steer no terminal', async () => {
    const { url } = await standInWorker({
      'GET /api/staff/reviews?offset=0': {
        body: { items: [{ ...item, site: { id: 1, name: EVIL }, what: EVIL }], more: false },
      },
      'GET /api/staff/reviews/4000-7:12': { body: { ...review, site: { id: 1, name: EVIL }, what: EVIL } },
      'GET /api/staff/sites/limits': { body: { sites: [{ ...siteLimits, name: EVIL }] } },
      'GET /api/staff/terminals/risk': { body: { ...risk, sites: risk.sites.map((one) => ({ ...one, name: EVIL })) } },
    })
    const printed = await Promise.all(
      [
        ['review', 'list'],
        ['review', 'show', '4000-7:12'],
        ['site', 'limits'],
        ['terminal', 'risk'],
      ].map((args) => klubkort(url, ...args)),
    )
    for (const { code, out } of printed) {
      expect(code).toBe(0)
      expect(out).toContain('Ond')
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u)
    }
  })

  test('limits, terminals and the worst that can be lost stand in 80 columns', async () => {
    const { url } = await standInWorker({
      'GET /api/staff/sites/limits': { body: { sites: [siteLimits] } },
      'GET /api/staff/terminals': { body: { terminals: [terminal, { ...terminal, id: '4000-1', listedAt: null }] } },
      'GET /api/staff/terminals/risk': { body: risk },
    })
    const [sites, terminals, lost] = await Promise.all(
      [
        ['site', 'limits'],
        ['terminal', 'list'],
        ['terminal', 'risk'],
      ].map((args) => klubkort(url, ...args)),
    )
    for (const page of [sites, terminals, lost]) expect(widest(page?.out ?? '')).toBeLessThanOrEqual(80)
    expect(sites?.out).toContain('50,00*')
    expect(sites?.out).toContain("* is the site's own; the rest is the municipality's.")
    expect(sites?.out).toMatch(/24 h +da/)
    expect(terminals?.out).toMatch(/4000-123456 .*stopped +123456 +1999 +1204 +24\.12\.2026 18\.00/)
    expect(terminals?.out).toMatch(/4000-1 .*never/)
    expect(lost?.out).toContain('at most 60.000,00 kr would be lost')
    expect(lost?.out).toContain('1 card is active')
  })

  test('a card says how many terminals know its status', async () => {
    const card = { id: 9, status: 'blocked', createdAt: AT }
    const { url } = await standInWorker({
      'GET /api/staff/cards/9': { body: { ...card, reach: { told: 3, terminals: 4 } } },
      'POST /api/staff/cards/9/block': { body: { ...card, reach: { told: 0, terminals: 1 } } },
    })
    expect((await klubkort(url, 'card', 'show', '9')).out).toBe('Card 9 is blocked, as 3 of 4 terminals know.\n')
    expect((await klubkort(url, 'card', 'block', '9')).out).toBe('Card 9 is blocked, as 0 of 1 terminal knows.\n')
  })

  test('a new code for a terminal that is enrolled already says what comes of it', async () => {
    const { url } = await standInWorker({ 'POST /api/staff/terminals/4000-7/renew': { body: code } })
    const { out } = await klubkort(url, 'terminal', 'renew', '4000-7')
    expect(out).toContain('Terminal 4000-7 may be enrolled again.')
    expect(out).toContain(`klubkort-terminal enrol --url ${url} --code ${code.code}\n`)
  })
})
