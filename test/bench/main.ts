import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openClub } from './club.ts'
import { callOfHundred, debitAgainstUpdate, longAccount } from './debits.ts'
import { dayInTheDark } from './drain.ts'
import { type Figure, lineOf, tableOf } from './figures.ts'
import { pages } from './pages.ts'
import { exchanges } from './spi.ts'
import { steadyLoad } from './steady.ts'
import { tapToScreen } from './taps.ts'

/**
 * Measures the whole on this machine: the worker in workerd, debits over HTTP, taps through the till. A goal
 * that is missed is shown as missed; the exit status only says whether everything could be measured.
 */
const folder = await mkdtemp(join(tmpdir(), 'klubkort-bench-'))
const club = await openClub(folder, () => Date.now()).catch(async (error: unknown) => {
  await rm(folder, { recursive: true, force: true })
  throw error
})

async function close() {
  await club.close()
  await rm(folder, { recursive: true, force: true })
}

for (const stop of ['SIGINT', 'SIGTERM'] as const) {
  process.once(stop, () => close().finally(() => process.exit(130)))
}

try {
  const figures: Figure[] = []
  for (const measured of [
    debitAgainstUpdate(club),
    callOfHundred(club),
    steadyLoad(club),
    longAccount(club),
    tapToScreen(club, folder, () => Date.now()),
    dayInTheDark(folder),
    exchanges(),
    pages(club),
  ]) {
    for await (const figure of measured) {
      console.log(lineOf(figure))
      figures.push(figure)
    }
  }
  await club.audit()
  console.log(`\n${tableOf(figures)}`)
} finally {
  await close()
}
