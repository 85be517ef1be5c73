import fc from 'fast-check'
import stringWidth from 'string-width'
import { afterEach, describe, expect, test } from 'vitest'
import { type Column, onScreen, table, tableWithDetails } from '../terminal/staff/output.ts'
import { standInWorker } from './local/stand-in-worker.ts'
import { windowWith } from './window.ts'

const window = process.stdout.columns
afterEach(() => {
  process.stdout.columns = window
})

const GLYPHS = ['a', 'Å', 'mm', '李', '小龍', '한', '👩‍👧', '🇩🇰', '🎉', ' ', ' ', 'é', '-', '0198c0de']
const text = fc.array(fc.constantFrom(...GLYPHS), { maxLength: 60 }).map((glyphs) => glyphs.join(''))

type Row = { cells: string[]; below: string[] }
type Shape = { head: string; align?: 'right' }

const columnsOf = (shapes: Shape[], flexible: number): Column<Row>[] =>
  shapes.map(({ head, align }, at) => ({
    head,
    cell: ({ cells }) => cells[at] ?? '',
    ...(align && { align }),
    ...(at === flexible && { flexible: true }),
  }))

/** How often each character that is seen stands in a text. */
function seen(text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const char of text.replaceAll(/\s/g, '')) counts.set(char, (counts.get(char) ?? 0) + 1)
  return counts
}

describe('a table', () => {
  test('never has a line wider than the window, and loses nothing of what it shows', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 200 }),
        fc.array(fc.record({ head: fc.constantFrom('ID', 'NAME', 'DAILY LIMIT', 'WAITS SINCE') }), {
          minLength: 1,
          maxLength: 7,
        }),
        fc.nat({ max: 8 }),
        fc.array(
          fc.record({ cells: fc.array(text, { minLength: 7, maxLength: 7 }), below: fc.array(text, { maxLength: 2 }) }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        (columns, shapes, flexible, rows) => {
          process.stdout.columns = columns
          const shown = tableWithDetails(rows, columnsOf(shapes, flexible), ({ below }) => below, 'None.')
          expect(shown.split('\n').filter((line) => stringWidth(line) > columns)).toEqual([])
          const there = seen(shown)
          const wanted = seen(
            rows.map(({ cells, below }) => [...cells.slice(0, shapes.length), ...below].join('')).join(''),
          )
          for (const [char, count] of wanted) expect(there.get(char) ?? 0, char).toBeGreaterThanOrEqual(count)
        },
      ),
      { numRuns: 300 },
    )
  })

  const people = [
    {
      id: 3,
      name: '李小龍 Prøvebarn Med Et Meget Langt Navn Som Fortsætter',
      since: '24.12.2026 18.00',
      sum: '1.234,50',
    },
    { id: 41, name: '👩‍👧 Ida', since: '01.02.2026 08.15', sum: '5,00' },
  ]
  const columns: Column<(typeof people)[number]>[] = [
    { head: 'ID', cell: ({ id }) => id, align: 'right' },
    { head: 'NAME', cell: ({ name }) => name, flexible: true },
    { head: 'WAITS SINCE', cell: ({ since }) => since },
    { head: 'SUM', cell: ({ sum }) => sum, align: 'right' },
  ]

  test('wraps its flexible column, with wide glyphs as wide as they are', () => {
    process.stdout.columns = 60
    expect(table(people, columns, 'Nobody.')).toBe(`ID  NAME                          WAITS SINCE            SUM
 3  李小龍 Prøvebarn Med Et       24.12.2026 18.00  1.234,50
    Meget Langt Navn Som
    Fortsætter
41  👩‍👧 Ida                        01.02.2026 08.15      5,00`)
  })

  test('becomes a list where no line can hold a row', () => {
    process.stdout.columns = 60
    const files = [
      { id: '0198c0de-0000-7000-8000-000000000001', day: '2026-11-24', sum: '1.250.000,00', by: 'Anne Holm' },
    ]
    const shown = table(
      files,
      [
        { head: 'FILE', cell: ({ id }) => id },
        { head: 'PAID ON', cell: ({ day }) => day },
        { head: 'SUM', cell: ({ sum }) => sum, align: 'right' },
        { head: 'BY', cell: ({ by }) => by, flexible: true },
      ],
      'None.',
    )
    expect(shown).toBe(`FILE     0198c0de-0000-7000-8000-000000000001
PAID ON  2026-11-24
SUM      1.250.000,00
BY       Anne Holm`)
  })

  test.each([60, 200])('fits a real window of %i columns', async (columns) => {
    const name = `${'Prøvebarn '.repeat(25)}李小龍`
    const child = { account: 7, balance: 123_450, dailyLimit: null, cards: [], guardians: 2, leftAt: null, club: null }
    const { url } = await standInWorker({
      'GET /api/staff/children?offset=0': { body: { children: [{ id: 3, name, ...child }], more: false } },
    })
    const login = { HOME: '/nonexistent', KLUBKORT_URL: url, KLUBKORT_TOKEN: 'kk_4000_test' }
    const { code, screen } = await windowWith(['child', 'list'], login, columns).ended
    expect(code).toBe(0)
    const widths = screen.split('\n').map((line) => stringWidth(line))
    expect(Math.max(...widths)).toBeLessThanOrEqual(columns)
    expect(Math.max(...widths)).toBeGreaterThan(columns - 15)
  })
})

describe('a sentence', () => {
  const words = fc.array(fc.constantFrom('kort', 'børn', '李小龍', 'klubkort order list', 'a', 'kk_4000_'.repeat(12)), {
    maxLength: 40,
  })

  test('is broken at blanks where the window ends, and in a pipe it is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 130 }), fc.constantFrom('', '  '), words, (columns, margin, said) => {
        const line = `${margin}${['Nej', ...said].join(' ')}`
        expect(onScreen(line, {})).toBe(line)
        const lines = onScreen(line, { columns }).split('\n')
        expect(lines.map((one) => one.trim()).join(' ')).toBe(line.trim())
        for (const one of lines.filter((one) => stringWidth(one) > columns)) expect(one.trim()).not.toContain(' ')
        for (const name of ['klubkort', 'klubkort order']) expect(lines.filter((one) => one.endsWith(name))).toEqual([])
      }),
    )
  })

  test('gives a command line that is to be copied a line of its own, and never breaks it', () => {
    const command = `klubkort roster import 'elever fra skolen 2026.csv' --allow-leaving --yes`
    expect(onScreen(`Nothing is changed yet. To apply it: ${command}`, { columns: 60 })).toBe(
      `Nothing is changed yet. To apply it:\n  ${command}`,
    )
    expect(
      onScreen(`klubkort: it may be done all the same; to repeat it safely: ${command} (internal)`, { columns: 50 }),
    ).toBe(`klubkort: it may be done all the same; to repeat\n  it safely: (internal)\n  ${command}`)
    for (const line of [
      `  ${command}`,
      '  klubkort-terminal enrol --url https://4000.klubkort.example --code ABCD-EFGH',
    ]) {
      expect(onScreen(line, { columns: 40 })).toBe(line)
    }
  })

  test.each([60, 120])('fits a real window of %i columns, and a file that is shown stays as it is', async (columns) => {
    const name = 'Prøvebarn '.repeat(30).trim()
    const child = {
      id: 3,
      name,
      account: 7,
      balance: 0,
      dailyLimit: null,
      cards: [],
      guardians: 2,
      leftAt: 1,
      club: null,
    }
    const { url } = await standInWorker({
      'POST /api/staff/children/3/leave': { body: { ...child, untold: 2 } },
      'POST /api/staff/children/3/export': { body: { madeAt: '', child: { id: 3, name } } },
    })
    const login = { HOME: '/nonexistent', KLUBKORT_URL: url, KLUBKORT_TOKEN: 'kk_4000_test' }
    const widest = (screen: string) => Math.max(...screen.split('\n').map((line) => stringWidth(line)))
    const left = await windowWith(['child', 'leave', '3'], login, columns).ended
    expect([left.code, widest(left.screen) <= columns]).toEqual([0, true])
    expect(left.screen).toContain('write a letter.')
    const wrong = await windowWith(['child', 'leave', 'fourth-child-of-the-list'], login, columns).ended
    expect([wrong.code, widest(wrong.screen) <= columns]).toEqual([2, true])
    const exported = await windowWith(['child', 'export', '3'], login, columns).ended
    expect(JSON.parse(exported.screen.replace(/\n(?!\s*["{}]|$)/g, ''))).toMatchObject({ child: { name } })
  })
})
