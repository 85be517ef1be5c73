import type { z } from 'zod'
import { addDays, copenhagenMidnight } from '../../shared/copenhagen.ts'
import type { Audit, AuditQuery } from '../../shared/office/audit.ts'

/** Who does something: a member of staff, or a guardian. */
export type Actor = { staff: number } | { guardian: number }

/** What somebody does to whom: `subject` is a kind and an id ('card:7'); `detail` holds no personal data. */
export type Deed = Actor & { action: string; subject: string; detail?: Record<string, unknown> }

const ids = (actor: Actor) => ['staff' in actor ? actor.staff : null, 'guardian' in actor ? actor.guardian : null]

/** The statement that records a deed, for the same batch as the deed. */
export function recorded(db: D1Database, deed: Deed, nowMs: number): D1PreparedStatement {
  return db
    .prepare('INSERT INTO audit (at, action, subject, detail, staff, guardian) VALUES (?1, ?2, ?3, ?4, ?5, ?6)')
    .bind(nowMs, deed.action, deed.subject, deed.detail ? JSON.stringify(deed.detail) : null, ...ids(deed))
}

/** As `recorded`, but only where the statement before it in the batch changed a row; its last row id is the subject's. */
export function recordedIfChanged(
  db: D1Database,
  deed: Actor & Omit<Deed, 'subject'> & { subject: string | { kind: string } },
  nowMs: number,
): D1PreparedStatement {
  const fixed = typeof deed.subject === 'string' ? deed.subject : null
  const kind = typeof deed.subject === 'string' ? '' : deed.subject.kind
  return db
    .prepare(
      `INSERT INTO audit (at, action, subject, detail, staff, guardian)
       SELECT ?1, ?2, coalesce(?3, ?4 || ':' || last_insert_rowid()), ?5, ?6, ?7 WHERE changes() > 0`,
    )
    .bind(nowMs, deed.action, fixed, kind, deed.detail ? JSON.stringify(deed.detail) : null, ...ids(deed))
}

/* What a subject is called. Of children and guardians only the number is told: to name one would be to look at them. */
const NAMED = { staff: 'staff_token', site: 'site', product: 'product', terminal: 'terminal' } as const
const NAME = `CASE ${Object.entries(NAMED)
  .map(
    ([kind, table]) => `WHEN subject LIKE '${kind}:%' THEN (
      SELECT named.name FROM ${table} AS named WHERE named.id = substr(subject, ${kind.length + 2}))`,
  )
  .join(' ')} END`

/** How many deeds one answer lists. */
const LISTED_MAX = 100

type Row = Omit<z.infer<typeof Audit>['deeds'][number], 'who' | 'detail'> & {
  detail: string | null
  staff: number | null
  doer: string | null
  guardian: number | null
}

/** Who did what, the newest first, after the `offset` newest; `more` says whether others follow. */
export async function deeds(
  db: D1Database,
  { staff, subject, action, from, to, offset }: z.infer<typeof AuditQuery>,
): Promise<z.infer<typeof Audit>> {
  const { results } = await db
    .prepare(
      `SELECT audit.id, at, action, subject, ${NAME} AS name, detail, staff, staff_token.name AS doer, guardian
       FROM audit LEFT JOIN staff_token ON staff_token.id = staff
       WHERE (?1 IS NULL OR staff = ?1) AND (?2 IS NULL OR subject = ?2) AND (?3 IS NULL OR action = ?3)
         AND (?4 IS NULL OR at >= ?4) AND (?5 IS NULL OR at < ?5)
       ORDER BY audit.id DESC LIMIT ${LISTED_MAX} + 1 OFFSET ?6`,
    )
    .bind(
      staff ?? null,
      subject ?? null,
      action ?? null,
      from === undefined ? null : copenhagenMidnight(from),
      to === undefined ? null : copenhagenMidnight(addDays(to, 1)),
      offset,
    )
    .all<Row>()
  return { deeds: results.slice(0, LISTED_MAX).map(deedOf), more: results.length > LISTED_MAX }
}

function deedOf({ staff, doer, guardian, detail, ...deed }: Row): z.infer<typeof Audit>['deeds'][number] {
  const kind = guardian === null ? 'system' : 'guardian'
  return {
    ...deed,
    who: staff === null ? { kind } : { kind: 'staff', id: staff, name: doer ?? '' },
    detail: detail === null ? null : JSON.parse(detail),
  }
}
