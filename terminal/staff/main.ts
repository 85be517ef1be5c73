import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { accountCommands } from './accounts.ts'
import { auditCommands } from './audit.ts'
import { cardCommands } from './cards.ts'
import { caseCommands } from './cases.ts'
import { childCommands } from './children.ts'
import { followed, named, parse } from './command-line.ts'
import { completionCommand } from './completion.ts'
import { dayCommands } from './days.ts'
import { type Desk, EXIT_LINES, type Outcome, report } from './desk.ts'
import { exitDrillCommand } from './exit-drill.ts'
import { helpCommand } from './help.ts'
import { ledgerCommands } from './ledger.ts'
import { orderCommands } from './orders.ts'
import { onScreen, plain } from './output.ts'
import { payoutCommands } from './payouts.ts'
import { peopleCommands } from './people.ts'
import { productCommands } from './products.ts'
import { personAt, secretQuestion } from './prompt.ts'
import { publicationCommands } from './publications.ts'
import { reportCommands } from './reports.ts'
import { reviewCommands } from './review.ts'
import { rosterCommands } from './roster.ts'
import { saleCommands } from './sales.ts'
import { settingsCommands } from './settings.ts'
import { setupCommands } from './setup.ts'
import { siteCommands } from './sites.ts'
import { terminalCommands } from './terminals.ts'

/** Asked of the words themselves, since a command line that does not parse is answered as JSON too. */
const asJson = process.argv.slice(2).includes('--json')

/** Set by what builds and tests without a person; the common ways to say that it is not set are heard. */
const automatic = !['', '0', 'false'].includes(process.env.CI ?? '')

const paper = {
  out: (text: string) => process.stdout.write(`${text}\n`),
  err: (text: string) => process.stderr.write(`${text}\n`),
}

function deliver(outcome: Outcome) {
  process.exitCode = report(outcome, asJson, paper)
}

/** Said once, and to people only. */
let noted = asJson

const desk: Desk = {
  env: process.env,
  nowMs: () => Date.now(),
  random: (bytes) => randomFillSync(new Uint8Array(bytes)),
  async readLine() {
    if (process.stdin.isTTY) {
      const said = await personAt(process.stdin, process.stderr).ask(secretQuestion(current()), { hidden: true })
      if (said !== null) return said
      deliver({ kind: 'cancelled' })
      process.exit()
    }
    const lines = createInterface({ input: process.stdin })
    try {
      for await (const line of lines) return line.trim()
      return ''
    } finally {
      process.stdin.destroy() // Or whoever holds the other end would keep us waiting.
    }
  },
  readText() {
    if (process.stdin.isTTY) process.stderr.write('Type or paste it, and end with Ctrl-D on a line of its own.\n')
    return text(process.stdin)
  },
  person:
    asJson || automatic || !process.stdin.isTTY || !process.stderr.isTTY
      ? null
      : personAt(process.stdin, process.stderr),
  deliver,
  note(text) {
    if (!noted) paper.err(onScreen(`klubkort: ${plain(text)}`, process.stderr))
    noted = true
  },
}

// `klubkort product list | head -1` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const klubkort = new Command('klubkort')
  .description('The office of Klubkort, the payment card of youth clubs and school canteens.')
  .version(version, '-V, --version', 'print the version')
  .enablePositionalOptions() // `payout export` has a --version of its own.
  .addHelpText(
    'after',
    '\nExamples:\n  klubkort login --url https://4000.klubkort.example --token -\n  klubkort product list --site 1 --json',
  )
  .addHelpText('afterAll', `\n${EXIT_LINES}`)
  .exitOverride()
  .configureOutput({ outputError: () => {} }) // Said by `parse`, once nobody can be asked for what is missing.

setupCommands(klubkort, desk)
siteCommands(klubkort, desk)
productCommands(klubkort, desk)
childCommands(klubkort, desk)
rosterCommands(klubkort, desk)
cardCommands(klubkort, desk)
orderCommands(klubkort, desk)
accountCommands(klubkort, desk)
terminalCommands(klubkort, desk)
reviewCommands(klubkort, desk)
caseCommands(klubkort, desk)
publicationCommands(klubkort, desk)
settingsCommands(klubkort, desk)
payoutCommands(klubkort, desk)
peopleCommands(klubkort, desk)
auditCommands(klubkort, desk)
reportCommands(klubkort, desk)
exitDrillCommand(klubkort, desk)
ledgerCommands(klubkort, desk)
saleCommands(klubkort, desk)
dayCommands(klubkort, desk)
completionCommand(klubkort, desk)
helpCommand(klubkort, desk)

const current = followed(klubkort)
await parse(klubkort, named(process.argv.slice(2)), { current, ...desk })
