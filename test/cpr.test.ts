import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bornOn, parseCpr } from '../shared/cpr.ts'

test.for([
  ['0 and the first year', '010100-0123', '1900-01-01'],
  ['the year 1900, which had no leap day', '290200-0123', null],
  ['the year 1900', '280200-3123', '1900-02-28'],
  ['the year 2000, which had one', '290200-4123', '2000-02-29'],
  ['4 up to year 36', '010136-4123', '2036-01-01'],
  ['4 from year 37', '010137-4123', '1937-01-01'],
  ['5 up to year 57', '010157-5001', '2057-01-01'],
  ['5 from year 58', '010158-5001', '1858-01-01'],
  ['8 up to year 57', '311257-8999', '2057-12-31'],
  ['8 from year 58', '311258-8999', '1858-12-31'],
  ['9 up to year 36', '010136-9123', '2036-01-01'],
  ['9 from year 37', '010137-9123', '1937-01-01'],
  ['0 and any year', '010199-0123', '1999-01-01'],
  ['3 and any year', '010100-3123', '1900-01-01'],
] as const)('the seventh digit tells the century: %s', ([, cpr, born]) => {
  expect(bornOn(cpr)).toBe(born)
})

test('a number is taken with or without its hyphen, and blanks around it', () => {
  for (const spelling of ['0101575001', '010157-5001', ' 010157-5001\n']) expect(parseCpr(spelling)).toBe('0101575001')
})

test('what has another form, or a date of no calendar, is no number', () => {
  const odd = ['', '010157', '010157-500', '010157-50011', '010157 5001', '010157--5001', '01.01.57-5001', '٠١٠١٥٧5001']
  const dates = [
    '000157-5001',
    '320157-5001',
    '310457-5001',
    '300257-5001',
    '290257-5001',
    '010057-5001',
    '011357-5001',
  ]
  for (const text of [...odd, ...dates]) expect([text, parseCpr(text)]).toEqual([text, null])
})

test('every day of every century that a number can tell is told', () => {
  const centuries = fc.constantFrom<[from: number, to: number, sevenths: number[]]>(
    [1858, 1899, [5, 6, 7, 8]],
    [1900, 1999, [0, 1, 2, 3]],
    [1937, 1999, [4, 9]],
    [2000, 2036, [4, 9]],
    [2000, 2057, [5, 6, 7, 8]],
  )
  fc.assert(
    fc.property(centuries, fc.nat(), fc.nat(), fc.nat(999), ([from, to, sevenths], day, which, serial) => {
      const first = Date.UTC(from, 0, 1) / 86_400_000
      const last = Date.UTC(to, 11, 31) / 86_400_000
      const born = new Date((first + (day % (last - first + 1))) * 86_400_000).toISOString().slice(0, 10)
      const [year = '', month, date] = born.split('-')
      const cpr = `${date}${month}${year.slice(2)}${sevenths[which % sevenths.length]}${String(serial).padStart(3, '0')}`
      expect(bornOn(cpr)).toBe(born)
      expect(parseCpr(cpr)).toBe(cpr)
    }),
  )
})
