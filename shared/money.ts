/** Whole øre. One krone is 100 øre; there are no fractions of an øre anywhere. */
export type Ore = number & { readonly unit: 'øre' }

/** The largest single movement that text or a message can name: 999.999,99 kr (six digits of kroner). */
export const AMOUNT_MAX_ORE = 99_999_999 as Ore

/** Takes a whole number of øre; throws on anything else, since a fraction here is a bug and not a user's mistake. */
export function ore(value: number): Ore {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not whole øre: ${value}`)
  return value as Ore
}

/** '45', '45,50' and '45.50' become øre without passing through a float; anything else is null. */
export function parseKroner(text: string): Ore | null {
  const match = /^(\d{1,6})(?:[.,](\d{2}))?$/.exec(text.trim())
  return match && ore(Number(match[1]) * 100 + Number(match[2] ?? 0))
}

/** Øre as Danish text: 123450 becomes '1.234,50', −330 becomes '−3,30'. */
export function kroner(amount: Ore): string {
  const digits = String(Math.abs(amount)).padStart(3, '0')
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, '.')
  return `${amount < 0 ? '−' : ''}${whole},${digits.slice(-2)}`
}
