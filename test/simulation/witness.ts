import type { Entry, Journal } from '../../terminal/journal.ts'
import type { View } from '../../terminal/view.ts'
import type { Box } from './box.ts'
import type { Heard } from './network.ts'
import type { World } from './world.ts'

/** One card laid on one terminal, and what came of it. */
export type Laid = {
  number: number
  box: string
  child: number
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

const AMOUNT = /(\d+),(\d\d) kr/

/**
 * Who sees every display and hears every cable, and holds at once against one another what cannot be so: a journal that
 * has lost what had left it, an answer that changes, a sale without an answer beyond the caps.
 */
export function witness(world: World) {
  const beginsAt = world.now()
  const story: Line[] = []
  const failures: Failure[] = []
  const seen = new Map<string, Seen>()
  const laidCards: Laid[] = []
  /** Everything that has left a terminal, by its number: it must be in the journal for ever after. */
  const sent = new Map<string, Map<number, string>>()
  /** The first answer to each message. */
  const answers = new Map<string, string>()
  const blockedAt = new Map<number, number>()
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
  const offline = { sales: 0, largestOre: 0, capOre: 0, overCap: 0 }

  const tell = (text: string) => void story.push({ at: world.now() - beginsAt, text })
  const fail = (figure: string, text: string, ...about: string[]) => {
    failures.push({ figure, text, about })
    tell(`✗ ${figure}: ${text}`)
  }

  /** Holds a sale without an answer against the caps, by what was seen of the box rather than by its own count. */
  function expose(box: Box, sale: string, child: number, amount: number) {
    const limits = box.look((journal) => journal.site().limits)
    if (!limits) return
    const exposed = exposedOf(box.name)
    // The worker's answer to the advice may be here before the display has drawn the sale.
    const waits = box.look((journal) => rowOf(journal, sale, 'advice')?.outcome === null)
    exposed.set(sale, { child, amount, delivered: waits === false, beforeSync: false })
    const sum = (of: Exposed[]) => of.reduce((total, each) => total + each.amount, 0)
    const standing = [...exposed.entries()].filter(([each]) => !seen.get(each)?.undoAsked).map(([, each]) => each)
    const unsent = sum(standing.filter(({ delivered }) => !delivered))
    const ofCard = sum(standing.filter((each) => each.child === child))
    offline.sales += 1
    offline.largestOre = Math.max(offline.largestOre, unsent)
    offline.capOre = limits.unsentSumMax
    if (amount <= limits.saleMax && unsent <= limits.unsentSumMax && ofCard <= limits.cardSumMax) return
    offline.overCap += 1
    const sums = `${amount} øre, ${ofCard} on the card, ${unsent} unsent`
    fail('over the caps', `${box.name} sold by itself beyond a cap: ${sums}`, box.name, sale)
  }

  const heard: Heard = {
    tell,
    sent(from, path, body) {
      if (!path.endsWith('/messages') || body === undefined) return
      const { messages } = JSON.parse(body) as { messages: string[] }
      const known = sent.get(from) ?? new Map<number, string>()
      sent.set(from, known)
      for (const jws of messages) {
        const { seq } = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as { seq: number }
        if (!known.has(seq)) counts.sent += 1
        known.set(seq, jws)
      }
    },
    arrived(from, path, status, text) {
      if (status !== 200) return
      const exposed = exposedOf(from)
      if (path.endsWith('/sync')) {
        if ((JSON.parse(text) as { more: boolean }).more) return
        for (const advice of exposed.values()) advice.beforeSync = true
      } else if (path.endsWith('/messages')) {
        const { results } = JSON.parse(text) as { results: { sale: string; outcome: string }[] }
        for (const { sale, outcome } of results) {
          const advice = exposed.get(sale)
          if (advice && outcome === 'approved') advice.delivered = true
          if (advice && outcome === 'reversed') exposed.delete(sale)
        }
      }
      for (const [sale, { delivered, beforeSync }] of exposed) if (delivered && beforeSync) exposed.delete(sale)
    },
    answered(from, path, status, text) {
      if (!path.endsWith('/messages') || status !== 200 || forgotten.has(from)) return
      const { results } = JSON.parse(text) as { results: { seq: number; outcome: string; reason?: string }[] }
      for (const { seq, outcome, reason } of results) {
        const message = `${from}/${seq}`
        const told = `${outcome}${reason ? ` (${reason})` : ''}`
        const first = answers.get(message)
        if (first === undefined) {
          answers.set(message, told)
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
      if (sale === null) return fail('approved without a row', 'an approval that belongs to no sale', box.name)
      const sight = sightOf(box, sale)
      if (sight.approvedAt !== null) return
      const row = box.look((journal) => journal.has(sale, 'advice') || rowOf(journal, sale)?.outcome === 'approved')
      if (row === false) {
        counts.withoutRow += 1
        fail('approved without a row', `${box.name} shows a sale that its journal does not hold`, box.name, sale)
      }
      sight.approvedAt = world.now()
      const amount = view.kind === 'answer' ? AMOUNT.exec(view.headline) : null
      sight.amount = amount ? Number(amount[1]) * 100 + Number(amount[2]) : 0
      const child = sight.laid?.child
      if (child !== undefined && box.look((journal) => journal.has(sale, 'advice'))) {
        expose(box, sale, child, sight.amount)
      }
      const since = child === undefined ? undefined : blockedAt.get(child)
      const at = sight.laid?.at ?? world.now()
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
      // 'Nothing to undo' is a notice too.
      if (box.look((journal) => journal.has(sale, 'reversal'))) sightOf(box, sale).undoneAt = world.now()
    },
    began(box, journal) {
      tell(`${box.name}: begins with ${journal.head().seq} messages`)
      if (forgotten.has(box.name)) return
      for (const [seq, jws] of sent.get(box.name) ?? []) {
        const kept = seq <= journal.head().seq ? journal.entry(seq).jws : null
        if (kept === jws) continue
        counts.acknowledgedLost += 1
        fail('acknowledged lost', `message ${seq} had left ${box.name} and is not in its journal`, box.name)
      }
      for (const { sale, approvedAt } of [...seen.values()].filter((each) => each.box === box.name)) {
        if (approvedAt === null || journal.has(sale, 'advice')) continue
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

function rowOf(journal: Journal, sale: string, kind: Entry['kind'] = 'request'): Entry | null {
  for (let seq = journal.head().seq; seq > 0; seq--) {
    const entry = journal.entry(seq)
    if (entry.sale === sale && entry.kind === kind) return entry
  }
  return null
}
