import { parseDay, usualPeriods } from '../statements/statement-periods.ts'
import type { Period, Statement, StatementLine, TransferKind } from '../statements/statements.ts'
import { kr, longDay, shortInstant } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { statement } from '../texts/statement.ts'
import { Choice, ErrorSummary, Field, type Typed } from './form.tsx'
import { SpendingSection } from './spending-chart.tsx'
import { boughtWhen, goods, onlyOf, sumOf } from './statement-line.ts'
import type { AccountEnv } from './view.ts'

type AccountView = AccountEnv['Variables']['view']

/** What the page shows below its form: a period of the account, and the line below which this side of it begins. */
export type Shown = { period: Period; kind: TransferKind | null; before: number | null; found: Statement }

type PageProps = { view: AccountView; typed: Typed; today: string; shown: Shown | null }

/** The kinds of movement that there are, in the order in which they are offered. */
export const TRANSFER_KINDS = Object.keys(statement.kinds) as TransferKind[]

/** The address of a statement, of the page or of a file (`ending`). */
function statementAddress(
  account: number,
  { from, to }: Period,
  {
    kind,
    before = null,
    ending = '',
  }: { kind: TransferKind | null; before?: number | null; ending?: '' | '.csv' | '.pdf' },
): string {
  const query = new URLSearchParams({ fra: from, til: to })
  if (kind !== null) query.set('slags', kind)
  if (before !== null) query.set('side', String(before))
  return `/konto/${account}/kontoudtog${ending}?${query}`
}

/** Kontoudtog. Without `shown` it holds the form alone, with what is wrong with what was typed. */
export function StatementPage({ view, typed, today, shown }: PageProps) {
  const { say, account } = view
  return (
    <>
      <h1>{say(statement.title)}</h1>
      <p>{say(statement.of)(account.child.name)}</p>
      <ErrorSummary view={view} typed={typed} />
      <PeriodForm view={view} typed={typed} today={today} kind={shown?.kind ?? null} />
      {shown && <Found view={view} shown={shown} />}
    </>
  )
}

function PeriodForm({ view, typed, today, kind }: Omit<PageProps, 'shown'> & { kind: TransferKind | null }) {
  const { say, account } = view
  const { thisMonth, lastMonth, thisYear } = usualPeriods(today)
  const quick = [
    [statement.thisMonth, thisMonth],
    [statement.lastMonth, lastMonth],
    [statement.thisYear, thisYear],
  ] as const
  // A browser shows nothing of what is no date in a date field; what was typed stays only in a text field.
  const typeOf = (name: string) => (parseDay(typed.fields[name] ?? '') ? 'date' : 'text')
  return (
    <>
      <form method="get" action={`/konto/${account.id}/kontoudtog`} novalidate class="statement-form">
        <Field typed={typed} name="fra" label={say(statement.from)} type={typeOf('fra')} />
        <Field typed={typed} name="til" label={say(statement.to)} type={typeOf('til')} />
        <Choice
          typed={typed}
          name="slags"
          label={say(statement.kindField)}
          options={[
            ['', say(statement.kindAll)],
            ...TRANSFER_KINDS.map((kind): [string, string] => [kind, say(statement.kinds[kind])]),
          ]}
        />
        <button type="submit" class="button button-primary">
          {say(statement.show)}
        </button>
      </form>
      <nav aria-label={say(statement.quick)}>
        <ul class="nobullet-list statement-links">
          {quick.map(([label, period]) => (
            <li>
              <a href={statementAddress(account.id, period, { kind })}>{say(label)}</a>
            </li>
          ))}
        </ul>
      </nav>
    </>
  )
}

function Found({ view, shown }: { view: AccountView; shown: Shown }) {
  const { say, account } = view
  const { period, kind, found } = shown
  return (
    <>
      <Summary view={view} shown={shown} />
      <section aria-labelledby="movements">
        <h2 id="movements">{say(statement.movements)}</h2>
        {found.lines.length === 0 ? (
          <p>
            {say(statement.none)} {say(statement.noneTry)}
          </p>
        ) : (
          <>
            {kind !== null && <p>{say(statement.balanceOfAll)}</p>}
            <Movements view={view} lines={found.lines} />
          </>
        )}
        <Pages view={view} shown={shown} />
      </section>
      <section aria-labelledby="download">
        <h2 id="download">{say(statement.download)}</h2>
        <ul class="nobullet-list statement-links">
          <li>
            <a href={statementAddress(account.id, period, { kind, ending: '.csv' })}>{say(statement.csv)}</a>
          </li>
          <li>
            <a href={statementAddress(account.id, period, { kind, ending: '.pdf' })}>{say(statement.pdf)}</a>
          </li>
        </ul>
      </section>
      <SpendingSection view={view} spending={found.spending} period={period} />
    </>
  )
}

/** What the period came to. The balances at its edges stand only beside the sums of all its movements. */
function Summary({ view, shown: { period, kind, found } }: { view: AccountView; shown: Shown }) {
  const { say, language } = view
  const day = (text: string) => longDay(language, Date.parse(`${text}T12:00:00Z`))
  const sums = [
    [statement.in, sumOf(found, kind, 'in')],
    [statement.out, -sumOf(found, kind, 'out')],
  ] as const
  const facts =
    kind === null ? ([[statement.opening, found.opening], ...sums, [statement.closing, found.closing]] as const) : sums
  const only = onlyOf(kind, say)
  return (
    <section aria-labelledby="period">
      <h2 id="period">{say(statement.period)}</h2>
      <p>
        {say(statement.periodIs)(day(period.from), day(period.to))}
        {only}
      </p>
      <dl class="statement-facts">
        {facts.map(([label, amount]) => (
          <div>
            <dt>{say(label)}</dt>
            <dd>{kr(amount)}</dd>
          </div>
        ))}
      </dl>
      {kind === null && found.totals.length > 0 && <ByKind say={say} totals={found.totals} />}
    </section>
  )
}

function ByKind({ say, totals }: { say: Say; totals: Statement['totals'] }) {
  return (
    <details>
      <summary>{say(statement.byKind)}</summary>
      <table class="table table--compact">
        <thead>
          <tr>
            <th scope="col">{say(statement.kindField)}</th>
            <th scope="col" class="amount">
              {say(statement.count)}
            </th>
            <th scope="col" class="amount">
              {say(statement.amount)}
            </th>
          </tr>
        </thead>
        <tbody>
          {TRANSFER_KINDS.flatMap((kind) => totals.filter((total) => total.kind === kind)).map((total) => (
            <tr>
              <th scope="row">{say(statement.kinds[total.kind])}</th>
              <td class="amount">{total.count}</td>
              <td class="amount">{kr(total.in - total.out)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

function Movements({ view, lines }: { view: AccountView; lines: StatementLine[] }) {
  const { say, language } = view
  return (
    <table class="table table--compact statement-table">
      <thead>
        <tr>
          <th scope="col">{say(statement.date)}</th>
          <th scope="col">{say(statement.what)}</th>
          <th scope="col" class="amount">
            {say(statement.amount)}
          </th>
          <th scope="col" class="amount">
            {say(statement.balance)}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr>
            <td data-title={say(statement.date)}>{shortInstant(language, line.at)}</td>
            <td data-title={say(statement.what)}>
              <div class="statement-what">
                <strong>{say(statement.kinds[line.kind])}</strong>
                {line.site !== null && <>, {line.site}</>}
                {line.soldAt !== null && <div>{boughtWhen(line, language, say)}</div>}
                {line.items.length > 0 && <div>{goods(line, say)}</div>}
                {line.reason !== null && <div>{line.reason}</div>}
              </div>
            </td>
            <td class="amount" data-title={say(statement.amount)}>
              {kr(line.amount)}
            </td>
            <td class="amount" data-title={say(statement.balance)}>
              {kr(line.balance)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Pages({ view, shown: { period, kind, before, found } }: { view: AccountView; shown: Shown }) {
  const { say, account } = view
  const oldest = found.lines.at(-1)
  if (before === null && !found.more) return null
  return (
    <nav aria-label={say(statement.pages)}>
      <ul class="nobullet-list statement-links">
        {before !== null && (
          <li>
            <a href={statementAddress(account.id, period, { kind })}>{say(statement.newest)}</a>
          </li>
        )}
        {found.more && oldest && (
          <li>
            <a href={statementAddress(account.id, period, { kind, before: oldest.seq })}>{say(statement.older)}</a>
          </li>
        )}
      </ul>
    </nav>
  )
}
