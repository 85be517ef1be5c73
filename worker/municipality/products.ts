import type { ProductCategory } from '../../shared/office/products.ts'
import { recordedIfChanged } from './audit.ts'

export type ProductRow = {
  id: number
  site: number
  name: string
  price: number
  category: ProductCategory
  retiredAt: number | null
}

const COLUMNS = 'id, site, name, price, category, retired_at AS retiredAt'

/** The products on sale, of one site or of all, by name; prices in øre. */
export async function products(db: D1Database, site?: number): Promise<ProductRow[]> {
  const query = db
    .prepare(
      `SELECT ${COLUMNS} FROM product WHERE retired_at IS NULL AND (?1 IS NULL OR site = ?1) ORDER BY site, name`,
    )
    .bind(site ?? null)
  return (await query.all<ProductRow>()).results
}

/** Puts a product on sale at a site, unless the site has one of that name. */
export async function addProduct(
  db: D1Database,
  { site, name, price, category }: { site: number; name: string; price: number; category: ProductCategory },
  staff: number,
  nowMs: number,
): Promise<ProductRow | 'site_unknown' | 'name_taken'> {
  const [siteFound, added, , row] = await db.batch<ProductRow>([
    db.prepare('SELECT id FROM site WHERE id = ?').bind(site),
    db
      .prepare(
        `INSERT INTO product (site, name, price, category, created_at) SELECT id, ?2, ?3, ?4, ?5 FROM site WHERE id = ?1
         ON CONFLICT DO NOTHING`,
      )
      .bind(site, name, price, category, nowMs),
    recordedIfChanged(db, { staff, action: 'product_added', subject: { kind: 'product' }, detail: { price } }, nowMs),
    db.prepare(`SELECT ${COLUMNS} FROM product WHERE site = ?1 AND name = ?2 AND retired_at IS NULL`).bind(site, name),
  ])
  if (!siteFound?.results.length) return 'site_unknown'
  return (added?.meta.changes && row?.results[0]) || 'name_taken'
}

/** Sets the price of a product on sale, in øre, for sales after the terminals' next sync; null where there is none. */
export function setPrice(db: D1Database, id: number, price: number, staff: number, nowMs: number) {
  return change(db, id, { column: 'price', value: price, action: 'product_priced' }, staff, nowMs)
}

/** Says what kind of thing a product on sale is, for the pictures of what was spent on what; null where there is none. */
export function setCategory(db: D1Database, id: number, category: ProductCategory, staff: number, nowMs: number) {
  return change(db, id, { column: 'category', value: category, action: 'product_categorised' }, staff, nowMs)
}

/** Takes a product off sale for good; null where there is none on sale. */
export function retire(db: D1Database, id: number, staff: number, nowMs: number) {
  return change(db, id, { column: 'retired_at', value: nowMs, action: 'product_retired' }, staff, nowMs)
}

type Change = { action: string } & (
  | { column: 'price' | 'retired_at'; value: number }
  | { column: 'category'; value: ProductCategory }
)

async function change(
  db: D1Database,
  id: number,
  { column, value, action }: Change,
  staff: number,
  nowMs: number,
): Promise<ProductRow | null> {
  const [changed, , row] = await db.batch<ProductRow>([
    db
      .prepare(`UPDATE product SET ${column} = ?2 WHERE id = ?1 AND retired_at IS NULL AND ${column} IS NOT ?2`)
      .bind(id, value),
    recordedIfChanged(db, { staff, action, subject: `product:${id}`, detail: { [column]: value } }, nowMs),
    db.prepare(`SELECT ${COLUMNS} FROM product WHERE id = ?`).bind(id),
  ])
  const product = row?.results[0]
  return product && (changed?.meta.changes || product.retiredAt === null) ? product : null
}
