import type { AccountKind } from '../../shared/office/reports.ts'

/** What the book's accounts are to those who do not keep it. */
export const ACCOUNT_WORDS: Readonly<Record<AccountKind, string>> = {
  wallet: "children's accounts",
  revenue: 'sales',
  psp_clearing: 'Stripe',
  psp_fees: 'fees of Stripe',
  payouts_payable: 'payouts under way',
  card_fee_revenue: 'fees for new cards',
  bank: 'bank',
  suspense: 'to be sorted out',
}

/** What else reports name: movements, parts of sums, reasons. One of a newer worker keeps its name. */
const WORDS: Readonly<Record<string, string>> = {
  purchase: 'purchases',
  reversal: 'undone purchases',
  sale_refund: 'purchases refunded by staff',
  deposit: 'deposits',
  top_up: 'automatic top-ups',
  correction: 'corrections',
  card_fee: 'new cards',
  card_fee_return: 'new cards, fee returned',
  payout: 'payouts',
  payouts: 'payouts under way',
  payout_return: 'payouts, returned',
  payout_paid: 'payouts that the bank paid',
  refund: 'refunds to the card',
  refund_return: 'refunds, returned',
  dispute: 'disputed deposits',
  dispute_return: 'disputes, won',
  psp_fee: "Stripe's fees",
  settlement: 'from Stripe to the bank',
  card_unknown: 'unknown card',
  card_blocked: 'blocked card',
  category_closed: 'category closed by the parents',
  insufficient_funds: 'too little on the account',
  daily_limit: 'daily limit reached',
  terminal_revoked: 'revoked terminal',
  reversed: 'undone before it was booked',
  claims: 'owed to it',
  wallets: "children's accounts",
  suspense: 'to be sorted out',
  stripe: 'Stripe',
  cardFees: 'fees for new cards',
  stripeFees: 'fees of Stripe',
  total: 'in all',
  missing_there: 'not at Stripe',
  missing_here: 'not in our book',
  amounts_differ: 'amounts differ',
  message_conflict: 'terminal copied: a message contradicts what is booked',
  journal_forked: 'terminal copied: its journal is another',
  journal_rolled_back: 'terminal rolled back: its journal has lost messages',
  card_cloned: 'card copied, and blocked',
  card_unreadable: 'card whose token cannot be read',
  revoked: 'terminal revoked',
  stopped: 'terminal stopped',
  key_replaced: 'signed with a key replaced since',
}

/** A name of the worker's in words. */
export function worded(name: string): string {
  return WORDS[name] ?? name.replaceAll('_', ' ')
}
