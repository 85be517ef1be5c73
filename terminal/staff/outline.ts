import type { Argument, Command, Option } from 'commander'
import { examplesOf } from './command.ts'

/** What is typed after a command or an option: one of `choices`, a `file`'s path, or anything. */
type Value = { name: string; description: string; required: boolean; choices: readonly string[]; file: boolean }

/** An option without a value has a null `value`. `required` says that the command does not go without it. */
export type OutlinedOption = Omit<Value, 'name'> & {
  flags: string
  long: string
  value: string | null
  default?: string
}

/** A command as help, completion and the reference tell it; a noun has commands. `path` is without `klubkort`. */
export type Outline = {
  path: string[]
  description: string
  usage: string
  arguments: Value[]
  options: OutlinedOption[]
  examples: readonly string[]
  commands: Outline[]
}

/** A program's commands, with `--help` left out, which all of them have. */
export function outline(command: Command, path: string[] = []): Outline {
  const help = command.createHelp()
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help')
  return {
    path,
    description: command.description(),
    usage: ['klubkort', ...path, ...command.registeredArguments.map(argumentTerm)].join(' '),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      required: argument.required,
      choices: argument.argChoices ?? [],
      file: isFile(argument.name(), argument),
    })),
    options: options.map(outlinedOption),
    examples: examplesOf(command),
    commands: command.commands.map((child) => outline(child, [...path, child.name()])),
  }
}

/** How an argument stands in a usage line: <id>, [words...]. */
export function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function outlinedOption(option: Option): OutlinedOption {
  const value = /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(option.flags)?.[1] ?? null
  return {
    flags: option.flags,
    long: option.long ?? option.flags,
    value,
    description: option.description,
    required: option.mandatory,
    choices: option.argChoices ?? [],
    file: value !== null && isFile(value, option),
    ...(option.defaultValue !== undefined && {
      default: String(option.defaultValueDescription ?? option.defaultValue),
    }),
  }
}

/** Files and folders are called that; what a parser takes, like the id of a bank's file, is none. */
function isFile(name: string, { parseArg }: Argument | Option): boolean {
  return parseArg === undefined && /\b(path|file|folder)\b/i.test(name)
}
