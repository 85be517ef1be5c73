import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Club, openClub } from './club.ts'
import { callOfHundred, debitAgainstUpdate, longAccount } from './debits.ts'
import { dayInTheDark } from './drain.ts'
import { type Figure, lineOf, tableOf } from './figures.ts'
import { pages } from './pages.ts'
import { roster } from './roster.ts'
import { exchanges } from './spi.ts'
import { steadyLoad } from './steady.ts'
import { tapToScreen } from './taps.ts'

/**
 * Measures the whole on this machine, or the parts that are named: the worker in workerd, debits over HTTP, taps through
 * the till, a roster through the command line. A goal that is missed is shown as missed; the exit status only says
 * whether everything could be measured.
 */
const nowMs = () => Date.now()
const OF_A_CLUB: Record<string, (club: Club, folder: string) => AsyncGenerator<Figure>> = {
  update: (club) => debitAgainstUpdate(club),
  hundred: (club) => callOfHundred(club),
  steady: (club) => steadyLoad(club),
  account: (club) => longAccount(club),
  taps: (club, folder) => tapToScreen(club, folder, nowMs),
}
const ALONE: Record<string, (folder: string) => AsyncGenerator<Figure>> = {
  dark: dayInTheDark,
  exchanges: () => exchanges(),
  roster,
}
const LAST: typeof OF_A_CLUB = { pages: (club) => pages(club) }

const named = process.argv.slice(3)
const known = [OF_A_CLUB, ALONE, LAST].flatMap((parts) => Object.keys(parts))
const strange = named.filter((name) => !known.includes(name))
if (strange.length > 0) {
  console.error(`no such part: ${strange.join(', ')}; there are ${known.join(', ')}`)
  process.exit(2)
}
const chosen = <T>(parts: Record<string, T>): T[] =>
  Object.entries(parts).flatMap(([name, part]) => (named.length === 0 || named.includes(name) ? [part] : []))

const folder = await mkdtemp(join(tmpdir(), 'klubkort-bench-'))
const needsClub = [...chosen(OF_A_CLUB), ...chosen(LAST)].length > 0
const club = needsClub
  ? await openClub(folder, nowMs).catch(async (error: unknown) => {
      await rm(folder, { recursive: true, force: true })
      throw error
    })
  : null

async function close() {
  await club?.close()
  await rm(folder, { recursive: true, force: true })
}

for (const stop of ['SIGINT', 'SIGTERM'] as const) {
  process.once(stop, () => close().finally(() => process.exit(130)))
}

const ofClub = (parts: typeof OF_A_CLUB) => (club === null ? [] : chosen(parts).map((part) => part(club, folder)))

try {
  const figures: Figure[] = []
  for (const measured of [...ofClub(OF_A_CLUB), ...chosen(ALONE).map((part) => part(folder)), ...ofClub(LAST)]) {
    for await (const figure of measured) {
      console.log(lineOf(figure))
      figures.push(figure)
    }
  }
  await club?.audit()
  console.log(`\n${tableOf(figures)}`)
} finally {
  await close()
}
