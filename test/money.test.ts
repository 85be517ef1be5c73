import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AMOUNT_MAX_ORE, kroner, ore, parseKroner } from '../shared/money.ts'

test.each([
  ['0', 0],
  ['45', 4500],
  ['45,5', 4550],
  ['45,50', 4550],
  ['45.50', 4550],
  ['4.35', 435],
  ['1.000', 100_000],
  ['1.000,00', 100_000],
  ['999.999,99', 99_999_999],
  [' 50 kr. ', 5000],
  ['50KR', 5000],
])("'%s' is an amount", (text, amount) => expect(parseKroner(text)).toBe(amount))

test.each([
  '',
  ' ',
  '-1',
  '−1',
  '+1',
  '1,',
  ',5',
  '.50',
  '1,234',
  '1.5',
  '1.00.000',
  '10.00,00',
  '1 000',
  '1e3',
  '0x1',
  '1.000.000',
  '1000000',
  'kr',
  '½',
  '٥',
  'NaN',
])("'%s' is none", (text) => expect(parseKroner(text)).toBeNull())

test('what is written as an amount reads as the same amount', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: AMOUNT_MAX_ORE }), (amount) => {
      const text = kroner(ore(amount))
      expect(parseKroner(text)).toBe(amount)
      expect(parseKroner(`${text} kr.`)).toBe(amount)
      expect(parseKroner(text.replaceAll('.', ''))).toBe(amount)
    }),
  )
})
