import { createInterface } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import { type Argument, type Command, InvalidArgumentError, type Option } from 'commander'
import type { Desk, Outcome } from './desk.ts'
import { argumentTerm } from './outline.ts'
import { onScreen, plain } from './output.ts'

/**
 * Somebody at a terminal. `ask` gives their line without blanks around it, null where they ended it instead (Ctrl-C,
 * Ctrl-D); what is hidden is not shown as it is typed. `tell` gives them a line.
 */
export type Person = {
  ask: (question: string, way?: { hidden: boolean }) => Promise<string | null>
  tell: (line: string) => void
}

/** Whoever sits at this terminal, asked on standard error, since standard output may go elsewhere. */
export function personAt(input: ReadStream, output: WriteStream): Person {
  return {
    tell: (line) => void output.write(`${onScreen(line, output)}\n`),
    ask: (question, { hidden } = { hidden: false }) =>
      new Promise((resolve) => {
        let said: string | null = null
        // The terminal shows nothing by itself from here on; asked any earlier, a quick hand's secret would be seen.
        const lines = createInterface({ input, output: hidden ? undefined : output, prompt: question, terminal: true })
        output.write(question)
        lines.once('line', (line) => {
          said = line.trim()
          lines.close()
        })
        lines.once('SIGINT', () => lines.close())
        lines.once('close', () => {
          if (hidden || said === null) output.write('\n') // What follows begins on a line of its own.
          resolve(said)
        })
      }),
  }
}

/** What is given as `-`, for standard input: it would be seen in the list of processes, or over a shoulder. */
const SECRETS = new Set(['--token', '--setup-key', '--cpr', '--uid'])

const TRIES_MAX = 3

/** What a command still lacks, as asked for: words to put behind its name, and words for the end of its line. */
export type Given = { kind: 'given'; options: string[]; operands: string[] }

/**
 * Asks a person for whatever a command cannot do without and was not given, with its own parser; a secret is left for
 * the command to read. Null where the command lacks nothing that could be asked for.
 */
export async function askedFor(person: Person, command: Command): Promise<Given | Outcome | null> {
  // A word that is no operand is an unknown option, and the better thing to say.
  if (command.args.some((word) => /^-./.test(word))) return null
  const given: Given = { kind: 'given', options: [], operands: [] }
  for (const argument of command.registeredArguments.slice(command.args.length)) {
    if (!argument.required) continue
    const value = await worded(person, argument, argumentTerm(argument))
    if (typeof value !== 'string') return value
    given.operands.push(value)
  }
  for (const option of command.options) {
    if (!option.mandatory || command.getOptionValue(option.attributeName()) !== undefined) continue
    const secret = SECRETS.has(option.long ?? '')
    const value = secret ? '-' : await worded(person, option, option.flags)
    if (typeof value !== 'string') return value
    given.options.push(`${option.long}=${value}`)
  }
  return given.options.length + given.operands.length === 0 ? null : given
}

/** What a person gives for one of them. After too many wrong tries it is wrong usage, as on a command line. */
export async function worded(person: Person, wanted: Argument | Option, term: string): Promise<string | Outcome> {
  const form = wanted.argChoices ? ` (${wanted.argChoices.join(', ')})` : ''
  const question = `${term}${wanted.description && `, ${wanted.description}`}${form}: `
  let wrong = ''
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const said = await person.ask(question)
    if (said === null) return { kind: 'cancelled' }
    const found = problemOf(wanted, said)
    if (found === null) return said
    wrong = found
    if (tries < TRIES_MAX - 1) person.tell(wrong)
  }
  return { kind: 'usage', message: `${term}: ${wrong}` }
}

function problemOf({ parseArg }: Argument | Option, said: string): string | null {
  if (said === '') return 'It cannot be left out.'
  try {
    parseArg?.(said, undefined)
    return null
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message
    throw error
  }
}

/** The question for the secret that a command is about to read because it was given as `-`. */
export function secretQuestion(command: Command | null): string {
  const read = command?.options.find((option) => command.getOptionValue(option.attributeName()) === '-')
  return `${read ? `${read.long?.slice(2)}` : 'value'}, not shown as it is typed: `
}

/** The option of a command that asks before it does what cannot be undone; its value goes to `confirmed`. */
export function yesOption(command: Command): Command {
  return command.option('--yes', 'do it without asking')
}

/**
 * Whether it is really wanted, before what cannot be undone: null where it is, with `yes` or by a person's word; else
 * the outcome to deliver, with nothing done. `question` ends with a question mark.
 */
export async function confirmed(desk: Desk, question: string, yes?: boolean): Promise<Outcome | null> {
  if (yes) return null
  if (desk.person === null) return { kind: 'usage', message: 'nobody is there to be asked; add --yes to do it' }
  const said = await desk.person.ask(`${plain(question)} [y/N] `)
  return said !== null && /^(y|yes|j|ja)$/i.test(said) ? null : { kind: 'cancelled' }
}
