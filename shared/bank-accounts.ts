/**
 * A Danish bank account as people write it, and the texts that a bank takes. No checksum proves that an account is the
 * right one, so whoever types it is shown a summary.
 */

/** Where a payout goes: four digits, ten digits, and texts of ISO-8859-1; `message` may be empty. */
export type BankDetails = { name: string; registration: string; bankAccount: string; message: string }

/** What is wrong with a number: nothing in it, or not so many digits as it has. */
type NumberFault = 'empty' | 'not_digits'
/** What is wrong with a text: too long, or characters that no bank takes. */
type TextFault = 'too_long' | 'characters'
/** What can be wrong with each field. */
export type BankFaults = {
  name: 'empty' | TextFault
  registration: NumberFault
  bankAccount: NumberFault
  message: TextFault
}

export const BANK_NAME_MAX = 70
const BANK_MESSAGE_MAX = 140

/** Blanks, points and dashes, which people write between digits: "1234 567.890". */
const BETWEEN = /[\s.-]/g

/** A Registreringsnummer: four digits. */
function registrationOf(text: string): { value: string } | { fault: NumberFault } {
  const digits = text.replace(BETWEEN, '')
  if (digits === '') return { fault: 'empty' }
  return /^\d{4}$/.test(digits) ? { value: digits } : { fault: 'not_digits' }
}

/** A Kontonummer: one to ten digits, which become ten with zeros before them. Of zeros alone there is none. */
function bankAccountOf(text: string): { value: string } | { fault: NumberFault } {
  const digits = text.replace(BETWEEN, '')
  if (digits === '') return { fault: 'empty' }
  return /^\d{1,10}$/.test(digits) && !/^0+$/.test(digits)
    ? { value: digits.padStart(10, '0') }
    : { fault: 'not_digits' }
}

/** What the keyboard of a telephone writes by itself, and what it stands for. */
const TYPOGRAPHY: Record<string, string> = { '‘': "'", '’': "'", '“': '"', '”': '"', '–': '-', '—': '-', '…': '...' }

/** ISO-8859-1 without its control characters and without the soft hyphen, which nobody sees. */
const TAKEN = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u00ff]*$/

/** A text for the bank, at most `max` characters long; curly quotes and long dashes become plain ones. */
export function bankTextOf(text: string, max: number): { value: string } | { fault: TextFault } {
  const value = text
    .normalize('NFC')
    .replace(/[‘’“”–—…]/g, (character) => TYPOGRAPHY[character] ?? character)
    .replaceAll('\u00a0', ' ')
    .trim()
  if (!TAKEN.test(value)) return { fault: 'characters' }
  return value.length > max ? { fault: 'too_long' } : { value }
}

/** The four fields as they were typed, fit for a bank; or what is wrong, field by field. Only the message may be empty. */
export function bankDetailsOf(
  typed: BankDetails,
): { kind: 'details'; details: BankDetails } | { kind: 'faults'; faults: Partial<BankFaults> } {
  const named = bankTextOf(typed.name, BANK_NAME_MAX)
  const name = 'value' in named && named.value === '' ? { fault: 'empty' as const } : named
  const registration = registrationOf(typed.registration)
  const bankAccount = bankAccountOf(typed.bankAccount)
  const message = bankTextOf(typed.message, BANK_MESSAGE_MAX)
  if ('value' in name && 'value' in registration && 'value' in bankAccount && 'value' in message) {
    const details = {
      name: name.value,
      registration: registration.value,
      bankAccount: bankAccount.value,
      message: message.value,
    }
    return { kind: 'details', details }
  }
  const fields = { name, registration, bankAccount, message }
  const faults = Object.entries(fields).flatMap(([field, read]) => ('fault' in read ? [[field, read.fault]] : []))
  return { kind: 'faults', faults: Object.fromEntries(faults) }
}
