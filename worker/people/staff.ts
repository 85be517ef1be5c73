import type { Role } from '../../shared/office/staff.ts'
import { digest } from '../../shared/signing.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { TOKEN_LIFE_MS } from '../municipality/setup.ts'

/** A member of staff, as their token tells; `sites` are those that a club's staff work at, null for all of them. */
export type Staff = { id: number; name: string; role: Role; sites: number[] | null }

/** Whose token this is; null where it is unknown, expired or revoked. */
export async function staffOf(db: D1Database, token: string, nowMs: number): Promise<Staff | null> {
  const found = await db
    .prepare(
      `SELECT id, name, role,
         iif(role = 'club', (SELECT json_group_array(site) FROM staff_site WHERE staff = staff_token.id), NULL) AS sites
       FROM staff_token WHERE hash = ?1 AND revoked_at IS NULL AND expires_at > ?2`,
    )
    .bind(await digest(token), nowMs)
    .first<Omit<Staff, 'sites'> & { sites: string | null }>()
  return found && { ...found, sites: found.sites === null ? null : JSON.parse(found.sites) }
}

/** The sites of whoever asks, as the parameter that `withinSites` wants. */
export const sitesOf = ({ sites }: Pick<Staff, 'sites'>): string | null =>
  sites === null ? null : JSON.stringify(sites)

/** SQL: whether a site is one of those of whoever asks; `sites` is a parameter bound to `sitesOf` them. */
export const withinSites = (site: string, sites: string): string =>
  `(${sites} IS NULL OR ${site} IN (SELECT value FROM json_each(${sites})))`

/** Whether two names tell of one person: how they are written in capitals, with accents or with blanks does not matter. */
export const samePerson = (name: string, other: string) => personKey(name) === personKey(other)

function personKey(name: string): string {
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

/** A member of staff with what has become of their token. */
export type StaffView = Omit<Staff, 'sites'> & {
  state: 'good' | 'expired' | 'revoked'
  createdAt: number
  expiresAt: number
}

/** ?1 is the instant. */
const STAFF = `
SELECT id, name, role, created_at AS createdAt, expires_at AS expiresAt,
  CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= ?1 THEN 'expired' ELSE 'good' END AS state
FROM staff_token`

/** Everybody who has or had a token, the newest last. */
export async function staffMembers(db: D1Database, nowMs: number): Promise<StaffView[]> {
  return (await db.prepare(`${STAFF} ORDER BY id`).bind(nowMs).all<StaffView>()).results
}

/**
 * Gives somebody a token, of which only the digest is kept. Null where somebody of that name has one that is good: two
 * tokens of one person would count as two people where two are asked for.
 */
export async function addStaff(
  db: D1Database,
  { name, role, token }: { name: string; role: Role; token: string },
  by: number,
  nowMs: number,
): Promise<StaffView | null> {
  const hash = await digest(token)
  const good = await db
    .prepare('SELECT name FROM staff_token WHERE revoked_at IS NULL AND expires_at > ?')
    .bind(nowMs)
    .all<{ name: string }>()
  if (good.results.some((other) => samePerson(other.name, name))) return null
  // Two calls at once for one name are left to the statement.
  const [, , row] = await db.batch<StaffView>([
    db
      .prepare(
        `INSERT INTO staff_token (name, role, hash, created_at, expires_at) SELECT ?2, ?3, ?4, ?1, ?5
         WHERE NOT EXISTS (SELECT 1 FROM staff_token
           WHERE lower(name) = lower(?2) AND revoked_at IS NULL AND expires_at > ?1)`,
      )
      .bind(nowMs, name, role, hash, nowMs + TOKEN_LIFE_MS),
    recordedIfChanged(db, { staff: by, action: 'staff_added', subject: { kind: 'staff' }, detail: { role } }, nowMs),
    db.prepare(`${STAFF} WHERE hash = ?2`).bind(nowMs, hash),
  ])
  return row?.results[0] ?? null
}

/** Revokes a token for good; again is no change. The last admin's stays, or nobody could make another. */
export async function revokeStaff(
  db: D1Database,
  id: number,
  by: number,
  nowMs: number,
): Promise<StaffView | 'not_found' | 'last_admin'> {
  const [, , row] = await db.batch<StaffView>([
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
  const member = row?.results[0]
  if (!member) return 'not_found'
  return member.state === 'revoked' ? member : 'last_admin'
}
