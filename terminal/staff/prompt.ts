import { createInterface } from 'node:readline'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Command } from 'commander'
import type { Desk, Outcome } from './desk.ts'
import { plain } from './output.ts'

/** Somebody at a terminal. `ask` gives their line without blanks around it; null where they ended it instead. */
export type Person = { ask: (question: string, way?: { hidden: boolean }) => Promise<string | null> }

/** Whoever sits at this terminal, asked on standard error, since standard output may go elsewhere. */
export function personAt(input: ReadStream, output: WriteStream): Person {
  return {
    ask: (question, { hidden } = { hidden: false }) =>
      new Promise((resolve) => {
        let said: string | null = null
        output.write(question)
        const lines = createInterface({ input, output: hidden ? undefined : output, prompt: question, terminal: true })
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
