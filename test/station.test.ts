import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { CardToken } from '../shared/debit.ts'
import { cardHash, digest, sign } from '../shared/signing.ts'
import { uuidv7 } from '../shared/uuidv7.ts'
import { slotOf, tokenIn } from '../terminal/card-token.ts'
import type { CardMemory, CardType } from '../terminal/devices/card-reader.ts'
import { openJournal } from '../terminal/journal.ts'
import { syncOnce } from '../terminal/sync.ts'
import { bookingWorker, CARD_KEY, messageIn, synced, type Worker } from './counter.ts'
import { ownTill } from './own-till.ts'

const UID = '04010203'

const { set, open, folder, key, desk, moveOn } = ownTill()

const hashOf = () => cardHash(CARD_KEY, Uint8Array.from(Buffer.from(UID, 'hex')))
const token = (counter: number): CardToken => ({ counter, value: `AAAAAAAAAA${'AEIMQUYcgkosw048'[counter % 16]}` })

/** A card's two slots, in which a write can fail. */
function card(first: CardToken | null, second: CardToken | null, write?: CardMemory['write']) {
  const slots = [first, second].map((held) => (held ? slotOf(held) : new Uint8Array(16)))
  const memory: CardMemory = {
    read: async (slot) => slots[slot] ?? null,
    write:
      write ??
      (async (slot, bytes) => {
        slots[slot] = bytes
        return 'written'
      }),
  }
  return { memory, tokens: () => slots.map((slot) => tokenIn(slot)) }
}

describe('a card that carries a token', () => {
  /** A worker that answers each request with the next token. */
  function tokenWorker(given: CardToken) {
    const worker = bookingWorker({ tokenTypes: ['classic'] })
    const answer: Worker = (path, body, query) => {
      const said = worker.answer(path, body, query)
      const results = (said?.json as { results?: object[] } | undefined)?.results
      return results
        ? { json: { ...(said?.json as object), results: results.map((r) => ({ ...r, token: given })) } }
        : said
    }
    return { worker, answer }
  }

  async function buy(memory: CardMemory | null, type: CardType = 'classic', given = token(8)) {
    const { worker, answer } = tokenWorker(given)
    const opened = await open(answer)
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap(UID, type, memory)
    return { opened, messages: worker.messages.map(messageIn) }
  }

  test('shows the newer of its two in the request, and gets the next one in place of the older', async () => {
    const { memory, tokens } = card(token(7), token(6))
    const { opened, messages } = await buy(memory)
    expect(messages[0]?.token).toEqual(token(7))
    expect(tokens()).toEqual([token(7), token(8)])
    expect(opened.approvals()).toHaveLength(1)
  })

  test('that shows none, cannot be read, or is of a type that carries none here says so, and is not written to', async () => {
    expect((await buy(card(null, null).memory)).messages[0]).toHaveProperty('token', null)
    await moveOn()
    expect((await buy(null)).messages[0]).toHaveProperty('token', null)
    await moveOn()
    expect((await buy(null, 'other')).messages[0]).toHaveProperty('token', null)
    await moveOn()
    const { memory, tokens } = card(token(7), token(6))
    const { opened, messages } = await buy(memory, 'ntag')
    expect(messages[0]).toHaveProperty('token', null)
    expect(tokens()).toEqual([token(7), token(6)])
    expect(opened.logged).not.toContain('token_unwritten')
  })

  test.each([
    ['is taken away', async () => 'gone' as const],
    ['tears the write', async () => 'torn' as const],
    ['throws', async () => Promise.reject(new Error('the reader is gone'))],
    ['never answers', () => new Promise<never>(() => {})],
  ])('that %s buys all the same, and keeps nobody waiting', async (_, write) => {
    const { memory, tokens } = card(token(7), token(6), write)
    const startedAt = performance.now()
    const { opened } = await buy(memory)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(opened.approvals()).toHaveLength(1)
    expect(opened.logged).toContain('token_unwritten')
    expect(tokens()[0]).toEqual(token(7))
  })

  /** Buys, and the till is barred before its display has shown the answer. */
  async function buyAndBeBarred() {
    const { memory } = card(token(7), token(6), async () => {
      desk()?.forwarder.missed('terminal_revoked')
      return 'written'
    })
    const { opened } = await buy(memory)
    expect(opened.approvals()).toEqual([])
    expect(opened.journal.unshown()).not.toBeNull()
    return opened
  }

  test('has an approval that something was in the way of shown as soon as nothing is', async () => {
    const opened = await buyAndBeBarred()
    opened.forwarder.reached()
    await opened.till.refresh()
    expect(opened.approvals()).toHaveLength(1)
    expect(opened.journal.unshown()).toBeNull()
  })

  test('has an approval that something was in the way of shown by the next display', async () => {
    const opened = await buyAndBeBarred()
    await opened.till.press({ kind: 'dismiss' })
    opened.forwarder.reached()
    expect(opened.approvals()).toEqual([])
    await opened.till.attach({ show: async (view) => void opened.views.push(view), presses: async function* () {} })
    expect(opened.approvals()).toHaveLength(1)
    expect(opened.journal.unshown()).toBeNull()
  })

  test('is told of by no till that has its time from nobody but itself, which could make its token look outworn', async () => {
    const worker = bookingWorker({ tokenTypes: ['classic'], cards: [{ hash: await hashOf(), status: 'active' }] })
    await open(worker.answer)
    await desk()?.stop()
    worker.reachable = false
    const dayAhead = { epoch: () => Date.now() + 12 * 3_600_000, monotonic: () => performance.now() }
    const opened = await open(worker.answer, { machine: dayAhead })
    const buys = async () => {
      await opened.till.press({ kind: 'product', index: 0 })
      await opened.tap(UID, 'classic', card(token(7), token(6)).memory)
      await opened.till.press({ kind: 'dismiss' })
    }
    for (const _ of [1, 2, 3]) await buys()
    expect(opened.approvals()).toHaveLength(2) // As many as a card may buy that shows none.
    expect(opened.journal.unanswered(1).map(({ jws }) => 'token' in messageIn(jws))).toEqual([false])
    worker.reachable = true
    opened.forwarder.wake()
    await expect.poll(() => opened.journal.queue().count, { timeout: 5_000 }).toBe(0)
    await buys()
    expect(worker.messages.map(messageIn).at(-1)?.token).toEqual(token(7))
  })

  test('buys also where what it is told to carry is no token', async () => {
    const { memory, tokens } = card(token(7), token(6))
    const { opened } = await buy(memory, 'classic', { counter: 2 ** 32, value: 'AAAAAAAAAAA' })
    expect(opened.approvals()).toHaveLength(1)
    expect(opened.journal.queue().count).toBe(0)
    expect(tokens()).toEqual([token(7), token(6)])
  })

  test('sells offline up to the higher cap, and one without a token up to the lower one', async () => {
    const worker = bookingWorker({ tokenTypes: ['classic'], cards: [{ hash: await hashOf(), status: 'active' }] })
    const opened = await open(worker.answer)
    worker.reachable = false
    const buys = async (memory: CardMemory) => {
      const before = opened.approvals().length
      await opened.till.press({ kind: 'dismiss' })
      await opened.till.press({ kind: 'product', index: 1 }) // 32 kr, and the lower cap is 20 kr.
      await opened.tap(UID, 'classic', memory)
      await opened.till.press({ kind: 'dismiss' })
      await opened.till.press({ kind: 'clear' })
      return opened.approvals().length > before
    }
    expect(await buys(card(null, null).memory)).toBe(false)
    expect(await buys(card(token(7), token(6)).memory)).toBe(true)
    worker.reachable = true
    opened.forwarder.wake()
    await expect.poll(() => worker.messages.length, { timeout: 5_000 }).toBe(4)
    const advice = worker.messages.map(messageIn).find(({ kind }) => kind === 'advice')
    expect(advice?.token).toEqual(token(7))
  })
})

test('a card list that came while a slow answer was under way still sells when the network goes', async () => {
  const worker = bookingWorker({ cards: [{ hash: await hashOf(), status: 'active' }] })
  const opened = await open(async (path, body) => {
    const time = Date.now()
    const said = worker.answer(path, body)
    if (said === null || path !== '/api/terminal/messages') return said
    await setTimeout(900) // Well within the two seconds that a till waits, on a busy machine too.
    return { json: { ...(said.json as object), time } }
  })
  const buys = async () => {
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    await opened.till.press({ kind: 'dismiss' })
    return opened.approvals().length
  }
  const buying = buys()
  await setTimeout(600)
  await syncOnce(opened.link, opened.journal, opened.forwarder)
  expect(await buying).toBe(1)
  worker.reachable = false
  expect(await buys()).toBe(2)
})

describe('a till with a fixed price', () => {
  test('sells one of its product to each card, without a button', async () => {
    const worker = bookingWorker()
    const opened = await open(worker.answer, { fixedPrice: 2 })
    expect(opened.view()).toMatchObject({ kind: 'sale', total: '32,00 kr', prompt: 'Læg kortet på' })
    await opened.tap()
    await opened.till.press({ kind: 'dismiss' })
    await opened.tap()
    expect(worker.messages.map(messageIn).map(({ amount }) => amount)).toEqual([3200, 3200])
  })

  test('sells an amount of the keypad instead, once', async () => {
    const worker = bookingWorker()
    const opened = await open(worker.answer, { fixedPrice: 2 })
    for (const press of [{ kind: 'keypad' }, { kind: 'digit', digit: 7 }, { kind: 'ok' }] as const)
      await opened.till.press(press)
    await opened.tap()
    await opened.till.press({ kind: 'dismiss' })
    await opened.tap()
    expect(worker.messages.map(messageIn).map(({ amount }) => amount)).toEqual([700, 3200])
  })

  test('sells once to a card that is laid on again while its approval is to be seen', async () => {
    const worker = bookingWorker()
    const opened = await open(worker.answer, { fixedPrice: 2 })
    await opened.tap()
    await opened.tap()
    expect(worker.messages).toHaveLength(1)
    expect(opened.view()).toMatchObject({ kind: 'answer', meaning: 'approved' })
    await opened.tap('04a0b0c0')
    expect(worker.messages).toHaveLength(2)
  })

  test('sells nothing while no display says what it sells', async () => {
    const worker = bookingWorker()
    const opened = await open(worker.answer, { fixedPrice: 2 })
    await opened.till.attach({ show: () => Promise.reject(new Error('unplugged')), presses: async function* () {} })
    await opened.tap()
    await opened.tap('04a0b0c0')
    expect(worker.messages).toEqual([])
  })

  test('shows a balance where its product is gone from the list', async () => {
    const worker = bookingWorker()
    const opened = await open(worker.answer, { fixedPrice: 3 })
    await opened.tap()
    expect(worker.messages).toEqual([])
  })
})

describe('a copied card or a journal that was rolled back', () => {
  const STOPPED = { kind: 'message', headline: 'Terminalen er stoppet' }

  test('tells the worker at each sync what its newest message is', async () => {
    const worker = bookingWorker()
    const heads: (string | null)[][] = []
    const opened = await open((path, body, query) => {
      if (path === '/api/terminal/sync') heads.push([query.get('head'), query.get('hash')])
      return worker.answer(path, body, query)
    })
    expect(heads[0]).toEqual(['0', ''])
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    await syncOnce(opened.link, opened.journal, opened.forwarder)
    expect(heads.at(-1)).toEqual(['1', await digest(worker.messages[0] ?? '')])
  })

  test('stops selling when the worker has more than the journal, and stays so over a restart', async () => {
    const worker = bookingWorker({ nextSeq: 5 })
    const opened = await open(worker.answer)
    await expect.poll(() => opened.view()).toMatchObject(STOPPED)
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    expect(worker.messages).toEqual([])
    await opened.stop()
    const again = await open(bookingWorker().answer)
    await again.till.refresh()
    expect(again.view()).toMatchObject(STOPPED)
  })

  test.each([
    ['a sync', '/api/terminal/sync', 'terminal_stopped'],
    ['its messages', '/api/terminal/messages', 'message_conflict'],
  ])('stops selling when the worker answers %s so, and sells nothing offline either', async (_, refused, code) => {
    const worker = bookingWorker({ cards: [{ hash: await hashOf(), status: 'active' }] })
    let refuses = false
    const opened = await open((path, body, query) =>
      refuses && path === refused
        ? { status: 409, json: { error: { code, message: 'no' } } }
        : worker.answer(path, body, query),
    )
    refuses = true
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    await expect.poll(() => opened.view(), { timeout: 15_000 }).toMatchObject(STOPPED)
    const approved = opened.approvals().length
    worker.reachable = false
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    expect(opened.approvals()).toHaveLength(approved)
    expect(opened.view()).toMatchObject(STOPPED)
  })

  test('counts what is put aside as delivered, insists on nothing, and sells no more', async () => {
    const worker = bookingWorker()
    const opened = await open((path, body, query) => {
      if (path !== '/api/terminal/messages') return worker.answer(path, body, query)
      const results = (body as { messages: string[] }).messages.map((jws) => {
        const { sale, seq } = messageIn(jws)
        return { sale, seq, outcome: 'declined', reason: 'terminal_revoked' }
      })
      return { json: { results, time: Date.now(), quarantined: true } }
    })
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    await expect.poll(() => opened.journal.queue().count, { timeout: 5_000 }).toBe(0)
    expect(opened.journal.head().seq).toBe(1)
    await opened.till.press({ kind: 'dismiss' })
    expect(opened.view()).toMatchObject({ kind: 'message', headline: 'Terminalen er spærret' })
  })

  test('asks no worker in a hurry that wants messages which this journal does not have', async () => {
    let calls = 0
    const opened = await set((path) => {
      calls += 1
      if (path === '/api/terminal/sync') return { json: synced({ nextSeq: 3 }) }
      return { status: 409, json: { error: { code: 'seq_gap', message: 'no' } } }
    })
    opened.journal.begin({ seq: 10, hash: 'h'.repeat(43) })
    await opened.start()
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    await setTimeout(300)
    expect(calls).toBeLessThan(8)
    expect(opened.view()).toMatchObject(STOPPED)
  })
})

describe('a worker whose database was restored', () => {
  /** A worker whose answer to requests can be changed, and whose messages taken away. */
  async function decidingWorker() {
    const cards = [{ hash: await hashOf(), status: 'active' as const }]
    const worker = {
      messages: [] as string[],
      reachable: true,
      decides: 'approved' as 'approved' | 'declined',
      answer: ((path, body) => {
        if (!worker.reachable) return null
        if (path === '/api/terminal/sync')
          return { json: synced({ nextSeq: worker.messages.length + 1, cards, time: Date.now() }) }
        const sent = (body as { messages: string[] }).messages
        if (messageIn(sent[0] ?? '').seq > worker.messages.length + 1)
          return { status: 409, json: { error: { code: 'seq_gap', message: 'gap' } } }
        const results = sent.map((jws) => {
          if (!worker.messages.includes(jws)) worker.messages.push(jws)
          const { sale, seq, kind } = messageIn(jws)
          const outcome = kind === 'reversal' ? 'reversed' : kind === 'advice' ? 'approved' : worker.decides
          return { sale, seq, outcome, ...(outcome === 'declined' && { reason: 'insufficient_funds' }), balance: 5000 }
        })
        return { json: { results, time: Date.now() } }
      }) as Worker,
      /** What it has of the first sale. */
      ofFirstSale: () => {
        const told = worker.messages.map(messageIn)
        return told.filter(({ sale }) => sale === told[0]?.sale)
      },
    }
    return worker
  }

  async function buy(opened: Awaited<ReturnType<typeof open>>, index = 0) {
    await opened.till.press({ kind: 'dismiss' })
    await opened.till.press({ kind: 'product', index })
    await opened.tap()
  }

  const delivered = (opened: Awaited<ReturnType<typeof open>>) =>
    expect.poll(() => [opened.journal.queue().count, opened.journal.diverged()], { timeout: 5_000 }).toEqual([0, []])

  test('that would now approve what it once declined does not have a sale undone that was made without it', async () => {
    const worker = await decidingWorker()
    const opened = await open(worker.answer)
    worker.reachable = false
    await buy(opened)
    expect(opened.approvals()).toHaveLength(1)
    worker.reachable = true
    worker.decides = 'declined'
    opened.forwarder.wake()
    await delivered(opened)
    worker.messages = []
    worker.decides = 'approved'
    await buy(opened)
    await delivered(opened)
    expect(opened.logged).toContain('diverged')
    expect(worker.ofFirstSale().map(({ kind }) => kind)).toEqual(['request', 'advice'])
  })

  test('is told of an approved sale as of when it was made, and no display shows it again', async () => {
    const worker = await decidingWorker()
    const opened = await open(worker.answer)
    await buy(opened)
    await setTimeout(20)
    worker.messages = []
    worker.decides = 'declined'
    await buy(opened, 1)
    await delivered(opened)
    const [request, advice] = worker.ofFirstSale()
    expect(advice).toMatchObject({ kind: 'advice', at: request?.at })
    expect(opened.journal.head().seq).toBe(advice?.seq)
    const shown: unknown[] = []
    await opened.till.press({ kind: 'dismiss' })
    await opened.till.attach({ show: async (view) => void shown.push(view), presses: async function* () {} })
    expect(shown).not.toContainEqual(expect.objectContaining({ meaning: 'approved' }))
  })

  test('is told what it has lost at the next sync, though nobody buys anything', async () => {
    const worker = await decidingWorker()
    const opened = await open(worker.answer)
    await buy(opened)
    const kept = worker.messages
    worker.messages = []
    await syncOnce(opened.link, opened.journal, opened.forwarder)
    await expect.poll(() => worker.messages).toEqual(kept)
    await syncOnce(opened.link, opened.journal, opened.forwarder)
    expect(opened.logged.filter((event) => event === 'rewind')).toHaveLength(1)
  })

  test('is held to its first answer also where the power went in between', async () => {
    const worker = await decidingWorker()
    const opened = await open(worker.answer)
    await buy(opened)
    await opened.stop()
    const journal = openJournal(join(folder(), 'journal.db'))
    const [sold] = worker.ofFirstSale()
    journal.answer([{ sale: sold?.sale ?? '', seq: 1, outcome: 'declined', reason: 'insufficient_funds' }], 1)
    journal.close()
    const again = await open(worker.answer)
    await delivered(again)
    expect(worker.ofFirstSale().map(({ kind }) => kind)).toEqual(['request', 'advice'])
    expect(again.approvals()).toEqual([])
  })
})

test('what was too much at once goes in smaller parts until all is sent, and the connection is not lost by it', async () => {
  const worker = bookingWorker()
  const sizes: number[] = []
  const opened = await set((path, body, query) => {
    if (path !== '/api/terminal/messages') return worker.answer(path, body, query)
    const { length } = (body as { messages: string[] }).messages
    sizes.push(length)
    return length > 30
      ? { status: 500, json: { error: { code: 'internal', message: 'too many queries' } } }
      : worker.answer(path, body, query)
  })
  for (let each = 0; each < 210; each++) {
    const { seq, hash } = opened.journal.head()
    const sale = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))
    const lines = [{ product: null, quantity: 1, price: 100 }]
    const content = { card: CARD_KEY, amount: 100, lines, at: Date.now() }
    const message = { v: 1, kind: 'reversal', sale, seq: seq + 1, prev: hash, ...content } as const
    await opened.journal.append(message, await sign(key().privateKey, 'klubkort-debit', '4000-1', message))
  }
  await opened.start()
  await expect.poll(() => opened.journal.queue().count, { timeout: 10_000 }).toBe(0)
  expect(sizes).toEqual([50, ...Array(8).fill(25), 10])
  expect(opened.logged.filter((event) => event === 'connection')).toHaveLength(1)
})
