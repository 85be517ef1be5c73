import { copenhagenDay } from '../../shared/copenhagen.ts'
import type { ExitDrill, Payback } from '../../shared/office/reports.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { liabilitiesOf, liabilitiesQuery } from '../ledger/liabilities.ts'
import { recorded } from '../municipality/audit.ts'
import { settingsOf, settingsQuery } from '../municipality/settings.ts'
import { viewedAmong } from '../people/viewings.ts'
import { bankFileXml, debtorNameOf, nextWeekday } from './bank-files.ts'

/**
 * The drill for the day on which a municipality ends: what would pay everyone back, and the proof that the money is
 * there. It moves nothing, and may be done at any time.
 */

const OWED = `
FROM account
JOIN child ON child.id = account.child
JOIN posting AS newest ON newest.account = account.id
  AND newest.seq = (SELECT max(seq) FROM posting WHERE posting.account = account.id)
WHERE account.kind = 'wallet' AND newest.balance > 0`

/*
 * A bank account is known from the newest payout that was not rejected, while the guardian who asked for it is still
 * the child's.
 */
const PAYBACKS = `
SELECT child.id AS child, child.name, account.id AS account, newest.balance AS amount, (
  SELECT json_object('name', payout.name, 'registration', payout.registration, 'account', payout.bank_account)
  FROM payout
  JOIN guardian ON guardian.id = payout.guardian
  JOIN guardianship ON guardianship.child = child.id AND guardianship.cpr_hash = guardian.cpr_hash
    AND guardianship.ended_at IS NULL
  WHERE payout.account = account.id AND payout.status IN ('requested', 'approved', 'exported', 'paid')
  ORDER BY payout.requested_at DESC, payout.id DESC LIMIT 1
) AS bank
${OWED} ORDER BY account.id`

type Row = { child: number; name: string; account: number; amount: number; bank: string | null }

/**
 * Every wallet above zero with the bank account that is known for it, and the file for the bank of those that have one.
 * `stated` is what the bank and Stripe say that they hold, in øre. Whoever asks is recorded, with every child in it.
 */
export async function exitDrill(
  db: D1Database,
  stated: { bankBalance: number | null; stripeBalance: number | null },
  staff: number,
  random: (bytes: number) => Uint8Array,
  nowMs: number,
): Promise<ExitDrill> {
  const [, , found, sums, municipality] = await db.batch([
    recorded(db, { staff, action: 'exit_drill', subject: 'municipality:1' }, nowMs),
    viewedAmong(db, { children: `SELECT account.child ${OWED}`, bind: [] }, { staff }, nowMs),
    db.prepare(PAYBACKS),
    liabilitiesQuery(db),
    settingsQuery(db),
  ])
  const paybacks = ((found?.results ?? []) as Row[]).map(
    ({ child, name, account, amount, bank }): Payback => ({
      child: { id: child, name },
      account,
      amount,
      bank: bank === null ? null : JSON.parse(bank),
    }),
  )
  const liabilities = liabilitiesOf(sums?.results[0])
  const toBank = paybacks.filter(({ bank }) => bank !== null)
  const byHand = paybacks.filter(({ bank }) => bank === null)
  const bank = held(liabilities.held.bank, stated.bankBalance)
  const stripe = held(liabilities.held.stripe, stated.stripeBalance)
  const agrees = [bank, stripe].every(({ difference }) => difference === null || difference === 0)
  return {
    at: nowMs,
    liabilities,
    paybacks,
    toBank: summed(toBank),
    byHand: summed(byHand),
    bank,
    stripe,
    proven:
      summed(paybacks).amount === liabilities.owed.wallets &&
      liabilities.difference === 0 &&
      liabilities.covered &&
      agrees,
    ...bankFile(settingsOf(municipality?.results[0]), toBank, random, nowMs),
  }
}

const summed = (paybacks: readonly Payback[]) => ({
  count: paybacks.length,
  amount: paybacks.reduce((sum, { amount }) => sum + amount, 0),
})

const held = (book: number, stated: number | null) => ({
  book,
  stated,
  difference: stated === null ? null : book - stated,
})

/** The file has an id of its own, and so has each of its payments: none of them is a payout that was asked for. */
function bankFile(
  { name, money }: ReturnType<typeof settingsOf>,
  paybacks: readonly Payback[],
  random: (bytes: number) => Uint8Array,
  nowMs: number,
): Pick<ExitDrill, 'file' | 'fileMissing'> {
  if (paybacks.length === 0) return { file: null, fileMissing: 'no_bank_account_known' }
  const { bankRegistration: registration, bankAccount, bankFileVersion: version } = money
  if (registration === null || bankAccount === null) return { file: null, fileMissing: 'own_account_not_set' }
  const debtor = debtorNameOf(name)
  if (debtor === null) return { file: null, fileMissing: 'own_name_unfit' }
  const file = bankFileXml({
    id: uuidv7(nowMs, random(16)),
    version,
    executionDay: nextWeekday(copenhagenDay(nowMs)),
    createdAtMs: nowMs,
    debtor: { name: debtor, registration, bankAccount },
    transfers: paybacks.flatMap(({ account, amount, bank }) =>
      bank === null
        ? []
        : {
            id: uuidv7(nowMs, random(16)),
            name: bank.name,
            registration: bank.registration,
            bankAccount: bank.account,
            message: `Klubkort, konto ${account}`,
            amount,
          },
    ),
  })
  return { file, fileMissing: null }
}
