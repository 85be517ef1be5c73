import type { Nextion, Touch } from './devices/nextion.ts'
import type { Press, Screen, View } from './view.ts'

/** What a surface means. Colour follows meaning and never wealth. */
export type Look = 'calm' | 'bright' | 'bar' | 'product' | 'action' | 'approved' | 'declined' | 'neutral'

/**
 * One component as flashed. `id` and `name` are the display's; lengths are pixels, `fontHeight` is the font's own
 * height, `maxLength` the display's `txt_maxl`. `wrap` breaks long text into lines (`isbr`). `hidden` components are
 * hidden by the page's Preinitialize event. `press` is what the button means; its Send Component ID is switched on.
 */
export type PanelComponent = {
  id: number
  name: string
  kind: 'text' | 'button'
  x: number
  y: number
  width: number
  height: number
  text: string
  fontHeight: number
  align: 'left' | 'centre' | 'right'
  look: Look
  maxLength: number
  wrap: boolean
  hidden: boolean
  press?: Press
}

/** One page as flashed; `look` colours its background. */
export type PanelPage = { id: number; name: string; look: Look; components: readonly PanelComponent[] }

/** All that is flashed on a display, `width` by `height` pixels; page 0 is what it shows when it starts. */
export type Panel = { width: number; height: number; pages: readonly PanelPage[] }

/** How each look is drawn. Every pair has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
export const palette: Readonly<Record<Look, { background: string; ink: string }>> = {
  calm: { background: '#0b1d36', ink: '#ffffff' },
  bright: { background: '#ffffff', ink: '#0b1d36' },
  bar: { background: '#0b1d36', ink: '#ffffff' },
  product: { background: '#dfe8f3', ink: '#0b1d36' },
  action: { background: '#23466f', ink: '#ffffff' },
  approved: { background: '#17693f', ink: '#ffffff' },
  declined: { background: '#f2a900', ink: '#0b1d36' },
  neutral: { background: '#23466f', ink: '#ffffff' },
}

/** A product button shows a name and a price; a page of the list has this many. */
export const PRODUCTS_PER_PAGE = 12
const CART_LINES = 6
const DRAWS_MAX = 3
/** A space and '1.234,50 kr'. */
const AMOUNT_LENGTH = 12

type Box = { x: number; y: number; width: number; height: number }
type Style = Partial<Pick<PanelComponent, 'text' | 'fontHeight' | 'align' | 'look' | 'wrap' | 'hidden' | 'maxLength'>>
type Draft = Omit<PanelComponent, 'id'>

/** A letter of a proportional font is on average half as wide as the font is high. */
function lettersIn(box: Box, fontHeight: number, wrap: boolean): number {
  const lines = wrap ? Math.floor(box.height / fontHeight) : 1
  return Math.floor(box.width / (fontHeight * 0.5)) * lines
}

function text(name: string, box: Box, style: Style = {}): Draft {
  const { fontHeight = 24, wrap = false } = style
  return {
    name,
    kind: 'text',
    ...box,
    text: '',
    align: 'left',
    look: 'bright',
    hidden: false,
    // A line break takes two bytes on the display.
    maxLength: lettersIn(box, fontHeight, wrap) + (wrap ? 2 * Math.floor(box.height / fontHeight) : 0),
    ...style,
    fontHeight,
    wrap,
  }
}

function button(name: string, box: Box, press: Press, style: Style = {}): Draft {
  return { ...text(name, box, { align: 'centre', look: 'action', fontHeight: 32, ...style }), kind: 'button', press }
}

/** A page's own id as a component is 0, so its components count from 1. */
function page(id: number, name: string, look: Look, drafts: Draft[]): PanelPage {
  return { id, name, look, components: drafts.map((draft, index) => ({ id: index + 1, ...draft })) }
}

function box(x: number, y: number, width: number, height: number): Box {
  return { x, y, width, height }
}

const products = Array.from({ length: PRODUCTS_PER_PAGE }, (_, index) =>
  button(
    `product${index}`,
    box(8 + (index % 3) * 150, 56 + Math.floor(index / 3) * 86, 144, 80),
    { kind: 'product', index },
    { look: 'product', fontHeight: 24, wrap: true, hidden: true },
  ),
)

const cartLines = Array.from({ length: CART_LINES }, (_, index) =>
  text(`cart${index}`, box(464, 56 + index * 28, 328, 28)),
)

const digits = [7, 8, 9, 4, 5, 6, 1, 2, 3].map((digit, index) =>
  button(
    `digit${digit}`,
    box(16 + (index % 3) * 172, 112 + Math.floor(index / 3) * 92, 164, 84),
    { kind: 'digit', digit },
    { text: String(digit), look: 'product', fontHeight: 48 },
  ),
)

type Meaning = Extract<View, { kind: 'answer' }>['meaning']

/** The sign says the same as the colour, for those who see no colours; it is Latin-1, as the display's fonts are. */
function answerPage(id: number, meaning: Meaning, look: Look, sign: string): PanelPage {
  return page(id, meaning, look, [
    text('sign', box(300, 16, 200, 112), { text: sign, fontHeight: 96, align: 'centre', look }),
    text('headline', box(20, 136, 760, 112), { fontHeight: 56, align: 'centre', look, wrap: true }),
    text('detail', box(20, 256, 760, 104), { fontHeight: 32, align: 'centre', look, wrap: true }),
    button('dismiss', box(200, 372, 400, 96), { kind: 'dismiss' }, { text: 'OK', look: 'bright', fontHeight: 40 }),
  ])
}

// The start page is never asked for, and its names are on no other page: a display that shows it, or refuses a name,
// has started anew, even when its start messages were lost.
const start = page(0, 'start', 'calm', [
  text('brand', box(20, 176, 760, 72), { text: 'Klubkort', fontHeight: 64, align: 'centre', look: 'calm' }),
  text('wait', box(20, 264, 760, 40), { text: 'Starter', fontHeight: 32, align: 'centre', look: 'calm' }),
])

const message = page(1, 'message', 'calm', [
  text('headline', box(20, 112, 760, 120), { fontHeight: 56, align: 'centre', look: 'calm', wrap: true }),
  text('detail', box(20, 256, 760, 144), { fontHeight: 32, align: 'centre', look: 'calm', wrap: true }),
])

const sale = page(2, 'sale', 'bright', [
  text('title', box(0, 0, 656, 48), { fontHeight: 32, look: 'bar' }),
  text('online', box(656, 0, 144, 48), { fontHeight: 24, align: 'right', look: 'bar' }),
  ...products,
  button('more', box(8, 402, 144, 70), { kind: 'next_page' }, { text: 'Flere', hidden: true }),
  button('undo', box(158, 402, 144, 70), { kind: 'undo' }, { text: 'Fortryd', hidden: true }),
  button('clear', box(308, 402, 144, 70), { kind: 'clear' }, { text: 'Slet' }),
  button('keypad', box(464, 402, 328, 70), { kind: 'keypad' }, { text: 'Beløb' }),
  ...cartLines,
  text('totalName', box(464, 228, 64, 60), { text: 'I alt' }),
  text('total', box(528, 228, 264, 60), { fontHeight: 48, align: 'right' }),
  text('prompt', box(464, 296, 328, 98), { fontHeight: 32, align: 'centre', look: 'bar', wrap: true }),
])

const keypad = page(3, 'keypad', 'bright', [
  text('amountName', box(16, 16, 200, 80), { text: 'Beløb', fontHeight: 40 }),
  text('amount', box(224, 16, 560, 80), { fontHeight: 72, align: 'right' }),
  ...digits,
  button('comma', box(16, 388, 164, 84), { kind: 'comma' }, { text: ',', look: 'product', fontHeight: 48 }),
  button('digit0', box(188, 388, 336, 84), { kind: 'digit', digit: 0 }, { text: '0', look: 'product', fontHeight: 48 }),
  button('erase', box(540, 112, 244, 84), { kind: 'erase' }, { text: 'Slet' }),
  button('ok', box(540, 204, 244, 176), { kind: 'ok' }, { text: 'OK', look: 'approved', fontHeight: 48 }),
  button('cancel', box(540, 388, 244, 84), { kind: 'cancel' }, { text: 'Annuller' }),
])

const answers: Readonly<Record<Meaning, PanelPage>> = {
  approved: answerPage(4, 'approved', 'approved', 'OK'),
  declined: answerPage(5, 'declined', 'declined', '×'),
  balance: answerPage(6, 'balance', 'neutral', 'kr'),
  notice: answerPage(7, 'notice', 'neutral', 'i'),
}

/** The till's display, 800 by 480 pixels, as it is flashed once. Each meaning of an answer is a page of its colour. */
export const panel: Panel = {
  width: 800,
  height: 480,
  pages: [start, message, sale, keypad, answers.approved, answers.declined, answers.balance, answers.notice],
}

type Picture = { page: PanelPage; texts: Map<string, string>; shown: Map<string, boolean> }

/** One line, cut to what the component holds; the office may send any text. */
function line(value: string, length: number): string {
  const clean = value.replaceAll(/\s+/g, ' ').trim()
  return clean.length <= length ? clean : `${clean.slice(0, Math.max(0, length - 3))}...`
}

/**
 * The price on the last line, the name on those above it. The lines are broken here and not by the display, so that a
 * long name loses its end and never pushes the price out of the button.
 */
function productText(product: { label: string; price: string }, button: PanelComponent): string {
  const width = lettersIn(button, button.fontHeight, false)
  const linesMax = Math.floor(button.height / button.fontHeight)
  const lines: string[] = []
  for (const word of line(product.label, Number.POSITIVE_INFINITY).split(' ')) {
    const open = lines.at(-1)
    const joined = open === undefined ? word : `${open} ${word}`
    // The last line takes all that is left, and is cut below.
    if (open !== undefined && (joined.length <= width || lines.length === linesMax - 1))
      lines[lines.length - 1] = joined
    else lines.push(word)
  }
  return [...lines.map((each) => line(each, width)), line(product.price, width)].join('\n')
}

/** The newest lines stay in sight; where there are more, the first line says how many. An amount at the end is kept. */
function cartText(cart: string[], index: number, length: number): string {
  const above = cart.length - CART_LINES
  if (above > 0 && index === 0) return `+ ${above + 1} mere`
  const clean = line(cart[Math.max(0, above) + index] ?? '', Number.POSITIVE_INFINITY)
  if (clean.length <= length) return clean
  return `${clean.slice(0, length - 3 - AMOUNT_LENGTH)}...${clean.slice(-AMOUNT_LENGTH)}`
}

function pageOf(view: View): PanelPage {
  switch (view.kind) {
    case 'message':
      return message
    case 'sale':
      return sale
    case 'keypad':
      return keypad
    case 'answer':
      return answers[view.meaning]
  }
}

/** A component's text in this view; null leaves what was flashed. */
function textIn(view: View, component: PanelComponent): string | null {
  switch (view.kind) {
    case 'message':
    case 'answer':
      return component.name === 'headline' ? view.headline : component.name === 'detail' ? view.detail : null
    case 'keypad':
      return component.name === 'amount' ? view.amount : null
    case 'sale': {
      if (component.press?.kind === 'product') {
        const product = view.products[component.press.index]
        return product ? productText(product, component) : null
      }
      const cartIndex = cartLines.findIndex((draft) => draft.name === component.name)
      if (cartIndex >= 0) return cartText(view.cart, cartIndex, component.maxLength)
      switch (component.name) {
        case 'title':
          return view.title
        case 'online':
          return view.online ? 'Online' : 'Offline'
        case 'total':
          return view.total
        case 'prompt':
          return view.prompt
      }
      return null
    }
  }
}

function shownIn(view: View, component: PanelComponent): boolean {
  if (view.kind !== 'sale') return !component.hidden
  switch (component.press?.kind) {
    case 'product':
      return component.press.index < view.products.length
    case 'next_page':
      return view.morePages
    case 'undo':
      return view.canUndo
    default:
      return !component.hidden
  }
}

function pictureOf(view: View): Picture {
  const page = pageOf(view)
  const picture: Picture = { page, texts: new Map(), shown: new Map() }
  for (const component of page.components) {
    const value = textIn(view, component)
    const broken = component.press?.kind === 'product'
    picture.texts.set(
      component.name,
      value === null ? component.text : broken ? value : line(value, component.maxLength),
    )
    picture.shown.set(component.name, shownIn(view, component))
  }
  return picture
}

function flashed(page: PanelPage): Picture {
  return {
    page,
    texts: new Map(page.components.map((component) => [component.name, component.text])),
    shown: new Map(page.components.map((component) => [component.name, !component.hidden])),
  }
}

/**
 * The till's screen on a display that was flashed with `panel`.
 *
 * Only what changed is sent. When the display has restarted, the last view is drawn again at once, and in any case by
 * the next `show`. A touch counts when its page is the one shown and its component is a button in sight there; anything
 * else on the line is not a press.
 */
export function panelScreen(nextion: Nextion): Screen {
  /** What the display is known to show; null before the first view and whenever that is in doubt. */
  let drawn: Picture | null = null
  let last: View | null = null
  let restarts = 0
  let turn: Promise<unknown> = Promise.resolve()

  nextion.onRestart(() => {
    restarts += 1
    drawn = null
    // A loss of the display is told by `closed` and by the next `show`; nobody waits for this drawing.
    inTurn(async () => {
      if (last && !drawn) await draw(last)
    }).catch(() => {})
  })

  function inTurn(work: () => Promise<void>): Promise<void> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  async function draw(view: View): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const restartsBefore = restarts
      try {
        await send(pictureOf(view))
        if (restarts === restartsBefore) return
        throw new Error('the display restarted while it was drawn')
      } catch (error) {
        drawn = null
        if (attempt === DRAWS_MAX) throw error
      }
    }
  }

  async function send(wanted: Picture): Promise<void> {
    let now = drawn
    if (now?.page !== wanted.page) {
      // From here on a touch on the page before is stale.
      drawn = null
      await nextion.page(wanted.page.id)
      now = flashed(wanted.page)
      drawn = now
    }
    for (const { name } of wanted.page.components) {
      const shown = wanted.shown.get(name) ?? false
      const value = wanted.texts.get(name) ?? ''
      // A button that goes is out of use before the display hides it, and one that comes has its text before it shows.
      if (!shown && now.shown.get(name)) {
        now.shown.set(name, false)
        await nextion.visible(name, false)
      }
      if (shown && value !== now.texts.get(name)) {
        await nextion.text(name, value)
        now.texts.set(name, value)
      }
      if (shown && !now.shown.get(name)) {
        await nextion.visible(name, true)
        now.shown.set(name, true)
      }
    }
  }

  function pressOf(touch: Touch): Press | null {
    if (!drawn || !touch.pressed || touch.page !== drawn.page.id) return null
    const component = drawn.page.components.find(({ id }) => id === touch.component)
    if (component?.kind !== 'button' || !drawn.shown.get(component.name)) return null
    return component.press ?? null
  }

  return {
    show(view) {
      return inTurn(() => {
        last = view
        return draw(view)
      })
    },
    async *presses(signal) {
      for await (const touch of nextion.touches(signal)) {
        const press = pressOf(touch)
        if (press) yield press
      }
    },
  }
}
