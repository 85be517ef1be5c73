import { execFile } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { ROOT } from '../local/processes.ts'

const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser']
const ARGS = [
  '--no-sandbox', // The pages are our own, and containers have no sandbox to give.
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const PACKAGE = join(ROOT, 'node_modules/@sparticuz/chromium')
/** Removed with node_modules, and so never older than the package. */
const UNPACKED = join(ROOT, 'node_modules/.cache/klubkort')

type Chromium = { path: string; env?: Record<string, string> }

/** Whether a browser starts at all: a launcher that is there may still lead nowhere. */
async function runs(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    await promisify(execFile)(path, ['--version'], { timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

/**
 * Unpacks the Chromium that npm brings, once: it goes to a folder of its own and then to its place in one step, so that
 * two test files that begin together never meet half of it. Its folder holds the libraries that a bare machine lacks.
 */
async function packed(): Promise<Chromium> {
  if (process.arch !== 'x64' || process.platform !== 'linux') {
    throw new Error(
      `npm brings no Chromium for ${process.platform} on ${process.arch}: install one (apt-get install chromium), or name it in CHROMIUM`,
    )
  }
  const { version } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8'))
  const folder = join(UNPACKED, `chromium-${version}`)
  if (!existsSync(folder)) {
    await mkdir(UNPACKED, { recursive: true })
    const fresh = await mkdtemp(join(UNPACKED, 'unpacking-'))
    const { default: sparticuz, inflate } = await import('@sparticuz/chromium')
    const before = process.env.TMPDIR
    process.env.TMPDIR = fresh // Where the package unpacks to; it knows no other place.
    try {
      await sparticuz.executablePath()
      await inflate(join(PACKAGE, 'bin/al2023.tar.br'))
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
    try {
      await rename(fresh, folder)
    } catch (error) {
      await rm(fresh, { recursive: true, force: true })
      if (!existsSync(folder)) throw error // Else somebody else was first.
    }
  }
  const env: Record<string, string> = { LD_LIBRARY_PATH: join(folder, 'al2023/lib') }
  if (!existsSync('/etc/fonts/fonts.conf')) {
    env.FONTCONFIG_FILE = join(folder, 'fonts.conf')
    const fonts = `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/fonts-cache</cachedir></fontconfig>`
    await writeFile(env.FONTCONFIG_FILE, fonts)
  }
  return { path: join(folder, 'chromium'), env }
}

/** The browser of this machine: what `CHROMIUM` names ('npm' for the one that npm brings), else an installed one. */
async function found(): Promise<Chromium> {
  const named = process.env.CHROMIUM
  if (named === 'npm') return packed()
  if (named) {
    if (await runs(named)) return { path: named }
    throw new Error(`CHROMIUM names ${named}, which does not run`)
  }
  for (const path of INSTALLED) if (await runs(path)) return { path }
  return packed()
}

/** Makes a browser without Danish menus write dates in its date fields as a Danish one does. */
const DANISH = ['--no-zygote', `--renderer-cmd-prefix=${ROOT}test/browser/danish-renderer.sh`]

/** Starts a headless Chromium; rejects with one clear line where the machine has none and npm brings none. */
export async function launch({ danish = false } = {}): Promise<Browser> {
  const { path, env } = await found()
  return await chromium.launch({
    executablePath: path,
    args: [...ARGS, ...(danish ? DANISH : [])],
    ...(env && { env: { ...process.env, ...env } }),
  })
}
