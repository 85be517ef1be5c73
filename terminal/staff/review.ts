import { type Command, InvalidArgumentError } from 'commander'
import type { z } from 'zod'
import type { SaleLine } from '../../shared/debit.ts'
import {
  Review,
  ReviewId,
  type ReviewItem,
  type ReviewSettling,
  ReviewSettlings,
  Reviews,
  SettleAnswer,
  SettleCall,
} from '../../shared/office/review.ts'
import { command, group, idArgument, offsetArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { amount, counted, instant, plain, tableWithDetails } from './output.ts'
import { worded } from './words.ts'

/** `klubkort review …`: what staff must look into, and what they make of it. */
export function reviewCommands(klubkort: Command, desk: Desk) {
  const review = group(klubkort, 'review', 'what staff must look into', 'klubkort review list')

  command(
    review,
    'list',
    'list what waits for a decision, the oldest first',
    'klubkort review list',
    'klubkort review list --settled',
  )
    .option('--settled', 'what has been decided instead, the newest first')
    .option('--offset <count>', 'how many to pass over', offsetArgument, 0)
    .action(async ({ settled, offset }: { settled?: true; offset: number }) =>
      desk.deliver(
        settled
          ? told(await read(desk, `/reviews/settled?offset=${offset}`, ReviewSettlings), (found) =>
              withMore(settlings(found.settled), found.more, `--settled --offset ${offset + found.settled.length}`),
            )
          : told(await read(desk, `/reviews?offset=${offset}`, Reviews), (found) =>
              withMore(items(found.items), found.more, `--offset ${offset + found.items.length}`),
            ),
      ),
    )

  command(review, 'show', 'show one of them with its messages', 'klubkort review show 4000-7:12')
    .argument('<id>', 'its id in the list', reviewArgument)
    .action(async (id: string) => desk.deliver(told(await read(desk, `/reviews/${id}`, Review), page)))

  command(
    review,
    'settle',
    'decide on one of them, once and for good',
    "klubkort review settle 4000-7:12 --keep --note 'barnet var i klubben'",
    "klubkort review settle 4000-7:12 --carry --note 'klubben betaler'",
    "klubkort review settle 4000-7:13 --charge 42 --note 'det var Idas nye kort'",
    "klubkort review settle quarantine:4000-7 --book --note 'ny terminal'",
    "klubkort review settle alarm:3 --note 'SD-kortet var kopieret til reserven'",
  )
    .argument('<id>', 'its id in the list', reviewArgument)
    .option('--keep', "a flagged sale: the child's account pays, as booked")
    .option('--carry', 'a flagged sale: the club pays, and the account has its money back')
    .option('--charge <account>', "an unknown card's sale: this account pays", idArgument)
    .option('--book', 'messages put aside: book them, in order')
    .option('--discard', 'messages put aside: book none of them')
    .requiredOption('--note <text>', 'why; where money moves, the parent reads it on the statement')
    .action(async (id: string, options: SettleOptions) => desk.deliver(await settle(desk, id, options)))
}

type SettleOptions = {
  keep?: true
  carry?: true
  charge?: number
  book?: true
  discard?: true
  note: string
}

function reviewArgument(text: string): string {
  const id = ReviewId.safeParse(text)
  if (!id.success) throw new InvalidArgumentError("An id looks like '4000-7:12', 'alarm:3' or 'quarantine:4000-7'.")
  return id.data
}

const DECISIONS = ['keep', 'carry', 'charge', 'book', 'discard'] as const

async function settle(desk: Desk, id: string, { note, ...options }: SettleOptions): Promise<Outcome> {
  const named = DECISIONS.filter((decision) => options[decision] !== undefined)
  const [decision = 'note', ...others] = named
  if (others.length > 0) return { kind: 'usage', message: `--${decision} and --${others[0]} do not go together` }
  const fitting = fittingOf(id)
  if (!fitting.decisions.includes(decision)) return { kind: 'usage', message: fitting.words }
  const form = { decision, note, ...(options.charge !== undefined && { account: options.charge }) }
  let done = 0
  for (;;) {
    const settled = await change(desk, `/reviews/${id}/settle`, SettleCall, form, SettleAnswer)
    if (settled.kind === 'unreachable' || settled.kind === 'refused') {
      const before = done > 0 ? [`${counted(done, 'message')} ${DONE[decision]} before that`] : []
      const again = settled.kind === 'unreachable' ? ['the same line again decides nothing twice'] : []
      return { ...settled, ...(done > 0 || again.length > 0 ? { hint: [...before, ...again].join('; ') } : {}) }
    }
    if (settled.kind !== 'answer') return settled
    done += settled.value.done
    if (settled.value.more && settled.value.done > 0) continue // So many at once, and then the next of them.
    const answer = { ...settled.value, done, more: false }
    return { kind: 'done', value: answer, text: settledLine(answer) }
  }
}

/** What can be decided of an item, by its id, and the words for whoever decides otherwise. */
function fittingOf(id: string): { decisions: readonly (keyof typeof DONE)[]; words: string } {
  if (id.startsWith('alarm:')) return { decisions: ['note'], words: 'an alarm takes a --note only' }
  if (id.startsWith('quarantine:')) {
    return { decisions: ['book', 'discard'], words: 'messages put aside take --book or --discard' }
  }
  return { decisions: ['keep', 'carry', 'charge'], words: 'a flagged sale takes --keep, --carry or --charge' }
}

function settledLine({ id, decision, done, left }: z.infer<typeof SettleAnswer>): string {
  if (!id.startsWith('quarantine:')) return `${plain(id)}: ${DONE[decision]}.`
  const booked = done > 0 ? `${counted(done, 'message')} ${DONE[decision]}` : 'nothing left to decide'
  const rest = left > 0 ? `; ${counted(left, 'message')} left, telling otherwise of a sale that is booked` : ''
  return `${plain(id)}: ${booked}${rest}.`
}

const DONE = {
  keep: 'the account pays, as booked',
  carry: 'the club pays',
  charge: 'charged to the account',
  book: 'booked',
  discard: 'discarded',
  note: 'noted',
} as const

const withMore = (rows: string, more: boolean, options: string) =>
  more ? `${rows}\n\nThere are more; to see them: klubkort review list ${options}` : rows

type Item = z.infer<typeof ReviewItem>

function items(found: readonly Item[]): string {
  return tableWithDetails(
    found,
    [
      { head: 'ID', cell: ({ id }) => id },
      { head: 'SINCE', cell: ({ at }) => instant(at) },
      { head: 'KRONER', cell: ({ amount: øre }) => (øre === null ? '' : amount(øre)), align: 'right' },
      { head: 'ACCOUNT', cell: ({ account }) => account ?? '', align: 'right' },
    ],
    (item) => [wordedItem(item)],
    'Nothing waits for a decision.',
  )
}

function wordedItem({ kind, what, count, site, terminal }: Item): string {
  const words = what.split(',').map(worded).join(', ')
  switch (kind) {
    case 'advice':
      return `sold offline, ${words}: ${site.name}`
    case 'quarantine':
      return `${counted(count, 'message')} put aside, ${words}: ${site.name}, ${terminal}`
    case 'alarm':
      return `${words}: ${site.name}, ${terminal}`
  }
}

function settlings(found: readonly z.infer<typeof ReviewSettling>[]): string {
  return tableWithDetails(
    found,
    [
      { head: 'WHEN', cell: ({ at }) => instant(at) },
      { head: 'ID', cell: ({ subject }) => subject.split(':').slice(0, 3).join(':') },
      { head: 'DECISION', cell: ({ decision, account }) => (account === null ? decision : `${decision} ${account}`) },
    ],
    ({ staff, note }) => [`${staff}: ${note}`],
    'Nothing has been decided yet.',
  )
}

function page(shown: z.infer<typeof Review>): string {
  const { id, at, account, card, messages, settled } = shown
  const whose = account === null ? [] : [`Account ${account}${card === null ? '' : `, card ${card}`}`]
  const said = tableWithDetails(
    messages,
    [
      { head: 'NUMBER', cell: ({ seq }) => seq, align: 'right' },
      { head: 'WHAT', cell: ({ kind }) => kind },
      { head: 'SOLD', cell: ({ at }) => instant(at) },
      { head: 'KRONER', cell: ({ amount: øre }) => amount(øre), align: 'right' },
      { head: 'BECAME', cell: ({ outcome, reason }) => [outcome, reason && worded(reason)].filter(Boolean).join(', ') },
    ],
    ({ lines }) => [lines.map(lineCell).join(', ')],
    'No messages.',
  )
  const decided = settled.length > 0 ? ['', settlings(settled)] : []
  return [`${id}: ${plain(wordedItem(shown))}, since ${instant(at)}`, ...whose, '', said, ...decided].join('\n')
}

/** One line of a sale: '2 × product 4 at 15,00'. */
const lineCell = ({ product, quantity, price }: SaleLine) =>
  `${quantity} × ${product === null ? 'an amount keyed in' : `product ${product}`} at ${amount(price)}`
