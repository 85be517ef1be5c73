import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { displayText } from '../terminal/devices/display-text.ts'
import { connectNextion, type Nextion } from '../terminal/devices/nextion.ts'
import { type Frame, nextionFrames } from '../terminal/devices/nextion-frames.ts'
import { openSerial } from '../terminal/devices/serial.ts'
import { type PanelPage, palette, panel } from '../terminal/screen/panel.ts'
import { panelScreen } from '../terminal/screen/panel-screen.ts'
import type { Press, View } from '../terminal/screen/view.ts'
import { emulateNextion, type NextionEmulator, type NextionEmulatorOptions } from './emulators/nextion.ts'
import { openPty } from './emulators/pty.ts'

const QUICK = { timeoutMs: 60, quietMs: 4 }
const END = [0xff, 0xff, 0xff]

const SALE: View = {
  kind: 'sale',
  title: 'Kantinen på Sønderå Skole',
  products: [
    { label: 'Varmt måltid', price: '25,00 kr' },
    { label: 'Æblejuice', price: '8,50 kr' },
    { label: 'Grovbolle', price: '1.234,50 kr' },
  ],
  morePages: true,
  cart: [
    { quantity: 2, name: 'Varmt måltid', amount: '50,00 kr' },
    { quantity: 1, name: 'Æblejuice', amount: '8,50 kr' },
  ],
  total: '1.234,50 kr',
  prompt: 'Vælg varer, eller læg kortet på for saldo',
  idle: false,
  online: true,
  canUndo: false,
}

const lines: Duplex[] = []
afterEach(() => {
  for (const line of lines.splice(0)) line.destroy()
})

function wire(): [Duplex, Duplex] {
  const [till, far] = duplexPair()
  lines.push(till, far)
  return [till, far]
}

async function connected(options: NextionEmulatorOptions = {}) {
  const [till, far] = wire()
  const display = emulateNextion(panel, options)
  display.plug(far)
  const nextion = await connectNextion(till, QUICK)
  return { display, nextion, screen: panelScreen(nextion), till, far }
}

/** The texts in sight, by component. */
function seen(display: NextionEmulator): Record<string, string> {
  const { components } = display.state()
  return Object.fromEntries(components.flatMap(({ kind, name, text }) => (kind === 'picture' ? [] : [[name, text]])))
}

/** What the display sent about a touch. */
function touch(page: number, component: number, state = 1): Uint8Array {
  return Uint8Array.of(0x65, page, component, state, ...END)
}

function pageNamed(name: string): PanelPage {
  const page = panel.pages.find((each) => each.name === name)
  if (!page) throw new RangeError(name)
  return page
}

function idOf(page: string, component: string): number {
  const found = pageNamed(page).components.find(({ name }) => name === component)
  if (!found) throw new RangeError(component)
  return found.id
}

/** Collects presses until told to stop; the reader is listening when this returns. */
async function listening(screen: { presses(signal: AbortSignal): AsyncIterable<Press> }) {
  const presses: Press[] = []
  const ended = new AbortController()
  const loop = (async () => {
    for await (const press of screen.presses(ended.signal)) presses.push(press)
  })()
  await sleep(0)
  return {
    presses,
    async stop() {
      await sleep(30)
      ended.abort()
      await loop
      return presses
    },
  }
}

describe('text', () => {
  test('a minus outside Latin-1 stays a minus', () => {
    expect(displayText('−3,30 kr')).toBe('-3,30 kr')
  })

  test('Danish letters survive in both Unicode forms', () => {
    expect(displayText('Rødgrød på ÆØÅ')).toBe('Rødgrød på ÆØÅ')
    expect(displayText('Sma\u030asnak')).toBe('Småsnak')
  })

  test('the letter that ends a command is never sent', () => {
    expect(displayText('Soirée à Haÿÿÿ')).toBe('Soirée à Hayyy')
  })

  test('what the display has no letter for is left out', () => {
    expect(displayText('Is 🍦 日本')).toBe('Is  ')
  })

  test('æøå arrive on the display as they were sent', async () => {
    const { display, screen } = await connected()
    await screen.show({ kind: 'message', headline: 'Ærø, Ømål og Åså', detail: 'æøå é × §' })
    expect(seen(display)).toEqual({ headline: 'Ærø, Ømål og Åså', detail: 'æøå é × §' })
  })

  test.each([
    ['"+t1.txt+"'],
    ['"ÿÿÿpage 4ÿÿÿ'],
    ['\\'],
    ['\\"'],
    ['a\\\\"b'],
    ['x\rpage 4\r\n'],
    ['\\r'],
    ['"\u00ff\u00ff\u00ffrest\u00ff\u00ff\u00ff'],
    ['\u0000\u0001\u001a'],
  ])('a product named %j is text and no command', async (label) => {
    const { display, screen } = await connected()
    await screen.show({ ...SALE, products: [{ label, price: '5,00 kr' }] })
    expect(display.state().page?.name).toBe('sale')
    const wanted = displayText(label.replaceAll(/\s+/g, ' ').trim())
    expect(seen(display).product0?.replaceAll('\r\n', ' ')).toBe(`${wanted} 5,00 kr`)
    expect(display.commands.filter((command) => /^(page|rest)/.test(command))).toEqual(['page 2'])
  })

  test('any text reaches the display unchanged but for the letters it lacks', async () => {
    const { display, nextion } = await connected()
    await nextion.page(pageNamed('message').id)
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 25 }), async (value) => {
        await nextion.text('headline', value)
        const wanted = displayText(value).replaceAll('\r', '\r\n')
        expect(seen(display).headline).toBe(wanted.slice(0, wanted.length))
        expect(display.state().page?.name).toBe('message')
      }),
      { numRuns: 150 },
    )
  })
})

describe('a display that misbehaves', () => {
  test('a lost answer is asked for again', async () => {
    const { display, screen } = await connected()
    display.fail({ kind: 'drop_answer' }, 2)
    await screen.show(SALE)
    expect(seen(display).title).toBe(SALE.kind === 'sale' ? SALE.title : '')
  })

  test('a lost command is sent again', async () => {
    const { display, screen } = await connected()
    display.fail({ kind: 'drop_command' })
    await screen.show({ kind: 'message', headline: 'Starter', detail: '' })
    expect(seen(display).headline).toBe('Starter')
  })

  test('a late answer is not taken for the answer to the next command', async () => {
    const { display, nextion } = await connected()
    await nextion.page(pageNamed('message').id)
    display.fail({ kind: 'late', ms: 70 })
    await nextion.text('headline', 'sent')
    display.fail({ kind: 'drop_command' })
    await nextion.text('detail', 'arrives')
    expect(seen(display)).toEqual({ headline: 'sent', detail: 'arrives' })
  })

  test('answers in single bytes and behind garbage are understood', async () => {
    const { display, screen } = await connected()
    display.fail({ kind: 'split' }, 20)
    display.fail({ kind: 'garbage', bytes: Uint8Array.of(0xff, 0x65, 0x02, 0x71, 0x00) }, 6)
    await screen.show({ kind: 'answer', meaning: 'approved', headline: 'Godkendt', detail: '' })
    expect(display.state().page?.name).toBe('approved')
  })

  test.each(['before', 'after'] as const)(
    'firmware that puts a status %s a page is kept in step',
    async (sendmeStatus) => {
      const { display, nextion } = await connected({ sendmeStatus })
      await nextion.page(pageNamed('message').id)
      display.fail({ kind: 'drop_answer' })
      await nextion.text('headline', 'one')
      display.fail({ kind: 'drop_command' })
      await nextion.text('detail', 'two')
      expect(seen(display)).toEqual({ headline: 'one', detail: 'two' })
      // Out of step by one, the refusal below would be told of the command behind it.
      await expect(nextion.page(99)).rejects.toThrow(/refused 'page 99'/)
      await nextion.text('detail', 'three')
      expect(seen(display).detail).toBe('three')
    },
  )

  test('half a command left by an earlier program does not spoil the greeting', async () => {
    const [till, far] = wire()
    const display = emulateNextion(panel)
    display.plug(far)
    till.write('t0.txt="half')
    const nextion = await connectNextion(till, QUICK)
    await nextion.page(1)
    expect(display.state().page?.name).toBe('message')
  })

  test('a refused command says what was refused', async () => {
    const { nextion } = await connected()
    await nextion.page(1)
    await expect(nextion.text('nothing', 'x')).rejects.toThrow(/refused 'nothing\.txt="x"': invalid variable \(0x1a\)/)
    await expect(nextion.visible('nothing', true)).rejects.toThrow(/invalid component \(0x02\)/)
    await expect(nextion.page(99)).rejects.toThrow(/invalid page \(0x03\)/)
    await expect(nextion.text('bad"name', 'x')).rejects.toThrow(/not a component name/)
    await nextion.text('headline', 'still working')
  })

  test('a line without a display is refused in time', async () => {
    const [till] = wire()
    await expect(connectNextion(till, QUICK)).rejects.toThrow(/no display answered/)
    expect(till.destroyed).toBe(true)
  })

  test('a display that falls silent is told as gone, and everyone waiting hears it', async () => {
    const { display, nextion, screen } = await connected()
    await screen.show(SALE)
    const ended = new AbortController()
    const reading = (async () => {
      for await (const _ of screen.presses(ended.signal)) {
        // Nothing is pressed.
      }
    })()
    const heard = expect(reading).rejects.toThrow(/does not answer/)
    display.powerOff()
    await expect(screen.show({ kind: 'message', headline: 'x', detail: '' })).rejects.toThrow(/does not answer/)
    expect((await nextion.closed).message).toMatch(/does not answer/)
    await heard
    await expect(nextion.page(1)).rejects.toThrow(/does not answer/)
  })

  test('a closed line is told as gone', async () => {
    const { nextion, till } = await connected()
    till.destroy()
    expect((await nextion.closed).message).toMatch(/line closed/)
  })

  test('a flood of commands overflows the display and is answered with 24', async () => {
    const [till, far] = wire()
    emulateNextion(panel).plug(far)
    const heard: Frame[] = []
    const parse = nextionFrames()
    till.on('data', (chunk: Uint8Array) => heard.push(...parse(chunk)))
    till.write(Buffer.from('page 1\xff\xff\xff'.repeat(120), 'latin1'))
    await sleep(30)
    expect(heard).toContainEqual({ kind: 'status', code: 0x24 })
  })
})

describe('a display that restarts', () => {
  test('shows the last view again by itself', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const before = display.state()
    display.powerOff()
    display.powerOn()
    expect(display.state().page?.name).toBe('start')
    await expect.poll(() => display.state()).toEqual(before)
  })

  test.each(['announced', 'silent'] as const)('is drawn in full by the next show (%s)', async (start) => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    display.powerOff()
    display.powerOn({ silent: start === 'silent' })
    const next: View = { ...SALE, total: '12,00 kr' }
    await screen.show(next)
    const fresh = await connected()
    await fresh.screen.show(next)
    expect(display.state()).toEqual(fresh.display.state())
  })

  test('in silence is told by the driver at its next command', async () => {
    const { display, nextion } = await connected()
    let told = 0
    nextion.onRestart(() => {
      told += 1
    })
    await nextion.page(pageNamed('sale').id)
    display.powerOff()
    display.powerOn({ silent: true })
    // The start page has such a component too, so nothing is refused; but a display that restarted answers no success.
    await expect(nextion.text('brand', 'x')).rejects.toThrow(/restarted/)
    expect(told).toBe(1)
  })

  test('in the middle of a drawing is drawn anew', async () => {
    const { display, screen } = await connected()
    const shown = screen.show(SALE)
    await expect.poll(() => display.commands.length, { interval: 1 }).toBeGreaterThan(6)
    display.powerOff()
    display.powerOn()
    await shown
    const fresh = await connected()
    await fresh.screen.show(SALE)
    expect(display.state()).toEqual(fresh.display.state())
  })

  test('ends a press on what it showed before', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const reader = await listening(screen)
    display.powerOff()
    display.powerOn({ silent: true })
    expect(display.press('product0')).toBe(false)
    display.send(Uint8Array.of(0, 0, 0, ...END))
    display.send(touch(pageNamed('sale').id, idOf('sale', 'product0')))
    expect(await reader.stop()).toEqual([])
  })
})

const approved: View = { kind: 'answer', meaning: 'approved', headline: 'Godkendt', detail: 'Ny saldo 1.234,50 kr' }

describe('a view on the display', () => {
  test('a message shows exactly its texts', async () => {
    const { display, screen } = await connected()
    await screen.show({ kind: 'message', headline: 'Kortlæseren svarer ikke', detail: 'Tjek kablet.' })
    expect(display.state().page?.name).toBe('message')
    expect(seen(display)).toEqual({ headline: 'Kortlæseren svarer ikke', detail: 'Tjek kablet.' })
  })

  test('a sale shows exactly its texts and only the buttons it has', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    expect(display.state().page?.name).toBe('sale')
    expect(seen(display)).toEqual({
      title: 'Kantinen på Sønderå Skole',
      online: 'Online',
      product0: 'Varmt måltid\r\n25,00 kr',
      product1: 'Æblejuice\r\n8,50 kr',
      product2: 'Grovbolle\r\n1.234,50 kr',
      more: 'Flere',
      clear: 'Slet',
      ownAmount: 'Beløb',
      item0: '2 × Varmt måltid',
      item1: '1 × Æblejuice',
      item2: '',
      item3: '',
      item4: '',
      item5: '',
      amount0: '50,00 kr',
      amount1: '8,50 kr',
      amount2: '',
      amount3: '',
      amount4: '',
      amount5: '',
      totalName: 'I alt',
      total: '1.234,50 kr',
      prompt: 'Vælg varer, eller læg kortet på for saldo',
    })
  })

  test('a keypad shows the amount typed and its buttons', async () => {
    const { display, screen } = await connected()
    await screen.show({ kind: 'keypad', amount: '1.234,5' })
    const { amount, comma, erase, ok, cancel, digit0, digit9 } = seen(display)
    expect({ amount, comma, erase, ok, cancel, digit0, digit9 }).toEqual({
      amount: '1.234,5',
      comma: ',',
      erase: 'Slet',
      ok: 'OK',
      cancel: 'Annuller',
      digit0: '0',
      digit9: '9',
    })
  })

  test.each(['approved', 'declined', 'balance', 'notice'] as const)('an answer that is %s', async (meaning) => {
    const { display, screen } = await connected()
    await screen.show({ kind: 'answer', meaning, headline: 'Saldo', detail: '−3,30 kr' })
    expect(display.state().page?.name).toBe(meaning)
    expect(display.state().components.find(({ name }) => name === 'sign')?.pictogram).toBe(meaning)
    expect(seen(display)).toEqual({ headline: 'Saldo', detail: '-3,30 kr', dismiss: 'OK' })
  })

  test('the look of a balance does not depend on how much it is', async () => {
    const looks = async (detail: string) => {
      const { display, screen } = await connected()
      await screen.show({ kind: 'answer', meaning: 'balance', headline: 'Saldo', detail })
      const { page, components } = display.state()
      return { page, components: components.map(({ text: _text, ...component }) => component) }
    }
    expect(await looks('0,50 kr')).toEqual(await looks('1.234,50 kr'))
  })

  test('going from any view to any other shows the same as showing it alone', async () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'ø', ' ', '"', '\\', 'Å', '7'), maxLength: 30 })
    const flag = fc.boolean()
    const product = fc.record({ label: words, price: fc.constantFrom('5,00 kr', '1.234,50 kr') })
    const view: fc.Arbitrary<View> = fc.oneof(
      fc.record({ kind: fc.constant('message' as const), headline: words, detail: words }),
      fc.record({ kind: fc.constant('keypad' as const), amount: words }),
      fc.record({
        kind: fc.constant('sale' as const),
        title: words,
        products: fc.array(product, { maxLength: 12 }),
        morePages: flag,
        cart: fc.array(fc.record({ quantity: fc.nat(99), name: words, amount: words }), { maxLength: 9 }),
        total: words,
        prompt: words,
        idle: flag,
        online: flag,
        canUndo: flag,
      }),
      fc.record({
        kind: fc.constant('answer' as const),
        meaning: fc.constantFrom('approved' as const, 'declined' as const, 'balance' as const, 'notice' as const),
        headline: words,
        detail: words,
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(view, { minLength: 2, maxLength: 5 }), async (views) => {
        const one = await connected()
        for (const each of views) await one.screen.show(each)
        const other = await connected()
        const final = views.at(-1)
        if (final) await other.screen.show(final)
        expect(one.display.state()).toEqual(other.display.state())
      }),
      { numRuns: 30 },
    )
  })

  test('only what changed is sent', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const before = display.commands.length
    await screen.show({ ...SALE, total: '45,50 kr' })
    expect(display.commands.slice(before)).toEqual(['total.txt="45,50 kr"'])
    await screen.show({ ...SALE, total: '45,50 kr' })
    expect(display.commands.length).toBe(before + 1)
  })

  test('a name that fits on two lines is whole', async () => {
    const { display, screen } = await connected()
    await screen.show({ ...SALE, products: [{ label: 'Stor sodavand', price: '25,00 kr' }] })
    expect(seen(display).product0).toBe('Stor\r\nsodavand\r\n25,00 kr')
  })

  test('a long name is cut and a price never is', async () => {
    const { display, screen } = await connected()
    const label = 'Hjemmelavet fuldkornsbolle med økologisk pålæg og salat'
    const most = '999.999,99 kr'
    const toasts = Array.from({ length: 8 }, (_, index) => ({ quantity: index, name: 'Toast', amount: '15,00 kr' }))
    const cart = [...toasts, { quantity: 1, name: label, amount: most }]
    await screen.show({ ...SALE, products: [{ label, price: most }], cart, total: most })
    const { product0, item0, amount0, item4, amount4, item5, amount5, total } = seen(display)
    expect(product0).toBe(`Hjemmelavet\r\nfuldkorns...\r\n${most}`)
    expect([item0, amount0]).toEqual(['+ 4 mere', ''])
    expect([item4, amount4]).toEqual(['7 × Toast', '15,00 kr'])
    expect([item5, amount5]).toEqual(['1 × Hjemmelav...', most])
    expect(total).toBe(most)
  })
})

describe('a press', () => {
  test('of each button means what it says', async () => {
    const { display, screen } = await connected()
    const reader = await listening(screen)
    const press = async (name: string) => {
      expect(display.press(name)).toBe(true)
      await sleep(5)
    }
    await screen.show({ ...SALE, canUndo: true })
    for (const name of ['product0', 'product2', 'more', 'clear', 'ownAmount', 'undo']) await press(name)
    await screen.show({ kind: 'keypad', amount: '' })
    for (const name of ['digit0', 'digit7', 'comma', 'erase', 'ok', 'cancel']) await press(name)
    await screen.show(approved)
    await press('dismiss')
    expect(await reader.stop()).toEqual([
      { kind: 'product', index: 0 },
      { kind: 'product', index: 2 },
      { kind: 'next_page' },
      { kind: 'clear' },
      { kind: 'keypad' },
      { kind: 'undo' },
      { kind: 'digit', digit: 0 },
      { kind: 'digit', digit: 7 },
      { kind: 'comma' },
      { kind: 'erase' },
      { kind: 'ok' },
      { kind: 'cancel' },
      { kind: 'dismiss' },
    ])
  })

  test('on another page, on a hidden or unknown component, on text, or let go, is none', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const reader = await listening(screen)
    const salePage = pageNamed('sale').id
    display.send(touch(pageNamed('keypad').id, idOf('keypad', 'ok')))
    display.send(touch(salePage, idOf('sale', 'product5')))
    display.send(touch(salePage, idOf('sale', 'undo')))
    display.send(touch(salePage, 200))
    display.send(touch(salePage, 0))
    display.send(touch(salePage, idOf('sale', 'title')))
    display.send(touch(salePage, idOf('sale', 'product0'), 0))
    display.send(touch(salePage, idOf('sale', 'product0'), 2))
    expect(display.press('product5')).toBe(false)
    expect(display.press('title')).toBe(false)
    expect(await reader.stop()).toEqual([])
  })

  test('never comes out of noise, and noise breaks nothing', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    const salePage = pageNamed('sale').id
    // Bytes that look like the protocol, without a whole touch on the page shown.
    const byte = fc.oneof(
      fc.constantFrom(0x65, 0x66, 0x67, 0x70, 0x71, 0x00, 0x01, 0x24, 0x63, 0xff, salePage),
      fc.integer({ min: 0, max: 255 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(byte, { maxLength: 60 }), async (noise) => {
        const bytes = Buffer.from(noise)
        const wholeTouch = bytes.some(
          (_, at) => bytes[at] === 0x65 && bytes[at + 1] === salePage && bytes[at + 3] === 1,
        )
        fc.pre(!wholeTouch)
        const reader = await listening(screen)
        display.send(bytes)
        // What ended half a frame belongs to the noise; the display's next answers must still be understood.
        display.send(Uint8Array.of(0x07))
        await screen.show({ ...SALE, total: `${noise.length},00 kr` })
        await sleep(2)
        expect(reader.presses).toEqual([])
        await reader.stop()
        expect(seen(display).total).toBe(`${noise.length},00 kr`)
      }),
      { numRuns: 60 },
    )
  })

  test('made while nobody listens is not kept', async () => {
    const { display, screen } = await connected()
    await screen.show(SALE)
    display.press('product0')
    await sleep(10)
    const reader = await listening(screen)
    expect(await reader.stop()).toEqual([])
  })
})

describe('the panel', () => {
  const all = panel.pages.flatMap((page) => page.components.map((component) => ({ page, component })))

  test('has components inside the display, none on another, with numbers and names of their own', () => {
    for (const { id, components } of panel.pages) {
      expect(panel.pages[id]?.components).toBe(components)
      expect(new Set(components.map(({ name }) => name)).size).toBe(components.length)
      for (const [index, a] of components.entries()) {
        expect(a.id).toBe(index + 1)
        expect(a.name).toMatch(/^[A-Za-z]\w{0,13}$/)
        expect([a.x >= 0, a.y >= 0, a.x + a.width <= panel.width, a.y + a.height <= panel.height]).not.toContain(false)
        for (const b of components.slice(index + 1)) {
          const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
          expect(apart, `${a.name} and ${b.name}`).toBe(true)
        }
      }
    }
  })

  test('has buttons that a finger hits: 9 mm on a display of 7 inches', () => {
    // 800 pixels are 154 mm wide.
    for (const { component } of all.filter(({ component }) => component.kind === 'button')) {
      expect(Math.min(component.width, component.height) * (154 / 800), component.name).toBeGreaterThanOrEqual(9)
    }
  })

  test('keeps the names of the start page to itself, so that a silent restart is noticed', () => {
    const names = new Set(all.filter(({ page }) => page.id !== 0).map(({ component }) => component.name))
    expect(panel.pages[0]?.components.some(({ name }) => names.has(name))).toBe(false)
  })

  test('names no component like a page, which the display would take it for', () => {
    const pages = new Set(panel.pages.map(({ name }) => name))
    expect(all.flatMap(({ component: { name } }) => (pages.has(name) ? [name] : []))).toEqual([])
  })

  test('shows only letters that the display has', () => {
    for (const { component } of all) expect(displayText(component.text)).toBe(component.text)
  })

  test('has ink that stands out from its background', () => {
    const light = (colour: string) => {
      const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
        const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    for (const [look, { background, ink }] of Object.entries(palette)) {
      const [dark = 0, bright = 0] = [light(background), light(ink)].sort((a, b) => a - b)
      expect((bright + 0.05) / (dark + 0.05), look).toBeGreaterThanOrEqual(4.5)
    }
  })

  test('has room for what the till says', () => {
    // Breaks between words, as the display does, with letters half as wide as the font is high.
    const linesOf = (value: string, width: number) =>
      value.split('\n').reduce((count, paragraph) => {
        let [lines, used] = [1, 0]
        for (const word of paragraph.split(' ')) {
          const needed = used === 0 ? word.length : used + 1 + word.length
          if (needed > width && used > 0) [lines, used] = [lines + 1, word.length]
          else used = needed
        }
        return count + lines
      }, 0)
    const said: [string, string, string][] = [
      ['sale', 'title', 'Ungdomsklubben Nordlyset, Kantinen'],
      ['sale', 'online', 'Offline'],
      ['sale', 'product0', 'Varmt måltid\n1.234,50 kr'],
      ['sale', 'item0', '2 × Varmt måltid'],
      ['sale', 'amount0', '1.234,50 kr'],
      ['sale', 'total', '999.999,99 kr'],
      ['sale', 'prompt', 'Vælg varer, eller læg kortet på for saldo'],
      ['keypad', 'amount', '1.234,50'],
      ['message', 'headline', 'Terminalen kan ikke sælge'],
      ['message', 'detail', 'Terminalen venter på forbindelse til kontoret.'],
      ['approved', 'headline', 'Købet er fortrudt'],
      ['approved', 'detail', 'Pengene er tilbage, når der er forbindelse igen.'],
      ['declined', 'headline', 'Ikke gennemført'],
      ['declined', 'detail', 'Beløbet kan ikke trækkes på kortet.'],
    ]
    const flashed = all
      .filter(({ component }) => component.text !== '')
      .map(({ page, component }): [string, string, string] => [page.name, component.name, component.text])
    for (const [page, name, value] of [...said, ...flashed]) {
      const component = pageNamed(page).components.find((each) => each.name === name)
      if (!component) throw new RangeError(name)
      const { width, height, fontHeight, wrap, maxLength } = component
      const lines = linesOf(value, Math.floor(width / (fontHeight / 2)))
      expect(lines * fontHeight, `${page}.${name}: ${value}`).toBeLessThanOrEqual(wrap ? height : fontHeight)
      expect(value.length + (value.includes('\n') ? 1 : 0)).toBeLessThanOrEqual(maxLength)
    }
  })
})

describe('a serial line', () => {
  const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)

  async function read(from: Duplex, count: number): Promise<Buffer> {
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Uint8Array) => {
      bytes = Buffer.concat([bytes, chunk])
    }
    from.on('data', onData)
    await expect.poll(() => bytes.length, { timeout: 5_000, interval: 5 }).toBe(count)
    from.off('data', onData)
    return bytes
  }

  test('carries every byte unchanged both ways', async () => {
    const line = openPty()
    lines.push(line.duplex)
    const port = await openSerial(line.path, 115_200)
    lines.push(port)
    const [there, back] = [read(line.duplex, 256 * 40), read(port, 256 * 40)]
    for (let round = 0; round < 40; round++) {
      port.write(ALL_BYTES)
      line.duplex.write(ALL_BYTES)
    }
    const expected = Buffer.concat(Array.from({ length: 40 }, () => ALL_BYTES))
    expect((await there).equals(expected)).toBe(true)
    expect((await back).equals(expected)).toBe(true)
  })

  test('drives the display through the real driver', async () => {
    const line = openPty()
    const display = emulateNextion(panel)
    display.plug(line.duplex)
    lines.push(line.duplex)
    const port = await openSerial(line.path, 115_200)
    lines.push(port)
    const nextion: Nextion = await connectNextion(port)
    const screen = panelScreen(nextion)
    await screen.show(SALE)
    expect(seen(display).product1).toBe('Æblejuice\r\n8,50 kr')
    const reader = await listening(screen)
    display.press('product1')
    expect(await reader.stop()).toEqual([{ kind: 'product', index: 1 }])
  })

  test('echoes nothing before the other program has opened it', async () => {
    const line = openPty()
    lines.push(line.duplex)
    let echoed = 0
    line.duplex.on('data', (chunk: Uint8Array) => {
      echoed += chunk.length
    })
    line.duplex.write(ALL_BYTES)
    await sleep(50)
    expect(echoed).toBe(0)
  })

  test('is free again when its stream is destroyed', async () => {
    const line = openPty()
    lines.push(line.duplex)
    const first = await openSerial(line.path, 9_600)
    await expect(openSerial(line.path, 9_600)).rejects.toThrow(/cannot open the serial line/)
    const closed = once(first, 'close')
    first.destroy()
    await closed
    const second = await openSerial(line.path, 9_600)
    second.destroy()
    await once(second, 'close')
  })

  test('that does not exist is refused with its path', async () => {
    await expect(openSerial('/dev/no-such-line', 9_600)).rejects.toThrow(
      /cannot open the serial line \/dev\/no-such-line/,
    )
  })

  test('ends for its reader whenever the device is lost', async () => {
    for (let round = 0; round < 100; round++) {
      const line = openPty()
      const port = await openSerial(line.path, 115_200)
      lines.push(port)
      const closed = once(port, 'close', { signal: AbortSignal.timeout(5_000) })
      port.resume()
      // At any moment of a read, before the library waits for bytes as well as while it does.
      await sleep(round % 10)
      line.close()
      await closed
      expect(port.destroyed).toBe(true)
    }
  })

  test('outlives a killed program and serves the next one', async () => {
    const line = openPty()
    lines.push(line.duplex)
    const serial = new URL('../terminal/devices/serial.ts', import.meta.url).href
    const program = `
      const { openSerial } = await import(${JSON.stringify(serial)})
      const port = await openSerial(${JSON.stringify(line.path)}, 115200)
      port.pipe(port)
      console.log('open')`
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(child.stdout, 'data')
      const echoed = read(line.duplex, 256)
      line.duplex.write(ALL_BYTES)
      expect((await echoed).equals(Buffer.from(ALL_BYTES))).toBe(true)
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
})
