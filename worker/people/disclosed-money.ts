/**
 * What is stored about money from outside and on its way there, for a guardian's file or a child's: amounts in øre, instants ISO
 * 8601. Names that only Stripe and we know of (its pages, customers and stored cards) are left out.
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

/* Columns that end in 'At' are instants. */
const QUERIES = {
  payments: `
SELECT id, purpose, account, agreement, card_order AS cardOrder, amount AS amountOre, mail, terms AS termsVersion, status,
  method, created_at AS createdAt, settled_at AS settledAt
FROM payment WHERE guardian = ? ORDER BY created_at, id`,
  refunds: `
SELECT refund.id, refund.payment, refund.payout, refund.amount AS amountOre, refund.status,
  refund.created_at AS createdAt, refund.settled_at AS settledAt
FROM refund JOIN payment ON payment.id = refund.payment WHERE payment.guardian = ? ORDER BY refund.created_at, refund.id`,
  disputes: `
SELECT dispute.id, dispute.payment, dispute.amount AS amountOre, dispute.status, dispute.created_at AS createdAt,
  withdrawn_at AS withdrawnAt, returned_at AS returnedAt
FROM dispute JOIN payment ON payment.id = dispute.payment WHERE payment.guardian = ?
ORDER BY dispute.created_at, dispute.id`,
  agreements: `
SELECT id, account, mail, amount AS amountOre, threshold AS thresholdOre, activation AS activationOre,
  per_day AS perDay, terms AS termsVersion, status, paused_for AS pausedFor, card_brand AS cardBrand, card_last4 AS cardLast4,
  card_expires AS cardExpires, created_at AS createdAt, in_force_at AS inForceAt, ended_at AS endedAt
FROM agreement WHERE guardian = ? ORDER BY created_at, id`,
  payouts: `
SELECT id, account, name, registration, bank_account AS bankAccount, message, mail, amount AS amountOre,
  bank_amount AS bankAmountOre, status, reason, created_at AS createdAt, requested_at AS requestedAt,
  approved_at AS approvedAt, settled_at AS settledAt
FROM payout WHERE guardian = ? ORDER BY created_at, id`,
  cardOrders: `
SELECT id, account, lost_card AS lostCard, recipient, street, postal_code AS postalCode, city, mail, fee AS feeOre,
  paid_from AS paidFrom, terms AS termsVersion, status, card, created_at AS createdAt, ordered_at AS orderedAt,
  sent_at AS sentAt, ended_at AS endedAt
FROM card_order WHERE guardian = ? ORDER BY created_at, id`,
} satisfies Record<keyof DisclosedMoney, string>

/** What in the rows is the guardian's own: each has it in their own file, and in a child's the others could read it. */
const GUARDIANS_OWN = new Set([
  ...['mail', 'name', 'registration', 'bankAccount', 'message', 'recipient', 'street', 'postalCode', 'city'],
  ...['cardBrand', 'cardLast4', 'cardExpires'],
])

const PARTS = Object.keys(QUERIES) as (keyof DisclosedMoney)[]

/** How many statements `moneyQueries` are. */
export const MONEY_QUERIES = PARTS.length

/**
 * The statements that read the money of a guardian, or of an account, for a batch; `disclosedMoney` takes their rows in
 * the same order.
 */
export function moneyQueries(db: D1Database, of: { guardian: number } | { account: number }): D1PreparedStatement[] {
  const [sql, id] = 'guardian' in of ? [(query: string) => query, of.guardian] : [byAccount, of.account]
  return PARTS.map((part) => db.prepare(sql(QUERIES[part])).bind(id))
}

const byAccount = (query: string) => query.replace(/WHERE (payment\.)?guardian = /, 'WHERE $1account = ')

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
