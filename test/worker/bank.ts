import { ore } from '../../shared/money.ts'
import { digest } from '../../shared/signing.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { post } from '../../worker/ledger/transfers.ts'
import { bankId } from '../../worker/payouts/bank-files.ts'
import { type Answer, call, type Municipality } from './municipality.ts'

/** What a payout's tests need beside a wallet: money that came by card, a second member of staff, and the bank's word. */

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
export const newId = (nowMs = Date.now()) => uuidv7(nowMs, random(16))

/** A member of staff with a token of their own. */
export type Colleague = {
  id: number
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
}

/** Gives somebody a token; the same name twice is one person with two. */
export async function colleague(
  office: Municipality,
  name: string,
  role: 'admin' | 'club' | 'finance' = 'finance',
): Promise<Colleague> {
  const token = `kk_${crypto.randomUUID()}`
  const added = await office.db
    .prepare(
      'INSERT INTO staff_token (name, role, hash, created_at, expires_at) VALUES (?, ?, ?, 0, 99999999999999) RETURNING id',
    )
    .bind(name, role, await digest(token))
    .first<number>('id')
  if (added === null) throw new Error('a token was not added')
  return {
    id: added,
    get: (path) => call('GET', `/api/staff${path}`, { token }),
    post: (path, body = {}) => call('POST', `/api/staff${path}`, { token, body }),
  }
}

/** The municipality's own account, from which the bank pays. */
export async function ownAccount(office: Municipality): Promise<void> {
  await office.db.prepare("UPDATE municipality SET bank_registration = '9570', bank_account = '1234567'").run()
}

/** A paid deposit by card or MobilePay, in the wallet as if Stripe had said so; the payment's id. */
export async function paidDeposit(
  office: Municipality,
  { account, guardian, amount }: { account: number; guardian: number; amount: number },
  nowMs: number,
  method: 'card' | 'mobilepay' = 'card',
): Promise<string> {
  const id = newId(nowMs)
  await office.db.batch([
    office.db
      .prepare(
        `INSERT INTO payment (id, purpose, account, guardian, amount, mail, status, intent, method, created_at, settled_at)
         VALUES (?1, 'deposit', ?2, ?3, ?4, 'asta@example.dk', 'paid', 'pi_' || ?1, ?5, ?6, ?6)`,
      )
      .bind(id, account, guardian, amount, method, nowMs),
    ...post(
      office.db,
      {
        id: `deposit:pi_${id}`,
        kind: 'deposit',
        debitAccount: 'psp_clearing',
        creditAccount: account,
        amount: ore(amount),
        staff: null,
        reason: null,
      },
      nowMs,
    ),
  ])
  return id
}

/** What an account of a kind, or a wallet, holds. */
export async function held(office: Municipality, account: number | string): Promise<number> {
  const balance = await office.db
    .prepare(
      `SELECT balance FROM posting JOIN account ON account.id = posting.account
       WHERE account.id = ?1 OR account.kind = ?1 ORDER BY seq DESC LIMIT 1`,
    )
    .bind(account)
    .first<number>('balance')
  return balance ?? 0
}

type Said = { status: string; code?: string }

/** A status report of the bank about a file: of the whole of it, and of single payouts (or other ids). */
export function bankReport(
  file: string,
  { group, transactions = {} }: { group?: Said; transactions?: Record<string, Said> },
  version = '03',
): string {
  const why = ({ code }: Said) => (code ? `<StsRsnInf><Rsn><Cd>${code}</Cd></Rsn></StsRsnInf>` : '')
  const parts = Object.entries(transactions).map(
    ([id, said]) =>
      `<TxInfAndSts><OrgnlEndToEndId>${bankId(id)}</OrgnlEndToEndId><TxSts>${said.status}</TxSts>${why(said)}</TxInfAndSts>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.${version}"><CstmrPmtStsRpt>
<GrpHdr><MsgId>BANK-1</MsgId><CreDtTm>2026-11-24T08:00:00Z</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>${bankId(file)}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.03</OrgnlMsgNmId>${
    group ? `<GrpSts>${group.status}</GrpSts>${why(group)}` : ''
  }</OrgnlGrpInfAndSts>
${parts.length ? `<OrgnlPmtInfAndSts><OrgnlPmtInfId>${bankId(file)}</OrgnlPmtInfId>${parts.join('\n')}</OrgnlPmtInfAndSts>` : ''}
</CstmrPmtStsRpt></Document>`
}
