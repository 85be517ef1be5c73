import type { Texts } from './language.ts'

/** What an agreement is about, as it is said: amounts are written out already. */
export type Consent = {
  municipality: string
  amount: string
  threshold: string
  perDay: number
}

/** Automatisk optankning: the form, the words of consent, and an agreement in each of its states. */
export const agreement = {
  tab: { da: 'Automatisk optankning', en: 'Automatic top-up' },
  intro: {
    da: (threshold: string) =>
      `Vi trækker et fast beløb på dit kort og sætter det ind på kontoen, hver gang saldoen kommer under ${threshold}`,
    en: (threshold: string) =>
      `We charge your card a fixed amount and put it into the account each time the balance falls below ${threshold}`,
  },
  mailHint: {
    da: 'Hertil skriver vi, når der er tanket op, og hvis noget går galt.',
    en: 'We write here when the account has been topped up, and if something goes wrong.',
  },
  amountHint: {
    da: (threshold: string, min: string, max: string) =>
      `Beløb som ønskes optanket, når saldo kommer under ${threshold} Mindst ${min} og højst ${max}`,
    en: (threshold: string, min: string, max: string) =>
      `The amount to top up with when the balance falls below ${threshold} At least ${min} and at most ${max}`,
  },
  rule: {
    da: (activation: string, balance: string) =>
      `Ved oprettelse af aftalen skal saldo på kontoen være ${activation} eller mere, for at optankningsaftalen træder i kraft. Er den lavere, venter aftalen, til du har indbetalt. Saldoen er nu ${balance}`,
    en: (activation: string, balance: string) =>
      `When the agreement is made, the balance of the account must be ${activation} or more for it to come into force. If it is lower, the agreement waits until you have paid in. The balance is now ${balance}`,
  },
  consentTitle: { da: 'Det giver du lov til', en: 'What you consent to' },
  /** Above the form, before the amount has been written. */
  consentForm: {
    da: ({ municipality, threshold, perDay }: Omit<Consent, 'amount'>) =>
      `${municipality} må trække det beløb, du har skrevet, på dit kort, hver gang saldoen på kontoen kommer under ${threshold}, ${timesDa(perDay)}. Aftalen gælder, til du annullerer den. Det kan du gøre når som helst her på siden.`,
    en: ({ municipality, threshold, perDay }: Omit<Consent, 'amount'>) =>
      `${municipality} may charge your card the amount that you have written each time the balance of the account falls below ${threshold}, ${timesEn(perDay)}. The agreement holds until you cancel it. You can do so on this page at any time.`,
  },
  /** On Stripe's page, where the card is given. It names no child: whose account it is, Stripe need not know. */
  consent: {
    da: ({ municipality, amount, threshold, perDay }: Consent) =>
      `${municipality} må trække ${amount} på dit kort, hver gang saldoen på dit barns betalingskort kommer under ${threshold}, ${timesDa(perDay)}. Aftalen gælder, til du annullerer den. Det kan du gøre når som helst i portalen under Indbetaling, Automatisk optankning.`,
    en: ({ municipality, amount, threshold, perDay }: Consent) =>
      `${municipality} may charge your card ${amount} each time the balance of your child’s payment card falls below ${threshold}, ${timesEn(perDay)}. The agreement holds until you cancel it. You can do so in the portal at any time under Deposit, Automatic top-up.`,
  },
  logInAgain: {
    da: 'Når du trykker Næste, beder MitID dig om at logge ind igen, fordi aftalen gælder penge på dit kort. Derefter angiver og godkender du kortet hos Stripe. MobilePay kan ikke bruges til automatisk optankning.',
    en: 'When you press Next, MitID asks you to log on again, because the agreement concerns money on your card. Then you give and approve the card at Stripe. MobilePay cannot be used for automatic top-up.',
  },
  stepUpMessage: {
    da: (child: string) => `Automatisk optankning for ${child}`,
    en: (child: string) => `Automatic top-up for ${child}`,
  },
  closed: {
    da: 'Kommunen har ikke åbnet for automatisk optankning endnu.',
    en: 'The municipality has not opened for automatic top-up yet.',
  },
  left: {
    da: (name: string) => `${name} er meldt ud, så der kan ikke oprettes automatisk optankning.`,
    en: (name: string) => `${name} has left, so automatic top-up cannot be set up.`,
  },
  others: {
    da: 'Der er allerede en aftale om automatisk optankning på kontoen. Den er oprettet af en anden af barnets forældre, og kun den, der har oprettet den, kan se og ændre den. Der kan være én aftale ad gangen. Du kan altid indbetale selv.',
    en: 'There is already an agreement on automatic top-up for this account. Another of the child’s parents made it, and only whoever made it can see and change it. There can be one agreement at a time. You can always pay in yourself.',
  },
  exists: {
    da: 'Der er allerede en aftale på kontoen. Du kan se den her.',
    en: 'There is already an agreement for the account. You can see it here.',
  },
  unfinished: {
    da: 'Du er allerede ved at oprette en aftale. Gør den færdig hos Stripe, eller fortryd den, før du begynder på en ny.',
    en: 'You are making an agreement already. Finish it at Stripe, or drop it, before you begin on another.',
  },
  heading: { da: 'Din aftale', en: 'Your agreement' },
  states: {
    settingUp: { da: 'Ikke færdig', en: 'Not finished' },
    waiting: { da: 'Venter', en: 'Waiting' },
    active: { da: 'Aktiv', en: 'Active' },
    paused: { da: 'På pause', en: 'Paused' },
  },
  state: { da: 'Status', en: 'State' },
  amountOf: { da: 'Optankes med', en: 'Topped up with' },
  thresholdOf: { da: 'Når saldo kommer under', en: 'When the balance falls below' },
  perDayOf: { da: 'Højst', en: 'At most' },
  perDayIs: {
    da: (perDay: number) => (perDay === 1 ? 'Én gang om dagen' : `${perDay} gange om dagen`),
    en: (perDay: number) => (perDay === 1 ? 'Once a day' : `${perDay} times a day`),
  },
  card: { da: 'Kort', en: 'Card' },
  cardIs: {
    da: (brand: string, last4: string) => `${brand} der ender på ${last4}`,
    en: (brand: string, last4: string) => `${brand} ending in ${last4}`,
  },
  expires: { da: 'Kortet udløber', en: 'The card expires' },
  mail: { da: 'Mailadresse', en: 'Email address' },
  latest: { da: 'Senest optanket', en: 'Last topped up' },
  latestIs: {
    da: (amount: string, when: string) => `${amount} ${when}`,
    en: (amount: string, when: string) => `${amount} ${when}`,
  },
  latestNone: { da: 'Ikke endnu', en: 'Not yet' },
  madeAt: { da: 'Oprettet', en: 'Made' },
  settingUp: {
    da: 'Aftalen er ikke færdig: vi har ikke fået et kort endnu. Har du lige godkendt kortet, så tryk Opdatér.',
    en: 'The agreement is not finished: we have not been given a card yet. If you have just approved the card, press Refresh.',
  },
  goOn: { da: 'Fortsæt hos Stripe', en: 'Continue at Stripe' },
  waiting: {
    da: (activation: string, balance: string) =>
      `Aftalen er oprettet og træder i kraft, når saldoen er ${activation} eller mere. Den er nu ${balance} Sæt penge ind på kontoen, så sker det af sig selv.`,
    en: (activation: string, balance: string) =>
      `The agreement is made and comes into force when the balance is ${activation} or more. It is now ${balance} Pay in, and it happens by itself.`,
  },
  payIn: { da: 'Indbetal', en: 'Pay in' },
  active: {
    da: (amount: string, threshold: string) =>
      `Kontoen bliver tanket op med ${amount}, hver gang saldoen kommer under ${threshold}`,
    en: (amount: string, threshold: string) =>
      `The account is topped up with ${amount} each time the balance falls below ${threshold}`,
  },
  pausedFor: {
    declined: {
      da: 'Aftalen er sat på pause, fordi dit kort blev afvist, da vi ville tanke op. Se efter, om der er penge på kortet, og tryk så Prøv igen. Eller skift til et andet kort.',
      en: 'The agreement is paused because your card was declined when we were to top up. See that there is money on the card, and then press Try again. Or change to another card.',
    },
    authentication_required: {
      da: 'Aftalen er sat på pause, fordi din bank vil have, at du selv godkender kortet. Tryk Skift kort, og godkend kortet hos banken. Du må gerne bruge det samme kort.',
      en: 'The agreement is paused because your bank wants you to approve the card yourself. Press Change card, and approve the card with your bank. You may use the same card.',
    },
    card_unusable: {
      da: 'Aftalen er sat på pause, fordi kortet ikke kan bruges mere. Det kan være udløbet, spærret eller lukket. Tryk Skift kort, og angiv et andet.',
      en: 'The agreement is paused because the card can no longer be used. It may have expired, or have been blocked or closed. Press Change card, and give another.',
    },
    disputed: {
      da: 'Aftalen er sat på pause, fordi der er gjort indsigelse mod en af dine indbetalinger hos banken. Vil du have aftalen i gang igen, så tryk Skift kort, og godkend kortet hos banken. Du må gerne bruge det samme kort.',
      en: 'The agreement is paused because one of your payments has been disputed with the bank. If you want the agreement to go on, press Change card, and approve the card with your bank. You may use the same card.',
    },
  },
  notCharged: {
    da: 'Så længe aftalen er på pause, bliver der ikke trukket penge på kortet.',
    en: 'While the agreement is paused, the card is not charged.',
  },
  retrying: {
    da: (when: string) =>
      `Kortet blev afvist, da vi sidst ville tanke op. Vi prøver igen ${when}. Se efter, om der er penge på kortet, eller skift til et andet.`,
    en: (when: string) =>
      `The card was declined when we last were to top up. We try again ${when}. See that there is money on the card, or change to another.`,
  },
  charging: {
    da: 'En optankning er i gang. Pengene kommer på kontoen om et øjeblik.',
    en: 'A top-up is under way. The money will be in the account in a moment.',
  },
  expiring: {
    da: (month: string) => `Kortet udløber ${month}. Skift til dit nye kort, så optankningen ikke stopper.`,
    en: (month: string) => `The card expires ${month}. Change to your new card, so that the top-up does not stop.`,
  },
  resume: { da: 'Prøv igen', en: 'Try again' },
  changeCard: { da: 'Skift kort', en: 'Change card' },
  changeCardHow: {
    da: 'MitID beder dig logge ind igen, og så angiver du det nye kort hos Stripe. Det gamle gælder, til det nye er godkendt.',
    en: 'MitID asks you to log on again, and then you give the new card at Stripe. The old one holds until the new one is approved.',
  },
  cancel: { da: 'Annullér aftale', en: 'Cancel agreement' },
  cancelSure: {
    da: 'Så bliver der ikke trukket mere på kortet, og vi glemmer det. Penge, der står på kontoen, bliver stående. Du kan altid oprette en ny aftale.',
    en: 'The card will not be charged again, and we forget it. Money in the account stays there. You can make a new agreement at any time.',
  },
  cancelNowSure: {
    da: 'Så bliver der ikke oprettet en aftale, og der bliver ikke gemt noget kort. Du kan altid begynde forfra.',
    en: 'Then no agreement is made, and no card is stored. You can begin again at any time.',
  },
  cancelYes: { da: 'Ja, annullér aftalen', en: 'Yes, cancel the agreement' },
  cancelNow: { da: 'Fortryd oprettelsen', en: 'Do not make the agreement' },
  done: {
    created: { da: 'Aftalen er oprettet.', en: 'The agreement has been made.' },
    cardChanged: { da: 'Kortet er skiftet.', en: 'The card has been changed.' },
    cancelled: { da: 'Aftalen er annulleret.', en: 'The agreement has been cancelled.' },
    resumed: {
      da: 'Aftalen er i gang igen. Er saldoen under grænsen, prøver vi at tanke op inden for et minut.',
      en: 'The agreement is running again. If the balance is below the limit, we try to top up within a minute.',
    },
    interrupted: {
      da: 'Du afbrød hos Stripe, så der er ikke oprettet nogen aftale. Der er ikke trukket penge, og der er ikke gemt noget kort.',
      en: 'You stopped at Stripe, so no agreement has been made. No money has been taken, and no card has been stored.',
    },
    changeInterrupted: {
      da: 'Du afbrød hos Stripe. Kortet er ikke skiftet.',
      en: 'You stopped at Stripe. The card has not been changed.',
    },
  },
  unanswered: {
    da: 'Stripe svarer ikke lige nu. Der er ikke sket noget nyt. Prøv igen om lidt.',
    en: 'Stripe does not answer right now. Nothing new has happened. Try again in a moment.',
  },
  stale: {
    da: 'Aftalen har ændret sig, siden du åbnede siden. Se, hvordan den er nu, og prøv så igen.',
    en: 'The agreement has changed since you opened the page. See how it is now, and then try again.',
  },
} satisfies Texts

function timesDa(perDay: number): string {
  return perDay === 1 ? 'højst én gang om dagen' : `højst ${perDay} gange om dagen`
}

function timesEn(perDay: number): string {
  return perDay === 1 ? 'at most once a day' : `at most ${perDay} times a day`
}
