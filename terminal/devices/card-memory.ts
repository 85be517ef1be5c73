import type { CardMemory, CardType } from './card-reader.ts'
import { ReaderFailure } from './card-reader.ts'
import type { Card, Field } from './field.ts'

/** The keys to try on a card's sector, most likely first; 6 bytes each. */
export type SectorKeys = (uid: Uint8Array) => readonly Uint8Array[]

// NXP AN10833: a card's kind is told by its SAK, and not by its ATQA. These are the MIFARE Classic cards, and those that
// work as one, which are big enough to have a sector 15.
const CLASSIC_SAKS: readonly number[] = [0x08, 0x18, 0x19, 0x28, 0x38, 0x88]
const TYPE_2_SAK = 0x00
const TYPE_2_UID_BYTES = 7

const READ = 0x30
const WRITE_BLOCK = 0xa0
const WRITE_PAGE = 0xa2
const GET_VERSION = 0x60
const VERSION_BYTES = 8
const PRODUCT_NTAG = 0x04

const SLOT_BYTES = 16
/** The first two blocks of sector 15. Its trailer is never written: a torn one would lock the sector for good. */
const FIRST_BLOCK = 60
/** Pages 8 to 15, the last that the smallest Ultralight has. */
const FIRST_PAGE = 8
const PAGE_BYTES = 4
const PAGES_PER_SLOT = SLOT_BYTES / PAGE_BYTES

/** Once more after a disturbance; more would keep a person waiting. */
const ATTEMPTS_MAX = 2

/** What kind of card is selected; of an Ultralight or NTAG the card itself is asked. */
export function typeOf(field: Field, { uid, sak }: Card): CardType {
  if (CLASSIC_SAKS.includes(sak)) return 'classic'
  if (sak !== TYPE_2_SAK || uid.length !== TYPE_2_UID_BYTES) return 'other'
  for (let attempt = 0; attempt < ATTEMPTS_MAX && field.select(uid); attempt++) {
    const reply = field.command([GET_VERSION])
    if (reply.kind === 'data' && reply.bytes.length === VERSION_BYTES) {
      return reply.bytes[2] === PRODUCT_NTAG ? 'ntag' : 'ultralight'
    }
    if (reply.kind === 'nak') break // An Ultralight from before that command.
  }
  return 'ultralight' // Its pages are where an NTAG has them.
}

/**
 * The token's slots on a card; null on a type that has none. A reader that fails meanwhile is a card that has gone: the
 * next poll says the rest. After `over` says so nothing is read or written any more.
 */
export function cardMemory(
  field: Field,
  card: Card,
  type: CardType,
  sectorKeys: SectorKeys,
  over: () => boolean,
): CardMemory | null {
  if (type === 'other') return null
  const slots = type === 'classic' ? blocks(field, card.uid, sectorKeys(card.uid)) : pages(field)

  const reach = () => field.select(card.uid) && slots.open()
  const read = (slot: 0 | 1) => {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const bytes = reach() ? slots.read(slot) : null
      if (bytes) return bytes
    }
    return null
  }
  const write = (slot: 0 | 1, bytes: Uint8Array) => {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (reach()) slots.write(slot, bytes)
      // A lost ACK is no lost write, and an ACK no proof: what stands on the card decides.
      const back = read(slot)
      if (back && Buffer.compare(back, bytes) === 0) return 'written'
    }
    return field.select(card.uid) ? 'torn' : 'gone'
  }

  return {
    async read(slot) {
      if (over()) return null
      return guarded(() => read(slot), null)
    },
    async write(slot, bytes) {
      if (bytes.length !== SLOT_BYTES) throw new RangeError(`a slot has ${SLOT_BYTES} bytes`)
      if (over()) return 'gone'
      return guarded(() => write(slot, bytes), 'gone')
    },
  }
}

function guarded<Value, Lost>(deed: () => Value, lost: Lost): Value | Lost {
  try {
    return deed()
  } catch (error) {
    if (error instanceof ReaderFailure) return lost
    throw error
  }
}

/** Two slots as a kind of card keeps them. `open` makes the selected card ready, and may leave none selected. */
type Slots = { open(): boolean; read(slot: 0 | 1): Uint8Array | null; write(slot: 0 | 1, bytes: Uint8Array): void }

function sixteen(field: Field, address: number): Uint8Array | null {
  const reply = field.command([READ, address])
  return reply.kind === 'data' && reply.bytes.length === SLOT_BYTES ? reply.bytes : null
}

function blocks(field: Field, uid: Uint8Array, keys: readonly Uint8Array[]): Slots {
  let fits: Uint8Array | null = null
  return {
    open() {
      if (field.isOpen()) return true
      for (const key of fits ? [fits] : keys) {
        if (!field.select(uid)) return false
        if (field.authenticate(FIRST_BLOCK, key)) {
          fits = key
          return true
        }
      }
      return false
    },
    read: (slot) => sixteen(field, FIRST_BLOCK + slot),
    write(slot, bytes) {
      // In two steps: the card agrees to the block before it is given what to put there.
      if (field.command([WRITE_BLOCK, FIRST_BLOCK + slot]).kind === 'ack') field.command([...bytes])
    },
  }
}

function pages(field: Field): Slots {
  return {
    open: () => true,
    read: (slot) => sixteen(field, FIRST_PAGE + slot * PAGES_PER_SLOT),
    write(slot, bytes) {
      for (let page = 0; page < PAGES_PER_SLOT; page++) {
        const content = bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES)
        const reply = field.command([WRITE_PAGE, FIRST_PAGE + slot * PAGES_PER_SLOT + page, ...content])
        if (reply.kind !== 'ack') return
      }
    },
  }
}
