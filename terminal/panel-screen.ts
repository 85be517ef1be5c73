import type { Language } from '../shared/wire.ts'
import type { Nextion, Touch } from './devices/nextion.ts'
import { CART_LINES, lettersIn, type PanelComponent, type PanelPage, pageOf } from './panel.ts'
import { texts } from './texts.ts'
import type { Press, Screen, View } from './view.ts'

const DRAWS_MAX = 4
/** A space and '1.234,50 kr'. */
const AMOUNT_LENGTH = 12

type Met = { page: PanelPage; name: string; text: string | undefined; press: Press }
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
function cartText(cart: string[], index: number, length: number, others: string): string {
  const above = cart.length - CART_LINES
  if (above > 0 && index === 0) return `+ ${above + 1} ${others}`
  const clean = line(cart[Math.max(0, above) + index] ?? '', Number.POSITIVE_INFINITY)
  if (clean.length <= length) return clean
  return `${clean.slice(0, length - 3 - AMOUNT_LENGTH)}...${clean.slice(-AMOUNT_LENGTH)}`
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
      const [, cartIndex] = /^cart(\d)$/.exec(component.name) ?? []
      if (cartIndex) return cartText(view.cart, Number(cartIndex), component.maxLength, words.others)
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

function pictureOf(view: View, language: Language): Picture {
  const page = pageOf(view)
  const picture: Picture = { page, texts: new Map(), shown: new Map() }
  for (const component of page.components) {
    const value = textIn(view, component, language)
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
 * Only what changed is sent. When the display has lost what was drawn, the last view is drawn again at once, and in any
 * case by the next `show`. A touch counts when its page is the one shown and its component is a button in sight there,
 * both when it arrives and when it is taken, with the same words on it: a press never falls on another product than the
 * finger did. Anything else on the line is not a press.
 */
export function panelScreen(nextion: Nextion): Screen {
  /** What the display is known to show; null before the first view and whenever that is in doubt. */
  let drawn: Picture | null = null
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
        const restartsAtPage = await send(pictureOf(view, language))
        if (restarts === restartsAtPage) return
        throw new Error('the display lost what was drawn')
      } catch (error) {
        drawn = null
        if (attempt === DRAWS_MAX) throw error
      }
    }
  }

  /** Resolves to how often the display had lost everything when its page was last known to be whole. */
  async function send(wanted: Picture): Promise<number> {
    let restartsAtPage = restarts
    let now = drawn
    if (now?.page !== wanted.page) {
      // From here on a touch on the page before is stale.
      drawn = null
      await nextion.page(wanted.page.id)
      now = flashed(wanted.page)
      drawn = now
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
    return { page: drawn.page, name, text: drawn.texts.get(name), press }
  }

  function stillStands({ page, name, text }: Met): boolean {
    return drawn?.page === page && drawn.shown.get(name) === true && drawn.texts.get(name) === text
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
