import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './local/processes.ts'

/** The project's files with one of these endings, as path and text; what npm or a start made is left out. */
function files(folder: string, endings: RegExp): { path: string; text: string }[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(ROOT, path), text: readFileSync(path, 'utf8') }))
}

const product = ['shared', 'worker', 'terminal'].flatMap((folder) => files(folder, /\.tsx?$/))
const everything = [...product, ...files('test', /\.tsx?$/)]

/** What a file imports from the project, as paths from its root. */
function imports({ path, text }: { path: string; text: string }): string[] {
  return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, to]) => join(dirname(path), to ?? ''))
}

/** Where a pattern stands in some files, as 'path:line'. */
function places(pattern: RegExp, among: { path: string; text: string }[]): string[] {
  return among.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  )
}

describe('who may import whom', () => {
  const crossings = (from: string, to: RegExp) =>
    product
      .filter(({ path }) => path.startsWith(from))
      .flatMap((file) => imports(file).flatMap((target) => (to.test(target) ? [`${file.path} → ${target}`] : [])))

  test('shared imports nothing of ours', () => expect(crossings('shared/', /^(?!shared\/)/)).toEqual([]))
  test('worker does not know the terminal, nor tests', () =>
    expect(crossings('worker/', /^(terminal|test)\//)).toEqual([]))
  test('terminal does not know the worker, nor tests', () =>
    expect(crossings('terminal/', /^(worker|test)\//)).toEqual([]))
  test('devices import nothing above themselves', () =>
    expect(crossings('terminal/devices/', /^(?!terminal\/devices\/|shared\/)/)).toEqual([]))
  test('nobody but main imports routes', () =>
    expect(
      crossings('worker/', /^worker\/routes\//).filter((place) => !/^worker\/(main|routes\/)/.test(place)),
    ).toEqual([]))
  test('nobody but main and routes imports pages', () =>
    expect(
      crossings('worker/', /^worker\/portal\//).filter((place) => !/^worker\/(main|portal\/|routes\/)/.test(place)),
    ).toEqual([]))
  test('the command line never sees a database', () =>
    expect(crossings('terminal/staff/', /journal|worker\//)).toEqual([]))
  test('shared uses no Node', () =>
    expect(
      places(
        /from 'node:|\bBuffer\b|\bprocess\./,
        product.filter(({ path }) => path.startsWith('shared/')),
      ),
    ).toEqual([]))
})

describe('hazards', () => {
  const hazard = (name: string, pattern: RegExp, among = product) =>
    test(name, () => expect(places(pattern, among)).toEqual([]))

  hazard(
    'the clock is read in main only',
    /Date\.now\(|performance\.now\(/,
    product.filter(({ path }) => !path.endsWith('main.ts')),
  )
  hazard('no amount passes through a float', /parseFloat\(|toFixed\(/)
  hazard('no conflict policy overrides a check', /INSERT OR |REPLACE INTO|OR REPLACE/i, [
    ...product,
    ...files('migrations', /\.sql$/),
  ])
  hazard('no cascade deletes', /ON (DELETE|UPDATE) CASCADE/i, [...product, ...files('migrations', /\.sql$/)])
  hazard(
    'no test is skipped or alone',
    /\b(test|it|describe)\.(skip|only|todo)\(/,
    everything.filter(({ path }) => path !== 'test/style.test.ts'),
  )
  hazard(
    'no coverage is faked',
    /(v8|c8|istanbul) ignore/,
    everything.filter(({ path }) => path !== 'test/style.test.ts'),
  )
  hazard('only the ledger writes messages, transfers and postings', /INSERT INTO (message|transfer|posting)\b/, [
    ...product.filter(({ path }) => path.startsWith('worker/') && !path.startsWith('worker/ledger/')),
  ])
  hazard('only the adapter knows Stripe', /from 'stripe'/, [
    ...product.filter(({ path }) => !path.startsWith('worker/payments/stripe/')),
  ])
  hazard('no barrel', /^export \* from/)
})

test('every table is STRICT', () => {
  for (const { path, text } of files('migrations', /\.sql$/)) {
    const tables = text.match(/CREATE TABLE[\s\S]*?\n\)[^;]*;/g) ?? []
    for (const table of tables) expect(table, path).toMatch(/\) STRICT(, WITHOUT ROWID)?;$/)
  }
})

test('the lockfile names no registry', () => {
  const addresses = readFileSync(join(ROOT, 'package-lock.json'), 'utf8').match(/"resolved": "(?!terminal\/)[^"]*"/g)
  expect(addresses).toBeNull()
})

test('every word of a page stands in the catalogue', () => {
  const pages = product.filter(({ path }) => /^worker\/(portal\/[^/]*|routes\/.*)\.tsx$/.test(path))
  const said = pages.flatMap(({ path, text }) => {
    const markup = text.slice(text.indexOf('<')).replaceAll(/\{[^{}]*\}/g, '') // Words inside braces come from somewhere.
    const written = [...markup.matchAll(/<[a-zA-Z][^<>]*>([^<>{}();=]*\p{L}{2}[^<>{}();=]*)<\//gu)].map(
      ([, words]) => words,
    )
    const attributes = [...text.matchAll(/\b(?:alt|title|label|placeholder|aria-label)="([^"]*\p{L}{2}[^"]*)"/gu)].map(
      ([, words]) => words,
    )
    return [...written, ...attributes].map((words) => `${path}: ${words?.trim()}`)
  })
  expect(pages.length).toBeGreaterThan(8)
  expect(said).toEqual([])
})
