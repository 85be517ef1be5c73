import type { SyncProduct } from '../shared/wire.ts'
import { type Cart, EMPTY_CART, typed, typedAmount, withAmount, withProduct } from './cart.ts'
import type { Press } from './screen/view.ts'

/** Why a press came to nothing, as the display has words for it. */
export type Missed = 'cartFull' | 'nothingToUndo'

export type Choice = ReturnType<typeof choice>

/**
 * What staff are choosing at a till before a card is laid on: the cart, an amount that is being typed, the page of
 * products that they look at, and whether the last sale is to be undone.
 */
export function choice() {
  let cart: Cart = EMPTY_CART
  let keypad: string | null = null
  let page = 0
  let undoing = false

  function put(fuller: Cart | null): Missed | null {
    if (fuller === null) return 'cartFull'
    cart = fuller
    undoing = false
    return null
  }

  function pressedKeypad(press: Press, text: string, ownAmount: string): Missed | null {
    if (press.kind === 'digit') keypad = typed(text, String(press.digit))
    if (press.kind === 'comma') keypad = typed(text, ',')
    if (press.kind === 'erase') keypad = text.slice(0, -1)
    if (press.kind === 'cancel') keypad = null
    if (press.kind !== 'ok') return null
    keypad = null
    const amount = typedAmount(text)
    return amount === null ? null : put(withAmount(cart, amount, ownAmount))
  }

  return {
    cart: () => cart,

    /** What has been typed of an amount; null while none is being typed. */
    keypad: () => keypad,

    /** Which of so many pages is looked at, from 0; after the last comes the first again. */
    page(pages: number): number {
      page %= pages
      return page
    },

    undoing: () => undoing,

    /** The cart has been sold. */
    sold() {
      cart = EMPTY_CART
    },

    /** A card has been laid on for the sale to be undone. */
    undone() {
      undoing = false
    },

    /** A press on these product buttons, or elsewhere; `ownAmount` is what an amount that was typed is called. */
    press(
      press: Press,
      { buttons, ownAmount, canUndo }: { buttons: readonly SyncProduct[]; ownAmount: string; canUndo: boolean },
    ): Missed | null {
      if (keypad !== null) return pressedKeypad(press, keypad, ownAmount)
      switch (press.kind) {
        case 'product': {
          const product = buttons[press.index]
          return product === undefined ? null : put(withProduct(cart, product))
        }
        case 'next_page':
          page += 1
          return null
        case 'clear':
          cart = EMPTY_CART
          undoing = false
          return null
        case 'keypad':
          keypad = ''
          return null
        case 'undo':
          if (!canUndo) return 'nothingToUndo'
          undoing = !undoing
          return null
        case 'digit':
        case 'comma':
        case 'erase':
        case 'ok':
        case 'cancel':
        case 'dismiss':
          return null // Keys of another page, pressed as it went away.
      }
    },
  }
}
