import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { CardToken, DebitMessage, DebitResult } from '../../shared/debit.ts'
import { TOKEN_UNREADABLE, tokenStatements, toldTokens } from '../cards/card-tokens.ts'
import { purchaseLetters } from '../letters/outbox.ts'
import { stopped } from '../terminals/alarms.ts'
import { INSERT_POSTINGS, insertPostings, refundedOf } from './transfers.ts'

/**
 * A debit message whose signature has been verified, with the exact bytes that were signed and their digest. `nextToken`
 * is the random value (8 bytes, base64url) of what the card may be told; only one that tells of a token needs it.
 */
export type SignedMessage = { message: DebitMessage; jws: string; hash: string; nextToken?: string }

/** The terminal that signed, and the public key with which it was verified. */
export type Signer = { terminal: string; publicKey: string }

/** What became of one call: all of it is booked, or nothing. */
export type Booking =
  | { kind: 'booked'; results: DebitResult[]; low: number[] } // `low`: accounts that a top-up agreement may have to fill.
  | { kind: 'terminal_revoked' | 'terminal_stopped' }
  | { kind: 'seq_gap'; expected: number }
  | { kind: 'conflict'; seq: number } // Same number or same sale, other bytes: a copied terminal or a rolled-back journal.

/*
 * A number that is stored already is left alone: the answer is read from what was stored. A message that does not
 * follow the terminal's newest, that tells another story of its sale, or whose terminal is revoked or stopped gets the
 * outcome NULL, which the column refuses, so that the whole call is rolled back.
 */
const FOLLOWING = {
  seq: '?2',
  prev: '?10',
  follows: `terminal.revoked_at IS NULL
      AND terminal.stopped_at IS NULL
      AND terminal.public_key = ?13
      AND ?2 = 1 + coalesce((SELECT max(seq) FROM message WHERE terminal = ?1), 0)
      AND ?10 = coalesce((SELECT hash FROM message WHERE terminal = ?1 AND seq = ?2 - 1), '')
      AND NOT EXISTS (SELECT 1 FROM message WHERE sale = ?4
                      AND (terminal NOT IN (?1, ?1 || 'q') OR card <> ?5 OR amount <> ?6 OR lines <> ?7))`,
  unlike: 'NOT EXISTS (SELECT 1 FROM message WHERE terminal = ?1 AND seq = ?2)',
  doubt: '',
}

/*
 * A message that had been put aside gets the next number of its terminal's branch (?1); its own (?16) may be another
 * message's by now. One that tells of its sale what is told already, or another story, is left aside.
 */
const PUT_ASIDE = {
  seq: '(SELECT 1 + coalesce(max(seq), 0) FROM message WHERE terminal = ?1)',
  prev: "coalesce((SELECT hash FROM message WHERE terminal = ?1 ORDER BY seq DESC LIMIT 1), '')",
  follows: 'true',
  unlike: `NOT EXISTS (SELECT 1 FROM review WHERE subject = ?17)
    AND NOT EXISTS (SELECT 1 FROM message WHERE sale = ?4
                    AND (kind = ?3 OR terminal NOT IN (?1, ?16) OR card <> ?5 OR amount <> ?6 OR lines <> ?7))`,
  doubt: "WHEN ?3 = 'request' THEN 'terminal_revoked'",
}

/** SQL: the products in lines that are of a category closed for an account; an amount keyed in has no product. */
const closedProducts = (lines: string, account: string) => `
        FROM closed_category AS closed CROSS JOIN json_each(${lines}) AS line
        JOIN product ON product.id = line.value ->> 'product' AND product.category = closed.category
        WHERE closed.account = ${account}`

const insertMessage = ({ seq, prev, follows, unlike, doubt }: typeof FOLLOWING) => `
INSERT INTO message (terminal, seq, kind, sale, card, amount, lines, at, received_at, prev, hash, jws,
                     account, outcome, reason, balance)
WITH state AS (
  SELECT
    account.id AS account,
    iif(account.kind = 'wallet', coalesce(newest.balance, 0), NULL) AS balance,
    paid.id IS NOT NULL AS paid,
    CASE
      WHEN EXISTS (SELECT 1 FROM message WHERE sale = ?4 AND kind = 'reversal') THEN 'reversed'
      WHEN ?3 = 'reversal' OR paid.id IS NOT NULL THEN NULL
      ${doubt}
      WHEN card.id IS NULL THEN 'card_unknown'
      WHEN card.status <> 'active' THEN 'card_blocked'
      WHEN EXISTS (SELECT 1 ${closedProducts('?7', 'card.account')}) THEN 'category_closed'
      WHEN coalesce(newest.balance, 0) - ?6 < account.floor THEN 'insufficient_funds'
      WHEN ?14 = ?15 AND iif(newest.day = ?15, newest.spent, 0) + ?6 > account.daily_limit THEN 'daily_limit'
    END AS reason,
    ${follows} AS follows
  FROM terminal
  LEFT JOIN card ON card.hash = ?5
  LEFT JOIN transfer AS paid ON paid.id = ?4
  LEFT JOIN account ON account.id = coalesce(paid.debit_account, card.account)
  LEFT JOIN posting AS newest ON newest.account = account.id
    AND newest.seq = (SELECT max(seq) FROM posting WHERE posting.account = account.id)
  WHERE terminal.id = ?1 AND ${unlike}
)
SELECT ?1, ${seq}, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ${prev}, ?11, ?12, account,
  CASE
    WHEN NOT follows THEN NULL
    WHEN ?3 = 'reversal' THEN 'reversed'
    WHEN reason IS NULL OR (?3 = 'advice' AND reason <> 'reversed') THEN 'approved'
    ELSE 'declined'
  END,
  reason,
  balance + CASE
    WHEN ?3 = 'reversal' THEN iif(paid AND NOT EXISTS (
      SELECT 1 FROM transfer AS carried WHERE carried.id = ${settlingOf('?4')} AND carried.credit_account = account), ?6 - ${refundedOf('?4')}, 0)
    WHEN paid OR (reason IS NOT NULL AND (?3 = 'request' OR reason = 'reversed')) THEN 0
    ELSE -?6
  END
FROM state`

const INSERT_MESSAGE = insertMessage(FOLLOWING)
const INSERT_WITH_TOKEN = insertMessage({ ...FOLLOWING, doubt: `WHEN ${TOKEN_UNREADABLE} THEN 'card_blocked'` })
const INSERT_ASIDE = insertMessage(PUT_ASIDE)

/* Which message it is that moves money: by its number, or by its sale. */
const NUMBERED = 'message.terminal = ?1 AND message.seq = ?2'
const OF_SALE = 'message.terminal = ?1 AND message.sale = ?2 AND message.kind = ?4'

const insertPurchase = (which: string) => `
INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, sale)
SELECT message.sale, 'purchase', coalesce(message.account, (SELECT id FROM account WHERE kind = 'suspense')),
  revenue.id, message.amount, message.received_at, ?3, message.sale
FROM message
JOIN terminal ON terminal.id = message.terminal
JOIN account AS revenue ON revenue.site = terminal.site
WHERE ${which} AND message.outcome = 'approved'
ON CONFLICT DO NOTHING`

/** What staff have refunded of a sale is back already: only the rest is undone, and nothing where there is none. */
const insertReversal = (which: string) => `
INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, sale)
SELECT message.sale || ':reversal', 'reversal', paid.credit_account, paid.debit_account,
  paid.amount - ${refundedOf('message.sale')}, message.received_at, paid.day, message.sale
FROM message
JOIN transfer AS paid ON paid.id = message.sale
WHERE ${which} AND message.outcome = 'reversed' AND paid.amount > ${refundedOf('message.sale')}
ON CONFLICT DO NOTHING`

/** A sale that is undone after all was settled by staff before: what they moved for it goes back too, as far as it is undone. */
const insertSettlingBack = (sale: string, at: string, day: string) => `
INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, sale, reason)
SELECT settled.id || ':reversal', settled.kind, settled.credit_account, settled.debit_account, undone.amount, ${at}, ${day},
  ${sale}, settled.reason
FROM transfer AS settled
JOIN transfer AS undone ON undone.id = ${sale} || ':reversal'
WHERE settled.id = ${settlingOf(sale)}
ON CONFLICT DO NOTHING`

const INSERT_SETTLING_BACK_POSTINGS = insertPostings(`(${settlingOf('?1')} || ':reversal')`)

/** SQL: the transfer by which staff have settled the flagged advice of a sale, which is SQL too. */
function settlingOf(sale: string): string {
  return `(SELECT 'review:' || terminal || ':' || seq FROM message WHERE message.sale = ${sale} AND kind = 'advice')`
}

/** How long ago a terminal may say that it sold; beyond that its clock is wrong, and the sale counts for today. */
const ADVICE_AGE_MAX_MS = 30 * 86_400_000

/**
 * Books a terminal's messages, in order, in one round trip. All of them are booked or, if one cannot be, none.
 * `nowMs` is the day's arbiter for requests; an advice counts for the day on which the goods were handed over.
 */
export async function book(
  db: D1Database,
  signer: Signer,
  messages: readonly SignedMessage[],
  nowMs: number,
): Promise<Booking> {
  const broken = brokenLink(messages)
  if (broken?.kind === 'conflict') await raiseAlarm(db, signer, messages, broken.seq, nowMs)
  if (broken) return broken
  const statements = messages.flatMap((signed) => messageStatements(db, signer, signed, nowMs))
  const [first, last] = [messages[0]?.message.seq ?? 0, messages.at(-1)?.message.seq ?? 0]
  const answers = db
    .prepare(
      `SELECT seq, sale, hash, outcome, reason, message.balance,
         iif(outcome = 'declined' AND reason = 'category_closed',
           (SELECT json_group_array(DISTINCT product.id) ${closedProducts('message.lines', 'message.account')}), '[]') AS closed,
         CASE
           WHEN terminal.revoked_at IS NOT NULL OR terminal.public_key IS NOT ?4 THEN 'terminal_revoked'
           WHEN terminal.stopped_at IS NOT NULL THEN 'terminal_stopped'
         END AS barred,
         (SELECT account FROM agreement WHERE agreement.account = message.account AND status = 'active'
            AND threshold > message.balance) AS low
       FROM message JOIN terminal ON terminal.id = message.terminal
       WHERE terminal = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq`,
    )
    .bind(signer.terminal, first, last, signer.publicKey)
  const told = messages.some(({ message }) => asksToken(message)) ? [toldTokens(db, signer.terminal, first, last)] : []

  let stored: StoredAnswer[]
  let tokens: Map<number, CardToken>
  try {
    const done = await db.batch([...statements, answers, ...told])
    stored = (done[statements.length]?.results ?? []) as StoredAnswer[]
    const rows = (done[statements.length + 1]?.results ?? []) as (CardToken & { seq: number })[]
    tokens = new Map(rows.map(({ seq, counter, value }) => [seq, { counter, value }]))
  } catch (error) {
    const refusal = await refusalOf(db, signer, messages)
    if (refusal === null) throw error // Not a refusal of ours: the database itself failed.
    if (refusal.kind === 'conflict') await raiseAlarm(db, signer, messages, refusal.seq, nowMs)
    return refusal
  }
  const barred = stored.find((row) => row.barred !== null)?.barred
  if (barred) return { kind: barred }
  for (const [index, { message, hash }] of messages.entries()) {
    if (stored[index]?.hash === hash) continue
    await raiseAlarm(db, signer, messages, message.seq, nowMs)
    return { kind: 'conflict', seq: message.seq }
  }
  const low = new Set(stored.flatMap((row) => row.low ?? []))
  return { kind: 'booked', results: stored.map((row) => resultOf(row, tokens.get(row.seq))), low: [...low] }
}

/** Whether a message is one that is told a token in its answer. */
const asksToken = ({ kind, token }: DebitMessage) => kind === 'request' && token !== undefined

/** The Copenhagen day that a message counts for, and when its goods were handed over. */
function soldOn({ kind, at }: Pick<DebitMessage, 'kind' | 'at'>, nowMs: number): { day: string; soldAtMs: number } {
  const believed = kind === 'advice' && at < nowMs && at > nowMs - ADVICE_AGE_MAX_MS
  return { day: copenhagenDay(believed ? at : nowMs), soldAtMs: believed ? at : nowMs }
}

function messageStatements(
  db: D1Database,
  { terminal, publicKey }: Signer,
  { message, jws, hash, nextToken = '' }: SignedMessage,
  nowMs: number,
): D1PreparedStatement[] {
  const { kind, sale, seq, token } = message
  const today = copenhagenDay(nowMs)
  const { day, soldAtMs } = soldOn(message, nowMs)
  const content = [message.card, message.amount, JSON.stringify(message.lines), message.at] as const
  const said = [terminal, seq, kind, sale, ...content, nowMs, message.prev, hash, jws, publicKey, day, today]
  const insert = asksToken(message)
    ? db.prepare(INSERT_WITH_TOKEN).bind(...said, token?.counter ?? null)
    : db.prepare(INSERT_MESSAGE).bind(...said)
  const shows = token !== undefined && kind !== 'reversal'
  const tokens = shows
    ? tokenStatements(db, { terminal, hash, message: { ...message, token }, next: nextToken }, nowMs)
    : []
  if (kind === 'reversal') {
    return [
      insert,
      db.prepare(insertReversal(NUMBERED)).bind(terminal, seq),
      db.prepare(INSERT_POSTINGS).bind(`${sale}:reversal`, today),
      ...settlingBack(db, sale, nowMs),
    ]
  }
  return [
    ...tokens,
    insert,
    db.prepare(insertPurchase(NUMBERED)).bind(terminal, seq, day),
    db.prepare(INSERT_POSTINGS).bind(sale, today),
    purchaseLetters(db, { terminal, seq, soldAtMs }, nowMs),
  ]
}

function settlingBack(db: D1Database, sale: string, nowMs: number): D1PreparedStatement[] {
  const today = copenhagenDay(nowMs)
  return [
    db.prepare(insertSettlingBack('?1', '?2', '?3')).bind(sale, nowMs, today),
    db.prepare(INSERT_SETTLING_BACK_POSTINGS).bind(sale, today),
  ]
}

/** A message that was put aside, under whose id staff's decision on it stands. */
export type AsideMessage = Pick<DebitMessage, 'kind' | 'sale' | 'card' | 'amount' | 'at'> & {
  subject: string
  lines: string
  hash: string
  jws: string
}

/**
 * The statements that book a message which had been put aside, under the branch of its terminal: as if it came now, but
 * for a request, to which nobody waits for the answer. Nothing is booked of a sale that is told otherwise, or already.
 */
export function bookAside(
  db: D1Database,
  { branch, terminal }: { branch: string; terminal: string },
  message: AsideMessage,
  nowMs: number,
): D1PreparedStatement[] {
  const { kind, sale, card, amount, lines, at, hash, jws, subject } = message
  const today = copenhagenDay(nowMs)
  const { day } = soldOn(message, nowMs)
  const said = [
    branch,
    null,
    kind,
    sale,
    card,
    amount,
    lines,
    at,
    nowMs,
    null,
    hash,
    jws,
    null,
    day,
    today,
    terminal,
    subject,
  ]
  const insert = db.prepare(INSERT_ASIDE).bind(...said)
  return kind === 'reversal'
    ? [
        insert,
        db.prepare(insertReversal(OF_SALE)).bind(branch, sale, null, kind),
        db.prepare(INSERT_POSTINGS).bind(`${sale}:reversal`, today),
        ...settlingBack(db, sale, nowMs),
      ]
    : [
        insert,
        db.prepare(insertPurchase(OF_SALE)).bind(branch, sale, day, kind),
        db.prepare(INSERT_POSTINGS).bind(sale, today),
      ]
}

type StoredAnswer = {
  seq: number
  sale: string
  hash: string
  outcome: DebitResult['outcome']
  reason: DebitResult['reason'] | null
  balance: number | null
  closed: string
  barred: 'terminal_revoked' | 'terminal_stopped' | null
  low: number | null
}

function resultOf({ sale, seq, outcome, reason, balance, ...row }: StoredAnswer, token?: CardToken): DebitResult {
  const told = { ...(reason !== null && { reason }), ...(balance !== null && { balance }), ...(token && { token }) }
  const closed = JSON.parse(row.closed) as number[]
  return { sale, seq, outcome, ...told, ...(closed.length > 0 && { closed }) }
}

/** Whether the messages of one call follow one another. That the first follows what is stored, the database decides. */
function brokenLink(messages: readonly SignedMessage[]): Booking | null {
  for (const [index, { message }] of messages.entries()) {
    const before = messages[index - 1]
    if (before && message.seq !== before.message.seq + 1) return { kind: 'seq_gap', expected: before.message.seq + 1 }
    if (before && message.prev !== before.hash) return { kind: 'conflict', seq: message.seq }
  }
  return null
}

/** Why the database refused a call, from what it holds; null where it holds no reason. */
async function refusalOf(db: D1Database, signer: Signer, messages: readonly SignedMessage[]): Promise<Booking | null> {
  const terminal = await db
    .prepare(
      `SELECT revoked_at IS NULL AND public_key = ?2 AS trusted, stopped_at IS NOT NULL AS stopped,
         1 + coalesce((SELECT max(seq) FROM message WHERE terminal = ?1), 0) AS expected
       FROM terminal WHERE id = ?1`,
    )
    .bind(signer.terminal, signer.publicKey)
    .first<{ trusted: 0 | 1; stopped: 0 | 1; expected: number }>()
  if (!terminal?.trusted) return { kind: 'terminal_revoked' }
  if (terminal.stopped) return { kind: 'terminal_stopped' }
  const first = messages[0]?.message
  if (first && first.seq > terminal.expected) return { kind: 'seq_gap', expected: terminal.expected }
  const rivals = await db.batch<{ seq: number }>(
    messages.map(({ message, hash }) =>
      db
        .prepare(
          `SELECT ?2 AS seq FROM message
           WHERE (terminal = ?1 AND seq = ?2 AND hash <> ?3)
              OR (terminal = ?1 AND seq = ?2 - 1 AND hash <> ?4)
              OR (sale = ?5 AND ((kind = ?6 AND (terminal <> ?1 OR seq <> ?2))
                                 OR terminal NOT IN (?1, ?1 || 'q') OR card <> ?7 OR amount <> ?8 OR lines <> ?9))
           LIMIT 1`,
        )
        .bind(
          signer.terminal,
          message.seq,
          hash,
          message.prev,
          message.sale,
          message.kind,
          message.card,
          message.amount,
          JSON.stringify(message.lines),
        ),
    ),
  )
  const clash = rivals.flatMap((answer) => answer.results)[0] ?? inCallRival(messages)
  return clash ? { kind: 'conflict', seq: clash.seq } : null
}

/** The second of two messages in one call that tell different stories of one sale. */
function inCallRival(messages: readonly SignedMessage[]): { seq: number } | undefined {
  const story = ({ message }: SignedMessage) => JSON.stringify([message.card, message.amount, message.lines])
  return messages.find((later, index) =>
    messages
      .slice(0, index)
      .some(
        (earlier) =>
          earlier.message.sale === later.message.sale &&
          (earlier.message.kind === later.message.kind || story(earlier) !== story(later)),
      ),
  )?.message
}

/** Records the message that contradicts, once however often and in whatever company it is sent again, and stops all. */
async function raiseAlarm(
  db: D1Database,
  { terminal, publicKey }: Signer,
  messages: readonly SignedMessage[],
  seq: number,
  nowMs: number,
) {
  const rival = messages.find(({ message }) => message.seq === seq)
  if (!rival) return
  await db.batch(stopped(db, { terminal, publicKey, kind: 'message_conflict', seq, hash: rival.hash }, nowMs))
}
