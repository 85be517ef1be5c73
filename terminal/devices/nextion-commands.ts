import { displayText } from './display-text.ts'

/** The display's serial buffer holds 1024 bytes, and an escaped character takes two of them. */
const TEXT_MAX = 480

const REFUSALS = new Map([
  [0x00, 'invalid instruction'],
  [0x02, 'invalid component'],
  [0x03, 'invalid page'],
  [0x1a, 'invalid variable'],
  [0x1b, 'invalid operation'],
  [0x1c, 'assignment failed'],
  [0x1e, 'wrong number of parameters'],
  [0x20, 'invalid escape'],
  [0x23, 'name too long'],
])

function quoted(value: string): string {
  const text = displayText(value).slice(0, TEXT_MAX)
  const escaped = text.replaceAll(/[\\"\r]/g, (sign) => (sign === '\r' ? '\\r' : `\\${sign}`))
  return `"${escaped}"`
}

function named(component: string): string {
  if (!/^[A-Za-z]\w{0,13}$/.test(component)) throw new RangeError(`not a component name: '${component}'`)
  return component
}

/**
 * The commands that a till needs, as text without their end (Nextion Instruction Set). A text is cut to what the display
 * can take at once, and escaped, so that none of it is a command; a name that no component can have throws RangeError.
 */
export const commands = {
  page: (id: number) => `page ${id}`,
  text: (component: string, value: string) => `${named(component)}.txt=${quoted(value)}`,
  visible: (component: string, on: boolean) => `vis ${named(component)},${on ? 1 : 0}`,
  play: (sound: number) => `play 0,${Math.trunc(sound)},0`,
} as const

/** What a display means by refusing a command with this status. */
export function refusalText(status: number): string {
  return `${REFUSALS.get(status) ?? 'status'} (0x${status.toString(16).padStart(2, '0')})`
}
