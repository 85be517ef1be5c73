import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'

// Plain JavaScript, since Miniflare's types bring the worker's globals along, which exclude Node's.

/*
 * The worker in workerd, as wrangler.toml binds it, straight on a port of this machine. `wrangler dev` puts a proxy
 * before it that ends itself when a browser gives up a request half-way (cloudflare/workers-sdk issue 15451), as
 * browsers do all the time.
 */
const [bundle = '', port = '', persist = '', config = ''] = process.argv.slice(2)
const secrets = JSON.parse(process.env.WORKER_SECRETS ?? '{}')
const { workerOptions } = unstable_getMiniflareWorkerOptions(config)
function line(text) {
  process.stdout.write(`${text}\n`)
}

class Lines extends Log {
  log(message) {
    line(message)
  }
}

const miniflare = new Miniflare({
  host: '127.0.0.1',
  port: Number(port),
  defaultPersistRoot: join(persist, 'v3'),
  cf: false,
  unsafeTriggerHandlers: true,
  log: new Lines(LogLevel.INFO),
  handleStructuredLogs: ({ message }) => line(message),
  workers: [
    {
      ...workerOptions,
      name: 'klubkort',
      modules: [{ type: 'ESModule', path: 'worker.js', contents: readFileSync(bundle, 'utf8') }],
      bindings: { ...workerOptions.bindings, ...secrets },
    },
  ],
})
const stop = () => miniflare.dispose().then(() => process.exit())
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
await miniflare.ready
line('Ready')
