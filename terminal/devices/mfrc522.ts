import { setTimeout } from 'node:timers/promises'
import { cardMemory, type SectorKeys, typeOf } from './card-memory.ts'
import type { CardReader } from './card-reader.ts'
import { type Card, fieldOf } from './field.ts'
import { Mfrc522 } from './mfrc522-chip.ts'
import { presence } from './presence.ts'
import { factoryKeys } from './sector-key.ts'
import type { Spi } from './spi.ts'

/**
 * The pause between two polls, where `sleep` may reject when `signal` aborts, as node:timers/promises does; and the
 * keys to a card's memory, the factory's unless told.
 */
export type Pace = {
  pollMs: number
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
  sectorKeys?: SectorKeys
}

/**
 * The MFRC522 on an SPI bus. Each call of `taps` tests the chip and sets it up anew, so after an error it may be called
 * again. No poll is made while the consumer works on a tap; a card that lies there all the while is still the same tap.
 */
export function mfrc522(
  spi: Spi,
  { pollMs, sleep = (ms, signal) => setTimeout(ms, undefined, { signal }), sectorKeys = factoryKeys }: Pace,
): CardReader {
  return {
    async *taps(signal) {
      if (signal.aborted) return
      const reader = new Mfrc522(spi)
      reader.reset()
      const field = fieldOf(reader)
      const tapOf = presence<Card>()
      while (true) {
        const seen = tapOf(field.look())
        if (seen?.kind === 'card') {
          const type = typeOf(field, seen)
          let over = false
          try {
            yield { kind: 'card', uid: seen.uid, type, memory: cardMemory(field, seen, type, sectorKeys, () => over) }
          } finally {
            over = true
          }
        } else if (seen) yield seen
        field.rest()
        if (signal.aborted) return
        try {
          await sleep(pollMs, signal)
        } catch (error) {
          if (!signal.aborted) throw error
        }
        if (signal.aborted) return
      }
    },
  }
}

/** Tests the reader on a bus as each start does, and gives its chip's version. Throws ReaderFailure with what is wrong. */
export function testReader(spi: Spi): number {
  return new Mfrc522(spi).reset()
}
