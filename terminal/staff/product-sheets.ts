import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { parseKroner } from '../../shared/money.ts'
import {
  Product,
  ProductCategory,
  ProductName,
  SHEET_ROWS_MAX,
  SheetCall,
  type SheetColumn,
  SheetPlan,
  type SheetRow,
} from '../../shared/office/products.ts'
import { Day } from '../../shared/office/reports.ts'
import { Site } from '../../shared/office/sites.ts'
import { command, idArgument } from './command.ts'
import { type Asked, change, type Desk, type Outcome, read } from './desk.ts'
import { diskTrouble } from './disk.ts'
import { amount, amountCell, counted, table } from './output.ts'
import { confirmed, yesOption } from './prompt.ts'
import { type SheetColumn as Column, readSheet, type SheetFault, sheetBytes } from './sheet.ts'

const COLUMNS: readonly Column<SheetColumn>[] = [
  { name: 'id', heads: ['id'] },
  { name: 'site', heads: ['site', 'sted', 'klub'], required: true },
  { name: 'name', heads: ['name', 'navn', 'vare'], required: true },
  { name: 'category', heads: ['category', 'kategori', 'varegruppe'] },
  { name: 'price', heads: ['price', 'pris'], required: true },
  { name: 'from', heads: ['from', 'fra'] },
]

const SHEET_HELP = `
CSV columns: id (empty: the product is known by site and name), site (its name or
number), name, category (${ProductCategory.options.join(', ')};
empty: as it is), price in kroner, from (a day; empty: from now on). A product has
a row for its price now and one for each price to come. At most ${SHEET_ROWS_MAX} rows.`

/** `klubkort product export` and `import`: what is sold, as a spreadsheet. */
export function productSheetCommands(product: Command, desk: Desk) {
  command(
    product,
    'export',
    'what is on sale as CSV, as import reads it',
    'klubkort product export --out varer.csv',
    'klubkort product export --site 1',
  )
    .option('--site <id>', 'only what this site sells', idArgument)
    .option('--out <file>', 'a new file to write it to')
    .addHelpText('after', SHEET_HELP)
    .action(async ({ site, out }: { site?: number; out?: string }) => {
      desk.deliver(await exported(desk, site, out))
    })

  yesOption(
    command(
      product,
      'import <file>',
      'change what is on sale by a CSV file: shows what would change, and then does all of it',
      'klubkort product import varer.csv',
      'klubkort product import varer.csv --retire-missing --yes',
    ),
  )
    .option('--retire-missing', 'take off sale what the file does not name, at the sites that it names')
    .addHelpText('after', SHEET_HELP)
    .action(async (file: string, options: { retireMissing?: true; yes?: true }) => {
      desk.deliver(await imported(desk, file, options))
    })
}

async function exported(desk: Desk, site: number | undefined, out: string | undefined): Promise<Outcome> {
  const sites = await read(desk, '/sites', z.object({ sites: z.array(Site) }))
  if (sites.kind !== 'answer') return sites
  const path = site === undefined ? '/products' : `/products?site=${site}`
  const sold = await read(desk, path, z.object({ products: z.array(Product) }))
  if (sold.kind !== 'answer') return sold
  const names = new Map(sites.value.sites.map(({ id, name }) => [id, name]))
  const rows = sold.value.products.flatMap((product) => {
    const { id, category } = product
    const cells = [id, names.get(product.site) ?? product.site, product.name, category]
    const prices = [{ price: product.price, from: '' }, ...product.later]
    return prices.map(({ price, from }) => [...cells, amountCell(price), from])
  })
  const { csv } = await import('./csv.ts')
  const text = csv(['id', 'site', 'name', 'category', 'price', 'from'], rows)
  if (out === undefined) return { kind: 'done', value: sold.value, text: text.trimEnd(), exact: true }
  try {
    // Never over another file: somebody may have put prices into it.
    await writeFile(out, text, { flag: 'wx' })
  } catch (error) {
    return { kind: 'usage', message: `${out} cannot be written: ${diskTrouble(error)}` }
  }
  return { kind: 'done', value: sold.value, text: `${counted(rows.length, 'row')} written to ${out}.` }
}

async function imported(
  desk: Desk,
  file: string,
  { retireMissing = false, yes = false }: { retireMissing?: boolean; yes?: boolean },
): Promise<Outcome> {
  const bytes = await sheetBytes(file)
  if (typeof bytes === 'string') return { kind: 'usage', message: `${file} cannot be read: ${bytes}` }
  const sheet = readSheet(bytes, COLUMNS)
  const found = [
    ...sheet.rows.map(({ line, cells }) => rowOf(line, cells)),
    ...sheet.damaged.map(({ line, cells, broken }) => rowOf(line, cells, broken)),
  ]
  const wrong = found.flatMap(({ faults }) => faults).map(({ column, ...fault }) => ({ ...fault, ...head(column) }))
  function head(column: SheetColumn): { column: string } {
    return { column: sheet.heads[column] ?? column }
  }
  const rows = found.flatMap(({ row }) => row ?? [])
  if (found.length > SHEET_ROWS_MAX) {
    return { kind: 'usage', message: `${file} has ${found.length} rows; at most ${SHEET_ROWS_MAX} can be read at once` }
  }
  const ask = (base?: string): Promise<Asked<SheetPlan>> =>
    change(desk, '/products/import', SheetCall, { rows, retireMissing, ...(base && { base }) }, SheetPlan)
  const own = [...sheet.faults, ...wrong]
  const asked = await ask()
  // What is wrong with the file itself is known without the worker.
  if (asked.kind === 'unreachable' && own.length > 0) return { kind: 'faulty', path: file, faults: inOrder(own) }
  if (asked.kind !== 'answer') return asked
  const plan = asked.value
  const said = plan.faults.map(({ column, ...fault }) => ({ ...fault, ...head(column) }))
  if (own.length + said.length > 0) return { kind: 'faulty', path: file, faults: inOrder([...own, ...said]) }
  const page = planPage(plan)
  if (page === null) return { kind: 'done', value: plan, text: `Nothing to change; ${unchanged(plan)}.` }
  if (!yes && desk.person === null) {
    return { kind: 'done', value: plan, text: `${page}\n${unchanged(plan)}. Nothing is done yet: add --yes to do it.` }
  }
  if (!yes) desk.deliver({ kind: 'done', value: plan, text: `${page}\n${unchanged(plan)}.` })
  const declined = await confirmed(desk, 'Change the products so?', yes)
  if (declined) return declined
  const applied = await ask(plan.base)
  if (applied.kind !== 'answer') return applied
  const { added, prices, categories, retired } = plan
  const sums = [
    counted(added.length, 'product added', 'products added'),
    counted(prices.length, 'price set', 'prices set'),
    counted(categories.length, 'category changed', 'categories changed'),
    `${retired.length} taken off sale`,
  ]
  const text = `${sums.join(', ')}; ${unchanged(plan)}.`
  return { kind: 'done', value: applied.value, text: yes ? `${page}\n${text}` : text }
}

const inOrder = (faults: readonly SheetFault[]) => faults.toSorted((one, other) => one.line - other.line)

const unchanged = ({ unchanged }: SheetPlan) => `${counted(unchanged, 'product')} as before`

/** A line of the file as the worker wants it, or what is wrong with its cells. */
function rowOf(line: number, cells: Record<SheetColumn, string>, broken: readonly SheetColumn[] = []) {
  const faults: { line: number; column: SheetColumn; reason: string }[] = []
  const parsed = <T>(column: SheetColumn, value: T | null, reason: string): T | null => {
    if (value === null && !broken.includes(column)) faults.push({ line, column, reason })
    return value
  }
  const optional = <T>(column: SheetColumn, parse: (cell: string) => T | null, reason: string): T | null =>
    cells[column] === '' ? null : parsed(column, parse(cells[column]), reason)
  const id = optional('id', (cell) => (/^[1-9]\d{0,14}$/.test(cell) ? Number(cell) : null), 'an id is a whole number')
  const site = parsed('site', cells.site.length > 0 && cells.site.length <= 80 ? cells.site : null, 'no such site')
  // An export puts an apostrophe before what a spreadsheet would take for a formula, as '-50 %' or '+ ketchup'.
  const named = cells.name.replace(/^'(?=[=+@-])/, '')
  const name = parsed('name', ProductName.safeParse(named).data ?? null, 'a name has 1 to 40 characters')
  const kind = (cell: string) => ProductCategory.safeParse(cell.toLowerCase()).data ?? null
  const category = optional('category', kind, `a category is one of ${ProductCategory.options.join(', ')}`)
  const price = parsed(
    'price',
    parseKroner(cells.price) || null,
    "a price is kroner like '15', '15,50' or '15.50', above zero",
  )
  const from = optional('from', dayOf, 'a day is like 2026-12-01 or 01-12-2026')
  const row: SheetRow | null =
    faults.length + broken.length > 0 || site === null || name === null || price === null
      ? null
      : { line, id, site, name, category, price, from }
  return { row, faults }
}

/** A spreadsheet in Denmark turns 2026-12-01 into 01-12-2026. */
function dayOf(cell: string): string | null {
  const [, day = '', month = '', year = ''] = /^(\d{1,2})[-./](\d{1,2})[-./](\d{4})$/.exec(cell) ?? []
  const written = year === '' ? cell : `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  return Day.safeParse(written).data ?? null
}

type Line = { what: string; site: number; name: string; change: string }

/** What a plan changes, line by line; null where that is nothing. */
function planPage({ added, prices, categories, retired }: SheetPlan): string | null {
  const day = (from: string | null) => (from === null ? '' : ` from ${from}`)
  const lines: Line[] = [
    ...added.map(({ site, name, category, price, later }) => {
      const told = [{ from: null, price }, ...later].map(({ from, price }) => `${amount(price)}${day(from)}`)
      return { what: 'new', site, name, change: [category, ...told].join(', ') }
    }),
    ...prices.map(({ site, name, from, before, price }) => {
      const change = `${before === null ? '' : `${amount(before)} → `}${amount(price)}${day(from)}`
      return { what: 'price', site, name, change }
    }),
    ...categories.map(({ site, name, before, category }) => {
      return { what: 'category', site, name, change: `${before} → ${category}` }
    }),
    ...retired.map(({ site, name }) => ({ what: 'off sale', site, name, change: '' })),
  ]
  if (lines.length === 0) return null
  return table(
    lines,
    [
      { head: 'WHAT', cell: ({ what }) => what },
      { head: 'SITE', cell: ({ site }) => site, align: 'right' },
      { head: 'NAME', cell: ({ name }) => name, flexible: true },
      { head: 'CHANGE', cell: ({ change }) => change },
    ],
    '',
  )
}
