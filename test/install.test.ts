import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { scratch } from './counter.ts'
import { ROOT } from './local/processes.ts'

const SCRIPT = join(ROOT, 'terminal/install.sh')

let folder: string
beforeEach(() => {
  folder = scratch()
  mkdirSync(join(folder, 'bin'))
  for (const [name, body] of Object.entries(PI)) stub(name, body)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A program of the Pi that only notes how it was called, and then does what `body` says. */
function stub(name: string, body: string) {
  const path = join(folder, 'bin', name)
  writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>"$CALLS"\n${body}\n`)
  chmodSync(path, 0o755)
}

/** A 64-bit Raspberry Pi OS with everything switched on, as far as the script asks. */
const PI: Record<string, string> = {
  id: 'echo 0',
  uname: 'echo aarch64',
  dpkg: 'echo arm64',
  'raspi-config': 'case "$2" in get_serial_cons) echo 1;; get_*) echo 0;; esac',
  getent: 'exit 0',
  usermod: '',
  useradd: '',
  'apt-get': 'exit 99',
  npm: '',
  python3: '',
  make: '',
  'g++': '',
  systemctl: '',
  // The till's own programs answer here; another user is nobody that a test can become.
  runuser: 'case "$*" in *may-update) exit $UNSENT;; *doctor) echo "bad  reader"; exit 1;; esac',
  install: `for word in "$@"; do shift; case "$word" in -o|-g|klubkort) ;; *) set -- "$@" "$word";; esac; done
exec /usr/bin/install "$@"`,
}

function run(environment: Record<string, string> = {}) {
  const calls = join(folder, 'calls')
  writeFileSync(calls, '')
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
    DESTDIR: join(folder, 'root'),
    CALLS: calls,
    UNSENT: '0',
    ...environment,
  }
  const { status, stdout, stderr } = spawnSync('sh', [SCRIPT], { env, encoding: 'utf8', timeout: 60_000 })
  return { status, stdout, stderr, calls: readFileSync(calls, 'utf8').trim().split('\n') }
}

const at = (path: string) => join(folder, 'root', path)

/** A Pi that has been enrolled, as the script finds it at an update. */
function enrolled() {
  writeFileSync(at('var/lib/klubkort/terminal.json'), '{}')
}

describe('the install script', () => {
  test('is sh, to the letter', () => {
    execFileSync('sh', ['-n', SCRIPT])
    expect(readFileSync(SCRIPT, 'utf8')).toMatch(/^set -eu$/m)
    expect(readFileSync(SCRIPT, 'utf8')).not.toMatch(/https?:\/\/(?!…)/)
  })

  test.each([
    ['who is not root', 'id', 'echo 1000', /as root/],
    ['a 32-bit kernel', 'uname', 'echo armv7l', /64-bit/],
    ['a 32-bit system on a 64-bit kernel', 'dpkg', 'echo armhf', /64-bit/],
  ])('refuses %s, and touches nothing', (_, name, body, says) => {
    stub(name, body)
    const { status, stderr } = run()
    expect(status).toBe(1)
    expect(stderr).toMatch(says)
    expect(existsSync(at(''))).toBe(false)
  })

  test('puts everything in its place, and ends with doctor', () => {
    const { status, stdout, stderr, calls } = run()
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(existsSync(at('opt/klubkort/terminal/main.ts'))).toBe(true)
    expect(readFileSync(at('etc/systemd/system/klubkort-terminal.service'), 'utf8')).toContain('WatchdogSec=')
    expect(statSync(at('var/lib/klubkort')).mode & 0o777).toBe(0o700)
    expect(statSync(at('usr/local/bin/klubkort-terminal')).mode & 0o111).toBe(0o111)
    const order = ['npm ci', 'npm run install:pi', 'systemctl stop', 'systemctl enable', 'doctor']
    const places = order.map((word) => calls.findIndex((call) => call.includes(word)))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(calls.at(-1)).toContain('doctor')
    expect(stdout).toMatch(/klubkort terminal add/)
  })

  test('says that a restart is needed when it switched something on, and starts nothing then', () => {
    stub('raspi-config', 'case "$2" in get_*) echo 1;; esac')
    const { stdout, calls } = run()
    expect(stdout).toMatch(/sudo reboot/)
    expect(calls).toContain('raspi-config nonint do_spi 0')
    expect(calls.some((call) => call.startsWith('systemctl restart'))).toBe(false)
  })

  test('may be run again: settings stay, and an enrolled till is started anew', () => {
    run()
    writeFileSync(at('etc/klubkort/terminal.env'), 'KLUBKORT_BAUD=115200\n')
    enrolled()
    const { status, calls } = run()
    expect(status).toBe(0)
    expect(readFileSync(at('etc/klubkort/terminal.env'), 'utf8')).toBe('KLUBKORT_BAUD=115200\n')
    expect(calls.some((call) => call.startsWith('systemctl restart'))).toBe(true)
    expect(existsSync(at('opt/klubkort.old/terminal/main.ts'))).toBe(true)
  })

  test('replaces nothing while messages are unsent', () => {
    run()
    enrolled()
    const { status, stderr, calls } = run({ UNSENT: '1' })
    expect(status).toBe(1)
    expect(stderr).toMatch(/nothing has been replaced/)
    expect(calls.some((call) => call.startsWith('npm') || call.startsWith('systemctl'))).toBe(false)
  })

  test('leaves the old program running where the new one cannot be built', () => {
    run()
    enrolled()
    const before = statSync(at('opt/klubkort')).ino
    stub('npm', 'exit 1')
    const { status, calls } = run()
    expect(status).not.toBe(0)
    expect(statSync(at('opt/klubkort')).ino).toBe(before)
    expect(calls.some((call) => call.startsWith('systemctl stop'))).toBe(false)
  })
})
