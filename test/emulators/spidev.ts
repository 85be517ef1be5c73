import { emulateMfrc522 } from './mfrc522.ts'

/** What the other end of the channel may ask for: a card laid on or taken off, the reader's cable pulled or put back. */
export type ReaderOrder =
  | { order: 'present'; uid: string }
  | { order: 'remove' }
  | { order: 'unplug' }
  | { order: 'plug' }

/**
 * Stands where the npm package `spi-device` stands on a Pi: the same calls, with the emulated chip behind them. Whoever
 * started this process lays cards on it over the process channel.
 */
const chip = emulateMfrc522()

process.on('message', (message: ReaderOrder) => {
  if (message.order === 'present') chip.present({ uid: message.uid })
  if (message.order === 'remove') chip.remove()
  if (message.order === 'unplug') chip.unplug()
  if (message.order === 'plug') chip.plug()
})
process.channel?.unref()

type Message = { sendBuffer?: Uint8Array; receiveBuffer?: Uint8Array; byteLength: number }

const device = {
  transferSync(messages: Message[]) {
    for (const { sendBuffer, receiveBuffer, byteLength } of messages) {
      const reply = chip.transfer(Uint8Array.from(sendBuffer ?? new Uint8Array(byteLength)))
      receiveBuffer?.set(reply)
    }
    return device
  },
  closeSync() {},
}

export const openSync = () => device
export const MODE0 = 0
export default { openSync, MODE0 }
