import { panel } from '../../terminal/screen/panel.ts'

const END = [0xff, 0xff, 0xff]

/** A page's number, by its name. */
export function pageId(name: string): number {
  const found = panel.pages.find((page) => page.name === name)
  if (!found) throw new RangeError(name)
  return found.id
}

/** A component's number on a page, by their names. */
export function idOf(page: string, component: string): number {
  const found = panel.pages[pageId(page)]?.components.find(({ name }) => name === component)
  if (!found) throw new RangeError(component)
  return found.id
}

/** Numbers below a bound, the same ones for the same seed (mulberry32). */
export function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A touch of a button in sight, garbled in its end or with a byte behind its head lost. */
function spoiltTouch(roll: (below: number) => number): Buffer {
  const buttons = ['product0', 'product1', 'clear', 'ownAmount'].map((name) => idOf('sale', name))
  const whole = [0x65, pageId('sale'), buttons[roll(buttons.length)] ?? 0, 1, ...END]
  const at = 1 + roll(whole.length - 1)
  return Buffer.from(at < 4 ? whole.toSpliced(at, 1) : whole.with(at, roll(0xff)))
}

/** Noise that loves the protocol's own bytes, but holds no whole touch. */
export function noise(roll: (below: number) => number): Buffer {
  if (roll(3) === 0) return spoiltTouch(roll)
  const loved = [0x65, 0x66, 0x70, 0x71, 0x63, 0x24, 0x1a, 0x86, 0x87, 0x88, 0x00, 0x01, 0x02, 0x03, 0xff, 0xff, 0xff]
  const bytes = Buffer.from(
    Array.from({ length: 1 + roll(24) }, () => (roll(3) > 0 ? (loved[roll(loved.length)] ?? 0) : roll(256))),
  )
  const whole = bytes.some((byte, at) => byte === 0x65 && bytes[at + 3] === 1 && bytes[at + 4] === 0xff)
  return whole ? noise(roll) : bytes
}
