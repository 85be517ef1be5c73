/**
 * What a card is, as far as its memory goes: MIFARE Classic with a sector 15, MIFARE Ultralight of any sort, NTAG 21x,
 * or something that a token cannot be kept on.
 */
export type CardType = 'classic' | 'ultralight' | 'ntag' | 'other'

/**
 * The two slots of 16 bytes on a card that lies on the reader, until the next tap is asked for. `read` gives null when
 * the slot cannot be read: the card has gone, or its keys are not ours. `write` reads back what it wrote: 'torn' says
 * that the card lies there without it, 'gone' that no card answers any more, and neither says what the slot holds now.
 */
export type CardMemory = {
  read(slot: 0 | 1): Promise<Uint8Array | null>
  write(slot: 0 | 1, bytes: Uint8Array): Promise<'written' | 'torn' | 'gone'>
}

/**
 * What a person did at the reader. `uid` is the card's whole number, 4, 7 or 10 bytes: personal data, to be hashed
 * and never logged. An unreadable tap says why: two cards at once, a number that is drawn anew each time (a phone),
 * or a card taken away before it was read.
 */
export type Tap =
  | { kind: 'card'; uid: Uint8Array; type: CardType; memory: CardMemory | null }
  | { kind: 'unreadable'; reason: 'two_cards' | 'random_uid' | 'torn' }

/** A card left lying is one tap. Ends on abort; throws ReaderFailure when the reader is gone. */
export type CardReader = { taps(signal: AbortSignal): AsyncIterable<Tap> }

/**
 * - 'missing': nothing answers on the bus
 * - 'unknown': what answers is no MFRC522
 * - 'miswired': it answers, and what is written does not come back as it was
 * - 'broken': it answers and listens, and does not work
 */
export type ReaderFault = 'missing' | 'unknown' | 'miswired' | 'broken'

/** The reader cannot go on; the message is a sentence for staff and the log. */
export class ReaderFailure extends Error {
  override name = 'ReaderFailure'
  readonly fault: ReaderFault

  constructor(fault: ReaderFault, message: string) {
    super(message)
    this.fault = fault
  }
}
