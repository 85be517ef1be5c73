import { Hono } from 'hono'
import { csrfOf, openSession, SESSION_COOKIE } from '../../worker/login/sessions.ts'
import klubkort from '../../worker/main.ts'
import { arrive } from '../../worker/people/guardians.ts'

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

  .get('/bench/page', (c) => c.html('<!doctype html><html lang="da"><title>Side</title><p>Hej</p></html>'))
  .post('/bench/guardian/:account', async (c) => {
    const person = { issuer: 'https://broker.example', subject: 'bench', name: 'Mål Prøveforælder', cpr: '0101575001' }
    const db = c.env.DB_4000
    const guardian = await arrive(db, person, { masterKey: c.env.MASTER_KEY, municipality: 4000 }, 'da', Date.now())
    await db
      .prepare(
        `INSERT INTO guardianship (child, cpr_hash, created_at)
         SELECT account.child, guardian.cpr_hash, 0 FROM account, guardian WHERE account.id = ?1 AND guardian.id = ?2
         ON CONFLICT DO NOTHING`,
      )
      .bind(Number(c.req.param('account')), guardian)
      .run()
    const random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes))
    const token = await openSession(db, { guardian, idToken: '', previous: null }, random, Date.now())
    return c.json({ cookie: `${SESSION_COOKIE}=${token}`, csrf: await csrfOf(token) })
  })

/** A database that counts how often it is asked: a batch is one round trip, and so is a statement that is run alone. */
function counting(db, count) {
  const real = new WeakMap()
  const asks = new Set(['first', 'all', 'run', 'raw'])
  const statement = (prepared) => {
    const counted = new Proxy(prepared, {
      get(target, name) {
        if (name === 'bind') return (...values) => statement(target.bind(...values))
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...values) => {
          if (asks.has(name)) count()
          return value.apply(target, values)
        }
      },
    })
    real.set(counted, prepared)
    return counted
  }
  return {
    prepare: (query) => statement(db.prepare(query)),
    batch: (statements) => {
      count()
      return db.batch(statements.map((one) => real.get(one)))
    },
  }
}

/** Answers as the worker does, and says how many round trips to the database it took. */
async function answerCounted(request, env, context) {
  let asked = 0
  const count = () => {
    asked += 1
  }
  const response = await klubkort.fetch(request, { ...env, DB_4000: counting(env.DB_4000, count) }, context)
  const counted = new Response(response.body, response)
  counted.headers.set('bench-round-trips', String(asked))
  return counted
}

const printed = console.info

/** Every log line goes to a Node process that prints it; `bench-quiet` measures without that price. */
export default {
  fetch(request, env, context) {
    console.info = request.headers.has('bench-quiet') ? () => {} : printed
    if (new URL(request.url).pathname.startsWith('/bench/')) return yardstick.fetch(request, env, context)
    return request.headers.has('bench-count')
      ? answerCounted(request, env, context)
      : klubkort.fetch(request, env, context)
  },
}
