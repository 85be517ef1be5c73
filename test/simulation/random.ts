/** Draws that follow from a seed alone, so that a story can be told again. */
export type Random = {
  /** From 0 to below 1. */
  next(): number
  /** A whole number from `least` to `most`, both of them possible. */
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  bytes(count: number): Uint8Array
}

/** A stream of draws (mulberry32). Each purpose has its own, so that one more draw for one changes nothing for another. */
export function randomOf(seed: number, purpose: string): Random {
  let state = seed | 0
  for (const letter of purpose) state = Math.imul(state ^ (letter.codePointAt(0) ?? 0), 0x01000193)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return {
    next,
    between,
    chance: (probability) => next() < probability,
    pick(from) {
      const picked = from[Math.floor(next() * from.length)]
      if (picked === undefined) throw new RangeError('there is nothing to pick from')
      return picked
    },
    bytes: (count) => Uint8Array.from({ length: count }, () => between(0, 255)),
  }
}
