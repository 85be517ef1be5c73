import { rmSync } from 'node:fs'
import { duplexPair } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { customerDisplay } from '../terminal/devices/customer-display.ts'
import type { Key } from '../terminal/devices/keypad.ts'
import type { KeyPair } from '../terminal/identity.ts'
import { keyedScreen } from '../terminal/keyed-screen.ts'
import { poleScreen } from '../terminal/pole-screen.ts'
import type { Press } from '../terminal/view.ts'
import { bookingWorker, counter, scratch, someKey } from './counter.ts'
import { emulateCustomerDisplay } from './emulators/customer-display.ts'

let folder: string
let key: KeyPair
beforeEach(async () => {
  folder = scratch()
  key = await someKey(folder)
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a press made while a card is charged hides no answer, and sells nothing', async () => {
  const worker = bookingWorker()
  const desk = await counter({ folder, key, worker: worker.answer })
  await desk.start()
  await desk.till.press({ kind: 'product', index: 0 })
  const charged = desk.tap()
  const early = desk.till.press({ kind: 'product', index: 1 })
  await Promise.all([charged, early])
  expect(desk.view()).toMatchObject({ kind: 'answer', meaning: 'approved', headline: 'Godkendt 15,00 kr' })
  await desk.till.press({ kind: 'dismiss' })
  expect(desk.view()).toMatchObject({ kind: 'sale', cart: [], idle: true })
  await desk.stop()
})

test("a till speaks the language of its site's display from the sync on", async () => {
  const desk = await counter({ folder, key, worker: bookingWorker({ language: 'en' }).answer })
  await desk.start()
  expect(desk.view()).toMatchObject({ kind: 'sale', prompt: 'Choose items, or hold a card here for its balance' })
  await desk.till.press({ kind: 'product', index: 0 })
  await desk.tap()
  expect(desk.view()).toMatchObject({ headline: 'Approved 15,00 kr', detail: 'Balance 50,00 kr' })
  await desk.stop()
})

/** A pole display with a keypad whose keys a test strikes, before the till of a counter. */
async function pole(desk: Awaited<ReturnType<typeof counter>>) {
  const [till, far] = duplexPair()
  const display = emulateCustomerDisplay()
  display.plug(far)
  const struck: Key[] = []
  let wake = () => {}
  const keys = async function* (signal: AbortSignal) {
    signal.addEventListener('abort', () => wake())
    while (!signal.aborted) {
      const next = struck.shift()
      if (next) yield next
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
  const screen = keyedScreen(poleScreen(await customerDisplay(till, 'cp865')), keys, () => undefined)
  const ended = new AbortController()
  await desk.till.attach(screen)
  const presses: Press[] = []
  const loop = (async () => {
    for await (const press of screen.presses(ended.signal)) {
      presses.push(press)
      await desk.till.press(press)
    }
  })()
  return {
    lines: display.lines,
    strike(...next: Key[]) {
      struck.push(...next)
      wake()
    },
    async end() {
      ended.abort()
      await loop
      till.destroy()
    },
  }
}

test('with a fixed price, a pole display and no button, every card buys one', async () => {
  const worker = bookingWorker()
  const desk = await counter({ folder, key, worker: worker.answer, fixedPrice: 1 })
  await desk.start()
  const { lines, end } = await pole(desk)
  await expect.poll(lines).toEqual(['Toast       15,00 kr', 'Læg kortet på'])
  await desk.tap()
  await expect.poll(lines).toEqual(['Godkendt 15,00 kr', 'Saldo 50,00 kr'])
  expect(worker.messages.length).toBe(1)
  await end()
  await desk.stop()
})

test('with a keypad and a pole display, an amount is typed, sold and undone', async () => {
  const worker = bookingWorker()
  const desk = await counter({ folder, key, worker: worker.answer })
  await desk.start()
  const { lines, strike, end } = await pole(desk)
  await expect.poll(lines).toEqual(['Klub', 'Læg kortet på: saldo'])
  strike({ kind: 'digit', digit: 7 })
  await expect.poll(lines).toEqual(['Beløb           7 kr', 'Afslut med Enter'])
  strike({ kind: 'comma' }, { kind: 'digit', digit: 5 }, { kind: 'enter' })
  await expect.poll(lines).toEqual(['Beløb        7,50 kr', 'Læg kortet på'])
  await desk.tap()
  await expect.poll(lines).toEqual(['Godkendt 7,50 kr', 'Saldo 50,00 kr'])
  strike({ kind: 'enter' }, { kind: 'minus' })
  await expect.poll(() => lines()[1]).toBe('Fortryd: læg det')
  await desk.tap()
  await expect.poll(lines).toEqual(['Købet er fortrudt', '7,50 kr'])
  expect(worker.messages.length).toBe(2)
  await end()
  await desk.stop()
})
