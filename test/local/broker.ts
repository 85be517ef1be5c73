import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider, { type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider'
import { PERSONS, type Person } from './persons.ts'

/** A stand-in for MitID's broker, speaking as Idura does; it can be switched off and on again. */
export type Broker = {
  issuer: string
  /** What a municipality's worker has as `OIDC_<number>`, as JSON. */
  configFor(municipality: number): string
  start(): Promise<void>
  stop(): Promise<void>
}

const ACR = 'urn:grn:authn:dk:mitid:'
const clientIdOf = (municipality: number) => `klubkort-${municipality}`

type Kept = { jwk: JWK; cookieKey: string; clientSecrets: Record<string, string> }

/** The broker's key and its clients' secrets, made at the first start and kept in its folder. */
async function keptIn(folder: string, municipalities: number[]): Promise<Kept> {
  const path = join(folder, 'broker.json')
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const kept: Kept = {
      jwk: { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: 'ES256', use: 'sig' },
      cookieKey: randomBytes(32).toString('base64url'),
      clientSecrets: Object.fromEntries(
        municipalities.map((municipality) => [String(municipality), randomBytes(24).toString('base64url')]),
      ),
    }
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(path, JSON.stringify(kept), { mode: 0o600 })
    return kept
  }
}

/** The claims that Idura makes of a MitID log-in. */
const claimsOf = ({ subject, name, cpr }: Person) => ({
  sub: subject,
  identityscheme: 'dkmitid',
  uuid: subject.slice(1, -1),
  country: 'DK',
  ...(name !== null && { name }),
  ...(cpr !== null && { cprNumberIdentifier: cpr }),
})

/** What the provider stores, in memory: a restart of the whole logs everybody out at the broker. */
function memory(): Adapter {
  const rows = new Map<string, AdapterPayload>()
  return {
    upsert: async (id, payload) => void rows.set(id, payload),
    find: async (id) => rows.get(id),
    findByUid: async (uid) => [...rows.values()].find((row) => row.uid === uid),
    findByUserCode: async (code) => [...rows.values()].find((row) => row.userCode === code),
    async consume(id) {
      const row = rows.get(id)
      if (row) row.consumed = Math.floor(Date.now() / 1000)
    },
    destroy: async (id) => void rows.delete(id),
    async revokeByGrantId(grant) {
      for (const [id, row] of rows) if (row.grantId === grant) rows.delete(id)
    },
  }
}

function configurationOf(kept: Kept, portals: Map<number, string[]>): Configuration {
  return {
    adapter: memory,
    clients: [...portals].map(([municipality, origins]) => ({
      client_id: clientIdOf(municipality),
      client_secret: kept.clientSecrets[municipality],
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: 'ES256',
      redirect_uris: origins.map((origin) => `${origin}/log-ind/svar`),
      post_logout_redirect_uris: origins.map((origin) => `${origin}/log-ind?farvel=1`),
    })),
    jwks: { keys: [kept.jwk] },
    cookies: { keys: [kept.cookieKey] },
    scopes: ['openid', 'ssn'],
    claims: { openid: ['sub', 'identityscheme', 'uuid', 'name', 'country'], ssn: ['cprNumberIdentifier'] },
    conformIdTokenClaims: false, // Idura tells everything in the ID token.
    acrValues: ['low', 'substantial', 'high'].map((level) => ACR + level),
    pkce: { required: () => true },
    ttl: { Session: 3600, Interaction: 3600, Grant: 3600, AccessToken: 300, IdToken: 300 },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource(ctx, form) {
          ctx.body = document(
            'Log ud af Test-MitID',
            `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Log ud</button>`,
          )
        },
      },
    },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount(_ctx, subject) {
      const found = PERSONS.find((person) => person.subject === subject)
      return found && { accountId: subject, claims: async () => claimsOf(found) }
    },
    // Nobody is asked for consent: what the scope names is granted.
    async loadExistingGrant({ oidc }) {
      const { client, provider, params, session } = oidc
      if (!client || !session?.accountId) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope(String(params?.scope ?? 'openid'))
      await grant.save()
      return grant
    },
    renderError(ctx, { error, error_description }) {
      ctx.type = 'html'
      ctx.body = document('Test-MitID', `<p>${escaped(error)}: ${escaped(error_description ?? '')}</p>`)
    },
  }
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const document = (title: string, body: string) => `<!doctype html>
<html lang="da">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<link rel="icon" href="data:,">
<style>
body { font: 18px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 30rem; padding: 0 1rem }
button { display: block; font: inherit; margin: .5rem 0; min-height: 48px; text-align: left; width: 100% }
</style></head>
<body><main><h1>${title}</h1>${body}</main></body>
</html>`

/** What the relying party says in the MitID app, as Idura takes it: 'message:' and base64. */
function messageIn(loginHint: unknown): string | null {
  const [, text] = /^message:([\w+/=]{1,130})$/.exec(String(loginHint)) ?? []
  return text === undefined ? null : Buffer.from(text, 'base64').toString('utf8')
}

/** The log-in page: the test persons of the client's municipality, and the way out. */
function choice(uid: string, clientId: string, message: string | null): string {
  const buttons = PERSONS.filter(({ municipality }) => clientIdOf(municipality) === clientId).map(
    ({ key, label }) => `<button name="person" value="${key}">${escaped(label)}</button>`,
  )
  return document(
    'Test-MitID',
    `${message === null ? '' : `<p><strong id="message">${escaped(message)}</strong></p>`}
<p>Vælg, hvem du vil logge ind som. Ingen af dem findes.</p>
<form method="post" action="/interaction/${uid}">${buttons.join('\n')}
<button name="person" value="">Afbryd</button></form>`,
  )
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = ''
  for await (const chunk of request) text += chunk
  return new URLSearchParams(text)
}

/** Answers the log-in page and what is chosen on it; everything else is the provider's. */
function answerer(provider: Provider) {
  const rest = provider.callback()
  const interact = async (request: IncomingMessage, response: ServerResponse) => {
    const interaction = await provider.interactionDetails(request, response)
    const { uid, params, session } = interaction
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(choice(uid, String(params.client_id), messageIn(params.login_hint)))
      return
    }
    const key = (await bodyOf(request)).get('person')
    const chosen = PERSONS.find((person) => person.key === key)
    // MitID asks everybody who they are; the provider would ask first whether whoever came before is to be logged out.
    const before = session && (await provider.Session.findByUid(session.uid))
    if (chosen && before && before.accountId !== chosen.subject) {
      delete before.accountId
      await before.persist()
      delete interaction.session
      await interaction.save(interaction.exp - Math.floor(Date.now() / 1000))
    }
    const result = chosen
      ? { login: { accountId: chosen.subject, acr: ACR + chosen.acr, amr: ['mitid'], remember: false } }
      : { error: 'access_denied', error_description: 'user_aborted' }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  }
  return (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url?.startsWith('/interaction/')) return void rest(request, response)
    interact(request, response).catch((error) => {
      response.statusCode = 400
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(document('Test-MitID', `<p>${escaped(error instanceof Error ? error.message : String(error))}</p>`))
    })
  }
}

/**
 * Starts the local broker on a port of this machine, its keys in a folder. `portals` are the origins at which each
 * municipality's portal is reached.
 */
export async function startBroker(folder: string, port: number, portals: Map<number, string[]>): Promise<Broker> {
  const kept = await keptIn(folder, [...portals.keys()])
  const issuer = `http://127.0.0.1:${port}`
  const answer = answerer(new Provider(issuer, configurationOf(kept, portals)))
  let server: Server | null = null
  const broker: Broker = {
    issuer,
    configFor: (municipality) =>
      JSON.stringify({
        issuer,
        clientId: clientIdOf(municipality),
        clientSecret: kept.clientSecrets[municipality],
        scope: 'openid ssn',
        parameters: { acr_values: `${ACR}substantial`, prompt: 'login' },
        assurance: { claim: 'acr', accepted: [`${ACR}substantial`, `${ACR}high`] },
        claims: { cpr: 'cprNumberIdentifier', name: 'name' },
        stepUp: { message: 'login_hint' },
      }),
    async start() {
      if (server) return
      server = createServer(answer).listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    async stop() {
      const ending = server
      server = null
      if (!ending) return
      const closed = once(ending, 'close')
      ending.close()
      ending.closeAllConnections()
      await closed
    },
  }
  await broker.start()
  return broker
}
