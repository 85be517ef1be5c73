import type { CardKind } from './card.ts'

/**
 * What the other end of the channel may ask for: a card laid on or taken off, the reader's cable pulled or put back; and
 * of the thread that has the chip, that it dies, or waits for the kernel for ever. A card keeps its memory from one laying
 * to the next. `copy` names a copy of it: the same number, with a memory that was copied when it was laid first.
 */
export type ReaderOrder =
  | { order: 'present'; uid: string; kind?: CardKind; copy?: string }
  | { order: 'remove' }
  | { order: 'unplug' }
  | { order: 'plug' }
  | { order: 'die' }
  | { order: 'hang' }

/** The same order as the hook passes it on, with the memory that a card keeps from one laying to the next. */
export type Deed =
  | Exclude<ReaderOrder, { order: 'present' }>
  | { order: 'present'; uid: string; kind: CardKind; memory: Uint8Array }

/** The channel on which the process's first thread tells every emulated chip what hands do at the reader. */
export const HANDS = 'the hands at the emulated reader'
/** What a chip says when it comes to be; it is told what lies there already. */
export const HELLO = 'a chip is there'
