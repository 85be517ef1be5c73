import type { Both } from './language.ts'

/*
 * Why a bank sends a transfer back, by the codes of ISO 20022's external code list ExternalStatusReason1Code that a
 * transfer to a Danish account can meet.
 */
const REASONS: Record<string, Both<string>> = {
  AC01: { da: 'Kontonummeret findes ikke', en: 'The account number does not exist' },
  AC03: { da: 'Kontonummeret findes ikke', en: 'The account number does not exist' },
  AC04: { da: 'Kontoen er lukket', en: 'The account is closed' },
  AC06: { da: 'Kontoen er spærret', en: 'The account is blocked' },
  AC07: { da: 'Kontoen er lukket', en: 'The account is closed' },
  AC13: { da: 'Kontoen kan ikke modtage overførsler', en: 'The account cannot take transfers' },
  AC14: { da: 'Kontoen kan ikke modtage overførsler', en: 'The account cannot take transfers' },
  AG01: { da: 'Kontoen kan ikke modtage overførsler', en: 'The account cannot take transfers' },
  BE01: { da: 'Navnet passer ikke til kontoen', en: 'The name does not fit the account' },
  BE06: { da: 'Modtageren er ukendt i banken', en: 'The bank does not know the recipient' },
  MD07: { da: 'Kontohaveren er afgået ved døden', en: 'The owner of the account has died' },
  MS02: { da: 'Modtageren har afvist overførslen', en: 'The recipient has refused the transfer' },
  RC01: { da: 'Registreringsnummeret findes ikke', en: 'The registration number does not exist' },
  RC04: { da: 'Registreringsnummeret findes ikke', en: 'The registration number does not exist' },
}

const OTHER = { da: 'Banken har afvist overførslen', en: 'The bank has refused the transfer' }

/** What a bank's code means to whoever should have had the money. */
export function bankReason(code: string): Both<string> {
  return REASONS[code] ?? OTHER
}
