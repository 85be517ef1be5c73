import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Desk, type Outcome, report } from '../terminal/staff/desk.ts'
import { ROOT } from './local/processes.ts'
import { type TwoClubs, twoClubs, type Visitor } from './local/two-clubs.ts'

const CASE = '0198c0de-0000-7000-8000-000000000001'
const EVERYBODY: Visitor[] = ['admin', 'club', 'neighbour', 'finance', 'nobody', 'revoked', 'foreign']

/** A club is asked twice: the one whose child, card and site these are, and its neighbour, who must hear nothing of them. */
const EVERY_ROLE = 'admin, club, finance'

/**
 * Who may give which command, and what with. The first three children, cards, sites are of Klub Nord; what is not there
 * (number 99) is so for whoever may ask, and whoever may not is not told.
 */
const GUIDE: Record<string, [who: string, ...words: string[]]> = {
  whoami: [EVERY_ROLE],
  login: [EVERY_ROLE], // With a token of one's own, so with the one that is tried.

  'site list': [EVERY_ROLE],
  'site add': ['admin', 'Klub Vest'],
  'site limits': ['admin'],
  'product list': [EVERY_ROLE],
  'product add': ['admin, club', '--site', '1', '--name', 'Toast', '--price', '15'],
  'product price': ['admin, club', '99', '16'],
  'product category': ['admin, club', '99', 'food'],
  'product retire': ['admin, club', '99'],
  'product copy': ['admin, club', '--from', '2', '--to', '1'],
  'product export': [EVERY_ROLE],
  'product import': ['admin, club', 'varer.csv', '--yes'],
  'terminal list': ['admin, club'],
  'terminal show': ['admin, club', '4000-99'],
  'terminal add': ['admin', '--site', '1', '--name', 'Disken'],
  'terminal code': ['admin', '4000-99'],
  'terminal renew': ['admin', '4000-99'],
  'terminal revoke': ['admin', '4000-99'],
  'terminal risk': ['admin, finance'],

  'child list': [EVERY_ROLE],
  'child show': [EVERY_ROLE, '1'],
  'child add': ['admin, club', 'Ny Prøvebarn'],
  'child leave': ['admin', '99'],
  'child return': ['admin', '99'],
  'child guardian add': ['admin', '--child', '99', '--cpr', '-'],
  'child guardian end': ['admin', '--child', '99', '--cpr', '-'],
  'child export': ['admin', '99', '--out', 'barn.json'],
  'child erase': ['admin', '99', '--name', 'Væk Prøvebarn'],
  'roster import': ['admin', 'elever.csv', '--yes'],
  'roster history': ['admin'],
  'access list': ['admin', '--child', '1'],
  'card show': [EVERY_ROLE, '1'],
  'card add': ['admin', '--child', '99', '--uid', '04a1b2c3d4e599'],
  'card block': ['admin', '1'],
  'card activate': ['admin', '1'],
  'card history': ['admin, club', '1'],
  'card import': ['admin', 'kort.csv'],
  'card stock': ['admin'],
  'card hand-out': ['admin, club', '--order', CASE, '--terminal', '4000-99'],
  'card replace': ['admin, club', '--child', '99'],
  'order list': ['admin, club'],
  'order show': ['admin, club', CASE],
  'order export': ['admin', '--out', 'kort-ud.csv'],
  'order batches': ['admin'],
  'order hand-out': ['admin, club', CASE, '--uid', '04a1b2c3d4e598'],
  'order send': ['admin', CASE],
  'order cancel': ['admin, club', CASE],

  'case list': ['admin, club'],
  'case show': ['admin, club', CASE],
  'case answer': ['admin, club', CASE, '--text', 'Et svar'],
  'case assign': ['admin, club', CASE],
  'case close': ['admin, club', CASE],
  'publication list': ['admin'],
  'publication publish': ['admin', '--kind', 'terms', '--language', 'da', '--file', '-'],

  'account show': ['admin, finance', '99'],
  'account credit': ['admin', '99', '10', '--reason', 'prøve'],
  'ledger check': ['admin, finance'],
  'sale find': [EVERY_ROLE],
  'sale show': [EVERY_ROLE, CASE],
  'sale refund': [EVERY_ROLE, CASE, '--amount', '5', '--reason', 'Der manglede noget'],
  'day close': [EVERY_ROLE, '--terminal', '4000-99'],
  'day show': [EVERY_ROLE, '--terminal', '4000-99', '--day', '2026-01-01'],
  'day list': [EVERY_ROLE],
  'review list': ['admin, finance'],
  'review show': ['admin, finance', '4000-99:1'],
  'review settle': ['admin, finance', '4000-99:1', '--carry', '--note', 'Klubben betaler'],
  'payout list': ['admin, finance'],
  'payout approve': ['admin, finance', CASE],
  'payout reject': ['admin, finance', CASE, '--reason', 'Kontoen findes ikke'],
  'payout export': ['admin, finance', '--out', 'udbetalinger.xml'],
  'payout files': ['admin, finance'],
  'payout release': ['admin, finance', CASE, '--reason', 'Banken tog ikke imod'],
  'payout import-status': ['admin, finance', '-'],
  'report day': [EVERY_ROLE, '--site', '1'],
  'report month': [EVERY_ROLE, '--site', '1'],
  'report liabilities': ['admin, finance'],
  'report clearing': ['admin, finance'],
  'report volume': ['admin, finance'],
  'exit-drill': ['admin', '--out', 'drill'],

  'settings show': ['admin, finance'],
  'settings set': ['admin, finance', '--card-fee', '45'],
  'staff list': ['admin'],
  'staff add': ['admin', '--name', 'Bo Prøveklub', '--role', 'club', '--site', '1'],
  'staff sites': ['admin', '99', '--site', '1'],
  'staff revoke': ['admin', '99'],
  'audit list': ['admin'],
}

/** What asks nobody who is logged in: setting up has a key of its own. */
const WITHOUT_ROLE = ['init', 'completion', 'help']

/** The files that the commands read. */
const SHEETS = {
  'varer.csv': 'site;name;price\nKlub Nord;Toast;15\n',
  'elever.csv': 'barn;fødselsdag;skole;klub;værge1_cpr\nNy Prøvebarn;2016-05-24;;;0101575001\n',
  'kort.csv': 'kortnummer;uid\nSTAK-1;04a1b2c3d4e577\n',
}

/** The command line as main.ts puts it together, without its process. */
async function commandLine(desk: Desk): Promise<Command> {
  const folder = join(ROOT, 'terminal/staff')
  const main = readFileSync(join(folder, 'main.ts'), 'utf8')
  const klubkort = new Command('klubkort').enablePositionalOptions().exitOverride()
  for (const [, registration = ''] of main.matchAll(/^(\w+Commands?)\(klubkort, desk\)$/gm)) {
    const file = new RegExp(`import \\{ ${registration} \\} from '\\./(.+)'`).exec(main)?.[1] ?? ''
    ;(await import(join(folder, file)))[registration](klubkort, desk)
  }
  return klubkort
}

function leaves(command: Command, path: string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(' ')]
  return command.commands.flatMap((child) => leaves(child, [...path, child.name()]))
}

let clubs: TwoClubs
beforeAll(async () => {
  clubs = await twoClubs(inject('prepared'))
  process.chdir(clubs.folder)
  for (const [name, text] of Object.entries(SHEETS)) writeFileSync(name, text)
})
afterAll(async () => {
  process.chdir(ROOT)
  await clubs?.stop()
})

type Ended = { code: number; said: string; outcome: Outcome }

/** One command as a visitor gives it, in this process: what came of it, its exit code, and all that it printed. */
async function given(command: string, who: Visitor): Promise<Ended> {
  const { url, tokens } = clubs
  const ended: Ended[] = []
  const desk: Desk = {
    env: { KLUBKORT_URL: url, KLUBKORT_TOKEN: tokens[who], KLUBKORT_CONFIG: join(clubs.folder, `${who}.json`) },
    nowMs: () => Date.now(),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    readLine: async () => '0101575001',
    readText: async () => 'En tekst',
    person: null,
    deliver(outcome) {
      let said = ''
      const hear = (text: string) => {
        said += text
      }
      ended.push({ code: report(outcome, false, { out: hear, err: hear }), said, outcome })
    },
  }
  const [, ...words] = GUIDE[command] ?? ['']
  const own = command === 'login' ? ['--url', url, '--token', tokens[who]] : []
  await (await commandLine(desk)).parseAsync([...command.split(' '), ...words, ...own], { from: 'user' })
  const [last] = ended
  if (!last) throw new Error(`${command} said nothing`)
  return last
}

/** As `given`: once more where the worker has closed a kept connection, of which a process of its own has none. */
async function heard(command: string, who: Visitor): Promise<Ended> {
  const first = await given(command, who)
  return first.outcome.kind === 'unreachable' ? given(command, who) : first
}

/** What the refusal of somebody is called; null for whoever may ask. */
function refusalOf(command: string, who: Visitor): string | null {
  if (who === 'nobody' || who === 'revoked' || who === 'foreign') return 'token_invalid'
  const may = (GUIDE[command]?.[0] ?? '').split(', ')
  return may.includes(who === 'neighbour' ? 'club' : who) ? null : 'role_forbidden'
}

/** How a command ends that was asked rightly. A sheet that names what is not one's own has a fault there. */
const ENDS: Partial<Record<Outcome['kind'], number>> = { done: 0, violated: 1, refused: 1, faulty: 2 }

const GATES = ['token_invalid', 'role_forbidden', 'too_often']
/** Who tries tokens that are none is told so a few times, and then to wait. */
const refusedAs = (expected: string, got: string) =>
  got === expected || (expected === 'token_invalid' && got === 'too_often')

/** What only its own club, finance and admins may hear of. */
const SECRETS = ['Nora Nordbarn', 'Klub Nord', 'Nina Prøvenord', 'Nordlysboller']
const mayHear = (who: Visitor) => who === 'admin' || who === 'club' || who === 'finance'

describe('every command', () => {
  test('has a line in the guide, and the guide has no other', async () => {
    const commands = leaves(await commandLine({} as Desk)).filter((name) => !WITHOUT_ROLE.includes(name))
    const lines = Object.keys(GUIDE)
    expect(commands.length).toBeGreaterThan(60)
    expect({
      withoutLine: commands.filter((name) => !lines.includes(name)),
      withoutCommand: lines.filter((line) => !commands.includes(line)),
    }).toEqual({ withoutLine: [], withoutCommand: [] })
  })

  test('is done for whom the guide says, and refused to all others, who hear nothing of it', async () => {
    const leaks: string[] = []
    const commands = Object.keys(GUIDE)
    for (const command of commands) {
      const refusedFirst = [...EVERYBODY].sort(
        (one, other) => Number(refusalOf(command, one) === null) - Number(refusalOf(command, other) === null),
      )
      for (const who of refusedFirst) {
        const { code, said, outcome } = await heard(command, who)
        const expected = refusalOf(command, who)
        const got = outcome.kind === 'refused' ? outcome.code : outcome.kind
        const wrong = expected === null ? GATES.includes(got) : !refusedAs(expected, got)
        if (wrong) leaks.push(`${command} for ${who}: ${got}`)
        if (outcome.kind === 'usage' || outcome.kind === 'unreachable') leaks.push(`${command} for ${who}: ${said}`)
        if (code !== ENDS[outcome.kind]) leaks.push(`${command} for ${who} ends with ${code}`)
        const told = mayHear(who) ? [] : SECRETS.filter((secret) => said.includes(secret))
        if (told.length) leaks.push(`${command} tells ${who}: ${told.join(', ')}`)
      }
    }
    console.log(`${commands.length} commands × ${EVERYBODY.length}: leaks ${leaks.length}`)
    expect(leaks).toEqual([])
  })
})
