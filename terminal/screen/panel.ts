import type { Pictogram } from './pictograms.ts'
import { type Label, texts } from './texts.ts'
import { PRODUCTS_PER_PAGE, type Press, type View } from './view.ts'

/** What a surface means. Colour follows meaning and never wealth. */
export type Look = 'calm' | 'bright' | 'bar' | 'product' | 'action' | 'approved' | 'declined' | 'balance' | 'notice'

/**
 * One component as flashed. `id` and `name` are the display's; lengths are pixels, `fontHeight` is the font's own
 * height, `maxLength` the display's `txt_maxl`. `wrap` breaks long text into lines (`isbr`). `hidden` components are
 * hidden by the page's Preinitialize event. `press` is what the button means; its Send Component ID is switched on.
 * `text` is flashed in Danish; where it is a `label`, another language puts its own word there. A picture is its
 * `pictogram` in the colours of its look.
 */
export type PanelComponent = {
  id: number
  name: string
  kind: 'text' | 'button' | 'picture'
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
  label?: Label
  pictogram?: Pictogram
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
  balance: { background: '#5b3a86', ink: '#ffffff' },
  notice: { background: '#23466f', ink: '#ffffff' },
}

/** Lines of the cart in sight. */
export const CART_LINES = 6

/** '999.999,99 kr', the longest amount there is. Digits are narrow: it fits where letters of that number would not. */
const AMOUNT_LENGTH = 13

type Box = { x: number; y: number; width: number; height: number }
type Style = Partial<
  Pick<PanelComponent, 'text' | 'label' | 'fontHeight' | 'align' | 'look' | 'wrap' | 'hidden' | 'maxLength'>
>
type Draft = Omit<PanelComponent, 'id'>

/**
 * How many letters a box holds. A letter of a proportional font is on average half as wide as the font is high.
 */
export function lettersIn(box: Pick<Box, 'width' | 'height'>, fontHeight: number, wrap: boolean): number {
  const lines = wrap ? Math.floor(box.height / fontHeight) : 1
  return Math.floor(box.width / (fontHeight * 0.5)) * lines
}

function text(name: string, box: Box, style: Style = {}): Draft {
  const { fontHeight = 24, wrap = false, label } = style
  return {
    name,
    kind: 'text',
    ...box,
    text: label ? texts('da').on[label] : '',
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

function picture(name: string, at: Box, look: Look, pictogram: Pictogram): Draft {
  return { ...text(name, at, { look }), kind: 'picture', maxLength: 0, pictogram }
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

const cartItems = Array.from({ length: CART_LINES }, (_, index) =>
  text(`item${index}`, box(464, 56 + index * 28, 196, 28)),
)

const cartAmounts = Array.from({ length: CART_LINES }, (_, index) =>
  text(`amount${index}`, box(660, 56 + index * 28, 132, 28), { align: 'right', maxLength: AMOUNT_LENGTH }),
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

/** The pictogram says the same as the colour, for those who see no colours or read no words. */
function answerPage(id: number, meaning: Meaning): PanelPage {
  const look = meaning
  return page(id, meaning, look, [
    picture('sign', box(344, 16, 112, 112), look, meaning),
    text('headline', box(20, 136, 760, 112), { fontHeight: 56, align: 'centre', look, wrap: true }),
    text('detail', box(20, 256, 760, 104), { fontHeight: 32, align: 'centre', look, wrap: true }),
    button('dismiss', box(200, 372, 400, 96), { kind: 'dismiss' }, { label: 'ok', look: 'bright', fontHeight: 40 }),
  ])
}

// The start page is never asked for, and its names are on no other page: a display that shows it, or refuses a name,
// has started anew, even when its start messages were lost.
const start = page(0, 'start', 'calm', [
  text('brand', box(20, 176, 760, 72), { text: 'Klubkort', fontHeight: 64, align: 'centre', look: 'calm' }),
  text('wait', box(20, 264, 760, 40), { label: 'starting', fontHeight: 32, align: 'centre', look: 'calm' }),
])

const message = page(1, 'message', 'calm', [
  picture('sign', box(344, 24, 112, 112), 'calm', 'message'),
  text('headline', box(20, 152, 760, 120), { fontHeight: 56, align: 'centre', look: 'calm', wrap: true }),
  text('detail', box(20, 288, 760, 144), { fontHeight: 32, align: 'centre', look: 'calm', wrap: true }),
])

const sale = page(2, 'sale', 'bright', [
  text('title', box(0, 0, 656, 48), { fontHeight: 32, look: 'bar' }),
  text('online', box(656, 0, 144, 48), { fontHeight: 24, align: 'right', look: 'bar' }),
  ...products,
  button('more', box(8, 402, 144, 70), { kind: 'next_page' }, { label: 'more', hidden: true }),
  button('undo', box(158, 402, 144, 70), { kind: 'undo' }, { label: 'undo', hidden: true }),
  button('clear', box(308, 402, 144, 70), { kind: 'clear' }, { label: 'clear' }),
  button('ownAmount', box(464, 402, 328, 70), { kind: 'keypad' }, { label: 'amount' }),
  ...cartItems,
  ...cartAmounts,
  text('totalName', box(464, 228, 64, 60), { label: 'total' }),
  text('total', box(528, 228, 264, 60), { fontHeight: 40, align: 'right' }),
  text('prompt', box(464, 296, 328, 98), { fontHeight: 32, align: 'centre', look: 'bar', wrap: true }),
])

const keypad = page(3, 'keypad', 'bright', [
  text('amountName', box(16, 16, 200, 80), { label: 'amount', fontHeight: 40 }),
  text('amount', box(224, 16, 560, 80), { fontHeight: 72, align: 'right' }),
  ...digits,
  button('comma', box(16, 388, 164, 84), { kind: 'comma' }, { text: ',', look: 'product', fontHeight: 48 }),
  button('digit0', box(188, 388, 336, 84), { kind: 'digit', digit: 0 }, { text: '0', look: 'product', fontHeight: 48 }),
  button('erase', box(540, 112, 244, 84), { kind: 'erase' }, { label: 'erase' }),
  button('ok', box(540, 204, 244, 176), { kind: 'ok' }, { label: 'ok', look: 'approved', fontHeight: 48 }),
  button('cancel', box(540, 388, 244, 84), { kind: 'cancel' }, { label: 'cancel' }),
])

const answers: Readonly<Record<Meaning, PanelPage>> = {
  approved: answerPage(4, 'approved'),
  declined: answerPage(5, 'declined'),
  balance: answerPage(6, 'balance'),
  notice: answerPage(7, 'notice'),
}

/** The till's display, 800 by 480 pixels, as it is flashed once. Each meaning of an answer is a page of its colour. */
export const panel: Panel = {
  width: 800,
  height: 480,
  pages: [start, message, sale, keypad, answers.approved, answers.declined, answers.balance, answers.notice],
}

/** The page that shows a view. */
export function pageOf(view: View): PanelPage {
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
