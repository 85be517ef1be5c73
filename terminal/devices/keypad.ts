import { spawn } from 'node:child_process'

/** A key of a numeric keypad, whichever way the model sends it. */
export type Key = { kind: 'digit'; digit: number } | { kind: 'comma' | 'enter' | 'erase' | 'escape' | 'minus' }

/** struct input_event on a 64-bit kernel: seconds and microseconds of 8 bytes each, type and code of 2, value of 4. */
const EVENT_BYTES = 24
const TYPE_AT = 16
const CODE_AT = 18
const VALUE_AT = 20
const EV_KEY = 1
const PRESSED = 1

const digit = (value: number): Key => ({ kind: 'digit', digit: value })
const COMMA: Key = { kind: 'comma' }
const ENTER: Key = { kind: 'enter' }
const ERASE: Key = { kind: 'erase' }
const ESCAPE: Key = { kind: 'escape' }
const MINUS: Key = { kind: 'minus' }

/** linux/input-event-codes.h: the keypad's own keys, and those of the main block that some keypads send instead. */
const KEYS = new Map<number, Key>([
  ...[82, 79, 80, 81, 75, 76, 77, 71, 72, 73].map((code, value) => [code, digit(value)] as const), // KEY_KP0 … KEY_KP9
  ...[11, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((code, value) => [code, digit(value)] as const), // KEY_0 … KEY_9
  [83, COMMA], // KEY_KPDOT
  [121, COMMA], // KEY_KPCOMMA
  [51, COMMA], // KEY_COMMA
  [52, COMMA], // KEY_DOT
  [96, ENTER], // KEY_KPENTER
  [28, ENTER], // KEY_ENTER
  [14, ERASE], // KEY_BACKSPACE
  [111, ERASE], // KEY_DELETE
  [1, ESCAPE], // KEY_ESC
  [74, MINUS], // KEY_KPMINUS
  [12, MINUS], // KEY_MINUS
])

/**
 * Makes a reader of evdev's bytes: chunks in, the keys that were pressed out, wherever the chunks were cut. Letting go,
 * repetition of a key held down, and every other event or key are passed over.
 */
export function pressedKeys(): (chunk: Uint8Array) => Key[] {
  let held: Uint8Array = new Uint8Array()
  return (chunk) => {
    const bytes = Buffer.concat([held, chunk])
    const keys: Key[] = []
    let from = 0
    for (; from + EVENT_BYTES <= bytes.length; from += EVENT_BYTES) {
      if (bytes.readUInt16LE(from + TYPE_AT) !== EV_KEY || bytes.readInt32LE(from + VALUE_AT) !== PRESSED) continue
      const key = KEYS.get(bytes.readUInt16LE(from + CODE_AT))
      if (key) keys.push(key)
    }
    held = bytes.subarray(from)
    return keys
  }
}

/**
 * The keys pressed on a keypad, a device file such as `/dev/input/by-id/usb-…-event-kbd`, from the first pull on. Ends
 * on abort; throws when the device cannot be opened or has been unplugged.
 *
 * Another process reads the device: a read waits for as long as nobody presses a key, and inside this one it would keep
 * a thread that all other files need, and the program from ending.
 */
export async function* keypadKeys(path: string, signal: AbortSignal): AsyncGenerator<Key> {
  if (signal.aborted) return
  const reader = spawn('cat', ['--', path], { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  reader.stderr.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-500)
  })
  const ended = new Promise<string>((resolve) => {
    reader.once('error', (error) => resolve(error.message))
    reader.once('close', () => resolve(complaint.trim() || 'it ended'))
  })
  const stop = () => reader.kill()
  signal.addEventListener('abort', stop)
  try {
    const keysIn = pressedKeys()
    for await (const chunk of reader.stdout) yield* keysIn(chunk as Buffer)
    const reason = await ended
    if (!signal.aborted) throw new Error(`the keypad at ${path} is gone: ${reason}`)
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}
