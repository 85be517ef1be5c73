import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import * as pty from '@lydell/node-pty'

const program = fileURLToPath(new URL('../terminal/bin/klubkort.mjs', import.meta.url))

type Heard = { path: string; authorization: string; body: unknown }

/** A worker that gives each address its one answer, and keeps what it was told. */
export async function answering(answers: Record<string, unknown>): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { url: path = '', headers } = request
    heard.push({ path, authorization: headers.authorization ?? '', body: text === '' ? null : JSON.parse(text) })
    const answer = answers[path]
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error: { code: 'not_found', message: 'no such thing here' } }))
  })
  server.unref()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://4000.localhost:${(server.address() as AddressInfo).port}`, heard }
}

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
  return windowOf(process.execPath, [program, ...args], env, cols)
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
