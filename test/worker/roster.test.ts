import { env } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { addDays, copenhagenDay } from '../../shared/copenhagen.ts'
import { OrderLife } from '../../shared/office/cards.ts'
import { RosterHistory } from '../../shared/office/roster.ts'
import worker from '../../worker/main.ts'
import { keyedHash } from '../../worker/municipality/secrets.ts'
import { STAGED_KEPT_MS, staleRosters } from '../../worker/people/roster.ts'
import { applyRoster } from '../../worker/people/roster-application.ts'
import { matched } from '../../worker/people/roster-plan.ts'
import { sweep } from '../../worker/sweep.ts'
import { asked } from './card-desk.ts'
import { cardHolder, contents, emptyDatabases, type Municipality, municipality, newSite, pay } from './municipality.ts'
import { parentOf } from './parent.ts'
import { type Applied, CHILD, cprOf, importOf, planned, type Row, readIn, rowOf } from './roster.ts'

let office: Municipality
let club: number

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  club = await newSite(office, 'Ungdomsklubben')
})

type Found = { name: string; leftAt: number | null; school: string | null; club: number | null; guardians: number }

/** The children whom the roster knows, by name. */
async function roster(): Promise<Found[]> {
  const { results } = await office.db
    .prepare(
      `SELECT name, left_at AS leftAt, school, club, (SELECT count(*) FROM guardianship
         WHERE guardianship.child = child.id AND ended_at IS NULL) AS guardians
       FROM child WHERE roster_key IS NOT NULL ORDER BY name, id`,
    )
    .all<Found>()
  return results
}

const names = async () => (await roster()).map(({ name, leftAt }) => (leftAt === null ? name : `(${name})`))

const count = async (table: string, where = 'true') =>
  await office.db.prepare(`SELECT count(*) AS count FROM ${table} WHERE ${where}`).first<number>('count')

const idOf = async (name: string) =>
  (await office.db.prepare('SELECT id FROM child WHERE name = ?').bind(name).first<number>('id')) ?? 0

/** A small school: two children of the club, one of no club. */
const school = (): Row[] => [
  rowOf(2, {
    name: 'Alma Prøvebarn',
    club: 'Ungdomsklubben',
    ...CHILD,
    guardians: [cprOf(50)],
  }),
  rowOf(3, { name: 'Bo Prøvebarn', club: 'ungdomsklubben ', guardians: [cprOf(50), cprOf(51)] }),
  rowOf(4, { name: 'Carla Prøvebarn' }),
]

const many = (first: number, length: number) => Array.from({ length }, (_, at) => rowOf(first + at))

describe('a roster', () => {
  it('is planned without any change, and then applied as it was planned', async () => {
    const before = await contents(office.db, 'roster_import', 'roster_row', 'audit')
    const { plan, apply } = await planned(office, school())
    expect(await contents(office.db, 'roster_import', 'roster_row', 'audit')).toEqual(before)
    expect(plan).toEqual({
      ...{ rows: 3, known: 0, added: 3, changed: 0, leaving: 0, cards: 2, changes: [], leavers: [] },
      new: [
        { line: 2, name: 'Alma Prøvebarn', club: 'Ungdomsklubben' },
        { line: 3, name: 'Bo Prøvebarn', club: 'Ungdomsklubben' },
        { line: 4, name: 'Carla Prøvebarn', club: null },
      ],
    })
    expect((await apply()).body).toEqual({ added: 3, changed: 0, leaving: 0, cards: 2, untold: 0 })
    expect(await roster()).toEqual([
      { name: 'Alma Prøvebarn', leftAt: null, school: 'Prøveskolen', club, guardians: 1 },
      { name: 'Bo Prøvebarn', leftAt: null, school: 'Prøveskolen', club, guardians: 2 },
      { name: 'Carla Prøvebarn', leftAt: null, school: 'Prøveskolen', club: null, guardians: 0 },
    ])
    const { balance, dailyLimit } = await office.get(`/children/${await idOf('Carla Prøvebarn')}`)
    expect([balance, dailyLimit]).toEqual([0, null])
  })

  it('is seen at once by the parents whom it names', async () => {
    await readIn(office, school())
    const both = await (await parentOf(office, cprOf(50))).get('/konti')
    expect([both.text.includes('Alma Prøvebarn'), both.text.includes('Bo Prøvebarn')]).toEqual([true, true])
    const one = await (await parentOf(office, cprOf(51))).get('/konti')
    expect([one.text.includes('Alma Prøvebarn'), one.text.includes('Bo Prøvebarn')]).toEqual([false, true])
  })

  it('that comes again changes nothing, whatever the order of its rows and guardians', async () => {
    await readIn(office, school())
    const before = await contents(office.db, 'roster_import', 'roster_row', 'audit', 'municipality')
    const again = school()
      .reverse()
      .map((row, at) => ({ ...row, line: at + 2, guardians: row.guardians.toReversed() }))
    const { plan, apply } = await planned(office, again)
    expect([plan.added, plan.changed, plan.leaving, plan.cards]).toEqual([0, 0, 0, 0])
    await apply()
    expect(await contents(office.db, 'roster_import', 'roster_row', 'audit', 'municipality')).toEqual(before)
  })

  it('says of each child what it changes, and changes that alone', async () => {
    await readIn(office, school())
    const [alma, bo, carla] = school() as [Row, Row, Row]
    const moved = [
      { ...alma, name: 'Alma Ny Prøvebarn', school: 'Den anden skole' },
      { ...bo, club: null, guardians: [cprOf(51), cprOf(52)] },
      carla,
    ]
    const { plan, apply } = await planned(office, moved)
    expect(plan.changes.map(({ name, what }) => [name, what])).toEqual([
      ['Alma Prøvebarn', ['name', 'school']],
      ['Bo Prøvebarn', ['club', 'guardians']],
    ])
    const untouched = await office.db.prepare("SELECT * FROM child WHERE name LIKE 'Carla%'").first()
    expect((await apply()).body).toEqual({ added: 0, changed: 2, leaving: 0, cards: 0, untold: 0 })
    expect(await office.db.prepare("SELECT * FROM child WHERE name LIKE 'Carla%'").first()).toEqual(untouched)
    expect((await roster()).map(({ name, club, guardians }) => [name, club, guardians])).toEqual([
      ['Alma Ny Prøvebarn', club, 1],
      ['Bo Prøvebarn', null, 2],
      ['Carla Prøvebarn', null, 0],
    ])
    expect((await (await parentOf(office, cprOf(50))).get('/konti')).text).not.toContain('Bo Prøvebarn')
    expect((await (await parentOf(office, cprOf(52))).get('/konti')).text).toContain('Bo Prøvebarn')
  })

  it('that was answered and not heard is not applied twice', async () => {
    const { begin, rows, apply } = await planned(office, school())
    await begin()
    await rows()
    const first = await apply()
    const after = await contents(office.db)
    expect(await apply()).toEqual(first)
    expect((await rows()).body.error?.code).toBe('roster_unknown')
    expect(await contents(office.db)).toEqual(after)
  })

  it('is not planned before all its rows are there, and not applied before it is planned', async () => {
    const half = importOf(office, school())
    await half.begin(4)
    await half.rows()
    expect((await half.plan()).body.error?.code).toBe('roster_incomplete')
    expect((await half.apply()).body.error?.code).toBe('roster_incomplete')
    expect(await names()).toEqual([])
  })

  it('that is given up, or forgotten for a day, leaves nothing behind', async () => {
    const given = await planned(office, school())
    await given.discard()
    const left = await planned(office, school())
    await sweep(office.db, Date.now() + 86_300_000)
    expect(await count('roster_row')).toBe(3)
    await sweep(office.db, Date.now() + 86_500_000)
    expect([await count('roster_row'), await count('roster_import')]).toEqual([0, 0])
    for (const gone of [given, left]) expect((await gone.apply()).body.error?.code).toBe('roster_unknown')
    expect(await names()).toEqual([])
  })

  it('knows a child by its CPR number under any name, and without one by name and birth date, at any school', async () => {
    await readIn(office, school())
    const [alma, bo, carla] = school() as [Row, Row, Row]
    const { plan } = await planned(office, [
      { ...alma, name: 'Alma Andet', school: 'Andetsteds' },
      { ...bo, name: ' BO  prøvebarn ', school: 'Andetsteds' },
      { ...carla, name: 'Carla Omdøbt' },
    ])
    expect(plan.changes.map(({ line, what }) => [line, what])).toEqual([
      [2, ['name', 'school']],
      [3, ['name', 'school']],
    ])
    expect([plan.new.map(({ name }) => name), plan.leavers.map(({ name }) => name)]).toEqual([
      ['Carla Omdøbt'],
      ['Carla Prøvebarn'],
    ])
  })
})

describe('a child that staff added by hand', () => {
  it('is known again by name and guardian, and keeps its account and card', async () => {
    const alma = await cardHolder(office, { name: 'Alma Prøvebarn', credit: 5_000 })
    const bo = await cardHolder(office, { name: 'Bo Prøvebarn' }) // Nobody's, so it could be any Bo.
    await office.post(`/children/${alma.child}/guardians`, { cpr: cprOf(50) })
    const { plan, apply } = await planned(office, school())
    expect(plan.changes).toEqual([
      { line: 2, child: alma.child, name: 'Alma Prøvebarn', what: ['linked', 'birthDay', 'school', 'club'] },
    ])
    expect([plan.added, plan.cards]).toEqual([2, 1])
    await apply()
    const { balance, cards } = await office.get<{ balance: number; cards: unknown[] }>(`/children/${alma.child}`)
    expect([balance, cards.length]).toEqual([5_000, 1])
    expect(await count('child', "name = 'Bo Prøvebarn'")).toBe(2)
    expect(await count('card_order', `account = ${alma.account}`)).toBe(0)
    expect(await office.get(`/children/${bo.child}`)).toMatchObject({ leftAt: null })
  })

  it('is taken for nobody where there are two of them', async () => {
    for (const _ of ['one', 'other']) {
      const { child } = await cardHolder(office, { name: 'Alma Prøvebarn' })
      await office.post(`/children/${child}/guardians`, { cpr: cprOf(50) })
    }
    const { plan } = await planned(office, school())
    expect([plan.added, plan.changed, plan.leaving]).toEqual([3, 0, 0])
  })

  it('is taken for nobody where a row could be either of two, one of whom could be another row', async () => {
    const [one, other] = [
      await cardHolder(office, { name: 'Alma Prøvebarn' }),
      await cardHolder(office, { name: 'Alma Prøvebarn' }),
    ]
    for (const cpr of [cprOf(50), cprOf(51)]) await office.post(`/children/${one.child}/guardians`, { cpr })
    await office.post(`/children/${other.child}/guardians`, { cpr: cprOf(50) })
    const { plan } = await planned(office, [
      rowOf(2, { name: 'Alma Prøvebarn', guardians: [cprOf(50)] }),
      rowOf(3, { name: 'Alma Prøvebarn', birthDay: '2015-06-08', guardians: [cprOf(51)] }),
    ])
    expect([plan.added, plan.changed]).toEqual([2, 0])
  })
})

describe('a roster that comes to tell CPR numbers, or tells them no more', () => {
  const known = (cpr: string | null, more: Partial<Row> = {}) =>
    rowOf(2, { name: 'Alma Prøvebarn', ...CHILD, cpr, ...more })
  const twin = '0201585002'

  it('knows its children again, with all that they have', async () => {
    for (const [first, then] of [
      [null, CHILD.cpr],
      [CHILD.cpr, null],
    ] as const) {
      await readIn(office, [known(first, { club: 'Ungdomsklubben' }), rowOf(3)], true)
      const child = await idOf('Alma Prøvebarn')
      const { plan, apply } = await planned(office, [known(then, { club: 'Ungdomsklubben' }), rowOf(3)])
      expect(plan.changes).toEqual([{ line: 2, child, name: 'Alma Prøvebarn', what: ['rekeyed'] }])
      await apply()
      expect([await idOf('Alma Prøvebarn'), await names()]).toEqual([child, ['Alma Prøvebarn', 'Barn 3 Prøvebarn']])
      const again = await planned(office, [known(then, { club: 'Ungdomsklubben' }), rowOf(3)])
      expect([again.plan.added, again.plan.changed, again.plan.leaving]).toEqual([0, 0, 0])
      await again.discard()
    }
  })

  it('looks each child up by its name, and not beside all the others', async () => {
    const pupils = (cpr: (at: number) => string | null) =>
      Array.from({ length: 400 }, (_, at) => rowOf(2 + at, { birthDay: CHILD.birthDay, cpr: cpr(at) }))
    await readIn(
      office,
      pupils(() => null),
    )
    const { id, plan } = await planned(
      office,
      pupils((at) => `020158${5001 + at}`),
    )
    expect([plan.added, plan.changed, plan.leaving]).toEqual([0, 400, 0])
    const found = await office.db.batch(matched(office.db, id))
    expect(found.reduce((sum, { meta }) => sum + meta.rows_read, 0)).toBeLessThan(400 * 40)
  })

  it('takes two CPR numbers for two children, of whatever name and birth date', async () => {
    await readIn(office, [known(CHILD.cpr)])
    const { plan } = await planned(office, [known(twin)])
    expect([plan.added, plan.changed, plan.leaving]).toEqual([1, 0, 1])
  })

  it('takes nobody for somebody else where it could be either of two', async () => {
    await readIn(office, [known(null)])
    const { plan } = await planned(office, [known(CHILD.cpr), known(twin, { line: 3 })])
    expect([plan.added, plan.changed, plan.leaving]).toEqual([2, 0, 1])
  })

  it('does not take a child that one row has by its key for that of another row', async () => {
    await readIn(office, [known(CHILD.cpr)])
    const { plan } = await planned(office, [known(CHILD.cpr), known(null, { line: 3 })])
    expect([plan.added, plan.changed, plan.leaving]).toEqual([1, 0, 0])
  })

  it('gives no family the account of another family’s child of the same name and birth date', async () => {
    const [mother, father, stranger] = [cprOf(50), cprOf(51), cprOf(52)]
    await readIn(office, [known(CHILD.cpr, { guardians: [mother, father] })])
    for (const guardians of [[stranger], []]) {
      const other = await planned(office, [known(null, { guardians })])
      expect([other.plan.added, other.plan.changed, other.plan.leaving]).toEqual([1, 0, 1])
    }
    const own = await planned(office, [known(null, { guardians: [father, stranger] })])
    expect(own.plan.changes.map(({ what }) => what)).toEqual([['rekeyed', 'guardians']])
  })

  it('takes no child that has left and was nobody’s for somebody new', async () => {
    await readIn(office, [known(CHILD.cpr), ...many(10, 10)])
    await readIn(office, many(10, 10))
    const { plan } = await planned(office, [known(null), ...many(10, 10)])
    expect([plan.added, plan.changed, plan.leaving]).toEqual([1, 0, 0])
  })
})

describe('a child that the roster has no more', () => {
  const card = (account: number) =>
    office.db.prepare('SELECT status, version FROM card WHERE account = ?').bind(account).first()

  it('leaves: its card is frozen, orders and agreements end, its parents are told, its money stays', async () => {
    await readIn(office, [...school(), ...many(10, 10)])
    const child = await idOf('Alma Prøvebarn')
    const { account } = await office.get<{ account: number }>(`/children/${child}`)
    await pay(office, account, 7_500)
    await office.post('/cards', { child, uid: '04aabbccddee01' })
    await office.post('/cards', { child, uid: '04aabbccddee02' })
    const parent = await parentOf(office, cprOf(50))
    await parent.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@proeve.example' })
    const { plan, apply } = await planned(office, [...school().slice(1), ...many(10, 10)])
    expect(plan.leavers).toEqual([{ child, name: 'Alma Prøvebarn', club: 'Ungdomsklubben' }])
    expect((await apply()).body).toEqual({ added: 0, changed: 0, leaving: 1, cards: 0, untold: 0 })
    const cards = await office.db.prepare('SELECT status, version FROM card ORDER BY id').all()
    expect(cards.results).toEqual([
      { status: 'blocked', version: 3 },
      { status: 'blocked', version: 4 },
    ])
    expect(await count('card_order', `account = ${account} AND status = 'cancelled'`)).toBe(1)
    const letter = await office.db.prepare("SELECT data, recipient FROM outbox WHERE kind = 'child_left'").all()
    expect(letter.results).toEqual([
      { data: JSON.stringify({ account, child: 'Alma', balance: 7_500 }), recipient: 'asta@proeve.example' },
    ])
    const left = await office.get<{ leftAt: number; balance: number }>(`/children/${child}`)
    expect([left.leftAt > 0, left.balance]).toEqual([true, 7_500])
    expect((await parent.get('/konti')).text).toContain('Alma Prøvebarn') // So that the rest can be paid out.
  })

  it('counts the guardians whom no mail can tell', async () => {
    await readIn(office, [...school(), ...many(10, 10)])
    await parentOf(office, cprOf(51)) // Has no mail address; the other one has never logged in.
    expect(await readIn(office, [...school().filter(({ line }) => line !== 3), ...many(10, 10)])).toMatchObject({
      leaving: 1,
      untold: 2,
    })
  })

  it('comes back when it is in the roster again, its card still frozen until somebody activates it', async () => {
    await readIn(office, [...school(), ...many(10, 10)])
    const child = await idOf('Alma Prøvebarn')
    const { account } = await office.get<{ account: number }>(`/children/${child}`)
    await office.post('/cards', { child, uid: '04aabbccddee01' })
    await readIn(office, [...school().slice(1), ...many(10, 10)])
    const { plan, apply } = await planned(office, [...school(), ...many(10, 10)])
    expect(plan.changes).toEqual([{ line: 2, child, name: 'Alma Prøvebarn', what: ['returns'] }])
    await apply()
    expect(await office.get(`/children/${child}`)).toMatchObject({ leftAt: null })
    expect(await card(account)).toMatchObject({ status: 'blocked' })
    expect(await count('card_order', `account = ${account} AND status = 'ordered'`)).toBe(0) // It has a card.
  })

  it('gets the fee of its ordered card back within the minute', async () => {
    const inNoClub = (row: Row) => ({ ...row, club: null })
    await readIn(office, [...school().map(inNoClub), ...many(10, 10)])
    const child = await idOf('Alma Prøvebarn')
    const { account } = await office.get<{ account: number }>(`/children/${child}`)
    const card = await office.post<{ id: number }>('/cards', { child, uid: '04aabbccddee01' })
    const parent = await parentOf(office, cprOf(50))
    await office.db
      .prepare(
        `INSERT INTO card_order (id, account, guardian, lost_card, recipient, street, postal_code, city, fee, paid_from,
           terms, status, created_at, ordered_at)
         VALUES (?1, ?2, ?3, ?4, 'Alma', 'Prøvevej 1', '4000', 'Prøveby', 4500, 'account', 'da-1', 'ordered', ?5, ?5)`,
      )
      .bind(crypto.randomUUID(), account, parent.guardian, card.id, Date.now())
      .run()
    await readIn(office, [...school().slice(1).map(inNoClub), ...many(10, 10)])
    const before = await office.get<{ balance: number }>(`/children/${child}`)
    await worker.scheduled({ cron: '* * * * *' }, { ...env, MAIL: undefined } as never)
    const after = await office.get<{ balance: number }>(`/children/${child}`)
    expect(after.balance - before.balance).toBe(4_500)
    await worker.scheduled({ cron: '* * * * *' }, { ...env, MAIL: undefined } as never)
    expect(await office.get(`/children/${child}`)).toEqual(after)
    expect(await count('card_order', `account = ${account} AND status = 'cancelled'`)).toBe(1)
  })

  it('is one of few, unless somebody says that so many shall leave', async () => {
    await readIn(office, many(2, 10))
    const fifth = await planned(office, many(2, 8))
    expect((await fifth.apply()).status).toBe(200)
    const cut = await planned(office, many(2, 6))
    expect((await cut.apply()).body.error?.code).toBe('roster_leaving')
    expect((await names()).filter((name) => name.startsWith('('))).toHaveLength(2)
    expect(((await cut.apply(true)).body as Applied).leaving).toBe(2)
  })

  it('was never the roster’s, and stays, where staff added it by hand', async () => {
    const { child } = await cardHolder(office, { name: 'Dagny Prøvebarn' })
    await readIn(office, school())
    await readIn(office, school().slice(0, 1), true)
    expect(await office.get(`/children/${child}`)).toMatchObject({ leftAt: null })
    expect(await names()).toEqual(['Alma Prøvebarn', '(Bo Prøvebarn)', '(Carla Prøvebarn)'])
  })
})

describe('the first card', () => {
  it('is ordered for each child of a club that has none, free, and goes to the club', async () => {
    await readIn(office, school())
    const { results } = await office.db.prepare('SELECT * FROM card_order ORDER BY account').all()
    expect(results).toHaveLength(2)
    for (const order of results) {
      expect(order).toMatchObject({
        ...{ cause: 'first', guardian: null, staff: null, fee: 0, paid_from: 'account', status: 'ordered' },
        ...{ club, recipient: null, number: null },
      })
      expect(z.uuid().safeParse(order.id).success).toBe(true)
    }
    expect(new Set(results.map(({ id }) => id)).size).toBe(2)
  })

  it('is not ordered while one is there, blocked or not, or on its way; and is when all are closed', async () => {
    await readIn(office, school())
    await office.db.prepare("UPDATE card_order SET status = 'sent'").run()
    expect((await planned(office, school())).plan.cards).toBe(0)
    await office.db.prepare("UPDATE card_order SET status = 'handed_out'").run()
    const card = await office.post<{ id: number }>('/cards', {
      child: await idOf('Alma Prøvebarn'),
      uid: '04aabbccddee01',
    })
    await office.post(`/cards/${card.id}/block`)
    expect((await planned(office, school())).plan.cards).toBe(1) // Bo's.
    await office.db.prepare("UPDATE card SET status = 'closed'").run()
    expect(await readIn(office, school())).toMatchObject({ changed: 0, cards: 2 })
    expect(await count('card_order', "status = 'ordered'")).toBe(2)
  })

  it('goes to the new club of a child that moves before it is made, and is one still', async () => {
    const north = await newSite(office, 'Klub Nord')
    await readIn(office, school())
    const { account } = await office.get<{ account: number }>(`/children/${await idOf('Bo Prøvebarn')}`)
    await office.db.prepare("UPDATE card_order SET status = 'produced' WHERE account = ?").bind(account).run()
    const [alma, bo, carla] = school() as [Row, Row, Row]
    const moved = [alma, bo].map((row) => ({ ...row, club: 'Klub Nord' }))
    expect(await readIn(office, [...moved, carla])).toMatchObject({ changed: 2, cards: 0 })
    const { results } = await office.db.prepare('SELECT status, club FROM card_order ORDER BY status').all()
    expect(results).toEqual([
      { status: 'ordered', club: north },
      { status: 'produced', club },
    ])
  })

  it('is ordered when a child comes into a club', async () => {
    await readIn(office, school())
    const [alma, bo, carla] = school() as [Row, Row, Row]
    expect(await readIn(office, [alma, bo, { ...carla, club: 'Ungdomsklubben' }])).toMatchObject({
      changed: 1,
      cards: 1,
    })
  })
})

describe('what is wrong with a row', () => {
  it('is told by its line: a club that is none, a birth date to come, and the same child again, also across pages', async () => {
    const [alma, bo, carla] = school() as [Row, Row, Row]
    const again = importOf(office, [])
    await again.begin(7)
    expect((await again.rows([alma, bo])).body.faults).toEqual([])
    expect(
      (
        await again.rows([
          { ...carla, club: 'Klub Nord' },
          { ...alma, line: 5, name: 'Alma Igen' },
          { ...bo, line: 6, name: 'BO Prøvebarn' },
          rowOf(7, { birthDay: addDays(copenhagenDay(Date.now()), 1) }),
          { ...carla, line: 8, club: 'Klub Nord' },
        ])
      ).body.faults,
    ).toEqual([
      { line: 4, column: 'club', reason: 'there is no site of that name' },
      { line: 5, column: 'child', reason: 'the same child stands on line 2' },
      { line: 6, column: 'child', reason: 'the same child stands on line 3' },
      { line: 7, column: 'birthDay', reason: 'the birth date is in the future' },
      { line: 8, column: 'club', reason: 'there is no site of that name' },
      { line: 8, column: 'child', reason: 'the same child stands on line 4' },
    ])
    expect(await count('roster_row')).toBe(2)
    expect((await again.rows([rowOf(7, { birthDay: copenhagenDay(Date.now()) })])).body.faults).toEqual([])
    expect((await again.plan()).body.error?.code).toBe('roster_incomplete')
  })

  it('is malformed, and never repeated, where a CPR number is none or is out of place', async () => {
    const one = importOf(office, [])
    await one.begin(1)
    for (const wrong of [
      { cpr: '3002575001' },
      { guardians: ['0101571'] },
      { guardians: ['3113575001'] },
      { ...CHILD, guardians: [CHILD.cpr] },
      { cpr: CHILD.cpr, birthDay: '2015-01-02' },
      { guardians: Array.from({ length: 5 }, (_, at) => cprOf(at)) },
      { name: '' },
      { name: 'Bo\u0000' },
      { birthDay: '2015-02-30' },
      { line: 0 },
    ]) {
      const { status, body } = await one.rows([rowOf(2, wrong)])
      expect([status, body.error?.code], JSON.stringify(wrong)).toEqual([400, 'malformed'])
      expect(body.error?.message).not.toMatch(/\d{6}-?\d{1,4}/)
    }
    expect((await one.rows(many(1, 501))).status).toBe(400)
    expect(await count('roster_row')).toBe(0)
  })
})

describe('two at once', () => {
  it('are not both applied: the second is to be read in again', async () => {
    const [one, other] = [await planned(office, school()), await planned(office, school().slice(0, 2))]
    const answers = await Promise.all([one.apply(), other.apply()])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(answers.find(({ status }) => status === 409)?.body.error?.code).toBe('roster_changed')
    expect(await roster()).toHaveLength(answers[0]?.status === 200 ? 3 : 2)
    expect(await count('municipality', 'roster_version = 1')).toBe(1)
  })

  it('are one where the same is applied by two calls at once', async () => {
    const { apply } = await planned(office, [...school(), ...many(10, 40)])
    const answers = await Promise.all([apply(), apply(), apply()])
    expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 3 }, () => answers[0]?.body))
    expect([await count('child'), await count('account', "kind = 'wallet'")]).toEqual([43, 43])
    expect(await count('audit', "action = 'child_added'")).toBe(43)
  })

  it('are refused where staff changed a child meanwhile, so that nothing happens but what was shown', async () => {
    await readIn(office, [...school(), ...many(10, 10)])
    const { apply } = await planned(office, [...school().slice(1), ...many(10, 10)])
    await office.post(`/children/${await idOf('Bo Prøvebarn')}/leave`)
    expect((await apply()).body.error?.code).toBe('roster_changed')
    expect(await names()).toContain('Alma Prøvebarn')
  })
})

describe('all of it or nothing', () => {
  it('holds where any statement of it fails', async () => {
    await readIn(office, [...school(), ...many(10, 10)])
    await office.post('/cards', { child: await idOf('Alma Prøvebarn'), uid: '04aabbccddee01' })
    const [, bo, carla] = school() as [Row, Row, Row]
    const next = [
      { ...bo, club: null, guardians: [cprOf(60)] },
      { ...carla, club: 'Ungdomsklubben' },
      rowOf(5, { name: 'Dagny Prøvebarn', club: 'Ungdomsklubben', guardians: [cprOf(61)] }),
      ...many(10, 10),
    ]
    const { apply, plan } = await planned(office, next)
    expect([plan.added, plan.changed, plan.leaving, plan.cards]).toEqual([1, 2, 1, 2])
    const before = await contents(office.db)
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    for (const [table, event] of [
      ['child', 'INSERT'],
      ['child', 'UPDATE'],
      ['account', 'INSERT'],
      ['guardianship', 'UPDATE'],
      ['guardianship', 'INSERT'],
      ['card', 'UPDATE'],
      ['card_order', 'INSERT'],
      ['audit', 'INSERT'],
      ['municipality', 'UPDATE'],
      ['roster_row', 'DELETE'],
    ]) {
      await office.db
        .prepare(`CREATE TRIGGER planted BEFORE ${event} ON ${table} BEGIN SELECT raise(ABORT, 'planted'); END`)
        .run()
      expect((await apply()).body.error?.code, `${event} ${table}`).toBe('internal')
      await office.db.prepare('DROP TRIGGER planted').run()
      expect(await contents(office.db), `${event} ${table}`).toEqual(before)
    }
    logged.mockRestore()
    expect((await apply()).status).toBe(200)
  })
})

describe('a CPR number', () => {
  it('is in no table, and a roster’s key cannot be told from a guardian’s hash', async () => {
    const rows = school()
    const { apply } = await planned(office, rows)
    const digits = rows.flatMap(({ cpr, guardians }) => [...(cpr ? [cpr] : []), ...guardians])
    const kept = async () => JSON.stringify(await contents(office.db))
    const staged = await kept()
    await apply()
    const all = staged + (await kept())
    for (const cpr of digits) {
      expect(all).not.toContain(cpr)
      expect(all).not.toContain(`${cpr.slice(0, 6)}-${cpr.slice(6)}`)
    }
    const alma = await (await keyedHash(env.MASTER_KEY, 'cpr', office.number))(CHILD.cpr)
    expect(all).not.toContain(alma)
  })

  it('is in no line of the log', async () => {
    const lines: string[] = []
    const info = vi.spyOn(console, 'info').mockImplementation((line: string) => void lines.push(line))
    const error = vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
    await (await planned(office, school())).apply()
    const wrong = importOf(office, [rowOf(2, { cpr: '3002575001' })])
    await wrong.begin()
    await wrong.rows()
    info.mockRestore()
    error.mockRestore()
    expect(lines.length).toBeGreaterThan(4)
    expect(lines.join('\n')).not.toMatch(/\d{6}-?5\d{3}/)
  })
})

describe('whoever looks', () => {
  it('at a plan is recorded as having looked at the children that it names, and no others', async () => {
    await readIn(office, many(2, 30))
    const rows = many(2, 30).map((row) => ({ ...row, club: 'Ungdomsklubben' }))
    await planned(office, rows, 4)
    expect(await count('viewing', "viewer_kind = 'staff'")).toBe(4)
  })

  it('at the audit log sees who read what in, and what it did to whom', async () => {
    await readIn(office, school())
    const deeds = await office.db
      .prepare('SELECT action, count(*) AS count FROM audit WHERE staff = 1 GROUP BY action ORDER BY action')
      .all<{ action: string; count: number }>()
    expect(Object.fromEntries(deeds.results.map(({ action, count }) => [action, count]))).toMatchObject({
      ...{ roster_begun: 1, roster_applied: 1, child_added: 3, guardianship_added: 3, card_ordered: 2 },
    })
  })

  it('at the history sees which rosters were read in, by whom and with what effect, and which were given up', async () => {
    await readIn(office, school())
    const dropped = await planned(office, many(20, 2))
    await dropped.discard()
    await dropped.discard()
    const stale = importOf(office, many(30, 3))
    await stale.begin()
    const seen = async () => RosterHistory.parse(await office.get('/roster'))
    const staff = { id: 1, name: expect.any(String) }
    const none = { added: null, changed: null, leaving: null }
    const [newest, ...older] = (await seen()).imports
    expect(newest).toMatchObject({ ...none, id: stale.id, staff, state: 'under_way', rows: 3 })
    expect(older).toMatchObject([
      { id: dropped.id, staff, state: 'given_up', rows: 2, added: 2, changed: 0, leaving: 3 },
      { staff, state: 'applied', rows: 3, added: 3, changed: 0, leaving: 0 },
    ])
    await office.db.batch(staleRosters(office.db, Date.now() + STAGED_KEPT_MS + 1_000))
    expect((await seen()).imports[0]).toMatchObject({ ...none, id: stale.id, state: 'given_up' })
    expect(await office.get('/roster?offset=2')).toMatchObject({ imports: [{ state: 'applied' }], more: false })
  })

  it("at a first card's order reads once that it was ordered, and by whom", async () => {
    await readIn(office, school())
    const id = await office.db.prepare('SELECT id FROM card_order').first<string>('id')
    const { body } = await asked(office.token, 'GET', `/orders/${id}`)
    expect(OrderLife.parse(body).events).toMatchObject([{ what: 'card_ordered', who: { kind: 'staff' } }])
  })
})

it('a roster of another municipality is not there', async () => {
  const { id } = await planned(office, school())
  const other = await municipality(7620)
  expect((await importOf(other, [], id).apply()).body.error?.code).toBe('roster_unknown')
  expect(await applyRoster(other.db, { id, allowLeaving: true }, 1, Date.now())).toBe('roster_unknown')
})
