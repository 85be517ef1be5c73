/// <reference path="./mfrc522-rpi.d.ts" />
import { setTimeout } from 'node:timers/promises'
import Driver from 'mfrc522-rpi'
import chip from 'mfrc522-rpi/commands.js'
import type { Spi } from './spi.ts'

/**
 * What a person did at the reader. `uid` is the card's whole number, 4, 7 or 10 bytes: personal data, to be hashed
 * and never logged. An unreadable tap says why: two cards at once, a number that is drawn anew each time (a phone),
 * or a card taken away before it was read.
 */
export type Tap =
  | { kind: 'card'; uid: Uint8Array }
  | { kind: 'unreadable'; reason: 'two_cards' | 'random_uid' | 'torn' }

/** A card left lying is one tap. Ends on abort; throws when the reader is gone. */
export type CardReader = { taps(signal: AbortSignal): AsyncIterable<Tap> }

/** The pause between two polls; `sleep` may reject when `signal` aborts, as node:timers/promises does. */
export type Pace = { pollMs: number; sleep?: (ms: number, signal: AbortSignal) => Promise<unknown> }

/**
 * The MFRC522 on an SPI bus. Each call of `taps` sets the chip up anew, so after an error it may be called again.
 * No poll is made while the consumer works on a tap; a card that lies there all the while is still the same tap.
 */
export function mfrc522(
  spi: Spi,
  { pollMs, sleep = (ms, signal) => setTimeout(ms, undefined, { signal }) }: Pace,
): CardReader {
  return {
    async *taps(signal) {
      if (signal.aborted) return
      const reader = new Reader(spi)
      reader.reset()
      const tapOf = presence()
      while (true) {
        const tap = tapOf(reader.look())
        if (tap) yield tap
        if (signal.aborted) return
        try {
          await sleep(pollMs, signal)
        } catch (error) {
          if (!signal.aborted) throw error
        }
        if (signal.aborted) return
      }
    },
  }
}

/**
 * What one poll saw. 'torn': a card answered, but could not be read to the end. 'noise': something garbled, which
 * proves neither that a card is there nor that it has gone.
 */
type Sight =
  | { kind: 'empty' }
  | { kind: 'noise' }
  | { kind: 'torn' }
  | { kind: 'two_cards' }
  | { kind: 'card'; uid: Uint8Array }

// A card at the edge of the field misses a poll now and then; three in a row mean it has gone, or cannot be read.
const PATIENCE_POLLS = 3
// A moving card can look like two for one poll.
const COLLISIONS_MIN = 2

/** Turns the sights of successive polls into taps. */
function presence(): (sight: Sight) => Tap | null {
  let lying: Uint8Array | null = null // The card that is already told of and has not gone.
  let told: Tap | null = null // What is told of a field that cannot be read.
  let misses = 0
  let unread = 0 // Polls since a card first answered without being read.
  let collisions = 0

  const tell = (reason: 'two_cards' | 'random_uid' | 'torn'): Tap | null => {
    if (told?.kind === 'unreadable' && told.reason === reason) return null
    told = { kind: 'unreadable', reason }
    return told
  }

  const doubt = (): Tap | null => {
    if (lying || told) return null // It is leaving after it was read, or the person knows already.
    unread += 1
    return unread > PATIENCE_POLLS ? tell('torn') : null
  }

  return (sight) => {
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

// NXP's version 1.0, 2.0 and the clones in circulation (FM17522 and its like).
const VERSIONS: readonly number[] = [0x91, 0x92, 0x88, 0x12, 0xb2]
const IDLE_POLLS_PER_CHECK = 10

// ComIrqReg and its neighbours, MFRC522 datasheet section 9.3.1.
const IRQ_TIMER = 0x01
const IRQ_IDLE = 0x10
const IRQ_RX = 0x20
const IRQ_CRC = 0x04
const ERROR_COLLISION = 0x08
const ERRORS = 0x1b // Overflow, collision, CRC, parity and protocol.
const START_SEND = 0x80
const FLUSH = 0x80
const POWER_DOWN = 0x10
const ANTENNA = 0x03

// The datasheet lets one transfer read a list of registers (section 8.1.2.1), so waiting takes a handful of transfers
// instead of hundreds. At 1 MHz a transfer waits 0.25 ms; all of them outlast the chip's timer ten times over.
const WAIT_READS = 28
const WAITS_MAX = 50

// ISO/IEC 14443-3, 6.4 and 6.5: SEL of the three cascade levels, the tag that says the UID goes on, and its SAK bit.
const SELECT_LEVELS = [0x93, 0x95, 0x97]
const CASCADE_TAG = 0x88
const SAK_INCOMPLETE = 0x04

const WAIT = [...new Array<number>(WAIT_READS).fill(chip.CommIrqReg), chip.ErrorReg, chip.FIFOLevelReg, chip.ControlReg]
const HALT = [chip.PICC_HALT, 0x00, 0x57, 0xcd]
const NO_ANSWER = 'the card reader does not answer'

type Frame = {
  status: boolean
  data: number[]
  bitSize: number
  outcome: 'answered' | 'silent' | 'collision' | 'garbled'
}

const NOTHING = { status: false, data: [], bitSize: 0 }

/**
 * mfrc522-rpi with its reading of cards done over: the whole UID instead of the first cascade level, every check byte
 * checked, a collision told from a misread, and every wait bounded.
 */
class Reader extends Driver {
  #spi: Spi
  #silentPolls = 0

  constructor(spi: Spi) {
    super({ open() {}, write: (out) => spi.transfer(out), transfer: (out) => spi.transfer(out) })
    this.#spi = spi
  }

  /** Sets the chip up and switches its field on. Throws when no MFRC522 answers. */
  override reset(): void {
    this.#requireChip()
    this.writeRegister(chip.CommandReg, chip.PCD_RESETPHASE)
    for (let i = 0; i < WAITS_MAX && this.readRegister(chip.CommandReg) & POWER_DOWN; i++);
    // The timer starts by itself after each transmission and runs 41 × 25 µs. A card must begin its answer 91 µs after
    // the question (ISO/IEC 14443-3, 6.2.1.1), and the first bits stop the timer: 1 ms of silence is no card.
    this.writeRegister(chip.TModeReg, 0x80)
    this.writeRegister(chip.TPrescalerReg, 0xa9)
    this.writeRegister(chip.TReloadRegH, 0)
    this.writeRegister(chip.TReloadRegL, 40)
    this.writeRegister(chip.TxAutoReg, 0x40) // 100 % amplitude modulation, type A.
    this.writeRegister(chip.ModeReg, 0x3d) // The coprocessor starts from 6363, CRC_A.
    this.antennaOn()
  }

  /** One poll: wakes whatever lies in the field, reads it and sends it back to sleep. Throws when the chip is gone. */
  look(): Sight {
    const woken = this.findCard()
    if (woken.outcome === 'silent') {
      this.#silentPolls += 1
      if (this.#silentPolls % IDLE_POLLS_PER_CHECK === 0) this.#check()
      return { kind: 'empty' }
    }
    // Cards of different kinds answer WUPA with different bits, so a collision here is still an answer.
    const present = woken.outcome === 'collision' || (woken.status && woken.bitSize === 16)
    const sight = present ? this.#sightOf(this.getUid()) : ({ kind: 'noise' } as const)
    // Halted, or thrown out of a half-done selection: either way the next WUPA finds the card willing. Without this a
    // card answers only every other poll. Silence is consent here (ISO/IEC 14443-3, 6.4.3).
    this.toCard(chip.PCD_TRANSCEIVE, HALT)
    return sight
  }

  /** Sends WUPA, which wakes the halted card of the last poll as well as a new one. */
  override findCard(): Frame {
    return this.toCard(chip.PCD_TRANSCEIVE, [chip.PICC_REQALL], 7)
  }

  /**
   * Selects the woken card through all its cascade levels. `data` is the whole UID without cascade tags and check
   * bytes when `outcome` is 'card', and empty otherwise.
   */
  override getUid(): { status: boolean; data: number[]; outcome: 'card' | 'two_cards' | 'torn' } {
    const uid: number[] = []
    for (const level of SELECT_LEVELS) {
      const part = this.toCard(chip.PCD_TRANSCEIVE, [level, 0x20])
      if (part.outcome === 'collision') return { status: false, data: [], outcome: 'two_cards' }
      if (!part.status || part.bitSize !== 40 || part.data.reduce((a, b) => a ^ b) !== 0) break

      const select = [level, 0x70, ...part.data]
      const sak = this.toCard(chip.PCD_TRANSCEIVE, [...select, ...this.calculateCRC(select)])
      if (!sak.status || sak.bitSize !== 24 || !this.#hasCrc(sak.data)) break

      const incomplete = ((sak.data[0] ?? 0) & SAK_INCOMPLETE) !== 0
      // A tag without the bit, or the bit without a tag, is no answer that the standard knows. On the last level the
      // UID must end, and 88 is a byte like any other.
      const tagged = part.data[0] === CASCADE_TAG && level !== SELECT_LEVELS.at(-1)
      if (incomplete !== tagged) break
      if (!incomplete) return { status: true, data: [...uid, ...part.data.slice(0, 4)], outcome: 'card' }
      uid.push(...part.data.slice(1, 4))
    }
    return { status: false, data: [], outcome: 'torn' }
  }

  /**
   * Sends `bytes`, of the last one only `lastBits` bits unless that is 0, and waits for the end of the answer or for
   * the chip's timer. `status` is true for a clean answer, and `data` is then all of it.
   */
  override toCard(command: number, bytes: number[], lastBits = 0): Frame {
    this.writeRegister(chip.CommandReg, chip.PCD_IDLE)
    this.writeRegister(chip.CommIrqReg, 0x7f) // Bit 7 is 0: clears them all.
    this.writeRegister(chip.FIFOLevelReg, FLUSH)
    this.writeRegister(chip.BitFramingReg, lastBits)
    this.#fill(bytes)
    this.writeRegister(chip.CommandReg, command)
    if (command === chip.PCD_TRANSCEIVE) this.writeRegister(chip.BitFramingReg, START_SEND | lastBits)

    const finished = command === chip.PCD_AUTHENT ? IRQ_IDLE : IRQ_RX | IRQ_IDLE
    for (let i = 0; i < WAITS_MAX; i++) {
      // What stands after the interrupt bits in the same transfer is final once they say so.
      const [irq = 0, error = 0, length = 0, control = 0] = this.#read(...WAIT).slice(-4)
      if (irq & 0x80) break // Reads as 0 on a chip.
      if (irq & finished) return this.#answer(error, length & 0x7f, control & 0x07)
      if (irq & IRQ_TIMER) return { ...NOTHING, outcome: 'silent' }
    }
    this.#check() // Neither an answer nor the timer.
    return { ...NOTHING, outcome: 'garbled' }
  }

  /** CRC_A of `bytes`, low byte first, from the coprocessor. Throws when it never finishes. */
  override calculateCRC(bytes: number[]): number[] {
    this.writeRegister(chip.CommandReg, chip.PCD_IDLE)
    this.writeRegister(chip.DivIrqReg, IRQ_CRC) // Bit 7 is 0: clears CRCIRq, so the last result cannot pass for this.
    this.writeRegister(chip.FIFOLevelReg, FLUSH)
    this.#fill(bytes)
    this.writeRegister(chip.CommandReg, chip.PCD_CALCCRC)
    for (let i = 0; i < WAITS_MAX; i++) {
      const [done = 0, low = 0, high = 0] = this.#read(chip.DivIrqReg, chip.CRCResultRegL, chip.CRCResultRegM)
      if (done & IRQ_CRC) {
        this.writeRegister(chip.CommandReg, chip.PCD_IDLE)
        return [low, high]
      }
    }
    throw new Error(NO_ANSWER)
  }

  #sightOf({ outcome, data }: ReturnType<Reader['getUid']>): Sight {
    return outcome === 'card' ? { kind: 'card', uid: Uint8Array.from(data) } : { kind: outcome }
  }

  #answer(error: number, length: number, lastBits: number): Frame {
    if (error & ERROR_COLLISION) return { ...NOTHING, outcome: 'collision' }
    if (error & ERRORS) return { ...NOTHING, outcome: 'garbled' }
    const data = length ? this.#read(...new Array<number>(length).fill(chip.FIFODataReg)) : []
    return { status: true, data, bitSize: length * 8 - (lastBits ? 8 - lastBits : 0), outcome: 'answered' }
  }

  /** Whether the last two of `bytes` are the CRC_A of those before them. */
  #hasCrc(bytes: number[]): boolean {
    const [low, high] = this.calculateCRC(bytes.slice(0, -2))
    return bytes.at(-2) === low && bytes.at(-1) === high
  }

  /** A reader that lost its power for a moment answers, but has forgotten everything: it is set up again. */
  #check(): void {
    this.#requireChip()
    if ((this.readRegister(chip.TxControlReg) & ANTENNA) !== ANTENNA) this.reset()
  }

  #requireChip(): void {
    if (!VERSIONS.includes(this.readRegister(chip.VersionReg))) throw new Error(NO_ANSWER)
  }

  #fill(bytes: number[]): void {
    this.#spi.transfer(Uint8Array.of(chip.FIFODataReg << 1, ...bytes))
  }

  #read(...registers: number[]): number[] {
    return [...this.#spi.transfer(Uint8Array.of(...registers.map((register) => (register << 1) | 0x80), 0)).subarray(1)]
  }
}
