import { chmod, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandLine } from './local/command-line.ts'
import { windowWith } from './window.ts'

const file = { madeAt: '2026-11-20T14:05:00.000Z', child: { id: 3, name: 'Freja Prøvebarn' }, cards: [{ id: 9 }] }
const erasure = { id: 3, name: 'Slettet barn 3', erasedAt: 0, eraseDay: '2032-01-01', guardians: 1 }

/**
 * A worker that answers one call, and what it has heard; every other call is refused, and a name that is none as the
 * worker refuses it.
 */
async function office(call: string, answer: unknown): Promise<{ url: string; heard: string[] }> {
  const heard: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    heard.push(`${request.method} ${request.url} ${body}`)
    const known = call === `${request.method} ${request.url}`
    const nameless = body === '{"name":""}'
    response.writeHead(known && !nameless ? 200 : 409, { 'content-type': 'application/json' })
    const refusal = { error: { code: 'erasure_blocked', message: 'in the way: a payout under way' } }
    const unnamed = { error: { code: 'name_wrong', message: "that is not the child's name" } }
    response.end(JSON.stringify(!known ? refusal : nameless ? unnamed : answer))
  })
  server.unref()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://4000.localhost:${(server.address() as AddressInfo).port}`, heard }
}

const klubkort = (url: string, ...args: string[]) =>
  commandLine({ url, token: 'kk_4000_test', folder: tmpdir() })(...args)

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
  expect(heard).toEqual(['POST /api/staff/children/3/erase {"name":"Freja Prøvebarn"}'])
})

test('who erases a child at a terminal sees the name that they type', async () => {
  const { url, heard } = await office('POST /api/staff/children/3/erase', erasure)
  const env = { HOME: tmpdir(), KLUBKORT_URL: url, KLUBKORT_TOKEN: 'kk_4000_test' }
  const question = 'This cannot be taken back. Type the name of child 3 to erase it: '
  const window = windowWith(['child', 'erase', '3'], env, 120)
  await window.shows(question)
  window.type('Freja\r')
  expect((await window.ended).screen).toMatch(`${question}Freja\nChild 3 is erased.`)
  const left = windowWith(['child', 'erase', '3'], env, 120)
  await left.shows(question)
  left.type('\u0004')
  expect((await left.ended).code).toBe(2)
  const asked = 'POST /api/staff/children/3/erase {"name":""}'
  expect(heard).toEqual([asked, 'POST /api/staff/children/3/erase {"name":"Freja"}', asked])
})

test('what is in the way of an erasure is said', async () => {
  const { url } = await office('', null)
  const refused = await klubkort(url, 'child', 'erase', '3', '--name', 'Freja')
  expect([refused.code, refused.err]).toEqual([1, 'klubkort: in the way: a payout under way (erasure_blocked)\n'])
  const env = { HOME: tmpdir(), KLUBKORT_URL: url, KLUBKORT_TOKEN: 'kk_4000_test' }
  const unasked = await windowWith(['child', 'erase', '3'], env, 120).ended
  expect([unasked.code, unasked.screen.trim()]).toEqual([1, refused.err.trim()])
})

test('how long things are kept is a setting', async () => {
  const { url, heard } = await office('', null)
  await klubkort(url, 'settings', 'set', '--keep-cases-months', '12', '--keep-books-years', '6')
  expect(heard).toEqual(['POST /api/staff/settings {"keep":{"booksYears":6,"casesMonths":12}}'])
  const short = await klubkort(url, 'settings', 'set', '--keep-books-years', '4')
  expect(short.code).toBe(2)
})
