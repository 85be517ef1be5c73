import { beforeEach, describe, expect, it } from 'vitest'
import { APPROVAL_WAITS_MS } from '../../worker/cards/card-orders.ts'
import { cancellableFrom, cancelled } from '../../worker/cards/order-desk.ts'
import { approve, refuseReplacement } from '../../worker/cards/same-day.ts'
import { letterOf } from '../../worker/letters/letters.ts'
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
import { type Parent, parentOf } from './parent.ts'

const FEE = 4_500
const DAY_MS = 86_400_000

let office: Municipality
let club: number
let terminal: EnrolledTerminal
let ada: CardHolder
let mother: Parent
let father: Parent

beforeEach(async () => {
  ;({ office, site: club, terminal } = await oneSite('Æblet'))
  ada = await cardHolder(office, { name: 'Ada Prøvebarn', credit: 10_000 })
  await office.db.prepare('UPDATE child SET club = ?2 WHERE id = ?1').bind(ada.child, club).run()
  mother = await parentOf(office, '0101575001', [ada.child], 'Asta Prøveforælder')
  father = await parentOf(office, '0201575002', [ada.child], 'Birk Prøveforælder')
  await mother.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@klubkort.example' })
})

type Begun = { id: string; status: string; lostCard: number | null; fee: number; untold: number }
const replacing = (more: Record<string, unknown> = {}, token = office.token) =>
  asked(token, 'POST', '/replacements', { id: newSale(), child: ada.child, ...more })
async function begun(): Promise<string> {
  const { status, body } = await replacing()
  expect(status, JSON.stringify(body)).toBe(200)
  return String(body.id)
}
const page = (id: string) => `/konto/${ada.account}/nyt-kort/${id}`
const decide = (id: string, verb: string, parent = mother) => parent.post(`${page(id)}/${verb}`)
const balance = async (account = ada.account) => (await office.get<{ balance: number }>(`/accounts/${account}`)).balance
const fees = async () => {
  const rows = await office.db
    .prepare("SELECT kind, amount FROM transfer WHERE kind IN ('card_fee', 'card_fee_return') ORDER BY at, id")
    .all<{ kind: string; amount: number }>()
  return rows.results
}
const letters = async () => {
  const rows = await office.db.prepare('SELECT kind, recipient, data FROM outbox ORDER BY id').all()
  return rows.results.map(({ kind, recipient, data }) => ({ kind, recipient, ...JSON.parse(String(data)) }))
}
async function handOutByTap(order: string, uid = newUid()): Promise<string> {
  await office.post('/hand-outs', { id: newSale(), order, terminal: terminal.id })
  await lay(terminal, uid)
  return uid
}

describe('a replacement on the same day', () => {
  it('is told to the guardians, approved in the portal, paid from the account, and handed out by a tap', async () => {
    const { body } = await replacing()
    const order = body as unknown as Begun
    expect(order).toMatchObject({ status: 'awaiting_approval', lostCard: ada.card, fee: FEE, untold: 1 })
    expect(await letters()).toMatchObject([
      { kind: 'card_approval', recipient: 'asta@klubkort.example', child: 'Ada', amount: FEE, order: order.id },
    ])
    expect((await mother.get('/konti')).text).toContain(`href="${page(order.id)}"`)
    expect(codeOf(await asked(office.token, 'POST', `/orders/${order.id}/hand-out`, { uid: newUid() }))).toBe(
      'order_unapproved',
    )
    expect(await balance()).toBe(10_000)
    const { text } = await mother.get(page(order.id))
    expect(text).toContain('Æblet har et nyt kort klar. Det koster 45,00 kr., som trækkes på kontoen')
    expect(text).toContain('Godkend, og betal 45,00 kr.')
    const approved = await decide(order.id, 'godkend')
    expect([approved.status, approved.location]).toEqual([303, page(order.id)])
    expect(await balance()).toBe(10_000 - FEE)
    expect((await mother.get(page(order.id))).text).toContain('Kortet er betalt og kan hentes i Æblet.')
    expect((await mother.get('/konti')).text).not.toContain(page(order.id))
    const uid = await handOutByTap(order.id)
    expect((await cardsOf(office, ada.account)).map(({ status }) => status)).toEqual(['closed', 'active'])
    expect(await lay(terminal, uid)).toMatchObject({ body: { status: 'active', balance: 10_000 - FEE } })
    expect((await father.get(page(order.id))).text).toContain('Det nye kort er udleveret')
    await expectSound(office)
  })

  it('that is refused costs nothing, and neither card changes', async () => {
    const id = await begun()
    await decide(id, 'afvis', father)
    expect(await statusOf(office, id)).toBe('cancelled')
    expect((await mother.get(page(id))).text).toContain('Der er ikke trukket penge')
    expect((await decide(id, 'godkend')).status).toBe(409)
    expect(await fees()).toEqual([])
    expect((await cardsOf(office, ada.account)).map(({ status }) => status)).toEqual(['active'])
    await begun() // And another one can be begun.
    await expectSound(office)
  })

  it('is not paid where the account holds too little, and says how much it takes', async () => {
    await office.post(`/accounts/${ada.account}/credit`, { id: newSale(), amount: 1, reason: 'prøve' })
    await office.post('/settings', { money: { cardFee: 10_002 } })
    const id = await begun()
    const { text } = await mother.get(page(id))
    expect(text).toContain('Det nye kort koster 100,02 kr., og der står 100,01 kr. på kontoen.')
    expect(text).toContain(`href="/konto/${ada.account}/indbetaling"`)
    const shown = await decide(id, 'godkend')
    expect(shown.status).toBe(409)
    expect(shown.text).toContain('Der står ikke nok på kontoen')
    expect([await statusOf(office, id), await balance()]).toEqual(['awaiting_approval', 10_001])
    await pay(office, ada.account, 1)
    expect((await decide(id, 'godkend')).status).toBe(303)
    expect(await balance()).toBe(0)
    await expectSound(office)
  })

  it('costs what it did when it was begun, and takes an approval where it is free', async () => {
    const id = await begun()
    await office.post('/settings', { money: { cardFee: 0 } })
    await decide(id, 'godkend')
    expect(await balance()).toBe(10_000 - FEE)
    await handOutByTap(id)
    const free = await office.post<Begun>('/replacements', { id: newSale(), child: ada.child })
    expect(free).toMatchObject({ fee: 0, status: 'awaiting_approval' })
    expect((await mother.get(page(free.id))).text).toContain('Det er gratis')
    await decide(free.id, 'godkend')
    expect(await statusOf(office, free.id)).toBe('ordered')
    expect((await mother.get(page(free.id))).text).toContain('Kortet er godkendt og kan hentes i Æblet.')
    expect(await fees()).toHaveLength(1)
    await expectSound(office)
  })

  it('is once for each id, and refused where it cannot be', async () => {
    const id = newSale()
    const first = await replacing({ id })
    expect(await replacing({ id })).toEqual(first)
    expect(await letters()).toHaveLength(1)
    expect(codeOf(await replacing())).toBe('order_under_way')
    await decide(id, 'afvis')
    const bo = await cardHolder(office, { name: 'Bo Prøvebarn' })
    expect(codeOf(await replacing({ id, child: bo.child, site: club }))).toBe('id_taken')
    expect(codeOf(await replacing({ child: 999 }))).toBe('child_unknown')
    expect(codeOf(await replacing({ lostCard: bo.card }))).toBe('card_unknown')
    expect(codeOf(await replacing({ child: bo.child }))).toBe('site_unknown') // In no club, and none is named.
    await office.post('/cards', { child: ada.child, uid: newUid() })
    expect(codeOf(await replacing())).toBe('card_unknown') // Two that could be lost.
    expect((await replacing({ lostCard: ada.card })).status).toBe(200)
    const eva = await member(office, club, 'Eva Prøvebarn')
    expect(codeOf(await replacing({ child: eva.child }))).toBe('card_unknown') // The first is no replacement.
    await office.post(`/children/${bo.child}/leave`)
    expect(codeOf(await replacing({ child: bo.child, site: club }))).toBe('child_left')
  })

  it('is begun by a club for its own children alone', async () => {
    const elsewhere = await newSite(office, 'Pæren')
    const own = await clubToken(office, 'Karla Prøveklub', club)
    const other = await clubToken(office, 'Peter Prøveklub', elsewhere)
    const before = await contents(office.db)
    expect(codeOf(await replacing({}, other))).toBe('child_unknown')
    expect(codeOf(await replacing({ site: club }, other))).toBe('child_unknown')
    expect(codeOf(await replacing({ site: elsewhere }, other))).toBe('child_unknown')
    expect(await contents(office.db)).toEqual(before)
    expect((await replacing({}, own)).status).toBe(200)
  })

  it('is begun where the child buys as well, though it belongs to another club', async () => {
    const canteen = await newSite(office, 'Kantinen')
    const token = await clubToken(office, 'Peter Prøveklub', canteen)
    const till = await enrolledTerminal(office, canteen, 'Kassen')
    expect(codeOf(await replacing({ site: canteen }, token))).toBe('child_unknown')
    await till.send(await till.say('request', { card: ada.hash, amount: 100 }))
    expect(codeOf(await replacing({}, token))).toBe('child_unknown') // Which of their sites is to be said.
    expect((await replacing({ site: canteen }, token)).body).toMatchObject({ club: { id: canteen } })
  })

  it('is withdrawn by the club that would hand it out, as long as nobody has approved it', async () => {
    const pears = await newSite(office, 'Pæren')
    const own = await clubToken(office, 'Karla Prøveklub', club)
    const other = await clubToken(office, 'Peter Prøveklub', pears)
    const withdraw = (id: string, token = own) => asked(token, 'POST', `/orders/${id}/cancel`)
    const id = String((await replacing({}, own)).body.id)
    expect(codeOf(await withdraw(id, other))).toBe('order_unknown')
    expect((await withdraw(id)).body).toMatchObject({ id, status: 'cancelled' })
    expect((await withdraw(id)).status).toBe(200)
    expect((await letters()).map(({ kind, amount }) => [kind, amount])).toEqual([
      ['card_approval', FEE],
      ['card_order_cancelled', 0],
    ])
    expect((await decide(id, 'godkend')).status).toBe(409)

    // Of its own child, but begun elsewhere; what is approved; what the roster or a guardian has ordered.
    const elsewhere = String((await replacing({ site: pears })).body.id)
    expect(codeOf(await withdraw(elsewhere))).toBe('role_forbidden')
    expect(codeOf(await withdraw(elsewhere, other))).toBe(null)
    const approved = await begun()
    await decide(approved, 'godkend')
    expect(codeOf(await withdraw(approved))).toBe('role_forbidden')
    expect(await statusOf(office, approved)).toBe('ordered')
    const eva = await member(office, club, 'Eva Prøvebarn')
    const first = await firstCard(office, eva.account, club)
    expect(codeOf(await withdraw(first))).toBe('role_forbidden')
    await office.post(`/orders/${first}/cancel`)
    expect(codeOf(await withdraw(first))).toBe('role_forbidden')
    expect(await fees()).toEqual([{ kind: 'card_fee', amount: FEE }])
    await expectSound(office)
  })

  it('that a club withdraws while a guardian approves it is either, and never both', async () => {
    const own = await clubToken(office, 'Karla Prøveklub', club)
    for (let round = 0; round < 6; round += 1) {
      const id = await begun()
      const deciding = { id, account: ada.account, guardian: mother.guardian }
      const [withdrawn, decided] = await Promise.all([
        asked(own, 'POST', `/orders/${id}/cancel`),
        approve(office.db, deciding, Date.now()),
      ])
      const paid = (await fees()).length
      if (decided === 'approved') expect([codeOf(withdrawn), paid]).toEqual(['role_forbidden', 1])
      else expect([decided, codeOf(withdrawn), paid]).toEqual(['too_late', null, 0])
      if (decided === 'approved') break
    }
    await expectSound(office)
  })

  it('that nobody approves within 7 days has ended', async () => {
    const id = await begun()
    const at = Date.now()
    await sweep(office.db, at + APPROVAL_WAITS_MS - 60_000)
    expect(await statusOf(office, id)).toBe('awaiting_approval')
    const late = { id, account: ada.account, guardian: mother.guardian }
    expect(await approve(office.db, late, at + APPROVAL_WAITS_MS + 1)).toBe('too_late')
    await sweep(office.db, at + APPROVAL_WAITS_MS + DAY_MS)
    expect(await statusOf(office, id)).toBe('cancelled')
    expect(await fees()).toEqual([])
  })

  it('that has expired is told to its guardians, once, and to staff as expired and not as refused', async () => {
    const expired = await begun()
    const at = Date.now() + APPROVAL_WAITS_MS + DAY_MS
    await sweep(office.db, at)
    await sweep(office.db, at)
    const [, letter, ...more] = await letters()
    expect([letter, more]).toMatchObject([
      { kind: 'card_order_cancelled', recipient: 'asta@klubkort.example', child: 'Ada', amount: 0, expired: true },
      [],
    ])
    const news = { kind: 'card_order_cancelled', data: letter as never } as const
    const sender = { name: 'Kommune 4000', portal: 'https://4000.klubkort.example' }
    const { subject, text } = letterOf(news, 'da', sender)
    expect(subject).toBe('Det nye betalingskort blev ikke godkendt')
    expect(text).toContain('Der er ikke trukket penge, og der bliver ikke udleveret et nyt kort.')
    expect(text).toContain(`https://4000.klubkort.example${page('')}`.slice(0, -1))
    expect(letterOf(news, 'en', sender).text).toContain('No money has been taken, and no new card will be handed out.')
    const refused = await begun()
    await decide(refused, 'afvis')
    const { orders } = await office.get<{ orders: { id: string }[] }>('/orders?state=ended')
    expect(orders).toMatchObject([
      { id: expired, status: 'cancelled', expired: true, orderedAt: null },
      { id: refused, status: 'cancelled', expired: false, orderedAt: null },
    ])
    expect(await letters()).toHaveLength(3) // Whoever has refused knows it.
    await expectSound(office)
  })

  it('is nobody else’s to decide on', async () => {
    const id = await begun()
    const bo = await cardHolder(office, { name: 'Bo Prøvebarn', credit: 10_000 })
    const stranger = await parentOf(office, '0301575003', [bo.child])
    expect((await decide(id, 'godkend', stranger)).status).toBe(404)
    expect((await stranger.post(`/konto/${bo.account}/nyt-kort/${id}/godkend`)).status).toBe(404)
    await office.post(`/children/${ada.child}/guardians/end`, { cpr: '0101575001' })
    const former = { id, account: ada.account, guardian: mother.guardian }
    expect(await approve(office.db, former, Date.now())).toBe('not_found')
    expect(await refuseReplacement(office.db, former, Date.now())).toBe('not_found')
    expect([await statusOf(office, id), await fees()]).toEqual(['awaiting_approval', []])
  })
})

describe('the fee of a replacement', () => {
  const cancel = (id: string) => asked(office.token, 'POST', `/orders/${id}/cancel`)

  it('is given back where staff cancel it after the approval, and told to who approved', async () => {
    const id = await begun()
    await decide(id, 'godkend')
    await cancel(id)
    await cancel(id)
    expect(await balance()).toBe(10_000)
    expect((await letters()).filter(({ kind }) => kind === 'card_order_cancelled')).toMatchObject([
      { recipient: 'asta@klubkort.example', amount: FEE },
    ])
    await expectSound(office)
  })

  it('is nothing where it is cancelled before, and the guardians hear that it is', async () => {
    const id = await begun()
    expect((await cancel(id)).status).toBe(200)
    expect(await balance()).toBe(10_000)
    expect((await letters()).filter(({ kind }) => kind === 'card_order_cancelled')).toMatchObject([{ amount: 0 }])
    expect(await office.get('/orders?state=ended')).toMatchObject({ orders: [{ id, cause: 'same_day' }] })
    await expectSound(office)
  })

  it('is not given back in the words of somebody who saw it unapproved', async () => {
    const id = await begun()
    const seen = { id, account: ada.account, guardian: null, due: 0, mail: null }
    await decide(id, 'godkend')
    await office.db.batch(cancelled(office.db, seen, cancellableFrom('awaiting_approval'), 1, Date.now()))
    expect(await statusOf(office, id)).toBe('ordered')
    expect(await balance()).toBe(10_000 - FEE)
    expect((await letters()).map(({ kind }) => kind)).toEqual(['card_approval'])
  })

  it('is taken once and returned once at most, whatever is approved, refused, cancelled and left at once', async () => {
    for (let round = 0; round < 12; round += 1) {
      const holder = await cardHolder(office, { name: `Barn ${round}`, credit: 10_000 })
      const [one, two] = [
        await parentOf(office, `${String(round + 10)}01575001`, [holder.child]),
        await parentOf(office, `${String(round + 10)}02575001`, [holder.child]),
      ]
      const id = newSale()
      expect((await replacing({ id, child: holder.child, site: club })).status).toBe(200)
      const say = (verb: string, parent: Parent) => parent.post(`/konto/${holder.account}/nyt-kort/${id}/${verb}`)
      const deeds = [
        () => say('godkend', one),
        () => say('godkend', two),
        () => say('godkend', one),
        ...(round % 3 === 0 ? [() => cancel(id), () => cancel(id)] : []),
        ...(round % 3 === 1 ? [() => say('afvis', two)] : []),
        ...(round % 3 === 2 ? [() => asked(office.token, 'POST', `/children/${holder.child}/leave`)] : []),
      ]
      const from = round % deeds.length
      await Promise.all([...deeds.slice(from), ...deeds.slice(0, from)].map((deed) => deed()))
      const moved = await office.db
        .prepare('SELECT kind FROM transfer WHERE id IN (?1, ?2) ORDER BY kind')
        .bind(`card_fee:${id}`, `card_fee_return:${id}`)
        .all<{ kind: string }>()
      const kinds = moved.results.map(({ kind }) => kind)
      const status = await statusOf(office, id)
      expect(['ordered', 'cancelled']).toContain(status)
      if (status === 'ordered') expect(kinds).toEqual(['card_fee'])
      else expect([[], ['card_fee', 'card_fee_return']]).toContainEqual(kinds)
      expect(await balance(holder.account)).toBe(status === 'ordered' ? 10_000 - FEE : 10_000)
      const told = (await letters()).filter(
        ({ kind, account }) => kind === 'card_order_cancelled' && account === holder.account,
      )
      for (const { amount } of told) expect(amount).toBe(kinds.length === 2 ? FEE : 0)
    }
    await expectSound(office)
  })
})

describe('a first card', () => {
  const orders = async (account: number) => {
    const { results } = await office.db
      .prepare('SELECT id, cause, fee, status, club FROM card_order WHERE account = ? ORDER BY rowid')
      .bind(account)
      .all<{ id: string }>()
    return results
  }

  it('is ordered for a child whom staff add to a club, and for nobody else', async () => {
    const nina = await clubToken(office, 'Nina Prøvenord', club)
    const { body: eva } = await asked(nina, 'POST', '/children', { name: 'Eva Prøvebarn' })
    const found = await orders(Number(eva.account))
    expect(found).toMatchObject([{ cause: 'first', fee: 0, status: 'ordered', club }])
    const [order] = found
    const life = await office.get<{ events: unknown[] }>(`/orders/${order?.id}`)
    expect(life.events).toMatchObject([{ what: 'card_ordered', who: { name: 'Nina Prøvenord' } }])
    expect(codeOf(await asked(nina, 'POST', '/children', { name: 'Fremmed', club: 99 }))).toBe('site_unknown')
    const clubless = await office.post<{ account: number }>('/children', { name: 'Ude Prøvebarn' })
    expect([await orders(clubless.account), (await orders(Number(eva.account))).length]).toEqual([[], 1])
  })

  it('is ordered again for a child that left before it had one, and comes back', async () => {
    const eva = await office.post<{ id: number; account: number }>('/children', { name: 'Eva Prøvebarn', club })
    await office.post(`/children/${eva.id}/leave`)
    await office.post(`/children/${eva.id}/return`)
    await office.post(`/children/${eva.id}/return`)
    await office.post(`/children/${ada.child}/leave`)
    await office.post(`/children/${ada.child}/return`)
    expect(await orders(eva.account)).toMatchObject([{ status: 'cancelled' }, { cause: 'first', status: 'ordered' }])
    expect(await orders(ada.account)).toEqual([]) // Her card is there, blocked.
  })

  it('is spared where staff give the child one by hand before it is in a batch', async () => {
    const [eva, ib] = [
      await office.post<{ id: number; account: number }>('/children', { name: 'Eva Prøvebarn', club }),
      await office.post<{ id: number; account: number }>('/children', { name: 'Ib Prøvebarn', club }),
    ]
    await office.post('/cards', { child: eva.id, uid: newUid() })
    await office.post('/card-batches')
    await office.post('/cards', { child: ib.id, uid: newUid() })
    expect(await orders(eva.account)).toMatchObject([{ status: 'cancelled' }])
    expect(await orders(ib.account)).toMatchObject([{ status: 'ordered' }])
    const [spared] = await orders(eva.account)
    const life = await office.get<{ events: unknown[] }>(`/orders/${spared?.id}`)
    expect(life.events).toMatchObject([{ what: 'card_ordered' }, { what: 'card_order_cancelled' }])
  })

  it('that nobody of the family ordered is told to all of its guardians who are reached', async () => {
    await father.post('/brugerinfo/om-dig', { language: 'da', mail: 'birk@klubkort.example' })
    const eva = await member(office, club, 'Eva Prøvebarn')
    for (const cpr of ['0101575001', '0201575002']) await office.post(`/children/${eva.child}/guardians`, { cpr })
    const id = await firstCard(office, eva.account, club)
    const shown = await father.get(`/konto/${eva.account}/nyt-kort/${id}`)
    expect([shown.status, shown.text.includes('bliver udleveret i Æblet')]).toEqual([200, true])
    expect(shown.text).not.toContain('<dd></dd>')
    await office.post(`/orders/${id}/send`)
    await office.post(`/orders/${id}/cancel`)
    const told = (await letters()).map(({ kind, recipient }) => `${kind} ${recipient}`).sort()
    expect(told).toEqual(
      ['card_order_cancelled', 'card_sent'].flatMap((kind) => [
        `${kind} asta@klubkort.example`,
        `${kind} birk@klubkort.example`,
      ]),
    )
  })

  it('of a child that leaves is cancelled, also when it is produced', async () => {
    const eva = await member(office, club, 'Eva Prøvebarn')
    const id = await firstCard(office, eva.account, club)
    const { cards } = await office.post<{ cards: { number: string }[] }>('/card-batches')
    await office.post('/card-stock', { rows: [{ line: 2, number: cards[0]?.number, uid: newUid() }] })
    expect(await statusOf(office, id)).toBe('produced')
    await office.post(`/children/${eva.child}/leave`)
    expect(await statusOf(office, id)).toBe('cancelled')
  })

  it('is shown to its guardians where it is', async () => {
    const eva = await member(office, club, 'Eva Prøvebarn')
    await office.post(`/children/${eva.child}/guardians`, { cpr: '0101575001' })
    const id = await firstCard(office, eva.account, club)
    const at = `/konto/${eva.account}/nyt-kort`
    expect((await mother.get(`${at}/${id}`)).text).toContain('Kortet er bestilt og bliver udleveret i Æblet.')
    expect((await mother.get(at)).text).toContain(`${at}/${id}`) // Nothing else can be ordered meanwhile.
    await office.post('/card-batches')
    await handOutByTap(id)
    const { text } = await mother.get(`${at}/${id}`)
    expect(text).toContain('Kortet kan bruges nu.')
    expect(text).not.toContain('Det gamle kort')
    const file = await mother.get('/privatliv/mine-data')
    expect(JSON.parse(file.text).money.cardOrders).toMatchObject([
      { id, cause: 'first', club: 'Æblet', number: '4000-0000014', printedName: 'Eva Prøvebarn', status: 'handed_out' },
    ])
  })
})

describe('a card that was sent by post', () => {
  async function sent(): Promise<{ id: string; uid: string }> {
    await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår' })
    const fields = {
      ...{ id: newSale(), price: String(FEE), lostCard: String(ada.card), recipient: 'Ada Prøvebarn' },
      ...{ street: 'Prøvevej 1', postalCode: '4000', city: 'Prøveby', pay: 'account', mail: '', terms: 'da-1' },
    }
    expect((await mother.post(`/konto/${ada.account}/nyt-kort`, { ...fields, accept: 'on' })).status).toBe(303)
    const { cards } = await office.post<{ cards: { number: string; street: string }[] }>('/card-batches')
    expect(cards).toMatchObject([{ street: 'Prøvevej 1', club: null }])
    const uid = newUid()
    await office.post('/card-stock', { rows: [{ line: 2, number: cards[0]?.number, uid }] })
    expect((await mother.get(page(fields.id))).text).not.toContain('Jeg har modtaget kortet')
    await office.post(`/orders/${fields.id}/send`)
    return { id: fields.id, uid }
  }

  it('is put into use by who ordered it, and nobody else', async () => {
    const { id, uid } = await sent()
    expect((await mother.get(page(id))).text).toContain('Jeg har modtaget kortet')
    const front = (await mother.get('/konti')).text
    expect(front).toContain(
      'Et nyt kort er på vej med posten. Det kan først bruges, når du har sagt, at det er kommet.',
    )
    expect(front).toContain(`href="${page(id)}"`)
    expect((await father.get('/konti')).text).not.toContain(page(id)) // Who did not order it cannot say so.
    const told = (await letters()).find(({ kind }) => kind === 'card_sent')
    const sender = { name: 'X Kommune', portal: 'https://4000.klubkort.example' }
    const letter = letterOf({ kind: 'card_sent', data: told }, 'da', sender)
    expect(letter.text).toContain(`»Jeg har modtaget kortet« her:\nhttps://4000.klubkort.example${page(id)}\n`)
    expect((await father.get(page(id))).text).not.toContain('Jeg har modtaget kortet')
    expect((await decide(id, 'modtaget', father)).status).toBe(404)
    expect((await cardsOf(office, ada.account)).map(({ status }) => status)).toEqual(['active'])
    expect((await decide(id, 'modtaget')).status).toBe(303)
    expect(await cardsOf(office, ada.account)).toMatchObject([
      { status: 'closed' },
      { status: 'active', hash: await hashOf(uid) },
    ])
    expect((await mother.get('/konti')).text).not.toContain(page(id))
    const before = await contents(office.db, 'session', 'viewing')
    expect((await decide(id, 'modtaget')).status).toBe(303)
    expect(await contents(office.db, 'session', 'viewing')).toEqual(before)
    await expectSound(office)
  })

  it('cannot be put into use before it is sent, nor once the child has left', async () => {
    const { id } = await sent()
    await office.db.prepare("UPDATE card_order SET status = 'produced' WHERE id = ?").bind(id).run()
    expect((await decide(id, 'modtaget')).status).toBe(409)
    await office.db.prepare("UPDATE card_order SET status = 'sent' WHERE id = ?").bind(id).run()
    expect((await mother.get('/konti')).text).toContain(page(id))
    await office.post(`/children/${ada.child}/leave`)
    expect((await mother.get('/konti')).text).not.toContain(page(id))
    expect((await decide(id, 'modtaget')).status).toBe(409)
    expect((await cardsOf(office, ada.account)).map(({ status }) => status)).toEqual(['blocked'])
  })

  it('and a cancellation at the same time: one of them', async () => {
    const { id } = await sent()
    await Promise.all([decide(id, 'modtaget'), asked(office.token, 'POST', `/orders/${id}/cancel`)])
    const handedOut = (await statusOf(office, id)) === 'handed_out'
    expect((await cardsOf(office, ada.account)).map(({ status }) => status)).toEqual(
      handedOut ? ['closed', 'active'] : ['active'],
    )
    expect(await balance()).toBe(handedOut ? 10_000 - FEE : 10_000)
    await expectSound(office)
  })
})

describe('the life of a card', () => {
  it('is told from its order to its end, with staff by name and guardians as such', async () => {
    const eva = await member(office, club, 'Eva Prøvebarn')
    await office.post(`/children/${eva.child}/guardians`, { cpr: '0101575001' })
    const id = await firstCard(office, eva.account, club)
    const { cards } = await office.post<{ cards: { number: string }[] }>('/card-batches')
    const uid = newUid()
    await office.post('/card-stock', { rows: [{ line: 2, number: cards[0]?.number, uid }] })
    await office.post(`/orders/${id}/send`)
    const token = await clubToken(office, 'Karla Prøveklub', club)
    await asked(token, 'POST', '/hand-outs', { id: newSale(), order: id, terminal: terminal.id })
    await lay(terminal, uid)
    const [card] = await cardsOf(office, eva.account)
    await mother.post(`/konto/${eva.account}/kort/${card?.id}/spaer`)
    const replacement = newSale()
    await replacing({ id: replacement, child: eva.child })
    await pay(office, eva.account, FEE)
    await mother.post(`/konto/${eva.account}/nyt-kort/${replacement}/godkend`)
    await handOutByTap(replacement)
    type Life = {
      number: string
      status: string
      events: { what: string; who: { kind: string; name: string | null } }[]
    }
    const told = ({ events }: Life) => events.map(({ what, who }) => `${what}: ${who.name ?? who.kind}`)
    const first = await office.get<Life>(`/cards/${card?.id}/history`)
    expect(first).toMatchObject({ status: 'closed', number: '4000-0000014' })
    expect(told(first)).toEqual([
      'card_ordered: system',
      'card_batched: Astrid',
      'card_produced: Astrid',
      'card_order_sent: Astrid',
      'card_added: Karla Prøveklub',
      'card_order_handed_out: Karla Prøveklub',
      'card_blocked: guardian',
      'card_closed: Astrid',
    ])
    expect(told(await office.get<Life>(`/orders/${replacement}`))).toEqual([
      'card_replacement_begun: Astrid',
      'card_replacement_approved: guardian',
      'card_added: Astrid',
      'card_order_handed_out: Astrid',
    ])
    expect(JSON.stringify([first, await office.get(`/orders/${replacement}`)])).not.toContain('Asta')
    const other = await clubToken(office, 'Peter Prøveklub', await newSite(office, 'Pæren'))
    expect(codeOf(await asked(other, 'GET', `/cards/${card?.id}/history`))).toBe('card_unknown')
    expect(codeOf(await asked(other, 'GET', `/cards/${card?.id}`))).toBe('card_unknown')
    expect((await asked(token, 'GET', `/cards/${card?.id}/history`)).status).toBe(200)
  })
})
