import Papa from 'papaparse'

/*
 * Whatever a spreadsheet could take for a formula (OWASP, "CSV Injection"; the full-width signs count in some
 * locales), except a plain number. Papa's own pattern does not see a formula with a line break in it.
 */
const FORMULA = /^(?:[=+@\t\r\n＝＋－＠]|-(?!\d+(?:,\d{2})?$))/

const BYTE_ORDER_MARK = '\u{feff}'

/** Rows as a spreadsheet in Denmark opens them: UTF-8 with a byte order mark, semicolons, CRLF. */
export function csv(fields: string[], rows: (string | number)[][]): string {
  const data = rows.map((row) => row.map(String)) // A count goes through the same gate as a name.
  return `${BYTE_ORDER_MARK}${Papa.unparse({ fields, data }, { delimiter: ';', newline: '\r\n', escapeFormulae: FORMULA })}\r\n`
}
