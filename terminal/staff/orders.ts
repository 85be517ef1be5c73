import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { CardBatchContent, CardBatches } from '../../shared/office/card-making.ts'
import {
  CardOrder,
  CardOrderId,
  CardOrderState,
  CardOrders,
  CardUid,
  HandOutCall,
  OrderLife,
} from '../../shared/office/cards.ts'
import { lifeLines } from './card-life.ts'
import { command, group, idArgument, offsetArgument } from './command.ts'
import { csv } from './csv.ts'
import { type Asked, change, type Desk, type Outcome, read, told } from './desk.ts'
import { writeNew } from './disk.ts'
import { amount, counted, instant, plain, table } from './output.ts'

type Order = z.infer<typeof CardOrder>

const EXAMPLE = '0198c0de-0000-7000-8000-000000000001'

/** `klubkort order …`: cards that are to come. */
export function orderCommands(klubkort: Command, desk: Desk) {
  const order = group(klubkort, 'order', 'orders of new cards', 'klubkort order list')

  command(
    order,
    'list',
    'list orders of cards, the oldest first, and where each goes',
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
    `klubkort order hand-out ${EXAMPLE} \\\n    --as-produced    # the card that was made for it`,
  )
    .argument('<id>', 'the order', orderArgument)
    .option('--uid <hex>', "the new card's UID: 4, 7 or 10 bytes; - for standard input")
    .option('--as-produced', 'the card that was made for the order, without having it at hand')
    .action(async (id: string, which: HandingOut) => desk.deliver(await handOut(desk, id, which)))

  command(
    order,
    'show',
    'show an order, and all that has happened to it and its card',
    `klubkort order show ${EXAMPLE}`,
  )
    .argument('<id>', 'the order', orderArgument)
    .action(async (id: string) => desk.deliver(told(await read(desk, `/orders/${id}`, OrderLife), show)))

  command(
    order,
    'export',
    'make a batch for the producer of all orders that are in none, at most 1,000, as CSV',
    'klubkort order export --out cards.csv',
    'klubkort order export --batch 3 --out cards.csv    # the same batch once more',
  )
    .option('--batch <number>', 'fetch a batch that was made before', idArgument)
    .option('--out <file>', 'where to put it; cards-<batch>.csv')
    .action(async (which: Exporting) => desk.deliver(await write(desk, which)))

  command(order, 'batches', 'list the batches that were made, the newest first', 'klubkort order batches').action(
    async () => desk.deliver(told(await read(desk, '/card-batches', CardBatches), batchList)),
  )

  command(
    order,
    'cancel',
    'end an order and give its fee back to the account; the parent is told by mail. A club withdraws only replacements ' +
      'out of its own stack that nobody has approved',
    `klubkort order cancel ${EXAMPLE}`,
  )
    .argument('<id>', 'the order', orderArgument)
    .action(async (id: string) => {
      const cancelled = await change(desk, `/orders/${id}/cancel`, z.strictObject({}), {}, CardOrder)
      desk.deliver(
        told(cancelled, ({ id, fee, account, orderedAt }) =>
          fee === 0 || orderedAt === null
            ? `Order ${id} is cancelled; nothing was paid.`
            : `Order ${id} is cancelled; ${amount(fee)} kr are back on account ${account}.`,
        ),
      )
    })
}

type HandingOut = { uid?: string; asProduced?: true }

async function handOut(desk: Desk, id: string, { uid: given, asProduced }: HandingOut): Promise<Outcome> {
  if ((given === undefined) === (asProduced === undefined)) {
    return { kind: 'usage', message: 'give the card by --uid, or --as-produced; klubkort card hand-out takes a tap' }
  }
  if (given === undefined) return handedOut(await change(desk, `/orders/${id}/hand-out`, HandOutCall, {}, CardOrder))
  const typed = given === '-' ? await desk.readLine() : given
  const uid = CardUid.safeParse(typed.replace(/[:\s]/g, ''))
  // What was typed is not repeated: the UID is the card, and errors end up in logs.
  if (!uid.success) return { kind: 'usage', message: 'a UID is 8, 14 or 20 hexadecimal digits' }
  return handedOut(await change(desk, `/orders/${id}/hand-out`, HandOutCall, { uid: uid.data }, CardOrder))
}

function handedOut(done: Asked<Order>): Outcome {
  return told(done, ({ child, card, lostCard }) => {
    const closed = lostCard === null ? '' : `; card ${lostCard} is closed`
    return `Card ${card} of child ${child.id}, ${plain(child.name)}, is active${closed}.`
  })
}

function orderArgument(text: string): string {
  const id = CardOrderId.safeParse(text)
  if (!id.success) throw new InvalidArgumentError('An order is named by a UUID; klubkort order list lists them.')
  return id.data
}

type Listing = { state: string; offset: number }

const where = ({ club, recipient, street, postalCode, city }: Order) =>
  club === null ? `${recipient}, ${street}, ${postalCode} ${city}` : club.name

const CAUSES = { first: 'its first card', replacement: 'a replacement', same_day: 'a replacement out of the stack' }

/** An order in a few lines. */
function block(order: Order): string {
  const { id, status, cause, child, lostCard, card, number, batch, createdAt, expired } = order
  const more = [
    ...(lostCard === null ? [] : [`for card ${lostCard}`]),
    ...(number === null ? [] : [`number ${number}, batch ${batch}`]),
    ...(card === null ? [] : [`handed out as card ${card}`]),
  ]
  const whose = `child ${child.id}, ${plain(child.name)}; ${CAUSES[cause]}, ordered ${instant(createdAt)}`
  return [
    `Order ${id}: ${expired ? 'expired, as nobody approved it' : status.replace('_', ' ')}`,
    `  ${[whose, ...more].join('; ')}`,
    `  to ${plain(where(order))}`,
  ].join('\n')
}

const show = ({ events, ...order }: z.infer<typeof OrderLife>) => `${block(order)}\n\n${lifeLines(events)}`

function list({ orders, more }: z.infer<typeof CardOrders>, { state, offset }: Listing): string {
  const blocks = orders.map(block)
  if (blocks.length === 0) return 'No such orders.'
  const next = `klubkort order list --state ${state} --offset ${offset + orders.length}`
  return [...blocks, ...(more ? [`There are more; to see them: ${next}`] : [])].join('\n\n')
}

// ── Batches ─────────────────────────────────────────────────────────────────

type Exporting = { batch?: number; out?: string }

const FIELDS = ['kortnummer', 'navn', 'klub', 'modtager', 'vej', 'postnummer', 'by']

async function write(desk: Desk, { batch, out }: Exporting): Promise<Outcome> {
  const fetched =
    batch === undefined
      ? await change(desk, '/card-batches', z.strictObject({}), {}, CardBatchContent, { large: true })
      : await read(desk, `/card-batches/${batch}`, CardBatchContent)
  const lost = fetched.kind === 'unreachable' || (fetched.kind === 'refused' && fetched.code === 'internal')
  if (lost && batch === undefined) {
    return { ...fetched, hint: 'klubkort order batches says whether a batch was made, and --batch <number> fetches it' }
  }
  if (fetched.kind !== 'answer') return fetched
  const { cards, ...made } = fetched.value
  const path = out ?? `cards-${made.id}.csv`
  const rows = cards.map(({ number, name, club, recipient, street, postalCode, city }) =>
    [number, name, club, recipient, street, postalCode, city].map((cell) => cell ?? ''),
  )
  const trouble = await writeNew(path, csv(FIELDS, rows))
  if (trouble !== null) {
    const again = `klubkort order export --batch ${made.id} --out <file>`
    return {
      kind: 'usage',
      message: `${plain(path)} is not written: ${trouble}; the batch is made, and kept: ${again}`,
    }
  }
  return {
    kind: 'done',
    value: { ...made, out: path },
    text: `Batch ${made.id}: ${counted(made.count, 'card')} for the producer, in ${plain(path)}.`,
  }
}

function batchList({ batches }: z.infer<typeof CardBatches>): string {
  return table(
    batches,
    [
      { head: 'BATCH', cell: ({ id }) => id, align: 'right' },
      { head: 'CARDS', cell: ({ count }) => count, align: 'right' },
      { head: 'MADE', cell: ({ createdAt }) => instant(createdAt) },
      { head: 'BY', cell: ({ staff }) => staff, flexible: true },
    ],
    'No batches yet.',
  )
}
