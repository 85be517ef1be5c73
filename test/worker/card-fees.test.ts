import { beforeEach, expect, it } from 'vitest'
import { ore } from '../../shared/money.ts'
import { orderCard } from '../../worker/cards/card-orders.ts'
import { beginCardFee } from '../../worker/payments/payments.ts'
import { settle } from '../../worker/payments/settlements.ts'
import { newSale } from './municipality.ts'
import { expectSound, type Till, till } from './paying.ts'

let at: Till
let order: string

beforeEach(async () => {
  at = await till()
  order = newSale()
  const { account, card } = at.ida
  const address = { recipient: 'Asta Prøveforælder', street: 'Prøvevej 1', postalCode: '4000', city: 'Roskilde' }
  const ordering = { id: order, account, guardian: at.parent.guardian, lostCard: card, fee: ore(4_500), terms: 'da-1' }
  const ordered = await orderCard(at.db, { ...ordering, ...address, from: 'checkout' }, at.clock.nowMs)
  expect(ordered).toBe('unpaid')
  return () => expectSound(at.db)
})

const begin = (id: string, more: Partial<Parameters<typeof beginCardFee>[2]> = {}) =>
  beginCardFee(
    at.db,
    at.stripe,
    {
      ...{
        id,
        order,
        account: at.ida.account,
        guardian: at.parent.guardian,
        mail: 'asta@mail.example',
        language: 'da',
      },
      origin: 'http://4000.localhost',
      ...more,
    },
    at.clock.nowMs,
  )

async function page(id: string) {
  const begun = await begin(id)
  if (begun.kind !== 'page') throw new Error(`no page: ${JSON.stringify(begun)}`)
  return begun.address.split('/').at(-1) ?? ''
}

const status = () => at.db.prepare('SELECT status FROM card_order WHERE id = ?').bind(order).first('status')
const settled = (id: string) => settle(at.db, at.stripe, id, at.clock.nowMs)

it("a card order's fee is paid once, goes to its own account, and orders the card", async () => {
  const id = newSale()
  const checkout = await page(id)
  expect(await page(id)).toBe(checkout)
  expect(at.standIn.state.sessions[checkout]).toMatchObject({
    amount_total: 4_500,
    success_url: `http://4000.localhost/konto/${at.ida.account}/nyt-kort/${order}`,
  })
  at.standIn.pay(checkout)
  const intent = at.standIn.intentOf(checkout).id
  for (const each of await Promise.all([settled(id), settled(id), settled(id)])) {
    expect(each).toMatchObject({ status: 'paid', order, purpose: 'card_fee', balanceAfter: null })
  }
  expect(await at.transfers()).toEqual([`card_fee:${intent} 4500 psp_clearing → card_fee_revenue`])
  expect(await status()).toBe('ordered')
  expect(await begin(newSale())).toEqual({ kind: 'ended' })
})

it('a fee that is paid on two pages is kept once, and the other one is on the account', async () => {
  const ids = [newSale(), newSale()]
  const pages = [await page(ids[0] ?? ''), await page(ids[1] ?? '')]
  for (const checkout of pages) at.standIn.pay(checkout)
  for (const id of [...ids, ...ids]) await settled(id)
  const second = at.standIn.intentOf(pages[1] ?? '').id
  expect((await at.transfers()).slice(1)).toEqual([
    `card_fee:${second} 4500 psp_clearing → card_fee_revenue`,
    `card_fee_return:${second} 4500 card_fee_revenue → wallet`,
  ])
  expect(await at.balance()).toBe(4_500)
  expect(await at.letters()).toEqual(['deposited asta@mail.example 4500'])
})

it('a fee that comes when the child has left is on the account, once', async () => {
  const id = newSale()
  const checkout = await page(id)
  await at.db.prepare('UPDATE child SET left_at = 1 WHERE id = ?').bind(at.ida.child).run()
  expect(await begin(newSale())).toEqual({ kind: 'child_left' })
  at.standIn.pay(checkout)
  await Promise.all([settled(id), settled(id)])
  expect(await status()).toBe('cancelled')
  expect(await at.balance()).toBe(4_500)
  expect(await at.transfers()).toHaveLength(2)
})

it("nobody pays for somebody else's order", async () => {
  expect(await begin(newSale(), { guardian: at.parent.guardian + 1 })).toEqual({ kind: 'not_found' })
  expect(await begin(newSale(), { order: newSale() })).toEqual({ kind: 'not_found' })
  expect(await begin(newSale(), { account: at.ida.account + 1 })).toEqual({ kind: 'not_found' })
})
