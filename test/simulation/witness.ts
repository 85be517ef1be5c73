import type { DebitMessage, DebitResult } from '../../shared/debit.ts'
import type { CardStatus, OfflineLimits, SyncAnswer } from '../../shared/wire.ts'
import type { Entry, Journal } from '../../terminal/journal.ts'
import type { View } from '../../terminal/screen/view.ts'
import type { Box } from './box.ts'
import type { Heard } from './network.ts'
import type { Town } from './town.ts'
import type { World } from './world.ts'

/** One card laid on one terminal, and what came of it. `purchase` is the same where it is laid on twice for one, null to undo. */
export type Laid = {
  purchase: number | null
  box: string
  child: number
  /** Its hash. */
  card: string
  at: number
  /** The sale that the till made of it; more than one would be a fault. */
  sales: string[]
  undo: boolean
}

/** What those who look on see of a box. */
export type Onlooker = {
  tell: (text: string) => void
  /** An approval stands on the display. `sale` is null where nobody can say whose it is. */
  approved: (box: Box, sale: string | null, view: View) => void
  declined: (box: Box, sale: string | null) => void
  /** Staff want a sale undone. */
  undoAsked: (box: Box, sale: string) => void
  undone: (box: Box, sale: string) => void
  /** A program has ended itself, and no disk had refused anything. */
  broke: (box: Box, error: unknown) => void
  /** A program has begun, with what was on the disk. */
  began: (box: Box, journal: Journal) => void
}

/** A line of the story, with what it is about. */
export type Line = { at: number; text: string }

/** A sale as those who look on saw it. */
export type Seen = {
  sale: string
  box: string
  laid: Laid | null
  approvedAt: number | null
  declinedAt: number | null
  undoAsked: boolean
  undoneAt: number | null
  amount: number
}

/** A sale that was made without an answer. */
type Exposed = { child: number; amount: number; delivered: boolean; beforeSync: boolean }

export type Failure = { figure: string; text: string; about: string[] }

export type Witness = ReturnType<typeof witness>

/** What a till was told of the cards. */
type CardList = {
  cards: Map<string, { status: CardStatus; closed: readonly string[]; toldAt: number }>
  version: number
  ageMaxMs: number
  at?: number
}

type SyncPage = Pick<SyncAnswer, 'more' | 'restart' | 'version' | 'cards' | 'limits'>

/** How long a message is kept at the least, once the worker has it. */
const KEPT_MS = 60 * 24 * 3_600_000
const LIST_AGE_GRACE_MS = 5_000

const AMOUNT = /(\d+),(\d\d) kr/

/**
 * Who sees every display and hears every cable, and holds at once against one another what cannot be so: a journal that
 * has lost what had left it, an answer that changes, a sale without an answer beyond the caps.
 */
export function witness(world: World, products: Town['products']) {
  const beginsAt = world.now()
  const story: Line[] = []
  const failures: Failure[] = []
  const seen = new Map<string, Seen>()
  const laidCards: Laid[] = []
  /** Everything that has left a terminal, by its number: it must be in the journal for ever after. */
  const sent = new Map<string, Map<number, string>>()
  /** The first answer to each message. */
  const answers = new Map<string, string>()
  const answeredAt = new Map<string, number>()
  /** Whether the worker has had a message for so long that the journal may have forgotten it. */
  const isOld = (box: string, seq: number) => world.now() - (answeredAt.get(`${box}/${seq}`) ?? world.now()) >= KEPT_MS
  const blockedAt = new Map<number, number>()
  /** Since when a category of products has been closed for a child. */
  const closedAt = new Map<string, number>()
  const counts = { sent: 0, flips: 0, acknowledgedLost: 0, withoutRow: 0 }
  const afterBlock: { ore: number; minutes: number; online: boolean }[] = []
  const forgotten = new Set<string>()
  /** What each box sold by itself and is still at risk, as the network saw it. */
  const exposures = new Map<string, Map<string, Exposed>>()
  const exposedOf = (box: string) => {
    const exposed = exposures.get(box) ?? new Map<string, Exposed>()
    exposures.set(box, exposed)
    return exposed
  }
  const offline = { sales: 0, capOre: 0, overCap: 0, onList: 0, closedOnList: 0, staleList: 0 }
  /** What each box was told of the cards and keeps, with when; `at` is when it had all of it, absent while it has not. */
  const lists = new Map<string, CardList>()
  const running = new Map<string, Box>()
  /** Sales that the worker had declined when the till had not decided yet. */
  const refused = new Set<string>()

  const tell = (text: string) => void story.push({ at: world.now() - beginsAt, text })
  const fail = (figure: string, text: string, ...about: string[]) => {
    failures.push({ figure, text, about })
    tell(`✗ ${figure}: ${text}`)
  }

  /** Holds a sale without an answer against the caps, by what was seen of the box rather than by its own count. */
  function expose(box: Box, sale: string, child: number, amount: number) {
    const site = box.look((journal) => journal.site())
    const advice = box.look((journal) => rowOf(journal, sale, 'advice'))
    if (!site || !advice) return
    const weak = site.tokenTypes.length > 0 && !payloadOf(advice.jws).token
    const limits = weak ? { ...site.limits, ...weakest(site.limits) } : site.limits
    const exposed = exposedOf(box.name)
    // The worker's answer to the advice may be here before the display has drawn the sale.
    exposed.set(sale, { child, amount, delivered: advice.outcome !== null, beforeSync: false })
    const sum = (of: Exposed[]) => of.reduce((total, each) => total + each.amount, 0)
    const standing = [...exposed.entries()].filter(([each]) => !seen.get(each)?.undoAsked).map(([, each]) => each)
    const unsent = sum(standing.filter(({ delivered }) => !delivered))
    const ofCard = sum(standing.filter((each) => each.child === child))
    offline.sales += 1
    offline.capOre = limits.unsentSumMax
    const count = box.look((journal) => journal.queue().count) ?? 0
    const few = count <= limits.unsentCountMax
    if (few && amount <= limits.saleMax && unsent <= limits.unsentSumMax && ofCard <= limits.cardSumMax) return
    offline.overCap += 1
    const sums = `${amount} øre, ${ofCard} on the card, ${unsent} unsent in ${count} messages`
    fail('over the caps', `${box.name} sold by itself beyond a cap: ${sums}`, box.name, sale)
  }

  /** Holds a sale without an answer against the list of cards that the till had when the card was laid on. */
  function holdToList(box: Box, { card, at }: Laid, categories: readonly string[]) {
    const list = lists.get(box.name)
    const known = list?.cards.get(card)
    if (known && categories.some((category) => known.closed.includes(category)) && known.toldAt < at) {
      offline.closedOnList += 1
      fail('closed on its list', `${box.name} sold by itself what its list says is closed for the card`, box.name)
    }
    if (known && known.status !== 'active' && known.toldAt < at) {
      offline.onList += 1
      fail('blocked on its list', `${box.name} sold by itself on a card that its list says is blocked`, box.name)
    }
    const age = list?.at === undefined ? 0 : at - list.at
    // A clock that is wrong while the power is off cannot tell how old the list is.
    if (list === undefined || age <= list.ageMaxMs + LIST_AGE_GRACE_MS || box.clockIsOffBy !== 0) return
    offline.staleList += 1
    fail('stale list', `${box.name} sold by itself with a list that is ${Math.round(age / 3_600_000)} h old`, box.name)
  }

  /** A page of a sync, which the till keeps as it is. */
  function listTold(from: string, page: SyncPage) {
    const list = page.restart ? undefined : lists.get(from)
    const cards = list?.cards ?? new Map()
    for (const { hash, status, closed = [] } of page.cards) cards.set(hash, { status, closed, toldAt: world.now() })
    const at = page.more ? list?.at : world.now()
    lists.set(from, {
      cards,
      version: page.version,
      ageMaxMs: page.limits.listAgeMaxMs,
      ...(at !== undefined && { at }),
    })
  }

  const heard: Heard = {
    tell,
    sent(from, path, body) {
      if (!path.endsWith('/messages') || body === undefined) return
      const { messages } = JSON.parse(body) as { messages: string[] }
      const known = sent.get(from) ?? new Map<number, string>()
      sent.set(from, known)
      for (const jws of messages) {
        const { seq } = payloadOf(jws)
        if (!known.has(seq)) counts.sent += 1
        known.set(seq, jws)
      }
    },
    arrived(from, path, status, text) {
      if (status !== 200) return
      const exposed = exposedOf(from)
      if (path.endsWith('/sync')) {
        const page = JSON.parse(text) as SyncPage
        listTold(from, page)
        if (page.more) return
        for (const advice of exposed.values()) advice.beforeSync = true
      } else if (path.endsWith('/messages')) {
        const { results } = JSON.parse(text) as { results: { sale: string; outcome: string }[] }
        for (const { sale, outcome } of results) {
          const advice = exposed.get(sale)
          if (advice && outcome === 'approved') advice.delivered = true
          if (advice && outcome === 'reversed') exposed.delete(sale)
          const undecided = running.get(from)?.look((journal) => !journal.has(sale, 'advice'))
          if (outcome === 'declined' && undecided) refused.add(sale)
        }
      }
      for (const [sale, { delivered, beforeSync }] of exposed) if (delivered && beforeSync) exposed.delete(sale)
    },
    answered(from, path, status, text) {
      if (!path.endsWith('/messages') || status !== 200 || forgotten.has(from)) return
      const { results } = JSON.parse(text) as { results: DebitResult[] }
      for (const { seq, outcome, reason, balance } of results) {
        const message = `${from}/${seq}`
        const told = `${outcome}${reason ? ` (${reason})` : ''}${balance === undefined ? '' : `, ${balance} øre left`}`
        const first = answers.get(message)
        if (first === undefined) {
          answers.set(message, told)
          answeredAt.set(message, world.now())
          tell(`the worker answers: message ${message} is ${told}`)
        } else if (first !== told) {
          counts.flips += 1
          fail('flips', `message ${message} was ${first} and is ${told} now`, from)
        }
      }
    },
  }

  function sightOf(box: Box, sale: string): Seen {
    const known = seen.get(sale)
    if (known) return known
    const laid = laidCards.find(({ sales }) => sales.includes(sale)) ?? null
    const fresh: Seen = {
      sale,
      box: box.name,
      laid,
      approvedAt: null,
      declinedAt: null,
      undoAsked: false,
      undoneAt: null,
      amount: 0,
    }
    seen.set(sale, fresh)
    return fresh
  }

  const onlooker: Onlooker = {
    tell,
    approved(box, sale, view) {
      if (sale === null) {
        counts.withoutRow += 1
        return fail('approved without a row', `${box.name} shows an approval that belongs to no sale`, box.name)
      }
      const sight = sightOf(box, sale)
      if (sight.approvedAt !== null) return
      const row = box.look((journal) => journal.has(sale, 'advice') || rowOf(journal, sale)?.outcome === 'approved')
      if (row === false) {
        counts.withoutRow += 1
        fail('approved without a row', `${box.name} shows a sale that its journal does not hold`, box.name, sale)
      }
      sight.approvedAt = world.now()
      if (refused.has(sale)) {
        counts.flips += 1
        fail('flips', `the worker had said no, and ${box.name} sells`, box.name, sale)
      }
      const amount = view.kind === 'answer' ? AMOUNT.exec(view.headline) : null
      sight.amount = amount ? Number(amount[1]) * 100 + Number(amount[2]) : 0
      const child = sight.laid?.child
      const lines = box.look((journal) => rowOf(journal, sale)?.lines) ?? []
      const categories = lines.flatMap((line) => products.find(({ id }) => id === line.product)?.category ?? [])
      if (child !== undefined && box.look((journal) => journal.has(sale, 'advice'))) {
        expose(box, sale, child, sight.amount)
        if (sight.laid) holdToList(box, sight.laid, categories)
      }
      const since = child === undefined ? undefined : blockedAt.get(child)
      const at = sight.laid?.at ?? world.now()
      const closed = categories.some((category) => (closedAt.get(`${child} ${category}`) ?? at) < at)
      if (closed && box.look((journal) => journal.has(sale, 'advice')) === false) {
        fail('accepted while closed, online', `${box.name} sold what is closed for child ${child}`, box.name, sale)
      }
      if (since !== undefined && at > since) {
        const online = box.look((journal) => journal.has(sale, 'advice')) === false
        afterBlock.push({ ore: sight.amount, minutes: (at - since) / 60_000, online })
        if (online) fail('accepted after block, online', `${box.name} sold on a blocked card`, box.name, sale)
      }
    },
    declined(box, sale) {
      if (sale !== null) sightOf(box, sale).declinedAt = world.now()
    },
    undoAsked(box, sale) {
      sightOf(box, sale).undoAsked = true
    },
    undone(box, sale) {
      // What nobody could see, since the display was dead, may have been sold last.
      const another = box.look(
        (journal) => !journal.has(sale, 'reversal') && journal.entry(journal.head().seq).kind === 'reversal',
      )
      if (another === false) sightOf(box, sale).undoneAt = world.now()
    },
    broke(box, error) {
      fail('broken', `${box.name} gives up: ${error instanceof Error ? error.stack : error}`, box.name)
    },
    began(box, journal) {
      tell(`${box.name}: begins with ${journal.head().seq} messages`)
      running.set(box.name, box)
      // What it heard as it died may not be on its disk.
      if (lists.get(box.name)?.version !== journal.site().version) lists.delete(box.name)
      if (forgotten.has(box.name)) return
      for (const [seq, jws] of sent.get(box.name) ?? []) {
        const kept = seq >= journal.oldest() && seq <= journal.head().seq ? journal.entry(seq).jws : null
        if (kept === jws || (seq < journal.oldest() && isOld(box.name, seq))) continue
        counts.acknowledgedLost += 1
        fail('acknowledged lost', `message ${seq} had left ${box.name} and is not in its journal`, box.name)
      }
      for (const { sale, approvedAt } of [...seen.values()].filter((each) => each.box === box.name)) {
        if (approvedAt === null || world.now() - approvedAt > KEPT_MS || journal.has(sale, 'advice')) continue
        if (rowOf(journal, sale)?.outcome === 'approved') continue
        counts.acknowledgedLost += 1
        fail('acknowledged lost', `${box.name} showed a sale that is not in its journal any more`, box.name, sale)
      }
    },
  }

  return {
    story,
    failures,
    seen,
    laidCards,
    sent,
    answers,
    blockedAt,
    closedAt,
    counts,
    afterBlock,
    /** Boxes whose journal was put back or copied: what they say is not held against the sales any more. */
    forgotten,
    offline,
    tell,
    fail,
    heard,
    onlooker,
  }
}

const payloadOf = (jws: string): DebitMessage =>
  JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString())

const weakest = ({ saleMax, cardSumMax, weakSaleMax, weakCardSumMax }: OfflineLimits) => ({
  saleMax: Math.min(saleMax, weakSaleMax),
  cardSumMax: Math.min(cardSumMax, weakCardSumMax),
})

function rowOf(journal: Journal, sale: string, kind: Entry['kind'] = 'request'): Entry | null {
  for (let seq = journal.head().seq; seq >= journal.oldest(); seq--) {
    const entry = journal.entry(seq)
    if (entry.sale === sale && entry.kind === kind) return entry
  }
  return null
}
