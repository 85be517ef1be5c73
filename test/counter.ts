import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { uuidv7 } from '../shared/uuidv7.ts'
import type { SyncAnswer } from '../shared/wire.ts'
import { type Clock, learningClock } from '../terminal/clock.ts'
import type { CardMemory, CardType } from '../terminal/devices/card-reader.ts'
import type { Wire } from '../terminal/http.ts'
import { type Enrolment, type KeyPair, keyPair } from '../terminal/identity.ts'
import { openJournal } from '../terminal/journal.ts'
import type { Database } from '../terminal/journal-database.ts'
import { link as linkOf } from '../terminal/link.ts'
import type { View } from '../terminal/screen/view.ts'
import { station } from '../terminal/station.ts'

/** What a test's worker says to a path: JSON under a status; null is no answer at all. */
export type Worker = (path: string, body: unknown, query: URLSearchParams) => Said | Promise<Said>
type Said = { status?: number; json: unknown } | null

/** The wire to it. */
export const wireTo = (worker: Worker): Wire => ({
  deadline: (ms) => AbortSignal.timeout(ms),
  fetch: (async (url: string, init: { body?: string }) => {
    const { pathname, searchParams } = new URL(url)
    const said = await worker(pathname, init.body === undefined ? null : JSON.parse(init.body), searchParams)
    if (said === null) throw new Error('the cable is cut')
    const { status = 200, json } = said
    return new Response(JSON.stringify(json), { status, headers: { date: new Date().toUTCString() } })
  }) as unknown as Wire['fetch'],
})

export const CARD_KEY = 'A'.repeat(43)

/** A worker's answer to a sync: one site, a product 1 for 15 kr and a product 2 for 32 kr. */
export const synced = (more: Partial<SyncAnswer> = {}): SyncAnswer => ({
  ...{ terminal: { id: '4000-1', name: 'Disk', site: 'Klub' }, nextSeq: 1, version: 1, restart: false, more: false },
  ...{ cards: [], tokenTypes: [], language: 'da', time: Date.now() },
  products: [
    { id: 1, name: 'Toast', price: 1500 },
    { id: 2, name: 'Varmt måltid', price: 3200 },
  ],
  limits: {
    ...{ saleMax: 10_000, cardSumMax: 20_000, weakSaleMax: 2_000, weakCardSumMax: 4_000 },
    ...{ unsentCountMax: 100, unsentSumMax: 100_000, listAgeMaxMs: 86_400_000 },
  },
  ...more,
})

/** The message in a JWS, unverified. */
export const messageIn = (jws: string) =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as {
    kind: string
    sale: string
    seq: number
    amount: number
    at: number
    token?: unknown
  }

/** A worker that books everything it is sent, until it is told otherwise; `messages` are what it has. */
export function bookingWorker(more: Partial<SyncAnswer> = {}) {
  const worker = {
    messages: [] as string[],
    reachable: true,
    answer(path: string, body: unknown, _query?: URLSearchParams): Said {
      if (!worker.reachable) return null
      if (path === '/api/terminal/sync') return { json: synced({ nextSeq: worker.messages.length + 1, ...more }) }
      const results = (body as { messages: string[] }).messages.map((jws) => {
        if (!worker.messages.includes(jws)) worker.messages.push(jws)
        const { sale, seq, kind } = messageIn(jws)
        return { sale, seq, outcome: kind === 'reversal' ? 'reversed' : 'approved', balance: 5000 }
      })
      return { json: { results, time: Date.now() } }
    },
  }
  return worker
}

export const scratch = () => mkdtempSync(join(tmpdir(), 'klubkort-counter-'))

/** A key for tests that do not ask whose it is. */
export const someKey = (folder: string): Promise<KeyPair> => keyPair(folder)

/** A till at a counter in this process, with a screen that remembers what it showed and no reader: taps are given. */
export async function counter({
  folder,
  worker,
  key,
  open,
  fixedPrice = null,
  sleep = (ms, signal) => setTimeout(ms, undefined, { signal }),
  machine = { epoch: () => Date.now(), monotonic: () => performance.now() },
}: {
  folder: string
  worker: Worker
  key: KeyPair
  open?: (path: string) => Database
  fixedPrice?: number | null
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
  machine?: { epoch(): number; monotonic(): number }
}) {
  const enrolment: Enrolment = { terminal: '4000-1', municipality: 4000, cardKey: CARD_KEY, url: 'http://worker.test' }
  const journal = openJournal(join(folder, 'journal.db'), open)
  const clock: Clock = learningClock(machine, journal.notBefore())
  const ended = new AbortController()
  const failures: unknown[] = []
  const views: View[] = []
  const logged: string[] = []
  const uuid = () => uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))
  const link = linkOf({ enrolment, key, clock, uuid: () => crypto.randomUUID(), wire: wireTo(worker), fixedPrice })
  const { till, forwarder, run } = station({
    ...{ journal, link, enrolment, key, clock, uuid, sleep, random: () => 0.5, fixedPrice },
    log: (event) => void logged.push(event),
    fail(error) {
      failures.push(error)
      ended.abort()
    },
  })
  let running: Promise<void> = Promise.resolve()
  return {
    ...{ journal, link, till, forwarder, views, failures, logged },
    async start() {
      await till.recover()
      await till.attach({
        show: async (view) => void views.push(view),
        presses: async function* () {},
      })
      await till.readerIs(true)
      running = run(ended.signal)
      for (const until = Date.now() + 5_000; Date.now() < until && ended.signal.aborted === false; ) {
        if (journal.site().syncedAt !== null) break
        await setTimeout(5)
      }
      await till.refresh()
    },
    tap: (uid = '04010203', type: CardType = 'other', memory: CardMemory | null = null) =>
      till.serve({ kind: 'card', uid: Uint8Array.from(Buffer.from(uid, 'hex')), type, memory }),
    view: () => views.at(-1),
    /** Each approval that was shown, once, however often it was drawn. */
    approvals: () =>
      [...new Set(views)].flatMap((view) => (view.kind === 'answer' && view.meaning === 'approved' ? [view] : [])),
    async stop() {
      ended.abort()
      await running
      await till.end()
      journal.close()
    },
  }
}
