import type { Texts } from './language.ts'

/** Konti, the front page. */
export const accounts = {
  title: { da: 'Konti', en: 'Accounts' },
  intro: {
    da: 'Her er alle de betalingskort og konti, du har adgang til.',
    en: 'These are all the payment cards and accounts that you have access to.',
  },
  balance: { da: 'Saldo', en: 'Balance' },
  cards: { da: 'Betalingskort', en: 'Payment cards' },
  noCard: { da: 'Intet kort endnu', en: 'No card yet' },
  card: { da: (id: number) => `Kort nr. ${id}`, en: (id: number) => `Card no. ${id}` },
  status: {
    active: { da: 'Aktivt', en: 'Active' },
    blocked: { da: 'Spærret', en: 'Blocked' },
    closed: { da: 'Lukket', en: 'Closed' },
  },
  spentToday: { da: 'Brugt i dag', en: 'Spent today' },
  spentOf: {
    da: (spent: string, limit: string) => `${spent} af højst ${limit}`,
    en: (spent: string, limit: string) => `${spent} of at most ${limit}`,
  },
  latest: { da: 'Seneste bevægelser', en: 'Latest movements' },
  none: { da: 'Der er ingen bevægelser endnu.', en: 'There are no movements yet.' },
  deposit: { da: 'Indbetal', en: 'Pay in' },
  payout: { da: 'Udbetal', en: 'Pay out' },
  left: {
    da: (name: string) => `${name} er meldt ud, og kortet er spærret. Det, der står på kontoen, kan udbetales.`,
    en: (name: string) => `${name} has left, and the card is blocked. What the account holds can be paid out.`,
  },
  statementOf: { da: (name: string) => `Kontoudtog for ${name}`, en: (name: string) => `Statement for ${name}` },
  profileOf: { da: (name: string) => `Brugerinfo for ${name}`, en: (name: string) => `User info for ${name}` },
  noneTitle: { da: 'Der er ingen konti at vise', en: 'There are no accounts to show' },
  noChildren: {
    da: 'Kommunen har ikke registreret et barn med betalingskort på dit CPR-nummer. Det kan være, fordi dit barn først lige er meldt ind, eller fordi kun den anden forælder er registreret.',
    en: 'The municipality has no child with a payment card registered under your CPR number. Your child may have been enrolled only recently, or only the other parent may be registered.',
  },
  noChildrenDo: {
    da: 'Tal med kontoret i dit barns klub eller skole, eller skriv til supporten. Så snart du er registreret, ser du kontoen her.',
    en: 'Talk to the office of your child’s club or school, or write to support. As soon as you are registered, you will see the account here.',
  },
  noCpr: {
    da: 'MitID fortalte os ikke dit CPR-nummer, og uden det kan vi ikke se, hvilke børn du er forælder til.',
    en: 'MitID did not tell us your CPR number, and without it we cannot see whose parent you are.',
  },
  noCprDo: {
    da: 'Log ud, og log ind igen. Sig ja, hvis MitID spørger, om CPR-nummeret må deles. Har du ikke et dansk CPR-nummer, så skriv til supporten.',
    en: 'Log out, and log in again. Say yes if MitID asks whether the CPR number may be shared. If you have no Danish CPR number, write to support.',
  },
  writeSupport: { da: 'Skriv til supporten', en: 'Write to support' },
} satisfies Texts
