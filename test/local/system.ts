import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DEMO, type DemoMunicipality, fill } from './demo-data.ts'
import { type Office, office, setUp } from './office.ts'
import { type Pi, virtualPi } from './pi.ts'
import type { Running } from './processes.ts'
import { migrate, secretsIn, startWorker } from './worker.ts'

/** One municipality of the running system: its desk, its staff token and its one Pi. */
export type Place = { demo: DemoMunicipality; url: string; token: string; desk: Office; pi: Pi }

export type System = {
  places: Place[]
  worker(): Running
  stopWorker(): Promise<void>
  startWorker(): Promise<void>
  close(): Promise<void>
}

/** Rejects with one clear line where a port is taken. */
export async function portsAreFree(ports: number[]): Promise<void> {
  for (const port of ports) {
    await new Promise<void>((resolve, reject) => {
      const probe = createServer()
        .once('error', () => reject(new Error(`port ${port} is taken: end what listens there, and start again`)))
        .listen(port, '127.0.0.1', () => probe.close(() => resolve()))
    })
  }
}

/**
 * The whole system on this machine, its state in a folder that the next start finds again: the worker on its databases,
 * and for each municipality the demo data and a Pi, enrolled. The Pis are off until they are powered on.
 */
export async function startSystem(
  folder: string,
  workerPort: number,
  say: (line: string) => void,
  onChange: () => void = () => {},
): Promise<System> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const { number } of DEMO) {
    say(`database of municipality ${number} …`)
    await migrate(folder, number)
  }
  say('worker …')
  let worker = await startWorker(folder, workerPort)
  const places: Place[] = []
  const system: System = {
    places,
    worker: () => worker,
    stopWorker: () => worker.kill(),
    async startWorker() {
      worker = await startWorker(folder, workerPort)
    },
    async close() {
      await Promise.all(places.map(({ pi }) => pi.close()))
      await worker.stop()
    },
  }
  try {
    const { SETUP_KEY } = await secretsIn(folder)
    for (const [index, demo] of DEMO.entries()) {
      say(`demo data and terminal of ${demo.name} …`)
      const host = `${demo.number}.localhost`
      const url = `http://${host}:${workerPort}`
      const state = join(folder, `terminal-${demo.number}`)
      const pi = await virtualPi({ state, host, port: workerPort + 4 + index, workerPort }, onChange)
      const kept = await tokenIn(folder, demo.number)
      const token = kept ?? (await setUp(url, SETUP_KEY, demo.number, demo.name))
      const desk = office(url, token)
      places.push({ demo, url, token, desk, pi })
      if (kept) continue
      await pi.enrol(await fill(desk, demo))
      await writeFile(tokenFile(folder, demo.number), token, { mode: 0o600 })
    }
  } catch (error) {
    await system.close()
    throw error
  }
  return system
}

const tokenFile = (folder: string, municipality: number) => join(folder, `staff-token-${municipality}`)

async function tokenIn(folder: string, municipality: number): Promise<string | null> {
  try {
    return await readFile(tokenFile(folder, municipality), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
