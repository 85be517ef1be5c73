import type { Language } from '../../shared/wire.ts'
import { mailChangedLetter } from '../letters/outbox.ts'
import { recordedIfChanged } from '../municipality/audit.ts'

/** How a guardian wants to be spoken to, and of what; `tellBelow` in øre, null for not at all. */
export type Contact = {
  language: Language
  mail: string | null
  tellBelow: number | null
  tellPurchases: boolean
  tellWeekly: boolean
}

/** Stores how a guardian wants to be told. The mail address that is left gets a letter, so that nobody is cut off unseen. */
export async function setContact(db: D1Database, guardian: number, contact: Contact, nowMs: number): Promise<void> {
  const { language, mail, tellBelow, tellPurchases, tellWeekly } = contact
  await db.batch([
    mailChangedLetter(db, guardian, mail, nowMs),
    db
      .prepare(
        `UPDATE guardian SET language = ?2, mail = ?3, tell_below = ?4, tell_purchases = ?5, tell_weekly = ?6
         WHERE id = ?1 AND (language, mail, tell_below, tell_purchases, tell_weekly) IS NOT (?2, ?3, ?4, ?5, ?6)`,
      )
      .bind(guardian, language, mail, tellBelow, Number(tellPurchases), Number(tellWeekly)),
    recordedIfChanged(db, { guardian, action: 'contact_changed', subject: `guardian:${guardian}` }, nowMs),
  ])
}

/** Stores the language that a guardian chose in passing. */
export async function setLanguage(db: D1Database, guardian: number, language: Language): Promise<void> {
  await db.prepare('UPDATE guardian SET language = ?2 WHERE id = ?1').bind(guardian, language).run()
}
