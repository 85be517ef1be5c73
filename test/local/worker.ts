import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
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

/** The worker as `wrangler deploy` would upload it, as one file in a folder; `script` is bundled in the place of its own. */
export async function build(folder: string, script = 'worker/main.ts'): Promise<string> {
  const name = basename(script, extname(script))
  const out = join(folder, 'bundle', name)
  const running = startNode([WRANGLER, 'deploy', script, '--dry-run', '--outdir', out], {
    env: { ...process.env, ...QUIET, CI: '1' },
  })
  const [code] = await once(running.process, 'close', { signal: AbortSignal.timeout(120_000) })
  if (code !== 0) throw new Error(`the worker cannot be built:\n${running.printed()}`)
  return join(out, `${name}.js`)
}

/** `secrets` are beside the worker's own; `onLine` takes what it prints; `bundle` is what `build` made, built here else. */
export type Starting = { secrets?: Record<string, string>; onLine?: (line: string) => void; bundle?: string }

/** The worker in workerd, on the databases in a folder; resolves when it answers. */
export async function startWorker(
  folder: string,
  port: number,
  { secrets: more, onLine, bundle }: Starting = {},
): Promise<Running> {
  const address = `http://{municipality}.localhost:${port}`
  const secrets = { ...(await secretsIn(folder)), HOME_MUNICIPALITY: '4000', PORTAL_ADDRESS: address, ...more }
  const serve = [join(ROOT, 'test/local/serve.mjs'), bundle ?? (await build(folder)), String(port), join(folder, 'd1')]
  const running = startNode([...serve, join(ROOT, 'wrangler.toml')], {
    env: { ...process.env, WORKER_SECRETS: JSON.stringify(secrets) },
    ...(onLine && { onLine }),
  })
  await running.says(/^Ready$/m, 60_000)
  return running
}
