import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { Health } from '../shared/health.ts'
import { type AppEnv, databaseOf, databases, type Env, municipalityOf } from './env.ts'
import { checkLedger } from './ledger/check.ts'
import { deliver } from './letters/outbox.ts'
import { sumUpWeek } from './letters/weekly.ts'
import { log } from './log.ts'
import { health } from './municipality/health.ts'
import { announceExpiring, keepAgreements } from './payments/agreement-upkeep.ts'
import { clearing, importBook } from './payments/clearing.ts'
import { reconcile } from './payments/reconciliation.ts'
import { pushRefunds } from './payments/refunds.ts'
import { type StripeAccount, stripeOf } from './payments/stripe/stripe.ts'
import { topUp } from './payments/top-ups.ts'
import { cancelLeaversOrders } from './people/leaving.ts'
import { BarePage } from './portal/bare.tsx'
import { refuse } from './refusal.ts'
import { removeOld } from './retention.ts'
import { router } from './routes/contract.ts'
import { failurePage, notFoundPage, portalRoutes } from './routes/portal.ts'
import { setupRoutes } from './routes/setup.ts'
import { staffRoutes } from './routes/staff.ts'
import { stripeRoutes } from './routes/stripe.ts'
import { terminalRoutes } from './routes/terminal.ts'
import { sweep } from './sweep.ts'

/** The largest body that is read: a hundred messages of the largest size. */
const BODY_MAX_BYTES = 1_048_576

/** Whether a program asks, which is answered as JSON, and no browser. */
const isApi = (c: Context) => c.req.path.startsWith('/api/')

function bare(c: Context, about: 'nobody' | 'failed', status: 404 | 500) {
  c.header('content-security-policy', "default-src 'none'; style-src 'self'; font-src 'self'; frame-ancestors 'none'")
  c.header('cache-control', 'no-store')
  return c.html(BarePage({ about }), status)
}

export const app = router<AppEnv>()

app.use(async (c, next) => {
  const startedAt = Date.now()
  c.set('now', startedAt)
  await next()
  c.header('date', new Date(startedAt).toUTCString()) // What a terminal without a clock learns the time from.
  log('info', 'request', {
    at: new Date(startedAt).toISOString(),
    municipality: c.var.municipality ?? null,
    method: c.req.method,
    route: c.req.routePath,
    status: c.res.status,
    ms: Date.now() - startedAt,
  })
})
for (const path of ['/api/*', '/healthz', '/openapi.json']) app.use(path, secureHeaders()) // The portal has its own.
app.use('/api/*', async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
})
app.use(
  '/api/*',
  bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (c) => refuse(c, 'too_large', `a body may have at most ${BODY_MAX_BYTES} bytes`),
  }),
)

const healthRoute = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether every database can serve',
  responses: {
    200: { description: 'all can', content: { 'application/json': { schema: Health } } },
    503: { description: 'one cannot', content: { 'application/json': { schema: Health } } },
  },
})

app.openapi(healthRoute, async (c) => {
  const found = await Promise.all(
    databases(c.env).map(async ({ municipality, db }) => ({ municipality, status: await health(db) })),
  )
  const failing = found.some(({ status }) => status === 'unreachable' || status === 'migrations_missing')
  return failing
    ? c.json({ status: 'failing' as const, databases: found }, 503)
    : c.json({ status: 'ok' as const, databases: found }, 200)
})

app.doc31('/openapi.json', {
  openapi: '3.1.0',
  info: {
    title: 'Klubkort',
    version: '1',
    description: 'Amounts are whole øre, instants are epoch milliseconds (UTC). The host picks the municipality.',
  },
})

app.use(async (c, next) => {
  const municipality = municipalityOf(new URL(c.req.url).hostname, c.env.HOME_MUNICIPALITY)
  const db = municipality === null ? null : databaseOf(c.env, municipality)
  if (municipality === null || !db) {
    if (!isApi(c)) return bare(c, 'nobody', 404)
    return refuse(c, 'municipality_unknown', 'no municipality lives at this host')
  }
  c.set('municipality', municipality)
  c.set('db', db)
  return next()
})

app.use('/api/*', async (c, next) => {
  if (c.req.method === 'POST' && !c.req.header('content-type')) return refuse(c, 'malformed', 'the body is not JSON')
  return next()
})
app.route('/api/setup', setupRoutes)
app.route('/api/terminal', terminalRoutes)
app.route('/api/staff', staffRoutes)
app.route('/api/stripe', stripeRoutes)
app.all('/api/*', (c) => refuse(c, 'not_found', 'nothing here'))

app.route('/', portalRoutes as unknown as typeof setupRoutes)

app.notFound((c) => ('view' in c.var ? notFoundPage(c as never) : refuse(c, 'not_found', 'nothing here')))
app.onError((error, c) => {
  const refused = error instanceof HTTPException && error.status < 500 ? error.status : null
  if (refused === null) log('error', 'failure', { route: c.req.routePath, error: error.message })
  if ('view' in c.var) return failurePage(c as never, refused)
  if (!isApi(c)) return bare(c, 'failed', 500)
  if (refused !== null) return refuse(c, 'malformed', 'the body is not JSON')
  return refuse(c, 'internal', 'something went wrong here; the same request may be sent again')
})

/** The cron of the mail and of what is due at Stripe; the other one comes every hour. */
const EVERY_MINUTE = '* * * * *'

/** Runs one of a cron's tasks, whose failure keeps nothing from the others. */
async function task(municipality: number, name: string, run: () => Promise<void>) {
  try {
    await run()
  } catch (error) {
    log('error', 'cron_failure', {
      municipality,
      task: name,
      error: error instanceof Error ? error.message : 'unknown',
    })
  }
}

/** What is due every minute; mail waits for nobody at Stripe. */
async function minute(env: Env, municipality: number, db: D1Database) {
  const stripe = stripeOf(env, municipality)
  await Promise.all([
    task(municipality, 'mail', () => mail(env, municipality, db)),
    task(municipality, 'leavers_orders', async () => {
      const { cancelled } = await cancelLeaversOrders(db, Date.now())
      if (cancelled > 0) log('info', 'leavers_orders', { municipality, cancelled })
    }),
    stripe && money(db, stripe),
  ])
}

/** Sends the mail that is due, and says so where there was any. */
async function mail(env: Env, municipality: number, db: D1Database) {
  if (!env.MAIL) return
  const portal = env.PORTAL_ADDRESS.replace('{municipality}', String(municipality))
  const delivered = await deliver(db, env.MAIL, { municipality, portal }, Date.now())
  const { sent, failed, givenUp } = delivered
  if (sent + failed + givenUp > 0) log(failed + givenUp ? 'error' : 'info', 'mail', { municipality, ...delivered })
}

/** Does at Stripe what is due there, one thing after the other, the most urgent first, and says so where there was any. */
async function money(db: D1Database, stripe: StripeAccount) {
  const { municipality } = stripe
  const tasks = {
    top_ups: () => topUp(db, stripe, 'all', Date.now()),
    agreements: () => keepAgreements(db, stripe, Date.now()),
    refunds: () => pushRefunds(db, stripe, Date.now()),
    reconciliation: () => reconcile(db, stripe, Date.now()),
  }
  for (const [name, run] of Object.entries(tasks)) {
    await task(municipality, name, async () => {
      const done = await run()
      if (Object.values(done).some(Boolean)) log('info', name, { municipality, ...done })
    })
  }
}

/**
 * How many statements the imports of Stripe's books may take together: one invocation serves every municipality, and
 * D1 runs a thousand for it. The floor is what one import needs to get on at all.
 */
const BOOK_STATEMENTS_MAX = 600
const BOOK_STATEMENTS_MIN = 50

/** Fetches Stripe's book and holds ours against it; what it does not explain is an error that somebody must look into. */
async function book(env: Env, db: D1Database, stripe: StripeAccount) {
  const { municipality, secretKey } = stripe
  const accounts = databases(env).flatMap((other) => stripeOf(env, other.municipality) ?? [])
  const shared = accounts.some((other) => other.municipality !== municipality && other.secretKey === secretKey)
  const statementsMax = Math.max(BOOK_STATEMENTS_MIN, Math.floor(BOOK_STATEMENTS_MAX / accounts.length))
  const imported = await importBook(db, stripe, { shared, statementsMax }, Date.now())
  log(imported.kind === 'imported' ? 'info' : 'error', 'stripe_book', { municipality, ...imported })
  const { difference, timing, differences } = await clearing(db, Date.now())
  if (differences.length === 0) return
  log('error', 'clearing', { municipality, difference, timing: timing.amount, unexplained: differences.length })
}

/** Holds the books against Stripe's and their invariants, writes the week's summaries when it is time, and sweeps. */
async function hour(env: Env, municipality: number, db: D1Database) {
  const stripe = stripeOf(env, municipality)
  if (stripe) await task(municipality, 'stripe_book', () => book(env, db, stripe))
  await task(municipality, 'ledger_check', async () => {
    const check = await checkLedger(db)
    log(check.violations.length ? 'error' : 'info', 'ledger_check', { municipality, ...check })
  })
  await task(municipality, 'weekly', async () => {
    const summaries = await sumUpWeek(db, Date.now())
    if (summaries > 0) log('info', 'weekly', { municipality, summaries })
  })
  await task(municipality, 'expiring', async () => {
    const expiring = await announceExpiring(db, Date.now())
    if (expiring > 0) log('info', 'expiring', { municipality, expiring })
  })
  await task(municipality, 'retention', async () => {
    const removed = await removeOld(db, Date.now())
    if (Object.values(removed).some(Boolean)) log('info', 'retention', { municipality, ...removed })
  })
  await task(municipality, 'sweep', async () => {
    log('info', 'sweep', { municipality, ...(await sweep(db, Date.now())) })
  })
}

export default {
  fetch: app.fetch,
  /** One municipality's failure keeps nothing from the others. */
  async scheduled({ cron }: Pick<ScheduledController, 'cron'>, env: Env) {
    await Promise.all(
      databases(env).map(({ municipality, db }) =>
        task(municipality, cron, () =>
          cron === EVERY_MINUTE ? minute(env, municipality, db) : hour(env, municipality, db),
        ),
      ),
    )
  },
} satisfies ExportedHandler<Env>
