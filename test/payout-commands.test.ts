import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { BankFileContent, ImportStatusAnswer, StaffPayout } from '../shared/office/payouts.ts'
import { commandLine, NOWHERE } from './local/command-line.ts'
import { refusal, standInWorker } from './local/stand-in-worker.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-payouts-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Somebody at the payouts of the worker at `url`. */
const klubkort = (args: readonly string[], url = NOWHERE, input = '') =>
  commandLine({ folder, url, input })('payout', ...args)

const ID = '0198c0de-0000-7000-8000-000000000001'
const OTHER = '0198c0de-0000-7000-8000-000000000002'
const payout: z.infer<typeof StaffPayout> = {
  id: ID,
  child: { id: 3, name: 'Freja Prøvebarn' },
  account: 7,
  name: 'Asta \u001b[31mPrøveforælder',
  bankAccountEnds: '4567',
  message: '',
  amount: 123_450,
  bankAmount: 100_000,
  state: 'requested',
  requestedAt: Date.UTC(2026, 10, 20, 11, 0),
  approvedBy: null,
  approvedAt: null,
  file: null,
  reason: null,
  settledAt: null,
}
const file: z.infer<typeof BankFileContent> = {
  id: OTHER,
  version: '09',
  executionDay: '2026-11-23',
  count: 2,
  sum: 250_050,
  staff: 'Carl',
  createdAt: Date.UTC(2026, 10, 20, 11, 0),
  xml: '<?xml version="1.0" encoding="UTF-8"?>\n<Document>øre</Document>\n',
}
const LIST = 'GET /api/staff/payouts?state=open&offset=0'
const EXPORT = 'POST /api/staff/payouts/export'
const IMPORT = 'POST /api/staff/payouts/import-status'

describe('payouts', () => {
  test('are listed in a table of 80 columns that nothing in them can steer, and as JSON', async () => {
    const { url } = await standInWorker({ [LIST]: { body: { payouts: [payout], more: true } } })
    const { code, out } = await klubkort(['list'], url)
    expect(code).toBe(0)
    expect(out).toContain(ID)
    expect(out).toContain('1.000,00')
    expect(out.replaceAll(/\s+/g, ' ')).toContain('··4567')
    expect(out).toContain('klubkort payout list --state open --offset 1')
    expect(out).not.toContain('\u001b')
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(JSON.parse((await klubkort(['list', '--json'], url)).out)).toEqual({ payouts: [payout], more: true })
    const none = await standInWorker({
      'GET /api/staff/payouts?state=paid&offset=0': { body: { payouts: [], more: false } },
    })
    expect((await klubkort(['list', '--state', 'paid'], none.url)).out).toBe('No such payouts.\n')
  })

  test('are approved, and rejected with a reason', async () => {
    const refused = refusal('payout_too_late', 'it has ended')
    const { url, heard } = await standInWorker({
      [`POST /api/staff/payouts/${ID}/approve`]: [
        { body: { ...payout, state: 'approved', approvedBy: 'Birthe' } },
        refused,
      ],
      [`POST /api/staff/payouts/${ID}/reject`]: {
        body: { ...payout, state: 'rejected', reason: 'Forkert navn', untold: 1 },
      },
    })
    const approved = await klubkort(['approve', ID.toUpperCase()], url)
    expect(approved).toMatchObject({ code: 0, out: expect.stringContaining('Somebody else can export it now.') })
    expect(await klubkort(['approve', ID], url)).toMatchObject({
      code: 1,
      err: expect.stringContaining('payout_too_late'),
    })
    const rejected = await klubkort(['reject', ID, '--reason', 'Forkert navn'], url)
    expect(rejected.out).toContain('1.000,00 kr is back on account 7.')
    expect(rejected.out).toContain('1 guardian could not be told, as no mail address of theirs is known')
    expect(heard.at(-1)?.body).toEqual({ reason: 'Forkert navn' })
    const asked = heard.length
    for (const wrong of [
      ['approve', '7'],
      ['reject', ID],
      ['reject', ID, '--reason', 'x'],
      ['list', '--state', 'draft'],
    ]) {
      expect([wrong, (await klubkort(wrong, url)).code]).toEqual([wrong, 2])
    }
    expect(heard.length).toBe(asked)
  })
})

describe('an export', () => {
  test('writes the file for its owner alone, says what is in it, and never overwrites', async () => {
    const { url, heard } = await standInWorker({
      [EXPORT]: { body: file },
      [`GET /api/staff/payouts/files/${OTHER}`]: { body: file },
    })
    const made = await klubkort(['export', '--out', 'a.xml', '--version', '03', '--day', '2026-11-24'], url)
    expect(made).toEqual({
      code: 0,
      err: '',
      out: `2 payouts, 2.500,50 kr in all, to be paid on 2026-11-23.\nFile ${OTHER} (pain.001.001.09) is in a.xml.\n`,
    })
    expect(heard[0]?.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      version: '03',
      executionDay: '2026-11-24',
    })
    expect(await readFile(join(folder, 'a.xml'), 'utf8')).toBe(file.xml)
    expect((await stat(join(folder, 'a.xml'))).mode & 0o777).toBe(0o600)

    const asked = heard.length
    const again = await klubkort(['export', '--out', 'a.xml'], url)
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('is not overwritten') })
    expect(heard.length).toBe(asked) // A new file was not even asked for.

    expect((await klubkort(['export', '--file', OTHER, '--out', 'a.xml', '--json'], url)).code).toBe(0) // The same bytes.
    await writeFile(join(folder, 'b.xml'), 'mine')
    const other = await klubkort(['export', '--file', OTHER, '--out', 'b.xml'], url)
    expect(other).toMatchObject({
      code: 2,
      err: expect.stringContaining(`klubkort payout export --file ${OTHER} --out`),
    })
    expect(await readFile(join(folder, 'b.xml'), 'utf8')).toBe('mine')
    const both = await klubkort(['export', '--file', OTHER, '--version', '03', '--out', 'c.xml'], url)
    expect(both.code).toBe(2)
  })

  test('that got no answer can be repeated under its id', async () => {
    const lost = await klubkort(['export', '--out', 'd e.xml', '--version', '03'])
    expect(lost.code).toBe(3)
    const again = /klubkort payout export --id (\S+) --version 03 --out 'd e.xml'/.exec(lost.err)
    const { url, heard } = await standInWorker({ [EXPORT]: { body: file } })
    expect(
      (await klubkort(['export', '--id', again?.[1] ?? '', '--version', '03', '--out', 'd e.xml'], url)).code,
    ).toBe(0)
    expect(heard[0]?.body).toEqual({ id: again?.[1], version: '03' })
  })

  test('of nothing says so, and writes no file', async () => {
    const message = 'no approved payout awaits its export; 2 that you approved must be exported by somebody else'
    const { url } = await standInWorker({
      [EXPORT]: refusal('nothing_to_export', message),
    })
    expect(await klubkort(['export', '--out', 'e.xml'], url)).toMatchObject({
      code: 1,
      err: expect.stringContaining(message),
    })
    expect(await stat(join(folder, 'e.xml')).catch(() => null)).toBeNull()
    const files = await standInWorker({ 'GET /api/staff/payouts/files': { body: { files: [file] } } })
    expect((await klubkort(['files'], files.url)).out).toContain('2.500,50')
  })
})

describe('the release of a file', () => {
  test('goes on until all of it is released, in the same words, and tells to stop the bank', async () => {
    const path = `POST /api/staff/payouts/files/${OTHER}/release`
    const answers = [
      { released: [ID], untold: 1, more: true },
      { released: [OTHER], untold: 0, more: false },
    ]
    const { url, heard } = await standInWorker({ [path]: answers.map((body) => ({ body: { file: OTHER, ...body } })) })
    const { code, out } = await klubkort(['release', OTHER, '--reason', 'Banken tog ikke imod filen'], url)
    const body = { reason: 'Banken tog ikke imod filen' }
    expect([code, heard]).toEqual([
      0,
      [expect.objectContaining({ call: path, body }), expect.objectContaining({ call: path, body })],
    ])
    expect(out).toContain(`File ${OTHER}: 2 payouts are back on the accounts.`)
    expect(out).toContain('1 guardian could not be told')
  })

  test('asks for words for the parents, and is told when the file is the own one', async () => {
    expect((await klubkort(['release', OTHER])).code).not.toBe(0)
    const path = `POST /api/staff/payouts/files/${OTHER}/release`
    const { url } = await standInWorker({ [path]: refusal('bank_file_own', 'somebody else has to release it') })
    const { code, err } = await klubkort(['release', OTHER, '--reason', 'Banken svarede nej'], url)
    expect(code).not.toBe(0)
    expect(err).toContain('somebody else has to release it')
  })
})

describe("the bank's report", () => {
  const answer: z.infer<typeof ImportStatusAnswer> = {
    file: OTHER,
    paid: [ID],
    returned: [],
    unchanged: 2,
    untold: 0,
    unknown: [],
    contradicted: [],
    withheld: [],
    more: true,
  }

  test('is sent until all of it is taken in, and what came back is told', async () => {
    const rest = {
      ...answer,
      withheld: [ID],
      paid: [],
      untold: 2,
      returned: [{ payout: OTHER, reason: 'AC04: The account is closed' }],
      more: false,
    }
    const { url, heard } = await standInWorker({
      [IMPORT]: [{ body: answer }, { body: { ...rest, unknown: ['X\u0007'] } }],
    })
    const { code, out } = await klubkort(['import-status', '-'], url, '<Document/>')
    expect([code, heard.map(({ body }) => body)]).toEqual([0, [{ report: '<Document/>' }, { report: '<Document/>' }]])
    expect(out).toContain(`File ${OTHER}: 1 paid, 1 sent back, 1 as before.`)
    expect(out).toContain(`${OTHER} is back on its account (AC04: The account is closed).`)
    expect(out).toContain('2 guardians could not be told')
    expect(out).toContain('X is in the report, but not in this file')
    expect(out).toContain(`${ID} was called paid by a report that you took in`)
  })

  test('that cannot be read, or taken, is an error', async () => {
    expect(await klubkort(['import-status', 'nowhere.xml'])).toMatchObject({ code: 2 })
    const { url } = await standInWorker({ [IMPORT]: refusal('malformed', 'report: it is no status report', 400) })
    expect(await klubkort(['import-status', '-', '--json'], url, 'x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no status report'),
    })
  })
})
