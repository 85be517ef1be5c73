import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
  // Debian's npm fetches the one that is used; what it unpacks to is the same stub, which notes its calls as `npm`.
  npm: '',
  sha512sum: 'cat >>"$CALLS"',
  tar: 'mkdir -p .npm/bin && cp "$(command -v npm)" .npm/bin/npm-cli.js',
  sync: '',
  df: 'echo Head; echo "/dev/root 1 1 9999999 1% /"',
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

const settings = () => readFileSync(at('etc/klubkort/terminal.env'), 'utf8')

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
    expect(existsSync(at('opt/klubkort/.npm'))).toBe(false)
    const order = ['npm pack', 'npm ci', 'npm run install:pi', 'systemctl stop', 'sync', 'systemctl enable', 'doctor']
    const places = order.map((word) => calls.findIndex((call) => call.includes(word)))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(calls.at(-1)).toContain('doctor')
    expect(stdout).toMatch(/klubkort terminal add/)
  })

  test('lets a command of root work as the till, on the settings that the till itself runs on', () => {
    run()
    const command = at('usr/local/bin/klubkort-terminal')
    const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, CALLS: join(folder, 'calls'), UNSENT: '0' }
    spawnSync(command, ['enrol', '--code', 'a b'], { env })
    const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
    expect(calls.at(-1)).toBe(`runuser -u klubkort -- ${command} enrol --code a b`)
    const unit = readFileSync(at('etc/systemd/system/klubkort-terminal.service'), 'utf8')
    for (const program of [unit, readFileSync(command, 'utf8')]) {
      expect(program).toContain('/node --env-file-if-exists=/etc/klubkort/terminal.env ')
    }
  })

  test('says that a restart is needed when it switched something on, and starts nothing before it', () => {
    stub('raspi-config', 'case "$2" in get_*) echo 1;; esac')
    const { stdout, calls } = run()
    expect(stdout).toMatch(/sudo reboot/)
    expect(calls).toContain('raspi-config nonint do_spi 0')
    stub('raspi-config', PI['raspi-config'] ?? '')
    enrolled()
    const again = run()
    expect(again.stdout).toMatch(/sudo reboot/)
    expect([...calls, ...again.calls].some((call) => call.startsWith('systemctl restart'))).toBe(false)
    rmSync(at('run'), { recursive: true })
    expect(run().calls).toContain('systemctl restart klubkort-terminal')
  })

  test('names the pins of the display as each Pi calls them', () => {
    run()
    expect(settings()).toMatch(/^KLUBKORT_SERIAL=\/dev\/serial0$/m)
    expect(settings()).toMatch(/`apt-get install gpiod`/)
    rmSync(at('etc/klubkort/terminal.env'))
    mkdirSync(at('proc/device-tree'), { recursive: true })
    writeFileSync(at('proc/device-tree/model'), 'Raspberry Pi 5 Model B Rev 1.0\0')
    run()
    expect(settings()).toMatch(/^KLUBKORT_SERIAL=\/dev\/ttyAMA0$/m)
  })

  test('may be run again: settings stay, and an enrolled till is started anew', () => {
    run()
    writeFileSync(at('etc/klubkort/terminal.env'), 'KLUBKORT_BAUD=115200\n')
    enrolled()
    const { status, calls } = run()
    expect(status).toBe(0)
    expect(settings()).toBe('KLUBKORT_BAUD=115200\n')
    expect(calls.some((call) => call.startsWith('systemctl restart'))).toBe(true)
    expect(readlinkSync(at('opt/klubkort'))).toBe('klubkort.b')
    expect(existsSync(at('opt/klubkort.a/terminal/main.ts'))).toBe(true)
    expect(run().status).toBe(0)
    expect(readlinkSync(at('opt/klubkort'))).toBe('klubkort.a')
  })

  test('replaces nothing while messages are unsent', () => {
    run()
    enrolled()
    const { status, stderr, calls } = run({ UNSENT: '1' })
    expect(status).toBe(1)
    expect(stderr).toMatch(/nothing has been replaced/)
    expect(calls.some((call) => call.startsWith('npm') || call.startsWith('systemctl'))).toBe(false)
  })

  test.each([
    ['the new one cannot be built', 'npm', 'case "$1" in ci) exit 1;; esac'],
    ['what builds it is not what it should be', 'sha512sum', 'exit 1'],
    ['there is no room for another', 'df', 'echo Head; echo "/dev/root 1 1 1048575 1% /"'],
  ])('leaves the old program running where %s, and nothing beside it', (_, name, body) => {
    run()
    enrolled()
    stub(name, body)
    const { status, calls } = run()
    expect(status).not.toBe(0)
    expect(readlinkSync(at('opt/klubkort'))).toBe('klubkort.a')
    expect(existsSync(at('opt/klubkort.b'))).toBe(false)
    expect(calls.some((call) => call.startsWith('systemctl stop'))).toBe(false)
  })

  test('starts the old program again when a sale was made while the new one was built', () => {
    run()
    enrolled()
    stub('runuser', 'case "$*" in *may-update) [ ! -e "$CALLS.built" ];; esac')
    stub('npm', `case "$1" in run) : >"$CALLS.built";; esac`)
    const { status, stderr, calls } = run()
    expect(status).toBe(1)
    expect(stderr).toMatch(/nothing has been replaced/)
    expect(readlinkSync(at('opt/klubkort'))).toBe('klubkort.a')
    expect(calls.slice(-2).map((call) => call.split(' ')[1])).toEqual(['-u', 'start'])
  })

  test('replaces a program that does not start at all', () => {
    run()
    enrolled()
    expect(run({ UNSENT: '127' }).status).toBe(0)
    expect(readlinkSync(at('opt/klubkort'))).toBe('klubkort.b')
  })
})
