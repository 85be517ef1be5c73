import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { z } from 'zod'
import type { StaffMember, StaffToken } from '../../shared/office/staff.ts'
import { app } from '../../worker/main.ts'
import { SHARED_ROUTES } from '../../worker/routes/staff-roles.ts'
import { call, contents, emptyDatabases, type Municipality, municipality, newSite } from './municipality.ts'

let office: Municipality

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
})

type Token = z.infer<typeof StaffToken>
const added = (name: string, role: string, more: { sites?: number[]; days?: number } = {}) =>
  office.post<Token>('/people', { name, role, ...more })
const people = async () => (await office.get<{ people: z.infer<typeof StaffMember>[] }>('/people')).people
const asked = (token: string, method: 'GET' | 'POST', path: string, body?: unknown) =>
  call(method, `/api/staff${path}`, { token, ...(body !== undefined && { body }) })

async function expectRefused(path: string, body: unknown, code: string) {
  const before = await contents(office.db)
  const { body: answer } = await asked(office.token, 'POST', path, body)
  expect(answer.error?.code).toBe(code)
  expect(await contents(office.db)).toEqual(before)
}

describe('a token of staff', () => {
  it('is shown once, opens what its role may, and is kept as a digest only', async () => {
    const finn = await added('Finn Prøvefinans', 'finance')
    expect(finn).toMatchObject({ id: 2, name: 'Finn Prøvefinans', role: 'finance', state: 'good' })
    expect(finn.expiresAt - finn.createdAt).toBe(365 * 86_400_000)
    expect(JSON.stringify(await contents(office.db))).not.toContain(finn.token)
    expect(JSON.stringify(await people())).not.toContain('token')
    expect(await asked(finn.token, 'GET', '/me')).toMatchObject({
      body: { staff: 'Finn Prøvefinans', role: 'finance' },
    })
    expect(await asked(finn.token, 'POST', '/sites', { name: 'X' })).toMatchObject({ status: 403 })
    const deeds = await office.db.prepare('SELECT action, subject, staff, detail FROM audit ORDER BY id DESC').first()
    expect(deeds).toEqual({ action: 'staff_added', subject: 'staff:2', staff: 1, detail: '{"role":"finance"}' })
  })

  it('is given once to one name, and again when it is revoked: two tokens of one person would be two people', async () => {
    const finn = await added('Finn Prøvefinans', 'finance')
    await expectRefused('/people', { name: ' finn prøvefinans', role: 'admin' }, 'name_taken')
    await expectRefused('/people', { name: 'Astrid', role: 'finance' }, 'name_taken')
    await expectRefused('/people', { name: 'Frida Prøvefinans', role: 'owner' }, 'malformed')
    await office.post(`/people/${finn.id}/revoke`)
    expect((await added('Finn Prøvefinans', 'finance')).id).toBe(3)
    expect((await people()).map(({ name, state }) => [name, state])).toEqual([
      ['Astrid', 'good'],
      ['Finn Prøvefinans', 'revoked'],
      ['Finn Prøvefinans', 'good'],
    ])
  })

  it('is given anew while the one before ends soon, so that the only admin is not locked out', async () => {
    const admin = { name: 'Astrid', role: 'admin' }
    const endsIn = (days: number) =>
      office.db
        .prepare('UPDATE staff_token SET expires_at = ? WHERE id = 1')
        .bind(Date.now() + days * 86_400_000)
        .run()
    await endsIn(15)
    await expectRefused('/people', admin, 'name_taken')
    await endsIn(13)
    const next = await added(admin.name, admin.role)
    expect(await asked(office.token, 'GET', '/me')).toMatchObject({ status: 200 })
    await expectRefused('/people', admin, 'name_taken')
    expect(await asked(next.token, 'POST', '/people/1/revoke', {})).toMatchObject({ body: { state: 'revoked' } })
    expect(await asked(next.token, 'GET', '/me')).toMatchObject({ body: { staff: 'Astrid', role: 'admin' } })
  })

  it('of two requests at once is given to one', async () => {
    const body = { name: 'Frida Prøvefinans', role: 'finance' }
    const answers = await Promise.all([1, 2, 3].map(() => asked(office.token, 'POST', '/people', body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  })

  it('is good for as many days as is said, at most a year, and opens nothing after', async () => {
    const short = await added('Finn Prøvefinans', 'finance', { days: 1 })
    expect(short.expiresAt - short.createdAt).toBe(86_400_000)
    for (const days of [0, 366, 1.5, -1]) {
      await expectRefused('/people', { name: 'Frida Prøvefinans', role: 'finance', days }, 'malformed')
    }
    await office.db.prepare('UPDATE staff_token SET expires_at = ?2 WHERE id = ?1').bind(short.id, Date.now()).run()
    expect(await asked(short.token, 'GET', '/me')).toMatchObject({ status: 401 })
    expect((await people()).map(({ state }) => state)).toEqual(['good', 'expired'])
  })

  it("of a club is for its sites, which must be there; others' is for none", async () => {
    const [north, south] = [await newSite(office, 'Klub Nord'), await newSite(office, 'Klub Syd')]
    const klara = await added('Klara Prøveklub', 'club', { sites: [south, north, south] })
    const nord = { id: north, name: 'Klub Nord' }
    expect(klara.sites).toEqual([nord, { id: south, name: 'Klub Syd' }])
    const name = 'Kalle Prøveklub'
    await expectRefused('/people', { name, role: 'club' }, 'malformed')
    await expectRefused('/people', { name, role: 'club', sites: [] }, 'malformed')
    await expectRefused('/people', { name, role: 'admin', sites: [north] }, 'malformed')
    await expectRefused('/people', { name, role: 'finance', sites: [north] }, 'malformed')
    await expectRefused('/people', { name, role: 'club', sites: [north, 99] }, 'site_unknown')
    const move = `/people/${klara.id}/sites`
    expect(await office.post(move, { sites: [north] })).toMatchObject({ id: klara.id, sites: [nord] })
    const before = await contents(office.db)
    await office.post(move, { sites: [north] })
    expect(await contents(office.db)).toEqual(before)
    await expectRefused(move, { sites: [] }, 'malformed')
    await expectRefused(move, { sites: [south, 99] }, 'site_unknown')
    await expectRefused('/people/1/sites', { sites: [north] }, 'role_unfit')
    await expectRefused('/people/99/sites', { sites: [north] }, 'not_found')
    const deeds = await office.db.prepare("SELECT subject, detail FROM audit WHERE subject LIKE 'staff:%'").raw()
    expect(deeds).toEqual([
      [`staff:${klara.id}`, `{"role":"club","sites":[${south},${north},${south}]}`],
      [`staff:${klara.id}`, `{"sites":[${north}]}`],
    ])
  })

  it('tells when it was last used, to the minute, whatever came of it', async () => {
    const finn = await added('Finn Prøvefinans', 'finance')
    const used = async () => (await people()).find(({ id }) => id === finn.id)?.lastUsedAt
    const setUsed = (at: number) =>
      office.db.prepare('UPDATE staff_token SET last_used_at = ?2 WHERE id = ?1').bind(finn.id, at).run()
    expect(await used()).toBeNull()
    await asked(finn.token, 'POST', '/sites', { name: 'X' }) // Which finance may not.
    expect(Date.now() - ((await used()) as number)).toBeLessThan(60_000)
    const lately = Date.now() - 30_000
    await setUsed(lately)
    await asked(finn.token, 'GET', '/me')
    expect(await used()).toBe(lately)
    await setUsed(Date.now() - 60_000)
    await asked(finn.token, 'GET', '/me')
    expect(await used()).toBeGreaterThan(lately)
    await setUsed(1000)
    await office.post(`/people/${finn.id}/revoke`)
    await asked(finn.token, 'GET', '/me')
    expect(await used()).toBe(1000)
  })

  it('opens what can be read though its use cannot be written down', async () => {
    const finn = await added('Finn Prøvefinans', 'finance')
    await office.db
      .prepare(
        "CREATE TRIGGER full BEFORE UPDATE ON staff_token BEGIN SELECT RAISE(ABORT, 'the database is full'); END",
      )
      .run()
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect(await asked(finn.token, 'GET', '/ledger/check')).toMatchObject({ status: 200 })
    expect(logged.mock.calls.flat().join()).toContain('token_use')
    expect(logged.mock.calls.flat().join()).not.toContain(finn.token)
    logged.mockRestore()
  })

  it('opens nothing once it is revoked, and revoking it again is no change', async () => {
    const finn = await added('Finn Prøvefinans', 'finance')
    expect(await office.post(`/people/${finn.id}/revoke`)).toMatchObject({ id: finn.id, state: 'revoked' })
    expect(await asked(finn.token, 'GET', '/me')).toMatchObject({ status: 401 })
    const before = await contents(office.db)
    await office.post(`/people/${finn.id}/revoke`)
    expect(await contents(office.db)).toEqual(before)
    await expectRefused('/people/99/revoke', {}, 'not_found')
  })

  it('is kept by the last admin, also when two admins revoke each other at once', async () => {
    await expectRefused('/people/1/revoke', {}, 'last_admin')
    const second = await added('Alma Prøveadmin', 'admin')
    const answers = await Promise.all([
      asked(office.token, 'POST', `/people/${second.id}/revoke`, {}),
      asked(second.token, 'POST', '/people/1/revoke', {}),
    ])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const good = await office.db
      .prepare("SELECT count(*) AS count FROM staff_token WHERE role = 'admin' AND revoked_at IS NULL")
      .first('count')
    expect(good).toBe(1)
  })
})

describe('roles', () => {
  it('have lines for routes that are there', () => {
    const routes = new Set(app.routes.map(({ method, path }) => `${method} ${path}`))
    expect(SHARED_ROUTES.filter((route) => !routes.has(route))).toEqual([])
  })

  it('let finance change the rules for money, and nothing else of the settings', async () => {
    const { token } = await added('Finn Prøvefinans', 'finance')
    expect(await asked(token, 'POST', '/settings', { money: { cardFee: 0 } })).toMatchObject({
      body: { money: { cardFee: 0 } },
    })
    const both = { money: { cardFee: 4500 }, mailFrom: 'finn@klubkort.example' }
    expect(await asked(token, 'POST', '/settings', both)).toMatchObject({ status: 403 })
    expect(await office.get('/settings')).toMatchObject({ mailFrom: null, money: { cardFee: 0 } })
  })

  it('let a club see the report of one site, which is its own', async () => {
    const site = await newSite(office)
    const other = await newSite(office, 'En anden klub')
    const { token } = await added('Klara Prøveklub', 'club', { sites: [site] })
    const days = '/reports?from=2026-11-01&to=2026-11-30'
    expect(await asked(token, 'GET', days)).toMatchObject({ status: 403 })
    expect(await asked(token, 'GET', `${days}&site=${site}`)).toMatchObject({ status: 200 })
    for (const outside of [other, 99]) {
      const { status, body } = await asked(token, 'GET', `${days}&site=${outside}`)
      expect([status, body.error?.code]).toEqual([404, 'site_unknown'])
    }
    expect(await asked(token, 'GET', '/reports/liabilities')).toMatchObject({ status: 403 })
  })

  it('refuse a report of no days, of too many, and of days that no calendar has', async () => {
    for (const days of [
      'from=2026-11-02&to=2026-11-01',
      'from=2025-01-01&to=2026-11-01',
      'from=2026-02-29&to=2026-03-01',
    ]) {
      expect(await asked(office.token, 'GET', `/reports?${days}`)).toMatchObject({ status: 400 })
    }
  })
})

describe('the rules for money', () => {
  const set = (money: Record<string, unknown>) => asked(office.token, 'POST', '/settings', { money })

  it('never contradict one another, whichever half is changed and whoever changes the other meanwhile', async () => {
    for (const money of [
      { depositMin: 200_001 },
      { depositMax: 4_999 },
      { depositMin: 300, depositMax: 299 },
      { topUpThreshold: 10_001 },
      { topUpActivation: 4_999 },
    ]) {
      const before = await contents(office.db)
      expect(await set(money)).toMatchObject({ status: 409, body: { error: { code: 'settings_conflict' } } })
      expect(await contents(office.db)).toEqual(before)
    }
    const answers = await Promise.all([set({ depositMin: 150_000 }), set({ depositMax: 100_000 })])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(await set({ depositMin: 250_000, depositMax: 300_000 })).toMatchObject({ status: 200 })
  })

  it('are whole øre, and the bank account has digits', async () => {
    for (const money of [
      { depositMin: 0 },
      { cardFee: -1 },
      { bankRegistration: '12' },
      { bankAccount: 'DK50' },
      { x: 1 },
    ]) {
      expect(await set(money)).toMatchObject({ status: 400 })
    }
    expect(await set({ bankRegistration: '0000', bankAccount: '0000000001' })).toMatchObject({
      body: { money: { bankRegistration: '0000', bankAccount: '0000000001' } },
    })
  })
})
