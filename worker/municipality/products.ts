import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { Product, ProductCategory } from '../../shared/office/products.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { recordedIfChanged } from './audit.ts'

/*
 * What a product costs on a Copenhagen day is the newest of its prices from that day or before, and what it was put on
 * sale for where there is none. A club's staff have the products of their own sites; others are not there for them.
 */

type ProductRow = Omit<Product, 'later'> & { later: string }

const priceOn = (day: string) => `coalesce((
  SELECT product_price.price FROM product_price WHERE product_price.product = product.id AND from_day <= ${day}
  ORDER BY from_day DESC LIMIT 1), product.price)`

/** SQL: the columns of a product on a day, which is SQL too; `productOf` reads them. */
export const columnsOn = (day: string) => `id, site, name, ${priceOn(day)} AS price, category, retired_at AS retiredAt,
  (SELECT json_group_array(json_object('from', from_day, 'price', price)) FROM (
    SELECT from_day, product_price.price FROM product_price
    WHERE product_price.product = product.id AND from_day > ${day} ORDER BY from_day)) AS later`

export const productOf = (row: unknown): Product => {
  const { later, ...product } = row as ProductRow
  return { ...product, later: JSON.parse(later) }
}

/**
 * The products on sale by name, with what they cost today and from later days on, in øre: of one site or of all, and of
 * `sites` only, as `sitesOf` tells them.
 */
export async function products(
  db: D1Database,
  { site, sites = null }: { site?: number | undefined; sites?: string | null },
  nowMs: number,
): Promise<Product[]> {
  const query = db
    .prepare(
      `SELECT ${columnsOn('?1')} FROM product
       WHERE retired_at IS NULL AND (?2 IS NULL OR site = ?2) AND ${withinSites('site', '?3')} ORDER BY site, name`,
    )
    .bind(copenhagenDay(nowMs), site ?? null, sites)
  return (await query.all()).results.map(productOf)
}

/** Puts a product on sale at a site, unless the site has one of that name. */
export async function addProduct(
  db: D1Database,
  { site, name, price, category }: { site: number; name: string; price: number; category: ProductCategory },
  staff: Staff,
  nowMs: number,
): Promise<Product | 'site_unknown' | 'name_taken'> {
  const own = `SELECT id FROM site WHERE id = ?1 AND ${withinSites('id', '?2')}`
  const [siteFound, added, , row] = await db.batch([
    db.prepare(own).bind(site, sitesOf(staff)),
    db
      .prepare(
        `INSERT INTO product (site, name, price, category, created_at) SELECT id, ?3, ?4, ?5, ?6 FROM (${own})
         WHERE true ON CONFLICT DO NOTHING`,
      )
      .bind(site, sitesOf(staff), name, price, category, nowMs),
    recordedIfChanged(
      db,
      { staff: staff.id, action: 'product_added', subject: { kind: 'product' }, detail: { price } },
      nowMs,
    ),
    db
      .prepare(`SELECT ${columnsOn('?3')} FROM product WHERE site = ?1 AND name = ?2 AND retired_at IS NULL`)
      .bind(site, name, copenhagenDay(nowMs)),
  ])
  if (!siteFound?.results.length) return 'site_unknown'
  return added?.meta.changes && row?.results[0] ? productOf(row.results[0]) : 'name_taken'
}

/**
 * Says what a product on sale costs from a Copenhagen day on, in øre; terminals know it from their next sync. A price
 * from today is in force at once, and can be set again; one to come that has been told stays without `replace`.
 */
export async function setPrice(
  db: D1Database,
  id: number,
  { price, from, replace = false }: { price: number; from?: string | undefined; replace?: boolean | undefined },
  staff: Staff,
  nowMs: number,
): Promise<Product | 'product_unknown' | 'past' | 'price_set'> {
  const today = copenhagenDay(nowMs)
  const day = from ?? today
  if (day < today) return 'past'
  const own = `product.id = ?1 AND retired_at IS NULL AND ${withinSites('site', '?2')}`
  const [, , row] = await db.batch([
    db
      .prepare(
        `INSERT INTO product_price (product, from_day, price, staff, created_at)
         SELECT id, ?3, ?4, ?5, ?6 FROM product WHERE ${own} AND (?3 > ?7 OR ${priceOn('?7')} <> ?4)
         ON CONFLICT (product, from_day) DO UPDATE
         SET price = excluded.price, staff = excluded.staff, created_at = excluded.created_at
         WHERE price <> excluded.price AND (from_day = ?7 OR ?8)`,
      )
      .bind(id, sitesOf(staff), day, price, staff.id, nowMs, today, Number(replace)),
    recordedIfChanged(
      db,
      { staff: staff.id, action: 'product_priced', subject: `product:${id}`, detail: { price, from: day } },
      nowMs,
    ),
    db.prepare(`SELECT ${columnsOn('?3')} FROM product WHERE ${own}`).bind(id, sitesOf(staff), today),
  ])
  if (!row?.results[0]) return 'product_unknown'
  const product = productOf(row.results[0])
  const stored = day === today ? product.price : product.later.find((told) => told.from === day)?.price
  return stored === price ? product : 'price_set'
}

/** Says what kind of thing a product on sale is, at once for every sale that asks; null where there is none. */
export function setCategory(db: D1Database, id: number, category: ProductCategory, staff: Staff, nowMs: number) {
  return change(db, id, { column: 'category', value: category, action: 'product_categorised' }, staff, nowMs)
}

/** Takes a product off sale for good; null where there is none on sale. */
export function retire(db: D1Database, id: number, staff: Staff, nowMs: number) {
  return change(db, id, { column: 'retired_at', value: nowMs, action: 'product_retired' }, staff, nowMs)
}

type Change = { action: string } & (
  | { column: 'retired_at'; value: number }
  | { column: 'category'; value: ProductCategory }
)

async function change(
  db: D1Database,
  id: number,
  { column, value, action }: Change,
  staff: Staff,
  nowMs: number,
): Promise<Product | null> {
  const own = `id = ?1 AND ${withinSites('site', '?2')}`
  const [changed, , row] = await db.batch([
    db
      .prepare(`UPDATE product SET ${column} = ?3 WHERE ${own} AND retired_at IS NULL AND ${column} IS NOT ?3`)
      .bind(id, sitesOf(staff), value),
    recordedIfChanged(db, { staff: staff.id, action, subject: `product:${id}`, detail: { [column]: value } }, nowMs),
    db.prepare(`SELECT ${columnsOn('?3')} FROM product WHERE ${own}`).bind(id, sitesOf(staff), copenhagenDay(nowMs)),
  ])
  const product = row?.results[0] === undefined ? null : productOf(row.results[0])
  return product && (changed?.meta.changes || product.retiredAt === null) ? product : null
}

/**
 * Puts all that one site sells on sale at another too, at the same prices now and later; what the other has a product of
 * that name for is skipped. Both must be sites of who asks.
 */
export async function copyProducts(
  db: D1Database,
  { from, to }: { from: number; to: number },
  staff: Staff,
  nowMs: number,
): Promise<{ copied: Product[]; skipped: string[] } | 'site_unknown'> {
  const today = copenhagenDay(nowMs)
  const both = `(SELECT count(*) FROM site WHERE id IN (?1, ?2) AND ${withinSites('id', '?3')}) = 2`
  const taken = `EXISTS (SELECT 1 FROM product AS there
    WHERE there.site = ?2 AND there.name = product.name AND there.retired_at IS NULL)`
  const sold = `FROM product WHERE site = ?1 AND retired_at IS NULL AND ${both}`
  const bind = [from, to, sitesOf(staff)] as const
  const [sites, skipped, , , , copied] = await db.batch([
    db.prepare(`SELECT ${both} AS known`).bind(...bind),
    db.prepare(`SELECT name ${sold} AND ${taken} ORDER BY name`).bind(...bind),
    db
      .prepare(
        `INSERT INTO product (site, name, price, category, created_at)
         SELECT ?2, name, ${priceOn('?4')}, category, ?5 ${sold} AND NOT ${taken} ORDER BY id`,
      )
      .bind(...bind, today, nowMs),
    recordedIfChanged(
      db,
      { staff: staff.id, action: 'products_copied', subject: `site:${to}`, detail: { from } },
      nowMs,
    ),
    db
      .prepare(
        `INSERT INTO product_price (product, from_day, price, staff, created_at)
         SELECT made.id, product_price.from_day, product_price.price, ?3, ?4
         FROM product AS made
         JOIN product ON product.site = ?1 AND product.name = made.name AND product.retired_at IS NULL
         JOIN product_price ON product_price.product = product.id AND product_price.from_day > ?5
         WHERE made.site = ?2 AND made.created_at = ?4 AND made.retired_at IS NULL AND changes() > 0
         ON CONFLICT DO NOTHING`,
      )
      .bind(from, to, staff.id, nowMs, today),
    db
      .prepare(
        `SELECT ${columnsOn('?3')} FROM product
         WHERE site = ?1 AND created_at = ?2 AND retired_at IS NULL AND ${withinSites('site', '?4')} ORDER BY name`,
      )
      .bind(to, nowMs, today, sitesOf(staff)),
  ])
  if (!(sites?.results[0] as { known: 0 | 1 } | undefined)?.known) return 'site_unknown'
  return {
    copied: (copied?.results ?? []).map(productOf),
    skipped: ((skipped?.results ?? []) as { name: string }[]).map(({ name }) => name),
  }
}
