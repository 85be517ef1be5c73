import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

// Wrangler's build step lays the portal's files out; the pool serves them, and runs no build.
if (!existsSync(`${root}.assets`)) execFileSync(process.execPath, [`${root}worker/portal/assets.mjs`])

/** Tests in `test/worker` run inside workerd on real D1; all others run on Node, which the till and the CLI run on. */
export default defineConfig(async () => ({
  root,
  test: {
    maxWorkers: 3, // Many tests wait for a till, a browser or a worker more than they compute.
    reporters: ['default', `${root}test/closing-line.ts`],
    projects: [
      {
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
              },
              ratelimits: {
                GUESSES: { namespace_id: '1001', simple: { limit: 10_000, period: 60 } },
                WRITES: { namespace_id: '1002', simple: { limit: 10_000, period: 60 } },
              },
            },
          }),
        ],
        test: { name: 'worker', include: ['test/worker/**/*.test.ts'], testTimeout: 120_000 },
      },
      {
        root,
        test: {
          name: 'node',
          include: ['test/*.test.ts'],
          environment: 'node',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
}))
