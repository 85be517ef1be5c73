import { createExecutionContext, env } from 'cloudflare:test'
import { expect } from 'vitest'
import worker from '../../worker/main.ts'
import { type OpenidBroker, openidBroker, type Said } from './openid.ts'

export const PORTAL = 'http://4000.localhost'
export const CPR = '0101575001'
export const ACR = 'urn:grn:authn:dk:mitid:'
export const SUBJECT = '{6b1f8f0e-0001-4000-8000-000000004000}'

/** What stands in `OIDC_4000` for a broker that speaks as Idura does, and for one that speaks as Nets does. */
export type Brokerage = {
  broker: OpenidBroker
  idura: Record<string, unknown>
  nets: Record<string, unknown>
}

let issuers = 0

/** A broker that is new each time, for what a broker says about itself is remembered. */
export async function newBroker(): Promise<Brokerage> {
  const issuer = `https://broker-${++issuers}.test`
  const client = { issuer, clientId: 'klubkort', clientSecret: 'secret' }
  return {
    broker: await openidBroker(issuer, client.clientId, client.clientSecret),
    idura: {
      ...client,
      parameters: { acr_values: `${ACR}substantial`, prompt: 'login' },
      assurance: { claim: 'acr', accepted: [`${ACR}substantial`, `${ACR}high`] },
      claims: { cpr: 'cprNumberIdentifier', name: 'name' },
    },
    nets: {
      ...client,
      scope: 'openid mitid ssn',
      parameters: { idp_values: 'mitid', idp_params: '{"mitid":{"loa_value":"substantial"}}' },
      assurance: { claim: 'loa', accepted: ['SUBSTANTIAL', 'HIGH'] },
      claims: { cpr: 'dk.cpr', name: 'mitid.identity_name' },
      logoutParameters: { ui_locales: 'da' },
    },
  }
}

/** The claims of a log-in as Idura makes them. */
export const said = (claims: Record<string, unknown> = {}): Said => ({
  token: {
    sub: SUBJECT,
    identityscheme: 'dkmitid',
    acr: `${ACR}substantial`,
    name: 'Anna Prøveforælder',
    cprNumberIdentifier: CPR,
    ...claims,
  },
})

export type Guest = {
  cookies: Map<string, string>
  get(address: string, headers?: Record<string, string>): Promise<Response>
  post(address: string, fields: Record<string, string>): Promise<Response>
}

/** A guest's browser, as far as log-in knows it: it keeps cookies, and goes where it is told by hand. `config` is the worker's `OIDC_4000`, `more` any other binding. */
export function guestWith(config: Record<string, unknown> | null, more: Record<string, unknown> = {}): Guest {
  const cookies = new Map<string, string>()
  const ask = async (address: string, init: RequestInit = {}) => {
    const url = address.startsWith('/') ? PORTAL + address : address
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { origin: PORTAL, 'sec-fetch-site': 'same-origin', ...init.headers, cookie }
    const bindings = { ...env, ...(config && { OIDC_4000: JSON.stringify(config) }), ...more }
    const request = new Request(url, { ...init, headers })
    const response = await worker.fetch(request, bindings as never, createExecutionContext())
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/Max-Age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  return {
    cookies,
    get: (address, headers = {}) => ask(address, { headers }),
    post: (address, fields) =>
      ask(address, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields).toString(),
      }),
  }
}

export const locationOf = (response: Response) => response.headers.get('location') ?? ''

/** Follows the button; resolves to where the broker is. */
export async function sent(guest: Guest, tilbage = '/konti'): Promise<URL> {
  const response = await guest.get(`/log-ind/mitid?tilbage=${encodeURIComponent(tilbage)}`)
  expect(response.status).toBe(302)
  return new URL(locationOf(response))
}
