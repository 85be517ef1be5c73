import type { DeclineReason } from '../shared/debit.ts'
import { kroner, type Ore, ore } from '../shared/money.ts'
import type { OfflineRefusal } from './offline.ts'

const amount = (value: number) => `${kroner(ore(value)).replace('−', '-')} kr`

/** An amount as the display shows it: '45,50 kr'. */
export const priceText = (value: Ore | number): string => amount(value)

/** What a decline says. Every decline has the same headline and the same look, whatever its reason. */
export const DECLINED: Record<DeclineReason, string> = {
  card_unknown: 'Kortet kendes ikke. Spørg personalet.',
  card_blocked: 'Kortet er spærret. Spørg personalet.',
  insufficient_funds: 'Beløbet kan ikke trækkes på kortet.',
  daily_limit: 'Dagens grænse er nået.',
  terminal_revoked: 'Terminalen er spærret. Kontakt kontoret.',
  reversed: 'Købet er fortrudt.',
}

/** Why the till does not sell on its own when the worker does not answer. */
export const OFFLINE: Record<OfflineRefusal, string> = {
  never_synced: 'Ingen forbindelse. Prøv igen om lidt.',
  list_too_old: 'Ingen forbindelse. Prøv igen om lidt.',
  card_unknown: 'Kortet kan ikke bruges uden forbindelse.',
  card_blocked: DECLINED.card_blocked,
  cap_reached: 'Beløbet kræver forbindelse. Prøv igen om lidt.',
}

export const UNREADABLE = {
  two_cards: 'Ét kort ad gangen.',
  random_uid: 'Dette kort kan ikke bruges her.',
  torn: 'Hold kortet stille lidt længere.',
} as const

export const TEXT = {
  approved: 'Godkendt',
  declined: 'Ikke gennemført',
  balance: 'Saldo',
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
  ownAmount: 'Beløb',
  cartFull: 'Der er ikke plads til flere varer.',
} as const

/** '2 × Toast  30,00 kr' as a line of the cart. */
export const cartLine = (quantity: number, name: string, total: number): string =>
  `${quantity} × ${name}  ${amount(total)}`
