import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'

/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A token travels in a header, where blanks and other alphabets have no place. */
export const Token = z.string().regex(/^[\x21-\x7e]{1,500}$/)

/** Where the worker is (an origin without a slash) and the personal token that opens it. */
export const Login = z.object({ url: z.url(), token: Token })
export type Login = z.infer<typeof Login>

/** The file that holds the login: `$KLUBKORT_CONFIG`, or credentials.json in klubkort's folder of the XDG base. */
function credentialsFile(env: Environment): string {
  if (env.KLUBKORT_CONFIG) return env.KLUBKORT_CONFIG
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'klubkort', 'credentials.json')
}

/**
 * The login to use: from `KLUBKORT_URL` and `KLUBKORT_TOKEN` together, or else from the file. A string says in words
 * why there is none.
 */
export async function readLogin(env: Environment): Promise<Login | string> {
  const { KLUBKORT_URL, KLUBKORT_TOKEN } = env
  if (KLUBKORT_URL || KLUBKORT_TOKEN) {
    // A token goes to the worker that it was given with, and to no other.
    if (!KLUBKORT_URL || !KLUBKORT_TOKEN) return 'KLUBKORT_URL and KLUBKORT_TOKEN are only good together'
    const url = workerUrl(KLUBKORT_URL)
    const token = Token.safeParse(KLUBKORT_TOKEN)
    if (url === null) return `KLUBKORT_URL is ${URL_RULE}`
    return token.success ? { url, token: token.data } : 'KLUBKORT_TOKEN is not a token'
  }
  const file = credentialsFile(env)
  try {
    const stored = Login.safeParse(JSON.parse(await readFile(file, 'utf8')))
    return stored.success ? stored.data : `${file} is damaged; log in again with klubkort login`
  } catch (error) {
    if (error instanceof SyntaxError) return `${file} is damaged; log in again with klubkort login`
    const code = error instanceof Error && 'code' in error ? error.code : error
    return code === 'ENOENT' ? 'not logged in; use klubkort login' : `${file} cannot be read: ${code}`
  }
}

/** Keeps a login in the file, which only its owner can read, whole or not at all. Throws where the disk refuses. */
export async function keepLogin(env: Environment, login: Login): Promise<string> {
  const file = credentialsFile(env)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const fresh = `${file}.${randomUUID()}`
  try {
    const handle = await open(fresh, 'wx', 0o600)
    try {
      await handle.writeFile(`${JSON.stringify(login, null, 2)}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  return file
}

/** What `workerUrl` takes, as the end of a sentence. */
export const URL_RULE = 'no address of a worker, like https://4000.klubkort.example (http only for localhost)'

/**
 * The worker's origin out of an address as people write it; null where it is none. Plain http is good for loopback
 * only, since the token would travel in clear.
 */
export function workerUrl(text: string): string | null {
  if (!URL.canParse(text)) return null
  const { protocol, hostname, origin, pathname, search, hash, username, password } = new URL(text)
  const loopback = /^(.+\.)?localhost$|^127\.\d+\.\d+\.\d+$|^\[::1\]$/.test(hostname)
  if (protocol !== 'https:' && !(protocol === 'http:' && loopback)) return null
  return pathname === '/' && !search && !hash && !username && !password ? origin : null
}
