import { letterOf, type News } from './letters.ts'
import { type Sending, send } from './mail.ts'
import type { Language } from './portal/texts/language.ts'

/**
 * Mail to guardians. What causes a letter writes it down in its own batch, so that neither is there without the other;
 * `deliver` sends what is due. A letter is sent once: its row is claimed by the statement that finds it. Only a worker
 * that dies between the mail service's yes and the next statement leaves that open, and then the letter goes again,
 * under the same reference.
 */

/** A child's first name, all that a letter tells of it. */
export const FIRST_NAME = "substr(child.name, 1, instr(child.name || ' ', ' ') - 1)"

/*
 * The joins are CROSS so that SQLite keeps their order: for a child whose guardians want no mail it is over after a few
 * rows found by key. A balance is told when it crosses a guardian's threshold, so once for each time that it falls.
 */
const INSERT_PURCHASE_LETTERS = `
INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at)
SELECT guardian.id, wish.value, 'sale:' || message.sale, guardian.mail,
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
 * The statement that tells a guardian's mail address that another one, or null for none, takes its place. For the batch
 * of the change, before the statement that makes it; nothing is told where there was no address or it stays.
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
       FROM guardian WHERE id = ?1 AND mail IS NOT NULL AND mail IS NOT ?2
       ON CONFLICT DO NOTHING`,
    )
    .bind(guardian, mail, nowMs, `change:${nowMs}`)
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

type Claimed = {
  id: number
  kind: News['kind']
  recipient: string
  data: string
  attempts: number
  language: Language
  name: string
  mailFrom: string
  supportMail: string | null
}

const CLAIM = `
UPDATE outbox SET attempts = attempts + 1, due_at = ?1 + ${CLAIM_MS}
WHERE id = (SELECT id FROM outbox
            WHERE sent_at IS NULL AND given_up_at IS NULL AND due_at <= ?1 AND attempts < ${ATTEMPTS_MAX}
            ORDER BY due_at, id LIMIT 1)
  AND EXISTS (SELECT 1 FROM municipality WHERE mail_from IS NOT NULL)
RETURNING id, kind, recipient, data, attempts,
  (SELECT language FROM guardian WHERE guardian.id = outbox.guardian) AS language,
  (SELECT name FROM municipality) AS name,
  (SELECT mail_from FROM municipality) AS mailFrom,
  (SELECT support_mail FROM municipality) AS supportMail`

/**
 * Sends what is due of one municipality, one letter after the other; `portal` is its portal's address. Letters wait, and
 * no attempt is used, while the municipality has no address to send from or the service takes no mail of its.
 */
export async function deliver(
  db: D1Database,
  service: SendEmail,
  { municipality, portal }: { municipality: number; portal: string },
  nowMs: number,
): Promise<Delivered> {
  const delivered: Delivered = { sent: 0, failed: 0, givenUp: 0 }
  const claim = db.prepare(CLAIM).bind(nowMs)
  let row = (await claim.all<Claimed>()).results[0]
  for (let tried = 1; row; tried++) {
    const { kind, recipient, data, language, name, mailFrom, supportMail } = row
    const letter = letterOf({ kind, data: JSON.parse(data) } as News, language, { name, portal })
    const sending = await send(service, {
      ...letter,
      from: { name, email: mailFrom },
      replyTo: supportMail,
      to: recipient,
      language,
      reference: `${municipality}-${row.id}`,
    })
    delivered[tallyOf(sending, row.attempts)] += 1
    const goesOn = tried < RUN_MAX && sending.kind !== 'unavailable'
    const answers = await db.batch<Claimed>([recorded(db, row, sending, nowMs), ...(goesOn ? [claim] : [])])
    row = goesOn ? answers[1]?.results[0] : undefined
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
