import type { Command } from 'commander'
import { LedgerCheck } from '../../shared/office/ledger.ts'
import { command, group } from './command.ts'
import { type Desk, type Outcome, read } from './desk.ts'
import { counted, table } from './output.ts'

/** `klubkort ledger check`: the book against its invariants. */
export function ledgerCommands(klubkort: Command, desk: Desk) {
  const ledger = group(klubkort, 'ledger', 'the book', 'klubkort ledger check')
  command(
    ledger,
    'check',
    'hold the book against its invariants; exits with 1 where one is broken',
    'klubkort ledger check',
    'klubkort ledger check --json',
  ).action(async () => desk.deliver(await check(desk)))
}

async function check(desk: Desk): Promise<Outcome> {
  const answer = await read(desk, '/ledger/check', LedgerCheck)
  if (answer.kind !== 'answer') return answer
  const { transfers, postings, messages, violations } = answer.value
  const size = [counted(transfers, 'transfer'), counted(postings, 'posting'), counted(messages, 'message')].join(', ')
  if (violations.length === 0) return { kind: 'done', value: answer.value, text: `${size}: the book is in order.` }
  const broken = table(
    violations,
    [
      { head: 'BROKEN', cell: ({ invariant }) => invariant },
      { head: 'FIRST OFFENDER', cell: ({ subject }) => subject, flexible: true },
    ],
    '',
  )
  return { kind: 'violated', value: answer.value, text: `${size}: the book is NOT in order.\n\n${broken}` }
}
