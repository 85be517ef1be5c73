import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import {
  AnswerCall,
  AssignCall,
  CaseAnswered,
  CaseId,
  CasesQuery,
  StaffCase,
  StaffCaseSummary,
  StaffCases,
} from '../../shared/office/support.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { command, group, idArgument, offsetArgument } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { instant, notTold, plain, quoted, tableWithDetails } from './output.ts'

const STATES = CasesQuery.shape.state.unwrap().options

/** `klubkort case …`: what parents ask, and what they are answered. */
export function caseCommands(klubkort: Command, desk: Desk) {
  const support = group(klubkort, 'case', 'what parents ask', 'klubkort case list')

  command(
    support,
    'list',
    'list cases: calls wanted first, then who has waited longest',
    'klubkort case list',
    'klubkort case list --mine',
    'klubkort case list --unassigned --state all',
  )
    .addOption(new Option('--state <state>', 'which cases').choices(STATES).default('open'))
    .addOption(
      new Option('--mine', 'only those that you look after, also since an earlier token of yours').conflicts([
        'assigned',
        'unassigned',
      ]),
    )
    .addOption(new Option('--assigned', 'only those that somebody looks after').conflicts(['mine', 'unassigned']))
    .addOption(new Option('--unassigned', 'only those that nobody looks after').conflicts(['mine', 'assigned']))
    .option('--offset <count>', 'how many cases to pass over', offsetArgument, 0)
    .action(async (which: Listing) => {
      const { state, offset, mine, assigned, unassigned } = which
      const whose = mine ? 'me' : assigned ? 'somebody' : unassigned ? 'nobody' : null
      const query = `state=${state}&offset=${offset}${whose === null ? '' : `&assigned=${whose}`}`
      const listed = await read(desk, `/cases?${query}`, StaffCases)
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

  command(
    support,
    'assign',
    'say who looks after a case: you, unless somebody else is named',
    `klubkort case assign ${EXAMPLE}`,
    `klubkort case assign ${EXAMPLE} --to 3`,
    `klubkort case assign ${EXAMPLE} --nobody`,
  )
    .argument('<id>', 'the case', caseArgument)
    .addOption(new Option('--to <staff>', 'their number').argParser(idArgument).conflicts(['me', 'nobody']))
    .addOption(new Option('--me', 'you').conflicts(['to', 'nobody']))
    .addOption(new Option('--nobody', 'nobody any more').conflicts(['to', 'me']))
    .action(async (id: string, { to, nobody }: { to?: number; nobody?: true }) => {
      const body = { to: to ?? (nobody ? 'nobody' : 'me') }
      const assigned = await change(desk, `/cases/${id}/assign`, AssignCall, body, StaffCaseSummary)
      desk.deliver(told(assigned, (found) => `Case ${found.id} is looked after by ${keeper(found)}.`))
    })

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
  if (!id.success) throw new InvalidArgumentError('A case is named by a UUID; klubkort case list lists them.')
  return id.data
}

type Listing = { state: string; offset: number; mine?: true; assigned?: true; unassigned?: true }

const keeper = ({ assignedTo }: z.infer<typeof StaffCaseSummary>) =>
  assignedTo === null ? 'nobody' : `${plain(assignedTo.name)} (staff ${assignedTo.id})`

function list({ cases, more }: z.infer<typeof StaffCases>, which: Listing): string {
  const { state, offset } = which
  const rows = tableWithDetails(
    cases,
    [
      { head: 'CASE', cell: ({ id }) => id },
      { head: 'WAITS SINCE', cell: waiting },
      { head: 'CALL', cell: ({ callWanted }) => (callWanted ? 'yes' : '') },
    ],
    (listed) => [listed.subject, ...(listed.assignedTo === null ? [] : [`looked after by ${keeper(listed)}`])],
    'No such cases.',
  )
  const whose = (['mine', 'assigned', 'unassigned'] as const).filter((name) => which[name]).map((name) => ` --${name}`)
  const next = `klubkort case list --state ${state}${whose.join('')} --offset ${offset + cases.length}`
  return more ? `${rows}\n\nThere are more; to see them: ${next}` : rows
}

async function answer(desk: Desk, about: string, given: { text: string; id?: string }): Promise<Outcome> {
  const id = given.id ?? uuidv7(desk.nowMs(), desk.random(16))
  const text = given.text === '-' ? await desk.readText() : given.text
  const answered = await change(desk, `/cases/${about}/answer`, AnswerCall, { id, text }, CaseAnswered)
  // Without an answer nobody here knows whether it was stored; under the same id it is stored at most once.
  const open = answered.kind === 'unreachable' || (answered.kind === 'refused' && answered.code === 'internal')
  if (open) {
    const again = `klubkort case answer ${about} --text ${given.text === '-' ? '-' : quoted(given.text)} --id ${id}`
    return { ...answered, hint: `it may have been answered all the same; to repeat it safely: ${again}` }
  }
  return told(answered, ({ id, closedAt, untold }) => {
    return `Case ${id} is answered${closedAt === null ? '' : ', and closed'}.${notTold(untold)}`
  })
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
Opened ${instant(shown.createdAt)}${closedAt === null ? '' : `, closed ${instant(closedAt)}`}; looked after by ${keeper(shown)}

${said.join('\n\n')}`
}
