import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cardHash } from '../shared/signing.ts'
import { type Enrolment, type KeyPair, keepEnrolment } from '../terminal/identity.ts'
import { type Database, DiskError } from '../terminal/journal-database.ts'
import { panel } from '../terminal/screen/panel.ts'
import { diskTrouble, ROOM_MIN_BYTES } from '../terminal/upkeep/disk-room.ts'
import { bookingWorker, CARD_KEY, counter, scratch, someKey } from './counter.ts'
import { emulateNextion } from './emulators/nextion.ts'
import { openPty } from './emulators/pty.ts'
import { startNode } from './local/processes.ts'

let folder: string
let key: KeyPair
beforeEach(async () => {
  folder = scratch()
  key = await someKey(folder)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The real database, in which calls can be made to fail: each call counts, and `refuses` says which ones throw. */
function failing(refuses: (call: number) => boolean) {
  const calls = { count: 0, armed: false, refused: 0 }
  const tried = <T>(deed: () => T): T => {
    if (calls.armed) {
      calls.count += 1
      if (refuses(calls.count)) {
        calls.refused += 1
        throw new Error('disk I/O error')
      }
    }
    return deed()
  }
  const open = (path: string): Database => {
    const db = new DatabaseSync(path)
    return {
      exec: (sql) => tried(() => db.exec(sql)),
      prepare(sql) {
        const statement = db.prepare(sql)
        return {
          run: (...values) => tried(() => statement.run(...values)),
          get: (...values) => tried(() => statement.get(...values)),
          all: (...values) => tried(() => statement.all(...values)),
        }
      },
      close: () => db.close(),
    }
  }
  return { calls, open }
}

/** The amounts of sales that stand in the journal: approved by the worker or told as an advice, and not undone. */
function standing(): number[] {
  const db = new DatabaseSync(join(folder, 'journal.db'), { readOnly: true })
  const rows = db
    .prepare(
      `SELECT amount FROM message WHERE (kind = 'advice' OR (kind = 'request' AND outcome = 'approved'))
       AND NOT EXISTS (SELECT 1 FROM message AS undone WHERE undone.sale = message.sale AND undone.kind = 'reversal')`,
    )
    .all() as { amount: number }[]
  db.close()
  return rows.map(({ amount }) => amount)
}

/** One sale that the worker answers and one that it does not, on a disk that begins to fail somewhere in them. */
async function twoSales(refuses: (call: number) => boolean) {
  rmSync(folder, { recursive: true })
  folder = scratch()
  const card = await cardHash(CARD_KEY, Uint8Array.from([4, 1, 2, 3]))
  const worker = bookingWorker({ cards: [{ hash: card, status: 'active' }] })
  const { calls, open } = failing(refuses)
  // Nobody waits for an answer here, so that time may pass faster.
  const sleep = (ms: number, signal: AbortSignal) => setTimeout(ms / 20, undefined, { signal })
  const desk = await counter({ folder, worker: worker.answer, key, open, sleep })
  await desk.start()
  calls.armed = true
  await desk.till.press({ kind: 'product', index: 0 })
  await desk.tap()
  await desk.till.press({ kind: 'dismiss' })
  worker.reachable = false
  await desk.till.press({ kind: 'product', index: 1 })
  await desk.tap()
  const armedFor = calls.count
  // From here on the disk is well, and what it refused is known to everybody after a moment.
  calls.armed = false
  await desk.till.refresh()
  await setTimeout(5)
  const failed = desk.failures.length > 0
  const last = desk.view()
  const shown = desk.approvals().map(({ headline }) => Number(/(\d+),00 kr/.exec(headline)?.[1]) * 100)
  const approvalsBefore = desk.approvals().length
  if (failed) {
    await desk.till.press({ kind: 'product', index: 0 })
    await desk.tap()
  }
  const soldAfter = desk.approvals().length - approvalsBefore
  await desk.stop()
  return { failed, failures: desk.failures, last, shown, soldAfter, armedFor, refused: calls.refused }
}

describe('a disk that fails', () => {
  test.each([
    ['for good', (at: number) => (call: number) => call >= at],
    ['for one call only', (at: number) => (call: number) => call === at],
  ])('%s, at any call of two sales, lets no sale be shown as approved that is not in the journal', async (_, from) => {
    const whole = await twoSales(() => false)
    expect(whole.failed).toBe(false)
    expect(whole.shown).toEqual([1500, 3200])
    expect(whole.armedFor).toBeGreaterThan(30)
    let stopped = 0
    for (let at = 1; at <= whole.armedFor; at++) {
      const { failed, failures, last, shown, soldAfter, refused } = await twoSales(from(at))
      const kept = standing()
      for (const amount of shown) expect(kept, `the disk failed at call ${at}`).toContain(amount)
      expect(failed, `the disk failed at call ${at}`).toBe(refused > 0)
      if (!failed) continue
      stopped += 1
      expect(failures[0]).toBeInstanceOf(DiskError)
      expect(last).toMatchObject({ kind: 'message', headline: 'Terminalen kan ikke sælge' })
      expect(soldAfter).toBe(0)
    }
    // How often the display is drawn anew meanwhile differs, and with it the number of calls.
    expect(stopped).toBeGreaterThan(whole.armedFor * 0.7)
  })

  test('and is really full stops the sale at the message that does not fit, and keeps those before it', async () => {
    const card = await cardHash(CARD_KEY, Uint8Array.from([4, 1, 2, 3]))
    const worker = bookingWorker({ cards: [{ hash: card, status: 'active' }] })
    let full = () => {}
    const desk = await counter({
      folder,
      worker: worker.answer,
      key,
      open(path) {
        const db = new DatabaseSync(path)
        full = () => {
          const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number }
          db.exec(`PRAGMA max_page_count = ${pages + 2}`)
        }
        return db
      },
    })
    await desk.start()
    full()
    let sales = 0
    while (desk.failures.length === 0 && sales < 200) {
      await desk.till.press({ kind: 'dismiss' })
      await desk.till.press({ kind: 'product', index: 0 })
      await desk.tap()
      sales += 1
    }
    expect(String(desk.failures[0])).toMatch(/disk is full/)
    expect(desk.view()).toMatchObject({ kind: 'message', detail: expect.stringMatching(/^Disken/) })
    const approved = desk.approvals().length
    expect(approved).toBeGreaterThan(0)
    await desk.stop()
    expect(standing().length).toBeGreaterThanOrEqual(approved)
  })
})

describe('a disk that has no room', () => {
  test('is told from one that has, to the byte, and one that cannot be asked refuses', async () => {
    expect(await diskTrouble(folder, async () => ROOM_MIN_BYTES)).toBeNull()
    expect(await diskTrouble(folder, async () => ROOM_MIN_BYTES - 1)).toMatchObject({ kind: 'full' })
    expect(await diskTrouble(join(folder, 'gone'))).toMatchObject({ kind: 'refuses' })
  })
})

test('a till whose journal is damaged says so on its display, sells nothing, and ends with a status of its own', async () => {
  const enrolled: Enrolment = { terminal: '4000-1', municipality: 4000, cardKey: CARD_KEY, url: 'http://worker.test' }
  await keepEnrolment(folder, enrolled)
  writeFileSync(join(folder, 'journal.db'), 'not a database, but as long as the head of one has to be'.repeat(20))
  const line = openPty()
  const display = emulateNextion(panel)
  display.plug(line.duplex)
  const args = ['terminal/main.ts', 'run', '--state', folder, '--serial', line.path, '--baud', '115200']
  const running = startNode(args, { stdio: ['ignore', 'pipe', 'pipe'] })
  try {
    const texts = () => display.state().components.map(({ text }) => text)
    await expect.poll(texts, { timeout: 15_000 }).toContain('Terminalen kan ikke sælge')
    await running.stop()
    expect(running.process.exitCode).toBe(74)
    expect(running.printed()).not.toMatch(/"event":"started"/)
  } finally {
    await running.kill()
    line.close()
  }
})
