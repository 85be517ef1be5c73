import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { Duplex } from 'node:stream'
import type { ReadStream } from 'node:tty'
import * as pty from '@lydell/node-pty'

/** The part of the library that its type declarations leave out. */
type Library = { open(options: { cols: number; rows: number; encoding: null }): Pair }
type Pair = { ptsName: string; _master: ReadStream; _slave: ReadStream }

/**
 * A serial line between two programs. `path` is the end that the other program opens, as often as it likes; `duplex`
 * is ours. Every byte passes unchanged in both directions, and the line outlives the other program.
 */
export function openPty(): { path: string; duplex: Duplex; close(): void } {
  const pair = (pty as unknown as Library).open({ cols: 80, rows: 24, encoding: null })
  const { ptsName: path, _master: master, _slave: slave } = pair
  // The library reads the far end too and would take the other program's bytes. The end is held open all the same, but
  // never read: as long as someone holds it, the line survives the other program and keeps its settings.
  slave.destroy()
  const held = openSync(path, constants.O_RDWR | constants.O_NOCTTY)
  // A new terminal echoes and translates line ends. The other program makes its end raw as well, but only once it runs.
  execFileSync('stty', ['-F', path, 'raw', '-echo', '-iexten'], { stdio: 'ignore' })
  const duplex = new Duplex({
    read() {
      master.resume()
    },
    write(chunk: Uint8Array, _encoding, done) {
      master.write(chunk, done)
    },
    destroy(error, done) {
      master.destroy()
      closeSync(held)
      done(error)
    },
  })
  master.on('data', (chunk: Uint8Array) => {
    if (!duplex.push(chunk)) master.pause()
  })
  master.on('error', (error) => duplex.destroy(error))
  master.on('close', () => duplex.destroy())
  return { path, duplex, close: () => void duplex.destroy() }
}
