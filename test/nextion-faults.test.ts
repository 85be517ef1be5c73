import { type Duplex, duplexPair } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { connectNextion } from '../terminal/devices/nextion.ts'
import { openSerial } from '../terminal/devices/serial.ts'
import { panel } from '../terminal/screen/panel.ts'
import { panelScreen } from '../terminal/screen/panel-screen.ts'
import type { Press, Screen, View } from '../terminal/screen/view.ts'
import { emulateNextion, type NextionEmulator, type NextionEmulatorOptions } from './emulators/nextion.ts'
import { dice, idOf, noise, pageId } from './emulators/noise.ts'
import { openPty } from './emulators/pty.ts'

const QUICK = { timeoutMs: 100, quietMs: 2 }
/** Where bytes are counted: none is sent twice, and none comes late, because the machine was busy with something else. */
const PATIENT = { timeoutMs: 10_000, quietMs: 20 }
const END = [0xff, 0xff, 0xff]

const SALE: Extract<View, { kind: 'sale' }> = {
  kind: 'sale',
  title: 'Kantinen',
  products: [
    { label: 'Toast', price: '15,00 kr' },
    { label: 'Kakao', price: '8,50 kr' },
  ],
  morePages: false,
  cart: [{ quantity: 2, name: 'Toast', amount: '30,00 kr' }],
  total: '30,00 kr',
  prompt: 'Læg kortet på',
  idle: false,
  online: true,
  canUndo: false,
}
const KEYPAD: View = { kind: 'keypad', amount: '7,5' }
const APPROVED: View = { kind: 'answer', meaning: 'approved', headline: 'Godkendt 30,00 kr', detail: 'Saldo 53,00 kr' }
const MESSAGE: View = { kind: 'message', headline: 'Henter varer', detail: '' }

const open: Duplex[] = []
afterEach(() => {
  for (const line of open.splice(0)) line.destroy()
})

/** A line between till and display, through which bytes pass until one of them pulls it out. */
function line({ toDisplay = Number.POSITIVE_INFINITY, toTill = Number.POSITIVE_INFINITY } = {}) {
  const [till, near] = duplexPair()
  const [display, far] = duplexPair()
  open.push(till, near, display, far)
  const carried = { toDisplay: 0, toTill: 0 }
  const pull = () => till.destroy()
  near.on('data', (chunk: Buffer) => {
    const passed = chunk.subarray(0, Math.max(0, toDisplay - carried.toDisplay))
    carried.toDisplay += passed.length
    if (!far.destroyed) far.write(passed)
    if (carried.toDisplay >= toDisplay) pull()
  })
  far.on('data', (chunk: Buffer) => {
    const passed = chunk.subarray(0, Math.max(0, toTill - carried.toTill))
    carried.toTill += passed.length
    if (!near.destroyed) near.write(passed)
    if (carried.toTill >= toTill) pull()
  })
  return { till, display, carried }
}

async function connected(options: NextionEmulatorOptions = {}, waiting = QUICK) {
  const { till, display: end, carried } = line()
  const display = emulateNextion(panel, options)
  display.plug(end)
  const nextion = await connectNextion(till, waiting)
  return { display, nextion, screen: panelScreen(nextion), carried }
}

/** What the display shows when nothing goes wrong. */
async function undisturbed(view: View) {
  const { display, screen } = await connected()
  await screen.show(view)
  return display.state()
}

/** Collects presses until the screen is gone or the test stops it. */
async function listening(screen: Screen) {
  const presses: Press[] = []
  const ended = new AbortController()
  const loop = (async () => {
    for await (const press of screen.presses(ended.signal)) presses.push(press)
  })().catch(() => undefined)
  await sleep(0)
  return {
    presses,
    async stop() {
      await sleep(15)
      ended.abort()
      await loop
      return presses
    },
  }
}

describe('a line that is pulled out', () => {
  const program = async (screen: Screen) => {
    await screen.show(SALE)
    await screen.show(APPROVED)
  }

  test('at any byte of any command is told, and the display opened anew shows what it should', async () => {
    const whole = await connected()
    const greeted = whole.carried.toDisplay
    await program(whole.screen)
    const wanted = await undisturbed(APPROVED)
    const cutAt = async (cut: number) => {
      const { till, display: end } = line({ toDisplay: cut })
      const display = emulateNextion(panel)
      display.plug(end)
      const broken = (async () => {
        const nextion = await connectNextion(till, QUICK)
        await program(panelScreen(nextion))
        await nextion.closed
      })()
      if (cut <= greeted) await expect(broken, `cut at ${cut}`).rejects.toThrow(/display/)
      else await broken.catch((error: unknown) => expect(String(error)).toMatch(/display/))
      // The display still holds half a command, and the page of before.
      const again = line()
      display.plug(again.display)
      const screen = panelScreen(await connectNextion(again.till, QUICK))
      await screen.show(APPROVED)
      expect(display.state(), `cut at ${cut}`).toEqual(wanted)
    }
    const cuts = Array.from({ length: whole.carried.toDisplay }, (_, index) => index + 1)
    // Some at a time, since each waits a while for a display that does not answer.
    for (let next = cuts.splice(0, 10); next.length > 0; next = cuts.splice(0, 10)) {
      await Promise.all(next.map(cutAt))
      for (const each of open.splice(0)) each.destroy()
    }
  })

  test('at any byte of any answer makes no press, and nobody waits for ever', async () => {
    const whole = await connected({}, PATIENT)
    const greeted = whole.carried.toTill
    await whole.screen.show(SALE)
    for (let cut = greeted + 1; cut <= whole.carried.toTill; cut++) {
      const { till, display: end } = line({ toTill: cut })
      emulateNextion(panel).plug(end)
      const nextion = await connectNextion(till, PATIENT)
      const screen = panelScreen(nextion)
      const reader = await listening(screen)
      await screen.show(SALE).catch((error: unknown) => expect(String(error)).toMatch(/display/))
      expect((await nextion.closed).message).toMatch(/line/)
      expect(reader.presses).toEqual([])
    }
  })

  test('on a real serial line, in the middle of a command, ends like one', async () => {
    for (const commands of [0, 1, 3, 6, 9]) {
      const wire = openPty()
      const display = emulateNextion(panel)
      display.plug(wire.duplex)
      const port = await openSerial(wire.path, 115_200)
      const nextion = await connectNextion(port, { timeoutMs: 200, quietMs: 5 })
      const screen = panelScreen(nextion)
      const reader = await listening(screen)
      const before = display.commands.length
      const shown = screen.show(SALE).then(
        () => 'shown',
        (error: unknown) => String(error),
      )
      await expect.poll(() => display.commands.length, { interval: 1 }).toBeGreaterThanOrEqual(before + commands)
      wire.close()
      expect(await shown).toMatch(/display|shown/)
      expect((await nextion.closed).message).toMatch(/display/)
      expect(await reader.stop()).toEqual([])
    }
  })
})

describe('a display that is switched off and on', () => {
  test.each(['announced', 'silent'] as const)(
    'after any command of a drawing shows it all in the end (%s)',
    async (start) => {
      const wanted = await undisturbed(SALE)
      const whole = await connected()
      const before = whole.display.commands.length
      await whole.screen.show(SALE)
      const commands = whole.display.commands.length - before
      for (let after = 0; after < commands - 1; after++) {
        const { display, screen } = await connected()
        const begun = display.commands.length
        display.fail({ kind: 'late', ms: 3 }, commands)
        const shown = screen.show(SALE)
        await expect.poll(() => display.commands.length, { interval: 0 }).toBeGreaterThanOrEqual(begun + after)
        display.powerOff()
        display.powerOn({ silent: start === 'silent' })
        await shown
        await expect.poll(() => display.state(), { message: `after ${after} commands` }).toEqual(wanted)
      }
    },
  )

  test('asleep is woken and shows the view again', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const wanted = display.state()
    display.fallAsleep()
    expect(display.state().page).toBeNull()
    await expect.poll(() => display.state(), { timeout: 2_000 }).toEqual(wanted)
    expect(display.commands).toContain('sleep=0')
  })

  test('woken by a finger shows the view again', async () => {
    const { display, screen } = await connected()
    await screen.show({ ...SALE, total: '12,00 kr' })
    const wanted = display.state()
    display.fallAsleep()
    display.wake()
    await expect.poll(() => display.state(), { timeout: 2_000 }).toEqual(wanted)
  })
})

describe('answers out of order', () => {
  test('a buffer that overflowed has lost commands, so the view is drawn again', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const wanted = display.state()
    const before = display.commands.length
    display.send(Uint8Array.of(0x24, ...END))
    await expect.poll(() => display.commands.slice(before)).toContain(`page ${pageId('sale')}`)
    await expect.poll(() => display.state()).toEqual(wanted)
  })

  test('an overflow in the middle of a drawing begins it again', async () => {
    const { display, screen } = await connected()
    const shown = screen.show(SALE)
    await expect.poll(() => display.commands.length, { interval: 1 }).toBeGreaterThan(8)
    display.send(Uint8Array.of(0x24, ...END))
    await shown
    expect(display.state()).toEqual(await undisturbed(SALE))
  })

  test('an answer that comes twice does not hide a command that was refused', async () => {
    const { display, nextion } = await connected()
    await nextion.page(pageId('message'))
    let doubts = 0
    nextion.onRestart(() => {
      doubts += 1
    })
    // One answer too many is taken for that of a command which is refused, and its refusal for that of the next.
    const refused = nextion.text('brand', 'not on this page')
    display.send(Uint8Array.of(0x01, ...END))
    await refused
    await nextion.text('detail', 'two')
    expect(doubts).toBeGreaterThan(0)
    expect(display.state().components.map(({ text }) => text)).toContain('two')
    // And where nobody waits for the refusal, it is heard all the same.
    const before = doubts
    display.send(Uint8Array.of(0x1a, ...END))
    await expect.poll(() => doubts).toBeGreaterThan(before)
  })

  test('answers that come twice leave the right picture', async () => {
    const { display, screen } = await connected()
    display.fail({ kind: 'twice' }, 30)
    await screen.show(SALE)
    await screen.show(KEYPAD)
    await screen.show(SALE)
    expect(display.state()).toEqual(await undisturbed(SALE))
  })
})

describe('a press', () => {
  test('of another page is none, whatever is shown', async () => {
    const views: View[] = [SALE, KEYPAD, APPROVED, MESSAGE]
    const { display, screen } = await connected()
    for (const view of views) {
      await screen.show(view)
      const shown = display.state().page?.id
      const reader = await listening(screen)
      for (const page of panel.pages) {
        if (page.id === shown) continue
        for (const { id } of page.components) display.send(Uint8Array.of(0x65, page.id, id, 1, ...END))
      }
      expect(await reader.stop()).toEqual([])
    }
  })

  test('waits for the till, and is none any more when its button has got another product', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const ended = new AbortController()
    const presses = screen.presses(ended.signal)[Symbol.asyncIterator]()
    const first = presses.next()
    await sleep(0)
    display.press('product0')
    expect((await first).value).toEqual({ kind: 'product', index: 0 })
    // The till is busy with the first press when the next two come, and shows other products after it.
    display.press('product1')
    display.press('clear')
    await sleep(10)
    const [toast] = SALE.products
    await screen.show({ ...SALE, products: toast ? [toast, { label: 'Æble', price: '5,00 kr' }] : [] })
    expect((await presses.next()).value).toEqual({ kind: 'clear' })
    ended.abort()
    await presses.next()
  })

  test('is never made of a torn touch and the answer behind it', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const reader = await listening(screen)
    const torn = Uint8Array.of(0x65, pageId('sale'), idOf('sale', 'product0'))
    for (let total = 1; total <= 5; total++) {
      // The letting go of a button loses its last four bytes; the next answer is 01 FF FF FF.
      display.fail({ kind: 'garbage', bytes: torn })
      await screen.show({ ...SALE, total: `${total},00 kr` })
    }
    expect(await reader.stop()).toEqual([])
  })

  const OK = Uint8Array.of(0x01, ...END)
  const SEVEN = Uint8Array.of(0x65, pageId('keypad'), idOf('keypad', 'digit7'), 1, ...END)

  /** Shows the keypad on a slow line: what the display says of it comes late, and in these pieces. */
  async function keypadAnswered(before: View | null, pieces: Uint8Array[]) {
    const { display, screen } = await connected()
    if (before) await screen.show(before)
    const reader = await listening(screen)
    const asked = display.commands.length
    display.fail({ kind: 'drop_answer' })
    const shown = screen.show(KEYPAD)
    await expect.poll(() => display.commands.length, { interval: 1 }).toBeGreaterThan(asked)
    await sleep(40)
    for (const piece of pieces) display.send(piece)
    await shown
    return await reader.stop()
  }

  test.each([
    ['before', [SEVEN, OK]],
    ['in one piece with', [Uint8Array.from([...OK, ...SEVEN])]],
    ['behind', [OK, SEVEN]],
  ])('on a page that has just come counts, when it arrives %s the late answer', async (_, pieces) => {
    expect(await keypadAnswered(SALE, pieces)).toEqual([{ kind: 'digit', digit: 7 }])
  })

  test('counts while its button gets the word of another language', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const ended = new AbortController()
    const presses = screen.presses(ended.signal)[Symbol.asyncIterator]()
    const first = presses.next()
    await sleep(0)
    display.press('ownAmount')
    await first
    // The till draws the keypad before it takes the next press, and the page comes up in Danish.
    display.fail({ kind: 'late', ms: 20 }, 2)
    const shown = screen.show(KEYPAD, 'en')
    await expect.poll(() => display.state().page?.name, { interval: 1 }).toBe('keypad')
    display.press('erase')
    await shown
    expect(display.state().components.find(({ name }) => name === 'erase')?.text).toBe('Erase')
    const second = presses.next()
    ended.abort()
    expect((await second).value).toEqual({ kind: 'erase' })
  })

  test('on a page that may have stood there before, drawn by an earlier program, counts only behind the answer', async () => {
    expect(await keypadAnswered(null, [SEVEN, OK])).toEqual([])
    expect(await keypadAnswered(null, [OK, SEVEN])).toEqual([{ kind: 'digit', digit: 7 }])
  })

  test('is never made of a torn touch and the status that some firmware sends before a page', async () => {
    const { display, screen } = await connected({ sendmeStatus: 'before' })
    await screen.show(SALE)
    const reader = await listening(screen)
    // The answer stays out, so the display is asked for its page; its status completes what the line has torn.
    display.fail({ kind: 'drop_answer' })
    const shown = screen.show({ ...SALE, total: '1,00 kr' })
    await expect.poll(() => display.commands.at(-1)).toBe('total.txt="1,00 kr"')
    display.fail({ kind: 'garbage', bytes: Uint8Array.of(0x65, pageId('sale'), idOf('sale', 'product0')) }, 2)
    await shown
    expect(await reader.stop()).toEqual([])
  })

  test('while a command waits for its answer counts once that has come', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const reader = await listening(screen)
    display.fail({ kind: 'late', ms: 20 })
    const shown = screen.show({ ...SALE, total: '1,00 kr' })
    display.send(Uint8Array.of(0x65, pageId('sale'), idOf('sale', 'product1'), 1, ...END))
    await shown
    expect(await reader.stop()).toEqual([{ kind: 'product', index: 1 }])
  })
})

describe('fuzz', () => {
  const FAULTS = ['drop_answer', 'drop_command', 'split', 'twice'] as const

  /** One display, everything going wrong: resolves to the presses that came out and those that fingers made. */
  async function storm(seed: number) {
    const roll = dice(seed)
    const display = emulateNextion(panel)
    let made: Press['kind'][] = []
    const heard: Press[] = []
    const views: View[] = [SALE, KEYPAD, APPROVED, MESSAGE, { ...SALE, total: `${seed},00 kr`, canUndo: true }]
    for (let session = 0; session < 2; session++) {
      const { till, display: end } = line()
      display.plug(end)
      const nextion = await connectNextion(till, { ...QUICK, timeoutMs: 15 }).catch(() => null)
      if (!nextion) continue
      const screen = panelScreen(nextion)
      const reader = await listening(screen)
      for (let step = 0; step < 8; step++) {
        const chance = roll(10)
        if (chance < 4) display.send(noise(roll))
        else if (chance < 6) display.fail({ kind: FAULTS[roll(FAULTS.length)] ?? 'split' }, 1 + roll(3))
        else if (chance < 7) display.fail({ kind: 'garbage', bytes: noise(roll) })
        else if (chance < 8) display.powerOn({ silent: roll(2) === 0 })
        else {
          const buttons = display.state().components.filter(({ kind }) => kind === 'button')
          const { name } = buttons[roll(Math.max(1, buttons.length))] ?? { name: '' }
          if (display.press(name)) {
            const press = panel.pages.flatMap(({ components }) => components).find((each) => each.name === name)?.press
            if (press) made = [...made, press.kind]
          }
        }
        if (roll(2) === 0) await screen.show(views[roll(views.length)] ?? SALE).catch(() => undefined)
      }
      heard.push(...(await reader.stop()))
      till.destroy()
    }
    return { display, made, heard }
  }

  async function recovers(display: NextionEmulator) {
    // What faults are left are used up, as the line becomes quiet.
    for (let attempt = 0; attempt < 10; attempt++) {
      const { till, display: end } = line()
      display.plug(end)
      try {
        await panelScreen(await connectNextion(till, QUICK)).show(SALE)
        return display.state()
      } catch {
        till.destroy()
      }
    }
    return null
  }

  test('makes no press that no finger made, and ends with the right picture, 60 times', async () => {
    const wanted = await undisturbed(SALE)
    for (let seed = 1; seed <= 60; seed++) {
      const { display, made, heard } = await storm(seed)
      const left = [...made]
      for (const { kind } of heard) {
        expect(left, `seed ${seed}`).toContain(kind)
        left.splice(left.indexOf(kind), 1)
      }
      expect(await recovers(display), `seed ${seed}`).toEqual(wanted)
      for (const each of open.splice(0)) each.destroy()
    }
  })
})
