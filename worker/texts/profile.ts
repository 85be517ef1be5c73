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
  since: { da: (day: string) => `Registreret ${day}`, en: (day: string) => `Registered ${day}` },
  block: { da: 'Spær kort', en: 'Block card' },
  activate: { da: 'Aktiver kort', en: 'Activate card' },
  advice: {
    da: 'Er kortet væk? Det kan være en god idé at starte med at spærre kortet og vente 2-3 dage, før et nyt kort bestilles, for at se om det gamle kort dukker op igen. Bliver kortet fundet, aktiverer du det her igen.',
    en: 'Is the card lost? It can be a good idea to block it first and wait two or three days before ordering a new one, to see whether the old card turns up. If it does, you activate it here again.',
  },
  blocked: {
    da: 'Kortet er spærret. Det virker straks i alle kasser, der er på nettet. En kasse uden forbindelse kan godkende kortet, til den har fået besked.',
    en: 'The card is blocked. That takes effect at once at every till that is online. A till without a connection may accept the card until it has been told.',
  },
  activated: {
    da: 'Kortet er aktivt og kan bruges igen. En kasse uden forbindelse kan afvise det, til den har fået besked.',
    en: 'The card is active and can be used again. A till without a connection may refuse it until it has been told.',
  },
  cardClosed: { da: 'Kortet er lukket og kan ikke bruges igen.', en: 'The card is closed and cannot be used again.' },
  cardFrozen: {
    da: (name: string) => `${name} er meldt ud, så kortet er spærret og kan ikke aktiveres.`,
    en: (name: string) => `${name} has left, so the card is blocked and cannot be activated.`,
  },
  frozen: {
    da: (name: string, balance: string) =>
      `${name} er meldt ud, så kortet er spærret og kan ikke aktiveres. På kontoen står ${balance} Pengene kan udbetales.`,
    en: (name: string, balance: string) =>
      `${name} has left, so the card is blocked and cannot be activated. The account holds ${balance} The money can be paid out.`,
  },
  payOut: { da: 'Udbetal', en: 'Pay out' },
  tillsNone: { da: 'Der er ingen kasser endnu.', en: 'There are no tills yet.' },
  tillsOnly: {
    da: (told: boolean): string =>
      told
        ? 'Spærret på 1 af 1 terminal, også uden net.'
        : 'Spærret på 0 af 1 terminal. Den afviser kortet, når den er på nettet.',
    en: (told: boolean): string =>
      told
        ? 'Blocked on 1 of 1 terminal, offline too.'
        : 'Blocked on 0 of 1 terminal. It refuses the card while it is online.',
  },
  tillsAll: {
    da: (all: number) => `Spærret på ${all} af ${all} terminaler, også uden net.`,
    en: (all: number) => `Blocked on ${all} of ${all} terminals, offline too.`,
  },
  tillsSome: {
    da: (told: number, all: number) =>
      `Spærret på ${told} af ${all} terminaler. De andre afviser kortet, når de er på nettet.`,
    en: (told: number, all: number) =>
      `Blocked on ${told} of ${all} terminals. The others refuse the card while they are online.`,
  },
  told: { da: 'har spærringen på sin egen liste', en: 'has the block on its own list' },
  notYetTold: { da: 'har den ikke på sin egen liste endnu', en: 'does not have it on its own list yet' },
  listed: { da: 'Havde sidst hele kortlisten', en: 'Last had the whole card list' },
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
    da: 'Skriv et beløb mellem 1 og 10.000 kr., for eksempel 50 eller 37,50.',
    en: 'Write an amount between 1 and 10,000 kr., for example 50 or 37,50.',
  },
  limitSaved: { da: 'Maks forbrug er gemt.', en: 'The maximum spending has been saved.' },
  categories: { da: 'Luk for varegrupper', en: 'Close kinds of items' },
  categoriesIntro: {
    da: 'Her kan du lukke for en varegruppe, så dit barn ikke kan købe varer af den med kortet. Det gælder alle barnets kort, og alle barnets forældre kan se og ændre det.',
    en: 'Here you can close a kind of item, so that your child cannot buy it with the card. This applies to all of the child’s cards, and all of the child’s parents can see and change it.',
  },
  categoriesLimits: {
    da: 'Et beløb, som personalet taster ind uden en vare, kan ikke lukkes. En kasse uden forbindelse kan sælge varen, til den har fået besked.',
    en: 'An amount that staff key in without an item cannot be closed. A till without a connection may sell the item until it has been told.',
  },
  categoryOpen: { da: 'Åben', en: 'Open' },
  categoryClosed: {
    da: (day: string) => `Lukket af en forælder ${day}`,
    en: (day: string) => `Closed by a parent ${day}`,
  },
  closeCategory: {
    da: (category: string) => `Luk for ${category.toLowerCase()}`,
    en: (category: string) => `Close ${category.toLowerCase()}`,
  },
  openCategory: {
    da: (category: string) => `Åbn for ${category.toLowerCase()}`,
    en: (category: string) => `Open ${category.toLowerCase()}`,
  },
  categoryHasClosed: {
    da: 'Varegruppen er lukket. Det virker straks i alle kasser, der er på nettet.',
    en: 'The kind of item is closed. That takes effect at once at every till that is online.',
  },
  categoryHasOpened: {
    da: 'Varegruppen er åben igen. En kasse uden forbindelse kan afvise den, til den har fået besked.',
    en: 'The kind of item is open again. A till without a connection may refuse it until it has been told.',
  },
  save: { da: 'Gem', en: 'Save' },
  about: { da: 'Om dig', en: 'About you' },
  aboutIntro: {
    da: 'Det her gælder for dig og kan ikke ses af barnets andre forældre.',
    en: 'This is about you, and the child’s other parents cannot see it.',
  },
  language: { da: 'Sprog', en: 'Language' },
  danish: { da: 'Dansk', en: 'Danish' },
  english: { da: 'Engelsk', en: 'English' },
  mail: { da: 'Mailadresse', en: 'Email address' },
  mailWrong: {
    da: 'Skriv en mailadresse som navn@eksempel.dk.',
    en: 'Write an email address such as name@example.org.',
  },
  mailNeeded: {
    da: 'Skriv din mailadresse, hvis du vil have besked.',
    en: 'Write your email address if you want to be told.',
  },
  tell: { da: 'Send mig en mail', en: 'Email me' },
  tellBelow: { da: 'når saldoen kommer under', en: 'when the balance falls below' },
  tellBelowField: { da: 'Beløb i kroner', en: 'Amount in kroner' },
  tellBelowWrong: {
    da: 'Skriv et beløb mellem 1 og 10.000 kr.',
    en: 'Write an amount between 1 and 10,000 kr.',
  },
  tellPurchases: { da: 'ved hvert køb', en: 'at each purchase' },
  tellWeekly: { da: 'hver mandag med ugens forbrug', en: 'each Monday with the week’s spending' },
  everywhere: { da: 'Log ud alle steder', en: 'Log out everywhere' },
  everywhereText: {
    da: 'Har du mistet en telefon eller glemt at logge ud på en andens computer, så log ud alle steder på én gang, også her.',
    en: 'If you have lost a telephone, or forgot to log out on somebody else’s computer, log out everywhere at once, here too.',
  },
  aboutSaved: { da: 'Dine oplysninger er gemt.', en: 'Your information has been saved.' },
} satisfies Texts
