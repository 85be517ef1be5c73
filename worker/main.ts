import { createRoute } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { Health } from '../shared/wire.ts'
import { type AppEnv, databaseOf, databases, type Env, municipalityOf } from './env.ts'
import { health } from './health.ts'
import { checkLedger } from './ledger-check.ts'
import { refuse } from './refusal.ts'
import { router } from './routes/contract.ts'
import { setupRoutes } from './routes/setup.ts'
import { staffRoutes } from './routes/staff.ts'
import { terminalRoutes } from './routes/terminal.ts'

/** The largest body that is read: a hundred messages of the largest size. */
const BODY_MAX_BYTES = 1_048_576

/** One line of JSON; never a name, a card, a token or a body. */
function log(level: 'info' | 'error', event: string, fields: Record<string, unknown>) {
  console[level](JSON.stringify({ level, event, ...fields }))
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
app.use(secureHeaders())
app.use(
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

app.use('/api/*', async (c, next) => {
  const municipality = municipalityOf(new URL(c.req.url).hostname, c.env.HOME_MUNICIPALITY)
  const db = municipality === null ? null : databaseOf(c.env, municipality)
  if (municipality === null || !db) return refuse(c, 'municipality_unknown', 'no municipality lives at this host')
  if (c.req.method === 'POST' && !c.req.header('content-type')) return refuse(c, 'malformed', 'the body is not JSON')
  c.set('municipality', municipality)
  c.set('db', db)
  return next()
})
app.route('/api/setup', setupRoutes)
app.route('/api/terminal', terminalRoutes)
app.route('/api/staff', staffRoutes)

app.doc31('/openapi.json', {
  openapi: '3.1.0',
  info: {
    title: 'Klubkort',
    version: '1',
    description: 'Amounts are whole øre, instants are epoch milliseconds (UTC). The host picks the municipality.',
  },
})

app.notFound((c) => refuse(c, 'not_found', 'nothing here'))
app.onError((error, c) => {
  if (error instanceof HTTPException && error.status < 500) return refuse(c, 'malformed', 'the body is not JSON')
  log('error', 'failure', { route: c.req.routePath, error: error.message })
  return refuse(c, 'internal', 'something went wrong here; the same request may be sent again')
})

export default {
  fetch: app.fetch,
  /** Every hour, each municipality's book is held against its invariants. */
  async scheduled(_event: ScheduledController, env: Env) {
    for (const { municipality, db } of databases(env)) {
      const check = await checkLedger(db)
      log(check.violations.length ? 'error' : 'info', 'ledger_check', { municipality, ...check })
    }
  },
} satisfies ExportedHandler<Env>
