import { kroner, type Ore } from '../../shared/money.ts'
import type { Language } from '../../shared/wire.ts'
import type { Statement, StatementLine, TransferKind } from '../statements/statements.ts'
import { shortInstant } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { statement } from '../texts/statement.ts'

const clock = new Intl.DateTimeFormat('da-DK', {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'Europe/Copenhagen',
})

/** The time of an instant in Copenhagen: '12:05', which spreadsheets know as a time. */
export function timeOfDay(atMs: number): string {
  return clock.format(atMs).replace('.', ':')
}

/** When a sale was made that was booked on a later day: 'Købt tors. 29. okt. 2026, 15.02'. Empty for all else. */
export function boughtWhen({ soldAt }: Pick<StatementLine, 'soldAt'>, language: Language, say: Say): string {
  return soldAt === null ? '' : say(statement.soldAt)(shortInstant(language, soldAt))
}

/**
 * What a sale sold, in words: '2 × Juice à 5,00, 1 × Toast à 15,00'. A single piece is without its price, which the
 * amount is. Empty for a movement that sold nothing.
 */
export function goods({ items }: Pick<StatementLine, 'items'>, say: Say): string {
  const nameOf = ({ product, name }: StatementLine['items'][number]) =>
    name ?? (product === null ? say(statement.keyedIn) : say(statement.productUnknown)(product))
  const single = items.length === 1 && items[0]?.quantity === 1
  return items
    .map((item) =>
      single
        ? say(statement.item)(item.quantity, nameOf(item))
        : say(statement.itemAt)(item.quantity, nameOf(item), kroner(item.price as Ore)),
    )
    .join(', ')
}

/** That only movements of one kind are shown, after what they are of: ' · Kun køb'. Empty for all kinds. */
export function onlyOf(kind: TransferKind | null, say: Say): string {
  if (kind === null) return ''
  const name = say(statement.kinds[kind])
  return ` · ${say(statement.kindOnly)(name.charAt(0).toLowerCase() + name.slice(1))}`
}

/** What went in or out in the period, in øre and not below zero; of one kind of movement, or null for all. */
export function sumOf({ totals }: Pick<Statement, 'totals'>, kind: TransferKind | null, way: 'in' | 'out'): number {
  return totals.reduce((sum, total) => (kind === null || total.kind === kind ? sum + total[way] : sum), 0)
}
