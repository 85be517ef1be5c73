import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { panel } from '../../terminal/screen/panel.ts'
import type { ReaderOrder } from '../emulators/hands.ts'
import { type Network, network } from '../emulators/network.ts'
import { emulateNextion, type NextionState } from '../emulators/nextion.ts'
import { openPty } from '../emulators/pty.ts'
import { type Running, startNode } from './processes.ts'

const HOOK = new URL('../emulators/spidev-hook.ts', import.meta.url).href

/** A Raspberry Pi on this machine: the real terminal program, with an emulated reader, display and network cable. */
export type Pi = {
  url: string
  state: string
  network: Network
  /** Enrols the device with a one-time code, through the terminal's own command. */
  enrol(code: string): Promise<void>
  powerOn(): void
  /** Pulls the plug: the program dies where it stands, and the display goes dark. */
  pullPower(): Promise<void>
  isOn(): boolean
  screen(): NextionState
  /** All texts on the display, from top to bottom; empty lines left out. */
  texts(): string[]
  /** Waits until the display shows a text that matches; rejects with what it shows after `timeoutMs`, or with the power. */
  shows(pattern: RegExp, timeoutMs?: number): Promise<string>
  /** Presses the button with this name or, beginning a text on it, this text. False when none is in sight. */
  press(button: string): boolean
  /** Lays a card on the reader and takes it away again. */
  tap(uid: string): Promise<void>
  /** What a hand does at the reader, step by step. */
  reader(order: ReaderOrder): void
  log(): string
  close(): Promise<void>
}

/** A hand with a card in it: long enough to be read, and then away long enough to be missed. */
const CARD_LIES_MS = 400
const CARD_AWAY_MS = 300

/** Builds a Pi whose state is kept in a folder and which talks to municipality `host` through a cable of its own. */
export async function virtualPi(
  { state, host, port, workerPort }: { state: string; host: string; port: number; workerPort: number },
  onChange: () => void = () => {},
): Promise<Pi> {
  await mkdir(state, { recursive: true, mode: 0o700 })
  const cable = await network(port, workerPort)
  const line = openPty()
  const changed = new Set<() => void>()
  const display = emulateNextion(panel, {
    onChange() {
      for (const listener of changed) listener()
      onChange()
    },
  })
  display.plug(line.duplex)
  display.powerOff()
  const url = `http://${host}:${cable.port}`
  let running: Running | null = null
  let logged = ''

  const texts = () =>
    display.state().components.flatMap(({ text }) => (text === '' ? [] : [text.replaceAll(/\s+/g, ' ')]))
  const order = (message: ReaderOrder) => {
    if (running?.process.connected) running.process.send(message)
  }
  const pi: Pi = {
    url,
    state,
    network: cable,
    async enrol(code) {
      const enrolling = startNode(['terminal/main.ts', 'enrol', '--url', url, '--code', code, '--state', state])
      await enrolling.says(/enrolled as terminal/, 20_000)
      await enrolling.stop()
    },
    powerOn() {
      if (running) return
      display.powerOn()
      const args = ['run', '--state', state, '--spi', '/dev/spidev0.0', '--serial', line.path, '--baud', '115200']
      const started = startNode(['--import', HOOK, 'terminal/main.ts', ...args], {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        onLine(text) {
          logged += `${text}\n`
        },
      })
      running = started
      started.process.once('exit', () => {
        if (running === started) running = null
        onChange()
      })
      onChange()
    },
    async pullPower() {
      const dying = running
      running = null
      await dying?.kill()
      display.powerOff()
      onChange()
    },
    isOn: () => running !== null,
    screen: () => display.state(),
    texts,
    shows(pattern, timeoutMs = 5_000) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (running === null) return fail('the power is off')
          const match = texts().find((text) => pattern.test(text))
          if (match === undefined) return
          end()
          resolve(match)
        }
        const end = () => {
          clearTimeout(timer)
          changed.delete(look)
        }
        const fail = (why: string) => {
          end()
          reject(new Error(`the display does not show ${pattern}: ${why}\n${logged}`))
        }
        const timer = globalThis.setTimeout(() => fail(texts().join(' | ')), timeoutMs)
        changed.add(look)
        look()
      })
    },
    press(button) {
      const { components } = display.state()
      const named = components.find(
        ({ kind, name, text }) => kind === 'button' && (name === button || text.startsWith(button)),
      )
      return named !== undefined && display.press(named.name)
    },
    async tap(uid) {
      order({ order: 'remove' })
      order({ order: 'present', uid })
      await setTimeout(CARD_LIES_MS)
      order({ order: 'remove' })
      await setTimeout(CARD_AWAY_MS)
    },
    reader: order,
    log: () => logged,
    async close() {
      if (running) {
        const exited = once(running.process, 'exit')
        await running.stop()
        await exited.catch(() => undefined)
      }
      display.powerOff()
      line.close()
      await cable.close()
    },
  }
  return pi
}
