import { z } from '@hono/zod-openapi'
import { parseCpr } from '../../shared/cpr.ts'
import { Account, CreditAnswer, CreditCall } from '../../shared/office/accounts.ts'
import { Child, ChildCall, GuardianCall } from '../../shared/office/children.ts'
import { LedgerCheck } from '../../shared/office/ledger.ts'
import { CategoryCall, PriceCall, Product, ProductCall } from '../../shared/office/products.ts'
import { Site, SiteCall } from '../../shared/office/sites.ts'
import { WhoAmI } from '../../shared/office/staff.ts'
import { checkLedger } from '../ledger/check.ts'
import { addProduct, products, retire, setCategory, setPrice } from '../municipality/products.ts'
import { cprHash } from '../municipality/secrets.ts'
import { addSite, sites } from '../municipality/sites.ts'
import { addChild, child, children } from '../people/children.ts'
import { addGuardianship, endGuardianship } from '../people/guardianships.ts'
import { staffOf } from '../people/staff.ts'
import { refuse } from '../refusal.ts'
import { account, credit } from '../statements/accounts.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'
import { staffCardRoutes } from './staff-cards.ts'
import { staffPayoutRoutes } from './staff-payouts.ts'
import { staffPeopleRoutes } from './staff-people.ts'
import { staffReportRoutes } from './staff-reports.ts'
import { mayUse } from './staff-roles.ts'
import { staffSupportRoutes } from './staff-support.ts'
import { staffTerminalRoutes } from './staff-terminals.ts'

/** What staff's command line talks to; which role may do what stands in staff-roles.ts. */
export const staffRoutes = router<StaffEnv>()

staffRoutes.use(async (c, next) => {
  const token = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1]
  const staff = token === undefined ? null : await staffOf(c.var.db, token, c.var.now)
  if (!staff) {
    const { success } = await c.env.GUESSES.limit({ key: `token:${c.req.header('cf-connecting-ip')}` })
    if (!success) return refuse(c, 'too_often', 'too many tokens that are none; wait a minute')
    return refuse(c, 'token_invalid', 'no staff token, or one that is unknown, expired or revoked')
  }
  if (!mayUse(c, staff.role)) return refuse(c, 'role_forbidden', `a ${staff.role} token may not do this`)
  c.set('staff', staff)
  return next()
})

staffRoutes.openapi(reading({ path: '/me', summary: 'Whose token this is', answer: WhoAmI }), async (c) => {
  const settings = await c.var.db.prepare('SELECT name FROM municipality').first<string>('name')
  const { name, role } = c.var.staff
  return c.json({ municipality: c.var.municipality, municipalityName: settings ?? '', staff: name, role }, 200)
})

// ── Sites and products ──────────────────────────────────────────────────────

staffRoutes
  .openapi(reading({ path: '/sites', summary: 'All sites', answer: z.object({ sites: z.array(Site) }) }), async (c) =>
    c.json({ sites: await sites(c.var.db) }, 200),
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

// ── Children and accounts ───────────────────────────────────────────────────

staffRoutes
  .openapi(
    reading({
      path: '/children',
      summary: 'Children by a part of their name',
      query: z.object({ name: z.string().max(80).default('') }),
      answer: z.object({ children: z.array(Child) }),
    }),
    async (c) => {
      const { name } = c.req.valid('query')
      return c.json({ children: await children(c.var.db, name, { staff: c.var.staff.id }, c.var.now) }, 200)
    },
  )
  .openapi(
    changing({ path: '/children', summary: 'Add a child with a wallet', body: ChildCall, answer: Child }),
    async (c) => c.json(await addChild(c.var.db, c.req.valid('json'), c.var.staff.id, c.var.now), 200),
  )
  .openapi(
    reading({
      path: '/children/{id}',
      summary: 'A child, its account and cards',
      params: IdParam,
      answer: Child,
      refusals: ['child_unknown'],
    }),
    async (c) => {
      const found = await child(c.var.db, c.req.valid('param').id, { staff: c.var.staff.id }, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
for (const [path, summary, change] of [
  ['/children/{id}/guardians', "Link a guardian's CPR number, which is hashed on arrival", addGuardianship],
  ['/children/{id}/guardians/end', "End the link of a guardian's CPR number", endGuardianship],
] as const) {
  staffRoutes.openapi(
    changing({ path, summary, params: IdParam, body: GuardianCall, answer: Child, refusals: ['child_unknown'] }),
    async (c) => {
      const cpr = parseCpr(c.req.valid('json').cpr)
      if (cpr === null) return refuse(c, 'malformed', 'cpr: not a CPR number')
      const hash = await cprHash(c.env.MASTER_KEY, c.var.municipality, cpr)
      const guardianship = { child: c.req.valid('param').id, cprHash: hash }
      const changed = await change(c.var.db, guardianship, c.var.staff.id, c.var.now)
      return changed ? c.json(changed, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
}

staffRoutes
  .openapi(
    reading({
      path: '/accounts/{id}',
      summary: 'A wallet and its newest movements',
      params: IdParam,
      answer: Account,
      refusals: ['account_unknown'],
    }),
    async (c) => {
      const found = await account(c.var.db, c.req.valid('param').id, { staff: c.var.staff.id }, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'account_unknown', 'no such wallet')
    },
  )
  .openapi(
    changing({
      path: '/accounts/{id}/credit',
      summary: 'Credit a wallet by the hand of staff, once per id',
      params: IdParam,
      body: CreditCall,
      answer: CreditAnswer,
      refusals: ['account_unknown', 'transfer_conflict'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const credited = await credit(c.var.db, id, c.req.valid('json'), c.var.staff.id, c.var.now)
      if (credited === 'account_unknown') return refuse(c, credited, 'no such wallet')
      if (credited === 'transfer_conflict') return refuse(c, credited, 'this id has moved something else already')
      return c.json(credited, 200)
    },
  )

// ── Ledger ──────────────────────────────────────────────────────────────────

staffRoutes.openapi(
  reading({ path: '/ledger/check', summary: 'Hold the book against its invariants', answer: LedgerCheck }),
  async (c) => c.json(await checkLedger(c.var.db), 200),
)

staffRoutes.route('/', staffTerminalRoutes)
staffRoutes.route('/', staffCardRoutes)
staffRoutes.route('/', staffSupportRoutes)
staffRoutes.route('/', staffPeopleRoutes)
staffRoutes.route('/', staffReportRoutes)
staffRoutes.route('/', staffPayoutRoutes)
