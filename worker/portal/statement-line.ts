import type { StatementLine } from '../statements.ts'
import type { Say } from './texts/language.ts'
import { statement } from './texts/statement.ts'

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

/** What a sale sold, in words: '2 × Juice, 1 × Toast'. Empty for a movement that sold nothing. */
export function goods({ items }: Pick<StatementLine, 'items'>, say: Say): string {
  const nameOf = ({ product, name }: StatementLine['items'][number]) =>
    name ?? (product === null ? say(statement.keyedIn) : say(statement.productUnknown)(product))
  return items.map((item) => `${item.quantity} × ${nameOf(item)}`).join(', ')
}
