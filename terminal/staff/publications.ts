import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import { Publication, PublicationCall, PublicationKind } from '../../shared/office/publications.ts'
import { Language } from '../../shared/wire.ts'
import { command, group } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { instant, table } from './output.ts'

const Publications = z.object({ publications: z.array(Publication) })

/** `klubkort publication …`: what the portal tells parents, version by version. */
export function publicationCommands(klubkort: Command, desk: Desk) {
  const publication = group(
    klubkort,
    'publication',
    'terms, accessibility statement and privacy notice',
    'klubkort publication list',
  )

  command(publication, 'list', 'list every version', 'klubkort publication list').action(async () => {
    const listed = await read(desk, '/publications', Publications)
    desk.deliver(
      told(listed, ({ publications }) =>
        table(
          publications,
          [
            { head: 'KIND', cell: ({ kind }) => kind },
            { head: 'LANGUAGE', cell: ({ language }) => language },
            { head: 'VERSION', cell: ({ version }) => version, align: 'right' },
            { head: 'SINCE', cell: ({ at }) => instant(at) },
            { head: 'BY', cell: ({ staff }) => staff, flexible: true },
          ],
          'Nothing is published yet.',
        ),
      ),
    )
  })

  command(
    publication,
    'publish',
    'publish a text in Markdown as the next version',
    'klubkort publication publish --kind terms --language da --file terms.md',
  )
    .addOption(new Option('--kind <kind>', 'what it is').choices(PublicationKind.options).makeOptionMandatory())
    .addOption(new Option('--language <language>', 'its language').choices(Language.options).makeOptionMandatory())
    .requiredOption('--file <path>', 'the text, at most 100 kB; - for standard input')
    .action(async (options) => desk.deliver(await publish(desk, options)))
}

type PublishOptions = { kind: string; language: string; file: string }

async function publish(desk: Desk, { kind, language, file }: PublishOptions): Promise<Outcome> {
  const text = file === '-' ? await desk.readText() : await readFile(file, 'utf8').catch(() => null)
  if (text === null) return { kind: 'usage', message: `${file} cannot be read` }
  const published = await change(desk, '/publications', PublicationCall, { kind, language, text }, Publication)
  return told(published, ({ kind, language, version, at }) => {
    return `Version ${version} of ${kind} in ${language} is in force since ${instant(at)}.`
  })
}
