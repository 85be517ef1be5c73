export type Bit = 0 | 1

/** MIFARE Classic 1K, the first Ultralight (which knows no GET_VERSION), Ultralight EV1, NTAG213, or no memory at all. */
export type CardKind = 'classic' | 'ultralight' | 'ultralight_ev1' | 'ntag' | 'other'

/**
 * A card; `uid` in hex, 4, 7 or 10 bytes. ATQA, SAK and kind are those usual for the length (7 bytes: NTAG). `memory`
 * is what an earlier card of the same kind left: the same card laid again. A new one is empty, with the factory's keys.
 */
export type CardOptions = { uid: string; kind?: CardKind; atqa?: number; sak?: number; memory?: Uint8Array }

const CASCADE_TAG = 0x88
const SELECT = [0x93, 0x95, 0x97]
const ACK = 0xa
const NAK_ARGUMENT = 0x0
const NAK_CRC = 0x1
const NAK_ACCESS = 0x4

const BLOCK_BYTES = 16
const SECTOR_BYTES = 4 * BLOCK_BYTES
const KEY_BYTES = 6
const PAGE_BYTES = 4
const BYTES: Record<CardKind, number> = { classic: 1024, ultralight: 64, ultralight_ev1: 80, ntag: 180, other: 0 }
const SAK: Record<CardKind, number> = { classic: 0x08, ultralight: 0x00, ultralight_ev1: 0x00, ntag: 0x00, other: 0x20 }
const VERSION: Partial<Record<CardKind, number[]>> = {
  ultralight_ev1: [0x00, 0x04, 0x03, 0x01, 0x01, 0x00, 0x0b, 0x03],
  ntag: [0x00, 0x04, 0x04, 0x02, 0x01, 0x00, 0x0f, 0x03],
}

/** The kind of card that a number of this length is usual on. */
export function kindOf(uid: string): CardKind {
  return uid.length === 8 ? 'classic' : uid.length === 14 ? 'ntag' : 'other'
}

/** What a card of this kind holds when it leaves the factory. */
export function blankMemory(kind: CardKind): Uint8Array {
  const memory = new Uint8Array(BYTES[kind])
  if (kind !== 'classic') return memory
  for (let trailer = SECTOR_BYTES - BLOCK_BYTES; trailer < memory.length; trailer += SECTOR_BYTES) {
    memory.fill(0xff, trailer, trailer + BLOCK_BYTES)
    memory.set([0xff, 0x07, 0x80, 0x69], trailer + KEY_BYTES)
  }
  return memory
}

/** A card as ISO/IEC 14443-3 type A draws its states; asterisked states are those with `wasHalted`. */
export class Card {
  readonly uid: string
  /** Blocks of 16 bytes or pages of 4, from the first. */
  readonly memory: Uint8Array
  #kind: CardKind
  #levels: number[][]
  #atqa: number
  #sak: number
  #state: 'idle' | 'ready' | 'active' | 'halt' = 'idle'
  #level = 0
  #wasHalted = false
  #openSector: number | null = null // Since then all it hears and says is enciphered.
  #writing: number | null = null // The block that a first step named.

  constructor({ uid, kind, atqa, sak, memory }: CardOptions) {
    const bytes = [...Buffer.from(uid, 'hex')]
    const size = [4, 7, 10].indexOf(bytes.length)
    if (size < 0) throw new Error(`${uid} is no UID of 4, 7 or 10 bytes`)
    this.uid = uid
    this.#kind = kind ?? kindOf(uid)
    this.#atqa = atqa ?? [0x0004, 0x0044, 0x0084][size] ?? 0
    this.#sak = sak ?? SAK[this.#kind]
    this.#levels = []
    for (let left = bytes; left.length > 0; ) {
      const part = left.length > 4 ? [CASCADE_TAG, ...left.splice(0, 3)] : left.splice(0, 4)
      this.#levels.push([...part, part.reduce((a, b) => a ^ b)])
    }
    this.memory = memory ?? blankMemory(this.#kind)
  }

  loseField() {
    this.#wasHalted = false
    this.#rest()
  }

  /**
   * The card's answer to a frame, without parity bits; null is silence. `torn`: its power fails in the middle of
   * whatever it would store now.
   */
  hear(frame: Bit[], enciphered: boolean, torn: boolean): Bit[] | null {
    if (enciphered !== (this.#openSector !== null)) {
      // Gibberish to this card, which only one that listens minds.
      return this.#state === 'ready' || this.#state === 'active' ? this.#rest() : null
    }
    if (frame.length === 7) return this.#hearShort(toBytes(frame)[0] ?? 0)
    switch (this.#state) {
      case 'idle':
      case 'halt':
        return null
      case 'ready':
        return this.#hearReady(frame)
      case 'active':
        return this.#hearActive(toBytes(frame), torn)
    }
  }

  /** Answers NAK to whatever it is told, if it listens. */
  refuse(frame: Bit[]): Bit[] | null {
    if ((this.#state === 'idle' || this.#state === 'halt') && frame.length !== 7) return null
    return this.#nak(NAK_ARGUMENT)
  }

  /** Whether a key A opens the sector of a block. The chip does the rest. */
  authenticate([command, block = 0, ...rest]: number[], enciphered: boolean): boolean {
    const key = rest.slice(0, KEY_BYTES)
    const uid = rest.slice(KEY_BYTES)
    const sector = block >> 2
    const own = [...Buffer.from(this.uid, 'hex')].slice(-4)
    const heard = this.#state === 'active' && enciphered === (this.#openSector !== null)
    const trailer = (sector + 1) * SECTOR_BYTES - BLOCK_BYTES
    const fits =
      heard &&
      this.#kind === 'classic' &&
      command === 0x60 &&
      block * BLOCK_BYTES < this.memory.length &&
      own.join() === uid.join() &&
      [...this.memory.subarray(trailer, trailer + KEY_BYTES)].join() === key.join()
    if (fits) this.#openSector = sector
    else if (this.#state === 'ready' || this.#state === 'active') this.#rest()
    return fits
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

  #hearActive(frame: number[], torn: boolean): Bit[] | null {
    const content = frame.slice(0, -2)
    const value = crc(content, 0x6363)
    if (frame.at(-2) !== (value & 0xff) || frame.at(-1) !== value >> 8) return this.#nak(NAK_CRC)
    if (content.join() === '80,0') {
      this.#rest()
      this.#state = 'halt'
      return null
    }
    switch (this.#kind) {
      case 'classic':
        return this.#hearClassic(content, torn)
      case 'ultralight':
      case 'ultralight_ev1':
      case 'ntag':
        return this.#hearPages(content, torn)
      case 'other':
        return this.#rest()
    }
  }

  #hearClassic(content: number[], torn: boolean): Bit[] | null {
    const [command, block = 0] = content
    if (this.#writing !== null) {
      if (content.length !== BLOCK_BYTES) return this.#nak(NAK_ARGUMENT)
      this.#store(this.#writing * BLOCK_BYTES, content, torn)
      this.#writing = null
      return toBits([ACK]).slice(0, 4)
    }
    if (block >> 2 !== this.#openSector) return this.#nak(NAK_ACCESS)
    const block16 = [...this.memory.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)]
    if (command === 0x30) return withCrc(block % 4 === 3 ? block16.fill(0, 0, 6) : block16)
    if (command !== 0xa0) return this.#nak(NAK_ACCESS)
    this.#writing = block
    return toBits([ACK]).slice(0, 4)
  }

  #hearPages(content: number[], torn: boolean): Bit[] | null {
    const [command, first = 0, last = 0] = content
    const pages = this.memory.length / PAGE_BYTES
    const version = VERSION[this.#kind]
    const from = (page: number, count: number) =>
      Array.from(
        { length: count * PAGE_BYTES },
        (_, i) => this.memory[(page * PAGE_BYTES + i) % this.memory.length] ?? 0,
      )
    if (command === 0x60 && version) return withCrc(version)
    if (command === 0x30 && first < pages) return withCrc(from(first, 4))
    if (command === 0x3a && version && first <= last && last < pages) return withCrc(from(first, last - first + 1))
    if (command === 0xa2 && first >= 2 && first < pages && content.length === 2 + PAGE_BYTES) {
      this.#store(first * PAGE_BYTES, content.slice(2), torn)
      return toBits([ACK]).slice(0, 4)
    }
    return this.#nak(NAK_ARGUMENT)
  }

  #store(at: number, bytes: number[], torn: boolean) {
    this.memory.set(torn ? bytes.slice(0, bytes.length >> 1) : bytes, at)
  }

  #nak(code: number): Bit[] {
    this.#rest()
    return toBits([code]).slice(0, 4)
  }

  #rest(): null {
    this.#state = this.#wasHalted ? 'halt' : 'idle'
    this.#openSector = null
    this.#writing = null
    return null
  }
}

/** CRC_A and its relatives (ISO/IEC 13239): polynomial 8408, low byte sent first. */
export function crc(bytes: readonly number[], preset: number): number {
  let value = preset
  for (const byte of bytes) {
    value ^= byte
    for (let i = 0; i < 8; i++) value = value & 1 ? (value >> 1) ^ 0x8408 : value >> 1
  }
  return value
}

export function toBits(bytes: readonly number[]): Bit[] {
  return bytes.flatMap((byte) => Array.from({ length: 8 }, (_, i) => ((byte >> i) & 1) as Bit))
}

export function toBytes(bits: readonly Bit[]): number[] {
  const bytes = new Array<number>(Math.ceil(bits.length / 8)).fill(0)
  bits.forEach((bit, i) => {
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7))
  })
  return bytes
}

function withCrc(bytes: number[]): Bit[] {
  const value = crc(bytes, 0x6363)
  return toBits([...bytes, value & 0xff, value >> 8])
}
