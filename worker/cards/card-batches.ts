import type { z } from 'zod'
import { cardNumber, serialOf } from '../../shared/card-number.ts'
import { BATCH_MAX, type CardBatch, type CardBatchContent } from '../../shared/office/card-making.ts'
import { recorded } from '../municipality/audit.ts'
import { viewedAmong } from '../people/viewings.ts'

/**
 * What the producer is to make: every order that is paid for and in no batch yet, except those that are handed out of a
 * club's stack. What is printed on each card is settled then and stored with its order, so that the same batch is the
 * same file whenever it is fetched.
 */

type BatchView = z.infer<typeof CardBatch>
type BatchContent = z.infer<typeof CardBatchContent>

const TO_MAKE = "card_order.status = 'ordered' AND card_order.batch IS NULL AND card_order.cause <> 'same_day'"

/** How often a batch begins anew because another one took its orders or its numbers. */
const TRIES_MAX = 5

/** Makes a batch of the oldest orders, at most a thousand; null where there is none to make. */
export async function makeBatch(
  db: D1Database,
  municipality: number,
  staff: number,
  nowMs: number,
): Promise<BatchContent | null> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const [waiting, numbers] = await db.batch([
      db.prepare(
        `SELECT card_order.id FROM card_order WHERE ${TO_MAKE} ORDER BY card_order.created_at, card_order.id
         LIMIT ${BATCH_MAX}`,
      ),
      // Numbers of one length sort as they count; a stack may have come with some of ours.
      db
        .prepare(
          `SELECT max(number) AS newest FROM (
             SELECT number FROM card_order WHERE number GLOB ?1 UNION ALL SELECT number FROM card_stock WHERE number GLOB ?1)`,
        )
        .bind(`${municipality}-${'[0-9]'.repeat(7)}`),
    ])
    const orders = (waiting?.results ?? []) as { id: string }[]
    if (orders.length === 0) return null
    const newest = (numbers?.results[0] as { newest: string | null } | undefined)?.newest ?? null
    const before = newest === null ? 0 : (serialOf(municipality, newest) ?? 0)
    const numbered = orders.map(({ id }, at) => ({ id, number: cardNumber(municipality, before + 1 + at) }))
    const batch = await stored(db, numbered, staff, nowMs)
    if (batch !== null) return batch
  }
  throw new Error('the orders to produce never stood still')
}

/** Stores a batch if every one of its orders may still go into it and every number is free; null where not. */
async function stored(
  db: D1Database,
  numbered: readonly { id: string; number: string }[],
  staff: number,
  nowMs: number,
): Promise<BatchContent | null> {
  const json = JSON.stringify(numbered)
  const NEW = '(SELECT max(id) FROM card_batch)'
  const [made, , , , batch, cards] = await db.batch([
    db
      .prepare(
        `INSERT INTO card_batch (staff, created_at) SELECT ?2, ?3
         WHERE json_array_length(?1) = (
           SELECT count(*) FROM json_each(?1) AS row JOIN card_order ON card_order.id = row.value ->> 'id'
           WHERE ${TO_MAKE}
             AND NOT EXISTS (SELECT 1 FROM card_order AS other WHERE other.number = row.value ->> 'number')
             AND NOT EXISTS (SELECT 1 FROM card_stock WHERE card_stock.number = row.value ->> 'number'))`,
      )
      .bind(json, staff, nowMs),
    db
      .prepare(
        `UPDATE card_order SET batch = ${NEW}, number = row.value ->> 'number',
           printed_name = (SELECT child.name FROM account JOIN child ON child.id = account.child
                           WHERE account.id = card_order.account)
         FROM json_each(?1) AS row
         WHERE card_order.id = row.value ->> 'id' AND changes() > 0`,
      )
      .bind(json),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, detail, staff)
         SELECT ?1, 'card_batch_made', 'card_batch:' || ${NEW}, ?3, ?2 WHERE changes() > 0`,
      )
      .bind(nowMs, staff, JSON.stringify({ count: numbered.length })),
    viewedAmong(
      db,
      {
        children: `${CHILDREN} ${NEW} AND (SELECT created_at FROM card_batch WHERE id = ${NEW}) = ?`,
        bind: [nowMs],
      },
      { staff },
      nowMs,
    ),
    db.prepare(`${BATCH} WHERE card_batch.id = ${NEW}`),
    db.prepare(cardsOf(NEW)),
  ])
  return made?.meta.changes ? contentOf(batch, cards) : null
}

const BATCH = `
SELECT card_batch.id, (SELECT count(*) FROM card_order WHERE card_order.batch = card_batch.id) AS count,
  staff_token.name AS staff, card_batch.created_at AS createdAt
FROM card_batch JOIN staff_token ON staff_token.id = card_batch.staff`

const cardsOf = (batch: string) => `
SELECT card_order.id AS "order", number, coalesce(printed_name, '') AS name, site.name AS club, recipient, street,
  postal_code AS postalCode, city
FROM card_order LEFT JOIN site ON site.id = card_order.club WHERE card_order.batch = ${batch} ORDER BY number`

const CHILDREN = `
SELECT account.child FROM card_order JOIN account ON account.id = card_order.account WHERE card_order.batch =`

function contentOf(batch: D1Result | undefined, cards: D1Result | undefined): BatchContent | null {
  const found = batch?.results[0] as BatchView | undefined
  return found ? { ...found, cards: (cards?.results ?? []) as BatchContent['cards'] } : null
}

/** The batches that were made, the newest first, at most 100. */
export async function batches(db: D1Database): Promise<BatchView[]> {
  return (await db.prepare(`${BATCH} ORDER BY card_batch.id DESC LIMIT 100`).all<BatchView>()).results
}

/** A batch as it was made; that it was read is recorded. Null where there is none. */
export async function batchContent(
  db: D1Database,
  id: number,
  staff: number,
  nowMs: number,
): Promise<BatchContent | null> {
  const [batch, cards] = await db.batch([
    db.prepare(`${BATCH} WHERE card_batch.id = ?`).bind(id),
    db.prepare(cardsOf('?')).bind(id),
  ])
  const content = contentOf(batch, cards)
  if (content !== null) {
    await db.batch([
      recorded(db, { staff, action: 'card_batch_read', subject: `card_batch:${id}` }, nowMs),
      viewedAmong(db, { children: `${CHILDREN} ?`, bind: [id] }, { staff }, nowMs),
    ])
  }
  return content
}
