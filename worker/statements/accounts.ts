import { copenhagenDay } from '../../shared/copenhagen.ts'
import { ore } from '../../shared/money.ts'
import { balanceOf, post } from '../ledger/transfers.ts'
import { type Actor, recordedIfChanged } from '../municipality/audit.ts'
import { maySteer, steererOf } from '../people/guardianships.ts'
import { viewedAccounts, viewedAmong } from '../people/viewings.ts'

export type AccountView = {
  id: number
  child: { id: number; name: string }
  balance: number
  dailyLimit: number | null
  spentToday: number
  movements: {
    seq: number
    transfer: string
    kind: string
    amount: number
    balance: number
    at: number
    reason: string | null
  }[]
}

/** A child's wallet with its newest 50 movements in øre, for a viewer, which is recorded; null where there is none. */
export async function account(db: D1Database, id: number, viewer: Actor, nowMs: number): Promise<AccountView | null> {
  const [, wallets, newest] = await db.batch([
    viewedAccounts(db, [id], viewer, nowMs),
    db
      .prepare(
        `SELECT account.id, account.daily_limit AS dailyLimit, child.id AS child, child.name
         FROM account JOIN child ON child.id = account.child WHERE account.id = ?`,
      )
      .bind(id),
    db
      .prepare(
        `SELECT seq, transfer, kind, posting.amount, balance, at, reason, posting.day, spent
         FROM posting JOIN transfer ON transfer.id = posting.transfer
         WHERE account = ? ORDER BY seq DESC LIMIT 50`,
      )
      .bind(id),
  ])
  const wallet = wallets?.results[0] as { dailyLimit: number | null; child: number; name: string } | undefined
  if (!wallet) return null
  const postings = (newest?.results ?? []) as (AccountView['movements'][number] & { day: string; spent: number })[]
  const head = postings[0]
  return {
    id,
    child: { id: wallet.child, name: wallet.name },
    balance: head?.balance ?? 0,
    dailyLimit: wallet.dailyLimit,
    spentToday: head?.day === copenhagenDay(nowMs) ? head.spent : 0,
    movements: postings.map(({ day, spent, ...movement }) => movement),
  }
}

/**
 * Sets the most that an account may spend in one day, in øre; null for no limit. The same again is no change. To a
 * guardian only accounts of their own children are there.
 */
export async function setDailyLimit(
  db: D1Database,
  id: number,
  limit: number | null,
  actor: Actor,
  nowMs: number,
): Promise<'set' | 'not_found'> {
  const theirs = `id = ?1 AND child IS NOT NULL AND ${maySteer('account.id', '?2')}`
  const [, , found] = await db.batch([
    db
      .prepare(`UPDATE account SET daily_limit = ?3 WHERE ${theirs} AND daily_limit IS NOT ?3`)
      .bind(id, steererOf(actor), limit),
    recordedIfChanged(db, { ...actor, action: 'daily_limit_set', subject: `account:${id}`, detail: { limit } }, nowMs),
    db.prepare(`SELECT 1 FROM account WHERE ${theirs}`).bind(id, steererOf(actor)),
  ])
  return found?.results.length ? 'set' : 'not_found'
}

/**
 * Credits a wallet by the hand of staff, with a reason, out of suspense: finance settles what the correction was for.
 * Once per `id`; the same id for another account, amount or reason is a transfer_conflict. The answer tells a balance,
 * so staff are recorded as having looked.
 */
export async function credit(
  db: D1Database,
  wallet: number,
  correction: { id: string; amount: number; reason: string },
  staff: number,
  nowMs: number,
): Promise<{ transfer: string; balance: number } | 'account_unknown' | 'transfer_conflict'> {
  const { amount, reason } = correction
  const suspense = await db.prepare("SELECT id FROM account WHERE kind = 'suspense'").first<number>('id')
  const target = await db.prepare('SELECT id FROM account WHERE id = ? AND child IS NOT NULL').bind(wallet).first()
  if (suspense === null || !target) return 'account_unknown'
  const id = `correction:${correction.id}`
  const booked = 'transfer.id = ? AND credit_account = ? AND transfer.amount = ? AND transfer.reason = ?'
  const bind = [id, wallet, amount, reason]
  const stored = await db.batch([
    ...post(
      db,
      { id, kind: 'correction', debitAccount: suspense, creditAccount: wallet, amount: ore(amount), staff, reason },
      nowMs,
    ),
    recordedIfChanged(
      db,
      { staff, action: 'account_credited', subject: `account:${wallet}`, detail: { transfer: id } },
      nowMs,
    ),
    viewedAmong(
      db,
      { children: `SELECT child FROM account JOIN transfer ON credit_account = account.id WHERE ${booked}`, bind },
      { staff },
      nowMs,
    ),
    db.prepare(`SELECT 1 FROM transfer WHERE ${booked}`).bind(...bind),
  ])
  if (!stored.at(-1)?.results.length) return 'transfer_conflict'
  return { transfer: id, balance: await balanceOf(db, wallet) }
}
