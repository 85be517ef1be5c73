import type { Spi } from '../../terminal/devices/spi.ts'
import { type Bit, Card, type CardOptions, crc, toBits, toBytes } from './card.ts'

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
 * - 'nak': the cards that listen answer NAK, and do nothing of what they were told
 * - 'torn': the cards hear the frame and are taken away at once; half of what it would store is stored
 * - 'slow_crc': the coprocessor takes a millisecond for what it is given after the frame
 */
export type Fault =
  | 'removal'
  | 'cut'
  | 'silence'
  | 'lost_answer'
  | 'bad_crc'
  | 'flip'
  | 'parity'
  | 'collision'
  | 'nak'
  | 'torn'
  | 'slow_crc'

/** Delays in microseconds of the emulator's own clock, which advances with the bytes on the bus alone. */
export type ChipOptions = {
  version?: number
  crcUs?: number
  exchangeUs?: number
  frameUs?: number
  byteUs?: number
}

export type Mfrc522Emulator = Spi & {
  /** Lays a card on the reader. Its `remove` takes it away again. */
  present(card: CardOptions): { remove(): void; memory: Uint8Array }
  /** Takes away the cards with this number, or every card. */
  remove(uid?: string): void
  /** Spoils `times` radio frames (1 unless told), after the next `after` ones have passed. */
  fail(kind: Fault, options: { after: number; times?: number; bits?: readonly number[] }): void
  /** Cuts the bus, which then reads as all zeros or all ones; the chip loses its power. */
  unplug(level?: 'low' | 'high'): void
  /** Restores bus and power; the chip has forgotten its settings. */
  plug(): void
  /** Exchanges with the kernel so far, of any number of frames each. */
  readonly exchanges: number
  /** Frames on the bus so far: how often chip select was asserted. */
  readonly selects: number
  /** Radio frames sent so far. */
  readonly frames: number
  /** The emulator's clock. */
  readonly nowUs: number
}

const COMMAND = 0x01
const COM_IRQ = 0x04
const DIV_IRQ = 0x05
const ERROR = 0x06
const STATUS_2 = 0x08
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
const SLOW_CRC_US = 1_000
const AUTHENTICATION_US = 2_000
const CRYPTO_ON = 0x08

/**
 * The MFRC522 and the ISO/IEC 14443-3A cards in its field, byte for byte on the SPI bus. It keeps the chip's vices:
 * interrupt bits that only a write with bit 7 clear takes away, results that stay stale until they are done, a CRC
 * that takes time, silence told by the timer alone (and only if the timer was set up), errors that still leave bytes
 * in the FIFO, a start bit and a cipher that stay on until they are taken away, and a field that is off after a reset.
 * Of Crypto1 there is only who has the key: chip and card understand each other when both encipher, or neither does.
 */
export function emulateMfrc522({
  version = 0x92,
  crcUs = 2,
  exchangeUs = 20,
  frameUs = 10,
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
  let nextAt = Number.POSITIVE_INFINITY
  let nowUs = 0
  let exchanges = 0
  let selects = 0
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
    forget()
    for (const card of cards) card.loseField()
    poweredDownUntil = nowUs + SOFT_RESET_US
  }

  /** Time goes by, and what is due comes to pass in its order. */
  const pass = (us: number) => {
    nowUs += us
    while (nextAt <= nowUs) {
      const next = due.find(({ at }) => at === nextAt)
      due = due.filter((event) => event !== next)
      nextAt = earliest()
      next?.run()
    }
  }

  const earliest = () => due.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)

  const schedule = (afterUs: number, run: () => void) => {
    due.push({ at: nowUs + afterUs, run })
    nextAt = earliest()
  }

  const forget = () => {
    due = []
    nextAt = Number.POSITIVE_INFINITY
  }

  const faultAt = (frame: number) => faults.find(({ from, to }) => frame >= from && frame < to)

  const fieldIsOn = () => (at(TX_CONTROL) & 0x03) === 0x03

  const push = (byte: number) => {
    if (fifo.length < FIFO_BYTES) fifo.push(byte)
    else register[ERROR] = at(ERROR) | 0x10
  }

  const startCrc = () => {
    crcInput.push(...fifo)
    fifo = []
    schedule(faultAt(frames - 1)?.kind === 'slow_crc' ? SLOW_CRC_US : crcUs, () => {
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
      const fault = faultAt(frames)
      frames += 1
      if (fault?.kind === 'removal') cards.length = 0
      const hearing = fieldIsOn() && fault?.kind !== 'silence' ? cards : []
      const answers = hearing
        .map((card) =>
          fault?.kind === 'nak' ? card.refuse(sent) : card.hear(sent, enciphers(), fault?.kind === 'torn'),
        )
        .filter((bits) => bits !== null)
      if (fault?.kind === 'cut' || fault?.kind === 'torn') cards.length = 0
      if (!listens) return

      const heard = fault?.kind === 'lost_answer' || fault?.kind === 'torn' ? [] : answers
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

  const enciphers = () => (at(STATUS_2) & CRYPTO_ON) !== 0

  /** Three passes of Crypto1 that the chip makes by itself; here one frame, which any fault spoils. */
  const authenticate = (sent: number[]) => {
    const fault = faultAt(frames)
    frames += 1
    if (fault?.kind === 'removal' || fault?.kind === 'cut' || fault?.kind === 'torn') cards.length = 0
    const hearing = fieldIsOn() && fault?.kind !== 'silence' ? cards : []
    const opened = hearing.filter((card) => card.authenticate(sent, enciphers())).length === 1
    if (fault?.kind === 'nak') for (const card of cards) card.refuse([])
    if (opened && (fault === undefined || fault.kind === 'slow_crc')) {
      schedule(AUTHENTICATION_US, () => {
        register[STATUS_2] = at(STATUS_2) | CRYPTO_ON
        raise(IRQ.idle)
      })
    } else schedule(AUTHENTICATION_US + (timerPeriodUs() ?? Number.POSITIVE_INFINITY), () => raise(IRQ.timer))
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
    forget() // Whatever was running stops, and raises nothing.
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
      case 0x0c:
        if (at(BIT_FRAMING) & 0x80 && fifo.length > 0) transmit(takeFrame(), true)
        break
      case 0x0e: {
        const sent = fifo
        fifo = []
        authenticate(sent)
        break
      }
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
      case STATUS_2:
        register[STATUS_2] = value & (at(STATUS_2) | ~CRYPTO_ON) // Software takes the bit away, and cannot set it.
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

  /** One frame: chip select falls, bytes go both ways, chip select rises. */
  const exchange = (out: Uint8Array) => {
    selects += 1
    const back = new Uint8Array(out.length)
    if (bus !== 'plugged') {
      pass(frameUs + out.length * byteUs)
      return back.fill(bus === 'low' ? 0x00 : 0xff)
    }
    pass(frameUs + byteUs)
    const [first = 0] = out
    for (let i = 1; i < out.length; i++) {
      // A read answers each byte with the register that the byte before it named; a write stores all in one.
      if (first & 0x80) {
        const address = ((out[i - 1] ?? 0) >> 1) & 0x3f
        const value = read(address)
        back[i] = value
        // The same register again, before anything is due: the same value, and most of what a driver that waits reads.
        while (address === COM_IRQ && out[i] === out[i - 1] && i + 1 < out.length && nowUs + byteUs < nextAt) {
          nowUs += byteUs
          i += 1
          back[i] = value
        }
      } else write((first >> 1) & 0x3f, out[i] ?? 0)
      pass(byteUs)
    }
    return back
  }

  reset()
  return {
    transfer(...sent) {
      exchanges += 1
      pass(exchangeUs)
      return sent.map(exchange)
    },
    present(options) {
      const card = new Card(options)
      cards.push(card)
      return {
        remove() {
          const index = cards.indexOf(card)
          if (index >= 0) cards.splice(index, 1)
        },
        memory: card.memory,
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
    get selects() {
      return selects
    },
    get frames() {
      return frames
    },
    get nowUs() {
      return nowUs
    },
  }
}

/** Several cards answer at once: where they differ first is the collision, and what is heard is the sum of them. */
function superimpose(answers: Bit[][]): { bits: Bit[]; collisionAt: number | null } {
  if (answers.length === 1) return { bits: answers[0] ?? [], collisionAt: null }
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

function invert(bit: Bit): Bit {
  return bit ? 0 : 1
}
