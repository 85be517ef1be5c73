import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { validateXML } from 'xmllint-wasm'
import { bankTextOf } from '../shared/bank-accounts.ts'
import {
  type BankFileVersion,
  type BankOrder,
  bankFileXml,
  bankId,
  debtorNameOf,
  nextWeekday,
  uuidOf,
} from '../worker/payouts/bank-files.ts'
import { readBankReport, verdicts } from '../worker/payouts/bank-reports.ts'

const VERSIONS = ['03', '09'] as const

const schemas = Object.fromEntries(
  VERSIONS.map((version) => {
    const fileName = `pain.001.001.${version}.cut.xsd`
    return [version, { fileName, contents: readFileSync(new URL(`schemas/${fileName}`, import.meta.url), 'utf8') }]
  }),
)

/** What the schema has against a file; nothing where it is valid. */
async function faults(version: BankFileVersion, xml: string): Promise<string[]> {
  const schema = schemas[version]
  if (!schema) throw new Error(`no schema for ${version}`)
  const { errors } = await validateXML({ xml: [{ fileName: 'file.xml', contents: xml }], schema: [schema] })
  return errors.map(({ message }) => message)
}

const uuid = (at: number) => `0198c0de-0000-7000-8000-${at.toString(16).padStart(12, '0')}`

const transfer = {
  id: uuid(1),
  name: 'Åse Ærø Prøveforælder & Søn <A/S>',
  registration: '9570',
  bankAccount: '0001234567',
  message: 'Kantinekort "Ida" – tak'.replace('–', '-').padEnd(140, 'ø'),
  amount: 1,
}

const order = (version: BankFileVersion, transfers = [transfer]): BankOrder => ({
  id: uuid(0xffff),
  version,
  executionDay: '2026-11-23',
  createdAtMs: Date.UTC(2026, 10, 20, 11, 0, 0, 123),
  debtor: { name: 'Prøvekøbing Kommune', registration: '1234', bankAccount: '7654321' },
  transfers,
})

const all = (xml: string, element: string) =>
  [...xml.matchAll(new RegExp(`<${element}[^>]*>([^<]*)</${element}>`, 'g'))].map(([, text]) => text)

describe.each(VERSIONS)('a file of version %s', (version) => {
  test('is valid with the smallest amount, all letters, and the longest message', async () => {
    const xml = bankFileXml(order(version))
    expect(await faults(version, xml)).toEqual([])
    expect(all(xml, 'InstdAmt')).toEqual(['0.01'])
    expect(all(xml, 'CtrlSum')).toEqual(['0.01', '0.01'])
    expect(all(xml, 'MsgId')[0]).toHaveLength(32)
    expect(all(xml, 'EndToEndId')).toEqual([bankId(transfer.id)])
    expect(all(xml, 'Nm')).toEqual([
      'Prøvekøbing Kommune',
      'Prøvekøbing Kommune',
      'Åse Ærø Prøveforælder &amp; Søn &lt;A/S&gt;',
    ])
    expect(all(xml, 'CreDtTm')).toEqual(['2026-11-20T11:00:00Z'])
    expect(xml).toContain('<Id>12340007654321</Id>')
    expect(xml).toContain('<Id>95700001234567</Id>')
    expect(xml).toContain(version === '03' ? '<ReqdExctnDt>2026-11-23<' : '<Dt>2026-11-23</Dt>')
  })

  test('is valid with 500 payouts, one of them large and one without a message, and adds up', async () => {
    const transfers = Array.from({ length: 500 }, (_, at) => ({ ...transfer, id: uuid(at), amount: 10_000 + at }))
    transfers[7] = { ...transfer, id: uuid(7), amount: 99_999_999, message: '' }
    const xml = bankFileXml(order(version, transfers))
    expect(await faults(version, xml)).toEqual([])
    const amounts = all(xml, 'InstdAmt').map((text) => Number(text?.replace('.', '')))
    expect(amounts).toHaveLength(500)
    expect(all(xml, 'NbOfTxs')).toEqual(['500', '500'])
    expect(amounts).toContain(99_999_999)
    const sum = amounts.reduce((total, amount) => total + amount, 0)
    expect(all(xml, 'CtrlSum').map((text) => Number(text?.replace('.', '')))).toEqual([sum, sum])
    expect(all(xml, 'Ustrd')).toHaveLength(499)
  })

  test('is the same again, and other where anything is', () => {
    expect(bankFileXml(order(version))).toBe(bankFileXml(order(version)))
    expect(bankFileXml(order(version, [{ ...transfer, amount: 2 }]))).not.toBe(bankFileXml(order(version)))
  })

  test('is refused by the schema when it is not one', async () => {
    const xml = bankFileXml(order(version))
    const broken = [
      xml.replace('<EndToEndId>', '<EndToEndId>123456'),
      xml.replace('0.01</InstdAmt>', '0,01</InstdAmt>'),
      xml.replace(/<Ustrd>/, '<Ustrd>x'),
      xml.replace('BBAN', 'KONTO'),
      xml.replace(/<ChrgBr>SHAR<\/ChrgBr>\s*/, '').replace('<Dbtr>', '<ChrgBr>SHAR</ChrgBr><Dbtr>'),
      xml.replace(`pain.001.001.${version}`, 'pain.001.001.02'),
    ]
    for (const file of broken) {
      expect(file).not.toBe(xml)
      expect(await faults(version, file)).not.toEqual([])
    }
  })

  test('is valid with every name and message that a form lets through', async () => {
    const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCodePoint(code)) })
    const samples = fc.sample(fc.tuple(text, text), { numRuns: 300, seed: 7 })
    const transfers = samples.flatMap(([name, message], at) => {
      const [named, said] = [bankTextOf(name, 70), bankTextOf(message, 140)]
      return 'value' in named && 'value' in said && named.value !== ''
        ? [{ ...transfer, id: uuid(at), name: named.value, message: said.value }]
        : []
    })
    expect(transfers.length).toBeGreaterThan(20)
    expect(await faults(version, bankFileXml(order(version, transfers)))).toEqual([])
  })
})

test('a municipality whose name is too long for the bank pays under as much of it as fits', () => {
  expect(debtorNameOf(' Prøvekøbing Kommune ')).toBe('Prøvekøbing Kommune')
  expect(debtorNameOf('K'.repeat(71))).toBe('K'.repeat(70))
  expect(debtorNameOf(`${'K'.repeat(69)} Kommune`)).toBe('K'.repeat(69))
  expect(debtorNameOf(`${'K'.repeat(69)}…`)).toBe(`${'K'.repeat(69)}.`)
  for (const none of ['', ' ', 'Prøvekøbing 🏛']) expect(debtorNameOf(none)).toBeNull()
})

test('a UUID goes to the bank and comes back', () => {
  fc.assert(fc.property(fc.uuid(), (id) => void expect(uuidOf(bankId(id))).toBe(id)))
  for (const other of ['', 'NOTPROVIDED', 'x'.repeat(32), `${bankId(uuid(1))}0`]) expect(uuidOf(other)).toBeNull()
})

test('the bank is asked to pay on the next weekday', () => {
  const days = ['2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22', '2026-12-31']
  expect(days.map(nextWeekday)).toEqual(['2026-11-20', '2026-11-23', '2026-11-23', '2026-11-23', '2027-01-01'])
})

/**
 * A report as a bank may send it, with the neighbours of what is read, in the published order. When they were written,
 * these texts were valid by the published schemas of versions 10 and 12, and by version 03's definition
 * (CustomerPaymentStatusReportV03) as restated from code that was generated of it.
 */
const report = (version: string, group: string, payments = '') => `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.${version}">
 <CstmrPmtStsRpt>
  <GrpHdr>
   <MsgId>PRØVEBANK-20261124-1</MsgId>
   <CreDtTm>2026-11-24T08:00:00+01:00</CreDtTm>
   <InitgPty><Nm>Prøvebanken</Nm></InitgPty>
   <DbtrAgt><FinInstnId><Othr><Id>1234</Id></Othr></FinInstnId></DbtrAgt>
  </GrpHdr>
  <OrgnlGrpInfAndSts>
   <OrgnlMsgId>${bankId(uuid(0xffff))}</OrgnlMsgId>
   <OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
   <OrgnlCreDtTm>2026-11-20T11:00:00Z</OrgnlCreDtTm>
   <OrgnlNbOfTxs>4</OrgnlNbOfTxs>
   <OrgnlCtrlSum>400.00</OrgnlCtrlSum>${group}
  </OrgnlGrpInfAndSts>${payments}
 </CstmrPmtStsRpt>
</Document>`

const IN_PART = `
  <OrgnlPmtInfAndSts>
   <OrgnlPmtInfId>${bankId(uuid(0xffff))}</OrgnlPmtInfId>
   <OrgnlNbOfTxs>4</OrgnlNbOfTxs>
   <OrgnlCtrlSum>400.00</OrgnlCtrlSum>
   <PmtInfSts>ACSP</PmtInfSts>
   <NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>ACSC</DtldSts><DtldCtrlSum>100.00</DtldCtrlSum></NbOfTxsPerSts>
   <TxInfAndSts>
    <StsId>1</StsId>
    <OrgnlInstrId>NOTPROVIDED</OrgnlInstrId>
    <OrgnlEndToEndId>${bankId(uuid(1))}</OrgnlEndToEndId>
    <TxSts>ACSC</TxSts>
    <AccptncDtTm>2026-11-23T09:00:00+01:00</AccptncDtTm>
    <AcctSvcrRef>0001</AcctSvcrRef>
    <OrgnlTxRef>
     <Amt><InstdAmt Ccy="DKK">100.00</InstdAmt></Amt>
     <RmtInf><Ustrd>RJCT</Ustrd></RmtInf>
     <CdtrAcct><Id><Othr><Id>95700001234567</Id><SchmeNm><Cd>BBAN</Cd></SchmeNm></Othr></Id></CdtrAcct>
    </OrgnlTxRef>
   </TxInfAndSts>
   <TxInfAndSts>
    <StsId>2</StsId>
    <OrgnlEndToEndId>${bankId(uuid(2))}</OrgnlEndToEndId>
    <TxSts>RJCT</TxSts>
    <StsRsnInf>
     <Orgtr><Nm>Prøvebanken</Nm></Orgtr>
     <Rsn><Prtry>K17</Prtry></Rsn>
     <AddtlInf>Kontoen er opgjort</AddtlInf>
    </StsRsnInf>
    <StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Closed account number</AddtlInf><AddtlInf>Se aftalen</AddtlInf></StsRsnInf>
   </TxInfAndSts>
   <TxInfAndSts>
    <OrgnlEndToEndId>${bankId(uuid(3))}</OrgnlEndToEndId>
    <TxSts>PDNG</TxSts>
    <StsRsnInf/>
   </TxInfAndSts>
   <TxInfAndSts><StsId>4</StsId></TxInfAndSts>
  </OrgnlPmtInfAndSts>`

describe.each(['03', '10', '12'])('a report of version %s, as the published schema has it,', (version) => {
  const said = (xml: string) => {
    const read = readBankReport(xml)
    if (read.kind !== 'report') throw new Error(read.reason)
    const { verdicts: found, unknown } = verdicts(read.report, [1, 2, 3, 4].map(uuid))
    return { original: uuidOf(read.report.original), found: [...found.values()], unknown }
  }
  const [waiting, lost] = [{ kind: 'waiting' }, { kind: 'returned', code: 'DUPL' }]

  test('says of each payout what became of it, and why', () => {
    const xml = report(version, '\n   <GrpSts>PART</GrpSts>', IN_PART)
    expect(said(xml)).toEqual({
      original: uuid(0xffff),
      found: [{ kind: 'paid' }, { kind: 'returned', code: 'AC04' }, waiting, waiting],
      unknown: ['(no id)'],
    })
  })

  test('says of the whole file what became of every payout in it', () => {
    const why = '<StsRsnInf><Rsn><Cd>DUPL</Cd></Rsn></StsRsnInf>'
    const payment = `<OrgnlPmtInfId>${bankId(uuid(0xffff))}</OrgnlPmtInfId>`
    for (const xml of [
      report(version, `<GrpSts>RJCT</GrpSts>${why}`),
      report(version, '', `<OrgnlPmtInfAndSts>${payment}<PmtInfSts>RJCT</PmtInfSts>${why}</OrgnlPmtInfAndSts>`),
    ]) {
      expect(said(xml)).toEqual({ original: uuid(0xffff), found: [lost, lost, lost, lost], unknown: [] })
    }
    expect(said(report(version, '')).found).toEqual([waiting, waiting, waiting, waiting])
  })
})

test('no text whatever makes the reader of reports throw, or wait', () => {
  const pieces = [
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.03">',
    '</Document>',
    '<a>',
    '</a>',
    '&x;',
  ]
  const text = fc.array(
    fc.oneof(fc.constantFrom(...pieces, '<![CDATA[', ']]>', '<!--', '<?x ?>', 'constructor', '__proto__'), fc.string()),
  )
  fc.assert(fc.property(text, (parts) => void expect(readBankReport(parts.join('')).kind).toBe('invalid')))
  const before = process.cpuUsage() // Whatever else the machine is at.
  for (const long of [
    '<a '.repeat(100_000),
    '<a>'.repeat(100_000),
    `<a b="${'x'.repeat(900_000)}"/>`,
    '&a;'.repeat(300_000),
  ]) {
    expect(readBankReport(long).kind).toBe('invalid')
  }
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(5_000)
})
