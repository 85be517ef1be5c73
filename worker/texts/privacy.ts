import type { Texts } from './language.ts'

const monthsDa = (count: number) => (count === 1 ? '1 måned' : `${count} måneder`)
const monthsEn = (count: number) => (count === 1 ? '1 month' : `${count} months`)

/** Privatliv, for whoever is logged in, and the file that they can take with them. */
export const privacy = {
  stored: { da: 'Hvad er gemt om dig?', en: 'What is stored about you?' },
  storedItems: {
    identity: {
      da: 'Hvem du er: den kode, som MitID kender dig under her, dit navn (medmindre det er beskyttet), og hvornår du loggede ind første gang og sidst.',
      en: 'Who you are: the code by which MitID knows you here, your name (unless it is protected), and when you logged in first and last.',
    },
    cpr: {
      da: 'En kode, der er beregnet ud fra dit CPR-nummer med kommunens nøgle. Den bruges til at finde dine børn. Selve nummeret er ikke gemt.',
      en: 'A fingerprint of your CPR number, made with the municipality’s key. It is used to find your children. The number itself is not stored.',
    },
    contact: {
      da: 'Hvordan du vil have besked: sprog, mailadresse og hvilke mails du har bedt om.',
      en: 'How you want to be told: language, mail address, and which mails you have asked for.',
    },
    sessions: {
      da: 'Hvornår du har været logget ind. Det slettes 30 dage efter. Blev du logget ud, fordi der gik for lang tid, er det, du var ved at skrive, gemt i et døgn.',
      en: 'When you have been logged in. It is deleted 30 days later. If you were logged out because too much time passed, what you were writing is kept for a day.',
    },
    cases: {
      da: 'Det, du har skrevet til supporten, det telefonnummer, du har givet, og svarene.',
      en: 'What you have written to support, the telephone number you gave, and the answers.',
    },
    mails: {
      da: 'De mails, vi har sendt dig. De slettes 90 dage efter.',
      en: 'The mails we have sent you. They are deleted 90 days later.',
    },
    money: {
      da: 'Dine indbetalinger, aftaler om automatisk optankning, udbetalinger og bestillinger af kort: beløb, mailadresse, det bankkontonummer eller den adresse, du har skrevet, og hvilken version af handelsbetingelserne du accepterede. Af et kreditkort gemmer vi mærke, udløb og de sidste fire cifre. Resten har Stripe, som tager imod betalingen.',
      en: 'Your deposits, agreements on automatic top-up, payouts and orders of cards: amounts, email address, the bank account number or the address that you wrote, and which version of the terms you accepted. Of a bank card we store the brand, the expiry and the last four digits. Stripe, which takes the payment, has the rest.',
    },
    deeds: {
      da: 'Det, du har ændret her, for eksempel da du spærrede et kort.',
      en: 'What you have changed here, for example when you blocked a card.',
    },
  },
  storedChild: { da: 'Hvad er gemt om hvert barn?', en: 'What is stored about each child?' },
  childItems: {
    account: {
      da: 'Barnets navn, fødselsdag, skole og klub, konto, Maks forbrug, de varegrupper, der er lukket for, og kort. Af et kort er der kun gemt det nummer, der står på det, og en kode, der er beregnet ud fra chippens nummer.',
      en: 'The child’s name, birthday, school and club, account, maximum spending, the kinds of items that are closed, and cards. Of a card, only the number printed on it and a fingerprint of the chip’s number are stored.',
    },
    movements: {
      da: 'Hver bevægelse på kontoen: hvornår, hvor, hvilke varer, og hvad saldoen var bagefter.',
      en: 'Each movement on the account: when, where, which products, and what the balance was afterwards.',
    },
    messages: {
      da: 'De beskeder, som terminalerne har sendt om køb, også om køb, der blev afvist.',
      en: 'The messages that the terminals have sent about purchases, also about purchases that were declined.',
    },
    staffDeeds: {
      da: 'Det, kommunens medarbejdere har ændret for barnet, på kontoen og på kortene, og hvem der gjorde det.',
      en: 'What the municipality’s staff have changed for the child, the account and the cards, and who did it.',
    },
    guardians: {
      da: 'Hvem der er barnets forældre, som koder beregnet ud fra CPR-numre, og hvem der har set på barnets oplysninger.',
      en: 'Who the child’s parents are, as fingerprints of CPR numbers, and who has looked at the child’s information.',
    },
  },
  kept: {
    da: (cases: number, viewings: number, books: number) =>
      `En supportsag slettes ${monthsDa(cases)}, efter at den er lukket. Hvem der har set på hvad, og hvad du har ændret her, slettes efter ${monthsDa(viewings)}. Når et barn er meldt ud, kan kommunen slette dets oplysninger. Det, som bogføringsloven kræver, gemmes i ${books} regnskabsår.`,
    en: (cases: number, viewings: number, books: number) =>
      `A support case is deleted ${monthsEn(cases)} after it was closed. Who has looked at what, and what you have changed here, is deleted after ${monthsEn(viewings)}. When a child has left, the municipality can erase its information. What the bookkeeping act asks for is kept for ${books} financial years.`,
  },
  take: { da: 'Hent dine oplysninger', en: 'Take it with you' },
  takeText: {
    da: 'Filen er i formatet JSON og kan åbnes i en teksteditor. Koder beregnet ud fra CPR- og kortnumre, koder til log-in, terminalernes beskeder (også dem om afviste køb), indholdet af mails, der ikke er sendt, og alt om andre forældre er ikke med. Spørg supporten, hvis du mangler noget.',
    en: 'The file is in the JSON format and can be opened in a text editor. Fingerprints, log-in codes, the terminals’ messages (also those about declined purchases), the content of mails that have not been sent, and everything about other parents are left out. Ask support if you miss something.',
  },
  download: { da: 'Hent en fil om mig og mine børn', en: 'Download a file about me and my children' },
  viewings: { da: 'Hvem har set på dine børns oplysninger?', en: 'Who has looked at your children’s information?' },
  viewingsText: {
    da: 'Hver dag, hvor nogen har åbnet en side med barnets oplysninger, står her én gang for hver, der så på dem. Kommunens medarbejdere står med navn. Andre forældre står samlet og uden navn. De seneste vises her, og alle er med i filen.',
    en: 'Each day on which somebody opened a page with the child’s information is listed once for each who looked. The municipality’s staff are listed by name. Other parents are listed together and without a name. The latest are shown here, and all of them are in the file.',
  },
  viewingsOf: { da: (name: string) => `Hvem har set på ${name}`, en: (name: string) => `Who has looked at ${name}` },
  viewingsNone: { da: 'Ingen har set på oplysningerne endnu.', en: 'Nobody has looked at the information yet.' },
  day: { da: 'Dag', en: 'Day' },
  who: { da: 'Hvem', en: 'Who' },
  you: { da: 'Dig', en: 'You' },
  otherGuardian: { da: 'En anden forælder', en: 'Another parent' },
  staff: { da: (name: string) => `${name} (kommunen)`, en: (name: string) => `${name} (the municipality)` },
  file: {
    amounts: {
      da: 'Beløb er i hele øre: 4550 er 45,50 kr. Det, der går ud af kontoen, er negativt.',
      en: 'Amounts are in whole øre: 4550 is DKK 45.50. What goes out of the account is negative.',
    },
    instants: {
      da: 'Tidspunkter er i UTC, som er en eller to timer bagud i forhold til dansk tid. Dage er danske dage.',
      en: 'Times are in UTC, one or two hours behind Danish time. Days are Danish days.',
    },
    leftOut: {
      da: 'Ikke med: koder beregnet ud fra CPR- og kortnumre, koder til log-in, terminalernes beskeder (også dem om afviste køb), indholdet af mails, der ikke er sendt, og alt om andre forældre.',
      en: 'Left out: fingerprints of CPR numbers and cards, log-in codes, the terminals’ messages (also those about declined purchases), the content of mails that have not been sent, and everything about other parents.',
    },
  },
} satisfies Texts
