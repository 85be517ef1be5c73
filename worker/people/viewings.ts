import type { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { Access } from '../../shared/office/audit.ts'
import type { Actor } from '../municipality/audit.ts'

/**
 * Who looked at which child. A viewing is written in the batch of what is read, once per child, Copenhagen day and
 * viewer; what comes later on that day only moves its last instant. A child that is not there is seen by nobody.
 */

/** Some children: a SELECT of their ids, which may have `?` parameters, and their values. */
type Among = { children: string; bind: readonly (string | number | null)[] }

/** The statement that records who looks at one child. */
export function viewed(
  db: D1Database,
  { child }: { child: number },
  viewer: Actor,
  nowMs: number,
): D1PreparedStatement {
  return viewedAmong(db, { children: 'SELECT ?', bind: [child] }, viewer, nowMs)
}

/** The statement that records who looks at the children of some accounts. */
export function viewedAccounts(
  db: D1Database,
  accounts: readonly number[],
  viewer: Actor,
  nowMs: number,
): D1PreparedStatement {
  const children = 'SELECT child FROM account WHERE id IN (SELECT value FROM json_each(?))'
  return viewedAmong(db, { children, bind: [JSON.stringify(accounts)] }, viewer, nowMs)
}

/** The statement that records who looks at the children that a query finds. */
export function viewedAmong(
  db: D1Database,
  { children, bind }: Among,
  viewer: Actor,
  nowMs: number,
): D1PreparedStatement {
  const [kind, id] = 'staff' in viewer ? ['staff', viewer.staff] : ['guardian', viewer.guardian]
  return db
    .prepare(
      `INSERT INTO viewing (child, day, viewer_kind, viewer, first_at, last_at)
       SELECT id, ?, ?, ?, ?, ? FROM child WHERE id IN (${children})
       ON CONFLICT (child, day, viewer_kind, viewer) DO UPDATE SET last_at = max(last_at, excluded.last_at)`,
    )
    .bind(copenhagenDay(nowMs), kind, id, nowMs, nowMs, ...bind)
}

/**
 * A day on which somebody looked at a child, and when last. Staff are named. Of other guardians it says that there was
 * one: neither who, nor how many, nor when in the day, which is nobody's business but theirs.
 */
export type Viewing = {
  child: { id: number; name: string }
  day: string
  who: { kind: 'you' } | { kind: 'other_guardian' } | { kind: 'staff'; name: string }
  lastAt: number | null
}

type Row = {
  child: number
  name: string
  day: string
  kind: Viewing['who']['kind']
  staff: string | null
  lastAt: number | null
}

/**
 * The statement that reads who looked at the children of a guardian, the newest day first, as many as wanted or all;
 * `viewingOf` makes a viewing of each row. Of other guardians nothing but the day leaves the database.
 */
export function viewingsQuery(db: D1Database, guardian: number, wanted: number | 'all'): D1PreparedStatement {
  return db
    .prepare(
      `SELECT DISTINCT child.id AS child, child.name, viewing.day, staff_token.name AS staff,
         CASE WHEN viewer_kind = 'staff' THEN 'staff' WHEN viewer = ?1 THEN 'you' ELSE 'other_guardian' END AS kind,
         iif(viewer_kind = 'staff' OR viewer = ?1, last_at, NULL) AS lastAt
       FROM guardian
       JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
       JOIN child ON child.id = guardianship.child
       JOIN viewing ON viewing.child = child.id
       LEFT JOIN staff_token ON viewer_kind = 'staff' AND staff_token.id = viewer
       WHERE guardian.id = ?1
       ORDER BY viewing.day DESC, lastAt IS NULL, lastAt DESC, child.id, staff LIMIT ?2`,
    )
    .bind(guardian, wanted === 'all' ? -1 : wanted)
}

export function viewingOf(found: unknown): Viewing {
  const { child, name, day, kind, staff, lastAt } = found as Row
  const who: Viewing['who'] = kind === 'staff' ? { kind, name: staff ?? '' } : { kind }
  return { child: { id: child, name }, day, who, lastAt }
}

/** How many lines one answer lists. */
const LISTED_MAX = 100

type AccessRow = {
  day: string
  staff: number | null
  name: string | null
  firstAt: number | null
  lastAt: number | null
}

/**
 * Who looked at a child, the newest day first, for a member of staff: colleagues by name and time, guardians of a day in
 * one line. That they looked is recorded, as a viewing and as a deed; null where there is no such child.
 */
export async function access(
  db: D1Database,
  { child, offset }: { child: number; offset: number },
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof Access> | null> {
  const [, , found, rows] = await db.batch([
    viewed(db, { child }, { staff }, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, staff)
         SELECT ?2, 'access_listed', 'child:' || id, ?3 FROM child WHERE id = ?1`,
      )
      .bind(child, nowMs, staff),
    db.prepare('SELECT id, name FROM child WHERE id = ?').bind(child),
    db
      .prepare(
        `SELECT DISTINCT viewing.day, staff_token.id AS staff, staff_token.name,
           iif(viewer_kind = 'staff', first_at, NULL) AS firstAt, iif(viewer_kind = 'staff', last_at, NULL) AS lastAt
         FROM viewing LEFT JOIN staff_token ON viewer_kind = 'staff' AND staff_token.id = viewer
         WHERE viewing.child = ?1
         ORDER BY viewing.day DESC, lastAt IS NULL, lastAt DESC, staff LIMIT ${LISTED_MAX} + 1 OFFSET ?2`,
      )
      .bind(child, offset),
  ])
  const [seen] = (found?.results ?? []) as { id: number; name: string }[]
  if (!seen) return null
  const lines = (rows?.results ?? []) as AccessRow[]
  return {
    child: seen,
    viewings: lines.slice(0, LISTED_MAX).map(({ day, staff, name, firstAt, lastAt }) => ({
      ...{ day, firstAt, lastAt },
      who: staff === null ? { kind: 'guardian' } : { kind: 'staff', id: staff, name: name ?? '' },
    })),
    more: lines.length > LISTED_MAX,
  }
}
