import { z } from 'zod'
import * as wire from '../../shared/wire.ts'
import { call } from '../../terminal/http.ts'

export type Office = ReturnType<typeof office>

/** Staff's desk in one municipality: the staff API, as the command line speaks it. Throws on any refusal. */
export function office(url: string, token: string) {
  async function ask<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>, body?: unknown): Promise<T> {
    const answer = await call({
      url: `${url}${path}`,
      method,
      // Each on a connection of its own: the local worker closes an idle one after five seconds, maybe just now.
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
      ...(body !== undefined && { body }),
      schema,
      timeoutMs: 10_000,
    })
    if (answer.kind !== 'answer') throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
    return answer.value
  }
  return {
    url,
    addSite: (name: string) => ask('POST', '/api/staff/sites', wire.Site, { name }),
    addProduct: (site: number, name: string, price: number, category: wire.ProductCategory = 'other') =>
      ask('POST', '/api/staff/products', wire.Product, { site, name, price, category }),
    addChild: (name: string, dailyLimit: number | null = null) =>
      ask('POST', '/api/staff/children', wire.Child, { name, dailyLimit }),
    children: () => ask('GET', '/api/staff/children', z.object({ children: z.array(wire.Child) })),
    addGuardian: (child: number, cpr: string) =>
      ask('POST', `/api/staff/children/${child}/guardians`, wire.Child, { cpr }),
    endGuardian: (child: number, cpr: string) =>
      ask('POST', `/api/staff/children/${child}/guardians/end`, wire.Child, { cpr }),
    addCard: (child: number, uid: string) => ask('POST', '/api/staff/cards', wire.CardView, { child, uid }),
    block: (card: number) => ask('POST', `/api/staff/cards/${card}/block`, wire.CardView, {}),
    activate: (card: number) => ask('POST', `/api/staff/cards/${card}/activate`, wire.CardView, {}),
    credit: (account: number, id: string, amount: number, reason: string) =>
      ask('POST', `/api/staff/accounts/${account}/credit`, wire.CreditAnswer, { id, amount, reason }),
    account: (id: number) => ask('GET', `/api/staff/accounts/${id}`, wire.Account),
    addTerminal: (site: number, name: string) => ask('POST', '/api/staff/terminals', wire.TerminalCode, { site, name }),
    renew: (terminal: string) => ask('POST', `/api/staff/terminals/${terminal}/renew`, wire.TerminalCode, {}),
    revoke: (terminal: string) => ask('POST', `/api/staff/terminals/${terminal}/revoke`, wire.Terminal, {}),
    cases: () => ask('GET', '/api/staff/cases', z.object({ cases: z.array(wire.StaffCaseSummary) })),
    answerCase: (id: string, answer: { id: string; text: string }) =>
      ask('POST', `/api/staff/cases/${id}/answer`, wire.StaffCaseSummary, answer),
    closeCase: (id: string) => ask('POST', `/api/staff/cases/${id}/close`, wire.StaffCaseSummary, {}),
    publish: (publication: z.infer<typeof wire.PublicationCall>) =>
      ask('POST', '/api/staff/publications', wire.Publication, publication),
    set: (settings: z.infer<typeof wire.SettingsCall>) => ask('POST', '/api/staff/settings', wire.Settings, settings),
    addStaff: (name: string, role: wire.Role) => ask('POST', '/api/staff/people', wire.StaffToken, { name, role }),
    reviews: () => ask('GET', '/api/staff/reviews', wire.Reviews),
    check: () => ask('GET', '/api/staff/ledger/check', wire.LedgerCheck),
  }
}

/** Sets up a municipality with an empty database; resolves to its first admin's token. */
export async function setUp(url: string, setupKey: string, number: number, name: string): Promise<string> {
  const answer = await call({
    url: `${url}/api/setup`,
    method: 'POST',
    headers: { authorization: `Bearer ${setupKey}` },
    body: { number, name, staff: 'Demo' },
    schema: wire.InitAnswer,
    timeoutMs: 10_000,
  })
  if (answer.kind !== 'answer') throw new Error(`municipality ${number} cannot be set up: ${JSON.stringify(answer)}`)
  return answer.value.token
}
