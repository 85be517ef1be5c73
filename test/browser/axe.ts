import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { ROOT } from '../local/processes.ts'

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
/** Nothing is fetched for it: the pages' policy would refuse that, as it should. */
const OPTIONS = { runOnly: { type: 'tag', values: WCAG }, resultTypes: ['violations'], preload: false }

const source = await readFile(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8')

type Found = {
  violations: { id: string; help: string; nodes: { target: string[]; html: string }[] }[]
  passes: unknown[]
}

/**
 * What axe finds against WCAG 2.1 A and AA on a page that may run scripts, one line for each element. Rejects where axe
 * found nothing to look at: then it has seen no page.
 */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(source)
  const found = await page.evaluate<Found>(`axe.run(document, ${JSON.stringify(OPTIONS)})`)
  if (found.passes.length === 0) throw new Error(`axe saw nothing on ${page.url()}`)
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, html }) => `${id} (${help}): ${target.join(' ')}: ${html}`),
  )
}
