import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Broker, startBroker } from './local/broker.ts'
import { office, setUp } from './local/office.ts'
import { type Browser, browser, type Page } from './local/parent.ts'
import { type PersonKey, person } from './local/persons.ts'
import { copyDatabases } from './local/prepared.ts'
import { freePort, type Running } from './local/processes.ts'
import { secretsIn, startWorker } from './local/worker.ts'

let folder: string
let broker: Broker
let worker: Running
let portal: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-broker-'))
  const workerPort = await freePort()
  portal = `http://localhost:${workerPort}`
  broker = await startBroker(folder, await freePort(), new Map([[4000, [portal]]]))
  await copyDatabases(inject('prepared'), folder)
  worker = await startWorker(folder, workerPort, {
    secrets: { OIDC_4000: broker.configFor(4000) },
    bundle: inject('prepared').worker,
  })
  const { SETUP_KEY } = await secretsIn(folder)
  const desk = office(portal, await setUp(portal, SETUP_KEY, 4000, 'Prøve'))
  const ada = await desk.addChild('Ada Prøvebarn')
  await desk.addGuardian(ada.id, person('two_children').cpr ?? '')
})

afterAll(async () => {
  await worker?.kill()
  await broker?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Presses the button, and one of the buttons of Test-MitID; '' is 'Afbryd'. */
async function logIn({ go, send }: Browser, as: PersonKey | ''): Promise<Page> {
  const choice = await go(`${portal}/log-ind/mitid?tilbage=/konti`)
  expect(choice.title).toBe('Test-MitID')
  return await send(choice, '/interaction/', { person: as })
}

test.each(['two_children', 'shares_a_child', 'no_children', 'no_cpr', 'name_protected'] as const)(
  '%s is logged in and stands at Konti',
  async (key) => {
    const page = await logIn(browser(), key)
    expect([page.status, page.url.href]).toEqual([200, `${portal}/konti`])
    expect(page.text.includes('Ada')).toBe(key === 'two_children')
    expect(page.text).not.toContain('ADRESSEBESKYTTET')
  },
)

test('whoever cancels, or is not sure enough, is told so', async () => {
  const guest = browser()
  expect(await logIn(guest, '')).toMatchObject({ status: 403, title: 'Du afbrød log-in' })
  expect(await logIn(guest, 'low_assurance')).toMatchObject({ status: 403, title: 'Sikringsniveauet er for lavt' })
  expect((await guest.go(`${portal}/konti`)).url.pathname).toBe('/log-ind')
})

test('log-out ends at the broker too, and the next log-in asks again who it is', async () => {
  const guest = browser()
  const asking = await guest.send(await logIn(guest, 'no_children'), '/log-ud', {})
  expect([asking.url.origin, asking.title]).toEqual([broker.issuer, 'Log ud af Test-MitID'])
  const farewell = await guest.send(asking, '/session/end', { logout: 'yes' })
  expect([farewell.url.href, farewell.title]).toEqual([`${portal}/log-ind?farvel=1`, 'Du er logget ud'])
  expect((await logIn(guest, 'two_children')).text).toContain('Ada')
})

test('a broker that is down is a page that says so, and log-in works again when it is back', async () => {
  const guest = browser()
  await guest.go(`${portal}/log-ind/mitid`)
  const state = guest.visited.map(({ searchParams }) => searchParams.get('state')).find((found) => found !== null)
  await broker.stop()
  // The worker remembers what the broker said about itself, so it is at the answer that this shows.
  const page = await guest.go(`${portal}/log-ind/svar?code=x&iss=${broker.issuer}&state=${state}`)
  expect(page).toMatchObject({ status: 503, title: 'MitID svarer ikke lige nu' })
  await broker.start()
  expect((await logIn(guest, 'two_children')).url.pathname).toBe('/konti')
})

test('the broker’s secrets are readable by nobody else, and stay the same', async () => {
  const path = join(folder, 'broker.json')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const kept = JSON.parse(await readFile(path, 'utf8'))
  expect(JSON.parse(broker.configFor(4000)).clientSecret).toBe(kept.clientSecrets[4000])
})
