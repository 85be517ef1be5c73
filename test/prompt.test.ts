import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Desk } from '../terminal/staff/desk.ts'
import { confirmed } from '../terminal/staff/prompt.ts'
import { KLUBKORT, NOWHERE, TOKEN } from './local/command-line.ts'
import { standInWorker } from './local/stand-in-worker.ts'
import { windowWith } from './window.ts'

const product = { id: 4, site: 1, name: 'Toast', price: 1_500, category: 'food', retiredAt: null }
const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

let home = ''
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'klubkort-prompt-'))
})
afterAll(() => rm(home, { recursive: true }))

const at = (url: string) => ({ HOME: home, KLUBKORT_URL: url, KLUBKORT_TOKEN: TOKEN })

describe('somebody at a terminal', () => {
  test('is asked for what is missing, and it goes on as if it had been given', async () => {
    const worker = await standInWorker({ 'POST /api/staff/products': { body: product } })
    const window = windowWith(['product', 'add', '--name', 'Toast', '--category', 'food'], at(worker.url))
    await window.shows('--site <id>, the site: ')
    window.type('1\r')
    await window.shows('--price <kroner>, its price: ')
    window.type('15,00\r')
    const { code, screen } = await window.ended
    expect(screen).toBe(`--site <id>, the site: 1
--price <kroner>, its price: 15,00
Product 4 added: Toast, 15,00 kr
`)
    expect(code).toBe(0)
    expect(worker.heard.map(({ body }) => body)).toEqual([{ site: 1, name: 'Toast', price: 1_500, category: 'food' }])
  })

  test('is asked for operands too, with their choices, and an answer may begin with a dash', async () => {
    const worker = await standInWorker({
      'POST /api/staff/products/4/category': { body: product },
      'POST /api/staff/sites': { body: { id: 1, name: '-Nord' } },
    })
    const first = windowWith(['product', 'category'], at(worker.url))
    await first.shows('<id>, the product: ')
    first.type('4\r')
    await first.shows('<category>, the kind (food, drink, sweets, activity, material, other): ')
    first.type('food\r')
    expect((await first.ended).code).toBe(0)
    const second = windowWith(['site', 'add'], at(worker.url))
    await second.shows('<name>: ')
    second.type('-Nord\r')
    expect((await second.ended).code).toBe(0)
    expect(worker.heard.map(({ body }) => body)).toEqual([{ category: 'food' }, { name: '-Nord' }])
  })

  test('is asked where somebody of a club works, which others need not say', async () => {
    const worker = await standInWorker({ 'POST /api/staff/people': { body: {} } })
    const window = windowWith(['staff', 'add', '--name', 'Bo'], at(worker.url))
    await window.shows('--role <role>, what they may do (admin, club, finance): ')
    window.type('club\r')
    await window.shows('--site <id>, where they work: ')
    window.type('x\r')
    await window.shows('An id is a whole number above zero.\n--site <id>, where they work: ')
    window.type('2\r')
    await window.ended
    expect(worker.heard.map(({ body }) => body)).toEqual([{ name: 'Bo', role: 'club', sites: [2], days: 365 }])
    const piped = spawnSync(process.execPath, [KLUBKORT, 'staff', 'add', '--name', 'Bo', '--role', 'club'])
    expect([piped.status, String(piped.stderr)]).toEqual([
      2,
      "klubkort: a club's staff work somewhere: --site <id> (usage)\n",
    ])
  })

  test('is told what is wrong and asked again, at most three times', async () => {
    const window = windowWith(['product', 'price', '4'], at(NOWHERE))
    await window.shows('<kroner>, the new price: ')
    window.type('\r')
    await window.shows('It cannot be left out.\n<kroner>, the new price: ')
    window.type('0\r')
    await window.shows('The amount must be above zero.\n<kroner>, the new price: ')
    window.type('many\r')
    const { code, screen } = await window.ended
    expect(screen).toMatch(/klubkort: <kroner>: Amounts are kroner like '45', '45,50' or '45.50'. \(usage\)\n$/)
    expect(code).toBe(2)
  })

  test.each([
    ['Ctrl-C', CTRL_C],
    ['Ctrl-D', CTRL_D],
  ])('ends it with %s, and nothing was done', async (_, key) => {
    const worker = await standInWorker({})
    const window = windowWith(['staff', 'add', '--role', 'club'], at(worker.url))
    await window.shows('--name <name>, their name, which payouts and the audit log show: ')
    window.type(key)
    const { code, screen } = await window.ended
    expect(screen).toMatch(/show: \nklubkort: nothing was done \(cancelled\)\n$/)
    expect(code).toBe(2)
    expect(worker.heard).toEqual([])
  })

  test('types a token that nobody sees, and it is kept', async () => {
    const me = {
      municipality: 4000,
      municipalityName: 'Prøve Kommune',
      staff: 'Anne Holm',
      role: 'admin',
      expiresAt: 1,
    }
    const worker = await standInWorker({ 'GET /api/staff/me': { body: { ...me, sites: null } } })
    const config = join(home, 'login.json')
    const window = windowWith(['login'], { HOME: home, KLUBKORT_CONFIG: config })
    await window.shows("--url <address>, the municipality's address: ")
    window.type(`${worker.url}\r`)
    await window.shows('token, not shown as it is typed: ')
    window.type('kk_4000_secret\r')
    const { code, screen } = await window.ended
    expect(screen).not.toContain('secret')
    expect(screen).toMatch(/Logged in to Prøve Kommune \(4000\) as Anne Holm, admin\.\n$/)
    expect(code).toBe(0)
    expect(JSON.parse(await readFile(config, 'utf8'))).toEqual({ url: worker.url, token: 'kk_4000_secret' })
    expect((await stat(config)).mode & 0o777).toBe(0o600)
  })

  test('can end the typing of a secret', async () => {
    const window = windowWith(['child', 'guardian', 'add', '--child', '3', '--cpr', '-'], at(NOWHERE))
    await window.shows('cpr, not shown as it is typed: ')
    window.type(`010157${CTRL_C}`)
    const { code, screen } = await window.ended
    expect(screen).toBe('cpr, not shown as it is typed: \nklubkort: nothing was done (cancelled)\n')
    expect(code).toBe(2)
  })

  test('is not asked for more on a line that has a wrong word', async () => {
    const { code, screen } = await windowWith(['product', 'add', '--prise', '15'], at(NOWHERE)).ended
    expect(screen).toBe("klubkort: required option '--site <id>' not specified (usage)\n")
    expect(code).toBe(2)
  })
})

describe('nobody is asked', () => {
  const wrong = "required option '--site <id>' not specified"

  test('in a pipe', () => {
    const ran = spawnSync(process.execPath, [KLUBKORT, 'product', 'add'], { env: at(NOWHERE), encoding: 'utf8' })
    expect(ran).toMatchObject({ status: 2, stdout: '', stderr: `klubkort: ${wrong} (usage)\n` })
  })

  test('by a program that wants JSON, nor where CI is set', async () => {
    const [json, ci] = await Promise.all([
      windowWith(['product', 'add', '--json'], at(NOWHERE)).ended,
      windowWith(['product', 'add'], { ...at(NOWHERE), CI: 'true' }).ended,
    ])
    expect(json).toEqual({ code: 2, screen: `{"error":{"code":"usage","message":"${wrong}"}}\n` })
    expect(ci).toEqual({ code: 2, screen: `klubkort: ${wrong} (usage)\n` })
  })
})

describe('what cannot be undone', () => {
  const desk = (answer: string | null): Desk => ({
    ...{ env: {}, nowMs: () => 0, random: (bytes: number) => new Uint8Array(bytes), deliver: () => {} },
    readLine: async () => '',
    readText: async () => '',
    person: { ask: async () => answer, tell: () => {} },
  })
  const nobody: Desk = { ...desk(null), person: null }

  test('is done by a clear yes, and by nothing else', async () => {
    for (const said of ['y', 'Yes', 'j', 'JA']) expect(await confirmed(desk(said), 'Erase child 3?')).toBeNull()
    for (const said of ['', 'n', 'no', 'nej', 'yesterday', null]) {
      expect(await confirmed(desk(said), 'Erase child 3?')).toEqual({ kind: 'cancelled' })
    }
  })

  test('is done without a person only with --yes', async () => {
    expect(await confirmed(nobody, 'Erase child 3?')).toMatchObject({ kind: 'usage' })
    expect(await confirmed(nobody, 'Erase child 3?', true)).toBeNull()
  })
})
