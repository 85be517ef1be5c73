import { existsSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { digest, verified, verifyingKey } from '../shared/signing.ts'
import { uuidv7 } from '../shared/uuidv7.ts'
import { type Clock, learningClock } from '../terminal/clock.ts'
import { append } from '../terminal/debit-messages.ts'
import { hold } from '../terminal/hold.ts'
import { type Enrolment, enrolment, heldKey, type KeyPair, keepEnrolment, keyPair } from '../terminal/identity.ts'
import { openJournal } from '../terminal/journal.ts'
import { asideName, complete, enrollingKey, identityIn, journalFile, take } from '../terminal/reenrolment.ts'
import { enrolHere } from '../terminal/upkeep/enrol.ts'
import { disk, type Files } from '../terminal/upkeep/files.ts'
import { rotation } from '../terminal/upkeep/rotation.ts'
import { CARD_KEY, messageIn, scratch, wireTo } from './counter.ts'

const OLD: Enrolment = { terminal: '4000-1', municipality: 4000, cardKey: CARD_KEY, url: 'http://worker.test' }
const CHANGES_MAX = 12

let folder: string
beforeEach(() => {
  folder = scratch()
})
afterEach(() => rmSync(folder, { recursive: true }))

function fresh() {
  rmSync(folder, { recursive: true })
  folder = scratch()
}

/** A disk on which the power goes at the n-th change: before it is made, or right after. */
function dying(at: number, when: 'before' | 'after'): Files & { died(): boolean } {
  let changes = 0
  const change = async (deed: () => Promise<void>) => {
    changes += 1
    if (changes > at || (changes === at && when === 'before')) throw new Error('the power is gone')
    await deed()
    if (changes === at) throw new Error('the power is gone')
  }
  return {
    read: disk.read,
    write: (path, text) => change(() => disk.write(path, text)),
    move: (from, to) => change(() => disk.move(from, to)),
    remove: (path) => change(() => disk.remove(path)),
    died: () => changes >= at,
  }
}

const everyStep = Array.from({ length: CHANGES_MAX }, (_, index) => index + 1).flatMap((at) =>
  (['before', 'after'] as const).map((when) => ({ at, when })),
)

describe('a key that is changed', () => {
  const clock: Clock = { now: () => Date.now(), elapsed: () => 0, learn: () => undefined, isLearnt: () => true }

  /** A worker that knows the terminal by one key, and takes another on the word of the one it knows. */
  function office(known: string) {
    const worker = {
      key: known,
      before: '',
      reachable: true,
      answers: true,
      barred: false,
      calls: 0,
      async proofOf(publicKey: string, proof: string) {
        const payload = await verified(proof, 'klubkort-rotation', await verifyingKey(publicKey))
        return payload as { publicKey: string; confirmation: string } | null
      },
    }
    const wire = wireTo(() => null)
    wire.fetch = (async (_url: string, init: { body: string }) => {
      worker.calls += 1
      if (!worker.reachable) throw new Error('the cable is cut')
      if (worker.barred) return Response.json({ error: { code: 'terminal_revoked', message: 'no' } }, { status: 401 })
      const { publicKey, proof } = JSON.parse(init.body) as { publicKey: string; proof: string }
      const [now, again] = [
        await worker.proofOf(worker.key, proof),
        await worker.proofOf(worker.before, proof).catch(() => null),
      ]
      const confirmed = (payload: { confirmation: string }) =>
        verifyingKey(publicKey).then((key) => verified(payload.confirmation, 'klubkort-confirmation', key))
      if (now && (await confirmed(now))) {
        worker.before = worker.key
        worker.key = publicKey
      } else if (!again || publicKey !== worker.key) {
        return Response.json({ error: { code: 'proof_invalid', message: 'no' } }, { status: 401 })
      }
      if (!worker.answers) throw new Error('the answer is lost')
      return Response.json({ terminal: '4000-1', time: 77 })
    }) as unknown as typeof wire.fetch
    return { worker, wire }
  }

  async function enrolledHere() {
    const key = await keyPair(folder)
    await keepEnrolment(folder, OLD)
    return key
  }

  const start = async (key: KeyPair, wire: ReturnType<typeof wireTo>, files: Files = disk) =>
    rotation({ state: folder, enrolment: { ...OLD }, key, clock, uuid: () => crypto.randomUUID(), wire, files })

  test('is the new one for everybody who signs, here and at the worker, over a restart', async () => {
    const key = await enrolledHere()
    const before = key.publicKey
    const { worker, wire } = office(before)
    const { rotate, settle } = await start(key, wire)
    expect((await rotate()).kind).toBe('answer')
    expect(key.publicKey).not.toBe(before)
    expect(worker.key).toBe(key.publicKey)
    expect(await settle()).toBeNull()
    expect((await identityIn(folder))?.key.publicKey).toBe(key.publicKey)
    expect((await enrolment(folder))?.keySince).toBe(77)
    expect(existsSync(join(folder, 'key-rotating.json'))).toBe(false)
    expect(statSync(join(folder, 'key.json')).mode & 0o077).toBe(0)
  })

  test('stays the old one when the worker refuses', async () => {
    const key = await enrolledHere()
    const { wire } = office((await keyPair(folder, 'key-enrolling')).publicKey)
    const before = key.publicKey
    const { rotate, settle } = await start(key, wire)
    expect((await rotate()).kind).toBe('refused')
    expect(key.publicKey).toBe(before)
    expect(await settle()).toBeNull()
    expect(await heldKey(folder, 'key-rotating')).toBeNull()
  })

  test.each(everyStep)(
    'is one that the worker knows, when the power goes $when change $at of the disk',
    async ({ at, when }) => {
      const key = await enrolledHere()
      const { worker, wire } = office(key.publicKey)
      const files = dying(at, when)
      await start(key, wire, files).then(({ rotate }) => rotate().catch(() => undefined))
      const again = (await identityIn(folder))?.key as KeyPair
      const { settle } = await start(again, wire)
      expect(await settle()).toBeNull()
      expect(again.publicKey).toBe(worker.key)
      expect((await heldKey(folder, 'key'))?.publicKey).toBe(worker.key)
    },
  )

  test.each(['the question', 'the answer'])(
    'sends nothing while nobody knows which it is, because %s was lost',
    async (lost) => {
      const key = await enrolledHere()
      const { worker, wire } = office(key.publicKey)
      if (lost === 'the question') worker.reachable = false
      else worker.answers = false
      const { rotate, settle } = await start(key, wire)
      expect((await rotate()).kind).toBe('unreachable')
      expect((await settle())?.kind).toBe('unreachable')

      const again = (await identityIn(folder))?.key as KeyPair
      const restarted = await start(again, wire)
      expect((await restarted.settle())?.kind).toBe('unreachable')
      worker.reachable = true
      worker.answers = true
      expect(await restarted.settle()).toBeNull()
      expect(worker.key).toBe(again.publicKey)
    },
  )

  test('keeps nothing back once the terminal is barred, whose messages are put aside', async () => {
    const key = await enrolledHere()
    const { worker, wire } = office(key.publicKey)
    worker.reachable = false
    const { rotate, settle } = await start(key, wire)
    expect((await rotate()).kind).toBe('unreachable')
    Object.assign(worker, { reachable: true, barred: true })
    expect(await settle()).toBeNull()
    worker.barred = false
    expect(await settle()).toBeNull()
    expect(worker.key).toBe(key.publicKey)
  })
})

describe('a terminal that is enrolled again', () => {
  const NEW: Enrolment = { ...OLD, cardKey: 'B'.repeat(43), keySince: 5 }
  const begins = { seq: 41, hash: 'h'.repeat(43) }

  async function oldTerminal() {
    await keyPair(folder)
    await keepEnrolment(folder, OLD)
    const journal = openJournal(journalFile(folder))
    const sale = '01890000-0000-7000-8000-000000000001'
    const content = { card: 'c'.repeat(43), amount: 100, lines: [{ product: 1, quantity: 1, price: 100 }], at: 1 }
    await journal.append({ v: 1, kind: 'request', sale, seq: 1, prev: '', ...content }, 'old')
    journal.bar('terminal_stopped')
    journal.close()
  }

  function ended(aside: string, publicKey: string) {
    const journal = openJournal(journalFile(folder))
    expect(journal.head()).toEqual(begins)
    expect(journal.barred()).toBeNull()
    journal.close()
    const old = openJournal(join(folder, aside))
    expect(old.entry(1).jws).toBe('old')
    old.close()
    return Promise.all([identityIn(folder), heldKey(folder, 'key-enrolling')]).then(([identity, left]) => {
      expect(identity?.key.publicKey).toBe(publicKey)
      expect(identity?.enrolled).toEqual(NEW)
      expect(left).toBeNull()
    })
  }

  test.each(everyStep)(
    'is wholly the old one or the new one, when the power goes $when change $at of the disk',
    async ({ at, when }) => {
      await oldTerminal()
      const before = await identityIn(folder)
      const { publicKey } = await enrollingKey(folder)
      const aside = asideName(1_000_000)
      const files = dying(at, when)
      await take(folder, { enrolment: NEW, begins, aside }, undefined, files).catch(() => undefined)
      await complete(folder)
      if (at === 1 && when === 'before') {
        expect((await identityIn(folder))?.key.publicKey).toBe(before?.key.publicKey)
        expect((await enrollingKey(folder)).publicKey).toBe(publicKey)
      } else await ended(aside, publicKey)
    },
  )

  test('goes on after what the worker has, also in an empty folder', async () => {
    const { publicKey } = await enrollingKey(folder)
    await take(folder, { enrolment: NEW, begins, aside: null })
    const journal = openJournal(journalFile(folder))
    expect(journal.head()).toEqual(begins)
    journal.close()
    expect((await identityIn(folder))?.key.publicKey).toBe(publicKey)
    fresh()
    expect(await identityIn(folder)).toBeNull()
  })
})

describe('what the journal before has of sales', () => {
  const machine = { epoch: () => Date.now(), monotonic: () => performance.now() }
  const content = { card: 'c'.repeat(43), amount: 1500, lines: [{ product: 1, quantity: 1, price: 1500 }] }
  let worker: Awaited<ReturnType<typeof office>>
  afterEach(() => worker.close())

  /** A worker that books what it is sent, at most so many in one call, and enrols; `has` is how many it has booked. */
  async function office() {
    const desk = {
      ...{ sent: [] as string[], calls: [] as number[], has: 0, atOnce: 100 },
      ...{ enrols: [] as string[], refusal: null as string | null },
      url: '',
      close: () => void server.close(),
    }
    const server = createServer(async (request, response) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part)
      const say = (status: number, json: unknown) => response.writeHead(status).end(JSON.stringify(json))
      const refuse = (status: number, code: string) => say(status, { error: { code, message: 'no' } })
      const body = JSON.parse(Buffer.concat(parts).toString()) as { messages: string[]; publicKey: string }
      if (request.url !== '/api/terminal/messages') {
        desk.enrols.push(body.publicKey)
        if (desk.refusal !== null) return refuse(desk.refusal === 'proof_invalid' ? 401 : 409, desk.refusal)
        const prev = desk.has === 0 ? '' : await digest(desk.sent[desk.has - 1] ?? '')
        const { terminal, municipality, cardKey } = OLD
        const place = { terminal, municipality, cardKey, name: 'Disk', site: 'Klub' }
        return say(200, { ...place, nextSeq: desk.has + 1, prev, time: Date.now() })
      }
      desk.calls.push(body.messages.length)
      if (body.messages.length > desk.atOnce) return say(503, 'too much')
      desk.sent.push(...body.messages)
      desk.has = desk.sent.length
      const results = body.messages.map(messageIn).map(({ sale, seq, kind }) => {
        return { sale, seq, outcome: kind === 'reversal' ? 'reversed' : 'approved', balance: 1 }
      })
      return say(200, { results, time: Date.now(), quarantined: false })
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    desk.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return desk
  }

  beforeEach(async () => {
    worker = await office()
  })

  /** A till that has asked so many times, and lost its power then. */
  async function asked(times: number, answered: boolean) {
    const key = await keyPair(folder)
    const enrolled = { ...OLD, url: worker.url }
    await keepEnrolment(folder, enrolled)
    const journal = openJournal(journalFile(folder))
    const author = { journal, enrolment: enrolled, key, clock: learningClock(machine, 0) }
    for (let time = 0; time < times; time += 1) {
      const sale = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))
      const { seq } = await append(author, 'request', { sale, ...content })
      if (answered) journal.answer([{ sale, seq, outcome: 'approved', balance: 1 }], Date.now())
      else await append(author, 'advice', { sale, ...content })
    }
    return { journal, author }
  }

  const enrol = () => enrolHere(worker.url, '7K3M-9QXT-2ZJH-0BWE', folder, machine)
  const told = () => worker.sent.map(messageIn).map(({ seq, kind }) => `${seq} ${kind}`)

  test('goes to the worker, and what the power ended half-way is undone', async () => {
    const { journal, author } = await asked(1, false)
    const sale = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))
    await append(author, 'request', { sale, ...content })
    journal.close()
    expect((await enrol()).left).toBe(0)
    expect(told()).toEqual(['1 request', '2 advice', '3 request', '4 reversal'])
    expect(messageIn(worker.sent[3] ?? '').sale).toBe(sale)
  })

  test('goes in smaller parts to a worker that cannot take it at once', async () => {
    const { journal } = await asked(40, false)
    journal.close()
    worker.atOnce = 13
    expect((await enrol()).left).toBe(0)
    expect(worker.calls.slice(0, 3)).toEqual([50, 25, 12])
    expect(told()).toHaveLength(80)
  })

  test('is told again where a restored worker has lost it, and what that will not have is counted', async () => {
    const { journal } = await asked(3, true)
    journal.close()
    worker.sent = journalMessages(1)
    worker.has = 1
    expect((await enrol()).left).toBe(0)
    expect(told()).toEqual(['1 request', '2 request', '3 request'])

    fresh()
    const again = await asked(3, true)
    again.journal.close()
    Object.assign(worker, { has: 1, atOnce: 0 })
    expect((await enrol()).left).toBe(2)
  })

  function journalMessages(first: number): string[] {
    const journal = openJournal(journalFile(folder))
    const { jws } = journal.entry(first)
    journal.close()
    return [jws]
  }

  test('stays where somebody reads it, and nobody is enrolled until they end', async () => {
    const { journal } = await asked(3, true)
    const reader = new DatabaseSync(journalFile(folder), { readOnly: true })
    reader.prepare('SELECT count(*) FROM message').get()
    journal.close()
    Object.assign(worker, { sent: ['a', 'b', 'c'], has: 3 })
    await expect(enrol()).rejects.toThrow(/somebody reads/)
    expect(worker.enrols).toEqual([])
    // And one that begins to read at the last moment.
    const taken = { enrolment: OLD, begins: { seq: 3, hash: 'h'.repeat(43) }, aside: 'journal-aside.db' }
    await expect(take(folder, taken)).rejects.toThrow(/somebody reads/)
    reader.close()
    await complete(folder)
    const [begun, aside] = [journalFile(folder), join(folder, taken.aside)].map((path) => openJournal(path))
    expect([begun?.head().seq, begun?.oldest(), aside?.oldest(), aside?.head().seq]).toEqual([3, 4, 1, 3])
    begun?.close()
    aside?.close()
  })

  test('the key that a refused code was shown with is made anew, so that another code is good for it', async () => {
    worker.refusal = 'too_often'
    await expect(enrol()).rejects.toThrow(/too_often/)
    worker.refusal = 'code_expired'
    await expect(enrol()).rejects.toThrow(/code_expired/)
    const [first, second] = worker.enrols
    expect(second).toBe(first) // Nothing was wrong with it yet.
    worker.refusal = 'proof_invalid' // The worker has taken it, and told nobody.
    await expect(enrol()).rejects.toThrow(/proof_invalid/)
    expect(new Set(worker.enrols.slice(1)).size).toBe(3)
    worker.refusal = null
    await enrol()
    expect((await identityIn(folder))?.key.publicKey).toBe(worker.enrols.at(-1))
  })
})

test('one program at a time works in a state folder, and the next one when it has ended', () => {
  const first = hold(folder)
  expect(first).not.toBeNull()
  expect(hold(folder)).toBeNull()
  first?.release()
  const second = hold(folder)
  expect(second).not.toBeNull()
  second?.release()
})
