import klubkort from '../../worker/main.ts'

// Plain JavaScript, since the worker's global types and Node's exclude one another in one TypeScript project.

/*
 * The worker as it is, in a world of ours: each request says what time it is, and may say that the database fails at one
 * of its calls, before or after the change is made. One request is made at a time.
 */
let now = 0
let calls = 0
let fault = null
Date.now = () => now
/** What the worker wrote of its last failure. */
let failure = ''
for (const level of ['debug', 'log', 'info', 'warn']) console[level] = () => {}
console.error = (line) => {
  failure = String(line)
}

const LOST = 'D1_ERROR: Network connection lost.'

async function asked(deed) {
  calls += 1
  const here = fault?.call === calls ? fault.when : null
  if (here === 'before') throw new Error(LOST)
  const result = await deed()
  if (here === 'after') throw new Error(LOST)
  return result
}

/** The database's own statement, whose calls are counted. */
function counted(statement) {
  const { bind } = statement
  statement.bind = (...values) => counted(bind.apply(statement, values))
  for (const name of ['first', 'all', 'run', 'raw']) {
    const method = statement[name]
    statement[name] = (...args) => asked(() => method.apply(statement, args))
  }
  return statement
}

const database = (db) => ({
  prepare: (sql) => counted(db.prepare(sql)),
  batch: (statements) => asked(() => db.batch(statements)),
})

/** As this isolate remembers it; a new one knows nothing of what the old one had in memory. */
let remembered = null

export default {
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/simulation/')) {
      if (request.headers.get('authorization') !== `Bearer ${env.SETUP_KEY}`) return new Response(null, { status: 401 })
      const statements = (await request.json()).map(({ sql, bind = [] }) => env.DB_4000.prepare(sql).bind(...bind))
      return Response.json((await env.DB_4000.batch(statements)).map(({ results }) => results))
    }
    const told = JSON.parse(request.headers.get('x-simulation') ?? '{}')
    now = told.now ?? 0
    fault = told.fault ?? null
    calls = 0
    if (told.restarted || !remembered) remembered = database(env.DB_4000)
    const answer = await klubkort.fetch(request, { ...env, DB_4000: remembered }, context)
    const marked = new Response(answer.body, answer)
    if (answer.status >= 500) marked.headers.set('x-simulation-failure', encodeURIComponent(failure))
    return marked
  },
}
