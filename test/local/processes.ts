import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/** The repository's folder, with a closing slash. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A child process with what it has printed so far, and the ways to end it. */
export type Running = {
  process: ChildProcess
  printed(): string
  /** Waits until what was printed matches; rejects when the process ends before, or after `timeoutMs`. */
  says(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>
  /** Asks it to end, and resolves when it has; after three seconds it is not asked any more. */
  stop(): Promise<void>
  /** Ends it and everything it started, at once, as a power cut would. */
  kill(): Promise<void>
}

/** Starts Node on a script, in a process group of its own so that all of it can be ended. */
export function startNode(args: string[], options: SpawnOptions & { onLine?: (line: string) => void } = {}): Running {
  const { onLine, ...spawning } = options
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...spawning,
  })
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8')
    let rest = ''
    stream?.on('data', (chunk: string) => {
      output += chunk
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine?.(line)
      for (const listener of listeners) listener()
    })
  }
  const ended = once(child, 'exit')
  let asked = false
  // Whoever waits for an answer from a dead process sees only that nobody answers; here is why.
  child.on('exit', (code, signal) => {
    if (asked || code === 0) return
    process.stderr.write(`${args[0]} ended by itself (${signal ?? code}):\n${output.slice(-4000)}\n`)
  })
  const signalGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, signal)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  return {
    process: child,
    printed: () => output,
    says: (pattern, timeoutMs) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output)
          if (match) finish(() => resolve(match))
        }
        const fail = (why: string) => finish(() => reject(new Error(`${args[0]} ${why}:\n${output}`)))
        const timer = setTimeout(() => fail(`did not say ${pattern} in ${timeoutMs} ms`), timeoutMs)
        const finish = (settle: () => void) => {
          clearTimeout(timer)
          listeners.delete(look)
          child.off('exit', onExit)
          settle()
        }
        const onExit = () => fail('ended')
        listeners.add(look)
        child.on('exit', onExit)
        look()
      }),
    async stop() {
      asked = true
      if (child.exitCode === null && child.signalCode === null) {
        signalGroup('SIGTERM')
        const late = setTimeout(() => signalGroup('SIGKILL'), 3000)
        await ended
        clearTimeout(late)
      }
      signalGroup('SIGKILL') // Whoever it left behind.
    },
    async kill() {
      asked = true
      const gone = child.exitCode !== null || child.signalCode !== null
      signalGroup('SIGKILL')
      if (!gone) await ended
    },
  }
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

/** Below the ports that a system hands out by itself (from 32768 on Linux), so that nobody gets one of these by chance. */
const BLOCKS_FROM = 12_000
const BLOCKS = 1_800
const BLOCK = 10

/** The first of ten ports in a row that nobody listens on: what a whole system takes. */
export async function freePorts(): Promise<number> {
  for (;;) {
    const first = BLOCKS_FROM + BLOCK * randomInt(BLOCKS)
    const free = await Promise.all(Array.from({ length: BLOCK }, (_, index) => isFree(first + index)))
    if (free.every(Boolean)) return first
  }
}

/** Whether nobody listens on a port of the loopback interface. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
