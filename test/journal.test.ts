import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DebitMessage } from '../shared/debit.ts'
import { digest } from '../shared/signing.ts'
import { learningClock } from '../terminal/clock.ts'
import { type Journal, openJournal, type Site } from '../terminal/journal.ts'
import { offlineRefusal } from '../terminal/offline.ts'
import { synced } from './counter.ts'

let folder: string
let journal: Journal

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'klubkort-journal-'))
  journal = openJournal(join(folder, 'journal.db'))
})
afterEach(() => {
  journal.close()
  rmSync(folder, { recursive: true })
})

const sale = (n: number) => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`

async function append(kind: DebitMessage['kind'], n: number, amount = 1500) {
  const { seq, hash } = journal.head()
  const lines = [{ product: 1, quantity: 1, price: amount }]
  const card = 'c'.repeat(43)
  return journal.append({ v: 1, kind, sale: sale(n), seq: seq + 1, prev: hash, card, amount, lines, at: n }, `jws ${n}`)
}

function reopened() {
  journal.close()
  journal = openJournal(join(folder, 'journal.db'))
}

describe('the journal', () => {
  test('numbers messages and chains them by the digest of their bytes, over a restart', async () => {
    await append('request', 1)
    reopened()
    expect(journal.head()).toEqual({ seq: 1, hash: await digest('jws 1') })
  })

  test('an approval that nobody has seen is still to be shown after a restored worker was told what was sold before', async () => {
    await append('request', 1)
    journal.answer([{ seq: 1, sale: sale(1), outcome: 'approved', balance: 0 }], 1)
    const { seq, hash } = journal.head()
    const content = { card: 'c'.repeat(43), amount: 1500, lines: [{ product: 1, quantity: 1, price: 1500 }] }
    const earlier: DebitMessage = { v: 1, kind: 'advice', sale: sale(9), seq: seq + 1, prev: hash, ...content, at: 9 }
    await journal.append(earlier, 'jws 9', { shown: true })
    reopened()
    expect(journal.unshown()?.sale).toBe(sale(1))
    journal.shown(1)
    expect(journal.unshown()).toBeNull()
  })

  test('a request whose answer nobody knew is open after a restart, and closed by a reversal', async () => {
    await append('request', 1)
    reopened()
    expect(journal.unresolved().map(({ seq }) => seq)).toEqual([1])
    await append('reversal', 1)
    expect(journal.unresolved()).toEqual([])
  })

  test('what was approved stays approved while a restored worker is told again, also over a restart', async () => {
    for (const n of [1, 2, 3]) await append('request', n)
    journal.answer(
      [1, 2, 3].map((seq) => ({ sale: sale(seq), seq, outcome: 'approved', balance: 0 })),
      1,
    )
    expect(journal.unanswered(100)).toEqual([])
    journal.reopen(2)
    reopened()
    expect(journal.unanswered(100).map(({ seq }) => seq)).toEqual([2, 3])
    expect(journal.unresolved()).toEqual([])
  })

  test('a restored worker that says otherwise is noticed over a restart, and the first answer stays', async () => {
    await append('request', 1)
    await append('request', 2)
    journal.answer(
      [
        { sale: sale(1), seq: 1, outcome: 'declined', reason: 'insufficient_funds' },
        { sale: sale(2), seq: 2, outcome: 'approved', balance: 0 },
      ],
      1,
    )
    journal.reopen(1)
    journal.answer(
      [
        { sale: sale(1), seq: 1, outcome: 'approved', balance: 0 },
        { sale: sale(2), seq: 2, outcome: 'declined', reason: 'insufficient_funds' },
      ],
      1,
    )
    reopened()
    expect(journal.diverged().map(({ seq, outcome }) => [seq, outcome])).toEqual([
      [1, 'declined'],
      [2, 'approved'],
    ])
    journal.insisted(1)
    expect(journal.diverged().map(({ seq }) => seq)).toEqual([2])
    expect(journal.entry(1).outcome).toBe('declined')
    expect(journal.unanswered(100)).toEqual([])
  })

  test('only what stands and is not delivered counts against the caps', async () => {
    await append('request', 1, 1000)
    await append('advice', 1, 1000)
    await append('advice', 2, 500)
    await append('reversal', 2, 500)
    expect(journal.exposure('c'.repeat(43))).toEqual({ unsentCount: 4, unsentSum: 1000, cardSum: 1000 })
  })

  test('what a revoked terminal had put aside is no other answer than the first', async () => {
    await append('request', 1)
    journal.answer([{ sale: sale(1), seq: 1, outcome: 'approved', balance: 0 }], 1)
    journal.reopen(1)
    const aside = { sale: sale(1), seq: 1, outcome: 'declined', reason: 'terminal_revoked' } as const
    journal.answer([aside], 1, { putAside: true })
    expect(journal.diverged()).toEqual([])
  })

  test('half of a card list that begins anew forgets no card, and the whole of it those that it did not name', () => {
    const cards = (...hashes: string[]) => hashes.map((hash) => ({ hash, status: 'active' as const }))
    journal.synced(synced({ version: 10, cards: cards('a', 'b') }))
    journal.synced(synced({ version: 3, restart: true, more: true, cards: cards('c') }))
    reopened()
    expect(['a', 'b', 'c'].map(journal.card)).toEqual(['active', 'active', 'active'])
    journal.synced(synced({ version: 5, cards: cards('b') }))
    expect(['a', 'b', 'c'].map(journal.card)).toEqual([null, 'active', 'active'])
  })

  test('what is closed for a card is kept over a restart, until the card is told of without it', () => {
    const card = { hash: 'a', status: 'active' as const }
    journal.synced(
      synced({
        version: 1,
        cards: [
          { ...card, closed: ['sweets', 'drink'] },
          { ...card, hash: 'b' },
        ],
      }),
    )
    reopened()
    expect([...journal.closed('a')]).toEqual(['sweets', 'drink'])
    expect(
      ['b', 'c'].flatMap((hash) => [journal.closed(hash).has('sweets'), journal.closed(hash).has('drink')]),
    ).toEqual([...[false, false, false, false]])
    journal.synced(synced({ version: 2, cards: [card] }))
    expect(journal.closed('a').has('sweets')).toBe(false)
  })

  test('a message of a clock that was wrong before the last sync says nothing of the time that has passed', async () => {
    await append('request', 5_000_000)
    expect(journal.notBefore()).toBe(5_000_000)
    journal.synced(synced({ time: 4_000 }))
    expect(journal.notBefore()).toBe(4_000)
    await append('request', 6_000)
    expect(journal.notBefore()).toBe(6_000)
  })
})

describe('what the journal forgets', () => {
  const DAY_MS = 86_400_000
  /** So many sales, each answered on a day of its own. */
  async function daily(days: number) {
    for (let day = 1; day <= days; day++) {
      await append('request', day)
      journal.answer([{ sale: sale(day), seq: day, outcome: 'approved', balance: 0 }], day * DAY_MS)
    }
  }

  test('is what the worker has had for 60 days, and nothing younger', async () => {
    await daily(100)
    expect(journal.trim(100 * DAY_MS)).toBe(39)
    expect(journal.oldest()).toBe(40)
    expect(journal.trim(100 * DAY_MS)).toBe(0)
  })

  test('is never the head, nor what comes after a message that is not delivered', async () => {
    await daily(3)
    expect(journal.trim(1000 * DAY_MS)).toBe(2)
    const { hash } = journal.head()
    expect(journal.head()).toEqual({ seq: 3, hash })
    await append('request', 4)
    await append('request', 5)
    journal.answer([{ sale: sale(5), seq: 5, outcome: 'approved', balance: 0 }], DAY_MS)
    expect(journal.trim(1000 * DAY_MS)).toBe(1)
    expect(journal.oldest()).toBe(4)
  })

  test('leaves numbers and chain as they were, over a restart', async () => {
    await daily(70)
    const head = journal.head()
    journal.trim(1000 * DAY_MS)
    reopened()
    expect(journal.head()).toEqual(head)
    const next = await append('request', 71)
    expect(next.seq).toBe(71)
    expect(journal.unanswered(10).map(({ seq }) => seq)).toEqual([71])
  })

  test('goes a few hundred at a time, and comes to its end', async () => {
    await daily(450)
    const steps = [1, 2, 3, 4].map(() => journal.trim(1000 * DAY_MS))
    expect(steps).toEqual([200, 200, 49, 0])
  })

  test('is looked for at the old end only, so that a long journal keeps no tap waiting', () => {
    const rows = new DatabaseSync(join(folder, 'journal.db'))
    rows.exec(`INSERT INTO message (seq, kind, sale, card, amount, lines, at, jws, hash, outcome, acknowledged, acknowledged_at)
      WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 10000)
      SELECT seq, 'request', 'sale ' || seq, 'c', 1, '[]', seq, hex(zeroblob(350)), 'h', 'approved', 1, ${DAY_MS} FROM n`)
    const fastest = (deed: () => unknown) =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const startedAt = performance.now()
          deed()
          return performance.now() - startedAt
        }),
      )
    const whole = rows.prepare('SELECT count(acknowledged_at) FROM message')
    const walk = fastest(() => whole.get())
    expect(fastest(() => journal.trim(2 * DAY_MS))).toBeLessThan(walk / 4)
    rows.close()
    expect(journal.oldest()).toBe(1)
  })

  test('counts from the last time that a restored worker was told', async () => {
    await daily(2)
    journal.reopen(1)
    journal.answer(
      [1, 2].map((seq) => ({ sale: sale(seq), seq, outcome: 'approved', balance: 0 })),
      100 * DAY_MS,
    )
    expect(journal.trim(150 * DAY_MS)).toBe(0)
    expect(journal.trim(161 * DAY_MS)).toBe(1)
  })
})

test('a journal that goes on after another begins with its number and chain, and only while it is empty', async () => {
  journal.begin({ seq: 41, hash: 'h'.repeat(43) })
  reopened()
  expect(journal.head()).toEqual({ seq: 41, hash: 'h'.repeat(43) })
  expect((await append('request', 1)).seq).toBe(42)
  expect(() => journal.begin({ seq: 1, hash: '' })).toThrow(/goes on/)
})

test('a journal of an older program opens, keeps what it holds, and asks for the whole card list again', async () => {
  const path = join(folder, 'older.db')
  const older = new DatabaseSync(path)
  older.exec(`CREATE TABLE message (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, sale TEXT NOT NULL, card TEXT NOT NULL, amount INTEGER NOT NULL,
    lines TEXT NOT NULL, at INTEGER NOT NULL, jws TEXT NOT NULL, hash TEXT NOT NULL, outcome TEXT, reason TEXT,
    balance INTEGER, acknowledged INTEGER NOT NULL DEFAULT 0, shown INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE TABLE card (hash TEXT PRIMARY KEY, status TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO card VALUES ('a', 'active');
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO setting VALUES ('site', '{"terminal":"T","name":"S","products":[],"version":3,"syncedAt":5}');
    INSERT INTO message VALUES (1, 'request', '${sale(1)}', 'c', 100, '[]', 1, 'jws 1', 'h', 'approved', NULL, 0, 1, 1)`)
  older.close()
  const opened = openJournal(path)
  expect(opened.head()).toEqual({ seq: 1, hash: 'h' })
  expect(opened.site()).toMatchObject({ version: 0, syncedAt: 5, tokenTypes: [], language: 'da' })
  opened.synced(synced({ version: 4 }))
  expect([opened.card('a'), opened.diverged()]).toEqual(['active', []])
  opened.close()
  const again = openJournal(path)
  expect(again.site().version).toBe(4)
  again.close()
})

describe('offline rules', () => {
  const limits = {
    saleMax: 5000,
    cardSumMax: 10000,
    weakSaleMax: 2000,
    weakCardSumMax: 4000,
    unsentCountMax: 10,
    unsentSumMax: 20000,
    listAgeMaxMs: 86_400_000,
  }
  const told = { terminal: 'T', name: 'S', products: [], language: 'da', version: 1, syncedAt: 1_000_000 } as const
  const site: Site = { ...told, products: [], limits, tokenTypes: [] }
  const nothing = { unsentCount: 1, unsentSum: 0, cardSum: 0 }
  const sell = (amount: number, exposure = nothing, nowMs = 1_000_001) =>
    offlineRefusal({ amount, card: 'active', token: false, closed: false }, site, exposure, nowMs)

  test('each cap admits what reaches it and refuses one øre or one message more', () => {
    expect(sell(5000)).toBeNull()
    expect(sell(5001)).toBe('cap_reached')
    expect(sell(5000, { ...nothing, cardSum: 5000 })).toBeNull()
    expect(sell(5000, { ...nothing, cardSum: 5001 })).toBe('cap_reached')
    expect(sell(5000, { ...nothing, unsentSum: 15000 })).toBeNull()
    expect(sell(5000, { ...nothing, unsentSum: 15001 })).toBe('cap_reached')
    expect(sell(100, { ...nothing, unsentCount: 9 })).toBeNull()
    expect(sell(100, { ...nothing, unsentCount: 10 })).toBe('cap_reached')
  })

  test('where cards carry tokens, one that showed none has lower caps, and one that showed one does not', () => {
    const looking = { ...site, tokenTypes: ['classic' as const] }
    const sellAs = (token: boolean, amount: number, cardSum = 0) =>
      offlineRefusal({ amount, card: 'active', token, closed: false }, looking, { ...nothing, cardSum }, 1_000_001)
    expect(sellAs(false, 2000)).toBeNull()
    expect(sellAs(false, 2001)).toBe('cap_reached')
    expect(sellAs(true, 5000)).toBeNull()
    expect(sellAs(false, 2000, 2000)).toBeNull()
    expect(sellAs(false, 2000, 2001)).toBe('cap_reached')
    expect(sellAs(true, 5000, 5000)).toBeNull()
  })

  test('a card list that is a day old still sells, an older one or one from the future does not', () => {
    expect(sell(100, nothing, 1_000_000 + 86_400_000)).toBeNull()
    expect(sell(100, nothing, 1_000_001 + 86_400_000)).toBe('list_too_old')
    expect(sell(100, nothing, 999_999)).toBe('list_too_old')
  })

  test('a card that is unknown or blocked, a closed category, and a till that never synced sell nothing', () => {
    const one = { amount: 1, token: true, closed: false }
    expect(offlineRefusal({ ...one, card: null }, site, nothing, 1_000_001)).toBe('card_unknown')
    expect(offlineRefusal({ ...one, card: 'blocked' }, site, nothing, 1_000_001)).toBe('card_blocked')
    expect(offlineRefusal({ ...one, card: 'closed' }, site, nothing, 1_000_001)).toBe('card_blocked')
    expect(offlineRefusal({ ...one, card: 'active' }, site, nothing, 1_000_001)).toBeNull()
    expect(offlineRefusal({ ...one, card: 'active', closed: true }, site, nothing, 1_000_001)).toBe('category_closed')
    const fresh = { ...site, syncedAt: null }
    expect(offlineRefusal({ ...one, card: 'active' }, fresh, nothing, 1_000_001)).toBe('never_synced')
  })
})

describe('the clock of a Pi', () => {
  test('a machine clock that is stepped after the worker was heard changes nothing', () => {
    let epoch = 1_000
    let monotonic = 0
    const clock = learningClock({ epoch: () => epoch, monotonic: () => monotonic }, 0)
    clock.learn(500_000, monotonic)
    epoch += 86_400_000
    monotonic += 10
    expect(clock.now()).toBe(500_010)
  })

  test('a slow answer, whose time is of its beginning, does not set it back', () => {
    let monotonic = 0
    const clock = learningClock({ epoch: () => 1_000, monotonic: () => monotonic }, 0)
    const [slow, quick] = [500_000, 501_000]
    monotonic += 1_020
    clock.learn(quick, 1_000)
    monotonic += 2_000
    clock.learn(slow, 0)
    expect(clock.now()).toBe(503_000)
  })

  test('an answer corrects it as far as the answer allows', () => {
    let monotonic = 0
    const clock = learningClock({ epoch: () => 1_000, monotonic: () => monotonic }, 0)
    clock.learn(500_000, monotonic)
    monotonic += 10_000
    clock.learn(520_000, monotonic - 50)
    expect(clock.now()).toBe(520_000)
    clock.learn(505_000, monotonic - 50)
    expect(clock.now()).toBe(505_050)
  })

  test('before the worker is heard, it is never earlier than what the journal knows to have passed', () => {
    let monotonic = 7
    const clock = learningClock({ epoch: () => 1_000, monotonic: () => monotonic }, 400_000)
    monotonic += 5
    expect(clock.now()).toBe(400_005)
  })
})
