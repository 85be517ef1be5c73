import { crc32 } from 'node:zlib'
import type { CardToken } from '../shared/debit.ts'
import { base64url, fromBase64url } from '../shared/signing.ts'

/** The bytes of a card's two slots; null where a slot could not be read at all. */
export type Slots = readonly [Uint8Array | null, Uint8Array | null]

/** What a card shows: `unread` where a slot could not be read, `none` where neither holds a token. */
export type Shown = { kind: 'token'; token: CardToken } | { kind: 'none' } | { kind: 'unread' }

// counter(4, big-endian) ‖ value(8) ‖ CRC-32(4, big-endian) of the twelve bytes before it.
const SLOT_BYTES = 16
const COUNTER_BYTES = 4
const VALUE_BYTES = 8
const COUNTER_MAX = 0xffff_ffff
const CHECK_AT = COUNTER_BYTES + VALUE_BYTES

/** The 16 bytes of a slot that holds this token. Throws RangeError on a counter or a value that does not fit one. */
export function slotOf({ counter, value }: CardToken): Uint8Array {
  const bytes = fromBase64url(value)
  if (bytes.length !== VALUE_BYTES || !Number.isInteger(counter) || counter < 0 || counter > COUNTER_MAX) {
    throw new RangeError('a token has a counter of 32 bits and a value of eight bytes')
  }
  const slot = new Uint8Array(SLOT_BYTES)
  const view = new DataView(slot.buffer)
  view.setUint32(0, counter)
  slot.set(bytes, COUNTER_BYTES)
  view.setUint32(CHECK_AT, crc32(slot.subarray(0, CHECK_AT)))
  return slot
}

/** The token in a slot; null where there is none, or a torn one. */
export function tokenIn(slot: Uint8Array | null): CardToken | null {
  if (slot === null || slot.length !== SLOT_BYTES) return null
  const view = new DataView(slot.buffer, slot.byteOffset, slot.byteLength)
  if (view.getUint32(CHECK_AT) !== crc32(slot.subarray(0, CHECK_AT))) return null
  return { counter: view.getUint32(0), value: base64url(slot.subarray(COUNTER_BYTES, CHECK_AT)) }
}

/**
 * The newest token of a card. With one slot unread the other may be the older of the two, and an older token is what a
 * clone shows: then nothing is said of either.
 */
export function shownBy(slots: Slots): Shown {
  if (slots.includes(null)) return { kind: 'unread' }
  const newest = slots[newestOf(slots)]
  const token = tokenIn(newest ?? null)
  return token ? { kind: 'token', token } : { kind: 'none' }
}

/**
 * The slot to write the next token to: never the one with the newest, so that a write torn at any step leaves either
 * the token before it or the one after it as the newest.
 */
export function slotToWrite(slots: Slots): 0 | 1 {
  return newestOf(slots) === 0 && tokenIn(slots[0]) ? 1 : 0
}

function newestOf([first, second]: Slots): 0 | 1 {
  const one = tokenIn(first)
  const other = tokenIn(second)
  if (!one || !other) return one || !other ? 0 : 1
  return one.counter >= other.counter ? 0 : 1
}
