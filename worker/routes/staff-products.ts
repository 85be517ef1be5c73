import { z } from '@hono/zod-openapi'
import {
  CategoryCall,
  CopyAnswer,
  CopyCall,
  PriceCall,
  Product,
  ProductCall,
  SheetCall,
  SheetPlan,
} from '../../shared/office/products.ts'
import { Site, SiteCall } from '../../shared/office/sites.ts'
import { importSheet } from '../municipality/product-sheets.ts'
import { addProduct, copyProducts, products, retire, setCategory, setPrice } from '../municipality/products.ts'
import { addSite, sites } from '../municipality/sites.ts'
import { sitesOf } from '../people/staff.ts'
import { type Refusals, refuse, refused } from '../refusal.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'

const NO_SITE = ['site_unknown', 'no such site'] as const
const NO_PRODUCT = ['product_unknown', 'no such product on sale'] as const
const OUTDATED = 'the products have changed since the plan was made'

const ADDING: Refusals<'site_unknown' | 'name_taken'> = {
  site_unknown: NO_SITE,
  name_taken: ['name_taken', 'the site sells a product of that name already'],
}

const PRICING: Refusals<'product_unknown' | 'past' | 'price_set'> = {
  product_unknown: NO_PRODUCT,
  past: ['malformed', 'from: a price begins today or later'],
  price_set: ['price_set', 'another price from that day has been told'],
}

/** Where cards are used, and what is sold there; a club has its own sites. Part of the staff API. */
export const staffProductRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/sites',
      summary: "All sites, of which a club's staff see their own",
      answer: z.object({ sites: z.array(Site) }),
    }),
    async (c) => c.json({ sites: await sites(c.var.db, c.var.staff) }, 200),
  )
  .openapi(
    changing({ path: '/sites', summary: 'Add a site', body: SiteCall, answer: Site, refusals: ['name_taken'] }),
    async (c) => {
      const added = await addSite(c.var.db, c.req.valid('json').name, c.var.staff.id, c.var.now)
      return added ? c.json(added, 200) : refuse(c, 'name_taken', 'there is a site of that name')
    },
  )
  .openapi(
    reading({
      path: '/products',
      summary: 'The products on sale, with their prices now and to come',
      query: z.object({ site: z.coerce.number().pipe(z.int().min(1)).optional() }),
      answer: z.object({ products: z.array(Product) }),
    }),
    async (c) => {
      const { site } = c.req.valid('query')
      return c.json({ products: await products(c.var.db, { site, sites: sitesOf(c.var.staff) }, c.var.now) }, 200)
    },
  )
  .openapi(
    changing({
      path: '/products',
      summary: 'Put a product on sale at a site',
      body: ProductCall,
      answer: Product,
      refusals: ['site_unknown', 'name_taken'],
    }),
    async (c) => {
      const added = await addProduct(c.var.db, c.req.valid('json'), c.var.staff, c.var.now)
      return typeof added === 'string' ? refused(c, added, ADDING) : c.json(added, 200)
    },
  )
  .openapi(
    changing({
      path: '/products/copy',
      summary: 'Put all that one site sells on sale at another too',
      body: CopyCall,
      answer: CopyAnswer,
      refusals: ['site_unknown'],
    }),
    async (c) => {
      const copied = await copyProducts(c.var.db, c.req.valid('json'), c.var.staff, c.var.now)
      return typeof copied === 'string' ? refuse(c, ...NO_SITE) : c.json(copied, 200)
    },
  )
  .openapi(
    changing({
      path: '/products/import',
      summary: 'What a sheet of products would change, or its change',
      body: SheetCall,
      answer: SheetPlan,
      refusals: ['plan_outdated'],
    }),
    async (c) => {
      const plan = await importSheet(c.var.db, c.req.valid('json'), c.var.staff, c.var.now)
      return typeof plan === 'string' ? refuse(c, plan, OUTDATED) : c.json(plan, 200)
    },
  )
  .openapi(
    changing({
      path: '/products/{id}/price',
      summary: 'Set the price of a product, from today or a later day',
      params: IdParam,
      body: PriceCall,
      answer: Product,
      refusals: ['product_unknown', 'price_set'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const product = await setPrice(c.var.db, id, c.req.valid('json'), c.var.staff, c.var.now)
      return typeof product === 'string' ? refused(c, product, PRICING) : c.json(product, 200)
    },
  )
  .openapi(
    changing({
      path: '/products/{id}/category',
      summary: 'Say what kind of thing a product is',
      params: IdParam,
      body: CategoryCall,
      answer: Product,
      refusals: ['product_unknown'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const product = await setCategory(c.var.db, id, c.req.valid('json').category, c.var.staff, c.var.now)
      return product ? c.json(product, 200) : refuse(c, ...NO_PRODUCT)
    },
  )
  .openapi(
    changing({
      path: '/products/{id}/retire',
      summary: 'Take a product off sale',
      params: IdParam,
      body: Nothing,
      answer: Product,
      refusals: ['product_unknown'],
    }),
    async (c) => {
      const product = await retire(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return product ? c.json(product, 200) : refuse(c, ...NO_PRODUCT)
    },
  )
