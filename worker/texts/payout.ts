import type { BankDetails, BankFaults } from '../../shared/bank-accounts.ts'
import type { Both, Texts } from './language.ts'

/** Udbetal: the form, the summary that is confirmed, and the receipt with what has become of each part. */
export const payout = {
  title: { da: 'Udbetal', en: 'Pay out' },
  intro: {
    da: 'Du kan få hele saldoen eller en del af den udbetalt. På næste side ser du det hele igennem, før du godkender.',
    en: 'You can have all of the balance or a part of it paid out. On the next page you look it all through before you approve.',
  },
  sameWay: {
    da: (days: number) =>
      `Penge, der er indbetalt med kort eller MobilePay inden for de seneste ${days} dage, går tilbage samme vej.`,
    en: (days: number) =>
      `Money that was paid in by card or MobilePay within the last ${days} days goes back the same way.`,
  },
  restToBank: { da: 'Resten går til bankkontoen.', en: 'The rest goes to the bank account.' },
  name: { da: 'Navn', en: 'Name' },
  nameHint: {
    da: 'Navnet på den, der ejer bankkontoen.',
    en: 'The name of whoever owns the bank account.',
  },
  registration: { da: 'Registreringsnummer', en: 'Registration number' },
  registrationHint: { da: 'Fire cifre.', en: 'Four digits.' },
  bankAccount: { da: 'Kontonummer', en: 'Account number' },
  bankAccountHint: {
    da: 'Højst ti cifre. Ikke nummeret på et kort.',
    en: 'At most ten digits. Not the number of a card.',
  },
  message: { da: 'Besked', en: 'Message' },
  messageHint: {
    da: 'Står på dit kontoudtog i banken. Højst 140 tegn. Feltet må være tomt.',
    en: 'Shows on your bank statement. At most 140 characters. May be left empty.',
  },
  amount: { da: 'Beløb', en: 'Amount' },
  mailHint: {
    da: 'Hertil skriver vi, hvis pengene kommer retur. Feltet må være tomt, men så får du ikke besked.',
    en: 'We write here if the money comes back. May be left empty, but then you are not told.',
  },
  amountAll: {
    da: (balance: string) =>
      `Hele beløbet på ${balance} er skrevet for dig. Skriv et mindre, hvis du kun vil have en del.`,
    en: (balance: string) =>
      `The whole amount of ${balance} is filled in for you. Write a smaller one if you want only a part.`,
  },
  amountCapped: {
    da: (left: string, balance: string) =>
      `Saldoen er ${balance} I dag kan der højst udbetales ${left} Skriv et mindre beløb, hvis du kun vil have en del.`,
    en: (left: string, balance: string) =>
      `The balance is ${balance} Today at most ${left} can be paid out. Write a smaller amount if you want only a part.`,
  },
  held: {
    da: (there: string) =>
      `Lige nu kan der højst udbetales ${there} Resten venter, mens banken behandler en indsigelse mod en indbetaling.`,
    en: (there: string) =>
      `Right now at most ${there} can be paid out. The rest waits while the bank deals with an objection to a deposit.`,
  },
  nothing: { da: 'Der står ikke noget på kontoen, som kan udbetales.', en: 'The account holds nothing to pay out.' },
  capReached: {
    da: (cap: string) => `Dagens grænse for udbetalinger er nået: ${cap} Prøv igen i morgen.`,
    en: (cap: string) => `The limit of payouts for today has been reached: ${cap} Try again tomorrow.`,
  },
  faults: {
    name: {
      empty: {
        da: 'Skriv navnet på den, der ejer bankkontoen.',
        en: 'Write the name of whoever owns the bank account.',
      },
      too_long: { da: 'Navnet kan højst være 70 tegn.', en: 'The name can be at most 70 characters.' },
      characters: {
        da: 'Navnet har tegn, som bankerne ikke kan bruge. Skriv det med danske bogstaver, uden emoji.',
        en: 'The name has characters that banks cannot use. Write it in Danish letters, without emoji.',
      },
    },
    registration: {
      empty: {
        da: 'Skriv bankkontoens registreringsnummer.',
        en: 'Write the registration number of the bank account.',
      },
      not_digits: {
        da: 'Registreringsnummeret er fire cifre, for eksempel 1234.',
        en: 'The registration number is four digits, for example 1234.',
      },
    },
    bankAccount: {
      empty: { da: 'Skriv bankkontoens kontonummer.', en: 'Write the number of the bank account.' },
      not_digits: {
        da: 'Kontonummeret er et til ti cifre, uden bogstaver. Udenlandske konti (IBAN) kan ikke bruges.',
        en: 'The account number is one to ten digits, without letters. Foreign accounts (IBAN) cannot be used.',
      },
    },
    message: {
      too_long: { da: 'Beskeden kan højst være 140 tegn.', en: 'The message can be at most 140 characters.' },
      characters: {
        da: 'Beskeden har tegn, som bankerne ikke kan bruge, for eksempel emoji. Fjern dem.',
        en: 'The message has characters that banks cannot use, such as emoji. Remove them.',
      },
    },
  } satisfies { [Field in keyof BankDetails]: Record<BankFaults[Field], Both<string>> },
  amountWrong: {
    da: 'Skriv et beløb, for eksempel 100 eller 150,50.',
    en: 'Write an amount, for example 100 or 150,50.',
  },
  amountZero: { da: 'Skriv et beløb, der er større end 0.', en: 'Write an amount greater than 0.' },
  overBalance: {
    da: (balance: string) => `Der står ${balance} på kontoen. Skriv højst det.`,
    en: (balance: string) => `The account holds ${balance} Write at most that.`,
  },
  overDay: {
    da: (left: string, cap: string) =>
      `Der kan højst udbetales ${cap} om dagen fra kontoen. I dag er der ${left} tilbage af det.`,
    en: (left: string, cap: string) =>
      `At most ${cap} a day can be paid out from the account. Today ${left} of that is left.`,
  },
  sendAgain: {
    da: 'Der er ikke udbetalt noget. Se formularen igennem, og tryk Næste igen.',
    en: 'Nothing has been paid out. Look through the form, and press Next again.',
  },
  summaryTitle: { da: 'Kontrollér udbetalingen', en: 'Check the payout' },
  check: {
    da: 'Læs tallene ciffer for ciffer, og sammenlign dem med din netbank. Ingen kan se på et kontonummer, om det er dit, og penge, der er sendt til en forkert konto, er svære at få tilbage. Der er ikke udbetalt noget endnu.',
    en: 'Read the numbers digit by digit, and compare them with your online bank. Nobody can tell from an account number whether it is yours, and money sent to a wrong account is hard to get back. Nothing has been paid out yet.',
  },
  checkBack: {
    da: 'Se udbetalingen igennem. Der er ikke udbetalt noget endnu.',
    en: 'Look the payout through. Nothing has been paid out yet.',
  },
  fromAccount: { da: 'Fra konto', en: 'From account' },
  noMessage: { da: 'Ingen', en: 'None' },
  balanceAfter: { da: 'Saldo bagefter', en: 'Balance afterwards' },
  dayMax: { da: 'Højst pr. dag', en: 'At most per day' },
  divided: { da: 'Sådan bliver pengene sendt', en: 'How the money is sent' },
  toBank: { da: 'Til bankkontoen', en: 'To the bank account' },
  back: {
    card: { da: 'Tilbage til det kort, der blev betalt med', en: 'Back to the card that paid' },
    mobilepay: { da: 'Tilbage til MobilePay', en: 'Back to MobilePay' },
  },
  why: {
    da: 'Så kan ingen bruge et stjålet kort til at få penge i hånden.',
    en: 'So nobody can use a stolen card to get cash.',
  },
  bankFirst: {
    da: 'Kommunen ser det igennem, der går til bankkontoen, før det bliver sendt.',
    en: 'The municipality looks through what goes to the bank account before it is sent.',
  },
  noneToBank: {
    da: 'Der går ikke noget til bankkontoen denne gang, og kommunen skal ikke godkende noget.',
    en: 'Nothing goes to the bank account this time, and the municipality need not approve anything.',
  },
  approveHow: {
    da: 'Når du trykker på knappen, beder MitID dig om at logge ind igen. Først derefter bliver pengene trukket fra kontoen.',
    en: 'When you press the button, MitID asks you to log on again. Only then is the money taken from the account.',
  },
  /** One of the wordings that MitID settles for buttons; 'Log ind med MitID' is for the way into the portal. */
  approve: { da: 'Godkend med MitID', en: 'Approve with MitID' },
  change: { da: 'Ret', en: 'Change' },
  stepUpMessage: {
    da: (amount: string) => `Godkend udbetaling af ${amount}`,
    en: (amount: string) => `Approve payout of ${amount}`,
  },
  tooOld: {
    da: 'Der er gået mere end 30 minutter, siden du udfyldte formularen. Der er ikke udbetalt noget. Tryk Ret, og send den igen. Det, du skrev, står der stadig.',
    en: 'More than 30 minutes have gone by since you filled in the form. Nothing has been paid out. Press Change, and send it again. What you wrote is still there.',
  },
  gone: {
    da: (balance: string) =>
      `Der står nu ${balance} på kontoen, og det er mindre end beløbet. Der er ikke udbetalt noget. Tryk Ret, og skriv et mindre beløb.`,
    en: (balance: string) =>
      `The account now holds ${balance} which is less than the amount. Nothing has been paid out. Press Change, and write a smaller amount.`,
  },
  receipt: { da: 'Kvittering', en: 'Receipt' },
  received: {
    da: 'Vi har modtaget din udbetaling, og beløbet er trukket fra kontoen.',
    en: 'We have received your payout, and the amount has been taken from the account.',
  },
  rejected: {
    da: (amount: string) => `Udbetalingen til banken kunne ikke gennemføres. ${amount} er sat tilbage på kontoen.`,
    en: (amount: string) => `The payout to the bank could not be made. ${amount} is back on the account.`,
  },
  refundFailed: {
    da: (amount: string) =>
      `${amount} kunne ikke sendes tilbage til det kort, der blev betalt med. Beløbet er sat tilbage på kontoen, og du kan udbetale det igen.`,
    en: (amount: string) =>
      `${amount} could not be sent back to the card that paid. The amount is back on the account, and you can pay it out again.`,
  },
  reason: { da: 'Begrundelse', en: 'Reason' },
  parts: { da: 'Hvor pengene er', en: 'Where the money is' },
  bankStates: {
    requested: { da: 'Modtaget', en: 'Received' },
    approved: { da: 'Godkendt', en: 'Approved' },
    exported: { da: 'Sendt til banken', en: 'Sent to the bank' },
    paid: { da: 'Udbetalt', en: 'Paid out' },
    rejected: { da: 'Afvist', en: 'Refused' },
  },
  bankNext: {
    requested: {
      da: 'Kommunen ser udbetalingen igennem, før den går til banken.',
      en: 'The municipality looks the payout through before it goes to the bank.',
    },
    approved: {
      da: 'Kommunen har godkendt udbetalingen. Den går med den næste fil til banken.',
      en: 'The municipality has approved the payout. It goes with the next file to the bank.',
    },
    exported: {
      da: 'Banken har fået besked om at betale.',
      en: 'The bank has been told to pay.',
    },
    paid: { da: 'Banken har betalt.', en: 'The bank has paid.' },
    rejected: { da: 'Pengene er tilbage på kontoen.', en: 'The money is back on the account.' },
  },
  refundStates: {
    underWay: { da: 'På vej', en: 'On its way' },
    succeeded: { da: 'Tilbagebetalt', en: 'Paid back' },
    failed: { da: 'Kunne ikke sendes', en: 'Could not be sent' },
  },
  refundNext: {
    underWay: {
      da: 'Der kan gå nogle bankdage, før pengene kan ses hos den, der betalte.',
      en: 'It can take some banking days before whoever paid can see the money.',
    },
    failed: { da: 'Pengene er tilbage på kontoen.', en: 'The money is back on the account.' },
  },
  requestedAt: { da: 'Godkendt af dig', en: 'Approved by you' },
  again: { da: 'Udbetal igen', en: 'Pay out again' },
  toAccounts: { da: 'Til Konti', en: 'To Accounts' },
  earlier: { da: 'Tidligere udbetalinger', en: 'Earlier payouts' },
  none: { da: 'Der er ikke udbetalt noget fra kontoen.', en: 'Nothing has been paid out from the account.' },
  byOther: { da: 'Bestilt af en anden forælder', en: 'Asked for by another parent' },
  earlierOf: {
    da: (amount: string) => `Udbetaling af ${amount}`,
    en: (amount: string) => `Payout of ${amount}`,
  },
} satisfies Texts
