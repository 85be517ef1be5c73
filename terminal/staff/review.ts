import { type Command, InvalidArgumentError } from 'commander'
import type { z } from 'zod'
import {
  Review,
  ReviewId,
  type ReviewItem,
  type ReviewSettling,
  ReviewSettlings,
  Reviews,
  SettleAnswer,
  SettleCall,
} from '../../shared/wire.ts'
import { command, group, idArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { amount, counted, instant, plain, table } from './output.ts'
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
    "klubkort review settle 4000-7:12 --carry --note 'kortet var spærret, klubben betaler'",
    "klubkort review settle 4000-7:13 --charge 42 --note 'det var Idas nye kort'",
    "klubkort review settle quarantine:4000-7 --book --note 'terminalen blev skiftet'",
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

function offsetArgument(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('An offset is a whole number.')
  return Number(text)
}

const DECISIONS = ['keep', 'carry', 'charge', 'book', 'discard'] as const

async function settle(desk: Desk, id: string, { note, ...options }: SettleOptions): Promise<Outcome> {
  const named = DECISIONS.filter((decision) => options[decision] !== undefined)
  const [decision = 'note', ...others] = named
  if (others.length > 0) return { kind: 'usage', message: `--${decision} and --${others[0]} do not go together` }
  if (decision === 'note' && !id.startsWith('alarm:')) return { kind: 'usage', message: 'name a decision' }
  const form = { decision, note, ...(options.charge !== undefined && { account: options.charge }) }
  let done = 0
  for (;;) {
    const settled = await change(desk, `/reviews/${id}/settle`, SettleCall, form, SettleAnswer)
    if (settled.kind === 'answer') done += settled.value.done
    if (settled.kind === 'answer' && settled.value.more) continue // So many at once, and then the next of them.
    return told(settled, (answer) => {
      const left = answer.left > 0 ? `; ${counted(answer.left, 'message')} tell otherwise of their sale, and stay` : ''
      return id.startsWith('quarantine:')
        ? `${counted(done, 'message')}: ${DONE[decision]}${left}.`
        : `${plain(id)}: ${DONE[decision]}.`
    })
  }
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
  return table(
    found,
    [
      { head: 'ID', cell: ({ id }) => id },
      { head: 'SINCE', cell: ({ at }) => instant(at) },
      { head: 'WHAT', cell: wordedItem, flexible: true },
      { head: 'KRONER', cell: ({ amount: øre }) => (øre === null ? '' : amount(øre)), align: 'right' },
      { head: 'ACCOUNT', cell: ({ account }) => account ?? '', align: 'right' },
    ],
    'Nothing waits for a decision.',
  )
}

function wordedItem({ kind, what, count, site, terminal }: Item): string {
  const where = kind === 'advice' ? site.name : `${site.name}, ${terminal}`
  const words = what.split(',').map(worded).join(', ')
  return kind === 'quarantine' ? `${counted(count, 'message')} put aside, ${words}: ${where}` : `${words}: ${where}`
}

function settlings(found: readonly z.infer<typeof ReviewSettling>[]): string {
  return table(
    found,
    [
      { head: 'WHEN', cell: ({ at }) => instant(at) },
      { head: 'ID', cell: ({ subject }) => subject.split(':').slice(0, 3).join(':') },
      { head: 'DECISION', cell: ({ decision, account }) => (account === null ? decision : `${decision} ${account}`) },
      { head: 'WHO', cell: ({ staff }) => staff },
      { head: 'NOTE', cell: ({ note }) => note, flexible: true },
    ],
    'Nothing has been decided yet.',
  )
}

function page(shown: z.infer<typeof Review>): string {
  const { account, card, messages, settled } = shown
  const whose = account === null ? '' : `\nAccount ${account}${card === null ? '' : `, card ${card}`}`
  const said = table(
    messages,
    [
      { head: 'NUMBER', cell: ({ seq }) => seq, align: 'right' },
      { head: 'WHAT', cell: ({ kind }) => kind },
      { head: 'SOLD', cell: ({ at }) => instant(at) },
      { head: 'KRONER', cell: ({ amount: øre }) => amount(øre), align: 'right' },
      { head: 'BECAME', cell: ({ outcome, reason }) => [outcome, reason && worded(reason)].filter(Boolean).join(', ') },
    ],
    'No messages.',
  )
  const decided = settled.length > 0 ? `\n\n${settlings(settled)}` : ''
  return `${plain(shown.id)}: ${plain(wordedItem(shown))}, since ${instant(shown.at)}${whose}\n\n${said}${decided}`
}
