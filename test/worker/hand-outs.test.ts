import { beforeEach, describe, expect, it, vi } from 'vitest'
import { HAND_OUT_WAITS_MS, openHandOut } from '../../worker/cards/hand-outs.ts'
import { sweep } from '../../worker/sweep.ts'
import {
  asked,
  cardsOf,
  clubToken,
  codeOf,
  expectSound,
  firstCard,
  hashOf,
  lay,
  member,
  newUid,
  statusOf,
} from './card-desk.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  contents,
  type EnrolledTerminal,
  enrolledTerminal,
  type Municipality,
  newSale,
  newSite,
  oneSite,
  pay,
} from './municipality.ts'

let office: Municipality
let club: number
let terminal: EnrolledTerminal
let ida: { child: number; account: number }
let order: string

beforeEach(async () => {
  vi.useRealTimers()
  ;({ office, site: club, terminal } = await oneSite('Æblet'))
  ida = await member(office, club, 'Ida Prøvebarn')
  await pay(office, ida.account, 2_500)
  order = await firstCard(office, ida.account, club)
})

type HandOut = { id: string; status: string; reason: string | null; card: number | null }
const open = (more: Record<string, unknown> = {}, token = office.token) =>
  asked(token, 'POST', '/hand-outs', { id: newSale(), order, terminal: terminal.id, ...more })
async function opened(more: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await open(more)
  expect(status, JSON.stringify(body)).toBe(200)
  return String(body.id)
}
const seen = (id: string) => office.get<HandOut>(`/hand-outs/${id}`)

/** A replacement that a guardian has paid for, and the card that is lost. */
async function replacement(holder: CardHolder): Promise<string> {
  const id = newSale()
  const guardian = await office.db
    .prepare(
      `INSERT INTO guardian (issuer, subject, language, created_at, logged_in_at) VALUES ('i', ?, 'da', 1, 1) RETURNING id`,
    )
    .bind(id)
    .first<number>('id')
  await office.db
    .prepare(
      `INSERT INTO card_order (id, account, cause, guardian, lost_card, club, fee, paid_from, status, created_at, ordered_at)
       VALUES (?1, ?2, 'replacement', ?3, ?4, ?5, 0, 'account', 'ordered', 1, 1)`,
    )
    .bind(id, holder.account, guardian, holder.card, club)
    .run()
  return id
}

describe('a card that is laid on the terminal of a hand-out', () => {
  it("becomes the child's, and the till shows the child's balance", async () => {
    const id = await opened()
    expect(await seen(id)).toMatchObject({ status: 'waiting', card: null })
    const uid = newUid()
    const shown = { status: 'active', balance: 2_500 }
    expect(await lay(terminal, uid)).toMatchObject({ status: 200, body: { ...shown, handedOut: true } })
    expect((await lay(terminal, uid)).body).toEqual({ ...shown, time: expect.any(Number) })
    const [card] = await cardsOf(office, ida.account)
    expect(card).toMatchObject({ status: 'active', hash: await hashOf(uid) })
    expect(await seen(id)).toMatchObject({ status: 'done', reason: null, card: card?.id })
    expect(await statusOf(office, order)).toBe('handed_out')
    const sale = await terminal.send(await terminal.say('request', { card: await hashOf(uid), amount: 500 }))
    expect(sale.body.results).toMatchObject([{ outcome: 'approved', balance: 2_000 }])
    await expectSound(office)
  })

  it('is bound by whoever opened the hand-out, and the audit log says so', async () => {
    const token = await clubToken(office, 'Karla Prøveklub', club)
    expect((await open({}, token)).status).toBe(200)
    await lay(terminal, newUid())
    const { results } = await office.db
      .prepare(
        `SELECT action, staff_token.name FROM audit JOIN staff_token ON staff_token.id = audit.staff
         WHERE action IN ('hand_out_opened', 'card_added', 'card_order_handed_out') ORDER BY audit.id`,
      )
      .all()
    expect(results).toEqual(
      ['hand_out_opened', 'card_added', 'card_order_handed_out'].map((action) => ({ action, name: 'Karla Prøveklub' })),
    )
  })

  it('closes the card that is lost', async () => {
    const bo = await cardHolder(office, { name: 'Bo Prøvebarn', credit: 100 })
    const id = await opened({ order: await replacement(bo) })
    expect(await lay(terminal, newUid())).toMatchObject({ body: { status: 'active', balance: 100 } })
    expect(await seen(id)).toMatchObject({ status: 'done' })
    expect((await cardsOf(office, bo.account)).map(({ status }) => status)).toEqual(['closed', 'active'])
  })

  it('is only the next one: the card after it is shown as ever', async () => {
    await opened()
    await lay(terminal, newUid())
    expect(codeOf(await lay(terminal, newUid()))).toBe('card_unknown')
    expect(await cardsOf(office, ida.account)).toHaveLength(1)
  })

  it('is bound to nobody at another terminal', async () => {
    const other = await enrolledTerminal(office, club, 'Baren')
    const id = await opened()
    expect(codeOf(await lay(other, newUid()))).toBe('card_unknown')
    expect(await seen(id)).toMatchObject({ status: 'waiting' })
  })

  it('is found by its child as well', async () => {
    const id = await opened({ order: undefined, child: ida.child })
    await lay(terminal, newUid())
    expect(await seen(id)).toMatchObject({ status: 'done' })
  })

  it.each([
    [
      'belongs to somebody else',
      'card_taken',
      async () => (await cardHolder(office, { name: 'Bo', credit: 700 })).uid,
      700,
    ],
    [
      'is the lost one itself',
      'card_own',
      async () => {
        const uid = newUid()
        await office.db.prepare("UPDATE card_order SET status = 'produced'").run() // Else the card spares the order.
        await office.post('/cards', { child: ida.child, uid })
        return uid
      },
      2_500,
    ],
    [
      'is closed',
      'card_closed',
      async () => {
        const bo = await cardHolder(office, { name: 'Bo', credit: 300 })
        await office.db.prepare("UPDATE card SET status = 'closed' WHERE id = ?").bind(bo.card).run()
        return bo.uid
      },
      300,
    ],
    [
      'was made for another order',
      'card_of_other_order',
      async () => {
        const bo = await member(office, club, 'Bo Prøvebarn')
        const other = await firstCard(office, bo.account, club)
        await office.db.prepare("UPDATE card_order SET number = '4000-X' WHERE id = ?").bind(other).run()
        const uid = newUid()
        await office.post('/card-stock', { rows: [{ line: 2, number: '4000-X', uid }] })
        return uid
      },
      null,
    ],
  ] as const)('and %s is refused with the reason, and nothing changes but that', async (_, reason, card, balance) => {
    const uid = await card()
    const id = await opened()
    const before = await contents(office.db, 'hand_out')
    const shown = await lay(terminal, uid)
    if (balance === null) expect(codeOf(shown)).toBe('card_unknown')
    else expect(shown.body).toEqual({ status: expect.any(String), balance, time: expect.any(Number) })
    expect(await seen(id)).toMatchObject({ status: 'refused', reason, card: null })
    expect(await contents(office.db, 'hand_out')).toEqual(before)
  })

  it('too late is bound to nobody', async () => {
    const staff = { id: 1, sites: null }
    const id = newSale()
    const past = Date.now() - HAND_OUT_WAITS_MS
    await openHandOut(office.db, { id, order, terminal: terminal.id }, staff, past)
    expect(codeOf(await lay(terminal, newUid()))).toBe('card_unknown')
    expect(await seen(id)).toMatchObject({ status: 'expired' })
    await sweep(office.db, Date.now())
    expect(await seen(id)).toMatchObject({ status: 'expired', reason: null })
    const next = await opened()
    await lay(terminal, newUid())
    expect(await seen(next)).toMatchObject({ status: 'done' })
  })

  it('is bound to nobody when the child has left, or the order is cancelled, meanwhile', async () => {
    const id = await opened()
    await office.post(`/children/${ida.child}/leave`)
    expect(codeOf(await lay(terminal, newUid()))).toBe('card_unknown')
    expect(await seen(id)).toMatchObject({ status: 'refused', reason: 'child_left' })
    const bo = await member(office, club, 'Bo Prøvebarn')
    const other = await firstCard(office, bo.account, club)
    const second = await opened({ order: other })
    await office.post(`/orders/${other}/cancel`)
    await lay(terminal, newUid())
    expect(await seen(second)).toMatchObject({ status: 'refused', reason: 'order_ended' })
    expect(await cardsOf(office, bo.account)).toEqual([])
  })
})

describe('a hand-out', () => {
  it('is opened once for each id, and another one at the terminal cancels the first', async () => {
    const id = newSale()
    const first = await open({ id })
    expect(await open({ id })).toEqual(first)
    const bo = await member(office, club, 'Bo Prøvebarn')
    const second = await opened({ order: await firstCard(office, bo.account, club) })
    expect(await seen(id)).toMatchObject({ status: 'cancelled' })
    await lay(terminal, newUid())
    expect(await seen(second)).toMatchObject({ status: 'done' })
    expect(await cardsOf(office, ida.account)).toEqual([])
  })

  it('is cancelled for good, and one that is done stays done', async () => {
    const id = await opened()
    expect(await office.post(`/hand-outs/${id}/cancel`)).toMatchObject({ status: 'cancelled' })
    expect(codeOf(await lay(terminal, newUid()))).toBe('card_unknown')
    const done = await opened()
    await lay(terminal, newUid())
    expect(await office.post(`/hand-outs/${done}/cancel`)).toMatchObject({ status: 'done' })
  })

  it('is refused where there is nothing to hand out, or no terminal in use to hand it out at', async () => {
    expect(codeOf(await open({ order: newSale() }))).toBe('order_unknown')
    expect(codeOf(await open({ terminal: '4000-999' }))).toBe('not_found')
    const spare = await office.post<{ terminal: string }>('/terminals', { site: club, name: 'Uden nøgle' })
    expect(codeOf(await open({ terminal: spare.terminal }))).toBe('not_found')
    const copied = await enrolledTerminal(office, club, 'Kopieret')
    await office.db.prepare('UPDATE terminal SET stopped_at = 1 WHERE id = ?').bind(copied.id).run()
    expect(codeOf(await open({ terminal: copied.id }))).toBe('not_found') // Its taps are not listened to.
    expect(codeOf(await open({ child: ida.child }))).toBe('malformed') // The order and the child.
    await office.post(`/orders/${order}/hand-out`, { uid: newUid() })
    expect(codeOf(await open())).toBe('order_ended')
    expect(codeOf(await open({ order: undefined, child: ida.child }))).toBe('order_unknown')
  })

  it('is refused at a terminal where each card buys something, for as long as that says so', async () => {
    const path = '/api/terminal/sync'
    const sync = async (query: string) => {
      const { status } = await call('GET', `${path}${query}`, { token: await terminal.proof(path) })
      expect(status).toBe(200)
    }
    await sync('?fixedPrice=3')
    expect(codeOf(await open())).toBe('terminal_unfit')
    expect(codeOf(await open({ order: undefined, child: ida.child }))).toBe('terminal_unfit')
    expect(codeOf(await lay(terminal, newUid()))).toBe('card_unknown')
    expect(await cardsOf(office, ida.account)).toEqual([])
    await sync('')
    const id = await opened()
    await sync('?fixedPrice=3')
    // One that is open already: what a till with a fixed price sells is never the order's card.
    const uid = newUid()
    const sale = await terminal.send(await terminal.say('request', { card: await hashOf(uid), amount: 500 }))
    expect(sale.body.results).toMatchObject([{ outcome: 'declined', reason: 'card_unknown' }])
    expect(await seen(id)).toMatchObject({ status: 'waiting' })
    await expectSound(office)
  })

  it("is a club's own: other sites' orders, terminals and hand-outs are not there", async () => {
    const elsewhere = await newSite(office, 'Pæren')
    const token = await clubToken(office, 'Peter Prøveklub', elsewhere)
    const other = await enrolledTerminal(office, elsewhere, 'Pæredisken')
    expect(codeOf(await open({}, token))).toBe('order_unknown')
    expect(codeOf(await open({ terminal: other.id }, token))).toBe('order_unknown')
    const bo = await member(office, elsewhere, 'Bo Prøvebarn')
    const own = await firstCard(office, bo.account, elsewhere)
    expect(codeOf(await open({ order: own }, token))).toBe('not_found') // The terminal is not theirs.
    expect((await open({ order: own, terminal: other.id }, token)).status).toBe(200)
    const id = await opened()
    expect(codeOf(await asked(token, 'GET', `/hand-outs/${id}`))).toBe('hand_out_unknown')
    expect(codeOf(await asked(token, 'POST', `/hand-outs/${id}/cancel`))).toBe('hand_out_unknown')
    expect(await seen(id)).toMatchObject({ status: 'waiting' })
    expect(codeOf(await asked(token, 'GET', `/orders/${order}`))).toBe('order_unknown')
    const listed = (await asked(token, 'GET', '/orders')).body.orders as { id: string }[]
    expect(listed.map(({ id: of }) => of)).toEqual([own])
  })
})

describe('what happens at once', () => {
  it('two cards that are laid on: one of them is bound', async () => {
    const id = await opened()
    await Promise.all([lay(terminal, newUid()), lay(terminal, newUid()), lay(terminal, newUid())])
    expect(await cardsOf(office, ida.account)).toHaveLength(1)
    expect(await seen(id)).toMatchObject({ status: 'done' })
  })

  it('the same card at the terminals of two children: it is one of theirs', async () => {
    const other = await enrolledTerminal(office, club, 'Baren')
    const bo = await member(office, club, 'Bo Prøvebarn')
    const ids = [await opened(), await opened({ order: await firstCard(office, bo.account, club), terminal: other.id })]
    const uid = newUid()
    await Promise.all([lay(terminal, uid), lay(other, uid)])
    const statuses = (await Promise.all(ids.map(seen))).map(({ status }) => status)
    expect(statuses.sort()).toEqual(['done', 'refused'])
    expect([...(await cardsOf(office, ida.account)), ...(await cardsOf(office, bo.account))]).toHaveLength(1)
  })

  it('two terminals for one order: it gets one card', async () => {
    const other = await enrolledTerminal(office, club, 'Baren')
    const ids = [await opened(), await opened({ terminal: other.id })]
    await Promise.all([lay(terminal, newUid()), lay(other, newUid())])
    const statuses = (await Promise.all(ids.map(seen))).map(({ status }) => status)
    expect(statuses.sort()).toEqual(['done', 'refused'])
    expect(await cardsOf(office, ida.account)).toHaveLength(1)
  })

  it('a tap and a cancellation: what the hand-out says is what became of the card', async () => {
    for (let round = 0; round < 6; round += 1) {
      const child = await member(office, club, `Barn ${round}`)
      const id = await opened({ order: await firstCard(office, child.account, club) })
      const cancelling = () => office.post(`/hand-outs/${id}/cancel`)
      await Promise.all(round % 2 ? [lay(terminal, newUid()), cancelling()] : [cancelling(), lay(terminal, newUid())])
      const { status } = await seen(id)
      expect(['done', 'cancelled']).toContain(status)
      expect(await cardsOf(office, child.account)).toHaveLength(status === 'done' ? 1 : 0)
    }
  })

  it('two members of staff at one terminal: the card is that of whoever came last', async () => {
    const bo = await member(office, club, 'Bo Prøvebarn')
    const other = await firstCard(office, bo.account, club)
    const ids = (await Promise.all([opened(), opened({ order: other })])) as string[]
    await lay(terminal, newUid())
    const statuses = (await Promise.all(ids.map(seen))).map(({ status }) => status)
    expect(statuses.sort()).toEqual(['cancelled', 'done'])
    expect([...(await cardsOf(office, ida.account)), ...(await cardsOf(office, bo.account))]).toHaveLength(1)
  })

  it('a tap and a hand-out by UID: the order gets one card', async () => {
    const id = await opened()
    await Promise.all([
      lay(terminal, newUid()),
      asked(office.token, 'POST', `/orders/${order}/hand-out`, { uid: newUid() }),
    ])
    expect(await cardsOf(office, ida.account)).toHaveLength(1)
    expect(['done', 'refused']).toContain((await seen(id)).status)
  })
})
