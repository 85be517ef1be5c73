import type { z } from 'zod'
import type { Role, StaffCall, StaffMember } from '../../shared/office/staff.ts'
import { digest } from '../../shared/signing.ts'
import { log } from '../log.ts'
import { recordedIfChanged } from '../municipality/audit.ts'

const DAY_MS = 86_400_000
/** A token's last use is kept to the minute, so that not every call is a write. */
const USE_KEPT_MS = 60_000

/** How long before the end of their token people are told of it, and may have another one. */
export const TOKEN_ENDS_SOON_MS = 14 * DAY_MS

/** A member of staff, as their token tells; `sites` are those that a club's staff work at, null for all of them. */
export type Staff = { id: number; name: string; role: Role; sites: number[] | null; expiresAt: number }

/** Whose token this is, which is recorded as used; null where it is unknown, expired or revoked. */
export async function staffOf(db: D1Database, token: string, nowMs: number): Promise<Staff | null> {
  const row = await db
    .prepare(
      `SELECT id, name, role, expires_at AS expiresAt, coalesce(last_used_at, 0) <= ?2 - ${USE_KEPT_MS} AS due,
         iif(role = 'club', (SELECT json_group_array(site) FROM staff_site WHERE staff = staff_token.id), NULL) AS sites
       FROM staff_token WHERE hash = ?1 AND revoked_at IS NULL AND expires_at > ?2`,
    )
    .bind(await digest(token), nowMs)
    .first<Omit<Staff, 'sites'> & { sites: string | null; due: 0 | 1 }>()
  if (!row) return null
  const { due, sites, ...staff } = row
  if (due) await used(db, staff.id, nowMs)
  return { ...staff, sites: sites === null ? null : JSON.parse(sites) }
}

/** A database that is full can still be read, and the books looked into, so the writing may fail. */
async function used(db: D1Database, staff: number, nowMs: number): Promise<void> {
  try {
    await db
      .prepare('UPDATE staff_token SET last_used_at = ?2 WHERE id = ?1 AND revoked_at IS NULL')
      .bind(staff, nowMs)
      .run()
  } catch (error) {
    log('error', 'token_use', { staff, error: error instanceof Error ? error.message : 'unknown' })
  }
}

/** The sites of whoever asks, as the parameter that `withinSites` wants. */
export const sitesOf = ({ sites }: Pick<Staff, 'sites'>): string | null =>
  sites === null ? null : JSON.stringify(sites)

/** SQL: whether a site is one of those of whoever asks; `sites` is a parameter bound to `sitesOf` them. */
export const withinSites = (site: string, sites: string): string =>
  `(${sites} IS NULL OR ${site} IN (SELECT value FROM json_each(${sites})))`

/** Whether two names tell of one person: how they are written in capitals, with accents or with blanks does not matter. */
export const samePerson = (name: string, other: string) => personKey(name) === personKey(other)

/** A name as `samePerson` compares it. */
export function personKey(name: string): string {
  const plain = name
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .replace(/\s+/g, ' ')
  return plain.trim().toLocaleLowerCase('da')
}

/** The tokens, good or not, of whoever this token belongs to, itself among them. */
export async function tokensOfPerson(db: D1Database, staff: number): Promise<number[]> {
  const { results } = await db.prepare('SELECT id, name FROM staff_token').all<{ id: number; name: string }>()
  const own = results.find(({ id }) => id === staff)
  return own === undefined ? [staff] : results.filter(({ name }) => samePerson(name, own.name)).map(({ id }) => id)
}

/** A member of staff with their sites by name, and what has become of their token. */
export type StaffView = z.infer<typeof StaffMember>

/** SQL: the sites of a club's staff as JSON, by name; NULL for who may see all of them. `staff` is SQL for their row. */
const SITES = (staff: string) => `
iif(${staff}.role = 'club', (
  SELECT json_group_array(json_object('id', id, 'name', name)) FROM (
    SELECT site.id, site.name FROM staff_site JOIN site ON site.id = staff_site.site
    WHERE staff_site.staff = ${staff}.id ORDER BY site.name)), NULL)`

/** ?1 is the instant. */
const STAFF = `
SELECT id, name, role, ${SITES('staff_token')} AS sites, created_at AS createdAt, expires_at AS expiresAt,
  last_used_at AS lastUsedAt,
  CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= ?1 THEN 'expired' ELSE 'good' END AS state
FROM staff_token`

type Row = Omit<StaffView, 'sites'> & { sites: string | null }

function viewOf(found: unknown): StaffView | null {
  const row = found as Row | undefined
  return row ? { ...row, sites: row.sites === null ? null : JSON.parse(row.sites) } : null
}

/** Everybody who has or had a token, the newest last. */
export async function staffMembers(db: D1Database, nowMs: number): Promise<StaffView[]> {
  const { results } = await db.prepare(`${STAFF} ORDER BY id`).bind(nowMs).all()
  return results.flatMap((row) => viewOf(row) ?? [])
}

/** The municipality's name, and where whoever asks works: null for every site. */
export async function workplace(db: D1Database, staff: Staff): Promise<{ name: string; sites: StaffView['sites'] }> {
  const row = await db
    .prepare(
      `SELECT (SELECT name FROM municipality) AS name, ${SITES('staff_token')} AS sites FROM staff_token WHERE id = ?`,
    )
    .bind(staff.id)
    .first<{ name: string | null; sites: string | null }>()
  return { name: row?.name ?? '', sites: row?.sites ? JSON.parse(row.sites) : null }
}

/** SQL: whether every site of a list in JSON is there; `sites` is a parameter. */
const allThere = (sites: string) =>
  `NOT EXISTS (SELECT 1 FROM json_each(${sites}) AS named WHERE named.value NOT IN (SELECT id FROM site))`

const isKnown = (answer: D1Result | undefined) => (answer?.results as { known: 0 | 1 }[] | undefined)?.[0]?.known === 1

/** What a new token is for; of the token itself only the digest is kept. */
export type NewStaff = z.infer<typeof StaffCall> & { token: string }

/**
 * Gives somebody a token. The name is taken where somebody has one that is good for longer: whose token ends soon gets
 * the next one while this still opens, or nobody could give the only admin another. What takes two people goes by their
 * names (`tokensOfPerson`).
 */
export async function addStaff(
  db: D1Database,
  { name, role, sites, days, token }: NewStaff,
  by: number,
  nowMs: number,
): Promise<StaffView | 'name_taken' | 'site_unknown'> {
  const hash = await digest(token)
  const good = await db
    .prepare('SELECT name FROM staff_token WHERE revoked_at IS NULL AND expires_at > ?')
    .bind(nowMs + TOKEN_ENDS_SOON_MS)
    .all<{ name: string }>()
  if (good.results.some((other) => samePerson(other.name, name))) return 'name_taken'
  const detail = { role, ...(role === 'club' && { sites }) }
  // Two calls at once for one name are left to the statement.
  const [, , , known, row] = await db.batch<unknown>([
    db
      .prepare(
        `INSERT INTO staff_token (name, role, hash, created_at, expires_at) SELECT ?2, ?3, ?4, ?1, ?5
         WHERE NOT EXISTS (SELECT 1 FROM staff_token
           WHERE lower(name) = lower(?2) AND revoked_at IS NULL AND expires_at > ?1 + ${TOKEN_ENDS_SOON_MS})
           AND ${allThere('?6')}`,
      )
      .bind(nowMs, name, role, hash, nowMs + days * DAY_MS, JSON.stringify(sites)),
    recordedIfChanged(db, { staff: by, action: 'staff_added', subject: { kind: 'staff' }, detail }, nowMs),
    db
      .prepare(
        `INSERT INTO staff_site (staff, site)
         SELECT staff_token.id, named.value FROM staff_token JOIN json_each(?2) AS named WHERE hash = ?1
         ON CONFLICT DO NOTHING`,
      )
      .bind(hash, JSON.stringify(sites)),
    db.prepare(`SELECT ${allThere('?1')} AS known`).bind(JSON.stringify(sites)),
    db.prepare(`${STAFF} WHERE hash = ?2`).bind(nowMs, hash),
  ])
  const added = viewOf(row?.results[0])
  if (added) return added
  return isKnown(known) ? 'name_taken' : 'site_unknown'
}

/** Puts a club's staff at other sites, from their next call on; the same sites again are no change. */
export async function moveStaff(
  db: D1Database,
  { id, sites }: { id: number; sites: number[] },
  by: number,
  nowMs: number,
): Promise<StaffView | 'not_found' | 'role_unfit' | 'site_unknown'> {
  const named = JSON.stringify(sites)
  const may = `EXISTS (SELECT 1 FROM staff_token WHERE id = ?1 AND role = 'club') AND ${allThere('?2')}`
  const gone = 'staff = ?1 AND site NOT IN (SELECT value FROM json_each(?2))'
  const [, , , known, row] = await db.batch<unknown>([
    // Before the change, since it is one where a site goes or another comes.
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject, detail)
         SELECT ?3, ?4, 'staff_moved', ?5, json_object('sites', json(?2))
         WHERE ${may} AND (EXISTS (SELECT 1 FROM staff_site WHERE ${gone})
           OR EXISTS (SELECT 1 FROM json_each(?2) WHERE value NOT IN (SELECT site FROM staff_site WHERE staff = ?1)))`,
      )
      .bind(id, named, nowMs, by, `staff:${id}`),
    db.prepare(`DELETE FROM staff_site WHERE ${gone} AND ${may}`).bind(id, named),
    db
      .prepare(
        `INSERT INTO staff_site (staff, site) SELECT ?1, value FROM json_each(?2) WHERE ${may}
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, named),
    db.prepare(`SELECT ${allThere('?1')} AS known`).bind(named),
    db.prepare(`${STAFF} WHERE id = ?2`).bind(nowMs, id),
  ])
  const member = viewOf(row?.results[0])
  if (!member) return 'not_found'
  if (member.role !== 'club') return 'role_unfit'
  return isKnown(known) ? member : 'site_unknown'
}

/** Revokes a token for good; again is no change. The last admin's stays, or nobody could make another. */
export async function revokeStaff(
  db: D1Database,
  id: number,
  by: number,
  nowMs: number,
): Promise<StaffView | 'not_found' | 'last_admin'> {
  const [, , row] = await db.batch<unknown>([
    db
      .prepare(
        `UPDATE staff_token SET revoked_at = ?1 WHERE id = ?2 AND revoked_at IS NULL
         AND (role <> 'admin' OR expires_at <= ?1 OR EXISTS (SELECT 1 FROM staff_token AS other WHERE other.id <> ?2
           AND other.role = 'admin' AND other.revoked_at IS NULL AND other.expires_at > ?1))`,
      )
      .bind(nowMs, id),
    recordedIfChanged(db, { staff: by, action: 'staff_revoked', subject: `staff:${id}` }, nowMs),
    db.prepare(`${STAFF} WHERE id = ?2`).bind(nowMs, id),
  ])
  const member = viewOf(row?.results[0])
  if (!member) return 'not_found'
  return member.state === 'revoked' ? member : 'last_admin'
}
