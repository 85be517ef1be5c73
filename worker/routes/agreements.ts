import { type Context, Hono } from 'hono'
import { parseKroner } from '../../shared/money.ts'
import { completeSetup } from '../agreement-setup.ts'
import {
  type AgreementView,
  agreementIn,
  agreementOf,
  agreementsIn,
  agreementsOf,
  cancelAgreement,
  draftAgreement,
  resumeAgreement,
  topUpBounds,
} from '../agreements.ts'
import { versionName } from '../portal/acceptance.tsx'
import { AgreementPage, type Done, type Standing } from '../portal/agreement.tsx'
import { type Typed, untouched } from '../portal/form.tsx'
import { evenKr, firstName } from '../portal/format.ts'
import { page } from '../portal/layout.tsx'
import { agreement as texts } from '../portal/texts/agreement.ts'
import { deposit } from '../portal/texts/deposit.ts'
import type { AccountEnv } from '../portal/view.ts'
import { currentPublicationQuery, publicationOf } from '../publications.ts'
import { stripeOf } from '../stripe.ts'
import { topUp } from '../top-ups.ts'
import { viewed } from '../viewings.ts'
import { acceptanceFault, FormId, formIdOr, MailAddress, shownAgain } from './acceptance.ts'
import { fieldsOf } from './door.ts'
import { stepUp } from './step-up.ts'

type Fields = Record<string, string>
type AccountContext = Context<AccountEnv>

const DONE = new Map<string, Done>([
  ['oprettet', 'created'],
  ['kort', 'cardChanged'],
  ['annulleret', 'cancelled'],
  ['genoptaget', 'resumed'],
])

/** What the address says has been done, where it is so: anybody can send a link. */
function doneIn(c: AccountContext, { own, others }: Standing): Done | null {
  const done = DONE.get(c.req.query('gjort') ?? '') ?? null
  if (done === 'cancelled') return own || others ? null : done
  if (done === 'resumed') return own?.status === 'active' ? done : null
  return own && own.status !== 'paused' ? done : null
}

/** What the account has now, in one round trip that also records that the guardian looked. */
async function standingOf(c: AccountContext): Promise<Standing> {
  const { view, db, now, municipality } = c.var
  const guardian = view.visit.guardian.id
  const [terms, agreements] = await db.batch([
    currentPublicationQuery(db, 'terms', view.language),
    agreementsOf(db, view.account.id, guardian),
    viewed(db, { child: view.account.child.id }, { guardian }, now),
  ])
  const open = stripeOf(c.env, municipality) !== null
  return { ...agreementsIn(agreements), terms: open ? publicationOf(terms?.results[0]) : null }
}

function show(c: AccountContext, standing: Standing, typed: Typed, status: 200 | 400 | 409 | 503, done: Done | null) {
  const { view, now } = c.var
  const fields = shownAgain({ ...typed.fields, id: formIdOr(typed.fields.id, now) }, standing.terms)
  return page(
    c,
    { title: view.say(texts.tab), at: 'deposit', status },
    AgreementPage({ view, standing, typed: { ...typed, fields }, done, now }),
  )
}

/** The page with what an answer was, whatever the account has by now. */
async function showAgain(c: AccountContext, error: string, status: 409 | 503) {
  const { mail } = c.var.view.visit.guardian
  return show(c, await standingOf(c), { fields: { mail: mail ?? '' }, errors: { agreement: error } }, status, null)
}

/** What is wrong with the fields of a new agreement, and its amount where that is one. */
function readIn({ view }: AccountEnv['Variables'], fields: Fields, terms: NonNullable<Standing['terms']>) {
  const { least, most } = topUpBounds(view.settings.money)
  const amount = parseKroner(fields.amount ?? '')
  const fits = amount !== null && amount >= least && amount <= most
  const accept = acceptanceFault(view, fields, terms)
  const errors: Fields = {
    ...(!FormId.safeParse(fields.id).success && { agreement: view.say(deposit.sendAgain) }),
    ...(!MailAddress.safeParse(fields.mail?.trim()).success && { mail: view.say(deposit.mailWrong) }),
    ...(!fits && { amount: view.say(deposit.amountWrong)(evenKr(least), evenKr(most)) }),
    ...(accept !== null && { accept }),
  }
  return { amount, errors }
}

/** The agreement of the path, the guardian's own on this account, whatever its state; null where there is none. */
async function ownAgreement(c: AccountContext): Promise<AgreementView | null> {
  const { view, db, now } = c.var
  const id = FormId.safeParse(c.req.param('agreement')).data
  if (!id) return null
  const [guardian, account] = [view.visit.guardian.id, view.account.id]
  const [found] = await db.batch([
    agreementOf(db, { id, account, guardian }),
    viewed(db, { child: view.account.child.id }, { guardian }, now),
  ])
  return agreementIn(found)
}

/** Tops the account up after the answer, where it is low: what kept its agreement from that may be mended. */
function topUpSoon(c: AccountContext) {
  const { db, now, municipality, view } = c.var
  const stripe = stripeOf(c.env, municipality)
  if (stripe) c.executionCtx.waitUntil(topUp(db, stripe, [view.account.id], now))
}

const isUnfinished = ({ status }: AgreementView) => status === 'draft' || status === 'setting_up'
const isInForce = ({ status }: AgreementView) => status === 'waiting' || status === 'active' || status === 'paused'

/** Indbetaling, second tab: a stored card that tops the account up. Whatever gives a card asks for a fresh log-in. */
export const agreementRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/optankning', async (c) => {
    const { guardian, draft } = c.var.view.visit
    const standing = await standingOf(c)
    const typed = draft?.path === c.var.view.path ? draft.fields : {}
    return show(c, standing, untouched({ mail: guardian.mail ?? '', ...typed }), 200, doneIn(c, standing))
  })
  .post('/konto/:account/optankning', async (c) => {
    const { view, db, now } = c.var
    const { say, account, visit } = view
    const fields = (await fieldsOf(c)) ?? {}
    const standing = await standingOf(c)
    const { own, others, terms } = standing
    if (own || others || terms === null || account.child.left) {
      const errors: Fields = own ? { agreement: say(texts.exists) } : {}
      return show(c, standing, { fields, errors }, 409, null)
    }
    const { amount, errors } = readIn(c.var, fields, terms)
    if (amount === null || Object.keys(errors).length > 0) return show(c, standing, { fields, errors }, 400, null)
    const id = FormId.parse(fields.id)
    const mail = (fields.mail ?? '').trim()
    const guardian = visit.guardian.id
    const draft = { id, account: account.id, guardian, amount, mail, terms: versionName(terms) }
    const drafted = await draftAgreement(db, draft, now)
    switch (drafted) {
      case 'drafted':
        return stepUp(c, {
          confirms: `agreement:${id}`,
          returnTo: `/konto/${account.id}/optankning`,
          message: say(texts.stepUpMessage)(firstName(account.child.name)),
        })
      case 'amount_too_small':
      case 'amount_too_large': {
        const { least, most } = topUpBounds(view.settings.money)
        const wrong = say(deposit.amountWrong)(evenKr(least), evenKr(most))
        return show(c, standing, { fields, errors: { amount: wrong } }, 400, null)
      }
      case 'changed': {
        const anew = { ...fields, id: formIdOr(undefined, now) }
        return show(c, standing, { fields: anew, errors: { agreement: say(deposit.changed) } }, 409, null)
      }
      case 'already':
      case 'child_left':
        return showAgain(c, say(texts.stale), 409)
      case 'not_found':
        return c.notFound()
    }
  })
  .get('/konto/:account/optankning/:agreement', async (c) => {
    const { view, db, now, municipality } = c.var
    const before = await ownAgreement(c)
    if (!before) return c.notFound()
    const tab = `/konto/${view.account.id}/optankning`
    const stripe = stripeOf(c.env, municipality)
    const settled = before.pageOpen && stripe ? await completeSetup(db, stripe, before.id, now) : 'settled'
    if (before.pageOpen && settled === 'settled') topUpSoon(c)
    const after = settled === 'settled' && before.pageOpen ? await ownAgreement(c) : before
    if (after && isInForce(after)) {
      const same = settled !== 'settled' || !before.pageOpen
      return c.redirect(same ? tab : `${tab}?gjort=${isUnfinished(before) ? 'oprettet' : 'kort'}`, 303)
    }
    if (!after || !isUnfinished(after)) return c.redirect(tab, 303)
    const standing = { own: after, others: false, terms: null }
    const errors: Fields = settled === 'unavailable' ? { agreement: view.say(texts.unanswered) } : {}
    return show(c, standing, { fields: {}, errors }, 200, null)
  })
  .post('/konto/:account/optankning/:agreement/annuller', async (c) => {
    const { view, db, now } = c.var
    const own = await ownAgreement(c)
    if (!own) return c.notFound()
    const cancelled = await cancelAgreement(db, { id: own.id, guardian: view.visit.guardian.id }, now)
    if (cancelled === 'not_found') return c.notFound()
    return c.redirect(`/konto/${view.account.id}/optankning?gjort=annulleret`, 303)
  })
  .post('/konto/:account/optankning/:agreement/kort', async (c) => {
    const { say, account } = c.var.view
    const own = await ownAgreement(c)
    if (!own) return c.notFound()
    if (!isInForce(own)) return showAgain(c, say(texts.stale), 409)
    return stepUp(c, {
      confirms: `card:${own.id}`,
      returnTo: `/konto/${account.id}/optankning`,
      message: say(texts.stepUpMessage)(firstName(account.child.name)),
    })
  })
  .post('/konto/:account/optankning/:agreement/genoptag', async (c) => {
    const { view, db, now } = c.var
    const own = await ownAgreement(c)
    if (!own) return c.notFound()
    const resumed = await resumeAgreement(db, { id: own.id, guardian: view.visit.guardian.id }, now)
    switch (resumed) {
      case 'resumed':
        topUpSoon(c)
        return c.redirect(`/konto/${view.account.id}/optankning?gjort=genoptaget`, 303)
      case 'card_needed':
      case 'ended':
        return showAgain(c, view.say(texts.stale), 409)
      case 'not_found':
        return c.notFound()
    }
  })
