import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Longer than any pattern; a tool that hangs is ended. */
const TOOL_MS = 3_000

/** Milliseconds on, off, on … */
export type Pulses = readonly number[]

/**
 * A buzzer on a GPIO line, sounded through libgpiod's `gpioset`: version 1 holds one value for a time, version 2 toggles.
 *
 * `sound` returns at once. A pattern ends the one before it. What goes wrong (no tool, no such line, no right to it) is
 * told to `failed`, once until it works again, and is nobody else's trouble.
 */
export function buzzer(
  { chip, line }: { chip: string; line: number },
  failed: (trouble: string) => void,
  command = 'gpioset',
): { sound(pulses: Pulses): void; close(): void } {
  let version: Promise<1 | 2> | null = null
  let playing = new AbortController()
  let turn: Promise<void> = Promise.resolve()
  let said = ''

  async function versionOf(): Promise<1 | 2> {
    const { stdout } = await run(command, ['--version'], { timeout: TOOL_MS })
    return /v2\./.test(stdout) ? 2 : 1
  }

  async function play(pulses: Pulses, signal: AbortSignal): Promise<void> {
    version ??= versionOf()
    const options = { timeout: TOOL_MS, signal }
    if ((await version) === 2) {
      const periods = [...pulses.map((ms) => `${ms}ms`), '0'].join(',')
      await run(command, ['--chip', chip, '--toggle', periods, `${line}=1`], options)
      return
    }
    for (const [index, ms] of pulses.entries()) {
      const value = index % 2 === 0 ? 1 : 0
      await run(command, ['--mode=time', `--usec=${ms * 1_000}`, chip, `${line}=${value}`], options)
    }
    await run(command, ['--mode=exit', chip, `${line}=0`], options)
  }

  return {
    sound(pulses) {
      playing.abort()
      playing = new AbortController()
      const { signal } = playing
      turn = turn.then(async () => {
        if (signal.aborted) return
        try {
          await play(pulses, signal)
          said = ''
        } catch (error) {
          if (signal.aborted) return
          version = null
          const trouble = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
          if (trouble !== said) failed(trouble)
          said = trouble
        }
      })
    },
    close: () => playing.abort(),
  }
}
