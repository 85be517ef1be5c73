import { beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { StaffToken, WhoAmI } from '../../shared/office/staff.ts'
import type { StaffCase, StaffCases } from '../../shared/office/support.ts'
import { openCase } from '../../worker/support/cases.ts'
import {
  type Answer,
  type CardHolder,
  call,
  cardHolder,
  contents,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSite,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

/*
 * What the staff of a club see and do: what is of their own sites, and nothing else is there. Which role may use which
 * route at all is in access.test.ts.
 */

type Token = z.infer<typeof StaffToken>
/** A member of a club's staff at the staff API. */
type Colleague = Token & {
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
}

let office: Municipality
let north: number
let south: number
let nora: CardHolder
let sofus: CardHolder
let ude: CardHolder
let nina: Colleague
let both: Colleague

async function colleague(name: string, role: string, sites: number[] = []): Promise<Colleague> {
  const added = await office.post<Token>('/people', { name, role, sites })
  const { token } = added
  return {
    ...added,
    get: (path) => call('GET', `/api/staff${path}`, { token }),
    post: (path, body = {}) => call('POST', `/api/staff${path}`, { token, body }),
  }
}

async function childOf(club: number | null, name: string): Promise<CardHolder> {
  const added = await cardHolder(office, { name, credit: 5000 })
  await office.db.prepare('UPDATE child SET club = ?2 WHERE id = ?1').bind(added.child, club).run()
  return added
}

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  north = await newSite(office, 'Klub Nord')
  south = await newSite(office, 'Klub Syd')
  nora = await childOf(north, 'Nora Nordbarn')
  sofus = await childOf(south, 'Sofus Sydbarn')
  ude = await childOf(null, 'Ude Udenklub')
  nina = await colleague('Nina Prøvenord', 'club', [north])
  both = await colleague('Bodil Prøvebegge', 'club', [north, south])
})

const code = ({ status, body }: Answer) => [status, body.error?.code]
const names = ({ body }: Answer, list: string) =>
  (body[list] as { name?: string; subject?: string }[]).map(({ name, subject }) => name ?? subject)

/** Runs something that is to change nothing, and tells what came of it. */
async function inVain(tried: Promise<Answer> | (() => Promise<Answer>)): Promise<ReturnType<typeof code>> {
  const before = await contents(office.db)
  const answer = await (typeof tried === 'function' ? tried() : tried)
  expect(await contents(office.db)).toEqual(before)
  return code(answer)
}

describe('children', () => {
  it('of other clubs, and of none, are not there for a club, and nobody is said to have looked at them', async () => {
    await office.db.prepare('DELETE FROM viewing').run()
    expect(names(await nina.get('/children'), 'children')).toEqual(['Nora Nordbarn'])
    expect(names(await nina.get('/children?name=sydbarn'), 'children')).toEqual([])
    expect(names(await both.get('/children'), 'children')).toEqual(['Nora Nordbarn', 'Sofus Sydbarn'])
    expect((await nina.get(`/children/${nora.child}`)).body).toMatchObject({
      ...{ name: 'Nora Nordbarn', balance: 5000, club: { id: north, name: 'Klub Nord' } },
    })
    for (const hidden of [sofus.child, ude.child, 99]) {
      expect(code(await nina.get(`/children/${hidden}`))).toEqual([404, 'child_unknown'])
    }
    const seen = await office.db.prepare('SELECT viewer, child FROM viewing ORDER BY viewer, child').raw()
    expect(seen).toEqual([
      [nina.id, nora.child],
      [both.id, nora.child],
      [both.id, sofus.child],
    ])
  })

  it('are added by a club to its own site, which it names where it has several', async () => {
    const added = await nina.post('/children', { name: 'Ny Nordbarn' })
    expect(added.body).toMatchObject({ name: 'Ny Nordbarn', balance: 0, club: { id: north, name: 'Klub Nord' } })
    expect((await both.post('/children', { name: 'Ny Sydbarn', club: south })).body).toMatchObject({
      club: { name: 'Klub Syd' },
    })
    expect(await office.post('/children', { name: 'Hjemløs' })).toMatchObject({ club: null })
    expect(await office.post('/children', { name: 'Ny Sydbarn', club: south })).toMatchObject({ club: { id: south } })
    for (const [who, body] of [
      [nina, { name: 'Fremmed', club: south }],
      [nina, { name: 'Fremmed', club: 99 }],
      [both, { name: 'Hjemløs' }],
    ] as const) {
      expect(await inVain(() => who.post('/children', body))).toEqual([404, 'site_unknown'])
    }
    const admin = () => call('POST', '/api/staff/children', { token: office.token, body: { name: 'X', club: 99 } })
    expect(await inVain(admin)).toEqual([404, 'site_unknown'])
  })
})

describe('sites and terminals', () => {
  it('are those of the club', async () => {
    await enrolledTerminal(office, north, 'Disken i nord')
    await enrolledTerminal(office, south, 'Disken i syd')
    expect(names(await nina.get('/sites'), 'sites')).toEqual(['Klub Nord'])
    expect(names(await both.get('/sites'), 'sites')).toEqual(['Klub Nord', 'Klub Syd'])
    expect(names(await nina.get('/terminals'), 'terminals')).toEqual(['Disken i nord'])
    expect(names(await both.get('/terminals'), 'terminals')).toEqual(['Disken i nord', 'Disken i syd'])
  })

  it('are others from the next call on when somebody is moved, and nothing is theirs without a site', async () => {
    expect(await office.post(`/people/${nina.id}/sites`, { sites: [south, south] })).toMatchObject({
      sites: [{ id: south, name: 'Klub Syd' }],
    })
    expect(names(await nina.get('/children'), 'children')).toEqual(['Sofus Sydbarn'])
    await office.db.prepare('DELETE FROM staff_site WHERE staff = ?').bind(nina.id).run()
    for (const [path, list] of [
      ['/children', 'children'],
      ['/sites', 'sites'],
      ['/terminals', 'terminals'],
      ['/cases', 'cases'],
    ] as const) {
      expect(names(await nina.get(path), list)).toEqual([])
    }
    expect(await inVain(() => nina.post('/children', { name: 'Hjemløs' }))).toEqual([404, 'site_unknown'])
  })

  it('are told by whoever is logged in', async () => {
    const me = (await both.get('/me')).body as z.infer<typeof WhoAmI>
    expect(me).toEqual({
      ...{ municipality: 4000, municipalityName: 'Kommune 4000', staff: 'Bodil Prøvebegge', role: 'club' },
      sites: [
        { id: north, name: 'Klub Nord' },
        { id: south, name: 'Klub Syd' },
      ],
      expiresAt: both.expiresAt,
    })
    expect(await office.get('/me')).toMatchObject({ role: 'admin', sites: null })
  })
})

describe('support cases', () => {
  let asta: Parent
  let birk: Parent

  async function asks(parent: Parent, account: number | null, subject: string): Promise<string> {
    const id = crypto.randomUUID()
    const asked = { id, message: crypto.randomUUID(), guardian: parent.guardian, account, subject }
    await openCase(office.db, { ...asked, text: `${subject}: hvad nu?`, phone: null, callWanted: false }, Date.now())
    return id
  }

  beforeEach(async () => {
    // Asta has a child in each club: what she asks about the one is not the other club's to know.
    asta = await parentOf(office, '0101575001', [nora.child, sofus.child], 'Asta Prøveforælder')
    birk = await parentOf(office, '0201575002', [sofus.child], 'Birk Prøveforælder')
  })

  it('about a child of the club are there for it, and no others', async () => {
    const ofNora = await asks(asta, nora.account, 'Noras kort')
    const hidden = [
      await asks(asta, sofus.account, 'Sofus på tur'),
      await asks(asta, null, 'Noget helt andet'),
      await asks(birk, sofus.account, 'Sofus igen'),
    ]
    await office.db.prepare('DELETE FROM viewing').run()
    expect(names(await nina.get('/cases?state=all'), 'cases')).toEqual(['Noras kort'])
    expect(names(await both.get('/cases'), 'cases')).toEqual(['Noras kort', 'Sofus på tur', 'Sofus igen'])
    const shown = (await nina.get(`/cases/${ofNora}`)).body as z.infer<typeof StaffCase>
    expect(shown.children).toEqual([{ id: nora.child, name: 'Nora Nordbarn', account: nora.account }])
    const answer = { id: crypto.randomUUID(), text: 'Det er på vej.' }
    expect((await nina.post(`/cases/${ofNora}/answer`, answer)).body).toMatchObject({ waitingSince: null, untold: 1 })
    expect((await nina.post(`/cases/${ofNora}/close`)).body).toMatchObject({ closedAt: expect.any(Number) })
    const seen = await office.db.prepare('SELECT viewer, child FROM viewing').raw()
    expect(seen).toEqual([[nina.id, nora.child]])
    for (const id of hidden) {
      expect(await inVain(nina.get(`/cases/${id}`))).toEqual([404, 'case_unknown'])
      for (const [verb, body] of [
        ['answer', { id: crypto.randomUUID(), text: 'Nysgerrig' }],
        ['close', {}],
        ['assign', { to: 'me' }],
        ['assign', { to: 'nobody' }],
      ] as const) {
        expect(await inVain(() => nina.post(`/cases/${id}/${verb}`, body))).toEqual([404, 'case_unknown'])
      }
    }
  })

  it('are looked after by who may see them: an admin or the club, and nobody whose token is not good', async () => {
    const id = await asks(asta, nora.account, 'Noras kort')
    const unspecific = await asks(asta, null, 'Noget helt andet')
    const finance = await colleague('Finn Prøvefinans', 'finance')
    const sven = await colleague('Sven Prøvesyd', 'club', [south])
    const assign = (to: unknown, of = id) =>
      call('POST', `/api/staff/cases/${of}/assign`, { token: office.token, body: { to } })
    expect((await assign(nina.id)).body).toMatchObject({ assignedTo: { id: nina.id, name: 'Nina Prøvenord' } })
    for (const [to, of, refusal] of [
      [finance.id, id, [409, 'role_unfit']],
      [sven.id, id, [409, 'role_unfit']],
      [nina.id, unspecific, [409, 'role_unfit']],
      [99, id, [404, 'not_found']],
      [nina.id, id, [200, undefined]],
      ['somebody', id, [400, 'malformed']],
    ] as const) {
      expect(await inVain(() => assign(to, of))).toEqual(refusal)
    }
    const list = async (who: Colleague, assigned: string) =>
      names(await who.get(`/cases?assigned=${assigned}`), 'cases')
    expect(await list(nina, 'me')).toEqual(['Noras kort'])
    expect(await list(both, 'me')).toEqual([])
    expect(await list(both, 'somebody')).toEqual(['Noras kort'])
    expect(await list(both, 'nobody')).toEqual([])
    await office.post(`/people/${nina.id}/revoke`)
    expect((await both.get('/cases')).body as z.infer<typeof StaffCases>).toMatchObject({
      cases: [{ assignedTo: null }],
    })
    expect(await list(both, 'nobody')).toEqual(['Noras kort'])
    expect(await inVain(() => assign(nina.id))).toEqual([404, 'not_found'])
    const anew = await colleague('Nina Prøvenord', 'club', [north])
    expect([await list(anew, 'me'), await list(both, 'me'), await list(both, 'nobody')]).toEqual([
      ['Noras kort'],
      [],
      [],
    ])
    expect((await both.post(`/cases/${id}/assign`, { to: 'me' })).body).toMatchObject({ assignedTo: { id: both.id } })
    expect((await both.post(`/cases/${id}/assign`, { to: 'nobody' })).body).toMatchObject({ assignedTo: null })
    const deeds = await office.db
      .prepare("SELECT staff, subject, detail FROM audit WHERE action = 'case_assigned' ORDER BY id")
      .raw()
    expect(deeds).toEqual([
      [1, `case:${id}`, `{"to":${nina.id}}`],
      [both.id, `case:${id}`, `{"to":${both.id}}`],
      [both.id, `case:${id}`, '{"to":null}'],
    ])
  })

  it('that two answer at once have both answers, in order, and the guardian reads both', async () => {
    const id = await asks(asta, nora.account, 'Noras kort')
    const said = ['Nina svarer.', 'Bodil svarer.']
    const answers = await Promise.all(
      [nina, both].map((who, at) => who.post(`/cases/${id}/answer`, { id: crypto.randomUUID(), text: said[at] })),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const { messages } = (await nina.get(`/cases/${id}`)).body as z.infer<typeof StaffCase>
    expect(
      messages
        .map(({ staff, text }) => [staff, text])
        .slice(1)
        .sort(),
    ).toEqual([
      ['Bodil Prøvebegge', 'Bodil svarer.'],
      ['Nina Prøvenord', 'Nina svarer.'],
    ])
    expect(messages.map(({ at }) => at)).toEqual(messages.map(({ at }) => at).sort())
    const { text } = await asta.get(`/support/${id}`)
    const order = messages.slice(1).map((message) => text.indexOf(message.text))
    expect(order.every((place) => place > 0) && (order[0] as number) < (order[1] as number)).toBe(true)
    expect(text).not.toContain('Prøvenord')
  })

  it('that are closed say so on the page of who asked, and no mail comes of it', async () => {
    await asta.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@mail.example' })
    const id = await asks(asta, nora.account, 'Noras kort')
    await nina.post(`/cases/${id}/close`)
    const { text } = await asta.get(`/support/${id}`)
    expect(text).toContain('Sagen er lukket. Skriver du igen, bliver den åbnet igen.')
    expect((await contents(office.db)).outbox).toEqual([])
  })
})
