import { type EmbeddedFont, layoutText, measureText, ops, PDF, PdfString } from '@libpdf/core'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { kroner, type Ore } from '../../shared/money.ts'
import type { Language } from '../../shared/wire.ts'
import { danishDay } from '../statements/statement-periods.ts'
import type { Period, Statement, StatementLine, TransferKind } from '../statements/statements.ts'
import type { Say } from '../texts/language.ts'
import { statement } from '../texts/statement.ts'
import { boughtWhen, goods, onlyOf, sumOf, timeOfDay } from './statement-line.ts'

/** What the document says beside the movements; `fonts` are TrueType files. */
export type StatementDocument = {
  municipality: string
  child: string
  period: Period
  kind: TransferKind | null
  language: Language
  say: Say
  fonts: { regular: Uint8Array; bold: Uint8Array }
  nowMs: number
}

// ── What is where, in points from the lower left corner of an A4 page ───────

const LEFT = 42
const RIGHT = 553
const TOP = 800
const BOTTOM = 62
const FOOT = 36
const LINE_HEIGHT = 12
const ROW_GAP = 5
const SIZE = 9

type Column = { edge: number; align: 'left' | 'right' }
const DATE: Column = { edge: LEFT, align: 'left' }
const WHAT: Column = { edge: LEFT + 92, align: 'left' }
const AMOUNT: Column = { edge: RIGHT - 72, align: 'right' }
const BALANCE: Column = { edge: RIGHT, align: 'right' }
const WHAT_WIDTH = 270

type Face = { font: EmbeddedFont; name: string }
type Ink = { regular: Face; bold: Face }
type Word = { text: string; bold?: boolean }
type Cell = { column: Column; lines: Word[] }
type Operators = Parameters<ReturnType<PDF['addPage']>['drawOperators']>[0]

/**
 * A statement as an A4 document. The movements stand in the order of their booking, which the balance follows; those of
 * one kind alone do not add up to it, so then the edges are left out. A letter that the font lacks is shown as a
 * question mark.
 */
export async function statementPdf(found: Statement, about: StatementDocument): Promise<Uint8Array> {
  const { say, fonts } = about
  const pdf = PDF.create()
  describe(pdf, about)
  const regular = pdf.embedFont(fonts.regular)
  const bold = pdf.embedFont(fonts.bold)
  const movements = found.lines.flatMap((line) => movementRows(line, regular, about))
  const whole = [
    edgeRow(say(statement.opening), danishDay(about.period.from), found.opening),
    ...movements,
    edgeRow(say(statement.closing), danishDay(about.period.to), found.closing),
  ]
  const none = [[cell(WHAT, { text: say(statement.none) })]]
  const sheets = pagesOf(about.kind === null ? whole : movements.length > 0 ? movements : none)
  for (const [index, sheet] of sheets.entries()) {
    const paper = pdf.addPage({ size: 'a4' })
    const ink = {
      regular: { font: regular, name: paper.registerFont(regular) },
      bold: { font: bold, name: paper.registerFont(bold) },
    }
    const foot = say(statement.pageOf)(index + 1, sheets.length)
    const head = index === 0 ? heading(ink, found, about) : []
    // One call a page: each makes a stream of its own.
    paper.drawOperators([...head, ...table(ink, sheet, say), ...footer(ink, foot, about)])
  }
  return await pdf.save({ subsetFonts: true, compressionThreshold: 0 })
}

function describe(pdf: PDF, { say, child, municipality, period, language, nowMs }: StatementDocument) {
  const when = new Date(nowMs)
  const title = `${say(statement.title)} – ${child} – ${periodText(period, say)}`
  pdf.setTitle(title, { showInWindowTitleBar: true })
  pdf.setLanguage(language === 'da' ? 'da-DK' : 'en-GB')
  pdf.setMetadata({
    author: municipality,
    subject: say(statement.of)(child),
    creator: 'Klubkort',
    producer: 'Klubkort',
    creationDate: when,
    modificationDate: when,
  })
}

const periodText = ({ from, to }: Period, say: Say) => say(statement.periodIs)(danishDay(from), danishDay(to))

// ── Rows, and which page each of them falls on ──────────────────────────────

const cell = (column: Column, ...lines: Word[]): Cell => ({ column, lines })
const amount = (ore: number) => kroner(ore as Ore)

function edgeRow(label: string, day: string, balance: number): Cell[] {
  return [
    cell(DATE, { text: day }),
    cell(WHAT, { text: label, bold: true }),
    cell(BALANCE, { text: amount(balance), bold: true }),
  ]
}

/** No row may be taller than a page, so what a very long sale sold goes on in rows of its own. */
const ROW_LINES_MAX = 40

function movementRows(line: StatementLine, font: EmbeddedFont, { say, language }: StatementDocument): Cell[][] {
  const kind = say(statement.kinds[line.kind])
  const place = line.site === null ? kind : `${kind}, ${line.site}`
  const told = [place, boughtWhen(line, language, say), goods(line, say), line.reason ?? '']
  const what = wrapped(told.filter(Boolean).join('\n'), font)
  const more = Array.from({ length: Math.ceil(what.length / ROW_LINES_MAX) - 1 }, (_, index) => [
    cell(WHAT, ...what.slice((index + 1) * ROW_LINES_MAX, (index + 2) * ROW_LINES_MAX)),
  ])
  return [
    [
      cell(DATE, { text: `${danishDay(line.day)} ${timeOfDay(line.at)}` }),
      cell(WHAT, ...what.slice(0, ROW_LINES_MAX)),
      cell(AMOUNT, { text: amount(line.amount) }),
      cell(BALANCE, { text: amount(line.balance) }),
    ],
    ...more,
  ]
}

/** A text in lines that fit their column; a word that is wider than the column is broken. */
function wrapped(text: string, font: EmbeddedFont): Word[] {
  const breakable = text.replaceAll(/\S{30}(?=\S)/g, '$& ')
  return layoutText(writable(breakable, font), font, SIZE, WHAT_WIDTH, LINE_HEIGHT).lines.map((line) => ({
    text: line.text,
  }))
}

const heightOf = (row: Cell[]) => Math.max(...row.map(({ lines }) => lines.length)) * LINE_HEIGHT + ROW_GAP

const HEADING_HEIGHT = 96
const HEADER_ROW_HEIGHT = LINE_HEIGHT + 2 * ROW_GAP

type Placed = { row: Cell[]; y: number }
type Sheet = { headerY: number; rows: Placed[] }

/** Fills page after page; `y` is the base line of a row's first line. */
function pagesOf(rows: Cell[][]): Sheet[] {
  const sheets: Sheet[] = []
  let y = Number.NEGATIVE_INFINITY
  for (const row of rows) {
    if (y - heightOf(row) < BOTTOM) {
      const headerY = sheets.length === 0 ? TOP - HEADING_HEIGHT : TOP
      sheets.push({ headerY, rows: [] })
      y = headerY - HEADER_ROW_HEIGHT
    }
    sheets.at(-1)?.rows.push({ row, y })
    y -= heightOf(row)
  }
  return sheets
}

// ── Ink on paper ────────────────────────────────────────────────────────────

function heading(ink: Ink, found: Statement, about: StatementDocument): Operators {
  const { say, municipality, child, period, kind } = about
  const only = onlyOf(kind, say)
  const sums = [
    `${say(statement.in)}: ${amount(sumOf(found, kind, 'in'))}`,
    `${say(statement.out)}: ${amount(sumOf(found, kind, 'out'))}`,
    say(statement.kroner),
    ...(kind === null ? [] : [say(statement.balanceOfAll)]),
  ]
  return [
    ...text(ink.regular, municipality, LEFT, TOP, 10),
    ...text(ink.bold, say(statement.title), LEFT, TOP - 26, 20),
    ...text(ink.regular, say(statement.of)(child), LEFT, TOP - 46, 11),
    ...text(ink.regular, `${say(statement.period)}: ${periodText(period, say)}${only}`, LEFT, TOP - 61, 11),
    ...text(ink.regular, sums.join(' · '), LEFT, TOP - 76, SIZE),
  ]
}

function table(ink: Ink, { headerY, rows }: Sheet, say: Say): Operators {
  const header = [
    [DATE, say(statement.date)],
    [WHAT, say(statement.what)],
    [AMOUNT, say(statement.amount)],
    [BALANCE, say(statement.balance)],
  ] as const
  return [
    ...header.flatMap(([column, label]) => aligned(ink.bold, label, column, headerY)),
    ...rule(headerY - ROW_GAP, 1),
    ...rows.flatMap(({ row, y }) => [
      ...row.flatMap(({ column, lines }) =>
        lines.flatMap((line, index) =>
          aligned(line.bold ? ink.bold : ink.regular, line.text, column, y - index * LINE_HEIGHT),
        ),
      ),
      ...rule(y - heightOf(row) + LINE_HEIGHT - 1, 0.25),
    ]),
  ]
}

function footer(ink: Ink, page: string, { say, municipality, nowMs }: StatementDocument): Operators {
  const made = say(statement.made)(danishDay(copenhagenDay(nowMs)))
  return [
    ...aligned(ink.regular, `${municipality} · ${made}`, DATE, FOOT),
    ...aligned(ink.regular, page, BALANCE, FOOT),
  ]
}

function aligned(face: Face, words: string, { edge, align }: Column, y: number): Operators {
  const shown = writable(words, face.font)
  return text(face, shown, align === 'left' ? edge : edge - measureText(shown, face.font, SIZE), y, SIZE)
}

function text({ font, name }: Face, words: string, x: number, y: number, size: number): Operators {
  const glyphs = font.encodeTextToGids(writable(words, font))
  const bytes = Uint8Array.from(glyphs.flatMap((glyph) => [glyph >> 8, glyph & 0xff]))
  return [
    ops.beginText(),
    ops.setFont(name, size),
    ops.setTextMatrix(1, 0, 0, 1, x, y),
    ops.showText(PdfString.fromBytes(bytes)),
    ops.endText(),
  ]
}

function rule(y: number, width: number): Operators {
  return [ops.setLineWidth(width), ops.moveTo(LEFT, y), ops.lineTo(RIGHT, y), ops.stroke()]
}

/** What the font can show of a text; letters that were typed as a base and an accent become one. */
function writable(words: string, font: EmbeddedFont): string {
  const composed = words.normalize('NFC')
  return font.canEncode(composed)
    ? composed
    : Array.from(composed, (letter) => (letter === '\n' || font.canEncode(letter) ? letter : '?')).join('')
}
