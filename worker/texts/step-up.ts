import type { Refusal } from '../confirmations.ts'
import type { Both, Texts } from './language.ts'

/** Why a log-in that was to confirm something did not, and why what was confirmed was not done after all. */
export const stepUp = {
  back: { da: 'Tilbage', en: 'Back' },
  unknown: {
    title: { da: 'Godkendelsen tog for lang tid', en: 'The approval took too long' },
    text: {
      da: 'Du skal være færdig hos MitID inden for 15 minutter. Der er ikke sket noget. Gå tilbage, og prøv igen.',
      en: 'You must be finished at MitID within 15 minutes. Nothing has happened. Go back, and try again.',
    },
  },
  used: {
    title: { da: 'Svaret fra MitID kan ikke bruges igen', en: 'The answer from MitID cannot be used again' },
    text: {
      da: 'Et svar fra MitID kan bruges én gang og i 15 minutter. Har du lige godkendt noget, så se under Konti, hvad der er sket.',
      en: 'An answer from MitID can be used once and for 15 minutes. If you have just approved something, see under Accounts what has happened.',
    },
  },
  mismatch: {
    title: { da: 'Svaret hører ikke til din godkendelse', en: 'The answer does not belong to your approval' },
    text: {
      da: 'Det kan ske, hvis du er gået til MitID fra flere faner. Der er ikke sket noget. Luk de andre faner, gå tilbage, og prøv igen.',
      en: 'This can happen if you went to MitID from several tabs. Nothing has happened. Close the other tabs, go back, and try again.',
    },
  },
  refused: {
    title: { da: 'Du afbrød godkendelsen', en: 'You cancelled the approval' },
    text: {
      da: 'Der er ikke sket noget. Vil du godkende alligevel, så gå tilbage, og prøv igen.',
      en: 'Nothing has happened. If you want to approve after all, go back, and try again.',
    },
  },
  assurance: {
    title: { da: 'Sikringsniveauet er for lavt', en: 'The level of assurance is too low' },
    text: {
      da: 'Du skal godkende med MitID på niveauet »Betydelig«, med MitID-appen, kodeviser eller chip. Der er ikke sket noget.',
      en: 'You must approve with MitID at the level “Substantial”, with the MitID app, code display or chip. Nothing has happened.',
    },
  },
  invalid: {
    title: { da: 'Svaret fra MitID kunne ikke bekræftes', en: 'The answer from MitID could not be verified' },
    text: {
      da: 'Af hensyn til sikkerheden er der ikke sket noget. Gå tilbage, og prøv igen. Bliver det ved, så ring til supporten.',
      en: 'For safety nothing has happened. Go back, and try again. If it keeps happening, call support.',
    },
  },
  unavailable: {
    title: { da: 'MitID svarer ikke lige nu', en: 'MitID is not answering right now' },
    text: {
      da: 'Det er ikke din fejl. Der er ikke sket noget. Prøv igen om nogle minutter.',
      en: 'It is not your fault. Nothing has happened. Try again in a few minutes.',
    },
  },
  often: {
    title: { da: 'For mange forsøg', en: 'Too many attempts' },
    text: {
      da: 'Du er gået til MitID for mange gange på kort tid. Der er ikke sket noget. Vent et minut, og prøv igen.',
      en: 'You have gone to MitID too many times in a short time. Nothing has happened. Wait a minute, and try again.',
    },
  },
  somebodyElse: {
    title: { da: 'Det var en anden, der godkendte', en: 'Somebody else approved' },
    text: {
      da: 'Den, der er logget ind her, skal selv godkende med sit eget MitID. Der er ikke sket noget. Gå tilbage, og prøv igen.',
      en: 'Whoever is logged in here must approve with their own MitID. Nothing has happened. Go back, and try again.',
    },
  },
  notAnew: {
    title: { da: 'MitID bad dig ikke godkende igen', en: 'MitID did not ask you to approve again' },
    text: {
      da: 'Svaret gælder et log-in fra før. Derfor er der ikke sket noget. Gå tilbage, og prøv igen. Bliver det ved, så ring til supporten.',
      en: 'The answer is about an earlier log-on. So nothing has happened. Go back, and try again. If it keeps happening, call support.',
    },
  },
  sessionEnded: {
    title: { da: 'Du er blevet logget ud imens', en: 'You have been logged out meanwhile' },
    text: {
      da: 'Du blev logget ud, mens du var hos MitID. Der er ikke sket noget. Log ind igen, og godkend så en gang til.',
      en: 'You were logged out while you were at MitID. Nothing has happened. Log in again, and then approve once more.',
    },
  },
  notDoneTitle: { da: 'Det kunne ikke gennemføres', en: 'It could not be done' },
  notDone: {
    not_enough: {
      da: 'Der står ikke længere så meget på kontoen. Der er ikke udbetalt noget. Gå tilbage, og ret beløbet.',
      en: 'The account no longer holds that much. Nothing has been paid out. Go back, and change the amount.',
    },
    over_day_max: {
      da: 'Der er udbetalt så meget fra kontoen i dag, at beløbet er over dagens grænse. Der er ikke udbetalt noget nu. Gå tilbage, og ret beløbet, eller prøv igen i morgen.',
      en: 'So much has been paid out from the account today that the amount is above the day’s limit. Nothing has been paid out now. Go back and change the amount, or try again tomorrow.',
    },
    changed: {
      da: 'Noget af pengene kan ikke længere sendes tilbage til det kort, de kom fra, så udbetalingen skal fordeles på ny. Der er ikke udbetalt noget. Gå tilbage, tryk Ret, og se den nye fordeling.',
      en: 'Some of the money can no longer go back to the card it came from, so the payout must be divided anew. Nothing has been paid out. Go back, press Change, and see how it is divided now.',
    },
    too_old: {
      da: 'Der gik mere end 30 minutter, fra du udfyldte formularen. Der er ikke udbetalt noget. Gå tilbage, tryk Ret, og send den igen. Det, du skrev, står der stadig.',
      en: 'More than 30 minutes went by since you filled in the form. Nothing has been paid out. Go back, press Change, and send it again. What you wrote is still there.',
    },
    child_left: {
      da: 'Barnet er meldt ud, så der kan ikke oprettes automatisk optankning. Der er ikke trukket penge.',
      en: 'The child has left, so automatic top-up cannot be set up. No money has been taken.',
    },
    already: {
      da: 'Der er kommet en anden aftale om automatisk optankning på kontoen. Der kan være én ad gangen. Der er ikke trukket penge.',
      en: 'Another agreement on automatic top-up has come into force for the account. There can be one at a time. No money has been taken.',
    },
    in_force: {
      da: 'Aftalen har allerede et kort. Gå tilbage, og se den.',
      en: 'The agreement has a card already. Go back to see it.',
    },
    ended: {
      da: 'Aftalen er annulleret eller opgivet. Der er ikke trukket penge. Gå tilbage, og opret en ny.',
      en: 'The agreement was cancelled or given up. No money has been taken. Go back, and make a new one.',
    },
    unavailable: {
      da: 'Stripe svarer ikke lige nu, så du kan ikke angive et kort. Der er ikke trukket penge. Prøv igen om lidt.',
      en: 'Stripe does not answer right now, so you cannot give a card. No money has been taken. Try again in a moment.',
    },
  } satisfies Record<Exclude<Refusal, 'not_found'>, Both<string>>,
} satisfies Texts
