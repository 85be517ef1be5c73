import type { Texts } from './language.ts'

/** What stands around every page: the menu, the switcher, the footer, and what may go wrong anywhere. */
export const portal = {
  solution: { da: 'Betalingskort', en: 'Payment card' },
  titleOf: {
    da: (page: string, municipality: string) => `${page} – Betalingskort – ${municipality}`,
    en: (page: string, municipality: string) => `${page} – Payment card – ${municipality}`,
  },
  skip: { da: 'Gå til sidens indhold', en: 'Skip to content' },
  menu: { da: 'Menu', en: 'Menu' },
  accounts: { da: 'Konti', en: 'Accounts' },
  deposit: { da: 'Indbetaling', en: 'Deposit' },
  statement: { da: 'Kontoudtog', en: 'Statement' },
  profile: { da: 'Brugerinfo', en: 'User info' },
  support: { da: 'Support', en: 'Support' },
  account: { da: 'Konto', en: 'Account' },
  switchAccount: { da: 'Skift konto', en: 'Switch account' },
  logOut: { da: 'Log ud', en: 'Log out' },
  loggedIn: { da: (name: string) => `Logget ind: ${name}`, en: (name: string) => `Logged in: ${name}` },
  loggedInNameless: { da: 'Du er logget ind', en: 'You are logged in' },
  otherLanguage: { da: 'English', en: 'Dansk' },
  otherLanguageCode: { da: 'en', en: 'da' },
  authority: { da: 'Ansvarlig myndighed', en: 'Responsible authority' },
  phone: { da: 'Telefon', en: 'Telephone' },
  mail: { da: 'Mail', en: 'Email' },
  hours: { da: 'Åbningstider', en: 'Opening hours' },
  terms: { da: 'Handelsbetingelser', en: 'Terms and conditions' },
  accessibility: { da: 'Tilgængelighed', en: 'Accessibility' },
  privacy: { da: 'Privatliv', en: 'Privacy' },
  formWrong: { da: 'Der er noget, der skal rettes', en: 'Something needs to be corrected' },
  typedBefore: {
    da: 'Du var blevet logget ud. Her er det, du var i gang med at skrive. Det er ikke gemt endnu.',
    en: 'You had been logged out. Here is what you were writing. It has not been saved yet.',
  },
  notFoundTitle: { da: 'Siden findes ikke', en: 'Page not found' },
  notFound: {
    da: 'Der er ikke noget her. Måske er adressen skrevet forkert, eller siden er flyttet.',
    en: 'There is nothing here. The address may be mistyped, or the page has moved.',
  },
  failedTitle: { da: 'Noget gik galt hos os', en: 'Something went wrong on our side' },
  failed: {
    da: 'Prøv igen om lidt. Hvis det bliver ved, så ring til supporten.',
    en: 'Try again in a moment. If it keeps happening, call support.',
  },
  staleTitle: { da: 'Siden var for gammel', en: 'The page was too old' },
  stale: {
    da: 'Der er ikke ændret noget. Gå tilbage, hent siden igen, og prøv så en gang til.',
    en: 'Nothing has been changed. Go back, reload the page, and try again.',
  },
  badFormTitle: { da: 'Formularen kunne ikke læses', en: 'The form could not be read' },
  expiredTitle: { da: 'Du er blevet logget ud', en: 'You have been logged out' },
  expired: {
    da: 'Du har været logget ind for længe, eller du er logget ud et andet sted. Der er ikke ændret noget.',
    en: 'You have been logged in for too long, or you have logged out elsewhere. Nothing has been changed.',
  },
  expiredKept: {
    da: 'Når du er logget ind igen, kommer du tilbage til formularen med det, du har skrevet.',
    en: 'When you have logged in again, you return to the form with what you wrote.',
  },
  expiredAgain: {
    da: 'Log ind igen, og prøv så en gang til.',
    en: 'Log in again, and then try once more.',
  },
  oftenTitle: { da: 'For mange gange på kort tid', en: 'Too often in a short time' },
  often: {
    da: 'Der er ikke ændret noget. Vent et minut, gå tilbage, og prøv igen.',
    en: 'Nothing has been changed. Wait a minute, go back, and try again.',
  },
  tooLargeTitle: { da: 'Formularen fylder for meget', en: 'The form is too large' },
  tooLarge: {
    da: 'Der er ikke ændret noget. Gå tilbage, gør teksten kortere, og prøv igen.',
    en: 'Nothing has been changed. Go back, make the text shorter, and try again.',
  },
} satisfies Texts
