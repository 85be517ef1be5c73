import { createExecutionContext, env } from 'cloudflare:test'
import { PDF } from '@libpdf/core'
import fc from 'fast-check'
import { Hono } from 'hono'
import Papa from 'papaparse'
import { beforeEach, describe, expect, it, test } from 'vitest'
import type { Language } from '../../shared/wire.ts'
import { settingsOf } from '../../worker/municipality/settings.ts'
import { statementCsv } from '../../worker/portal/statement-csv.ts'
import type { AccountEnv } from '../../worker/portal/view.ts'
import { accountsRoutes } from '../../worker/routes/accounts.ts'
import { statementRoutes } from '../../worker/routes/statement.ts'
import type { StatementLine } from '../../worker/statements/statements.ts'
import { speaker } from '../../worker/texts/language.ts'
import { db, newWallet, openBook, payIn, say, UNKNOWN_PRODUCT, type Wallet } from './movements.ts'
import { cardHolder, municipality } from './municipality.ts'
import { parentOf } from './parent.ts'

/** 21 November 2026, a Saturday, 12.00 in Copenhagen. */
const NOW = Date.UTC(2026, 10, 21, 11)
const HOUR_MS = 3_600_000
const danish = speaker('da')

/** The database, and how many round trips were made to it. */
function counted() {
  const trips = { count: 0 }
  const counts = ['batch', 'exec'] as const
  const seen = new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        if (counts.some((known) => known === name)) trips.count += 1
        return value.apply(target, given)
      }
    },
  })
  return { trips, seen }
}

/** Asks for a statement as the guardian of a wallet. */
function ask(wallet: Wallet, address = '', language: Language = 'da') {
  return askFor(`/konto/${wallet.account}/kontoudtog${address}`, wallet, language)
}

/** Asks for a page as the guardian of a wallet. */
async function askFor(path: string, wallet: Wallet, language: Language) {
  const { seen, trips } = counted()
  const child = { id: wallet.child, name: wallet.name, left: false }
  const account = { id: wallet.account, child, balance: 0, dailyLimit: null, spentToday: 0, cards: [] }
  const guardian = {
    ...{ id: 1, name: 'Asta Prøveforælder', language, mail: null, tellBelow: null },
    ...{ tellPurchases: false, tellWeekly: false, hasCpr: true },
  }
  const settings = {
    ...{ name: 'Roskilde Kommune', supportPhone: null, supportMail: null, mailFrom: null },
    supportHours: { da: null, en: null },
    money: settingsOf(null).money,
    offline: settingsOf(null).offline,
    keep: settingsOf(null).keep,
  }
  const visit = { guardian, accounts: [account], csrf: '', draft: null }
  const app = new Hono<AccountEnv>()
  app.use(async (c, next) => {
    c.set('db', seen)
    c.set('now', NOW)
    c.set('municipality', 4000)
    c.set('view', { language, say: speaker(language), settings, visit, account, path })
    await next()
  })
  app.route('/', statementRoutes)
  app.route('/', accountsRoutes)
  const response = await app.request(`http://4000.localhost${path}`, {}, env, createExecutionContext())
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes)
  return { status: response.status, headers: response.headers, text, bytes, trips: trips.count }
}

const plain = (html: string) =>
  html
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')

/** A wallet with a deposit, a sale of a known and an unknown product, an undone one, and a correction. */
async function lived(name = 'Ida Prøvebarn'): Promise<Wallet> {
  const wallet = await newWallet(name)
  await payIn(wallet, 123_450, Date.UTC(2026, 10, 18, 9, 5))
  const lines = [
    { product: 1, quantity: 2, price: 500 },
    { product: UNKNOWN_PRODUCT, quantity: 1, price: 250 },
    { product: null, quantity: 1, price: 45 },
  ]
  await say('4000-2', 'request', wallet, { lines }, Date.UTC(2026, 10, 19, 12, 30))
  const toast = [{ product: 2, quantity: 1, price: 1500 }]
  const { sale } = await say('4000-1', 'request', wallet, { lines: toast }, Date.UTC(2026, 10, 20, 15))
  await say('4000-1', 'reversal', wallet, { sale, lines: toast }, Date.UTC(2026, 10, 20, 15, 1))
  await payIn(wallet, 330, Date.UTC(2026, 10, 20, 16), '=HYPERLINK("http://evil.example")\nto gange')
  return wallet
}

/** A wallet with a sale of a Sunday that its till delivered on the Tuesday. */
async function soldLate(): Promise<Wallet> {
  const wallet = await newWallet()
  await payIn(wallet, 5000, Date.UTC(2026, 10, 16, 9))
  const lines = [{ product: 1, quantity: 1, price: 500 }]
  await say('4000-2', 'advice', wallet, { lines, at: Date.UTC(2026, 10, 15, 18, 5) }, Date.UTC(2026, 10, 17, 8))
  return wallet
}

beforeEach(openBook)

describe('the page', () => {
  it('shows the newest 30 days with what was bought where, in one round trip', async () => {
    const wallet = await lived()
    const { status, text, trips, headers } = await ask(wallet)
    expect({ status, trips }).toEqual({ status: 200, trips: 1 })
    expect(headers.get('cache-control')).toBe('no-store')
    const words = plain(text)
    expect(words).toContain('fredag den 23. oktober 2026 til lørdag den 21. november 2026')
    expect(words).toContain('Saldo ved start 0,00 kr. Ind 1.252,80 kr. Ud −27,95 kr. Saldo ved slut 1.224,85 kr.')
    expect(words).toContain(
      'Køb , Kantinen 2 × Juice à 5,00, 1 × Vare 12 à 2,50, 1 × Beløb uden vare à 0,45 −12,95 kr. 1.221,55 kr.',
    )
    expect(words).toMatch(/fre\. 20\. nov\. 2026[^<]{0,4}16[.:]01 Fortrudt køb , Ungdomsklubben 1 × Toast 15,00 kr\./)
    expect(text).toContain('<h1>Kontoudtog</h1>')
    expect(text).not.toMatch(/<script| style=|\son\w+=/)
    expect(text).toContain(`/konto/${wallet.account}/kontoudtog.csv?fra=2026-10-23&amp;til=2026-11-21`)
  })

  it('draws what was spent, and says the same in a table', async () => {
    const { text } = await ask(await lived())
    const section = text.slice(text.indexOf('id="spending"'))
    expect(section).toContain('<title id="spending-time-title">Forbrug pr. uge</title>')
    expect(plain(section)).toContain('Mest: Uge 47, 2026 med 12,95 kr.')
    expect(plain(section)).toContain('Uge 46, 2026 0,00 kr. Uge 47, 2026 12,95 kr.')
    expect(plain(section)).toContain('Drikkevarer 10,00 kr. Andet 2,95 kr.')
    expect(section.match(/<rect/g)).toHaveLength(5 + 2) // 23 October is in week 43.
  })

  it('shows one kind of movement with the sums of that kind alone', async () => {
    const wallet = await lived()
    const { text } = await ask(wallet, '?slags=deposit')
    const words = plain(text)
    expect(words).toContain('lørdag den 21. november 2026 · Kun indbetaling Ind 1.234,50 kr. Ud 0,00 kr. Bevægelser')
    expect(words).toContain('Saldoen er efter alle bevægelser.')
    expect(words).not.toMatch(/Saldo ved|Fordelt på/)
    expect(plain((await ask(wallet)).text)).not.toContain('Saldoen er efter')
    expect(text.match(/<td data-title="Dato"/g)).toHaveLength(1)
    expect(text).toContain('kontoudtog.pdf?fra=2026-10-23&amp;til=2026-11-21&amp;slags=deposit')
  })

  it('is in English for those who read English', async () => {
    const words = plain((await ask(await lived(), '', 'en')).text)
    expect(words).toContain('Opening balance')
    expect(words).toContain('Cancelled purchase , Ungdomsklubben 1 × Toast 15,00 kr.')
    expect(words).toContain('1 × Product 12 at 2,50')
  })

  it('says of a purchase that was booked on a later day when it was made, and finds it by the booking', async () => {
    const wallet = await soldLate()
    const words = plain((await ask(wallet, '?fra=2026-11-17&til=2026-11-17')).text)
    expect(words).toMatch(
      /Hvad Beløb Saldo tirs\. 17\. nov\. 2026[^<]{0,4}09[.:]00 Køb , Kantinen Købt søn\. 15\. nov\. 2026[^<]{0,4}19[.:]05 1 × Juice −5,00 kr\./,
    )
    expect(plain((await ask(wallet, '?fra=2026-11-15&til=2026-11-15')).text)).not.toContain('Juice')
    const english = plain((await ask(wallet, '?fra=2026-11-17&til=2026-11-17', 'en')).text)
    expect(english).toMatch(/Bought Sun,? 15 Nov 2026, 19:05/)
  })

  it('is friendly about an empty period', async () => {
    const { status, text } = await ask(await newWallet(), '?fra=2026-01-01&til=2026-01-31')
    expect(status).toBe(200)
    expect(plain(text)).toContain('Der er ingen bevægelser i perioden.')
    expect(text).not.toContain('<svg')
  })

  it('leads on to the movements that do not fit', async () => {
    const wallet = await newWallet()
    for (let index = 0; index < 105; index += 1) await payIn(wallet, 100 + index, NOW - HOUR_MS + index)
    const first = await ask(wallet)
    expect(first.text.match(/<td data-title="Dato"/g)).toHaveLength(100)
    const older = /href="[^"?]*(\?[^"]*side=\d+)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&')
    const second = await ask(wallet, older)
    expect(second.text.match(/<td data-title="Dato"/g)).toHaveLength(5)
    expect(second.text).toContain('Nyeste bevægelser')
    expect(second.text).not.toContain('Ældre bevægelser')
  })

  it('is recorded as a viewing', async () => {
    await db
      .prepare(
        `INSERT INTO guardian (id, issuer, subject, language, created_at, logged_in_at)
         VALUES (1, 'https://broker.example', 'asta', 'da', 0, 0)`,
      )
      .run()
    const wallet = await lived()
    for (const file of ['', '.csv', '.pdf']) await ask(wallet, file)
    const seen = await db.prepare('SELECT child, day, viewer_kind, viewer FROM viewing').all()
    expect(seen.results).toEqual([{ child: wallet.child, day: '2026-11-21', viewer_kind: 'guardian', viewer: 1 }])
  })
})

test('Konti says of a purchase that was booked on a later day when it was made', async () => {
  const words = plain((await askFor('/konti', await soldLate(), 'da')).text)
  expect(words).toMatch(
    /Seneste bevægelser 1 × Juice Købt søn\. 15\. nov\. 2026[^<]{0,4}19[.:]05 · Kantinen −5,00 kr\./,
  )
  expect(words).toMatch(/Indbetaling man\. 16\. nov\. 2026[^<]{0,4}10[.:]00 50,00 kr\./)
})

describe('bad input', () => {
  it.each([
    ['?fra=2026-11-02&til=2026-11-01', 'til', 'Slutdatoen skal være den samme'],
    ['?fra=abc', 'fra', 'Skriv en dato, der findes'],
    ['?fra=2026-02-31', 'fra', 'Skriv en dato, der findes'],
    ['?fra=0001-01-01', 'fra', 'fra år 2000 eller senere'],
    ['?til=9999-12-31', 'til', 'ude i fremtiden'],
    ['?til=2026-11-22', 'til', 'ude i fremtiden'],
    ['?fra=2020-01-01', 'fra', 'højst være 5 år'],
    ['?fra=2026-11-01&fra=2026-11-02', 'fra', 'mere end én gang'],
    ['?fra[]=2026-11-01&til=%00', 'til', 'Skriv en dato, der findes'],
    ['?fra=HUGE', 'fra', 'Skriv en dato, der findes'],
    ['?slags=payday', 'slags', 'Vælg en af typerne på listen.'],
    ['?slags=__proto__', 'slags', 'Vælg en af typerne på listen.'],
    ['?side=-1', 'fra', 'Den side af kontoudtoget findes ikke'],
    ['?fra=%3Cscript%3Ealert(1)%3C/script%3E', 'fra', 'Skriv en dato, der findes'],
  ])('%s is answered at the field, without data', async (query, field, message) => {
    const wallet = await lived()
    for (const file of ['', '.csv', '.pdf']) {
      const { status, text, trips } = await ask(wallet, file + query.replace('HUGE', '1'.repeat(8000)))
      expect({ status, trips }).toEqual({ status: 400, trips: 0 })
      expect(text).toContain(`href="#${field}"`)
      expect(new RegExp(`id="${field}-error">([^<]*)`).exec(text)?.[1]).toContain(message)
      expect(text).not.toContain('data-title')
      expect(text).not.toContain('<script')
      expect(text).not.toMatch(/name="fra"[^>]*value="[^"]{41}/)
    }
  })

  it('keeps what was typed', async () => {
    const { text } = await ask(await lived(), '?fra=31.02.2026&til=21/11-2026&slags=purchase')
    expect(text).toMatch(/<input [^>]*name="fra"[^>]*type="text" value="31.02.2026"/)
    expect(text).toMatch(/name="til"[^>]*value="2026-11-21"/)
    expect(text).toMatch(/<option value="purchase" selected/)
  })
})

describe('the spreadsheet', () => {
  it('has a row for each movement, as Danish spreadsheets read it', async () => {
    const { headers, text, bytes, trips } = await ask(await lived('Ægir Sørensen'), '.csv')
    expect(trips).toBe(1)
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="kontoudtog-aegir-2026-10-23-2026-11-21.csv"; filename*=UTF-8''kontoudtog-%C3%A6gir-2026-10-23-2026-11-21.csv`,
    )
    expect([...bytes.slice(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
    expect(text.split('\r\n').slice(0, 3)).toEqual([
      '\u{feff}Dato;Tid;Købt;Type;Sted;Varer;Bemærkning;Beløb;Saldo',
      '18-11-2026;10:05;;Indbetaling;;;;1234,50;1234,50',
      '19-11-2026;13:30;;Køb;Kantinen;2 × Juice à 5,00, 1 × Vare 12 à 2,50, 1 × Beløb uden vare à 0,45;;-12,95;1221,55',
    ])
    expect(text).toContain(`;"'=HYPERLINK(""http://evil.example"")\nto gange";3,30;1224,85\r\n`)
  })

  it('has a column for when a purchase was made that was booked on a later day', async () => {
    const { text } = await ask(await soldLate(), '.csv?fra=2026-11-17&til=2026-11-17')
    expect(text.split('\r\n')[1]).toBe('17-11-2026;09:00;15-11-2026 19:05;Køb;Kantinen;1 × Juice;;-5,00;45,00')
  })

  test('whatever the texts are, it reads back as they are, and no cell is a formula', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc
        .tuple(fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '＝', '"', ';', '-1,00;', "'"), fc.string())
        .map(([sign, rest]) => sign + rest),
    )
    const ore = fc.integer({ min: -99_999_999, max: 99_999_999 })
    const movement = fc.record({ site: nasty, name: nasty, reason: nasty, amount: ore, balance: ore })
    fc.assert(
      fc.property(fc.array(movement, { minLength: 1, maxLength: 5 }), (movements) => {
        const lines = movements.map(({ name, ...one }, index): StatementLine => {
          const item = { product: 1, name, category: 'food', quantity: 1, price: 1 } as const
          return {
            ...one,
            seq: index,
            transfer: '',
            kind: 'purchase',
            at: NOW,
            day: '2026-11-21',
            soldAt: null,
            items: [item],
          }
        })
        const csv = statementCsv(lines, danish)
        const { data, errors } = Papa.parse<string[]>(csv.slice(1), {
          delimiter: ';',
          newline: '\r\n',
          skipEmptyLines: true,
        })
        expect(errors).toEqual([])
        expect(data).toHaveLength(lines.length + 1)
        for (const [index, one] of movements.entries()) {
          const row = data[index + 1] ?? []
          const bare = (text: string | undefined) => text?.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, '')
          expect(row.slice(0, 4)).toEqual(['21-11-2026', '12:00', '', 'Køb'])
          expect([bare(row[4]), row[5], bare(row[6])]).toEqual([bare(one.site), `1 × ${one.name}`, bare(one.reason)])
          for (const [cell, amount] of [
            [row[7], one.amount],
            [row[8], one.balance],
          ] as const) {
            expect(cell).toMatch(/^-?\d+,\d{2}$/)
            expect(Number(cell?.replace(',', ''))).toBe(amount)
          }
          for (const cell of row) if (/^[=+\-@\t\r\n＝＋－＠]/.test(cell)) expect(cell).toMatch(/^-\d+,\d{2}$/)
        }
      }),
      { numRuns: 300 },
    )
  })
})

test('a spreadsheet holds 10.000 movements, a document 2.000, and no more', async () => {
  const wallet = await newWallet()
  const fill = (from: number, to: number) =>
    db.batch([
      db.prepare(
        `WITH RECURSIVE n(seq) AS (SELECT ${from} UNION ALL SELECT seq + 1 FROM n WHERE seq < ${to})
         INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day)
         SELECT 'deposit:' || seq, 'deposit', 201, ${wallet.account}, 100, ${NOW}, '2026-11-21' FROM n`,
      ),
      db.prepare(
        `WITH RECURSIVE n(seq) AS (SELECT ${from} UNION ALL SELECT seq + 1 FROM n WHERE seq < ${to})
         INSERT INTO posting (account, seq, transfer, amount, balance, day, spent)
         SELECT ${wallet.account}, seq, 'deposit:' || seq, 100, seq * 100, '2026-11-21', 0 FROM n`,
      ),
    ])
  const refuses = async (file: string, most: string) => {
    const { status, text, trips } = await ask(wallet, file)
    expect({ status, trips }).toEqual({ status: 400, trips: 1 })
    expect(text).toContain(`Der er mere end ${most} bevægelser i perioden. Vælg en kortere periode.`)
  }
  await fill(1, 2000)
  expect((await ask(wallet, '.pdf')).status).toBe(200)
  await fill(2001, 10_000)
  await refuses('.pdf', '2.000')
  const full = await ask(wallet, '.csv')
  expect(full.text.split('\r\n')).toHaveLength(1 + 10_000 + 1)
  await fill(10_001, 10_001)
  await refuses('.csv', '10.000')
  expect((await ask(wallet)).status).toBe(200)
})

test('a guardian finds it in the portal, and another does not', async () => {
  const office = await municipality(7620)
  const { child, account } = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 4500 })
  const own = await parentOf(office, '0101575001', [child])
  const other = await parentOf(office, '0101575002')
  for (const file of ['', '.csv']) {
    const found = await own.get(`/konto/${account}/kontoudtog${file}`)
    expect(found.status).toBe(200)
    expect(found.text).toContain('45,00')
  }
  for (const file of ['', '.csv', '.pdf']) {
    expect((await other.get(`/konto/${account}/kontoudtog${file}`)).status).toBe(404)
  }
})

it('the document says who, when and how much, in every letter of Europe', async () => {
  const wallet = await lived('Łukasz Şahin Prøvebarn')
  const { headers, bytes, trips } = await ask(wallet, '.pdf')
  expect(trips).toBe(1)
  expect(headers.get('content-type')).toBe('application/pdf')
  expect(headers.get('content-disposition')).toContain(`filename="kontoudtog-_ukasz-2026-10-23-2026-11-21.pdf"`)
  const pdf = await PDF.load(bytes)
  expect(pdf.getTitle()).toBe('Kontoudtog – Łukasz Şahin Prøvebarn – 23-10-2026 til 21-11-2026')
  expect([pdf.getLanguage(), pdf.getAuthor(), pdf.getPageCount()]).toEqual(['da-DK', 'Roskilde Kommune', 1])
  expect(pdf.getCreationDate()?.getTime()).toBe(NOW)
  const text = pdf.extractText()[0]?.text ?? ''
  for (const words of [
    'Konto for Łukasz Şahin Prøvebarn',
    'Periode: 23-10-2026 til 21-11-2026',
    'Roskilde Kommune',
    'Saldo ved start 0,00',
    '19-11-2026 13:30 Køb, Kantinen −12,95 1.221,55',
    '2 × Juice à 5,00, 1 × Vare 12 à 2,50, 1 × Beløb uden vare à 0,45',
    '20-11-2026 16:01 Fortrudt køb, Ungdomsklubben 15,00 1.221,55',
    'Saldo ved slut 1.224,85',
    'Side 1 af 1',
  ]) {
    expect(text).toContain(words)
  }
})

it('the document of one kind holds what adds up: no edges, and the sums of that kind', async () => {
  const wallet = await lived()
  const textOf = async (query: string) => {
    const { bytes } = await ask(wallet, `.pdf${query}`)
    return (await PDF.load(bytes)).extractText()[0]?.text ?? ''
  }
  const purchases = await textOf('?slags=purchase')
  expect(purchases).toContain('Ind: 0,00 · Ud: 27,95 · Alle beløb er i kroner. · Saldoen er efter alle bevægelser.')
  expect(purchases).toContain('Køb, Kantinen −12,95 1.221,55')
  expect(purchases).not.toContain('Saldo ved')
  expect(await textOf('')).not.toContain('Saldoen er efter')
  const none = await textOf('?slags=purchase&til=2026-11-18')
  expect(none).toContain('Der er ingen bevægelser i perioden.')
  expect(none).toContain('Side 1 af 1')
})

it('the document says of a purchase that was booked on a later day when it was made', async () => {
  const { bytes } = await ask(await soldLate(), '.pdf?fra=2026-11-17&til=2026-11-17')
  const text = (await PDF.load(bytes)).extractText()[0]?.text ?? ''
  expect(text).toContain('17-11-2026 09:00 Køb, Kantinen −5,00 45,00')
  expect(text).toMatch(/Købt søn\. 15\. nov\. 2026, 19[.:]05/)
})
