import { chmod, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLine, TOKEN } from './local/command-line.ts'
import { refusal, standInWorker } from './local/stand-in-worker.ts'
import { windowWith } from './window.ts'

const file = { madeAt: '2026-11-20T14:05:00.000Z', child: { id: 3, name: 'Freja Prøvebarn' }, cards: [{ id: 9 }] }
const erasure = { id: 3, name: 'Slettet barn 3', erasedAt: 0, eraseDay: '2032-01-01', guardians: 1 }

const BLOCKED = refusal('erasure_blocked', 'in the way: a payout under way')

/** A worker that answers one call; every other call is refused. */
const office = (call: string, body: unknown) => standInWorker({ [call]: { body } }, BLOCKED)

const klubkort = (url: string, ...args: string[]) => commandLine({ folder: tmpdir(), url })(...args)

test("a child's file is only its owner's to read, and no other file is written over", async () => {
  const { url } = await office('POST /api/staff/children/3/export', file)
  const folder = await mkdtemp(join(tmpdir(), 'klubkort-'))
  const out = join(folder, 'child.json')
  const first = await klubkort(url, 'child', 'export', '3', '--out', out)
  expect(first).toEqual({
    ...{ code: 0, err: '' },
    out: `Everything about child 3, Freja Prøvebarn, written to ${out}: keep it safe.\n`,
  })
  expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(file)
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  await writeFile(out, 'mine')
  await chmod(out, 0o644)
  const again = await klubkort(url, 'child', 'export', '3', '--out', out)
  expect([again.code, again.err]).toEqual([
    2,
    `klubkort: ${out} cannot be written: something of that name is there (usage)\n`,
  ])
  expect(await readFile(out, 'utf8')).toBe('mine')
  expect(JSON.parse((await klubkort(url, 'child', 'export', '3')).out)).toEqual(file)
})

test('a child is erased by its name, which a pipe has to give', async () => {
  const { url, heard } = await office('POST /api/staff/children/3/erase', erasure)
  const unnamed = await klubkort(url, 'child', 'erase', '3')
  expect([unnamed.code, unnamed.err]).toEqual([2, "klubkort: --name is wanted: the child's name once more (usage)\n"])
  expect(heard).toEqual([])
  const erased = await klubkort(url, 'child', 'erase', '3', '--name', 'Freja Prøvebarn')
  expect(erased.out).toBe(
    'Child 3 is erased. 1 guardian without another child went too. What bookkeeping asks for is kept until 01.01.2032.\n',
  )
  expect(heard).toMatchObject([{ call: 'POST /api/staff/children/3/erase', body: { name: 'Freja Prøvebarn' } }])
})

test('of a child of whom the books hold nothing, nothing is kept, and no day is named', async () => {
  const { url } = await office('POST /api/staff/children/3/erase', { ...erasure, eraseDay: '2026-01-01', guardians: 0 })
  const erased = await klubkort(url, 'child', 'erase', '3', '--name', 'Freja Prøvebarn')
  expect(erased.out).toBe('Child 3 is erased. Bookkeeping asks for nothing of it.\n')
})

test('who erases a child at a terminal sees the name that they type', async () => {
  const unnamed = refusal('name_wrong', "that is not the child's name")
  const answers = [unnamed, { body: erasure }, unnamed]
  const { url, heard } = await standInWorker({ 'POST /api/staff/children/3/erase': answers }, BLOCKED)
  const env = { HOME: tmpdir(), KLUBKORT_URL: url, KLUBKORT_TOKEN: TOKEN }
  const question = 'This cannot be taken back. Type the name of child 3 to erase it: '
  const window = windowWith(['child', 'erase', '3'], env, 120)
  await window.shows(question)
  window.type('Freja\r')
  expect((await window.ended).screen).toMatch(`${question}Freja\nChild 3 is erased.`)
  const left = windowWith(['child', 'erase', '3'], env, 120)
  await left.shows(question)
  left.type('\u0004')
  expect((await left.ended).code).toBe(2)
  const call = 'POST /api/staff/children/3/erase'
  expect(heard).toMatchObject(['', 'Freja', ''].map((name) => ({ call, body: { name } })))
})

test('what is in the way of an erasure is said', async () => {
  const { url } = await standInWorker({}, BLOCKED)
  const refused = await klubkort(url, 'child', 'erase', '3', '--name', 'Freja')
  expect([refused.code, refused.err]).toEqual([1, 'klubkort: in the way: a payout under way (erasure_blocked)\n'])
  const env = { HOME: tmpdir(), KLUBKORT_URL: url, KLUBKORT_TOKEN: TOKEN }
  const unasked = await windowWith(['child', 'erase', '3'], env, 120).ended
  expect([unasked.code, unasked.screen.trim()]).toEqual([1, refused.err.trim()])
})

test('how long things are kept is a setting', async () => {
  const { url, heard } = await standInWorker({}, BLOCKED)
  await klubkort(url, 'settings', 'set', '--keep-cases-months', '12', '--keep-books-years', '6')
  expect(heard).toMatchObject([
    { call: 'POST /api/staff/settings', body: { keep: { booksYears: 6, casesMonths: 12 } } },
  ])
  const short = await klubkort(url, 'settings', 'set', '--keep-books-years', '4')
  expect(short.code).toBe(2)
})
