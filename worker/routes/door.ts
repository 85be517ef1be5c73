import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Language } from '../../shared/wire.ts'
import { localPath } from '../login/logins.ts'
import { callerOf, csrfOf, keepDraft, SESSION_COOKIE, type Visit } from '../login/sessions.ts'
import { sameSecret } from '../municipality/secrets.ts'
import { ExpiredPage } from '../portal/expired.tsx'
import { Message, page } from '../portal/layout.tsx'
import type { AccountEnv, GuardianEnv, PortalEnv, View } from '../portal/view.ts'
import { LANGUAGES, speaker } from '../texts/language.ts'
import { portal } from '../texts/portal.ts'

/** The account that was chosen last, and the language; neither is a secret, and neither is believed unchecked. */
const ACCOUNT_COOKIE = '__Host-account'
const LANGUAGE_COOKIE = '__Host-language'
const YEAR_S = 365 * 86_400
/** The `__Host-` prefix holds a browser to these; `Lax`, since the broker's answer comes from another site. */
export const COOKIE = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax' } as const

/** The text fields of a form; null where the body is no form, or a field is no text. */
export async function fieldsOf(c: Context): Promise<Record<string, string> | null> {
  try {
    const body = Object.entries(await c.req.parseBody())
    const texts = body.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : []))
    return texts.length === body.length ? Object.fromEntries(texts) : null
  } catch {
    return null // What cannot be parsed is the caller's mistake, whatever the parser calls it.
  }
}

/** Whether a form carries the token of the session that its cookie names, in force or ended. */
export async function carriesToken(fields: Record<string, string>, session: string): Promise<boolean> {
  return session !== '' && (await sameSecret(fields.csrf ?? '', await csrfOf(session)))
}

export function rememberLanguage(c: Context, language: Language) {
  setCookie(c, LANGUAGE_COOKIE, language, { ...COOKIE, maxAge: YEAR_S })
}

/** Finds out who is there, in one round trip, and what every page needs. Lets everybody through. */
export const door: MiddlewareHandler<PortalEnv> = async (c, next) => {
  const url = new URL(c.req.url)
  url.searchParams.delete('gjort') // What was done is said once, and not again by whatever leads back here.
  const path = localPath(`${url.pathname}${url.search}`)
  const shown = c.req.method === 'GET' ? path : null
  const { settings, visit } = await callerOf(c.var.db, getCookie(c, SESSION_COOKIE) ?? null, shown, c.var.now)
  const chosen = Number(getCookie(c, ACCOUNT_COOKIE))
  const asked = LANGUAGES.find((language) => language === getCookie(c, LANGUAGE_COOKIE))
  const language = visit?.guardian.language ?? asked ?? 'da'
  c.set('view', {
    language,
    say: speaker(language),
    settings,
    visit,
    account: visit?.accounts.find(({ id }) => id === chosen) ?? visit?.accounts[0] ?? null,
    path,
  })
  await next()
}

/**
 * Lets only those in who are logged in, and only forms that carry their session's token. Whoever has been logged out
 * comes back to where they were, and to what they had typed.
 */
export const guarded: MiddlewareHandler<GuardianEnv> = async (c, next) => {
  const view: View = c.var.view
  if (c.req.method === 'GET' || c.req.method === 'HEAD') {
    if (!view.visit) return c.redirect(`/log-ind?tilbage=${encodeURIComponent(view.path)}`, 303)
    return next()
  }
  if (view.visit && !(await within(c, view.visit, ''))) return tooOften(c)
  const fields = await fieldsOf(c)
  if (fields === null) {
    const title = view.say(portal.badFormTitle)
    return page(c, { title, status: 400 }, Message({ kind: 'error', title, text: view.say(portal.stale) }))
  }
  const token = getCookie(c, SESSION_COOKIE) ?? ''
  const genuine = await carriesToken(fields, token)
  if (view.visit && genuine) {
    // What is shown in answer to a form stands for the page that the form is on, not for the form's own address.
    c.set('view', { ...c.var.view, path: localPath(fields.page) })
    return next()
  }
  if (view.visit) {
    const title = view.say(portal.staleTitle)
    return page(c, { title, status: 403 }, Message({ kind: 'error', title, text: view.say(portal.stale) }))
  }
  if (c.req.path === '/log-ud') return c.redirect('/log-ind?farvel=1', 303)
  const { csrf, page: from, ...typed } = fields
  const path = localPath(from)
  if (!genuine) return c.redirect(`/log-ind?tilbage=${encodeURIComponent(path)}`, 303)
  const kept = await keepDraft(c.var.db, token, { path, fields: typed }, c.var.now)
  return page(c, { title: view.say(portal.expiredTitle), status: 403 }, ExpiredPage({ view, path, kept }))
}

/** Whether a guardian may do one more of what costs: of files they have a share apart, so that these block no card. */
export async function within(c: Context, { guardian }: Visit, share: '' | 'files:'): Promise<boolean> {
  const { success } = await c.env.WRITES.limit({ key: `${share}${c.var.municipality}:${guardian.id}` })
  return success
}

function tooOften(c: Context) {
  const { say }: View = c.var.view
  const title = say(portal.oftenTitle)
  return page(c, { title, status: 429 }, Message({ kind: 'warning', title, text: say(portal.often) }))
}

/** Files are made from all that there is about a child, so nobody gets them by the hundred. */
export const rationed: MiddlewareHandler<GuardianEnv> = async (c, next) =>
  (await within(c, c.var.view.visit, 'files:')) ? next() : tooOften(c)

/** Lets only those in whose account it is; anybody else's account does not exist. */
export const ownAccount: MiddlewareHandler<AccountEnv> = async (c, next) => {
  const id = c.req.param('account') ?? ''
  const account = /^[1-9]\d{0,14}$/.test(id)
    ? c.var.view.visit.accounts.find((own) => own.id === Number(id))
    : undefined
  if (!account) return c.notFound()
  c.set('view', { ...c.var.view, account })
  if (getCookie(c, ACCOUNT_COOKIE) !== id) setCookie(c, ACCOUNT_COOKIE, id, COOKIE)
  return next()
}
