import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

// Plain JavaScript, since Miniflare's types bring the worker's globals along, which exclude Node's.

/*
 * The worker in workerd on a socket of its own, without Miniflare's own worker before it, which costs more than a debit.
 * Says where it answers, and goes with whoever started it.
 */
const [bundle = '', persist = '', config = ''] = process.argv.slice(2)
const secrets = JSON.parse(process.env.WORKER_SECRETS ?? '{}')
const { workerOptions } = unstable_getMiniflareWorkerOptions(config)

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: 0,
  defaultPersistRoot: join(persist, 'v3'),
  cf: false,
  log: new Log(LogLevel.ERROR),
  workers: [
    {
      ...{ ...workerOptions, assets: undefined },
      name: 'klubkort',
      modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(bundle, 'utf8') }],
      bindings: { ...workerOptions.bindings, ...secrets },
      ratelimits: {
        GUESSES: { namespace_id: '1001', simple: { limit: 1_000_000, period: 60 } },
        WRITES: { namespace_id: '1002', simple: { limit: 1_000_000, period: 60 } },
      },
      unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    },
  ],
})
const stop = () => miniflare.dispose().then(() => process.exit())
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
process.stdin.once('end', stop).resume()
await miniflare.ready
const { port } = await miniflare.unsafeGetDirectURL('klubkort')
process.stdout.write(`Ready on ${port}\n`)
