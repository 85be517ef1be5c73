import { z } from 'zod'
import { Account, CreditAnswer } from '../../shared/office/accounts.ts'
import { CardView } from '../../shared/office/cards.ts'
import { Child } from '../../shared/office/children.ts'
import { LedgerCheck } from '../../shared/office/ledger.ts'
import { Product, type ProductCategory } from '../../shared/office/products.ts'
import { Publication, type PublicationCall } from '../../shared/office/publications.ts'
import { Reviews } from '../../shared/office/review.ts'
import { Settings, type SettingsCall } from '../../shared/office/settings.ts'
import { Site } from '../../shared/office/sites.ts'
import { InitAnswer, type Role, StaffMember, StaffToken } from '../../shared/office/staff.ts'
import { StaffCaseSummary } from '../../shared/office/support.ts'
import { Terminal, TerminalCode } from '../../shared/office/terminals.ts'
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
    addSite: (name: string) => ask('POST', '/api/staff/sites', Site, { name }),
    addProduct: (site: number, name: string, price: number, category: ProductCategory = 'other') =>
      ask('POST', '/api/staff/products', Product, { site, name, price, category }),
    addChild: (name: string, dailyLimit: number | null = null, club: number | null = null) =>
      ask('POST', '/api/staff/children', Child, { name, dailyLimit, club }),
    children: () => ask('GET', '/api/staff/children', z.object({ children: z.array(Child) })),
    addGuardian: (child: number, cpr: string) => ask('POST', `/api/staff/children/${child}/guardians`, Child, { cpr }),
    endGuardian: (child: number, cpr: string) =>
      ask('POST', `/api/staff/children/${child}/guardians/end`, Child, { cpr }),
    addCard: (child: number, uid: string) => ask('POST', '/api/staff/cards', CardView, { child, uid }),
    block: (card: number) => ask('POST', `/api/staff/cards/${card}/block`, CardView, {}),
    activate: (card: number) => ask('POST', `/api/staff/cards/${card}/activate`, CardView, {}),
    credit: (account: number, id: string, amount: number, reason: string) =>
      ask('POST', `/api/staff/accounts/${account}/credit`, CreditAnswer, { id, amount, reason }),
    account: (id: number) => ask('GET', `/api/staff/accounts/${id}`, Account),
    addTerminal: (site: number, name: string) => ask('POST', '/api/staff/terminals', TerminalCode, { site, name }),
    renew: (terminal: string) => ask('POST', `/api/staff/terminals/${terminal}/renew`, TerminalCode, {}),
    revoke: (terminal: string) => ask('POST', `/api/staff/terminals/${terminal}/revoke`, Terminal, {}),
    cases: () => ask('GET', '/api/staff/cases', z.object({ cases: z.array(StaffCaseSummary) })),
    answerCase: (id: string, answer: { id: string; text: string }) =>
      ask('POST', `/api/staff/cases/${id}/answer`, StaffCaseSummary, answer),
    closeCase: (id: string) => ask('POST', `/api/staff/cases/${id}/close`, StaffCaseSummary, {}),
    publish: (publication: z.infer<typeof PublicationCall>) =>
      ask('POST', '/api/staff/publications', Publication, publication),
    set: (settings: z.infer<typeof SettingsCall>) => ask('POST', '/api/staff/settings', Settings, settings),
    addStaff: (name: string, role: Role, sites: number[] = []) =>
      ask('POST', '/api/staff/people', StaffToken, { name, role, sites }),
    revokeStaff: (id: number) => ask('POST', `/api/staff/people/${id}/revoke`, StaffMember, {}),
    reviews: () => ask('GET', '/api/staff/reviews', Reviews),
    check: () => ask('GET', '/api/staff/ledger/check', LedgerCheck),
  }
}

/** Sets up a municipality with an empty database; resolves to its first admin's token. */
export async function setUp(url: string, setupKey: string, number: number, name: string): Promise<string> {
  const answer = await call({
    url: `${url}/api/setup`,
    method: 'POST',
    headers: { authorization: `Bearer ${setupKey}` },
    body: { number, name, staff: 'Demo' },
    schema: InitAnswer,
    timeoutMs: 10_000,
  })
  if (answer.kind !== 'answer') throw new Error(`municipality ${number} cannot be set up: ${JSON.stringify(answer)}`)
  return answer.value.token
}
