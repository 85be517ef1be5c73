import type { Texts } from './language.ts'

/** What Stripe's page says is paid for. It names no child: whose money it is, Stripe need not know. */
export const checkout = {
  deposit: { da: 'Indbetaling til betalingskort', en: 'Deposit for a payment card' },
  cardFee: { da: 'Nyt betalingskort', en: 'New payment card' },
} satisfies Texts
