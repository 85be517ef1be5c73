import type Stripe from 'stripe'
import { expect } from 'vitest'
import { checkLedger } from '../../worker/ledger/check.ts'
import { type Beginning, beginDeposit, type Deposit } from '../../worker/payments/payments.ts'
import type { StripeAccount } from '../../worker/payments/stripe/stripe.ts'
import type { Given } from '../local/stripe/stand-in.ts'
import {
  type CardHolder,
  cardHolder,
  emptyDatabases,
  type Municipality,
  municipality,
  newSale,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'
import { stripeAccount, type TestStripe } from './stripe.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS

/** A municipality that takes payments: a child with an empty account, its parent, and Stripe, whose webhooks are held. */
export type Till = TestStripe & {
  office: Municipality
  db: D1Database
  stripe: StripeAccount
  ida: CardHolder
  parent: Parent
  /** What time it is at Stripe and for who is told so here; it stands still. */
  clock: { nowMs: number }
  /** A form of Indbetal, sent; 100 kr. unless it says otherwise. */
  begin(form?: Partial<Deposit>): Promise<Beginning & { id: string }>
  /** A page at Stripe that a form led to: the payment's id, and the page's. */
  page(form?: Partial<Deposit>): Promise<{ id: string; checkout: string }>
  /** A deposit that was paid at Stripe, of which nobody has heard here. */
  paid(form?: Partial<Deposit>, given?: Given): Promise<{ id: string; checkout: string; intent: string }>
  row(id: string): Promise<Record<string, unknown>>
  /** The transfers that are not of staff's making, oldest first: id, amount, and from which account to which. */
  transfers(): Promise<string[]>
  balance(account?: number): Promise<number>
  letters(): Promise<string[]>
}

export async function till(): Promise<Till> {
  await emptyDatabases()
  const office = await municipality()
  const { db } = office
  const ida = await cardHolder(office, { name: 'Ida Prøvebarn' })
  const parent = await parentOf(office, '0101575001', [ida.child])
  const clock = { nowMs: Date.now() }
  const shop = stripeAccount({ now: () => clock.nowMs })
  const stripe = shop.account()
  const form = (id: string): Deposit => ({
    id,
    account: ida.account,
    guardian: parent.guardian,
    amount: 10_000,
    mail: 'asta@mail.example',
    terms: 'da-1',
    language: 'da',
    origin: 'http://4000.localhost',
  })
  const begin: Till['begin'] = async (said = {}) => {
    const id = said.id ?? newSale()
    return { ...(await beginDeposit(db, stripe, { ...form(id), ...said }, clock.nowMs)), id }
  }
  const page: Till['page'] = async (said) => {
    const { id, ...begun } = await begin(said)
    if (begun.kind !== 'page') throw new Error(`no page: ${JSON.stringify(begun)}`)
    return { id, checkout: begun.address.split('/').at(-1) ?? '' }
  }
  return {
    ...shop,
    ...{ office, db, stripe, ida, parent, clock, begin, page },
    async paid(said, given = {}) {
      const opened = await page(said)
      expect(shop.standIn.pay(opened.checkout, given)).toEqual({ kind: 'done' })
      return { ...opened, intent: shop.standIn.intentOf(opened.checkout).id }
    },
    async row(id) {
      const found = await db.prepare('SELECT * FROM payment WHERE id = ?').bind(id).first()
      if (!found) throw new Error(`no payment ${id}`)
      return found
    },
    async transfers() {
      const found = await db
        .prepare(
          `SELECT transfer.id || ' ' || amount || ' ' || debited.kind || ' → ' || credited.kind AS text
           FROM transfer JOIN account AS debited ON debited.id = debit_account
           JOIN account AS credited ON credited.id = credit_account WHERE staff IS NULL ORDER BY transfer.rowid`,
        )
        .all<{ text: string }>()
      return found.results.map(({ text }) => text)
    },
    async balance(account = ida.account) {
      const newest = db.prepare('SELECT balance FROM posting WHERE account = ? ORDER BY seq DESC LIMIT 1').bind(account)
      return (await newest.first<number>('balance')) ?? 0
    },
    async letters() {
      const found = await db
        .prepare(`SELECT kind || ' ' || recipient || ' ' || (data ->> 'amount') AS text FROM outbox ORDER BY id`)
        .all<{ text: string }>()
      return found.results.map(({ text }) => text)
    },
  }
}

export async function expectSound(db: D1Database) {
  expect((await checkLedger(db)).violations).toEqual([])
}

/** What somebody who watches events would see last of a kind; throws where there was none. */
export function lastEvent({ standIn }: TestStripe, type: string): Stripe.Event {
  const event = standIn.events.findLast((each) => each.type === type)
  if (!event) throw new Error(`no event ${type}`)
  return event
}
