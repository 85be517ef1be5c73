import type { Duplex } from 'node:stream'

const COLUMNS = 20
const CELLS = 2 * COLUMNS
const ESC = 0x1b
const US = 0x1f

/** Bytes after the two of a command, by the command; none of the others is known to this model. */
const PARAMETERS = new Map([
  [`${ESC} ${0x40}`, 0], // ESC @
  [`${ESC} ${0x52}`, 1], // ESC R n
  [`${ESC} ${0x74}`, 1], // ESC t n
  [`${US} ${0x01}`, 0], // US MD1
  [`${US} ${0x02}`, 0], // US MD2
  [`${US} ${0x43}`, 1], // US C n
])

/** CP865 where it differs from CP437 and CP850 in letters of the Nordic languages, and the rest that we send. */
const NORDIC: Readonly<Record<number, string>> = {
  128: 'Ç',
  129: 'ü',
  130: 'é',
  132: 'ä',
  134: 'å',
  138: 'è',
  140: 'î',
  142: 'Ä',
  143: 'Å',
  144: 'É',
  145: 'æ',
  146: 'Æ',
  148: 'ö',
  153: 'Ö',
  154: 'Ü',
  155: 'ø',
  157: 'Ø',
  225: 'ß',
  250: '·',
}

/**
 * A customer display of 2 × 20 characters from its line inwards (Epson ESC/POS, display commands). After power-on its
 * table is CP437, it scrolls instead of overwriting, and its cursor is to be seen.
 */
export function emulateCustomerDisplay() {
  let cells: string[] = []
  let cursor = 0
  let table = 0
  let overwrites = false
  let cursorShown = true
  let held: number[] = []
  let unplug = () => {}
  const unknown: number[] = []

  function powerOn(): void {
    cells = Array.from({ length: CELLS }, () => ' ')
    cursor = 0
    table = 0
    overwrites = false
    cursorShown = true
    held = []
  }

  function letter(byte: number): string {
    if (byte < 0x7f) return String.fromCharCode(byte)
    if (table === 16) return String.fromCharCode(byte)
    return table === 5 ? (NORDIC[byte] ?? '?') : '?'
  }

  function put(sign: string): void {
    cells[cursor] = sign
    cursor += 1
    if (cursor < CELLS) return
    if (overwrites) {
      cursor = 0
      return
    }
    cells = [...cells.slice(COLUMNS), ...Array.from({ length: COLUMNS }, () => ' ')]
    cursor = COLUMNS
  }

  function command([first, second, value = 0]: number[]): void {
    if (first === ESC && second === 0x40) powerOn()
    if (first === ESC && second === 0x74) table = value
    if (first === US && second === 0x01) overwrites = true
    if (first === US && second === 0x02) overwrites = false
    if (first === US && second === 0x43) cursorShown = value === 1
  }

  function take(byte: number): void {
    if (held.length > 0 || byte === ESC || byte === US) {
      held.push(byte)
      if (held.length < 2) return
      const parameters = PARAMETERS.get(`${held[0]} ${held[1]}`)
      if (parameters === undefined) {
        // Half a command of a line that was cut, ended by the NUL that begins the next.
        if (byte !== 0) unknown.push(...held)
        held = []
      } else if (held.length === 2 + parameters) {
        const whole = held
        held = []
        command(whole)
      }
      return
    }
    if (byte === 0x0b) cursor = 0
    else if (byte === 0x0c) {
      cells = Array.from({ length: CELLS }, () => ' ')
      cursor = 0
    } else if (byte >= 0x20) put(letter(byte))
    else if (byte !== 0) unknown.push(byte)
  }

  powerOn()

  return {
    /** Wires the display to its end of a line; a line plugged in before is let go. */
    plug(wire: Duplex): void {
      unplug()
      const onData = (chunk: Uint8Array) => {
        for (const byte of chunk) take(byte)
      }
      wire.on('data', onData)
      wire.on('error', () => {})
      unplug = () => wire.off('data', onData)
    },
    /** The two lines as they are to be seen, without the spaces at their ends. */
    lines: (): [string, string] => [
      cells.slice(0, COLUMNS).join('').trimEnd(),
      cells.slice(COLUMNS).join('').trimEnd(),
    ],
    cursorShown: () => cursorShown,
    /** Bytes that are no command of this model. */
    unknown: (): readonly number[] => unknown,
    powerOn,
  }
}
