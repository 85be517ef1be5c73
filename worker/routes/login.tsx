import { type Context, Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { brokerOf, endOfSession } from '../broker.ts'
import { beginLogin, finishLogin, LOGIN_COOKIE, LOGIN_MAX_MS, type LoginOutcome, localPath } from '../logins.ts'
import { networkOf } from '../networks.ts'
import { page } from '../portal/layout.tsx'
import { LoginFailed, LoginPage } from '../portal/login.tsx'
import type { Both } from '../portal/texts/language.ts'
import { login } from '../portal/texts/login.ts'
import type { PortalContext, PortalEnv } from '../portal/view.ts'
import { endSession, SESSION_COOKIE } from '../sessions.ts'
import { COOKIE } from './door.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

type Refused = { title: Both<string>; text: Both<string>; status: 400 | 403 | 429 | 503 }
type Unsuccessful = Exclude<LoginOutcome, { kind: 'logged_in' }>['kind']

/** Why nobody was logged in, in words, and the status that belongs to it. */
function refusalOf(kind: Unsuccessful): Refused {
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
  }
}

function failed(c: PortalContext, kind: Unsuccessful, returnTo: string, reason?: string) {
  // Staff cannot see what a parent sees; a broker that is misconfigured shows here.
  if (reason) console.error(JSON.stringify({ level: 'error', event: kind, municipality: c.var.municipality, reason }))
  return refused(c, refusalOf(kind), returnTo)
}

function refused(c: PortalContext, { title, text, status }: Refused, returnTo: string) {
  const { view } = c.var
  const body = <LoginFailed view={view} title={title} text={text} returnTo={returnTo} />
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

loginRoutes.get('/log-ind/mitid', async (c) => {
  const returnTo = localPath(c.req.query('tilbage'))
  const { success } = await c.env.GUESSES.limit({ key: `login:${networkOf(c.req.header('cf-connecting-ip') ?? '')}` })
  if (!success) return refused(c, { title: login.oftenTitle, text: login.often, status: 429 }, returnTo)
  const broker = brokerOf(c.env, c.var.municipality)
  if (!broker) return failed(c, 'broker_unavailable', returnTo, NO_BROKER)
  const redirectUri = `${new URL(c.req.url).origin}/log-ind/svar`
  const begun = await beginLogin(c.var.db, broker, { returnTo, redirectUri }, random, c.var.now)
  if (begun.kind === 'broker_unavailable') return failed(c, begun.kind, returnTo, begun.reason)
  setCookie(c, LOGIN_COOKIE, begun.token, { ...COOKIE, maxAge: LOGIN_MAX_MS / 1000 })
  c.header('cache-control', 'no-store')
  return c.redirect(begun.location.href, 302)
})

loginRoutes.get('/log-ind/svar', async (c) => {
  const broker = brokerOf(c.env, c.var.municipality)
  if (!broker) return failed(c, 'broker_unavailable', localPath(undefined), NO_BROKER)
  const keys = { masterKey: c.env.MASTER_KEY, municipality: c.var.municipality }
  const come = {
    url: new URL(c.req.url),
    login: getCookie(c, LOGIN_COOKIE),
    session: getCookie(c, SESSION_COOKIE),
    language: c.var.view.language,
  }
  const outcome = await finishLogin(c.var.db, broker, keys, come, random, c.var.now)
  if (outcome.kind !== 'logged_in') {
    const reason = 'reason' in outcome ? outcome.reason : undefined
    return failed(c, outcome.kind, 'returnTo' in outcome ? outcome.returnTo : localPath(undefined), reason)
  }
  deleteCookie(c, LOGIN_COOKIE, COOKIE)
  setCookie(c, SESSION_COOKIE, outcome.token, COOKIE)
  c.header('cache-control', 'no-store')
  return c.redirect(outcome.returnTo, 303)
})

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
