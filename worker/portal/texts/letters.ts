import type { Texts } from './language.ts'

/** The words of the mails to guardians. Subjects hold no amounts and no names: they show on locked telephones. */
export const letters = {
  greeting: { da: 'Hej', en: 'Hello' },
  closing: { da: 'Venlig hilsen', en: 'Kind regards' },
  account: { da: 'Se kontoen her:', en: 'See the account here:' },
  settings: {
    da: 'Du vælger selv under Brugerinfo, hvad du vil have mails om.',
    en: 'Under User info you choose what you want mails about.',
  },
  line: {
    da: (fact: { quantity: number; name: string; price: string }) => `  ${fact.quantity} × ${fact.name}, ${fact.price}`,
    en: (fact: { quantity: number; name: string; price: string }) => `  ${fact.quantity} × ${fact.name}, ${fact.price}`,
  },
  /** A line of a sale whose amount was keyed in. */
  keyedIn: { da: 'Beløb uden vare', en: 'Amount without product' },
  purchase: {
    subject: { da: 'Et køb med betalingskortet', en: 'A purchase with the payment card' },
    sold: {
      da: (fact: { child: string; amount: string; site: string; day: string; time: string }) =>
        `${fact.child} har købt for ${fact.amount} i ${fact.site} ${fact.day} kl. ${fact.time}:`,
      en: (fact: { child: string; amount: string; site: string; day: string; time: string }) =>
        `${fact.child} bought for ${fact.amount} at ${fact.site} on ${fact.day} at ${fact.time}:`,
    },
    balance: {
      da: (fact: { balance: string }) => `Saldoen er nu ${fact.balance}`,
      en: (fact: { balance: string }) => `The balance is now ${fact.balance}`,
    },
  },
  lowBalance: {
    subject: { da: 'Saldoen er lav', en: 'The balance is low' },
    balance: {
      da: (fact: { child: string; balance: string; below: string }) =>
        `Saldoen for ${fact.child} er nu ${fact.balance} Du har bedt om besked, når den kommer under ${fact.below}`,
      en: (fact: { child: string; balance: string; below: string }) =>
        `The balance of ${fact.child}’s account is now ${fact.balance} You asked to be told when it falls below ${fact.below}`,
    },
  },
  weekly: {
    subject: {
      da: (fact: { week: number }) => `Ugeoversigt for uge ${fact.week}`,
      en: (fact: { week: number }) => `Summary of week ${fact.week}`,
    },
    opening: {
      da: (fact: { from: string; to: string }) => `Her er ugen fra ${fact.from} til ${fact.to}:`,
      en: (fact: { from: string; to: string }) => `Here is the week from ${fact.from} to ${fact.to}:`,
    },
    child: {
      da: (fact: { child: string; spent: string; balance: string }) =>
        `  ${fact.child}: brugt ${fact.spent}, saldo nu ${fact.balance}`,
      en: (fact: { child: string; spent: string; balance: string }) =>
        `  ${fact.child}: spent ${fact.spent}, balance now ${fact.balance}`,
    },
  },
  caseAnswered: {
    subject: { da: 'Svar i din sag', en: 'An answer to your question' },
    read: {
      da: 'Supporten har svaret i din sag. Log ind for at læse det:',
      en: 'Support has answered your question. Log in to read it:',
    },
  },
  mailChanged: {
    subject: { da: 'Din mailadresse er ændret', en: 'Your mail address was changed' },
    changed: {
      da: 'Din mailadresse er ændret eller fjernet i portalen, så denne adresse får ikke flere mails.',
      en: 'Your mail address was changed or removed in the portal, so this address gets no more mails.',
    },
    notYou: {
      da: 'Er det ikke dig, der har gjort det, så skriv til supporten:',
      en: 'If this was not you, please write to support:',
    },
  },
} satisfies Texts
