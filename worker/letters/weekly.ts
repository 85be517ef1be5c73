import { addDays, copenhagenDay, isoWeek, mondayOf } from '../../shared/copenhagen.ts'
import { FIRST_NAME } from './outbox.ts'

/** A week from Monday to Sunday by its ISO 8601 number ('2026-W47'), with its first and its last day. */
export type Week = { name: string; week: number; from: string; to: string }

/** The week that contains a day 'YYYY-MM-DD'. */
export function weekOf(day: string): Week {
  const { year, week } = isoWeek(day)
  const from = mondayOf(day)
  return { name: `${year}-W${String(week).padStart(2, '0')}`, week, from, to: addDays(from, 6) }
}

const hours = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Copenhagen', hour: '2-digit', hourCycle: 'h23' })
const SUMMARY_HOUR = 7

/** The week to be summed up at an instant: the one before, on a Monday from 7 o'clock in Copenhagen; otherwise null. */
export function weekToSumUp(nowMs: number): Week | null {
  const today = copenhagenDay(nowMs)
  if (weekOf(today).from !== today || Number(hours.format(nowMs)) < SUMMARY_HOUR) return null
  return weekOf(addDays(today, -1))
}

/*
 * A posting counts for the week in which it was booked, so that each is in one summary and none is left out by coming
 * late. Their days never go back within an account, so only the newest are read.
 */
const INSERT_WEEKLY = `
INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
SELECT guardian.id, 'weekly', 'week:' || ?1, guardian.mail,
  json_object('week', CAST(?2 AS INTEGER), 'from', ?3, 'to', ?4, 'children', json_group_array(json_object(
    'id', child.id, 'child', ${FIRST_NAME},
    'spent', (SELECT -coalesce(sum(posting.amount), 0) FROM posting JOIN transfer ON transfer.id = posting.transfer
              WHERE posting.account = account.id AND posting.day <= ?4 AND transfer.kind IN ('purchase', 'reversal', 'sale_refund')
                AND posting.seq > coalesce((SELECT seq FROM posting AS older
                                            WHERE older.account = account.id AND older.day < ?3
                                            ORDER BY seq DESC LIMIT 1), 0)),
    'balance', coalesce((SELECT balance FROM posting WHERE posting.account = account.id
                         ORDER BY seq DESC LIMIT 1), 0)) ORDER BY child.name, child.id)),
  ?5, ?5
FROM guardian
JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
JOIN child ON child.id = guardianship.child
JOIN account ON account.child = child.id
WHERE guardian.tell_weekly = 1 AND guardian.mail IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.guardian = guardian.id AND kind = 'weekly' AND cause = 'week:' || ?1)
GROUP BY guardian.id
ON CONFLICT DO NOTHING`

/**
 * Writes the summary of the past week to each guardian who wants one, once a week however often it is called; how many
 * it wrote. An hour that was missed is made up for by any later one of the same Monday.
 */
export async function sumUpWeek(db: D1Database, nowMs: number): Promise<number> {
  const past = weekToSumUp(nowMs)
  if (past === null) return 0
  const written = await db.prepare(INSERT_WEEKLY).bind(past.name, past.week, past.from, past.to, nowMs).run()
  return written.meta.changes
}
