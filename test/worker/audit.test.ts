import { beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { addDays, copenhagenDay, copenhagenMidnight } from '../../shared/copenhagen.ts'
import type { Access, Audit } from '../../shared/office/audit.ts'
import { viewed } from '../../worker/people/viewings.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
  newSite,
} from './municipality.ts'
import { parentOf } from './parent.ts'

let office: Municipality
let ida: CardHolder

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ida = await cardHolder(office, { name: 'Ida Prøvebarn' })
})

const audit = (query = '') => office.get<z.infer<typeof Audit>>(`/audit${query}`)
const actions = async (query: string) => (await audit(query)).deeds.map(({ action }) => action)
const today = () => copenhagenDay(Date.now())

describe('the audit list', () => {
  it('says who did what to what and when, the newest first, and does not name guardians', async () => {
    const asta = await parentOf(office, '0101575001', [ida.child], 'Asta Prøveforælder')
    await asta.post(`/konto/${ida.account}/kort/${ida.card}/spaer`)
    const { deeds, more } = await audit()
    expect(deeds.map(({ action, subject, who }) => [action, subject, who])).toEqual([
      ['card_blocked', `card:${ida.card}`, { kind: 'guardian' }],
      ['guardianship_added', `child:${ida.child}`, { kind: 'staff', id: 1, name: 'Astrid' }],
      ['logged_in', `guardian:${asta.guardian}`, { kind: 'guardian' }],
      ['card_added', `card:${ida.card}`, { kind: 'staff', id: 1, name: 'Astrid' }],
      ['child_added', `account:${ida.account}`, { kind: 'staff', id: 1, name: 'Astrid' }],
      ['set_up', 'municipality:4000', { kind: 'system' }],
    ])
    expect([more, deeds[1]?.detail, deeds[0]?.detail]).toEqual([false, { changed: true }, null])
    expect(JSON.stringify(deeds)).not.toContain('Asta')
    expect(JSON.stringify(deeds)).not.toContain('Ida')
  })

  it('tells what a site, a product, or somebody of the staff is called, and no child', async () => {
    const site = await newSite(office, 'Klub Nord')
    await office.post(`/sites/${site}/limits`, { saleMax: 2500 })
    const product = await office.post<{ id: number }>('/products', { site, name: 'Toast', price: 1500 })
    const bo = await office.post<{ id: number }>('/people', { name: 'Bo Prøveadmin', role: 'admin' })
    const { deeds } = await audit()
    expect(Object.fromEntries(deeds.map(({ subject, name }) => [subject, name]))).toEqual({
      ...{
        'site:Klub Nord': null,
        [`site:${site}`]: 'Klub Nord',
        [`product:${product.id}`]: 'Toast',
        [`staff:${bo.id}`]: 'Bo Prøveadmin',
      },
      ...{ [`account:${ida.account}`]: null, [`card:${ida.card}`]: null, 'municipality:4000': null },
    })
  })

  it('is of one member of staff, one subject, one action or some days, as is asked for', async () => {
    const bo = await office.post<{ id: number; token: string }>('/people', { name: 'Bo Prøveadmin', role: 'admin' })
    await call('POST', `/api/staff/cards/${ida.card}/block`, { token: bo.token, body: {} })
    await office.post(`/cards/${ida.card}/activate`)
    expect(await actions(`?staff=${bo.id}`)).toEqual(['card_blocked'])
    expect(await actions(`?subject=card:${ida.card}`)).toEqual(['card_active', 'card_blocked', 'card_added'])
    expect(await actions('?action=staff_added')).toEqual(['staff_added'])
    expect(await actions(`?subject=card:${ida.card}&staff=1`)).toEqual(['card_active', 'card_added'])
    expect(await actions('?subject=card:99')).toEqual([])
    expect(await actions(`?from=${today()}&to=${today()}`)).toHaveLength(6)
    const [first, last] = [copenhagenMidnight(today()), copenhagenMidnight(addDays(today(), 1)) - 1]
    await office.db
      .prepare("UPDATE audit SET at = ? WHERE action = 'set_up'")
      .bind(first - 1)
      .run()
    await office.db.prepare("UPDATE audit SET at = ? WHERE action = 'card_added'").bind(first).run()
    await office.db.prepare("UPDATE audit SET at = ? WHERE action = 'card_active'").bind(last).run()
    expect(await actions(`?from=${today()}&to=${today()}`)).toHaveLength(5)
    expect(await actions(`?to=${addDays(today(), -1)}`)).toEqual(['set_up'])
    expect(await actions(`?from=${addDays(today(), 1)}`)).toEqual([])
    for (const query of ['staff=0', 'subject=child', 'action=DROP', 'from=2026-02-30', 'offset=-1']) {
      expect(await call('GET', `/api/staff/audit?${query}`, { token: office.token })).toMatchObject({ status: 400 })
    }
  })

  it('is told a hundred at a time, and that there are more', async () => {
    for (let n = 0; n < 60; n += 1) {
      await office.post(`/cards/${ida.card}/block`)
      await office.post(`/cards/${ida.card}/activate`)
    }
    const [first, second] = [await audit(), await audit('?offset=100')]
    expect([first.deeds.length, first.more, second.deeds.length, second.more]).toEqual([100, true, 23, false])
    expect(new Set([...first.deeds, ...second.deeds].map(({ id }) => id)).size).toBe(123)
  })
})

describe('who looked at a child', () => {
  const access = (query = '') => office.get<z.infer<typeof Access>>(`/children/${ida.child}/access${query}`)

  it('is told by day: staff by name and time, guardians in one line, and whoever asks is on it', async () => {
    const [asta, birk] = [
      await parentOf(office, '0101575001', [ida.child], 'Asta Prøveforælder'),
      await parentOf(office, '0201575002', [ida.child], 'Birk Prøveforælder'),
    ]
    await office.db.prepare('DELETE FROM viewing').run()
    const yesterday = Date.parse('2026-11-20T11:00:00Z')
    for (const [viewer, at] of [
      [{ staff: 1 }, yesterday],
      [{ staff: 1 }, yesterday + 60_000],
      [{ guardian: asta.guardian }, yesterday],
      [{ guardian: birk.guardian }, yesterday],
      [{ guardian: asta.guardian }, yesterday - 86_400_000],
    ] as const) {
      await viewed(office.db, { child: ida.child }, viewer, at).run()
    }
    const found = await access()
    expect(found).toEqual({
      child: { id: ida.child, name: 'Ida Prøvebarn' },
      viewings: [
        {
          day: today(),
          who: { kind: 'staff', id: 1, name: 'Astrid' },
          firstAt: expect.any(Number),
          lastAt: expect.any(Number),
        },
        {
          day: '2026-11-20',
          who: { kind: 'staff', id: 1, name: 'Astrid' },
          firstAt: yesterday,
          lastAt: yesterday + 60_000,
        },
        { day: '2026-11-20', who: { kind: 'guardian' }, firstAt: null, lastAt: null },
        { day: '2026-11-19', who: { kind: 'guardian' }, firstAt: null, lastAt: null },
      ],
      more: false,
    })
    expect(await actions('?action=access_listed')).toEqual(['access_listed'])
    expect((await access('?offset=3')).viewings).toHaveLength(1)
  })

  it('who is not there is told to nobody, and leaves no trace', async () => {
    const before = await contents(office.db)
    const { status, body } = await call('GET', '/api/staff/children/99/access', { token: office.token })
    expect([status, body.error?.code]).toEqual([404, 'child_unknown'])
    expect(await contents(office.db)).toEqual(before)
  })
})
