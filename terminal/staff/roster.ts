import type { Command } from 'commander'
import { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import {
  ROSTER_PAGE_MAX,
  ROSTER_ROWS_MAX,
  RosterApplied,
  RosterApplyCall,
  RosterCall,
  RosterHistory,
  RosterPlan,
  RosterPlanCall,
  type RosterRow,
  RosterRowsAnswer,
  RosterRowsCall,
} from '../../shared/office/roster.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { command, group, offsetArgument } from './command.ts'
import { type Asked, change, type Desk, type Outcome, read, told } from './desk.ts'
import { counted, instant, notTold, onScreen, plain, quoted, table } from './output.ts'
import { progressBar } from './progress.ts'
import { confirmed } from './prompt.ts'
import { rosterOf } from './roster-sheet.ts'
import { sheetBytes } from './sheet.ts'

/** How many children of each kind are named for people; a program gets all of them. */
const LISTED = 20

const Done = z.object({ done: z.literal(true) })

type Options = { yes?: boolean; dryRun?: boolean; allowLeaving?: boolean; json?: boolean }
type Plan = z.infer<typeof RosterPlan>
type Applied = z.infer<typeof RosterApplied>

/** `klubkort roster …`: which children there are, in which club, and whose they are. */
export function rosterCommands(klubkort: Command, desk: Desk) {
  const roster = group(
    klubkort,
    'roster',
    'which children there are, in which club, and whose they are',
    'klubkort roster import elever.csv',
  )

  command(
    roster,
    'import <file>',
    'read a roster in (CSV): shows what would change, and then applies all of it or nothing',
    'klubkort roster import elever.csv',
    'klubkort roster import elever.csv --yes         # in a script',
    'klubkort roster import elever.csv --dry-run --json',
  )
    .option('--yes', 'apply it without asking')
    .option('--dry-run', 'show what would change, and no more')
    .option('--allow-leaving', 'also if more than a fifth of the children leave')
    .addHelpText('after', COLUMNS)
    .action(async (path: string, options: Options) => desk.deliver(await imported(desk, path, options)))

  command(
    roster,
    'history',
    'which rosters were read in, by whom, and what came of them; the newest first',
    'klubkort roster history',
  )
    .option('--offset <count>', 'how many to pass over', offsetArgument, 0)
    .action(async ({ offset }: { offset: number }) => {
      const listed = await read(desk, `/roster?offset=${offset}`, RosterHistory)
      desk.deliver(told(listed, (found) => history(found, offset)))
    })
}

const COLUMNS = `
The file is UTF-8 or Windows-1252, parted by semicolons, commas or tabs. Its
first line names the columns, in any order:
  barn           the child's name                        (or: child)
  fødselsdag     2015-06-07, 07-06-2015 or 07.06.2015    (or: birth_date)
  skole          its school; may be empty                (or: school)
  klub           the site's name; empty for no club      (or: club)
  værge1_cpr     a guardian's CPR number; may be empty   (or: guardian1_cpr)
  værge2_cpr …   up to værge4_cpr, may be left out
  barn_cpr       the child's own; may be left out        (or: child_cpr)
A child is known again by barn_cpr, or where it has none by name and birth date;
from one file to the next the column may come or go.
Who is in the roster no more leaves; whose child it is, the file says.`

async function imported(desk: Desk, path: string, options: Options): Promise<Outcome> {
  const bytes = await sheetBytes(path)
  if (typeof bytes === 'string') return { kind: 'usage', message: `${plain(path)} cannot be read: ${bytes}` }
  const { rows, faults: own, heads, unknown } = rosterOf(bytes, copenhagenDay(desk.nowMs()))
  if (rows.length > ROSTER_ROWS_MAX) return { kind: 'usage', message: `a roster has at most ${ROSTER_ROWS_MAX} rows` }
  if (rows.length === 0 && own.length > 0) return { kind: 'faulty', path, faults: own }
  if (rows.length === 0) return { kind: 'usage', message: `${plain(path)} has no rows` }

  const id = uuidv7(desk.nowMs(), desk.random(16))
  const staged = await stage(desk, id, rows)
  // What is wrong with the file itself is known without the worker.
  if (staged.kind !== 'answer') return own.length > 0 ? { kind: 'faulty', path, faults: own } : staged
  const found = staged.value.map(({ line, column, reason }) => ({
    line,
    column: heads[column === 'child' ? 'name' : column] ?? column,
    reason,
  }))
  if (own.length + found.length > 0) {
    await discard(desk, id)
    return { kind: 'faulty', path, faults: [...own, ...found].toSorted((one, other) => one.line - other.line) }
  }
  const listed = options.json ? ROSTER_ROWS_MAX : LISTED
  const planned = await change(desk, `/roster/${id}/plan`, RosterPlanCall, { listed }, RosterPlan, { large: true })
  if (planned.kind !== 'answer') return planned
  return decide(desk, { id, path, unknown, plan: planned.value }, options)
}

type Fault = z.infer<typeof RosterRowsAnswer>['faults'][number]

/** Sends the rows up in pages; answers what the worker finds wrong with them. */
async function stage(desk: Desk, id: string, rows: readonly RosterRow[]): Promise<Asked<Fault[]>> {
  const begun = await change(desk, '/roster', RosterCall, { id, rows: rows.length }, Done)
  if (begun.kind !== 'answer') return begun
  const faults: Fault[] = []
  const bar = progressBar(process.stderr, 'Reading the roster in', rows.length)
  try {
    for (let from = 0; from < rows.length; from += ROSTER_PAGE_MAX) {
      const page = { rows: rows.slice(from, from + ROSTER_PAGE_MAX) }
      const answer = await change(desk, `/roster/${id}/rows`, RosterRowsCall, page, RosterRowsAnswer)
      if (answer.kind !== 'answer') return answer
      faults.push(...answer.value.faults)
      bar.advance(from + page.rows.length)
    }
  } finally {
    bar.end()
  }
  return { ...begun, value: faults }
}

type Planned = { id: string; path: string; unknown: string[]; plan: Plan }

async function decide(desk: Desk, planned: Planned, options: Options): Promise<Outcome> {
  const { id, path, plan } = planned
  const shown = page(planned)
  const idle = plan.added + plan.changed + plan.leaving + plan.cards === 0
  const tooMany = plan.leaving * 5 > plan.known && !options.allowLeaving
  const ask = !options.yes && desk.person !== null
  const open = !idle && !options.dryRun && !tooMany
  const declined = open && ask && !(await agreed(desk, shown))
  if (!open || declined || !(options.yes || ask)) {
    await discard(desk, id)
    if (declined) return { kind: 'cancelled' }
    if (tooMany && options.yes && !options.dryRun) return tooManyLeave(plan)
    const words = idle ? 'Nothing to change.' : `Nothing is changed yet. To apply it: ${again()}`
    return { kind: 'done', value: { plan, applied: null }, text: `${shown}\n\n${words}` }
  }
  const applied = await apply(desk, id, options)
  if (applied.kind === 'refused' && applied.code !== 'internal') await discard(desk, id)
  if (applied.kind === 'refused' && applied.code === 'roster_leaving') return tooManyLeave(plan)
  if (applied.kind === 'unreachable') return { ...applied, hint: 'read the same file in again, which is safe' }
  if (applied.kind !== 'answer') return applied
  const said = done(applied.value)
  return { kind: 'done', value: { plan, applied: applied.value }, text: ask ? said : `${shown}\n\n${said}` }

  function again(): string {
    const allowing = tooMany || options.allowLeaving ? ' --allow-leaving' : ''
    const why = tooMany ? '\nMore than a fifth of the children would leave; is the file whole?' : ''
    return `klubkort roster import ${quoted(path)}${allowing} --yes${why}`
  }
}

const discard = (desk: Desk, id: string) => change(desk, `/roster/${id}/discard`, z.strictObject({}), {}, Done)

async function apply(desk: Desk, id: string, { allowLeaving = false }: Options): Promise<Asked<Applied>> {
  const call = () =>
    change(desk, `/roster/${id}/apply`, RosterApplyCall, { allowLeaving }, RosterApplied, { large: true })
  const first = await call()
  // Without an answer nobody here knows whether it is applied; it is applied once, and then gives the same answer again.
  const open = first.kind === 'unreachable' || (first.kind === 'refused' && first.code === 'internal')
  return open ? call() : first
}

function tooManyLeave({ leaving, known }: Plan): Outcome {
  return {
    kind: 'refused',
    code: 'roster_leaving',
    message: `${leaving} of ${counted(known, 'child', 'children')} would leave, more than a fifth`,
    hint: 'if the file is whole, and they shall: --allow-leaving',
  }
}

/** Whether somebody at the terminal who has seen the plan says yes. */
async function agreed(desk: Desk, shown: string): Promise<boolean> {
  process.stdout.write(`${onScreen(shown, process.stdout)}\n\n`)
  return (await confirmed(desk, 'Apply it?')) === null
}

// ── Words ───────────────────────────────────────────────────────────────────

const WHAT: Record<Plan['changes'][number]['what'][number], string> = {
  returns: 'comes back',
  linked: 'was added by hand',
  rekeyed: 'barn_cpr given or left out',
  name: 'name',
  birthDay: 'birth date',
  school: 'school',
  club: 'club',
  guardians: 'guardians',
}

function page({ plan, unknown }: Planned): string {
  const { rows, added, changed, leaving, cards } = plan
  const club = { head: 'CLUB', cell: ({ club }: { club: string | null }) => club ?? '' }
  const parts = [
    part(
      `New: ${added}`,
      added,
      plan.new,
      table(
        plan.new.slice(0, LISTED),
        [
          { head: 'LINE', cell: ({ line }) => line, align: 'right' },
          { head: 'NAME', cell: ({ name }) => name, flexible: true },
          club,
        ],
        '',
      ),
    ),
    part(
      `Changed: ${changed}`,
      changed,
      plan.changes,
      table(
        plan.changes.slice(0, LISTED),
        [
          { head: 'LINE', cell: ({ line }) => line, align: 'right' },
          { head: 'CHILD', cell: ({ child }) => child, align: 'right' },
          { head: 'NAME', cell: ({ name }) => name },
          { head: 'WHAT', cell: ({ what }) => what.map((kind) => WHAT[kind]).join(', '), flexible: true },
        ],
        '',
      ),
    ),
    part(
      `Leaving: ${leaving}`,
      leaving,
      plan.leavers,
      table(
        plan.leavers.slice(0, LISTED),
        [
          { head: 'CHILD', cell: ({ child }) => child, align: 'right' },
          { head: 'NAME', cell: ({ name }) => name, flexible: true },
          club,
        ],
        '',
      ),
    ),
  ]
  const ignored = unknown.length === 0 ? [] : [`Columns that are not read: ${unknown.map(plain).join(', ')}`]
  const summary = `${counted(rows, 'row')} in the file; first cards to order: ${cards}.`
  return [...ignored, ...parts, summary].join('\n\n')
}

const STATE: Record<z.infer<typeof RosterHistory>['imports'][number]['state'], string> = {
  applied: 'applied',
  given_up: 'given up',
  under_way: 'under way',
}

function history({ imports, more }: z.infer<typeof RosterHistory>, offset: number): string {
  const rows = table(
    imports,
    [
      { head: 'WHEN', cell: ({ at }) => instant(at) },
      { head: 'WHO', cell: ({ staff }) => `${staff.name} (staff ${staff.id})`, flexible: true },
      { head: 'STATE', cell: ({ state }) => STATE[state] },
      { head: 'ROWS', cell: ({ rows }) => rows, align: 'right' },
      { head: 'NEW', cell: ({ added }) => added ?? '', align: 'right' },
      { head: 'CHANGED', cell: ({ changed }) => changed ?? '', align: 'right' },
      { head: 'LEAVING', cell: ({ leaving }) => leaving ?? '', align: 'right' },
    ],
    'No roster has been read in.',
  )
  const next = `klubkort roster history --offset ${offset + imports.length}`
  return more ? `${rows}\n\nThere are more; to see them: ${next}` : rows
}

function part(title: string, count: number, named: readonly unknown[], rows: string): string {
  const rest = count - Math.min(named.length, LISTED)
  return [title, ...(rows === '' ? [] : [rows]), ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n')
}

function done({ added, changed, leaving, cards, untold }: Applied): string {
  return `Applied: ${added} new, ${changed} changed, ${leaving} left; first cards ordered: ${cards}.${notTold(untold)}`
}
