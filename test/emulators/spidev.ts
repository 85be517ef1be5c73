import { BroadcastChannel } from 'node:worker_threads'
import { type Deed, HANDS, HELLO } from './hands.ts'
import { emulateMfrc522 } from './mfrc522.ts'

/**
 * Stands where the npm package `spi-device` stands on a Pi, in whatever thread asks for it: the same calls, with the
 * emulated chip behind them. Whoever started this process lays cards on it over the process channel.
 */
const chip = emulateMfrc522()
const hands = new BroadcastChannel(HANDS)
hands.onmessage = (message) => {
  const deed = (message as { data: Deed | typeof HELLO }).data
  if (deed === HELLO) return
  if (deed.order === 'present') chip.present(deed)
  if (deed.order === 'remove') chip.remove()
  if (deed.order === 'unplug') chip.unplug()
  if (deed.order === 'plug') chip.plug()
  if (deed.order === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  if (deed.order === 'die') throw new Error('the emulated chip was told to')
}
hands.unref()
hands.postMessage(HELLO)

type Message = { sendBuffer?: Uint8Array; receiveBuffer?: Uint8Array; byteLength: number; chipSelectChange?: boolean }

const device = {
  /** As the kernel does it: chip select stays asserted from one message to the next unless that is said to change it. */
  transferSync(messages: Message[]) {
    if (messages.at(-1)?.chipSelectChange) throw new Error('chip select would stay asserted after the exchange')
    const frames: Message[][] = [[]]
    for (const message of messages) {
      frames.at(-1)?.push(message)
      if (message.chipSelectChange) frames.push([])
    }
    const replies = chip.transfer(
      ...frames.map((frame) =>
        Uint8Array.from(frame.flatMap(({ sendBuffer, byteLength }) => [...(sendBuffer ?? new Uint8Array(byteLength))])),
      ),
    )
    frames.forEach((frame, index) => {
      let at = 0
      for (const { receiveBuffer, byteLength } of frame) {
        receiveBuffer?.set((replies[index] ?? new Uint8Array()).subarray(at, at + byteLength))
        at += byteLength
      }
    })
    return device
  },
  closeSync() {},
}

export const openSync = () => device
export const MODE0 = 0
export default { openSync, MODE0 }
