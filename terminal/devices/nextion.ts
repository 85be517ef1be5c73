import type { Duplex } from 'node:stream'
import { commands, refusalText } from './nextion-commands.ts'
import { type Frame, frameStream } from './nextion-frames.ts'

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
  /**
   * What touches mean, from the first pull on; earlier ones are not kept. `meaning` is asked the moment a touch arrives,
   * while what was touched still stands on the display; null is passed over. Ends on abort; throws when the display is
   * gone.
   */
  touches<T>(signal: AbortSignal, meaning: (touch: Touch) => T | null): AsyncIterable<T>
  /** Whether this model has a loudspeaker (the Intelligent series). */
  hasAudio: boolean
  /** Plays a sound that was flashed, by its number. */
  play(sound: number): Promise<void>
  /**
   * Calls back whenever what was drawn is lost or in doubt: the display has started anew, slept, lost commands in an
   * overflow, or refused one unheard. One cause may call twice.
   */
  onRestart(listener: () => void): void
  /** Resolves with the reason when the display no longer answers or its line has closed. Never rejects. */
  closed: Promise<Error>
}

/** Times in milliseconds; `attempts` is how often one command is sent before it counts as failed. */
export type NextionOptions = { timeoutMs?: number; quietMs?: number; attempts?: number }

const END = '\xff\xff\xff'
const OK = 0x01
const OVERFLOW = 0x24
/** Nobody presses more than this ahead; beyond it a finger is playing, or the line is noise. */
const TOUCHES_MAX = 16
const QUIET_ROUNDS_MAX = 25

/** Whether a frame says that what was drawn, or what has just been sent, is lost. */
function isLoss(frame: Frame): boolean {
  switch (frame.kind) {
    case 'started':
    case 'ready':
    case 'asleep':
      return true
    case 'status':
      return frame.code === OVERFLOW
    case 'awake':
    case 'touch':
    case 'page':
    case 'text':
    case 'number':
    case 'identity':
    case 'other':
      return false
  }
}

function lossText(frame: Frame): string {
  if (frame.kind === 'status') return 'lost commands: its buffer overflowed'
  return frame.kind === 'asleep' ? 'fell asleep' : 'restarted'
}

/**
 * Finds a display on an open line and makes it answer every command. Resolves when it has named itself (`comok`);
 * rejects when it does not answer. The driver owns the line from then on and destroys it when the display is gone.
 */
export async function connectNextion(port: Duplex, options: NextionOptions = {}): Promise<Nextion> {
  const { timeoutMs = 500, quietMs = 20, attempts = 3 } = options
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
  /** How often what was drawn was lost, so far and when the last command was answered. */
  let losses = 0
  let lossesAtAnswer = 0
  /** A display that sleeps shows nothing and takes no command but the one that wakes it. */
  let asleep = false
  let model = ''
  /**
   * Touches that came while a command waits for its answer, until it has come; null while none waits. Where it stays
   * out, or another one may come as well, a torn touch may have been completed by it, so none of them counts.
   */
  let unsure: Touch[] | null = null
  /** Whether answers are let pass that nobody waits for: what looks like a touch then may be made of them. */
  let settling = false
  let turn: Promise<unknown> = Promise.resolve()

  port.pipe(frameStream()).on('data', receive)
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

  /** What was drawn is lost, or in doubt. */
  function lost(): void {
    losses += 1
    inStep = false
    pages = new Set()
    if (connected) for (const listener of listeners) listener()
  }

  function touched(touch: Touch): void {
    for (const reader of readers) reader.touch(touch)
  }

  function receive(frame: Frame): void {
    if (frame.kind === 'touch') {
      const { page, component, pressed } = frame
      if (settling) return
      if (!unsure) touched({ page, component, pressed })
      else if (unsure.length < TOUCHES_MAX) unsure.push({ page, component, pressed })
      return
    }
    if (frame.kind === 'asleep') asleep = true
    else if (frame.kind === 'awake') {
      // Waking loads the page anew, as it was flashed; where the driver woke it, it draws anew in any case.
      if (!asleep) lost()
      asleep = false
    }
    if (isLoss(frame)) lost()
    if (waiting) {
      waiting(frame)
      return
    }
    // An answer that nobody waits for came twice, or belongs to a command whose own answer was taken for another's.
    if (frame.kind === 'status' && connected) {
      if (frame.code === OK) inStep = false
      else lost()
    }
  }

  /** Sends one line and waits for a frame of that kind; null when none came in time. Throws on a restart or a loss. */
  async function ask<K extends Frame['kind']>(line: string, kind: K): Promise<Extract<Frame, { kind: K }> | null> {
    if (failure) throw failure
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        timer = setTimeout(() => resolve(null), timeoutMs)
        endWaiting = reject
        unsure = []
        waiting = (frame) => {
          if (frame.kind === kind) {
            lossesAtAnswer = losses
            resolve(frame as Extract<Frame, { kind: K }>)
            const sure = unsure ?? []
            unsure = null
            // Some firmware answers `sendme` with a status as well as the page.
            if (kind === 'status') for (const touch of sure) touched(touch)
          } else if (isLoss(frame)) reject(new Error(`the display ${lossText(frame)}`))
        }
        port.write(Buffer.from(line + END, 'latin1'))
      })
    } finally {
      clearTimeout(timer)
      waiting = null
      endWaiting = null
      unsure = null
    }
  }

  /** Lets answers pass that nobody waits for any more; a line that never falls silent is not waited out. */
  async function quiet(): Promise<void> {
    let heard = true
    settling = true
    for (let round = 0; heard && round < QUIET_ROUNDS_MAX; round++) {
      heard = false
      waiting = () => {
        heard = true
      }
      await new Promise((resolve) => setTimeout(resolve, quietMs))
    }
    waiting = null
    settling = false
    if (failure) throw failure
  }

  /**
   * Brings line and display back in step. The first FF FF FF ends whatever half a command the display still holds;
   * everything before the answer to `sendme` belongs to earlier commands; then every answer is switched on again, since
   * a restart switches them off. A page that nobody asked for shows a restart whose messages were lost.
   */
  async function resync(): Promise<void> {
    const lossesBefore = losses
    // A display that starts meanwhile costs no attempt, as long as it does not do so again and again.
    for (let attempt = 1; attempt <= attempts + Math.min(attempts, losses - lossesBefore); attempt++) {
      const shown = await pageInStep()
      if (shown === null) continue
      inStep = true
      if (pages.size > 0 && !pages.has(shown)) {
        lost()
        throw new Error('the display restarted')
      }
      return
    }
    const reason = new Error(`the display does not answer (${attempts} attempts of ${timeoutMs} ms)`)
    gone(reason)
    throw reason
  }

  /** The page shown, when the display has come in step; null when it has not. */
  async function pageInStep(): Promise<number | null> {
    try {
      if (asleep) {
        await ask(`${END}sleep=0`, 'awake')
        await quiet()
      }
      const shown = await ask(`${END}sendme`, 'page')
      if (!shown) return null
      asleep = false
      await quiet()
      const answer = await ask('bkcmd=3', 'status')
      return answer?.code === OK ? shown.page : null
    } catch (error) {
      // What is lost meanwhile has been told; a display that starts says so in two messages.
      if (failure) throw error
      return null
    }
  }

  /**
   * Sends one command until it is taken. Where what was drawn before it is lost meanwhile, only a command that draws
   * `anew` is worth sending still.
   */
  async function send(line: string, anew = false): Promise<void> {
    const lossesBefore = losses
    let problem = ''
    let refused = false
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (!inStep) await resync()
      if (losses !== lossesBefore && !anew) throw new Error('the display restarted')
      const answer = await ask(line, 'status')
      if (answer?.code === OK) {
        if (losses !== lossesAtAnswer) throw new Error('the display restarted')
        // What is taken now was not at fault: the refusal may have been the answer to an earlier command.
        if (refused && !anew) lost()
        return
      }
      refused ||= answer !== null
      // A refusal is tried again too: noise on the line turns a good command into a bad one.
      inStep = false
      problem = answer
        ? `refused '${line}': ${refusalText(answer.code)}`
        : `did not answer '${line}' within ${timeoutMs} ms`
    }
    throw new Error(`the display ${problem}`)
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  async function* touches<T>(signal: AbortSignal, meaning: (touch: Touch) => T | null): AsyncGenerator<T> {
    const queue: T[] = []
    let wake = () => {}
    const reader = {
      touch(touch: Touch) {
        const meant = meaning(touch)
        if (meant !== null && queue.length < TOUCHES_MAX) queue.push(meant)
        wake()
      },
      end: () => wake(),
    }
    const onAbort = () => wake()
    readers.add(reader)
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        const meant = queue.shift()
        if (meant !== undefined) yield meant
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
        const identity = await ask('connect', 'identity')
        if (!identity) continue
        // 'comok 1,101-0,NX8048P050_011R,163,61488,D264B8204F0E1828,16777216'
        model = identity.text.split(',')[2] ?? ''
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
        await send(commands.page(id), true)
        pages = new Set([id])
      }),
    text: (component, value) => inTurn(() => send(commands.text(component, value))),
    visible: (component, on) => inTurn(() => send(commands.visible(component, on))),
    touches,
    hasAudio: /^NX\d+P/.test(model),
    play: (sound) => inTurn(() => send(commands.play(sound))),
    onRestart(listener) {
      listeners.add(listener)
    },
    closed,
  }
}
