import type { Command } from 'commander'
import { parseCpr } from '../../shared/cpr.ts'
import { Child, GuardianCall } from '../../shared/office/children.ts'
import { command, group, idArgument } from './command.ts'
import { change, type Desk, type Outcome, told } from './desk.ts'
import { counted, plain } from './output.ts'

/** `klubkort child guardian …`: whose child it is, by CPR number, which the worker keeps a keyed hash of and nothing else. */
export function guardianCommands(child: Command, desk: Desk) {
  const guardian = group(child, 'guardian', 'whose child it is', 'klubkort child guardian add --child 3 --cpr -')
  for (const [verb, path, words] of [
    ['add', 'guardians', 'link a guardian, who sees the account from then on'],
    ['end', 'guardians/end', 'end the link of a guardian, at once'],
  ] as const) {
    command(
      guardian,
      verb,
      words,
      `klubkort child guardian ${verb} --child 3 --cpr -    # then type the number`,
      `klubkort child guardian ${verb} --child 3 --cpr - < number.txt`,
    )
      .requiredOption('--child <id>', 'the child', idArgument)
      .requiredOption('--cpr <->', "the guardian's CPR number; only - for standard input")
      .action(async (options) => desk.deliver(await link(desk, path, options)))
  }
}

async function link(desk: Desk, path: string, { child, cpr: given }: { child: number; cpr: string }): Promise<Outcome> {
  // On the command line others on this machine could read it, and so could the shell's history.
  if (given !== '-') return { kind: 'usage', message: '--cpr takes only -, the number comes from standard input' }
  const cpr = parseCpr(await desk.readLine())
  if (cpr === null) return { kind: 'usage', message: 'a CPR number is ten digits that begin with a date of birth' }
  const changed = await change(desk, `/children/${child}/${path}`, GuardianCall, { cpr }, Child)
  return told(changed, ({ id, name, guardians }) => {
    return `Child ${id}, ${plain(name)}: ${counted(guardians, 'guardian is', 'guardians are')} linked.`
  })
}
