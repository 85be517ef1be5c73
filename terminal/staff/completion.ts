import { Argument, type Command } from 'commander'
import { command } from './command.ts'
import { OTHER_NAMES } from './command-line.ts'
import { bashScript, fishScript, type Place, zshScript } from './completion-scripts.ts'
import type { Desk } from './desk.ts'
import { type Outline, outline } from './outline.ts'
import { TOPICS } from './topics.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }

/** `klubkort completion`: what the Tab key does in a shell. */
export function completionCommand(klubkort: Command, desk: Desk) {
  command(
    klubkort,
    'completion',
    'print a script by which a shell completes commands, options and their values',
    'source <(klubkort completion bash)    # a line for ~/.bashrc',
    'klubkort completion zsh > ~/.zfunc/_klubkort',
    'klubkort completion fish > ~/.config/fish/completions/klubkort.fish',
  )
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => {
      const script = SCRIPTS[shell](places(outline(klubkort)))
      desk.deliver({ kind: 'done', value: { shell, script }, text: script, exact: true })
    })
}

const HELP: Place['options'][number] = {
  flags: '-h, --help',
  long: '--help',
  value: null,
  description: 'display help',
  required: false,
  choices: [],
  file: false,
}

/**
 * Wherever a line can be while it is typed. Behind `help` stand the same names again, and the subjects; what a command is
 * called besides its name leads to the same, but is not offered.
 */
function places(klubkort: Outline): Place[] {
  const subjects = Object.keys(TOPICS).map((name) => ({ name, description: 'a subject' }))
  const nouns = klubkort.commands.filter(({ commands }) => commands.length > 0)
  const behindHelp = [klubkort, ...nouns].map((noun) => ({
    path: ['help', ...noun.path],
    commands: [...named(noun), ...(noun === klubkort ? subjects : [])],
    options: [],
    arguments: [],
  }))
  const own = placesOf(klubkort).filter(({ path }) => path.join() !== 'help')
  const besides = OTHER_NAMES.flatMap(({ said, name }) =>
    own
      .filter(({ path }) => name.every((word, at) => path[at] === word))
      .map((place) => ({ ...place, path: [...said, ...place.path.slice(name.length)] })),
  )
  return [...own, ...besides, ...behindHelp]
}

function placesOf(node: Outline): Place[] {
  const here = { path: node.path, commands: named(node), options: [...node.options, HELP], arguments: node.arguments }
  return [here, ...node.commands.flatMap(placesOf)]
}

function named({ commands }: Outline): Place['commands'] {
  return commands.map(({ path, description }) => ({ name: path.at(-1) ?? '', description }))
}
