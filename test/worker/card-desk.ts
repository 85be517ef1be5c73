import { env } from 'cloudflare:test'
import { expect } from 'vitest'
import { hashOfUid } from '../../worker/cards/card-stock.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { cardKeyOf } from '../../worker/municipality/secrets.ts'
import { type Answer, call, type EnrolledTerminal, type Municipality } from './municipality.ts'

/** What a test of cards asks of an office. */

let uids = 0

/** The UID of a card that nobody has seen. */
export function newUid(): string {
  uids += 1
  return `04b1${uids.toString(16).padStart(10, '0')}`
}

export const hashOf = async (uid: string) => hashOfUid(await cardKeyOf(env.MASTER_KEY, 4000), uid)

/** A call of the staff API with whichever token. */
export const asked = (token: string, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> =>
  call(method, `/api/staff${path}`, { token, ...(method === 'POST' && { body: body ?? {} }) })

/** The code of the refusal; null where it was none. */
export const codeOf = ({ body }: Answer) => body.error?.code ?? null

/** A card is laid on a terminal with nothing chosen. */
export async function lay(terminal: EnrolledTerminal, uid: string): Promise<Answer> {
  const path = `/api/terminal/cards/${await hashOf(uid)}`
  return call('GET', path, { token: await terminal.proof(path) })
}

/** A child of a club with its account, without a card. */
export async function member(office: Municipality, club: number, name: string) {
  const child = await office.post<{ id: number; account: number }>('/children', { name })
  await office.db.prepare('UPDATE child SET club = ?2 WHERE id = ?1').bind(child.id, club).run()
  return { child: child.id, account: child.account }
}

/** A first card as the roster orders it, free, to the club. */
export async function firstCard(office: Municipality, account: number, club: number): Promise<string> {
  const id = crypto.randomUUID() // The roster's orders have ids of version 4, guardians' and staff's of version 7.
  await office.db
    .prepare(
      `INSERT INTO card_order (id, account, cause, club, fee, paid_from, status, created_at, ordered_at)
       VALUES (?1, ?2, 'first', ?3, 0, 'account', 'ordered', ?4, ?4)`,
    )
    .bind(id, account, club, Date.now())
    .run()
  return id
}

/** A member of a club's staff at these sites; their token. */
export async function clubToken(office: Municipality, name: string, ...sites: number[]): Promise<string> {
  return (await office.post<{ token: string }>('/people', { name, role: 'club', sites })).token
}

export const statusOf = (office: Municipality, id: string) =>
  office.db.prepare('SELECT status FROM card_order WHERE id = ?').bind(id).first<string>('status')

export const cardsOf = async (office: Municipality, account: number) =>
  (
    await office.db
      .prepare('SELECT id, status, hash FROM card WHERE account = ? ORDER BY id')
      .bind(account)
      .all<{ id: number; status: string; hash: string }>()
  ).results

export async function expectSound(office: Municipality) {
  expect((await checkLedger(office.db)).violations).toEqual([])
}
