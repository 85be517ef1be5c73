import { base64url, digest } from '../shared/signing.ts'
import type { Language } from '../shared/wire.ts'
import { answered, authorization, type BrokerAnswer, type BrokerConfig, type BrokerUnavailable } from './broker.ts'
import { arrive } from './guardians.ts'
import { openSession } from './sessions.ts'

/** The cookie of a log-in that has been sent to the broker, and how long its answer is awaited. */
export const LOGIN_COOKIE = '__Host-login'
export const LOGIN_MAX_MS = 15 * 60_000

/** The front page, and where a log-in leads that was not on its way to any other. */
const FRONT = '/konti'

const RETURN_TO_MAX = 500

type Random = (bytes: number) => Uint8Array<ArrayBuffer>

/** Why nobody was identified; the way to try again leads where this log-in was to lead. */
export type Failure = Exclude<BrokerAnswer, { kind: 'identified' }> & { returnTo: string }

/** How a log-in ends. Whatever it is but `logged_in`, nothing has changed but that the attempt may be spent. */
export type LoginOutcome =
  | { kind: 'logged_in'; token: string; returnTo: string }
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

/** Begins a log-in; `token` is the value of the new cookie. */
export async function beginLogin(
  db: D1Database,
  broker: BrokerConfig,
  { returnTo, redirectUri }: { returnTo: string; redirectUri: string },
  random: Random,
  nowMs: number,
): Promise<{ kind: 'begun'; location: URL; token: string } | BrokerUnavailable> {
  const secret = () => base64url(random(32))
  const [token, state, nonce, verifier] = [secret(), secret(), secret(), secret()]
  const ready = await authorization(broker, redirectUri, { state, nonce, verifier }, nowMs)
  if (ready.kind === 'broker_unavailable') return ready
  await db
    .prepare(
      `INSERT INTO login_attempt (hash, state, nonce, verifier, return_to, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
    )
    .bind(await digest(token), state, nonce, verifier, localPath(returnTo), nowMs)
    .run()
  return { kind: 'begun', location: ready.location, token }
}

/** What a browser comes back with: the address, its cookies, and the language that it has been spoken to in. */
type Return = { url: URL; login: string | undefined; session: string | undefined; language: Language }

type Attempt = { nonce: string; verifier: string; returnTo: string }

/**
 * Ends a log-in with the address that the browser came back to. `login` and `session` are the cookies that came along;
 * the new session has a token that nobody has seen before, and takes the place of the one that `session` names.
 */
export async function finishLogin(
  db: D1Database,
  broker: BrokerConfig,
  keys: { masterKey: string; municipality: number },
  { url, login, session, language }: Return,
  random: Random,
  nowMs: number,
): Promise<LoginOutcome> {
  if (login === undefined) return { kind: 'attempt_unknown' }
  const state = url.searchParams.get('state') ?? ''
  // Only its own state spends an attempt: a forged answer changes nothing.
  const [taken, waiting] = await db.batch<Attempt>([
    db
      .prepare(
        `DELETE FROM login_attempt WHERE hash = ?1 AND state = ?2 AND created_at > ?3 - ${LOGIN_MAX_MS}
         RETURNING nonce, verifier, return_to AS returnTo`,
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
  if (answer.kind !== 'identified') return { ...answer, returnTo }
  const guardian = await arrive(db, answer.identity, keys, language, nowMs)
  const opened = { guardian, idToken: answer.idToken, previous: session ?? null }
  return { kind: 'logged_in', token: await openSession(db, opened, random, nowMs), returnTo }
}
