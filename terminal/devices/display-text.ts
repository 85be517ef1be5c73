/** What text from the office may contain and ISO-8859-1 lacks. A lost minus would turn a debt into money. */
const REPLACEMENTS = new Map([
  ['\u2212', '-'],
  ['\u2010', '-'],
  ['\u2011', '-'],
  ['\u2013', '-'],
  ['\u2014', '-'],
  ['\u2018', "'"],
  ['\u2019', "'"],
  ['\u201c', '"'],
  ['\u201d', '"'],
  ['\u2026', '...'],
  ['\u2022', '\u00b7'],
  ['\u20ac', 'EUR'],
  ['\u00a0', ' '],
  ['\u202f', ' '],
  ['\u2009', ' '],
  ['\t', ' '],
  // Three of these are the end of a Nextion's command, so the letter itself must never be sent.
  ['\u00ff', 'y'],
  ['\u0178', 'Y'],
])

/**
 * Text as a display can show it: ISO-8859-1 from 20 to FE without the control codes, and '\r' for a line break. Common
 * signs outside it are replaced by their likeness, everything else is left out.
 */
export function displayText(value: string): string {
  const replaced = Array.from(value.normalize('NFC').replaceAll(/\r?\n/g, '\r'), (letter) => {
    const likeness = REPLACEMENTS.get(letter) ?? letter
    return /^(?:\r|[ -~\xa1-\xac\xae-\xfe]+)$/.test(likeness) ? likeness : ''
  })
  return replaced.join('')
}
