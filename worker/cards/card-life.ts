import type { z } from 'zod'
import type { CardEvent, CardLife, OrderLife } from '../../shared/office/cards.ts'
import { sitesOf, withinSites } from '../people/staff.ts'
import { viewedAmong } from '../people/viewings.ts'
import { type Clerk, staffOrderOf, staffOrderQuery } from './order-desk.ts'

/**
 * The whole life of a card, from its order on: what the audit log has of the order and the card, and what the batch and
 * the producer's list say. Staff are named, of guardians it only says that it was one.
 */

type Event = z.infer<typeof CardEvent>

/* ?1 is the order's id, ?2 the card's (numbers are bound as REAL); either may be null. An order that the audit log does not have was
   made by the roster. */
const EVENTS = `
SELECT at, what, kind, staff_token.name, card FROM (
  SELECT audit.id AS nth, at, action AS what, staff,
    CASE WHEN staff IS NOT NULL THEN 'staff' WHEN guardian IS NOT NULL THEN 'guardian' ELSE 'system' END AS kind,
    iif(subject GLOB 'card:*', CAST(substr(subject, length('card:') + 1) AS INTEGER), NULL) AS card
  FROM audit WHERE subject IN ('order:' || ?1, 'card:' || CAST(?2 AS INTEGER))
  UNION ALL SELECT 0, card_order.created_at, 'card_ordered', card_order.staff,
    iif(card_order.staff IS NULL, 'system', 'staff'), NULL
  FROM card_order WHERE card_order.id = ?1 AND cause = 'first'
    AND NOT EXISTS (SELECT 1 FROM audit WHERE subject = 'order:' || ?1 AND action = 'card_ordered')
  UNION ALL SELECT 0, card_batch.created_at, 'card_batched', card_batch.staff, 'staff', NULL
  FROM card_order JOIN card_batch ON card_batch.id = card_order.batch WHERE card_order.id = ?1
  UNION ALL SELECT 0, card_stock.imported_at, 'card_produced', card_stock.staff, 'staff', NULL
  FROM card_order JOIN card_stock ON card_stock.number = card_order.number WHERE card_order.id = ?1
  UNION ALL SELECT audit.id, audit.at, audit.action, audit.staff, 'staff', card.id
  FROM card JOIN account ON account.id = card.account JOIN audit ON audit.subject = 'child:' || account.child
  WHERE card.id = ?2 AND audit.action = 'cards_frozen' AND audit.at >= card.created_at
) AS event LEFT JOIN staff_token ON staff_token.id = event.staff
ORDER BY at, nth`

const eventsQuery = (db: D1Database, order: string | null, card: number | null) => db.prepare(EVENTS).bind(order, card)

function eventsOf(found: D1Result | undefined): Event[] {
  const rows = (found?.results ?? []) as {
    at: number
    what: string
    kind: Event['who']['kind']
    name: string | null
    card: number | null
  }[]
  return rows.map(({ at, what, kind, name, card }) => ({
    at,
    what,
    who: { kind, name: kind === 'staff' ? name : null },
    card,
  }))
}

/** An order with what has happened to it, and to its card; null where there is none that the clerk may see. */
export async function orderLife(
  db: D1Database,
  id: string,
  staff: Clerk,
  nowMs: number,
): Promise<z.infer<typeof OrderLife> | null> {
  const order = staffOrderOf((await staffOrderQuery(db, id, staff).first()) ?? undefined)
  if (order === null) return null
  const [, events] = await db.batch([
    viewedAmong(db, { children: 'SELECT ?', bind: [order.child.id] }, { staff: staff.id }, nowMs),
    eventsQuery(db, id, order.card),
  ])
  return { ...order, events: eventsOf(events) }
}

/** A card with what has happened to it, from its order on; null where there is none that the clerk may see. */
export async function cardLife(
  db: D1Database,
  id: number,
  staff: Clerk,
  nowMs: number,
): Promise<z.infer<typeof CardLife> | null> {
  const found = await db
    .prepare(
      `SELECT card.id, card.status, card.created_at AS createdAt, child.id AS child, child.name,
         (SELECT card_order.id FROM card_order WHERE card_order.account = card.account AND card_order.card = card.id)
           AS "order",
         (SELECT number FROM card_stock WHERE card_stock.hash = card.hash) AS number
       FROM card JOIN account ON account.id = card.account JOIN child ON child.id = account.child
       WHERE card.id = ?1 AND ${withinSites('child.club', '?2')}`,
    )
    .bind(id, sitesOf(staff))
    .first<{
      id: number
      status: z.infer<typeof CardLife>['status']
      createdAt: number
      child: number
      name: string
      order: string | null
      number: string | null
    }>()
  if (!found) return null
  const { child, name, ...card } = found
  const [, events] = await db.batch([
    viewedAmong(db, { children: 'SELECT ?', bind: [child] }, { staff: staff.id }, nowMs),
    eventsQuery(db, card.order, id),
  ])
  return { ...card, child: { id: child, name }, events: eventsOf(events) }
}
