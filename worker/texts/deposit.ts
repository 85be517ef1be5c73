import type { Texts } from './language.ts'

/** Indbetaling: its two tabs, the form of a deposit, and the receipt in each of its states. */
export const deposit = {
  title: { da: 'Indbetaling', en: 'Deposit' },
  tabs: { da: 'Måder at indbetale på', en: 'Ways to deposit' },
  tab: { da: 'Indbetal', en: 'Pay in' },
  mail: { da: 'Mailadresse', en: 'Email address' },
  mailHint: { da: 'Kvitteringen bliver sendt hertil.', en: 'The receipt will be sent here.' },
  amount: { da: 'Beløb', en: 'Amount' },
  amountHint: {
    da: (min: string, max: string) => `Mindst ${min} og højst ${max}`,
    en: (min: string, max: string) => `At least ${min} and at most ${max}`,
  },
  amountWrong: {
    da: (min: string, max: string) => `Skriv et beløb fra ${min} til ${max}, for eksempel 100 eller 150,50.`,
    en: (min: string, max: string) => `Write an amount from ${min} to ${max}, for example 100 or 150,50.`,
  },
  accept: {
    da: 'Jeg har læst og accepterer handelsbetingelserne',
    en: 'I have read and accept the terms and conditions',
  },
  readTerms: {
    da: 'Læs handelsbetingelserne (åbner i en ny fane)',
    en: 'Read the terms and conditions (opens in a new tab)',
  },
  acceptWrong: {
    da: 'Læs handelsbetingelserne, og sæt flueben, hvis du accepterer dem.',
    en: 'Read the terms and conditions, and tick the box if you accept them.',
  },
  termsChanged: {
    da: 'Handelsbetingelserne er blevet ændret, siden du åbnede siden. Læs dem igen, og sæt flueben, hvis du accepterer dem.',
    en: 'The terms and conditions have changed since you opened the page. Read them again, and tick the box if you accept them.',
  },
  payAt: {
    da: 'På næste side vælger du kreditkort eller MobilePay. Siden er hos Stripe, som tager imod betalingen for kommunen. Dit kortnummer kommer ikke forbi os.',
    en: 'On the next page you choose credit card or MobilePay. It is a page of Stripe, which takes the payment for the municipality. Your card number does not pass through us.',
  },
  next: { da: 'Næste', en: 'Next' },
  sendAgain: {
    da: 'Der er ikke trukket penge. Se formularen igennem, og tryk Næste igen.',
    en: 'No money has been taken. Look through the form, and press Next again.',
  },
  closed: {
    da: 'Kommunen har ikke åbnet for indbetaling her på siden endnu. Spørg supporten, hvis der skal penge på kortet.',
    en: 'The municipality has not opened for deposits here yet. Ask support if the card needs money.',
  },
  left: {
    da: (name: string) =>
      `${name} er meldt ud, så der kan ikke sættes penge ind på kontoen. Det, der står på den, kan udbetales.`,
    en: (name: string) => `${name} has left, so no money can be put into the account. What it holds can be paid out.`,
  },
  receipt: { da: 'Kvittering', en: 'Receipt' },
  paid: { da: 'Pengene står på kontoen.', en: 'The money is in the account.' },
  mailed: {
    da: (mail: string) => `Vi sender også en kvittering til ${mail}`,
    en: (mail: string) => `We also send a receipt to ${mail}`,
  },
  method: { da: 'Betalt med', en: 'Paid with' },
  methods: {
    card: { da: 'Kreditkort', en: 'Credit card' },
    mobilepay: { da: 'MobilePay', en: 'MobilePay' },
  },
  terms: { da: 'Accepterede handelsbetingelser', en: 'Terms and conditions accepted' },
  termsIn: {
    da: {
      da: (version: string) => `Version ${version} på dansk`,
      en: (version: string) => `Version ${version} in Danish`,
    },
    en: {
      da: (version: string) => `Version ${version} på engelsk`,
      en: (version: string) => `Version ${version} in English`,
    },
  },
  paidAt: { da: 'Betalt', en: 'Paid' },
  begunAt: { da: 'Påbegyndt', en: 'Begun' },
  balanceAfter: { da: 'Saldo efter indbetalingen', en: 'Balance after the deposit' },
  waiting: {
    da: 'Vi venter på svar fra Stripe, som tager imod betalingen. Har du betalt, kommer pengene af sig selv på kontoen, også hvis du lukker siden.',
    en: 'We are waiting for an answer from Stripe, which takes the payment. If you have paid, the money arrives in the account by itself, even if you close this page.',
  },
  stale: {
    da: 'Stripe, som tager imod betalingen, svarer ikke lige nu. Har du betalt, kommer pengene af sig selv på kontoen, når der er svar.',
    en: 'Stripe, which takes the payment, does not answer right now. If you have paid, the money arrives in the account by itself once there is an answer.',
  },
  cancelledTitle: { da: 'Du afbrød betalingen', en: 'You cancelled the payment' },
  cancelled: {
    da: 'Der er ikke trukket penge.',
    en: 'No money has been taken.',
  },
  failed: {
    da: 'Betalingen blev afvist. Der er ikke sat penge ind på kontoen. Prøv igen, eventuelt med et andet kort eller med MobilePay.',
    en: 'The payment was declined. No money has been put into the account. Try again, perhaps with another card or with MobilePay.',
  },
  expired: {
    da: 'Der gik for lang tid, og betalingssiden er lukket. Der er ikke trukket penge.',
    en: 'Too much time passed, and the payment page has closed. No money has been taken.',
  },
  mismatch: {
    da: 'Det, der blev betalt, er ikke det beløb, du bad om her. Pengene er derfor ikke sat ind på kontoen. Skriv til supporten, og oplys referencen, så finder vi ud af det.',
    en: 'What was paid is not the amount that you asked for here. The money has therefore not been put into the account. Write to support and give the reference, and we will sort it out.',
  },
  more: { da: 'Indbetal igen', en: 'Pay in again' },
  toStatement: { da: 'Se kontoudtog', en: 'See the statement' },
} satisfies Texts
