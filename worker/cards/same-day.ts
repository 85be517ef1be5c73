import type { z } from 'zod'
import type { ReplaceCall, Replacement } from '../../shared/office/cards.ts'
import { postMeasured } from '../ledger/transfers.ts'
import { expiredLetters, moneyLetter, reachedAt } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { childLeft } from '../people/children.ts'
import { maySteer } from '../people/guardianships.ts'
import { sitesOf, withinSites } from '../people/staff.ts'
import { viewed } from '../people/viewings.ts'
import { APPROVAL_WAITS_MS, EXPIRED, hasHadCard, underWay } from './card-orders.ts'
import { type Clerk, staffOrderOf, staffOrderQuery } from './order-desk.ts'

/**
 * A new card on the same day, out of a club's stack of blanks. Staff begin it, a guardian of the child approves it in the
 * portal, and with the approval it is paid from the account, in one transaction: then it is an order as any other, and
 * the card can be handed out. Without a fee it takes the approval all the same, for it closes the lost card.
 */

export type Replaced =
  | z.infer<typeof Replacement>
  | 'child_unknown'
  | 'child_left'
  | 'id_taken'
  | 'order_under_way'
  | 'never_had_card' // The first card is free, and no replacement.
  | 'card_unknown' // Not a card of the child that could be lost, or there are several and none is named.
  | 'site_unknown' // The child is in no club and none is named, or it is not one of the clerk's.

/* ?1 id, ?2 child, ?3 the lost card, ?4 the site, ?5 the clerk's sites. */
const OPEN_CARDS = "FROM card WHERE card.account = account.id AND card.status <> 'closed'"
const LOST = `coalesce(?3, (SELECT card.id ${OPEN_CARDS}))`
const LOST_IS_KNOWN = `iif(?3 IS NULL, (SELECT count(*) ${OPEN_CARDS}) < 2,
  EXISTS (SELECT 1 ${OPEN_CARDS} AND card.id = ?3))`
const CLUB = '(SELECT site.id FROM site WHERE site.id = coalesce(?4, child.club))'
/* A club knows its own children, and those of other clubs who buy at its sites; nobody else's are there for it. */
const BUYS_HERE = `EXISTS (SELECT 1 FROM posting JOIN transfer AS paid ON paid.id = posting.transfer AND paid.kind = 'purchase'
  JOIN account AS revenue ON revenue.id = paid.credit_account
  WHERE posting.account = account.id AND ${withinSites('revenue.site', '?5')})`
const MAY_SEE = `(${withinSites('child.club', '?5')}
  OR ?4 IS NOT NULL AND ${withinSites('?4', '?5')} AND ${BUYS_HERE})`

const INSERT = `
INSERT INTO card_order (id, account, cause, staff, lost_card, club, fee, paid_from, status, created_at)
SELECT ?1, account.id, 'same_day', ?6, ${LOST}, ${CLUB}, ?8, 'account', 'awaiting_approval', ?7
FROM account JOIN child ON child.id = account.child
WHERE child.id = ?2 AND child.left_at IS NULL AND ${MAY_SEE}
  AND NOT EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?1)
  AND NOT ${underWay('account.id')} AND ${hasHadCard('account.id')} AND ${LOST_IS_KNOWN}
  AND ${CLUB} IS NOT NULL AND ${withinSites(CLUB, '?5')}`

const FIND = `
SELECT account.id AS account, child.left_at IS NOT NULL AS gone, ${underWay('account.id')} AS rival,
  ${hasHadCard('account.id')} AS hadCard, ${LOST_IS_KNOWN} AS known,
  EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?1) AS taken,
  EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?1 AND card_order.account = account.id
            AND cause = 'same_day' AND (?3 IS NULL OR lost_card = ?3) AND (?4 IS NULL OR card_order.club = ?4)) AS stored,
  (SELECT count(*) FROM guardianship LEFT JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash
   WHERE guardianship.child = child.id AND guardianship.ended_at IS NULL
     AND ${reachedAt('NULL', 'guardian.id', 'account.id')} IS NULL) AS untold
FROM account JOIN child ON child.id = account.child
WHERE child.id = ?2 AND ${MAY_SEE}`

type Found = {
  account: number
  gone: 0 | 1
  rival: 0 | 1
  hadCard: 0 | 1
  known: 0 | 1
  taken: 0 | 1
  stored: 0 | 1
  untold: number
}

/** Begins a replacement, once for each id, and tells the child's guardians where they are reached. */
export async function replace(
  db: D1Database,
  { id, child, lostCard, site }: z.infer<typeof ReplaceCall>,
  staff: Clerk,
  nowMs: number,
): Promise<Replaced> {
  const sites = sitesOf(staff)
  const which = [id, child, lostCard, site, sites]
  const known = await db
    .prepare(
      `SELECT account.id AS account, (SELECT card_fee FROM municipality) AS fee
       FROM account JOIN child ON child.id = account.child
       WHERE child.id = ?2 AND ${MAY_SEE}`,
    )
    .bind(...which)
    .first<{ account: number; fee: number }>()
  if (!known) return 'child_unknown'
  const answers = await db.batch([
    viewed(db, { child }, { staff: staff.id }, nowMs),
    db.prepare(INSERT).bind(...which, staff.id, nowMs, known.fee),
    recordedIfChanged(db, { staff: staff.id, action: 'card_replacement_begun', subject: `order:${id}` }, nowMs),
    moneyLetter(
      db,
      'card_approval',
      { amount: known.fee, order: id },
      { guardian: null, recipient: null, account: known.account, cause: `order:${id}:approval` },
      nowMs,
      {
        sql: `EXISTS (SELECT 1 FROM card_order WHERE card_order.id = ?10 AND card_order.account = ?6
                      AND cause = 'same_day' AND card_order.created_at = ?11)`,
        bind: [id, nowMs],
      },
    ),
    db.prepare(FIND).bind(...which),
    staffOrderQuery(db, id, { ...staff, sites: null }),
  ])
  const found = answers.at(-2)?.results[0] as Found | undefined
  if (!found) return 'child_unknown'
  if (found.stored) {
    const order = staffOrderOf(answers.at(-1)?.results[0])
    if (order) return { ...order, untold: found.untold }
  }
  if (found.taken) return 'id_taken'
  if (found.gone) return 'child_left'
  if (found.rival) return 'order_under_way'
  if (!found.hadCard) return 'never_had_card'
  return found.known ? 'site_unknown' : 'card_unknown'
}

/** Which order, of which account, and the guardian who decides. */
export type Deciding = { id: string; account: number; guardian: number }

/** SQL: whether an order awaits this guardian's approval at an instant. */
const awaits = (id: string, account: string, guardian: string, at: string) => `
EXISTS (SELECT 1 FROM card_order AS asked WHERE asked.id = ${id} AND asked.account = ${account}
  AND asked.status = 'awaiting_approval' AND asked.created_at > ${at} - ${APPROVAL_WAITS_MS}
  AND ${maySteer('asked.account', guardian)} AND NOT ${childLeft('asked.account')})`

/** `too_late`: it was decided already, it has expired, or the child has left. To others than its guardians it is not there. */
export type Decided = 'approved' | 'refused' | 'insufficient_funds' | 'too_late' | 'not_found'

/**
 * Approves a replacement and pays for it from the account, both or neither, at most once. Again by whoever has approved
 * it is 'approved'.
 */
export async function approve(db: D1Database, { id, account, guardian }: Deciding, nowMs: number): Promise<Decided> {
  const answers = await db.batch([
    ...postMeasured(
      db,
      {
        ...{ id: `card_fee:${id}`, kind: 'card_fee', debitAccount: account, creditAccount: 'card_fee_revenue' },
        ...{ staff: null, reason: null },
      },
      '(SELECT asked.fee FROM card_order AS asked WHERE asked.id = ?10)',
      nowMs,
      { sql: awaits('?10', '?3', '?11', '?6'), bind: [id, guardian] },
    ),
    db
      .prepare(
        `UPDATE card_order SET status = 'ordered', ordered_at = ?4, guardian = ?3
         WHERE id = ?1 AND ${awaits('?1', '?2', '?3', '?4')}
           AND (fee = 0 OR EXISTS (SELECT 1 FROM transfer AS paid WHERE paid.id = 'card_fee:' || ?1
                                   AND paid.debit_account = ?2 AND paid.amount = card_order.fee))`,
      )
      .bind(id, account, guardian, nowMs),
    recordedIfChanged(db, { guardian, action: 'card_replacement_approved', subject: `order:${id}` }, nowMs),
    standingQuery(db, { id, account, guardian }, nowMs),
  ])
  const standing = answers.at(-1)?.results[0] as Standing | undefined
  if (!standing) return 'not_found'
  if (standing.approvedBy === guardian) return 'approved'
  return standing.awaits ? 'insufficient_funds' : 'too_late'
}

/** Refuses a replacement, which ends it; nothing was paid. */
export async function refuseReplacement(
  db: D1Database,
  { id, account, guardian }: Deciding,
  nowMs: number,
): Promise<Decided> {
  const answers = await db.batch([
    db
      .prepare(
        `UPDATE card_order SET status = 'cancelled', ended_at = ?4
         WHERE id = ?1 AND ${awaits('?1', '?2', '?3', '?4')}`,
      )
      .bind(id, account, guardian, nowMs),
    recordedIfChanged(db, { guardian, action: 'card_replacement_refused', subject: `order:${id}` }, nowMs),
    standingQuery(db, { id, account, guardian }, nowMs),
  ])
  const standing = answers.at(-1)?.results[0] as Standing | undefined
  if (!standing) return 'not_found'
  return standing.status === 'cancelled' && standing.orderedAt === null ? 'refused' : 'too_late'
}

type Standing = { status: string; orderedAt: number | null; approvedBy: number | null; awaits: 0 | 1 }

function standingQuery(db: D1Database, { id, account, guardian }: Deciding, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT status, ordered_at AS orderedAt, iif(ordered_at IS NULL, NULL, guardian) AS approvedBy,
         ${awaits('?1', '?2', '?3', '?4')} AS awaits
       FROM card_order WHERE id = ?1 AND account = ?2 AND cause = 'same_day' AND ${maySteer('?2', '?3')}`,
    )
    .bind(id, account, guardian, nowMs)
}

/** The statements that end the replacements which nobody has approved in time, and tell whom it was asked of, for the sweep. */
export function approvalsExpired(db: D1Database, nowMs: number): D1PreparedStatement[] {
  const old = `status = 'awaiting_approval' AND created_at <= ?1 - ${APPROVAL_WAITS_MS}`
  return [
    db
      .prepare(
        `INSERT INTO audit (at, action, subject)
         SELECT ?1, 'card_replacement_expired', 'order:' || id FROM card_order WHERE ${old}`,
      )
      .bind(nowMs),
    db.prepare(`UPDATE card_order SET status = 'cancelled', ended_at = ?1 WHERE ${old}`).bind(nowMs),
    expiredLetters(db, EXPIRED, nowMs),
  ]
}
