import { createExecutionContext, env } from 'cloudflare:test'
import { csrfOf, openSession, SESSION_COOKIE } from '../../worker/login/sessions.ts'
import worker from '../../worker/main.ts'
import { arrive } from '../../worker/people/guardians.ts'
import type { Municipality } from './municipality.ts'

/** What a browser got: the page's text as people type it, without no-break spaces, and where it is sent on to. */
export type Shown = { status: number; text: string; location: string | null; headers: Headers }

/** A guardian with an open session, whose browser asks for pages and sends forms. */
export type Parent = {
  guardian: number
  token: string
  cookie: string
  csrf: string
  get(path: string): Promise<Shown>
  /** Sends a form with the session's token, unless `fields` says otherwise. */
  post(path: string, fields?: Record<string, string>): Promise<Shown>
}

type Asked = {
  cookie?: string
  fields?: Record<string, string>
  headers?: HeadersInit
  more?: Record<string, unknown>
}

/** One request of a browser to a municipality's portal; redirects are not followed. `more` are bindings of its worker. */
export async function browse(
  number: number,
  method: 'GET' | 'HEAD' | 'POST',
  path: string,
  { cookie, fields, headers = {}, more }: Asked = {},
): Promise<Shown> {
  const origin = `http://${number}.localhost`
  const request = new Request(origin + path, {
    method,
    headers: {
      ...(cookie !== undefined && { cookie }),
      ...(method === 'POST' && { origin, 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    },
    ...(method === 'POST' && { body: new URLSearchParams(fields ?? {}).toString() }),
    redirect: 'manual',
  })
  const response = await worker.fetch(request, { ...env, ...more }, createExecutionContext())
  const location = response.headers.get('location')
  const text = (await response.text()).replaceAll('\u2060', '').replaceAll('\u00a0', ' ')
  return { status: response.status, text, location, headers: response.headers }
}

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

let people = 0

/** Somebody of this CPR number who has just logged in; staff have put it on the roster of their children, or not. */
export async function parentOf(
  office: Municipality,
  cpr: string | null,
  children: number[] = [],
  name: string | null = 'Asta Prøveforælder',
): Promise<Parent> {
  people += 1
  const identity = { issuer: 'https://broker.example', subject: `person-${people}`, name, cpr }
  const keys = { masterKey: env.MASTER_KEY, municipality: office.number }
  const guardian = await arrive(office.db, identity, keys, 'da', Date.now())
  for (const child of children) await office.post(`/children/${child}/guardians`, { cpr })
  const token = await openSession(office.db, { guardian, idToken: 'id-token', previous: null }, random, Date.now())
  const cookie = `${SESSION_COOKIE}=${token}`
  const csrf = await csrfOf(token)
  return {
    guardian,
    token,
    cookie,
    csrf,
    get: (path) => browse(office.number, 'GET', path, { cookie }),
    post: (path, fields = {}) => browse(office.number, 'POST', path, { cookie, fields: { csrf, ...fields } }),
  }
}
