import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { type CardMemory, ReaderFailure, type Tap } from './card-reader.ts'
import { mfrc522 } from './mfrc522.ts'
import type { Order, Question, ReaderSettings, ToldTap, Word } from './reader-messages.ts'
import { sectorKeysOf } from './sector-key.ts'
import { openSpi } from './spi.ts'

// The reader's thread. Waiting for the chip blocks it, and nothing else. It outlives a reader that fails: spi-device can
// be loaded once in a process, and again only where the thread that had it is gone.
const port = parentPort
if (!port) throw new Error('the reader loop runs in a thread of its own')
const { device, pollMs, cardKey } = workerData as ReaderSettings
const POLLS_PER_SIGN = Math.ceil(1_000 / pollMs)

let stopped = new AbortController()
let memory: CardMemory | null = null
let goOn = () => {}

const say = (word: Word) => port.postMessage(word)

function told(tap: Tap): ToldTap {
  if (tap.kind === 'unreadable') return tap
  return { kind: 'card', uid: tap.uid, type: tap.type, hasMemory: tap.memory !== null }
}

async function run(round: number) {
  stopped = new AbortController()
  const { signal } = stopped
  let polls = 0
  const sleep = async (ms: number) => {
    if (polls % POLLS_PER_SIGN === 0) say({ kind: 'alive', round })
    polls += 1
    await setTimeout(ms, undefined, { signal })
  }
  try {
    const bus = await openSpi(device)
    try {
      for await (const tap of mfrc522(bus, { pollMs, sleep, sectorKeys: sectorKeysOf(cardKey) }).taps(signal)) {
        memory = tap.kind === 'card' ? tap.memory : null
        const asked = new Promise<void>((resolve) => {
          goOn = resolve
        })
        say({ kind: 'tap', round, tap: told(tap) })
        await asked
        memory = null
      }
    } finally {
      bus.close()
    }
    say({ kind: 'ended', round })
  } catch (error) {
    const fault = error instanceof ReaderFailure ? error.fault : null
    say({ kind: 'failed', round, fault, message: error instanceof Error ? error.message : String(error) })
  }
}

async function answer(question: Question) {
  switch (question.kind) {
    case 'read':
      return say({ kind: 'answer', id: question.id, answer: (await memory?.read(question.slot)) ?? null })
    case 'write': {
      const { id, slot, bytes } = question
      return say({ kind: 'answer', id, answer: (await memory?.write(slot, bytes)) ?? 'gone' })
    }
  }
}

port.on('message', (order: Order) => {
  switch (order.kind) {
    case 'start':
      void run(order.round)
      break
    case 'next':
      goOn()
      break
    case 'stop':
      stopped.abort()
      goOn()
      break
    case 'read':
    case 'write':
      void answer(order)
  }
})
