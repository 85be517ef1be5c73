import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { commandLine, type Ended } from './local/command-line.ts'
import { type TwoClubs, twoClubs, type Visitor } from './local/two-clubs.ts'

let clubs: TwoClubs
beforeAll(async () => {
  clubs = await twoClubs(inject('prepared'))
})
afterAll(() => clubs?.stop())

/** Runs the real command line in a process of its own, against the local worker, with somebody's token. */
function klubkort(who: Visitor | { token: string }, ...args: string[]): Promise<Ended> {
  const token = typeof who === 'string' ? clubs.tokens[who] : who.token
  return commandLine({ folder: clubs.folder, url: clubs.url, token })(...args)
}

/** What changes from run to run, as what it is: tokens, the worker's port, instants, days and times of day. */
const settled = (text: string) =>
  text
    .replaceAll(/kk_[\w-]{43}/g, '<token>')
    .replaceAll(/:\d{4,5}\b/g, ':<port>')
    .replaceAll(/\d\d\.\d\d\.\d{4} \d\d\.\d\d/g, '<day and time>')
    .replaceAll(/\d\d\.\d\d\.\d{4}/g, '<day>')
    .replaceAll(/\d{4}-\d\d-\d\d/g, '<day>')
    .replaceAll(/\b\d\d\.\d\d\b/g, '<time>')

const shown = async (who: Visitor | { token: string }, ...args: string[]) => {
  const { code, out, err } = await klubkort(who, ...args)
  return `${settled(out)}${settled(err)}exit ${code}`
}

describe('who works here', () => {
  test('is told a token once, and sees and does what is of their own site', async () => {
    const added = await klubkort(
      'admin',
      ...['staff', 'add', '--name', 'Klara Prøveklub', '--role', 'club', '--site', '1', '2', '--expires', '90'],
    )
    expect(settled(added.out)).toMatchInlineSnapshot(`
      "Staff 6 added: Klara Prøveklub, club at Klub Nord, Klub Syd.
      Their token, shown this once and good until <day and time>:

        <token>

      They log in with: klubkort login --url http://4000.localhost:<port> --token -
      "
    `)
    const klara = { token: /kk_[\w-]{43}/.exec(added.out)?.[0] ?? '' }
    expect(await shown(klara, 'whoami')).toMatchInlineSnapshot(`
      "Klara Prøveklub, club at Klub Nord, Klub Syd, in Prøve Kommune (4000) at http://4000.localhost:<port>
      The token is good until <day and time>.
      exit 0"
    `)
    expect(await shown(klara, 'child', 'list')).toMatchInlineSnapshot(`
      "ID  NAME           ACCOUNT  BALANCE  DAILY LIMIT  CARDS
       1  Nora Nordbarn        9     0,00         none      1
       2  Sofus Sydbarn       10     0,00         none      0
      exit 0"
    `)
    expect(await shown('admin', 'staff', 'sites', '6', '--site', '2')).toMatchInlineSnapshot(`
      "Staff 6, Klara Prøveklub, works at Klub Syd.
      exit 0"
    `)
    expect(await shown(klara, 'child', 'list')).toMatchInlineSnapshot(`
      "ID  NAME           ACCOUNT  BALANCE  DAILY LIMIT  CARDS
       2  Sofus Sydbarn       10     0,00         none      0
      exit 0"
    `)
    expect(await shown(klara, 'child', 'show', '1')).toMatchInlineSnapshot(`
      "klubkort: no such child (child_unknown)
      exit 1"
    `)
    expect(await shown(klara, 'child', 'add', 'Ny Prøvebarn')).toMatchInlineSnapshot(`
      "Child 3 added: Ny Prøvebarn, account 11; its first card is ordered, to Klub Syd
      exit 0"
    `)
    expect(await shown(klara, 'child', 'add', 'Ny Prøvebarn', '--club', '1')).toMatchInlineSnapshot(`
      "klubkort: no such site (site_unknown)
      exit 1"
    `)
    expect(await shown(klara, 'account', 'show', '3')).toMatchInlineSnapshot(`
      "klubkort: a club token may not do this (role_forbidden)
      exit 1"
    `)
    expect(await shown(klara, 'report', 'day', '--site', '1')).toMatchInlineSnapshot(`
      "klubkort: no such site (site_unknown)
      exit 1"
    `)
    expect(await shown('admin', 'staff', 'revoke', '6')).toMatchInlineSnapshot(`
      "The token of staff 6, Klara Prøveklub, is revoked.
      exit 0"
    `)
    expect(await shown(klara, 'whoami')).toMatchInlineSnapshot(`
      "klubkort: no staff token, or one that is unknown, expired or revoked (token_invalid)
      exit 1"
    `)
    expect(await shown('admin', 'staff', 'list')).toMatchInlineSnapshot(`
      "ID  NAME                         ROLE     TOKEN    UNTIL       LAST USED
       1  Demo                         admin    good     <day>  <day and time>
       2  Gitte Prøvegået              admin    revoked  <day>  never
       3  Nina Prøvenord at Klub Nord  club     good     <day>  never
       4  Sven Prøvesyd at Klub Syd    club     good     <day>  never
       5  Finn Prøvefinans             finance  good     <day>  never
       6  Klara Prøveklub at Klub Syd  club     revoked  <day>  <day and time>
      exit 0"
    `)
    const listed = await klubkort('admin', 'staff', 'list', '--json')
    expect(listed.out).not.toContain('kk_')
  })

  test('hears two weeks before that their token runs out, and programs do not', async () => {
    const short = await klubkort('admin', 'staff', 'add', '--name', 'Kim', '--role', 'finance', '--expires', '13')
    const long = await klubkort('admin', 'staff', 'add', '--name', 'Bim', '--role', 'finance', '--expires', '15')
    const [kim, bim] = [short, long].map(({ out }) => ({ token: /kk_[\w-]{43}/.exec(out)?.[0] ?? '' }))
    if (!kim || !bim) throw new Error('no tokens')
    expect(await shown(kim, 'site', 'list')).toMatchInlineSnapshot(`
      "ID  NAME
       1  Klub Nord
       2  Klub Syd
      klubkort: your token runs out <day and time>; an admin adds you anew, and then revokes this one
      exit 0"
    `)
    expect(await klubkort(kim, 'site', 'list', '--json')).toMatchObject({ code: 0, err: '' })
    expect(await klubkort(bim, 'site', 'list')).toMatchObject({ code: 0, err: '' })
    expect(await shown(kim, 'site', 'add', 'Klub Vest')).toMatchInlineSnapshot(`
      "klubkort: your token runs out <day and time>; an admin adds you anew, and then revokes this one
      klubkort: a finance token may not do this (role_forbidden)
      exit 1"
    `)
  })

  test('is put at sites that are there, and only where they are of a club', async () => {
    expect(await shown('admin', 'staff', 'sites', '3', '--site', '99')).toMatchInlineSnapshot(`
      "klubkort: no such site (site_unknown)
      exit 1"
    `)
    expect(await shown('admin', 'staff', 'sites', '1', '--site', '1')).toMatchInlineSnapshot(`
      "klubkort: only a club's staff have sites (role_unfit)
      exit 1"
    `)
    expect(await shown('admin', 'staff', 'revoke', '1')).toMatchInlineSnapshot(`
      "klubkort: nobody else could do what only admins may (last_admin)
      exit 1"
    `)
  })
})

describe('who did what', () => {
  test('is listed by what it was done to, and who looked at a child by day', async () => {
    await klubkort('admin', 'card', 'block', '1')
    await klubkort('club', 'child', 'show', '1')
    expect(await shown('admin', 'audit', 'list', '--subject', 'card:1')).toMatchInlineSnapshot(`
      "WHEN              WHAT
      <day and time>  card blocked
        card 1, by Demo (staff 1)
      <day and time>  card added
        card 1, by Demo (staff 1)
      exit 0"
    `)
    expect(await shown('admin', 'audit', 'list', '--action', 'staff_moved')).toMatchInlineSnapshot(`
      "WHEN              WHAT
      <day and time>  staff moved
        staff 6 (Klara Prøveklub), by Demo (staff 1)
        sites: 2
      exit 0"
    `)
    expect(await shown('admin', 'audit', 'list', '--subject', 'card:99')).toMatchInlineSnapshot(`
      "Nothing of that kind has been done.
      exit 0"
    `)
    expect(await shown('admin', 'access', 'list', '--child', '2')).toMatchInlineSnapshot(`
      "Who looked at child 2, Sofus Sydbarn:

      DAY         WHO                        FIRST  LAST
      <day>  Demo (staff 1)             <time>  <time>
      <day>  Klara Prøveklub (staff 6)  <time>  <time>
      exit 0"
    `)
    const seen = JSON.parse((await klubkort('admin', 'access', 'list', '--child', '1', '--json')).out)
    expect(seen.viewings.map(({ who }: { who: { name: string } }) => who.name)).toContain('Nina Prøvenord')
    expect(await shown('admin', 'audit', 'list', '--action', 'access listed')).toMatchInlineSnapshot(`
      "WHEN              WHAT
      <day and time>  access listed
        child 1, by Demo (staff 1)
      <day and time>  access listed
        child 2, by Demo (staff 1)
      exit 0"
    `)
    expect(await shown('club', 'access', 'list', '--child', '1')).toMatchInlineSnapshot(`
      "klubkort: a club token may not do this (role_forbidden)
      exit 1"
    `)
  })
})

describe('a child that has left', () => {
  test('is written down whole, and erased by its name', async () => {
    const out = join(clubs.folder, 'sofus.json')
    expect(
      (await shown('admin', 'child', 'export', '2', '--out', out)).replace(out, 'sofus.json'),
    ).toMatchInlineSnapshot(`
      "Everything about child 2, Sofus Sydbarn, written to sofus.json: keep it safe.
      exit 0"
    `)
    expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({
      child: { id: 2, name: 'Sofus Sydbarn', club: 'Klub Syd' },
      money: { cardOrders: [{ cause: 'first', status: 'ordered' }] },
    })
    expect(await shown('admin', 'child', 'erase', '2', '--name', 'Sofus Sydbarn')).toMatchInlineSnapshot(`
      "klubkort: the child has not left (child_stays)
      exit 1"
    `)
    expect(await shown('admin', 'child', 'leave', '2')).toMatchInlineSnapshot(`
      "Child 2, Sofus Sydbarn, has left; account 10 holds 0,00 kr.
      exit 0"
    `)
    expect(await shown('admin', 'child', 'erase', '2', '--name', 'Sofie Sydbarn')).toMatchInlineSnapshot(`
      "klubkort: that is not the child's name (name_wrong)
      exit 1"
    `)
    expect(await shown('admin', 'child', 'erase', '2', '--name', 'Sofus Sydbarn')).toMatchInlineSnapshot(`
      "Child 2 is erased. What bookkeeping asks for is kept until <day>.
      exit 0"
    `)
    expect(await shown('admin', 'child', 'show', '2')).toMatchInlineSnapshot(`
      "Child 2: Slettet barn 2, left <day and time>
      Account 10, balance 0,00 kr, daily limit none
      Guardians 0

      No cards.
      exit 0"
    `)
    expect(await shown('admin', 'child', 'return', '2')).toMatchInlineSnapshot(`
      "klubkort: the child has been erased (child_erased)
      exit 1"
    `)
  })
})
