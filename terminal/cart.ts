import { type SaleLine, totalOf } from '../shared/debit.ts'
import { AMOUNT_MAX_ORE, type Ore, ore, parseKroner } from '../shared/money.ts'
import type { SyncProduct } from '../shared/wire.ts'
import { priceText } from './screen/texts.ts'
import type { View } from './screen/view.ts'

const LINES_MAX = 50
const QUANTITY_MAX = 99

/** What is being bought: one line a product, and one for each amount that staff keyed in, which has no category. */
export type Cart = readonly (SaleLine & { name: string; category?: string | undefined })[]

export const EMPTY_CART: Cart = []

/** One more of a product, at today's price; null where the cart is full. */
export function withProduct(cart: Cart, { id, name, price, category }: SyncProduct): Cart | null {
  const known = cart.find((line) => line.product === id && line.price === price)
  const more = known
    ? cart.map((line) => (line === known ? { ...line, quantity: line.quantity + 1 } : line))
    : [...cart, { product: id, quantity: 1, price, name, category }]
  return fits(more)
}

/** One more line over an amount in øre, not of any product but called `name`; null where the cart is full. */
export function withAmount(cart: Cart, amount: Ore, name: string): Cart | null {
  return fits([...cart, { product: null, quantity: 1, price: amount, name }])
}

function fits(cart: Cart): Cart | null {
  const small = cart.length <= LINES_MAX && cart.every(({ quantity }) => quantity <= QUANTITY_MAX)
  return small && totalOf(cart) <= AMOUNT_MAX_ORE ? cart : null
}

/** What the cart comes to, in øre. */
export const totalOfCart = (cart: Cart): Ore => ore(totalOf(cart))

/** What of it is one of these products, or where none is named of these categories; by name. */
export function namesIn(cart: Cart, products: readonly number[], categories: ReadonlySet<string>): string[] {
  const meant = cart.filter(({ product, category }) =>
    products.length > 0
      ? product !== null && products.includes(product)
      : category !== undefined && categories.has(category),
  )
  return meant.map(({ name }) => name)
}

/** The lines as a message carries them. */
export const saleLines = (cart: Cart): SaleLine[] =>
  cart.map(({ product, quantity, price }) => ({ product, quantity, price }))

/** The lines as the display shows them. */
export const shownLines = (cart: Cart): Extract<View, { kind: 'sale' }>['cart'] =>
  cart.map(({ quantity, name, price }) => ({ quantity, name, amount: priceText(quantity * price) }))

/** What has been typed on the keypad, with one key more; a key that would make no amount is passed over. */
export function typed(text: string, key: string): string {
  if (key === ',') return text === '' || text.includes(',') ? text : `${text},`
  const next = text === '0' ? key : text + key
  return /^\d{1,4}(,\d{0,2})?$/.test(next) ? next : text
}

/** The amount that a keypad text means, in øre: '7' is 700, '7,5' is 750; null where it means none. */
export function typedAmount(text: string): Ore | null {
  const [whole = '', cents] = text.split(',')
  const amount = parseKroner(cents ? `${whole},${cents.padEnd(2, '0')}` : whole)
  return amount === null || amount === 0 ? null : amount
}
