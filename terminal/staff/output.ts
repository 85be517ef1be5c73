import Table from 'cli-table3'
import { kroner, ore } from '../../shared/money.ts'

/** What a line may take: the window's width, and 80 columns where there is no window. */
export function lineWidth(): number {
  return Math.max(60, process.stdout.columns ?? 80)
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
  if (rows.length === 0) return none
  const cells = rows.map((row) => columns.map(({ cell }) => plain(String(cell(row)))))
  const widths = columns.map(({ head }, at) => Math.max(head.length, ...cells.map((row) => (row[at] ?? '').length)))
  const gaps = 2 * (columns.length - 1)
  const flexible = columns.findIndex((column) => column.flexible)
  const taken = widths.reduce((sum, width, at) => sum + (at === flexible ? 0 : width), gaps)
  const room = Math.max(12, lineWidth() - taken)
  const printed = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    colWidths: widths.map((width, at) => (at === flexible ? Math.min(width, room) : width)),
    wordWrap: true,
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', right: '', 'right-mid': '' },
      middle: '  ',
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  // A word longer than its column would be cut, not wrapped.
  const broken = (text: string) => text.replace(new RegExp(`\\S{${room}}(?=\\S)`, 'gu'), '$&\n')
  for (const row of cells) printed.push(row.map((text, at) => (at === flexible ? broken(text) : text)))
  return printed
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/**
 * Rows as a table, with what does not fit into columns in indented lines below each row; none of the columns is
 * flexible.
 */
export function tableWithDetails<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  details: (row: Row) => string[],
  none: string,
): string {
  const [head = '', ...lines] = table(rows, columns, none).split('\n')
  const below = rows.map((row) => details(row).map((line) => wrapped(plain(line), '  ')))
  return [head, ...lines.flatMap((line, at) => [line, ...(below[at] ?? [])])].join('\n')
}

/** One paragraph as lines that fit the window, each after an indent; the second and later ones stand in by two more. */
export function wrapped(text: string, indent = ''): string {
  const room = lineWidth() - indent.length - 2
  const lines: string[] = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? ''
    if (line !== '' && line.length + 1 + word.length > room) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.map((line, at) => `${indent}${at === 0 ? '' : '  '}${line}`).join('\n')
}

/** A text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
