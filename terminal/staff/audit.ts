import type { Command } from 'commander'
import type { z } from 'zod'
import { Access, Audit } from '../../shared/office/audit.ts'
import { command, group, idArgument, offsetArgument } from './command.ts'
import { type Desk, read, told } from './desk.ts'
import { amount, instant, plain, quoted, table, tableWithDetails } from './output.ts'
import { dayArgument } from './reports.ts'

/** `klubkort audit …` and `klubkort access …`: who did what, and who looked at whom. */
export function auditCommands(klubkort: Command, desk: Desk) {
  const audit = group(klubkort, 'audit', 'who did what', 'klubkort audit list --subject child:3')
  command(
    audit,
    'list',
    'list what staff and guardians have done, the newest first',
    'klubkort audit list --staff 2 --from 2026-11-01 --to 2026-11-30',
    'klubkort audit list --subject child:3',
    'klubkort audit list --action card_blocked',
  )
    .option('--staff <id>', 'only what this member of staff did', idArgument)
    .option('--subject <kind:id>', 'only what was done to this: child:3, card:7, staff:2')
    .option('--action <name>', 'only what goes by this name, as the list says it')
    .option('--from <day>', 'from this day on', dayArgument)
    .option('--to <day>', 'until this day, itself included', dayArgument)
    .option('--offset <count>', 'how many to pass over', offsetArgument, 0)
    .action(async ({ json, ...which }: Record<string, string | number | true>) => {
      // As the list says it, or as it is stored.
      if (typeof which.action === 'string') which.action = which.action.replaceAll(' ', '_')
      if (typeof which.subject === 'string') which.subject = stored(which.subject)
      const listed = await read(desk, `/audit?${queryOf(which)}`, Audit)
      desk.deliver(told(listed, (found) => deedList(found, which)))
    })

  const access = group(klubkort, 'access', 'who looked at whom', 'klubkort access list --child 3')
  command(
    access,
    'list',
    'list who looked at a child, the newest day first; that you looked is recorded too',
    'klubkort access list --child 3',
  )
    .requiredOption('--child <id>', 'the child', idArgument)
    .option('--offset <count>', 'how many lines to pass over', offsetArgument, 0)
    .action(async ({ child, offset }: { child: number; offset: number }) => {
      const listed = await read(desk, `/children/${child}/access?offset=${offset}`, Access)
      desk.deliver(told(listed, (found) => viewingList(found, offset)))
    })
}

const queryOf = (which: Record<string, unknown>) =>
  new URLSearchParams(Object.entries(which).map(([name, value]): [string, string] => [name, String(value)]))

type Deed = z.infer<typeof Audit>['deeds'][number]
type Who = Deed['who'] | z.infer<typeof Access>['viewings'][number]['who']

function nameOf(who: Who): string {
  switch (who.kind) {
    case 'staff':
      return `${who.name} (staff ${who.id})`
    case 'guardian':
      return 'guardian'
    case 'system':
      return 'the system'
  }
}

/** A name of ours in words, or several, two blanks apart. What is no such name, as a day or an id, stays as it is. */
function spaced(text: string): string {
  if (text.includes('  ')) return text.split('  ').map(spaced).join(', ')
  return /^[a-z_]+$/i.test(text) ? text.replace(/_|(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase() : text
}

/** A subject as it is stored: 'hand_out:7' for the list's 'hand out 7'. */
const stored = (subject: string) =>
  subject.replace(
    /^((?:bank|card|hand) (?:batch|file|out|stock)|[a-z_]+) /,
    (_, kind: string) => `${kind.replace(' ', '_')}:`,
  )

/** What a deed was done to: 'child 3', and what it is called where that is told. */
function subjectOf({ subject, name }: Deed): string {
  const [kind = '', ...id] = subject.split(':')
  return `${[spaced(kind), ...(id.length === 0 ? [] : [id.join(':')])].join(' ')}${name === null ? '' : ` (${name})`}`
}

/** The details that are amounts in øre. */
const AMOUNTS = new Set(['amount', 'limit', 'price', 'sum'])

function valueWords(name: string, value: unknown): string {
  if (value === null || value === '') return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'number') return AMOUNTS.has(name) ? `${amount(value)} kr` : String(value)
  if (typeof value === 'string') return spaced(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((one) => valueWords(name, one)).join(', ')
  return `(${detailWords(value as Record<string, unknown>)})`
}

/** Details in words: 'role: club; sites: 1, 2'. */
const detailWords = (detail: Record<string, unknown>): string =>
  Object.entries(detail)
    .map(([name, value]) => `${spaced(name)}: ${valueWords(name, value)}`)
    .join('; ')

function deedList({ deeds, more }: z.infer<typeof Audit>, which: Record<string, string | number | true>): string {
  const rows = tableWithDetails(
    deeds,
    [
      { head: 'WHEN', cell: ({ at }) => instant(at) },
      { head: 'WHAT', cell: ({ action }) => spaced(action) },
    ],
    (deed) =>
      [`${subjectOf(deed)}, by ${nameOf(deed.who)}`, detailWords(deed.detail ?? {})].filter((line) => line !== ''),
    'Nothing of that kind has been done.',
  )
  if (!more) return rows
  const next = { ...which, offset: Number(which.offset) + deeds.length }
  const options = Object.entries(next).map(([name, value]) => `--${name} ${quoted(String(value))}`)
  return `${rows}\n\nThere is more; to see it: klubkort audit list ${options.join(' ')}`
}

function viewingList({ child, viewings, more }: z.infer<typeof Access>, offset: number): string {
  const time = (at: number | null) => (at === null ? '' : instant(at).slice(-5))
  const rows = table(
    viewings,
    [
      { head: 'DAY', cell: ({ day }) => day.split('-').reverse().join('.') },
      { head: 'WHO', cell: ({ who }) => nameOf(who), flexible: true },
      { head: 'FIRST', cell: ({ firstAt }) => time(firstAt) },
      { head: 'LAST', cell: ({ lastAt }) => time(lastAt) },
    ],
    'Nobody.',
  )
  const next = `klubkort access list --child ${child.id} --offset ${offset + viewings.length}`
  const rest = more ? `\n\nThere is more; to see it: ${next}` : ''
  return `Who looked at child ${child.id}, ${plain(child.name)}:\n\n${rows}${rest}`
}
