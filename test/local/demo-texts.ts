import type { PublicationKind } from '../../shared/office/publications.ts'
import type { Language } from '../../shared/wire.ts'

/** What a municipality of the demo publishes, in Markdown. Short, and no model for a real one: that takes a lawyer. */
export function demoTexts(municipality: string): { kind: PublicationKind; language: Language; text: string }[] {
  return [
    { kind: 'terms', language: 'da', text: termsDa(municipality) },
    { kind: 'terms', language: 'en', text: termsEn(municipality) },
    { kind: 'accessibility', language: 'da', text: accessibilityDa(municipality) },
    { kind: 'accessibility', language: 'en', text: accessibilityEn(municipality) },
    { kind: 'privacy', language: 'da', text: privacyDa(municipality) },
    { kind: 'privacy', language: 'en', text: privacyEn(municipality) },
  ]
}

const termsDa = (municipality: string) => `
Betalingskortet udstedes af ${municipality} og kan kun bruges i kommunens klubber og skolekantiner.

## Kortet

- Kortet er personligt. Barnets navn står på kortet.
- Det første kort er gratis. Et nyt kort i stedet for et, der er blevet væk, koster 45 kr.
- Spær kortet på portalen, så snart det er væk. Et spærret kort kan aktiveres igen.

## Pengene

- Kortet er forudbetalt: der kan kun købes for det, der står på kontoen. Et køb, som er gjort, mens kassen var uden
  forbindelse, trækkes, når den får forbindelse igen, og kan i sjældne tilfælde gøre saldoen negativ.
- Der er ingen renter og ingen gebyrer på kontoen.
- Du kan til hver en tid få hele saldoen eller en del af den udbetalt.
- Du kan sætte et maks. forbrug pr. dag.

## Fejl og klager

Opdager du en bevægelse, som du ikke kan genkende, så opret en sag under *Support*. Vi svarer og retter fejl, som er
vores.
`
const termsEn = (municipality: string) => `
The payment card is issued by ${municipality} and can be used in the municipality's clubs and school canteens only.

## The card

- The card is personal. The child's name is on it.
- The first card is free. A new card in place of a lost one costs DKK 45.
- Block the card on the portal as soon as it is lost. A blocked card can be activated again.

## The money

- The card is prepaid: it can buy for what is on the account. A purchase made while the till had no connection is
  charged when the connection is back, and in rare cases may make the balance negative.
- There is no interest and there are no charges on the account.
- You can have all of the balance, or a part of it, paid out at any time.
- You can set a daily limit.

## Mistakes and complaints

If you see a movement that you do not recognise, open a case under *Support*. We answer, and put right what was our
mistake.
`
const accessibilityDa = (municipality: string) => `
${municipality} er forpligtet til at sikre, at det offentlige websted Betalingskort er tilgængeligt i henhold til lov om
tilgængelighed af offentlige organers websteder og mobilapplikationer.

## Overholdelsesstatus

Webstedet er en demonstration. Det efterprøves automatisk mod WCAG 2.1 niveau A og AA (EN 301 549), og denne prøve
finder ingen fejl. Mennesker har endnu ikke gennemgået det.

## Ikke-tilgængeligt indhold

Vi kender ikke til indhold, som ikke er tilgængeligt.

## Udarbejdelse af tilgængelighedserklæringen

Erklæringen bygger på en selvevaluering. Den gennemgås, hver gang webstedet ændres væsentligt.

## Feedback og kontaktoplysninger

Støder du på noget, som du ikke kan bruge, så skriv til os under *Support*, eller brug telefonnummeret og mailadressen
nederst på siden.

## Håndhævelsesprocedure

Er du ikke tilfreds med vores svar, kan du kontakte Digitaliseringsstyrelsen, som fører tilsyn med loven.
`
const accessibilityEn = (municipality: string) => `
${municipality} is obliged to see to it that the public website Payment card is accessible under the Danish act on the
accessibility of public bodies' websites and mobile applications.

## Compliance status

This website is a demonstration. It is tested automatically against WCAG 2.1 levels A and AA (EN 301 549), and this test
finds no failure. People have not reviewed it yet.

## Content that is not accessible

We know of no content that is not accessible.

## Preparation of this statement

The statement rests on a self-assessment. It is reviewed each time the website changes in substance.

## Feedback and contact

If you meet something that you cannot use, write to us under *Support*, or use the telephone number and the mail address
at the foot of the page.

## Enforcement

If our answer does not satisfy you, you can turn to Digitaliseringsstyrelsen, the agency that supervises the act.
`
const privacyDa = (municipality: string) => `
${municipality} er dataansvarlig for oplysningerne om dig og dit barn i betalingskortets portal.

## Hvad vi opbevarer

- Dit barns navn, konto, kort og bevægelser på kontoen.
- Dit navn, som MitID oplyser det, dit sprog og den mailadresse, som du selv skriver.
- Det, som du skriver til os under *Support*.
- Hvem der har set dit barns oplysninger, og hvornår.

Dit CPR-nummer bruges kun til at finde dine børn, når du logger på. Vi gemmer det ikke, kun en nøglebeskyttet
kontrolværdi, som det ikke kan regnes tilbage fra.

## Hvor længe

Bevægelser på kontoen er bogføringsmateriale og opbevares i fem år efter regnskabsårets afslutning.

## Dine rettigheder

Under *Privatliv* kan du hente alt, hvad der er gemt om dig og dine børn. Du kan få forkerte oplysninger rettet og klage
til Datatilsynet.
`
const privacyEn = (municipality: string) => `
${municipality} is the controller of what the payment card's portal holds about you and your child.

## What we hold

- Your child's name, account, cards and the movements on the account.
- Your name as MitID tells it, your language, and the mail address that you type yourself.
- What you write to us under *Support*.
- Who has looked at your child's data, and when.

Your CPR number is used only to find your children when you log on. We do not keep it, only a keyed digest, from which
it cannot be computed back.

## For how long

Movements on the account are bookkeeping records, and are kept for five years after the end of the accounting year.

## Your rights

Under *Privacy* you can download all that is held about you and your children. You can have what is wrong put right, and
you can complain to Datatilsynet, the Danish data protection agency.
`
