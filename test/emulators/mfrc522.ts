import type { Spi } from '../../terminal/devices/spi.ts'

/**
 * What may go wrong with one radio frame, and only in the field, so that the driver has to notice:
 * - 'removal': every card is taken away before the frame is answered
 * - 'cut': every card is taken away halfway through its answer; the chip receives half, without an error bit
 * - 'silence': the cards do not hear the frame
 * - 'lost_answer': the cards hear it and move on, the chip does not hear them
 * - 'bad_crc': the last byte of the answer (CRC_A, or the check byte of a UID) arrives changed
 * - 'flip': the bits of `bits` arrive inverted, parity fitting
 * - 'parity': the answer arrives with a parity error
 * - 'collision': a single answer looks like two
 */
export type Fault = 'removal' | 'cut' | 'silence' | 'lost_answer' | 'bad_crc' | 'flip' | 'parity' | 'collision'

/** A card to lay on the reader; `uid` in hex, 4, 7 or 10 bytes. ATQA and SAK are those usual for the length. */
export type CardOptions = { uid: string; atqa?: number; sak?: number }

/** Delays in microseconds of the emulator's own clock, which advances with the bytes on the bus alone. */
export type ChipOptions = { version?: number; crcUs?: number; exchangeUs?: number; byteUs?: number }

export type Mfrc522Emulator = Spi & {
  /** Lays a card on the reader. Its `remove` takes it away again. */
  present(card: CardOptions): { remove(): void }
  /** Takes away the cards with this number, or every card. */
  remove(uid?: string): void
  /** Spoils `times` radio frames (1 unless told), after the next `after` ones have passed. */
  fail(kind: Fault, options: { after: number; times?: number; bits?: readonly number[] }): void
  /** Cuts the bus, which then reads as all zeros or all ones; the chip loses its power. */
  unplug(level?: 'low' | 'high'): void
  /** Restores bus and power; the chip has forgotten its settings. */
  plug(): void
  /** SPI transfers so far. */
  readonly exchanges: number
  /** Radio frames sent so far. */
  readonly frames: number
  /** The emulator's clock. */
  readonly nowUs: number
}

const COMMAND = 0x01
const COM_IRQ = 0x04
const DIV_IRQ = 0x05
const ERROR = 0x06
const FIFO_DATA = 0x09
const FIFO_LEVEL = 0x0a
const CONTROL = 0x0c
const BIT_FRAMING = 0x0d
const COLL = 0x0e
const MODE = 0x11
const TX_CONTROL = 0x14
const CRC_HIGH = 0x21
const CRC_LOW = 0x22
const T_MODE = 0x2a
const T_PRESCALER = 0x2b
const T_RELOAD_HIGH = 0x2c
const T_RELOAD_LOW = 0x2d
const VERSION = 0x37

const IRQ = { timer: 0x01, error: 0x02, idle: 0x10, rx: 0x20, tx: 0x40 }
const FIFO_BYTES = 64
const CARRIER_MHZ = 13.56
const BIT_US = 128 / CARRIER_MHZ
const ANSWER_DELAY_US = 1236 / CARRIER_MHZ
const SOFT_RESET_US = 40

/**
 * The MFRC522 and the ISO/IEC 14443-3A cards in its field, byte for byte on the SPI bus. It keeps the chip's vices:
 * interrupt bits that only a write with bit 7 clear takes away, results that stay stale until they are done, a CRC
 * that takes time, silence told by the timer alone (and only if the timer was set up), errors that still leave bytes
 * in the FIFO, and a field that is off after a reset. Crypto1 is not there: authentication always ends in silence.
 */
export function emulateMfrc522({
  version = 0x92,
  crcUs = 2,
  exchangeUs = 20,
  byteUs = 8,
}: ChipOptions = {}): Mfrc522Emulator {
  const register = new Uint8Array(0x40)
  const cards: Card[] = []
  const faults: { kind: Fault; from: number; to: number; bits: readonly number[] }[] = []
  let fifo: number[] = []
  let due: { at: number; run(): void }[] = []
  let crcInput: number[] = []
  let poweredDownUntil = 0
  let bus: 'plugged' | 'low' | 'high' = 'plugged'
  let nowUs = 0
  let exchanges = 0
  let frames = 0

  const at = (address: number) => register[address] ?? 0
  const raise = (irq: number) => {
    register[COM_IRQ] = at(COM_IRQ) | irq
  }

  const reset = () => {
    register.fill(0)
    register[COM_IRQ] = 0x14
    register[COLL] = 0xa0
    register[MODE] = 0x3f
    register[TX_CONTROL] = 0x80
    register[VERSION] = version
    fifo = []
    due = []
    for (const card of cards) card.loseField()
    poweredDownUntil = nowUs + SOFT_RESET_US
  }

  const pass = (us: number) => {
    nowUs += us
    while (true) {
      const next = due.filter((event) => event.at <= nowUs).sort((a, b) => a.at - b.at)[0]
      if (!next) return
      due = due.filter((event) => event !== next)
      next.run()
    }
  }

  const schedule = (afterUs: number, run: () => void) => due.push({ at: nowUs + afterUs, run })

  const fieldIsOn = () => (at(TX_CONTROL) & 0x03) === 0x03

  const push = (byte: number) => {
    if (fifo.length < FIFO_BYTES) fifo.push(byte)
    else register[ERROR] = at(ERROR) | 0x10
  }

  const startCrc = () => {
    crcInput.push(...fifo)
    fifo = []
    schedule(crcUs, () => {
      const value = crc(crcInput, [0x0000, 0x6363, 0xa671, 0xffff][at(MODE) & 0x03] ?? 0)
      register[CRC_LOW] = value & 0xff
      register[CRC_HIGH] = value >> 8
      register[DIV_IRQ] = at(DIV_IRQ) | 0x04
    })
  }

  const receive = (bits: Bit[], collisionAt: number | null, parityError: boolean) => {
    const align = (at(BIT_FRAMING) >> 4) & 0x07
    const shifted = [...new Array<Bit>(align).fill(0), ...bits]
    let error = parityError ? 0x02 : 0
    if (collisionAt !== null) {
      error |= 0x08
      const position = collisionAt + align + 1 // The chip counts from 1, and 32 reads as 0.
      register[COLL] = (at(COLL) & 0x80) | (position > 32 ? 0x20 : position & 0x1f)
      if ((at(COLL) & 0x80) === 0) shifted.fill(0, collisionAt + align)
    } else register[COLL] = (at(COLL) & 0x80) | 0x20
    for (const byte of toBytes(shifted)) push(byte)
    register[CONTROL] = shifted.length % 8
    register[ERROR] = at(ERROR) | error
    raise(error ? IRQ.rx | IRQ.error : IRQ.rx)
  }

  const transmit = (sent: Bit[], listens: boolean) => {
    schedule(sent.length * BIT_US, () => {
      raise(IRQ.tx)
      const fault = faults.find(({ from, to }) => frames >= from && frames < to)
      frames += 1
      if (fault?.kind === 'removal') cards.length = 0
      const hearing = fieldIsOn() && fault?.kind !== 'silence' ? cards : []
      const answers = hearing.map((card) => card.hear(sent)).filter((bits) => bits !== null)
      if (fault?.kind === 'cut') cards.length = 0
      if (!listens) return

      const heard = fault?.kind === 'lost_answer' ? [] : answers
      const timerUs = timerPeriodUs()
      const silent = heard.length === 0
      if (timerUs !== null && (silent || timerUs < ANSWER_DELAY_US)) schedule(timerUs, () => raise(IRQ.timer))
      if (silent) return

      let { bits, collisionAt } = superimpose(heard)
      if (fault?.kind === 'cut') bits = bits.slice(0, bits.length >> 1)
      if (fault?.kind === 'bad_crc') bits = bits.map((bit, i) => (i >= bits.length - 8 ? invert(bit) : bit))
      if (fault?.kind === 'flip') bits = bits.map((bit, i) => (fault.bits.includes(i) ? invert(bit) : bit))
      if (fault?.kind === 'collision') collisionAt = Math.min(collisionAt ?? bits.length, bits.length >> 1)
      schedule(ANSWER_DELAY_US + bits.length * BIT_US, () => receive(bits, collisionAt, fault?.kind === 'parity'))
    })
  }

  const timerPeriodUs = () => {
    if ((at(T_MODE) & 0x80) === 0) return null // Without TAuto nothing starts the timer.
    const prescaler = ((at(T_MODE) & 0x0f) << 8) | at(T_PRESCALER)
    const reload = (at(T_RELOAD_HIGH) << 8) | at(T_RELOAD_LOW)
    return ((2 * prescaler + 1) * (reload + 1)) / CARRIER_MHZ
  }

  const takeFrame = () => {
    const bits = toBits(fifo)
    const lastBits = at(BIT_FRAMING) & 0x07
    fifo = []
    return lastBits ? bits.slice(0, bits.length - 8 + lastBits) : bits
  }

  const command = (value: number) => {
    due = [] // Whatever was running stops, and raises nothing.
    register[COMMAND] = value
    register[ERROR] = 0
    switch (value & 0x0f) {
      case 0x03:
        crcInput = []
        startCrc()
        break
      case 0x04:
        transmit(takeFrame(), false)
        break
      case 0x0e:
        fifo = []
        for (const card of cards) card.loseField()
        schedule(timerPeriodUs() ?? Number.POSITIVE_INFINITY, () => raise(IRQ.timer))
        break
      case 0x0f:
        reset()
    }
  }

  const write = (address: number, value: number) => {
    switch (address) {
      case COMMAND:
        command(value)
        break
      case COM_IRQ:
      case DIV_IRQ:
        register[address] = value & 0x80 ? at(address) | (value & 0x7f) : at(address) & ~value
        break
      case FIFO_DATA:
        push(value)
        if ((at(COMMAND) & 0x0f) === 0x03) startCrc() // The coprocessor goes on eating until it is stopped.
        break
      case FIFO_LEVEL:
        if (value & 0x80) {
          fifo = []
          register[ERROR] = at(ERROR) & ~0x10
        }
        break
      case BIT_FRAMING:
        register[address] = value
        if (value & 0x80 && (at(COMMAND) & 0x0f) === 0x0c && fifo.length > 0) transmit(takeFrame(), true)
        break
      case TX_CONTROL:
        register[address] = value
        if (!fieldIsOn()) for (const card of cards) card.loseField()
        break
      case ERROR:
      case CRC_HIGH:
      case CRC_LOW:
      case VERSION:
        break // Read-only.
      default:
        register[address] = value
    }
  }

  const read = (address: number) => {
    switch (address) {
      case COMMAND:
        return at(COMMAND) | (nowUs < poweredDownUntil ? 0x10 : 0)
      case FIFO_DATA:
        return fifo.shift() ?? 0
      case FIFO_LEVEL:
        return fifo.length
      default:
        return at(address)
    }
  }

  reset()
  return {
    transfer(out) {
      exchanges += 1
      const back = new Uint8Array(out.length)
      if (bus !== 'plugged') {
        pass(exchangeUs + out.length * byteUs)
        return back.fill(bus === 'low' ? 0x00 : 0xff)
      }
      pass(exchangeUs + byteUs)
      const [first = 0] = out
      for (let i = 1; i < out.length; i++) {
        // A read answers each byte with the register that the byte before it named; a write stores all in one.
        if (first & 0x80) back[i] = read(((out[i - 1] ?? 0) >> 1) & 0x3f)
        else write((first >> 1) & 0x3f, out[i] ?? 0)
        pass(byteUs)
      }
      return back
    },
    present(options) {
      const card = new Card(options)
      cards.push(card)
      return {
        remove() {
          const index = cards.indexOf(card)
          if (index >= 0) cards.splice(index, 1)
        },
      }
    },
    remove(uid) {
      for (let i = cards.length - 1; i >= 0; i--) if (uid === undefined || cards[i]?.uid === uid) cards.splice(i, 1)
    },
    fail(kind, { after, times = 1, bits = [] }) {
      faults.push({ kind, from: frames + after, to: frames + after + times, bits })
    },
    unplug(level = 'low') {
      bus = level
      reset()
    },
    plug() {
      bus = 'plugged'
      reset()
    },
    get exchanges() {
      return exchanges
    },
    get frames() {
      return frames
    },
    get nowUs() {
      return nowUs
    },
  }
}

type Bit = 0 | 1

const CASCADE_TAG = 0x88
const SELECT = [0x93, 0x95, 0x97]

/** A card as ISO/IEC 14443-3 type A draws its states; asterisked states are those with `wasHalted`. */
class Card {
  readonly uid: string
  #levels: number[][]
  #atqa: number
  #sak: number
  #state: 'idle' | 'ready' | 'active' | 'halt' = 'idle'
  #level = 0
  #wasHalted = false

  constructor({ uid, atqa, sak }: CardOptions) {
    const bytes = [...Buffer.from(uid, 'hex')]
    const size = [4, 7, 10].indexOf(bytes.length)
    if (size < 0) throw new Error(`${uid} is no UID of 4, 7 or 10 bytes`)
    this.uid = uid
    this.#atqa = atqa ?? [0x0004, 0x0044, 0x0084][size] ?? 0
    this.#sak = sak ?? [0x08, 0x00, 0x20][size] ?? 0
    this.#levels = []
    for (let left = bytes; left.length > 0; ) {
      const part = left.length > 4 ? [CASCADE_TAG, ...left.splice(0, 3)] : left.splice(0, 4)
      this.#levels.push([...part, part.reduce((a, b) => a ^ b)])
    }
  }

  loseField() {
    this.#state = 'idle'
    this.#wasHalted = false
  }

  /** The card's answer to a frame, without parity bits; null is silence. */
  hear(frame: Bit[]): Bit[] | null {
    if (frame.length === 7) return this.#hearShort(toBytes(frame)[0] ?? 0)
    switch (this.#state) {
      case 'idle':
      case 'halt':
        return null
      case 'ready':
        return this.#hearReady(frame)
      case 'active':
        if (toBytes(frame).join() === '80,0,87,205') this.#state = 'halt'
        else this.#rest()
        return null
    }
  }

  #hearShort(value: number): Bit[] | null {
    if (this.#state === 'ready' || this.#state === 'active') return this.#rest() // Woken twice is an error.
    if (value !== 0x52 && !(value === 0x26 && this.#state === 'idle')) return null
    this.#wasHalted = this.#state === 'halt'
    this.#state = 'ready'
    this.#level = 0
    return toBits([this.#atqa & 0xff, this.#atqa >> 8])
  }

  #hearReady(frame: Bit[]): Bit[] | null {
    const bytes = toBytes(frame)
    const own = this.#levels[this.#level] ?? []
    const [select, nvb = 0] = bytes
    if (select !== SELECT[this.#level]) return this.#rest()
    if (nvb === 0x70) {
      const value = crc(bytes.slice(0, 7), 0x6363)
      const whole = frame.length === 72 && bytes[7] === (value & 0xff) && bytes[8] === value >> 8
      if (!whole || !own.every((byte, i) => byte === bytes[i + 2])) return this.#rest()
      const last = this.#level === this.#levels.length - 1
      if (last) this.#state = 'active'
      else this.#level += 1
      return withCrc([last ? this.#sak : 0x04])
    }
    const known = ((nvb >> 4) - 2) * 8 + (nvb & 0x07)
    const bits = toBits(own)
    if (known < 0 || known >= 40 || frame.length !== 16 + known) return this.#rest()
    if (!frame.slice(16).every((bit, i) => bit === bits[i])) return this.#rest()
    return bits.slice(known)
  }

  #rest(): null {
    this.#state = this.#wasHalted ? 'halt' : 'idle'
    return null
  }
}

/** Several cards answer at once: where they differ first is the collision, and what is heard is the sum of them. */
function superimpose(answers: Bit[][]): { bits: Bit[]; collisionAt: number | null } {
  const length = Math.max(...answers.map((bits) => bits.length))
  const bits: Bit[] = []
  let collisionAt: number | null = null
  for (let i = 0; i < length; i++) {
    const heard = new Set(answers.flatMap((answer) => answer[i] ?? []))
    if (heard.size > 1) collisionAt ??= i
    bits.push(heard.has(1) ? 1 : 0)
  }
  return { bits, collisionAt }
}

/** CRC_A and its relatives (ISO/IEC 13239): polynomial 8408, low byte sent first. */
function crc(bytes: readonly number[], preset: number): number {
  let value = preset
  for (const byte of bytes) {
    value ^= byte
    for (let i = 0; i < 8; i++) value = value & 1 ? (value >> 1) ^ 0x8408 : value >> 1
  }
  return value
}

function withCrc(bytes: number[]): Bit[] {
  const value = crc(bytes, 0x6363)
  return toBits([...bytes, value & 0xff, value >> 8])
}

function toBits(bytes: readonly number[]): Bit[] {
  return bytes.flatMap((byte) => Array.from({ length: 8 }, (_, i) => ((byte >> i) & 1) as Bit))
}

function toBytes(bits: readonly Bit[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0)
  bits.forEach((bit, i) => {
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7))
  })
  return bytes
}

function invert(bit: Bit): Bit {
  return bit ? 0 : 1
}
