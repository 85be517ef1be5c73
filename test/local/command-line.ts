import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

export const KLUBKORT = fileURLToPath(new URL('../../terminal/bin/klubkort.mjs', import.meta.url))
/** An address where nobody listens: a call that gets this far fails. */
export const NOWHERE = 'http://4000.localhost:1'
/** What the stand-in worker is shown where it does not matter. */
export const TOKEN = 'kk_4000_test'
/** A command that takes longer than this will not end. */
const ENDS_WITHIN_MS = 120_000

export type Ended = { code: number | null; out: string; err: string }

/**
 * Where somebody works: the folder is their home and where their files are; they are logged in at `url` by `token`, unless
 * `env` says otherwise.
 */
export type Place = { folder: string; url?: string; token?: string; env?: Record<string, string> }

/** What is piped in, after which the pipe is closed unless it is kept open. */
export type Input = { input?: string; keepInputOpen?: boolean }

/** A command under way: what it says on standard error can be waited for, and it can be interrupted. */
export type UnderWay = { done: Promise<Ended>; says: (pattern: RegExp) => Promise<void>; interrupt: () => void }

/** Somebody at the command line, of which each command is a process of its own. Nobody sits at a terminal. */
export function commandLine(place: Place & Input) {
  return (...args: string[]): Promise<Ended> => inTurn(() => begin(place, args).done)
}

/** Starts one command without waiting for its end. */
export function begin(
  { folder, url = NOWHERE, token = TOKEN, env, input = '', keepInputOpen = false }: Place & Input,
  args: readonly string[],
): UnderWay {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env
  const login = env ?? { KLUBKORT_URL: url, KLUBKORT_TOKEN: token }
  const child = spawn(process.execPath, [KLUBKORT, ...args], {
    cwd: folder,
    timeout: ENDS_WITHIN_MS,
    env: { PATH, HOME: folder, NODE_COMPILE_CACHE, ...login },
  })
  const ended: Ended = { code: null, out: '', err: '' }
  let told = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.err += text
    told()
  })
  child.stdin.on('error', () => {}) // Whoever reads no input closes it early.
  child.stdin.write(input)
  if (!keepInputOpen) child.stdin.end()
  const done = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ ...ended, code }))
  })
  const says = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      told = () => pattern.test(ended.err) && resolve()
      told()
      done.then(({ err }) => reject(new Error(`it ended without saying ${pattern}, but: ${err}`)), reject)
    })
  return { done, says, interrupt: () => child.kill('SIGINT') }
}

/** Processes beyond this only wait for each other. */
let places = availableParallelism() + 1
const waiting: (() => void)[] = []

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (places === 0) await new Promise<void>((free) => waiting.push(free))
  else places -= 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else places += 1
  }
}
