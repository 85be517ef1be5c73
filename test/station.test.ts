import { rmSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CardToken } from '../shared/debit.ts'
import { cardHash, digest } from '../shared/signing.ts'
import { slotOf, tokenIn } from '../terminal/card-token.ts'
import type { CardMemory, CardType } from '../terminal/devices/card-reader.ts'
import type { KeyPair } from '../terminal/identity.ts'
import { syncOnce } from '../terminal/sync.ts'
import { bookingWorker, CARD_KEY, counter, messageIn, scratch, someKey, synced, type Worker } from './counter.ts'

const UID = '04010203'

let folder: string
let key: KeyPair
let desk: Awaited<ReturnType<typeof counter>> | null = null
beforeEach(async () => {
  folder = scratch()
  key = await someKey(folder)
})
afterEach(async () => {
  await desk?.stop()
  desk = null
  rmSync(folder, { recursive: true })
})

async function open(worker: Worker, more: Partial<Parameters<typeof counter>[0]> = {}) {
  desk = await counter({ folder, worker, key, ...more })
  await desk.start()
  return desk
}

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
    await desk?.stop()
    rmSync(folder, { recursive: true })
    folder = scratch()
    expect((await buy(null)).messages[0]).toHaveProperty('token', null)
    await desk?.stop()
    rmSync(folder, { recursive: true })
    folder = scratch()
    expect((await buy(null, 'other')).messages[0]).toHaveProperty('token', null)
    await desk?.stop()
    rmSync(folder, { recursive: true })
    folder = scratch()
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
    await setTimeout(50)
    expect(opened.journal.queue().count).toBe(0)
    expect(opened.journal.head().seq).toBe(1)
    await opened.till.press({ kind: 'dismiss' })
    expect(opened.view()).toMatchObject({ kind: 'message', headline: 'Terminalen er spærret' })
  })

  test('asks no worker in a hurry that wants messages which this journal does not have', async () => {
    let calls = 0
    const opened = await counter({
      folder,
      key,
      worker(path) {
        calls += 1
        if (path === '/api/terminal/sync') return { json: synced({ nextSeq: 3 }) }
        return { status: 409, json: { error: { code: 'seq_gap', message: 'no' } } }
      },
    })
    desk = opened
    opened.journal.begin({ seq: 10, hash: 'h'.repeat(43) })
    await opened.start()
    await opened.till.press({ kind: 'product', index: 0 })
    await opened.tap()
    await setTimeout(300)
    expect(calls).toBeLessThan(8)
    expect(opened.view()).toMatchObject(STOPPED)
  })
})
