import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { CardOrder, CardOrderId, CardOrderState, CardOrders, CardUid, HandOutCall } from '../../shared/office/cards.ts'
import { command, group, offsetArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { amount, instant, plain } from './output.ts'

type Order = z.infer<typeof CardOrder>

const EXAMPLE = '0198c0de-0000-7000-8000-000000000001'

/** `klubkort order …`: new cards in the place of lost ones. */
export function orderCommands(klubkort: Command, desk: Desk) {
  const order = group(klubkort, 'order', 'orders of new cards', 'klubkort order list')

  command(
    order,
    'list',
    'list orders that are paid for, the oldest first, with the addresses',
    'klubkort order list',
    'klubkort order list --state ended',
  )
    .addOption(new Option('--state <state>', 'which orders').choices(CardOrderState.options).default('under_way'))
    .option('--offset <count>', 'how many orders to pass over', offsetArgument, 0)
    .action(async (which: Listing) => {
      const listed = await read(desk, `/orders?state=${which.state}&offset=${which.offset}`, CardOrders)
      desk.deliver(told(listed, (found) => list(found, which)))
    })

  command(
    order,
    'send',
    'say that the card is in the post; the parent is told by mail',
    `klubkort order send ${EXAMPLE}`,
  )
    .argument('<id>', 'the order', orderArgument)
    .action(async (id: string) => {
      const sent = await change(desk, `/orders/${id}/send`, z.strictObject({}), {}, CardOrder)
      desk.deliver(told(sent, ({ id }) => `Order ${id} is sent.`))
    })

  command(
    order,
    'hand-out',
    'give the account its new card, and close the lost one for good',
    `klubkort order hand-out ${EXAMPLE} \\\n    --uid 04:a1:b2:c3:d4:e5:f6`,
    `klubkort order hand-out ${EXAMPLE} \\\n    --uid -    # then hold the card to a reader that types`,
  )
    .argument('<id>', 'the order', orderArgument)
    .requiredOption('--uid <hex>', "the new card's UID: 4, 7 or 10 bytes; - for standard input")
    .action(async (id: string, { uid }: { uid: string }) => desk.deliver(await handOut(desk, id, uid)))

  command(
    order,
    'cancel',
    'end an order and give its fee back to the account; the parent is told by mail',
    `klubkort order cancel ${EXAMPLE}`,
  )
    .argument('<id>', 'the order', orderArgument)
    .action(async (id: string) => {
      const cancelled = await change(desk, `/orders/${id}/cancel`, z.strictObject({}), {}, CardOrder)
      desk.deliver(
        told(cancelled, ({ id, fee, account }) =>
          fee === 0
            ? `Order ${id} is cancelled.`
            : `Order ${id} is cancelled; ${amount(fee)} kr are back on account ${account}.`,
        ),
      )
    })
}

async function handOut(desk: Desk, id: string, given: string): Promise<Outcome> {
  const typed = given === '-' ? await desk.readLine() : given
  const uid = CardUid.safeParse(typed.replace(/[:\s]/g, ''))
  // What was typed is not repeated: the UID is the card, and errors end up in logs.
  if (!uid.success) return { kind: 'usage', message: 'a UID is 8, 14 or 20 hexadecimal digits' }
  const done = await change(desk, `/orders/${id}/hand-out`, HandOutCall, { uid: uid.data }, CardOrder)
  return told(done, ({ child, card, lostCard }) => {
    const closed = lostCard === null ? '' : `; card ${lostCard} is closed`
    return `Card ${card} of child ${child.id}, ${plain(child.name)}, is active${closed}.`
  })
}

function orderArgument(text: string): string {
  const id = CardOrderId.safeParse(text)
  if (!id.success) throw new InvalidArgumentError('An id is a UUID.')
  return id.data
}

type Listing = { state: string; offset: number }

const where = ({ recipient, street, postalCode, city }: Order) => `${recipient}, ${street}, ${postalCode} ${city}`

function list({ orders, more }: z.infer<typeof CardOrders>, { state, offset }: Listing): string {
  const blocks = orders.map((order) => {
    const { id, status, child, lostCard, card, createdAt } = order
    const cards = [
      ...(lostCard === null ? [] : [`for card ${lostCard}`]),
      ...(card === null ? [] : [`handed out as card ${card}`]),
    ]
    return `Order ${id}: ${status.replace('_', ' ')}
  child ${child.id}, ${plain(child.name)}; ordered ${instant(createdAt)}${cards.map((text) => `; ${text}`).join('')}
  to ${plain(where(order))}`
  })
  if (blocks.length === 0) return 'No such orders.'
  const next = `klubkort order list --state ${state} --offset ${offset + orders.length}`
  return [...blocks, ...(more ? [`There are more; to see them: ${next}`] : [])].join('\n\n')
}
