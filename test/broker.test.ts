import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Broker, startBroker } from './local/broker.ts'
import { office, setUp } from './local/office.ts'
import { type PersonKey, person } from './local/persons.ts'
import { freePort, type Running } from './local/processes.ts'
import { migrate, secretsIn, startWorker } from './local/worker.ts'

let folder: string
let broker: Broker
let worker: Running
let portal: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-broker-'))
  const workerPort = await freePort()
  portal = `http://localhost:${workerPort}`
  broker = await startBroker(folder, await freePort(), new Map([[4000, [portal]]]))
  await migrate(folder, 4000)
  worker = await startWorker(folder, workerPort, { OIDC_4000: broker.configFor(4000) })
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

type Page = { url: URL; status: number; title: string; text: string }

/** A browser without JavaScript: it keeps each origin's cookies, follows redirects, and sends the first form. */
function browser() {
  const jars = new Map<string, Map<string, string>>()
  const visited: URL[] = []
  async function go(address: string | URL, form?: Record<string, string>): Promise<Page> {
    let url = new URL(address)
    let body = form && new URLSearchParams(form)
    for (let hops = 0; hops < 12; hops++) {
      visited.push(url)
      const jar = jars.get(url.origin) ?? new Map<string, string>()
      jars.set(url.origin, jar)
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), origin: url.origin },
        redirect: 'manual',
        ...(body && { body }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value === '') jar.delete(name)
        else jar.set(name, value)
      }
      const location = response.headers.get('location')
      const text = await response.text()
      if (!location) return { url, status: response.status, title: /<h1>(.*?)<\/h1>/.exec(text)?.[1] ?? '', text }
      url = new URL(location, url)
      body = undefined
    }
    throw new Error(`too many redirects, the last to ${url.href}`)
  }
  /** Sends a form of a page, with its hidden fields. */
  async function send(page: Page, action: string, fields: Record<string, string>): Promise<Page> {
    const form = new RegExp(`<form[^>]*action="([^"]*${action}[^"]*)"[^>]*>([\\s\\S]*?)</form>`).exec(page.text)
    if (!form) throw new Error(`no form ${action} on ${page.url.href}: ${page.text}`)
    const hidden = [...(form[2] ?? '').matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    const all = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields }
    return await go(new URL(form[1] ?? '', page.url), all)
  }
  return { go, send, visited }
}

type Browser = ReturnType<typeof browser>

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
