import { expect, test } from 'vitest'
import { parsePhone } from '../shared/phone.ts'

test.for([
  ['eight digits are Danish', '12345678', '+4512345678'],
  ['in pairs', ' 12 34 56 78 ', '+4512345678'],
  ['with the country', '+45 12 34 56 78', '+4512345678'],
  ['with the country by zeros', '0045 12345678', '+4512345678'],
  ['with brackets', '(+45) 1234-5678', '+4512345678'],
  ['of another country', '+49 (30) 123456', '+4930123456'],
  ['of another country by zeros', '0046 8 123 456 78', '+46812345678'],
] as const)('a telephone number is taken as people write it: %s', ([, text, phone]) => {
  expect(parsePhone(text)).toBe(phone)
})

test('what cannot be one is none', () => {
  const short = ['', '1234567', '123456789', '+45 1234567', '+45 123456789', '+0012345678', '+', '+1234567']
  const odd = [
    '+1234567890123456',
    '12345678x',
    'ring til mig',
    '12 34 56 78; 9',
    '١٢٣٤٥٦٧٨',
    '12\n345678',
    '++4512345678',
  ]
  for (const text of [...short, ...odd]) expect([text, parsePhone(text)]).toEqual([text, null])
})
