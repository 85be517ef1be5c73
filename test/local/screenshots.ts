import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '../browser/launch.ts'
import { visit } from '../browser/portal.ts'
import { freePorts } from './processes.ts'
import { type Place, startSystem } from './system.ts'
import { servePis } from './virtual-pi.ts'

const PICTURES = new URL('./pictures/', import.meta.url).pathname
const WIDTHS = [390, 1100]
/** What shows of a page: it goes on below. */
const HEIGHT = { 390: 1500, 1100: 1100 } as Record<number, number>

/** The virtual Pi with two toasts and a cocoa in the cart. */
async function pictureOfPi(place: Place, browser: Awaited<ReturnType<typeof launch>>) {
  const port = await freePorts()
  const pis = await servePis([place], port, () => '')
  try {
    const page = await browser.newPage({ viewport: { width: 1240, height: 800 } })
    await page.goto(`http://localhost:${port}/`)
    place.pi.powerOn()
    await place.pi.shows(/^Online$/, 30_000)
    await place.pi.shows(/^Vælg varer/)
    for (const [product, line] of [
      ['Toast', /^1 × Toast/],
      ['Toast', /^2 × Toast/],
      ['Kakao', /^1 × Kakao/],
    ] as const) {
      place.pi.press(product)
      await place.pi.shows(line)
    }
    await place.pi.shows(/^40,00 kr$/)
    pis.changed()
    await page.getByText('40,00 kr').waitFor()
    const path = new URL('./virtual-pi.png', import.meta.url).pathname
    await page.locator('.pi').screenshot({ path })
    console.log(`${path}: ${Math.round((await stat(path)).size / 1000)} kB`)
  } finally {
    await pis.close()
  }
}

/** Takes the README's pictures, from a system that begins empty and ends with them. */
const folder = await mkdtemp(join(tmpdir(), 'klubkort-pictures-'))
const system = await startSystem(folder, await freePorts(), (line) => console.log(`  · ${line}`))
const browser = await launch({ danish: true })
try {
  const [place] = system.places
  if (!place) throw new Error('the demo has no municipality')
  await mkdir(PICTURES, { recursive: true })
  await pictureOfPi(place, browser)
  for (const width of WIDTHS) {
    const portal = await visit(browser, place.url, { language: 'da', width })
    await portal.logIn('two_children')
    const { page, labels } = portal
    for (const [item, name] of [
      [labels.accounts, 'konti'],
      [labels.deposit, 'indbetaling'],
      [labels.statement, 'kontoudtog'],
      [labels.profile, 'brugerinfo'],
    ] as const) {
      await portal.choose(item)
      await page.setViewportSize({ width, height: HEIGHT[width] ?? 800 })
      const path = join(PICTURES, `${name}-${width}.png`)
      await page.screenshot({ path })
      console.log(`${path}: ${Math.round((await stat(path)).size / 1000)} kB`)
    }
    await portal.close()
  }
} finally {
  await browser.close()
  await system.close()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
