import fc from 'fast-check'
import Driver from 'mfrc522-rpi'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { mfrc522 } from '../terminal/devices/mfrc522.ts'
import { emulateMfrc522, type Fault, type Mfrc522Emulator } from './emulators/mfrc522.ts'
import { hex, read, siblings } from './reading.ts'

const UID = '3cb17f5e'
const BLOCK = 60
const FACTORY_KEY = new Array<number>(6).fill(0xff)
const CONTENT = Uint8Array.from({ length: 16 }, (_, i) => i + 1)

beforeEach(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined))
afterEach(() => void vi.restoreAllMocks())

/** mfrc522-rpi as it is published, on the emulated chip. */
function unmodified(chip: Mfrc522Emulator): Driver {
  const one = (out: Uint8Array) => chip.transfer(out)[0] ?? out
  const driver = new Driver({ open() {}, write: one, transfer: one })
  driver.reset()
  return driver
}

/** The number that it makes of a card, by the steps of its own example. */
function readUnmodified(uid: string): string {
  const chip = emulateMfrc522()
  chip.present({ uid })
  const driver = unmodified(chip)
  expect(driver.findCard().status).toBe(true)
  const { status, data } = driver.getUid()
  expect(status).toBe(true)
  return hex(Uint8Array.from(data))
}

/** A MIFARE Classic card with `CONTENT` in its block, opened by the unmodified driver. */
function opened() {
  const chip = emulateMfrc522()
  const { memory } = chip.present({ uid: UID })
  memory.set(CONTENT, BLOCK * 16)
  const driver = unmodified(chip)
  driver.findCard()
  const { data } = driver.getUid()
  expect(driver.selectCard(data)).toBe(0x08)
  expect(driver.authenticate(BLOCK, FACTORY_KEY, data)).toBe(true)
  return { chip, driver, memory }
}

const ALL = Array.from({ length: 100 }, (_, i) => i + 1)

/** What Klubkort's driver reads of such a card, or writes to it, when a fault spoils some frames after authentication. */
async function ours(fault: Fault, frames: readonly number[], bytes?: Uint8Array) {
  const chip = emulateMfrc522()
  const { memory } = chip.present({ uid: UID })
  memory.set(CONTENT, BLOCK * 16)
  const stop = new AbortController()
  for await (const tap of mfrc522(chip, { pollMs: 1 }).taps(stop.signal)) {
    stop.abort()
    if (tap.kind !== 'card') continue
    for (const frame of frames) chip.fail(fault, { after: frame })
    return { did: bytes ? await tap.memory?.write(0, bytes) : await tap.memory?.read(0), memory }
  }
  throw new Error('no card was read')
}

describe('mfrc522-rpi as published', () => {
  test('gives two cards of one batch the same number, where Klubkort tells them apart', async () => {
    await fc.assert(
      fc.asyncProperty(siblings, async ([one, other]) => {
        expect(readUnmodified(one)).toBe(readUnmodified(other))
        expect(await read(one)).toEqual([one])
        expect(await read(other)).toEqual([other])
      }),
    )
  })

  test('gives a block that arrived wrong for a right one, where Klubkort gives none', async () => {
    const { chip, driver } = opened()
    expect(driver.getDataForBlock(BLOCK)).toEqual([...CONTENT])
    chip.fail('flip', { after: 0, bits: [3] })
    const wrong = driver.getDataForBlock(BLOCK)
    expect(wrong).toHaveLength(16)
    expect(wrong).not.toEqual([...CONTENT])
    expect(console.log).not.toHaveBeenCalled()

    expect((await ours('bad_crc', [1])).did, 'the second attempt').toEqual(CONTENT)
    expect((await ours('bad_crc', ALL)).did).toBeNull()
  })

  test('gives a NAK for a block, where Klubkort gives none', async () => {
    const { chip, driver } = opened()
    chip.fail('nak', { after: 0 })
    expect(driver.getDataForBlock(BLOCK)).toHaveLength(1)
    expect(console.log).not.toHaveBeenCalled()
    expect((await ours('nak', ALL)).did).toBeNull()
  })

  test('says the same of a torn write as of a whole one, where Klubkort says which', async () => {
    const bytes = CONTENT.map((byte) => byte ^ 0xff)
    const whole = opened()
    expect(whole.driver.writeDataToBlock(BLOCK, [...bytes])).toBeUndefined()
    expect(whole.memory.slice(BLOCK * 16, BLOCK * 16 + 16)).toEqual(bytes)
    const torn = opened()
    torn.chip.fail('torn', { after: 1 })
    expect(torn.driver.writeDataToBlock(BLOCK, [...bytes])).toBeUndefined()
    expect(torn.memory.slice(BLOCK * 16, BLOCK * 16 + 16)).not.toEqual(bytes)

    expect((await ours('slow_crc', ALL, bytes)).did).toBe('written')
    // The first step of both attempts: between them it is selected anew, opened and read.
    expect((await ours('nak', [1, 7], bytes)).did).toBe('torn')
    expect((await ours('torn', [2], bytes)).did).toBe('gone')
  })

  test('takes the last CRC for this one when the coprocessor is slow', async () => {
    const driver = unmodified(emulateMfrc522({ crcUs: 500 }))
    expect(driver.calculateCRC([0x50, 0x00])).toEqual([0x57, 0xcd])
    expect(driver.calculateCRC([0x30, 0x04])).toEqual([0x57, 0xcd])
    expect(await read(UID, 1, { crcUs: 500 })).toEqual([UID])
  })
})
