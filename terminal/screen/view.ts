import type { Language } from '../../shared/wire.ts'

/** How many products of the list a sale view shows at once. */
export const PRODUCTS_PER_PAGE = 12

/**
 * The till's picture of its display: what is to be seen, in words, without any knowledge of the display that shows it.
 *
 * - `message`: nothing can be sold; says why (starting, reader missing, terminal revoked).
 * - `sale`: `products` are the up to 12 of this page of the list, `cart` the chosen lines, `amount` what
 *   each comes to as text, `total` the amount alone ('45,50 kr'), `prompt` what to do next; `idle` when
 *   nothing is chosen and nothing asked for.
 * - `keypad`: an amount is being typed; `amount` is what has been typed so far.
 * - `answer`: what became of a tap. The meaning decides the colour; a low balance has no meaning of its own.
 */
export type View =
  | { kind: 'message'; headline: string; detail: string }
  | {
      kind: 'sale'
      title: string
      products: { label: string; price: string }[]
      morePages: boolean
      cart: { quantity: number; name: string; amount: string }[]
      total: string
      prompt: string
      idle: boolean
      online: boolean
      canUndo: boolean
    }
  | { kind: 'keypad'; amount: string }
  | { kind: 'answer'; meaning: 'approved' | 'declined' | 'balance' | 'notice'; headline: string; detail: string }

/** What staff pressed, in the till's terms. `index` counts the products of the sale view last shown, from 0. */
export type Press =
  | { kind: 'product'; index: number }
  | { kind: 'next_page' }
  | { kind: 'clear' }
  | { kind: 'keypad' }
  | { kind: 'undo' }
  | { kind: 'digit'; digit: number }
  | { kind: 'comma' }
  | { kind: 'erase' }
  | { kind: 'ok' }
  | { kind: 'cancel' }
  | { kind: 'dismiss' }

/**
 * The screen as the till sees it. `show` resolves when the view stands on the display and rejects when it cannot be
 * shown; the display's own words are in `language`, Danish where none is said. `presses` gives only presses of buttons
 * that the view shown has; it ends on abort and throws when the display is gone.
 */
export type Screen = {
  show(view: View, language?: Language): Promise<void>
  presses(signal: AbortSignal): AsyncIterable<Press>
}
