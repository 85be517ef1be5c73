import type { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { RosterFault, RosterRow } from '../../shared/office/roster.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { keyedHash } from '../municipality/secrets.ts'
import { personKey } from './staff.ts'

/**
 * The municipality's roster: which children there are, at which school, in which club, and whose they are. It comes in
 * pages that are staged, is planned (`roster-plan.ts`) and then applied all at once (`roster-application.ts`). The
 * roster knows a child by a keyed HMAC of its CPR number, or of its name and birth date where it tells none; the key
 * says which of both it is.
 */

/** Rows that are staged for longer than this were given up. */
export const STAGED_KEPT_MS = 86_400_000

/** SQL: the import, which a parameter names, still takes rows and can be planned. */
export const isOpen = (id: string) =>
  `EXISTS (SELECT 1 FROM roster_import WHERE roster_import.id = ${id} AND roster_import.status <> 'applied')`

/** Begins an import of so many rows, under an id that the office has made; again is no change. */
export async function beginRoster(
  db: D1Database,
  { id, rows }: { id: string; rows: number },
  staff: number,
  nowMs: number,
): Promise<'begun' | 'id_taken'> {
  const [, , row] = await db.batch<{ same: 0 | 1 }>([
    db
      .prepare(
        `INSERT INTO roster_import (id, staff, status, rows, created_at) VALUES (?1, ?2, 'staged', ?3, ?4)
         ON CONFLICT DO NOTHING`,
      )
      .bind(id, staff, rows, nowMs),
    recordedIfChanged(db, { staff, action: 'roster_begun', subject: `roster:${id}`, detail: { rows } }, nowMs),
    db
      .prepare("SELECT rows = ?2 AND staff = ?3 AND status <> 'applied' AS same FROM roster_import WHERE id = ?1")
      .bind(id, rows, staff),
  ])
  return row?.results[0]?.same ? 'begun' : 'id_taken'
}

/** Where CPR numbers are hashed. */
export type Keys = { masterKey: string; municipality: number }

type Fault = z.infer<typeof RosterFault>

/* A page that is sent again finds its lines there, and they are no duplicates of themselves. */
const INSERT_ROWS = `
INSERT INTO roster_row (import, line, key, name, birth_day, school, club, guardians)
SELECT ?1, value ->> 'line', value ->> 'key', value ->> 'name', value ->> 'birthDay', value ->> 'school',
  value ->> 'club', value -> 'guardians'
FROM json_each(?2) WHERE ${isOpen('?1')}
ON CONFLICT DO NOTHING`

/* The join is CROSS so that the page is gone through once, and not once for every row there is. */
const STAGED = `
SELECT kept.key, kept.line
FROM json_each(?2) AS sent CROSS JOIN roster_row AS kept ON kept.import = ?1 AND kept.key = sent.value ->> 'key'`

/**
 * Stages a page of rows, in which every CPR number becomes its HMAC, and tells what is wrong with any of them; such a row
 * is not staged, so that the import cannot be planned. Again is no change.
 */
export async function stageRows(
  db: D1Database,
  id: string,
  rows: readonly RosterRow[],
  keys: Keys,
  nowMs: number,
): Promise<Fault[] | 'roster_unknown'> {
  const [open, sites] = await db.batch([
    db.prepare(`SELECT ${isOpen('?1')} AS open`).bind(id),
    db.prepare('SELECT id, name FROM site'),
  ])
  if (!(open?.results[0] as { open: 0 | 1 } | undefined)?.open) return 'roster_unknown'
  const siteOf = siteFinder((sites?.results ?? []) as { id: number; name: string }[])
  const cprHash = await keyedHash(keys.masterKey, 'cpr', keys.municipality)
  const rosterKey = await keyedHash(keys.masterKey, 'roster', keys.municipality)
  const today = copenhagenDay(nowMs)
  const faults: Fault[] = []
  const staged = await Promise.all(
    rows.map(async ({ line, name, birthDay, school, club, cpr, guardians }) => {
      const site = club === null ? null : siteOf(club)
      if (birthDay > today) faults.push({ line, column: 'birthDay', reason: 'the birth date is in the future' })
      if (site === undefined) faults.push({ line, column: 'club', reason: 'there is no site of that name' })
      const hashes = await Promise.all([...new Set(guardians)].map(cprHash))
      const key =
        cpr === null ? `name:${await rosterKey(personOf(name, birthDay))}` : `cpr:${await rosterKey(`cpr ${cpr}`)}`
      return { line, key, name, birthDay, school, club: site ?? null, guardians: hashes.sort() }
    }),
  )
  const sound = staged.filter(({ line }) => faults.every((fault) => fault.line !== line))
  const [kept] = await db.batch<{ key: string; line: number }>([
    db.prepare(STAGED).bind(id, JSON.stringify(staged)),
    db.prepare(INSERT_ROWS).bind(id, JSON.stringify(sound)),
  ])
  const firstOf = new Map(kept?.results.map(({ key, line }) => [key, line]))
  for (const { line, key } of staged) {
    const first = firstOf.get(key) ?? line
    if (first !== line) faults.push({ line, column: 'child', reason: `the same child stands on line ${first}` })
    else firstOf.set(key, line)
  }
  return faults.sort((one, other) => one.line - other.line)
}

const personOf = (name: string, birthDay: string) => JSON.stringify(['person', personKey(name), birthDay])

/** Finds a site by its name, to the letter or else whatever its case; undefined where there is none. */
function siteFinder(sites: readonly { id: number; name: string }[]): (name: string) => number | undefined {
  const exact = new Map(sites.map(({ id, name }) => [name, id]))
  const folded = new Map(sites.map(({ id, name }) => [personKey(name), id]))
  return (name) => exact.get(name) ?? folded.get(personKey(name))
}

/** Gives an import up that is not applied, with its rows; again, and where there is none, is no change. */
export async function discardRoster(db: D1Database, id: string, staff: number, nowMs: number): Promise<void> {
  await db.batch([
    db
      .prepare(
        `INSERT INTO audit (at, staff, action, subject, detail)
         SELECT ?2, ?3, 'roster_discarded', 'roster:' || id,
           json_object('rows', rows, 'added', added, 'changed', changed, 'leaving', leaving)
         FROM roster_import WHERE id = ?1 AND status <> 'applied'`,
      )
      .bind(id, nowMs, staff),
    db.prepare(`DELETE FROM roster_row WHERE import = ?1 AND ${isOpen('?1')}`).bind(id),
    db.prepare("DELETE FROM roster_import WHERE id = ?1 AND status <> 'applied'").bind(id),
  ])
}

/** The statements that take away what was staged and given up; the last one's changes are the imports that went. */
export function staleRosters(db: D1Database, nowMs: number): D1PreparedStatement[] {
  const stale = "status <> 'applied' AND created_at < ?"
  return [
    db
      .prepare(`DELETE FROM roster_row WHERE import IN (SELECT id FROM roster_import WHERE ${stale})`)
      .bind(nowMs - STAGED_KEPT_MS),
    db.prepare(`DELETE FROM roster_import WHERE ${stale}`).bind(nowMs - STAGED_KEPT_MS),
  ]
}
