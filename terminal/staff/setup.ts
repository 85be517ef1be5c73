import type { Command } from 'commander'
import type { z } from 'zod'
import { InitAnswer, InitCall, WhoAmI } from '../../shared/office/staff.ts'
import { command, idArgument } from './command.ts'
import { keepLogin, Token, URL_RULE, workerUrl } from './credentials.ts'
import { callAs, type Desk, issueOf, type Outcome, read, told } from './desk.ts'
import { instant, plain } from './output.ts'
import { at } from './people.ts'

/** `klubkort init`, `klubkort login` and `klubkort whoami`. */
export function setupCommands(klubkort: Command, desk: Desk) {
  command(
    klubkort,
    'init',
    'set up an empty municipality; makes the first admin and logs in as them',
    "KLUBKORT_SETUP_KEY=... klubkort init --url https://4000.klubkort.example \\\n    --number 4000 --name 'Prøve Kommune' --staff 'Anne Holm'",
    "klubkort init --url http://4000.localhost:8787 --number 4000 \\\n    --name 'Prøve Kommune' --staff 'Anne Holm' --setup-key -",
  )
    .requiredOption('--url <address>', "the municipality's address")
    .requiredOption('--number <number>', 'its number, a postal code', idArgument)
    .requiredOption('--name <name>', 'its name')
    .requiredOption('--staff <name>', 'the name of the first admin')
    .option('--setup-key <key>', "the worker's set-up key, - for standard input (default: $KLUBKORT_SETUP_KEY)")
    .action(async (options) => desk.deliver(await init(desk, options)))

  command(
    klubkort,
    'login',
    'log in with a personal token',
    'klubkort login --url https://4000.klubkort.example --token - < token.txt',
  )
    .requiredOption('--url <address>', "the municipality's address")
    .requiredOption('--token <token>', 'the token, - for standard input')
    .addHelpText(
      'after',
      '\nThe login is kept in $KLUBKORT_CONFIG, or in klubkort/credentials.json below\n$XDG_CONFIG_HOME or ~/.config. KLUBKORT_URL and KLUBKORT_TOKEN, set together,\ngo first.',
    )
    .action(async (options) => desk.deliver(await login(desk, options)))

  command(klubkort, 'whoami', 'show who is logged in, and what they may do where', 'klubkort whoami').action(async () =>
    desk.deliver(
      told(
        await read(desk, '/me', WhoAmI),
        (me, url) => `${whoIs(me)}, in ${plain(me.municipalityName)} (${me.municipality}) at ${url}
The token is good until ${instant(me.expiresAt)}.`,
      ),
    ),
  )
}

const whoIs = ({ staff, role, sites }: z.infer<typeof WhoAmI>) => `${plain(staff)}, ${role}${at(sites)}`

type InitOptions = { url: string; number: number; name: string; staff: string; setupKey?: string }

async function init(desk: Desk, { url: address, number, name, staff, setupKey }: InitOptions): Promise<Outcome> {
  const url = workerUrl(address)
  if (url === null) return { kind: 'usage', message: `--url is ${URL_RULE}` }
  const form = InitCall.safeParse({ number, name, staff })
  if (!form.success) return { kind: 'usage', message: issueOf(form.error) }
  const key = Token.safeParse(setupKey === '-' ? await desk.readLine() : (setupKey ?? desk.env.KLUBKORT_SETUP_KEY))
  if (!key.success) return { kind: 'usage', message: 'give the set-up key with --setup-key or KLUBKORT_SETUP_KEY' }
  const answer = await callAs({ url, token: key.data }, 'POST', '/api/setup', InitAnswer, { body: form.data })
  if (answer.kind !== 'answer') return answer
  const { token } = answer.value
  const kept = await keepLogin(desk.env, { url, token }).then(
    (file) => ({ file, said: `You are logged in: ${file}` }),
    // The token exists nowhere else, so it is shown whatever the disk says.
    (error: Error) => ({ file: null, said: `It could not be stored (${error.message}); use klubkort login.` }),
  )
  return {
    kind: 'done',
    value: { ...answer.value, credentials: kept.file },
    text: `${plain(answer.value.name)} (${answer.value.municipality}) is set up.
Token of ${plain(staff)}, admin, shown this once:

  ${token}

${kept.said}`,
  }
}

async function login(desk: Desk, { url: address, token: given }: { url: string; token: string }): Promise<Outcome> {
  const url = workerUrl(address)
  if (url === null) return { kind: 'usage', message: `--url is ${URL_RULE}` }
  const token = Token.safeParse(given === '-' ? await desk.readLine() : given)
  if (!token.success) return { kind: 'usage', message: 'the token is empty, or holds what no token holds' }
  const answer = await callAs({ url, token: token.data }, 'GET', '/api/staff/me', WhoAmI)
  if (answer.kind !== 'answer') return answer
  const { municipality, municipalityName } = answer.value
  try {
    await keepLogin(desk.env, { url, token: token.data })
  } catch (error) {
    const message = `the login could not be stored: ${error instanceof Error ? error.message : error}`
    return { kind: 'not_logged_in', message }
  }
  return {
    kind: 'done',
    value: answer.value,
    text: `Logged in to ${plain(municipalityName)} (${municipality}) as ${whoIs(answer.value)}.`,
  }
}
