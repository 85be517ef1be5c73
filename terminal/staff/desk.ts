import type { z } from 'zod'
import { TOKEN_ENDS } from '../../shared/office/staff.ts'
import type { Result } from '../http.ts'
import { type Environment, type Login, readLogin } from './credentials.ts'
import { counted, instant, json, jsonLine, onScreen, plain } from './output.ts'
import type { Person } from './prompt.ts'
import type { SheetFault } from './sheet.ts'

const TIMEOUT_MS = 15_000
const LARGE_TIMEOUT_MS = 120_000

/** What became of a command. `hint` is one more sentence on what to do now. */
export type Outcome =
  | { kind: 'done'; value: unknown; text: string; exact?: true } // Exact: the text of a file, whose lines stay whole.
  | { kind: 'violated'; value: unknown; text: string } // The ledger answered, and breaks a promise.
  | { kind: 'refused'; code: string; message: string; hint?: string }
  | { kind: 'usage'; message: string }
  | { kind: 'faulty'; path: string; faults: readonly SheetFault[] } // A file of ours; nothing is changed.
  | { kind: 'unreachable'; cause: string; hint?: string }
  | { kind: 'not_logged_in'; message: string }
  | { kind: 'cancelled' } // Whoever was asked did not want it.

/**
 * Everything of the machine that a command may use. `readLine` is the first line of standard input and `readText` all
 * of it; `person` is who can be asked, null in a pipe and for a program; `deliver` takes what became of the command, and
 * `note` what else is worth a line to a person.
 */
export type Desk = {
  env: Environment
  nowMs: () => number
  random: (bytes: number) => Uint8Array
  readLine: () => Promise<string>
  readText: () => Promise<string>
  person: Person | null
  deliver: (outcome: Outcome) => void
  note?: (text: string) => void
}

/** Where a command's last words go: one line, or several. */
type Paper = { out: (text: string) => void; err: (text: string) => void }

/** What each exit code means, in a word or two; scripts rely on them. `report` gives them. */
export const EXIT_CODES = [
  'done',
  'refused by the worker',
  'wrong usage or a faulty file',
  'worker unreachable',
  'not logged in',
] as const

/** The exit codes as the end of every help. */
export const EXIT_LINES = `Exit codes: ${EXIT_CODES.map((meaning, code) => `${code} ${meaning}`).join(', ')}`.replace(
  ', 3 ',
  ',\n            3 ',
)

/** Prints what became of a command, as text or as JSON, and gives the exit code for it. */
export function report(outcome: Outcome, asJson: boolean, paper: Paper): 0 | 1 | 2 | 3 | 4 {
  const wrong = (code: string, message: string, hint?: string) => {
    const said = hint ? `${message}; ${hint}` : message
    paper.err(
      asJson
        ? jsonLine({ error: { code, message: said } })
        : onScreen(plain(`klubkort: ${said} (${code})`), process.stderr),
    )
  }
  switch (outcome.kind) {
    case 'done':
      paper.out(asJson ? json(outcome.value) : onScreen(outcome.text, outcome.exact ? {} : process.stdout))
      return 0
    case 'violated':
      paper.out(asJson ? json(outcome.value) : onScreen(outcome.text, process.stdout))
      return 1
    case 'refused':
      wrong(outcome.code, outcome.message, outcome.hint)
      return 1
    case 'usage':
      wrong('usage', outcome.message)
      return 2
    case 'cancelled':
      wrong('cancelled', 'nothing was done')
      return 2
    case 'faulty': {
      const { path, faults } = outcome
      const message = `${path} has ${counted(faults.length, 'fault')}, and nothing is changed`
      if (asJson) paper.err(jsonLine({ error: { code: 'file_faulty', message, faults } }))
      else {
        const lines = [plain(`klubkort: ${message} (file_faulty)`), ...faultLines(faults)]
        paper.err(onScreen(lines.join('\n'), process.stderr))
      }
      return 2
    }
    case 'unreachable':
      wrong('unreachable', `the worker cannot be reached: ${outcome.cause}`, outcome.hint)
      return 3
    case 'not_logged_in':
      wrong('not_logged_in', outcome.message)
      return 4
  }
}

/** How many faults of a file people are told; a program gets all of them. */
const FAULTS_TOLD = 50

function faultLines(faults: readonly SheetFault[]): string[] {
  const told = faults.slice(0, FAULTS_TOLD).map(({ line, column, reason }) => {
    return plain(`  line ${line}${column === null ? '' : `, ${column}`}: ${reason}`)
  })
  return faults.length > FAULTS_TOLD ? [...told, `  … and ${faults.length - FAULTS_TOLD} more`] : told
}

/** A question to the worker as whoever is logged in; `path` is below /api/staff. */
export function read<T>(desk: Desk, path: string, answer: z.ZodType<T>): Promise<Asked<T>> {
  return asked(desk, { method: 'GET', path, answer })
}

/**
 * A change at the worker as whoever is logged in. A body that is not of its form is wrong usage and is not sent. A
 * `large` answer is waited for longer, and may be of many megabytes.
 */
export async function change<T>(
  desk: Desk,
  path: string,
  form: z.ZodType,
  body: unknown,
  answer: z.ZodType<T>,
  { large = false } = {},
): Promise<Asked<T>> {
  const checked = form.safeParse(body)
  if (!checked.success) return { kind: 'usage', message: issueOf(checked.error) }
  return asked(desk, { method: 'POST', path, answer, body: checked.data, large })
}

/** What is wrong with a form, in one line. */
export function issueOf({ issues }: z.ZodError): string {
  const [issue] = issues
  return issue ? `${issue.path.join('.')}: ${issueWords(issue)}` : 'not of the documented form'
}

/** Zod's own words for a length speak of types, which nobody typed. */
function issueWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_small' && issue.origin === 'string') return `at least ${issue.minimum} characters are wanted`
  if (issue.code === 'too_big' && issue.origin === 'string') return `at most ${issue.maximum} characters are taken`
  return issue.message
}

/** What came of asking the worker; the answer comes with the worker's origin. */
export type Asked<T> =
  | { kind: 'answer'; value: T; url: string }
  | Exclude<Outcome, { kind: 'done' | 'violated' | 'cancelled' }>

type Question<T> = {
  method: 'GET' | 'POST'
  path: string
  answer: z.ZodType<T>
  body?: unknown
  large?: boolean
}

async function asked<T>(desk: Desk, { method, path, answer, body, large }: Question<T>): Promise<Asked<T>> {
  const login = await readLogin(desk.env)
  if (typeof login === 'string') return { kind: 'not_logged_in', message: login }
  const result = await callAs(login, method, `/api/staff${path}`, answer, { body, large, hear: endOfToken(desk) })
  return result.kind === 'answer' ? { ...result, url: login.url } : result
}

/** Hears from the worker that the token runs out before long. */
const endOfToken = (desk: Desk) => (headers: { get(name: string): string | null }) => {
  const endsAt = Number(headers.get(TOKEN_ENDS))
  if (endsAt > 0)
    desk.note?.(`your token runs out ${instant(endsAt)}; an admin adds you anew, and then revokes this one`)
}

type Sent = { body?: unknown; large?: boolean | undefined; hear?: ReturnType<typeof endOfToken> }

/** One call with a token of any kind; `path` is whole. */
export async function callAs<T>(
  { url, token }: Login,
  method: 'GET' | 'POST',
  path: string,
  schema: z.ZodType<T>,
  { body, large = false, hear }: Sent = {},
): Promise<Result<T>> {
  const { call } = await import('../http.ts') // A third of the time to start, which help and wrong usage do without.
  const result = await call({
    url: `${url}${path}`,
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
    schema,
    large,
    ...(hear && { hear }),
    timeoutMs: large ? LARGE_TIMEOUT_MS : TIMEOUT_MS,
  })
  return result.kind === 'unreachable' ? { ...result, cause: `${result.cause} (${url})` } : result
}

/** Tells an answer in words, where there is one. */
export function told<T>(asked: Asked<T>, words: (value: T, url: string) => string): Outcome {
  return asked.kind === 'answer' ? { kind: 'done', value: asked.value, text: words(asked.value, asked.url) } : asked
}
