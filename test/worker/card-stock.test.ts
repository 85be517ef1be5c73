import { beforeEach, describe, expect, it } from 'vitest'
import { cardNumber, isMistyped } from '../../shared/card-number.ts'
import { asked, cardsOf, codeOf, firstCard, hashOf, lay, member, newUid, statusOf } from './card-desk.ts'
import {
  cardHolder,
  contents,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSale,
  newSite,
} from './municipality.ts'

let office: Municipality
let club: number

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  club = await newSite(office, 'Æblet')
})

type Batch = {
  id: number
  count: number
  cards: { order: string; number: string; name: string; club: string | null }[]
}
type Answer = { orders: number; blanks: number; unchanged: number; faults: unknown[] }

const rowsOf = (...cards: [number: string, uid: string][]) =>
  cards.map(([number, uid], at) => ({ line: at + 2, number, uid }))
const take = (rows: unknown, more = {}) => office.post<Answer>('/card-stock', { rows, ...more })

/** A child of the club, and its first card on order. */
async function ordered(name: string) {
  const child = await member(office, club, name)
  return { ...child, order: await firstCard(office, child.account, club) }
}

describe('the number of a card', () => {
  it('has a check digit that shows any one digit typed wrong, and any two neighbours but 09 exchanged', () => {
    expect(cardNumber(4000, 1)).toBe('4000-0000014')
    for (const serial of [1, 27, 909, 123_456, 999_999]) {
      const number = cardNumber(4000, serial)
      expect(isMistyped(4000, number)).toBe(false)
      for (let at = '4000-'.length; at < number.length; at += 1) {
        for (let digit = 0; digit < 10; digit += 1) {
          const other = `${number.slice(0, at)}${digit}${number.slice(at + 1)}`
          expect(isMistyped(4000, other), other).toBe(other !== number)
        }
        const [one = '', two = ''] = number.slice(at, at + 2)
        const exchanged = `${number.slice(0, at)}${two}${one}${number.slice(at + 2)}`
        if (one !== two && two !== '' && ![one + two, two + one].includes('09')) {
          expect(isMistyped(4000, exchanged), exchanged).toBe(true)
        }
      }
    }
  })
})

describe('a batch for the producer', () => {
  it('has every order that is paid for, once, with a number on each and where it goes', async () => {
    const ida = await ordered('Ida Prøvebarn')
    const bo = await ordered('Bo Prøvebarn')
    const batch = await office.post<Batch>('/card-batches')
    expect(batch).toMatchObject({
      ...{ id: 1, count: 2, staff: 'Astrid' },
      cards: [
        { order: ida.order, number: '4000-0000014', name: 'Ida Prøvebarn', club: 'Æblet', street: null },
        { order: bo.order, number: '4000-0000022', name: 'Bo Prøvebarn', club: 'Æblet', street: null },
      ],
    })
    expect(codeOf(await asked(office.token, 'POST', '/card-batches'))).toBe('nothing_to_export')
    await ordered('Eva Prøvebarn')
    expect((await office.post<Batch>('/card-batches')).cards.map(({ number }) => number)).toEqual(['4000-0000030'])
  })

  it('is the same whenever it is fetched, whatever the children are called by then', async () => {
    const ida = await ordered('Ida Prøvebarn')
    const batch = await office.post<Batch>('/card-batches')
    await office.db.prepare("UPDATE child SET name = 'En Anden' WHERE id = ?").bind(ida.child).run()
    await office.post(`/orders/${ida.order}/cancel`)
    expect(await office.get('/card-batches/1')).toEqual(batch)
    expect(await office.get('/card-batches')).toMatchObject({ batches: [{ id: 1, count: 1 }] })
    expect(codeOf(await asked(office.token, 'GET', '/card-batches/2'))).toBe('batch_unknown')
  })

  it('leaves out what comes from the stack, what has ended, and what nobody has paid for', async () => {
    const one = await ordered('Ida Prøvebarn')
    await office.post(`/orders/${one.order}/cancel`)
    const two = await ordered('Bo Prøvebarn')
    await office.db.prepare("UPDATE card_order SET cause = 'same_day' WHERE id = ?").bind(two.order).run()
    const three = await ordered('Eva Prøvebarn')
    await office.db.prepare("UPDATE card_order SET status = 'unpaid' WHERE id = ?").bind(three.order).run()
    expect(codeOf(await asked(office.token, 'POST', '/card-batches'))).toBe('nothing_to_export')
  })

  it('that is made twice at once has each order in one batch, under one number', async () => {
    for (let count = 0; count < 6; count += 1) await ordered(`Barn ${count}`)
    const made = await Promise.all([1, 2, 3].map(() => asked(office.token, 'POST', '/card-batches')))
    expect(made.map(codeOf).sort()).toEqual([null, 'nothing_to_export', 'nothing_to_export'].sort())
    const { results } = await office.db.prepare('SELECT batch, number FROM card_order').all<{ number: string }>()
    expect(new Set(results.map(({ number }) => number)).size).toBe(6)
    const audited = office.db.prepare("SELECT count(*) AS n FROM audit WHERE action = 'card_batch_made'")
    expect(await audited.first('n')).toBe(1)
  })
})

describe("the producer's list", () => {
  it('makes orders produced and the rest the stack, and is no change a second time', async () => {
    const ida = await ordered('Ida Prøvebarn')
    const [card] = (await office.post<Batch>('/card-batches')).cards
    const rows = rowsOf([card?.number ?? '', newUid()], ['BLANK-1', newUid()], ['BLANK-2', newUid()])
    expect(await take(rows, { dry: true })).toEqual({ orders: 1, blanks: 2, unchanged: 0, faults: [] })
    expect(await statusOf(office, ida.order)).toBe('ordered')
    expect(await take(rows)).toEqual({ orders: 1, blanks: 2, unchanged: 0, faults: [] })
    expect(await statusOf(office, ida.order)).toBe('produced')
    const before = await contents(office.db)
    expect(await take(rows)).toEqual({ orders: 0, blanks: 0, unchanged: 3, faults: [] })
    expect(await contents(office.db)).toEqual(before)
    expect(await office.get('/card-stock')).toEqual({ blanks: 2, produced: 1 })
  })

  it('keeps no UID anywhere, and tells none', async () => {
    const uid = '04deadbeef4711'
    const answers = [await take(rowsOf(['B-1', uid])), await take(rowsOf(['B-2', uid])), await take(rowsOf(['', 'x']))]
    const everything = JSON.stringify([await contents(office.db), answers]).toLowerCase()
    expect(everything).not.toContain('deadbeef')
    expect(everything).toContain((await hashOf(uid)).toLowerCase())
  })

  it('with any bad row is not taken at all, and says which, where and why', async () => {
    const holder = await cardHolder(office)
    const [known, twice] = [newUid(), newUid()]
    await take(rowsOf(['B-1', known]))
    const before = await contents(office.db)
    const answer = await take(
      rowsOf(
        ['B-2', newUid()], // 2: a good one
        ['B-1', newUid()], // 3
        ['B-3', known], // 4
        ['B-4', holder.uid], // 5
        ['B-5', twice], // 6: a good one
        ['B-6', twice.toUpperCase()], // 7
        ['B-2', newUid()], // 8
        ['B-7', 'zz112233'], // 9
        ['B-8', '08112233'], // 10
        ['=1+1', newUid()], // 11
        ['4000-0000018', newUid()], // 12: its check digit is 4
      ),
    )
    expect(answer.faults).toEqual([
      { line: 3, column: 'number', reason: 'number_taken' },
      { line: 4, column: 'uid', reason: 'uid_taken' },
      { line: 5, column: 'uid', reason: 'uid_in_use' },
      { line: 7, column: 'uid', reason: 'uid_repeated' },
      { line: 8, column: 'number', reason: 'number_repeated' },
      { line: 9, column: 'uid', reason: 'uid_malformed' },
      { line: 10, column: 'uid', reason: 'uid_random' },
      { line: 11, column: 'number', reason: 'number_malformed' },
      { line: 12, column: 'number', reason: 'number_mistyped' },
    ])
    expect(await contents(office.db)).toEqual(before)
  })

  it('with a row that only the stack or a child contradicts is not taken at all either', async () => {
    const holder = await cardHolder(office)
    await take(rowsOf(['B-1', newUid()]))
    const before = await contents(office.db)
    expect((await take(rowsOf(['B-2', newUid()], ['B-1', newUid()]))).faults).toHaveLength(1)
    expect((await take(rowsOf(['B-2', newUid()], ['B-3', holder.uid]))).faults).toHaveLength(1)
    expect(await contents(office.db)).toEqual(before)
  })

  it('cannot give an order that is produced another card', async () => {
    const ida = await ordered('Ida Prøvebarn')
    const number = (await office.post<Batch>('/card-batches')).cards[0]?.number ?? ''
    const uid = newUid()
    await take(rowsOf([number, uid]))
    expect((await take(rowsOf([number, newUid()]))).faults).toEqual([
      { line: 2, column: 'number', reason: 'number_taken' },
    ])
    expect((await office.post<{ status: string }>(`/orders/${ida.order}/hand-out`, {})).status).toBe('handed_out')
    expect(await cardsOf(office, ida.account)).toMatchObject([{ hash: await hashOf(uid) }])
    expect(await take(rowsOf([number, uid]))).toMatchObject({ unchanged: 1, faults: [] })
  })

  it('two of which arrive at once: each number has one card', async () => {
    const lists = Array.from({ length: 5 }, () => rowsOf(['B-1', newUid()], ['B-2', newUid()]))
    const answers = await Promise.all(lists.map((rows) => take(rows)))
    expect(answers.filter(({ faults }) => faults.length === 0)).toHaveLength(1)
    const count = office.db.prepare('SELECT count(*) AS n FROM card_stock')
    expect(await count.first('n')).toBe(2)
  })

  it('of an order that was cancelled keeps its card from everybody else', async () => {
    const ida = await ordered('Ida Prøvebarn')
    const number = (await office.post<Batch>('/card-batches')).cards[0]?.number ?? ''
    await office.post(`/orders/${ida.order}/cancel`)
    const uid = newUid()
    await take(rowsOf([number, uid]))
    expect(await statusOf(office, ida.order)).toBe('cancelled')
    const bo = await ordered('Bo Prøvebarn')
    expect(codeOf(await asked(office.token, 'POST', `/orders/${bo.order}/hand-out`, { uid }))).toBe('card_taken')
  })

  it('keeps a card that was made for an order from whoever is given a card by hand', async () => {
    const ida = await ordered('Ida Prøvebarn')
    const number = (await office.post<Batch>('/card-batches')).cards[0]?.number ?? ''
    const [uid, blank] = [newUid(), newUid()]
    await take(rowsOf([number, uid], ['BLANK-1', blank]))
    const bo = await member(office, club, 'Bo Prøvebarn')
    for (const child of [bo.child, ida.child]) {
      expect(codeOf(await asked(office.token, 'POST', '/cards', { child, uid }))).toBe('card_taken')
    }
    expect((await asked(office.token, 'POST', '/cards', { child: bo.child, uid: blank })).status).toBe(200)
    expect((await office.post<{ status: string }>(`/orders/${ida.order}/hand-out`, {})).status).toBe('handed_out')
  })

  it('has at most 10,000 rows, however long each is, and is stored whole or not at all', async () => {
    const serial = (at: number) => String(at).padStart(8, '0')
    const list = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        line: at + 2,
        number: `B-${'0'.repeat(30)}${serial(from + at)}`,
        uid: `04a1b2c3d4e5${serial(from + at)}`,
      }))
    const rows = list(0, 10_000)
    const before = await contents(office.db)
    expect(codeOf(await asked(office.token, 'POST', '/card-stock', { rows: list(0, 10_001) }))).toBe('malformed')
    const twice = [...rows.slice(0, -1), { line: 10_001, number: 'B-1', uid: rows[0]?.uid }]
    expect((await take(twice)).faults).toEqual([{ line: 10_001, column: 'uid', reason: 'uid_repeated' }])
    expect(await contents(office.db)).toEqual(before)
    expect(await take(rows)).toEqual({ orders: 0, blanks: 10_000, unchanged: 0, faults: [] })
    expect(await take(rows)).toEqual({ orders: 0, blanks: 0, unchanged: 10_000, faults: [] })
    const answer = await take([...list(10_000, 9_999), { line: 10_001, number: 'B-1', uid: rows[0]?.uid }])
    expect(answer.faults).toEqual([{ line: 10_001, column: 'uid', reason: 'uid_taken' }])
    expect(await office.get('/card-stock')).toEqual({ blanks: 10_000, produced: 0 })
  })

  it('that is long and arrives twice at once is stored once', async () => {
    const rows = Array.from({ length: 2_000 }, (_, at) => ({ line: at + 2, number: `B-${at}`, uid: newUid() }))
    const answers = await Promise.all([take(rows), take(rows)])
    expect(answers.map(({ blanks, unchanged }) => [blanks, unchanged]).sort()).toEqual([
      [0, 2_000],
      [2_000, 0],
    ])
    expect(await office.get('/card-stock')).toEqual({ blanks: 2_000, produced: 0 })
  })
})

describe('what was made', () => {
  it("is handed out by a tap: the order's own card, or a blank", async () => {
    const terminal = await enrolledTerminal(office, club, 'Disken')
    const [ida, bo] = [await ordered('Ida Prøvebarn'), await ordered('Bo Prøvebarn')]
    const number = (await office.post<Batch>('/card-batches')).cards[0]?.number ?? ''
    const [own, blank] = [newUid(), newUid()]
    await take(rowsOf([number, own], ['BLANK-1', blank]))
    for (const [{ order }, uid] of [
      [ida, own],
      [bo, blank],
    ] as const) {
      await office.post('/hand-outs', { id: newSale(), order, terminal: terminal.id })
      expect(await lay(terminal, uid)).toMatchObject({ status: 200, body: { status: 'active', balance: 0 } })
      expect(await statusOf(office, order)).toBe('handed_out')
    }
    expect(await office.get('/card-stock')).toEqual({ blanks: 0, produced: 0 })
  })

  it('and is not known cannot be handed out unseen', async () => {
    const ida = await ordered('Ida Prøvebarn')
    await office.post('/card-batches')
    expect(codeOf(await asked(office.token, 'POST', `/orders/${ida.order}/hand-out`, {}))).toBe('card_not_produced')
  })
})
