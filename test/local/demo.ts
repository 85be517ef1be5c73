import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { addDays, copenhagenDay } from '../../shared/copenhagen.ts'
import { kroner, type Ore } from '../../shared/money.ts'
import { readAs } from './parent.ts'
import { freePorts } from './processes.ts'
import { type Place, type System, startSystem } from './system.ts'

let right = true

/** Says what a step came to, and whether that is what it should be. */
function outcome(what: string, is: string, should: RegExp) {
  const fits = should.test(is)
  right &&= fits
  console.log(`  ${fits ? '✓' : '✗'} ${what}: ${is}${fits ? '' : `   (should match ${should})`}`)
}

/** A sale as staff make it: presses, then a tap; resolves to everything the display then shows. */
async function sell({ pi }: Place, products: string[], uid: string, answer: RegExp): Promise<string> {
  await pi.shows(/^Vælg varer/)
  for (const [index, product] of products.entries()) {
    if (!pi.press(product)) throw new Error(`no button '${product}' on the display: ${pi.texts().join(' | ')}`)
    const quantity = products.slice(0, index + 1).filter((name) => name === product).length
    await pi.shows(new RegExp(`^${quantity} × ${product}`))
  }
  const answered = pi.shows(answer, 8_000)
  await pi.tap(uid)
  await answered
  const texts = pi.texts().join(' | ')
  await goBack(pi)
  pi.press('Slet')
  return texts
}

/** Leaves the page of an answer by its button, and waits until the sale page is all there. */
async function goBack(pi: Place['pi']) {
  pi.press('dismiss')
  await pi.shows(/^Vælg varer|^Læg kortet på/)
}

const ANSWER = /Godkendt|Ikke gennemført/

function cardOf(place: Place, name: string) {
  const card = place.demo.children.find((child) => child.name.startsWith(name))
  if (!card) throw new Error(`no child ${name} in the demo`)
  return card
}

async function play(system: System) {
  const [club] = system.places
  if (!club) throw new Error('the demo has no municipality')
  const { pi, desk } = club
  pi.powerOn()
  await pi.shows(/^Vælg varer/, 15_000)
  outcome('The terminal is enrolled and shows its products', pi.texts().join(' | '), /Klub Eksempel.*Toast/)

  const ada = cardOf(club, 'Ada')
  outcome(
    'Ada buys two toasts and a cocoa',
    await sell(club, ['Toast', 'Toast', 'Kakao'], ada.uid, ANSWER),
    /Godkendt 40,00 kr.*160,00/,
  )

  const balance = pi.shows(/^Saldo/, 5_000)
  await pi.tap(ada.uid)
  outcome('A tap without a sale shows the balance', await balance, /160,00 kr/)
  await goBack(pi)

  const cilla = cardOf(club, 'Cilla')
  outcome(
    'Cilla has 10,00 and asks for 32,00',
    await sell(club, ['Varmt måltid'], cilla.uid, ANSWER),
    /Ikke gennemført/,
  )
  outcome('Eva, whose card is blocked', await sell(club, ['Frugt'], cardOf(club, 'Eva').uid, ANSWER), /spærret/)
  outcome(
    'Dan has a daily limit of 50,00 and asks for 64,00',
    await sell(club, ['Varmt måltid', 'Varmt måltid'], cardOf(club, 'Dan').uid, ANSWER),
    /Dagens grænse/,
  )
  outcome('A card that nobody knows', await sell(club, ['Frugt'], '04ffffffffffff', ANSWER), /kendes ikke/)

  outcome('Bo buys bread …', await sell(club, ['Rugbrødsmad'], cardOf(club, 'Bo').uid, ANSWER), /Godkendt 12,00 kr/)
  pi.press('Fortryd')
  await pi.shows(/Fortryd: læg/)
  const undone = pi.shows(/fortrudt/)
  await pi.tap(cardOf(club, 'Bo').uid)
  outcome('… and has it undone', await undone, /fortrudt/)
  await goBack(pi)

  await system.stopWorker()
  outcome(
    'With the worker stopped, Hans buys a drink',
    await sell(club, ['Saftevand'], cardOf(club, 'Hans').uid, ANSWER),
    /Godkendt 5,00 kr.*Trækkes/,
  )
  await system.startWorker()
  const children = await childrenOf(club)
  const hans = children.get('Hans')
  if (hans === undefined) throw new Error('Hans is not in the ledger')
  let forwarded = 0
  for (const until = Date.now() + 30_000; Date.now() < until; await setTimeout(250)) {
    forwarded = (await desk.account(hans)).balance
    if (forwarded !== cardOf(club, 'Hans').balance) break
  }
  outcome('… which is forwarded when the worker is back', `${kroner(forwarded as Ore)} kr`, /^118,45 kr$/)

  for (const [name, should] of [
    ['Ada', 16000],
    ['Bo', 4550],
    ['Cilla', 1000],
    ['Dan', 15000],
    ['Eva', 7500],
  ] as const) {
    const account = children.get(name)
    if (account === undefined) throw new Error(`${name} is not in the ledger`)
    const { balance: is } = await desk.account(account)
    outcome(
      `${name}'s account`,
      `${kroner(is as Ore)} kr`,
      new RegExp(`^${kroner(should as Ore).replace('.', '\\.')} kr$`),
    )
  }
  await pastOfBo(club, children.get('Bo'))
  for (const place of system.places) {
    const { violations, transfers, postings, messages } = await place.desk.check()
    const found = violations.map(({ invariant, subject }) => `${invariant} (${subject})`).join('; ') || 'no violations'
    outcome(
      `The ledger of ${place.demo.name}`,
      `${transfers} transfers, ${postings} postings, ${messages} messages, ${found}`,
      /no violations/,
    )
  }
}

/** Bo's past as his mother reads it in the spreadsheet: on the days on which it happened. */
async function pastOfBo({ url }: Place, account: number | undefined) {
  const from = addDays(copenhagenDay(Date.now()), -40)
  const portal = `http://localhost:${new URL(url).port}` // No look-up of the system's knows the names below localhost.
  const csv = await readAs('two_children', portal, `/konto/${account}/kontoudtog.csv?fra=${from}`)
  const rows = csv.split('\r\n').slice(1, -1)
  const weekdays = new Set(rows.slice(0, -2).map((row) => row.slice(0, 10)))
  outcome("Bo's past begins with his money", rows[0] ?? '', /;08:00;;Rettelse;;;Startsaldo i demoen;(\d+,\d\d);\1$/)
  outcome('… and his purchases are of as many days', `${weekdays.size - 1} days`, /^10 days$/)
  const late = rows.filter((row) => /^\S+;08:05;\d\d-\d\d-\d{4} 14:10;Køb;/.test(row))
  outcome('… one of them booked on the day after', late.join(' | '), /^[^|]*;1 × Saftevand;;-5,00;[^|]*$/)
}

async function childrenOf({ desk }: Place): Promise<Map<string, number>> {
  const { children } = await desk.children()
  return new Map(children.map(({ name, account }) => [name.split(' ')[0] ?? name, account]))
}

const folder = await mkdtemp(join(tmpdir(), 'klubkort-demo-'))
let system: System | null = null
const end = async (code: number) => {
  await system?.close()
  await rm(folder, { recursive: true, force: true })
  process.exit(code)
}
process.once('SIGINT', () => end(130))
process.once('SIGTERM', () => end(143))
try {
  console.log('Klubkort, from an empty folder:')
  system = await startSystem(folder, await freePorts(), (line) => console.log(`  · ${line}`))
  await play(system)
  console.log(right ? '\nAll is right.' : '\nSomething is wrong.')
  await end(right ? 0 : 1)
} catch (error) {
  console.error(`klubkort: ${error instanceof Error ? error.message : String(error)}`)
  await end(1)
}
