import { WIDE } from '../wide.ts'
import type { Language } from './portal.ts'

export type Combination = { language: Language; width: number }

/** A telephone in Danish and a desk in English: each language and each width is seen. */
const FEW: Combination[] = [
  { language: 'da', width: 360 },
  { language: 'en', width: 1280 },
]
const OTHERS: Combination[] = [
  { language: 'da', width: 1280 },
  { language: 'en', width: 360 },
]

/** In which languages and widths everything is gone through; `npm run test:wide` takes each language in each width. */
export const COMBINATIONS = WIDE ? [...FEW, ...OTHERS] : FEW
