import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { buzzer } from '../terminal/devices/buzzer.ts'

const folder = mkdtempSync(join(tmpdir(), 'klubkort-buzzer-'))
afterAll(() => rmSync(folder, { recursive: true }))
const PIN = { chip: 'gpiochip0', line: 17 }

/** A `gpioset` that writes down how it was called. */
function tool(name: string, version: string, body = 'exit 0') {
  const [command, calls] = [join(folder, name), join(folder, `${name}.calls`)]
  writeFileSync(
    command,
    `#!/bin/sh\n[ "$1" = --version ] && { echo 'gpioset (libgpiod) ${version}'; exit 0; }\necho "$@" >>'${calls}'\n${body}\n`,
  )
  chmodSync(command, 0o755)
  return { command, calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []) }
}

test('a pattern is toggled by version 2, and ends silent', async () => {
  const { command, calls } = tool('two', 'v2.2.1')
  buzzer(PIN, () => undefined, command).sound([250, 120, 250])
  await expect.poll(calls, { timeout: 5_000 }).toEqual(['--chip gpiochip0 --toggle 250ms,120ms,250ms,0 17=1'])
})

test('a pattern is held part by part by version 1, and ends silent', async () => {
  const { command, calls } = tool('one', 'v1.6.3')
  buzzer(PIN, () => undefined, command).sound([50, 60])
  await expect
    .poll(calls, { timeout: 5_000 })
    .toEqual([
      ...['--mode=time --usec=50000 gpiochip0 17=1', '--mode=time --usec=60000 gpiochip0 17=0'],
      '--mode=exit gpiochip0 17=0',
    ])
})

test('a tool that is missing is said once, whatever is sounded', async () => {
  const troubles: string[] = []
  const { sound } = buzzer(PIN, (trouble) => troubles.push(trouble), join(folder, 'none'))
  for (let time = 0; time < 3; time++) {
    sound([10])
    await sleep(100)
  }
  expect(troubles).toEqual([expect.stringContaining('ENOENT')])
})

test('a line that is missing is said once, and again after it has worked', async () => {
  const flag = join(folder, 'broken')
  const { command, calls } = tool('line', 'v2.2.1', `[ -e '${flag}' ] && { echo 'cannot find line 17' >&2; exit 1; }`)
  const troubles: string[] = []
  const { sound } = buzzer(PIN, (trouble) => troubles.push(trouble), command)
  const after = async (count: number) => {
    sound([10])
    await expect.poll(() => calls().length, { timeout: 5_000 }).toBe(count)
    await sleep(80)
  }
  writeFileSync(flag, '')
  await after(1)
  await after(2)
  expect(troubles.length).toBe(1)
  rmSync(flag)
  // Without the flag the last command of the script is a test that fails; the tool itself then says 1 as well.
  writeFileSync(command, readFileSync(command, 'utf8').replace(/\n$/, '\nexit 0\n'))
  await after(3)
  expect(troubles.length).toBe(1)
  writeFileSync(flag, '')
  await after(4)
  expect(troubles.length).toBe(2)
})

test('a new sound ends the one before it, and nobody waits for either', async () => {
  const { command, calls } = tool('slow', 'v2.2.1', 'sleep 2')
  const troubles: string[] = []
  const { sound, close } = buzzer(PIN, (trouble) => troubles.push(trouble), command)
  sound([10])
  await expect.poll(() => calls().length, { timeout: 5_000 }).toBe(1)
  sound([20])
  await expect.poll(() => calls().length, { timeout: 1_500 }).toBe(2)
  close()
  await sleep(50)
  expect(troubles).toEqual([])
})
