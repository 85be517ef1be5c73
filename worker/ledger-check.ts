/** One broken promise of the ledger: which invariant, and the first offender. */
export type Violation = { invariant: string; subject: string }

export type Check = { transfers: number; postings: number; messages: number; violations: Violation[] }

/** Each invariant of the ledger with the query that finds what breaks it. */
const OFFENDERS: Record<string, string> = {
  'the postings of each transfer are its two halves': `
    SELECT transfer.id AS subject FROM transfer
    LEFT JOIN posting ON posting.transfer = transfer.id
      AND posting.amount = iif(posting.account = transfer.debit_account, -transfer.amount, transfer.amount)
      AND posting.account IN (transfer.debit_account, transfer.credit_account)
    GROUP BY transfer.id HAVING count(posting.seq) <> 2 OR sum(posting.amount) <> 0`,
  'the book sums to 0': `
    SELECT 'off by ' || sum(amount) || ' øre' AS subject FROM posting HAVING sum(amount) <> 0`,
  "each balance is the sum of its account's postings": `
    SELECT account || '/' || seq AS subject FROM (
      SELECT account, seq, balance, sum(amount) OVER (PARTITION BY account ORDER BY seq) AS total FROM posting
    ) WHERE balance <> total`,
  'postings are numbered without gaps': `
    SELECT account AS subject FROM posting GROUP BY account HAVING min(seq) <> 1 OR max(seq) <> count(*)`,
  'a wallet is below its floor only through an advice': `
    SELECT posting.account || '/' || posting.seq AS subject FROM posting
    JOIN account ON account.id = posting.account
    JOIN transfer ON transfer.id = posting.transfer
    WHERE posting.amount < 0 AND posting.balance < account.floor AND NOT EXISTS (
      SELECT 1 FROM message WHERE message.sale = transfer.sale AND message.kind = 'advice'
        AND message.outcome = 'approved' AND message.received_at >= transfer.at)`,
  'an approved sale is charged': `
    SELECT message.sale AS subject FROM message
    LEFT JOIN transfer ON transfer.id = message.sale AND transfer.kind = 'purchase'
      AND transfer.amount = message.amount
    WHERE message.outcome = 'approved' AND transfer.id IS NULL`,
  'a charged sale was approved': `
    SELECT transfer.id AS subject FROM transfer
    WHERE transfer.kind = 'purchase' AND NOT EXISTS (
      SELECT 1 FROM message WHERE message.sale = transfer.id AND message.outcome = 'approved')`,
  'a reversed sale costs nothing': `
    SELECT message.sale AS subject FROM message
    JOIN transfer AS paid ON paid.id = message.sale
    LEFT JOIN transfer AS back ON back.id = message.sale || ':reversal' AND back.amount = paid.amount
      AND back.debit_account = paid.credit_account AND back.credit_account = paid.debit_account
    WHERE message.kind = 'reversal' AND back.id IS NULL`,
  'a reversal was asked for': `
    SELECT transfer.id AS subject FROM transfer
    WHERE transfer.kind = 'reversal' AND NOT EXISTS (
      SELECT 1 FROM message WHERE message.sale = transfer.sale AND message.kind = 'reversal')`,
  "a terminal's messages are numbered without gaps": `
    SELECT terminal AS subject FROM message GROUP BY terminal HAVING min(seq) <> 1 OR max(seq) <> count(*)`,
  'each message follows the one before': `
    SELECT message.terminal || '/' || message.seq AS subject FROM message
    LEFT JOIN message AS before ON before.terminal = message.terminal AND before.seq = message.seq - 1
    WHERE message.prev <> coalesce(before.hash, '')`,
}

/** Holds the whole book against every invariant, in one round trip; an empty list of violations is what it should be. */
export async function checkLedger(db: D1Database): Promise<Check> {
  const invariants = Object.entries(OFFENDERS)
  const [counts, ...found] = await db.batch<Record<string, number | string>>([
    db.prepare(
      `SELECT (SELECT count(*) FROM transfer) AS transfers, (SELECT count(*) FROM posting) AS postings,
         (SELECT count(*) FROM message) AS messages`,
    ),
    ...invariants.map(([, query]) => db.prepare(`${query} LIMIT 1`)),
  ])
  const count = counts?.results[0]
  return {
    transfers: Number(count?.transfers),
    postings: Number(count?.postings),
    messages: Number(count?.messages),
    violations: invariants.flatMap(([invariant], index) => {
      const offender = found[index]?.results[0]
      return offender ? [{ invariant, subject: String(offender.subject) }] : []
    }),
  }
}
