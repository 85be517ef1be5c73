import type { Texts } from './language.ts'
import { payment } from './payment.ts'

/** Nyt kort: the form, and an order in each of its states. */
export const cardOrder = {
  title: { da: 'Bestil nyt kort', en: 'Order a new card' },
  orders: { da: 'Bestilte kort', en: 'Ordered cards' },
  see: { da: 'Se bestillingen', en: 'See the order' },
  wait: {
    da: 'Det kan være en god idé at starte med at spærre kortet og vente 2-3 dage, før et nyt kort bestilles, for at se om det gamle kort dukker op igen.',
    en: 'It can be a good idea to block the card first and wait two or three days before ordering a new one, to see whether the old card turns up.',
  },
  notBlocked: {
    da: 'Kortet er ikke spærret endnu, så andre kan bruge det, hvis de finder det.',
    en: 'The card has not been blocked yet, so whoever finds it can use it.',
  },
  stillActive: {
    da: 'Kortet er ikke spærret endnu. Andre kan bruge det gamle kort, hvis de finder det, til det nye er udleveret.',
    en: 'The card has not been blocked yet. Whoever finds the old card can use it until the new one has been handed out.',
  },
  toBlock: { da: 'Gå til Brugerinfo, hvor du kan spærre kortet', en: 'Go to User info, where you can block the card' },
  price: { da: 'Pris', en: 'Price' },
  free: { da: 'Gratis', en: 'Free' },
  delivery: { da: 'Levering', en: 'Delivery' },
  days: {
    da: 'Fremme inden for ca. 14 dage efter bestillingen',
    en: 'Arrives within about 14 days of the order',
  },
  lostCard: { da: 'Kort, der er blevet væk', en: 'Card that is lost' },
  lostCardHint: {
    da: 'Kortet bliver lukket for altid, når det nye er udleveret.',
    en: 'The card will be closed for good when the new one has been handed out.',
  },
  lostCardChoose: { da: 'Vælg kort', en: 'Choose card' },
  lostCardWrong: {
    da: 'Vælg det kort, der skal erstattes. Et kort, der er lukket, kan ikke vælges.',
    en: 'Choose the card to be replaced. A card that is closed cannot be chosen.',
  },
  lostCardOption: {
    da: (id: number, status: string) => `Kort nr. ${id} (${status.toLowerCase()})`,
    en: (id: number, status: string) => `Card no. ${id} (${status.toLowerCase()})`,
  },
  address: { da: 'Leveringsadresse', en: 'Delivery address' },
  recipient: { da: 'Navn', en: 'Name' },
  recipientHint: { da: 'Navnet skal stå på postkassen.', en: 'The name must be on the letter box.' },
  recipientWrong: {
    da: 'Skriv det navn, brevet skal sendes til, med højst 80 tegn.',
    en: 'Write the name that the letter is for, with at most 80 characters.',
  },
  street: { da: 'Vej og husnummer', en: 'Street and number' },
  streetWrong: {
    da: 'Skriv vej og husnummer, for eksempel Prøvevej 1, 2. th., med højst 80 tegn.',
    en: 'Write street and number, for example Prøvevej 1, 2. th., with at most 80 characters.',
  },
  postalCode: { da: 'Postnummer', en: 'Postal code' },
  postalCodeWrong: { da: 'Skriv et postnummer på fire cifre.', en: 'Write a postal code of four digits.' },
  city: { da: 'By', en: 'City' },
  cityWrong: {
    da: 'Skriv byens navn med højst 40 tegn.',
    en: 'Write the name of the city, with at most 40 characters.',
  },
  pay: { da: 'Betaling', en: 'Payment' },
  payAccount: {
    da: (balance: string) => `Fra kontoen (saldo ${balance})`,
    en: (balance: string) => `From the account (balance ${balance})`,
  },
  payCheckout: { da: 'Med kort eller MobilePay', en: 'By card or MobilePay' },
  payWrong: { da: 'Vælg, hvordan kortet skal betales.', en: 'Choose how to pay for the card.' },
  payShort: {
    da: 'Der står ikke nok på kontoen til det nye kort. Vælg en anden betaling, eller indbetal først.',
    en: 'The account does not hold enough for the new card. Choose another payment, or pay in first.',
  },
  mailHint: {
    da: 'Skal udfyldes, hvis du betaler med kort eller MobilePay. Vi skriver hertil om bestillingen.',
    en: 'Must be filled in if you pay by card or MobilePay. We write here about the order.',
  },
  priceChanged: {
    da: 'Prisen er ændret, siden du åbnede siden. Se den nye pris, og tryk Næste igen, hvis du stadig vil bestille.',
    en: 'The price has changed since you opened the page. See the new one, and press Next again if you still want to order.',
  },
  sendAgain: {
    da: 'Der er ikke bestilt noget. Se formularen igennem, og tryk Næste igen.',
    en: 'Nothing has been ordered. Look through the form, and press Next again.',
  },
  closed: {
    da: 'Kommunen har ikke åbnet for bestilling her på siden endnu. Spørg supporten, hvis du skal have et nyt kort.',
    en: 'The municipality has not opened for orders here yet. Ask support if you need a new card.',
  },
  left: {
    da: (name: string) =>
      `${name} er meldt ud, så der kan ikke bestilles et nyt kort. Det, der står på kontoen, kan udbetales.`,
    en: (name: string) => `${name} has left, so no new card can be ordered. What the account holds can be paid out.`,
  },
  firstCard: {
    da: 'Kontoen har ikke haft et kort endnu. Det første betalingskort er gratis og bliver udleveret af klubben eller skolen.',
    en: 'The account has not had a card yet. The first payment card is free, and the club or school hands it out.',
  },
  underWay: {
    da: 'Et nyt kort er allerede på vej til kontoen. Først når det er udleveret, kan der bestilles et til.',
    en: 'A new card for the account is already on its way. Another one can be ordered when that has been handed out.',
  },
  notEnough: {
    da: (price: string) =>
      `Det nye kort koster ${price}, og det står der ikke på kontoen. Indbetal først, og bestil så.`,
    en: (price: string) =>
      `The new card costs ${price}, which the account does not hold. Pay in first, and then order.`,
  },
  toProfile: { da: 'Tilbage til Brugerinfo', en: 'Back to User info' },
  readyTitle: { da: 'Det nye kort kan hentes', en: 'The new card can be collected' },
  approval: {
    waits: {
      da: 'Klubben har et nyt kort klar, som venter på din godkendelse.',
      en: 'The club has a new card ready, which awaits your approval.',
    },
    see: { da: 'Godkend eller afvis det nye kort', en: 'Approve or refuse the new card' },
    ask: {
      da: (club: string, fee: string) =>
        `${club} har et nyt kort klar. Det koster ${fee}, som trækkes på kontoen, når du godkender. Det gamle kort bliver lukket for altid, når det nye er udleveret.`,
      en: (club: string, fee: string) =>
        `${club} has a new card ready. It costs ${fee}, which is taken from the account when you approve. The old card will be closed for good when the new one has been handed out.`,
    },
    askFree: {
      da: (club: string) =>
        `${club} har et nyt kort klar. Det er gratis og kan udleveres, når du har godkendt det. Det gamle kort bliver lukket for altid, når det nye er udleveret.`,
      en: (club: string) =>
        `${club} has a new card ready. It is free and can be handed out once you have approved it. The old card will be closed for good when the new one has been handed out.`,
    },
    approve: { da: (fee: string) => `Godkend, og betal ${fee}`, en: (fee: string) => `Approve and pay ${fee}` },
    approveFree: { da: 'Godkend', en: 'Approve' },
    refuse: { da: 'Afvis', en: 'Refuse' },
    short: {
      da: (fee: string, balance: string) =>
        `Det nye kort koster ${fee}, og der står ${balance} på kontoen. Indbetal først, og godkend så.`,
      en: (fee: string, balance: string) =>
        `The new card costs ${fee}, and the account holds ${balance}. Pay in first, and then approve.`,
    },
  },
  received: {
    waits: {
      da: 'Et nyt kort er på vej med posten. Det kan først bruges, når du har sagt, at det er kommet.',
      en: 'A new card is in the post. It can be used only when you have said that it has come.',
    },
    see: { da: 'Sig til, når kortet er kommet', en: 'Say that the card has come' },
    text: {
      da: 'Tryk her, når du har fået kortet. Først da kan det bruges, og det gamle kort bliver lukket for altid.',
      en: 'Press here when you have the card. Only then can it be used, and the old card will be closed for good.',
    },
    button: { da: 'Jeg har modtaget kortet', en: 'I have received the card' },
  },
  errors: {
    insufficient_funds: {
      da: 'Der står ikke nok på kontoen. Der er ikke trukket penge.',
      en: 'The account does not hold enough. No money has been taken.',
    },
    too_late: {
      da: 'Der er allerede taget stilling til kortet, eller det er for sent.',
      en: 'The card has been decided upon already, or it is too late.',
    },
    not_received: {
      da: 'Kortet kan ikke tages i brug her. Spørg klubben eller supporten.',
      en: 'The card cannot be put into use here. Ask the club or support.',
    },
  },
  states: {
    awaiting_approval: { da: 'Venter på godkendelse', en: 'Awaiting approval' },
    produced: { da: 'Fremstillet', en: 'Produced' },
    ordered: { da: 'Bestilt', en: 'Ordered' },
    sent: { da: 'Sendt', en: 'Sent' },
    handed_out: { da: 'Udleveret', en: 'Handed out' },
    cancelled: { da: 'Annulleret', en: 'Cancelled' },
    awaiting: { da: 'Venter på betaling', en: 'Awaiting payment' },
    abandoned: { da: 'Ikke betalt', en: 'Not paid' },
    mismatch: { da: 'Skal undersøges', en: 'To be looked into' },
  },
  titles: {
    awaiting_approval: { da: 'Godkend et nyt kort', en: 'Approve a new card' },
    produced: { da: 'Det nye kort er fremstillet', en: 'The new card has been produced' },
    ordered: { da: 'Det nye kort er bestilt', en: 'The new card has been ordered' },
    sent: { da: 'Det nye kort er sendt', en: 'The new card has been sent' },
    handed_out: { da: 'Det nye kort er udleveret', en: 'The new card has been handed out' },
    cancelled: { da: 'Bestillingen er annulleret', en: 'The order has been cancelled' },
    awaiting: payment.waitingTitle,
    abandoned: payment.failedTitle,
    mismatch: payment.mismatchTitle,
  },
  texts: {
    awaiting_approval: { da: 'Kortet venter på godkendelse.', en: 'The card awaits an approval.' },
    notApproved: {
      da: 'Kortet blev ikke godkendt. Der er ikke trukket penge, og der bliver ikke udleveret et nyt kort.',
      en: 'The card was not approved. No money has been taken, and no new card will be handed out.',
    },
    ready: {
      da: (club: string) => `Kortet er betalt og kan hentes i ${club}.`,
      en: (club: string) => `The card is paid for and can be collected at ${club}.`,
    },
    readyFree: {
      da: (club: string) => `Kortet er godkendt og kan hentes i ${club}.`,
      en: (club: string) => `The card has been approved and can be collected at ${club}.`,
    },
    orderedToClub: {
      da: (club: string) => `Kortet er bestilt og bliver udleveret i ${club}.`,
      en: (club: string) => `The card has been ordered and will be handed out at ${club}.`,
    },
    producedToClub: {
      da: (club: string) => `Kortet er fremstillet og bliver udleveret i ${club}.`,
      en: (club: string) => `The card has been produced and will be handed out at ${club}.`,
    },
    sentToClub: {
      da: (club: string) => `Kortet er på vej til ${club}, hvor det bliver udleveret.`,
      en: (club: string) => `The card is on its way to ${club}, where it will be handed out.`,
    },
    firstHandedOut: { da: 'Kortet kan bruges nu.', en: 'The card can be used now.' },
    produced: {
      da: 'Kortet er fremstillet og bliver sendt med posten.',
      en: 'The card has been produced and will be sent by post.',
    },
    ordered: {
      da: 'Kortet vil være fremme inden for ca. 14 dage efter bestillingen. Det gamle kort bliver lukket for altid, når det nye er udleveret.',
      en: 'The card arrives within about 14 days of the order. The old card will be closed for good when the new one has been handed out.',
    },
    sent: {
      da: 'Kortet er på vej med posten og vil være fremme inden for ca. 14 dage efter bestillingen.',
      en: 'The card is in the post and arrives within about 14 days of the order.',
    },
    handed_out: {
      da: 'Det nye kort kan bruges nu. Det gamle kort er lukket for altid.',
      en: 'The new card can be used now. The old card is closed for good.',
    },
    cancelled: {
      da: 'Der bliver ikke lavet et nyt kort.',
      en: 'No new card will be made.',
    },
    cancelledReturned: {
      da: (fee: string) => `Der bliver ikke lavet et nyt kort, og ${fee} er sat tilbage på kontoen.`,
      en: (fee: string) => `No new card will be made, and ${fee} is back on the account.`,
    },
    restToPayer: {
      da: (rest: string) => `De øvrige ${rest} går tilbage til den, der betalte.`,
      en: (rest: string) => `The other ${rest} goes back to whoever paid.`,
    },
    awaiting: {
      da: 'Vi venter på svar fra Stripe, som tager imod betalingen. Har du betalt, bliver kortet bestilt af sig selv, også hvis du lukker siden.',
      en: 'We are waiting for an answer from Stripe, which takes the payment. If you have paid, the card will be ordered by itself, even if you close this page.',
    },
    awaitingOther: {
      da: 'En anden forælder er ved at betale for et nyt kort. Kortet bliver bestilt, når det er betalt.',
      en: 'Another parent is paying for a new card. It will be ordered once it has been paid.',
    },
    stale: {
      da: 'Stripe, som tager imod betalingen, svarer ikke lige nu. Har du betalt, bliver kortet bestilt, når der er svar.',
      en: 'Stripe, which takes the payment, does not answer right now. If you have paid, the card will be ordered once there is an answer.',
    },
    abandoned: {
      da: 'Der er ikke trukket penge, og kortet er ikke bestilt. Prøv igen, eventuelt med et andet kort eller med MobilePay.',
      en: 'No money has been taken, and the card has not been ordered. Try again, perhaps with another card or with MobilePay.',
    },
    mismatch: {
      da: 'Det, der blev betalt, er ikke prisen for kortet, så kortet er ikke bestilt. Skriv til supporten, og oplys referencen, så finder vi ud af det.',
      en: 'What was paid is not the price of the card, so the card has not been ordered. Write to support and give the reference, and we will sort it out.',
    },
  },
  facts: {
    state: { da: 'Status', en: 'Status' },
    replaces: { da: 'Erstatter', en: 'Replaces' },
    card: { da: 'Nyt kort', en: 'New card' },
    paidFrom: { da: 'Betaling', en: 'Payment' },
    ordered: { da: 'Bestilt', en: 'Ordered' },
    sent: { da: 'Sendt', en: 'Sent' },
    ended: { da: 'Afsluttet', en: 'Ended' },
    club: { da: 'Udleveres i', en: 'Handed out at' },
    decideBy: { da: 'Godkendes senest', en: 'To be approved by' },
  },
  cardName: { da: (id: number) => `Kort nr. ${id}`, en: (id: number) => `Card no. ${id}` },
  from: {
    account: { da: 'Fra kontoen', en: 'From the account' },
    checkout: { da: 'Med kort eller MobilePay', en: 'By card or MobilePay' },
  },
} satisfies Texts
