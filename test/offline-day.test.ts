import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { office, setUp } from './local/office.ts'
import { offlineDay } from './local/offline-day.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

test('2,000 sales of a day in the dark are delivered in one go, each charged once, in calls of fifty', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'klubkort-dark-'))
  const prepared = inject('prepared')
  await copyDatabases(prepared, folder)
  const port = await freePort()
  const worker = await startWorker(folder, port, { bundle: prepared.datedWorker })
  try {
    const url = `http://4000.localhost:${port}`
    const { SETUP_KEY } = await secretsIn(folder)
    const desk = office(url, await setUp(url, SETUP_KEY, 4000, 'Prøve'))
    const day = await offlineDay(desk, folder, 2_000, async (now) => {
      const headers = { authorization: `Bearer ${SETUP_KEY}` }
      const told = await fetch(`http://localhost:${port}/local/time`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ now }),
      })
      expect(told.status).toBe(200)
      await told.text()
    })
    expect(day.messages).toBe(4_000)
    expect(day.charged).toBe(2_000 * 1_000)
    expect(day.violations).toEqual([])
    expect(day.calls).toBeLessThanOrEqual(82)
    expect(day.drainMs).toBeLessThan(60_000)
    console.log(JSON.stringify(day))
  } finally {
    await worker.kill()
    await rm(folder, { recursive: true, force: true })
  }
})
