import { randomFillSync, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fetch } from 'undici'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { learningClock } from '../../terminal/clock.ts'
import { keyPair } from '../../terminal/identity.ts'
import { openJournal } from '../../terminal/journal.ts'
import { enrolAt, link as linkOf } from '../../terminal/link.ts'
import { station } from '../../terminal/station.ts'
import type { Office } from './office.ts'

const DAY_MS = 86_400_000
const PRICE = 1000
const CARDS = 40
const DRAINED_WITHIN_MS = 120_000

export type OfflineDay = {
  sales: number
  /** How long the sales themselves took, and how long it took to deliver them. */
  sellMs: number
  drainMs: number
  /** Calls with messages, and messages in them. */
  calls: number
  messages: number
  /** What children were charged in all, in øre, and what breaks the ledger afterwards. */
  charged: number
  violations: unknown[]
}

/**
 * So many sales by a till whose cable is out, spread over 24 hours that pass as fast as it can sell, and then everything
 * forwarded in one go. `tellTime` puts the worker's clock to the time that it is then.
 */
export async function offlineDay(
  desk: Office,
  folder: string,
  sales: number,
  tellTime: (epochMs: number) => Promise<void>,
): Promise<OfflineDay> {
  const wide = { saleMax: PRICE, cardSumMax: 1_000_000, unsentCountMax: 2 * sales, unsentSumMax: sales * PRICE }
  await desk.set({ offline: wide })
  const site = (await desk.addSite('Klubben i mørket')).id
  const product = await desk.addProduct(site, 'Toast', PRICE)
  const uuid = () => uuidv7(Date.now(), randomFillSync(new Uint8Array(16)))
  const accounts: number[] = []
  for (let card = 0; card < CARDS; card++) {
    const child = await desk.addChild(`Prøvebarn i mørket ${card}`)
    await desk.addCard(child.id, uidOf(card))
    await desk.credit(child.account, uuid(), 1_000_000, 'Startsaldo')
    accounts.push(child.account)
  }

  let passedMs = 0
  let cut = false
  let calls = 0
  const machine = { epoch: () => Date.now() + passedMs, monotonic: () => performance.now() + passedMs }
  const wire: Parameters<typeof linkOf>[0]['wire'] = {
    deadline: (ms) => AbortSignal.timeout(ms),
    fetch: (async (...args: Parameters<typeof fetch>) => {
      if (cut) throw new Error('the cable is out')
      if (String(args[0]).endsWith('/messages')) calls += 1
      return fetch(...args)
    }) as typeof fetch,
  }
  const { code } = await desk.addTerminal(site, 'Disken i mørket')
  const key = await keyPair(folder)
  const enrolled = await enrolAt(desk.url, code, key, Date.now())
  if (enrolled.kind !== 'answer') throw new Error(`the terminal cannot be enrolled: ${JSON.stringify(enrolled)}`)
  const enrolment = { ...enrolled.value, url: desk.url }
  const journal = openJournal(join(folder, 'journal.db'))
  const clock = learningClock(machine, 0)
  const ended = new AbortController()
  let failure: unknown = null
  let approvals = 0
  const { till, forwarder, run } = station({
    ...{ journal, enrolment, key, clock, uuid, random: () => 0.5, log: () => undefined },
    link: linkOf({ enrolment, key, clock, uuid: randomUUID, wire }),
    sleep: (ms, signal) => setTimeout(ms, undefined, { signal }),
    fail(error) {
      failure = error
      ended.abort()
    },
    fixedPrice: product.id,
  })
  let shown: unknown = null
  await till.attach({
    async show(view) {
      if (view.kind === 'answer' && view.meaning === 'approved' && view !== shown) approvals += 1
      shown = view
    },
    presses: async function* () {},
  })
  await till.readerIs(true)
  const running = run(ended.signal)
  const until = async (done: () => boolean) => {
    for (const end = Date.now() + DRAINED_WITHIN_MS; !done(); await setTimeout(2)) {
      if (failure) throw failure
      if (Date.now() > end) throw new Error('the till does not come to an end')
    }
  }
  try {
    await until(() => journal.site().syncedAt !== null)
    cut = true
    const sellingFrom = performance.now()
    for (let sale = 0; sale < sales; sale++) {
      passedMs = (DAY_MS / sales) * sale
      const uid = Uint8Array.from(Buffer.from(uidOf(sale % CARDS), 'hex'))
      await till.serve({ kind: 'card', uid, type: 'other', memory: null })
    }
    const sellMs = performance.now() - sellingFrom
    if (approvals !== sales)
      throw new Error(`${sales} sales, and ${approvals} of them approved: ${JSON.stringify(shown)}`)
    const messages = journal.queue().count
    await tellTime(machine.epoch())
    cut = false
    const drainingFrom = performance.now()
    forwarder.wake()
    await until(() => journal.queue().count === 0)
    const drainMs = performance.now() - drainingFrom
    let charged = 0
    for (const account of accounts) charged += 1_000_000 - (await desk.account(account)).balance
    return { sales, sellMs, drainMs, calls, messages, charged, violations: (await desk.check()).violations }
  } finally {
    ended.abort()
    await running
    await till.end()
    journal.close()
  }
}

const uidOf = (card: number) => `04ee${card.toString(16).padStart(10, '0')}`
