import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getCookie } from 'hono/cookie'
import { csrf } from 'hono/csrf'
import { secureHeaders } from 'hono/secure-headers'
import { brokerOf } from '../login/broker.ts'
import { localPath } from '../login/logins.ts'
import { SESSION_COOKIE } from '../login/sessions.ts'
import { pagesOf, stripeOf } from '../payments/stripe/stripe.ts'
import { setLanguage } from '../people/contact.ts'
import { Message, page } from '../portal/layout.tsx'
import type { AccountEnv, GuardianEnv, PortalEnv } from '../portal/view.ts'
import { LANGUAGES } from '../texts/language.ts'
import { portal } from '../texts/portal.ts'
import { accountsRoutes, choiceRoutes } from './accounts.ts'
import { agreementRoutes } from './agreements.ts'
import { cardOrderRoutes } from './card-orders.tsx'
import { contactRoutes } from './contact.ts'
import { depositRoutes } from './deposits.ts'
import { carriesToken, door, fieldsOf, guarded, ownAccount, rationed, rememberLanguage, within } from './door.ts'
import { loginRoutes } from './login.tsx'
import { payoutRoutes } from './payouts.ts'
import { privacyRoutes } from './privacy.ts'
import { profileRoutes } from './profile.ts'
import { publicationRoutes } from './publications.ts'
import { statementRoutes } from './statement.ts'
import { supportRoutes } from './support.ts'

/** The largest form that is read: a question to support, of 4,000 characters of nine bytes at most, is well below. */
const FORM_MAX_BYTES = 65_536

/** Everything that a browser asks for. No script runs in its pages, and nothing in them comes from elsewhere. */
export const portalRoutes = new Hono<PortalEnv>()

portalRoutes.use(async (c, next) => {
  const broker = brokerOf(c.env, c.var.municipality)
  const stripe = stripeOf(c.env, c.var.municipality)
  // Log-out and a fresh log-in go to the broker, and what is paid to Stripe: browsers hold a form's redirects to this too.
  const formTargets = [
    "'self'",
    ...(broker ? [new URL(broker.issuer).origin] : []),
    ...(stripe ? [pagesOf(stripe)] : []),
  ]
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      fontSrc: ["'self'"],
      imgSrc: ["'self'"],
      formAction: formTargets,
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    permissionsPolicy: { camera: [], geolocation: [], microphone: [], payment: [] },
    referrerPolicy: 'same-origin', // Without it a form would not say where it comes from.
    xFrameOptions: 'DENY',
  })(c, next)
})
portalRoutes.use(door)
portalRoutes.use(csrf())
portalRoutes.use(
  bodyLimit({
    maxSize: FORM_MAX_BYTES,
    onError(c: Context<PortalEnv>) {
      const { say } = c.var.view
      const title = say(portal.tooLargeTitle)
      return page(c, { title, status: 413 }, Message({ kind: 'error', title, text: say(portal.tooLarge) }))
    },
  }),
)

portalRoutes.get('/', (c) => c.redirect(c.var.view.visit ? '/konti' : '/log-ind', 303))

portalRoutes.post('/sprog', async (c) => {
  const fields = (await fieldsOf(c)) ?? {}
  const language = LANGUAGES.find((known) => known === fields.language)
  const session = getCookie(c, SESSION_COOKIE) ?? ''
  if (language) {
    rememberLanguage(c, language)
    const { visit } = c.var.view
    const genuine = visit && (await carriesToken(fields, session)) && (await within(c, visit, ''))
    if (genuine) await setLanguage(c.var.db, visit.guardian.id, language)
  }
  return c.redirect(localPath(fields.page), 303)
})

const behindLogin = new Hono<GuardianEnv>()
for (const path of [
  '/konti',
  '/konto/*',
  '/brugerinfo/*',
  '/log-ud/*',
  '/support/*',
  '/privatliv/mine-data',
] as const) {
  behindLogin.use(path, guarded)
}
for (const file of ['kontoudtog.csv', 'kontoudtog.pdf'] as const) behindLogin.use(`/konto/:account/${file}`, rationed)
behindLogin.use('/privatliv/mine-data', rationed)

const ofAccount = new Hono<AccountEnv>()
ofAccount.use('/konto/:account/*', ownAccount)
ofAccount
  .route('/', choiceRoutes)
  .route('/', profileRoutes)
  .route('/', depositRoutes)
  .route('/', agreementRoutes)
  .route('/', cardOrderRoutes)
  .route('/', payoutRoutes)

portalRoutes.route('/', behindLogin as unknown as Hono<PortalEnv>)
portalRoutes.route('/', loginRoutes)
portalRoutes.route('/', accountsRoutes as unknown as Hono<PortalEnv>)
portalRoutes.route('/', ofAccount as unknown as Hono<PortalEnv>)
portalRoutes.route('/', contactRoutes as unknown as Hono<PortalEnv>)
portalRoutes.route('/', statementRoutes as unknown as Hono<PortalEnv>)
portalRoutes.route('/', supportRoutes as unknown as Hono<PortalEnv>)
portalRoutes.route('/', publicationRoutes)
portalRoutes.route('/', privacyRoutes as unknown as Hono<PortalEnv>)

/** The page of an address that leads nowhere, or to what is somebody else's. */
export function notFoundPage(c: Context<PortalEnv>) {
  const { say } = c.var.view
  const title = say(portal.notFoundTitle)
  return page(c, { title, status: 404 }, Message({ kind: 'info', title, text: say(portal.notFound) }))
}

/** The page of a request that was refused before any route could, or that failed here. */
export function failurePage(c: Context<PortalEnv>, refused: number | null) {
  const { say } = c.var.view
  const [title, text] = refused === null ? [portal.failedTitle, portal.failed] : [portal.staleTitle, portal.stale]
  const status = refused === null ? 500 : 403
  return page(c, { title: say(title), status }, Message({ kind: 'error', title: say(title), text: say(text) }))
}
