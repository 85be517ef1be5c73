import type { Texts } from './language.ts'

/** Log-in, log-out, and what may go wrong at either. */
export const login = {
  title: { da: 'Log ind', en: 'Log on' },
  button: { da: 'Log ind med MitID', en: 'Log on with MitID' },
  intro: {
    da: 'Når du er logget ind, kan du for hvert af dine børn:',
    en: 'When you have logged in, you can do this for each of your children:',
  },
  canSee: {
    da: 'se saldo, køb og kontoudtog',
    en: 'see the balance, purchases and statement of account',
  },
  canPay: {
    da: 'indbetale penge, med automatisk optankning hvis du vil, og få penge udbetalt',
    en: 'deposit money, with automatic top-up if you wish, and have money paid out',
  },
  canBlock: {
    da: 'spærre et betalingskort, der er blevet væk, aktivere det igen eller bestille et nyt',
    en: 'block a payment card that has been lost, activate it again, or order a new one',
  },
  canLimit: {
    da: 'bestemme, hvor meget der højst må bruges på en dag',
    en: 'decide how much may be spent in one day at most',
  },
  canAsk: { da: 'skrive til supporten', en: 'write to support' },
  loggedOutTitle: { da: 'Du er logget ud', en: 'You have been logged out' },
  loggedOut: {
    da: 'Bruger andre også denne telefon eller computer, så luk browseren.',
    en: 'If others use this telephone or computer too, close the browser.',
  },
  helpTitle: { da: 'Kan du ikke logge ind?', en: 'Cannot log on?' },
  helpMitid: {
    da: 'Har du glemt dit bruger-id, eller virker MitID ikke, så få hjælp på mitid.dk.',
    en: 'If you have forgotten your user ID, or MitID does not work, get help at mitid.dk.',
  },
  helpSupport: {
    da: 'Er det noget andet, så kontakt supporten:',
    en: 'If it is something else, contact support:',
  },
  again: { da: 'Prøv igen', en: 'Try again' },
  refusedTitle: { da: 'Du afbrød log-in', en: 'You cancelled the log-on' },
  refused: {
    da: 'Du er ikke logget ind, og der er ikke ændret noget. Vil du logge ind alligevel, så begynd forfra.',
    en: 'You are not logged in, and nothing has been changed. If you want to log on after all, start again.',
  },
  unknownTitle: { da: 'Log-in tog for lang tid', en: 'The log-on took too long' },
  unknown: {
    da: 'Et log-in skal være færdigt inden for 15 minutter i den samme browser, og svaret fra MitID kan kun bruges én gang. Du er ikke logget ind, og der er ikke ændret noget. Begynd forfra. Bliver det ved, så tjek, at browseren tillader cookies.',
    en: 'A log-on must be finished within 15 minutes in the same browser, and the answer from MitID can be used only once. You are not logged in, and nothing has been changed. Start again. If it keeps happening, check that the browser allows cookies.',
  },
  mismatchTitle: { da: 'Svaret hører ikke til dit log-in', en: 'The answer does not belong to your log-on' },
  mismatch: {
    da: 'Det kan ske, hvis du har begyndt at logge ind i flere faner. Der er ikke ændret noget. Luk de andre faner, og begynd forfra.',
    en: 'This can happen if you began to log on in several tabs. Nothing has been changed. Close the other tabs, and start again.',
  },
  assuranceTitle: { da: 'Sikringsniveauet er for lavt', en: 'The level of assurance is too low' },
  assurance: {
    da: 'Du skal bruge MitID på niveauet »Betydelig« for at logge ind her. Du er ikke logget ind, og der er ikke ændret noget. Begynd forfra, og godkend med MitID-appen, kodeviser eller chip.',
    en: 'You need MitID at the level “Substantial” to log on here. You are not logged in, and nothing has been changed. Start again, and approve with the MitID app, code display or chip.',
  },
  invalidTitle: { da: 'Svaret fra MitID kunne ikke bekræftes', en: 'The answer from MitID could not be verified' },
  invalid: {
    da: 'Af hensyn til sikkerheden er du ikke logget ind, og der er ikke ændret noget. Begynd forfra. Bliver det ved, så ring til supporten.',
    en: 'For safety you are not logged in, and nothing has been changed. Start again. If it keeps happening, call support.',
  },
  unavailableTitle: { da: 'MitID svarer ikke lige nu', en: 'MitID is not answering right now' },
  unavailable: {
    da: 'Det er ikke din fejl. Du er ikke logget ind, og der er ikke ændret noget. Prøv igen om nogle minutter. Haster det med at få spærret et kort, så ring til supporten.',
    en: 'It is not your fault. You are not logged in, and nothing has been changed. Try again in a few minutes. If a card must be blocked at once, call support.',
  },
  oftenTitle: { da: 'For mange forsøg', en: 'Too many attempts' },
  often: {
    da: 'Der er forsøgt at logge ind for mange gange på kort tid. Vent et minut, og prøv igen.',
    en: 'There have been too many attempts to log on in a short time. Wait a minute, and try again.',
  },
} satisfies Texts
