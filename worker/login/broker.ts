import * as openid from 'openid-client'
import { z } from 'zod'
import { parseCpr } from '../../shared/cpr.ts'
import type { Env } from '../env.ts'

/** What the log-in itself settles; configuration may not say otherwise. */
const OURS = [
  'client_id',
  'client_secret',
  'response_type',
  'response_mode',
  'redirect_uri',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
]

const Parameters = z
  .record(z.string(), z.string())
  .refine((parameters) => OURS.every((name) => !(name in parameters)), 'names a parameter that the log-in settles')

/**
 * How a municipality's guardians log in: `OIDC_<number>`, as JSON. Claims are known by their whole names ('dk.cpr' is
 * one name). `assurance` says which claim tells how sure the broker is, and which of its values are enough.
 */
export const BrokerConfig = z.strictObject({
  issuer: z.url({ protocol: /^https?$/ }).refine((issuer) => isSafe(new URL(issuer)), 'must be https'),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
  scope: z
    .string()
    .regex(/^openid( \S+)*$/, "must begin with 'openid'")
    .default('openid ssn'),
  parameters: Parameters.default({}),
  assurance: z.strictObject({ claim: z.string().min(1), accepted: z.array(z.string().min(1)).min(1) }),
  claims: z.strictObject({ cpr: z.string().min(1), name: z.string().min(1) }),
  logoutParameters: z.record(z.string(), z.string()).default({}),
  /**
   * How a log-in is asked for that must be a new one, beside 'prompt=login'. A broker that does not know OpenID
   * Connect's max_age gets parameters without it here, and is then believed without an auth_time; one that shows a
   * message in the MitID app says how it wants it.
   */
  stepUp: z
    .strictObject({
      parameters: Parameters.default({ max_age: '0' }),
      message: z.enum(['none', 'login_hint']).default('none'),
    })
    .prefault({}),
})
export type BrokerConfig = z.infer<typeof BrokerConfig>

/** Who has logged in. `name` is null for the name-protected; `cpr` is ten digits, null where the broker tells none. */
export type Identity = { issuer: string; subject: string; name: string | null; cpr: string | null }

/** What a log-in is held against when its answer comes. */
export type Checks = { state: string; nonce: string; verifier: string }

/** Nobody can be identified now. `reason` is for the log: a code or a library's sentence, never a person's data. */
export type BrokerUnavailable = { kind: 'broker_unavailable'; reason: string }

export type BrokerAnswer =
  | { kind: 'identified'; identity: Identity; idToken: string; authenticatedAtMs: number | null }
  | { kind: 'refused_by_user' }
  | { kind: 'assurance_too_low' }
  | { kind: 'token_invalid'; reason: string } // The answer is not what this log-in asked for, or is not the broker's.
  | BrokerUnavailable

/** How long each call to a broker may take, in seconds, and how long what it says about itself is believed. */
const TIMEOUT_S = 5
const DISCOVERY_MAX_MS = 3_600_000

/** How far a broker's clock may be from ours. */
export const CLOCK_TOLERANCE_S = 30

/** What MitID's brokers say instead of a name that is protected, its letters alone: each broker spells it its own way. */
const NAME_PROTECTED = /^navne?(og)?(adresse)?beskytte/

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
}

const isSafe = (url: URL) => url.protocol === 'https:' || isLoopback(url)

/** Every page asks, for its Content-Security-Policy, and what the text says does not change. */
const understood = new Map<string, BrokerConfig>()

/** How guardians of a municipality log in, or null where that is not configured. Throws where it is malformed. */
export function brokerOf(env: Env, municipality: number): BrokerConfig | null {
  const name = `OIDC_${municipality}`
  const bindings: Record<string, unknown> = { ...env }
  const text = bindings[name]
  if (typeof text !== 'string' || text === '') return null
  const known = understood.get(text)
  if (known) return known
  const found = BrokerConfig.safeParse(jsonOf(text))
  if (found.success) {
    understood.set(text, found.data)
    return found.data
  }
  const where = found.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`)
  throw new Error(`${name} is malformed: ${where.join('; ')}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // The schema refuses it, and its words do not quote the secret as the parser's would.
  }
}

const discovered = new Map<string, { configuration: openid.Configuration; atMs: number }>()

/** What a broker says about itself, as remembered for an hour, or now. Throws where it cannot be had. */
async function discover(config: BrokerConfig, nowMs: number, as: 'remembered' | 'now'): Promise<openid.Configuration> {
  const { issuer, clientId, clientSecret } = config
  const key = JSON.stringify([issuer, clientId, clientSecret])
  const known = discovered.get(key)
  if (as === 'remembered' && known && nowMs - known.atMs < DISCOVERY_MAX_MS) return known.configuration
  // The ID token comes over TLS from the broker itself; its signature is verified all the same.
  const execute = [openid.enableNonRepudiationChecks]
  if (isLoopback(new URL(issuer))) execute.push(openid.allowInsecureRequests)
  const metadata = { [openid.clockTolerance]: CLOCK_TOLERANCE_S }
  const authentication = openid.ClientSecretPost(clientSecret)
  const options = { execute, timeout: TIMEOUT_S }
  const configuration = await openid.discovery(new URL(issuer), clientId, metadata, authentication, options)
  const keys = known && openid.getJwksCache(known.configuration)
  if (keys) openid.setJwksCache(configuration, keys)
  discovered.set(key, { configuration, atMs: nowMs })
  return configuration
}

/** How long a message in the MitID app may be, in base64, at Idura. */
const MESSAGE_MAX = 130

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** A message as the MitID app is given it; one that is too long is cut. */
function messageHint(message: string): string {
  let [letters, text] = [[...message], base64(message)]
  while (text.length > MESSAGE_MAX) {
    letters = letters.slice(0, -1)
    text = base64(`${letters.join('')}…`)
  }
  return `message:${text}`
}

/** What asks the broker for a log-in now, whoever is logged in there, and says in the MitID app what it is for. */
function anew({ stepUp }: BrokerConfig, message: string): Record<string, string> {
  const hint = stepUp.message === 'login_hint' ? { login_hint: messageHint(message) } : {}
  return { ...stepUp.parameters, prompt: 'login', ...hint }
}

/**
 * Whether a broker must say when a new log-in was: OpenID Connect wants auth_time in the answer to max_age. The request
 * travels through the browser, so an answer without it may be to another one, by which nobody had to log in.
 */
export function tellsWhen({ parameters, stepUp }: BrokerConfig): boolean {
  return 'max_age' in parameters || 'max_age' in stepUp.parameters
}

/** Where the browser goes to log in; with a `message`, to log in anew whoever is logged in at the broker. */
export async function authorization(
  config: BrokerConfig,
  redirectUri: string,
  { state, nonce, verifier }: Checks,
  message: string | null,
  nowMs: number,
): Promise<{ kind: 'ready'; location: URL } | BrokerUnavailable> {
  try {
    // Asked now: a browser that is sent to a broker that is down does not come back.
    const configuration = await discover(config, nowMs, 'now')
    const location = openid.buildAuthorizationUrl(configuration, {
      ...config.parameters,
      ...(message !== null && anew(config, message)),
      scope: config.scope,
      redirect_uri: redirectUri,
      state,
      nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    return { kind: 'ready', location }
  } catch (error) {
    return { kind: 'broker_unavailable', reason: reasonOf(error) }
  }
}

/**
 * Who a broker's answer is about. `url` is the whole address that the browser came back to. What the ID token does not
 * tell is asked of userinfo; the level of assurance is judged by what came back, not by what was asked for.
 */
export async function answered(config: BrokerConfig, url: URL, checks: Checks, nowMs: number): Promise<BrokerAnswer> {
  let configuration: openid.Configuration
  try {
    configuration = await discover(config, nowMs, 'remembered')
  } catch (error) {
    return { kind: 'broker_unavailable', reason: reasonOf(error) }
  }
  try {
    const tokens = await openid.authorizationCodeGrant(configuration, url, {
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      pkceCodeVerifier: checks.verifier,
      idTokenExpected: true,
    })
    const token = tokens.claims()
    if (!token || !tokens.id_token) return { kind: 'token_invalid', reason: 'no ID token' }
    const wanted = [config.assurance.claim, config.claims.cpr, config.claims.name]
    const askMore = wanted.some((name) => !(name in token)) && configuration.serverMetadata().userinfo_endpoint
    const more = askMore ? await openid.fetchUserInfo(configuration, tokens.access_token, token.sub) : {}
    const claims: Record<string, unknown> = { ...more, ...token }
    const level = claims[config.assurance.claim]
    if (typeof level !== 'string' || !config.assurance.accepted.includes(level)) return { kind: 'assurance_too_low' }
    const cpr = claims[config.claims.cpr]
    return {
      kind: 'identified',
      identity: {
        issuer: token.iss,
        subject: token.sub,
        name: nameOf(claims[config.claims.name]),
        cpr: typeof cpr === 'string' ? parseCpr(cpr) : null,
      },
      // A CPR number is stored nowhere, so an ID token that tells it is not kept; log-out then does without it.
      idToken: config.claims.cpr in token ? '' : tokens.id_token,
      authenticatedAtMs: token.auth_time === undefined ? null : token.auth_time * 1000,
    }
  } catch (error) {
    return failureOf(error)
  }
}

function nameOf(claim: unknown): string | null {
  const name = typeof claim === 'string' ? claim.trim() : ''
  const letters = name
    .toLowerCase()
    .replaceAll(/&(amp;)?/g, 'og')
    .replaceAll(/\P{L}/gu, '')
  return letters === '' || NAME_PROTECTED.test(letters) ? null : name
}

/** What says that an answer is not what was asked for, rather than that the broker is not there. */
const INVALID = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
  'OAUTH_PARSE_ERROR',
])

function failureOf(error: unknown): BrokerAnswer {
  if (error instanceof openid.AuthorizationResponseError && error.error === 'access_denied') {
    return { kind: 'refused_by_user' }
  }
  const reason = reasonOf(error)
  // The code is not this log-in's: used before, too old, or another verifier's.
  if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant') {
    return { kind: 'token_invalid', reason }
  }
  const invalid = error instanceof openid.ClientError && error.code !== undefined && INVALID.has(error.code)
  return { kind: invalid ? 'token_invalid' : 'broker_unavailable', reason }
}

/** What went wrong at the wire, in words without personal data. A call that we made wrongly is a bug and goes on up. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  if (code?.startsWith('ERR_INVALID_ARG')) throw error
  if (error instanceof openid.AuthorizationResponseError || error instanceof openid.ResponseBodyError) {
    return `answered '${error.error.slice(0, 60)}'`
  }
  return code ?? error.message
}

/**
 * Where the browser goes to log out at the broker too, and comes back from; null where the broker has no such place or
 * does not answer now. `idToken` is '' where none was kept.
 */
export async function endOfSession(
  config: BrokerConfig,
  idToken: string,
  backTo: string,
  nowMs: number,
): Promise<URL | null> {
  try {
    const configuration = await discover(config, nowMs, 'now') // For the same reason.
    if (!configuration.serverMetadata().end_session_endpoint) return null
    return openid.buildEndSessionUrl(configuration, {
      ...config.logoutParameters,
      ...(idToken !== '' && { id_token_hint: idToken }),
      post_logout_redirect_uri: backTo,
    })
  } catch (error) {
    reasonOf(error)
    return null
  }
}
