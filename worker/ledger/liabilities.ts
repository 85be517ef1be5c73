import type { Liabilities } from '../../shared/office/reports.ts'

/**
 * The statement that reads what is owed and what is held, for a batch; `liabilitiesOf` makes them of its first row.
 * Balances are above zero where somebody is owed, below where money is held.
 */
export function liabilitiesQuery(db: D1Database): D1PreparedStatement {
  return db.prepare(`
    WITH balances AS (
      SELECT account.kind, coalesce(
        (SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0) AS balance
      FROM account
    )
    SELECT count(*) FILTER (WHERE kind = 'wallet') AS wallets,
      count(*) FILTER (WHERE kind = 'wallet' AND balance < 0) AS below,
      coalesce(max(balance) FILTER (WHERE kind = 'wallet'), 0) AS largest,
      coalesce(sum(max(balance, 0)) FILTER (WHERE kind = 'wallet'), 0) AS owedWallets,
      coalesce(sum(max(-balance, 0)) FILTER (WHERE kind = 'wallet'), 0) AS claimedWallets,
      ${['payouts_payable', 'suspense', 'bank', 'psp_clearing', 'revenue', 'card_fee_revenue', 'psp_fees']
        .map((kind) => `coalesce(sum(balance) FILTER (WHERE kind = '${kind}'), 0) AS ${kind}`)
        .join(', ')}
    FROM balances`)
}

export function liabilitiesOf(found: unknown): Liabilities {
  const row = found as Record<string, number>
  const of = (column: string) => row[column] ?? 0
  const [payouts, suspense] = [of('payouts_payable'), of('suspense')]
  const owed = { wallets: of('owedWallets'), payouts, suspense: Math.max(suspense, 0) }
  const claims = { wallets: of('claimedWallets'), suspense: Math.max(-suspense, 0) }
  const held = { bank: 0 - of('bank'), stripe: 0 - of('psp_clearing') }
  const own = { sales: of('revenue'), cardFees: of('card_fee_revenue'), stripeFees: of('psp_fees') }
  const [owedTotal, claimsTotal, heldTotal, ownTotal] = [owed, claims, held, own].map((parts) =>
    Object.values(parts).reduce((sum, part) => sum + part, 0),
  ) as [number, number, number, number]
  return {
    owed: { ...owed, total: owedTotal },
    claims: { ...claims, total: claimsTotal },
    held: { ...held, total: heldTotal },
    own: { ...own, total: ownTotal },
    difference: owedTotal - claimsTotal + ownTotal - heldTotal,
    covered: heldTotal >= owedTotal,
    missing: Math.max(owedTotal - heldTotal, 0),
    wallets: { count: of('wallets'), largest: of('largest'), below: of('below') },
  }
}

/** What is owed to whom, what is held for it, and what is the municipality's own. */
export async function liabilities(db: D1Database): Promise<Liabilities> {
  return liabilitiesOf(await liabilitiesQuery(db).first())
}
