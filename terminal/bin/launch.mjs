// Plain JavaScript, so that even a Node that cannot run TypeScript gets as far as saying so.
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import module from 'node:module'
import { constants, homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'

const ownNode = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))

/**
 * Runs a TypeScript program on a Node that can: this one from 22.18, or else the one that npm has installed here.
 * Everything that stops it before it starts is said in one line.
 * @param {string} name how the program is called
 * @param {string} program its file, relative to this folder
 */
export async function launch(name, program) {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return run(name, program)
  if (existsSync(ownNode) && realpathSync(ownNode) !== realpathSync(process.execPath)) return relaunch(name)
  fail(name, `Node ${process.versions.node} is too old: install Node 22.18 or newer, or run npm ci first`)
}

async function run(name, program) {
  hushExperiments()
  keepCompiled()
  try {
    await import(new URL(program, import.meta.url).href)
  } catch (error) {
    const missing = /^Cannot find (?:package|module) '([^./'][^']*)'/.exec(error?.message ?? '')
    const unresolved = error?.code === 'ERR_MODULE_NOT_FOUND' || error?.code === 'MODULE_NOT_FOUND'
    if (!missing || !unresolved) throw error
    fail(name, `the package '${missing[1]}' is not installed; run npm ci first`)
  }
}

/** A till runs until the power goes, so that what was compiled is not kept at its end only. */
const FLUSH_AFTER_MS = 10_000

/** Keeps the compiled programs for the next start, which is most of what a start costs. NODE_COMPILE_CACHE goes first. */
function keepCompiled() {
  const folder = process.env.NODE_COMPILE_CACHE ? null : cacheFolder()
  if (folder !== null) module.enableCompileCache(folder)
  setTimeout(module.flushCompileCache, FLUSH_AFTER_MS).unref()
}

/**
 * The folder that systemd gives, or klubkort's of the XDG base (a relative one does not count); null where it is not
 * this user's alone to write in, since whoever can write there decides what is run.
 */
function cacheFolder() {
  try {
    const { CACHE_DIRECTORY, XDG_CACHE_HOME = '' } = process.env
    const base = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), '.cache')
    const folder = CACHE_DIRECTORY?.split(':')[0] || join(base, 'klubkort')
    // Under sudo the home is somebody else's, and is left as it is.
    if (!isAbsolute(folder) || !isOwn(statSync(existing(folder)))) return null
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const made = lstatSync(folder)
    return isOwn(made) && made.isDirectory() && (made.mode & 0o022) === 0 ? folder : null
  } catch {
    return null // No home, or one that cannot be written to: a start takes longer, and nothing else.
  }
}

/** The folder, or the nearest one above it that is there. */
function existing(folder) {
  return existsSync(folder) || folder === '/' ? folder : existing(dirname(folder))
}

const isOwn = ({ uid }) => uid === process.getuid?.()

/** node:sqlite and type stripping announce themselves as experimental; every other warning is still printed. */
function hushExperiments() {
  const printers = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name === 'ExperimentalWarning' && /SQLite|Type Stripping/.test(warning.message)) return
    for (const print of printers) print.call(process, warning)
  })
}

/** The same command line on the other Node. Signals, messages and the end are passed on as if there were one process. */
function relaunch(name) {
  const stdio = process.send ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit'
  const child = spawn(ownNode, [...process.execArgv, ...process.argv.slice(1)], { stdio })
  child.on('error', (error) => fail(name, `${ownNode} does not start: ${error.message}`))

  // A terminal sends Ctrl-C to both processes; passed on as well, it would arrive twice.
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => isatty(0) || child.kill(signal))
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal))

  if (process.send) {
    process.on('message', (message) => child.connected && child.send(message))
    process.on('disconnect', () => child.connected && child.disconnect())
    child.on('message', (message) => process.connected && process.send(message))
    child.on('disconnect', () => process.connected && process.disconnect())
  }

  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1
    } else {
      process.exitCode = 128 + constants.signals[signal]
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
    if (process.connected) process.disconnect()
  })
}

function fail(name, message) {
  console.error(`${name}: ${message}`)
  process.exitCode = 1
}
