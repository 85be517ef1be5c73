import { copenhagenDay } from '../../shared/copenhagen.ts'
import { base64url, digest } from '../../shared/signing.ts'
import type { CardStatus, Language } from '../../shared/wire.ts'
import { type SettingsView, settingsOf, settingsQuery } from '../municipality/settings.ts'
import { sealed, unsealed } from './id-tokens.ts'

/** The cookie of a session. `__Host-`: over HTTPS, for this host alone, for every path. */
export const SESSION_COOKIE = '__Host-session'

/** A session ends when it has been idle for this long, and at the latest this long after the log-in. */
export const IDLE_MAX_MS = 30 * 60_000
export const SESSION_MAX_MS = 12 * 3_600_000

/** How long after its guardian was last seen a session keeps the form that its end interrupted. */
export const DRAFT_MAX_MS = 24 * 3_600_000

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
  child: { id: number; name: string; left: boolean }
  balance: number
  dailyLimit: number | null
  spentToday: number
  cards: { id: number; status: CardStatus; version: number; createdAt: number }[]
}

/** The form that a session's idling out interrupted: where it stands, and what had been typed. */
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

/** A session that has been ended keeps nothing; one that has idled out keeps a form for a day. */
const KEEPING = `ended_at IS NULL AND seen_at > ?2 - ${DRAFT_MAX_MS}`

/** What an ended session keeps no longer: what its guardian had typed, and its ID token. */
export const EMPTIED = "id_token = '', draft = NULL"

/**
 * Opens a session for a guardian who has just logged in; resolves to its cookie's value, 256 random bits, of which only
 * the digest is stored. `previous` is the cookie that came along: its session ends, and what it kept of an interrupted
 * form moves over, if it was the same guardian's.
 */
export async function openSession(
  db: D1Database,
  { guardian, idToken, previous }: { guardian: number; idToken: string; previous: string | null },
  random: (bytes: number) => Uint8Array<ArrayBuffer>,
  nowMs: number,
): Promise<string> {
  const token = base64url(random(32))
  const before = previous === null ? null : await digest(previous)
  await db.batch([
    db
      .prepare(
        `INSERT INTO session (hash, guardian, id_token, created_at, seen_at, draft)
         VALUES (?1, ?3, ?4, ?2, ?2, (SELECT draft FROM session WHERE hash = ?5 AND guardian = ?3 AND ${KEEPING}))`,
      )
      .bind(await digest(token), nowMs, guardian, await sealed(idToken, token, random), before),
    db.prepare(`UPDATE session SET ended_at = ?1, ${EMPTIED} WHERE hash = ?2 AND ended_at IS NULL`).bind(nowMs, before),
  ])
  return token
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
  leftAt: number | null
  dailyLimit: number | null
  balance: number | null
  day: string | null
  spent: number | null
  cards: string
}

/**
 * Who comes with this token (null where none came) and what they may see, with the municipality's settings, in one
 * round trip. `visit` is null where there is no such session, or it has ended. To be seen keeps a session alive; a
 * draft that stands at `shown`, the page that is asked for now, is told this once.
 */
export async function callerOf(
  db: D1Database,
  token: string | null,
  shown: string | null,
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
        `SELECT account.id, child.id AS child, child.name, child.left_at AS leftAt, account.daily_limit AS dailyLimit,
           newest.balance, newest.day, newest.spent,
           (SELECT json_group_array(json_object('id', id, 'status', status, 'version', version, 'createdAt', created_at))
            FROM (SELECT * FROM card WHERE card.account = account.id ORDER BY status = 'closed', id)) AS cards
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
    db
      .prepare(`UPDATE session SET draft = NULL WHERE ${IN_FORCE} AND draft ->> '$.path' = ?3`)
      .bind(hash, nowMs, shown),
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
    accounts: accounts.map(({ id, child, name, leftAt, dailyLimit, balance, day, spent, cards }) => ({
      id,
      child: { id: child, name, left: leftAt !== null },
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

/** Whose session this is, as the broker knows them; null where it is not in force. */
export async function holderOf(
  db: D1Database,
  token: string,
  nowMs: number,
): Promise<{ issuer: string; subject: string } | null> {
  return await db
    .prepare(`SELECT issuer, subject FROM session JOIN guardian ON guardian.id = session.guardian WHERE ${IN_FORCE}`)
    .bind(await digest(token), nowMs)
    .first()
}

const DRAFT_FIELDS_MAX = 20
const DRAFT_NAME_MAX = 40
const DRAFT_VALUE_MAX = 4_500
const DRAFT_MAX_BYTES = 16_384

/** Whether a form is one of ours by its size: the largest is a question to support, of 4,000 characters. */
function mayBeKept(fields: Record<string, string>): boolean {
  const entries = Object.entries(fields)
  const fits = ([name, value]: [string, string]) => name.length <= DRAFT_NAME_MAX && value.length <= DRAFT_VALUE_MAX
  return entries.length > 0 && entries.length <= DRAFT_FIELDS_MAX && entries.every(fits)
}

/**
 * Keeps the form that a session's idling out interrupted in the row of that session, one at a time, until its guardian
 * has logged in again, or a day has gone since they were seen. False where nothing is kept: the form is empty or too
 * large, or the session was ended, is too old, or is none.
 */
export async function keepDraft(db: D1Database, token: string, draft: Draft, nowMs: number): Promise<boolean> {
  const text = JSON.stringify(draft)
  if (!mayBeKept(draft.fields) || new TextEncoder().encode(text).length > DRAFT_MAX_BYTES) return false
  const { meta } = await db
    .prepare(`UPDATE session SET draft = ?3 WHERE hash = ?1 AND ${KEEPING}`)
    .bind(await digest(token), nowMs, text)
    .run()
  return meta.changes > 0
}

/**
 * Ends a session, or with it all that its guardian has; resolves to its ID token, which the broker wants back at
 * log-out, or null where it was not in force, and then nothing has changed.
 */
export async function endSession(
  db: D1Database,
  token: string,
  where: 'here' | 'everywhere',
  nowMs: number,
): Promise<string | null> {
  const hash = await digest(token)
  const action = where === 'here' ? 'logged_out' : 'sessions_ended'
  const whose = where === 'here' ? IN_FORCE : `guardian = (SELECT guardian FROM session WHERE ${IN_FORCE})`
  const [found] = await db.batch<{ idToken: string }>([
    db.prepare(`SELECT id_token AS idToken FROM session WHERE ${IN_FORCE}`).bind(hash, nowMs),
    db
      .prepare(
        `INSERT INTO audit (at, action, subject, guardian)
         SELECT ?2, ?3, 'guardian:' || guardian, guardian FROM session WHERE ${IN_FORCE}`,
      )
      .bind(hash, nowMs, action),
    db.prepare(`UPDATE session SET ended_at = ?2, ${EMPTIED} WHERE ended_at IS NULL AND ${whose}`).bind(hash, nowMs),
  ])
  const stored = found?.results[0]?.idToken
  return stored === undefined ? null : await unsealed(stored, token)
}
