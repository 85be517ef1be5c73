/**
 * What is stored about money from outside and on its way there, for a guardian's file or a child's, and about the cards
 * that nobody but the club ordered: amounts in øre, instants ISO 8601. Names that only Stripe and we know of (its pages,
 * customers and stored cards) are left out.
 */
export type DisclosedMoney = {
  payments: Row[]
  refunds: Row[]
  disputes: Row[]
  agreements: Row[]
  payouts: Row[]
  cardOrders: Row[]
}

/** A row by the names of its columns. */
type Row = Record<string, string | number | null>

/** SQL: a guardian's orders, and those that nobody but the club made for their children. */
const ORDERED_FOR = `guardian = ?1 OR guardian IS NULL AND account IN (
  SELECT account.id FROM guardian
  JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
  JOIN account ON account.child = guardianship.child
  WHERE guardian.id = ?1)`

/* Columns that end in 'At' are instants; ?1 is the id of whose file it is. */
const queries = (owner: 'guardian' | 'account', ordered: string) =>
  ({
    payments: `
SELECT id, purpose, account, agreement, card_order AS cardOrder, amount AS amountOre, mail, terms AS termsVersion, status,
  method, created_at AS createdAt, settled_at AS settledAt
FROM payment WHERE ${owner} = ?1 ORDER BY created_at, id`,
    refunds: `
SELECT refund.id, refund.payment, refund.payout, refund.amount AS amountOre, refund.status,
  refund.created_at AS createdAt, refund.settled_at AS settledAt
FROM refund JOIN payment ON payment.id = refund.payment WHERE payment.${owner} = ?1 ORDER BY refund.created_at, refund.id`,
    disputes: `
SELECT dispute.id, dispute.payment, dispute.amount AS amountOre, dispute.status, dispute.created_at AS createdAt,
  withdrawn_at AS withdrawnAt, returned_at AS returnedAt
FROM dispute JOIN payment ON payment.id = dispute.payment WHERE payment.${owner} = ?1
ORDER BY dispute.created_at, dispute.id`,
    agreements: `
SELECT id, account, mail, amount AS amountOre, threshold AS thresholdOre, activation AS activationOre,
  per_day AS perDay, terms AS termsVersion, status, paused_for AS pausedFor, card_brand AS cardBrand, card_last4 AS cardLast4,
  card_expires AS cardExpires, created_at AS createdAt, in_force_at AS inForceAt, ended_at AS endedAt
FROM agreement WHERE ${owner} = ?1 ORDER BY created_at, id`,
    payouts: `
SELECT id, account, name, registration, bank_account AS bankAccount, message, mail, amount AS amountOre,
  bank_amount AS bankAmountOre, status, reason, created_at AS createdAt, requested_at AS requestedAt,
  approved_at AS approvedAt, settled_at AS settledAt
FROM payout WHERE ${owner} = ?1 ORDER BY created_at, id`,
    cardOrders: `
SELECT id, account, cause, lost_card AS lostCard, recipient, street, postal_code AS postalCode, city,
  (SELECT name FROM site WHERE site.id = club) AS club, mail, fee AS feeOre, paid_from AS paidFrom,
  terms AS termsVersion, status, number, printed_name AS printedName, card, created_at AS createdAt,
  ordered_at AS orderedAt, produced_at AS producedAt, sent_at AS sentAt, ended_at AS endedAt
FROM card_order WHERE ${ordered}
ORDER BY created_at, id`,
  }) satisfies Record<keyof DisclosedMoney, string>

const OF_GUARDIAN = queries('guardian', ORDERED_FOR)
const OF_ACCOUNT = queries('account', 'account = ?1')

/** What in the rows is the guardian's own: each has it in their own file, and in a child's the others could read it. */
const GUARDIANS_OWN = new Set([
  ...['mail', 'name', 'registration', 'bankAccount', 'message', 'recipient', 'street', 'postalCode', 'city'],
  ...['cardBrand', 'cardLast4', 'cardExpires'],
])

const PARTS = Object.keys(OF_GUARDIAN) as (keyof DisclosedMoney)[]

/** How many statements `moneyQueries` are. */
export const MONEY_QUERIES = PARTS.length

/**
 * The statements that read the money of a guardian, or of an account, for a batch; `disclosedMoney` takes their rows in
 * the same order.
 */
export function moneyQueries(db: D1Database, of: { guardian: number } | { account: number }): D1PreparedStatement[] {
  const [sql, id] = 'guardian' in of ? [OF_GUARDIAN, of.guardian] : [OF_ACCOUNT, of.account]
  return PARTS.map((part) => db.prepare(sql[part]).bind(id))
}

/** The money of an account without what is its guardians' own. */
export function accountMoney(found: readonly unknown[][]): DisclosedMoney {
  const money = disclosedMoney(found)
  const less = (row: Row) => Object.fromEntries(Object.entries(row).filter(([name]) => !GUARDIANS_OWN.has(name)))
  return Object.fromEntries(PARTS.map((part) => [part, money[part].map(less)])) as DisclosedMoney
}

export function disclosedMoney(found: readonly unknown[][]): DisclosedMoney {
  const parts = PARTS.map((part, index) => [part, ((found[index] ?? []) as Row[]).map(written)] as const)
  return Object.fromEntries(parts) as DisclosedMoney
}

function written(row: Row): Row {
  const instants = Object.entries(row).filter(([name, value]) => name.endsWith('At') && typeof value === 'number')
  return { ...row, ...Object.fromEntries(instants.map(([name, at]) => [name, new Date(Number(at)).toISOString()])) }
}
