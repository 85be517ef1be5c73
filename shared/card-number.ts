/*
 * The number that is printed on a card: the municipality's, a serial of six digits, and a check digit (Luhn, ISO/IEC
 * 7812-1) over both, so that one that was typed wrong is no other card's. It says nothing of the UID.
 */

const SERIAL_DIGITS = 6

export const SERIAL_MAX = 10 ** SERIAL_DIGITS - 1

/** The number of a municipality's card, '4000-0000014'; `serial` is 1 to SERIAL_MAX. */
export function cardNumber(municipality: number, serial: number): string {
  const digits = `${municipality}${String(serial).padStart(SERIAL_DIGITS, '0')}`
  return `${digits.slice(0, -SERIAL_DIGITS)}-${digits.slice(-SERIAL_DIGITS)}${checkDigit(digits)}`
}

/** The serial in one of a municipality's own numbers; null for a number of somebody else's making. */
export function serialOf(municipality: number, number: string): number | null {
  const own = new RegExp(`^${municipality}-(\\d{${SERIAL_DIGITS}})\\d$`).exec(number)
  return own === null ? null : Number(own[1])
}

/** Whether a number looks like a municipality's own and has a wrong digit. */
export function isMistyped(municipality: number, number: string): boolean {
  const serial = serialOf(municipality, number)
  return serial !== null && cardNumber(municipality, serial) !== number
}

function checkDigit(digits: string): number {
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const doubled = at % 2 === 0 ? Number(digit) * 2 : Number(digit)
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return (10 - (sum % 10)) % 10
}
