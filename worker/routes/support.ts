import { type Context, Hono } from 'hono'
import { CaseId, CaseSubject, CaseText } from '../../shared/office/support.ts'
import { parsePhone } from '../../shared/phone.ts'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import { CasePage, type Done, SupportPage } from '../portal/support.tsx'
import type { GuardianEnv, GuardianView } from '../portal/view.ts'
import {
  CASE_MESSAGES_MAX,
  CASES_A_DAY_MAX,
  caseOf,
  casesOf,
  MESSAGES_A_DAY_MAX,
  OPEN_CASES_MAX,
  type Opening,
  openCase,
  reply,
} from '../support/cases.ts'
import { support as texts } from '../texts/support.ts'
import { fieldsOf } from './door.ts'

const DONE = new Map<string, Done>([
  ['oprettet', 'opened'],
  ['sendt', 'replied'],
])

type Fields = Record<string, string>

/** A form's id as it came, or a new one where it is none. */
const idOr = (text: string | undefined) => CaseId.safeParse(text).data ?? crypto.randomUUID()

/** What is wrong with a text of several lines; null for nothing. */
function textFault({ say }: GuardianView, typed: string | undefined): string | null {
  const checked = CaseText.safeParse(typed ?? '')
  if (checked.success) return null
  const codes = checked.error.issues.map(({ code }) => code)
  if (codes.includes('too_small')) return say(texts.textMissing)
  if (codes.includes('too_big')) return say(texts.textLong)(typed?.trim().replaceAll('\r\n', '\n').length ?? 0)
  return say(texts.textWrong)
}

/** The case that a form opens, or what is wrong with it. An account that is not the guardian's own is unknown. */
function openingIn(view: GuardianView, fields: Fields): { opening: Opening } | { errors: Fields } {
  const { say, visit } = view
  const [id, message] = [CaseId.safeParse(fields.id).data, CaseId.safeParse(fields.message).data]
  const subject = CaseSubject.safeParse(fields.subject ?? '').data
  const wrongText = textFault(view, fields.text)
  const account = visit.accounts.find((own) => String(own.id) === fields.account)?.id ?? null
  const typedPhone = fields.phone?.trim() ?? ''
  const phone = parsePhone(typedPhone)
  const callWanted = fields.callWanted === 'on'
  const errors = {
    ...((!id || !message) && { opening: say(texts.sendAgain) }),
    ...(subject === undefined && { subject: say(texts.subjectWrong) }),
    ...(account === null && fields.account !== '' && { account: say(texts.accountWrong) }),
    ...(wrongText !== null && { text: wrongText }),
    ...(typedPhone !== '' && phone === null && { phone: say(texts.phoneWrong) }),
    ...(typedPhone === '' && callWanted && { phone: say(texts.phoneNeeded) }),
  }
  if (!id || !message || subject === undefined || Object.keys(errors).length > 0) return { errors }
  const text = CaseText.parse(fields.text)
  return { opening: { id, message, guardian: visit.guardian.id, account, subject, text, phone, callWanted } }
}

async function showAll(c: Context<GuardianEnv>, typed: Typed, status: 200 | 400 | 409 | 429) {
  const { view, db } = c.var
  const cases = await casesOf(db, view.visit.guardian.id)
  return page(c, { title: view.say(texts.title), at: 'support', status }, SupportPage({ view, cases, typed }))
}

async function showOne(c: Context<GuardianEnv>, typed: Typed, status: 200 | 400 | 429, done: Done | null) {
  const { view, db } = c.var
  const id = CaseId.safeParse(c.req.param('case')).data
  const found = id ? await caseOf(db, view.visit.guardian.id, id) : null
  if (!found) return c.notFound()
  return page(c, { title: found.subject, at: 'support', status }, CasePage({ view, found, typed, done }))
}

/** What had been typed on this page before the session ended. */
function draftOf({ visit, path }: GuardianView): Fields {
  return visit.draft?.path === path ? visit.draft.fields : {}
}

/** Support: a guardian's own cases, and nobody else's. Each form carries the ids of what it makes. */
export const supportRoutes = new Hono<GuardianEnv>()
  .get('/support', (c) => {
    const { view } = c.var
    const account = view.account === null ? '' : String(view.account.id)
    const fields: Fields = { account, ...draftOf(view) }
    return showAll(c, untouched({ ...fields, id: idOr(fields.id), message: idOr(fields.message) }), 200)
  })
  .post('/support', async (c) => {
    const { view, db, now } = c.var
    const fields = (await fieldsOf(c)) ?? {}
    const read = openingIn(view, fields)
    if ('errors' in read) {
      const { errors } = read
      const ids = { id: idOr(fields.id), message: idOr(fields.message) }
      return showAll(c, { fields: { ...fields, ...ids, ...(errors.account && { account: '' }) }, errors }, 400)
    }
    const opened = await openCase(db, read.opening, now)
    switch (opened) {
      case 'opened':
        return c.redirect(`/support/${read.opening.id}?gjort=oprettet`, 303)
      case 'id_taken': {
        const ids = { id: crypto.randomUUID(), message: crypto.randomUUID() }
        return showAll(c, { fields: { ...fields, ...ids }, errors: { opening: view.say(texts.sendAgain) } }, 409)
      }
      case 'too_many':
        return showAll(
          c,
          { fields, errors: { opening: view.say(texts.tooManyCases)(OPEN_CASES_MAX, CASES_A_DAY_MAX) } },
          429,
        )
    }
  })
  .get('/support/:case', (c) => {
    const draft = draftOf(c.var.view)
    const done = draft.text === undefined ? (DONE.get(c.req.query('gjort') ?? '') ?? null) : null
    return showOne(c, untouched({ ...draft, id: idOr(draft.id) }), 200, done)
  })
  .post('/support/:case', async (c) => {
    const { view, db, now } = c.var
    const fields = (await fieldsOf(c)) ?? {}
    const [of, id] = [CaseId.safeParse(c.req.param('case')).data, CaseId.safeParse(fields.id).data]
    if (!of) return c.notFound()
    const wrongText = textFault(view, fields.text)
    if (wrongText !== null || !id) {
      const errors = { text: wrongText ?? view.say(texts.sendAgain) }
      return showOne(c, { fields: { ...fields, id: idOr(fields.id) }, errors }, 400, null)
    }
    const said = { case: of, id, guardian: view.visit.guardian.id, text: CaseText.parse(fields.text) }
    const replied = await reply(db, said, now)
    switch (replied) {
      case 'replied':
        return c.redirect(`/support/${of}?gjort=sendt`, 303)
      case 'not_found':
        return c.notFound()
      case 'too_many':
        return showOne(
          c,
          { fields, errors: { text: view.say(texts.tooManyMessages)(MESSAGES_A_DAY_MAX, CASE_MESSAGES_MAX) } },
          429,
          null,
        )
    }
  })
