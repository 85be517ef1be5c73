import { env, SELF } from 'cloudflare:test'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { CardToken, DebitMessage } from '../../shared/debit.ts'
import { ore } from '../../shared/money.ts'
import { digest } from '../../shared/signing.ts'
import { setClosed } from '../../worker/cards/closed-categories.ts'
import { cancelOrder, handOut } from '../../worker/cards/order-desk.ts'
import { approvalsExpired, approve, refuseReplacement, replace } from '../../worker/cards/same-day.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { type Booking, book, type SignedMessage } from '../../worker/ledger/debits.ts'
import { type Condition, post, postAsFarAsThere, postBack } from '../../worker/ledger/transfers.ts'
import { setUp } from '../../worker/municipality/setup.ts'
import { refundSale } from '../../worker/sales/sale-refunds.ts'
import { putAside } from '../../worker/terminals/quarantine.ts'
import { openReviews, settle } from '../../worker/terminals/review.ts'
import {
  bookAsideToo,
  dayOf,
  emptyLedger,
  hear,
  type LedgerModel,
  moveOnce,
  putAsideToo,
  refundToo,
  settleToo,
  spentOn,
  takeAsFarAsThere,
  takeBack,
} from './ledger-model.ts'
import { call, emptyDatabases, type Key, newKey, newSale, signed } from './municipality.ts'
import * as meant from './replacement-model.ts'

/*
 * Random histories of a small municipality (two sites, three terminals, two wallets whose guardian closes and opens kinds
 * of products, four cards of which one is given out late, one card that nobody knows, and cards that replace lost ones
 * for a fee) are told to the model and to the ledger. After every step both must have answered alike and hold the same,
 * and in the end no invariant may be broken. A failure prints fast-check's seed and path.
 */

// ── What may happen ─────────────────────────────────────────────────────────

/** Many times what it takes alone: the other tests want the machine too. */
const PATIENCE_MS = 900_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** The evening before summer time begins in Copenhagen: the night that follows has 23 hours. */
const START_MS = Date.UTC(2026, 2, 28, 19, 30)

const AMOUNTS = [500, 1000, 1500, 2500]
const CARDS = ['first', 'second', 'sibling', 'late', 'stranger'] as const
type CardName = (typeof CARDS)[number]

/** Of each kind a product, one that is known by no category, and an amount that staff keyed in. */
const CATEGORIES = new Map([
  [1, 'food'],
  [2, 'sweets'],
] as const)
const PRODUCTS = [1, 1, 2, 2, 9, null] as const

/** Where a message departs from what a sound terminal would send. */
const FAULTS = ['gap', 'prev', 'bytes', 'amount', 'lines', 'card', 'foreign sale', 'again'] as const

const TOKENS = ['unseen', 'unseen', 'unread', 'newest', 'newest', 'newest', 'last', 'last', 'old', 'strange'] as const

const utterance = fc.record({
  kind: fc.constantFrom<DebitMessage['kind'][]>('request', 'request', 'advice', 'advice', 'reversal'),
  /** Which of the terminal's own newest sales it is about; null for a new one. */
  sale: fc.option(fc.nat({ max: 3 }), { freq: 2 }),
  card: fc.constantFrom<CardName[]>('first', 'first', 'first', 'second', 'sibling', 'sibling', 'late', 'stranger'),
  amount: fc.constantFrom(...AMOUNTS),
  product: fc.constantFrom(...PRODUCTS),
  soldHoursAgo: fc.constantFrom(0, 0, 0, 0, 1, 5, 26, 26, -26, 719, 720, 400_000),
  /** What of its tokens the card shows: by how many before the newest, or none; most are not looked at. */
  token: fc.constantFrom(...TOKENS),
})

/** What happens to the replacements of a wallet's cards, one after the other. */
type Deed = 'begin' | 'pay in' | 'approve' | 'refuse' | 'cancel' | 'week' | 'cron' | 'hand out'
const deeds = fc.constantFrom<Deed[]>(
  ['begin', 'begin', 'approve'],
  ['begin', 'hand out', 'cancel'],
  ['begin', 'refuse', 'cancel', 'approve'],
  ['begin', 'week', 'approve', 'cron'],
  ['pay in', 'begin', 'approve', 'week', 'cron', 'refuse'],
  ['pay in', 'begin', 'approve', 'cancel'],
  ['pay in', 'begin', 'approve', 'hand out', 'hand out'],
  ['pay in', 'begin', 'approve', 'hand out', 'cancel'],
  ['pay in', 'approve', 'hand out'],
  ['cron'],
)

const step = fc.oneof(
  {
    weight: 25,
    arbitrary: fc.record({
      do: fc.constant('replace' as const),
      wallet: fc.nat({ max: 1 }),
      deeds,
      /** Which card is lost: the wallet's own that is not closed, one of the other's, or none is named. */
      lost: fc.constantFrom('own', 'own', 'own', 'own', 'foreign', 'unnamed'),
      fee: fc.constantFrom(0, 1500, 2500, 4500, 4500),
      /** The id of the newest replacement again, whosever it is. */
      again: fc.constantFrom(false, false, true),
      /** The card that is handed out: one that nobody knows, or one that is or may be somebody's. */
      blank: fc.constantFrom('new', 'new', 'late', 'first', 'first'),
      /** Everything is asked for so often. */
      times: fc.constantFrom(1, 1, 2),
    }),
  },
  {
    weight: 70,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      terminal: fc.nat({ max: 2 }),
      /** How many messages that are booked already go along once more. */
      repeats: fc.constantFrom(0, 0, 1, 3),
      utterances: fc.array(utterance, { minLength: 1, maxLength: 3, size: 'max' }),
      fault: fc.option(fc.record({ kind: fc.constantFrom(...FAULTS), at: fc.nat({ max: 2 }) }), { freq: 5 }),
    }),
  },
  {
    weight: 15,
    arbitrary: fc.record({
      do: fc.constant('straggler' as const),
      terminal: fc.nat({ max: 2 }),
      from: fc.nat({ max: 20 }),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 25,
    arbitrary: fc.record({
      do: fc.constantFrom('deposit' as const, 'deposit' as const, 'withdraw' as const),
      wallet: fc.nat({ max: 1 }),
      amount: fc.constantFrom(...AMOUNTS),
      again: fc.boolean(),
    }),
  },
  {
    weight: 15,
    arbitrary: fc.record({
      do: fc.constantFrom('refund' as const, 'refund' as const, 'return' as const),
      wallet: fc.nat({ max: 1 }),
      amount: fc.constantFrom(...AMOUNTS),
      again: fc.boolean(),
      /** Whether the condition that goes along holds. */
      may: fc.constantFrom(true, true, true, false),
      /** Which of the movements so far is taken back. */
      of: fc.nat({ max: 30 }),
    }),
  },
  {
    weight: 15,
    arbitrary: fc.record({
      do: fc.constant('status' as const),
      card: fc.constantFrom<CardName[]>('first', 'first', 'sibling'),
      status: fc.constantFrom('active' as const, 'active' as const, 'blocked' as const, 'closed' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('hand out' as const) }) },
  {
    weight: 15,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      wallet: fc.nat({ max: 1 }),
      limit: fc.constantFrom(null, 1500, 1500, 2500, 3000),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('close' as const),
      wallet: fc.nat({ max: 1 }),
      category: fc.constantFrom('food' as const, 'sweets' as const, 'sweets' as const),
      closed: fc.boolean(),
    }),
  },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('revoke' as const), terminal: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), terminal: fc.nat({ max: 2 }) }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('renew' as const), terminal: fc.nat({ max: 2 }) }) },
  { weight: 28, arbitrary: fc.record({ do: fc.constant('book aside' as const), terminal: fc.nat({ max: 2 }) }) },
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      /** Which of the sales that wait for a decision, and the wallet that is charged for an unknown card's. */
      which: fc.nat({ max: 5 }),
      wallet: fc.nat({ max: 1 }),
      decision: fc.constantFrom('keep' as const, 'carry' as const, 'carry' as const, 'charge' as const),
    }),
  },
  {
    weight: 25,
    arbitrary: fc.record({
      do: fc.constant('refund sale' as const),
      /** Which of the sales that were charged, from the newest; what of it, or all that is left; the last id again. */
      which: fc.nat({ max: 5 }),
      amount: fc.constantFrom(500, 500, 1000, 'rest' as const),
      again: fc.constantFrom(false, false, false, true),
      /** Whether its till undoes it then. */
      undone: fc.boolean(),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const history = fc.record({
  paidIn: fc.tuple(fc.constantFrom(0, 2500, 5000), fc.constantFrom(0, 2500, 5000)),
  limit: fc.constantFrom(null, 1500, 1500, 3000),
  /** What is closed for the first wallet from the start. */
  closed: fc.constantFrom(null, 'food' as const, 'sweets' as const, 'sweets' as const),
  steps: fc.array(step, { minLength: 8, maxLength: 20, size: 'max' }),
})
type History = typeof history extends fc.Arbitrary<infer H> ? H : never

// ── The municipality it happens in ──────────────────────────────────────────

const db = env.DB_4000
const TERMINALS = ['4000-1', '4000-2', '4000-3'] as const
const WALLETS = [101, 102] as const
const PSP_CLEARING = 1
const CARD_FEE_REVENUE = 4
const SUSPENSE = 6
const CARD_HASHES = {} as Record<CardName, string>
const keys = new Map<string, Key>()

async function found({ paidIn, limit, closed }: History): Promise<LedgerModel> {
  await emptyDatabases()
  await setUp(db, { number: 4000, name: 'Roskilde', staff: 'Astrid', token: 'unused' }, START_MS)
  await db.batch([
    db.prepare("INSERT INTO site (id, name, created_at) VALUES (1, 'Klub', 0), (2, 'Kantine', 0)"),
    db.prepare("INSERT INTO account (id, kind, site) VALUES (201, 'revenue', 1), (202, 'revenue', 2)"),
    db.prepare("INSERT INTO child (id, name, created_at) VALUES (1, 'Ida', 0), (2, 'Emil', 0)"),
    db.prepare(
      `INSERT INTO guardian (id, issuer, subject, cpr_hash, language, created_at, logged_in_at)
       VALUES (1, 'broker', 'one', 'cpr', 'da', 0, 0)`,
    ),
    db.prepare("INSERT INTO guardianship (child, cpr_hash, created_at) VALUES (1, 'cpr', 0), (2, 'cpr', 0)"),
    ...[...CATEGORIES].map(([id, category]) =>
      db
        .prepare('INSERT INTO product (id, site, name, price, category, created_at) VALUES (?1, 1, ?2, 500, ?2, 0)')
        .bind(id, category),
    ),
    db.prepare("INSERT INTO account (id, kind, floor, child, daily_limit) VALUES (101, 'wallet', 0, 1, ?)").bind(limit),
    db.prepare("INSERT INTO account (id, kind, floor, child) VALUES (102, 'wallet', 0, 2)"),
    db
      .prepare(
        `INSERT INTO card (id, hash, account, status, version, created_at)
         VALUES (1, ?1, 101, 'active', 1, 0), (2, ?2, 101, 'active', 2, 0), (3, ?3, 102, 'active', 3, 0)`,
      )
      .bind(CARD_HASHES.first, CARD_HASHES.second, CARD_HASHES.sibling),
    ...TERMINALS.map((id, index) =>
      db
        .prepare('INSERT INTO terminal (id, site, name, public_key, created_at, enrolled_at) VALUES (?, ?, ?, ?, 0, 0)')
        .bind(id, index === 2 ? 2 : 1, `Terminal ${index + 1}`, keys.get(id)?.publicKey),
    ),
  ])
  const model = emptyLedger(SUSPENSE)
  const nothing = {
    balance: 0,
    floor: null,
    dailyLimit: null,
    spent: { day: '', amount: 0 },
    closed: new Set<string>(),
  }
  for (const id of [PSP_CLEARING, 2, 3, 4, 5, SUSPENSE, 201, 202]) model.accounts.set(id, structuredClone(nothing))
  model.accounts.set(101, { ...structuredClone(nothing), floor: 0, dailyLimit: limit })
  model.accounts.set(102, { ...structuredClone(nothing), floor: 0 })
  for (const [card, wallet] of [
    ['first', 101],
    ['second', 101],
    ['sibling', 102],
  ] as const) {
    model.cards.set(CARD_HASHES[card], { wallet, status: 'active', tokens: [], missing: 0 })
  }
  model.categories = new Map(CATEGORIES)
  for (const [index, id] of TERMINALS.entries()) {
    model.terminals.set(id, { revenue: index === 2 ? 202 : 201, barred: null, booked: [], aside: [], branch: 0 })
  }
  if (closed) {
    model.accounts.get(101)?.closed.add(closed)
    await setClosed(db, 101, { category: closed, closed: true }, 1, START_MS)
  }
  for (const [index, amount] of paidIn.entries()) {
    if (amount > 0)
      await movement(model, `deposit:paid-in-${index}`, PSP_CLEARING, WALLETS[index] ?? 0, amount, START_MS)
  }
  return model
}

async function movement(model: LedgerModel, id: string, from: number, to: number, amount: number, nowMs: number) {
  const who = { kind: 'correction', staff: null, reason: null } as const
  await db.batch(post(db, { ...who, id, debitAccount: from, creditAccount: to, amount: ore(amount) }, nowMs))
  moveOnce(model, id, from, to, amount)
}

/** A condition whose parameters come after a movement's. */
const condition = (holds: boolean): Condition => ({ sql: '?10 = ?11', bind: [1, holds ? 1 : 2] })

// ── Telling it ──────────────────────────────────────────────────────────────

/** Hands a terminal's call to the ledger, one way or another. */
type Deliver = (terminal: string, messages: readonly SignedMessage[], nowMs: number) => Promise<Booking>

const seen = new Map<string, number>()
const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

async function live(
  past: History,
  sealed: (terminal: string, message: DebitMessage) => Promise<string>,
  deliver: Deliver,
  { tokens: withTokens }: { tokens: boolean },
) {
  let model = await found(past)
  let nowMs = START_MS
  let sales = 0
  let movements = 0
  let replaced = 0
  const orders: meant.ReplacementModel[] = []
  let sealedCount = 0
  let refunded: { sale: string; amount: number; id: string } | undefined
  const booked = new Map<string, SignedMessage[]>(TERMINALS.map((id) => [id, []]))
  const journalOf = (id: string) => booked.get(id) ?? []
  const seal = async (id: string, message: DebitMessage): Promise<SignedMessage> => {
    const jws = await sealed(id, message)
    sealedCount += 1
    return { message, jws, hash: await digest(jws), nextToken: `A${String(sealedCount).padStart(9, '0')}A` }
  }

  /** What a card shows. */
  function shownToken(card: string, which: (typeof TOKENS)[number]): CardToken | null | undefined {
    const tokens = model.cards.get(card)?.tokens ?? []
    const at = (index: number) => {
      const token = tokens.at(index)
      return token ? { counter: token.counter, value: token.value } : null
    }
    switch (which) {
      case 'unseen':
        return undefined
      case 'unread':
        return null
      case 'newest':
        return at(-1)
      case 'last':
        return at(-2)
      case 'old':
        return at(-4)
      case 'strange':
        return { counter: tokens.length, value: 'BBBBBBBBBBA' }
    }
  }

  /** The messages of a call as a terminal would write them, apart from the fault. */
  async function written(step: Extract<Step, { do: 'call' }>): Promise<SignedMessage[]> {
    const id = TERMINALS[step.terminal] ?? '4000-1'
    const journal = journalOf(id)
    const fault = model.terminals.get(id)?.barred ? null : step.fault
    const messages = journal.slice(Math.max(0, journal.length - step.repeats))
    const sent = [...journal]
    if (fault?.kind === 'bytes' && journal.length > 0) {
      const last = sent.pop() as SignedMessage
      messages.pop()
      const changed = await seal(id, { ...last.message, at: last.message.at + 1 })
      messages.push(changed)
      sent.push(changed)
    }
    for (const [index, said] of step.utterances.entries()) {
      const wrong = fault && fault.at % step.utterances.length === index ? fault.kind : null
      const before = sent.at(-1)
      const ownSales = [...new Map(sent.map(({ message }) => [message.sale, message])).values()].reverse()
      let story = said.sale === null ? undefined : ownSales[said.sale % Math.max(1, ownSales.length)]
      if (wrong === 'foreign sale') story = journalOf(TERMINALS[(step.terminal + 1) % 3] ?? '').at(-1)?.message ?? story
      let kind = said.kind
      if (story) {
        const { sale } = story
        const told = new Set(sent.filter(({ message }) => message.sale === sale).map(({ message }) => message.kind))
        const untold = (['request', 'advice', 'reversal'] as const).filter((each) => !told.has(each))
        if (wrong === 'again') kind = [...told].at(-1) ?? kind
        else if (untold.length === 0) story = undefined
        else if (told.has(kind)) kind = untold[said.amount % untold.length] ?? kind
      }
      const amount = (story?.amount ?? said.amount) + (wrong === 'amount' ? 100 : 0)
      const halved = story ? story.lines.length === 2 : said.soldHoursAgo === 5
      const product = story ? (story.lines.at(-1)?.product ?? null) : said.product
      const lines =
        halved !== (wrong === 'lines')
          ? [
              { product: null, quantity: 2, price: 100 },
              { product, quantity: 1, price: amount - 200 },
            ]
          : [{ product, quantity: 1, price: amount }]
      if (!story) sales += 1
      const seq = (before?.message.seq ?? 0) + (wrong === 'gap' ? 2 : 1)
      const message: DebitMessage = {
        v: 1,
        kind,
        sale: story?.sale ?? `00000000-0000-7000-8000-${String(sales).padStart(12, '0')}`,
        seq,
        prev: seq > 1 && (!before || wrong === 'prev') ? await digest('another message') : (before?.hash ?? ''),
        card: wrong === 'card' ? CARD_HASHES.second : (story?.card ?? CARD_HASHES[said.card]),
        amount,
        lines,
        at: Math.max(0, nowMs - said.soldHoursAgo * HOUR_MS),
      }
      const token = withTokens ? shownToken(message.card, said.token) : undefined
      if (token !== undefined) message.token = token
      const next = await seal(id, message)
      messages.push(next)
      sent.push(next)
    }
    return messages
  }

  async function say(terminal: number, messages: readonly SignedMessage[]) {
    const id = TERMINALS[terminal] ?? '4000-1'
    const { booking, after } = hear(model, id, messages, nowMs)
    const got = await deliver(id, messages, nowMs)
    if (booking.kind === 'terminal_revoked' || booking.kind === 'terminal_stopped') {
      expect(got.kind).toMatch(/^terminal_(revoked|stopped)$/) // Over HTTP the two are answered alike.
      putAsideToo(model, id, messages)
    } else {
      expect(got).toEqual(booking)
    }
    model = after
    note(booking.kind)
    if (booking.kind !== 'booked') return
    for (const { outcome, reason, token, sale } of booking.results) {
      note(`${outcome} ${reason ?? ''}`.trim())
      if (outcome === 'reversed' && model.sales.get(sale)?.refunded) note('reversed after a refund')
      if (token) note('token')
    }
    const journal = journalOf(id)
    journal.push(...messages.filter(({ message }) => message.seq > journal.length))
  }

  /** The till undoes a sale, where it may speak of it. */
  async function undo(terminal: string, sale: string) {
    const journal = journalOf(terminal)
    const told = journal.findLast(({ message }) => message.sale === sale)?.message
    const before = journal.at(-1)
    if (!told || !before || model.sales.get(sale)?.heard.includes('reversal')) return
    const { token, ...content } = told
    const next = { ...content, kind: 'reversal' as const, seq: before.message.seq + 1, prev: before.hash }
    await say(TERMINALS.indexOf(terminal as never), [await seal(terminal, next)])
  }

  /** One of the things that happen to the replacements of a wallet's cards; what came of it, in a word. */
  async function deal(deed: Deed, step: Extract<Step, { do: 'replace' }>): Promise<string | undefined> {
    const wallet = WALLETS[step.wallet] ?? 101
    const order = orders.findLast((one) => one.wallet === wallet)
    const staff = { id: 1, sites: null }
    const deciding = { id: order?.id ?? '', account: wallet, guardian: 1 }
    switch (deed) {
      case 'begin': {
        const from = step.lost === 'own' ? wallet : WALLETS[1 - step.wallet]
        const open = [...model.cards].find(([, card]) => card.wallet === from && card.status !== 'closed')
        const lost = step.lost === 'unnamed' ? null : (open?.[0] ?? null)
        const lostCard = await db.prepare('SELECT id FROM card WHERE hash = ?').bind(lost).first<number>('id')
        const id = (step.again && orders.at(-1)?.id) || newSale()
        await db.prepare('UPDATE municipality SET card_fee = ?').bind(step.fee).run()
        const begun = await replace(db, { id, child: step.wallet + 1, lostCard, site: 1 }, staff, nowMs)
        const expected = meant.begin(model, orders, { id, wallet, lost, fee: step.fee }, nowMs)
        expect(typeof begun === 'string' ? begun : 'begun').toBe(expected)
        return expected
      }
      case 'pay in':
        movements += 1
        return void (await movement(model, `deposit:${movements}`, PSP_CLEARING, wallet, 4500, nowMs))
      case 'approve': {
        if (!order) return
        const expected = meant.approve(model, order, CARD_FEE_REVENUE, nowMs)
        expect(await approve(db, deciding, nowMs)).toBe(expected)
        return expected
      }
      case 'refuse': {
        if (!order) return
        const expected = meant.refuse(order, nowMs)
        expect(await refuseReplacement(db, deciding, nowMs)).toBe(expected)
        return expected
      }
      case 'cancel': {
        if (!order) return
        const paid = order.status === 'ordered'
        const expected = meant.cancel(model, order, CARD_FEE_REVENUE)
        const answer = await cancelOrder(db, order.id, staff, nowMs)
        expect(typeof answer === 'string' ? answer : answer.status).toBe(expected)
        return paid ? 'cancelled when approved' : expected
      }
      case 'hand out': {
        if (!order) return
        if (step.blank === 'new') replaced += 1
        const card = step.blank === 'new' ? await digest(`blank ${replaced}`) : CARD_HASHES[step.blank]
        const expected = meant.handOut(model, order, card)
        const answer = await handOut(db, order.id, card, staff, nowMs)
        expect(typeof answer === 'string' ? answer : answer.status).toBe(expected)
        return expected
      }
      case 'week':
        nowMs += 7 * 24 * HOUR_MS
        return
      case 'cron':
        await db.batch(approvalsExpired(db, nowMs))
        return meant.expire(orders, nowMs) > 0 ? 'expired' : undefined
    }
  }

  async function take(step: Step) {
    switch (step.do) {
      case 'replace':
        for (const deed of step.deeds) {
          for (let time = 0; time < step.times; time += 1) {
            const came = await deal(deed, step)
            if (came) note(`replacement: ${came}`)
          }
        }
        return
      case 'call':
        nowMs += MINUTE_MS
        return say(step.terminal, await written(step))
      case 'straggler': {
        const journal = journalOf(TERMINALS[step.terminal] ?? '')
        const from = step.from % Math.max(1, journal.length)
        const late = journal.slice(from, from + step.count)
        return late.length ? say(step.terminal, late) : undefined
      }
      case 'deposit':
      case 'withdraw': {
        if (!step.again) movements += 1
        const number = movements
        const wallet = WALLETS[step.wallet] ?? 0
        return step.do === 'deposit'
          ? movement(model, `deposit:${number}`, PSP_CLEARING, wallet, step.amount, nowMs)
          : movement(model, `correction:${number}`, wallet, SUSPENSE, step.amount, nowMs)
      }
      case 'refund': {
        if (!step.again) movements += 1
        const [id, wallet] = [`refund:${movements}`, WALLETS[step.wallet] ?? 0]
        const money = { id, kind: 'refund', debitAccount: wallet, creditAccount: 'psp_clearing' } as const
        const refund = { ...money, amount: ore(step.amount), staff: null, reason: null }
        await db.batch(postAsFarAsThere(db, refund, nowMs, condition(step.may)))
        return step.may ? takeAsFarAsThere(model, id, wallet, PSP_CLEARING, step.amount) : undefined
      }
      case 'return': {
        const known = [...model.movements.keys()]
        const of = known[step.of % Math.max(1, known.length)] ?? 'nothing'
        const back = { id: `back:${of}`, kind: 'refund_return', of, staff: null, reason: null } as const
        await db.batch(postBack(db, back, nowMs, condition(step.may)))
        return step.may ? takeBack(model, back.id, of) : undefined
      }
      case 'status': {
        const card = model.cards.get(CARD_HASHES[step.card])
        if (card && card.status !== 'closed') card.status = step.status // A card that is closed is so for good.
        return db
          .prepare("UPDATE card SET status = ? WHERE hash = ? AND status <> 'closed'")
          .bind(step.status, CARD_HASHES[step.card])
          .run()
      }
      case 'hand out':
        if (!model.cards.has(CARD_HASHES.late)) {
          model.cards.set(CARD_HASHES.late, { wallet: 102, status: 'active', tokens: [], missing: 0 })
        }
        return db
          .prepare(
            `INSERT INTO card (hash, account, status, version, created_at) VALUES (?, 102, 'active', (SELECT max(version) + 1 FROM card), 0)
             ON CONFLICT DO NOTHING`,
          )
          .bind(CARD_HASHES.late)
          .run()
      case 'limit': {
        const wallet = model.accounts.get(WALLETS[step.wallet] ?? 0)
        if (wallet) wallet.dailyLimit = step.limit
        return db
          .prepare('UPDATE account SET daily_limit = ? WHERE id = ?')
          .bind(step.limit, WALLETS[step.wallet])
          .run()
      }
      case 'close': {
        const account = WALLETS[step.wallet] ?? 0
        model.accounts.get(account)?.closed[step.closed ? 'add' : 'delete'](step.category)
        return expect(await setClosed(db, account, step, 1, nowMs)).toBe('set')
      }
      case 'wait':
        nowMs += step.hours * HOUR_MS
        return
      case 'revoke': {
        const id = TERMINALS[step.terminal] ?? ''
        const terminal = model.terminals.get(id)
        if (terminal) terminal.barred = 'terminal_revoked'
        return db.prepare('UPDATE terminal SET revoked_at = ? WHERE id = ?').bind(nowMs, id).run()
      }
      case 'stop':
      case 'renew': {
        const id = TERMINALS[step.terminal] ?? ''
        const terminal = model.terminals.get(id)
        if (terminal?.barred === 'terminal_revoked') return
        if (terminal) terminal.barred = step.do === 'stop' ? 'terminal_stopped' : null
        const stoppedAt = step.do === 'stop' ? nowMs : null
        return db.prepare('UPDATE terminal SET stopped_at = ? WHERE id = ?').bind(stoppedAt, id).run()
      }
      case 'book aside': {
        const id = TERMINALS[step.terminal] ?? ''
        const held = model.terminals.get(id)?.aside.length ?? 0
        const settled = await settle(db, `quarantine:${id}`, { decision: 'book', note: 'Prøve' }, 1, nowMs)
        const done = bookAsideToo(model, id, nowMs)
        if (settled === 'review_unknown') return expect(held).toBe(0)
        expect(settled).toMatchObject({ done, left: held - done, more: false })
        if (done > 0) note('booked aside')
        return
      }
      case 'refund sale': {
        const sold = [...model.sales].filter(([, { charge }]) => charge !== null).reverse()
        const [sale, story] = sold[step.which % Math.max(1, sold.length)] ?? []
        if (!sale || !story?.charge) return
        const left = story.charge.amount - story.refunded
        const amount = step.amount === 'rest' ? Math.max(left, 100) : step.amount
        const told = step.again && refunded ? refunded : { sale, amount, id: newSale() }
        const before = model.transfers
        const call = { id: told.id, amount: told.amount, reason: 'Prøve' }
        const answer = await refundSale(
          db,
          told.sale,
          call,
          { id: 1, name: 'Astrid', role: 'admin', sites: null, expiresAt: 9e12 },
          nowMs,
        )
        const came = refundToo(model, `sale_refund:${told.id}`, told.sale, told.amount, nowMs)
        if (told === refunded) expect([answer, model.transfers]).toEqual([expect.any(Object), before])
        else expect(typeof answer === 'string').toBe(came === 'refused')
        if (typeof answer !== 'string') refunded = told
        note(came)
        return step.undone ? undo(story.terminal, told.sale) : undefined
      }
      case 'settle': {
        const { items } = await openReviews(db, 0, 1, nowMs)
        const waiting = items.filter(({ kind }) => kind === 'advice')
        expect(waiting.length).toBe([...model.sales.values()].filter(({ flagged }) => flagged).length)
        const item = waiting[step.which % Math.max(1, waiting.length)]
        if (!item) return
        const wallet = WALLETS[step.wallet] ?? 0
        const [terminal, seq] = item.id.split(':')
        const sale = await db
          .prepare('SELECT sale FROM message WHERE terminal = ? AND seq = ?')
          .bind(terminal, Number(seq))
          .first<string>('sale')
        const { decision } = step
        const charge = decision === 'charge' ? { account: wallet } : {}
        await settle(db, item.id, { decision, note: 'Prøve', ...charge }, 1, nowMs)
        const found = { subject: item.id, sale: sale ?? '' }
        settleToo(model, found, decision === 'charge' ? { kind: decision, wallet } : { kind: decision })
        note('settled')
        return
      }
    }
  }

  /** Holds what the accounts, the alarms and the cards are by now against the model. */
  async function compare() {
    const today = dayOf(nowMs)
    const [accounts, alarms, cards, ordered] = await db.batch<{
      id: 101
      balance: number
      day: string
      spent: number
      alarm: string
      hash: string
      status: string
      order: string
    }>([
      db.prepare(
        `SELECT account.id, coalesce(balance, 0) AS balance, coalesce(day, '') AS day, coalesce(spent, 0) AS spent
         FROM account LEFT JOIN posting ON posting.account = account.id
           AND seq = (SELECT max(seq) FROM posting WHERE posting.account = account.id)`,
      ),
      db.prepare("SELECT terminal || '/' || seq || '/' || hash AS alarm FROM alarm"),
      db.prepare('SELECT hash, status FROM card'),
      db.prepare('SELECT id AS "order", status FROM card_order'),
    ])
    const held = new Map(
      accounts?.results.map(({ id, balance, day, spent }) => [
        id as number,
        { balance, ...(WALLETS.includes(id) && { spent: day === today ? spent : 0 }) },
      ]),
    )
    const expected = new Map(
      [...model.accounts].map(([id, account]) => [
        id,
        { balance: account.balance, ...(WALLETS.includes(id as never) && { spent: spentOn(account, today) }) },
      ]),
    )
    expect(held).toEqual(expected)
    expect(new Set(alarms?.results.map(({ alarm }) => alarm))).toEqual(model.alarms)
    expect(new Map(cards?.results.map(({ hash, status }) => [hash, status]))).toEqual(
      new Map([...model.cards].map(([hash, { status }]) => [hash, status])),
    )
    expect(new Map(ordered?.results.map(({ order, status }) => [order, status]))).toEqual(
      new Map(orders.map(({ id, status }) => [id, status])),
    )
  }

  await compare()
  for (const step of past.steps) {
    await take(step)
    await compare()
  }
  // No row is ever changed or removed, so what broke an invariant on the way is still there.
  expect(await checkLedger(db)).toEqual({
    transfers: model.transfers,
    postings: 2 * model.transfers,
    messages: [...model.terminals.values()].reduce((sum, { booked, branch }) => sum + booked.length + branch, 0),
    violations: [],
  })
}

beforeEach(async () => {
  seen.clear()
  for (const card of CARDS) CARD_HASHES[card] = await digest(card)
  for (const id of TERMINALS) keys.set(id, keys.get(id) ?? (await newKey()))
})
afterEach(() => {
  vi.useRealTimers()
})

it(`the ledger answers and holds what the model does, over ${env.HISTORIES} random histories`, {
  timeout: PATIENCE_MS,
}, async () => {
  const deliver: Deliver = async (terminal, messages, nowMs) => {
    const booking = await book(db, { terminal, publicKey: keys.get(terminal)?.publicKey ?? '' }, messages, nowMs)
    const barred = booking.kind === 'terminal_revoked' || booking.kind === 'terminal_stopped'
    if (barred) expect(await putAside(db, terminal, messages, 'stopped', nowMs)).not.toBeNull()
    return booking
  }
  const sealed = async (_terminal: string, message: DebitMessage) => JSON.stringify(message)
  const property = fc.asyncProperty(history, (past) => live(past, sealed, deliver, { tokens: true }))
  await fc.assert(property, { numRuns: env.HISTORIES })
  // The histories are worth something only if they come by every answer that the ledger has, the rare ones too.
  const often = env.HISTORIES / 25
  const enough = (answer: string) => (seen.get(answer) ?? 0) > often
  const more = { numRuns: env.HISTORIES / 5 }
  for (let tries = 0; tries < 5 && !EVERY_ANSWER.every(enough); tries += 1) await fc.assert(property, more)
  for (const answer of EVERY_ANSWER) expect(seen.get(answer) ?? 0, answer).toBeGreaterThan(often)
})

const EVERY_ANSWER = [
  'booked',
  'seq_gap',
  'conflict',
  'terminal_revoked',
  'terminal_stopped',
  'booked aside',
  'settled',
  'refunded',
  'refused',
  'reversed after a refund',
  'token',
  'reversed',
  'approved',
  'approved card_unknown',
  'approved card_blocked',
  'approved insufficient_funds',
  'approved daily_limit',
  'approved category_closed',
  'declined card_unknown',
  'declined card_blocked',
  'declined insufficient_funds',
  'declined daily_limit',
  'declined category_closed',
  'declined reversed',
  ...['begun', 'id_taken', 'order_under_way', 'card_unknown', 'approved', 'insufficient_funds', 'too_late', 'refused']
    .concat(['cancelled', 'cancelled when approved', 'expired', 'handed_out', 'order_unapproved', 'order_ended'])
    .concat(['card_taken'])
    .map((came) => `replacement: ${came}`),
]

it('signed messages over HTTP come to the same, over 20 random histories', { timeout: PATIENCE_MS }, async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  const sealed = (terminal: string, message: DebitMessage) =>
    signed(keys.get(terminal) as Key, 'klubkort-debit', terminal, message)
  const deliver: Deliver = async (_terminal, messages, nowMs) => {
    vi.setSystemTime(nowMs)
    const { body } = await call('POST', '/api/terminal/messages', {
      body: { messages: messages.map(({ jws }) => jws) },
      door: SELF,
    })
    const named = Number(/\d+/.exec(body.error?.message ?? '')?.[0])
    switch (body.error?.code) {
      case undefined:
        if (body.quarantined === true) return { kind: 'terminal_stopped' }
        expect(body.time).toBe(nowMs)
        return { kind: 'booked', results: body.results as never, low: [] }
      case 'seq_gap':
        return { kind: 'seq_gap', expected: named }
      case 'message_conflict':
        return { kind: 'conflict', seq: named }
      case 'terminal_revoked':
        return { kind: 'terminal_revoked' }
      default:
        throw new Error(`an unexpected refusal: ${JSON.stringify(body)}`)
    }
  }
  await fc.assert(
    fc.asyncProperty(history, (past) => live(past, sealed, deliver, { tokens: false })),
    { numRuns: 20 },
  )
})
