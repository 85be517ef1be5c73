import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { Language } from '../../shared/wire.ts'
import { maySteer } from '../people/guardianships.ts'
import { letterOf, type MoneyNews, type News } from './letters.ts'
import { type Sending, send } from './mail.ts'

/**
 * Mail to guardians. What causes a letter writes it down in its own batch, so that neither is there without the other;
 * `deliver` sends what is due and still wanted. A letter is claimed before it is sent, so that it is sent once. Only a
 * worker that dies between the mail service's yes and the next statement leaves that open, and then the letter goes
 * again, under the same reference.
 */

/** A child's first name, all that a letter tells of it. */
export const FIRST_NAME = "substr(child.name, 1, instr(child.name || ' ', ' ') - 1)"

/*
 * The joins are CROSS so that SQLite keeps their order: for a child whose guardians want no mail it is over after a few
 * rows found by key. A balance is told when it crosses a guardian's threshold, so once for each time that it falls.
 */
const INSERT_PURCHASE_LETTERS = `
INSERT INTO outbox (guardian, kind, cause, recipient, child, data, created_at, due_at)
SELECT guardian.id, wish.value, 'sale:' || message.sale, guardian.mail, child.id,
  CASE wish.value
    WHEN 'purchase' THEN json_object(
      'child', ${FIRST_NAME},
      'site', (SELECT site.name FROM terminal JOIN site ON site.id = terminal.site WHERE terminal.id = message.terminal),
      'at', CAST(?3 AS INTEGER), 'amount', message.amount, 'balance', posting.balance,
      'lines', (SELECT json_group_array(json_object('name', product.name, 'quantity', line.value ->> 'quantity',
                                                    'price', line.value ->> 'price'))
                FROM json_each(message.lines) AS line
                LEFT JOIN product ON product.id = line.value ->> 'product'))
    ELSE json_object('child', ${FIRST_NAME}, 'balance', posting.balance, 'below', guardian.tell_below)
  END,
  ?4, ?4
FROM message
CROSS JOIN account ON account.id = message.account
CROSS JOIN guardianship ON guardianship.child = account.child AND guardianship.ended_at IS NULL
CROSS JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash AND guardian.mail IS NOT NULL
CROSS JOIN child ON child.id = account.child
CROSS JOIN posting ON posting.transfer = message.sale AND posting.account = message.account
CROSS JOIN json_each('["purchase","low_balance"]') AS wish ON iif(wish.value = 'purchase', guardian.tell_purchases,
  guardian.tell_below > posting.balance AND guardian.tell_below <= posting.balance - posting.amount)
WHERE message.terminal = ?1 AND message.seq = ?2 AND changes() > 0
ON CONFLICT DO NOTHING`

/**
 * The statement that tells a child's guardians of a purchase and of a balance that has become low, for the batch that
 * books it: right after the statement that inserts its postings, so that what has been told already is not told again.
 */
export function purchaseLetters(
  db: D1Database,
  message: { terminal: string; seq: number; soldAtMs: number },
  nowMs: number,
): D1PreparedStatement {
  return db.prepare(INSERT_PURCHASE_LETTERS).bind(message.terminal, message.seq, message.soldAtMs, nowMs)
}

/**
 * The statement that tells the guardian of a support case, where there is a mail address, that staff have answered. For
 * the batch of the answer, right after the statement that stores it: nothing is told where that changed no row.
 */
export function answeredLetter(db: D1Database, caseId: string, messageId: string, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
       SELECT guardian.id, 'case_answered', 'message:' || ?2, guardian.mail, '{}', ?3, ?3
       FROM support_case JOIN guardian ON guardian.id = support_case.guardian
       WHERE support_case.id = ?1 AND guardian.mail IS NOT NULL AND changes() > 0
       ON CONFLICT DO NOTHING`,
    )
    .bind(caseId, messageId, nowMs)
}

/**
 * How many left addresses a guardian can have told in one Copenhagen day. Anybody's address can be typed, so without an
 * end to it the portal would mail strangers as often as somebody likes.
 */
const CHANGES_TOLD_MAX = 3

/**
 * The statement that tells a guardian's mail address that another one, or null for none, takes its place. For the batch
 * of the change, before the statement that makes it; nothing is told where there was no address or it stays, nor to an
 * address that heard of a change the same day.
 */
export function mailChangedLetter(
  db: D1Database,
  guardian: number,
  mail: string | null,
  nowMs: number,
): D1PreparedStatement {
  return db
    .prepare(
      `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
       SELECT id, 'mail_changed', ?4, mail, '{}', ?3, ?3
       FROM guardian
       WHERE id = ?1 AND mail IS NOT NULL AND mail IS NOT ?2
         AND (SELECT count(*) FROM outbox
              WHERE outbox.guardian = guardian.id AND kind = 'mail_changed' AND cause = ?4) < ${CHANGES_TOLD_MAX}
         AND NOT EXISTS (SELECT 1 FROM outbox
                         WHERE outbox.guardian IN (SELECT id FROM guardian) -- All of them, said so that the index serves.
                           AND kind = 'mail_changed' AND cause = ?4 AND recipient = guardian.mail)
       ON CONFLICT DO NOTHING`,
    )
    .bind(guardian, mail, nowMs, `change:${copenhagenDay(nowMs)}`)
}

/**
 * Whom news of money is for: a guardian, or null for all of the child's. `recipient` is an address, or null for the
 * guardian's own, or where they last paid from.
 */
export type Addressee = { guardian: number | null; recipient: string | null; account: number; cause: string }

/**
 * SQL: where a guardian hears of their money on an account: at the address `given`, or at their own, or where they last
 * paid from, for somebody who wants no other mail has mostly given an address for a receipt. Null where none is known.
 */
export const reachedAt = (given: string, guardian: string, account: string) => `
coalesce(${given}, (SELECT own.mail FROM guardian AS own WHERE own.id = ${guardian}), (
  SELECT payment.mail FROM payment WHERE payment.account = ${account} AND payment.guardian = ${guardian}
  ORDER BY payment.created_at DESC LIMIT 1))`

/** The statement that reads where a guardian would hear of their money on an account, as `mail`; null for nowhere. */
export function reachQuery(db: D1Database, guardian: number, account: number): D1PreparedStatement {
  return db.prepare(`SELECT ${reachedAt('NULL', '?1', '?2')} AS mail`).bind(guardian, account)
}

const REACHED = reachedAt('?3', 'addressee.id', 'account.id')

/** SQL: the guardians of the child of account ?6. */
const GUARDIANS_OF = `
SELECT guardian.id FROM account AS wallet
JOIN guardianship ON guardianship.child = wallet.child AND guardianship.ended_at IS NULL
JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash
WHERE wallet.id = ?6`

/**
 * The statement that tells a guardian what has become of money, once for each cause: the child's first name is put in,
 * and the balance as it is then, if the child is still the guardian's. For the batch of what it tells, after it; the condition's parameters begin at
 * ?10. Nothing is told where it does not hold, or where there is no address.
 */
export function moneyLetter<K extends MoneyNews['kind']>(
  db: D1Database,
  kind: K,
  data: Omit<Extract<MoneyNews, { kind: K }>['data'], 'account' | 'child' | 'balance'>,
  { guardian, recipient, account, cause }: Addressee,
  nowMs: number,
  condition: { sql: string; bind: readonly (string | number | null)[] },
): D1PreparedStatement {
  const told = [kind, cause, recipient, JSON.stringify(data), guardian, account, nowMs]
  return db
    .prepare(
      `INSERT INTO outbox (guardian, kind, cause, recipient, child, data, created_at, due_at)
       SELECT addressee.id, ?1, ?2, ${REACHED}, child.id,
         json_set(?4, '$.account', account.id, '$.child', ${FIRST_NAME}, '$.balance', iif(
           ${maySteer('account.id', 'addressee.id')},
           coalesce((SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0),
           NULL)),
         ?7, ?7
       FROM guardian AS addressee JOIN account ON account.id = ?6 JOIN child ON child.id = account.child
       WHERE addressee.id IN (SELECT ?5 WHERE ?5 IS NOT NULL UNION ALL ${GUARDIANS_OF} AND ?5 IS NULL)
         AND ${REACHED} IS NOT NULL
         AND (${condition.sql})
       ON CONFLICT DO NOTHING`,
    )
    .bind(...told, ...(condition.bind.length ? [null, null, ...condition.bind] : []))
}

type ToGuardians = { kind: News['kind']; cause: string; data: string; of: string; where: string; now: string }

/**
 * SQL: news for all the guardians of a child, where they are reached. `of` brings `account` and `child`, and `data` is
 * what is told besides whose it is; all of it is SQL.
 */
const toGuardians = ({ kind, cause, data, of, where, now }: ToGuardians) => `
INSERT INTO outbox (guardian, kind, cause, recipient, child, data, created_at, due_at)
SELECT guardian.id, '${kind}', ${cause}, ${reachedAt('NULL', 'guardian.id', 'account.id')}, child.id,
  json_object('account', account.id, 'child', ${FIRST_NAME}, ${data}), ${now}, ${now}
FROM ${of}
JOIN guardianship ON guardianship.child = child.id AND guardianship.ended_at IS NULL
JOIN guardian ON guardian.cpr_hash = guardianship.cpr_hash
WHERE ${where} AND ${reachedAt('NULL', 'guardian.id', 'account.id')} IS NOT NULL
ON CONFLICT DO NOTHING`

const BALANCE = `'balance', coalesce(
  (SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0)`

/**
 * The statement that tells a child's guardians that its card was copied and has been blocked, for the batch that blocks
 * it: right after what is inserted there, and nothing is told where that was nothing.
 */
export function clonedLetters(
  db: D1Database,
  { card, terminal, seq }: { card: string; terminal: string; seq: number },
  nowMs: number,
): D1PreparedStatement {
  const sql = toGuardians({
    ...{ kind: 'card_cloned', cause: '?2', data: "'card', card.id", now: '?3' },
    of: 'card JOIN account ON account.id = card.account JOIN child ON child.id = account.child',
    where: 'card.hash = ?1 AND changes() > 0',
  })
  return db.prepare(sql).bind(card, `message:${terminal}:${seq}`, nowMs)
}

/** The statement that tells the guardians of every child that leaves at this instant. */
export function leaversLetters(db: D1Database, nowMs: number): D1PreparedStatement {
  const sql = toGuardians({
    ...{ kind: 'child_left', cause: "'left:' || child.id || ':' || ?1", data: BALANCE, now: '?1' },
    of: 'child JOIN account ON account.child = child.id',
    where: 'child.left_at = ?1',
  })
  return db.prepare(sql).bind(nowMs)
}

/** The statement that tells the guardians of each order which ends at this instant that it has `expired`, which is SQL. */
export function expiredLetters(db: D1Database, expired: string, nowMs: number): D1PreparedStatement {
  const sql = toGuardians({
    ...{ kind: 'card_order_cancelled', cause: "'order:' || card_order.id || ':cancelled'", now: '?1' },
    data: `'amount', 0, 'expired', json('true'), ${BALANCE}`,
    of: 'card_order JOIN account ON account.id = card_order.account JOIN child ON child.id = account.child',
    where: `card_order.ended_at = ?1 AND ${expired}`,
  })
  return db.prepare(sql).bind(nowMs)
}

const MINUTE_MS = 60_000
/** How long after each failed attempt the next one is made; after the last of them no more. */
const PAUSES_MS = [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 120 * MINUTE_MS, 720 * MINUTE_MS]
export const ATTEMPTS_MAX = PAUSES_MS.length + 1
/** How long a claimed letter is left alone. A cron's run is ended after as long, so none outlives its claims. */
const CLAIM_MS = 15 * MINUTE_MS
/** How many letters one run sends for one municipality. */
const RUN_MAX = 50

/** What one run did: letters sent, failed and to be tried again, and given up. */
export type Delivered = { sent: number; failed: number; givenUp: number }

type Due = { id: number; name: string; mailFrom: string; supportMail: string | null }

type Claimed = {
  id: number
  kind: News['kind']
  recipient: string
  data: string
  attempts: number
  language: Language
}

const IS_DUE = `sent_at IS NULL AND given_up_at IS NULL AND due_at <= ?1 AND attempts < ${ATTEMPTS_MAX}`

/* Every guardian's first letter, then every guardian's second: who has many of them keeps nobody else waiting. */
const FIND_DUE = `
SELECT outbox.id, municipality.name, mail_from AS mailFrom, support_mail AS supportMail
FROM municipality CROSS JOIN outbox
WHERE mail_from IS NOT NULL AND ${IS_DUE}
ORDER BY row_number() OVER (PARTITION BY guardian ORDER BY due_at, outbox.id), due_at, outbox.id
LIMIT ${RUN_MAX}`

/*
 * Whether a letter may still go out. The one about a changed address is for the address that was left, and receipts and
 * news of their own money go where they were asked for; any other is for the guardian's own address, the wish that
 * caused it, and children that are all still theirs.
 */
const IS_WANTED = `
kind IN ('mail_changed', 'deposited', 'topped_up', 'top_up_paused', 'card_expiring', 'payout_returned', 'refund_failed',
  'card_sent', 'card_order_cancelled')
OR kind IN ('child_left', 'card_cloned', 'card_approval') AND child IN (
  SELECT guardianship.child FROM guardian JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash
  WHERE guardian.id = outbox.guardian AND guardianship.ended_at IS NULL)
  AND (kind <> 'card_approval' OR EXISTS ( -- What has been decided needs nobody's approval any more.
    SELECT 1 FROM card_order WHERE card_order.id = substr(outbox.cause, length('order:') + 1, 36)
      AND card_order.status = 'awaiting_approval'))
OR kind NOT IN ('child_left', 'card_cloned', 'card_approval') AND EXISTS (
  SELECT 1 FROM guardian
  WHERE guardian.id = outbox.guardian AND guardian.mail = outbox.recipient
    AND CASE outbox.kind
      WHEN 'purchase' THEN tell_purchases
      WHEN 'low_balance' THEN tell_below IS NOT NULL
      WHEN 'weekly' THEN tell_weekly
      WHEN 'case_answered' THEN 1
    END
    AND NOT EXISTS (SELECT 1 FROM transfer -- A sale that has been undone is no news.
                    WHERE transfer.id = replace(outbox.cause, 'sale:', '') || ':reversal')
    AND NOT EXISTS (
      SELECT 1 FROM (SELECT outbox.child AS id WHERE outbox.child IS NOT NULL
                     UNION ALL SELECT value ->> 'id' FROM json_each(outbox.data, '$.children')) AS told
      WHERE told.id NOT IN (SELECT child FROM guardianship
                            WHERE cpr_hash = guardian.cpr_hash AND ended_at IS NULL)))`

const WITHDRAW = `
UPDATE outbox SET given_up_at = ?1, error = 'withdrawn' WHERE id = ?2 AND ${IS_DUE} AND NOT (${IS_WANTED})`

const CLAIM = `
UPDATE outbox SET attempts = attempts + 1, due_at = ?1 + ${CLAIM_MS} WHERE id = ?2 AND ${IS_DUE}
RETURNING id, kind, recipient, data, attempts,
  (SELECT language FROM guardian WHERE guardian.id = outbox.guardian) AS language`

/**
 * Sends what is due of one municipality, one letter after the other; `portal` is its portal's address. Letters wait, and
 * no attempt is used, while the municipality has no address to send from or the service takes no mail of its. A letter
 * whose guardian has lost the right to it since, or the wish for it, or whose sale has been undone, is withdrawn and not
 * counted.
 */
export async function deliver(
  db: D1Database,
  service: SendEmail,
  { municipality, portal }: { municipality: number; portal: string },
  nowMs: number,
): Promise<Delivered> {
  const delivered: Delivered = { sent: 0, failed: 0, givenUp: 0 }
  const due = await db.prepare(FIND_DUE).bind(nowMs).all<Due>()
  for (const { id, name, mailFrom, supportMail } of due.results) {
    const answers = await db.batch<Claimed>([WITHDRAW, CLAIM].map((sql) => db.prepare(sql).bind(nowMs, id)))
    const claimed = answers[1]?.results[0]
    if (!claimed) continue // It was withdrawn, or another run has it.
    const { kind, recipient, data, language } = claimed
    const letter = letterOf({ kind, data: JSON.parse(data) } as News, language, { name, portal })
    const sending = await send(service, {
      ...letter,
      from: { name, email: mailFrom },
      replyTo: supportMail,
      to: recipient,
      language,
      reference: `${municipality}-${id}`,
    })
    delivered[tallyOf(sending, claimed.attempts)] += 1
    await recorded(db, claimed, sending, nowMs).run()
    if (sending.kind === 'unavailable') break
  }
  return delivered
}

function tallyOf(sending: Sending, attempts: number): keyof Delivered {
  switch (sending.kind) {
    case 'sent':
      return 'sent'
    case 'refused':
      return attempts < ATTEMPTS_MAX ? 'failed' : 'givenUp'
    case 'unavailable':
      return 'failed'
  }
}

/** The statement that stores what became of a claimed letter, and when it may be tried again. */
function recorded(db: D1Database, { id, attempts }: Claimed, sending: Sending, nowMs: number): D1PreparedStatement {
  switch (sending.kind) {
    case 'sent':
      return db.prepare('UPDATE outbox SET sent_at = ?2, error = NULL WHERE id = ?1').bind(id, nowMs)
    case 'refused': {
      const pauseMs = PAUSES_MS[attempts - 1]
      return pauseMs === undefined
        ? db.prepare('UPDATE outbox SET given_up_at = ?2, error = ?3 WHERE id = ?1').bind(id, nowMs, sending.code)
        : db.prepare('UPDATE outbox SET due_at = ?2, error = ?3 WHERE id = ?1').bind(id, nowMs + pauseMs, sending.code)
    }
    case 'unavailable':
      return db.prepare('UPDATE outbox SET attempts = attempts - 1, error = ?2 WHERE id = ?1').bind(id, sending.code)
  }
}
