import { buzzer } from '../devices/buzzer.ts'
import { type CodePage, customerDisplay } from '../devices/customer-display.ts'
import { keypadKeys } from '../devices/keypad.ts'
import { connectNextion } from '../devices/nextion.ts'
import { openSerial } from '../devices/serial.ts'
import { keyedScreen } from './keyed-screen.ts'
import { panelScreen } from './panel-screen.ts'
import { poleScreen } from './pole-screen.ts'
import { type Sound, soundingScreen, sounds } from './sounds.ts'
import type { Screen } from './view.ts'

export type DisplayOptions = {
  display: 'nextion' | 'pole'
  serial: string
  baud: number
  /** The staff's keypad, a device file; null where there is none. */
  keypad: string | null
  /** The character table of a pole display. */
  codePage?: CodePage
  /** The line of a buzzer; a display with a loudspeaker of its own needs none. */
  buzzer?: { chip: string; line: number } | null
}

/** A display on its line. `onRestart` calls back whenever it has started anew and what was drawn is lost. */
export type Display = { screen: Screen; onRestart(listener: () => void): void; close(): void }

type Log = (event: string, fields?: Record<string, unknown>) => void
/** `play` is null where the display itself is mute. */
type Opened = { screen: Screen; onRestart: Display['onRestart']; play: ((sound: Sound) => void) | null }

/**
 * Opens the display that the options name, with the keypad and the sounds that belong to it; rejects where it does not
 * answer. A keypad or a buzzer that is missing is logged, and is no reason to reject.
 */
export async function openDisplay(options: DisplayOptions, log: Log = () => undefined): Promise<Display> {
  const port = await openSerial(options.serial, options.baud)
  try {
    const { screen, onRestart, play } = await opened[options.display](port, options)
    const pin = play === null && options.buzzer ? buzzer(options.buzzer, (trouble) => log('buzzer', { trouble })) : null
    const sounding = play ?? (pin && ((sound: Sound) => pin.sound(sounds[sound].pulsesMs)))
    const { keypad } = options
    const keyed = keypad
      ? keyedScreen(
          screen,
          (signal) => keypadKeys(keypad, signal),
          (trouble) => log('keypad', { trouble }),
        )
      : screen
    return {
      screen: sounding ? soundingScreen(keyed, sounding) : keyed,
      onRestart,
      close() {
        pin?.close()
        port.destroy()
      },
    }
  } catch (error) {
    port.destroy()
    throw error
  }
}

const opened: Readonly<
  Record<
    DisplayOptions['display'],
    (port: Awaited<ReturnType<typeof openSerial>>, options: DisplayOptions) => Promise<Opened>
  >
> = {
  async nextion(port) {
    const nextion = await connectNextion(port)
    return {
      screen: panelScreen(nextion),
      onRestart: nextion.onRestart,
      // A sound that cannot be played is nobody's trouble; a display that is gone is told by its screen.
      play: nextion.hasAudio ? (sound) => void nextion.play(sounds[sound].resource).catch(() => undefined) : null,
    }
  },
  async pole(port, { codePage = 'cp865' }) {
    const display = await customerDisplay(port, codePage)
    // A display that only listens cannot say that it has started anew; all is said with every view.
    return { screen: poleScreen(display), onRestart: () => undefined, play: null }
  },
}
