import { z } from '@hono/zod-openapi'
import { CategoryCall, PriceCall, Product, ProductCall } from '../../shared/office/products.ts'
import { Site, SiteCall } from '../../shared/office/sites.ts'
import { addProduct, products, retire, setCategory, setPrice } from '../municipality/products.ts'
import { addSite, sites } from '../municipality/sites.ts'
import { refuse } from '../refusal.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'

/** Where cards are used, and what is sold there. Part of the staff API. */
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
      summary: 'The products on sale',
      query: z.object({ site: z.coerce.number().pipe(z.int().min(1)).optional() }),
      answer: z.object({ products: z.array(Product) }),
    }),
    async (c) => c.json({ products: await products(c.var.db, c.req.valid('query').site) }, 200),
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
      const added = await addProduct(c.var.db, c.req.valid('json'), c.var.staff.id, c.var.now)
      if (added === 'site_unknown') return refuse(c, added, 'no such site')
      if (added === 'name_taken') return refuse(c, added, 'the site sells a product of that name already')
      return c.json(added, 200)
    },
  )
  .openapi(
    changing({
      path: '/products/{id}/price',
      summary: 'Set the price of a product',
      params: IdParam,
      body: PriceCall,
      answer: Product,
      refusals: ['product_unknown'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const product = await setPrice(c.var.db, id, c.req.valid('json').price, c.var.staff.id, c.var.now)
      return product ? c.json(product, 200) : refuse(c, 'product_unknown', 'no such product on sale')
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
      const product = await setCategory(c.var.db, id, c.req.valid('json').category, c.var.staff.id, c.var.now)
      return product ? c.json(product, 200) : refuse(c, 'product_unknown', 'no such product on sale')
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
      const product = await retire(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return product ? c.json(product, 200) : refuse(c, 'product_unknown', 'no such product on sale')
    },
  )
