import type { Command } from 'commander'
import { command } from './command.ts'
import { named } from './command-line.ts'
import type { Desk } from './desk.ts'
import { outline } from './outline.ts'
import { TOPICS } from './topics.ts'

const SUBJECTS = Object.keys(TOPICS).join(', ')

/** `klubkort help`: of a command as with --help, or of a subject that several commands share. */
export function helpCommand(klubkort: Command, desk: Desk) {
  klubkort.addHelpText('after', `\nSubjects, for klubkort help:\n  ${SUBJECTS}`)
  command(
    klubkort,
    'help',
    'tell about a command, or a subject',
    'klubkort help payout export',
    'klubkort help money',
    'klubkort help --json    # every command and option, for programs',
  )
    .argument('[words...]', `a command, or one of ${SUBJECTS}`)
    .action((words: string[], { json }: { json?: true }) => {
      const topic = words.length === 1 ? TOPICS[words[0] ?? ''] : undefined
      if (topic !== undefined)
        return desk.deliver({ kind: 'done', value: { topic: words[0], text: topic }, text: topic })
      const path = named(words)
      const found = path.reduce<Command | null>((at, word) => (at ? subcommand(at, word) : null), klubkort)
      if (found && !json) return found.outputHelp()
      if (found) return desk.deliver({ kind: 'done', value: outline(found, path), text: '' })
      desk.deliver({
        kind: 'usage',
        message: `nothing is called '${words.join(' ')}'; subjects are ${SUBJECTS}, and klubkort --help lists the commands`,
      })
    })
}

function subcommand(parent: Command, name: string): Command | null {
  return parent.commands.find((child) => child.name() === name) ?? null
}
