import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type Key, keypadKeys, pressedKeys } from '../terminal/devices/keypad.ts'
import { keyedScreen, pressesOf } from '../terminal/screen/keyed-screen.ts'
import type { Press, Screen, View } from '../terminal/screen/view.ts'

const folder = mkdtempSync(join(tmpdir(), 'klubkort-keypad-'))
afterAll(() => rmSync(folder, { recursive: true }))
let pipes = 0

/** linux/input-event-codes.h */
const KEY = {
  ...{ ESC: 1, MINUS: 12, BACKSPACE: 14, ENTER: 28, KP7: 71, KPMINUS: 74, KP1: 79, KP0: 82, KPDOT: 83, KPENTER: 96 },
  ...{ KPCOMMA: 121, A: 30, FIVE: 6 },
}

/** struct input_event of a 64-bit kernel, with a time that is full of bytes. */
function event(type: number, code: number, value: number): Buffer {
  const bytes = Buffer.alloc(24, 0xab)
  bytes.writeUInt16LE(type, 16)
  bytes.writeUInt16LE(code, 18)
  bytes.writeInt32LE(value, 20)
  return bytes
}

/** What a kernel reports of a key that goes down and up again: its scan code, the key, and that this was all. */
function stroke(code: number): Buffer {
  const end = event(0, 0, 0)
  return Buffer.concat([event(4, 4, 458_000), event(1, code, 1), end, event(4, 4, 458_000), event(1, code, 0), end])
}

/** A keypad that is a pipe: what is written to it is read as from the device. */
async function keypad(): Promise<{ path: string; plug(): Promise<FileHandle> }> {
  pipes += 1
  const path = join(folder, `event${pipes}`)
  execFileSync('mkfifo', [path])
  return { path, plug: () => open(path, 'w') }
}

const SALE: View = {
  kind: 'sale',
  title: 'Kantinen',
  products: [],
  morePages: false,
  cart: [],
  total: '0,00 kr',
  prompt: '',
  idle: true,
  online: true,
  canUndo: false,
}
const KEYPAD: View = { kind: 'keypad', amount: '' }
const ANSWER: View = { kind: 'answer', meaning: 'approved', headline: 'Godkendt', detail: '' }
const digit = (value: number): Key => ({ kind: 'digit', digit: value })

describe("a keypad's bytes", () => {
  test('are the keys that went down, and nothing for letting go, holding down or other keys', () => {
    const read = pressedKeys()
    const bytes = Buffer.concat([
      ...[stroke(KEY.KP0), stroke(KEY.KP1), stroke(KEY.KP7), stroke(KEY.FIVE)],
      ...[stroke(KEY.KPDOT), stroke(KEY.KPCOMMA), stroke(KEY.KPENTER), stroke(KEY.ENTER)],
      ...[stroke(KEY.BACKSPACE), stroke(KEY.ESC), stroke(KEY.KPMINUS), stroke(KEY.MINUS), stroke(KEY.A)],
      event(1, KEY.KP1, 2),
      event(2, KEY.KP1, 1),
    ])
    expect(read(bytes)).toEqual([
      ...[digit(0), digit(1), digit(7), digit(5)],
      ...[{ kind: 'comma' }, { kind: 'comma' }, { kind: 'enter' }, { kind: 'enter' }],
      ...[{ kind: 'erase' }, { kind: 'escape' }, { kind: 'minus' }, { kind: 'minus' }],
    ])
  })

  test('cut anywhere are the same keys', () => {
    const bytes = Buffer.concat([stroke(KEY.KP7), stroke(KEY.KPDOT), stroke(KEY.KP1), stroke(KEY.KPENTER)])
    const whole = pressedKeys()(bytes)
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 10 }), (cuts) => {
        const ends = [...cuts, bytes.length].sort((a, b) => a - b)
        const read = pressedKeys()
        expect(ends.flatMap((end, index) => read(bytes.subarray(ends[index - 1] ?? 0, end)))).toEqual(whole)
      }),
    )
  })

  test('of any kind break nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (chunks) => {
        const read = pressedKeys()
        for (const chunk of chunks) read(chunk)
      }),
      { numRuns: 2_000, seed: 20_261_121 },
    )
  })
})

describe('a keypad', () => {
  test('is read until it is unplugged, which is told', async () => {
    const { path, plug } = await keypad()
    const keys: Key[] = []
    const reading = (async () => {
      for await (const key of keypadKeys(path, new AbortController().signal)) keys.push(key)
    })()
    const heard = expect(reading).rejects.toThrow(`the keypad at ${path} is gone`)
    const hand = await plug()
    await hand.write(Buffer.concat([stroke(KEY.KP1), stroke(KEY.KPENTER)]))
    await expect.poll(() => keys).toEqual([digit(1), { kind: 'enter' }])
    await hand.close()
    await heard
  })

  test('that is not there is told with its path and the reason', async () => {
    const path = join(folder, 'none')
    const reading = keypadKeys(path, new AbortController().signal).next()
    await expect(reading).rejects.toThrow(/the keypad at .*none is gone: .*No such file/)
  })

  test('that is no longer listened to is let go', async () => {
    const { path, plug } = await keypad()
    const ended = new AbortController()
    const next = keypadKeys(path, ended.signal).next()
    const hand = await plug()
    ended.abort()
    expect((await next).done).toBe(true)
    await hand.close()
  })
})

describe('a screen with a keypad', () => {
  /** A screen without buttons, which shows whatever it is given. */
  const mute: Screen = {
    show: async () => undefined,
    presses: (signal) => ({
      [Symbol.asyncIterator]: () => ({
        next: () =>
          new Promise((resolve) => {
            signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true })
          }),
      }),
    }),
  }

  test('takes each key for what it means in the view', () => {
    expect(pressesOf(digit(7), SALE)).toEqual([{ kind: 'keypad' }, digit(7)])
    expect(pressesOf({ kind: 'minus' }, SALE)).toEqual([{ kind: 'undo' }])
    expect(pressesOf({ kind: 'escape' }, SALE)).toEqual([{ kind: 'clear' }])
    expect(pressesOf({ kind: 'enter' }, SALE)).toEqual([])
    expect(pressesOf(digit(7), KEYPAD)).toEqual([digit(7)])
    expect(pressesOf({ kind: 'comma' }, KEYPAD)).toEqual([{ kind: 'comma' }])
    expect(pressesOf({ kind: 'erase' }, KEYPAD)).toEqual([{ kind: 'erase' }])
    expect(pressesOf({ kind: 'enter' }, KEYPAD)).toEqual([{ kind: 'ok' }])
    expect(pressesOf({ kind: 'minus' }, KEYPAD)).toEqual([{ kind: 'cancel' }])
    expect(pressesOf(digit(1), ANSWER)).toEqual([{ kind: 'dismiss' }])
    expect(pressesOf(digit(1), { kind: 'message', headline: '', detail: '' })).toEqual([])
  })

  test('keys in an amount, is unplugged in the middle of it, and goes on when it is back', async () => {
    const { path, plug } = await keypad()
    const told: (string | null)[] = []
    const screen = keyedScreen(
      mute,
      (signal) => keypadKeys(path, signal),
      (trouble) => told.push(trouble),
      { retryMs: 20 },
    )
    const presses: Press[] = []
    const ended = new AbortController()
    await screen.show(SALE)
    const loop = (async () => {
      for await (const press of screen.presses(ended.signal)) {
        presses.push(press)
        if (press.kind === 'keypad') await screen.show(KEYPAD)
        if (press.kind === 'ok') await screen.show(SALE)
      }
    })()
    const first = await plug()
    await first.write(Buffer.concat([stroke(KEY.KP1), stroke(KEY.KP7), stroke(KEY.KPDOT).subarray(0, 40)]))
    await expect.poll(() => presses.length).toBe(3)
    await first.close()
    await expect.poll(() => told.length).toBe(1)
    const second = await plug()
    await second.write(Buffer.concat([stroke(KEY.KPCOMMA), stroke(KEY.FIVE), stroke(KEY.KPENTER)]))
    await expect
      .poll(() => presses)
      .toEqual([...[{ kind: 'keypad' }, digit(1), digit(7), { kind: 'comma' }, digit(5), { kind: 'ok' }]])
    expect(told).toEqual([expect.stringContaining('is gone'), null])
    ended.abort()
    await second.close()
    await loop
  })

  test('goes on without a keypad that is missing, and says so once', async () => {
    const told: (string | null)[] = []
    const screen = keyedScreen(
      mute,
      (signal) => keypadKeys(join(folder, 'missing'), signal),
      (trouble) => told.push(trouble),
      { retryMs: 10 },
    )
    const ended = new AbortController()
    await screen.show(SALE)
    const next = screen.presses(ended.signal)[Symbol.asyncIterator]().next()
    await sleep(200)
    await screen.show(ANSWER)
    ended.abort()
    expect((await next).done).toBe(true)
    expect(told.length).toBe(1)
  })

  test('drops what was typed before an answer came, so that it is seen', async () => {
    const { path, plug } = await keypad()
    const screen = keyedScreen(
      mute,
      (signal) => keypadKeys(path, signal),
      () => undefined,
    )
    const ended = new AbortController()
    await screen.show(SALE)
    const presses = screen.presses(ended.signal)[Symbol.asyncIterator]()
    const first = presses.next()
    const hand = await plug()
    await hand.write(Buffer.concat([stroke(KEY.KPMINUS), stroke(KEY.KP1), stroke(KEY.KP1)]))
    expect((await first).value).toEqual({ kind: 'undo' })
    await sleep(50)
    await screen.show(ANSWER)
    const next = presses.next()
    await hand.write(stroke(KEY.KPENTER))
    expect((await next).value).toEqual({ kind: 'dismiss' })
    const none = presses.next()
    await sleep(20)
    ended.abort()
    expect((await none).done).toBe(true)
    await hand.close()
    await unlink(path)
  })
})
