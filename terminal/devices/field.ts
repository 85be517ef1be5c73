import chip from 'mfrc522-rpi/commands.js'
import { crcA } from './crc-a.ts'
import type { Mfrc522 } from './mfrc522-chip.ts'
import type { Sight } from './presence.ts'

/** A card as its selection showed it: the whole UID, and what it says of its kind. */
export type Card = { uid: Uint8Array; sak: number }

/** What a card answered to a command; check bytes are checked and gone. 'lost': a garbled answer. */
export type Reply =
  | { kind: 'data'; bytes: Uint8Array }
  | { kind: 'ack' }
  | { kind: 'nak'; code: number }
  | { kind: 'lost' }
  | { kind: 'silent' }

/** The cards in a reader's field, by ISO/IEC 14443-3 type A. Every method throws ReaderFailure when the chip is gone. */
export type Field = {
  /** One poll: wakes whatever lies in the field and reads it. A card that was read stays selected until `rest`. */
  look(): Sight<Card>
  /** Selects this very card if it is not; false when it does not answer, or another one does. */
  select(uid: Uint8Array): boolean
  /** Sends a command to the selected card; any answer but data and ACK deselects it, as the card itself does. */
  command(bytes: readonly number[]): Reply
  /** Opens a sector of the selected MIFARE Classic card with key A; a key that does not fit deselects the card. */
  authenticate(block: number, key: Uint8Array): boolean
  /** Whether a sector of the selected card is open. */
  isOpen(): boolean
  /** Sends every card back to sleep, so that the next poll finds it willing. */
  rest(): void
}

// ISO/IEC 14443-3, 6.4 and 6.5: SEL of the three cascade levels, the tag that says the UID goes on, and its SAK bit.
const SELECT_LEVELS = [0x93, 0x95, 0x97]
const ANTICOLLISION = 0x20
const WHOLE_LEVEL = 0x70
const CASCADE_TAG = 0x88
const SAK_INCOMPLETE = 0x04
const HALT = [chip.PICC_HALT, 0x00]

const ATQA_BITS = 16
const LEVEL_BITS = 40
const SAK_BITS = 24
const ACK_BITS = 4
const ACK = 0xa

// The data sheets of NTAG21x and MIFARE Classic give a write at most 10 ms, and a read 5.
const MEMORY_MS = 10
const WAKE_ATTEMPTS = 2

export function fieldOf(reader: Mfrc522): Field {
  let selected: Uint8Array | null = null
  let enciphering = false

  const send = (bytes: readonly number[], silenceMs?: number) =>
    reader.toCard(chip.PCD_TRANSCEIVE, [...bytes, ...crcA(bytes)], 0, silenceMs)

  function deselect() {
    selected = null
    if (enciphering) reader.stopCrypto() // Else the chip would go on enciphering what it sends to the next card.
    enciphering = false
  }

  /** Sends WUPA, which wakes the halted card of the last poll as well as a new one. */
  function wake(): 'silent' | 'noise' | 'present' {
    const woken = reader.toCard(chip.PCD_TRANSCEIVE, [chip.PICC_REQALL], 7)
    if (woken.outcome === 'silent') return 'silent'
    // Cards of different kinds answer WUPA with different bits, so a collision here is still an answer.
    const present = woken.outcome === 'collision' || woken.bitSize === ATQA_BITS
    return present ? 'present' : 'noise'
  }

  /** Takes the woken card through all its cascade levels. Two cards collide at the first byte that differs. */
  function choose(): Sight<Card> {
    const uid: number[] = []
    for (const level of SELECT_LEVELS) {
      const part = reader.toCard(chip.PCD_TRANSCEIVE, [level, ANTICOLLISION])
      if (part.outcome === 'collision') return { kind: 'two_cards' }
      if (part.bitSize !== LEVEL_BITS || part.data.reduce((a, b) => a ^ b) !== 0) break

      const answer = send([level, WHOLE_LEVEL, ...part.data])
      const [sak] = answer.bitSize === SAK_BITS ? (checked(answer.data) ?? []) : []
      if (sak === undefined) break

      const incomplete = (sak & SAK_INCOMPLETE) !== 0
      // A tag without the bit, or the bit without a tag, is no answer that the standard knows. On the last level the
      // UID must end, and 88 is a byte like any other.
      const tagged = part.data[0] === CASCADE_TAG && level !== SELECT_LEVELS.at(-1)
      if (incomplete !== tagged) break
      if (!incomplete) return { kind: 'card', uid: Uint8Array.from([...uid, ...part.data.slice(0, 4)]), sak }
      uid.push(...part.data.slice(1, 4))
    }
    return { kind: 'torn' }
  }

  /** Halted, or thrown out of a half-done selection: either way the next WUPA finds the card willing. */
  function halt() {
    send(HALT) // Silence is consent here (ISO/IEC 14443-3, 6.4.3).
    deselect()
  }

  return {
    look() {
      const woken = wake()
      if (woken === 'silent') return { kind: 'empty' }
      const sight: Sight<Card> = woken === 'present' ? choose() : { kind: 'noise' }
      if (sight.kind === 'card') selected = sight.uid
      else halt()
      return sight
    },

    select(uid) {
      if (selected && Buffer.compare(selected, uid) === 0) return true
      // A card that does not expect to be woken falls silent the first time, and is willing the second.
      for (let attempt = 0; attempt < WAKE_ATTEMPTS; attempt++) {
        deselect()
        const sight = wake() === 'present' ? choose() : null
        if (sight?.kind !== 'card') continue
        if (Buffer.compare(sight.uid, uid) !== 0) break
        selected = sight.uid
        return true
      }
      return false
    },

    command(bytes) {
      const { outcome, data, bitSize } = send(bytes, MEMORY_MS)
      const code = bitSize === ACK_BITS ? (data[0] ?? 0) & 0xf : null
      if (code === ACK) return { kind: 'ack' }
      const content = bitSize % 8 === 0 ? checked(data) : null
      if (content) return { kind: 'data', bytes: content }
      deselect()
      if (code !== null) return { kind: 'nak', code }
      return { kind: outcome === 'silent' ? 'silent' : 'lost' }
    },

    authenticate(block, key) {
      // A long UID lends its last four bytes (NXP AN10927, section 3.2.5).
      const part = selected?.subarray(-4) ?? []
      const { status } = reader.toCard(chip.PCD_AUTHENT, [chip.PICC_AUTHENT1A, block, ...key, ...part], 0, MEMORY_MS)
      enciphering = true // Perhaps: what a failed one leaves the chip in is not said anywhere.
      if (!status) deselect()
      return status
    },

    isOpen: () => selected !== null && enciphering,

    rest() {
      if (selected) halt()
    },
  }
}

/** The bytes of a frame without its CRC_A; null when that does not fit. */
function checked(frame: readonly number[]): Uint8Array | null {
  if (frame.length < 3) return null
  const [low, high] = crcA(frame.slice(0, -2))
  return frame.at(-2) === low && frame.at(-1) === high ? Uint8Array.from(frame.slice(0, -2)) : null
}
