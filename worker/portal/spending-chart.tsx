import { addDays, isoWeek, mondayOf } from '../../shared/copenhagen.ts'
import { ProductCategory } from '../../shared/office/products.ts'
import type { Language } from '../../shared/wire.ts'
import type { Period, Spending } from '../statements/statements.ts'
import { kr } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { statement } from '../texts/statement.ts'
import type { View } from './view.ts'

/** One bar: its name in full and in short, and how many øre it stands for. */
export type Bar = { label: string; short: string; amount: number }

/** A year of weeks; beyond that, bars of weeks are too thin to see, and months are shown. */
const WEEKS_MAX = 53

/** Bars that follow one another in time, and what each of them is of. */
export type BarsOverTime = { unit: 'week' | 'month'; bars: Bar[] }

/** What was spent in each week, or in a long period each month, from the first to the last, also where nothing was. */
export function barsOverTime(
  spending: readonly Spending[],
  period: Period,
  language: Language,
  say: Say,
): BarsOverTime {
  const first = spending.reduce((day, one) => (one.day < day ? one.day : day), period.from)
  const weeks = weekBars(spending, { from: first, to: period.to }, say)
  if (weeks.length <= WEEKS_MAX) return { unit: 'week', bars: weeks }
  return { unit: 'month', bars: monthBars(spending, { from: first, to: period.to }, language) }
}

function weekBars(spending: readonly Spending[], { from, to }: Period, say: Say): Bar[] {
  const amounts = sums(spending, ({ day }) => mondayOf(day))
  const bars: Bar[] = []
  for (let monday = mondayOf(from); monday <= to; monday = addDays(monday, 7)) {
    const { week, year } = isoWeek(monday)
    const label = say(statement.weekOfYear)(week, year)
    bars.push({ label, short: String(week), amount: amounts.get(monday) ?? 0 })
  }
  return bars
}

function monthBars(spending: readonly Spending[], { from, to }: Period, language: Language): Bar[] {
  const amounts = sums(spending, ({ day }) => day.slice(0, 7))
  const names = new Intl.DateTimeFormat(language === 'da' ? 'da-DK' : 'en-GB', {
    month: 'long',
    year: 'numeric',
    timeZone: 'UTC',
  })
  const bars: Bar[] = []
  for (let month = from.slice(0, 7); month <= to; month = addDays(`${month}-28`, 4).slice(0, 7)) {
    const label = names.format(Date.parse(`${month}-01T00:00:00Z`))
    bars.push({ label, short: `${month.slice(5)}/${month.slice(2, 4)}`, amount: amounts.get(month) ?? 0 })
  }
  return bars
}

/** What was spent on each kind of product, the most first; kinds on which nothing was spent are left out. */
export function barsByCategory(spending: readonly Spending[], say: Say): Bar[] {
  const amounts = sums(spending, ({ category }) => category)
  return ProductCategory.options
    .map((category) => {
      const label = say(statement.categories[category])
      return { label, short: label, amount: amounts.get(category) ?? 0 }
    })
    .filter(({ amount }) => amount > 0)
    .sort((one, other) => other.amount - one.amount)
}

function sums(spending: readonly Spending[], keyOf: (one: Spending) => string): Map<string, number> {
  const amounts = new Map<string, number>()
  for (const one of spending) amounts.set(keyOf(one), (amounts.get(keyOf(one)) ?? 0) + one.amount)
  return amounts
}

const OVER_TIME = {
  week: [statement.byWeek, statement.weekColumn],
  month: [statement.byMonth, statement.monthColumn],
} as const

/** The pictures of what was spent, and the same as tables; nothing where nothing was spent. */
export function SpendingSection({ view, spending, period }: { view: View; spending: Spending[]; period: Period }) {
  const { say, language } = view
  if (spending.length === 0) return null
  const { unit, bars: time } = barsOverTime(spending, period, language, say)
  const [caption, column] = OVER_TIME[unit]
  const overTime = say(caption)
  const categories = barsByCategory(spending, say)
  return (
    <section aria-labelledby="spending">
      <h2 id="spending">{say(statement.spending)}</h2>
      <p>{say(statement.spendingIs)}</p>
      <div class="spending">
        <figure>
          <figcaption>{overTime}</figcaption>
          <Columns id="spending-time" title={overTime} bars={time} say={say} />
        </figure>
        <figure>
          <figcaption>{say(statement.byCategory)}</figcaption>
          <Rows id="spending-category" title={say(statement.byCategory)} bars={categories} say={say} />
        </figure>
      </div>
      <details>
        <summary>{say(statement.asTable)}</summary>
        <BarTable caption={overTime} column={say(column)} bars={time} say={say} />
        <BarTable
          caption={say(statement.byCategory)}
          column={say(statement.categoryColumn)}
          bars={categories}
          say={say}
        />
      </details>
    </section>
  )
}

// ── Drawing: as wide as a telephone, so that the letters are no smaller there than the text around them ─────────────

const WIDTH = 340
const BAR = '#0059b3'
const INK = '#1a1a1a'
const AXIS = '#747474'

type ChartProps = { id: string; title: string; bars: Bar[]; say: Say }

function describe(bars: Bar[], say: Say): string {
  const most = bars.reduce((high, bar) => (bar.amount > high.amount ? bar : high))
  return say(statement.most)(most.label, kr(most.amount))
}

/** How much of a length, in whole units, an amount takes of the greatest; what is not nothing can be seen. */
function share(amount: number, most: number, length: number): number {
  return amount === 0 ? 0 : Math.max(2, Math.round((amount * length) / most))
}

const COLUMNS = { top: 22, base: 150, height: 176, labels: 9 }

function Columns({ id, title, bars, say }: ChartProps) {
  const { top, base, height, labels } = COLUMNS
  const most = Math.max(...bars.map(({ amount }) => amount))
  const slot = WIDTH / bars.length
  const width = Math.max(2, Math.min(40, Math.floor(slot * 0.7)))
  const every = Math.ceil(bars.length / labels)
  return (
    <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-labelledby={`${id}-title ${id}-desc`}>
      <title id={`${id}-title`}>{title}</title>
      <desc id={`${id}-desc`}>{describe(bars, say)}</desc>
      <line x1="0" x2={WIDTH} y1={top} y2={top} stroke={AXIS} stroke-width="1" stroke-dasharray="2 4" />
      <text x="0" y={top - 7} font-size="13" fill={INK}>
        {kr(most)}
      </text>
      {bars.map(({ amount, short }, index) => {
        const tall = share(amount, most, base - top)
        const middle = Math.round((index + 0.5) * slot)
        return (
          <>
            <rect x={middle - Math.floor(width / 2)} y={base - tall} width={width} height={tall} fill={BAR} />
            {index % every === 0 && (
              <text x={middle} y={base + 18} font-size="13" fill={INK} text-anchor="middle">
                {short}
              </text>
            )}
          </>
        )
      })}
      <line x1="0" x2={WIDTH} y1={base} y2={base} stroke={AXIS} stroke-width="1" />
    </svg>
  )
}

const ROW = { height: 42, bar: 16 }

function Rows({ id, title, bars, say }: ChartProps) {
  const most = Math.max(...bars.map(({ amount }) => amount))
  return (
    <svg viewBox={`0 0 ${WIDTH} ${bars.length * ROW.height}`} role="img" aria-labelledby={`${id}-title ${id}-desc`}>
      <title id={`${id}-title`}>{title}</title>
      <desc id={`${id}-desc`}>{describe(bars, say)}</desc>
      {bars.map(({ label, amount }, index) => (
        <>
          <text x="0" y={index * ROW.height + 14} font-size="13" fill={INK}>
            {label}
          </text>
          <text x={WIDTH} y={index * ROW.height + 14} font-size="13" fill={INK} text-anchor="end">
            {kr(amount)}
          </text>
          <rect x="0" y={index * ROW.height + 20} width={share(amount, most, WIDTH)} height={ROW.bar} fill={BAR} />
        </>
      ))}
    </svg>
  )
}

function BarTable({ caption, column, bars, say }: { caption: string; column: string; bars: Bar[]; say: Say }) {
  return (
    <table class="table table--compact">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{column}</th>
          <th scope="col" class="amount">
            {say(statement.amount)}
          </th>
        </tr>
      </thead>
      <tbody>
        {bars.map(({ label, amount }) => (
          <tr>
            <th scope="row">{label}</th>
            <td class="amount">{kr(amount)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
