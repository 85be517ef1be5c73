import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { kroner, ore } from '../shared/money.ts'
import { EnrolmentCode } from '../shared/wire.ts'
import { DiskError } from './journal-database.ts'
import { type RunOptions, run } from './run.ts'
import { doctor, linesOf } from './upkeep/doctor.ts'
import { enrolHere } from './upkeep/enrol.ts'
import { Refused } from './upkeep/refused.ts'
import { rotateHere } from './upkeep/rotate-key.ts'
import { systemd } from './upkeep/systemd.ts'
import { unsentIn } from './upkeep/unsent.ts'

/** What systemd is told when the disk refuses (EX_IOERR): another start may find another disk. */
const EXIT_DISK = 74
const EXIT_BUG = 70

const machine = { epoch: () => Date.now(), monotonic: () => performance.now() }

/** One line of JSON on standard output, which systemd keeps; never a card, a name or a key. */
function log(event: string, fields: Record<string, unknown> = {}) {
  console.log(JSON.stringify({ at: new Date().toISOString(), event, ...fields }))
}

async function enrol({ url, code, state }: { url: string; code: string; state: string }) {
  if (!URL.canParse(url)) throw new Refused(`not an address: ${url}`)
  const spelled = EnrolmentCode.safeParse(code.trim().toUpperCase())
  if (!spelled.success) throw new Refused('a code looks like 7K3M-9QXT-2ZJH-0BWE')
  process.umask(0o077)
  const { terminal, name, site, aside, left } = await enrolHere(url, spelled.data, state, machine)
  console.log(`enrolled as terminal ${terminal} (${name}) at ${site}`)
  if (aside !== null) console.log(`the journal before is kept as ${join(state, aside)}`)
  if (left > 0) console.log(`${left} messages of it could not be delivered: keep it, and tell the office`)
}

async function rotateKey({ state }: { state: string }) {
  process.umask(0o077)
  await rotateHere(state, machine)
  console.log('the key has been changed')
}

async function mayUpdate({ state }: { state: string }) {
  const unsent = unsentIn(state)
  if (unsent.count === 0) return console.log('everything has been delivered: the till may be updated')
  const since = unsent.oldestAt === null ? '' : `, the oldest from ${new Date(unsent.oldestAt).toISOString()}`
  const what = unsent.count === 1 ? '1 message is' : `${unsent.count} messages are`
  throw new Refused(`${what} unsent${since}, over ${kroner(ore(unsent.sum))} kr: connect the till first, then update`)
}

async function examine(options: RunOptions & { json: boolean; url?: string }) {
  const checks = await doctor(options, machine)
  console.log(options.json ? JSON.stringify({ checks }, null, 2) : linesOf(checks))
  if (checks.some(({ state }) => state === 'bad')) process.exitCode = 1
}

async function sell(options: RunOptions) {
  process.umask(0o077)
  const stop = new AbortController()
  for (const ending of ['SIGINT', 'SIGTERM'] as const) process.once(ending, () => stop.abort())
  await run(options, machine, log, systemd(process.env), stop.signal)
}

const number = (text: string) => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('a whole number above zero is expected')
  return value
}

/** 'gpiochip0:17' is line 17 of that chip. */
const gpioLine = (text: string) => {
  const [, chip, line] = /^([\w/]+):(\d{1,3})$/.exec(text) ?? []
  if (!chip || line === undefined) throw new InvalidArgumentError('a chip and a line are expected, as gpiochip0:17')
  return { chip, line: Number(line) }
}

const { KLUBKORT_STATE = '/var/lib/klubkort', RUNTIME_DIRECTORY } = process.env

const program = new Command('klubkort-terminal')
  .description('The till of Klubkort: reads cards, sells, and never loses a sale.')
  .showHelpAfterError()

const command = (name: string, description: string) =>
  program
    .command(name)
    .description(description)
    .option('--state <folder>', 'where the key and the journal are kept', KLUBKORT_STATE)

/** A command that needs to know the devices as well. Each may be set in the environment, as an installed till's are. */
const deviceCommand = (name: string, description: string) =>
  command(name, description)
    .addOption(new Option('--spi <device>', 'the card reader').default('/dev/spidev0.0').env('KLUBKORT_SPI'))
    .addOption(new Option('--serial <device>', 'the display').default('/dev/serial0').env('KLUBKORT_SERIAL'))
    .addOption(
      new Option('--baud <rate>', 'the speed of the display').default(115_200).argParser(number).env('KLUBKORT_BAUD'),
    )
    .addOption(
      new Option('--display <kind>', 'a Nextion with buttons, or a pole display of two lines')
        .choices(['nextion', 'pole'])
        .default('nextion')
        .env('KLUBKORT_DISPLAY'),
    )
    .addOption(
      new Option('--fixed-price <product>', 'the number of the product that each card buys one of')
        .default(null)
        .argParser(number)
        .env('KLUBKORT_FIXED_PRICE'),
    )
    .addOption(
      new Option('--keypad <device>', "the staff's numeric keypad, beside a pole display")
        .default(null)
        .env('KLUBKORT_KEYPAD'),
    )
    .addOption(
      new Option('--code-page <table>', 'the character table of a pole display')
        .choices(['cp865', 'wpc1252'])
        .default('cp865')
        .env('KLUBKORT_CODE_PAGE'),
    )
    .addOption(
      new Option('--buzzer <chip:line>', 'a buzzer on a GPIO line, where the display has no loudspeaker')
        .default(null)
        .argParser(gpioLine)
        .env('KLUBKORT_BUZZER'),
    )
    .addOption(
      new Option('--status <file>', 'where a running till says how it is')
        .default(join(RUNTIME_DIRECTORY ?? '/run/klubkort', 'status.json'))
        .env('KLUBKORT_STATUS'),
    )

command(
  'enrol',
  'enrol this device with a one-time code from `klubkort terminal add` or `renew`; the key is made here and stays here',
)
  .requiredOption('--url <address>', "the municipality's address")
  .requiredOption('--code <code>', 'the one-time code')
  .addHelpText(
    'after',
    '\nExample:\n  klubkort-terminal enrol --url https://4000.klubkort.example --code 7K3M-9QXT-2ZJH-0BWE',
  )
  .action(enrol)

deviceCommand('run', 'sell until stopped')
  .addHelpText('after', '\nExample:\n  klubkort-terminal run --spi /dev/spidev0.0 --serial /dev/serial0')
  .action(sell)

deviceCommand('doctor', 'look at everything a till needs, and say what is wrong; 1 where something is')
  .option('--url <address>', "the municipality's address, before this device is enrolled")
  .option('--json', 'for programs', false)
  .addHelpText('after', '\nExample:\n  sudo klubkort-terminal doctor')
  .action(examine)

command('rotate-key', 'change the key now; a running till does it by itself every 90 days')
  .addHelpText('after', '\nExample:\n  sudo klubkort-terminal rotate-key')
  .action(rotateKey)

command('may-update', 'whether the program may be replaced: 0 when everything has been delivered, or else 1')
  .addHelpText('after', '\nExample:\n  sudo klubkort-terminal may-update && sudo sh terminal/install.sh')
  .action(mayUpdate)

program.parseAsync().catch((error: unknown) => {
  console.error(`klubkort-terminal: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = error instanceof Refused ? 1 : error instanceof DiskError ? EXIT_DISK : EXIT_BUG
})
