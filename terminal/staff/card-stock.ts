import type { z } from 'zod'
import { STOCK_ROWS_MAX, StockAnswer, StockCall, type StockFaultReason } from '../../shared/office/card-making.ts'
import { change, type Desk, type Outcome } from './desk.ts'
import { counted, plain } from './output.ts'
import { readSheet, type SheetColumn, type SheetFault, sheetBytes } from './sheet.ts'

/**
 * The producer's list of cards. The worker takes it a page at a time, each whole or not at all; so that of a longer list
 * nothing is half done, every page is asked about before the first one is stored, and what was interrupted all the same
 * is sent again as it is: what is known already is no change.
 */

type Column = 'number' | 'uid'
type Row = { line: number; number: string; uid: string }

const COLUMNS: readonly SheetColumn<Column>[] = [
  { name: 'number', heads: ['kortnummer', 'number', 'nummer', 'card_number'], required: true },
  { name: 'uid', heads: ['uid'], required: true },
]

const REASONS: Record<StockFaultReason, string> = {
  number_malformed: 'a number is letters, digits and hyphens, at most 40',
  number_mistyped: 'a digit is wrong',
  number_repeated: 'the number stands there before',
  number_taken: 'another card has this number already',
  uid_malformed: 'a UID is 8, 14 or 20 hexadecimal digits',
  uid_random: 'a UID that begins with 08 is drawn anew at every tap',
  uid_repeated: 'the UID stands there before',
  uid_taken: 'the card is in the stack under another number',
  uid_in_use: 'the card belongs to a child already',
}

export async function importCards(desk: Desk, path: string): Promise<Outcome> {
  const bytes = await sheetBytes(path)
  if (typeof bytes === 'string') return { kind: 'usage', message: `${plain(path)} cannot be read: ${bytes}` }
  const sheet = readSheet(bytes, COLUMNS)
  const rows = sheet.rows.map(({ line, cells }): Row => ({ line, number: cells.number, uid: cells.uid }))
  const head = (column: Column) => sheet.heads[column] ?? column
  const faults: SheetFault[] = [
    ...sheet.faults,
    ...repeated(rows).map(({ line, column, reason }) => ({ line, column: head(column), reason: REASONS[reason] })),
  ]
  if (rows.length === 0 && faults.length === 0) return { kind: 'usage', message: `${plain(path)} has no rows` }
  const pages = Array.from({ length: Math.ceil(rows.length / STOCK_ROWS_MAX) }, (_, at) =>
    rows.slice(at * STOCK_ROWS_MAX, (at + 1) * STOCK_ROWS_MAX),
  )
  const sum = { orders: 0, blanks: 0, unchanged: 0 }
  const soFar = new Set<string>()
  // One page is checked and stored in one call; of several each is asked about first.
  for (const dry of pages.length > 1 || faults.length > 0 ? [true, false] : [false]) {
    for (const page of pages) {
      const answer = await change(desk, '/card-stock', StockCall, { rows: page, dry }, StockAnswer)
      if (answer.kind !== 'answer') return { ...answer, ...(dry ? {} : interrupted(path)) }
      for (const fault of answer.value.faults) {
        const { line, column, reason } = fault
        if (!soFar.has(`${line} ${column}`)) faults.push({ line, column: head(column), reason: REASONS[reason] })
        soFar.add(`${line} ${column}`)
      }
      if (!dry) for (const key of ['orders', 'blanks', 'unchanged'] as const) sum[key] += answer.value[key]
      if (!dry && faults.length > 0) return faulty(path, faults)
    }
    if (faults.length > 0) return faulty(path, faults)
  }
  return { kind: 'done', value: sum, text: imported(sum) }
}

/** Rows of the whole list that are there twice, which no single page shows; the worker says the same of one page. */
function repeated(rows: readonly Row[]): { line: number; column: Column; reason: StockFaultReason }[] {
  const [pages, seen] = [new Map<string, number>(), new Map<string, number>()]
  return rows.flatMap(({ line, number, uid }, at) => {
    const page = Math.floor(at / STOCK_ROWS_MAX)
    const again = (map: Map<string, number>, key: string) => {
      const before = map.get(key)
      if (before === undefined) map.set(key, page)
      return before !== undefined && before !== page
    }
    return [
      ...(again(pages, number) ? [{ line, column: 'number', reason: 'number_repeated' } as const] : []),
      ...(again(seen, uid.replace(/[:\s]/g, '').toLowerCase())
        ? [{ line, column: 'uid', reason: 'uid_repeated' } as const]
        : []),
    ]
  })
}

const interrupted = (path: string) => ({
  hint: `send it again, nothing comes of that twice: klubkort card import ${plain(path)}`,
})

const faulty = (path: string, faults: readonly SheetFault[]): Outcome => ({
  ...{ kind: 'faulty', path },
  faults: faults.toSorted((one, other) => one.line - other.line),
})

function imported({ orders, blanks, unchanged }: Omit<z.infer<typeof StockAnswer>, 'faults'>): string {
  const before = unchanged === 0 ? '' : `; ${unchanged} known before`
  return `${counted(orders, 'card')} for orders, ${counted(blanks, 'blank')} for the stack${before}.`
}
