import type { CardToken } from '../shared/debit.ts'
import { shownBy, slotOf, slotToWrite } from './card-token.ts'
import type { Clock } from './clock.ts'
import type { Tap } from './devices/card-reader.ts'
import type { Site } from './journal.ts'

/** For how long a card's memory may keep a sale waiting, for its reading and for its writing. */
const CARD_WAIT_MS = 300

/** A card on the reader during one sale. */
export type Presented = {
  /**
   * What the card showed: null where none could be read of it, undefined where the municipality looks for none, or where
   * nobody knows since when the card shows it. A copy may claim to be of another type than the card that it copies, so
   * what carries no token has none to show, whatever type it says it is: the worker knows which cards were given one.
   */
  token: CardToken | null | undefined
  /**
   * Writes the next token; null where there is nothing to write it to. A card that has gone, or will not take it, still
   * shows the one before: nothing is lost.
   */
  keep: ((token: CardToken) => Promise<'written' | 'torn' | 'gone' | 'late'>) | null
}

/**
 * Reads what a card shows against copies, where its type carries a token; never waits for it for long. While the time is
 * only what the machine believes, nothing is told of it: made out to be later than it was, it would look like a copy's.
 */
export async function presented(
  { type, memory }: Extract<Tap, { kind: 'card' }>,
  { tokenTypes }: Site,
  clock: Clock,
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>,
): Promise<Presented> {
  /** Gives a card up after a while; what it still does then is nobody's. */
  async function bounded<T>(work: Promise<T>): Promise<T | 'late'> {
    const done = new AbortController()
    const late = sleep(CARD_WAIT_MS, done.signal).then(
      () => 'late' as const,
      () => 'late' as const,
    )
    return Promise.race([work, late]).finally(() => done.abort())
  }

  if (tokenTypes.length === 0 || !clock.isLearnt()) return { token: undefined, keep: null }
  if (type === 'other' || !tokenTypes.includes(type) || memory === null) return { token: null, keep: null }
  const read = async () => [await memory.read(0), await memory.read(1)] as const
  const slots = await bounded(read().catch(() => [null, null] as const))
  if (slots === 'late') return { token: null, keep: async () => 'late' }
  const shown = shownBy(slots)
  return {
    token: shown.kind === 'token' ? shown.token : null,
    keep: (token) => bounded(memory.write(slotToWrite(slots), slotOf(token)).catch(() => 'gone' as const)),
  }
}
