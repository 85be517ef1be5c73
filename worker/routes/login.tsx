import { type Context, Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { confirm } from '../confirmations.ts'
import { log } from '../log.ts'
import { brokerOf, endOfSession } from '../login/broker.ts'
import {
  beginLogin,
  type Confirming,
  type Failure,
  finishLogin,
  LOGIN_COOKIE,
  LOGIN_MAX_MS,
  type LoginOutcome,
  localPath,
} from '../login/logins.ts'
import { networkOf } from '../login/networks.ts'
import { csrfOf, endSession, SESSION_COOKIE } from '../login/sessions.ts'
import { BROWSER_PATIENCE_MS, stripeOf } from '../payments/stripe/stripe.ts'
import { page } from '../portal/layout.tsx'
import { LoginFailed, LoginPage, NotConfirmed } from '../portal/login.tsx'
import type { PortalContext, PortalEnv, View } from '../portal/view.ts'
import type { Both } from '../texts/language.ts'
import { login } from '../texts/login.ts'
import { stepUp } from '../texts/step-up.ts'
import { COOKIE } from './door.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

type Refused = { title: Both<string>; text: Both<string>; status: 400 | 403 | 409 | 429 | 503 }

/** Why nobody was logged in, in words, and the status that belongs to it. */
function refusalOf(kind: Failure['kind']): Refused {
  switch (kind) {
    case 'attempt_unknown':
      return { title: login.unknownTitle, text: login.unknown, status: 400 }
    case 'state_mismatch':
      return { title: login.mismatchTitle, text: login.mismatch, status: 400 }
    case 'refused_by_user':
      return { title: login.refusedTitle, text: login.refused, status: 403 }
    case 'assurance_too_low':
      return { title: login.assuranceTitle, text: login.assurance, status: 403 }
    case 'token_invalid':
      return { title: login.invalidTitle, text: login.invalid, status: 400 }
    case 'broker_unavailable':
      return { title: login.unavailableTitle, text: login.unavailable, status: 503 }
    case 'somebody_else':
    case 'not_anew':
    case 'session_ended':
      return unconfirmedOf(kind)
  }
}

/** Why nothing was confirmed. Whoever was logged in is so still. */
function unconfirmedOf(kind: Failure['kind']): Refused {
  switch (kind) {
    case 'attempt_unknown':
      return { ...stepUp.unknown, status: 400 }
    case 'state_mismatch':
      return { ...stepUp.mismatch, status: 400 }
    case 'refused_by_user':
      return { ...stepUp.refused, status: 403 }
    case 'assurance_too_low':
      return { ...stepUp.assurance, status: 403 }
    case 'token_invalid':
      return { ...stepUp.invalid, status: 400 }
    case 'broker_unavailable':
      return { ...stepUp.unavailable, status: 503 }
    case 'somebody_else':
      return { ...stepUp.somebodyElse, status: 403 }
    case 'not_anew':
      return { ...stepUp.notAnew, status: 403 }
    case 'session_ended':
      return { ...stepUp.sessionEnded, status: 403 }
  }
}

function failed(c: PortalContext, { kind, returnTo, confirms, ...rest }: Failure) {
  const view: View = c.var.view
  const reason = 'reason' in rest ? rest.reason : undefined
  // Staff cannot see what a parent sees; a broker that is misconfigured shows here.
  if (reason) log('error', kind, { municipality: c.var.municipality, reason })
  if (confirms !== null) return unconfirmed(c, unconfirmedOf(kind), returnTo)
  // Of an answer that has been given before nothing is known any more, least of all that nothing came of it.
  if (view.visit && kind === 'attempt_unknown') return unconfirmed(c, { ...stepUp.used, status: 400 }, returnTo)
  return refused(c, refusalOf(kind), returnTo)
}

function refused(c: PortalContext, { title, text, status }: Refused, returnTo: string) {
  const view: View = c.var.view
  const body = <LoginFailed view={view} title={title} text={text} returnTo={returnTo} />
  return page(c, { title: view.say(title), status }, body)
}

function unconfirmed(c: PortalContext, { title, text, status }: Refused, returnTo: string) {
  const view: View = c.var.view
  const body = <NotConfirmed view={view} title={title} text={text} returnTo={returnTo} />
  return page(c, { title: view.say(title), status }, body)
}

const NO_BROKER = 'not configured'

/** The way in and out of the portal. Paths are whole. */
export const loginRoutes = new Hono<PortalEnv>()

loginRoutes.get('/log-ind', (c) => {
  const { view } = c.var
  const returnTo = localPath(c.req.query('tilbage'))
  if (view.visit) return c.redirect(returnTo, 303)
  const farewell = c.req.query('farvel') !== undefined
  const title = view.say(farewell ? login.loggedOutTitle : login.title)
  return page(c, { title }, <LoginPage view={view} returnTo={returnTo} farewell={farewell} />)
})

loginRoutes.get('/log-ind/mitid', (c) => sendToBroker(c, localPath(c.req.query('tilbage')), null))

/** Sends a browser to the broker, to log in or to confirm something; afterwards it comes to `returnTo`. */
export async function sendToBroker(
  c: PortalContext,
  returnTo: string,
  confirming: Confirming | null,
): Promise<Response> {
  const { db, now, municipality } = c.var
  const purpose = { returnTo, confirms: confirming?.confirms ?? null }
  const { success } = await c.env.GUESSES.limit({ key: `login:${networkOf(c.req.header('cf-connecting-ip') ?? '')}` })
  if (!success) {
    if (confirming) return unconfirmed(c, { ...stepUp.often, status: 429 }, returnTo)
    return refused(c, { title: login.oftenTitle, text: login.often, status: 429 }, returnTo)
  }
  const broker = brokerOf(c.env, municipality)
  if (!broker) return failed(c, { kind: 'broker_unavailable', reason: NO_BROKER, ...purpose })
  const redirectUri = `${new URL(c.req.url).origin}/log-ind/svar`
  const begun = await beginLogin(db, broker, { returnTo, redirectUri, confirming }, random, now)
  if (begun.kind === 'broker_unavailable') return failed(c, { ...begun, ...purpose })
  setCookie(c, LOGIN_COOKIE, begun.token, { ...COOKIE, maxAge: LOGIN_MAX_MS / 1000 })
  c.header('cache-control', 'no-store')
  return c.redirect(begun.location.href, confirming ? 303 : 302)
}

loginRoutes.get('/log-ind/svar', async (c) => {
  const broker = brokerOf(c.env, c.var.municipality)
  const nowhere = { returnTo: localPath(undefined), confirms: null }
  if (!broker) return failed(c, { kind: 'broker_unavailable', reason: NO_BROKER, ...nowhere })
  const keys = { masterKey: c.env.MASTER_KEY, municipality: c.var.municipality }
  const come = {
    url: new URL(c.req.url),
    login: getCookie(c, LOGIN_COOKIE),
    session: getCookie(c, SESSION_COOKIE),
    language: c.var.view.language,
  }
  const outcome = await finishLogin(c.var.db, broker, keys, come, random, c.var.now)
  if (outcome.kind !== 'logged_in') return failed(c, outcome)
  deleteCookie(c, LOGIN_COOKIE, COOKIE)
  setCookie(c, SESSION_COOKIE, outcome.token, COOKIE)
  c.header('cache-control', 'no-store')
  return outcome.confirms === null ? c.redirect(outcome.returnTo, 303) : await goOn(c, outcome, outcome.confirms)
})

/** Does what has been confirmed, and leads to where that shows, or says why it was not done. */
async function goOn(
  c: Context<PortalEnv>,
  { token, guardian, returnTo }: Extract<LoginOutcome, { kind: 'logged_in' }>,
  confirms: string,
) {
  const { db, now, municipality, view } = c.var
  const { language, settings, visit } = view
  const confirmer = { guardian, language, settings, origin: new URL(c.req.url).origin }
  const confirmed = await confirm(db, stripeOf(c.env, municipality, BROWSER_PATIENCE_MS), confirms, confirmer, now)
  switch (confirmed.kind) {
    case 'done':
      return c.redirect(returnTo, 303)
    case 'page':
      return c.redirect(confirmed.address, 303)
    case 'refused': {
      const { why, reason } = confirmed
      if (reason) log('error', 'not_confirmed', { municipality, reason })
      // The forms of what is shown now are already those of the new session.
      c.set('view', { ...view, visit: visit && { ...visit, csrf: await csrfOf(token) } })
      if (why === 'not_found') return c.notFound()
      const status = why === 'unavailable' ? 503 : 409
      return unconfirmed(c, { title: stepUp.notDoneTitle, text: stepUp.notDone[why], status }, returnTo)
    }
  }
}

loginRoutes.post('/log-ud', (c) => logOut(c, 'here'))
loginRoutes.post('/log-ud/alle', (c) => logOut(c, 'everywhere'))

async function logOut(c: Context<PortalEnv>, where: 'here' | 'everywhere') {
  const token = getCookie(c, SESSION_COOKIE)
  const idToken = token === undefined ? null : await endSession(c.var.db, token, where, c.var.now)
  deleteCookie(c, SESSION_COOKIE, COOKIE)
  deleteCookie(c, LOGIN_COOKIE, COOKIE)
  c.header('cache-control', 'no-store')
  const farewell = '/log-ind?farvel=1'
  const broker = brokerOf(c.env, c.var.municipality)
  if (idToken === null || !broker) return c.redirect(farewell, 303)
  const there = await endOfSession(broker, idToken, new URL(c.req.url).origin + farewell, c.var.now)
  return c.redirect(there?.href ?? farewell, 303)
}
