import type { Language } from '../../shared/wire.ts'
import type { Nextion, Touch } from '../devices/nextion.ts'
import { CART_LINES, lettersIn, type PanelComponent, type PanelPage, pageOf } from './panel.ts'
import { texts } from './texts.ts'
import type { Press, Screen, View } from './view.ts'

const DRAWS_MAX = 4
type Sale = Extract<View, { kind: 'sale' }>
/** A button that was pressed; `text` is what stood on it where that is what the press means, and else null. */
type Met = { page: PanelPage; name: string; text: string | null; press: Press }
/** What stands on a page, by component: its text, and whether it is in sight. */
type Drawing = { page: PanelPage; texts: Map<string, string>; shown: Map<string, boolean> }

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
  return [...lines.map((each) => line(each, width)), product.price].join('\n')
}

/** What stands in one line of the cart. The newest stay in sight; where there are more, the first line says how many. */
function cartTexts({ cart }: Sale, index: number, others: string): { item: string; amount: string } {
  const above = Math.max(0, cart.length - CART_LINES)
  if (above > 0 && index === 0) return { item: `+ ${above + 1} ${others}`, amount: '' }
  const chosen = cart[above + index]
  return chosen ? { item: `${chosen.quantity} × ${chosen.name}`, amount: chosen.amount } : { item: '', amount: '' }
}

/** A component's text in this view; null leaves what was flashed. */
function textIn(view: View, component: PanelComponent, language: Language): string | null {
  const words = texts(language).on
  if (component.label) return words[component.label]
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
      const [, column, index] = /^(item|amount)(\d)$/.exec(component.name) ?? []
      if (column) return cartTexts(view, Number(index), words.others)[column as 'item' | 'amount']
      switch (component.name) {
        case 'title':
          return view.title
        case 'online':
          return view.online ? words.online : words.offline
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

function drawingOf(view: View, language: Language): Drawing {
  const page = pageOf(view)
  const drawing: Drawing = { page, texts: new Map(), shown: new Map() }
  for (const component of page.components) {
    const value = textIn(view, component, language)
    const broken = component.press?.kind === 'product'
    drawing.texts.set(
      component.name,
      value === null ? component.text : broken ? value : line(value, component.maxLength),
    )
    drawing.shown.set(component.name, shownIn(view, component))
  }
  return drawing
}

function flashed(page: PanelPage): Drawing {
  return {
    page,
    texts: new Map(page.components.map((component) => [component.name, component.text])),
    shown: new Map(page.components.map((component) => [component.name, !component.hidden])),
  }
}

/**
 * The till's screen on a display that was flashed with `panel`.
 *
 * Only what changed is sent. When the display has lost what was drawn, the last view is drawn again at once, and in any
 * case by the next `show`. A touch counts when its page is the one shown and its component is a button in sight there,
 * both when it arrives and when it is taken, and with the same product on it: a press never falls on another than the
 * finger did. Anything else on the line is not a press.
 */
export function panelScreen(nextion: Nextion): Screen {
  /** What the display is known to show; null before the first view and whenever that is in doubt. */
  let drawn: Drawing | null = null
  let last: { view: View; language: Language } | null = null
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

  async function draw({ view, language }: { view: View; language: Language }): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        const restartsAtPage = await send(drawingOf(view, language))
        if (restarts === restartsAtPage) return
        throw new Error('the display lost what was drawn')
      } catch (error) {
        drawn = null
        if (attempt === DRAWS_MAX) throw error
      }
    }
  }

  /** Resolves to how often the display had lost everything when its page was last known to be whole. */
  async function send(wanted: Drawing): Promise<number> {
    let restartsAtPage = restarts
    let now = drawn
    if (now?.page !== wanted.page) {
      const fresh = flashed(wanted.page)
      // From here on a touch on the page before is stale. One that names the page to come is of that, even before the
      // display has answered; only where it may have shown that page already does it tell nothing.
      drawn = now && fresh
      await nextion.page(wanted.page.id)
      now = fresh
      drawn = fresh
      restartsAtPage = restarts
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
    return restartsAtPage
  }

  /** The button that a touch met, as it stood there then; null where there was none to meet. */
  function met(touch: Touch): Met | null {
    if (!drawn || !touch.pressed || touch.page !== drawn.page.id) return null
    const component = drawn.page.components.find(({ id }) => id === touch.component)
    if (component?.kind !== 'button' || !component.press || !drawn.shown.get(component.name)) return null
    const { name, press } = component
    const text = press.kind === 'product' ? (drawn.texts.get(name) ?? '') : null
    return { page: drawn.page, name, text, press }
  }

  function stillStands({ page, name, text }: Met): boolean {
    if (drawn?.page !== page || !drawn.shown.get(name)) return false
    return text === null || drawn.texts.get(name) === text
  }

  return {
    show(view, language = 'da') {
      return inTurn(() => {
        last = { view, language }
        return draw(last)
      })
    },
    async *presses(signal) {
      for await (const touched of nextion.touches(signal, met)) if (stillStands(touched)) yield touched.press
    },
  }
}
