import { stripVTControlCharacters } from 'node:util'
import * as pty from '@lydell/node-pty'
import { KLUBKORT } from './local/command-line.ts'

/** A terminal window in which the command line runs, and somebody who reads and types. */
export type Window = {
  /** Waits until the screen ends with this, and gives all that it shows. */
  shows: (end: string) => Promise<string>
  type: (keys: string) => void
  /** The exit code and all that was shown. */
  ended: Promise<{ code: number; screen: string }>
}

const WAIT_MS = 30_000

/** Runs the command line in a window of so many columns; the environment is what is given, and nothing else. */
export function windowWith(args: readonly string[], env: Record<string, string>, cols = 80): Window {
  return windowOf(process.execPath, [KLUBKORT, ...args], env, cols)
}

/** Runs any program in a window. */
export function windowOf(file: string, args: string[], env: Record<string, string>, cols = 80): Window {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = pty.spawn(file, args, {
    ...{ cols, rows: 50, name: 'xterm-256color' },
    env: { PATH, NODE_COMPILE_CACHE, ...env },
  })
  let shown = ''
  let changed = () => {}
  // What moves the cursor is no text: the line editor draws its line anew now and then.
  const screen = () => stripVTControlCharacters(shown).replaceAll('\r', '')
  child.onData((text) => {
    shown += text
    changed()
  })
  const ended = new Promise<{ code: number; screen: string }>((resolve) => {
    child.onExit(({ exitCode }) => resolve({ code: exitCode, screen: screen() }))
  })
  const shows = (end: string) =>
    new Promise<string>((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill()
        reject(new Error(`the screen never ended with ${JSON.stringify(end)}, but is ${JSON.stringify(screen())}`))
      }, WAIT_MS)
      changed = () => {
        if (!screen().endsWith(end)) return
        clearTimeout(late)
        changed = () => {}
        resolve(screen())
      }
      changed()
    })
  return { shows, type: (keys) => child.write(keys), ended }
}
