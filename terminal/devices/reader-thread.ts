import { Worker } from 'node:worker_threads'
import { type CardMemory, type CardReader, ReaderFailure, type Tap } from './card-reader.ts'
import type { Order, Question, ReaderSettings, ToldTap, Word } from './reader-messages.ts'

// The thread gives a sign about once a second. Two looks without one: it hangs, in the kernel or in the driver.
const LOOK_MS = 3_000
const MEMORY_WAIT_MS = 1_000
const STOP_WAIT_MS = 1_000
const DIED = "the card reader's thread died"

/** A question without its number, which the one who sends it gives. */
type Asked = { kind: 'read'; slot: 0 | 1 } | { kind: 'write'; slot: 0 | 1; bytes: Uint8Array }
type Answer = Extract<Word, { kind: 'answer' }>['answer']

/**
 * The card reader on an SPI device such as '/dev/spidev0.0', in a thread of its own: polling and waiting for the chip
 * never hold up the till. The thread starts with the first taps; one that dies or hangs ends them with an error, and the
 * next taps start another. `alive` is called about once a second while the reader is polled, and at each tap.
 */
export function readerThread(settings: ReaderSettings, alive: () => void = () => undefined): CardReader {
  let thread: Thread | null = null
  let rounds = 0
  return {
    async *taps(signal) {
      if (signal.aborted) return
      if (!thread?.lives()) thread = startThread(settings)
      const { say, ask, round } = thread
      const number = ++rounds
      const words = round(number, alive)
      const stop = () => say({ kind: 'stop' })
      signal.addEventListener('abort', stop, { once: true })
      say({ kind: 'start', round: number })
      let over = false
      try {
        while (true) {
          const word = await words.next()
          switch (word.kind) {
            case 'tap':
              yield* withMemory(word.tap, ask)
              say({ kind: 'next' })
              break
            case 'ended':
              over = true
              return
            case 'failed':
              over = true
              throw word.fault ? new ReaderFailure(word.fault, word.message) : new Error(word.message)
          }
        }
      } finally {
        signal.removeEventListener('abort', stop)
        if (!over) await words.stop() // The consumer has left, or the thread is dead.
        words.close()
      }
    },
  }
}

/** A tap whose memory is asked for in the other thread, until the consumer asks for the next. */
function* withMemory(told: ToldTap, ask: Thread['ask']): Generator<Tap> {
  if (told.kind === 'unreadable') {
    yield told
    return
  }
  const { uid, type, hasMemory } = told
  let lies = true
  const memory: CardMemory = {
    async read(slot) {
      const bytes = lies ? await ask({ kind: 'read', slot }) : null
      return bytes instanceof Uint8Array ? bytes : null
    },
    async write(slot, bytes) {
      const said = lies ? await ask({ kind: 'write', slot, bytes }) : null
      return said === 'written' || said === 'torn' ? said : 'gone'
    },
  }
  try {
    yield { kind: 'card', uid, type, memory: hasMemory ? memory : null }
  } finally {
    lies = false
  }
}

type Turn = Exclude<Word, { kind: 'alive' | 'answer' }>
type Thread = ReturnType<typeof startThread>

function startThread(settings: ReaderSettings) {
  const worker = new Worker(new URL('./reader-loop.ts', import.meta.url), { workerData: settings, name: 'card reader' })
  const answers = new Map<number, (answer: Answer) => void>()
  let questions = 0
  let death: Error | null = null
  let hear = (_: Word) => {}
  let lose = (_: Error) => {}

  const die = (error: Error) => {
    death ??= error
    for (const resolve of answers.values()) resolve(null)
    lose(death)
  }
  worker.on('message', (word: Word) => {
    if (word.kind !== 'answer') return hear(word)
    answers.get(word.id)?.(word.answer)
    hear(word)
  })
  worker.on('error', (error) => die(new Error(`${DIED}: ${String(error)}`)))
  worker.on('exit', () => die(new Error(DIED)))
  worker.unref()

  const say = (order: Order) => worker.postMessage(order)

  return {
    say,
    lives: () => death === null,

    /** Asks about the card's memory; null when no answer comes in time. */
    async ask(asked: Asked): Promise<Answer> {
      const id = ++questions
      if (death) return null
      let late: NodeJS.Timeout | undefined
      try {
        return await new Promise<Answer>((resolve) => {
          late = setTimeout(resolve, MEMORY_WAIT_MS, null)
          answers.set(id, resolve)
          say({ ...asked, id } satisfies Question)
        })
      } finally {
        clearTimeout(late)
        answers.delete(id)
      }
    },

    /** What is said in one round of taps. While somebody waits for it the process stays up, and a thread that hangs dies. */
    round(number: number, alive: () => void) {
      const heard: Turn[] = []
      let wake = () => {}
      let signs = 1
      hear = (word) => {
        signs += 1
        // That a reader has failed is a sign of the thread, and none of the reader.
        if (word.kind === 'alive' || word.kind === 'tap') alive()
        if (word.kind === 'alive' || word.kind === 'answer' || word.round !== number) return
        heard.push(word)
        wake()
      }
      lose = () => wake()

      /** Waits for `ready`; at each look `trouble` may say why the thread is given up. */
      const until = async (ready: () => boolean, lookMs: number, trouble: () => Error | null) => {
        worker.ref()
        const looking = setInterval(() => {
          const error = trouble()
          if (!error) return
          die(error)
          void worker.terminate()
        }, lookMs)
        try {
          while (!ready() && !death) {
            await new Promise<void>((resolve) => {
              wake = resolve
            })
          }
        } finally {
          clearInterval(looking)
          worker.unref()
        }
      }

      return {
        async next(): Promise<Turn> {
          let before = signs - 1
          const silent = () => {
            const hangs = signs === before
            before = signs
            return hangs ? new ReaderFailure('broken', 'the card reader hangs: its thread gives no sign') : null
          }
          await until(() => heard.length > 0, LOOK_MS, silent)
          const word = heard.shift()
          if (word) return word
          throw death ?? new Error(DIED)
        },

        /** Ends the round from this side; a thread that does not listen is ended with it. */
        async stop() {
          say({ kind: 'stop' })
          const ended = () => heard.some(({ kind }) => kind === 'ended' || kind === 'failed')
          await until(ended, STOP_WAIT_MS, () => new Error('the card reader hangs: its thread does not end'))
        },

        close() {
          hear = lose = () => {}
        },
      }
    },
  }
}
