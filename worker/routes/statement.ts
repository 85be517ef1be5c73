import { type Context, Hono } from 'hono'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { viewed } from '../people/viewings.ts'
import type { Typed } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import { type Shown, StatementPage, TRANSFER_KINDS } from '../portal/statement.tsx'
import { statementCsv } from '../portal/statement-csv.ts'
import type { AccountEnv } from '../portal/view.ts'
import { parseDay, periodOf } from '../statements/statement-periods.ts'
import { type Excerpt, type Period, type Statement, statement, type TransferKind } from '../statements/statements.ts'
import { firstName, wholeNumber } from '../texts/format.ts'
import { statement as texts } from '../texts/statement.ts'

/** How many lines one side of the page shows, and how many a file may hold: to set a page of print takes time. */
const PAGE_LINES = 100
const CSV_LINES_MAX = 10_000
const PDF_LINES_MAX = 2000

type C = Context<AccountEnv>

/** What the address asks for. */
type Asked = { period: Period; kind: TransferKind | null; before: number | null }

/** Kontoudtog, as a page and as files, for the guardian of the account. Each answers after one round trip. */
export const statementRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/kontoudtog', async (c) => {
    const asked = askedOf(c)
    if ('errors' in asked) return shownWith(c, asked, null)
    const { period, kind, before } = asked
    const found = await read(c, period, { kind, before, order: 'newest', limit: PAGE_LINES })
    return shownWith(c, typedOf(asked), { period, kind, before, found })
  })
  .get('/konto/:account/kontoudtog.csv', async (c) => {
    const file = await fileOf(c, CSV_LINES_MAX)
    if (file instanceof Response) return file
    const body = statementCsv(file.found.lines, c.var.view.say)
    return c.body(body, 200, headersOf(c, file.period, 'csv', 'text/csv; charset=utf-8'))
  })
  .get('/konto/:account/kontoudtog.pdf', async (c) => {
    const file = await fileOf(c, PDF_LINES_MAX)
    if (file instanceof Response) return file
    const { view, now } = c.var
    // Loaded when it is wanted: the PDF library is half of the worker, and no other page should wait for it to start.
    const { statementPdf } = await import('../portal/statement-pdf.ts')
    const [regular, bold] = await Promise.all([font(c, 'Regular'), font(c, 'Bold')])
    const document = await statementPdf(file.found, {
      municipality: view.settings.name,
      child: view.account.child.name,
      period: file.period,
      kind: file.kind,
      language: view.language,
      say: view.say,
      fonts: { regular, bold },
      nowMs: now,
    })
    return c.body(new Uint8Array(document), 200, headersOf(c, file.period, 'pdf', 'application/pdf'))
  })

function read(c: C, period: Period, excerpt: Excerpt): Promise<Statement> {
  const { view, db, now } = c.var
  const seen = viewed(db, { child: view.account.child.id }, { guardian: view.visit.guardian.id }, now)
  return statement(db, view.account.id, period, excerpt, [seen])
}

function shownWith(c: C, typed: Typed, shown: Shown | null) {
  const { view, now } = c.var
  return page(
    c,
    { title: view.say(texts.title), at: 'statement', status: shown ? 200 : 400 },
    StatementPage({ view, typed, today: copenhagenDay(now), shown }),
  )
}

/** All lines of the period that is asked for, oldest first; or the page that says why there is no file. */
async function fileOf(c: C, linesMax: number): Promise<(Asked & { found: Statement }) | Response> {
  const asked = askedOf(c)
  if ('errors' in asked) return shownWith(c, asked, null)
  const { period, kind } = asked
  const found = await read(c, period, { kind, before: null, order: 'oldest', limit: linesMax })
  if (!found.more) return { ...asked, found }
  const tooMany = c.var.view.say(texts.tooMany)(wholeNumber(linesMax))
  return shownWith(c, { ...typedOf(asked), errors: { fra: tooMany } }, null)
}

// ── What the address asks for ───────────────────────────────────────────────

/** More of what was typed is not shown again. */
const TYPED_MAX = 40

const typedOf = ({ period, kind }: Asked): Typed => ({
  fields: { fra: period.from, til: period.to, slags: kind ?? '' },
  errors: {},
})

function askedOf(c: C): Asked | Typed {
  const { say } = c.var.view
  const [fra, til, slags, side] = ['fra', 'til', 'slags', 'side'].map((name) => c.req.queries(name) ?? [])
  const errors: Record<string, string> = {}
  const dates = periodOf({ from: fra?.[0], to: til?.[0] }, copenhagenDay(c.var.now))
  if (dates.kind === 'faults') {
    if (dates.faults.from) errors.fra = say(texts.faults[dates.faults.from])
    if (dates.faults.to) errors.til = say(texts.faults[dates.faults.to])
  }
  const kind = TRANSFER_KINDS.find((known) => known === slags?.[0]) ?? null
  if (kind === null && slags?.[0]) errors.slags = say(texts.kindUnknown)
  const before = /^[1-9]\d{0,14}$/.test(side?.[0] ?? '') ? Number(side?.[0]) : null
  if (before === null && side?.[0]) errors.fra ??= say(texts.pageUnknown)
  for (const [name, values] of Object.entries({ fra, til, slags })) {
    if (values && values.length > 1) errors[name] = say(texts.askedTwice)
  }
  if (dates.kind === 'period' && Object.keys(errors).length === 0) return { period: dates.period, kind, before }
  const typed = (values: string[] | undefined) => (values?.[0] ?? '').slice(0, TYPED_MAX)
  const day = (values: string[] | undefined) => parseDay(typed(values)) ?? typed(values)
  return { fields: { fra: day(fra), til: day(til), slags: typed(slags) }, errors }
}

// ── Files ───────────────────────────────────────────────────────────────────

async function font(c: C, weight: 'Regular' | 'Bold'): Promise<Uint8Array> {
  const address = new URL(`/static/fonts/ttf/IBMPlexSans-${weight}.ttf`, c.req.url)
  const answer = await c.env.ASSETS.fetch(address)
  if (!answer.ok) throw new Error(`no font at ${address.pathname}: ${answer.status}`)
  return new Uint8Array(await answer.arrayBuffer())
}

function headersOf(c: C, { from, to }: Period, ending: 'csv' | 'pdf', type: string) {
  const { say, account, language } = c.var.view
  const name = firstName(account.child.name)
    .toLowerCase()
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
  return {
    'content-type': type,
    'content-disposition': attachment(`${say(texts.fileName)}-${name}-${from}-${to}.${ending}`),
    'content-language': language,
    'cache-control': 'no-store',
  }
}

const SPELT_OUT: Record<string, string> = { æ: 'ae', ø: 'oe', å: 'aa' }

/** A file name for every browser (RFC 6266): in plain letters for the oldest, and as it is, encoded by RFC 8187. */
function attachment(name: string): string {
  const plain = name
    .replaceAll(/[æøå]/g, (letter) => SPELT_OUT[letter] ?? letter)
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9.-]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeURIComponent(name)}`
}
