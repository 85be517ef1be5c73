import { read } from 'node:fs'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { unixRead } from '@serialport/bindings-cpp/dist/unix-read.js'
import { SerialPort } from 'serialport'

/**
 * Opens a serial line as raw bytes, 8 data bits, no parity, one stop bit, at `baudRate`.
 *
 * Rejects when the line cannot be opened or is held by another program; the message names the path and the reason.
 * A device that is unplugged ends the stream with 'close', and destroying the stream frees the line for the next open.
 * The modem lines are never read or set: a pseudo-terminal and many USB adapters have none.
 */
export async function openSerial(path: string, baudRate: number): Promise<Duplex> {
  const port = new SerialPort({ path, baudRate, autoOpen: false })
  await new Promise<void>((resolve, reject) => {
    port.open((error) => {
      if (error) reject(new Error(`cannot open the serial line ${path} at ${baudRate} baud: ${error.message}`))
      else resolve()
    })
  })
  const line = port.port
  // An open serial line has no end (read(2) waits for one byte at least, or says EAGAIN), so nothing read is a hang-up.
  // The library reads on without a pause instead: https://github.com/serialport/bindings-cpp/pull/164
  if (line && 'poller' in line) {
    line.read = (buffer: Buffer, offset: number, length: number) =>
      unixRead({ binding: line, buffer, offset, length, fsReadAsync: readOrHangUp })
  }
  // The library emits 'close' without destroying the stream, and destroys without closing the file. Both ends of that
  // are joined here, so that a lost device ends every reader and a destroyed stream never keeps the line locked.
  port._destroy = (error, done) => {
    if (port.isOpen) port.close(() => done(error))
    else done(error)
  }
  port.once('close', () => port.destroy())
  return port
}

const readBytes = promisify(read)

/** As fs.read, but an end of the file is an error, which the library takes for an unplugged device. */
const readOrHangUp: typeof readBytes = async (...args: Parameters<typeof readBytes>) => {
  const got = await readBytes(...args)
  if (got.bytesRead === 0) throw new Error('the line hung up')
  return got
}
