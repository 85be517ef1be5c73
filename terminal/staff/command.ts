import { type Command, InvalidArgumentError } from 'commander'
import { type Ore, parseKroner } from '../../shared/money.ts'

/** A noun: what its commands have in common, and one of them as the example in its help. */
export function group(klubkort: Command, noun: string, description: string, example: string): Command {
  return klubkort.command(noun).description(description).addHelpText('after', `\nExamples:\n  ${example}`)
}

/** A command as all of ours are: with `--json`, and with examples of whole command lines in its help. */
export function command(parent: Command, usage: string, description: string, ...examples: string[]): Command {
  return parent
    .command(usage)
    .description(description)
    .option('--json', 'answer as JSON, errors too')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  ${example}`).join('\n')}`)
}

/** An amount above zero as people write it, '45', '45,50' or '45.50', in øre; anything else is wrong usage. */
export function kronerArgument(text: string): Ore {
  const amount = parseKroner(text)
  if (amount === null) throw new InvalidArgumentError("Amounts are kroner like '45', '45,50' or '45.50'.")
  if (amount === 0) throw new InvalidArgumentError('The amount must be above zero.')
  return amount
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
