import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cardHash } from '../shared/signing.ts'
import type { OfflineLimits, SyncAnswer } from '../shared/wire.ts'
import type { KeyPair } from '../terminal/identity.ts'
import { syncOnce } from '../terminal/sync.ts'
import { bookingWorker, CARD_KEY, counter, scratch, someKey, synced } from './counter.ts'

const [ONE, OTHER] = ['04010203', '04010204']
const DAY_MS = 86_400_000

let folder: string
let key: KeyPair
let desk: Awaited<ReturnType<typeof counter>>
/** How long the till has been up and, of it, what the machine's own clock was set off. */
const passed = { ms: 0 }

beforeEach(async () => {
  folder = scratch()
  key = await someKey(folder)
  passed.ms = 0
})
afterEach(async () => {
  await desk.stop()
  rmSync(folder, { recursive: true })
})

const STARTED = Date.now()
const machine = { epoch: () => STARTED + passed.ms, monotonic: () => passed.ms }

/** A till that has synced once, and whose cable is out since. */
async function dark(limits: Partial<OfflineLimits>, more: Partial<SyncAnswer> = {}) {
  const wide = { ...synced().limits, unsentCountMax: 1_000, unsentSumMax: 1_000_000, cardSumMax: 1_000_000 }
  const cards = await Promise.all(
    [ONE, OTHER].map(async (uid) => ({
      hash: await cardHash(CARD_KEY, Uint8Array.from(Buffer.from(uid, 'hex'))),
      status: 'active' as const,
    })),
  )
  const told = { cards, limits: { ...wide, ...limits }, time: STARTED, ...more }
  const worker = bookingWorker(told)
  desk = await counter({ folder, key, worker: worker.answer, machine })
  await desk.start()
  worker.reachable = false
  return { worker, told }
}

/** The power goes and comes back; the cable stays out. */
async function restarted() {
  await desk.stop()
  desk = await counter({ folder, key, worker: () => null, machine })
  await desk.start()
}

/** Whether a card buys for so many øre, typed on the keypad. */
async function buys(amount: number, uid = ONE, type: 'classic' | 'other' = 'other'): Promise<boolean> {
  await desk.till.press({ kind: 'dismiss' })
  await desk.till.press({ kind: 'clear' })
  await desk.till.press({ kind: 'keypad' })
  for (const sign of (amount / 100).toFixed(2)) {
    await desk.till.press(sign === '.' ? { kind: 'comma' } : { kind: 'digit', digit: Number(sign) })
  }
  await desk.till.press({ kind: 'ok' })
  await desk.tap(uid, type)
  const view = desk.view()
  if (view?.kind !== 'answer') throw new Error(`no answer is shown: ${JSON.stringify(view)}`)
  return view.meaning === 'approved'
}

describe('without a network and after a power cut, a till sells', () => {
  test('up to the cap of a sale, and not one øre more', async () => {
    await dark({ saleMax: 5000 })
    await restarted()
    expect(await buys(5001)).toBe(false)
    expect(await buys(5000)).toBe(true)
  })

  test("up to the cap of a card's sum, and not one øre more; another card has its own", async () => {
    await dark({ cardSumMax: 5000 })
    expect(await buys(3000)).toBe(true)
    await restarted()
    expect(await buys(2001)).toBe(false)
    expect(await buys(2001, OTHER)).toBe(true)
    expect(await buys(2000)).toBe(true)
    expect(await buys(1)).toBe(false)
  })

  test('up to the cap of all that is unsent, and not one øre more, whoever buys', async () => {
    await dark({ unsentSumMax: 5000 })
    expect(await buys(3000)).toBe(true)
    await restarted()
    expect(await buys(2001, OTHER)).toBe(false)
    expect(await buys(2000, OTHER)).toBe(true)
    expect(await buys(1)).toBe(false)
  })

  test('while its two messages fit under the cap of unsent ones, and not one message more', async () => {
    await dark({ unsentCountMax: 4 })
    expect(await buys(100)).toBe(true)
    await restarted()
    expect(desk.journal.queue().count).toBe(2)
    expect(await buys(100)).toBe(true)
    expect(desk.journal.queue().count).toBe(4)
    expect(await buys(100)).toBe(false)
  })

  test('not where a sale needs one message more than the cap of unsent ones', async () => {
    await dark({ unsentCountMax: 3 })
    expect(await buys(100)).toBe(true)
    await restarted()
    expect(await buys(100)).toBe(false)
  })

  test('to a card that showed no token, where cards carry one, up to the lower caps of a sale and of its sum', async () => {
    await dark({ weakSaleMax: 2000, weakCardSumMax: 3000 }, { tokenTypes: ['classic'] })
    await restarted()
    expect(await buys(2001, ONE, 'classic')).toBe(false)
    expect(await buys(2000, ONE, 'classic')).toBe(true)
    await restarted()
    expect(await buys(1001, ONE, 'classic')).toBe(false)
    expect(await buys(1000, ONE, 'classic')).toBe(true)
  })

  test('by a card list that is a day old, and not by one that is a millisecond older', async () => {
    await dark({ listAgeMaxMs: DAY_MS })
    passed.ms = DAY_MS
    expect(await buys(100)).toBe(true)
    await restarted()
    expect(await buys(100)).toBe(true)
    passed.ms = DAY_MS + 1
    expect(await buys(100)).toBe(false)
  })
})

test('caps that the office changes are in force from the next sync on, and over a power cut', async () => {
  const { worker, told } = await dark({ saleMax: 5000 })
  expect(await buys(5000)).toBe(true)
  worker.reachable = true
  await desk.stop()
  const lower = bookingWorker({ ...told, nextSeq: 3, limits: { ...told.limits, saleMax: 4999 } })
  desk = await counter({ folder, key, worker: lower.answer, machine })
  await desk.start()
  expect(await syncOnce(desk.link, desk.journal, desk.forwarder)).toBe(true)
  lower.reachable = false
  expect(await buys(5000)).toBe(false)
  await restarted()
  expect(await buys(5000)).toBe(false)
  expect(await buys(4999)).toBe(true)
})
