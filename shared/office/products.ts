import { z } from 'zod'
import { Amount } from '../debit.ts'
import { Id, InstantMs, Name, Text } from '../fields.ts'
import { Day } from './reports.ts'

/** What kind of thing a product is: parents can close it for their child, and see what was spent on what. */
export const ProductCategory = z.enum(['food', 'drink', 'sweets', 'activity', 'material', 'other'])
export type ProductCategory = z.infer<typeof ProductCategory>

/** What a product is called, as the till's buttons have room for. */
export const ProductName = Name.max(40)

/** `price` is what it costs today, `later` what from which days on, in their order. */
export const Product = z
  .object({
    id: Id,
    site: Id,
    name: z.string(),
    price: Amount,
    category: ProductCategory,
    retiredAt: InstantMs.nullable(),
    later: z.array(z.object({ from: Day, price: Amount })).default([]),
  })
  .meta({ id: 'Product' })
export type Product = z.infer<typeof Product>
export const ProductCall = z.strictObject({
  site: Id,
  name: ProductName,
  price: Amount,
  category: ProductCategory.default('other'),
})
/** From today where `from` is left out. A price to come that has been told is changed only with `replace`. */
export const PriceCall = z.strictObject({ price: Amount, from: Day.optional(), replace: z.literal(true).optional() })
export const CategoryCall = z.strictObject({ category: ProductCategory })

/** `skipped` are the names that the other site had already. */
export const CopyCall = z
  .strictObject({ from: Id, to: Id })
  .refine(({ from, to }) => from !== to, 'to: the site itself')
export const CopyAnswer = z.object({ copied: z.array(Product), skipped: z.array(z.string()) })

/** How many rows a sheet of products may have. */
export const SHEET_ROWS_MAX = 1_000

/**
 * One line of a sheet of products: a price now, or `from` a later day. The product is known by its `id` or, where there
 * is none, by its name at its site, which is told by its name or its number. No category leaves it as it is.
 */
export const SheetRow = z.strictObject({
  line: z.int().min(1),
  id: Id.nullable(),
  site: Text.min(1).max(80),
  name: ProductName,
  category: ProductCategory.nullable(),
  price: Amount,
  from: Day.nullable(),
})
export type SheetRow = z.infer<typeof SheetRow>
export const SheetColumn = z.enum(['id', 'site', 'name', 'category', 'price', 'from'])
export type SheetColumn = z.infer<typeof SheetColumn>

/** With the `base` of a plan the sheet is applied, if the products are still as they were for that plan. */
export const SheetCall = z.strictObject({
  rows: z.array(SheetRow).max(SHEET_ROWS_MAX),
  retireMissing: z.boolean(),
  base: z.string().max(60).optional(),
})

/**
 * What a sheet of products changes, or has changed. With `retireMissing`, the products that it does not name are taken
 * off sale at the sites that it names. `from` is null for a price that holds at once, `before` null where none was known
 * from that day. A sheet with faults is not applied.
 */
export const SheetPlan = z.object({
  base: z.string(),
  added: z.array(Product.pick({ site: true, name: true, category: true, price: true, later: true })),
  prices: z.array(
    z.object({ id: Id, site: Id, name: z.string(), from: Day.nullable(), before: Amount.nullable(), price: Amount }),
  ),
  categories: z.array(
    z.object({ id: Id, site: Id, name: z.string(), before: ProductCategory, category: ProductCategory }),
  ),
  retired: z.array(z.object({ id: Id, site: Id, name: z.string() })),
  unchanged: z.int().min(0),
  faults: z.array(z.object({ line: z.int().min(1), column: SheetColumn, reason: z.string() })),
  applied: z.boolean(),
})
export type SheetPlan = z.infer<typeof SheetPlan>
