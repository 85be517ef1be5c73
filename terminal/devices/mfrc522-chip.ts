/// <reference path="./mfrc522-rpi.d.ts" />
import Driver from 'mfrc522-rpi'
import chip from 'mfrc522-rpi/commands.js'
import { ReaderFailure } from './card-reader.ts'
import { crcA } from './crc-a.ts'
import type { Spi } from './spi.ts'

/**
 * What became of one radio frame. `data` and `bitSize` are the whole answer of a clean frame (`status` true) and empty
 * otherwise. A card that authenticates answers with nothing to read.
 */
export type Frame = {
  status: boolean
  data: number[]
  bitSize: number
  outcome: 'answered' | 'silent' | 'collision' | 'garbled'
}

// NXP's version 1.0, 2.0 and the clones in circulation (FM17522 and its like).
const VERSIONS: readonly number[] = [0x91, 0x92, 0x88, 0x12, 0xb2]

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
const CRYPTO_ON = 0x08
const ANTENNA = 0x03
const TX_CONTROL = 0x80 | ANTENNA

// The timer starts by itself after each transmission and stops at the first bits of an answer. 13.56 MHz / (2 × 677 + 1)
// makes ticks of 100 µs, so that one register holds the longest wait of all.
const TIMER_AUTO = 0x80
const PRESCALER = 677
const TICKS_PER_MS = 10

/** A card must begin its answer 91 µs after WUPA and its like (ISO/IEC 14443-3, 6.2.1.1): so much silence is no card. */
const SILENCE_MS = 1

// One transfer may read a list of registers (section 8.1.2.1). At 1 MHz these take 1.2 ms and, with some for each byte
// sent, outlast the timer of a poll: one that finds nothing is a single exchange. All waits outlast the timer's longest.
const WAIT_READS = 150
const WAIT_READS_PER_BYTE = 11
const WAITS_MAX = 50
const NEIGHBOURS = [
  chip.ErrorReg,
  chip.FIFOLevelReg,
  chip.ControlReg,
  chip.Status2Reg,
  chip.TxControlReg,
  chip.VersionReg,
]

const FIFO_BYTES = 64
/** Each bit alone set, each alone clear, and then in mixed company. */
const ECHO = Uint8Array.from({ length: FIFO_BYTES }, (_, i) => (i < 8 ? 1 << i : i < 16 ? ~(1 << (i - 8)) : i * 37))

const NO_ANSWER = 'the card reader does not answer'
const NOTHING = { status: false, data: [], bitSize: 0 }

const writing = (register: number, ...values: number[]) => Uint8Array.of(register << 1, ...values)
const reading = (...registers: number[]) => Uint8Array.of(...registers.map((register) => (register << 1) | 0x80), 0)
const STATE = NEIGHBOURS.length + 1 // The last look at the interrupt bits, and what stands after them.
const repeated = (register: number, times: number) => new Array<number>(times).fill(register)
const waiting = (reads: number) => reading(...repeated(chip.CommIrqReg, reads), ...NEIGHBOURS)

/**
 * mfrc522-rpi with its traffic done over: a radio frame is one exchange with the kernel where the chip's speed allows,
 * answers are as long as they are, and every wait is bounded. Each method throws ReaderFailure when the chip is gone.
 */
export class Mfrc522 extends Driver {
  #spi: Spi

  constructor(spi: Spi) {
    const one = (out: Uint8Array) => spi.transfer(out)[0] ?? out
    super({ open() {}, write: one, transfer: one })
    this.#spi = spi
  }

  /** Tests bus and chip, and sets the chip up with its field on. Gives the chip's version. */
  override reset(): number {
    const version = this.#version()
    this.writeRegister(chip.CommandReg, chip.PCD_RESETPHASE)
    this.#untilOutOfReset()
    this.#echo()
    this.#coprocessor()
    this.#setUp()
    return version
  }

  /**
   * Sends `bytes`, of the last one only `lastBits` bits unless that is 0, and waits for the end of the answer or for
   * `silenceMs` without one (25 at most).
   */
  override toCard(command: number, bytes: readonly number[], lastBits = 0, silenceMs = SILENCE_MS): Frame {
    const framing = writing(chip.BitFramingReg, START_SEND | lastBits)
    let state = this.#exchange(
      writing(chip.CommandReg, chip.PCD_IDLE),
      writing(chip.CommIrqReg, 0x7f), // Bit 7 is 0: clears them all.
      writing(chip.FIFOLevelReg, FLUSH),
      writing(chip.TReloadRegL, silenceMs * TICKS_PER_MS),
      writing(chip.BitFramingReg, lastBits), // A start bit left standing would send what is not there yet.
      writing(chip.FIFODataReg, ...bytes),
      writing(chip.CommandReg, command),
      ...(command === chip.PCD_TRANSCEIVE ? [framing] : []),
      waiting(WAIT_READS + WAIT_READS_PER_BYTE * bytes.length),
    )
    const finished = command === chip.PCD_AUTHENT ? IRQ_IDLE : IRQ_RX | IRQ_IDLE
    for (let waits = 0; waits < WAITS_MAX; waits++) {
      // What stands after the interrupt bits in the same transfer is final once they say so.
      const [irq = 0, error = 0, length = 0, control = 0, status = 0, field = 0, version = 0] = state.subarray(-STATE)
      if (!VERSIONS.includes(version)) {
        this.#version() // Asked again, it is the chip that has gone; if it answers now, a wire was disturbed.
        return { ...NOTHING, outcome: 'garbled' }
      }
      if ((field & ANTENNA) !== ANTENNA) {
        this.#setUp() // It lost its power for a moment, and has forgotten everything.
        return { ...NOTHING, outcome: 'silent' }
      }
      if (irq & finished) {
        if (command === chip.PCD_AUTHENT) return { ...NOTHING, status: (status & CRYPTO_ON) !== 0, outcome: 'answered' }
        return this.#answer(error, length & 0x7f, control & 0x07)
      }
      if (irq & IRQ_TIMER) return { ...NOTHING, outcome: 'silent' }
      state = this.#exchange(waiting(WAIT_READS))
    }
    throw new ReaderFailure('broken', 'the card reader is broken: its timer stands still')
  }

  /** Ends the encryption that an authentication began. */
  stopCrypto(): void {
    this.writeRegister(chip.Status2Reg, 0)
  }

  /** CRC_A of `bytes`, low byte first, from the coprocessor. */
  override calculateCRC(bytes: readonly number[]): number[] {
    this.#spi.transfer(
      writing(chip.CommandReg, chip.PCD_IDLE),
      writing(chip.DivIrqReg, IRQ_CRC), // Bit 7 is 0: clears CRCIRq, so that the last result cannot pass for this one.
      writing(chip.FIFOLevelReg, FLUSH),
      writing(chip.FIFODataReg, ...bytes),
      writing(chip.CommandReg, chip.PCD_CALCCRC),
    )
    for (let waits = 0; waits < WAITS_MAX; waits++) {
      const [done = 0, low = 0, high = 0] = this.#read(chip.DivIrqReg, chip.CRCResultRegL, chip.CRCResultRegM)
      if (done & IRQ_CRC) {
        this.writeRegister(chip.CommandReg, chip.PCD_IDLE)
        return [low, high]
      }
    }
    this.#version()
    throw new ReaderFailure('broken', 'the card reader is broken: its coprocessor never finishes')
  }

  #answer(error: number, length: number, lastBits: number): Frame {
    if (error & ERROR_COLLISION) return { ...NOTHING, outcome: 'collision' }
    if (error & ERRORS) return { ...NOTHING, outcome: 'garbled' }
    const data = length ? this.#read(...repeated(chip.FIFODataReg, length)) : []
    return { status: true, data, bitSize: length * 8 - (lastBits ? 8 - lastBits : 0), outcome: 'answered' }
  }

  #version(): number {
    const version = this.readRegister(chip.VersionReg)
    if (VERSIONS.includes(version)) return version
    throw missing(version)
  }

  #untilOutOfReset(): void {
    const look = reading(...repeated(chip.CommandReg, WAIT_READS))
    for (let waits = 0; waits < WAITS_MAX; waits++) {
      if (((this.#exchange(look).at(-1) ?? 0) & POWER_DOWN) === 0) return
    }
    this.#version()
    throw new ReaderFailure('broken', 'the card reader is broken: it does not come out of its reset')
  }

  /** Fills the FIFO and reads it back: a wire that is loose or too long shows itself here rather than in a card. */
  #echo(): void {
    const back = this.#exchange(
      writing(chip.FIFOLevelReg, FLUSH),
      writing(chip.FIFODataReg, ...ECHO),
      reading(chip.FIFOLevelReg, ...repeated(chip.FIFODataReg, FIFO_BYTES)),
    )
    const level = back.at(-FIFO_BYTES - 1) ?? 0
    const changed = back.subarray(-FIFO_BYTES).filter((byte, i) => byte !== ECHO[i]).length
    if (level === FIFO_BYTES && changed === 0) return
    this.#version()
    throw new ReaderFailure(
      'miswired',
      `the card reader is badly wired: of ${FIFO_BYTES} bytes ${level} arrived and ${changed} came back changed; ` +
        'check the wires MOSI, MISO and SCK, and that they are short',
    )
  }

  /** The digital part at work, on the bytes of the echo that one frame may hold. */
  #coprocessor(): void {
    this.writeRegister(chip.ModeReg, MODE)
    const sample = [...ECHO.subarray(0, 16)]
    const [low, high] = this.calculateCRC(sample)
    const [expectedLow, expectedHigh] = crcA(sample)
    if (low === expectedLow && high === expectedHigh) return
    this.#version()
    throw new ReaderFailure('broken', 'the card reader is broken: its coprocessor counts wrong')
  }

  #setUp(): void {
    const [field = 0] = this.#exchange(
      writing(chip.TModeReg, TIMER_AUTO | (PRESCALER >> 8)),
      writing(chip.TPrescalerReg, PRESCALER & 0xff),
      writing(chip.TReloadRegH, 0),
      writing(chip.TxAutoReg, 0x40), // 100 % amplitude modulation, type A.
      writing(chip.ModeReg, MODE),
      writing(chip.TxControlReg, TX_CONTROL),
      reading(chip.TxControlReg),
    )
    if ((field & ANTENNA) === ANTENNA) return
    this.#version()
    throw new ReaderFailure('broken', 'the card reader is broken: its field does not come on')
  }

  /** One exchange; gives what its last frame read. */
  #exchange(...frames: Uint8Array[]): Uint8Array {
    return (
      this.#spi
        .transfer(...frames)
        .at(-1)
        ?.subarray(1) ?? new Uint8Array()
    )
  }

  #read(...registers: number[]): number[] {
    return [...this.#exchange(reading(...registers))]
  }
}

/** The coprocessor starts from 6363, as CRC_A does. */
const MODE = 0x3d

/** What a version that is none of the known ones says. */
function missing(version: number): ReaderFailure {
  if (version === 0x00 || version === 0xff) {
    return new ReaderFailure(
      'missing',
      `${NO_ANSWER}: nothing is on the SPI bus; is it plugged in, does it have its 3.3 V, and is SDA on the right pin?`,
    )
  }
  const said = version.toString(16).padStart(2, '0')
  return new ReaderFailure(
    'unknown',
    `${NO_ANSWER} as an MFRC522 does: version ${said} is another chip, or loose wires`,
  )
}
