import { beforeEach, describe, expect, it } from 'vitest'
import type { SaleLine } from '../../shared/debit.ts'
import type { Product } from '../../shared/office/products.ts'
import type { SyncAnswer } from '../../shared/wire.ts'
import { setClosed } from '../../worker/cards/closed-categories.ts'
import { disclosure } from '../../worker/people/disclosure.ts'
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
let ida: CardHolder
let parent: Parent
let liquorice: SaleLine
let toast: SaleLine

beforeEach(async () => {
  const opened = await oneSite()
  const { site } = opened
  ;({ office, terminal } = opened)
  ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 10_000 })
  parent = await parentOf(office, '0101575001', [ida.child], 'Asta Prøveforælder')
  const put = async (name: string, price: number, category: string) => {
    const { id } = await office.post<Product>('/products', { site, name, price, category })
    return { product: id, quantity: 1, price }
  }
  toast = await put('Toast', 1500, 'food')
  liquorice = await put('Lakrids', 300, 'sweets')
})

const keyedIn = { product: null, quantity: 1, price: 500 }
const totalOf = (lines: SaleLine[]) => lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0)
const close = (verb: 'luk' | 'aabn' = 'luk', category = 'sweets', by = parent) =>
  by.post(`/konto/${ida.account}/varegrupper/${category}/${verb}`)

/** What a card is answered for these lines. */
async function bought(kind: 'request' | 'advice', lines: SaleLine[], sale = newSale(), card = ida.hash) {
  const { body } = await terminal.send(await terminal.say(kind, { sale, card, amount: totalOf(lines), lines }))
  const [{ sale: _, seq, ...result }] = body.results as [{ sale: string; seq: number; outcome: string }]
  return result
}

async function synced(since: number): Promise<SyncAnswer> {
  const path = '/api/terminal/sync'
  const { status, body } = await call('GET', `${path}?since=${since}`, { token: await terminal.proof(path) })
  expect(status).toBe(200)
  return body as SyncAnswer
}

describe('a category that is closed', () => {
  it('is declined with whatever else is in the sale, and nothing else is', async () => {
    expect(await bought('request', [liquorice])).toEqual({ outcome: 'approved', balance: 9_700 })
    await close()
    const declined = { outcome: 'declined', balance: 9_700, reason: 'category_closed', closed: [liquorice.product] }
    expect(await bought('request', [liquorice])).toEqual(declined)
    expect(await bought('request', [toast, keyedIn, liquorice])).toEqual(declined)
    expect(await bought('request', [toast, keyedIn])).toEqual({ outcome: 'approved', balance: 7_700 })
    expect(await bought('request', [{ ...keyedIn, product: 99 }])).toEqual({ outcome: 'approved', balance: 7_200 })
    const emil = await cardHolder(office, { name: 'Emil Prøvebarn', credit: 1_000 })
    expect(await bought('request', [liquorice], newSale(), emil.hash)).toMatchObject({ outcome: 'approved' })
    await close('aabn')
    expect(await bought('request', [liquorice])).toMatchObject({ outcome: 'approved' })
  })

  it('is told before an empty account is, and after a blocked card', async () => {
    await close()
    const dear = { ...liquorice, quantity: 99 }
    expect(await bought('request', [dear])).toMatchObject({ reason: 'category_closed' })
    await office.post(`/cards/${ida.card}/block`)
    expect(await bought('request', [dear])).toMatchObject({ reason: 'card_blocked' })
  })

  it('that was handed over offline all the same is booked, and waits for staff', async () => {
    await close()
    const sale = newSale()
    expect(await bought('advice', [liquorice], sale)).toEqual({
      outcome: 'approved',
      balance: 9_700,
      reason: 'category_closed',
    })
    expect(await office.get('/reviews')).toMatchObject({ items: [{ kind: 'advice', what: 'category_closed' }] })
    const reversed = await terminal.send(
      await terminal.say('reversal', { sale, card: ida.hash, amount: 300, lines: [liquorice] }),
    )
    expect(reversed.body.results).toMatchObject([{ outcome: 'reversed', balance: 10_000 }])
  })

  it('follows the product: one that becomes sweets can be bought no more, and one that was can', async () => {
    await close()
    await office.post(`/products/${toast.product}/category`, { category: 'sweets' })
    await office.post(`/products/${liquorice.product}/category`, { category: 'food' })
    expect(await bought('request', [toast])).toMatchObject({ reason: 'category_closed' })
    expect(await bought('request', [liquorice])).toMatchObject({ outcome: 'approved' })
  })
})

describe('a till', () => {
  it('hears of it at its next sync for each card of the account, also for one made later, and of no other', async () => {
    const emil = await cardHolder(office, { name: 'Emil Prøvebarn' })
    await office.post('/cards', { child: ida.child, uid: '04c0ffee000002' })
    const { version, cards } = await synced(0)
    expect(cards.map(({ closed }) => closed)).toEqual([undefined, undefined, undefined])
    await close()
    const after = await synced(version)
    expect(after.cards).toHaveLength(2)
    for (const card of after.cards) expect(card).toMatchObject({ status: 'active', closed: ['sweets'] })
    expect(after.cards.map(({ hash }) => hash)).not.toContain(emil.hash)
    await close('luk', 'drink')
    const both = await synced(after.version)
    expect(both.cards.map(({ closed }) => closed?.toSorted())).toEqual([
      ['drink', 'sweets'],
      ['drink', 'sweets'],
    ])
    await office.post('/cards', { child: ida.child, uid: '04c0ffee000003' })
    expect((await synced(both.version)).cards).toMatchObject([{ closed: expect.arrayContaining(['drink', 'sweets']) }])
    await close('aabn', 'drink')
    await close('aabn')
    const open = await synced((await synced(both.version)).version - 3)
    expect(open.cards).toHaveLength(3)
    for (const card of open.cards) expect(card).not.toHaveProperty('closed')
  })
})

describe('Brugerinfo', () => {
  const shown = async (by = parent) => (await by.get(`/konto/${ida.account}/brugerinfo`)).text

  it('closes and opens a category, and each guardian of the child sees so, and not who did it', async () => {
    const coparent = await parentOf(office, '0901575009', [ida.child], 'Carl Prøveforælder')
    const text = await shown()
    expect(text).toContain('Luk for varegrupper')
    for (const name of ['mad', 'drikkevarer', 'slik', 'aktiviteter', 'materialer', 'andet'])
      expect(text).toContain(`Luk for ${name}`)
    const { status, location } = await close()
    expect([status, location]).toEqual([303, `/konto/${ida.account}/brugerinfo?gjort=lukket`])
    for (const by of [parent, coparent]) {
      const page = await shown(by)
      expect(page).toContain('Åbn for slik')
      expect(page).toMatch(/Lukket af en forælder \S+ den \d+\. \w+ \d{4}|Lukket af en forælder \d+\. \w+ \d{4}/)
    }
    expect(await shown(coparent)).not.toContain('Asta')
    expect((await close('aabn', 'sweets', coparent)).location).toBe(`/konto/${ida.account}/brugerinfo?gjort=aabnet`)
    expect(await shown()).toContain('Luk for slik')
  })

  it('records who did it, and the same again is no change', async () => {
    await close()
    const before = await contents(office.db, 'session', 'viewing')
    await close()
    await close('aabn', 'drink')
    expect(await contents(office.db, 'session', 'viewing')).toEqual(before)
    await close('aabn')
    const deeds = await office.db
      .prepare("SELECT action, subject, detail, guardian FROM audit WHERE action LIKE 'category%' ORDER BY id")
      .all()
    const deed = { subject: `account:${ida.account}`, detail: '{"category":"sweets"}', guardian: parent.guardian }
    expect(deeds.results).toEqual([
      { action: 'category_closed', ...deed },
      { action: 'category_opened', ...deed },
    ])
  })

  it('lets nobody steer another’s account, nor a category that is none', async () => {
    const stranger = await parentOf(office, '0201575002', [], 'Birk Prøveforælder')
    const before = await contents(office.db, 'session', 'viewing')
    expect((await close('luk', 'sweets', stranger)).status).toBe(404)
    expect((await close('luk', 'tobacco')).status).toBe(404)
    const sweets = { category: 'sweets', closed: true } as const
    expect(await setClosed(office.db, ida.account, sweets, stranger.guardian, Date.now())).toBe('not_found')
    await office.post(`/children/${ida.child}/guardians/end`, { cpr: '0101575001' })
    expect(await setClosed(office.db, ida.account, sweets, parent.guardian, Date.now())).toBe('not_found')
    expect((await contents(office.db)).closed_category).toEqual(before.closed_category)
  })

  it('is in what a guardian may take along', async () => {
    await close()
    const { children } = await disclosure(office.db, { guardian: parent.guardian, accounts: [] }, Date.now())
    expect(children[0]?.account.closedCategories).toEqual([{ category: 'sweets', since: expect.any(String) }])
  })
})
