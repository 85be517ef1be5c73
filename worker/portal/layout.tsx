import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import { portal } from '../texts/portal.ts'
import { AlertIcon, Form, Notice } from './form.tsx'
import { Reach } from './reach.tsx'
import type { GuardianView, PortalContext, View } from './view.ts'

/** The pages of the menu, in its order; `deposit`, `statement` and `profile` are pages of an account. */
type MenuItem = 'accounts' | 'deposit' | 'statement' | 'profile' | 'support'

type PageProps = { title: string; at?: MenuItem; status?: 200 | 400 | 403 | 404 | 409 | 413 | 429 | 500 | 503 }

/** Answers with a page: the document around a body. Pages hold what is private, so nobody keeps a copy. */
export function page(c: PortalContext, props: PageProps, body: Child): Response | Promise<Response> {
  const { view }: { view: View } = c.var
  c.header('cache-control', 'no-store')
  c.header('content-language', view.language)
  return c.html(
    <>
      {html`<!doctype html>`}
      <Document view={view} {...props}>
        {body}
      </Document>
    </>,
    props.status ?? 200,
  )
}

function Document({ view, title, at, children }: { view: View; children?: Child } & PageProps) {
  const { say, settings, visit } = view
  return (
    <html lang={view.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{say(portal.titleOf)(title, settings.name)}</title>
        <link rel="stylesheet" href="/static/css/dkfds.css" />
        <link rel="stylesheet" href="/static/css/portal.css" />
        <link rel="icon" href="/static/img/svg-icons/credit-card.svg" />
      </head>
      <body>
        <a class="skipnav" href="#content">
          {say(portal.skip)}
        </a>
        <Header view={view} />
        <div class="container page-container portal">
          {visit && (
            <div class="portal-side">
              <Switcher view={{ ...view, visit }} />
              <Menu view={view} at={at} />
            </div>
          )}
          <main id="content" class="portal-main" tabindex={-1}>
            {visit?.draft?.path === view.path && <Notice kind="info" text={say(portal.typedBefore)} />}
            {children}
          </main>
        </div>
        <Footer view={view} />
      </body>
    </html>
  )
}

function Header({ view }: { view: View }) {
  const { say, settings, visit } = view
  const other = (
    <button
      class="function-link"
      type="submit"
      name="language"
      value={say(portal.otherLanguageCode)}
      lang={say(portal.otherLanguageCode)}
    >
      {say(portal.otherLanguage)}
    </button>
  )
  return (
    <header class="header">
      <div class="portal-info">
        <div class="portal-info-inner container portal-top">
          <p class="portal-authority">{settings.name}</p>
          <div class="portal-user-links">
            <form method="post" action="/sprog">
              <input type="hidden" name="csrf" value={visit?.csrf ?? ''} />
              <input type="hidden" name="page" value={view.path} />
              {other}
            </form>
            {visit && (
              <Form view={{ ...view, visit }} action="/log-ud">
                <button class="button button-secondary" type="submit">
                  {say(portal.logOut)}
                </button>
              </Form>
            )}
          </div>
        </div>
      </div>
      <div class="solution-info">
        <div class="solution-info-inner container">
          <div class="solution-heading">
            <a href="/">{say(portal.solution)}</a>
          </div>
          {visit && (
            <p class="portal-guardian">
              {visit.guardian.name === null ? say(portal.loggedInNameless) : say(portal.loggedIn)(visit.guardian.name)}
            </p>
          )}
        </div>
      </div>
    </header>
  )
}

/** The pages that every account has. */
const OF_ACCOUNT = /^\/konto\/\d+\/(indbetaling|optankning|kontoudtog|brugerinfo|udbetal|nyt-kort)(?:[/?]|$)/

/** Which account the pages are about, and the way to another: the same page where the other account has one. */
function Switcher({ view }: { view: GuardianView }) {
  const { say, visit, account } = view
  if (account === null) return null
  const same = OF_ACCOUNT.exec(view.path)?.[1]
  return (
    <details class="switcher">
      <summary>
        <span class="switcher-label">{say(portal.account)}</span>
        <span class="switcher-name">{account.child.name}</span>
      </summary>
      <nav aria-label={say(portal.switchAccount)}>
        <ul class="nobullet-list">
          {visit.accounts.map(({ id, child }) => (
            <li>
              <a
                href={same ? `/konto/${id}/${same}` : `/konto/${id}/vaelg?tilbage=${encodeURIComponent(view.path)}`}
                {...(id === account.id && { 'aria-current': 'true' as const })}
              >
                {child.name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
    </details>
  )
}

type Item = [item: MenuItem, href: string, label: string]

function Menu({ view, at }: { view: View; at: MenuItem | undefined }) {
  const { say, account } = view
  const items: Item[] = [
    ['accounts', '/konti', say(portal.accounts)],
    ...(account
      ? [
          ['deposit', `/konto/${account.id}/indbetaling`, say(portal.deposit)] satisfies Item,
          ['statement', `/konto/${account.id}/kontoudtog`, say(portal.statement)] satisfies Item,
        ]
      : []),
    ['profile', account ? `/konto/${account.id}/brugerinfo` : '/brugerinfo', say(portal.profile)],
    ['support', '/support', say(portal.support)],
  ]
  return (
    <nav aria-label={say(portal.menu)}>
      <ul class="sidemenu portal-menu">
        {items.map(([item, href, label]) => (
          <li class={item === at ? 'active current' : ''}>
            <a class="nav-link" href={href} {...(item === at && { 'aria-current': 'page' as const })}>
              {label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function Footer({ view }: { view: View }) {
  const { say, settings } = view
  return (
    <footer>
      <div class="footer">
        <div class="container portal-footer">
          <div>
            <p>
              {say(portal.authority)}: {settings.name}
            </p>
            <Reach view={view} />
          </div>
          <ul class="nobullet-list">
            <li>
              <a href="/handelsbetingelser">{say(portal.terms)}</a>
            </li>
            <li>
              <a href="/was">{say(portal.accessibility)}</a>
            </li>
            <li>
              <a href="/privatliv">{say(portal.privacy)}</a>
            </li>
          </ul>
        </div>
      </div>
    </footer>
  )
}

/** A page that says one thing, and offers the way on. */
export function Message(props: { kind: 'error' | 'warning' | 'info'; title: string; text: string; children?: Child }) {
  return (
    <>
      <h1>{props.title}</h1>
      <div class={`alert alert-${props.kind}`}>
        <AlertIcon kind={props.kind} />
        <div class="alert-body">
          <p class="alert-text">{props.text}</p>
        </div>
      </div>
      {props.children}
    </>
  )
}
