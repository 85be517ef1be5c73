import { type Duplex, duplexPair } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Language } from '../shared/wire.ts'
import { type CodePage, customerDisplay } from '../terminal/devices/customer-display.ts'
import { displayText } from '../terminal/devices/display-text.ts'
import { connectNextion } from '../terminal/devices/nextion.ts'
import { openSerial } from '../terminal/devices/serial.ts'
import { openDisplay } from '../terminal/screen/display.ts'
import { pageOf, palette, panel } from '../terminal/screen/panel.ts'
import { panelScreen } from '../terminal/screen/panel-screen.ts'
import { poleScreen, twoLines } from '../terminal/screen/pole-screen.ts'
import { type Sound, soundingScreen, soundOf, sounds } from '../terminal/screen/sounds.ts'
import { closedText, priceText, type Texts, texts } from '../terminal/screen/texts.ts'
import type { Screen, View } from '../terminal/screen/view.ts'
import { emulateCustomerDisplay } from './emulators/customer-display.ts'
import { emulateNextion } from './emulators/nextion.ts'
import { openPty } from './emulators/pty.ts'

const LANGUAGES: Language[] = ['da', 'en']
const TURN_MS = 8

const lines: Duplex[] = []
afterEach(() => {
  for (const line of lines.splice(0)) line.destroy()
})

function wire(): [Duplex, Duplex] {
  const [till, far] = duplexPair()
  lines.push(till, far)
  return [till, far]
}

/** A screen with its display; `read` resolves to all that it shows of a view, in the time that an answer stands. */
type Bench = { screen: Screen; read(): Promise<string>; unplug(): void }

async function nextionBench(): Promise<Bench> {
  const [till, far] = wire()
  const display = emulateNextion(panel)
  display.plug(far)
  return {
    screen: panelScreen(await connectNextion(till, { timeoutMs: 60, quietMs: 2 })),
    async read() {
      const { components } = display.state()
      return components.map(({ text }) => text).join('\n')
    },
    unplug: () => till.destroy(),
  }
}

async function poleBench(codePage: CodePage = 'cp865') {
  const [till, far] = wire()
  const display = emulateCustomerDisplay()
  display.plug(far)
  const bench: Bench = {
    screen: poleScreen(await customerDisplay(till, codePage), { turnMs: TURN_MS }),
    async read() {
      const seen: string[] = []
      for (let look = 0; look < 40; look++) {
        const pair = display.lines().join('\n')
        if (!seen.includes(pair)) seen.push(pair)
        await sleep(1)
      }
      return seen.join('\n')
    },
    unplug: () => till.destroy(),
  }
  return { ...bench, display }
}

const benches: [string, () => Promise<Bench>][] = [
  ['a Nextion', nextionBench],
  ['a pole display', poleBench],
]

const sale = (words: Texts, over: Partial<Extract<View, { kind: 'sale' }>> = {}): View => ({
  kind: 'sale',
  title: 'Kantinen',
  products: [{ label: 'Toast', price: '15,00 kr' }],
  morePages: false,
  cart: [
    { quantity: 2, name: 'Toast', amount: '30,00 kr' },
    { quantity: 1, name: 'Æblejuice', amount: '8,50 kr' },
  ],
  total: '38,50 kr',
  prompt: words.layCard,
  idle: false,
  online: true,
  canUndo: false,
  ...over,
})

/** Every answer and message that the till gives, as it gives them. */
function said(words: Texts): View[] {
  const answer = (meaning: 'approved' | 'declined' | 'balance' | 'notice', headline: string, detail: string): View => ({
    ...{ kind: 'answer', meaning, headline, detail },
  })
  const message = (headline: string, detail: string): View => ({ kind: 'message', headline, detail })
  const approved = `${words.approved} ${priceText(123_450)}`
  return [
    ...Object.values(words.declinedWhy).map((why) => answer('declined', words.declined, why)),
    ...Object.values(words.offlineWhy).map((why) => answer('declined', words.declined, why)),
    answer('declined', words.declined, words.declinedElse),
    answer('declined', words.declined, closedText(['Hjemmelavet fuldkornsbolle med pålæg'], words)),
    ...Object.values(words.unreadable).map((why) => answer('notice', words.declined, why)),
    ...[words.nothingToUndo, words.undoOtherCard, words.cartFull].map((why) => answer('notice', words.declined, why)),
    answer('approved', approved, `${words.balance} ${priceText(-330)}`),
    answer('approved', approved, words.chargedLater),
    answer('approved', approved, `${words.at} 12.30`),
    answer('notice', words.undone, priceText(4_500)),
    answer('notice', words.undone, words.undoneLater),
    answer('balance', `${words.balance} ${priceText(123_450)}`, words.balanceBlocked),
    answer('balance', words.balance, words.noBalance),
    answer('approved', words.handedOut, `${words.balance} ${priceText(123_450)}`),
    answer('balance', words.balance, words.declinedWhy.card_unknown),
    message(words.noReader, words.noReaderDetail),
    message(words.notSynced, words.notSyncedDetail),
    message(words.revoked, `${words.callOffice} (terminal_revoked)`),
    message(words.barred, `${words.callOffice} (proof_invalid)`),
    message(words.failed, words.failedDisk),
    message(words.failed, words.callOffice),
    message(words.stopped, `${words.stoppedDetail} (terminal_stopped)`),
  ]
}

const wordsIn = (text: string) => text.split(/[\s\r\n]+/).filter((word) => word !== '')
const likeShown = (text: string) => displayText(text)

describe.each(benches)('%s', (_, bench) => {
  test.each(LANGUAGES)('shows every answer and message whole, word by word (%s)', async (language) => {
    const { screen, read } = await bench()
    for (const view of said(texts(language))) {
      if (view.kind !== 'answer' && view.kind !== 'message') continue
      await screen.show(view, language)
      const shown = wordsIn(await read())
      for (const word of wordsIn(likeShown(`${view.headline} ${view.detail}`))) {
        const parts = word.match(/.{1,20}/g) ?? []
        for (const part of parts) expect(shown, `${view.headline}: ${view.detail}`).toContain(part)
      }
    }
  })

  test.each(LANGUAGES)(
    'shows what a sale comes to, what to do, and that there is no connection (%s)',
    async (language) => {
      const words = texts(language)
      const { screen, read } = await bench()
      await screen.show(sale(words, { online: false }), language)
      const shown = await read()
      expect(shown).toContain('38,50 kr')
      expect(shown).toContain(words.layCard)
      expect(shown).toContain(words.on.offline)
      expect(shown).toContain(words.on.total)
    },
  )

  test.each(LANGUAGES)('shows the one product of a fixed price with its price (%s)', async (language) => {
    const words = texts(language)
    const { screen, read } = await bench()
    const cart = [{ quantity: 1, name: 'Aftensmad', amount: '32,00 kr' }]
    await screen.show(sale(words, { cart, total: '32,00 kr' }), language)
    const shown = await read()
    expect(shown).toContain('Aftensmad')
    expect(shown).toContain('32,00 kr')
    expect(shown).toContain(words.layCard)
  })

  test.each(LANGUAGES)('shows how to undo (%s)', async (language) => {
    const words = texts(language)
    const { screen, read } = await bench()
    await screen.show(sale(words, { cart: [], total: '0,00 kr', prompt: words.undoPrompt }), language)
    const shown = wordsIn(await read())
    for (const word of wordsIn(words.undoPrompt)) expect(shown).toContain(word)
  })

  test.each(LANGUAGES)('shows what is being typed (%s)', async (language) => {
    const { screen, read } = await bench()
    await screen.show({ kind: 'keypad', amount: '12,5' }, language)
    const shown = await read()
    expect(shown).toContain('12,5')
    expect(shown).toContain(texts(language).on.amount)
  })

  test('speaks Danish where no language is said, and another one from the next view on', async () => {
    const { screen, read } = await bench()
    await screen.show({ kind: 'keypad', amount: '1' })
    expect(await read()).toContain('Beløb')
    await screen.show({ kind: 'keypad', amount: '1' }, 'en')
    const shown = await read()
    expect(shown).toContain('Amount')
    expect(shown).not.toContain('Beløb')
  })

  test('keeps an amount whole beside a name that is too long', async () => {
    const { screen, read } = await bench()
    const name = 'Hjemmelavet fuldkornsbolle med økologisk pålæg'
    for (const amount of ['1.234,50 kr', '999.999,99 kr']) {
      await screen.show(sale(texts('da'), { cart: [{ quantity: 12, name, amount }], total: amount }))
      const shown = await read()
      expect(shown.split('\n').filter((line) => line.endsWith(amount))).not.toEqual([])
    }
  })

  test('gives no press that nobody made, and ends when it is no longer listened to', async () => {
    const { screen } = await bench()
    await screen.show(sale(texts('da')))
    const ended = new AbortController()
    const presses = screen.presses(ended.signal)[Symbol.asyncIterator]()
    const next = presses.next()
    await sleep(10)
    ended.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('says when its line is gone, to who shows and to who listens', async () => {
    const { screen, unplug } = await bench()
    await screen.show(sale(texts('da')))
    const listening = (async () => {
      for await (const _press of screen.presses(new AbortController().signal)) {
        // Nobody presses.
      }
    })()
    const heard = expect(listening).rejects.toThrow(/display/)
    unplug()
    await heard
    await expect(screen.show({ kind: 'keypad', amount: '' })).rejects.toThrow(/display/)
  })
})

describe('a pole display', () => {
  test.each(['cp865', 'wpc1252'] as const)('shows Danish letters in %s', async (codePage) => {
    const { screen, display } = await poleBench(codePage)
    await screen.show({ kind: 'answer', meaning: 'notice', headline: 'Ærø Østby Åså', detail: 'æ ø å é ü' })
    expect(display.lines()).toEqual(['Ærø Østby Åså', 'æ ø å é ü'])
    expect(display.unknown()).toEqual([])
    expect(display.cursorShown()).toBe(false)
  })

  test('replaces what its table lacks by its likeness', async () => {
    const { screen, display } = await poleBench('cp865')
    const cart = [{ quantity: 3, name: 'Crème fraîche', amount: '9,00 kr' }]
    await screen.show(sale(texts('da'), { cart, total: '9,00 kr' }))
    expect(display.lines()[0]).toBe('3 x Crème fr 9,00 kr')
  })

  test.each(LANGUAGES)(
    'shows the most important words first, and all of an answer while it stands (%s)',
    (language) => {
      for (const view of said(texts(language))) {
        const pairs = twoLines(view, language, displayText)
        for (const line of pairs.flat()) expect(line.length).toBeLessThanOrEqual(20)
        if (view.kind !== 'answer') continue
        expect(pairs[0]?.[0]).toBe(view.headline)
        // An answer stands for four seconds, and a pair for 1.3.
        expect(pairs.length, view.detail).toBeLessThanOrEqual(3)
      }
    },
  )

  test.each(LANGUAGES)('has words of its own that fit its lines (%s)', (language) => {
    const { poleIdle, poleEnter, offline, total } = texts(language).on
    for (const word of [poleIdle, poleEnter, offline, total]) expect(word.length).toBeLessThanOrEqual(20)
    expect(twoLines(sale(texts(language), { idle: true, cart: [] }), language, displayText)).toEqual([
      ['Kantinen', poleIdle],
    ])
  })

  test('that was switched off and on is right again with the next view', async () => {
    const { screen, display } = await poleBench()
    await screen.show(sale(texts('da')))
    display.powerOn()
    await screen.show({ kind: 'answer', meaning: 'approved', headline: 'Godkendt 30,00 kr', detail: 'Køb på Ærø' })
    expect(display.lines()).toEqual(['Godkendt 30,00 kr', 'Køb på Ærø'])
  })

  test('whose line was cut in the middle of any command is right again on the next line', async () => {
    const bytes: number[] = []
    const [till, far] = wire()
    far.on('data', (chunk: Buffer) => bytes.push(...chunk))
    const whole = await customerDisplay(till, 'cp865')
    await whole.write(['Ærø', 'Åså'])
    await sleep(1)
    for (let cut = 0; cut <= bytes.length; cut++) {
      const display = emulateCustomerDisplay()
      const [first, firstFar] = wire()
      display.plug(firstFar)
      first.write(Uint8Array.from(bytes.slice(0, cut)))
      await sleep(0)
      const [second, secondFar] = wire()
      display.plug(secondFar)
      const again = await customerDisplay(second, 'cp865')
      await again.write(['Godkendt', 'Rødgrød på Ø'])
      await again.write(['Godkendt', 'Rødgrød på Ø'])
      await sleep(0)
      expect(display.lines(), `cut at ${cut}`).toEqual(['Godkendt', 'Rødgrød på Ø'])
    }
  })

  test('that takes no bytes is given up in time', async () => {
    const [till] = wire()
    const stuck = Object.assign(till, { write: () => false })
    await expect(customerDisplay(stuck, 'cp865', { timeoutMs: 20 })).rejects.toThrow(/takes nothing within 20 ms/)
    expect(till.destroyed).toBe(true)
  })

  test('shows what it should over a real serial line', async () => {
    const line = openPty()
    lines.push(line.duplex)
    const display = emulateCustomerDisplay()
    display.plug(line.duplex)
    const port = await openSerial(line.path, 9_600)
    lines.push(port)
    const screen = poleScreen(await customerDisplay(port, 'wpc1252'))
    await screen.show({ kind: 'answer', meaning: 'declined', headline: 'Ikke gennemført', detail: 'Spørg personalet.' })
    await expect.poll(() => display.lines()).toEqual(['Ikke gennemført', 'Spørg personalet.'])
  })

  test('shows as much of a name as there is room for beside its amount', async () => {
    const { screen, display } = await poleBench()
    const lines: string[] = []
    for (const [name, amount] of [
      ['Toast', '50,00 kr'],
      ['Varmt  måltid med salat', '50,00 kr'],
      ['Fuldkornsbolle', '1.234,50 kr'],
      ['Fuldkornsbolle', '999.999,99 kr'],
    ] as const) {
      await screen.show(sale(texts('da'), { cart: [{ quantity: 2, name, amount }], total: amount }))
      lines.push(display.lines()[0])
    }
    expect(lines).toEqual([
      '2 x Toast   50,00 kr',
      '2 x Varmt m 50,00 kr',
      '2 x Fuld 1.234,50 kr',
      '2 x Fu 999.999,99 kr',
    ])
  })
})

describe('sound', () => {
  const answer = (meaning: 'approved' | 'declined' | 'balance' | 'notice', detail = ''): View => ({
    ...{ kind: 'answer', meaning, headline: 'Saldo', detail },
  })

  test('differs by meaning, in its tones and in its pulses', () => {
    const all = Object.values(sounds)
    expect(new Set(all.map(({ resource }) => resource)).size).toBe(all.length)
    expect(new Set(all.map(({ tones }) => JSON.stringify(tones))).size).toBe(all.length)
    expect(new Set(all.map(({ pulsesMs }) => JSON.stringify(pulsesMs))).size).toBe(all.length)
  })

  test('belongs to a meaning, like the pictogram and the colour: no two meanings share one', () => {
    const meanings: View[] = [
      ...(['approved', 'declined', 'balance', 'notice'] as const).map((meaning) => answer(meaning)),
      { kind: 'message', headline: '', detail: '' },
    ]
    for (const trait of [
      soundOf,
      (view: View) => pageOf(view).components.find(({ pictogram }) => pictogram)?.pictogram,
      (view: View) => palette[pageOf(view).look].background,
    ]) {
      expect(new Set(meanings.map(trait)).size).toBe(meanings.length)
    }
  })

  test('does not depend on how much there is on the card', () => {
    expect(soundOf(answer('balance', '0,00 kr'))).toBe(soundOf(answer('balance', '1.234,50 kr')))
    expect(soundOf(answer('approved', 'Saldo 0,00 kr'))).toBe(soundOf(answer('approved', 'Saldo 900,00 kr')))
  })

  test('is heard once for each answer, and never because it was drawn again', async () => {
    const heard: Sound[] = []
    const { screen } = await nextionBench()
    const loud = soundingScreen(screen, (sound) => heard.push(sound))
    const words = texts('da')
    const first = answer('approved')
    await loud.show(first)
    await loud.show(first)
    await loud.show(sale(words))
    await loud.show(answer('declined'))
    await loud.show(answer('declined'))
    await loud.show({ kind: 'message', headline: words.noReader, detail: '' })
    await loud.show({ kind: 'message', headline: words.noReader, detail: '' })
    expect(heard).toEqual(['approved', 'declined', 'declined', 'message'])
  })

  test('comes from the display where the model has a loudspeaker, and only there', async () => {
    const [till, far] = wire()
    const display = emulateNextion(panel, { model: 'NX8048P050_011R' })
    display.plug(far)
    const nextion = await connectNextion(till, { timeoutMs: 60, quietMs: 2 })
    expect(nextion.hasAudio).toBe(true)
    await nextion.play(sounds.declined.resource)
    expect(display.played).toEqual([1])
    const [mute, farMute] = wire()
    emulateNextion(panel).plug(farMute)
    expect((await connectNextion(mute, { timeoutMs: 60, quietMs: 2 })).hasAudio).toBe(false)
  })
})

describe('a display as the options name it', () => {
  test('shows and is let go, without the keypad and the buzzer that are missing', async () => {
    const line = openPty()
    lines.push(line.duplex)
    const display = emulateCustomerDisplay()
    display.plug(line.duplex)
    const logged: string[] = []
    const opened = await openDisplay(
      {
        ...{ display: 'pole', serial: line.path, baud: 9_600, codePage: 'wpc1252', keypad: '/dev/no-such-keypad' },
        buzzer: { chip: 'no-such-chip', line: 17 },
      },
      (event) => logged.push(event),
    )
    const ended = new AbortController()
    const presses = opened.screen.presses(ended.signal)[Symbol.asyncIterator]().next()
    await opened.screen.show({ kind: 'answer', meaning: 'declined', headline: 'Ikke gennemført', detail: '' })
    await expect.poll(() => display.lines()).toEqual(['Ikke gennemført', ''])
    await expect.poll(() => [...logged].sort(), { timeout: 5_000 }).toEqual(['buzzer', 'keypad'])
    ended.abort()
    await presses
    opened.close()
  })

  test('plays its own sounds where it can, and is played no others', async () => {
    const line = openPty()
    lines.push(line.duplex)
    const display = emulateNextion(panel, { model: 'NX8048P070_011C' })
    display.plug(line.duplex)
    const logged: string[] = []
    const opened = await openDisplay(
      { display: 'nextion', serial: line.path, baud: 115_200, keypad: null, buzzer: { chip: 'no-such-chip', line: 1 } },
      (event) => logged.push(event),
    )
    await opened.screen.show({ kind: 'answer', meaning: 'approved', headline: 'Godkendt', detail: '' })
    await expect.poll(() => display.played).toEqual([sounds.approved.resource])
    opened.close()
    expect(logged).toEqual([])
  })
})
