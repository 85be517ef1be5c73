import type { Command } from 'commander'
import { z } from 'zod'
import type { Ore } from '../../shared/money.ts'
import { Child, ChildCall, ChildLeft, Children } from '../../shared/office/children.ts'
import { childPrivacyCommands } from './child-privacy.ts'
import { command, group, idArgument, kronerArgument, offsetArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { guardianCommands } from './guardians.ts'
import { amount, instant, notTold, plain, quoted, table } from './output.ts'

type Owner = z.infer<typeof Child>

const dailyLimit = (child: Owner) => (child.dailyLimit === null ? 'none' : amount(child.dailyLimit))

/** `klubkort child …`: the owners of accounts and cards. */
export function childCommands(klubkort: Command, desk: Desk) {
  const child = group(
    klubkort,
    'child',
    'children, who own an account and its cards',
    'klubkort child list --name freja',
  )

  command(
    child,
    'add <name>',
    'add a child with an empty account; in a club, its first card is ordered',
    "klubkort child add 'Freja Nielsen'",
    "klubkort child add 'Freja Nielsen' --daily-limit 50,00 --club 1",
  )
    .option('--daily-limit <kroner>', 'the most that may be spent in one day', kronerArgument)
    .option('--club <site>', "the site that it belongs to (default: your own, if a club's staff)", idArgument)
    .action(async (name: string, { dailyLimit, club }: { dailyLimit?: Ore; club?: number }) => {
      const body = { name, dailyLimit: dailyLimit ?? null, club: club ?? null }
      const added = await change(desk, '/children', ChildCall, body, Child)
      desk.deliver(
        told(added, ({ id, name, account, club }) => {
          const card = club === null ? '' : `; its first card is ordered, to ${plain(club.name)}`
          return `Child ${id} added: ${plain(name)}, account ${account}${card}`
        }),
      )
    })

  command(child, 'list', 'list children', 'klubkort child list', 'klubkort child list --name freja')
    .option('--name <part>', 'only those whose name holds this')
    .option('--offset <count>', 'how many children to pass over', offsetArgument, 0)
    .action(async ({ name, offset }: Listing) => {
      const query = new URLSearchParams({ ...(name !== undefined && { name }), offset: String(offset) })
      const listed = await read(desk, `/children?${query}`, Children)
      desk.deliver(told(listed, (found) => list(found, { offset, ...(name !== undefined && { name }) })))
    })

  command(child, 'show', 'show a child with its account and cards', 'klubkort child show 3')
    .argument('<id>', 'the child', idArgument)
    .action(async (id: number) => desk.deliver(told(await read(desk, `/children/${id}`, Child), page)))

  command(
    child,
    'leave',
    'take a child out: cards frozen, a card not yet sent cancelled, guardians told by mail',
    'klubkort child leave 3',
  )
    .argument('<id>', 'the child', idArgument)
    .action(async (id: number) => {
      desk.deliver(told(await change(desk, `/children/${id}/leave`, z.strictObject({}), {}, ChildLeft), left))
    })

  command(
    child,
    'return',
    'take a child back in; its cards stay blocked until they are activated',
    'klubkort child return 3',
  )
    .argument('<id>', 'the child', idArgument)
    .action(async (id: number) => {
      desk.deliver(told(await change(desk, `/children/${id}/return`, z.strictObject({}), {}, Child), came))
    })

  guardianCommands(child, desk)
  childPrivacyCommands(child, desk)
}

type Listing = { name?: string; offset: number }

function list({ children, more }: z.infer<typeof Children>, { name, offset }: Listing): string {
  const rows = table(
    children,
    [
      { head: 'ID', cell: ({ id }) => id, align: 'right' },
      { head: 'NAME', cell: ({ name }) => name, flexible: true },
      { head: 'ACCOUNT', cell: ({ account }) => account, align: 'right' },
      { head: 'BALANCE', cell: ({ balance }) => amount(balance), align: 'right' },
      { head: 'DAILY LIMIT', cell: dailyLimit, align: 'right' },
      { head: 'CARDS', cell: ({ cards }) => cards.length, align: 'right' },
    ],
    name === undefined ? 'No children yet.' : 'No children of that name.',
  )
  const whose = name === undefined ? '' : ` --name ${quoted(name)}`
  const next = `klubkort child list${whose} --offset ${offset + children.length}`
  return more ? `${rows}\n\nThere are more; to see them: ${next}` : rows
}

const left = ({ id, name, account, balance, untold }: z.infer<typeof ChildLeft>) =>
  `Child ${id}, ${plain(name)}, has left; account ${account} holds ${amount(balance)} kr.${notTold(untold)}`

function came({ id, name, cards, club }: Owner): string {
  const open = cards.some(({ status }) => status !== 'closed')
  const card = open ? 'its cards are blocked until activated' : club ? 'a card is ordered for it' : 'it has no card'
  return `Child ${id}, ${plain(name)}, is back; ${card}.`
}

function page(child: Owner): string {
  const cards = table(
    child.cards,
    [
      { head: 'CARD', cell: ({ id }) => id, align: 'right' },
      { head: 'STATUS', cell: ({ status }) => status },
      { head: 'SINCE', cell: ({ createdAt }) => instant(createdAt) },
    ],
    'No cards.',
  )
  const gone = child.leftAt === null ? '' : `, left ${instant(child.leftAt)}`
  const club = child.club === null ? '' : `, of ${plain(child.club.name)}`
  return `Child ${child.id}: ${plain(child.name)}${club}${gone}
Account ${child.account}, balance ${amount(child.balance)} kr, daily limit ${dailyLimit(child)}
Guardians ${child.guardians}

${cards}`
}
