import type { Command } from 'commander'
import { z } from 'zod'
import { CardCall, CardUid, CardView } from '../../shared/office/cards.ts'
import { command, group, idArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { counted } from './output.ts'

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
