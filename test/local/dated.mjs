import klubkort from '../../worker/main.ts'

// Plain JavaScript, since the worker's global types and Node's exclude one another in one TypeScript project.

/**
 * The worker as it is, with a clock that whoever knows the set-up key may put to another time: the demo's past is
 * written by the same code as its present, at the instants at which it would have happened.
 */
const epoch = Date.now
let told = null
Date.now = () => told ?? epoch()

export default {
  ...klubkort,
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== '/local/time') return klubkort.fetch(request, env, context)
    if (request.headers.get('authorization') !== `Bearer ${env.SETUP_KEY}`) return new Response(null, { status: 401 })
    told = (await request.json()).now
    return Response.json({ now: Date.now() })
  },
}
