import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT, type Running, startNode } from './processes.ts'

const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js')
const QUIET = {
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
}

/** The worker's secrets on this machine, made at the first start and kept in its folder. */
export type Secrets = { MASTER_KEY: string; SETUP_KEY: string }

export async function secretsIn(folder: string): Promise<Secrets> {
  const path = join(folder, 'secrets.json')
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    const secrets = {
      MASTER_KEY: randomBytes(32).toString('base64url'),
      SETUP_KEY: randomBytes(18).toString('base64url'),
    }
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(path, JSON.stringify(secrets), { mode: 0o600 })
    return secrets
  }
}

/** Brings a municipality's local database up to date, with the command that a deployment uses. */
export async function migrate(folder: string, municipality: number): Promise<void> {
  const args = ['d1', 'migrations', 'apply', `DB_${municipality}`, '--local', '--persist-to', join(folder, 'd1')]
  const running = startNode([WRANGLER, ...args], { env: { ...process.env, ...QUIET, CI: '1' } })
  const [code] = await once(running.process, 'close', { signal: AbortSignal.timeout(60_000) })
  if (code !== 0) throw new Error(`the migrations of municipality ${municipality} failed:\n${running.printed()}`)
}

/**
 * The worker under `wrangler dev`, on the databases in a folder; resolves when it answers. `more` are secrets beside its
 * own; no value may hold a single quote. `onLine` takes what it prints. `script` is run in the place of the worker's own.
 */
export async function startWorker(
  folder: string,
  port: number,
  more: Record<string, string> = {},
  onLine?: (line: string) => void,
  script?: string,
): Promise<Running> {
  const secrets = await secretsIn(folder)
  const vars = join(folder, 'worker.env')
  const address = `http://{municipality}.localhost:${port}`
  const all = { ...secrets, HOME_MUNICIPALITY: '4000', PORTAL_ADDRESS: address, ...more }
  const lines = Object.entries(all).map(([name, value]) => `${name}='${value}'`)
  await writeFile(vars, `${lines.join('\n')}\n`, { mode: 0o600 })
  const args = [
    'dev',
    ...(script ? [script] : []),
    '--local',
    '--ip',
    '127.0.0.1',
    '--port',
    String(port),
    '--inspector-port',
    '0',
  ]
  const running = startNode(
    [WRANGLER, ...args, '--env-file', vars, '--persist-to', join(folder, 'd1'), '--show-interactive-dev-session=false'],
    { env: { ...process.env, ...QUIET }, ...(onLine && { onLine }) },
  )
  await running.says(/Ready on/, 60_000)
  return running
}
