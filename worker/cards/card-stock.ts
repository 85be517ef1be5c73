import type { z } from 'zod'
import { isMistyped } from '../../shared/card-number.ts'
import { CardNumber, type StockAnswer, type StockFaultReason } from '../../shared/office/card-making.ts'
import { CardUid } from '../../shared/office/cards.ts'
import { cardHash } from '../../shared/signing.ts'
import { recordedIfChanged } from '../municipality/audit.ts'

/**
 * The cards that the producer has made. Their list is taken whole or not at all, and a row that is known already is no
 * change: where an answer was lost, the list is sent again. A card whose number is an order's is that order's, and nobody
 * else gets it; one of no order is a blank.
 */

type Answer = z.infer<typeof StockAnswer>
type Fault = Answer['faults'][number]
/** A row of the list as it arrived. */
export type Row = { line: number; number: string; uid: string }
type Hashed = { line: number; number: string; hash: string }

/** Whether a UID is drawn anew at every tap (ISO 14443-3), so that it says nothing of the card. */
export const isRandom = (uid: string) => uid.length === 8 && uid.startsWith('08')

/** The hash of a card whose UID is given in hexadecimal. */
export function hashOfUid(cardKey: string, uid: string): Promise<string> {
  return cardHash(
    cardKey,
    Uint8Array.from(uid.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  )
}

/** Each row with its UID hashed, or what can be seen to be wrong with the rows without asking anybody. */
export async function readRows(
  rows: readonly Row[],
  municipality: number,
  cardKey: string,
): Promise<{ hashed: Hashed[]; faults: Fault[] }> {
  const faults: Fault[] = []
  const hashed: Hashed[] = []
  const [numbers, uids] = [new Set<string>(), new Set<string>()]
  for (const { line, number: given, uid: typed } of rows) {
    const number = given.trim()
    const uid = CardUid.safeParse(typed.replace(/[:\s]/g, '')).data
    const wrong = (column: Fault['column'], reason: StockFaultReason) => void faults.push({ line, column, reason })
    if (!CardNumber.safeParse(number).success) wrong('number', 'number_malformed')
    else if (isMistyped(municipality, number)) wrong('number', 'number_mistyped')
    else if (numbers.has(number)) wrong('number', 'number_repeated')
    if (uid === undefined) wrong('uid', 'uid_malformed')
    else if (isRandom(uid)) wrong('uid', 'uid_random')
    else if (uids.has(uid)) wrong('uid', 'uid_repeated')
    else hashed.push({ line, number, hash: await hashOfUid(cardKey, uid) })
    numbers.add(number)
    if (uid !== undefined) uids.add(uid)
  }
  return { hashed, faults }
}

/* ?1 is the rows. A row that is in the stack as it is has nothing wrong with it, whoever has the card by now. */
const ROWS = `
(SELECT value ->> 'line' AS line, value ->> 'number' AS number, value ->> 'hash' AS hash FROM json_each(?1)) AS row`
const KNOWN = 'EXISTS (SELECT 1 FROM card_stock WHERE card_stock.number = row.number AND card_stock.hash = row.hash)'
const FAULTY = `
SELECT line, taken AS reason FROM (
  SELECT row.line, CASE
    WHEN ${KNOWN} THEN NULL
    WHEN EXISTS (SELECT 1 FROM card_stock WHERE card_stock.number = row.number) THEN 'number_taken'
    WHEN EXISTS (SELECT 1 FROM card_stock WHERE card_stock.hash = row.hash) THEN 'uid_taken'
    WHEN EXISTS (SELECT 1 FROM card WHERE card.hash = row.hash) THEN 'uid_in_use'
  END AS taken FROM ${ROWS}
) WHERE taken IS NOT NULL`

/** Takes the list into the stack, or says what is wrong with it; `dry` only says. */
export async function takeIn(
  db: D1Database,
  { hashed, faults }: { hashed: readonly Hashed[]; faults: readonly Fault[] },
  dry: boolean,
  staff: number,
  nowMs: number,
): Promise<Answer> {
  const json = JSON.stringify(hashed)
  const [first] = hashed
  const storing = !dry && faults.length === 0 && first !== undefined
  const [counted, found] = await db.batch([
    db
      .prepare(
        `SELECT coalesce(sum(known), 0) AS unchanged, coalesce(sum(NOT known AND ordered), 0) AS orders,
           coalesce(sum(NOT known AND NOT ordered), 0) AS blanks
         FROM (SELECT ${KNOWN} AS known,
           EXISTS (SELECT 1 FROM card_order WHERE card_order.number = row.number) AS ordered FROM ${ROWS})`,
      )
      .bind(json),
    db.prepare(`${FAULTY} ORDER BY line`).bind(json),
    ...(storing ? storingStatements(db, json, first.number, staff, nowMs) : []),
  ])
  const counts = counted?.results[0] as Omit<Answer, 'faults'> | undefined
  if (!counts) throw new Error('a query without a table had no row')
  const taken = ((found?.results ?? []) as { line: number; reason: StockFaultReason }[]).map(
    ({ line, reason }): Fault => ({ line, column: reason === 'number_taken' ? 'number' : 'uid', reason }),
  )
  const all = [...faults, ...taken].sort((one, other) => one.line - other.line)
  return { ...counts, faults: all }
}

function storingStatements(db: D1Database, json: string, first: string, staff: number, nowMs: number) {
  return [
    db
      .prepare(
        `INSERT INTO card_stock (number, hash, "order", staff, imported_at)
         SELECT row.number, row.hash, (SELECT card_order.id FROM card_order WHERE card_order.number = row.number), ?2, ?3
         FROM ${ROWS} WHERE NOT ${KNOWN} AND NOT EXISTS (${FAULTY})`,
      )
      .bind(json, staff, nowMs),
    recordedIfChanged(db, { staff, action: 'cards_imported', subject: `card_stock:${first}` }, nowMs),
    db
      .prepare(
        `UPDATE card_order SET status = iif(status = 'ordered', 'produced', status), produced_at = ?2
         WHERE produced_at IS NULL AND status IN ('ordered', 'sent')
           AND number IN (SELECT value ->> 'number' FROM json_each(?1))
           AND EXISTS (SELECT 1 FROM card_stock WHERE card_stock.number = card_order.number)`,
      )
      .bind(json, nowMs),
  ]
}

/** How many cards the stack has: blanks that are nobody's yet, and cards of orders that await their child. */
export async function stackOf(db: D1Database): Promise<{ blanks: number; produced: number }> {
  const found = await db
    .prepare(
      `SELECT coalesce(sum("order" IS NULL), 0) AS blanks, coalesce(sum("order" IS NOT NULL), 0) AS produced
       FROM card_stock WHERE NOT EXISTS (SELECT 1 FROM card WHERE card.hash = card_stock.hash)`,
    )
    .first<{ blanks: number; produced: number }>()
  return found ?? { blanks: 0, produced: 0 }
}
