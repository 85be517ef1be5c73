import { open, readFile, stat } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import {
  BankFileContent,
  BankFiles,
  BankFileVersion,
  ExportCall,
  ImportStatusAnswer,
  ImportStatusCall,
  PayoutId,
  PayoutsQuery,
  RejectCall,
  RejectedPayout,
  ReleaseAnswer,
  ReleaseCall,
  StaffPayout,
  StaffPayouts,
} from '../../shared/office/payouts.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { command, group, offsetArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { amount, counted, instant, notTold, plain, quoted, table, tableWithDetails } from './output.ts'

const EXAMPLE = '0198c0de-0000-7000-8000-000000000001'
const STATES = PayoutsQuery.shape.state.unwrap().options

/** `klubkort payout …`: money that parents want back. One person approves it, another sends it to the bank. */
export function payoutCommands(klubkort: Command, desk: Desk) {
  const payout = group(klubkort, 'payout', 'money that parents want back', 'klubkort payout list')

  command(
    payout,
    'list',
    'list payouts; what is open with the longest awaited first',
    'klubkort payout list',
    'klubkort payout list --state rejected --offset 200',
  )
    .addOption(new Option('--state <state>', 'which payouts').choices(STATES).default('open'))
    .option('--offset <count>', 'how many payouts to pass over', offsetArgument, 0)
    .action(async (which: Listing) => {
      const listed = await read(desk, `/payouts?state=${which.state}&offset=${which.offset}`, StaffPayouts)
      desk.deliver(told(listed, (found) => list(found, which)))
    })

  command(payout, 'approve', 'approve a payout, for somebody else to export', `klubkort payout approve ${EXAMPLE}`)
    .argument('<id>', 'the payout', idOf)
    .action(async (id: string) => {
      const approved = await change(desk, `/payouts/${id}/approve`, z.strictObject({}), {}, StaffPayout)
      desk.deliver(told(approved, (found) => `${sentence(found)}\nSomebody else can export it now.`))
    })

  command(
    payout,
    'reject',
    'reject a payout; the money is back at once and the parent is told why',
    `klubkort payout reject ${EXAMPLE} \\\n    --reason 'Kontonummeret passer ikke til navnet'`,
  )
    .argument('<id>', 'the payout', idOf)
    .requiredOption('--reason <text>', 'why, in words for the parent')
    .action(async (id: string, { reason }: { reason: string }) => {
      const rejected = await change(desk, `/payouts/${id}/reject`, RejectCall, { reason }, RejectedPayout)
      desk.deliver(
        told(
          rejected,
          (found) =>
            `${sentence(found)}\n${amount(found.bankAmount)} kr is back on account ${found.account}.${notTold(found.untold)}`,
        ),
      )
    })

  command(
    payout,
    'export',
    'write what others have approved to a file for the bank (pain.001)',
    'klubkort payout export --out payouts.xml',
    `klubkort payout export --file ${EXAMPLE} \\\n    --out payouts.xml`,
  )
    .requiredOption('--out <path>', 'where to write it; an existing file is never overwritten')
    .addOption(
      new Option('--version <version>', 'of pain.001.001; else what the settings say').choices(BankFileVersion.options),
    )
    .option('--day <day>', "when the bank is to pay, like '2026-11-24'; else the next weekday")
    .option('--id <uuid>', 'the id of an earlier try, to repeat it safely', idOf)
    .option('--file <id>', 'fetch an earlier file again', idOf)
    .action(async (options: ExportOptions) => desk.deliver(await write(desk, options)))

  command(payout, 'files', 'list the files made for the bank', 'klubkort payout files').action(async () =>
    desk.deliver(told(await read(desk, '/payouts/files', BankFiles), fileList)),
  )

  command(
    payout,
    'release',
    'give up a file that the bank did not take; its payouts are back and the parents are told why',
    `klubkort payout release ${EXAMPLE} \\\n    --reason 'Banken tog ikke imod filen; bed om pengene igen'`,
  )
    .argument('<file>', 'a file that somebody else made', idOf)
    .requiredOption('--reason <text>', 'why, in words for the parents')
    .action(async (file: string, { reason }: { reason: string }) => desk.deliver(await release(desk, file, reason)))

  command(
    payout,
    'import-status',
    "take in the bank's status report (pain.002); again changes nothing",
    'klubkort payout import-status report.xml',
    'klubkort payout import-status - < report.xml',
  )
    .argument('<path>', 'the report; - for standard input')
    .action(async (path: string) => desk.deliver(await importStatus(desk, path)))
}

function idOf(text: string): string {
  const id = PayoutId.safeParse(text)
  if (!id.success) throw new InvalidArgumentError('An id is a UUID.')
  return id.data
}

// ── Words ───────────────────────────────────────────────────────────────────

type Listing = { state: string; offset: number }
type Payout = z.infer<typeof StaffPayout>

function sentence({ id, name, bankAccountEnds, bankAmount, state }: Payout): string {
  return `Payout ${id}: ${amount(bankAmount)} kr to ${plain(name)}, account ending in ${plain(bankAccountEnds)}, is ${state}.`
}

function list({ payouts, more }: z.infer<typeof StaffPayouts>, { state, offset }: Listing): string {
  const rows = tableWithDetails(
    payouts,
    [
      { head: 'PAYOUT', cell: ({ id }) => id },
      { head: 'KRONER', cell: ({ bankAmount }) => amount(bankAmount), align: 'right' },
      { head: 'STATE', cell: (payout) => payout.state },
    ],
    details,
    'No such payouts.',
  )
  const next = `klubkort payout list --state ${state} --offset ${offset + payouts.length}`
  return more ? `${rows}\n\nThere are more; to see them: ${next}` : rows
}

function details({ name, child, account, bankAccountEnds, approvedBy, reason, requestedAt }: Payout): string[] {
  return [
    `to ${name}, ··${bankAccountEnds}; asked ${instant(requestedAt)}`,
    `for ${child.name}, account ${account}${approvedBy === null ? '' : `; approved by ${approvedBy}`}`,
    ...(reason === null ? [] : [`because: ${reason}`]),
  ]
}

function fileList({ files }: z.infer<typeof BankFiles>): string {
  return table(
    files,
    [
      { head: 'FILE', cell: ({ id }) => id },
      { head: 'COUNT', cell: ({ count }) => count, align: 'right' },
      { head: 'SUM', cell: ({ sum }) => amount(sum), align: 'right' },
      { head: 'PAID ON', cell: ({ executionDay }) => executionDay },
      { head: 'BY', cell: ({ staff }) => staff, flexible: true },
    ],
    'No files yet.',
  )
}

// ── The bank's files ────────────────────────────────────────────────────────

type ExportOptions = { out: string; version?: string; day?: string; id?: string; file?: string }

async function write(desk: Desk, { out, version, day, id: given, file }: ExportOptions): Promise<Outcome> {
  if (file !== undefined && (version ?? day ?? given) !== undefined) {
    return { kind: 'usage', message: '--file fetches a file as it was made, and goes with --out alone' }
  }
  if (file === undefined && given === undefined && (await stat(out).catch(() => null))) {
    return { kind: 'usage', message: `${out} exists, and is not overwritten` }
  }
  const id = file ?? given ?? uuidv7(desk.nowMs(), desk.random(16))
  const fetched =
    file !== undefined
      ? await read(desk, `/payouts/files/${id}`, BankFileContent)
      : await change(desk, '/payouts/export', ExportCall, { id, version, executionDay: day }, BankFileContent)
  // Without an answer nobody here knows whether a file was made; under the same id it is made at most once.
  const open = fetched.kind === 'unreachable' || (fetched.kind === 'refused' && fetched.code === 'internal')
  if (open && file === undefined) return { ...fetched, hint: `to repeat it safely: ${again('--id')}` }
  if (fetched.kind !== 'answer') return fetched
  const { xml, ...made } = fetched.value
  const trouble = await keep(out, xml)
  if (trouble !== null) {
    return { kind: 'usage', message: `${trouble}; the file is made, and kept: ${again('--file')}` }
  }
  return {
    kind: 'done',
    value: { ...made, out },
    text: `${counted(made.count, 'payout')}, ${amount(made.sum)} kr in all, to be paid on ${made.executionDay}.
File ${made.id} (pain.001.001.${made.version}) is in ${plain(out)}.`,
  }

  function again(option: '--id' | '--file'): string {
    const wanted =
      option === '--id' ? `${version ? ` --version ${version}` : ''}${day ? ` --day ${quoted(day)}` : ''}` : ''
    return `klubkort payout export ${option} ${id}${wanted} --out ${option === '--id' ? quoted(out) : '<path>'}`
  }
}

/** Writes a file for its owner's eyes only. One that is there is left alone, and is well if it is the same. */
async function keep(path: string, text: string): Promise<string | null> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    return null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return `${path} cannot be written`
    const there = await readFile(path, 'utf8').catch(() => null)
    return there === text ? null : `${path} exists with other content, and is not overwritten`
  }
}

/** How many calls one report, or the release of a file, can take: a file has 500 payouts, and a call changes 120. */
const CALLS_MAX = 10

async function release(desk: Desk, file: string, reason: string): Promise<Outcome> {
  let untold = 0
  const released: string[] = []
  for (let calls = 0; calls < CALLS_MAX; calls += 1) {
    const answer = await change(desk, `/payouts/files/${file}/release`, ReleaseCall, { reason }, ReleaseAnswer)
    if (answer.kind !== 'answer') return answer
    released.push(...answer.value.released)
    untold += answer.value.untold
    if (answer.value.more) continue
    const what = counted(released.length, 'payout is', 'payouts are')
    return {
      kind: 'done',
      value: { ...answer.value, released, untold },
      text: `File ${file}: ${what} back on the accounts. Make sure that the bank will not pay the file after all.${notTold(untold)}`,
    }
  }
  return { kind: 'refused', code: 'internal', message: 'the release never came to an end' }
}

async function importStatus(desk: Desk, path: string): Promise<Outcome> {
  const report = path === '-' ? await desk.readText() : await readFile(path, 'utf8').catch(() => null)
  if (report === null) return { kind: 'usage', message: `${path} cannot be read` }
  let untold = 0
  const paid: string[] = []
  const returned: z.infer<typeof ImportStatusAnswer>['returned'] = []
  for (let calls = 0; calls < CALLS_MAX; calls += 1) {
    const answer = await change(desk, '/payouts/import-status', ImportStatusCall, { report }, ImportStatusAnswer)
    if (answer.kind !== 'answer') return answer
    paid.push(...answer.value.paid)
    returned.push(...answer.value.returned)
    untold += answer.value.untold
    if (answer.value.more) continue
    const whole = {
      ...answer.value,
      unchanged:
        answer.value.unchanged -
        (paid.length - answer.value.paid.length) -
        (returned.length - answer.value.returned.length),
      paid,
      returned,
      untold,
    }
    return { kind: 'done', value: whole, text: imported(whole) }
  }
  return { kind: 'refused', code: 'internal', message: 'the report never came to an end' }
}

function imported({
  file,
  paid,
  returned,
  unchanged,
  untold,
  unknown,
  contradicted,
  withheld,
}: z.infer<typeof ImportStatusAnswer>): string {
  return [
    `File ${file}: ${paid.length} paid, ${returned.length} sent back, ${unchanged} as before.`,
    ...returned.map(({ payout, reason }) => `  ${payout} is back on its account (${plain(reason)}).`),
    ...(untold > 0 ? [notTold(untold).trimStart()] : []),
    ...contradicted.map((id) => `  ${id} is called paid, but has come back already: ask the bank.`),
    ...withheld.map(
      (id) => `  ${id} was called paid by a report that you took in: somebody else has to take this one in.`,
    ),
    ...unknown.map((id) => `  ${plain(id)} is in the report, but not in this file: ask the bank.`),
  ].join('\n')
}
