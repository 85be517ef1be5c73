import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { vi } from 'vitest'
import { base64url, digest } from '../../shared/signing.ts'

/** What a broker says about somebody: in the ID token, and at userinfo. */
export type Said = { token: Record<string, unknown>; userinfo?: Record<string, unknown> }

/** How the stand-in misbehaves; nothing set is a broker that does as it should. */
export type Vices = {
  /** Claims that replace those of the ID token, its issuer, audience, nonce and times among them. */
  claims?: Record<string, unknown>
  /** The ID token is signed by a key that the broker does not publish. */
  foreignKey?: boolean
  /** The ID token carries no signature at all. */
  unsigned?: boolean
  down?: 'discovery' | 'token' | 'userinfo' | 'keys'
  /** Every answer is an error page, as from a proxy. */
  garbled?: boolean
}

/** A broker as the worker meets it on the wire, and as the browser does. */
export type OpenidBroker = {
  vices: Vices
  /** Every call that the worker made, as method and path. */
  calls: string[]
  /** Somebody logs in where the worker sent them; the address that the browser comes back to. */
  approve(location: URL, said: Said): URL
  /** Somebody presses cancel, or the broker refuses. */
  refuse(location: URL, error?: string): URL
}

const json = (body: unknown, status = 200) => Response.json(body, { status })

type Approved = { said: Said; nonce: string; challenge: string; redirectUri: string; tellsWhen: boolean }

/** Stands in for a broker at `fetch`, the wire: every other address fails. Signs with ES256, as Nets does. */
export async function openidBroker(issuer: string, clientId: string, clientSecret: string): Promise<OpenidBroker> {
  const [own, foreign] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')])
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  const approved = new Map<string, Approved>()
  const speaking = new Map<string, Said>()
  const broker: OpenidBroker = {
    vices: {},
    calls: [],
    approve(location, said) {
      const asked = location.searchParams
      const code = crypto.randomUUID()
      const [nonce, challenge, redirectUri] = ['nonce', 'code_challenge', 'redirect_uri'].map((name) => asked.get(name))
      if (!nonce || !challenge || !redirectUri) throw new Error(`not a log-in: ${location.href}`)
      approved.set(code, { said, nonce, challenge, redirectUri, tellsWhen: asked.has('max_age') })
      return back(location, { code })
    },
    refuse: (location, error = 'access_denied') => back(location, { error, error_description: 'mitid_user_aborted' }),
  }

  function back(location: URL, answer: Record<string, string>): URL {
    const url = new URL(location.searchParams.get('redirect_uri') ?? '')
    const state = location.searchParams.get('state') ?? ''
    for (const [name, value] of Object.entries({ ...answer, state, iss: issuer })) url.searchParams.set(name, value)
    return url
  }

  async function idToken({ said, nonce, tellsWhen }: Approved): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const payload: JWTPayload = {
      iss: issuer,
      aud: clientId,
      nonce,
      iat: now,
      exp: now + 300,
      ...(tellsWhen && { auth_time: now }),
      ...said.token,
      ...broker.vices.claims,
    }
    if (broker.vices.unsigned) {
      const parts = [{ alg: 'none' }, payload].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part))))
      return `${parts.join('.')}.`
    }
    return await new SignJWT(payload)
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(broker.vices.foreignKey ? foreign.privateKey : own.privateKey)
  }

  async function exchange(form: URLSearchParams): Promise<Response> {
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) {
      return json({ error: 'invalid_client' }, 401)
    }
    const code = form.get('code') ?? ''
    const found = approved.get(code)
    approved.delete(code)
    const proven = found && (await digest(form.get('code_verifier') ?? '')) === found.challenge
    if (!proven || form.get('redirect_uri') !== found.redirectUri) return json({ error: 'invalid_grant' }, 400)
    const accessToken = crypto.randomUUID()
    speaking.set(accessToken, found.said)
    return json({ access_token: accessToken, token_type: 'Bearer', expires_in: 300, id_token: await idToken(found) })
  }

  async function answer(request: Request, path: string): Promise<Response> {
    switch (path) {
      case '/.well-known/openid-configuration':
        return json({
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          userinfo_endpoint: `${issuer}/userinfo`,
          jwks_uri: `${issuer}/keys`,
          end_session_endpoint: `${issuer}/logout`,
          id_token_signing_alg_values_supported: ['ES256'],
        })
      case '/token':
        return await exchange(new URLSearchParams(new TextDecoder().decode(await request.arrayBuffer())))
      case '/keys':
        return json({ keys: [jwk] })
      case '/userinfo': {
        const said = speaking.get(request.headers.get('authorization')?.replace('Bearer ', '') ?? '')
        return said ? json({ sub: said.token.sub, ...said.userinfo }) : json({ error: 'invalid_token' }, 401)
      }
      default:
        return new Response('nothing here', { status: 404 })
    }
  }

  const DOWN = { discovery: '/.well-known/openid-configuration', token: '/token', userinfo: '/userinfo', keys: '/keys' }
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init)
    if (!request.url.startsWith(`${issuer}/`)) throw new Error(`nobody answers at ${request.url}`)
    const path = new URL(request.url).href.slice(issuer.length)
    broker.calls.push(`${request.method} ${path}`)
    if (broker.vices.down && DOWN[broker.vices.down] === path) throw new Error('Network connection lost.')
    if (broker.vices.garbled) return new Response('<h1>502</h1>', { headers: { 'content-type': 'text/html' } })
    return await answer(request, path)
  })
  return broker
}
