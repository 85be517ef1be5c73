import { beforeEach, describe, expect, it } from 'vitest'
import { bankDetailsOf } from '../../shared/bank-accounts.ts'
import { copenhagenMidnight } from '../../shared/copenhagen.ts'
import { BankFileContent } from '../../shared/office/payouts.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { importStatus } from '../../worker/payouts/payout-reports.ts'
import {
  DRAFT_LIFE_MS,
  draftPayout,
  limitsQuery,
  type PayoutLimits,
  payoutQuery,
  payoutsQuery,
  payoutViewOf,
  requestPayout,
} from '../../worker/payouts/payouts.ts'
import { sweep } from '../../worker/sweep.ts'
import { bankReport, type Colleague, colleague, held, newId, ownAccount, paidDeposit } from './bank.ts'
import {
  type CardHolder,
  call,
  cardHolder,
  contents,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSite,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

const CPR = '0101575001'
const DAY_MS = 86_400_000
const BANK = { name: 'Asta Prøveforælder', registration: '9570', bankAccount: '0001234567', message: 'Kantinekort' }
/** Noon in Copenhagen, so that a test's minutes stay within a day. */
const NOW = copenhagenMidnight('2026-11-20') + 12 * 3_600_000

let office: Municipality
let ida: CardHolder
let parent: Parent
let birthe: Colleague
let carl: Colleague

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 50_000 })
  parent = await parentOf(office, CPR, [ida.child])
  await office.db.prepare("UPDATE guardian SET mail = 'asta@example.dk' WHERE id = ?").bind(parent.guardian).run()
  await ownAccount(office)
  birthe = await colleague(office, 'Birthe')
  carl = await colleague(office, 'Carl')
})

async function clean() {
  expect((await checkLedger(office.db)).violations).toEqual([])
}

const drafted = (amount: number, more: Partial<Parameters<typeof draftPayout>[1]> = {}, nowMs = NOW) =>
  draftPayout(
    office.db,
    { id: newId(), account: ida.account, guardian: parent.guardian, ...BANK, amount, ...more },
    nowMs,
  )

/** A payout that has been requested; its id. */
async function requested(amount: number, nowMs = NOW): Promise<string> {
  const draft = await drafted(amount, {}, nowMs)
  if (draft.kind !== 'drafted') throw new Error(draft.kind)
  expect(await requestPayout(office.db, draft.payout.id, parent.guardian, nowMs)).toEqual({ kind: 'requested' })
  return draft.payout.id
}

async function exported(...ids: string[]): Promise<string> {
  for (const id of ids) expect((await birthe.post(`/payouts/${id}/approve`)).status).toBe(200)
  const { status, body } = await carl.post('/payouts/export', { id: newId() })
  expect(status).toBe(200)
  return String(body.id)
}

const letters = async () =>
  (
    await office.db
      .prepare("SELECT recipient, data FROM outbox WHERE kind = 'payout_returned' ORDER BY id")
      .all<{ recipient: string; data: string }>()
  ).results.map(({ recipient, data }) => ({ recipient, ...(JSON.parse(data) as Record<string, unknown>) }))

async function view(id: string, guardian = parent.guardian) {
  const found = await payoutQuery(office.db, id, ida.account, guardian).first()
  return found ? payoutViewOf(found) : null
}

describe('what a form may say', () => {
  it('an account is taken as Danes write it, and filled up with zeros', () => {
    const typed = { name: ' Asta  Ågård ', registration: '95 70', bankAccount: '12.34 567', message: '' }
    expect(bankDetailsOf(typed)).toEqual({
      kind: 'details',
      details: { name: 'Asta  Ågård', registration: '9570', bankAccount: '0001234567', message: '' },
    })
    const apostrophe = bankDetailsOf({ ...typed, name: 'Niels O’Hara', message: 'a\u030angå – 2' })
    expect(apostrophe).toMatchObject({ details: { name: "Niels O'Hara", message: 'ångå - 2' } })
  })

  it('wrong lengths, letters, emoji and control characters are refused, field by field', () => {
    const wrong = { name: ' ', registration: '957', bankAccount: '12345678901', message: 'Tak 🍕' }
    expect(bankDetailsOf(wrong)).toEqual({
      kind: 'faults',
      faults: { name: 'empty', registration: 'not_digits', bankAccount: 'not_digits', message: 'characters' },
    })
    expect(
      bankDetailsOf({ name: 'x'.repeat(71), registration: '95a0', bankAccount: '0000', message: 'x'.repeat(141) }),
    ).toMatchObject({
      faults: { name: 'too_long', registration: 'not_digits', bankAccount: 'not_digits', message: 'too_long' },
    })
    for (const message of ['a\nb', 'a\u0000', 'a\u0085b', 'Łódź', 'a\u202eb', '\u00ad']) {
      expect([message, bankDetailsOf({ ...BANK, message })]).toEqual([
        message,
        { kind: 'faults', faults: { message: 'characters' } },
      ])
    }
  })
})

describe('a draft', () => {
  it('moves nothing, is one however often the form is sent, and cannot become another', async () => {
    const id = newId()
    const first = await drafted(12_000, { id })
    expect(first).toMatchObject({ kind: 'drafted', payout: { status: 'draft', bankAmount: 12_000, details: BANK } })
    expect(await drafted(12_000, { id })).toEqual(first)
    expect(await drafted(12_001, { id })).toEqual({ kind: 'changed' })
    expect(await drafted(12_000, { id, bankAccount: '0000000009' })).toEqual({ kind: 'changed' })
    expect(await held(office, ida.account)).toBe(50_000)
    await clean()
  })

  it('is at least one øre and at most the balance and what is left of the day', async () => {
    expect(await drafted(0)).toEqual({ kind: 'below_min' })
    expect(await drafted(-5)).toEqual({ kind: 'below_min' })
    expect(await drafted(50_001)).toEqual({ kind: 'over_balance', balance: 50_000 })
    expect((await drafted(50_000)).kind).toBe('drafted')
    await office.db.prepare('UPDATE municipality SET payout_day_max = 30000').run()
    await requested(20_000)
    expect(await drafted(10_001)).toEqual({ kind: 'over_day_max', left: 10_000 })
    expect((await drafted(10_000)).kind).toBe('drafted')
    expect((await drafted(30_000, {}, NOW + 12 * 3_600_000 + 1)).kind).toBe('drafted')
  })

  it('is there for a guardian of the child alone, and its id for nobody else', async () => {
    const stranger = await parentOf(office, '0202575002', [])
    const id = newId()
    expect(await drafted(1000, { id, guardian: stranger.guardian })).toEqual({ kind: 'not_found' })
    const other = await parentOf(office, '0303575001', [ida.child])
    expect((await drafted(1000, { id })).kind).toBe('drafted')
    expect(await drafted(1000, { id, guardian: other.guardian })).toEqual({ kind: 'not_found' })
    expect(await requestPayout(office.db, id, other.guardian, NOW)).toEqual({ kind: 'not_found' })
    expect(await view(id, other.guardian)).toBeNull()
  })

  it('goes back to the newest card payments first, each up to what is left of it', async () => {
    const { account } = ida
    const { guardian } = parent
    await paidDeposit(office, { account, guardian, amount: 9000 }, NOW - 70 * DAY_MS) // Too long ago.
    const older = await paidDeposit(office, { account, guardian, amount: 8000 }, NOW - 20 * DAY_MS)
    const newer = await paidDeposit(office, { account, guardian, amount: 5000 }, NOW - 2 * DAY_MS, 'mobilepay')
    const first = await requested(6000)
    expect(await view(first)).toMatchObject({ bankAmount: 0, status: 'paid', settledAt: NOW })
    const parts = async (id: string) =>
      (
        await office.db
          .prepare('SELECT payment, amount, status FROM refund WHERE payout = ? ORDER BY rowid')
          .bind(id)
          .all()
      ).results
    expect(await parts(first)).toEqual([
      { payment: newer, amount: 5000, status: 'wanted' },
      { payment: older, amount: 1000, status: 'wanted' },
    ])
    const second = await requested(9000)
    expect(await view(second)).toMatchObject({ bankAmount: 2000, status: 'requested' })
    expect(await parts(second)).toEqual([{ payment: older, amount: 7000, status: 'wanted' }])
    const due = await office.db.prepare('SELECT count(*) AS n FROM refund WHERE check_at = ?').bind(NOW).first('n')
    expect(due).toBe(3)
    expect(await held(office, account)).toBe(50_000 + 22_000 - 15_000)
    expect(await held(office, 'payouts_payable')).toBe(2000)
    expect(await held(office, 'psp_clearing')).toBe(-22_000 + 13_000)
    await clean()
  })

  it('goes to the bank where the setting says so, the card takes nothing back, or a dispute was lost', async () => {
    const about = { account: ida.account, guardian: parent.guardian, amount: 4000 }
    const failed = await paidDeposit(office, about, NOW - DAY_MS)
    const lost = await paidDeposit(office, about, NOW - DAY_MS)
    await office.db.batch([
      office.db
        .prepare(
          `INSERT INTO refund (id, payment, amount, status, error, created_at)
           VALUES ('re_1', ?, 4000, 'failed', 'expired_or_canceled_card', 1)`,
        )
        .bind(failed),
      office.db
        .prepare(
          `INSERT INTO dispute (id, payment, amount, status, created_at, withdrawn_at)
           VALUES ('dp_1', ?, 4000, 'lost', 1, 1)`,
        )
        .bind(lost),
    ])
    expect(await drafted(8000)).toMatchObject({ payout: { bankAmount: 8000, refunds: [] } })
    await paidDeposit(office, about, NOW - DAY_MS)
    expect(await drafted(8000)).toMatchObject({ payout: { bankAmount: 4000, refunds: [{ method: 'card' }] } })
    await office.db.prepare('UPDATE municipality SET refund_days = 0').run()
    expect(await drafted(8000)).toMatchObject({ payout: { bankAmount: 8000 } })
  })
})

describe('a request', () => {
  it('takes the money out at once, once, and answers the same again', async () => {
    const id = await requested(12_000)
    expect(await requestPayout(office.db, id, parent.guardian, NOW + 5)).toEqual({ kind: 'requested' })
    expect(await requestPayout(office.db, id, parent.guardian, NOW + 2 * DAY_MS)).toEqual({ kind: 'requested' })
    expect(await held(office, ida.account)).toBe(38_000)
    expect(await held(office, 'payouts_payable')).toBe(12_000)
    const deeds = await office.db.prepare("SELECT guardian FROM audit WHERE action = 'payout_requested'").all()
    expect(deeds.results).toEqual([{ guardian: parent.guardian }])
    await clean()
  })

  it('a draft of half an hour is too old, and one whose money is gone has not enough', async () => {
    const old = await drafted(1000)
    const rich = await drafted(50_000)
    const poor = await drafted(1001)
    if (old.kind !== 'drafted' || rich.kind !== 'drafted' || poor.kind !== 'drafted') throw new Error('no draft')
    expect(await requestPayout(office.db, old.payout.id, parent.guardian, NOW + DRAFT_LIFE_MS)).toEqual({
      kind: 'too_old',
    })
    await requested(49_000)
    const before = await contents(office.db)
    expect(await requestPayout(office.db, rich.payout.id, parent.guardian, NOW)).toEqual({ kind: 'not_enough' })
    expect(await requestPayout(office.db, poor.payout.id, parent.guardian, NOW)).toEqual({ kind: 'not_enough' })
    expect(await requestPayout(office.db, newId(), parent.guardian, NOW)).toEqual({ kind: 'not_found' })
    expect(await contents(office.db)).toEqual(before)
    await clean()
  })

  it('two drafts cannot pass the cap of the day together', async () => {
    await office.db.prepare('UPDATE municipality SET payout_day_max = 30000').run()
    const drafts = await Promise.all([drafted(20_000), drafted(20_000)])
    const ids = drafts.map((draft) => (draft.kind === 'drafted' ? draft.payout.id : ''))
    const answers = await Promise.all(ids.map((id) => requestPayout(office.db, id, parent.guardian, NOW)))
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['over_day_max', 'requested'])
    expect(await held(office, ida.account)).toBe(30_000)
  })

  it('what the bank or staff sent back, and a refund that failed, leave the cap of the day as it was', async () => {
    await office.db.prepare('UPDATE municipality SET payout_day_max = 30000').run()
    const about = { account: ida.account, guardian: parent.guardian }
    await paidDeposit(office, { ...about, amount: 10_000 }, NOW - DAY_MS)
    const left = async () => (await limitsQuery(office.db, ida.account, NOW).first<PayoutLimits>())?.left
    const divided = await requested(25_000)
    expect(await view(divided)).toMatchObject({ bankAmount: 15_000, refunds: [{ amount: 10_000 }] })
    expect([await left(), await drafted(5001)]).toEqual([5000, { kind: 'over_day_max', left: 5000 }])
    await birthe.post(`/payouts/${divided}/reject`, { reason: 'Forkert navn' })
    expect([await left(), await drafted(20_001)]).toEqual([20_000, { kind: 'over_day_max', left: 20_000 }])
    await office.db
      .prepare("UPDATE refund SET status = 'failed', error = 'declined' WHERE payout = ?")
      .bind(divided)
      .run()
    expect([await left(), await drafted(30_001)]).toEqual([30_000, { kind: 'over_day_max', left: 30_000 }])

    const wrongNumber = await requested(30_000)
    expect(await left()).toBe(0)
    const file = await exported(wrongNumber)
    const told = bankReport(file, { transactions: { [wrongNumber]: { status: 'RJCT', code: 'AC01' } } })
    expect(await importStatus(office.db, told, birthe.id, NOW)).toMatchObject({ kind: 'imported' })
    expect(await left()).toBe(30_000)
    await requested(30_000)
    expect(await drafted(1)).toEqual({ kind: 'over_day_max', left: 0 })
  })

  it('one whose division holds no longer is to be drafted anew', async () => {
    const about = { account: ida.account, guardian: parent.guardian }
    await paidDeposit(office, { ...about, amount: 5000 }, NOW - DAY_MS)
    const refunding = await drafted(3000)
    const other = await drafted(3000)
    if (refunding.kind !== 'drafted' || other.kind !== 'drafted') throw new Error('no draft')
    expect(await requestPayout(office.db, other.payout.id, parent.guardian, NOW)).toEqual({ kind: 'requested' })
    expect(await requestPayout(office.db, refunding.payout.id, parent.guardian, NOW)).toEqual({ kind: 'changed' })
    await clean()
  })

  it('a deposit that came after the draft does not go to the bank by it', async () => {
    const toBank = await drafted(40_000)
    if (toBank.kind !== 'drafted') throw new Error(toBank.kind)
    expect(toBank.payout.bankAmount).toBe(40_000)
    const about = { account: ida.account, guardian: parent.guardian, amount: 40_000 }
    await paidDeposit(office, about, NOW)
    expect(await requestPayout(office.db, toBank.payout.id, parent.guardian, NOW + 1)).toEqual({ kind: 'changed' })
  })

  it('another guardian of the child sees that it was made, and not where the money goes', async () => {
    const id = await requested(1000)
    const other = await parentOf(office, '0303575001', [ida.child])
    const rows = await payoutsQuery(office.db, ida.account, other.guardian).all()
    expect(rows.results.map(payoutViewOf)).toMatchObject([{ id, own: false, details: null, amount: 1000 }])
    const own = await payoutsQuery(office.db, ida.account, parent.guardian).all()
    expect(own.results.map(payoutViewOf)).toMatchObject([{ id, own: true, details: BANK }])
  })

  it('parallel payouts and purchases never take the wallet below 0, and the file is what is payable', async () => {
    const till = await enrolledTerminal(office, await newSite(office), 'Till')
    const drafts = await Promise.all(Array.from({ length: 12 }, () => drafted(7000)))
    const ids = drafts.flatMap((draft) => (draft.kind === 'drafted' ? [draft.payout.id] : []))
    expect(ids).toHaveLength(12)
    const sales: string[] = []
    for (let sale = 0; sale < 20; sale += 1) sales.push(await till.say('request', { card: ida.hash, amount: 2500 }))
    const buy = async () => {
      const answers = []
      for (const sale of sales) answers.push(await till.send(sale))
      return answers.flatMap(({ body }) => body.results as { outcome: string }[])
    }
    const [bought, ...answers] = await Promise.all([
      buy(),
      ...ids.map((id) => requestPayout(office.db, id, parent.guardian, NOW)),
      ...ids.map((id) => requestPayout(office.db, id, parent.guardian, NOW)),
    ])
    const got = new Set(ids.filter((_, at) => answers[at]?.kind === 'requested'))
    const sold = bought.filter(({ outcome }) => outcome === 'approved').length
    const left = await held(office, ida.account)
    expect(left).toBe(50_000 - got.size * 7000 - sold * 2500)
    expect(left).toBeGreaterThanOrEqual(0)
    expect(left).toBeLessThan(2500) // Whatever fitted was let through.
    const lowest = await office.db
      .prepare('SELECT min(balance) AS low FROM posting WHERE account = ?')
      .bind(ida.account)
    expect(await lowest.first('low')).toBeGreaterThanOrEqual(0)
    const file = await exported(...got)
    const made = BankFileContent.parse((await carl.get(`/payouts/files/${file}`)).body)
    expect(made).toMatchObject({ count: got.size, sum: got.size * 7000 })
    expect(made.sum).toBe(await held(office, 'payouts_payable'))
    await clean()
  })
})

describe('staff', () => {
  it('see what awaits them, with four digits of the account, and that they looked is recorded', async () => {
    const id = await requested(1200)
    await drafted(100)
    const { body } = await birthe.get('/payouts')
    expect(body).toMatchObject({
      more: false,
      payouts: [
        { id, name: BANK.name, bankAccountEnds: '4567', bankAmount: 1200, state: 'requested', approvedBy: null },
      ],
    })
    expect(JSON.stringify(body)).not.toContain('0001234567')
    const looked = await office.db.prepare("SELECT child FROM viewing WHERE viewer_kind = 'staff' AND viewer = ?")
    expect((await looked.bind(birthe.id).all()).results).toEqual([{ child: ida.child }])
    expect((await birthe.get('/payouts?state=paid')).body.payouts).toEqual([])
    expect((await birthe.get('/payouts?state=all')).body.payouts).toHaveLength(1)
  })

  it('of a club may do none of it', async () => {
    const club = await colleague(office, 'Klub', 'club')
    const id = await requested(1200)
    const tried = [
      await club.get('/payouts'),
      await club.post(`/payouts/${id}/approve`),
      await club.post(`/payouts/${id}/reject`, { reason: 'fordi' }),
      await club.post('/payouts/export', { id: newId() }),
      await club.get('/payouts/files'),
      await club.get(`/payouts/files/${newId()}`),
      await club.post('/payouts/import-status', { report: 'x' }),
    ]
    expect(tried.map(({ body }) => body.error?.code)).toEqual(tried.map(() => 'role_forbidden'))
  })

  it('approve once; whoever approved cannot export, under any token of theirs', async () => {
    const id = await requested(1200)
    expect((await birthe.post(`/payouts/${id}/approve`)).body).toMatchObject({
      state: 'approved',
      approvedBy: 'Birthe',
    })
    expect((await carl.post(`/payouts/${id}/approve`)).body).toMatchObject({ state: 'approved', approvedBy: 'Birthe' })
    const again = await colleague(office, ' birthe')
    for (const hand of [birthe, again]) {
      const { status, body } = await hand.post('/payouts/export', { id: newId() })
      expect([status, body.error?.code]).toEqual([409, 'nothing_to_export'])
      expect(body.error?.message).toContain('1 that you approved')
    }
    expect((await carl.post('/payouts/export', { id: newId() })).body).toMatchObject({ count: 1, sum: 1200 })
    const unknown = await birthe.post(`/payouts/${newId()}/approve`)
    expect(unknown.body.error?.code).toBe('payout_unknown')
    const draft = await drafted(100)
    const notYet = await birthe.post(`/payouts/${draft.kind === 'drafted' ? draft.payout.id : ''}/approve`)
    expect(notYet.body.error?.code).toBe('payout_unknown')
  })

  it('reject what no file holds: the money is back once, and the parent hears why', async () => {
    const [asked, approved] = [await requested(1200), await requested(1300)]
    await birthe.post(`/payouts/${approved}/approve`)
    for (const id of [asked, approved, asked]) {
      const { body } = await birthe.post(`/payouts/${id}/reject`, { reason: 'Forkert navn' })
      expect(body).toMatchObject({ state: 'rejected', reason: 'Forkert navn' })
    }
    await carl.post(`/payouts/${asked}/reject`, { reason: 'En anden grund' })
    expect(await held(office, ida.account)).toBe(50_000)
    expect(await held(office, 'payouts_payable')).toBe(0)
    expect(await letters()).toMatchObject([
      { recipient: 'asta@example.dk', amount: 1200, reason: 'Forkert navn', child: 'Ida', balance: 48_700 },
      { recipient: 'asta@example.dk', amount: 1300, reason: 'Forkert navn', balance: 50_000 },
    ])
    expect(await view(asked)).toMatchObject({ status: 'rejected', reason: { kind: 'staff', words: 'Forkert navn' } })
    expect((await birthe.post(`/payouts/${asked}/approve`)).body.error?.code).toBe('payout_too_late')
    const third = await requested(1400)
    await exported(third)
    const late = await birthe.post(`/payouts/${third}/reject`, { reason: 'Forkert navn' })
    expect(late.body.error?.code).toBe('payout_too_late')
    await clean()
  })
})

describe('an export', () => {
  it('again gives the same file byte for byte, whatever was approved since', async () => {
    const id = newId()
    await birthe.post(`/payouts/${await requested(1200)}/approve`)
    const first = await carl.post('/payouts/export', { id })
    await birthe.post(`/payouts/${await requested(1300)}/approve`)
    expect(await carl.post('/payouts/export', { id })).toEqual(first)
    expect((await birthe.get(`/payouts/files/${id}`)).body).toEqual(first.body)
    expect(first.body).toMatchObject({ count: 1, sum: 1200, version: '09', staff: 'Carl' })
    const other = await carl.post('/payouts/export', { id, version: '03' })
    expect(other.body.error?.code).toBe('id_taken')
    expect((await carl.post('/payouts/export', { id: newId(), version: '03' })).body).toMatchObject({ sum: 1300 })
    const { files } = (await carl.get('/payouts/files')).body as { files: { sum: number }[] }
    expect(files.map(({ sum }) => sum).sort()).toEqual([1200, 1300])
  })

  it('puts each payout in one file, with several exports at the same time', async () => {
    const ids: string[] = []
    for (let at = 0; at < 8; at += 1) ids.push(await requested(1000 + at))
    for (const id of ids) await birthe.post(`/payouts/${id}/approve`)
    const dora = await colleague(office, 'Dora')
    const same = newId()
    const answers = await Promise.all([
      carl.post('/payouts/export', { id: newId() }),
      dora.post('/payouts/export', { id: newId() }),
      dora.post('/payouts/export', { id: same }),
      carl.post('/payouts/export', { id: same }),
    ])
    const files = answers.filter(({ status }) => status === 200).map(({ body }) => BankFileContent.parse(body))
    const distinct = [...new Map(files.map((file) => [file.id, file])).values()]
    const ends = distinct.flatMap(({ xml }) => [...xml.matchAll(/<EndToEndId>(\w+)</g)].map(([, end]) => end))
    expect(ends.sort()).toEqual(ids.map((id) => id.replaceAll('-', '')).sort())
    expect(distinct.reduce((sum, file) => sum + file.sum, 0)).toBe(await held(office, 'payouts_payable'))
    for (const { status, body } of answers) {
      if (status !== 200) expect(body.error?.code).toBe('nothing_to_export')
    }
  })

  it('needs an account of the municipality, something to export, and a day to come', async () => {
    const nothing = await carl.post('/payouts/export', { id: newId() })
    expect(nothing.body.error).toMatchObject({ code: 'nothing_to_export' })
    await birthe.post(`/payouts/${await requested(1200)}/approve`)
    for (const executionDay of ['2020-01-01', '2099-01-01', '24-11-2026']) {
      const { status, body } = await carl.post('/payouts/export', { id: newId(), executionDay })
      expect([executionDay, status, body.error?.code]).toEqual([executionDay, 400, 'malformed'])
    }
    await office.db.prepare('UPDATE municipality SET bank_account = NULL').run()
    const poor = await carl.post('/payouts/export', { id: newId() })
    expect(poor.body.error?.code).toBe('bank_account_missing')
    const bad = await call('POST', '/api/staff/payouts/export', { token: office.token, body: { id: 'x' } })
    expect(bad.status).toBe(400)
  })
})

describe("the bank's report", () => {
  const taken = async (report: string, by = carl) => await by.post('/payouts/import-status', { report })

  it('pays, sends back and leaves alone, each once', async () => {
    const [paid, back, waiting] = [await requested(1000), await requested(2000), await requested(3000)]
    const file = await exported(paid, back, waiting)
    const report = bankReport(file, {
      group: { status: 'PART' },
      transactions: {
        [paid]: { status: 'ACSC' },
        [back]: { status: 'RJCT', code: 'AC04' },
        [waiting]: { status: 'PDNG' },
        'ffffffff-ffff-7fff-8fff-ffffffffffff': { status: 'RJCT', code: 'AC01' },
      },
    })
    expect((await taken(report)).body).toEqual({
      file,
      paid: [paid],
      returned: [{ payout: back, reason: 'AC04: The account is closed' }],
      untold: 0,
      unchanged: 1,
      unknown: ['ffffffffffff7fff8fffffffffffffff'],
      contradicted: [],
      withheld: [],
      more: false,
    })
    expect(await held(office, ida.account)).toBe(46_000)
    expect(await held(office, 'payouts_payable')).toBe(3000)
    expect(await held(office, 'bank')).toBe(1000)
    expect(await letters()).toMatchObject([{ amount: 2000, reason: 'Kontoen er lukket', balance: 46_000 }])
    expect(await view(back)).toMatchObject({ status: 'rejected', reason: { kind: 'bank', code: 'AC04' } })
    expect(await view(paid)).toMatchObject({ status: 'paid', settledAt: expect.any(Number) })
    const before = await contents(office.db)
    expect((await taken(report)).body).toMatchObject({ paid: [], returned: [], unchanged: 3 })
    expect(await contents(office.db)).toEqual(before)
    await clean()
  })

  it('of the whole file counts for each payout of which nothing else is said', async () => {
    const [one, two] = [await requested(1000), await requested(2000)]
    const file = await exported(one, two)
    expect((await taken(bankReport(file, { group: { status: 'ACCP' } }))).body).toMatchObject({ unchanged: 2 })
    const rest = bankReport(file, { group: { status: 'ACSC' }, transactions: { [two]: { status: 'ACSP' } } }, '12')
    expect((await taken(rest)).body).toMatchObject({ paid: [one], unchanged: 1 })
    const all = bankReport(file, { group: { status: 'RJCT', code: 'NARR' } })
    expect((await taken(all, birthe)).body).toMatchObject({ returned: [{ payout: one }, { payout: two }] })
    expect(await held(office, ida.account)).toBe(50_000)
    await clean()
  })

  it('of a payout that was paid and came back takes both steps back, and a late yes changes nothing', async () => {
    const id = await requested(5000)
    const file = await exported(id)
    const paid = bankReport(file, { transactions: { [id]: { status: 'ACCC' } } }, '10')
    const returned = bankReport(file, { transactions: { [id]: { status: 'RJCT', code: 'BE06' } } }, '10')
    await taken(paid)
    expect(await held(office, 'bank')).toBe(5000)
    await Promise.all([taken(returned, birthe), taken(returned, birthe)])
    expect(await held(office, 'bank')).toBe(0)
    expect(await held(office, 'payouts_payable')).toBe(0)
    expect(await held(office, ida.account)).toBe(50_000)
    expect((await taken(paid)).body).toMatchObject({ paid: [], contradicted: [id] })
    expect(await letters()).toHaveLength(1)
    await clean()
  })

  it('about a file of somebody else, of another kind, or set to do harm, is refused and changes nothing', async () => {
    const file = await exported(await requested(5000))
    const before = await contents(office.db)
    const good = bankReport(file, { group: { status: 'ACSC' } })
    const laughs = `<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
    const outside = `<!DOCTYPE x [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>`
    const deep = `${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`
    const refused = {
      malformed: [
        'no xml',
        '{}',
        good.replace('</Document>', ''),
        good.replace('pain.002.001.03', 'pain.001.001.03'),
        good.replace('pain.002.001.03', 'pain.002.001.02'),
        good.replace('?>', `?>${laughs}`),
        good.replace('?>', `?>${outside}`),
        good.replace('<GrpHdr>', `<GrpHdr>${deep}`),
        good.replace(/<OrgnlMsgId>.*<\/OrgnlMsgId>/, ''),
        good.replace('ACSC', 'acsc; DROP'),
        good.replace(/<OrgnlMsgId>.*<\/OrgnlMsgId>/, '<OrgnlMsgId><a/></OrgnlMsgId>'),
      ],
      bank_file_unknown: [
        bankReport(newId(), { group: { status: 'ACSC' } }),
        good.replace(file.replaceAll('-', ''), 'X1'),
      ],
    }
    for (const [code, reports] of Object.entries(refused)) {
      for (const report of reports)
        expect([report.slice(0, 200), (await taken(report)).body.error?.code]).toEqual([report.slice(0, 200), code])
    }
    const huge = await taken(good + ' '.repeat(10_000_000))
    expect([huge.status, huge.body.error?.code]).toEqual([413, 'too_large'])
    expect(await contents(office.db)).toEqual(before)
    const prefixed = good.replaceAll(/<(\/?)(?=[A-Z])/g, '<$1p:').replace('xmlns=', 'xmlns:p=')
    expect((await taken(`\ufeff${prefixed}`)).body).toMatchObject({ paid: [expect.any(String)] })
  })
})

it('a draft that nobody confirmed is swept away after a day, with the bank account in it; a payout stays', async () => {
  await paidDeposit(office, { account: ida.account, guardian: parent.guardian, amount: 20_000 }, NOW)
  const draft = await drafted(30_000)
  if (draft.kind !== 'drafted') throw new Error(draft.kind)
  const kept = await requested(10_000)
  await sweep(office.db, NOW + DAY_MS - 1)
  expect(await view(draft.payout.id)).not.toBeNull()
  expect((await sweep(office.db, NOW + DAY_MS + 1)).payoutDrafts).toBe(1)
  expect(await view(draft.payout.id)).toBeNull()
  expect(await view(kept)).not.toBeNull()
  await clean()
})

it('a payout that empties the account lets its top-up agreement wait, so that the card is not charged for it', async () => {
  await office.db
    .prepare(
      `INSERT INTO agreement (id, account, guardian, mail, amount, threshold, activation, per_day, terms, status,
         customer, payment_method, created_at)
       VALUES ('a', ?1, ?2, 'asta@example.dk', 10000, 5000, 10000, 2, 'da-1', 'active', 'cus', 'pm', 0)`,
    )
    .bind(ida.account, parent.guardian)
    .run()
  const status = () => office.db.prepare('SELECT status FROM agreement').first<string>('status')
  await requested(45_000)
  expect(await status()).toBe('active')
  await requested(1)
  expect(await status()).toBe('waiting')
})
