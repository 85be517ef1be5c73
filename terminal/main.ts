import { randomFillSync, randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Command } from 'commander'
import { uuidv7 } from '../shared/uuidv7.ts'
import { EnrolmentCode } from '../shared/wire.ts'
import { learningClock } from './clock.ts'
import { mfrc522 } from './devices/mfrc522.ts'
import { connectNextion } from './devices/nextion.ts'
import { openSerial } from './devices/serial.ts'
import { openSpi } from './devices/spi.ts'
import { enrolment, keepEnrolment, keyPair } from './identity.ts'
import { openJournal } from './journal.ts'
import { enrolAt, link as linkOf } from './link.ts'
import { panelScreen } from './panel.ts'
import { station } from './station.ts'

const POLL_MS = 60
const DEVICE_RETRY_MS = 2_000

/** One line of JSON on standard output, which systemd keeps; never a card, a name or a key. */
function log(event: string, fields: Record<string, unknown> = {}) {
  console.log(JSON.stringify({ at: new Date().toISOString(), event, ...fields }))
}

const sleep = (ms: number, signal: AbortSignal) => setTimeout(ms, undefined, { signal })

class Refused extends Error {}

async function enrol({ url, code, state }: { url: string; code: string; state: string }) {
  if (!URL.canParse(url)) throw new Refused(`not an address: ${url}`)
  const spelled = EnrolmentCode.safeParse(code.trim().toUpperCase())
  if (!spelled.success) throw new Refused('a code looks like 7K3M-9QXT-2ZJH-0BWE')
  if (await enrolment(state)) throw new Refused(`${state} holds an enrolled terminal already`)
  const enrolled = await enrolAt(url, spelled.data, await keyPair(state), Date.now())
  if (enrolled.kind === 'refused') throw new Refused(`${enrolled.message} (${enrolled.code})`)
  if (enrolled.kind === 'unreachable')
    throw new Refused(`no answer from ${url}: ${enrolled.cause}; the same code may be tried again`)
  const { terminal, municipality, cardKey, name, site } = enrolled.value
  await keepEnrolment(state, { terminal, municipality, cardKey, url })
  console.log(`enrolled as terminal ${terminal} (${name}) at ${site}`)
}

async function run({ state, spi, serial, baud }: { state: string; spi: string; serial: string; baud: number }) {
  const enrolled = await enrolment(state)
  if (!enrolled) throw new Refused(`no terminal is enrolled in ${state}: run klubkort-terminal enrol first`)
  await mkdir(state, { recursive: true, mode: 0o700 })
  process.umask(0o077)
  const key = await keyPair(state)
  const journal = openJournal(join(state, 'journal.db'))
  const clock = learningClock({ epoch: () => Date.now(), monotonic: () => performance.now() }, journal.notBefore())
  const ended = new AbortController()
  const { signal } = ended
  let failure: unknown = null
  const fail = (error: unknown) => {
    failure = error
    log('failed', { error: String(error) })
    ended.abort()
  }
  const link = linkOf({ enrolment: enrolled, key, clock, uuid: randomUUID })
  const { till, run: keepInTouch } = station({
    journal,
    link,
    enrolment: enrolled,
    key,
    clock,
    uuid: () => uuidv7(Date.now(), randomFillSync(new Uint8Array(16))),
    sleep,
    random: Math.random,
    log,
    fail,
  })
  for (const stop of ['SIGINT', 'SIGTERM'] as const) process.once(stop, () => ended.abort())
  log('started', { terminal: enrolled.terminal, spi, serial })

  await till.recover()
  const loops = [
    keepInTouch(signal),
    keepTrying('reader', signal, async (works) => {
      const bus = await openSpi(spi)
      try {
        await till.readerIs(true)
        for await (const tap of mfrc522(bus, { pollMs: POLL_MS }).taps(signal)) {
          works()
          await till.serve(tap)
        }
      } finally {
        bus.close()
        await till.readerIs(false)
      }
    }),
    keepTrying('screen', signal, async (works) => {
      const port = await openSerial(serial, baud)
      try {
        const nextion = await connectNextion(port)
        works()
        const screen = panelScreen(nextion)
        nextion.onRestart(() => till.refresh())
        const attached = till.attach({
          presses: screen.presses,
          // A display that refuses what it is told is opened anew, whatever the reason.
          show: (view) =>
            screen.show(view).catch((error: unknown) => {
              port.destroy()
              throw error
            }),
        })
        for await (const press of screen.presses(signal)) await till.press(press)
        await attached
      } finally {
        port.destroy()
      }
    }),
  ]
  await Promise.all(loops.map((loop) => loop.catch(fail)))
  await till.end()
  journal.close()
  log('stopped')
  if (failure) throw failure
}

/** Keeps a device at work: what ends it is said in the log, once until it changes, and it is opened again. */
async function keepTrying(device: string, signal: AbortSignal, work: (works: () => void) => Promise<void>) {
  let said = ''
  while (!signal.aborted) {
    try {
      await work(() => {
        if (said !== '') log('device_back', { device })
        said = ''
      })
    } catch (error) {
      if (signal.aborted) return
      const trouble = error instanceof Error ? error.message : String(error)
      if (trouble !== said) log('device_missing', { device, trouble })
      said = trouble
    }
    await sleep(DEVICE_RETRY_MS, signal).catch(() => undefined)
  }
}

const state = [
  '--state <folder>',
  'where the key and the journal are kept',
  process.env.KLUBKORT_STATE ?? '/var/lib/klubkort',
] as const

const program = new Command('klubkort-terminal')
  .description('The till of Klubkort: reads cards, sells, and never loses a sale.')
  .showHelpAfterError()

program
  .command('enrol')
  .description(
    'enrol this device with a one-time code from `klubkort terminal add`; the key is made here and stays here',
  )
  .requiredOption('--url <address>', "the municipality's address")
  .requiredOption('--code <code>', 'the one-time code')
  .option(...state)
  .addHelpText(
    'after',
    '\nExample:\n  klubkort-terminal enrol --url https://4000.klubkort.example --code 7K3M-9QXT-2ZJH-0BWE',
  )
  .action(enrol)

program
  .command('run')
  .description('sell until stopped')
  .option(...state)
  .option('--spi <device>', 'the card reader', '/dev/spidev0.0')
  .option('--serial <device>', 'the display', '/dev/serial0')
  .option('--baud <rate>', 'the speed of the display', Number, 9600)
  .addHelpText('after', '\nExample:\n  klubkort-terminal run --spi /dev/spidev0.0 --serial /dev/serial0')
  .action(run)

program.parseAsync().catch((error: unknown) => {
  console.error(`klubkort-terminal: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = error instanceof Refused ? 1 : 70
})
