import Papa from 'papaparse'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { danishDay } from '../statements/statement-periods.ts'
import type { StatementLine } from '../statements/statements.ts'
import { amountField } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { statement } from '../texts/statement.ts'
import { goods, timeOfDay } from './statement-line.ts'

/*
 * Whatever a spreadsheet could take for a formula (OWASP, "CSV Injection"; the full-width signs count in some
 * locales), except a plain number. Papa's own pattern does not see a formula with a line break in it.
 */
const FORMULA = /^(?:[=+@\t\r\n＝＋－＠]|-(?!\d+,\d{2}$))/

const BYTE_ORDER_MARK = '\u{feff}'

/**
 * The lines of a statement as a spreadsheet in Denmark opens them: UTF-8 with a byte order mark, semicolons, CRLF,
 * decimal commas. One row for each movement, in the order of `lines`.
 */
export function statementCsv(lines: readonly StatementLine[], say: Say): string {
  const { date, time, bought, kindField, site, items, remark, amount, balance } = statement
  const rows = lines.map((line) => [
    danishDay(line.day),
    timeOfDay(line.at),
    line.soldAt === null ? '' : `${danishDay(copenhagenDay(line.soldAt))} ${timeOfDay(line.soldAt)}`,
    say(statement.kinds[line.kind]),
    line.site ?? '',
    goods(line, say),
    line.reason ?? '',
    amountCell(line.amount),
    amountCell(line.balance),
  ])
  const fields = [date, time, bought, kindField, site, items, remark, amount, balance].map(say)
  const options = { delimiter: ';', newline: '\r\n', escapeFormulae: FORMULA }
  return `${BYTE_ORDER_MARK}${Papa.unparse({ fields, data: rows }, options)}\r\n`
}

/** −1250 becomes '-12,50': the minus that pages show is no sign of a number to a spreadsheet. */
function amountCell(amount: number): string {
  return amountField(amount).replace('−', '-')
}
