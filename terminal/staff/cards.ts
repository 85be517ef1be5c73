import type { Command } from 'commander'
import { z } from 'zod'
import { StockView } from '../../shared/office/card-making.ts'
import { CardCall, CardLife, CardUid, CardView, ReplaceCall, Replacement } from '../../shared/office/cards.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { lifeLines } from './card-life.ts'
import { importCards } from './card-stock.ts'
import { command, group, idArgument, terminalArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { type HandingOut, handOutByTap } from './hand-outs.ts'
import { amount, counted, instant, notTold, plain } from './output.ts'

/** `klubkort card …`: the cards of children. */
export function cardCommands(klubkort: Command, desk: Desk) {
  const card = group(klubkort, 'card', 'the cards of children', 'klubkort card block 7')

  command(
    card,
    'add',
    'give a child a card',
    'klubkort card add --child 3 --uid 04:a1:b2:c3:d4:e5:f6',
    'klubkort card add --child 3 --uid -    # then hold the card to a reader',
  )
    .requiredOption('--child <id>', 'the child', idArgument)
    .requiredOption('--uid <hex>', "the card's UID: 4, 7 or 10 bytes; - for standard input")
    .action(async (options) => desk.deliver(await add(desk, options)))

  command(card, 'show', 'show a card, and how many terminals know its status', 'klubkort card show 7')
    .argument('<id>', 'the card', idArgument)
    .action(async (id: number) => desk.deliver(told(await read(desk, `/cards/${id}`, CardView), statusLine)))

  for (const [verb, words] of [
    ['block', 'block a card, at once'],
    ['activate', 'activate a blocked card'],
  ] as const) {
    command(card, verb, words, `klubkort card ${verb} 7`)
      .argument('<id>', 'the card', idArgument)
      .action(async (id: number) => {
        const changed = await change(desk, `/cards/${id}/${verb}`, z.strictObject({}), {}, CardView)
        desk.deliver(told(changed, statusLine))
      })
  }

  command(
    card,
    'history',
    'show all that has happened to a card, from its order on, with who and when',
    'klubkort card history 7',
  )
    .argument('<id>', 'the card', idArgument)
    .action(async (id: number) => desk.deliver(told(await read(desk, `/cards/${id}/history`, CardLife), life)))

  command(
    card,
    'import',
    "take in the producer's list of cards: CSV with the columns number and uid, all of it or nothing",
    'klubkort card import cards-made.csv',
  )
    .argument('<file>', 'the list')
    .action(async (path: string) => desk.deliver(await importCards(desk, path)))

  command(card, 'stock', 'say how many cards are made and not handed out', 'klubkort card stock').action(async () =>
    desk.deliver(
      told(
        await read(desk, '/card-stock', StockView),
        ({ blanks, produced }) => `${counted(blanks, 'blank')}; ${counted(produced, 'card')} made for orders.`,
      ),
    ),
  )

  command(
    card,
    'hand-out',
    'give a child the next card that is laid on a terminal, within a minute',
    'klubkort card hand-out --child 3 --terminal 4000-1',
    'klubkort card hand-out --terminal 4000-1 \\\n    --order 0198c0de-0000-7000-8000-000000000001',
  )
    .option('--child <id>', 'the child whose order is under way', idArgument)
    .option('--order <id>', 'the order')
    .requiredOption('--terminal <id>', 'where the card is laid', terminalArgument)
    .action(async (which: HandingOut) => desk.deliver(await handOutByTap(desk, which)))

  command(
    card,
    'replace',
    'begin a replacement out of the stack, which a parent approves and the account pays',
    'klubkort card replace --child 3',
    'klubkort card replace --child 3 --lost 7 --site 1',
  )
    .requiredOption('--child <id>', 'the child', idArgument)
    .option('--lost <id>', 'the card that is lost; the only one that is not closed', idArgument)
    .option('--site <id>', "where the new one is handed out; the child's club", idArgument)
    .action(async (which: Replacing) => desk.deliver(await replace(desk, which)))
}

type Replacing = { child: number; lost?: number; site?: number }

async function replace(desk: Desk, { child, lost, site }: Replacing): Promise<Outcome> {
  const id = uuidv7(desk.nowMs(), desk.random(16))
  const body = { id, child, lostCard: lost ?? null, site: site ?? null }
  return told(await change(desk, '/replacements', ReplaceCall, body, Replacement), (order) => {
    const { fee, lostCard, untold } = order
    const price = fee === 0 ? 'It is free' : `It costs ${amount(fee)} kr, from the account`
    return `Order ${id}: a new card for child ${child}, ${plain(order.child.name)}${lostCard === null ? '' : `, for card ${lostCard}`}.
${price}. A guardian has to approve it in the portal within 7 days; then:
  klubkort card hand-out --child ${child} --terminal <id>${notTold(untold)}`
  })
}

function life({ id, status, createdAt, child, number, events }: z.infer<typeof CardLife>): string {
  const printed = number === null ? '' : `, number ${number}`
  return `Card ${id}${printed}: ${status}
  child ${child.id}, ${plain(child.name)}; since ${instant(createdAt)}

${lifeLines(events)}`
}

function statusLine({ id, status, reach }: z.infer<typeof CardView>): string {
  if (!reach) return `Card ${id} is ${status}.`
  const { told: knowing, terminals } = reach
  if (terminals === 0) return `Card ${id} is ${status}; no terminal has been enrolled yet.`
  return `Card ${id} is ${status}, as ${knowing} of ${counted(terminals, 'terminal')} ${terminals === 1 ? 'knows' : 'know'}.`
}

async function add(desk: Desk, { child, uid: given }: { child: number; uid: string }): Promise<Outcome> {
  const typed = given === '-' ? await desk.readLine() : given
  const uid = CardUid.safeParse(typed.replace(/[:\s]/g, ''))
  // What was typed is not repeated: the UID is the card, and errors end up in logs.
  if (!uid.success) return { kind: 'usage', message: 'a UID is 8, 14 or 20 hexadecimal digits' }
  const added = await change(desk, '/cards', CardCall, { child, uid: uid.data }, CardView)
  return told(added, ({ id, status }) => `Card ${id} of child ${child} is ${status}.`)
}
