import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { Command, CommanderError } from 'commander'
import { accountCommands } from './accounts.ts'
import { auditCommands } from './audit.ts'
import { cardCommands } from './cards.ts'
import { caseCommands } from './cases.ts'
import { childCommands } from './children.ts'
import { type Desk, EXIT_CODES, type Outcome, report } from './desk.ts'
import { exitDrillCommand } from './exit-drill.ts'
import { ledgerCommands } from './ledger.ts'
import { orderCommands } from './orders.ts'
import { plain } from './output.ts'
import { payoutCommands } from './payouts.ts'
import { peopleCommands } from './people.ts'
import { productCommands } from './products.ts'
import { publicationCommands } from './publications.ts'
import { reportCommands } from './reports.ts'
import { reviewCommands } from './review.ts'
import { settingsCommands } from './settings.ts'
import { setupCommands } from './setup.ts'
import { siteCommands } from './sites.ts'
import { terminalCommands } from './terminals.ts'

/** Asked of the words themselves, since a command line that does not parse is answered as JSON too. */
const asJson = process.argv.slice(2).includes('--json')

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
    const lines = createInterface({ input: process.stdin })
    try {
      for await (const line of lines) return line.trim()
      return ''
    } finally {
      process.stdin.destroy() // Or whoever holds the other end would keep us waiting.
    }
  },
  readText: () => text(process.stdin),
  deliver,
  note(text) {
    if (!noted) paper.err(`klubkort: ${plain(text)}`)
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
  .addHelpText('afterAll', `\n${EXIT_CODES}`)
  .exitOverride()
  .configureOutput({ outputError: (message) => deliver({ kind: 'usage', message: usage(message) }) })

setupCommands(klubkort, desk)
siteCommands(klubkort, desk)
productCommands(klubkort, desk)
childCommands(klubkort, desk)
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

try {
  await klubkort.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2 // What is wrong has been said by then.
}

/** Commander's sentence on one line, without its prefix. */
function usage(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/^command-argument value ('.*') is invalid for argument '([^']+)'\./s, '$1 is no <$2>.')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
}
