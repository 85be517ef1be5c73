/** What staff do to whom: `subject` is a kind and an id ('card:7'); `detail` holds no personal data. */
export type Deed = { staff: number; action: string; subject: string; detail?: Record<string, unknown> }

/**
 * The statement that records a deed, for the same batch as the deed. It is recorded where `condition` (SQL without
 * parameters of its own) holds; put it before what it records, and what changed nothing leaves no trace.
 */
export function recorded(db: D1Database, deed: Deed, nowMs: number): D1PreparedStatement {
  return db
    .prepare('INSERT INTO audit (at, staff, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)')
    .bind(nowMs, deed.staff, deed.action, deed.subject, deed.detail ? JSON.stringify(deed.detail) : null)
}

/** As `recorded`, but only where the statement before it in the batch changed a row; its last row id is the subject's. */
export function recordedIfChanged(
  db: D1Database,
  deed: Omit<Deed, 'subject'> & { subject: string | { kind: string } },
  nowMs: number,
): D1PreparedStatement {
  const fixed = typeof deed.subject === 'string' ? deed.subject : null
  const kind = typeof deed.subject === 'string' ? '' : deed.subject.kind
  return db
    .prepare(
      `INSERT INTO audit (at, staff, action, subject, detail)
       SELECT ?1, ?2, ?3, coalesce(?4, ?5 || ':' || last_insert_rowid()), ?6 WHERE changes() > 0`,
    )
    .bind(nowMs, deed.staff, deed.action, fixed, kind, deed.detail ? JSON.stringify(deed.detail) : null)
}
