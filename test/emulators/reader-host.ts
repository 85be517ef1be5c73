import { readerThread } from '../../terminal/devices/reader-thread.ts'

/** Short, so that what is to be seen again and again is seen soon. */
const POLL_MS = 20
const TICK_MS = 20

/**
 * A program with the reader's thread in it and nothing else. Says in lines of JSON what comes out of it: each tap with
 * what its slots held, after writing eight of the card's own bytes to the first; each failure; how often its own event
 * loop came around meanwhile. Ends when the process channel is closed.
 */
const ended = new AbortController()
process.once('disconnect', () => ended.abort())
process.channel?.ref()

let ticks = 0
let signs = 0
const ticking = setInterval(() => {
  ticks += 1
}, TICK_MS)
const say = (line: object) => console.log(JSON.stringify({ ...line, ticks, signs }))

const settings = { device: '/dev/spidev0.0', pollMs: POLL_MS, cardKey: 'dGVzdHMgb25seTogdGhpcnR5LXR3byBieXRlcyBrZXk' }
const reader = readerThread(settings, () => {
  signs += 1
})
while (!ended.signal.aborted) {
  try {
    for await (const tap of reader.taps(ended.signal)) {
      if (tap.kind === 'unreadable') {
        say({ unreadable: tap.reason })
        continue
      }
      const { uid, type, memory } = tap
      const before = await memory?.read(0)
      const written = await memory?.write(0, new Uint8Array(16).fill(uid.at(-1) ?? 0))
      const hex = (bytes: Uint8Array | null | undefined) => bytes && Buffer.from(bytes).toString('hex')
      say({ uid: hex(uid), type, before: hex(before), written, after: hex(await memory?.read(0)) })
    }
  } catch (error) {
    say({ failed: String(error) })
  }
}
clearInterval(ticking)
say({ ended: true })
