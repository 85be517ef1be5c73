import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardToken } from '../shared/debit.ts'
import { shownBy, slotOf, slotToWrite } from '../terminal/card-token.ts'
import type { CardType, Tap } from '../terminal/devices/card-reader.ts'
import { mfrc522 } from '../terminal/devices/mfrc522.ts'
import { blankMemory, type CardKind } from './emulators/card.ts'
import { emulateMfrc522, type Fault } from './emulators/mfrc522.ts'

const CARDS: { uid: string; kind: CardKind; sak?: number; type: CardType }[] = [
  { uid: '3cb17f5e', kind: 'classic', type: 'classic' },
  { uid: '04c1b2c3d4e5f6', kind: 'classic', type: 'classic' },
  { uid: '04a1b2c3d4e5f6', kind: 'ultralight', type: 'ultralight' },
  { uid: '04a1b2c3d4e5f7', kind: 'ultralight_ev1', type: 'ultralight' },
  { uid: '04a1b2c3d4e5f8', kind: 'ntag', type: 'ntag' },
  { uid: '0411223344556677a0b1', kind: 'other', type: 'other' },
]
const FAULTS: Fault[] = [
  'removal',
  'cut',
  'silence',
  'lost_answer',
  'bad_crc',
  'flip',
  'parity',
  'collision',
  'nak',
  'torn',
  'slow_crc',
]

/** What happens once: a card cannot be taken away twice, and the coprocessor is slow as long as nobody asks it. */
const ONCE: readonly Fault[] = ['removal', 'cut', 'torn', 'slow_crc']

const OLD: CardToken = { counter: 7, value: 'AAAAAAAAAAA' }
const CURRENT: CardToken = { counter: 8, value: 'BBBBBBBBBBA' }
const NEXT: CardToken = { counter: 9, value: 'CCCCCCCCCCA' }

const POLLS_LYING = 7
const POLLS_AWAY = 4
const CYCLES_MAX = 40

type Spoiled = { kind: Fault; after: number; times: number; bits: readonly number[] }

/** The bytes of the slots on a card of this kind. */
function slotsOn(kind: CardKind, memory: Uint8Array): [Uint8Array, Uint8Array] {
  const at = kind === 'classic' ? 60 * 16 : 8 * 4
  return [memory.subarray(at, at + 16), memory.subarray(at + 16, at + 32)]
}

/**
 * A card with a token is laid on the reader again and again, and each time read and given the next token, until all
 * faults have passed; then once more. Checks at each step what must never happen, and that the last time all is well.
 * Gives the radio frames of the first two polls: the tap, with all that is done to the card, and the card lying there.
 */
async function conversation({ uid, kind, type }: (typeof CARDS)[number], faults: readonly Spoiled[]): Promise<number> {
  const memory = blankMemory(kind)
  const [first, second] = slotsOn(kind, memory)
  if (type !== 'other') {
    first.set(slotOf(OLD))
    second.set(slotOf(CURRENT))
  }
  const original = Uint8Array.from(memory)
  const chip = emulateMfrc522()
  for (const { kind: fault, ...options } of faults) chip.fail(fault, options)
  const spoiledUntil = Math.max(0, ...faults.map(({ after, times }) => after + times))
  const lay = () => void chip.present({ uid, kind, memory })

  let poll = 0
  let cycles = 0
  let framesOfTap = 0
  let clean = spoiledUntil === 0
  let taps: string[] = []
  const stop = new AbortController()
  const sleep = async () => {
    poll += 1
    if (poll === 2 && cycles === 0) framesOfTap = chip.frames
    if (poll === POLLS_LYING) chip.remove()
    if (poll < POLLS_LYING + POLLS_AWAY) return
    if (clean || cycles === CYCLES_MAX) return stop.abort()
    poll = 0
    cycles += 1
    clean = chip.frames >= spoiledUntil
    taps = []
    first.set(original.subarray(first.byteOffset, first.byteOffset + 16))
    second.set(original.subarray(second.byteOffset, second.byteOffset + 16))
    lay()
  }

  async function serve(tap: Tap) {
    if (tap.kind === 'unreadable') return taps.push(tap.reason)
    expect(Buffer.from(tap.uid).toString('hex'), 'the number').toBe(uid)
    taps.push(uid)
    if (clean) expect(tap.type).toBe(type)
    if (tap.memory === null) return expect(type).toBe('other')
    const before = shownBy([first, second])
    const held = before.kind === 'token' ? before.token : null
    const read = [await tap.memory.read(0), await tap.memory.read(1)] as const
    read.forEach((bytes, slot) => {
      if (bytes) expect(bytes, `slot ${slot}`).toEqual(Uint8Array.from(slot === 0 ? first : second))
      else expect(clean, 'all is read of a card that nothing disturbs').toBe(false)
    })
    const shown = shownBy(read)
    if (shown.kind !== 'token') return
    expect(shown.token).toEqual(held)
    const slot = slotToWrite(read)
    const kept = Uint8Array.from(slot === 0 ? second : first)
    const written = await tap.memory.write(slot, slotOf(NEXT))
    if (clean) expect(written).toBe('written')
    const after = shownBy([first, second])
    const allowed = written === 'written' ? [NEXT] : [held, NEXT]
    expect(allowed, `after a write that was ${written}`).toContainEqual(after.kind === 'token' ? after.token : after)
    expect(Uint8Array.from(slot === 0 ? second : first), 'the slot that is not written').toEqual(kept)
    const elsewhere = (bytes: Uint8Array) => Uint8Array.from(bytes).fill(0, first.byteOffset, first.byteOffset + 32)
    expect(Buffer.compare(elsewhere(memory), elsewhere(original)), 'everything else on the card').toBe(0)
  }

  lay()
  for await (const tap of mfrc522(chip, { pollMs: 1, sleep }).taps(stop.signal)) await serve(tap)
  expect(clean, 'the faults pass').toBe(true)
  expect(taps, 'the next clean tap').toEqual([uid])
  return framesOfTap
}

describe('a conversation with a card', () => {
  for (const card of CARDS) {
    test(`survives each fault at each frame (${card.kind}, ${card.uid.length / 2} bytes)`, async () => {
      const frames = await conversation(card, [])
      expect(frames).toBeGreaterThanOrEqual(10)
      for (const kind of FAULTS) {
        for (let after = 0; after < frames; after++) {
          for (const times of ONCE.includes(kind) ? [1] : [1, 8]) {
            await conversation(card, [{ kind, after, times, bits: [after % 16] }]).catch((cause: unknown) => {
              throw new Error(`${kind} at frame ${after}, ${times} times: ${String(cause)}`, { cause })
            })
          }
        }
      }
    })
  }

  test('survives several faults at once', async () => {
    const fault = fc.record({
      kind: fc.constantFrom(...FAULTS),
      after: fc.integer({ min: 0, max: 60 }),
      times: fc.integer({ min: 1, max: 6 }),
      bits: fc.uniqueArray(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...CARDS),
        fc.array(fault, { minLength: 2, maxLength: 8 }),
        async (card, faults) => {
          await conversation(card, faults)
        },
      ),
      { numRuns: 100 },
    )
  })
})
