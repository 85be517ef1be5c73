/** Whole øre. One krone is 100 øre; there are no fractions of an øre anywhere. */
export type Ore = number & { readonly unit: 'øre' }

/** The largest single movement that text or a message can name: 999.999,99 kr (six digits of kroner). */
export const AMOUNT_MAX_ORE = 99_999_999 as Ore

/** Takes a whole number of øre; throws on anything else, since a fraction here is a bug and not a user's mistake. */
export function ore(value: number): Ore {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not whole øre: ${value}`)
  return value as Ore
}

const KRONER = /^(\d{1,6}|\d{1,3}(?:\.\d{3})+)(?:,(\d{1,2})|\.(\d{2}))? ?(?:kr\.?)?$/i

/**
 * What a Dane writes for an amount becomes øre without passing through a float: '45', '45,5', '45,50', '45.50',
 * '1.000,00', '50 kr.'. A point before three digits parts thousands. Anything else is null.
 */
export function parseKroner(text: string): Ore | null {
  const match = KRONER.exec(text.trim())
  if (!match) return null
  const [, whole = '', tenths, cents] = match
  const amount = Number(whole.replaceAll('.', '')) * 100 + Number((tenths ?? cents ?? '').padEnd(2, '0'))
  return amount > AMOUNT_MAX_ORE ? null : ore(amount)
}

/** Øre as Danish text: 123450 becomes '1.234,50', −330 becomes '−3,30'. */
export function kroner(amount: Ore): string {
  const digits = String(Math.abs(amount)).padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.')
  return `${amount < 0 ? '−' : ''}${whole},${digits.slice(-2)}`
}
