import { readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { uuidv7 } from '../shared/uuidv7.ts'
import { doctor } from '../terminal/upkeep/doctor.ts'
import { begin, NOWHERE } from './local/command-line.ts'
import { type Office, office, setUp } from './local/office.ts'
import { type Pi, virtualPi } from './local/pi.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

let folder: string
let worker: Running
let desk: Office
let token: string
let pi: Pi
let terminal: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-cards-'))
  const workerPort = await freePort()
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  worker = await startWorker(folder, workerPort, { bundle: prepared.worker })
  const url = `http://4000.localhost:${workerPort}`
  const { SETUP_KEY } = await secretsIn(folder)
  token = await setUp(url, SETUP_KEY, 4000, 'Prøve')
  desk = office(url, token)
  await desk.set({ money: { cardFee: 0 } })
  const site = (await desk.addSite('Klub "Æblet"')).id
  await desk.addProduct(site, 'Toast', 1500)
  const added = await desk.addTerminal(site, 'Disk')
  terminal = added.terminal
  pi = await virtualPi({ state: join(folder, 'terminal'), host: '4000.localhost', port: await freePort(), workerPort })
  await pi.enrol(added.code)
  pi.powerOn()
  await pi.shows(/^Vælg varer/, 15_000)
})

afterAll(async () => {
  await pi?.close()
  await worker?.kill()
  await rm(folder, { recursive: true, force: true })
})

const newId = () => uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))

/** Starts the real command line as staff. */
const klubkort = (...args: string[]) => begin({ folder, url: desk.url, token }, args)

/** A child whose lost card is to be replaced, as a parent has approved it; the child, and the order. */
async function approved(name: string, uid: string, credit = 0) {
  const child = await desk.addChild(name)
  await desk.addCard(child.id, uid)
  if (credit > 0) await desk.credit(child.account, newId(), credit, 'Startsaldo')
  const begun = await klubkort('card', 'replace', '--child', String(child.id), '--site', '1', '--json').done
  expect(begun.err).toBe('')
  const { id } = JSON.parse(begun.out) as { id: string }
  return { ...child, order: id }
}

/** A parent has approved it, which is told elsewhere; of which cause the order is may change on the way. */
function approve(order: string, cause = 'same_day') {
  const databases = join(folder, 'd1/v3/d1/miniflare-D1DatabaseObject')
  for (const file of readdirSync(databases).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(databases, file), { timeout: 5_000 })
    database
      .prepare("UPDATE card_order SET status = 'ordered', ordered_at = created_at, cause = ? WHERE id = ?")
      .run(cause, order)
    database.close()
  }
}

describe('the producer’s cards', () => {
  const uid = (last: string) => `04:A1:B2:C3:D4:E5:${last}`

  test('are taken in whole, again without a change, and not at all where a row is bad', async () => {
    await writeFile(join(folder, 'good.csv'), `kortnummer;UID\r\nBLANK-1;${uid('01')}\r\nBLANK-2;${uid('02')}\r\n`)
    const first = await klubkort('card', 'import', 'good.csv').done
    expect([first.code, first.out, first.err]).toEqual([0, '0 cards for orders, 2 blanks for the stack.\n', ''])
    const again = await klubkort('card', 'import', 'good.csv').done
    expect(again.out).toBe('0 cards for orders, 0 blanks for the stack; 2 known before.\n')
    const rows = [`BLANK-3,${uid('03')}`, `BLANK-1,${uid('04')}`, 'BLANK-4,hemmeligt', `=1+1,${uid('05')}`]
    await writeFile(join(folder, 'bad.csv'), `number,uid\n${rows.join('\n')}\n`)
    const bad = await klubkort('card', 'import', 'bad.csv').done
    expect([bad.code, bad.out]).toEqual([2, ''])
    expect(bad.err).toBe(`klubkort: bad.csv has 3 faults, and nothing is changed (file_faulty)
  line 3, number: another card has this number already
  line 4, uid: a UID is 8, 14 or 20 hexadecimal digits
  line 5, number: the cell begins as a formula
`)
    const offline = await begin({ folder, url: NOWHERE }, ['card', 'import', 'bad.csv']).done
    expect([offline.code, offline.err]).toEqual([2, expect.stringContaining('line 5, number: the cell begins as')])
    expect((await klubkort('card', 'stock').done).out).toBe('2 blanks; 0 cards made for orders.\n')
  })

  test('of a long list are stored in one call, or none of them is', async () => {
    const row = (at: number) => `LANG-${at};04f0${at.toString(16).padStart(10, '0')}`
    const rows = Array.from({ length: 10_000 }, (_, at) => row(at))
    const taken = async (...lines: string[]) => {
      await writeFile(join(folder, 'long.csv'), ['kortnummer;uid', ...lines].join('\n'))
      return klubkort('card', 'import', 'long.csv').done
    }
    const bad = await taken(...rows.slice(1), `LANG-5;04f0ffffffffff`)
    expect([bad.code, bad.err]).toEqual([
      2,
      'klubkort: long.csv has 1 fault, and nothing is changed (file_faulty)\n  line 10001, kortnummer: the number stands there before\n',
    ])
    const tooMany = await taken(...rows, row(10_000))
    expect([tooMany.code, tooMany.err]).toEqual([
      2,
      'klubkort: the list has 10001 rows, and one may have 10000: part it into lists that are taken in one by one (usage)\n',
    ])
    const endless = await taken(`${'9'.repeat(150)};04f0ffffffffff`, `LANG-X;${'0'.repeat(150)}`)
    expect(endless.err.split('\n').slice(1, 3)).toEqual([
      '  line 2, kortnummer: a number is letters, digits and hyphens, at most 40',
      '  line 3, uid: a UID is 8, 14 or 20 hexadecimal digits',
    ])
    const longer = await taken(...rows.map((line) => line.replace('LANG', 'LANG'.repeat(20))))
    expect(longer.err).toContain('long.csv has 10000 faults, and nothing is changed (file_faulty)')
    expect((await klubkort('card', 'stock').done).out).toBe('2 blanks; 0 cards made for orders.\n')
    expect((await taken(...rows)).out).toBe('0 cards for orders, 10000 blanks for the stack.\n')
  })
})

describe('a card that is handed out at a till', () => {
  test('is bound by its tap, and the display says what the child has', async () => {
    const { order, id } = await approved('Ida Prøvebarn', '04c0ffee000001', 2_500)
    const early = await klubkort('card', 'hand-out', '--order', order, '--terminal', terminal).done
    expect([early.code, early.err]).toEqual([
      1,
      'klubkort: a guardian has to approve it first, in the portal (order_unapproved)\n',
    ])
    await desk.addGuardian(id, '0101575001')
    approve(order)
    const handing = klubkort('card', 'hand-out', '--child', String(id), '--terminal', terminal)
    await handing.says(/Lay the card on terminal 4000-\d+ now/)
    const shown = [pi.shows(/^Kortet er klar$/, 8_000), pi.shows(/^Saldo 25,00 kr$/, 8_000)]
    await pi.tap('04a1b2c3d4e501') // A blank of the stack.
    await Promise.all(shown)
    const { code, out } = await handing.done
    expect([code, out]).toEqual([0, 'Card 2 is handed out and active.\n'])
    const { out: life } = await klubkort('card', 'history', '2').done
    expect(life.replaceAll(/\d\d\.\d\d\.\d{4} \d\d\.\d\d/g, 'DD.MM.YYYY HH.MM')).toBe(`Card 2, number BLANK-1: active
  child ${id}, Ida Prøvebarn; since DD.MM.YYYY HH.MM

WHEN              WHAT               WHO
DD.MM.YYYY HH.MM  replacement begun  Demo
DD.MM.YYYY HH.MM  active             Demo
DD.MM.YYYY HH.MM  handed out         Demo
`)
  })

  test('is refused with the reason where it is somebody else’s, and cancelled by Ctrl-C', async () => {
    const bo = await approved('Bo Prøvebarn', '04c0ffee000002')
    approve(bo.order)
    const handing = klubkort('card', 'hand-out', '--order', bo.order, '--terminal', terminal)
    await handing.says(/Lay the card/)
    await pi.tap('04a1b2c3d4e501')
    const refused = await handing.done
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('klubkort: not handed out: the card belongs to somebody else (card_taken)\n')
    const cancelled = klubkort('card', 'hand-out', '--order', bo.order, '--terminal', terminal)
    await cancelled.says(/Lay the card/)
    const checks = await doctor(
      {
        ...{ state: join(folder, 'terminal'), status: join(folder, 'status.json'), spi: '/dev/spidev9.9' },
        ...{ serial: '/dev/no-such-line', baud: 9600, display: 'nextion', keypad: null, fixedPrice: null },
      },
      { epoch: () => Date.now(), monotonic: () => performance.now() },
    )
    // Who asks whether all is well is no card.
    expect(checks.find(({ name }) => name === 'worker')).toMatchObject({ state: 'ok' })
    cancelled.interrupt()
    const { code, err } = await cancelled.done
    expect(code).toBe(1)
    expect(err).toContain('klubkort: cancelled, and no card is handed out (hand_out_cancelled)\n')
  })
})

describe('a batch for the producer', () => {
  test('is a file for its owner alone, never overwritten, and the same once more', async () => {
    const eva = await approved('Eva Prøvebarn', '04c0ffee000003')
    approve(eva.order, 'first')
    const made = await klubkort('order', 'export', '--out', 'batch.csv').done
    expect([made.code, made.out, made.err]).toEqual([0, 'Batch 1: 1 card for the producer, in batch.csv.\n', ''])
    const path = join(folder, 'batch.csv')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const text = await readFile(path, 'utf8')
    expect(text).toBe(
      '\ufeffkortnummer;navn;klub;modtager;vej;postnummer;by\r\n4000-0000014;Eva Prøvebarn;"Klub ""Æblet""";;;;\r\n',
    )
    const none = await klubkort('order', 'export').done
    expect([none.code, none.err]).toEqual([1, 'klubkort: every order is in a batch already (nothing_to_export)\n'])
    await klubkort('order', 'export', '--batch', '1', '--out', 'again.csv').done
    expect(await readFile(join(folder, 'again.csv'), 'utf8')).toBe(text)
    await writeFile(path, 'noget andet')
    const kept = await klubkort('order', 'export', '--batch', '1', '--out', 'batch.csv').done
    expect(kept.code).toBe(2)
    expect(await readFile(path, 'utf8')).toBe('noget andet')
    expect((await klubkort('order', 'show', eva.order).done).out).toContain('number 4000-0000014, batch 1')
  })
})
