import type { z } from 'zod'
import type { RosterHistory } from '../../shared/office/roster.ts'

/** How many rosters one answer lists. */
const LISTED_MAX = 50

/*
 * What the audit log has of rosters: one that was given up is in no other table, and one that nobody gave up was taken
 * away by the sweep.
 */
const LIST = `
SELECT substr(begun.subject, ${'roster:'.length + 1}) AS id, begun.at, begun.staff, staff_token.name,
  begun.detail ->> 'rows' AS rows, ended.detail ->> 'added' AS added, ended.detail ->> 'changed' AS changed,
  ended.detail ->> 'leaving' AS leaving,
  CASE WHEN ended.action = 'roster_applied' THEN 'applied'
    WHEN ended.action IS NULL AND EXISTS (
      SELECT 1 FROM roster_import WHERE 'roster:' || roster_import.id = begun.subject) THEN 'under_way'
    ELSE 'given_up' END AS state
FROM audit AS begun JOIN staff_token ON staff_token.id = begun.staff
LEFT JOIN audit AS ended ON ended.id = (
  SELECT min(id) FROM audit WHERE subject = begun.subject AND id > begun.id
    AND action IN ('roster_applied', 'roster_discarded'))
WHERE begun.subject >= 'roster:' AND begun.subject < 'roster;' AND begun.action = 'roster_begun'
ORDER BY begun.id DESC LIMIT ${LISTED_MAX} + 1 OFFSET ?`

type Import = z.infer<typeof RosterHistory>['imports'][number]
type Row = Omit<Import, 'staff'> & { staff: number; name: string }

/** Which rosters were read in, the newest first, after the `offset` newest; `more` says whether others follow. */
export async function rosterHistory(db: D1Database, offset: number): Promise<z.infer<typeof RosterHistory>> {
  const { results } = await db.prepare(LIST).bind(offset).all<Row>()
  const imports = results
    .slice(0, LISTED_MAX)
    .map(({ staff, name, ...row }) => ({ ...row, staff: { id: staff, name } }))
  return { imports, more: results.length > LISTED_MAX }
}
