import type { Texts } from './language.ts'

/** Support: the guardian's cases, and one of them. */
export const support = {
  title: { da: 'Support', en: 'Support' },
  intro: {
    da: 'Skriv til os her, eller ring. Vi svarer på denne side.',
    en: 'Write to us here, or call. We answer on this page.',
  },
  cases: { da: 'Dine sager', en: 'Your cases' },
  none: { da: 'Du har ikke skrevet til os endnu.', en: 'You have not written to us yet.' },
  states: {
    waiting: { da: 'Venter på svar', en: 'Awaiting an answer' },
    answered: { da: 'Besvaret', en: 'Answered' },
    closed: { da: 'Lukket', en: 'Closed' },
  },
  latest: { da: (when: string) => `Senest skrevet ${when}`, en: (when: string) => `Last written ${when}` },
  opening: { da: 'Opret en sag', en: 'Open a case' },
  openingHint: {
    da: 'Kun du og supporten kan se, hvad du skriver. Barnets andre forældre kan ikke. Der kan ikke vedhæftes filer.',
    en: 'Only you and support can see what you write. The child’s other parents cannot. Files cannot be attached.',
  },
  subject: { da: 'Emne', en: 'Subject' },
  subjectHint: { da: 'Højst 120 tegn.', en: 'At most 120 characters.' },
  account: { da: 'Hvilken konto drejer det sig om?', en: 'Which account is it about?' },
  accountNone: { da: 'Ingen bestemt konto', en: 'No particular account' },
  text: { da: 'Spørgsmål', en: 'Question' },
  textHint: {
    da: 'Højst 4.000 tegn. Skriv ikke CPR-numre.',
    en: 'At most 4,000 characters. Do not write CPR numbers.',
  },
  phoneField: { da: 'Telefonnummer', en: 'Telephone number' },
  phoneHint: {
    da: 'Kun hvis vi må ringe til dig. Udenlandske numre begynder med + og landekoden.',
    en: 'Only if we may call you. Foreign numbers begin with + and the country code.',
  },
  call: { da: 'Ring mig op', en: 'Call me' },
  open: { da: 'Opret sag', en: 'Open case' },
  subjectWrong: {
    da: 'Skriv et emne på 1 til 120 tegn, på en enkelt linje.',
    en: 'Write a subject of 1 to 120 characters, on a single line.',
  },
  textMissing: { da: 'Skriv, hvad vi kan hjælpe med.', en: 'Write what we can help with.' },
  textLong: {
    da: (count: number) => `Du har skrevet ${count} tegn. Der er plads til højst 4.000.`,
    en: (count: number) => `You have written ${count} characters. There is room for at most 4,000.`,
  },
  textWrong: {
    da: 'Der er tegn i teksten, som vi ikke kan gemme. Skriv den igen uden at kopiere.',
    en: 'The text has characters that we cannot store. Type it again without copying.',
  },
  accountWrong: {
    da: 'Vælg en af kontiene på listen, eller ingen bestemt konto.',
    en: 'Choose one of the accounts in the list, or no particular account.',
  },
  phoneWrong: {
    da: 'Skriv et telefonnummer på otte cifre, eller et udenlandsk, der begynder med +.',
    en: 'Write a telephone number of eight digits, or a foreign one that begins with +.',
  },
  phoneNeeded: {
    da: 'Skriv dit telefonnummer, hvis vi skal ringe dig op.',
    en: 'Write your telephone number if we are to call you.',
  },
  sendAgain: {
    da: 'Der blev ikke gemt noget. Se teksten igennem, og send den igen.',
    en: 'Nothing was saved. Look through the text, and send it again.',
  },
  tooManyCases: {
    da: (open: number, daily: number) =>
      `Sagen er ikke oprettet. Du kan have ${open} åbne sager ad gangen og oprette ${daily} i døgnet. Skriv i en af dine sager, eller prøv igen i morgen.`,
    en: (open: number, daily: number) =>
      `The case has not been opened. You can have ${open} open cases at a time and open ${daily} in 24 hours. Write in one of your cases, or try again tomorrow.`,
  },
  tooManyMessages: {
    da: (daily: number, room: number) =>
      `Beskeden er ikke sendt. Du kan sende ${daily} beskeder i døgnet, og der er plads til ${room} i en sag. Opret en ny sag, eller prøv igen i morgen.`,
    en: (daily: number, room: number) =>
      `The message has not been sent. You can send ${daily} messages in 24 hours, and there is room for ${room} in a case. Open a new case, or try again tomorrow.`,
  },
  opened: {
    da: 'Sagen er oprettet. Svaret kommer på denne side.',
    en: 'The case has been opened. The answer will come on this page.',
  },
  replied: { da: 'Din besked er sendt.', en: 'Your message has been sent.' },
  mailComes: { da: 'Du får en mail, når vi har svaret.', en: 'You will get a mail when we have answered.' },
  noMail: {
    da: 'Vi har ingen mailadresse til dig. Kig derfor her efter svaret.',
    en: 'We have no mail address for you. So look here for the answer.',
  },
  about: { da: 'Konto', en: 'Account' },
  state: { da: 'Status', en: 'State' },
  messages: { da: 'Beskeder', en: 'Messages' },
  from: {
    guardian: { da: 'Dig', en: 'You' },
    staff: { da: 'Supporten', en: 'Support' },
  },
  reply: { da: 'Skriv mere', en: 'Write more' },
  replyClosed: {
    da: 'Sagen er lukket. Skriver du igen, bliver den åbnet igen.',
    en: 'The case is closed. If you write again, it is opened again.',
  },
  replyText: { da: 'Besked', en: 'Message' },
  send: { da: 'Send', en: 'Send' },
  back: { da: 'Alle dine sager', en: 'All your cases' },
} satisfies Texts
