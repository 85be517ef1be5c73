/** What the guides, and the pages, call things. The Danish ones are the guides' to the letter. */
export type Labels = {
  logIn: string
  logOut: string
  loggedOut: string
  account: string
  accounts: string
  statement: string
  profile: string
  support: string
  cards: string
  block: string
  activate: string
  closeSweets: string
  openSweets: string
  blocked: string
  active: string
  limit: string
  limitField: string
  save: string
  from: string
  to: string
  show: string
  csv: string
  pdf: string
  mail: string
  subject: string
  question: string
  phone: string
  callMe: string
  openCase: string
  answered: string
  deposit: string
  payIn: string
  topUp: string
  amount: string
  accept: string
  next: string
  receipt: string
  creditCard: string
  cancelled: string
  changeCard: string
  cancelAgreement: string
  cancelAgreementYes: string
  otherLanguage: string
}

export const DANISH: Labels = {
  logIn: 'Log ind med MitID', // The guide's 'Log på med MitID/NemID' is from before MitID settled the wording.
  logOut: 'Log ud',
  loggedOut: 'Du er logget ud',
  account: 'Konto',
  accounts: 'Konti',
  statement: 'Kontoudtog',
  profile: 'Brugerinfo',
  support: 'Support',
  cards: 'Mine kort',
  block: 'Spær kort',
  activate: 'Aktiver kort',
  closeSweets: 'Luk for slik',
  openSweets: 'Åbn for slik',
  blocked: 'Spærret',
  active: 'Aktivt',
  limit: 'Maks forbrug',
  limitField: 'Højst pr. dag, i kroner',
  save: 'Gem',
  from: 'Fra dato',
  to: 'Til dato',
  show: 'Vis',
  csv: 'Hent som regneark (CSV)',
  pdf: 'Hent som PDF',
  mail: 'Mailadresse',
  subject: 'Emne',
  question: 'Spørgsmål',
  phone: 'Telefonnummer',
  callMe: 'Ring mig op',
  openCase: 'Opret sag',
  answered: 'Besvaret',
  deposit: 'Indbetaling',
  payIn: 'Indbetal',
  topUp: 'Automatisk optankning',
  amount: 'Beløb',
  accept: 'Jeg har læst og accepterer handelsbetingelserne',
  next: 'Næste',
  receipt: 'Kvittering',
  creditCard: 'Kreditkort',
  cancelled: 'Du afbrød betalingen',
  changeCard: 'Skift kort',
  cancelAgreement: 'Annullér aftale',
  cancelAgreementYes: 'Ja, annullér aftalen',
  otherLanguage: 'English',
}

export const ENGLISH: Labels = {
  logIn: 'Log on with MitID',
  logOut: 'Log out',
  loggedOut: 'You have been logged out',
  account: 'Account',
  accounts: 'Accounts',
  statement: 'Statement',
  profile: 'User info',
  support: 'Support',
  cards: 'My cards',
  block: 'Block card',
  activate: 'Activate card',
  closeSweets: 'Close sweets',
  openSweets: 'Open sweets',
  blocked: 'Blocked',
  active: 'Active',
  limit: 'Maximum spending',
  limitField: 'At most per day, in kroner',
  save: 'Save',
  from: 'From date',
  to: 'To date',
  show: 'Show',
  csv: 'Download as spreadsheet (CSV)',
  pdf: 'Download as PDF',
  mail: 'Email address',
  subject: 'Subject',
  question: 'Question',
  phone: 'Telephone number',
  callMe: 'Call me',
  openCase: 'Open case',
  answered: 'Answered',
  deposit: 'Deposit',
  payIn: 'Pay in',
  topUp: 'Automatic top-up',
  amount: 'Amount',
  accept: 'I have read and accept the terms and conditions',
  next: 'Next',
  receipt: 'Receipt',
  creditCard: 'Credit card',
  cancelled: 'You cancelled the payment',
  changeCard: 'Change card',
  cancelAgreement: 'Cancel agreement',
  cancelAgreementYes: 'Yes, cancel the agreement',
  otherLanguage: 'Dansk',
}
