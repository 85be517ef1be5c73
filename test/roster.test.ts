import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as pty from '@lydell/node-pty'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { RosterApplied, RosterHistory, RosterPlan } from '../shared/office/roster.ts'
import { commandLine, KLUBKORT, NOWHERE } from './local/command-line.ts'
import { type Office, office, setUp } from './local/office.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

let folder: string
let worker: Running
let desk: Office
let env: Record<string, string>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-roster-'))
  const port = await freePort()
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  worker = await startWorker(folder, port, { bundle: prepared.worker })
  const url = `http://4000.localhost:${port}`
  const { SETUP_KEY } = await secretsIn(folder)
  const token = await setUp(url, SETUP_KEY, 4000, 'Prøve')
  desk = office(url, token)
  await desk.addSite('Klub Ærø')
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  env = { PATH, NODE_COMPILE_CACHE, HOME: folder, KLUBKORT_URL: url, KLUBKORT_TOKEN: token }
})

afterAll(async () => {
  await worker?.stop()
  await rm(folder, { recursive: true, force: true })
})

const klubkort = (...args: string[]) => commandLine({ folder, env })(...args)

/**
 * Runs it at a terminal of 80 columns, where `typed` is typed when it asks, and `meanwhile` is over; resolves to all that
 * was drawn.
 */
function atTerminal(
  args: string[],
  typed: string,
  meanwhile = async (): Promise<unknown> => null,
): Promise<{ code: number; drawn: string }> {
  const program = pty.spawn(process.execPath, [KLUBKORT, ...args], { cols: 80, rows: 40, cwd: folder, env })
  let drawn = ''
  program.onData((data) => {
    const asked = drawn.includes('[y/N]')
    drawn += data
    if (!asked && drawn.includes('[y/N]')) meanwhile().then(() => program.write(`${typed}\r`))
  })
  return new Promise((resolve) => program.onExit(({ exitCode }) => resolve({ code: exitCode, drawn })))
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content)
  return name
}

const HEAD = 'barn;fødselsdag;skole;klub;værge1_cpr;værge2_cpr'
const ALMA = 'Alma Prøvebarn;2015-06-07;Ærøskolen;Klub Ærø;010157-5001;0201575002'
const BO = 'Bo Prøvebarn;08-06-2015;Ærøskolen;;010157-5001;'
const CARLA = 'Carla Prøvebarn;9.6.2015;;klub ærø;;'
const sheet = (...lines: string[]) => `${lines.join('\r\n')}\r\n`

const Answer = z.object({ plan: RosterPlan, applied: RosterApplied.nullable() })

describe('a roster', () => {
  test('is shown, changes nothing without a yes, and is applied with it', async () => {
    const name = await file('elever.csv', `\ufeff${sheet(HEAD, ALMA, BO, CARLA)}`)
    const shown = await klubkort('roster', 'import', name)
    expect([shown.code, shown.err]).toEqual([0, ''])
    const plan = `New: 3
LINE  NAME             CLUB
   2  Alma Prøvebarn   Klub Ærø
   3  Bo Prøvebarn
   4  Carla Prøvebarn  Klub Ærø

Changed: 0

Leaving: 0

3 rows in the file; first cards to order: 2.
`
    expect(shown.out).toBe(`${plan}
Nothing is changed yet. To apply it: klubkort roster import elever.csv --yes
`)
    expect((await klubkort('child', 'list', '--json')).out).not.toContain('Prøvebarn')

    const applied = await klubkort('roster', 'import', name, '--yes')
    expect([applied.code, applied.err]).toEqual([0, ''])
    expect(applied.out).toBe(`${plan}
Applied: 3 new, 0 changed, 0 left; first cards ordered: 2.
`)
  })

  test('in any encoding, with any separator, its columns in any order and in English, is the same one', async () => {
    const latin = Buffer.from(sheet(HEAD, ALMA, BO, CARLA), 'latin1')
    const comma = sheet(
      'School,Child,Note,Guardian 1 CPR,guardian2-cpr,CLUB,birth_date',
      'Ærøskolen,Alma Prøvebarn,x,0201575002,010157-5001,"Klub Ærø",2015-06-07',
      '',
      'Ærøskolen,"Bo Prøvebarn","a note, of',
      'two lines",101575001,,,2015-06-08', // A spreadsheet took its leading nought away.
      ',Carla Prøvebarn,,,,Klub Ærø,2015-06-09',
    )
    const tab = Buffer.from(sheet(HEAD, ALMA, BO, CARLA).replaceAll(';', '\t').replaceAll('\r\n', '\n'), 'utf8')
    for (const [name, content] of [
      ['latin.csv', latin],
      ['comma.csv', comma],
      ['tab.csv', tab],
      ['excel.csv', `sep=;\r\n${sheet(HEAD, ALMA, BO, CARLA)}`],
    ] as const) {
      const { code, out, err } = await klubkort('roster', 'import', await file(name, content), '--yes')
      expect([name, code, err]).toEqual([name, 0, ''])
      expect(out, name).toMatch(/Nothing to change\.\n$/)
      if (name === 'comma.csv') expect(out).toMatch(/^Columns that are not read: Note\n/)
    }
  })

  test('tells programs all of it', async () => {
    const name = await file('next.csv', sheet(HEAD, ALMA.replace('2015-06-07', '2015-06-09'), CARLA, ''))
    const { code, out } = await klubkort('roster', 'import', name, '--dry-run', '--json')
    expect(code).toBe(0)
    const { plan, applied } = Answer.parse(JSON.parse(out))
    expect(applied).toBeNull()
    expect(plan.new).toEqual([{ line: 2, name: 'Alma Prøvebarn', club: 'Klub Ærø' }])
    expect(plan.leavers.map(({ name }) => name)).toEqual(['Alma Prøvebarn', 'Bo Prøvebarn'])
  })

  test('of which more than a fifth is missing needs to be allowed to', async () => {
    const name = await file('cut.csv', sheet(HEAD, ALMA))
    const shown = await klubkort('roster', 'import', name)
    expect([shown.code, shown.out]).toEqual([
      0,
      `New: 0

Changed: 0

Leaving: 2
CHILD  NAME             CLUB
    2  Bo Prøvebarn
    3  Carla Prøvebarn  Klub Ærø

1 row in the file; first cards to order: 0.

Nothing is changed yet. To apply it: klubkort roster import cut.csv --allow-leaving --yes
More than a fifth of the children would leave; is the file whole?
`,
    ])
    const refused = await klubkort('roster', 'import', name, '--yes')
    expect([refused.code, refused.out, refused.err]).toEqual([
      1,
      '',
      'klubkort: 2 of 3 children would leave, more than a fifth; if the file is whole, and they shall: --allow-leaving (roster_leaving)\n',
    ])
    const left = await klubkort('roster', 'import', name, '--yes', '--allow-leaving', '--json')
    expect(Answer.parse(JSON.parse(left.out)).applied).toEqual({
      added: 0,
      changed: 0,
      leaving: 2,
      cards: 0,
      untold: 1,
    })
    const back = await klubkort('roster', 'import', 'elever.csv', '--yes')
    expect(back.out).toContain(`Changed: 2
LINE  CHILD  NAME             WHAT
   3      2  Bo Prøvebarn     comes back
   4      3  Carla Prøvebarn  comes back
`)
    expect(back.out).toMatch(/Applied: 0 new, 2 changed, 0 left; first cards ordered: 1\.\n$/)
  })

  test('at a terminal is asked about, with a bar while it is long, and "no" changes nothing', async () => {
    const line = (at: number) => `Barn ${at} Prøvebarn;2014-01-02;Prøveskolen;;;`
    const name = await file(
      'long.csv',
      sheet(HEAD, ALMA, BO, CARLA, ...Array.from({ length: 1_200 }, (_, at) => line(at))),
    )
    const no = await atTerminal(['roster', 'import', name], 'n')
    expect(no.code).toBe(2) // As wherever somebody is asked, and does not want it.
    expect(no.drawn).toContain('Reading the roster in █')
    expect(no.drawn).toContain('100 %')
    expect(no.drawn).toContain('… and 1180 more')
    expect(no.drawn).toMatch(/Apply it\? \[y\/N\] n\s+klubkort: nothing was done \(cancelled\)\s*$/)
    expect(no.drawn.split(/[\r\n]+/).filter((drawn) => drawn.length > 85)).toEqual([])
    const yes = await atTerminal(['roster', 'import', name], 'ja')
    expect(yes.drawn).toMatch(/Applied: 1200 new, 0 changed, 0 left; first cards ordered: 0\.\s*$/)
    expect(await klubkort('roster', 'import', name)).toMatchObject({ code: 0, err: '' }) // No bar in a pipe.
  })
})

test('is remembered: who read which in, and what came of it', async () => {
  const { code, out } = await klubkort('roster', 'history')
  expect(code).toBe(0)
  expect(out.replace(/\d\d\.\d\d\.\d{4} \d\d\.\d\d/g, '01.02.2026 12.00')).toMatch(
    /^WHEN {14}WHO {13}STATE {5}ROWS {3}NEW {2}CHANGED {2}LEAVING\n01\.02\.2026 12\.00 {2}Demo \(staff 1\) {2}given up {2}1203 {5}0 {8}0 {8}0\n01\.02\.2026 12\.00 {2}Demo \(staff 1\) {2}applied {3}1203 {2}1200 {8}0 {8}0\n/,
  )
  expect(RosterHistory.parse(JSON.parse((await klubkort('roster', 'history', '--json')).out)).more).toBe(false)
})

test('two at once: the one that was asked about meanwhile is refused, and nothing of it is done', async () => {
  const lines = [
    ALMA,
    BO,
    CARLA,
    ...Array.from({ length: 1_200 }, (_, at) => `Barn ${at} Prøvebarn;2014-01-02;Prøveskolen;;;`),
  ]
  const one = await file('one.csv', sheet(HEAD, ...lines, 'Ida Prøvebarn;2015-06-10;;;;'))
  const other = await file('other.csv', sheet(HEAD, ...lines, 'Jan Prøvebarn;2015-06-11;;;;'))
  const { code, drawn } = await atTerminal(['roster', 'import', one], 'y', () =>
    klubkort('roster', 'import', other, '--yes'),
  )
  expect(code).toBe(1)
  expect(drawn.replace(/\s+/g, ' ')).toContain(
    'klubkort: something else has changed meanwhile; read the roster in again (roster_changed)',
  )
  const there = async (name: string) =>
    JSON.parse((await klubkort('child', 'list', '--name', name, '--json')).out).children.length
  expect([await there('Ida Prøvebarn'), await there('Jan Prøvebarn')]).toEqual([0, 1])
  const { imports } = RosterHistory.parse(JSON.parse((await klubkort('roster', 'history', '--json')).out))
  expect(imports.slice(0, 2).map(({ state }) => state)).toEqual(['applied', 'given_up'])
})

describe('a file with faults', () => {
  const children = () => klubkort('child', 'list', '--json').then(({ out }) => out)

  test('is told by line, column and reason, never by what stands there, and nothing of it is done', async () => {
    const there = await children()
    const name = await file(
      'wrong.csv',
      sheet(
        HEAD,
        'Dagny Prøvebarn;2015-06-07;Prøveskolen;;3002575001;',
        'Emil Prøvebarn;2015-02-30;Prøveskolen;;0101575001;010157-5001',
        ';;Prøveskolen;;;',
        '=HYPERLINK("x");2015-16-07;Prøveskolen;;;12',
        '"Freja',
        'Prøvebarn";2015-06-07;Prøveskolen;;;',
        'Gro Prøvebarn;2015-06-07;Prøveskolen;Klub Nord;;',
        `${'x'.repeat(81)};2015-06-07;Prøveskolen;;1234;`,
        'Hans Prøvebarn;2015-06-07;Prøveskolen',
        `Ib Prøvebarn;2015-06-07;${'y'.repeat(201)};;;`,
        'Jo\u0007 Prøvebarn;2015-06-07;Prøveskolen;;;',
        'Kaj PrÃ¸vebarn;2015-06-07;Prøveskolen;;;',
        'Lea Prøvebarn;01-01-2100;Prøveskolen;;;',
        'DAGNY Prøvebarn;2015-06-07;;Klub Nord;;1234',
      ),
    )
    const { code, out, err } = await klubkort('roster', 'import', name, '--yes')
    expect([code, out]).toEqual([2, ''])
    expect(err).toBe(`klubkort: wrong.csv has 20 faults, and nothing is changed (file_faulty)
  line 2, værge1_cpr: not a CPR number: ten digits that begin with a date of birth
  line 3, fødselsdag: no date like 2015-06-07 or 07-06-2015
  line 3, værge2_cpr: the same guardian stands there twice
  line 4, barn: the name is missing
  line 4, fødselsdag: the birth date is missing
  line 5, barn: the cell begins as a formula
  line 5, fødselsdag: no date like 2015-06-07 or 07-06-2015
  line 5, værge2_cpr: not a CPR number: ten digits that begin with a date of birth
  line 6, barn: the cell has a line break
  line 8, klub: there is no site of that name
  line 9, barn: longer than 80 characters
  line 9, værge1_cpr: not a CPR number: ten digits that begin with a date of birth
  line 10: the heading has 6 cells, this line 3
  line 11, skole: the cell is longer than 200 characters
  line 12, barn: the cell has a control character
  line 13, barn: letters are broken: the file was saved in a wrong encoding
  line 14, fødselsdag: the birth date is in the future
  line 15, værge2_cpr: not a CPR number: ten digits that begin with a date of birth
  line 15, klub: there is no site of that name
  line 15, barn: the same child stands on line 2
`)
    const json = await klubkort('roster', 'import', name, '--yes', '--json')
    expect(JSON.parse(json.err)).toMatchObject({
      error: { code: 'file_faulty', faults: expect.arrayContaining([expect.objectContaining({ line: 2 })]) },
    })
    expect(await children()).toBe(there)
  })

  test('that only the worker can see is told in the same way', async () => {
    const there = await children()
    const name = await file(
      'worker.csv',
      sheet(HEAD, ALMA, BO, ALMA.replace('Alma', ' ALMA '), BO.replace(';;', ';Klub Nord;')),
    )
    const { code, err } = await klubkort('roster', 'import', name, '--yes')
    expect([code, err]).toEqual([
      2,
      `klubkort: worker.csv has 3 faults, and nothing is changed (file_faulty)
  line 4, barn: the same child stands on line 2
  line 5, klub: there is no site of that name
  line 5, barn: the same child stands on line 3
`,
    ])
    expect(await children()).toBe(there)
  })

  test('is told its own faults where the worker cannot be reached', async () => {
    const name = await file('offline.csv', sheet(HEAD, ALMA, 'Bo Prøvebarn;2015-02-30;;;;'))
    const { code, err } = await commandLine({ folder, url: NOWHERE })('roster', 'import', name)
    expect([code, err]).toEqual([2, expect.stringContaining('no date like 2015-06-07')])
  })

  test("a child's own CPR number that contradicts the rest is a fault", async () => {
    const head = `${HEAD};barn_cpr`
    const name = await file(
      'own.csv',
      sheet(
        head,
        'Liv Prøvebarn;1858-01-03;;;0301585003;;030158-5003',
        'Mie Prøvebarn;2015-06-07;;;;;0301585003',
        'Nis Prøvebarn;1858-01-03;;;;;0301581',
      ),
    )
    expect(
      (await klubkort('roster', 'import', name)).err,
    ).toBe(`klubkort: own.csv has 3 faults, and nothing is changed (file_faulty)
  line 2, værge1_cpr: the child's own CPR number
  line 3, fødselsdag: not the date in the child's CPR number
  line 4, barn_cpr: not a CPR number: ten digits that begin with a date of birth
`)
  })

  test.for([
    ['empty.csv', '', 'line 1: the file is empty'],
    ['blank.csv', '\r\n \r\n', 'line 1: the file is empty'],
    ['pipes.csv', sheet(HEAD, BO).replaceAll(';', '|'), 'line 1: no headings parted by semicolons, commas or tabs'],
    ['headless.csv', sheet(ALMA, BO), 'line 1, barn: the heading is missing'],
    ['twice.csv', sheet(`${HEAD};Barn`, `${ALMA};x`), 'line 1, barn: the heading stands there twice'],
    [
      'ownerless.csv',
      sheet('barn;fødselsdag;skole;klub', 'x;2015-06-07;;'),
      'line 1, værge1_cpr: the heading is missing',
    ],
    ['open.csv', sheet(HEAD, '"Alma;2015-06-07;;;;', BO), 'line 2: a quotation mark is not closed'],
    ['utf16.csv', Buffer.from(sheet(HEAD, ALMA), 'utf16le'), 'line 1: the file is not text; save it as CSV UTF-8'],
    [
      'cell.csv',
      sheet(HEAD, `"${'a'.repeat(10_000_000)}";2015-06-07;;;;`),
      'line 2: the line is longer than 20000 characters',
    ],
  ] as const)('%s is not read', async ([name, content, reason]) => {
    const { code, out, err } = await klubkort('roster', 'import', await file(name, content), '--yes')
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(reason)
    expect(err).not.toMatch(/\d{6}-?\d{4}|Prøvebarn/)
  })

  test('that is too large, not there, or no file is wrong usage', async () => {
    await file('large.csv', 'a'.repeat(17 * 1024 * 1024))
    expect((await klubkort('roster', 'import', 'large.csv')).err).toBe(
      'klubkort: large.csv cannot be read: it has more than 16 MB (usage)\n',
    )
    expect((await klubkort('roster', 'import', 'nowhere.csv')).err).toContain('there is no such file')
    expect((await klubkort('roster', 'import', '.')).err).toContain('it is a folder')
    expect(await klubkort('roster', 'import', await file('head.csv', sheet(HEAD)))).toMatchObject({
      code: 2,
      err: 'klubkort: head.csv has no rows (usage)\n',
    })
  })
})

test('no CPR number is in the databases, nor in what the worker printed', async () => {
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.sqlite(-wal)?$/.test(name))
  expect(files.length).toBeGreaterThan(0)
  const kept = await Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')))
  expect(kept.join('')).toContain('Alma Pr')
  for (const text of [...kept, worker.printed()]) {
    for (const cpr of ['010157-5001', '0101575001', '0201575002', '0301585003']) expect(text).not.toContain(cpr)
  }
})
