import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SENT_AT_ONCE } from '../../terminal/forwarder.ts'
import { office, setUp } from '../local/office.ts'
import { offlineDay } from '../local/offline-day.ts'
import { DATED_WORKER } from '../local/prepared.ts'
import { freePort } from '../local/processes.ts'
import { build, migrate, secretsIn, startWorker } from '../local/worker.ts'
import type { Figure } from './figures.ts'

const SALES = 2_000

/** A day without a network, and what it takes to deliver it; throws where the ledger does not add up after it. */
export async function* dayInTheDark(folder: string): AsyncGenerator<Figure> {
  const here = join(folder, 'dark')
  await mkdir(here)
  await migrate(here, 4000)
  const port = await freePort()
  const worker = await startWorker(here, port, { bundle: await build(here, DATED_WORKER) })
  try {
    const url = `http://4000.localhost:${port}`
    const { SETUP_KEY } = await secretsIn(here)
    const desk = office(url, await setUp(url, SETUP_KEY, 4000, 'Roskilde'))
    const day = await offlineDay(desk, here, SALES, async (now) => {
      const headers = { authorization: `Bearer ${SETUP_KEY}` }
      const told = await fetch(`http://localhost:${port}/local/time`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ now }),
      })
      if (!told.ok) throw new Error(`the worker's clock cannot be set: ${told.status}`)
      await told.text()
    })
    if (day.violations.length > 0) throw new Error(`the ledger does not add up: ${JSON.stringify(day.violations)}`)
    const what = `24 h offline, ${day.sales} sales (${day.messages} messages)`
    yield { name: `${what}: each sale at the till`, value: day.sellMs / day.sales, unit: 'ms' }
    yield { name: `${what}: delivered in`, value: day.drainMs / 1000, unit: 's', goal: { atMost: 60 } }
    const fewest = Math.ceil(day.messages / SENT_AT_ONCE)
    yield { name: `${what}: calls`, value: day.calls, unit: 'calls', goal: { atMost: fewest + 2 } }
  } finally {
    await worker.stop()
  }
}
