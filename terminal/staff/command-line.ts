import { type Command, CommanderError } from 'commander'
import type { Desk } from './desk.ts'
import { askedFor, type Given } from './prompt.ts'

/** The command that a line is for, as far as its words have been gone through; null before the first. */
export function followed(klubkort: Command): () => Command | null {
  let current: Command | null = null
  const follow = (parent: Command) => {
    parent.hook('preSubcommand', (_, child) => {
      current = child
    })
    for (const child of parent.commands) follow(child)
  }
  follow(klubkort)
  return () => current
}

/** Names under which commands are looked for, and the ones they have; no help lists them. */
export const OTHER_NAMES: readonly { said: readonly string[]; name: readonly string[] }[] = [
  { said: ['cards', 'orders'], name: ['order'] },
  { said: ['card', 'orders'], name: ['order'] },
  { said: ['cards'], name: ['card'] },
]

/** A line with a command's own name, whichever it was said by: `cards import` is `card import`. */
export function named(words: readonly string[]): string[] {
  return OTHER_NAMES.reduce<string[]>(
    (line, { said, name }) =>
      said.every((word, at) => line[at] === word) ? [...name, ...line.slice(said.length)] : line,
    [...words],
  )
}

type Office = Pick<Desk, 'person' | 'deliver'> & { current: () => Command | null }

/**
 * Does what the words of a command line say, or delivers what is wrong with them. Where something is missing and
 * somebody is there, they are asked, and it goes on as if it had been given.
 */
export async function parse(klubkort: Command, words: string[], { current, person, deliver }: Office): Promise<void> {
  let wrong = await tried(klubkort, words)
  const command = current()
  if (wrong !== null && LACKING.has(wrong.code) && person !== null && command !== null) {
    const given = await askedFor(person, command)
    if (given !== null && given.kind !== 'given') return deliver(given)
    if (given !== null) wrong = await tried(klubkort, completed(words, depthOf(command), given))
  }
  if (wrong === null) return
  if (wrong.code === 'commander.help')
    process.exitCode = 2 // A noun alone: its help has been printed.
  else deliver({ kind: 'usage', message: sentence(wrong) })
}

const LACKING = new Set(['commander.missingArgument', 'commander.missingMandatoryOptionValue'])

/** What commander finds wrong with a line; null where it was done, or help or the version was asked for. */
async function tried(klubkort: Command, words: string[]): Promise<CommanderError | null> {
  try {
    await klubkort.parseAsync(words, { from: 'user' })
    return null
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? null : error
  }
}

/** How many words name a command. No option stands before or between them. */
function depthOf({ parent }: Command): number {
  return parent === null ? 0 : 1 + depthOf(parent)
}

/** A line with what was given since: options behind the command's name, operands at the end, where none is an option. */
function completed(words: string[], depth: number, { options, operands }: Given): string[] {
  const [name, rest] = [words.slice(0, depth), words.slice(depth)]
  const end = operands.length === 0 || rest.includes('--') ? operands : ['--', ...operands]
  return [...name, ...options, ...rest, ...end]
}

/** Commander's sentence on one line, without its prefix. */
function sentence({ message }: CommanderError): string {
  return message
    .replace(/^error: /, '')
    .replace(/^command-argument value ('.*') is invalid for argument '([^']+)'\./s, '$1 is no <$2>.')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
}
