import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addDays, isoWeek, mondayOf } from '../../shared/copenhagen.ts'
import { barsOverTime } from '../../worker/portal/spending-chart.tsx'
import { parseDay, periodOf, usualPeriods } from '../../worker/statements/statement-periods.ts'
import { speaker } from '../../worker/texts/language.ts'

const DAY_MS = 86_400_000

describe('days and periods', () => {
  const today = '2026-11-21'

  test.each([
    ['2026-11-21', '2026-11-21'],
    ['21-11-2026', '2026-11-21'],
    ['21.11.2026', '2026-11-21'],
    ['21/11-2026', '2026-11-21'],
    ['1/2-2026', '2026-02-01'],
    ['29-02-2024', '2024-02-29'],
    ['29-02-2026', null],
    ['31-02-2026', null],
    ['2026-13-01', null],
    ['2026-00-10', null],
    ['0000-01-01', '0000-01-01'],
    ['21-11-26', null],
    ['abc', null],
    ['', null],
    ['2026-11-21T00:00', null],
    ['-2026-11-21', null],
    ['२०२६-११-२१', null],
  ])('%s means %s', (text, day) => expect(parseDay(text)).toBe(day))

  test('days, weeks and months go on as in the calendar', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000 }), fc.integer({ min: -800, max: 800 }), (start, days) => {
        const day = new Date(start * DAY_MS).toISOString().slice(0, 10)
        const other = addDays(day, days)
        expect(addDays(other, -days)).toBe(day)
        const monday = mondayOf(other)
        expect(new Date(`${monday}T12:00:00Z`).getUTCDay()).toBe(1)
        expect(monday <= other && other < addDays(monday, 7)).toBe(true)
        const { week, year } = isoWeek(other)
        const [next, here] = [isoWeek(addDays(other, 7)), [year, week]]
        expect([
          [year, week + 1],
          [year + 1, 1],
        ]).toContainEqual([next.year, next.week])
        expect(isoWeek(`${year}-01-04`)).toEqual({ year, week: 1 }) // ISO 8601: the week of 4 January is the first.
        expect(here[1]).toBeLessThanOrEqual(53)
      }),
    )
  })

  test('the weeks around New Year have the numbers of ISO 8601', () => {
    expect(isoWeek('2026-12-31')).toEqual({ year: 2026, week: 53 })
    expect(isoWeek('2027-01-03')).toEqual({ year: 2026, week: 53 })
    expect(isoWeek('2027-01-04')).toEqual({ year: 2027, week: 1 })
    expect(isoWeek('2024-12-30')).toEqual({ year: 2025, week: 1 })
  })

  test.each([
    ['nothing', undefined, undefined, { from: '2026-10-23', to: today }],
    ['empty fields', '', ' ', { from: '2026-10-23', to: today }],
    ['an end alone', undefined, '2026-06-30', { from: '2026-06-01', to: '2026-06-30' }],
    ['a start alone', '2026-11-01', undefined, { from: '2026-11-01', to: today }],
    ['one day', '2026-11-01', '1/11-2026', { from: '2026-11-01', to: '2026-11-01' }],
    ['five years', '2021-11-21', today, { from: '2021-11-21', to: today }],
  ])('%s is a period', (_, from, to, period) =>
    expect(periodOf({ from, to }, today)).toEqual({ kind: 'period', period }),
  )

  test.each([
    ['a day more than five years', '2021-11-20', today, { from: 'too_long' }],
    ['more than five years from a leap day', '2020-02-29', '2025-03-01', { from: 'too_long' }],
    ['reversed days', '2026-11-02', '2026-11-01', { to: 'reversed' }],
    ['tomorrow', '2026-11-01', '2026-11-22', { to: 'in_future' }],
    ['a start in the future', '9999-12-31', today, { from: 'in_future' }],
    ['the year 1', '0001-01-01', today, { from: 'too_early' }],
    ['31 February', '2026-02-31', today, { from: 'not_a_day' }],
    ['two mistakes', 'abc', '2026-02-31', { from: 'not_a_day', to: 'not_a_day' }],
    ['a huge text', '9'.repeat(100_000), undefined, { from: 'not_a_day' }],
  ])('%s is refused', (_, from, to, faults) =>
    expect(periodOf({ from, to }, today)).toEqual({ kind: 'faults', faults }),
  )

  test('the usual periods end today at the latest', () => {
    expect(usualPeriods('2026-03-31')).toEqual({
      thisMonth: { from: '2026-03-01', to: '2026-03-31' },
      lastMonth: { from: '2026-02-01', to: '2026-02-28' },
      thisYear: { from: '2026-01-01', to: '2026-03-31' },
    })
    expect(usualPeriods('2027-01-01').lastMonth).toEqual({ from: '2026-12-01', to: '2026-12-31' })
  })

  test('a long period is shown in months, each of them once', () => {
    const { unit, bars } = barsOverTime(
      [{ day: '2024-02-29', category: 'food', amount: 100 }],
      { from: '2024-01-31', to: '2026-01-01' },
      'da',
      speaker('da'),
    )
    expect(unit).toBe('month')
    expect(bars).toHaveLength(25)
    expect(bars.slice(0, 2)).toEqual([
      { label: 'januar 2024', short: '01/24', amount: 0 },
      { label: 'februar 2024', short: '02/24', amount: 100 },
    ])
    expect(bars.at(-1)?.label).toBe('januar 2026')
  })
})
