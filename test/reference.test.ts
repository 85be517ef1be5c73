import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { EXIT_CODES, EXIT_LINES } from '../terminal/staff/desk.ts'
import type { Outline } from '../terminal/staff/outline.ts'
import { reference } from '../terminal/staff/reference.ts'
import { TOPICS } from '../terminal/staff/topics.ts'
import { KLUBKORT } from './local/command-line.ts'
import { ROOT } from './local/processes.ts'
import { commandLine, readme } from './local/readme.ts'
import { standInWorker } from './local/stand-in-worker.ts'
import { windowWith } from './window.ts'

const home = mkdtempSync(join(tmpdir(), 'klubkort-reference-'))

function klubkort(args: string[], env: Record<string, string> = {}) {
  const { NODE_COMPILE_CACHE = '' } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [KLUBKORT, ...args], {
    env: { HOME: home, NODE_COMPILE_CACHE, ...env },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const commands = commandLine()
const leaves = (node: Outline): Outline[] => (node.commands.length === 0 ? [node] : node.commands.flatMap(leaves))

test('the README tells of the commands as they are; npm run reference writes it anew', () => {
  expect(readme().reference).toBe(reference(commands))
})

describe('every command', () => {
  test.each(leaves(commands).map((leaf) => [leaf.path.join(' '), leaf] as const))(
    '%s explains itself',
    (name, leaf) => {
      const { description, options, examples, arguments: operands } = leaf
      expect(options.map(({ long }) => long)).toContain('--json')
      expect(description).toMatch(/^[a-z].*[^.]$/)
      for (const option of options) expect(option.description, option.long).not.toBe('')
      // What is typed is named by its description, or else by its own name.
      for (const operand of operands) expect(operand.description || operand.name).not.toMatch(/^$|^id$/)
      expect(examples.length).toBeGreaterThan(0)
      for (const example of examples) {
        expect(example).toContain(`klubkort ${name}`)
        for (const line of example.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(78)
      }
    },
  )

  test('ends its help with the exit codes, on lines that fit 80 columns', () => {
    for (const path of [[], ['case'], ['settings', 'set'], ['child', 'guardian', 'add']]) {
      const { status, stdout, stderr } = klubkort([...path, '--help'])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout.endsWith(`${EXIT_LINES}\n`)).toBe(true)
      expect(stdout.split('\n').filter((line) => stringWidth(line) > 80)).toEqual([])
      expect(klubkort(['help', ...path]).stdout).toBe(stdout)
    }
    expect(EXIT_LINES).toBe(`Exit codes: 0 done, 1 refused by the worker, 2 wrong usage or a faulty file,
            3 worker unreachable, 4 not logged in`)
  })
})

describe('help', () => {
  test.each(Object.entries(TOPICS))('tells about %s, on lines that fit 80 columns', (topic, text) => {
    expect(text.split('\n').filter((line) => stringWidth(line) > 80)).toEqual([])
    expect(klubkort(['help', topic])).toEqual({ status: 0, stdout: `${text}\n`, stderr: '' })
    expect(JSON.parse(klubkort(['help', topic, '--json']).stdout)).toEqual({ topic, text })
  })

  test('tells about a command by its other name too', () => {
    for (const [said, name] of [
      ['cards import', 'card import'],
      ['card orders export', 'order export'],
      ['cards orders', 'order'],
    ].map((pair) => pair.map((line) => line.split(' ')))) {
      expect(klubkort(['help', ...(said ?? [])])).toEqual(klubkort(['help', ...(name ?? [])]))
      expect(klubkort([...(said ?? []), '--help'])).toEqual(klubkort([...(name ?? []), '--help']))
    }
  })

  test('names only commands that there are', () => {
    const names = new Set(leaves(commands).flatMap(({ path }) => path.map((_, at) => path.slice(0, at + 1).join(' '))))
    const named = Object.values(TOPICS).flatMap((text) =>
      [...text.replaceAll('\n', ' ').matchAll(/klubkort ([a-z-]+) ([a-z-]+)/g)].map(
        ([, noun, verb]) => `${noun} ${verb}`,
      ),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => !names.has(name) && !names.has(name.split(' ')[0] ?? ''))).toEqual([])
  })

  test('lists the subjects to whoever asks for one that it does not know', () => {
    for (const words of [['mony'], ['case', 'lits'], ['money', 'cards']]) {
      expect(klubkort(['help', ...words])).toEqual({
        status: 2,
        stdout: '',
        stderr: `klubkort: nothing is called '${words.join(' ')}'; subjects are roster, money, cards, privacy, exit-codes, offline, and klubkort --help lists the commands (usage)\n`,
      })
    }
  })

  test('a command that is nearly right is suggested', () => {
    expect(klubkort(['chlid']).stderr).toBe("klubkort: unknown command 'chlid' (Did you mean child?) (usage)\n")
    expect(klubkort(['case', 'lst']).stderr).toBe("klubkort: unknown command 'lst' (Did you mean list?) (usage)\n")
  })
})

describe('what it ends with', () => {
  const NOWHERE = { KLUBKORT_URL: 'http://4000.localhost:1', KLUBKORT_TOKEN: 'kk_4000_test' }

  test.each([
    [2, 'usage', ['site', 'add'], NOWHERE],
    [2, 'usage', ['site', 'nonsense'], NOWHERE],
    [3, 'unreachable', ['site', 'list'], NOWHERE],
    [4, 'not_logged_in', ['site', 'list'], {}],
  ])('%i is %s', (code, error, args, env) => {
    expect(EXIT_CODES[code]).toBeDefined()
    expect(klubkort(args, env)).toMatchObject({
      status: code,
      stdout: '',
      stderr: expect.stringMatching(/^klubkort: .*\n$/),
    })
    const asJson = klubkort([...args, '--json'], env)
    expect(asJson).toMatchObject({ status: code, stdout: '', stderr: expect.stringMatching(/^[^\n]+\n$/) })
    expect(JSON.parse(asJson.stderr)).toEqual({ error: { code: error, message: expect.any(String) } })
  })

  test('0 is done, and 1 is refused', async () => {
    const { url } = await standInWorker({ 'GET /api/staff/sites': { body: { sites: [] } } })
    const env = { HOME: home, KLUBKORT_URL: url, KLUBKORT_TOKEN: 'kk_4000_test' }
    expect(await windowWith(['site', 'list'], env).ended).toEqual({ code: 0, screen: 'No sites yet.\n' })
    const refused = await windowWith(['child', 'show', '9', '--json'], env).ended
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.screen)).toEqual({ error: { code: 'not_found', message: 'no such thing here' } })
  })
})

test('all tables are made where they are made to fit the window', () => {
  const files = readdirSync(join(ROOT, 'terminal/staff')).filter((file) => file.endsWith('.ts'))
  const own = files.filter((file) => /cli-table3/.test(readFileSync(join(ROOT, 'terminal/staff', file), 'utf8')))
  expect(own).toEqual(['output.ts'])
})
