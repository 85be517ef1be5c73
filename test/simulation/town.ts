import { createPrivateKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { exportJWK, importJWK } from 'jose'
import { cardHash, sign } from '../../shared/signing.ts'
import type { Enrolment, KeyPair } from '../../terminal/identity.ts'
import { ROOT } from '../local/processes.ts'
import { HOST, type WorkerProcess } from './worker-call.ts'

/** A municipality with one club, as every seed finds it. */
export type Town = {
  site: number
  products: { id: number; name: string; price: number; category: string }[]
  children: { id: number; account: number; card: number; uid: Uint8Array; hash: string }[]
  terminals: { enrolment: Enrolment; key: KeyPair }[]
  /** What staff do, over the staff API. Throws on a refusal. */
  staff<T = Record<string, unknown>>(now: number, method: 'GET' | 'POST', path: string, body?: unknown): Promise<T>
  /** Puts the database back to how it was when the town was built. */
  renew(): Promise<void>
  /** Keeps the database as it is now; calling what comes back restores it in place. */
  keep(): Promise<() => Promise<void>>
}

export const TOWN_BUILT_AT = Date.UTC(2026, 8, 1, 6, 0)
const CHILDREN = 8
const TERMINALS = 4
const PRODUCTS: [name: string, price: number, category: string][] = [
  ['Toast', 500, 'food'],
  ['Saft', 1200, 'drink'],
  ['Pizza', 2500, 'food'],
]

/** Ed25519 keys that are the same in every run (RFC 8410's form around 32 told bytes). */
async function keyOf(number: number): Promise<KeyPair> {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([prefix, Buffer.alloc(32, number)])
  const jwk = await exportJWK(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  const privateKey = await importJWK(jwk, 'EdDSA')
  if (privateKey instanceof Uint8Array || typeof jwk.x !== 'string') throw new TypeError('an Ed25519 key is no secret')
  return { privateKey, publicKey: jwk.x }
}

function migrations(): { sql: string }[] {
  return readdirSync(`${ROOT}migrations`)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .flatMap((file) => readFileSync(`${ROOT}migrations/${file}`, 'utf8').split('--> statement-breakpoint'))
    .map((sql) => ({ sql: sql.trim() }))
    .filter(({ sql }) => sql !== '')
}

/** Builds the town in an empty database, over the worker's own API. */
export async function town(worker: WorkerProcess, setupKey: string): Promise<Town> {
  await worker.query(migrations())
  const json = { accept: 'application/json', 'content-type': 'application/json' }

  async function ask<T>(now: number, method: string, path: string, token: string | null, body?: unknown): Promise<T> {
    const headers = { ...json, ...(token !== null && { authorization: `Bearer ${token}` }) }
    const answer = await worker.call(
      { now },
      method,
      path,
      headers,
      body === undefined ? undefined : JSON.stringify(body),
    )
    if (answer.status !== 200) throw new Error(`${method} ${path} was refused: ${answer.status} ${answer.text}`)
    return JSON.parse(answer.text)
  }

  const init = { number: 4000, name: 'Prøve', staff: 'Prøvepersonale' }
  const { token } = await ask<{ token: string }>(TOWN_BUILT_AT, 'POST', '/api/setup', setupKey, init)
  const staff: Town['staff'] = (now, method, path, body) => ask(now, method, `/api/staff${path}`, token, body)
  const post = <T>(path: string, body: unknown) => staff<T>(TOWN_BUILT_AT, 'POST', path, body)

  const { id: site } = await post<{ id: number }>('/sites', { name: 'Klub' })
  const products: Town['products'] = []
  for (const [name, price, category] of PRODUCTS) {
    products.push(await post('/products', { site, name, price, category }))
  }
  const terminals: Town['terminals'] = []
  for (let each = 1; each <= TERMINALS; each++) {
    const { code } = await post<{ code: string }>('/terminals', { site, name: `Terminal ${each}` })
    const key = await keyOf(each)
    const htu = `http://${HOST}/api/terminal/enrol`
    const iat = Math.floor(TOWN_BUILT_AT / 1000)
    const proof = await sign(key.privateKey, 'klubkort-enrol', undefined, { code, htu, iat })
    const call = { code, publicKey: key.publicKey, proof }
    const told = await ask<Enrolment>(TOWN_BUILT_AT, 'POST', '/api/terminal/enrol', null, call)
    const { terminal, municipality, cardKey } = told
    terminals.push({ enrolment: { terminal, municipality, cardKey, url: `http://${HOST}` }, key })
  }
  const cardKey = terminals[0]?.enrolment.cardKey ?? ''
  const children: Town['children'] = []
  for (let each = 1; each <= CHILDREN; each++) {
    const child = await post<{ id: number; account: number }>('/children', {
      name: `Prøvebarn ${each}`,
      dailyLimit: each > CHILDREN - 2 ? 4_000 : null,
    })
    const uid = Uint8Array.from([4, 0xa0, 0, 0, 0, 0, each])
    const card = await post<{ id: number }>('/cards', { child: child.id, uid: Buffer.from(uid).toString('hex') })
    children.push({ ...child, card: card.id, uid, hash: await cardHash(cardKey, uid) })
  }
  return { site, products, children, terminals, staff, renew: await renewal(worker), keep: () => renewal(worker) }
}

/** The whole database as it is now, in statements that bring it back whatever has been done to it. */
export async function renewal(worker: WorkerProcess): Promise<() => Promise<void>> {
  const [found = []] = await worker.query([
    { sql: "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'trigger') AND name NOT GLOB '_cf_*'" },
  ])
  const named = (type: string) =>
    found.filter((row) => row.type === type).map((row) => ({ name: String(row.name), sql: String(row.sql) }))
  const tables = named('table')
  const triggers = named('trigger')
  const rows = await worker.query(tables.map(({ name }) => ({ sql: `SELECT * FROM "${name}"` })))
  const statements = [
    { sql: 'PRAGMA defer_foreign_keys = ON' },
    ...triggers.map(({ name }) => ({ sql: `DROP TRIGGER "${name}"` })),
    ...tables.map(({ name }) => ({ sql: `DELETE FROM "${name}"` })),
    ...tables.flatMap(({ name }, index) => (rows[index] ?? []).map((row) => inserted(name, row))),
    ...triggers.map(({ sql }) => ({ sql })),
  ]
  return async () => void (await worker.query(statements))
}

function inserted(table: string, row: Record<string, unknown>) {
  const columns = Object.keys(row).map((name) => `"${name}"`)
  const values = Object.values(row)
  return {
    sql: `INSERT INTO "${table}" (${columns}) VALUES (${values.map((value) => (typeof value === 'number' ? value : '?'))})`,
    bind: values.filter((value) => typeof value !== 'number'),
  }
}
