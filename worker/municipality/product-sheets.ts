import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { SheetPlan, SheetRow } from '../../shared/office/products.ts'
import { digest } from '../../shared/signing.ts'
import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { type Plan, planOf } from './product-plan.ts'
import { columnsOn, productOf } from './products.ts'
import type { SiteRow } from './sites.ts'

/* All that is on sale on a day (?1) at the sites of who asks (?2), in one text: a plan holds while it is the same. */
const STATE = `(SELECT json_group_array(json_array(id, site, name, price, category, json(later))) FROM (
  SELECT ${columnsOn('?1')} FROM product WHERE retired_at IS NULL AND ${withinSites('site', '?2')} ORDER BY id))`

/**
 * What a sheet of products would change. With the `base` of such a plan it is changed, all of it in one batch, or nothing
 * where the sheet has faults; where the products are not as they were for that plan, it is out of date.
 */
export async function importSheet(
  db: D1Database,
  { rows, retireMissing, base }: { rows: SheetRow[]; retireMissing: boolean; base?: string | undefined },
  staff: Staff,
  nowMs: number,
): Promise<SheetPlan | 'plan_outdated'> {
  const today = copenhagenDay(nowMs)
  const bind = [today, sitesOf(staff)] as const
  const [sites, products, states] = await db.batch([
    db.prepare(`SELECT id, name FROM site WHERE ${withinSites('id', '?1')}`).bind(sitesOf(staff)),
    db
      .prepare(`SELECT ${columnsOn('?1')} FROM product WHERE retired_at IS NULL AND ${withinSites('site', '?2')}`)
      .bind(...bind),
    db.prepare(`SELECT ${STATE} AS state`).bind(...bind),
  ])
  const state = String((states?.results[0] as { state: string } | undefined)?.state)
  const sold = { sites: (sites?.results ?? []) as SiteRow[], products: (products?.results ?? []).map(productOf) }
  const plan = planOf(rows, sold, { today, retireMissing })
  const now = await digest(state)
  if (base === undefined || plan.faults.length > 0) return { ...plan, base: now, applied: false }
  if (base !== now) return 'plan_outdated'
  try {
    await db.batch(applied(db, plan, { state, bind, staff: staff.id, today }, nowMs))
  } catch (error) {
    const after = await db
      .prepare(`SELECT ${STATE} AS state`)
      .bind(...bind)
      .first<string>('state')
    if (after === state) throw error // Not a refusal of ours: the database itself failed.
    return 'plan_outdated'
  }
  return { ...plan, base: now, applied: true }
}

/**
 * The statements that apply a plan, each for all of its rows at once. The first writes an action of NULL where something
 * has changed since, which the column refuses, so that the whole batch is rolled back.
 */
function applied(
  db: D1Database,
  { added, prices, categories, retired }: Plan,
  {
    state,
    bind,
    staff,
    today,
  }: { state: string; bind: readonly [string, string | null]; staff: number; today: string },
  nowMs: number,
): D1PreparedStatement[] {
  const counts = { added: added.length, prices: prices.length, categories: categories.length, retired: retired.length }
  const priced = prices.map((each) => ({ ...each, from: each.from ?? today }))
  const later = added.flatMap(({ site, name, later }) => later.map((told) => ({ site, name, ...told })))
  const made = `JOIN product ON product.site = value ->> 'site' AND product.name = value ->> 'name'
    AND product.retired_at IS NULL`
  const audited = (action: string, detail: string, rows: unknown[], from = '') =>
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject, detail)
         SELECT ?1, ?2, ?3, 'product:' || ${from ? 'product.id' : "(value ->> 'id')"}, ${detail}
         FROM json_each(?4) ${from}`,
      )
      .bind(nowMs, staff, action, JSON.stringify(rows))
  return [
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject, detail)
         SELECT ?3, ?4, iif(${STATE} = ?5, 'products_imported', NULL), 'products', ?6`,
      )
      .bind(...bind, nowMs, staff, state, JSON.stringify(counts)),
    db
      .prepare(
        `INSERT INTO product (site, name, price, category, created_at)
         SELECT value ->> 'site', value ->> 'name', value ->> 'price', value ->> 'category', ?2 FROM json_each(?1)`,
      )
      .bind(JSON.stringify(added), nowMs),
    audited('product_added', "json_object('price', value ->> 'price')", added, made),
    db
      .prepare(
        `INSERT INTO product_price (product, from_day, price, staff, created_at)
         SELECT product.id, value ->> 'from', value ->> 'price', ?2, ?3 FROM json_each(?1) ${made}`,
      )
      .bind(JSON.stringify(later), staff, nowMs),
    db
      .prepare(
        `INSERT INTO product_price (product, from_day, price, staff, created_at)
         SELECT value ->> 'id', value ->> 'from', value ->> 'price', ?2, ?3 FROM json_each(?1) WHERE true
         ON CONFLICT (product, from_day) DO UPDATE
         SET price = excluded.price, staff = excluded.staff, created_at = excluded.created_at`,
      )
      .bind(JSON.stringify(priced), staff, nowMs),
    audited('product_priced', "json_object('price', value ->> 'price', 'from', value ->> 'from')", priced),
    db
      .prepare(
        `UPDATE product SET category = told.value ->> 'category' FROM json_each(?1) AS told
         WHERE product.id = told.value ->> 'id'`,
      )
      .bind(JSON.stringify(categories)),
    audited('product_categorised', "json_object('category', value ->> 'category')", categories),
    db
      .prepare("UPDATE product SET retired_at = ?2 WHERE id IN (SELECT value ->> 'id' FROM json_each(?1))")
      .bind(JSON.stringify(retired), nowMs),
    audited('product_retired', 'NULL', retired),
  ]
}
