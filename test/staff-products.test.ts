import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { addDays, copenhagenDay } from '../shared/copenhagen.ts'
import { Product, SheetPlan } from '../shared/office/products.ts'
import { commandLine, NOWHERE } from './local/command-line.ts'
import { office, setUp } from './local/office.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePorts, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

/* The command line as a process of its own, against the worker in workerd. */

const TODAY = copenhagenDay(Date.now())
const TOMORROW = addDays(TODAY, 1)
const [year, month, day] = TOMORROW.split('-')

let folder: string
let worker: Running
let url: string
let token: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-products-'))
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  const port = await freePorts()
  worker = await startWorker(folder, port, { bundle: prepared.worker })
  url = `http://4000.localhost:${port}`
  token = await setUp(url, (await secretsIn(folder)).SETUP_KEY, 4000, 'Prøve Kommune')
  const desk = office(url, token)
  await desk.addSite('Klub Nord')
  await desk.addSite('Kantinen')
})
afterAll(async () => {
  await worker?.stop()
  await rm(folder, { recursive: true, force: true })
})

const klubkort = (...args: string[]) => commandLine({ folder, url, token })(...args)

const done = async (...args: string[]) => {
  const { code, out, err } = await klubkort(...args)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out.replaceAll(TOMORROW, '2026-12-01')
}

async function file(name: string, text: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const Products = z.object({ products: z.array(Product) })
const sold = async (site: number) =>
  Products.parse(JSON.parse((await klubkort('product', 'list', '--site', String(site), '--json')).out)).products

test('products are priced from a day on and copied to another site, and the list says what is to come', async () => {
  const add = ['product', 'add', '--site', '1', '--name']
  expect(await done(...add, 'Toast', '--price', '15,00', '--category', 'food')).toBe(
    'Product 1 added: Toast, 15,00 kr\n',
  )
  await done(...add, 'Lakrids', '--price', '3', '--category', 'sweets')
  expect(await done('product', 'price', '1', '17', '--from', TOMORROW)).toBe(
    'Product 1, Toast, costs 17,00 kr from 2026-12-01 on.\n',
  )
  expect(await done('product', 'price', '2', '3,50')).toBe('Product 2, Lakrids, costs 3,50 kr now.\n')
  const again = await klubkort('product', 'price', '1', '18', '--from', TOMORROW)
  expect([again.code, again.err]).toEqual([
    1,
    `klubkort: another price from that day has been told; if it was wrong: klubkort product price 1 18,00 --from ${TOMORROW} --replace (price_set)\n`,
  ])
  await done('product', 'price', '1', '18', '--from', TOMORROW, '--replace')
  expect(await klubkort('product', 'price', '1', '18', '--from', 'tomorrow')).toMatchObject({ code: 2 })
  expect(await done('product', 'copy', '--from', '1', '--to', '2')).toBe('2 products put on sale at site 2.\n')
  expect(await done('product', 'copy', '--from', '1', '--to', '2')).toBe(
    '0 products put on sale at site 2.\nThere already, and left as they are: Lakrids, Toast.\n',
  )
  expect(await done('product', 'list')).toMatchInlineSnapshot(`
    "ID  SITE  NAME     CATEGORY  PRICE  FROM
     2     1  Lakrids  sweets     3,50
     1     1  Toast    food      15,00  2026-12-01 18,00
     4     2  Lakrids  sweets     3,50
     3     2  Toast    food      15,00  2026-12-01 18,00
    "
  `)
})

test('what is exported is read back without a change', async () => {
  const path = join(folder, 'varer.csv')
  expect(await done('product', 'export', '--out', path)).toBe(`6 rows written to ${path}.\n`)
  const text = await readFile(path, 'utf8')
  expect(text.replaceAll(TOMORROW, '2026-12-01').split('\r\n')).toEqual([
    '\u{feff}id;site;name;category;price;from',
    '2;Klub Nord;Lakrids;sweets;3,50;',
    '1;Klub Nord;Toast;food;15,00;',
    '1;Klub Nord;Toast;food;18,00;2026-12-01',
    '4;Kantinen;Lakrids;sweets;3,50;',
    '3;Kantinen;Toast;food;15,00;',
    '3;Kantinen;Toast;food;18,00;2026-12-01',
    '',
  ])
  expect(await done('product', 'import', path)).toBe('Nothing to change; 4 products as before.\n')
})

test('what a spreadsheet would take for a formula is read back under its own name', async () => {
  await done('product', 'add', '--site', '2', '--name', '+ ketchup', '--price', '2')
  const path = join(folder, 'formel.csv')
  await done('product', 'export', '--site', '2', '--out', path)
  expect(await readFile(path, 'utf8')).toContain("'+ ketchup")
  expect(await done('product', 'import', path)).toBe('Nothing to change; 3 products as before.\n')
  await done('product', 'retire', '5')
})

test('what is exported goes over no other file, into which somebody may have put prices', async () => {
  const path = await file('mine.csv', 'mine')
  const again = await klubkort('product', 'export', '--out', path)
  expect([again.code, again.err]).toEqual([
    2,
    `klubkort: ${path} cannot be written: something of that name is there (usage)\n`,
  ])
  expect(await readFile(path, 'utf8')).toBe('mine')
})

const SHEET = `Sted;Vare;Kategori;Pris;Fra
Klub Nord;Toast;;16;
Klub Nord;Toast;;17,5;${day}-${month}-${year}
Klub Nord;Perler til smykker;material;25;
Klub Nord;Perler til smykker;;30;${TOMORROW}
2;Lakrids;other;3,50;
`

test('a file is shown as a plan, done only with a word, and done whole', async () => {
  const path = await file('nye.csv', Buffer.from(SHEET, 'latin1'))
  const plan = await done('product', 'import', path, '--retire-missing')
  expect(plan).toMatchInlineSnapshot(`
    "WHAT      SITE  NAME                CHANGE
    new          1  Perler til smykker  material, 25,00, 30,00 from 2026-12-01
    price        1  Toast               15,00 → 16,00
    price        1  Toast               18,00 → 17,50 from 2026-12-01
    category     2  Lakrids             sweets → other
    off sale     1  Lakrids
    off sale     2  Toast
    0 products as before. Nothing is done yet: add --yes to do it.
    "
  `)
  expect(await sold(1)).toMatchObject([{ name: 'Lakrids' }, { name: 'Toast', price: 1500 }])
  const applied = await done('product', 'import', path, '--retire-missing', '--yes')
  expect(applied.split('\n').slice(0, -2)).toEqual(plan.split('\n').slice(0, -2))
  expect(applied.split('\n').at(-2)).toBe(
    '1 product added, 2 prices set, 1 category changed, 2 taken off sale; 0 products as before.',
  )
  expect(await sold(1)).toMatchObject([
    { name: 'Perler til smykker', price: 2500, category: 'material', later: [{ from: TOMORROW, price: 3000 }] },
    { name: 'Toast', price: 1600, category: 'food', later: [{ from: TOMORROW, price: 1750 }] },
  ])
  expect(await sold(2)).toMatchObject([{ name: 'Lakrids', category: 'other' }])
  const again = await done('product', 'import', path, '--retire-missing', '--yes', '--json')
  expect(SheetPlan.parse(JSON.parse(again))).toMatchObject({ added: [], prices: [], unchanged: 3, applied: false })
})

test('a file with faults tells each with its line and column, and nothing is done', async () => {
  const before = await sold(1)
  const path = await file(
    'fejl.csv',
    [
      'id,site,name,category,price,from',
      ',Klub Nord,Toast,,0,',
      ',Klub Syd,Toast,,16,',
      'x,Klub Nord,Toast,tobacco,"16,505",i morgen',
      ',Klub Nord,=1+1,,x,',
      `,Klub Nord,${'x'.repeat(41)},,16,`,
      ',Klub Nord,Ny,,16',
      `,Klub Nord,Kakao,drink,12,${addDays(TODAY, -1)}`,
      ',Klub Nord,Godt nok,,16,',
    ].join('\n'),
  )
  const { code, out, err } = await klubkort('product', 'import', path, '--yes')
  expect([code, out]).toEqual([2, ''])
  expect(err).toBe(`klubkort: ${path} has 11 faults, and nothing is changed (file_faulty)
  line 2, price: a price is kroner like '15', '15,50' or '15.50', above zero
  line 3, site: no such site
  line 4, id: an id is a whole number
  line 4, category: a category is one of food, drink, sweets, activity, material, other
  line 4, price: a price is kroner like '15', '15,50' or '15.50', above zero
  line 4, from: a day is like 2026-12-01 or 01-12-2026
  line 5, name: the cell begins as a formula
  line 5, price: a price is kroner like '15', '15,50' or '15.50', above zero
  line 6, name: a name has 1 to 40 characters
  line 7: the heading has 6 cells, this line 5
  line 8, from: the day is over; leave it empty for a price now
`)
  expect(await sold(1)).toEqual(before)
  const offline = await commandLine({ folder, url: NOWHERE })('product', 'import', path)
  expect([offline.code, offline.err.split('\n')[0]]).toEqual([
    2,
    `klubkort: ${path} has 9 faults, and nothing is changed (file_faulty)`,
  ])
  const asJson = await klubkort('product', 'import', path, '--yes', '--json')
  expect(JSON.parse(asJson.err).error).toMatchObject({ code: 'file_faulty', faults: { length: 11 } })
})

test('a file that is none, is too long, or lacks a column is said so in one line', async () => {
  const none = await klubkort('product', 'import', join(folder, 'ingen.csv'))
  expect([none.code, none.err]).toEqual([
    2,
    `klubkort: ${join(folder, 'ingen.csv')} cannot be read: there is no such file (usage)\n`,
  ])
  const rows = Array.from({ length: 1001 }, (_, index) => `Klub Nord;Vare ${index};5`)
  const long = await klubkort('product', 'import', await file('lang.csv', ['site;name;price', ...rows].join('\n')))
  expect([long.code, long.err.includes('has 1001 rows; at most 1000')]).toEqual([2, true])
  const bare = await file('bar.csv', 'site;name\nKlub Nord;Toast\n')
  const { code, err } = await klubkort('product', 'import', bare)
  expect([code, err]).toEqual([
    2,
    `klubkort: ${bare} has 1 fault, and nothing is changed (file_faulty)\n  line 1, price: the heading is missing\n`,
  ])
})
