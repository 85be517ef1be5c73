import { type LedgerModel, move } from './ledger-model.ts'

/**
 * Replacements of cards on the same day as they are meant, without a database: staff begin one, a guardian approves it,
 * which pays for it, and a blank is handed out. The property test holds the SQL against it, so nothing here is taken from
 * the SQL. Amounts are øre, instants epoch milliseconds; cards go by their hash.
 */

export type ReplacementModel = {
  id: string
  wallet: number
  lost: string | null
  fee: number
  status: 'awaiting_approval' | 'ordered' | 'handed_out' | 'cancelled'
  createdAt: number
  /** Whether it was ever approved, and so paid. */
  approved: boolean
  card: string | null
}

/** What is replaced, for how much: `lost` is null where the child has one card at most. */
export type Wanted = Pick<ReplacementModel, 'id' | 'wallet' | 'lost' | 'fee'>

const WEEK_MS = 7 * 24 * 3_600_000

export function begin(ledger: LedgerModel, orders: ReplacementModel[], wanted: Wanted, nowMs: number): string {
  const { id, wallet, lost } = wanted
  const before = orders.find((order) => order.id === id)
  if (before) return before.wallet === wallet && (lost === null || lost === before.lost) ? 'begun' : 'id_taken'
  if (orders.some((order) => order.wallet === wallet && isUnderWay(order))) return 'order_under_way'
  const open = [...ledger.cards].filter(([, card]) => card.wallet === wallet && card.status !== 'closed')
  const known = lost === null ? open.length < 2 : open.some(([hash]) => hash === lost)
  if (!known) return 'card_unknown'
  const begun = { status: 'awaiting_approval', createdAt: nowMs, approved: false, card: null } as const
  orders.push({ ...wanted, ...begun, lost: lost ?? open[0]?.[0] ?? null })
  return 'begun'
}

const isUnderWay = ({ status }: ReplacementModel) => status === 'awaiting_approval' || status === 'ordered'
const awaits = ({ status, createdAt }: ReplacementModel, nowMs: number) =>
  status === 'awaiting_approval' && nowMs < createdAt + WEEK_MS

/** The fee and the approval come together, or neither does. */
export function approve(ledger: LedgerModel, order: ReplacementModel, revenue: number, nowMs: number): string {
  if (order.approved) return 'approved'
  if (!awaits(order, nowMs)) return 'too_late'
  const { balance, floor } = ledger.accounts.get(order.wallet) ?? { balance: 0, floor: 0 }
  if (order.fee > 0 && balance - order.fee < (floor ?? 0)) return 'insufficient_funds'
  if (order.fee > 0) move(ledger, order.wallet, revenue, order.fee)
  Object.assign(order, { status: 'ordered', approved: true })
  return 'approved'
}

export function refuse(order: ReplacementModel, nowMs: number): string {
  if (awaits(order, nowMs)) order.status = 'cancelled'
  return order.status === 'cancelled' && !order.approved ? 'refused' : 'too_late'
}

/** What was paid is the account's again, once. */
export function cancel(ledger: LedgerModel, order: ReplacementModel, revenue: number): string {
  if (order.status === 'handed_out') return 'order_ended'
  if (order.status === 'ordered' && order.fee > 0) move(ledger, revenue, order.wallet, order.fee)
  order.status = 'cancelled'
  return 'cancelled'
}

/** What nobody has approved in a week ends. */
export function expire(orders: ReplacementModel[], nowMs: number): number {
  const late = orders.filter((order) => order.status === 'awaiting_approval' && !awaits(order, nowMs))
  for (const order of late) order.status = 'cancelled'
  return late.length
}

/** A card that is nobody's becomes the account's, and the lost one is closed for good. */
export function handOut(ledger: LedgerModel, order: ReplacementModel, card: string): string {
  if (order.status === 'awaiting_approval') return 'order_unapproved'
  if (order.status === 'handed_out' && order.card === card) return 'handed_out'
  if (order.status !== 'ordered') return 'order_ended'
  if (ledger.cards.has(card)) return 'card_taken'
  ledger.cards.set(card, { wallet: order.wallet, status: 'active', tokens: [], missing: 0 })
  const lost = order.lost === null ? undefined : ledger.cards.get(order.lost)
  if (lost) lost.status = 'closed'
  Object.assign(order, { status: 'handed_out', card })
  return 'handed_out'
}
