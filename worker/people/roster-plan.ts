import type { z } from 'zod'
import { RosterChange, type RosterPlan } from '../../shared/office/roster.ts'
import { NEEDS_CARD } from '../cards/first-cards.ts'
import { isOpen } from './roster.ts'
import { viewedAmong } from './viewings.ts'

/** What a staged roster would change. The SQL of the plan is also what applying it decides by; ?1 is the import. */

type Plan = z.infer<typeof RosterPlan>

/** SQL: the row changes something; said in every condition on changes, so that few rows need be looked through. */
const CHANGES = "roster_row.change <> ''"
export const NEW = `${CHANGES} AND roster_row.change = ' new '`

const BY_KEY = `
UPDATE roster_row SET (child, change) = (SELECT max(child.id), iif(max(child.id) IS NULL, ' new ', '') FROM child
  WHERE child.roster_key = roster_row.key AND child.erased_at IS NULL)
WHERE import = ?1 AND ${isOpen('?1')}`

const GUARDIAN_IN_COMMON = `EXISTS (SELECT 1 FROM guardianship
        WHERE guardianship.child = child.id AND guardianship.ended_at IS NULL
          AND guardianship.cpr_hash IN (SELECT value FROM json_each(fresh.guardians)))`
const NOBODYS = `(child.left_at IS NULL AND json_array_length(fresh.guardians) = 0 AND NOT EXISTS (
        SELECT 1 FROM guardianship WHERE guardianship.child = child.id AND guardianship.ended_at IS NULL))`

/*
 * A child that no row has by its key is known again by its name and a guardian where staff have added it by hand, and by
 * its birth date, too, where the roster has come to tell CPR numbers, or tells them no more: two CPR numbers are two
 * children. Two of one name and birth date are not one by that, and a family must not get another's account: without a
 * guardian in common it takes a child that is here and nobody's, before and after. Where it could be several, on either
 * side, nobody is taken for anybody else. The new rows stand by themselves, so that each is looked up among the children
 * by its name and not beside all of them.
 */
const BY_NAME = `
WITH fresh AS MATERIALIZED (SELECT line, key, name, birth_day, guardians FROM roster_row
    WHERE roster_row.import = ?1 AND ${NEW}),
  likely(line, child) AS MATERIALIZED (
    SELECT fresh.line, child.id FROM fresh JOIN child ON child.name = fresh.name
    WHERE child.erased_at IS NULL
      AND (${GUARDIAN_IN_COMMON} OR child.roster_key IS NOT NULL AND ${NOBODYS})
      AND (child.roster_key IS NULL
        OR child.birth_day = fresh.birth_day AND (child.roster_key GLOB 'cpr:*') <> (fresh.key GLOB 'cpr:*')
          AND NOT EXISTS (SELECT 1 FROM roster_row AS own WHERE own.import = ?1 AND own.key = child.roster_key))),
  pair(line, child) AS (SELECT min(line), child FROM likely GROUP BY child HAVING count(*) = 1)
UPDATE roster_row SET child = pair.child, change = '' FROM pair
WHERE roster_row.import = ?1 AND roster_row.line = pair.line AND ${isOpen('?1')}
  AND pair.line IN (SELECT line FROM likely GROUP BY line HAVING count(*) = 1)`

/** The guardians of a child, as a row of the roster has them. */
const GUARDIANS = `(SELECT json_group_array(cpr_hash) FROM (SELECT cpr_hash FROM guardianship
  WHERE guardianship.child = child.id AND guardianship.ended_at IS NULL ORDER BY cpr_hash))`

/** What makes a row differ from its child: a condition for each kind of change. */
const DIFFERENCES: Record<z.infer<typeof RosterChange>, string> = {
  returns: 'child.left_at IS NOT NULL',
  linked: 'child.roster_key IS NULL',
  rekeyed: 'child.roster_key <> roster_row.key',
  name: 'child.name IS NOT roster_row.name',
  birthDay: 'child.birth_day IS NOT roster_row.birth_day',
  school: 'child.school IS NOT roster_row.school',
  club: 'child.club IS NOT roster_row.club',
  guardians: `${GUARDIANS} IS NOT roster_row.guardians`,
}

const KINDS = RosterChange.options

const COMPARED = `
UPDATE roster_row SET change = ${KINDS.map((kind) => `iif(${DIFFERENCES[kind]}, ' ${kind} ', '')`).join(' || ')}
FROM child WHERE roster_row.import = ?1 AND child.id = roster_row.child AND ${isOpen('?1')}
  AND (${KINDS.map((kind) => DIFFERENCES[kind]).join(' OR ')})`

/**
 * The statements that find out which children the rows of an import are, and what they change of them, for the batch that
 * plans or applies it. What comes after goes by what they have found: to compare all children again takes long.
 */
export const matched = (db: D1Database, id: string): D1PreparedStatement[] =>
  [BY_KEY, BY_NAME, COMPARED].map((sql) => db.prepare(sql).bind(id))

/** SQL: the condition that a row changes any of some kinds of its child. */
export const changes = (...kinds: readonly z.infer<typeof RosterChange>[]) =>
  `${CHANGES} AND (${kinds.map((kind) => `instr(roster_row.change, ' ${kind} ')`).join(' OR ')})`

/** The rows of an import that change a child, with the child. */
export const CHANGED = `FROM roster_row JOIN child ON child.id = roster_row.child
WHERE roster_row.import = ?1 AND ${CHANGES}`
export const ADDED = `FROM roster_row WHERE roster_row.import = ?1 AND ${NEW}`

const KNOWN = 'child.roster_key IS NOT NULL AND child.left_at IS NULL AND child.erased_at IS NULL'
export const LEAVING = `FROM child WHERE ${KNOWN} AND child.roster_key NOT IN (
  SELECT named.key FROM roster_row AS named WHERE named.import = ?1)
AND child.id NOT IN (SELECT roster_row.child FROM roster_row
                     WHERE roster_row.import = ?1 AND ${CHANGES} AND roster_row.child IS NOT NULL)`

/** The rows that a first card is ordered for: children in a club who have none; somebody new has no account yet. */
export const CARDLESS = `FROM roster_row LEFT JOIN account ON account.child = roster_row.child
WHERE roster_row.import = ?1 AND roster_row.club IS NOT NULL AND ${NEEDS_CARD}`

export const COUNTS = `
(SELECT count(*) ${ADDED}) AS added, (SELECT count(*) ${CHANGED}) AS changed, (SELECT count(*) ${LEAVING}) AS leaving`

/** SQL: how many children the roster has. */
export const KNOWN_COUNT = `(SELECT count(*) FROM child WHERE ${KNOWN})`

const PLANNED = `
UPDATE roster_import SET status = 'planned', base = (SELECT roster_version FROM municipality),
  (added, changed, leaving) = (SELECT added, changed, leaving FROM (SELECT ${COUNTS}))
WHERE id = ?1 AND status <> 'applied' AND rows = (SELECT count(*) FROM roster_row WHERE import = ?1)`

const FOUND = `
SELECT status, rows, added, changed, leaving, (SELECT count(*) ${CARDLESS}) AS cards, ${KNOWN_COUNT} AS known
FROM roster_import WHERE id = ?1`

type Found = Omit<Plan, 'new' | 'changes' | 'leavers'> & { status: 'staged' | 'planned' | 'applied' }

const CLUB = (club: string) => `(SELECT site.name FROM site WHERE site.id = ${club}) AS club`

/**
 * Plans a roster that is staged whole, and names so many children of each kind; whoever asks is recorded as having looked
 * at those. Planned again, it is planned anew.
 */
export async function planRoster(
  db: D1Database,
  { id, listed }: { id: string; listed: number },
  staff: number,
  nowMs: number,
): Promise<Plan | 'roster_unknown' | 'roster_incomplete'> {
  const known = `SELECT id FROM (SELECT child.id ${CHANGED} ORDER BY roster_row.line LIMIT ?)
    UNION SELECT id FROM (SELECT child.id ${LEAVING} ORDER BY child.name, child.id LIMIT ?)`
  const answers = await db.batch([
    ...matched(db, id),
    db.prepare(PLANNED).bind(id),
    viewedAmong(db, { children: known.replaceAll('?1', '?'), bind: [id, listed, id, id, listed] }, { staff }, nowMs),
    db.prepare(FOUND).bind(id),
    db.prepare(`SELECT line, name, ${CLUB('roster_row.club')} ${ADDED} ORDER BY line LIMIT ?2`).bind(id, listed),
    db
      .prepare(`SELECT line, child.id AS child, child.name, change AS what ${CHANGED} ORDER BY line LIMIT ?2`)
      .bind(id, listed),
    db
      .prepare(
        `SELECT child.id AS child, child.name, ${CLUB('child.club')} ${LEAVING} ORDER BY child.name, child.id LIMIT ?2`,
      )
      .bind(id, listed),
  ])
  const [added, changed, leaving] = answers.slice(-3).map(({ results }) => results)
  const found = answers.at(-4)?.results[0] as Found | undefined
  if (!found || found.status === 'applied') return 'roster_unknown'
  if (found.status === 'staged') return 'roster_incomplete'
  const { status: _, ...counts } = found
  return {
    ...counts,
    new: added as Plan['new'],
    changes: ((changed ?? []) as (Omit<Plan['changes'][number], 'what'> & { what: string })[]).map((row) => ({
      ...row,
      what: RosterChange.options.filter((kind) => row.what.includes(` ${kind} `)),
    })),
    leavers: leaving as Plan['leavers'],
  }
}
