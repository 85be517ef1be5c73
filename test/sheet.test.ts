import fc from 'fast-check'
import Papa from 'papaparse'
import { describe, expect, test } from 'vitest'
import { readSheet, type SheetColumn } from '../terminal/staff/sheet.ts'

type Name = 'child' | 'school' | 'cpr'
const COLUMNS: readonly SheetColumn<Name>[] = [
  { name: 'child', heads: ['barn', 'child'], required: true },
  { name: 'school', heads: ['skole'] },
  { name: 'cpr', heads: ['værge1_cpr'] },
]

const read = (content: string | Uint8Array) =>
  readSheet(typeof content === 'string' ? new TextEncoder().encode(content) : content, COLUMNS)

const faults = (content: string | Uint8Array) =>
  read(content).faults.map(({ line, column, reason }) => `${line} ${column ?? '-'} ${reason}`)

/** The bytes of a text in Windows-1252, as far as it has a letter for each of its characters. */
const WINDOWS = new Map(
  Array.from({ length: 256 }, (_, byte) => [new TextDecoder('windows-1252').decode(Uint8Array.of(byte)), byte]),
)
const windows1252 = (text: string) => Uint8Array.from([...text].map((char) => WINDOWS.get(char) ?? 63))

/** Text that an office could have in a cell: trimmed, no formula, no control characters, at most 200 long. */
const cell = (alphabet: string) =>
  fc
    .string({ unit: fc.constantFrom(...alphabet), maxLength: 30 })
    .map((text) => text.trim())
    .filter((text) => !/^[=+@\-＝＋－＠]/.test(text))
const LATIN = 'abcæøåÆØÅéüß€’–, ;"\'-09'
const ANY = `${LATIN}ŁžαЖ中🎒`

const table = (alphabet: string) =>
  fc.array(fc.record({ child: cell(alphabet), school: cell(alphabet), cpr: cell(alphabet) }), {
    minLength: 1,
    maxLength: 8,
  })

const layout = fc.record({
  delimiter: fc.constantFrom(';', ',', '\t'),
  newline: fc.constantFrom('\r\n', '\n', '\r'),
  quotes: fc.boolean(),
  order: fc.shuffledSubarray(['child', 'school', 'cpr'] as const, { minLength: 3 }),
  blankAfter: fc.nat(3),
  last: fc.boolean(),
})

describe('whatever a spreadsheet writes', () => {
  const written = (rows: Record<Name, string>[], how: typeof layout extends fc.Arbitrary<infer T> ? T : never) => {
    const heads = { child: 'Barn', school: 'SKOLE', cpr: 'Værge1 CPR' }
    const lines = [how.order.map((name) => heads[name]), ...rows.map((row) => how.order.map((name) => row[name]))]
    const text = lines.map((line) => Papa.unparse([line], { delimiter: how.delimiter, quotes: how.quotes }))
    text.splice(1, 0, ...Array.from({ length: how.blankAfter }, () => ''))
    return text.join(how.newline) + (how.last ? how.newline : '')
  }
  /** What is read of it: rows of blanks are none, and the others stand on lines of their own. */
  const wanted = (rows: Record<Name, string>[], { blankAfter }: { blankAfter: number }) =>
    rows.flatMap((cells, at) => {
      const normal = Object.fromEntries(Object.entries(cells).map(([name, text]) => [name, text.normalize('NFC')]))
      return Object.values(cells).every((text) => text === '') ? [] : [{ line: at + 2 + blankAfter, cells: normal }]
    })

  test('in UTF-8 is read as it was, on its own lines', () => {
    fc.assert(
      fc.property(table(ANY), layout, fc.boolean(), (rows, how, marked) => {
        const sheet = read((marked ? '\u{feff}' : '') + written(rows, how))
        expect(sheet.faults).toEqual([])
        expect(sheet.rows).toEqual(wanted(rows, how))
      }),
      { numRuns: 400 },
    )
  })

  test('in Windows-1252 is the same, where it is not UTF-8 by chance', () => {
    fc.assert(
      fc.property(table(LATIN), layout, (rows, how) => {
        const bytes = windows1252(written([{ child: 'Æø', school: '', cpr: '' }, ...rows], how))
        const sheet = read(bytes)
        expect(sheet.faults).toEqual([])
        expect(sheet.rows).toEqual(wanted([{ child: 'Æø', school: '', cpr: '' }, ...rows], how))
      }),
      { numRuns: 400 },
    )
  })

  test('of any bytes whatever nothing is thrown, and no row has what a row may not have', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .string({ unit: fc.constantFrom(...'barn;,\t"\r\n =+-@a\u0000\u202e'), maxLength: 200 })
        .map((text) => new TextEncoder().encode(`barn;skole\n${text}`)),
    )
    fc.assert(
      fc.property(bytes, (content) => {
        for (const { line, cells } of read(content).rows) {
          expect(line).toBeGreaterThan(1)
          for (const text of Object.values(cells)) expect(text).not.toMatch(/^[=+@-]|[\p{Cc}\p{Bidi_Control}]|^\s|\s$/u)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('a fault', () => {
  test('is on the line of the file where its row begins, also after cells of several lines', () => {
    expect(faults('barn;note\nIda;"et\r\nto\r\ntre"\nBo;"fire\nfem"\n=1;\n')).toEqual([
      '7 barn the cell begins as a formula',
    ])
  })

  test.for(['=1', '+1', '-1', '@x', '\t=1', '  =1', '＝1', '＋1', '－1', '＠x'])('is the formula %j', (cell) => {
    expect(faults(`barn;skole\n"${cell}";x\n`)).toEqual(['2 barn the cell begins as a formula'])
  })

  test.for([
    ['a\u0000', 'the file is not text; save it as CSV UTF-8'],
    ['a\u0085', 'the cell has a control character'],
    ['a\u202eb', 'the cell has a control character'],
    ['a\u2028b', 'the cell has a control character'],
    ['SÃ¸ren', 'letters are broken: the file was saved in a wrong encoding'],
    ['S\ufffdren', 'letters are broken: the file was saved in a wrong encoding'],
    ['a'.repeat(201), 'the cell is longer than 200 characters'],
  ] as const)('is %j', ([text, reason]) => {
    expect(faults(`barn;skole\n${text};x\n`).map((fault) => fault.slice(2).replace(/^(barn|-) /, ''))).toEqual([reason])
  })

  test('is a file of two encodings at once', () => {
    const mixed = Uint8Array.from([...windows1252('barn;skole\nSøren;x\n'), ...new TextEncoder().encode('Søren;y\n')])
    expect(faults(mixed)).toEqual(['3 barn letters are broken: the file was saved in a wrong encoding'])
    expect(read(mixed).rows.map(({ cells }) => cells.child)).toEqual(['Søren'])
  })

  test('is told of a thousand times at most', () => {
    const found = faults(`barn;skole\n${'=1;x\n'.repeat(5_000)}`)
    expect([found.length, found.at(-1)]).toEqual([1_001, '1001 - the file is not read any further; mend these first'])
  })

  test('never repeats what stands there, not even a heading that is somebody', () => {
    const sheet = read('barn;0101575001;Note\n=0101575001;x;y\n')
    expect(JSON.stringify(sheet)).not.toContain('0101575')
    expect(sheet.unknown).toEqual(['…', 'Note'])
  })
})

test('what parts the cells is told by the heading, whatever the cells hold', () => {
  expect(read('barn,skole\n"a;b;c","d;e"\n').rows[0]?.cells).toEqual({ child: 'a;b;c', school: 'd;e', cpr: '' })
  expect(read('barn\nIda\n').rows).toEqual([{ line: 2, cells: { child: 'Ida', school: '', cpr: '' } }])
})

test('a row of 100,000 too many is not read, and a cell of 10 MB is refused before it is looked into', () => {
  const many = read(`barn;skole\n${'a;b\n'.repeat(100_001)}`)
  expect([many.rows.length, many.faults]).toEqual([
    100_000,
    [{ line: 100_002, column: null, reason: 'a file may have 100000 rows' }],
  ])
  expect(faults(`barn;skole\n"${'a"b'.repeat(3_000_000)}";x\n`)).toEqual([
    '2 - the line is longer than 20000 characters',
  ])
})
