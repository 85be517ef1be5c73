import type { BrowserContext, Page } from 'playwright-core'

/** What a browser met that no page of ours may bring about. */
export type Watch = {
  /** Every host and port that was asked for anything, in alphabetical order. */
  hosts(): string[]
  /** Errors in the console (a refused style or script among them), what failed to load, and answers of 500. */
  faults(): string[]
}

/** Watches everything that happens in a context from now on. */
export function watch(context: BrowserContext): Watch {
  const hosts = new Set<string>()
  const faults: string[] = []
  context.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (protocol.startsWith('http')) hosts.add(host)
  })
  context.on('response', (response) => {
    // A page may be refused, and says why; what belongs to a page may not, and nothing may be a bug.
    const page = response.request().resourceType() === 'document'
    if (page ? response.status() === 500 : response.status() >= 400)
      faults.push(`${response.status()} ${response.url()}`)
  })
  context.on('console', (message) => {
    // Chromium reports a page of 403 or 404 as an error too; what else failed to load is seen above.
    const ofAnswer = message.text().startsWith('Failed to load resource: the server responded')
    if (message.type() === 'error' && !ofAnswer) faults.push(message.text())
  })
  context.on('weberror', (error) => faults.push(String(error.error())))
  return { hosts: () => [...hosts].sort(), faults: () => [...faults] }
}

type Seen = { lang: string; title: string; headings: number; width: number; scripts: number; broken: string[] }

/** Finds the amounts of a page that stand on two lines, their number on one and 'kr.' on the next. */
const BROKEN_AMOUNTS = `(() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const range = document.createRange()
  const broken = []
  while (texts.nextNode()) {
    for (const { 0: amount, index } of texts.currentNode.data.matchAll(/[\\d.]+,(?:\\d\\d|-)[\\s\\u2060]+kr\\./g)) {
      range.setStart(texts.currentNode, index)
      range.setEnd(texts.currentNode, index + amount.length)
      const lines = new Set([...range.getClientRects()].filter(({ width }) => width > 0).map(({ top }) => Math.round(top)))
      if (lines.size > 1) broken.push(amount)
    }
  }
  return broken
})()`

/** What is wrong with a page whatever it says: its head, its heading, an amount that is broken, or that it is wider than the window. */
export async function unsound(page: Page, language: 'da' | 'en'): Promise<string[]> {
  const width = page.viewportSize()?.width ?? 0
  const is = await page.evaluate<Seen>(`({
    lang: document.documentElement.lang,
    title: document.title,
    headings: document.querySelectorAll('h1').length,
    width: document.scrollingElement.scrollWidth,
    scripts: document.scripts.length,
    broken: ${BROKEN_AMOUNTS},
  })`)
  return [
    ...(is.lang === language ? [] : [`lang is '${is.lang}'`]),
    ...(is.title.includes('Demokommunen') ? [] : [`title is '${is.title}'`]),
    ...(is.headings === 1 ? [] : [`${is.headings} h1`]),
    ...(is.width <= width ? [] : [`${is.width} px wide in a window of ${width}`]),
    ...(is.scripts === 0 ? [] : [`${is.scripts} scripts`]),
    ...is.broken.map((amount) => `'${amount}' stands on two lines`),
  ].map((what) => `${new URL(page.url()).pathname}: ${what}`)
}
