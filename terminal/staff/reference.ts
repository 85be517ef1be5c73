import type { Outline } from './outline.ts'
import { folded } from './output.ts'

/** How wide the reference is set. */
const COLUMNS = 100
/** How far what is said of an option stands from the margin. */
const INDENT = 38

/** All commands as Markdown, in the form of manual pages: a noun after the other, below headings of the third level. */
export function reference({ commands }: Outline): string {
  const alone = commands.filter((command) => command.commands.length === 0)
  const nouns = commands.filter((command) => command.commands.length > 0)
  return [
    chapter('klubkort', '', alone),
    ...nouns.map((noun) => chapter(`klubkort ${noun.path.join(' ')}`, noun.description, leaves(noun))),
  ].join('\n\n')
}

function leaves({ commands }: Outline): Outline[] {
  return commands.flatMap((command) => (command.commands.length === 0 ? [command] : leaves(command)))
}

function chapter(title: string, description: string, commands: Outline[]): string {
  const about = description === '' ? '' : `: ${description}`
  return `### ${title}${about}\n\n\`\`\`text\n${commands.map(page).join('\n\n')}\n\`\`\``
}

function page({ usage, description, arguments: operands, options, examples }: Outline): string {
  const own = options.filter(({ long }) => long !== '--json')
  const wanted = own.filter(({ required }) => required).map(({ flags }) => flags)
  const others = own.filter(({ required }) => !required).map(({ flags }) => `[${flags}]`)
  const whole = [usage, ...wanted, ...others].join(' ')
  return [
    whole.length <= COLUMNS ? whole : [usage, ...wanted, '[options]'].join(' '),
    ...folded(`${description.slice(0, 1).toUpperCase()}${description.slice(1)}.`, COLUMNS - 4).map(
      (line) => `    ${line}`,
    ),
    ...operands
      .filter(({ description }) => description !== '')
      .flatMap((operand) => entry(`<${operand.name}>`, operand.description, operand.choices)),
    ...own.flatMap((option) => entry(option.flags, option.description, option.choices, option.default)),
    ...examples
      .filter((example) => example !== usage && !example.endsWith('--json')) // They say nothing more.
      .map((example) => `    $ ${example.replaceAll('\n', '\n  ')}`),
  ].join('\n')
}

function entry(term: string, description: string, choices: readonly string[], byDefault?: string): string[] {
  const named = choices.filter((choice) => choice !== '')
  const notes = [
    ...(named.length > 0 ? [`one of ${named.join(', ')}`] : []),
    ...(byDefault === undefined ? [] : [`default ${byDefault}`]),
  ]
  const text = `${description}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`
  const lines = folded(text, COLUMNS - INDENT)
  const head = `      ${term}`
  const margin = ' '.repeat(INDENT)
  const [first = '', ...more] = lines
  if (head.length + 2 > INDENT) return [head, ...lines.map((line) => margin + line)]
  return [head.padEnd(INDENT) + first, ...more.map((line) => margin + line)]
}
