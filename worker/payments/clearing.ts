import { ore } from '../../shared/money.ts'
import type { Clearing, Difference } from '../../shared/office/reports.ts'
import { type AccountOf, type Movement, post } from '../ledger/transfers.ts'
import { applyIntent } from './refunds.ts'
import type { Refused, StripeAccount, Unavailable } from './stripe/stripe.ts'
import { type BookLine, bookOf } from './stripe/stripe-book.ts'

/**
 * Stripe's book beside ours. Each of its lines is stored once, and in the same batch what nobody else books: Stripe's
 * fees, and what it has paid out to the bank. What the clearing account says that Stripe holds is then to be the sum of
 * the lines.
 */

/** How much one run may fetch, and how many payments it may ask Stripe about; the next run goes on from there. */
const PAGES_MAX = 50
const ASKED_MAX = 50

/** How many statements it takes here, roughly, to apply what Stripe answers about a payment. */
const ASKED_STATEMENTS = 12

/**
 * So far back a run begins again: a line may come into Stripe's book later than its instant says. Not over more lines
 * than these, or a busy day would take up every run.
 */
const OVERLAP_MS = 86_400_000
const OVERLAP_LINES = 1_000

/** Where a run begins: by the newest line here, or by this municipality's first payment; of what was before, nothing. */
const BEGINNING = `
SELECT max(
  coalesce((SELECT max(created_at) FROM balance_transaction), (SELECT min(created_at) FROM payment), ?1) - ${OVERLAP_MS},
  coalesce((SELECT created_at FROM balance_transaction ORDER BY created_at DESC LIMIT 1 OFFSET ${OVERLAP_LINES}), 0))
AS at`

/** Lines by which Stripe's money goes to the bank, or comes back from there. */
const TO_BANK = ['payout', 'payout_cancel', 'payout_failure']
/** Lines that are a fee themselves, beside the fee that any line may have. */
const FEES = ['network_cost', 'stripe_fee', 'stripe_fx_fee', 'tax_fee']
const CHARGES = ['charge', 'payment']

/** What a run did: how many lines are new, how many transfers they made, and of how many payments Stripe was asked. */
export type Imported = { kind: 'imported'; lines: number; booked: number; asked: number; more: boolean }

/** How a run is made: of an account that municipalities share or not, and with how many statements beside its reads. */
type Run = { shared: boolean; statementsMax: number }

/**
 * Fetches what is new in Stripe's book. What no webhook told of payments, refunds and disputes is applied before its
 * line is stored; where Stripe does not answer, or the run has done what it may, the lines before are stored, and the
 * next run goes on with that line. Of an account that is `shared` with other municipalities only what belongs to
 * payments of this one is stored: what Stripe paid out to the bank, or took for the account itself, is then nobody's in
 * particular.
 */
export async function importBook(
  db: D1Database,
  stripe: StripeAccount,
  { shared, statementsMax }: Run,
  nowMs: number,
): Promise<Imported | Refused | Unavailable> {
  const fromMs = (await db.prepare(BEGINNING).bind(nowMs).first<number>('at')) ?? nowMs
  const done: Imported = { kind: 'imported', lines: 0, booked: 0, asked: 0, more: false }
  let after: string | null = null
  let left = statementsMax
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const book = await bookOf(stripe, { fromMs, after })
    if (book.kind !== 'lines') return book
    const fresh = await freshAmong(db, book.lines)
    const ours = shared ? await oursAmong(db, fresh) : fresh
    const told = await tell(db, stripe, ours, { asks: ASKED_MAX - done.asked, statements: left }, nowMs)
    const stored = await store(db, told.lines, nowMs)
    if (told.unavailable) return told.unavailable
    done.lines += stored.lines
    done.booked += stored.booked
    done.asked += told.asked
    left -= told.statements
    if (told.lines.length < ours.length) return { ...done, more: true }
    after = book.lines.at(-1)?.id ?? null
    if (!book.more || after === null) return done
  }
  return { ...done, more: true }
}

/** The first of these lines that may be stored: what each tells has been applied here, within what the run may do. */
type Told = { lines: BookLine[]; asked: number; statements: number; unavailable: Unavailable | null }

async function tell(
  db: D1Database,
  stripe: StripeAccount,
  lines: readonly BookLine[],
  may: { asks: number; statements: number },
  nowMs: number,
): Promise<Told> {
  const told: Told = { lines: [], asked: 0, statements: 0, unavailable: null }
  const untold = new Set(await untoldAmong(db, lines))
  for (const line of lines) {
    const intent = line.intent !== null && untold.has(line.intent) ? line.intent : null
    const cost = statementsOf(line) + (intent === null ? 0 : ASKED_STATEMENTS)
    if (told.statements + cost > may.statements || (intent !== null && told.asked === may.asks)) return told
    if (intent !== null) {
      const applied = await applyIntent(db, stripe, intent, nowMs)
      if (applied.kind === 'unavailable') return { ...told, unavailable: applied }
      untold.delete(intent)
      told.asked += 1
    }
    told.statements += cost
    told.lines.push(line)
  }
  return told
}

async function freshAmong(db: D1Database, lines: readonly BookLine[]): Promise<BookLine[]> {
  if (lines.length === 0) return []
  const known = await db
    .prepare('SELECT id FROM balance_transaction WHERE id IN (SELECT value FROM json_each(?))')
    .bind(JSON.stringify(lines.map(({ id }) => id)))
    .all<{ id: string }>()
  const ids = new Set(known.results.map(({ id }) => id))
  return lines.filter(({ id }) => !ids.has(id))
}

/** The payments that lines speak of, of which the book here does not yet hold the transfer. */
async function untoldAmong(db: D1Database, lines: readonly BookLine[]): Promise<string[]> {
  const asked = lines.filter(({ intent }) => intent !== null)
  if (asked.length === 0) return []
  const told = await db
    .prepare(
      `SELECT line.value ->> 'id' AS id FROM json_each(?) AS line
       LEFT JOIN refund ON refund.stripe = line.value ->> 'source' OR refund.id = line.value ->> 'source'
       WHERE EXISTS (SELECT 1 FROM transfer WHERE id IN (
         'deposit:' || iif(line.value ->> 'charge', line.value ->> 'intent', ''),
         'top_up:' || iif(line.value ->> 'charge', line.value ->> 'intent', ''),
         'card_fee:' || iif(line.value ->> 'charge', line.value ->> 'intent', ''),
         iif(line.value ->> 'amount' < 0, 'refund:', 'refund_return:') || refund.id,
         iif(line.value ->> 'amount' < 0, 'refund:', 'refund_return:') || refund.id || ':short',
         iif(line.value ->> 'amount' < 0, 'dispute:', 'dispute_return:') || (line.value ->> 'source'),
         iif(line.value ->> 'amount' < 0, 'dispute:', 'dispute_return:') || (line.value ->> 'source') || ':short'))`,
    )
    .bind(JSON.stringify(asked.map((line) => ({ ...line, charge: CHARGES.includes(line.type) }))))
    .all<{ id: string }>()
  const ids = new Set(told.results.map(({ id }) => id))
  return [...new Set(asked.flatMap(({ id, intent }) => (ids.has(id) ? [] : (intent ?? []))))]
}

async function oursAmong(db: D1Database, lines: readonly BookLine[]): Promise<BookLine[]> {
  if (lines.length === 0) return []
  const known = await db
    .prepare(
      `SELECT value AS intent FROM json_each(?1) WHERE value IN (SELECT intent FROM payment)
         OR EXISTS (SELECT 1 FROM transfer WHERE id IN ('deposit:' || value, 'top_up:' || value, 'card_fee:' || value))`,
    )
    .bind(JSON.stringify(lines.flatMap(({ intent }) => intent ?? [])))
    .all<{ intent: string }>()
  const intents = new Set(known.results.map(({ intent }) => intent))
  return lines.filter(({ intent }) => intent !== null && intents.has(intent))
}

/** A charge is stored with its payment as the source, by which the ledger knows it. */
async function store(db: D1Database, lines: readonly BookLine[], nowMs: number) {
  if (lines.length === 0) return { lines: 0, booked: 0 }
  const rows = lines.map((line) => ({
    ...line,
    source: CHARGES.includes(line.type) ? (line.intent ?? line.source) : line.source,
  }))
  const movements = lines.flatMap(movementsOf)
  const [inserted, ...posted] = await db.batch([
    db
      .prepare(
        `INSERT INTO balance_transaction (id, type, amount, fee, net, currency, source, created_at, booked_at)
         SELECT value ->> 'id', value ->> 'type', value ->> 'amount', value ->> 'fee', value ->> 'net',
           value ->> 'currency', value ->> 'source', value ->> 'createdAtMs', ?2
         FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`,
      )
      .bind(JSON.stringify(rows), nowMs),
    ...movements.flatMap((movement) => post(db, movement, nowMs)),
  ])
  const booked = posted.filter(({ meta }, index) => index % 2 === 0 && meta.changes > 0).length
  return { lines: inserted?.meta.changes ?? 0, booked }
}

/** What a line moves that no payment, refund or dispute here does; nothing in another currency than the book's. */
function movementsOf({ id, type, amount, fee, currency }: BookLine): Movement[] {
  if (currency !== 'dkk') return []
  const taken = FEES.includes(type) ? fee - amount : fee
  return [
    ...towards(taken, { id: `psp_fee:${id}`, kind: 'psp_fee', from: 'psp_fees' }),
    ...(TO_BANK.includes(type) ? towards(-amount, { id: `settlement:${id}`, kind: 'settlement', from: 'bank' }) : []),
  ]
}

/** How many statements it takes to book a line: each movement is a transfer and its postings. */
const statementsOf = (line: BookLine) => 2 * movementsOf(line).length

/** So much less is held at Stripe, and more where the amount is below zero. */
function towards(
  amount: number,
  { id, kind, from }: { id: string; kind: 'psp_fee' | 'settlement'; from: AccountOf },
): Movement[] {
  if (amount === 0) return []
  const [debitAccount, creditAccount] =
    amount > 0 ? ([from, 'psp_clearing'] as const) : (['psp_clearing', from] as const)
  return [{ id, kind, debitAccount, creditAccount, amount: ore(Math.abs(amount)), staff: null, reason: null }]
}

/** What has moved less than so long ago may not have its line yet, or its transfer: three hourly runs. */
const SETTLING_MS = 3 * 3_600_000
/** How many differences are named. */
const NAMED_MAX = 100

/*
 * Both books by what a line or a transfer is of: a payment, a refund, a dispute, or the line itself. The clearing
 * account is below zero while money is held, so `here` is its postings the other way round. A refund that Stripe has
 * not been told of yet is `open`.
 */
const SUBJECTS = `
WITH here AS (
  SELECT coalesce(refund.stripe, moved.subject) AS subject, moved.kind AS type, -moved.amount AS amount, moved.at,
    coalesce(refund.status = 'wanted', 0) AS open
  FROM (
    SELECT transfer.kind, transfer.at, posting.amount,
      replace(substr(transfer.id, length(transfer.kind) + 2), ':short', '') AS subject
    FROM account JOIN posting ON posting.account = account.id JOIN transfer ON transfer.id = posting.transfer
    WHERE account.kind = 'psp_clearing'
  ) AS moved
  LEFT JOIN refund ON moved.kind IN ('refund', 'refund_return') AND refund.id = moved.subject
), lines AS (
  SELECT id, type, amount, fee, created_at AS at, CASE
    WHEN type IN (SELECT value FROM json_each(?1)) THEN id
    ELSE coalesce(source, id)
  END AS subject
  FROM balance_transaction WHERE currency = 'dkk'
), subjects AS (
  SELECT subject, min(type) AS type, sum(here) AS here, sum(there) AS there, max(at) AS at, max(open) AS open,
    sum(from_here) AS from_here, sum(1 - from_here) AS from_there
  FROM (
    SELECT subject, type, amount AS here, 0 AS there, at, open, 1 AS from_here FROM here
    UNION ALL SELECT subject, type, 0, amount, at, 0, 0 FROM lines
    UNION ALL SELECT id, type, 0, -fee, at, 0, 0 FROM lines WHERE fee <> 0
  )
  GROUP BY subject
), differences AS (
  SELECT *, open OR at > ?2 AS settling,
    CASE WHEN from_there = 0 THEN 'missing_there' WHEN from_here = 0 THEN 'missing_here' ELSE 'amounts_differ' END AS kind
  FROM subjects WHERE here <> there
)`

/** The clearing account against Stripe's book; its `difference` is that of all that is named, and of what is timing. */
export async function clearing(db: D1Database, nowMs: number): Promise<Clearing> {
  const own = JSON.stringify([...TO_BANK, ...FEES])
  const read = (sql: string) => db.prepare(`${SUBJECTS} ${sql}`).bind(own, nowMs - SETTLING_MS)
  const [totals, timing, differences, foreign] = await db.batch([
    read(
      `SELECT (SELECT coalesce(sum(amount), 0) FROM here) AS here,
         (SELECT coalesce(sum(net), 0) FROM balance_transaction WHERE currency = 'dkk') AS there,
         (SELECT count(*) FROM balance_transaction) AS lines,
         (SELECT max(created_at) FROM balance_transaction) AS newestLineAt`,
    ),
    read('SELECT count(*) AS count, coalesce(sum(here - there), 0) AS amount FROM differences WHERE settling'),
    read(
      `SELECT kind, subject, type, here, there, at FROM differences WHERE NOT settling
       ORDER BY at DESC, subject LIMIT ${NAMED_MAX + 1}`,
    ),
    db.prepare(
      `SELECT currency, count(*) AS count, sum(net) AS net FROM balance_transaction WHERE currency <> 'dkk'
       GROUP BY 1 ORDER BY 1`,
    ),
  ])
  const total = totals?.results[0] as Pick<Clearing, 'here' | 'there' | 'lines' | 'newestLineAt'>
  const named = (differences?.results ?? []) as Difference[]
  return {
    ...total,
    difference: total.here - total.there,
    timing: timing?.results[0] as Clearing['timing'],
    differences: named.slice(0, NAMED_MAX),
    more: named.length > NAMED_MAX,
    foreign: (foreign?.results ?? []) as Clearing['foreign'],
  }
}
