import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../terminal/bin/klubkort.mjs', import.meta.url))
/** A command that takes longer than this will not end. */
const ENDS_WITHIN_MS = 120_000

export type Ended = { code: number | null; out: string; err: string }

/**
 * Somebody at the command line: runs `klubkort` in a process of its own, logged in at a worker by a token, with its files
 * in a folder. Nobody sits at a terminal.
 */
export function commandLine({ url, token, folder }: { url: string; token: string; folder: string }) {
  return (...args: string[]): Promise<Ended> => {
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: folder,
      timeout: ENDS_WITHIN_MS,
      env: {
        ...{ PATH, HOME: folder, KLUBKORT_URL: url, KLUBKORT_TOKEN: token },
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(folder, 'compiled'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended: Ended = { code: null, out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      ended.out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      ended.err += text
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ ...ended, code }))
    })
  }
}
