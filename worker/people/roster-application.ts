import type { z } from 'zod'
import type { RosterApplied } from '../../shared/office/roster.ts'
import { UUID } from '../cards/first-cards.ts'
import { leaversLetters, reachedAt } from '../letters/outbox.ts'
import { cancelAgreementsOfLeavers } from '../payments/agreements.ts'
import { ADDED, CARDLESS, CHANGED, COUNTS, changes, KNOWN_COUNT, LEAVING, matched, NEW } from './roster-plan.ts'

/**
 * A roster is applied in one batch of statements about sets: all of it or nothing. In each, ?1 is the import, ?2 the
 * instant, ?3 who of the staff does it.
 */

/*
 * The decision. It holds while the roster is what it was when it was planned, and while the plan, made anew a moment ago,
 * comes to the same numbers: what staff have done by hand meanwhile may change them. ?4 is whether many may leave.
 */
const DECIDE = `
UPDATE roster_import SET status = 'applied', applied_at = ?2
WHERE id = ?1 AND status = 'planned' AND base = (SELECT roster_version FROM municipality)
  AND (added, changed, leaving) = (SELECT added, changed, leaving FROM (SELECT ${COUNTS}))
  AND (?4 OR leaving * 5 <= ${KNOWN_COUNT})`

/** Whether this batch has applied the import: its rows are taken away in the end. */
const APPLIED = `EXISTS (SELECT 1 FROM roster_import JOIN roster_row AS staged ON staged.import = roster_import.id
  WHERE roster_import.id = ?1 AND roster_import.status = 'applied')`

const audit = (action: string, subject: string, detail: string, from: string) =>
  `INSERT INTO audit (at, staff, action, subject, detail) SELECT ?2, ?3, '${action}', ${subject}, ${detail} ${from}`

/** The children that have just been added, as long as their rows do not say that it is done. */
const NEWCOMERS = `${ADDED.replace('WHERE', 'JOIN child ON child.roster_key = roster_row.key WHERE')} AND ${APPLIED}`

/** The rows whose child has other guardians than the roster says, from where every row has its child. */
const REGUARDED = `roster_row.import = ?1 AND ${changes('guardians')} AND ${APPLIED}`

const WANTED = `FROM roster_row JOIN json_each(roster_row.guardians) AS wanted WHERE ${REGUARDED}`

const IN_FORCE = `EXISTS (SELECT 1 FROM guardianship WHERE guardianship.child = roster_row.child
  AND guardianship.cpr_hash = wanted.value AND guardianship.ended_at IS NULL)`

const UNWANTED = `guardianship.child = roster_row.child AND guardianship.ended_at IS NULL
  AND guardianship.cpr_hash NOT IN (SELECT value FROM json_each(roster_row.guardians)) AND ${REGUARDED}`

/** Who leaves with this import: nobody else has left in a batch of the same instant. */
const LEFT_NOW = `child.left_at = ?2 AND ${APPLIED}`

const ARRIVE = [
  `UPDATE municipality SET roster_version = roster_version + 1 WHERE ${APPLIED}`,
  audit(
    'roster_applied',
    "'roster:' || id",
    "json_object('rows', rows, 'added', added, 'changed', changed, 'leaving', leaving)",
    `FROM roster_import WHERE id = ?1 AND ${APPLIED}`,
  ),
  // Who was erased and comes again is somebody new.
  `UPDATE child SET roster_key = NULL WHERE erased_at IS NOT NULL AND roster_key IS NOT NULL AND ${APPLIED}`,
  `INSERT INTO child (name, created_at, birth_day, school, club, roster_key)
   SELECT name, ?2, birth_day, school, club, key ${ADDED} AND ${APPLIED} ORDER BY line`,
  `INSERT INTO account (kind, floor, child) SELECT 'wallet', 0, child.id ${NEWCOMERS} ORDER BY child.id`,
  audit(
    'child_added',
    "'account:' || account.id",
    "json_object('roster', json('true'))",
    NEWCOMERS.replace('WHERE', 'JOIN account ON account.child = child.id WHERE'),
  ),
]

/** What of a child the roster has; its guardians are another table's. */
const OF_CHILD = ['linked', 'rekeyed', 'name', 'birthDay', 'school', 'club'] as const

const CHANGE = [
  audit('child_came_back', "'child:' || child.id", 'NULL', `${CHANGED} AND ${changes('returns')} AND ${APPLIED}`),
  audit(
    'child_changed',
    "'child:' || child.id",
    "json_object('what', trim(replace(replace(roster_row.change, ' returns ', ''), ' guardians ', '')))",
    `${CHANGED} AND ${changes(...OF_CHILD)} AND ${APPLIED}`,
  ),
  `UPDATE child SET (name, birth_day, school, club, roster_key, left_at) =
     (roster_row.name, roster_row.birth_day, roster_row.school, roster_row.club, roster_row.key, NULL)
   FROM roster_row WHERE roster_row.import = ?1 AND child.id = roster_row.child
     AND ${changes('returns', ...OF_CHILD)} AND ${APPLIED}`,
]

const GUARD = [
  `UPDATE roster_row SET change = ' guardians ',
     child = (SELECT child.id FROM child WHERE child.roster_key = roster_row.key)
   WHERE import = ?1 AND ${NEW} AND ${APPLIED}`,
  audit(
    'guardianship_ended',
    "'child:' || roster_row.child",
    "json_object('changed', json('true'))",
    `FROM roster_row JOIN guardianship WHERE ${UNWANTED}`,
  ),
  `UPDATE guardianship SET ended_at = ?2 FROM roster_row WHERE ${UNWANTED}`,
  audit(
    'guardianship_added',
    "'child:' || roster_row.child",
    "json_object('changed', json('true'))",
    `${WANTED} AND NOT ${IN_FORCE}`,
  ),
  `INSERT INTO guardianship (child, cpr_hash, created_at) SELECT roster_row.child, wanted.value, ?2 ${WANTED}
   ON CONFLICT (child, cpr_hash) DO UPDATE SET ended_at = NULL WHERE ended_at IS NOT NULL`,
]

/* A card's version must be its own, for a till's list goes by it. Fees are given back one by one (`leaving.ts`). */
const LEAVE = [
  `UPDATE child SET left_at = ?2 WHERE id IN (SELECT child.id ${LEAVING} AND ${APPLIED})`,
  audit('child_left', "'child:' || child.id", 'NULL', `FROM child WHERE ${LEFT_NOW}`),
  audit(
    'cards_frozen',
    "'child:' || child.id",
    'NULL',
    `FROM child JOIN account ON account.child = child.id WHERE ${LEFT_NOW}
     AND EXISTS (SELECT 1 FROM card WHERE card.account = account.id AND card.status = 'active')`,
  ),
  `UPDATE card SET status = 'blocked', version = numbered.version FROM (
     SELECT active.id, (SELECT max(version) FROM card) + row_number() OVER (ORDER BY active.id) AS version
     FROM child JOIN account ON account.child = child.id JOIN card AS active ON active.account = account.id
     WHERE ${LEFT_NOW} AND active.status = 'active') AS numbered
   WHERE card.id = numbered.id`,
  `UPDATE card_order SET status = 'cancelled', ended_at = ?2
   WHERE (status IN ('unpaid', 'awaiting_approval') OR (status = 'ordered' AND fee = 0))
     AND account IN (SELECT account.id FROM child JOIN account ON account.child = child.id WHERE ${LEFT_NOW})`,
  audit(
    'card_order_cancelled',
    "'order:' || card_order.id",
    'NULL',
    `FROM card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child
     WHERE ${LEFT_NOW} AND card_order.status = 'cancelled' AND card_order.ended_at = ?2`,
  ),
]

/* A card that is not made yet goes where its child has gone. */
const MOVED = `card_order.cause = 'first' AND card_order.status = 'ordered' AND roster_row.import = ?1
  AND ${changes('club')} AND roster_row.club IS NOT NULL AND card_order.club IS NOT roster_row.club AND ${APPLIED}`

const ORDER = [
  audit(
    'card_order_moved',
    "'order:' || card_order.id",
    'NULL',
    `FROM roster_row JOIN account ON account.child = roster_row.child
     JOIN card_order ON card_order.account = account.id WHERE ${MOVED}`,
  ),
  `UPDATE card_order SET club = roster_row.club FROM roster_row JOIN account ON account.child = roster_row.child
   WHERE card_order.account = account.id AND ${MOVED}`,
  `INSERT INTO card_order (id, account, cause, fee, paid_from, status, club, created_at, ordered_at)
   SELECT ${UUID}, account.id, 'first', 0, 'account', 'ordered', roster_row.club, ?2, ?2 ${CARDLESS} AND ${APPLIED}
   ORDER BY roster_row.line`,
  audit(
    'card_ordered',
    "'order:' || id",
    "json_object('cause', 'first')",
    `FROM card_order WHERE cause = 'first' AND created_at = ?2 AND ${APPLIED}`,
  ),
]

const UNTOLD = `
SELECT count(*) FROM child
JOIN account ON account.child = child.id
JOIN guardianship ON guardianship.child = child.id AND guardianship.ended_at IS NULL
LEFT JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash -- Who has never logged in is not there.
WHERE child.left_at = roster_import.applied_at AND ${reachedAt('NULL', 'guardian.id', 'account.id')} IS NULL`

const FOUND = `
SELECT status, added, changed, leaving,
  (SELECT count(*) FROM card_order WHERE cause = 'first' AND card_order.created_at = applied_at) AS cards,
  (${UNTOLD}) AS untold,
  leaving * 5 > ${KNOWN_COUNT} AS many
FROM roster_import WHERE id = ?1`

type Applied = z.infer<typeof RosterApplied>
type Found = Applied & { status: 'staged' | 'planned' | 'applied'; many: 0 | 1 }

/**
 * Applies a planned roster: whoever is new gets a wallet, whoever is in it no more leaves as `leave` has them leave, and
 * a child in a club without a card gets its first one ordered. Applied already, it is no change, and the answer the same.
 * `roster_changed`: it is to be planned anew. `roster_leaving`: more than a fifth of the roster would leave.
 */
export async function applyRoster(
  db: D1Database,
  { id, allowLeaving }: { id: string; allowLeaving: boolean },
  staff: number,
  nowMs: number,
): Promise<Applied | 'roster_unknown' | 'roster_incomplete' | 'roster_changed' | 'roster_leaving'> {
  const run = (sql: string) => db.prepare(sql).bind(...[id, nowMs, staff].slice(0, parametersOf(sql)))
  const answers = await db.batch([
    ...matched(db, id),
    db.prepare(DECIDE).bind(id, nowMs, null, Number(allowLeaving)),
    ...[...ARRIVE, ...CHANGE, ...GUARD, ...LEAVE].map(run),
    cancelAgreementsOfLeavers(db, nowMs),
    leaversLetters(db, nowMs),
    ...ORDER.map(run),
    db.prepare(`DELETE FROM roster_row WHERE import = ?1 AND ${APPLIED}`).bind(id),
    db.prepare(FOUND).bind(id),
  ])
  const found = answers.at(-1)?.results[0] as Found | undefined
  if (!found) return 'roster_unknown'
  const { status, many, ...applied } = found
  if (status === 'staged') return 'roster_incomplete'
  if (status === 'planned') return many && !allowLeaving ? 'roster_leaving' : 'roster_changed'
  return applied
}

/** How many of the three parameters a statement has: D1 takes no more than it knows. */
const parametersOf = (sql: string) => Math.max(...[...sql.matchAll(/\?(\d)/g)].map(([, number]) => Number(number)))
