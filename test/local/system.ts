import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Broker, startBroker } from './broker.ts'
import { startClock } from './clock.ts'
import { DEMO, type DemoMunicipality, type Filled, fill } from './demo-data.ts'
import { openingOf, type TellTime } from './demo-history.ts'
import { type LocalMail, mailbox } from './mailbox.ts'
import { type Office, office, setUp } from './office.ts'
import { type Pi, virtualPi } from './pi.ts'
import { copyDatabases, DATED_WORKER, type Prepared } from './prepared.ts'
import { isFree, type Running } from './processes.ts'
import { type LocalStripe, startStripe } from './stripe/server.ts'
import { build, migrate, secretsIn, startWorker } from './worker.ts'

/** One municipality of the running system: its desk, its staff's tokens (an admin's first) and its one Pi. */
export type Place = {
  demo: DemoMunicipality
  url: string
  token: string
  finance: Filled['finance']
  desk: Office
  pi: Pi
}

export type System = {
  places: Place[]
  /** Where guardians log in; it may be stopped and started again. */
  broker: Broker
  /** Where they pay; null where the environment names an account at Stripe itself. */
  stripe: LocalStripe | null
  /** What the worker has mailed, oldest first, and a page that shows it. */
  mails(): LocalMail[]
  mailPage(): string
  worker(): Running
  stopWorker(): Promise<void>
  startWorker(): Promise<void>
  close(): Promise<void>
}

/** Rejects with one clear line where a port is taken. */
export async function portsAreFree(ports: number[]): Promise<void> {
  for (const port of ports) {
    if (!(await isFree(port))) throw new Error(`port ${port} is taken: end what listens there, and start again`)
  }
}

/** Which municipalities there are, and where the databases and the worker have been prepared already. */
export type Beginning = { municipalities?: DemoMunicipality[]; prepared?: Prepared }

/**
 * The whole system on this machine, its state in a folder that the next start finds again: the worker on its databases,
 * and for each municipality the demo data and a Pi, enrolled. The Pis are off until they are powered on.
 */
export async function startSystem(
  folder: string,
  workerPort: number,
  say: (line: string) => void,
  onChange: () => void = () => {},
  { municipalities = DEMO, prepared }: Beginning = {},
): Promise<System> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (prepared) await copyDatabases(prepared, folder)
  else {
    for (const { number } of municipalities) {
      say(`database of municipality ${number} …`)
      await migrate(folder, number)
    }
  }
  say('log-in broker, and Stripe …')
  const broker = await startBroker(folder, brokerPortOf(workerPort), portals(workerPort))
  const account = stripeInEnvironment()
  const stripe = account
    ? null
    : await startStripe(stripePortOf(workerPort), webhooks(workerPort), folder).catch(async (error) => {
        await broker.stop()
        throw error
      })
  const secrets = {
    ...Object.fromEntries(DEMO.map(({ number }) => [`OIDC_${number}`, broker.configFor(number)])),
    ...(stripe ? stripeSecrets(stripe) : account),
  }
  const post = mailbox(() => Date.now())
  say('worker …')
  let worker: Running
  let bundle: string
  try {
    bundle = prepared?.datedWorker ?? (await build(folder, DATED_WORKER))
    worker = await startWorker(folder, workerPort, { secrets, onLine: post.hear, bundle })
  } catch (error) {
    await broker.stop()
    await stripe?.stop()
    throw error
  }
  const clock = startClock(workerPort)
  const places: Place[] = []
  const system: System = {
    places,
    broker,
    stripe,
    mails: post.mails,
    mailPage: post.page,
    worker: () => worker,
    stopWorker: () => worker.kill(),
    async startWorker() {
      worker = await startWorker(folder, workerPort, { secrets, onLine: post.hear, bundle })
    },
    async close() {
      await Promise.all(places.map(({ pi }) => pi.close()))
      await clock.stop()
      await worker.stop()
      await broker.stop()
      await stripe?.stop()
    },
  }
  try {
    const { SETUP_KEY } = await secretsIn(folder)
    const tellTime = timeTeller(workerPort, SETUP_KEY)
    for (const [index, demo] of municipalities.entries()) {
      say(`demo data and terminal of ${demo.name} …`)
      const host = `${demo.number}.localhost`
      const url = `http://${host}:${workerPort}`
      const state = join(folder, `terminal-${demo.number}`)
      const pi = await virtualPi({ state, host, port: workerPort + 4 + index, workerPort }, onChange)
      const kept = await tokenIn(folder, demo.number)
      if (!kept) await tellTime(openingOf(Date.now()))
      const token = kept ?? (await setUp(url, SETUP_KEY, demo.number, demo.name))
      const desk = office(url, token)
      const place: Place = { demo, url, token, finance: await financeIn(folder, demo.number), desk, pi }
      places.push(place)
      if (kept) continue
      const filled = await fill(desk, demo, tellTime)
      place.finance = filled.finance
      await pi.enrol(filled.code)
      await writeFile(financeFile(folder, demo.number), JSON.stringify(filled.finance), { mode: 0o600 })
      await writeFile(tokenFile(folder, demo.number), token, { mode: 0o600 })
    }
  } catch (error) {
    await system.close()
    throw error
  }
  return system
}

/** Tells the worker what time it is; null for the time that it is. */
function timeTeller(workerPort: number, setupKey: string): TellTime {
  return async (now) => {
    const answer = await fetch(`http://localhost:${workerPort}/local/time`, {
      method: 'POST',
      headers: { authorization: `Bearer ${setupKey}` },
      body: JSON.stringify({ now }),
      signal: AbortSignal.timeout(10_000),
    })
    if (!answer.ok) throw new Error(`the worker's clock cannot be put back: ${answer.status}`)
    await answer.text() // So that the connection is used again, and no ports are used up.
  }
}

/** The broker's port follows from the worker's, and so do the Pis'. */
export const brokerPortOf = (workerPort: number) => workerPort + 2

/** Where Stripe's stand-in is reached. */
export const stripePortOf = (workerPort: number) => workerPort + 3

/** A test account at Stripe itself, where the environment has both its secrets: the same worker speaks to it. */
function stripeInEnvironment(): { STRIPE_SECRET_KEY: string; STRIPE_WEBHOOK_SECRET: string } | null {
  const { STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET } = process.env
  return STRIPE_SECRET_KEY && STRIPE_WEBHOOK_SECRET ? { STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET } : null
}

const stripeSecrets = ({ secretKey, webhookSecret, address }: LocalStripe) => ({
  STRIPE_SECRET_KEY: secretKey,
  STRIPE_WEBHOOK_SECRET: webhookSecret,
  STRIPE_ADDRESS: address,
})

/** Where Stripe tells each municipality what has happened. */
const webhooks = (workerPort: number) =>
  DEMO.map(({ number }) => `http://${number}.localhost:${workerPort}/api/stripe/webhook`)

/** Where each municipality's portal is reached: plain `localhost` is the first one's. */
function portals(workerPort: number): Map<number, string[]> {
  return new Map(
    DEMO.map(({ number }, index) => [
      number,
      [`http://${number}.localhost:${workerPort}`, ...(index === 0 ? [`http://localhost:${workerPort}`] : [])],
    ]),
  )
}

const tokenFile = (folder: string, municipality: number) => join(folder, `staff-token-${municipality}`)

const financeFile = (folder: string, municipality: number) => join(folder, `finance-tokens-${municipality}.json`)

async function financeIn(folder: string, municipality: number): Promise<Filled['finance']> {
  return JSON.parse((await textOf(financeFile(folder, municipality))) ?? '[]')
}

const tokenIn = (folder: string, municipality: number) => textOf(tokenFile(folder, municipality))

/** What a file says; null where there is none. */
async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
