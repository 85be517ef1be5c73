import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { CardReader, Tap } from '../terminal/devices/card-reader.ts'
import { fieldOf } from '../terminal/devices/field.ts'
import { mfrc522 } from '../terminal/devices/mfrc522.ts'
import { Mfrc522 } from '../terminal/devices/mfrc522-chip.ts'
import { sectorKeysOf } from '../terminal/devices/sector-key.ts'
import { blankMemory, type CardKind, type CardOptions } from './emulators/card.ts'
import { emulateMfrc522 } from './emulators/mfrc522.ts'

type CardTap = Extract<Tap, { kind: 'card' }>

const CLASSIC = '3cb17f5e'
const NTAG = '04a1b2c3d4e5f8'
const SIXTEEN = Uint8Array.from({ length: 16 }, (_, i) => 0xa0 + i)
const SECTOR = 60 * 16
const TRAILER = 63 * 16
const PAGES = 8 * 4
const WAIT_MAX_US = 300_000

/** What `serve` gives for the first tap of a card; the reader is asked for no more. */
async function served<T>(reader: CardReader, serve: (tap: CardTap) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  for await (const tap of reader.taps(stop.signal)) {
    if (tap.kind !== 'card') throw new Error(`a card was expected: ${tap.reason}`)
    const result = await serve(tap)
    stop.abort()
    return result
  }
  throw new Error('no card was read')
}

function laid(card: CardOptions) {
  const chip = emulateMfrc522()
  const { memory } = chip.present(card)
  return { chip, memory, reader: mfrc522(chip, { pollMs: 1 }) }
}

describe('the type of a card', () => {
  test.each([
    ['MIFARE Classic 1K', { uid: CLASSIC, sak: 0x08 }, 'classic'],
    ['MIFARE Classic 4K', { uid: CLASSIC, sak: 0x18 }, 'classic'],
    ['MIFARE Classic 1K with 7 bytes', { uid: NTAG, kind: 'classic' }, 'classic'],
    ['MIFARE Mini, which has no sector 15', { uid: CLASSIC, sak: 0x09 }, 'other'],
    ['the first Ultralight', { uid: NTAG, kind: 'ultralight' }, 'ultralight'],
    ['Ultralight EV1', { uid: NTAG, kind: 'ultralight_ev1' }, 'ultralight'],
    ['NTAG213', { uid: NTAG, kind: 'ntag' }, 'ntag'],
    ['a card with a processor', { uid: NTAG, kind: 'other' }, 'other'],
    ['10 bytes', { uid: '0411223344556677a0b1' }, 'other'],
    ['4 bytes that claim to be an Ultralight', { uid: CLASSIC, sak: 0x00 }, 'other'],
  ] as const)('%s', async (_, card: CardOptions, type) => {
    const { reader } = laid(card)
    const tap = await served(reader, async (seen) => seen)
    expect(tap.type).toBe(type)
    expect(tap.memory === null).toBe(type === 'other')
  })
})

describe('the slots of a card', () => {
  test.each([
    ['classic', CLASSIC, SECTOR],
    ['classic', NTAG, SECTOR],
    ['ultralight', NTAG, PAGES],
    ['ultralight_ev1', NTAG, PAGES],
    ['ntag', NTAG, PAGES],
  ] as const)('are read and written, and nothing else is (%s %s)', async (kind: CardKind, uid, at) => {
    const { chip, memory, reader } = laid({ uid, kind })
    memory.set(SIXTEEN, at + 16)
    const before = Uint8Array.from(memory)
    const startUs = chip.nowUs
    await served(reader, async ({ memory: slots }) => {
      expect(await slots?.read(0)).toEqual(new Uint8Array(16))
      expect(await slots?.read(1)).toEqual(SIXTEEN)
      expect(await slots?.write(0, SIXTEEN)).toBe('written')
      expect(await slots?.read(0)).toEqual(SIXTEEN)
    })
    expect(chip.nowUs - startUs).toBeLessThan(WAIT_MAX_US / 2)
    before.set(SIXTEEN, at)
    expect(memory).toEqual(before)
  })

  test('are sixteen bytes long', async () => {
    const { reader } = laid({ uid: NTAG })
    await served(reader, async ({ memory }) => {
      await expect(memory?.write(0, new Uint8Array(15))).rejects.toThrow(RangeError)
    })
  })

  test('of a card that has gone are soon given up', async () => {
    for (const kind of ['classic', 'ultralight', 'ntag'] as const) {
      const { chip, reader } = laid({ uid: NTAG, kind })
      await served(reader, async ({ memory }) => {
        chip.remove()
        const startUs = chip.nowUs
        expect(await memory?.read(0)).toBeNull()
        expect(await memory?.read(1)).toBeNull()
        expect(await memory?.write(1, SIXTEEN)).toBe('gone')
        expect(chip.nowUs - startUs).toBeLessThan(WAIT_MAX_US / 2)
      })
    }
  })

  test('of a card that has been laid again are read again', async () => {
    const { chip, memory: bytes, reader } = laid({ uid: NTAG })
    await served(reader, async ({ memory }) => {
      chip.remove()
      expect(await memory?.read(0)).toBeNull()
      chip.present({ uid: NTAG, memory: bytes })
      expect(await memory?.read(0)).toEqual(new Uint8Array(16))
      expect(await memory?.write(0, SIXTEEN)).toBe('written')
    })
  })

  test('are not those of another card that was laid in its place', async () => {
    for (const [uid, other, kind] of [
      [NTAG, '04a1b2c3d4e5f9', 'ntag'],
      [CLASSIC, '3cb17f5f', 'classic'],
    ] as const) {
      const { chip, reader } = laid({ uid, kind })
      await served(reader, async ({ memory }) => {
        expect(await memory?.read(0)).not.toBeNull()
        chip.remove()
        const stranger = chip.present({ uid: other, kind })
        expect(await memory?.write(0, SIXTEEN)).toBe('gone')
        expect(await memory?.read(0)).toBeNull()
        expect(stranger.memory).toEqual(blankMemory(kind))
      })
    }
  })

  test('are closed once the next tap is asked for', async () => {
    const { chip, reader } = laid({ uid: NTAG })
    const stop = new AbortController()
    const taps: CardTap[] = []
    for await (const tap of reader.taps(stop.signal)) {
      if (tap.kind !== 'card') continue
      taps.push(tap)
      if (taps.length === 2) break
      chip.remove()
      chip.present({ uid: CLASSIC })
    }
    const before = chip.exchanges
    expect(await taps[0]?.memory?.read(0)).toBeNull()
    expect(await taps[1]?.memory?.write(0, SIXTEEN)).toBe('gone')
    expect(chip.exchanges).toBe(before)
  })

  test('are those of a card that has gone when the reader is unplugged, and the next poll says so', async () => {
    const { chip, reader } = laid({ uid: CLASSIC })
    const taps = reader.taps(new AbortController().signal)[Symbol.asyncIterator]()
    const { value: tap } = await taps.next()
    chip.unplug()
    expect(await tap.memory.read(0)).toBeNull()
    expect(await tap.memory.write(0, SIXTEEN)).toBe('gone')
    await expect(taps.next()).rejects.toMatchObject({ name: 'ReaderFailure', fault: 'missing' })
  })
})

describe('the key of a sector', () => {
  const cardKey = Buffer.from('tests only: thirty-two bytes key').toString('base64url')
  const secret = Buffer.from('tests only: thirty-two bytes key')
  const own = (uid: string) =>
    createHmac('sha256', secret).update('klubkort sector key').update(Buffer.from(uid, 'hex')).digest().subarray(0, 6)

  test('is made from the municipality and the card', () => {
    const keys = sectorKeysOf(cardKey)(Buffer.from(CLASSIC, 'hex'))
    expect(keys.map((key) => Buffer.from(key).toString('hex'))).toEqual([own(CLASSIC).toString('hex'), 'ffffffffffff'])
  })

  test.each([
    ["the card's own", () => own(CLASSIC)],
    ["the factory's", () => Buffer.alloc(6, 0xff)],
  ])('may be %s', async (_, key) => {
    const { chip, memory: bytes } = laid({ uid: CLASSIC })
    bytes.set(key(), TRAILER)
    const trailer = bytes.slice(TRAILER)
    await served(mfrc522(chip, { pollMs: 1, sectorKeys: sectorKeysOf(cardKey) }), async ({ memory }) => {
      expect(await memory?.write(1, SIXTEEN)).toBe('written')
      expect(await memory?.read(1)).toEqual(SIXTEEN)
    })
    expect(bytes.slice(TRAILER), 'the trailer is never written').toEqual(trailer)
  })

  test('that nobody knows leaves the card as it is, and one tap', async () => {
    const { chip, memory: bytes } = laid({ uid: CLASSIC })
    bytes.fill(0x5a, TRAILER, TRAILER + 6)
    const before = Uint8Array.from(bytes)
    const stop = new AbortController()
    let polls = 0
    let taps = 0
    const sleep = async () => {
      polls += 1
      if (polls === 20) stop.abort()
    }
    const startUs = chip.nowUs
    for await (const tap of mfrc522(chip, { pollMs: 1, sleep, sectorKeys: sectorKeysOf(cardKey) }).taps(stop.signal)) {
      taps += 1
      if (tap.kind !== 'card') continue
      expect(await tap.memory?.read(0)).toBeNull()
      expect(await tap.memory?.write(0, SIXTEEN)).toBe('torn')
      expect(chip.nowUs - startUs).toBeLessThan(WAIT_MAX_US * 2)
    }
    expect(taps).toBe(1)
    expect(bytes).toEqual(before)
  })

  test('is not left with the next card: one without keys is read after one with', async () => {
    const { chip } = laid({ uid: CLASSIC })
    const stop = new AbortController()
    const uids: string[] = []
    let polls = 0
    const sleep = async () => {
      polls += 1
      if (polls === 20) stop.abort()
    }
    for await (const tap of mfrc522(chip, { pollMs: 1, sleep }).taps(stop.signal)) {
      if (tap.kind !== 'card') continue
      uids.push(Buffer.from(tap.uid).toString('hex'))
      expect(await tap.memory?.read(0)).toEqual(new Uint8Array(16))
      if (uids.length === 2) break
      chip.remove()
      chip.present({ uid: NTAG })
    }
    expect(uids).toEqual([CLASSIC, NTAG])
  })
})

describe('an answer', () => {
  const FAST_READ = 0x3a

  function selected(uid: string) {
    const { chip, memory } = laid({ uid })
    const reader = new Mfrc522(chip)
    reader.reset()
    const field = fieldOf(reader)
    expect(field.look()).toMatchObject({ kind: 'card' })
    return { chip, memory, field }
  }

  test('as long as the chip can hold is read whole', () => {
    const { memory, field } = selected(NTAG)
    memory.forEach((_, i) => {
      memory[i] = i
    })
    for (const pages of [1, 4, 5, 8, 15]) {
      const reply = field.command([FAST_READ, 4, 3 + pages])
      expect(reply).toEqual({ kind: 'data', bytes: memory.slice(16, 16 + pages * 4) })
    }
  })

  test('longer than that is not believed', () => {
    const { field } = selected(NTAG)
    expect(field.command([FAST_READ, 0, 15])).toEqual({ kind: 'lost' })
  })

  test('of no is told from data and from silence', () => {
    const { field } = selected(NTAG)
    expect(field.command([FAST_READ, 9, 4])).toEqual({ kind: 'nak', code: 0 })
    expect(field.command([0x30, 4]), 'the card has left').toEqual({ kind: 'silent' })
  })

  test('with a wrong CRC is none', () => {
    const { chip, field } = selected(NTAG)
    chip.fail('bad_crc', { after: 0 })
    expect(field.command([0x30, 4])).toEqual({ kind: 'lost' })
  })
})
