import type { Clearing, Liabilities, Report, Volume } from '../../shared/office/reports.ts'
import { amountCell, instant } from './output.ts'
import { ACCOUNT_WORDS, worded } from './words.ts'

/** A report as rows of cells; amounts are Danish decimals. */
export type Sheet = { fields: string[]; rows: (string | number)[][] }

type Row = { part: string; site?: string; what: string; from?: string; to?: string; count?: number; undone?: number }

/** Each kind of report as one sheet. */
export const sheetOf = { report, liabilities, clearing, volume }

function report({ sites, products, movements, flags, declined }: Report): Sheet {
  const names = new Map(sites.map(({ id, name }) => [id, name]))
  const row = (told: Row, amount?: number) => [
    told.part,
    told.site ?? '',
    told.what,
    told.from ?? '',
    told.to ?? '',
    told.count ?? '',
    told.undone ?? '',
    amount === undefined ? '' : amountCell(amount),
  ]
  return {
    fields: ['Part', 'Site', 'What', 'Out of', 'Into', 'Count', 'Undone', 'Amount'],
    rows: [
      ...sites.map(({ name, sold, undone, amount }) =>
        row({ part: 'site', site: name, what: '', count: sold, undone }, amount),
      ),
      ...products.map((sold) => {
        const site = names.get(sold.site) ?? String(sold.site)
        return row(
          { part: 'product', site, what: productName(sold), count: sold.sold, undone: sold.undone },
          sold.amount,
        )
      }),
      ...movements.map(({ kind, from, to, count, amount }) =>
        row({ part: 'movement', what: worded(kind), from: ACCOUNT_WORDS[from], to: ACCOUNT_WORDS[to], count }, amount),
      ),
      ...flags.reasons.map(({ reason, count, amount }) =>
        row({ part: 'flagged', what: worded(reason), count }, amount),
      ),
      row({ part: 'late', what: '', count: flags.late.count }, flags.late.amount),
      ...declined.map(({ reason, count }) => row({ part: 'declined', what: worded(reason), count })),
    ],
  }
}

/** A product as reports name it: an amount keyed in has none, and a name may be lost. */
export function productName({ product, name }: Report['products'][number]): string {
  return product === null ? '(keyed in)' : (name ?? `(product ${product})`)
}

function liabilities({ owed, claims, held, own }: Liabilities): Sheet {
  const parts = Object.entries({ owed, claims, held, own })
  return {
    fields: ['Part', 'What', 'Amount'],
    rows: parts.flatMap(([part, sums]) =>
      Object.entries(sums).map(([what, sum]) => [worded(part), worded(what), amountCell(sum)]),
    ),
  }
}

function clearing({ here, there, timing, differences }: Clearing): Sheet {
  return {
    fields: ['Difference', 'Type', 'Subject', 'Time', 'Here', 'There'],
    rows: [
      ['total', '', '', '', amountCell(here), amountCell(there)],
      ['timing', '', '', '', amountCell(timing.amount), amountCell(0)],
      ...differences.map(({ kind, type, subject, at, here, there }) => [
        ...[worded(kind), type.replaceAll('_', ' '), subject, instant(at)],
        ...[amountCell(here), amountCell(there)],
      ]),
    ],
  }
}

function volume({ months }: Volume): Sheet {
  return { fields: ['Month', 'Amount'], rows: months.map(({ month, amount }) => [month, amountCell(amount)]) }
}
