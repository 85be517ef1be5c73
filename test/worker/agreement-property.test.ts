import { env } from 'cloudflare:test'
import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import { ore } from '../../shared/money.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { post } from '../../worker/ledger/transfers.ts'
import { setUp } from '../../worker/municipality/setup.ts'
import { beginCardChange, beginSetup, completeSetup } from '../../worker/payments/agreement-setup.ts'
import { keepAgreements } from '../../worker/payments/agreement-upkeep.ts'
import {
  cancelAgreement,
  cancelAgreementsOf,
  comeIntoForce,
  draftAgreement,
  pauseAfterDispute,
  restAfterPayout,
  restAfterRefund,
  resumeAgreement,
} from '../../worker/payments/agreements.ts'
import { topUp } from '../../worker/payments/top-ups.ts'
import * as meant from './agreement-model.ts'
import { emptyDatabases } from './municipality.ts'
import { type Desk, topUpDesk } from './top-up-desk.ts'

/*
 * Random histories of one account with two guardians, their agreements and their cards are told to the model and to the
 * worker, with Stripe fair, away, or silent about what it did. After each step both hold the same, and Stripe has charged
 * what the model says. A failure prints fast-check's seed and path.
 */

const MINUTE_MS = 60_000
const START_MS = Date.UTC(2026, 10, 2, 15, 0)
const CARDS: Record<meant.Card, string> = {
  good: '4242424242424242',
  declining: '4000000000000002',
  lost: '4000000000009987',
  authenticating: '4000002760003184',
}

const pick = fc.nat({ max: 3 })
const card = fc.constantFrom<meant.Card[]>('good', 'good', 'declining', 'lost', 'authenticating')
const does = <T extends string>(what: T) => fc.constant(what)

const step = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      do: does('agree'),
      guardian: fc.nat({ max: 1 }),
      amount: fc.constantFrom(5_000, 10_000),
      card: fc.option(card, { freq: 5 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: does('draft'), guardian: fc.nat({ max: 1 }) }) },
  { weight: 8, arbitrary: fc.record({ do: does('open'), which: pick }) },
  { weight: 8, arbitrary: fc.record({ do: does('finish'), which: pick, card: fc.option(card, { freq: 6 }) }) },
  {
    weight: 12,
    arbitrary: fc.record({ do: does('deposit'), amount: fc.constantFrom(3_000, 12_000), byStaff: fc.boolean() }),
  },
  { weight: 26, arbitrary: fc.record({ do: does('debit'), amount: fc.constantFrom(2_000, 6_000, 9_000) }) },
  { weight: 18, arbitrary: fc.record({ do: does('cron') }) },
  { weight: 20, arbitrary: fc.record({ do: does('wait'), minutes: fc.constantFrom(2, 20, 65, 300, 1500) }) },
  { weight: 3, arbitrary: fc.record({ do: does('cancel'), which: pick }) },
  { weight: 8, arbitrary: fc.record({ do: does('resume'), which: pick }) },
  { weight: 6, arbitrary: fc.record({ do: does('turn'), card }) },
  {
    weight: 10,
    arbitrary: fc.record({ do: does('weather'), weather: fc.constantFrom('fine', 'fine', 'down', 'answer lost') }),
  },
  { weight: 4, arbitrary: fc.record({ do: does('guardianship'), guardian: fc.nat({ max: 1 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: does('decline'), card: fc.constantFrom('declining', 'lost', 'authenticating') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: does('takeOut'),
      how: fc.constantFrom('payout', 'refund'),
      amount: fc.constantFrom(2_000, 9_000, 12_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: does('dispute'), guardian: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: does('leave') }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const db = env.DB_4000
let histories = 0
const seen = new Map<string, number>()
const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

/** A new child with its wallet and two guardians; what earlier histories left is over. */
async function family(): Promise<{ account: number; child: number; guardians: [number, number] }> {
  histories += 1
  const child = 10 * histories
  const account = 1_000 + child
  const guardians: [number, number] = [child + 1, child + 2]
  await db.batch([
    db.prepare("UPDATE payment SET status = 'failed', check_at = NULL WHERE status IN ('created', 'open')"),
    db.prepare(
      `UPDATE agreement SET status = 'cancelled', paused_for = NULL, payment_method = NULL, left_card = NULL,
         checkout = NULL, check_at = NULL`,
    ),
    db.prepare("INSERT INTO child (id, name, created_at) VALUES (?, 'Ida', 0)").bind(child),
    db.prepare("INSERT INTO account (id, kind, floor, child) VALUES (?, 'wallet', 0, ?)").bind(account, child),
    ...guardians.flatMap((guardian) => [
      db
        .prepare(
          `INSERT INTO guardian (id, issuer, subject, cpr_hash, language, created_at, logged_in_at)
           VALUES (?1, 'test', ?2, ?2, 'da', 0, 0)`,
        )
        .bind(guardian, `person-${guardian}`),
      db
        .prepare('INSERT INTO guardianship (child, cpr_hash, created_at) VALUES (?, ?, 0)')
        .bind(child, `person-${guardian}`),
    ]),
  ])
  return { account, child, guardians }
}

async function live(steps: Step[], desk: Desk, setClock: (nowMs: number) => void) {
  const { account, child, guardians } = await family()
  const model: meant.AccountModel = {
    ...{
      now: START_MS,
      balance: 0,
      guardians: new Set([0, 1]),
      childLeft: false,
      weather: 'fine',
      agreements: [],
      charges: [],
    },
  }
  desk.weather = 'fine'
  setClock(START_MS)
  let moved = 0
  const idOf = (which: number) => `agreement-${account}-${which}`
  const guardianOf = (which: number) => guardians[model.agreements[which]?.guardian ?? 0] ?? 0
  const newest = () => model.agreements.length - 1
  const chosen = (pick: number) => (model.agreements.length === 0 ? null : Math.max(0, newest() - pick))

  async function move(amount: number, into: boolean, more: D1PreparedStatement[] = []) {
    moved += 1
    const [from, to] = into ? (['suspense', account] as const) : ([account, 'suspense'] as const)
    const id = `correction:${account}-${moved}`
    const movement = { id, kind: 'correction', debitAccount: from, creditAccount: to, amount: ore(amount) } as const
    await db.batch([...post(db, { ...movement, staff: null, reason: null }, model.now), ...more])
  }

  /** Money back to a guardian: by a payout, or by a refund that was made at Stripe. */
  async function takeOut(how: 'payout' | 'refund', amount: number) {
    moved += 1
    const id = `${how}-${account}-${moved}`
    const out = { id: `${how}:${id}`, kind: how, debitAccount: account, amount: ore(amount), staff: null, reason: null }
    await db.batch(
      how === 'refund'
        ? [...post(db, { ...out, creditAccount: 'psp_clearing' }, model.now), restAfterRefund(db, account, model.now)]
        : [
            db
              .prepare(
                `INSERT INTO payout (id, account, guardian, name, registration, bank_account, message, amount,
                   bank_amount, status, created_at, requested_at)
                 VALUES (?1, ?2, ?3, 'Asta', '1234', '0012345678', '', ?4, ?4, 'requested', ?5, ?5)`,
              )
              .bind(id, account, guardians[0], amount, model.now),
            ...post(db, { ...out, creditAccount: 'payouts_payable' }, model.now),
            restAfterPayout(db, id, model.now),
          ],
    )
  }

  /** Says whether the guardian has paid anything that they could contest. */
  async function dispute(guardian: number): Promise<boolean> {
    moved += 1
    const [inserted] = await db.batch([
      db
        .prepare(
          `INSERT INTO dispute (id, payment, amount, status, created_at)
           SELECT ?1, id, amount, 'needs_response', ?4 FROM payment WHERE account = ?2 AND guardian = ?3 LIMIT 1`,
        )
        .bind(`dp-${account}-${moved}`, account, guardians[guardian], model.now),
      pauseAfterDispute(db, `dp-${account}-${moved}`, model.now),
    ])
    return inserted?.meta.changes === 1
  }

  async function draft(guardian: number, amount: number) {
    const id = idOf(model.agreements.length)
    const drafted = { id, account, guardian: guardians[guardian] ?? 0, amount, mail: 'a@example.dk', terms: 'da-1' }
    note(await draftAgreement(db, drafted, model.now))
    meant.draft(model, guardian, amount)
  }

  async function open(which: number) {
    model.now += 1_000 // Two pages of one agreement at the same instant would be one page.
    setClock(model.now)
    const wanted = {
      id: idOf(which),
      guardian: guardianOf(which),
      language: 'da',
      consent: 'Ja',
      origin: 'http://4000.localhost',
    } as const
    const begin = meant.STANDING.includes(model.agreements[which]?.status ?? '') ? beginCardChange : beginSetup
    note((await begin(db, desk.account, wanted, model.now)).kind)
    meant.open(model, which)
  }

  async function finish(which: number, card: meant.Card | null) {
    const agreement = model.agreements[which]
    const changing = meant.STANDING.includes(agreement?.status ?? '')
    if (!agreement?.page || model.weather === 'down' || (changing && meant.underWay(model))) return
    const page = await db
      .prepare('SELECT checkout FROM agreement WHERE id = ?')
      .bind(idOf(which))
      .first<string>('checkout')
    if (page === null || desk.stripe.state.sessions[page]?.status !== 'open') return
    if (card === null) desk.stripe.expire(page)
    else {
      desk.stripe.pay(page)
      const intent = desk.stripe.state.setups[String(desk.stripe.state.sessions[page]?.setup_intent)]
      desk.stripe.turnInto(String(intent?.payment_method), CARDS[card])
    }
    await completeSetup(db, desk.account, idOf(which), model.now)
    meant.finish(model, which, card)
  }

  async function take(step: Step) {
    switch (step.do) {
      case 'agree': // All of it at once, since by chance it would hardly come to a charge.
        await draft(step.guardian, step.amount)
        if (newest() < 0) return
        await open(newest())
        return step.card === null ? undefined : finish(newest(), step.card)
      case 'draft':
        return draft(step.guardian, 7_000)
      case 'open': {
        const which = chosen(step.which)
        return which === null ? undefined : open(which)
      }
      case 'finish': {
        const which = chosen(step.which)
        return which === null ? undefined : finish(which, step.card)
      }
      case 'deposit':
        await move(step.amount, true, step.byStaff ? [] : [comeIntoForce(db, account, model.now)])
        model.balance += step.amount
        if (!step.byStaff) meant.comeIntoForce(model)
        return
      case 'debit':
        await move(step.amount, false)
        if (model.balance >= step.amount) model.balance -= step.amount
        await topUp(db, desk.account, [account], model.now)
        return meant.topUp(model)
      case 'takeOut': {
        if (model.balance < step.amount) return
        const was = model.agreements[meant.standing(model)]?.status
        await takeOut(step.how as 'payout' | 'refund', step.amount)
        model.balance -= step.amount
        meant.rest(model)
        if (was === 'active' && model.agreements[meant.standing(model)]?.status === 'waiting') note('rests')
        return
      }
      case 'dispute':
        if (await dispute(step.guardian)) meant.dispute(model, step.guardian)
        return
      case 'cron':
        await topUp(db, desk.account, 'all', model.now)
        await keepAgreements(db, desk.account, model.now)
        return meant.cron(model)
      case 'wait': {
        model.now += step.minutes * MINUTE_MS
        setClock(model.now)
        // Pages end after half an hour, and Stripe tells of it.
        for (const [which, agreement] of model.agreements.entries()) {
          if (!agreement.page || step.minutes <= 31) continue
          const { weather } = model
          desk.weather = model.weather = 'fine'
          await completeSetup(db, desk.account, idOf(which), model.now)
          meant.finish(model, which, null)
          desk.weather = model.weather = weather
        }
        return
      }
      case 'cancel': {
        const which = chosen(step.which)
        if (which === null) return
        await cancelAgreement(db, { id: idOf(which), guardian: guardianOf(which) }, model.now)
        return meant.cancel(model, which)
      }
      case 'resume': {
        const which = chosen(step.which)
        if (which === null) return
        note(await resumeAgreement(db, { id: idOf(which), guardian: guardianOf(which) }, model.now))
        return meant.resume(model, which)
      }
      case 'turn': {
        const which = meant.standing(model)
        const agreement = model.agreements[which]
        if (!agreement) return
        await desk.turnInto(idOf(which), CARDS[step.card])
        agreement.card = step.card
        return
      }
      case 'weather':
        desk.weather = model.weather = step.weather as meant.Weather
        return
      case 'guardianship': {
        const has = model.guardians.has(step.guardian)
        await db
          .prepare('UPDATE guardianship SET ended_at = ?3 WHERE child = ?1 AND cpr_hash = ?2')
          .bind(child, `person-${guardians[step.guardian]}`, has ? model.now : null)
          .run()
        if (has) model.guardians.delete(step.guardian)
        else model.guardians.add(step.guardian)
        return
      }
      case 'decline': // A card without money for days, which by chance would hardly be met.
        await take({ do: 'turn', card: step.card as meant.Card })
        for (const amount of [9_000, 6_000, 2_000] as const) await take({ do: 'debit', amount })
        for (const minutes of [65, 1500] as const) {
          await take({ do: 'wait', minutes })
          await take({ do: 'cron' })
        }
        return
      case 'leave':
        await db.batch([
          db.prepare('UPDATE child SET left_at = ?2 WHERE id = ?1').bind(child, model.now),
          cancelAgreementsOf(db, child, model.now),
        ])
        return meant.leave(model)
    }
  }

  async function compare() {
    const [agreements, charges, balance] = await db.batch<Record<string, unknown>>([
      db
        .prepare(
          `SELECT status, paused_for AS pausedFor, failures, retry_at AS retryAt FROM agreement
           WHERE account = ? ORDER BY CAST(substr(id, length(?) + 1) AS INTEGER)`,
        )
        .bind(account, `agreement-${account}-`),
      db
        .prepare(
          "SELECT iif(status IN ('created', 'open'), 'under way', status) AS status FROM payment WHERE account = ? ORDER BY created_at, id",
        )
        .bind(account),
      db.prepare('SELECT balance FROM posting WHERE account = ? ORDER BY seq DESC LIMIT 1').bind(account),
    ])
    expect(agreements?.results).toEqual(
      model.agreements.map(({ status, pausedFor, failures, retryAt }) => ({ status, pausedFor, failures, retryAt })),
    )
    expect(charges?.results.map(({ status }) => status).sort()).toEqual(
      model.charges.map(({ status }) => status).sort(),
    )
    expect(balance?.results[0]?.balance ?? 0).toBe(model.balance)
    const atStripe = desk
      .charges('succeeded')
      .filter(({ metadata }) => metadata.agreement?.startsWith(`agreement-${account}-`))
    expect(atStripe.length).toBe(model.charges.filter(({ atStripe }) => atStripe === 'paid').length)
  }

  for (const step of steps) {
    await take(step)
    await compare()
    for (const { status, pausedFor } of model.agreements) note(pausedFor ?? status)
    for (const { status } of model.charges) note(`charge ${status}`)
  }
}

beforeEach(async () => {
  await emptyDatabases()
  await setUp(db, { number: 4000, name: 'Roskilde', staff: 'Astrid', token: 'unused' }, START_MS)
})

it('agreements and their charges do as the model says, over 40 random histories', async () => {
  let now = START_MS
  const desk = topUpDesk(db, () => now)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30, size: 'max' }), (steps) =>
      live(steps, desk, (nowMs) => {
        now = nowMs
      }),
    ),
    { numRuns: 40, examples: EXAMPLES },
  )
  expect((await checkLedger(db)).violations).toEqual([])
  // The histories are worth something only if they come by everything that can happen.
  for (const what of EVERYTHING) expect(seen.get(what) ?? 0, what).toBeGreaterThan(0)
}, 120_000)

/** Histories that are always lived, for what chance may not come by. */
const REFUSED = (['declining', 'lost', 'authenticating'] as const).map((card): [Step[]] => [
  [
    { do: 'deposit', amount: 12_000, byStaff: false },
    { do: 'draft', guardian: 1 },
    { do: 'open', which: 0 },
    { do: 'weather', weather: 'down' },
    { do: 'open', which: 0 },
    { do: 'weather', weather: 'fine' },
    { do: 'wait', minutes: 65 },
    { do: 'agree', guardian: 0, amount: 10_000, card: 'good' },
    { do: 'open', which: 1 },
    { do: 'debit', amount: 9_000 },
    { do: 'weather', weather: 'answer lost' },
    { do: 'debit', amount: 9_000 },
    { do: 'weather', weather: 'fine' },
    { do: 'wait', minutes: 1500 },
    { do: 'cron' },
    { do: 'decline', card },
    { do: 'resume', which: 0 },
    { do: 'draft', guardian: 0 },
    { do: 'cron' },
  ],
])

const GONE_BACK = (['payout', 'refund'] as const).map((how): [Step[]] => [
  [
    { do: 'deposit', amount: 12_000, byStaff: false },
    { do: 'agree', guardian: 0, amount: 10_000, card: 'good' },
    { do: 'debit', amount: 9_000 },
    { do: 'takeOut', how, amount: 9_000 },
    { do: 'cron' },
    { do: 'deposit', amount: 12_000, byStaff: false },
    { do: 'dispute', guardian: 1 },
    { do: 'dispute', guardian: 0 },
    { do: 'debit', amount: 9_000 },
    { do: 'resume', which: 0 },
    { do: 'open', which: 0 },
    { do: 'finish', which: 0, card: 'good' },
    { do: 'debit', amount: 6_000 },
    { do: 'cron' },
  ],
])

const EXAMPLES = [...REFUSED, ...GONE_BACK]

const EVERYTHING = [
  ...['draft', 'setting_up', 'waiting', 'active', 'cancelled', 'abandoned'],
  ...['declined', 'authentication_required', 'card_unusable', 'disputed', 'rests', 'resumed', 'card_needed'],
  ...['charge paid', 'charge failed', 'charge under way'],
  ...['drafted', 'already', 'page', 'unavailable', 'ended'],
]
