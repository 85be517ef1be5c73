import { Language } from '../../shared/wire.ts'

/** The languages of the portal; Danish comes first. */
export const LANGUAGES = Language.options

/** One thing to say, in every language: a text, or how a text is made from what it speaks of. */
export type Both<T = unknown> = Record<Language, T>

/** What a page says. A text that lacks a language does not compile. */
export type Texts = { [name: string]: Both<string> | Both<(...facts: never[]) => string> | Texts }

/** Takes one language of every text it is given. */
export type Say = <T>(both: Both<T>) => T

export function speaker(language: Language): Say {
  return (both) => both[language]
}
