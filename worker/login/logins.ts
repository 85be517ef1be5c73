import { base64url, digest } from '../../shared/signing.ts'
import type { Language } from '../../shared/wire.ts'
import { arrive } from '../people/guardians.ts'
import {
  answered,
  authorization,
  type BrokerAnswer,
  type BrokerConfig,
  type BrokerUnavailable,
  CLOCK_TOLERANCE_S,
  tellsWhen,
} from './broker.ts'
import { holderOf, openSession } from './sessions.ts'

/** The cookie of a log-in that has been sent to the broker, and how long its answer is awaited. */
export const LOGIN_COOKIE = '__Host-login'
export const LOGIN_MAX_MS = 15 * 60_000

/** The front page, and where a log-in leads that was not on its way to any other. */
const FRONT = '/konti'

const RETURN_TO_MAX = 500

type Random = (bytes: number) => Uint8Array<ArrayBuffer>

/** Where a log-in was to lead, and what it was to confirm: null for one that is a log-in and nothing else. */
export type Purpose = { returnTo: string; confirms: string | null }

/** Why nobody was logged in; the way to try again leads where this log-in was to lead. */
export type Failure = Purpose &
  (
    | Exclude<BrokerAnswer, { kind: 'identified' }>
    | { kind: 'attempt_unknown' } // No cookie, an old one, or an answer that has been given already.
    | { kind: 'state_mismatch' }
    | Contradiction
  )

/** Why a log-in confirms nothing: it is not the one of the session that asked, or that session is no more. */
export type Contradiction = { kind: 'somebody_else' } | { kind: 'not_anew' } | { kind: 'session_ended' }

/**
 * How a log-in ends. Whatever it is but `logged_in`, nothing has changed but that the attempt may be spent. Whoever
 * takes a `logged_in` that `confirms` something does that now, for this guardian: it is told once.
 */
export type LoginOutcome = (Purpose & { kind: 'logged_in'; token: string; guardian: number }) | Failure

/** A path on this host as it may be gone to after log-in; anything else, another host above all, is the front page. */
export function localPath(text: string | undefined): string {
  if (text === undefined || text.length > RETURN_TO_MAX) return FRONT
  // A browser reads '//host' and '/\host' as another host, and drops tabs and line breaks before it looks.
  const local = /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(text) && !/^\/log-(ind\/|ud)/.test(text)
  return local && new URL(text, 'http://here.invalid').host === 'here.invalid' ? text : FRONT
}

/** What somebody who is logged in confirms by logging in anew, and how the MitID app says it. */
export type Confirming = { confirms: string; message: string }

/** Begins a log-in; `token` is the value of the new cookie. */
export async function beginLogin(
  db: D1Database,
  broker: BrokerConfig,
  { returnTo, redirectUri, confirming }: { returnTo: string; redirectUri: string; confirming: Confirming | null },
  random: Random,
  nowMs: number,
): Promise<{ kind: 'begun'; location: URL; token: string } | BrokerUnavailable> {
  const secret = () => base64url(random(32))
  const [token, state, nonce, verifier] = [secret(), secret(), secret(), secret()]
  const ready = await authorization(broker, redirectUri, { state, nonce, verifier }, confirming?.message ?? null, nowMs)
  if (ready.kind === 'broker_unavailable') return ready
  await db
    .prepare(
      `INSERT INTO login_attempt (hash, state, nonce, verifier, return_to, confirms, created_at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`,
    )
    .bind(await digest(token), state, nonce, verifier, localPath(returnTo), confirming?.confirms ?? null, nowMs)
    .run()
  return { kind: 'begun', location: ready.location, token }
}

/** What a browser comes back with: the address, its cookies, and the language that it has been spoken to in. */
type Return = { url: URL; login: string | undefined; session: string | undefined; language: Language }

type Attempt = Purpose & { nonce: string; verifier: string; createdAt: number }

/**
 * Ends a log-in with the address that the browser came back to. `login` and `session` are the cookies that came along;
 * the new session has a token that nobody has seen before, and takes the place of the one that `session` names. Where
 * the log-in was to confirm something, `session` must be in force, and whoever has logged in must be the one whose it is.
 */
export async function finishLogin(
  db: D1Database,
  broker: BrokerConfig,
  keys: { masterKey: string; municipality: number },
  { url, login, session, language }: Return,
  random: Random,
  nowMs: number,
): Promise<LoginOutcome> {
  const nowhere: Purpose = { returnTo: FRONT, confirms: null }
  if (login === undefined) return { kind: 'attempt_unknown', ...nowhere }
  const state = url.searchParams.get('state') ?? ''
  // Only its own state spends an attempt: a forged answer changes nothing.
  const [taken, waiting] = await db.batch<Attempt>([
    db
      .prepare(
        `DELETE FROM login_attempt WHERE hash = ?1 AND state = ?2 AND created_at > ?3 - ${LOGIN_MAX_MS}
         RETURNING nonce, verifier, return_to AS returnTo, confirms, created_at AS createdAt`,
      )
      .bind(await digest(login), state, nowMs),
    db
      .prepare('SELECT return_to AS returnTo, confirms, created_at AS createdAt FROM login_attempt WHERE hash = ?')
      .bind(await digest(login)),
  ])
  const attempt = taken?.results[0]
  if (!attempt) {
    const { returnTo, confirms, createdAt } = waiting?.results[0] ?? { ...nowhere, createdAt: 0 }
    const kind = createdAt > nowMs - LOGIN_MAX_MS ? 'state_mismatch' : 'attempt_unknown'
    return { kind, returnTo, confirms }
  }
  const { nonce, verifier, returnTo, confirms } = attempt
  const answer = await answered(broker, url, { state, nonce, verifier }, nowMs)
  if (answer.kind !== 'identified') return { ...answer, returnTo, confirms }
  const contradiction =
    confirms === null
      ? null
      : await contradictionOf(db, attempt, { ...answer, mustTell: tellsWhen(broker) }, session, nowMs)
  if (contradiction) return { ...contradiction, returnTo, confirms }
  const guardian = await arrive(db, answer.identity, keys, language, nowMs)
  const opened = { guardian, idToken: answer.idToken, previous: session ?? null }
  return { kind: 'logged_in', token: await openSession(db, opened, random, nowMs), guardian, returnTo, confirms }
}

/** Why somebody who has been identified has not confirmed what the session asked for; null where they have. */
async function contradictionOf(
  db: D1Database,
  { createdAt }: Attempt,
  { identity, authenticatedAtMs, mustTell }: Extract<BrokerAnswer, { kind: 'identified' }> & { mustTell: boolean },
  session: string | undefined,
  nowMs: number,
): Promise<Contradiction | null> {
  // A broker that tells when it was must not tell of a log-in from before it was asked for this one.
  const earliest = createdAt - CLOCK_TOLERANCE_S * 1000
  const anew = authenticatedAtMs === null ? !mustTell : authenticatedAtMs >= earliest
  if (!anew) return { kind: 'not_anew' }
  const holder = session === undefined ? null : await holderOf(db, session, nowMs)
  if (holder === null) return { kind: 'session_ended' }
  const same = holder.issuer === identity.issuer && holder.subject === identity.subject
  return same ? null : { kind: 'somebody_else' }
}
