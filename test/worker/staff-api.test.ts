import { env, SELF } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ErrorCode } from '../../shared/errors.ts'
import { Child, Children } from '../../shared/office/children.ts'
import { base64url, cardHash, fromBase64url } from '../../shared/signing.ts'
import { BalanceAnswer, CARDS_PER_PAGE, SyncAnswer } from '../../shared/wire.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { cardKeyOf, cprHash } from '../../worker/municipality/secrets.ts'
import {
  call,
  cardHolder,
  contents,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSale,
  newSite,
} from './municipality.ts'

let office: Municipality

/** Of a till that has told nothing yet of what waits in its journal. */
const NOTHING_TOLD = { unsentCount: null, unsentSum: null, unsentSince: null }

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
})

type Deed = { action: string; subject: string; detail: string | null; staff: number | null }
const deeds = async (): Promise<Deed[]> =>
  (await office.db.prepare('SELECT action, subject, detail, staff FROM audit ORDER BY id').all<Deed>()).results

/** What a change leaves in the audit log: exactly these deeds, all by the admin who asked. */
async function expectDeeds<T>(
  expected: [action: string, subject: string | RegExp][],
  act: () => Promise<T>,
): Promise<T> {
  const before = (await deeds()).length
  const result = await act()
  const added = (await deeds()).slice(before)
  expect(added.map(({ action }) => action)).toEqual(expected.map(([action]) => action))
  for (const [index, [, subject]] of expected.entries()) expect(added[index]?.subject).toMatch(subject)
  for (const { staff } of added) expect(staff).toBe(1)
  return result
}

async function expectRefused(path: string, body: unknown, code: ErrorCode) {
  const before = await contents(office.db)
  const { body: answer } = await call('POST', `/api/staff${path}`, { token: office.token, body })
  expect([path, answer.error?.code]).toEqual([path, code])
  expect(await contents(office.db)).toEqual(before)
}

/** Done, and done already: the answer is given and nothing at all changes, except that staff looked. */
async function expectNoChange(path: string, body: unknown = {}, ...except: string[]) {
  const before = await contents(office.db, 'viewing', ...except)
  await office.post(path, body)
  expect(await contents(office.db, 'viewing', ...except)).toEqual(before)
}

describe('sites and products', () => {
  it('a site is added once by its name, with its own revenue account', async () => {
    const site = await expectDeeds([['site_added', /^site:/]], () => office.post('/sites', { name: '  Kantinen ' }))
    expect(site).toEqual({ id: 1, name: 'Kantinen' })
    await expectRefused('/sites', { name: 'Kantinen' }, 'name_taken')
    await office.post('/sites', { name: 'Aftenklubben' })
    expect(await office.get('/sites')).toEqual({
      sites: [
        { id: 2, name: 'Aftenklubben' },
        { id: 1, name: 'Kantinen' },
      ],
    })
    const revenue = await office.db.prepare("SELECT site FROM account WHERE kind = 'revenue' ORDER BY site").all()
    expect(revenue.results).toEqual([{ site: 1 }, { site: 2 }])
  })

  it('a product is added, priced and retired, and its name is free again afterwards', async () => {
    const site = await newSite(office)
    const other = await newSite(office, 'Kantinen')
    const toast = await expectDeeds([['product_added', 'product:1']], () =>
      office.post('/products', { site, name: 'Toast', price: 2500 }),
    )
    expect(toast).toEqual({ id: 1, site, name: 'Toast', price: 2500, category: 'other', retiredAt: null, later: [] })
    await expectRefused('/products', { site, name: 'Toast', price: 100 }, 'name_taken')
    await expectRefused('/products', { site: 99, name: 'Toast', price: 100 }, 'site_unknown')
    await office.post('/products', { site: other, name: 'Toast', price: 3000 })

    const dearer = await expectDeeds([['product_priced', 'product:1']], () =>
      office.post('/products/1/price', { price: 2800 }),
    )
    expect(dearer).toMatchObject({ id: 1, price: 2800 })
    await expectNoChange('/products/1/price', { price: 2800 })

    const food = await expectDeeds([['product_categorised', 'product:1']], () =>
      office.post('/products/1/category', { category: 'food' }),
    )
    expect(food).toMatchObject({ id: 1, price: 2800, category: 'food' })
    await expectNoChange('/products/1/category', { category: 'food' })
    expect(await office.post('/products', { site, name: 'Perler', price: 100, category: 'material' })).toMatchObject({
      category: 'material',
    })
    await office.post('/products/3/retire')

    expect(await office.get('/products')).toMatchObject({ products: [{ price: 2800 }, { price: 3000 }] })
    const retired = await expectDeeds([['product_retired', 'product:1']], () => office.post('/products/1/retire'))
    expect(retired).toMatchObject({ id: 1, retiredAt: expect.any(Number) })
    expect(await office.get(`/products?site=${site}`)).toEqual({ products: [] })
    await expectRefused('/products/1/retire', {}, 'product_unknown')
    await expectRefused('/products/1/price', { price: 100 }, 'product_unknown')
    await expectRefused('/products/99/price', { price: 100 }, 'product_unknown')
    await expectRefused('/products/1/category', { category: 'drink' }, 'product_unknown')
    expect(await office.post('/products', { site, name: 'Toast', price: 2600 })).toMatchObject({ id: 4, price: 2600 })
  })
})

describe('children and cards', () => {
  it('a child comes with a wallet, is found by a part of its name, and shows balance and cards', async () => {
    const ida = await expectDeeds([['child_added', /^account:\d+$/]], () =>
      office.post<{ id: number; account: number }>('/children', { name: 'Ida Møller', dailyLimit: 5000 }),
    )
    await office.post('/children', { name: 'Emil' })
    const card = await office.post<{ id: number }>('/cards', { child: ida.id, uid: '04A1B2C3D4E5F6' })
    await office.post(`/accounts/${ida.account}/credit`, { id: newSale(), amount: 7550, reason: 'gave cash' })

    const shown = Child.parse(await office.get(`/children/${ida.id}`))
    expect(shown).toMatchObject({
      id: ida.id,
      name: 'Ida Møller',
      account: ida.account,
      balance: 7550,
      dailyLimit: 5000,
      cards: [{ id: card.id, status: 'active' }],
    })
    const found = async (name: string) =>
      (await office.get<{ children: { name: string }[] }>(`/children?name=${name}`)).children.map((each) => each.name)
    expect(await found('ida')).toEqual(['Ida Møller'])
    expect(await found('')).toEqual(['Emil', 'Ida Møller'])
    expect(await found('%25')).toEqual([])
    expect(await found("'--")).toEqual([])
    const audit = JSON.stringify(await deeds())
    for (const name of ['Ida', 'Møller', 'Emil']) expect(audit).not.toContain(name)
  })

  it('children are listed 200 at a time, and whoever asks is told that there are more', async () => {
    const many = 'WITH RECURSIVE many(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 201)'
    await office.db.batch([
      office.db.prepare(
        `INSERT INTO child (id, name, created_at) ${many} SELECT n, printf('Barn %03d', n), 0 FROM many`,
      ),
      office.db.prepare("INSERT INTO account (kind, floor, child) SELECT 'wallet', 0, id FROM child"),
    ])
    const page = async (offset: number) => Children.parse(await office.get(`/children?name=barn&offset=${offset}`))
    const seen = () => office.db.prepare('SELECT count(*) FROM viewing').first<number>('count(*)')
    const first = await page(0)
    expect([first.children.length, first.more, await seen()]).toEqual([200, true, 200])
    expect(await page(200)).toMatchObject({ children: [{ name: 'Barn 201' }], more: false })
    expect(await seen()).toBe(201)
  })

  it('a card belongs to one child for good, and its UID is found nowhere', async () => {
    const log: unknown[] = []
    for (const level of ['info', 'error'] as const)
      vi.spyOn(console, level).mockImplementation((...line) => log.push(line))
    const ida = await office.post<{ id: number }>('/children', { name: 'Ida' })
    const emil = await office.post<{ id: number }>('/children', { name: 'Emil' })
    const uids = ['04a1b2c3d4e5f6', 'deadbeef', '0102030405060708090a']
    for (const uid of uids) {
      await expectDeeds([['card_added', /^card:\d+$/]], () => office.post('/cards', { child: ida.id, uid }))
      await expectRefused('/cards', { child: ida.id, uid: uid.toUpperCase() }, 'card_taken')
      await expectRefused('/cards', { child: emil.id, uid }, 'card_taken')
    }
    await expectRefused('/cards', { child: 99, uid: '04ffffffffffff' }, 'child_unknown')
    await expectRefused('/cards', { child: ida.id, uid: '08a1b2c3' }, 'uid_random')

    const everything = JSON.stringify([await contents(office.db), await contents(env.DB_7620), log]).toLowerCase()
    expect(log.length).toBeGreaterThan(uids.length)
    for (const uid of uids) {
      const bytes = Uint8Array.from(uid.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
      const backwards = (uid.match(/../g) ?? []).reverse().join('')
      const spellings = [uid, backwards, uid.match(/../g)?.join(':') ?? '', base64url(bytes), bytes.join(',')]
      for (const spelling of [...spellings, BigInt(`0x${uid}`).toString()]) {
        expect(everything).not.toContain(spelling.toLowerCase())
      }
      expect(everything).toContain((await cardHash(await cardKeyOf(env.MASTER_KEY, 4000), bytes)).toLowerCase())
    }
    expect(everything).not.toContain(office.token.toLowerCase())
    expect(everything).not.toContain(env.SETUP_KEY)
  })

  it('one UID has another hash in another municipality', async () => {
    const bytes = fromBase64url('BKGyw9Tl9g')
    const [here, there] = await Promise.all(
      [4000, 7620].map(async (number) => cardHash(await cardKeyOf(env.MASTER_KEY, number), bytes)),
    )
    expect(here).toMatch(/^[\w-]{43}$/)
    expect(here).not.toBe(there)
  })

  it('a card is blocked and activated, again is no change, and a closed one stays closed', async () => {
    const { card } = await cardHolder(office)
    const [block, activate] = [`/cards/${card}/block`, `/cards/${card}/activate`]
    await expectNoChange(activate)
    expect(await expectDeeds([['card_blocked', `card:${card}`]], () => office.post(block))).toMatchObject({
      id: card,
      status: 'blocked',
    })
    await expectNoChange(block)
    expect(await expectDeeds([['card_active', `card:${card}`]], () => office.post(activate))).toMatchObject({
      status: 'active',
    })
    await office.db.prepare("UPDATE card SET status = 'closed' WHERE id = ?").bind(card).run()
    await expectRefused(block, {}, 'card_closed')
    await expectRefused(activate, {}, 'card_closed')
  })
})

describe('guardianships', () => {
  const CPR = '0101575001' // A birth date in 2057: it is nobody's.
  type Linked = { guardians: number }
  const hashes = async () =>
    (await office.db.prepare('SELECT cpr_hash AS hash, ended_at AS endedAt FROM guardianship ORDER BY rowid').all())
      .results

  it('a guardian is linked once, unlinked, and linked again', async () => {
    const { child } = await cardHolder(office)
    const [add, end] = [`/children/${child}/guardians`, `/children/${child}/guardians/end`]
    const link = (path: string, action: string, cpr = CPR) =>
      expectDeeds([[action, `child:${child}`]], () => office.post<Linked>(path, { cpr }))
    /** What changes nothing is recorded as well, or a CPR number could be tried in secret. */
    const linkInVain = async (path: string, action: string, cpr = CPR) => {
      await expectNoChange(path, { cpr }, 'audit')
      await link(path, action, cpr)
      expect((await deeds()).slice(-2).map(({ detail }) => detail)).toEqual(Array(2).fill('{"changed":false}'))
    }
    await linkInVain(end, 'guardianship_ended')
    expect(await link(add, 'guardianship_added')).toMatchObject({ id: child, guardians: 1 })
    expect((await deeds()).at(-1)?.detail).toBe('{"changed":true}')
    await linkInVain(add, 'guardianship_added', '010157-5001')
    expect(await office.post<Linked>(add, { cpr: '0201575002' })).toMatchObject({ guardians: 2 })
    expect(await link(end, 'guardianship_ended')).toMatchObject({ guardians: 1 })
    expect(await office.get(`/children/${child}`)).toMatchObject({ guardians: 1 })
    await linkInVain(end, 'guardianship_ended')
    expect(await link(add, 'guardianship_added')).toMatchObject({ guardians: 2 })
    expect(await hashes()).toEqual([
      { hash: await cprHash(env.MASTER_KEY, 4000, CPR), endedAt: null },
      { hash: await cprHash(env.MASTER_KEY, 4000, '0201575002'), endedAt: null },
    ])
    await expectRefused('/children/99/guardians', { cpr: CPR }, 'child_unknown')
    await expectRefused('/children/99/guardians/end', { cpr: CPR }, 'child_unknown')
  })

  it('a CPR number is found nowhere, whatever becomes of it', async () => {
    const log: unknown[] = []
    for (const level of ['info', 'error', 'warn', 'log'] as const)
      vi.spyOn(console, level).mockImplementation((...line) => log.push(line))
    const { child } = await cardHolder(office)
    const answers: unknown[] = []
    for (const path of [`/children/${child}/guardians`, `/children/${child}/guardians/end`, '/children/99/guardians']) {
      for (const cpr of [CPR, '010157-5001', '310257-5001', { number: CPR }]) {
        answers.push(await call('POST', `/api/staff${path}`, { token: office.token, body: { cpr } }))
      }
    }
    const everything = JSON.stringify([await contents(office.db), log, answers])
    expect(log.length).toBeGreaterThanOrEqual(12)
    expect(everything).toContain('guardianship_added')
    for (const part of [CPR, '010157-', '310257-', '7-5001']) expect(everything).not.toContain(part)
  })

  it('one CPR number has another hash in another municipality', async () => {
    const [here, there] = await Promise.all([4000, 7620].map((number) => cprHash(env.MASTER_KEY, number, CPR)))
    expect(here).toMatch(/^[\w-]{43}$/)
    expect(here).not.toBe(there)
  })
})

describe('a credit', () => {
  it('moves once per id, and the same id for something else is refused', async () => {
    const ida = await cardHolder(office)
    const emil = await cardHolder(office)
    const credit = { id: newSale(), amount: 4500, reason: 'tabt kort' }
    const path = `/accounts/${ida.account}/credit`

    const first = await expectDeeds([['account_credited', `account:${ida.account}`]], () => office.post(path, credit))
    expect(first).toEqual({ transfer: `correction:${credit.id}`, balance: 4500 })
    await expectNoChange(path, credit)
    await expectRefused(path, { ...credit, amount: 4501 }, 'transfer_conflict')
    await expectRefused(path, { ...credit, reason: 'another' }, 'transfer_conflict')
    await expectRefused(`/accounts/${emil.account}/credit`, credit, 'transfer_conflict')

    await office.post(path, { ...credit, id: newSale() })
    expect(await office.get(`/accounts/${ida.account}`)).toMatchObject({
      child: { id: ida.child, name: 'Ida' },
      balance: 9000,
      spentToday: 0,
      movements: [
        { seq: 2, amount: 4500, balance: 9000, kind: 'correction', reason: 'tabt kort' },
        { seq: 1, amount: 4500, balance: 4500, transfer: first.transfer },
      ],
    })
    expect((await checkLedger(office.db)).violations).toEqual([])
  })

  it('reaches wallets only', async () => {
    await newSite(office)
    const others = await office.db.prepare('SELECT id FROM account WHERE child IS NULL').all<{ id: number }>()
    expect(others.results).toHaveLength(7)
    for (const { id } of others.results) {
      await expectRefused(`/accounts/${id}/credit`, { id: newSale(), amount: 100, reason: 'test' }, 'account_unknown')
    }
  })
})

describe('terminals', () => {
  it('a terminal is added, given a new code, enrolled, heard, and revoked once', async () => {
    const site = await newSite(office)
    const added = await expectDeeds([['terminal_added', /^terminal:/]], () =>
      office.post<{ terminal: string; code: string; expiresAt: number }>('/terminals', { site, name: 'Disken' }),
    )
    expect(added).toMatchObject({ terminal: '4000-1', code: expect.stringMatching(/^([0-9A-HJKMNP-TV-Z]{4}-?){4}$/) })
    expect(added.expiresAt - Date.now()).toBeGreaterThan(14 * 60_000)
    expect(JSON.stringify(await contents(office.db))).not.toContain(added.code)
    await expectRefused('/terminals', { site, name: 'Disken' }, 'name_taken')
    await expectRefused('/terminals', { site: 99, name: 'Baren' }, 'site_unknown')
    const renewed = await expectDeeds([['terminal_code', 'terminal:4000-1']], () =>
      office.post<{ code: string }>('/terminals/4000-1/code'),
    )
    expect(renewed.code).not.toBe(added.code)

    const terminal = await enrolledTerminal(office, site, 'Baren')
    const { hash } = await cardHolder(office, { credit: 1000 })
    await terminal.send(await terminal.say('request', { card: hash, amount: 1000 }))
    await call('GET', '/api/terminal/sync?since=1', { token: await terminal.proof('/api/terminal/sync') })
    expect(await office.get('/terminals')).toEqual({
      terminals: [
        {
          ...{ id: '4000-1', site, name: 'Disken', state: 'waiting', lastSeq: 0, lastSeenAt: null },
          ...{ cardListVersion: null, listedAt: null, software: null, quarantined: 0, ...NOTHING_TOLD },
        },
        {
          ...{ id: '4000-2', site, name: 'Baren', state: 'enrolled', lastSeq: 1, cardListVersion: 1 },
          ...{
            lastSeenAt: expect.any(Number),
            listedAt: expect.any(Number),
            software: null,
            quarantined: 0,
            ...NOTHING_TOLD,
          },
        },
      ],
    })

    expect(
      await expectDeeds([['terminal_revoked', 'terminal:4000-2']], () => office.post('/terminals/4000-2/revoke')),
    ).toMatchObject({ id: '4000-2', state: 'revoked' })
    await expectNoChange('/terminals/4000-2/revoke')
    await expectRefused('/terminals/4000-2/code', {}, 'code_used')
  })

  it('an enrolment is in the audit log, by nobody of the staff', async () => {
    await enrolledTerminal(office, await newSite(office), 'Disken')
    expect((await deeds()).at(-1)).toMatchObject({
      action: 'terminal_enrolled',
      subject: 'terminal:4000-1',
      staff: null,
    })
  })
})

describe('what a terminal reads', () => {
  let site: number
  let terminal: EnrolledTerminal

  beforeEach(async () => {
    site = await newSite(office)
    terminal = await enrolledTerminal(office, site, 'Disken')
  })

  const sync = async (since: number) => {
    const proof = await terminal.proof('/api/terminal/sync')
    const { body } = await call('GET', `/api/terminal/sync?since=${since}`, { token: proof, door: SELF })
    return SyncAnswer.parse(body)
  }

  const hashOf = (n: number) => `card-${n}`.padEnd(43, '_')
  /** Cards numbered from 1, whose versions are their numbers. */
  async function manyCards(count: number) {
    const { account } = await office.post<{ account: number }>('/children', { name: 'Ida' })
    await office.db
      .prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         INSERT INTO card (id, hash, account, status, version, created_at)
         SELECT i, substr('card-' || i || '___________________________________________', 1, 43), ?1, 'active', i, 0 FROM n`,
      )
      .bind(account, count)
      .run()
  }

  it('all cards come by pages, each card once, then nothing more', async () => {
    const count = 2 * CARDS_PER_PAGE + 1
    await manyCards(count)

    const first = await sync(0)
    const second = await sync(first.version)
    const third = await sync(second.version)
    const fourth = await sync(third.version)

    expect([first, second, third, fourth].map(({ more, restart }) => [more, restart])).toEqual([
      [true, false],
      [true, false],
      [false, false],
      [false, false],
    ])
    expect([first, second, third].flatMap(({ cards }) => cards.map(({ hash }) => hash))).toEqual(
      Array.from({ length: count }, (_, index) => hashOf(index + 1)),
    )
    expect(fourth).toMatchObject({ cards: [], version: count })
  })

  it('a card that changes between two pages comes with what it has become', async () => {
    await manyCards(CARDS_PER_PAGE + 10)
    const first = await sync(0)
    await office.post('/cards/3/block')
    await office.post(`/cards/${CARDS_PER_PAGE + 5}/block`)

    const second = await sync(first.version)

    expect(first.cards.find(({ hash }) => hash === hashOf(3))).toMatchObject({ status: 'active' })
    expect(second.cards).toHaveLength(11)
    expect(second.cards.slice(-2)).toEqual([
      { hash: hashOf(3), status: 'blocked' },
      { hash: hashOf(CARDS_PER_PAGE + 5), status: 'blocked' },
    ])
    expect(await sync(second.version)).toMatchObject({ cards: [], more: false, restart: false })
  })

  it('a version from the future starts the list anew', async () => {
    await manyCards(CARDS_PER_PAGE + 1)
    const newest = await sync(CARDS_PER_PAGE + 1)
    const future = await sync(CARDS_PER_PAGE + 2)

    expect(newest).toMatchObject({ restart: false, cards: [], version: CARDS_PER_PAGE + 1 })
    expect(future).toMatchObject({ restart: true, more: true, version: CARDS_PER_PAGE })
    expect(future.cards[0]?.hash).toBe(hashOf(1))
  })

  it('an empty list is nothing new at 0 and a new start at any other version', async () => {
    expect(await sync(0)).toMatchObject({ restart: false, more: false, cards: [], version: 0 })
    expect(await sync(7)).toMatchObject({ restart: true, more: false, cards: [], version: 0 })
  })

  it("a sync tells the terminal's name, next number, limits, and its own site's products on sale", async () => {
    const other = await newSite(office, 'Kantinen')
    await office.post('/products', { site, name: 'Toast', price: 2500 })
    await office.post('/products', { site, name: 'Cola', price: 1200 })
    await office.post('/products', { site: other, name: 'Suppe', price: 3000 })
    await office.post('/products', { site, name: 'Slik', price: 500 })
    await office.post('/products/4/retire')
    const { hash } = await cardHolder(office)
    await terminal.send(await terminal.say('request', { card: hash, amount: 1000 }))

    expect(await sync(0)).toMatchObject({
      terminal: { id: terminal.id, name: 'Disken', site: 'Ungdomsklubben' },
      nextSeq: 2,
      cards: [{ hash, status: 'active' }],
      products: [
        { id: 2, name: 'Cola', price: 1200 },
        { id: 1, name: 'Toast', price: 2500 },
      ],
      limits: {
        saleMax: 5000,
        cardSumMax: 10_000,
        unsentCountMax: 2000,
        unsentSumMax: 2_000_000,
        listAgeMaxMs: 86_400_000,
      },
    })
    expect(Math.abs((await sync(0)).time - Date.now())).toBeLessThan(10_000)
  })

  it('a card shows its status and balance, and one that nobody has is unknown', async () => {
    const { hash, account, card } = await cardHolder(office)
    const show = async (of: string) => {
      const path = `/api/terminal/cards/${of}`
      return call('GET', path, { token: await terminal.proof(path), door: SELF })
    }
    expect(BalanceAnswer.parse((await show(hash)).body)).toMatchObject({ status: 'active', balance: 0 })
    await office.post(`/accounts/${account}/credit`, { id: newSale(), amount: 3000, reason: 'gave cash' })
    await terminal.send(await terminal.say('advice', { card: hash, amount: 4000 }))
    await office.post(`/cards/${card}/block`)
    expect(BalanceAnswer.parse((await show(hash)).body)).toMatchObject({ status: 'blocked', balance: -1000 })
    expect(await show('x'.repeat(43))).toMatchObject({ status: 404, body: { error: { code: 'card_unknown' } } })
  })

  it("a terminal's card key hashes a UID to the very card that staff gave out", async () => {
    const { hash, uid } = await cardHolder(office)
    const bytes = Uint8Array.from(uid.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
    expect(await cardHash(terminal.cardKey, bytes)).toBe(hash)
  })
})

it('whose token it is, and what the book comes to, can be read', async () => {
  expect(await office.get('/me')).toEqual({
    municipality: 4000,
    municipalityName: 'Kommune 4000',
    staff: 'Astrid',
    role: 'admin',
    sites: null,
    expiresAt: expect.any(Number),
  })
  await cardHolder(office, { credit: 1000 })
  expect(await office.get('/ledger/check')).toEqual({ transfers: 1, postings: 2, messages: 0, violations: [] })
})
