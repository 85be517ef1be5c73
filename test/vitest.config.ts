import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import Order from './order.ts'

const root = new URL('..', import.meta.url).pathname

// Wrangler's build step lays the portal's files out; the pool serves them, and runs no build.
if (!existsSync(`${root}.assets`)) execFileSync(process.execPath, [`${root}worker/portal/assets.mjs`])

/** Files that start the whole system: a worker, with a till or a browser. */
const SYSTEM = ['test/{broker,portal,till}.test.ts']
/** The same, for minutes each: every procedure of the portal, and what goes wrong between a till and its worker. */
const LONG = [
  'test/portal-*.test.ts',
  'test/staff-{office,products,roles}.test.ts',
  'test/{card-hand-out,copied-card,kill,life,offline-day,roster,story}.test.ts',
]

/** A thousand webhooks, lost, late and again. */
const STORM = 'test/worker/payment-storm.test.ts'
const PROPERTY = 'test/worker/ledger-property.test.ts'

/** What the worker and its tests import: bundled once, since each file would load hundreds of modules anew. */
const PACKAGES = [
  '@hono/zod-openapi',
  '@libpdf/core',
  'drizzle-orm',
  'drizzle-orm/sqlite-core',
  'fast-check',
  'fast-xml-parser',
  'hono',
  'hono/body-limit',
  'hono/cookie',
  'hono/csrf',
  'hono/html',
  'hono/http-exception',
  'hono/jsx',
  'hono/jsx/jsx-dev-runtime',
  'hono/jsx/jsx-runtime',
  'hono/route',
  'hono/secure-headers',
  'jose',
  'micromark',
  'openid-client',
  'papaparse',
  'stripe',
  'zod',
]

/** Where the many processes that tests start keep their compiled code. */
const NODE_COMPILE_CACHE = `${root}node_modules/.cache/compiled`

type InWorkerd = { name: string; include: string[]; exclude?: string[]; histories: number }

/** Tests inside workerd on real D1; the ledger is held against its model over so many random `histories`. */
const inWorkerd = async ({ name, include, exclude = [], histories }: InWorkerd) => ({
  root,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: `${root}wrangler.toml` },
      miniflare: {
        bindings: {
          MASTER_KEY: 'dGVzdHMgb25seTogdGhpcnR5LXR3byBieXRlcyBrZXk',
          SETUP_KEY: 'tests-only',
          HOME_MUNICIPALITY: '4000',
          STRIPE_SECRET_KEY: 'sk_test_tests_only',
          STRIPE_WEBHOOK_SECRET: 'whsec_tests_only',
          STRIPE_ADDRESS: 'http://stripe.localhost:4242',
          MIGRATIONS: await readD1Migrations(`${root}migrations`),
          HISTORIES: histories,
        },
        ratelimits: {
          GUESSES: { namespace_id: '1001', simple: { limit: 10_000, period: 60 } },
          WRITES: { namespace_id: '1002', simple: { limit: 10_000, period: 60 } },
        },
      },
    }),
  ],
  test: {
    name,
    isolate: false, // Each file empties the databases first; loading the worker anew for each took longer than its tests.
    include,
    exclude,
    testTimeout: 120_000,
    deps: { optimizer: { ssr: { enabled: true, include: PACKAGES } } },
  },
})

/**
 * Tests in `test/worker` run inside workerd on real D1; all others run on Node, which the till and the CLI run on.
 */
export default defineConfig(async () => ({
  root,
  test: {
    maxWorkers: 2, // A till, a worker and a browser at a time are enough for two cores: what waits must not wait in vain.
    sequence: { sequencer: Order },
    reporters: ['default', `${root}test/closing-line.ts`],
    projects: [
      await inWorkerd({ name: 'worker', include: ['test/worker/**/*.test.ts'], exclude: [STORM], histories: 250 }),
      await inWorkerd({ name: 'thorough', include: [STORM, PROPERTY], histories: 500 }),
      {
        root,
        test: {
          name: 'node',
          include: ['test/*.test.ts'],
          exclude: [...SYSTEM, ...LONG],
          env: { NODE_COMPILE_CACHE },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      ...[
        { name: 'system', include: SYSTEM },
        { name: 'long', include: LONG },
      ].map((project) => ({
        root,
        test: {
          ...project,
          globalSetup: 'test/prepared.ts',
          env: { NODE_COMPILE_CACHE },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      })),
    ],
  },
}))
