import type { CardType, ReaderFault } from './card-reader.ts'

/** What the reader's thread is started with. `cardKey` is the municipality's, base64url: sector keys are made from it. */
export type ReaderSettings = { device: string; pollMs: number; cardKey: string }

/** A question about the memory of the card that was told of last. */
export type Question =
  | { kind: 'read'; id: number; slot: 0 | 1 }
  | { kind: 'write'; id: number; slot: 0 | 1; bytes: Uint8Array }

/** What the till's thread says. One round of taps begins with 'start', and each tap is followed by 'next' or 'stop'. */
export type Order = { kind: 'start'; round: number } | { kind: 'next' } | { kind: 'stop' } | Question

/** A tap as it crosses from thread to thread; its memory stays behind. */
export type ToldTap =
  | { kind: 'card'; uid: Uint8Array; type: CardType; hasMemory: boolean }
  | { kind: 'unreadable'; reason: 'two_cards' | 'random_uid' | 'torn' }

/**
 * What the reader's thread says, by the round it belongs to. 'alive' comes about once a second while it polls. A round
 * ends with 'ended' or 'failed', whose `fault` is null where no fault of the reader is known to be the reason.
 */
export type Word =
  | { kind: 'alive'; round: number }
  | { kind: 'tap'; round: number; tap: ToldTap }
  | { kind: 'ended'; round: number }
  | { kind: 'failed'; round: number; fault: ReaderFault | null; message: string }
  | { kind: 'answer'; id: number; answer: Uint8Array | 'written' | 'torn' | 'gone' | null }
