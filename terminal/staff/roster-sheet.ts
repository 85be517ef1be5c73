import { bornOn, parseCpr } from '../../shared/cpr.ts'
import { Name } from '../../shared/fields.ts'
import type { RosterRow } from '../../shared/office/roster.ts'
import { type DamagedRow, readSheet, type SheetColumn, type SheetFault } from './sheet.ts'

/** A roster's columns; each child has a line. */
type Column = 'name' | 'birthDay' | 'school' | 'club' | 'cpr' | Guardian
type Guardian = 'guardian1' | 'guardian2' | 'guardian3' | 'guardian4'

const GUARDIANS: readonly Guardian[] = ['guardian1', 'guardian2', 'guardian3', 'guardian4']

const COLUMNS: readonly SheetColumn<Column>[] = [
  { name: 'name', heads: ['barn', 'navn', 'child', 'name'], required: true },
  { name: 'birthDay', heads: ['fødselsdag', 'fødselsdato', 'birth_date'], required: true },
  { name: 'school', heads: ['skole', 'school'], required: true },
  { name: 'club', heads: ['klub', 'club'], required: true },
  { name: 'cpr', heads: ['barn_cpr', 'child_cpr'] },
  // Without a column of guardians every child would lose its own.
  { name: 'guardian1', heads: ['værge1_cpr', 'værge_1_cpr', 'guardian1_cpr', 'guardian_1_cpr'], required: true },
  { name: 'guardian2', heads: ['værge2_cpr', 'værge_2_cpr', 'guardian2_cpr', 'guardian_2_cpr'] },
  { name: 'guardian3', heads: ['værge3_cpr', 'værge_3_cpr', 'guardian3_cpr', 'guardian_3_cpr'] },
  { name: 'guardian4', heads: ['værge4_cpr', 'værge_4_cpr', 'guardian4_cpr', 'guardian_4_cpr'] },
]

/**
 * The children of a roster's file. Where anything is wrong with it, they are only there to be checked further: a child
 * that can be told from others is among them, without what is wrong with its line.
 */
export type RosterSheet = {
  rows: RosterRow[]
  faults: SheetFault[]
  heads: Partial<Record<Column, string>>
  unknown: string[]
}

/** Reads a roster out of a file on a day, `YYYY-MM-DD`. What is wrong is told without what stands there. */
export function rosterOf(bytes: Uint8Array, today: string): RosterSheet {
  const { rows, damaged, faults, heads, unknown } = readSheet(bytes, COLUMNS)
  const read = [...rows.map((row) => ({ ...row, broken: [] })), ...damaged]
    .sort((one, other) => one.line - other.line)
    .map((row) => childOf(row, today))
  const found = read.flatMap(({ line, wrong }) =>
    wrong.map(({ column, reason }) => ({ line, column: heads[column] ?? column, reason })),
  )
  return {
    rows: read.flatMap(({ child }) => (child === null ? [] : [child])),
    faults: [...faults, ...found].sort((one, other) => one.line - other.line),
    heads,
    unknown,
  }
}

type Wrong = { column: Column; reason: string }
type Read = { line: number; wrong: Wrong[]; child: RosterRow | null }

function childOf({ line, cells, broken }: DamagedRow<Column>, today: string): Read {
  const wrong: Wrong[] = []
  const fault = (column: Column, reason: string) => {
    if (!broken.includes(column)) wrong.push({ column, reason })
  }
  const cprIn = (column: 'cpr' | Guardian) => {
    const cpr = cells[column] === '' ? null : parseCpr(padded(cells[column]))
    if (cpr === null && cells[column] !== '') {
      fault(column, 'not a CPR number: ten digits that begin with a date of birth')
    }
    return cpr
  }

  if (cells.name === '') fault('name', 'the name is missing')
  for (const column of ['name', 'school', 'club'] as const) {
    if (!Name.safeParse(cells[column] || 'none').success) fault(column, 'longer than 80 characters')
  }
  const birthDay = dayOf(cells.birthDay)
  if (birthDay === null) {
    fault('birthDay', cells.birthDay === '' ? 'the birth date is missing' : 'no date like 2015-06-07 or 07-06-2015')
  } else if (birthDay > today) fault('birthDay', 'the birth date is in the future')
  const cpr = cprIn('cpr')
  if (cpr !== null && birthDay !== null && bornOn(cpr) !== birthDay) {
    fault('birthDay', "not the date in the child's CPR number")
  }
  const guardians: string[] = []
  for (const column of GUARDIANS) {
    const guardian = cprIn(column)
    if (guardian === null) continue
    if (guardian === cpr) fault(column, "the child's own CPR number")
    else if (guardians.includes(guardian)) fault(column, 'the same guardian stands there twice')
    else guardians.push(guardian)
  }
  const faulty = (column: Column) => broken.includes(column) || wrong.some((found) => found.column === column)
  if (birthDay === null || faulty('name') || faulty('birthDay') || faulty('cpr')) return { line, wrong, child: null }
  const told = (column: 'school' | 'club') => (faulty(column) ? null : cells[column] || null)
  const child = { line, name: cells.name, birthDay, school: told('school'), club: told('club'), cpr, guardians }
  return { line, wrong, child }
}

/** A CPR number as it was before a spreadsheet took it for a count and left its leading nought out. */
const padded = (cell: string) => (/^\d{9}$/.test(cell) ? `0${cell}` : cell)

/** A date as offices write it, as 'YYYY-MM-DD'; null where it is none, or the calendar has no such day. */
function dayOf(cell: string): string | null {
  const iso = /^(\d{4})-(\d\d)-(\d\d)$/.exec(cell)
  const danish = /^(\d\d?)[-./](\d\d?)[-./](\d{4})$/.exec(cell)
  const [year, month, day] = iso ? iso.slice(1) : danish ? [danish[3], danish[2], danish[1]] : []
  if (!year || !month || !day) return null
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const instant = Date.parse(`${date}T00:00:00Z`)
  return !Number.isNaN(instant) && new Date(instant).toISOString().startsWith(date) ? date : null
}
