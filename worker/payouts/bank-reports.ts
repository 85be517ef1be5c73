import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import { uuidOf } from './bank-files.ts'

/**
 * What the bank says of a file: ISO 20022 pain.002.001, from version 03 on. Comes from outside, so no entity is ever
 * replaced, no document type is taken, and what is not of the form is refused.
 */

/** What became of a transfer, by the newest status the bank gives of it. */
export type BankVerdict = { kind: 'paid' } | { kind: 'returned'; code: string } | { kind: 'waiting' }

type Status = { status: string | null; code: string | null }

/** A report: `original` is the id that our file had; statuses are null where the bank gives none. */
export type BankReport = {
  id: string
  original: string
  group: Status
  payments: (Status & { transactions: (Status & { id: string })[] })[]
}

/**
 * What a status code means for a payout, after ISO 20022's external code list ExternalPaymentTransactionStatus1Code:
 * ACSC (settlement on the debtor's account completed) and ACCC (on the creditor's) are paid; RJCT (rejected) and CANC
 * (cancelled) come back. All others are on their way: ACTC, ACCP, ACWC and RCVD before execution, ACSP while settling,
 * ACWP and BLCK before the creditor has it, PDNG pending, and PART, which is for a whole of which the parts say more.
 */
function verdictOf({ status, code }: Status): BankVerdict | null {
  switch (status) {
    case null:
      return null
    case 'ACSC':
    case 'ACCC':
      return { kind: 'paid' }
    case 'RJCT':
    case 'CANC':
      return { kind: 'returned', code: code ?? 'NARR' }
    default:
      return { kind: 'waiting' } // The list is the bank's and grows; what is not known has not ended.
  }
}

/**
 * What a report says of each payout of its file, and the ids in it that are none of theirs. A transaction's own status
 * counts before that of its payment information, and that before the whole group's.
 */
export function verdicts(
  report: BankReport,
  payouts: readonly string[],
): { verdicts: Map<string, BankVerdict>; unknown: string[] } {
  const whole = report.payments.length === 1 ? verdictOf(report.payments[0] ?? report.group) : null
  const common = whole ?? verdictOf(report.group) ?? { kind: 'waiting' as const }
  const found = new Map<string, BankVerdict>(payouts.map((id) => [id, common]))
  const unknown: string[] = []
  for (const payment of report.payments) {
    for (const transaction of payment.transactions) {
      const id = uuidOf(transaction.id)
      if (id !== null && found.has(id)) found.set(id, verdictOf(transaction) ?? verdictOf(payment) ?? common)
      else unknown.push(transaction.id)
    }
  }
  return { verdicts: found, unknown }
}

const Text = z.string().trim().min(1).max(500)
const Code = Text.regex(/^[A-Z0-9]{1,4}$/)
/** An element that may come once, several times, or not at all; an empty one is read as ''. */
const many = <T extends z.ZodType>(element: T) =>
  z.preprocess(
    (found) => (found === undefined || found === '' ? [] : Array.isArray(found) ? found : [found]),
    z.array(element),
  )
const Reasons = many(z.object({ Rsn: z.object({ Cd: Code.optional() }).optional() }).or(z.literal('')))

const Report = z.object({
  Document: z.object({
    CstmrPmtStsRpt: z.object({
      GrpHdr: z.object({ MsgId: Text }),
      OrgnlGrpInfAndSts: z.object({ OrgnlMsgId: Text, GrpSts: Code.optional(), StsRsnInf: Reasons }),
      OrgnlPmtInfAndSts: many(
        z.object({
          PmtInfSts: Code.optional(),
          StsRsnInf: Reasons,
          TxInfAndSts: many(
            z
              .object({ OrgnlEndToEndId: Text.optional(), TxSts: Code.optional(), StsRsnInf: Reasons })
              .or(z.literal('')),
          ),
        }),
      ),
    }),
  }),
})

const NAMESPACE = /^urn:iso:std:iso:20022:tech:xsd:pain\.002\.001\.(\d{2})$/

const parser = new XMLParser({
  processEntities: false,
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  // The parser's own way to leave prefixes out leaves out the namespaces as well.
  transformTagName: (name) => name.slice(name.indexOf(':') + 1),
  parseTagValue: false,
  parseAttributeValue: false,
  maxNestedTags: 40,
})

export type ReadReport = { kind: 'report'; report: BankReport } | { kind: 'invalid'; reason: string }

/** Reads a bank's status report; `reason` says in English what is wrong with it. */
export function readBankReport(text: string): ReadReport {
  const xml = text.replace(/^\ufeff/, '')
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) return invalid('it declares a document type, which no bank does')
  let found: unknown
  try {
    const wellFormed = XMLValidator.validate(xml)
    if (wellFormed !== true) return invalid(`it is no XML (line ${wellFormed.err.line})`)
    found = parser.parse(xml)
  } catch {
    return invalid('it is no XML that can be read') // The parser throws what it will not take, as tags nested too deep.
  }
  const version = versionOf(found)
  if (version === null) return invalid('it is no status report (pain.002.001)')
  if (version < 3) return invalid(`it is of version ${version} of pain.002.001; it must be 3 or newer`)
  const read = Report.safeParse(found)
  if (!read.success) return invalid(`${read.error.issues[0]?.path.join('/')} is missing, or not of its form`)
  const { GrpHdr, OrgnlGrpInfAndSts: group, OrgnlPmtInfAndSts: payments } = read.data.Document.CstmrPmtStsRpt
  return {
    kind: 'report',
    report: {
      id: GrpHdr.MsgId,
      original: group.OrgnlMsgId,
      group: { status: group.GrpSts ?? null, code: codeOf(group.StsRsnInf) },
      payments: payments.map((payment) => ({
        status: payment.PmtInfSts ?? null,
        code: codeOf(payment.StsRsnInf),
        transactions: payment.TxInfAndSts.flatMap((transaction) =>
          transaction === ''
            ? []
            : [
                {
                  id: transaction.OrgnlEndToEndId ?? '(no id)',
                  status: transaction.TxSts ?? null,
                  code: codeOf(transaction.StsRsnInf),
                },
              ],
        ),
      })),
    },
  }
}

const invalid = (reason: string): ReadReport => ({ kind: 'invalid', reason })

/** The version that the document's namespace names, whatever prefix it has; null where it is another message. */
function versionOf(found: unknown): number | null {
  const root = z.object({ Document: z.record(z.string(), z.unknown()) }).safeParse(found)
  if (!root.success) return null
  const names = Object.entries(root.data.Document).flatMap(([key, value]) =>
    key.startsWith('@') ? [String(value)] : [],
  )
  const version = names.flatMap((name) => NAMESPACE.exec(name)?.[1] ?? [])[0]
  return version === undefined ? null : Number(version)
}

/** The first of ISO's reason codes; null where there is none, or only one of the bank's own. */
function codeOf(reasons: z.infer<typeof Reasons>): string | null {
  return reasons.flatMap((reason) => (reason === '' ? [] : (reason.Rsn?.Cd ?? [])))[0] ?? null
}
