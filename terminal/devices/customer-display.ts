import type { Duplex } from 'node:stream'
import { displayText } from './display-text.ts'

/** Columns of each of the two lines. */
export const COLUMNS = 20

/** The character table that holds æ, ø and å on this display. */
export type CodePage = 'cp865' | 'wpc1252'

/**
 * A customer display of 2 × 20 characters that understands ESC/POS (Epson DM-D series and its likes). It only takes
 * bytes and never answers, so a write is done when the line has taken it.
 */
export type CustomerDisplay = {
  /** Puts two lines on the display, each of exactly 20 signs out of `signs`. Rejects when the line takes nothing. */
  write(lines: readonly [string, string]): Promise<void>
  /** A text in the signs that this display has, one for each column. */
  signs(value: string): string
  /** Resolves with the reason when the line has closed or takes nothing any more. Never rejects. */
  closed: Promise<Error>
}

const ESC = 0x1b
const US = 0x1f
const HOME = 0x0b
const CLEAR = 0x0c
const TABLE: Readonly<Record<CodePage, number>> = { cp865: 5, wpc1252: 16 }

/** CP865 from 80 to AF; of what lies above, the till says nothing but these four. */
const NORDIC = new Map(
  Array.from('ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø₧ƒáíóúñÑªº¿⌐¬½¼¡«¤', (sign, index) => [sign, 0x80 + index] as const),
)
for (const [sign, byte] of [
  ['ß', 0xe1],
  ['±', 0xf1],
  ['°', 0xf8],
  ['·', 0xfa],
] as const)
  NORDIC.set(sign, byte)

function byteOf(sign: string, codePage: CodePage): number | null {
  const code = sign.charCodeAt(0)
  if (code >= 0x20 && code < 0x7f) return code
  if (codePage === 'cp865') return NORDIC.get(sign) ?? null
  return code >= 0xa0 && code <= 0xff ? code : null // From A0 on, the table is ISO-8859-1.
}

/** What a table lacks is shown by its likeness: 'ã' as 'a', '×' as 'x'; what has none becomes a space. */
function likeness(sign: string, codePage: CodePage): string {
  if (byteOf(sign, codePage) !== null) return sign
  if (sign === '×') return 'x'
  const plain = sign.normalize('NFD').charAt(0)
  return byteOf(plain, codePage) === null ? ' ' : plain
}

/**
 * Makes a display on an open line ready: initialised, cursor off, dark. The driver owns the line from then on and
 * destroys it when it takes nothing within `timeoutMs`.
 *
 * What the display must know stands before every pair of lines, since a display that was switched off and on again
 * cannot say so: the table of characters, and overwrite mode, in which 40 signs from the upper left corner on fill both
 * lines and leave the cursor where it began.
 */
export async function customerDisplay(
  port: Duplex,
  codePage: CodePage,
  { timeoutMs = 1_000 } = {},
): Promise<CustomerDisplay> {
  let failure: Error | null = null
  let tellClosed: (reason: Error) => void = () => {}
  const closed = new Promise<Error>((resolve) => {
    tellClosed = resolve
  })

  function gone(reason: Error): void {
    if (failure) return
    failure = reason
    tellClosed(reason)
    port.destroy()
  }

  // Some send their name when asked; nothing is asked, and whatever comes is noise.
  port.resume()
  port.on('error', (error: Error) => gone(new Error(`the customer display's line failed: ${error.message}`)))
  port.on('end', () => gone(new Error("the customer display's line ended")))
  port.on('close', () => gone(new Error("the customer display's line closed")))

  async function send(bytes: readonly number[]): Promise<void> {
    if (failure) throw failure
    let timer: NodeJS.Timeout | undefined
    const stuck = new Promise<Error>((resolve) => {
      timer = setTimeout(
        () => resolve(new Error(`the customer display takes nothing within ${timeoutMs} ms`)),
        timeoutMs,
      )
    })
    const written = new Promise<Error | null>((resolve) => {
      port.write(Uint8Array.from(bytes), (error) => resolve(error ?? null))
    })
    try {
      const trouble = await Promise.race([written, stuck, closed])
      if (!trouble) return
      gone(trouble)
      throw trouble
    } finally {
      clearTimeout(timer)
    }
  }

  const signs = (value: string) =>
    Array.from(displayText(value).replaceAll('\r', ' '), (sign) => likeness(sign, codePage)).join('')

  await send([ESC, 0x40, US, 0x43, 0, CLEAR])

  return {
    signs,
    closed,
    write(lines) {
      const shown = lines.map((line) => signs(line).padEnd(COLUMNS).slice(0, COLUMNS)).join('')
      const text = Array.from(shown, (sign) => byteOf(sign, codePage) ?? 0x20)
      // The NUL ends what half a command a cut line may have left; by itself it is passed over.
      return send([0x00, ESC, 0x52, 0, ESC, 0x74, TABLE[codePage], US, 0x01, HOME, ...text])
    },
  }
}
