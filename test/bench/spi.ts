import { mfrc522 } from '../../terminal/devices/mfrc522.ts'
import type { CardKind } from '../emulators/card.ts'
import { emulateMfrc522 } from '../emulators/mfrc522.ts'
import type { Figure } from './figures.ts'

const POLL_MS = 60

/**
 * What a poll costs on the SPI bus: one that finds nothing, one that reads a card of each length, and one that also reads
 * and renews the token on a card. An exchange is one call of the kernel; it carries several frames, for each of which
 * chip select is asserted anew.
 */
export async function* exchanges(): AsyncGenerator<Figure> {
  const idlePolls = 100
  const chip = emulateMfrc522()
  const ended = new AbortController()
  let polled = () => {}
  let goOn = () => {}
  let withToken = false
  const reader = mfrc522(chip, {
    pollMs: POLL_MS,
    sleep: () =>
      new Promise<void>((resolve) => {
        goOn = resolve
        polled()
      }),
  })
  let taps = 0
  const reading = (async () => {
    for await (const tap of reader.taps(ended.signal)) {
      if (tap.kind !== 'card') continue
      taps += 1
      if (!withToken) continue
      await tap.memory?.read(0)
      await tap.memory?.read(1)
      const written = await tap.memory?.write(0, new Uint8Array(16).fill(1))
      if (written !== 'written') throw new Error('a token was not written')
    }
  })()
  const soFar = () => ({ exchanges: chip.exchanges, frames: chip.selects, us: chip.nowUs })
  /** Some more polls: what each cost. */
  const poll = async (times: number) => {
    const before = soFar()
    for (let polls = 0; polls < times; polls++) {
      const done = new Promise<void>((resolve) => {
        polled = resolve
      })
      goOn()
      await done
    }
    const after = soFar()
    return {
      exchanges: (after.exchanges - before.exchanges) / times,
      detail: `${(after.frames - before.frames) / times} frames, ${((after.us - before.us) / times / 1000).toFixed(1)} ms at 1 MHz`,
    }
  }
  /** A poll that finds this card. */
  const tap = async (uid: string, kind?: CardKind) => {
    const tapsBefore = taps
    const card = chip.present(kind ? { uid, kind } : { uid })
    const cost = await poll(1)
    if (taps !== tapsBefore + 1) throw new Error(`${uid} was not read in one poll`)
    card.remove()
    await poll(3)
    return cost
  }

  await poll(1)
  const idle = await poll(idlePolls)
  yield {
    name: `SPI exchanges, idle poll (${idle.detail})`,
    value: idle.exchanges,
    unit: 'exchanges',
    goal: { atMost: 12 },
  }
  for (const length of [4, 7, 10]) {
    const cost = await tap(`04${'5a'.repeat(length - 1)}`)
    const name = `SPI exchanges, tap, UID of ${length} bytes (${cost.detail})`
    yield { name, value: cost.exchanges, unit: 'exchanges', ...(length === 4 && { goal: { atMost: 120 } }) }
  }
  withToken = true
  for (const [uid, kind] of [
    ['045a5a5a', 'classic'],
    ['045a5a5a5a5a5a', 'ntag'],
  ] as const) {
    const cost = await tap(uid, kind)
    const name = `SPI exchanges, tap with a new token, ${kind} (${cost.detail})`
    yield { name, value: cost.exchanges, unit: 'exchanges' }
  }
  ended.abort()
  goOn()
  await reading
}
