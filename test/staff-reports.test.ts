import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Papa from 'papaparse'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copenhagenDay } from '../shared/copenhagen.ts'
import type { Clearing, ExitDrill, Liabilities, Report, Volume } from '../shared/office/reports.ts'
import { commandLine } from './local/command-line.ts'
import { standInWorker } from './local/stand-in-worker.ts'

/** A worker that says the same to every call. */
const standIn = (body: unknown) => standInWorker({}, { body })

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-reports-'))
})
afterAll(() => rm(folder, { recursive: true }))

const klubkort = (url: string, ...args: string[]) => commandLine({ folder, url })(...args)

const evil = '=HYPERLINK("https://a.example";"Klub")'
const report: Report = {
  from: '2026-11-20',
  to: '2026-11-20',
  site: null,
  sites: [
    { id: 1, name: 'Klub Nord', sold: 3, undone: 1, refunded: 2_500, amount: 123_450 },
    { id: 2, name: evil, sold: 0, undone: 1, refunded: 0, amount: -1_500 },
  ],
  products: [
    { site: 1, product: 4, name: 'Toast', sold: 4, undone: 0, amount: 6_000 },
    { site: 1, product: 5, name: '-2+3; "ost"\u001b[2J', sold: 1, undone: 0, amount: 500 },
    { site: 1, product: 12, name: null, sold: 1, undone: 0, amount: 950 },
    { site: 2, product: null, name: null, sold: 0, undone: 1, amount: -1_500 },
  ],
  movements: [
    { kind: 'card_fee', from: 'psp_clearing', to: 'card_fee_revenue', count: 1, amount: 4_500 },
    { kind: 'deposit', from: 'psp_clearing', to: 'wallet', count: 2, amount: 40_000 },
    { kind: 'purchase', from: 'wallet', to: 'revenue', count: 3, amount: 123_450 },
  ],
  flags: {
    reasons: [{ reason: 'card_blocked', count: 1, amount: 1_500 }],
    late: { count: 2, amount: 3_000 },
    sales: [
      {
        sale: '0198c0de-0000-7000-8000-000000000001',
        terminal: '4000-7',
        account: 7,
        amount: 1_500,
        reason: 'card_blocked',
        at: Date.UTC(2026, 10, 20, 12),
      },
    ],
  },
  declined: [{ reason: 'insufficient_funds', count: 4 }],
}
const liabilities: Liabilities = {
  owed: { wallets: 17_000, payouts: 1_000, suspense: 0, total: 18_000 },
  claims: { wallets: 500, suspense: 0, total: 500 },
  held: { bank: 15_000, stripe: 4_700, total: 19_700 },
  own: { sales: 2_500, cardFees: 0, stripeFees: -300, total: 2_200 },
  difference: 0,
  covered: true,
  missing: 0,
  wallets: { count: 12, largest: 9_000, below: 1 },
}
const clearing: Clearing = {
  here: 4_700,
  there: 4_650,
  difference: 50,
  lines: 12,
  newestLineAt: Date.UTC(2026, 10, 20, 12),
  timing: { count: 1, amount: 25 },
  differences: [
    { kind: 'missing_there', subject: 'pi_1', type: 'deposit', here: 25, there: 0, at: Date.UTC(2026, 10, 19, 12) },
  ],
  more: false,
  foreign: [{ currency: 'eur', count: 1, net: 999 }],
}
const volume: Volume = {
  from: '2025-11-21',
  to: '2026-11-20',
  months: [{ month: '2026-11', amount: 500_000_000 }],
  amount: 500_000_000,
  limit: 746_000_000,
  percent: 67,
  reached: false,
}

describe.concurrent('klubkort report', () => {
  test('of a day or a month asks for its days, and for today’s where none is named', async () => {
    const { url, heard } = await standIn(report)
    const today = copenhagenDay(Date.now())
    await klubkort(url, 'report', 'day', '--date', '2026-11-20', '--site', '3')
    await klubkort(url, 'report', 'month', '--month', '2024-02')
    await klubkort(url, 'report', 'month', '--month', '2026-12')
    await klubkort(url, 'report', 'day')
    expect(heard.map(({ call }) => call)).toEqual([
      'GET /api/staff/reports?from=2026-11-20&to=2026-11-20&site=3',
      'GET /api/staff/reports?from=2024-02-01&to=2024-02-29',
      'GET /api/staff/reports?from=2026-12-01&to=2026-12-31',
      `GET /api/staff/reports?from=${today}&to=${today}`,
    ])
  })

  test('refuses days and months that no calendar has, without a request', async () => {
    const { url, heard } = await standIn(report)
    for (const args of [
      ['day', '--date', '2026-02-29'],
      ['day', '--date', '20.11.2026'],
      ['month', '--month', '2026-13'],
      ['month', '--month', '2026-11-01'],
    ]) {
      expect(await klubkort(url, 'report', ...args)).toMatchObject({ code: 2, out: '' })
    }
    expect(heard).toEqual([])
  })

  test('is a table of at most 80 columns with Danish amounts, and steers no terminal', async () => {
    const { url } = await standIn(report)
    const { out, code } = await klubkort(url, 'report', 'day')
    expect(code).toBe(0)
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(out).toMatch(/^Booked 20\.11\.2026, all sites\n/)
    expect(out).toMatch(/Klub Nord +3 +1 +25,00 +1\.234,50\n/)
    expect(out).toMatch(/Klub Nord +Toast +4 +0 +60,00\n/)
    expect(out).toMatch(/\(keyed in\) +0 +1 +−15,00\n/)
    expect(out).toMatch(/\(product 12\)/)
    expect(out).toMatch(/deposits +Stripe +children's accounts +2 +400,00\n/)
    expect(out).toMatch(/2 sales of 30,00 kr/)
    expect(out).toMatch(/4000-7 +7 +blocked card +15,00\n/)
    expect(out).toMatch(/too little on the account +4\n/)
    expect(out.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  test('as CSV opens in a Danish spreadsheet, and no name becomes a formula', async () => {
    const { url } = await standIn(report)
    const printed = await klubkort(url, 'report', 'day', '--csv')
    const written = await klubkort(url, 'report', 'day', '--csv', 'day.csv')
    expect(written.out).toBe('12 rows written to day.csv.\n')
    const file = await readFile(join(folder, 'day.csv'), 'utf8')
    expect(file.startsWith('\u{feff}Part;Site;What;')).toBe(true)
    expect(file).toContain('\r\n')
    const { data } = Papa.parse<string[]>(file.slice(1).trimEnd(), { delimiter: ';' })
    expect(data).toHaveLength(13)
    expect(data[1]).toEqual(['site', 'Klub Nord', '', '', '', '3', '1', '1234,50'])
    expect(data[2]).toEqual(['site', `'${evil}`, '', '', '', '0', '1', '-15,00'])
    expect(data[4]?.slice(0, 3)).toEqual(['product', 'Klub Nord', `'-2+3; "ost"\u001b[2J`])
    expect(data.flat().filter((cell) => /^[=+@\t\r]|^-(?!\d+(,\d\d)?$)/.test(cell))).toEqual([])
    expect(printed.out.replaceAll('\r', '')).toBe(file.replaceAll('\r', '').replaceAll('\u001b', ''))
  })

  test('of what is owed, of clearing and of volume say what must be done', async () => {
    const sound = await klubkort((await standIn(liabilities)).url, 'report', 'liabilities')
    expect(sound.out).toMatch(/in all +197,00\n/)
    expect(sound.out).toMatch(/What is held covers what is owed\.\n$/)
    const short = { ...liabilities, covered: false, missing: 12_300 }
    const { out } = await klubkort((await standIn(short)).url, 'report', 'liabilities')
    expect(out).toMatch(/does NOT cover what is owed: 123,00 kr are missing\.\n$/)
    const cleared = await klubkort((await standIn(clearing)).url, 'report', 'clearing')
    expect(cleared.out).toMatch(/Difference +0,50\n/)
    expect(cleared.out).toMatch(/not at Stripe +deposit pi_1 +0,25 +0,00\n/)
    expect(cleared.out).toMatch(/In eur, not booked: 1 line of/)
    const year = await klubkort((await standIn(volume)).url, 'report', 'volume')
    expect(year.out).toMatch(
      /5\.000\.000,00 kr of 7\.460\.000,00 kr \(67 %\)\. A million euro has not been passed\.\n$/,
    )
    const over = await klubkort((await standIn({ ...volume, reached: true })).url, 'report', 'volume')
    expect(over.out).toMatch(/notify Finanstilsynet/)
  })

  test('as JSON is what the worker said', async () => {
    for (const [name, body] of Object.entries({ liabilities, clearing, volume, day: report })) {
      const { out } = await klubkort((await standIn(body)).url, 'report', name, '--json')
      expect(JSON.parse(out)).toEqual(body)
    }
  })
})

describe.concurrent('klubkort exit-drill', () => {
  const paybacks: ExitDrill['paybacks'] = [
    {
      child: { id: 1, name: '@Ida Prøvebarn' },
      account: 7,
      amount: 12_345,
      bank: { name: 'Asta Prøveforælder', registration: '0000', account: '0000000022' },
    },
    { child: { id: 2, name: 'Emil Prøvebarn' }, account: 8, amount: 4_655, bank: null },
  ]
  const drill: ExitDrill = {
    at: Date.UTC(2026, 10, 20, 12),
    liabilities,
    paybacks,
    toBank: { count: 1, amount: 12_345 },
    byHand: { count: 1, amount: 4_655 },
    bank: { book: 15_000, stated: 15_000, difference: 0 },
    stripe: { book: 4_700, stated: null, difference: null },
    proven: true,
    file: '<?xml version="1.0"?><Document/>',
    fileMissing: null,
  }

  test('writes the list, the bank’s file and the proof for its owner only, and prints no child', async () => {
    const { url, heard } = await standIn(drill)
    const args = ['exit-drill', '--out', 'drill', '--bank-balance', '150', '--stripe-balance=-0,50']
    const ended = await klubkort(url, ...args)
    expect(ended).toMatchObject({ code: 0, err: '' })
    expect(heard).toMatchObject([
      { call: 'POST /api/staff/exit-drill', body: { bankBalance: 15_000, stripeBalance: -50 } },
    ])
    expect(ended.out).toMatch(/To bank accounts that are known +123,45 {2}1 account\n/)
    expect(ended.out).toMatch(/at the bank by the book +150,00\n +in reality +150,00\n +off by +0,00\n/)
    expect(ended.out).toContain('By the book everyone could be paid back')
    expect(ended.out).not.toMatch(/Prøve|0000000022/)
    const file = (name: string) => join(folder, 'drill', name)
    for (const name of ['paybacks.csv', 'paybacks.xml', 'proof.json']) {
      expect((await stat(file(name))).mode & 0o777).toBe(0o600)
    }
    expect((await stat(join(folder, 'drill'))).mode & 0o777).toBe(0o700)
    expect(await readFile(file('paybacks.xml'), 'utf8')).toBe(drill.file)
    expect((await readFile(file('paybacks.csv'), 'utf8')).split('\r\n').slice(1)).toEqual([
      `1;"'@Ida Prøvebarn";7;123,45;Asta Prøveforælder;0000 0000000022`,
      '2;Emil Prøvebarn;8;46,55;;',
      '',
    ])
    expect(JSON.parse(await readFile(file('proof.json'), 'utf8'))).toMatchObject({ proven: true, liabilities })
    const again = await klubkort(url, ...args)
    expect(again).toMatchObject({ code: 2, out: '' })
    expect(again.err).toBe(
      'klubkort: drill holds paybacks.csv of an earlier drill, which is not overwritten; name another folder with --out (usage)\n',
    )
    expect(heard).toHaveLength(1) // Nobody is looked up for a drill that cannot be kept.
  })

  test('takes the balance of a municipality with millions, and nothing that is no amount', async () => {
    const { url, heard } = await standIn(drill)
    await klubkort(url, 'exit-drill', '--out', 'millions', '--bank-balance', '12.250.000,50', '--stripe-balance', '99')
    expect(heard.map(({ body }) => body)).toEqual([{ bankBalance: 1_225_000_050, stripeBalance: 9_900 }])
    for (const odd of ['1.25', '12.50.000', '1,5', '1e6', '']) {
      const ended = await klubkort(url, 'exit-drill', '--out', 'odd', '--bank-balance', odd)
      expect([odd, ended.code]).toEqual([odd, odd === '1.25' ? 0 : 2])
    }
  })

  test('says that it is proven only where both balances were stated', async () => {
    const { url } = await standIn({ ...drill, stripe: { book: 4_700, stated: 4_700, difference: 0 } })
    const args = ['exit-drill', '--out', 'stated', '--bank-balance', '150', '--stripe-balance', '47']
    expect((await klubkort(url, ...args)).out).toContain('Proven: everyone could be paid back.')
  })

  test('fails where nothing is proven, and says why there is no file for the bank', async () => {
    const none: ExitDrill = { ...drill, proven: false, file: null, fileMissing: 'own_account_not_set' }
    const { url } = await standIn(none)
    const ended = await klubkort(url, 'exit-drill', '--out', 'unproven', '--json')
    expect(ended.code).toBe(1)
    expect(JSON.parse(ended.out)).toMatchObject({ proven: false })
    expect(ended.out).not.toContain('Prøve')
    const text = await klubkort(url, 'exit-drill', '--out', 'unproven-2')
    expect(text.out).toContain('NOT proven')
    expect(text.out).toContain('There is no file for the bank: own account not set.')
    await expect(stat(join(folder, 'unproven', 'paybacks.xml'))).rejects.toThrow('ENOENT')
  })

  test('takes the answer of a large municipality', async () => {
    const { url } = await standIn({ ...drill, file: 'x'.repeat(6_000_000) })
    expect((await klubkort(url, 'exit-drill', '--out', 'large')).code).toBe(0)
    expect((await stat(join(folder, 'large', 'paybacks.xml'))).size).toBe(6_000_000)
  })

  test('writes nothing where the folder is none', async () => {
    await writeFile(join(folder, 'taken'), '')
    const { url } = await standIn(drill)
    const ended = await klubkort(url, 'exit-drill', '--out', 'taken')
    expect(ended).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/cannot be written: [a-z ,]+ \(usage\)/),
    })
  })
})
