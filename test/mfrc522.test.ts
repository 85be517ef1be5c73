import fc from 'fast-check'
import Driver from 'mfrc522-rpi'
import { describe, expect, test } from 'vitest'
import { mfrc522 } from '../terminal/devices/mfrc522.ts'
import { openSpi } from '../terminal/devices/spi.ts'
import type { ChipOptions, Fault, Mfrc522Emulator } from './emulators/mfrc522.ts'
import { emulateMfrc522 } from './emulators/mfrc522.ts'

const UIDS = { 4: '3cb17f5e', 7: '04a1b2c3d4e5f6', 10: '0411223344556677a0b1' }
const SIZES = [4, 7, 10] as const
/** WUPA, two frames for each cascade level, HLTA. */
const FRAMES = { 4: 4, 7: 6, 10: 8 }
const FAULTS_THAT_PASS = ['silence', 'lost_answer', 'bad_crc', 'parity', 'collision'] as const

/** The taps of as many polls; what stands in `events` under n happens just before poll n. */
async function watch(
  chip: Mfrc522Emulator,
  polls: number,
  events: Record<number, () => void> = {},
  afterPoll: () => void = () => {},
): Promise<string[]> {
  const stop = new AbortController()
  let poll = 0
  const sleep = async () => {
    afterPoll()
    poll += 1
    if (poll === polls) stop.abort()
    else events[poll]?.()
  }
  events[0]?.()
  const taps: string[] = []
  for await (const tap of mfrc522(chip, { pollMs: 100, sleep }).taps(stop.signal)) {
    taps.push(tap.kind === 'card' ? Buffer.from(tap.uid).toString('hex') : tap.reason)
  }
  return taps
}

/** What a fresh reader makes of one card. */
function read(uid: string, polls = 1, options: ChipOptions = {}): Promise<string[]> {
  const chip = emulateMfrc522(options)
  chip.present({ uid })
  return watch(chip, polls)
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const uid4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).filter(([first]) => first !== 0x88 && first !== 0x08)
const uid7 = fc.uint8Array({ minLength: 7, maxLength: 7 }).filter((bytes) => bytes[3] !== 0x88)
const uid10 = fc.uint8Array({ minLength: 10, maxLength: 10 })
const anyUid = fc.oneof(uid4, uid7, uid10).map(hex)
/** Two 7-byte numbers of one manufacturer and batch: the first cascade level is the same. */
const siblings = fc
  .tuple(uid7, fc.uint8Array({ minLength: 4, maxLength: 4 }))
  .filter(([first, end]) => end[0] !== 0x88 && hex(first.subarray(3)) !== hex(end))
  .map(([first, end]) => [hex(first), hex(first.subarray(0, 3)) + hex(end)] as const)

/** The number that mfrc522-rpi alone makes of a card, by the steps of its own example. */
function readUnmodified(uid: string): { uid: string; selected: boolean } {
  const chip = emulateMfrc522()
  chip.present({ uid })
  const driver = new Driver({ open() {}, write: (out) => chip.transfer(out), transfer: (out) => chip.transfer(out) })
  driver.reset()
  expect(driver.findCard().status).toBe(true)
  const { status, data } = driver.getUid()
  expect(status).toBe(true)
  return { uid: hex(Uint8Array.from(data)), selected: driver.selectCard(data) !== 0 }
}

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

  test('read by the unmodified mfrc522-rpi is the same for two cards of one batch', () => {
    expect(readUnmodified('04a1b2c3d4e5f6').uid).toBe(readUnmodified('04a1b2d3e4f506').uid)
    expect(readUnmodified(UIDS[4]).uid.slice(0, 8)).toBe(UIDS[4])
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
          // Before its first answer nobody knows of the card; at HLTA the number has been read.
          const expected = frame === 0 ? [] : frame < FRAMES[size] - 1 ? ['torn'] : [UIDS[size]]
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
    for (let frame = 0; frame < FRAMES[size] - 1; frame++) {
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

  test('that is slow makes the unmodified mfrc522-rpi select nothing the second time', () => {
    const chip = emulateMfrc522({ crcUs: 500 })
    const driver = new Driver({ open() {}, write: (out) => chip.transfer(out), transfer: (out) => chip.transfer(out) })
    driver.reset()
    expect(driver.calculateCRC([0x50, 0x00])).toEqual([0x57, 0xcd])
    expect(driver.calculateCRC([0x30, 0x04])).toEqual([0x57, 0xcd])
  })

  test('that never finishes is a reader that does not answer', async () => {
    await expect(read(UIDS[4], 1, { crcUs: Number.POSITIVE_INFINITY })).rejects.toThrow('card reader does not answer')
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

    test(`that is unplugged at any transfer throws and gives no wrong number (bus ${level})`, async () => {
      const { perTap } = await exchangesOf(UIDS[10])
      for (let left = 0; left < perTap; left++) {
        const chip = emulateMfrc522()
        chip.present({ uid: UIDS[10] })
        let armed = false
        const spi = {
          ...chip,
          transfer(out: Uint8Array) {
            if (armed && left-- === 0) chip.unplug(level)
            return chip.transfer(out)
          },
        }
        const start = left
        const taps: string[] = []
        const arm = () => {
          armed = true
        }
        const run = watch(spi, 6, { 1: arm }).then((seen) => taps.push(...seen))
        await expect(run, `transfer ${start}`).rejects.toThrow('the card reader does not answer')
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

/** SPI transfers of the poll that reads a card, of an empty poll (the dearest of 30), and of one with a card lying. */
async function exchangesOf(uid: string) {
  const chip = emulateMfrc522()
  const polls: number[] = []
  let before = 0
  await watch(chip, 40, { 30: () => void chip.present({ uid }) }, () => {
    polls.push(chip.exchanges - before)
    before = chip.exchanges
  })
  return { perIdlePoll: Math.max(...polls.slice(1, 30)), perTap: polls[30] ?? 0, perLyingPoll: polls[39] ?? 0 }
}

describe('the bus', () => {
  test.each([
    [4, 80],
    [7, 130],
    [10, 180],
  ] as const)('carries a tap of %i bytes in at most %i transfers', async (size, most) => {
    const { perTap, perLyingPoll } = await exchangesOf(UIDS[size])
    expect(perTap).toBeGreaterThan(0)
    expect(perTap).toBeLessThanOrEqual(most)
    expect(perLyingPoll).toBe(perTap)
  })

  test('carries an empty poll in at most 16 transfers and 2 ms', async () => {
    const { perIdlePoll } = await exchangesOf(UIDS[4])
    expect(perIdlePoll).toBeLessThanOrEqual(16)
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
