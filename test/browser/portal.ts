import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { type PersonKey, person } from '../local/persons.ts'
import { DANISH, ENGLISH, type Labels } from './labels.ts'
import { unsound, type Watch, watch } from './watch.ts'

export type Language = 'da' | 'en'

/** How a parent comes to the portal. Without `javaScript` no page can run a script. */
export type Visiting = { language: Language; width: number; javaScript?: boolean }

/** A parent at the portal, doing what the guide says, in its words. */
export type Portal = {
  page: Page
  context: BrowserContext
  language: Language
  labels: Labels
  watch: Watch
  /** Goes to an address of the portal. */
  open(path: string): Promise<void>
  /** Presses what leads to another page, a link or a button of this name, and waits until that is there. */
  press(name: string, within?: Locator | Page): Promise<void>
  /** Chooses the language at the top of the page, where it is not that of the page already. */
  speak(): Promise<void>
  /** From the front of the portal to the page after log-in. */
  logIn(who: PersonKey): Promise<void>
  /** From a page that offers to log in; the broker must ask who it is. */
  identify(who: PersonKey): Promise<void>
  logOut(): Promise<void>
  /** Chooses in the menu to the left. */
  choose(item: string): Promise<void>
  /** Switches to a child's account at the top left. */
  switchTo(child: string): Promise<void>
  /** The account that the pages are about, as the top left says. */
  current(): Promise<string>
  /** The box of a page that stands under this heading. */
  section(heading: string): Locator
  heading(): Promise<string>
  /** What the page says, as people type it: without no-break spaces. */
  text(): Promise<string>
  /** What is wrong with the page that is open, whatever it says. */
  unsound(): Promise<string[]>
  close(): Promise<void>
}

const HEIGHT = 800
/** A page that is not there by then will not come: the system is on this machine. */
const PATIENCE_MS = 10_000

/** Opens the portal at `origin` as a parent who has never been there, or who comes back with what `storage` keeps. */
export async function visit(
  browser: Browser,
  origin: string,
  { language, width, javaScript = false }: Visiting,
  storage?: Awaited<ReturnType<BrowserContext['storageState']>>,
): Promise<Portal> {
  const context = await browser.newContext({
    viewport: { width, height: HEIGHT },
    javaScriptEnabled: javaScript,
    locale: language === 'da' ? 'da-DK' : 'en-GB',
    ...(storage && { storageState: storage }),
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const watching = watch(context)
  const page = await context.newPage()
  const labels = language === 'da' ? DANISH : ENGLISH
  const switcher = page.locator('.switcher')

  const portal: Portal = {
    page,
    context,
    language,
    labels,
    watch: watching,
    async open(path) {
      await page.goto(`${origin}${path}`)
    },
    async press(name, within = page) {
      const there = within
        .getByRole('button', { name, exact: true })
        .or(within.getByRole('link', { name, exact: true }))
        .first()
      await there.waitFor().catch(async () => {
        const seen = await page.locator('body').innerText()
        throw new Error(`nothing to press called '${name}' at ${page.url()}, which says:\n${seen}`)
      })
      await Promise.all([page.waitForEvent('domcontentloaded'), there.click()])
      await page.waitForLoadState()
    },
    async speak() {
      if (page.url() === 'about:blank') await portal.open('/')
      const spoken = await page.locator('html').getAttribute('lang')
      if (spoken !== language) await portal.press(spoken === 'da' ? DANISH.otherLanguage : ENGLISH.otherLanguage)
    },
    async logIn(who) {
      await portal.open('/')
      await portal.speak()
      await portal.identify(who)
      await portal.speak()
    },
    async identify(who) {
      await portal.press(labels.logIn)
      await portal.press(person(who).label)
    },
    logOut: () => portal.press(labels.logOut),
    choose: (item) => portal.press(item, page.locator('.portal-menu')),
    async switchTo(child) {
      await switcher.locator('summary').click()
      await portal.press(child, switcher)
    },
    current: () => switcher.locator('.switcher-name').innerText(),
    section: (heading) =>
      page.locator('main section', { has: page.getByRole('heading', { name: heading, exact: true }) }),
    heading: () => page.locator('h1').innerText(),
    text: async () => (await page.locator('main').innerText()).replaceAll('\u2060', '').replaceAll('\u00a0', ' '),
    unsound: () => unsound(page, language),
    close: () => context.close(),
  }
  return portal
}
