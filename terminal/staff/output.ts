import Table from 'cli-table3'
import stringWidth from 'string-width'
import { kroner, ore } from '../../shared/money.ts'

/** What a line may take: the window's width, and 80 columns where there is no window. */
export function lineWidth(): number {
  return Math.max(60, process.stdout.columns || 80)
}

/** What steers a terminal or turns text around: control characters, and Unicode's marks of direction and of lines. */
const STEERING = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

const danishTime = new Intl.DateTimeFormat('da-DK', {
  timeZone: 'Europe/Copenhagen',
  day: '2-digit',
  month: '2-digit',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})

/** Text from elsewhere, fit to be printed: what would steer the terminal is left out. */
export function plain(text: string): string {
  return text.replace(STEERING, '')
}

/** A value as indented JSON; what would steer the terminal is written as \uXXXX, which reads back the same. */
export function json(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2))
}

/** A value as one line of JSON, for standard error. */
export function jsonLine(value: unknown): string {
  return escaped(JSON.stringify(value))
}

function escaped(text: string): string {
  const code = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  return text.replace(STEERING, (char) => (char === '\n' ? char : code(char)))
}

/** Øre in Danish form, '1.234,50'. */
export function amount(value: number): string {
  return kroner(ore(value))
}

/** A count with its noun: '1 account', '2 accounts', '0 lines'; `many` where an s is not enough. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** Øre as a spreadsheet in Denmark reads them: −123450 becomes '-1234,50'. */
export function amountCell(value: number): string {
  return amount(value).replaceAll('.', '').replace('−', '-')
}

/** An instant (epoch milliseconds) in Danish form and Copenhagen time, '24.12.2026 18.00'. */
export function instant(atMs: number): string {
  return danishTime.format(atMs).replace(',', '')
}

/** What is left to do for guardians who were not told by mail, as a line to follow others; nothing where all were. */
export function notTold(guardians: number): string {
  if (guardians === 0) return ''
  const who = guardians === 1 ? '1 guardian' : `${guardians} guardians`
  return `\n${who} could not be told, as no mail address of theirs is known: phone or write a letter.`
}

/** A column of a table. The `flexible` ones, at most one, are wrapped where the line would be too long. */
export type Column<Row> = {
  head: string
  cell: (row: Row) => string | number
  align?: 'right'
  flexible?: true
}

/** Rows as a table no wider than the window; `none` where there are no rows. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): string {
  return tableWithDetails(rows, columns, () => [], none)
}

/** Rows as a table, with what does not fit into columns in indented lines below each row. */
export function tableWithDetails<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  details: (row: Row) => string[],
  none: string,
): string {
  if (rows.length === 0) return none
  const below = rows.map((row) => details(row).map((line) => wrapped(plain(line), '  ')))
  const heads = columns.map(({ head }) => head)
  const cells = rows.map((row) => columns.map(({ cell }) => plain(String(cell(row)))))
  const widths = fitting(columns, [heads, ...cells])
  if (widths === null) {
    return cells.map((row, at) => [...listed(heads, row), ...(below[at] ?? [])].join('\n')).join('\n\n')
  }
  const folds = [heads, ...cells].map((row) => row.map((text, at) => folded(text, widths[at] ?? 0)))
  const lines = printed(columns, widths, folds)
  const tall = folds.map((row) => Math.max(...row.map((fold) => fold.length)))
  return tall.flatMap((height, at) => [...lines.splice(0, height), ...(below[at - 1] ?? [])]).join('\n')
}

/** What a flexible column is not narrowed below. */
const FLEXIBLE_MIN = 12

/** How wide each column is, where a line then fits the window; null where it cannot. */
function fitting<Row>(columns: readonly Column<Row>[], [heads = [], ...cells]: string[][]): number[] | null {
  const room = lineWidth() - 2 * (columns.length - 1)
  const sum = (widths: number[]) => widths.reduce((all, width) => all + width, 0)
  const wide = (texts: string[]) => Math.max(...texts.map((text) => stringWidth(text)))
  const asWide = (head: (text: string) => string[]) =>
    columns.map((_, at) => wide([...head(heads[at] ?? ''), ...cells.map((row) => row[at] ?? '')]))
  // Heads stand on one line if anyhow possible, then word below word.
  for (const widths of [asWide((head) => [head]), asWide((head) => head.split(' '))]) {
    const flexible = columns.findIndex((column) => column.flexible)
    const left = room - sum(widths.filter((_, at) => at !== flexible))
    if (flexible === -1 ? left >= 0 : left >= Math.min(widths[flexible] ?? 0, FLEXIBLE_MIN)) {
      return widths.map((width, at) => (at === flexible ? Math.min(width, left) : width))
    }
  }
  return null
}

/** The lines of folded cells, set below and beside each other. */
function printed<Row>(columns: readonly Column<Row>[], colWidths: number[], folds: string[][][]): string[] {
  const set = new Table({
    colAligns: columns.map(({ align }) => align ?? 'left'),
    colWidths,
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', right: '', 'right-mid': '' },
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  for (const row of folds) set.push(row.map((fold) => fold.join('\n')))
  return set
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
}

/** A row that no line can hold, one cell below the other beside their heads. */
function listed(heads: string[], row: string[]): string[] {
  const margin = Math.max(...heads.map((head) => stringWidth(head))) + 2
  return row.flatMap((text, at) => {
    const head = heads[at] ?? ''
    const [first = '', ...more] = folded(text, lineWidth() - margin)
    const lines = [
      `${head}${' '.repeat(margin - stringWidth(head))}${first}`,
      ...more.map((line) => ' '.repeat(margin) + line),
    ]
    return lines.map((line) => line.trimEnd())
  })
}

/** Where lines are seen: a window so many columns wide, or a pipe or a file, which has none. */
type Screen = { columns?: number | undefined }

/** A command line at the end of a sentence, and what stands behind it about the sentence. */
const COMMAND = /^(.*: )(klubkort [a-z].*?)( \([a-z_]+\))?$/
/** A command that is named in passing. */
const NAMED = /\bklubkort( [a-z][a-z-]*){1,2}/g
const NARROWEST = 40

/**
 * Lines for a screen: what is wider than its window is broken at blanks, and stands in by two more from then on. A
 * command line to be copied is never broken, but gets a line of its own. A pipe gets the lines as they are. It is the last
 * gate: whatever a command let through, only its line breaks steer.
 */
export function onScreen(text: string, { columns }: Screen): string {
  const lines = text.split('\n').map(plain)
  if (!columns) return lines.join('\n')
  return lines.flatMap((line) => fitted(line, Math.max(NARROWEST, columns))).join('\n')
}

function fitted(line: string, columns: number): string[] {
  if (stringWidth(line) <= columns || /^\s*klubkort(-terminal)? [a-z]/.test(line)) return [line]
  const [, words, command, code = ''] = COMMAND.exec(line) ?? []
  if (words !== undefined && command !== undefined)
    return [...fitted(`${words.trimEnd()}${code}`, columns), `  ${command}`]
  const margin = /^ */.exec(line)?.[0] ?? ''
  const whole = line.slice(margin.length).replace(NAMED, (name) => name.replaceAll(' ', '\u00a0'))
  const lines: string[] = []
  for (const word of whole.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && stringWidth(last) + 1 + stringWidth(word) <= columns)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`${margin}${last === undefined ? '' : '  '}${word}`)
  }
  return lines.map((broken) => broken.replaceAll('\u00a0', ' '))
}

/** One paragraph as lines that fit the window, each after an indent; the second and later ones stand in by two more. */
function wrapped(text: string, indent = ''): string {
  return folded(text, lineWidth() - indent.length - 2)
    .map((line, at) => `${indent}${at === 0 ? '' : '  '}${line}`)
    .join('\n')
}

/** A text in lines of at most `room` columns, broken at blanks, and inside a word only where it is longer than a line. */
export function folded(text: string, room: number): string[] {
  if (stringWidth(text) <= room) return [text]
  const lines: string[] = ['']
  for (const word of text.split(' ').flatMap((word) => broken(word, room))) {
    const line = lines.at(-1) ?? ''
    if (line === '') lines[lines.length - 1] = word
    else if (stringWidth(line) + 1 + stringWidth(word) > room) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

const graphemes = new Intl.Segmenter('da')

/** A word in pieces of at most `room` columns; what is seen as one character stays whole. */
function broken(word: string, room: number): string[] {
  if (stringWidth(word) <= room) return [word]
  const pieces = ['']
  for (const { segment } of graphemes.segment(word)) {
    const piece = pieces.at(-1) ?? ''
    if (piece !== '' && stringWidth(piece + segment) > room) pieces.push(segment)
    else pieces[pieces.length - 1] = piece + segment
  }
  return pieces
}

/** A text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
