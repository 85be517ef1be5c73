import type { z } from 'zod'
import type { HandOut, HandOutOpenCall } from '../../shared/office/card-making.ts'
import type { CardStatus } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { childLeft } from '../people/children.ts'
import { sitesOf, withinSites } from '../people/staff.ts'
import { viewedAmong } from '../people/viewings.ts'
import { bound, producedForOther, TO_BE_HANDED_OUT } from './card-binding.ts'
import { UNDER_WAY } from './card-orders.ts'
import { balanceQuery } from './cards.ts'
import { type Clerk, ofSites } from './order-desk.ts'

/**
 * Cards that are handed out by a tap. Staff open a hand-out at a terminal; the next card that is laid there, within a
 * minute, with nothing chosen, is the order's, or the hand-out is refused and says why. The terminal knows nothing of it:
 * it asks for a balance, and that is what it is told.
 */

/** How long a terminal awaits the card. */
export const HAND_OUT_WAITS_MS = 60_000

export type HandOutView = z.infer<typeof HandOut>

export type Opened =
  | HandOutView
  | 'order_unknown' // Or the child has none under way.
  | 'order_unpaid'
  | 'order_unapproved'
  | 'order_ended'
  | 'child_left'
  | 'terminal_unknown' // Not one in use, or not at one of the clerk's sites.
  | 'terminal_unfit' // A card that is laid there buys something.
  | 'id_taken'

const VIEW = `
SELECT hand_out.id, hand_out."order", terminal,
  CASE WHEN hand_out.status = 'waiting' AND expires_at <= ?2 OR hand_out.reason = 'expired' THEN 'expired'
    ELSE hand_out.status END AS status,
  iif(hand_out.status = 'refused', hand_out.reason, NULL) AS reason, hand_out.card, expires_at AS expiresAt
FROM hand_out`

/* ?1 id, ?2 the order, or null for that of child ?3; ?4 the terminal, ?5 the clerk's sites. */
const ASKED = `
FROM card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child
WHERE ${ofSites('?5')}
  AND (card_order.id = ?2 OR ?2 IS NULL AND child.id = ?3 AND card_order.status IN ${UNDER_WAY})`
const AT_TERMINAL = `EXISTS (
  SELECT 1 FROM terminal WHERE terminal.id = ?4 AND public_key IS NOT NULL AND revoked_at IS NULL AND stopped_at IS NULL
    AND branch_of IS NULL AND ${withinSites('terminal.site', '?5')})`
const FIXED_PRICE = '(SELECT fixed_price FROM terminal WHERE terminal.id = ?4)'
const OPENS = `
${ASKED} AND card_order.status IN ${TO_BE_HANDED_OUT} AND child.left_at IS NULL AND ${AT_TERMINAL}
  AND ${FIXED_PRICE} IS NULL
  AND NOT EXISTS (SELECT 1 FROM hand_out AS before WHERE before.id = ?1)`

/** Opens a hand-out, once for each id; what the terminal was waiting for before is cancelled. */
export async function openHandOut(
  db: D1Database,
  { id, order, child, terminal }: z.infer<typeof HandOutOpenCall>,
  staff: Clerk,
  nowMs: number,
): Promise<Opened> {
  const which = [id, order ?? null, child ?? null, terminal, sitesOf(staff)]
  const [, , , , found, opened] = await db.batch([
    viewedAmong(
      db,
      {
        children: `SELECT account.child FROM card_order JOIN account ON account.id = card_order.account
                   JOIN child ON child.id = account.child WHERE (card_order.id = ? OR child.id = ?)
                     AND EXISTS (SELECT 1 FROM (SELECT ? AS sites) WHERE ${ofSites('sites')})`,
        bind: [order ?? null, child ?? null, sitesOf(staff)],
      },
      { staff: staff.id },
      nowMs,
    ),
    db
      .prepare(
        `UPDATE hand_out SET status = 'cancelled', reason = iif(expires_at <= ?6, 'expired', NULL), ended_at = ?6
         WHERE terminal = ?4 AND hand_out.status = 'waiting' AND EXISTS (SELECT 1 ${OPENS})`,
      )
      .bind(...which, nowMs),
    db
      .prepare(
        `INSERT INTO hand_out (id, "order", terminal, staff, status, created_at, expires_at)
         SELECT ?1, card_order.id, ?4, ?6, 'waiting', ?7, ?8 ${OPENS}`,
      )
      .bind(...which, staff.id, nowMs, nowMs + HAND_OUT_WAITS_MS),
    recordedIfChanged(db, { staff: staff.id, action: 'hand_out_opened', subject: `hand_out:${id}` }, nowMs),
    db
      .prepare(
        `SELECT card_order.status, child.left_at IS NOT NULL AS gone, ${AT_TERMINAL} AS there,
           ${FIXED_PRICE} IS NOT NULL AS sells
         ${ASKED} LIMIT 1`,
      )
      .bind(...which),
    db
      .prepare(
        `${VIEW} WHERE hand_out.id = ?1 AND hand_out.terminal = ?3 AND (?4 IS NULL OR hand_out."order" = ?4)
           AND hand_out.staff = ?5`,
      )
      .bind(id, nowMs, terminal, order ?? null, staff.id),
  ])
  const view = opened?.results[0] as HandOutView | undefined
  if (view) return view
  const known = found?.results[0] as { status: string; gone: 0 | 1; there: 0 | 1; sells: 0 | 1 } | undefined
  if (!known) return 'order_unknown'
  if (!known.there) return 'terminal_unknown'
  if (known.sells) return 'terminal_unfit'
  if (known.gone) return 'child_left'
  if (known.status === 'unpaid') return 'order_unpaid'
  if (known.status === 'awaiting_approval') return 'order_unapproved'
  return known.status === 'handed_out' || known.status === 'cancelled' ? 'order_ended' : 'id_taken'
}

/** What has become of a hand-out at a terminal of the clerk's sites; null where there is none. */
export async function handOutView(
  db: D1Database,
  id: string,
  staff: Clerk,
  nowMs: number,
): Promise<HandOutView | null> {
  return await handOutQuery(db, id, staff, nowMs).first<HandOutView>()
}

function handOutQuery(db: D1Database, id: string, staff: Clerk, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `${VIEW} WHERE hand_out.id = ?1 AND EXISTS (
         SELECT 1 FROM terminal WHERE terminal.id = hand_out.terminal AND ${withinSites('terminal.site', '?3')})`,
    )
    .bind(id, nowMs, sitesOf(staff))
}

/** Cancels a hand-out that no card has come to; another one stays as it is. Null where there is none. */
export async function cancelHandOut(
  db: D1Database,
  id: string,
  staff: Clerk,
  nowMs: number,
): Promise<HandOutView | null> {
  const answers = await db.batch([
    db
      .prepare(
        `UPDATE hand_out SET status = 'cancelled', reason = iif(expires_at <= ?2, 'expired', NULL), ended_at = ?2
         WHERE id = ?1 AND status = 'waiting' AND EXISTS (
           SELECT 1 FROM terminal WHERE terminal.id = hand_out.terminal AND ${withinSites('terminal.site', '?3')})`,
      )
      .bind(id, nowMs, sitesOf(staff)),
    recordedIfChanged(db, { staff: staff.id, action: 'hand_out_cancelled', subject: `hand_out:${id}` }, nowMs),
    handOutQuery(db, id, staff, nowMs),
  ])
  return (answers.at(-1)?.results[0] as HandOutView | undefined) ?? null
}

type Waiting = { id: string; order: string; staff: number; lostCard: number | null }

/**
 * What a card that is laid on a terminal with nothing chosen shows: its status and the wallet's balance in øre; null for
 * an unknown card. Where a hand-out waits there, the card has become the order's by then, or the hand-out is refused.
 */
export async function laidOn(
  db: D1Database,
  terminal: string,
  hash: string,
  nowMs: number,
): Promise<{ status: CardStatus; balance: number; handedOut?: true } | null> {
  const [waiting, known] = await db.batch([
    db
      .prepare(
        `SELECT hand_out.id, hand_out."order", hand_out.staff, card_order.lost_card AS lostCard
         FROM hand_out JOIN card_order ON card_order.id = hand_out."order"
         WHERE hand_out.terminal = ?1 AND hand_out.status = 'waiting' AND expires_at > ?2`,
      )
      .bind(terminal, nowMs),
    balanceQuery(db, hash),
  ])
  const handOut = waiting?.results[0] as Waiting | undefined
  const [ended, found] = handOut === undefined ? [null, known] : await handedOutByTap(db, handOut, hash, nowMs)
  const shown = found?.results[0] as { status: CardStatus; balance: number } | undefined
  return shown ? { ...shown, ...(ended === 'done' && { handedOut: true }) } : null
}

const REFUSED_FOR = `
CASE
  WHEN ${childLeft('(SELECT account FROM card_order WHERE card_order.id = ?2)')} THEN 'child_left'
  WHEN (SELECT card_order.status FROM card_order WHERE card_order.id = ?2) NOT IN ${TO_BE_HANDED_OUT} THEN 'order_ended'
  WHEN (SELECT card.status FROM card WHERE card.hash = ?3) = 'closed' THEN 'card_closed'
  WHEN (SELECT card.account FROM card WHERE card.hash = ?3)
    = (SELECT account FROM card_order WHERE card_order.id = ?2) THEN 'card_own'
  WHEN EXISTS (SELECT 1 FROM card WHERE card.hash = ?3) THEN 'card_taken'
  WHEN ${producedForOther('?3', '?2')} THEN 'card_of_other_order'
END`

/**
 * Only while the hand-out waits: whoever comes first, a tap or a cancellation, the other finds it ended. Resolves to how
 * this tap has ended it, null where it did not, and to what the card shows now.
 */
async function handedOutByTap(
  db: D1Database,
  { id, order, staff, lostCard }: Waiting,
  hash: string,
  nowMs: number,
): Promise<['done' | 'refused' | null, D1Result | undefined]> {
  const itsCard = `(SELECT card.id FROM card_order JOIN card ON card.id = card_order.card
    WHERE card_order.id = ?2 AND card_order.status = 'handed_out' AND card.hash = ?3)`
  const answers = await db.batch([
    ...bound(db, { id: order, lostCard, hash }, { staff }, nowMs, {
      sql: `EXISTS (SELECT 1 FROM hand_out WHERE hand_out.id = ?10 AND hand_out.status = 'waiting' AND expires_at > ?3)`,
      bind: [id],
    }),
    db
      .prepare(
        `UPDATE hand_out SET card = ${itsCard}, status = iif(${itsCard} IS NULL, 'refused', 'done'),
           reason = iif(${itsCard} IS NULL, ${REFUSED_FOR}, NULL), ended_at = ?4
         WHERE id = ?1 AND status = 'waiting' AND expires_at > ?4 RETURNING status`,
      )
      .bind(id, order, hash, nowMs),
    balanceQuery(db, hash),
  ])
  const ended = answers.at(-2)?.results[0] as { status: 'done' | 'refused' } | undefined
  return [ended?.status ?? null, answers.at(-1)]
}

/** The statement that ends the hand-outs to which no card came in time, for the sweep. */
export function handOutsExpired(db: D1Database, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE hand_out SET status = 'cancelled', reason = 'expired', ended_at = expires_at
       WHERE status = 'waiting' AND expires_at <= ?`,
    )
    .bind(nowMs)
}
