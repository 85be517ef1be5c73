import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Browser } from 'playwright-core'
import { inject } from 'vitest'
import { DEMO, type DemoMunicipality } from '../local/demo-data.ts'
import { freePorts } from '../local/processes.ts'
import { type Place, type System, startSystem } from '../local/system.ts'
import { launch } from './launch.ts'
import { type Portal, type Visiting, visit } from './portal.ts'

/** The whole system from an empty folder, with its first municipality's Pi switched on, and a browser. */
export type Stage = {
  system: System
  place: Place
  /** Where the portal is: `http://4000.localhost:<port>`. */
  origin: string
  browser: Browser
  visit(visiting: Visiting, storage?: Parameters<typeof visit>[3]): Promise<Portal>
  /** A child buys one product at the virtual Pi; resolves to everything that the display says then. */
  buy(child: string, product: string): Promise<string>
  /** Lets half an hour and a little pass for everybody who is logged in. */
  idle(): void
  close(): Promise<void>
}

/** Starts everything; what had been started is ended again where something fails. */
export async function openStage(municipalities: DemoMunicipality[] = DEMO.slice(0, 1)): Promise<Stage> {
  const prepared = inject('prepared')
  const folder = await mkdtemp(join(tmpdir(), 'klubkort-portal-'))
  let system: System | null = null
  let browser: Browser | null = null
  const close = async () => {
    await browser?.close()
    await system?.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const opening = await Promise.all([
      launch(),
      freePorts().then((port) => startSystem(folder, port, () => {}, undefined, { municipalities, prepared })),
    ] as const)
    browser = opening[0]
    system = opening[1]
    const [place] = system.places
    if (!place) throw new Error('the demo has no municipality')
    place.pi.powerOn()
    await place.pi.shows(/^Vælg varer/, 20_000)
    const opened = { browser, system, place, origin: place.url }
    return {
      ...opened,
      visit: (visiting, storage) => visit(opened.browser, opened.origin, visiting, storage),
      buy: (child, product) => buy(place, child, product),
      idle: () => idle(folder),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Moves the sessions instead of the clock: they were last seen that much earlier. Only local databases are files. */
function idle(folder: string) {
  const databases = join(folder, 'd1/v3/d1/miniflare-D1DatabaseObject')
  for (const file of readdirSync(databases).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))) {
    const database = new DatabaseSync(join(databases, file), { timeout: 5_000 })
    database.prepare('UPDATE session SET seen_at = seen_at - ?').run(31 * 60_000)
    database.close()
  }
}

async function buy({ pi, demo }: Place, child: string, product: string): Promise<string> {
  const card = demo.children.find(({ name }) => name === child)
  if (!card) throw new Error(`no child ${child} in the demo`)
  await pi.shows(/^Vælg varer/)
  await pi.shows(/^Online/, 20_000) // Else the till would decide alone, by its limits.
  if (!pi.press(product)) throw new Error(`no button '${product}' on the display: ${pi.texts().join(' | ')}`)
  await pi.shows(new RegExp(`^1 × ${product}`))
  const answered = pi.shows(/Godkendt|Ikke gennemført/, 8_000)
  await pi.tap(card.uid)
  await answered
  const texts = pi.texts().join(' | ')
  pi.press('dismiss')
  await pi.shows(/^Vælg varer|^Læg kortet på/)
  pi.press('Slet')
  await pi.shows(/^Vælg varer/)
  return texts
}
