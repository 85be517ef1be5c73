import { refundedOf } from './transfers.ts'

/** One broken promise of the ledger: which invariant, and the first offender. */
export type Violation = { invariant: string; subject: string }

export type Check = { transfers: number; postings: number; messages: number; violations: Violation[] }

/** What the revenue has had of each order's fee, and what has left it again. */
const FEES = `
    SELECT part.card_order AS subject FROM (
      SELECT card_order.id AS card_order, way.value || card_order.id AS transfer
      FROM card_order JOIN json_each('["card_fee:","card_fee_return:"]') AS way
      UNION ALL SELECT card_order.id, late.id FROM card_order
      JOIN transfer AS late ON late.id BETWEEN 'card_fee_return:' || card_order.id || ':'
        AND 'card_fee_return:' || card_order.id || ':~'
      UNION ALL SELECT payment.card_order, way.value || payment.intent
      FROM payment JOIN json_each('["card_fee:","card_fee_return:"]') AS way WHERE purpose = 'card_fee'
      UNION ALL SELECT payment.card_order, way.value || refund.id FROM payment
      JOIN refund ON refund.payment = payment.id JOIN json_each('["refund:","refund_return:"]') AS way
      WHERE purpose = 'card_fee'
      UNION ALL SELECT payment.card_order, way.value || dispute.id FROM payment
      JOIN dispute ON dispute.payment = payment.id JOIN json_each('["dispute:","dispute_return:"]') AS way
      WHERE purpose = 'card_fee'
    ) AS part
    JOIN posting ON posting.transfer = part.transfer
    JOIN account ON account.id = posting.account AND account.kind = 'card_fee_revenue'`

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
        AND message.outcome = 'approved' AND message.received_at >= transfer.at)
      AND transfer.id NOT GLOB 'review:*:reversal' -- A sale is undone that the club had carried.`,
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
    LEFT JOIN transfer AS back ON back.id = message.sale || ':reversal'
      AND back.debit_account = paid.credit_account AND back.credit_account = paid.debit_account
    WHERE message.kind = 'reversal' AND coalesce(back.amount, 0) <> paid.amount - ${refundedOf('message.sale')}`,
  'what staff give back of a sale, and what is undone of it, is never more than it cost': `
    SELECT given.sale AS subject FROM transfer AS given
    LEFT JOIN transfer AS paid ON paid.id = given.sale AND paid.kind = 'purchase'
      AND paid.credit_account = given.debit_account
    LEFT JOIN transfer AS back ON back.id = given.sale || ':reversal'
    WHERE given.kind = 'sale_refund' GROUP BY given.sale
    HAVING coalesce(max(paid.amount), 0) < sum(given.amount) + coalesce(max(back.amount), 0)`,
  'a sale that the club carries is refunded to nobody': `
    SELECT given.sale AS subject FROM transfer AS given
    JOIN message AS advice ON advice.sale = given.sale AND advice.kind = 'advice' AND advice.outcome = 'approved'
      AND advice.reason IS NOT NULL
    LEFT JOIN review ON review.subject = advice.terminal || ':' || advice.seq
    WHERE given.kind = 'sale_refund' AND (review.id IS NULL OR review.decision NOT IN ('keep', 'charge'))`,
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
  'a paid payment is credited exactly once': `
    SELECT payment.id AS subject FROM payment
    LEFT JOIN transfer ON transfer.id = payment.purpose || ':' || payment.intent AND transfer.amount = payment.amount
    WHERE payment.status = 'paid' GROUP BY payment.id HAVING count(transfer.id) <> 1`,
  'what is credited from outside was paid': `
    SELECT transfer.id AS subject FROM transfer
    JOIN account ON account.id = transfer.debit_account AND account.kind = 'psp_clearing'
    JOIN account AS credited ON credited.id = transfer.credit_account AND credited.kind <> 'suspense'
    LEFT JOIN payment ON transfer.id = payment.purpose || ':' || payment.intent AND payment.status = 'paid'
    WHERE transfer.kind IN ('deposit', 'top_up', 'card_fee') AND payment.id IS NULL`,
  'what is owed as payouts is under way': `
    SELECT 'off by ' || (held - asked) || ' øre' AS subject FROM (
      SELECT coalesce((SELECT sum(posting.amount) FROM posting JOIN account ON account.id = posting.account
                       WHERE account.kind = 'payouts_payable'), 0) AS held,
        coalesce((SELECT sum(bank_amount) FROM payout
                  WHERE status IN ('requested', 'approved', 'exported')), 0) AS asked)
    WHERE held <> asked`,
  'a payout has moved what it says': `
    SELECT payout.id AS subject FROM payout
    LEFT JOIN transfer AS out ON out.id = 'payout:' || payout.id AND out.amount = payout.bank_amount
      AND out.debit_account = payout.account
    LEFT JOIN transfer AS back ON back.id = 'payout_return:' || payout.id
    LEFT JOIN transfer AS paid ON paid.id = 'payout_paid:' || payout.id
    WHERE CASE
      WHEN payout.status = 'draft' OR payout.bank_amount = 0 THEN coalesce(out.id, back.id, paid.id) IS NOT NULL
      WHEN payout.status = 'rejected' THEN out.id IS NULL OR back.id IS NULL
      WHEN payout.status = 'paid' THEN out.id IS NULL OR back.id IS NOT NULL OR paid.id IS NULL
      ELSE out.id IS NULL OR back.id IS NOT NULL OR paid.id IS NOT NULL END`,
  "a bank file's sum is that of its payouts": `
    SELECT bank_file.id AS subject FROM bank_file LEFT JOIN payout ON payout.bank_file = bank_file.id
    GROUP BY bank_file.id HAVING count(payout.id) <> bank_file.count OR sum(payout.bank_amount) <> bank_file.sum`,
  'a refund has moved what it says': `
    SELECT refund.id AS subject FROM refund
    LEFT JOIN transfer AS out ON out.id IN ('refund:' || refund.id, 'refund:' || refund.id || ':short')
    LEFT JOIN transfer AS back ON back.id = 'refund_return:' || substr(out.id, length('refund:') + 1)
      AND back.amount = out.amount
    GROUP BY refund.id HAVING coalesce(sum(out.amount), 0) <> iif(refund.status = 'draft', 0, refund.amount)
      OR count(back.id) <> iif(refund.status = 'failed', count(out.id), 0)`,
  'a card fee is given back once': `${FEES} GROUP BY part.card_order HAVING sum(posting.amount) < 0`,
  'a cancelled order keeps no fee': `
    ${FEES} JOIN card_order ON card_order.id = part.card_order AND card_order.status = 'cancelled'
    GROUP BY part.card_order HAVING sum(posting.amount) > 0`,
  'what staff have settled has moved once': `
    SELECT review.subject FROM review
    LEFT JOIN transfer ON transfer.id = 'review:' || review.subject
    WHERE review.alarm IS NULL AND (transfer.id IS NOT NULL) <> (review.decision IN ('carry', 'charge'))
    UNION ALL
    SELECT transfer.id FROM transfer LEFT JOIN review ON transfer.id IN (
      'review:' || review.subject, 'review:' || review.subject || ':reversal')
    WHERE transfer.id GLOB 'review:*' AND review.id IS NULL`,
  'a card that was ordered is paid for': `
    SELECT card_order.id AS subject FROM card_order
    LEFT JOIN transfer ON transfer.id = 'card_fee:' || card_order.id
    LEFT JOIN payment ON payment.card_order = card_order.id AND payment.status = 'paid'
    WHERE card_order.status IN ('ordered', 'produced', 'sent', 'handed_out') AND card_order.fee > 0
      AND iif(card_order.paid_from = 'account', transfer.id, payment.id) IS NULL`,
  'a card that nobody has approved costs nothing': `
    SELECT card_order.id AS subject FROM card_order JOIN transfer ON transfer.id = 'card_fee:' || card_order.id
    WHERE card_order.ordered_at IS NULL`,
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
