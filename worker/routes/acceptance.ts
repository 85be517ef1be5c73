import { z } from 'zod'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { versionName } from '../portal/acceptance.tsx'
import type { View } from '../portal/view.ts'
import type { PublicationText } from '../support/publications.ts'
import { deposit as texts } from '../texts/deposit.ts'

type Fields = Record<string, string>

export const FormId = z.uuidv7()
export const MailAddress = z.email().max(254)

/** The id of a form of money as it came, or a new one where it is none. */
export function formIdOr(text: string | undefined, nowMs: number): string {
  return FormId.safeParse(text).data ?? uuidv7(nowMs, crypto.getRandomValues(new Uint8Array(16)))
}

/** What is wrong with a form's acceptance of the terms in force; null for nothing. */
export function acceptanceFault({ say }: View, fields: Fields, terms: PublicationText): string | null {
  if (fields.terms !== undefined && fields.terms !== versionName(terms)) return say(texts.termsChanged)
  return fields.accept === 'on' && fields.terms !== undefined ? null : say(texts.acceptWrong)
}

/** The fields of a form as it is shown again: a box that was ticked for other terms is not ticked. */
export function shownAgain(fields: Fields, terms: PublicationText | null): Fields {
  return terms !== null && fields.terms === versionName(terms) ? fields : { ...fields, accept: '' }
}
