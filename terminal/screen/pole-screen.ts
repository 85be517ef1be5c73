import type { Language } from '../../shared/wire.ts'
import { COLUMNS, type CustomerDisplay } from '../devices/customer-display.ts'
import { type Texts, texts } from './texts.ts'
import type { Press, Screen, View } from './view.ts'

type Sale = Extract<View, { kind: 'sale' }>

/** What stands on a display of two lines at once. */
export type TwoLines = readonly [string, string]

/** An answer of three lines below its headline has all been shown within the four seconds that it stands. */
const TURN_MS = 1_300

/** A text in lines of at most 20 signs, broken between words; only a word that is longer than a line is broken. */
function wrapped(value: string): string[] {
  const lines: string[] = []
  for (const word of value.trim().split(/\s+/)) {
    const open = lines.at(-1)
    if (open !== undefined && open.length + 1 + word.length <= COLUMNS) lines[lines.length - 1] = `${open} ${word}`
    else for (let from = 0; from < word.length; from += COLUMNS) lines.push(word.slice(from, from + COLUMNS))
  }
  return lines
}

/** A name to the left and an amount to the right. The amount is whole; of the name, what there is room for. */
function beside(name: string, amount: string): string {
  const clean = name.trim().replaceAll(/\s+/g, ' ')
  const room = COLUMNS - amount.length
  return `${clean.slice(0, room - 1).padEnd(room)}${amount}`
}

/** Lines below a headline that stays; a headline that fills more than a line is shown before them. */
function below(headline: string, rest: string[]): TwoLines[] {
  const [first = '', second, ...more] = wrapped(headline)
  if (second === undefined) return rest.length === 0 ? [[first, '']] : rest.map((line) => [first, line] as const)
  const after = [...more, ...rest]
  const pairs: TwoLines[] = [[first, second]]
  for (let from = 0; from < after.length; from += 2) pairs.push([after[from] ?? '', after[from + 1] ?? ''])
  return pairs
}

/** What is being bought: nothing yet, one line of the cart, or what all of them come to. */
function boughtLine({ title, cart, total }: Sale, { on }: Texts): string {
  const [line, ...others] = cart
  if (!line) return wrapped(title)[0] ?? ''
  if (others.length > 0) return beside(on.total, total)
  // A single one needs no number.
  return beside(line.quantity === 1 ? line.name : `${line.quantity} × ${line.name}`, line.amount)
}

function saleLines(view: Sale, words: Texts): TwoLines[] {
  const { on } = words
  const connection = view.online ? [] : [on.offline]
  const top = boughtLine(view, words)
  if (view.idle) return below(top, [on.poleIdle, ...connection])
  return [...wrapped(view.prompt), ...connection].map((line) => [top, line] as const)
}

/**
 * A view in pairs of lines, the most important words in the first. Where there are more than one, they are shown in
 * turn, so that no word is lost. `signs` spells a text in what the display has, one sign for each column.
 */
export function twoLines(view: View, language: Language, signs: (value: string) => string): TwoLines[] {
  const words = texts(language)
  switch (view.kind) {
    case 'message':
    case 'answer':
      return below(signs(view.headline), wrapped(signs(view.detail)))
    case 'keypad':
      return [[beside(words.on.amount, `${view.amount === '' ? '0' : view.amount} kr`), words.on.poleEnter]]
    case 'sale': {
      const cart = view.cart.map((line) => ({ ...line, name: signs(line.name) }))
      return saleLines({ ...view, title: signs(view.title), cart, prompt: signs(view.prompt) }, words)
    }
  }
}

/**
 * The till's screen on a customer display of 2 × 20. It has no buttons and gives no
 * presses: the price is fixed, or staff have a keypad.
 */
export function poleScreen(display: CustomerDisplay, { turnMs = TURN_MS } = {}): Screen {
  let turn: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  function inTurn(work: () => Promise<void>): Promise<void> {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }

  function showNext(pairs: TwoLines[], index: number): void {
    timer = setTimeout(() => {
      const pair = pairs[index % pairs.length]
      // A line that fails is told by `closed` and by the next `show`.
      if (pair) inTurn(() => display.write(pair)).catch(() => clearTimeout(timer))
      showNext(pairs, index + 1)
    }, turnMs)
    timer.unref()
  }

  void display.closed.then(() => clearTimeout(timer))

  return {
    show: (view, language = 'da') =>
      inTurn(async () => {
        clearTimeout(timer)
        const pairs = twoLines(view, language, display.signs)
        const [first = ['', ''] as const] = pairs
        await display.write(first)
        if (pairs.length > 1) showNext(pairs, 1)
      }),
    presses: (signal) => ({
      [Symbol.asyncIterator]: () => ({
        async next(): Promise<IteratorResult<Press>> {
          const reason = await Promise.race([abortOf(signal), display.closed])
          if (reason) throw reason
          return { done: true, value: undefined }
        },
      }),
    }),
  }
}

function abortOf(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    signal.addEventListener('abort', () => resolve(null), { once: true })
  })
}
