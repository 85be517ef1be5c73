import type { Language } from './portal.ts'

export type Combination = { language: Language; width: number }

/** What most parents have in their hand. */
const FIRST: Combination[] = [{ language: 'da', width: 360 }]
const OTHERS: Combination[] = [
  { language: 'da', width: 1280 },
  { language: 'en', width: 360 },
  { language: 'en', width: 1280 },
]

/** In which languages and widths everything is gone through: `npm run test:wide` takes all but the first. */
export const COMBINATIONS = process.env.WIDE === '1' ? OTHERS : FIRST
