import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ROOT } from './processes.ts'

/** How often the cron of every minute comes here, so that nobody waits a minute for a mail. */
const MINUTE_CRON_MS = 5_000
const HOUR_MS = 3_600_000

/** The crons of a deployment, as `wrangler.toml` has them. */
function crons(): string[] {
  const [, list] = /^crons = (\[.*\])$/m.exec(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8')) ?? []
  if (list === undefined) throw new Error('wrangler.toml names no crons')
  return JSON.parse(list)
}

/**
 * Cloudflare's clock, which Miniflare leaves to its user: calls the worker's crons, that of every minute every few
 * seconds, others at once and every hour. A worker that is down misses its calls. Resolves when the last call is over.
 */
export function startClock(workerPort: number): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const call = async (cron: string) => {
    const address = `http://localhost:${workerPort}/cdn-cgi/handler/scheduled?${new URLSearchParams({ cron })}`
    await fetch(address, { signal: AbortSignal.timeout(30_000) })
      .then((response) => response.text())
      .catch(() => {})
  }
  const running = crons().map(async (cron) => {
    const pauseMs = cron === '* * * * *' ? MINUTE_CRON_MS : HOUR_MS
    while (!stopping.signal.aborted) {
      await call(cron)
      await wait(pauseMs, undefined, { signal: stopping.signal }).catch(() => {})
    }
  })
  return {
    async stop() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}
