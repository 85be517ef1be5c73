import { beginDeposit } from '../../worker/payments/payments.ts'
import { stripeOf } from '../../worker/payments/stripe/stripe.ts'
import { arrive } from '../../worker/people/guardians.ts'
import dated from './dated.mjs'

// Plain JavaScript, since the worker's global types and Node's exclude one another in one TypeScript project.

/** The worker as it is, where whoever knows the set-up key may begin deposits without a browser, and count. */
export default {
  ...dated,
  async fetch(request, env, context) {
    const { pathname, origin } = new URL(request.url)
    if (!pathname.startsWith('/local/storm/')) return dated.fetch(request, env, context)
    if (request.headers.get('authorization') !== `Bearer ${env.SETUP_KEY}`) return new Response(null, { status: 401 })
    const said = await request.json()
    const stripe = stripeOf(env, 4000)
    switch (pathname) {
      case '/local/storm/guardian': {
        const identity = {
          issuer: 'https://storm.example',
          subject: 'storm',
          name: 'Storm Prøveforælder',
          cpr: said.cpr,
        }
        const keys = { masterKey: env.MASTER_KEY, municipality: 4000 }
        return Response.json(await arrive(env.DB_4000, identity, keys, 'da', Date.now()))
      }
      case '/local/storm/deposit': {
        const form = { mail: 'storm@mail.example', terms: 'da-1', language: 'da', origin, ...said }
        return Response.json(await beginDeposit(env.DB_4000, stripe, form, Date.now()))
      }
      case '/local/storm/query': {
        return Response.json((await env.DB_4000.prepare(said.sql).all()).results)
      }
    }
    return new Response(null, { status: 404 })
  },
}
