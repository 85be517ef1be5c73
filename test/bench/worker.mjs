import { Hono } from 'hono'
import klubkort from '../../worker/main.ts'

// Plain JavaScript, since the worker's global types and Node's exclude one another in one TypeScript project.

/** The yardstick: one bare route that changes one row, in the isolate and on the database that debits are booked in. */
const yardstick = new Hono()
  .post('/bench/rows', async (c) => {
    await c.env.DB_4000.batch([
      c.env.DB_4000.prepare('CREATE TABLE bench (id INTEGER PRIMARY KEY, times INTEGER NOT NULL) STRICT'),
      c.env.DB_4000.prepare(
        `WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 16)
         INSERT INTO bench SELECT id, 0 FROM n`,
      ),
    ])
    return c.json({ kind: 'ready' })
  })
  .post('/bench/rows/:id', async (c) => {
    const update = c.env.DB_4000.prepare('UPDATE bench SET times = times + 1 WHERE id = ?')
    const { meta } = await update.bind(Number(c.req.param('id'))).run()
    return c.json({ changes: meta.changes })
  })

const printed = console.info

/** `wrangler dev` hands every log line to a Node process that prints it; `bench-quiet` measures without that price. */
export default {
  fetch(request, env, context) {
    console.info = request.headers.has('bench-quiet') ? () => {} : printed
    return new URL(request.url).pathname.startsWith('/bench/')
      ? yardstick.fetch(request, env, context)
      : klubkort.fetch(request, env, context)
  },
}
