import { beforeEach, describe, expect, it } from 'vitest'
import { ore } from '../../shared/money.ts'
import { orderCard } from '../../worker/cards/card-orders.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { deliver } from '../../worker/letters/outbox.ts'
import { leave as leaveNow } from '../../worker/people/leaving.ts'
import { mailService } from './mail-service.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  contents,
  type EnrolledTerminal,
  type Municipality,
  newSale,
  oneSite,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

let office: Municipality
let terminal: EnrolledTerminal
let ada: CardHolder
let bo: CardHolder
let spare: number
let mother: Parent
let father: Parent

beforeEach(async () => {
  ;({ office, terminal } = await oneSite())
  ada = await cardHolder(office, { name: 'Ada Prøvebarn', credit: 10_000 })
  bo = await cardHolder(office, { name: 'Bo Prøvebarn', credit: 10_000 })
  spare = (await office.post<{ id: number }>('/cards', { child: ada.child, uid: '04c0ffee000009' })).id
  mother = await parentOf(office, '0101575001', [ada.child], 'Asta Prøveforælder')
  father = await parentOf(office, '0201575002', [ada.child, bo.child], 'Birk Prøveforælder')
  await mother.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@klubkort.example' })
})

type Cards = { results: { status: string; version: number }[] }
const cardsOf = async (child: number): Promise<Cards['results']> => {
  const query = office.db.prepare(
    `SELECT status, version FROM card JOIN account ON account.id = card.account WHERE child = ? ORDER BY card.id`,
  )
  return ((await query.bind(child).all()) as unknown as Cards).results
}
const statuses = async (child: number) => (await cardsOf(child)).map(({ status }) => status)
const letters = async () =>
  (await office.db.prepare('SELECT guardian, kind, recipient, data FROM outbox ORDER BY id').all()).results
const leave = (child = ada.child) => office.post<{ leftAt: number }>(`/children/${child}/leave`)
const comeBack = () => office.post<{ leftAt: number | null }>(`/children/${ada.child}/return`)
const results = async (kind: 'request' | 'advice') =>
  (await terminal.send(await terminal.say(kind, { card: ada.hash, amount: 500 }))).body.results
const stateOf = (order: string) =>
  office.db.prepare('SELECT status FROM card_order WHERE id = ?').bind(order).first('status')

/** A new card that is paid from the account; the order's id. */
async function ordered(holder = ada, parent = mother): Promise<string> {
  const id = newSale()
  const where = { recipient: 'Ada Prøvebarn', street: 'Prøvevej 1', postalCode: '4000', city: 'Prøveby' }
  const by = { account: holder.account, guardian: parent.guardian, lostCard: holder.card }
  const ordering = { ...where, ...by, id, fee: ore(4_500), terms: 'da-1', from: 'account' as const }
  expect(await orderCard(office.db, ordering, Date.now())).toBe('ordered')
  return id
}
const refusal = async (path: string, body: unknown = {}) =>
  (await call('POST', `/api/staff${path}`, { token: office.token, body })).body.error?.code

describe('a child that leaves', () => {
  it('has all its cards frozen, each under a version that the tills have not seen', async () => {
    const [newest] = (await office.db.prepare('SELECT max(version) AS version FROM card').all()).results
    expect(await statuses(ada.child)).toEqual(['active', 'active'])
    expect((await leave()).leftAt).toBeGreaterThan(0)
    const after = await cardsOf(ada.child)
    expect(after.map(({ status }) => status)).toEqual(['blocked', 'blocked'])
    const versions = after.map(({ version }) => version)
    expect(Math.min(...versions)).toBeGreaterThan(newest?.version as number)
    expect(new Set(versions).size).toBe(2)
    expect(await statuses(bo.child)).toEqual(['active'])
  })

  it('leaves once: again changes nothing and tells nobody', async () => {
    await leave()
    const before = await contents(office.db, 'viewing')
    await leave()
    expect(await contents(office.db, 'viewing')).toEqual(before)
  })

  it('is refused at the till, and what a till had sold offline is booked', async () => {
    await leave()
    expect(await results('request')).toMatchObject([{ outcome: 'declined', reason: 'card_blocked' }])
    expect(await results('advice')).toMatchObject([{ outcome: 'approved', reason: 'card_blocked', balance: 9_500 }])
    expect((await checkLedger(office.db)).violations).toEqual([])
  })

  it('has no card that parents or staff can activate, and gets none', async () => {
    await leave()
    const shown = await mother.post(`/konto/${ada.account}/kort/${ada.card}/aktiver`)
    expect(shown.status).toBe(400)
    expect(shown.text).toContain('Ada Prøvebarn er meldt ud')
    expect(await refusal(`/cards/${ada.card}/activate`)).toBe('child_left')
    expect(await refusal('/cards', { child: ada.child, uid: '04c0ffee00000a' })).toBe('child_left')
    expect(await statuses(ada.child)).toEqual(['blocked', 'blocked'])
    expect((await mother.post(`/konto/${ada.account}/kort/${ada.card}/spaer`)).status).toBe(303)
  })

  it('can have no new card ordered, nor handed out', async () => {
    await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår' })
    const ordering = {
      ...{ account: ada.account, guardian: mother.guardian, lostCard: ada.card, recipient: 'Ada Prøvebarn' },
      ...{ street: 'Prøvevej 1', postalCode: '4000', city: 'Prøveby', fee: ore(4_500), terms: 'da-1' },
    }
    const id = newSale()
    expect(await orderCard(office.db, { ...ordering, id, from: 'account' }, Date.now())).toBe('ordered')
    const unpaid = newSale()
    const [other] = [{ ...ordering, account: bo.account, guardian: father.guardian, lostCard: bo.card }]
    expect(await orderCard(office.db, { ...other, id: unpaid, from: 'checkout' }, Date.now())).toBe('unpaid')
    await leave()
    await leave(bo.child)
    expect(await refusal(`/orders/${id}/hand-out`, { uid: '04c0ffee00000a' })).toBe('child_left')
    expect(await office.post(`/orders/${id}/cancel`)).toMatchObject({ status: 'cancelled' })
    expect(await orderCard(office.db, { ...ordering, id: newSale(), from: 'account' }, Date.now())).toBe('child_left')
    expect(await office.db.prepare('SELECT status FROM card_order WHERE id = ?').bind(unpaid).first('status')).toBe(
      'cancelled',
    )
    const form = await mother.get(`/konto/${ada.account}/nyt-kort`)
    expect(form.text).toContain('er meldt ud')
    expect(form.text).toContain(`/konto/${ada.account}/udbetal`)
    expect((await checkLedger(office.db)).violations).toEqual([])
  })

  it('has its order of a card that is not in the post cancelled, and the fee is told of with the rest', async () => {
    const id = await ordered()
    expect(await leave()).toMatchObject({ balance: 10_000 })
    await leave()
    expect(await stateOf(id)).toBe('cancelled')
    expect(await letters()).toMatchObject([
      { kind: 'card_order_cancelled', recipient: 'asta@klubkort.example', data: expect.stringContaining('4500') },
      { kind: 'child_left', data: expect.stringContaining('"balance":10000') },
    ])
    expect(await refusal(`/orders/${id}/send`)).toBe('child_left')
    expect((await checkLedger(office.db)).violations).toEqual([])
  })

  it('has an order cancelled that came while it was being taken out', async () => {
    let id = ''
    const late = new Proxy(office.db, {
      get(db, name) {
        if (name !== 'batch') return Reflect.get(db, name).bind(db)
        return async (statements: D1PreparedStatement[]) => {
          if (id === '') id = await ordered()
          return db.batch(statements)
        }
      },
    })
    expect(await leaveNow(late, ada.child, 1, Date.now())).toMatchObject({ balance: 10_000 })
    expect(await stateOf(id)).toBe('cancelled')
  })

  it('is sent no card: an order in the post stays as it is, and one that is not is refused', async () => {
    const [sent, open] = [await ordered(), await ordered(bo, father)]
    await office.post(`/orders/${sent}/send`)
    await leave()
    expect(await stateOf(sent)).toBe('sent')
    expect(await refusal(`/orders/${sent}/hand-out`, { uid: '04c0ffee00000a' })).toBe('child_left')
    await office.db.prepare('UPDATE child SET left_at = 1 WHERE id = ?').bind(bo.child).run()
    expect(await refusal(`/orders/${open}/send`)).toBe('child_left')
    expect(await stateOf(open)).toBe('ordered')
  })

  it('says how many of its guardians are not told, also who has never logged in', async () => {
    expect(await leave()).toMatchObject({ guardians: 2, untold: 1 })
    await office.post(`/children/${bo.child}/guardians`, { cpr: '0301575003' })
    expect(await leave(bo.child)).toMatchObject({ guardians: 2, untold: 2 })
  })

  it('has its top-up agreement ended', async () => {
    const agreement = office.db.prepare(
      `INSERT INTO agreement (id, account, guardian, mail, amount, threshold, activation, per_day, terms, status,
                              customer, payment_method, created_at)
       VALUES (?1, ?2, ?3, 'asta@klubkort.example', 10000, 5000, 10000, 2, 'da-1', ?4, 'cus_1', 'pm_1', 1)`,
    )
    const [one, other] = [newSale(), newSale()]
    await agreement.bind(one, ada.account, mother.guardian, 'active').run()
    await agreement.bind(other, bo.account, father.guardian, 'active').run()
    await leave()
    const { results } = await office.db.prepare('SELECT id, status FROM agreement ORDER BY rowid').all()
    expect(results).toEqual([
      { id: one, status: 'cancelled' },
      { id: other, status: 'active' },
    ])
  })

  it('has its guardians told who have a mail address, with the balance and the way to have it paid out', async () => {
    await leave()
    expect(await letters()).toMatchObject([
      { guardian: mother.guardian, kind: 'child_left', recipient: 'asta@klubkort.example' },
    ])
    await office.db.prepare("UPDATE municipality SET mail_from = 'kort@klubkort.example'").run()
    const mails = mailService()
    await deliver(office.db, mails.binding, { municipality: 4000, portal: 'https://4000.klubkort.example' }, Date.now())
    const [mail] = mails.sent
    expect(mail?.text).toContain('100,00 kr.')
    expect(mail?.text).toContain(`https://4000.klubkort.example/konto/${ada.account}/udbetal`)
    expect(mail?.text).not.toContain('Prøvebarn')
  })

  it('is told of at Konti and Brugerinfo, which offer Udbetal', async () => {
    expect((await mother.get('/konti')).text).not.toContain('er meldt ud')
    await leave()
    for (const path of ['/konti', `/konto/${ada.account}/brugerinfo`]) {
      const { text } = await mother.get(path)
      expect(text).toContain('er meldt ud')
      expect(text).toContain(`href="/konto/${ada.account}/udbetal"`)
      expect(text).not.toContain('Aktiver kort')
      expect(text).not.toContain(`href="/konto/${ada.account}/nyt-kort"`)
    }
    expect((await father.get('/konti')).text.match(/er meldt ud/g)).toHaveLength(1)
  })

  it('comes back with its cards blocked until somebody activates them', async () => {
    await leave()
    expect((await comeBack()).leftAt).toBeNull()
    const before = await contents(office.db, 'viewing')
    await comeBack()
    expect(await contents(office.db, 'viewing')).toEqual(before)
    expect(await statuses(ada.child)).toEqual(['blocked', 'blocked'])
    expect((await mother.post(`/konto/${ada.account}/kort/${spare}/aktiver`)).status).toBe(303)
    expect(await statuses(ada.child)).toEqual(['blocked', 'active'])
  })

  it('that leaves a second time has its guardians told again', async () => {
    await leave()
    await comeBack()
    await leave()
    expect(await letters()).toHaveLength(2)
  })

  it('must be there', async () => {
    expect(await refusal('/children/999/leave')).toBe('child_unknown')
    expect(await refusal('/children/999/return')).toBe('child_unknown')
  })
})

describe('what staff did', () => {
  it('is in the audit log, and names nobody', async () => {
    await leave()
    await comeBack()
    const { results } = await office.db
      .prepare("SELECT action, subject, staff, detail FROM audit WHERE subject = ? AND action <> 'guardianship_added'")
      .bind(`child:${ada.child}`)
      .all()
    expect(results).toEqual([
      { action: 'child_left', subject: `child:${ada.child}`, staff: 1, detail: null },
      { action: 'cards_frozen', subject: `child:${ada.child}`, staff: 1, detail: null },
      { action: 'child_came_back', subject: `child:${ada.child}`, staff: 1, detail: null },
    ])
  })
})
