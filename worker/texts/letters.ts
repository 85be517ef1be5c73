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
  cardCloned: {
    subject: { da: 'Betalingskortet er spærret', en: 'The payment card is blocked' },
    fact: {
      da: (fact: { child: string; card: number }) =>
        `Betalingskort nr. ${fact.card} til ${fact.child} ser ud til at være kopieret, så vi har spærret det.`,
      en: (fact: { child: string; card: number }) =>
        `Payment card no. ${fact.card} of ${fact.child} seems to have been copied, so we have blocked it.`,
    },
    money: {
      da: 'Pengene på kontoen er der stadig. Kig gerne kontoudtoget igennem, og skriv til supporten, hvis der er køb, I ikke kender.',
      en: 'The money on the account is still there. Please look through the statement, and write to support if there are purchases you do not know.',
    },
    next: { da: 'Her kan du se kortet og bestille et nyt:', en: 'You can see the card and order a new one here:' },
  },
  paidAt: {
    da: (fact: { day: string; time: string }) => `Betalt: ${fact.day} kl. ${fact.time}`,
    en: (fact: { day: string; time: string }) => `Paid: ${fact.day} at ${fact.time}`,
  },
  deposited: {
    subject: { da: 'Kvittering for indbetaling', en: 'Receipt for a deposit' },
    fact: {
      da: (fact: { child: string; amount: string }) => `Der er indbetalt ${fact.amount} på kontoen for ${fact.child}.`,
      en: (fact: { child: string; amount: string }) =>
        `${fact.amount} has been deposited to the account of ${fact.child}.`,
    },
  },
  toppedUp: {
    subject: { da: 'Kvittering for automatisk optankning', en: 'Receipt for an automatic top-up' },
    fact: {
      da: (fact: { child: string; amount: string }) =>
        `Kontoen for ${fact.child} er tanket op med ${fact.amount} efter jeres aftale.`,
      en: (fact: { child: string; amount: string }) =>
        `The account of ${fact.child} has been topped up with ${fact.amount} as agreed.`,
    },
  },
  topUpPaused: {
    subject: { da: 'Den automatiske optankning er sat på pause', en: 'The automatic top-up is paused' },
    fact: {
      da: (fact: { child: string }) => `Kontoen for ${fact.child} bliver ikke tanket op for tiden.`,
      en: (fact: { child: string }) => `The account of ${fact.child} is not being topped up at present.`,
    },
    reasons: {
      declined: { da: 'Banken afviste betalingen flere gange.', en: 'The bank declined the payment several times.' },
      authentication_required: {
        da: 'Banken beder om, at du selv godkender kortet igen.',
        en: 'The bank asks you to approve the card again yourself.',
      },
      card_unusable: { da: 'Kortet kan ikke bruges mere.', en: 'The card can no longer be used.' },
      disputed: {
        da: 'Der er gjort indsigelse mod en af dine indbetalinger hos banken.',
        en: 'One of your payments has been disputed with the bank.',
      },
    },
    mend: { da: 'Her kan du få den i gang igen:', en: 'You can set it going again here:' },
  },
  cardExpiring: {
    subject: { da: 'Kreditkortet til optankning udløber snart', en: 'The card for top-ups expires soon' },
    fact: {
      da: (fact: { child: string; last4: string; expires: string }) =>
        `Kreditkortet, der ender på ${fact.last4} og tanker kontoen for ${fact.child} op, udløber ${fact.expires}.`,
      en: (fact: { child: string; last4: string; expires: string }) =>
        `The card ending in ${fact.last4}, which tops up the account of ${fact.child}, expires ${fact.expires}.`,
    },
    change: { da: 'Her kan du skifte kort:', en: 'You can change the card here:' },
  },
  payoutReturned: {
    subject: { da: 'En udbetaling kunne ikke gennemføres', en: 'A payout could not be made' },
    fact: {
      da: (fact: { child: string; amount: string }) =>
        `Udbetalingen af ${fact.amount} kunne ikke gennemføres. Beløbet er sat tilbage på kontoen for ${fact.child}.`,
      en: (fact: { child: string; amount: string }) =>
        `The payout of ${fact.amount} could not be made. The amount is back on the account of ${fact.child}.`,
    },
    reason: {
      da: (fact: { reason: string }) => `Begrundelse: ${fact.reason}`,
      en: (fact: { reason: string }) => `Reason: ${fact.reason}`,
    },
    again: { da: 'Her kan du prøve igen:', en: 'You can try again here:' },
  },
  refundFailed: {
    subject: { da: 'En tilbagebetaling kunne ikke gennemføres', en: 'A refund could not be made' },
    fact: {
      da: (fact: { child: string; amount: string }) =>
        `${fact.amount} kunne ikke sendes tilbage til det kort, der blev betalt med. Beløbet er sat tilbage på kontoen for ${fact.child}.`,
      en: (fact: { child: string; amount: string }) =>
        `${fact.amount} could not be sent back to the card that paid. The amount is back on the account of ${fact.child}.`,
    },
  },
  cardSent: {
    subject: { da: 'Det nye betalingskort er sendt', en: 'The new payment card has been sent' },
    fact: {
      da: (fact: { child: string }) => `Det nye betalingskort til ${fact.child} er på vej.`,
      en: (fact: { child: string }) => `The new payment card for ${fact.child} is on its way.`,
    },
    received: {
      da: 'Kortet kan først bruges, når du har trykket på »Jeg har modtaget kortet« her:',
      en: 'The card can be used only when you have pressed “I have received the card” here:',
    },
  },
  cardOrderCancelled: {
    subject: { da: 'Bestillingen af et nyt betalingskort er annulleret', en: 'The order of a new card is cancelled' },
    fact: {
      da: (fact: { child: string; amount: string }) =>
        `Bestillingen af et nyt betalingskort til ${fact.child} er annulleret, og ${fact.amount} er sat tilbage på kontoen.`,
      en: (fact: { child: string; amount: string }) =>
        `The order of a new payment card for ${fact.child} is cancelled, and ${fact.amount} is back on the account.`,
    },
    free: {
      da: (fact: { child: string }) => `Bestillingen af et nyt betalingskort til ${fact.child} er annulleret.`,
      en: (fact: { child: string }) => `The order of a new payment card for ${fact.child} is cancelled.`,
    },
  },
  cardApproval: {
    subject: { da: 'Et nyt betalingskort venter på din godkendelse', en: 'A new payment card awaits your approval' },
    fact: {
      da: (fact: { child: string; amount: string }) =>
        `Klubben har et nyt betalingskort klar til ${fact.child}. Det koster ${fact.amount}, som trækkes på kontoen, når du godkender.`,
      en: (fact: { child: string; amount: string }) =>
        `The club has a new payment card ready for ${fact.child}. It costs ${fact.amount}, which is taken from the account when you approve.`,
    },
    free: {
      da: (fact: { child: string }) =>
        `Klubben har et nyt betalingskort klar til ${fact.child}. Det er gratis, men du skal godkende det.`,
      en: (fact: { child: string }) =>
        `The club has a new payment card ready for ${fact.child}. It is free, but you have to approve it.`,
    },
    decide: {
      da: 'Her kan du godkende eller afvise det inden for 7 dage:',
      en: 'You can approve or refuse it here within 7 days:',
    },
  },
  cardExpired: {
    subject: { da: 'Det nye betalingskort blev ikke godkendt', en: 'The new payment card was not approved' },
    fact: {
      da: (fact: { child: string }) =>
        `Det nye betalingskort til ${fact.child} blev ikke godkendt inden 7 dage. Der er ikke trukket penge, og der bliver ikke udleveret et nyt kort.`,
      en: (fact: { child: string }) =>
        `The new payment card for ${fact.child} was not approved within 7 days. No money has been taken, and no new card will be handed out.`,
    },
    next: {
      da: (fact: { child: string }) =>
        `Mangler ${fact.child} stadig et kort, så sig det til klubben, eller bestil et her:`,
      en: (fact: { child: string }) => `If ${fact.child} still needs a card, tell the club, or order one here:`,
    },
  },
  childLeft: {
    subject: { da: 'Betalingskortet er lukket', en: 'The payment card is closed' },
    fact: {
      da: (fact: { child: string }) => `${fact.child} er meldt ud, og betalingskortet kan ikke bruges mere.`,
      en: (fact: { child: string }) => `${fact.child} has left, and the payment card can no longer be used.`,
    },
    payout: { da: 'Her kan du få pengene udbetalt:', en: 'You can have the money paid out here:' },
  },
} satisfies Texts
