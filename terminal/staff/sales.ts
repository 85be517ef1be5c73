import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import type { Ore } from '../../shared/money.ts'
import { Day } from '../../shared/office/reports.ts'
import { type Sale, SaleDetails, SaleId, SaleRefundCall, Sales } from '../../shared/office/sales.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { command, group, idArgument, kronerArgument, offsetArgument, terminalArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { amount, instant, plain, quoted, tableWithDetails } from './output.ts'
import { worded } from './words.ts'

type Found = z.infer<typeof Sale>

type Wanted = {
  child?: number
  card?: number
  terminal?: string
  site?: number
  day?: string
  from?: string
  to?: string
  amount?: Ore
  limit?: number
  offset?: number
}

/** `klubkort sale …`: what was bought, and what of it is given back. */
export function saleCommands(klubkort: Command, desk: Desk) {
  const sale = group(klubkort, 'sale', 'what was sold, and refunds of it', 'klubkort sale find --child 3')

  command(
    sale,
    'find',
    'find sales, the newest first; of the last 31 days where neither a child, a card nor days are named',
    'klubkort sale find --child 3',
    'klubkort sale find --site 1 --day 2026-11-20 --amount 25',
  )
    .option('--child <id>', 'of this child', idArgument)
    .option('--card <id>', 'made with this card', idArgument)
    .option('--terminal <id>', 'at this terminal', terminalArgument)
    .option('--site <id>', 'at this site', idArgument)
    .option('--day <day>', 'of this day, YYYY-MM-DD', dayArgument)
    .option('--from <day>', 'from this day on', dayArgument)
    .option('--to <day>', 'up to this day', dayArgument)
    .option('--amount <kroner>', 'of exactly this amount', kronerArgument)
    .option('--limit <count>', 'how many to list, at most 200', offsetArgument)
    .option('--offset <count>', 'how many of the newest to pass over', offsetArgument)
    .action(async (wanted: Wanted & { json?: true }) => desk.deliver(await find(desk, wanted)))

  command(sale, 'show', 'show a sale, how it was booked, and what was refunded of it', `klubkort sale show ${EXAMPLE}`)
    .argument('<sale>', 'the sale', saleArgument)
    .action(async (id: string) => desk.deliver(told(await read(desk, `/sales/${id}`, SaleDetails), page)))

  command(
    sale,
    'refund',
    'give back a sale, all that is left of it or a part, once per id; the parent reads the reason',
    `klubkort sale refund ${EXAMPLE} \\\n    --reason 'Toasten var brændt'`,
    `klubkort sale refund ${EXAMPLE} \\\n    --amount 5 --reason 'Der manglede en juice'`,
  )
    .argument('<sale>', 'the sale', saleArgument)
    .requiredOption('--reason <text>', 'why, for the statement and the audit log')
    .option('--amount <kroner>', 'how much (default: all that is left)', kronerArgument)
    .option('--id <uuid>', 'the id of an earlier try, to repeat it safely')
    .action(async (id: string, options: Refunding) => desk.deliver(await refund(desk, id, options)))
}

const EXAMPLE = '0198c0de-0000-7000-8000-000000000001'

function saleArgument(text: string): string {
  const id = SaleId.safeParse(text.toLowerCase())
  if (!id.success) throw new InvalidArgumentError('A sale is named by a UUID; klubkort sale find lists them.')
  return id.data
}

/** A day that the calendar has. */
export function dayArgument(text: string): string {
  if (!Day.safeParse(text).success) throw new InvalidArgumentError('A day is like 2026-11-21.')
  return text
}

async function find(desk: Desk, { json, ...wanted }: Wanted & { json?: true }): Promise<Outcome> {
  const { day, ...others } = wanted
  if (day !== undefined && (wanted.from !== undefined || wanted.to !== undefined)) {
    return { kind: 'usage', message: '--day goes without --from and --to' }
  }
  const query = { ...others, ...(day !== undefined && { from: day, to: day }) }
  const asked = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))
  const listed = await read(desk, `/sales?${new URLSearchParams(asked)}`, Sales)
  return told(listed, ({ sales, more }) => {
    const next = { ...wanted, offset: (wanted.offset ?? 0) + sales.length }
    const words = Object.entries(next).map(([name, value]) => `--${name} ${cell(name, value)}`)
    return [list(sales), ...(more ? [`There are more; to see them: klubkort sale find ${words.join(' ')}`] : [])].join(
      '\n\n',
    )
  })
}

/** An option's value as it is typed. */
const cell = (name: string, value: string | number) => (name === 'amount' ? kroner(Number(value)) : String(value))

const kroner = (ore: number) => `${Math.trunc(ore / 100)},${String(ore % 100).padStart(2, '0')}`

/** What was sold, in words: '2 × Juice, 1 × Toast'. */
const goods = ({ lines }: Found) =>
  lines
    .map(({ product, name, quantity }) => {
      const what = name ?? (product === null ? 'amount without product' : `product ${product}`)
      return `${quantity} × ${plain(what)}`
    })
    .join(', ')

/** What has become of a sale, beside that it was booked. */
function states({ booked, flag, decision, undone, refunded }: Found): string[] {
  const decided = { keep: 'kept', carry: 'the club carries it', charge: 'charged to this account since' }
  const settled = decision === null ? 'to be decided' : (decided[decision as keyof typeof decided] ?? decision)
  return [
    ...(booked === 'offline' ? ['offline'] : []),
    ...(flag === null ? [] : [`${worded(flag)}: ${settled}`]),
    ...(undone ? ['undone'] : []),
    ...(refunded > 0 ? [`${amount(refunded)} kr refunded`] : []),
  ]
}

function list(sales: readonly Found[]): string {
  return tableWithDetails(
    sales,
    [
      { head: 'SOLD', cell: ({ soldAt }) => instant(soldAt) },
      { head: 'TERMINAL', cell: ({ terminal }) => terminal },
      {
        head: 'CHILD',
        cell: ({ child }) => (child === null ? 'unknown card' : `${child.id} ${child.name}`.slice(0, 28)),
      },
      { head: 'KRONER', cell: (sale) => amount(sale.amount), align: 'right' },
    ],
    (sale) => [[goods(sale), ...states(sale)].join('; '), sale.id],
    'No such sales.',
  )
}

function page(sale: SaleDetails): string {
  const { id, terminal, site, child, account, card, soldAt, bookedAt, undone, left, decision, refunds } = sale
  const who =
    child === null ? 'An unknown card' : `Child ${child.id}, ${plain(child.name)}, account ${account ?? 'none'}`
  const late = bookedAt === soldAt ? '' : `, booked ${instant(bookedAt)}`
  const rest = undone
    ? 'It was undone: all of it is back.'
    : left > 0
      ? `${amount(left)} kr may be refunded.`
      : decision === 'carry'
        ? 'The club carries it, so nothing is refunded.'
        : sale.refunded === sale.amount
          ? 'All of it is refunded.'
          : 'It waits to be looked into: klubkort review list'
  return [
    `Sale ${id}`,
    `${who}${card === null ? '' : `, card ${card}`}`,
    `${plain(site.name)}, terminal ${terminal}, sold ${instant(soldAt)}${late}`,
    `${amount(sale.amount)} kr: ${goods(sale)}`,
    `Booked ${states({ ...sale, undone: false, refunded: 0, booked: 'online' })
      .concat(sale.booked)
      .reverse()
      .join('; ')}`,
    ...refunds.map(
      ({ amount: given, at, staff, reason }) =>
        `Refunded ${amount(given)} kr ${instant(at)} by ${plain(staff)}: ${plain(reason)}`,
    ),
    rest,
  ].join('\n')
}

type Refunding = { reason: string; amount?: Ore; id?: string }

async function refund(desk: Desk, sale: string, { reason, amount: part, id: given }: Refunding): Promise<Outcome> {
  const id = given?.toLowerCase() ?? uuidv7(desk.nowMs(), desk.random(16))
  if (!z.uuidv7().safeParse(id).success) return { kind: 'usage', message: '--id is a UUID of version 7' }
  if (given !== undefined && part === undefined) {
    return { kind: 'usage', message: '--id goes with the --amount of the earlier try' }
  }
  const back = part === undefined ? await leftOf(desk, sale) : part
  if (typeof back !== 'number') return back
  const answer = await change(desk, `/sales/${sale}/refund`, SaleRefundCall, { id, amount: back, reason }, SaleDetails)
  // Without an answer nobody here knows whether it was booked; under the same id it is booked at most once.
  const open = answer.kind === 'unreachable' || (answer.kind === 'refused' && answer.code === 'internal')
  if (open) {
    const again = `klubkort sale refund ${sale} --amount ${kroner(back)} --reason ${quoted(reason)} --id ${id}`
    return { ...answer, hint: `it may have been refunded all the same; to repeat it safely: ${again}` }
  }
  if (answer.kind === 'refused' && answer.code === 'sale_undecided') {
    return { ...answer, hint: 'klubkort review list shows what waits' }
  }
  return told(answer, ({ account, child, left }) => {
    const whose = child === null ? '' : ` (${plain(child.name)})`
    return `${amount(back)} kr refunded to account ${account}${whose}; ${amount(left)} kr are left of the sale.`
  })
}

/** What is left of a sale; of one that has nothing left, the worker says why. */
async function leftOf(desk: Desk, sale: string): Promise<number | Outcome> {
  const asked = await read(desk, `/sales/${sale}`, SaleDetails)
  if (asked.kind !== 'answer') return asked
  const { left, amount: whole } = asked.value
  return left > 0 ? left : whole
}
