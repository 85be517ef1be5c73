import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReaderFailure } from '../terminal/devices/card-reader.ts'
import { mfrc522, testReader } from '../terminal/devices/mfrc522.ts'
import { Mfrc522 } from '../terminal/devices/mfrc522-chip.ts'
import { openSpi, type Spi } from '../terminal/devices/spi.ts'
import { emulateMfrc522, type Fault, type Mfrc522Emulator } from './emulators/mfrc522.ts'
import { anyUid, hex, read, SIZES, siblings, UIDS, uid4, uid7, uid10, watch } from './reading.ts'

/** WUPA and two frames for each cascade level. */
const SELECTED = { 4: 3, 7: 5, 10: 7 }
/** Those, an NTAG's GET_VERSION, and HLTA. */
const FRAMES = { 4: 4, 7: 7, 10: 8 }
const FAULTS_THAT_PASS = ['silence', 'lost_answer', 'bad_crc', 'parity', 'collision'] as const

describe('a card number', () => {
  test.each(SIZES)('of %i bytes is read exactly', async (size) => {
    expect(await read(UIDS[size])).toEqual([UIDS[size]])
  })

  test('of any value is read exactly', async () => {
    await fc.assert(
      fc.asyncProperty(anyUid, async (uid) => {
        expect(await read(uid)).toEqual([uid])
      }),
    )
  })

  test('may have the cascade tag as an ordinary byte where nothing can follow', async () => {
    for (const uid of ['04118833448866', '04882233445566778899', '04112233445588990011']) {
      expect(await read(uid)).toEqual([uid])
    }
  })

  test('tells two cards of one batch apart', async () => {
    await fc.assert(
      fc.asyncProperty(siblings, async ([one, other]) => {
        expect(await read(one)).toEqual([one])
        expect(await read(other)).toEqual([other])
      }),
    )
  })

  test('that is drawn at random is refused, once', async () => {
    expect(await read('08123456', 10)).toEqual(['random_uid'])
    expect(await read('08123456789abc', 10), 'only four-byte numbers are random').toEqual(['08123456789abc'])
  })

  test('that changes at each poll is refused, once', async () => {
    const chip = emulateMfrc522()
    const phone = (uid: string) => () => {
      chip.remove()
      chip.present({ uid })
    }
    expect(await watch(chip, 8, { 0: phone('08000001'), 1: phone('08000002'), 2: phone('08000003') })).toEqual([
      'random_uid',
    ])
  })

  test.each([
    ['a cascade tag without the bit that says there is more', { uid: '88010203' }],
    ['the bit that says there is more without a cascade tag', { uid: '11223344', sak: 0x0c }],
    ['a fourth level', { uid: UIDS[10], sak: 0x24 }],
  ])('with %s is not believed', async (_, card) => {
    const chip = emulateMfrc522()
    chip.present(card)
    expect(await watch(chip, 10)).toEqual(['torn'])
  })
})

describe('a tap', () => {
  test.each(SIZES)('is one while a card of %i bytes is left lying', async (size) => {
    expect(await read(UIDS[size], 50)).toEqual([UIDS[size]])
  })

  test('is two when the card is taken away and laid again', async () => {
    const chip = emulateMfrc522()
    const lay = () => void chip.present({ uid: UIDS[7] })
    expect(await watch(chip, 20, { 2: lay, 5: () => chip.remove(), 9: lay })).toEqual([UIDS[7], UIDS[7]])
  })

  test('is one when the card slips out of the field for a moment', async () => {
    const chip = emulateMfrc522()
    const lay = () => void chip.present({ uid: UIDS[7] })
    expect(await watch(chip, 20, { 0: lay, 5: () => chip.remove(), 7: lay })).toEqual([UIDS[7]])
  })

  test('is told of at once when another card follows', async () => {
    const chip = emulateMfrc522()
    const swap = () => {
      chip.remove()
      chip.present({ uid: UIDS[4] })
    }
    expect(await watch(chip, 6, { 0: () => void chip.present({ uid: UIDS[7] }), 5: swap })).toEqual([UIDS[7], UIDS[4]])
  })

  test('is one while the consumer takes its time', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    const stop = new AbortController()
    let taps = 0
    let polls = 0
    const sleep = async () => {
      polls += 1
      if (polls === 10) stop.abort()
    }
    for await (const _ of mfrc522(chip, { pollMs: 100, sleep }).taps(stop.signal)) {
      taps += 1
      const before = chip.exchanges
      await new Promise((resolve) => setImmediate(resolve))
      expect(chip.exchanges).toBe(before)
    }
    expect(taps).toBe(1)
  })
})

describe('two cards', () => {
  test.each([
    ['of different manufacturers', UIDS[7], '05a1b2c3d4e5f6'],
    ['of one batch', '04a1b2c3d4e5f6', '04a1b2d3e4f506'],
    ['of different lengths', UIDS[4], UIDS[10]],
    ['that differ in the last bit', '0411223344556677a0b1', '0411223344556677a0b0'],
  ])('%s are told of once, and when one is taken away the other is read', async (_, one, other) => {
    for (const [left, taken] of [
      [one, other],
      [other, one],
    ] as const) {
      const chip = emulateMfrc522()
      chip.present({ uid: one })
      chip.present({ uid: other })
      expect(await watch(chip, 20, { 10: () => chip.remove(taken) })).toEqual(['two_cards', left])
    }
  })

  test('of any two numbers are told of once and never read as one, together or one after the other', async () => {
    const pair = fc.oneof(
      fc.tuple(uid4.map(hex), uid4.map(hex)),
      fc.tuple(uid4.map(hex), uid7.map(hex)),
      fc.tuple(uid7.map(hex), uid10.map(hex)),
      siblings,
    )
    await fc.assert(
      fc.asyncProperty(
        pair.filter(([one, other]) => one !== other),
        fc.integer({ min: 0, max: 6 }),
        async ([one, other], later) => {
          const chip = emulateMfrc522()
          chip.present({ uid: one })
          const add = () => void chip.present({ uid: other })
          if (later === 0) add()
          const events = later === 0 ? {} : { [later]: add }
          const seen = await watch(chip, 20, { ...events, 12: () => chip.remove(one) })
          expect(seen).toEqual(later === 0 ? ['two_cards', other] : [one, 'two_cards', other])
        },
      ),
    )
  })

  test('do not make a second tap of the one that was there first', async () => {
    const chip = emulateMfrc522()
    const events = {
      0: () => void chip.present({ uid: UIDS[7] }),
      5: () => void chip.present({ uid: UIDS[4] }),
      10: () => chip.remove(UIDS[4]),
    }
    expect(await watch(chip, 20, events)).toEqual([UIDS[7], 'two_cards'])
  })

  test('are told of again when they come back', async () => {
    const chip = emulateMfrc522()
    const lay = () => {
      chip.present({ uid: UIDS[7] })
      chip.present({ uid: UIDS[4] })
    }
    expect(await watch(chip, 30, { 0: lay, 10: () => chip.remove(), 20: lay })).toEqual(['two_cards', 'two_cards'])
  })
})

describe('a card pulled away mid-read', () => {
  for (const size of SIZES) {
    for (const kind of ['removal', 'cut'] as const) {
      test.each(Array.from({ length: FRAMES[size] + 1 }, (_, frame) => frame))(
        `never gives a wrong number (${size} bytes, ${kind} at frame %i)`,
        async (frame) => {
          const chip = emulateMfrc522()
          chip.present({ uid: UIDS[size] })
          chip.fail(kind, { after: frame })
          // Before its first answer nobody knows of the card; after the selection the number has been read.
          const expected = frame === 0 ? [] : frame < SELECTED[size] ? ['torn'] : [UIDS[size]]
          expect(await watch(chip, 10)).toEqual(expected)
        },
      )
    }
  }

  test('is one tap when it comes back within two polls', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    chip.fail('removal', { after: 3 })
    expect(await watch(chip, 20, { 3: () => void chip.present({ uid: UIDS[7] }) })).toEqual([UIDS[7]])
  })

  test('is not told of when it had been read before', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    chip.fail('removal', { after: FRAMES[7] + 3 })
    expect(await watch(chip, 20)).toEqual([UIDS[7]])
  })
})

describe('a disturbed frame', () => {
  for (const size of SIZES) {
    for (const kind of FAULTS_THAT_PASS) {
      test(`is read past, and the card is one tap (${size} bytes, ${kind} at every frame in turn)`, async () => {
        for (let frame = 0; frame <= 2 * FRAMES[size]; frame++) {
          const chip = emulateMfrc522()
          chip.present({ uid: UIDS[size] })
          chip.fail(kind, { after: frame })
          expect(await watch(chip, 20), `frame ${frame}`).toEqual([UIDS[size]])
        }
      })
    }
  }

  test.each(SIZES)('that never ends gives no number (%i bytes, bad CRC from every frame on)', async (size) => {
    for (let frame = 0; frame < SELECTED[size]; frame++) {
      const chip = emulateMfrc522()
      chip.present({ uid: UIDS[size] })
      chip.fail('bad_crc', { after: frame, times: Number.POSITIVE_INFINITY })
      expect(await watch(chip, 20), `frame ${frame}`).toEqual(['torn'])
    }
  })

  test('never gives a wrong number, whatever arrives inverted and whenever', async () => {
    const kinds: Fault[] = [...FAULTS_THAT_PASS, 'flip']
    const fault = fc.record({
      kind: fc.constantFrom(...kinds),
      after: fc.integer({ min: 0, max: 30 }),
      times: fc.integer({ min: 1, max: 6 }),
      bits: fc.uniqueArray(fc.integer({ min: 0, max: 39 }), { minLength: 1, maxLength: 8 }),
    })
    await fc.assert(
      fc.asyncProperty(anyUid, fc.array(fault, { maxLength: 6 }), async (uid, faults) => {
        const chip = emulateMfrc522()
        chip.present({ uid })
        for (const { kind, ...options } of faults) chip.fail(kind, options)
        const taps = await watch(chip, 60)
        expect(taps.filter((tap) => tap !== 'torn' && tap !== 'two_cards' && tap !== uid)).toEqual([])
        expect(taps).toContain(uid)
      }),
    )
  })

  test('that moves two bits of one column passes the check byte, and still gives no wrong number', async () => {
    for (let bit = 0; bit < 8; bit++) {
      const chip = emulateMfrc522()
      chip.present({ uid: UIDS[4] })
      chip.fail('flip', { after: 1, bits: [bit, bit + 16] })
      expect(await watch(chip, 10)).toEqual([UIDS[4]])
    }
  })

  test('with a wrong check byte ends the reading before anything is selected', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    chip.fail('bad_crc', { after: 1 })
    expect(await watch(chip, 1)).toEqual([])
    expect(chip.frames, 'WUPA, anticollision, HLTA').toBe(3)
  })

  test('between two missed polls does not make a second tap', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    const then = FRAMES[7]
    chip.fail('silence', { after: then, times: 2 })
    chip.fail('parity', { after: then + 2 })
    chip.fail('silence', { after: then + 4, times: 2 })
    expect(await watch(chip, 20)).toEqual([UIDS[7]])
  })

  test('in an empty field is no tap', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[4] })
    chip.fail('parity', { after: 0, times: 16 })
    expect(await watch(chip, 30, { 8: () => chip.remove() })).toEqual([])
  })
})

describe('the coprocessor', () => {
  test.each([100, 500, 1000])('may take %i µs for a CRC', async (crcUs) => {
    for (const size of SIZES) expect(await read(UIDS[size], 10, { crcUs })).toEqual([UIDS[size]])
  })

  test('gives each frame its own CRC, however slow it is', () => {
    const reader = new Mfrc522(emulateMfrc522({ crcUs: 500 }))
    reader.reset()
    expect(reader.calculateCRC([0x50, 0x00])).toEqual([0x57, 0xcd])
    expect(reader.calculateCRC([0x30, 0x04])).toEqual([0x26, 0xee])
  })

  test('that never finishes is a broken reader', async () => {
    await expect(read(UIDS[4], 1, { crcUs: Number.POSITIVE_INFINITY })).rejects.toThrow(
      'its coprocessor never finishes',
    )
  })
})

/** A bus whose wires do something to each frame. */
function wired(wire: (frame: Uint8Array) => Uint8Array[]): Spi {
  return { transfer: (...frames) => frames.flatMap(wire) }
}

describe('a self-test', () => {
  const first = (frame: Uint8Array) => frame[0] ?? 0
  /** Never hears what is written to one register. */
  const deafAt = (register: number) => (chip: Mfrc522Emulator) =>
    wired((frame) => (first(frame) === register << 1 ? [frame] : chip.transfer(frame)))

  const unplugged = (chip: Mfrc522Emulator) => {
    chip.unplug()
    return chip
  }

  test.each([
    ['that is not there', 'missing', /nothing is on the SPI bus/, unplugged],
    ['that is another chip', 'unknown', /version 42 is another chip/, () => emulateMfrc522({ version: 0x42 })],
    [
      'with a loose wire in',
      'miswired',
      /badly wired: of 64 bytes 64 arrived and [1-9]\d* came back changed/,
      (chip: Mfrc522Emulator) =>
        wired((frame) => chip.transfer(frame).map((back) => back.map((byte, i) => (i % 9 === 8 ? byte | 1 : byte)))),
    ],
    ['with a loose wire out', 'miswired', /badly wired: of 64 bytes 0 arrived/, deafAt(0x09)],
    ['whose coprocessor counts wrong', 'broken', /its coprocessor counts wrong/, deafAt(0x11)],
    [
      'whose coprocessor never finishes',
      'broken',
      /its coprocessor never finishes/,
      () => emulateMfrc522({ crcUs: Number.POSITIVE_INFINITY }),
    ],
    ['whose field stays off', 'broken', /its field does not come on/, deafAt(0x14)],
    [
      'that stays in its reset',
      'broken',
      /does not come out of its reset/,
      (chip: Mfrc522Emulator) =>
        wired((frame) => (first(frame) === 0x82 ? [frame.map(() => 0x10)] : chip.transfer(frame))),
    ],
  ] as const)('names a reader %s', (_, fault, message, made) => {
    const spi: Spi = made(emulateMfrc522())
    let error: unknown
    try {
      testReader(spi)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(ReaderFailure)
    expect(error).toMatchObject({ fault, message: expect.stringMatching(message) })
  })

  test('gives the version of a reader that works', () => {
    expect(testReader(emulateMfrc522({ version: 0xb2 }))).toBe(0xb2)
  })

  test('is not enough for a timer that stands still, which the first poll names', async () => {
    await expect(watch(deafAt(0x2a)(emulateMfrc522()), 1)).rejects.toThrow('its timer stands still')
  })
})

describe('a reader', () => {
  test.each([0x91, 0x92, 0x88, 0x12, 0xb2])('of version %i is known', async (version) => {
    expect(await read(UIDS[7], 1, { version })).toEqual([UIDS[7]])
  })

  test('of another kind is refused', async () => {
    await expect(read(UIDS[7], 1, { version: 0x42 })).rejects.toThrow('the card reader does not answer')
  })

  for (const level of ['low', 'high'] as const) {
    test(`that is not there is noticed at once (bus ${level})`, async () => {
      const chip = emulateMfrc522()
      chip.unplug(level)
      await expect(watch(chip, 1)).rejects.toThrow('the card reader does not answer')
    })

    test(`that is unplugged is noticed within one poll, card or none (bus ${level})`, async () => {
      for (const uid of [null, UIDS[7]]) {
        const chip = emulateMfrc522()
        if (uid) chip.present({ uid })
        let polls = 0
        const count = () => {
          polls += 1
        }
        await expect(watch(chip, 50, { 5: () => chip.unplug(level) }, count)).rejects.toThrow('does not answer')
        expect(polls).toBe(5)
      }
    })

    test(`that is unplugged before any frame on the bus throws and gives no wrong number (bus ${level})`, async () => {
      const { frames } = await costOf(UIDS[10])
      for (let left = 0; left < frames.tap; left++) {
        const chip = emulateMfrc522()
        chip.present({ uid: UIDS[10] })
        let armed = false
        const spi = wired((frame) => {
          if (armed && left-- === 0) chip.unplug(level)
          return chip.transfer(frame)
        })
        const start = left
        const taps: string[] = []
        const arm = () => {
          armed = true
        }
        const run = watch(spi, 6, { 1: arm }).then((seen) => taps.push(...seen))
        await expect(run, `frame ${start}`).rejects.toThrow('the card reader does not answer')
        expect(taps).toEqual([])
        left = start
      }
    })
  }

  test('that is plugged in again serves when it is asked again', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    chip.unplug()
    await expect(watch(chip, 1)).rejects.toThrow('the card reader does not answer')
    chip.plug()
    expect(await watch(chip, 5)).toEqual([UIDS[7]])
  })

  test('that lost its power between two polls serves again by itself', async () => {
    const chip = emulateMfrc522()
    const events = {
      2: () => {
        chip.unplug()
        chip.plug()
      },
      10: () => void chip.present({ uid: UIDS[7] }),
    }
    expect(await watch(chip, 30, events)).toEqual([UIDS[7]])
  })

  test('whose field went out switches it on again', async () => {
    const chip = emulateMfrc522()
    const fieldOff = () => void chip.transfer(Uint8Array.of(0x14 << 1, 0x80))
    expect(await watch(chip, 30, { 2: fieldOff, 15: () => void chip.present({ uid: UIDS[7] }) })).toEqual([UIDS[7]])
  })

  test('whose wires are disturbed now and then goes on, and a card is one tap', async () => {
    const chip = emulateMfrc522()
    chip.present({ uid: UIDS[7] })
    let exchanges = 0
    const spi: Spi = {
      transfer(...frames) {
        const replies = chip.transfer(...frames)
        exchanges += 1
        return exchanges > 10 && exchanges % 37 === 0
          ? replies.map((reply) => reply.map((byte) => byte ^ 0x10))
          : replies
      },
    }
    expect(await watch(spi, 40)).toEqual([UIDS[7]])
  })

  test('ends on abort, in its own sleep too', async () => {
    const chip = emulateMfrc522()
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 20)
    for await (const tap of mfrc522(chip, { pollMs: 60_000 }).taps(stop.signal)) expect(tap).toBeNull()
    const before = chip.exchanges
    for await (const tap of mfrc522(chip, { pollMs: 1 }).taps(stop.signal)) expect(tap).toBeNull()
    expect(chip.exchanges).toBe(before)
  })
})

/**
 * What polls cost: the one that reads a card, an empty one (the dearest of 29), and one with a card lying. In exchanges
 * with the kernel, and in frames on the bus.
 */
async function costOf(uid: string) {
  const chip = emulateMfrc522()
  const exchanges: number[] = []
  const selects: number[] = []
  let before = { exchanges: 0, selects: 0 }
  await watch(chip, 40, { 30: () => void chip.present({ uid }) }, () => {
    exchanges.push(chip.exchanges - before.exchanges)
    selects.push(chip.selects - before.selects)
    before = { exchanges: chip.exchanges, selects: chip.selects }
  })
  const of = (polls: number[]) => ({
    idle: Math.max(...polls.slice(1, 30)),
    tap: polls[30] ?? Number.POSITIVE_INFINITY,
    lying: polls[39] ?? Number.POSITIVE_INFINITY,
  })
  return { exchanges: of(exchanges), frames: of(selects) }
}

describe('the bus', () => {
  test.each([
    [4, 7, 40],
    [7, 13, 70],
    [10, 15, 80],
  ] as const)('carries a tap of %i bytes in %i exchanges and at most %i frames', async (size, most, mostFrames) => {
    const { exchanges, frames } = await costOf(UIDS[size])
    expect(exchanges.tap).toBe(most)
    expect(exchanges.lying).toBeLessThanOrEqual(most)
    expect(frames.tap).toBeLessThanOrEqual(mostFrames)
  })

  test('carries an empty poll in one exchange of nine frames and 2 ms', async () => {
    const { exchanges, frames } = await costOf(UIDS[4])
    expect(exchanges.idle).toBe(1)
    expect(frames.idle).toBe(9)
    const chip = emulateMfrc522()
    let before = 0
    let longestUs = 0
    await watch(chip, 30, {}, () => {
      if (before) longestUs = Math.max(longestUs, chip.nowUs - before)
      before = chip.nowUs
    })
    expect(longestUs).toBeLessThan(2_000)
  })
})

describe('an SPI device', () => {
  test('with another name than spidev is refused', async () => {
    await expect(openSpi('/dev/ttyAMA0')).rejects.toThrow('/dev/ttyAMA0 is no SPI device')
  })

  test('without the native module is refused', async () => {
    await expect(openSpi('/dev/spidev0.0')).rejects.toThrow('spi-device')
  })
})
