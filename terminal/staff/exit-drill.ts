import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { parseKroner } from '../../shared/money.ts'
import { ExitDrill, ExitDrillCall } from '../../shared/reports.ts'
import { command } from './command.ts'
import { change, type Desk, type Outcome } from './desk.ts'
import { amount, amountCell } from './output.ts'

/** `klubkort exit-drill`: what would pay everyone back. */
export function exitDrillCommand(klubkort: Command, desk: Desk) {
  command(
    klubkort,
    'exit-drill',
    'write down what would pay everyone back, and prove that the money is there; nothing is moved',
    'klubkort exit-drill --out drill-2026',
    "klubkort exit-drill --out drill-2026 --bank-balance 125.000,50 --stripe-balance '3.410,00'",
  )
    .requiredOption('--out <folder>', 'a folder for the files, which name children and bank accounts: keep it safe')
    .option('--bank-balance <kroner>', 'what the bank says that the account holds', balanceArgument)
    .option('--stripe-balance <kroner>', 'what Stripe says that it holds, pending money too', balanceArgument)
    .addHelpText('after', '\nExits with 1 where the proof fails.')
    .action(async (options: Options) => desk.deliver(await drill(desk, options)))
}

type Options = { out: string; bankBalance?: number; stripeBalance?: number }

/** A balance in kroner, which may be 0 or below: '-12,50'. */
function balanceArgument(text: string): number {
  const below = /^[-−]/.test(text.trim())
  const amount = parseKroner(text.trim().replace(/^[-−]/, ''))
  if (amount === null) throw new InvalidArgumentError("A balance is kroner like '45', '-45,50' or '1.245,50'.")
  return below ? 0 - amount : amount
}

async function drill(desk: Desk, { out, bankBalance, stripeBalance }: Options): Promise<Outcome> {
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
    ['paybacks.csv', csv(fields, rows)],
    ...(file === null ? [] : [['paybacks.xml', file] as [string, string]]),
    ['proof.json', `${JSON.stringify(proof, null, 2)}\n`],
  ]
  try {
    await mkdir(out, { recursive: true, mode: 0o700 })
    // An earlier drill is not written over: it may be the one that was signed.
    for (const [name, text] of files) await writeFile(join(out, name), text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    return { kind: 'usage', message: `the files cannot be written: ${error instanceof Error ? error.message : error}` }
  }
  const text = page(
    value,
    files.map(([name]) => join(out, name)),
  )
  return { kind: value.proven ? 'done' : 'violated', value: proof, text }
}

function page({ liabilities, toBank, byHand, bank, stripe, proven, fileMissing }: ExitDrill, files: string[]): string {
  const row = (words: string, value: number, more = '') => `${words.padEnd(34)}${amount(value).padStart(16)}${more}`
  const stated = ({ stated, difference }: ExitDrill['bank']) =>
    stated === null
      ? '  (not held against reality)'
      : `  (in reality ${amount(stated)}, off by ${amount(difference ?? 0)})`
  const { owed, claims, own, held, difference } = liabilities
  return [
    row('To bank accounts that are known', toBank.amount, `  ${toBank.count} accounts`),
    row('To be paid by hand', byHand.amount, `  ${byHand.count} accounts`),
    '',
    row('Owed in all', owed.total, '  wallets, payouts under way, suspense'),
    row("The municipality's own", own.total),
    row('Owed to it', -claims.total, '  wallets below zero, what is not settled'),
    row('Held', held.total),
    row('Difference', difference),
    row('  at the bank by the book', bank.book, stated(bank)),
    row('  at Stripe by the book', stripe.book, stated(stripe)),
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
    ...files,
  ].join('\n')
}
