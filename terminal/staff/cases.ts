import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import { AnswerCall, CaseId, CasesQuery, StaffCase, StaffCaseSummary, StaffCases } from '../../shared/office/support.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { command, group, offsetArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { instant, plain, quoted, tableWithDetails } from './output.ts'

const STATES = CasesQuery.shape.state.unwrap().options

/** `klubkort case …`: what parents ask, and what they are answered. */
export function caseCommands(klubkort: Command, desk: Desk) {
  const support = group(klubkort, 'case', 'what parents ask', 'klubkort case list')

  command(
    support,
    'list',
    'list cases: calls wanted first, then who has waited longest',
    'klubkort case list',
    'klubkort case list --state closed',
  )
    .addOption(new Option('--state <state>', 'which cases').choices(STATES).default('open'))
    .option('--offset <count>', 'how many cases to pass over', offsetArgument, 0)
    .action(async (which: Listing) => {
      const listed = await read(desk, `/cases?state=${which.state}&offset=${which.offset}`, StaffCases)
      desk.deliver(told(listed, (found) => list(found, which)))
    })

  command(support, 'show', 'show a case, who asks, and what was said', `klubkort case show ${EXAMPLE}`)
    .argument('<id>', 'the case', caseArgument)
    .action(async (id: string) => desk.deliver(told(await read(desk, `/cases/${id}`, StaffCase), page)))

  command(
    support,
    'answer',
    'answer a case, once per id; the parent is told by mail',
    `klubkort case answer ${EXAMPLE} \\\n    --text 'Kortet er sendt i dag.'`,
    `klubkort case answer ${EXAMPLE} \\\n    --text - < answer.txt`,
  )
    .argument('<id>', 'the case', caseArgument)
    .requiredOption('--text <text>', 'the answer; - for standard input')
    .option('--id <uuid>', 'the id of an earlier try, to repeat it safely', caseArgument)
    .action(async (id: string, options: { text: string; id?: string }) => desk.deliver(await answer(desk, id, options)))

  command(support, 'close', 'close a case', `klubkort case close ${EXAMPLE}`)
    .argument('<id>', 'the case', caseArgument)
    .action(async (id: string) => {
      const closed = await change(desk, `/cases/${id}/close`, z.strictObject({}), {}, StaffCaseSummary)
      desk.deliver(told(closed, ({ id }) => `Case ${id} is closed.`))
    })
}

const EXAMPLE = '0198c0de-0000-7000-8000-000000000001'

function caseArgument(text: string): string {
  const id = CaseId.safeParse(text)
  if (!id.success) throw new InvalidArgumentError('An id is a UUID.')
  return id.data
}

type Listing = { state: string; offset: number }

function list({ cases, more }: z.infer<typeof StaffCases>, { state, offset }: Listing): string {
  const rows = tableWithDetails(
    cases,
    [
      { head: 'CASE', cell: ({ id }) => id },
      { head: 'WAITS SINCE', cell: waiting },
      { head: 'CALL', cell: ({ callWanted }) => (callWanted ? 'yes' : '') },
    ],
    ({ subject }) => [subject],
    'No such cases.',
  )
  const next = `klubkort case list --state ${state} --offset ${offset + cases.length}`
  return more ? `${rows}\n\nThere are more; to see them: ${next}` : rows
}

async function answer(desk: Desk, about: string, given: { text: string; id?: string }): Promise<Outcome> {
  const id = given.id ?? uuidv7(desk.nowMs(), desk.random(16))
  const text = given.text === '-' ? await desk.readText() : given.text
  const answered = await change(desk, `/cases/${about}/answer`, AnswerCall, { id, text }, StaffCaseSummary)
  // Without an answer nobody here knows whether it was stored; under the same id it is stored at most once.
  const open = answered.kind === 'unreachable' || (answered.kind === 'refused' && answered.code === 'internal')
  if (open) {
    const again = `klubkort case answer ${about} --text ${given.text === '-' ? '-' : quoted(given.text)} --id ${id}`
    return { ...answered, hint: `it may have been answered all the same; to repeat it safely: ${again}` }
  }
  return told(answered, ({ id, closedAt }) => `Case ${id} is answered${closedAt === null ? '' : ', and closed'}.`)
}

const waiting = ({ waitingSince, closedAt }: z.infer<typeof StaffCaseSummary>) =>
  closedAt === null ? (waitingSince === null ? 'answered' : instant(waitingSince)) : 'closed'

function page(shown: z.infer<typeof StaffCase>): string {
  const { guardian, phone, callWanted, children, messages, closedAt } = shown
  const who = guardian.name ?? 'a guardian whose name is protected'
  const call = phone === null ? 'none' : `${phone}${callWanted ? ', wants to be called' : ''}`
  const names = children.map(({ id, name, account }) => `${name} (child ${id}, account ${account})`)
  const said = messages.map(({ staff, text, at }) => {
    const lines = text.split('\n').map((line) => `  ${plain(line)}`)
    return [`${instant(at)}, ${plain(staff ?? 'the guardian')}:`, ...lines].join('\n')
  })
  return `Case ${shown.id}: ${plain(shown.subject)}
From ${plain(who)}; mail ${plain(guardian.mail ?? 'none')}; telephone ${plain(call)}
Children: ${plain(names.join(', ') || 'none')}
Opened ${instant(shown.createdAt)}${closedAt === null ? '' : `, closed ${instant(closedAt)}`}

${said.join('\n\n')}`
}
