import { z } from 'zod'
import { Amount } from '../debit.ts'
import { Id, InstantMs, Name } from '../fields.ts'

/** What kind of thing a product is, for the pictures of what was spent on what. */
export const ProductCategory = z.enum(['food', 'drink', 'sweets', 'activity', 'material', 'other'])
export type ProductCategory = z.infer<typeof ProductCategory>

export const Product = z
  .object({
    id: Id,
    site: Id,
    name: z.string(),
    price: Amount,
    category: ProductCategory,
    retiredAt: InstantMs.nullable(),
  })
  .meta({ id: 'Product' })
export const ProductCall = z.strictObject({
  site: Id,
  name: Name.max(40),
  price: Amount,
  category: ProductCategory.default('other'),
})
export const PriceCall = z.strictObject({ price: Amount })
export const CategoryCall = z.strictObject({ category: ProductCategory })
