import type { z } from 'zod'
import { ore } from '../../shared/money.ts'
import type { Review, ReviewItem, ReviewSettling, SettleAnswer, SettleCall } from '../../shared/office/review.ts'
import { type Condition, post } from '../ledger/transfers.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { viewedAccounts } from '../people/viewings.ts'
import { UNREVIEWED } from './quarantine.ts'
import { bookAll, discardAll } from './quarantine-desk.ts'

/**
 * What staff must look into, and what they have made of it: advices that were booked though a request would have been
 * declined, messages that were put aside, and alarms. A decision is taken once, with a name and a reason, and stays;
 * money that it moves is moved in its batch.
 */
type Item = z.infer<typeof ReviewItem>
type Settling = z.infer<typeof ReviewSettling>

const PAGE = 100

/** SQL: a flagged advice that has not been undone since. The first three terms are those of its index. */
const FLAGGED = `message.kind = 'advice' AND message.outcome = 'approved' AND message.reason IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM transfer AS undone WHERE undone.id = message.sale || ':reversal')`

const ADVICES = `
SELECT message.terminal || ':' || message.seq AS id, 'advice' AS kind, message.reason AS what,
  coalesce(terminal.branch_of, terminal.id) AS terminal, site.id AS site, site.name AS siteName, message.amount,
  message.account, card.id AS card, 1 AS count, message.received_at AS at
FROM message
JOIN terminal ON terminal.id = message.terminal
JOIN site ON site.id = terminal.site
LEFT JOIN card ON card.hash = message.card
WHERE ${FLAGGED}`

const ASIDE = `
SELECT 'quarantine:' || quarantine.terminal AS id, 'quarantine' AS kind, group_concat(DISTINCT quarantine.cause) AS what,
  quarantine.terminal, site.id AS site, site.name AS siteName,
  sum(iif(quarantine.kind = 'advice', quarantine.amount, 0)) AS amount, NULL AS account, NULL AS card, count(*) AS count,
  min(quarantine.received_at) AS at
FROM quarantine
JOIN terminal ON terminal.id = quarantine.terminal
JOIN site ON site.id = terminal.site`

const ALARMS = `
SELECT 'alarm:' || alarm.id AS id, 'alarm' AS kind, alarm.kind AS what, alarm.terminal, site.id AS site,
  site.name AS siteName, NULL AS amount, card.account, card.id AS card, 1 AS count, alarm.at
FROM alarm
JOIN terminal ON terminal.id = alarm.terminal
JOIN site ON site.id = terminal.site
LEFT JOIN card ON card.id = alarm.card
WHERE true`

const undecided = (id: string) => `NOT EXISTS (SELECT 1 FROM review WHERE review.subject = ${id})`

const OPEN = `
SELECT * FROM (${ADVICES} AND ${undecided("message.terminal || ':' || message.seq")})
UNION ALL SELECT * FROM (${ASIDE} WHERE ${UNREVIEWED} GROUP BY quarantine.terminal)
UNION ALL SELECT * FROM (${ALARMS} AND ${undecided("'alarm:' || alarm.id")})
ORDER BY at, id LIMIT ${PAGE + 1} OFFSET ?1`

type Row = Omit<Item, 'site'> & { site: number; siteName: string }

const itemOf = ({ site, siteName, ...row }: Row): Item => ({ ...row, site: { id: site, name: siteName } })

/** What waits for a decision, the oldest first. Accounts are named, so staff are recorded as having looked. */
export async function openReviews(
  db: D1Database,
  offset: number,
  staff: number,
  nowMs: number,
): Promise<{ items: Item[]; more: boolean }> {
  const found = (await db.prepare(OPEN).bind(offset).all<Row>()).results.map(itemOf)
  const items = found.slice(0, PAGE)
  await viewedAccounts(
    db,
    items.flatMap(({ account }) => account ?? []),
    { staff },
    nowMs,
  ).run()
  return { items, more: found.length > PAGE }
}

const SETTLED = `
SELECT review.subject, review.decision, review.account, staff_token.name AS staff, review.note, review.at
FROM review JOIN staff_token ON staff_token.id = review.staff`

/** What has been decided, the newest first. */
export async function settledReviews(db: D1Database, offset: number): Promise<{ settled: Settling[]; more: boolean }> {
  const query = db.prepare(`${SETTLED} ORDER BY review.id DESC LIMIT ${PAGE + 1} OFFSET ?1`).bind(offset)
  const found = (await query.all<Settling>()).results
  return { settled: found.slice(0, PAGE), more: found.length > PAGE }
}

/** What an id names: a flagged advice, an alarm, or what is put aside of a terminal. */
type Subject =
  | { kind: 'advice'; terminal: string; seq: number }
  | { kind: 'alarm'; alarm: number }
  | { kind: 'quarantine'; terminal: string }

function subjectOf(id: string): Subject {
  const [first = '', second = ''] = id.split(':')
  if (first === 'alarm') return { kind: 'alarm', alarm: Number(second) }
  if (first === 'quarantine') return { kind: 'quarantine', terminal: second }
  return { kind: 'advice', terminal: first, seq: Number(second) }
}

/** One item with its messages and what has been decided, decided or not; null where there is none. */
export async function review(
  db: D1Database,
  id: string,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof Review> | null> {
  const subject = subjectOf(id)
  const [items, messages, settled] = await db.batch<Record<string, unknown>>([
    itemQuery(db, subject),
    messagesQuery(db, subject),
    db
      .prepare(`${SETTLED} WHERE review.subject = ?1 OR review.subject GLOB ?2 ORDER BY review.id DESC LIMIT ${PAGE}`)
      .bind(id, subject.kind === 'quarantine' ? `${id}:*` : id),
  ])
  const row = items?.results[0] as Row | undefined
  if (!row) return null
  if (row.account !== null) await viewedAccounts(db, [row.account], { staff }, nowMs).run()
  const said = (messages?.results ?? []) as (Omit<z.infer<typeof Review>['messages'][number], 'lines'> & {
    lines: string
  })[]
  return {
    ...itemOf(row),
    messages: said.map(({ lines, ...message }) => ({ ...message, lines: JSON.parse(lines) })),
    settled: (settled?.results ?? []) as Settling[],
  }
}

function itemQuery(db: D1Database, subject: Subject): D1PreparedStatement {
  switch (subject.kind) {
    case 'advice':
      return db.prepare(`${ADVICES} AND message.terminal = ?1 AND message.seq = ?2`).bind(subject.terminal, subject.seq)
    case 'alarm':
      return db.prepare(`${ALARMS} AND alarm.id = ?1`).bind(subject.alarm)
    case 'quarantine':
      return db.prepare(`${ASIDE} WHERE quarantine.terminal = ?1 GROUP BY quarantine.terminal`).bind(subject.terminal)
  }
}

function messagesQuery(db: D1Database, subject: Subject): D1PreparedStatement {
  const columns = 'seq, kind, sale, amount, lines, at, received_at AS receivedAt'
  const newest = `ORDER BY seq DESC LIMIT ${PAGE}`
  switch (subject.kind) {
    case 'advice':
      return db
        .prepare(
          `SELECT ${columns}, outcome, reason FROM message
           WHERE sale = (SELECT sale FROM message WHERE terminal = ?1 AND seq = ?2) ${newest}`,
        )
        .bind(subject.terminal, subject.seq)
    case 'alarm':
      return db
        .prepare(
          `SELECT ${columns.replaceAll(/\b(seq|kind|at)\b(?= |,|$)/g, 'message.$1')}, outcome, reason
           FROM alarm JOIN message ON message.terminal = alarm.terminal AND message.seq = alarm.seq
           WHERE alarm.id = ?1`,
        )
        .bind(subject.alarm)
    case 'quarantine':
      return db
        .prepare(
          `SELECT ${columns}, NULL AS outcome, cause AS reason FROM quarantine
           WHERE quarantine.terminal = ?1 AND ${UNREVIEWED} ${newest}`,
        )
        .bind(subject.terminal)
  }
}

type Call = z.infer<typeof SettleCall>

export type SettleRefusal = 'review_unknown' | 'review_settled' | 'review_unfit' | 'balance_short' | 'account_unknown'

/**
 * Decides on an item. The same decision of the same member of staff, for the same reason, is answered again. What does
 * not fit the item is review_unfit: an unknown card's sale has no account that could keep it, and a known one's has its
 * own. A charge respects the wallet's floor.
 */
export async function settle(
  db: D1Database,
  id: string,
  call: Call,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof SettleAnswer> | SettleRefusal> {
  const subject = subjectOf(id)
  switch (subject.kind) {
    case 'advice':
      return settleAdvice(db, { id, ...subject }, call, staff, nowMs)
    case 'alarm':
      return noteAlarm(db, { id, ...subject }, call, staff, nowMs)
    case 'quarantine':
      switch (call.decision) {
        case 'book':
          return bookAll(db, subject.terminal, call.note, staff, nowMs)
        case 'discard':
          return discardAll(db, subject.terminal, call.note, staff, nowMs)
        case 'keep':
        case 'carry':
        case 'charge':
        case 'note':
          return 'review_unfit'
      }
  }
}

async function settleAdvice(
  db: D1Database,
  { id, terminal, seq }: { id: string; terminal: string; seq: number },
  { decision, account: named, note }: Call,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof SettleAnswer> | SettleRefusal> {
  const account = named ?? null
  const [messages, wallets] = await db.batch<Record<string, unknown>>([
    db
      .prepare(
        `SELECT message.account, message.amount, message.sale, revenue.id AS revenue
         FROM message JOIN terminal ON terminal.id = message.terminal JOIN account AS revenue ON revenue.site = terminal.site
         WHERE message.terminal = ?1 AND message.seq = ?2 AND ${FLAGGED}`,
      )
      .bind(terminal, seq),
    db.prepare('SELECT 1 FROM account WHERE id = ? AND child IS NOT NULL').bind(account),
  ])
  const sold = messages?.results[0] as
    | { account: number | null; amount: number; sale: string; revenue: number }
    | undefined
  if (!sold) return 'review_unknown'
  const known = sold.account !== null
  if (decision === 'keep' ? !known : decision === 'charge' ? known : decision !== 'carry') return 'review_unfit'
  if (decision === 'charge' && !wallets?.results.length) return 'account_unknown'
  const open: Condition = {
    sql: `NOT EXISTS (SELECT 1 FROM review WHERE review.subject = ?10)
      AND NOT EXISTS (SELECT 1 FROM transfer AS undone WHERE undone.id = ?11)`,
    bind: [id, `${sold.sale}:reversal`],
  }
  const transfer = `review:${id}`
  const way =
    decision === 'carry'
      ? { debitAccount: sold.revenue, creditAccount: sold.account ?? ('suspense' as const) }
      : { debitAccount: account ?? 0, creditAccount: 'suspense' as const }
  const movement = { id: transfer, kind: 'correction' as const, ...way, amount: ore(sold.amount), staff, reason: note }
  const kept = decision === 'keep'
  const done: Condition = kept
    ? open
    : { sql: 'EXISTS (SELECT 1 FROM transfer WHERE transfer.id = ?10)', bind: [transfer] }
  const decided = await db.batch<Pick<Settling, 'decision' | 'account' | 'note'> & { staffId: number }>([
    ...(kept ? [] : post(db, movement, nowMs, open)),
    db
      .prepare(
        `INSERT INTO review (subject, decision, terminal, seq, account, staff, note, at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ${done.sql} ON CONFLICT DO NOTHING`,
      )
      .bind(id, decision, terminal, seq, account, staff, note, nowMs, null, ...done.bind),
    recordedIfChanged(db, { staff, action: 'review_settled', subject: `review:${id}`, detail: { decision } }, nowMs),
    decidedQuery(db, id),
  ])
  const made = decided.at(-1)?.results[0]
  if (!made) return decision === 'charge' ? 'balance_short' : 'review_unknown' // Undone meanwhile.
  const same = made.decision === decision && made.note === note && made.staffId === staff && made.account === account
  return same ? { id, decision, done: 1, left: 0, more: false } : 'review_settled'
}

const decidedQuery = (db: D1Database, id: string) =>
  db.prepare('SELECT decision, account, note, staff AS staffId FROM review WHERE subject = ?').bind(id)

async function noteAlarm(
  db: D1Database,
  { id, alarm }: { id: string; alarm: number },
  { decision, note }: Call,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof SettleAnswer> | SettleRefusal> {
  if (decision !== 'note') return 'review_unfit'
  const [, , found] = await db.batch<{ decision: string; note: string; staffId: number }>([
    db
      .prepare(
        `INSERT INTO review (subject, decision, terminal, seq, alarm, staff, note, at)
         SELECT ?1, 'note', terminal, seq, id, ?3, ?4, ?5 FROM alarm WHERE id = ?2 ON CONFLICT DO NOTHING`,
      )
      .bind(id, alarm, staff, note, nowMs),
    recordedIfChanged(db, { staff, action: 'review_settled', subject: `review:${id}`, detail: { decision } }, nowMs),
    decidedQuery(db, id),
  ])
  const made = found?.results[0]
  if (!made) return 'review_unknown'
  return made.note === note && made.staffId === staff
    ? { id, decision, done: 1, left: 0, more: false }
    : 'review_settled'
}
