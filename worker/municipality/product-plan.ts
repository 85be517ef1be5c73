import type { Product, SheetColumn, SheetPlan, SheetRow } from '../../shared/office/products.ts'
import type { SiteRow } from './sites.ts'

/** What a sheet comes to, but for how the products were that it was held against. */
export type Plan = Omit<SheetPlan, 'base' | 'applied'>

/** A product as a sheet tells of it, in one row or in several. */
type Told = {
  product: Product | null
  site: number
  row: SheetRow
  category: SheetRow['category']
  prices: Map<string | null, { line: number; price: number }>
}

/**
 * What a sheet of products changes of what is on sale at the sites that whoever sends it may see. `today` is the
 * Copenhagen day.
 */
export function planOf(
  rows: readonly SheetRow[],
  { sites, products }: { sites: readonly SiteRow[]; products: readonly Product[] },
  { today, retireMissing }: { today: string; retireMissing: boolean },
): Plan {
  const faults: Plan['faults'] = []
  const told = new Map<string, Told>()
  for (const row of rows) {
    const fault = (column: SheetColumn, reason: string) => void faults.push({ line: row.line, column, reason })
    const site = siteOf(row.site, sites)
    if (!site) {
      fault('site', 'no such site')
      continue
    }
    const product = products.find((each) =>
      row.id === null ? each.site === site.id && each.name === row.name : each.id === row.id,
    )
    if (row.id !== null && !product) fault('id', 'no such product on sale')
    else if (product && product.site !== site.id) fault('site', `product ${product.id} is sold at another site`)
    else if (product && product.name !== row.name) fault('name', `product ${product.id} has another name`)
    else if (row.from !== null && row.from < today) fault('from', 'the day is over; leave it empty for a price now')
    else {
      const key = `${site.id} ${row.name}`
      const known = told.get(key) ?? { product: product ?? null, site: site.id, row, category: null, prices: new Map() }
      told.set(key, known)
      const from = row.from === today ? null : row.from
      const before = known.prices.get(from)
      if (before) fault('from', `line ${before.line} says what it costs then`)
      else known.prices.set(from, { line: row.line, price: row.price })
      if (row.category && known.category && row.category !== known.category)
        fault('category', 'another line says another category')
      known.category ??= row.category
    }
  }
  for (const { product, row, prices } of told.values()) {
    if (product || prices.has(null)) continue
    faults.push({ line: row.line, column: 'from', reason: 'a new product has a price now: a row without a day' })
  }
  const known = [...told.values()].flatMap(({ product, ...rest }) => (product ? [{ product, ...rest }] : []))
  const plan = {
    added: [...told.values()].flatMap((each) => (each.product ? [] : [newProduct(each)])),
    prices: known.flatMap(newPrices),
    categories: known.flatMap(newCategory),
    retired: retireMissing ? missing(products, [...told.values()]) : [],
  }
  const touched = new Set([...plan.prices, ...plan.categories].map(({ id }) => id))
  const unchanged = known.filter(({ product }) => !touched.has(product.id)).length
  return { ...plan, unchanged, faults: faults.toSorted((one, other) => one.line - other.line) }
}

/** The site of a cell: its name, or else its number. */
const siteOf = (cell: string, sites: readonly SiteRow[]) =>
  sites.find(({ name }) => name === cell) ?? sites.find(({ id }) => String(id) === cell)

function newProduct({ site, row, category, prices }: Told): Plan['added'][number] {
  const later = [...prices].flatMap(([from, { price }]) => (from === null ? [] : [{ from, price }]))
  return {
    site,
    name: row.name,
    category: category ?? 'other',
    price: prices.get(null)?.price ?? 0,
    later: later.toSorted((one, other) => (one.from < other.from ? -1 : 1)),
  }
}

type Known = Omit<Told, 'product'> & { product: Product }

function newPrices({ product: { id, site, name, price: now, later }, prices }: Known): Plan['prices'] {
  return [...prices].flatMap(([from, { price }]) => {
    const before = from === null ? now : (later.find((each) => each.from === from)?.price ?? null)
    return before === price ? [] : [{ id, site, name, from, before, price }]
  })
}

function newCategory({ product: { id, site, name, category: before }, category }: Known): Plan['categories'] {
  return category === null || category === before ? [] : [{ id, site, name, before, category }]
}

/** What is on sale at the sites that a sheet names, and not in it. */
function missing(products: readonly Product[], told: readonly Told[]): Plan['retired'] {
  const sites = new Set(told.map(({ site }) => site))
  const named = new Set(told.flatMap(({ product }) => product?.id ?? []))
  return products
    .filter(({ id, site }) => sites.has(site) && !named.has(id))
    .map(({ id, site, name }) => ({ id, site, name }))
}
