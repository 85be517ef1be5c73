import fc from 'fast-check'
import { mfrc522 } from '../terminal/devices/mfrc522.ts'
import type { Spi } from '../terminal/devices/spi.ts'
import { type ChipOptions, emulateMfrc522 } from './emulators/mfrc522.ts'

/** A card number of each length. */
export const UIDS = { 4: '3cb17f5e', 7: '04a1b2c3d4e5f6', 10: '0411223344556677a0b1' }
export const SIZES = [4, 7, 10] as const

/** The taps of as many polls; what stands in `events` under n happens just before poll n. */
export async function watch(
  spi: Spi,
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
  for await (const tap of mfrc522(spi, { pollMs: 100, sleep }).taps(stop.signal)) {
    taps.push(tap.kind === 'card' ? Buffer.from(tap.uid).toString('hex') : tap.reason)
  }
  return taps
}

/** What a fresh reader makes of one card. */
export function read(uid: string, polls = 1, options: ChipOptions = {}): Promise<string[]> {
  const chip = emulateMfrc522(options)
  chip.present({ uid })
  return watch(chip, polls)
}

export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
export const uid4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).filter(([first]) => first !== 0x88 && first !== 0x08)
export const uid7 = fc.uint8Array({ minLength: 7, maxLength: 7 }).filter((bytes) => bytes[3] !== 0x88)
export const uid10 = fc.uint8Array({ minLength: 10, maxLength: 10 })
export const anyUid = fc.oneof(uid4, uid7, uid10).map(hex)
/** Two 7-byte numbers of one manufacturer and batch: the first cascade level is the same. */
export const siblings = fc
  .tuple(uid7, fc.uint8Array({ minLength: 4, maxLength: 4 }))
  .filter(([first, end]) => end[0] !== 0x88 && hex(first.subarray(3)) !== hex(end))
  .map(([first, end]) => [hex(first), hex(first.subarray(0, 3)) + hex(end)] as const)
