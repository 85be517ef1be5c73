import type { Command } from 'commander'
import type { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { DayCloseCall, DayClosings, TerminalDay, type Unsent } from '../../shared/office/days.ts'
import { command, group, idArgument, offsetArgument, terminalArgument } from './command.ts'
import { change, type Desk, read, told } from './desk.ts'
import { amount, counted, instant, plain, table } from './output.ts'
import { dayArgument } from './sales.ts'

/** `klubkort day …`: what a terminal sold on a day, counted and closed. */
export function dayCommands(klubkort: Command, desk: Desk) {
  const day = group(klubkort, 'day', "a terminal's day, counted and closed", 'klubkort day close --terminal 4000-7')

  command(
    day,
    'close',
    'close a day: what was sold, undone, sold offline and refunded, and what is still unsent',
    'klubkort day close --terminal 4000-7',
    'klubkort day close --terminal 4000-7 --day 2026-11-20',
  )
    .requiredOption('--terminal <id>', 'the terminal', terminalArgument)
    .option('--day <day>', 'which day (default: today)', dayArgument)
    .action(async ({ terminal, day }: { terminal: string; day?: string }) => {
      const body = { terminal, day: day ?? copenhagenDay(desk.nowMs()) }
      desk.deliver(told(await change(desk, '/days/close', DayCloseCall, body, TerminalDay), page))
    })

  command(day, 'show', 'show a day as it is now, and as it was closed', 'klubkort day show --terminal 4000-7')
    .requiredOption('--terminal <id>', 'the terminal', terminalArgument)
    .option('--day <day>', 'which day (default: today)', dayArgument)
    .action(async ({ terminal, day }: { terminal: string; day?: string }) => {
      const query = new URLSearchParams({ terminal, day: day ?? copenhagenDay(desk.nowMs()) })
      desk.deliver(told(await read(desk, `/days/show?${query}`, TerminalDay), page))
    })

  command(day, 'list', 'list the days that were closed, the newest first', 'klubkort day list --site 1')
    .option('--terminal <id>', 'only of this terminal', terminalArgument)
    .option('--site <id>', 'only of this site', idArgument)
    .option('--offset <count>', 'how many of the newest to pass over', offsetArgument)
    .action(async ({ terminal, site, offset = 0 }: { terminal?: string; site?: number; offset?: number }) => {
      const query = new URLSearchParams({
        ...(terminal !== undefined && { terminal }),
        ...(site !== undefined && { site: String(site) }),
        offset: String(offset),
      })
      desk.deliver(told(await read(desk, `/days?${query}`, DayClosings), (listed) => list(listed, offset)))
    })
}

const danish = (day: string) => day.split('-').reverse().join('.')

/** What a terminal has yet to send, in words; null where it has not said. */
export function unsentWords(unsent: z.infer<typeof Unsent> | null): string {
  if (unsent === null) return 'The terminal has not said what it has yet to send.'
  const { count, sum, since, asOf } = unsent
  if (count === 0) return `Nothing was unsent when the terminal was heard last, ${instant(asOf)}.`
  const oldest = since === null ? '' : `, the oldest of ${instant(since)}`
  return `UNSENT: ${counted(count, 'message')}, ${amount(sum)} kr sold offline${oldest}; heard last ${instant(asOf)}.`
}

function page(day: TerminalDay): string {
  const { terminal, terminalName, site, closing, since } = day
  const row = (words: string, value: string) => `  ${words.padEnd(22)}${value.padStart(14)}`
  return [
    `${danish(day.day)}, terminal ${terminal} ${plain(terminalName)}, ${plain(site.name)}`,
    row('Sales', String(day.sales)),
    row('Kroner', amount(day.amount)),
    row('Sold offline', String(day.offline)),
    row('Undone', String(day.undone)),
    row('Refunded, kroner', amount(day.refunded)),
    unsentWords(day.unsent),
    ...closed(closing, since),
  ].join('\n')
}

function closed(closing: TerminalDay['closing'], since: TerminalDay['since']): string[] {
  if (closing === null || since === null) return ['Not closed.']
  const { staff, at, sales, amount: sum, unsent } = closing
  const held = unsent?.count ? `, ${counted(unsent.count, 'message')} unsent` : ''
  const late =
    since.sales === 0 && since.amount === 0
      ? 'Nothing has changed since.'
      : `Since then: ${since.sales > 0 ? '+' : ''}${counted(since.sales, 'sale')}, ${since.amount > 0 ? '+' : ''}${amount(since.amount)} kr.`
  return [`Closed ${instant(at)} by ${plain(staff)}: ${counted(sales, 'sale')}, ${amount(sum)} kr${held}.`, late]
}

function list({ closings, more }: z.infer<typeof DayClosings>, offset: number): string {
  const rows = table(
    closings,
    [
      { head: 'DAY', cell: ({ day }) => danish(day) },
      { head: 'TERMINAL', cell: ({ terminal }) => terminal },
      { head: 'SITE', cell: ({ site }) => site.name, flexible: true },
      { head: 'SALES', cell: ({ sales }) => sales, align: 'right' },
      { head: 'KRONER', cell: (closing) => amount(closing.amount), align: 'right' },
      { head: 'UNDONE', cell: ({ undone }) => undone, align: 'right' },
      { head: 'UNSENT', cell: ({ unsent }) => unsent?.count || '', align: 'right' },
      { head: 'BY', cell: ({ staff }) => staff.slice(0, 16) },
    ],
    'No day has been closed.',
  )
  return more ? `${rows}\n\nThere are more; to see them, add --offset ${offset + closings.length}` : rows
}
