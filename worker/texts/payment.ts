import type { Texts } from './language.ts'

/** What deposits, agreements, orders of cards and payouts say alike, each word of it once. */
export const payment = {
  of: {
    da: (name: string, balance: string) => `Konto for ${name}. Saldoen er ${balance}`,
    en: (name: string, balance: string) => `Account of ${name}. The balance is ${balance}`,
  },
  account: { da: 'Konto', en: 'Account' },
  reference: { da: 'Reference', en: 'Reference' },
  mailWrong: {
    da: 'Skriv en mailadresse som navn@eksempel.dk.',
    en: 'Write an email address such as name@example.org.',
  },
  changed: {
    da: 'Du har sendt formularen før, med noget andet i. Er det, der står nu, rigtigt, så tryk Næste igen.',
    en: 'You have sent this form before, with something else in it. If what it says now is right, press Next again.',
  },
  unavailable: {
    da: 'Stripe, som tager imod betalingen, svarer ikke lige nu. Der er ikke trukket penge, og det, du har skrevet, står her endnu. Prøv igen om lidt.',
    en: 'Stripe, which takes the payment, does not answer right now. No money has been taken, and what you wrote is still here. Try again in a moment.',
  },
  refused: {
    da: 'Betalingen kunne ikke begynde, og der er ikke trukket penge. Prøv igen om lidt. Bliver det ved, så skriv til supporten.',
    en: 'The payment could not begin, and no money has been taken. Try again in a moment. If it keeps happening, write to support.',
  },
  waitingTitle: { da: 'Betalingen er ikke afsluttet endnu', en: 'The payment is not complete yet' },
  failedTitle: { da: 'Betalingen blev ikke gennemført', en: 'The payment was not completed' },
  mismatchTitle: { da: 'Betalingen skal undersøges', en: 'The payment needs to be looked into' },
  refresh: { da: 'Opdatér', en: 'Refresh' },
  goOn: { da: 'Fortsæt betalingen hos Stripe', en: 'Continue the payment at Stripe' },
  again: { da: 'Prøv igen', en: 'Try again' },
  toDeposit: { da: 'Indbetal', en: 'Pay in' },
  toPayout: { da: 'Udbetal', en: 'Pay out' },
  toSupport: { da: 'Skriv til supporten', en: 'Write to support' },
} satisfies Texts
