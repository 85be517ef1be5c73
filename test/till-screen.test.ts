import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { customerDisplay } from '../terminal/devices/customer-display.ts'
import type { Key } from '../terminal/devices/keypad.ts'
import { connectNextion } from '../terminal/devices/nextion.ts'
import type { KeyPair } from '../terminal/identity.ts'
import { keyedScreen } from '../terminal/screen/keyed-screen.ts'
import { pageOf, panel } from '../terminal/screen/panel.ts'
import { panelScreen } from '../terminal/screen/panel-screen.ts'
import { poleScreen } from '../terminal/screen/pole-screen.ts'
import { soundOf } from '../terminal/screen/sounds.ts'
import { texts } from '../terminal/screen/texts.ts'
import type { Press } from '../terminal/screen/view.ts'
import { bookingWorker, counter, messageIn, scratch, someKey } from './counter.ts'
import { emulateCustomerDisplay } from './emulators/customer-display.ts'
import { emulateNextion } from './emulators/nextion.ts'
import { dice, noise } from './emulators/noise.ts'

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

test('a card without money is declined like any other: whoever looks on sees and hears no difference', async () => {
  const reasons = ['insufficient_funds', 'card_blocked', 'card_unknown', 'daily_limit'] as const
  const shown: unknown[] = []
  for (const reason of reasons) {
    const booking = bookingWorker()
    const state = await mkdtemp(join(folder, 'declined-'))
    const desk = await counter({
      ...{ folder: state, key },
      worker: (path, body, query) => {
        if (path !== '/api/terminal/messages') return booking.answer(path, body, query)
        const results = (body as { messages: string[] }).messages.map((jws) => {
          const { sale, seq } = messageIn(jws)
          return { sale, seq, outcome: 'declined', reason }
        })
        return { json: { results, time: Date.now() } }
      },
    })
    await desk.start()
    await desk.till.press({ kind: 'product', index: 0 })
    await desk.tap()
    const view = desk.view()
    if (view?.kind !== 'answer') throw new Error(`not an answer: ${JSON.stringify(view)}`)
    expect(view.detail).toBe(texts('da').declinedWhy[reason])
    shown.push({ ...view, detail: '', sound: soundOf(view), page: pageOf(view).name })
    await desk.stop()
  }
  for (const each of shown) expect(each).toEqual(shown[0])
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

test('a card that staff await is told to be ready, with what is on it; the next time it is shown as any other', async () => {
  const worker = bookingWorker()
  const shown = { status: 'active', balance: 2_500, time: Date.now() }
  let laid = 0
  const desk = await counter({
    ...{ folder: await mkdtemp(join(folder, 'handed-')), key },
    worker(path, ...rest) {
      if (!path.startsWith('/api/terminal/cards/')) return worker.answer(path, ...rest)
      laid += 1
      return { json: laid === 1 ? { ...shown, handedOut: true } : shown }
    },
  })
  await desk.start()
  await desk.tap()
  expect(desk.view()).toMatchObject({ meaning: 'approved', headline: 'Kortet er klar', detail: 'Saldo 25,00 kr' })
  await desk.tap()
  expect(desk.view()).toMatchObject({ meaning: 'balance', headline: 'Saldo 25,00 kr', detail: '' })
  expect(worker.messages).toEqual([])
  await desk.stop()
})

/** Presses 'Toast' and lays cards on, while the display's line is noise and is pulled out again and again. */
async function noisyDay(seed: number) {
  const roll = dice(seed)
  const state = await mkdtemp(join(folder, 'day-'))
  const worker = bookingWorker()
  const balance = { json: { status: 'active', balance: 5_000, time: Date.now() } }
  const desk = await counter({
    ...{ folder: state, key },
    worker: (path, ...rest) => (path.startsWith('/api/terminal/cards/') ? balance : worker.answer(path, ...rest)),
  })
  await desk.start()
  const display = emulateNextion(panel)
  let chosen = 0
  for (let session = 0; session < 6; session++) {
    const [till, far] = duplexPair()
    display.plug(far)
    const nextion = await connectNextion(till, { timeoutMs: 40, quietMs: 2 }).catch(() => null)
    if (!nextion) continue
    const screen = panelScreen(nextion)
    const presses = (async () => {
      for await (const press of screen.presses(new AbortController().signal)) await desk.till.press(press)
    })().catch(() => undefined)
    await desk.till.attach(screen)
    for (let step = 0; step < 8; step++) {
      if (roll(3) > 0) display.send(noise(roll))
      const chance = roll(6)
      if (chance === 0) await desk.tap()
      else if (chance === 1) display.press('dismiss')
      else if (chance === 2 && display.press('product0')) chosen += 1
      else if (chance === 3) display.fail({ kind: 'drop_answer' })
      else if (chance === 4) void desk.till.refresh()
      await sleep(roll(4))
    }
    // In the middle of whatever is being drawn.
    if (display.press('product0')) chosen += 1
    await sleep(roll(3))
    till.destroy()
    await presses
  }
  await desk.till.attach({ show: async () => {}, presses: async function* () {} })
  await desk.tap()
  await desk.stop()
  return { chosen, failures: desk.failures, sold: worker.messages.map(messageIn) }
}

test('whatever is on the line, and whenever it is pulled out, nothing is sold that no finger chose', async () => {
  let toasts = 0
  for (let seed = 1; seed <= 12; seed++) {
    const { chosen, failures, sold } = await noisyDay(seed)
    expect(failures, `seed ${seed}`).toEqual([])
    const amount = sold.reduce((sum, message) => sum + (message.kind === 'request' ? message.amount : 0), 0)
    expect(amount % 1_500, `seed ${seed}`).toBe(0)
    expect(amount / 1_500, `seed ${seed}`).toBeLessThanOrEqual(chosen)
    toasts += amount / 1_500
  }
  // Or else nothing has been tried.
  expect(toasts).toBeGreaterThan(12)
})
