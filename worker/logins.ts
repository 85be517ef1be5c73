import { base64url, digest } from '../shared/signing.ts'
import { answered, authorization, type BrokerAnswer, type BrokerConfig, type BrokerUnavailable } from './broker.ts'
import { arrive } from './guardians.ts'
import { type Draft, endSession, newSessionToken, openSession } from './sessions.ts'

/** The cookie of a log-in that has been sent to the broker, and how long its answer is awaited. */
export const LOGIN_COOKIE = '__Host-login'
export const LOGIN_MAX_MS = 15 * 60_000

/** The front page, and where a log-in leads that was not on its way to any other. */
export const FRONT = '/konti'

const RETURN_TO_MAX = 500

type Random = (bytes: number) => Uint8Array

/** Why nobody was identified; the way to try again leads where this log-in was to lead. */
export type Failure = Exclude<BrokerAnswer, { kind: 'identified' }> & { returnTo: string }

/** How a log-in ends. Whatever it is but `logged_in`, nothing has changed but that the attempt may be spent. */
export type LoginOutcome =
  | { kind: 'logged_in'; guardian: number; token: string; returnTo: string; draft: Draft | null }
  | { kind: 'attempt_unknown' } // No cookie, an old one, or an answer that has been given already.
  | { kind: 'state_mismatch' }
  | Failure

/** A path on this host as it may be gone to after log-in; anything else, another host above all, is the front page. */
export function localPath(text: string | undefined): string {
  if (text === undefined || text.length > RETURN_TO_MAX) return FRONT
  // A browser reads '//host' and '/\host' as another host, and drops tabs and line breaks before it looks.
  const local = /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(text) && !/^\/log-(ind\/|ud)/.test(text)
  return local && new URL(text, 'http://here.invalid').host === 'here.invalid' ? text : FRONT
}

/** A draft as it waits for the log-in: with whose it is, so that nobody else at the same browser gets to see it. */
type Kept = { guardian: number; draft: Draft }

/**
 * Keeps the form that an ended session interrupted until its guardian has logged in again, at most 15 minutes. Resolves
 * to the value of the log-in cookie. A token that is no session's keeps nothing.
 */
export async function keepDraft(
  db: D1Database,
  sessionToken: string,
  draft: Draft,
  random: Random,
  nowMs: number,
): Promise<string> {
  const token = base64url(random(32))
  await db
    .prepare(
      `${KEEP} SELECT ?1, '', '', '', '', json_object('guardian', guardian, 'draft', json(?2)), ?3
       FROM session WHERE hash = ?4`,
    )
    .bind(await digest(token), JSON.stringify(draft), nowMs, await digest(sessionToken))
    .run()
  return token
}

const KEEP = 'INSERT INTO login_attempt (hash, state, nonce, verifier, return_to, draft, created_at)'

/** The draft of a log-in that failed waits for the next one. */
async function keepAgain(db: D1Database, token: string, kept: string, nowMs: number): Promise<void> {
  await db
    .prepare(`${KEEP} VALUES (?1, '', '', '', '', ?2, ?3) ON CONFLICT (hash) DO NOTHING`)
    .bind(await digest(token), kept, nowMs)
    .run()
}

/**
 * Begins a log-in. `previous` is the log-in cookie that came along: it is replaced, and the draft that waits under it
 * is taken over. `token` is the value of the new cookie.
 */
export async function beginLogin(
  db: D1Database,
  broker: BrokerConfig,
  { returnTo, redirectUri, previous }: { returnTo: string; redirectUri: string; previous: string | undefined },
  random: Random,
  nowMs: number,
): Promise<{ kind: 'begun'; location: URL; token: string } | BrokerUnavailable> {
  const secret = () => base64url(random(32))
  const [token, state, nonce, verifier] = [secret(), secret(), secret(), secret()]
  const ready = await authorization(broker, redirectUri, { state, nonce, verifier }, nowMs)
  if (ready.kind === 'broker_unavailable') return ready
  const before = previous === undefined ? '' : await digest(previous)
  await db.batch([
    db
      .prepare(
        `${KEEP} VALUES (?1, ?2, ?3, ?4, ?5,
           (SELECT draft FROM login_attempt WHERE hash = ?6 AND created_at > ?7 - ${LOGIN_MAX_MS}), ?7)`,
      )
      .bind(await digest(token), state, nonce, verifier, localPath(returnTo), before, nowMs),
    db.prepare('DELETE FROM login_attempt WHERE hash = ?').bind(before),
  ])
  return { kind: 'begun', location: ready.location, token }
}

type Attempt = { nonce: string; verifier: string; returnTo: string; draft: string | null }

/**
 * Ends a log-in with the address that the browser came back to. `login` and `session` are the cookies that came along;
 * a session that is in force is ended, and the new one has a token that nobody has seen before.
 */
export async function finishLogin(
  db: D1Database,
  broker: BrokerConfig,
  keys: { masterKey: string; municipality: number },
  { url, login, session }: { url: URL; login: string | undefined; session: string | undefined },
  random: Random,
  nowMs: number,
): Promise<LoginOutcome> {
  if (login === undefined) return { kind: 'attempt_unknown' }
  const state = url.searchParams.get('state') ?? ''
  // Only its own state spends an attempt: a forged answer changes nothing. An attempt of '' only keeps a draft.
  const [taken, waiting] = await db.batch<Attempt>([
    db
      .prepare(
        `DELETE FROM login_attempt WHERE hash = ?1 AND state = ?2 AND state <> '' AND created_at > ?3 - ${LOGIN_MAX_MS}
         RETURNING nonce, verifier, return_to AS returnTo, draft`,
      )
      .bind(await digest(login), state, nowMs),
    db
      .prepare(`SELECT 1 FROM login_attempt WHERE hash = ?1 AND created_at > ?2 - ${LOGIN_MAX_MS}`)
      .bind(await digest(login), nowMs),
  ])
  const attempt = taken?.results[0]
  if (!attempt) return { kind: waiting?.results.length ? 'state_mismatch' : 'attempt_unknown' }
  const { nonce, verifier, returnTo } = attempt
  const answer = await answered(broker, url, { state, nonce, verifier }, nowMs)
  if (answer.kind !== 'identified') {
    if (attempt.draft !== null) await keepAgain(db, login, attempt.draft, nowMs)
    return { ...answer, returnTo }
  }
  const guardian = await arrive(db, answer.identity, keys, nowMs)
  if (session !== undefined) await endSession(db, session, nowMs)
  const kept: Kept | null = attempt.draft === null ? null : JSON.parse(attempt.draft)
  const draft = kept?.guardian === guardian ? kept.draft : null
  const token = newSessionToken(random)
  await openSession(db, guardian, answer.idToken, draft, token, nowMs)
  return { kind: 'logged_in', guardian, token, returnTo, draft }
}
