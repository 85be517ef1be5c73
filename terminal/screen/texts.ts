import type { DeclineReason } from '../../shared/debit.ts'
import { kroner, ore } from '../../shared/money.ts'
import type { Language } from '../../shared/wire.ts'
import type { OfflineRefusal } from '../offline.ts'

/** An amount as the display shows it, in either language: '45,50 kr'. */
export const priceText = (value: number): string => `${kroner(ore(value)).replace('−', '-')} kr`

/**
 * All that a till says in one language.
 *
 * `declinedWhy` says what a decline says: every decline has the same headline and the same look, whatever its reason;
 * `declinedElse` is for a reason that only a newer worker knows. `closed` stands before what is closed, by name.
 * `offlineWhy` says why the till does not sell on its own when the worker does not answer. `on` are the words that
 * stand on the display itself; those of a pole display have at most 20 letters.
 */
export type Texts = Readonly<{
  declinedWhy: Readonly<Record<DeclineReason, string>>
  declinedElse: string
  closed: string
  offlineWhy: Readonly<Record<Exclude<OfflineRefusal, 'category_closed'>, string>>
  unreadable: Readonly<Record<'two_cards' | 'random_uid' | 'torn', string>>
  approved: string
  declined: string
  balance: string
  /** A card that has just become somebody's. */
  handedOut: string
  undone: string
  undoneLater: string
  undoPrompt: string
  undoOtherCard: string
  nothingToUndo: string
  choose: string
  layCard: string
  noBalance: string
  balanceBlocked: string
  chargedLater: string
  noReader: string
  noReaderDetail: string
  notSynced: string
  notSyncedDetail: string
  revoked: string
  barred: string
  callOffice: string
  failed: string
  failedDisk: string
  stopped: string
  stoppedDetail: string
  ownAmount: string
  cartFull: string
  /** Before the time of a sale that no display has shown yet. */
  at: string
  on: Readonly<
    Record<
      | 'more'
      | 'undo'
      | 'clear'
      | 'amount'
      | 'total'
      | 'erase'
      | 'cancel'
      | 'ok'
      | 'online'
      | 'offline'
      | 'starting'
      | 'others'
      | 'poleIdle'
      | 'poleEnter',
      string
    >
  >
}>

/** A word that stands on the display itself. */
export type Label = keyof Texts['on']

const DANISH: Texts = {
  declinedWhy: {
    card_unknown: 'Kortet kendes ikke. Spørg personalet.',
    card_blocked: 'Kortet er spærret. Spørg personalet.',
    insufficient_funds: 'Beløbet kan ikke trækkes på kortet.',
    daily_limit: 'Dagens grænse er nået.',
    terminal_revoked: 'Terminalen er spærret. Kontakt kontoret.',
    reversed: 'Købet er fortrudt.',
    category_closed: 'Varegruppen er lukket af forældrene.',
  },
  declinedElse: 'Spørg personalet.',
  closed: 'Lukket af forældrene:',
  offlineWhy: {
    never_synced: 'Ingen forbindelse. Prøv igen om lidt.',
    list_too_old: 'Ingen forbindelse. Prøv igen om lidt.',
    card_unknown: 'Kortet kan ikke bruges uden forbindelse.',
    card_blocked: 'Kortet er spærret. Spørg personalet.',
    cap_reached: 'Beløbet kræver forbindelse. Prøv igen om lidt.',
  },
  unreadable: {
    two_cards: 'Ét kort ad gangen.',
    random_uid: 'Dette kort kan ikke bruges her.',
    torn: 'Hold kortet stille lidt længere.',
  },
  approved: 'Godkendt',
  declined: 'Ikke gennemført',
  balance: 'Saldo',
  handedOut: 'Kortet er klar',
  undone: 'Købet er fortrudt',
  undoneLater: 'Pengene er tilbage, når der er forbindelse igen.',
  undoPrompt: 'Fortryd: læg det samme kort på',
  undoOtherCard: 'Fortryd kræver det samme kort som købet.',
  nothingToUndo: 'Der er intet køb at fortryde.',
  choose: 'Vælg varer, eller læg kortet på for saldo',
  layCard: 'Læg kortet på',
  noBalance: 'Saldoen kan ikke vises uden forbindelse.',
  balanceBlocked: 'Kortet er spærret.',
  chargedLater: 'Trækkes, når der er forbindelse igen.',
  noReader: 'Kortlæseren svarer ikke',
  noReaderDetail: 'Tjek kablet. Terminalen prøver igen af sig selv.',
  notSynced: 'Henter varer',
  notSyncedDetail: 'Terminalen venter på forbindelse til kontoret.',
  revoked: 'Terminalen er spærret',
  barred: 'Terminalen skal tjekkes',
  callOffice: 'Kontakt kontoret.',
  failed: 'Terminalen kan ikke sælge',
  failedDisk: 'Disken er fuld eller svarer ikke, så intet køb kan gemmes. Kontakt kontoret.',
  stopped: 'Terminalen er stoppet',
  stoppedDetail: 'Den skal tilmeldes igen. Kontakt kontoret.',
  ownAmount: 'Beløb',
  cartFull: 'Der er ikke plads til flere varer.',
  at: 'Kl.',
  on: {
    more: 'Flere',
    undo: 'Fortryd',
    clear: 'Slet',
    amount: 'Beløb',
    total: 'I alt',
    erase: 'Slet',
    cancel: 'Annuller',
    ok: 'OK',
    online: 'Online',
    offline: 'Offline',
    starting: 'Starter',
    others: 'mere',
    poleIdle: 'Læg kortet på: saldo',
    poleEnter: 'Afslut med Enter',
  },
}

const ENGLISH: Texts = {
  declinedWhy: {
    card_unknown: 'The card is not known. Ask the staff.',
    card_blocked: 'The card is blocked. Ask the staff.',
    insufficient_funds: 'The amount cannot be charged to the card.',
    daily_limit: "Today's limit has been reached.",
    terminal_revoked: 'The terminal is blocked. Call the office.',
    reversed: 'The purchase has been undone.',
    category_closed: 'This kind of item is closed by the parents.',
  },
  declinedElse: 'Ask the staff.',
  closed: 'Closed by the parents:',
  offlineWhy: {
    never_synced: 'No connection. Try again in a while.',
    list_too_old: 'No connection. Try again in a while.',
    card_unknown: 'The card needs a connection.',
    card_blocked: 'The card is blocked. Ask the staff.',
    cap_reached: 'The amount needs a connection. Try again in a while.',
  },
  unreadable: {
    two_cards: 'One card at a time.',
    random_uid: 'This card cannot be used here.',
    torn: 'Hold the card still a little longer.',
  },
  approved: 'Approved',
  declined: 'Not completed',
  balance: 'Balance',
  handedOut: 'The card is ready',
  undone: 'Purchase undone',
  undoneLater: 'The money is back once there is a connection.',
  undoPrompt: 'Undo: hold the same card to the reader',
  undoOtherCard: 'To undo, use the same card as for the purchase.',
  nothingToUndo: 'There is no purchase to undo.',
  choose: 'Choose items, or hold a card here for its balance',
  layCard: 'Hold card to reader',
  noBalance: 'The balance needs a connection.',
  balanceBlocked: 'The card is blocked.',
  chargedLater: 'Charged once there is a connection.',
  noReader: 'Card reader not answering',
  noReaderDetail: 'Check the cable. The terminal tries again by itself.',
  notSynced: 'Fetching the items',
  notSyncedDetail: 'The terminal waits for a connection to the office.',
  revoked: 'The terminal is blocked',
  barred: 'The terminal needs a check',
  callOffice: 'Call the office.',
  failed: 'The terminal cannot sell',
  failedDisk: 'The disk is full or not answering, so no purchase can be kept. Call the office.',
  stopped: 'The terminal is stopped',
  stoppedDetail: 'It has to be enrolled again. Call the office.',
  ownAmount: 'Amount',
  cartFull: 'There is no room for more items.',
  at: 'At',
  on: {
    more: 'More',
    undo: 'Undo',
    clear: 'Clear',
    amount: 'Amount',
    total: 'Total',
    erase: 'Erase',
    cancel: 'Cancel',
    ok: 'OK',
    online: 'Online',
    offline: 'Offline',
    starting: 'Starting',
    others: 'more',
    poleIdle: 'Tap card for balance',
    poleEnter: 'Finish with Enter',
  },
}

/** So many things are told by name, so that a display of 2 × 20 shows each whole, and one of 800 pixels all of them. */
const NAMED_MAX = 4
const NAME_LETTERS = 20

/** What is closed for a card, by name; a long name loses its end, and of many things it is said how many more. */
export function closedText(names: readonly string[], { closed, on }: Texts): string {
  const named = names
    .slice(0, NAMED_MAX)
    .map((name) => (name.length <= NAME_LETTERS ? name : `${name.slice(0, NAME_LETTERS - 3).trimEnd()}...`))
  const above = names.length - named.length
  return `${closed} ${named.join(', ')}${above > 0 ? ` + ${above} ${on.others}` : ''}`
}

const CATALOGUE: Readonly<Record<Language, Texts>> = { da: DANISH, en: ENGLISH }

/** What a till says in a language; the display's comes with each sync. */
export const texts = (language: Language): Texts => CATALOGUE[language]
