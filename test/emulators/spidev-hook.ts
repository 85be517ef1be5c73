import { registerHooks } from 'node:module'
import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import { blankMemory, type CardKind, kindOf } from './card.ts'
import { type Deed, HANDS, HELLO, type ReaderOrder } from './hands.ts'

/** Loaded before the terminal's own code, this puts the emulated reader where the Pi has its SPI driver. */
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'spi-device') return next(specifier, context)
    return { url: new URL('./spidev.ts', import.meta.url).href, format: 'module-typescript', shortCircuit: true }
  },
})

/** Passes the orders of the process channel on to the thread that has the chip, and to one that comes after it. */
function hands() {
  const channel = new BroadcastChannel(HANDS)
  const memories = new Map<string, Uint8Array>()
  let lying: Deed[] = []
  let cable: Deed = { order: 'plug' }

  const memoryOf = (uid: string, kind: CardKind, copy?: string) => {
    const name = copy === undefined ? uid : `${uid} ${copy}`
    const first = memories.get(uid) ?? blankMemory(kind)
    const memory = memories.get(name) ?? new Uint8Array(new SharedArrayBuffer(first.length))
    if (!memories.has(name)) memory.set(first)
    memories.set(name, memory)
    return memory
  }
  const pass = (order: ReaderOrder) => {
    const kind = order.order === 'present' ? (order.kind ?? kindOf(order.uid)) : 'other'
    const deed: Deed =
      order.order === 'present' ? { ...order, kind, memory: memoryOf(order.uid, kind, order.copy) } : order
    if (deed.order === 'present') lying.push(deed)
    else if (deed.order === 'remove') lying = []
    else if (deed.order === 'plug' || deed.order === 'unplug') cable = deed
    channel.postMessage(deed)
  }

  channel.onmessage = (message) => {
    if ((message as { data: Deed | typeof HELLO }).data === HELLO)
      for (const deed of [cable, ...lying]) channel.postMessage(deed)
  }
  channel.unref()
  process.on('message', pass)
  process.channel?.unref()
}

if (isMainThread) hands()
