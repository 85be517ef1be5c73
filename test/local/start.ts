import { join } from 'node:path'
import { PERSONS } from './persons.ts'
import { ROOT } from './processes.ts'
import { brokerPortOf, portsAreFree, startSystem, stripePortOf } from './system.ts'
import { servePis } from './virtual-pi.ts'

const WORKER_PORT = 8787
const PAGE_PORT = 8788
const folder = join(ROOT, '.local')

const personsOf = (number: number) =>
  PERSONS.filter(({ municipality }) => municipality === number)
    .map(({ label }) => `                  ${label}`)
    .join('\n')

let page: Awaited<ReturnType<typeof servePis>> | null = null
let system: Awaited<ReturnType<typeof startSystem>> | null = null
let ending = false

async function end(code: number) {
  if (ending) return
  ending = true
  if (code === 0) console.log('\nEnding …')
  await page?.close()
  await system?.close()
  process.exit(code)
}
process.on('SIGINT', () => end(0))
process.on('SIGTERM', () => end(0))

try {
  await portsAreFree([
    WORKER_PORT,
    PAGE_PORT,
    brokerPortOf(WORKER_PORT),
    stripePortOf(WORKER_PORT),
    WORKER_PORT + 4,
    WORKER_PORT + 5,
  ])
  system = await startSystem(
    folder,
    WORKER_PORT,
    (line) => console.log(`  ${line}`),
    () => page?.changed(),
  )
  page = await servePis(system.places, PAGE_PORT, system.mailPage)
  for (const { pi } of system.places) pi.powerOn()
  console.log(`
Klubkort is running.

  virtual Pi    http://localhost:${PAGE_PORT}          tap cards, press the screen, pull the plug
  mailbox       http://localhost:${PAGE_PORT}/post     the mail that guardians get
  worker        http://localhost:${WORKER_PORT}/healthz  and /openapi.json
  Test-MitID    ${system.broker.issuer}          where the portals send guardians to log in
  ${system.stripe ? `Test-Stripe   ${system.stripe.address}          where they pay: card 4242 4242 4242 4242, any expiry to come and CVC` : 'Stripe        the account that STRIPE_SECRET_KEY names'}`)
  for (const { demo, url, pi, token, finance } of system.places) {
    console.log(`
  ${demo.number} ${demo.name}: ${demo.site}
    portal      ${url}/  log in with Test-MitID as
${personsOf(demo.number)}
    terminal    ${pi.state}
    staff       npx klubkort login --url ${url} --token ${token}
    finance     two people, so that one approves a payout and the other exports it; each with a login of
                their own: KLUBKORT_CONFIG=<file> before the command
${finance.map((each) => `                  ${each.name}: --token ${each.token}`).join('\n')}`)
  }
  console.log(`
  Everything is kept in ${folder}; delete it to begin anew. Ctrl-C ends all of it.
`)
} catch (error) {
  console.error(`klubkort: ${error instanceof Error ? error.message : String(error)}`)
  end(1)
}
