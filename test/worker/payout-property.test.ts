import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { copenhagenMidnight } from '../../shared/copenhagen.ts'
import { ore } from '../../shared/money.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { post, postBack } from '../../worker/ledger/transfers.ts'
import { approve, reject } from '../../worker/payouts/payout-desk.ts'
import { exportPayouts } from '../../worker/payouts/payout-files.ts'
import { importStatus, release } from '../../worker/payouts/payout-reports.ts'
import { DRAFT_LIFE_MS, draftPayout, requestPayout } from '../../worker/payouts/payouts.ts'
import { bankReport, type Colleague, colleague, newId, ownAccount, paidDeposit } from './bank.ts'
import { emptyDatabases, type Municipality, municipality } from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'
import * as machine from './payout-model.ts'

/*
 * Random histories of one wallet and its payouts are told to the model and to the worker, and after every step both must
 * have answered alike and hold the same. A failure prints fast-check's seed and path.
 */

const RULES = { dayMax: 9000, refundDays: 3, draftLifeMs: DRAFT_LIFE_MS }
const START = copenhagenMidnight('2026-06-01') + 10 * 3_600_000
const HOUR_MS = 3_600_000
const AMOUNTS = [0, 1, 1500, 2500, 4000, 6000, 9001]

const which = fc.nat({ max: 5 })
const staff = fc.constantFrom(0, 0, 1)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deposit' as const), amount: fc.constantFrom(2000, 5000) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('move' as const), amount: fc.constantFrom(-500, -3000, 4000, 8000, 8000) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('draft' as const),
      amount: fc.constantFrom(...AMOUNTS),
      again: fc.option(which, { freq: 4 }),
    }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('request' as const), which, twice: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('approve' as const), which, staff }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reject' as const), which }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('export' as const), staff: fc.constantFrom(0, 1, 1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      file: fc.nat({ max: 2 }),
      words: fc.array(fc.constantFrom('ACSC' as const, 'RJCT' as const, 'PDNG' as const), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('through' as const),
      which,
      amount: fc.constantFrom(1000, 2500),
      word: fc.constantFrom('ACSC' as const, 'RJCT' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('release' as const), file: fc.nat({ max: 2 }), staff }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('dispute' as const), which: fc.nat({ max: 2 }), over: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fail' as const), which, part: fc.nat({ max: 1 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(60_000, DRAFT_LIFE_MS, 9 * HOUR_MS, 40 * HOUR_MS),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

let office: Municipality
let parent: Parent
let hands: Colleague[]

beforeAll(async () => {
  await emptyDatabases()
  office = await municipality()
  await ownAccount(office)
  await office.db
    .prepare('UPDATE municipality SET payout_day_max = ?, refund_days = ?')
    .bind(RULES.dayMax, RULES.refundDays)
    .run()
  hands = [await colleague(office, 'Birthe'), await colleague(office, 'Carl')]
  parent = await parentOf(office, '0101575001')
})

const SUSPENSE = 'suspense' as const
const BANK = { name: 'Asta Prøveforælder', registration: '9570', bankAccount: '0001234567', message: '' }
const seen = new Map<string, number>()
const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

/** What is held by the wallet, payouts payable, the bank and clearing. */
async function balances(wallet: number): Promise<number[]> {
  const found = await office.db
    .prepare(
      `SELECT coalesce((SELECT balance FROM posting WHERE posting.account = account.id ORDER BY seq DESC LIMIT 1), 0) AS balance
       FROM json_each(?) JOIN account ON account.id = value OR account.kind = value ORDER BY json_each.key`,
    )
    .bind(JSON.stringify([wallet, 'payouts_payable', 'bank', 'psp_clearing']))
    .all<{ balance: number }>()
  return found.results.map(({ balance }) => balance)
}

/** The payouts of a wallet, by id. */
async function statuses(wallet: number): Promise<Record<string, string>> {
  const found = await office.db.prepare('SELECT id, status FROM payout WHERE account = ?').bind(wallet).all()
  return Object.fromEntries(found.results.map(({ id, status }) => [id, String(status)]))
}

async function live(steps: readonly Step[]) {
  const child = await office.post<{ id: number; account: number }>('/children', { name: 'Ida Prøvebarn' })
  await office.post(`/children/${child.id}/guardians`, { cpr: '0101575001' })
  const about = { account: child.account, guardian: parent.guardian }
  const model = machine.emptyModel(RULES)
  const began = await balances(child.account)
  const ids: string[] = []
  const files: string[] = []
  let now = START
  let moves = 0
  const day = () => Math.floor((now - copenhagenMidnight('2026-06-01')) / 86_400_000) // No clock is changed in June.
  /** Mostly a payout of the wanted status, so that histories get far; else any. */
  const pick = (at: number, ...wanted: string[]) => {
    const fitting = ids.filter((id) => at < 4 && wanted.includes(model.payouts.get(id)?.status ?? ''))
    const among = fitting.length > 0 ? fitting : ids
    return among.at(-1 - (at % Math.max(1, among.length))) ?? newId()
  }
  const hand = (at: number) => hands[at]?.id ?? 0

  async function take(step: Step): Promise<void> {
    switch (step.do) {
      case 'deposit': {
        machine.deposit(model, await paidDeposit(office, { ...about, amount: step.amount }, now), step.amount, now)
        return
      }
      case 'move': {
        moves += 1
        const [from, to] = step.amount < 0 ? [child.account, SUSPENSE] : [SUSPENSE, child.account]
        const about = { id: `correction:${child.id}-${moves}`, kind: 'correction' as const, staff: null, reason: null }
        const money = { ...about, debitAccount: from, creditAccount: to, amount: ore(Math.abs(step.amount)) }
        await office.db.batch(post(office.db, money, now))
        machine.move(model, step.amount)
        return
      }
      case 'draft': {
        const id = step.again === null ? newId(now) : pick(step.again)
        const expected = machine.draft(model, id, step.amount, now, day())
        const drafted = await draftPayout(office.db, { id, ...about, ...BANK, amount: step.amount }, now)
        expect(drafted.kind).toBe(expected)
        note(expected === 'over_balance' && step.amount <= model.wallet ? 'draft held' : `draft ${expected}`)
        if (drafted.kind !== 'drafted') return
        if (!ids.includes(id)) ids.push(id)
        const payout = model.payouts.get(id)
        if (!payout) throw new Error('drafted, and not there')
        expect(drafted.payout.bankAmount).toBe(machine.bankPart(payout))
        expect(drafted.payout.refunds.map(({ amount }) => amount)).toEqual(payout.parts.map(({ amount }) => amount))
        return
      }
      case 'request': {
        const id = pick(step.which, 'draft')
        const expected = machine.request(model, id, now, day())
        const answers = [requestPayout(office.db, id, parent.guardian, now)]
        if (step.twice && expected === 'requested') answers.push(requestPayout(office.db, id, parent.guardian, now))
        for (const answer of await Promise.all(answers)) expect(answer.kind).toBe(expected)
        note(`request ${expected}`)
        return
      }
      case 'approve': {
        const id = pick(step.which, 'requested')
        const expected = machine.approve(model, id, hand(step.staff))
        expect((await approve(office.db, id, hand(step.staff), now)).kind).toBe(expected)
        note(`approve ${expected}`)
        return
      }
      case 'reject': {
        const id = pick(step.which, 'requested', 'approved')
        const expected = machine.reject(model, id)
        expect((await reject(office.db, id, hand(0), 'Forkert navn', now)).kind).toBe(expected)
        note(`reject ${expected}`)
        return
      }
      case 'export': {
        const file = newId(now)
        const taken = machine.exportAll(model, file, hand(step.staff))
        const exported = await exportPayouts(office.db, { id: file }, hand(step.staff), now)
        note(`export ${exported.kind}`)
        if (exported.kind !== 'exported') {
          expect([exported.kind, taken]).toEqual(['nothing', []])
          return
        }
        files.push(file)
        const ends = [...exported.file.xml.matchAll(/<EndToEndId>(\w+)</g)].map(([, end]) => end)
        expect(ends.sort()).toEqual(taken.map((id) => id.replaceAll('-', '')).sort())
        return
      }
      case 'report': {
        const file = files.at(step.file % Math.max(1, files.length))
        if (!file) return
        const inFile = [...model.payouts.values()].filter((payout) => payout.file === file)
        const words = inFile.map(({ id }, at) => [id, step.words[at % step.words.length] ?? 'PDNG'] as const)
        const became = words.map(([id, word]) => [id, machine.report(model, id, word)] as const)
        const transactions = Object.fromEntries(words.map(([id, status]) => [id, { status }]))
        // Each by another hand: what one person called paid, the same one does not send back.
        const reader = await colleague(office, `Reader ${newId()}`)
        const imported = await importStatus(office.db, bankReport(file, { transactions }), reader.id, now)
        if (imported.kind !== 'imported') throw new Error(imported.kind)
        const those = (kind: string) =>
          became
            .filter(([, what]) => what === kind)
            .map(([id]) => id)
            .sort()
        expect([...imported.answer.paid].sort()).toEqual(those('paid'))
        expect(imported.answer.returned.map(({ payout }) => payout).sort()).toEqual(those('returned'))
        for (const [, what] of became) note(`report ${what}`)
        return
      }
      case 'release': {
        const file = files.at(step.file % Math.max(1, files.length))
        if (!file) return
        const expected = machine.release(model, file, hand(step.staff))
        const released = await release(office.db, file, hand(step.staff), 'Banken tog ikke filen', now)
        expect(released.kind).toBe(expected === null ? 'own_file' : 'released')
        if (released.kind === 'released') expect([...released.answer.released].sort()).toEqual(expected?.sort())
        note(expected?.length === 0 ? 'release nothing' : `release ${released.kind}`)
        return
      }
      case 'dispute': {
        const payment = model.payments.at(-1 - (step.which % Math.max(1, model.payments.length)))
        if (!payment) return
        await office.db
          .prepare(
            `INSERT INTO dispute (id, payment, amount, status, created_at) VALUES ('dp_' || ?1, ?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET status = excluded.status`,
          )
          .bind(payment.id, payment.amount, step.over ? 'warning_closed' : 'warning_needs_response', now)
          .run()
        machine.contest(model, payment.id, !step.over)
        return
      }
      case 'through': {
        await take({ do: 'draft', amount: step.amount, again: null })
        await take({ do: 'request', which: 0, twice: false })
        await take({ do: 'approve', which: step.which, staff: 0 })
        await take({ do: 'export', staff: 1 })
        await take({ do: 'report', file: files.length - 1, words: [step.word] })
        return
      }
      case 'fail': {
        const divided = ids.filter((one) => (model.payouts.get(one)?.parts.length ?? 0) > step.part)
        const id = divided[step.which % Math.max(1, divided.length)] ?? newId()
        if (!machine.failRefund(model, id, step.part)) return
        const row = `${id}-${step.part + 1}`
        await office.db.batch([
          office.db
            .prepare("UPDATE refund SET status = 'failed', error = 'declined', check_at = NULL WHERE id = ?")
            .bind(row),
          ...postBack(
            office.db,
            { id: `refund_return:${row}`, kind: 'refund_return', of: `refund:${row}`, staff: null, reason: null },
            now,
          ),
        ])
        note('refund failed')
        return
      }
      case 'wait':
        now += step.ms
    }
  }

  for (const step of [{ do: 'move', amount: 8000 } as const, ...steps]) {
    await take(step)
    const { wallet, payable, bank, clearing } = model
    const moved = (await balances(child.account)).map((balance, at) => balance - (began[at] ?? 0))
    expect(moved).toEqual([wallet, payable, bank, clearing])
    expect(await statuses(child.account)).toEqual(
      Object.fromEntries([...model.payouts.values()].map(({ id, status }) => [id, status])),
    )
    now += 1000
  }
  expect((await checkLedger(office.db)).violations).toEqual([])
  // What is open still would go into the next history's file.
  for (const { id, status } of model.payouts.values()) {
    if (status === 'requested' || status === 'approved') await reject(office.db, id, hand(0), 'Slut', now)
  }
}

/** Leads through whatever chance may leave out. */
const EXAMPLE: Step[] = [
  ...[0, 9001].map((amount): Step => ({ do: 'draft', amount, again: null })), // There are 8000.
  { do: 'move', amount: 8000 },
  ...[9001, 6000, 4000].map((amount): Step => ({ do: 'draft', amount, again: null })),
  { do: 'draft', amount: 1, again: 0 },
  ...[0, 0].map((which): Step => ({ do: 'request', which, twice: true })), // 4000, and then 6000 is too much for the day.
  { do: 'wait', ms: DRAFT_LIFE_MS },
  { do: 'request', which: 0, twice: false },
  { do: 'draft', amount: 1500, again: null },
  { do: 'request', which: 0, twice: false },
  { do: 'approve', which: 0, staff: 0 },
  ...([0, 1] as const).map((staff): Step => ({ do: 'export', staff })), // Whoever approved finds nothing.
  { do: 'report', file: 0, words: ['PDNG'] },
  ...([1, 0, 0] as const).map((staff): Step => ({ do: 'release', file: 0, staff })), // Whoever made the file may not.
  ...[0, 0, 5].map((which): Step => ({ do: 'reject', which })), // One that is requested, one released, and a draft.
  ...[0, 5].map((which): Step => ({ do: 'approve', which, staff: 0 })),
  ...(['ACSC', 'RJCT'] as const).map((word): Step => ({ do: 'through', which: 0, amount: 1000, word })),
  { do: 'deposit', amount: 5000 },
  { do: 'draft', amount: 2500, again: null },
  { do: 'request', which: 0, twice: false },
  { do: 'fail', which: 0, part: 0 },
  { do: 'draft', amount: 1500, again: null },
  { do: 'deposit', amount: 5000 },
  { do: 'request', which: 0, twice: false }, // The draft would go to the bank, and the deposit has a card.
  { do: 'draft', amount: 4000, again: null },
  ...Array.from({ length: 8 }, (): Step => ({ do: 'move', amount: -3000 })),
  { do: 'request', which: 0, twice: false },
  { do: 'deposit', amount: 5000 },
  { do: 'dispute', which: 0, over: false },
  { do: 'draft', amount: 6000, again: null },
  { do: 'dispute', which: 0, over: true },
  { do: 'draft', amount: 6000, again: null },
]

const OUTCOMES = [
  ...['drafted', 'below_min', 'over_balance', 'held', 'over_day_max', 'changed'].map((kind) => `draft ${kind}`),
  ...['requested', 'too_old', 'not_enough', 'over_day_max', 'changed'].map((kind) => `request ${kind}`),
  ...['approve', 'reject'].flatMap((act) => ['done', 'too_late', 'unknown'].map((kind) => `${act} ${kind}`)),
  ...['export exported', 'export nothing', 'report paid', 'report returned', 'report unchanged'],
  ...['release released', 'release own_file', 'release nothing', 'refund failed'],
]

it('payouts do what the model says, whatever happens in whatever order', async () => {
  const history = fc.array(step, { minLength: 20, maxLength: 40, size: 'max' })
  await fc.assert(fc.asyncProperty(history, live), { numRuns: 14, examples: [[EXAMPLE]] })
  expect(OUTCOMES.filter((what) => !seen.has(what))).toEqual([])
})
