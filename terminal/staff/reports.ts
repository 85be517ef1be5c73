import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { addDays, copenhagenDay } from '../../shared/copenhagen.ts'
import { Clearing, Day, Liabilities, Report, Volume } from '../../shared/office/reports.ts'
import { command, group, idArgument } from './command.ts'
import { type Asked, type Desk, type Outcome, read } from './desk.ts'
import { diskTrouble } from './disk.ts'
import { amount, counted, instant, plain, table } from './output.ts'
import { productName, type Sheet, sheetOf } from './report-sheet.ts'
import { ACCOUNT_WORDS, worded } from './words.ts'

type Csv = { csv?: string | true }

/** `klubkort report …`: what the book says, in sum. */
export function reportCommands(klubkort: Command, desk: Desk) {
  const report = group(klubkort, 'report', 'sales, money in and out, and solvency', 'klubkort report month --site 1')
  const asCsv = (parent: Command) =>
    parent.option('--csv [file]', 'as CSV for a Danish spreadsheet, to a file if named')

  asCsv(
    command(
      report,
      'day',
      'everything that was booked on a day',
      'klubkort report day',
      'klubkort report day --date 2026-11-20 --site 1 --csv day.csv',
    ),
  )
    .option('--date <day>', 'which day (default: today)', dayArgument)
    .option('--site <id>', 'only what belongs to this site', idArgument)
    .addHelpText('after', REPORT_CSV)
    .action(async ({ date, site, csv }: { date?: string; site?: number } & Csv) => {
      const day = date ?? copenhagenDay(desk.nowMs())
      desk.deliver(await shown(await ask(desk, day, day, site), csv, reportPage, sheetOf.report))
    })

  asCsv(
    command(
      report,
      'month',
      'everything that was booked in a month',
      'klubkort report month',
      'klubkort report month --month 2026-10 --csv october.csv',
    ),
  )
    .option('--month <month>', 'which month, YYYY-MM (default: this one)', monthArgument)
    .option('--site <id>', 'only what belongs to this site', idArgument)
    .addHelpText('after', REPORT_CSV)
    .action(async ({ month, site, csv }: { month?: string; site?: number } & Csv) => {
      const from = `${month ?? copenhagenDay(desk.nowMs()).slice(0, 7)}-01`
      const to = addDays(`${addDays(from, 31).slice(0, 7)}-01`, -1)
      desk.deliver(await shown(await ask(desk, from, to, site), csv, reportPage, sheetOf.report))
    })

  asCsv(command(report, 'liabilities', 'what is owed, and what is held for it', 'klubkort report liabilities')).action(
    async ({ csv }: Csv) => {
      const asked = await read(desk, '/reports/liabilities', Liabilities)
      desk.deliver(await shown(asked, csv, liabilitiesPage, sheetOf.liabilities))
    },
  )

  asCsv(
    command(report, 'clearing', "the clearing account against Stripe's book", 'klubkort report clearing --json'),
  ).action(async ({ csv }: Csv) => {
    const asked = await read(desk, '/reports/clearing', Clearing)
    desk.deliver(await shown(asked, csv, clearingPage, sheetOf.clearing))
  })

  asCsv(
    command(
      report,
      'volume',
      'what was paid in twelve months, against what must be notified',
      'klubkort report volume',
    ),
  ).action(async ({ csv }: Csv) => {
    const asked = await read(desk, '/reports/volume', Volume)
    desk.deliver(await shown(asked, csv, volumePage, sheetOf.volume))
  })
}

export function dayArgument(text: string): string {
  if (!Day.safeParse(text).success) throw new InvalidArgumentError('A day is like 2026-11-21.')
  return text
}

function monthArgument(text: string): string {
  if (!Day.safeParse(`${text}-01`).success) throw new InvalidArgumentError('A month is like 2026-11.')
  return text
}

const REPORT_CSV = `
CSV columns: Part (site, product, movement, flagged, late or declined), Site,
What (the product, the movement or the reason), Out of and Into (of a movement),
Count, Undone, and Amount in kroner. One row for each line of the report.`

const ask = (desk: Desk, from: string, to: string, site: number | undefined) =>
  read(desk, `/reports?from=${from}&to=${to}${site === undefined ? '' : `&site=${site}`}`, Report)

/** A report as a page or, where CSV is asked for, as a sheet. */
async function shown<T>(
  asked: Asked<T>,
  wanted: string | true | undefined,
  page: (value: T) => string,
  sheet: (value: T) => Sheet,
): Promise<Outcome> {
  if (asked.kind !== 'answer') return asked
  const { value } = asked
  if (wanted === undefined) return { kind: 'done', value, text: page(value) }
  const { csv } = await import('./csv.ts')
  const { fields, rows } = sheet(value)
  if (wanted === true) return { kind: 'done', value, text: csv(fields, rows).trimEnd(), exact: true }
  try {
    await writeFile(wanted, csv(fields, rows))
  } catch (error) {
    return { kind: 'usage', message: `${wanted} cannot be written: ${diskTrouble(error)}` }
  }
  return { kind: 'done', value, text: `${counted(rows.length, 'row')} written to ${wanted}.` }
}

/** '2026-11-21' as Danes write it. */
const danish = (day: string) => day.split('-').reverse().join('.')

const section = (head: string, rows: string) => `${head}\n${rows}`

function reportPage({ from, to, site, sites, products, movements, flags, declined }: Report): string {
  const period = from === to ? danish(from) : `${danish(from)} to ${danish(to)}`
  const names = new Map(sites.map(({ id, name }) => [id, name]))
  return [
    `Booked ${period}, ${site === null ? 'all sites' : plain(site.name)}`,
    section(
      'Sales by site',
      table(
        sites,
        [
          { head: 'SITE', cell: ({ name }) => name, flexible: true },
          { head: 'SALES', cell: ({ sold }) => sold, align: 'right' },
          { head: 'UNDONE', cell: ({ undone }) => undone, align: 'right' },
          { head: 'REFUNDED', cell: ({ refunded }) => amount(refunded), align: 'right' },
          { head: 'KRONER', cell: (row) => amount(row.amount), align: 'right' },
        ],
        'No sites.',
      ),
    ),
    section(
      'Sales by product',
      table(
        products,
        [
          { head: 'SITE', cell: ({ site }) => (names.get(site) ?? String(site)).slice(0, 20) },
          { head: 'PRODUCT', cell: productName, flexible: true },
          { head: 'SOLD', cell: ({ sold }) => sold, align: 'right' },
          { head: 'UNDONE', cell: ({ undone }) => undone, align: 'right' },
          { head: 'KRONER', cell: (row) => amount(row.amount), align: 'right' },
        ],
        'Nothing was sold.',
      ),
    ),
    section(
      'Money moved',
      table(
        movements,
        [
          { head: 'WHAT', cell: ({ kind }) => worded(kind), flexible: true },
          { head: 'OUT OF', cell: ({ from }) => ACCOUNT_WORDS[from] },
          { head: 'INTO', cell: ({ to }) => ACCOUNT_WORDS[to] },
          { head: 'COUNT', cell: ({ count }) => count, align: 'right' },
          { head: 'KRONER', cell: (row) => amount(row.amount), align: 'right' },
        ],
        'None.',
      ),
    ),
    `Booked on a later day than sold: ${counted(flags.late.count, 'sale')} of ${amount(flags.late.amount)} kr`,
    section(
      'Sold without an answer, and to be looked into',
      table(
        flags.sales,
        [
          { head: 'SOLD', cell: ({ at }) => instant(at) },
          { head: 'TERMINAL', cell: ({ terminal }) => terminal },
          { head: 'ACCOUNT', cell: ({ account }) => account ?? 'none', align: 'right' },
          { head: 'WHY', cell: ({ reason }) => worded(reason) },
          { head: 'KRONER', cell: (row) => amount(row.amount), align: 'right' },
        ],
        'None.',
      ),
    ),
    section(
      'Declined',
      table(
        declined,
        [
          { head: 'WHY', cell: ({ reason }) => worded(reason) },
          { head: 'COUNT', cell: ({ count }) => count, align: 'right' },
        ],
        'None.',
      ),
    ),
  ].join('\n\n')
}

function liabilitiesPage(found: Liabilities): string {
  const { owed, claims, held, own, wallets, covered, missing, difference } = found
  const row = (words: string, value: number) => `  ${words.padEnd(34)}${amount(value).padStart(16)}`
  return [
    'Owed',
    row(`${counted(wallets.count, 'account')}, what is above zero`, owed.wallets),
    row('payouts under way', owed.payouts),
    row('to be sorted out', owed.suspense),
    row('in all', owed.total),
    'Held',
    row('at the bank', held.bank),
    row('at Stripe', held.stripe),
    row('in all', held.total),
    "The municipality's own",
    row('sales', own.sales),
    row('card fees', own.cardFees),
    row('fees of Stripe', own.stripeFees),
    row('in all', own.total),
    'Owed to it',
    row(`${counted(wallets.below, 'account')} below zero`, claims.wallets),
    row('credited, and not settled', claims.suspense),
    '',
    `The largest account holds ${amount(wallets.largest)} kr.`,
    covered
      ? 'What is held covers what is owed.'
      : `What is held does NOT cover what is owed: ${amount(missing)} kr are missing.`,
    ...(difference === 0 ? [] : [`The book does NOT sum to 0: it is off by ${amount(difference)} kr.`]),
  ].join('\n')
}

function clearingPage({ here, there, difference, lines, newestLineAt, timing, differences, more, foreign }: Clearing) {
  const newest = newestLineAt === null ? 'none yet' : `${lines}, the newest of ${instant(newestLineAt)}`
  const named = table(
    differences,
    [
      { head: 'DIFFERENCE', cell: ({ kind }) => worded(kind) },
      { head: 'OF', cell: ({ type, subject }) => `${type.replaceAll('_', ' ')} ${subject}`, flexible: true },
      { head: 'HERE', cell: ({ here }) => amount(here), align: 'right' },
      { head: 'THERE', cell: ({ there }) => amount(there), align: 'right' },
    ],
    'Nothing is unexplained.',
  )
  return [
    `Lines of Stripe's book: ${newest}`,
    `Held at Stripe by our book   ${amount(here).padStart(16)}`,
    `Held at Stripe by its own    ${amount(there).padStart(16)}`,
    `Difference                   ${amount(difference).padStart(16)}`,
    `  of it under way            ${amount(timing.amount).padStart(16)}  (${timing.count})`,
    '',
    named,
    ...(more ? ['There are more; correct these first.'] : []),
    ...foreign.map(
      ({ currency, count, net }) => `In ${plain(currency)}, not booked: ${counted(count, 'line')} of ${amount(net)}`,
    ),
  ].join('\n')
}

function volumePage({ from, to, months, amount: sum, limit, percent, reached }: Volume): string {
  const rows = table(
    months,
    [
      { head: 'MONTH', cell: ({ month }) => month },
      { head: 'KRONER', cell: (row) => amount(row.amount), align: 'right' },
    ],
    'Nothing was sold.',
  )
  const words = reached
    ? 'A million euro has been passed: notify Finanstilsynet.'
    : 'A million euro has not been passed.'
  return `Paid with the card ${danish(from)} to ${danish(to)}

${rows}

${amount(sum)} kr of ${amount(limit)} kr (${percent} %). ${words}`
}
