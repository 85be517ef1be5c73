import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CardToken } from '../shared/debit.ts'
import { base64url } from '../shared/signing.ts'
import { type Slots, shownBy, slotOf, slotToWrite, tokenIn } from '../terminal/card-token.ts'

const value = fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => base64url(bytes))
const token = fc.record({ counter: fc.integer({ min: 0, max: 0xffffffff }), value })
/** A card in use: a token, the one before it where there was one, and the next; which slot is which is chance. */
const history = fc
  .record({
    counter: fc.integer({ min: 1, max: 0xfffffffe }),
    values: fc.tuple(value, value, value),
    swapped: fc.boolean(),
    before: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 })),
  })
  .map(({ counter, values: [older, current, next], swapped, before }) => {
    const old = before ?? slotOf({ counter: counter - 1, value: older })
    const newest: CardToken = { counter, value: current }
    const slots: Slots = swapped ? [slotOf(newest), old] : [old, slotOf(newest)]
    return { slots, newest, next: { counter: counter + 1, value: next } satisfies CardToken }
  })

describe('a slot', () => {
  test('holds any token', () => {
    fc.assert(fc.property(token, (held) => void expect(tokenIn(slotOf(held))).toEqual(held)))
  })

  test('is counter, value and CRC-32 of both, big-endian', () => {
    const slot = slotOf({ counter: 0x01020304, value: base64url(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)) })
    expect(Buffer.from(slot).toString('hex')).toBe('010203040102030405060708542f8e62')
  })

  test('with any bit changed holds none, nor does an empty one', () => {
    fc.assert(
      fc.property(token, fc.integer({ min: 0, max: 127 }), (held, bit) => {
        const slot = slotOf(held)
        slot[bit >> 3] = (slot[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(tokenIn(slot)).toBeNull()
      }),
    )
    for (const byte of [0x00, 0xff]) expect(tokenIn(new Uint8Array(16).fill(byte))).toBeNull()
    expect(tokenIn(new Uint8Array(15))).toBeNull()
    expect(tokenIn(null)).toBeNull()
  })

  test.each([
    { counter: -1, value: 'AAAAAAAAAAA' },
    { counter: 2 ** 32, value: 'AAAAAAAAAAA' },
    { counter: 1.5, value: 'AAAAAAAAAAA' },
    { counter: 1, value: 'AAAA' },
  ])('refuses %o', (held) => expect(() => slotOf(held)).toThrow(RangeError))
})

describe('a card', () => {
  test('shows the newest token, and the next is written over the other slot', () => {
    fc.assert(
      fc.property(history, ({ slots, newest }) => {
        expect(shownBy(slots)).toEqual({ kind: 'token', token: newest })
        expect(tokenIn(slots[slotToWrite(slots)])).not.toEqual(newest)
      }),
    )
  })

  test('that was never written to shows none, and takes its first token', () => {
    const blank: Slots = [new Uint8Array(16), new Uint8Array(16).fill(0xff)]
    expect(shownBy(blank)).toEqual({ kind: 'none' })
    expect(slotToWrite(blank)).toBe(0)
  })

  test('of which a slot could not be read shows nothing, since the other may be the older', () => {
    const held = slotOf({ counter: 7, value: 'AAAAAAAAAAA' })
    expect(shownBy([null, held])).toEqual({ kind: 'unread' })
    expect(shownBy([held, null])).toEqual({ kind: 'unread' })
    expect(shownBy([null, null])).toEqual({ kind: 'unread' })
  })

  test('torn at any byte of a write shows either the token before it or the one after', () => {
    fc.assert(
      fc.property(history, fc.uint8Array({ minLength: 4, maxLength: 4 }), ({ slots, newest, next }, noise) => {
        const slot = slotToWrite(slots)
        const [was, will] = [slots[slot] ?? new Uint8Array(16), slotOf(next)]
        const steps: Uint8Array[] = []
        for (let bytes = 0; bytes <= 16; bytes++) {
          steps.push(Uint8Array.from([...will.subarray(0, bytes), ...was.subarray(bytes)]))
          // A cell that lost its power halfway holds anything.
          const cells = noise.subarray(0, 16 - bytes)
          steps.push(Uint8Array.from([...will.subarray(0, bytes), ...cells, ...was.subarray(bytes + cells.length)]))
        }
        for (let page = 0; page < 4; page++) {
          // Pages may be written in any order.
          const mixed = Uint8Array.from(was)
          mixed.set(will.subarray(page * 4, page * 4 + 4), page * 4)
          steps.push(mixed)
        }
        for (const step of steps) {
          const now: Slots = slot === 0 ? [step, slots[1]] : [slots[0], step]
          const shown = shownBy(now)
          const tokens = [newest, next].map((held) => ({ kind: 'token', token: held }))
          expect(tokens).toContainEqual(shown)
          // And the write that follows never goes to the slot that is shown.
          const kept = now[slotToWrite(now) === 0 ? 1 : 0]
          expect(shown).toEqual({ kind: 'token', token: tokenIn(kept) })
        }
        expect(shownBy(slot === 0 ? [will, slots[1]] : [slots[0], will])).toEqual({ kind: 'token', token: next })
      }),
    )
  })
})
