import type { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { Erasure } from '../../shared/office/privacy.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { UNREVIEWED } from '../terminals/quarantine.ts'
import { forgottenAmong, guardiansForgotten } from './guardian-erasure.ts'

/**
 * A child that has left is forgotten in two steps: its name and all that the books do not need at once, and what the
 * bookkeeping act asks for (section 12: five financial years) when that time is over. Movements stay as numbers about
 * nobody, so that the ledger can be held against itself for ever.
 */

const WALLET = '(SELECT id FROM account WHERE child = ?1)'

/** SQL: what is in the way of erasing child ?1, by what it is called. */
const IN_THE_WAY = {
  'a balance that is not 0': `coalesce((SELECT balance FROM posting WHERE account = ${WALLET} ORDER BY seq DESC LIMIT 1), 0) <> 0`,
  'a payout under way': `EXISTS (SELECT 1 FROM payout
    WHERE account = ${WALLET} AND status IN ('requested', 'approved', 'exported'))`,
  'a payment under way': `EXISTS (SELECT 1 FROM payment WHERE account = ${WALLET} AND status IN ('created', 'open'))`,
  'a refund under way': `EXISTS (SELECT 1 FROM payment JOIN refund ON refund.payment = payment.id
    WHERE payment.account = ${WALLET} AND refund.status IN ('wanted', 'pending'))`,
  'a disputed payment': `EXISTS (SELECT 1 FROM payment JOIN dispute ON dispute.payment = payment.id
    WHERE payment.account = ${WALLET} AND dispute.status NOT IN ('won', 'lost', 'warning_closed', 'prevented'))`,
  'a top-up agreement': `EXISTS (SELECT 1 FROM agreement WHERE account = ${WALLET}
    AND (status IN ('setting_up', 'waiting', 'active', 'paused') OR left_card IS NOT NULL))`,
  'an order of a card': `EXISTS (SELECT 1 FROM card_order WHERE account = ${WALLET}
    AND status IN ('unpaid', 'awaiting_approval', 'ordered', 'produced', 'sent'))`,
  'a sale that waits for a decision': `EXISTS (SELECT 1 FROM posting
    JOIN message ON message.sale = posting.transfer AND message.kind = 'advice' AND message.outcome = 'approved'
      AND message.reason IS NOT NULL
    WHERE posting.account = ${WALLET}
      AND NOT EXISTS (SELECT 1 FROM message AS undo WHERE undo.sale = message.sale AND undo.kind = 'reversal')
      AND NOT EXISTS (SELECT 1 FROM review WHERE review.subject = message.terminal || ':' || message.seq))`,
  'a sale that is put aside': `EXISTS (SELECT 1 FROM quarantine
    WHERE quarantine.card IN (SELECT hash FROM card WHERE account = ${WALLET}) AND ${UNREVIEWED})`,
  'an open support case': `EXISTS (SELECT 1 FROM support_case WHERE account = ${WALLET} AND closed_at IS NULL)`,
} as const

/** SQL: the Copenhagen day of an instant, or the one after; it is only asked for the year. */
const dayAt = (instant: string) => `date(${instant} / 1000 + 7200, 'unixepoch')`

/**
 * SQL: the day on which nothing of a child, which is SQL too, has to be kept any more: the first after the financial years
 * that follow the one of its newest entry. Null where the books hold nothing of it.
 */
const eraseDay = (child: string) => {
  const wallet = `(SELECT id FROM account WHERE child = ${child})`
  return `(SELECT (CAST(substr(max(newest), 1, 4) AS INTEGER) + keep_books_years + 1) || '-01-01'
    FROM municipality JOIN (
      SELECT day AS newest FROM posting WHERE account = ${wallet} AND seq = (
        SELECT max(seq) FROM posting WHERE account = ${wallet})
      UNION ALL SELECT ${dayAt('max(coalesce(settled_at, created_at))')} FROM payment WHERE account = ${wallet}
      UNION ALL SELECT ${dayAt('max(coalesce(settled_at, created_at))')} FROM payout WHERE account = ${wallet}
      UNION ALL SELECT ${dayAt('max(coalesce(ended_at, created_at))')} FROM card_order WHERE account = ${wallet}
      UNION ALL SELECT ${dayAt('max(coalesce(ended_at, created_at))')} FROM agreement WHERE account = ${wallet})
    HAVING max(newest) IS NOT NULL)`
}

export type ErasureRefusal = 'child_unknown' | 'child_stays' | 'child_erased' | 'name_wrong' | { inTheWay: string[] }

/**
 * Erases a child that has left, whose name is given once more, where nothing is in the way. At once go its name, birth
 * day, school and club, whose child it is, support cases about its account, mail about it, and what its cards knew; the
 * cards are closed. A guardian who has no other child here and nothing under way goes too, with whatever they have asked
 * support.
 */
export async function erase(
  db: D1Database,
  child: number,
  name: string,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof Erasure> | ErasureRefusal> {
  const [people, guardians] = await db.batch<Record<string, number | string | null>>([
    db
      .prepare(
        `SELECT name, left_at AS leftAt, erased_at AS erasedAt, roster_key AS rosterKey,
           ${Object.values(IN_THE_WAY).map((sql, index) => `${sql} AS way${index}`)} FROM child WHERE id = ?1`,
      )
      .bind(child),
    db
      .prepare(
        `SELECT DISTINCT guardian.id FROM guardianship JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash
         WHERE guardianship.child = ?`,
      )
      .bind(child),
  ])
  const found = people?.results[0]
  if (!found) return 'child_unknown'
  if (found.erasedAt !== null) return 'child_erased'
  if (found.leftAt === null) return 'child_stays'
  const ways = Object.keys(IN_THE_WAY).filter((_, index) => found[`way${index}`])
  if (ways.length > 0) return { inTheWay: ways }
  if (found.name !== name.trim()) return 'name_wrong'
  const today = copenhagenDay(nowMs)
  const ids = (guardians?.results ?? []).map(({ id }) => Number(id))
  const done = 'EXISTS (SELECT 1 FROM child WHERE child.id = ?1 AND child.erased_at = ?2)'
  const then = (sql: string, ...more: (string | number | null)[]) =>
    db.prepare(sql.replace('DONE', done)).bind(child, nowMs, ...more)
  const answers = await db.batch<z.infer<typeof Erasure>>([
    db
      .prepare(
        `UPDATE child SET name = 'Slettet barn ' || id, birth_day = NULL, school = NULL, club = NULL, roster_key = NULL,
           erased_at = ?2, erase_day = coalesce(${eraseDay('?1')}, ?3)
         WHERE id = ?1 AND left_at IS NOT NULL AND erased_at IS NULL AND name = ?4
           AND NOT (${Object.values(IN_THE_WAY).join(' OR ')})`,
      )
      .bind(child, nowMs, today, found.name),
    recordedIfChanged(db, { staff, action: 'child_erased', subject: `child:${child}` }, nowMs),
    then(
      `UPDATE card SET status = 'closed', version = (SELECT max(version) FROM card)
         + (SELECT count(*) FROM card AS other WHERE other.account = card.account AND other.id <= card.id)
       WHERE account = ${WALLET} AND status <> 'closed' AND DONE`,
    ),
    then(`DELETE FROM card_token WHERE card IN (SELECT id FROM card WHERE account = ${WALLET}) AND DONE`),
    then(`DELETE FROM closed_category WHERE account = ${WALLET} AND DONE`),
    then(`UPDATE card_order SET printed_name = NULL WHERE account = ${WALLET} AND DONE`),
    then(
      `DELETE FROM outbox WHERE (child = ?1 OR (kind = 'case_answered' AND cause IN (
         SELECT 'message:' || case_message.id FROM support_case JOIN case_message ON "case" = support_case.id
         WHERE account = ${WALLET}))
         OR (kind = 'weekly' AND EXISTS (
           SELECT 1 FROM json_each(outbox.data, '$.children') AS told WHERE told.value ->> 'id' = ?1))) AND DONE`,
    ),
    then(`DELETE FROM case_message WHERE "case" IN (SELECT id FROM support_case WHERE account = ${WALLET}) AND DONE`),
    then(`DELETE FROM support_case WHERE account = ${WALLET} AND DONE`),
    then(
      `UPDATE agreement SET card_brand = NULL, card_last4 = NULL, card_expires = NULL, address = NULL,
         customer = NULL, payment_method = NULL
       WHERE account = ${WALLET} AND DONE`,
    ),
    then('DELETE FROM roster_row WHERE (key = ?3 OR child = ?1) AND DONE', found.rosterKey ?? null),
    then('DELETE FROM guardianship WHERE child = ?1 AND DONE'),
    ...guardiansForgotten(db, ids, {
      sql: 'EXISTS (SELECT 1 FROM child WHERE child.id = ?2 AND child.erased_at = ?3)',
      bind: [child, nowMs],
    }),
    db
      .prepare(
        `SELECT id, name, erased_at AS erasedAt, erase_day AS eraseDay,
           (SELECT count(*) FROM (${forgottenAmong('?3')})) AS guardians
         FROM child WHERE id = ?1 AND erased_at = ?2`,
      )
      .bind(child, nowMs, JSON.stringify(ids)),
  ])
  const erased = answers.at(-1)?.results[0]
  return erased ?? erase(db, child, name, staff, nowMs) // Something came in between; it is named now.
}

/** How many children are let go of in one run. */
const AT_ONCE = 20

/**
 * Lets go of what was kept of erased children whose time is over; how many they were. One about whom the books have heard
 * since, or for which the municipality has settled a longer time, is kept until its new day.
 */
export async function letGo(db: D1Database, nowMs: number): Promise<number> {
  const today = copenhagenDay(nowMs)
  const [, due] = await db.batch<{ id: number }>([
    db
      .prepare(
        `UPDATE child SET erase_day = ${eraseDay('child.id')} WHERE erase_day <= ?1 AND ${eraseDay('child.id')} > ?1`,
      )
      .bind(today),
    db.prepare(`SELECT id FROM child WHERE erase_day <= ?1 ORDER BY erase_day, id LIMIT ${AT_ONCE}`).bind(today),
  ])
  const children = due?.results ?? []
  for (const { id } of children) {
    await db.batch(
      [
        `UPDATE payout SET name = '', registration = '0000', bank_account = '0000000000', message = '', mail = NULL,
           reason = NULL WHERE account = ${WALLET}`,
        `UPDATE payment SET mail = '', address = NULL WHERE account = ${WALLET}`,
        `UPDATE agreement SET mail = '' WHERE account = ${WALLET}`,
        `UPDATE card_order SET recipient = iif(recipient IS NULL, NULL, ''), street = iif(street IS NULL, NULL, ''),
           postal_code = iif(postal_code IS NULL, NULL, ''), city = iif(city IS NULL, NULL, ''), mail = NULL
         WHERE account = ${WALLET}`,
        'UPDATE child SET erase_day = NULL WHERE id = ?1',
      ].map((sql) => db.prepare(sql).bind(id)),
    )
  }
  return children.length
}
