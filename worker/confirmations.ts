import type { Language } from '../shared/wire.ts'
import type { SettingsView } from './municipality/settings.ts'
import { beginCardChange, beginSetup, type PageOpened } from './payments/agreement-setup.ts'
import type { StripeAccount } from './payments/stripe/stripe.ts'
import { type Requested, requestPayout } from './payouts/payouts.ts'
import { agreement as texts } from './texts/agreement.ts'
import { plainKr } from './texts/format.ts'

/**
 * What a fresh log-in confirms (OWASP ASVS 7.5.3), as the attempt keeps it: a payout that has been drafted, an agreement
 * that is to be given its card, or one that is to be given another.
 */
export type Confirmation = `${'payout' | 'agreement' | 'card'}:${string}`

/** What is confirmed, and its id; null for a text that is no confirmation. */
export function confirmationIn(text: string): { what: 'payout' | 'agreement' | 'card'; id: string } | null {
  const [, what, id] = /^(payout|agreement|card):([0-9a-f-]{36})$/.exec(text) ?? []
  return what && id ? { what: what as 'payout' | 'agreement' | 'card', id } : null
}

/** Who has logged in anew, and what a page at Stripe is told: `origin` is where the portal is. */
export type Confirmer = { guardian: number; language: Language; settings: SettingsView; origin: string }

/** Why the thing was not done though it was confirmed; nothing has happened. */
export type Refusal = Exclude<Requested | PageOpened, { kind: 'requested' | 'page' }>['kind']

export type Confirmed =
  | { kind: 'done' } // The page that asked shows it.
  | { kind: 'page'; address: string } // It goes on at Stripe.
  | { kind: 'refused'; why: Refusal; reason?: string } // `reason` is for the log.

/**
 * Does what a guardian has just confirmed by logging in anew. Somebody else's payout or agreement is not found; what has
 * been done already is done, and not again.
 */
export async function confirm(
  db: D1Database,
  stripe: StripeAccount | null,
  confirms: string,
  confirmer: Confirmer,
  nowMs: number,
): Promise<Confirmed> {
  const confirmation = confirmationIn(confirms)
  if (!confirmation) return { kind: 'refused', why: 'not_found' }
  const { what, id } = confirmation
  if (what === 'payout') {
    const { kind } = await requestPayout(db, id, confirmer.guardian, nowMs)
    return kind === 'requested' ? { kind: 'done' } : { kind: 'refused', why: kind }
  }
  if (!stripe) return { kind: 'refused', why: 'unavailable', reason: 'no account at Stripe' }
  const consent = await consentTo(db, id, confirmer)
  if (consent === null) return { kind: 'refused', why: 'not_found' }
  const { guardian, language, origin } = confirmer
  const begin = what === 'agreement' ? beginSetup : beginCardChange
  const opened = await begin(db, stripe, { id, guardian, language, consent, origin }, nowMs)
  if (opened.kind === 'page') return opened
  return {
    kind: 'refused',
    why: opened.kind,
    ...(opened.kind === 'unavailable' && { reason: opened.reason }),
  }
}

/** The words of consent of a guardian's own agreement; null where there is none. */
async function consentTo(
  db: D1Database,
  id: string,
  { guardian, language, settings }: Confirmer,
): Promise<string | null> {
  const found = await db
    .prepare('SELECT amount, threshold, per_day AS perDay FROM agreement WHERE id = ?1 AND guardian = ?2')
    .bind(id, guardian)
    .first<{ amount: number; threshold: number; perDay: number }>()
  if (!found) return null
  return texts.consent[language]({
    municipality: settings.name,
    amount: plainKr(found.amount),
    threshold: plainKr(found.threshold),
    perDay: found.perDay,
  })
}
