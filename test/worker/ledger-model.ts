import type { CardToken, DebitMessage, DebitResult, DeclineReason } from '../../shared/debit.ts'
import type { Booking, SignedMessage } from '../../worker/ledger/debits.ts'

/**
 * The ledger as the design tells it, without a database: what each call is answered, and what each account holds
 * afterwards. The property test holds the SQL against it, so nothing here is taken from the SQL.
 */

export type AccountModel = {
  balance: number
  /** What the balance may not fall below, except through an advice; null for none. */
  floor: number | null
  dailyLimit: number | null
  /** What sales that count for `day` have cost. */
  spent: { day: string; amount: number }
  /** The categories of products that it may not buy. */
  closed: Set<string>
}

type SaleModel = {
  terminal: string
  story: string
  heard: DebitMessage['kind'][]
  charge: { payer: number; amount: number; day: string } | null
  /** It was handed over though it would have been declined, and nobody has decided on it. */
  flagged: boolean
  /** The movement by which staff have settled it, once it was flagged. */
  settling: string | null
  /** What staff have given back of it. */
  refunded: number
}

/** What a card was given against copies, the oldest first; at most one is pending. */
type TokenModel = CardToken & { issuedAt: number; shownAt: number | null; droppedAt: number | null; told: string }

type CardModel = {
  wallet: number
  status: 'active' | 'blocked' | 'closed'
  tokens: TokenModel[]
  missing: number
}

export type LedgerModel = {
  accounts: Map<number, AccountModel>
  suspense: number
  cards: Map<string, CardModel>
  /** The categories of the products that there are. */
  categories: Map<number, string>
  terminals: Map<
    string,
    {
      revenue: number
      barred: 'terminal_revoked' | 'terminal_stopped' | null
      booked: { hash: string; result: DebitResult }[]
      /** Messages put aside that nobody has decided on, by their number and then in the order they came. */
      aside: SignedMessage[]
      /** How many of those have been booked. */
      branch: number
    }
  >
  sales: Map<string, SaleModel>
  movements: Map<string, { from: number; to: number; amount: number }>
  transfers: number
  alarms: Set<string>
}

/** A ledger without anybody in it. */
export function emptyLedger(suspense: number): LedgerModel {
  return {
    accounts: new Map(),
    suspense,
    cards: new Map(),
    categories: new Map(),
    terminals: new Map(),
    sales: new Map(),
    movements: new Map(),
    transfers: 0,
    alarms: new Set(),
  }
}

function there<K, V>(map: Map<K, V>, key: K): V {
  const value = map.get(key)
  if (value === undefined) throw new Error(`the model knows no ${key}`)
  return value
}

const HOUR_MS = 3_600_000

/** A terminal that says it sold 30 days ago or more has a wrong clock. */
const ADVICE_BELIEVED_MS = 30 * 24 * HOUR_MS

/** The Copenhagen day of an instant: an hour ahead of UTC, two between the last Sundays of March and October, 01:00 UTC. */
export function dayOf(atMs: number): string {
  const year = new Date(atMs).getUTCFullYear()
  const lastSunday = (month: number) => {
    const last = new Date(Date.UTC(year, month + 1, 0, 1))
    return last.getTime() - last.getUTCDay() * 24 * HOUR_MS
  }
  const summer = atMs >= lastSunday(2) && atMs < lastSunday(9)
  return new Date(atMs + (summer ? 2 : 1) * HOUR_MS).toISOString().slice(0, 10)
}

/** What an account's sales of a day have cost. */
export function spentOn(account: AccountModel, day: string): number {
  return account.spent.day === day ? account.spent.amount : 0
}

/** Money that moves: half of it out of one account, half into another, as one transfer. */
export function move(ledger: LedgerModel, from: number, to: number, amount: number) {
  there(ledger.accounts, from).balance -= amount
  there(ledger.accounts, to).balance += amount
  ledger.transfers += 1
}

/** Money that moves without a sale: once per id, and never through a floor. */
export function moveOnce(ledger: LedgerModel, id: string, from: number, to: number, amount: number) {
  const { balance, floor } = there(ledger.accounts, from)
  if (ledger.movements.has(id) || (floor !== null && balance - amount < floor)) return
  ledger.movements.set(id, { from, to, amount })
  move(ledger, from, to, amount)
}

/** Money that is gone in any case: out of the account as far as it has it, and the rest out of suspense. */
export function takeAsFarAsThere(ledger: LedgerModel, id: string, from: number, to: number, amount: number) {
  if (ledger.movements.has(id) || ledger.movements.has(`${id}:short`)) return
  const { balance, floor } = there(ledger.accounts, from)
  const taken = Math.max(0, Math.min(amount, balance - (floor ?? Number.NEGATIVE_INFINITY)))
  if (taken > 0) moveOnce(ledger, id, from, to, taken)
  if (taken < amount) moveOnce(ledger, `${id}:short`, ledger.suspense, to, amount - taken)
}

/** A movement the other way round, once; none is taken out of a wallet. */
export function takeBack(ledger: LedgerModel, id: string, of: string) {
  const first = ledger.movements.get(of)
  if (!first || there(ledger.accounts, first.to).floor !== null) return
  moveOnce(ledger, id, first.to, first.from, first.amount)
}

/** What a terminal's call is answered, and the ledger after it: the whole call is in it, or nothing but an alarm. */
export function hear(
  ledger: LedgerModel,
  terminal: string,
  call: readonly SignedMessage[],
  nowMs: number,
): { booking: Booking; after: LedgerModel } {
  const after = structuredClone(ledger)
  const booking = hearAll(after, terminal, call, nowMs)
  if (booking.kind === 'booked') return { booking, after }
  if (booking.kind !== 'conflict') return { booking, after: ledger }
  const rival = call.find(({ message }) => message.seq === booking.seq)
  const alarms = new Set(ledger.alarms).add(`${terminal}/${booking.seq}/${rival?.hash}`)
  const terminals = new Map(ledger.terminals)
  terminals.set(terminal, { ...there(terminals, terminal), barred: 'terminal_stopped' })
  return { booking, after: { ...ledger, alarms, terminals } }
}

function hearAll(ledger: LedgerModel, id: string, call: readonly SignedMessage[], nowMs: number): Booking {
  const terminal = there(ledger.terminals, id)
  if (terminal.barred) return { kind: terminal.barred }
  for (const [index, { message }] of call.entries()) {
    const before = call[index - 1]
    if (!before) continue
    if (message.seq !== before.message.seq + 1) return { kind: 'seq_gap', expected: before.message.seq + 1 }
    if (message.prev !== before.hash) return { kind: 'conflict', seq: message.seq }
  }
  const results: DebitResult[] = []
  for (const { message, hash, nextToken } of call) {
    const stored = terminal.booked[message.seq - 1]
    if (stored) {
      if (stored.hash !== hash) return { kind: 'conflict', seq: message.seq }
      results.push(stored.result)
      continue
    }
    const expected = terminal.booked.length + 1
    if (message.seq !== expected) return { kind: 'seq_gap', expected }
    if (message.prev !== (terminal.booked.at(-1)?.hash ?? '')) return { kind: 'conflict', seq: message.seq }
    const unread = hearToken(ledger, id, { message, hash, nextToken }, nowMs)
    const result = hearOne(ledger, id, message, nowMs, unread ? 'card_blocked' : undefined)
    if (result === 'conflict') return { kind: 'conflict', seq: message.seq }
    terminal.booked.push({ hash, result })
    results.push(result)
  }
  const told = results.map((result, index) => withClosed(ledger, call[index]?.message, withToken(ledger, id, result)))
  return { kind: 'booked', results: told, low: [] }
}

/** A decline for what is closed, with the products for which it is so still. */
function withClosed(ledger: LedgerModel, message: DebitMessage | undefined, result: DebitResult): DebitResult {
  const card = ledger.cards.get(message?.card ?? '')
  if (!message || !card || result.outcome !== 'declined' || result.reason !== 'category_closed') return result
  const { closed: categories } = there(ledger.accounts, card.wallet)
  const sold = new Set(message.lines.flatMap(({ product }) => product ?? []))
  const closed = [...sold].filter((product) => categories.has(ledger.categories.get(product) ?? ''))
  return closed.length > 0 ? { ...result, closed } : result
}

/** An answer, with the token that the card was told in it and is still waited for with. */
function withToken(ledger: LedgerModel, terminal: string, result: DebitResult): DebitResult {
  const tokens = [...ledger.cards.values()].flatMap((card) => card.tokens)
  const told = tokens.find((token) => isPending(token) && token.told === `${terminal}/${result.seq}`)
  return told ? { ...result, token: { counter: told.counter, value: told.value } } : result
}

const isPending = ({ shownAt, droppedAt }: TokenModel) => shownAt === null && droppedAt === null

/**
 * What a message says of its card's token. The answer is whether a request is to be refused for it; a copy is blocked.
 */
function hearToken(
  ledger: LedgerModel,
  terminal: string,
  { message, hash, nextToken = '' }: Pick<SignedMessage, 'message' | 'hash'> & { nextToken: string | undefined },
  nowMs: number,
): boolean {
  const { kind, token, seq, at } = message
  const card = ledger.cards.get(message.card)
  if (token === undefined || kind === 'reversal' || !card || card.status === 'closed') return false
  const { tokens } = card
  const shown = tokens.filter(({ shownAt }) => shownAt !== null)
  const current = shown.toSorted((one, other) => other.counter - one.counter)[0]
  const pending = tokens.find(isPending)
  const known = token && tokens.find(({ counter, value }) => counter === token.counter && value === token.value)
  const highest = Math.max(0, ...tokens.map(({ counter }) => counter))
  const unread = current !== undefined && (token === null || token.counter > highest)
  const said = `${terminal}/${seq}`
  if (token && (current || known?.droppedAt) && !unread && known !== current && known !== pending) {
    const laterShown = shown.filter(({ counter }) => counter > token.counter).map(({ shownAt }) => shownAt ?? 0)
    const alike = tokens.filter(({ counter }) => counter >= token.counter).map(({ issuedAt }) => issuedAt)
    const since = known?.droppedAt ?? (laterShown.length ? Math.min(...laterShown) : Math.min(...alike))
    if (at > since + (kind === 'request' ? 10_000 : 600_000) && card.status === 'active') {
      card.status = 'blocked'
      ledger.alarms.add(`${said}/${hash}`)
    }
  }
  if (kind === 'advice') return false
  if (card.status !== 'active') return unread
  card.missing = unread ? card.missing + 1 : 0
  if (card.missing === 3) ledger.alarms.add(`${said}/${hash}`)
  const issue = () =>
    tokens.push({
      ...{ counter: (token?.counter ?? 0) + 1, value: nextToken },
      ...{ issuedAt: nowMs, shownAt: null, droppedAt: null, told: said },
    })
  if (!current && !(known && known === pending)) {
    if (pending && token && pending.counter <= token.counter) pending.droppedAt = nowMs
    const waiting = tokens.find(isPending)
    if (waiting) waiting.told = said
    else issue()
  } else if (known && known === pending) {
    known.shownAt = nowMs
    issue()
  } else if (known && known === current) {
    if (pending && at > pending.issuedAt + 10_000) pending.droppedAt = nowMs
    if (!tokens.some(isPending)) issue()
  }
  return unread
}

/** Puts messages of a barred terminal aside, those that are not booked and not aside already. */
export function putAsideToo(ledger: LedgerModel, id: string, call: readonly SignedMessage[]) {
  const { booked, aside } = there(ledger.terminals, id)
  for (const signed of call) {
    const { message, hash } = signed
    if (booked[message.seq - 1]?.hash === hash || aside.some((each) => each.hash === hash)) continue
    aside.push(signed)
  }
}

/** Staff book what is aside of a terminal, by its numbers; what tells otherwise of its sale, or again, stays aside. */
export function bookAsideToo(ledger: LedgerModel, id: string, nowMs: number): number {
  const terminal = there(ledger.terminals, id)
  const inOrder = terminal.aside.toSorted((one, other) => one.message.seq - other.message.seq)
  const left = inOrder.filter(({ message }) => hearOne(ledger, id, message, nowMs, undefined, true) === 'conflict')
  terminal.aside = left
  terminal.branch += inOrder.length - left.length
  return inOrder.length - left.length
}

/** Staff decide on a flagged sale: it is kept, or the club carries it, or a wallet is charged as far as that holds. */
export function settleToo(
  ledger: LedgerModel,
  { subject, sale }: { subject: string; sale: string },
  decision: { kind: 'keep' | 'carry' } | { kind: 'charge'; wallet: number },
) {
  const story = there(ledger.sales, sale)
  const { revenue } = there(ledger.terminals, story.terminal)
  const id = `review:${subject}`
  if (!story.flagged || !story.charge) return
  const { payer, amount } = story.charge
  const unknown = payer === ledger.suspense
  if (decision.kind === 'carry') moveOnce(ledger, id, revenue, payer, amount)
  if (decision.kind === 'charge' && unknown) moveOnce(ledger, id, decision.wallet, payer, amount)
  if (ledger.movements.has(id)) story.settling = id
  story.flagged = !(decision.kind === 'keep' ? !unknown : story.settling)
}

/** Staff give back a part of a sale to whoever bears it: never more than it cost, nor of one that is undone or carried. */
export function refundToo(ledger: LedgerModel, id: string, sale: string, amount: number, nowMs: number) {
  const story = ledger.sales.get(sale)
  if (!story?.charge || story.flagged || story.heard.includes('reversal') || ledger.movements.has(id)) return 'refused'
  const { revenue } = there(ledger.terminals, story.terminal)
  const settled = ledger.movements.get(story.settling ?? '')
  const { payer, day } = story.charge
  if (settled?.from === revenue || story.refunded + amount > story.charge.amount) return 'refused'
  const bearer = settled?.from ?? payer
  moveOnce(ledger, id, revenue, bearer, amount)
  story.refunded += amount
  const today = dayOf(nowMs)
  const wallet = there(ledger.accounts, bearer)
  if (bearer === payer && day === today) wallet.spent = { day, amount: spentOn(wallet, today) - amount }
  return 'refunded'
}

function hearOne(
  ledger: LedgerModel,
  id: string,
  message: DebitMessage,
  nowMs: number,
  unread?: DeclineReason,
  aside = false,
): DebitResult | 'conflict' {
  const story = JSON.stringify([message.card, message.amount, message.lines])
  const sale = ledger.sales.get(message.sale) ?? {
    terminal: id,
    story,
    heard: [],
    charge: null,
    flagged: false,
    settling: null,
    refunded: 0,
  }
  if (sale.terminal !== id || sale.story !== story || sale.heard.includes(message.kind)) return 'conflict'

  const today = dayOf(nowMs)
  const reversed = sale.heard.includes('reversal')
  const card = ledger.cards.get(message.card)
  const payer = sale.charge?.payer ?? card?.wallet ?? ledger.suspense
  const wallet = there(ledger.accounts, payer)
  const { revenue } = there(ledger.terminals, id)
  const answered = (outcome: DebitResult['outcome'], reason?: DeclineReason): DebitResult => {
    sale.heard.push(message.kind)
    ledger.sales.set(message.sale, sale)
    return {
      sale: message.sale,
      seq: message.seq,
      outcome,
      ...(reason && { reason }),
      ...(payer !== ledger.suspense && { balance: wallet.balance }),
    }
  }

  if (message.kind === 'reversal') {
    if (sale.charge) {
      const rest = sale.charge.amount - sale.refunded
      if (rest > 0) move(ledger, revenue, payer, rest)
      if (sale.charge.day === today) wallet.spent = { day: today, amount: spentOn(wallet, today) - rest }
      const settled = ledger.movements.get(sale.settling ?? '')
      if (settled && rest > 0) move(ledger, settled.to, settled.from, rest)
      sale.flagged = false
    }
    return answered('reversed')
  }
  if (reversed) return answered('declined', 'reversed')
  if (sale.charge) return answered('approved')

  const believed = message.kind === 'advice' && nowMs - message.at < ADVICE_BELIEVED_MS
  const day = believed && dayOf(message.at) < today ? dayOf(message.at) : today
  const late = aside && message.kind === 'request' ? 'terminal_revoked' : undefined
  const categories = message.lines.map(({ product }) => ledger.categories.get(product ?? 0) ?? '')
  const closed = categories.some((category) => wallet.closed.has(category))
  const reason = late ?? unread ?? doubt(card && { ...wallet, status: card.status }, { ...message, closed }, day, today)
  if (reason && message.kind === 'request') return answered('declined', reason)
  move(ledger, payer, revenue, message.amount)
  sale.charge = { payer, amount: message.amount, day }
  sale.flagged = reason !== undefined
  if (day === today) wallet.spent = { day, amount: spentOn(wallet, today) + message.amount }
  return answered('approved', reason)
}

/** Why this amount should not be charged to a card on a day; `closed` says that the account may not buy something of it. */
function doubt(
  card: (AccountModel & { status: string }) | undefined,
  { amount, closed }: { amount: number; closed: boolean },
  day: string,
  today: string,
): DeclineReason | undefined {
  if (!card) return 'card_unknown'
  if (card.status !== 'active') return 'card_blocked'
  if (closed) return 'category_closed'
  if (card.floor !== null && card.balance - amount < card.floor) return 'insufficient_funds'
  if (day === today && card.dailyLimit !== null && spentOn(card, today) + amount > card.dailyLimit) return 'daily_limit'
  return undefined
}
