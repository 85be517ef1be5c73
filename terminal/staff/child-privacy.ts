import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { ChildFile, Erasure, ErasureCall } from '../../shared/office/privacy.ts'
import { command, idArgument } from './command.ts'
import { change, type Desk, type Outcome, told } from './desk.ts'
import { diskTrouble } from './disk.ts'
import { counted, json, plain } from './output.ts'

/** `klubkort child export|erase`: what is known of a child, handed over or erased. */
export function childPrivacyCommands(child: Command, desk: Desk) {
  command(
    child,
    'export',
    'everything about a child as JSON, to a file that only you can read, or to the screen',
    'klubkort child export 3 --out child-3.json',
  )
    .argument('<id>', 'the child', idArgument)
    .option('--out <file>', 'a new file to write it to')
    .action(async (id: number, { out }: { out?: string }) => desk.deliver(await taken(desk, id, out)))

  command(
    child,
    'erase',
    'erase a child that has left; its books are kept until the law lets them go',
    'klubkort child erase 3',
    "klubkort child erase 3 --name 'Freja Nielsen'",
  )
    .argument('<id>', 'the child', idArgument)
    .option('--name <name>', "the child's name once more (asked for at a terminal)")
    .action(async (id: number, { name }: { name?: string }) => desk.deliver(await erased(desk, id, name)))
}

async function taken(desk: Desk, id: number, out: string | undefined): Promise<Outcome> {
  const asked = await change(desk, `/children/${id}/export`, z.strictObject({}), {}, ChildFile, { large: true })
  if (asked.kind !== 'answer') return asked
  const { value } = asked
  if (out === undefined) return { kind: 'done', value, text: json(value), exact: true }
  try {
    // Never over another file: it may be somebody's.
    await writeFile(out, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    return { kind: 'usage', message: `${out} cannot be written: ${diskTrouble(error)}` }
  }
  const text = `Everything about child ${id}, ${plain(value.child.name)}, written to ${out}: keep it safe.`
  return { kind: 'done', value: { id, file: out }, text }
}

async function erased(desk: Desk, id: number, given: string | undefined): Promise<Outcome> {
  const call = (name: string) => change(desk, `/children/${id}/erase`, ErasureCall, { name }, Erasure)
  if (given === undefined && desk.person === null) {
    return { kind: 'usage', message: "--name is wanted: the child's name once more" }
  }
  if (given === undefined) {
    // Nobody is to type a name only to hear that the child cannot be erased.
    const first = await call('')
    if (first.kind !== 'refused' || first.code !== 'name_wrong') return told(first, () => '')
  }
  const question = `This cannot be taken back. Type the name of child ${id} to erase it: `
  const name = given ?? (await desk.person?.ask(question)) ?? null
  if (name === null) return { kind: 'cancelled' }
  return told(await call(name), ({ eraseDay, guardians }) => {
    const [year, month, day] = eraseDay.split('-')
    const gone = guardians === 0 ? '' : ` ${counted(guardians, 'guardian')} without another child went too.`
    const kept =
      eraseDay <= copenhagenDay(desk.nowMs())
        ? 'Bookkeeping asks for nothing of it.'
        : `What bookkeeping asks for is kept until ${day}.${month}.${year}.`
    return `Child ${id} is erased.${gone} ${kept}`
  })
}
