import type { Texts } from './language.ts'

/** Brugerinfo. */
export const profile = {
  title: { da: 'Brugerinfo', en: 'User info' },
  editing: {
    da: (name: string) => `Du retter kontoen for ${name}.`,
    en: (name: string) => `You are editing the account of ${name}.`,
  },
  cards: { da: 'Mine kort', en: 'My cards' },
  noCard: {
    da: 'Der er ikke udleveret et kort til kontoen endnu.',
    en: 'No card has been handed out for this account yet.',
  },
  card: { da: (id: number) => `Kort nr. ${id}`, en: (id: number) => `Card no. ${id}` },
  since: { da: (day: string) => `udleveret ${day}`, en: (day: string) => `handed out ${day}` },
  block: { da: 'Spær kort', en: 'Block card' },
  activate: { da: 'Aktiver kort', en: 'Activate card' },
  advice: {
    da: 'Er kortet væk? Det kan være en god idé at starte med at spærre kortet og vente 2-3 dage, før et nyt kort bestilles, for at se om det gamle kort dukker op igen. Bliver kortet fundet, aktiverer du det her igen.',
    en: 'Is the card lost? It can be a good idea to block it first and wait two or three days before ordering a new one, to see whether the old card turns up. If it does, you activate it here again.',
  },
  blocked: {
    da: 'Kortet er spærret. Det kan ikke bruges, fra nu af.',
    en: 'The card is blocked. It cannot be used from now on.',
  },
  activated: { da: 'Kortet er aktivt og kan bruges igen.', en: 'The card is active and can be used again.' },
  cardClosed: { da: 'Kortet er lukket for altid.', en: 'The card is closed for good.' },
  terminalsAll: {
    da: (all: number) => `Alle ${all} terminaler har fået det at vide.`,
    en: (all: number) => `All ${all} terminals have been told.`,
  },
  terminalsSome: {
    da: (told: number, all: number) =>
      `${told} af ${all} terminaler har fået det at vide. De andre spørger, så snart de har forbindelse.`,
    en: (told: number, all: number) =>
      `${told} of ${all} terminals have been told. The others ask as soon as they are connected.`,
  },
  told: { da: 'har den seneste kortliste', en: 'has the newest card list' },
  notYetTold: { da: 'har den ikke endnu', en: 'does not have it yet' },
  lastSeen: { da: 'Sidst i forbindelse', en: 'Last connected' },
  never: { da: 'Aldrig', en: 'Never' },
  limit: { da: 'Maks forbrug', en: 'Maximum spending' },
  limitField: { da: 'Højst pr. dag, i kroner', en: 'At most per day, in kroner' },
  limitHint: {
    da: 'Skriv for eksempel 50 eller 37,50. Lad feltet stå tomt, hvis der ikke skal være en grænse.',
    en: 'Write for example 50 or 37,50. Leave it empty for no limit.',
  },
  limitNow: {
    da: (limit: string) => `Grænsen er nu ${limit} om dagen.`,
    en: (limit: string) => `The limit is now ${limit} a day.`,
  },
  limitNone: { da: 'Der er ingen grænse nu.', en: 'There is no limit now.' },
  limitWrong: {
    da: 'Skriv et beløb i kroner mellem 1 og 10.000, for eksempel 50 eller 37,50.',
    en: 'Write an amount in kroner between 1 and 10.000, for example 50 or 37,50.',
  },
  limitSaved: { da: 'Maks forbrug er gemt.', en: 'The maximum spending has been saved.' },
  save: { da: 'Gem', en: 'Save' },
  about: { da: 'Om dig', en: 'About you' },
  aboutIntro: {
    da: 'Det her gælder for dig og kan ikke ses af barnets andre forældre.',
    en: 'This is about you, and the child’s other parents cannot see it.',
  },
  language: { da: 'Sprog', en: 'Language' },
  danish: { da: 'Dansk', en: 'Danish' },
  english: { da: 'Engelsk', en: 'English' },
  mail: { da: 'Mailadresse', en: 'Mail address' },
  mailWrong: { da: 'Skriv en mailadresse som navn@eksempel.dk.', en: 'Write a mail address such as name@example.org.' },
  mailNeeded: {
    da: 'Skriv din mailadresse, hvis du vil have besked.',
    en: 'Write your mail address if you want to be told.',
  },
  tell: { da: 'Send mig en mail', en: 'Send me a mail' },
  tellBelow: { da: 'når saldoen kommer under', en: 'when the balance falls below' },
  tellBelowField: { da: 'Beløb i kroner', en: 'Amount in kroner' },
  tellBelowWrong: {
    da: 'Skriv et beløb i kroner mellem 1 og 10.000.',
    en: 'Write an amount in kroner between 1 and 10.000.',
  },
  tellPurchases: { da: 'ved hvert køb', en: 'at each purchase' },
  tellWeekly: { da: 'hver mandag med ugens forbrug', en: 'each Monday with the week’s spending' },
  aboutSaved: { da: 'Dine oplysninger er gemt.', en: 'Your information has been saved.' },
} satisfies Texts
