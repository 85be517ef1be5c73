import { access, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { ExitDrill, ExitDrillCall } from '../../shared/office/reports.ts'
import { command } from './command.ts'
import { change, type Desk, type Outcome } from './desk.ts'
import { diskTrouble } from './disk.ts'
import { amount, amountCell, counted, plain } from './output.ts'

/** `klubkort exit-drill`: what would pay everyone back. */
export function exitDrillCommand(klubkort: Command, desk: Desk) {
  command(
    klubkort,
    'exit-drill',
    'write down what would pay everyone back, and prove that the money is there; nothing is moved',
    'klubkort exit-drill --out drill-2026',
    'klubkort exit-drill --out drill-2026 --bank-balance 125.000,50 \\\n    --stripe-balance 3.410,00',
  )
    .requiredOption('--out <folder>', 'a folder for the files, which name children and bank accounts: keep it safe')
    .option('--bank-balance <kroner>', 'what the bank says that the account holds', balanceArgument)
    .option('--stripe-balance <kroner>', 'what Stripe says that it holds, pending money too', balanceArgument)
    .addHelpText('after', '\nExits with 1 where the proof fails.')
    .action(async (options: Options) => desk.deliver(await drill(desk, options)))
}

type Options = { out: string; bankBalance?: number; stripeBalance?: number }

/** A balance in kroner, which may be 0 or below ('-12,50'), and of a whole municipality: '12.250.000,50'. */
function balanceArgument(text: string): number {
  const match = /^([-−]?)(\d{1,10}|\d{1,3}(?:\.\d{3}){1,3})(?:[.,](\d{2}))?$/.exec(text.trim())
  if (match === null) throw new InvalidArgumentError("A balance is kroner like '45', '-45,50' or '1.250.000,50'.")
  const [, sign, kroner = '', hundredths = '0'] = match
  const amount = Number(kroner.replaceAll('.', '')) * 100 + Number(hundredths)
  return sign === '' ? amount : 0 - amount
}

const FILES = { list: 'paybacks.csv', bank: 'paybacks.xml', proof: 'proof.json' } as const

async function drill(desk: Desk, { out, bankBalance, stripeBalance }: Options): Promise<Outcome> {
  const earlier = await firstThere(out)
  if (earlier !== null) return { kind: 'usage', message: inTheWay(out, earlier) }
  const stated = { bankBalance: bankBalance ?? null, stripeBalance: stripeBalance ?? null }
  const asked = await change(desk, '/exit-drill', ExitDrillCall, stated, ExitDrill, { large: true })
  if (asked.kind !== 'answer') return asked
  const { value } = asked
  const { csv } = await import('./csv.ts')
  const { file, paybacks, ...proof } = value
  const fields = ['Child', 'Name', 'Account', 'Amount', 'Pay to', 'Bank account']
  const rows = paybacks.map(({ child, account, amount, bank }) => [
    ...[child.id, child.name, account, amountCell(amount)],
    // In one cell with a blank in it, or a spreadsheet would take the zeros away.
    ...[bank?.name ?? '', bank === null ? '' : `${bank.registration} ${bank.account}`],
  ])
  const files: [name: string, text: string][] = [
    [FILES.list, csv(fields, rows)],
    ...(file === null ? [] : [[FILES.bank, file] as [string, string]]),
    [FILES.proof, `${JSON.stringify(proof, null, 2)}\n`],
  ]
  try {
    await mkdir(out, { recursive: true, mode: 0o700 })
    // An earlier drill is not written over: it may be the one that was signed.
    for (const [name, text] of files) await writeFile(join(out, name), text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    const late = await firstThere(out)
    const there = late !== null && error instanceof Error && 'code' in error && error.code === 'EEXIST'
    return { kind: 'usage', message: there ? inTheWay(out, late) : `${out} cannot be written: ${diskTrouble(error)}` }
  }
  const text = page(
    value,
    files.map(([name]) => join(out, name)),
  )
  return { kind: value.proven ? 'done' : 'violated', value: proof, text }
}

/** The first of a drill's files that the folder holds already. */
async function firstThere(folder: string): Promise<string | null> {
  for (const name of Object.values(FILES)) {
    const there = await access(join(folder, name)).then(
      () => true,
      () => false,
    )
    if (there) return name
  }
  return null
}

const inTheWay = (out: string, name: string) =>
  `${out} holds ${name} of an earlier drill, which is not overwritten; name another folder with --out`

function page({ liabilities, toBank, byHand, bank, stripe, proven, fileMissing }: ExitDrill, files: string[]): string {
  const row = (words: string, value: number, more = '') => `${words.padEnd(34)}${amount(value).padStart(16)}${more}`
  const held = (where: string, { book, stated, difference }: ExitDrill['bank']) =>
    stated === null
      ? [row(`  ${where} by the book`, book, '  not held against reality')]
      : [
          row(`  ${where} by the book`, book),
          row('    in reality', stated),
          ...(difference === null ? [] : [row('    off by', difference)]),
        ]
  const { owed, claims, own, difference } = liabilities
  return [
    row('To bank accounts that are known', toBank.amount, `  ${counted(toBank.count, 'account')}`),
    row('To be paid by hand', byHand.amount, `  ${counted(byHand.count, 'account')}`),
    '',
    row('Owed in all', owed.total, '  accounts, payouts, suspense'),
    row("The municipality's own", own.total),
    row('Owed to it', -claims.total, '  below zero, or not settled'),
    row('Held', liabilities.held.total),
    row('Difference', difference),
    ...held('at the bank', bank),
    ...held('at Stripe', stripe),
    '',
    proven
      ? bank.stated !== null && stripe.stated !== null
        ? 'Proven: everyone could be paid back.'
        : 'By the book everyone could be paid back; --bank-balance and --stripe-balance hold it against reality.'
      : `NOT proven${liabilities.covered ? '' : `: ${amount(liabilities.missing)} kr are missing`}.`,
    ...(claims.suspense > 0
      ? [
          `${amount(claims.suspense)} kr were credited without money behind them: corrections by staff, and what a refund took beyond a wallet.`,
        ]
      : []),
    ...(fileMissing === null ? [] : [`There is no file for the bank: ${fileMissing.replaceAll('_', ' ')}.`]),
    '',
    ...files.map(plain),
  ].join('\n')
}
