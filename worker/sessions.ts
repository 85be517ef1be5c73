import { copenhagenDay } from '../shared/copenhagen.ts'
import { base64url, digest } from '../shared/signing.ts'
import type { CardStatus } from '../shared/wire.ts'
import type { Language } from './portal/texts/language.ts'
import { type SettingsView, settingsOf, settingsQuery } from './settings.ts'

/** The cookie of a session. `__Host-`: over HTTPS, for this host alone, for every path. */
export const SESSION_COOKIE = '__Host-session'

/** A session ends when it has been idle for this long, and at the latest this long after the log-in. */
export const IDLE_MAX_MS = 30 * 60_000
export const SESSION_MAX_MS = 12 * 3_600_000

/** How stale `seen_at` may grow before it is written again, so that reading pages does not write each time. */
const SEEN_EVERY_MS = 60_000

/** A guardian as the portal knows them; `name` is null for the name-protected. */
export type Guardian = {
  id: number
  name: string | null
  language: Language
  mail: string | null
  tellBelow: number | null
  tellPurchases: boolean
  tellWeekly: boolean
  hasCpr: boolean
}

/** An account that the guardian may see and steer, amounts in øre. */
export type GuardedAccount = {
  id: number
  child: { id: number; name: string }
  balance: number
  dailyLimit: number | null
  spentToday: number
  cards: { id: number; status: CardStatus; version: number; createdAt: number }[]
}

/** The form that an ended session interrupted: where it stands, and what had been typed. */
export type Draft = { path: string; fields: Record<string, string> }

/** A guardian at the door: who it is, what they may see, and the token that their forms must carry. */
export type Visit = {
  guardian: Guardian
  accounts: GuardedAccount[]
  csrf: string
  draft: Draft | null
}

/** The token that every form of a session carries: it follows from the cookie, and the cookie does not follow from it. */
export async function csrfOf(token: string): Promise<string> {
  return (await digest(`csrf ${token}`)).slice(0, 22)
}

/** A new cookie value: 256 random bits, base64url. */
export function newSessionToken(random: (bytes: number) => Uint8Array): string {
  return base64url(random(32))
}

/** Opens a session for a guardian who has just logged in. Only the token's digest is stored. */
export async function openSession(
  db: D1Database,
  guardian: number,
  idToken: string,
  draft: Draft | null,
  token: string,
  nowMs: number,
): Promise<void> {
  await db
    .prepare(
      'INSERT INTO session (hash, guardian, id_token, created_at, seen_at, draft) VALUES (?1, ?2, ?3, ?4, ?4, ?5)',
    )
    .bind(await digest(token), guardian, idToken, nowMs, draft && JSON.stringify(draft))
    .run()
}

const IN_FORCE = `session.hash = ?1 AND session.ended_at IS NULL
  AND session.seen_at > ?2 - ${IDLE_MAX_MS} AND session.created_at > ?2 - ${SESSION_MAX_MS}`

type GuardianRow = Omit<Guardian, 'tellPurchases' | 'tellWeekly' | 'hasCpr'> & {
  tellPurchases: 0 | 1
  tellWeekly: 0 | 1
  hasCpr: 0 | 1
  draft: string | null
}
type AccountRow = {
  id: number
  child: number
  name: string
  dailyLimit: number | null
  balance: number | null
  day: string | null
  spent: number | null
  cards: string
}

/**
 * Who comes with this token (null where none came) and what they may see, with the municipality's settings, in one
 * round trip. `visit` is null where there is no such session, or it has ended. To be seen keeps a session alive.
 */
export async function callerOf(
  db: D1Database,
  token: string | null,
  nowMs: number,
): Promise<{ settings: SettingsView; visit: Visit | null }> {
  if (token === null) return { settings: settingsOf(await settingsQuery(db).first()), visit: null }
  const hash = await digest(token)
  const [settings, , sessions, wallets] = await db.batch([
    settingsQuery(db),
    db
      .prepare(`UPDATE session SET seen_at = ?2 WHERE ${IN_FORCE} AND session.seen_at < ?2 - ${SEEN_EVERY_MS}`)
      .bind(hash, nowMs),
    db
      .prepare(
        `SELECT guardian.id, name, language, mail, tell_below AS tellBelow, tell_purchases AS tellPurchases,
           tell_weekly AS tellWeekly, cpr_hash IS NOT NULL AS hasCpr, session.draft
         FROM session JOIN guardian ON guardian.id = session.guardian WHERE ${IN_FORCE}`,
      )
      .bind(hash, nowMs),
    db
      .prepare(
        `SELECT account.id, child.id AS child, child.name, account.daily_limit AS dailyLimit,
           newest.balance, newest.day, newest.spent,
           (SELECT json_group_array(json_object('id', id, 'status', status, 'version', version, 'createdAt', created_at))
            FROM card WHERE card.account = account.id) AS cards
         FROM session
         JOIN guardian ON guardian.id = session.guardian
         JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
         JOIN child ON child.id = guardianship.child
         JOIN account ON account.child = child.id
         LEFT JOIN posting AS newest ON newest.account = account.id
           AND newest.seq = (SELECT max(seq) FROM posting WHERE posting.account = account.id)
         WHERE ${IN_FORCE}
         ORDER BY child.name, child.id`,
      )
      .bind(hash, nowMs),
  ])
  const row = sessions?.results[0] as GuardianRow | undefined
  const known = settingsOf(settings?.results[0])
  if (!row) return { settings: known, visit: null }
  const { draft, ...guardian } = row
  const today = copenhagenDay(nowMs)
  const accounts = (wallets?.results ?? []) as AccountRow[]
  const visit = {
    guardian: {
      ...guardian,
      tellPurchases: guardian.tellPurchases === 1,
      tellWeekly: guardian.tellWeekly === 1,
      hasCpr: guardian.hasCpr === 1,
    },
    accounts: accounts.map(({ id, child, name, dailyLimit, balance, day, spent, cards }) => ({
      id,
      child: { id: child, name },
      balance: balance ?? 0,
      dailyLimit,
      spentToday: day === today ? (spent ?? 0) : 0,
      cards: JSON.parse(cards),
    })),
    csrf: await csrfOf(token),
    draft: draft === null ? null : JSON.parse(draft),
  }
  return { settings: known, visit }
}

/** Forgets the interrupted form of a session, once it has been shown. */
export async function dropDraft(db: D1Database, token: string): Promise<void> {
  await db
    .prepare('UPDATE session SET draft = NULL WHERE hash = ?')
    .bind(await digest(token))
    .run()
}

/** Ends a session; its ID token, which the broker wants back at log-out, or null where it was not in force. */
export async function endSession(db: D1Database, token: string, nowMs: number): Promise<string | null> {
  return await db
    .prepare(`UPDATE session SET ended_at = ?2 WHERE ${IN_FORCE} RETURNING id_token`)
    .bind(await digest(token), nowMs)
    .first<string>('id_token')
}
