import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Role } from '../../shared/office/staff.ts'
import { type Office, office, setUp } from './office.ts'
import { copyDatabases, type Prepared } from './prepared.ts'
import { freePort } from './processes.ts'
import { secretsIn, startWorker } from './worker.ts'

/** Who asks at the desk: staff of a municipality with two clubs, and who has no token that is good there. */
export type Visitor = 'admin' | 'club' | 'neighbour' | 'finance' | 'nobody' | 'revoked' | 'foreign'

/** The worker with a municipality of two clubs, each with a child; `folder` is for whatever a test writes. */
export type TwoClubs = {
  url: string
  folder: string
  desk: Office
  tokens: Record<Visitor, string>
  stop(): Promise<void>
}

/** Starts the worker on databases of its own. The club's staff are of Klub Nord, the neighbour's of Klub Syd. */
export async function twoClubs(prepared: Prepared): Promise<TwoClubs> {
  const folder = await mkdtemp(join(tmpdir(), 'klubkort-clubs-'))
  await copyDatabases(prepared, folder)
  const port = await freePort()
  const worker = await startWorker(folder, port, { bundle: prepared.worker })
  const stop = async () => {
    await worker.kill()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const { SETUP_KEY } = await secretsIn(folder)
    const url = `http://4000.localhost:${port}`
    const admin = await setUp(url, SETUP_KEY, 4000, 'Prøve Kommune')
    const foreign = await setUp(`http://7620.localhost:${port}`, SETUP_KEY, 7620, 'Nabokommunen')
    const desk = office(url, admin)
    const [north, south] = [await desk.addSite('Klub Nord'), await desk.addSite('Klub Syd')]
    const nora = await desk.addChild('Nora Nordbarn', null, north.id)
    await desk.addCard(nora.id, '04a1b2c3d4e501')
    await desk.addProduct(north.id, 'Nordlysboller', 1200)
    await desk.addChild('Sofus Sydbarn', null, south.id)
    const add = async (name: string, role: Role, sites: number[] = []) => desk.addStaff(name, role, sites)
    const gone = await add('Gitte Prøvegået', 'admin')
    await desk.revokeStaff(gone.id)
    const tokens = {
      ...{ admin, foreign, nobody: 'kk_nobody', revoked: gone.token },
      club: (await add('Nina Prøvenord', 'club', [north.id])).token,
      neighbour: (await add('Sven Prøvesyd', 'club', [south.id])).token,
      finance: (await add('Finn Prøvefinans', 'finance')).token,
    }
    return { url, folder, desk, tokens, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
