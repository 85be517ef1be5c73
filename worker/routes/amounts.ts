import { type Ore, parseKroner } from '../../shared/money.ts'

const AMOUNT_MIN = 100
const AMOUNT_MAX = 1_000_000

/** An amount that a guardian may set, from 1 to 10,000 kroner, in øre; null for anything else. */
export function amountIn(text: string): Ore | null {
  const amount = parseKroner(text)
  return amount !== null && amount >= AMOUNT_MIN && amount <= AMOUNT_MAX ? amount : null
}
