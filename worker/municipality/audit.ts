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
