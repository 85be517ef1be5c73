import { applyD1Migrations, createExecutionContext, type D1Migration, env, reset, SELF } from 'cloudflare:test'
import { vi } from 'vitest'
import type { DebitMessage, SaleLine } from '../../shared/debit.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { base64url, digest, type SignedType, sign } from '../../shared/signing.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import worker from '../../worker/main.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      DB_4000: D1Database
      DB_7620: D1Database
      SETUP_KEY: string
      MASTER_KEY: string
      MIGRATIONS: D1Migration[]
      HISTORIES: number
    }
  }
}

/** A municipality that has been set up in real D1, spoken to over HTTP as its admin. */
export type Municipality = {
  number: number
  db: D1Database
  token: string
  get<T = Record<string, unknown>>(path: string): Promise<T>
  post<T = Record<string, unknown>>(path: string, body?: unknown): Promise<T>
}

/** What came back: the status, and the JSON of the body. */
export type Answer = {
  status: number
  body: { error?: { code: ErrorCode; message: string } } & Record<string, unknown>
}

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

/** A new sale's id. */
export const newSale = () => uuidv7(Date.now(), random(16))

/** A table or what belongs to one, by the SQL that makes it; D1 and SQLite have some of their own, which have no say. */
type Made = { type: 'table' | 'index' | 'trigger'; name: string; sql: string }

const SCHEMA = `SELECT type, name, sql FROM sqlite_master
  WHERE sql IS NOT NULL AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' ORDER BY name`

/** What all migrations come to, as SQL; empty until some file's first test has run them. */
let migrated = ''

/** Takes every row out of a database; false where it is not as the migrations make it. They leave no row behind. */
async function emptied(db: D1Database): Promise<boolean> {
  const { results: schema } = await db.prepare(SCHEMA).all<Made>()
  if (JSON.stringify(schema) !== migrated) return false
  const tables = schema.filter(({ type, name }) => type === 'table' && name !== 'd1_migrations')
  // What may never be deleted is guarded, and the guards stand aside meanwhile.
  const guards = schema.filter(({ type, sql }) => type === 'trigger' && sql.includes('BEFORE DELETE'))
  await db.batch([
    db.prepare('PRAGMA defer_foreign_keys = on'),
    ...guards.map(({ name }) => db.prepare(`DROP TRIGGER ${name}`)),
    ...tables.map(({ name }) => db.prepare(`DELETE FROM ${name}`)),
    ...guards.map(({ sql }) => db.prepare(sql)),
  ])
  return true
}

/**
 * Makes both databases new and empty, with every migration, and keeps the worker's log out of the test's. They are made
 * anew by the migrations once, and where a test has changed more than rows: that takes many times as long.
 */
export async function emptyDatabases(): Promise<void> {
  vi.spyOn(console, 'info').mockImplementation(() => {})
  const databases = [env.DB_4000, env.DB_7620]
  if (migrated !== '' && (await Promise.all(databases.map(emptied))).every(Boolean)) return
  for (let used = true; used; ) {
    await reset()
    for (const db of databases) await applyD1Migrations(db, env.MIGRATIONS)
    const found = await Promise.all(databases.map((db) => db.prepare('SELECT 1 FROM municipality').first()))
    used = found.some((row) => row !== null) // A reset that meets a database at work is lost at times.
  }
  migrated = JSON.stringify((await env.DB_4000.prepare(SCHEMA).all<Made>()).results)
}

const hostOf = (municipality: number) => `http://${municipality}.localhost`

/** Where a request goes in. */
type Door = { fetch(request: Request): Promise<Response> }

/** The worker's own handler. `SELF` is a whole hop further, but in one file each call of it takes longer than the last. */
const HANDLER: Door = { fetch: async (request) => worker.fetch(request, env, createExecutionContext()) }

type Sent = { token?: string; body?: unknown; headers?: Record<string, string>; door?: Door }

/** One HTTP call to the worker; `body` goes out as JSON unless it is a string or a stream already. */
export async function call(
  method: 'GET' | 'POST',
  url: string,
  { token, body, headers = {}, door = HANDLER }: Sent = {},
): Promise<Answer> {
  const raw = typeof body === 'string' || body instanceof ReadableStream
  const request = new Request(url.startsWith('/') ? hostOf(4000) + url : url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: raw ? body : JSON.stringify(body) }),
  })
  const response = await door.fetch(request)
  const text = await response.text()
  try {
    return { status: response.status, body: JSON.parse(text) }
  } catch {
    throw new Error(`${method} ${url} answered ${response.status} and no JSON: ${text}`)
  }
}

async function expectOk(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer
  if (status !== 200) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`)
  return body
}

/** Sets up a municipality in an empty database. */
export async function municipality(number: 4000 | 7620 = 4000): Promise<Municipality> {
  const host = hostOf(number)
  const init = { number, name: `Kommune ${number}`, staff: 'Astrid' }
  const { token } = (await expectOk(call('POST', `${host}/api/setup`, { token: env.SETUP_KEY, body: init }))) as {
    token: string
  }
  return {
    number,
    db: number === 4000 ? env.DB_4000 : env.DB_7620,
    token,
    get: (path) => expectOk(call('GET', `${host}/api/staff${path}`, { token })) as never,
    post: (path, body = {}) => expectOk(call('POST', `${host}/api/staff${path}`, { token, body })) as never,
  }
}

/** An Ed25519 key pair with its public half as the wire wants it. */
export type Key = { privateKey: CryptoKey; publicKey: string }

/** A new key, as a terminal makes it. */
export async function newKey(): Promise<Key> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  const raw = (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer
  return { privateKey: pair.privateKey, publicKey: base64url(raw) }
}

/** Signs as `shared/signing.ts` does for a terminal; the key types of jose and of the runtime differ only in name. */
export const signed = (key: Key, typ: SignedType, kid: string | undefined, payload: unknown) =>
  sign(key.privateKey as never, typ, kid, payload)

/** What of a debit message a test cares about; the rest is filled in so that it fits. */
export type Said = { sale?: string; card: string; amount: number; lines?: SaleLine[]; at?: number }

/** A terminal with its key, and its place in its own chain of messages. */
export type EnrolledTerminal = {
  id: string
  name: string
  site: number
  key: Key
  cardKey: string
  /** The next message of this terminal, as signed bytes; `with` overrides any field of the payload. */
  say(kind: DebitMessage['kind'], said: Said & { with?: Record<string, unknown> }): Promise<string>
  /** Forgets messages that were never booked: the next one has number `seq` and follows `prev`. */
  rewind(seq?: number, prev?: string): void
  send(...messages: string[]): Promise<Answer>
  proof(path: string, claims?: Record<string, unknown>): Promise<string>
}

/** A site; its name is all that it has. */
export async function newSite(office: Municipality, name = 'Ungdomsklubben'): Promise<number> {
  return (await office.post<{ id: number }>('/sites', { name })).id
}

/** What a terminal shows to be enrolled: the code, its key, and the proof that it holds that key. */
export async function enrolment(code: string, key: Key, host = hostOf(4000), claims: Record<string, unknown> = {}) {
  const htu = `${host}/api/terminal/enrol`
  const proof = await signed(key, 'klubkort-enrol', undefined, {
    code,
    htu,
    iat: Math.floor(Date.now() / 1000),
    ...claims,
  })
  return { code, publicKey: key.publicKey, proof }
}

/** A terminal that was added by staff and has enrolled its key. */
export async function enrolledTerminal(office: Municipality, site: number, name: string): Promise<EnrolledTerminal> {
  const host = hostOf(office.number)
  const added = await office.post<{ terminal: string; code: string }>('/terminals', { site, name })
  const key = await newKey()
  const body = await enrolment(added.code, key, host)
  const { cardKey } = (await expectOk(call('POST', `${host}/api/terminal/enrol`, { body }))) as { cardKey: string }
  const next = { seq: 1, prev: '' }
  return {
    id: added.terminal,
    name,
    site,
    key,
    cardKey,
    async say(kind, { with: overrides = {}, ...said }) {
      const payload = {
        v: 1,
        kind,
        sale: said.sale ?? newSale(),
        seq: next.seq,
        prev: next.prev,
        card: said.card,
        amount: said.amount,
        lines: said.lines ?? [{ product: null, quantity: 1, price: said.amount }],
        at: said.at ?? Date.now(),
        ...overrides,
      }
      const jws = await signed(key, 'klubkort-debit', added.terminal, payload)
      next.seq += 1
      next.prev = await digest(jws)
      return jws
    },
    rewind(seq = 1, prev = '') {
      next.seq = seq
      next.prev = prev
    },
    send: (...messages) => call('POST', `${host}/api/terminal/messages`, { body: { messages }, door: SELF }),
    proof: (path, claims = {}) =>
      signed(key, 'klubkort-proof', added.terminal, {
        iss: added.terminal,
        htm: 'GET',
        htu: host + path,
        iat: Math.floor(Date.now() / 1000),
        jti: crypto.randomUUID(),
        ...claims,
      }),
  }
}

/** Where most stories begin: a municipality in new databases, with one site and a terminal that is enrolled there. */
export async function oneSite(name = 'Ungdomsklubben', terminalName = 'Disken') {
  await emptyDatabases()
  const office = await municipality()
  const site = await newSite(office, name)
  return { office, site, terminal: await enrolledTerminal(office, site, terminalName) }
}

/** What an account holds, by its id or its kind. */
export const balanceOf = async ({ db }: Municipality, account: number | string): Promise<number> =>
  Number(
    await db
      .prepare(
        `SELECT coalesce(sum(amount), 0) AS n FROM posting JOIN account ON account.id = posting.account
         WHERE account.id = ?1 OR account.kind = ?1`,
      )
      .bind(account)
      .first('n'),
  )

/** A child with a wallet, one card and what it can spend, in øre. */
export type CardHolder = { child: number; account: number; card: number; hash: string; uid: string }

/** Adds a child with a card of a random 7-byte UID, and money by a correction. */
export async function cardHolder(
  office: Municipality,
  { name = 'Ida', credit = 0, dailyLimit = null as number | null } = {},
): Promise<CardHolder> {
  const child = await office.post<{ id: number; account: number }>('/children', { name, dailyLimit })
  const uid = `04${Array.from(random(6), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  const card = await office.post<{ id: number }>('/cards', { child: child.id, uid })
  const hash = await office.db.prepare('SELECT hash FROM card WHERE id = ?').bind(card.id).first<string>('hash')
  if (hash === null) throw new Error('a card was added and is not there')
  if (credit > 0) await pay(office, child.account, credit)
  return { child: child.id, account: child.account, card: card.id, hash, uid }
}

/** Money into a wallet by the hand of staff. */
export async function pay(office: Municipality, account: number, amount: number): Promise<void> {
  await office.post(`/accounts/${account}/credit`, { id: newSale(), amount, reason: 'test money' })
}

/**
 * Everything that a database holds, table by table, except the tables that are left out, and when a token was last used,
 * which every call of staff may move.
 */
export async function contents(db: D1Database, ...except: string[]): Promise<Record<string, unknown[]>> {
  const tables = await db
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'",
    )
    .all<{ name: string }>()
  const names = tables.results.map(({ name }) => name).filter((name) => !except.includes(name))
  const rows = await db.batch(names.map((name) => db.prepare(`SELECT * FROM ${name}`)))
  const held = Object.fromEntries(names.map((name, index) => [name, rows[index]?.results ?? []]))
  const tokens = (held.staff_token ?? []) as Record<string, unknown>[]
  return { ...held, staff_token: tokens.map(({ last_used_at, ...token }) => token) }
}
