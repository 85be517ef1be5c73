import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Outline } from '../terminal/staff/outline.ts'
import { KLUBKORT } from './local/command-line.ts'
import { commandLine } from './local/readme.ts'
import { windowOf } from './window.ts'

const script = (shell: string) => execFileSync(process.execPath, [KLUBKORT, 'completion', shell], { encoding: 'utf8' })

let folder = ''
let file = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-completion-'))
  file = join(folder, 'klubkort.bash')
  await writeFile(file, script('bash'))
  await writeFile(join(folder, 'report.xml'), '')
  await writeFile(join(folder, 'reply of the bank.xml'), '')
})
afterAll(() => rm(folder, { recursive: true }))

/** What bash would offer for each of some lines of words, the last of which is being typed. */
function offered(lines: string[][]): string[][] {
  const asked = lines.map(
    (words) => `COMP_WORDS=(klubkort ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
COMPREPLY=(); _klubkort 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"; echo ---`,
  )
  const ran = spawnSync('bash', ['--norc', '-c', [`source '${file}'`, ...asked].join('\n')], {
    ...{ cwd: folder, encoding: 'utf8', timeout: 30_000 },
  })
  expect(ran.stderr).toBe('')
  const answers = ran.stdout.split('---\n').slice(0, -1)
  return answers.map((answer) => answer.split('\n').filter((line) => line !== ''))
}

const under = (node: Outline): Outline[] => [node, ...node.commands.flatMap(under)]

describe('bash', () => {
  test('offers commands, and those below them', () => {
    expect(offered([['ca'], ['payout', 're'], ['child', 'guardian', ''], ['payuot', '']])).toEqual([
      ['card', 'case'],
      ['reject', 'release'],
      ['add', 'end'],
      expect.arrayContaining(['payout', 'help']),
    ])
  })

  test('offers every command and every option there is', () => {
    const nodes = under(commandLine()).filter(({ path }) => path.join() !== 'help')
    expect(nodes.length).toBeGreaterThan(60)
    const answers = offered(
      nodes.flatMap(({ path }) => [
        [...path, ''],
        [...path, '--'],
      ]),
    )
    nodes.forEach(({ path, commands, options }, at) => {
      const [words, dashed] = answers.slice(2 * at, 2 * at + 2)
      expect(words, path.join(' ')).toEqual(expect.arrayContaining(commands.map((below) => below.path.at(-1))))
      expect(dashed, path.join(' ')).toEqual([...options.map(({ long }) => long), '--help'])
    })
  })

  test('offers the values of an option, written either way, and nothing where any text is good', () => {
    const lines = [
      ['case', 'list', '--state', ''],
      ['case', 'list', '--state', '=', 'c'],
      ['case', 'list', '--offset', '10', '--state', 'o'],
      ['child', 'add', '--daily-limit', ''],
      ['settings', 'set', '--display-language', ''],
    ]
    expect(offered(lines)).toEqual([['open', 'closed', 'all'], ['closed'], ['open'], [], ['da', 'en']])
  })

  test('offers the values of an operand at its place', () => {
    expect(
      offered([
        ['product', 'category', '4', 'f'],
        ['product', 'category', '--json', '4', 'd'],
        ['completion', ''],
      ]),
    ).toEqual([['food'], ['drink'], ['bash', 'zsh', 'fish']])
  })

  test('goes on after another name of a command, which it does not offer itself', () => {
    expect(
      offered([
        ['cards', 'imp'],
        ['card', 'orders', 'ex'],
        ['cards', 'orders', 'ex'],
        ['card', 'orders', 'list', '--state', 'en'],
        ['card', 'or'],
      ]),
    ).toEqual([['import'], ['export'], ['export'], ['ended'], []])
  })

  test('offers files where a file is meant, and where its id is meant none', () => {
    expect(
      offered([
        ['payout', 'import-status', 're'],
        ['publication', 'publish', '--file', 'rep'],
        ['payout', 'export', '--file', 're'],
        ['payout', 'release', 're'],
      ]).map((files) => files.toSorted()),
    ).toEqual([['reply of the bank.xml', 'report.xml'], ['reply of the bank.xml', 'report.xml'], [], []])
  })

  test('offers commands and subjects behind help', () => {
    expect(
      offered([
        ['help', 'mo'],
        ['help', 'pr'],
        ['help', 'case', ''],
      ]),
    ).toEqual([['money'], ['product', 'privacy'], expect.arrayContaining(['list', 'show', 'answer', 'close'])])
  })

  test('completes at the Tab key of somebody who types', async () => {
    const window = windowOf('bash', ['--norc', '--noprofile', '-i'], { HOME: folder, PS1: '> ', TERM: 'dumb' })
    await window.shows('> ')
    window.type(`cd '${folder}'; source klubkort.bash; PS1='$ '\r`)
    await window.shows('\n$ ')
    window.type('klubkort pay\timp\trepl\t')
    const screen = await window.shows('.xml ')
    expect(screen.split('\n').at(-1)).toBe('$ klubkort payout import-status reply\\ of\\ the\\ bank.xml ')
    window.type('\u0015exit\r') // Ctrl-U takes the line away.
    await window.ended
  })
})

describe.each(['zsh', 'fish'])('%s', (shell) => {
  test('is told of every command, and its own parser takes the script where it is installed', async () => {
    const text = script(shell)
    for (const { path, description } of under(commandLine()).slice(1)) {
      expect(text, path.join(' ')).toContain(` ${path.join(' ')}`)
      expect(text.replaceAll(/'\\''|\\'/g, "'"), path.join(' ')).toContain(description)
    }
    const installed = spawnSync(shell, ['--version']).status === 0
    if (installed)
      expect(spawnSync(shell, ['-n'], { input: text, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })
})
