import { type Command, InvalidArgumentError } from 'commander'
import { type Ore, parseKroner } from '../../shared/money.ts'

const examples = new WeakMap<Command, readonly string[]>()

/** The whole command lines that a command's help shows. */
export function examplesOf(command: Command): readonly string[] {
  return examples.get(command) ?? []
}

/** A noun: what its commands have in common, and one of them as the example in its help. */
export function group(klubkort: Command, noun: string, description: string, example: string): Command {
  return explained(klubkort.command(noun).description(description), [example])
}

/** A command as all of ours are: with `--json`, and with examples of whole command lines in its help. */
export function command(parent: Command, usage: string, description: string, ...examples: string[]): Command {
  const made = parent.command(usage).description(description)
  return explained(made.option('--json', 'answer as JSON, errors too'), examples)
}

function explained(command: Command, lines: readonly string[]): Command {
  examples.set(command, lines)
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}

/** An amount as people write it, '45', '45,50' or '45.50', in øre; anything else is wrong usage. */
export function kronerOrZeroArgument(text: string): Ore {
  const amount = parseKroner(text)
  if (amount === null) throw new InvalidArgumentError("Amounts are kroner like '45', '45,50' or '45.50'.")
  return amount
}

/** The same, above zero. */
export function kronerArgument(text: string): Ore {
  const amount = kronerOrZeroArgument(text)
  if (amount === 0) throw new InvalidArgumentError('The amount must be above zero.')
  return amount
}

/** How many of something. */
export function countArgument(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('A whole number is wanted.')
  return Number(text)
}

/** Takes '' as well, which takes a setting away. */
export function orNone<T>(parse: (text: string) => T): (text: string) => T | '' {
  return (text) => (text === '' ? '' : parse(text))
}

/** A number that the worker gave something: whole, above zero. */
export function idArgument(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('An id is a whole number above zero.')
  return Number(text)
}

/** How many of a list to pass over. */
export function offsetArgument(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('An offset is a whole number.')
  return Number(text)
}

/** The id of a terminal, like '4000-7'. */
export function terminalArgument(text: string): string {
  if (!/^\d{4}-\d{1,6}$/.test(text)) throw new InvalidArgumentError("The id of a terminal looks like '4000-7'.")
  return text
}
