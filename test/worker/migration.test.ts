import { applyD1Migrations, env, reset } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { checkLedger } from '../../worker/ledger/check.ts'

const MONEY = '0002_money.sql'
const db = env.DB_4000

/** The rows of everything that the rebuilt tables hold, and that refers to them. */
async function rows() {
  const tables = ['account', 'transfer', 'posting', 'card', 'message']
  const found = await db.batch<Record<string, unknown>>(
    tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`)),
  )
  return found.map(({ results }) => results)
}

it('a ledger in use keeps every row, its references and its triggers when two of its tables are rebuilt', async () => {
  await reset()
  const money = env.MIGRATIONS.findIndex(({ name }) => name === MONEY)
  await applyD1Migrations(db, env.MIGRATIONS.slice(0, money))
  await db.batch(
    [
      "INSERT INTO municipality (number, name, created_at) VALUES (4000, 'Prøve', 0)",
      "INSERT INTO account (kind) VALUES ('psp_clearing'), ('payouts_payable'), ('card_fee_revenue'), ('bank'), ('suspense')",
      "INSERT INTO site (id, name, created_at) VALUES (1, 'Klub', 0)",
      "INSERT INTO account (id, kind, site) VALUES (10, 'revenue', 1)",
      "INSERT INTO child (id, name, created_at) VALUES (1, 'Ida', 0)",
      "INSERT INTO account (id, kind, floor, child, daily_limit) VALUES (11, 'wallet', 0, 1, 2500)",
      "INSERT INTO card (hash, account, status, version, created_at) VALUES ('h', 11, 'active', 1, 0)",
      `INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, reason)
       VALUES ('correction:1', 'correction', 5, 11, 5000, 1, '2026-01-01', 'gave')`,
      `INSERT INTO posting (account, seq, transfer, amount, balance, day, spent)
       VALUES (5, 1, 'correction:1', -5000, -5000, '2026-01-01', 0),
              (11, 1, 'correction:1', 5000, 5000, '2026-01-01', 0)`,
    ].map((sql) => db.prepare(sql)),
  )
  const [accounts, ...others] = await rows()
  await applyD1Migrations(db, env.MIGRATIONS.slice(0, money + 1))

  const [accountsAfter, ...othersAfter] = await rows()
  expect(othersAfter).toEqual(others)
  expect(accountsAfter?.filter(({ kind }) => kind !== 'psp_fees')).toEqual(accounts)
  expect(accountsAfter).toHaveLength((accounts?.length ?? 0) + 1)
  await applyD1Migrations(db, env.MIGRATIONS)
  expect((await db.prepare('PRAGMA foreign_key_check').all()).results).toEqual([])
  expect((await checkLedger(db)).violations).toEqual([])
  for (const change of ['UPDATE transfer SET amount = 1', 'DELETE FROM transfer', 'DELETE FROM posting']) {
    await expect(db.prepare(change).run()).rejects.toThrow('append-only')
  }
  await expect(db.prepare('DELETE FROM account WHERE id = 11').run()).rejects.toThrow('FOREIGN KEY')
})
