import { XMLBuilder } from 'fast-xml-parser'
import { BANK_NAME_MAX, type BankDetails, bankTextOf } from '../../shared/bank-accounts.ts'
import { addDays, mondayOf } from '../../shared/copenhagen.ts'

/**
 * A file of credit transfers for the bank: ISO 20022 pain.001.001.03 or .09, in UTF-8 with the characters of ISO-8859-1.
 * Accounts are named as Danes know them, by their BBAN of 14 digits: banks make IBANs of registration numbers that are
 * not the typed ones. The same input makes the same bytes.
 */

/** Which of the two messages: their last part. */
export type BankFileVersion = '03' | '09'

/** One transfer: `id` is the payout's UUID, `amount` whole øre. */
export type BankTransfer = BankDetails & { id: string; amount: number }

/** What a file says: `id` is a UUID, `executionDay` 'YYYY-MM-DD', and the debtor is the municipality. */
export type BankOrder = {
  id: string
  version: BankFileVersion
  executionDay: string
  createdAtMs: number
  debtor: { name: string; registration: string; bankAccount: string }
  transfers: readonly BankTransfer[]
}

/**
 * A municipality's name as a bank takes it, cut where it is too long: the account tells who pays. Null where it is empty
 * or has characters that no bank takes.
 */
export function debtorNameOf(name: string): string | null {
  const read = bankTextOf(name, Number.POSITIVE_INFINITY)
  return 'value' in read ? read.value.slice(0, BANK_NAME_MAX).trim() || null : null
}

/** A UUID as a bank takes it: 35 characters are the most, and without its dashes it has 32. */
export function bankId(uuid: string): string {
  return uuid.replaceAll('-', '')
}

/** The UUID that a bank means; null where it is none of ours. */
export function uuidOf(bankId: string): string | null {
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i.exec(bankId)
  return parts ? parts.slice(1).join('-').toLowerCase() : null
}

/**
 * The first weekday after a day. Which other days banks are closed is left to the bank, which executes on its next open
 * day what falls on a closed one.
 */
export function nextWeekday(day: string): string {
  const next = addDays(day, 1)
  const saturday = addDays(mondayOf(next), 5)
  return next < saturday ? next : addDays(saturday, 2)
}

/** Whole øre as the decimal number of kroner that XML wants: 123450 becomes '1234.50'. */
function decimal(amount: number): string {
  const digits = String(amount).padStart(3, '0')
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`
}

const bban = ({ registration, bankAccount }: { registration: string; bankAccount: string }) => ({
  Id: { Othr: { Id: `${registration}${bankAccount.padStart(10, '0')}`, SchmeNm: { Cd: 'BBAN' } } },
})

const builder = new XMLBuilder({ format: true, indentBy: ' ', ignoreAttributes: false, attributeNamePrefix: '@' })

/** The file's text. Its fields stand in the schema's order, which is the order of the object's keys. */
export function bankFileXml({ id, version, executionDay, createdAtMs, debtor, transfers }: BankOrder): string {
  const count = String(transfers.length)
  const sum = decimal(transfers.reduce((total, { amount }) => total + amount, 0))
  return builder.build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    Document: {
      '@xmlns': `urn:iso:std:iso:20022:tech:xsd:pain.001.001.${version}`,
      CstmrCdtTrfInitn: {
        GrpHdr: {
          MsgId: bankId(id),
          CreDtTm: `${new Date(createdAtMs).toISOString().slice(0, 19)}Z`,
          NbOfTxs: count,
          CtrlSum: sum,
          InitgPty: { Nm: debtor.name },
        },
        PmtInf: {
          PmtInfId: bankId(id),
          PmtMtd: 'TRF',
          NbOfTxs: count,
          CtrlSum: sum,
          PmtTpInf: { InstrPrty: 'NORM', SvcLvl: { Cd: 'NURG' } },
          ReqdExctnDt: version === '03' ? executionDay : { Dt: executionDay },
          Dbtr: { Nm: debtor.name },
          DbtrAcct: { ...bban(debtor), Ccy: 'DKK' },
          // The agent must be named; the bank knows it by the registration number in the account.
          DbtrAgt: { FinInstnId: { Othr: { Id: 'NOTPROVIDED' } } },
          ChrgBr: 'SHAR',
          CdtTrfTxInf: transfers.map((transfer) => ({
            PmtId: { EndToEndId: bankId(transfer.id) },
            Amt: { InstdAmt: { '@Ccy': 'DKK', '#text': decimal(transfer.amount) } },
            Cdtr: { Nm: transfer.name },
            CdtrAcct: bban(transfer),
            ...(transfer.message !== '' && { RmtInf: { Ustrd: transfer.message } }),
          })),
        },
      },
    },
  })
}
