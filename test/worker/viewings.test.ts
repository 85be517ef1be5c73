import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { cprHash } from '../../worker/municipality/secrets.ts'
import { viewed, viewedAccounts, viewingOf, viewingsQuery } from '../../worker/people/viewings.ts'
import { openCase } from '../../worker/support/cases.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  emptyDatabases,
  type Municipality,
  municipality,
  newSale,
} from './municipality.ts'

let office: Municipality
let ida: CardHolder
let emil: CardHolder
let anna: number
let bent: number

const CPRS = { anna: '0101575001', bent: '0201575002' } // Birth dates in 2057: they are nobody's.

const viewingsFor = async (guardian: number) =>
  (await viewingsQuery(office.db, guardian, 'all').all()).results.map(viewingOf)

async function guardian(cpr: string): Promise<number> {
  const added = await office.db
    .prepare(
      `INSERT INTO guardian (issuer, subject, name, cpr_hash, language, created_at, logged_in_at)
       VALUES ('https://broker.example', ?1, 'En Prøveforælder', ?1, 'da', 0, 0) RETURNING id`,
    )
    .bind(await cprHash(env.MASTER_KEY, 4000, cpr))
    .first<number>('id')
  if (added === null) throw new Error('a guardian was added and is not there')
  return added
}

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ida = await cardHolder(office, { name: 'Ida' })
  emil = await cardHolder(office, { name: 'Emil' })
  anna = await guardian(CPRS.anna)
  bent = await guardian(CPRS.bent)
  for (const { child } of [ida, emil]) await office.post(`/children/${child}/guardians`, { cpr: CPRS.anna })
  await office.post(`/children/${ida.child}/guardians`, { cpr: CPRS.bent })
  await office.db.prepare('DELETE FROM viewing').run()
})

type Row = { child: number; viewer_kind: string; viewer: number; first_at: number; last_at: number; day: string }
const stored = async () =>
  (await office.db.prepare('SELECT * FROM viewing ORDER BY child, day, viewer_kind, viewer').all<Row>()).results
const seen = async () => (await stored()).map(({ child, viewer_kind, viewer }) => [child, viewer_kind, viewer])

describe('staff who look at a child are recorded', () => {
  const ofStaff = (child: number) => [child, 'staff', 1]

  it('where the child or its account is shown', async () => {
    await office.get(`/children/${ida.child}`)
    expect(await seen()).toEqual([ofStaff(ida.child)])
    await office.get(`/accounts/${emil.account}`)
    expect(await seen()).toEqual([ofStaff(ida.child), ofStaff(emil.child)])
  })

  it('where children are listed, of those that were found', async () => {
    await office.get('/children?name=emi')
    expect(await seen()).toEqual([ofStaff(emil.child)])
    await office.get('/children')
    expect(await seen()).toEqual([ofStaff(ida.child), ofStaff(emil.child)])
  })

  it('where a case is opened, of all children of who asks, and not where cases are listed', async () => {
    const id = crypto.randomUUID()
    const asked = { id, message: crypto.randomUUID(), account: null, subject: 'Hej', text: 'Hej', phone: null }
    await openCase(office.db, { ...asked, guardian: anna, callWanted: false }, 1000)
    await office.get('/cases')
    expect(await seen()).toEqual([])
    await office.get(`/cases/${id}`)
    expect(await seen()).toEqual([ofStaff(ida.child), ofStaff(emil.child)])
  })

  it("where a child's guardians are changed, also where nothing changes, and where a wallet is credited again", async () => {
    for (const [verb, cpr] of [
      ['', CPRS.anna],
      ['/end', '0301575003'],
    ]) {
      await office.db.prepare('DELETE FROM viewing').run()
      await office.post(`/children/${ida.child}/guardians${verb}`, { cpr })
      expect(await seen()).toEqual([ofStaff(ida.child)])
    }
    const credit = { id: newSale(), amount: 100, reason: 'test' }
    for (let n = 0; n < 2; n++) {
      await office.db.prepare('DELETE FROM viewing').run()
      await office.post(`/accounts/${emil.account}/credit`, credit)
      expect(await seen()).toEqual([ofStaff(emil.child)])
    }
  })

  it('and nobody is where there is nothing to see', async () => {
    for (const path of ['/children/99', '/accounts/99', '/accounts/1', '/children?name=nobody']) {
      await call('GET', `/api/staff${path}`, { token: office.token })
    }
    expect(await seen()).toEqual([])
  })
})

describe('a viewing', () => {
  const noon = Date.UTC(2026, 2, 2, 12)
  const hour = 3_600_000

  it('is one for a child, a Copenhagen day and a viewer', async () => {
    const viewer = { guardian: anna }
    const child = ida.child
    await office.db.batch([
      viewed(office.db, { child }, viewer, noon),
      viewed(office.db, { child }, viewer, noon + hour),
      viewed(office.db, { child }, viewer, noon - hour), // Late to arrive, and takes nothing back.
      viewed(office.db, { child }, viewer, noon + 11.5 * hour), // Half past midnight in Copenhagen.
      viewed(office.db, { child }, { staff: anna }, noon),
      viewedAccounts(office.db, [ida.account, emil.account, 1, 99], { guardian: bent }, noon),
      viewedAccounts(office.db, [], { guardian: bent }, noon),
    ])
    expect(await stored()).toEqual([
      { child, day: '2026-03-02', viewer_kind: 'guardian', viewer: anna, first_at: noon, last_at: noon + hour },
      { child, day: '2026-03-02', viewer_kind: 'guardian', viewer: bent, first_at: noon, last_at: noon },
      { child, day: '2026-03-02', viewer_kind: 'staff', viewer: anna, first_at: noon, last_at: noon },
      {
        ...{ child, day: '2026-03-03', viewer_kind: 'guardian', viewer: anna },
        ...{ first_at: noon + 11.5 * hour, last_at: noon + 11.5 * hour },
      },
      { child: emil.child, day: '2026-03-02', viewer_kind: 'guardian', viewer: bent, first_at: noon, last_at: noon },
    ])
  })

  it('is told to the guardians of the child: their own, and those of staff by name', async () => {
    vi.setSystemTime(noon)
    await office.get(`/children/${ida.child}`)
    vi.useRealTimers()
    await office.db.batch([
      viewed(office.db, { child: ida.child }, { guardian: anna }, noon + hour),
      viewed(office.db, { child: emil.child }, { guardian: anna }, noon + 3 * hour),
    ])
    const day = '2026-03-02'
    const of = { child: { id: ida.child, name: 'Ida' }, day }
    expect(await viewingsFor(anna)).toEqual([
      { child: { id: emil.child, name: 'Emil' }, day, who: { kind: 'you' }, lastAt: noon + 3 * hour },
      { ...of, who: { kind: 'you' }, lastAt: noon + hour },
      { ...of, who: { kind: 'staff', name: 'Astrid' }, lastAt: noon },
    ])
    await office.post(`/children/${ida.child}/guardians/end`, { cpr: CPRS.bent })
    expect(await viewingsFor(bent)).toEqual([])
  })

  it('of other guardians is told as one a day, without when, and last of its day whenever it was', async () => {
    const third = await guardian('0301575003')
    const told = async (...others: [guardian: number, at: number][]) => {
      await office.db.prepare('DELETE FROM viewing').run()
      const views = [...others, [anna, noon] as const, [anna, noon - 24 * hour] as const]
      const child = ida.child
      await office.db.batch(views.map(([viewer, at]) => viewed(office.db, { child }, { guardian: viewer }, at)))
      return viewingsFor(anna)
    }
    const of = { child: { id: ida.child, name: 'Ida' } }
    const late = await told([bent, noon + hour])
    expect(late).toEqual([
      { ...of, day: '2026-03-02', who: { kind: 'you' }, lastAt: noon },
      { ...of, day: '2026-03-02', who: { kind: 'other_guardian' }, lastAt: null },
      { ...of, day: '2026-03-01', who: { kind: 'you' }, lastAt: noon - 24 * hour },
    ])
    expect(await told([bent, noon - hour])).toEqual(late)
    expect(await told([third, noon - hour], [bent, noon + hour])).toEqual(late)
  })
})
