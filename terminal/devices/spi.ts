/// <reference path="./spi-device.d.ts" />

/**
 * One exchange with the kernel that carries any number of frames. Chip select is held for the length of each frame and
 * released between two of them; as many bytes come back as went out, frame by frame.
 */
export type Spi = { transfer(...frames: Uint8Array[]): Uint8Array[] }

// The MFRC522 takes 10 MHz; 1 MHz leaves room for the jumper wires of a club's till.
const SPEED_HZ = 1_000_000

/**
 * Opens a kernel spidev such as '/dev/spidev0.0' (bus 0, chip select 0) in mode 0.
 * Throws when the name has another form, when `spi-device` is not installed, and when the device cannot be opened.
 */
export async function openSpi(device: string): Promise<Spi & { close(): void }> {
  const match = /^(?:\/dev\/)?spidev(\d+)\.(\d+)$/.exec(device)
  if (!match) throw new Error(`${device} is no SPI device: a name like /dev/spidev0.0 is expected`)

  const { default: spiDevice } = await import('spi-device').catch((cause: unknown) => {
    // Where it is installed, another thread of this process has it: it can be loaded by one at a time.
    throw new Error(`the npm package spi-device cannot be loaded: install it on the till (${String(cause)})`, { cause })
  })
  const port = (() => {
    try {
      return spiDevice.openSync(Number(match[1]), Number(match[2]), { mode: 0, maxSpeedHz: SPEED_HZ })
    } catch (cause) {
      throw new Error(`${device} cannot be opened: is SPI enabled, and may this user use it?`, { cause })
    }
  })()

  return {
    transfer(...frames) {
      const messages = frames.map((frame, index) => ({
        sendBuffer: Buffer.from(frame),
        receiveBuffer: Buffer.alloc(frame.length),
        byteLength: frame.length,
        speedHz: SPEED_HZ,
        // After the last frame the kernel releases chip select by itself; told to change it there, it would hold it.
        chipSelectChange: index < frames.length - 1,
      }))
      port.transferSync(messages)
      return messages.map(({ receiveBuffer }) => receiveBuffer)
    },
    close: () => port.closeSync(),
  }
}
