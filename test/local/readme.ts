import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outline } from '../../terminal/staff/outline.ts'
import { KLUBKORT } from './command-line.ts'
import { ROOT } from './processes.ts'

const BEGIN = '<!-- The reference: made from the commands by `npm run reference`. -->'
const END = '<!-- The end of the reference. -->'
const README = join(ROOT, 'README.md')

/** What the command line says of itself to programs. */
export function commandLine(): Outline {
  return JSON.parse(execFileSync(process.execPath, [KLUBKORT, 'help', '--json'], { encoding: 'utf8' }))
}

/** The README around its reference, and the reference itself. Throws where the marks are gone. */
export function readme(): { before: string; reference: string; after: string } {
  const text = readFileSync(README, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin === -1 || end < begin) throw new Error(`README.md has no reference between '${BEGIN}' and '${END}'`)
  const from = begin + BEGIN.length
  return { before: text.slice(0, from), reference: text.slice(from, end).trim(), after: text.slice(end) }
}

/** Puts another reference in the place of the README's. */
export function keepReference(reference: string): void {
  const { before, after } = readme()
  writeFileSync(README, `${before}\n\n${reference}\n\n${after}`)
}
