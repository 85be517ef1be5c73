import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { readerThread } from '../terminal/devices/reader-thread.ts'
import type { ReaderOrder } from './emulators/hands.ts'
import { type Running, startNode } from './local/processes.ts'

const HOOK = new URL('./emulators/spidev-hook.ts', import.meta.url).href
const ZEROS = '0'.repeat(32)

/** The program with the reader's thread, on a chip that hands can be laid on. */
function host() {
  const running: Running = startNode(['--import', HOOK, 'test/emulators/reader-host.ts'], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  started = running
  const order = (message: ReaderOrder) => void running.process.send(message)
  return {
    order,
    says: (pattern: RegExp, withinMs = 15_000) => running.says(pattern, withinMs),
    printed: running.printed,
    lay(uid: string) {
      order({ order: 'remove' })
      order({ order: 'present', uid })
    },
    /** Closes the channel, upon which the program should end by itself. */
    async end() {
      running.process.disconnect()
      const [code] = (await once(running.process, 'exit')) as [number | null]
      return code
    },
  }
}

let started: Running | null = null
afterEach(async () => {
  await started?.kill()
  started = null
})

describe("the reader's thread", () => {
  test('tells of taps, reads and writes cards, and ends with the program', async () => {
    const { lay, says, end } = host()
    lay('3cb17f5e')
    await says(
      new RegExp(`"uid":"3cb17f5e","type":"classic","before":"${ZEROS}","written":"written","after":"(5e){16}"`),
    )
    lay('04a1b2c3d4e5f6')
    await says(
      new RegExp(`"uid":"04a1b2c3d4e5f6","type":"ntag","before":"${ZEROS}","written":"written","after":"(f6){16}"`),
    )
    lay('0411223344556677a0b1')
    await says(/"uid":"0411223344556677a0b1","type":"other","ticks"/)
    expect(await end()).toBe(0)
  })

  test('reads a copy of a card as it was when it was copied', async () => {
    const { order, lay, says } = host()
    lay('3cb17f5e')
    await says(/"uid":"3cb17f5e".*"before":"0{32}"/)
    order({ order: 'remove' })
    order({ order: 'present', uid: '04a1b2c3d4e5f6' })
    await says(/"uid":"04a1b2c3d4e5f6".*"before":"0{32}"/)
    order({ order: 'remove' })
    order({ order: 'present', uid: '3cb17f5e', copy: 'by a phone' })
    await says(/"uid":"3cb17f5e".*"before":"(5e){16}"/)
  })

  test('tells of a card that lay there before it came to be', async () => {
    const { order, says } = host()
    order({ order: 'present', uid: '3cb17f5e' })
    await says(/"uid":"3cb17f5e"/)
  })

  test('says what ails the reader, and serves again when it is back, with what is on the card', async () => {
    const { order, lay, says, end } = host()
    lay('3cb17f5e')
    await says(/"uid":"3cb17f5e"/)
    order({ order: 'unplug' })
    await says(/"failed":"ReaderFailure: the card reader does not answer: nothing is on the SPI bus/)
    order({ order: 'plug' })
    await says(/"uid":"3cb17f5e","type":"classic","before":"(5e){16}"/)
    expect(await end()).toBe(0)
  })

  test('that dies is an error, and another takes its place', async () => {
    const { order, lay, says, end } = host()
    lay('3cb17f5e')
    await says(/"uid":"3cb17f5e"/)
    order({ order: 'die' })
    await says(/"failed":"Error: the card reader's thread died: Error: the emulated chip was told to"/)
    await says(/"uid":"3cb17f5e","type":"classic","before":"(5e){16}"/)
    expect(await end()).toBe(0)
  })

  test('that hangs holds nobody up, and is replaced', async () => {
    const { order, lay, says, printed, end } = host()
    lay('3cb17f5e')
    await says(/"uid":"3cb17f5e"/)
    order({ order: 'hang' })
    await says(/"failed":"ReaderFailure: the card reader hangs: its thread gives no sign"/, 30_000)
    const [before, after] = [...printed().matchAll(/"ticks":(\d+)/g)].map(([, ticks]) => Number(ticks))
    expect((after ?? 0) - (before ?? 0), 'the event loop went on').toBeGreaterThan(50)
    await says(/"uid":"3cb17f5e","type":"classic","before":"(5e){16}"/)
    expect(await end()).toBe(0)
  })

  test('gives signs of life while nothing lies on the reader', async () => {
    const { lay, says } = host()
    lay('3cb17f5e')
    await says(/"uid":"3cb17f5e"/)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    lay('04a1b2c3d4e5f6')
    const match = await says(/"uid":"04a1b2c3d4e5f6".*"signs":(\d+)/)
    expect(Number(match[1])).toBeGreaterThanOrEqual(3)
  })

  test('gives no sign of life of a reader that is not there', async () => {
    let signs = 0
    const settings = { device: '/dev/spidev9.9', pollMs: 20, cardKey: 'A'.repeat(43) }
    const reader = readerThread(settings, () => {
      signs += 1
    })
    for (let times = 0; times < 2; times++) {
      await expect(reader.taps(new AbortController().signal)[Symbol.asyncIterator]().next()).rejects.toThrow(/spi/)
    }
    expect(signs).toBe(0)
  })
})
