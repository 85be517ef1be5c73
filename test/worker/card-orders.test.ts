import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ore } from '../../shared/money.ts'
import { type Ordering, orderCard } from '../../worker/cards/card-orders.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import {
  type CardHolder,
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
  pay,
} from './municipality.ts'
import { type Parent, parentOf, type Shown } from './parent.ts'
import { stripeAccount, type TestStripe } from './stripe.ts'

const FEE = 4_500
const UID = '04c0ffee000001'
const WHERE = { recipient: 'Ada Prøvebarn', street: 'Prøvevej 1', postalCode: '4000', city: 'Prøveby' }

let office: Municipality
let terminal: EnrolledTerminal
let ada: CardHolder
let bo: CardHolder
let mother: Parent
let father: Parent
let stripe: TestStripe

beforeEach(async () => {
  await emptyDatabases()
  stripe = stripeAccount()
  office = await municipality()
  terminal = await enrolledTerminal(office, await newSite(office), 'Kassen')
  ada = await cardHolder(office, { name: 'Ada Prøvebarn', credit: 10_000 })
  bo = await cardHolder(office, { name: 'Bo Prøvebarn' })
  mother = await parentOf(office, '0101575001', [ada.child], 'Asta Prøveforælder')
  father = await parentOf(office, '0201575002', [ada.child, bo.child], 'Birk Prøveforælder')
  await mother.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@klubkort.example' })
  await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår' })
})

const clean = async () => expect((await checkLedger(office.db)).violations).toEqual([])

const balanceOf = async ({ account }: CardHolder) =>
  (await office.get<{ balance: number }>(`/accounts/${account}`)).balance
const revenue = () =>
  office.db
    .prepare(
      `SELECT coalesce(sum(posting.amount), 0) AS sum FROM posting JOIN account ON account.id = posting.account
       WHERE kind = 'card_fee_revenue'`,
    )
    .first<number>('sum')
const orderRow = (id: string) => office.db.prepare('SELECT * FROM card_order WHERE id = ?').bind(id).first()
const statusOf = (id: string) =>
  office.db.prepare('SELECT status FROM card_order WHERE id = ?').bind(id).first<string>('status')
const cardOf = (id: number) => office.db.prepare('SELECT status, version FROM card WHERE id = ?').bind(id).first()
const letters = async () => {
  const rows = await office.db.prepare('SELECT kind, recipient, data FROM outbox ORDER BY id').all()
  return rows.results.map(({ kind, recipient, data }) => ({ kind, recipient, ...JSON.parse(String(data)) }))
}

const ordering = (more: Partial<Ordering> = {}): Ordering => ({
  ...{ id: newSale(), account: ada.account, guardian: mother.guardian, lostCard: ada.card, ...WHERE },
  ...{ fee: ore(FEE), terms: 'da-1', from: 'account' },
  ...more,
})
const order = (more: Partial<Ordering> = {}) => orderCard(office.db, ordering(more), Date.now())

const page = ({ account }: CardHolder = ada) => `/konto/${account}/nyt-kort`
const form = (more: Record<string, string> = {}) => ({
  ...{ id: newSale(), price: String(FEE), lostCard: String(ada.card), ...WHERE },
  ...{ pay: 'account', mail: '', terms: 'da-1', accept: 'on' },
  ...more,
})
const send = (more: Record<string, string> = {}, parent = mother) => parent.post(page(), form(more))
const idOf = ({ location }: Shown) => location?.split('/').at(-1) ?? ''

/** An order that is paid for from the account; its id. */
async function ordered(more: Record<string, string> = {}): Promise<string> {
  const shown = await send(more)
  expect(shown.status, shown.text).toBe(303)
  return idOf(shown)
}

/** An order whose page at Stripe is open: the order's id, and the page's. */
async function begun(more: Record<string, string> = {}): Promise<{ id: string; session: string }> {
  const fields = form({ pay: 'checkout', mail: 'betaler@klubkort.example', ...more })
  const shown = await mother.post(page(), fields)
  expect(shown.status, shown.text).toBe(303)
  const session = await office.db.prepare('SELECT checkout FROM payment WHERE id = ?').bind(fields.id).first('checkout')
  return { id: fields.id, session: String(session) }
}

const sale = async (hash: string) => {
  const { body } = await terminal.send(await terminal.say('request', { card: hash, amount: 500 }))
  return (body.results as { outcome: string; reason?: string }[])[0]
}

describe('an order from the account', () => {
  it('is paid at once, to the øre', async () => {
    const id = await ordered()
    expect(await balanceOf(ada)).toBe(10_000 - FEE)
    expect(await revenue()).toBe(FEE)
    expect(await orderRow(id)).toMatchObject({
      ...{ account: ada.account, guardian: mother.guardian, lost_card: ada.card, recipient: 'Ada Prøvebarn' },
      ...{ street: 'Prøvevej 1', postal_code: '4000', city: 'Prøveby', fee: FEE, paid_from: 'account', terms: 'da-1' },
      ...{ status: 'ordered', card: null },
    })
    await clean()
  })

  it('is one order, whenever and however often the same form is sent', async () => {
    const fields = form()
    const shown = await Promise.all(Array.from({ length: 5 }, () => mother.post(page(), fields)))
    expect(shown.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303])
    expect(new Set(shown.map(idOf))).toEqual(new Set([fields.id]))
    expect(await balanceOf(ada)).toBe(10_000 - FEE)
    await clean()
  })

  it('is one of several that race, and only that one is paid', async () => {
    await pay(office, ada.account, 50_000)
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => order()))
    expect(outcomes.filter((outcome) => outcome === 'ordered')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'under_way')).toHaveLength(7)
    expect(await balanceOf(ada)).toBe(60_000 - FEE)
    await clean()
  })

  it('is none, and costs nothing, where the account holds too little', async () => {
    await pay(office, bo.account, FEE - 1)
    const before = await contents(office.db)
    const poor = { account: bo.account, guardian: father.guardian, lostCard: bo.card }
    expect(await order(poor)).toBe('insufficient_funds')
    expect(await contents(office.db)).toEqual(before)
    await pay(office, bo.account, 1)
    expect(await order(poor)).toBe('ordered')
    expect(await balanceOf(bo)).toBe(0)
    await clean()
  })

  it('costs nothing where the municipality takes no fee', async () => {
    await office.post('/settings', { money: { cardFee: 0 } })
    const shown = await mother.get(page())
    expect(shown.text).toContain('Gratis')
    expect(shown.text).not.toContain('Med kort eller MobilePay')
    const { pay: _, mail: __, ...fields } = form({ price: '0' })
    expect((await mother.post(page(), fields)).status).toBe(303)
    expect(await statusOf(fields.id)).toBe('ordered')
    expect(await balanceOf(ada)).toBe(10_000)
    await office.post(`/orders/${fields.id}/cancel`)
    expect(await balanceOf(ada)).toBe(10_000)
    await clean()
  })

  it('is refused where it is of no card that could be lost', async () => {
    expect(await order({ lostCard: bo.card })).toBe('card_unknown')
    expect(await order({ lostCard: 999 })).toBe('card_unknown')
    expect(await order({ lostCard: null })).toBe('card_unknown')
    await office.db.prepare("UPDATE card SET status = 'closed' WHERE id = ?").bind(ada.card).run()
    expect(await order()).toBe('card_unknown')
    expect(await order({ lostCard: null })).toBe('ordered') // None is left: the new one comes all the same.
    const child = await office.post<{ id: number; account: number }>('/children', { name: 'Ny Prøvebarn' })
    await pay(office, child.account, FEE)
    await office.post(`/children/${child.id}/guardians`, { cpr: '0101575001' })
    expect(await order({ account: child.account, lostCard: null })).toBe('first_card')
    expect((await mother.get(`/konto/${child.account}/nyt-kort`)).text).toContain('Det første betalingskort er gratis')
    await clean()
  })

  it('is of a blocked card as well', async () => {
    await office.post(`/cards/${ada.card}/block`)
    expect(await order()).toBe('ordered')
  })

  it('is of the own child alone, and an id is of one order', async () => {
    const stranger = { account: bo.account, lostCard: bo.card }
    await pay(office, bo.account, 10_000)
    expect(await order(stranger)).toBe('not_found')
    const id = await ordered()
    const before = await contents(office.db)
    expect(await order({ id, account: bo.account, guardian: father.guardian, lostCard: bo.card })).toBe('id_taken')
    expect(await order({ id, street: 'En anden vej 2' })).toBe('id_taken')
    await office.post(`/children/${ada.child}/guardians/end`, { cpr: '0101575001' })
    expect(await order()).toBe('not_found')
    expect((await contents(office.db)).card_order).toEqual(before.card_order)
    expect((await contents(office.db)).posting).toEqual(before.posting)
    await clean()
  })
})

describe('an order by Checkout', () => {
  it('is under way once it is paid, whether the page or the webhook comes first', async () => {
    const { id, session } = await begun()
    expect(await statusOf(id)).toBe('unpaid')
    const waiting = await mother.get(`${page()}/${id}`)
    expect(waiting.text).toContain('Betalingen er ikke afsluttet endnu')
    stripe.standIn.pay(session)
    expect((await mother.get(`${page()}/${id}`)).text).toContain('Det nye kort er bestilt')
    expect(await statusOf(id)).toBe('ordered')
    await stripe.standIn.deliver()
    expect(await revenue()).toBe(FEE)
    expect(await balanceOf(ada)).toBe(10_000)
    expect((await letters()).map(({ kind }) => kind)).not.toContain('card_order_cancelled')
    await clean()
  })

  it('is one payment, however often its form is sent', async () => {
    const fields = form({ pay: 'checkout', mail: 'betaler@klubkort.example' })
    const first = await mother.post(page(), fields)
    const second = await mother.post(page(), fields)
    expect(second.location).toBe(first.location)
    expect(Object.keys(stripe.standIn.state.sessions)).toHaveLength(1)
  })

  it('gives the fee to the account where another order came first', async () => {
    const { id, session } = await begun()
    const other = await ordered()
    stripe.standIn.pay(session)
    await stripe.standIn.deliver()
    await stripe.standIn.deliver()
    expect([await statusOf(id), await statusOf(other)]).toEqual(['cancelled', 'ordered'])
    expect(await balanceOf(ada)).toBe(10_000) // One fee was paid from it, the other came into it.
    expect(await revenue()).toBe(FEE)
    const told = (await letters()).filter(({ kind }) => kind === 'card_order_cancelled')
    expect(told).toMatchObject([{ recipient: 'betaler@klubkort.example', amount: FEE, child: 'Ada', balance: 10_000 }])
    expect((await mother.get(`${page()}/${id}`)).text).toContain('45,00 kr. er sat tilbage på kontoen')
    await clean()
  })

  it('that is cancelled says how much of the fee is back on the account, and where the rest of it went', async () => {
    const { id, session } = await begun()
    stripe.standIn.pay(session)
    await stripe.standIn.deliver()
    const intent = await office.db.prepare('SELECT intent FROM payment WHERE id = ?').bind(id).first<string>('intent')
    stripe.standIn.refund(String(intent), 2_000)
    await stripe.standIn.deliver()
    await office.post(`/orders/${id}/cancel`)
    expect(await balanceOf(ada)).toBe(10_000 + FEE - 2_000)
    const { text } = await mother.get(`${page()}/${id}`)
    expect(text).toContain('25,00 kr. er sat tilbage på kontoen. De øvrige 20,00 kr. går tilbage til den, der betalte.')
    await clean()
  })

  it('gives the fee to the account where the child has left meanwhile', async () => {
    const { id, session } = await begun()
    await office.post(`/children/${ada.child}/leave`)
    expect(await statusOf(id)).toBe('cancelled')
    stripe.standIn.pay(session)
    await stripe.standIn.deliver()
    expect(await balanceOf(ada)).toBe(10_000 + FEE)
    expect((await letters()).filter(({ kind }) => kind === 'card_order_cancelled')).toHaveLength(1)
    await clean()
  })

  it('that is cancelled at Stripe is gone from what parents and staff see, and can be tried again', async () => {
    const { id } = await begun()
    expect((await mother.get(`/konto/${ada.account}/brugerinfo`)).text).toContain('Venter på betaling')
    const back = await mother.get(`${page()}/${id}?afbrudt=1`)
    expect([back.status, back.location]).toEqual([303, `${page()}/${id}`])
    const over = await mother.get(`${page()}/${id}`)
    expect(over.text).toContain('Betalingen blev ikke gennemført')
    expect((await mother.get(`/konto/${ada.account}/brugerinfo`)).text).not.toContain('Bestilte kort')
    expect(await office.get('/orders?state=all')).toEqual({ orders: [], more: false })
    const again = await mother.get(`${page()}?igen=${id}`)
    expect(again.text).toContain('value="Prøvevej 1"')
    expect(again.text).toMatch(/name="mail"[^>]* value="betaler@klubkort\.example"/)
    expect(again.text).toMatch(/value="checkout" checked/)
    expect((await father.get(`${page()}?igen=${id}`)).text).not.toContain('betaler@klubkort.example')
    await ordered()
    await clean()
  })

  it('of another amount than the fee orders nothing', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}) // That a payment is not what was asked for.
    const { id, session } = await begun()
    stripe.standIn.pay(session, { amount: 100 })
    expect((await mother.get(`${page()}/${id}`)).text).toContain('Betalingen skal undersøges')
    expect(await statusOf(id)).toBe('unpaid')
    expect(await revenue()).toBe(0)
    await clean()
  })

  it('keeps what was typed where Stripe does not answer', async () => {
    stripe.standIn.fail('busy')
    const shown = await send({ pay: 'checkout', mail: 'betaler@klubkort.example' })
    expect(shown.status).toBe(503)
    expect(shown.text).toContain('svarer ikke lige nu')
    expect(shown.text).toContain('value="Prøvevej 1"')
  })
})

describe('the form', () => {
  it('shows the price, the days, and the advice to block and wait', async () => {
    const { text } = await mother.get(page())
    for (const said of ['Bestil nyt kort', '45,00 kr.', 'inden for ca. 14 dage', 'vente 2-3 dage', 'Næste']) {
      expect(text).toContain(said)
    }
    expect(text).toContain('value="Ada Prøvebarn"')
    expect(text).toMatch(/Kort nr\. \d+ \(aktivt\)/)
  })

  it('says beside the lost card that it is closed for good, where there is one to close', async () => {
    const hint = 'Kortet bliver lukket for altid, når det nye er udleveret.'
    const { text } = await mother.get(page())
    expect(text).toContain(`<span class="form-hint" id="lostCard-hint">${hint}</span>`)
    expect(text).toMatch(/<select[^>]* id="lostCard"[^>]* aria-describedby="lostCard-hint"/)
    const refused = (await send({ lostCard: String(bo.card) })).text
    expect(refused).toMatch(/<select[^>]* aria-describedby="lostCard-hint lostCard-error"[^>]* aria-invalid="true"/)
    await office.db.prepare("UPDATE card SET status = 'closed' WHERE id = ?").bind(ada.card).run()
    expect((await mother.get(page())).text).not.toContain(hint)
  })

  it('offers the account only where it holds the price', async () => {
    expect((await mother.get(page())).text).toContain('Fra kontoen (saldo 100,00 kr.)')
    expect((await father.get(page(bo))).text).not.toContain('Fra kontoen')
    expect((await father.get(page(bo))).text).toContain('Med kort eller MobilePay')
  })

  it.each([
    ['an empty name', { recipient: ' ' }, 'recipient'],
    ['a name of 81 characters', { recipient: 'a'.repeat(81) }, 'recipient'],
    ['a name with a control character', { recipient: 'Ada\u0007' }, 'recipient'],
    ['an empty street', { street: '' }, 'street'],
    ['a street of two lines', { street: 'Prøvevej 1\nPrøveby' }, 'street'],
    ['a postal code of three digits', { postalCode: '400' }, 'postalCode'],
    ['a postal code with a letter', { postalCode: '40A0' }, 'postalCode'],
    ['no city', { city: '' }, 'city'],
    ['a city of 41 characters', { city: 'b'.repeat(41) }, 'city'],
    ['no card', { lostCard: '' }, 'lostCard'],
    ['a card that is none', { lostCard: '99' }, 'lostCard'],
    ['no way to pay', { pay: '' }, 'pay'],
    ['a way to pay that is none', { pay: 'dankort' }, 'pay'],
    ['no mail address for Checkout', { pay: 'checkout', mail: '' }, 'mail'],
    ['a mail address that is none', { pay: 'checkout', mail: '@' }, 'mail'],
    ['terms that were not accepted', { accept: '' }, 'accept'],
    ['terms of another version', { terms: 'da-2' }, 'accept'],
    ['another price', { price: '100' }, 'order'],
    ['an id that is none', { id: 'x' }, 'order'],
  ] as const)('orders nothing with %s, and says where it is wrong', async (_, wrong, field) => {
    const before = await contents(office.db, 'session', 'viewing')
    const shown = await send(wrong)
    expect(shown.status).toBe(400)
    expect(shown.text).toContain(`href="#${field}"`)
    expect(await contents(office.db, 'session', 'viewing')).toEqual(before)
  })

  it("refuses somebody else's card, and a closed one", async () => {
    expect((await send({ lostCard: String(bo.card) })).status).toBe(400)
    const spare = await office.post<{ id: number }>('/cards', { child: ada.child, uid: '04c0ffee000009' })
    await office.db.prepare("UPDATE card SET status = 'closed' WHERE id = ?").bind(spare.id).run()
    expect((await send({ lostCard: String(spare.id) })).status).toBe(400)
  })

  it('takes a name with an emoji, and a price that changed is shown first', async () => {
    await office.post('/settings', { money: { cardFee: 5_000 } })
    const shown = await send()
    expect(shown.status).toBe(400)
    expect(shown.text).toContain('50,00 kr.')
    expect(await balanceOf(ada)).toBe(10_000)
    await ordered({ price: '5000', recipient: 'Ada 🎈' })
    expect(await balanceOf(ada)).toBe(5_000)
  })

  it('gives way to the order that is under way', async () => {
    const id = await ordered()
    const shown = await mother.get(page())
    expect(shown.text).toContain(`${page()}/${id}`)
    expect(shown.text).not.toContain('Leveringsadresse')
    const second = await send()
    expect(second.status).toBe(409)
    expect(await balanceOf(ada)).toBe(10_000 - FEE)
  })
})

describe('what parents see', () => {
  it('follows the order, and tells its address to nobody but who ordered', async () => {
    const id = await ordered({ street: 'Hemmelig Vej 7' })
    const seen = async (parent: Parent) => (await parent.get(`${page()}/${id}`)).text
    expect(await seen(mother)).toContain('inden for ca. 14 dage')
    expect(await seen(mother)).toContain('Hemmelig Vej 7')
    expect(await seen(father)).toContain('Det nye kort er bestilt')
    expect(await seen(father)).not.toContain('Hemmelig Vej 7')
    expect((await father.get(`/konto/${ada.account}/brugerinfo`)).text).not.toContain('Hemmelig Vej 7')
    expect((await father.get(`${page()}?igen=${id}`)).text).not.toContain('Hemmelig Vej 7')
    await office.post(`/orders/${id}/send`)
    expect(await seen(father)).toContain('Det nye kort er sendt')
    await office.post(`/orders/${id}/hand-out`, { uid: UID })
    expect(await seen(mother)).toContain('Det nye kort er udleveret')
    expect((await mother.get(`/konto/${ada.account}/brugerinfo`)).text).toContain('Udleveret')
  })

  it('says while the lost card can still be used that it is not blocked, and where to do that', async () => {
    const id = await ordered()
    const seen = async (parent = mother) => (await parent.get(`${page()}/${id}`)).text
    const warning = 'Kortet er ikke spærret endnu'
    const link = `<a href="/konto/${ada.account}/brugerinfo">Gå til Brugerinfo, hvor du kan spærre kortet</a>`
    for (const parent of [mother, father]) {
      expect(await seen(parent)).toContain(warning)
      expect(await seen(parent)).toContain(link)
    }
    await office.post(`/orders/${id}/send`)
    expect(await seen()).toContain(warning)
    await office.post(`/cards/${ada.card}/block`)
    expect(await seen()).not.toContain(warning)
    await office.post(`/cards/${ada.card}/activate`)
    await office.post(`/orders/${id}/hand-out`, { uid: UID })
    expect(await seen()).not.toContain(warning)
  })

  it("is not another account's order", async () => {
    const id = await ordered()
    expect((await father.get(`${page(bo)}/${id}`)).status).toBe(404)
    expect((await mother.get(`${page()}/${newSale()}`)).status).toBe(404)
    expect((await mother.get(`${page()}/x`)).status).toBe(404)
  })
})

describe('staff', () => {
  it('send an order once, and the parent is told once', async () => {
    const id = await ordered()
    expect(await office.post(`/orders/${id}/send`)).toMatchObject({ status: 'sent', child: { name: 'Ada Prøvebarn' } })
    const before = await contents(office.db, 'viewing')
    await office.post(`/orders/${id}/send`)
    expect(await contents(office.db, 'viewing')).toEqual(before)
    expect(await letters()).toMatchObject([{ kind: 'card_sent', recipient: 'asta@klubkort.example', child: 'Ada' }])
  })

  it('hand out the new card, and the lost one is closed for good, at the tills too', async () => {
    const spare = await office.post<{ id: number }>('/cards', { child: ada.child, uid: '04c0ffee000009' })
    const id = await ordered()
    const before = await terminal.send(await terminal.say('request', { card: ada.hash, amount: 500 }))
    expect(before.body.results).toMatchObject([{ outcome: 'approved' }])
    const version = (await cardOf(ada.card))?.version as number
    const given = await office.post<{ card: number; status: string }>(`/orders/${id}/hand-out`, { uid: UID })
    expect(given.status).toBe('handed_out')
    expect(await cardOf(given.card)).toMatchObject({ status: 'active' })
    expect((await cardOf(ada.card))?.status).toBe('closed')
    expect((await cardOf(ada.card))?.version).toBeGreaterThan(version)
    expect((await cardOf(spare.id))?.status).toBe('active') // Only the one that was lost.
    expect(await sale(ada.hash)).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
    const hash = await office.db.prepare('SELECT hash FROM card WHERE id = ?').bind(given.card).first<string>('hash')
    expect(await sale(String(hash))).toMatchObject({ outcome: 'approved' })
    const token = await terminal.proof('/api/terminal/sync')
    const list = await call('GET', `/api/terminal/sync?since=${version}`, { token })
    expect(list.body.cards).toEqual(
      expect.arrayContaining([
        { hash, status: 'active' },
        { hash: ada.hash, status: 'closed' },
      ]),
    )
    const active = await mother.post(`/konto/${ada.account}/kort/${ada.card}/aktiver`)
    expect(active.status).toBe(400)
    await clean()
  })

  it('hand out once: again is the same, another card is refused', async () => {
    const id = await ordered()
    const first = await office.post(`/orders/${id}/hand-out`, { uid: UID })
    const before = await contents(office.db, 'viewing')
    expect(await office.post(`/orders/${id}/hand-out`, { uid: UID })).toEqual(first)
    const other = await call('POST', `/api/staff/orders/${id}/hand-out`, {
      token: office.token,
      body: { uid: '04c0ffee000002' },
    })
    expect(other.body.error?.code).toBe('order_ended')
    expect(await contents(office.db, 'viewing')).toEqual(before)
  })

  it.each([
    ["somebody else's", () => bo.uid],
    ['the lost one itself', () => ada.uid],
  ])('cannot hand out a card that is %s', async (_, uid) => {
    const id = await ordered()
    const body = { uid: uid() }
    const { body: answer } = await call('POST', `/api/staff/orders/${id}/hand-out`, { token: office.token, body })
    expect(answer.error?.code).toBe('card_taken')
    expect(await statusOf(id)).toBe('ordered')
    expect((await cardOf(ada.card))?.status).toBe('active')
  })

  it('cancel an order that is not handed out, and the fee is back once', async () => {
    const id = await ordered()
    await office.post(`/orders/${id}/send`)
    expect(await office.post(`/orders/${id}/cancel`)).toMatchObject({ status: 'cancelled' })
    await office.post(`/orders/${id}/cancel`)
    expect(await balanceOf(ada)).toBe(10_000)
    expect(await revenue()).toBe(0)
    expect((await letters()).filter(({ kind }) => kind === 'card_order_cancelled')).toMatchObject([
      { amount: FEE, balance: 10_000 },
    ])
    for (const [verb, body] of [
      ['send', {}],
      ['hand-out', { uid: UID }],
    ] as const) {
      const { body: answer } = await call('POST', `/api/staff/orders/${id}/${verb}`, { token: office.token, body })
      expect(answer.error?.code).toBe('order_ended')
    }
    await ordered()
    await clean()
  })

  it('cancel no order that is handed out', async () => {
    const id = await ordered()
    await office.post(`/orders/${id}/hand-out`, { uid: UID })
    const { body } = await call('POST', `/api/staff/orders/${id}/cancel`, { token: office.token, body: {} })
    expect(body.error?.code).toBe('order_ended')
    expect(await revenue()).toBe(FEE)
  })

  it('cancel and hand out at once: one of them', async () => {
    const id = await ordered()
    await Promise.all([
      call('POST', `/api/staff/orders/${id}/cancel`, { token: office.token, body: {} }),
      call('POST', `/api/staff/orders/${id}/hand-out`, { token: office.token, body: { uid: UID } }),
    ])
    const handedOut = (await statusOf(id)) === 'handed_out'
    expect(await revenue()).toBe(handedOut ? FEE : 0)
    expect((await cardOf(ada.card))?.status).toBe(handedOut ? 'closed' : 'active')
    await clean()
  })

  it('do nothing with an order that is unpaid or unknown', async () => {
    const { id } = await begun()
    for (const verb of ['send', 'cancel']) {
      const answers = [id, newSale()].map((of) =>
        call('POST', `/api/staff/orders/${of}/${verb}`, { token: office.token, body: {} }),
      )
      const codes = (await Promise.all(answers)).map(({ body }) => body.error?.code)
      expect(codes).toEqual(['order_unpaid', 'order_unknown'])
    }
    expect(await statusOf(id)).toBe('unpaid')
  })

  it('list what is under way, and are recorded as having looked', async () => {
    const id = await ordered()
    await office.db.prepare('DELETE FROM viewing').run()
    expect(await office.get('/orders')).toMatchObject({ orders: [{ id, ...WHERE, status: 'ordered' }], more: false })
    const seen = await office.db.prepare("SELECT child FROM viewing WHERE viewer_kind = 'staff'").all()
    expect(seen.results).toEqual([{ child: ada.child }])
    await office.post(`/orders/${id}/hand-out`, { uid: UID })
    expect(await office.get('/orders')).toEqual({ orders: [], more: false })
    expect(await office.get('/orders?state=ended')).toMatchObject({ orders: [{ id, status: 'handed_out' }] })
  })
})
