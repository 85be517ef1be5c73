import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { health, watch } from '../terminal/upkeep/health.ts'

/** A till's vital parts with a clock that is set by hand. */
function body() {
  const at = { now: 0, busySince: null as number | null, disk: true, probes: 0 }
  const parts = health({
    elapsed: () => at.now,
    busySince: () => at.busySince,
    probe() {
      at.probes += 1
      if (!at.disk) throw new Error('disk I/O error')
    },
  })
  return { at, ...parts }
}

describe('what is alive', () => {
  test('is everything, while the reader goes round and the journal takes what is written', () => {
    const { at, readerBeat, sick } = body()
    for (; at.now < 600_000; at.now += 20_000) {
      readerBeat()
      expect(sick()).toEqual([])
    }
    expect(at.probes).toBeGreaterThanOrEqual(7)
  })

  test('is not a reader that hangs, and is again when it goes on', () => {
    const { at, readerBeat, sick } = body()
    at.now = 61_000
    expect(sick()).toEqual(['reader'])
    readerBeat()
    expect(sick()).toEqual([])
  })

  test('is not a sale that never ends', () => {
    const { at, readerBeat, sick } = body()
    at.busySince = 0
    at.now = 45_001
    readerBeat()
    expect(sick()).toEqual(['till'])
  })

  test('is not a journal that refuses, from the first probe on', () => {
    const { at, sick } = body()
    at.disk = false
    expect(sick()).toEqual(['journal'])
  })
})

describe('the watchdog', () => {
  test('hears nothing while something is not alive, and is heard of in the log once each', async () => {
    const { at, sick } = body()
    const ended = new AbortController()
    const logged: string[] = []
    let pings = 0
    let turn = () => {}
    const watching = watch({
      sick,
      everyMs: 20_000,
      async ping() {
        pings += 1
      },
      sleep: () =>
        new Promise<void>((resolve) => {
          turn = resolve
        }),
      log: (event, fields) => void logged.push(`${event} ${fields?.parts}`),
      signal: ended.signal,
    })
    const next = async () => {
      at.now += 20_000
      turn()
      await setImmediate()
    }
    await setImmediate()
    expect(pings).toBe(1)
    for (let times = 0; times < 5; times++) await next() // Nobody beats for the reader.
    expect(pings).toBe(4)
    expect(logged).toEqual(['unwell reader'])
    ended.abort()
    await next()
    await watching
  })
})
