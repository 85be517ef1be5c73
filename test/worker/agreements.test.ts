import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { confirm } from '../../worker/confirmations.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { settings } from '../../worker/municipality/settings.ts'
import { beginCardChange, beginSetup, completeSetup } from '../../worker/payments/agreement-setup.ts'
import { announceExpiring, keepAgreements } from '../../worker/payments/agreement-upkeep.ts'
import {
  type AgreementDraft,
  agreementIn,
  agreementOf,
  agreementsIn,
  agreementsOf,
  cancelAgreement,
  cancelAgreementsOf,
  comeIntoForce,
  draftAgreement,
  resumeAgreement,
  topUpBounds,
} from '../../worker/payments/agreements.ts'
import { type CardHolder, cardHolder, emptyDatabases, type Municipality, municipality, pay } from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'
import { addressOf, type Desk, topUpDesk } from './top-up-desk.ts'

const START_MS = Date.UTC(2026, 10, 20, 12, 0)
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

let office: Municipality
let db: D1Database
let ida: CardHolder
let asta: Parent
let desk: Desk
let now: number

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  db = office.db
  ida = await cardHolder(office, { name: 'Ida Prøvebarn' })
  asta = await parentOf(office, '0101575001', [ida.child])
  now = START_MS
  desk = topUpDesk(db, () => now)
})
afterEach(async () => {
  expect((await checkLedger(db)).violations).toEqual([])
  vi.restoreAllMocks()
})

const newId = () => uuidv7(now, crypto.getRandomValues(new Uint8Array(16)))

/** What Asta's form says, and what of it differs. */
const form = (more: Partial<AgreementDraft> = {}): AgreementDraft => ({
  ...{
    id: newId(),
    account: ida.account,
    guardian: asta.guardian,
    amount: 10_000,
    mail: 'asta@example.dk',
    terms: 'da-1',
  },
  ...more,
})

const wanted = (id: string, guardian = asta.guardian) =>
  ({ id, guardian, language: 'da', consent: 'Jeg giver lov', origin: 'http://4000.localhost' }) as const

async function drafted(more: Partial<AgreementDraft> = {}): Promise<string> {
  const draft = form(more)
  expect(await draftAgreement(db, draft, now)).toBe('drafted')
  return draft.id
}

/** An agreement that has its card. */
async function agreed(more: Partial<AgreementDraft> = {}, expires = '12/49'): Promise<string> {
  const id = await drafted(more)
  addressOf(await beginSetup(db, desk.account, wanted(id, more.guardian), now))
  await desk.giveCard(id, { expires })
  return id
}

const row = (id: string) => db.prepare('SELECT * FROM agreement WHERE id = ?').bind(id).first<Record<string, unknown>>()
const statusOf = async (id: string) => (await row(id))?.status
const letters = async (kind: string) =>
  (await db.prepare('SELECT recipient, data FROM outbox WHERE kind = ?').bind(kind).all<Record<string, string>>())
    .results

describe('a draft', () => {
  it('takes an amount that a deposit may have and that lifts the account over the threshold', async () => {
    await db.prepare('UPDATE municipality SET deposit_min = 3000, deposit_max = 20000').run()
    expect(topUpBounds((await settings(db)).money)).toEqual({ least: 5_000, most: 20_000 })
    expect(await draftAgreement(db, form({ amount: 4_999 }), now)).toBe('amount_too_small')
    expect(await draftAgreement(db, form({ amount: 20_001 }), now)).toBe('amount_too_large')
    expect(await draftAgreement(db, form({ amount: 5_000 }), now)).toBe('drafted')
    expect(await draftAgreement(db, form({ amount: 20_000 }), now)).toBe('drafted')
  })

  it('is made once by the same form, and not again with other content', async () => {
    const draft = form()
    expect(await draftAgreement(db, draft, now)).toBe('drafted')
    expect(await draftAgreement(db, draft, now)).toBe('drafted')
    expect(await draftAgreement(db, { ...draft, amount: 12_000 }, now)).toBe('changed')
    expect(await draftAgreement(db, { ...draft, mail: 'another@example.dk' }, now)).toBe('changed')
    expect((await row(draft.id))?.amount).toBe(10_000)
  })

  it("is of no account but the guardian's, and of no child that has left", async () => {
    const stranger = await parentOf(office, '0202575002')
    expect(await draftAgreement(db, form({ guardian: stranger.guardian }), now)).toBe('not_found')
    expect(await draftAgreement(db, form({ account: 99_999 }), now)).toBe('not_found')
    await db.prepare('UPDATE child SET left_at = 1 WHERE id = ?').bind(ida.child).run()
    expect(await draftAgreement(db, form(), now)).toBe('child_left')
  })

  it("of one guardian is nobody else's: not to draft anew, to set up, to see or to cancel", async () => {
    const bo = await parentOf(office, '0202575002', [ida.child])
    const draft = form()
    await draftAgreement(db, draft, now)
    expect(await draftAgreement(db, { ...draft, guardian: bo.guardian }, now)).toBe('not_found')
    expect(await beginSetup(db, desk.account, wanted(draft.id, bo.guardian), now)).toEqual({ kind: 'not_found' })
    const [seen] = await db.batch([agreementOf(db, { id: draft.id, account: ida.account, guardian: bo.guardian })])
    expect(agreementIn(seen)).toBeNull()
    expect(await cancelAgreement(db, { id: draft.id, guardian: bo.guardian }, now)).toBe('not_found')
    expect(await resumeAgreement(db, { id: draft.id, guardian: bo.guardian }, now)).toBe('not_found')
    expect(await statusOf(draft.id)).toBe('draft')
  })

  it('that nobody confirms is given up after an hour', async () => {
    const id = await drafted()
    await keepAgreements(db, desk.account, now + 59 * MINUTE_MS)
    expect(await statusOf(id)).toBe('draft')
    await keepAgreements(db, desk.account, now + 60 * MINUTE_MS)
    expect(await statusOf(id)).toBe('abandoned')
    expect(await beginSetup(db, desk.account, wanted(id), now)).toEqual({ kind: 'ended' })
  })
})

describe('setting up', () => {
  it('waits for 100 kr., and comes into force with the deposit that brings them', async () => {
    await pay(office, ida.account, 9_999)
    const id = await agreed()
    expect(await statusOf(id)).toBe('waiting')
    await comeIntoForce(db, ida.account, now).run()
    expect(await statusOf(id)).toBe('waiting')
    await pay(office, ida.account, 1)
    await comeIntoForce(db, ida.account, now).run()
    expect(await row(id)).toMatchObject({ status: 'active', in_force_at: now })
  })

  it('is in force at once where the account holds 100 kr., and the cron sees money that staff gave', async () => {
    await pay(office, ida.account, 10_000)
    expect(await statusOf(await agreed())).toBe('active')
    const emil = await cardHolder(office, { name: 'Emil Prøvebarn' })
    await office.post(`/children/${emil.child}/guardians`, { cpr: '0101575001' })
    const later = await agreed({ account: emil.account })
    await pay(office, emil.account, 10_000)
    expect(await keepAgreements(db, desk.account, now)).toMatchObject({ inForce: 1 })
    expect(await statusOf(later)).toBe('active')
  })

  it('keeps what was settled when it was agreed, and says it where the card is given', async () => {
    const id = await drafted()
    await db
      .prepare('UPDATE municipality SET top_up_threshold = 7000, top_up_activation = 20000, top_ups_per_day = 20')
      .run()
    expect(await row(id)).toMatchObject({ threshold: 5_000, activation: 10_000, per_day: 2 })
    const asked = { language: 'da', settings: await settings(db), origin: 'http://4000.localhost' } as const
    await confirm(db, desk.account, `agreement:${id}`, { ...asked, guardian: asta.guardian }, now)
    const page = desk.stripe.state.sessions[await desk.pageOf(id)]
    expect(page?.custom_text.submit?.message).toContain('trække 100,00 kr. på dit kort')
    expect(page?.custom_text.submit?.message).toContain('kommer under 50,00 kr., højst 2 gange om dagen.')
    expect(page?.cancel_url).toBe(page?.success_url?.replace('?gjort=oprettet', '?afbrudt=1'))
  })

  it('leads to one page however often it is asked for, also at once', async () => {
    const id = await drafted()
    const pages = await Promise.all([0, 1, 2].map((ms) => beginSetup(db, desk.account, wanted(id), now + ms)))
    const again = await beginSetup(db, desk.account, wanted(id), now + MINUTE_MS)
    expect(new Set([...pages, again].map(addressOf)).size).toBe(1)
    expect(await statusOf(id)).toBe('setting_up')
  })

  it('is told of once, whoever comes first: the browser, webhooks and the cron', async () => {
    const id = await drafted()
    addressOf(await beginSetup(db, desk.account, wanted(id), now))
    desk.stripe.pay(await desk.pageOf(id))
    now += 6 * MINUTE_MS
    await Promise.all([
      completeSetup(db, desk.account, id, now),
      desk.stripe.deliver(),
      keepAgreements(db, desk.account, now),
    ])
    await desk.stripe.deliver()
    expect(await completeSetup(db, desk.account, id, now)).toBe('settled')
    expect(await row(id)).toMatchObject({
      status: 'waiting',
      card_last4: '4242',
      card_expires: '2049-12',
      checkout: null,
    })
    const deeds = await db.prepare("SELECT 1 FROM audit WHERE action = 'agreement_made'").all()
    expect(deeds.results).toHaveLength(1)
    expect(await beginSetup(db, desk.account, wanted(id), now)).toEqual({ kind: 'in_force' })
  })

  it('comes to its end by a webhook alone', async () => {
    now = Date.now() // The webhook route holds the signature against the worker's own clock.
    const id = await drafted()
    addressOf(await beginSetup(db, desk.account, wanted(id), now))
    desk.stripe.pay(await desk.pageOf(id))
    await desk.stripe.deliver()
    expect(await statusOf(id)).toBe('waiting')
  })

  it('that is left unfinished is given up when its page ends', async () => {
    const id = await drafted()
    addressOf(await beginSetup(db, desk.account, wanted(id), now))
    now += 5 * MINUTE_MS
    await keepAgreements(db, desk.account, now)
    expect(await statusOf(id)).toBe('setting_up')
    now += 30 * MINUTE_MS
    await keepAgreements(db, desk.account, now)
    expect(await row(id)).toMatchObject({ status: 'abandoned', payment_method: null, check_at: null })
  })

  it('of two agreements at once makes one, and Stripe forgets the card of the other', async () => {
    const bo = await parentOf(office, '0202575002', [ida.child])
    const [mine, other] = [await drafted(), await drafted({ guardian: bo.guardian })]
    addressOf(await beginSetup(db, desk.account, wanted(mine), now))
    addressOf(await beginSetup(db, desk.account, wanted(other, bo.guardian), now))
    for (const id of [mine, other]) desk.stripe.pay(await desk.pageOf(id))
    await Promise.all([mine, other].map((id) => completeSetup(db, desk.account, id, now)))
    const [kept, lost] = (await statusOf(mine)) === 'waiting' ? [mine, other] : [other, mine]
    expect([await statusOf(kept), await statusOf(lost)]).toEqual(['waiting', 'abandoned'])
    const left = String((await row(lost))?.payment_method)
    expect(desk.knows(left)).toBe(true)
    await keepAgreements(db, desk.account, now)
    expect(desk.knows(left)).toBe(false)
    expect(await row(lost)).toMatchObject({ payment_method: null, check_at: null })
    expect(desk.knows(String((await row(kept))?.payment_method))).toBe(true)
    expect(await draftAgreement(db, form(), now)).toBe('already')
  })

  it('shows a guardian their own agreement, and of another only that there is one', async () => {
    const bo = await parentOf(office, '0202575002', [ida.child])
    const id = await agreed()
    const seenBy = async (guardian: number) =>
      agreementsIn((await db.batch([agreementsOf(db, ida.account, guardian)]))[0])
    expect(await seenBy(bo.guardian)).toEqual({ own: null, others: true })
    expect(await seenBy(asta.guardian)).toMatchObject({
      own: { id, status: 'waiting', amount: 10_000, card: { brand: 'visa', last4: '4242', expires: '2049-12' } },
      others: false,
    })
    expect(await beginCardChange(db, desk.account, wanted(id, bo.guardian), now)).toEqual({ kind: 'not_found' })
  })

  it('has nothing to begin while Stripe is away, and can be begun later', async () => {
    const id = await drafted()
    desk.weather = 'down'
    expect((await beginSetup(db, desk.account, wanted(id), now)).kind).toBe('unavailable')
    expect(await statusOf(id)).toBe('draft')
    desk.weather = 'fine'
    addressOf(await beginSetup(db, desk.account, wanted(id), now))
    desk.stripe.pay(await desk.pageOf(id))
    desk.weather = 'down'
    expect(await completeSetup(db, desk.account, id, now)).toBe('unavailable')
    desk.weather = 'fine'
    now += 10 * MINUTE_MS
    await keepAgreements(db, desk.account, now)
    expect(await statusOf(id)).toBe('waiting')
  })
})

describe('the cron', () => {
  it('asks Stripe no more in a run in which it is away', async () => {
    for (const _ of [1, 2]) addressOf(await beginSetup(db, desk.account, wanted(await drafted()), now))
    now += 10 * MINUTE_MS
    desk.weather = 'down'
    expect(await keepAgreements(db, desk.account, now)).toMatchObject({ asked: 1 })
    desk.weather = 'fine'
    now += MINUTE_MS
    expect(await keepAgreements(db, desk.account, now)).toMatchObject({ asked: 1 })
  })
})

describe('another card', () => {
  it('takes the place of the old one, which Stripe forgets afterwards', async () => {
    const id = await agreed()
    const old = String((await row(id))?.payment_method)
    addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
    desk.stripe.pay(await desk.pageOf(id), { card: '5555555555554444' })
    desk.stripe.fail('busy', { on: /detach/ })
    await completeSetup(db, desk.account, id, now)
    expect(await row(id)).toMatchObject({ status: 'waiting', card_last4: '4444', left_card: old, checkout: null })
    await keepAgreements(db, desk.account, now)
    expect(desk.knows(old)).toBe(true)
    desk.stripe.mend()
    now += 10 * MINUTE_MS
    await keepAgreements(db, desk.account, now)
    expect(desk.knows(old)).toBe(false)
    expect(await row(id)).toMatchObject({ left_card: null, check_at: null })
  })

  it('that is not given after all leaves the old one', async () => {
    const id = await agreed()
    addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
    desk.stripe.expire(await desk.pageOf(id))
    expect(await completeSetup(db, desk.account, id, now)).toBe('settled')
    expect(await row(id)).toMatchObject({ status: 'waiting', card_last4: '4242', checkout: null, check_at: null })
  })
})

describe('an end', () => {
  it('comes at once by the guardian, and Stripe forgets the card', async () => {
    const id = await agreed()
    const card = String((await row(id))?.payment_method)
    expect(await cancelAgreement(db, { id, guardian: asta.guardian }, now)).toBe('cancelled')
    expect(await cancelAgreement(db, { id, guardian: asta.guardian }, now)).toBe('cancelled')
    expect(await statusOf(id)).toBe('cancelled')
    await keepAgreements(db, desk.account, now)
    expect(desk.knows(card)).toBe(false)
    expect(await draftAgreement(db, form(), now)).toBe('drafted')
  })

  it('while a page is open closes the page, or forgets the card that was given there', async () => {
    const closed = await drafted()
    addressOf(await beginSetup(db, desk.account, wanted(closed), now))
    const page = await desk.pageOf(closed)
    await cancelAgreement(db, { id: closed, guardian: asta.guardian }, now)
    await keepAgreements(db, desk.account, now)
    expect(desk.stripe.state.sessions[page]?.status).toBe('expired')

    const given = await drafted()
    addressOf(await beginSetup(db, desk.account, wanted(given), now))
    await cancelAgreement(db, { id: given, guardian: asta.guardian }, now)
    desk.stripe.pay(await desk.pageOf(given))
    for (const _ of [1, 2]) await keepAgreements(db, desk.account, now)
    expect(await row(given)).toMatchObject({
      status: 'cancelled',
      payment_method: null,
      checkout: null,
      check_at: null,
    })
    expect(Object.values(desk.stripe.state.methods).filter(({ customer }) => customer !== null)).toEqual([])
  })

  it('comes when the child leaves, and when the guardianship ends', async () => {
    const id = await agreed()
    await db.batch([cancelAgreementsOf(db, ida.child, now)])
    expect(await statusOf(id)).toBe('cancelled')
    const second = await agreed()
    await db.prepare('UPDATE guardianship SET ended_at = 1').run()
    expect(await keepAgreements(db, desk.account, now)).toMatchObject({ ended: 1 })
    expect(await statusOf(second)).toBe('cancelled')
  })
})

it('a card that expires within a month is told of once, and a new one again', async () => {
  const id = await agreed({}, '12/26')
  expect(await announceExpiring(db, START_MS)).toBe(0)
  now = START_MS + 15 * DAY_MS
  expect(await announceExpiring(db, now)).toBe(1)
  expect(await announceExpiring(db, now + DAY_MS)).toBe(0)
  const [letter] = await letters('card_expiring')
  expect(letter?.recipient).toBe('asta@example.dk')
  expect(JSON.parse(letter?.data ?? '')).toMatchObject({ child: 'Ida', last4: '4242', expires: '2026-12' })
  addressOf(await beginCardChange(db, desk.account, wanted(id), now + 1))
  await desk.giveCard(id, { expires: '01/27' })
  expect(await announceExpiring(db, START_MS + 45 * DAY_MS)).toBe(1)
})
