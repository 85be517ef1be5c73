import type { Command } from 'commander'
import { z } from 'zod'
import type { Ore } from '../../shared/money.ts'
import { Account, CreditAnswer, CreditCall } from '../../shared/office/accounts.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { command, group, idArgument, kronerArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { amount, instant, plain, quoted, table } from './output.ts'

/** `klubkort account …`: wallets. */
export function accountCommands(klubkort: Command, desk: Desk) {
  const account = group(klubkort, 'account', "children's accounts", 'klubkort account show 7')

  command(account, 'show', 'show a balance and the newest movements', 'klubkort account show 7')
    .argument('<id>', 'the account', idArgument)
    .action(async (id: number) => desk.deliver(told(await read(desk, `/accounts/${id}`, Account), page)))

  command(
    account,
    'credit',
    'credit an account, once per id',
    "klubkort account credit 7 45,50 --reason 'Kontant indbetaling i klubben'",
  )
    .argument('<id>', 'the account', idArgument)
    .argument('<kroner>', 'how much', kronerArgument)
    .requiredOption('--reason <text>', 'why, for the statement and the audit log')
    .option('--id <uuid>', 'the id of an earlier try, to repeat it safely')
    .action(async (account: number, amount: Ore, options: { reason: string; id?: string }) =>
      desk.deliver(await credit(desk, account, amount, options)),
    )
}

async function credit(
  desk: Desk,
  account: number,
  credited: Ore,
  { reason, id: given }: { reason: string; id?: string },
): Promise<Outcome> {
  const id = given?.toLowerCase() ?? uuidv7(desk.nowMs(), desk.random(16))
  if (!z.uuidv7().safeParse(id).success) return { kind: 'usage', message: '--id is a UUID of version 7' }
  const body = { id, amount: credited, reason }
  const answer = await change(desk, `/accounts/${account}/credit`, CreditCall, body, CreditAnswer)
  // Without an answer nobody here knows whether it was booked; under the same id it is booked at most once.
  const open = answer.kind === 'unreachable' || (answer.kind === 'refused' && answer.code === 'internal')
  if (open) return { ...answer, hint: `it may have been credited all the same; to repeat it safely: ${again()}` }
  return told(
    answer,
    ({ balance }) => `${amount(credited)} kr credited to account ${account}; the balance is ${amount(balance)} kr.`,
  )

  function again(): string {
    const kroner = `${Math.trunc(credited / 100)},${String(credited % 100).padStart(2, '0')}`
    return `klubkort account credit ${account} ${kroner} --reason ${quoted(reason)} --id ${id}`
  }
}

function page(account: z.infer<typeof Account>): string {
  const movements = table(
    account.movements,
    [
      { head: 'TIME', cell: ({ at }) => instant(at) },
      { head: 'KIND', cell: ({ kind }) => kind.replaceAll('_', ' ') },
      { head: 'AMOUNT', cell: (movement) => amount(movement.amount), align: 'right' },
      { head: 'BALANCE', cell: ({ balance }) => amount(balance), align: 'right' },
      { head: 'REASON', cell: ({ reason }) => reason ?? '', flexible: true },
    ],
    'No movements yet.',
  )
  const limit = account.dailyLimit === null ? 'no daily limit' : `daily limit ${amount(account.dailyLimit)} kr`
  return `Account ${account.id}: ${plain(account.child.name)} (child ${account.child.id})
Balance ${amount(account.balance)} kr, spent today ${amount(account.spentToday)} kr, ${limit}

${movements}`
}
