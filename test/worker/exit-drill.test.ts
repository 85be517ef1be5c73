import { beforeEach, expect, it } from 'vitest'
import { ore } from '../../shared/money.ts'
import type { ExitDrill } from '../../shared/office/reports.ts'
import { type AccountOf, type Movement, post } from '../../worker/ledger/transfers.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
  newSale,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

let office: Municipality
let ida: CardHolder
let emil: CardHolder
let asta: Parent

async function move(kind: Movement['kind'], from: AccountOf, to: AccountOf, amount: number) {
  const movement = {
    id: `${kind}:${newSale()}`,
    kind,
    debitAccount: from,
    creditAccount: to,
    staff: null,
    reason: null,
  }
  await office.db.batch(post(office.db, { ...movement, amount: ore(amount) }, Date.now()))
}

/** A payout of the past: what became of it, and where it went. */
async function paidOut(holder: CardHolder, guardian: number, status: string, requestedAt: number, bankAccount: string) {
  await office.db
    .prepare(
      `INSERT INTO payout (id, account, guardian, name, registration, bank_account, message, amount, bank_amount, status,
         created_at, requested_at)
       VALUES (?1, ?2, ?3, '=Asta Prøveforælder', '0000', ?4, '', 100, 100, ?5, ?6, ?6)`,
    )
    .bind(newSale(), holder.account, guardian, bankAccount, status, requestedAt)
    .run()
}

const drill = (stated = {}) => office.post<ExitDrill>('/exit-drill', stated)

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ida = await cardHolder(office, { name: 'Ida Prøvebarn' })
  emil = await cardHolder(office, { name: 'Emil Prøvebarn' })
  await cardHolder(office, { name: 'Tom Prøvebarn' })
  asta = await parentOf(office, '0101575001', [ida.child, emil.child])
  await move('deposit', 'psp_clearing', ida.account, 12_345)
  await move('deposit', 'psp_clearing', emil.account, 6_000)
  await move('settlement', 'bank', 'psp_clearing', 10_000)
  await office.post('/settings', { money: { bankRegistration: '0000', bankAccount: '0000000001' } })
})

it('names every wallet above zero, makes a file for the bank accounts that are known, and moves nothing', async () => {
  await paidOut(ida, asta.guardian, 'paid', 1, '0000000011')
  await paidOut(ida, asta.guardian, 'approved', 2, '0000000022')
  await paidOut(ida, asta.guardian, 'rejected', 3, '0000000033')
  await paidOut(ida, asta.guardian, 'draft', 4, '0000000044')
  const before = await contents(office.db, 'audit', 'viewing')
  const made = await drill()
  expect(await contents(office.db, 'audit', 'viewing')).toEqual(before)
  expect(made.paybacks).toEqual([
    {
      child: { id: ida.child, name: 'Ida Prøvebarn' },
      account: ida.account,
      amount: 12_345,
      bank: { name: '=Asta Prøveforælder', registration: '0000', account: '0000000022' },
    },
    { child: { id: emil.child, name: 'Emil Prøvebarn' }, account: emil.account, amount: 6_000, bank: null },
  ])
  expect(made).toMatchObject({
    toBank: { count: 1, amount: 12_345 },
    byHand: { count: 1, amount: 6_000 },
    liabilities: { owed: { total: 18_345 }, held: { total: 18_345 }, difference: 0, covered: true },
    proven: true,
  })
  expect(made.file).toContain('<InstdAmt Ccy="DKK">123.45</InstdAmt>')
  expect(made.file).toContain('<Id>00000000000022</Id>')
  expect(made.file).toContain('<NbOfTxs>1</NbOfTxs>')
  expect(made.file).not.toContain('0000000033')
})

it('leaves out a bank account of a guardian who is no longer the child’s', async () => {
  await paidOut(ida, asta.guardian, 'paid', 1, '0000000011')
  await office.post(`/children/${ida.child}/guardians/end`, { cpr: '0101575001' })
  expect(await drill()).toMatchObject({
    toBank: { count: 0 },
    byHand: { count: 2 },
    file: null,
    fileMissing: 'no_bank_account_known',
  })
})

it('says that there is no file where the municipality’s own account is not set', async () => {
  await paidOut(ida, asta.guardian, 'paid', 1, '0000000011')
  await office.post('/settings', { money: { bankAccount: null } })
  expect(await drill()).toMatchObject({ toBank: { count: 1 }, file: null, fileMissing: 'own_account_not_set' })
})

it('is proven only where the money is there, by the book and in reality', async () => {
  expect(await drill({ bankBalance: 10_000, stripeBalance: 8_345 })).toMatchObject({
    bank: { book: 10_000, stated: 10_000, difference: 0 },
    stripe: { book: 8_345, stated: 8_345, difference: 0 },
    proven: true,
  })
  expect(await drill({ bankBalance: 9_999 })).toMatchObject({ bank: { difference: 1 }, proven: false })
  expect(await drill({ stripeBalance: 8_344 })).toMatchObject({ stripe: { difference: 1 }, proven: false })
  await office.post(`/accounts/${ida.account}/credit`, { id: newSale(), amount: 1, reason: 'Kontant' })
  expect(await drill()).toMatchObject({ liabilities: { covered: false, missing: 1, difference: 0 }, proven: false })
})

it('is in the audit log, and every child that it names has been looked at', async () => {
  await office.db.prepare('DELETE FROM viewing').run()
  await drill()
  const deed = await office.db.prepare('SELECT action, staff FROM audit ORDER BY id DESC').first()
  expect(deed).toEqual({ action: 'exit_drill', staff: 1 })
  const seen = await office.db.prepare('SELECT child, viewer_kind AS kind, viewer FROM viewing ORDER BY child').all()
  expect(seen.results).toEqual([ida, emil].map(({ child }) => ({ child, kind: 'staff', viewer: 1 })))
})
