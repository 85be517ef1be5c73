import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Frame, frameStream, nextionFrames } from '../terminal/devices/nextion-frames.ts'

const END = [0xff, 0xff, 0xff]

/** What the display sends about a touch. */
function touch(page: number, component: number, state = 1): Uint8Array {
  return Uint8Array.of(0x65, page, component, state, ...END)
}

function frames(...chunks: Uint8Array[]): Frame[] {
  const parse = nextionFrames()
  return chunks.flatMap((chunk) => parse(chunk))
}

const WELL_FORMED: [Uint8Array, Frame][] = [
  [Uint8Array.of(0x01, ...END), { kind: 'status', code: 1 }],
  [Uint8Array.of(0x00, ...END), { kind: 'status', code: 0 }],
  [Uint8Array.of(0x1a, ...END), { kind: 'status', code: 0x1a }],
  [Uint8Array.of(0x0a, ...END), { kind: 'status', code: 0x0a }],
  [Uint8Array.of(0x23, ...END), { kind: 'status', code: 0x23 }],
  [Uint8Array.of(0x24, ...END), { kind: 'status', code: 0x24 }],
  [touch(2, 5), { kind: 'touch', page: 2, component: 5, pressed: true }],
  [touch(255, 255, 0), { kind: 'touch', page: 255, component: 255, pressed: false }],
  [Uint8Array.of(0x66, 3, ...END), { kind: 'page', page: 3 }],
  [Uint8Array.of(0x67, 0, 0x65, 2, 5, 1, ...END), { kind: 'other', head: 0x67 }],
  [Uint8Array.of(0x70, 0xe6, 0xf8, 0xe5, ...END), { kind: 'text', text: 'æøå' }],
  [Uint8Array.of(0x71, 0xff, 0xff, 0xff, 0xff, ...END), { kind: 'number', value: -1 }],
  [Uint8Array.of(0x71, 0x01, 0xff, 0xff, 0xff, ...END), { kind: 'number', value: -255 }],
  [Uint8Array.of(0, 0, 0, ...END), { kind: 'started' }],
  [Uint8Array.of(0x86, ...END), { kind: 'asleep' }],
  [Uint8Array.of(0x87, ...END), { kind: 'awake' }],
  [Uint8Array.of(0x88, ...END), { kind: 'ready' }],
  [Uint8Array.of(...Buffer.from('comok 1,2-0,NX'), ...END), { kind: 'identity', text: 'comok 1,2-0,NX' }],
]

describe('the bytes of the display', () => {
  test('−1 is a number although it is sent as FF FF FF FF', () => {
    expect(frames(Uint8Array.of(0x71, ...END, 0xff, ...END))).toEqual([{ kind: 'number', value: -1 }])
  })

  test('frames split and merged anywhere give the same frames', () => {
    const messages = fc.array(fc.constantFrom(...WELL_FORMED), { maxLength: 12 })
    fc.assert(
      fc.property(messages, fc.array(fc.nat(80), { maxLength: 12 }), (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(([frame]) => frame))
        const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b)
        const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
        expect(frames(...chunks)).toEqual(sent.map(([, frame]) => frame))
      }),
      { numRuns: 500 },
    )
  })

  test('a frame behind garbage that can begin no frame is found', () => {
    // Bytes that are no head cannot swallow what follows; a head byte may, and then the command is asked again.
    const noHead = fc.integer({ min: 0x2a, max: 0x62 })
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        noHead,
        fc.constantFrom(...WELL_FORMED),
        (noise, byte, [sent, frame]) => {
          const garbage = noise.map(() => byte)
          expect(frames(garbage, sent)).toEqual([frame])
        },
      ),
    )
  })

  test('half a frame costs itself and not the one behind it', () => {
    expect(frames(Uint8Array.of(0x65, 2), touch(2, 5))).toEqual([
      { kind: 'touch', page: 2, component: 5, pressed: true },
    ])
    expect(frames(Uint8Array.of(0x66, 2, 0xff), Uint8Array.of(1, ...END))).toEqual([{ kind: 'status', code: 1 }])
    expect(frames(Uint8Array.of(0x70), Uint8Array.of(1, ...END))).toEqual([{ kind: 'status', code: 1 }])
  })

  test('a touch with a byte lost, doubled, or its end garbled, is no touch', () => {
    const whole = touch(2, 5)
    const spoilt: Uint8Array[] = []
    for (const [at, byte] of whole.entries()) {
      spoilt.push(Uint8Array.from([...whole.slice(0, at), ...whole.slice(at + 1)]))
      if (at < 4) spoilt.push(Uint8Array.from([...whole.slice(0, at), byte, ...whole.slice(at)]).slice(0, 7))
      for (let other = 0; other < 256; other++) {
        if (at >= 3 && other !== byte && !(at === 3 && other === 0)) spoilt.push(whole.with(at, other))
      }
    }
    for (const bytes of spoilt) {
      // What seems to have touched page 255 has touched none.
      const heard = frames(bytes, Uint8Array.of(1, ...END), touch(2, 6)).filter(
        (frame) => frame.kind === 'touch' && frame.page !== 255,
      )
      expect(heard, Buffer.from(bytes).toString('hex')).toEqual([
        { kind: 'touch', page: 2, component: 6, pressed: true },
      ])
    }
  })

  test('noise without end keeps nothing waiting', () => {
    const parse = nextionFrames()
    for (let round = 0; round < 200; round++) parse(new Uint8Array(1024).fill(0x70))
    // The letter p is both a head and text, so the last few hundred bytes may still be a text; a status ends it.
    parse(Uint8Array.of(0x01))
    expect(parse(Uint8Array.of(0x01, ...END))).toEqual([{ kind: 'status', code: 1 }])
  })
})

describe('a stream of frames', () => {
  const everything = Buffer.concat(WELL_FORMED.map(([bytes]) => bytes))
  const all = WELL_FORMED.map(([, frame]) => frame)

  /** Writes the chunks, with a turn of the event loop between them, and resolves to what came out. */
  async function through(chunks: Uint8Array[]): Promise<Frame[]> {
    const stream = frameStream()
    const out: Frame[] = []
    stream.on('data', (frame: Frame) => out.push(frame))
    for (const chunk of chunks) {
      stream.write(chunk)
      await sleep(0)
    }
    stream.end()
    await once(stream, 'end')
    return out
  }

  test('cut in two at every byte gives the same frames', async () => {
    for (let cut = 0; cut <= everything.length; cut++) {
      expect(await through([everything.subarray(0, cut), everything.subarray(cut)]), `cut at ${cut}`).toEqual(all)
    }
  })

  test('in single bytes, and all at once, gives the same frames', async () => {
    expect(await through(Array.from(everything, (byte) => Uint8Array.of(byte)))).toEqual(all)
    expect(await through([everything])).toEqual(all)
  })

  test('forgets half a frame whose end stays out, so that what comes later is not its end', async () => {
    const stream = frameStream({ staleMs: 20 })
    const out: Frame[] = []
    stream.on('data', (frame: Frame) => out.push(frame))
    stream.write(touch(2, 5).subarray(0, 3))
    await sleep(60)
    stream.write(Uint8Array.of(0x01, ...END))
    await sleep(5)
    expect(out).toEqual([{ kind: 'status', code: 1 }])
  })

  test('takes thousands of random bytes in random chunks without an error, and any frame behind them', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 40 })
    fc.assert(
      fc.property(chunks, fc.constantFrom(...WELL_FORMED), (noise, [bytes, frame]) => {
        const parse = nextionFrames()
        for (const chunk of noise) parse(chunk)
        // A text may be open, which only its end closes; after one end the next frame stands alone.
        parse(Uint8Array.of(0x01, ...END))
        parse(Uint8Array.of(0x01, ...END))
        expect(parse(bytes).at(-1)).toEqual(frame)
      }),
      { numRuns: 3_000, seed: 20_261_121 },
    )
  })
})
