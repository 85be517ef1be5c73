import type { Duplex } from 'node:stream'
import { type Frame, nextionFrames } from './nextion-frames.ts'

/** A finger on a component, or lifted off it, by the numbers the display was flashed with. Untrusted. */
export type Touch = { page: number; component: number; pressed: boolean }

/**
 * A Nextion display on a serial line. Commands are sent one at a time, in the order of the calls, and each is done when
 * the display has answered it. A command rejects when the display refuses it, when the display restarted meanwhile, or
 * when the display is gone.
 */
export type Nextion = {
  /** Shows a page; its components return to what was flashed. */
  page(id: number): Promise<void>
  /** Sets the text of a component of the page shown. What ISO-8859-1 lacks is replaced or left out; '\n' breaks a line. */
  text(component: string, value: string): Promise<void>
  /** Shows or hides a component of the page shown. */
  visible(component: string, on: boolean): Promise<void>
  /** Touches from the first pull on; earlier ones are not kept. Ends on abort; throws when the display is gone. */
  touches(signal: AbortSignal): AsyncIterable<Touch>
  /** Calls back whenever the display has started anew and what was drawn is lost; one start may call twice. */
  onRestart(listener: () => void): void
  /** Resolves with the reason when the display no longer answers or its line has closed. Never rejects. */
  closed: Promise<Error>
}

/** Times in milliseconds; `attempts` is how often one command is sent before it counts as failed. */
export type NextionOptions = { timeoutMs?: number; quietMs?: number; attempts?: number }

const END = '\xff\xff\xff'
const OK = 0x01
/** The display's serial buffer holds 1024 bytes, and an escaped character takes two of them. */
const TEXT_MAX = 480
/** Nobody presses more than this ahead; beyond it a finger is playing, or the line is noise. */
const TOUCHES_MAX = 16
const QUIET_ROUNDS_MAX = 25

const STATUS = new Map([
  [0x00, 'invalid instruction'],
  [0x02, 'invalid component'],
  [0x03, 'invalid page'],
  [0x1a, 'invalid variable'],
  [0x1b, 'invalid operation'],
  [0x1c, 'assignment failed'],
  [0x1e, 'wrong number of parameters'],
  [0x20, 'invalid escape'],
  [0x23, 'name too long'],
  [0x24, 'buffer overflow'],
])

/** What text from the office may contain and ISO-8859-1 lacks. A lost minus would turn a debt into money. */
const REPLACEMENTS = new Map([
  ['\u2212', '-'],
  ['\u2010', '-'],
  ['\u2011', '-'],
  ['\u2013', '-'],
  ['\u2014', '-'],
  ['\u2018', "'"],
  ['\u2019', "'"],
  ['\u201c', '"'],
  ['\u201d', '"'],
  ['\u2026', '...'],
  ['\u2022', '\u00b7'],
  ['\u20ac', 'EUR'],
  ['\u00a0', ' '],
  ['\u202f', ' '],
  ['\u2009', ' '],
  ['\t', ' '],
  // Three of these are the end of a command, so the letter itself must never be sent.
  ['\u00ff', 'y'],
  ['\u0178', 'Y'],
])

/**
 * Text as the display can show it: ISO-8859-1 from 20 to FE without the control codes, and '\r' for a line break.
 * Common signs outside it are replaced by their likeness, everything else is left out.
 */
export function displayText(value: string): string {
  const replaced = Array.from(value.normalize('NFC').replaceAll(/\r?\n/g, '\r'), (letter) => {
    const likeness = REPLACEMENTS.get(letter) ?? letter
    return /^(?:\r|[ -~\xa1-\xac\xae-\xfe]+)$/.test(likeness) ? likeness : ''
  })
  return replaced.join('').slice(0, TEXT_MAX)
}

function quoted(value: string): string {
  const escaped = displayText(value).replaceAll(/[\\"\r]/g, (sign) => (sign === '\r' ? '\\r' : `\\${sign}`))
  return `"${escaped}"`
}

function named(component: string): string {
  if (!/^[A-Za-z]\w{0,13}$/.test(component)) throw new RangeError(`not a component name: '${component}'`)
  return component
}

/**
 * Finds a display on an open line and makes it answer every command. Resolves when it has named itself (`comok`);
 * rejects when it does not answer. The driver owns the line from then on and destroys it when the display is gone.
 */
export async function connectNextion(port: Duplex, options: NextionOptions = {}): Promise<Nextion> {
  const { timeoutMs = 500, quietMs = 20, attempts = 3 } = options
  const parse = nextionFrames()
  const listeners = new Set<() => void>()
  const readers = new Set<{ touch(touch: Touch): void; end(): void }>()
  let waiting: ((frame: Frame) => void) | null = null
  let failure: Error | null = null
  let endWaiting: ((reason: Error) => void) | null = null
  let tellClosed: (reason: Error) => void = () => {}
  const closed = new Promise<Error>((resolve) => {
    tellClosed = resolve
  })
  /** The pages that the display may be showing; empty when it is not known. */
  let pages = new Set<number>()
  /** Whether the display is known to be at the start of a command, with every answer switched on. */
  let inStep = false
  let connected = false
  let turn: Promise<unknown> = Promise.resolve()

  port.on('data', (chunk: Uint8Array) => {
    for (const frame of parse(chunk)) receive(frame)
  })
  port.on('error', (error: Error) => gone(new Error(`the display's line failed: ${error.message}`)))
  port.on('end', () => gone(new Error("the display's line ended")))
  port.on('close', () => gone(new Error("the display's line closed")))

  function gone(reason: Error): void {
    if (failure) return
    failure = reason
    tellClosed(reason)
    endWaiting?.(reason)
    for (const reader of readers) reader.end()
    port.destroy()
  }

  function restarted(): void {
    inStep = false
    pages = new Set()
    if (connected) for (const listener of listeners) listener()
  }

  function receive(frame: Frame): void {
    if (frame.kind === 'touch') {
      const { page, component, pressed } = frame
      for (const reader of readers) reader.touch({ page, component, pressed })
      return
    }
    if (frame.kind === 'started' || frame.kind === 'ready') restarted()
    waiting?.(frame)
  }

  /** Sends one line and waits for a frame of that kind; null when none came in time. Throws on a restart or a loss. */
  async function ask<K extends Frame['kind']>(line: string, kind: K): Promise<Extract<Frame, { kind: K }> | null> {
    if (failure) throw failure
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => resolve(null), timeoutMs)
        endWaiting = reject
        waiting = (frame) => {
          if (frame.kind === kind) resolve(frame as Extract<Frame, { kind: K }>)
          else if (frame.kind === 'started' || frame.kind === 'ready') reject(new Error('the display restarted'))
        }
        port.write(Buffer.from(line + END, 'latin1'))
      })
    } finally {
      clearTimeout(timer)
      waiting = null
      endWaiting = null
    }
  }

  /** Lets answers pass that nobody waits for any more; a line that never falls silent is not waited out. */
  async function quiet(): Promise<void> {
    let heard = true
    for (let round = 0; heard && round < QUIET_ROUNDS_MAX; round++) {
      heard = false
      waiting = () => {
        heard = true
      }
      await new Promise((resolve) => setTimeout(resolve, quietMs))
    }
    waiting = null
    if (failure) throw failure
  }

  /**
   * Brings line and display back in step. The first FF FF FF ends whatever half a command the display still holds;
   * everything before the answer to `sendme` belongs to earlier commands; then every answer is switched on again, since
   * a restart switches them off. A page that nobody asked for shows a restart whose messages were lost.
   */
  async function resync(): Promise<void> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const shown = await ask(`${END}sendme`, 'page')
      if (!shown) continue
      await quiet()
      const answer = await ask('bkcmd=3', 'status')
      if (answer?.code !== OK) continue
      inStep = true
      if (pages.size > 0 && !pages.has(shown.page)) {
        restarted()
        throw new Error('the display restarted')
      }
      return
    }
    const reason = new Error(`the display does not answer (${attempts} attempts of ${timeoutMs} ms)`)
    gone(reason)
    throw reason
  }

  async function send(line: string): Promise<void> {
    let problem = ''
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (!inStep) await resync()
      const answer = await ask(line, 'status')
      if (answer?.code === OK) return
      // A refusal is tried again too: noise on the line turns a good command into a bad one.
      inStep = false
      problem = answer
        ? `refused '${line}': ${STATUS.get(answer.code) ?? 'status'} (0x${answer.code.toString(16).padStart(2, '0')})`
        : `did not answer '${line}' within ${timeoutMs} ms`
    }
    throw new Error(`the display ${problem}`)
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  async function* touches(signal: AbortSignal): AsyncGenerator<Touch> {
    const queue: Touch[] = []
    let wake = () => {}
    const reader = {
      touch(touch: Touch) {
        if (queue.length < TOUCHES_MAX) queue.push(touch)
        wake()
      },
      end: () => wake(),
    }
    const onAbort = () => wake()
    readers.add(reader)
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        const touch = queue.shift()
        if (touch) yield touch
        else if (failure) throw failure
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      readers.delete(reader)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async function greet(): Promise<void> {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      try {
        // The start messages may have gone by long ago, and the display may hold half a command of an earlier program.
        // No display knows this word, so whatever it answers, it is at the start of a command afterwards.
        port.write(Buffer.from(`${END}DRAKJHSUYDGBNCJHGJKSHBDN${END}`, 'latin1'))
        await quiet()
        if (!(await ask('connect', 'identity'))) continue
        await quiet()
        await resync()
        return
      } catch (error) {
        // A display that starts while it is being greeted is greeted again.
        if (failure || attempt === attempts) throw error
      }
    }
    throw new Error(`no display answered 'connect' (${attempts} attempts of ${timeoutMs} ms)`)
  }

  try {
    await greet()
  } catch (error) {
    gone(error as Error)
    throw error
  }
  connected = true

  return {
    page: (id) =>
      inTurn(async () => {
        // Until the display has answered it may show either page, and must not be taken for restarted.
        if (pages.size > 0) pages.add(id)
        await send(`page ${id}`)
        pages = new Set([id])
      }),
    text: (component, value) => inTurn(() => send(`${named(component)}.txt=${quoted(value)}`)),
    visible: (component, on) => inTurn(() => send(`vis ${named(component)},${on ? 1 : 0}`)),
    touches,
    onRestart(listener) {
      listeners.add(listener)
    },
    closed,
  }
}
