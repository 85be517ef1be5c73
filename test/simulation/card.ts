import { shownBy } from '../../terminal/card-token.ts'
import type { CardMemory } from '../../terminal/devices/card-reader.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** How likely it is that a hand is too quick: as a slot is read, as one is written. */
export type Haste = { reading: number; writing: number }

/**
 * The memory of one card, which may be taken away at any step: a slot is then read as nothing, or holds some of the new
 * bytes and the rest of the old ones.
 */
export type Card = {
  slots: [Uint8Array, Uint8Array]
  /** The card as it lies on a reader. */
  memory(world: World, random: Random, haste: Haste): CardMemory
  /** Another card with the same bytes. */
  copy(): Card
  /** The counter of the token that it shows; null where it shows none. */
  counter(): number | null
}

export function cardOf(slots: [Uint8Array, Uint8Array] = [new Uint8Array(16), new Uint8Array(16)]): Card {
  return {
    slots,
    memory: (world, random, haste) => ({
      async read(slot) {
        await world.sleep(random.between(8, 40))
        return random.chance(haste.reading) ? null : slots[slot].slice()
      },
      async write(slot, bytes) {
        await world.sleep(random.between(10, 60))
        if (!random.chance(haste.writing)) {
          slots[slot].set(bytes)
          return 'written'
        }
        // Pages of four bytes, one after the other; the hand may also just be late to hear of it.
        slots[slot].set(bytes.subarray(0, random.pick([0, 4, 8, 12, 16])))
        await world.sleep(random.pick([5, 20, 500]))
        return random.pick(['torn', 'gone'])
      },
    }),
    copy: () => cardOf([slots[0].slice(), slots[1].slice()]),
    counter() {
      const shown = shownBy(slots)
      return shown.kind === 'token' ? shown.token.counter : null
    },
  }
}
