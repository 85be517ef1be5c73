/**
 * What one poll saw. 'torn': a card answered, but could not be read to the end. 'noise': something garbled, which
 * proves neither that a card is there nor that it has gone. `sak` is what the card said of its kind.
 */
export type Sight<Card extends { uid: Uint8Array }> =
  | { kind: 'empty' }
  | { kind: 'noise' }
  | { kind: 'torn' }
  | { kind: 'two_cards' }
  | ({ kind: 'card' } & Card)

type Reason = 'two_cards' | 'random_uid' | 'torn'

// A card at the edge of the field misses a poll now and then; three in a row mean it has gone, or cannot be read.
const PATIENCE_POLLS = 3
// A moving card can look like two for one poll.
const COLLISIONS_MIN = 2

/** Turns the sights of successive polls into what a person did: a card is told of once while it lies there. */
export function presence<Card extends { uid: Uint8Array }>() {
  let lying: Uint8Array | null = null // The card that is already told of and has not gone.
  let told: Reason | null = null // What is told of a field that cannot be read.
  let misses = 0
  let unread = 0 // Polls since a card first answered without being read.
  let collisions = 0

  const tell = (reason: Reason) => {
    if (told === reason) return null
    told = reason
    return { kind: 'unreadable', reason } as const
  }

  const doubt = () => {
    if (lying || told) return null // It is leaving after it was read, or the person knows already.
    unread += 1
    return unread > PATIENCE_POLLS ? tell('torn') : null
  }

  return (sight: Sight<Card>): ({ kind: 'card' } & Card) | { kind: 'unreadable'; reason: Reason } | null => {
    switch (sight.kind) {
      case 'noise':
        misses = 0
        return null
      case 'empty': {
        collisions = 0
        misses += 1
        const tap = unread > 0 ? doubt() : null
        if (misses >= PATIENCE_POLLS) {
          lying = told = null
          unread = 0
        }
        return tap
      }
      case 'torn':
        misses = 0
        return doubt()
      case 'two_cards':
        misses = 0
        collisions += 1
        return collisions >= COLLISIONS_MIN ? tell('two_cards') : doubt()
      case 'card':
        misses = unread = collisions = 0
        if (isRandom(sight.uid)) {
          lying = null
          return tell('random_uid')
        }
        told = null
        if (lying && Buffer.compare(lying, sight.uid) === 0) return null
        lying = sight.uid
        return sight
    }
  }
}

/** ISO/IEC 14443-3, 6.5.4: a four-byte UID that starts with 08 is drawn at random at each activation. */
function isRandom(uid: Uint8Array): boolean {
  return uid.length === 4 && uid[0] === 0x08
}
