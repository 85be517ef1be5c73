import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import type { CardOrder } from '../shared/office/cards.ts'
import type { Child } from '../shared/office/children.ts'
import { commandLine } from './local/command-line.ts'
import { refusal, standInWorker } from './local/stand-in-worker.ts'

const ID = '0198c0de-0000-7000-8000-000000000001'

const order: z.infer<typeof CardOrder> = {
  id: ID,
  account: 7,
  child: { id: 3, name: 'Freja \u001b[31mPrøvebarn' },
  cause: 'replacement',
  club: null,
  batch: null,
  number: null,
  producedAt: null,
  lostCard: 9,
  recipient: 'Freja Prøvebarn',
  street: 'Prøvevej 1',
  postalCode: '4000',
  city: 'Prøveby',
  fee: 4_500,
  paidFrom: 'account',
  status: 'ordered',
  card: null,
  expired: false,
  createdAt: Date.UTC(2026, 11, 24, 17, 0),
  orderedAt: Date.UTC(2026, 11, 24, 17, 0),
  sentAt: null,
  endedAt: null,
}

const child: z.infer<typeof Child> = {
  ...{ id: 3, name: 'Freja Prøvebarn', account: 7, balance: 12_350, dailyLimit: null, cards: [], guardians: 1 },
  leftAt: Date.UTC(2026, 11, 24, 17, 0),
  club: null,
}

const REFUSED = refusal('order_ended', 'it is over')

/** A worker that answers one call; every other call is refused. */
const office = (call: string, body: unknown) => standInWorker({ [call]: { body } }, REFUSED)

const klubkort = (url: string, args: string[], input = '') => commandLine({ folder: tmpdir(), url, input })(...args)

test('orders are listed with what goes on the envelope, and nothing that steers the terminal', async () => {
  const { url } = await office('GET /api/staff/orders?state=under_way&offset=0', { orders: [order], more: true })
  const { code, out } = await klubkort(url, ['order', 'list'])
  expect(code).toBe(0)
  expect(out).toContain(`Order ${ID}: ordered`)
  expect(out.replaceAll('\n    ', ' ')).toContain(
    'child 3, Freja [31mPrøvebarn; a replacement, ordered 24.12.2026 18.00; for card 9',
  )
  expect(out).toContain('to Freja Prøvebarn, Prøvevej 1, 4000 Prøveby')
  expect(out).toContain('klubkort order list --state under_way --offset 1')
  expect(out).not.toContain('\u001b')
})

test('a replacement that expired is listed as such, and not as one that somebody cancelled', async () => {
  const ended = { ...order, cause: 'same_day', status: 'cancelled', orderedAt: null, club: { id: 1, name: 'Æblet' } }
  const orders = [{ ...ended, expired: true }, ended]
  const { url } = await office('GET /api/staff/orders?state=ended&offset=0', { orders, more: false })
  const { out } = await klubkort(url, ['order', 'list', '--state', 'ended'])
  expect(out.split('\n').filter((line) => line.startsWith('Order'))).toEqual([
    `Order ${ID}: expired, as nobody approved it`,
    `Order ${ID}: cancelled`,
  ])
})

test('an empty list says so', async () => {
  const { url } = await office('GET /api/staff/orders?state=ended&offset=0', { orders: [], more: false })
  expect((await klubkort(url, ['order', 'list', '--state', 'ended'])).out).toBe('No such orders.\n')
})

test('a card is handed out by its UID, typed or read', async () => {
  const done = { ...order, status: 'handed_out', card: 12 }
  const { url, heard } = await office(`POST /api/staff/orders/${ID}/hand-out`, done)
  const typed = await klubkort(url, ['order', 'hand-out', ID, '--uid', '04:A1:b2:c3:d4:e5:f6'])
  const read = await klubkort(url, ['order', 'hand-out', ID, '--uid', '-'], '04a1b2c3d4e5f6\n')
  expect(typed.out).toContain('Card 12 of child 3')
  expect(typed.out).toContain('is active; card 9 is closed.')
  expect(read.code).toBe(0)
  expect(heard.map(({ body }) => body)).toEqual([{ uid: '04a1b2c3d4e5f6' }, { uid: '04a1b2c3d4e5f6' }])
})

test('a UID or an id that is none is wrong usage, is not sent, and is not repeated', async () => {
  const { url, heard } = await standInWorker({}, REFUSED)
  const uid = await klubkort(url, ['order', 'hand-out', ID, '--uid', '04a1b2'])
  expect([uid.code, uid.err.includes('04a1b2')]).toEqual([2, false])
  expect((await klubkort(url, ['order', 'send', '7'])).code).toBe(2)
  expect((await klubkort(url, ['child', 'leave', 'x'])).code).toBe(2)
  expect(heard).toEqual([])
})

test('sending and cancelling say what has come of it', async () => {
  const sent = await office(`POST /api/staff/orders/${ID}/send`, { ...order, status: 'sent' })
  expect((await klubkort(sent.url, ['order', 'send', ID])).out).toBe(`Order ${ID} is sent.\n`)
  const cancelled = await office(`POST /api/staff/orders/${ID}/cancel`, { ...order, status: 'cancelled' })
  const { out } = await klubkort(cancelled.url, ['order', 'cancel', ID])
  expect(out).toBe(`Order ${ID} is cancelled; 45,00 kr are back on account 7.\n`)
  const unapproved = await office(`POST /api/staff/orders/${ID}/cancel`, {
    ...{ ...order, status: 'cancelled', cause: 'same_day', orderedAt: null },
  })
  expect((await klubkort(unapproved.url, ['order', 'cancel', ID])).out).toBe(
    `Order ${ID} is cancelled; nothing was paid.\n`,
  )
  const refused = await klubkort((await standInWorker({}, REFUSED)).url, ['order', 'cancel', ID])
  expect([refused.code, refused.err]).toEqual([1, 'klubkort: it is over (order_ended)\n'])
})

test('a child leaves and returns', async () => {
  const left = await office('POST /api/staff/children/3/leave', { ...child, untold: 2 })
  expect((await klubkort(left.url, ['child', 'leave', '3'])).out).toBe(
    `Child 3, Freja Prøvebarn, has left; account 7 holds 123,50 kr.
2 guardians could not be told, as no mail address of theirs is known: phone or write a letter.
`,
  )
  for (const [more, words] of [
    [{ cards: [{ id: 9, status: 'blocked', createdAt: 0 }] }, 'its cards are blocked until activated'],
    [
      { club: { id: 1, name: 'Æblet' }, cards: [{ id: 9, status: 'closed', createdAt: 0 }] },
      'a card is ordered for it',
    ],
    [{}, 'it has no card'],
  ] as const) {
    const back = await office('POST /api/staff/children/3/return', { ...child, leftAt: null, ...more })
    expect((await klubkort(back.url, ['child', 'return', '3'])).out).toBe(
      `Child 3, Freja Prøvebarn, is back; ${words}.\n`,
    )
  }
  const shown = await office('GET /api/staff/children/3', child)
  expect((await klubkort(shown.url, ['child', 'show', '3'])).out).toContain('left 24.12.2026 18.00')
})
