import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { cardHash, digest, sign } from '../../shared/signing.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { type Enrolment, type KeyPair, keyPair } from '../../terminal/identity.ts'
import { enrolAt } from '../../terminal/link.ts'
import { office, setUp } from '../local/office.ts'
import { freePort } from '../local/processes.ts'
import { build, migrate, secretsIn, startWorker } from '../local/worker.ts'
import type { Shot } from './load.ts'

/** What every sale of the measurement costs, and what every wallet may spend a day, in øre. */
const PRICE = 100
const DAILY_LIMIT = 50_000_000
const CREDIT = 90_000_000

const MUNICIPALITY = 4000

/** A card with money behind it. */
export type Purse = { uid: string; hash: string; account: number }

/** A terminal of the club, with its key and the unbroken chain of messages that it signs. */
export type Counter = {
  enrolment: Enrolment
  key: KeyPair
  /** Signs a request a time for each purse, numbered on from the last; `perCall` of them go into one shot. */
  sell(purses: readonly Purse[], perCall?: number): Promise<Shot[]>
}

export type Club = {
  port: number
  host: string
  counter(): Promise<Counter>
  purse(): Promise<Purse>
  /** Holds the book against its invariants; throws where one is broken. */
  audit(): Promise<void>
  close(): Promise<void>
}

/**
 * A municipality with one club: the worker on a database in a folder, with the measurement's routes beside its own, set up, staffed and enrolled
 * through its public API. `epochMs` reads the clock.
 */
export async function openClub(folder: string, epochMs: () => number): Promise<Club> {
  await migrate(folder, MUNICIPALITY)
  const port = await freePort()
  const { SETUP_KEY } = await secretsIn(folder)
  const worker = await startWorker(folder, port, { bundle: await build(folder, 'test/bench/worker.mjs') })
  const host = `${MUNICIPALITY}.localhost:${port}`
  const url = `http://${host}`
  const uuid = () => uuidv7(epochMs(), randomFillSync(new Uint8Array(16)))
  let terminals = 0
  let purses = 0
  try {
    const desk = office(url, await setUp(url, SETUP_KEY, MUNICIPALITY, 'Roskilde'))
    const site = await desk.addSite('Klubben')
    await desk.addProduct(site.id, 'Toast', PRICE)
    let cardKey = ''

    return {
      port,
      host,
      async counter() {
        terminals += 1
        const key = await keyPair(join(folder, `terminal-${terminals}`))
        const { code } = await desk.addTerminal(site.id, `Kasse ${terminals}`)
        const enrolled = await enrolAt(url, code, key, epochMs())
        if (enrolled.kind !== 'answer') throw new Error(`a terminal cannot be enrolled: ${JSON.stringify(enrolled)}`)
        cardKey = enrolled.value.cardKey
        return counterOf({ ...enrolled.value, url }, key, epochMs, uuid)
      },
      async purse() {
        purses += 1
        const bytes = [4, 7, 10][purses % 3] ?? 7
        const uid = `04${purses.toString(16).padStart(2 * bytes - 2, '0')}`
        const { id, account } = await desk.addChild(`Barn ${purses}`, DAILY_LIMIT)
        await desk.addCard(id, uid)
        await desk.credit(account, uuid(), CREDIT, 'Til måling')
        return { uid, hash: await cardHash(cardKey, Uint8Array.from(Buffer.from(uid, 'hex'))), account }
      },
      async audit() {
        const { violations } = await desk.check()
        if (violations.length > 0) throw new Error(`the book does not add up: ${JSON.stringify(violations)}`)
      },
      close: () => worker.stop(),
    }
  } catch (error) {
    await worker.stop()
    throw error
  }
}

function counterOf(enrolment: Enrolment, key: KeyPair, epochMs: () => number, uuid: () => string): Counter {
  let seq = 0
  let prev = ''

  async function request({ hash }: Purse): Promise<string> {
    seq += 1
    const lines = [{ product: 1, quantity: 1, price: PRICE }]
    const sale = { v: 1, kind: 'request', sale: uuid(), seq, prev, card: hash, amount: PRICE, lines, at: epochMs() }
    const jws = await sign(key.privateKey, 'klubkort-debit', enrolment.terminal, sale)
    prev = await digest(jws)
    return jws
  }

  return {
    enrolment,
    key,
    async sell(purses, perCall = 1) {
      const shots: Shot[] = []
      let messages: string[] = []
      for (const purse of purses) {
        messages.push(await request(purse))
        if (messages.length < perCall) continue
        shots.push({ path: '/api/terminal/messages', body: JSON.stringify({ messages }) })
        messages = []
      }
      return shots
    },
  }
}
