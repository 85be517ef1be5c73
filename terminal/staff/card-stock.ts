import type { z } from 'zod'
import { STOCK_ROWS_MAX, StockAnswer, StockCall, type StockFaultReason } from '../../shared/office/card-making.ts'
import { change, type Desk, type Outcome } from './desk.ts'
import { counted, plain } from './output.ts'
import { readSheet, type SheetColumn, type SheetFault, sheetBytes } from './sheet.ts'

/** The producer's list of cards, which the worker takes whole or not at all; again it is no change. */

type Column = 'number' | 'uid'

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

/** What is sent of a cell: a number has at most 40 characters and a UID 20 digits, and all rows go in one body. */
const [NUMBER_SENT, UID_SENT] = [41, 21]

export async function importCards(desk: Desk, path: string): Promise<Outcome> {
  const bytes = await sheetBytes(path)
  if (typeof bytes === 'string') return { kind: 'usage', message: `${plain(path)} cannot be read: ${bytes}` }
  const sheet = readSheet(bytes, COLUMNS)
  const rows = sheet.rows.map(({ line, cells: { number, uid } }) => ({
    line,
    // What is too long is wrong however it goes on.
    ...{ number: number.slice(0, NUMBER_SENT), uid: uid.replace(/[:\s]/g, '').slice(0, UID_SENT) },
  }))
  if (rows.length > STOCK_ROWS_MAX) return { kind: 'usage', message: tooLong(rows.length) }
  if (rows.length === 0) {
    return sheet.faults.length > 0
      ? faulty(path, sheet.faults)
      : { kind: 'usage', message: `${plain(path)} has no rows` }
  }
  // Where the file itself is at fault, what else is wrong with it is asked all the same, and told with it.
  const dry = sheet.faults.length > 0
  const answer = await change(desk, '/card-stock', StockCall, { rows, dry }, StockAnswer, { large: true })
  if (answer.kind === 'unreachable') return dry ? faulty(path, sheet.faults) : { ...answer, ...interrupted(path) }
  if (answer.kind !== 'answer') return answer
  const { faults: found, ...sum } = answer.value
  const faults = found.map(({ line, column, reason }) => ({
    line,
    column: sheet.heads[column] ?? column,
    reason: REASONS[reason],
  }))
  if (dry || faults.length > 0) return faulty(path, [...sheet.faults, ...faults])
  return { kind: 'done', value: sum, text: imported(sum) }
}

const tooLong = (rows: number) =>
  `the list has ${rows} rows, and one may have ${STOCK_ROWS_MAX}: part it into lists that are taken in one by one`

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
