import { open } from 'node:fs/promises'
import Papa from 'papaparse'
import { diskTrouble } from './disk.ts'

/**
 * A CSV file as offices have them: UTF-8 or, where it is not, Windows-1252, parted by semicolons, commas or tabs, with a
 * heading. What is wrong with it is told by line, column and reason, and a cell's text is never repeated: it may be
 * somebody's CPR number.
 */

/** Far beyond the largest municipality's roster; what is larger is not read. */
const FILE_BYTES_MAX = 16 * 1024 * 1024
/** A line of the longest cells; beyond it, the file is no table. */
const LINE_LENGTH_MAX = 20_000
const CELL_LENGTH_MAX = 200
const ROWS_MAX = 100_000
/** Nobody mends more than these at a time. */
const FAULTS_MAX = 1_000

/**
 * A column that is looked for: its name to us, and how its heading may be written, the one that we ask for first. Case,
 * and whether words are parted by blanks, hyphens or underscores, does not matter.
 */
export type SheetColumn<K extends string> = { name: K; heads: readonly [string, ...string[]]; required?: true }

/** A row without faults, on the line of the file where it begins; trimmed, and '' where there is no such column. */
export type SheetRow<K extends string> = { line: number; cells: Record<K, string> }

/** A row of which some cells have a fault, that is told: what the others say can be looked into. The faulty ones are ''. */
export type DamagedRow<K extends string> = SheetRow<K> & { broken: readonly K[] }

/** `column` is the heading as the file writes it; null where the whole line is meant. */
export type SheetFault = { line: number; column: string | null; reason: string }

/** `heads` are the headings that were found, as the file writes them, and `unknown` those that nobody asked for. */
export type Sheet<K extends string> = {
  rows: SheetRow<K>[]
  damaged: DamagedRow<K>[]
  faults: SheetFault[]
  heads: Partial<Record<K, string>>
  unknown: string[]
}

/** What a file holds; where it cannot be read, or is too large, why in words. */
export async function sheetBytes(path: string): Promise<Uint8Array | string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? 'there is no such file' : diskTrouble(error),
  )
  if (typeof file === 'string') return file
  try {
    // Not more than may be there is read: what a path leads to can be endless.
    const bytes = Buffer.alloc(FILE_BYTES_MAX + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = (await file.read(bytes, length, bytes.length - length)).bytesRead
    }
    return length > FILE_BYTES_MAX ? `it has more than ${FILE_BYTES_MAX / 1024 / 1024} MB` : bytes.subarray(0, length)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR' ? 'it is a folder, not a file' : diskTrouble(error)
  } finally {
    await file.close()
  }
}

/** Reads a file's rows by their headings; a row that has a fault is among the faults, and not among the rows. */
export function readSheet<K extends string>(bytes: Uint8Array, columns: readonly SheetColumn<K>[]): Sheet<K> {
  const sheet: Sheet<K> = { rows: [], damaged: [], faults: [], heads: {}, unknown: [] }
  const fault = (line: number, column: string | null, reason: string) => sheet.faults.push({ line, column, reason })
  const text = decoded(bytes)
  if (text === null) {
    fault(1, null, 'the file is not text; save it as CSV UTF-8')
    return sheet
  }
  const long = longLine(text)
  if (long !== null) {
    fault(long, null, `the line is longer than ${LINE_LENGTH_MAX} characters`)
    return sheet
  }
  const delimiter = delimiterOf(text, columns)
  let line = 1
  let heading: Heading<K>[] | null = null
  Papa.parse<string[]>(text, {
    delimiter,
    newline: '\n',
    fastMode: false, // Which would split the whole file at once.
    step({ data: cells, errors }, parser) {
      const at = line
      line += 1 + cells.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0)
      if (cells.every((cell) => cell.trim() === '') || (at === 1 && isSeparatorLine(cells))) return
      if (errors.length > 0) {
        fault(at, null, 'a quotation mark is not closed, or stands inside a quoted cell by itself')
      } else if (heading === null) {
        heading = headingOf(cells, columns)
        for (const { column, reason } of headingFaults(heading, columns)) fault(at, column, reason)
        if (sheet.faults.length > 0) return parser.abort()
        for (const { name, written } of heading) {
          if (name !== null) sheet.heads[name] = written
          else if (written !== '') sheet.unknown.push(nameless(written))
        }
      } else if (sheet.rows.length === ROWS_MAX) {
        fault(at, null, `a file may have ${ROWS_MAX} rows`)
        parser.abort()
      } else {
        const found = rowFaults(cells, heading)
        for (const { column, reason } of found) fault(at, column, reason)
        const row = { line: at, cells: cellsOf(cells, heading, columns) }
        if (found.length === 0) sheet.rows.push(row)
        else if (found.every(({ column }) => column !== null)) sheet.damaged.push(damaged(row, found, heading))
      }
      if (sheet.faults.length >= FAULTS_MAX) {
        fault(at, null, 'the file is not read any further; mend these first')
        parser.abort()
      }
    },
  })
  if (heading === null && sheet.faults.length === 0) fault(1, null, 'the file is empty')
  return sheet
}

// ── The file's text ─────────────────────────────────────────────────────────

/** UTF-8 with or without its mark, Windows-1252 where it is not UTF-8; null for what is no text of either. */
function decoded(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null // UTF-16, a spreadsheet's own format, or a picture.
  return textOf(bytes).replace(/\r\n?/g, '\n')
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

/** The number of the first line that is too long to be looked into. */
function longLine(text: string): number | null {
  let line = 1
  for (let from = 0; from < text.length; line += 1) {
    const end = text.indexOf('\n', from)
    if ((end === -1 ? text.length : end) - from > LINE_LENGTH_MAX) return line
    if (end === -1) return null
    from = end + 1
  }
  return null
}

const DELIMITERS = [';', ',', '\t']

/** Whatever parts the heading into the most columns that are looked for. */
function delimiterOf<K extends string>(text: string, columns: readonly SheetColumn<K>[]): string {
  const first = text.split('\n', 20).find((line) => line.trim() !== '' && !isSeparatorLine([line])) ?? ''
  const known = (delimiter: string) => {
    const [cells = []] = Papa.parse<string[]>(first, { delimiter }).data
    return headingOf(cells, columns).filter(({ name }) => name !== null).length
  }
  return DELIMITERS.toSorted((one, other) => known(other) - known(one))[0] ?? ';'
}

/** Excel's own first line, which says what parts the cells. */
const isSeparatorLine = (cells: readonly string[]) => /^sep=.?$/i.test(cells.join('').trim())

// ── The heading ─────────────────────────────────────────────────────────────

type Heading<K extends string> = { name: K | null; written: string }

const folded = (head: string) =>
  head
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_')

function headingOf<K extends string>(cells: readonly string[], columns: readonly SheetColumn<K>[]): Heading<K>[] {
  return cells.map((cell) => {
    const column = columns.find(({ heads }) => heads.some((head) => folded(head) === folded(cell)))
    return { name: column?.name ?? null, written: cell.trim() }
  })
}

type Reason = { column: string | null; reason: string }

function headingFaults<K extends string>(heading: readonly Heading<K>[], columns: readonly SheetColumn<K>[]): Reason[] {
  if (heading.length === 1 && heading[0]?.name === null) {
    return [{ column: null, reason: 'no headings parted by semicolons, commas or tabs' }]
  }
  return columns.flatMap(({ name, heads, required }) => {
    const found = heading.filter((head) => head.name === name)
    if (found.length > 1) return [{ column: found[0]?.written ?? null, reason: 'the heading stands there twice' }]
    return required && found.length === 0 ? [{ column: heads[0], reason: 'the heading is missing' }] : []
  })
}

/** A heading that nobody asked for, without what could be a number of somebody's. */
const nameless = (head: string) => head.slice(0, 40).replace(/\d{4,}/g, '…')

// ── The cells ───────────────────────────────────────────────────────────────

function rowFaults<K extends string>(cells: readonly string[], heading: readonly Heading<K>[]): Reason[] {
  const filled = cells.findLastIndex((cell) => cell.trim() !== '') + 1
  if (cells.length < heading.length || filled > heading.length) {
    const there = cells.length < heading.length ? cells.length : filled
    return [{ column: null, reason: `the heading has ${heading.length} cells, this line ${there}` }]
  }
  return heading.flatMap(({ name, written }, at) => {
    const reason = name === null ? null : cellFault(cells[at] ?? '')
    return reason === null ? [] : [{ column: written, reason }]
  })
}

/** What a spreadsheet would take for a formula; the full-width signs count in some locales. */
const FORMULA = /^\s*[=+@\-\t＝＋－＠]/
/** Control characters, among them those that Windows-1252 leaves open, and Unicode's marks of direction and of lines. */
const STEERING = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u
/** A letter that was lost before, or a Danish one in UTF-8 that was read as Windows-1252. */
const MANGLED = /\u{fffd}|Ã[¦¸¥†˜…©¤¶¼]/u

function cellFault(cell: string): string | null {
  if (cell.length > CELL_LENGTH_MAX) return `the cell is longer than ${CELL_LENGTH_MAX} characters`
  if (FORMULA.test(cell)) return 'the cell begins as a formula'
  if (cell.includes('\n')) return 'the cell has a line break'
  if (STEERING.test(cell)) return 'the cell has a control character'
  return MANGLED.test(cell) ? 'letters are broken: the file was saved in a wrong encoding' : null
}

function cellsOf<K extends string>(
  cells: readonly string[],
  heading: readonly Heading<K>[],
  columns: readonly SheetColumn<K>[],
): Record<K, string> {
  const found = columns.map(({ name }) => {
    const at = heading.findIndex((head) => head.name === name)
    return [name, (at === -1 ? '' : (cells[at] ?? '')).normalize('NFC').trim()]
  })
  return Object.fromEntries(found)
}

function damaged<K extends string>(
  { line, cells }: SheetRow<K>,
  found: readonly Reason[],
  heading: readonly Heading<K>[],
): DamagedRow<K> {
  const broken = heading.flatMap(({ name, written }) =>
    name !== null && found.some(({ column }) => column === written) ? [name] : [],
  )
  return { line, broken, cells: { ...cells, ...Object.fromEntries(broken.map((name) => [name, ''])) } }
}
