import type { DebitResult } from '../../shared/debit.ts'
import type { SignedMessage } from '../ledger/debits.ts'

/**
 * Messages that are validly signed but not booked, because their terminal has been revoked or stopped, or the key
 * replaced: put aside as they came, for staff, so that no sale is lost with its terminal.
 */
export type Cause = 'revoked' | 'stopped' | 'key_replaced'

/** SQL: how what staff decide on a message of `quarantine` names it. */
export const SUBJECT = "'quarantine:' || quarantine.terminal || ':' || quarantine.seq || ':' || quarantine.hash"

/** SQL: staff have not decided on the message of `quarantine`. */
export const UNREVIEWED = `NOT EXISTS (SELECT 1 FROM review WHERE review.subject = ${SUBJECT})`

/*
 * Whoever holds a key that is void can sign what they like, so there is an end: as many messages as the terminal could
 * have been waiting to send, numbered as those would be.
 */
const UNSENT_MAX = `coalesce(
  (SELECT site.offline_unsent_count_max FROM site WHERE site.id = terminal.site),
  (SELECT offline_unsent_count_max FROM municipality))`

const INSERT = `
INSERT INTO quarantine (terminal, seq, hash, jws, cause, kind, sale, card, amount, lines, at, received_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 FROM terminal
WHERE terminal.id = ?1
  AND NOT EXISTS (SELECT 1 FROM message WHERE message.terminal = ?1 AND message.seq = ?2 AND message.hash = ?3)
  AND ?2 <= ${UNSENT_MAX} + coalesce((SELECT max(seq) FROM message WHERE message.terminal = ?1), 0)
  AND (SELECT count(*) FROM quarantine WHERE quarantine.terminal = ?1 AND ${UNREVIEWED}) < ${UNSENT_MAX}
ON CONFLICT DO NOTHING`

/** Of messages told again: what was answered where one is booked, or that it is put aside. */
const STATE = `
SELECT message.outcome, message.reason, message.balance FROM message
WHERE terminal = ?1 AND seq = ?2 AND hash = ?3
UNION ALL
SELECT 'declined', 'terminal_revoked', NULL FROM quarantine WHERE terminal = ?1 AND seq = ?2 AND hash = ?3
LIMIT 1`

type Answer = { outcome: DebitResult['outcome']; reason: DebitResult['reason'] | null; balance: number | null }

/**
 * Puts messages aside, once each, and answers for them: one that is booked already by what it was answered then, any
 * other as declined. Null where one of them does not fit any more; those before it are kept.
 */
export async function putAside(
  db: D1Database,
  terminal: string,
  messages: readonly SignedMessage[],
  cause: Cause,
  nowMs: number,
): Promise<DebitResult[] | null> {
  const inserts = messages.map(({ message, jws, hash }) => {
    const { kind, sale, card, amount, lines, at } = message
    const content = [kind, sale, card, amount, JSON.stringify(lines), at]
    return db.prepare(INSERT).bind(terminal, message.seq, hash, jws, cause, ...content, nowMs)
  })
  const states = messages.map(({ message, hash }) => db.prepare(STATE).bind(terminal, message.seq, hash))
  const answers = (await db.batch<Answer>([...inserts, ...states])).slice(inserts.length)
  const results = messages.flatMap(({ message: { sale, seq } }, index) => {
    const answer = answers[index]?.results[0]
    if (!answer) return []
    const { outcome, reason, balance } = answer
    return [{ sale, seq, outcome, ...(reason !== null && { reason }), ...(balance !== null && { balance }) }]
  })
  return results.length === messages.length ? results : null
}
